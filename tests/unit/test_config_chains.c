/*
 * Chains in the configuration: what providers are known for, where references may stand, and the
 * words for what is wrong.
 */
#include "test_config.h"

#define GNOSIS(providers, more)                                                                 \
    "{'hawse':1,'instances':{},'chains':{'gnosis':{'chain_id':100,'block_ms':5000,'providers':" \
    "[" providers "]" more "}}}"
#define RAW ",'tx':{'relay':'https://r.example','relay_form':'raw'"
#define AT  "/etc/hawse/test.json:1: chains.gnosis"

TEST(chains_known, "providers that are known by name have their limits and their order")
{
    struct config *c = good(
        GNOSIS("{'name':'alchemy-eu','http':'https://a.example/k'},"
               "{'name':'infura','http':'https://i.example/k'},"
               "{'name':'quicknode','http':'https://q.example/k'},"
               "{'name':'public','http':'https://p.example/k'},"
               "{'name':'mine','http':'http://127.0.0.1:8545','per_second':0,"
               "'priority':2,'weight':9,'in_flight':3,'batch':{'max':20},'methods':{'eth_call':"
               "{'per_second':7,'cost':2}}}",
               ""));
    const struct config_chain *g = config_chain_find(c, "gnosis");
    static const uint32_t rates[] = {25, 10, 15, 5, 0}, order[] = {1, 2, 3, 4, 2};
    CHECK(g != NULL && config_chain_find(c, "g") == NULL);
    CHECK_EQ(g->chain_id, 100);
    CHECK_EQ(g->provider_count, 5);
    for (size_t i = 0; i < 5; i++) {
        CHECK_EQ(g->providers[i].per_second, rates[i]);
        CHECK_EQ(g->providers[i].priority, order[i]);
    }
    const struct config_provider *mine = &g->providers[4];
    CHECK_EQ(mine->weight, 9);
    CHECK_EQ(mine->in_flight, 3);
    CHECK(mine->batch == 20 && mine->batch_delay_ms == 2 && g->providers[0].batch == 0);
    CHECK_EQ(mine->method_count, 1);
    CHECK_STR(mine->methods[0].name, "eth_call");
    CHECK_EQ(mine->methods[0].per_second, 7);
    CHECK_EQ(mine->methods[0].cost, 2);
    CHECK(g->cache && g->hedge_ms == 150 && g->attempt_ms == 2000);
    CHECK_EQ(g->tx.confirmations, 12);
    CHECK_EQ(g->tx.max_gas_price_gwei, 500);
    CHECK_EQ(g->tx.base_fee_denominator, 8);
    CHECK(g->tx.simulation_required && !g->tx.relay.url && g->tx.finality == FINALITY_DEPTH);
    config_destroy(c);
}

TEST(chains_copy, "a copy of a chain holds everything, and outlives the configuration")
{
    (void)setenv("POOL_KEY", "sesame-opens-it", 1);
    struct config *c =
        good(GNOSIS("{'name':'a','http':{'url':'https://x.example/${POOL_KEY}','headers':{'X-A':"
                    "'Bearer ${POOL_KEY}'}},'ws':'wss://x.example/${POOL_KEY}',"
                    "'methods':{'eth_call':{'cost':3}}},{'name':'b','http':'https://b.example'}",
                    ",'cache':false,'tx':{'relay':'https://relay.example','finality':'safe',"
                    "'min_tip_wei':25000000000,'relay_fallback':true,'relay_form':'raw',"
                    "'relay_method':'polygon_private_tx','relay_bare':true}"));
    struct config_chain copy;
    CHECK_EQ(config_chain_copy(&c->chains[0], &copy), 0);
    CHECK(config_chains_equal(c, c));
    char *shown = config_explain(c, NULL, false);
    CHECK(shown && !strstr(shown, "sesame") && strstr(shown, "relay.example"));
    free(shown);
    config_destroy(c);
    CHECK_STR(copy.name, "gnosis");
    CHECK_STR(copy.providers[0].http.url, "https://x.example/sesame-opens-it");
    CHECK_STR(copy.providers[0].http.headers[0].value, "Bearer sesame-opens-it");
    CHECK_STR(copy.providers[0].ws.url, "wss://x.example/sesame-opens-it");
    CHECK(copy.providers[1].ws.url == NULL);
    CHECK_EQ(copy.providers[0].methods[0].cost, 3);
    CHECK_STR(copy.tx.relay.url, "https://relay.example");
    CHECK(copy.tx.finality == FINALITY_SAFE && copy.tx.relay_fallback && !copy.cache);
    CHECK_STR(copy.tx.private_way.method, "polygon_private_tx");
    CHECK(copy.tx.private_way.usual && copy.tx.private_way.raw && copy.tx.private_way.bare);
    CHECK(copy.tx.private_way.blocks == 25 && copy.tx.private_way.rounds == 3);
    CHECK_EQ(copy.tx.min_tip_wei, 25000000000);
    config_chain_finish(&copy);
}

