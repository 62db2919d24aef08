/*
 * A venue of pools on an EVM chain, all but what makes it that venue. A pool's state is read once,
 * whole, at one block, and from then on follows from its logs; a log that is taken back takes the
 * state back with it; what cannot be followed is read anew. A venue is a struct venue_kind: which
 * events there are, what a log does to a state, what is asked, and the records that come of it.
 *
 *   venue.c     the table: settings, subscriptions, events in   pools.c  the pools by address
 *   follow.c    a pool's state and its history                  out.c    records out
 *   read.c      what is asked of the chain, question by question
 *   discover.c  pools that nobody named                         ask.c    eth_call and its answers
 *   handover.c  all of it, to another build              pair.c   records of pairs
 *
 * To write a venue: read this file, then swapr/. A kind's state is plain bytes without padding and
 * pointers: it is copied to go back to, and compared. Every function is [lane]; a venue owns its
 * pools, and gives none back before it is destroyed.
 */
#ifndef VENUES_EVM_VENUE_H
#define VENUES_EVM_VENUE_H

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/service/rpc.h>
#include <hawse/service/state.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <stdbool.h>

enum {
    VENUE_ANSWER_MAX = 4096, /* bytes of an answer that is read, and of a log that waits */
    VENUE_SYMBOL = 16,
    VENUE_TOPICS_MAX = 16,
    VENUE_HISTORY = 256,               /* logs of a pool that can be taken back */
    VENUE_EARLY_MAX = 64,              /* logs that wait while their pool is read */
    VENUE_CALL_MAX = 2 * (4 + 3 * 32), /* hexadecimal digits of a question: three arguments */
};

#define VENUE_NOT_YET UINT64_MAX /* retry_ns: after the pool's next log */

struct venue;

/* A step of a pool's history; the state before it stands elsewhere. */
struct venue_step {
    uint64_t block;
    uint8_t block_hash[32];
    uint32_t log_index;
    uint32_t reserved;
};

enum venue_phase {
    POOL_UNREAD,
    POOL_READING, /* the block is chosen at which its state is read */
    POOL_FOLLOWED,
};

/* What a venue keeps of every pool; the first member of the kind's own. */
struct venue_pool {
    uint8_t address[20];
    uint8_t market[32];
    uint64_t key;    /* of records: hawse_key(market, 32) */
    void *state;     /* state_size bytes */
    hawse_sub_t sub; /* to its logs; 0 = none */
    bool wanted;     /* it is read and followed; false: not ours, or its creation was taken back */
    bool announced;  /* its INFO was published */
    bool renew;      /* and is to be told again: it became another pool while it was read */
    enum venue_phase phase;
    uint32_t ask, ask_item; /* what is asked next */
    uint32_t failures;      /* of that question */
    hawse_request_t request;
    uint64_t retry_ns;   /* not before */
    uint64_t ready_at;   /* state is read when so many live blocks were told */
    uint64_t told_from;  /* records of logs are told of later blocks */
    uint64_t read_block; /* the block of the state that was read */
    uint64_t read_time;  /* its timestamp */
    uint8_t read_hash[32];
    struct venue_step *history; /* ring: newest at (steps - 1) */
    uint8_t *befores;           /* the states before them */
    uint32_t history_cap;
    uint32_t early_count;
    uint64_t steps, forgotten; /* steps so far; those no longer in the ring */
    uint8_t *early;            /* logs that came while the state was being read */
    uint32_t next;             /* of the same bucket */
};

struct venue_question {
    const uint8_t *to;             /* 20 bytes */
    char data[VENUE_CALL_MAX + 1]; /* hexadecimal digits */
};

/* What became of an answer. */
enum venue_taken {
    ANSWER_BAD,     /* not what such a contract says: the question is asked again */
    ANSWER_TAKEN,   /* on to the next question */
    ANSWER_NOT_YET, /* there is nothing to follow yet: until the pool's next log */
    ANSWER_FOREIGN, /* not a pool of this venue: no longer wanted */
};

