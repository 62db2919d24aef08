/*
 * What other threads want of the desk: an intent is proposed, canceled, looked up, a breaker
 * opened. Owns what waits for the desk's thread, and bounds it; nothing is decided before it is
 * there.
 */
#include "tx/desk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum post_kind { POST_PROPOSE, POST_CANCEL, POST_LOOK_UP, POST_BREAK };

/* Something that another thread wants of the desk. */
struct post {
    struct loop_work work;
    struct desk *desk;
    enum post_kind kind;
    enum config_maturity maturity;
    struct desk_owner owner;
    char instance[JOURNAL_NAME];
    char id[JOURNAL_ID];
    struct intent *intent;
    char why[192];
};

/* Behind the mode in the journal; what it was proposed by has to be known after a restart too. */
static const char *const maturity_marks[] = {
    [MATURITY_EXPERIMENTAL] = ":exp", [MATURITY_BETA] = ":beta", [MATURITY_STABLE] = ""};

enum config_maturity desk_maturity(const char *mode)
{
    const char *mark = strchr(mode, ':');
    return !mark                                              ? MATURITY_STABLE
           : strcmp(mark, maturity_marks[MATURITY_BETA]) == 0 ? MATURITY_BETA
                                                              : MATURITY_EXPERIMENTAL;
}

static const char *mode_of(struct desk *desk, const char *instance)
{
    const struct config_instance *in = config_find(desk->config, instance);
    return in ? config_mode_name(in->mode) : "live";
}

/* The journal has it, or has had one of this id. */
static int32_t add_to_journal(struct desk_intent *intent, struct fault *fault)
{
    struct desk *desk = intent->desk;
    struct journal_intent row = {.utc_ns = intent->utc_ns};
    char *text = intent_to_json(intent->body);
    if (!text)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an intent");
    row.body = hawse_text(text);
    (void)snprintf(row.instance, sizeof(row.instance), "%s", intent->instance);
    (void)snprintf(row.id, sizeof(row.id), "%s", intent->body->id);
    (void)snprintf(row.chain, sizeof(row.chain), "%s", intent->body->chain);
    (void)snprintf(row.account, sizeof(row.account), "%s", intent->body->account);
    (void)snprintf(row.mode, sizeof(row.mode), "%s%s", mode_of(desk, intent->instance),
                   maturity_marks[intent->maturity]);
    int32_t code = journal_intent_add(desk->journal, &row, fault);
    free(text);
    intent->number = row.number;
    if (code != HAWSE_OK && code != HAWSE_E_EXISTS && code != HAWSE_E_INVAL)
        desk_broke(desk, fault);
    return code;
}

bool desk_journal_add(struct desk_intent *intent)
{
    struct fault fault = {0};
    if (desk_group(intent->desk) && add_to_journal(intent, &fault) == HAWSE_OK) {
        intent->durable = true; /* nobody waits for it */
        return true;
    }
    log_fault(intent->desk->logger, HAWSE_LOG_ERROR, "tx", &fault);
    return false;
}

static void on_propose(struct desk *desk, struct post *post)
{
    struct desk_intent *intent = NULL;
    struct fault fault = {0};
    int32_t code = HAWSE_E_NOSPACE;
    if (!desk_group(desk))
        (void)fault_set(&fault, code, "the journal cannot be written");
    else
        code = desk_intent_new(desk, post->intent, post->instance, &intent, &fault);
    if (!intent) {
        if (code == HAWSE_E_NOSPACE)
            free(post->intent);
        desk_answer(desk, &post->owner, HAWSE_INTENT_STEP, HAWSE_INTENT_FAILED, code, fault.message,
                    true);
        return;
    }
    desk_own(intent, &post->owner);
    intent->maturity = post->maturity;
    code = add_to_journal(intent, &fault);
    if (code != HAWSE_OK) {
        bool used = code == HAWSE_E_EXISTS;
        desk_answer(desk, &post->owner, HAWSE_INTENT_STEP,
                    used ? HAWSE_INTENT_REFUSED : HAWSE_INTENT_FAILED, code,
                    used ? "this id was used before" : fault.message, true);
        desk_forget(intent);
        return;
    }
    desk->counts.proposed++;
    desk_answer(desk, &intent->owner, HAWSE_INTENT_STEP, HAWSE_INTENT_PROPOSED, HAWSE_OK, NULL,
                false);
    intent_plan(intent);
}

static void on_look_up(struct desk *desk, struct post *post)
{
    struct desk_intent *open = desk_recall(desk, &post->owner, post->instance, post->id);
    if (open)
        desk_own(open, &post->owner);
}