TEST(chains_change, "any change of a chain is seen by a reload")
{
    static const char *const texts[] = {
        GNOSIS("{'name':'a','http':'https://a.example'}", ""),
        GNOSIS("{'name':'a','http':'https://b.example'}", ""),
        GNOSIS("{'name':'b','http':'https://a.example'}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','weight':2}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','priority':2}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','per_second':2}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','in_flight':2}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','methods':{'m':{}}}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','methods':{'m':{'cost':2}}}", ""),
        GNOSIS("{'name':'a','http':'https://a.example','methods':{'m':{'per_second':2}}}", ""),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'cache':false"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'cache_mib':2"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'cache_entries':99"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'attempt_ms':99"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'hedge_ms':0"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'confirmations':3}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'finality':'finalized'}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'max_gas_price_gwei':3}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'min_tip_wei':3}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'base_fee_denominator':64}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'simulation_required':false}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", RAW "}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", RAW ",'route':'public'}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", RAW ",'relay_method':'m'}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", RAW ",'relay_bare':true}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", RAW ",'relay_blocks':3}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", RAW ",'relay_rounds':1}"),
        GNOSIS("{'name':'a','http':'https://a.example'}", ",'tx':{'relay_fallback':true}"),
        "{'hawse':1,'instances':{}}",
    };
    struct config *all[sizeof(texts) / sizeof(texts[0])];
    size_t count = sizeof(texts) / sizeof(texts[0]);
    for (size_t i = 0; i < count; i++)
        all[i] = good(texts[i]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            CHECK_EQ(config_chains_equal(all[i], all[j]), i == j);
    }
    for (size_t i = 0; i < count; i++)
        config_destroy(all[i]);
}

#define FLASHBOTS ",'tx':{'relay':'https://r.example'"
#define A_ONE     "{'name':'a','http':'https://a.example'}"
#define KEYED                                                                               \
    "{'hawse':1,'instances':{},'keys':{'dir':'keys','use':{'auth':{},'bot':{}}},'chains':{" \
    "'gnosis':{'chain_id':100,'block_ms':5000,'providers':[" A_ONE "]" FLASHBOTS            \
    ",'relay_auth':'%s'}}}}"

TEST(chains_relay, "a relay that wants signed requests has a key, which is known to be its alone")
{
    char text[1000];
    (void)snprintf(text, sizeof(text), KEYED, "auth");
    struct config *c = good(text);
    CHECK_STR(c->chains[0].tx.private_way.auth, "auth");
    CHECK(c->chains[0].tx.private_way.usual && !c->chains[0].tx.private_way.raw);
    CHECK(config_relay_key(c, "auth") && !config_relay_key(c, "bot"));
    config_destroy(c);
    (void)snprintf(text, sizeof(text), KEYED, "nobody");
    bad_with(text, NULL, 0, HAWSE_E_NOTFOUND,
             AT ".tx.relay_auth: there is no key \"nobody\" in keys.use", "");
    bad_with(GNOSIS(A_ONE, FLASHBOTS "}"), NULL, 0, HAWSE_E_INVAL,
             AT ".tx.relay_auth: is missing: a relay of the flashbots form wants signed requests",
             "name a key of keys.use that does nothing else, or set relay_form to raw");
    bad_with(GNOSIS(A_ONE, ",'tx':{'route':'private'}"), NULL, 0, HAWSE_E_INVAL,
             AT ".tx.route: is private, and tx.relay is missing", "");
    bad_with(GNOSIS(A_ONE, RAW ",'relay_method':'a-b'}"), NULL, 0, HAWSE_E_INVAL,
             AT ".tx.relay_method: a method has letters, digits and '_' only", "");
}

