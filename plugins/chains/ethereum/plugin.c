/*
 * The plugin's table for any EVM chain: settings, demands, events in, pump out.
 */
#include "plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 100, COMPLAIN_MS = 10000, FINAL_TICKS = 50, SCRATCH = 256 << 10, TIMER_TICK = 1 };
enum { SHAPE_SETS = 8, SHAPE_TEXT = 1536 }; /* pushed logs of up to 12 words of data */

uint64_t evm_now(const struct evm *e)
{
    return e->host->now(e->host, HAWSE_CLOCK_MONOTONIC);
}

/* ---- words and numbers for the operator ---- */

void evm_log(struct evm *e, uint32_t level, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    hawse_log(e->host, e->self, level, text);
}

/* At most one complaint in ten seconds: a broken peer must not fill the disk. Counted all the same.
 */
void evm_complain(struct evm *e, const char *format, ...)
{
    uint64_t now = evm_now(e);
    char text[512];
    va_list ap;
    if (e->complaint_ns != 0 && now - e->complaint_ns < COMPLAIN_MS * EVM_MS)
        return;
    e->complaint_ns = now;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    hawse_log(e->host, e->self, HAWSE_LOG_WARN, text);
}

void evm_count(struct evm *e, hawse_metric_t metric, int64_t n)
{
    if (metric)
        (void)e->metrics->add(e->host, e->self, metric, n);
}

void evm_gauge(struct evm *e, hawse_metric_t metric, int64_t n)
{
    if (metric)
        (void)e->metrics->set(e->host, e->self, metric, n);
}

static void declare(struct evm *e)
{
    const struct {
        hawse_metric_t *metric;
        uint32_t kind;
        const char *name, *help;
    } all[] = {
        {&e->count.heads, HAWSE_METRIC_COUNTER, "evm_heads_total", "Heads received."},
        {&e->count.logs, HAWSE_METRIC_COUNTER, "evm_logs_total", "Logs told."},
        {&e->count.duplicates, HAWSE_METRIC_COUNTER, "evm_duplicate_logs_total",
         "Pushed logs that had been told before."},
        {&e->count.reorgs, HAWSE_METRIC_COUNTER, "evm_reorgs_total", "Reorganisations."},
        {&e->count.depth, HAWSE_METRIC_GAUGE, "evm_reorg_depth", "Depth of the last one, blocks."},
        {&e->count.backfilled, HAWSE_METRIC_COUNTER, "evm_backfilled_logs_total",
         "Logs told late, after a gap."},
        {&e->count.missing, HAWSE_METRIC_COUNTER, "evm_missing_logs_total",
         "Logs that were never pushed and were found by checking."},
        {&e->count.malformed, HAWSE_METRIC_COUNTER, "evm_malformed_total",
         "Frames and answers that were not what a node sends."},
        {&e->count.errors, HAWSE_METRIC_COUNTER, "evm_rpc_errors_total", "Refused questions."},
        {&e->count.contradictions, HAWSE_METRIC_COUNTER, "evm_final_contradictions_total",
         "Final blocks that were not the told ones."},
        {&e->count.polling, HAWSE_METRIC_GAUGE, "evm_polling",
         "1 while the chain is followed without a stream."},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        hawse_view_t none = {NULL, 0};
        (void)e->metrics->declare(e->host, e->self, all[i].kind, hawse_text(all[i].name),
                                  hawse_text(all[i].help), none, all[i].metric);
    }
}

/* ---- settings ---- */

static uint64_t setting(const hawse_json_t *doc, hawse_json_value_t *root, const char *key,
                        uint64_t preset)
{
    hawse_json_value_t v;
    uint64_t n = preset;
    if (hawse_json_get(doc, root, key, &v) != HAWSE_OK)
        return preset;
    if (v.kind == HAWSE_JSON_TRUE || v.kind == HAWSE_JSON_FALSE)
        return v.kind == HAWSE_JSON_TRUE;
    return hawse_json_u64(&v, &n) == HAWSE_OK ? n : preset;
}

