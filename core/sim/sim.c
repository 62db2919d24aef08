/*
 * How a simulation goes on: engine after engine until one answers, then the call tree, then the
 * token. Start reading here.
 *
 * Answers may come before the question has returned; so an answer only says what comes next, and
 * run_drive() does it, one step after the other, without recursion.
 */
#include "sim/internal.h"

#include <hawse/u256.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AUTHORIZATION_GAS = 25000, /* EIP-7702: PER_EMPTY_ACCOUNT_COST, the most it costs */
    COLD_SLOAD = 2100,         /* EIP-2929: nothing that touches state is cheaper at first */
};

const char *sim_engine_name(enum sim_engine engine)
{
    static const char *const names[] = {"none", "eth_simulateV1", "debug_traceCall", "eth_call",
                                        "tenderly"};
    return names[engine];
}

/* ---- life ---- */

int32_t sim_create(const struct sim_options *options, const struct sim_port *port, struct sim **out)
{
    static const enum sim_engine usual[SIM_ENGINES] = {SIM_SIMULATE_V1, SIM_TRACE, SIM_ETH_CALL,
                                                       SIM_NONE};
    for (uint32_t i = 0; i < SIM_ENGINES; i++) {
        if (options->order[i] == SIM_TENDERLY && !port->post)
            return HAWSE_E_INVAL;
    }
    struct sim *sim = calloc(1, sizeof(*sim));
    if (!sim)
        return HAWSE_E_NOMEM;
    sim->options = *options;
    sim->port = *port;
    if (options->order[0] == SIM_NONE)
        memcpy(sim->options.order, usual, sizeof(usual));
    *out = sim;
    return HAWSE_OK;
}

void sim_destroy(struct sim *sim)
{
    free(sim);
}

static void run_free(struct sim_run *run)
{
    json_decref(run->state);
    free(run->calls);
    free(run);
}

/* Calls with their data and access lists in one block. */
static struct sim_call *copy_calls(const struct sim_request *request)
{
    uint64_t need = request->call_count * sizeof(struct sim_call);
    for (uint32_t i = 0; i < request->call_count; i++)
        need += request->calls[i].data.len + request->calls[i].access_list.len;
    struct sim_call *calls = malloc(need);
    uint8_t *at = (uint8_t *)(calls + request->call_count);
    for (uint32_t i = 0; calls && i < request->call_count; i++) {
        calls[i] = request->calls[i];
        hawse_view_t *views[2] = {&calls[i].data, &calls[i].access_list};
        for (uint32_t k = 0; k < 2; k++) {
            if (views[k]->len > 0)
                memcpy(at, views[k]->data, views[k]->len);
            views[k]->data = at;
            at += views[k]->len;
        }
    }
    return calls;
}

static bool request_legal(const struct sim_request *request)
{
    if (request->call_count == 0 || request->call_count > SIM_CALLS ||
        request->asset_count > SIM_ASSETS || request->policy.callback_count > SIM_CALLBACKS ||
        request->policy.code_count > SIM_ASSETS || request->slot_count > SIM_SLOTS ||
        (request->delegated && request->call_count > 1))
        return false;
    for (uint32_t i = 0; i < request->call_count; i++) {
        hawse_rlp_t list =
            hawse_rlp(request->calls[i].access_list.data, request->calls[i].access_list.len);
        hawse_tx_access_t entry;
        int32_t code;
        while ((code = hawse_tx_access_next(&list, &entry)) == 1)
            ;
        if (code != 0)
            return false;
    }
    return true;
}

/* ---- going on ---- */

/* A call with data to an address without code succeeds and does nothing. What it uses is then what
 * its bytes cost, or the least that is charged for them, below which next to nothing can hide. */
static bool did_nothing(const struct sim_run *run, uint32_t i)
{
    const struct sim_call *call = &run->calls[i];
    uint64_t used = run->result.gas[i].used, intrinsic, least;
    hawse_tx_t tx = {.data = call->data, .access_list = call->access_list};
    hawse_tx_intrinsic_gas(&tx, &intrinsic, &least);
    bool own = run->request.delegated && memcmp(call->to, run->request.from, 20) == 0;
    return call->data.len > 0 && !own &&
           (used == intrinsic || (used == least && least < intrinsic + COLD_SLOAD));
}

