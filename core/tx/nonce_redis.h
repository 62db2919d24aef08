/*
 * Nonces in Redis, for several hosts that share keys: the steps of nonce.h, run by the server (see
 * nonce_lua.h), and mirrored in each host's journal.
 *
 * When the server does not answer within the budget, sending stops with a clear state
 * (NONCE_STOPPED, HAWSE_E_STATE), because others may be using the keys. Only a host that holds the
 * lease goes on by its journal (NONCE_ALONE): a file lock, which the host takes at its start, and
 * which the server knows of, so that it has refused every other host since. Hosts on one machine
 * that name the same file take turns by it; a host without it never sends while another has it.
 */
#ifndef CORE_TX_NONCE_REDIS_H
#define CORE_TX_NONCE_REDIS_H

#include "tx/nonce.h"
#include "tx/redis_link.h"

struct nonce_redis_options {
    struct redis_link_options server; /* texts stay the caller's */
    const char *prefix;               /* of keys; NULL = "hawse" */
    const char *lease;                /* path of the file lock; NULL = never alone */
    uint32_t pause_ms; /* after the server was started anew; 0 = 5 s. Longer than a host may take
                          to come back to it: they look once a second */
    void (*notify)(void *ctx, const char *text); /* the state changed; NULL = nobody is told */
    void *notify_ctx;
};

/* The journal and the loop stay the caller's, and outlive it. HAWSE_E_EXISTS: another process has
 * the lease. An unreachable server is no error: see nonce_mode(). */
int32_t nonces_open_redis(struct journal *journal, struct loop *loop,
                          const struct nonce_options *options,
                          const struct nonce_redis_options *redis, struct nonces **out,
                          struct fault *fault);

#endif