static int32_t read_settings(struct evm *e, hawse_view_t config)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    if (!text)
        return HAWSE_E_NOMEM;
    memcpy(text, config.data, config.len);
    int32_t code = hawse_json_index(&doc, text, config.len, e->marks, MARKS_MAX);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK) {
        const struct evm_params *p = e->params;
        e->set.chain_id = setting(&doc, &root, "chain_id", p->chain_id);
        e->set.window = (uint32_t)setting(&doc, &root, "window", 256);
        e->set.confirmations = (uint32_t)setting(&doc, &root, "confirmations", p->confirmations);
        e->set.check_blocks = (uint32_t)setting(&doc, &root, "check_blocks", 1);
        e->set.check_logs = setting(&doc, &root, "check_logs", 1) != 0;
        e->set.max_range = (uint32_t)setting(&doc, &root, "max_range", 64);
        e->set.max_backfill = (uint32_t)setting(&doc, &root, "max_backfill", 10000);
        e->set.heads_idle_ms = (uint32_t)setting(&doc, &root, "heads_idle_ms", 6ull * p->block_ms);
        e->set.log_bytes = (uint32_t)setting(&doc, &root, "log_bytes", 2 << 20);
        e->set.empty_answers = (uint32_t)setting(&doc, &root, "empty_answers", 2);
        e->set.polling = setting(&doc, &root, "polling", 1) != 0;
        e->set.poll_after_ms = (uint32_t)setting(&doc, &root, "poll_after_ms", 15000);
        e->set.poll_ms = (uint32_t)setting(&doc, &root, "poll_ms", p->block_ms / 2);
        e->set.pending = setting(&doc, &root, "pending_transactions", 0) != 0;
    }
    free(text);
    return code;
}

/* ---- life ---- */

void evm_destroy(void *state)
{
    struct evm *e = state;
    if (!e)
        return;
    chain_finish(&e->chain);
    ring_finish(&e->ring);
    watches_finish(&e->watches);
    free(e->blocks);
    free(e->marks);
    free(e->scratch);
    free(e->shape_memory);
    free(e);
}

static bool find_services(struct evm *e)
{
    e->sub = e->host->query(e->host, e->self, HAWSE_SUB_ID);
    e->streams = e->host->query(e->host, e->self, HAWSE_STREAM_ID);
    e->timers = e->host->query(e->host, e->self, HAWSE_TIMER_ID);
    e->rpc = e->host->query(e->host, e->self, HAWSE_RPC_ID);
    e->metrics = e->host->query(e->host, e->self, HAWSE_METRICS_ID);
    return e->sub && e->streams && e->timers && e->rpc && e->metrics;
}

int32_t evm_create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                   const struct evm_params *params, void **state)
{
    struct evm *e = calloc(1, sizeof(*e));
    if (!e)
        return HAWSE_E_NOMEM;
    e->host = host;
    e->self = self;
    e->params = params;
    e->late_slot = CHAIN_NONE;
    e->retract_from = EVM_NOT_TAKING;
    e->marks = malloc(MARKS_MAX * sizeof(e->marks[0]));
    e->scratch_cap = SCRATCH;
    e->scratch = malloc(e->scratch_cap);
    e->shape_memory = malloc(hawse_json_shapes_bytes(SHAPE_SETS, SHAPE_TEXT));
    int32_t code = e->marks && e->scratch && e->shape_memory
                       ? hawse_json_shapes_init(&e->shapes, e->shape_memory, SHAPE_SETS, SHAPE_TEXT)
                       : HAWSE_E_NOMEM;
    if (code == HAWSE_OK && !find_services(e))
        code = hawse_fail(host, self, HAWSE_E_UNSUPPORTED, "the host lacks a service of ABI 1.0",
                          "use hawse 0.1 or newer");
    if (code == HAWSE_OK)
        code = read_settings(e, config);
    if (code == HAWSE_OK && (!chain_init(&e->chain, e->set.window, check_evicted, e) ||
                             !ring_init(&e->ring, e->set.log_bytes) || !watches_init(&e->watches)))
        code = HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        e->blocks = calloc(e->chain.cap, sizeof(e->blocks[0]));
        code = e->blocks ? HAWSE_OK : HAWSE_E_NOMEM;
    }
    if (code != HAWSE_OK) {
        evm_destroy(e);
        return code;
    }
    e->range = e->set.max_range;
    e->epoch = 1;
    declare(e);
    *state = e;
    return HAWSE_OK;
}

int32_t evm_start(void *state)
{
    struct evm *e = state;
    int32_t code =
        e->timers->set(e->host, e->self, TICK_MS * EVM_MS, TICK_MS * EVM_MS, TIMER_TICK, &e->tick);
    if (code == HAWSE_OK)
        link_open(e);
    return code;
}

int32_t evm_stop(void *state, uint64_t deadline_ns)
{
    struct evm *e = state;
    (void)deadline_ns;
    e->stopping = true;
    return HAWSE_OK;
}

