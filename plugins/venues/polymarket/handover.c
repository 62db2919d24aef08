/*
 * The whole venue handed over to another build of itself (hawse.state/1): no connection is closed,
 * no book asked for anew, no question asked twice, and nothing told twice. The bytes are a struct
 * saved, connections, conditions and assets with their books (handover_asset.c), questions under
 * way, events that wait for room, trades that were told, wallets, and the account. What its
 * settings name it has to name too. See polymarket.h.
 *
 * Must never: take a byte of it for granted.
 */
#include "polymarket.h"

#include <hawse/service/state.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1 };

/* Bits of flags. */
enum { STOPPING = 1, RTDS_OPEN = 2, CHAIN = 4, FLAGS = 7 };
enum { AUDIT = 1 };
enum { GAP = 1 };
enum { OPEN = 1, SENT = 2, THROUGH = 4, BY_WALLET = 8, KNOWN = 16, LOST = 32, ACCOUNT_FLAGS = 63 };
enum { HEALS = 1, LOGIN = 2, SCAN_FLAGS = 3 };

struct saved_missed {
    uint32_t told, next, scan, failures, condition, audit_next, flags, reserved;
    uint64_t forgotten_ms, asked_ns, asked_ms, retry_ns, from_ms, audit_ns;
    char cursor[CURSOR_CAP];
};

struct saved {
    uint32_t format, flags;
    uint64_t len; /* of the whole */
    uint32_t connections, held, wallets, epoch, failures, audit_next;
    uint64_t tokens, filled_ns, pause_ns, complaint_ns;
    hawse_timer_t tick;
    hawse_stream_t rtds;
    uint64_t rtds_ping_ns, rtds_heard_ns;
    struct pm_counters count;
    struct saved_missed missed;
};

struct saved_connection {
    hawse_stream_t stream;
    hawse_channel_t channel;
    uint64_t ping_ns, heard_ns, frames, messages;
    uint32_t open, silent;
};

struct saved_slot {
    uint32_t kind, index, count, reserved;
    hawse_request_t request;
    uint64_t sent_ns;
};

struct saved_wallet {
    uint8_t bytes[32];
    uint64_t watermark, newest, poll_ns;
    uint32_t wakes, failures, flags, seen, told, told_next;
    char cursor[CURSOR_CAP];
};

struct saved_scan {
    uint32_t step, how, epoch, number, lost, flags;
    uint64_t begun_ns, next_ns, after_s;
    char cursor[ACCOUNT_CURSOR_CAP];
};

struct saved_account {
    char credential[CREDENTIAL_CAP];
    hawse_stream_t stream;
    hawse_channel_t channel;
    uint64_t ping_ns, heard_ns, frames, from_s, newest_ms, forgotten_s;
    uint32_t flags, epoch, orders, trades, doubts[2];
    struct saved_scan scan;
};

struct saved_trade {
    uint64_t key[2], matched_s, updated_s, settlement;
};

/* ---- saving ---- */

static void put_connections(const struct pm *p, hawse_writer_t *w)
{
    for (uint32_t i = 0; i < p->connection_count; i++) {
        const struct connection *c = &p->connections[i];
        struct saved_connection s = {.stream = c->stream,
                                     .channel = c->channel,
                                     .ping_ns = c->ping_ns,
                                     .heard_ns = c->heard_ns,
                                     .frames = c->frames,
                                     .messages = c->messages,
                                     .open = c->open,
                                     .silent = c->silent};
        hawse_writer_put(w, &s, sizeof(s));
    }
}

static void put_slots(const struct pm *p, hawse_writer_t *w)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &p->slots[i];
        struct saved_slot s = {.kind = slot->kind};
        if (slot->kind != ASK_FREE) {
            s.index = slot->kind == ASK_BOOKS || slot->kind == ASK_ACCOUNT ? 0 : slot->index;
            s.count = slot->count;
            s.request = slot->request;
            s.sent_ns = slot->sent_ns;
        }
        hawse_writer_put(w, &s, sizeof(s));
        hawse_writer_put(w, slot->assets, s.count * sizeof(slot->assets[0]));
    }
}

