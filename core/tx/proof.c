/*
 * Who used a nonce? A receipt that no provider shows proves nothing: providers lose them. So before
 * an intent gets another nonce, which could pay twice, the block in which the count of the account
 * passed the nonce is searched for, and the transaction that did it is read there. Nodes keep the
 * state of some 128 blocks, or fewer; where the proof cannot be had any more the intent ends, and
 * is never executed again. With several providers two have to agree about each count (tx.quorum),
 * and before that, that none of our transactions has a receipt: see track.c. Where only one of them
 * answers, for minutes, it ends in the same way: the word of one could have it paid twice.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <string.h>

enum {
    PROOF_BLOCKS = 120,
    PROOF_MS = 5000,
    PROOF_TRIES = 4,
    ALONE_TRIES = 20, /* in which only one provider answered, over at least ... */
    ALONE_S = 300
};

static void search(struct leg *leg);

/* The chain is asked for receipts again at later heads: one that comes ends the search for good. */
static void another_time(struct leg *leg)
{
    leg->proving = false;
    leg->gone_head = 0;
}

static void tell(struct leg *leg, const char *what)
{
    const struct desk_intent *intent = leg->intent;
    log_line(intent->desk->logger, HAWSE_LOG_ERROR, intent->instance, "intent %s: nonce %llu: %s",
             intent->body->id, (unsigned long long)leg->nonce.number, what);
}

static void end(struct leg *leg, enum life_happening what)
{
    another_time(leg);
    leg->intent->desk->counts.superseded++;
    leg_superseded(leg, what == LIFE_ON_TAKEN ? JOURNAL_SUPERSEDED : JOURNAL_LOST);
    leg->has_nonce = false;
    leg_on(leg, what);
}

static void not_proved(struct leg *leg)
{
    tell(leg, "it is used, no provider shows by what, and the state of that time is gone: look at "
              "the account before this is wanted again");
    end(leg, LIFE_ON_GONE);
}

bool leg_alone(struct leg *leg)
{
    uint64_t now = loop_now(leg->intent->desk->loop);
    if (leg->alone_tries++ == 0)
        leg->alone_ns = now;
    if (leg->alone_tries <= ALONE_TRIES || now - leg->alone_ns < ALONE_S * 1000 * DESK_MS)
        return false;
    tell(leg, "it is used, and only one provider answers, which shows no receipt of ours; two have "
              "to agree (tx.quorum): look at the account before this is wanted again");
    end(leg, LIFE_ON_GONE);
    return true;
}

static bool is_ours(const struct leg *leg, const uint8_t hash[32])
{
    for (uint32_t i = 0; i < leg->attempt_count; i++) {
        if (memcmp(leg->attempts[i].hash, hash, 32) == 0)
            return true;
    }
    return false;
}

/* The block that was asked for, and of the chain whose head is known? One of another branch proves
 * nothing: with another nonce the intent could be executed twice. */
static bool is_block(const struct leg *leg, const struct pool_result *r)
{
    struct answer_block block;
    return answer_block(r->body, r->body_len, &block) == HAWSE_OK &&
           block.number == leg->proof_high &&
           chain_has(leg->intent->chain, block.number, block.hash);
}

/* The block in which the count passed the nonce, with its transactions. */
static void on_block(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    uint8_t hash[32];
    if (leg->intent->ended || leg->life.state != LIFE_SENT) {
        leg->proving = false;
        return;
    }
    if (r->status == HAWSE_OK && !is_block(leg, r)) {
        another_time(leg);
        return;
    }
    int32_t code = r->status == HAWSE_OK
                       ? answer_sent_by(r->body, r->body_len, leg->intent->account->nonces.sender,
                                        leg->nonce.number, hash)
                       : r->status;
    if (code == HAWSE_E_NOTFOUND && leg->proof_high == leg->proof_top &&
        leg->proof_tries++ < PROOF_TRIES) {
        another_time(leg); /* the counts were read a little after the head: it is above it */
    } else if (code == HAWSE_E_NOTFOUND) {
        not_proved(leg);
    } else if (code != HAWSE_OK) {
        another_time(leg);
    } else if (is_ours(leg, hash)) {
        tell(leg, "it is ours and in a block, but a provider has no receipt of it: asked again");
        another_time(leg);
    } else {
        tell(leg, "it was used by a transaction that is not ours: who else has this key?");
        end(leg, LIFE_ON_TAKEN);
    }
}

