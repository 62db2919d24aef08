/*
 * One plugin, broken in one way per build: -DCASE=... chooses. `hawse check --host` builds each,
 * puts it beside a good instance (BYSTANDER) and what feeds both (SOURCE), and demands that the
 * host names the culprit and the good one goes on. It is source, so that hosts meet what the
 * compiler at hand makes of it.
 */
#include <fcntl.h>
#include <hawse/hawse.h>
#include <hawse/service/config.h>
#include <hawse/service/http.h>
#include <hawse/service/rpc.h>
#include <hawse/service/sign.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GOOD            0
#define NO_ENTRY        1
#define NO_MANIFEST     2
#define THIRD_EXPORT    3
#define OTHER_MAJOR     4
#define SHORT_TABLE     5
#define NULL_CALLBACK   6
#define OTHER_ID        7
#define BAD_JSON        8
#define BAD_KIND        9
#define UNMET_REQUIRES  10
#define CTOR_ABORT      11
#define CTOR_EXIT       12
#define CTOR_LOOP       13
#define ENTRY_NULL      14
#define ENTRY_CRASH     15
#define EXPERIMENTAL    16
#define CREATE_FAILS    17
#define EVENTS_CRASH    18
#define EVENTS_LOOP     19
#define EVENTS_SLOW     20
#define EVENTS_NEGATIVE 21
#define EVENTS_TOO_MANY 22
#define PUBLISH_FOREIGN 23
#define PUBLISH_SHORT   24
#define FLOOD           25
#define UNGRANTED_URL   26
#define STALE_HANDLES   27
#define NEVER_STOPS     28
#define UNGRANTED_RPC   29
#define UNFINISHED      30
#define FOREIGN_HANDLE  31
#define LOG_FLOOD       32
#define CREATE_LOOP     33
#define UNGRANTED_HTTP  34
#define FEATURES        35
#define UNKNOWN_KEYS    36
#define UNGRANTED_SIGN  37
#define DENIED_SIGN     38
#define SOURCE          39
#define BYSTANDER       40
#define OPENS_SOCKET    41
#define OPENS_FILE      42
#define STARTS_PROCESS  43
#define EATS_MEMORY     44
#define WRITES_EVENT    45

#ifndef CASE
#define CASE GOOD
#endif

#if CASE == SOURCE
#define ID       "org.test.source"
#define KIND     "chain"
#define PRODUCES "evm/1"
#elif CASE == BYSTANDER
#define ID       "org.test.bystander"
#define KIND     "sink"
#define PRODUCES "market/1"
#else
#define ID       "org.test.victim"
#define KIND     "sink"
#define PRODUCES "market/1"
#endif

#if CASE == BAD_JSON
#define MANIFEST "{\"id\":\"org.test.victim\", "
#elif CASE == BAD_KIND
#define MANIFEST \
    "{\"id\":\"org.test.victim\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"venu\"}"
#elif CASE == OTHER_MAJOR
#define MANIFEST \
    "{\"id\":\"org.test.victim\",\"version\":\"1.0.0\",\"abi\":\"2.0\",\"kind\":\"sink\"}"
#else
#define MANIFEST                                                                                 \
    "{\"id\":\"" ID "\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"" KIND "\","            \
    "\"maturity\":\"" MATURITY "\",\"requires\":{" REQUIRES "},\"produces\":[\"" PRODUCES "\"]," \
    "\"capabilities\":[\"net\",\"rpc:eth_call\",\"http:GET:/book\",\"http:POST:/"                \
    "order\",\"sign:polymarket-l2\"],"                                                           \
    "\"features\":{\"basic\":{\"maturity\":\"stable\"},"                                         \
    "\"unfinished\":{\"maturity\":\"experimental\"}}," MORE "\"budget\":{\"callback_us\":1000}}"
