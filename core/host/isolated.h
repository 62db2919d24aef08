/*
 * An instance whose plugin runs in a worker process (core/worker). To the lane it is like any
 * other: the same callbacks at the same places, the same services, the same record. When its
 * process is lost, in whatever way, the instance fails with words that say how, and is made anew
 * after a while with a handle of its own; after too many losses its file is quarantined.
 *
 * All of this runs on the instance's lane.
 */
#ifndef CORE_HOST_ISOLATED_H
#define CORE_HOST_ISOLATED_H

#include "bus/bus.h"
#include "host/host.h"
#include "net/ws_buffer.h"
#include "worker/process.h"
#include "worker/received.h"

struct isolated {
    struct instance *inst;
    struct worker *worker;    /* NULL: none runs */
    struct received received; /* what its streams bring, for whichever worker it has */
    struct ws_memory memory;  /* the same, for those streams */
    bool lost;                /* what failed was the worker, not the plugin's own decision */
    struct loop_watch death;
    bool watched;
    bool output_told;       /* that what its plugin writes goes nowhere */
    struct loop_timer due;  /* when it is to be started again */
    struct loop_timer tell; /* its readers' demands that found its queue full */
    struct subs_cursor told;
    uint64_t seq[BUS_STREAMS];
    uint64_t lost_ns;
    /* read by status: relaxed atomics */
    uint32_t pid;
    uint32_t walls;
    uint32_t losses;   /* in all */
    uint32_t restarts; /* that worked */
    uint64_t restart_ns;
    uint32_t returning; /* it is lost and will be made anew */
    /* those that count towards quarantine */
    uint32_t recent;
    uint64_t recent_since_ns;
};

/* For an instance whose configuration asks for it; HAWSE_E_NOMEM. */
int32_t isolated_new(struct instance *inst);
/* Starts its process and waits until it is ready: before create. */
int32_t isolated_open(struct instance *inst);

/* Callbacks, as in the plugin's table. When the worker is lost the code is negative, lost is set,
 * and last_error says how. */
int32_t isolated_create(struct instance *inst, void **state);
int32_t isolated_start(struct instance *inst);
int32_t isolated_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n);
int32_t isolated_stop(struct instance *inst, uint64_t deadline_ns);
void isolated_destroy(struct instance *inst);
/* As many of these events as can be given in one callback; 0: the first is too large, and
 * last_error says so. */
uint32_t isolated_fits(struct instance *inst, const hawse_event_t *const *events, uint32_t n);

/* What its plugin saves; `out` has room for HAWSE_STATE_MAX. Lost as in any callback. */
int32_t isolated_save(struct instance *inst, uint8_t *out, uint64_t *len);
/* A worker for it with another plugin, which is not ready yet. */
int32_t isolated_launch(struct instance *inst, const struct library *library, struct worker **out,
                        struct fault *fault);
/* From now on it is this one, which is ready; the old one is given back. */
struct worker *isolated_exchange(struct instance *inst, struct worker *worker);
/* It is lost, in that callback: last_error says how. */
void isolated_lost(struct instance *inst, const struct fault *fault, const char *where);
/* Its worker was lost outside of a callback that would say so: the instance fails. */
void isolated_missed(struct instance *inst);

/* [watchdog, under the host's lock] A callback takes long: the lane looks at the clock. */
void isolated_poke(struct instance *inst);
/* The host has had enough of it: it counts as lost. */
void isolated_give_up(struct instance *inst);
/* The instance is released: its process ends, and if it was lost it is made anew later. */
void isolated_release(struct instance *inst);
/* It is a member of the bus again: its events go on where they were. */
void isolated_joined(struct instance *inst);
void isolated_free(struct instance *inst);

/* isolated_calls.c: makes a call that a plugin in a worker wants; ctx is the instance. */
void isolated_call(void *ctx, struct record_call *call);

#endif
