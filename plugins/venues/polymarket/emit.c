/*
 * Records out; see polymarket.h. Changes are told at once; where there is no room, the asset is
 * queued and told as a whole book later. What must not be left out is held.
 */
#include "polymarket.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_ID = 137, DECIMALS = 6, HELD_FIRST = 64 };

/* pUSD on Polygon, of which prices are made */
static const uint8_t quote_token[20] = {0xC0, 0x11, 0xa7, 0xE1, 0x2a, 0x19, 0xf7, 0xB1, 0xf6, 0x70,
                                        0xd4, 0x6F, 0x03, 0xB0, 0x3f, 0x33, 0x42, 0xE8, 0x2D, 0xFB};

static hawse_event_t event_of(const struct pm *p, uint16_t space, uint16_t kind, uint32_t stream,
                              uint64_t key, uint64_t ts)
{
    return (hawse_event_t){.size = sizeof(hawse_event_t),
                           .space = space,
                           .kind = kind,
                           .stream = stream,
                           .epoch = p->epoch,
                           .t_source_ns = ts * MS_NS,
                           .key = key};
}

static bool publish(struct pm *p, hawse_event_t *event, const void *record, uint64_t len)
{
    event->data = record;
    event->len = len;
    return p->sub->publish(p->host, p->self, event) != HAWSE_E_AGAIN;
}

static hawse_u256_t amount(uint64_t n)
{
    return (hawse_u256_t){{n, 0, 0, 0}};
}

static hawse_u256_t negative(uint64_t n)
{
    uint64_t high = n ? UINT64_MAX : 0;
    return (hawse_u256_t){{0 - n, high, high, high}};
}

/* ---- held ---- */

/* Room for one more; the newest is given up only when memory ends, and that is a gap to come. */
static struct held *hold(struct pm *p, const hawse_event_t *event)
{
    if (p->held_first > 0 && p->held_first == p->held_count)
        p->held_first = p->held_count = 0;
    if (p->held_count == p->held_cap) {
        uint32_t cap = p->held_cap ? p->held_cap * 2 : HELD_FIRST;
        struct held *bigger = realloc(p->held, cap * sizeof(bigger[0]));
        if (!bigger) {
            pm_log(p, HAWSE_LOG_ERROR, "no memory: a trade was lost");
            return NULL;
        }
        p->held = bigger;
        p->held_cap = cap;
    }
    struct held *h = &p->held[p->held_count++];
    memset(&h->record, 0, sizeof(h->record));
    h->event = *event;
    return h;
}

static bool flush_held(struct pm *p)
{
    while (p->held_first < p->held_count) {
        struct held *h = &p->held[p->held_first];
        if (!publish(p, &h->event, &h->record, h->event.len))
            return false;
        p->held_first++;
    }
    p->held_first = p->held_count = 0;
    return true;
}

/* ---- what may not be left out ---- */

/* A trade of an outcome, of `shares` for `usd`, by who took. */
static struct held *hold_trade(struct pm *p, const struct asset *a, uint64_t ms, uint32_t side,
                               uint64_t price, uint64_t shares, uint64_t usd)
{
    hawse_event_t event =
        event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES, a->key, ms);
    event.len = sizeof(hawse_market_trade_t);
    struct held *h = hold(p, &event);
    if (!h)
        return NULL;
    hawse_market_trade_t *t = &h->record.trade;
    bool sell = side == HAWSE_SIDE_SELL;
    t->size = sizeof(*t);
    t->side = side;
    memcpy(t->market, a->market, 32);
    t->amount0 = sell ? amount(shares) : negative(shares);
    t->amount1 = sell ? negative(usd) : amount(usd);
    t->price_mantissa = price;
    t->price_exponent = -DECIMALS;
    t->origin.chain_id = CHAIN_ID;
    return h;
}

