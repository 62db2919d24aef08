/* The desk's thread, what it has, and the order of things: first the disk, then the world. See
 * desk.h. */
#include "tx/desk_private.h"

#include "tx/nonce_redis.h"
#include "tx/relay_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MS = 250, TICK_MS = 1000 };

uint64_t desk_utc(void)
{
    return loop_utc();
}

/* ---- groups and effects ---- */

bool desk_group(struct desk *desk)
{
    struct fault fault = {0};
    if (desk->failed || __atomic_load_n(&desk->halted, __ATOMIC_RELAXED))
        return false;
    if (journal_in_group(desk->journal) || journal_begin(desk->journal, &fault) == HAWSE_OK)
        return true;
    desk_broke(desk, &fault);
    return false;
}

void desk_broke(struct desk *desk, const struct fault *fault)
{
    if (!desk->failed)
        log_fault(desk->logger, HAWSE_LOG_ERROR, "tx", fault);
    desk->failed = true;
}

void desk_effect(struct desk *desk, const struct desk_effect *effect)
{
    if (desk->effect_count == desk->effect_cap) {
        size_t cap = desk->effect_cap ? desk->effect_cap * 2 : 64;
        struct desk_effect *more = realloc(desk->effects, cap * sizeof(*more));
        if (!more) {
            struct fault fault = {0};
            (void)fault_set(&fault, HAWSE_E_NOMEM, "no memory for what is to be sent");
            free(effect->told);
            desk_broke(desk, &fault);
            return;
        }
        desk->effects = more;
        desk->effect_cap = cap;
    }
    desk->effects[desk->effect_count++] = *effect;
}

static void run_effects(struct desk *desk)
{
    for (size_t i = 0; i < desk->effect_count; i++) {
        struct desk_effect e = desk->effects[i];
        if (e.kind == DESK_TELL)
            desk->options.port.tell(desk->options.port.ctx, e.told);
        else if (e.kind == DESK_SAFE)
            safe_go(e.leg);
        else
            leg_broadcast(e.leg, e.attempt);
        free(e.told);
    }
    desk->effect_count = 0;
}

static void drop_effects(struct desk *desk)
{
    for (size_t i = 0; i < desk->effect_count; i++)
        free(desk->effects[i].told);
    desk->effect_count = 0;
}

/* ---- intents ---- */

struct desk_chain *desk_chain_of(struct desk *desk, const char *name)
{
    for (size_t i = 0; i < desk->chain_count; i++) {
        if (strcmp(desk->chains[i].config->name, name) == 0)
            return &desk->chains[i];
    }
    return NULL;
}

struct desk_intent *desk_by_handle(struct desk *desk, uint64_t handle)
{
    struct desk_intent *intent = desk->hashed[handle % DESK_HASHED];
    while (intent && intent->owner.handle != handle)
        intent = intent->next_hashed;
    return intent;
}

static void unhash(struct desk_intent *intent)
{
    struct desk_intent **at = &intent->desk->hashed[intent->owner.handle % DESK_HASHED];
    while (*at && *at != intent)
        at = &(*at)->next_hashed;
    if (*at)
        *at = intent->next_hashed;
}

static void hash_in(struct desk_intent *intent)
{
    struct desk_intent **slot = &intent->desk->hashed[intent->owner.handle % DESK_HASHED];
    intent->next_hashed = *slot;
    *slot = intent;
}

void desk_own(struct desk_intent *intent, const struct desk_owner *owner)
{
    unhash(intent);
    intent->owner = *owner;
    hash_in(intent);
}

static const struct config_safe *safe_named(const struct desk_chain *chain,
                                            const struct intent *body)
{
    return body->public.how == HAWSE_INTENT_SAFE ? config_safe_find(chain->config, body->account)
                                                 : NULL;
}

int32_t desk_intent_new(struct desk *desk, struct intent *body, const char *instance,
                        struct desk_intent **out, struct fault *fault)
{
    struct desk_chain *chain = desk_chain_of(desk, body->chain);
    const struct config_safe *safe = chain ? safe_named(chain, body) : NULL;
    const char *name = safe ? safe->executor : body->account;
    struct desk_account *account = chain ? chain_account(chain, name, fault) : NULL;
    struct desk_intent *intent = account ? calloc(1, sizeof(*intent)) : NULL;
    if (!intent) {
        free(body);
        return fault_set(fault, account ? HAWSE_E_NOMEM : HAWSE_E_NOTFOUND,
                         "no chain or account of this name any more");
    }
    intent->desk = desk;
    intent->body = body;
    intent->chain = chain;
    intent->account = account;
    int32_t code = safe ? safe_open(intent, safe, fault) : HAWSE_OK;
    if (code != HAWSE_OK) {
        safe_close(intent);
        free(body);
        free(intent);
        return code;
    }
    intent->maturity = MATURITY_STABLE;
    intent_worth(&body->public, &intent->worth);
    intent->utc_ns = desk_utc();
    (void)snprintf(intent->instance, sizeof(intent->instance), "%s", instance);
    intent->owner.handle = __atomic_add_fetch(&desk->handles, 1, __ATOMIC_RELAXED) | 1ull << 63;
    hash_in(intent);
    intent->at = chain->intents_end;
    *chain->intents_end = intent;
    chain->intents_end = &intent->next;
    chain->open++;
    account->open++;
    chain_watch(chain);
    *out = intent;
    return HAWSE_OK;
}

