/* What came back of questions; see arb.h. Nothing here is believed before its form was checked. */
#include "arb.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <string.h>

enum { RETRY_MS = 500, RETRY_MAX_MS = 30000, BYTES = 32768 };
/* When it is said that a question is answered badly: a receipt may take its time. */
enum { BAD_ANSWER = 2, LATE_RECEIPT = 8 };

/* The hexadecimal text of a value as bytes. */
static bool bytes_of(const hawse_json_value_t *v, uint8_t *out, uint64_t cap, uint64_t *len)
{
    return v->kind == HAWSE_JSON_STRING &&
           hawse_hex_data(v->data, v->len, out, cap, len) == HAWSE_OK;
}

/* ---- the proposal ---- */

static bool all_there(const struct proof *p)
{
    static const uint8_t none[20];
    bool there = true;
    for (int i = 0; i < 2; i++)
        there = there && memcmp(p->collateral[i], none, 20) != 0;
    for (int i = 0; i < PROOF_OUTCOMES; i++)
        there = there && memcmp(p->outcome[i], none, 20) != 0;
    return there;
}

/* False: not yet, or never. */
static bool is_trusted(struct arb *a)
{
    if (!proof_judge(&a->proof, !a->set.check_tokens, a->untrusted)) {
        say(a, HAWSE_LOG_ERROR, "%s: it is not traded", a->untrusted);
        return false;
    }
    a->untrusted[0] = '\0';
    return !a->set.check_tokens || proof_is_whole(&a->proof);
}

/* Outcomes come as YES and NO of collateral 1, then of collateral 2; which of them is sDAI the
 * proposal says. */
static void complete(struct arb *a)
{
    struct bundle_places *at = &a->set.places;
    const struct proof *p = &a->proof;
    if (a->tokens_known || a->untrusted[0] != '\0' || !all_there(p))
        return;
    uint32_t sdai = memcmp(p->collateral[0], a->set.sdai, 20) == 0 ? 0 : 1;
    if (sdai == 1 && memcmp(p->collateral[1], a->set.sdai, 20) != 0) {
        complain(
            a, "neither collateral of the proposal is sDAI: is \"proposal\" right, and \"sdai\"?");
        return;
    }
    if (!is_trusted(a))
        return;
    memcpy(at->token[TOKEN_SDAI], p->collateral[sdai], 20);
    memcpy(at->token[TOKEN_COMPANY], p->collateral[1 - sdai], 20);
    memcpy(at->token[TOKEN_YES_SDAI], p->outcome[2 * sdai], 40);
    memcpy(at->token[TOKEN_YES_COMPANY], p->outcome[2 * (1 - sdai)], 40);
    a->tokens_known = true;
    learn_want(a, ASK_RATE, 0);
    for (uint32_t i = 0; i < MARKET_TOKENS; i++)
        learn_want(a, ASK_BALANCE, i);
    for (uint32_t i = PROOF_FACTORY; i < PROOF_QUESTIONS && a->set.check_tokens; i++)
        learn_want(a, ASK_PROOF, i);
    world_match(a);
    say(a, HAWSE_LOG_INFO, "the proposal's tokens are known");
}

static bool take_address(struct arb *a, enum ask what, uint32_t item, const uint8_t *d,
                         uint64_t len)
{
    bool good;
    if (what == ASK_COLLATERAL)
        good = len >= 32 && hawse_abi_address(d, a->proof.collateral[item]) == HAWSE_OK;
    else
        good = proof_take_outcome(&a->proof, item, d, len) == HAWSE_OK;
    if (good)
        complete(a);
    return good;
}

static bool take_proof(struct arb *a, uint32_t item, const uint8_t *d, uint64_t len)
{
    if (proof_take(&a->proof, (enum proof_question)item, d, len) != HAWSE_OK)
        return false;
    if (item >= PROOF_POOL)
        world_match(a);
    else
        complete(a);
    return true;
}

/* ---- ticks ---- */

