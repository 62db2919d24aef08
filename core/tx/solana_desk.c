/*
 * Solana transactions on the desk; see solana_desk.h. The engine decides what is next, the gates of
 * core/risk whether, the signing thread asks the key, and the journal has each signed transaction
 * before its bytes leave: they leave by solana_go, when the group of a turn is on the disk.
 */
#include "tx/solana_desk.h"

#include "tx/signing.h"
#include "tx/solana_moves.h"

#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RENT = 890880, LAMPORTS_PER_SIGNATURE = 5000 };

static struct desk_intent *by_number(const struct desk_chain *chain, uint64_t number)
{
    struct desk_intent *in = chain->intents;
    while (in && in->number != number)
        in = in->next;
    return in;
}

bool desk_is_solana(const struct desk_chain *chain)
{
    return chain->config->family == FAMILY_SOLANA;
}

const uint8_t *solana_signature(const struct desk_intent *intent)
{
    return intent->solana && intent->attempts > 0 ? intent->solana->signature : NULL;
}

uint64_t solana_slot(const struct desk_chain *chain)
{
    return chain->solana ? solana_engine_slot(chain->solana) : 0;
}

static const uint8_t *payer_of(const struct desk_intent *intent)
{
    return intent->account->key->public.bytes;
}

/* ---- questions ---- */

static void on_answer(struct desk_ask *ask, const struct pool_result *result)
{
    ask->pool_done(ask->pool_ctx, result);
}

static int32_t port_call(void *ctx, const struct pool_options *o, pool_done_fn done, void *done_ctx)
{
    struct desk_ask ask = {.done = on_answer, .pool_done = done, .pool_ctx = done_ctx};
    return desk_ask(ctx, &ask, o->method, (const char *)o->params, o->flags, o->class,
                    o->deadline_ms)
               ? HAWSE_OK
               : HAWSE_E_LIMIT;
}

static uint64_t port_now(void *ctx)
{
    (void)ctx;
    return loop_clock();
}

/* ---- gates ---- */

/* What other intents of the account may still take of its lamports. */
static hawse_u256_t in_flight(const struct desk_intent *self, const uint8_t asset[20], bool fees)
{
    hawse_u256_t sum = hawse_u256(0);
    for (const struct desk_intent *in = self->chain->intents; in; in = in->next) {
        if (in == self || in->account != self->account || !in->held)
            continue;
        const hawse_u256_t fee = hawse_u256(fees ? in->solana->fee : 0);
        (void)hawse_u256_add(&sum, &fee, &sum);
        for (uint32_t i = 0; i < in->body->public.flow_count; i++) {
            if (memcmp(in->body->flows[i].asset, asset, 20) == 0)
                (void)hawse_u256_add(&sum, &in->body->flows[i].max_out, &sum);
        }
    }
    return sum;
}

/* Everything that a case leads to. */
struct question {
    struct risk_case c;
    struct risk_solana solana;
    hawse_tx_t tx;
};

static void ask_gates(struct desk_intent *intent, struct question *q)
{
    struct desk_chain *chain = intent->chain;
    const struct config_solana *config = &chain->config->solana;
    memset(q, 0, sizeof(*q));
    q->solana.payer = payer_of(intent);
    q->solana.reserve = RENT + LAMPORTS_PER_SIGNATURE;
    q->c = (struct risk_case){.intent = &intent->body->public,
                              .solana = &q->solana,
                              .number = intent->number,
                              .instance = intent->instance,
                              .from = intent->account->nonces.sender,
                              .maturity = intent->maturity,
                              .utc_ns = desk_utc(),
                              .head = solana_engine_slot(chain->solana),
                              .fee_cap = hawse_u256(config->max_fee),
                              .simulation_required = true};
}

