/*
 * What the host tells of itself: the status document of core/observe/README.md, readiness, health.
 * Runs off the lane: reads relaxed numbers under the host's lock, which the lane takes only to add
 * or remove an instance or stream.
 */
#include "host/isolated.h"
#include "host/service_stream.h"

#include "tx/desk.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 2000 };

#define READ(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

static json_int_t num(uint64_t n)
{
    return (json_int_t)(n > INT64_MAX ? INT64_MAX : n);
}

static uint64_t ms_since(uint64_t then_ns, uint64_t now_ns)
{
    return then_ns == 0 || now_ns < then_ns ? 0 : (now_ns - then_ns) / 1000000u;
}

static uint64_t rss_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    int n = fscanf(f, "%llu %llu", &size, &resident);
    (void)fclose(f);
    return n == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* CPU time of the lane's present thread, of the time since the host started. By the kernel's number
 * of the thread, which may have ended: pthread's own handle must not be used then. The number of
 * its clock is as Linux' posix-timers.h makes it. */
static double busy_ratio(const struct lane *lane, uint64_t now)
{
    clockid_t clock = (clockid_t)(~(unsigned)READ(lane->tid) << 3 | 6u);
    struct timespec used;
    uint64_t up = now - lane->host->started_ns;
    if (up == 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return ((double)used.tv_sec * 1e9 + (double)used.tv_nsec) / (double)up;
}

static json_t *lane_json(const struct lane *lane, uint64_t now)
{
    return json_pack("{s:s, s:f, s:I, s:I, s:I}", "name", lane->name, "busy_ratio",
                     busy_ratio(lane, now), "steps", num(READ(lane->steps)), "last_step_age_ms",
                     num(ms_since(READ(lane->last_step_ns), now)), "crossed",
                     num(READ(lane->crossed)));
}

static json_t *callback_json(const struct instance *inst)
{
    const struct metric_histogram *h = inst->callback_time;
    uint64_t events = READ(inst->callback_events), sum = READ(h->sum_ns);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "p50", num(histogram_quantile(h, 500000)), "p99",
                     num(histogram_quantile(h, 990000)), "p999", num(histogram_quantile(h, 999000)),
                     "max", num(READ(h->max_ns)), "mean_event", num(events ? sum / events : 0));
}

static json_t *features_json(const struct instance *inst)
{
    json_t *features = json_object();
    const struct manifest *m = inst->library ? inst->library->manifest : NULL;
    for (size_t i = 0; m && inst->grants && i < m->feature_count; i++)
        (void)json_object_set_new(features, m->features[i].name,
                                  json_boolean(grants_feature(inst->grants, m->features[i].name)));
    return features;
}

/* On its own lane, and on those from which it is sent something, before that crosses. */
static uint64_t dropped(const struct instance *inst)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < inst->host->lane_count; i++)
        sum += READ(inst->host->lanes[i]->bus.members[inst->index].inbox.dropped);
    return sum;
}

/* Read in this order it is never less than none. */
static uint64_t waiting(const struct inbox *inbox)
{
    uint64_t first = __atomic_load_n(&inbox->first, __ATOMIC_ACQUIRE);
    uint64_t next = READ(inbox->next);
    return next > first ? next - first : 0; /* it may have begun anew between the two */
}

/* Where its plugin runs, and what keeps it in there. */
static json_t *isolation_json(const struct instance *inst)
{
    static const char *const names[] = {"syscalls", "network", "files", "users"};
    const struct isolated *iso = inst->isolated;
    json_t *walls = json_array();
    uint32_t bits = iso ? READ(iso->walls) : 0;
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (bits >> i & 1u)
            (void)json_array_append_new(walls, json_string(names[i]));
    }
    return json_pack("{s:s, s:I, s:o, s:I, s:I, s:I}", "process", iso ? "worker" : "host", "pid",
                     num(iso ? READ(iso->pid) : 0), "walls", walls, "losses",
                     num(iso ? READ(iso->losses) : 0), "restarts",
                     num(iso ? READ(iso->restarts) : 0), "restart_us",
                     num(iso ? READ(iso->restart_ns) / 1000u : 0));
}

static json_t *instance_json(const struct instance *inst)
{
    const struct bus_member *member = &inst->lane->bus.members[inst->index];
    const struct manifest *m = inst->library ? inst->library->manifest : NULL;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b, "
        "s:s, s:o, s:o}",
        "id", inst->config->id, "plugin", m ? m->id : inst->config->plugin, "version",
        m ? m->version : "", "digest", inst->library ? inst->library->digest : "", "kind",
        m ? m->kind : "", "state", instance_state_name(READ(inst->state)), "maturity",
        m ? config_maturity_name(m->maturity) : "", "mode", config_mode_name(inst->config->mode),
        "lane", inst->config->lane, "events_in", num(READ(inst->events_in->value)), "events_out",
        num(READ(inst->events_out->value)), "batches", num(READ(inst->batches->value)), "dropped",
        num(dropped(inst)), "queue_depth", num(waiting(&member->inbox)), "queue_cap",
        num(inst->config->queue), "callback_ns", callback_json(inst), "throttled",
        READ(inst->hold_until_ns) != 0, "error", instance_error(inst), "features",
        features_json(inst), "isolation", isolation_json(inst));
}

