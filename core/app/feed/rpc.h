/* JSON-RPC's envelope, for the worlds that speak it. */
#ifndef CORE_APP_FEED_RPC_H
#define CORE_APP_FEED_RPC_H

#include <jansson.h>

/* What a method answers: `result`, or, where that is NULL, an error. */
struct rpc_answer {
    json_t *result;
    int code;
    const char *message;
};

/* One method of one request; ctx as given. */
typedef void rpc_method(void *ctx, const char *method, const json_t *params,
                        struct rpc_answer *answer);

/* A request or a batch of them, answered: malloc'd text. */
char *rpc_reply(const char *text, size_t len, rpc_method *method, void *ctx);

#endif
