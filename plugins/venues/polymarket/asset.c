/*
 * Assets and conditions by name, what is still to be told of each, gaps and their healing, and the
 * venue's check values. See polymarket.h.
 */
#include "polymarket.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHECKS_PER_TICK = 100, /* of a few microseconds each */
    MISMATCHES_MAX = 3,    /* in a row */
    MISMATCH_MS = 5000,    /* or for so long */
    DISTRUST_MAX = 3,
};

/* ---- names ---- */

bool names_init(struct names *n, const void *base, size_t stride, uint32_t cap)
{
    n->base = base;
    n->stride = stride;
    for (n->mask = 15; n->mask < 2 * cap;)
        n->mask = n->mask * 2 + 1;
    n->slots = malloc((n->mask + 1u) * sizeof(n->slots[0]));
    if (n->slots)
        memset(n->slots, 0xff, (n->mask + 1u) * sizeof(n->slots[0]));
    return n->slots != NULL;
}

/* Ids are hashes in decimal or hexadecimal: their last sixteen characters tell them apart. */
static uint32_t hash_of(hawse_view_t text)
{
    uint64_t tail[2] = {0, 0};
    uint64_t n = text.len < 16 ? text.len : 16;
    memcpy(tail, text.data + text.len - n, n);
    uint64_t h = (tail[0] ^ text.len) * 0x9e3779b97f4a7c15u;
    h = (h ^ tail[1] ^ h >> 29) * 0xff51afd7ed558ccdu;
    return (uint32_t)(h >> 32);
}

uint32_t names_find(const struct names *n, hawse_view_t text)
{
    if (text.len == 0)
        return NONE;
    for (uint32_t at = hash_of(text);; at++) {
        uint32_t index = n->slots[at & n->mask];
        if (index == NONE)
            return NONE;
        const struct name *name = (const struct name *)(const void *)(n->base + index * n->stride);
        if (name->len == text.len && memcmp(name->text, text.data, text.len) == 0)
            return index;
    }
}

void names_add(struct names *n, uint32_t index)
{
    const struct name *name = (const struct name *)(const void *)(n->base + index * n->stride);
    uint32_t at = hash_of((hawse_view_t){(const uint8_t *)name->text, name->len});
    while (n->slots[at & n->mask] != NONE)
        at++;
    n->slots[at & n->mask] = index;
}

static bool name_set(struct name *name, hawse_view_t text)
{
    if (text.len == 0 || text.len >= NAME_CAP)
        return false;
    memcpy(name->text, text.data, text.len);
    name->len = (uint32_t)text.len;
    return true;
}

void text_set(struct text *t, hawse_view_t from)
{
    if (from.len > TEXT_CAP)
        return;
    t->len = (uint8_t)from.len;
    if (from.len > 0)
        memcpy(t->bytes, from.data, from.len);
}

/* ---- making ---- */

uint32_t asset_add(struct pm *p, hawse_view_t id)
{
    hawse_u256_t number;
    uint32_t index = names_find(&p->asset_names, id);
    if (index != NONE)
        return index;
    if (p->asset_count == p->asset_cap || id.len == 0 || id.data[0] == '0' ||
        hawse_u256_parse(id.data, id.len, &number) != HAWSE_OK)
        return NONE;
    struct asset *a = &p->assets[p->asset_count];
    memset(a, 0, sizeof(*a));
    (void)name_set(&a->id, id);
    hawse_u256_to_be(&number, a->market);
    a->key = hawse_key(a->market, 32);
    a->connection = a->condition = a->next = a->next_due = NONE;
    book_init(&a->book);
    names_add(&p->asset_names, p->asset_count);
    return p->asset_count++;
}

uint32_t condition_add(struct pm *p, hawse_view_t id)
{
    uint8_t bytes[32];
    uint32_t index = names_find(&p->condition_names, id);
    if (index != NONE)
        return index;
    if (p->condition_count == p->condition_cap ||
        hawse_hex_fixed(id.data, id.len, bytes, 32) != HAWSE_OK)
        return NONE;
    struct condition *c = &p->conditions[p->condition_count];
    memset(c, 0, sizeof(*c));
    (void)name_set(&c->id, id);
    memcpy(c->bytes, bytes, 32);
    names_add(&p->condition_names, p->condition_count);
    return p->condition_count++;
}

/* ---- telling ---- */

void asset_tell(struct pm *p, struct asset *a, uint32_t what)
{
    a->tell |= what;
    if (a->queued)
        return;
    uint32_t index = (uint32_t)(a - p->assets);
    a->queued = true;
    a->next = NONE;
    if (p->tell_first == NONE)
        p->tell_first = index;
    else
        p->assets[p->tell_last].next = index;
    p->tell_last = index;
}

