/*
 * JSON-RPC questions: to the endpoint "http" through the host, or, where there is none or it fails,
 * over the stream. Each ends once, with a reply, a failure or a timeout. All are safe to ask again;
 * asking again is the asker's business.
 */
#ifndef EVM_REQUEST_H
#define EVM_REQUEST_H

#include "evm.h"

bool requests_init(struct requests *requests);
void requests_finish(struct requests *requests);

/* Asks. `params` is built by the kind: see request.c. Returns HAWSE_OK, or why it could not be
 * sent: HAWSE_E_IO (no way to the node now), HAWSE_E_LIMIT, HAWSE_E_AGAIN. */
int32_t request_chain_id(struct evm *e, bool http);
int32_t request_subscribe(struct evm *e, uint32_t what, const char *feed);
int32_t request_unsubscribe(struct evm *e, const struct upstream *up);
int32_t request_head(struct evm *e, bool final);
int32_t request_by_number(struct evm *e, uint64_t number);
int32_t request_by_hash(struct evm *e, const uint8_t hash[32], uint64_t number);
/* Logs of a block (by hash) or of a range, of one chunk of addresses. */
int32_t request_logs(struct evm *e, const struct job *job);

/* Is such a question under way? number and hash as in the request; NULL = not compared. */
bool request_pending(const struct evm *e, enum request_kind kind, uint64_t number,
                     const uint8_t *hash);
uint32_t request_count(const struct evm *e, enum request_kind kind);

/* Takes a reply that came over the stream, a completion of the host, the passing of time, the loss
 * of the stream. They return 0 when the reply cannot be taken yet, else 1. */
int request_frame(struct evm *e, const struct decode_frame *frame);
int request_done(struct evm *e, const hawse_event_t *event);
void requests_tick(struct evm *e);
void requests_drop_stream(struct evm *e);

/* What the answer is for: evm.c knows. Returns 0 when it must come again later. */
int evm_reply(struct evm *e, const struct request *request, struct reply *reply);

#endif
