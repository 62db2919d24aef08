/*
 * "hawse.alert/1": what operators must hear of. Each instance has its alerts by name, on its lane;
 * a noticed one is logged and counted, shown in the status, and may by the configuration's rules
 * pull the kill switch or open the breaker: before the callback goes on, so that nothing that the
 * plugin proposes after it is signed.
 */
#include "host/alert.h"
#include "host/given.h"
#include "host/host.h"
#include "tx/desk.h"

#include <hawse/service/alert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lane's; texts, severity and state are read by others under the host's alert lock. */
struct host_alert {
    struct host_alert *next;
    struct instance *owner;
    struct alert machine;
    struct loop_timer timer;
    uint32_t severity;
    uint64_t raised;  /* calls of raise() */
    uint64_t noticed; /* times it fired */
    uint32_t pulled;  /* severity at which the rules were last asked, while it fires */
    struct metric_gauge *gauge;
    char name[HAWSE_ALERT_NAME_MAX + 1];
    char text[HAWSE_ALERT_TEXT_MAX + 1];
    char *fields; /* compact JSON of an object, or NULL */
};

static const char *severity_name(uint32_t severity)
{
    static const char *const names[] = {"", "info", "warning", "critical"};
    return names[severity];
}

/* ---- what an alert does ---- */

void alert_pull(struct host *host, const char *whose, const char *name, const char *of,
                const char *instance, enum config_then then)
{
    struct fault fault = {0};
    char why[HAWSE_ALERT_NAME_MAX + 192];
    (void)snprintf(why, sizeof(why), "%s of %s", name, of);
    if (!host->desk) {
        log_line(host->logger, HAWSE_LOG_WARN, whose,
                 "alert %s: there is nothing to stop: this hawse works on no intents", name);
        return;
    }
    int32_t code = then == THEN_BREAKER ? desk_break(host->desk, instance, "alert", why, &fault)
                                        : HAWSE_E_STATE;
    if (code != HAWSE_OK) /* also in place of a breaker that cannot be told now */
        code = desk_kill(host->desk, instance, "alert", why, &fault);
    if (code != HAWSE_OK)
        log_fault(host->logger, HAWSE_LOG_ERROR, whose, &fault); /* it holds all the same */
}

static void pull(const struct host_alert *a, enum config_then then)
{
    const char *id = a->owner->config->id;
    alert_pull(a->owner->host, id, a->name, id, then == THEN_KILL ? NULL : id, then);
}

static bool rule_fits(const struct config_alert_rule *rule, const struct host_alert *a)
{
    return (!rule->instance || strcmp(rule->instance, a->owner->config->id) == 0) &&
           (!rule->name || strcmp(rule->name, a->name) == 0) && a->severity >= rule->severity;
}

/* Once for each severity that it reaches while it fires. */
static void ask_rules(struct host_alert *a)
{
    const struct config_alerts *alerts = &a->owner->host->config->alerts;
    if (a->severity <= a->pulled)
        return;
    for (size_t i = 0; i < alerts->rule_count; i++) {
        if (rule_fits(&alerts->rules[i], a))
            pull(a, alerts->rules[i].then);
    }
    a->pulled = a->severity;
}

static void show_gauge(struct host_alert *a)
{
    char labels[256];
    if (a->gauge)
        gauge_set(a->gauge, 0);
    (void)snprintf(labels, sizeof(labels), "instance=\"%s\",alert=\"%s\",severity=\"%s\"",
                   a->owner->config->id, a->name, severity_name(a->severity));
    a->gauge =
        metrics_gauge(a->owner->host->metrics, "hawse_alerts", "1 while an alert fires.", labels);
    if (a->gauge)
        gauge_set(a->gauge, 1);
}

static void notice(struct host_alert *a)
{
    static const uint32_t levels[] = {0, HAWSE_LOG_INFO, HAWSE_LOG_WARN, HAWSE_LOG_ERROR};
    struct instance *inst = a->owner;
    char labels[256];
    (void)snprintf(labels, sizeof(labels), "instance=\"%s\",alert=\"%s\"", inst->config->id,
                   a->name);
    struct metric_counter *total = metrics_counter(inst->host->metrics, "hawse_alerts_total",
                                                   "Times that an alert was noticed.", labels);
    if (total)
        counter_add(total, 1);
    show_gauge(a);
    log_line(inst->host->logger, levels[a->severity], inst->config->id, "alert %s (%s): %s%s%s",
             a->name, severity_name(a->severity), a->text, a->fields ? " " : "",
             a->fields ? a->fields : "");
    ask_rules(a);
}

