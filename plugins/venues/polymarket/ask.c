/*
 * REST questions: whole books for healing, comparing and what the check value needs; markets for
 * their assets and fees; wallets' trades. A bucket of tokens bounds them, refusals pause them, and
 * what failed is asked again later by its own clock. See polymarket.h.
 */
#include "polymarket.h"

#include <stdio.h>
#include <string.h>

enum {
    TIMEOUT_MS = 10000,
    RESYNC_MS = 5000,       /* one asset at most this often */
    CONDITION_MS = 3600000, /* a market is asked for again */
    RETRY_MS = 5000,
    OVERLAP_S = 300,
    PAGE = 1000,
    TOKEN = 1000000,
    BURST = 10,
};

/* ---- limits ---- */

static void fill_bucket(struct pm *p, uint64_t now)
{
    uint64_t passed = now - p->filled_ns;
    p->filled_ns = now;
    p->tokens += passed / 1000 * p->set.requests_per_second;
    if (p->tokens > (uint64_t)BURST * TOKEN)
        p->tokens = (uint64_t)BURST * TOKEN;
}

bool ask_may(const struct pm *p, uint64_t now)
{
    return p->tokens >= TOKEN && now >= p->pause_ns && p->slots_used < SLOTS;
}

static struct slot *free_slot(struct pm *p)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (p->slots[i].kind == ASK_FREE)
            return &p->slots[i];
    }
    return NULL;
}

struct slot *ask_send(struct pm *p, const struct ask *ask)
{
    struct slot *s = free_slot(p);
    if (!s)
        return NULL;
    hawse_http_call_t call = {.size = sizeof(call),
                              .timeout_ms = TIMEOUT_MS,
                              .endpoint = hawse_text(ask->endpoint),
                              .method = hawse_text(ask->method),
                              .path = hawse_text(ask->path),
                              .body = {(const uint8_t *)ask->body, ask->body_len},
                              .tag = (uint64_t)(s - p->slots)};
    int32_t code = ask->login        ? p->sign->login(p->host, p->self, hawse_text(ask->credential),
                                                      call.endpoint, call.tag, &s->request)
                   : ask->credential ? p->sign->http(p->host, p->self, hawse_text(ask->credential),
                                                     &call, &s->request)
                                     : p->http->call(p->host, p->self, &call, &s->request);
    if (code == HAWSE_E_STATE && ask->credential) {
        p->account.scan.login = true;
        return NULL;
    }
    if (code != HAWSE_OK) {
        pm_complain(p,
                    "%s %.40s could not be asked (%d): is endpoint \"%s\" configured, and is http "
                    "granted?",
                    ask->method, ask->path, code, ask->endpoint);
        p->pause_ns = pm_now(p) + 1000 * MS_NS;
        return NULL;
    }
    s->kind = ask->kind;
    s->count = 0;
    s->sent_ns = pm_now(p);
    p->slots_used++;
    p->tokens -= TOKEN;
    pm_add(p, p->count.requests, 1);
    return s;
}

/* ---- books ---- */

static void ask_book(struct pm *p, struct asset *a, uint64_t now)
{
    char path[PATH_CAP];
    (void)snprintf(path, sizeof(path), "/book?token_id=%.*s", (int)a->id.len, a->id.text);
    a->resynced_ns = a->audited_ns = now;
    struct slot *s =
        ask_send(p, &(struct ask){ASK_BOOK, "clob", "GET", path, NULL, 0, NULL, false});
    if (!s)
        return;
    a->asking = true;
    a->resync = false;
    s->index = (uint32_t)(a - p->assets);
    pm_add(p, p->count.resyncs, 1);
}

static bool wants_book(const struct asset *a, uint64_t now)
{
    return a->resync && !a->asking &&
           (a->resynced_ns == 0 || now - a->resynced_ns >= RESYNC_MS * MS_NS);
}