static void put_held(const struct pm *p, hawse_writer_t *w)
{
    for (uint32_t i = p->held_first; i < p->held_count; i++) {
        hawse_event_t e = p->held[i].event;
        e.data = NULL;
        hawse_writer_put(w, &e, sizeof(e));
        hawse_writer_put(w, &p->held[i].record, e.len);
    }
}

/* Of a ring that is filled from its beginning: so many that are not free. */
static uint32_t told_count(const struct told *told)
{
    uint32_t n = RECENT_MAX;
    while (n > 0 && told[n - 1].ms == 0 && told[n - 1].key == 0)
        n--;
    return n;
}

static void put_wallet(const struct wallet *wallet, hawse_writer_t *w)
{
    struct saved_wallet s = {.watermark = wallet->watermark,
                             .newest = wallet->newest,
                             .poll_ns = wallet->poll_ns,
                             .wakes = wallet->wakes,
                             .failures = wallet->failures,
                             .flags = wallet->gap ? GAP : 0u,
                             .seen = wallet->seen_count,
                             .told = TOLD_MAX,
                             .told_next = wallet->told_next};
    while (s.told > 0 && wallet->told[s.told - 1] == 0)
        s.told--;
    memcpy(s.bytes, wallet->bytes, sizeof(s.bytes));
    memcpy(s.cursor, wallet->cursor, strlen(wallet->cursor));
    hawse_writer_put(w, &s, sizeof(s));
    hawse_writer_put(w, wallet->seen, s.seen * sizeof(wallet->seen[0]));
    hawse_writer_put(w, wallet->told, s.told * sizeof(wallet->told[0]));
}

static struct saved_scan scan_of(const struct scan *scan)
{
    struct saved_scan s = {.step = scan->step,
                           .how = scan->how,
                           .epoch = scan->epoch,
                           .number = scan->number,
                           .lost = scan->lost,
                           .flags = (scan->heals ? HEALS : 0u) | (scan->login ? LOGIN : 0u),
                           .begun_ns = scan->begun_ns,
                           .next_ns = scan->next_ns,
                           .after_s = scan->after_s};
    memcpy(s.cursor, scan->cursor, strlen(scan->cursor));
    return s;
}

static void put_account(const struct account *a, hawse_writer_t *w)
{
    struct saved_account s = {
        .stream = a->stream,
        .channel = a->channel,
        .ping_ns = a->ping_ns,
        .heard_ns = a->heard_ns,
        .frames = a->frames,
        .from_s = a->from_s,
        .newest_ms = a->newest_ms,
        .forgotten_s = a->forgotten_s,
        .flags = (a->open ? OPEN : 0u) | (a->sent ? SENT : 0u) | (a->through ? THROUGH : 0u) |
                 (a->by_wallet ? BY_WALLET : 0u) | (a->known ? KNOWN : 0u) | (a->gap ? LOST : 0u),
        .epoch = a->epoch,
        .orders = a->order_count,
        .trades = a->trade_count,
        .doubts = {a->doubt_count[0], a->doubt_count[1]},
        .scan = scan_of(&a->scan)};
    memcpy(s.credential, a->credential, strlen(a->credential));
    hawse_writer_put(w, &s, sizeof(s));
    for (uint32_t i = 0; i < a->order_count; i++) {
        uint64_t times[2] = {a->orders[i].heard_ns, a->orders[i].swept};
        hawse_writer_put(w, times, sizeof(times));
        hawse_writer_put(w, &a->orders[i].last, sizeof(a->orders[i].last));
    }
    for (uint32_t i = 0; i < a->trade_count; i++) {
        const struct own_trade *t = &a->trades[i];
        struct saved_trade one = {
            {t->key[0], t->key[1]}, t->matched_s, t->updated_s, t->settlement};
        hawse_writer_put(w, &one, sizeof(one));
    }
    for (int i = 0; i < 2; i++)
        hawse_writer_put(w, a->doubts[i], a->doubt_count[i] * sizeof(a->doubts[i][0]));
}

