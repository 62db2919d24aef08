/*
 * The boundary between host and plugins, where it can be recorded and replayed: a second table of
 * the host and of its services, with the same functions. Each notes the call as a record and either
 * makes it and records the answer, or, under replay, gives the recorded answer. Without a recorder
 * plugins hold the plain tables, and nothing of this is on their way.
 *
 * What is not here is not recorded: a new service needs its functions here, and until then
 * plugins that ask for it cannot be replayed, which the capture says.
 */
#ifndef CORE_HOST_TAP_H
#define CORE_HOST_TAP_H

#include "host/host.h"
#include "record/recorder.h"

/* What stands for the host under replay. */
struct tap_replay {
    void *ctx;
    /* Fills in code and result of the call. */
    void (*answer)(void *ctx, hawse_instance_t self, struct record_call *call);
    uint64_t (*now)(void *ctx, uint32_t clock);
    /* Room to build a record in; NULL when there was none. */
    uint8_t *(*reserve)(void *ctx, hawse_instance_t self, uint64_t len);
};

/* Results of a QUERY. */
enum { TAP_NO_SERVICE = 0, TAP_SERVICE = 1, TAP_UNRECORDED = 2 };

/* The host's table that records, or replays. */
extern const struct hawse_host tap_table;
/* The service that records or replays; NULL: there is none. */
const void *tap_service(const char *id);

/* True: the call was answered from a capture. */
static inline bool tap_answer(const hawse_host_t *table, hawse_instance_t self,
                              struct record_call *call)
{
    const struct tap_replay *replay = ((const struct host_api *)(const void *)table)->replay;
    if (!replay)
        return false;
    replay->answer(replay->ctx, self, call);
    return true;
}

/* [any] Records a call with its answer; does nothing outside a callback of this very instance. */
void tap_call(const hawse_host_t *table, hawse_instance_t self, const struct record_call *call);

/* [lane] Like host_enter, after a call that showed that this is the instance's own callback; false
 * when it was given up meanwhile. Then host_leave. */
static inline bool tap_enter(struct instance *inst)
{
    struct lane *lane = inst->lane;
    __atomic_store_n(&lane->in_host, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(!__atomic_load_n(&inst->abandoned, __ATOMIC_RELAXED), 1))
        return true;
    __atomic_store_n(&lane->in_host, 0, __ATOMIC_RELEASE);
    return false;
}

/* ---- around callbacks; for instance.c, with a recorder ---- */

void tap_create(struct instance *inst);  /* who it is, then the beginning of create */
void tap_swapped(struct instance *inst); /* who it is from now on; its restore follows */
/* The beginning of restore; the one event's data is the state. */
void tap_restore(struct instance *inst, const hawse_event_t *const *saved);
void tap_begin(struct instance *inst, enum record_callback callback, uint64_t argument);
void tap_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n);

static inline void tap_end(struct instance *inst, int32_t result, uint64_t elapsed_ns)
{
    recorder_end(inst->lane->recorder, result, elapsed_ns);
}

#endif
