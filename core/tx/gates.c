/*
 * What gates and simulation are asked about a transaction, and what follows from their answers.
 * Decides nothing by itself: core/risk does.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BALANCE_MS = 3000, SIM_TRIES = 20 };

static const uint8_t native[20];

/* ---- the case ---- */

/* Value and most of the fees of what the account has out. */
static void add_cost(const struct leg *leg, hawse_u256_t *sum)
{
    const struct attempt *a = &leg->attempts[leg->attempt_count - 1];
    hawse_u256_t fee = hawse_u256(a->fees.max_fee), gas = hawse_u256(a->gas_limit), cost;
    hawse_u256_t one = hawse_u256(1);
    if (hawse_u256_mul_div(&fee, &gas, &one, 0, &cost) == HAWSE_OK)
        (void)hawse_u256_add(sum, &cost, sum);
    if (!a->empty)
        (void)hawse_u256_add(sum, &leg->intent->plan->legs[leg->index].value, sum);
}

/* The same of what passed the gates and is still to be signed. */
static void add_held(const struct leg *leg, hawse_u256_t *sum)
{
    const struct desk_intent *in = leg->intent;
    const struct leg *first = &in->legs[0];
    const hawse_u256_t one = hawse_u256(1), fee = hawse_u256(first->fees.max_fee);
    uint64_t limit = in->plan->legs[leg->index].gas_limit;
    if (limit == 0 && first->sim)
        limit = first->sim->gas[leg->index].limit;
    hawse_u256_t gas = hawse_u256(limit), cost;
    if (hawse_u256_mul_div(&fee, &gas, &one, 0, &cost) == HAWSE_OK)
        (void)hawse_u256_add(sum, &cost, sum);
    (void)hawse_u256_add(sum, &in->plan->legs[leg->index].value, sum);
}

static hawse_u256_t in_flight_cost(const struct desk_intent *self)
{
    const struct desk_account *account = self->account;
    hawse_u256_t sum = hawse_u256(0);
    for (const struct desk_intent *in = account->chain->intents; in; in = in->next) {
        for (uint32_t i = 0; in->account == account && in->legs && i < in->plan->count; i++) {
            const struct leg *leg = &in->legs[i];
            if (leg->life.state == LIFE_SENT && leg->attempt_count > 0)
                add_cost(leg, &sum);
            else if (leg->life.state < LIFE_SENT && in->held && in != self)
                add_held(leg, &sum);
        }
    }
    return sum;
}

/* What other intents of the account may still take of a token. */
static hawse_u256_t in_flight_of(const struct desk_intent *self, const uint8_t asset[20])
{
    hawse_u256_t sum = hawse_u256(0);
    for (const struct desk_intent *in = self->chain->intents; in; in = in->next) {
        if (in == self || memcmp(intent_subject(in), intent_subject(self), 20) != 0 || !in->held)
            continue;
        for (uint32_t i = 0; i < in->body->public.flow_count; i++) {
            const hawse_intent_flow_t *f = &in->body->flows[i];
            if (memcmp(f->asset, asset, 20) == 0)
                (void)hawse_u256_add(&sum, &f->max_out, &sum);
        }
    }
    return sum;
}

/* What a simulation is bound to of a delegation: everything but its nonce and its signature. */
static hawse_view_t unsigned_authorization(const struct desk_intent *intent)
{
    uint8_t *entry = intent->desk->scratch->authorization;
    hawse_writer_t w = hawse_writer(entry, sizeof(intent->desk->scratch->authorization));
    hawse_tx_authorization_t a = {.chain_id = hawse_u256(intent->chain->config->chain_id)};
    memcpy(a.address, intent->plan->delegate, 20);
    hawse_tx_authorization_put(&w, &a);
    return (hawse_view_t){entry, w.len};
}

/* Transaction i as it was, or will be: those before this leg are done. */
static void fill_tx(const struct leg *leg, uint32_t i, hawse_tx_t *tx)
{
    const struct desk_intent *intent = leg->intent;
    const struct leg *other = &intent->legs[i];
    const struct sim_gas *gas = leg_gas(leg, i);
    plan_tx(intent->plan, i, intent->chain->config->chain_id, tx);
    if (intent->plan->delegated)
        tx->authorizations = unsigned_authorization(intent);
    tx->max_fee = hawse_u256(leg->fees.max_fee);
    tx->max_priority_fee = hawse_u256(leg->fees.tip);
    tx->nonce = intent->account->latest;
    if (i < leg_lead(leg)->index && other->attempt_count > 0) {
        tx->gas_limit = other->attempts[other->mined].gas_limit;
        tx->max_fee = hawse_u256(other->attempts[other->mined].fees.max_fee);
    } else if (tx->gas_limit == 0 && gas) {
        tx->gas_limit = gas->limit;
    }
}

