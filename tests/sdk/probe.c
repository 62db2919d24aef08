/*
 * A stranger's plugin, which uses as much of the SDK as fits on a page: run.py builds it outside
 * the tree with each compiler, as C and as C++, has a host run it, and compares what it says with
 * the sample that was played. Written in what both languages understand.
 */
#include <hawse/abi.h>
#include <hawse/hawse.h>
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/keccak.h>
#include <hawse/service/config.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* hawse.h declares both exports, with their visibility: a definition need not repeat it, and g++
 * would warn of it here. */
const char hawse_manifest_v1[] =
    "{\"id\":\"org.test.probe\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"features\":{\"swaps\":{\"maturity\":\"beta\",\"description\":\"decodes swaps\"}},"
    "\"config\":{\"type\":\"object\",\"required\":[\"pool\"],"
    "\"properties\":{\"pool\":{\"type\":\"string\",\"format\":\"address\"}}}}";

static const char swap_text[] =
    "event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, "
    "uint160 price, uint128 liquidity, int24 tick)";

typedef struct probe {
    const hawse_host_t *host;
    hawse_instance_t self;
    hawse_abi_signature_t swap;
    int32_t swaps; /* is the feature on? */
} probe_t;

static int32_t read_pool(hawse_view_t config, uint8_t pool[20])
{
    uint32_t marks[64];
    hawse_json_t doc;
    hawse_json_value_t root, value;
    uint8_t text[512 + HAWSE_PADDING];
    if (config.len > 512)
        return HAWSE_E_LIMIT;
    memset(text, 0, sizeof(text));
    memcpy(text, config.data, config.len);
    int32_t code = hawse_json_index(&doc, text, config.len, marks, 64);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = hawse_json_get(&doc, &root, "pool", &value);
    return code == HAWSE_OK ? hawse_hex_fixed(value.data, value.len, pool, 20) : code;
}

static int32_t subscribe(probe_t *p, uint16_t kind, const uint8_t *filter, uint64_t len)
{
    const hawse_sub_service_t *sub =
        (const hawse_sub_service_t *)p->host->query(p->host, p->self, HAWSE_SUB_ID);
    hawse_sub_spec_t spec;
    hawse_sub_t handle;
    memset(&spec, 0, sizeof(spec));
    spec.size = sizeof(spec);
    spec.space = HAWSE_SPACE_EVM;
    spec.kind = kind;
    spec.filter.data = filter;
    spec.filter.len = len;
    return sub->subscribe(p->host, p->self, &spec, &handle);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    hawse_evm_log_filter_t filter;
    probe_t *p = (probe_t *)calloc(1, sizeof(*p));
    if (!p)
        return HAWSE_E_NOMEM;
    p->host = host;
    p->self = self;
    p->swaps = hawse_feature(host, self, "swaps");
    memset(&filter, 0, sizeof(filter));
    filter.size = sizeof(filter);
    int32_t code = read_pool(config, filter.address);
    if (code == HAWSE_OK)
        code = hawse_abi_event_parse(swap_text, sizeof(swap_text) - 1, &p->swap, NULL);
    if (code == HAWSE_OK)
        code = subscribe(p, HAWSE_EVM_BLOCK, NULL, 0);
    if (code == HAWSE_OK)
        code = subscribe(p, HAWSE_EVM_LOG, (const uint8_t *)&filter, sizeof(filter));
    if (code != HAWSE_OK) {
        free(p);
        return hawse_fail(host, self, code, "the probe cannot begin", "see its source");
    }
    *state = p;
    return HAWSE_OK;
}

static void say_block(probe_t *p, const hawse_event_t *event)
{
    hawse_evm_block_t block;
    char hash[65], line[128];
    memcpy(&block, event->data, sizeof(block));
    hawse_hex_encode(block.hash, 32, hash);
    hash[64] = '\0';
    (void)snprintf(line, sizeof(line), "block %llu 0x%s", (unsigned long long)block.number, hash);
    hawse_log(p->host, p->self, HAWSE_LOG_INFO, line);
}

static void say_log(probe_t *p, const hawse_event_t *event)
{
    hawse_evm_log_t log;
    hawse_abi_value_t values[7];
    uint8_t digest[32];
    char hash[65], amounts[2][HAWSE_U256_DECIMAL_MAX], line[512];
    memcpy(&log, event->data, sizeof(log));
    const uint8_t *data = event->data + log.data_offset;
    hawse_keccak256(data, log.data_len, digest);
    hawse_hex_encode(digest, 32, hash);
    hash[64] = '\0';
    int n = snprintf(line, sizeof(line), "log %llu/%u %s", (unsigned long long)log.block_number,
                     log.log_index, hash);
    if (p->swaps && hawse_abi_event_decode(&p->swap, log.topics[0], log.topic_count, data,
                                           log.data_len, values, 7, NULL) == 7) {
        (void)hawse_i256_decimal(&values[2].as.number, amounts[0]);
        (void)hawse_i256_decimal(&values[3].as.number, amounts[1]);
        (void)snprintf(line + n, sizeof(line) - (size_t)n, " swap %s %s", amounts[0], amounts[1]);
    }
    hawse_log(p->host, p->self, HAWSE_LOG_INFO, line);
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    probe_t *p = (probe_t *)state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_EVM && events[i]->kind == HAWSE_EVM_BLOCK)
            say_block(p, events[i]);
        else if (events[i]->space == HAWSE_SPACE_EVM && events[i]->kind == HAWSE_EVM_LOG)
            say_log(p, events[i]);
    }
    return (int32_t)n;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

static const hawse_plugin_t table = {sizeof(hawse_plugin_t),
                                     HAWSE_ABI_MINOR,
                                     "org.test.probe",
                                     create,
                                     start,
                                     on_events,
                                     stop,
                                     free,
                                     NULL};

const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    return host ? &table : NULL;
}
