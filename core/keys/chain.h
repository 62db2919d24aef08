/*
 * The chain that a signature is for, by its CAIP-2 name ("eip155:137", "solana:5eykt4Us..."), and
 * which chains are known to hold real money. What is not known is neither. Constant tables only.
 */
#ifndef CORE_KEYS_CHAIN_H
#define CORE_KEYS_CHAIN_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHAIN_TEXT = 48 };

/* A CAIP-2 name with its NUL; "" = bound to no chain. Plain data. */
struct chain {
    char text[CHAIN_TEXT];
};

enum chain_class {
    CHAIN_UNKNOWN,
    CHAIN_MAINNET, /* known to hold real money */
    CHAIN_TESTNET, /* known to hold none: a public test network, or a development node */
};

/* An EVM chain by its EIP-155 id; 0 gives no chain. */
struct chain chain_evm(uint64_t id);
/* A Solana cluster by its genesis hash: CAIP-2 takes the first 32 digits of its base58. */
struct chain chain_solana(const uint8_t genesis[32]);

/* What an operator writes: a number is an EVM chain id; "solana:mainnet", "solana:devnet" and
 * "solana:testnet" are those clusters; else the CAIP-2 name of one of the two families. `where`
 * begins the fault. HAWSE_E_FORMAT. */
int32_t chain_parse(const char *text, const char *where, struct chain *out, struct fault *fault);

bool chain_is_none(const struct chain *chain);
bool chain_equal(const struct chain *a, const struct chain *b);
enum chain_class chain_class(const struct chain *chain);
/* "Polygon" where it is known, else "". */
const char *chain_name(const struct chain *chain);

#endif
