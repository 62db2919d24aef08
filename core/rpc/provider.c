/*
 * One provider: its queue, its limits, its health. Starts attempts when limits, concurrency and its
 * chain id allow, hands each answer to the call, and judges the provider by it. Nothing leaves for
 * a provider whose chain id is not known to be right but the question for it.
 */
#include "rpc/batch.h"
#include "rpc/pool_private.h"
#include "rpc/rpc_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

enum {
    FEW_LATENCIES = 16,
    HEDGE_FLOOR_MS = 20,
    CHAIN_AGAIN_S = 60,
    LINK_AGAIN_S = 10,
    RESORT_MS = 100,
    RESORTS = 3
};

static void pump(struct provider *p, uint64_t now);
static void begin(struct provider *p, struct attempt *a, bool again, uint64_t now);

/* ---- queues ---- */

static void push(struct queue *q, struct attempt *a)
{
    a->next = NULL;
    *(q->last ? &q->last->next : &q->first) = a;
    q->last = a;
    q->units += 2 * a->cost - 1;
}

static bool take(struct queue *q, const struct attempt *a)
{
    struct attempt *before = NULL, *at = q->first;
    while (at && at != a) {
        before = at;
        at = at->next;
    }
    if (!at)
        return false;
    *(before ? &before->next : &q->first) = at->next;
    if (q->last == at)
        q->last = before;
    q->units -= 2 * at->cost - 1;
    return true;
}

/* ---- limits ---- */

static struct method_rule *rule_of(const struct provider *p, const char *method, size_t len)
{
    for (size_t i = 0; i < p->config->method_count; i++) {
        const char *name = p->rules[i].config->name;
        if (strlen(name) == len && memcmp(name, method, len) == 0)
            return &p->rules[i];
    }
    return NULL;
}

static bool begins(const char *method, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(method, with, strlen(with)) == 0;
}

static uint32_t provider_cost(const struct provider *p, const char *method, size_t len)
{
    const struct method_rule *rule = rule_of(p, method, len);
    if (rule && rule->config->cost > 0)
        return rule->config->cost;
    if (begins(method, len, "debug_") || begins(method, len, "trace_") ||
        begins(method, len, "eth_simulate"))
        return 4;
    return begins(method, len, "eth_getLogs") ? 2 : 1;
}

/* When this attempt may go, at the earliest. */
static uint64_t ready_at(const struct provider *p, const struct attempt *a, uint64_t now)
{
    bool send = a->call && a->call->class == POOL_SEND;
    uint64_t at = limit_at(&p->limit, now, a->cost, send);
    const struct method_rule *rule =
        a->call ? rule_of(p, a->call->method, a->call->method_len) : NULL;
    uint64_t own = rule ? limit_at(&rule->limit, now, 1, true) : now;
    uint64_t pause = a->last && p->resort_ns > 0 ? p->resort_ns : p->paused_ns;
    at = own > at ? own : at;
    at = pause > at ? pause : at;
    return p->out_ns > at ? p->out_ns : at;
}

uint64_t provider_wait(const struct provider *p, const struct call *call, bool last, uint64_t now)
{
    struct attempt a = {.call = (struct call *)(uintptr_t)call,
                        .last = last,
                        .cost = provider_cost(p, call->method, call->method_len)};
    uint64_t wait = ready_at(p, &a, now) - now, ahead = 0;
    for (unsigned c = 0; c <= call->class; c++)
        ahead += p->queues[c].units;
    wait += ahead * p->limit.spacing_ns * 5 / 4;
    if (p->running >= p->config->in_flight)
        wait += p->ewma_ns * (ahead + 1) / p->config->in_flight + MS;
    return p->standing == STANDING_NEW ? wait + 60 * MS : wait;
}