static void intent_free(struct desk_intent *intent)
{
    for (uint32_t i = 0; intent->legs && i < intent->plan->count; i++) {
        struct leg *leg = &intent->legs[i];
        free(leg->sim);
        watch_free(leg);
        leg_discard(leg);
        for (uint32_t a = 0; a < leg->attempt_count; a++)
            free(leg->attempts[a].raw);
    }
    free(intent->solana);
    free(intent->legs);
    safe_close(intent);
    free(intent->plan);
    free(intent->body);
    free(intent);
}

void desk_forget(struct desk_intent *intent)
{
    struct desk_chain *chain = intent->chain;
    safe_stop(intent);
    for (uint32_t i = 0; intent->legs && i < intent->plan->count; i++) {
        leg_unqueue(&intent->legs[i]);
        leg_simulate_stop(&intent->legs[i]);
        leg_count(&intent->legs[i], false);
        intent->legs[i].fee_most = 0;
        leg_count_dear(&intent->legs[i]);
    }
    unhash(intent);
    *intent->at = intent->next;
    if (intent->next)
        intent->next->at = intent->at;
    else
        chain->intents_end = intent->at;
    chain->open--;
    if (!chain_looks(chain))
        chain->view_ns = 0; /* nobody looks from now on: the next one looks first */
    intent->account->open--;
    intent->next = intent->desk->dead;
    intent->desk->dead = intent;
}

/* Those that ended in this turn or before, and that no question is about any more. */
static void bury(struct desk *desk)
{
    struct desk_intent **at = &desk->dead;
    while (*at) {
        struct desk_intent *intent = *at;
        if (intent->asks > 0) {
            at = &intent->next;
            continue;
        }
        *at = intent->next;
        intent_free(intent);
    }
}

/* ---- when the journal fails ---- */

/* Who waits for an intent that is in the journal and not in memory. */
struct desk_remembered {
    uint64_t number;
    struct desk_owner owner;
    enum config_maturity maturity;
};

static void remember(struct desk *desk, const struct desk_intent *intent)
{
    struct desk_remembered *more =
        realloc(desk->remembered, (desk->remembered_count + 1) * sizeof(desk->remembered[0]));
    if (!more)
        return; /* its owner can look it up */
    desk->remembered = more;
    more[desk->remembered_count++] =
        (struct desk_remembered){intent->number, intent->owner, intent->maturity};
}

/* All that is in memory is as if it had not been. */
static void forget_all(struct desk *desk)
{
    for (size_t i = 0; i < desk->chain_count; i++) {
        while (desk->chains[i].intents) {
            struct desk_intent *intent = desk->chains[i].intents;
            if (intent->held)
                risk_ended(desk->risk, intent->instance, intent->chain->config->name,
                           intent->number, RISK_NOT_SENT, NULL, 0, desk_utc());
            if (intent->durable)
                remember(desk, intent);
            else
                desk_answer(desk, &intent->owner, HAWSE_INTENT_STEP, HAWSE_INTENT_FAILED,
                            HAWSE_E_NOSPACE, "the journal cannot be written: it was not taken over",
                            true);
            desk_forget(intent);
        }
    }
    desk_asks_cancel(desk);
    for (size_t i = 0; i < desk->chain_count; i++)
        solana_reset(&desk->chains[i]);
}

static void give_back(struct desk *desk, struct desk_intent *intent)
{
    for (size_t k = 0; k < desk->remembered_count; k++) {
        if (desk->remembered[k].number != intent->number)
            continue;
        desk_own(intent, &desk->remembered[k].owner);
        intent->maturity = desk->remembered[k].maturity;
    }
}

/* What waits for an answer gets one, and begins nothing: there is no group then. */
static void close_nonces(struct desk *desk)
{
    struct nonces *nonces = desk->nonces;
    desk->nonces = NULL;
    nonces_close(nonces);
}

static void on_nonces(void *ctx, const char *text)
{
    struct desk *desk = ctx;
    log_line(desk->logger, HAWSE_LOG_WARN, "tx", "%s", text);
}

