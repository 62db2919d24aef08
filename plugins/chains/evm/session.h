/*
 * The stream and what is subscribed on it: chain check, one subscription for heads, a few for logs,
 * one for pending transactions. A new set of addresses is subscribed before the old one is given
 * up. When the stream is away for long, HTTP stands in for it.
 */
#ifndef EVM_SESSION_H
#define EVM_SESSION_H

#include "evm.h"

/* Opens the stream, or begins to poll. */
int32_t session_start(struct evm *e);
void session_stop(struct evm *e);

/* HAWSE_HOST_STREAM_STATE and HAWSE_HOST_CHANNEL_IDLE. */
void session_state(struct evm *e, const hawse_event_t *event);
void session_idle(struct evm *e, const hawse_event_t *event);
/* Answers to REQUEST_CHAIN_ID, REQUEST_SUBSCRIBE. */
void session_chain_id(struct evm *e, const struct request *request, struct reply *reply);
void session_subscribed(struct evm *e, const struct request *request, struct reply *reply);

/* Subscribes what is to be subscribed and is not. */
void session_step(struct evm *e);
void session_tick(struct evm *e);
/* Subscriptions are subscribed anew because nothing comes from them; announces the gap. */
void session_resubscribe(struct evm *e, bool logs, bool heads, const char *why);
/* A message that is not understood; too many in a row end the connection. */
void session_strike(struct evm *e, enum report_warning kind, const char *what);
/* Tells the host what came on which channel since the last time. */
void session_touch(struct evm *e);
/* The state of the channels follows that of the sequences. */
void session_channels(struct evm *e);

#endif