static bool wants_audit(const struct pm *p, const struct asset *a, uint64_t now)
{
    if (a->asking || a->phase != ASSET_LIVE || a->suspect_ts != 0)
        return false;
    if (!a->meta && a->audited_ns == 0)
        return true;
    return p->set.audit_ms > 0 && now - a->audited_ns >= p->set.audit_ms * MS_NS;
}

static void ask_books(struct pm *p, uint64_t now)
{
    char body[BODY_CAP];
    int n = 1;
    uint32_t wanted[BOOKS_MAX], count = 0;
    body[0] = '[';
    for (uint32_t i = 0; i < p->asset_count && count < BOOKS_MAX; i++) {
        struct asset *a = &p->assets[(p->audit_next + i) % p->asset_count];
        if (!wants_audit(p, a, now))
            continue;
        wanted[count++] = (uint32_t)(a - p->assets);
        n += snprintf(body + n, sizeof(body) - (size_t)n, "%s{\"token_id\":\"%.*s\"}",
                      count > 1 ? "," : "", (int)a->id.len, a->id.text);
    }
    if (count == 0)
        return;
    body[n++] = ']';
    struct slot *s = ask_send(
        p, &(struct ask){ASK_BOOKS, "clob", "POST", "/books", body, (uint64_t)n, NULL, false});
    if (!s)
        return;
    s->count = count;
    memcpy(s->assets, wanted, count * sizeof(wanted[0]));
    p->audit_next = (wanted[count - 1] + 1) % p->asset_count;
    for (uint32_t i = 0; i < count; i++) {
        p->assets[wanted[i]].asking = true;
        p->assets[wanted[i]].audited_ns = now;
    }
}

/* ---- markets ---- */

static void ask_condition(struct pm *p, struct condition *c, uint64_t now)
{
    char path[PATH_CAP];
    (void)snprintf(path, sizeof(path), "/clob-markets/%.*s", (int)c->id.len, c->id.text);
    c->retry_ns = now + RETRY_MS * MS_NS;
    struct slot *s =
        ask_send(p, &(struct ask){ASK_CONDITION, "clob", "GET", path, NULL, 0, NULL, false});
    if (!s)
        return;
    c->asking = true;
    s->index = (uint32_t)(c - p->conditions);
}

/* Its two outcomes: assets to follow when the settings name the market, and their names. */
static void learn_outcomes(struct pm *p, const struct condition *c, const hawse_json_t *doc,
                           hawse_json_value_t *list)
{
    hawse_json_value_t item, token, outcome;
    while (hawse_json_next(doc, list, NULL, &item) == 1) {
        if (hawse_json_get(doc, &item, "t", &token) != HAWSE_OK || token.kind != HAWSE_JSON_STRING)
            continue;
        hawse_view_t id = {token.data, token.len};
        uint32_t index = c->wanted ? asset_add(p, id) : names_find(&p->asset_names, id);
        if (index == NONE)
            continue;
        struct asset *a = &p->assets[index];
        a->condition = (uint32_t)(c - p->conditions);
        if (hawse_json_get(doc, &item, "o", &outcome) == HAWSE_OK &&
            outcome.kind == HAWSE_JSON_STRING && outcome.len < sizeof(a->outcome)) {
            memset(a->outcome, 0, sizeof(a->outcome));
            memcpy(a->outcome, outcome.data, outcome.len);
        }
        if (a->state != c->state && a->state != HAWSE_MARKET_RESOLVED) {
            a->state = c->state;
            asset_tell(p, a, TELL_STATE);
        }
        asset_tell(p, a, TELL_INFO);
    }
}

