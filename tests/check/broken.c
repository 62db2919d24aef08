/*
 * A plugin for the conformance kit: good when FAULT is 0, otherwise broken in the one way that case
 * number FAULT of `hawse check` is there to find. run.py builds it once for each case and demands
 * that this case fails and no other.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <hawse/hawse.h>
#include <hawse/service/config.h>
#include <hawse/service/http.h>
#include <hawse/service/intent.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/state.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <hawse/space/wallet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef FAULT
#define FAULT 0
#endif

enum { SOURCE = 7, FUZZED = 13, SEEN = 256, WARM = 3900, SECOND = 1000000000, ODD_KIND = 0x7ffe };

/* ---- the manifest ---- */

#define ABOUT_7 "\"logo\":\"x.png\","
#define KIND    FAULT == 6
#if FAULT == 6
#define TYPE "\"kind\":5,"
#else
#define TYPE "\"kind\":\"venue\","
#endif
#if FAULT == 7
#define EXTRA "\"logo\":\"x.png\","
#else
#define EXTRA ""
#endif
#if FAULT == 17
#define LICENCE ""
#else
#define LICENCE "\"license\":\"MIT\","
#endif
#if FAULT == 8
#define REQUIRES "\"hawse.teleport/1\":\">=1.0\","
#else
#define REQUIRES ""
#endif
#if FAULT == 18
#define SETTING "{\"type\":\"integer\",\"minimum\":5,\"examples\":[1],\"description\":\"pace\"}"
#else
#define SETTING "{\"type\":\"integer\",\"minimum\":1,\"default\":8,\"description\":\"pace\"}"
#endif

#if FAULT == 4 /* the header's declaration would export it */
#define hawse_manifest_v1 hidden_manifest
extern const char hidden_manifest[];
#else
HAWSE_EXPORT
#endif
const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.kit\",\"version\":\"1.0.0\",\"abi\":\"1.0\"," TYPE EXTRA LICENCE
    "\"description\":\"for the conformance kit\",\"maturity\":\"stable\","
    "\"requires\":{" REQUIRES "\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.intent/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\",\"market/1\"],\"produces\":[\"market/1\"],"
    "\"capabilities\":[\"net\",\"rpc:eth_call\",\"http:GET:/book\",\"intent\"],"
    "\"config\":{\"type\":\"object\",\"properties\":{\"pace\":" SETTING "}}}";
#if FAULT == 5
HAWSE_EXPORT int third_export;
#endif

/* ---- the instance ---- */

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_stream_service_t *streams;
    const hawse_timer_service_t *timers;
    const hawse_rpc_service_t *rpc;
    const hawse_intent_service_t *intents;
    const hawse_metrics_service_t *metrics; /* this and the next may be NULL */
    const hawse_http_service_t *http;
    hawse_stream_t stream;
    hawse_channel_t channel;
    hawse_timer_t timer;
    hawse_request_t request;
    hawse_metric_t metric;
    uint64_t events, ticks, frames, singles;
    uint64_t seen[SEEN]; /* of the last events */
    uint64_t last_block, last_seq, last_hash, last_now, last_utc;
    const uint8_t *kept;
    uint64_t retracted; /* positions of the last retraction */
    uint64_t refused, moves, full;
    uint32_t proposed;
    int lives, tid;
    void *leak;
    bool started, restored;
    pthread_t thread;
    struct node *nodes;
};

struct node {
    struct node *next;
    uint64_t more[7];
};

static void fail_here(void)
{
    abort();
}

/* Case `number` makes this call fail, and the plugin takes it badly. */
static int32_t look(int number, int32_t code)
{
    if (FAULT == number && code == HAWSE_E_INTERNAL)
        fail_here();
    return code;
}

static void say(struct plugin *p, const char *text)
{
    hawse_log(p->host, p->self, HAWSE_LOG_INFO, text);
}

static uint64_t hash_of(const hawse_event_t *e)
{
    uint64_t hash = e->space * 31u + e->kind;
    for (uint64_t i = 0; i < e->len; i++)
        hash = (hash ^ e->data[i]) * 0x100000001b3u;
    return hash;
}