static struct saved_missed missed_of(const struct missed *m)
{
    struct saved_missed s = {.told = told_count(m->told),
                             .next = m->next,
                             .scan = m->scan,
                             .failures = m->failures,
                             .condition = m->condition,
                             .audit_next = m->audit_next,
                             .flags = m->audit ? AUDIT : 0u,
                             .forgotten_ms = m->forgotten_ms,
                             .asked_ns = m->asked_ns,
                             .asked_ms = m->asked_ms,
                             .retry_ns = m->retry_ns,
                             .from_ms = m->from_ms,
                             .audit_ns = m->audit_ns};
    memcpy(s.cursor, m->cursor, strlen(m->cursor));
    return s;
}

int32_t pm_save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const struct pm *p = state;
    hawse_writer_t w = hawse_writer(out, cap);
    struct saved s = {.format = FORMAT,
                      .flags = (p->stopping ? STOPPING : 0u) | (p->rtds_open ? RTDS_OPEN : 0u) |
                               (p->chain ? CHAIN : 0u),
                      .connections = p->connection_count,
                      .held = p->held_count - p->held_first,
                      .wallets = p->wallet_count,
                      .epoch = p->epoch,
                      .failures = p->failures,
                      .audit_next = p->audit_next,
                      .tokens = p->tokens,
                      .filled_ns = p->filled_ns,
                      .pause_ns = p->pause_ns,
                      .complaint_ns = p->complaint_ns,
                      .tick = p->tick,
                      .rtds = p->rtds,
                      .rtds_ping_ns = p->rtds_ping_ns,
                      .rtds_heard_ns = p->rtds_heard_ns,
                      .count = p->count,
                      .missed = missed_of(&p->missed)};
    hawse_writer_put(&w, &s, sizeof(s));
    put_connections(p, &w);
    handover_put_assets(p, &w);
    put_slots(p, &w);
    put_held(p, &w);
    hawse_writer_put(&w, p->missed.told, s.missed.told * sizeof(p->missed.told[0]));
    for (uint32_t i = 0; i < p->wallet_count; i++)
        put_wallet(&p->wallets[i], &w);
    put_account(&p->account, &w);
    *need = s.len = w.len;
    if (hawse_writer_end(&w) != HAWSE_OK)
        return hawse_fail(p->host, p->self, HAWSE_E_NOSPACE,
                          "its books, trades and orders are more than a saved state may hold",
                          "restart the instance instead, or spread its assets over several");
    memcpy(out, &s, sizeof(s));
    return HAWSE_OK;
}

/* ---- restoring ---- */

static bool ends(const char *text, size_t cap)
{
    return memchr(text, '\0', cap) != NULL;
}

static void get_connections(struct pm *p, uint32_t count, hawse_reader_t *r)
{
    hawse_reader_must(r, count <= CONNECTIONS_MAX);
    for (uint32_t i = 0; i < count && hawse_reader_good(r); i++) {
        struct connection *c = &p->connections[i];
        struct saved_connection s;
        hawse_reader_get(r, &s, sizeof(s));
        hawse_reader_must(r, s.open <= 1);
        c->stream = s.stream;
        c->channel = s.channel;
        c->open = s.open != 0;
        c->ping_ns = s.ping_ns;
        c->heard_ns = s.heard_ns;
        c->frames = s.frames;
        c->messages = s.messages;
        c->silent = s.silent;
        p->connection_count = i + 1;
    }
}

/* Is what the question is about there? Marks it as asked for. */
static bool mark_asked(struct pm *p, const struct slot *s)
{
    switch (s->kind) {
    case ASK_BOOK:
        if (s->index < p->asset_count)
            p->assets[s->index].asking = true;
        return s->index < p->asset_count;
    case ASK_CONDITION:
        if (s->index < p->condition_count)
            p->conditions[s->index].asking = true;
        return s->index < p->condition_count;
    case ASK_TRADES:
        if (s->index < p->wallet_count)
            p->wallets[s->index].asking = true;
        return s->index < p->wallet_count;
    case ASK_MISSED:
        p->missed.asking = true;
        return s->index < p->condition_count;
    case ASK_ACCOUNT:
        p->account.scan.asking = true;
        return true;
    default:
        return s->kind == ASK_BOOKS;
    }
}