static bool take_log(struct arb *a, struct ticks *t, const hawse_json_t *doc,
                     hawse_json_value_t *log)
{
    hawse_json_value_t topics, topic[4], data;
    uint8_t word[4][32], body[256];
    uint64_t len = 0;
    int64_t bottom = 0, top = 0;
    hawse_u256_t delta;
    (void)a;
    if (hawse_json_get(doc, log, "topics", &topics) != HAWSE_OK ||
        hawse_json_get(doc, log, "data", &data) != HAWSE_OK ||
        !bytes_of(&data, body, sizeof(body), &len))
        return false;
    for (uint32_t i = 0; i < 4; i++) {
        if (hawse_json_next(doc, &topics, NULL, &topic[i]) != 1 ||
            hawse_hex_fixed(topic[i].data, topic[i].len, word[i], 32) != HAWSE_OK)
            return false;
    }
    bool mint = len == 128; /* the sender stands before the amounts; a burn has none */
    if ((!mint && len != 96) || hawse_abi_i64(word[2], 24, &bottom) != HAWSE_OK ||
        hawse_abi_i64(word[3], 24, &top) != HAWSE_OK ||
        hawse_abi_uint(body + (mint ? 32 : 0), 128, &delta) != HAWSE_OK)
        return false;
    if (!mint)
        hawse_i256_negate(&delta, &delta);
    return ticks_add(t, (int32_t)bottom, (int32_t)top, &delta) == HAWSE_OK;
}

static bool take_ticks(struct arb *a, uint32_t item, const hawse_json_t *doc,
                       hawse_json_value_t *list)
{
    struct told_leg *leg = &a->leg[item];
    hawse_json_value_t log;
    if (list->kind != HAWSE_JSON_ARRAY)
        return false;
    while (hawse_json_next(doc, list, NULL, &log) == 1) {
        if (!take_log(a, &leg->ticks, doc, &log)) {
            complain(a, "a pool's Mint or Burn log cannot be read, or it has too many ticks");
            leg->ticks.lost = 1;
            return true; /* asking again changes nothing */
        }
    }
    leg->next_block = leg->asked_to + 1;
    leg->ticks_read = leg->next_block > leg->ticks_block;
    if (!leg->ticks_read)
        learn_want(a, ASK_TICKS, item);
    world_leg(a, item);
    return true;
}

/* ---- numbers ---- */

static bool take_fee(struct arb *a, uint32_t item, const uint8_t *d, uint64_t len)
{
    uint64_t fee = 0;
    if (len < 64 || hawse_abi_u64(d + 32, 16, &fee) != HAWSE_OK)
        return false;
    if (a->leg[item].quoted_fee != fee) {
        a->leg[item].quoted_fee = (uint32_t)fee;
        world_leg(a, item);
        decide_outdated(a);
    }
    return true;
}

static bool take_number(struct arb *a, enum ask what, uint32_t item, const uint8_t *d, uint64_t len)
{
    hawse_u256_t n;
    if (len < 32)
        return false;
    hawse_u256_from_be(d, &n);
    if (what == ASK_RATE) {
        a->rate = n;
        a->changed = true;
        return !hawse_u256_is_zero(&n);
    }
    a->held[item] = n;
    a->held_known |= 1u << item;
    a->changed = true;
    return true;
}

/* ---- code ---- */

static void take_code(struct arb *a, uint32_t item, const uint8_t *d, uint64_t len)
{
    static const uint8_t delegated[3] = {0xef, 0x01, 0x00};
    uint8_t hash[32];
    bool good = len > 0;
    if (item == 0 && a->set.hash_set) {
        hawse_keccak256(d, len, hash);
        good = good && memcmp(hash, a->set.executor_hash, 32) == 0;
    } else if (item == 1) {
        good = len == 0 || (len == 23 && memcmp(d, delegated, 3) == 0 &&
                            memcmp(d + 3, a->set.executor, 20) == 0);
    }
    if (item == 0) {
        a->changed |= good && !a->code_good;
        a->code_good = good;
    }
    if (!good) {
        complain(a, item == 0 ? "the executor's code is not what executor_code_hash says"
                              : "the account's code is delegated to somebody else");
        outcome_roll_back(a, REASON_CONTRACT);
    }
}