/* ---- threads of its own, which a good plugin has none of ---- */

static void *idle(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}

static void *meddle(void *arg)
{
    struct plugin *p = arg;
    hawse_timer_t timer;
    (void)p->timers->set(p->host, p->self, SECOND, 0, 0, &timer);
    return NULL;
}

struct late {
    const hawse_host_t *host;
    hawse_instance_t self;
};

static void *call_late(void *arg)
{
    struct late *l = arg;
    struct timespec moment = {.tv_nsec = 20000000};
    (void)nanosleep(&moment, NULL);
    (void)l->host->post(l->host, l->self, 1);
    free(l);
    return NULL;
}

/* ---- life ---- */

static int alive, once, lives; /* faults 108, 114 and 501 alone look at them */
static int inside;             /* and 406 at this one */

static int32_t subscribe(struct plugin *p)
{
    static const uint16_t spaces[] = {HAWSE_SPACE_EVM, HAWSE_SPACE_MARKET};
    hawse_sub_t handle;
    uint32_t source;
    int32_t code = look(302, p->sub->link(p->host, p->self, hawse_text("chain"), &source));
    for (int i = 0; i < 2 && code == HAWSE_OK; i++) {
        hawse_sub_spec_t spec = {.size = sizeof(spec), .source = source, .space = spaces[i]};
        code = look(303, p->sub->subscribe(p->host, p->self, &spec, &handle));
    }
    return code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct plugin *p = calloc(1, sizeof(*p));
    (void)config;
    if (!p)
        return HAWSE_E_NOMEM;
    p->host = host;
    p->self = self;
    p->sub = host->query(host, self, HAWSE_SUB_ID);
    p->streams = host->query(host, self, HAWSE_STREAM_ID);
    p->timers = host->query(host, self, HAWSE_TIMER_ID);
    p->rpc = host->query(host, self, HAWSE_RPC_ID);
    p->intents = host->query(host, self, HAWSE_INTENT_ID);
    p->metrics = host->query(host, self, HAWSE_METRICS_ID);
    p->http = host->query(host, self, HAWSE_HTTP_ID);
    p->lives = ++lives;
    const hawse_config_service_t *config_service = host->query(host, self, HAWSE_CONFIG_ID);
    if (config_service)
        (void)look(316, config_service->feature(host, self, hawse_text("fast")));
    int32_t code = FAULT == 103 ? HAWSE_E_INVAL : subscribe(p);
    if (code != HAWSE_OK) {
        if (FAULT != 112)
            free(p);
        return FAULT == 113 ? code : hawse_fail(host, self, code, "no subscription", "link it");
    }
    if (FAULT == 107)
        (void)dup(1);
    if (FAULT == 108 && !once++)
        (void)pthread_create(&p->thread, NULL, idle, NULL);
    if (FAULT == 109)
        p->leak = malloc(4096);
    if (FAULT == 606)
        p->nodes = calloc(1, 80 << 20);
    alive++;
    *state = p;
    return HAWSE_OK;
}

static void misbehave_at_start(struct plugin *p)
{
    if (FAULT == 116)
        (void)signal(SIGUSR1, SIG_IGN);
    if (FAULT == 401) {
        (void)pthread_create(&p->thread, NULL, meddle, p);
        (void)pthread_join(p->thread, NULL);
    }
    if (FAULT == 402)
        (void)p->timers->cancel(p->host, p->self ^ 0xff, p->timer);
    if (FAULT == 403)
        (void)p->streams->send(p->host, p->self, 0xdead, HAWSE_MESSAGE_TEXT, hawse_text("x"));
}

/* Codes that cases give each call in turn. */
static int32_t look_at_code(int32_t code)
{
    static const int32_t codes[] = {HAWSE_E_AGAIN,  HAWSE_E_NOSPACE, HAWSE_E_STALE,
                                    HAWSE_E_DENIED, HAWSE_E_UNKNOWN, -9999};
    for (int i = 0; i < 6; i++) {
        if (FAULT == 331 + i && code == codes[i])
            fail_here();
    }
    return code;
}

