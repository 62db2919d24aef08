/*
 * From steps and receipts to results; see arb.h. What a trade gained is what its receipts say of
 * our sDAI, not what was predicted: a transaction that succeeded and moved nothing of ours did not
 * do what it was for.
 */
#include "arb.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <string.h>

enum { BACK_OFF_MAX = 64 };

/* keccak-256 of Transfer(address,address,uint256) */
static const uint8_t transfer[32] = {
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
    0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef};

bool outcome_is_end(uint32_t step)
{
    return step == HAWSE_INTENT_REFUSED || step == HAWSE_INTENT_CONFIRMED ||
           step == HAWSE_INTENT_EXPIRED || step == HAWSE_INTENT_FAILED;
}

static bool has(hawse_view_t text, const char *word)
{
    return text.len > 0 && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

/* As core/risk/gate_simulation.c says it. */
static bool by_simulation(hawse_view_t reason)
{
    static const char *const words[] = {"imulat", "revert", "would fail", "would come in",
                                        "would leave the account"};
    bool is = false;
    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        is = is || has(reason, words[i]);
    return is;
}

static const char *class_of(const struct trade *t, hawse_view_t reason)
{
    if (t->step == HAWSE_INTENT_REFUSED && has(reason, "its mode is"))
        return "mode"; /* nothing went wrong: it is not to be sent */
    if (t->step == HAWSE_INTENT_REFUSED)
        return by_simulation(reason) ? "simulation" : "gate";
    if (t->step == HAWSE_INTENT_EXPIRED)
        return "expired";
    if (t->error == HAWSE_E_REMOTE)
        return "reverted";
    return t->error == HAWSE_E_UNKNOWN ? "unknown" : "other";
}

/* Another trade in our pools stood before ours in its block. */
static bool was_fronted(const struct arb *a, uint64_t block, uint32_t tx_index)
{
    for (uint32_t i = 0; i < SEEN; i++) {
        const struct seen_trade *s = &a->seen[i];
        if (s->block == block && block != 0 && s->tx_index < tx_index &&
            memcmp(s->tx_hash, a->trade.hash[0], 32) != 0)
            return true;
    }
    return false;
}

/* After refusals and failures in a row, more and more blocks pass before the next one; a mode that
 * signs nothing is neither. */
static void back_off(struct arb *a, bool succeeded)
{
    uint64_t blocks = a->set.cooldown_blocks;
    a->refusals = succeeded ? 0 : a->trade.unsent_by_mode ? 1 : a->refusals + 1;
    for (uint32_t i = 1; i < a->refusals && blocks < BACK_OFF_MAX && !a->set.aggressive; i++)
        blocks *= 2;
    a->not_before_block = succeeded ? 0 : a->head + blocks;
    a->trade.refused =
        a->trade.step == HAWSE_INTENT_REFUSED && !a->trade.signed_out && !a->trade.unsent_by_mode;
}

/* What was refused or failed went another way than what comes now: nothing waits for it. */
static void begin_anew(struct arb *a)
{
    a->refusals = 0;
    a->not_before_block = 0;
    a->changed = true;
}

void outcome_roll_back(struct arb *a, enum control_reason reason)
{
    bool was = a->control.rolled_back != REASON_NONE;
    uint32_t notices = control_roll_back(&a->control, reason);
    if (was != (a->control.rolled_back != REASON_NONE))
        begin_anew(a);
    for (uint32_t i = 0; i < 2 && reason == REASON_NONE && a->set.executor_set; i++)
        learn_want(a, ASK_CODE, i); /* what was wrong may still be */
    say_notices(a, notices);
}

/* A mode that signs nothing makes no failures of what would have been sent. */
static void remember(struct arb *a, const char *class_of_error, hawse_view_t reason)
{
    a->trade.unsent_by_mode = strcmp(class_of_error, "mode") == 0;
    if (a->trade.unsent_by_mode)
        return;
    struct failure *f = &a->failures[a->failure_count++ % FAILURES];
    uint64_t len = reason.len < sizeof(f->reason) - 1 ? reason.len : sizeof(f->reason) - 1;
    memset(f, 0, sizeof(*f));
    f->number = a->trade.number;
    f->block = a->trade.block;
    (void)snprintf(f->class_of_error, sizeof(f->class_of_error), "%s", class_of_error);
    if (len > 0)
        memcpy(f->reason, reason.data, len);
}

/* A sequence that failed half way leaves what its transactions brought; what tidies up takes that
 * away again. */
static void strand(struct arb *a, bool succeeded)
{
    if (is_cycle(&a->trade.flow) && succeeded)
        return;
    for (uint32_t i = TOKEN_COMPANY; i < MARKET_TOKENS; i++) {
        (void)hawse_u256_add(&a->stranded[i], &a->trade.moved[i], &a->stranded[i]);
        if (hawse_i256_is_negative(&a->stranded[i]))
            a->stranded[i] = hawse_u256(0);
    }
}

/* What tidying up brings is of the arm that left it: sequences alone can. */
static void take_tidied(struct arb *a)
{
    struct control_arm *arm = &a->control.arm[PATH_SEQUENTIAL];
    bool any = false;
    for (uint32_t i = TOKEN_COMPANY; i < MARKET_TOKENS; i++)
        any = any || !hawse_u256_is_zero(&a->stranded[i]);
    if (any)
        (void)hawse_u256_add(&arm->gain, &a->trade.moved[TOKEN_SDAI], &arm->gain);
}

void outcome_done(struct arb *a)
{
    a->ended.run = a->trade.run;
    a->ended.number = a->trade.number;
}

/* Nothing of it was signed, and the market is another one by now: no failure of anybody. What is
 * next is decided at once. */
static void withdraw(struct arb *a)
{
    a->trade.open = a->trade.measuring = false;
    if (is_cycle(&a->trade.flow)) {
        a->control.orders--;
        a->control.last_ns = a->trade.last_ns;
        a->control.fall_back = a->trade.fell_back;
    }
    outcome_done(a);
    say_withdrawn(a);
    a->not_before_block = 0;
    a->changed = true;
}

static void finish(struct arb *a, const char *class_of_error)
{
    struct trade *t = &a->trade;
    bool done = t->step == HAWSE_INTENT_CONFIRMED;
    /* a transaction to an account without the executor's code succeeds and does nothing */
    bool moved = !hawse_u256_is_zero(&t->moved[TOKEN_SDAI]) || !is_cycle(&t->flow);
    struct control_outcome o = {.succeeded = done && moved,
                                .counts = t->signed_out && is_cycle(&t->flow),
                                .may_fall_back =
                                    t->step == HAWSE_INTENT_REFUSED || t->error == HAWSE_E_REMOTE,
                                .gas_used = t->gas_used,
                                .gain = t->moved[TOKEN_SDAI]};
    if (t->included_ns > t->order.at_ns)
        o.delay_ns = t->included_ns - t->order.at_ns;
    t->open = t->measuring = false;
    a->measured += o.succeeded;
    a->exact += o.succeeded && hawse_u256_compare(&o.gain, &t->flow.gain) == 0;
    say_outcome(a, &o, done && !moved ? "other" : class_of_error);
    if (!is_cycle(&t->flow))
        take_tidied(a);
    strand(a, o.succeeded);
    outcome_done(a);
    uint32_t notices = 0;
    if (is_cycle(&t->flow)) {
        notices = control_ended(&a->set.rules, &a->control, &t->order, &o,
                                a->host->now(a->host, HAWSE_CLOCK_UTC));
        if (done && !moved)
            notices |= control_roll_back(&a->control, REASON_CONTRACT);
        say_notices(a, notices);
    }
    back_off(a, o.succeeded);
    if (notices & NOTICE_ROLLED_BACK)
        begin_anew(a);
    a->held_known = 0;
    for (uint32_t i = 0; i < MARKET_TOKENS; i++)
        learn_want(a, ASK_BALANCE, i);
    a->changed = true;
}

/* ---- receipts ---- */

static bool word_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                    uint8_t *out, uint64_t len)
{
    hawse_json_value_t v;
    return hawse_json_get(doc, object, key, &v) == HAWSE_OK &&
           hawse_hex_fixed(v.data, v.len, out, len) == HAWSE_OK;
}