void asset_gap(struct pm *p, struct asset *a, uint32_t reason)
{
    a->hash_due = false;
    if (a->phase != ASSET_LIVE)
        return;
    a->phase = ASSET_GAP;
    a->gap_from = a->ts;
    a->gap_reason = reason;
    a->said = false;
    a->mismatches = 0;
    link_live(p, a, -1);
    missed_begin(p, a, reason);
    pm_add(p, p->count.gaps, 1);
    /* what was not told yet of the book that is now in doubt is not told any more */
    a->tell &= ~(TELL_SNAPSHOT | TELL_HEALED | TELL_QUOTE | TELL_CHECK);
    asset_tell(p, a, TELL_GAP);
}

/* What the message says of the market itself. */
static void learn(struct pm *p, struct asset *a, const struct wire_message *m)
{
    uint32_t info = 0;
    if (m->text[WIRE_TICK].len > 0 &&
        (m->text[WIRE_TICK].len != a->tick.len ||
         memcmp(m->text[WIRE_TICK].data, a->tick.bytes, a->tick.len) != 0)) {
        text_set(&a->tick, m->text[WIRE_TICK]);
        info = TELL_INFO;
    }
    if (m->text[WIRE_LAST_PRICE].len > 0)
        text_set(&a->last_price, m->text[WIRE_LAST_PRICE]);
    if (m->text[WIRE_MIN_SIZE].len > 0 && m->text[WIRE_NEG_RISK].len > 0) {
        info |= a->meta ? 0 : TELL_INFO;
        text_set(&a->min_size, m->text[WIRE_MIN_SIZE]);
        a->neg_risk = m->neg_risk;
        a->meta = true;
    }
    if (a->condition == NONE && m->text[WIRE_MARKET].len > 0) {
        a->condition = condition_add(p, m->text[WIRE_MARKET]);
        info |= a->condition == NONE ? 0 : TELL_INFO;
    }
    if (info)
        asset_tell(p, a, info);
}

static bool same_side(const struct book_side *a, const struct book_side *b)
{
    if (a->count != b->count || memcmp(a->price, b->price, a->count * sizeof(a->price[0])) != 0)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->level[i].size != b->level[i].size)
            return false;
    }
    return true;
}

static bool same_book(const struct book *a, const struct book *b)
{
    return same_side(&a->side[SIDE_BID], &b->side[SIDE_BID]) &&
           same_side(&a->side[SIDE_ASK], &b->side[SIDE_ASK]);
}

/* A book that was asked for beside one that is live: an audit, or after check values that differ.
 * True: the book in the stage is the right one. */
static bool compare(struct pm *p, struct asset *a, uint64_t ts)
{
    bool doubted = a->mismatches > 0;
    if (same_book(&a->book, &p->stage)) {
        a->distrust += doubted;
        a->mismatches = 0;
        return false;
    }
    if (ts < a->ts) { /* older than what was pushed meanwhile: says nothing */
        a->resync = a->resync || doubted;
        return false;
    }
    if (ts > a->ts && !doubted) { /* the change may be on its way: looked at again in a moment */
        a->suspect_ts = ts;
        a->suspect_ns = pm_now(p);
        return false;
    }
    asset_gap(p, a, HAWSE_REASON_MISSING);
    return true;
}

void asset_suspect(struct pm *p, struct asset *a)
{
    bool silent = a->ts < a->suspect_ts && a->phase == ASSET_LIVE;
    a->suspect_ts = 0;
    if (!silent)
        return;
    pm_add(p, p->count.silent, 1);
    asset_gap(p, a, HAWSE_REASON_SILENT);
    a->resync = true;
    link_silent(p, a);
}

/* Is the book in the stage older than what is known? */
static bool outdated(struct asset *a, uint64_t ts, bool pushed)
{
    if (a->phase == ASSET_LIVE)
        return ts < a->ts;
    if (pushed || ts >= a->missed_ts)
        return false;
    a->resync = true; /* a change passed while this answer was on its way */
    return true;
}

