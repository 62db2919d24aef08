/*
 * One EVM chain instance from the inside: what it keeps, and what its files offer each other.
 *
 *   plugin.c  the table: events in, pump out          wire.c   JSON of the node to records
 *   link.c    stream, subscriptions, joining          ask.c    JSON-RPC questions and their answers
 *   poll.c    following without a stream              fetch.c  logs of blocks that are to be told
 *   sync.c    telling blocks and logs, reorgs         check.c  logs of blocks that are told
 *   say.c     gaps and what else is announced         final.c  finality
 *   watch.c   what readers asked for, bloom filters   logs.c   copies of logs, for taking back
 *   chain.c   which block follows which
 *
 * The guarantee: every log that matches a demand is told once per canonical block, after its block;
 * when its block leaves the chain it is taken back, newest first; what was missed is announced
 * before it is told late. Pushed logs of the newest block are told at once and checked afterwards;
 * everything else is told only when the node was asked for that very block. README.md has the
 * rules.
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
    NOTICES = 64,         /* announcements that wait for room */
    WATCHES_MAX = 20000,  /* their addresses fit into one question: 1 MiB */
};

#define EVM_MS         1000000ull
#define EVM_NOT_TAKING UINT64_MAX /* retract_from: nothing is being taken back */

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
    uint64_t prev, next; /* position + 1 of its neighbours in the block; 0 = none */
    uint64_t t_recv_ns;  /* of a push; 0 = it was asked for */
    hawse_evm_log_t log; /* then the data */
};

struct log_ring {
    uint8_t *bytes;
    uint64_t cap, head; /* positions only grow; what lies more than cap behind is gone */
};

/* Per block, beside the tracker's own. All zero when the block is forgotten or taken back. */
struct block_logs {
    uint64_t newest;     /* position + 1; 0 = none */
    uint64_t untold;     /* position + 1 of the oldest that is not told; 0 = none */
    uint32_t count;      /* copies */
    uint32_t told;       /* of them, told */
    uint32_t last_index; /* highest log index + 1 */
    uint32_t empties;    /* answers without any of its logs although its bloom filter has them */
    bool lost;           /* some copies were written over: cannot be taken back */
    bool unsure;         /* a push was not taken: ask before telling */
    bool early;          /* its copies were pushed before its head: an answer has them all */
    bool checked;        /* the node was asked: complete for sure */
    bool check;          /* told, and to be checked */
    bool proven;         /* the node showed that this block is on its chain */
    bool by_hash;        /* a range did not reach it: ask for the block itself */
    uint8_t unexplained; /* answers with all its logs that did not explain its bloom filter */
    bool overflow;       /* the answer had more logs than there is room for */
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
    uint32_t window, confirmations, check_blocks, max_range, max_backfill, empty_answers;
    uint32_t heads_idle_ms, log_bytes, poll_ms, poll_after_ms;
    bool check_logs, pending, polling;
};

/* ---- where an instance stands ---- */

enum evm_phase {
    PHASE_WAITING, /* the head is not known */
    PHASE_SYNCING, /* head known; telling what was missed */
    PHASE_LIVE,    /* told up to the head */
};

enum evm_link {
    LINK_DOWN,    /* no stream */
    LINK_JOINING, /* open; chain id, subscriptions, head are asked for */
    LINK_UP,      /* heads and logs are pushed */
};

/* Reasons for which the sequences are in doubt; a gap is open while any is. */
enum evm_gap {
    GAP_LINK = 1,    /* heads were or may have been missed */
    GAP_MISSING = 2, /* logs were never pushed: what came after them is in doubt too */
    GAP_FINAL = 4,   /* the node's final block is not the one that was told */
    GAP_HELD = 8, /* the node does not say which logs a block has that is about to be forgotten */
};

/* Questions that may be under way at the same time. */
enum evm_purpose {
    Q_TELL,  /* what telling waits for */
    Q_CHECK, /* logs of told blocks */
    Q_HEAD,
    Q_CHAIN,
    Q_FINAL,
    Q_COUNT,
};

