/*
 * What requests of instances have in common, JSON-RPC or HTTP: a handle, a place in the count of
 * their owner, and a completion that comes once. Completions are events in blocks of their own,
 * because they may be megabytes; one that finds a full inbox waits here.
 */
#ifndef CORE_HOST_REQUESTS_H
#define CORE_HOST_REQUESTS_H

#include "host/host.h"
#include "rpc/http_client.h"
#include "rpc/pool.h"

#include <hawse/service/http.h>

struct host_request;
/* Writes the record of the completion into `out`, which has room for sizeof of the larger record;
 * returns its length. */
typedef size_t (*request_record_fn)(const struct http_result *result, uint64_t handle, uint64_t tag,
                                    uint8_t *out);

struct host_request {
    struct host_request *next; /* in lane->undelivered */
    struct instance *owner;
    struct http_request *request; /* NULL once it is done */
    struct pool_request *pooled;  /* instead, when the endpoint is a chain */
    hawse_event_t *event;         /* the completion that waits for room */
    uint64_t handle;
    uint64_t tag;
    uint16_t kind; /* of the completion */
    request_record_fn record;
    struct credential *login; /* whose session the answer is; it goes no further. NULL = none */
};

/* A request of this instance, counted; HAWSE_E_LIMIT, HAWSE_E_NOMEM. Give it to request_done as the
 * context of what is asked; request_drop when asking fails. */
int32_t request_new(struct instance *inst, uint64_t tag, uint16_t kind, request_record_fn record,
                    struct host_request **out);
void request_drop(struct host_request *request);
/* [lane] The http_done_fn, and the pool_done_fn. */
void request_done(void *ctx, const struct http_result *result);
void request_done_by_pool(void *ctx, const struct pool_result *result);
/* The `cancel` of both services. */
int32_t request_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_request_t handle);

/* Endpoint `name` of the instance itself, or of that behind the link; NULL: no such. */
const struct config_endpoint *request_endpoint(struct instance *inst, hawse_view_t link,
                                               hawse_view_t name);

/* What the host adds to a request. */
struct request_login {
    const char *lines; /* of headers, each ended by '\n' */
    size_t lines_len;
    struct credential *session; /* the answer is its session; NULL = the answer is the instance's */
};
/* hawse.http/1's call, for instances that are inside a call of the host. `login` may be NULL. The
 * answer to one for a session is not asked of the instance's http grants. */
int32_t request_http(struct instance *inst, const hawse_http_call_t *call,
                     const struct request_login *login, hawse_request_t *out);
/* What is wrong with a call before anyone's grants are asked: HAWSE_E_INVAL, else the method as
 * constant text. */
int32_t request_http_legal(struct instance *inst, const hawse_http_call_t *call,
                           const char **method);

#endif