/* What the transactions before this one moved, by their receipts. */
static const struct risk_moved *done_before(const struct leg *leg, uint32_t *count)
{
    const struct desk_intent *intent = leg->intent;
    struct risk_moved *list = intent->desk->scratch->done;
    *count = 0;
    for (uint32_t i = 0; i < leg_lead(leg)->index; i++) {
        const struct leg *other = &intent->legs[i];
        moved_by(other, list, count);
        if (!hawse_u256_is_zero(&intent->plan->legs[i].value))
            moved_add(list, count, native, &intent->plan->legs[i].value, false);
    }
    return list;
}

/* NULL: all that it was decided from is live, or need not be. */
static const char *dead_stream(const struct desk_intent *intent)
{
    const struct desk_port *port = &intent->desk->options.port;
    const hawse_intent_t *in = &intent->body->public;
    char *why = intent->desk->scratch->dead_stream;
    const size_t cap = sizeof(intent->desk->scratch->dead_stream);
    for (uint32_t i = 0; i < in->stream_count && !(in->flags & HAWSE_INTENT_STALE_OK); i++) {
        const hawse_intent_stream_t *s = &in->streams[i];
        (void)snprintf(why, cap, "streams[%u], of an instance that is not known,", i);
        if (!intent->body->sources[i][0] ||
            !port->live(port->ctx, intent->body->sources[i], s->stream, s->key, why, cap))
            return why;
    }
    return NULL;
}

void gate_case(struct leg *leg, struct risk_case *c, hawse_tx_t *txs)
{
    struct desk_intent *intent = leg->intent;
    struct desk_chain *chain = intent->chain;
    const struct desk_account *account = intent->account;
    *c = (struct risk_case){.intent = &intent->body->public,
                            .number = intent->number,
                            .instance = intent->instance,
                            .from = account->nonces.sender,
                            .maturity = intent->maturity,
                            .dead_stream = dead_stream(intent),
                            .utc_ns = desk_utc(),
                            .head = chain->head.number,
                            .head_hash = chain->head.hash,
                            .head_parent = chain->head.parent,
                            .fee_cap = hawse_u256(chain_cap(chain)),
                            .simulation_required = chain->config->tx.simulation_required,
                            .inspection_required =
                                chain->config->tx.call_tree == CALL_TREE_REQUIRED};
    if (intent->safe) {
        c->subject = intent_subject(intent);
        c->batch = safe_batch(intent);
    }
    if (!txs)
        return;
    for (uint32_t i = 0; i < intent->plan->count; i++)
        fill_tx(leg, i, &txs[i]);
    c->tx_count = intent->plan->count;
    c->tx_index = leg->index;
    c->sim_first = leg_lead(leg)->index;
    c->done = done_before(leg, &c->done_count);
    c->txs = txs;
    c->sim = leg_lead(leg)->sim;
    c->native_balance = account->balance;
    c->in_flight_cost = in_flight_cost(intent);
    for (uint32_t i = 0; i < leg->balance_count; i++)
        leg->balances[i].in_flight = in_flight_of(intent, leg->balances[i].asset);
    c->balances = leg->balances;
    c->balance_count = leg->balance_count;
}

/* ---- after the simulation ---- */

/* A head that moved on meanwhile, or a question that no engine answered, is no refusal: it is
 * simulated again, some times. */
bool leg_stale(struct leg *leg)
{
    const struct answer_block *head = &leg->intent->chain->head;
    const struct sim_result *sim = leg->sim;
    bool fresh = sim->status == HAWSE_OK && (memcmp(sim->block_hash, head->hash, 32) == 0 ||
                                             memcmp(sim->block_hash, head->parent, 32) == 0);
    bool needed = leg->intent->chain->config->tx.simulation_required;
    if (fresh || (sim->status != HAWSE_OK && !needed) || leg->sim_tries++ >= SIM_TRIES)
        return false;
    leg_on(leg, LIFE_ON_WAIT);
    return true;
}

bool leg_may_sign(struct leg *leg, struct leg *told)
{
    struct desk_intent *intent = leg->intent;
    hawse_tx_t *txs = intent->desk->scratch->txs;
    struct risk_case c;
    struct risk_verdict v;
    if (leg_stale(told))
        return false;
    gate_case(leg, &c, txs);
    txs[leg->index].nonce = leg->nonce.number;
    risk_check(intent->desk->risk, RISK_SIGN, &c, &v);
    return leg_verdict(told, &v);
}

/* The first time all is known: every gate. Later ones look at what may have changed. */
static bool all_gates(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    hawse_tx_t *txs = intent->desk->scratch->txs;
    struct risk_case c;
    struct risk_verdict v;
    gate_case(leg, &c, txs);
    risk_check(intent->desk->risk, intent->held ? RISK_SIGN : RISK_AFTER, &c, &v);
    if (!leg_verdict(leg, &v))
        return false;
    intent->held = true;
    return true;
}