#endif
#if CASE == UNKNOWN_KEYS
#define MORE "\"authr\":\"me\",\"logo\":\"x.png\","
#else
#define MORE ""
#endif
#if CASE == EXPERIMENTAL
#define MATURITY "experimental"
#else
#define MATURITY "stable"
#endif
#if CASE == UNMET_REQUIRES
#define REQUIRES "\"hawse.teleport/1\":\">=1.0\""
#else
#define REQUIRES "\"hawse.sub/1\":\">=1.0\""
#endif

#if CASE != NO_MANIFEST
HAWSE_EXPORT const char hawse_manifest_v1[] = MANIFEST;
#endif
#if CASE == THIRD_EXPORT
HAWSE_EXPORT int third_export;
#endif

static struct {
    const hawse_host_t *host;
    hawse_instance_t self;
    uint64_t events;
    const hawse_event_t *event; /* the first of those it was given last */
} me;

#if CASE == CTOR_ABORT || CASE == CTOR_EXIT || CASE == CTOR_LOOP
__attribute__((constructor)) static void constructor(void)
{
    if (CASE == CTOR_ABORT)
        abort();
    if (CASE == CTOR_EXIT)
        _exit(3);
    for (volatile int i = 0;; i++)
        ;
}
#endif

/* What the host says of each feature, and of one that the manifest does not have. */
static void tell_features(void)
{
    const hawse_config_service_t *config = me.host->query(me.host, me.self, HAWSE_CONFIG_ID);
    char text[128];
    (void)snprintf(text, sizeof(text), "basic %d, unfinished %d, other %d %s",
                   hawse_feature(me.host, me.self, "basic"),
                   hawse_feature(me.host, me.self, "unfinished"),
                   hawse_feature(me.host, me.self, "other"),
                   config->feature(me.host, me.self, hawse_text("other")) == HAWSE_E_NOTFOUND &&
                           config->feature(me.host, 0, hawse_text("basic")) == HAWSE_E_STALE
                       ? "unknown"
                       : "wrong");
    hawse_log(me.host, me.self, HAWSE_LOG_INFO, text);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    hawse_sub_spec_t spec = {.size = sizeof(spec), .space = HAWSE_SPACE_EVM};
    hawse_sub_t handle;
    (void)config;
    me.host = host;
    me.self = self;
    if (CASE == CREATE_FAILS)
        return hawse_fail(host, self, HAWSE_E_INVAL, "the moon is in the wrong phase", "wait");
    if (CASE == FEATURES)
        tell_features();
    if (CASE == CREATE_LOOP)
        for (volatile int i = 0;; i++)
            ;
    *state = &me;
    if (CASE == SOURCE)
        return HAWSE_OK;
    return sub->subscribe(host, self, &spec, &handle);
}

static void publish(uint16_t space, uint64_t len)
{
    static uint8_t record[4096];
    const hawse_sub_service_t *sub = me.host->query(me.host, me.self, HAWSE_SUB_ID);
    hawse_event_t e = {.size = sizeof(e), .space = space, .kind = 2, .data = record, .len = len};
    int32_t code = sub->publish(me.host, me.self, &e);
    if (code == HAWSE_E_INVAL)
        hawse_log(me.host, me.self, HAWSE_LOG_INFO, "publish was refused, as it should be");
}

static void flood(void)
{
    static uint8_t record[4096];
    const hawse_sub_service_t *sub = me.host->query(me.host, me.self, HAWSE_SUB_ID);
    hawse_event_t e = {
        .size = sizeof(e), .space = HAWSE_SPACE_MARKET, .kind = 2, .data = record, .len = 4096};
    for (int i = 0; i < 100000; i++)
        (void)sub->publish(me.host, me.self, &e);
}

