/* Reads the logs of a sale at fixed prices; see logic.h. */
#include "logic.h"

#include <hawse/contract.h>
#include <hawse/u256.h>
#include <string.h>

/* OpenZeppelin's Crowdsale.sol: wei came in, tokens went out */
const char *const declarations[EVENTS] = {
    "event TokensPurchased(address indexed purchaser, address indexed beneficiary, uint256 value, "
    "uint256 amount)",
};

void read_log(int32_t event, const hawse_evm_log_t *log, const uint8_t *data, struct told *told)
{
    hawse_market_trade_t *t = &told->record.trade;
    hawse_u256_t zero, amount;
    (void)event; /* there is one */
    memset(&zero, 0, sizeof(zero));
    told->kind = HAWSE_MARKET_TRADE;
    told->stream = HAWSE_MARKET_STREAM_TRADES;
    told->len = t->size = sizeof(*t);
    t->side = HAWSE_SIDE_BUY;
    hawse_u256_from_be(data + 32, &amount);
    (void)hawse_u256_sub(&zero, &amount, &t->amount0); /* paid out: negative, two's complement */
    hawse_u256_from_be(data, &t->amount1);
    memcpy(t->market + 12, log->address, 20);
    memcpy(t->sender, log->topics[1], 32);
    memcpy(t->recipient, log->topics[2], 32);
    hawse_market_origin(log, &t->origin);
}