enum evm_ask {
    ASK_CHAIN_ID,
    ASK_HEAD,
    ASK_SECOND,      /* the head, while the stream is silent */
    ASK_BLOCK,       /* by hash: an ancestor of the head that is missing */
    ASK_MILESTONE,   /* by number: a step on the way to a head that is far */
    ASK_RANGE,       /* logs of a range of blocks to be told */
    ASK_ONE,         /* logs of one block to be told */
    ASK_WHOLE,       /* all logs of one block to be told, whoever wants them */
    ASK_PROOF,       /* by number: does the node have the block to be told? */
    ASK_CHECK,       /* logs of one told block */
    ASK_CHECK_WHOLE, /* all logs of one told block */
    ASK_CHECK_PROOF, /* by number: does the node have the told block? */
    ASK_FINAL,
};

struct evm_question {
    hawse_request_t request; /* 0 = none under way */
    uint64_t again_ns;       /* not before */
    uint32_t failures;       /* in a row: refused, unreadable, or no use */
    uint64_t from, to;       /* of a range or by number */
    uint8_t hash[32];        /* of one block */
};

struct evm_notice {
    hawse_stream_range_t range;
    uint32_t stream, epoch;
    uint16_t kind;
};

struct evm_counters {
    hawse_metric_t heads, logs, duplicates, reorgs, depth, backfilled, missing, malformed, errors;
    hawse_metric_t contradictions, polling;
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
    uint32_t logs_now, duplicates_now; /* counted in this batch */

    struct chain chain;
    struct block_logs *blocks; /* by slot */
    struct log_ring ring;
    struct watches watches;

    enum evm_phase phase;
    uint32_t epoch;

    /* say */
    uint32_t gaps; /* enum evm_gap; 0 = none is open */
    uint32_t gap_reason;
    uint64_t gap_from;
    uint64_t late_logs; /* told late since the gap began */
    bool live_due;      /* to be said once no gap is open */
    uint32_t notice_first, notice_count;
    struct evm_notice notices[NOTICES];

    /* link */
    enum evm_link link;
    hawse_stream_t stream;
    hawse_channel_t heads_channel, logs_channel, pending_channel;
    char heads_id[ID_MAX], logs_id[ID_MAX], pending_id[ID_MAX];
    /* ids of requests on the stream; 0 = none under way */
    uint32_t heads_call, logs_call, pending_call, chain_call, head_call;
    uint32_t next_call;
    bool heads_on, logs_on, stream_chain_ok, http_chain_ok;
    bool watches_changed;
    uint64_t stream_chain_again_ns, head_asked_ns, joining_ns;

    /* poll */
    bool polling;
    uint64_t down_since_ns; /* since when the link is not up; 0 = it is */
    uint64_t next_poll_ns;
    uint64_t new_head_ns; /* when a new head was seen last */
    uint64_t link_up_ns;  /* when the stream joined */
    /* silence.c */
    bool behind; /* the other endpoint has had a newer head, behind_head, since behind_ns */
    uint64_t behind_ns, behind_head, second_again_ns;

    /* ask */
    struct evm_question q[Q_COUNT];
    uint32_t range; /* blocks per question, halved on refusals */
    bool head_wanted;

    /* sync */
    bool removing;                /* the told head's logs are being taken back */
    uint64_t removing_at;         /* position + 1 of the next copy to take back */
    uint64_t retract_from;        /* announced as leaving the chain: from here up */
    bool telling_on;              /* the told head's logs are being told */
    bool far;                     /* on the way to a head beyond the tracker's reach ... */
    struct chain_header far_head; /* ... this one */
    uint64_t suspect;             /* blocks up to this number are checked whatever the setting */

    /* check */
    uint64_t check_from; /* told blocks below are not to be checked */
    uint32_t late_slot;  /* its late logs are being told; CHAIN_NONE = none */
    uint64_t final_number;

