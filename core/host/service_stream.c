/*
 * "hawse.stream/1": streams and channels of instances. Turns frames and changes of state into
 * events for their owner; keeps URLs and headers away from plugins.
 */
#include "host/given.h"
#include "host/host.h"
#include "host/isolated.h"

#include <hawse/service/stream.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/service_stream.h"

static void channel_free(struct host_channel *ch)
{
    struct lane *lane = ch->stream->owner->lane;
    loop_timer_cancel(lane->loop, &ch->timer);
    handles_remove(&lane->channels, ch->handle);
    free(ch);
}

static void stream_free(struct host_stream *s)
{
    struct lane *lane = s->owner->lane;
    for (struct host_stream **at = &lane->open_streams; *at; at = &(*at)->next) {
        if (*at == s) {
            (void)pthread_mutex_lock(&lane->host->lock);
            *at = s->next;
            (void)pthread_mutex_unlock(&lane->host->lock);
            break;
        }
    }
    while (s->channels) { /* which nobody off the lane finds any more */
        struct host_channel *next = s->channels->next;
        channel_free(s->channels);
        s->channels = next;
    }
    stream_destroy(s->stream);
    handles_remove(&lane->streams, s->handle);
    s->owner->counts[1]--;
    free(s->endpoint_name);
    free(s);
}

void streams_release(struct instance *inst)
{
    uint32_t at = 0;
    struct host_stream *s;
    while ((s = handles_next(&inst->lane->streams, inst->index, &at)) != NULL)
        stream_free(s);
}

/* ---- from the network to the owner ---- */

static int32_t on_frames(void *ctx, struct stream *stream, const struct stream_frame *frames,
                         uint32_t n, uint64_t t_recv_ns)
{
    struct host_stream *s = ctx;
    struct lane *lane = s->owner->lane;
    hawse_event_t events[HAWSE_BATCH_MAX];
    const hawse_event_t *list[HAWSE_BATCH_MAX];
    n = n < HAWSE_BATCH_MAX ? n : HAWSE_BATCH_MAX;
    uint32_t epoch = stream_epoch(stream);
    if (epoch != s->epoch) {
        s->epoch = epoch;
        s->seq = 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        events[i] = (hawse_event_t){.size = sizeof(events[i]),
                                    .space = HAWSE_SPACE_HOST,
                                    .kind = HAWSE_HOST_FRAME,
                                    .epoch = epoch,
                                    .flags = frames[i].binary ? HAWSE_FRAME_BINARY : 0,
                                    .seq = s->seq + i + 1,
                                    .t_recv_ns = t_recv_ns,
                                    .key = s->handle,
                                    .data = frames[i].data,
                                    .len = frames[i].len};
        list[i] = &events[i];
    }
    lane_clock(lane, t_recv_ns);
    lane->reading = s;
    int32_t took = bus_pass(&lane->bus, s->owner->index, list, n);
    lane->reading = NULL;
    if (took > 0)
        s->seq += (uint32_t)took;
    if (s->close_later)
        return HAWSE_E_CANCELED; /* freed between callbacks: see streams_resume */
    s->paused = took >= 0 && (uint32_t)took < n;
    return took;
}

static void on_status(void *ctx, struct stream *stream, const struct stream_status *status)
{
    (void)stream;
    struct host_stream *s = ctx;
    uint8_t buffer[sizeof(hawse_host_stream_state_t) + 512];
    size_t text_len = status->text ? strlen(status->text) : 0;
    text_len = text_len < 512 ? text_len : 512;
    hawse_host_stream_state_t record = {.size = sizeof(record),
                                        .state = status->state,
                                        .stream = s->handle,
                                        .attempt = status->attempt,
                                        .close_code = status->close_code,
                                        .retry_ms = status->retry_ms,
                                        .error = status->error,
                                        .text_len = (uint32_t)text_len};
    memcpy(buffer, &record, sizeof(record));
    if (text_len > 0)
        memcpy(buffer + sizeof(record), status->text, text_len);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_STREAM_STATE,
                           .epoch = stream_epoch(s->stream ? s->stream : stream),
                           .key = s->handle,
                           .data = buffer,
                           .len = sizeof(record) + text_len};
    s->paused = false;
    struct lane *lane = s->owner->lane;
    if (bus_send(&lane->bus, s->owner->index, &event) == HAWSE_E_AGAIN) {
        s->lost_status = true; /* the queue is full: told as soon as there is room */
        s->last_status = record;
        s->last_status.text_len = 0;
        lane_arm_retry(lane);
    } else {
        s->lost_status = false;
    }
    for (struct host_channel *ch = s->channels; ch; ch = ch->next)
        ch->touched_ns = loop_now(lane->loop); /* silence counts from the new connection on */
}

