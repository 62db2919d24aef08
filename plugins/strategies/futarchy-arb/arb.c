/* The strategy futarchy-arb: manifest, life, events in; see arb.h. */
#include "arb.h"

#include <hawse/service/state.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT  "\"type\":\"string\",\"minLength\":1,\"maxLength\":40,"
#define ADDRESS "\"type\":\"string\",\"format\":\"address\","
#define AMOUNTS                                                           \
    "\"type\":\"array\",\"minItems\":1,\"maxItems\":8,\"items\":{" AMOUNT \
    "\"description\":\"sDAI\"},"

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.futarchy-arb\",\"version\":\"0.1.0\",\"abi\":\"1.0\","
    "\"kind\":\"strategy\","
    "\"description\":\"a company token's spot price against its conditional prices in a futarchy "
    "market, by bundles or one by one\","
    "\"license\":\"MIT\",\"maturity\":\"beta\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\",\"hawse.intent/1\":\">=1.0\"},"
    "\"consumes\":[\"market/1\",\"evm/1\",\"position/1\",\"stream/1\",\"intent/1\"],"
    "\"capabilities\":[\"intent\",\"rpc:eth_call\",\"rpc:eth_getLogs\",\"rpc:eth_getCode\","
    "\"rpc:eth_getTransactionReceipt\",\"rpc:eth_chainId\",\"rpc:eth_estimateGas\",\"rpc:eth_"
    "getBalance\"],"
    "\"budget\":{\"callback_us\":20000},"
    "\"config\":{\"type\":\"object\",\"required\":[\"chain\",\"account\",\"address\","
    "\"proposal\",\"router\",\"swap_router\",\"spot_pool\"],\"properties\":{"
    "\"chain\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63,"
    "\"description\":\"name in chains\"},"
    "\"account\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":63,"
    "\"description\":\"name of a key\"},"
    "\"address\":{" ADDRESS
    "\"description\":\"that key's address: all that is bought goes there\"},"
    "\"proposal\":{" ADDRESS "\"description\":\"the futarchy proposal; its tokens are read\"},"
    "\"router\":{" ADDRESS "\"description\":\"the futarchy router, which splits and merges\"},"
    "\"swap_router\":{" ADDRESS "\"description\":\"Algebra's SwapRouter\"},"
    "\"quoter\":{" ADDRESS "\"description\":\"Algebra's Quoter, asked for fees at each block; "
    "none: fees as the pools store them\"},"
    "\"vault\":{" ADDRESS "\"default\":\"0xba12222222228d8ba445958a75a0704d566bf2c8\","
    "\"description\":\"Balancer v2's Vault\"},"
    "\"spot_kind\":{\"type\":\"string\",\"enum\":[\"balancer-v2\",\"balancer-v3\"],"
    "\"default\":\"balancer-v2\",\"description\":\"which Balancer has the spot pool; with v3, "
    "which is experimental, the link balancer is an instance of org.hawse.balancer-v3\"},"
    "\"batch_router\":{" ADDRESS "\"default\":\"0xe2fa4e1d17725e72dcdafe943ecf45df4b9e285b\","
    "\"description\":\"Balancer v3's BatchRouter\"},"
    "\"permit2\":{" ADDRESS "\"default\":\"0x000000000022d473030f116ddee9f6b43ac78ba3\","
    "\"description\":\"Permit2, by which that router is paid\"},"
    "\"spot_pool\":{\"type\":\"string\",\"minLength\":42,\"maxLength\":66,"
    "\"examples\":[\"0x40d2cbc586dd8df50001cdba3f65cd4bbc32d596000200000000000000000154\"],"
    "\"description\":\"id of the pool with the company token and sDAI, of v3 its address; the "
    "linked balancer instance follows it\"},"
    "\"sdai\":{" ADDRESS "\"default\":\"0xaf204776c7245bf4147c2612bf6e5972ee483701\","
    "\"description\":\"which of the proposal's collaterals is the money\"},"
    "\"check_tokens\":{\"type\":\"boolean\",\"default\":true,\"description\":\"outcome tokens have "
    "to "
    "be the wrappers of the condition's positions, pools those of the swap router's factory; "
    "false: "
    "both are taken as they are named\"},"
    "\"executor\":{" ADDRESS "\"description\":\"as in chains.CHAIN.tx.executor: its code and the "
    "account's are watched\"},"
    "\"executor_code_hash\":{\"type\":\"string\",\"minLength\":66,\"maxLength\":66,"
    "\"description\":\"keccak-256 of the executor's code; another code takes bundles out of use\"},"
    "\"executor_code_size\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":24576,"
    "\"default\":0,\"description\":\"bytes of the executor's code, for verify; 0: any\"},"
    "\"chain_id\":{\"type\":\"integer\",\"minimum\":1,\"default\":100,"
    "\"description\":\"of the chain, for verify\"},"
    "\"tick_unit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60,\"default\":1,"
    "\"description\":\"ticks for one bit of a pool's table: 1 with Algebra V1.9, 60 with V1\"},"
    "\"pools_from_block\":{\"type\":\"integer\",\"minimum\":0,\"default\":0,"
    "\"description\":\"none of the pools is older: their liquidity is read from there\"},"
    "\"enabled\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"false: no bundles, single transactions of safe_amount\"},"
    "\"test_mode\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"at most 0.01 sDAI at a time\"},"
    "\"bundle_enabled\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"false: single transactions\"},"
    "\"fallback_enabled\":{\"type\":\"boolean\",\"default\":true,"
    "\"description\":\"after a bundle that was refused or reverted, one by single transactions\"},"
    "\"aggressive_mode\":{\"type\":\"boolean\",\"default\":false,"
    "\"description\":\"true: the wait after trades that end badly, one after the other, does not "
    "grow\"},"
    "\"liquidation_enabled\":{\"type\":\"boolean\",\"default\":false,"
    "\"description\":\"sell what is left of the dearer outcome; false: it is kept and counts as "
    "nothing\"},"
    "\"execution\":{\"type\":\"string\",\"enum\":[\"bundled\",\"sequential\",\"fallback\","
    "\"both\"],\"default\":\"fallback\",\"description\":\"both: in turns, for a comparison\"},"
    "\"stage\":{\"type\":\"string\",\"enum\":[\"fixed\",\"canary\",\"progressive\"],"
    "\"default\":\"fixed\",\"description\":\"which amount holds: amount, canary_amounts one by "
    "one, "
    "or daily_amounts\"},"
    "\"amount\":{" AMOUNT "\"default\":\"1\",\"description\":\"sDAI that goes in at most\"},"
    "\"max_bundle_amount\":{" AMOUNT "\"default\":\"100\",\"description\":\"sDAI of a bundle at "
    "most, whatever the stage says\"},"
    "\"safe_amount\":{" AMOUNT "\"default\":\"10\",\"description\":\"sDAI at most after a "
    "rollback\"},"
    "\"canary_amounts\":{" AMOUNTS "\"default\":[\"0.001\",\"0.005\",\"0.01\",\"0.05\",\"0.1\"],"
    "\"description\":\"smallest first\"},"
    "\"canary_passes\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1,"
    "\"description\":\"successes for the next amount\"},"
    "\"daily_amounts\":{" AMOUNTS "\"default\":[\"1\",\"10\",\"100\",\"1000\"],"
    "\"description\":\"by days that gained\"},"
    "\"min_profit\":{" AMOUNT "\"default\":\"0.001\",\"description\":\"sDAI after gas\"},"
    "\"min_edge_ppm\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000,\"default\":0,"
    "\"description\":\"gain after gas, in millionths of what goes in\"},"
    "\"slippage_ppm\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":50000,\"default\":1000,"
    "\"description\":\"what each leg may be worse than quoted\"},"
    "\"simulation_slippage_ppm\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000,"
    "\"default\":10000,\"description\":\"what a simulation may gain less than predicted\"},"
    "\"sweep_min\":{" AMOUNT "\"default\":\"0.1\",\"description\":\"pairs of conditional sDAI are "
    "merged from so many on\"},"
    "\"gas_units\":{\"type\":\"integer\",\"minimum\":21000,\"maximum\":16777216,"
    "\"default\":1200000,\"description\":\"of one cycle, for what gas costs\"},"
    "\"sequential_gas\":{\"type\":\"integer\",\"minimum\":21000,\"maximum\":100000000,"
    "\"default\":1051907,\"description\":\"of one cycle by single transactions, until one was "
    "measured\"},"
    "\"tip_wei\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000000000,"
    "\"default\":1000000000,\"description\":\"priority fee per gas that is reckoned with\"},"
    "\"deadline_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":3600,\"default\":60,"
    "\"description\":\"a swap is good for so long\"},"
    "\"whole_block_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000,\"default\":30,"
    "\"description\":\"how long a decision waits for other pools that the block's filter names\"},"
    "\"cooldown_blocks\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":1,"
    "\"description\":\"after a trade that ended badly; doubled for each more\"},"
    "\"interval_s\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":86400,\"default\":0,"
    "\"description\":\"at least between two trades; 0: each event may open one\"},"
    "\"canary_interval_s\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":86400,"
    "\"default\":300,\"description\":\"the same in the stage canary\"},"
    "\"safe_interval_s\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":86400,"
    "\"default\":120,\"description\":\"the same after a rollback\"},"
    "\"rollback_ppm\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000,"
    "\"default\":200000,\"description\":\"more failures than this, in millionths of the last "
    "bundles, take bundles out of use\"},"
    "\"breaker_failures\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":3,"
    "\"description\":\"failures in a row\"},"
    "\"breaker_successes\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,"
    "\"default\":10,\"description\":\"trials in a row that close it\"}}}}";

