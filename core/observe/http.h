/*
 * Metrics and health over HTTP: GET /metrics, /healthz, /readyz. Served by libwebsockets on a
 * thread of its own; the lanes never wait for it.
 */
#ifndef CORE_OBSERVE_HTTP_H
#define CORE_OBSERVE_HTTP_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct http_server;

/* Where the pages come from. Called on the server's thread; texts are malloc'd. */
struct http_source {
    void *ctx;
    char *(*metrics)(void *ctx, size_t *len);
    bool (*healthy)(void *ctx);
    bool (*ready)(void *ctx, char **reasons); /* reasons: a JSON array */
};

/* listen: HOST:PORT, as in 127.0.0.1:9187 or [::1]:9187. */
int32_t http_start(const char *listen, const struct http_source *source, struct http_server **out,
                   struct fault *fault);
void http_stop(struct http_server *server);

#endif
