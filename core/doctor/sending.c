/*
 * What stands beside the providers of a chain when money is sent: its private relay and its Safes.
 * A relay is asked to take nothing, without a signature: what it refuses that for says that it is
 * there. A Safe is asked of the first provider.
 */
#include "doctor/internal.h"

#include "rpc/failure.h"
#include "tx/safe.h"

#include <hawse/hex.h>
#include <hawse/types.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the relay ---- */

void examine_relay(struct doctor *d, const struct config_chain *chain)
{
    static struct answer a;
    const struct config_tx *tx = &chain->tx;
    const char *method = tx->private_way.raw      ? tx->private_way.method
                         : tx->private_way.bundle ? "eth_sendBundle"
                                                  : "eth_sendPrivateTransaction";
    char where[DOCTOR_PATH];
    if (!tx->relay.url)
        return;
    (void)snprintf(where, sizeof(where), "chains.%s.tx.relay", chain->name);
    examine_tls(d, where, &tx->relay);
    ask(d, &tx->relay, method, NULL, &a);
    bool answered = a.status == HAWSE_OK || a.status == HAWSE_E_REMOTE || a.http_status != 0;
    if (!answered) {
        say(d, DOCTOR_BAD, where,
            "see that the address is right and that this machine may reach it",
            "does not answer: %.200s%s", a.text,
            tx->relay_fallback ? "" : "; what is private waits, and is given up");
    } else if (answer_lacks(method, &a)) {
        say(d, DOCTOR_BAD, where,
            "set relay_form, and for raw relay_method, to what this relay takes",
            "takes no %s: %.200s", method, a.text);
    } else if (a.http_status >= 500 || a.http_status == 404) {
        say(d, DOCTOR_WARN, where, NULL, "answers with HTTP %u: %.200s", a.http_status, a.text);
    } else {
        say(d, DOCTOR_GOOD, where, NULL,
            "answers within %.1f ms, and refuses an empty %s as it should",
            (double)a.elapsed_ns / 1e6, method);
    }
}

/* ---- Safes ---- */

/* The bytes of an answer; 0 = it is none, or too long. */
static uint64_t bytes_of(const struct answer *a, uint8_t *out, uint64_t cap)
{
    uint64_t len = 0;
    if (a->status != HAWSE_OK || !a->whole || a->len < 4 || a->text[0] != '"' ||
        hawse_hex_data((const uint8_t *)a->text + 1, a->len - 2, out, cap, &len) != HAWSE_OK)
        return 0;
    return len;
}

static bool ask_safe(struct doctor *d, const struct config_endpoint *node,
                     const struct config_safe *safe, enum safe_question question,
                     struct safe_state *state, struct answer *a)
{
    uint8_t call[4], data[2048];
    char to[41] = "", digits[9] = "", params[160];
    safe_question_data(question, call);
    hawse_hex_encode(safe->address, 20, to);
    hawse_hex_encode(call, 4, digits);
    (void)snprintf(params, sizeof(params), "[{\"to\":\"0x%.40s\",\"data\":\"0x%.8s\"},\"latest\"]",
                   to, digits);
    ask(d, node, "eth_call", params, a);
    uint64_t len = bytes_of(a, data, sizeof(data));
    return safe_answer(question, data, len, state, NULL) == HAWSE_OK;
}

static void examine_batch(struct doctor *d, const char *where, const struct config_endpoint *node,
                          const struct config_safe *safe)
{
    static struct answer a;
    uint8_t code[2048];
    char batch[41] = "", params[80];
    hawse_hex_encode(safe->batch, 20, batch);
    (void)snprintf(params, sizeof(params), "[\"0x%.40s\",\"latest\"]", batch);
    ask(d, node, "eth_getCode", params, &a);
    if (!safe_batch_known(code, bytes_of(&a, code, sizeof(code))))
        say(d, DOCTOR_WARN, where,
            "set batch to the MultiSendCallOnly of safe-deployments for this chain",
            "batch: 0x%s is no MultiSendCallOnly of 1.3.0, 1.4.1 or 1.5.0: several calls at once "
            "are refused",
            batch);
}

static void examine_safe(struct doctor *d, const struct config_chain *chain,
                         const struct config_safe *safe)
{
    static struct answer a;
    const struct config_endpoint *node = &chain->providers[0].http;
    struct safe_place at = {.chain_id = chain->chain_id};
    struct safe_state state = {0};
    struct fault fault = {0};
    char where[DOCTOR_PATH];
    (void)snprintf(where, sizeof(where), "chains.%s.safes.%s", chain->name, safe->name);
    memcpy(at.address, safe->address, 20);
    for (int q = 0; q < SAFE_ASK_COUNT; q++) {
        if (!ask_safe(d, node, safe, (enum safe_question)q, &state, &a)) {
            say(d, DOCTOR_BAD, where, "see that address is that of a Safe on this chain",
                "there is no Safe of 1.3.0 or later at its address, or the first provider does not "
                "tell: %.200s",
                a.text);
            return;
        }
    }
    if (safe_state_check(&at, &state, &fault) != HAWSE_OK) {
        say(d, DOCTOR_BAD, where, fault.hint, "%.300s", fault.message);
        return;
    }
    bool enough = safe->owner_count >= state.threshold;
    say(d, enough ? DOCTOR_GOOD : DOCTOR_NOTE, where, NULL,
        "is a Safe of %u owners, of whom %u agree; %zu of their keys are ours%s", state.owner_count,
        state.threshold, safe->owner_count, enough ? "" : ": every intent waits for other owners");
    examine_batch(d, where, node, safe);
    if (!safe->service.url)
        return;
    (void)snprintf(where, sizeof(where), "chains.%s.safes.%s.service", chain->name, safe->name);
    examine_tls(d, where, &safe->service);
}

void examine_safes(struct doctor *d, const struct config_chain *chain)
{
    for (size_t i = 0; i < chain->safe_count && chain->provider_count > 0; i++)
        examine_safe(d, chain, &chain->safes[i]);
}