static void look_for_effects(struct sim_run *run)
{
    for (uint32_t i = 0; i < run->request.call_count; i++) {
        const struct sim_call *call = &run->calls[i];
        if (did_nothing(run, i))
            finding_add(&run->result, SIM_FINDING_NO_EFFECT, i, call->to,
                        call->data.len >= 4 ? call->data.data : NULL);
    }
}

static void run_finish(struct sim_run *run)
{
    struct sim_result *r = &run->result;
    r->block_number = run->request.block_number;
    memcpy(r->block_hash, run->request.block_hash, 32);
    r->call_count = run->request.call_count;
    for (uint32_t i = 0; i < r->call_count; i++) {
        const struct sim_call *call = &run->calls[i];
        hawse_writer_t none = hawse_writer(NULL, 0);
        uint8_t entry[128];
        hawse_tx_t tx = {.chain_id = run->request.chain_id,
                         .value = call->value,
                         .data = call->data,
                         .access_list = call->access_list};
        memcpy(tx.to, call->to, 20);
        if (run->request.delegated) {
            hawse_tx_authorization_t a = {.chain_id = hawse_u256(run->request.chain_id)};
            memcpy(a.address, run->request.delegate, 20);
            none = hawse_writer(entry, sizeof(entry));
            hawse_tx_authorization_put(&none, &a);
            tx.authorizations = (hawse_view_t){entry, none.len};
        }
        sim_binding(&tx, run->request.from, r->bindings[i]);
    }
    sim_token(r, r->token);
    run->finished = true;
    run->next = NULL;
}

static void run_engine(struct sim_run *run)
{
    static const run_step_fn begin[] = {NULL, simulate_v1_begin, trace_begin, eth_call_begin,
                                        tenderly_begin};
    const enum sim_engine *order = run->sim->options.order;
    uint32_t asked = run->result.asked;
    memset(&run->result, 0, sizeof(run->result));
    run->result.asked = asked;
    run->final = run->inspecting = false;
    run->at = run->spender_count = 0;
    if (run->next_engine == SIM_ENGINES || order[run->next_engine] == SIM_NONE) {
        run->result.status = run->why_code;
        (void)snprintf(run->result.reason, SIM_WORDS, "no engine answered; the last: %.200s",
                       run->why);
        run_finish(run);
        return;
    }
    run->result.engine = order[run->next_engine++];
    run->result.asked++;
    begin[run->result.engine](run);
}

static void run_drive(struct sim_run *run)
{
    run->driving = true;
    while (run->next && !run->canceled) {
        run_step_fn step = run->next;
        run->next = NULL;
        step(run);
    }
    run->driving = false;
    if (run->waiting)
        return;
    if (run->finished && !run->canceled)
        run->done(run->ctx, &run->result);
    run_free(run);
}

static void answered(void *ctx, const struct sim_answer *answer)
{
    struct sim_run *run = ctx;
    run->waiting = false;
    if (!run->canceled)
        run->answer(run, answer);
    if (!run->driving)
        run_drive(run);
}

static const uint8_t nobody[20];

int32_t sim_start(struct sim *sim, const struct sim_request *request, sim_done_fn done, void *ctx,
                  struct sim_run **out)
{
    if (!request_legal(request))
        return HAWSE_E_INVAL;
    struct sim_run *run = calloc(1, sizeof(*run));
    struct sim_call *calls = run ? copy_calls(request) : NULL;
    if (!calls) {
        free(run);
        return HAWSE_E_NOMEM;
    }
    run->sim = sim;
    run->request = *request;
    run->request.calls = run->calls = calls;
    if (memcmp(request->subject, nobody, 20) == 0)
        memcpy(run->request.subject, request->from, 20);
    if (request->policy.callback_count == 0)
        run->request.policy.callback_count = sim_usual_callbacks(run->request.policy.callbacks);
    run->done = done;
    run->ctx = ctx;
    run->why_code = HAWSE_E_UNSUPPORTED;
    run->next = run_engine;
    if (out)
        *out = run;
    run_drive(run);
    return HAWSE_OK;
}

void sim_cancel(struct sim_run *run)
{
    run->canceled = true; /* a question is out: its answer frees the run */
}

/* ---- for engines ---- */

void run_failed(struct sim_run *run, int32_t code, const char *fmt, ...)
{
    char text[SIM_WORDS];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (run->inspecting) { /* the engine's own verdict stands, without the tree */
        run->next = run_finish;
        return;
    }
    (void)snprintf(run->why, sizeof(run->why), "%s: %.200s", sim_engine_name(run->result.engine),
                   text);
    run->why_code = code;
    run->next = run_engine;
}

