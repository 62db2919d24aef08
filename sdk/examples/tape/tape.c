/* tape: prints what its source publishes. The first plugin to read: all there is to one. */
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <stdio.h>
#include <stdlib.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.tape\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"license\":\"MIT\","
    "\"description\":\"prints every event of its sources\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"}}";

struct tape {
    const hawse_host_t *host;
    hawse_instance_t self;
    uint64_t events;
};

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    static const uint16_t spaces[] = {HAWSE_SPACE_EVM, HAWSE_SPACE_MARKET};
    struct tape *t = calloc(1, sizeof(*t));
    (void)config;
    if (!t)
        return HAWSE_E_NOMEM;
    *t = (struct tape){.host = host, .self = self};
    for (int i = 0; i < 2; i++) { /* everything of these spaces, from every linked instance */
        hawse_sub_spec_t spec = {.size = sizeof(spec), .space = spaces[i]};
        hawse_sub_t handle;
        int32_t code = sub->subscribe(host, self, &spec, &handle);
        if (code != HAWSE_OK) {
            free(t);
            return hawse_fail(host, self, code, "cannot subscribe", "link it to a source");
        }
    }
    *state = t;
    return HAWSE_OK;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct tape *t = state;
    for (uint32_t i = 0; i < n; i++)
        printf("source %u space %u kind %u seq %llu: %llu bytes%s\n", events[i]->source,
               events[i]->space, events[i]->kind, (unsigned long long)events[i]->seq,
               (unsigned long long)events[i]->len,
               events[i]->flags & HAWSE_EVENT_REMOVED ? ", taken back" : "");
    t->events += n;
    return (int32_t)n; /* all taken */
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    struct tape *t = state;
    printf("%llu events\n", (unsigned long long)t->events);
    return deadline_ns ? HAWSE_OK : HAWSE_E_INVAL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.example.tape", create, start, on_events, stop, free,
        NULL};
    return host ? &table : NULL;
}