/* ---- health ---- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void saw_latency(struct provider *p, uint64_t ns)
{
    uint64_t sorted[POOL_LATENCIES];
    p->latency[p->latencies++ % POOL_LATENCIES] = ns;
    p->ewma_ns = p->ewma_ns ? (p->ewma_ns * 7 + ns) / 8 : ns;
    if (p->latencies % FEW_LATENCIES)
        return;
    unsigned n = p->latencies < POOL_LATENCIES ? p->latencies : POOL_LATENCIES;
    memcpy(sorted, p->latency, n * sizeof(sorted[0]));
    qsort(sorted, n, sizeof(sorted[0]), by_size);
    p->p95_ns = sorted[n * 95 / 100];
}

uint64_t provider_hedge_ns(const struct provider *p)
{
    uint64_t most = p->pool->chain.hedge_ms * MS;
    uint64_t ns = p->p95_ns && p->p95_ns < most ? p->p95_ns : most;
    return ns > HEDGE_FLOOR_MS * MS || most < HEDGE_FLOOR_MS * MS ? ns : HEDGE_FLOOR_MS * MS;
}

bool provider_behind(const struct provider *p, uint64_t now)
{
    const struct pool *pool = p->pool;
    uint64_t lag = 10000 / pool->chain.block_ms + 1;
    if (p->unwell)
        return true;
    if (p->head == 0 || now - p->head_ns > 2 * pool_poll_ns(pool) + SECOND)
        return false; /* not known, or not any more */
    return pool->head > p->head + (lag > 3 ? lag : 3);
}

void provider_saw_head(struct provider *p, uint64_t n, uint64_t now)
{
    bool was = provider_behind(p, now);
    p->head = n;
    p->head_ns = now;
    pool_saw_head(p->pool, n, now);
    if (!was && provider_behind(p, now))
        log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc",
                 "%s: provider %s is behind: block %" PRIu64 ", others have %" PRIu64,
                 p->pool->chain.name, p->config->name, n, pool_head(p->pool));
}

bool provider_lacks(const struct provider *p, const char *method, size_t len)
{
    for (unsigned i = 0; i < p->unsupported_count; i++) {
        if (strlen(p->unsupported[i]) == len && memcmp(p->unsupported[i], method, len) == 0)
            return true;
    }
    return false;
}

static void remember_lack(struct provider *p, const struct call *call)
{
    if (p->unsupported_count == POOL_UNSUPPORTED ||
        provider_lacks(p, call->method, call->method_len))
        return;
    char *copy = strndup(call->method, call->method_len);
    if (!copy)
        return;
    p->unsupported[p->unsupported_count++] = copy;
    log_line(p->pool->logger, HAWSE_LOG_INFO, "rpc", "%s: provider %s has no %s",
             p->pool->chain.name, p->config->name, copy);
}

static void opened(const struct provider *p, const struct outcome *o)
{
    log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc",
             "%s: provider %s is out for %" PRIu64 " s: %s: %.*s", p->pool->chain.name,
             p->config->name, p->breaker.open_ns / SECOND, rpc_policy(o->class)->name,
             (int)(o->len < 200 ? o->len : 200), (const char *)o->body);
}

/* Hours, or until the next day of UTC, when quotas are renewed. */
static void put_out(struct provider *p, const struct outcome *o, uint64_t now)
{
    uint64_t day = 86400 * SECOND, left = day - loop_utc() % day;
    uint64_t ns = o->class == RPC_QUOTA_EXHAUSTED && left < 3600 * SECOND ? left : 3600 * SECOND;
    if (p->out_ns <= now)
        log_line(p->pool->logger, HAWSE_LOG_ERROR, "rpc",
                 "%s: provider %s refuses us, and is not asked for %" PRIu64 " minutes: %s: %.*s",
                 p->pool->chain.name, p->config->name, ns / SECOND / 60, rpc_policy(o->class)->name,
                 (int)(o->len < 200 ? o->len : 200), (const char *)o->body);
    p->out_ns = now + ns;
    breaker_forget(&p->breaker);
}

/* When one that nobody else can take may try a provider that refused without saying for how long:
 * one at a time, and later each time. */
static void resort_later(struct provider *p, uint64_t now)
{
    p->resort_ns = now + ((uint64_t)RESORT_MS << p->resorts) * MS;
}

/* A pause that it asks for is in its limits. One that it leaves to us to guess is not: it may be
 * over long before. */