#define A_SAFE                                                                             \
    "{'hawse':1,'instances':{},'keys':{'dir':'keys','use':{'own':{},'bot':{}}},'chains':{" \
    "'gnosis':{'chain_id':100,'block_ms':5000,'providers':[" A_ONE                         \
    "],'safes':{'%s':{'address':'%s','executor':'%s','owners':['%s']%s}}}}}"
#define SAFE_AT "0x41675C099F32341bf84BFc5382aF534df5C7461a"

static const char *a_safe(const char *name, const char *address, const char *executor,
                          const char *owner, const char *more)
{
    static char text[1000];
    (void)snprintf(text, sizeof(text), A_SAFE, name, address, executor, owner, more);
    return text;
}

TEST(chains_safes, "a Safe has owners of ours and an executor who is none of them")
{
    struct config_chain copy;
    const char *more = ",'service':{'url':'https://s.example/api','headers':{'Authorization':'x'}}";
    struct config *c = good(a_safe("vault", SAFE_AT, "bot", "own", more));
    const struct config_safe *s = config_safe_find(&c->chains[0], "vault");
    CHECK(s && s->owner_count == 1 && s->address[0] == 0x41 && s->batch[0] == 0x96);
    CHECK_STR(s->executor, "bot");
    CHECK_STR(s->owners[0], "own");
    CHECK(!config_safe_find(&c->chains[0], "other"));
    CHECK_EQ(config_chain_copy(&c->chains[0], &copy), HAWSE_OK);
    struct config *other = good(a_safe("vault", SAFE_AT, "bot", "own", ""));
    CHECK(!config_chains_equal(c, other) && config_chains_equal(c, c));
    config_destroy(other);
    config_destroy(c);
    s = config_safe_find(&copy, "vault");
    CHECK_STR(s->owners[0], "own");
    CHECK_STR(s->service.url, "https://s.example/api");
    config_chain_finish(&copy);
    bad_with("{'hawse':1,'instances':{},'chains':{'sol':{'family':'solana','genesis':'devnet',"
             "'block_ms':400,'providers':[" A_ONE "],'safes':{'v':{'address':'" SAFE_AT
             "','executor':'b','owners':[]}}}}}",
             NULL, 0, HAWSE_E_INVAL,
             "/etc/hawse/test.json:1: chains.sol.safes: a chain of the family solana has none", "");
#define OF AT ".safes."
    bad_with(a_safe("bot", SAFE_AT, "bot", "own", ""), NULL, 0, HAWSE_E_INVAL,
             OF
             "bot: a Safe's name has 1 to 63 letters, digits, '_' and '-', and is that of no key",
             "");
    bad_with(a_safe("v", SAFE_AT, "no", "own", ""), NULL, 0, HAWSE_E_NOTFOUND,
             OF "v.executor: there is no key \"no\" in keys.use", "");
    bad_with(a_safe("v", SAFE_AT, "bot", "no", ""), NULL, 0, HAWSE_E_NOTFOUND,
             OF "v.owners: there is no key \"no\" in keys.use", "");
    bad_with(a_safe("v", SAFE_AT, "bot", "bot", ""), NULL, 0, HAWSE_E_INVAL,
             OF "v.executor: \"bot\" is an owner of the Safe too",
             "a key that pays for gas every day must not own a Safe: make one that does nothing "
             "else");
    bad_with(a_safe("v", "0x41675C099F32341bf84BFc5382aF534df5C7461g", "bot", "own", ""), NULL, 0,
             HAWSE_E_FORMAT,
             OF "v.address: found \"0x41675C099F32341bf84BFc5382aF534df5C7461g\", expected \"0x\" "
                "and 40 digits",
             "");
}

