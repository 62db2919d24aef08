/*
 * The plugin's table: makes an instance, hands each event to the file that understands it, and lets
 * the teller work before and after. Nothing new is taken in while something old cannot be told.
 */
#include "evm.h"

#include "backfill.h"
#include "final.h"
#include "intake.h"
#include "plugin.h"
#include "report.h"
#include "request.h"
#include "session.h"
#include "sync.h"
#include "teller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_TICK = 1, TAG_RETRY = 2 };

/* ---- life ---- */

static void on_evict(void *ctx, uint32_t slot)
{
    struct evm *e = ctx;
    log_store_drop(&e->logs, slot);
}

/* Early logs of a block that is not on the way anywhere may go; they are fetched if it ever is. */
static bool may_spare(void *ctx, uint32_t slot)
{
    struct evm *e = ctx;
    if (chain_needed(&e->chain, slot))
        return false;
    evm_block(e, slot)->complete = false;
    return true;
}

void evm_destroy(void *state)
{
    struct evm *e = state;
    if (!e)
        return;
    chain_finish(&e->chain);
    log_store_finish(&e->logs);
    filter_finish(&e->filter);
    decoder_finish(&e->decoder);
    requests_finish(&e->requests);
    free(e->scratch);
    free(e);
}

static bool make_parts(struct evm *e)
{
    e->scratch = malloc(EVM_RECORD_MAX);
    return e->scratch && chain_init(&e->chain, (uint32_t)e->set.window, on_evict, e) &&
           log_store_init(&e->logs, e->set.log_store_kib << 10, e->chain.cap, may_spare, e) &&
           filter_init(&e->filter, e->now ^ e->self) && decoder_init(&e->decoder) &&
           requests_init(&e->requests);
}

static int32_t query_services(struct evm *e)
{
    static const char *const needed[] = {HAWSE_STREAM_ID, HAWSE_SUB_ID, HAWSE_TIMER_ID};
    const void *tables[3];
    char text[100];
    for (int i = 0; i < 3; i++) {
        tables[i] = e->host->query(e->host, e->self, needed[i]);
        if (tables[i])
            continue;
        (void)snprintf(text, sizeof(text), "this host does not have the service %s", needed[i]);
        return hawse_fail(e->host, e->self, HAWSE_E_UNSUPPORTED, text, "use a newer hawse");
    }
    e->streams = tables[0];
    e->sub = tables[1];
    e->timers = tables[2];
    e->rpc = e->host->query(e->host, e->self, HAWSE_RPC_ID);
    e->metrics = e->host->query(e->host, e->self, HAWSE_METRICS_ID);
    return HAWSE_OK;
}

int32_t evm_create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                   void **state)
{
    char what[200];
    struct evm *e = calloc(1, sizeof(*e));
    if (!e)
        return hawse_fail(host, self, HAWSE_E_NOMEM, "no memory for the instance", "");
    e->host = host;
    e->self = self;
    e->now = host->now(host, HAWSE_CLOCK_MONOTONIC);
    int32_t code = settings_read(config, &e->set, what, sizeof(what));
    if (code != HAWSE_OK) {
        (void)hawse_fail(host, self, code, what, "mend the settings of this instance");
        goto fail;
    }
    code = query_services(e);
    if (code != HAWSE_OK)
        goto fail;
    if (!make_parts(e)) {
        code = hawse_fail(host, self, HAWSE_E_NOMEM, "no memory for blocks and logs",
                          "lower window or log_store_kib");
        goto fail;
    }
    teller_init(e);
    sync_init(e);
    report_init(e);
    *state = e;
    return HAWSE_OK;
fail:
    evm_destroy(e);
    return code;
}

int32_t evm_start(void *state)
{
    struct evm *e = state;
    e->now = e->host->now(e->host, HAWSE_CLOCK_MONOTONIC);
    int32_t code = session_start(e);
    if (code == HAWSE_OK)
        code = e->timers->set(e->host, e->self, EVM_TICK_MS * EVM_MS, EVM_TICK_MS * EVM_MS,
                              TAG_TICK, &e->tick);
    e->started = code == HAWSE_OK;
    report_flush(e);
    return code;
}

