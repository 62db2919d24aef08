/*
 * What an operator changes while the desk runs: limits, the kill switches, and what else is to be
 * kept of such changes; see desk.h.
 */
#include "tx/desk_private.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- a nonce is given up ---- */

struct filling {
    struct loop_work work;
    struct desk_chain *chain;
    uint64_t number;
    char account[JOURNAL_NAME];
};

static void on_fill(void *ctx)
{
    struct filling *f = ctx;
    struct fault fault = {0};
    struct desk_account *account = chain_account(f->chain, f->account, &fault);
    if (account && desk_group(f->chain->desk))
        account_fill(account, f->number, true);
    else if (!account)
        log_fault(f->chain->desk->logger, HAWSE_LOG_ERROR, "tx", &fault);
    free(f);
}

int32_t desk_fill(struct desk *desk, const char *chain, const char *account, uint64_t number,
                  struct fault *fault)
{
    struct desk_chain *of = desk_chain_of(desk, chain);
    if (!of || desk_is_solana(of))
        return fault_set(fault, HAWSE_E_NOTFOUND, "chain: there is no \"%.64s\" with nonces",
                         chain);
    if (signer_find(desk->options.signer, account) == 0)
        return fault_set(fault, HAWSE_E_NOTFOUND, "account: there is no \"%.64s\" in keys.use",
                         account);
    if (!__atomic_load_n(&of->ready, __ATOMIC_ACQUIRE))
        return fault_set(fault, HAWSE_E_STATE,
                         "what an earlier run sent on \"%s\" is not reconciled yet", chain);
    struct filling *f = calloc(1, sizeof(*f));
    if (!f)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an intent");
    f->work = (struct loop_work){.fn = on_fill, .ctx = f};
    f->chain = of;
    f->number = number;
    (void)snprintf(f->account, sizeof(f->account), "%s", account);
    loop_post(desk->loop, &f->work);
    return HAWSE_OK;
}

/* ---- notes ---- */

struct note {
    struct loop_work work;
    struct desk *desk;
    char what[JOURNAL_WHAT], instance[JOURNAL_NAME];
    char data[];
};

void desk_note_now(struct desk *desk, const char *what, const char *instance, const char *data)
{
    struct fault fault = {0};
    if (desk_group(desk) &&
        journal_note(desk->journal, what, instance, hawse_text(data), &fault) != HAWSE_OK)
        desk_broke(desk, &fault);
}

void desk_notes_again(struct desk *desk)
{
    if (desk->options.port.again)
        desk->options.port.again(desk->options.port.ctx, desk);
}

static void on_note(void *ctx)
{
    struct note *note = ctx;
    desk_note_now(note->desk, note->what, note->instance, note->data);
    note->desk->notes_taken++;
    free(note);
}

uint64_t desk_noted(struct desk *desk)
{
    return __atomic_load_n(&desk->notes_given, __ATOMIC_ACQUIRE);
}

bool desk_kept(struct desk *desk, uint64_t count)
{
    return __atomic_load_n(&desk->notes_kept, __ATOMIC_ACQUIRE) >= count;
}

void desk_notes_kept(struct desk *desk)
{
    if (!__atomic_load_n(&desk->halted, __ATOMIC_RELAXED))
        __atomic_store_n(&desk->notes_kept, desk->notes_taken, __ATOMIC_RELEASE);
}

int32_t desk_note(struct desk *desk, const char *what, const char *instance, const char *data,
                  struct fault *fault)
{
    size_t len = strlen(data) + 1;
    if (len > JOURNAL_DATA_MAX || strlen(what) >= JOURNAL_WHAT || strlen(instance) >= JOURNAL_NAME)
        return fault_set(fault, HAWSE_E_INVAL, "a note is too long for the journal: %s", what);
    struct note *note = malloc(sizeof(*note) + len);
    if (!note)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a note");
    *note = (struct note){.work = {.fn = on_note, .ctx = note}, .desk = desk};
    (void)snprintf(note->what, sizeof(note->what), "%s", what);
    (void)snprintf(note->instance, sizeof(note->instance), "%s", instance);
    memcpy(note->data, data, len);
    (void)__atomic_add_fetch(&desk->notes_given, 1, __ATOMIC_RELEASE);
    loop_post(desk->loop, &note->work);
    return HAWSE_OK;
}

int32_t desk_notes(struct desk *desk, const char *what,
                   int32_t (*fn)(void *ctx, const char *instance, hawse_view_t data), void *ctx,
                   struct fault *fault)
{
    return journal_notes(desk->journal, what, fn, ctx, fault);
}