/* ---- answers ---- */

static bool take(struct arb *a, enum ask what, uint32_t item, const hawse_json_t *doc,
                 hawse_json_value_t *v)
{
    uint8_t d[BYTES];
    uint64_t len = 0;
    if (what == ASK_TICKS)
        return take_ticks(a, item, doc, v);
    if (what == ASK_RECEIPT) {
        outcome_receipt(a, item, doc, v->kind == HAWSE_JSON_OBJECT ? v : NULL);
        return v->kind == HAWSE_JSON_OBJECT || !a->trade.measuring;
    }
    if (!bytes_of(v, d, sizeof(d), &len))
        return false;
    if (what == ASK_OUTCOME || what == ASK_COLLATERAL)
        return take_address(a, what, item, d, len);
    if (what == ASK_PROOF)
        return take_proof(a, item, d, len);
    if (what == ASK_FEE)
        return take_fee(a, item, d, len);
    if (what == ASK_CODE) {
        take_code(a, item, d, len);
        return true;
    }
    return take_number(a, what, item, d, len);
}

/* A range of logs that the node refuses is asked for in halves. */
static void again(struct arb *a, enum ask what, uint32_t item, struct question *q)
{
    uint64_t ms = (uint64_t)RETRY_MS << (q->failures < 6 ? q->failures : 6);
    if (what == ASK_TICKS && a->leg[item].range > 1)
        a->leg[item].range /= 2;
    q->failures++;
    q->wanted = true;
    q->retry_ns = a->host->now(a->host, HAWSE_CLOCK_MONOTONIC) +
                  (ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS) * 1000000ull;
}

/* In the operator's words; each with an item. */
static const char *name_of(enum ask what)
{
    static const char *const names[ASKS] = {
        [ASK_OUTCOME] = "the proposal's wrappedOutcome",
        [ASK_COLLATERAL] = "the proposal's collateral",
        [ASK_RATE] = "convertToAssets of sDAI",
        [ASK_TICKS] = "Mint and Burn logs of pool",
        [ASK_FEE] = "the quoter's fee of pool",
        [ASK_BALANCE] = "balanceOf of token",
        [ASK_CODE] = "code of the executor (0) or the account (1)",
        [ASK_RECEIPT] = "the receipt of transaction",
        [ASK_PROOF] = "what the tokens and pools have to be (check_tokens)"};
    return names[what];
}

void answer(struct arb *a, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    hawse_json_t doc;
    hawse_json_value_t v;
    memcpy(&done, event->data, sizeof(done));
    enum ask what = (enum ask)(done.tag >> 8);
    uint32_t item = (uint32_t)(done.tag & 0xff);
    if (what >= ASKS || item >= ASK_ITEMS || !a->ask[what][item].asked ||
        a->ask[what][item].request != done.request)
        return; /* canceled */
    struct question *q = &a->ask[what][item];
    q->asked = false;
    a->asking--;
    const uint8_t *body = event->data + sizeof(done);
    if (done.status == HAWSE_OK &&
        hawse_json_index(&doc, body, done.body_len, a->marks, ARB_MARKS) == HAWSE_OK &&
        hawse_json_root(&doc, &v) == HAWSE_OK && take(a, what, item, &doc, &v)) {
        q->failures = 0;
        return;
    }
    if (q->failures == (what == ASK_RECEIPT ? LATE_RECEIPT : BAD_ANSWER))
        complain(a, "%s %u is answered badly again and again: %.*s", name_of(what), item,
                 (int)(done.body_len < 200 ? done.body_len : 200), (const char *)body);
    again(a, what, item, q);
}