static void pause_it(struct provider *p, const struct attempt *a, const struct outcome *o,
                     uint64_t now)
{
    uint64_t ms = o->retry_after_ms ? o->retry_after_ms : 1000 + pool_random(p->pool) % 250;
    struct method_rule *rule = a->call ? rule_of(p, a->call->method, a->call->method_len) : NULL;
    if (limit_share(&p->limit, now) == 1000)
        log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc",
                 "%s: provider %s %s of %" PRIu64 " ms; half its rate for a minute",
                 p->pool->chain.name, p->config->name,
                 o->retry_after_ms ? "asks for a pause" : "is asked too often, and gets a pause",
                 ms);
    if (o->retry_after_ms == 0 && a->started_ns >= p->refused_ns)
        p->resorts += p->resorts < RESORTS;
    p->refused_ns = now;
    p->paused_ns = p->paused_ns > now + ms * MS ? p->paused_ns : now + ms * MS;
    p->resort_ns = 0;
    if (o->retry_after_ms == 0)
        resort_later(p, now);
    limit_pause(&p->limit, now, o->retry_after_ms * MS);
    if (rule)
        limit_pause(&rule->limit, now, o->retry_after_ms * MS);
    breaker_forget(&p->breaker);
}

/* It takes requests again, by an answer to one that left after its last refusal. */
static void end_guess(struct provider *p, const struct attempt *a)
{
    if (p->resort_ns == 0 || a->started_ns < p->refused_ns)
        return;
    p->paused_ns = p->resort_ns = 0;
    p->resorts = 0;
}

/* What an answer says of the provider. */
static void judge(struct provider *p, const struct attempt *a, const struct outcome *o,
                  uint64_t now)
{
    enum rpc_blame blame = o->status == HAWSE_OK ? RPC_BLAME_NONE : rpc_policy(o->class)->blame;
    if (blame == RPC_BLAME_NONE)
        end_guess(p, a);
    if (blame == RPC_BLAME_ERROR) {
        if (breaker_failure(&p->breaker, now))
            opened(p, o);
    } else if (blame == RPC_BLAME_OUT) {
        put_out(p, o, now);
    } else if (blame == RPC_BLAME_PAUSE) {
        pause_it(p, a, o, now);
    } else if (a->kind != ATTEMPT_CHAIN && breaker_success(&p->breaker, now)) {
        log_line(p->pool->logger, HAWSE_LOG_INFO, "rpc", "%s: provider %s is back",
                 p->pool->chain.name, p->config->name);
    }
}

void provider_failed_over(struct provider *p, const struct outcome *o, uint64_t now)
{
    p->failovers++;
    if (p->warned_ns && now - p->warned_ns < 10 * SECOND)
        return;
    log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc",
             "%s: provider %s failed (%s: %.*s), the next one is asked; %" PRIu64
             " times since the last such line",
             p->pool->chain.name, p->config->name, rpc_policy(o->class)->name,
             (int)(o->len < 200 ? o->len : 200), (const char *)o->body,
             p->failovers - p->failovers_told);
    p->warned_ns = now;
    p->failovers_told = p->failovers;
}

/* ---- probes ---- */

static struct attempt **probe_of(struct provider *p, enum attempt_kind kind)
{
    return kind == ATTEMPT_CHAIN  ? &p->chain_probe
           : kind == ATTEMPT_HEAD ? &p->head_probe
           : kind == ATTEMPT_LINK ? &p->link_probe
           : kind == ATTEMPT_PUSH ? &p->push_probe
                                  : &p->health_probe;
}

static void probe(struct provider *p, enum attempt_kind kind, uint64_t now)
{
    struct attempt **at = probe_of(p, kind);
    struct attempt *a = *at ? NULL : calloc(1, sizeof(*a));
    if (!a)
        return;
    *at = a;
    a->kind = kind;
    a->provider = p;
    a->queued_ns = now;
    a->cost = 1;
    a->uncounted = kind == ATTEMPT_PUSH; /* who pushes nothing is as good as others */
    push(&p->probes, a);
}

/* What waits goes elsewhere. */
static void flush(struct provider *p, const struct outcome *o, uint64_t now)
{
    for (unsigned c = 0; c < POOL_CLASSES; c++) {
        struct attempt *a;
        while ((a = p->queues[c].first) != NULL) {
            (void)take(&p->queues[c], a);
            call_answered(a->call, a, o, now);
            free(a);
        }
    }
}