static uint64_t number_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *key)
{
    hawse_json_value_t v;
    uint64_t n = 0;
    if (hawse_json_get(doc, object, key, &v) != HAWSE_OK ||
        hawse_hex_u64(v.data, v.len, &n) != HAWSE_OK)
        return 0;
    return n;
}

/* What a Transfer of one of the market's tokens did to our account. */
static void take_log(struct arb *a, const hawse_json_t *doc, hawse_json_value_t *log)
{
    hawse_json_value_t topics, topic;
    uint8_t address[20], word[3][32], data[32];
    uint32_t token = 0;
    hawse_u256_t n;
    if (!word_of(doc, log, "address", address, 20))
        return;
    while (token < MARKET_TOKENS && memcmp(address, a->set.places.token[token], 20) != 0)
        token++;
    if (token == MARKET_TOKENS || hawse_json_get(doc, log, "topics", &topics) != HAWSE_OK ||
        !word_of(doc, log, "data", data, 32))
        return;
    for (int i = 0; i < 3; i++) {
        if (hawse_json_next(doc, &topics, NULL, &topic) != 1 ||
            hawse_hex_fixed(topic.data, topic.len, word[i], 32) != HAWSE_OK)
            return;
    }
    if (memcmp(word[0], transfer, 32) != 0)
        return;
    hawse_u256_from_be(data, &n);
    if (memcmp(word[2] + 12, a->set.places.account, 20) == 0)
        (void)hawse_u256_add(&a->trade.moved[token], &n, &a->trade.moved[token]);
    if (memcmp(word[1] + 12, a->set.places.account, 20) == 0)
        (void)hawse_u256_sub(&a->trade.moved[token], &n, &a->trade.moved[token]);
}

