/*
 * Between the files of a pool: pool.c is what others call, call.c the life of one call, provider.c
 * one provider with its queue and its health, told.c what is counted. Everything here lives on the
 * HTTP client's thread unless it says otherwise.
 *
 *   pool_request  who asked: on the caller's loop and here
 *   call          what is asked: of several who ask the same at the same time there is one
 *   attempt       one request to one provider
 */
#ifndef CORE_RPC_POOL_PRIVATE_H
#define CORE_RPC_POOL_PRIVATE_H

#include "rpc/breaker.h"
#include "rpc/cache.h"
#include "rpc/http_wire.h"
#include "rpc/limit.h"
#include "rpc/pool.h"
#include "rpc/question.h"
#include "rpc/rpc_link.h"
#include "rpc/select.h"

#include <hawse/hawse.h>
#include <pthread.h>

enum {
    POOL_PROVIDERS = 16,
    POOL_REQUESTS = 4096, /* under way at a time */
    POOL_CLASSES = 3,
    POOL_TABLE = 256, /* buckets of calls that may be joined */
    POOL_LATENCIES = 64,
    POOL_SERIES = 96, /* rpc_requests_total of one provider; the rest is method="other" */
    POOL_UNSUPPORTED = 64,
};

/* Bytes that several hold: freed with the last of them. */
struct answer {
    int refs; /* atomic */
    uint8_t *block;
};

/* How an attempt, or a call, ended. */
struct outcome {
    bool known;     /* there is one */
    int32_t status; /* as pool_result */
    enum rpc_class class;
    bool soft;     /* status 0, and another provider may know more: null, or an old head */
    bool left;     /* it may have reached the provider */
    uint64_t head; /* that this answer tells; 0 = none */
    int64_t rpc_code;
    uint32_t http_status, retry_after_ms;
    struct answer *answer;
    const uint8_t *body;
    size_t len;
    const char *provider;
};

/* Probes: which chain, its newest block, and (Solana) what the node says of itself. */
enum attempt_kind {
    ATTEMPT_CALL,
    ATTEMPT_CHAIN, /* which chain is it of? */
    ATTEMPT_HEAD,
    ATTEMPT_HEALTH,
    ATTEMPT_LINK, /* which chain is its WebSocket of? */
    ATTEMPT_PUSH, /* that its WebSocket may tell of each new block */
};

struct attempt {
    struct attempt *next; /* in the provider's queue */
    struct attempt *also; /* of the same call */
    enum attempt_kind kind;
    struct call *call; /* NULL of probes */
    struct provider *provider;
    bool running;                 /* it waits no more */
    bool wired;                   /* it went over a connection of the provider's own */
    struct http_request *request; /* NULL while it waits, and but by libcurl */
    uint64_t queued_ns, started_ns;
    uint32_t cost;
    bool hedge;
    bool last;      /* nobody else is left: a pause that was only guessed does not hold it */
    bool overtaken; /* another one answered first, and this one has not yet */
    bool batched;   /* it is in a batch, which is the request */
    bool uncounted; /* its failure says nothing of the provider: another's says it */
};

struct call {
    struct call *next; /* in its bucket, when it may be joined */
    struct call *all_next, **all_at;
    struct pool *pool;
    struct question question;
    char *method;
    size_t method_len;
    uint8_t *params;
    size_t params_len;
    enum pool_class class;
    uint32_t flags;
    uint64_t begun_ns, deadline_ns, min_head, max_response, epoch;
    struct pool_request *waiters;
    struct attempt *attempts;
    unsigned live;  /* attempts that wait or run */
    uint32_t tried; /* bit per provider, in this round */
    unsigned rounds, hedges;
    uint64_t failed_ns;      /* the first failure; 0 = none */
    struct loop_timer timer; /* the next hedge, or the next round */
    struct outcome best;     /* what is told when nothing better comes */
    struct outcome votes[3]; /* of a quorum */
    unsigned vote_count;
    bool shared, done, unsure;
    unsigned busy;          /* functions that look at it: it is freed by the outermost */
    uint32_t bucket;        /* of the table */
    uint64_t head, touches; /* of the pool when it began */
};

struct pool_request {
    struct pool_request *next; /* among those who wait for the same call */
    struct pool *pool;
    struct call *call; /* made by pool_call, then the one that answers; NULL once it is told */
    struct loop *loop;
    struct loop_work work, cancel_work;
    pool_done_fn done;
    void *ctx;
    int refs;     /* atomic */
    int canceled; /* atomic */
    uint64_t asked_ns, deadline_ns;
    struct loop_timer timer;
    struct answer *answer;
    struct pool_result result;
};

