/*
 * One Solana cluster from the inside: what an instance keeps, and what its files offer each other.
 *
 *   plugin.c  the table: events in, pump out       wire.c   texts of the node to records
 *   link.c    stream, subscriptions, frames        tree.c   which slot follows which
 *   watch.c   what readers asked for               audit.c  questions that prove or fill the rest
 *   told.c    memory of what was told              tell.c   publishing, gaps
 *   account.c states of accounts, large ones too   compare.c  snapshots against what was told
 *   rollback.c  slots in order, taking back and telling again
 *
 * The guarantee. A subscription proves nothing: each watch is audited, that is, compared with what
 * the node answers over HTTP for a slot at which the subscription was surely there. After a loss of
 * the stream every watch is audited before its sequence counts as healed; while it lives, each
 * again from time to time. What an audit finds missing is announced before it is told. Accounts are
 * states: the newest one is told, not those between. Logs are told one by one. A processed slot
 * that is abandoned takes back what was told for it.
 */
#ifndef SOLANA_PLUGIN_H
#define SOLANA_PLUGIN_H

#include "tree.h"
#include "wire.h"

#include <hawse/hawse.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>

#define SOL_MS 1000000ull

enum {
    MARKS_MAX = 8192,        /* quotes and brackets of one pushed frame */
    FRAME_OUT_MAX = 4096,    /* a node closes on larger frames */
    RECORD_MAX = 256 << 10,  /* of one event: what the host's arena gives at once */
    EARLY_BYTES = 256 << 10, /* notifications kept until the reply that names their id */
    EARLY_MAX = 64,
    SAYS_MAX = 64,          /* continuity events that wait for room */
    STREAMS = 5,            /* numbers of sequences, 0 not used */
    ACCOUNTS_AT_ONCE = 100, /* of getMultipleAccounts */
    STATUSES_AT_ONCE = 256, /* of getSignatureStatuses */
    LIST_MAX = 1000,        /* of getSignaturesForAddress */
    MARGIN_SLOTS = 32,      /* listed again before the slot where a gap began */
    SOON_MS = 100,          /* until the next question to a node that is behind ... */
    AGAIN_MS = 1000,        /* ... or that answered nonsense; a suspicion waits so long, too */
};

/* ---- told.c ---- */

/* What was told last about one account at one commitment. */
struct account_entry {
    uint8_t key[32];
    uint64_t slot;    /* of the record told last */
    uint64_t content; /* hash of that record; 0 = taken back */
    uint32_t commitment;
    uint32_t watch; /* of the program that brought it, or UINT32_MAX */
    uint32_t len;   /* bytes of its data, as told last */
    bool used;
    bool own;              /* watched by itself */
    bool seen;             /* by the audit under way */
    bool suspect;          /* an audit found another content ... */
    uint64_t suspect_slot; /* ... at this slot */
};

struct watch;

struct account_table {
    struct account_entry *entries;
    uint64_t cap; /* a power of two */
    uint64_t count;
    uint64_t loose; /* entries that nobody watches any more, at most */
};

/* How far a large account has been told: until all of it is, nothing is remembered of it. */
struct large {
    uint8_t key[32];
    uint64_t slot, content, told; /* told: bytes */
    uint32_t commitment;
};

/* A transaction told to a watch. */
struct seen_entry {
    uint64_t mark; /* of signature and watch; 0 = free */
    uint64_t slot; /* 0 = taken back */
};

struct seen_ring {
    struct seen_entry *ring;
    uint32_t *buckets; /* index + 1 of the newest; older ones by next */
    uint32_t *next;
    uint32_t cap, at;
};

/* A copy of a processed record, so that it can be taken back. */
struct copy {
    uint32_t total; /* bytes of this copy; the next begins behind it */
    uint16_t kind;
    bool gone; /* taken back, or no longer to be */
    uint8_t reserved;
    uint64_t slot, key, prev; /* prev: position + 1 of the copy before it */
    uint64_t content;         /* of an account: its hash */
    uint64_t len;             /* of the record, which follows */
};

struct copy_ring {
    uint8_t *bytes;
    uint64_t cap, head, newest; /* positions only grow */
};

/* ---- watch.c ---- */

