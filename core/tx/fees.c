/* The fee market; see fees.h. */
#include "tx/fees.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <stdlib.h>

enum { MARKS = 4096, TREND_FAST = 20, TREND_SLOW = 100, TREND_SHIFT = 16 };

static uint64_t add_to(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

uint64_t fees_next_base(uint64_t base_fee, uint64_t gas_used, uint64_t gas_limit,
                        uint64_t denominator)
{
    uint64_t target = gas_limit / 2;
    if (target == 0 || denominator == 0 || gas_used == target)
        return base_fee;
    uint64_t off = gas_used > target ? gas_used - target : target - gas_used;
    unsigned __int128 part = (unsigned __int128)base_fee * off / target / denominator;
    uint64_t delta = part > UINT64_MAX ? UINT64_MAX : (uint64_t)part;
    if (gas_used > target)
        return add_to(base_fee, larger(delta, 1));
    return delta > base_fee ? 0 : base_fee - delta;
}

/* ---- eth_feeHistory ---- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int32_t read_fee(const hawse_json_value_t *value, uint64_t *out)
{
    if (value->kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    return hawse_hex_u64(value->data, value->len, out);
}

/* A ratio between 0 and 1 as JSON has it: is it 0, is it above 9/10? */
static int32_t read_ratio(const hawse_json_value_t *value, bool *empty, bool *full)
{
    char text[32];
    char *end = NULL;
    if (value->kind != HAWSE_JSON_NUMBER || value->len >= sizeof(text))
        return HAWSE_E_FORMAT;
    for (uint32_t i = 0; i < value->len; i++)
        text[i] = (char)value->data[i];
    text[value->len] = '\0';
    double ratio = strtod(text, &end);
    if (end != text + value->len || !(ratio >= 0 && ratio <= 1.0001))
        return HAWSE_E_FORMAT;
    *empty = ratio <= 0;
    *full = ratio > 0.9;
    return HAWSE_OK;
}

/* One more than blocks: the last is that of the next. */
static int32_t read_bases(const hawse_json_t *doc, hawse_json_value_t *root,
                          struct fees_history *out)
{
    hawse_json_value_t list, item;
    int32_t code = hawse_json_get(doc, root, "baseFeePerGas", &list);
    if (code != HAWSE_OK || list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    uint32_t count = 0;
    while ((code = hawse_json_next(doc, &list, NULL, &item)) == 1) {
        out->newest_at = out->base_fee;
        code = read_fee(&item, &out->base_fee);
        if (code != HAWSE_OK)
            return code;
        if (++count > FEES_BLOCKS_MAX + 1)
            return HAWSE_E_FORMAT;
    }
    if (code < 0 || count < 2)
        return HAWSE_E_FORMAT;
    out->blocks = count - 1;
    return HAWSE_OK;
}

static int32_t read_ratios(const hawse_json_t *doc, hawse_json_value_t *root,
                           struct fees_history *out, bool empty[FEES_BLOCKS_MAX])
{
    hawse_json_value_t list, item;
    bool full = false;
    int32_t code = hawse_json_get(doc, root, "gasUsedRatio", &list);
    if (code != HAWSE_OK || list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    for (uint32_t i = 0; i < out->blocks; i++) {
        if (hawse_json_next(doc, &list, NULL, &item) != 1 ||
            read_ratio(&item, &empty[i], &full) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        out->full += full;
    }
    return HAWSE_OK;
}

/* Blocks without transactions say 0, which is nobody's price. */
static int32_t read_tips(const hawse_json_t *doc, hawse_json_value_t *root,
                         struct fees_history *out, const bool empty[FEES_BLOCKS_MAX])
{
    hawse_json_value_t list, block, tip;
    uint64_t tips[FEES_BLOCKS_MAX];
    uint32_t count = 0;
    if (hawse_json_get(doc, root, "reward", &list) != HAWSE_OK || list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    for (uint32_t i = 0; i < out->blocks; i++) {
        if (hawse_json_next(doc, &list, NULL, &block) != 1 || block.kind != HAWSE_JSON_ARRAY ||
            hawse_json_next(doc, &block, NULL, &tip) != 1)
            return HAWSE_E_FORMAT;
        int32_t code = read_fee(&tip, &tips[count]);
        if (code != HAWSE_OK)
            return code;
        count += !empty[i];
    }
    if (count == 0)
        return HAWSE_OK;
    qsort(tips, count, sizeof(tips[0]), by_size);
    uint64_t low = tips[(count - 1) / 2], high = tips[count / 2];
    out->tip = low + (high - low) / 2;
    return HAWSE_OK;
}

int32_t fees_history_read(const uint8_t *text, size_t len, struct fees_history *out)
{
    uint32_t marks[MARKS];
    bool empty[FEES_BLOCKS_MAX] = {false};
    hawse_json_t doc;
    hawse_json_value_t root, oldest;
    *out = (struct fees_history){.blocks = 0};
    if (hawse_json_index(&doc, text, len, marks, MARKS) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK || root.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(&doc, &root, "oldestBlock", &oldest) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    int32_t code = read_fee(&oldest, &out->oldest);
    if (code == HAWSE_OK)
        code = read_bases(&doc, &root, out);
    if (code == HAWSE_OK)
        code = read_ratios(&doc, &root, out, empty);
    if (code == HAWSE_OK)
        code = read_tips(&doc, &root, out, empty);
    return code;
}

/* ---- offers ---- */

struct fees fees_offer(uint64_t base_fee, uint64_t tip, uint64_t tip_floor)
{
    struct fees offer = {.tip = larger(tip, tip_floor)};
    offer.max_fee = add_to(add_to(base_fee, base_fee), offer.tip);
    return offer;
}

/* What a pool asks for at least. */
static uint64_t eighth_more(uint64_t old)
{
    return add_to(old, larger(old / 8 + (old % 8 != 0), 1));
}

bool fees_bump(const struct fees *old, const struct fees *market, uint64_t cap, struct fees *out)
{
    uint64_t fee = eighth_more(old->max_fee), tip = eighth_more(old->tip);
    if (fee > cap || tip > cap)
        return false;
    fee = larger(fee, market->max_fee);
    tip = larger(tip, market->tip);
    fee = larger(fee, tip);
    out->max_fee = fee > cap ? cap : fee;
    out->tip = tip > cap ? cap : tip;
    return true;
}

/* ---- trend ---- */

/* average += (fee - average) / blocks */
static unsigned __int128 drift(unsigned __int128 average, unsigned __int128 fee, uint32_t blocks)
{
    return fee >= average ? average + (fee - average) / blocks : average - (average - fee) / blocks;
}

void fees_trend_add(struct fees_trend *trend, uint64_t base_fee)
{
    unsigned __int128 fee = (unsigned __int128)base_fee << TREND_SHIFT;
    if (trend->blocks == 0) {
        trend->fast = fee;
        trend->slow = fee;
    }
    trend->fast = drift(trend->fast, fee, TREND_FAST);
    trend->slow = drift(trend->slow, fee, TREND_SLOW);
    if (trend->blocks < UINT32_MAX)
        trend->blocks++;
}

uint64_t fees_trend_permille(const struct fees_trend *trend)
{
    unsigned __int128 ratio = trend->slow ? trend->fast * 1000 / trend->slow : 1000;
    return ratio > UINT64_MAX ? UINT64_MAX : (uint64_t)ratio;
}

bool fees_trend_spike(const struct fees_trend *trend)
{
    return trend->blocks >= TREND_FAST && trend->fast * 2 > trend->slow * 3;
}
