/*
 * debug_traceCall: callTracer for what happened inside each call; between calls prestateTracer, so
 * that the next one runs on what the one before it left. Asked as an engine of its own, or after
 * another one for the call tree alone.
 *
 * The node checks no nonce here, and takes fees where they and the gas limit are known.
 */
#include "sim/internal.h"

#include <stdlib.h>
#include <string.h>

static void read_tree(struct sim_run *run, const struct sim_answer *answer);
static void read_changes(struct sim_run *run, const struct sim_answer *answer);

/* What stands above the block's state: what the request takes to be so, and above that, as it is
 * newer, what calls before changed. */
static json_t *overrides(const struct sim_run *run)
{
    json_t *out = words_state(run, "stateDiff");
    json_t *left = run->state ? json_deep_copy(run->state) : NULL;
    if (run->state && (!left || json_object_update_recursive(out, left) != 0)) {
        json_decref(out);
        out = NULL;
    }
    json_decref(left);
    return out;
}

static void ask(struct sim_run *run, const char *tracer, const char *setting, run_answer_fn fn)
{
    /* without a limit nodes take that of a block, and want it paid for */
    bool fees = words_has_fees(run) &&
                (run->calls[run->at].gas_limit > 0 || run->result.gas[run->at].limit > 0);
    json_t *options = json_pack("{s:s,s:{s:b},s:o}", "tracer", tracer, "tracerConfig", setting,
                                true, "stateOverrides", overrides(run));
    if (options)
        (void)words_set(options, "blockOverrides", words_next_block(run));
    run_ask(run, "debug_traceCall",
            json_pack("[o,o,o]", words_call(run, run->at, fees), words_block(run), options), fn);
}

static void ask_tree(struct sim_run *run)
{
    ask(run, "callTracer", "withLog", read_tree);
}

static void ask_changes(struct sim_run *run)
{
    ask(run, "prestateTracer", "diffMode", read_changes);
}

static void finish(struct sim_run *run)
{
    struct sim_result *r = &run->result;
    r->inspected = true;
    if (!run->inspecting) {
        r->success = true;
        r->flows_known = true;
    }
    run_verdict(run);
}

static void read_tree(struct sim_run *run, const struct sim_answer *answer)
{
    if (!run->inspecting && run_refused(run, run->at, answer))
        return;
    json_t *root = answer->status == HAWSE_OK ? words_parse(answer) : NULL;
    const json_t *error = json_object_get(root, "error");
    uint64_t gas = 0;
    if (!words_read_u64(json_object_get(root, "gasUsed"), &gas) || !tree_read(run, root)) {
        run_failed_answer(run, answer);
    } else if (error && run->inspecting) {
        /* one engine saw it succeed and the other fail: neither is believed */
        run->result.success = false;
        run->result.failed_call = run->at;
        run->result.revert = words_reason(run->result.reason, json_object_get(root, "output"),
                                          "debug_traceCall saw it fail");
        run_verdict(run);
    } else if (error) {
        run_gas(run, run->at, gas, 0);
        run_reverted(run, run->at, json_object_get(root, "output"), json_string_value(error));
    } else {
        if (!run->inspecting)
            run_gas(run, run->at, gas, 0);
        run->next = run->at + 1 < run->request.call_count ? ask_changes : finish;
    }
    json_decref(root);
}

/* ---- what a call changed, as overrides for the next ---- */

static bool put_account(json_t *state, const char *address, const json_t *post)
{
    json_t *account = json_object_get(state, address);
    const json_t *storage = json_object_get(post, "storage");
    const json_t *nonce = json_object_get(post, "nonce");
    if (!account) {
        if (!words_set(state, address, json_object()))
            return false;
        account = json_object_get(state, address);
    }
    static const char *const fields[] = {"balance", "code"};
    for (int i = 0; i < 2; i++) {
        json_t *value = json_object_get(post, fields[i]);
        if (value && json_object_set(account, fields[i], value) != 0)
            return false;
    }
    if (nonce &&
        (!json_is_integer(nonce) || json_integer_value(nonce) < 0 ||
         !words_set(account, "nonce", words_quantity((uint64_t)json_integer_value(nonce)))))
        return false;
    if (!storage)
        return true;
    if (!json_object_get(account, "stateDiff") && !words_set(account, "stateDiff", json_object()))
        return false;
    return json_object_update(json_object_get(account, "stateDiff"), (json_t *)storage) == 0;
}

/* A slot that stands before and not behind became zero. */
static bool put_zeros(json_t *state, const char *address, const json_t *pre, const json_t *post)
{
    static const uint8_t zero[32] = {0};
    const char *slot;
    json_t *value, *storage = json_object_get(pre, "storage"), *gone = json_object();
    bool good = true;
    json_object_foreach(storage, slot, value)
    {
        if (!json_object_get(json_object_get(post, "storage"), slot))
            good = good && words_set(gone, slot, words_hex(zero, 32));
    }
    json_t *account = json_pack("{s:o}", "storage", gone);
    good = good && account && (json_object_size(gone) == 0 || put_account(state, address, account));
    json_decref(account);
    return good;
}

static bool merge(json_t *state, const json_t *root)
{
    const char *address;
    json_t *account, *pre = json_object_get(root, "pre"), *post = json_object_get(root, "post");
    if (!json_is_object(pre) || !json_is_object(post))
        return false;
    json_object_foreach(post, address, account)
    {
        if (!put_account(state, address, account))
            return false;
    }
    json_object_foreach(pre, address, account)
    {
        if (!put_zeros(state, address, account, json_object_get(post, address)))
            return false;
    }
    return true;
}

static void read_changes(struct sim_run *run, const struct sim_answer *answer)
{
    json_t *root = answer->status == HAWSE_OK ? words_parse(answer) : NULL;
    if (!run->state)
        run->state = json_object();
    if (root && run->state && merge(run->state, root)) {
        run->at++;
        run->next = ask_tree;
    } else {
        run_failed_answer(run, answer);
    }
    json_decref(root);
}

void trace_begin(struct sim_run *run)
{
    json_decref(run->state);
    run->state = NULL;
    run->at = 0;
    ask_tree(run);
}