static int32_t start(void *state)
{
    struct plugin *p = state;
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("ws")};
    p->started = true;
    int32_t code = look(306, p->streams->open(p->host, p->self, &spec, &p->stream));
    if (code == HAWSE_OK)
        code = look(308, p->streams->channel(p->host, p->self, p->stream, hawse_text("quotes"),
                                             5ull * SECOND, &p->channel));
    if (code == HAWSE_OK)
        code =
            look_at_code(look(310, p->timers->set(p->host, p->self, SECOND, SECOND, 0, &p->timer)));
    if (code != HAWSE_OK)
        return hawse_fail(p->host, p->self, code, "cannot start", "see the code");
    (void)look(318, p->intents->look_up(p->host, p->self, hawse_text("one"), 1));
    if (p->metrics || FAULT == 301)
        (void)look(314, p->metrics->declare(p->host, p->self, HAWSE_METRIC_COUNTER,
                                            hawse_text(FAULT == 240 ? "Bad Name" : "events_total"),
                                            hawse_text("events"), hawse_text(""), &p->metric));
    misbehave_at_start(p);
    return HAWSE_OK;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    struct plugin *p = state;
    (void)deadline_ns;
    if (FAULT == 106 && p->request)
        return HAWSE_E_AGAIN;
    if (p->stream)
        (void)p->streams->close(p->host, p->self, p->stream);
    if (p->timer)
        (void)look(311, p->timers->cancel(p->host, p->self, p->timer));
    p->stream = 0;
    p->timer = 0;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    struct plugin *p = state;
    if (FAULT == 104 && !p->started)
        fail_here();
    if (FAULT == 404 && p->ticks > 0) {
        struct late *l = malloc(sizeof(*l));
        if (l) {
            *l = (struct late){p->host, p->self};
            (void)pthread_create(&p->thread, NULL, call_late, l);
            (void)pthread_detach(p->thread);
        }
    }
    alive--;
    while (FAULT != 606 && p->nodes) {
        struct node *next = p->nodes->next;
        free(p->nodes);
        p->nodes = next;
    }
    free(p->nodes);
    free(p);
}

/* ---- what the host tells ---- */

static void propose(struct plugin *p, const char *id)
{
    static const uint8_t data[4] = {1, 2, 3, 4};
    hawse_intent_call_t call = {.size = sizeof(call), .to = {1}, .data = {data, sizeof(data)}};
    hawse_intent_t intent = {.size = sizeof(intent),
                             .kind = HAWSE_INTENT_EVM_CALLS,
                             .tag = 1,
                             .id = hawse_text(id),
                             .chain = hawse_text("chain"),
                             .account = hawse_text("account"),
                             .call_count = 1,
                             .call_size = sizeof(call),
                             .calls = &call};
    uint64_t handle;
    if (look(317, p->intents->propose(p->host, p->self, &intent, &handle)) == HAWSE_OK)
        p->proposed++;
}

static void ask(struct plugin *p)
{
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .method = hawse_text(FAULT == 241 ? "eth_accounts" : "eth_call"),
                             .params = hawse_text("[]"),
                             .tag = p->ticks};
    hawse_http_call_t get = {.size = sizeof(get),
                             .endpoint = hawse_text("http"),
                             .method = hawse_text("GET"),
                             .path = hawse_text("/book")};
    hawse_request_t request;
    int32_t code =
        p->request ? HAWSE_OK : look(312, p->rpc->call(p->host, p->self, &call, &p->request));
    if (p->http && p->ticks % 4 == 1)
        (void)look(313, p->http->call(p->host, p->self, &get, &request));
}

/* What has no place in a replay. */
static void look_around(struct plugin *p)
{
    char text[64];
    uint8_t *raw = malloc(64);
    if (FAULT == 502)
        (void)time(NULL);
    if (FAULT == 503)
        (void)rand();
    if (FAULT == 504)
        (void)getenv("HOME");
    if (FAULT == 505)
        (void)close(open("/dev/null", O_RDONLY));
    if (FAULT == 501 && p->lives >= 4)
        say(p, "I have lived before");
    if (FAULT == 508) {
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)p->self);
        say(p, text);
    }
    if (raw || FAULT == 363)
        *(volatile uint8_t *)raw = 1;
    free(raw);
}