struct watch {
    hawse_solana_filter_t filter;
    hawse_solana_memcmp_t memcmp[HAWSE_SOLANA_MEMCMP_MAX];
    uint32_t refs;
    bool used, on; /* on: the node confirmed the subscription `id` */
    bool refused;  /* the node does not take it */
    bool done;     /* a signature whose outcome was told */
    bool dirty;    /* must be audited before its sequence counts as whole */
    bool fresh;    /* just made: nothing older concerns it */
    bool soon;     /* is to be audited before its time */
    bool suspect;  /* a signature whose outcome an audit found first */
    uint32_t call; /* number of the request to subscribe; 0 = none */
    uint32_t tries;
    uint64_t id;
    uint64_t messages;   /* since the last audit */
    uint64_t need;       /* an answer must be of this slot or later; 0 = not known yet */
    uint64_t from;       /* logs: listed from this slot on */
    uint64_t judged;     /* logs: up to here everything was compared */
    uint64_t level;      /* logs: where the node stood at the last audit */
    uint64_t audited_ns; /* when */
};

/* A subscription's number and its watch; watch UINT32_MAX = free. */
struct id_entry {
    uint64_t id;
    uint32_t watch;
};

struct demand {
    uint64_t sub;
    uint32_t watch;
};

/* ---- audit.c ---- */

enum ask {
    ASK_NONE,
    ASK_LEVEL, /* getSlot at a commitment */
    ASK_ACCOUNTS,
    ASK_GONE, /* accounts that a program's snapshot lacks */
    ASK_PROGRAM,
    ASK_LIST,
    ASK_TRANSACTION,
    ASK_STATUSES,
    ASK_BLOCKS,
    ASK_GENESIS,
};

struct listed {
    uint8_t signature[64];
    uint64_t slot;
};

/* The list of transactions of one watch that were not told, being fetched. */
struct fill {
    bool on, listing; /* listing: older pages may follow */
    uint32_t watch;
    uint64_t from, to; /* slots judged */
    struct listed *list;
    uint32_t count, cap;
    uint8_t before[64]; /* the oldest signature listed */
    bool paged;
    uint32_t tries;
};

struct gap {
    bool open, announced; /* announced: false = the sequence was never live */
    uint32_t reason;
    uint64_t from, late;
    bool lost; /* something cannot be had */
};

struct sol_settings {
    uint32_t commitment, window;
    uint32_t slots_idle_ms, check_ms, reply_ms;
    uint32_t requests_per_second, max_subscriptions, max_backfill;
    uint32_t copy_bytes, max_accounts, max_account_bytes, max_answer_bytes;
    bool has_genesis; /* the cluster that the endpoints must belong to */
    uint8_t genesis[32];
};

enum sol_phase { PHASE_DOWN, PHASE_JOINING, PHASE_LIVE };
/* how far a rollback has come */
enum roll { ROLL_NONE, ROLL_SAID, ROLL_SWEEPING, ROLL_SLOTS };

struct sol_counters {
    hawse_metric_t slots, accounts, logs, signatures, duplicates, stale, rollbacks, depth, late,
        missing, malformed, errors, audits, orphans, left, withheld;
};

struct say {
    uint16_t kind;
    uint32_t stream, reason, epoch;
    uint64_t from, to, count;
};

/* Owned by the host's lane, from create to destroy. */
struct sol {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_stream_service_t *streams;
    const hawse_timer_service_t *timers;
    const hawse_rpc_service_t *rpc;
    const hawse_metrics_service_t *metrics;
    struct sol_settings set;
    struct sol_counters count;

    struct tree tree;
    struct account_table accounts;
    struct seen_ring seen;
    struct copy_ring copies;
    struct large large;
    uint64_t secret[2]; /* key of hashes of contents */

    struct watch *watches;
    uint32_t watch_count, watch_cap;
    struct id_entry *ids; /* of id_cap, a power of two above twice the watches */
    uint32_t id_cap;
    struct demand *demands;
    uint32_t demand_count, demand_cap;

