/* Fields and kinds of messages; see wire.h. */
#include "wire.h"

#include <hawse/hex.h>
#include <string.h>

struct name {
    const char *text;
    uint8_t field;
};

enum { NAME_MAX = 16, NAMES_MAX = 5 };

/* Field names by their length. */
static const struct name names[NAME_MAX + 1][NAMES_MAX] = {
    [4] = {{"side", WIRE_SIDE},
           {"size", WIRE_SIZE},
           {"hash", WIRE_HASH},
           {"bids", WIRE_BIDS},
           {"asks", WIRE_ASKS}},
    [5] = {{"price", WIRE_PRICE}},
    [6] = {{"market", WIRE_MARKET}},
    [8] = {{"asset_id", WIRE_ASSET},
           {"best_bid", WIRE_BEST_BID},
           {"best_ask", WIRE_BEST_ASK},
           {"neg_risk", WIRE_NEG_RISK}},
    [9] = {{"timestamp", WIRE_TIMESTAMP}, {"tick_size", WIRE_TICK}},
    [10] = {{"event_type", WIRE_TYPE}, {"assets_ids", WIRE_ASSETS}},
    [13] = {{"price_changes", WIRE_CHANGES}, {"new_tick_size", WIRE_NEW_TICK}},
    [14] = {{"min_order_size", WIRE_MIN_SIZE}},
    [16] = {{"last_trade_price", WIRE_LAST_PRICE},
            {"winning_asset_id", WIRE_WINNER},
            {"transaction_hash", WIRE_TX}},
};

static inline enum wire_field field_of(hawse_view_t key)
{
    if (key.len > NAME_MAX)
        return WIRE_NONE;
    const struct name *list = names[key.len];
    for (int i = 0; i < NAMES_MAX && list[i].text; i++) {
        if (list[i].text[0] == (char)key.data[0] && memcmp(list[i].text, key.data, key.len) == 0)
            return (enum wire_field)list[i].field;
    }
    return WIRE_NONE;
}

static bool is(hawse_view_t text, const char *what)
{
    return text.len == strlen(what) && memcmp(text.data, what, text.len) == 0;
}

static enum wire_kind kind_of(hawse_view_t type)
{
    static const struct {
        const char *text;
        enum wire_kind kind;
    } kinds[] = {
        {"price_change", WIRE_PRICE_CHANGE},    {"book", WIRE_BOOK},
        {"last_trade_price", WIRE_TRADE},       {"best_bid_ask", WIRE_BEST},
        {"tick_size_change", WIRE_TICK_CHANGE}, {"new_market", WIRE_NEW_MARKET},
        {"market_resolved", WIRE_RESOLVED},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is(type, kinds[i].text))
            return kinds[i].kind;
    }
    return WIRE_UNKNOWN;
}

/* ---- any JSON ---- */

static void take_text(struct wire_message *out, enum wire_field field,
                      const hawse_json_value_t *value)
{
    bool truth = value->kind == HAWSE_JSON_TRUE || value->kind == HAWSE_JSON_FALSE;
    if (field == WIRE_NEG_RISK ? truth : value->kind == HAWSE_JSON_STRING)
        out->text[field] = (hawse_view_t){value->data, value->len};
}

