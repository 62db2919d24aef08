/*
 * Gates that ask what state the host is in: switches, mode, breaker, streams, time.
 */
#include "risk/internal.h"

#include <hawse/u256.h>

enum risk_answer gate_kill(struct gate *g)
{
    char why[384] = "";
    if (!risk_killed(g->risk, g->c->instance, why, sizeof(why)))
        return RISK_PASS;
    return gate_refuse(g, NULL, "a kill switch is on (%s); `hawse resume` takes it off", why);
}

static json_t *mode_figures(const struct gate *g)
{
    return json_pack("{s:s,s:s}", "mode", config_mode_name(g->instance->mode), "maturity",
                     config_maturity_name(g->c->maturity));
}

enum risk_answer gate_mode(struct gate *g)
{
    enum config_mode mode = g->instance->mode;
    if (g->c->maturity < g->instance->allow)
        return gate_refuse(g, mode_figures(g),
                           "instance %s: what proposes this is %s, and the instance allows %s and "
                           "better; set \"allow\", or wait for it to mature",
                           g->c->instance, config_maturity_name(g->c->maturity),
                           config_maturity_name(g->instance->allow));
    if (mode == MODE_REPLAY || mode == MODE_SHADOW)
        return gate_refuse(g, mode_figures(g),
                           "instance %s: its mode is %s, in which nothing is signed; dry-run "
                           "simulates, canary and live sign",
                           g->c->instance, config_mode_name(mode));
    return RISK_PASS;
}

enum risk_answer gate_dry_run(struct gate *g)
{
    if (g->instance->mode == MODE_DRY_RUN)
        return gate_refuse(g, NULL,
                           "instance %s: every gate passed; its mode is dry-run, so nothing is "
                           "signed",
                           g->c->instance);
    if (g->c->maturity == MATURITY_EXPERIMENTAL)
        return gate_refuse(g, NULL,
                           "instance %s: every gate passed; what is experimental is never signed "
                           "for, in whatever mode",
                           g->c->instance);
    return RISK_PASS;
}

enum risk_answer gate_breaker(struct gate *g)
{
    struct breaker *b = &g->party->breaker;
    const struct config_breaker *config = &g->instance->breaker;
    if (breaker_allows(b, config, g->c->utc_ns, g->c->number))
        return RISK_PASS;
    json_t *figures = json_pack("{s:i,s:i,s:I}", "successes", (int)b->successes, "needed",
                                (int)config->successes, "pause_ms", (json_int_t)config->pause_ms);
    if (b->state == BREAKER_HALF_OPEN)
        return gate_refuse(g, figures,
                           "instance %s: its breaker is half open, and a probe is under way (%u of "
                           "%u succeeded)",
                           g->c->instance, b->successes, config->successes);
    return gate_refuse(g, figures,
                       "instance %s: its breaker is open after failures in a row; it lets a probe "
                       "through %u ms after it opened",
                       g->c->instance, config->pause_ms);
}

enum risk_answer gate_stream(struct gate *g)
{
    if (!g->c->dead_stream || g->c->intent->flags & HAWSE_INTENT_STALE_OK)
        return RISK_PASS;
    return gate_refuse(g, NULL,
                       "%.200s is not live, so what this was decided from may be stale; propose it "
                       "again when it has healed",
                       g->c->dead_stream);
}

enum risk_answer gate_deadline(struct gate *g)
{
    const hawse_intent_t *in = g->c->intent;
    if (g->stage == RISK_SIGN && g->c->tx_index > 0)
        return RISK_PASS; /* it holds for what is sent first */
    if (in->deadline_ns > 0 && g->c->utc_ns > in->deadline_ns)
        return gate_refuse(g,
                           json_pack("{s:I,s:I}", "deadline_ns", (json_int_t)in->deadline_ns,
                                     "now_ns", (json_int_t)g->c->utc_ns),
                           "its deadline passed %llu ms ago",
                           (unsigned long long)((g->c->utc_ns - in->deadline_ns) / 1000000));
    if (in->deadline_block > 0 && g->c->head >= in->deadline_block)
        return gate_refuse(g,
                           json_pack("{s:I,s:I}", "deadline_block", (json_int_t)in->deadline_block,
                                     "head", (json_int_t)g->c->head),
                           "its last block was %llu, and the next one is %llu",
                           (unsigned long long)in->deadline_block,
                           (unsigned long long)g->c->head + 1);
    return RISK_PASS;
}