static void wrong_chain(struct provider *p, struct outcome *o, uint64_t now)
{
    char expected[64];
    probe_chain_text(p->pool, expected);
    if (p->standing != STANDING_WRONG)
        log_line(p->pool->logger, HAWSE_LOG_ERROR, "rpc",
                 "%s: provider %s is of another chain: expected %s, found %.*s; it is not used",
                 p->pool->chain.name, p->config->name, expected, (int)(o->len < 80 ? o->len : 80),
                 (const char *)o->body);
    p->standing = STANDING_WRONG;
    answer_drop(o->answer);
    outcome_words(o, HAWSE_E_IO, RPC_SERVER, "provider %s is of another chain", p->config->name);
    o->provider = p->config->name;
    flush(p, o, now);
}

/* A node that says that it is behind is believed; one that says nothing is judged by its head. */
static void saw_health(struct provider *p, const struct outcome *o)
{
    bool unwell = o->status == HAWSE_E_REMOTE && o->class == RPC_MISSING_DATA;
    p->health_probe = NULL;
    if (unwell && !p->unwell)
        log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc", "%s: provider %s says that it is behind",
                 p->pool->chain.name, p->config->name);
    p->unwell = unwell;
}

/* A WebSocket of another chain is no reason not to ask the same provider over HTTP. */
static void probed_link(struct provider *p, const struct outcome *o)
{
    char expected[64];
    p->link_probe = NULL;
    if (o->status != HAWSE_OK || !rpc_link_open(p->link))
        return;
    p->link_good = probe_chain_right(p->pool, o->body, o->len);
    if (p->link_good)
        return;
    probe_chain_text(p->pool, expected);
    log_line(p->pool->logger, HAWSE_LOG_ERROR, "rpc",
             "%s: the WebSocket of provider %s is of another chain: expected %s, found %.*s; it is "
             "not used",
             p->pool->chain.name, p->config->name, expected, (int)(o->len < 80 ? o->len : 80),
             (const char *)o->body);
}

static void probed(struct provider *p, const struct attempt *a, struct outcome *o, uint64_t now)
{
    if (a->kind == ATTEMPT_HEAD) {
        p->head_probe = NULL;
        return;
    }
    if (a->kind == ATTEMPT_LINK) {
        probed_link(p, o);
        return;
    }
    if (a->kind == ATTEMPT_PUSH) {
        p->push_probe = NULL;
        push_subscribed(p, o, now);
        return;
    }
    if (a->kind == ATTEMPT_HEALTH) {
        saw_health(p, o);
        return;
    }
    p->chain_probe = NULL;
    p->checked_ns = now;
    if (o->status != HAWSE_OK) {
        breaker_forget(&p->breaker);
        if (p->standing == STANDING_NEW)
            flush(p, o, now);
        return;
    }
    if (!probe_chain_right(p->pool, o->body, o->len)) {
        (void)breaker_failure(&p->breaker, now);
        wrong_chain(p, o, now);
        return;
    }
    p->standing = STANDING_GOOD;
    if (p->breaker.state != BREAKER_CLOSED || p->head == 0)
        probe(p, ATTEMPT_HEAD, now);
}

static void check_link(struct provider *p, uint64_t now)
{
    p->link_ns = now;
    probe(p, ATTEMPT_LINK, now);
}

/* Is its WebSocket of the right chain, and does it tell of new blocks? */
static void tick_link(struct provider *p, uint64_t now)
{
    bool pushed = p->push.on;
    if (rpc_link_open(p->link) && !p->link_good && now - p->link_ns > LINK_AGAIN_S * SECOND)
        check_link(p, now);
    if (push_tick(p, now))
        probe(p, ATTEMPT_PUSH, now);
    if (pushed && !p->push.on)
        probe(p, ATTEMPT_HEAD, now); /* not only when it is next polled */
}

void provider_tick(struct provider *p, bool poll, uint64_t now)
{
    bool unknown = p->standing != STANDING_GOOD;
    bool again = now - p->checked_ns > (p->standing == STANDING_WRONG ? 300 : 1) * SECOND;
    http_wire_tick(p->wire, now);
    if (p->out_ns > now)
        return;
    if (p->breaker.state != BREAKER_CLOSED) {
        if (breaker_probe(&p->breaker, now))
            probe(p, ATTEMPT_CHAIN, now);
    } else if (unknown && (again || p->checked_ns == 0)) {
        probe(p, ATTEMPT_CHAIN, now);
    } else if (poll && !unknown) {
        if (!p->push.on)
            probe(p, ATTEMPT_HEAD, now);
        if (p->pool->chain.family == FAMILY_SOLANA)
            probe(p, ATTEMPT_HEALTH, now);
    }
    tick_link(p, now);
    pump(p, now);
}

