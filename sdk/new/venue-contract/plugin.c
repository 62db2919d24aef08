/*
 * @NAME@: a venue that is a contract. It follows the contract's logs on a linked chain and tells
 * each in the space market/1. What the logs mean stands in logic.c; this file is the same for every
 * such venue, but for the manifest.
 *
 * Each log becomes one record at most, so that nothing has to be kept when there is no room: what
 * was not published is not taken, and comes again. What the chain takes back is told as taken back;
 * its gaps are told as gaps of this venue.
 */
#include "logic.h"

#include <hawse/contract.h>
#include <hawse/hawse.h>
#include <hawse/service/state.h>
#include <hawse/setting.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

const char hawse_manifest_v1[] =
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"trades of one contract\",\"license\":\"MIT\",\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],"
    "\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},"
    "\"config\":{\"type\":\"object\",\"required\":[\"contract\"],\"properties\":{"
    "\"contract\":{\"type\":\"string\",\"format\":\"address\","
    "\"examples\":[\"0x1111111111111111111111111111111111111111\"],"
    "\"description\":\"address of the contract\"}}}}";

enum { STREAMS = 2 };
static const uint32_t streams[STREAMS] = {HAWSE_MARKET_STREAM_TRADES, HAWSE_MARKET_STREAM_STATES};

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    uint8_t address[20];
    hawse_abi_signature_t events[EVENTS];
    uint32_t told;   /* how many of our streams know of the gap that is being passed on */
    uint32_t broken; /* logs that were not what they said */
};

/* HAWSE_E_AGAIN: the event is to come again. */
static int32_t on_event(struct plugin *p, const hawse_event_t *e)
{
    const hawse_evm_log_t *log = NULL;
    const uint8_t *data = NULL;
    struct told told;
    if (e->space == HAWSE_SPACE_STREAM)
        return hawse_continuity_pass(p->sub, p->host, p->self, e, streams, STREAMS, &p->told);
    int32_t event = hawse_contract_match(e, p->events, EVENTS, &log, &data);
    if (event == HAWSE_E_FORMAT && p->broken++ == 0)
        hawse_log(p->host, p->self, HAWSE_LOG_WARN, "the contract emitted what its events are not");
    if (event < 0)
        return HAWSE_OK;
    memset(&told, 0, sizeof(told));
    read_log(event, log, data, &told);
    /* a state is not taken back: that of the new branch follows */
    if (told.kind == 0 ||
        (told.kind == HAWSE_MARKET_POOL_STATE && (e->flags & HAWSE_EVENT_REMOVED)))
        return HAWSE_OK;
    uint8_t market[32] = {0};
    memcpy(market + 12, log->address, 20);
    return hawse_market_publish(p->sub, p->host, p->self, e, told.kind, told.stream, market,
                                &told.record, told.len);
}

/* ---- making ---- */

/* All that settings and declarations say. What went wrong is said to the operator in *why and
 * *fix. */
static int32_t prepare(struct plugin *p, hawse_view_t config, const char **why, const char **fix)
{
    *why = "an event's declaration cannot be read";
    *fix = "see declarations in logic.c";
    for (uint32_t i = 0; i < EVENTS; i++) {
        int32_t code =
            hawse_abi_event_parse(declarations[i], strlen(declarations[i]), &p->events[i], NULL);
        if (code != HAWSE_OK)
            return code;
    }
    *why = "settings.contract is no address";
    *fix = "write 0x and 40 hexadecimal digits";
    return hawse_setting_hex(config, "contract", p->address, 20);
}

static int32_t make(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                    struct plugin **out)
{
    struct plugin *p = (struct plugin *)calloc(1, sizeof(*p));
    const char *why, *fix;
    if (!p)
        return hawse_fail(host, self, HAWSE_E_NOMEM, "no memory", "");
    p->host = host;
    p->self = self;
    p->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    int32_t code = prepare(p, config, &why, &fix);
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, why, fix);
    }
    *out = p;
    return HAWSE_OK;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct plugin *p = NULL;
    hawse_sub_t handle;
    int32_t code = make(host, self, config, &p);
    if (code != HAWSE_OK)
        return code;
    code =
        hawse_contract_follow(p->sub, host, self, "chain", p->address, p->events, EVENTS, &handle);
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, "cannot follow the contract",
                          "add links: {\"chain\": \"NAME OF A CHAIN INSTANCE\"}");
    }
    *state = p;
    return HAWSE_OK;
}

/* ---- handed over to another build: `hawse reload` ---- */

/* What it knows and its settings do not say; the subscription stays the instance's. Whoever changes
 * a member counts the format up, and reads the old one for as long as operators have it. */
enum { FORMAT = 1 };
struct saved {
    uint32_t format, told, broken, reserved;
};

static int32_t save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const struct plugin *p = (const struct plugin *)state;
    struct saved s = {FORMAT, p->told, p->broken, 0};
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
    struct plugin *p = NULL;
    struct saved s;
    memset(&s, 0, sizeof(s));
    if (saved.len == sizeof(s))
        memcpy(&s, saved.data, sizeof(s));
    if (s.format != FORMAT || s.told >= STREAMS)
        return hawse_fail(host, self, HAWSE_E_FORMAT, "the saved state is of another format",
                          "restart the instance instead");
    int32_t code = make(host, self, config, &p);
    if (code != HAWSE_OK)
        return code;
    p->told = s.told;
    p->broken = s.broken;
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
