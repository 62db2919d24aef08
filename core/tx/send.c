/*
 * From the nonce to the provider. A signature is made on a thread of its own, because the key may
 * be in another process; what comes back is marked as sent and journalled, and leaves when the
 * group of this turn is on the disk. The same bytes may go out any number of times.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEND_MS = 10000, RAW_MAX = HAWSE_INTENT_DATA_MAX + 16384 };

/* ---- nonces ---- */

/* That Redis is away is said once, by on_nonces() in desk.c. */
void desk_nonce_fault(const struct desk *desk, const struct nonce_answer *answer)
{
    bool known = answer->status == HAWSE_E_AGAIN ||
                 (desk->nonces && nonce_mode(desk->nonces) == NONCE_STOPPED);
    if (!known)
        log_fault(desk->logger, HAWSE_LOG_WARN, "tx", &answer->fault);
}

static void on_reserved(void *ctx, const struct nonce_answer *answer)
{
    struct leg *leg = ctx;
    struct desk_intent *intent = leg->intent;
    intent->asks--;
    if (answer->status == HAWSE_OK) {
        leg->nonce = answer->nonce;
        leg->has_nonce = true;
        if (intent->ended)
            leg_release(leg); /* it came too late */
        else
            leg_on(leg, LIFE_ON_RESERVED);
        return;
    }
    bool no_hole =
        intent->filler && (answer->status == HAWSE_E_EXISTS || answer->status == HAWSE_E_RANGE);
    if (!no_hole)
        desk_nonce_fault(intent->desk, answer);
    if (no_hole) {
        intent_fail(intent, answer->status,
                    intent->take ? answer->fault.message
                                 : "the nonce was taken by now, or is none of a hole");
        leg_on(leg, LIFE_ON_REFUSED);
        return;
    }
    leg_on(leg, LIFE_ON_WAIT);
}

/* Given up by an operator: it has to be what all behind it wait for, so in no block and no pool. */
static void take(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk_account *account = intent->account;
    if (account->pending == intent->fill) {
        intent->asks++;
        nonce_take(intent->desk->nonces, &account->nonces, intent->fill, on_reserved, leg);
        return;
    }
    intent_fail(intent, HAWSE_E_STATE,
                account->pending > intent->fill
                    ? "the nonce is used, or a pool has a transaction with it"
                    : "a nonce below it is missing too, and comes first");
    leg_on(leg, LIFE_ON_REFUSED);
}

void leg_reserve(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk_account *account = intent->account;
    struct nonces *nonces = intent->desk->nonces;
    if (!desk_group(intent->desk) || !nonces)
        return;
    if (intent->take) {
        take(leg);
        return;
    }
    intent->asks++;
    if (intent->filler)
        nonce_claim(nonces, &account->nonces, intent->fill, on_reserved, leg);
    else if (goes_alone(intent))
        nonce_reserve_alone(nonces, &account->nonces, account->pending, 0, on_reserved, leg);
    else
        nonce_reserve(nonces, &account->nonces, account->pending, account->window, on_reserved,
                      leg);
}

static void on_released(void *ctx, const struct nonce_answer *answer)
{
    struct desk_intent *intent = ctx;
    intent->asks--;
    if (answer->status != HAWSE_OK && answer->status != HAWSE_E_STALE)
        desk_nonce_fault(intent->desk, answer);
}

void leg_release(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    if (!leg->has_nonce || !desk_group(intent->desk))
        return;
    leg->has_nonce = false;
    intent->asks++;
    nonce_release(intent->desk->nonces, &intent->account->nonces, &leg->nonce, on_released, intent);
}

/* ---- on the signing thread ---- */

/* One signature, and for a delegation one more before it. */
struct job {
    struct signing_job job; /* first */
    struct desk *desk;
    struct leg *leg;
    signer_handle key;
    struct chain chain;
    hawse_tx_t tx; /* its data leads into the plan, which stays */
    bool delegated;
    uint8_t delegate[20];
    struct attempt *attempt; /* malloc'd: what comes of it */
    int32_t code;
    struct fault fault;
};