    /* link */
    enum sol_phase phase;
    hawse_stream_t stream;
    hawse_channel_t channels[STREAMS];
    uint32_t touched[STREAMS]; /* messages since the last touch */
    uint32_t next_call, slot_call, root_call;
    uint64_t slot_id, root_id;
    bool slot_on, root_on;
    bool slot_came;    /* on this connection */
    bool right;        /* the node is of the right cluster, as far as that is asked for */
    uint64_t asked_ns; /* when the oldest unanswered request was sent; 0 = none */
    uint32_t pending;  /* requests without a reply */
    uint64_t newest;   /* slot */
    uint32_t next_audit;
    struct {
        uint32_t offset, len;
        uint64_t t_recv_ns;
    } early[EARLY_MAX];
    uint32_t early_count, early_len;
    uint8_t *early_bytes;

    /* continuity */
    struct gap gaps[STREAMS];
    uint32_t epochs[STREAMS];
    bool live[STREAMS];
    struct say says[SAYS_MAX];
    uint32_t say_first, say_count;
    uint64_t root; /* as the node says; tree.root follows when it was told */

    /* audit */
    enum ask ask;
    hawse_request_t request;
    uint64_t ask_after_ns;
    uint32_t ask_failures;
    uint32_t ask_watches[STATUSES_AT_ONCE], ask_count;
    uint32_t at_once;                   /* accounts in one question, for their size */
    uint8_t gone[ACCOUNTS_AT_ONCE][32]; /* lacking in the snapshot of ... */
    uint32_t gone_count, gone_watch;    /* ... this watch, ... */
    uint64_t gone_slot;                 /* ... which was of this slot */
    bool gone_more;                     /* than these */
    uint64_t level[4];                  /* by commitment: where the node was seen */
    uint32_t ask_level;
    struct fill fill;
    uint64_t tokens_ns; /* token bucket: time up to which requests are paid for */
    uint32_t block_tries;
    uint64_t hole_ns; /* since when an ancestor is missing; 0 = none is */

    /* rollback under way */
    enum roll roll;
    uint64_t sweep; /* position + 1 of the next copy to look at */
    uint64_t roll_ancestor, roll_target;
    uint64_t retell; /* a slot told again, whose records are not yet; 0 = none */

    bool stopping;
    hawse_timer_t tick;
    uint32_t *marks;
    char *scratch;
    uint64_t scratch_cap;
    uint64_t complaint_ns;
};

