/*
 * "hawse.sub/1": links, spaces, subscriptions, publishing. Checks what a plugin may do against its
 * links and its manifest; the bus does the rest.
 */
#include "host/given.h"
#include "host/way.h"

#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/intent.h>
#include <hawse/space/market.h>
#include <hawse/space/solana.h>
#include <hawse/space/wallet.h>
#include <stdlib.h>
#include <string.h>

enum { SPACE_RUNTIME_FIRST = 0x8000 };

/* One subscription; a pattern per source that it covers. Lives until unsubscribe or release. */
struct host_sub {
    uint64_t handle;
    struct instance *reader;
    struct route_pattern *patterns;
    struct remote_sub **remote; /* by pattern; NULL: its source is on this lane */
    uint32_t pattern_count;
    uint8_t *filter;
    uint64_t filter_len;
};

static const struct {
    const char *id;
    uint16_t number;
} builtin_spaces[] = {
    {"host/1", HAWSE_SPACE_HOST},     {"stream/1", HAWSE_SPACE_STREAM},
    {"evm/1", HAWSE_SPACE_EVM},       {"solana/1", HAWSE_SPACE_SOLANA},
    {"market/1", HAWSE_SPACE_MARKET}, {"wallet/1", HAWSE_SPACE_WALLET},
    {"intent/1", HAWSE_SPACE_INTENT}, {"position/1", HAWSE_SPACE_POSITION},
};

/* Under the host's lock: lanes ask at any time. */
static uint16_t runtime_space(struct host *host, const char *id, size_t len, bool add)
{
    for (uint32_t i = 0; i < host->space_count; i++) {
        if (strlen(host->spaces[i].id) == len && memcmp(host->spaces[i].id, id, len) == 0)
            return host->spaces[i].number;
    }
    if (!add || host->space_count == HOST_SPACES_MAX)
        return 0;
    char *copy = strndup(id, len);
    if (!copy)
        return 0;
    uint16_t number = (uint16_t)(SPACE_RUNTIME_FIRST + host->space_count);
    host->spaces[host->space_count++] = (struct host_space){.id = copy, .number = number};
    return number;
}

uint16_t host_space_number(struct host *host, const char *id, size_t len, bool add)
{
    for (size_t i = 0; i < sizeof(builtin_spaces) / sizeof(builtin_spaces[0]); i++) {
        if (strlen(builtin_spaces[i].id) == len && memcmp(builtin_spaces[i].id, id, len) == 0)
            return builtin_spaces[i].number;
    }
    (void)pthread_mutex_lock(&host->lock);
    uint16_t number = runtime_space(host, id, len, add);
    (void)pthread_mutex_unlock(&host->lock);
    return number;
}

static int32_t sub_link(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name,
                        uint32_t *source)
{
    int32_t code = HAWSE_E_NOTFOUND;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    for (uint32_t i = 0; i < inst->link_count; i++) {
        const struct instance_link *link = &inst->links[i];
        if (strlen(link->name) == name.len && memcmp(link->name, name.data, name.len) == 0) {
            *source = link->target + 1;
            code = HAWSE_OK;
        }
    }
    host_leave(inst);
    return code;
}

static int32_t sub_space(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                         uint16_t *space)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    if (id.len == 0 || id.len > 128)
        code = HAWSE_E_INVAL;
    else if ((*space = host_space_number(inst->host, (const char *)id.data, id.len, true)) == 0)
        code = HAWSE_E_LIMIT;
    host_leave(inst);
    return code;
}

/* ---- subscribe ---- */

static void sub_free(struct host_sub *sub)
{
    free(sub->patterns);
    free(sub->remote);
    free(sub->filter);
    free(sub);
}

static bool linked(const struct instance *inst, uint32_t source)
{
    for (uint32_t i = 0; i < inst->link_count; i++) {
        if (inst->links[i].target + 1 == source)
            return true;
    }
    return false;
}

static struct demand demand_of(const struct host_sub *sub, uint32_t pattern)
{
    return (struct demand){.sub = sub->handle,
                           .pattern = sub->patterns[pattern],
                           .subscriber = sub->reader->index + 1,
                           .filter = sub->filter,
                           .filter_len = sub->filter_len};
}

static bool is_remote(const struct instance *inst, const struct route_pattern *pattern)
{
    return inst->host->instances[pattern->source - 1]->lane != inst->lane;
}

