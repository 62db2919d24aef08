/*
 * One connection to a Redis server, on a loop: commands with a budget each, and a state that is
 * always clear. A server that does not answer in time is one that is not there: the connection is
 * dropped, so that no answer ever comes late, and is tried again.
 *
 * [desk]. The server's address is numeric, or a Unix socket: looking names up would block.
 */
#ifndef CORE_TX_REDIS_LINK_H
#define CORE_TX_REDIS_LINK_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct redisReply;
struct redis_link;

struct redis_link_options {
    const char *address; /* numeric, or a path that begins with '/' */
    uint16_t port;
    uint16_t database;
    const char *user;     /* NULL = the server's default one */
    const char *password; /* NULL = none; read at each connection, and stays the caller's */
    uint32_t budget_ms;   /* of one command */
};

/* reply NULL: none came; whether it was done is not known. It lasts until the function returns. */
typedef void (*redis_done_fn)(void *ctx, const struct redisReply *reply);
/* The connection was made and answers, or was lost, with the reason. Never from inside a call. */
typedef void (*redis_state_fn)(void *ctx, bool up, const char *why);

int32_t redis_link_open(struct loop *loop, const struct redis_link_options *options,
                        redis_state_fn state, void *ctx, struct redis_link **out,
                        struct fault *fault);
/* Everything that waits is answered with NULL. NULL is legal. */
void redis_link_close(struct redis_link *link);
bool redis_link_up(const struct redis_link *link);

/* Sends a command; arguments are copied. While the link is down `done` is called at once. */
void redis_link_send(struct redis_link *link, int count, const char **arguments,
                     const size_t *lengths, redis_done_fn done, void *ctx);

#endif
