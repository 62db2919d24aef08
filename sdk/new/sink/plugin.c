/*
 * @NAME@: a sink. It follows everything that the instances it is linked to publish, and says a line
 * of each in the log.
 */
#include "logic.h"

#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <stdlib.h>
#include <string.h>

const char hawse_manifest_v1[] =
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"description\":\"a line of every event\",\"license\":\"MIT\",\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\"},\"consumes\":[\"evm/1\",\"market/1\"],"
    "\"config\":{\"type\":\"object\",\"properties\":{}}}";

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
};

static int32_t on_event(struct plugin *p, const hawse_event_t *e)
{
    char line[256];
    hawse_view_t text;
    if (e->space == HAWSE_SPACE_HOST)
        return HAWSE_OK;
    text.len = tell(e, line, sizeof(line));
    text.data = (const uint8_t *)line;
    p->host->log(p->host, p->self, HAWSE_LOG_INFO, text);
    return HAWSE_OK;
}

static int32_t subscribe(struct plugin *p)
{
    static const uint16_t spaces[] = {HAWSE_SPACE_EVM, HAWSE_SPACE_MARKET};
    const hawse_sub_service_t *sub =
        (const hawse_sub_service_t *)p->host->query(p->host, p->self, HAWSE_SUB_ID);
    int32_t code = HAWSE_OK;
    for (int i = 0; i < 2 && code == HAWSE_OK; i++) {
        hawse_sub_spec_t spec;
        hawse_sub_t handle;
        memset(&spec, 0, sizeof(spec));
        spec.size = sizeof(spec);
        spec.space = spaces[i];
        spec.policy = HAWSE_POLICY_DROP_OLDEST; /* a log may never hold up a source */
        code = sub->subscribe(p->host, p->self, &spec, &handle);
    }
    return code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct plugin *p = (struct plugin *)calloc(1, sizeof(*p));
    (void)config;
    if (!p)
        return hawse_fail(host, self, HAWSE_E_NOMEM, "no memory", "");
    p->host = host;
    p->self = self;
    int32_t code = subscribe(p);
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, "cannot subscribe", "link it to a source");
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
