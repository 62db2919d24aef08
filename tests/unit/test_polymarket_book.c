/*
 * The Polymarket book: check values of captured and generated books, a stream of frames in which
 * every change carries the hash of the book after it, odd frames, and random changes against a
 * model that keeps all prices in a table.
 */
#include "../../plugins/venues/polymarket/book.h"
#include "../../plugins/venues/polymarket/wire.h"
#include "harness.h"

#include <hawse/hex.h>
#include <hawse/sha1.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASSETS = 8, MARKS = 1 << 20 };

static uint32_t marks[MARKS];

static json_t *load_json(const char *name)
{
    char path[512];
    json_error_t error;
    (void)snprintf(path, sizeof(path), "%s/vectors/%s", test_source_dir(), name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        FAIL("%s: %s", path, error.text);
    return root;
}

/* Texts with bytes behind them, as those of a frame have; sixteen at a time. */
static hawse_view_t view(const char *text)
{
    static char ring[16][256];
    static uint32_t next;
    char *out = ring[next++ % 16];
    CHECK(strlen(text) + HAWSE_PADDING < sizeof(ring[0]));
    memset(out, '7', sizeof(ring[0]));
    memcpy(out, text, strlen(text));
    return (hawse_view_t){(const uint8_t *)out, strlen(text)};
}

static void check_digest(const uint8_t digest[20], hawse_view_t want, const char *what)
{
    uint8_t bytes[20];
    if (!wire_hash(want, bytes) || memcmp(bytes, digest, 20) != 0)
        FAIL("%s: the check value differs", what);
}

/* ---- SHA-1 ---- */

TEST(sha1, "SHA-1 gives the digests of FIPS 180-4's examples, at every border of its blocks")
{
    static const struct {
        const char *text;
        uint32_t repeat;
        const char *digest;
    } rows[] = {
        {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
        {"a", 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
        {"a", 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
        {"a", 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
        {"a", 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
        {"a", 65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = strlen(rows[i].text), len = n * rows[i].repeat;
        uint8_t *data = malloc(len + 1), digest[20];
        for (uint32_t k = 0; k < rows[i].repeat; k++)
            memcpy(data + k * n, rows[i].text, n);
        hawse_sha1(data, len, digest);
        check_digest(digest, view(rows[i].digest), rows[i].text);
        free(data);
    }
}

/* ---- numbers ---- */

TEST(numbers, "decimal texts become millionths exactly, and nothing else passes")
{
    static const struct {
        const char *text;
        int32_t code;
        uint64_t value;
    } rows[] = {
        {"0.48", 0, 480000},
        {".48", 0, 480000},
        {"0.920", 0, 920000},
        {"0", 0, 0},
        {"1", 0, 1000000},
        {"3149725.72", 0, 3149725720000},
        {"0.339428", 0, 339428},
        {"0.3394280", 0, 339428},
        {"999999999999.999999", 0, 999999999999999999},
        {"0.3394281", HAWSE_E_RANGE, 0},
        {"1000000000000", HAWSE_E_RANGE, 0},
        {"", HAWSE_E_FORMAT, 0},
        {".", HAWSE_E_FORMAT, 0},
        {"1.", HAWSE_E_FORMAT, 0},
        {"-1", HAWSE_E_FORMAT, 0},
        {"1e3", HAWSE_E_FORMAT, 0},
        {"0x1", HAWSE_E_FORMAT, 0},
        {" 1", HAWSE_E_FORMAT, 0},
        {"1.2.3", HAWSE_E_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t n = 0;
        int32_t code = book_number(view(rows[i].text), &n);
        if (code != rows[i].code || (code == 0 && n != rows[i].value))
            FAIL("%s: %d, %llu", rows[i].text, code, (unsigned long long)n);
    }
    uint32_t price;
    CHECK_EQ(book_price(view("1"), &price), HAWSE_E_RANGE);
    CHECK_EQ(book_price(view("0.0"), &price), HAWSE_E_RANGE);
    CHECK_EQ(book_price(view("0.0001"), &price), HAWSE_OK);
    CHECK_EQ(price, 100);
}

/* ---- check values ---- */

/* False: the pairs are not in the venue's order, which a book always has. */
static bool load_pairs(struct book *book, enum side side, const json_t *pairs)
{
    size_t i;
    json_t *pair;
    bool ordered = true;
    uint32_t last = side == SIDE_BID ? 0 : BOOK_ONE;
    json_array_foreach((json_t *)(uintptr_t)pairs, i, pair)
    {
        struct book_change c = {.price_text = view(json_string_value(json_array_get(pair, 0))),
                                .size_text = view(json_string_value(json_array_get(pair, 1)))};
        CHECK_EQ(book_price(c.price_text, &c.price), HAWSE_OK);
        CHECK_EQ(book_number(c.size_text, &c.size), HAWSE_OK);
        CHECK_EQ(book_set(book, side, &c), HAWSE_OK);
        ordered = ordered && (side == SIDE_BID ? c.price > last : c.price < last);
        last = c.price;
    }
    return ordered;
}

TEST(check_values, "the check value of a book is the venue's, for captured and generated books")
{
    json_t *root = load_json("polymarket-book-hash.json"), *row;
    size_t i, rows = 0, ordered = 0;
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        const json_t *b = json_object_get(row, "book");
        struct book book;
        uint8_t digest[20];
        book_init(&book);
        bool bids = load_pairs(&book, SIDE_BID, json_object_get(b, "bids"));
        bool asks = load_pairs(&book, SIDE_ASK, json_object_get(b, "asks"));
#define TEXT(key) view(json_string_value(json_object_get(b, key)))
        struct book_texts texts = {.market = TEXT("market"),
                                   .asset = TEXT("asset_id"),
                                   .timestamp = TEXT("timestamp"),
                                   .min_size = TEXT("min_order_size"),
                                   .tick = TEXT("tick_size"),
                                   .last_price = TEXT("last_trade_price"),
                                   .neg_risk = json_is_true(json_object_get(b, "neg_risk"))};
        uint8_t *scratch = malloc(book_text_size(&book, &texts));
        book_hash(&book, &texts, scratch, digest);
        if (bids && asks) {
            check_digest(digest, view(json_string_value(json_object_get(row, "sha1"))),
                         json_string_value(json_object_get(row, "id")));
            ordered++;
        }
        free(scratch);
        book_finish(&book);
        rows++;
    }
    CHECK_EQ(rows, 11);
    CHECK_EQ(ordered, 9);
    json_decref(root);
}

/* ---- the sample stream ---- */

struct asset {
    char id[96], market[80], tick[16], last[16], min_size[16], timestamp[20];
    bool neg_risk;
    struct book book;
};

struct replay {
    struct asset assets[ASSETS];
    struct book stage;
    uint32_t count, hashes, mismatches, bests, skipped, malformed;
};

static void keep(char *out, size_t cap, hawse_view_t text)
{
    CHECK(text.len < cap);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static struct asset *find(struct replay *r, hawse_view_t id)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (strlen(r->assets[i].id) == id.len && memcmp(r->assets[i].id, id.data, id.len) == 0)
            return &r->assets[i];
    }
    return NULL;
}

static void verify(struct replay *r, struct asset *a, hawse_view_t hash)
{
    struct book_texts t = {view(a->market), view(a->id),   view(a->timestamp), view(a->min_size),
                           view(a->tick),   view(a->last), a->neg_risk};
    static uint8_t scratch[1 << 20];
    uint8_t digest[20], want[20];
    if (!wire_hash(hash, want))
        return;
    CHECK(book_text_size(&a->book, &t) <= sizeof(scratch));
    book_hash(&a->book, &t, scratch, digest);
    r->hashes++;
    r->mismatches += memcmp(digest, want, 20) != 0;
}

static void on_book(struct replay *r, const struct wire_message *m)
{
    struct asset *a = find(r, m->text[WIRE_ASSET]);
    if (m->levels != HAWSE_OK)
        r->malformed++;
    if (!a || !m->has_side[SIDE_BID] || !m->has_side[SIDE_ASK]) {
        r->skipped++;
        return;
    }
    book_take(&a->book, &r->stage);
    keep(a->timestamp, sizeof(a->timestamp), m->text[WIRE_TIMESTAMP]);
    if (m->text[WIRE_TICK].len)
        keep(a->tick, sizeof(a->tick), m->text[WIRE_TICK]);
    if (m->text[WIRE_LAST_PRICE].len)
        keep(a->last, sizeof(a->last), m->text[WIRE_LAST_PRICE]);
    verify(r, a, m->text[WIRE_HASH]);
}

static void check_best(struct replay *r, const struct asset *a, const struct wire_change *c)
{
    uint32_t bid, ask;
    uint64_t size, said_bid = 0, said_ask = 0;
    (void)book_number(c->best_bid, &said_bid);
    (void)book_number(c->best_ask, &said_ask);
    (void)book_best(&a->book, SIDE_BID, &bid, &size);
    (void)book_best(&a->book, SIDE_ASK, &ask, &size);
    CHECK_EQ(bid, said_bid);
    CHECK_EQ(ask, said_ask);
    CHECK(!book_crossed(&a->book));
    r->bests++;
}

static void on_changes(struct replay *r, const struct wire_frame *frame, struct wire_message *m)
{
    struct wire_change c;
    int32_t more;
    while ((more = wire_next_change(frame, m, &c)) == 1) {
        struct asset *a = find(r, c.asset);
        if (!a) {
            r->skipped++;
            continue;
        }
        CHECK_EQ(book_set(&a->book, c.side, &c.level), HAWSE_OK);
        keep(a->timestamp, sizeof(a->timestamp), m->text[WIRE_TIMESTAMP]);
        verify(r, a, c.hash);
        check_best(r, a, &c);
    }
    r->malformed += more < 0;
}

static void on_frame(struct replay *r, const uint8_t *text, size_t len)
{
    static struct wire_message m;
    struct wire_frame frame;
    int32_t more = wire_begin(&frame, text, len, marks, MARKS);
    r->malformed += more != HAWSE_OK;
    while (more == HAWSE_OK && (more = wire_next(&frame, &r->stage, &m)) == 1) {
        struct asset *a = find(r, m.text[WIRE_ASSET]);
        more = HAWSE_OK;
        if (m.kind == WIRE_BOOK)
            on_book(r, &m);
        else if (m.kind == WIRE_PRICE_CHANGE)
            on_changes(r, &frame, &m);
        else if (m.kind == WIRE_TRADE && a)
            keep(a->last, sizeof(a->last), m.text[WIRE_PRICE]);
        else if (m.kind == WIRE_TICK_CHANGE && a)
            keep(a->tick, sizeof(a->tick), m.text[WIRE_NEW_TICK]);
        else
            r->skipped++;
    }
    r->malformed += more < 0 && frame.root.kind != 0;
}

static void replay_init(struct replay *r)
{
    json_t *meta = load_json("polymarket-market-meta.json"), *m;
    size_t i;
    memset(r, 0, sizeof(*r));
    book_init(&r->stage);
    json_array_foreach(meta, i, m)
    {
        for (size_t k = 0; k < 2; k++) {
            struct asset *a = &r->assets[r->count++];
            keep(a->id, sizeof(a->id),
                 view(json_string_value(json_array_get(json_object_get(m, "asset_ids"), k))));
            keep(a->market, sizeof(a->market),
                 view(json_string_value(json_object_get(m, "condition_id"))));
            keep(a->min_size, sizeof(a->min_size),
                 view(json_string_value(json_object_get(m, "min_order_size"))));
            a->neg_risk = json_is_true(json_object_get(m, "neg_risk"));
            book_init(&a->book);
        }
    }
    json_decref(meta);
}

static void replay_finish(struct replay *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        book_finish(&r->assets[i].book);
    book_finish(&r->stage);
}

/* Every line of the file through `take`, in a buffer of its own with padding. */
static void each_line(const char *name, void (*take)(struct replay *, const uint8_t *, size_t),
                      struct replay *r)
{
    char path[512];
    size_t len;
    (void)snprintf(path, sizeof(path), "%s/vectors/%s", test_source_dir(), name);
    uint8_t *text = test_read_file(path, &len);
    for (size_t at = 0; at < len;) {
        const uint8_t *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        uint8_t *line = calloc(1, n + HAWSE_PADDING);
        memcpy(line, text + at, n);
        take(r, line, n);
        free(line);
        at += n + 1;
    }
    free(text);
}

TEST(sample_stream,
     "after every change of the sample stream the book has the hash that came with it")
{
    static struct replay r;
    replay_init(&r);
    each_line("polymarket-market-channel.ndjson", on_frame, &r);
    CHECK_EQ(r.hashes, 332);
    CHECK_EQ(r.mismatches, 0);
    CHECK_EQ(r.malformed, 0);
    CHECK(r.bests > 200);
    replay_finish(&r);
}

/* The same frames with a space behind every colon and comma: any JSON, not the venue's own form. */
static void on_spaced(struct replay *r, const uint8_t *text, size_t len)
{
    json_t *value = json_loadb((const char *)text, len, 0, NULL);
    char *spaced = json_dumps(value, JSON_INDENT(1));
    size_t n = strlen(spaced);
    uint8_t *padded = calloc(1, n + HAWSE_PADDING);
    memcpy(padded, spaced, n);
    on_frame(r, padded, n);
    free(padded);
    free(spaced);
    json_decref(value);
}

TEST(spaced_stream, "frames written with other white space and line ends give the same books")
{
    static struct replay r;
    replay_init(&r);
    each_line("polymarket-market-channel.ndjson", on_spaced, &r);
    CHECK_EQ(r.hashes, 332);
    CHECK_EQ(r.mismatches, 0);
    replay_finish(&r);
}

TEST(odd_frames, "odd frames are skipped or counted, and leave the books alone")
{
    static struct replay r;
    replay_init(&r);
    each_line("polymarket-edge-frames.txt", on_frame, &r);
    CHECK_EQ(r.hashes, 0);
    CHECK_EQ(r.malformed, 5); /* PONG, INVALID OPERATION, cut off, levels that are none, ping */
    CHECK_EQ(r.assets[0].book.side[SIDE_BID].count, 0);
    replay_finish(&r);
}

TEST(cut_frames, "a frame cut off anywhere leaves no half of a book")
{
    static struct replay r;
    replay_init(&r);
    char path[512];
    size_t len;
    (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-market-channel.ndjson",
                   test_source_dir());
    uint8_t *text = test_read_file(path, &len);
    size_t first = (size_t)((uint8_t *)memchr(text, '\n', len) - text);
    for (size_t n = 1; n < first; n += 1 + n / 64) {
        uint8_t *cut = calloc(1, n + HAWSE_PADDING);
        memcpy(cut, text, n);
        on_frame(&r, cut, n);
        free(cut);
    }
    CHECK_EQ(r.hashes, 0);
    free(text);
    replay_finish(&r);
}

/* ---- against a model ---- */

TEST(random_changes, "100,000 random changes leave the book that a table of all prices has")
{
    enum { PRICES = 1000 };
    static uint64_t model[2][PRICES];
    struct book book;
    book_init(&book);
    memset(model, 0, sizeof(model));
    for (int step = 0; step < 100000; step++) {
        uint32_t tick = 1 + (uint32_t)(test_random() % (PRICES - 1));
        enum side side = test_random() % 2 ? SIDE_ASK : SIDE_BID;
        uint64_t cents = test_random() % 3 ? 1 + test_random() % 1000000 : 0;
        char price[16], size[24];
        (void)snprintf(price, sizeof(price), "0.%03u", tick);
        (void)snprintf(size, sizeof(size), "%llu.%02llu", (unsigned long long)cents / 100,
                       (unsigned long long)cents % 100);
        struct book_change c = {.price_text = view(price), .size_text = view(size)};
        CHECK_EQ(book_price(c.price_text, &c.price), HAWSE_OK);
        CHECK_EQ(book_number(c.size_text, &c.size), HAWSE_OK);
        CHECK_EQ(book_set(&book, side, &c), HAWSE_OK);
        model[side][tick] = cents * 10000;
        if (step % 97 != 0)
            continue;
        for (int s = 0; s < 2; s++) {
            const struct book_side *b = &book.side[s];
            uint32_t i = 0;
            for (uint32_t t = 1; t < PRICES; t++) {
                uint32_t at = s == SIDE_BID ? t : PRICES - t;
                if (model[s][at] == 0)
                    continue;
                CHECK(i < b->count);
                CHECK_EQ(b->price[i], at * 1000);
                CHECK_EQ_U64(b->level[i].size, model[s][at]);
                i++;
            }
            CHECK_EQ(i, b->count);
        }
    }
    book_finish(&book);
}

TEST(no_allocation, "once a book has had its levels, changes and snapshots allocate nothing")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    static struct replay r;
    replay_init(&r);
    for (int round = 0; round < 2; round++) {
        char path[512];
        size_t len;
        (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-market-channel.ndjson",
                       test_source_dir());
        uint8_t *text = test_read_file(path, &len);
        uint64_t before = test_alloc_count();
        for (size_t at = 0; at < len;) {
            size_t n = (size_t)((uint8_t *)memchr(text + at, '\n', len - at) - (text + at));
            on_frame(&r, text + at, n);
            at += n + 1;
        }
        if (round == 1)
            CHECK_EQ_U64(test_alloc_count() - before, 0);
        free(text);
    }
    replay_finish(&r);
}