void run_failed_answer(struct sim_run *run, const struct sim_answer *answer)
{
    char message[128] = "";
    json_t *error = answer->status == HAWSE_E_REMOTE ? words_parse(answer) : NULL;
    const char *text = json_string_value(json_object_get(error, "message"));
    words_plain(message, sizeof(message), text ? text : "");
    run_failed(run, answer->status == HAWSE_OK ? HAWSE_E_FORMAT : answer->status, "%s%s%s",
               answer->status == HAWSE_OK         ? "the answer can't be read"
               : answer->status == HAWSE_E_REMOTE ? "refused"
                                                  : "no answer came",
               message[0] ? ": " : "", message);
    json_decref(error);
}

/* Takes `text`, malloc'd, over. */
static void send(struct sim_run *run, const char *where, char *text, run_answer_fn fn, bool post)
{
    const struct sim_port *port = &run->sim->port;
    int32_t code = HAWSE_E_NOMEM;
    if (text) {
        run->answer = fn;
        run->waiting = true;
        code = post ? port->post(port->ctx, where, text, strlen(text), answered, run)
                    : port->call(port->ctx, where, text, strlen(text), answered, run);
    }
    free(text);
    if (code != HAWSE_OK) {
        run->waiting = false;
        run_failed(run, code, "it could not be asked");
    }
}

void run_ask(struct sim_run *run, const char *method, json_t *params, run_answer_fn fn)
{
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
    json_decref(params);
    send(run, method, text, fn, false);
}

void run_post(struct sim_run *run, const char *path, json_t *body, run_answer_fn fn)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    send(run, path, text, fn, true);
}

void run_verdict(struct sim_run *run)
{
    struct sim_result *r = &run->result;
    r->status = HAWSE_OK;
    moves_net(r);
    if (r->success)
        look_for_effects(run);
    run->next = run_finish;
    if (r->success && run->sim->options.inspect && !r->inspected && !run->inspecting) {
        run->inspecting = true;
        run->at = 0;
        run->next = trace_begin;
    }
}

void run_reverted(struct sim_run *run, uint32_t index, const json_t *data, const char *message)
{
    run->result.success = false;
    run->result.failed_call = index;
    run->result.revert = words_reason(run->result.reason, data, message);
    run_verdict(run);
}

bool run_refused(struct sim_run *run, uint32_t index, const struct sim_answer *answer)
{
    if (answer->status != HAWSE_E_REMOTE)
        return false;
    switch (answer->class) {
    case RPC_REVERT:
    case RPC_INSUFFICIENT_FUNDS:
    case RPC_GAS_LIMIT:
    case RPC_UNDERPRICED:
    case RPC_NONCE_TOO_LOW:
    case RPC_NONCE_TOO_HIGH:
        break;
    default:
        return false;
    }
    json_t *error = words_parse(answer);
    const char *message = json_string_value(json_object_get(error, "message"));
    const json_t *data = json_object_get(error, "data");
    run_reverted(run, index, json_is_string(data) ? data : NULL,
                 message ? message : rpc_policy(answer->class)->name);
    json_decref(error);
    return true;
}

void run_moved_nothing(struct sim_run *run)
{
    struct sim_result *r = &run->result;
    r->flow_count = r->approval_count = r->finding_count = 0;
}

/* Refunds are at most a fifth of what was used (EIP-3529), so what is told without them is four
 * fifths of the most that was in use, or more. */
void run_gas(struct sim_run *run, uint32_t index, uint64_t used, uint64_t peak)
{
    struct sim_gas *gas = &run->result.gas[index];
    gas->used = used;
    if (peak == 0)
        peak = used + used / 4 + (used % 4 > 0);
    if (run->request.delegated) /* simulated by its code alone, without the authorization */
        peak = peak > UINT64_MAX / 2 ? peak : peak + AUTHORIZATION_GAS;
    if (run->calls[index].gas_limit > 0)
        gas->limit = run->calls[index].gas_limit;
    else if (!run->final) /* then this is the run with that limit */
        gas->limit = used > UINT64_MAX / 2 ? UINT64_MAX : peak + peak / 5 + (peak % 5 > 0);
}
