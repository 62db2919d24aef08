/* Requests of instances and their completions; see requests.h. */
#include "host/requests.h"

#include <hawse/space/host.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX = 128 };
_Static_assert(sizeof(hawse_host_rpc_done_t) <= RECORD_MAX, "room for the record");
_Static_assert(sizeof(hawse_host_http_done_t) <= RECORD_MAX, "room for the record");

int32_t request_new(struct instance *inst, uint64_t tag, uint16_t kind, request_record_fn record,
                    struct host_request **out)
{
    if (inst->counts[2] >= HOST_REQUESTS_MAX)
        return HAWSE_E_LIMIT;
    struct host_request *r = calloc(1, sizeof(*r));
    if (!r)
        return HAWSE_E_NOMEM;
    r->owner = inst;
    r->tag = tag;
    r->kind = kind;
    r->record = record;
    int32_t code = handles_add(&inst->lane->requests, r, inst->index, &r->handle);
    if (code != HAWSE_OK) {
        free(r);
        return code;
    }
    inst->counts[2]++;
    *out = r;
    return HAWSE_OK;
}

void request_drop(struct host_request *r)
{
    struct lane *lane = r->owner->lane;
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
static hawse_event_t *completion(const struct host_request *r, const struct http_result *result)
{
    uint8_t *block =
        calloc(1, sizeof(hawse_event_t) + RECORD_MAX + result->body_len + HAWSE_PADDING);
    if (!block)
        return NULL;
    hawse_event_t *event = (hawse_event_t *)(void *)block;
    uint8_t *data = block + sizeof(*event);
    size_t len = r->record(result, r->handle, r->tag, data);
    if (result->body_len > 0)
        memcpy(data + len, result->body, result->body_len);
    *event = (hawse_event_t){.size = sizeof(*event),
                             .space = HAWSE_SPACE_HOST,
                             .kind = r->kind,
                             .key = r->handle,
                             .data = data,
                             .len = len + result->body_len};
    return event;
}

static bool hand_over(struct host_request *r)
{
    struct lane *lane = r->owner->lane;
    if (bus_send_owned(&lane->bus, r->owner->index, r->event) == HAWSE_E_AGAIN)
        return false;
    r->event = NULL;
    return true;
}

/* The answer to a login: the session is kept, and only whether there is one goes on. */
static struct http_result keep_session(struct host_request *r, const struct http_result *result)
{
    struct http_result shown = *result;
    struct instance *inst = r->owner;
    struct fault fault = {0};
    if (result->status == HAWSE_OK && result->http_status / 100 == 2) {
        shown.status =
            sign_login_answer(r->login, (hawse_view_t){result->body, result->body_len}, &fault);
        explicit_bzero((uint8_t *)(uintptr_t)result->body, result->body_len);
        if (shown.status != HAWSE_OK)
            log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &fault);
    }
    shown.body_len = 0;
    return shown;
}

void request_done(void *ctx, const struct http_result *result)
{
    struct host_request *r = ctx;
    struct http_result kept;
    if (r->login) {
        kept = keep_session(r, result);
        result = &kept;
    }
    struct lane *lane = r->owner->lane;
    r->request = NULL;
    r->pooled = NULL;
    r->event = completion(r, result);
    if (!r->event) { /* tell at least that it ended */
        struct http_result small = *result;
        small.status = HAWSE_E_NOMEM;
        small.body_len = 0;
        r->event = completion(r, &small);
    }
    if (!r->event || !lane->bus.members[r->owner->index].open || hand_over(r)) {
        request_drop(r);
        return;
    }
    r->next = lane->undelivered;
    lane->undelivered = r;
    lane_arm_retry(lane);
}

void request_done_by_pool(void *ctx, const struct pool_result *result)
{
    const struct http_result same = {.status = result->status,
                                     .http_status = result->http_status,
                                     .retry_after_ms = result->retry_after_ms,
                                     .rpc_code = result->rpc_code,
                                     .elapsed_ns = result->elapsed_ns,
                                     .body = result->body,
                                     .body_len = result->body_len};
    request_done(ctx, &same);
}

/* It will not be told. */
static void stop(struct host_request *r)
{
    http_cancel(r->request);
    pool_cancel(r->pooled);
    request_drop(r);
}

void requests_retry(struct lane *lane)
{
    struct host_request *next;
    for (struct host_request *r = lane->undelivered; r; r = next) {
        next = r->next;
        if (hand_over(r))
            request_drop(r);
    }
    if (lane->undelivered)
        lane_arm_retry(lane);
}

void requests_release(struct instance *inst)
{
    uint32_t at = 0;
    struct host_request *r;
    while ((r = handles_next(&inst->lane->requests, inst->index, &at)) != NULL) {
        stop(r);
    }
}

int32_t request_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_request_t handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_request *r = handles_get(&inst->lane->requests, handle, inst->index);
    if (r) {
        stop(r);
    } else {
        code = HAWSE_E_STALE;
    }
    host_leave(inst);
    return code;
}

const struct config_endpoint *request_endpoint(struct instance *inst, hawse_view_t link,
                                               hawse_view_t name)
{
    const struct config_instance *config = link.len == 0 ? inst->config : NULL;
    for (uint32_t i = 0; i < inst->link_count && !config; i++) {
        const struct instance_link *l = &inst->links[i];
        if (strlen(l->name) == link.len && memcmp(l->name, link.data, link.len) == 0)
            config = instance_config(inst->host->instances[l->target]);
    }
    for (size_t i = 0; config && i < config->endpoint_count; i++) {
        const struct config_endpoint *e = &config->endpoints[i];
        if (strlen(e->name) == name.len && memcmp(e->name, name.data, name.len) == 0)
            return e;
    }
    return NULL;
}