    bool stopping;
    uint32_t ticks;
    hawse_timer_t tick;
    hawse_json_shapes_t shapes; /* layouts of pushed logs */
    void *shape_memory;
    uint32_t *marks;
    uint8_t *scratch; /* request texts, data of a fetched log */
    uint64_t scratch_cap;
    uint64_t complaint_ns;
};

/* plugin.c */
uint64_t evm_now(const struct evm *e);
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
/* record.data_len bytes into out. */
int32_t wire_log_data(const struct wire_log *log, uint8_t *out);

/* logs.c */
bool ring_init(struct log_ring *ring, uint64_t bytes);
void ring_finish(struct log_ring *ring);
/* Copies a record and the data behind it into the ring and hangs it on its block. */
struct log_copy *logs_add(struct evm *e, uint32_t slot, const hawse_evm_log_t *log);
struct log_copy *logs_at(const struct evm *e, uint64_t position_plus_1);
bool logs_has(const struct evm *e, uint32_t slot, uint32_t log_index);
/* What was kept before its head came; an answer with all of its logs takes its place. */
void logs_drop_early(struct evm *e, uint32_t slot);
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
/* Adds a log to the bloom filter of its block; does the filter explain every bit of the header's?
 */
void bloom_add_log(uint8_t bloom[256], const hawse_evm_log_t *log);
bool bloom_explains(const uint8_t bloom[256], const struct chain_header *header);
/* Bytes that watches_filter needs at most. */
uint64_t watches_filter_len(const struct watches *w);
/* {"address":[...]} without the closing brace into out; returns its length, 0 = nobody wants logs.
 */
uint64_t watches_filter(const struct watches *w, char *out, uint64_t cap);

/* say.c: announcements never get lost: what finds no room waits, and all data waits for it */
int32_t say_publish(struct evm *e, uint16_t space, uint16_t kind, uint32_t stream, uint32_t flags,
                    uint64_t key, const void *record, uint64_t len);
/* A log as it was kept; flags 0: as it was pushed. */
int32_t say_copy(struct evm *e, const struct log_copy *copy, uint32_t flags);
void say(struct evm *e, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from, uint64_t to,
         uint64_t count);
/* The same for blocks and logs. */
void say_both(struct evm *e, uint16_t kind, uint32_t reason, uint64_t from, uint64_t to,
              uint64_t count);
/* False: no room yet. */
bool say_waiting(struct evm *e);
void gap_open(struct evm *e, enum evm_gap why, uint32_t reason, uint64_t from);
/* Doubts that are gone (enum evm_gap); healed when none is left. */
void gap_close(struct evm *e, uint32_t whys);
/* This range is lost: readers start afresh. Gaps that are open stay so. */
void gap_give_up(struct evm *e, uint32_t reason, uint64_t from, uint64_t to);
void say_live(struct evm *e);

/* link.c */
void link_open(struct evm *e);
void link_event(struct evm *e, const hawse_event_t *event);
/* 2: a log, told at once; 1: taken, go on with sync_pump; 0: no room */
int32_t link_frame(struct evm *e, const hawse_event_t *event);
void link_tick(struct evm *e);
/* The stream is behind, or no head came for too long: a gap, and a new connection. */
void link_silent(struct evm *e, const char *why);
/* Heads may be missed from now on. */
void link_lost(struct evm *e, uint32_t reason);
void link_resubscribe(struct evm *e);
/* Asks the stream's node for its head: the one that the pushes go on from. */
void link_ask_head(struct evm *e);
/* The same when all else is there. */
void link_try_join(struct evm *e);
/* Does the node push every log that somebody wants? */
bool link_covers(const struct evm *e);

/* poll.c */
void poll_begin(struct evm *e, const char *why);
void poll_end(struct evm *e);
void poll_tick(struct evm *e);