static const char *stream_state_name(uint32_t state)
{
    static const char *const names[] = {"idle", "connecting", "open", "closed"};
    return state < 4 ? names[state] : "unknown";
}

static json_t *channels_json(const struct host_stream *s, uint64_t now)
{
    static const char *const names[] = {"pending",    "live",   "gap",
                                        "recovering", "healed", "unhealable"};
    json_t *channels = json_array();
    for (const struct host_channel *ch = s->channels; ch; ch = ch->next) {
        uint32_t state = READ(ch->state);
        (void)json_array_append_new(channels,
                                    json_pack("{s:s, s:s, s:I, s:I}", "name", ch->name, "state",
                                              state < 6 ? names[state] : "unknown", "messages",
                                              num(READ(ch->messages)), "last_age_ms",
                                              num(ms_since(READ(ch->touched_ns), now))));
    }
    return channels;
}

static json_t *stream_json(const struct host_stream *s, uint64_t now)
{
    const struct stream_stats *st = stream_stats(s->stream);
    uint64_t opened = READ(st->opened_ns);
    uint64_t up = READ(st->up_ns) + (opened ? now - opened : 0);
    uint64_t total = now - s->owner->host->started_ns;
    char name[160];
    (void)snprintf(name, sizeof(name), "%s/%s", s->owner->config->id, s->endpoint_name);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:o}", "name", name,
        "instance", s->owner->config->id, "endpoint", s->endpoint_name, "state",
        stream_state_name(READ(st->state)), "attempt", num(READ(s->last_status.attempt)),
        "messages", num(READ(st->messages)), "bytes", num(READ(st->bytes)), "connects",
        num(READ(st->connects)), "disconnects", num(READ(st->disconnects)), "failures",
        num(READ(st->failures)), "rtt_ns", num(READ(st->rtt_ns)), "last_message_age_ms",
        num(ms_since(READ(st->last_message_ns), now)), "uptime_ratio",
        total > 0 ? (double)up / (double)total : 0.0, "channels", channels_json(s, now));
}

bool host_started(const struct host *host)
{
    for (uint32_t i = 0; i < host->lane_count; i++) {
        if (!__atomic_load_n(&host->lanes[i]->started, __ATOMIC_ACQUIRE))
            return false;
    }
    return true;
}

/* Appends what keeps the host from being ready; under the lock. */
static void collect_reasons(struct host *host, json_t *reasons)
{
    char trouble[192];
    if (host->desk && desk_trouble(host->desk, trouble, sizeof(trouble)))
        (void)json_array_append_new(reasons, json_string(trouble));
    char text[1024];
    if (!host_started(host))
        (void)json_array_append_new(reasons, json_string("starting"));
    if (READ(host->quit))
        (void)json_array_append_new(reasons, json_string("stopping"));
    for (uint32_t i = 0; i < host->instance_count; i++) {
        const struct instance *inst = host->instances[i];
        enum instance_state state = inst ? READ(inst->state) : INSTANCE_RUNNING;
        if (state == INSTANCE_RUNNING)
            continue;
        (void)snprintf(text, sizeof(text), "%s: %s%s%s", inst->config->id,
                       instance_state_name(state), instance_error(inst)[0] ? ": " : "",
                       instance_error(inst));
        (void)json_array_append_new(reasons, json_string(text));
    }
    for (uint32_t i = 0; i < host->lane_count; i++) {
        for (const struct host_stream *s = host->lanes[i]->open_streams; s; s = s->next) {
            uint32_t state = READ(stream_stats(s->stream)->state);
            if (state == HAWSE_STREAM_OPEN)
                continue;
            (void)snprintf(text, sizeof(text), "%s/%s: stream is %s", s->owner->config->id,
                           s->endpoint_name, stream_state_name(state));
            (void)json_array_append_new(reasons, json_string(text));
        }
    }
}

char *host_status(struct host *host)
{
    uint64_t now = loop_clock();
    json_t *instances = json_array(), *streams = json_array(), *reasons = json_array();
    json_t *lanes = json_array(), *alerts = json_array();
    enum config_mode mode = MODE_REPLAY;
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count; i++) {
        const struct instance *inst = host->instances[i];
        if (!inst)
            continue;
        (void)json_array_append_new(instances, instance_json(inst));
        alerts_json(inst, now, alerts);
        mode = inst->config->mode > mode ? inst->config->mode : mode;
    }
    chain_alerts_json(host, now, alerts);
    for (uint32_t i = 0; i < host->lane_count; i++) {
        (void)json_array_append_new(lanes, lane_json(host->lanes[i], now));
        for (const struct host_stream *s = host->lanes[i]->open_streams; s; s = s->next)
            (void)json_array_append_new(streams, stream_json(s, now));
    }
    collect_reasons(host, reasons);
    json_t *root = json_pack("{s:s, s:i, s:I, s:b, s:o, s:s, s:I, s:o, s:o, s:o, s:o}", "version",
                             HAWSE_VERSION, "pid", (int)getpid(), "uptime_s",
                             num((now - host->started_ns) / 1000000000u), "ready",
                             json_array_size(reasons) == 0, "reasons", reasons, "mode",
                             config_mode_name(mode), "rss_bytes", num(rss_bytes()), "lanes", lanes,
                             "instances", instances, "streams", streams, "alerts", alerts);
    (void)pthread_mutex_unlock(&host->lock);
    char *intents = host->desk ? desk_status(host->desk) : NULL;
    if (root && intents)
        (void)json_object_set_new(root, "intents", json_loads(intents, 0, NULL));
    free(intents);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

