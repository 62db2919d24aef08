/*
 * What an operator calls on the strategy: `hawse call INSTANCE VERB`; see arb.h. A verb gives no
 * rights: what `once --send` proposes goes through the same control, gates and limits as what the
 * strategy proposes by itself.
 */
#include "arb.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum verb {
    VERB_QUOTE,
    VERB_ONCE,
    VERB_MONITOR,
    VERB_AB,
    VERB_FAILURES,
    VERB_ROLL_BACK,
    VERB_RESUME,
    VERBS
};
enum { TEXT = 16384, MARKS = 64, PANEL = 3 };

static const struct {
    const char *name, *help, *args;
} table[VERBS] = {
    [VERB_QUOTE] = {"quote", "the best trade of both ways now, and what it would gain",
                    "{\"properties\":{\"amount\":{\"type\":\"string\",\"maxLength\":40,"
                    "\"description\":\"sDAI at most; left out: what would be traded\"}}}"},
    [VERB_ONCE] = {"once", "decide once, now; without --send only what would be done is said",
                   "{\"properties\":{\"send\":{\"type\":\"boolean\",\"default\":false}}}"},
    [VERB_MONITOR] = {"monitor", "state, success, gas, gains and errors so far", ""},
    [VERB_AB] = {"ab-report", "bundles beside single transactions", ""},
    [VERB_FAILURES] = {"analyze-failures", "what ended badly, by class, and the last of it", ""},
    [VERB_ROLL_BACK] = {"roll-back", "no bundles from now on: single transactions of safe_amount",
                        ""},
    [VERB_RESUME] = {"resume", "end a rollback: bundles are in use again", ""},
};

/* A text that is cut where there is no more room. */
struct text {
    char data[TEXT];
    uint32_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(t->data + t->len, TEXT - t->len, format, ap);
    va_end(ap);
    if (n > 0)
        t->len = t->len + (uint32_t)n < TEXT ? t->len + (uint32_t)n : TEXT - 1;
}