static void abuse_handles(void)
{
    const hawse_timer_service_t *timers = me.host->query(me.host, me.self, HAWSE_TIMER_ID);
    const hawse_stream_service_t *streams = me.host->query(me.host, me.self, HAWSE_STREAM_ID);
    const hawse_sub_service_t *sub = me.host->query(me.host, me.self, HAWSE_SUB_ID);
    hawse_view_t none = {NULL, 0};
    hawse_timer_t timer = 0;
    (void)timers->set(me.host, me.self, 1000000000, 0, 0, &timer);
    int32_t first = timers->cancel(me.host, me.self, timer);
    int32_t second = timers->cancel(me.host, me.self, timer);
    int32_t random = timers->cancel(me.host, me.self, 0xdeadbeefdeadbeefu);
    int32_t stream = streams->send(me.host, me.self, 0x100000001u, 1, none);
    int32_t subscription = sub->unsubscribe(me.host, me.self, UINT64_MAX);
    if (first == HAWSE_OK && second == HAWSE_E_STALE && random == HAWSE_E_STALE &&
        stream == HAWSE_E_STALE && subscription == HAWSE_E_STALE)
        hawse_log(me.host, me.self, HAWSE_LOG_INFO, "stale handles are told as stale");
}

static void open_ungranted(void)
{
    const hawse_stream_service_t *streams = me.host->query(me.host, me.self, HAWSE_STREAM_ID);
    hawse_stream_spec_t spec = {.size = sizeof(spec), .url = hawse_text("wss://evil.example/x")};
    hawse_stream_t stream;
    (void)streams->open(me.host, me.self, &spec, &stream);
}

static void call_ungranted(void)
{
    const hawse_rpc_service_t *rpc = me.host->query(me.host, me.self, HAWSE_RPC_ID);
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text("eth_sendRawTransaction")};
    hawse_request_t request;
    if (rpc->call(me.host, me.self, &call, &request) == HAWSE_E_DENIED)
        hawse_log(me.host, me.self, HAWSE_LOG_INFO, "the call was denied, as it should be");
}

/* Neither a path that is not granted, nor one that only seems to be, nor another's endpoint. */
static void ask_ungranted(void)
{
    const hawse_http_service_t *http = me.host->query(me.host, me.self, HAWSE_HTTP_ID);
    static const struct {
        const char *method, *endpoint, *path, *headers;
        int32_t code;
    } tries[] = {
        {"GET", "http", "/order", "", HAWSE_E_DENIED},
        {"GET", "http", "/books", "", HAWSE_E_DENIED},
        {"POST", "http", "/book", "", HAWSE_E_DENIED},
        {"GET", "http", "/book/../order", "", HAWSE_E_INVAL},
        {"GET", "http", "/book/%2e%2e/order", "", HAWSE_E_INVAL},
        {"GET", "http", "/book\\..\\order", "", HAWSE_E_INVAL},
        {"GET", "http", "/book", "Host: evil.example\n", HAWSE_E_INVAL},
        {"CONNECT", "http", "/book", "", HAWSE_E_INVAL},
        {"GET", "nowhere", "/book", "", HAWSE_E_NOTFOUND},
        {"GET", "ws", "/book", "", HAWSE_E_INVAL},
    };
    hawse_request_t request;
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        hawse_http_call_t call = {.size = sizeof(call),
                                  .link = hawse_text("chain"),
                                  .endpoint = hawse_text(tries[i].endpoint),
                                  .method = hawse_text(tries[i].method),
                                  .path = hawse_text(tries[i].path),
                                  .headers = hawse_text(tries[i].headers)};
        if (http->call(me.host, me.self, &call, &request) != tries[i].code)
            return;
    }
    if (http->cancel(me.host, me.self, 0xdeadbeefu) == HAWSE_E_STALE)
        hawse_log(me.host, me.self, HAWSE_LOG_INFO, "every request was refused, as it should be");
}

/* Every handle but one's own belongs to somebody else. */
static void use_foreign_handle(void)
{
    const hawse_sub_service_t *sub = me.host->query(me.host, me.self, HAWSE_SUB_ID);
    uint32_t refused = 0;
    for (uint64_t generation = 1; generation < 8; generation++) {
        hawse_instance_t other = generation << 32 | 1;
        uint32_t source;
        int32_t code = sub->link(me.host, other, hawse_text("chain"), &source);
        refused += other != me.self && (code == HAWSE_E_STATE || code == HAWSE_E_STALE);
    }
    if (refused >= 6)
        hawse_log(me.host, me.self, HAWSE_LOG_INFO, "another's handle is of no use");
}

