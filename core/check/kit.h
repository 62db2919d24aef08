/*
 * The conformance kit's own host: all services of the ABI for instances of one plugin, on a clock
 * that stands still until a case moves it. It keeps every promise of the headers, can make any host
 * call fail, and writes down where the plugin breaks a promise of its own. Nothing in it touches
 * the network, a file or the real clock. It lives in the child process of one case.
 *
 * A kit_host is what hawse_host_t points to; a kit is one instance on it. All of an instance's
 * state is in its kit, so that two instances may run on two threads.
 */
#ifndef CORE_CHECK_KIT_H
#define CORE_CHECK_KIT_H

#include "plugin/grants.h"

#include <hawse/hawse.h>
#include <hawse/service/intent.h>
#include <hawse/service/sub.h>
#include <pthread.h>
#include <stdbool.h>

#define KIT_MS     UINT64_C(1000000)
#define KIT_SECOND (1000 * KIT_MS)

enum {
    KIT_INSTANCES = 2,
    KIT_SUBS = 1024,
    KIT_STREAMS = 64,
    KIT_CHANNELS = 256,
    KIT_REQUESTS = 256,
    KIT_INTENTS = 64,
    KIT_TIMERS = 4096,
    KIT_METRICS = 1024,
    KIT_LINE = 240,
    KIT_STALE = 0xdb, /* what is left in memory that was lent */
};

/* Every host call, by the name that reports use. Those from SUB_LINK on can be made to fail. */
#define KIT_CALLS(X)                        \
    X(NOW, "now")                           \
    X(LOG, "log")                           \
    X(SET_ERROR, "set_error")               \
    X(QUERY, "query")                       \
    X(POST, "post")                         \
    X(SUB_LINK, "sub.link")                 \
    X(SUB_SPACE, "sub.space")               \
    X(SUB_SUBSCRIBE, "sub.subscribe")       \
    X(SUB_UNSUBSCRIBE, "sub.unsubscribe")   \
    X(SUB_RESERVE, "sub.reserve")           \
    X(SUB_PUBLISH, "sub.publish")           \
    X(STREAM_OPEN, "stream.open")           \
    X(STREAM_SEND, "stream.send")           \
    X(STREAM_RECONNECT, "stream.reconnect") \
    X(STREAM_CLOSE, "stream.close")         \
    X(STREAM_CHANNEL, "stream.channel")     \
    X(STREAM_TOUCH, "stream.touch")         \
    X(STREAM_STATE, "stream.channel_state") \
    X(TIMER_SET, "timer.set")               \
    X(TIMER_CANCEL, "timer.cancel")         \
    X(RPC_CALL, "rpc.call")                 \
    X(RPC_CANCEL, "rpc.cancel")             \
    X(HTTP_CALL, "http.call")               \
    X(HTTP_CANCEL, "http.cancel")           \
    X(SIGN_HTTP, "sign.http")               \
    X(SIGN_SEND, "sign.send")               \
    X(SIGN_NAMES, "sign.names")             \
    X(SIGN_LOGIN, "sign.login")             \
    X(METRICS_DECLARE, "metrics.declare")   \
    X(METRICS_ADD, "metrics.add")           \
    X(METRICS_SET, "metrics.set")           \
    X(CONFIG_FEATURE, "config.feature")     \
    X(INTENT_PROPOSE, "intent.propose")     \
    X(INTENT_CANCEL, "intent.cancel")       \
    X(INTENT_LOOK_UP, "intent.look_up")

#define KIT_CALL_ENUM(name, text) KIT_##name,
enum kit_call { KIT_CALLS(KIT_CALL_ENUM) KIT_CALL_COUNT };
#define KIT_CALL_ANY KIT_CALL_COUNT

/* Promises of the plugin that the kit watches over; each has a case of its own. */
enum kit_rule {
    KIT_RULE_THREAD, /* [lane] calls come from the lane, within a callback */
    KIT_RULE_SELF,   /* each call names the caller's own instance */
    KIT_RULE_HANDLE, /* no handle that was never given out */
    KIT_RULE_TOOK,   /* on_events answers with 0 to n */
    KIT_RULE_SPACE,  /* it publishes what its manifest produces */
    KIT_RULE_RECORD, /* records are whole, their header is filled in */
    KIT_RULE_TEXT,   /* what is logged is UTF-8 */
    KIT_RULE_GRANT,  /* it asks for what its manifest lists */
    KIT_RULE_METRIC, /* names of metrics; counters only grow */
    KIT_RULE_LATE,   /* nothing after destroy */
    KIT_RULE_SWAP,   /* save() and restore() change nothing */
    KIT_RULES,
};

/* Calls number first to last of one kind (KIT_CALL_ANY: of all that can fail), counted from 1, give
 * this code. reserve gives NULL. */
struct kit_fault {
    enum kit_call call;
    uint64_t first, last;
    int32_t code;
    uint64_t every; /* every so manieth of them only; 0 and 1: each */
};