/* The same with what its simulation said. */
static void ask_simulated(struct desk_intent *intent, struct question *q, const uint8_t *signing)
{
    static const uint8_t coin[20];
    struct solana_part *part = intent->solana;
    ask_gates(intent, q);
    q->solana.simulated = part->binding;
    q->solana.signing = signing;
    q->solana.tokens = part->tokens;
    q->solana.token_count = part->token_count;
    q->tx.gas_limit = 1;
    q->tx.max_fee = hawse_u256(part->fee);
    for (uint32_t i = 0; i < part->sim.flow_count; i++) {
        if (memcmp(part->sim.flows[i].asset, coin, 20) == 0)
            q->tx.value = part->sim.flows[i].out;
    }
    for (uint32_t i = 0; i < part->balance_count; i++)
        part->balances[i].in_flight = in_flight(intent, part->balances[i].asset, false);
    q->c.sim = &part->sim;
    q->c.txs = &q->tx;
    q->c.tx_count = 1;
    q->c.native_balance = hawse_u256(part->lamports);
    q->c.in_flight_cost = in_flight(intent, coin, true);
    q->c.balances = part->balances;
    q->c.balance_count = part->balance_count;
}

/* In words, for the journal and the engine. */
static enum solana_verdict verdict(struct desk_intent *intent, const struct risk_verdict *v,
                                   char *reason)
{
    if (v->warning[0])
        log_line(intent->desk->logger, HAWSE_LOG_WARN, intent->instance, "intent %s: %s",
                 intent->body->id, v->warning);
    if (v->answer == RISK_PASS)
        return SOLANA_PASS;
    (void)snprintf(reason, SOLANA_REASON, "%.*s", SOLANA_REASON - 1, v->reason);
    if (v->answer == RISK_WAIT) {
        if (!intent->told_waiting)
            desk_step(
                intent, HAWSE_INTENT_WAITING,
                &(struct desk_words){.reason = v->reason, .gate = v->gate, .figures = v->figures});
        intent->told_waiting = true;
        return SOLANA_HOLD;
    }
    intent_fail(intent, HAWSE_E_DENIED, v->reason);
    if (!intent->gate[0]) {
        (void)snprintf(intent->gate, sizeof(intent->gate), "%s", v->gate);
        (void)snprintf(intent->figures, sizeof(intent->figures), "%s", v->figures);
    }
    return SOLANA_REFUSE;
}

static enum solana_verdict gate_before(struct desk_intent *intent, char *reason)
{
    struct question q;
    struct risk_verdict v;
    if (intent->held)
        return SOLANA_PASS; /* an earlier attempt is dead; AFTER asks everything again */
    ask_gates(intent, &q);
    risk_check(intent->desk->risk, RISK_BEFORE, &q.c, &v);
    enum solana_verdict answer = verdict(intent, &v, reason);
    if (answer == SOLANA_PASS && intent->last_step < HAWSE_INTENT_GATED)
        desk_step(intent, HAWSE_INTENT_GATED, &(struct desk_words){0});
    return answer;
}

static enum solana_verdict port_gate(void *ctx, const struct solana_case *about, char *reason)
{
    struct desk_intent *intent = by_number(ctx, about->number);
    struct question q;
    struct risk_verdict v;
    if (!intent || intent->desk->failed)
        return SOLANA_HOLD;
    if (about->gate == SOLANA_BEFORE)
        return gate_before(intent, reason);
    struct solana_part *part = intent->solana;
    const uint8_t *payer = payer_of(intent);
    part->fee = about->fee;
    memcpy(part->binding, about->binding, 32);
    part->lamports = solana_lamports(about->seen, payer);
    solana_moves(about->seen, payer, about->fee, &part->sim);
    part->token_count = solana_owners(about->seen, part->tokens);
    part->balance_count = solana_balances(about->seen, payer, part->balances);
    solana_figures(part, about);
    ask_simulated(intent, &q, about->binding);
    risk_check(intent->desk->risk, RISK_AFTER, &q.c, &v);
    enum solana_verdict answer = verdict(intent, &v, reason);
    intent->held = intent->held || answer == SOLANA_PASS;
    return answer;
}

/* ---- signatures ---- */

