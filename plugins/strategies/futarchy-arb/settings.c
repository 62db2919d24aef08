/* What the operator set; see arb.h. The schema has checked kinds and bounds. */
#include "arb.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const hawse_json_t *doc;
    hawse_json_value_t *root;
    bool good;
    const char *bad; /* the first that cannot be taken */
};

static void refuse(struct reader *r, const char *key)
{
    if (r->good)
        r->bad = key;
    r->good = false;
}

static bool find(struct reader *r, const char *key, hawse_json_value_t *v)
{
    return hawse_json_get(r->doc, r->root, key, v) == HAWSE_OK;
}

static void read_name(struct reader *r, const char *key, char out[ARB_NAME])
{
    hawse_json_value_t v;
    if (!find(r, key, &v) || v.len >= ARB_NAME) {
        refuse(r, key);
        return;
    }
    memcpy(out, v.data, v.len);
    out[v.len] = '\0';
}

/* False when it is not there. */
static bool read_bytes(struct reader *r, const char *key, uint8_t *out, uint64_t len)
{
    hawse_json_value_t v;
    if (!find(r, key, &v))
        return false;
    if (hawse_hex_fixed(v.data, v.len, out, len) != HAWSE_OK)
        refuse(r, key);
    return true;
}

static void read_amount(struct reader *r, const char *key, hawse_u256_t *out)
{
    hawse_json_value_t v;
    if (find(r, key, &v) && hawse_u256_parse_units(v.data, v.len, 18, out) != HAWSE_OK)
        refuse(r, key);
}

/* One of which nothing would ever be traded is a slip of the hand. */
static void read_some(struct reader *r, const char *key, hawse_u256_t *out)
{
    read_amount(r, key, out);
    if (hawse_u256_is_zero(out))
        refuse(r, key);
}

/* From the smallest on; a trial of an open breaker takes the first. */
static uint32_t read_amounts(struct reader *r, const char *key, hawse_u256_t *out, uint32_t count)
{
    hawse_json_value_t list, v;
    uint32_t n = 0;
    if (!find(r, key, &list))
        return count;
    while (n < CONTROL_AMOUNTS && hawse_json_next(r->doc, &list, NULL, &v) == 1) {
        if (hawse_u256_parse_units(v.data, v.len, 18, &out[n]) != HAWSE_OK ||
            hawse_u256_is_zero(&out[n]) || (n > 0 && hawse_u256_compare(&out[n], &out[n - 1]) < 0))
            refuse(r, key);
        n++;
    }
    return n;
}

static void read_u64(struct reader *r, const char *key, uint64_t *out)
{
    hawse_json_value_t v;
    if (find(r, key, &v) && hawse_json_u64(&v, out) != HAWSE_OK)
        refuse(r, key);
}

static void read_u32(struct reader *r, const char *key, uint32_t *out)
{
    uint64_t n = *out;
    read_u64(r, key, &n);
    *out = (uint32_t)n;
}

static void read_seconds(struct reader *r, const char *key, uint64_t *out)
{
    uint64_t n = *out / 1000000000u;
    read_u64(r, key, &n);
    *out = n * 1000000000u;
}

static void read_flag(struct reader *r, const char *key, bool *out)
{
    hawse_json_value_t v;
    if (find(r, key, &v))
        *out = v.kind == HAWSE_JSON_TRUE;
}

/* Which of the words stands there. */
static uint32_t read_word(struct reader *r, const char *key, const char *const *words, uint32_t n,
                          uint32_t fallback)
{
    hawse_json_value_t v;
    if (!find(r, key, &v))
        return fallback;
    for (uint32_t i = 0; i < n; i++) {
        if (hawse_json_is(&v, words[i]))
            return i;
    }
    refuse(r, key);
    return fallback;
}

static void whole(hawse_u256_t *out, uint64_t milli)
{
    hawse_u256_t n = hawse_u256(milli), unit = hawse_u256(1000000000000000u), one = hawse_u256(1);
    (void)hawse_u256_mul_div(&n, &unit, &one, 0, out);
}

