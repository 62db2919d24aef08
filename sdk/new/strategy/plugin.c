/*
 * @NAME@: a strategy. It follows the quotes of every market it is linked to and proposes a call of
 * a contract when something is offered for less than a threshold. It sends nothing: it proposes,
 * and the host passes it through every gate of the operator, signs, sends and tells how it ended.
 *
 * While a sequence of a source is in doubt (a gap), nothing is decided from it.
 */
#include "logic.h"

#include <hawse/hawse.h>
#include <hawse/service/intent.h>
#include <hawse/service/state.h>
#include <hawse/service/sub.h>
#include <hawse/setting.h>
#include <hawse/space/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 64 };

const char hawse_manifest_v1[] =
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"strategy\","
    "\"description\":\"buys below a threshold\",\"license\":\"MIT\","
    "\"maturity\":\"experimental\",\"requires\":{\"hawse.sub/1\":\">=1.0\","
    "\"hawse.intent/1\":\">=1.0\"},\"consumes\":[\"market/1\",\"intent/1\"],"
    "\"capabilities\":[\"intent\"],\"config\":{\"type\":\"object\","
    "\"required\":[\"chain\",\"account\",\"target\"],\"properties\":{"
    "\"chain\":{\"type\":\"string\",\"maxLength\":63,\"description\":\"name in chains\"},"
    "\"account\":{\"type\":\"string\",\"maxLength\":63,\"description\":\"name of a key\"},"
    "\"target\":{\"type\":\"string\",\"format\":\"address\","
    "\"description\":\"the contract to call\"},"
    "\"below\":{\"type\":\"integer\",\"minimum\":0,\"default\":500000,"
    "\"description\":\"price with six decimals\"}}}}";

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_intent_service_t *intents;
    char chain[NAME], account[NAME];
    uint8_t target[20];
    struct decision decision;
    uint32_t doubt; /* bit n: sequence n of a source */
};

/* The id is taken once for ever: the same quote after a restart is no second purchase. */
static void propose(struct plugin *p, const hawse_event_t *e)
{
    static const uint8_t data[4] = {0xa6, 0xf2, 0xae, 0x3a}; /* buy() */
    char id[HAWSE_INTENT_ID_MAX];
    hawse_intent_call_t call;
    hawse_intent_t intent;
    uint64_t handle;
    memset(&call, 0, sizeof(call));
    memset(&intent, 0, sizeof(intent));
    (void)snprintf(id, sizeof(id), "buy-%llx-%u-%llu", (unsigned long long)e->key, e->epoch,
                   (unsigned long long)e->seq);
    call.size = sizeof(call);
    memcpy(call.to, p->target, 20);
    call.data.data = data;
    call.data.len = sizeof(data);
    intent.size = sizeof(intent);
    intent.kind = HAWSE_INTENT_EVM_CALLS;
    intent.id = hawse_text(id);
    intent.chain = hawse_text(p->chain);
    intent.account = hawse_text(p->account);
    intent.call_count = 1;
    intent.call_size = sizeof(call);
    intent.calls = &call;
    intent.note = hawse_text("offered below the threshold");
    if (p->intents->propose(p->host, p->self, &intent, &handle) != HAWSE_OK)
        hawse_log(p->host, p->self, HAWSE_LOG_WARN, "not proposed: the next fall counts again");
}

static void on_step(struct plugin *p, const hawse_event_t *e)
{
    const hawse_intent_step_t *step = (const hawse_intent_step_t *)(const void *)e->data;
    char text[64];
    if (e->len < sizeof(*step))
        return;
    (void)snprintf(text, sizeof(text), "step %u, error %d", step->step, (int)step->error);
    hawse_log(p->host, p->self, HAWSE_LOG_INFO, text);
}

static void on_continuity(struct plugin *p, const hawse_event_t *e)
{
    uint32_t bit = 1u << (e->stream & 31u);
    if (e->kind == HAWSE_STREAM_EVENT_GAP)
        p->doubt |= bit;
    else if (e->kind == HAWSE_STREAM_EVENT_HEALED || e->kind == HAWSE_STREAM_EVENT_LIVE)
        p->doubt &= ~bit;
}

