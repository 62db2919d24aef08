/*
 * The feed's server: WebSocket and HTTP on one loopback port, by libwebsockets.
 */
#ifndef CORE_APP_FEED_SERVER_H
#define CORE_APP_FEED_SERVER_H

#include "app/feed/world.h"

struct feed_options {
    const char *host; /* a loopback address */
    int port;
    double speed;    /* 1 = as recorded */
    const int *quit; /* atomic: set by a signal handler */
};

/* Plays until *quit. Prints the address once it listens. */
int32_t feed_serve(const struct feed_world *world, void *state, const struct feed_options *options,
                   struct fault *fault);

#endif
