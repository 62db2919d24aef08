/*
 * JSON-RPC of the feed: what a node would answer at this moment of the sample.
 */
#ifndef CORE_APP_FEED_ANSWER_H
#define CORE_APP_FEED_ANSWER_H

#include "app/feed/chain.h"

/* One subscriber's subscriptions, kept by its connection. */
struct feed_subscription {
    char id[36];
    bool heads;
    json_t *filter; /* of logs */
};

enum { FEED_SUBSCRIPTIONS = 64 };

struct feed_subscriber {
    struct feed_subscription list[FEED_SUBSCRIPTIONS];
    size_t count;
    uint64_t next_id;
};

void feed_subscriber_finish(struct feed_subscriber *subscriber);

/* The answer to one request or batch, malloc'd; NULL when none is due. subscriber NULL = HTTP. */
char *feed_answer(const struct feed_chain *chain, struct feed_subscriber *subscriber,
                  const char *text, size_t len);

#endif
