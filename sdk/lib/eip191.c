/*
 * Signed messages; see hawse/eip191.h.
 */
#include <hawse/eip191.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>

#include <string.h>

void hawse_eip191_digest(const uint8_t *message, uint64_t len, uint8_t digest[32])
{
    static const char prefix[] = "\x19"
                                 "Ethereum Signed Message:\n";
    char digits[HAWSE_U256_DECIMAL_MAX];
    hawse_u256_t n = hawse_u256(len);
    hawse_keccak_t k;
    hawse_keccak_init(&k);
    hawse_keccak_update(&k, (const uint8_t *)prefix, sizeof(prefix) - 1);
    hawse_keccak_update(&k, (const uint8_t *)digits, hawse_u256_decimal(&n, digits));
    hawse_keccak_update(&k, message, len);
    hawse_keccak_final(&k, digest);
}

void hawse_flashbots_digest(const uint8_t *body, uint64_t len, uint8_t digest[32])
{
    uint8_t hash[32];
    char text[66] = "0x";
    hawse_keccak256(body, len, hash);
    hawse_hex_encode(hash, 32, text + 2);
    hawse_eip191_digest((const uint8_t *)text, sizeof(text), digest);
}
