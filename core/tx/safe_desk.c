/*
 * An intent of a Safe on the desk: between its gates and its transaction stand the owners. What the
 * Safe would do is simulated as if they had agreed; when every gate has passed that, our owners'
 * keys sign; that they did is in the journal before their signatures are shown to anybody, a
 * simulation included, because with them anybody can execute it. Then the very call is simulated
 * again, and goes the way of every transaction, from the executor's account.
 *
 * Owns struct desk_safe of an intent. The one thing that must never happen here: the calls of one
 * intent signed for two nonces of the Safe of which both can still be executed. One intent of a
 * Safe is under way at a time; the next waits for its nonce.
 */
#include "tx/safe_desk.h"

#include <hawse/hex.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- there and gone ---- */

static const struct signer_key *owner_key(const struct desk_safe *s, size_t i,
                                          signer_handle *handle)
{
    struct signer *signer = s->intent->desk->options.signer;
    *handle = signer_find(signer, s->config->owners[i]);
    const struct signer_key *key = *handle ? signer_key(signer, *handle) : NULL;
    return key && key->public.kind == KEY_SECP256K1 ? key : NULL;
}

int32_t safe_open(struct desk_intent *intent, const struct config_safe *config, struct fault *fault)
{
    struct desk_safe *s = calloc(1, sizeof(*s));
    signer_handle handle;
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a Safe");
    intent->safe = s;
    s->intent = intent;
    s->config = config;
    s->place.chain_id = intent->chain->config->chain_id;
    memcpy(s->place.address, config->address, 20);
    memcpy(s->place.batch, config->batch, 20);
    for (size_t i = 0; i < config->owner_count; i++) {
        if (!owner_key(s, i, &handle))
            return fault_set(fault, HAWSE_E_NOTFOUND,
                             "Safe \"%s\": owner \"%s\" is no secp256k1 key of keys.use",
                             config->name, config->owners[i]);
    }
    return HAWSE_OK;
}

void safe_stop(struct desk_intent *intent)
{
    if (!intent->safe)
        return;
    safe_run_cancel(intent->safe->run);
    intent->safe->run = NULL;
}

void safe_close(struct desk_intent *intent)
{
    safe_stop(intent);
    if (intent->safe) {
        free(intent->safe->data);
        free(intent->safe->proposal);
        free(intent->safe->papers);
    }
    free(intent->safe);
    intent->safe = NULL;
}

/* What its transaction carries. */
static bool set_data(struct desk_safe *s, hawse_view_t data)
{
    uint8_t *copy = malloc(data.len + 1);
    if (!copy)
        return false;
    memcpy(copy, data.data, data.len);
    free(s->data);
    s->data = copy;
    s->intent->plan->legs[0].data = (hawse_view_t){copy, data.len};
    return true;
}

bool safe_complete(const struct desk_intent *intent)
{
    return intent->safe->complete;
}

bool safe_signed(const struct desk_intent *intent)
{
    return intent->safe->out;
}

const char *safe_failure(const struct leg *leg)
{
    return leg->sim->success ? "" : safe_error_meaning(leg->sim->reason, strlen(leg->sim->reason));
}

const uint8_t *safe_batch(const struct desk_intent *intent)
{
    return intent->safe->place.batch;
}

const uint8_t *intent_subject(const struct desk_intent *intent)
{
    return intent->safe ? intent->safe->place.address : intent->account->nonces.sender;
}

/* ---- keys ---- */

struct owner_job {
    struct signing_job job; /* first */
    struct signer *signer;
    signer_handle key;
    struct chain chain;
    uint8_t digest[32];
    struct signature signature;
    int32_t code;
    struct fault fault;
    struct logger *logger;
    safe_signed_fn done;
    void *ctx;
};

static void run_job(struct signing_job *job)
{
    struct owner_job *j = (struct owner_job *)job;
    j->code = signer_sign_digest(j->signer, j->key, &j->chain, j->digest, &j->signature, &j->fault);
}

static void job_done(struct signing_job *job)
{
    struct owner_job *j = (struct owner_job *)job;
    if (j->code != HAWSE_OK)
        log_fault(j->logger, HAWSE_LOG_ERROR, "tx", &j->fault);
    j->done(j->ctx, j->code, &j->signature);
    free(j);
}

static void job_drop(struct signing_job *job)
{
    struct owner_job *j = (struct owner_job *)job;
    j->done(j->ctx, HAWSE_E_CANCELED, NULL);
    free(j);
}

