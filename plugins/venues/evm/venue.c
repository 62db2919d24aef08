/* The table of a venue: settings, subscriptions, events in; see venue.h. */
#include "venue.h"

#include <assert.h>
#include <hawse/keccak.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 50 };

void venue_destroy(void *state)
{
    struct venue *v = state;
    if (!v)
        return;
    if (v->kind->finish)
        v->kind->finish(v);
    venue_pools_finish(v);
    venue_out_finish(v);
    free(v->found.asked);
    free(v);
}

/* ---- making ---- */

int32_t venue_subscribe(struct venue *v, const uint8_t address[20], uint32_t first, uint32_t count,
                        hawse_sub_t *sub)
{
    struct {
        hawse_evm_log_filter_t head;
        uint8_t topics[VENUE_TOPICS_MAX][32];
    } wanted = {.head = {.size = sizeof(wanted.head), .topic0_count = count}};
    memcpy(wanted.head.address, address, 20);
    memcpy(wanted.topics, v->topics[first], 32u * wanted.head.topic0_count);
    hawse_sub_spec_t logs = {
        .size = sizeof(logs),
        .source = v->chain,
        .space = HAWSE_SPACE_EVM,
        .kind = HAWSE_EVM_LOG,
        .flags = HAWSE_SUB_KEYED,
        .policy = HAWSE_POLICY_LOSSLESS,
        .key = hawse_key(address, 20),
        .filter = {(const uint8_t *)&wanted, sizeof(wanted.head) + 32u * wanted.head.topic0_count}};
    return v->sub->subscribe(v->host, v->self, &logs, sub);
}

static int32_t subscribe(struct venue *v)
{
    hawse_sub_t sub;
    hawse_sub_spec_t heads = {.size = sizeof(heads),
                              .source = v->chain,
                              .space = HAWSE_SPACE_EVM,
                              .kind = HAWSE_EVM_BLOCK,
                              .policy = HAWSE_POLICY_LOSSLESS};
    int32_t code = v->sub->subscribe(v->host, v->self, &heads, &sub);
    if (code == HAWSE_OK && v->kind->subscribe)
        code = v->kind->subscribe(v);
    for (uint32_t i = 0; i < v->pool_count && code == HAWSE_OK; i++)
        code = venue_pool_listen(v, v->pools[i]);
    return code;
}

static int32_t take_settings(struct venue *v, hawse_view_t config)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    uint32_t *marks = malloc((config.len + 2) * sizeof(marks[0]));
    int32_t code = text && marks ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        memcpy(text, config.data, config.len);
        code = hawse_json_index(&doc, text, config.len, marks, (uint32_t)config.len + 2);
    }
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = v->kind->configure(v, &doc, &root);
    free(text);
    free(marks);
    if (code == HAWSE_OK && !venue_discover_init(v))
        code = HAWSE_E_NOMEM;
    return code;
}

static int32_t make(struct venue *v, hawse_view_t config)
{
    for (uint32_t t = 0; t < v->kind->topic_count; t++)
        hawse_keccak_signature(v->kind->signatures[t], v->topics[t]);
    if (!venue_pools_init(v) || !venue_out_init(v))
        return HAWSE_E_NOMEM;
    int32_t code = take_settings(v, config);
    if (code == HAWSE_OK &&
        v->sub->link(v->host, v->self, hawse_text("chain"), &v->chain) != HAWSE_OK)
        code = hawse_fail(v->host, v->self, HAWSE_E_NOTFOUND, "needs a link named \"chain\"",
                          "add links: {\"chain\": \"ID OF A CHAIN INSTANCE\"}");
    return code;
}

static struct venue *new_venue(const struct venue_kind *kind, const hawse_host_t *host,
                               hawse_instance_t self)
{
    assert(kind->topic_count <= VENUE_TOPICS_MAX && kind->record_size % 8 == 0);
    struct venue *v = calloc(1, kind->venue_size);
    if (!v)
        return NULL;
    v->kind = kind;
    v->host = host;
    v->self = self;
    v->sub = host->query(host, self, HAWSE_SUB_ID);
    v->rpc = host->query(host, self, HAWSE_RPC_ID);
    v->timers = host->query(host, self, HAWSE_TIMER_ID);
    return v;
}

/* Gives it as the instance's state, or frees it. */
static int32_t made(struct venue *v, int32_t code, void **state)
{
    v->created = true;
    if (code == HAWSE_OK)
        *state = v;
    else
        venue_destroy(v);
    return code;
}

int32_t venue_create(const struct venue_kind *kind, const hawse_host_t *host, hawse_instance_t self,
                     hawse_view_t config, void **state)
{
    struct venue *v = new_venue(kind, host, self);
    if (!v)
        return HAWSE_E_NOMEM;
    int32_t code = make(v, config);
    if (code == HAWSE_OK) {
        code = subscribe(v);
        if (code != HAWSE_OK)
            code = hawse_fail(host, self, code, "cannot subscribe to the chain",
                              "see what its instance says");
    }
    return made(v, code, state);
}

