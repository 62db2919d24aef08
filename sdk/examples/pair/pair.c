/*
 * pair: trades and reserves of one Uniswap-v2-style pair, from the logs of its chain. The venue of
 * the author's guide (sdk/doc/guide.md), whole.
 *
 * Each log becomes one record, so that nothing needs to be kept when there is no room: what was not
 * published is not taken, and comes again. A log that is taken back takes its record back.
 */
#include <hawse/contract.h>
#include <hawse/hawse.h>
#include <hawse/setting.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.pair\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"license\":\"MIT\","
    "\"description\":\"trades and reserves of a pair of the Uniswap v2 kind\","
    "\"maturity\":\"beta\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\"],"
    "\"config\":{\"type\":\"object\",\"required\":[\"pair\"],\"properties\":{\"pair\":{"
    "\"type\":\"string\",\"format\":\"address\",\"description\":\"address of the pair: 0x and 40 "
    "digits\"}}}}";

/* UniswapV2Pair.sol; every fork that kept its events has them */
enum { SWAP, SYNC, EVENTS };
static const char *const declarations[EVENTS] = {
    "event Swap(address indexed sender, uint amount0In, uint amount1In, uint amount0Out, "
    "uint amount1Out, address indexed to)",
    "event Sync(uint112 reserve0, uint112 reserve1)"};

struct pair {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    uint8_t market[32]; /* the address, left-padded: its name in market/1 */
    hawse_abi_signature_t events[EVENTS];
};

/* What went wrong is said to the operator in *why and *fix. */
static int32_t prepare(struct pair *p, hawse_view_t config, const char **why, const char **fix)
{
    hawse_sub_t handle;
    for (int i = 0; i < EVENTS; i++)
        (void)hawse_abi_event_parse(declarations[i], strlen(declarations[i]), &p->events[i], NULL);
    *why = "the host has no hawse.sub/1", *fix = "use a newer host";
    if (!p->sub)
        return HAWSE_E_UNSUPPORTED;
    *why = "settings.pair is no address", *fix = "write 0x and 40 hexadecimal digits";
    int32_t code = hawse_setting_hex(config, "pair", p->market + 12, 20);
    if (code != HAWSE_OK)
        return code;
    *why = "cannot follow its logs", *fix = "link the instance to its chain";
    return hawse_contract_follow(p->sub, p->host, p->self, "chain", p->market + 12, p->events,
                                 EVENTS, &handle);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct pair *p = calloc(1, sizeof(*p));
    if (!p)
        return HAWSE_E_NOMEM;
    p->host = host;
    p->self = self;
    p->sub = host->query(host, self, HAWSE_SUB_ID);
    const char *why, *fix;
    int32_t code = prepare(p, config, &why, &fix);
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, why, fix);
    }
    *state = p;
    return HAWSE_OK;
}

static int32_t on_swap(struct pair *p, const hawse_event_t *cause, const hawse_evm_log_t *log,
                       const uint8_t *data)
{
    hawse_market_trade_t t = {.size = sizeof(t)};
    hawse_u256_t in[2], out[2];
    for (int i = 0; i < 2; i++) {
        hawse_u256_from_be(data + 32 * i, &in[i]);
        hawse_u256_from_be(data + 64 + 32 * i, &out[i]);
    }
    (void)hawse_u256_sub(&in[0], &out[0], &t.amount0); /* received less paid: two's complement */
    (void)hawse_u256_sub(&in[1], &out[1], &t.amount1);
    t.side = hawse_i256_is_negative(&t.amount0) ? HAWSE_SIDE_BUY : HAWSE_SIDE_SELL;
    memcpy(t.market, p->market, 32);
    memcpy(t.sender, log->topics[1], 32);
    memcpy(t.recipient, log->topics[2], 32);
    hawse_market_origin(log, &t.origin);
    return hawse_market_publish(p->sub, p->host, p->self, cause, HAWSE_MARKET_TRADE,
                                HAWSE_MARKET_STREAM_TRADES, p->market, &t, sizeof(t));
}

static int32_t on_sync(struct pair *p, const hawse_event_t *cause, const hawse_evm_log_t *log,
                       const uint8_t *data)
{
    hawse_market_pool_state_t s = {
        .size = sizeof(s), .pool_kind = HAWSE_POOL_PRODUCT, .fee_ppm = 3000};
    if (cause->flags & HAWSE_EVENT_REMOVED)
        return HAWSE_OK; /* a state is not taken back: that of the new branch follows */
    memcpy(s.market, p->market, 32);
    hawse_u256_from_be(data, &s.reserve0);
    hawse_u256_from_be(data + 32, &s.reserve1);
    hawse_market_origin(log, &s.origin);
    return hawse_market_publish(p->sub, p->host, p->self, cause, HAWSE_MARKET_POOL_STATE,
                                HAWSE_MARKET_STREAM_STATES, p->market, &s, sizeof(s));
}

static int32_t on_log(struct pair *p, const hawse_event_t *event)
{
    const hawse_evm_log_t *log;
    const uint8_t *data;
    switch (hawse_contract_match(event, p->events, EVENTS, &log, &data)) {
    case SWAP:
        return on_swap(p, event, log, data);
    case SYNC:
        return on_sync(p, event, log, data);
    default:
        return HAWSE_OK;
    }
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct pair *p = state;
    for (uint32_t i = 0; i < n; i++) {
        if (on_log(p, events[i]) == HAWSE_E_AGAIN)
            return (int32_t)i; /* no room now: the rest comes again */
    }
    return (int32_t)n;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)deadline_ns;
    return start(state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.example.pair", create, start, on_events, stop, free,
        NULL};
    return host ? &table : NULL;
}
