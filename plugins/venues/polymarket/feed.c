/* Messages of the market channel; see polymarket.h. Reads in place, allocates nothing once warm. */
#include "polymarket.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_LIMIT = 16 << 20 };

int32_t feed_begin(struct pm *p, struct wire_frame *frame, const uint8_t *text, uint64_t len)
{
    for (;;) {
        int32_t code = wire_begin(frame, text, len, p->marks, p->marks_cap);
        if (code != HAWSE_E_NOSPACE)
            return code;
        if (p->marks_cap >= MARKS_LIMIT)
            return HAWSE_E_LIMIT;
        uint32_t *bigger = realloc(p->marks, 2 * (size_t)p->marks_cap * sizeof(bigger[0]));
        if (!bigger)
            return HAWSE_E_NOMEM;
        p->marks = bigger;
        p->marks_cap *= 2;
    }
}

static struct asset *asset_of(struct pm *p, hawse_view_t id)
{
    uint32_t index = names_find(&p->asset_names, id);
    return index == NONE ? NULL : &p->assets[index];
}

static void malformed(struct pm *p, struct asset *a, const char *what)
{
    pm_add(p, p->count.malformed, 1);
    pm_complain(p, "a message of the market channel is malformed: %s", what);
    if (a) { /* what it wanted to change is not known */
        asset_gap(p, a, HAWSE_REASON_MISSING);
        a->resync = true;
    }
}

static void on_book(struct pm *p, const struct wire_message *m)
{
    struct asset *a = asset_of(p, m->text[WIRE_ASSET]);
    if (!a)
        return;
    if (!m->has_side[SIDE_BID] || !m->has_side[SIDE_ASK] ||
        wire_millis(m->text[WIRE_TIMESTAMP]) == 0) {
        malformed(p, a, "a book without its levels or time");
        return;
    }
    asset_book(p, a, m, true);
}

static void apply(struct pm *p, struct asset *a, const struct wire_message *m, uint64_t ts,
                  const struct wire_change *c, const hawse_event_t *event)
{
    if (a->phase != ASSET_LIVE) {
        a->missed_ts = ts > a->missed_ts ? ts : a->missed_ts;
        return;
    }
    if (ts < a->ts) {
        pm_add(p, p->count.stale, 1);
        return;
    }
    if (book_set(&a->book, c->side, &c->level) != HAWSE_OK) {
        malformed(p, a, "a level that no book can hold");
        return;
    }
    if (ts != a->ts) {
        a->ts = ts;
        text_set(&a->timestamp, m->text[WIRE_TIMESTAMP]);
    }
    a->said = book_number(c->best_bid, &a->said_bid) == HAWSE_OK &&
              book_number(c->best_ask, &a->said_ask) == HAWSE_OK;
    asset_due(p, a, c->hash);
    emit_delta(p, a, c, event);
    asset_tell(p, a, TELL_CHECK | TELL_QUOTE);
}

static void on_changes(struct pm *p, const struct wire_frame *frame, struct wire_message *m,
                       const hawse_event_t *event)
{
    struct wire_change c = {.asset = {NULL, 0}};
    int32_t more;
    uint64_t ts = wire_millis(m->text[WIRE_TIMESTAMP]);
    while ((more = wire_next_change(frame, m, &c)) == 1) {
        struct asset *a = asset_of(p, c.asset);
        if (a && ts != 0)
            apply(p, a, m, ts, &c, event);
        else if (a)
            malformed(p, a, "a change without its time");
    }
    if (more < 0)
        malformed(p, asset_of(p, c.asset), "a change of price");
}

static void on_resolved(struct pm *p, const struct wire_message *m)
{
    hawse_u256_t winner = {{0, 0, 0, 0}};
    uint32_t condition = names_find(&p->condition_names, m->text[WIRE_MARKET]);
    bool known =
        hawse_u256_parse(m->text[WIRE_WINNER].data, m->text[WIRE_WINNER].len, &winner) == HAWSE_OK;
    for (uint32_t i = 0; i < p->asset_count && condition != NONE; i++) {
        struct asset *a = &p->assets[i];
        if (a->condition != condition)
            continue;
        a->state = HAWSE_MARKET_RESOLVED;
        if (known)
            hawse_u256_to_be(&winner, a->winner);
        asset_tell(p, a, TELL_STATE);
    }
}

/* A market that was made just now: told, whether it is followed or not, so that somebody may. */
static void on_new_market(struct pm *p, const struct wire_frame *frame, struct wire_message *m)
{
    uint8_t group[32], market[32];
    hawse_json_value_t id;
    hawse_u256_t number;
    (void)pm_tx(m->text[WIRE_MARKET], group);
    while (m->assets.kind == HAWSE_JSON_ARRAY &&
           hawse_json_next(&frame->doc, &m->assets, NULL, &id) == 1) {
        if (id.kind != HAWSE_JSON_STRING ||
            hawse_u256_parse(id.data, id.len, &number) != HAWSE_OK) {
            pm_add(p, p->count.malformed, 1);
            return;
        }
        hawse_u256_to_be(&number, market);
        emit_new_market(p, market, group, wire_millis(m->text[WIRE_TIMESTAMP]));
    }
}

static void on_message(struct pm *p, const struct wire_frame *frame, struct wire_message *m,
                       const hawse_event_t *event)
{
    struct asset *a = NULL;
    switch (m->kind) {
    case WIRE_PRICE_CHANGE:
        on_changes(p, frame, m, event);
        break;
    case WIRE_BOOK:
        on_book(p, m);
        break;
    case WIRE_TRADE:
        a = asset_of(p, m->text[WIRE_ASSET]);
        if (a) {
            text_set(&a->last_price, m->text[WIRE_PRICE]);
            emit_trade(p, a, m, event);
        }
        break;
    case WIRE_TICK_CHANGE:
        a = asset_of(p, m->text[WIRE_ASSET]);
        if (a && m->text[WIRE_NEW_TICK].len > 0) {
            text_set(&a->tick, m->text[WIRE_NEW_TICK]);
            asset_tell(p, a, TELL_INFO);
        }
        break;
    case WIRE_RESOLVED:
        on_resolved(p, m);
        break;
    case WIRE_NEW_MARKET:
        on_new_market(p, frame, m);
        break;
    case WIRE_BEST:
        break;
    default:
        pm_add(p, p->count.unknown, 1);
    }
}

static bool is_text(const hawse_event_t *event, const char *text)
{
    return event->len == strlen(text) && memcmp(event->data, text, event->len) == 0;
}

void feed_frame(struct pm *p, struct connection *c, const hawse_event_t *event)
{
    struct wire_frame frame;
    int32_t more = HAWSE_OK;
    if (event->t_recv_ns > c->heard_ns) /* any frame proves that the peer is there */
        c->heard_ns = event->t_recv_ns;
    if (is_text(event, "PONG"))
        return;
    c->frames++;
    if (is_text(event, "INVALID OPERATION")) {
        pm_complain(p, "the server calls an operation of ours invalid");
        return;
    }
    if (event->len == 0 || (event->data[0] != '{' && event->data[0] != '[')) {
        pm_add(p, p->count.unknown, 1);
        return;
    }
    int32_t code = feed_begin(p, &frame, event->data, event->len);
    while (code == HAWSE_OK && (more = wire_next(&frame, &p->stage, &p->message)) == 1) {
        c->messages++;
        on_message(p, &frame, &p->message, event);
    }
    if (code == HAWSE_OK && more == 0)
        return;
    malformed(p, NULL, "it is no JSON object or array of them");
    link_broken(p, c); /* whose change it was is not known */
}
