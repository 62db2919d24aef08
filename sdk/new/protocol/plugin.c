/*
 * @NAME@: a protocol. It follows one contract of a linked chain, a pair of the Uniswap v2 kind, and
 * tells its reserves after each change in the space market/1. The chain instance asks its node for
 * this contract's logs because of the filter that is given here.
 *
 * What the chain takes back (HAWSE_EVENT_REMOVED) is told as taken back; gaps of the chain reach
 * readers of market/1 as gaps of this source.
 */
#include "logic.h"

#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/setting.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

const char hawse_manifest_v1[] =
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"protocol\","
    "\"description\":\"reserves of one pair\",\"license\":\"MIT\",\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],"
    "\"streams\":{\"states\":{\"overflow\":\"latest\"}},"
    "\"config\":{\"type\":\"object\",\"required\":[\"pool\"],\"properties\":{"
    "\"pool\":{\"type\":\"string\",\"format\":\"address\","
    "\"examples\":[\"0x1111111111111111111111111111111111111111\"],"
    "\"description\":\"address of the pair\"}}}}";

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    uint8_t pool[20];
    uint32_t broken; /* logs that were not what they said */
};

static int32_t publish(struct plugin *p, const hawse_event_t *because, uint16_t space,
                       uint16_t kind, const void *record, uint64_t len)
{
    hawse_event_t e;
    memset(&e, 0, sizeof(e));
    e.size = sizeof(e);
    e.space = space;
    e.kind = kind;
    e.stream = HAWSE_MARKET_STREAM_STATES;
    e.epoch = because->epoch;
    e.flags = because->flags & ~HAWSE_EVENT_LOCAL;
    e.t_recv_ns = because->t_recv_ns;
    e.t_source_ns = because->t_source_ns;
    e.data = (const uint8_t *)record;
    e.len = len;
    if (space == HAWSE_SPACE_MARKET)
        e.key = hawse_key(((const hawse_market_pool_state_t *)record)->market, 32);
    return p->sub->publish(p->host, p->self, &e);
}

/* HAWSE_E_AGAIN: the event is to come again. */
static int32_t on_event(struct plugin *p, const hawse_event_t *e)
{
    hawse_market_pool_state_t state;
    if (e->space == HAWSE_SPACE_STREAM && e->kind <= HAWSE_STREAM_EVENT_LIVE &&
        e->len >= sizeof(hawse_stream_range_t))
        return publish(p, e, HAWSE_SPACE_STREAM, e->kind, e->data, sizeof(hawse_stream_range_t));
    if (e->space != HAWSE_SPACE_EVM || e->kind != HAWSE_EVM_LOG || e->len < sizeof(hawse_evm_log_t))
        return HAWSE_OK;
    int32_t found = read_sync((const hawse_evm_log_t *)(const void *)e->data, e->len, &state);
    if (found < 0 && p->broken++ == 0)
        hawse_log(p->host, p->self, HAWSE_LOG_WARN, "the pair emitted what is no Sync");
    if (found != 1)
        return HAWSE_OK;
    return publish(p, e, HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_STATE, &state, sizeof(state));
}

/* ---- making ---- */

static int32_t subscribe(struct plugin *p)
{
    struct {
        hawse_evm_log_filter_t filter;
        uint8_t topic[32];
    } wanted;
    hawse_sub_spec_t spec;
    hawse_sub_t handle;
    memset(&wanted, 0, sizeof(wanted));
    memset(&spec, 0, sizeof(spec));
    wanted.filter.size = sizeof(wanted.filter);
    wanted.filter.topic0_count = 1;
    memcpy(wanted.filter.address, p->pool, 20);
    memcpy(wanted.topic, sync_topic, 32);
    spec.size = sizeof(spec);
    spec.space = HAWSE_SPACE_EVM;
    spec.kind = HAWSE_EVM_LOG;
    spec.flags = HAWSE_SUB_KEYED;
    spec.policy = HAWSE_POLICY_LOSSLESS;
    spec.key = hawse_key(p->pool, 20);
    spec.filter.data = (const uint8_t *)&wanted;
    spec.filter.len = sizeof(wanted.filter) + sizeof(wanted.topic);
    int32_t code = p->sub->link(p->host, p->self, hawse_text("chain"), &spec.source);
    return code == HAWSE_OK ? p->sub->subscribe(p->host, p->self, &spec, &handle) : code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct plugin *p = (struct plugin *)calloc(1, sizeof(*p));
    if (!p)
        return hawse_fail(host, self, HAWSE_E_NOMEM, "no memory", "");
    p->host = host;
    p->self = self;
    p->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    int32_t code = hawse_setting_hex(config, "pool", p->pool, 20);
    if (code != HAWSE_OK)
        code = hawse_fail(host, self, code, "settings.pool is no address", "0x and 40 digits");
    else if ((code = subscribe(p)) != HAWSE_OK)
        code = hawse_fail(host, self, code, "cannot follow the pair",
                          "add links: {\"chain\": \"NAME OF A CHAIN INSTANCE\"}");
    if (code != HAWSE_OK) {
        free(p);
        return code;
    }
    *state = p;
    return HAWSE_OK;
}

/* ---- the table ---- */

static int32_t start(void *state)
{
    (void)state;
    return HAWSE_OK;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct plugin *p = (struct plugin *)state;
    for (uint32_t i = 0; i < n; i++) {
        if (on_event(p, events[i]) == HAWSE_E_AGAIN)
            return (int32_t)i;
    }
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state;
    (void)deadline_ns;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    free(state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {sizeof(hawse_plugin_t),
                                         HAWSE_ABI_MINOR,
                                         "@ID@",
                                         create,
                                         start,
                                         on_events,
                                         stop,
                                         destroy,
                                         NULL};
    return host ? &table : NULL;
}