static int32_t on_event(struct plugin *p, const hawse_event_t *e)
{
    if (e->space == HAWSE_SPACE_STREAM)
        on_continuity(p, e);
    else if (e->space == HAWSE_SPACE_INTENT)
        on_step(p, e);
    else if (e->space == HAWSE_SPACE_MARKET && e->kind == HAWSE_MARKET_QUOTE &&
             e->len >= sizeof(hawse_market_quote_t) && p->doubt == 0 &&
             decide(&p->decision, (const hawse_market_quote_t *)(const void *)e->data))
        propose(p, e);
    return HAWSE_OK;
}

/* ---- making ---- */

static int32_t read_settings(struct plugin *p, hawse_view_t config)
{
    int32_t code = hawse_setting_text(config, "chain", p->chain, NAME);
    if (code == HAWSE_OK)
        code = hawse_setting_text(config, "account", p->account, NAME);
    if (code == HAWSE_OK)
        code = hawse_setting_hex(config, "target", p->target, 20);
    return code == HAWSE_OK ? hawse_setting_u64(config, "below", &p->decision.below) : code;
}

static int32_t subscribe(struct plugin *p)
{
    hawse_sub_spec_t spec;
    hawse_sub_t handle;
    memset(&spec, 0, sizeof(spec));
    spec.size = sizeof(spec);
    spec.space = HAWSE_SPACE_MARKET;
    spec.kind = HAWSE_MARKET_QUOTE;
    spec.policy = HAWSE_POLICY_LATEST; /* an old quote is of no use */
    return p->sub->subscribe(p->host, p->self, &spec, &handle);
}

/* All that its settings say; NULL: it was said why not, in *code. */
static struct plugin *make(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                           int32_t *code)
{
    struct plugin *p = (struct plugin *)calloc(1, sizeof(*p));
    *code = HAWSE_E_NOMEM;
    if (!p) {
        (void)hawse_fail(host, self, *code, "no memory", "");
        return NULL;
    }
    p->host = host;
    p->self = self;
    p->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    p->intents = (const hawse_intent_service_t *)host->query(host, self, HAWSE_INTENT_ID);
    *code = read_settings(p, config);
    if (*code == HAWSE_OK)
        return p;
    (void)hawse_fail(host, self, *code, "the settings cannot be read", "see the manifest");
    free(p);
    return NULL;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    int32_t code;
    struct plugin *p = make(host, self, config, &code);
    if (!p)
        return code;
    code = subscribe(p);
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, "cannot subscribe", "link it to a venue");
    }
    *state = p;
    return HAWSE_OK;
}

/* ---- handed over to another build: `hawse reload` ---- */

/* What it knows and its settings do not say. Whoever changes a member counts the format up, and
 * reads the old one for as long as operators have it. */
enum { FORMAT = 1 };
struct saved {
    uint32_t format, doubt;
    uint64_t seen;
    uint32_t armed, reserved;
};

static int32_t save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const struct plugin *p = (const struct plugin *)state;
    struct saved s = {FORMAT, p->doubt, p->decision.seen, p->decision.armed, 0};
    *need = sizeof(s);
    if (cap < *need)
        return HAWSE_E_NOSPACE;
    memcpy(out, &s, sizeof(s));
    return HAWSE_OK;
}

/* The bytes are another build's: nothing of them is taken for granted. */
static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **state)
{
    struct saved s;
    int32_t code;
    memset(&s, 0, sizeof(s));
    if (saved.len == sizeof(s))
        memcpy(&s, saved.data, sizeof(s));
    if (s.format != FORMAT || s.armed > 1)
        return hawse_fail(host, self, HAWSE_E_FORMAT, "the saved state is of another format",
                          "restart the instance instead");
    struct plugin *p = make(host, self, config, &code);
    if (!p)
        return code;
    p->doubt = s.doubt;
    p->decision.seen = s.seen;
    p->decision.armed = s.armed;
    *state = p;
    return HAWSE_OK;
}

static const void *query(const char *id)
{
    static const hawse_state_interface_t interface = {sizeof(interface), 0, save, restore};
    return strcmp(id, HAWSE_STATE_ID) == 0 ? &interface : NULL;
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
                                         query};
    return host ? &table : NULL;
}
