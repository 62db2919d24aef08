/*
 * What an operator should look at, of each chain: a market near the cap, fees that rise fast,
 * simulations that take too long, and gas that is not what was simulated. Each is up or down, with
 * a gap between the two, and told once at each edge: log, metrics, and the host's alerts.
 *
 * Decides nothing: gates do.
 */
#include "tx/desk_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOW_MS = 5000,      /* of one simulation, with all engines that were asked */
    CALM_SIMULATIONS = 8 /* in time, before it is over */
};

static struct metric_gauge *gauge_of(struct desk_chain *chain, const char *name, const char *help,
                                     const char *more)
{
    char labels[160], word[80];
    metrics_escape(chain->config->name, word, sizeof(word));
    (void)snprintf(labels, sizeof(labels), "chain=\"%s\"%s", word, more);
    return metrics_gauge(chain->desk->options.metrics, name, help, labels);
}

static struct metric_counter *counter_of(struct desk_chain *chain)
{
    char labels[160], word[80];
    metrics_escape(chain->config->name, word, sizeof(word));
    (void)snprintf(labels, sizeof(labels), "chain=\"%s\"", word);
    return metrics_counter(chain->desk->options.metrics, "hawse_simulations_slow_total",
                           "simulations that took more than 5 s", labels);
}

bool alarms_open(struct desk_chain *chain)
{
    struct desk_gauges *g = &chain->gauges;
    bool ok = true;
    if (!chain->desk->options.metrics)
        return true;
    for (int i = 0; i < DESK_ALARMS; i++) {
        char more[64];
        (void)snprintf(more, sizeof(more), ",what=\"%s\"",
                       config_host_alert((enum host_alert_kind)i));
        g->alarms[i] = gauge_of(chain, "hawse_chain_alarms", "1 while it is up", more);
        ok = ok && g->alarms[i];
    }
    g->base_fee = gauge_of(chain, "hawse_base_fee_wei", "base fee of the next block", "");
    g->trend = gauge_of(chain, "hawse_base_fee_trend_permille",
                        "base fee over 20 blocks, in thousandths of that over 100", "");
    g->dear = gauge_of(chain, "hawse_fee_queue", "transactions that wait for lower fees", "");
    g->drift = gauge_of(chain, "hawse_simulation_drift_ppm",
                        "gas that was used over gas that was simulated, less 1, lately", "");
    g->slow = counter_of(chain);
    return ok && g->base_fee && g->trend && g->dear && g->drift && g->slow;
}

void alarms_sample(struct desk_chain *chain)
{
    const struct desk_gauges *g = &chain->gauges;
    if (!g->slow)
        return;
    gauge_set(g->base_fee, (int64_t)(chain->base_fee & INT64_MAX));
    gauge_set(g->trend, (int64_t)(fees_trend_permille(&chain->trend) & INT64_MAX));
    gauge_set(g->dear, chain->dear);
    gauge_set(g->drift, chain->accuracy.drift_ppm);
    counter_set(g->slow, chain->slow);
}

__attribute__((format(printf, 4, 5))) static void
set(struct desk_chain *chain, enum host_alert_kind what, bool up, const char *fmt, ...)
{
    struct desk *desk = chain->desk;
    const char *name = config_host_alert(what);
    char text[300];
    va_list args;
    if (chain->alarms[what] == up)
        return;
    chain->alarms[what] = up;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    log_line(desk->logger, up ? HAWSE_LOG_WARN : HAWSE_LOG_INFO, "tx", "%s: %s%s: %s",
             chain->config->name, name, up ? "" : " is over", text);
    if (chain->gauges.alarms[what])
        gauge_set(chain->gauges.alarms[what], up);
    if (desk->options.port.alarm)
        desk->options.port.alarm(desk->options.port.ctx, desk->config, chain->config->name, name,
                                 up, text);
}

/* ---- fees ---- */

void alarms_fees(struct desk_chain *chain)
{
    const uint64_t cap = chain_cap(chain), offer = chain_offer(chain).max_fee;
    const uint64_t permille = fees_trend_permille(&chain->trend);
    bool high = offer / 4 >= cap / 5, low = offer / 7 < cap / 10;
    if (high || low)
        set(chain, ALARM_FEES, high,
            "a transaction has to offer %.3f gwei per gas, and max_gas_price_gwei is %.0f; above "
            "it intents wait",
            (double)offer / 1e9, (double)cap / 1e9);
    if (fees_trend_spike(&chain->trend) || permille < 1250)
        set(chain, ALARM_SPIKE, permille > 1500,
            "the base fee of the last 20 blocks is %.2f times that of the last 100",
            (double)permille / 1e3);
}

/* ---- simulations ---- */

static void slow(struct desk_chain *chain, uint64_t ns)
{
    chain->in_time = 0;
    set(chain, ALARM_SLOW, true, "a simulation takes %.1f s; look at its providers",
        (double)ns / 1e9);
}

void alarms_simulated(struct desk_chain *chain, uint64_t ns)
{
    if (ns > SLOW_MS * DESK_MS) {
        chain->slow++;
        slow(chain, ns);
    } else if (++chain->in_time >= CALM_SIMULATIONS) {
        set(chain, ALARM_SLOW, false, "the last %d took less than 5 s each", CALM_SIMULATIONS);
    }
}

void alarms_tick(struct desk_chain *chain)
{
    uint64_t now = loop_clock();
    for (const struct desk_intent *in = chain->intents; in && chain->simulating > 0;
         in = in->next) {
        for (uint32_t i = 0; in->legs && i < in->plan->count; i++) {
            const struct leg *leg = &in->legs[i];
            if (leg->run && now - leg->sim_began_ns > SLOW_MS * DESK_MS)
                slow(chain, now - leg->sim_began_ns);
        }
    }
}

void alarms_gas(struct desk_chain *chain, uint64_t simulated, uint64_t used)
{
    struct accuracy *a = &chain->accuracy;
    if (!accuracy_add(a, simulated, used))
        return;
    if (accuracy_drifts(a) || accuracy_holds(a))
        set(chain, ALARM_DRIFT, accuracy_drifts(a),
            "transactions use %+.1f %% gas of what was simulated, over about %u of them",
            (double)a->drift_ppm / 1e4, a->count < ACCURACY_WINDOW ? a->count : ACCURACY_WINDOW);
}