/* Of the host's own transactions, which take a nonce and do nothing. */
static bool own_bound(const struct leg *leg)
{
    const struct desk_chain *chain = leg->intent->chain;
    const uint8_t *sender = leg->intent->account->nonces.sender;
    hawse_tx_t tx;
    if (leg->simulating_empty)
        plan_void_tx(sender, chain->config->chain_id, &tx);
    else
        fill_tx(leg, leg->index, &tx);
    return sim_token_good(leg->sim, 0, &tx, sender, chain->head.number, chain->head.hash,
                          chain->head.parent, NULL);
}

static bool own_gates(struct leg *leg)
{
    if (leg->fees.max_fee > chain_cap(leg->intent->chain)) {
        leg_on(leg, LIFE_ON_WAIT);
        return false;
    }
    if (own_bound(leg) || !leg->intent->chain->config->tx.simulation_required)
        return true;
    leg_on(leg, leg->life.state == LIFE_SENT ? LIFE_ON_UNSIGNED : LIFE_ON_WAIT);
    return false;
}

static void simulated(struct leg *leg)
{
    bool own = leg->simulating_empty || leg->intent->filler;
    if (leg_stale(leg))
        return;
    if (leg->life.state == LIFE_SIMULATING) {
        leg->fees = chain_offer(leg->intent->chain);
        if (!(own ? own_gates(leg) : all_gates(leg)))
            return;
        if (leg->intent->safe && !own && !safe_complete(leg->intent))
            safe_sign(leg);
        else
            leg_on(leg, LIFE_ON_SIMULATED);
    } else if (leg->life.state == LIFE_SENT && leg->life.signing) {
        if (own ? own_gates(leg) : all_gates(leg))
            leg_sign(leg, leg->simulating_empty);
    }
}

/* A result for the whole case: the gates look at it. */
static void maybe_simulated(struct leg *leg)
{
    if (leg->sim_done && leg->asking == 0) {
        leg->sim_done = false;
        simulated(leg);
        account_pump(leg->intent->account);
    }
}

/* ---- balances of tokens ---- */

/* The simulation may have found it at the very block that it ran on. */
static bool measured(struct leg *leg, const uint8_t asset[20])
{
    const struct sim_result *sim = leg->sim;
    for (uint32_t i = 0; sim->status == HAWSE_OK && sim->success && i < sim->flow_count; i++) {
        const struct sim_flow *f = &sim->flows[i];
        if (!f->measured || memcmp(f->asset, asset, 20) != 0)
            continue;
        struct risk_balance *b = &leg->balances[leg->balance_count++];
        memcpy(b->asset, asset, 20);
        b->balance = f->before;
        return true;
    }
    return false;
}

static void on_balance(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    hawse_u256_t amount;
    /* 32 bytes are as long as a quantity of 64 digits */
    bool coin = memcmp(leg->intent->body->flows[ask->number].asset, native, 20) == 0;
    if (r->status == HAWSE_OK && (coin || r->body_len == 68) &&
        leg->balance_count < HAWSE_INTENT_FLOWS_MAX &&
        answer_u256(r->body, r->body_len, &amount) == HAWSE_OK) {
        struct risk_balance *b = &leg->balances[leg->balance_count++];
        memcpy(b->asset, leg->intent->body->flows[ask->number].asset, 20);
        b->balance = amount;
    }
    leg->asking--;
    maybe_simulated(leg);
}

/* Of each token that may move, and of a Safe its coin: as the simulation measured it, or by
 * balanceOf(account). What is not answered the gates refuse. */
static void learn_balances(struct leg *leg)
{
    const struct desk_intent *intent = leg->intent;
    char account[41], token[41], params[256];
    hawse_hex_encode(intent_subject(intent), 20, account);
    account[40] = '\0';
    leg->balance_count = 0;
    for (uint32_t i = 0; i < intent->body->public.flow_count; i++) {
        struct desk_ask ask = {.done = on_balance, .intent = leg->intent, .leg = leg, .number = i};
        bool coin = memcmp(intent->body->flows[i].asset, native, 20) == 0;
        if (coin && !intent->safe)
            continue; /* in the view of the account */
        if (!coin && measured(leg, intent->body->flows[i].asset))
            continue;
        hawse_hex_encode(intent->body->flows[i].asset, 20, token);
        token[40] = '\0';
        (void)snprintf(params, sizeof(params),
                       "[{\"to\":\"0x%s\",\"data\":\"0x70a08231000000000000000000000000%s\"},"
                       "\"latest\"]",
                       token, account);
        if (coin)
            (void)snprintf(params, sizeof(params), "[\"0x%s\",\"latest\"]", account);
        leg->asking++;
        if (!desk_ask(intent->chain, &ask, coin ? "eth_getBalance" : "eth_call", params, POOL_FRESH,
                      POOL_DECISION, BALANCE_MS))
            leg->asking--;
    }
}

