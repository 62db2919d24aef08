/* Log lines and metrics; see arb.h. Names of metrics are those that operators of such bots know. */
#include "arb.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { COMPLAIN_NS = 1000000000, COMPLAIN_TIMES = 10, DIGITS = 6 };

__attribute__((format(printf, 3, 0))) static void line(struct arb *a, uint32_t level,
                                                       const char *format, va_list ap)
{
    char text[700];
    (void)vsnprintf(text, sizeof(text), format, ap);
    hawse_log(a->host, a->self, level, text);
}

void say(struct arb *a, uint32_t level, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    line(a, level, format, ap);
    va_end(ap);
}

void complain(struct arb *a, const char *format, ...)
{
    va_list ap;
    uint64_t now = a->host->now(a->host, HAWSE_CLOCK_MONOTONIC);
    if (a->complaint_ns != 0 && now - a->complaint_ns < (uint64_t)COMPLAIN_NS * COMPLAIN_TIMES)
        return;
    a->complaint_ns = now;
    va_start(ap, format);
    line(a, HAWSE_LOG_WARN, format, ap);
    va_end(ap);
}

const char *units(const hawse_u256_t *n, char out[HAWSE_U256_DECIMAL_MAX + 4])
{
    (void)hawse_u256_units(n, 1, 18, DIGITS, out);
    return out;
}

/* ---- metrics ---- */

/* Classes of errors; the first three are the host's, the others the chain's. */
static const char *const classes[ARB_ERRORS] = {"gate",     "simulation", "expired",
                                                "reverted", "unknown",    "other"};

const char *say_error_name(uint32_t class_of_error)
{
    return class_of_error < ARB_ERRORS ? classes[class_of_error] : "?";
}

static int32_t declare(struct arb *a, uint32_t kind, const char *name, const char *help,
                       const char *label, hawse_metric_t *out)
{
    return a->metrics ? a->metrics->declare(a->host, a->self, kind, hawse_text(name),
                                            hawse_text(help), hawse_text(label), out)
                      : HAWSE_OK;
}

int32_t say_begin(struct arb *a)
{
    const struct {
        uint32_t kind;
        const char *name, *help;
        hawse_metric_t *to;
    } all[] = {
        {HAWSE_METRIC_COUNTER, "pectra_bundles_total", "bundles that were sent, and ended",
         &a->m.total},
        {HAWSE_METRIC_COUNTER, "pectra_bundles_success_total", "of them: confirmed", &a->m.success},
        {HAWSE_METRIC_COUNTER, "pectra_bundles_failed_total", "of them: ended badly", &a->m.failed},
        {HAWSE_METRIC_GAUGE, "pectra_profit_sdai", "of the last trade before gas, micro-sDAI",
         &a->m.last_profit},
        {HAWSE_METRIC_GAUGE, "pectra_profit_sdai_sum", "of all trades of this run, micro-sDAI",
         &a->m.profit_total},
        {HAWSE_METRIC_COUNTER, "pectra_gain_sdai_total", "gains, micro-sDAI", &a->m.gained},
        {HAWSE_METRIC_COUNTER, "pectra_loss_sdai_total", "losses, micro-sDAI", &a->m.lost},
        {HAWSE_METRIC_COUNTER, "pectra_gas_cost_sdai_total",
         "what gas cost, of all that was sent, micro-sDAI", &a->m.gas_cost},
        {HAWSE_METRIC_GAUGE, "pectra_gas_used", "of the last cycle", &a->m.last_gas},
        {HAWSE_METRIC_GAUGE, "pectra_predicted_sdai", "of the last trade before gas, micro-sDAI",
         &a->m.predicted},
        {HAWSE_METRIC_COUNTER, "pectra_measured_total", "buys and sells that succeeded",
         &a->m.measured},
        {HAWSE_METRIC_COUNTER, "pectra_gain_exact_total",
         "of them: gained what was predicted, to the wei", &a->m.gain_exact},
        {HAWSE_METRIC_COUNTER, "pectra_outputs_exact_total",
         "of them: each swap gave what was predicted, to the wei", &a->m.outputs_exact},
        {HAWSE_METRIC_GAUGE, "pectra_gain_off_ppm",
         "of the last of them: gain over prediction, less 1, in millionths", &a->m.gain_off},
        {HAWSE_METRIC_GAUGE, "breaker_open", "1: trials of the smallest amount alone",
         &a->m.breaker},
        {HAWSE_METRIC_GAUGE, "rolled_back", "why bundles are out of use; 0: they are not",
         &a->m.rolled_back},
        {HAWSE_METRIC_GAUGE, "amount_sdai", "the most that goes in now, micro-sDAI", &a->m.amount},
        {HAWSE_METRIC_COUNTER, "evaluations_total", "flows that were quoted", &a->m.evaluations},
        {HAWSE_METRIC_COUNTER, "opportunities_total", "flows that gain enough",
         &a->m.opportunities},
        {HAWSE_METRIC_GAUGE, "gas_estimate_off_ppm",
         "of the last trade: gas used over gas simulated, less 1, in millionths", &a->m.gas_off},
        {HAWSE_METRIC_COUNTER, "withdrawn_total",
         "trades taken back before anything was signed, because a pool changed", &a->m.withdrawn},
        {HAWSE_METRIC_COUNTER, "frontrun_total", "trades that failed or gained less behind another",
         &a->m.fronted},
    };
    int32_t code = HAWSE_OK;
    char label[48];
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]) && code == HAWSE_OK; i++)
        code = declare(a, all[i].kind, all[i].name, all[i].help, "", all[i].to);
    for (uint32_t i = 0; i < ARB_ERRORS && code == HAWSE_OK; i++) {
        (void)snprintf(label, sizeof(label), "type=\"%s\"", classes[i]);
        code = declare(a, HAWSE_METRIC_COUNTER, "pectra_errors_total", "by type", label,
                       &a->m.errors[i]);
    }
    return code;
}