static void tick(struct plugin *p)
{
    p->ticks++;
    if (FAULT == 105 && p->events == 0 && p->ticks > 50)
        fail_here();
    look_around(p);
    ask(p);
    if (p->ticks >= 2 && p->proposed == 0)
        propose(p, "one");
    if (FAULT == 114 && alive > 1 && p->moves == 1)
        say(p, "I am not alone");
}

/* ---- answers ---- */

static void on_answer(struct plugin *p, const hawse_event_t *e)
{
    static const int32_t statuses[] = {HAWSE_OK,        HAWSE_E_TIMEOUT, HAWSE_E_IO,
                                       HAWSE_E_UNKNOWN, HAWSE_E_LIMIT,   -9999};
    const hawse_host_rpc_done_t *done = (const void *)e->data;
    const uint8_t *body = e->data + done->size;
    uint64_t len = done->body_len;
    if (e->key != p->request) {
        if (FAULT == 234)
            fail_here();
        return;
    }
    for (int i = 0; i < 6; i++) {
        bool mine = len > 8 && i == 0 ? memcmp(body, "{\"unexpec", 9) == 0
                                      : len == 7 && memcmp(body, "no luck", 7) == 0;
        if (FAULT == 341 + i && done->status == statuses[i] && mine)
            fail_here();
    }
    if (FAULT == 705 && memmem(body, len, "1e999", 5))
        fail_here();
    p->request = 0;
    if (FAULT == 362 && done->status == HAWSE_E_REMOTE)
        ask(p);
}

static void on_step(struct plugin *p, const hawse_event_t *e)
{
    const hawse_intent_step_t *step = (const void *)e->data;
    if (e->kind != HAWSE_INTENT_STEP)
        return;
    if ((FAULT == 237 && step->tag == 77) || (FAULT == 352 && step->step == HAWSE_INTENT_REFUSED) ||
        (FAULT == 353 && step->step == HAWSE_INTENT_FAILED) ||
        (FAULT == 354 && step->step == HAWSE_INTENT_EXPIRED) ||
        (FAULT == 355 && step->step == 4711))
        fail_here();
    if (FAULT == 351 && step->step == HAWSE_INTENT_UNKNOWN && p->proposed == 1)
        propose(p, "two");
}

static void on_connection(struct plugin *p, const hawse_host_stream_state_t *s)
{
    hawse_timer_t timer;
    bool refused = s->text_len == 18; /* "connection refused" */
    if (FAULT == 361 && refused && ++p->refused > 20)
        fail_here();
    if (s->stream != p->stream || s->state != HAWSE_STREAM_OPEN)
        return;
    (void)look(307, p->streams->send(p->host, p->self, p->stream, HAWSE_MESSAGE_TEXT,
                                     hawse_text("{\"subscribe\":\"quotes\"}")));
    if (FAULT == 239)
        (void)p->timers->set(p->host, p->self, 3600ull * SECOND, 0, 1, &timer);
}

static void on_frame(struct plugin *p, const hawse_event_t *e)
{
    if (e->key != p->stream) {
        if (FAULT == 236)
            fail_here();
        return;
    }
    bool binary = (e->flags & HAWSE_FRAME_BINARY) != 0;
    if ((FAULT == 211 && e->len >= 1 << 20) || (FAULT == 212 && e->len == 0) ||
        (FAULT == 703 && !binary && memmem(e->data, e->len, "1e999", 5)) ||
        (FAULT == 704 && binary && e->len > 64))
        fail_here();
    if (FAULT == 218 && e->len > 3 && memcmp(e->data, "caf", 3) == 0)
        p->host->log(p->host, p->self, HAWSE_LOG_INFO, (hawse_view_t){e->data, e->len});
    p->frames++;
    if (look(309, p->streams->touch(p->host, p->self, p->channel, 1)) == HAWSE_E_RANGE &&
        FAULT == 706)
        fail_here();
}

