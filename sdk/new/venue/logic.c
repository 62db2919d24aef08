/* Reads the messages of a venue; see logic.h. */
#include "logic.h"

#include <hawse/json.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <string.h>

enum { MARKS = 256, DECIMALS = 6 };

/* A member that is a decimal amount as text, "0.505", in units of 10^-6. */
static int32_t amount(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                      hawse_u256_t *out)
{
    hawse_json_value_t value;
    int32_t code = hawse_json_get(doc, object, key, &value);
    return code == HAWSE_OK ? hawse_u256_parse_units(value.data, value.len, DECIMALS, out) : code;
}

static int32_t fill(const hawse_json_t *doc, hawse_json_value_t *root, hawse_market_trade_t *t,
                    uint64_t *time_ms)
{
    hawse_json_value_t market, side, time;
    hawse_u256_t price, size;
    int32_t code = hawse_json_get(doc, root, "market", &market);
    if (code == HAWSE_OK)
        code = amount(doc, root, "price", &price);
    if (code == HAWSE_OK)
        code = amount(doc, root, "size", &size);
    if (code == HAWSE_OK)
        code = hawse_json_get(doc, root, "side", &side);
    if (code == HAWSE_OK)
        code = hawse_json_get(doc, root, "time_ms", &time);
    if (code == HAWSE_OK)
        code = hawse_json_u64(&time, time_ms);
    if (code == HAWSE_OK)
        code = hawse_u256_to_u64(&price, &t->price_mantissa);
    if (code != HAWSE_OK)
        return code;
    t->price_exponent = -DECIMALS;
    t->side = hawse_json_is(&side, "buy") ? HAWSE_SIDE_BUY : HAWSE_SIDE_SELL;
    t->amount0 = size;
    hawse_keccak256(market.data, market.len, t->market); /* 32 bytes that name the market */
    return 1;
}

int32_t read_trade(const uint8_t *text, uint64_t len, hawse_market_trade_t *trade,
                   uint64_t *time_ms)
{
    uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root, type;
    int32_t code = hawse_json_index(&doc, text, len, marks, MARKS);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code != HAWSE_OK)
        return code;
    if (hawse_json_get(&doc, &root, "type", &type) != HAWSE_OK || !hawse_json_is(&type, "trade"))
        return 0;
    memset(trade, 0, sizeof(*trade));
    trade->size = sizeof(*trade);
    return fill(&doc, &root, trade, time_ms);
}