struct solana_job {
    struct signing_job job;
    struct desk_chain *chain;
    uint64_t engine; /* which of them asked */
    uint64_t ticket;
    signer_handle key;
    uint32_t len;
    uint8_t message[HAWSE_SOLANA_MESSAGE_MAX];
    int32_t code;
    struct signature signature;
    struct fault fault;
};

/* [signing thread] */
static void job_run(struct signing_job *at)
{
    struct solana_job *job = (struct solana_job *)at;
    job->code = signer_sign_message(job->chain->desk->options.signer, job->key, &job->chain->name,
                                    job->message, job->len, &job->signature, &job->fault);
}

static void job_drop(struct signing_job *at)
{
    free(at);
}

static void job_done(struct signing_job *at)
{
    struct solana_job *job = (struct solana_job *)at;
    struct desk_chain *chain = job->chain;
    if (job->code != HAWSE_OK)
        log_fault(chain->desk->logger, HAWSE_LOG_ERROR, "tx", &job->fault);
    if (chain->solana && job->engine == chain->engines)
        solana_engine_signed(chain->solana, job->ticket,
                             job->code == HAWSE_OK ? job->signature.bytes : NULL);
    free(job);
}

static bool may_sign(struct desk_intent *intent, const struct solana_signing *s)
{
    struct question q;
    struct risk_verdict v;
    char reason[SOLANA_REASON];
    if (s->empty)
        return true; /* it takes back what was signed */
    ask_simulated(intent, &q, s->binding);
    risk_check(intent->desk->risk, RISK_SIGN, &q.c, &v);
    return verdict(intent, &v, reason) == SOLANA_PASS;
}

static bool port_sign(void *ctx, const struct solana_signing *s)
{
    struct desk_chain *chain = ctx;
    struct desk_intent *intent = by_number(chain, s->number);
    if (!intent || intent->desk->failed || s->count != 1 ||
        memcmp(s->keys, payer_of(intent), 32) != 0 || !may_sign(intent, s))
        return false;
    struct solana_job *job = calloc(1, sizeof(*job));
    if (!job || s->message_len > sizeof(job->message)) {
        free(job);
        return false;
    }
    job->job = (struct signing_job){.run = job_run, .done = job_done, .drop = job_drop};
    job->chain = chain;
    job->engine = chain->engines;
    job->ticket = s->ticket;
    job->key = intent->account->handle;
    job->len = s->message_len;
    memcpy(job->message, s->message, s->message_len);
    signing_give(chain->desk->signing, &job->job);
    return true;
}

static int32_t port_keep(void *ctx, const struct solana_attempt *attempt)
{
    struct desk_intent *intent = by_number(ctx, attempt->intent);
    char *text = intent ? solana_attempt_text(attempt) : NULL;
    if (!text || !desk_group(intent->desk)) {
        free(text);
        return HAWSE_E_NOSPACE;
    }
    memcpy(intent->solana->signature, attempt->signature, 64);
    intent->attempts = attempt->number;
    desk_step(intent, HAWSE_INTENT_SIGNED,
              &(struct desk_words){.signature = attempt->signature, .figures = text});
    free(text);
    return intent->desk->failed ? HAWSE_E_NOSPACE : HAWSE_OK;
}

/* ---- how it went ---- */

static void fees_of(const struct desk_intent *intent, enum solana_end end, struct risk_moved *list,
                    uint32_t *count)
{
    static const uint8_t coin[20];
    hawse_u256_t fee = hawse_u256(0);
    if (end == SOLANA_END_CONFIRMED || end == SOLANA_END_REVERTED)
        fee = hawse_u256(intent->solana->fee);
    else if (end == SOLANA_END_CANCELED && intent->attempts > 0)
        fee = hawse_u256(LAMPORTS_PER_SIGNATURE); /* of the empty one */
    if (!hawse_u256_is_zero(&fee))
        moved_add(list, count, coin, &fee, false);
}

