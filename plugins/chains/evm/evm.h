/*
 * One instance of an EVM chain plugin: everything it owns, and which file does what.
 *
 *   chain.c      which blocks are known and told           (pure)
 *   log_store.c  which logs are known, and their contents  (pure)
 *   filter.c     what subscribers want                     (pure)
 *   decode.c     JSON to records                           (pure)
 *   request.c    JSON-RPC questions over HTTP or the stream, their timeouts
 *   session.c    the stream, its subscriptions, polling in its place
 *   intake.c     what a node pushes: heads, logs, pending transactions
 *   sync.c       which headers are needed, when a gap is closed
 *   backfill.c   which logs are needed, checking behind the head
 *   final.c      what can no longer change
 *   teller.c     the only place that publishes: one step at a time, as fast as readers allow
 *   report.c     metrics, and warnings that come at most once a minute
 *   evm.c        the plugin's table: events in, the right file out
 *
 * Every callback of an instance runs on its lane, so nothing here is locked. After create nothing
 * on the way of a pushed head or log allocates.
 */
#ifndef EVM_EVM_H
#define EVM_EVM_H

#include "chain.h"
#include "decode.h"
#include "filter.h"
#include "log_store.h"
#include "settings.h"

#include <hawse/hawse.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/stream.h>

#define EVM_MS      1000000ull
#define EVM_NEVER   UINT64_MAX
#define EVM_STREAMS 4u /* sequences by their numbers; 0 is not used */

enum {
    EVM_REQUESTS = 64,
    EVM_JOBS = 4,
    EVM_ANNOUNCEMENTS = 64,
    EVM_RECORD_MAX = 256 << 10, /* the host's limit for one record */
    EVM_TICK_MS = 50,
    EVM_ID_MAX = 80
};

/* ---- request.c ---- */

enum request_kind {
    REQUEST_CHAIN_ID = 1,
    REQUEST_SUBSCRIBE, /* arg: SESSION_HEADS, SESSION_PENDING, or a chunk */
    REQUEST_UNSUBSCRIBE,
    REQUEST_HEAD,
    REQUEST_FINAL,
    REQUEST_BY_NUMBER,
    REQUEST_BY_HASH,
    REQUEST_LOGS, /* arg: job, number: its serial */
};

struct request {
    uint64_t id; /* 0 = free */
    uint64_t number;
    uint64_t deadline_ns;
    hawse_request_t handle; /* over HTTP */
    uint32_t arg;
    uint8_t kind;
    bool http;
    uint8_t hash[32];
};

/* How a request ended: code 0 and a value, or what went wrong. */
struct reply {
    int32_t code;
    int64_t rpc_code;
    uint32_t http_status;
    uint32_t retry_after_ms;
    hawse_json_value_t value;
    char text[200];
};

struct requests {
    struct request list[EVM_REQUESTS];
    uint64_t last_id;
    bool no_http;          /* no such endpoint, or not granted */
    bool http_checked;     /* it is the right chain */
    bool http_confirmed;   /* it was, at least once */
    uint64_t http_down_ns; /* until then the stream is asked instead */
    char *text;            /* of the request being built */
};

/* ---- session.c ---- */

enum link { LINK_DOWN, LINK_CHECKING, LINK_SUBSCRIBING, LINK_READY };

#define SESSION_HEADS   0x10000u
#define SESSION_PENDING 0x10001u

/* One upstream subscription: what is confirmed and what was asked for. */
struct upstream {
    uint32_t version; /* of the chunk, as confirmed; 0 = none */
    uint32_t asked;   /* version that is being asked for; 0 = none */
    uint64_t retry_ns;
    uint32_t attempts;
    uint32_t id_len;
    char id[EVM_ID_MAX]; /* JSON text of the subscription's id */
};

struct session {
    hawse_stream_t stream;
    hawse_channel_t heads_channel, logs_channel, pending_channel;
    enum link link;
    bool polling;   /* HTTP stands in for the stream */
    bool confirmed; /* the stream's chain id was right, at least once */
    bool failed;    /* the instance must end: see set_error */
    uint64_t down_since_ns;
    uint64_t last_head_ns;
    uint64_t next_poll_ns;
    uint64_t demand_ns; /* when the last demand came */
    uint64_t check_retry_ns;
    uint64_t heads_seen, logs_seen, pending_seen; /* since channels were touched */
    uint64_t resubscribed_ns;
    uint32_t strikes;            /* malformed messages in a row */
    uint32_t shown[EVM_STREAMS]; /* channel states as the host knows them */
    struct upstream heads, pending;
    struct upstream chunks[EVM_CHUNKS_MAX];
};

/* ---- sync.c, backfill.c ---- */

/* One question for logs: a block by hash, or a range, chunk after chunk. */
struct job {
    bool used;
    bool by_hash;
    bool sent;
    uint64_t from, to;
    uint8_t hash[32];
    uint32_t serial; /* of the job: blocks and requests name it */
    uint32_t chunk;
    uint32_t version; /* of the filter when it began */
    uint32_t found;   /* wanted logs in the answers */
    uint32_t fresh;   /* of these, not known before */
    uint32_t missed;  /* of these, such as the node should have pushed */
    uint32_t late;    /* logs of told blocks in the present answer; then: which blocks */
    uint64_t late_from, late_to;
    bool late_missed; /* a pushed one was among them */
};

