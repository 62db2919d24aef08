/* Stages, breaker, rollback; see control.h. */
#include "control.h"

#include <hawse/u256.h>
#include <string.h>

enum { DAY_ERRORS_PPM = 50000, DAY_DOWN_PPM = 200000, GAS_TIMES = 2 };
#define DAY_NS (86400ull * 1000000000ull)

const char *control_reason_text(enum control_reason reason)
{
    static const char *const text[REASONS] = {
        [REASON_NONE] = "nothing",
        [REASON_FAILURES] = "more than 20 % of the last bundles failed",
        [REASON_LOSS] = "sDAI was lost",
        [REASON_GAS] = "a bundle used more than twice the gas of single transactions",
        [REASON_CONTRACT] = "a contract is not what it was",
        [REASON_OPERATOR] = "the operator",
        [REASON_STATE] = "what was known before a restart cannot be read"};
    return reason < REASONS ? text[reason] : "?";
}

static bool is_down(const struct control_rules *rules, const struct control *c)
{
    return c->rolled_back != REASON_NONE || !rules->enabled;
}

/* Is `part` of `whole` more than so many millionths? */
static bool is_above(uint64_t part, uint64_t whole, uint64_t ppm)
{
    return part * 1000000u > whole * ppm;
}

static const hawse_u256_t *less(const hawse_u256_t *a, const hawse_u256_t *b)
{
    return hawse_u256_compare(a, b) <= 0 ? a : b;
}

/* ---- days ---- */

static uint32_t new_day(const struct control_rules *rules, struct control *c, uint64_t now_ns)
{
    uint64_t day = now_ns / DAY_NS;
    uint32_t notices = 0;
    if (day == c->day)
        return 0;
    bool lost = hawse_i256_is_negative(&c->day_gain) != 0;
    bool gained = !lost && !hawse_u256_is_zero(&c->day_gain);
    if (c->day != 0 && c->day_ended > 0 && rules->stage == STAGE_PROGRESSIVE) {
        bool bad = lost || is_above(c->day_failed, c->day_ended, DAY_DOWN_PPM);
        if (bad && c->level > 0) {
            c->level--;
            notices = NOTICE_DOWN;
        } else if (gained && c->day_failed * 1000000u < c->day_ended * DAY_ERRORS_PPM &&
                   c->level + 1 < rules->daily_count) {
            c->level++;
            notices = NOTICE_UP;
        }
    }
    c->day = day;
    c->day_ended = c->day_failed = 0;
    c->day_gain = hawse_u256(0);
    return notices;
}

/* ---- orders ---- */

static enum control_path path_of(const struct control_rules *rules, const struct control *c)
{
    if (is_down(rules, c) || !rules->bundle_enabled || rules->execution == EXECUTE_SEQUENTIAL)
        return PATH_SEQUENTIAL;
    if (rules->execution == EXECUTE_BOTH)
        return c->orders % 2 == 0 ? PATH_BUNDLE : PATH_SEQUENTIAL;
    return c->fall_back ? PATH_SEQUENTIAL : PATH_BUNDLE;
}

static const hawse_u256_t *amount_of(const struct control_rules *rules, const struct control *c)
{
    if (rules->stage == STAGE_CANARY && rules->ladder_count > 0)
        return &rules->ladder[c->step < rules->ladder_count ? c->step : rules->ladder_count - 1];
    if (rules->stage == STAGE_PROGRESSIVE && rules->daily_count > 0)
        return &rules->daily[c->level < rules->daily_count ? c->level : rules->daily_count - 1];
    return &rules->amount;
}

static uint64_t interval_of(const struct control_rules *rules, const struct control *c)
{
    if (is_down(rules, c))
        return rules->safe_interval_ns;
    return rules->stage == STAGE_CANARY ? rules->canary_interval_ns : rules->interval_ns;
}

int32_t control_next(const struct control_rules *rules, struct control *c, uint64_t now_ns,
                     struct control_order *order, uint32_t *notices)
{
    uint32_t told = new_day(rules, c, now_ns);
    if (notices)
        *notices = told;
    memset(order, 0, sizeof(*order));
    order->path = path_of(rules, c);
    order->at_ns = now_ns;
    order->max_in = *amount_of(rules, c);
    order->slippage_ppm = rules->slippage_ppm;
    if (rules->stage == STAGE_CANARY && rules->canary_slippage_ppm < order->slippage_ppm)
        order->slippage_ppm = rules->canary_slippage_ppm;
    if (is_down(rules, c)) {
        order->max_in = *less(&order->max_in, &rules->safe_amount);
        order->slippage_ppm = rules->safe_slippage_ppm;
    }
    if (c->open && rules->ladder_count > 0) {
        order->trial = true;
        order->max_in = *less(&order->max_in, &rules->ladder[0]);
    }
    if (rules->test_mode)
        order->max_in = *less(&order->max_in, &rules->test_amount);
    if (order->path == PATH_BUNDLE)
        order->max_in = *less(&order->max_in, &rules->max_bundle);
    if (hawse_u256_is_zero(&order->max_in))
        return HAWSE_E_DENIED;
    bool early = c->last_ns != 0 && now_ns - c->last_ns < interval_of(rules, c);
    return early ? HAWSE_E_AGAIN : HAWSE_OK;
}