void asset_book(struct pm *p, struct asset *a, const struct wire_message *m, bool pushed)
{
    uint64_t ts = wire_millis(m->text[WIRE_TIMESTAMP]);
    if (a->connection == NONE) /* nobody follows it: there was no room for its subscription */
        return;
    learn(p, a, m);
    if (!pushed && a->phase == ASSET_LIVE && !compare(p, a, ts))
        return;
    if (outdated(a, ts, pushed)) {
        pm_add(p, p->count.stale, 1);
        return;
    }
    book_take(&a->book, &p->stage);
    a->ts = ts;
    text_set(&a->timestamp, m->text[WIRE_TIMESTAMP]);
    a->said = false;
    uint32_t tell = TELL_SNAPSHOT | TELL_QUOTE;
    if (a->phase != ASSET_LIVE) {
        tell |= a->phase == ASSET_GAP ? TELL_HEALED : TELL_LIVE;
        a->gap_to = ts;
        a->phase = ASSET_LIVE;
        a->resync = false;
        link_live(p, a, 1);
        missed_live(p, a);
        pm_add(p, p->count.healed, (tell & TELL_HEALED) != 0);
    }
    asset_tell(p, a, tell);
    if (book_crossed(&a->book)) {
        asset_gap(p, a, HAWSE_REASON_MISSING);
        a->resync = true;
    } else {
        asset_due(p, a, m->text[WIRE_HASH]);
    }
}

/* ---- check values ---- */

bool asset_queue_due(struct pm *p, struct asset *a)
{
    uint32_t index = (uint32_t)(a - p->assets);
    if (a->next_due != NONE || p->due_last == index)
        return false;
    if (p->due_first == NONE)
        p->due_first = index;
    else
        p->assets[p->due_last].next_due = index;
    p->due_last = index;
    return true;
}

void asset_due(struct pm *p, struct asset *a, hawse_view_t hash)
{
    if (a->distrust >= DISTRUST_MAX || !a->meta || a->tick.len == 0 || !wire_hash(hash, a->hash)) {
        a->hash_due = false;
        return;
    }
    (void)asset_queue_due(p, a);
    a->hash_due = true;
}

static void on_mismatch(struct pm *p, struct asset *a)
{
    uint64_t now = pm_now(p);
    pm_add(p, p->count.mismatches, 1);
    if (a->mismatches++ == 0)
        a->mismatch_ns = now;
    /* the last trade's price that the value covers may lag: once alone says nothing */
    if (a->mismatches >= MISMATCHES_MAX || now - a->mismatch_ns > MISMATCH_MS * MS_NS)
        a->resync = true;
    if (a->distrust + 1 == DISTRUST_MAX && a->resync)
        pm_complain(p,
                    "check values of asset %.*s differ though the book does not: if this goes on "
                    "they are no longer looked at",
                    (int)a->id.len, a->id.text);
}

static void check(struct pm *p, struct asset *a)
{
    uint8_t digest[20];
    struct book_texts t = {.asset = {(const uint8_t *)a->id.text, a->id.len},
                           .timestamp = text_view(&a->timestamp),
                           .min_size = text_view(&a->min_size),
                           .tick = text_view(&a->tick),
                           .last_price = text_view(&a->last_price),
                           .neg_risk = a->neg_risk};
    if (a->condition != NONE) {
        const struct name *market = &p->conditions[a->condition].id;
        t.market = (hawse_view_t){(const uint8_t *)market->text, market->len};
    }
    if (!pm_room(p, book_text_size(&a->book, &t)))
        return;
    book_hash(&a->book, &t, p->scratch, digest);
    pm_add(p, p->count.checked, 1);
    if (memcmp(digest, a->hash, 20) == 0)
        a->mismatches = 0;
    else
        on_mismatch(p, a);
}

void asset_check_due(struct pm *p)
{
    for (int i = 0; i < CHECKS_PER_TICK && p->due_first != NONE; i++) {
        struct asset *a = &p->assets[p->due_first];
        p->due_first = a->next_due;
        if (p->due_first == NONE)
            p->due_last = NONE;
        a->next_due = NONE;
        if (a->hash_due && a->phase == ASSET_LIVE)
            check(p, a);
        a->hash_due = false;
    }
}

void asset_check_best(struct pm *p, struct asset *a)
{
    uint32_t bid, ask;
    uint64_t size;
    if (a->phase != ASSET_LIVE)
        return;
    (void)book_best(&a->book, SIDE_BID, &bid, &size);
    (void)book_best(&a->book, SIDE_ASK, &ask, &size);
    bool differs = a->said && ((a->said_bid != 0 && a->said_bid != bid) ||
                               (a->said_ask != 0 && a->said_ask != ask && ask != 0));
    if (!differs && !book_crossed(&a->book))
        return;
    asset_gap(p, a, HAWSE_REASON_MISSING);
    a->resync = true;
}
