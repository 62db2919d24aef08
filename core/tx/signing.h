/*
 * The thread on which keys are asked, because a key may be in another process: jobs run there one
 * after the other and come back to the loop that they were given from. Knows nothing of what is
 * signed.
 */
#ifndef CORE_TX_SIGNING_H
#define CORE_TX_SIGNING_H

#include "loop/loop.h"

struct signing;
struct signing_job;
typedef void (*signing_fn)(struct signing_job *job);

/* Part of something that its functions free. Exactly one of `done` and `drop` is called. */
struct signing_job {
    signing_fn run;  /* [signing thread] */
    signing_fn done; /* [loop] after it */
    signing_fn drop; /* [who stops the thread] it never ran */

    struct signing_job *next; /* the thread's own */
    struct loop_work work;
};

/* HAWSE_E_NOMEM. The loop outlives it. */
int32_t signing_start(struct loop *loop, struct signing **out, struct fault *fault);
/* [any] */
void signing_give(struct signing *signing, struct signing_job *job);
/* Ends the thread when the job that runs is through; the others are dropped. What ran already may
 * still wait in the loop. NULL is legal. */
void signing_stop(struct signing *signing);

#endif
