/* A plugin that counts logs: the far end of the flood benchmark. */
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.bench.counter\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"}}";

struct counter {
    uint64_t logs, bytes;
};

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    hawse_evm_log_filter_t filter = {.size = sizeof(filter)};
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_LOG,
                             .flags = HAWSE_SUB_KEYED,
                             .filter = {(const uint8_t *)&filter, sizeof(filter)}};
    hawse_sub_t handle;
    (void)config;
    memset(filter.address, 0xaa, 20); /* the flood's only address */
    spec.key = hawse_key(filter.address, 20);
    *state = calloc(1, sizeof(struct counter));
    return *state ? sub->subscribe(host, self, &spec, &handle) : HAWSE_E_NOMEM;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct counter *c = state;
    for (uint32_t i = 0; i < n; i++)
        c->bytes += events[i]->len;
    c->logs += n;
    return (int32_t)n;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    return state && deadline_ns ? HAWSE_OK : HAWSE_E_INVAL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.bench.counter",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = free,
    };
    return host ? &table : NULL;
}