static void on_post(void *ctx)
{
    struct post *post = ctx;
    struct desk *desk = post->desk;
    struct desk_intent *intent;
    (void)__atomic_sub_fetch(&desk->waiting, 1, __ATOMIC_RELAXED);
    if (__atomic_load_n(&desk->quit, __ATOMIC_RELAXED)) {
        free(post->intent); /* nothing was promised to the disk */
        free(post);
        return;
    }
    switch (post->kind) {
    case POST_PROPOSE:
        on_propose(desk, post);
        break;
    case POST_CANCEL:
        intent = desk_by_handle(desk, post->owner.handle);
        if (intent)
            intent_cancel(intent);
        break;
    case POST_LOOK_UP:
        on_look_up(desk, post);
        break;
    case POST_BREAK:
        risk_break(desk->risk, post->instance, post->why, desk_utc());
        break;
    }
    free(post);
}

static int32_t post_to(struct desk *desk, const struct post *what, struct fault *fault)
{
    if (__atomic_add_fetch(&desk->waiting, 1, __ATOMIC_RELAXED) > desk->tx.queue) {
        (void)__atomic_sub_fetch(&desk->waiting, 1, __ATOMIC_RELAXED);
        free(what->intent);
        return fault_set(fault, HAWSE_E_AGAIN, "%u intents wait to be looked at", desk->tx.queue);
    }
    struct post *post = malloc(sizeof(*post));
    if (!post) {
        (void)__atomic_sub_fetch(&desk->waiting, 1, __ATOMIC_RELAXED);
        free(what->intent);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an intent");
    }
    *post = *what;
    post->desk = desk;
    post->work = (struct loop_work){.fn = on_post, .ctx = post};
    loop_post(desk->loop, &post->work);
    return HAWSE_OK;
}

/* [any] */
static int32_t may_take(struct desk *desk, const struct intent *intent, struct fault *fault)
{
    struct desk_chain *chain = desk_chain_of(desk, intent->chain);
    int32_t code = HAWSE_OK;
    if (!chain)
        code = fault_set(fault, HAWSE_E_NOTFOUND, "chain: there is no \"%s\" in chains",
                         intent->chain);
    else if ((chain->config->family == FAMILY_SOLANA) != (intent->public.solana != NULL))
        code = fault_set(fault, HAWSE_E_INVAL, "kind: \"%s\" takes %s", intent->chain,
                         intent->public.solana ? "calls, no instructions of Solana"
                                               : "instructions of Solana, no calls");
    else if (intent->public.how == HAWSE_INTENT_SAFE &&
             !config_safe_find(chain->config, intent->account))
        code = fault_set(fault, HAWSE_E_NOTFOUND, "account: there is no \"%s\" in chains.%s.safes",
                         intent->account, intent->chain);
    else if (intent->public.how != HAWSE_INTENT_SAFE &&
             signer_find(desk->options.signer, intent->account) == 0)
        code = fault_set(fault, HAWSE_E_NOTFOUND, "account: there is no \"%s\" in keys.use",
                         intent->account);
    else if (__atomic_load_n(&desk->halted, __ATOMIC_ACQUIRE))
        code = fault_set(fault, HAWSE_E_STATE, "the journal cannot be written");
    else if (!__atomic_load_n(&chain->ready, __ATOMIC_ACQUIRE))
        code = fault_set(fault, HAWSE_E_STATE,
                         "what an earlier run sent on \"%s\" is not reconciled yet", intent->chain);
    return code;
}

int32_t desk_propose(struct desk *desk, const struct desk_owner *owner, const char *instance,
                     enum config_maturity maturity, struct intent *intent, struct fault *fault)
{
    struct post post = {
        .kind = POST_PROPOSE, .owner = *owner, .maturity = maturity, .intent = intent};
    int32_t code = may_take(desk, intent, fault);
    if (code != HAWSE_OK) {
        free(intent);
        return code;
    }
    (void)snprintf(post.instance, sizeof(post.instance), "%s", instance);
    return post_to(desk, &post, fault);
}

int32_t desk_cancel(struct desk *desk, uint64_t handle)
{
    return post_to(desk, &(struct post){.kind = POST_CANCEL, .owner = {.handle = handle}}, NULL);
}

int32_t desk_look_up(struct desk *desk, const struct desk_owner *owner, const char *instance,
                     const char *id)
{
    struct post post = {.kind = POST_LOOK_UP, .owner = *owner};
    (void)snprintf(post.instance, sizeof(post.instance), "%s", instance);
    (void)snprintf(post.id, sizeof(post.id), "%s", id);
    return post_to(desk, &post, NULL);
}

int32_t desk_break(struct desk *desk, const char *instance, const char *who, const char *why,
                   struct fault *fault)
{
    struct post post = {.kind = POST_BREAK};
    (void)snprintf(post.instance, sizeof(post.instance), "%s", instance);
    (void)snprintf(post.why, sizeof(post.why), "%s: %s", who, why);
    return post_to(desk, &post, fault);
}
