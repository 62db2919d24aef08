/*
 * Assets and conditions of a saved state: all that is known of each, its book by the venue's own
 * texts, from which the numbers are read anew, and the queues of those that have something to tell
 * or a check value due. See polymarket.h, handover.c.
 *
 * Must never: take a byte of it for granted. What is counted (live assets of a connection, gaps) is
 * counted again.
 */
#include "polymarket.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

/* Bits of flags. */
enum { HASH_DUE = 1, META = 2, NEG_RISK = 4, SAID = 8, RESYNC = 16, NAMELESS = 32, FLAGS = 63 };
enum { TELL_ALL = 0xff };

struct saved_asset {
    uint8_t market[32];
    uint32_t connection, condition, phase, tell, flags, gap_reason, mismatches, distrust, state;
    uint32_t lost_reason;
    struct text timestamp, tick, min_size, last_price;
    uint8_t hash[20], unused[4];
    uint8_t winner[32];
    char outcome[16];
    hawse_market_level_t told[2];
    uint64_t ts, said_bid, said_ask, mismatch_ns, gap_from, gap_to, missed_ts;
    uint64_t subscribed_ns, resynced_ns, audited_ns, suspect_ts, suspect_ns;
    uint64_t lost_from_ms, lost_to_ms, lost_due_ns, since_ms;
};

struct saved_condition {
    struct name id;
    uint32_t fee_ppm, fee_exponent, state;
    uint64_t retry_ns, audited_ms;
};

/* ---- saving ---- */

static void put_side(const struct book_side *s, hawse_writer_t *w)
{
    hawse_writer_put(w, &s->count, sizeof(s->count));
    for (uint32_t i = 0; i < s->count; i++) {
        const struct level *l = &s->level[i];
        uint8_t lens[2] = {l->price_len, l->size_len};
        hawse_writer_put(w, lens, sizeof(lens));
        hawse_writer_put(w, l->text, (uint64_t)lens[0] + lens[1]);
    }
}

static void put_asset(const struct asset *a, hawse_writer_t *w)
{
    struct saved_asset s = {.connection = a->connection,
                            .condition = a->condition,
                            .phase = a->phase,
                            .tell = a->tell,
                            .flags = (a->hash_due ? HASH_DUE : 0u) | (a->meta ? META : 0u) |
                                     (a->neg_risk ? NEG_RISK : 0u) | (a->said ? SAID : 0u) |
                                     (a->resync ? RESYNC : 0u) | (a->nameless ? NAMELESS : 0u),
                            .gap_reason = a->gap_reason,
                            .mismatches = a->mismatches,
                            .distrust = a->distrust,
                            .state = a->state,
                            .lost_reason = a->lost.reason,
                            .timestamp = a->timestamp,
                            .tick = a->tick,
                            .min_size = a->min_size,
                            .last_price = a->last_price,
                            .told = {a->told[0], a->told[1]},
                            .ts = a->ts,
                            .said_bid = a->said_bid,
                            .said_ask = a->said_ask,
                            .mismatch_ns = a->mismatch_ns,
                            .gap_from = a->gap_from,
                            .gap_to = a->gap_to,
                            .missed_ts = a->missed_ts,
                            .subscribed_ns = a->subscribed_ns,
                            .resynced_ns = a->resynced_ns,
                            .audited_ns = a->audited_ns,
                            .suspect_ts = a->suspect_ts,
                            .suspect_ns = a->suspect_ns,
                            .lost_from_ms = a->lost.from_ms,
                            .lost_to_ms = a->lost.to_ms,
                            .lost_due_ns = a->lost.due_ns,
                            .since_ms = a->since_ms};
    memcpy(s.market, a->market, sizeof(s.market));
    memcpy(s.hash, a->hash, sizeof(s.hash));
    memcpy(s.winner, a->winner, sizeof(s.winner));
    memcpy(s.outcome, a->outcome, sizeof(s.outcome));
    hawse_writer_put(w, &s, sizeof(s));
    put_side(&a->book.side[SIDE_BID], w);
    put_side(&a->book.side[SIDE_ASK], w);
}

static void put_condition(const struct condition *c, hawse_writer_t *w)
{
    struct saved_condition s = {.id = c->id,
                                .fee_ppm = c->fee_ppm,
                                .fee_exponent = c->fee_exponent,
                                .state = c->state,
                                .retry_ns = c->retry_ns,
                                .audited_ms = c->audited_ms};
    hawse_writer_put(w, &s, sizeof(s));
}

