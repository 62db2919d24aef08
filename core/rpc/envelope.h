/*
 * The envelope of a JSON-RPC 2.0 answer: finds "result" or "error" without building a tree, so that
 * an answer of megabytes costs one pass and numbers stay exact.
 */
#ifndef CORE_RPC_ENVELOPE_H
#define CORE_RPC_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc_envelope {
    const uint8_t *data; /* text of the result, or of the error object */
    size_t len;
    bool is_error;
    bool has_code;
    int64_t error_code;
    const uint8_t *message; /* of the error, as it stands; NULL = it has none */
    size_t message_len;
    bool has_id; /* a number */
    uint64_t id;
    const char *why; /* when it can't be read: constant text */
};

/* text must be followed by HAWSE_PADDING readable bytes. 0 or HAWSE_E_FORMAT. */
int32_t rpc_envelope_read(const uint8_t *text, size_t len, struct rpc_envelope *out);

/* The answer to a batch: `each` is called for every element, in order, with what it says; elements
 * that are no answer are passed over. HAWSE_E_FORMAT: no array, or cut off inside. */
int32_t rpc_envelope_each(const uint8_t *text, size_t len,
                          void (*each)(void *ctx, const struct rpc_envelope *answer), void *ctx);

#endif
