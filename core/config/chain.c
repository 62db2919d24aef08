/*
 * Chains and their providers, from the checked tree into the struct. What this decides (limits and
 * priority of providers that are known by name) is written back into the tree, so that explain
 * shows what holds. Knows nothing of how they are asked: that is core/rpc.
 */
#include "config/internal.h"

#include <hawse/base58.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the end of one, and a copy ---- */

static void provider_finish(struct config_provider *p)
{
    free(p->name);
    endpoint_finish(&p->http);
    endpoint_finish(&p->ws);
    for (size_t i = 0; i < p->method_count; i++)
        free(p->methods[i].name);
    free(p->methods);
}

void config_chain_finish(struct config_chain *chain)
{
    free(chain->name);
    for (size_t i = 0; i < chain->provider_count; i++)
        provider_finish(&chain->providers[i]);
    free(chain->providers);
    safes_finish(chain);
    endpoint_finish(&chain->tx.relay);
    endpoint_finish(&chain->tx.relay_status);
    endpoint_finish(&chain->tx.tenderly);
    free(chain->tx.private_way.method);
    free(chain->tx.private_way.auth);
    *chain = (struct config_chain){0};
}

static bool copy_provider(const struct config_provider *from, struct config_provider *out)
{
    *out = *from;
    out->name = NULL;
    out->http = out->ws = (struct config_endpoint){0};
    out->method_count = 0;
    out->methods = calloc(from->method_count + 1, sizeof(out->methods[0]));
    bool ok = out->methods && copy_text(&out->name, from->name) &&
              endpoint_copy(&from->http, &out->http) == HAWSE_OK &&
              (!from->ws.url || endpoint_copy(&from->ws, &out->ws) == HAWSE_OK);
    for (size_t i = 0; ok && i < from->method_count; i++) {
        struct config_method *m = &out->methods[out->method_count++];
        *m = from->methods[i];
        m->name = NULL;
        ok = copy_text(&m->name, from->methods[i].name);
    }
    return ok;
}

int32_t config_chain_copy(const struct config_chain *chain, struct config_chain *out)
{
    *out = *chain;
    out->name = NULL;
    out->provider_count = 0;
    out->safes = NULL;
    out->safe_count = 0;
    out->tx.relay = out->tx.relay_status = (struct config_endpoint){0};
    out->tx.tenderly = (struct config_endpoint){0};
    out->tx.private_way.method = out->tx.private_way.auth = NULL;
    out->providers = calloc(chain->provider_count + 1, sizeof(out->providers[0]));
    bool ok = out->providers && copy_text(&out->name, chain->name) &&
              copy_text(&out->tx.private_way.method, chain->tx.private_way.method);
    if (ok && chain->tx.private_way.auth)
        ok = copy_text(&out->tx.private_way.auth, chain->tx.private_way.auth);
    if (ok && chain->tx.relay.url)
        ok = endpoint_copy(&chain->tx.relay, &out->tx.relay) == HAWSE_OK;
    if (ok && chain->tx.relay_status.url)
        ok = endpoint_copy(&chain->tx.relay_status, &out->tx.relay_status) == HAWSE_OK;
    if (ok && chain->tx.tenderly.url)
        ok = endpoint_copy(&chain->tx.tenderly, &out->tx.tenderly) == HAWSE_OK;
    for (size_t i = 0; ok && i < chain->provider_count; i++)
        ok = copy_provider(&chain->providers[i], &out->providers[out->provider_count++]);
    if (ok && safes_copy(chain, out))
        return HAWSE_OK;
    config_chain_finish(out);
    return HAWSE_E_NOMEM;
}

/* ---- reading ---- */

/* What is known of providers by name: order and limits. */
static const struct known {
    const char *name;
    uint32_t priority, per_second;
} known[] = {{"alchemy", 1, 25}, {"infura", 2, 10}, {"quicknode", 3, 15}, {"", 4, 5}};

/* A number, or null for what is known of this provider. */
static int32_t number_or(struct reader *r, json_t *value, const char *key, uint32_t otherwise,
                         const char *where, uint32_t *out)
{
    *out = json_is_integer(json_object_get(value, key)) ? read_number(value, key) : otherwise;
    return json_object_set_new(value, key, json_integer(*out)) == 0 ? HAWSE_OK
                                                                    : no_memory(r, where);
}

static int32_t read_methods(struct reader *r, struct config_provider *p, json_t *methods,
                            const char *where)
{
    const char *name;
    json_t *value;
    p->methods = calloc(json_object_size(methods) + 1, sizeof(p->methods[0]));
    if (!p->methods)
        return no_memory(r, where);
    json_object_foreach(methods, name, value)
    {
        struct config_method *m = &p->methods[p->method_count++];
        m->per_second = read_number(value, "per_second");
        m->cost = read_number(value, "cost");
        if (!copy_text(&m->name, name))
            return no_memory(r, where);
    }
    return HAWSE_OK;
}

