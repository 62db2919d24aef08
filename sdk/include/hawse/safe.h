/*
 * Transactions of a Safe (formerly Gnosis Safe), 1.0 to 1.5: the hash that its owners sign, and
 * batches for its MultiSend contracts. Calls of the contract itself, such as execTransaction, are
 * encoded like any other: see hawse/abi_codec.h.
 *
 * Every function is [any], allocates nothing and keeps nothing.
 *
 * Sources: safe-smart-account 1.3.0, 1.4.1 and 1.5.0: encodeTransactionData, domainSeparator,
 * MultiSend.
 */
#ifndef HAWSE_SAFE_H
#define HAWSE_SAFE_H

#include <hawse/types.h>
#include <hawse/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SAFE_CALL         0u
#define HAWSE_SAFE_DELEGATECALL 1u

/* What the owners agree to. Amounts in wei or the smallest unit of gas_token. */
typedef struct hawse_safe_tx {
    uint8_t to[20];
    uint32_t operation; /* HAWSE_SAFE_CALL or HAWSE_SAFE_DELEGATECALL */
    hawse_u256_t value;
    hawse_view_t data;
    hawse_u256_t safe_tx_gas; /* 0 with gas_price 0: a failure inside reverts the whole; otherwise
                                 it burns the nonce, and the receipt says success all the same */
    hawse_u256_t base_gas;
    hawse_u256_t gas_price;
    uint8_t gas_token[20];
    uint8_t refund_receiver[20];
    hawse_u256_t nonce; /* of the Safe, not of whoever sends it */
} hawse_safe_tx_t;

/* The hash that the owners sign, as EIP-712. chain_id NULL: a Safe before 1.3.0, whose domain does
 * not name the chain. HAWSE_E_INVAL: an unknown operation. */
int32_t hawse_safe_hash(const hawse_safe_tx_t *tx, const hawse_u256_t *chain_id,
                        const uint8_t safe[20], uint8_t hash[32]);

/* One call more for multiSend(bytes): a byte of operation, address, value, length and data. */
void hawse_safe_batch_put(hawse_writer_t *w, uint32_t operation, const uint8_t to[20],
                          const hawse_u256_t *value, const uint8_t *data, uint64_t len);

#ifdef __cplusplus
}
#endif
#endif
