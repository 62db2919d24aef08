/*
 * What this venue's messages mean, apart from any connection: text in, a record out. test.c tries
 * it without a host.
 */
#ifndef LOGIC_H
#define LOGIC_H

#include <hawse/space/market.h>

/* One message of the venue. 1: it told of a trade, which is in *trade, and its time, UTC
 * milliseconds; 0: it is about something else; negative (HAWSE_E_...): it is no message. Amounts
 * are in units of 10^-6, exact: a finer one is HAWSE_E_RANGE. */
int32_t read_trade(const uint8_t *text, uint64_t len, hawse_market_trade_t *trade,
                   uint64_t *time_ms);

#endif
