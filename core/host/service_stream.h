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

#endif