static void on_simulated(void *ctx, const struct sim_result *result)
{
    struct leg *leg = ctx;
    struct desk_chain *chain = leg->intent->chain;
    leg->run = NULL;
    chain->simulating--;
    desk_count_simulation(chain->desk, result, loop_clock() - leg->sim_began_ns);
    alarms_simulated(chain, loop_clock() - leg->sim_began_ns);
    if (!leg->sim)
        leg->sim = malloc(sizeof(*leg->sim));
    if (!leg->sim) {
        leg_on(leg, LIFE_ON_WAIT);
        return;
    }
    *leg->sim = *result;
    leg->sim_done = true;
    if (!leg->simulating_empty && !leg->intent->held && !leg->intent->filler)
        learn_balances(leg);
    maybe_simulated(leg);
}

/* ---- the question ---- */

static void request_calls(const struct leg *leg, bool empty, struct sim_request *q,
                          struct sim_call *calls)
{
    const struct plan *plan = leg->intent->plan;
    if (empty) {
        memcpy(calls[0].to, leg->intent->account->nonces.sender, 20);
        calls[0].gas_limit = 21000;
        q->call_count = 1;
        return;
    }
    for (uint32_t i = leg->index; i < plan->count; i++) {
        struct sim_call *call = &calls[q->call_count++];
        memcpy(call->to, plan->legs[i].to, 20);
        call->value = plan->legs[i].value;
        call->data = plan->legs[i].data;
        call->gas_limit = plan->legs[i].gas_limit;
    }
    q->delegated = plan->delegated;
    memcpy(q->delegate, plan->delegate, 20);
}

/* The block that comes next, as far as a contract can see it, and the fees of the transaction: so
 * that it cannot tell that it is only being simulated. */
static void request_block(const struct leg *leg, struct sim_request *q)
{
    const struct desk_chain *chain = leg->intent->chain;
    struct fees fees = leg->life.state == LIFE_SENT ? leg->fees : chain_offer(chain);
    q->block_number = chain->head.number;
    memcpy(q->block_hash, chain->head.hash, 32);
    q->block_time = chain->head.time;
    q->block_ms = chain->config->block_ms;
    q->base_fee = hawse_u256(chain->base_fee);
    memcpy(q->fee_recipient, chain->head.miner, 20);
    if (getrandom(q->prev_randao, sizeof(q->prev_randao), 0) != sizeof(q->prev_randao))
        memset(q->prev_randao, 0, sizeof(q->prev_randao)); /* as the node has it */
    if (fees.max_fee < chain->base_fee)
        return; /* of a replacement that the cap leaves no room for: no block takes it as yet */
    q->max_fee = hawse_u256(fees.max_fee);
    q->tip = hawse_u256(fees.tip);
}

void leg_simulate(struct leg *leg, bool empty)
{
    struct desk_intent *intent = leg->intent;
    struct desk_chain *chain = intent->chain;
    struct sim_call *calls = intent->desk->scratch->calls;
    struct sim_request *q = calloc(1, sizeof(*q));
    leg_simulate_stop(leg);
    if (!q) {
        leg_on(leg, LIFE_ON_WAIT);
        return;
    }
    memset(calls, 0, sizeof(intent->desk->scratch->calls));
    q->chain_id = chain->config->chain_id;
    memcpy(q->from, intent->account->nonces.sender, 20);
    q->calls = calls;
    request_block(leg, q);
    risk_sim_policy(intent->desk->risk, intent->instance, chain->config->name, &q->policy);
    request_calls(leg, empty, q, calls);
    if (intent->safe && !empty)
        safe_question(leg, q);
    for (uint32_t i = 0; i < intent->body->public.flow_count && !empty; i++) {
        if (memcmp(intent->body->flows[i].asset, native, 20) != 0)
            memcpy(q->assets[q->asset_count++], intent->body->flows[i].asset, 20);
    }
    leg->simulating_empty = empty;
    leg->sim_done = false;
    leg->sim_began_ns = loop_clock();
    chain->simulating++;
    leg->asking++; /* nothing is decided before this function ends */
    int32_t code = sim_start(chain->sim, q, on_simulated, leg, &leg->run);
    leg->asking--;
    free(q);
    if (code == HAWSE_OK) {
        maybe_simulated(leg);
        return;
    }
    chain->simulating--;
    intent_fail(intent, code, "it cannot be simulated");
    leg_on(leg, LIFE_ON_REFUSED);
}

void leg_simulate_stop(struct leg *leg)
{
    if (!leg->run)
        return;
    sim_cancel(leg->run);
    leg->run = NULL;
    leg->intent->chain->simulating--;
}