static const struct stream_handler handler = {.on_frames = on_frames, .on_status = on_status};

/* Streams whose owner had no room go on. */
void streams_resume(struct lane *lane)
{
    struct host_stream *next;
    for (struct host_stream *s = lane->open_streams; s; s = next) {
        next = s->next;
        if (s->close_later) {
            stream_free(s);
            continue;
        }
        if (s->lost_status) {
            hawse_event_t event = {.size = sizeof(event),
                                   .space = HAWSE_SPACE_HOST,
                                   .kind = HAWSE_HOST_STREAM_STATE,
                                   .epoch = stream_epoch(s->stream),
                                   .key = s->handle,
                                   .data = (const uint8_t *)&s->last_status,
                                   .len = sizeof(s->last_status)};
            s->lost_status = bus_send(&lane->bus, s->owner->index, &event) == HAWSE_E_AGAIN;
        }
        const struct bus_member *m = &lane->bus.members[s->owner->index];
        if (s->paused && !m->blocked && !m->held && m->inbox.live == 0) {
            s->paused = false;
            stream_resume(s->stream);
        }
    }
}

/* The thread that handed over this stream's frames is lost: what it had taken is not known. */
void streams_reading_lost(struct lane *lane)
{
    struct host_stream *s = lane->reading;
    lane->reading = NULL;
    if (s->owner->state == INSTANCE_RUNNING)
        stream_reconnect(s->stream, "a callback hung while its frames were handed over");
}

/* ---- calls of plugins ---- */

static int32_t denied(struct instance *inst, hawse_view_t url)
{
    char shown[256];
    char copy[512];
    (void)snprintf(copy, sizeof(copy), "%.*s", (int)(url.len < 500 ? url.len : 500),
                   (const char *)url.data);
    log_redact(inst->host->logger, copy, strlen(copy), shown, sizeof(shown));
    fault_clear(&inst->last_error);
    (void)fault_set(&inst->last_error, HAWSE_E_DENIED,
                    "may not open a stream to %s: not granted to this instance", shown);
    fault_hint(&inst->last_error, "add \"net:SCHEME://HOST\" to instances.%s.grants if it should",
               inst->config->id);
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &inst->last_error);
    return HAWSE_E_DENIED;
}

/* The endpoint that the spec names, or one made of its URL. */
static int32_t find_endpoint(struct instance *inst, const hawse_stream_spec_t *spec, char *url,
                             size_t cap, struct config_endpoint *made,
                             const struct config_endpoint **endpoint)
{
    if (spec->endpoint.len > 0) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s",
                       (int)(spec->endpoint.len < 63 ? spec->endpoint.len : 63),
                       (const char *)spec->endpoint.data);
        *endpoint = config_endpoint_find(inst->config, name);
        if (!*endpoint) {
            fault_clear(&inst->last_error);
            (void)fault_set(&inst->last_error, HAWSE_E_NOTFOUND, "has no endpoint \"%s\"", name);
            fault_hint(&inst->last_error, "add it to instances.%s.endpoints", inst->config->id);
            return HAWSE_E_NOTFOUND;
        }
        return grants_net(inst->grants, (*endpoint)->url, true)
                   ? HAWSE_OK
                   : denied(inst, hawse_text((*endpoint)->display));
    }
    if (spec->url.len == 0 || spec->url.len >= cap)
        return HAWSE_E_INVAL;
    memcpy(url, spec->url.data, spec->url.len);
    url[spec->url.len] = '\0';
    if (!grants_net(inst->grants, url, false))
        return denied(inst, spec->url);
    *made = (struct config_endpoint){.name = url,
                                     .url = url,
                                     .display = url,
                                     .validate_utf8 = true,
                                     .connect_timeout_ms = 10000,
                                     .ping_ms = 20000,
                                     .idle_ms = 60000,
                                     .backoff_min_ms = 250,
                                     .backoff_max_ms = 30000};
    *endpoint = made;
    return HAWSE_OK;
}