static bool condition_answer(struct pm *p, struct condition *c, const hawse_json_t *doc,
                             hawse_json_value_t *root)
{
    hawse_json_value_t tokens, fees, value;
    uint64_t n = 0;
    if (root->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, root, "t", &tokens) != HAWSE_OK ||
        tokens.kind != HAWSE_JSON_ARRAY)
        return false;
    if (hawse_json_get(doc, root, "fd", &fees) == HAWSE_OK && fees.kind == HAWSE_JSON_OBJECT) {
        if (hawse_json_get(doc, &fees, "r", &value) == HAWSE_OK &&
            wallet_decimal((hawse_view_t){value.data, value.len}, 6, &n) == HAWSE_OK)
            c->fee_ppm = (uint32_t)n;
        if (hawse_json_get(doc, &fees, "e", &value) == HAWSE_OK &&
            hawse_json_u64(&value, &n) == HAWSE_OK)
            c->fee_exponent = (uint32_t)n;
    }
    bool halted =
        hawse_json_get(doc, root, "ao", &value) == HAWSE_OK && value.kind == HAWSE_JSON_FALSE;
    c->state = halted ? HAWSE_MARKET_HALTED : HAWSE_MARKET_OPEN;
    c->retry_ns = pm_now(p) + CONDITION_MS * MS_NS;
    learn_outcomes(p, c, doc, &tokens);
    link_spread(p);
    return true;
}

/* ---- trades ---- */

int ask_add(char *out, size_t cap, const char *name, const char *value)
{
    int n = snprintf(out, cap, "%s=", name);
    for (; *value && (size_t)n + 4 < cap; value++) {
        bool plain = (*value >= '0' && *value <= '9') || (*value >= 'a' && *value <= 'z') ||
                     (*value >= 'A' && *value <= 'Z') || *value == '-' || *value == '_';
        n += snprintf(out + n, cap - (size_t)n, plain ? "%c" : "%%%02X", (unsigned char)*value);
    }
    return n;
}

static void ask_trades(struct pm *p, struct wallet *w, uint64_t now)
{
    char path[PATH_CAP];
    uint64_t start = w->newest > OVERLAP_S ? w->newest - OVERLAP_S : 0;
    int n = snprintf(path, sizeof(path),
                     "/v2/trades?user=%.*s&taker_only=false&filter_amount=0&limit=%d&start=%llu",
                     (int)w->id.len, w->id.text, PAGE, (unsigned long long)start);
    if (w->cursor[0])
        (void)ask_add(path + n, sizeof(path) - (size_t)n, "&cursor", w->cursor);
    struct slot *s =
        ask_send(p, &(struct ask){ASK_TRADES, "data", "GET", path, NULL, 0, NULL, false});
    if (!s)
        return;
    w->asking = true;
    w->poll_ns = now + p->set.poll_ms * MS_NS;
    s->index = (uint32_t)(w - p->wallets);
}

/* ---- what is asked next ---- */

void ask_tick(struct pm *p)
{
    uint64_t now = pm_now(p);
    fill_bucket(p, now);
    account_tick(p, now);
    for (uint32_t i = 0; i < p->wallet_count && ask_may(p, now); i++) {
        struct wallet *w = &p->wallets[i];
        if (!w->asking && now >= w->poll_ns)
            ask_trades(p, w, now);
    }
    for (uint32_t i = 0; i < p->asset_count && ask_may(p, now); i++) {
        if (wants_book(&p->assets[i], now))
            ask_book(p, &p->assets[i], now);
    }
    for (uint32_t i = 0; i < p->condition_count && ask_may(p, now); i++) {
        if (!p->conditions[i].asking && now >= p->conditions[i].retry_ns)
            ask_condition(p, &p->conditions[i], now);
    }
    if (ask_may(p, now))
        missed_tick(p, now);
    if (ask_may(p, now))
        ask_books(p, now);
    if (ask_may(p, now))
        missed_audit(p, now);
}

void ask_cancel(struct pm *p)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (p->slots[i].kind != ASK_FREE)
            (void)p->http->cancel(p->host, p->self, p->slots[i].request);
    }
}

/* ---- answers ---- */