static int32_t read_any(const hawse_json_t *doc, hawse_json_value_t *object, struct book *stage,
                        struct wire_message *out)
{
    hawse_json_value_t value;
    hawse_view_t key;
    int32_t more;
    if (object->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    while ((more = hawse_json_next(doc, object, &key, &value)) == 1) {
        enum wire_field field = field_of(key);
        if (field < WIRE_TEXTS) {
            take_text(out, field, &value);
        } else if (field == WIRE_CHANGES) {
            if (value.kind == HAWSE_JSON_ARRAY)
                out->change_list = value;
        } else if (field == WIRE_ASSETS) {
            if (value.kind == HAWSE_JSON_ARRAY)
                out->assets = value;
        } else {
            enum side side = field == WIRE_BIDS ? SIDE_BID : SIDE_ASK;
            int32_t code = book_load(stage, side, doc, value);
            out->has_side[side] = code == HAWSE_OK;
            out->levels = code == HAWSE_OK ? out->levels : code;
        }
    }
    return more;
}

/* ---- the venue's own form ---- */

/* `"KEY":"` from mark m on, its value, and the byte behind it. */
#define PLAIN_MEMBER(doc, m, key, view, next)                                 \
    ((m)[2] == (m)[0] + sizeof(key) + 2 && (m)[1] == (m)[0] + sizeof(key) &&  \
     memcmp((doc)->text + (m)[0], "\"" key "\":\"", sizeof(key) + 3) == 0 &&  \
     ((view) = (hawse_view_t){(doc)->text + (m)[2] + 1, (m)[3] - (m)[2] - 1}, \
      (doc)->text[(m)[3] + 1] == (next)))

/* An entry as the venue writes it: seven texts in order, by its thirty marks alone. */
static inline bool plain_change(const hawse_json_t *doc, const uint32_t *m, struct wire_change *c)
{
    return doc->text[m[0]] == '{' && m[1] == m[0] + 1 &&
           PLAIN_MEMBER(doc, m + 1, "asset_id", c->asset, ',') &&
           PLAIN_MEMBER(doc, m + 5, "price", c->level.price_text, ',') &&
           PLAIN_MEMBER(doc, m + 9, "size", c->level.size_text, ',') &&
           PLAIN_MEMBER(doc, m + 13, "side", c->side_text, ',') &&
           PLAIN_MEMBER(doc, m + 17, "hash", c->hash, ',') &&
           PLAIN_MEMBER(doc, m + 21, "best_bid", c->best_bid, ',') &&
           PLAIN_MEMBER(doc, m + 25, "best_ask", c->best_ask, '}') && m[29] == m[28] + 1;
}

/* The entries behind the bracket at *mark; moves it behind the closing one, *at to its place. */
static bool plain_changes(const hawse_json_t *doc, uint32_t *mark, uint32_t *at,
                          struct wire_message *out)
{
    const uint32_t *m = doc->marks;
    uint32_t i = *mark + 1;
    while (i + 30 < doc->count && out->change_count < WIRE_CHANGES_MAX &&
           plain_change(doc, m + i, &out->changes[out->change_count])) {
        out->change_count++;
        uint32_t behind = m[i + 29] + 1;
        i += 30;
        if (doc->text[behind] == ']' && m[i] == behind) {
            *mark = i + 1;
            *at = behind;
            return true;
        }
        if (doc->text[behind] != ',' || m[i] != behind + 1)
            return false;
    }
    return false;
}

/* A list as a member's value; the same. */
static bool plain_list(const hawse_json_t *doc, enum wire_field field, struct book *stage,
                       uint32_t *mark, uint32_t *at, struct wire_message *out)
{
    if (field == WIRE_CHANGES)
        return plain_changes(doc, mark, at, out);
    if (field != WIRE_BIDS && field != WIRE_ASKS)
        return false;
    enum side side = field == WIRE_BIDS ? SIDE_BID : SIDE_ASK;
    uint32_t end = book_load_plain(stage, side, doc, *mark);
    if (end == 0)
        return false;
    out->has_side[side] = true;
    *at = doc->marks[end];
    *mark = end + 1;
    return true;
}

/* The value at the byte *at of a member; *mark is the first mark at or behind it. Moves both behind
 * it. */
static inline bool plain_value(const hawse_json_t *doc, enum wire_field field, struct book *stage,
                               uint32_t *mark, uint32_t *at, struct wire_message *out)
{
    const uint32_t *m = doc->marks;
    const uint8_t *t = doc->text;
    uint32_t i = *mark, value = *at;
    if (m[i] == value && t[value] == '"') {
        if (field < WIRE_TEXTS && field != WIRE_NEG_RISK)
            out->text[field] = (hawse_view_t){t + value + 1, m[i + 1] - value - 1};
        *at = m[i + 1] + 1;
        *mark = i + 2;
        return true;
    }
    if (m[i] == value && t[value] == '[') {
        bool good = plain_list(doc, field, stage, mark, at, out);
        ++*at;
        return good;
    }
    bool yes = memcmp(t + value, "true", 4) == 0;
    if (field != WIRE_NEG_RISK || (!yes && memcmp(t + value, "false", 5) != 0))
        return false;
    out->text[field] = (hawse_view_t){t + value, yes ? 4 : 5};
    *at = value + (yes ? 4 : 5);
    return true;
}

/* An object without a space whose members are texts, truths and known lists; *mark is its bracket's
 * and becomes that behind its end. False: it is written in another way, or broken. */
static bool read_plain(const hawse_json_t *doc, uint32_t *mark, struct book *stage,
                       struct wire_message *out)
{
    const uint32_t *m = doc->marks;
    const uint8_t *t = doc->text;
    uint32_t i = *mark + 1, at = m[*mark] + 1;
    for (;; at++) {
        if (i + 4 >= doc->count || m[i] != at || t[at] != '"' || t[m[i + 1] + 1] != ':')
            return false;
        hawse_view_t key = {t + at + 1, m[i + 1] - at - 1};
        at = m[i + 1] + 2;
        i += 2;
        if (!plain_value(doc, field_of(key), stage, &i, &at, out))
            return false;
        if (t[at] != ',')
            break;
    }
    *mark = i + 1;
    return i < doc->count && t[at] == '}' && m[i] == at;
}

/* ---- frames ---- */

int32_t wire_begin(struct wire_frame *frame, const uint8_t *text, uint64_t len, uint32_t *marks,
                   uint32_t cap)
{
    memset(frame, 0, sizeof(*frame));
    int32_t code = hawse_json_index(&frame->doc, text, len, marks, cap);
    if (code == HAWSE_OK)
        code = hawse_json_root(&frame->doc, &frame->root);
    if (code != HAWSE_OK)
        return code;
    if (frame->root.kind < HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    frame->mark = frame->root.kind == HAWSE_JSON_ARRAY ? frame->root.mark + 1 : 0;
    return HAWSE_OK;
}

static void clear(struct wire_message *out)
{
    memset(out, 0, offsetof(struct wire_message, changes));
}

/* 1, 0 at the end, -1: to be read as any JSON from here on. */
static int32_t next_plain(struct wire_frame *f, struct book *stage, struct wire_message *out)
{
    const hawse_json_t *doc = &f->doc;
    uint32_t mark = f->mark;
    if (mark >= doc->count)
        return -1;
    uint32_t before = doc->marks[mark - 1] + 1;
    if (f->seen > 0) { /* behind an element */
        if (doc->text[before] == ']' && doc->marks[mark] == before)
            return mark + 1 == doc->count ? 0 : -1;
        if (doc->text[before++] != ',')
            return -1;
    }
    if (doc->marks[mark] != before || doc->text[before] != '{' ||
        !read_plain(doc, &mark, stage, out))
        return -1;
    f->mark = mark;
    return 1;
}

static int32_t next_any(struct wire_frame *f, struct book *stage, struct wire_message *out)
{
    hawse_json_value_t item;
    int32_t code = 1;
    if (f->mark != 0) { /* so far compact: go over those again */
        f->mark = 0;
        for (uint32_t i = 0; i < f->seen && code == 1; i++)
            code = hawse_json_next(&f->doc, &f->root, NULL, &item);
    }
    if (code == 1)
        code = hawse_json_next(&f->doc, &f->root, NULL, &item);
    if (code != 1)
        return code < 0 ? HAWSE_E_FORMAT : code;
    clear(out);
    return read_any(&f->doc, &item, stage, out) == HAWSE_OK ? 1 : HAWSE_E_FORMAT;
}

static int32_t next_single(struct wire_frame *f, struct book *stage, struct wire_message *out)
{
    uint32_t mark = f->root.mark;
    if (f->seen > 0)
        return 0;
    if (read_plain(&f->doc, &mark, stage, out) && mark == f->doc.count)
        return 1;
    clear(out);
    return read_any(&f->doc, &f->root, stage, out) == HAWSE_OK ? 1 : HAWSE_E_FORMAT;
}

int32_t wire_next(struct wire_frame *frame, struct book *stage, struct wire_message *out)
{
    int32_t more;
    if (frame->over)
        return 0;
    clear(out);
    if (frame->root.kind == HAWSE_JSON_OBJECT) {
        more = next_single(frame, stage, out);
    } else {
        more = frame->mark ? next_plain(frame, stage, out) : -1;
        if (more < 0)
            more = next_any(frame, stage, out);
    }
    frame->over = more != 1;
    frame->seen++;
    out->neg_risk = out->text[WIRE_NEG_RISK].len == 4;
    out->kind = more == 1 ? kind_of(out->text[WIRE_TYPE]) : WIRE_UNKNOWN;
    return more;
}

static int32_t any_change(const hawse_json_t *doc, struct wire_message *m, struct wire_change *c)
{
    hawse_json_value_t item;
    struct wire_message entry;
    struct book none;
    if (m->change_list.kind == 0)
        return 0;
    int32_t code = hawse_json_next(doc, &m->change_list, NULL, &item);
    if (code != 1)
        return code < 0 ? HAWSE_E_FORMAT : code;
    clear(&entry);
    book_init(&none);
    code = read_any(doc, &item, &none, &entry);
    book_finish(&none);
    if (code != HAWSE_OK)
        return HAWSE_E_FORMAT;
    c->asset = entry.text[WIRE_ASSET];
    c->level.price_text = entry.text[WIRE_PRICE];
    c->level.size_text = entry.text[WIRE_SIZE];
    c->side_text = entry.text[WIRE_SIDE];
    c->hash = entry.text[WIRE_HASH];
    c->best_bid = entry.text[WIRE_BEST_BID];
    c->best_ask = entry.text[WIRE_BEST_ASK];
    return 1;
}

int32_t wire_next_change(const struct wire_frame *frame, struct wire_message *message,
                         struct wire_change *out)
{
    if (message->change_next < message->change_count) {
        *out = message->changes[message->change_next++];
    } else {
        int32_t more = any_change(&frame->doc, message, out);
        if (more != 1)
            return more;
    }
    bool bid = out->side_text.len == 3 && memcmp(out->side_text.data, "BUY", 3) == 0;
    if (!bid && !(out->side_text.len == 4 && memcmp(out->side_text.data, "SELL", 4) == 0))
        return HAWSE_E_FORMAT;
    out->side = bid ? SIDE_BID : SIDE_ASK;
    int32_t code = book_price(out->level.price_text, &out->level.price);
    if (code == HAWSE_OK)
        code = book_number(out->level.size_text, &out->level.size);
    return code == HAWSE_OK ? 1 : code;
}

uint64_t wire_millis(hawse_view_t text)
{
    uint64_t n = 0;
    if (text.len == 0 || text.len > 15)
        return 0;
    for (uint64_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9)
            return 0;
        n = n * 10 + digit;
    }
    return n;
}

bool wire_hash(hawse_view_t text, uint8_t out[20])
{
    return text.len == 40 && hawse_hex_decode(text.data, out, 20) == HAWSE_OK;
}