static int32_t make_stream(struct instance *inst, const hawse_stream_spec_t *spec,
                           const struct config_endpoint *endpoint, struct host_stream **out)
{
    struct host *host = inst->host;
    struct host_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return HAWSE_E_NOMEM;
    s->owner = inst;
    s->endpoint_name = strdup(spec->endpoint.len > 0 ? endpoint->name : "url");
    int32_t code = s->endpoint_name ? handles_add(&inst->lane->streams, s, inst->index, &s->handle)
                                    : HAWSE_E_NOMEM;
    if (code != HAWSE_OK) {
        free(s->endpoint_name);
        free(s);
        return code;
    }
    char name[160], protocols[256];
    (void)snprintf(name, sizeof(name), "%s/%s", inst->config->id, s->endpoint_name);
    (void)snprintf(protocols, sizeof(protocols), "%.*s",
                   (int)(spec->protocols.len < 255 ? spec->protocols.len : 255),
                   (const char *)spec->protocols.data);
    struct stream_options options = {
        .name = name,
        .endpoint = endpoint,
        .protocols = spec->protocols.len > 0 ? protocols : NULL,
        .max_message = spec->max_message,
        .ping_ns = spec->ping_ns ? spec->ping_ns : (uint64_t)endpoint->ping_ms * 1000000u,
        .idle_ns = spec->idle_ns ? spec->idle_ns : (uint64_t)endpoint->idle_ms * 1000000u,
        .memory = inst->isolated ? &inst->isolated->memory : NULL,
    };
    fault_clear(&inst->last_error);
    code = stream_create(inst->lane->loop, host->connector, host->logger, &options, &handler, s,
                         &s->stream, &inst->last_error);
    if (code != HAWSE_OK) {
        handles_remove(&inst->lane->streams, s->handle);
        free(s->endpoint_name);
        free(s);
        return code;
    }
    *out = s;
    return HAWSE_OK;
}

static int32_t open_stream(struct instance *inst, const hawse_stream_spec_t *spec,
                           hawse_stream_t *out)
{
    if (spec->flags != 0)
        return HAWSE_E_INVAL;
    if (inst->counts[1] >= HOST_STREAMS_MAX)
        return HAWSE_E_LIMIT;
    char url[2048];
    struct config_endpoint made;
    const struct config_endpoint *endpoint = NULL;
    int32_t code = find_endpoint(inst, spec, url, sizeof(url), &made, &endpoint);
    if (code != HAWSE_OK)
        return code;
    struct host_stream *s = NULL;
    code = make_stream(inst, spec, endpoint, &s);
    if (code != HAWSE_OK)
        return code;
    (void)pthread_mutex_lock(&inst->host->lock);
    s->next = inst->lane->open_streams;
    inst->lane->open_streams = s;
    (void)pthread_mutex_unlock(&inst->host->lock);
    inst->counts[1]++;
    *out = s->handle;
    return HAWSE_OK;
}