static void ask_block(struct leg *leg)
{
    char params[48];
    struct desk_ask ask = {.done = on_block, .intent = leg->intent, .leg = leg};
    (void)snprintf(params, sizeof(params), "[\"0x%llx\",true]",
                   (unsigned long long)leg->proof_high);
    if (!desk_ask(leg->intent->chain, &ask, "eth_getBlockByNumber", params, POOL_FRESH,
                  POOL_BACKGROUND, PROOF_MS))
        another_time(leg);
}

/* The first block that was asked about: it is not kept any more, or the nonce was used before it.
 */
static bool out_of_reach(const struct leg *leg, const struct pool_result *r, bool used)
{
    bool first = leg->proof_middle == leg->proof_low;
    return (r->status != HAWSE_OK && r->class == RPC_MISSING_DATA) || (first && used);
}

/* It keeps fewer blocks: the search begins later. */
static bool begin_later(struct leg *leg, const struct pool_result *r)
{
    uint64_t width = leg->proof_high - leg->proof_low;
    if (r->status == HAWSE_OK || r->class != RPC_MISSING_DATA ||
        leg->proof_middle != leg->proof_low || width <= 1)
        return false;
    leg->proof_low += (width + 1) / 2;
    leg->proof_middle = UINT64_MAX;
    search(leg);
    return true;
}

/* The count after the block in the middle. */
static void on_count(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    uint64_t count = 0;
    if (leg->intent->ended || leg->life.state != LIFE_SENT) {
        leg->proving = false;
        return;
    }
    int32_t code = r->status == HAWSE_OK ? answer_u64(r->body, r->body_len, &count) : r->status;
    bool used = code == HAWSE_OK && count > leg->nonce.number;
    bool alone = r->status == HAWSE_E_AGAIN && chain_quorum(leg->intent->chain) != 0;
    if (begin_later(leg, r) || (alone && leg_alone(leg)))
        return;
    if (out_of_reach(leg, r, used)) {
        not_proved(leg);
        return;
    }
    if (code != HAWSE_OK) {
        another_time(leg);
        return;
    }
    if (used)
        leg->proof_high = leg->proof_middle;
    else
        leg->proof_low = leg->proof_middle;
    search(leg);
}

static void search(struct leg *leg)
{
    char address[43] = "0x", params[96];
    struct desk_ask ask = {.done = on_count, .intent = leg->intent, .leg = leg};
    if (leg->proof_middle != UINT64_MAX && leg->proof_high - leg->proof_low <= 1) {
        ask_block(leg);
        return;
    }
    leg->proof_middle = leg->proof_middle == UINT64_MAX
                            ? leg->proof_low
                            : leg->proof_low + (leg->proof_high - leg->proof_low) / 2;
    hawse_hex_encode(leg->intent->account->nonces.sender, 20, address + 2);
    address[42] = '\0';
    (void)snprintf(params, sizeof(params), "[\"%s\",\"0x%llx\"]", address,
                   (unsigned long long)leg->proof_middle);
    if (!desk_ask(leg->intent->chain, &ask, "eth_getTransactionCount", params,
                  POOL_FRESH | chain_quorum(leg->intent->chain), POOL_BACKGROUND, PROOF_MS))
        another_time(leg);
}

void leg_prove(struct leg *leg)
{
    uint64_t head = leg->intent->chain->head.number;
    if (leg->proving)
        return;
    leg->proving = true;
    leg->proof_high = leg->gone_head; /* the count was above the nonce there, or just behind it */
    leg->proof_top = leg->proof_high;
    leg->proof_low = head > PROOF_BLOCKS ? head - PROOF_BLOCKS : 0;
    if (leg->proof_low >= leg->proof_high)
        leg->proof_low = leg->proof_high > 0 ? leg->proof_high - 1 : 0;
    leg->proof_middle = UINT64_MAX;
    search(leg);
}
