/*
 * The host: configuration, plugins, lanes, and the threads around them. Ties the rooms together;
 * knows no chain and no venue.
 *
 *   main thread   signals, reload, shutdown
 *   lane thread   loop, bus, every callback of the plugins on this lane
 *   watchdog      sees a callback that never returns, and moves the lane to a new thread
 *   others        connecting (net), HTTP requests (rpc), log writer, HTTP, control (observe)
 */
#ifndef CORE_HOST_HOST_H
#define CORE_HOST_HOST_H

#include "base/fault.h"
#include "bus/crossing.h"
#include "config/config.h"
#include "host/continuity.h"
#include "host/handles.h"
#include "loop/loop.h"
#include "net/stream.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "plugin/grants.h"
#include "plugin/library.h"
#include "rpc/http_client.h"
#include "sign/sign.h"

#include <hawse/hawse.h>
#include <jansson.h>
#include <pthread.h>

enum {
    HOST_INSTANCES = 256,
    HOST_TIMERS_MAX = 4096,
    HOST_STREAMS_MAX = 64,
    HOST_REQUESTS_MAX = 256,
    HOST_SUBS_MAX = 65536,
    HOST_METRICS_MAX = 1024,
    HOST_POSTS_MAX = 1024,
    HOST_SPACES_MAX = 256,
};

enum instance_state {
    INSTANCE_NEW,
    INSTANCE_CREATED,
    INSTANCE_RUNNING,
    INSTANCE_STOPPING,
    INSTANCE_STOPPED,
    INSTANCE_REFUSED, /* never created: the fault says why */
    INSTANCE_FAILED,  /* failed, crashed its budget, or hung; stays until reload */
};

/* What a lane-tagged callback is doing; for the watchdog and the crash handler. */
enum callback {
    CALLBACK_NONE,
    CALLBACK_CREATE,
    CALLBACK_START,
    CALLBACK_EVENTS,
    CALLBACK_STOP,
    CALLBACK_DESTROY,
    CALLBACK_SAVE,
    CALLBACK_RESTORE
};

struct host_alert;
struct chain_alert;
struct host_call;
struct host_verb;

struct instance_link {
    const char *name; /* of the configuration */
    uint32_t target;  /* instance index */
};

/* One configured use of a plugin. Lives in host->instances[index] from load to removal; written on
 * the lane, `state` and the counters are readable from any thread. */
struct instance {
    struct host *host;
    struct lane *lane; /* which runs it; for its whole life */
    uint32_t index;
    uint32_t generation;
    hawse_instance_t handle;
    const struct config_instance *config;
    struct library *library;
    struct grants *grants;
    struct credentials credentials;
    struct continuity *continuity; /* what it says of its sequences */
    void *plugin_state;
    enum instance_state state;
    int abandoned;             /* atomic: its callback never returned; its thread is lost */
    char *settings;            /* checked by a plugin that it was swapped for; NULL = config's */
    struct swap *swap;         /* another plugin is about to take its place; NULL = none is */
    struct isolated *isolated; /* its plugin runs in a worker process; NULL = in this one */
    struct instance_link *links;
    uint32_t link_count;
    struct way *ways;          /* from other lanes, until each is closed there */
    uint32_t counts[5];        /* timers, streams, requests, subs, metrics in use */
    uint32_t posts;            /* atomic: posted and not yet delivered */
    struct host_alert *alerts; /* see service_alert.c */
    struct host_verb *verbs;   /* what operators may call; see commands.h */
    uint64_t produces;         /* bit per built-in space it may publish */
    uint16_t own_spaces[16];   /* run-time spaces it may publish */
    uint32_t own_space_count;
    struct fault fault;      /* why it is REFUSED or FAILED */
    struct fault last_error; /* set_error, until a callback ends without failing */
    bool released;           /* its handles, queue and state are gone */
    uint64_t stop_retry_ns;
    /* budget */
    uint32_t callback_us;
    uint32_t strikes;
    uint64_t strike_window_ns;
    uint32_t throttles;
    uint64_t hold_until_ns;
    struct loop_timer hold_timer;
    uint64_t log_window_ns;
    uint32_t log_lines, log_cut;
    /* observation */
    struct metric_histogram *callback_time;
    struct metric_counter *events_in, *events_out, *batches, *errors;
    struct metric_counter *dropped;
    struct metric_gauge *up;
    uint64_t callback_events; /* events in timed callbacks, for the mean */
};