/* What holds where nothing is set: all of it is the smaller choice. */
static void defaults(struct settings *s)
{
    static const uint64_t ladder[] = {1, 5, 10, 50, 100};
    static const uint64_t daily[] = {1000, 10000, 100000, 1000000};
    static const uint8_t sdai[20] = {0xaf, 0x20, 0x47, 0x76, 0xc7, 0x24, 0x5b, 0xf4, 0x14, 0x7c,
                                     0x26, 0x12, 0xbf, 0x6e, 0x59, 0x72, 0xee, 0x48, 0x37, 0x01};
    static const uint8_t vault[20] = {0xba, 0x12, 0x22, 0x22, 0x22, 0x28, 0xd8, 0xba, 0x44, 0x59,
                                      0x58, 0xa7, 0x5a, 0x07, 0x04, 0xd5, 0x66, 0xbf, 0x2c, 0xc8};
    static const uint8_t batch_router[20] = {0xe2, 0xfa, 0x4e, 0x1d, 0x17, 0x72, 0x5e,
                                             0x72, 0xdc, 0xda, 0xfe, 0x94, 0x3e, 0xcf,
                                             0x45, 0xdf, 0x4b, 0x9e, 0x28, 0x5b};
    static const uint8_t permit2[20] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x22, 0xd4, 0x73, 0x03, 0x0f,
                                        0x11, 0x6d, 0xde, 0xe9, 0xf6, 0xb4, 0x3a, 0xc7, 0x8b, 0xa3};
    struct control_rules *r = &s->rules;
    memcpy(s->places.batch_router, batch_router, 20);
    memcpy(s->places.permit2, permit2, 20);
    memcpy(s->sdai, sdai, 20);
    memcpy(s->places.vault, vault, 20);
    s->tick_unit = 1;
    s->check_tokens = true;
    s->cooldown_blocks = 1;
    s->net_slippage_ppm = 10000;
    s->chain_id = 100;
    s->gas_units = 1200000;
    s->tip_wei = 1000000000;
    s->deadline_s = 60;
    s->whole_block_ms = 30;
    whole(&s->min_profit, 1);
    whole(&s->sweep_min, 100);
    *r = (struct control_rules){.enabled = true,
                                .test_mode = true,
                                .bundle_enabled = true,
                                .fallback_enabled = true,
                                .execution = EXECUTE_FALLBACK,
                                .ladder_count = 5,
                                .daily_count = 4,
                                .ladder_passes = 1,
                                .breaker_failures = 3,
                                .breaker_successes = 10,
                                .slippage_ppm = 1000,
                                .canary_slippage_ppm = 1000,
                                .safe_slippage_ppm = 1000,
                                .rollback_ppm = 200000,
                                .sequential_gas = 1051907,
                                .canary_interval_ns = 300000000000u,
                                .safe_interval_ns = 120000000000u};
    whole(&r->amount, 1000);
    whole(&r->max_bundle, 100000);
    whole(&r->test_amount, 10);
    whole(&r->safe_amount, 10000);
    for (uint32_t i = 0; i < 5; i++)
        whole(&r->ladder[i], ladder[i]);
    for (uint32_t i = 0; i < 4; i++)
        whole(&r->daily[i], daily[i]);
}

static void read_rules(struct reader *r, struct control_rules *c)
{
    static const char *const stages[] = {"fixed", "canary", "progressive"};
    static const char *const ways[] = {"bundled", "sequential", "fallback", "both"};
    c->stage = (enum control_stage)read_word(r, "stage", stages, 3, c->stage);
    c->execution = (enum control_execution)read_word(r, "execution", ways, 4, c->execution);
    read_flag(r, "enabled", &c->enabled);
    read_flag(r, "test_mode", &c->test_mode);
    read_flag(r, "bundle_enabled", &c->bundle_enabled);
    read_flag(r, "fallback_enabled", &c->fallback_enabled);
    read_some(r, "amount", &c->amount);
    read_some(r, "max_bundle_amount", &c->max_bundle);
    read_some(r, "safe_amount", &c->safe_amount);
    c->ladder_count = read_amounts(r, "canary_amounts", c->ladder, c->ladder_count);
    c->daily_count = read_amounts(r, "daily_amounts", c->daily, c->daily_count);
    read_u32(r, "canary_passes", &c->ladder_passes);
    read_u32(r, "breaker_failures", &c->breaker_failures);
    read_u32(r, "breaker_successes", &c->breaker_successes);
    read_u32(r, "slippage_ppm", &c->slippage_ppm);
    read_u32(r, "rollback_ppm", &c->rollback_ppm);
    read_u64(r, "sequential_gas", &c->sequential_gas);
    read_seconds(r, "interval_s", &c->interval_ns);
    read_seconds(r, "canary_interval_s", &c->canary_interval_ns);
    read_seconds(r, "safe_interval_s", &c->safe_interval_ns);
}