enum { TICK_MS = 500 };

static int32_t subscribe(struct arb *a)
{
    bool v3 = a->set.places.spot == BUNDLE_SPOT_V3;
    const struct {
        const char *link;
        uint32_t *source;
        uint16_t space, kind;
    } want[] = {{"chain", &a->chain, HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK},
                {"swapr", &a->swapr, HAWSE_SPACE_MARKET, 0},
                {"balancer", &a->balancer, HAWSE_SPACE_MARKET,
                 v3 ? HAWSE_MARKET_POOL_LIVE : HAWSE_MARKET_POOL_TOKENS},
                {"balancer", &a->balancer, HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE}};
    const uint32_t count = v3 ? 4 : 3; /* states of v2 say themselves who traded */
    for (uint32_t i = 0; i < count; i++) {
        hawse_sub_t sub;
        if (a->sub->link(a->host, a->self, hawse_text(want[i].link), want[i].source) != HAWSE_OK)
            return hawse_fail(a->host, a->self, HAWSE_E_NOTFOUND,
                              "needs links named \"chain\", \"swapr\" and \"balancer\"",
                              "add links: {\"chain\": ID, \"swapr\": ID, \"balancer\": ID} of such "
                              "instances");
        hawse_sub_spec_t spec = {.size = sizeof(spec),
                                 .source = *want[i].source,
                                 .space = want[i].space,
                                 .kind = want[i].kind,
                                 .policy = HAWSE_POLICY_LOSSLESS};
        int32_t code = a->sub->subscribe(a->host, a->self, &spec, &sub);
        if (code != HAWSE_OK)
            return hawse_fail(a->host, a->self, code, "cannot subscribe", "see what the host says");
    }
    return HAWSE_OK;
}