/* Allowances that it left count as taken. */
static uint32_t with_given(const struct desk_intent *intent, struct risk_moved *list,
                           uint32_t count)
{
    struct risk_moved given[HAWSE_INTENT_FLOWS_MAX + 1];
    uint32_t n = risk_given(intent->desk->risk, intent->instance, intent->chain->config->name,
                            intent->number, given);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < count && memcmp(list[k].asset, given[i].asset, 20) != 0)
            k++;
        if (k == count)
            list[count++] = (struct risk_moved){.out = hawse_u256(0)};
        memcpy(list[k].asset, given[i].asset, 20);
        list[k].given = given[i].given;
    }
    return count;
}

/* What it moved: as simulated, or the most that it may have, where an earlier run simulated it. */
static void count_moved(struct desk_intent *intent, enum solana_end end)
{
    static const enum risk_outcome sent[SOLANA_END_COUNT] = {
        [SOLANA_END_CONFIRMED] = RISK_SUCCEEDED, [SOLANA_END_REVERTED] = RISK_REVERTED,
        [SOLANA_END_REFUSED] = RISK_EXPIRED,     [SOLANA_END_EXPIRED] = RISK_EXPIRED,
        [SOLANA_END_CANCELED] = RISK_CANCELED,   [SOLANA_END_FAILED] = RISK_REFUSED};
    struct risk_moved list[SIM_FLOWS + 2 * HAWSE_INTENT_FLOWS_MAX + 2];
    const struct sim_result *sim = &intent->solana->sim;
    uint32_t count = 0;
    bool done = end == SOLANA_END_CONFIRMED;
    if (!intent->held)
        return;
    intent->held = false;
    for (uint32_t i = 0; done && sim->call_count > 0 && i < sim->flow_count; i++) {
        moved_add(list, &count, sim->flows[i].asset, &sim->flows[i].out, false);
        moved_add(list, &count, sim->flows[i].asset, &sim->flows[i].in, true);
    }
    for (uint32_t i = 0; done && sim->call_count == 0 && i < intent->body->public.flow_count; i++)
        moved_add(list, &count, intent->body->flows[i].asset, &intent->body->flows[i].max_out,
                  false);
    fees_of(intent, end, list, &count);
    count = done ? with_given(intent, list, count) : count;
    totals_moved(intent, intent->attempts > 0 ? sent[end] : RISK_NOT_SENT, list, count);
}

/* Step and error of an end. */
static uint32_t end_step(const struct desk_intent *intent, enum solana_end end, int32_t *error)
{
    bool out = intent->attempts > 0;
    *error = HAWSE_OK;
    switch (end) {
    case SOLANA_END_CONFIRMED:
        return HAWSE_INTENT_CONFIRMED;
    case SOLANA_END_REVERTED:
        *error = HAWSE_E_REMOTE;
        return HAWSE_INTENT_FAILED;
    case SOLANA_END_REFUSED:
        *error = HAWSE_E_DENIED;
        return out ? HAWSE_INTENT_FAILED : HAWSE_INTENT_REFUSED;
    case SOLANA_END_EXPIRED:
        *error = HAWSE_E_TIMEOUT;
        return out ? HAWSE_INTENT_FAILED : HAWSE_INTENT_EXPIRED;
    case SOLANA_END_CANCELED:
        *error = HAWSE_E_CANCELED;
        return HAWSE_INTENT_FAILED;
    default: /* a gate at the signature is a refusal like any other */
        *error = intent->gate[0] && !out ? HAWSE_E_DENIED : HAWSE_E_INTERNAL;
        return intent->gate[0] && !out ? HAWSE_INTENT_REFUSED : HAWSE_INTENT_FAILED;
    }
}

static void ready_again(struct desk_intent *intent)
{
    struct desk_chain *chain = intent->chain;
    if (!intent->solana->restored)
        return;
    intent->solana->restored = false;
    if (--chain->unready == 0)
        __atomic_store_n(&chain->ready, 1, __ATOMIC_RELEASE);
}