static void put_amount(struct text *t, const char *name, const hawse_u256_t *n)
{
    char digits[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_i256_decimal(n, digits);
    put(t, "\"%s\":\"%s\"", name, digits);
}

/* Text of others as JSON: what would end a string is left out. */
static void put_words(struct text *t, const char *words)
{
    for (; *words; words++)
        if ((unsigned char)*words >= 0x20 && *words != '"' && *words != '\\')
            put(t, "%c", *words);
}

static void end(struct arb *a, hawse_command_t call, uint32_t status, const struct text *json,
                const struct text *text)
{
    const hawse_command_result_t result = {.size = sizeof(result),
                                           .status = status,
                                           .json = {(const uint8_t *)json->data, json->len},
                                           .text = {(const uint8_t *)text->data, text->len}};
    int32_t code = a->command->end(a->host, a->self, call, &result);
    if (code != HAWSE_OK && code != HAWSE_E_STALE)
        complain(a, "a verb could not be answered: %d", code);
}

/* ---- quotes ---- */

/* Why nothing can be decided now; NULL: it can. */
static const char *why_not(struct arb *a)
{
    if (a->untrusted[0] != '\0')
        return a->untrusted;
    if (!a->tokens_known)
        return "the proposal's tokens are not known yet";
    if (a->over)
        return "the proposal is resolved, or gone";
    if (!a->market.leg[POOL_YES].there || !a->market.leg[POOL_NO].there)
        return "a conditional pool is not known yet: its state, its fee, or all of its liquidity";
    if (!a->spot_good)
        return "the spot pool is not known yet, or is paused";
    if (hawse_u256_is_zero(&a->rate) || a->head == 0)
        return "the chain's head or the rate of sDAI is not known yet";
    if ((a->doubt[0] | a->doubt[1] | a->doubt[2]) != 0)
        return "a sequence of events is not complete";
    return NULL;
}

static void put_flow(struct text *json, struct text *text, const char *way, int32_t code,
                     const struct flow *f)
{
    char in[HAWSE_U256_DECIMAL_MAX + 4], back[HAWSE_U256_DECIMAL_MAX + 4],
        net[HAWSE_U256_DECIMAL_MAX + 4];
    put(json, "\"%s\":", way);
    if (code != HAWSE_OK) {
        put(json, "null");
        put(text, "%s: nothing that gains enough\n", way);
        return;
    }
    put(json, "{");
    put_amount(json, "in", &f->paid);
    put(json, ",");
    put_amount(json, "back", &f->back);
    put(json, ",");
    put_amount(json, "back_at_least", &f->back_min);
    put(json, ",");
    put_amount(json, "company", &f->company);
    put(json, ",");
    put_amount(json, "gain", &f->gain);
    put(json, ",");
    put_amount(json, "net", &f->net);
    put(json, "}");
    put(text, "%s: %s sDAI in, %s back, net %s after gas\n", way, units(&f->paid, in),
        units(&f->back, back), units(&f->net, net));
}

/* What both ways would gain now. False, and the call is answered: it cannot be known. */
static bool put_quotes(struct arb *a, hawse_command_t call, const hawse_u256_t *max_in,
                       struct control_order *order, struct text *json, struct text *text)
{
    struct flow f;
    const char *why = why_not(a);
    if (why) {
        put(json, "{\"ready\":false,\"why\":\"%s\"}", why);
        put(text, "not ready: %s\n", why);
        end(a, call, HAWSE_COMMAND_TROUBLE, json, text);
        return false;
    }
    put(json, "{\"ready\":true,\"block\":%llu,", (unsigned long long)a->head);
    int32_t code = decide_quote(a, FLOW_BUY, max_in, &f, order);
    put_flow(json, text, "buy", code, &f);
    put(json, ",");
    code = decide_quote(a, FLOW_SELL, max_in, &f, order);
    put_flow(json, text, "sell", code, &f);
    return true;
}

static void quote(struct arb *a, hawse_command_t call, const hawse_u256_t *max_in)
{
    struct text json = {.len = 0}, text = {.len = 0};
    struct control_order order;
    if (!put_quotes(a, call, max_in, &order, &json, &text))
        return;
    put(&json, "}");
    end(a, call, HAWSE_COMMAND_GOOD, &json, &text);
}

/* What `once --send` would do, without doing it. */
static void once_dry(struct arb *a, hawse_command_t call)
{
    struct text json = {.len = 0}, text = {.len = 0};
    struct control_order order;
    char most[HAWSE_U256_DECIMAL_MAX + 4];
    if (!put_quotes(a, call, NULL, &order, &json, &text))
        return;
    bool bundle = order.path == PATH_BUNDLE;
    put(&json, ",\"proposed\":false,\"bundle\":%s,\"trial\":%s,", bundle ? "true" : "false",
        order.trial ? "true" : "false");
    put_amount(&json, "at_most", &order.max_in);
    put(&json, "}");
    put(&text, "nothing was proposed: --send proposes the better one, %s, of %s sDAI at most%s\n",
        bundle ? "as one bundle" : "one by one", units(&order.max_in, most),
        order.trial ? " (a trial: the breaker is open)" : "");
    end(a, call, HAWSE_COMMAND_GOOD, &json, &text);
}

/* Why a decision that was asked for has proposed nothing. */
static void put_idle(const struct arb *a, struct text *text)
{
    if (a->trade.open)
        put(text, "nothing was proposed: trade %llu is under way\n",
            (unsigned long long)a->trade.number);
    else if (a->trade.measuring)
        put(text, "nothing was proposed: what trade %llu gained is not known yet\n",
            (unsigned long long)a->trade.number);
    else if (a->head < a->not_before_block)
        put(text, "nothing was proposed: the last trade ended badly, not before block %llu\n",
            (unsigned long long)a->not_before_block);
    else
        put(text, "nothing was proposed: nothing gains enough now\n");
}

static void once(struct arb *a, hawse_command_t call, bool send)
{
    struct text json = {.len = 0}, text = {.len = 0};
    uint64_t before = a->next_number;
    if (!send || why_not(a)) {
        once_dry(a, call);
        return;
    }
    a->changed = true;
    a->control.last_ns = 0; /* the operator does not wait for an interval */
    decide(a);
    bool proposed = a->next_number != before;
    put(&json, "{\"ready\":true,\"proposed\":%s,\"trade\":%llu}", proposed ? "true" : "false",
        (unsigned long long)(proposed ? before : 0));
    if (proposed)
        put(&text, "proposed: trade %llu; the log and `hawse intents` say how it ends\n",
            (unsigned long long)before);
    else
        put_idle(a, &text);
    end(a, call, HAWSE_COMMAND_GOOD, &json, &text);
}

/* ---- reports ---- */

static uint64_t per(uint64_t sum, uint64_t count)
{
    return count > 0 ? sum / count : 0;
}

static void put_arm(struct text *json, struct text *text, const char *name,
                    const struct control_arm *arm)
{
    char gain[HAWSE_U256_DECIMAL_MAX + 4];
    put(json,
        "\"%s\":{\"ended\":%llu,\"succeeded\":%llu,\"gas\":%llu,\"gas_per_cycle\":%llu,"
        "\"delay_ms\":%llu,",
        name, (unsigned long long)arm->ended, (unsigned long long)arm->succeeded,
        (unsigned long long)arm->gas, (unsigned long long)per(arm->gas, arm->succeeded),
        (unsigned long long)per(arm->delay_ns, arm->succeeded) / 1000000u);
    put_amount(json, "gain", &arm->gain);
    put(json, "}");
    put(text,
        "%-12s %6llu ended %6llu succeeded (%llu %%)  gain %s sDAI  %llu gas a cycle  %llu ms to "
        "the block\n",
        name, (unsigned long long)arm->ended, (unsigned long long)arm->succeeded,
        (unsigned long long)per(100 * arm->succeeded, arm->ended), units(&arm->gain, gain),
        (unsigned long long)per(arm->gas, arm->succeeded),
        (unsigned long long)per(arm->delay_ns, arm->succeeded) / 1000000u);
}

static void put_arms(struct arb *a, struct text *json, struct text *text)
{
    const struct control_arm *b = &a->control.arm[PATH_BUNDLE],
                             *s = &a->control.arm[PATH_SEQUENTIAL];
    put_arm(json, text, "bundles", b);
    put(json, ",");
    put_arm(json, text, "one_by_one", s);
    uint64_t bundle = per(b->gas, b->succeeded), single = per(s->gas, s->succeeded);
    if (bundle > 0 && single > 0)
        put(text, "a bundle takes %lld %% less gas\n", 100 - (long long)(100 * bundle / single));
}

static void ab_report(struct arb *a, hawse_command_t call)
{
    struct text json = {.len = 0}, text = {.len = 0};
    put(&json, "{");
    put_arms(a, &json, &text);
    put(&json, "}");
    end(a, call, HAWSE_COMMAND_GOOD, &json, &text);
}

/* Why there are no bundles; NULL: they are in use. */
static const char *why_no_bundles(const struct arb *a)
{
    const struct control_rules *rules = &a->set.rules;
    if (a->control.rolled_back != REASON_NONE)
        return control_reason_text(a->control.rolled_back);
    if (!rules->enabled)
        return "\"enabled\" is false in the configuration";
    if (!rules->bundle_enabled)
        return "\"bundle_enabled\" is false in the configuration";
    return rules->execution == EXECUTE_SEQUENTIAL ? "\"execution\" is sequential" : NULL;
}

/* Something is new, or on its way, that a decision may rest on. */
static bool is_undecided(const struct arb *a)
{
    return a->changed || a->held_known != (1u << MARKET_TOKENS) - 1;
}

/* What was gained of what was put in, in millionths; both of this run. */
static int64_t margin_ppm(const struct arb *a)
{
    hawse_u256_t part, one = hawse_u256(1000000), whole = a->gained;
    bool minus = hawse_i256_is_negative(&whole) != 0;
    uint64_t ppm = 0;
    if (minus)
        hawse_i256_negate(&whole, &whole);
    if (hawse_u256_is_zero(&a->put_in) ||
        hawse_u256_mul_div(&whole, &one, &a->put_in, 0, &part) != HAWSE_OK ||
        hawse_u256_to_u64(&part, &ppm) != HAWSE_OK || ppm > INT32_MAX)
        return 0;
    return minus ? -(int64_t)ppm : (int64_t)ppm;
}

static void put_failure(struct text *json, struct text *text, const struct failure *f)
{
    put(json, "{\"trade\":%llu,\"block\":%llu,\"class\":\"%s\",\"reason\":\"",
        (unsigned long long)f->number, (unsigned long long)f->block, f->class_of_error);
    put_words(json, f->reason);
    put(json, "\"}");
    put(text, "trade %llu, block %llu: %s: ", (unsigned long long)f->number,
        (unsigned long long)f->block, f->class_of_error);
    put_words(text, f->reason);
    put(text, "\n");
}

/* Margins, how often what went wrong, and the last reasons. */
static void put_panels(const struct arb *a, struct text *json, struct text *text)
{
    uint64_t last = a->failure_count < PANEL ? a->failure_count : PANEL;
    int64_t margin = margin_ppm(a);
    char cost[HAWSE_U256_DECIMAL_MAX + 4];
    uint64_t any = 0;
    put(json, ",\"margin_ppm\":%lld,", (long long)margin);
    put_amount(json, "gas_cost", &a->gas_cost);
    put(json, ",\"errors\":{");
    put(text,
        "margin before gas: %s%lld.%04lld %% of what was put in, %llu trades of this run; gas of "
        "all "
        "that was sent: %s sDAI\n",
        margin < 0 ? "-" : "", (long long)(margin < 0 ? -margin : margin) / 10000,
        (long long)(margin < 0 ? -margin : margin) % 10000, (unsigned long long)a->measured,
        units(&a->gas_cost, cost));
    put(text, "errors of this run:");
    for (uint32_t i = 0; i < ARB_ERRORS; i++) {
        put(json, "%s\"%s\":%llu", i ? "," : "", say_error_name(i),
            (unsigned long long)a->errors[i]);
        if (a->errors[i] > 0)
            put(text, " %llu %s", (unsigned long long)a->errors[i], say_error_name(i));
        any += a->errors[i];
    }
    put(text, any > 0 ? "\n" : " none\n");
    put(json, "},\"last_failures\":[");
    for (uint64_t i = 0; i < last; i++) {
        put(json, "%s", i ? "," : "");
        put_failure(json, text, &a->failures[(a->failure_count - 1 - i) % FAILURES]);
    }
    put(json, "]");
}

static void monitor(struct arb *a, hawse_command_t call)
{
    const struct control *c = &a->control;
    struct text json = {.len = 0}, text = {.len = 0};
    const char *why = why_not(a);
    put(&json,
        "{\"ready\":%s,\"head\":%llu,\"open\":%s,\"undecided\":%s,\"not_before\":%llu,"
        "\"breaker_open\":%s,\"failures_in_a_row\":%u,"
        "\"rolled_back\":%u,\"step\":%u,\"level\":%u,\"measured\":%llu,\"exact\":%llu,"
        "\"cycles\":%llu,\"outputs_exact\":%llu,"
        "\"failures\":%llu,",
        why ? "false" : "true", (unsigned long long)a->head,
        a->trade.open || a->trade.measuring ? "true" : "false", is_undecided(a) ? "true" : "false",
        (unsigned long long)a->not_before_block, c->open ? "true" : "false", c->failures,
        (unsigned)c->rolled_back, c->step, c->level, (unsigned long long)a->measured,
        (unsigned long long)a->exact, (unsigned long long)a->cycles,
        (unsigned long long)a->outputs_exact, (unsigned long long)a->failure_count);
    put(&json, "\"day_ended\":%llu,\"day_failed\":%llu,", (unsigned long long)c->day_ended,
        (unsigned long long)c->day_failed);
    put_amount(&json, "day_gain", &c->day_gain);
    put(&json, ",");
    const char *no = why_no_bundles(a);
    put(&json, "\"bundles_in_use\":%s,", no ? "false" : "true");
    put(&text, "%s; block %llu; breaker %s; bundles %s%s\n", why ? why : "ready",
        (unsigned long long)a->head, c->open ? "open" : "closed", no ? "out of use: " : "in use",
        no ? no : "");
    put_arms(a, &json, &text);
    put_panels(a, &json, &text);
    put(&json, "}");
    put(&text,
        "%llu trades gained to the wei what was predicted, of %llu measured; all swaps of %llu "
        "gave "
        "it, of %llu\n",
        (unsigned long long)a->exact, (unsigned long long)a->measured,
        (unsigned long long)a->outputs_exact, (unsigned long long)a->cycles);
    end(a, call,
        c->open || c->rolled_back != REASON_NONE ? HAWSE_COMMAND_TROUBLE : HAWSE_COMMAND_GOOD,
        &json, &text);
}

static void failures(struct arb *a, hawse_command_t call)
{
    struct text json = {.len = 0}, text = {.len = 0};
    uint64_t n = a->failure_count < FAILURES ? a->failure_count : FAILURES;
    put(&json, "{\"failures\":%llu,\"last\":[", (unsigned long long)a->failure_count);
    for (uint64_t i = 0; i < n; i++) {
        put(&json, "%s", i ? "," : "");
        put_failure(&json, &text, &a->failures[(a->failure_count - 1 - i) % FAILURES]);
    }
    put(&json, "]}");
    put(&text, "%llu ended badly in this run\n", (unsigned long long)a->failure_count);
    end(a, call, HAWSE_COMMAND_GOOD, &json, &text);
}

static void switch_bundles(struct arb *a, hawse_command_t call, enum control_reason reason)
{
    struct text json = {.len = 0}, text = {.len = 0};
    outcome_roll_back(a, reason);
    stored_save(a);
    put(&json, "{\"rolled_back\":%u}", (unsigned)a->control.rolled_back);
    const char *no = why_no_bundles(a);
    put(&text, "bundles are %s%s\n", no ? "out of use, single transactions go on: " : "in use",
        no ? no : "");
    end(a, call, HAWSE_COMMAND_GOOD, &json, &text);
}

/* ---- calls ---- */

/* What is quoted for: as `amount` says, or (none) what would be traded. */
static void quote_call(struct arb *a, hawse_command_t call, const hawse_json_t *doc,
                       hawse_json_value_t *args)
{
    struct text json = {.len = 0}, text = {.len = 0};
    hawse_json_value_t v;
    hawse_u256_t amount;
    if (hawse_json_get(doc, args, "amount", &v) != HAWSE_OK) {
        quote(a, call, NULL);
    } else if (hawse_u256_parse_units(v.data, v.len, 18, &amount) == HAWSE_OK &&
               !hawse_u256_is_zero(&amount)) {
        quote(a, call, &amount);
    } else {
        put(&json, "null");
        put(&text, "amount: expected sDAI above 0, as \"12.5\"\n");
        end(a, call, HAWSE_COMMAND_USAGE, &json, &text);
    }
}

static bool flag_of(const hawse_json_t *doc, hawse_json_value_t *args, const char *name)
{
    hawse_json_value_t v;
    return hawse_json_get(doc, args, name, &v) == HAWSE_OK && v.kind == HAWSE_JSON_TRUE;
}

void verbs_call(struct arb *a, const hawse_event_t *event)
{
    hawse_host_command_t c;
    hawse_json_t doc;
    hawse_json_value_t args;
    uint32_t marks[MARKS];
    memcpy(&c, event->data, sizeof(c));
    if (!a->command ||
        hawse_json_index(&doc, event->data + sizeof(c) + c.name_len, c.args_len, marks, MARKS) !=
            HAWSE_OK ||
        hawse_json_root(&doc, &args) != HAWSE_OK)
        return;
    switch ((enum verb)c.tag) {
    case VERB_QUOTE:
        quote_call(a, c.command, &doc, &args);
        break;
    case VERB_ONCE:
        once(a, c.command, flag_of(&doc, &args, "send"));
        break;
    case VERB_MONITOR:
        monitor(a, c.command);
        break;
    case VERB_AB:
        ab_report(a, c.command);
        break;
    case VERB_FAILURES:
        failures(a, c.command);
        break;
    case VERB_ROLL_BACK:
        switch_bundles(a, c.command, REASON_OPERATOR);
        break;
    case VERB_RESUME:
        switch_bundles(a, c.command, REASON_NONE);
        break;
    default:
        break;
    }
}

int32_t verbs_add(struct arb *a)
{
    for (uint32_t i = 0; a->command && i < VERBS; i++) {
        const hawse_command_spec_t spec = {.size = sizeof(spec),
                                           .name = hawse_text(table[i].name),
                                           .help = hawse_text(table[i].help),
                                           .args = hawse_text(table[i].args),
                                           .tag = i};
        int32_t code = a->command->add(a->host, a->self, &spec);
        if (code != HAWSE_OK)
            return hawse_fail(a->host, a->self, code, "a verb cannot be offered",
                              "see what the host says");
    }
    return HAWSE_OK;
}
