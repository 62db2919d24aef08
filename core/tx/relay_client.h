/*
 * Asks a private relay: signs the body of each request with the relay's own key where the relay
 * wants that (X-Flashbots-Signature), keeps to its limits per minute, and says what the answer
 * means. What is asked and when, others decide: relay.h.
 *
 * Owns the requests under way. The key that signs here must sign nothing else and hold nothing: it
 * only has a reputation. Functions are [loop], the thread of the loop that it was made for. It is
 * stopped when that thread and the signing thread have ended, and destroyed when the HTTP client's
 * has too and the loop is drained.
 */
#ifndef CORE_TX_RELAY_CLIENT_H
#define CORE_TX_RELAY_CLIENT_H

#include "keys/signer.h"
#include "rpc/failure.h"
#include "rpc/http_client.h"
#include "tx/relay.h"
#include "tx/signing.h"

struct relay_client;

/* Everything that is pointed to outlives the client. */
struct relay_client_options {
    struct http_client *http;
    struct loop *loop;
    const struct config_endpoint *endpoint;
    const struct config_endpoint *status; /* of RELAY_STATUS: a GET, unsigned */
    struct signer *signer;
    signer_handle auth;       /* 0 = requests are not signed */
    struct signing **signing; /* where that is done; there before the first request */
    struct chain chain;       /* that the key signs for */
};

/* Valid during the call that brings it. */
struct relay_answer {
    int32_t status;       /* HAWSE_OK: body is the text of "result". HAWSE_E_REMOTE: of the error.
                             Else why there is none, and body is a reason in words */
    enum rpc_class class; /* when status is not HAWSE_OK */
    const uint8_t *body;
    uint64_t body_len;
};
typedef void (*relay_done_fn)(void *ctx, const struct relay_answer *answer);

int32_t relay_client_create(const struct relay_client_options *options, struct relay_client **out,
                            struct fault *fault);
/* What is under way is not told any more. Idempotent; NULL is legal. */
void relay_client_stop(struct relay_client *client);
/* NULL is legal. */
void relay_client_destroy(struct relay_client *client);

/* A number for a request's id: no two of one client are the same. */
uint64_t relay_client_number(struct relay_client *client);
/* Asks when the limit of its kind allows it: the others wait in their order. `body` was written by
 * relay.h with `number`, or is the path of RELAY_STATUS; malloc'd and taken, also on failure.
 * `done` is called exactly once after HAWSE_OK, and never within this call. HAWSE_E_LIMIT: too many
 * wait. HAWSE_E_AGAIN, without a fault: it only looks, and would have to wait. */
int32_t relay_client_ask(struct relay_client *client, enum relay_kind kind, uint64_t number,
                         char *body, size_t len, relay_done_fn done, void *ctx,
                         struct fault *fault);

#endif
