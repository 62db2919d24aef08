/*
 * eth_call, the last resort: says whether one call would succeed, or why not, and nothing of what
 * moves. A gas limit that is to be found comes from eth_estimateGas.
 */
#include "sim/internal.h"

#include <stdlib.h>

static json_t *params(const struct sim_run *run)
{
    json_t *overrides = words_state(run, "stateDiff");
    json_t *out = json_pack("[o,o]", words_call(run, 0, words_has_fees(run)), words_block(run));
    if (!overrides || (json_object_size(overrides) > 0 && json_array_append(out, overrides) != 0)) {
        json_decref(out); /* without a part it would ask something else */
        out = NULL;
    }
    json_decref(overrides);
    return out;
}

static void read_call(struct sim_run *run, const struct sim_answer *answer)
{
    uint8_t *bytes = NULL;
    uint64_t len = 0;
    if (run_refused(run, 0, answer))
        return;
    json_t *root = answer->status == HAWSE_OK ? words_parse(answer) : NULL;
    if (words_read_bytes(root, &bytes, &len)) {
        run->result.success = true;
        run_verdict(run);
    } else {
        run_failed_answer(run, answer);
    }
    free(bytes);
    json_decref(root);
}

static void ask_call(struct sim_run *run)
{
    run_ask(run, "eth_call", params(run), read_call);
}

static void read_gas(struct sim_run *run, const struct sim_answer *answer)
{
    uint64_t gas = 0;
    if (run_refused(run, 0, answer))
        return;
    json_t *root = answer->status == HAWSE_OK ? words_parse(answer) : NULL;
    if (words_read_u64(root, &gas)) {
        run_gas(run, 0, gas, gas); /* the least that suffices */
        run->next = ask_call;
    } else {
        run_failed_answer(run, answer);
    }
    json_decref(root);
}

void eth_call_begin(struct sim_run *run)
{
    if (run->request.call_count > 1) {
        run_failed(run, HAWSE_E_UNSUPPORTED, "it can't run %u calls one on top of the other",
                   run->request.call_count);
        return;
    }
    run_gas(run, 0, 0, 0); /* as given; not used by anybody when it is 0 */
    if (run->calls[0].gas_limit == 0)
        run_ask(run, "eth_estimateGas", params(run), read_gas);
    else
        ask_call(run);
}