/* plugin.c */
void sol_log(struct sol *s, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sol_complain(struct sol *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sol_count(struct sol *s, hawse_metric_t metric, int64_t n);
uint64_t sol_now(const struct sol *s);

/* told.c */
bool accounts_init(struct account_table *table, uint64_t cap);
void accounts_finish(struct account_table *table);
/* The entry of the account, made when `add` and there is room; NULL otherwise. */
struct account_entry *accounts_find(struct account_table *table, const uint8_t key[32],
                                    uint32_t commitment, bool add);
/* The watch ends: accounts are no longer its. */
void accounts_leave(struct account_table *table, const struct watch *w, uint32_t index);
bool seen_init(struct seen_ring *seen, uint32_t cap);
void seen_finish(struct seen_ring *seen);
/* `salt` tells one watch from another: see watch_salt. */
uint64_t seen_mark(const uint64_t secret[2], const uint8_t signature[64], uint64_t salt);
/* Was it told, and (slot not 0) at this slot? */
bool seen_has(const struct seen_ring *seen, uint64_t mark, uint64_t slot);
void seen_add(struct seen_ring *seen, uint64_t mark, uint64_t slot);
void seen_drop(struct seen_ring *seen, uint64_t mark, uint64_t slot);
bool copies_init(struct copy_ring *ring, uint64_t bytes);
void copies_finish(struct copy_ring *ring);
void copies_add(struct copy_ring *ring, const struct copy *head, const uint8_t *record);
struct copy *copies_at(struct copy_ring *ring, uint64_t position_plus_1);

/* watch.c */
int32_t watch_add(struct sol *s, uint64_t sub, const uint8_t *filter, uint64_t len);
void watch_drop(struct sol *s, uint64_t sub);
uint32_t watch_stream(const struct watch *w);
uint64_t watch_salt(const struct watch *w);
/* 1 when the watch is asked for, confirmed, and has something to be compared. */
bool watch_live(const struct watch *w);
const char *level_name(uint32_t commitment);
/* The parameters of its subscription as JSON text; returns the length. */
uint64_t watch_params(const struct watch *w, char *out, uint64_t cap);
/* The filters of a program's watch, `,"filters":[...]` or nothing. */
uint64_t watch_filters(const struct watch *w, char *out, uint64_t cap);
/* Finds subscriptions by number; made anew after each change of `on` or `id`. */
void watch_index(struct sol *s);
struct watch *watch_of_id(struct sol *s, uint64_t id, enum wire_kind kind);

/* link.c */
void link_open(struct sol *s);
void link_event(struct sol *s, const hawse_event_t *event);
/* 1 taken, 0 no room */
int32_t link_frame(struct sol *s, const hawse_event_t *event);
void link_subscribe(struct sol *s, uint32_t watch);
void link_unsubscribe(struct sol *s, const struct watch *w);
void link_tick(struct sol *s);
/* What came before the reply that names its id, as far as it is named now. False: no room. */
bool link_early(struct sol *s);
void link_touch(struct sol *s);

/* tell.c: every function that publishes answers false when there was no room */
bool tell_event(struct sol *s, uint16_t kind, uint32_t stream, uint32_t flags, uint64_t key,
                uint64_t t_recv_ns, const void *record, uint64_t len);
void tell_range(struct sol *s, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from,
                uint64_t to, uint64_t count);
bool tell_flush(struct sol *s);
bool tell_logs(struct sol *s, const hawse_json_t *doc, struct watch *w, struct wire_logs *logs,
               uint32_t flags, uint64_t t_recv_ns);
bool tell_status(struct sol *s, struct watch *w, const struct wire_status *status, uint32_t flags,
                 uint64_t t_recv_ns);
/* A processed record of a slot that left the chain before it came: nobody needs to hear of it. */
bool tell_is_past(struct sol *s, const struct watch *w, uint64_t slot, uint32_t flags);
/* Keeps a processed record, to be taken back. */
void tell_copy(struct sol *s, uint16_t kind, uint64_t slot, uint64_t key, uint64_t content,
               const uint8_t *record, uint64_t len);
void gap_open(struct sol *s, uint32_t stream, uint32_t reason, uint64_t from);
void gap_try_heal(struct sol *s);

/* account.c */
/* False: no room. */
bool tell_account(struct sol *s, struct watch *w, struct wire_account *account, uint32_t flags,
                  uint64_t t_recv_ns);
/* Never 0. */
uint64_t account_hash(const struct sol *s, const struct wire_account *account);
/* Is the account what this watch of a program asks for? */
bool account_matches(const struct watch *w, const struct wire_account *a);
/* Nodes may name accounts that match no more: those have left when they were told before, and are
 * nobody's otherwise. */
bool account_wanted(struct sol *s, const struct watch *w, struct wire_account *a);

/* rollback.c */
void tell_slot(struct sol *s, const hawse_solana_slot_t *slot);
/* Goes on as far as possible with slots and rollbacks. False: no room. */
bool tell_pump(struct sol *s);

/* audit.c */
void audit_pump(struct sol *s);
/* The answer to a question: 1 taken, 0 no room (it comes again). */
int32_t audit_answer(struct sol *s, const hawse_event_t *event);
void audit_cancel(struct sol *s);
/* The watch is compared at the next opportunity, with a node that has reached `slot`. */
void audit_soon(struct sol *s, struct watch *w, uint64_t slot);
/* No question before so many milliseconds have passed. */
void audit_wait(struct sol *s, uint64_t ms);
/* The slot that the answer to the question under way must have reached. */
uint64_t audit_need(const struct sol *s);
/* An answer that has not the form of one: it is asked for again. */
void audit_bad(struct sol *s);
/* Something was never pushed: a gap. */
void audit_missing(struct sol *s, struct watch *w, uint64_t slot);
/* When nothing at all was pushed since the last audit, the subscription is dead: a new one. */
void audit_renew(struct sol *s, struct watch *w);
/* The watch was compared and is whole. */
void audit_clean(struct sol *s, struct watch *w);
/* Compared: again in a second when something is suspected. */
void audit_end(struct sol *s, struct watch *w, bool suspect);

/* compare.c: false = no room, the answer comes again */
bool compare_accounts(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root);
bool compare_program(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root);
bool compare_gone(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root);
bool compare_statuses(struct sol *s, const hawse_json_t *doc, hawse_json_value_t *root);

#endif
