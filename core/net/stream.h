/*
 * One WebSocket connection that stays: connects (in a helper thread: names, TCP, proxy and TLS are
 * libcurl's), upgrades, reads frames in place, answers pings, watches for silence, and reconnects
 * with exponential backoff and full jitter. Lives on one loop; its owner destroys it there.
 */
#ifndef CORE_NET_STREAM_H
#define CORE_NET_STREAM_H

#include "base/fault.h"
#include "config/config.h"
#include "loop/loop.h"
#include "net/ws_buffer.h"
#include "observe/log.h"

#include <hawse/space/host.h>

struct stream;
struct connector; /* the threads that connect; one per host */

/* One whole message in the receive buffer; valid until on_frames returns. */
struct stream_frame {
    const uint8_t *data;
    uint64_t len;
    uint32_t binary; /* 0 or 1 */
};

struct stream_status {
    uint32_t state; /* HAWSE_STREAM_... */
    uint32_t attempt;
    uint32_t close_code;
    int32_t error;
    uint64_t retry_ms;
    const char *text; /* redacted reason, may be empty */
};

struct stream_handler {
    /* Takes frames, oldest first; returns how many. Fewer than n pauses the stream (the socket is
     * no longer read) until stream_resume. Negative = the owner is gone; stop reading. */
    int32_t (*on_frames)(void *ctx, struct stream *stream, const struct stream_frame *frames,
                         uint32_t n, uint64_t t_recv_ns);
    void (*on_status)(void *ctx, struct stream *stream, const struct stream_status *status);
};

struct stream_options {
    const char *name;                       /* for the log: "gnosis/ws" */
    const struct config_endpoint *endpoint; /* copied where needed */
    const char *protocols;                  /* may be NULL */
    uint64_t max_message;                   /* 0 = 16 MiB */
    uint64_t ping_ns;
    uint64_t idle_ns;
    /* Where messages are received; NULL = the heap. Borrowed while the stream lives. Nothing of an
     * upgrade is ever there: a server may repeat keys in its answer. */
    const struct ws_memory *memory;
};

/* Written on the lane, readable from any thread (relaxed atomics). */
struct stream_stats {
    uint64_t messages;
    uint64_t bytes;
    uint64_t pings, pongs;
    uint64_t connects;        /* successful upgrades */
    uint64_t failures;        /* attempts that failed */
    uint64_t disconnects;     /* losses of an open connection */
    uint64_t last_message_ns; /* monotonic */
    uint64_t opened_ns;       /* monotonic; 0 = not open */
    uint64_t up_ns;           /* total time open, up to the last close */
    uint64_t rtt_ns;          /* of the last ping */
    uint32_t state;
};

int32_t connector_create(struct connector **out, struct fault *fault);
/* Attempts under way give up; waits for their threads, which post to the loops of their streams:
 * before such a loop ends that is not a lane's. */
void connector_stop(struct connector *connector);
void connector_destroy(struct connector *connector); /* stops it first */

int32_t stream_create(struct loop *loop, struct connector *connector, struct logger *logger,
                      const struct stream_options *options, const struct stream_handler *handler,
                      void *ctx, struct stream **out, struct fault *fault);
void stream_destroy(struct stream *stream); /* sends a close frame when open; NULL is legal */

/* kind: HAWSE_MESSAGE_... HAWSE_E_STATE when not open, HAWSE_E_AGAIN when 1 MiB waits. */
int32_t stream_send(struct stream *stream, uint32_t kind, const void *data, uint64_t len);
/* A text message that holds a login: no copy of it stays behind when it is on its way. The
 * same errors. */
int32_t stream_send_secret(struct stream *stream, const char *text, uint64_t len);
void stream_resume(struct stream *stream);
void stream_reconnect(struct stream *stream, const char *reason);
const struct stream_stats *stream_stats(const struct stream *stream);
uint32_t stream_epoch(const struct stream *stream); /* connections so far: 1, 2, ... */

#endif