static int32_t stream_open(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    hawse_stream_spec_t own;
    spec = GIVEN(spec, &own, GIVEN_STREAM_SPEC);
    code = spec && out ? open_stream(inst, spec, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static int32_t stream_send_message(const hawse_host_t *table, hawse_instance_t self,
                                   hawse_stream_t handle, uint32_t kind, hawse_view_t payload)
{
    int32_t code = HAWSE_E_STALE;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_stream *s = handles_get(&inst->lane->streams, handle, inst->index);
    if (s)
        code = kind >= HAWSE_MESSAGE_TEXT && kind <= HAWSE_MESSAGE_PING
                   ? stream_send(s->stream, kind, payload.data, payload.len)
                   : HAWSE_E_INVAL;
    else
        code = HAWSE_E_STALE;
    host_leave(inst);
    return code;
}

static int32_t stream_reconnect_now(const hawse_host_t *table, hawse_instance_t self,
                                    hawse_stream_t handle, hawse_view_t reason)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_stream *s = handles_get(&inst->lane->streams, handle, inst->index);
    if (s) {
        char text[256];
        (void)snprintf(text, sizeof(text), "%.*s", (int)(reason.len < 255 ? reason.len : 255),
                       reason.data ? (const char *)reason.data : "");
        stream_reconnect(s->stream, text);
    } else {
        code = HAWSE_E_STALE;
    }
    host_leave(inst);
    return code;
}

static int32_t stream_close(const hawse_host_t *table, hawse_instance_t self, hawse_stream_t handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_stream *s = handles_get(&inst->lane->streams, handle, inst->index);
    if (!s)
        code = HAWSE_E_STALE;
    else if (inst->lane->reading == s) { /* its frames are being handed over at this moment */
        s->close_later = true;
        handles_remove(&inst->lane->streams, s->handle);
    } else {
        stream_free(s);
    }
    host_leave(inst);
    return code;
}

/* ---- channels ---- */

static void channel_due(void *ctx, uint64_t now_ns)
{
    struct host_channel *ch = ctx;
    struct lane *lane = ch->stream->owner->lane;
    uint64_t silent = host_channel_silence(ch, now_ns);
    bool open = stream_stats(ch->stream->stream)->state == HAWSE_STREAM_OPEN;
    if (open && silent >= ch->idle_ns && !ch->told) {
        hawse_host_channel_idle_t record = {.size = sizeof(record),
                                            .stream = ch->stream->handle,
                                            .channel = ch->handle,
                                            .idle_ns = silent};
        hawse_event_t event = {.size = sizeof(event),
                               .space = HAWSE_SPACE_HOST,
                               .kind = HAWSE_HOST_CHANNEL_IDLE,
                               .key = ch->handle,
                               .data = (const uint8_t *)&record,
                               .len = sizeof(record)};
        ch->told = bus_send(&lane->bus, ch->stream->owner->index, &event) == HAWSE_OK;
    }
    uint64_t at = host_channel_next_look(ch, now_ns);
    (void)loop_timer_set(lane->loop, &ch->timer, at);
}

static int32_t new_channel(struct instance *inst, struct host_stream *s, hawse_view_t name,
                           uint64_t idle_ns, hawse_channel_t *out)
{
    struct lane *lane = inst->lane;
    if (name.len == 0 || name.len >= sizeof(((struct host_channel *)0)->name))
        return HAWSE_E_INVAL;
    struct host_channel *ch = calloc(1, sizeof(*ch));
    if (!ch)
        return HAWSE_E_NOMEM;
    memcpy(ch->name, name.data, name.len);
    ch->stream = s;
    ch->idle_ns = idle_ns;
    ch->touched_ns = loop_now(lane->loop);
    ch->timer.fn = channel_due;
    ch->timer.ctx = ch;
    int32_t code = handles_add(&lane->channels, ch, inst->index, &ch->handle);
    if (code == HAWSE_OK && idle_ns > 0)
        code = loop_timer_set(lane->loop, &ch->timer, ch->touched_ns + idle_ns);
    if (code != HAWSE_OK) {
        handles_remove(&lane->channels, ch->handle);
        free(ch);
        return code;
    }
    (void)pthread_mutex_lock(&inst->host->lock);
    ch->next = s->channels;
    s->channels = ch;
    (void)pthread_mutex_unlock(&inst->host->lock);
    *out = ch->handle;
    return HAWSE_OK;
}

static int32_t stream_channel(const hawse_host_t *table, hawse_instance_t self,
                              hawse_stream_t handle, hawse_view_t name, uint64_t idle_ns,
                              hawse_channel_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_stream *s = handles_get(&inst->lane->streams, handle, inst->index);
    if (!s)
        code = HAWSE_E_STALE;
    else
        code = out && name.data ? new_channel(inst, s, name, idle_ns, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static int32_t stream_touch(const hawse_host_t *table, hawse_instance_t self,
                            hawse_channel_t handle, uint64_t messages)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_channel *ch = handles_get(&inst->lane->channels, handle, inst->index);
    if (ch) {
        __atomic_store_n(&ch->messages, ch->messages + messages, __ATOMIC_RELAXED);
        __atomic_store_n(&ch->touched_ns, inst->lane->bus.now_ns, __ATOMIC_RELAXED);
        ch->told = false;
    } else {
        code = HAWSE_E_STALE;
    }
    host_leave(inst);
    return code;
}

static int32_t stream_channel_state(const hawse_host_t *table, hawse_instance_t self,
                                    hawse_channel_t handle, uint32_t state)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_channel *ch = handles_get(&inst->lane->channels, handle, inst->index);
    if (!ch)
        code = HAWSE_E_STALE;
    else if (state > HAWSE_CHANNEL_UNHEALABLE)
        code = HAWSE_E_INVAL;
    else
        __atomic_store_n(&ch->state, state, __ATOMIC_RELAXED);
    host_leave(inst);
    return code;
}

const hawse_stream_service_t host_stream_service = {
    .size = sizeof(hawse_stream_service_t),
    .open = stream_open,
    .send = stream_send_message,
    .reconnect = stream_reconnect_now,
    .close = stream_close,
    .channel = stream_channel,
    .touch = stream_touch,
    .channel_state = stream_channel_state,
};