/* The lane: one thread at a time. A callback that hangs loses its thread; the lane goes on on
 * another. */
struct lane {
    struct host *host;
    uint32_t index; /* in host->lanes */
    char *name;
    int32_t cpu;               /* -1 = any */
    struct recorder *recorder; /* NULL = nothing is recorded */
    struct loop *loop;
    struct bus bus;
    pthread_t thread;
    int tid;             /* kernel id of the present thread */
    uint64_t utc_offset; /* UTC minus monotonic ns */
    uint64_t utc_checked_ns;
    uint64_t spin_ns;
    struct awake *asked; /* of its instances' workers the one that was asked last; NULL = none */
    /* seen by the watchdog and the crash handler: relaxed atomics */
    struct instance *current;
    enum callback callback;
    uint64_t callback_since; /* ns; 0 = none runs */
    const hawse_event_t *current_event;
    int in_host; /* the running callback is inside a host call */
    uint64_t steps;
    uint64_t last_step_ns;
    struct host_stream *open_streams; /* list; changed on the lane, under the host's lock */
    struct host_stream *reading;      /* whose frames are being handed over */
    struct handles timers, streams, channels, requests, subs, metrics, intents, commands;
    struct loop_timer retry; /* blocked members try again */
    bool retry_armed;
    struct host_request *undelivered; /* completions that found a full inbox */
    struct host_told *told;           /* steps of intents that wait for room */
    uint32_t to_release;              /* failed instances that are not released yet */
    struct way *ways;                 /* from other lanes to instances of this one */
    struct way *out;                  /* from this lane to others */
    struct remote_sub *demands;       /* that found a full inbox here */
    struct crossing_bell bell;
    uint64_t crossed;      /* events that came from other lanes */
    uint32_t reloads_seen; /* see reload.c */
    bool reload_joined;
    bool started; /* every instance was created and started, or refused */
};

struct host_options {
    bool strict;                /* refuse to start when any plugin is refused */
    bool safe;                  /* leave out plugins that crashed an earlier run */
    struct recorder *recorders; /* by lane: record what crosses the boundary; NULL = nothing is */
    struct signer *signer;      /* the keys that are unlocked; outlives the host; NULL = none */
    const char *worker_program; /* runs `__worker`; NULL = this program */
};

struct host_api {
    hawse_host_t table;              /* first: plugins hold a pointer to it */
    struct host *host;               /* NULL under replay */
    const struct tap_replay *replay; /* answers instead of the host: see tap.h */
};

/* Calls of verbs that are under way; see commands.h. */
struct command_board {
    pthread_mutex_t lock;
    struct host_call *first;
    uint64_t last_number;
};

struct kept; /* see service_store.c */

/* What instances keep over runs: read once before any runs, then by id. */
struct store_board {
    pthread_mutex_t lock;
    struct kept *first;
};

struct host_space {
    char *id;
    uint16_t number;
};

struct host {
    struct host_api api;
    struct config *config;
    struct logger *logger;
    struct metrics *metrics;
    struct connector *connector;
    struct http_client *http;
    struct pool **pools; /* one a chain of the configuration, in its order */
    size_t pool_count;
    struct desk *desk;                /* NULL = no chains, or no keys */
    struct recorder *recorders;       /* by lane; NULL = nothing is recorded */
    struct lane *lanes[CONFIG_LANES]; /* each on cache lines of its own */
    uint32_t lane_count;
    uint32_t lanes_ended; /* atomic */
    uint32_t ways;        /* atomic: between lanes, not yet closed */
    uint32_t down_turn;   /* atomic: slot of the instance that stops next */
    struct instance *instances[HOST_INSTANCES];
    uint32_t instance_count;                   /* slots used so far */
    struct library *libraries[HOST_INSTANCES]; /* every file judged in this run */
    uint32_t library_count;
    char *safe_digests; /* text that holds the digests to leave out; NULL = none */
    bool running;       /* the lane's thread and the watchdog exist */
    uint32_t generation;
    struct command_board board;
    struct store_board store;
    pthread_mutex_t alert_lock;       /* texts and states of alerts, against status */
    struct chain_alert *chain_alerts; /* see chain_alert.c */
    pthread_mutex_t lock;     /* guards instances and streams against readers off the lane */
    pthread_mutex_t changing; /* held by a reload or a swap, from its first look to its end */
    struct swap_api *apis;    /* tables that plugins which were swapped in hold */
    struct host_space spaces[HOST_SPACES_MAX];
    uint32_t space_count;
    pthread_t watchdog;
    int watchdog_quit; /* atomic */
    int quit;          /* atomic: wind down */
    int done;          /* atomic: everything is stopped */
    int stopped_by_deadline;
    uint64_t quit_deadline_ns;
    struct reload *reload; /* handed to the lanes, answered through it */
    uint32_t reloads;      /* atomic: counts up when there is one */
    uint64_t started_ns;
    struct host_options options;
};