/* Logins where none may be: each call is wrong in one way. */
static void use_credential(void)
{
    const hawse_sign_service_t *sign = me.host->query(me.host, me.self, HAWSE_SIGN_ID);
    const hawse_stream_service_t *streams = me.host->query(me.host, me.self, HAWSE_STREAM_ID);
    static const struct {
        const char *credential, *endpoint, *method, *path, *link;
        int32_t code;
    } calls[] = {
        {"nobody", "clob", "GET", "/book", "", HAWSE_E_NOTFOUND},
        {"me", "other", "GET", "/book", "", HAWSE_E_DENIED},
        {"me", "nowhere", "GET", "/book", "", HAWSE_E_DENIED},
        {"me", "clob", "POST", "/order", "", HAWSE_E_DENIED},
        {"me", "clob", "GET", "/data/orders", "", HAWSE_E_DENIED}, /* no such http grant */
        {"me", "clob", "GET", "/auth/api-keys", "", HAWSE_E_DENIED},
        {"me", "clob", "GET", "/book/../auth", "", HAWSE_E_INVAL},
        {"me", "clob", "GET", "/book", "chain", HAWSE_E_INVAL},
    };
    hawse_view_t login = hawse_text("{\"type\":\"user\",\"auth\":\"$credential\"}");
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("stream")};
    hawse_stream_t stream = 0;
    hawse_request_t request;
    uint32_t refused = 0, wanted = sizeof(calls) / sizeof(calls[0]) + 4;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        hawse_http_call_t call = {.size = sizeof(call),
                                  .link = hawse_text(calls[i].link),
                                  .endpoint = hawse_text(calls[i].endpoint),
                                  .method = hawse_text(calls[i].method),
                                  .path = hawse_text(calls[i].path)};
        int32_t code =
            sign->http(me.host, me.self, hawse_text(calls[i].credential), &call, &request);
        refused += code == calls[i].code;
    }
    hawse_view_t name = hawse_text("me");
    (void)streams->open(me.host, me.self, &spec, &stream);
    refused += stream != 0;
    /* a stream of another endpoint; one that is not there; and the instance of somebody else */
    refused += sign->send(me.host, me.self, name, stream, login) == HAWSE_E_DENIED;
    refused += sign->send(me.host, me.self, name, 0x100000001u, login) == HAWSE_E_STALE;
    int32_t named = sign->names(me.host, me.self, name, hawse_text("key-id"));
    refused += named == 1;
    hawse_log(me.host, me.self, HAWSE_LOG_INFO,
              refused == wanted ? "every login was refused, as it should be"
                                : "a login was not refused");
}

/* What a plugin in a worker may not do. A host that runs it in its own process cannot tell. */
static void leave_the_worker(void)
{
    if (CASE == OPENS_SOCKET)
        (void)socket(AF_INET, SOCK_STREAM, 0);
    if (CASE == OPENS_FILE)
        (void)open("/etc/passwd", O_RDONLY);
    if (CASE == STARTS_PROCESS && fork() == 0)
        _exit(0);
    if (CASE == WRITES_EVENT) {
        volatile uint8_t *at;
        memcpy(&at, &me.event, sizeof(at));
        *at = 1;
    }
    while (CASE == EATS_MEMORY) { /* and does not look at what it gets */
        volatile uint8_t *at = malloc(1u << 20);
        for (uint32_t i = 0; i < 1u << 20; i += 4096)
            at[i] = 1;
    }
    hawse_log(me.host, me.self, HAWSE_LOG_ERROR, "nothing kept me in");
}