static int32_t check_provider(struct reader *r, const struct config_chain *chain,
                              const struct config_provider *p, const char *where)
{
    if (!name_legal(p->name, true))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s.name: a provider's name has 1 to 63 letters, digits, '_' or '-'",
                         where);
    for (const struct config_provider *q = chain->providers; q < p; q++) {
        if (strcmp(p->name, q->name) == 0)
            return fault_set(r->fault, HAWSE_E_EXISTS,
                             "%s.name: there is another provider \"%s\" of this chain", where,
                             p->name);
    }
    if (strncmp(p->http.url, "http", 4) != 0)
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s.http.url: found %s, expected http:// or https://", where,
                         p->http.display);
    if (p->ws.url && strncmp(p->ws.url, "ws", 2) != 0)
        return fault_set(r->fault, HAWSE_E_INVAL, "%s.ws.url: found %s, expected ws:// or wss://",
                         where, p->ws.display);
    return HAWSE_OK;
}

static int32_t read_provider(struct reader *r, struct config_chain *chain, json_t *value,
                             const char *where)
{
    struct config_provider *p = &chain->providers[chain->provider_count++];
    char path[CONFIG_PATH];
    const char *name = json_string_value(json_object_get(value, "name"));
    const struct known *k = known;
    while (strncmp(name, k->name, strlen(k->name)) != 0)
        k++;
    p->weight = read_number(value, "weight");
    p->in_flight = read_number(value, "in_flight");
    const json_t *batch = json_object_get(value, "batch");
    p->batch = json_is_object(batch) ? read_number(batch, "max") : 0;
    p->batch_delay_ms = json_is_object(batch) ? read_number(batch, "delay_ms") : 0;
    if (!copy_text(&p->name, name))
        return no_memory(r, where);
    int32_t code = number_or(r, value, "priority", k->priority, where, &p->priority);
    if (code == HAWSE_OK)
        code = number_or(r, value, "per_second", k->per_second, where, &p->per_second);
    if (code == HAWSE_OK)
        code = read_methods(r, p, json_object_get(value, "methods"), where);
    (void)snprintf(path, sizeof(path), "%.200s.http", where);
    if (code == HAWSE_OK)
        code = read_address(r, &p->http, name, json_object_get(value, "http"), path);
    (void)snprintf(path, sizeof(path), "%.200s.ws", where);
    if (code == HAWSE_OK && json_object_get(value, "ws"))
        code = read_address(r, &p->ws, name, json_object_get(value, "ws"), path);
    return code == HAWSE_OK ? check_provider(r, chain, p, where) : code;
}

static int32_t read_executor(struct reader *r, struct config_tx *tx, const json_t *value,
                             const char *where)
{
    static const char *const calls[] = {"erc7821", "execute_batch", "execute10"};
    const char *address = json_string_value(json_object_get(value, "address"));
    tx->executor = (enum config_executor)(1 + read_word(value, "call", calls, 3));
    if (hawse_hex_fixed((const uint8_t *)address, strlen(address), tx->delegate, 20) == HAWSE_OK)
        return HAWSE_OK;
    return fault_set(r->fault, HAWSE_E_FORMAT,
                     "%.180s.tx.executor.address: found \"%.50s\", expected \"0x\" and 40 digits",
                     where, address);
}

/* How transactions are simulated: engines by their numbers in core/sim, which has the same order.
 */
static int32_t read_simulation(struct reader *r, struct config_tx *tx, json_t *value,
                               const char *where)
{
    static const char *const engines[] = {"eth_simulateV1", "debug_traceCall", "eth_call",
                                          "tenderly"};
    static const char *const trees[] = {"off", "offered", "required"};
    const json_t *list = json_object_get(value, "simulation_engines");
    json_t *tenderly = json_object_get(value, "tenderly");
    char path[CONFIG_PATH];
    bool listed = false;
    tx->simulation_required = json_is_true(json_object_get(value, "simulation_required"));
    tx->call_tree = (enum config_call_tree)read_word(value, "call_tree", trees, 3);
    for (size_t i = 0; i < json_array_size(list) && i < CONFIG_ENGINES; i++) {
        for (uint8_t k = 0; k < CONFIG_ENGINES; k++) {
            if (strcmp(json_string_value(json_array_get(list, i)), engines[k]) == 0)
                tx->engines[i] = (uint8_t)(k + 1);
        }
        listed = listed || tx->engines[i] == CONFIG_ENGINES;
    }
    (void)snprintf(path, sizeof(path), "%.180s.tx.tenderly", where);
    int32_t code = tenderly ? read_address(r, &tx->tenderly, "tenderly", tenderly, path) : HAWSE_OK;
    if (code != HAWSE_OK || listed == (tenderly != NULL))
        return code;
    code = fault_set(r->fault, HAWSE_E_INVAL,
                     listed ? "%.180s.tx.simulation_engines: found tenderly, and no tx.tenderly "
                              "says where its project is"
                            : "%.180s.tx.tenderly: found a project, and tenderly is not among "
                              "simulation_engines, so it would never be asked",
                     where);
    fault_hint(r->fault, "write both, or neither");
    return code;
}