/* ---- attempts ---- */

void provider_ended(struct attempt *a, const struct http_result *result)
{
    struct provider *p = a->provider;
    struct outcome o;
    uint64_t now = loop_clock();
    if (a->wired && result->status == HAWSE_E_STALE) {
        a->wired = false;
        begin(p, a, true, now);
        return;
    }
    outcome_read(a, result, &o);
    a->request = NULL;
    a->running = false;
    p->running -= !a->batched;
    p->overtaken -= a->overtaken;
    if (o.status == HAWSE_OK || o.status == HAWSE_E_REMOTE)
        saw_latency(p, now - a->started_ns);
    told_request(p, a, o.status == HAWSE_OK && !o.soft, o.class, now - a->started_ns);
    if (!a->uncounted)
        judge(p, a, &o, now);
    if (a->call && o.status == HAWSE_E_REMOTE && o.class == RPC_METHOD_UNSUPPORTED)
        remember_lack(p, a->call);
    if (o.head > 0)
        provider_saw_head(p, o.head, now);
    if (result->connected && p->standing == STANDING_GOOD &&
        now - p->checked_ns > CHAIN_AGAIN_S * SECOND)
        probe(p, ATTEMPT_CHAIN, now);
    if (a->call)
        call_answered(a->call, a, &o, now);
    else
        probed(p, a, &o, now);
    answer_drop(o.answer);
    free(a);
    pump(p, now);
}

static void ended(void *ctx, const struct http_result *result)
{
    provider_ended(ctx, result);
}

/* A slow answer must not cost the whole deadline, unless there is nobody else to ask. */
uint32_t provider_patience_ms(const struct attempt *a, uint64_t now)
{
    const struct provider *p = a->provider;
    uint64_t ms = p->pool->chain.attempt_ms * (uint64_t)(a->cost < 4 ? a->cost : 4);
    uint64_t left = 0;
    if (!a->call)
        return p->pool->chain.attempt_ms;
    left = a->call->deadline_ns > now ? (a->call->deadline_ns - now) / MS + 1 : 1;
    bool whole = p->pool->count == 1 || a->call->question.kind == QUESTION_OTHER ||
                 memmem(a->call->method, a->call->method_len, "Sync", 4);
    ms = whole && left > ms ? left : ms;
    return ms < 600000 ? (uint32_t)ms : 600000;
}

/* The provider counts when requests come, so those behind this one are spaced from now. */
static void leaving(void *ctx)
{
    const struct attempt *a = ctx;
    struct provider *p = a->provider;
    uint64_t now = loop_clock();
    limit_left(&p->limit, now, a->cost, a->call && a->call->class == POOL_SEND);
    struct method_rule *rule = a->call ? rule_of(p, a->call->method, a->call->method_len) : NULL;
    if (rule)
        limit_left(&rule->limit, now, 1, true);
}

static void take_limits(struct provider *p, const struct attempt *a, struct method_rule *rule,
                        uint64_t now)
{
    limit_take(&p->limit, now, a->cost, a->call && a->call->class == POOL_SEND);
    if (rule)
        limit_take(&rule->limit, now, 1, true);
    if (a->last && p->resort_ns > 0)
        resort_later(p, now);
    if (now > a->queued_ns)
        histogram_add(p->wait_seconds, now - a->queued_ns, 1);
}

static bool needs_link(const struct attempt *a)
{
    return a->kind == ATTEMPT_LINK || a->kind == ATTEMPT_PUSH;
}

/* True: it left over the provider's WebSocket. What costs more than a unit has a large answer, and
 * would hold up the others there. Takes the body then. */
static bool by_link(struct provider *p, const struct attempt *a, struct http_options *o)
{
    bool fits =
        needs_link(a) || (p->link_good && a->cost == 1 && o->max_response <= RPC_LINK_MESSAGE);
    if (!fits || !o->body || !rpc_link_open(p->link) ||
        rpc_link_begin(p->link, o->number, o->body, o->body_len, o->timeout_ms, ended,
                       (struct attempt *)(uintptr_t)a) != HAWSE_OK)
        return false;
    free(o->body);
    o->body = NULL;
    return true;
}

