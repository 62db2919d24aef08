/* What bench-isolation drives: reads each event, and publishes one for it when asked to. */
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.bench.probe\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"produces\":[\"org.bench.probe/1\"]}";

struct probe {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    int publishes;
    uint64_t sum;
};

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct probe *p = calloc(1, sizeof(*p));
    if (!p)
        return HAWSE_E_NOMEM;
    p->host = host;
    p->self = self;
    p->sub = host->query(host, self, HAWSE_SUB_ID);
    p->publishes = memchr(config.data, '1', config.len) != NULL;
    *state = p;
    return p->sub ? HAWSE_OK : HAWSE_E_UNSUPPORTED;
}

static int32_t start(void *state)
{
    (void)state;
    return HAWSE_OK;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct probe *p = state;
    for (uint32_t i = 0; i < n; i++) {
        for (uint64_t b = 0; b < events[i]->len; b += 64)
            p->sum += events[i]->data[b];
        if (p->publishes && p->sub->publish(p->host, p->self, events[i]) < 0)
            return HAWSE_E_INTERNAL;
    }
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t plugin = {.size = sizeof(hawse_plugin_t),
                                          .abi_minor = HAWSE_ABI_MINOR,
                                          .id = "org.bench.probe",
                                          .create = create,
                                          .start = start,
                                          .on_events = on_events,
                                          .stop = stop,
                                          .destroy = free};
    (void)host;
    return &plugin;
}