static void to_tx_signature(const struct signature *from, hawse_tx_signature_t *to)
{
    *to = (hawse_tx_signature_t){.y_parity = from->parity};
    memcpy(to->r, from->bytes, 32);
    memcpy(to->s, from->bytes + 32, 32);
}

/* The account lets its code point to the executor: by its own transaction, so with the next nonce.
 */
static int32_t authorize(struct job *job, hawse_writer_t *list)
{
    hawse_tx_authorization_t a = {.chain_id = hawse_u256(job->tx.chain_id),
                                  .nonce = job->tx.nonce + 1};
    struct signature signature;
    uint8_t digest[32];
    memcpy(a.address, job->delegate, 20);
    hawse_tx_authorization_hash(&a, digest);
    int32_t code = signer_sign_digest(job->desk->options.signer, job->key, &job->chain, digest,
                                      &signature, &job->fault);
    if (code != HAWSE_OK)
        return code;
    to_tx_signature(&signature, &a.signature);
    hawse_tx_authorization_put(list, &a);
    return hawse_writer_end(list);
}

static int32_t sign_job(struct job *job)
{
    uint8_t list[256], digest[32];
    hawse_writer_t authorizations = hawse_writer(list, sizeof(list)), none = hawse_writer(NULL, 0);
    hawse_tx_signature_t r_s;
    struct signature signature;
    uint32_t fault = 0;
    int32_t code = job->delegated ? authorize(job, &authorizations) : HAWSE_OK;
    if (code != HAWSE_OK)
        return code;
    job->tx.authorizations = (hawse_view_t){list, authorizations.len};
    if (hawse_tx_check(&job->tx, &fault) != HAWSE_OK)
        return fault_set(&job->fault, HAWSE_E_INVAL, "no chain takes it: %s",
                         hawse_tx_fault_text(fault));
    uint8_t *raw = malloc(RAW_MAX);
    if (!raw)
        return fault_set(&job->fault, HAWSE_E_NOMEM, "no memory for a transaction");
    none = hawse_writer(raw, RAW_MAX);
    code = hawse_tx_encode(&job->tx, NULL, &none, digest, &fault);
    if (code == HAWSE_OK)
        code = signer_sign_digest(job->desk->options.signer, job->key, &job->chain, digest,
                                  &signature, &job->fault);
    if (code == HAWSE_OK) {
        to_tx_signature(&signature, &r_s);
        none = hawse_writer(raw, RAW_MAX);
        code = hawse_tx_encode(&job->tx, &r_s, &none, job->attempt->hash, &fault);
    }
    job->attempt->raw = raw;
    job->attempt->raw_len = none.len;
    return fault_set(&job->fault, code, "it could not be encoded");
}

static void job_free(struct job *job)
{
    if (job->attempt)
        free(job->attempt->raw);
    free(job->attempt);
    free(job);
}

static void run_job(struct signing_job *run)
{
    struct job *job = (struct job *)run;
    job->code = sign_job(job);
    job->attempt->signed_ns = loop_clock();
}

static void drop_job(struct signing_job *job)
{
    ((struct job *)job)->leg->intent->asks--;
    ((struct job *)job)->desk->signing_now--;
    job_free((struct job *)job);
}

static void on_signed(struct signing_job *job);

/* ---- signing ---- */

static void fill_tx(struct leg *leg, bool empty, hawse_tx_t *tx)
{
    const struct desk_intent *intent = leg->intent;
    uint64_t chain_id = intent->chain->config->chain_id;
    if (empty)
        plan_void_tx(intent->account->nonces.sender, chain_id, tx);
    else
        plan_tx(intent->plan, leg->index, chain_id, tx);
    const struct sim_gas *gas = empty ? NULL : leg_gas(leg, leg->index);
    if (tx->gas_limit == 0 && gas)
        tx->gas_limit = gas->limit;
    tx->nonce = leg->nonce.number;
    tx->max_fee = hawse_u256(leg->fees.max_fee);
    tx->max_priority_fee = hawse_u256(leg->fees.tip);
}