bool config_relay_key(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->chain_count; i++) {
        const char *auth = config->chains[i].tx.private_way.auth;
        if (auth && strcmp(auth, name) == 0)
            return true;
    }
    return false;
}

bool config_has_key(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->keys.use_count; i++) {
        if (strcmp(config->keys.use[i].name, name) == 0)
            return true;
    }
    return false;
}

/* Letters, digits and '_' only: the method stands in a request as it is. */
static bool method_legal(const char *method)
{
    return method[strspn(
               method, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

static int32_t read_relay(struct reader *r, struct config_tx *tx, const json_t *value,
                          const char *where)
{
    static const char *const routes[] = {"auto", "public", "private"};
    static const char *const forms[] = {"flashbots", "raw", "bundle"};
    struct config_relay *way = &tx->private_way;
    const char *auth = json_string_value(json_object_get(value, "relay_auth"));
    unsigned route = read_word(value, "route", routes, 3);
    way->usual = route == 2 || (route == 0 && tx->relay.url);
    way->raw = read_word(value, "relay_form", forms, 3) == 1;
    way->bundle = read_word(value, "relay_form", forms, 3) == 2;
    way->bare = json_is_true(json_object_get(value, "relay_bare"));
    way->blocks = read_number(value, "relay_blocks");
    way->rounds = read_number(value, "relay_rounds");
    if (!copy_text(&way->method, json_string_value(json_object_get(value, "relay_method"))) ||
        (auth && !copy_text(&way->auth, auth)))
        return no_memory(r, where);
    if (!method_legal(way->method))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%.180s.tx.relay_method: a method has letters, digits and '_' only",
                         where);
    if (way->usual && !tx->relay.url)
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%.180s.tx.route: is private, and tx.relay is missing", where);
    if (auth && !config_has_key(r->config, auth))
        return fault_set(r->fault, HAWSE_E_NOTFOUND,
                         "%.180s.tx.relay_auth: there is no key \"%.64s\" in keys.use", where,
                         auth);
    if (!tx->relay.url || way->raw || auth)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_INVAL,
                    "%.180s.tx.relay_auth: is missing: a relay of the flashbots form wants signed "
                    "requests",
                    where);
    fault_hint(r->fault, "name a key of keys.use that does nothing else, or set relay_form to raw");
    return HAWSE_E_INVAL;
}

static int32_t read_tx(struct reader *r, struct config_tx *tx, json_t *value, const char *where)
{
    static const char *const finalities[] = {"depth", "safe", "finalized"};
    char path[CONFIG_PATH];
    json_t *relay = json_object_get(value, "relay"),
           *status = json_object_get(value, "relay_status");
    tx->confirmations = read_number(value, "confirmations");
    tx->finality = (enum config_finality)read_word(value, "finality", finalities, 3);
    tx->max_gas_price_gwei = read_number(value, "max_gas_price_gwei");
    tx->min_tip_wei = (uint64_t)json_integer_value(json_object_get(value, "min_tip_wei"));
    tx->quorum = json_is_true(json_object_get(value, "quorum"));
    tx->keep_view = json_is_true(json_object_get(value, "keep_view"));
    tx->base_fee_denominator = read_number(value, "base_fee_denominator");
    tx->relay_fallback = json_is_true(json_object_get(value, "relay_fallback"));
    (void)snprintf(path, sizeof(path), "%.180s.tx.relay", where);
    int32_t code = relay ? read_address(r, &tx->relay, "relay", relay, path) : HAWSE_OK;
    (void)snprintf(path, sizeof(path), "%.180s.tx.relay_status", where);
    if (code == HAWSE_OK && status)
        code = read_address(r, &tx->relay_status, "relay_status", status, path);
    if (code == HAWSE_OK)
        code = read_simulation(r, tx, value, where);
    const json_t *executor = json_object_get(value, "executor");
    if (code == HAWSE_OK && json_is_object(executor))
        code = read_executor(r, tx, executor, where);
    return code == HAWSE_OK ? read_relay(r, tx, value, where) : code;
}

void config_handle(const uint8_t address[32], uint8_t out[20])
{
    uint8_t hash[32];
    hawse_keccak256(address, 32, hash);
    memcpy(out, hash + 12, 20);
}

static int32_t read_genesis(struct reader *r, struct config_chain *chain, const json_t *value,
                            const char *where)
{
    static const char *const clusters[][2] = {
        {"mainnet", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"},
        {"devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"},
        {"testnet", "4uhcVJyU9pJkvQyS88uRDiswHXSGkY3zQawwpjk2NsNY"},
    };
    const char *given = json_string_value(json_object_get(value, "genesis")), *text = given;
    for (size_t i = 0; given && i < sizeof(clusters) / sizeof(clusters[0]); i++) {
        if (strcmp(given, clusters[i][0]) == 0)
            text = clusters[i][1];
    }
    if (text &&
        hawse_base58_key((const uint8_t *)text, strlen(text), chain->solana.genesis) == HAWSE_OK)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_FORMAT,
                    "%s.genesis: found \"%.44s\", expected mainnet, devnet, testnet, or a genesis "
                    "hash",
                    where, given ? given : "");
    fault_hint(r->fault, "a node tells its own by getGenesisHash");
    return HAWSE_E_FORMAT;
}

/* What says which chain it is, and nothing of the other family's. */
static int32_t read_family(struct reader *r, struct config_chain *chain, const json_t *value,
                           const char *where)
{
    static const char *const families[] = {"evm", "solana"};
    const json_t *s = json_object_get(value, "solana");
    static const char *const commitments[] = {"finalized", "confirmed"};
    chain->family = (enum config_family)read_word(value, "family", families, 2);
    chain->chain_id = (uint64_t)json_integer_value(json_object_get(value, "chain_id"));
    const char *missing = chain->family == FAMILY_EVM ? "chain_id" : "genesis";
    const char *wrong = chain->family == FAMILY_EVM ? "genesis" : "chain_id";
    if (!json_object_get(value, missing))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s.%s: is missing: a chain of the family %s has "
                         "one",
                         where, missing, families[chain->family]);
    if (json_object_get(value, wrong))
        return fault_set(r->fault, HAWSE_E_INVAL, "%s.%s: a chain of the family %s has none", where,
                         wrong, families[chain->family]);
    chain->solana = (struct config_solana){
        .confirmed = read_word(s, "commitment", commitments, 2) == 1,
        .max_fee = (uint64_t)json_integer_value(json_object_get(s, "max_fee")),
        .max_unit_price = (uint64_t)json_integer_value(json_object_get(s, "max_unit_price")),
        .price_percent = read_number(s, "price_percent"),
        .resend_ms = read_number(s, "resend_ms")};
    return chain->family == FAMILY_SOLANA ? read_genesis(r, chain, value, where) : HAWSE_OK;
}