static void ended(struct desk_intent *intent, const struct solana_told *t)
{
    struct desk_words w = {.block = t->slot, .signature = t->attempts > 0 ? t->signature : NULL};
    uint32_t step = end_step(intent, t->end, &w.error);
    if (step != HAWSE_INTENT_CONFIRMED)
        w.reason = intent->reason[0] ? intent->reason
                   : t->reason[0]    ? t->reason
                                     : solana_end_word((uint8_t)t->end);
    w.gate = step == HAWSE_INTENT_REFUSED ? intent->gate[0] ? intent->gate : "simulation" : NULL;
    w.figures = w.gate && intent->gate[0] ? intent->figures : NULL;
    count_moved(intent, t->end);
    desk_step(intent, step, &w);
    ready_again(intent);
    intent->ended = true;
    desk_forget(intent);
}

static void port_tell(void *ctx, const struct solana_told *t)
{
    static const uint32_t steps[] = {[SOLANA_TELL_SIMULATED] = HAWSE_INTENT_SIMULATED,
                                     [SOLANA_TELL_WAITING] = HAWSE_INTENT_WAITING,
                                     [SOLANA_TELL_SENT] = HAWSE_INTENT_SENT,
                                     [SOLANA_TELL_SEEN] = HAWSE_INTENT_SEEN,
                                     [SOLANA_TELL_UNKNOWN] = HAWSE_INTENT_UNKNOWN,
                                     [SOLANA_TELL_REPLACED] = HAWSE_INTENT_REPLACED,
                                     [SOLANA_TELL_INCLUDED] = HAWSE_INTENT_INCLUDED,
                                     [SOLANA_TELL_ROLLED_BACK] = HAWSE_INTENT_REORGED,
                                     [SOLANA_TELL_RENEWED] = HAWSE_INTENT_REPLACED,
                                     [SOLANA_TELL_RECONCILED] = HAWSE_INTENT_RECONCILED};
    struct desk_intent *intent = by_number(ctx, t->number);
    struct desk_words w = {.block = t->tell == SOLANA_TELL_INCLUDED ? t->slot : 0,
                           .signature = t->attempts > 0 ? t->signature : NULL};
    if (!intent || intent->desk->failed)
        return;
    intent->attempts = t->attempts;
    if (t->end != SOLANA_END_NONE) {
        ended(intent, t);
        return;
    }
    if (t->tell == SOLANA_TELL_NOTHING || (t->tell == SOLANA_TELL_WAITING && intent->told_waiting))
        return;
    w.figures = t->tell == SOLANA_TELL_SIMULATED ? intent->solana->figures : NULL;
    if (t->tell == SOLANA_TELL_RENEWED)
        w.reason = "it expired, which is proved: it is signed anew";
    if (t->tell == SOLANA_TELL_REPLACED)
        w.reason = "an empty transaction with its nonce takes it back";
    intent->told_waiting = t->tell == SOLANA_TELL_WAITING;
    desk_step(intent, steps[t->tell], &w);
    if (t->tell == SOLANA_TELL_RECONCILED || t->tell == SOLANA_TELL_INCLUDED ||
        t->tell == SOLANA_TELL_RENEWED)
        ready_again(intent);
}

/* ---- intents ---- */

static void fail(struct desk_intent *intent, int32_t error, const char *reason)
{
    desk_step(intent, HAWSE_INTENT_REFUSED, &(struct desk_words){.error = error, .reason = reason});
    intent->ended = true;
    desk_forget(intent);
}

static uint64_t deadline(uint64_t utc_ns)
{
    uint64_t now = desk_utc(), clock = loop_clock();
    if (utc_ns == 0)
        return 0;
    return utc_ns > now ? clock + (utc_ns - now) : 1;
}

/* 0 is no limit. */
static void lower(uint64_t *most, const hawse_u256_t *limit)
{
    uint64_t n = 0;
    if (hawse_u256_to_u64(limit, &n) == HAWSE_OK && n > 0 && n < *most)
        *most = n;
}

