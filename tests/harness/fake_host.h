/*
 * A fake host: a small stand-in for the program that loads plugins, for unit tests of one plugin.
 * It is not the host and proves nothing about it; what it assumes is validated by the end-to-end
 * trials, which run the same plugins in the real host against a real node.
 *
 * It offers hawse_host_t and the services stream, sub, timer, rpc and metrics, records every call,
 * and lets the test send frames, changes of state, completions, demands and the passing of time.
 * It is strict: memory lent to the plugin is freed as soon as the contract allows, lane calls
 * outside a callback end the test, and a publisher's room can be cut to any number of events.
 */
#ifndef HAWSE_TESTS_FAKE_HOST_H
#define HAWSE_TESTS_FAKE_HOST_H

#include <hawse/hawse.h>
#include <hawse/space/host.h>
#include <hawse/space/stream.h>
#include <stdbool.h>

enum { FAKE_STREAMS = 4, FAKE_SEQUENCES = 16 };

/* What the plugin published, with a copy of its record. */
struct fake_event {
    hawse_event_t event;
};

struct fake_request {
    uint64_t handle;
    uint64_t tag;
    char *method;
    char *params;
    bool done; /* answered or canceled */
};

/* A message the plugin sent over a stream. */
struct fake_message {
    uint64_t stream;
    char *text;
};

struct fake_metric {
    char name[64];
    uint32_t kind;
    int64_t value;
};

struct fake_timer {
    uint64_t handle, due, period, tag;
};

struct fake_queued {
    hawse_event_t event;
    struct fake_queued *next;
};

struct fake_channel {
    char name[32];
    uint64_t idle_ns, touched;
    uint32_t state;
};

/* Owned by the test. The table must stay first. */
struct fake_host {
    hawse_host_t table;
    const hawse_plugin_t *plugin;
    void *state;
    uint64_t now; /* monotonic nanoseconds; moved by fake_advance alone */
    bool in_plugin;
    bool failed; /* on_events returned a negative code */
    int32_t code;
    char error[512], hint[256];

    bool no_ws, no_http, no_rpc_service; /* set before fake_start */
    uint64_t room;                       /* events that can still be published; -1 = any number */
    bool publish_denied;                 /* publish fails with HAWSE_E_DENIED */
    bool send_fails;

    struct fake_event *events;
    size_t event_count, event_cap, event_read;
    uint64_t seq[FAKE_SEQUENCES];
    struct fake_request *requests;
    size_t request_count, request_cap;
    struct fake_message *messages;
    size_t message_count, message_cap, message_read;
    struct fake_metric metrics[64];
    size_t metric_count;
    struct fake_timer timers[64];
    size_t timer_count;
    struct fake_channel channels[16];
    size_t channel_count;
    struct fake_queued *queue, *queue_tail;
    uint64_t streams[FAKE_STREAMS]; /* handles; 0 = free */
    uint64_t stream_opened;         /* the last one opened */
    bool stream_is_open;
    uint64_t reconnects;
    uint32_t epoch;
    uint64_t frame_seq;
    uint64_t last_handle;
    void **lent; /* freed when the callback returns */
    size_t lent_count, lent_cap;
    uint8_t *reserved;
    uint64_t reserved_len;
    size_t log_lines[4];
    char last_log[4][1200];
};

/* Makes the host and the plugin's state. NULL when create failed: *code and `error` of the host
 * that is then freed are copied out when not NULL. */
struct fake_host *fake_create(const hawse_plugin_t *plugin, const char *settings, int32_t *code,
                              char *error, size_t cap);
int32_t fake_start(struct fake_host *host);
void fake_destroy(struct fake_host *host); /* stops it first; NULL is legal */

/* Each of these queues one event and runs the plugin until it takes nothing more. */
void fake_stream_state(struct fake_host *host, uint32_t state);
void fake_frame(struct fake_host *host, const char *text);
void fake_frame_bytes(struct fake_host *host, const uint8_t *data, size_t len, uint32_t flags);
void fake_channel_idle(struct fake_host *host, const char *channel);
void fake_demand(struct fake_host *host, uint32_t change, uint64_t sub, uint16_t space,
                 uint16_t kind, const void *filter, uint32_t filter_len);
void fake_event(struct fake_host *host, const hawse_event_t *event);
/* Queues without running: fake_run does. */
void fake_queue_frame(struct fake_host *host, const char *text);
void fake_run(struct fake_host *host);

/* Ends a request: the body is the result's text, the error object's, or a reason. */
void fake_answer(struct fake_host *host, struct fake_request *request, int32_t status,
                 int64_t rpc_code, uint32_t http_status, const char *body);
/* The first open request, or NULL. */
struct fake_request *fake_request(struct fake_host *host);
/* The next message that was sent and not read yet, or NULL. */
const char *fake_message(struct fake_host *host);
/* The next event that was published and not read yet, or NULL. */
const hawse_event_t *fake_published(struct fake_host *host);

/* Time passes; timers fire. */
void fake_advance(struct fake_host *host, uint64_t ms);

int64_t fake_metric(const struct fake_host *host, const char *name);
uint32_t fake_channel_state(const struct fake_host *host, const char *name);

#endif
