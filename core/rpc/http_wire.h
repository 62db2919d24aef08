/*
 * A provider's own connections for what is asked of it again and again: plain POSTs over HTTP/1.1,
 * one at a time on each connection, head written once and kept in locked memory. It takes a request
 * only when a connection is open and idle, and only the plain case (http_post.h): libcurl, beside
 * it, takes all else, and what this could not finish without knowing that it was not done. So
 * names, proxies, certificates, new connections that fail, and compression stay libcurl's alone.
 *
 * Lives on the loop of the HTTP client.
 */
#ifndef CORE_RPC_HTTP_WIRE_H
#define CORE_RPC_HTTP_WIRE_H

#include "net/stream.h"
#include "rpc/http_client.h"

struct http_wire;

/* [loop, or before it runs] At most `connections`; the endpoint must outlive the wire.
 * HAWSE_E_INVAL: its URL or headers are not the plain case. */
int32_t http_wire_create(struct loop *loop, struct connector *connector, struct logger *logger,
                         const struct config_endpoint *endpoint, uint32_t connections,
                         struct http_wire **out);
/* [loop, or when nothing steps it any more] Tells nobody. NULL is legal. */
void http_wire_destroy(struct http_wire *wire);
/* [loop] Several times a second: closes what nobody used for a while. */
void http_wire_tick(struct http_wire *wire, uint64_t now);

/* [loop] Sends `options->body`, which is not taken, and judges the answer as rpc_judge does. `done`
 * is called on the loop, exactly once and never within this call; the body is valid until it
 * returns and 64 readable bytes follow. A status of HAWSE_E_STALE: nothing came of it on a
 * connection that had been kept, or the answer is not the plain case; ask by libcurl, which would
 * have asked again too.
 * HAWSE_E_AGAIN: not now, or not this one; nothing was sent. NULL takes none. */
int32_t http_wire_begin(struct http_wire *wire, const struct http_options *options,
                        http_done_fn done, void *ctx);

#endif
