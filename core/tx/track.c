/*
 * What became of what was sent. Asked of the chain at each head, by receipts of any attempt of a
 * nonce; the word of a provider about a pool counts for nothing but sending once more.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <hawse/service/intent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { RECEIPT_MS = 5000, FREE_BLOCKS = 2, WANTED_BLOCKS = 8 };

static uint32_t confirmations(const struct desk_intent *intent)
{
    uint32_t own = intent->body->public.confirmations;
    uint32_t least = intent->chain->config->tx.confirmations;
    return own > least ? own : least;
}

uint64_t intent_deep(const struct desk_intent *intent)
{
    const struct desk_chain *chain = intent->chain;
    uint64_t head = chain->head.number, least = confirmations(intent);
    if (chain->config->tx.finality == FINALITY_DEPTH || chain->final_block == 0)
        return head + 1 > least ? head + 1 - least : 0; /* its own counts */
    least = intent->body->public.confirmations;
    uint64_t deep = head > least ? head - least : 0;
    return deep < chain->final_block ? deep : chain->final_block;
}

static bool deep(const struct desk_intent *intent, uint64_t number)
{
    return number <= intent_deep(intent);
}

/* The leg was looked at after a restart. */
static void known(struct leg *leg)
{
    struct desk_chain *chain = leg->intent->chain;
    if (!leg->restored)
        return;
    leg->restored = false;
    if (--chain->unready > 0)
        return;
    log_line(chain->desk->logger, HAWSE_LOG_INFO, "tx",
             "%s: what earlier runs sent is reconciled; intents are taken", chain->config->name);
    __atomic_store_n(&chain->ready, 1, __ATOMIC_RELEASE);
}

static void mark_attempts(struct leg *leg, uint32_t mined, uint32_t others)
{
    struct desk *desk = leg->intent->desk;
    struct fault fault = {0};
    for (uint32_t i = 0; i < leg->attempt_count && desk_group(desk); i++) {
        bool current = leg->attempts[i].nonce == leg->attempts[leg->attempt_count - 1].nonce;
        uint32_t state = mined != UINT32_MAX && i == leg->mined ? mined : others;
        if (current && journal_attempt_state(desk->journal, leg->intent->number, leg->index, i + 1,
                                             state, &fault) != HAWSE_OK)
            desk_broke(desk, &fault);
    }
}

/* ---- receipts ---- */

/* Of a block that is not the chain's: its provider stands on another branch, is behind a
 * reorganisation, or has a block that is not seen yet. What comes next is simulated on the head: a
 * head without this transaction would show it an account that never had what it brought. */
static bool elsewhere(const struct desk_chain *chain, const struct answer_receipt *receipt)
{
    return !chain_has(chain, receipt->block, receipt->block_hash);
}

static void found(struct leg *leg, uint32_t i, const struct answer_receipt *receipt)
{
    if (elsewhere(leg->intent->chain, receipt))
        return; /* asked again at the next head */
    bool same = leg->life.state == LIFE_INCLUDED && leg->mined == i &&
                memcmp(leg->receipt.block_hash, receipt->block_hash, 32) == 0;
    leg->gone_head = 0;
    /* the count is another question, and may be another provider's word */
    if (same && deep(leg->intent, receipt->block) &&
        leg->intent->account->latest > leg->attempts[i].nonce) {
        leg_on(leg, LIFE_ON_CONFIRMED);
        return;
    }
    if (same)
        return;
    leg->receipt = *receipt;
    leg->mined = i;
    mark_attempts(leg, JOURNAL_MINED, JOURNAL_REPLACED);
    leg_event(leg, &(struct life_event){.what = LIFE_ON_INCLUDED,
                                        .wanted = !leg->attempts[i].empty,
                                        .succeeded = receipt->succeeded});
    if (receipt->succeeded)
        alarms_gas(leg->intent->chain, leg->attempts[i].gas_simulated, receipt->gas_used);
    watch_included(leg);
}

/* No attempt has a receipt. */
static void none_found(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    uint64_t head = intent->chain->head.number;
    if (leg->life.state == LIFE_INCLUDED) {
        leg->sent_ns = loop_now(intent->desk->loop);
        leg->sent_head = head;
        mark_attempts(leg, UINT32_MAX, JOURNAL_SENT);
        leg_on(leg, LIFE_ON_REORGANIZED);
        return;
    }
    if (intent->account->latest <= leg->nonce.number)
        return; /* not used after all: a reorganisation */
    if (leg->gone_head == 0 || leg->gone_head > head)
        leg->gone_head = head;
    if (!deep(intent, leg->gone_head))
        return;
    if (leg->by_quorum || chain_quorum(intent->chain) == 0)
        leg_prove(leg);
    leg->by_quorum = true;
}