static void not_started(struct provider *p, struct attempt *a, uint64_t now)
{
    struct outcome out;
    a->running = false;
    p->running--;
    outcome_words(&out, HAWSE_E_NOMEM, RPC_SERVER, "a request could not be begun");
    if (a->call)
        call_answered(a->call, a, &out, now);
    else
        probed(p, a, &out, now);
    answer_drop(out.answer);
    free(a);
}

/* True: it left over a connection of the provider's own. Takes the body then. */
static bool by_wire(struct provider *p, struct attempt *a, struct http_options *o)
{
    if (!a->call || !o->body || http_wire_begin(p->wire, o, ended, a) != HAWSE_OK)
        return false;
    a->wired = true;
    free(o->body);
    o->body = NULL;
    return true;
}

/* Sends it, by the best way that is open; `again`: a connection of our own was of no use. */
static void begin(struct provider *p, struct attempt *a, bool again, uint64_t now)
{
    const struct call *call = a->call;
    const char *method = call ? call->method : probe_method(p->pool, a->kind);
    const char *params = call ? NULL : probe_params(p->pool, a->kind);
    size_t len = call ? call->method_len : strlen(method);
    struct http_options o = {.endpoint = &p->config->http,
                             .method = "POST",
                             .pooled = true,
                             .line = p->line,
                             .once = call && call->question.kind == QUESTION_OTHER,
                             .number = http_number(p->pool->client),
                             .timeout_ms = provider_patience_ms(a, now),
                             .max_response = call ? call->max_response : 1u << 16,
                             .judge = rpc_judge,
                             .leaving = p->limited ? leaving : NULL};
    o.body = rpc_body(method, len, call ? call->params : (const uint8_t *)params,
                      call ? call->params_len : strlen(params), o.number, &o.body_len);
    if (!again && (by_link(p, a, &o) || by_wire(p, a, &o)))
        return;
    if (o.body && !needs_link(a) &&
        http_begin(p->pool->client, &o, ended, a, &a->request, NULL) == HAWSE_OK)
        return;
    not_started(p, a, now);
}

static void start(struct provider *p, struct attempt *a, uint64_t now)
{
    const char *method = a->call ? a->call->method : probe_method(p->pool, a->kind);
    size_t len = a->call ? a->call->method_len : strlen(method);
    take_limits(p, a, rule_of(p, method, len), now);
    a->started_ns = now;
    a->running = true;
    if (!batch_fits(p, a) || !batch_put(p, a, now))
        provider_single(a, now);
}

void provider_single(struct attempt *a, uint64_t now)
{
    a->batched = false;
    a->provider->running++;
    begin(a->provider, a, false, now);
}

void provider_again(struct attempt *a)
{
    static const char words[] = "a batch was refused, and nobody waits for this any more";
    a->uncounted = a->call->done;
    if (a->call->done) {
        provider_ended(a, &(struct http_result){.status = HAWSE_E_IO,
                                                .body = (const uint8_t *)words,
                                                .body_len = sizeof(words) - 1});
        return;
    }
    a->running = a->batched = false;
    push(&a->provider->queues[a->call->class], a);
}

/* The first of a queue that may go; *at: when the next one may. */
static struct attempt *first_ready(const struct provider *p, const struct queue *q, uint64_t now,
                                   uint64_t *at)
{
    for (struct attempt *a = q->first; a; a = a->next) {
        uint64_t ready = ready_at(p, a, now);
        if (ready <= now)
            return a;
        *at = ready < *at ? ready : *at;
        if (p->config->method_count == 0 && p->resort_ns == 0)
            break; /* those behind it wait for the same */
    }
    return NULL;
}

/* `full`: only what a batch that gathers can take. */
static struct attempt *next_attempt(struct provider *p, bool full, uint64_t now, uint64_t *at)
{
    struct attempt *a = full ? NULL : first_ready(p, &p->probes, now, at);
    if (a) {
        (void)take(&p->probes, a);
        return a;
    }
    for (unsigned c = 0; c < POOL_CLASSES && p->standing == STANDING_GOOD; c++) {
        a = first_ready(p, &p->queues[c], now, at);
        if (a && full && !batch_fits(p, a))
            return NULL;
        if (a) {
            (void)take(&p->queues[c], a);
            return a;
        }
    }
    return NULL;
}