void emit_trade(struct pm *p, struct asset *a, const struct wire_message *m,
                const hawse_event_t *by)
{
    uint32_t price;
    uint64_t size;
    uint64_t ts = wire_millis(m->text[WIRE_TIMESTAMP]);
    hawse_view_t side = m->text[WIRE_SIDE], tx = m->text[WIRE_TX];
    if (book_price(m->text[WIRE_PRICE], &price) != HAWSE_OK ||
        book_number(m->text[WIRE_SIZE], &size) != HAWSE_OK) {
        pm_add(p, p->count.malformed, 1);
        return;
    }
    struct held *h = hold_trade(p, a, ts, pm_side(side), price, size,
                                (uint64_t)((unsigned __int128)price * size / BOOK_ONE));
    if (!h)
        return;
    h->event.t_recv_ns = by->t_recv_ns;
    if (!pm_tx(tx, h->record.trade.origin.tx_hash))
        a->nameless = true;
    if (!missed_pushed(p, a, &h->record.trade, ts)) {
        p->held_count--;
        pm_add(p, p->count.stale, 1);
    }
}

void emit_missed(struct pm *p, const struct asset *a, const struct wallet_row *row)
{
    const hawse_wallet_fill_t *f = &row->fill;
    struct held *h = hold_trade(p, a, row->time * 1000, f->side, (row->price + 500000) / 1000000,
                                f->amount0.limb[0], f->amount1.limb[0]);
    if (!h)
        return;
    h->event.flags = HAWSE_EVENT_BACKFILLED;
    memcpy(h->record.trade.origin.tx_hash, f->origin.tx_hash, 32);
    h->record.trade.origin.block_timestamp = row->time;
    pm_add(p, p->count.late, 1);
}

void emit_fill(struct pm *p, const struct wallet *w, const hawse_wallet_fill_t *fill,
               uint32_t flags, uint64_t t_recv_ns)
{
    hawse_event_t event = event_of(p, HAWSE_SPACE_WALLET, HAWSE_WALLET_FILL, WALLET_STREAM, w->key,
                                   fill->origin.block_timestamp * 1000);
    event.flags = flags;
    event.t_recv_ns = t_recv_ns;
    event.len = sizeof(*fill);
    struct held *h = hold(p, &event);
    if (!h)
        return;
    h->record.fill = *fill;
    h->record.fill.origin.chain_id = CHAIN_ID;
    memcpy(h->record.fill.wallet, w->bytes, 32);
    pm_add(p, p->count.fills, 1);
}

void emit_new_market(struct pm *p, const uint8_t market[32], const uint8_t group[32], uint64_t ms)
{
    uint64_t key = hawse_key(market, 32);
    hawse_event_t event =
        event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO, key, ms);
    event.len = sizeof(hawse_market_info_t);
    struct held *h = hold(p, &event);
    if (!h)
        return;
    hawse_market_info_t *info = &h->record.info;
    *info = (hawse_market_info_t){
        .size = sizeof(*info), .decimals = {DECIMALS, DECIMALS}, .symbol = {"", "pUSD"}};
    memcpy(info->market, market, 32);
    memcpy(info->token[0], market, 32);
    memcpy(info->token[1] + 12, quote_token, 20);
    memcpy(info->group, group, 32);
    event.kind = HAWSE_MARKET_STATE;
    event.stream = HAWSE_MARKET_STREAM_STATES;
    event.len = sizeof(hawse_market_state_t);
    h = hold(p, &event);
    if (!h)
        return;
    h->record.state = (hawse_market_state_t){.size = sizeof(h->record.state),
                                             .state = HAWSE_MARKET_OPEN,
                                             .origin = {.chain_id = CHAIN_ID}};
    memcpy(h->record.state.market, market, 32);
}

void emit_own(struct pm *p, uint16_t kind, const void *record, uint64_t len, uint64_t ms,
              uint32_t flags)
{
    const uint8_t *wallet = kind == HAWSE_WALLET_ORDER
                                ? ((const hawse_wallet_order_t *)record)->wallet
                                : ((const hawse_wallet_trade_t *)record)->wallet;
    hawse_event_t event =
        event_of(p, HAWSE_SPACE_WALLET, kind, ACCOUNT_STREAM, hawse_key(wallet, 32), ms);
    event.flags = flags;
    event.len = len;
    struct held *h = hold(p, &event);
    if (!h)
        return;
    memcpy(&h->record, record, len);
    if (kind == HAWSE_WALLET_TRADE)
        h->record.own.origin.chain_id = CHAIN_ID;
    pm_add(p, kind == HAWSE_WALLET_ORDER ? p->count.orders : p->count.trades, 1);
}