/* The first `count` patterns; `told`: their sources know of them. */
static void detach(struct host_sub *sub, uint32_t count, bool told)
{
    struct lane *lane = sub->reader->lane;
    for (uint32_t i = 0; i < count; i++) {
        if (sub->remote[i]) {
            remote_unsubscribe(sub->remote[i]);
            continue;
        }
        struct demand demand = demand_of(sub, i);
        bus_unsubscribe(&lane->bus, &sub->patterns[i], sub->handle);
        if (told && sub->filter_len > 0)
            (void)demand_send(lane, &demand, HAWSE_DEMAND_DROP);
    }
}

/* On the bus of the source's lane, which for most is this one. */
static int32_t attach_pattern(struct instance *inst, struct host_sub *sub, uint32_t i,
                              uint32_t policy)
{
    struct demand demand = demand_of(sub, i);
    if (is_remote(inst, &demand.pattern))
        return remote_subscribe(inst, &demand, policy, &sub->remote[i]);
    return bus_subscribe(&inst->lane->bus, inst->index, &demand.pattern, policy, sub->handle);
}

/* Puts the subscription on the bus and tells the sources; undone when anything fails. */
static int32_t attach(struct instance *inst, struct host_sub *sub, uint32_t policy)
{
    uint32_t done = 0;
    int32_t code = HAWSE_OK;
    for (; done < sub->pattern_count && code == HAWSE_OK; done++)
        code = attach_pattern(inst, sub, done, policy);
    if (code != HAWSE_OK)
        done--; /* the last one is not there */
    uint32_t told = 0;
    for (; told < done && code == HAWSE_OK && sub->filter_len > 0; told++) {
        struct demand demand = demand_of(sub, told);
        if (!sub->remote[told]) /* which is told by its own lane */
            code = demand_send(inst->lane, &demand, HAWSE_DEMAND_ADD);
    }
    if (code != HAWSE_OK)
        detach(sub, done, told > 0);
    return code;
}

static uint32_t default_policy(const struct instance *inst, const struct route_pattern *pattern)
{
    const struct instance *source = inst->host->instances[pattern->source - 1];
    const struct manifest *m = source->library->manifest;
    return m->stream_count > 0 ? m->streams[0].policy : HAWSE_POLICY_LOSSLESS;
}

static struct host_sub *sub_new(struct instance *inst, const hawse_sub_spec_t *spec)
{
    struct host_sub *sub = calloc(1, sizeof(*sub));
    uint32_t count = spec->source == HAWSE_SOURCE_ANY ? inst->link_count : 1;
    if (!sub)
        return NULL;
    sub->reader = inst;
    sub->patterns = calloc(count + 1u, sizeof(sub->patterns[0]));
    sub->remote = calloc(count + 1u, sizeof(sub->remote[0]));
    sub->filter = malloc(spec->filter.len + 1);
    if (!sub->patterns || !sub->remote || !sub->filter) {
        sub_free(sub);
        return NULL;
    }
    sub->filter_len = spec->filter.len;
    if (sub->filter_len > 0)
        memcpy(sub->filter, spec->filter.data, spec->filter.len);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t source =
            spec->source == HAWSE_SOURCE_ANY ? inst->links[i].target + 1 : spec->source;
        struct route_pattern pattern = {.source = source,
                                        .space = spec->space,
                                        .kind = spec->kind,
                                        .keyed = (spec->flags & HAWSE_SUB_KEYED) != 0,
                                        .key = spec->key};
        sub->patterns[sub->pattern_count++] = pattern;
    }
    return sub;
}

static int32_t subscribe(struct instance *inst, const hawse_sub_spec_t *spec, hawse_sub_t *out)
{
    if (spec->space == 0 || spec->filter.len > WAY_FILTER_MAX ||
        spec->policy > HAWSE_POLICY_DROP_OLDEST)
        return HAWSE_E_INVAL;
    if (spec->source != HAWSE_SOURCE_ANY && !linked(inst, spec->source))
        return HAWSE_E_DENIED;
    if (inst->counts[3] >= HOST_SUBS_MAX)
        return HAWSE_E_LIMIT;
    struct lane *lane = inst->lane;
    struct host_sub *sub = sub_new(inst, spec);
    if (!sub)
        return HAWSE_E_NOMEM;
    int32_t code = handles_add(&lane->subs, sub, inst->index, &sub->handle);
    if (code != HAWSE_OK) {
        sub_free(sub);
        return code;
    }
    uint32_t policy = spec->policy;
    if (policy == HAWSE_POLICY_DEFAULT && sub->pattern_count > 0)
        policy = default_policy(inst, &sub->patterns[0]);
    code = attach(inst, sub, policy);
    if (code != HAWSE_OK) {
        handles_remove(&lane->subs, sub->handle);
        sub_free(sub);
        return code;
    }
    inst->counts[3]++;
    *out = sub->handle;
    return HAWSE_OK;
}