static void get_slots(struct pm *p, hawse_reader_t *r)
{
    for (uint32_t i = 0; i < SLOTS && hawse_reader_good(r); i++) {
        struct slot *slot = &p->slots[i];
        struct saved_slot s;
        hawse_reader_get(r, &s, sizeof(s));
        hawse_reader_must(r, s.kind <= ASK_ACCOUNT && s.count <= BOOKS_MAX &&
                                 (s.kind == ASK_BOOKS || s.count == 0));
        if (!hawse_reader_good(r) || s.kind == ASK_FREE)
            continue;
        slot->kind = (enum ask_kind)s.kind;
        slot->index = s.index;
        slot->count = s.count;
        slot->request = s.request;
        slot->sent_ns = s.sent_ns;
        p->slots_used++;
        hawse_reader_must(r, mark_asked(p, slot));
        for (uint32_t k = 0; k < s.count && hawse_reader_good(r); k++) {
            hawse_reader_get(r, &slot->assets[k], sizeof(slot->assets[k]));
            hawse_reader_must(r, slot->assets[k] < p->asset_count);
            if (hawse_reader_good(r))
                p->assets[slot->assets[k]].asking = true;
        }
    }
}

/* Bytes of the record of a held event; 0: none is held of that kind. */
static uint64_t record_size(const hawse_event_t *e)
{
    if (e->space == HAWSE_SPACE_STREAM)
        return sizeof(hawse_stream_range_t);
    if (e->space == HAWSE_SPACE_MARKET)
        return e->kind == HAWSE_MARKET_TRADE   ? sizeof(hawse_market_trade_t)
               : e->kind == HAWSE_MARKET_INFO  ? sizeof(hawse_market_info_t)
               : e->kind == HAWSE_MARKET_STATE ? sizeof(hawse_market_state_t)
                                               : 0;
    if (e->space == HAWSE_SPACE_WALLET)
        return e->kind == HAWSE_WALLET_FILL    ? sizeof(hawse_wallet_fill_t)
               : e->kind == HAWSE_WALLET_ORDER ? sizeof(hawse_wallet_order_t)
               : e->kind == HAWSE_WALLET_TRADE ? sizeof(hawse_wallet_trade_t)
                                               : 0;
    return 0;
}

static void get_held(struct pm *p, uint32_t count, hawse_reader_t *r)
{
    hawse_reader_must(r, count <= r->left / sizeof(hawse_event_t));
    if (!hawse_reader_good(r) || count == 0)
        return;
    p->held = calloc(count, sizeof(p->held[0]));
    p->held_cap = p->held ? count : 0;
    hawse_reader_must(r, p->held != NULL);
    for (uint32_t i = 0; i < count && hawse_reader_good(r); i++) {
        struct held *h = &p->held[i];
        hawse_reader_get(r, &h->event, sizeof(h->event));
        h->event.data = NULL;
        hawse_reader_must(r, h->event.size == sizeof(h->event) && h->event.len > 0 &&
                                 h->event.len == record_size(&h->event));
        if (hawse_reader_good(r))
            hawse_reader_get(r, &h->record, h->event.len);
    }
    p->held_count = count;
}

