/*
 * JSON-RPC to a chain through all of its providers: rate limits, failover, hedging, broadcast,
 * quorum, coalescing and a cache. One pool a chain. Its state lives on the HTTP client's thread, so
 * that limits hold over all callers together; an answer is posted to the loop of who asked.
 *
 * Owns which provider is asked and when. Signs nothing, changes no request, and never asks anew
 * what an answer has decided (a revert, a nonce that is too low): rpc/failure.h says what does.
 */
#ifndef CORE_RPC_POOL_H
#define CORE_RPC_POOL_H

#include "config/config.h"
#include "observe/metrics.h"
#include "rpc/failure.h"
#include "rpc/http_client.h"

struct connector; /* of core/net: the threads that connect WebSockets */
struct pool;
struct pool_request;

/* Who goes first when a provider's rate does not suffice: sends before decisions before what can
 * wait. 20 % of each rate is kept for sends. */
enum pool_class { POOL_SEND, POOL_DECISION, POOL_BACKGROUND };

enum {
    POOL_FRESH = 1,     /* neither from the cache nor with the answer to another's call */
    POOL_BROADCAST = 2, /* the same bytes to up to 3 healthy providers at once; the first success,
                           or ALREADY_KNOWN, decides */
    POOL_QUORUM = 4,    /* 2 of 3 must agree byte for byte: HAWSE_E_STATE, two did not;
                           HAWSE_E_AGAIN, only one gave an answer */
};

enum { POOL_HEADER = 4096 }; /* bytes of a pushed header at most */

struct pool_options {
    const char *method; /* copied, like params */
    size_t method_len;
    const uint8_t *params; /* JSON text of an array; empty = [] */
    size_t params_len;
    enum pool_class class;
    uint32_t flags;
    uint32_t deadline_ms;  /* of all attempts together; 0 = 10,000 */
    uint64_t min_head;     /* only providers that have this block; 0 = any */
    uint64_t max_response; /* bytes; 0 = 32 MiB */
};

/* Valid during the call of pool_done_fn. */
struct pool_result {
    int32_t status;       /* 0: body is the text of "result". HAWSE_E_REMOTE: of the error object.
                             Else why there is none, and body is a reason in words:
                             HAWSE_E_TIMEOUT (deadline), HAWSE_E_AGAIN (limits, or nobody healthy),
                             HAWSE_E_IO, HAWSE_E_LIMIT, HAWSE_E_UNKNOWN (a send that may have
                             arrived), HAWSE_E_STATE (no two agree) */
    enum rpc_class class; /* of what ended it, when status is not 0 */
    int64_t rpc_code;     /* with HAWSE_E_REMOTE */
    uint32_t http_status; /* of the last answer; 0 = there was none */
    uint32_t retry_after_ms;
    const uint8_t *body; /* HAWSE_PADDING readable bytes follow */
    uint64_t body_len;
    const char *provider; /* whose answer it is; "cache"; "" = nobody's */
    uint64_t elapsed_ns;
};

/* [caller's loop] Exactly once, unless canceled. */
typedef void (*pool_done_fn)(void *ctx, const struct pool_result *result);

/* [main] The client outlives the pool, and so do logger and metrics. Everything of `chain` is
 * copied. */
int32_t pool_create(struct http_client *client, struct connector *connector,
                    const struct config_chain *chain, struct logger *logger,
                    struct metrics *metrics, struct pool **out, struct fault *fault);
/* [main] When http_client_stop has ended the client's thread and nobody asks any more. What was
 * under way is not told. */
void pool_destroy(struct pool *pool);

/* [any] The chain's name in the configuration; lives as long as the pool. */
const char *pool_name(const struct pool *pool);

/* [any] Asks. `loop` must live until `done` was called or the request was canceled. A request that
 * is not canceled is freed after `done`. HAWSE_E_INVAL: method or params are not what they must be;
 * HAWSE_E_LIMIT: too many are under way; HAWSE_E_NOMEM. */
int32_t pool_call(struct pool *pool, struct loop *loop, const struct pool_options *options,
                  pool_done_fn done, void *ctx, struct pool_request **out, struct fault *fault);
/* [thread of the loop given to pool_call] `done` will not be called. NULL is legal. A send that
 * left cannot be called back. */
void pool_cancel(struct pool_request *request);

/* [any] The highest head that any healthy provider told; 0 = none yet. */
uint64_t pool_head(const struct pool *pool);
/* [any] Do heads come by push, from any provider? */
bool pool_pushes(const struct pool *pool);
/* [any] `fn` is called on `loop` soon after each head that comes by push, once for several. One
 * listener a pool; loop NULL = nobody from now on: what was posted to its loop before still comes
 * there, so drain it before ctx ends. */
void pool_listen(struct pool *pool, struct loop *loop, void (*fn)(void *ctx), void *ctx);
/* [any] The header of the newest head that came by push, as the provider tells it (JSON of the
 * execution API's Block, without transactions), once: bytes of it in `out`; 0 = it was taken, or is
 * longer than that. No more is known of it than of an answer of that provider. */
size_t pool_pushed(struct pool *pool, uint8_t out[POOL_HEADER]);
/* [any] The chain was reorganised: what the cache knows of this height and above dies. */
void pool_epoch(struct pool *pool, uint64_t fork_height);
/* [any] Something was sent in the name of this address: what the cache knows of it dies. */
void pool_touched(struct pool *pool, const uint8_t address[20]);

#endif