static void count(struct arb *a, hawse_metric_t metric, int64_t n)
{
    if (a->metrics && n > 0)
        (void)a->metrics->add(a->host, a->self, metric, n);
}

static void set(struct arb *a, hawse_metric_t metric, int64_t n)
{
    if (a->metrics)
        (void)a->metrics->set(a->host, a->self, metric, n);
}

/* Millionths of an sDAI: metrics are 64 bits wide. */
static int64_t micro(const hawse_u256_t *n)
{
    hawse_u256_t d = hawse_u256(1000000000000u), q;
    int64_t out = 0;
    if (hawse_i256_div(n, &d, &q, NULL) != HAWSE_OK || hawse_i256_to_i64(&q, &out) != HAWSE_OK)
        return 0;
    return out;
}

/* ---- what happens ---- */

static const char *name_of(enum flow_way way)
{
    static const char *const names[] = {"nothing", "buy", "sell", "sweep", "recover"};
    return names[way];
}

void say_decision(struct arb *a, const struct flow *f)
{
    char in[HAWSE_U256_DECIMAL_MAX + 4], out[HAWSE_U256_DECIMAL_MAX + 4],
        net[HAWSE_U256_DECIMAL_MAX + 4], company[HAWSE_U256_DECIMAL_MAX + 4],
        gain[HAWSE_U256_DECIMAL_MAX], company_wei[HAWSE_U256_DECIMAL_MAX];
    count(a, a->m.opportunities, 1);
    set(a, a->m.predicted, micro(&f->gain));
    set(a, a->m.amount, micro(&a->trade.order.max_in));
    (void)hawse_i256_decimal(&f->gain, gain);
    (void)hawse_i256_decimal(&f->company, company_wei);
    say(a, HAWSE_LOG_INFO,
        "trade %llu: %s, block %llu, %s: %s sDAI in, %s back, %s company tokens, net %s sDAI after "
        "gas; "
        "gain %s wei; company %s wei",
        (unsigned long long)a->trade.number, name_of(f->way), (unsigned long long)a->head,
        a->trade.order.path == PATH_BUNDLE ? "one bundle" : "one by one", units(&f->paid, in),
        units(&f->back, out), units(&f->company, company), units(&f->net, net), gain, company_wei);
}

void say_withdrawn(struct arb *a)
{
    char predicted[HAWSE_U256_DECIMAL_MAX];
    count(a, a->m.withdrawn, 1);
    (void)hawse_i256_decimal(&a->trade.flow.gain, predicted);
    say(a, HAWSE_LOG_INFO, "trade %llu withdrawn (moved): gain 0 wei, predicted %s, gas 0",
        (unsigned long long)a->trade.number, predicted);
}

/* An alert that holds as long as its condition does. */
static void alert(struct arb *a, bool up, const char *name, const char *text)
{
    const hawse_alert_t raised = {.size = sizeof(raised),
                                  .severity = HAWSE_ALERT_CRITICAL,
                                  .name = hawse_text(name),
                                  .text = hawse_text(text)};
    if (a->alert && up)
        (void)a->alert->raise(a->host, a->self, &raised);
    else if (a->alert)
        (void)a->alert->clear(a->host, a->self, hawse_text(name));
}

void say_notices(struct arb *a, uint32_t notices)
{
    const struct control *c = &a->control;
    if (notices & NOTICE_OPENED)
        say(a, HAWSE_LOG_ERROR, "circuit breaker opened: %u trades in a row failed", c->failures);
    if (notices & NOTICE_CLOSED)
        say(a, HAWSE_LOG_WARN, "circuit breaker closed");
    if (notices & NOTICE_UP)
        say(a, HAWSE_LOG_INFO, "the amount goes up: step %u, day's level %u", c->step, c->level);
    if (notices & NOTICE_DOWN)
        say(a, HAWSE_LOG_WARN, "the amount goes down: step %u, day's level %u", c->step, c->level);
    if (notices & NOTICE_ROLLED_BACK)
        say(a, HAWSE_LOG_ERROR, "bundles are out of use, single transactions go on: %s",
            control_reason_text(c->rolled_back));
    if (notices & (NOTICE_OPENED | NOTICE_CLOSED))
        alert(a, c->open, "circuit_breaker_open", "trades failed in a row: only trials go on");
    if (notices & NOTICE_ROLLED_BACK)
        alert(a, true, "bundles_rolled_back", control_reason_text(c->rolled_back));
    else if (c->rolled_back == REASON_NONE)
        alert(a, false, "bundles_rolled_back", "");
    set(a, a->m.breaker, c->open);
    set(a, a->m.rolled_back, (int64_t)c->rolled_back);
}

