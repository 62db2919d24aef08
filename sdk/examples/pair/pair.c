/*
 * pair: trades and reserves of one Uniswap-v2-style pair, from the logs of its chain. The venue of
 * the author's guide (sdk/doc/guide.md), whole.
 *
 * Each log becomes one record, so that nothing needs to be kept when there is no room: what was not
 * published is not taken, and comes again. A log that is taken back takes its record back.
 */
#include <hawse/abi.h>
#include <hawse/hawse.h>
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/space/market.h>
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
static const char swap_event[] = "event Swap(address indexed sender, uint amount0In, uint "
                                 "amount1In, uint amount0Out, uint amount1Out, address indexed to)";
static const char sync_event[] = "event Sync(uint112 reserve0, uint112 reserve1)";

struct pair {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    uint8_t market[32]; /* the address, left-padded: its name in market/1 */
    hawse_abi_signature_t swap, sync;
};

/* {"pair": "0x..."}, which the host has held against the manifest's schema. */
static int32_t read_settings(struct pair *p, hawse_view_t config)
{
    hawse_json_t doc;
    hawse_json_value_t root, value;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    uint32_t *marks = malloc((config.len + 2) * sizeof(*marks));
    int32_t code = text && marks ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        memcpy(text, config.data, config.len);
        code = hawse_json_index(&doc, text, config.len, marks, (uint32_t)config.len + 2);
    }
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = hawse_json_get(&doc, &root, "pair", &value);
    if (code == HAWSE_OK)
        code = hawse_hex_fixed(value.data, value.len, p->market + 12, 20);
    free(text);
    free(marks);
    return code;
}

/* The chain asks its node for these logs and no others. */
static int32_t subscribe(struct pair *p)
{
    struct {
        hawse_evm_log_filter_t filter;
        uint8_t topics[2][32];
    } want = {.filter = {.size = sizeof(want.filter), .topic0_count = 2}};
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_LOG,
                             .flags = HAWSE_SUB_KEYED,
                             .policy = HAWSE_POLICY_LOSSLESS,
                             .key = hawse_key(p->market + 12, 20),
                             .filter = {(const uint8_t *)&want, sizeof(want)}};
    hawse_sub_t handle;
    memcpy(want.filter.address, p->market + 12, 20);
    memcpy(want.topics[0], p->swap.hash, 32);
    memcpy(want.topics[1], p->sync.hash, 32);
    return p->sub->subscribe(p->host, p->self, &spec, &handle);
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
    int32_t code = p->sub ? HAWSE_OK : HAWSE_E_UNSUPPORTED;
    const char *why = "the host has no hawse.sub/1", *fix = "use a newer host";
    if (code == HAWSE_OK) {
        code = hawse_abi_event_parse(swap_event, sizeof(swap_event) - 1, &p->swap, NULL);
        if (code == HAWSE_OK)
            code = hawse_abi_event_parse(sync_event, sizeof(sync_event) - 1, &p->sync, NULL);
        if (code == HAWSE_OK)
            code = read_settings(p, config);
        why = "settings.pair is no address", fix = "write 0x and 40 hexadecimal digits";
    }
    if (code == HAWSE_OK) {
        code = subscribe(p);
        why = "cannot subscribe to logs", fix = "link the instance to its chain";
    }
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, why, fix);
    }
    *state = p;
    return HAWSE_OK;
}

static void origin_of(hawse_market_origin_t *o, const hawse_evm_log_t *log)
{
    *o = (hawse_market_origin_t){log->chain_id,
                                 log->block_number,
                                 log->block_timestamp,
                                 log->log_index,
                                 log->tx_index,
                                 {0},
                                 {0}};
    memcpy(o->block_hash, log->block_hash, 32);
    memcpy(o->tx_hash, log->tx_hash, 32);
}

static int32_t publish(struct pair *p, const hawse_event_t *cause, uint16_t kind, uint32_t stream,
                       const void *record, uint64_t len)
{
    hawse_event_t event = *cause; /* its flags, epoch and times: the record is as good as its log */
    event.space = HAWSE_SPACE_MARKET;
    event.kind = kind;
    event.stream = stream;
    event.key = hawse_key(p->market, 32);
    event.data = record;
    event.len = len;
    return p->sub->publish(p->host, p->self, &event);
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
    origin_of(&t.origin, log);
    return publish(p, cause, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES, &t, sizeof(t));
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
    origin_of(&s.origin, log);
    return publish(p, cause, HAWSE_MARKET_POOL_STATE, HAWSE_MARKET_STREAM_STATES, &s, sizeof(s));
}

static int32_t on_log(struct pair *p, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)event->data;
    const uint8_t *data = event->data + log->data_offset;
    if (memcmp(log->topics[0], p->swap.hash, 32) == 0 && log->topic_count == p->swap.topic_count &&
        log->data_len >= p->swap.head_len)
        return on_swap(p, event, log, data);
    if (memcmp(log->topics[0], p->sync.hash, 32) == 0 && log->data_len >= p->sync.head_len)
        return on_sync(p, event, log, data);
    return HAWSE_OK;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct pair *p = state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_EVM && events[i]->kind == HAWSE_EVM_LOG &&
            on_log(p, events[i]) == HAWSE_E_AGAIN)
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
