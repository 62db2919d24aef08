/* Price levels; see book.h. */
#include "book.h"

#include <hawse/sha1.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_LEVELS = 32, DIGITS_MAX = 12, DECIMALS = 6 };

void book_init(struct book *book)
{
    memset(book, 0, sizeof(*book));
    book->side[SIDE_BID].ascending = true;
}

void book_finish(struct book *book)
{
    for (int i = 0; i < 2; i++) {
        free(book->side[i].price);
        free(book->side[i].level);
    }
    book_init(book);
}

void book_clear(struct book *book)
{
    book->side[SIDE_BID].count = book->side[SIDE_ASK].count = 0;
}

/* ---- numbers ---- */

#define ZEROS 0x3030303030303030u

static const uint64_t scale[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

/* Eight digits in one word, the first in its lowest byte. False: something is no digit. */
static inline bool eight_digits(uint64_t v, uint64_t *out)
{
    if (((v & 0xf0f0f0f0f0f0f0f0u) | ((v + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4) !=
        0x3333333333333333u)
        return false;
    v -= ZEROS;
    v = v * 10 + (v >> 8); /* pairs, then fours, then all eight */
    *out = ((v & 0x000000ff000000ffu) * 0x000f424000000064u +
            (v >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u) >>
           32;
    return true;
}

/* The same for 1 to 8 bytes, all at once: they stand in one word, the last in its highest byte; the
 * point is taken out, what is before them becomes '0'. False: not that simple, or no number. */
static inline bool short_number(hawse_view_t text, uint64_t *out)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
    uint64_t v, decimals = 0;
    unsigned missing = 8 - (unsigned)text.len;
    memcpy(&v, text.data, 8);
    v <<= 8 * missing;
    uint64_t x = v ^ 0x2e2e2e2e2e2e2e2eu;
    uint64_t points = ~(((x & low) + low) | x | low); /* 0x80 where a byte is '.' */
    if (points) {
        unsigned at = (unsigned)__builtin_ctzll(points) - 7;
        decimals = 7 - at / 8;
        if (decimals == 0 || decimals > DECIMALS || (points & (points - 1)) != 0)
            return false;
        v = (v & ~0ull << (at + 8)) | (v & ((1ull << at) - 1)) << 8;
        missing++;
    }
    if (!eight_digits(v | (ZEROS & ((1ull << 8 * missing) - 1)), out))
        return false;
    *out *= scale[decimals];
    return true;
}

/* "0." and 1 to 6 digits. */
static inline bool plain_price(hawse_view_t text, uint64_t *out)
{
    uint64_t v;
    if (text.len < 3 || text.len > 8 || text.data[0] != '0' || text.data[1] != '.')
        return false;
    memcpy(&v, text.data + 2, 8);
    unsigned missing = 10 - (unsigned)text.len;
    if (!eight_digits(v << 8 * missing | (ZEROS & ((1ull << 8 * missing) - 1)), out))
        return false;
    *out *= scale[text.len - 2];
    return true;
}

static int32_t any_number(hawse_view_t text, uint64_t *out)
{
    uint64_t n = 0;
    uint64_t i = 0;
    for (; i < text.len && text.data[i] != '.'; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9)
            return HAWSE_E_FORMAT;
        n = n * 10 + digit;
        if (i >= DIGITS_MAX)
            return HAWSE_E_RANGE;
    }
    uint64_t point = i, decimals = 0;
    for (i++; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9)
            return HAWSE_E_FORMAT;
        if (decimals == DECIMALS) {
            if (digit != 0)
                return HAWSE_E_RANGE;
            continue;
        }
        n = n * 10 + digit;
        decimals++;
    }
    if (text.len == 0 || (decimals == 0 && point + 1 == text.len) || (decimals == 0 && point == 0))
        return HAWSE_E_FORMAT;
    *out = n * scale[decimals];
    return HAWSE_OK;
}

int32_t book_number(hawse_view_t text, uint64_t *out)
{
    if (text.len > 0 && text.len <= 8 && short_number(text, out))
        return HAWSE_OK;
    return any_number(text, out);
}

int32_t book_price(hawse_view_t text, uint32_t *out)
{
    uint64_t n = 0;
    int32_t code = plain_price(text, &n) ? HAWSE_OK : book_number(text, &n);
    if (code != HAWSE_OK)
        return code;
    if (n == 0 || n >= BOOK_ONE)
        return HAWSE_E_RANGE;
    *out = (uint32_t)n;
    return HAWSE_OK;
}

/* ---- levels ---- */

static int32_t grow(struct book_side *s)
{
    uint32_t cap = s->cap ? s->cap * 2 : FIRST_LEVELS;
    if (s->count >= BOOK_LEVELS_MAX)
        return HAWSE_E_LIMIT;
    uint32_t *price = realloc(s->price, cap * sizeof(price[0]));
    if (!price)
        return HAWSE_E_NOMEM;
    s->price = price;
    struct level *level = realloc(s->level, cap * sizeof(level[0]));
    if (!level)
        return HAWSE_E_NOMEM;
    s->level = level;
    s->cap = cap;
    return HAWSE_OK;
}

static inline bool fill(struct level *l, const struct book_change *c)
{
    uint64_t price_len = c->price_text.len, size_len = c->size_text.len;
    if (price_len + size_len > LEVEL_TEXT)
        return false;
    l->size = c->size;
    l->price_len = (uint8_t)price_len;
    l->size_len = (uint8_t)size_len;
    if (price_len <= 8 && size_len <= 16) { /* whole words: no call for a few bytes */
        memcpy(l->text, c->price_text.data, 8);
        memcpy(l->text + price_len, c->size_text.data, 16);
    } else {
        memcpy(l->text, c->price_text.data, price_len);
        memcpy(l->text + price_len, c->size_text.data, size_len);
    }
    return true;
}

/* Where the price stands or would stand, looked for from the best level down. */
static uint32_t find(const struct book_side *s, uint32_t price)
{
    uint32_t i = s->count;
    if (s->ascending) {
        while (i > 0 && s->price[i - 1] > price)
            i--;
    } else {
        while (i > 0 && s->price[i - 1] < price)
            i--;
    }
    return i;
}

static void take_out(struct book_side *s, uint32_t at)
{
    uint32_t behind = s->count - at - 1;
    memmove(s->price + at, s->price + at + 1, behind * sizeof(s->price[0]));
    memmove(s->level + at, s->level + at + 1, behind * sizeof(s->level[0]));
    s->count--;
}

static int32_t put_in(struct book_side *s, uint32_t at, const struct book_change *c)
{
    if (s->count == s->cap) {
        int32_t code = grow(s);
        if (code != HAWSE_OK)
            return code;
    }
    struct level fresh;
    if (!fill(&fresh, c))
        return HAWSE_E_LIMIT;
    uint32_t behind = s->count - at;
    memmove(s->price + at + 1, s->price + at, behind * sizeof(s->price[0]));
    memmove(s->level + at + 1, s->level + at, behind * sizeof(s->level[0]));
    s->price[at] = c->price;
    s->level[at] = fresh;
    s->count++;
    return HAWSE_OK;
}

int32_t book_set(struct book *book, enum side side, const struct book_change *change)
{
    struct book_side *s = &book->side[side];
    uint32_t at = find(s, change->price);
    bool there = at > 0 && s->price[at - 1] == change->price;
    if (change->size == 0) {
        if (there)
            take_out(s, at - 1);
        return HAWSE_OK;
    }
    if (there)
        return fill(&s->level[at - 1], change) ? HAWSE_OK : HAWSE_E_LIMIT;
    return put_in(s, at, change);
}

/* ---- whole sides ---- */

/* One level with its numbers; sizes of 0 are legal and mean nothing. */
static int32_t take_level(struct book *book, enum side side, struct book_change *c)
{
    struct book_side *s = &book->side[side];
    int32_t code = book_price(c->price_text, &c->price);
    if (code == HAWSE_OK)
        code = book_number(c->size_text, &c->size);
    if (code != HAWSE_OK)
        return code;
    uint32_t last = s->count ? s->price[s->count - 1] : 0;
    bool behind = s->count == 0 || (s->ascending ? c->price > last : c->price < last);
    if (!behind || c->size == 0 || s->count == s->cap)
        return book_set(book, side, c);
    if (!fill(&s->level[s->count], c))
        return HAWSE_E_LIMIT;
    s->price[s->count++] = c->price;
    return HAWSE_OK;
}

/* A level as the venue writes it, {"price":"..","size":".."}, by its ten marks alone. */
static inline bool plain_level(const hawse_json_t *doc, const uint32_t *m, struct book_change *c)
{
    const uint8_t *t = doc->text;
    if (t[m[0]] != '{' || t[m[9]] != '}' || m[1] != m[0] + 1 || m[2] - m[1] != 6 ||
        memcmp(t + m[1], "\"price\":\"", 9) != 0 || m[3] != m[2] + 2 || m[5] != m[4] + 2 ||
        m[6] - m[5] != 5 || memcmp(t + m[4], "\",\"size\":\"", 10) != 0 || m[7] != m[6] + 2 ||
        m[9] != m[8] + 1)
        return false;
    c->price_text = (hawse_view_t){t + m[3] + 1, m[4] - m[3] - 1};
    c->size_text = (hawse_view_t){t + m[7] + 1, m[8] - m[7] - 1};
    return true;
}

static int32_t any_level(const hawse_json_t *doc, hawse_json_value_t *item, struct book_change *c)
{
    hawse_json_value_t price, size;
    if (hawse_json_get(doc, item, "price", &price) != HAWSE_OK ||
        hawse_json_get(doc, item, "size", &size) != HAWSE_OK || price.kind != HAWSE_JSON_STRING ||
        size.kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    c->price_text = (hawse_view_t){price.data, price.len};
    c->size_text = (hawse_view_t){size.data, size.len};
    return HAWSE_OK;
}

uint32_t book_load_plain(struct book *book, enum side side, const hawse_json_t *doc, uint32_t mark)
{
    struct book_change c;
    const uint32_t *m = doc->marks;
    uint32_t at = mark + 1;
    book->side[side].count = 0;
    if (at < doc->count && m[at] == m[mark] + 1 && doc->text[m[at]] == ']')
        return at;
    while (at + 10 < doc->count && plain_level(doc, m + at, &c) &&
           take_level(book, side, &c) == HAWSE_OK) {
        uint32_t behind = m[at + 9] + 1;
        at += 10;
        if (doc->text[behind] == ']' && m[at] == behind)
            return at;
        if (doc->text[behind] != ',' || m[at] != behind + 1)
            break;
    }
    book->side[side].count = 0;
    return 0;
}

int32_t book_load(struct book *book, enum side side, const hawse_json_t *doc,
                  hawse_json_value_t array)
{
    hawse_json_value_t item;
    struct book_change c;
    int32_t code = array.kind == HAWSE_JSON_ARRAY ? HAWSE_OK : HAWSE_E_FORMAT, more;
    book->side[side].count = 0;
    while (code == HAWSE_OK && (more = hawse_json_next(doc, &array, NULL, &item)) != 0) {
        code = more < 0 ? more : any_level(doc, &item, &c);
        if (code == HAWSE_OK)
            code = take_level(book, side, &c);
    }
    if (code != HAWSE_OK)
        book->side[side].count = 0;
    return code;
}

void book_take(struct book *to, struct book *from)
{
    struct book held = *to;
    *to = *from;
    *from = held;
}

bool book_crossed(const struct book *book)
{
    uint32_t bid, ask;
    uint64_t size;
    return book_best(book, SIDE_BID, &bid, &size) && book_best(book, SIDE_ASK, &ask, &size) &&
           bid >= ask;
}

/* ---- the check value ---- */

static uint8_t *add(uint8_t *out, const void *data, uint64_t len)
{
    if (len > 0)
        memcpy(out, data, len);
    return out + len;
}

#define ADD_TEXT(out, text) add(out, text, sizeof(text) - 1)

static uint8_t *add_side(uint8_t *out, const struct book_side *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct level *l = &s->level[i];
        if (i > 0)
            *out++ = ',';
        out = ADD_TEXT(out, "{\"price\":\"");
        out = add(out, l->text, l->price_len);
        out = ADD_TEXT(out, "\",\"size\":\"");
        out = add(out, l->text + l->price_len, l->size_len);
        out = ADD_TEXT(out, "\"}");
    }
    return out;
}

uint64_t book_text_size(const struct book *book, const struct book_texts *t)
{
    uint64_t levels = book->side[SIDE_BID].count + book->side[SIDE_ASK].count;
    return BOOK_TEXT_MAX + t->market.len + t->asset.len + t->timestamp.len + t->min_size.len +
           t->tick.len + t->last_price.len + levels * (LEVEL_TEXT + 23);
}

void book_hash(const struct book *book, const struct book_texts *t, uint8_t *scratch,
               uint8_t digest[20])
{
    uint8_t *out = scratch;
    out = ADD_TEXT(out, "{\"market\":\"");
    out = add(out, t->market.data, t->market.len);
    out = ADD_TEXT(out, "\",\"asset_id\":\"");
    out = add(out, t->asset.data, t->asset.len);
    out = ADD_TEXT(out, "\",\"timestamp\":\"");
    out = add(out, t->timestamp.data, t->timestamp.len);
    out = ADD_TEXT(out, "\",\"hash\":\"\",\"bids\":[");
    out = add_side(out, &book->side[SIDE_BID]);
    out = ADD_TEXT(out, "],\"asks\":[");
    out = add_side(out, &book->side[SIDE_ASK]);
    out = ADD_TEXT(out, "],\"min_order_size\":\"");
    out = add(out, t->min_size.data, t->min_size.len);
    out = ADD_TEXT(out, "\",\"tick_size\":\"");
    out = add(out, t->tick.data, t->tick.len);
    out = ADD_TEXT(out, "\",\"neg_risk\":");
    out = t->neg_risk ? ADD_TEXT(out, "true") : ADD_TEXT(out, "false");
    out = ADD_TEXT(out, ",\"last_trade_price\":\"");
    out = add(out, t->last_price.data, t->last_price.len);
    out = ADD_TEXT(out, "\"}");
    hawse_sha1(scratch, (uint64_t)(out - scratch), digest);
}