/* A queue's assets in its order, and NONE. */
static void put_queue(const struct pm *p, bool due, hawse_writer_t *w)
{
    uint32_t i = due ? p->due_first : p->tell_first;
    for (; i != NONE; i = due ? p->assets[i].next_due : p->assets[i].next)
        hawse_writer_put(w, &i, sizeof(i));
    hawse_writer_put(w, &i, sizeof(i));
}

void handover_put_assets(const struct pm *p, hawse_writer_t *w)
{
    hawse_writer_put(w, &p->condition_count, sizeof(p->condition_count));
    for (uint32_t i = 0; i < p->condition_count; i++)
        put_condition(&p->conditions[i], w);
    hawse_writer_put(w, &p->asset_count, sizeof(p->asset_count));
    for (uint32_t i = 0; i < p->asset_count; i++)
        put_asset(&p->assets[i], w);
    put_queue(p, false, w);
    put_queue(p, true, w);
}

/* ---- restoring ---- */

/* A level as the venue wrote it, behind the one before. */
static void get_level(struct book *book, enum side side, hawse_reader_t *r)
{
    uint8_t lens[2], text[LEVEL_TEXT + HAWSE_PADDING] = {0};
    struct book_change c;
    uint32_t before = book->side[side].count;
    hawse_reader_get(r, lens, sizeof(lens));
    hawse_reader_must(r, (uint32_t)lens[0] + lens[1] <= LEVEL_TEXT);
    if (!hawse_reader_good(r))
        return;
    hawse_reader_get(r, text, (uint64_t)lens[0] + lens[1]);
    c.price_text = (hawse_view_t){text, lens[0]};
    c.size_text = (hawse_view_t){text + lens[0], lens[1]};
    hawse_reader_must(r, book_price(c.price_text, &c.price) == HAWSE_OK &&
                             book_number(c.size_text, &c.size) == HAWSE_OK && c.size > 0);
    hawse_reader_must(r, hawse_reader_good(r) && book_set(book, side, &c) == HAWSE_OK &&
                             book->side[side].count == before + 1 &&
                             book->side[side].price[before] == c.price);
}

static void get_book(struct book *book, hawse_reader_t *r)
{
    for (int side = SIDE_BID; side <= SIDE_ASK; side++) {
        uint32_t count = 0;
        hawse_reader_get(r, &count, sizeof(count));
        hawse_reader_must(r, count <= BOOK_LEVELS_MAX);
        for (uint32_t i = 0; i < count && hawse_reader_good(r); i++)
            get_level(book, (enum side)side, r);
    }
}

static bool is_text(const struct text *t)
{
    return t->len <= TEXT_CAP;
}

/* What has indexes and lengths. */
static bool is_sound(const struct pm *p, const struct saved_asset *s)
{
    return (s->connection == NONE ? s->phase == ASSET_WAITING
                                  : s->connection < p->connection_count) &&
           (s->condition == NONE || s->condition < p->condition_count) && s->phase <= ASSET_GAP &&
           s->tell <= TELL_ALL && s->flags <= FLAGS && s->state <= HAWSE_MARKET_RESOLVED &&
           is_text(&s->timestamp) && is_text(&s->tick) && is_text(&s->min_size) &&
           is_text(&s->last_price);
}

