/* The order of an examination; see doctor.h. */
#include "doctor/doctor.h"

#include "doctor/internal.h"

#include <hawse/hawse.h>
#include <hawse/types.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { LAG_BLOCKS = 4, LAG_SLOTS = 30 };

const char *doctor_level_name(enum doctor_level level)
{
    static const char *const names[] = {"good", "note", "warn", "bad"};
    return (unsigned)level < sizeof(names) / sizeof(names[0]) ? names[level] : "?";
}

/* ---- chains ---- */

/* Providers of one chain should be at about the same block. */
static void compare_heads(struct doctor *d, const struct config_chain *chain,
                          const struct view_of_chain *views)
{
    uint64_t highest = 0, most = chain->family == FAMILY_SOLANA ? LAG_SLOTS : LAG_BLOCKS;
    for (size_t i = 0; i < chain->provider_count; i++)
        highest = views[i].head > highest ? views[i].head : highest;
    for (size_t i = 0; i < chain->provider_count; i++) {
        char where[DOCTOR_PATH];
        if (views[i].head == 0 || highest - views[i].head <= most)
            continue;
        (void)snprintf(where, sizeof(where), "chains.%s.providers.%s", chain->name,
                       chain->providers[i].name);
        say(d, DOCTOR_WARN, where, "a lower priority, until it has caught up",
            "is %" PRIu64 " blocks behind the others", highest - views[i].head);
    }
}

/* An intent asks for its gates, simulations and outcome; a view of the chain is read at each block.
 */
enum { INTENT_UNITS = 25 };

static void examine_rate(struct doctor *d, const char *where, const struct config_chain *chain)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < chain->provider_count; i++) {
        if (chain->providers[i].per_second == 0)
            return;
        sum += chain->providers[i].per_second;
    }
    uint64_t ms = 1000u * INTENT_UNITS / sum;
    bool slow = ms > chain->block_ms;
    say(d, slow ? DOCTOR_WARN : DOCTOR_GOOD, where,
        slow ? "set per_second to what the plan allows (0: a node of one's own), or add a provider"
             : NULL,
        "its providers allow %" PRIu64 " units a second, an intent takes about %d: %.1f s", sum,
        INTENT_UNITS, (double)ms / 1000);
}

static void examine_chain(struct doctor *d, const struct config_chain *chain)
{
    enum { MOST = 64 };
    struct view_of_chain views[MOST] = {{0}};
    char where[DOCTOR_PATH];
    size_t alive = 0, count = chain->provider_count < MOST ? chain->provider_count : MOST;
    for (size_t i = 0; i < count; i++) {
        const struct config_provider *p = &chain->providers[i];
        (void)snprintf(where, sizeof(where), "chains.%s.providers.%s", chain->name, p->name);
        examine_tls(d, where, &p->http);
        alive += chain->family == FAMILY_SOLANA
                     ? examine_solana(d, where, &p->http, chain->solana.genesis, &views[i])
                     : examine_http(d, where, &p->http, chain->chain_id, chain->block_ms, true,
                                    &views[i]) == SPEAKS_EVM;
    }
    if (count == chain->provider_count)
        compare_heads(d, chain, views);
    (void)snprintf(where, sizeof(where), "chains.%s", chain->name);
    if (alive == 0)
        say(d, DOCTOR_BAD, where, NULL, "has no provider that answers");
    else if (alive == 1)
        say(d, DOCTOR_WARN, where, "add one of another company",
            "has one provider that answers: when it is away, nothing is sent");
    examine_rate(d, where, chain);
    examine_relay(d, chain);
    examine_safes(d, chain);
}

/* ---- instances ---- */

static bool is_stream(const struct config_endpoint *endpoint)
{
    return endpoint->url && strncmp(endpoint->url, "ws", 2) == 0;
}

/* What the instance's settings say of its chain; 0 = nothing. */
static uint64_t setting_number(const struct config_instance *instance, const char *name)
{
    json_t *settings = json_loads(instance->settings, 0, NULL);
    json_int_t n = json_integer_value(json_object_get(settings, name));
    json_decref(settings);
    return n > 0 ? (uint64_t)n : 0;
}

/* Requests first: what answers there tells what a stream of the same instance speaks. */
static void examine_instance(struct doctor *d, const struct config_instance *instance)
{
    char where[DOCTOR_PATH];
    enum speaks speaks = SPEAKS_NOTHING;
    uint64_t chain_id = setting_number(instance, "chain_id");
    for (int streams = 0; streams < 2; streams++) {
        for (size_t i = 0; i < instance->endpoint_count; i++) {
            const struct config_endpoint *e = &instance->endpoints[i];
            struct view_of_chain view = {0};
            if (!e->url || is_stream(e) != (streams == 1))
                continue;
            (void)snprintf(where, sizeof(where), "instances.%s.endpoints.%s", instance->id,
                           e->name);
            examine_tls(d, where, e);
            if (streams == 1)
                examine_stream(d, where, e, speaks, 0);
            else
                speaks = examine_http(d, where, e, chain_id, 0, false, &view);
        }
    }
}

/* ---- all of it ---- */

static int32_t prepare(struct doctor *d, struct fault *fault)
{
    int32_t code = log_create(HAWSE_LOG_ERROR, LOG_FORMAT_TEXT, NULL, &d->logger, fault);
    if (code == HAWSE_OK)
        log_mute(d->logger, true);
    for (size_t i = 0; i < d->config->hidden_count && code == HAWSE_OK; i++)
        code = log_secret(d->logger, d->config->hidden[i]);
    if (code == HAWSE_OK)
        code = loop_create(&d->loop, fault);
    if (code == HAWSE_OK)
        code = http_client_create(d->logger, &d->http, fault);
    if (code == HAWSE_OK)
        code = connector_create(&d->connector, fault);
    return code == HAWSE_OK ? code : fault_set(fault, code, "no memory for an examination");
}

static void finish(struct doctor *d)
{
    if (d->http)
        http_client_destroy(d->http);
    if (d->connector)
        connector_destroy(d->connector);
    if (d->loop)
        loop_destroy(d->loop);
    if (d->logger)
        log_destroy(d->logger);
}

bool doctor_run(const struct config *config, doctor_fn tell, void *ctx, struct fault *fault)
{
    struct doctor d = {.config = config, .tell = tell, .ctx = ctx};
    bool good = prepare(&d, fault) == HAWSE_OK;
    if (good) {
        examine_machine(&d);
        for (size_t i = 0; i < config->chain_count; i++)
            examine_chain(&d, &config->chains[i]);
        for (size_t i = 0; i < config->instance_count; i++) {
            if (config->instances[i].enabled)
                examine_instance(&d, &config->instances[i]);
        }
    }
    finish(&d);
    return good;
}