static void get_missed(struct pm *p, const struct saved_missed *s, hawse_reader_t *r)
{
    struct missed *m = &p->missed;
    hawse_reader_must(r, s->told <= RECENT_MAX && s->flags <= AUDIT &&
                             ends(s->cursor, sizeof(s->cursor)) &&
                             (s->cursor[0] == '\0' || s->condition < p->condition_count));
    if (!hawse_reader_good(r))
        return;
    m->next = s->next;
    m->scan = s->scan;
    m->failures = s->failures;
    m->condition = s->condition;
    m->audit_next = s->audit_next;
    m->audit = (s->flags & AUDIT) != 0;
    m->forgotten_ms = s->forgotten_ms;
    m->asked_ns = s->asked_ns;
    m->asked_ms = s->asked_ms;
    m->retry_ns = s->retry_ns;
    m->from_ms = s->from_ms;
    m->audit_ns = s->audit_ns;
    memcpy(m->cursor, s->cursor, sizeof(m->cursor));
    hawse_reader_get(r, m->told, s->told * sizeof(m->told[0]));
}

static void get_wallet(struct wallet *wallet, hawse_reader_t *r)
{
    struct saved_wallet s;
    hawse_reader_get(r, &s, sizeof(s));
    hawse_reader_must(r, memcmp(s.bytes, wallet->bytes, sizeof(s.bytes)) == 0 && s.flags <= GAP &&
                             s.seen <= SEEN_MAX && s.told <= TOLD_MAX &&
                             ends(s.cursor, sizeof(s.cursor)));
    if (!hawse_reader_good(r))
        return;
    wallet->watermark = s.watermark;
    wallet->newest = s.newest;
    wallet->poll_ns = s.poll_ns;
    wallet->wakes = s.wakes;
    wallet->failures = s.failures;
    wallet->gap = (s.flags & GAP) != 0;
    wallet->told_next = s.told_next;
    memcpy(wallet->cursor, s.cursor, sizeof(wallet->cursor));
    hawse_reader_get(r, wallet->seen, s.seen * sizeof(wallet->seen[0]));
    hawse_reader_get(r, wallet->told, s.told * sizeof(wallet->told[0]));
    wallet->seen_count = s.seen;
}

/* An answer that is under way names an order by its index. */
static void get_scan(struct account *a, const struct saved_scan *s, hawse_reader_t *r)
{
    struct scan *scan = &a->scan;
    hawse_reader_must(r, s->step <= SCAN_LOST && s->how <= FROM_LOOK && s->flags <= SCAN_FLAGS &&
                             ends(s->cursor, sizeof(s->cursor)) &&
                             (s->step != SCAN_LOST || !scan->asking || s->lost < a->order_count));
    if (!hawse_reader_good(r))
        return;
    scan->step = (enum scan_step)s->step;
    scan->how = (enum source)s->how;
    scan->epoch = s->epoch;
    scan->number = s->number;
    scan->lost = s->lost;
    scan->heals = (s->flags & HEALS) != 0;
    scan->login = (s->flags & LOGIN) != 0;
    scan->begun_ns = s->begun_ns;
    scan->next_ns = s->next_ns;
    scan->after_s = s->after_s;
    memcpy(scan->cursor, s->cursor, sizeof(scan->cursor));
}

static void get_orders(struct account *a, uint32_t orders, uint32_t trades, hawse_reader_t *r)
{
    hawse_reader_must(r, account_reserve(a, orders, trades));
    for (uint32_t i = 0; i < orders && hawse_reader_good(r); i++) {
        struct own_order *o = &a->orders[i];
        uint64_t times[2];
        hawse_reader_get(r, times, sizeof(times));
        hawse_reader_get(r, &o->last, sizeof(o->last));
        hawse_reader_must(r, o->last.size == 0 || o->last.size == sizeof(o->last));
        o->heard_ns = times[0];
        o->swept = (uint32_t)times[1];
        a->order_count = i + 1;
    }
    for (uint32_t i = 0; i < trades && hawse_reader_good(r); i++) {
        struct saved_trade s;
        hawse_reader_get(r, &s, sizeof(s));
        hawse_reader_must(r, s.settlement <= HAWSE_TRADE_FAILED);
        a->trades[i] = (struct own_trade){.key = {s.key[0], s.key[1]},
                                          .matched_s = s.matched_s,
                                          .updated_s = s.updated_s,
                                          .settlement = (uint32_t)s.settlement};
        a->trade_count = i + 1;
    }
}

