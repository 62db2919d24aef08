/* What a proposal is, asked of its contract; see futarchy.h. */
#include "futarchy.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 500, RETRY_MAX_MS = 30000, ANSWER_MAX = 16384, PARAMS = 320, MARKS = 64 };
enum { FAILED_OFTEN = 8, COMPLAIN_MS = 10000 };

static const uint64_t MS = 1000000u;

/* ---- questions ---- */

/* FutarchyProposal.sol, ConditionalTokens.sol: selectors, and arguments where there are any */
static void write_call(const struct proposal *p, char data[160])
{
    char condition[64];
    hawse_hex_encode(p->is.condition, 32, condition);
    switch (p->step) {
    case ASK_CONDITION:
        (void)snprintf(data, 160, "2ddc7de7"); /* conditionId() */
        break;
    case ASK_COLLATERAL:
        (void)snprintf(data, 160, "4d7b0900"); /* collateralToken1() */
        break;
    case ASK_COLLATERAL + 1:
        (void)snprintf(data, 160, "c4a091d2"); /* collateralToken2() */
        break;
    case ASK_DENOMINATOR:
        (void)snprintf(data, 160, "dd34de67%.64s", condition); /* payoutDenominator(bytes32) */
        break;
    case ASK_PAYOUT:
    case ASK_PAYOUT + 1: /* payoutNumerators(bytes32,uint256) */
        (void)snprintf(data, 160, "0504c814%.64s%064x", condition, p->step - ASK_PAYOUT);
        break;
    default: /* wrappedOutcome(uint256) */
        (void)snprintf(data, 160, "18a988a8%064x", p->step - ASK_OUTCOME);
        break;
    }
}

static bool ask(struct futarchy *f, const struct proposal *p)
{
    char data[160], address[40], params[PARAMS];
    write_call(p, data);
    hawse_hex_encode(p->step >= ASK_DENOMINATOR ? f->conditional_tokens : p->is.proposal + 12, 20,
                     address);
    (void)snprintf(params, sizeof(params), "[{\"to\":\"0x%.40s\",\"data\":\"0x%s\"},\"latest\"]",
                   address, data);
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text("eth_call"),
                             .params = hawse_text(params),
                             .tag = p->step,
                             .max_response = ANSWER_MAX};
    return f->rpc->call(f->host, f->self, &call, &f->request) == HAWSE_OK;
}

/* Said when it happens first, and when it keeps on; of many at once only the first. */
static void complain(struct futarchy *f, const struct proposal *p, const char *why, uint64_t now)
{
    char address[40];
    if (p->failed != 1 && p->failed != FAILED_OFTEN)
        return;
    if (f->complaint_ns != 0 && now - f->complaint_ns < COMPLAIN_MS * MS) {
        f->unsaid++;
        return;
    }
    f->complaint_ns = now;
    hawse_hex_encode(p->is.proposal + 12, 20, address);
    futarchy_say(f, HAWSE_LOG_WARN,
                 "proposal 0x%.40s: question %u of %u is not answered: %s; %s (%u others since the "
                 "last such line)",
                 address, p->step + 1, (unsigned)ASKS, why,
                 p->is.state == HAWSE_PROPOSAL_GONE ? "it is given up" : "it is asked again",
                 f->unsaid);
    f->unsaid = 0;
}

/* It is asked again, later and later; what a factory named and is no contract, not for ever. */
static void put_off(struct futarchy *f, struct proposal *p, const char *why, bool bad)
{
    uint64_t wait = (uint64_t)RETRY_MS << (p->failed < 6 ? p->failed : 6);
    uint64_t now = f->host->now(f->host, HAWSE_CLOCK_MONOTONIC);
    p->failed++;
    p->retry_ns = now + (wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS) * MS;
    if (p->failed == FAILED_OFTEN && !p->named && bad)
        p->is.state = HAWSE_PROPOSAL_GONE; /* never told, so nothing is taken back */
    complain(f, p, why, now);
}

void ask_next(struct futarchy *f)
{
    uint64_t now = f->host->now(f->host, HAWSE_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < f->count && !f->asking; i++) {
        struct proposal *p = &f->all[i];
        if (p->step == ASKS || p->is.state == HAWSE_PROPOSAL_GONE || now < p->retry_ns)
            continue;
        f->asked = i;
        f->asking = ask(f, p);
        if (!f->asking)
            put_off(f, p, "is rpc:eth_call granted, and has the chain an endpoint \"http\"?",
                    false);
    }
}

/* ---- answers ---- */

static bool take_word(struct proposal *p, const uint8_t word[32])
{
    uint8_t *address = p->step < ASK_OUTCOME ? p->is.collateral[(p->step - ASK_COLLATERAL) & 1]
                                             : p->is.outcome[(p->step - ASK_OUTCOME) & 3];
    hawse_u256_t n;
    hawse_u256_from_be(word, &n);
    if (p->step == ASK_CONDITION) {
        memcpy(p->is.condition, word, 32);
        return !hawse_u256_is_zero(&n);
    }
    if (p->step < ASK_DENOMINATOR)
        return !hawse_u256_is_zero(&n) && hawse_abi_address(word, address + 12) == HAWSE_OK;
    if (p->answered) /* its log came meanwhile, and knows better */
        return true;
    if (p->step == ASK_DENOMINATOR)
        p->is.state = hawse_u256_is_zero(&n) ? HAWSE_PROPOSAL_OPEN : HAWSE_PROPOSAL_RESOLVED;
    else
        p->is.payout[p->step - ASK_PAYOUT] = n;
    return true;
}

/* NULL, or why it is no answer. */
static const char *take(struct proposal *p, const hawse_host_rpc_done_t *done, const uint8_t *body)
{
    uint8_t bytes[ANSWER_MAX / 2];
    uint32_t marks[MARKS];
    uint64_t len = 0;
    hawse_json_t doc;
    hawse_json_value_t v;
    if (done->status != HAWSE_OK)
        return "the node has no answer";
    if (hawse_json_index(&doc, body, done->body_len, marks, MARKS) != HAWSE_OK ||
        hawse_json_root(&doc, &v) != HAWSE_OK || v.kind != HAWSE_JSON_STRING ||
        hawse_hex_data(v.data, v.len, bytes, sizeof(bytes), &len) != HAWSE_OK)
        return "the answer is no data";
    if (len < 32)
        return "there is no such contract";
    return take_word(p, bytes) ? NULL : "the answer is none of a proposal's";
}

/* What is open has no payouts: the last two questions are left out. */
static void go_on(struct proposal *p)
{
    p->failed = 0;
    p->step++;
    if (p->step == ASK_PAYOUT && (p->answered || p->is.state != HAWSE_PROPOSAL_RESOLVED))
        p->step = ASKS;
    p->changed = p->step == ASKS;
}

void ask_take(struct futarchy *f, const hawse_event_t *event)
{
    const hawse_host_rpc_done_t *done = (const hawse_host_rpc_done_t *)(const void *)event->data;
    struct proposal *p = &f->all[f->asked];
    if (event->len < sizeof(*done) || !f->asking || done->request != f->request ||
        done->body_len > event->len - sizeof(*done))
        return;
    f->asking = false;
    if (p->is.state == HAWSE_PROPOSAL_GONE || done->tag != p->step)
        return; /* it was made anew meanwhile */
    const char *why = take(p, done, event->data + sizeof(*done));
    if (why)
        put_off(f, p, why, done->status == HAWSE_OK);
    else
        go_on(p);
}