/* Starts what may start now. */
static void pump(struct provider *p, uint64_t now)
{
    uint64_t at = UINT64_MAX;
    struct attempt *a;
    bool full = p->running >= p->config->in_flight;
    while ((!full || batch_gathers(p)) && (a = next_attempt(p, full, now, &at)) != NULL) {
        start(p, a, now);
        full = p->running >= p->config->in_flight;
    }
    if (!full && at != UINT64_MAX)
        (void)loop_timer_set(p->pool->loop, &p->timer, at);
    else
        loop_timer_cancel(p->pool->loop, &p->timer);
}

void provider_pump(struct provider *p, uint64_t now)
{
    pump(p, now);
}

static void on_timer(void *ctx, uint64_t now)
{
    pump(ctx, now);
}

bool provider_ask(struct provider *p, struct call *call, bool hedge, bool last, uint64_t now)
{
    struct attempt *a = calloc(1, sizeof(*a));
    if (!a)
        return false;
    a->call = call;
    a->provider = p;
    a->queued_ns = now;
    a->cost = provider_cost(p, call->method, call->method_len);
    a->hedge = hedge;
    a->last = last;
    a->also = call->attempts;
    call->attempts = a;
    call->live++;
    push(&p->queues[call->class], a);
    if (p->standing == STANDING_NEW)
        probe(p, ATTEMPT_CHAIN, now);
    if (p->chain_probe && last)
        p->chain_probe->last = true;
    pump(p, now);
    return true;
}

void provider_forget(struct attempt *a)
{
    if (take(&a->provider->queues[a->call->class], a))
        free(a);
}

/* ---- its WebSocket ---- */

static void link_changed(void *ctx, bool open)
{
    struct provider *p = ctx;
    p->link_good = false;
    push_lost(p);
    if (!open)
        return;
    check_link(p, loop_clock());
    pump(p, loop_clock());
}

static void link_note(void *ctx, const uint8_t *text, size_t len)
{
    push_note(ctx, text, len, loop_clock());
}

void provider_connect(struct provider *p)
{
    char name[160];
    struct fault fault = {0};
    const struct rpc_link_options options = {.name = name,
                                             .endpoint = &p->config->ws,
                                             .changed = link_changed,
                                             .note = link_note,
                                             .ctx = p};
    if (!p->config->ws.url || !p->pool->connector)
        return;
    (void)snprintf(name, sizeof(name), "rpc/%.64s/%.64s", p->pool->chain.name, p->config->name);
    if (rpc_link_create(p->pool->loop, p->pool->connector, p->pool->logger, &options, &p->link,
                        &fault) != HAWSE_OK)
        log_line(p->pool->logger, HAWSE_LOG_ERROR, "rpc", "%s: %s; HTTP alone is used", name,
                 fault.message);
}

/* ---- begin and end ---- */

int32_t provider_init(struct pool *pool, uint32_t index)
{
    struct provider *p = &pool->providers[index];
    p->pool = pool;
    p->config = &pool->chain.providers[index];
    p->index = index;
    p->timer = (struct loop_timer){.fn = on_timer, .ctx = p};
    limit_init(&p->limit, p->config->per_second);
    p->batch_max = p->config->batch;
    p->limited = p->config->per_second > 0 || p->config->method_count > 0;
    p->rules = calloc(p->config->method_count + 1, sizeof(p->rules[0]));
    if (!p->rules || http_line_create(p->config->in_flight, &p->line) != HAWSE_OK)
        return HAWSE_E_NOMEM;
    if (pool->connector &&
        http_wire_create(pool->loop, pool->connector, pool->logger, &p->config->http,
                         p->config->in_flight, &p->wire) == HAWSE_E_NOMEM)
        return HAWSE_E_NOMEM;
    for (size_t i = 0; i < p->config->method_count; i++) {
        p->rules[i].config = &p->config->methods[i];
        limit_init(&p->rules[i].limit, p->config->methods[i].per_second);
    }
    return HAWSE_OK;
}

void provider_finish(struct provider *p)
{
    rpc_link_destroy(p->link);
    http_wire_destroy(p->wire);
    batch_forget(p);
    free(p->chain_probe);
    free(p->head_probe);
    free(p->link_probe);
    free(p->push_probe);
    free(p->health_probe);
    for (unsigned i = 0; i < p->unsupported_count; i++)
        free(p->unsupported[i]);
    free(p->rules);
    http_line_destroy(p->line);
}