void emit_range(struct pm *p, uint16_t kind, uint32_t stream, uint64_t key, uint32_t reason,
                uint64_t from, uint64_t to)
{
    hawse_event_t event = event_of(p, HAWSE_SPACE_STREAM, kind, stream, key, 0);
    event.len = sizeof(hawse_stream_range_t);
    struct held *h = hold(p, &event);
    if (h)
        h->record.range = (hawse_stream_range_t){
            .size = sizeof(h->record.range), .reason = reason, .from = from, .to = to};
}

/* ---- books ---- */

void emit_delta(struct pm *p, struct asset *a, const struct wire_change *c, const hawse_event_t *by)
{
    struct {
        hawse_market_book_t head;
        hawse_market_level_t level;
    } record = {.head = {.size = sizeof(record.head),
                         .bid_count = c->side == SIDE_BID,
                         .ask_count = c->side == SIDE_ASK,
                         .price_exponent = -DECIMALS,
                         .size_exponent = -DECIMALS,
                         .levels_offset = sizeof(record.head)},
                .level = {c->level.price, c->level.size}};
    if (a->tell & TELL_SNAPSHOT)
        return; /* the whole book is to be told anyway */
    hawse_event_t event = event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_DELTA,
                                   HAWSE_MARKET_STREAM_BOOKS, a->key, a->ts);
    event.t_recv_ns = by->t_recv_ns;
    memcpy(record.head.market, a->market, 32);
    (void)wire_hash(c->hash, record.head.hash);
    if (!publish(p, &event, &record, sizeof(record)))
        asset_tell(p, a, TELL_SNAPSHOT);
}

static hawse_market_level_t *add_levels(hawse_market_level_t *out, const struct book_side *s)
{
    for (uint32_t i = s->count; i-- > 0;)
        *out++ = (hawse_market_level_t){s->price[i], s->level[i].size};
    return out;
}

static bool tell_snapshot(struct pm *p, struct asset *a)
{
    const struct book_side *bids = &a->book.side[SIDE_BID], *asks = &a->book.side[SIDE_ASK];
    uint64_t len = sizeof(hawse_market_book_t) +
                   sizeof(hawse_market_level_t) * ((uint64_t)bids->count + asks->count);
    uint8_t *out = p->sub->reserve(p->host, p->self, len);
    if (!out)
        return false;
    hawse_market_book_t *head = (hawse_market_book_t *)(void *)out;
    *head = (hawse_market_book_t){.size = sizeof(*head),
                                  .bid_count = bids->count,
                                  .ask_count = asks->count,
                                  .price_exponent = -DECIMALS,
                                  .size_exponent = -DECIMALS,
                                  .levels_offset = sizeof(*head)};
    memcpy(head->market, a->market, 32);
    memcpy(head->hash, a->hash, 20);
    hawse_market_level_t *levels = (hawse_market_level_t *)(void *)(head + 1);
    (void)add_levels(add_levels(levels, bids), asks);
    hawse_event_t event = event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_SNAPSHOT,
                                   HAWSE_MARKET_STREAM_BOOKS, a->key, a->ts);
    return publish(p, &event, out, len);
}

static bool tell_info(struct pm *p, struct asset *a)
{
    uint64_t tick = 0, min_size = 0;
    hawse_market_info_t info = {.size = sizeof(info),
                                .decimals = {DECIMALS, DECIMALS},
                                .symbol = {"", "pUSD"},
                                .tick_exponent = -DECIMALS};
    (void)book_number(text_view(&a->tick), &tick);
    (void)book_number(text_view(&a->min_size), &min_size);
    info.tick_mantissa = tick;
    info.min_size = min_size;
    memcpy(info.market, a->market, 32);
    memcpy(info.token[0], a->market, 32);
    memcpy(info.token[1] + 12, quote_token, 20);
    memcpy(info.symbol[0], a->outcome, sizeof(a->outcome));
    info.flags = a->neg_risk ? HAWSE_MARKET_NEG_RISK : 0;
    if (a->condition != NONE) {
        const struct condition *c = &p->conditions[a->condition];
        memcpy(info.group, c->bytes, 32);
        info.fee_ppm = c->fee_ppm;
        info.fee_exponent = c->fee_exponent;
    }
    hawse_event_t event =
        event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO, a->key, a->ts);
    return publish(p, &event, &info, sizeof(info));
}