void control_begun(struct control *c, const struct control_order *order)
{
    c->orders++;
    c->last_ns = order->at_ns;
    c->fall_back = false;
}

/* ---- outcomes ---- */

static uint32_t breaker(const struct control_rules *rules, struct control *c,
                        const struct control_order *order, bool succeeded)
{
    if (!succeeded) {
        c->trials = 0;
        c->failures++;
        if (c->open || c->failures < rules->breaker_failures)
            return 0;
        c->open = true;
        return NOTICE_OPENED;
    }
    c->failures = 0;
    if (!c->open || !order->trial || ++c->trials < rules->breaker_successes)
        return 0;
    c->open = false;
    c->trials = 0;
    return NOTICE_CLOSED;
}

static uint32_t ladder(const struct control_rules *rules, struct control *c,
                       const struct control_order *order, bool succeeded)
{
    uint32_t before = c->step;
    if (rules->stage != STAGE_CANARY || order->trial)
        return 0;
    if (!succeeded) {
        c->step = c->passes = 0;
        return before > 0 ? NOTICE_DOWN : 0;
    }
    if (++c->passes < rules->ladder_passes || c->step + 1 >= rules->ladder_count)
        return 0;
    c->passes = 0;
    c->step++;
    return NOTICE_UP;
}

static uint64_t single_gas(const struct control_rules *rules, const struct control *c)
{
    const struct control_arm *a = &c->arm[PATH_SEQUENTIAL];
    return a->succeeded > 0 && a->gas > 0 ? a->gas / a->succeeded : rules->sequential_gas;
}

/* What a bundle did that takes all of them out of use. */
static enum control_reason judge(const struct control_rules *rules, struct control *c,
                                 const struct control_outcome *o)
{
    uint32_t failed = 0;
    c->window[c->window_next] = !o->succeeded;
    c->window_next = (c->window_next + 1) % CONTROL_WINDOW;
    c->window_count += c->window_count < CONTROL_WINDOW;
    for (uint32_t i = 0; i < c->window_count; i++)
        failed += c->window[i];
    if (o->succeeded && o->gas_used > GAS_TIMES * single_gas(rules, c))
        return REASON_GAS;
    return c->window_count >= CONTROL_WINDOW_MIN &&
                   is_above(failed, c->window_count, rules->rollback_ppm)
               ? REASON_FAILURES
               : REASON_NONE;
}

uint32_t control_roll_back(struct control *c, enum control_reason reason)
{
    bool changed = reason != REASON_NONE && c->rolled_back == REASON_NONE;
    if (reason == REASON_NONE) {
        memset(c->window, 0, sizeof(c->window));
        c->window_count = c->window_next = 0;
    }
    if (changed || reason == REASON_NONE)
        c->rolled_back = reason;
    return changed ? NOTICE_ROLLED_BACK : 0;
}

uint32_t control_ended(const struct control_rules *rules, struct control *c,
                       const struct control_order *order, const struct control_outcome *o,
                       uint64_t now_ns)
{
    struct control_arm *arm = &c->arm[order->path];
    uint32_t notices = new_day(rules, c, now_ns);
    enum control_reason reason = REASON_NONE;
    if (!o->succeeded && o->may_fall_back && order->path == PATH_BUNDLE &&
        rules->execution == EXECUTE_FALLBACK && rules->fallback_enabled)
        c->fall_back = true;
    if (!o->counts)
        return notices;
    arm->ended++;
    c->day_ended++;
    c->day_failed += !o->succeeded;
    (void)hawse_u256_add(&c->day_gain, &o->gain, &c->day_gain);
    (void)hawse_u256_add(&arm->gain, &o->gain, &arm->gain);
    notices |= breaker(rules, c, order, o->succeeded) | ladder(rules, c, order, o->succeeded);
    if (order->path == PATH_BUNDLE)
        reason = judge(rules, c, o);
    if (hawse_i256_is_negative(&o->gain))
        reason = REASON_LOSS;
    if (o->succeeded) {
        arm->succeeded++;
        arm->gas += o->gas_used;
        arm->delay_ns += o->delay_ns;
    }
    return reason == REASON_NONE ? notices : notices | control_roll_back(c, reason);
}