bool host_ready(struct host *host, char **out)
{
    json_t *reasons = json_array();
    (void)pthread_mutex_lock(&host->lock);
    collect_reasons(host, reasons);
    (void)pthread_mutex_unlock(&host->lock);
    bool ready = json_array_size(reasons) == 0;
    if (out)
        *out = json_dumps(reasons, JSON_COMPACT);
    json_decref(reasons);
    return ready;
}

bool host_healthy(struct host *host)
{
    if (READ(host->done))
        return false;
    for (uint32_t i = 0; i < host->lane_count; i++) {
        if (ms_since(READ(host->lanes[i]->last_step_ns), loop_clock()) >= HEARTBEAT_MS)
            return false;
    }
    return true;
}

static void sample_count(struct metrics *m, const char *name, const char *help, const char *labels,
                         uint64_t value)
{
    struct metric_counter *counter = metrics_counter(m, name, help, labels);
    if (counter)
        counter_set(counter, value);
}

static void sample_gauge(struct metric_gauge *gauge, uint64_t value)
{
    if (gauge)
        gauge_set(gauge, (int64_t)value);
}

static void sample_channel(struct metrics *m, const struct host_channel *ch, const char *labels)
{
    char name[128], full[420];
    metrics_escape(ch->name, name, sizeof(name)); /* the plugin chose it */
    (void)snprintf(full, sizeof(full), "%s,channel=\"%s\"", labels, name);
    sample_gauge(metrics_gauge(m, "hawse_channel_state",
                               "0 pending, 1 live, 2 gap, 3 recovering, 4 healed, 5 unhealable.",
                               full),
                 READ(ch->state));
    sample_count(m, "hawse_channel_messages_total", "Messages of this subscription.", full,
                 READ(ch->messages));
}

static void sample_stream(struct metrics *m, const struct host_stream *s, uint64_t now)
{
    const struct stream_stats *st = stream_stats(s->stream);
    uint64_t last = READ(st->last_message_ns);
    char labels[256];
    (void)snprintf(labels, sizeof(labels), "instance=\"%s\",stream=\"%s\"", s->owner->config->id,
                   s->endpoint_name);
    sample_gauge(metrics_gauge(m, "hawse_stream_up", "1 while the connection is open.", labels),
                 READ(st->state) == HAWSE_STREAM_OPEN);
    sample_count(m, "hawse_stream_messages_total", "Messages received.", labels,
                 READ(st->messages));
    sample_count(m, "hawse_stream_bytes_total", "Payload bytes received.", labels, READ(st->bytes));
    sample_count(m, "hawse_stream_disconnects_total", "Losses of an open connection.", labels,
                 READ(st->disconnects));
    sample_count(m, "hawse_stream_failures_total", "Attempts to connect that failed.", labels,
                 READ(st->failures));
    sample_gauge(
        metrics_seconds(m, "hawse_stream_rtt_seconds", "Round trip of the last ping.", labels),
        READ(st->rtt_ns));
    sample_gauge(
        metrics_seconds(m, "hawse_stream_silence_seconds", "Time since the last message.", labels),
        last > 0 && now > last ? now - last : 0);
    for (const struct host_channel *ch = s->channels; ch; ch = ch->next)
        sample_channel(m, ch, labels);
}

static void sample_lane(struct metrics *m, const struct lane *lane)
{
    char labels[96];
    (void)snprintf(labels, sizeof(labels), "lane=\"%s\"", lane->name);
    sample_count(m, "hawse_lane_steps_total", "Turns of the lane's loop.", labels,
                 READ(lane->steps));
    sample_count(m, "hawse_lane_crossed_total", "Events that came from other lanes.", labels,
                 READ(lane->crossed));
}

void host_sample(struct host *host)
{
    uint64_t now = loop_clock();
    struct metric_gauge *rss =
        metrics_gauge(host->metrics, "hawse_resident_bytes", "Resident memory.", "");
    if (rss)
        gauge_set(rss, (int64_t)rss_bytes());
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count; i++) {
        if (host->instances[i])
            counter_set(host->instances[i]->dropped, dropped(host->instances[i]));
    }
    for (uint32_t i = 0; i < host->lane_count; i++) {
        sample_lane(host->metrics, host->lanes[i]);
        for (const struct host_stream *s = host->lanes[i]->open_streams; s; s = s->next)
            sample_stream(host->metrics, s, now);
    }
    (void)pthread_mutex_unlock(&host->lock);
}
