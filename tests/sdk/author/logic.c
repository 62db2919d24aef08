/* Reads the logs of a Uniswap-v2-style pair; see logic.h. */
#include "logic.h"

#include <hawse/contract.h>
#include <hawse/u256.h>
#include <string.h>

/* UniswapV2Pair.sol */
const char *const declarations[EVENTS] = {
    "event Swap(address indexed sender, uint amount0In, uint amount1In, uint amount0Out, "
    "uint amount1Out, address indexed to)",
    "event Sync(uint112 reserve0, uint112 reserve1)",
};

static void read_swap(const hawse_evm_log_t *log, const uint8_t *data, struct told *told)
{
    hawse_market_trade_t *t = &told->record.trade;
    hawse_u256_t in[2], out[2];
    for (int i = 0; i < 2; i++) {
        hawse_u256_from_be(data + 32 * i, &in[i]);
        hawse_u256_from_be(data + 64 + 32 * i, &out[i]);
    }
    told->kind = HAWSE_MARKET_TRADE;
    told->stream = HAWSE_MARKET_STREAM_TRADES;
    told->len = t->size = sizeof(*t);
    (void)hawse_u256_sub(&in[0], &out[0], &t->amount0); /* received less paid: two's complement */
    (void)hawse_u256_sub(&in[1], &out[1], &t->amount1);
    t->side = hawse_i256_is_negative(&t->amount0) ? HAWSE_SIDE_BUY : HAWSE_SIDE_SELL;
    memcpy(t->market + 12, log->address, 20);
    memcpy(t->sender, log->topics[1], 32);
    memcpy(t->recipient, log->topics[2], 32);
    hawse_market_origin(log, &t->origin);
}

static void read_sync(const hawse_evm_log_t *log, const uint8_t *data, struct told *told)
{
    hawse_market_pool_state_t *s = &told->record.state;
    told->kind = HAWSE_MARKET_POOL_STATE;
    told->stream = HAWSE_MARKET_STREAM_STATES;
    told->len = s->size = sizeof(*s);
    s->pool_kind = HAWSE_POOL_PRODUCT;
    s->fee_ppm = 3000;
    memcpy(s->market + 12, log->address, 20);
    hawse_u256_from_be(data, &s->reserve0);
    hawse_u256_from_be(data + 32, &s->reserve1);
    hawse_market_origin(log, &s->origin);
}

void read_log(int32_t event, const hawse_evm_log_t *log, const uint8_t *data, struct told *told)
{
    if (event == 0)
        read_swap(log, data, told);
    else
        read_sync(log, data, told);
}