struct sync {
    bool strict;    /* pushes are not trusted to be complete: a block's logs come before the next */
    bool want_head; /* ask the node for its head */
    bool goal_known;
    uint64_t goal; /* complete up to here, and a gap is closed */
    bool head_known;
    struct chain_header head; /* what the node announced last */
    uint64_t head_retry_ns;
    uint64_t header_retry_ns;
    uint32_t header_fails;
    uint64_t fetch_high, fetch_low, fetch_next; /* ancestors being fetched by number */
    uint32_t gallop;
    uint64_t anchor;        /* a block on the way to a head that is out of reach; 0 = none */
    uint64_t hole_ns;       /* since when heads are missing; 0 = none are */
    uint64_t head_check_ns; /* do not ask a silent node for its head before */
    uint64_t restart;       /* number of the block with which to start afresh; EVM_NEVER = none */
    uint64_t ahead_ns;      /* since when logs of blocks without a head wait; 0 = none do */
    uint64_t complete;      /* every told block up to here has all its logs */
    uint64_t range;         /* blocks of one question now */
    uint64_t retry_ns;
    uint32_t fails;
    uint32_t silent_run; /* checks in a row that found logs of which none was pushed */
    uint32_t serial;
    struct job jobs[EVM_JOBS];
};

/* ---- final.c ---- */

struct final {
    bool any;
    uint64_t from;  /* the first block told */
    uint64_t seen;  /* head when confirmations were counted */
    uint64_t asked; /* head when the node was asked */
    uint64_t retry_ns;
    uint32_t refused;
};

/* ---- teller.c ---- */

struct announcement {
    uint16_t space, kind;
    uint32_t stream, epoch;
    union {
        hawse_stream_range_t range;
        hawse_evm_reorg_t reorg;
    } record;
};

/* The continuity of one sequence, as told. */
struct continuity {
    bool live;
    bool gap;        /* announced, not healed */
    bool recovering; /* announced */
    uint32_t epoch;
    uint32_t reason;
    uint64_t from, to;
    uint64_t late;  /* events told with HAWSE_EVENT_BACKFILLED since the gap */
    uint64_t final; /* the last position told as final */
    bool any_final;
};

struct teller {
    struct announcement queue[EVM_ANNOUNCEMENTS];
    uint32_t first, count;
    struct continuity streams[EVM_STREAMS];
    uint32_t over;       /* block whose logs were told before its head; CHAIN_NONE = none */
    bool over_bad;       /* it is not to be: its logs are taken back */
    bool over_announced; /* ... and that was said */
    uint64_t suspect;    /* the node took back logs from this block on; EVM_NEVER = none */
    uint64_t suspect_ns;
    uint64_t retracted_logs; /* logs of told blocks from here on were announced as retracted */
    uint64_t reorg_floor;    /* blocks from here on were announced as dropped */
    uint64_t newest_log;     /* number of the newest block of which a log was told */
    bool busy;               /* there may be something to do */
    bool retry_armed;
};

/* ---- report.c ---- */

enum report_metric {
    METRIC_HEADS,
    METRIC_LOGS,
    METRIC_DUPLICATES,
    METRIC_UNWANTED,
    METRIC_REMOVED,
    METRIC_REORGS,
    METRIC_BACKFILLED,
    METRIC_MISSING,
    METRIC_MALFORMED,
    METRIC_REQUESTS,
    METRIC_REQUEST_FAILURES,
    METRIC_EVICTED,
    METRIC_COUNTERS,
    METRIC_REORG_DEPTH = METRIC_COUNTERS, /* gauges from here on */
    METRIC_HEAD,
    METRIC_COMPLETE,
    METRIC_FINAL,
    METRIC_POLLING,
    METRIC_COUNT
};

enum report_warning {
    WARN_FRAME,
    WARN_HEADER,
    WARN_LOG,
    WARN_ANSWER,
    WARN_REQUEST,
    WARN_SUBSCRIBE,
    WARN_STORE,
    WARN_DEMAND,
    WARN_CHAIN,
    WARN_GAP,
    WARN_COUNT
};

struct report {
    hawse_metric_t metrics[METRIC_COUNT];
    int64_t pending[METRIC_COUNT]; /* not yet handed to the host */
    int64_t gauges[METRIC_COUNT];
    bool changed;
    uint64_t evicted; /* by the log store, as counted last */
    uint64_t warned_ns[WARN_COUNT];
    uint32_t unsaid[WARN_COUNT];
};

/* ---- the instance ---- */

struct evm {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_stream_service_t *streams;
    const hawse_sub_service_t *sub;
    const hawse_timer_service_t *timers;
    const hawse_rpc_service_t *rpc;         /* may be NULL */
    const hawse_metrics_service_t *metrics; /* may be NULL */
    hawse_timer_t tick;
    uint64_t now; /* of this callback */
    bool started, stopping;
    struct evm_settings set;
    struct chain chain;
    struct log_store logs;
    struct filter filter;
    struct decoder decoder;
    struct requests requests;
    struct session session;
    struct sync sync;
    struct final final;
    struct teller teller;
    struct report report;
    uint8_t *scratch; /* EVM_RECORD_MAX bytes, 8-aligned: a record on its way into the store */
};

static inline struct chain_block *evm_block(struct evm *e, uint32_t slot)
{
    return &e->chain.blocks[slot];
}

/* 0x and lower-case digits; returns the number of characters written. */
size_t evm_put_u64(char *out, uint64_t n);

#endif
