/* The thread on which keys are asked; see signing.h. */
#include "tx/signing.h"

#include <hawse/types.h>
#include <pthread.h>
#include <stdlib.h>

struct signing {
    struct loop *loop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct signing_job *first, **last; /* [lock] */
    bool quit;                         /* [lock] */
};

/* [loop] */
static void on_done(void *ctx)
{
    struct signing_job *job = ctx;
    job->done(job);
}

static void *signing_main(void *arg)
{
    struct signing *s = arg;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->quit) {
        struct signing_job *job = s->first;
        if (!job) {
            (void)pthread_cond_wait(&s->more, &s->lock);
            continue;
        }
        s->first = job->next;
        if (!s->first)
            s->last = &s->first;
        (void)pthread_mutex_unlock(&s->lock);
        job->run(job);
        loop_post(s->loop, &job->work);
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

int32_t signing_start(struct loop *loop, struct signing **out, struct fault *fault)
{
    struct signing *s = calloc(1, sizeof(*s));
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the signing thread");
    s->loop = loop;
    s->last = &s->first;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->more, NULL);
    if (pthread_create(&s->thread, NULL, signing_main, s) != 0) {
        free(s);
        return fault_set(fault, HAWSE_E_NOMEM, "cannot start the signing thread");
    }
    *out = s;
    return HAWSE_OK;
}

void signing_give(struct signing *s, struct signing_job *job)
{
    job->next = NULL;
    job->work = (struct loop_work){.fn = on_done, .ctx = job};
    (void)pthread_mutex_lock(&s->lock);
    *s->last = job;
    s->last = &job->next;
    (void)pthread_cond_signal(&s->more);
    (void)pthread_mutex_unlock(&s->lock);
}

void signing_stop(struct signing *s)
{
    if (!s)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->quit = true;
    (void)pthread_cond_signal(&s->more);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    while (s->first) {
        struct signing_job *job = s->first;
        s->first = job->next;
        job->drop(job);
    }
    (void)pthread_mutex_destroy(&s->lock);
    (void)pthread_cond_destroy(&s->more);
    free(s);
}