static void get_account(struct account *a, hawse_reader_t *r)
{
    struct saved_account s;
    hawse_reader_get(r, &s, sizeof(s));
    hawse_reader_must(r, memcmp(s.credential, a->credential, sizeof(s.credential)) == 0 &&
                             s.flags <= ACCOUNT_FLAGS && s.doubts[0] <= DOUBTS_MAX &&
                             s.doubts[1] <= DOUBTS_MAX &&
                             (a->credential[0] != '\0' || !a->scan.asking));
    if (!hawse_reader_good(r))
        return;
    a->stream = s.stream;
    a->channel = s.channel;
    a->ping_ns = s.ping_ns;
    a->heard_ns = s.heard_ns;
    a->frames = s.frames;
    a->from_s = s.from_s;
    a->newest_ms = s.newest_ms;
    a->forgotten_s = s.forgotten_s;
    a->epoch = s.epoch;
    a->open = (s.flags & OPEN) != 0;
    a->sent = (s.flags & SENT) != 0;
    a->through = (s.flags & THROUGH) != 0;
    a->by_wallet = (s.flags & BY_WALLET) != 0;
    a->known = (s.flags & KNOWN) != 0;
    a->gap = (s.flags & LOST) != 0;
    get_orders(a, s.orders, s.trades, r);
    for (int i = 0; i < 2; i++) {
        hawse_reader_get(r, a->doubts[i], s.doubts[i] * sizeof(a->doubts[i][0]));
        a->doubt_count[i] = s.doubts[i];
    }
    get_scan(a, &s.scan, r);
}

static void take_head(struct pm *p, const struct saved *s)
{
    p->stopping = (s->flags & STOPPING) != 0;
    p->rtds_open = (s->flags & RTDS_OPEN) != 0;
    p->chain = (s->flags & CHAIN) != 0;
    p->epoch = s->epoch;
    p->failures = s->failures;
    p->audit_next = s->audit_next;
    p->tokens = s->tokens;
    p->filled_ns = s->filled_ns;
    p->pause_ns = s->pause_ns;
    p->complaint_ns = s->complaint_ns;
    p->tick = s->tick;
    p->rtds = s->rtds;
    p->rtds_ping_ns = s->rtds_ping_ns;
    p->rtds_heard_ns = s->rtds_heard_ns;
    p->count = s->count;
}

static int32_t load(struct pm *p, hawse_view_t saved)
{
    static const char hint[] = "restart the instance instead: it asks for its books anew";
    struct saved s;
    hawse_reader_t r = hawse_reader(saved);
    hawse_reader_get(&r, &s, sizeof(s));
    hawse_reader_must(&r, s.format == FORMAT && s.len == saved.len && s.flags <= FLAGS);
    if (!hawse_reader_good(&r))
        return hawse_fail(p->host, p->self, HAWSE_E_FORMAT,
                          "the saved state is of another format, or cut short", hint);
    hawse_reader_must(&r, s.failures <= PAUSE_MAX_SHIFT && s.wallets == p->wallet_count);
    take_head(p, &s);
    get_connections(p, s.connections, &r);
    handover_get_assets(p, &r);
    get_slots(p, &r);
    get_held(p, s.held, &r);
    get_missed(p, &s.missed, &r);
    for (uint32_t i = 0; i < p->wallet_count && hawse_reader_good(&r); i++)
        get_wallet(&p->wallets[i], &r);
    get_account(&p->account, &r);
    return hawse_reader_end(&r) == HAWSE_OK
               ? HAWSE_OK
               : hawse_fail(p->host, p->self, HAWSE_E_FORMAT,
                            "the saved state is damaged, or was made with other assets, markets, "
                            "wallets or another account",
                            hint);
}

int32_t pm_restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                   hawse_view_t saved, void **state)
{
    struct pm *p = NULL;
    int32_t code = pm_make(host, self, config, &p);
    if (code != HAWSE_OK)
        return code;
    code = load(p, saved);
    if (code != HAWSE_OK) {
        pm_free(p);
        return code;
    }
    *state = p;
    return HAWSE_OK;
}