static int32_t read_chain(struct reader *r, struct config_chain *chain, const char *name,
                          json_t *value)
{
    char where[CONFIG_PATH], path[CONFIG_PATH];
    json_t *providers = json_object_get(value, "providers");
    (void)snprintf(where, sizeof(where), "chains.%.64s", name);
    chain->providers = calloc(json_array_size(providers) + 1, sizeof(chain->providers[0]));
    if (!chain->providers || !copy_text(&chain->name, name))
        return no_memory(r, where);
    if (!name_legal(name, false))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s: a chain's name has 1 to 63 of a-z, 0-9, '_' and '-'", where);
    chain->block_ms = read_number(value, "block_ms");
    chain->cache = json_is_true(json_object_get(value, "cache"));
    chain->cache_mib = read_number(value, "cache_mib");
    chain->cache_entries = read_number(value, "cache_entries");
    chain->attempt_ms = read_number(value, "attempt_ms");
    chain->hedge_ms = read_number(value, "hedge_ms");
    int32_t code = read_family(r, chain, value, where);
    for (size_t i = 0; i < json_array_size(providers) && code == HAWSE_OK; i++) {
        (void)snprintf(path, sizeof(path), "%.100s.providers[%zu]", where, i);
        code = read_provider(r, chain, json_array_get(providers, i), path);
    }
    if (code == HAWSE_OK)
        code = read_tx(r, &chain->tx, json_object_get(value, "tx"), where);
    return code == HAWSE_OK ? read_safes(r, chain, json_object_get(value, "safes"), where) : code;
}

int32_t read_chains(struct reader *r, json_t *chains)
{
    struct config *c = r->config;
    const char *name;
    json_t *value;
    int32_t code = HAWSE_OK;
    if (json_object_size(chains) > CONFIG_CHAINS)
        return fault_set(r->fault, HAWSE_E_LIMIT, "chains: found %zu, expected at most %d",
                         json_object_size(chains), CONFIG_CHAINS);
    c->chains = calloc(json_object_size(chains) + 1, sizeof(c->chains[0]));
    if (!c->chains)
        return no_memory(r, "chains");
    json_object_foreach(chains, name, value)
    {
        if (code == HAWSE_OK)
            code = read_chain(r, &c->chains[c->chain_count++], name, value);
    }
    return code;
}
