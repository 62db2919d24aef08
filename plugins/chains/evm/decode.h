/*
 * JSON of a node into records, in place: headers, logs, and the envelopes they come in. Nothing is
 * believed: each field has the type and length it must have, or the whole is refused.
 */
#ifndef EVM_DECODE_H
#define EVM_DECODE_H

#include "chain.h"

#include <hawse/json.h>
#include <hawse/space/evm.h>
#include <stdbool.h>

/* One text being read, with its index. Owned by one instance; the marks grow with large answers
 * and shrink again. */
struct decoder {
    hawse_json_t doc;
    uint32_t *marks;
    uint32_t cap;
};

enum decode_frame_kind {
    DECODE_NOTIFICATION = 1, /* value: what the subscription sends */
    DECODE_RESULT,           /* value: the result, id: of the request */
    DECODE_ERROR,            /* value: the error object */
};

struct decode_frame {
    enum decode_frame_kind kind;
    uint64_t id;
    hawse_view_t sub; /* of a notification: the subscription's id, as JSON text */
    hawse_json_value_t value;
};

bool decoder_init(struct decoder *decoder);
void decoder_finish(struct decoder *decoder);

/* Indexes a text and finds its one value. HAWSE_E_FORMAT, HAWSE_E_NOMEM, HAWSE_E_LIMIT. */
int32_t decode_text(struct decoder *decoder, const uint8_t *text, uint64_t len,
                    hawse_json_value_t *root);
/* Gives back what a large answer made the index grow to. */
void decode_rest(struct decoder *decoder);

/* A JSON-RPC message. HAWSE_E_FORMAT when it is none. */
int32_t decode_frame(struct decoder *decoder, const uint8_t *text, uint64_t len,
                     struct decode_frame *frame);

int32_t decode_header(const hawse_json_t *doc, hawse_json_value_t *value,
                      struct chain_header *header);
/* A log with its data behind the record; `out` has room for `cap` bytes. block_timestamp is left at
 * 0. HAWSE_E_NOSPACE: the data is too large. */
int32_t decode_log(const hawse_json_t *doc, hawse_json_value_t *value, hawse_evm_log_t *out,
                   uint64_t cap, bool *removed);
/* The hash of a pending transaction: a text, or an object with "hash". */
int32_t decode_pending(const hawse_json_t *doc, hawse_json_value_t *value, uint8_t hash[32]);
int32_t decode_quantity(const hawse_json_value_t *value, uint64_t *out);
/* Code and message of an error object; the message is cut to cap - 1 bytes and NUL-terminated. */
void decode_error(const hawse_json_t *doc, hawse_json_value_t *value, int64_t *code, char *message,
                  size_t cap);

#endif
