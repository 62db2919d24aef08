/*
 * JSON-RPC of the feed: what a node would answer at this moment of the sample.
 */
#ifndef CORE_APP_FEED_ANSWER_H
#define CORE_APP_FEED_ANSWER_H

#include "app/feed/chain.h"
#include "app/feed/world.h"

/* what of a subscription */
enum { FEED_LOGS, FEED_HEADS };

/* The answer to one request or batch, malloc'd; NULL when none is due. subscriber NULL = HTTP. */
char *feed_answer(const struct feed_chain *chain, struct feed_subscriber *subscriber,
                  const char *text, size_t len);

#endif
