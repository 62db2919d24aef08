/*
 * Alerts of the host itself, as instance "hawse" that no plugin can be: what the desk finds on a
 * chain (core/tx/alarms.c), which decides when one begins and when it is over. Shown, counted and
 * told like those of plugins; a rule of the configuration pulls a switch only where it names
 * "hawse", and does it before the desk decides anything else.
 *
 * Written by the desk's thread, read by status under the host's alert lock.
 */
#include "host/host.h"
#include "host/intents.h"

#include <hawse/service/alert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEVERITY = HAWSE_ALERT_WARNING };
static const char severity_word[] = "warning";

struct chain_alert {
    struct chain_alert *next;
    char *chain;
    const char *name; /* of config_host_alert() */
    bool up;
    uint64_t noticed; /* times it began */
    uint64_t since_ns;
    char text[HAWSE_ALERT_TEXT_MAX + 1];
};

static struct chain_alert *find_or_make(struct host *host, const char *chain, const char *name)
{
    struct chain_alert *a = host->chain_alerts;
    while (a && (a->name != name || strcmp(a->chain, chain) != 0))
        a = a->next;
    if (a)
        return a;
    a = calloc(1, sizeof(*a));
    if (a)
        a->chain = strdup(chain);
    if (!a || !a->chain) {
        free(a);
        return NULL;
    }
    a->name = name;
    (void)pthread_mutex_lock(&host->alert_lock);
    a->next = host->chain_alerts;
    host->chain_alerts = a;
    (void)pthread_mutex_unlock(&host->alert_lock);
    return a;
}

static void show(struct host *host, const struct chain_alert *a)
{
    char labels[320], word[160];
    metrics_escape(a->chain, word, sizeof(word));
    (void)snprintf(labels, sizeof(labels), "instance=\"%s\",chain=\"%s\",alert=\"%s\"",
                   HOST_ALERTS_OF, word, a->name);
    struct metric_counter *total = metrics_counter(host->metrics, "hawse_alerts_total",
                                                   "Times that an alert was noticed.", labels);
    if (total)
        counter_set(total, a->noticed);
    (void)snprintf(labels, sizeof(labels),
                   "instance=\"%s\",chain=\"%s\",alert=\"%s\",severity=\"%s\"", HOST_ALERTS_OF,
                   word, a->name, severity_word);
    struct metric_gauge *gauge =
        metrics_gauge(host->metrics, "hawse_alerts", "1 while an alert fires.", labels);
    if (gauge)
        gauge_set(gauge, a->up);
}

/* ---- rules ---- */

static bool rule_fits(const struct config_alert_rule *rule, const char *name)
{
    return rule->instance && strcmp(rule->instance, HOST_ALERTS_OF) == 0 &&
           (!rule->name || strcmp(rule->name, name) == 0) && rule->severity <= SEVERITY;
}

/* All, or every instance that may do something on the chain. */
static void pull(struct host *host, const struct config *config, const struct chain_alert *a,
                 enum config_then then)
{
    char of[160];
    (void)snprintf(of, sizeof(of), "chain %s", a->chain);
    if (then == THEN_KILL)
        alert_pull(host, HOST_ALERTS_OF, a->name, of, NULL, then);
    for (size_t i = 0; then != THEN_KILL && i < config->instance_count; i++) {
        const struct config_instance *instance = &config->instances[i];
        if (config_limits_find(instance, a->chain))
            alert_pull(host, HOST_ALERTS_OF, a->name, of, instance->id, then);
    }
}

void chain_alert(void *ctx, const struct config *config, const char *chain, const char *name,
                 bool up, const char *text)
{
    struct host *host = ctx;
    struct chain_alert *a = find_or_make(host, chain, name);
    if (!a) {
        log_line(host->logger, HAWSE_LOG_ERROR, "tx", "no memory for alert %s of chain %s", name,
                 chain);
        return;
    }
    (void)pthread_mutex_lock(&host->alert_lock);
    a->up = up;
    a->noticed += up;
    a->since_ns = loop_clock();
    (void)snprintf(a->text, sizeof(a->text), "%s", text);
    (void)pthread_mutex_unlock(&host->alert_lock);
    show(host, a);
    for (size_t i = 0; up && i < config->alerts.rule_count; i++) {
        if (rule_fits(&config->alerts.rules[i], name))
            pull(host, config, a, config->alerts.rules[i].then);
    }
}

/* ---- for status ---- */

void chain_alerts_json(struct host *host, uint64_t now_ns, json_t *out)
{
    (void)pthread_mutex_lock(&host->alert_lock);
    for (const struct chain_alert *a = host->chain_alerts; a; a = a->next) {
        uint64_t age = now_ns > a->since_ns ? now_ns - a->since_ns : 0;
        if (!a->up)
            continue;
        (void)json_array_append_new(
            out, json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:I, s:I, s:I}", "instance",
                           HOST_ALERTS_OF, "name", a->name, "severity", severity_word, "state",
                           "firing", "text", a->text, "fields", "chain", a->chain, "raised",
                           (json_int_t)a->noticed, "noticed", (json_int_t)a->noticed, "age_ms",
                           (json_int_t)(age / 1000000u)));
    }
    (void)pthread_mutex_unlock(&host->alert_lock);
}

void chain_alerts_free(struct host *host)
{
    while (host->chain_alerts) {
        struct chain_alert *a = host->chain_alerts;
        host->chain_alerts = a->next;
        free(a->chain);
        free(a);
    }
}