/* ---- events ---- */

/* Room for a filter with every address, twice: the text of a request stands beside its params. */
static bool fit_scratch(struct evm *e)
{
    uint64_t need = 2 * (watches_filter_len(&e->watches) + 1024);
    if (need <= e->scratch_cap)
        return true;
    uint8_t *more = realloc(e->scratch, need * 2);
    if (!more)
        return false;
    e->scratch = more;
    e->scratch_cap = need * 2;
    return true;
}

static void on_demand(struct evm *e, const hawse_event_t *event)
{
    hawse_host_demand_t demand;
    if (event->len < sizeof(demand))
        return;
    memcpy(&demand, event->data, sizeof(demand));
    if (demand.space != HAWSE_SPACE_EVM)
        return;
    if (demand.change == HAWSE_DEMAND_DROP) {
        e->watches_changed |= watches_drop(&e->watches, demand.sub);
        return;
    }
    union {
        hawse_evm_log_filter_t filter;
        uint8_t bytes[sizeof(hawse_evm_log_filter_t) + 16 * 32];
    } copy;
    uint64_t len = demand.filter_len < sizeof(copy) ? demand.filter_len : sizeof(copy);
    memcpy(copy.bytes, event->data + sizeof(demand), len);
    int32_t code = watches_add(&e->watches, demand.sub, &copy.filter, len);
    if (code == HAWSE_OK && !fit_scratch(e)) {
        (void)watches_drop(&e->watches, demand.sub);
        code = HAWSE_E_NOMEM;
    }
    if (code == HAWSE_OK) {
        e->watches_changed = true;
        fetch_afresh(e);
        return;
    }
    evm_log(e, HAWSE_LOG_ERROR,
            "instance number %u gets no logs: its filter is refused (%d): an address is needed, at "
            "most 16 topics, at most %d filters in all",
            demand.subscriber, code, WATCHES_MAX);
}

static void on_timer(struct evm *e, const hawse_event_t *event)
{
    hawse_host_timer_t timer;
    memcpy(&timer, event->data, sizeof(timer));
    if (timer.tag != TIMER_TICK)
        return;
    link_tick(e);
    poll_tick(e);
    silence_tick(e);
    if (e->phase == PHASE_WAITING)
        return;
    if (e->head_wanted && e->link == LINK_UP)
        link_ask_head(e);
    else if (e->head_wanted)
        ask_head(e);
    if (e->phase == PHASE_LIVE && ++e->ticks % FINAL_TICKS == 0)
        ask_final(e);
}

/* As link_frame. */
static int32_t on_host_event(struct evm *e, const hawse_event_t *event)
{
    switch (event->kind) {
    case HAWSE_HOST_FRAME:
        return link_frame(e, event);
    case HAWSE_HOST_RPC_DONE:
        ask_answer(e, event);
        return 1;
    case HAWSE_HOST_DEMAND:
        on_demand(e, event);
        return 1;
    case HAWSE_HOST_TIMER:
        on_timer(e, event);
        return 1;
    default:
        link_event(e, event);
        return 1;
    }
}

/* May the event come again although it was read? Frames, answers and ticks change nothing then. */
static bool repeatable(const hawse_event_t *event)
{
    return event->kind == HAWSE_HOST_FRAME || event->kind == HAWSE_HOST_RPC_DONE ||
           event->kind == HAWSE_HOST_TIMER;
}

static void flush_counts(struct evm *e)
{
    if (e->logs_now > 0)
        evm_count(e, e->count.logs, e->logs_now);
    if (e->duplicates_now > 0)
        evm_count(e, e->count.duplicates, e->duplicates_now);
    e->logs_now = e->duplicates_now = 0;
}

int32_t evm_on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct evm *e = state;
    uint32_t frames = 0, i = 0;
    bool room = sync_pump(e); /* what found no room before goes first */
    for (; room && i < n; i++) {
        if (events[i]->space != HAWSE_SPACE_HOST || e->stopping)
            continue;
        int32_t took = on_host_event(e, events[i]);
        if (took == 0)
            break;
        frames += events[i]->kind == HAWSE_HOST_FRAME;
        if (took == 2)
            continue;
        room = sync_pump(e);
        if (!room && repeatable(events[i]))
            break; /* left in the queue, so that the host calls again when there may be room */
    }
    if (frames > 0)
        (void)e->streams->touch(e->host, e->self, e->logs_channel, frames);
    flush_counts(e);
    return (int32_t)i;
}