/* The link that says when the proposal is over may be left out. */
static int32_t subscribe_proposal(struct arb *a)
{
    hawse_sub_t sub;
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .space = HAWSE_SPACE_POSITION,
                             .kind = HAWSE_POSITION_PROPOSAL,
                             .policy = HAWSE_POLICY_LOSSLESS};
    if (a->sub->link(a->host, a->self, hawse_text("futarchy"), &spec.source) != HAWSE_OK)
        return HAWSE_OK;
    int32_t code = a->sub->subscribe(a->host, a->self, &spec, &sub);
    return code == HAWSE_OK
               ? HAWSE_OK
               : hawse_fail(a->host, a->self, code, "cannot subscribe to the link \"futarchy\"",
                            "link it to an instance of org.hawse.futarchy");
}

static void destroy(void *state)
{
    struct arb *a = state;
    free(a->marks);
    free(a);
}

/* One that has taken its settings, and done nothing else yet. */
static int32_t make(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                    struct arb **out)
{
    struct arb *a = calloc(1, sizeof(*a));
    if (!a)
        return HAWSE_E_NOMEM;
    a->host = host;
    a->self = self;
    a->sub = host->query(host, self, HAWSE_SUB_ID);
    a->rpc = host->query(host, self, HAWSE_RPC_ID);
    a->timers = host->query(host, self, HAWSE_TIMER_ID);
    a->intents = host->query(host, self, HAWSE_INTENT_ID);
    a->metrics = host->query(host, self, HAWSE_METRICS_ID);
    a->command = a->audit.command = host->query(host, self, HAWSE_COMMAND_ID);
    a->alert = host->query(host, self, HAWSE_ALERT_ID);
    for (uint32_t i = 0; i < MARKET_POOLS; i++)
        a->leg[i].pool = TOLD_POOLS;
    a->run = host->now(host, HAWSE_CLOCK_UTC);
    a->next_number = 1;
    a->marks = malloc(ARB_MARKS * sizeof(a->marks[0]));
    int32_t code = a->marks ? settings_read(a, config) : HAWSE_E_NOMEM;
    if (code != HAWSE_OK) {
        destroy(a);
        return code;
    }
    *out = a;
    return HAWSE_OK;
}