/* What a transaction used of gas, and what that cost, whatever became of it. */
static void take_cost(struct trade *t, const hawse_json_t *doc, hawse_json_value_t *root)
{
    uint64_t used = number_of(doc, root, "gasUsed");
    hawse_u256_t gas = hawse_u256(used), one = hawse_u256(1);
    hawse_u256_t wei = hawse_u256(number_of(doc, root, "effectiveGasPrice"));
    t->gas_used += used;
    if (hawse_u256_mul_div(&wei, &gas, &one, 0, &wei) == HAWSE_OK)
        (void)hawse_u256_add(&t->fees, &wei, &t->fees);
}

static const char *measured_class(const struct trade *t)
{
    return class_of(t, (hawse_view_t){NULL, 0});
}

void outcome_receipt(struct arb *a, uint32_t item, const hawse_json_t *doc,
                     hawse_json_value_t *root)
{
    struct trade *t = &a->trade;
    hawse_json_value_t logs, log;
    if (!t->measuring || !root || item >= ARB_LEGS || !t->hash_set[item])
        return;
    take_cost(t, doc, root);
    uint64_t block = number_of(doc, root, "blockNumber");
    uint64_t index = number_of(doc, root, "transactionIndex");
    if (hawse_json_get(doc, root, "logs", &logs) == HAWSE_OK && logs.kind == HAWSE_JSON_ARRAY) {
        while (hawse_json_next(doc, &logs, NULL, &log) == 1)
            take_log(a, doc, &log);
    }
    t->hash_set[item] = false;
    if (t->legs_read + 1 < t->legs) {
        t->legs_read++;
        return;
    }
    bool worse = t->step != HAWSE_INTENT_CONFIRMED ||
                 hawse_i256_compare(&t->moved[TOKEN_SDAI], &t->flow.gain) < 0;
    if (worse && was_fronted(a, block, (uint32_t)index)) {
        say(a, HAWSE_LOG_WARN, "another trade in these pools stood before ours in block %llu",
            (unsigned long long)block);
        if (a->metrics)
            (void)a->metrics->add(a->host, a->self, a->m.fronted, 1);
    }
    finish(a, measured_class(t));
}