static int32_t sub_subscribe(const hawse_host_t *table, hawse_instance_t self,
                             const hawse_sub_spec_t *spec, hawse_sub_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    hawse_sub_spec_t own;
    spec = GIVEN(spec, &own, GIVEN_SUB_SPEC);
    code = spec && out ? subscribe(inst, spec, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static void drop_sub(struct instance *inst, struct host_sub *sub)
{
    detach(sub, sub->pattern_count, true);
    handles_remove(&inst->lane->subs, sub->handle);
    inst->counts[3]--;
    sub_free(sub);
}

static int32_t sub_unsubscribe(const hawse_host_t *table, hawse_instance_t self, hawse_sub_t handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_sub *sub = handles_get(&inst->lane->subs, handle, inst->index);
    if (sub)
        drop_sub(inst, sub);
    else
        code = HAWSE_E_STALE;
    host_leave(inst);
    return code;
}

void subs_release(struct instance *inst)
{
    struct handles *subs = &inst->lane->subs;
    uint32_t at = 0;
    struct host_sub *sub;
    while ((sub = handles_next(subs, inst->index, &at)) != NULL)
        drop_sub(inst, sub);
}

/* ---- a source that was made anew ---- */

/* A lane that looks for subscriptions to a source of another one. */
struct look {
    struct loop_work work;
    struct lane *lane;
    uint32_t source;
};

/* To spare a walk through all subscriptions for each slot. */
static bool reads_here(const struct lane *lane, uint32_t slot)
{
    const struct instance *inst = lane->host->instances[slot];
    return inst && inst->lane == lane && inst->counts[3] > 0;
}

static void look(void *ctx)
{
    struct look *l = ctx;
    for (uint32_t reader = 0; reader < HOST_INSTANCES; reader++) {
        uint32_t at = 0;
        if (!reads_here(l->lane, reader))
            continue;
        struct host_sub *sub;
        while ((sub = handles_next(&l->lane->subs, reader, &at)) != NULL) {
            for (uint32_t i = 0; i < sub->pattern_count; i++) {
                if (sub->remote[i] && sub->patterns[i].source == l->source)
                    remote_tell_again(sub->remote[i]);
            }
        }
    }
    free(l);
}

static void ask_others(const struct instance *source)
{
    const struct host *host = source->host;
    for (uint32_t i = 0; i < host->lane_count; i++) {
        struct look *l = host->lanes[i] != source->lane ? calloc(1, sizeof(*l)) : NULL;
        if (!l)
            continue;
        *l = (struct look){
            .work = {.fn = look, .ctx = l}, .lane = host->lanes[i], .source = source->index + 1};
        loop_post(l->lane->loop, &l->work);
    }
}

static bool tell_of(const struct instance *source, const struct host_sub *sub,
                    struct subs_cursor *at)
{
    for (; at->pattern < sub->pattern_count; at->pattern++) {
        struct demand demand = demand_of(sub, at->pattern);
        if (demand.pattern.source == source->index + 1 && demand.filter_len > 0 &&
            demand_send(source->lane, &demand, HAWSE_DEMAND_ADD) == HAWSE_E_AGAIN)
            return false;
    }
    at->pattern = 0;
    return true;
}

bool subs_tell_again(struct instance *source, struct subs_cursor *at)
{
    if (!at->others)
        ask_others(source);
    at->others = true;
    for (; at->reader < HOST_INSTANCES; at->reader++) {
        uint32_t next = at->handle;
        const struct host_sub *sub;
        if (!reads_here(source->lane, at->reader))
            continue;
        while ((sub = handles_next(&source->lane->subs, at->reader, &next)) != NULL) {
            if (!tell_of(source, sub, at))
                return false;
            at->handle = next;
        }
        at->handle = 0;
    }
    return true;
}

/* ---- publish ---- */

static uint8_t *sub_reserve(const hawse_host_t *table, hawse_instance_t self, uint64_t len)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return NULL;
    uint8_t *at = bus_reserve(&inst->lane->bus, len);
    host_leave(inst);
    return at;
}

/* The smallest record that a known kind of a built-in space can have; 0 = unknown kind, any size.
 */
static uint64_t record_min(uint16_t space, uint16_t kind)
{
    static const uint32_t stream[] = {0,
                                      sizeof(hawse_stream_range_t),
                                      sizeof(hawse_stream_range_t),
                                      sizeof(hawse_stream_range_t),
                                      sizeof(hawse_stream_range_t),
                                      sizeof(hawse_stream_range_t),
                                      sizeof(hawse_stream_range_t),
                                      sizeof(hawse_stream_range_t)};
    static const uint32_t evm[] = {0, sizeof(hawse_evm_block_t), sizeof(hawse_evm_log_t),
                                   sizeof(hawse_evm_pending_tx_t), sizeof(hawse_evm_reorg_t)};
    static const uint32_t solana[] = {0,
                                      sizeof(hawse_solana_slot_t),
                                      offsetof(hawse_solana_account_t, left), /* as first */
                                      sizeof(hawse_solana_log_t),
                                      sizeof(hawse_solana_signature_t),
                                      sizeof(hawse_solana_rollback_t),
                                      sizeof(hawse_solana_account_part_t)};
    static const uint32_t market[] = {0,
                                      offsetof(hawse_market_info_t, group), /* as first released */
                                      sizeof(hawse_market_trade_t),
                                      sizeof(hawse_market_liquidity_t),
                                      sizeof(hawse_market_pool_state_t),
                                      sizeof(hawse_market_book_t),
                                      sizeof(hawse_market_book_t),
                                      sizeof(hawse_market_quote_t),
                                      sizeof(hawse_market_oracle_price_t),
                                      sizeof(hawse_market_state_t)};
    static const uint32_t wallet[] = {0, sizeof(hawse_wallet_transfer_t),
                                      sizeof(hawse_wallet_fill_t), sizeof(hawse_wallet_balance_t)};
    static const struct {
        const uint32_t *sizes;
        uint16_t count;
    } spaces[] = {
        [HAWSE_SPACE_STREAM] = {stream, sizeof(stream) / sizeof(stream[0])},
        [HAWSE_SPACE_EVM] = {evm, sizeof(evm) / sizeof(evm[0])},
        [HAWSE_SPACE_SOLANA] = {solana, sizeof(solana) / sizeof(solana[0])},
        [HAWSE_SPACE_MARKET] = {market, sizeof(market) / sizeof(market[0])},
        [HAWSE_SPACE_WALLET] = {wallet, sizeof(wallet) / sizeof(wallet[0])},
    };
    if (space >= sizeof(spaces) / sizeof(spaces[0]) || kind >= spaces[space].count)
        return 0;
    return spaces[space].sizes[kind];
}

static bool may_publish(const struct instance *inst, uint16_t space)
{
    if (space < 64)
        return (inst->produces >> space & 1u) != 0;
    for (uint32_t i = 0; i < inst->own_space_count; i++) {
        if (inst->own_spaces[i] == space)
            return true;
    }
    return false;
}

static int32_t refuse_publish(struct instance *inst, const hawse_event_t *event, const char *why)
{
    counter_add(inst->errors, 1);
    fault_clear(&inst->last_error);
    return fault_set(&inst->last_error, HAWSE_E_INVAL,
                     "published an event of space %u kind %u with %llu bytes: %s", event->space,
                     event->kind, (unsigned long long)event->len, why);
}

static int32_t publish(struct instance *inst, const hawse_event_t *given_event)
{
    hawse_event_t own;
    const hawse_event_t *event = GIVEN(given_event, &own, GIVEN_EVENT);
    if (!event)
        return refuse_publish(inst, given_event, "the event's size field is too small");
    if (!may_publish(inst, event->space))
        return refuse_publish(inst, event, "its manifest does not declare that it produces this");
    if (event->len < record_min(event->space, event->kind) ||
        (event->len > 0 && event->data == NULL))
        return refuse_publish(inst, event, "the record is shorter than its kind demands");
    if (event->len > BUS_RECORD_MAX || event->stream >= BUS_STREAMS || event->kind == 0)
        return refuse_publish(inst, event, "record, stream number or kind out of range");
    int32_t code = bus_publish(&inst->lane->bus, inst->index, event);
    if (code == HAWSE_OK && event->space == HAWSE_SPACE_STREAM)
        continuity_told(inst->continuity, event);
    if (code == HAWSE_OK)
        counter_add(inst->events_out, 1);
    return code;
}

static int32_t sub_publish(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_event_t *event)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = event ? publish(inst, event) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

const hawse_sub_service_t host_sub_service = {
    .size = sizeof(hawse_sub_service_t),
    .link = sub_link,
    .space = sub_space,
    .subscribe = sub_subscribe,
    .unsubscribe = sub_unsubscribe,
    .reserve = sub_reserve,
    .publish = sub_publish,
};