/* Called before the process has a second thread: what the watchdog asks of the kernel is free then;
 * later the kernel waits for all CPUs, some 10 ms. Without it host_start does it. */
void host_prepare(void);
/* Loads plugins for every enabled instance, resolves grants, tries new files in a child. Instances
 * that are refused keep their fault and the others go on, unless strict. Takes the config. */
int32_t host_create(struct config *config, struct logger *logger, struct metrics *metrics,
                    const struct host_options *options, struct host **out, struct fault *fault);
int32_t host_start(struct host *host, struct fault *fault);
/* [any] Begin a graceful stop: sources first, then readers, within the configured deadline. */
void host_quit(struct host *host);
bool host_done(const struct host *host);
/* [main] Waits for the lane; true when everything stopped by itself before the deadline. */
bool host_join(struct host *host);
void host_destroy(struct host *host);
/* [main] SIGHUP: applies a new configuration as a whole, or rejects it as a whole. Takes the
 * config. */
int32_t host_reload(struct host *host, struct config *config, struct fault *fault);

/* [any] Status as JSON (see core/observe/README.md), and readiness. malloc'd text. */
char *host_status(struct host *host);
/* [any] Verbs of the control socket about intents: "intents", "send", "fill-nonce", "kill",
 * "resume". JSON text, malloc'd; NULL with a fault. */
char *host_intents_verb(struct host *host, const char *verb, const json_t *request,
                        struct fault *fault);
/* [any] Verbs of the control socket about verbs of instances: "commands" (which there are), "call"
 * (begin one), "call-next" (how far it is). JSON text, malloc'd; NULL with a fault: nothing was
 * begun. */
char *host_command_verb(struct host *host, const char *verb, const json_t *request,
                        struct fault *fault);
bool host_has_command_verb(const char *verb);
/* [any] Kill switch of all: nothing new is signed until `hawse resume`. `who` says by what. */
void host_kill(struct host *host, const char *who, const char *why);
bool host_ready(struct host *host, char **reasons);
/* [any] Every instance was created and started, or refused. */
bool host_started(const struct host *host);
bool host_healthy(struct host *host);
/* [any] Brings the metrics up to date that are read rather than counted. */
void host_sample(struct host *host);

/* ---- between the files of this room ---- */

extern const struct hawse_host host_table;
const void *host_service(const char *id);

static inline struct host *host_of(const hawse_host_t *table)
{
    return ((const struct host_api *)(const void *)table)->host;
}

/* The instance, when the handle is good; NULL otherwise. [any] */
struct instance *host_instance(const hawse_host_t *table, hawse_instance_t handle);
/* The same for calls tagged [lane]: legal only inside a callback of that very instance. Marks the
 * lane as inside the host until host_leave. *code says why not. */
struct instance *host_enter(const hawse_host_t *table, hawse_instance_t handle, int32_t *code);
static inline void host_leave(struct instance *inst)
{
    __atomic_store_n(&inst->lane->in_host, 0, __ATOMIC_RELEASE);
}

/* The pool of this chain; the configuration has made sure that there is one. */
struct pool *host_pool(const struct host *host, const char *chain);

/* The lane of this name; the configuration has made sure that there is one. */
struct lane *host_lane(const struct host *host, const char *name);
/* The lane that the calling thread runs; NULL: it is none. */
static inline struct lane *host_own_lane(const struct host *host)
{
    for (uint32_t i = 0; i < host->lane_count; i++) {
        if (pthread_equal(host->lanes[i]->thread, pthread_self()))
            return host->lanes[i];
    }
    return NULL;
}
void host_wake(struct host *host); /* [any] every lane */

int32_t lane_create(struct host *host, uint32_t index, struct lane **out, struct fault *fault);
int32_t lane_thread_start(struct lane *lane, struct fault *fault);
void lane_destroy(struct lane *lane);
uint64_t lane_utc(const struct lane *lane, uint64_t monotonic_ns);
/* What plugins take for now. Frames come later than the step that reads them began: it never goes
 * back. */