void leg_superseded(struct leg *leg, uint32_t state)
{
    mark_attempts(leg, UINT32_MAX, state);
}

/* Later transactions of the intent may spend what this one brought in, and the day's limits hold
 * for what it took. More than there is room for is not known: then later transactions may spend
 * nothing of it, and it counts at its most. */
static void note_moved(struct leg *leg, const struct pool_result *r)
{
    const struct desk_intent *intent = leg->intent;
    struct sim_result *logs = &intent->desk->scratch->receipt;
    leg->moved_count = 0;
    leg->moved_known =
        sim_receipt(r->body, r->body_len, intent_subject(intent), logs) == HAWSE_OK &&
        logs->flow_count <= DESK_MOVED;
    for (uint32_t i = 0; leg->moved_known && i < logs->flow_count; i++) {
        struct risk_moved *m = &leg->moved[leg->moved_count++];
        *m = (struct risk_moved){.out = logs->flows[i].out, .in = logs->flows[i].in};
        memcpy(m->asset, logs->flows[i].asset, 20);
    }
}

/* All answers about its attempts are there. */
static void round_over(struct leg *leg)
{
    bool by_quorum = leg->by_quorum, none = leg->receipts_null == leg->receipts_wanted;
    if (!leg->receipt_found && none)
        none_found(leg);
    if (by_quorum)
        leg->by_quorum = false; /* receipts differ in their words: the next round takes any */
    if (leg->receipts_alone && leg->life.state == LIFE_SENT && leg_alone(leg))
        return;
    if (leg->receipt_found || none)
        known(leg);
}

static void on_receipt(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    struct answer_receipt receipt;
    int32_t code = r->status;
    leg->receipts_asked--;
    leg->receipts_alone |= code == HAWSE_E_AGAIN && leg->by_quorum;
    if (code == HAWSE_OK)
        code = answer_receipt(r->body, r->body_len, &receipt);
    if (code == HAWSE_OK && memcmp(receipt.hash, leg->attempts[ask->number].hash, 32) == 0) {
        note_moved(leg, r);
        code = safe_receipt(leg, ask->number, r, &receipt);
    } else if (r->class == RPC_NOT_YET) {
        code = HAWSE_E_NOTFOUND;
    }
    if (leg->intent->ended)
        return;
    if (code == HAWSE_OK && memcmp(receipt.hash, leg->attempts[ask->number].hash, 32) == 0) {
        leg->receipt_found = true;
        found(leg, ask->number, &receipt);
    } else if (code == HAWSE_E_NOTFOUND) {
        leg->receipts_null++;
    }
    if (leg->receipts_asked == 0)
        round_over(leg);
}

static void ask_receipts(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    char params[80] = "[\"0x";
    uint64_t nonce = leg->attempts[leg->attempt_count - 1].nonce;
    if (leg->receipts_asked > 0)
        return;
    leg->receipts_null = 0;
    leg->receipts_wanted = 0;
    leg->receipt_found = leg->receipts_alone = false;
    for (uint32_t i = leg->attempt_count; i-- > 0 && leg->attempts[i].nonce == nonce;) {
        struct desk_ask ask = {.done = on_receipt, .intent = intent, .leg = leg, .number = i};
        hawse_hex_encode(leg->attempts[i].hash, 32, params + 4);
        memcpy(params + 68, "\"]", 3);
        leg->receipts_wanted++;
        uint32_t flags = POOL_FRESH | (leg->by_quorum ? chain_quorum(intent->chain) : 0);
        if (desk_ask(intent->chain, &ask, "eth_getTransactionReceipt", params, flags, POOL_DECISION,
                     RECEIPT_MS))
            leg->receipts_asked++;
    }
}

/* ---- each head ---- */

static bool stuck(const struct leg *leg)
{
    const struct desk_chain *chain = leg->intent->chain;
    return chain->head.number >= leg->sent_head + DESK_STUCK_BLOCKS &&
           loop_now(chain->desk->loop) >= leg->sent_ns + chain->desk->stuck_ns;
}