/* ask.c */
bool ask_ready(const struct evm *e, enum evm_purpose why);
/* The answer was no use: not again before a pause that doubles. */
void ask_pause(struct evm *e, enum evm_purpose why);
void ask_cancel(struct evm *e, enum evm_purpose why);
void ask_chain_id(struct evm *e);
void ask_head(struct evm *e);
void ask_second(struct evm *e);
void ask_final(struct evm *e);
void ask_block(struct evm *e, const uint8_t hash[32]);
void ask_number(struct evm *e, enum evm_purpose why, enum evm_ask what, uint64_t number);
void ask_logs_range(struct evm *e, uint64_t from, uint64_t to);
void ask_logs_of(struct evm *e, enum evm_purpose why, uint32_t slot);
/* The same without a filter: every log of the block. */
void ask_whole(struct evm *e, enum evm_purpose why, uint32_t slot);
void ask_answer(struct evm *e, const hawse_event_t *event);

/* silence.c */
void silence_tick(struct evm *e);
void silence_answer(struct evm *e, const struct chain_header *header);

/* sync.c */
enum evm_head { HEAD_PUSHED, HEAD_ASKED };
void sync_head(struct evm *e, const struct chain_header *header, enum evm_head how);
/* Pushes went missing: what came since is asked for before it is told. */
void sync_distrust(struct evm *e, uint64_t from);
void sync_milestone(struct evm *e, const struct chain_header *header);
/* A pushed log: as link_frame. */
int32_t sync_push(struct evm *e, struct wire_log *log, uint64_t t_recv_ns);
/* A frame could not be read: the next blocks are checked. */
void sync_suspect(struct evm *e);
/* Goes on as far as possible: tells, takes back, asks. False when there was no room. */
bool sync_pump(struct evm *e);
/* Copies of this block that are not told yet, oldest first. False: no room. */
bool sync_tell_logs(struct evm *e, uint32_t slot);

/* fetch.c */
enum fetch_kept { FETCH_KEPT, FETCH_HAD, FETCH_UNWANTED, FETCH_FULL, FETCH_BAD };
/* Keeps one fetched log of a block. `room`: bytes of the ring that may still be used. */
enum fetch_kept fetch_keep(struct evm *e, uint32_t slot, struct wire_log *log, uint64_t *room);
/* Asks for what the block, the next to be told, lacks. */
void fetch_more(struct evm *e, uint32_t slot);
void fetch_answer(struct evm *e, enum evm_ask what, const hawse_json_t *doc,
                  hawse_json_value_t *list);
/* NULL: the node has no block of this number. */
void fetch_proof(struct evm *e, const struct chain_header *header);
/* After an answer without any of its logs: is the block asked for whole, its bloom filter being the
 * proof? Not where it has none, or where it was not explained several times. */
bool fetch_whole(const struct evm *e, uint32_t slot);
/* One more answer without logs; true when it is to be believed. */
bool fetch_empty(struct evm *e, uint32_t slot);
/* The demands changed: what was fetched before may lack logs. */
void fetch_afresh(struct evm *e);

/* check.c */
void check_want(struct evm *e, uint32_t slot);
void check_next(struct evm *e);
/* Is there a told block that is to be checked? */
bool check_waits(struct evm *e);
/* The first block of which logs may be missing when the pushes end now. */
uint64_t check_unsure_from(struct evm *e);
void check_answer(struct evm *e, enum evm_ask what, const hawse_json_t *doc,
                  hawse_json_value_t *list);
void check_proof(struct evm *e, const struct chain_header *header);
/* Would telling one more block push one out of the window that is still to be checked? Then telling
 * waits, and readers know. */
bool check_holds(struct evm *e);
/* What a check found missing. False: no room. */
bool check_tell_late(struct evm *e);
/* chain_evict_fn: a block that leaves the window unchecked is a loss, and said to be one. */
void check_evicted(void *ctx, uint32_t slot);
/* Nothing is told any more; returns the lowest number that was still to be checked. */
uint64_t check_forget(struct evm *e);

/* final.c */
void final_answer(struct evm *e, const struct chain_header *header);
void final_untold(struct evm *e, uint64_t number);

#endif