/* Of what is simulated: itself, or the empty one in its place. */
static uint64_t gas_simulated(const struct leg *leg, bool empty)
{
    const struct sim_result *sim = empty ? leg->sim : leg_lead(leg)->sim;
    if (!sim || sim->status != HAWSE_OK)
        return 0;
    return empty ? sim->gas[0].used : leg_gas(leg, leg->index)->used;
}

bool leg_give(struct leg *leg, bool empty)
{
    struct desk_intent *intent = leg->intent;
    struct job *job = calloc(1, sizeof(*job));
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    if (!job || !attempt) {
        free(job);
        free(attempt);
        return false;
    }
    job->desk = intent->desk;
    job->leg = leg;
    job->key = intent->account->handle;
    job->chain = intent->chain->name;
    job->attempt = attempt;
    job->job = (struct signing_job){.run = run_job, .done = on_signed, .drop = drop_job};
    fill_tx(leg, empty, &job->tx);
    job->delegated = intent->plan->delegated && !empty;
    memcpy(job->delegate, intent->plan->delegate, 20);
    attempt->nonce = leg->nonce.number;
    attempt->fees = leg->fees;
    attempt->gas_limit = job->tx.gas_limit;
    attempt->empty = empty;
    attempt->gas_simulated = gas_simulated(leg, empty);
    intent->asks++;
    intent->desk->signing_now++;
    signing_give(intent->desk->signing, &job->job);
    return true;
}

void leg_sign(struct leg *leg, bool empty)
{
    bool own = empty || leg->intent->filler; /* gates.c has looked */
    if ((own || leg_may_sign(leg, leg)) && !leg_give(leg, empty))
        leg_on(leg, LIFE_ON_UNSIGNED);
}

void leg_discard(struct leg *leg)
{
    if (leg->signing)
        free(leg->signing->raw);
    free(leg->signing);
    leg->signing = NULL;
}

/* Would what was signed be sent? Asked before anything of it is written. */
static bool wanted(const struct leg *leg)
{
    struct life copy = leg->life;
    if (leg->intent->ended)
        return false;
    return (life_step(&copy, &(struct life_event){.what = LIFE_ON_SIGNED}).effects &
            LIFE_DO_SEND) != 0;
}

static void on_marked(void *ctx, const struct nonce_answer *answer)
{
    struct leg *leg = ctx;
    struct desk_intent *intent = leg->intent;
    bool canceled = leg->canceled;
    intent->asks--;
    leg->committing = leg->canceled = false;
    if (answer->status == HAWSE_OK) {
        leg_on(leg, LIFE_ON_SIGNED);
    } else {
        desk_nonce_fault(intent->desk, answer);
        leg_discard(leg);
        if (leg->life.state == LIFE_SIGNING)
            leg->has_nonce = false; /* it is somebody else's now */
        leg_on(leg, LIFE_ON_WAIT);
    }
    if (canceled)
        leg_on(leg, LIFE_ON_CANCEL);
}

