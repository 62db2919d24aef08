/*
 * What became of what owners signed, when no receipt of ours says so. The signatures are good for
 * whoever has them until the Safe's nonce is used, so an intent of a Safe does not end badly, and
 * gets no other nonce, before the chain was asked: is the nonce used, as deep as is wanted, and if
 * so was it by our call? The Safe says that by an event with its hash.
 */
#include "tx/safe_desk.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

enum { PROOF_MS = 5000 };

static struct desk_safe *safe_of(struct desk_ask *ask)
{
    ask->intent->safe->asking = false;
    return ask->intent->safe;
}

/* It is known now: the intent goes on, or ends. */
static void proved(struct desk_safe *s, enum safe_proof what)
{
    struct desk_intent *intent = s->intent;
    struct leg *leg = &intent->legs[0];
    s->proof = what;
    if (what == SAFE_EXECUTED)
        log_line(intent->desk->logger, HAWSE_LOG_WARN, intent->instance,
                 "intent %s: somebody else executed what the Safe's owners signed for it",
                 intent->body->id);
    if (leg->life.state == LIFE_ENDED) {
        intent_advance(intent);
    } else if (what == SAFE_EXECUTED) {
        intent_cancel(
            intent); /* what is not signed by the executor need not be; what is, reverts */
    } else if (what == SAFE_DEAD && leg->life.state < LIFE_SENT) {
        s->out = s->complete = false; /* for another nonce */
        s->proof = SAFE_UNPROVED;
    }
}

static void on_logs(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_safe *s = safe_of(ask);
    if (s->intent->ended || r->status != HAWSE_OK ||
        answer_safe(r->body, r->body_len, &s->place, s->hash, &s->fate) != HAWSE_OK)
        return; /* again at the next head */
    proved(s, s->fate.end == SAFE_SUCCEEDED ? SAFE_EXECUTED : SAFE_DEAD);
}

static void ask_logs(struct desk_safe *s, uint64_t last)
{
    struct desk_ask ask = {.done = on_logs, .intent = s->intent};
    char safe[41] = "", topics[2][65] = {"", ""}, params[400];
    uint8_t topic[32];
    hawse_hex_encode(s->place.address, 20, safe);
    hawse_keccak_signature("ExecutionSuccess(bytes32,uint256)", topic);
    hawse_hex_encode(topic, 32, topics[0]);
    hawse_keccak_signature("ExecutionFailure(bytes32,uint256)", topic);
    hawse_hex_encode(topic, 32, topics[1]);
    (void)snprintf(params, sizeof(params),
                   "[{\"address\":\"0x%.40s\",\"fromBlock\":\"0x%llx\",\"toBlock\":\"0x%llx\","
                   "\"topics\":[[\"0x%.64s\",\"0x%.64s\"]]}]",
                   safe, (unsigned long long)s->since, (unsigned long long)last, topics[0],
                   topics[1]);
    s->asking = desk_ask(s->intent->chain, &ask, "eth_getLogs", params, POOL_FRESH, POOL_BACKGROUND,
                         PROOF_MS);
}

static void ask_nonce(struct desk_safe *s, uint64_t block);

/* The Safe's nonce after block `ask->number`, of those that are deep enough, or of the head. */
static void on_nonce(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_safe *s = safe_of(ask);
    hawse_u256_t wide;
    uint64_t nonce = 0;
    if (s->intent->ended || r->status != HAWSE_OK || r->body_len != 68 ||
        answer_u256(r->body, r->body_len, &wide) != HAWSE_OK ||
        hawse_u256_to_u64(&wide, &nonce) != HAWSE_OK)
        return;
    bool deep = ask->number > 0;
    if (deep && nonce > s->nonce)
        ask_logs(s, ask->number);
    else if (deep)
        ask_nonce(s, 0);
    else if (nonce > s->nonce)
        return; /* not deep enough: looked at again */
    else if (s->intent->legs[0].life.state == LIFE_ENDED)
        proved(s, SAFE_ALIVE);
    else
        s->proof = SAFE_UNPROVED; /* free again, by a reorganisation */
}

static void ask_nonce(struct desk_safe *s, uint64_t block)
{
    struct desk_ask ask = {.done = on_nonce, .intent = s->intent, .number = (uint32_t)block};
    char safe[41] = "", at[24] = "latest", params[160];
    hawse_hex_encode(s->place.address, 20, safe);
    if (block > 0)
        (void)snprintf(at, sizeof(at), "0x%llx", (unsigned long long)block);
    (void)snprintf(params, sizeof(params), "[{\"to\":\"0x%.40s\",\"data\":\"0xaffed0e0\"},\"%s\"]",
                   safe, at);
    s->asking =
        desk_ask(s->intent->chain, &ask, "eth_call", params, POOL_FRESH, POOL_BACKGROUND, PROOF_MS);
}

void safe_prove(struct desk_intent *intent)
{
    struct desk_safe *s = intent->safe;
    uint64_t deep = intent_deep(intent);
    s->proof = SAFE_ASKED;
    if (!s->asking)
        ask_nonce(s, deep < UINT32_MAX ? deep : 0);
}

bool safe_unproved(struct desk_intent *intent)
{
    struct desk_safe *s = intent->safe;
    if (!s || !s->out || s->proof > SAFE_ASKED)
        return false;
    if (s->proof == SAFE_UNPROVED)
        safe_prove(intent);
    return true;
}

void safe_look(struct desk_intent *intent)
{
    if (intent->safe->proof == SAFE_ASKED)
        safe_prove(intent);
    else if (intent->legs[0].life.state == LIFE_WAITING)
        safe_collect(intent);
}

bool safe_executed(const struct desk_intent *intent, struct desk_words *w)
{
    const struct desk_safe *s = intent->safe;
    if (!s || s->proof != SAFE_EXECUTED)
        return false;
    w->hash = s->fate.executed;
    w->block = s->fate.block;
    w->reason = "it was executed, by a transaction that is not ours";
    return true;
}

void safe_warn(struct desk_intent *intent)
{
    const struct desk_safe *s = intent->safe;
    size_t len = strlen(intent->reason);
    if (s && s->proof == SAFE_ALIVE)
        (void)snprintf(
            intent->reason + len, sizeof(intent->reason) - len,
            "; its owners have signed it: who has that can execute it until nonce %llu of "
            "the Safe is used",
            (unsigned long long)s->nonce);
}

bool safe_may_move(const struct desk_intent *intent)
{
    const struct desk_safe *s = intent->safe;
    return s && s->out && (s->proof == SAFE_ALIVE || s->proof == SAFE_EXECUTED);
}

int32_t safe_receipt(struct leg *leg, uint32_t i, const struct pool_result *r,
                     struct answer_receipt *receipt)
{
    const struct desk_safe *s = leg->intent->safe;
    struct answer_fate fate;
    if (!s || leg->attempts[i].empty || !receipt->succeeded)
        return HAWSE_OK;
    int32_t code = answer_safe(r->body, r->body_len, &s->place, s->hash, &fate);
    if (code != HAWSE_OK || fate.end == SAFE_SUCCEEDED)
        return code;
    receipt->succeeded = false;
    intent_fail(leg->intent, HAWSE_E_REMOTE,
                fate.end == SAFE_FAILED
                    ? "its transaction succeeded, and the Safe says that the call inside failed"
                    : "its transaction succeeded, and the Safe does not say that it executed it");
    return HAWSE_OK;
}
