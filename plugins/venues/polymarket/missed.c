/*
 * Trades that were not pushed, because a connection was down or a subscription silent: the data API
 * has them, by market, seconds to a minute late. So an asset's trades have a gap from the last
 * message of before until the market was asked for, which is `trades_late_ms` after the book was
 * right again; what was not told is told then. Rows carry no number, but the hash of their
 * transaction, as pushed trades do: what was pushed is known by that. See polymarket.h.
 *
 * A subscription that was lost in silence may leave the book right, because the other outcome's
 * frames carry both: so every market is asked for once in `trades_audit_ms` as well, and a trade
 * that nobody told makes a gap of its own.
 *
 * One market is asked for at a time: books come first.
 */
#include "polymarket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILURES_MAX = 5,
    AGAIN_MS = 5000,
    AUDIT_OFF_MS = 3600000, /* of audits that can't be asked for */
    PAGE = 1000,
    OVERLAP_MS = 10000 /* a book in doubt is found so late; what was told is known */
};

/* ---- what was told ---- */

static uint64_t key_of(const struct asset *a, const uint8_t tx[32])
{
    uint8_t both[64];
    memcpy(both, a->market, 32);
    memcpy(both + 32, tx, 32);
    return hawse_key(both, sizeof(both));
}

static void remember(struct missed *m, const struct told *told)
{
    struct told *t = &m->told[m->next++ % RECENT_MAX];
    m->forgotten_ms = t->ms > m->forgotten_ms ? t->ms : m->forgotten_ms;
    *t = *told;
}

/* A match is pushed with the time of the book that it made, before it: when the book is as new
 * already and the very same was told, it is a frame that came again. */
bool missed_pushed(struct pm *p, const struct asset *a, const hawse_market_trade_t *trade,
                   uint64_t ms)
{
    struct missed *m = &p->missed;
    uint64_t all[2] = {hawse_key((const uint8_t *)trade, sizeof(*trade)), ms};
    struct told told = {.key = key_of(a, trade->origin.tx_hash),
                        .whole = hawse_key((const uint8_t *)all, sizeof(all)),
                        .ms = ms};
    for (uint32_t i = 0; ms <= a->ts && i < RECENT_MAX; i++) {
        if (m->told[i].whole == told.whole && m->told[i].ms == ms)
            return false;
    }
    remember(m, &told);
    return true;
}

/* By an earlier answer, or pushed. Of several rows of one answer none excludes another. */
static bool was_told(const struct missed *m, const struct asset *a, const uint8_t tx[32])
{
    uint64_t key = key_of(a, tx);
    for (uint32_t i = 0; i < RECENT_MAX; i++) {
        if (m->told[i].key == key && m->told[i].ms != 0 && m->told[i].scan != m->scan)
            return true;
    }
    return false;
}

/* ---- gaps ---- */

static void end_gap(struct pm *p, struct asset *a, uint16_t kind)
{
    emit_range(p, kind, HAWSE_MARKET_STREAM_TRADES, a->key, a->lost.reason, a->lost.from_ms,
               a->lost.to_ms);
    memset(&a->lost, 0, sizeof(a->lost));
    p->missed.open--;
}

static uint64_t utc_ms(const struct pm *p)
{
    return p->host->now(p->host, HAWSE_CLOCK_UTC) / MS_NS;
}

static void begin_gap(struct pm *p, struct asset *a, uint32_t reason, uint64_t from_ms)
{
    a->lost.due_ns = 0; /* until the book is right again */
    if (a->lost.from_ms != 0)
        return;
    a->lost.from_ms = from_ms;
    a->lost.to_ms = HAWSE_POSITION_OPEN;
    a->lost.reason = reason;
    p->missed.open++;
    emit_range(p, HAWSE_STREAM_EVENT_GAP, HAWSE_MARKET_STREAM_TRADES, a->key, reason,
               a->lost.from_ms, HAWSE_POSITION_OPEN);
    if (p->set.trades_late_ms == 0)
        end_gap(p, a, HAWSE_STREAM_EVENT_UNHEALABLE);
}

void missed_begin(struct pm *p, struct asset *a, uint32_t reason)
{
    begin_gap(p, a, reason, (a->ts != 0 ? a->ts : utc_ms(p)) - OVERLAP_MS);
}

