/* What an operator changes while the desk runs: limits, and the kill switches; see desk.h. */
#include "tx/desk_private.h"

#include <semaphore.h>

struct reloading {
    struct loop_work work;
    struct desk *desk;
    const struct config *config;
    sem_t done;
};

static void take_over(struct desk *desk, const struct config *config)
{
    struct fault fault = {0};
    desk->config = config;
    desk->options.config = config;
    if (risk_reload(desk->risk, config, &fault) != HAWSE_OK) {
        log_fault(desk->logger, HAWSE_LOG_ERROR, "tx", &fault);
        (void)risk_kill(desk->risk, NULL, "host", "the new limits could not be taken over", NULL);
    }
}

static void on_reload(void *ctx)
{
    struct reloading *r = ctx;
    take_over(r->desk, r->config);
    (void)sem_post(&r->done);
}

void desk_reload(struct desk *desk, const struct config *config)
{
    struct reloading r = {.desk = desk, .config = config};
    if (!desk)
        return;
    if (!desk->running) {
        take_over(desk, config);
        return;
    }
    r.work = (struct loop_work){.fn = on_reload, .ctx = &r};
    (void)sem_init(&r.done, 0, 0);
    loop_post(desk->loop, &r.work);
    while (sem_wait(&r.done) != 0)
        ;
    (void)sem_destroy(&r.done);
}

/* ---- switches ---- */

int32_t desk_kill(struct desk *desk, const char *instance, const char *who, const char *why,
                  struct fault *fault)
{
    return risk_kill(desk->risk, instance, who, why, fault);
}

int32_t desk_resume(struct desk *desk, const char *instance, struct fault *fault)
{
    return risk_resume(desk->risk, instance, fault);
}