static int32_t open_nonces(struct desk *desk, struct fault *fault)
{
    const struct config_redis *c = &desk->config->redis;
    const struct nonce_redis_options options = {.server = {.address = c->address,
                                                           .port = c->port,
                                                           .database = c->database,
                                                           .user = c->user,
                                                           .password = c->password,
                                                           .budget_ms = c->budget_ms},
                                                .prefix = c->prefix,
                                                .lease = c->lease,
                                                .pause_ms = c->pause_ms,
                                                .notify = on_nonces,
                                                .notify_ctx = desk};
    if (!c->address)
        return nonces_open(desk->journal, NULL, &desk->nonces, fault);
    return nonces_open_redis(desk->journal, desk->loop, NULL, &options, &desk->nonces, fault);
}

static void halt(struct desk *desk)
{
    journal_abort(desk->journal);
    drop_effects(desk);
    desk->counts.halted++;
    __atomic_store_n(&desk->halted, 1, __ATOMIC_RELEASE);
    close_nonces(desk); /* while those that wait for them are there */
    forget_all(desk);
    desk->failed = false;
    run_effects(desk); /* the answers to those that were never taken over */
}

static void try_again(struct desk *desk)
{
    struct fault fault = {0};
    if (journal_ready(desk->journal, &fault) != HAWSE_OK)
        return;
    close_nonces(desk);
    __atomic_store_n(&desk->halted, 0, __ATOMIC_RELEASE);
    if (open_nonces(desk, &fault) != HAWSE_OK || desk_load(desk, &fault) != HAWSE_OK) {
        desk_broke(desk, &fault);
        return;
    }
    log_line(desk->logger, HAWSE_LOG_WARN, "tx", "the journal can be written again: going on");
    desk_notes_again(desk);
    for (size_t i = 0; i < desk->chain_count; i++) {
        for (struct desk_intent *in = desk->chains[i].intents; in; in = in->next)
            give_back(desk, in);
        chain_soon(&desk->chains[i]);
    }
    free(desk->remembered);
    desk->remembered = NULL;
    desk->remembered_count = 0;
}

/* The end of a turn: everything that it decided is on the disk, then it happens. True: what
 * happened was written, and is to be on the disk too. */
static bool commit(struct desk *desk)
{
    struct fault fault = {0};
    if (!desk->failed && journal_in_group(desk->journal) &&
        journal_commit(desk->journal, &fault) != HAWSE_OK)
        desk_broke(desk, &fault);
    if (desk->failed) {
        halt(desk);
        return false;
    }
    for (size_t i = 0; i < desk->effect_count; i++) {
        struct desk_told *told = desk->effects[i].told;
        if (told && told->step.step == HAWSE_INTENT_PROPOSED) {
            struct desk_intent *intent = desk_by_handle(desk, told->owner.handle);
            if (intent)
                intent->durable = true;
        }
    }
    desk_notes_kept(desk);
    run_effects(desk);
    return solana_go(desk);
}

static void settle(struct desk *desk)
{
    while (commit(desk))
        ;
    bury(desk);
}

/* ---- the thread ---- */

static void on_tick(void *ctx, uint64_t now_ns)
{
    struct desk *desk = ctx;
    if (__atomic_load_n(&desk->halted, __ATOMIC_RELAXED))
        try_again(desk);
    for (size_t i = 0; i < desk->chain_count; i++) {
        struct desk_intent *next;
        for (struct desk_intent *in = desk->chains[i].intents; in; in = next) {
            next = in->next;
            intent_expire(in);
        }
        alarms_tick(&desk->chains[i]);
    }
    desk_status_write(desk);
    (void)loop_timer_set(desk->loop, &desk->tick, now_ns + TICK_MS * DESK_MS);
}

static void *desk_main(void *arg)
{
    struct desk *desk = arg;
    (void)pthread_setname_np(pthread_self(), "desk");
    desk->tick = (struct loop_timer){.fn = on_tick, .ctx = desk};
    on_tick(desk, loop_clock());
    for (size_t i = 0; i < desk->chain_count; i++) {
        if (chain_looks(&desk->chains[i]))
            chain_soon(&desk->chains[i]);
    }
    while (!__atomic_load_n(&desk->quit, __ATOMIC_ACQUIRE)) {
        (void)loop_step(desk->loop, (desk->gathers_ns ? 1 : TURN_MS) * DESK_MS, 0);
        if (!desk_gathers(desk))
            settle(desk);
    }
    return NULL;
}