/* [desk] The signature is there, or not. */
static void on_signed(struct signing_job *ran)
{
    struct job *job = (struct job *)ran;
    struct leg *leg = job->leg;
    struct desk_intent *intent = leg->intent;
    bool together = bundle_is(intent) && !job->attempt->empty;
    intent->asks--;
    if (job->code != HAWSE_OK) {
        log_fault(job->desk->logger, HAWSE_LOG_ERROR, "tx", &job->fault);
        if (leg_lead(leg)->life.state == LIFE_SIGNING)
            intent_fail(intent, job->code, job->fault.message);
        if (together)
            bundle_signed(leg, NULL);
        else
            leg_on(leg, LIFE_ON_UNSIGNED);
    } else if (together) {
        bundle_signed(leg, job->attempt);
        job->attempt = NULL;
    } else if (!wanted(leg)) {
        leg_on(leg, LIFE_ON_SIGNED);
    } else if (desk_group(job->desk)) {
        leg_discard(leg);
        leg->signing = job->attempt;
        job->attempt = NULL;
        leg->committing = true;
        intent->asks++;
        nonce_sent(job->desk->nonces, &intent->account->nonces, &leg->nonce, leg->signing->hash,
                   on_marked, leg);
    }
    job_free(job);
}

/* ---- sending ---- */

uint64_t leg_reaction_ns(const struct leg *leg, const struct attempt *a)
{
    uint64_t basis = leg->intent->body->public.basis_ns;
    bool told = basis != 0 && leg->index == 0 && !a->empty && a->signed_ns > basis;
    return told ? a->signed_ns - basis : 0;
}

void leg_send(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk *desk = intent->desk;
    struct fault fault = {0};
    if (!leg->signing || leg->attempt_count == DESK_ATTEMPTS || !desk_group(desk))
        return;
    struct attempt *a = &leg->attempts[leg->attempt_count];
    *a = *leg->signing;
    free(leg->signing);
    leg->signing = NULL;
    struct journal_attempt row = {.intent = intent->number,
                                  .leg = leg->index,
                                  .attempt = ++leg->attempt_count,
                                  .state = JOURNAL_SIGNED,
                                  .chain_id = intent->chain->config->chain_id,
                                  .nonce = a->nonce,
                                  .max_fee = hawse_u256(a->fees.max_fee),
                                  .tip = hawse_u256(a->fees.tip),
                                  .utc_ns = desk_utc(),
                                  .raw = {a->raw, a->raw_len}};
    memcpy(row.sender, intent->account->nonces.sender, 20);
    memcpy(row.hash, a->hash, 32);
    const struct sim_result *sim = a->empty ? leg->sim : leg_lead(leg)->sim;
    if (sim)
        hawse_hex_encode(sim->token, 32, row.simulation);
    if (journal_attempt_add(desk->journal, &row, &fault) != HAWSE_OK) {
        desk_broke(desk, &fault);
        return;
    }
    leg->underpriced = false;
    leg->sent_ns = loop_now(desk->loop);
    leg->sent_head = intent->chain->head.number;
    if (leg->attempt_count == 1 && desk->to_sent)
        histogram_add(desk->to_sent, desk_utc() - intent->utc_ns, 1);
    if (leg->attempt_count == 1 && desk->reaction && leg_reaction_ns(leg, a) > 0)
        histogram_add(desk->reaction, leg_reaction_ns(leg, a), 1);
    desk_effect(desk, &(struct desk_effect){
                          .kind = DESK_BROADCAST, .leg = leg, .attempt = leg->attempt_count - 1});
}

void leg_resend(struct leg *leg)
{
    if (leg->attempt_count == 0)
        return;
    leg->intent->desk->counts.resent++;
    leg->resent_head = leg->intent->chain->head.number;
    desk_effect(leg->intent->desk, &(struct desk_effect){.kind = DESK_BROADCAST,
                                                         .leg = leg,
                                                         .attempt = leg->attempt_count - 1});
}

void leg_replace(struct leg *leg, bool empty)
{
    struct desk_intent *intent = leg->intent;
    const struct attempt *last = &leg->attempts[leg->attempt_count - 1];
    struct fees market = chain_offer(intent->chain), next;
    if (empty)
        private_take_back(leg);
    if (leg->attempt_count == DESK_ATTEMPTS ||
        !fees_bump(&last->fees, &market, chain_cap(intent->chain), &next)) {
        leg_on(leg, LIFE_ON_WAIT); /* the cap leaves no room: what is out may still be taken */
        return;
    }
    if (empty)
        intent->desk->counts.voids++;
    else
        intent->desk->counts.bumps++;
    leg->fees = next;
    leg_simulate(leg, empty);
}