TEST(chains_endpoint, "an endpoint may name a chain instead of a url, and --set may change that")
{
    const char *text = "{'hawse':1,'chains':{'gnosis':{'chain_id':100,'block_ms':5000,'providers':"
                       "[{'name':'a','http':'https://a.example'}]}},'instances':{'a':{'plugin':'p',"
                       "'endpoints':{'http':{'chain':'gnosis'}}}}}";
    struct config *c = good(text);
    const struct config_endpoint *e = config_endpoint_find(config_find(c, "a"), "http");
    CHECK_STR(e->chain, "gnosis");
    CHECK_STR(e->url, "chain:gnosis");
    CHECK_STR(e->display, "chain:gnosis");
    const struct config_override set = {"instances.a.endpoints.http=https://b.example"};
    struct config *other = good_with(text, &set, 1);
    CHECK(!config_instance_equal(config_find(c, "a"), config_find(other, "a")));
    e = config_endpoint_find(config_find(other, "a"), "http");
    CHECK(!e->chain);
    CHECK_STR(e->url, "https://b.example");
    config_destroy(c);
    config_destroy(other);
}

TEST(chains_bad, "what is wrong with a chain is said with its place")
{
    bad_with(GNOSIS("{'name':'a','http':'wss://a.example'}", ""), NULL, 0, HAWSE_E_INVAL,
             AT ".providers[0].http.url: found wss://a.example, expected http:// or https://", "");
    bad_with(GNOSIS("{'name':'a','http':'https://a.example','ws':'https://a.example'}", ""), NULL,
             0, HAWSE_E_INVAL,
             AT ".providers[0].ws.url: found https://a.example, expected ws:// or wss://", "");
    bad_with(GNOSIS("{'name':'a','http':'https://a.example'},"
                    "{'name':'a','http':'https://b.example'}",
                    ""),
             NULL, 0, HAWSE_E_EXISTS,
             AT ".providers[1].name: there is another provider \"a\" of this chain", "");
    bad_with(GNOSIS("{'name':'a','http':{'chain':'gnosis'}}", ""), NULL, 0, HAWSE_E_INVAL,
             AT ".providers[0].http.url: is missing",
             "add it: ws, wss, http or https; ${NAME} reads the environment, file:PATH a file of "
             "mode 600, $${ is a plain ${");
    bad_with(GNOSIS("{'name':'${X}','http':'https://a.example'}", ""), NULL, 0, HAWSE_E_DENIED,
             AT ".providers[0].name: references to secrets are resolved in endpoints and "
                "credentials only",
             "write the value itself");
    bad_with(ENDPOINT("'chain':'gnosys'"), NULL, 0, HAWSE_E_NOTFOUND,
             "/etc/hawse/test.json:1: instances.a.endpoints.ws.chain: there is no chain \"gnosys\"",
             "add chains.gnosys with its providers, or give a url");
    bad_with(ENDPOINT("'chain':'gnosys','url':'wss://a.example'"), NULL, 0, HAWSE_E_INVAL,
             "/etc/hawse/test.json:1: instances.a.endpoints.ws.chain: found beside a url, expected "
             "one of them",
             "");
}

#define SIM_CHAIN(tx)                                                                              \
    "{'hawse':1,'instances':{},'chains':{'g':{'chain_id':100,'block_ms':5000,'providers':[{'name'" \
    ":"                                                                                            \
    "'public','http':'http://127.0.0.1:1'}],'tx':{" tx "}}}}"