/* ---- steps ---- */

/* What the host says of the gas of a transaction beside its simulation; see core/tx/accuracy.h. */
static void take_accuracy(struct trade *t, hawse_view_t reason)
{
    static const char key[] = "\"off_ppm\":";
    const char *at = reason.len > 0 ? memmem(reason.data, reason.len, key, sizeof(key) - 1) : NULL;
    const char *end = at ? (const char *)reason.data + reason.len : NULL;
    int64_t ppm = 0;
    if (!at)
        return;
    at += sizeof(key) - 1;
    bool minus = at < end && *at == '-';
    for (at += minus; at < end && *at >= '0' && *at <= '9' && ppm < 1000000000; at++)
        ppm = ppm * 10 + (*at - '0');
    ppm = minus ? -ppm : ppm;
    if ((ppm < 0 ? -ppm : ppm) > (t->gas_off_ppm < 0 ? -t->gas_off_ppm : t->gas_off_ppm))
        t->gas_off_ppm = ppm;
}

/* Receipts of whatever is in a block: their sum is the result. */
static void measure(struct arb *a)
{
    struct trade *t = &a->trade;
    t->legs = t->legs_read = 0;
    for (uint32_t i = 0; i < ARB_LEGS; i++) {
        if (!t->hash_set[i])
            continue;
        t->legs++;
        learn_want(a, ASK_RECEIPT, i);
    }
    t->measuring = t->legs > 0;
}

/* What a step that is not the last one says. */
static void follow(struct arb *a, const hawse_intent_step_t *step, hawse_view_t reason)
{
    struct trade *t = &a->trade;
    t->is_signed |= step->step == HAWSE_INTENT_SIGNED;
    t->signed_out |= step->step == HAWSE_INTENT_SENT;
    if (step->leg >= ARB_LEGS)
        return;
    if (step->step == HAWSE_INTENT_INCLUDED) {
        take_accuracy(t, reason);
        memcpy(t->hash[step->leg], step->reference, 32);
        t->hash_set[step->leg] = true;
        t->included_ns = a->host->now(a->host, HAWSE_CLOCK_UTC);
    }
    if (step->step == HAWSE_INTENT_REORGED)
        t->hash_set[step->leg] = false;
}

static bool is_withdrawn(const struct trade *t, const hawse_intent_step_t *step)
{
    return t->outdated && !t->signed_out && !t->is_signed && step->attempt == 0 &&
           step->step != HAWSE_INTENT_CONFIRMED;
}

void outcome_ended(struct arb *a, const hawse_intent_step_t *step, hawse_view_t reason)
{
    struct trade *t = &a->trade;
    t->open = false;
    t->step = step->step;
    t->error = step->error;
    if (is_withdrawn(t, step)) {
        withdraw(a);
        return;
    }
    if (step->step != HAWSE_INTENT_CONFIRMED) {
        remember(a, class_of(t, reason), reason);
        say(a, t->unsent_by_mode ? HAWSE_LOG_INFO : HAWSE_LOG_WARN, "trade %llu: %.*s",
            (unsigned long long)t->number, (int)(reason.len < 400 ? reason.len : 400),
            reason.len > 0 ? (const char *)reason.data : "");
    }
    measure(a);
    if (!t->measuring)
        finish(a, class_of(t, reason));
}

void outcome_step(struct arb *a, const hawse_event_t *event)
{
    struct trade *t = &a->trade;
    hawse_intent_step_t step;
    memset(&step, 0, sizeof(step));
    memcpy(&step, event->data, event->len < sizeof(step) ? event->len : sizeof(step));
    if (!t->open || step.tag != t->number || event->kind != HAWSE_INTENT_STEP)
        return; /* of an earlier run */
    hawse_view_t reason = {event->data + step.size, step.reason_len};
    follow(a, &step, reason);
    if (outcome_is_end(step.step))
        outcome_ended(a, &step, reason);
}