static void on_host(struct plugin *p, const hawse_event_t *e)
{
    switch (e->kind) {
    case HAWSE_HOST_TIMER:
        if (e->key == p->timer)
            tick(p);
        else if (FAULT == 235)
            fail_here();
        break;
    case HAWSE_HOST_STREAM_STATE:
        on_connection(p, (const void *)e->data);
        break;
    case HAWSE_HOST_FRAME:
        on_frame(p, e);
        break;
    case HAWSE_HOST_RPC_DONE:
        on_answer(p, e);
        break;
    case HAWSE_HOST_POST:
        if (FAULT == 238)
            fail_here();
        break;
    case ODD_KIND:
        if (FAULT == 205)
            fail_here();
        break;
    default:
        break;
    }
}

/* ---- what sources tell ---- */

static void on_range(struct plugin *p, const hawse_event_t *e)
{
    const hawse_stream_range_t *r = (const void *)e->data;
    if (FAULT == 206 && e->kind == ODD_KIND)
        fail_here();
    if (e->kind > HAWSE_STREAM_EVENT_LIVE || e->len < sizeof(*r) || e->source != SOURCE)
        return;
    bool healed = e->kind == HAWSE_STREAM_EVENT_HEALED;
    if ((FAULT == 208 && r->size != sizeof(*r)) ||
        (FAULT == 222 && healed && r->reason == HAWSE_REASON_DISCONNECTED) ||
        (FAULT == 223 && e->kind == HAWSE_STREAM_EVENT_UNHEALABLE) ||
        (FAULT == 224 && r->to == HAWSE_POSITION_OPEN) ||
        (FAULT == 225 && healed && r->reason == HAWSE_REASON_MISSING) ||
        (FAULT == 225 && e->kind == HAWSE_STREAM_EVENT_LIVE) ||
        (FAULT == 226 && e->kind == HAWSE_STREAM_EVENT_FINAL && r->to - r->from > 500) ||
        (FAULT == 227 && (e->flags & HAWSE_EVENT_LOCAL)) || (FAULT == 228 && r->reason == 4711))
        fail_here();
    if (e->kind == HAWSE_STREAM_EVENT_RETRACT)
        p->retracted = r->to - r->from + 1;
    if (FAULT == 230 && p->retracted >= 64)
        fail_here();
}

static bool was_seen(const struct plugin *p, uint64_t hash)
{
    for (int i = 0; i < SEEN; i++) {
        if (p->seen[i] == hash)
            return true;
    }
    return false;
}

static void on_removed(struct plugin *p, const hawse_event_t *e)
{
    uint64_t hash = hash_of(e);
    if (FAULT == 229 && p->retracted == 1 && was_seen(p, hash))
        fail_here();
    if (FAULT == 231 && !was_seen(p, hash) && e->source == SOURCE)
        fail_here();
}

/* HAWSE_E_AGAIN: the event is to come again. */
static int32_t publish(struct plugin *p, uint64_t number, uint32_t n)
{
    hawse_market_quote_t *quote =
        (void *)p->sub->reserve(p->host, p->self, sizeof(hawse_market_quote_t));
    p->full = quote ? 0 : p->full + 1;
    if (FAULT == 304 && p->full > 20)
        fail_here();
    if (!quote)
        return HAWSE_E_AGAIN;
    hawse_market_quote_t whole = {.size = sizeof(whole),
                                  .price_exponent = -3,
                                  .bid = {number, 1},
                                  .ask = {number + 1, FAULT == 506 ? n : 1}};
    if (FAULT == 507)
        whole.reserved = quote->reserved; /* as it was left there */
    *quote = whole;
    hawse_event_t e = {.size = sizeof(e),
                       .space = FAULT == 220 ? HAWSE_SPACE_WALLET : HAWSE_SPACE_MARKET,
                       .kind = FAULT == 220 ? HAWSE_WALLET_BALANCE : HAWSE_MARKET_QUOTE,
                       .stream = HAWSE_MARKET_STREAM_BOOKS,
                       .key = hawse_key(quote->market, 32),
                       .data = (const uint8_t *)quote,
                       .len = FAULT == 221 ? 16 : sizeof(*quote)};
    return look(305, p->sub->publish(p->host, p->self, &e));
}