int32_t venue_restore(const struct venue_kind *kind, const hawse_host_t *host,
                      hawse_instance_t self, hawse_view_t config, hawse_view_t saved, void **state)
{
    struct venue *v = new_venue(kind, host, self);
    if (!v)
        return HAWSE_E_NOMEM;
    int32_t code = make(v, config);
    if (code == HAWSE_OK)
        code = venue_load(v, saved);
    return made(v, code, state);
}

int32_t venue_start(void *state)
{
    struct venue *v = state;
    uint64_t every = (uint64_t)TICK_MS * 1000000u;
    return v->timers->set(v->host, v->self, every, every, 0, &v->tick);
}

int32_t venue_stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

/* ---- events ---- */

/* What follows from logs is no longer certain, and the last told block may not be on the chain. */
static void lost(struct venue *v)
{
    v->head_known = false;
    for (uint32_t i = 0; i < v->pool_count; i++)
        venue_pool_unread(v, v->pools[i]);
    venue_discover_again(v);
}

/* A block that left the chain takes a state that is being read at it along; one that was read at it
 * is good for the block below too, when no log of the block was in it. */
static void on_removed_block(struct venue *v, const hawse_evm_block_t *b)
{
    v->head_known = false;
    memcpy(v->tip_hash, b->parent_hash, 32);
    for (uint32_t i = 0; i < v->pool_count; i++) {
        struct venue_pool *p = v->pools[i];
        if (memcmp(p->read_hash, b->hash, 32) != 0)
            continue;
        if (p->phase == POOL_READING) {
            venue_pool_unread(v, p);
        } else {
            p->read_block = b->number - 1;
            memcpy(p->read_hash, b->parent_hash, 32);
        }
    }
}

static void on_block(struct venue *v, const hawse_event_t *event)
{
    const hawse_evm_block_t *b = (const hawse_evm_block_t *)(const void *)event->data;
    v->chain_id = b->chain_id;
    if (event->flags & HAWSE_EVENT_REMOVED) {
        on_removed_block(v, b);
        return;
    }
    if (v->tip_known && memcmp(v->tip_hash, b->parent_hash, 32) != 0)
        lost(v); /* the chain differs from below where it was told */
    v->tip_known = true;
    memcpy(v->tip_hash, b->hash, 32);
    v->head_number = b->number;
    v->head_time = b->timestamp;
    memcpy(v->head_hash, b->hash, 32);
    v->head_known = true;
    v->live_blocks += !(event->flags & HAWSE_EVENT_BACKFILLED);
    for (uint32_t i = 0; i < v->pool_count && v->kind->outdated; i++) {
        struct venue_pool *p = v->pools[i];
        if (p->phase == POOL_FOLLOWED && v->kind->outdated(p, b))
            venue_pool_unread(v, p);
    }
    venue_discover_next(v);
    venue_read_next(v);
}

static void on_log(struct venue *v, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    uint32_t topic = venue_topic(v, log);
    bool removed = (event->flags & HAWSE_EVENT_REMOVED) != 0;
    if (removed)
        v->head_known = false; /* its block leaves next: nothing is read there any more */
    if (topic == v->kind->topic_count || (v->kind->other && v->kind->other(v, log, topic, removed)))
        return;
    struct venue_pool *p =
        v->kind->pool_of ? v->kind->pool_of(v, log, topic) : venue_pool_find(v, log->address);
    if (p && p->wanted)
        venue_pool_log(v, p, topic, event);
}

/* The source lost events for good. */
static void on_continuity(struct venue *v, const hawse_event_t *event)
{
    if (event->kind == HAWSE_STREAM_EVENT_UNHEALABLE ||
        (event->kind == HAWSE_STREAM_EVENT_GAP && (event->flags & HAWSE_EVENT_LOCAL)))
        lost(v);
}

static void on_event(struct venue *v, const hawse_event_t *event)
{
    if (event->space == HAWSE_SPACE_EVM && event->kind == HAWSE_EVM_LOG)
        on_log(v, event);
    else if (event->space == HAWSE_SPACE_EVM && event->kind == HAWSE_EVM_BLOCK)
        on_block(v, event);
    else if (event->space == HAWSE_SPACE_STREAM)
        on_continuity(v, event);
    else if (event->space == HAWSE_SPACE_HOST && event->kind == HAWSE_HOST_RPC_DONE &&
             !venue_discover_answer(v, event))
        venue_read_answer(v, event);
    if (event->space == HAWSE_SPACE_HOST) {
        venue_discover_next(v);
        venue_read_next(v);
    }
}

int32_t venue_on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct venue *v = state;
    for (uint32_t i = 0; i < n; i++) {
        if (v->resume)
            v->resume = false; /* this one was done, only its output waited for room */
        else
            on_event(v, events[i]);
        if (!venue_out_flush(v)) {
            v->resume = true;
            return (int32_t)i;
        }
    }
    return (int32_t)n;
}