static int32_t begin(struct arb *a)
{
    int32_t code = say_begin(a);
    if (code != HAWSE_OK)
        return hawse_fail(a->host, a->self, code, "metrics cannot be declared",
                          "see what the host says");
    code = audit_add(a);
    if (code != HAWSE_OK)
        return code;
    code = subscribe(a);
    if (code == HAWSE_OK)
        code = subscribe_proposal(a);
    if (code == HAWSE_OK)
        code = verbs_add(a);
    if (code == HAWSE_OK) {
        stored_open(a);
        learn_begin(a);
    }
    return code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct arb *a = NULL;
    int32_t code = make(host, self, config, &a);
    if (code != HAWSE_OK)
        return code;
    code = begin(a);
    if (code != HAWSE_OK) {
        destroy(a);
        return code;
    }
    *state = a;
    return HAWSE_OK;
}

/* Instead of create and start: what it has of the host it has. */
static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **state)
{
    struct arb *a = NULL;
    int32_t code = make(host, self, config, &a);
    if (code != HAWSE_OK)
        return code;
    code = handover_load(a, saved);
    if (code != HAWSE_OK) {
        destroy(a);
        return code;
    }
    *state = a;
    return HAWSE_OK;
}

static const void *query(const char *id)
{
    static const hawse_state_interface_t interface = {
        .size = sizeof(interface), .save = handover_save, .restore = restore};
    return strcmp(id, HAWSE_STATE_ID) == 0 ? &interface : NULL;
}

static int32_t start(void *state)
{
    struct arb *a = state;
    uint64_t every = (uint64_t)TICK_MS * 1000000u;
    learn_next(a);
    return a->timers->set(a->host, a->self, every, every, 0, &a->tick);
}

static void on_event(struct arb *a, const hawse_event_t *event)
{
    switch (event->space) {
    case HAWSE_SPACE_MARKET:
        world_market(a, event);
        break;
    case HAWSE_SPACE_EVM:
        world_chain(a, event);
        break;
    case HAWSE_SPACE_POSITION:
        world_proposal(a, event);
        break;
    case HAWSE_SPACE_STREAM:
        world_continuity(a, event);
        break;
    case HAWSE_SPACE_INTENT:
        if (!audit_event(a, event) && !carried_event(a, event))
            outcome_step(a, event);
        break;
    case HAWSE_SPACE_HOST:
        if (audit_event(a, event))
            break;
        if (event->kind == HAWSE_HOST_RPC_DONE)
            answer(a, event);
        else if (event->kind == HAWSE_HOST_KEPT)
            stored_event(a, event);
        else if (event->kind == HAWSE_HOST_COMMAND)
            verbs_call(a, event);
        else if (event->kind == HAWSE_HOST_TIMER)
            a->changed = true; /* an interval may be over */
        break;
    default:
        break;
    }
}

/* Decisions come after all events of a batch: the newest state is the one that counts. */
static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct arb *a = state;
    for (uint32_t i = 0; i < n; i++)
        on_event(a, events[i]);
    audit_go_on(a);
    carried_go_on(a);
    stored_save(a); /* what a decision rests on, before it */
    decide(a);
    stored_save(a);
    if (!a->whole_asked)
        a->basis_ns = 0; /* what comes of it later waited for something else */
    learn_next(a);
    return (int32_t)n;
}

/* What is under way goes on, and is in the journal. */
static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {.size = sizeof(table),
                                         .abi_minor = HAWSE_ABI_MINOR,
                                         .id = "org.hawse.futarchy-arb",
                                         .create = create,
                                         .start = start,
                                         .on_events = on_events,
                                         .stop = stop,
                                         .destroy = destroy,
                                         .query = query};
    (void)host;
    return &table;
}
