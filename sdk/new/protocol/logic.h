/*
 * What the contract's events mean, apart from any chain: a log in, a record out. test.c tries it
 * without a host.
 */
#ifndef LOGIC_H
#define LOGIC_H

#include <hawse/space/evm.h>
#include <hawse/space/market.h>

/* The first topic of Sync(uint112,uint112), which pairs of the Uniswap v2 kind emit. */
extern const uint8_t sync_topic[32];

/* A log with its data, `len` bytes in all. 1: the pair's reserves are in *state; 0: another event;
 * HAWSE_E_FORMAT: it says that it is one, but is not. */
int32_t read_sync(const hawse_evm_log_t *log, uint64_t len, hawse_market_pool_state_t *state);

#endif