TEST(chains_simulation,
     "engines are in the operator's order, and Tenderly is there where it is listed")
{
    struct config *c = good(SIM_CHAIN(""));
    const struct config_tx *tx = &c->chains[0].tx;
    CHECK(tx->engines[0] == 1 && tx->engines[1] == 2 && tx->engines[2] == 3 && tx->engines[3] == 0);
    CHECK(tx->call_tree == CALL_TREE_OFFERED && tx->tenderly.url == NULL);
    struct config *d = good(SIM_CHAIN("'simulation_engines':['tenderly','eth_simulateV1'],'call_"
                                      "tree':'required','tenderly':{'url':"
                                      "'https://api.tenderly.co/api/v1/account/a/project/"
                                      "p','headers':{'X-Access-Key':'${HOME}'}}"));
    struct config_chain copy = {0};
    tx = &d->chains[0].tx;
    CHECK(tx->engines[0] == 4 && tx->engines[1] == 1 && tx->engines[2] == 0);
    CHECK(tx->call_tree == CALL_TREE_REQUIRED && tx->tenderly.header_count == 1);
    CHECK_EQ(config_chain_copy(&d->chains[0], &copy), HAWSE_OK);
    CHECK(strstr(copy.tx.tenderly.url, "/project/p") != NULL && copy.tx.engines[0] == 4);
    CHECK(config_chains_equal(d, d) && !config_chains_equal(c, d));
    config_chain_finish(&copy);
    config_destroy(c);
    config_destroy(d);
    bad_with(SIM_CHAIN("'simulation_engines':['tenderly']"), NULL, 0, HAWSE_E_INVAL,
             CONFIG_FILE
             ":1: chains.g.tx.simulation_engines: found tenderly, and no tx.tenderly says "
             "where its project is",
             "write both, or neither");
    bad_with(SIM_CHAIN("'tenderly':'https://t'"), NULL, 0, HAWSE_E_INVAL,
             CONFIG_FILE ":1: chains.g.tx.tenderly: found a project, and tenderly is not among "
                         "simulation_engines, so it would never be asked",
             "write both, or neither");
    bad_with(SIM_CHAIN("'call_tree':'${HOME}'"), NULL, 0, HAWSE_E_INVAL,
             CONFIG_FILE ":1: chains.g.tx.call_tree: found \"${HOME}\", expected one of \"off\", "
                         "\"offered\", \"required\"",
             "");
}

#define CLUSTER(members)                                                                   \
    "{'hawse':1,'instances':{},'chains':{'sol':{'family':'solana','block_ms':400," members \
    "'providers':[{'name':'public','http':'http://127.0.0.1:1'}]}}}"
#define AT_SOL "/etc/hawse/test.json:1: chains.sol"

TEST(chains_solana, "a chain of Solana is known by its genesis hash and has rules of its own")
{
    struct config *c = good(CLUSTER("'genesis':'devnet',"));
    struct config *d = good(CLUSTER("'genesis':'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG',"));
    struct config *e = good(CLUSTER("'genesis':'mainnet','solana':{'commitment':'confirmed',"
                                    "'max_fee':9000,'max_unit_price':7,'price_percent':80,"
                                    "'resend_ms':500},"));
    struct config_chain copy;
    const struct config_solana *s = &c->chains[0].solana;
    CHECK_EQ(c->chains[0].family, FAMILY_SOLANA);
    CHECK(!s->confirmed && s->max_fee == 1000000 && s->max_unit_price == 5000000);
    CHECK(s->price_percent == 60 && s->resend_ms == 2000);
    CHECK(config_chains_equal(c, d) && !config_chains_equal(c, e));
    CHECK_EQ(config_chain_copy(&e->chains[0], &copy), 0);
    CHECK(copy.family == FAMILY_SOLANA && copy.solana.confirmed && copy.solana.max_fee == 9000);
    CHECK(copy.solana.max_unit_price == 7 && copy.solana.price_percent == 80);
    config_chain_finish(&copy);
    config_destroy(c);
    config_destroy(d);
    config_destroy(e);
    bad_with(CLUSTER(""), NULL, 0, HAWSE_E_INVAL,
             AT_SOL ".genesis: is missing: a chain of the family solana has one", "");
    bad_with(CLUSTER("'genesis':'devnet','chain_id':1,"), NULL, 0, HAWSE_E_INVAL,
             AT_SOL ".chain_id: a chain of the family solana has none", "");
    bad_with(CLUSTER("'genesis':'localnet',"), NULL, 0, HAWSE_E_FORMAT,
             AT_SOL ".genesis: found \"localnet\", expected mainnet, devnet, testnet, or a genesis "
                    "hash",
             "a node tells its own by getGenesisHash");
    bad_with(GNOSIS(A_ONE, ",'genesis':'devnet'"), NULL, 0, HAWSE_E_INVAL,
             AT ".genesis: a chain of the family evm has none", "");
}