int32_t evm_stop(void *state, uint64_t deadline_ns)
{
    struct evm *e = state;
    (void)deadline_ns;
    e->stopping = true;
    session_stop(e);
    if (e->tick != 0)
        (void)e->timers->cancel(e->host, e->self, e->tick);
    e->tick = 0;
    return HAWSE_OK;
}

/* ---- demands ---- */

static bool read_demand(const hawse_event_t *event, const hawse_host_demand_t *demand,
                        struct filter_demand *out)
{
    hawse_evm_log_filter_t filter;
    static const uint8_t nobody[20];
    const uint8_t *bytes = event->data + sizeof(*demand);
    *out = (struct filter_demand){.sub = demand->sub};
    if (demand->filter_len < sizeof(filter))
        return false;
    memcpy(&filter, bytes, sizeof(filter));
    if (filter.size < sizeof(filter) || filter.topic0_count > EVM_TOPICS_MAX ||
        demand->filter_len < filter.size ||
        demand->filter_len - filter.size < filter.topic0_count * 32u ||
        memcmp(filter.address, nobody, 20) == 0)
        return false;
    out->topic_count = filter.topic0_count;
    memcpy(out->address, filter.address, 20);
    memcpy(out->topics, bytes + filter.size, filter.topic0_count * 32u);
    return true;
}

static void add_demand(struct evm *e, const struct filter_demand *demand, uint32_t subscriber)
{
    uint64_t next = e->chain.started ? e->chain.high + 1 : 0;
    int32_t code = filter_add(&e->filter, demand, next);
    if (code != HAWSE_OK) {
        report_warn(e, WARN_DEMAND, "the filter of subscriber %u is not served: code %d",
                    subscriber, code);
        return;
    }
    e->session.demand_ns = e->now;
    sync_recheck(e, next);
}

static void take_demand(struct evm *e, const hawse_event_t *event)
{
    const hawse_host_demand_t *record = (const hawse_host_demand_t *)(const void *)event->data;
    struct filter_demand demand;
    if (event->len < sizeof(*record) || event->len - sizeof(*record) < record->filter_len)
        return;
    if (record->space != HAWSE_SPACE_EVM || (record->kind != 0 && record->kind != HAWSE_EVM_LOG))
        return;
    teller_wake(e);
    if (record->change == HAWSE_DEMAND_DROP) {
        if (filter_drop(&e->filter, record->sub) == HAWSE_OK)
            e->session.demand_ns = e->now;
    } else if (record->change != HAWSE_DEMAND_ADD) {
        return;
    } else if (read_demand(event, record, &demand)) {
        add_demand(e, &demand, record->subscriber);
    } else {
        report_warn(e, WARN_DEMAND,
                    "the filter of subscriber %u is refused: it must be a hawse_evm_log_filter_t "
                    "with an address and at most %d topics",
                    record->subscriber, EVM_TOPICS_MAX);
    }
}

/* ---- events ---- */

/* The header of an answer; NULL when there is none, and then the reply says why. */
static const struct chain_header *header_of(struct evm *e, struct reply *reply,
                                            struct chain_header *header)
{
    if (reply->code != HAWSE_OK)
        return NULL;
    if (reply->value.kind == HAWSE_JSON_NULL) {
        reply->code = HAWSE_E_NOTFOUND;
        (void)snprintf(reply->text, sizeof(reply->text), "the node does not have that block");
        return NULL;
    }
    reply->code = decode_header(&e->decoder.doc, &reply->value, header);
    if (reply->code == HAWSE_OK)
        return header;
    report_add(e, METRIC_MALFORMED, 1);
    report_warn(e, WARN_ANSWER, "a header that was asked for is not understood");
    (void)snprintf(reply->text, sizeof(reply->text), "not a header");
    return NULL;
}