static void take_asset(struct asset *a, const struct saved_asset *s)
{
    a->connection = s->connection;
    a->condition = s->condition;
    a->phase = (enum phase)s->phase;
    a->tell = s->tell;
    a->hash_due = (s->flags & HASH_DUE) != 0;
    a->meta = (s->flags & META) != 0;
    a->neg_risk = (s->flags & NEG_RISK) != 0;
    a->said = (s->flags & SAID) != 0;
    a->resync = (s->flags & RESYNC) != 0;
    a->nameless = (s->flags & NAMELESS) != 0;
    a->gap_reason = s->gap_reason;
    a->mismatches = s->mismatches;
    a->distrust = s->distrust;
    a->state = s->state;
    a->timestamp = s->timestamp;
    a->tick = s->tick;
    a->min_size = s->min_size;
    a->last_price = s->last_price;
    memcpy(a->hash, s->hash, sizeof(a->hash));
    memcpy(a->winner, s->winner, sizeof(a->winner));
    memcpy(a->outcome, s->outcome, sizeof(a->outcome));
    memcpy(a->told, s->told, sizeof(a->told));
    a->ts = s->ts;
    a->said_bid = s->said_bid;
    a->said_ask = s->said_ask;
    a->mismatch_ns = s->mismatch_ns;
    a->gap_from = s->gap_from;
    a->gap_to = s->gap_to;
    a->missed_ts = s->missed_ts;
    a->subscribed_ns = s->subscribed_ns;
    a->resynced_ns = s->resynced_ns;
    a->audited_ns = s->audited_ns;
    a->suspect_ts = s->suspect_ts;
    a->suspect_ns = s->suspect_ns;
    a->lost.from_ms = s->lost_from_ms;
    a->lost.to_ms = s->lost_to_ms;
    a->lost.due_ns = s->lost_due_ns;
    a->lost.reason = s->lost_reason;
    a->since_ms = s->since_ms;
}

/* Asset `i`: all else names it by its index. */
static void get_asset(struct pm *p, uint32_t i, hawse_reader_t *r)
{
    struct saved_asset s;
    char id[HAWSE_U256_DECIMAL_MAX];
    hawse_u256_t number;
    hawse_reader_get(r, &s, sizeof(s));
    hawse_u256_from_be(s.market, &number);
    uint32_t len = hawse_u256_decimal(&number, id);
    hawse_reader_must(r, hawse_reader_good(r) && is_sound(p, &s) &&
                             asset_add(p, (hawse_view_t){(const uint8_t *)id, len}) == i);
    if (!hawse_reader_good(r))
        return;
    struct asset *a = &p->assets[i];
    take_asset(a, &s);
    p->missed.open += a->lost.from_ms != 0;
    if (a->connection != NONE) {
        p->connections[a->connection].assets++;
        p->connections[a->connection].live += a->phase == ASSET_LIVE;
    }
    get_book(&a->book, r);
}

static void get_condition(struct pm *p, uint32_t i, hawse_reader_t *r)
{
    struct saved_condition s;
    hawse_reader_get(r, &s, sizeof(s));
    hawse_reader_must(r, s.id.len < NAME_CAP);
    hawse_view_t id = {(const uint8_t *)s.id.text, s.id.len};
    hawse_reader_must(r, hawse_reader_good(r) && condition_add(p, id) == i);
    if (!hawse_reader_good(r))
        return;
    struct condition *c = &p->conditions[i];
    c->fee_ppm = s.fee_ppm;
    c->fee_exponent = s.fee_exponent;
    c->state = s.state;
    c->retry_ns = s.retry_ns;
    c->audited_ms = s.audited_ms;
}

/* Those with something to tell; none twice. */
static void get_tells(struct pm *p, hawse_reader_t *r)
{
    for (;;) {
        uint32_t i = NONE;
        hawse_reader_get(r, &i, sizeof(i));
        if (i == NONE || !hawse_reader_good(r))
            return;
        hawse_reader_must(r, i < p->asset_count && !p->assets[i].queued);
        if (hawse_reader_good(r))
            asset_tell(p, &p->assets[i], 0);
    }
}

static void get_dues(struct pm *p, hawse_reader_t *r)
{
    for (;;) {
        uint32_t i = NONE;
        hawse_reader_get(r, &i, sizeof(i));
        if (i == NONE || !hawse_reader_good(r))
            return;
        hawse_reader_must(r, i < p->asset_count && asset_queue_due(p, &p->assets[i]));
    }
}

void handover_get_assets(struct pm *p, hawse_reader_t *r)
{
    uint32_t count = 0;
    hawse_reader_get(r, &count, sizeof(count));
    hawse_reader_must(r, count <= p->condition_cap && count >= p->condition_count);
    for (uint32_t i = 0; i < count && hawse_reader_good(r); i++)
        get_condition(p, i, r);
    hawse_reader_get(r, &count, sizeof(count));
    hawse_reader_must(r, count <= p->asset_cap && count >= p->asset_count);
    for (uint32_t i = 0; i < count && hawse_reader_good(r); i++)
        get_asset(p, i, r);
    get_tells(p, r);
    get_dues(p, r);
}
