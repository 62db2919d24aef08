/*
 * The host as a plugin sees it that is about to take another's place: what only reads is answered,
 * what it publishes is held back, and the first call that cannot be taken back decides that it
 * stays. Keeps every call, so that the capture has them when it does.
 */
#include "host/isolated.h"
#include "host/swap.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 1024, HELD_BYTES = 1 << 20 };

/* What nobody notices when the plugin that did it is gone again. */
static bool is_harmless(uint16_t call)
{
    switch (call) {
    case CALL_QUERY:
    case CALL_LOG:
    case CALL_ERROR:
    case CALL_LINK:
    case CALL_SPACE:
    case CALL_FEATURE:
    case CALL_SIGN_NAMES:
    case CALL_INTENT_LOOK_UP:
    case CALL_METRIC_ADD:
    case CALL_METRIC_SET:
        return true;
    default:
        return false;
    }
}

/* A copy at the end of the list; NULL when memory is out, and then it may not stay. */
static struct swap_call *keep(struct swap *s, const struct record_call *call)
{
    uint64_t len = 0, at = 0;
    for (uint32_t i = 0; i < call->view_count; i++)
        len += record_pad(call->views[i].len);
    struct swap_call *kept = malloc(sizeof(*kept) + len);
    if (!kept) {
        s->failed = true;
        return NULL;
    }
    *kept = (struct swap_call){.call = *call};
    for (uint32_t i = 0; i < call->view_count; i++) {
        if (call->views[i].len > 0)
            memcpy(kept->bytes + at, call->views[i].data, call->views[i].len);
        kept->call.views[i].data = call->views[i].data ? kept->bytes + at : NULL;
        at += record_pad(call->views[i].len);
    }
    *s->last = kept;
    s->last = &kept->next;
    return kept;
}

/* Its readers get it when it is decided; there must be room for it then. */
static void hold(struct swap *s, struct record_call *call)
{
    hawse_event_t event;
    if (call->arg_count * 8u < sizeof(event) || call->views[0].len > BUS_RECORD_MAX) {
        call->code = HAWSE_E_INVAL;
        (void)keep(s, call);
        return;
    }
    memcpy(&event, call->args, sizeof(event));
    event.data = call->views[0].data;
    event.len = call->views[0].len;
    call->code = HAWSE_E_AGAIN;
    struct swap_call *kept = NULL;
    if (s->held < HELD_MAX && event.len <= HELD_BYTES - s->held_bytes &&
        bus_room_for(&s->inst->lane->bus, s->inst->index, &event, s->held + 1)) {
        call->code = HAWSE_OK;
        s->held++;
        s->held_bytes += event.len;
        kept = keep(s, call);
        if (kept)
            kept->held = true;
    } else {
        (void)keep(s, call);
    }
}

static void act(struct swap *s, struct record_call *call)
{
    if (s->step == SWAP_RESTORING) {
        call->code = HAWSE_E_STATE;
        (void)keep(s, call);
    } else if (s->step == SWAP_TRYING && !swap_decide(s)) {
        call->code = HAWSE_E_AGAIN;
    } else {
        isolated_call(s->inst, call); /* recorded by the services themselves */
    }
}

static void take(struct swap *s, struct record_call *call)
{
    if (s->step == SWAP_DECIDED) {
        isolated_call(s->inst, call);
    } else if (call->call == CALL_PUBLISH && s->step == SWAP_TRYING) {
        hold(s, call);
    } else if (is_harmless(call->call)) {
        if (call->call != CALL_QUERY || s->worker) /* which else knows its answer */
            isolated_call(s->inst, call);
        (void)keep(s, call);
    } else {
        act(s, call);
    }
}

void swap_worker_call(void *ctx, struct record_call *call)
{
    call->result = 0;
    take(ctx, call);
}

/* ---- for a plugin in this process ---- */

/* The swap, in a callback of its instance; NULL anywhere else. */
static struct swap *entered(void *ctx)
{
    struct swap_api *api = ctx;
    struct swap *s = __atomic_load_n(&api->swap, __ATOMIC_ACQUIRE);
    if (!s)
        return NULL;
    const struct lane *lane = s->inst->lane;
    return lane->current == s->inst && pthread_equal(lane->thread, pthread_self()) ? s : NULL;
}

static void answer(void *ctx, hawse_instance_t self, struct record_call *call)
{
    struct swap *s = entered(ctx);
    if (!s || s->step == SWAP_OVER || self != s->handle)
        call->code = s ? HAWSE_E_STALE : HAWSE_E_STATE;
    else
        take(s, call);
}

static uint64_t now(void *ctx, uint32_t clock)
{
    const struct swap_api *api = ctx;
    return host_table.now(&api->api.table, clock);
}

static uint8_t *reserve(void *ctx, hawse_instance_t self, uint64_t len)
{
    const struct swap *s = entered(ctx);
    return s && self == s->handle && len <= BUS_RECORD_MAX ? s->reserved : NULL;
}

int32_t swap_api_new(struct swap *s)
{
    struct host *host = s->host;
    struct swap_api *api = calloc(1, sizeof(*api));
    s->reserved = calloc(1, BUS_RECORD_MAX + HAWSE_PADDING);
    if (!api || !s->reserved) {
        free(api);
        return HAWSE_E_NOMEM;
    }
    api->swap = s;
    api->replay = (struct tap_replay){.ctx = api, .answer = answer, .now = now, .reserve = reserve};
    api->api = (struct host_api){.table = tap_table, .host = host, .replay = &api->replay};
    api->next = host->apis;
    host->apis = api;
    s->api = api;
    return HAWSE_OK;
}

void swap_apis_free(struct host *host)
{
    while (host->apis) {
        struct swap_api *next = host->apis->next;
        grants_destroy(host->apis->grants);
        free(host->apis);
        host->apis = next;
    }
}

/* ---- lists ---- */

void swap_calls_begin(struct swap *s, struct swap_call **list)
{
    s->last = list;
}

static void free_list(struct swap_call *first)
{
    while (first) {
        struct swap_call *next = first->next;
        free(first);
        first = next;
    }
}

void swap_calls_free(struct swap *s)
{
    free_list(s->restore_calls);
    free_list(s->event_calls);
    s->restore_calls = s->event_calls = NULL;
}
