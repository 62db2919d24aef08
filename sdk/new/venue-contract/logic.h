/*
 * What the contract's events mean, apart from any chain: a log in, a record out. test.c tries it
 * without a host.
 */
#ifndef LOGIC_H
#define LOGIC_H

#include <hawse/space/evm.h>
#include <hawse/space/market.h>

/* The events that are asked for, as the contract's source declares them. */
enum { EVENTS = 1 };
extern const char *const declarations[EVENTS];

/* What a log told: one record of market/1. */
struct told {
    uint16_t kind;   /* HAWSE_MARKET_...; 0 = nothing */
    uint32_t stream; /* HAWSE_MARKET_STREAM_... */
    uint64_t len;    /* bytes of the record */
    union {
        hawse_market_trade_t trade;
        hawse_market_pool_state_t state;
    } record;
};

/* A log of declarations[event], which has as many topics and at least as much data as that says.
 * *told is all zero but for what is filled in here. The market is the contract's address,
 * left-padded. */
void read_log(int32_t event, const hawse_evm_log_t *log, const uint8_t *data, struct told *told);

#endif
