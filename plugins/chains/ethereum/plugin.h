/*
 * One EVM chain instance from the inside: what it keeps, and what its files offer each other.
 *
 *   plugin.c  the table: events in, pump out          wire.c   JSON of the node to records
 *   link.c    stream, subscriptions, continuity       ask.c    JSON-RPC requests and their answers
 *   sync.c    telling blocks and logs, reorgs, checks logs.c   copies of told logs, for taking back
 *   watch.c   what readers asked for, bloom filters   chain.c  which block follows which
 *
 * The guarantee: every log that matches a demand is told once per canonical block, after its block;
 * when its block leaves the chain it is taken back, newest first; what was missed is announced
 * before it is told late. Pushed logs of the newest block are told at once; everything else is told
 * only when the node has been asked for that very block, by its hash.
 */
#ifndef EVM_PLUGIN_H
#define EVM_PLUGIN_H

#include "chain.h"

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/json_shape.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/stream.h>

enum {
    MARKS_MAX = 4096,     /* quotes and brackets of one pushed frame */
    DATA_MAX = 128 << 10, /* bytes of one log's data */
    ID_MAX = 80,          /* of a subscription's id */
    LATE_MAX = 512,       /* logs found missing by one check */
    CHECKS_MAX = 512,     /* blocks that wait for their check */
};

/* What a chain is; constant, one per plugin file. */
struct evm_params {
    const char *id;
    uint64_t chain_id;
    uint32_t block_ms;
    uint32_t confirmations;
};

/* ---- logs.c: a ring of records, newest over oldest ---- */

struct log_copy {
    uint32_t total;      /* bytes of this copy */
    uint32_t slot;       /* block */
    uint64_t prev;       /* position + 1 of the copy before it in its block; 0 = none */
    hawse_evm_log_t log; /* then the data */
};

struct log_ring {
    uint8_t *bytes;
    uint64_t cap, head; /* positions only grow; what lies more than cap behind is gone */
};

/* Per block, beside the tracker's own. */
struct block_logs {
    uint64_t newest;     /* position + 1; 0 = none */
    uint32_t count;      /* copies */
    uint32_t told;       /* of them, told */
    uint32_t last_index; /* highest log index + 1 */
    bool lost;           /* some copies were written over: cannot be taken back */
    bool unsure;         /* a push was not taken: ask before telling */
    bool checked;        /* the node was asked: complete for sure */
};

/* ---- watch.c ---- */

struct watch_topic {
    uint8_t topic[32];
    uint32_t bits[3]; /* bloom positions */
};

struct watch {
    uint64_t sub;
    uint8_t address[20];
    uint32_t bits[3];
    uint32_t topic_count; /* 0 = every event */
    struct watch_topic topics[16];
    uint32_t next; /* of the same bucket; UINT32_MAX = none */
};

struct watches {
    struct watch *list;
    uint32_t count, cap;
    uint32_t *buckets;
    uint32_t mask;
};

/* ---- settings ---- */

struct evm_settings {
    uint64_t chain_id;
    uint32_t window, confirmations, check_blocks, max_range, max_backfill;
    uint32_t heads_idle_ms, log_bytes;
    bool check_logs, pending;
};

enum evm_phase {
    PHASE_DOWN,    /* no stream */
    PHASE_JOINING, /* stream open; chain id, subscriptions, head are asked for */
    PHASE_SYNCING, /* head known; telling what was missed */
    PHASE_LIVE,
};

enum evm_ask {
    ASK_NONE,
    ASK_CHAIN_ID,
    ASK_HEAD,
    ASK_BLOCK_BY_HASH,
    ASK_BLOCK_BY_NUMBER,
    ASK_RANGE, /* logs of a range of blocks to be told */
    ASK_ONE,   /* logs of one block to be told */
    ASK_CHECK, /* logs of one told block */
    ASK_FINAL,
};

struct evm_counters {
    hawse_metric_t heads, logs, duplicates, reorgs, depth, backfilled, missing, malformed, errors;
};