void missed_live(struct pm *p, struct asset *a)
{
    uint64_t now_ms = utc_ms(p);
    if (a->since_ms == 0)
        a->since_ms = now_ms;
    if (a->lost.from_ms == 0)
        return;
    a->lost.to_ms = now_ms;
    a->lost.due_ns = pm_now(p) + p->set.trades_late_ms * MS_NS;
}

static bool is_due(const struct asset *a, uint64_t now)
{
    return a->lost.due_ns != 0 && now >= a->lost.due_ns;
}

/* All that is due of one market, or of all (NONE), ends, well or not. */
static void end_all(struct pm *p, uint32_t condition, uint16_t kind)
{
    for (uint32_t i = 0; i < p->asset_count; i++) {
        struct asset *a = &p->assets[i];
        if ((condition == NONE || a->condition == condition) && is_due(a, p->missed.asked_ns))
            end_gap(p, a, kind);
    }
}

/* ---- asking ---- */

/* A page of the market that is being asked for. */
static void ask(struct pm *p)
{
    struct missed *m = &p->missed;
    const struct condition *c = &p->conditions[m->condition];
    char path[PATH_CAP];
    int n =
        snprintf(path, sizeof(path),
                 "/v2/trades?condition=%.*s&taker_only=true&filter_amount=0&limit=%d&start=%llu",
                 (int)c->id.len, c->id.text, PAGE, (unsigned long long)(m->from_ms / 1000));
    if (m->cursor[0])
        (void)ask_add(path + n, sizeof(path) - (size_t)n, "&cursor", m->cursor);
    struct slot *s =
        ask_send(p, &(struct ask){ASK_MISSED, "data", "GET", path, NULL, 0, NULL, false});
    if (!s) {
        missed_failed(p, m->condition, false);
        if (m->audit) /* is there such an endpoint? Everything else waits for each try */
            m->audit_ns = pm_now(p) + AUDIT_OFF_MS * MS_NS;
        return;
    }
    m->asking = true;
    s->index = m->condition;
}

static void ask_first(struct pm *p, uint32_t condition, uint64_t from_ms, bool audit)
{
    struct missed *m = &p->missed;
    m->condition = condition;
    m->from_ms = from_ms;
    m->audit = audit;
    m->asked_ns = pm_now(p);
    m->asked_ms = utc_ms(p);
    m->scan++;
    ask(p);
}

static void ask_due(struct pm *p, uint64_t now)
{
    for (uint32_t i = 0; i < p->asset_count; i++) {
        struct asset *a = &p->assets[i];
        if (!is_due(a, now))
            continue;
        if (a->condition == NONE) { /* of what market is not known */
            end_gap(p, a, HAWSE_STREAM_EVENT_UNHEALABLE);
            continue;
        }
        uint64_t from_ms = a->lost.from_ms;
        for (uint32_t k = i + 1; k < p->asset_count; k++) {
            const struct asset *other = &p->assets[k];
            if (other->condition == a->condition && is_due(other, now) &&
                other->lost.from_ms < from_ms)
                from_ms = other->lost.from_ms;
        }
        ask_first(p, a->condition, from_ms, false);
        return;
    }
}

void missed_tick(struct pm *p, uint64_t now)
{
    struct missed *m = &p->missed;
    if (m->asking || now < m->retry_ns)
        return;
    if (m->cursor[0]) /* the next page of the same market, whatever is due meanwhile */
        ask(p);
    else if (m->open > 0)
        ask_due(p, now);
}

void missed_audit(struct pm *p, uint64_t now)
{
    struct missed *m = &p->missed;
    if (m->asking || m->cursor[0] || now < m->retry_ns || p->condition_count == 0 ||
        p->set.trades_audit_ms == 0 || p->set.trades_late_ms == 0 || now < m->audit_ns)
        return;
    bool first = m->audit_ns == 0;
    m->audit_ns = now + p->set.trades_audit_ms * MS_NS / p->condition_count;
    if (first)
        return;
    uint32_t index = m->audit_next++ % p->condition_count;
    struct condition *c = &p->conditions[index];
    if (c->audited_ms == 0)
        c->audited_ms = utc_ms(p) - p->set.trades_audit_ms - p->set.trades_late_ms;
    ask_first(p, index, c->audited_ms, true);
}