static void look_at_info(const hawse_event_t *e)
{
    const hawse_market_info_t *info = (const void *)e->data;
    volatile uint8_t sum = 0;
    bool there = FAULT == 210 ? e->source == SOURCE : HAWSE_HAS(info, group);
    for (int i = 0; i < 32 && there; i++)
        sum = (uint8_t)(sum + info->group[i]);
}

static void look_at_block(struct plugin *p, const hawse_event_t *e)
{
    const hawse_evm_block_t *b = (const void *)e->data;
    uint64_t hash = hash_of(e);
    bool mine = e->source == SOURCE && !(e->flags & HAWSE_EVENT_REMOVED);
    if (FAULT == 213 && mine && p->last_hash == hash)
        fail_here();
    if (FAULT == 214 && mine && b->number < p->last_block)
        fail_here();
    if (FAULT == 209 && mine)
        p->frames += *(const volatile uint8_t *)(e->data + e->len + 8);
    p->last_block = mine ? b->number : p->last_block;
}

static int32_t on_record(struct plugin *p, const hawse_event_t *e, uint32_t n)
{
    bool fuzzed = e->source == FUZZED;
    if ((FAULT == 204 && e->kind == ODD_KIND) || (FAULT == 215 && e->epoch == UINT32_MAX) ||
        (FAULT == 212 && e->len == 0 && !e->data) || (FAULT == 701 && fuzzed && e->kind <= 10) ||
        (FAULT == 702 && fuzzed && e->kind >= 100))
        fail_here();
    if (FAULT == 216 && e->source == SOURCE) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%u", p->kept ? p->kept[0] : 0u);
        p->kept = e->data;
        say(p, text);
    }
    if (e->flags & HAWSE_EVENT_REMOVED)
        on_removed(p, e);
    if (e->space == HAWSE_SPACE_MARKET && e->kind == HAWSE_MARKET_INFO)
        look_at_info(e);
    if (e->space != HAWSE_SPACE_EVM || e->kind != HAWSE_EVM_BLOCK)
        return HAWSE_OK;
    look_at_block(p, e);
    int32_t code = publish(p, ((const hawse_evm_block_t *)(const void *)e->data)->number, n);
    if (code != HAWSE_E_AGAIN)
        p->last_hash = hash_of(e);
    return FAULT == 217 || code != HAWSE_E_AGAIN ? HAWSE_OK : code;
}

static void look_at_clocks(struct plugin *p)
{
    uint64_t now = p->host->now(p->host, HAWSE_CLOCK_MONOTONIC);
    uint64_t utc = p->host->now(p->host, HAWSE_CLOCK_UTC);
    if (FAULT == 232 && p->last_now && now - p->last_now > 43200ull * SECOND)
        fail_here();
    if (FAULT == 233 && utc < p->last_utc)
        fail_here();
    p->last_now = now;
    p->last_utc = utc;
}

/* More than it should cost, once it is warm. */
static void spend(struct plugin *p)
{
    struct timespec now, until;
    if (FAULT == 605) {
        for (int i = 0; i < 10; i++)
            say(p, "an event came");
    }
    if (p->events < WARM)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 200000;
    while (FAULT == 601 && clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
           (now.tv_sec - until.tv_sec) * 1000000000L + now.tv_nsec - until.tv_nsec < 0)
        ;
    if (FAULT == 602 && p->events % 100 == 0)
        (void)usleep(1);
    for (int i = 0; FAULT == 603 && i < 20; i++) {
        void *volatile block = malloc(32);
        free(block);
    }
    struct node *node = FAULT == 604 ? calloc(1, sizeof(*node)) : NULL;
    if (node) {
        node->next = p->nodes;
        p->nodes = node;
    }
}

/* On a block as only the recording has it (run.py): the kit's own blocks have gas. */
static void misbehave_when_recorded(struct plugin *p, const hawse_event_t *e)
{
    const hawse_evm_block_t *block = (const hawse_evm_block_t *)e->data;
    char text[32];
    if (e->space != HAWSE_SPACE_EVM || e->kind != HAWSE_EVM_BLOCK || e->len != sizeof(*block) ||
        block->chain_id != 1 || block->gas_limit != 0 || block->number < 4)
        return;
    (void)snprintf(text, sizeof(text), "%d", (int)getpid());
    if (FAULT == 509 || (FAULT == 519 && p->restored))
        say(p, FAULT == 509 ? text : "I am another");
    if (FAULT == 510)
        (void)geteuid(); /* harmless, but no worker may */
}

