/*
 * What nodes answer, read strictly: a block's header and a receipt. Nobody vouches for these bytes;
 * what is not exactly of its form is HAWSE_E_FORMAT and counts as no answer. Pure.
 */
#ifndef CORE_TX_ANSWER_H
#define CORE_TX_ANSWER_H

#include "tx/safe.h"

#include <hawse/types.h>
#include <stdbool.h>

struct answer_block {
    uint64_t number, time, gas_limit, gas_used, base_fee;
    uint8_t hash[32], parent[32];
    uint8_t miner[20]; /* zeros = not told */
};

struct answer_receipt {
    uint8_t hash[32]; /* of the transaction */
    uint8_t block_hash[32];
    uint64_t block;
    uint64_t gas_used;
    uint64_t gas_price; /* effective; 0 = not told */
    bool succeeded;
};

/* HAWSE_PADDING readable bytes must follow each text. HAWSE_E_NOTFOUND: null. */
int32_t answer_block(const uint8_t *text, uint64_t len, struct answer_block *out);
int32_t answer_receipt(const uint8_t *text, uint64_t len, struct answer_receipt *out);
/* Of a block with its transactions: the hash of that of `sender` with this nonce. HAWSE_E_NOTFOUND:
 * there is none, or no block. */
int32_t answer_sent_by(const uint8_t *text, uint64_t len, const uint8_t sender[20], uint64_t nonce,
                       uint8_t hash[32]);
/* What a Safe says of one of its transactions, by its logs: in a receipt that answer_receipt took,
 * or in an answer of eth_getLogs. */
struct answer_fate {
    enum safe_end end;
    uint64_t block;       /* of eth_getLogs */
    uint8_t executed[32]; /* of eth_getLogs: the hash of the transaction that did it */
};
/* HAWSE_E_FORMAT: a log that is none. */
int32_t answer_safe(const uint8_t *text, uint64_t len, const struct safe_place *place,
                    const uint8_t hash[32], struct answer_fate *out);
/* A quantity in quotes: counts, balances. */
int32_t answer_u256(const uint8_t *text, uint64_t len, hawse_u256_t *out);
int32_t answer_u64(const uint8_t *text, uint64_t len, uint64_t *out);

#endif