/* What the engine is told of it; `builder` holds its instructions. */
static void fill_wanted(const struct desk_intent *intent, hawse_solana_builder_t *builder,
                        struct solana_wanted *w)
{
    static const uint8_t none[32];
    const hawse_intent_t *in = &intent->body->public;
    const hawse_intent_solana_t *s = in->solana;
    const struct config_solana *config = &intent->chain->config->solana;
    const struct config_instance *instance = config_find(intent->desk->config, intent->instance);
    const struct config_limits *limits =
        instance ? config_limits_find(instance, intent->chain->config->name) : NULL;
    *w = (struct solana_wanted){
        .number = intent->number,
        .version = s->version == HAWSE_INTENT_SOLANA_LEGACY ? HAWSE_SOLANA_LEGACY : HAWSE_SOLANA_V0,
        .durable = memcmp(s->nonce, none, 32) != 0,
        .unit_limit = s->unit_limit,
        .unit_price = s->unit_price,
        .max_price = config->max_unit_price,
        .max_fee = config->max_fee,
        .deadline_ns = deadline(in->deadline_ns),
        .deadline_slot = in->deadline_block,
        .instructions = builder,
        .tables = s->tables,
        .table_count = s->table_count};
    lower(&w->max_fee, &in->max_cost);
    if (limits && limits->limits_fee)
        lower(&w->max_fee, &limits->fee_per_intent); /* a lower price is better than waiting */
    memcpy(w->payer, payer_of(intent), 32);
    memcpy(w->authority, payer_of(intent), 32);
    memcpy(w->nonce, s->nonce, 32);
    hawse_solana_begin(builder);
    for (uint32_t i = 0; i < s->instruction_count; i++)
        (void)hawse_solana_add(builder, s->instructions[i].program, s->instructions[i].accounts,
                               s->instructions[i].account_count, s->instructions[i].data,
                               s->instructions[i].data_len);
}

static int32_t hand_over(struct desk_intent *intent, const struct solana_attempt *attempts,
                         uint32_t count, struct fault *fault)
{
    struct desk_chain *chain = intent->chain;
    hawse_solana_builder_t *builder = malloc(sizeof(*builder));
    struct solana_wanted w;
    int32_t code = HAWSE_E_NOMEM;
    if (!intent->solana)
        intent->solana = calloc(1, sizeof(*intent->solana));
    if (builder && intent->solana && chain->solana) {
        fill_wanted(intent, builder, &w);
        code = solana_engine_restore(chain->solana, &w, attempts, count, fault);
    }
    free(builder);
    return fault_set(fault, code, "no memory for a transaction");
}

void solana_begin(struct desk_intent *intent)
{
    struct fault fault = {0};
    if (intent->chain->solana)
        (void)solana_engine_turn(intent->chain->solana); /* what it needs is asked for first */
    int32_t code = hand_over(intent, NULL, 0, &fault);
    if (code != HAWSE_OK)
        fail(intent, code, fault.message);
    else
        chain_soon(intent->chain);
}

void solana_cancel(struct desk_intent *intent)
{
    (void)solana_engine_cancel(intent->chain->solana, intent->number);
}

/* ---- after a restart ---- */

struct found {
    struct solana_attempt attempts[SOLANA_ATTEMPTS];
    uint32_t count;
};

static int32_t on_step(void *ctx, const struct journal_step *step)
{
    struct found *f = ctx;
    if (step->step != HAWSE_INTENT_SIGNED)
        return HAWSE_OK;
    if (f->count == SOLANA_ATTEMPTS)
        return HAWSE_E_FORMAT;
    return solana_attempt_read(step->data, &f->attempts[f->count++]);
}

/* What it may still take counts against the limits again. */
static void hold_again(struct desk_intent *intent)
{
    struct question q;
    ask_gates(intent, &q);
    intent->held = true;
    if (risk_restore_open(intent->desk->risk, &q.c) == HAWSE_E_NOMEM)
        (void)risk_kill(intent->desk->risk, intent->instance, "host",
                        "no memory for what its open intents hold", NULL);
}

