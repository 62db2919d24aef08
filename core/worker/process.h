/*
 * A worker process as the host sees it: this program again (`hawse __worker`), which loads one
 * plugin file, gives up every right, and runs callbacks when it gets the turn. One instance, one
 * worker, one lane: all functions are called on the instance's lane and nothing here waits longer
 * than it is told to.
 */
#ifndef CORE_WORKER_PROCESS_H
#define CORE_WORKER_PROCESS_H

#include "base/fault.h"
#include "worker/link.h"

struct awake;
struct worker;
struct received;

struct worker_options {
    const char *program;             /* NULL = this one */
    const char *id;                  /* that the plugin's table must state */
    int plugin_fd;                   /* the file that was judged */
    const struct received *received; /* what it reads in place; NULL = all events are copied.
                                        Borrowed while it lives */
    uint64_t memory;                 /* bytes that the plugin may have */
    int32_t cpu;                     /* -1 = where the lane runs, at any time */
    uint64_t spin_ns;                /* both sides look so long for the turn before they sleep; on
                                        one CPU only while callbacks follow each other */
    struct awake **asked;            /* of the lane, see awake.h; NULL = it has no other worker */
    bool poked; /* somebody calls worker_poke while a callback takes long: sleeps need no timer,
                   whose setting costs more than all else */
    bool asks_reserve; /* room to build a record in is asked for by CALL_RESERVE, for a replay */
};

/* Makes a call of the host that the plugin wants: `call` and its views are private copies, valid
 * until it returns. Fills in code and result. */
typedef void (*worker_call_fn)(void *ctx, struct record_call *call);

struct worker_job {
    enum link_kind kind;
    hawse_view_t settings;              /* create, restore */
    hawse_view_t saved;                 /* restore */
    const hawse_event_t *const *events; /* events: as many as worker_fits said */
    uint32_t n;
    uint64_t number; /* stop: the deadline; after create and restore: 1 when the plugin made a
                        state; after save: bytes that it has */
    uint64_t handle, now_ns, utc_ns;
    uint64_t until_ns; /* a callback that runs longer is hung */
    worker_call_fn call;
    void *ctx;
};

/* Starts one. It is not ready yet. */
int32_t worker_start(const struct worker_options *options, struct worker **out,
                     struct fault *fault);
/* Waits at most wait_ns for it. HAWSE_OK: it is ready; HAWSE_E_AGAIN: not yet; else the plugin
 * could not be loaded there, or the process ended. */
int32_t worker_ready(struct worker *worker, uint64_t wait_ns, struct fault *fault);
/* How many of these events fit into one callback; 0: the first alone is too large. */
uint32_t worker_fits(const struct worker *worker, const hawse_event_t *const *events, uint32_t n);
/* Runs a callback. HAWSE_OK with *result; else the worker is lost, and the fault says how. */
int32_t worker_run(struct worker *worker, struct worker_job *job, int32_t *result,
                   struct fault *fault);
/* After a save: what was saved, so many bytes as `number` said. It is the worker's to overwrite:
 * copy it before the next callback. NULL: it said more than there is room for. */
const uint8_t *worker_saved(const struct worker *worker, uint64_t len);
/* Whether its process has ended; then the fault says how. */
bool worker_ended(struct worker *worker, struct fault *fault);
/* Becomes readable when the process ends; -1: this kernel has no such descriptor. */
int worker_death_fd(const struct worker *worker);
int worker_pid(const struct worker *worker);
/* As `poked` of its options, from now on. */
void worker_poked(struct worker *worker, bool poked);
/* [any] Has the lane look at the clock, and at whether the worker lives, when it waits for it. */
void worker_poke(struct worker *worker);
/* Whether its plugin wrote to standard output or error, which lead nowhere. */
bool worker_wrote(const struct worker *worker);
uint32_t worker_walls(const struct worker *worker); /* enum link_walls; once it is ready */
/* Kills it, whatever it does, and forgets it. NULL is legal. */
void worker_destroy(struct worker *worker);

/* What the process runs: `hawse __worker`. */
int worker_child(void);

#endif
