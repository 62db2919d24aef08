/*
 * What one message of Polymarket's market channel costs from the frame's bytes to the book:
 * indexing, reading, finding the asset by comparing its id, updating. Price changes as they come
 * (two entries, an asset and its complement) and whole books by size. Prints medians in
 * nanoseconds.
 */
#include "../../plugins/venues/polymarket/book.h"
#include "../../plugins/venues/polymarket/wire.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAMES = 512, RUNS = 9, ROUNDS = 40, FRAME_MAX = 1 << 17 };

static const char *const ids[2] = {
    "71321045679252212594626385532706912750332728571942532289631379312455583992563",
    "52114319501245915516055106046884209969926127482827954674443846427813813222426"};

struct frame {
    uint8_t *text;
    size_t len;
};

static struct book books[2], stage;
static uint32_t marks[1 << 16];
static uint64_t seed = 7;

static uint64_t random_below(uint64_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct book *find(hawse_view_t id)
{
    for (int i = 0; i < 2; i++) {
        if (id.len == strlen(ids[i]) && memcmp(id.data, ids[i], id.len) == 0)
            return &books[i];
    }
    return NULL;
}

static void take(const struct frame *f)
{
    struct wire_frame frame;
    static struct wire_message m;
    struct wire_change c;
    int32_t more;
    if (wire_begin(&frame, f->text, f->len, marks, 1 << 16) != HAWSE_OK)
        abort();
    while ((more = wire_next(&frame, &stage, &m)) == 1) {
        if (m.kind == WIRE_BOOK) {
            struct book *b = find(m.text[WIRE_ASSET]);
            if (!b || !m.has_side[0] || !m.has_side[1])
                abort();
            book_take(b, &stage);
        }
        while ((more = wire_next_change(&frame, &m, &c)) == 1) {
            struct book *b = find(c.asset);
            if (!b || book_set(b, c.side, &c.level) != HAWSE_OK)
                abort();
        }
        if (more < 0)
            abort();
    }
    if (more < 0)
        abort();
}

static void make_change(struct frame *f)
{
    bool bid = random_below(2);
    unsigned tick = (unsigned)(bid ? 500 - random_below(30) : 501 + random_below(30));
    unsigned cents = (unsigned)(random_below(8) ? random_below(1000000) : 0);
    f->text = calloc(1, 1024 + HAWSE_PADDING);
    f->len = (size_t)snprintf(
        (char *)f->text, 1024,
        "{\"market\":\"0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1\","
        "\"price_changes\":[{\"asset_id\":\"%s\",\"price\":\"0.%03u\",\"size\":\"%u.%02u\","
        "\"side\":\"%s\",\"hash\":\"d4175944db0f09c963350bdc7f4c79146e26a2f5\","
        "\"best_bid\":\"0.5\",\"best_ask\":\"0.501\"},{\"asset_id\":\"%s\",\"price\":\"0.%03u\","
        "\"size\":\"%u.%02u\",\"side\":\"%s\",\"hash\":"
        "\"53957ad41a11b36bd85f7df7552d46467dab08f0\","
        "\"best_bid\":\"0.499\",\"best_ask\":\"0.5\"}],\"timestamp\":\"1780449127122\","
        "\"event_type\":\"price_change\"}",
        ids[0], tick, cents / 100, cents % 100, bid ? "BUY" : "SELL", ids[1], 1000 - tick,
        cents / 100, cents % 100, bid ? "SELL" : "BUY");
}

static size_t add_levels(char *out, size_t room, unsigned from, int step, unsigned count)
{
    size_t n = 0;
    for (unsigned i = 0; i < count; i++)
        n += (size_t)snprintf(out + n, room - n, "%s{\"price\":\"0.%03u\",\"size\":\"%u.%02u\"}",
                              i ? "," : "", (unsigned)((int)from + step * (int)i),
                              (unsigned)random_below(10000), (unsigned)random_below(100));
    return n;
}

static void make_book(struct frame *f, unsigned levels)
{
    char *out = calloc(1, FRAME_MAX);
    size_t n = (size_t)snprintf(
        out, FRAME_MAX,
        "{\"market\":\"0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1\","
        "\"asset_id\":\"%s\",\"timestamp\":\"1780449126930\","
        "\"hash\":\"e6aa462a711d2773ad6712571c0984eb1b5b47cb\",\"bids\":[",
        ids[random_below(2)]);
    n += add_levels(out + n, FRAME_MAX - n, 501 - levels, 1, levels);
    n += (size_t)snprintf(out + n, FRAME_MAX - n, "],\"asks\":[");
    n += add_levels(out + n, FRAME_MAX - n, 501 + levels, -1, levels);
    n += (size_t)snprintf(out + n, FRAME_MAX - n,
                          "],\"tick_size\":\"0.001\",\"event_type\":\"book\"}");
    f->text = (uint8_t *)out;
    f->len = n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, const struct frame *frames)
{
    double runs[RUNS];
    size_t bytes = 0;
    for (int i = 0; i < FRAMES; i++)
        bytes += frames[i].len;
    for (int run = 0; run < RUNS; run++) {
        double begin = now();
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < FRAMES; i++)
                take(&frames[i]);
        }
        runs[run] = (now() - begin) / (double)(ROUNDS * FRAMES);
    }
    qsort(runs, RUNS, sizeof(runs[0]), by_value);
    printf("%-14s %6zu bytes  %8.0f ns  (%.0f to %.0f)\n", what, bytes / FRAMES, runs[RUNS / 2],
           runs[0], runs[RUNS - 1]);
}

int main(void)
{
    static struct frame frames[FRAMES];
    static const unsigned levels[] = {10, 32, 35, 499};
    book_init(&books[0]);
    book_init(&books[1]);
    book_init(&stage);
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < FRAMES; i++)
            make_book(&frames[i], levels[k]);
        measure("book", frames);
        for (int i = 0; i < FRAMES; i++)
            free(frames[i].text);
    }
    make_book(&frames[0], 32);
    take(&frames[0]);
    for (int i = 0; i < FRAMES; i++)
        make_change(&frames[i]);
    measure("price_change", frames);
    struct book_texts t = {.asset = hawse_text(ids[0])};
    static uint8_t scratch[1 << 20], digest[20];
    double begin = now();
    for (int i = 0; i < 20000; i++)
        book_hash(&books[0], &t, scratch, digest);
    printf("%-14s %6u levels %8.0f ns\n", "check value",
           books[0].side[0].count + books[0].side[1].count, (now() - begin) / 20000);
    return 0;
}