void missed_failed(struct pm *p, uint32_t condition, bool ours)
{
    struct missed *m = &p->missed;
    m->cursor[0] = '\0';
    if (m->audit) /* its turn comes again, since the same time; others are next */
        return;
    m->retry_ns = pm_now(p) + AGAIN_MS * MS_NS;
    if (ours)
        end_all(p, condition, HAWSE_STREAM_EVENT_UNHEALABLE);
    else if (++m->failures >= FAILURES_MAX)
        end_all(p, NONE, HAWSE_STREAM_EVENT_UNHEALABLE);
}

/* ---- answers ---- */

static void take_row(struct pm *p, uint32_t condition, const struct wallet_row *row)
{
    uint32_t index = names_find(&p->asset_names, row->token);
    struct asset *a = index == NONE ? NULL : &p->assets[index];
    if (!a || a->condition != condition || !is_due(a, p->missed.asked_ns) ||
        row->time < a->lost.from_ms / 1000 ||
        row->time * 1000 > a->lost.to_ms + p->set.trades_late_ms / 2 ||
        was_told(&p->missed, a, row->fill.origin.tx_hash))
        return;
    emit_missed(p, a, row);
    remember(&p->missed, &(struct told){.key = key_of(a, row->fill.origin.tx_hash),
                                        .ms = row->time * 1000,
                                        .scan = p->missed.scan});
}

/* Of an audit: a trade that should have been told. Not judged: what came before the asset was
 * followed, what may be on its way, what was forgotten, and what a gap is looking at anyway. */
static void audit_row(struct pm *p, uint32_t condition, const struct wallet_row *row)
{
    const struct missed *m = &p->missed;
    uint32_t index = names_find(&p->asset_names, row->token);
    struct asset *a = index == NONE ? NULL : &p->assets[index];
    uint64_t ms = row->time * 1000, slack = p->set.trades_late_ms / 2;
    if (!a || a->condition != condition || a->lost.from_ms != 0 || a->nameless ||
        a->since_ms == 0 || ms < a->since_ms + slack || ms < m->from_ms / 1000 * 1000 ||
        ms + slack > m->asked_ms || ms < m->forgotten_ms + slack ||
        was_told(m, a, row->fill.origin.tx_hash))
        return;
    pm_add(p, p->count.silent, 1);
    begin_gap(p, a, HAWSE_REASON_SILENT, ms);
    missed_live(p, a);
    link_resubscribe(p, a);
}

/* What had happened so long ago is there by now; but of an asset in a gap nothing was judged. */
static void audit_end(struct pm *p, uint32_t condition)
{
    for (uint32_t i = 0; i < p->asset_count; i++) {
        if (p->assets[i].condition == condition && p->assets[i].lost.from_ms != 0)
            return;
    }
    p->conditions[condition].audited_ms = p->missed.asked_ms - p->set.trades_late_ms;
}

bool missed_page(struct pm *p, uint32_t condition, const uint8_t *body, uint64_t len)
{
    struct missed *m = &p->missed;
    struct wallet_row *rows = malloc(PAGE * sizeof(rows[0]));
    uint32_t count = 0;
    if (!rows || !wallet_rows(p, body, len, rows, PAGE, &count, m->cursor)) {
        free(rows);
        missed_failed(p, condition, false);
        return false;
    }
    for (uint32_t i = 0; i < p->asset_count && !m->audit;
         i++) { /* what was pushed is not known any more */
        struct asset *a = &p->assets[i];
        if (a->condition == condition && is_due(a, m->asked_ns) &&
            m->forgotten_ms >= a->lost.from_ms)
            end_gap(p, a, HAWSE_STREAM_EVENT_UNHEALABLE);
    }
    for (uint32_t i = count; i-- > 0;) /* oldest first */
        (m->audit ? audit_row : take_row)(p, condition, &rows[i]);
    free(rows);
    m->failures = 0;
    if (m->cursor[0])
        return true;
    if (m->audit)
        audit_end(p, condition);
    else
        end_all(p, condition, HAWSE_STREAM_EVENT_HEALED);
    return false;
}