/* Its nonce is not used yet. */
static void pending(struct leg *leg)
{
    const struct desk_account *account = leg->intent->account;
    uint64_t head = leg->intent->chain->head.number;
    uint64_t nonce = leg->nonce.number;
    leg->gone_head = 0;
    if (leg->restored) {
        known(leg);
        leg_on(leg, LIFE_ON_MISSING);
        return;
    }
    if (leg->underpriced && head > leg->sent_head) {
        leg->underpriced = false;
        leg_on(leg, LIFE_ON_UNDERPRICED);
        return;
    }
    if (private_pending(leg))
        return;
    if (nonce == account->latest && stuck(leg)) {
        leg->sent_ns = loop_now(leg->intent->desk->loop); /* again as long after this */
        leg->sent_head = head;
        leg_on(leg, LIFE_ON_STUCK);
        return;
    }
    bool unseen = nonce >= account->pending && head > leg->sent_head;
    uint64_t wait = unseen ? 1 : DESK_RESEND_BLOCKS * 3;
    if (head >= leg->sent_head + wait && head >= leg->resent_head + wait)
        leg_on(leg, LIFE_ON_MISSING);
}

static void track(struct leg *leg)
{
    const struct desk_chain *chain = leg->intent->chain;
    if (leg->life.state == LIFE_SENT && leg->attempt_count > 0) {
        if (leg->nonce.number < leg->intent->account->latest)
            ask_receipts(leg);
        else
            pending(leg);
    } else if (leg->life.state == LIFE_INCLUDED) {
        if (deep(leg->intent, leg->receipt.block) ||
            !chain_has(chain, leg->receipt.block, leg->receipt.block_hash))
            ask_receipts(leg);
    }
}

/* ---- holes ---- */

static bool is_filled(const struct desk_account *account, uint64_t number)
{
    for (const struct desk_intent *in = account->chain->intents; in; in = in->next) {
        if (in->filler && in->account == account && in->fill == number)
            return true;
    }
    return false;
}

void account_fill(struct desk_account *account, uint64_t number, bool take)
{
    struct desk_chain *chain = account->chain;
    struct desk *desk = chain->desk;
    struct intent *body = NULL;
    struct desk_intent *intent = NULL;
    struct fault fault = {0};
    uint64_t salt = 0;
    char id[65];
    hawse_intent_call_t call = {.size = sizeof(call)};
    if (is_filled(account, number))
        return;
    memcpy(call.to, account->nonces.sender, 20);
    if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
        return; /* the next look finds it again */
    (void)snprintf(id, sizeof(id), "fill-%llu-%016llx", (unsigned long long)number,
                   (unsigned long long)salt);
    hawse_intent_t in = {.size = sizeof(in),
                         .kind = HAWSE_INTENT_EVM_CALLS,
                         .id = hawse_text(id),
                         .chain = hawse_text(chain->config->name),
                         .account = hawse_text(account->key->name),
                         .call_count = 1,
                         .call_size = sizeof(call),
                         .calls = &call,
                         .note = hawse_text("closes a hole in the account's nonces")};
    if (intent_copy(&in, &body, &fault) != HAWSE_OK ||
        desk_intent_new(desk, body, DESK_OWN, &intent, &fault) != HAWSE_OK) {
        log_fault(desk->logger, HAWSE_LOG_ERROR, "tx", &fault);
        return;
    }
    intent->filler = true;
    intent->fill = number;
    intent->take = take;
    if (!desk_journal_add(intent)) {
        desk_forget(intent);
        return;
    }
    desk->counts.fillers++;
    log_line(desk->logger, HAWSE_LOG_WARN, "tx", "%s: nonce %llu of %s is %s: it is filled",
             chain->config->name, (unsigned long long)number, account->key->name,
             take ? "given up by the operator" : "a hole");
    intent_plan(intent);
}

/* Of this account: the highest nonce that one of our transactions has. */
static bool has_above(const struct desk_account *account, uint64_t number)
{
    for (const struct desk_intent *in = account->chain->intents; in; in = in->next) {
        for (uint32_t i = 0; in->account == account && in->legs && i < in->plan->count; i++) {
            if (in->legs[i].has_nonce && in->legs[i].nonce.number >= number)
                return true;
        }
    }
    return false;
}

static void on_rewound(void *ctx, const struct nonce_answer *answer)
{
    struct desk_account *account = ctx;
    if (answer->status != HAWSE_OK) {
        account->no_rewind = answer->next; /* from now on its holes are filled */
        return;
    }
    account->top = answer->next;
    log_line(account->chain->desk->logger, HAWSE_LOG_WARN, "tx",
             "%s: a provider told a count of %s that was too high: its next nonce is %llu again",
             account->chain->config->name, account->key->name, (unsigned long long)answer->next);
}