static void resolve(struct host_alert *a, const char *why)
{
    if (a->gauge)
        gauge_set(a->gauge, 0);
    a->gauge = NULL;
    a->pulled = 0;
    log_line(a->owner->host->logger, HAWSE_LOG_INFO, a->owner->config->id, "alert %s is over%s",
             a->name, why);
}

/* ---- its machine on the lane's clock ---- */

static void step(struct host_alert *a, uint64_t now_ns)
{
    struct host *host = a->owner->host;
    (void)pthread_mutex_lock(&host->alert_lock);
    enum alert_edge edge = alert_pass(&a->machine, now_ns);
    a->noticed += edge == ALERT_FIRES;
    (void)pthread_mutex_unlock(&host->alert_lock);
    if (edge == ALERT_FIRES)
        notice(a);
    else if (edge == ALERT_RESOLVES)
        resolve(a, "");
    if (!alert_waits(&a->machine))
        loop_timer_cancel(a->owner->lane->loop, &a->timer);
    else if (loop_timer_set(a->owner->lane->loop, &a->timer, a->machine.due_ns) != HAWSE_OK)
        log_line(host->logger, HAWSE_LOG_ERROR, a->owner->config->id,
                 "no memory for a timer: alert %s stays as it is", a->name);
}

static void on_time(void *ctx, uint64_t now_ns)
{
    struct host_alert *a = ctx;
    lane_clock(a->owner->lane, now_ns);
    step(a, now_ns);
}

void alerts_release(struct instance *inst)
{
    (void)pthread_mutex_lock(&inst->host->alert_lock);
    struct host_alert *a = inst->alerts;
    inst->alerts = NULL;
    (void)pthread_mutex_unlock(&inst->host->alert_lock);
    while (a) {
        struct host_alert *next = a->next;
        loop_timer_cancel(inst->lane->loop, &a->timer);
        if (a->machine.state == ALERT_FIRING || a->machine.state == ALERT_FADING)
            resolve(a, ": its instance has ended");
        free(a->fields);
        free(a);
        a = next;
    }
}

/* ---- the service ---- */

static bool name_ok(hawse_view_t name)
{
    if (!name.data || name.len == 0 || name.len > HAWSE_ALERT_NAME_MAX)
        return false;
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool letter = c >= 'a' && c <= 'z', other = (c >= '0' && c <= '9') || c == '_';
        if (!letter && (i == 0 || !other))
            return false;
    }
    return true;
}

/* One line of UTF-8, without what would steer a terminal. */
static bool text_ok(hawse_view_t text)
{
    if (text.len > HAWSE_ALERT_TEXT_MAX || (text.len > 0 && !text.data))
        return false;
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    }
    json_t *json = json_stringn(text.len > 0 ? (const char *)text.data : "", (size_t)text.len);
    json_decref(json);
    return json != NULL;
}

/* *out: compact text, or NULL for none. */
static int32_t read_fields(hawse_view_t fields, char **out)
{
    *out = NULL;
    if (fields.len == 0)
        return HAWSE_OK;
    if (fields.len > HAWSE_ALERT_FIELDS_MAX || !fields.data)
        return HAWSE_E_INVAL;
    json_t *o =
        json_loadb((const char *)fields.data, (size_t)fields.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(o)) {
        json_decref(o);
        return HAWSE_E_FORMAT;
    }
    *out = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return *out ? HAWSE_OK : HAWSE_E_NOMEM;
}

static struct host_alert *find(const struct instance *inst, hawse_view_t name, uint32_t *count)
{
    struct host_alert *a = inst->alerts;
    for (*count = 0; a; a = a->next, (*count)++) {
        if (strlen(a->name) == name.len && memcmp(a->name, name.data, (size_t)name.len) == 0)
            return a;
    }
    return NULL;
}

