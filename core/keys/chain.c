/*
 * CAIP-2 names and what is known of chains; see chain.h.
 *
 * Ids, names and whether a chain is a test network: ethereum-lists/chains (chainid.network), and
 * viem's chain definitions, which say the same. Solana: genesis hashes of the public clusters, as
 * CAIP-2's Solana profile has them. tests/keys compares this table with viem's.
 */
#include "keys/chain.h"

#include <hawse/base58.h>
#include <hawse/types.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct known {
    const char *chain, *name;
    enum chain_class class;
} known[] = {
    {"eip155:1", "Ethereum", CHAIN_MAINNET},
    {"eip155:10", "OP Mainnet", CHAIN_MAINNET},
    {"eip155:56", "BNB Smart Chain", CHAIN_MAINNET},
    {"eip155:100", "Gnosis", CHAIN_MAINNET},
    {"eip155:130", "Unichain", CHAIN_MAINNET},
    {"eip155:137", "Polygon", CHAIN_MAINNET},
    {"eip155:146", "Sonic", CHAIN_MAINNET},
    {"eip155:250", "Fantom", CHAIN_MAINNET},
    {"eip155:324", "ZKsync Era", CHAIN_MAINNET},
    {"eip155:480", "World Chain", CHAIN_MAINNET},
    {"eip155:1101", "Polygon zkEVM", CHAIN_MAINNET},
    {"eip155:5000", "Mantle", CHAIN_MAINNET},
    {"eip155:8453", "Base", CHAIN_MAINNET},
    {"eip155:34443", "Mode Mainnet", CHAIN_MAINNET},
    {"eip155:42161", "Arbitrum One", CHAIN_MAINNET},
    {"eip155:42170", "Arbitrum Nova", CHAIN_MAINNET},
    {"eip155:42220", "Celo", CHAIN_MAINNET},
    {"eip155:43114", "Avalanche", CHAIN_MAINNET},
    {"eip155:59144", "Linea Mainnet", CHAIN_MAINNET},
    {"eip155:80094", "Berachain", CHAIN_MAINNET},
    {"eip155:81457", "Blast", CHAIN_MAINNET},
    {"eip155:534352", "Scroll", CHAIN_MAINNET},
    {"eip155:7777777", "Zora", CHAIN_MAINNET},
    {"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "Solana Mainnet", CHAIN_MAINNET},
    {"eip155:97", "BNB Smart Chain Testnet", CHAIN_TESTNET},
    {"eip155:1301", "Unichain Sepolia", CHAIN_TESTNET},
    {"eip155:1337", "Localhost", CHAIN_TESTNET},
    {"eip155:5003", "Mantle Sepolia Testnet", CHAIN_TESTNET},
    {"eip155:10200", "Gnosis Chiado", CHAIN_TESTNET},
    {"eip155:17000", "Holesky", CHAIN_TESTNET},
    {"eip155:31337", "Hardhat", CHAIN_TESTNET},
    {"eip155:43113", "Avalanche Fuji", CHAIN_TESTNET},
    {"eip155:59141", "Linea Sepolia Testnet", CHAIN_TESTNET},
    {"eip155:80002", "Polygon Amoy", CHAIN_TESTNET},
    {"eip155:84532", "Base Sepolia", CHAIN_TESTNET},
    {"eip155:421614", "Arbitrum Sepolia", CHAIN_TESTNET},
    {"eip155:534351", "Scroll Sepolia", CHAIN_TESTNET},
    {"eip155:560048", "Hoodi", CHAIN_TESTNET},
    {"eip155:11142220", "Celo Sepolia Testnet", CHAIN_TESTNET},
    {"eip155:11155111", "Sepolia", CHAIN_TESTNET},
    {"eip155:11155420", "OP Sepolia", CHAIN_TESTNET},
    {"solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "Solana Devnet", CHAIN_TESTNET},
    {"solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z", "Solana Testnet", CHAIN_TESTNET},
};

static const struct {
    const char *word, *chain;
} words[] = {
    {"solana:mainnet", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"},
    {"solana:devnet", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"},
    {"solana:testnet", "solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"},
};

static const char EVM[] = "eip155:", SOLANA[] = "solana:";
enum { PREFIX = 7, REFERENCE = 32 }; /* both families have seven characters with the colon */

struct chain chain_evm(uint64_t id)
{
    struct chain chain = {""};
    if (id > 0)
        (void)snprintf(chain.text, sizeof(chain.text), "%s%" PRIu64, EVM, id);
    return chain;
}

struct chain chain_solana(const uint8_t genesis[32])
{
    struct chain chain = {""};
    char digits[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(genesis, digits);
    (void)snprintf(chain.text, sizeof(chain.text), "%s%.*s", SOLANA, REFERENCE, digits);
    return chain;
}

/* Decimal digits of a number from 1 to 2^64 - 1, without a leading zero. */
static bool read_id(const char *text, uint64_t *id)
{
    uint64_t n = 0;
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 20 || text[len] != '\0' || text[0] == '0')
        return false;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *id = n;
    return true;
}

static bool is_cluster(const char *text)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    return strncmp(text, SOLANA, PREFIX) == 0 && strlen(text) == PREFIX + REFERENCE &&
           strspn(text + PREFIX, digits) == REFERENCE;
}

int32_t chain_parse(const char *text, const char *where, struct chain *out, struct fault *fault)
{
    uint64_t id = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].word, text) == 0)
            text = words[i].chain;
    }
    if (read_id(text, &id) || (strncmp(text, EVM, PREFIX) == 0 && read_id(text + PREFIX, &id))) {
        *out = chain_evm(id);
        return HAWSE_OK;
    }
    if (is_cluster(text)) {
        (void)snprintf(out->text, sizeof(out->text), "%s", text);
        return HAWSE_OK;
    }
    (void)fault_set(fault, HAWSE_E_FORMAT, "%s: \"%.64s\" names no chain", where, text);
    fault_hint(fault, "write an EVM chain id (137), solana:mainnet, solana:devnet, solana:testnet, "
                      "or a CAIP-2 name (eip155:137)");
    return HAWSE_E_FORMAT;
}

bool chain_is_none(const struct chain *chain)
{
    return chain->text[0] == '\0';
}

bool chain_equal(const struct chain *a, const struct chain *b)
{
    return strcmp(a->text, b->text) == 0;
}

static const struct known *find(const struct chain *chain)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].chain, chain->text) == 0)
            return &known[i];
    }
    return NULL;
}

enum chain_class chain_class(const struct chain *chain)
{
    const struct known *k = find(chain);
    return k ? k->class : CHAIN_UNKNOWN;
}

const char *chain_name(const struct chain *chain)
{
    const struct known *k = find(chain);
    return k ? k->name : "";
}