int32_t desk_start(struct desk *desk, struct fault *fault)
{
    int32_t code = signing_start(desk->loop, &desk->signing, fault);
    if (code != HAWSE_OK)
        return code;
    int error = pthread_create(&desk->thread, NULL, desk_main, desk);
    if (error != 0)
        return fault_set(fault, HAWSE_E_NOMEM, "cannot start the desk's thread: %s",
                         strerror(error));
    desk->running = true;
    return HAWSE_OK;
}

/* What is in memory alone; the journal has what counts. */
static void clear(struct desk *desk)
{
    for (size_t i = 0; i < desk->chain_count; i++) {
        while (desk->chains[i].intents)
            desk_forget(desk->chains[i].intents);
    }
    desk_asks_cancel(desk);
    for (size_t i = 0; i < desk->chain_count; i++)
        chain_quiet(&desk->chains[i]);
    bury(desk);
}

void desk_stop(struct desk *desk)
{
    if (!desk || !desk->running)
        return;
    __atomic_store_n(&desk->quit, 1, __ATOMIC_RELEASE);
    loop_wake(desk->loop);
    (void)pthread_join(desk->thread, NULL);
    desk->running = false;
    signing_stop(desk->signing);
    desk->signing = NULL;
    for (size_t i = 0; i < desk->chain_count; i++)
        relay_client_stop(desk->chains[i].relay);
    loop_drain(desk->loop);
    settle(desk);
    clear(desk);
}

/* ---- there and gone ---- */

/* [any] A breaker or a switch moved. */
static void on_notice(void *ctx, const char *instance, const char *text)
{
    struct desk *desk = ctx;
    log_line(desk->logger, HAWSE_LOG_WARN, instance ? instance : "risk", "%s", text);
}

static int32_t open_stores(struct desk *desk, struct fault *fault)
{
    char dir[4096];
    const struct journal_options options = {.create = true};
    const struct risk_options risk = {.dir = dir, .notify = on_notice, .notify_ctx = desk};
    (void)snprintf(dir, sizeof(dir), "%s/risk", desk->config->state_dir);
    int32_t code = journal_open(desk->config->journal, &options, &desk->journal, fault);
    if (code == HAWSE_OK)
        code = open_nonces(desk, fault);
    if (code == HAWSE_OK)
        code = risk_create(desk->config, &risk, &desk->risk, fault);
    return code;
}

static int32_t open_chains(struct desk *desk, struct fault *fault)
{
    int32_t code = HAWSE_OK;
    desk->chains = calloc(desk->config->chain_count + 1, sizeof(desk->chains[0]));
    if (!desk->chains)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for chains");
    for (size_t i = 0; i < desk->config->chain_count && code == HAWSE_OK; i++) {
        desk->chain_count++;
        code = chain_open(desk, i, fault);
    }
    return code;
}

int32_t desk_create(const struct desk_options *options, struct desk **out, struct fault *fault)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the desk");
    desk->options = *options;
    desk->config = options->config;
    desk->tx = options->config->tx;
    desk->stuck_ns = (uint64_t)desk->tx.stuck_ms * DESK_MS;
    desk->logger = options->logger;
    (void)pthread_mutex_init(&desk->status_lock, NULL);
    desk->scratch = calloc(1, sizeof(*desk->scratch));
    int32_t code = desk->scratch && desk_metrics(desk)
                       ? HAWSE_OK
                       : fault_set(fault, HAWSE_E_NOMEM, "no memory for metrics");
    if (code == HAWSE_OK)
        code = loop_create(&desk->loop, fault);
    if (code == HAWSE_OK)
        code = open_stores(desk, fault);
    if (code == HAWSE_OK)
        code = open_chains(desk, fault);
    if (code == HAWSE_OK)
        code = totals_restore(desk, fault);
    if (code == HAWSE_OK)
        code = desk_load(desk, fault);
    if (code != HAWSE_OK) {
        fault_prefix(fault, "transactions");
        desk_destroy(desk);
        return code;
    }
    *out = desk;
    return HAWSE_OK;
}

void desk_destroy(struct desk *desk)
{
    if (!desk)
        return;
    desk_stop(desk);
    desk->failed = true; /* no group any more */
    close_nonces(desk);
    clear(desk);
    if (desk->loop)
        loop_drain(desk->loop); /* what was canceled and came all the same */
    for (size_t i = 0; i < desk->chain_count; i++)
        chain_close(&desk->chains[i]);
    free(desk->chains);
    drop_effects(desk);
    free(desk->effects);
    free(desk->scratch);
    free(desk->remembered);
    risk_destroy(desk->risk);
    journal_close(desk->journal);
    if (desk->loop)
        loop_destroy(desk->loop);
    free(desk->status);
    (void)pthread_mutex_destroy(&desk->status_lock);
    free(desk);
}