static bool tell_state(struct pm *p, struct asset *a)
{
    hawse_market_state_t state = {.size = sizeof(state), .state = a->state};
    memcpy(state.market, a->market, 32);
    memcpy(state.outcome, a->winner, 32);
    state.origin.chain_id = CHAIN_ID;
    hawse_event_t event = event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_STATE,
                                   HAWSE_MARKET_STREAM_STATES, a->key, a->ts);
    return publish(p, &event, &state, sizeof(state));
}

static bool tell_quote(struct pm *p, struct asset *a)
{
    hawse_market_quote_t q = {
        .size = sizeof(q), .price_exponent = -DECIMALS, .size_exponent = -DECIMALS};
    hawse_market_level_t *best[2] = {&q.bid, &q.ask};
    for (int i = 0; i < 2; i++) {
        uint32_t price;
        (void)book_best(&a->book, (enum side)i, &price, &best[i]->size_mantissa);
        best[i]->price_mantissa = price;
    }
    if (memcmp(&q.bid, &a->told[0], sizeof(q.bid)) == 0 &&
        memcmp(&q.ask, &a->told[1], sizeof(q.ask)) == 0)
        return true;
    memcpy(q.market, a->market, 32);
    hawse_event_t event = event_of(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_QUOTE,
                                   HAWSE_MARKET_STREAM_BOOKS, a->key, a->ts);
    if (!publish(p, &event, &q, sizeof(q)))
        return false;
    a->told[0] = q.bid;
    a->told[1] = q.ask;
    return true;
}

static bool tell_continuity(struct pm *p, struct asset *a, uint32_t what)
{
    bool gap = what == TELL_GAP;
    uint16_t kind =
        gap ? HAWSE_STREAM_EVENT_GAP
            : (what == TELL_HEALED ? HAWSE_STREAM_EVENT_HEALED : HAWSE_STREAM_EVENT_LIVE);
    hawse_stream_range_t range = {.size = sizeof(range),
                                  .reason = what == TELL_LIVE ? HAWSE_REASON_START : a->gap_reason,
                                  .from = what == TELL_LIVE ? a->ts : a->gap_from,
                                  .to = gap ? HAWSE_POSITION_OPEN : a->gap_to};
    hawse_event_t event =
        event_of(p, HAWSE_SPACE_STREAM, kind, HAWSE_MARKET_STREAM_BOOKS, a->key, 0);
    event.epoch += gap;
    if (!publish(p, &event, &range, sizeof(range)))
        return false;
    p->epoch += gap;
    return true;
}

static bool tell_one(struct pm *p, struct asset *a, uint32_t what)
{
    switch (what) {
    case TELL_INFO:
        return tell_info(p, a);
    case TELL_SNAPSHOT:
        return tell_snapshot(p, a);
    case TELL_QUOTE:
        return tell_quote(p, a);
    case TELL_STATE:
        return tell_state(p, a);
    default:
        return tell_continuity(p, a, what);
    }
}

static bool tell_asset(struct pm *p, struct asset *a)
{
    if (a->tell & TELL_CHECK) {
        a->tell &= ~TELL_CHECK;
        asset_check_best(p, a);
    }
    for (uint32_t what = TELL_INFO; what <= TELL_STATE; what <<= 1) {
        if (!(a->tell & what))
            continue;
        if (!tell_one(p, a, what))
            return false;
        a->tell &= ~what;
    }
    return true;
}

bool emit_flush(struct pm *p)
{
    if (p->held_count > 0 && !flush_held(p))
        return false;
    while (p->tell_first != NONE) {
        struct asset *a = &p->assets[p->tell_first];
        if (!tell_asset(p, a))
            return false;
        p->tell_first = a->next;
        a->queued = false;
    }
    p->tell_last = NONE;
    return true;
}