enum standing {
    STANDING_NEW, /* its chain id is not known: nothing is asked of it before */
    STANDING_GOOD,
    STANDING_WRONG, /* of another chain */
};

struct series {
    char method[64];
    struct metric_counter *classes[RPC_CLASS_COUNT + 1]; /* the last: good answers */
};

struct method_rule {
    const struct config_method *config;
    struct limit limit;
};

/* Its subscription to new blocks. */
struct push {
    bool on;    /* heads come by it */
    bool lacks; /* the provider has no such thing */
    char id[80];
    size_t id_len;     /* 0 = there is none */
    uint64_t heard_ns; /* the last head */
    uint64_t again_ns; /* not subscribed to before */
    uint64_t count;
};

/* Who wants to know at once: on a loop of its own. */
struct listener {
    struct loop_work work;
    struct loop *loop; /* NULL = nobody; under the lock */
    void (*fn)(void *ctx);
    void *ctx;
    int posted; /* atomic */
    pthread_mutex_t lock;
    uint8_t header[POOL_HEADER]; /* as the newest push has it; under the lock */
    size_t header_len;           /* 0 = it was taken */
};

struct queue {
    struct attempt *first, *last;
    uint64_t units; /* what they cost in all, with the waits that costly ones need */
};

struct provider {
    struct pool *pool;
    const struct config_provider *config;
    uint32_t index;
    struct limit limit;
    struct http_line *line;
    struct http_wire *wire;              /* connections of its own; NULL = none */
    struct rpc_link *link;               /* its WebSocket; NULL = none */
    bool link_good;                      /* open, and of the right chain */
    uint64_t link_ns;                    /* when it was asked for its chain last */
    struct batch *batch;                 /* that gathers; NULL = none */
    struct batch *batches;               /* that have left */
    uint64_t batches_sent, batched_sent; /* and the requests in them */
    uint32_t batch_max; /* as configured, or less since it refused one; below 2: no batches */
    struct push push;
    bool limited;              /* it, or a method of it, has a rate */
    struct method_rule *rules; /* as many as its configuration has */
    struct breaker breaker;
    enum standing standing;
    uint64_t checked_ns; /* when its chain id was asked for last */
    uint64_t out_ns;     /* not before: quota, key */
    uint64_t refused_ns; /* when it last said that it is asked too often */
    uint64_t paused_ns;  /* not before, as it asked or as we guess; a guess is in no limit */
    uint64_t resort_ns;  /* as a last resort, not before, when the pause is guessed; else 0 */
    unsigned resorts;    /* guessed pauses in a row */
    uint64_t head, head_ns;
    bool unwell; /* it says itself that it is behind */
    uint64_t latency[POOL_LATENCIES];
    unsigned latencies;
    uint64_t p95_ns, ewma_ns;
    int64_t turn;
    uint32_t running, overtaken; /* of those that run */
    struct queue probes, queues[POOL_CLASSES];
    struct attempt *chain_probe, *head_probe, *health_probe, *link_probe,
        *push_probe; /* that waits or runs */
    struct loop_timer timer;
    char *unsupported[POOL_UNSUPPORTED];
    unsigned unsupported_count;
    uint64_t warned_ns; /* of failovers: one line in 10 s */
    uint64_t failovers, failovers_told;
    /* observation */
    struct series series[POOL_SERIES];
    unsigned series_count;
    struct metric_histogram *latency_seconds, *wait_seconds;
    struct metric_counter *batch_count, *batched_count; /* NULL = it gets none */
    struct metric_gauge *state, *lag, *errors, *connected, *pushed;
};

struct pool {
    struct http_client *client;
    struct connector *connector; /* NULL: no WebSockets */
    struct loop *loop;           /* the client's */
    struct logger *logger;
    struct metrics *metrics;
    struct config_chain chain; /* its own copy */
    struct provider *providers;
    uint32_t count;
    struct cache *cache; /* NULL = off */
    struct call *table[POOL_TABLE];
    struct call *calls; /* all of them */
    uint64_t head;      /* atomic */
    uint64_t head_ns;
    uint64_t epoch;
    uint64_t touches;   /* own sends so far */
    uint64_t asked_ns;  /* the last request */
    uint64_t polled_ns; /* heads */
    uint64_t random;
    uint32_t requests; /* atomic */
    uint32_t pushing;  /* atomic: providers whose heads come by push */
    struct listener listener;
    struct loop_timer tick;
    struct loop_work start;
    struct metric_histogram *failover_seconds;
    struct metric_counter *hedges_won, *hedges_lost;
    struct metric_counter *hits, *misses, *coalesced, *evictions[CACHE_WHYS];
    struct metric_gauge *bytes, *entries;
    uint64_t joined;
};