static int32_t find_or_make(struct instance *inst, hawse_view_t name, struct host_alert **out)
{
    uint32_t count;
    if ((*out = find(inst, name, &count)) != NULL)
        return HAWSE_OK;
    if (count >= HAWSE_ALERTS_MAX)
        return HAWSE_E_LIMIT;
    struct host_alert *a = calloc(1, sizeof(*a));
    if (!a)
        return HAWSE_E_NOMEM;
    a->owner = inst;
    a->timer.fn = on_time;
    a->timer.ctx = a;
    memcpy(a->name, name.data, (size_t)name.len);
    (void)pthread_mutex_lock(&inst->host->alert_lock);
    a->next = inst->alerts;
    inst->alerts = a;
    (void)pthread_mutex_unlock(&inst->host->alert_lock);
    *out = a;
    return HAWSE_OK;
}

/* A severity that changed shows at once while it fires; a higher one asks the rules again. */
static void retell(struct host_alert *a)
{
    if (a->machine.state != ALERT_FIRING)
        return;
    show_gauge(a);
    ask_rules(a);
}

static int32_t raise_it(struct instance *inst, const hawse_alert_t *in)
{
    struct host *host = inst->host;
    struct host_alert *a = NULL;
    char *fields = NULL;
    if (!name_ok(in->name) || !text_ok(in->text) || in->severity < HAWSE_ALERT_INFO ||
        in->severity > HAWSE_ALERT_CRITICAL)
        return HAWSE_E_INVAL;
    int32_t code = read_fields(in->fields, &fields);
    if (code == HAWSE_OK)
        code = find_or_make(inst, in->name, &a);
    if (code != HAWSE_OK) {
        free(fields);
        return code;
    }
    uint64_t now = inst->lane->bus.now_ns;
    bool other = a->severity != in->severity;
    (void)pthread_mutex_lock(&host->alert_lock);
    alert_holds(&a->machine, now, (uint64_t)host->config->alerts.raise_ms * 1000000u);
    a->raised++;
    a->severity = in->severity;
    memset(a->text, 0, sizeof(a->text));
    if (in->text.len > 0)
        memcpy(a->text, in->text.data, (size_t)in->text.len);
    free(a->fields);
    a->fields = fields;
    (void)pthread_mutex_unlock(&host->alert_lock);
    if (other)
        retell(a);
    step(a, now);
    return HAWSE_OK;
}

static int32_t alert_raise(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_alert_t *alert)
{
    int32_t code = HAWSE_OK;
    hawse_alert_t own;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    alert = GIVEN(alert, &own, GIVEN_ALERT);
    code = alert ? raise_it(inst, alert) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static int32_t clear_it(struct instance *inst, hawse_view_t name)
{
    struct host *host = inst->host;
    uint32_t count;
    if (!name_ok(name))
        return HAWSE_E_INVAL;
    struct host_alert *a = find(inst, name, &count);
    if (!a || (a->machine.state != ALERT_PENDING && a->machine.state != ALERT_FIRING))
        return HAWSE_E_NOTFOUND;
    (void)pthread_mutex_lock(&host->alert_lock);
    alert_over(&a->machine, inst->lane->bus.now_ns,
               (uint64_t)host->config->alerts.clear_ms * 1000000u);
    (void)pthread_mutex_unlock(&host->alert_lock);
    step(a, inst->lane->bus.now_ns);
    return HAWSE_OK;
}

static int32_t alert_clear(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = clear_it(inst, name);
    host_leave(inst);
    return code;
}

const hawse_alert_service_t host_alert_service = {
    .size = sizeof(hawse_alert_service_t),
    .raise = alert_raise,
    .clear = alert_clear,
};

/* ---- for status ---- */

void alerts_json(const struct instance *inst, uint64_t now_ns, json_t *out)
{
    (void)pthread_mutex_lock(&inst->host->alert_lock);
    for (const struct host_alert *a = inst->alerts; a; a = a->next) {
        uint64_t since = a->machine.since_ns;
        if (a->machine.state == ALERT_QUIET)
            continue;
        (void)json_array_append_new(
            out,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "instance",
                      instance_config(inst)->id, "name", a->name, "severity",
                      severity_name(a->severity), "state", alert_state_name(a->machine.state),
                      "text", a->text, "fields",
                      a->fields ? json_loads(a->fields, 0, NULL) : json_object(), "raised",
                      (json_int_t)a->raised, "noticed", (json_int_t)a->noticed, "age_ms",
                      (json_int_t)(since && now_ns > since ? (now_ns - since) / 1000000u : 0)));
    }
    (void)pthread_mutex_unlock(&inst->host->alert_lock);
}