static int32_t on_sign(void *ctx, const uint8_t owner[20], const uint8_t digest[32],
                       safe_signed_fn done, void *done_ctx)
{
    const struct desk_safe *s = ctx;
    struct desk *desk = s->intent->desk;
    struct owner_job *job = calloc(1, sizeof(*job));
    signer_handle handle = 0;
    const struct signer_key *key = NULL;
    for (size_t i = 0; i < s->config->owner_count && !key; i++) {
        key = owner_key(s, i, &handle);
        if (key && memcmp(key->public.address, owner, 20) != 0)
            key = NULL;
    }
    if (!job || !key || !desk->signing) {
        free(job);
        return job ? HAWSE_E_NOTFOUND : HAWSE_E_NOMEM;
    }
    job->job = (struct signing_job){.run = run_job, .done = job_done, .drop = job_drop};
    job->signer = desk->options.signer;
    job->key = handle;
    job->chain = s->intent->chain->name;
    memcpy(job->digest, digest, 32);
    job->logger = desk->logger;
    job->done = done;
    job->ctx = done_ctx;
    signing_give(desk->signing, &job->job);
    return HAWSE_OK;
}

static int32_t on_call(void *ctx, const char *method, const char *params, size_t len,
                       sim_answer_fn done, void *done_ctx)
{
    const struct desk_safe *s = ctx;
    return desk_sim_call(s->intent->chain, method, params, len, done, done_ctx);
}

/* ---- what the Safe would do ---- */

/* Another intent of the same Safe has its nonce. */
static bool is_taken(const struct desk_intent *self)
{
    for (const struct desk_intent *in = self->chain->intents; in; in = in->next) {
        if (in != self && in->safe && in->legs && in->legs[0].counted &&
            memcmp(in->safe->place.address, self->safe->place.address, 20) == 0)
            return true;
    }
    return false;
}

static void refuse(struct desk_intent *intent, int32_t code, const char *reason)
{
    intent_fail(intent, code, reason);
    leg_on(&intent->legs[0], LIFE_ON_REFUSED);
}

static bool is_verdict(int32_t code)
{
    return code == HAWSE_E_DENIED || code == HAWSE_E_FORMAT || code == HAWSE_E_INVAL ||
           code == HAWSE_E_LIMIT;
}

/* It is another transaction than the one that was signed for, or the first. */
static bool take(struct desk_safe *s, const struct safe_result *r)
{
    bool same = s->out && memcmp(s->hash, r->hash, 32) == 0;
    s->slot_count = r->slot_count;
    memcpy(s->slots, r->slots, r->slot_count * sizeof(s->slots[0]));
    memcpy(s->singleton, r->singleton, 20);
    if (same && s->complete)
        return true;
    s->complete = false;
    s->nonce = r->nonce;
    memcpy(s->hash, r->hash, 32);
    return set_data(s, r->data);
}

static void on_ready(void *ctx, const struct safe_result *r)
{
    struct desk_safe *s = ctx;
    struct desk_intent *intent = s->intent;
    if (r->status != HAWSE_OK) {
        s->run = NULL; /* it has ended */
        log_line(intent->desk->logger, HAWSE_LOG_WARN, intent->instance,
                 "intent %s: Safe \"%s\": %s", intent->body->id, s->config->name, r->reason);
        if (is_verdict(r->status))
            refuse(intent, r->status, r->reason);
        else
            leg_on(&intent->legs[0], LIFE_ON_WAIT);
        return;
    }
    if (s->out &&
        r->nonce > s->nonce) { /* somebody used the nonce: for our call, or for another? */
        leg_on(&intent->legs[0], LIFE_ON_WAIT);
        safe_prove(intent);
        return;
    }
    if (take(s, r))
        leg_simulate(&intent->legs[0], false);
    else
        leg_on(&intent->legs[0], LIFE_ON_WAIT);
}

void safe_simulate(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk_safe *s = intent->safe;
    uint8_t owners[SAFE_OWNERS][20];
    signer_handle handle;
    struct fault fault = {0};
    safe_stop(intent);
    if (is_taken(intent) || s->proof == SAFE_ASKED) {
        leg_on(leg, LIFE_ON_WAIT);
        return;
    }
    for (size_t i = 0; i < s->config->owner_count; i++)
        memcpy(owners[i], owner_key(s, i, &handle)->public.address, 20);
    struct safe_request q = {.place = s->place,
                             .calls = intent->body->public.calls,
                             .count = intent->body->public.call_count,
                             .owners = (const uint8_t(*)[20])owners,
                             .owner_count = (uint32_t)s->config->owner_count,
                             .origin = intent->body->note,
                             .known = s->out ? &s->approvals : NULL,
                             .known_hash = s->hash};
    memcpy(q.sender, intent->account->nonces.sender, 20);
    const struct safe_port port = {s, on_call, on_sign};
    int32_t code = safe_run(&port, &q, on_ready, s, &s->run, &fault);
    if (code != HAWSE_OK)
        refuse(intent, code, fault.message);
}

