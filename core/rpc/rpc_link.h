/*
 * JSON-RPC over one WebSocket that stays: many requests under way, each answered by its id, in any
 * order. Lives on one loop, that of the HTTP client, and tells as that client does. Keeps nothing
 * that is asked: what was under way when the connection is lost has failed, and may have arrived.
 */
#ifndef CORE_RPC_RPC_LINK_H
#define CORE_RPC_RPC_LINK_H

#include "net/stream.h"
#include "rpc/http_client.h"

enum { RPC_LINK_MESSAGE = 32 << 20 }; /* a larger answer ends the connection */

struct rpc_link;

struct rpc_link_options {
    const char *name;                       /* for the log: "rpc/gnosis/alchemy" */
    const struct config_endpoint *endpoint; /* ws:// or wss://; copied */
    /* [loop] A connection was opened, or lost after what was under way had been told. */
    void (*changed)(void *ctx, bool open);
    /* [loop] A message that answers nothing: of a subscription; 64 readable bytes follow. */
    void (*note)(void *ctx, const uint8_t *text, size_t len);
    void *ctx;
};

/* [loop] Connects at once, and again whenever the connection is lost. */
int32_t rpc_link_create(struct loop *loop, struct connector *connector, struct logger *logger,
                        const struct rpc_link_options *options, struct rpc_link **out,
                        struct fault *fault);
/* [loop, or when nothing steps it any more] Tells nobody. NULL is legal. */
void rpc_link_destroy(struct rpc_link *link);
bool rpc_link_open(const struct rpc_link *link);

/* [loop] Sends `body`, a request whose id is `number`; the body is not kept. `done` is called on
 * the loop, exactly once and never within this call, with the result or the error object as http's
 * judge would leave them, in memory that is valid until it returns; 64 readable bytes follow.
 * HAWSE_E_STATE: not open; HAWSE_E_AGAIN: too much waits to be written. Nothing was sent then. */
int32_t rpc_link_begin(struct rpc_link *link, uint64_t number, const char *body, size_t len,
                       uint32_t timeout_ms, http_done_fn done, void *ctx);

#endif