/* One block of no chain, every ten milliseconds. */
static void tell_block(void)
{
    const hawse_sub_service_t *sub = me.host->query(me.host, me.self, HAWSE_SUB_ID);
    hawse_evm_block_t block = {.size = sizeof(block), .chain_id = 1, .number = ++me.events};
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_EVM,
                       .kind = HAWSE_EVM_BLOCK,
                       .stream = HAWSE_EVM_STREAM_BLOCKS,
                       .data = (const uint8_t *)&block,
                       .len = sizeof(block)};
    (void)sub->publish(me.host, me.self, &e);
}

static void publish_foreign(void)
{
    publish(HAWSE_SPACE_EVM, 4096);
}

static void publish_short(void)
{
    publish(HAWSE_SPACE_MARKET, 16);
}

static void talk(void)
{
    for (int i = 0; i < 10000; i++)
        hawse_log(me.host, me.self, HAWSE_LOG_WARN, "I talk too much");
}

/* By an address that the compiler does not know to be none: it would leave the access out. */
static void crash(void)
{
    int *volatile nowhere = NULL;
    *(volatile int *)nowhere = 1;
}

static void loop(void)
{
    for (volatile int i = 0;; i++)
        ;
}

static void wait_long(void)
{
    struct timespec slow = {.tv_nsec = 30000000};
    (void)nanosleep(&slow, NULL);
}

/* What each case does with a batch of events. */
static void (*const deeds[])(void) = {
    [EVENTS_CRASH] = crash,
    [EVENTS_LOOP] = loop,
    [EVENTS_SLOW] = wait_long,
    [PUBLISH_FOREIGN] = publish_foreign,
    [PUBLISH_SHORT] = publish_short,
    [FLOOD] = flood,
    [UNGRANTED_URL] = open_ungranted,
    [UNGRANTED_RPC] = call_ungranted,
    [UNGRANTED_HTTP] = ask_ungranted,
    [STALE_HANDLES] = abuse_handles,
    [FOREIGN_HANDLE] = use_foreign_handle,
    [LOG_FLOOD] = talk,
    [SOURCE] = tell_block,
    [OPENS_SOCKET] = leave_the_worker,
    [OPENS_FILE] = leave_the_worker,
    [STARTS_PROCESS] = leave_the_worker,
    [EATS_MEMORY] = leave_the_worker,
    [WRITES_EVENT] = leave_the_worker,
};

static int32_t misbehave(uint32_t n)
{
    if (CASE < sizeof(deeds) / sizeof(deeds[0]) && deeds[CASE])
        deeds[CASE]();
    if (CASE == DENIED_SIGN && me.events == n)
        use_credential();
    if (CASE == EVENTS_NEGATIVE)
        return hawse_fail(me.host, me.self, HAWSE_E_FORMAT, "I give up", "do not run me");
    return CASE == EVENTS_TOO_MANY ? (int32_t)n + 7 : (int32_t)n;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    (void)state;
    me.event = events[0];
    me.events += n;
    return misbehave(n);
}

static int32_t start(void *state)
{
    const hawse_timer_service_t *timers = me.host->query(me.host, me.self, HAWSE_TIMER_ID);
    hawse_timer_t timer;
    (void)state;
    return CASE == SOURCE ? timers->set(me.host, me.self, 10000000, 10000000, 0, &timer) : HAWSE_OK;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return CASE == NEVER_STOPS ? HAWSE_E_AGAIN : HAWSE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static const hawse_plugin_t table = {
    .size = CASE == SHORT_TABLE ? 24 : sizeof(hawse_plugin_t),
    .id = CASE == OTHER_ID ? "org.test.somebody-else" : ID,
    .create = create,
    .start = start,
    .on_events = CASE == NULL_CALLBACK ? NULL : on_events,
    .stop = stop,
    .destroy = destroy,
};

#if CASE != NO_ENTRY
HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    (void)host;
    if (CASE == ENTRY_CRASH)
        crash();
    return CASE == ENTRY_NULL ? NULL : &table;
}
#else
const hawse_plugin_t *hidden_table(void);
const hawse_plugin_t *hidden_table(void)
{
    return &table;
}
#endif