struct evm {
    const hawse_host_t *host;
    hawse_instance_t self;
    const struct evm_params *params;
    const hawse_sub_service_t *sub;
    const hawse_stream_service_t *streams;
    const hawse_timer_service_t *timers;
    const hawse_rpc_service_t *rpc;
    const hawse_metrics_service_t *metrics;
    struct evm_settings set;
    struct evm_counters count;

    struct chain chain;
    struct block_logs *blocks; /* by slot */
    struct log_ring ring;
    struct watches watches;

    /* link */
    enum evm_phase phase;
    hawse_stream_t stream;
    hawse_channel_t heads_channel, logs_channel, pending_channel;
    char heads_id[ID_MAX], logs_id[ID_MAX], pending_id[ID_MAX];
    uint32_t heads_call, logs_call, pending_call; /* ids of requests on the stream; 0 = none */
    uint32_t next_call;
    bool heads_on, logs_on, chain_ok;
    bool watches_changed;
    uint32_t epoch;
    bool gap_open;
    uint32_t gap_reason;
    uint64_t gap_from;
    uint64_t first_target; /* head when the sync began: nothing later was missed */
    uint64_t late_logs;    /* told late since the gap began */
    bool live_said;

    /* ask */
    enum evm_ask asking; /* the one request that telling waits for */
    hawse_request_t ask_request;
    uint64_t ask_from, ask_to;
    uint8_t ask_hash[32];
    uint32_t range;        /* blocks per request, halved on refusals */
    uint64_t ask_again_ns; /* not before */
    uint32_t ask_failures;
    hawse_request_t final_request, check_request, chain_request, head_request;
    uint8_t check_hash[32];
    uint64_t final_number;

    /* told but not checked, oldest first */
    uint32_t checks[CHECKS_MAX];
    uint8_t check_hashes[CHECKS_MAX][32];
    uint32_t check_first, check_count;

    /* a step that found no room goes on here */
    bool removing;        /* the told head's logs are being taken back */
    uint64_t removing_at; /* position + 1 of the next copy to take back */
    bool retract_said;
    uint32_t telling; /* logs of the told head that are told so far are blocks[].told */
    bool telling_on;
    uint32_t late_slot; /* its late logs are being told; CHAIN_NONE = none */
    bool stopping;
    hawse_timer_t tick;

    hawse_json_shapes_t shapes; /* layouts of pushed logs */
    void *shape_memory;
    uint32_t *marks;
    uint8_t *scratch; /* request texts */
    uint64_t scratch_cap;
    uint64_t complaint_ns;
};