int evm_reply(struct evm *e, const struct request *request, struct reply *reply)
{
    struct chain_header buffer;
    const struct chain_header *header;
    teller_wake(e);
    switch (request->kind) {
    case REQUEST_CHAIN_ID:
        session_chain_id(e, request, reply);
        return 1;
    case REQUEST_SUBSCRIBE:
        session_subscribed(e, request, reply);
        return 1;
    case REQUEST_HEAD:
        header = header_of(e, reply, &buffer);
        if (header)
            sync_head(e, header, false, e->now);
        else
            sync_head_failed(e, reply);
        return 1;
    case REQUEST_FINAL:
        final_reply(e, reply);
        return 1;
    case REQUEST_BY_NUMBER:
    case REQUEST_BY_HASH:
        sync_header(e, request, header_of(e, reply, &buffer));
        return 1;
    case REQUEST_LOGS:
        backfill_reply(e, request, reply);
        return 1;
    default:
        return 1; /* unsubscribed */
    }
}

static void take_timer(struct evm *e, const hawse_event_t *event)
{
    const hawse_host_timer_t *timer = (const hawse_host_timer_t *)(const void *)event->data;
    if (event->len < sizeof(*timer) || e->stopping)
        return;
    if (timer->tag == TAG_RETRY) {
        e->teller.retry_armed = false;
    } else if (timer->tag == TAG_TICK) {
        requests_tick(e);
        session_tick(e);
        sync_tick(e);
    }
}

static void drop_timer(struct evm *e, const hawse_event_t *event)
{
    const hawse_host_timer_t *timer = (const hawse_host_timer_t *)(const void *)event->data;
    if (event->len >= sizeof(*timer) && timer->tag == TAG_RETRY)
        e->teller.retry_armed = false;
}

static int take(struct evm *e, const hawse_event_t *event)
{
    if (event->space != HAWSE_SPACE_HOST)
        return 1;
    switch (event->kind) {
    case HAWSE_HOST_FRAME:
        return intake_frame(e, event);
    case HAWSE_HOST_STREAM_STATE:
        session_state(e, event);
        return 1;
    case HAWSE_HOST_CHANNEL_IDLE:
        session_idle(e, event);
        return 1;
    case HAWSE_HOST_RPC_DONE:
        return request_done(e, event);
    case HAWSE_HOST_DEMAND:
        take_demand(e, event);
        return 1;
    case HAWSE_HOST_TIMER:
        take_timer(e, event);
        return 1;
    default:
        return 1;
    }
}

/* A subscriber has no room. Events that are left with the host bring us back; when there are none,
 * a timer does. */
static void come_back(struct evm *e)
{
    hawse_timer_t unused;
    if (!e->teller.retry_armed && !e->stopping)
        e->teller.retry_armed =
            e->timers->set(e->host, e->self, EVM_MS, 0, TAG_RETRY, &unused) == HAWSE_OK;
}

int32_t evm_on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct evm *e = state;
    uint32_t taken = 0;
    e->now = e->host->now(e->host, HAWSE_CLOCK_MONOTONIC);
    if (!teller_pump(e)) {
        while (taken < n && events[taken]->space == HAWSE_SPACE_HOST &&
               events[taken]->kind == HAWSE_HOST_TIMER)
            drop_timer(e, events[taken++]); /* they make no work now, and must not block others */
        come_back(e);
        report_flush(e);
        return (int32_t)taken;
    }
    while (taken < n && !e->session.failed) {
        if (!take(e, events[taken]))
            break;
        taken++;
        if (!teller_pump(e)) {
            come_back(e);
            break;
        }
    }
    session_touch(e);
    session_channels(e);
    report_flush(e);
    return e->session.failed ? HAWSE_E_INVAL : (int32_t)taken;
}

const void *evm_query(const char *interface_id)
{
    (void)interface_id;
    return NULL;
}
