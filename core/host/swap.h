/*
 * Hot swap: another build of a plugin takes the place of one that runs. Off the lanes its file is
 * judged and tried as at start, and what it would have done is compared by whoever asks for the
 * swap; then, on the instance's lane and between two callbacks, the old plugin saves its state, the
 * new one restores it, and is given the first events that wait. What it publishes until it has
 * taken them is held back; the old one stands by. Any fault before that, and nothing has happened:
 * the old plugin gets the same events. See hawse/service/state.h for what plugins are promised.
 *
 * Must never: let a plugin have more than its instance was granted, or run one in this process that
 * would not be trusted there.
 */
#ifndef CORE_HOST_SWAP_H
#define CORE_HOST_SWAP_H

#include "host/host.h"
#include "host/prepare.h"
#include "host/tap.h"
#include "worker/process.h"

enum { SWAP_LIMIT_MS = 50, SWAP_SETTLE_MS = 1000 };

struct swap_request {
    const char *instance;
    const char *path;  /* of the new plugin's file */
    uint64_t limit_ns; /* of the old one's save, the new one's restore and its first events */
    /* Compares what the new one would have done; NULL = nobody does. Its file is library->fd. */
    int32_t (*shadow)(void *ctx, const struct library *library, struct fault *fault);
    void *ctx;
};

struct swap_result {
    char before[65], digest[65], version[64];
    uint64_t pause_ns; /* how long events waited for it */
    uint64_t state_len;
    uint32_t events; /* that the new one took while the old one stood by */
};

/* [any but a lane] One at a time. HAWSE_OK: the new plugin runs. Else the fault says which step
 * failed and why, and the old one goes on. */
int32_t host_swap(struct host *host, const struct swap_request *request, struct swap_result *result,
                  struct fault *fault);

/* ---- between the files of this room ---- */

enum swap_step { SWAP_WAITING, SWAP_SAVING, SWAP_RESTORING, SWAP_TRYING, SWAP_DECIDED, SWAP_OVER };

/* A call that the new plugin made before it was decided that it stays. */
struct swap_call {
    struct swap_call *next;
    bool held; /* made when it is decided; else it was made and answered */
    struct record_call call;
    uint8_t bytes[];
};

/* What a plugin in this process holds as its host. Lives as long as the host. */
struct swap_api {
    struct host_api api;
    struct tap_replay replay;
    struct swap *swap;     /* atomic: NULL = it is over */
    struct grants *grants; /* that its instance had before: another thread may be asking them */
    struct swap_api *next;
};

struct swap {
    struct host *host;
    struct instance *inst;
    hawse_instance_t handle;
    struct swap_request request;
    struct swap_result *result;
    struct prepared p; /* the new one's; the old one's when it has been decided */
    struct swap_api *api;
    struct worker *worker; /* in which the new one runs; NULL = in this process */
    struct worker *old_worker;
    void *state, *old_state;
    bool made;   /* there is a new state */
    bool failed; /* a call could not be kept: it may not stay */
    bool lost;   /* its worker is */
    uint8_t *saved, *reserved;
    uint64_t saved_len, pause_ns, restore_ns;
    enum swap_step step; /* atomic */
    struct swap_call *restore_calls, *event_calls, **last;
    uint32_t held;
    uint64_t held_bytes;
    const hawse_event_t *const *events; /* the first */
    uint32_t n;
    uint64_t asked_ns;
    struct loop_work work;
    struct loop_timer timer;
    struct fault fault;
    int done; /* atomic: the lane does not touch this any more */
};

/* swap_calls.c: the host as the new plugin sees it. */
void swap_calls_begin(struct swap *swap, struct swap_call **list);
int32_t swap_api_new(struct swap *swap);
void swap_worker_call(void *ctx, struct record_call *call);
void swap_calls_free(struct swap *swap);

/* swap.c [lane] From now on it is the new plugin. False: it cannot be any more. */
bool swap_decide(struct swap *swap);

/* instance.c: while there is a swap. True: the new plugin was given them and stays. */
struct swap_tried {
    uint32_t n;
    int32_t took;
    uint64_t ns;
};
bool swap_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n,
                 struct swap_tried *tried);
void swap_apis_free(struct host *host);

#endif