/* plugin.c */
void evm_log(struct evm *e, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void evm_count(struct evm *e, hawse_metric_t metric, int64_t n);
void evm_complain(struct evm *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
void evm_gauge(struct evm *e, hawse_metric_t metric, int64_t n);
int32_t evm_create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                   const struct evm_params *params, void **state);
int32_t evm_start(void *state);
int32_t evm_on_events(void *state, const hawse_event_t *const *events, uint32_t n);
int32_t evm_stop(void *state, uint64_t deadline_ns);
void evm_destroy(void *state);

/* wire.c */
int32_t wire_header(const hawse_json_t *doc, hawse_json_value_t *object, struct chain_header *out);
/* Fills a record and its data behind it; *size is what it takes. cap = 0 only measures. */
struct wire_log {
    const uint8_t *data; /* "0x" and digits, data_len of bytes */
    hawse_evm_log_t record;
    bool removed;
};

/* Members of a pushed log, and where they stand in its frame. */
enum {
    WIRE_METHOD, /* eth_subscription */
    WIRE_ID,     /* of the subscription */
    WIRE_ADDRESS,
    WIRE_BLOCK_HASH,
    WIRE_TX_HASH,
    WIRE_BLOCK_NUMBER,
    WIRE_LOG_INDEX,
    WIRE_TX_INDEX,
    WIRE_DATA,
    WIRE_TOPICS, /* up to four */
    WIRE_PLACES = WIRE_TOPICS + 4
};
struct wire_places {
    hawse_json_value_t at[WIRE_PLACES];
    uint32_t topic_count;
    bool removed;
};
int32_t wire_log(const hawse_json_t *doc, hawse_json_value_t *object, struct wire_places *places,
                 struct wire_log *out);
/* The log of a frame whose layout is known: no walk. False: walk. */
bool wire_log_known(hawse_json_shapes_t *shapes, const uint8_t *frame, uint64_t len,
                    hawse_view_t *id, struct wire_log *out);
void wire_log_learn(hawse_json_shapes_t *shapes, const hawse_json_t *doc,
                    const hawse_json_value_t *method, const hawse_json_value_t *id,
                    struct wire_places *places);
int32_t wire_log_data(const struct wire_log *log, uint8_t *out);

/* logs.c */
bool ring_init(struct log_ring *ring, uint64_t bytes);
void ring_finish(struct log_ring *ring);
/* Copies a record with its data into the ring and hangs it on its block. NULL when it cannot fit.
 */
struct log_copy *logs_add(struct evm *e, uint32_t slot, const hawse_evm_log_t *log,
                          const uint8_t *data);
struct log_copy *logs_at(struct evm *e, uint64_t position_plus_1);
bool logs_has(struct evm *e, uint32_t slot, uint32_t log_index);
void logs_forget(struct evm *e, uint32_t slot);

/* watch.c */
bool watches_init(struct watches *w);
void watches_finish(struct watches *w);
int32_t watches_add(struct watches *w, uint64_t sub, const hawse_evm_log_filter_t *filter,
                    uint64_t len);
bool watches_drop(struct watches *w, uint64_t sub);
bool watches_want(const struct watches *w, const hawse_evm_log_t *log);
/* May the block hold a log that somebody wants? True when it has no bloom. */
bool watches_may_be_in(const struct watches *w, const struct chain_header *header);
/* {"address":[...]} without the closing brace into out; returns its length, 0 = nobody wants logs.
 */
uint64_t watches_filter(const struct watches *w, char *out, uint64_t cap);

/* link.c */
void link_open(struct evm *e);
void link_event(struct evm *e, const hawse_event_t *event);
/* 1 taken, 0 no room */
int32_t link_frame(struct evm *e, const hawse_event_t *event);
void link_subscribe_logs(struct evm *e);
void link_gap(struct evm *e, uint32_t reason, uint64_t from);
void link_reconnect(struct evm *e, const char *why);
void link_try_join(struct evm *e);

/* ask.c */
void ask_chain_id(struct evm *e);
void ask_head(struct evm *e);
void ask_final(struct evm *e);
void ask_block_by_hash(struct evm *e, const uint8_t hash[32]);
void ask_block_by_number(struct evm *e, uint64_t number);
void ask_logs_range(struct evm *e, uint64_t from, uint64_t to);
void ask_logs_of(struct evm *e, uint32_t slot, bool check);
void ask_answer(struct evm *e, const hawse_event_t *event);
void ask_cancel(struct evm *e);

/* sync.c */
int32_t sync_publish(struct evm *e, uint16_t space, uint16_t kind, uint32_t stream, uint32_t flags,
                     uint64_t key, const void *record, uint64_t len);
int32_t sync_range(struct evm *e, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from,
                   uint64_t to, uint64_t count);
/* A head came or was asked for. */
void sync_head(struct evm *e, const struct chain_header *header, bool pushed);
/* A pushed log: 1 taken, 0 no room. */
int32_t sync_push(struct evm *e, struct wire_log *log, uint64_t t_recv_ns);
/* Goes on as far as possible: tells, takes back, asks. False when there was no room. */
bool sync_pump(struct evm *e);
uint64_t sync_unsure_from(struct evm *e);
void sync_logs_answer(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *list);
void sync_check_answer(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *list);
void sync_evicted(void *ctx, uint32_t slot);

#endif