/* A venue in constants and functions. What may be NULL says so. */
struct venue_kind {
    const char *what;              /* "an Algebra pool": for complaints */
    const char *const *signatures; /* of the events that matter, topic_count of them */
    uint32_t topic_count;
    uint32_t created; /* which of them tells of a new pool; topic_count = none */
    uint32_t pools_max;
    uint32_t venue_size, pool_size; /* of the structs that begin with ours */
    uint32_t state_size;
    uint32_t record_size, records; /* the largest record, and how many one event may cause */
    uint32_t ask_count;            /* kinds of questions, asked in this order */
    uint32_t state_ask; /* from this one on: state, all at one block; before: once in a life */
    uint32_t optional;  /* bit n: a contract that reverts at question n has answered it */
    bool tells_unread;  /* a log's record needs nothing of its pool: told before it is read */

    /* Takes the settings: names pools by venue_pool_add, sets v->found. Subscribes to nothing. */
    int32_t (*configure)(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *root);
    /* To what concerns all pools; may be NULL. */
    int32_t (*subscribe)(struct venue *v);
    int32_t (*subscribe_pool)(struct venue *v, struct venue_pool *p);
    /* A log that concerns no single pool; true when that is all there is to it. May be NULL. */
    bool (*other)(struct venue *v, const hawse_evm_log_t *log, uint32_t topic, bool removed);
    /* Whose log it is, or NULL. May be NULL: the pool's of the log's address. */
    struct venue_pool *(*pool_of)(const struct venue *v, const hawse_evm_log_t *log,
                                  uint32_t topic);
    /* Changes the state by one log; false when it can't be followed: the pool is read anew. */
    bool (*apply)(const struct venue_pool *p, void *state, const hawse_evm_log_t *log,
                  uint32_t topic);
    /* Has the state changed with this block, without a log? May be NULL: never. */
    bool (*outdated)(const struct venue_pool *p, const hawse_evm_block_t *block);
    /* How often question p->ask is asked of the pool (once for each token ...); 0 = not at all. */
    uint32_t (*times)(const struct venue *v, const struct venue_pool *p);
    void (*question)(const struct venue *v, const struct venue_pool *p, struct venue_question *q);
    enum venue_taken (*take)(struct venue *v, struct venue_pool *p, const uint8_t *d, uint64_t len);
    /* Is what the kind keeps of a pool, and its state, such as it writes itself? They come from
     * another build's bytes, and are copied as they are: they hold no pointers. NULL: the venue
     * cannot be exchanged while it runs. */
    bool (*is_sound)(const struct venue *v, const struct venue_pool *p);
    /* Records: what a pool is; what a log says (cause: its event, NULL when the log had to wait);
     * its state, after a log or (NULL) as it was read. By venue_out. */
    void (*tell_info)(struct venue *v, const struct venue_pool *p);
    void (*tell_log)(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                     uint32_t topic, const hawse_event_t *cause);
    void (*tell_state)(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                       const hawse_event_t *cause);
    /* Pools that nobody named; NULL where there are none. A creation, or one that was taken back:
     * venue_pool_add, venue_pool_drop. */
    void (*creation)(struct venue *v, const hawse_evm_log_t *log, bool removed);
    /* v->found.lookups of them: question n of v->found.source, and its answer. */
    void (*lookup)(const struct venue *v, uint32_t n, struct venue_question *q);
    bool (*looked_up)(struct venue *v, uint32_t n, const uint8_t *d, uint64_t len);
    void (*finish)(struct venue *v); /* frees what configure made; may be NULL */
};

/* Looking for pools. configure() sets the first part. */
struct venue_found {
    bool on;
    bool scan;          /* creations of before are looked for from from_block on */
    uint8_t source[20]; /* the contract that tells of creations */
    uint64_t from_block;
    uint32_t lookups; /* questions that name pools, instead of a scan */

    bool *asked; /* of each lookup */
    uint32_t asking;
    hawse_request_t request;
    uint64_t retry_ns;
    uint64_t next_block, last_block, asked_to;
    uint32_t range; /* blocks of one request, halved on refusals */
};

