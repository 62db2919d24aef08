/*
 * A plugin under replay that runs in a worker process, as it would live: the same callbacks, driven
 * over the same link. That both ways give the same outputs is what makes a capture of one worth
 * something for the other.
 */
#ifndef CORE_REPLAY_ACTOR_H
#define CORE_REPLAY_ACTOR_H

#include "plugin/library.h"
#include "replay/walk.h"
#include "worker/process.h"

/* Starts a worker with this plugin and waits until it is ready. Spinning: on another CPU. */
int32_t actor_worker(const struct library *library, bool spins, struct worker **out,
                     struct fault *fault);
/* Runs the callback of this step. HAWSE_OK with what it returned in *code; else the worker is lost.
 */
int32_t actor_call(struct worker *worker, const struct walk_step *step, uint64_t handle,
                   const char *settings, worker_call_fn call, void *ctx, int32_t *code,
                   struct fault *fault);

#endif
