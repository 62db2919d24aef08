/*
 * One plugin in three roles. "pulse" publishes numbered events; "reader" takes them and fails when
 * one is missing, doubled or out of order; "victim" takes one and then does something that no
 * plugin may, another thing in each of its lives, and "frames" the same with frames of a stream of
 * its own; "talker" prints. Any other role takes all and
 * does nothing.
 */
#include "rig.h"

#include <hawse/json.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.test.rig\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"maturity\":\"stable\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.timer/1\":\">=1.0\","
    "\"hawse.stream/1\":\">=1.0\"},"
    "\"capabilities\":[\"net\"],\"produces\":[\"org.test.pulse/1\"],\"consumes\":[\"org.test.pulse/"
    "1\"],"
    "\"config\":{\"type\":\"object\",\"properties\":{\"role\":{\"type\":\"string\"},"
    "\"events\":{\"type\":\"integer\",\"default\":1000}}}}";

enum { FRAMES_KEPT = 3, BURST = 8, PERIOD_NS = 1000000 };

struct pulse {
    uint64_t number;
    uint8_t filler[120];
};

static int32_t subscribe(struct rig *rig)
{
    hawse_sub_spec_t spec = {
        .size = sizeof(spec), .space = rig->space, .policy = HAWSE_POLICY_LOSSLESS};
    hawse_sub_t sub;
    return rig->sub->subscribe(rig->host, rig->self, &spec, &sub);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    char text[256];
    if (!rig)
        return HAWSE_E_NOMEM;
    (void)snprintf(text, sizeof(text), "%.*s", (int)config.len, (const char *)config.data);
    const char *role = strstr(text, "\"role\":\""), *events = strstr(text, "\"events\":");
    rig->host = host;
    rig->self = self;
    rig->life = self >> 32;
    rig->role = role ? role[8] : 'r';
    rig->events = events ? strtoull(events + 9, NULL, 10) : 0;
    rig->sub = host->query(host, self, HAWSE_SUB_ID);
    *state = rig;
    int32_t code = rig->sub->space(host, self, hawse_text("org.test.pulse/1"), &rig->space);
    if (rig->role == 'f') {
        hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("ws")};
        rig->stream = host->query(host, self, HAWSE_STREAM_ID);
        return rig->stream->open(host, self, &spec, &rig->echo);
    }
    return code == HAWSE_OK && rig->role != 'p' ? subscribe(rig) : code;
}

static int32_t start(void *state)
{
    struct rig *rig = state;
    if (rig->role == 't') {
        (void)printf("a line that somebody waits for\n");
        (void)fflush(stdout);
    }
    const hawse_timer_service_t *timer = rig->host->query(rig->host, rig->self, HAWSE_TIMER_ID);
    hawse_timer_t handle;
    return rig->role == 'p' ? timer->set(rig->host, rig->self, PERIOD_NS, PERIOD_NS, 0, &handle)
                            : HAWSE_OK;
}

static void beat(struct rig *rig)
{
    for (int i = 0; i < BURST && rig->published < rig->events; i++) {
        struct pulse pulse = {.number = rig->published + 1};
        hawse_event_t event = {.size = sizeof(event),
                               .space = rig->space,
                               .kind = 1,
                               .data = (const uint8_t *)&pulse,
                               .len = sizeof(pulse)};
        if (rig->sub->publish(rig->host, rig->self, &event) != HAWSE_OK)
            return;
        rig->published++;
    }
}

static int32_t read_one(struct rig *rig, const hawse_event_t *event)
{
    char text[96];
    struct pulse pulse;
    if (event->space != rig->space)
        return hawse_fail(rig->host, rig->self, HAWSE_E_INTERNAL, "a gap was announced", "");
    memcpy(&pulse, event->data, sizeof(pulse));
    if (pulse.number == ++rig->seen) {
        if (rig->seen == rig->events)
            hawse_log(rig->host, rig->self, HAWSE_LOG_INFO, "has them all");
        return HAWSE_OK;
    }
    (void)snprintf(text, sizeof(text), "expected event %llu, got %llu",
                   (unsigned long long)rig->seen, (unsigned long long)pulse.number);
    return hawse_fail(rig->host, rig->self, HAWSE_E_INTERNAL, text, "");
}

/* Has the server answer with frame after frame, and harms what came when some have. */
static int32_t take_frame(struct rig *rig, const hawse_event_t *event)
{
    static const char ask[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":[]}";
    hawse_host_stream_state_t state = {0};
    if (event->kind == HAWSE_HOST_STREAM_STATE)
        memcpy(&state, event->data, sizeof(state));
    if (event->kind == HAWSE_HOST_FRAME && ++rig->frames == FRAMES_KEPT)
        frame_fault_of_this_life(rig, event);
    if (event->kind == HAWSE_HOST_FRAME && !rig->kept) {
        rig->kept = event->data;
        rig->kept_len = event->len;
    }
    if (event->kind != HAWSE_HOST_FRAME && state.state != HAWSE_STREAM_OPEN)
        return HAWSE_OK;
    return rig->stream->send(rig->host, rig->self, rig->echo, HAWSE_MESSAGE_TEXT, hawse_text(ask));
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct rig *rig = state;
    for (uint32_t i = 0; i < n; i++) {
        int32_t code = HAWSE_OK;
        if (rig->role == 'p' && events[i]->space == HAWSE_SPACE_HOST)
            beat(rig);
        else if (rig->role == 'r')
            code = read_one(rig, events[i]);
        else if (rig->role == 'f')
            code = take_frame(rig, events[i]);
        else if (rig->role == 'v' && events[i]->space == rig->space)
            fault_of_this_life(rig, events[i]);
        if (code < 0)
            return code;
    }
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    free(state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t plugin = {.size = sizeof(hawse_plugin_t),
                                          .abi_minor = HAWSE_ABI_MINOR,
                                          .id = "org.test.rig",
                                          .create = create,
                                          .start = start,
                                          .on_events = on_events,
                                          .stop = stop,
                                          .destroy = destroy};
    (void)host;
    return &plugin;
}