/* One instance; the first member of the kind's own. */
struct venue {
    const struct venue_kind *kind;
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_rpc_service_t *rpc;
    const hawse_timer_service_t *timers;
    uint32_t chain; /* source */
    uint8_t topics[VENUE_TOPICS_MAX][32];
    struct venue_pool **pools;
    uint32_t pool_count;
    uint32_t *buckets;
    uint32_t mask;
    uint32_t unread; /* wanted pools that are not followed yet */
    uint32_t busy;   /* of them, with a question under way */
    struct venue_found found;
    uint64_t chain_id;
    uint64_t head_number, head_time;
    uint8_t head_hash[32];
    bool head_known;      /* the told head is where questions may be asked */
    uint8_t tip_hash[32]; /* what the next block must follow */
    bool tip_known;
    uint64_t live_blocks;
    hawse_event_t *out; /* records that wait for room, or are being built */
    uint8_t *records;
    uint32_t out_count, out_next;
    bool resume; /* the first event of the next batch is done but for its output */
    bool created;
    uint64_t complaint_ns;
    hawse_timer_t tick;
};

/* ---- venue.c: the plugin's table ---- */

int32_t venue_create(const struct venue_kind *kind, const hawse_host_t *host, hawse_instance_t self,
                     hawse_view_t config, void **state);
int32_t venue_start(void *state);
int32_t venue_on_events(void *state, const hawse_event_t *const *events, uint32_t n);
int32_t venue_stop(void *state, uint64_t deadline_ns);
void venue_destroy(void *state);
/* Instead of create and start: from what another build has saved. */
int32_t venue_restore(const struct venue_kind *kind, const hawse_host_t *host,
                      hawse_instance_t self, hawse_view_t config, hawse_view_t saved, void **state);

/* ---- handover.c ---- */

int32_t venue_save(void *state, uint8_t *out, uint64_t cap, uint64_t *need);
/* Into one that has taken its settings, and nothing else yet. What it had of the host it has. */
int32_t venue_load(struct venue *v, hawse_view_t saved);
const void *venue_query(const struct venue_kind *kind, const hawse_state_interface_t *interface,
                        const char *id);

/* The two exports of a venue's file, but for its manifest. */
#define VENUE_PLUGIN(plugin_id, venue_kind)                                                      \
    static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,  \
                          void **state)                                                          \
    {                                                                                            \
        return venue_create(&(venue_kind), host, self, config, state);                           \
    }                                                                                            \
    static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config, \
                           hawse_view_t saved, void **state)                                     \
    {                                                                                            \
        return venue_restore(&(venue_kind), host, self, config, saved, state);                   \
    }                                                                                            \
    static const void *query(const char *id)                                                     \
    {                                                                                            \
        static const hawse_state_interface_t interface = {                                       \
            .size = sizeof(interface), .save = venue_save, .restore = restore};                  \
        return venue_query(&(venue_kind), &interface, id);                                       \
    }                                                                                            \
    HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)                 \
    {                                                                                            \
        static const hawse_plugin_t table = {.size = sizeof(table),                              \
                                             .abi_minor = HAWSE_ABI_MINOR,                       \
                                             .id = (plugin_id),                                  \
                                             .create = create,                                   \
                                             .start = venue_start,                               \
                                             .on_events = venue_on_events,                       \
                                             .stop = venue_stop,                                 \
                                             .destroy = venue_destroy,                           \
                                             .query = query};                                    \
        (void)host;                                                                              \
        return &table;                                                                           \
    }

/* Subscribes to `count` of the kind's events, from the topic `first` on, of a contract; 0: to all
 * events that it has. Once for each contract. */
int32_t venue_subscribe(struct venue *v, const uint8_t address[20], uint32_t first, uint32_t count,
                        hawse_sub_t *sub);

/* ---- pools.c ---- */

bool venue_pools_init(struct venue *v);
void venue_pools_finish(struct venue *v);
struct venue_pool *venue_pool_find(const struct venue *v, const uint8_t address[20]);
/* Wants a pool from now on; `market` names it in records. NULL: memory is short or there are too
 * many. One that is there is given as it is. */
struct venue_pool *venue_pool_add(struct venue *v, const uint8_t address[20],
                                  const uint8_t market[32]);
/* Subscribes to the pool's logs where that was not done yet. */
int32_t venue_pool_listen(struct venue *v, struct venue_pool *p);
/* Its creation was taken back, or it is none of ours. */
void venue_pool_drop(struct venue *v, struct venue_pool *p);

/* ---- follow.c ---- */