void lane_clock(struct lane *lane, uint64_t now_ns);
void lane_arm_retry(struct lane *lane);

int32_t instance_new(struct host *host, const struct config_instance *config, struct instance **out,
                     struct fault *fault);
void instance_free(struct instance *inst);
int32_t instance_resolve_links(struct instance *inst);
void instance_create(struct instance *inst);
void instance_start(struct instance *inst);
/* One step of stopping; true when it is stopped. */
bool instance_stop(struct instance *inst, uint64_t deadline_ns);
void instance_fail(struct instance *inst, enum instance_state state);
/* [any, under the host's lock] Why it was refused or failed; empty while it does not stand still:
 * its lane may be writing it. */
const char *instance_error(const struct instance *inst);
/* Frees handles, streams, timers, requests, subscriptions, bus membership; destroys the plugin
 * state unless the instance was abandoned. */
void instance_release(struct instance *inst);
const char *instance_state_name(enum instance_state state);
const char *callback_name(enum callback callback);
/* Bounds a callback: who runs, since when. */
void callback_begin(struct instance *inst, enum callback callback, const hawse_event_t *event);
void callback_end(struct instance *inst);
/* The settings that its plugin was given. */
static inline hawse_view_t instance_settings(const struct instance *inst)
{
    return hawse_text(inst->settings ? inst->settings : inst->config->settings);
}

/* swap.c. What is not decided yet is decided: the old plugin stays. */
void swap_abandon(struct instance *inst, const char *why);

/* budget.c: accounts a callback; may throttle or fail the instance. */
void budget_account(struct instance *inst, uint64_t ns, uint32_t events);

/* Releases of what services hold for an instance. */
void timers_release(struct instance *inst);
void streams_release(struct instance *inst);
void requests_release(struct instance *inst);
void subs_release(struct instance *inst);
/* A source that was made anew is told what its readers want of it: those of its lane from *at on,
 * which begins with zeroes; false when its queue is full before all is told. */
struct subs_cursor {
    uint32_t reader, handle, pattern;
    bool others; /* the other lanes were asked to do the same */
};
bool subs_tell_again(struct instance *source, struct subs_cursor *at);
void metrics_release(struct instance *inst);
void commands_release(struct instance *inst);
void alerts_release(struct instance *inst);
/* service_store.c. [main] Reads what earlier runs kept; nothing without a desk. */
int32_t store_load(struct host *host, struct fault *fault);
void store_free(struct host *host);
struct desk;
/* [desk] All that is kept goes into the journal anew, in place of what is there. ctx: the host. */
void store_again(void *ctx, struct desk *desk);
/* [any] Appends those that are not quiet, as objects. */
void alerts_json(const struct instance *inst, uint64_t now_ns, json_t *out);
void chain_alerts_json(struct host *host, uint64_t now_ns, json_t *out);
void chain_alerts_free(struct host *host); /* [main] when the desk has ended */
/* [any] What a rule says: stops all (instance NULL), or one instance; for alert `name` of `whose`,
 * about `of`. */
void alert_pull(struct host *host, const char *whose, const char *name, const char *of,
                const char *instance, enum config_then then);
void streams_resume(struct lane *lane);
void streams_reading_lost(struct lane *lane);
void requests_retry(struct lane *lane);
uint16_t host_space_number(struct host *host, const char *id, size_t len, bool add);

int32_t watchdog_start(struct host *host, struct fault *fault);
void watchdog_stop(struct host *host);
int32_t crash_install(struct host *host, struct fault *fault);
void crash_thread_stack(void); /* gives the calling thread an alternate signal stack */
void crash_report_last(struct host *host);

/* Lane side of a reload; true when done, or when there is none. */
bool reload_advance(struct lane *lane);

/* order.c: one instance after the other, whatever lanes they are on. True when there is nothing
 * left to do; *wait_ns: how long this lane may wait for others until it asks again. */
bool order_up(struct lane *lane, uint64_t *wait_ns);
bool order_down(struct lane *lane);

/* The configuration of an instance, maybe of another lane, which may just take over a new one. */
static inline const struct config_instance *instance_config(const struct instance *inst)
{
    return __atomic_load_n(&inst->config, __ATOMIC_ACQUIRE);
}

#endif