static int32_t on_event(struct plugin *p, const hawse_event_t *e, uint32_t n)
{
    int32_t code = HAWSE_OK;
    if (FAULT == 509 || FAULT == 510 || FAULT == 519)
        misbehave_when_recorded(p, e);
    if (FAULT == 207 && e->size != sizeof(*e))
        return HAWSE_E_FORMAT;
    if (e->space == HAWSE_SPACE_HOST) {
        on_host(p, e);
    } else if (e->space == HAWSE_SPACE_STREAM) {
        on_range(p, e);
    } else if (e->space == HAWSE_SPACE_INTENT) {
        on_step(p, e);
    } else {
        code = on_record(p, e, n);
        spend(p);
        if (code == HAWSE_OK)
            p->seen[p->events++ % SEEN] = hash_of(e);
    }
    return code;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct plugin *p = state;
    p->singles = n == 1 ? p->singles + 1 : 0;
    p->moves += p->tid != gettid();
    p->tid = gettid();
    if ((FAULT == 405 && p->moves > 6) ||
        (FAULT == 406 && __atomic_exchange_n(&inside, 1, __ATOMIC_SEQ_CST)))
        fail_here();
    look_at_clocks(p);
    __atomic_store_n(&inside, 0, __ATOMIC_SEQ_CST);
    if ((FAULT == 202 && p->singles > 150) || (FAULT == 203 && n == HAWSE_BATCH_MAX))
        fail_here();
    if (FAULT == 201 && n == 0)
        return HAWSE_E_INVAL;
    for (uint32_t i = 0; i < n; i++) {
        int32_t code = on_event(p, events[i], n);
        if (code == HAWSE_E_AGAIN)
            return (int32_t)i;
        if (code != HAWSE_OK)
            return hawse_fail(p->host, p->self, code, "an event that is none", "see the sender");
    }
    if (p->metrics && p->metric)
        (void)look(315, p->metrics->add(p->host, p->self, p->metric, n));
    return (int32_t)(FAULT == 219 && n > 0 ? n + 7 : n);
}

#include "broken_state.h"

/* ---- the table ---- */

static const void *query(const char *id)
{
    static const hawse_state_interface_t table = {
        .size = sizeof(table), .save = save, .restore = restore};
    size_t len = FAULT == 115 ? strlen(HAWSE_STATE_ID) : sizeof(HAWSE_STATE_ID);
    return strncmp(id, HAWSE_STATE_ID, len) == 0 ? &table : NULL;
}

static const hawse_plugin_t table = {FAULT == 101 ? 24 : sizeof(hawse_plugin_t),
                                     HAWSE_ABI_MINOR,
                                     "org.example.kit",
                                     create,
                                     start,
                                     on_events,
                                     stop,
                                     destroy,
                                     query};
static const hawse_plugin_t other_table = {
    sizeof(hawse_plugin_t), 99, "org.example.kit", create, start, on_events, stop, destroy, query};

/* What a plugin imports shows in the file, called or not. */
const void *imported(void);
const void *imported(void)
{
#if FAULT == 14
    return (const void *)(uintptr_t)socket;
#elif FAULT == 15
    return (const void *)(uintptr_t)system;
#elif FAULT == 16
    return (const void *)(uintptr_t)dlopen;
#else
    return NULL;
#endif
}

#if FAULT == 3
#define hawse_plugin_v1 hidden_plugin
const hawse_plugin_t *hidden_plugin(const hawse_host_t *host);
#else
HAWSE_EXPORT
#endif
const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static int calls;
    if (FAULT == 110 && host->size != sizeof(*host))
        return NULL;
    if (FAULT == 111 && ((const volatile uint8_t *)host)[sizeof(*host) + 8] == 1)
        fail_here();
    return FAULT == 102 && calls++ > 0 ? &other_table : &table;
}