/* How the world answers requests. */
struct kit_answers {
    int32_t status;     /* of rpc and http; 0: answered with `body` */
    const char *body;   /* NULL: "null" */
    size_t body_len;    /* 0: strlen(body) */
    uint64_t delay_ns;  /* 0: 1 ms */
    uint32_t last_step; /* of an intent: HAWSE_INTENT_CONFIRMED ... */
    bool never;         /* requests stay open */
    bool no_connection; /* streams never open */
};

/* Where an instance is while it is handed over: see hawse/service/state.h. */
enum kit_phase { KIT_RUNS, KIT_SAVES, KIT_RESTORES, KIT_LEAVES };

struct kit_event;
struct kit_task;

struct kit_stream {
    bool open, gone;
    uint32_t connection;
    uint64_t frames;
};

struct kit_channel {
    hawse_stream_t stream;
    uint64_t idle_ns, touched_ns;
    bool silent;
};

struct kit_request {
    bool used, http;
    bool sends;    /* a method that changes something */
    uint16_t uses; /* of this slot: a part of the handle, so that old ones are told apart */
    hawse_request_t handle;
    uint64_t tag;
    uint64_t asked; /* hash of the question */
};

struct kit_intent {
    uint64_t tag;
    uint64_t what; /* hash of chain, account and calls, without the id */
    uint32_t step;
};

struct kit_sub {
    hawse_sub_spec_t spec;
    uint8_t filter[512];
    bool gone;
};

struct kit_host {
    uint8_t *pages;
    size_t mapped;
    hawse_host_t *table;
    struct kit *kits[KIT_INSTANCES];
    uint8_t *slots[KIT_INSTANCES]; /* where events lie when they are delivered: each ends before a
                                      page that cannot be read */
    bool no_services;              /* query knows none beside what the manifest requires */
};

/* One instance of the plugin. */
struct kit {
    struct kit_host *host;
    const hawse_plugin_t *plugin;
    const struct manifest *manifest;
    const struct grants *grants; /* all that the manifest asks for */
    hawse_instance_t self;
    void *state;
    enum kit_phase phase;
    pthread_t thread; /* that runs a callback now */
    bool inside;      /* one does */
    bool created, started, stopping, destroyed, stuck;
    bool meet;    /* host calls wait a moment for the other instance's thread */
    uint32_t met; /* so often it was there */
    bool exact;   /* events end where memory ends; otherwise some readable bytes follow */
    uint8_t blot; /* what is left where an event was */
    uint64_t now_ns, utc_ns, handles;
    uint32_t batch; /* events of one on_events at most */
    struct kit_answers answers;
    struct kit_fault fault;
    struct kit_event *first, *last;
    struct kit_task *tasks;
    uint8_t *slots; /* of the host */
    struct kit_sub *subs;
    struct kit_stream streams[KIT_STREAMS];
    struct kit_channel channels[KIT_CHANNELS];
    struct kit_request requests[KIT_REQUESTS];
    struct kit_intent intents[KIT_INTENTS];
    uint32_t metric_kinds[KIT_METRICS];
    uint32_t sub_count, stream_count, channel_count, request_count, intent_count, metric_count,
        timer_count;
    uint16_t spaces; /* given out beyond those of the SDK */
    uint8_t *reserved;
    uint64_t reserved_len;
    uint8_t garbage; /* what is in memory that was not written yet */
    uint64_t seq[256];
    /* what it did */
    uint64_t calls[KIT_CALL_COUNT];
    uint64_t fallible, failed; /* calls that can fail; that were made to */
    uint64_t published;        /* events taken by the host */
    uint64_t hash;             /* of all that leaves the plugin but logs and metrics */
    uint64_t words;            /* of logs as well */
    uint64_t unknown[16];      /* hashes of what was sent with an unknown outcome */
    uint32_t unknown_count;
    uint64_t delivered, batches;
    uint64_t resent; /* of those, sent again */
    int32_t ended;   /* what a callback failed with */
    char broken[KIT_RULES][KIT_LINE];
    char error[KIT_LINE];  /* the last set_error */
    char *doing;           /* of the report: what is called now; KIT_LINE bytes */
    uint64_t worst_cpu_ns; /* of one callback, by the thread's own clock */
    uint64_t worst_wall_ns;
};

/* Shapes of the host's table. */
enum kit_shape {
    KIT_SHAPE_PLAIN, /* of this version, somewhere in memory */
    KIT_SHAPE_EXACT, /* the bytes after it cannot be read */
    KIT_SHAPE_NEWER, /* its size is larger, and nonsense follows */
};

struct kit_host *kit_host_create(enum kit_shape shape);
void kit_host_destroy(struct kit_host *host);

/* The next instance; runs create and gives what it answered. `doing` is written before each
 * callback. The kit exists even when create fails, until kit_free. */
int32_t kit_create(struct kit_host *host, const hawse_plugin_t *plugin,
                   const struct manifest *manifest, const struct grants *grants,
                   const char *settings, char *doing, struct kit **out);
