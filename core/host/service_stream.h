/*
 * Streams and channels as the host keeps them for an instance. Written on the lane; the list and
 * the relaxed numbers are read by status under the host's lock.
 */
#ifndef CORE_HOST_SERVICE_STREAM_H
#define CORE_HOST_SERVICE_STREAM_H

#include "host/host.h"

#include <hawse/space/host.h>

struct host_channel {
    struct host_channel *next;
    struct host_stream *stream;
    uint64_t handle;
    char name[32];
    uint64_t idle_ns;
    uint64_t touched_ns;
    uint64_t messages;
    uint32_t state; /* HAWSE_CHANNEL_... */
    bool told;      /* this silence was reported */
    struct loop_timer timer;
};

struct host_stream {
    struct host_stream *next;
    struct instance *owner;
    struct stream *stream;
    uint64_t handle;
    char *endpoint_name;
    struct host_channel *channels;
    uint32_t epoch;
    uint64_t seq;
    bool paused; /* its owner took less than it was given */
    bool close_later;
    bool lost_status; /* last_status found a full inbox */
    hawse_host_stream_state_t last_status;
};

/* How long the channel has been silent. A frame is stamped when it is read, which may be after the
 * step began that now looks at the channel: 0 then, never less. */
static inline uint64_t host_channel_silence(const struct host_channel *ch, uint64_t now_ns)
{
    return now_ns > ch->touched_ns ? now_ns - ch->touched_ns : 0;
}

/* When to look at it next: when its silence would be told, or from time to time. */
static inline uint64_t host_channel_next_look(const struct host_channel *ch, uint64_t now_ns)
{
    uint64_t due = ch->touched_ns + ch->idle_ns;
    return !ch->told && due > now_ns ? due : now_ns + ch->idle_ns / 4 + 1;
}

#endif
