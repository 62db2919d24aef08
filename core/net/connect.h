/*
 * One attempt to connect: names, TCP, proxy and TLS, done by libcurl in a thread of its own,
 * because resolving blocks. The result, a connected transport, is handed to the loop that asked.
 * Knows nothing of WebSocket.
 */
#ifndef CORE_NET_CONNECT_H
#define CORE_NET_CONNECT_H

#include "base/fault.h"
#include "config/config.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct connector;
struct connect_attempt;

/* A connected byte stream. Used on one loop; never blocks. */
struct transport {
    void *easy; /* CURL *, owner of the connection */
    int fd;
    bool direct; /* the socket carries our bytes as they are: no TLS on it */
};

/* [loop] Exactly once per attempt that was not canceled. On failure the transport is empty and the
 * fault says why. */
typedef void (*connect_fn)(void *ctx, struct transport *transport, const struct fault *fault);

struct connect_options {
    const char *url; /* ws://, wss://, http:// or https:// */
    const char *proxy;
    const char *ca_file;
    uint32_t timeout_ms;
};

/* Texts are copied. */
int32_t connect_start(struct connector *connector, struct loop *loop,
                      const struct connect_options *options, connect_fn fn, void *ctx,
                      struct connect_attempt **out, struct fault *fault);
/* [loop] fn will not be called. */
void connect_cancel(struct connect_attempt *attempt);

/* Bytes read or written; 0 = the peer has closed (read); -1 = would block; -2 = failed, with the
 * reason in `fault`. */
ssize_t transport_read(struct transport *transport, void *buffer, size_t len, struct fault *fault);
ssize_t transport_write(struct transport *transport, const void *data, size_t len,
                        struct fault *fault);
void transport_close(struct transport *transport);

#endif