/* What a gate or a simulation refused was no bundle: its class of errors has it. */
static void count_outcome(struct arb *a, const struct control_outcome *o,
                          const char *class_of_error)
{
    const struct trade *t = &a->trade;
    bool bundle = t->order.path == PATH_BUNDLE && is_cycle(&t->flow) && o->counts;
    count(a, a->m.total, bundle);
    count(a, a->m.success, bundle && o->succeeded);
    count(a, a->m.failed, bundle && !o->succeeded);
    for (uint32_t i = 0; i < ARB_ERRORS; i++) {
        bool is = !o->succeeded && !t->unsent_by_mode && strcmp(classes[i], class_of_error) == 0;
        a->errors[i] += is;
        count(a, a->m.errors[i], is);
    }
}

/* (is / wanted - 1) in millionths; bounded. */
static int64_t off_ppm(const hawse_u256_t *is, const hawse_u256_t *wanted)
{
    hawse_u256_t d, one = hawse_u256(FLOW_ONE), most = hawse_u256(INT32_MAX);
    uint64_t ppm = INT32_MAX;
    (void)hawse_u256_sub(is, wanted, &d);
    bool minus = hawse_i256_is_negative(&d) != 0;
    if (minus)
        hawse_i256_negate(&d, &d);
    if (hawse_i256_is_negative(wanted) || hawse_u256_is_zero(wanted) ||
        hawse_u256_mul_div(&d, &one, wanted, 0, &d) != HAWSE_OK ||
        hawse_u256_compare(&d, &most) > 0 || hawse_u256_to_u64(&d, &ppm) != HAWSE_OK)
        ppm = INT32_MAX;
    return minus ? -(int64_t)ppm : (int64_t)ppm;
}

/* How good the prediction of a buy or a sell was: of its gain, and of each swap in it. */
static void judge_prediction(struct arb *a, const struct control_outcome *o)
{
    const struct trade *t = &a->trade;
    hawse_u256_t kept[2];
    bool gain = hawse_u256_compare(&o->gain, &t->flow.gain) == 0, outputs = gain;
    flow_kept(&t->flow, kept);
    for (int i = 0; i < 2; i++)
        outputs = outputs && hawse_u256_compare(&t->moved[TOKEN_YES_SDAI + i], &kept[i]) == 0;
    a->cycles++;
    a->outputs_exact += outputs;
    count(a, a->m.measured, 1);
    count(a, a->m.gain_exact, gain);
    count(a, a->m.outputs_exact, outputs);
    set(a, a->m.gain_off, off_ppm(&o->gain, &t->flow.gain));
}

/* Gas is paid in the chain's coin: what it is in sDAI, at the rate that is known last. */
static void count_gas(struct arb *a)
{
    hawse_u256_t cost, one = hawse_u256(1000000000000000000u);
    if (hawse_u256_is_zero(&a->rate) ||
        hawse_u256_mul_div(&a->trade.fees, &one, &a->rate, 1, &cost) != HAWSE_OK)
        return;
    (void)hawse_u256_add(&a->gas_cost, &cost, &a->gas_cost);
    count(a, a->m.gas_cost, micro(&cost));
}

void say_outcome(struct arb *a, const struct control_outcome *o, const char *class_of_error)
{
    const struct trade *t = &a->trade;
    char gain[HAWSE_U256_DECIMAL_MAX], predicted[HAWSE_U256_DECIMAL_MAX];
    int64_t n = micro(&o->gain);
    count_outcome(a, o, class_of_error);
    count_gas(a);
    count(a, n >= 0 ? a->m.gained : a->m.lost, n >= 0 ? n : -n);
    if (a->metrics)
        (void)a->metrics->add(a->host, a->self, a->m.profit_total, n);
    set(a, a->m.last_profit, n);
    if (o->succeeded && is_cycle(&t->flow)) {
        judge_prediction(a, o);
        (void)hawse_u256_add(&a->put_in, &t->flow.paid, &a->put_in);
        (void)hawse_u256_add(&a->gained, &o->gain, &a->gained);
        set(a, a->m.last_gas, (int64_t)o->gas_used);
        set(a, a->m.gas_off, t->gas_off_ppm);
    }
    (void)hawse_i256_decimal(&o->gain, gain);
    (void)hawse_i256_decimal(&t->flow.gain, predicted);
    say(a, o->succeeded || t->unsent_by_mode ? HAWSE_LOG_INFO : HAWSE_LOG_WARN,
        "trade %llu %s (%s): gain %s wei, predicted %s, gas %llu, %lld ppm off its simulation",
        (unsigned long long)t->number, o->succeeded ? "succeeded" : "failed",
        o->succeeded ? "ok" : class_of_error, gain, predicted, (unsigned long long)o->gas_used,
        (long long)t->gas_off_ppm);
}