/* ---- call.c ---- */

void call_start(struct call *call, uint64_t now);
/* An attempt of it ended and is no longer its own. */
void call_answered(struct call *call, const struct attempt *attempt, const struct outcome *outcome,
                   uint64_t now);
/* Nobody waits for it any more. */
void call_abandon(struct call *call);
void call_free(struct call *call);
/* Tells one who waits; takes no reference of the outcome. */
void call_tell(struct pool_request *request, const struct outcome *outcome, uint64_t now);
void call_told_late(struct pool_request *request, uint64_t now);

/* ---- provider.c ---- */

int32_t provider_init(struct pool *pool, uint32_t index);
void provider_finish(struct provider *provider);
/* Opens its WebSocket, if it has one. */
void provider_connect(struct provider *provider);
/* Puts an attempt of the call into its queue; false: no memory. */
bool provider_ask(struct provider *provider, struct call *call, bool hedge, bool last,
                  uint64_t now);
/* Takes it from the queue, if it waits there, and frees it. */
void provider_forget(struct attempt *attempt);
/* How long it would wait for its limits, about; as a last resort or not. */
uint64_t provider_wait(const struct provider *provider, const struct call *call, bool last,
                       uint64_t now);
bool provider_lacks(const struct provider *provider, const char *method, size_t len);
bool provider_behind(const struct provider *provider, uint64_t now);
/* When a read that it has not answered is asked elsewhere. */
uint64_t provider_hedge_ns(const struct provider *provider);
void provider_failed_over(struct provider *provider, const struct outcome *outcome, uint64_t now);
/* It told of this block, by an answer or by push. */
void provider_saw_head(struct provider *provider, uint64_t number, uint64_t now);
/* Probes and polls that are due. */
void provider_tick(struct provider *provider, bool poll, uint64_t now);

/* An attempt ended with this answer. It is gone then. */
void provider_ended(struct attempt *attempt, const struct http_result *result);
/* Asks by itself what was started to go in a batch. */
void provider_single(struct attempt *attempt, uint64_t now);
/* Back into the queue, as it was: its batch was refused. */
void provider_again(struct attempt *attempt);
/* How long the answer to an attempt may take. */
uint32_t provider_patience_ms(const struct attempt *attempt, uint64_t now);
/* Starts what may start now. */
void provider_pump(struct provider *provider, uint64_t now);

/* ---- outcome.c ---- */

/* What an answer over HTTP means for a question. Fills `out`; reads only. */
void outcome_read(const struct attempt *attempt, const struct http_result *result,
                  struct outcome *out);
/* Words instead of an answer. */
void outcome_words(struct outcome *out, int32_t status, enum rpc_class class, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
struct answer *answer_hold(struct answer *answer);
void answer_drop(struct answer *answer);

/* ---- told.c ---- */

int32_t told_init(struct pool *pool);
void told_request(struct provider *provider, const struct attempt *attempt, bool good,
                  enum rpc_class class, uint64_t elapsed_ns);
/* Brings gauges and copied counters up to date. */
void told_sample(struct pool *pool, uint64_t now);

/* ---- push.c ---- */

/* The WebSocket is gone, and the subscription with it. */
void push_lost(struct provider *provider);
/* The answer to ATTEMPT_PUSH. */
void push_subscribed(struct provider *provider, const struct outcome *outcome, uint64_t now);
/* A message of the WebSocket that answers nothing. */
void push_note(struct provider *provider, const uint8_t *text, size_t len, uint64_t now);
/* Notices silence. True: it is time to subscribe. */
bool push_tick(struct provider *provider, uint64_t now);

/* ---- pool.c ---- */

/* A head came by push; header: as the provider tells it. */
void pool_tell_listener(struct pool *pool, hawse_view_t header);

uint64_t pool_random(struct pool *pool);
void pool_saw_head(struct pool *pool, uint64_t head, uint64_t now);
uint64_t pool_poll_ns(const struct pool *pool);

/* ---- probe.c ---- */

/* What a probe asks; params "" = none. */
const char *probe_method(const struct pool *pool, enum attempt_kind kind);
const char *probe_params(const struct pool *pool, enum attempt_kind kind);
/* The newest block that an answer tells; 0 = none. */
uint64_t probe_head(const struct pool *pool, const uint8_t *body, size_t len);
/* Is this answer that of the pool's chain? */
bool probe_chain_right(const struct pool *pool, const uint8_t *body, size_t len);
/* "chain id 100", "genesis 5eykt..." */
void probe_chain_text(const struct pool *pool, char out[64]);

#endif
