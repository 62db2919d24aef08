/*
 * How alerts of instances are held back and what they set off: from the checked tree into the
 * struct.
 */
#include "config/internal.h"

#include <hawse/service/alert.h>
#include <stdlib.h>
#include <string.h>

void alerts_destroy(struct config_alerts *alerts)
{
    for (size_t i = 0; i < alerts->rule_count; i++) {
        free(alerts->rules[i].instance);
        free(alerts->rules[i].name);
    }
    free(alerts->rules);
}

static int32_t read_rule(struct reader *r, const json_t *value, struct config_alert_rule *out)
{
    static const char *const severities[] = {"info", "warning", "critical"};
    static const char *const thens[] = {"kill", "kill_instance", "breaker"};
    const char *instance = json_string_value(json_object_get(value, "instance"));
    const char *name = json_string_value(json_object_get(value, "name"));
    out->severity = HAWSE_ALERT_INFO + (uint32_t)read_word(value, "severity", severities, 3);
    out->then = (enum config_then)read_word(value, "then", thens, 3);
    if ((instance && !copy_text(&out->instance, instance)) ||
        (name && !copy_text(&out->name, name)))
        return no_memory(r, "alerts.rules");
    return HAWSE_OK;
}

int32_t read_alerts(struct reader *r, const json_t *alerts)
{
    struct config_alerts *out = &r->config->alerts;
    const json_t *rules = json_object_get(alerts, "rules");
    size_t count = json_array_size(rules);
    int32_t code = HAWSE_OK;
    out->raise_ms = read_number(alerts, "raise_ms");
    out->clear_ms = read_number(alerts, "clear_ms");
    out->rules = calloc(count + 1, sizeof(out->rules[0]));
    if (!out->rules)
        return no_memory(r, "alerts.rules");
    for (; out->rule_count < count && code == HAWSE_OK; out->rule_count++)
        code = read_rule(r, json_array_get(rules, out->rule_count), &out->rules[out->rule_count]);
    return code;
}

const char *config_host_alert(enum host_alert_kind kind)
{
#define HOST_ALERT_WORD(name, word) word,
    static const char *const words[] = {HOST_ALERTS(HOST_ALERT_WORD)};
    return words[kind];
}

/* The host's alerts are known by name, and are warnings all. */
static int32_t check_host_rule(struct reader *r, size_t i)
{
    const struct config_alert_rule *rule = &r->config->alerts.rules[i];
    bool known = !rule->name;
    for (int k = 0; k < HOST_ALERT_COUNT && !known; k++)
        known = strcmp(rule->name, config_host_alert((enum host_alert_kind)k)) == 0;
    if (!known) {
        (void)fault_set(r->fault, HAWSE_E_NOTFOUND,
                        "alerts.rules[%zu].name: the host has no alert \"%.64s\"", i, rule->name);
        fault_hint(r->fault, "it has fees_near_cap, fees_spike, simulation_slow and "
                             "simulation_drift; null for all of them");
        return HAWSE_E_NOTFOUND;
    }
    if (rule->severity <= HAWSE_ALERT_WARNING)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_INVAL,
                    "alerts.rules[%zu].severity: alerts of the host are warnings: this rule would "
                    "never pull anything",
                    i);
    fault_hint(r->fault, "set it to \"warning\"");
    return HAWSE_E_INVAL;
}

/* A rule for an instance that there is not would never pull anything, and nobody would know. */
int32_t check_alerts(struct reader *r)
{
    const struct config *c = r->config;
    for (size_t i = 0; i < c->alerts.rule_count; i++) {
        const char *instance = c->alerts.rules[i].instance;
        if (!instance || config_find(c, instance))
            continue;
        if (strcmp(instance, HOST_ALERTS_OF) == 0) {
            int32_t code = check_host_rule(r, i);
            if (code != HAWSE_OK)
                return code;
            continue;
        }
        (void)fault_set(r->fault, HAWSE_E_NOTFOUND,
                        "alerts.rules[%zu].instance: there is no instance \"%.63s\"", i, instance);
        fault_hint(r->fault, "name one of \"instances\", null for all of them, or \"" HOST_ALERTS_OF
                             "\" for the host's own alerts");
        return HAWSE_E_NOTFOUND;
    }
    return HAWSE_OK;
}