static void on_failure(struct pm *p, const struct slot *s, const hawse_host_http_done_t *done,
                       const uint8_t *body)
{
    uint64_t now = pm_now(p);
    pm_add(p, p->count.failures, 1);
    pm_complain(p, "a request failed (%d, HTTP %u): %.*s", done->status, done->http_status,
                (int)(done->body_len < 200 ? done->body_len : 200), (const char *)body);
    if (s->kind == ASK_BOOK) /* 404: no such book; anything else: asked again in RESYNC_MS */
        p->assets[s->index].resync = done->http_status != 404;
    if (s->kind == ASK_TRADES)
        wallet_failed(p, &p->wallets[s->index]);
    if (s->kind == ASK_ACCOUNT)
        account_answer(p, done, body);
    bool ours = done->http_status >= 400 && done->http_status < 500 && done->http_status != 429 &&
                done->http_status != 425;
    if (s->kind == ASK_MISSED)
        missed_failed(p, s->index, ours);
    if (ours)
        return; /* the server is well, only this question is not */
    uint64_t wait = done->retry_after_ms ? done->retry_after_ms : 250ull << p->failures;
    p->failures += p->failures < PAUSE_MAX_SHIFT;
    p->pause_ns = now + wait * MS_NS;
}

static void on_books(struct pm *p, const uint8_t *body, uint64_t len)
{
    struct wire_frame frame;
    int32_t more = HAWSE_OK, code = feed_begin(p, &frame, body, len);
    while (code == HAWSE_OK && (more = wire_next(&frame, &p->stage, &p->message)) == 1) {
        const struct wire_message *m = &p->message;
        uint32_t index = names_find(&p->asset_names, m->text[WIRE_ASSET]);
        if (index != NONE && m->has_side[SIDE_BID] && m->has_side[SIDE_ASK])
            asset_book(p, &p->assets[index], m, false);
    }
    if (code != HAWSE_OK || more < 0)
        pm_add(p, p->count.malformed, 1);
}

static void on_condition(struct pm *p, struct condition *c, const uint8_t *body, uint64_t len)
{
    struct wire_frame frame; /* for its index alone */
    if (feed_begin(p, &frame, body, len) != HAWSE_OK ||
        !condition_answer(p, c, &frame.doc, &frame.root))
        pm_add(p, p->count.malformed, 1);
}

static void release(struct pm *p, struct slot *s)
{
    if (s->kind == ASK_BOOK)
        p->assets[s->index].asking = false;
    else if (s->kind == ASK_CONDITION)
        p->conditions[s->index].asking = false;
    else if (s->kind == ASK_TRADES)
        p->wallets[s->index].asking = false;
    else if (s->kind == ASK_MISSED)
        p->missed.asking = false;
    for (uint32_t i = 0; i < s->count && s->kind == ASK_BOOKS; i++)
        p->assets[s->assets[i]].asking = false;
    s->kind = ASK_FREE;
    p->slots_used--;
}

void ask_answer(struct pm *p, const hawse_event_t *event)
{
    hawse_host_http_done_t done;
    memcpy(&done, event->data, sizeof(done));
    const uint8_t *body = event->data + sizeof(done);
    struct slot *s = done.tag < SLOTS ? &p->slots[done.tag] : NULL;
    if (!s || s->kind == ASK_FREE || s->request != done.request)
        return;
    struct slot asked = *s;
    release(p, s);
    if (done.status != HAWSE_OK) {
        on_failure(p, &asked, &done, body);
        return;
    }
    p->failures = 0;
    if (asked.kind == ASK_ACCOUNT) {
        account_answer(p, &done, body);
    } else if (asked.kind == ASK_CONDITION) {
        on_condition(p, &p->conditions[asked.index], body, done.body_len);
    } else if (asked.kind == ASK_TRADES) {
        struct wallet *w = &p->wallets[asked.index];
        if (wallet_page(p, w, body, done.body_len))
            w->poll_ns = pm_now(p);
    } else if (asked.kind == ASK_MISSED) {
        (void)missed_page(p, asked.index, body, done.body_len);
    } else {
        on_books(p, body, done.body_len);
    }
}