/* The same in two steps, so that a fault can be set between them. */
struct kit *kit_new(struct kit_host *host, const hawse_plugin_t *plugin,
                    const struct manifest *manifest, const struct grants *grants, char *doing);
int32_t kit_make(struct kit *k, const char *settings);
int32_t kit_start(struct kit *k);
/* Calls stop until it is done or the deadline has passed; then what it answered last. */
int32_t kit_stop(struct kit *k);
void kit_destroy(struct kit *k); /* runs destroy; the kit stays */
void kit_free(struct kit *k);    /* NULL is legal */

/* kit_state.c: handing over. NULL: the plugin does not offer hawse.state/1. */
const struct hawse_state_interface *kit_state(const struct kit *k);
int32_t kit_save(struct kit *k, uint8_t *out, uint64_t cap, uint64_t *need);
/* *made is another state of this instance; the kit's own stays. */
int32_t kit_restore(struct kit *k, const char *settings, hawse_view_t saved, void **made);
/* Destroys one of the two, whose handle is stale by then; `stays` is the instance's from now on. */
void kit_part(struct kit *k, void *leaves, void *stays);

/* Lets time pass, with all that is due. */
void kit_pass(struct kit *k, uint64_t ns);
/* Queues an event, header as it is; a copy is made. Delivered by kit_pass. */
void kit_push(struct kit *k, const hawse_event_t *event);
/* Calls on_events with what waits, at once. */
void kit_deliver(struct kit *k);
uint32_t kit_waiting(const struct kit *k);
/* on_events with these, as they are, past the queue; what it answered. */
int32_t kit_call_events(struct kit *k, const hawse_event_t *const *events, uint32_t n);

/* Events of the world. */
void kit_connect(struct kit *k, hawse_stream_t stream, bool open, int32_t error, const char *why);
void kit_frame(struct kit *k, hawse_stream_t stream, const void *data, uint64_t len, bool binary);
void kit_demand(struct kit *k, uint32_t change, uint64_t sub, uint16_t space, uint16_t kind,
                const void *filter, uint32_t filter_len);
void kit_answer(struct kit *k, hawse_request_t request);
void kit_step(struct kit *k, uint64_t intent, uint32_t step, int32_t error);

/* ---- between the files of the kit ---- */

const char *kit_call_name(enum kit_call call);
struct kit_host *kit_host_of(const hawse_host_t *table);
/* Around a callback: `what` is what the report says of one that never returns. */
void kit_begin(struct kit *k, const char *what);
void kit_end(struct kit *k);
/* Begins a host call: NULL with the answer in *code when it was made to fail or is not legal. */
struct kit *kit_enter(const hawse_host_t *table, hawse_instance_t self, enum kit_call call,
                      int32_t *code);
/* The same for a call of any thread. */
struct kit *kit_enter_any(const hawse_host_t *table, hawse_instance_t self, enum kit_call call,
                          int32_t *code);
/* For services that are none of those calls: true, and a broken rule, when the plugin calls what
 * changes something while it is handed over. */
bool kit_untimely(const hawse_host_t *table, const char *name);
void kit_break(struct kit *k, enum kit_rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds to what the plugin did. */
void kit_did(struct kit *k, enum kit_call call, const void *data, uint64_t len);
uint64_t kit_mix(uint64_t hash, const void *data, uint64_t len);
void kit_later(struct kit *k, uint64_t delay_ns, void (*fn)(struct kit *k, uint64_t arg),
               uint64_t arg);
/* A timer of the plugin: its handle. */
uint64_t kit_timer(struct kit *k, uint64_t delay_ns, uint64_t period_ns, uint64_t tag);
bool kit_timer_cancel(struct kit *k, uint64_t timer);
/* Handles: whose, of what, which. */
enum kit_handle {
    KIT_H_SUB = 0x50,
    KIT_H_STREAM,
    KIT_H_CHANNEL,
    KIT_H_REQUEST,
    KIT_H_METRIC,
    KIT_H_INTENT
};
uint64_t kit_handle(const struct kit *k, enum kit_handle kind, uint32_t index);
/* The index of a handle among `count`; -1, and a broken rule, when it was never given out. */
int32_t kit_index(struct kit *k, enum kit_handle kind, uint64_t handle, uint32_t count,
                  enum kit_call call);
/* Something that may be done only once goes out: was it sent before with an unknown outcome? */
void kit_sends(struct kit *k, uint64_t what);
/* An own copy of the request; its completion is put on its way. 0: no room. */
hawse_request_t kit_ask(struct kit *k, uint64_t tag, uint64_t asked, bool http, bool sends);
/* The smallest record of a kind; 0 = not known. */
uint32_t kit_record_min(uint16_t space, uint16_t kind);
/* The number of a space's id; 0 = not of this SDK. */
uint16_t kit_space(const char *id, size_t len);
const void *kit_service(const char *id);
const void *kit_operator_service(const char *id);

#endif