void safe_question(const struct leg *leg, struct sim_request *q)
{
    const struct desk_safe *s = leg->intent->safe;
    const uint8_t *known[] = {s->singleton, s->place.batch};
    memcpy(q->subject, s->place.address, 20);
    for (size_t i = 0; i < 2 && q->policy.code_count < SIM_ASSETS; i++)
        memcpy(q->policy.code[q->policy.code_count++], known[i], 20);
    if (s->complete)
        return;
    q->slot_count = s->slot_count;
    memcpy(q->slots, s->slots, sizeof(q->slots));
}

/* ---- the owners ---- */

/* In the journal, before a signature is shown: what was signed, and from which block on it can have
 * been executed. */
static void note_signed(struct desk_safe *s)
{
    struct desk_intent *intent = s->intent;
    char safe[41] = "", figures[200];
    if (s->out)
        return;
    s->out = true;
    s->proof = SAFE_UNPROVED;
    s->since = intent->chain->head.number;
    hawse_hex_encode(s->place.address, 20, safe);
    (void)snprintf(figures, sizeof(figures),
                   "{\"safe\":\"0x%.40s\",\"safe_nonce\":\"%llu\",\"since\":\"%llu\"}", safe,
                   (unsigned long long)s->nonce, (unsigned long long)s->since);
    desk_step(intent, HAWSE_INTENT_SIGNED,
              &(struct desk_words){
                  .hash = s->hash, .figures = figures, .reason = "owners of the Safe have signed"});
}

static void on_signatures(void *ctx, const struct safe_result *r)
{
    struct desk_safe *s = ctx;
    struct desk_intent *intent = s->intent;
    struct leg *leg = &intent->legs[0];
    s->run = NULL;
    if (r->status != HAWSE_OK && r->status != HAWSE_E_AGAIN) {
        refuse(intent, r->status, r->reason);
        return;
    }
    s->approvals = *r->approvals;
    s->complete = r->status == HAWSE_OK;
    if (s->complete && !set_data(s, r->data)) {
        s->complete = false;
        leg_on(leg, LIFE_ON_WAIT);
        return;
    }
    if (r->approvals->count > 0)
        note_signed(s);
    free(s->proposal);
    s->proposal = !s->complete && r->proposal ? strdup(r->proposal) : NULL;
    if (!s->complete)
        safe_wait(intent, r);
    desk_effect(intent->desk, &(struct desk_effect){.kind = DESK_SAFE, .leg = leg});
}

void safe_sign(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk_safe *s = intent->safe;
    struct fault fault = {0};
    hawse_view_t papers = {(const uint8_t *)s->papers, s->papers ? strlen(s->papers) : 0};
    if (!s->run) { /* the simulation was of something that is gone */
        leg_on(leg, LIFE_ON_WAIT);
        return;
    }
    if (safe_run_sign(s->run, papers, on_signatures, s, &fault) == HAWSE_OK)
        return;
    log_fault(intent->desk->logger, HAWSE_LOG_WARN, "tx", &fault);
    free(s->papers);
    s->papers = NULL;
    leg_on(leg, LIFE_ON_WAIT);
}

/* [desk] The turn after the one in which the signatures were journalled. */
static void on_go(void *ctx)
{
    struct desk_safe *s = ctx;
    struct desk_intent *intent = s->intent;
    intent->asks--;
    if (!intent->ended && s->complete && intent->legs[0].life.state == LIFE_SIMULATING)
        leg_simulate(&intent->legs[0], false);
}

void safe_go(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk_safe *s = intent->safe;
    if (intent->ended)
        return;
    if (s->proposal)
        safe_publish(intent);
    if (!s->complete)
        return;
    intent->asks++;
    s->work = (struct loop_work){.fn = on_go, .ctx = s};
    loop_post(intent->desk->loop, &s->work);
}

/* ---- after a restart ---- */

int32_t safe_restore_call(struct desk_intent *intent, hawse_view_t data)
{
    struct desk_safe *s = intent->safe;
    s->complete = s->out = true;
    return s->data || set_data(s, data) ? HAWSE_OK : HAWSE_E_NOMEM;
}

void safe_restore_step(struct desk_intent *intent, const struct journal_step *step)
{
    struct desk_safe *s = intent->safe;
    uint64_t nonce = 0, since = 0;
    if (step->step != HAWSE_INTENT_SIGNED || step->data.len == 0)
        return;
    json_t *root = json_loadb((const char *)step->data.data, step->data.len, 0, NULL);
    const json_t *figures = json_object_get(root, "figures");
    if (desk_figure(figures, "safe_nonce", &nonce) && desk_figure(figures, "since", &since)) {
        s->out = true;
        s->nonce = nonce;
        s->since = since;
        memcpy(s->hash, step->reference, 32);
    }
    json_decref(root);
}