/* Which of the kind's events the log is; topic_count = none. */
uint32_t venue_topic(const struct venue *v, const hawse_evm_log_t *log);
/* Applies one log to the state; false: nothing changed, and it can't be followed. */
bool venue_pool_apply(const struct venue_kind *kind, struct venue_pool *p,
                      const hawse_evm_log_t *log, uint32_t topic);
/* Goes back before the log; false when it is not the newest step. */
bool venue_pool_undo(const struct venue_kind *kind, struct venue_pool *p,
                     const hawse_evm_log_t *log);
/* What is known of the pool's state is no longer good: it is read anew at the next occasion. */
void venue_pool_unread(struct venue *v, struct venue_pool *p);
/* A log of the pool came. */
void venue_pool_log(struct venue *v, struct venue_pool *p, uint32_t topic,
                    const hawse_event_t *event);
/* The state was read: what happened meanwhile is applied to it. */
void venue_pool_follow(struct venue *v, struct venue_pool *p);

/* ---- read.c ---- */

void venue_read_next(struct venue *v);
void venue_read_answer(struct venue *v, const hawse_event_t *event);

/* ---- discover.c ---- */

bool venue_discover_init(struct venue *v);
void venue_discover_next(struct venue *v);
/* True when the answer was for discovery. */
bool venue_discover_answer(struct venue *v, const hawse_event_t *event);
/* The chain was lost from sight: all is asked for anew. */
void venue_discover_again(struct venue *v);

/* ---- out.c ---- */

bool venue_out_init(struct venue *v);
void venue_out_finish(struct venue *v);
/* A record of `len` zeroed bytes, published when the event is done. Trades and liquidity that were
 * taken back say so; a state that was taken back is the one before. */
void *venue_out(struct venue *v, uint16_t kind, uint32_t stream, uint64_t key, uint64_t len,
                const hawse_event_t *cause);
bool venue_out_flush(struct venue *v); /* false: no room */

void venue_origin(hawse_market_origin_t *origin, const hawse_evm_log_t *log);
/* The origin of a state: the log's, or the block at which it was read. */
void venue_state_origin(const struct venue *v, const struct venue_pool *p,
                        hawse_market_origin_t *origin, const hawse_evm_log_t *log);

/* ---- ask.c ---- */

/* A warning of the instance, at most one in ten seconds. */
void venue_complain(struct venue *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks the link "chain" for an eth_call at the block of that hash. */
int32_t venue_call(struct venue *v, const struct venue_question *q, const uint8_t block_hash[32],
                   uint64_t tag, hawse_request_t *request);

/* The bytes of such an answer, VENUE_ANSWER_MAX at most; false when it holds none. */
bool venue_answer(const hawse_event_t *event, uint8_t *out, uint64_t *len);

/* Did the contract itself refuse the call? Every other error (a limit, a node that is behind, one
 * that is ill) says nothing about the contract, and the question is to be asked again. */
bool venue_reverted(const hawse_event_t *event);

struct venue_token {
    uint8_t address[20];
    char symbol[VENUE_SYMBOL];
    uint32_t decimals;
};

/* decimals(): a number up to `most`. */
bool venue_take_decimals(struct venue_token *t, const uint8_t *d, uint64_t len, uint32_t most);
/* symbol(): a string, for some old tokens 32 bytes; what is not printable is left out. */
void venue_take_symbol(const uint8_t *d, uint64_t len, char symbol[VENUE_SYMBOL]);
/* Token `i` (0 or 1) of a market. */
void venue_info_token(hawse_market_info_t *info, uint32_t i, const struct venue_token *t);

/* ---- pair.c ---- */

/* Two tokens of a pool, in its order. Only one of several in a pool has a name of its own. */
struct venue_pair {
    const struct venue_token *token[2];
    bool alone;
};

void venue_tell_pair(struct venue *v, const struct venue_pool *p, const struct venue_pair *pair);
/* A swap whose log's data begin with what came in and what went out; first_in: token 0 came in. */
void venue_tell_swap(struct venue *v, const struct venue_pool *p, const struct venue_pair *pair,
                     bool first_in, const hawse_evm_log_t *log, const hawse_event_t *cause);

/* ---- words ---- */

static inline const uint8_t *venue_data(const hawse_evm_log_t *log)
{
    return (const uint8_t *)log + log->data_offset;
}

#endif