/* The spot pool: an id of v2, an address of v3. */
static bool read_spot(struct reader *r, struct settings *s)
{
    static const char *const kinds[] = {"balancer-v2", "balancer-v3"};
    struct bundle_places *at = &s->places;
    at->spot = read_word(r, "spot_kind", kinds, 2, BUNDLE_SPOT_V2);
    (void)read_bytes(r, "batch_router", at->batch_router, 20);
    (void)read_bytes(r, "permit2", at->permit2, 20);
    return at->spot == BUNDLE_SPOT_V3 ? read_bytes(r, "spot_pool", at->spot_pool + 12, 20)
                                      : read_bytes(r, "spot_pool", at->spot_pool, 32);
}

static void read_all(struct reader *r, struct settings *s)
{
    uint32_t unit = (uint32_t)s->tick_unit;
    read_name(r, "chain", s->chain);
    read_name(r, "account", s->account);
    r->good = r->good && read_bytes(r, "address", s->places.account, 20) &&
              read_bytes(r, "proposal", s->places.proposal, 20) &&
              read_bytes(r, "router", s->places.router, 20) &&
              read_bytes(r, "swap_router", s->places.swap_router, 20) && read_spot(r, s);
    (void)read_bytes(r, "vault", s->places.vault, 20);
    (void)read_bytes(r, "sdai", s->sdai, 20);
    s->quoter_set = read_bytes(r, "quoter", s->quoter, 20);
    s->executor_set = read_bytes(r, "executor", s->executor, 20);
    s->hash_set = read_bytes(r, "executor_code_hash", s->executor_hash, 32);
    read_flag(r, "liquidation_enabled", &s->liquidation);
    read_flag(r, "aggressive_mode", &s->aggressive);
    read_flag(r, "check_tokens", &s->check_tokens);
    read_u32(r, "tick_unit", &unit);
    s->tick_unit = (int32_t)unit;
    read_u32(r, "cooldown_blocks", &s->cooldown_blocks);
    read_u32(r, "min_edge_ppm", &s->min_edge_ppm);
    read_u32(r, "simulation_slippage_ppm", &s->net_slippage_ppm);
    read_u64(r, "chain_id", &s->chain_id);
    read_u64(r, "executor_code_size", &s->executor_size);
    read_u64(r, "pools_from_block", &s->from_block);
    read_u64(r, "gas_units", &s->gas_units);
    read_u64(r, "tip_wei", &s->tip_wei);
    read_u64(r, "deadline_s", &s->deadline_s);
    read_u64(r, "whole_block_ms", &s->whole_block_ms);
    read_amount(r, "min_profit", &s->min_profit);
    read_amount(r, "sweep_min", &s->sweep_min);
    read_rules(r, &s->rules);
    s->interval_ns = s->rules.interval_ns;
}

static int32_t bad_setting(struct arb *a, const struct reader *r)
{
    char text[160];
    (void)snprintf(text, sizeof(text), "settings.%s cannot be taken", r->bad ? r->bad : "*");
    return hawse_fail(
        a->host, a->self, HAWSE_E_FORMAT, text,
        "addresses have 40 digits, ids and hashes 64 (spot_pool: an id with the "
        "spot_kind balancer-v2, an address with balancer-v3); amounts are texts of whole "
        "sDAI above 0, such as \"0.01\", and lists of them begin with the smallest");
}

int32_t settings_read(struct arb *a, hawse_view_t config)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    struct reader r = {.doc = &doc, .root = &root, .good = true};
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    if (!text)
        return HAWSE_E_NOMEM;
    memcpy(text, config.data, config.len);
    defaults(&a->set);
    if (hawse_json_index(&doc, text, config.len, a->marks, ARB_MARKS) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK)
        refuse(&r, NULL);
    else
        read_all(&r, &a->set);
    free(text);
    if (r.good && a->set.hash_set && !a->set.executor_set)
        return hawse_fail(a->host, a->self, HAWSE_E_INVAL,
                          "executor_code_hash is set, and executor is not",
                          "set \"executor\" to the address that chains.CHAIN.tx.executor has");
    return r.good ? HAWSE_OK : bad_setting(a, &r);
}