/* ---- what providers say ---- */

static void refused(struct leg *leg, const struct pool_result *r)
{
    char reason[300];
    (void)snprintf(reason, sizeof(reason), "%s refused it (%s): %.*s", r->provider,
                   rpc_policy(r->class)->name, (int)(r->body_len < 200 ? r->body_len : 200),
                   (const char *)r->body);
    log_line(leg->intent->desk->logger, HAWSE_LOG_WARN, leg->intent->instance, "intent %s: %s",
             leg->intent->body->id, reason);
    intent_fail(leg->intent, HAWSE_E_REMOTE, reason);
    leg_on(leg, LIFE_ON_REJECTED);
}

static void not_taken(struct leg *leg, const struct pool_result *r)
{
    switch (r->class) {
    case RPC_ALREADY_KNOWN:
        leg_on(leg, LIFE_ON_ACCEPTED);
        return;
    case RPC_UNDERPRICED:
    case RPC_REPLACEMENT_UNDERPRICED:
        leg->underpriced = true; /* by the market of the next head: this one's was too low */
        chain_soon(leg->intent->chain);
        return;
    case RPC_INSUFFICIENT_FUNDS:
    case RPC_GAS_LIMIT:
    case RPC_REVERT:
    case RPC_INVALID_REQUEST:
    case RPC_FEE_CAP:
        refused(leg, r);
        return;
    case RPC_NONCE_TOO_LOW: /* mined, or another's: the next view tells */
    case RPC_NONCE_TOO_HIGH:
    case RPC_DELEGATED_INFLIGHT:
    case RPC_POOL_FULL:
        return; /* sent again at a later head */
    default:
        leg_on(leg, LIFE_ON_UNSURE);
    }
}

void leg_sent(struct leg *leg, uint32_t i)
{
    struct desk *desk = leg->intent->desk;
    struct fault fault = {0};
    if (leg->life.state != LIFE_SENT)
        return; /* the chain was faster, and knows better */
    if (desk_group(desk) && journal_attempt_state(desk->journal, leg->intent->number, leg->index,
                                                  i + 1, JOURNAL_SENT, &fault) != HAWSE_OK)
        desk_broke(desk, &fault);
    leg_on(leg, LIFE_ON_ACCEPTED);
}

static void on_sent(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    uint32_t i = ask->number;
    if (leg->intent->ended || i + 1 != leg->attempt_count)
        return; /* a newer one is out: only that counts */
    pool_touched(ask->chain->pool, leg->intent->account->nonces.sender);
    if (r->status != HAWSE_OK && r->class != RPC_ALREADY_KNOWN)
        not_taken(leg, r);
    else
        leg_sent(leg, i);
}

void leg_broadcast(struct leg *leg, uint32_t i)
{
    const struct attempt *a = &leg->attempts[i];
    struct desk_ask ask = {.done = on_sent, .intent = leg->intent, .leg = leg, .number = i};
    if (leg->intent->ended)
        return;
    if (private_is(leg, i)) {
        private_send(leg, i);
        return;
    }
    leg->published = leg->published || !a->empty; /* no relay makes it private again */
    char *params = malloc(2 * a->raw_len + 8);
    if (!params)
        return; /* the next look finds that no pool has it */
    memcpy(params, "[\"0x", 4);
    hawse_hex_encode(a->raw, a->raw_len, params + 4);
    memcpy(params + 4 + 2 * a->raw_len, "\"]", 3);
    (void)desk_ask(leg->intent->chain, &ask, "eth_sendRawTransaction", params,
                   POOL_FRESH | POOL_BROADCAST, POOL_SEND, SEND_MS);
    free(params);
}