/* Nobody had a number from this one on: they were skipped by a provider's word that is not true any
 * more, and are taken back, since to fill them costs money. */
static bool take_back(struct desk_account *account, const struct nonce_answer *answer,
                      uint64_t hole)
{
    if (account->no_rewind == answer->next || has_above(account, hole))
        return false;
    nonce_rewind(account->chain->desk->nonces, &account->nonces, answer->next, hole, on_rewound,
                 account);
    return true;
}

static bool has_open(const struct desk_account *account, uint64_t number)
{
    for (const struct desk_intent *in = account->chain->intents; in; in = in->next) {
        for (uint32_t i = 0; in->account == account && in->legs && i < in->plan->count; i++) {
            const struct leg *leg = &in->legs[i];
            if (leg->attempt_count > 0 && leg->attempts[leg->attempt_count - 1].nonce == number)
                return true;
        }
    }
    return false;
}

/* What was sent and no pool shows is looked after by its transaction, which knows whether it may be
 * public (see pending()). One that none of ours has is of another host, or of nobody: each is told
 * once, the lowest first. */
static void unseen(struct desk_account *account, const struct nonce_gap *gap)
{
    const struct desk_chain *chain = account->chain;
    const char *name = account->key->name;
    bool shared = nonce_mode(chain->desk->nonces) != NONCE_LOCAL;
    char hash[65] = "", remedy[320] = "is its block gone, or who else has this key?";
    if (gap->number < account->orphan || has_open(account, gap->number))
        return;
    account->orphan = gap->number + 1;
    hawse_hex_encode(gap->hash, 32, hash);
    if (shared)
        (void)snprintf(remedy, sizeof(remedy),
                       "another host's with this key has to send it again. If that host will not "
                       "come back: hawse fill-nonce %s %s %llu",
                       chain->config->name, name, (unsigned long long)gap->number);
    log_line(chain->desk->logger, HAWSE_LOG_WARN, "tx",
             "%s: nonce %llu of %s was sent as 0x%s, no pool shows it, and no open intent of this "
             "host has it: %s",
             chain->config->name, (unsigned long long)gap->number, name, hash, remedy);
}

static void on_gaps(void *ctx, const struct nonce_answer *answer)
{
    struct desk_account *account = ctx;
    if (answer->status != HAWSE_OK)
        return;
    account->top = answer->next;
    for (size_t i = 0; i < answer->gap_count; i++) {
        const struct nonce_gap *gap = &answer->gaps[i];
        if (gap->trouble == NONCE_UNSEEN)
            unseen(account, gap);
        else if (is_filled(account, gap->number))
            continue;
        else if (take_back(account, answer, gap->number))
            return; /* no other is looked at: the list is of before */
        else
            account_fill(account, gap->number, false);
    }
}

/* Does somebody ask for a nonce in a moment? The lowest free one is taken then, and need not be
 * filled. */
static bool is_wanting(const struct desk_account *account)
{
    for (const struct desk_intent *in = account->chain->intents; in; in = in->next) {
        bool looked_at = in->account == account && in->legs && !in->filler;
        for (uint32_t i = 0; looked_at && i < in->plan->count; i++) {
            if (in->legs[i].life.state == LIFE_SIMULATING ||
                in->legs[i].life.state == LIFE_RESERVING)
                return true;
        }
    }
    return false;
}

/* At what is more than its transactions. */
static void look(struct desk_intent *intent)
{
    if (intent->safe)
        safe_look(intent);
    else if (bundle_is(intent))
        bundle_look(intent);
}

void account_track(struct desk_account *account)
{
    struct desk_chain *chain = account->chain;
    struct desk_intent *next;
    uint64_t block_ns = (uint64_t)chain->config->block_ms * DESK_MS;
    for (struct desk_intent *in = chain->intents; in; in = next) {
        next = in->next;
        for (uint32_t i = 0;
             in->account == account && in->legs && !in->ended && i < in->plan->count; i++)
            track(&in->legs[i]);
        if (in->account == account && in->legs && !in->ended)
            look(in);
    }
    if (!desk_group(chain->desk) || !chain->ready)
        return;
    struct nonce_view view = {.latest = account->latest,
                              .pending = account->pending,
                              .sent_age_ns = 3 * block_ns,
                              .free_age_ns =
                                  block_ns * (is_wanting(account) ? WANTED_BLOCKS : FREE_BLOCKS)};
    nonce_gaps(chain->desk->nonces, &account->nonces, &view, on_gaps, account);
}