static int32_t take_up(struct desk_intent *intent, struct found *f, struct fault *fault)
{
    for (uint32_t i = 0; i < f->count; i++)
        f->attempts[i].intent = intent->number;
    if (f->count == 0) {
        uint64_t age = desk_utc() - intent->utc_ns;
        if (age > (uint64_t)intent->desk->tx.restart_s * 1000000000u) {
            desk_step(intent, HAWSE_INTENT_EXPIRED,
                      &(struct desk_words){.error = HAWSE_E_TIMEOUT,
                                           .reason = "the host was away for too long"});
            intent->ended = true;
            desk_forget(intent);
            return HAWSE_OK;
        }
        return hand_over(intent, NULL, 0, fault);
    }
    intent->attempts = f->count;
    int32_t code = hand_over(intent, f->attempts, f->count, fault);
    if (code != HAWSE_OK)
        return code;
    memcpy(intent->solana->signature, f->attempts[f->count - 1].signature, 64);
    intent->solana->restored = true;
    intent->chain->unready++;
    hold_again(intent);
    return HAWSE_OK;
}

int32_t solana_restore(struct desk_intent *intent, struct fault *fault)
{
    struct found *f = calloc(1, sizeof(*f));
    int32_t code = HAWSE_E_NOMEM;
    if (f)
        code = journal_steps_of(intent->desk->journal, intent->number, on_step, f, fault);
    if (code == HAWSE_OK)
        code = take_up(intent, f, fault);
    free(f);
    intent->restoring = false;
    return fault_set(fault, code, "intent %llu: what was signed of it cannot be read back",
                     (unsigned long long)intent->number);
}

/* ---- turns ---- */

static void on_timer(void *ctx, uint64_t now_ns)
{
    struct desk_chain *chain = ctx;
    (void)now_ns;
    if (!chain->solana || chain->desk->failed)
        return;
    uint64_t next = solana_engine_turn(chain->solana);
    if (chain->open > 0)
        (void)loop_timer_set(chain->desk->loop, &chain->timer, next);
}

bool solana_go(struct desk *desk)
{
    for (size_t i = 0; i < desk->chain_count; i++) {
        if (desk->chains[i].solana)
            solana_engine_go(desk->chains[i].solana);
    }
    return desk->failed || journal_in_group(desk->journal);
}

static int32_t engine_new(struct desk_chain *chain)
{
    const struct config_solana *config = &chain->config->solana;
    const struct solana_options options = {.slot_ms = chain->config->block_ms,
                                           .resend_ms = config->resend_ms,
                                           .poll_ms = chain->config->block_ms * 2,
                                           .confirmations = config->confirmed ? 1 : UINT32_MAX,
                                           .price_percent = config->price_percent};
    const struct solana_port port = {.ctx = chain,
                                     .now = port_now,
                                     .call = port_call,
                                     .sign = port_sign,
                                     .keep = port_keep,
                                     .tell = port_tell,
                                     .gate = port_gate};
    chain->engines++;
    return solana_engine_new(&options, &port, &chain->solana);
}

void solana_canceled(struct desk_chain *chain)
{
    if (chain->solana)
        solana_engine_canceled(chain->solana);
}

void solana_reset(struct desk_chain *chain)
{
    if (!chain->solana)
        return;
    solana_engine_canceled(chain->solana);
    solana_engine_free(chain->solana);
    chain->solana = NULL;
    if (engine_new(chain) != HAWSE_OK)
        log_line(chain->desk->logger, HAWSE_LOG_ERROR, "tx", "%s: no memory for transactions",
                 chain->config->name);
}

int32_t solana_open(struct desk_chain *chain, struct fault *fault)
{
    chain->name = chain_solana(chain->config->solana.genesis);
    chain->timer = (struct loop_timer){.fn = on_timer, .ctx = chain};
    return fault_set(fault, engine_new(chain), "no memory for transactions");
}

void solana_close(struct desk_chain *chain)
{
    solana_canceled(chain);
    solana_engine_free(chain->solana);
    chain->solana = NULL;
}
