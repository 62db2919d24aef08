/*
 * "hawse.rpc/1": JSON-RPC requests of instances. Completions come from the client's thread as
 * events in blocks of their own, because they may be megabytes; one that finds a full inbox waits
 * here.
 */
#include "host/host.h"

#include <hawse/service/rpc.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_request {
    struct host_request *next; /* in lane->undelivered */
    struct instance *owner;
    struct rpc_request *request; /* NULL once it is done */
    hawse_event_t *event;        /* the completion that waits for room */
    uint64_t handle;
    uint64_t tag;
};

static void drop_request(struct host_request *r)
{
    struct lane *lane = &r->owner->host->lane;
    handles_remove(&lane->requests, r->handle);
    r->owner->counts[2]--;
    for (struct host_request **at = &lane->undelivered; *at; at = &(*at)->next) {
        if (*at == r) {
            *at = r->next;
            break;
        }
    }
    free(r->event);
    free(r);
}

/* Header, record and body in one block, which the bus frees when it was read. */
static hawse_event_t *completion(const struct host_request *r, const struct rpc_result *result)
{
    size_t head = sizeof(hawse_event_t) + sizeof(hawse_host_rpc_done_t);
    uint8_t *block = calloc(1, head + result->body_len + HAWSE_PADDING);
    if (!block)
        return NULL;
    hawse_event_t *event = (hawse_event_t *)(void *)block;
    hawse_host_rpc_done_t record = {.size = sizeof(record),
                                    .status = result->status,
                                    .request = r->handle,
                                    .tag = r->tag,
                                    .http_status = result->http_status,
                                    .retry_after_ms = result->retry_after_ms,
                                    .rpc_code = result->rpc_code,
                                    .elapsed_ns = result->elapsed_ns,
                                    .body_len = result->body_len};
    memcpy(block + sizeof(*event), &record, sizeof(record));
    if (result->body_len > 0)
        memcpy(block + head, result->body, result->body_len);
    *event = (hawse_event_t){.size = sizeof(*event),
                             .space = HAWSE_SPACE_HOST,
                             .kind = HAWSE_HOST_RPC_DONE,
                             .key = r->handle,
                             .data = block + sizeof(*event),
                             .len = sizeof(record) + result->body_len};
    return event;
}

static bool hand_over(struct host_request *r)
{
    struct lane *lane = &r->owner->host->lane;
    if (bus_send_owned(&lane->bus, r->owner->index, r->event) == HAWSE_E_AGAIN)
        return false;
    r->event = NULL;
    return true;
}

static void done(void *ctx, struct rpc_request *request, const struct rpc_result *result)
{
    (void)request;
    struct host_request *r = ctx;
    struct lane *lane = &r->owner->host->lane;
    r->request = NULL;
    r->event = completion(r, result);
    if (!r->event) { /* tell at least that it ended */
        struct rpc_result small = *result;
        small.status = HAWSE_E_NOMEM;
        small.body_len = 0;
        r->event = completion(r, &small);
    }
    if (!r->event || !lane->bus.members[r->owner->index].open || hand_over(r)) {
        drop_request(r);
        return;
    }
    r->next = lane->undelivered;
    lane->undelivered = r;
    lane_arm_retry(lane);
}

void requests_retry(struct lane *lane)
{
    struct host_request *next;
    for (struct host_request *r = lane->undelivered; r; r = next) {
        next = r->next;
        if (hand_over(r))
            drop_request(r);
    }
    if (lane->undelivered)
        lane_arm_retry(lane);
}

void requests_release(struct instance *inst)
{
    uint32_t at = 0;
    struct host_request *r;
    while ((r = handles_next(&inst->host->lane.requests, inst->index, &at)) != NULL) {
        if (r->request)
            rpc_cancel(r->request);
        drop_request(r);
    }
}

/* Whose endpoint is asked: the instance's own or that of a link. */
static const struct config_endpoint *find_http(struct instance *inst, hawse_view_t link)
{
    const struct config_instance *config = link.len == 0 ? inst->config : NULL;
    for (uint32_t i = 0; i < inst->link_count && !config; i++) {
        const struct instance_link *l = &inst->links[i];
        if (strlen(l->name) == link.len && memcmp(l->name, link.data, link.len) == 0)
            config = inst->host->instances[l->target]->config;
    }
    return config ? config_endpoint_find(config, "http") : NULL;
}

static int32_t send_call(struct instance *inst, const hawse_rpc_call_t *call, hawse_request_t *out)
{
    struct lane *lane = &inst->host->lane;
    if (call->size < sizeof(*call) || call->method.len == 0 || call->method.len > 128 ||
        call->params.len > 1u << 20)
        return HAWSE_E_INVAL;
    if (!grants_rpc(inst->grants, (const char *)call->method.data, call->method.len)) {
        fault_clear(&inst->last_error);
        (void)fault_set(&inst->last_error, HAWSE_E_DENIED, "may not call %.*s: not granted",
                        (int)call->method.len, (const char *)call->method.data);
        fault_hint(&inst->last_error, "add \"rpc:%.*s\" or \"rpc\" to instances.%s.grants",
                   (int)call->method.len, (const char *)call->method.data, inst->config->id);
        return HAWSE_E_DENIED;
    }
    const struct config_endpoint *endpoint = find_http(inst, call->link);
    if (!endpoint)
        return HAWSE_E_NOTFOUND;
    if (inst->counts[2] >= HOST_REQUESTS_MAX)
        return HAWSE_E_LIMIT;
    struct host_request *r = calloc(1, sizeof(*r));
    if (!r)
        return HAWSE_E_NOMEM;
    r->owner = inst;
    r->tag = call->tag;
    int32_t code = handles_add(&lane->requests, r, inst->index, &r->handle);
    if (code != HAWSE_OK) {
        free(r);
        return code;
    }
    inst->counts[2]++;
    struct rpc_options options = {.endpoint = endpoint,
                                  .method = (const char *)call->method.data,
                                  .method_len = call->method.len,
                                  .params = call->params.data,
                                  .params_len = call->params.len,
                                  .timeout_ms = call->timeout_ms,
                                  .max_response = call->max_response};
    fault_clear(&inst->last_error);
    code = rpc_call(inst->host->rpc, lane->loop, &options, done, r, &r->request, &inst->last_error);
    if (code != HAWSE_OK) {
        drop_request(r);
        return code;
    }
    *out = r->handle;
    return HAWSE_OK;
}

static int32_t rpc_call_method(const hawse_host_t *table, hawse_instance_t self,
                               const hawse_rpc_call_t *call, hawse_request_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = call && out ? send_call(inst, call, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static int32_t rpc_cancel_request(const hawse_host_t *table, hawse_instance_t self,
                                  hawse_request_t handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_request *r = handles_get(&inst->host->lane.requests, handle, inst->index);
    if (r) {
        if (r->request)
            rpc_cancel(r->request);
        drop_request(r);
    } else {
        code = HAWSE_E_STALE;
    }
    host_leave(inst);
    return code;
}

const hawse_rpc_service_t host_rpc_service = {
    .size = sizeof(hawse_rpc_service_t),
    .call = rpc_call_method,
    .cancel = rpc_cancel_request,
};
