/*
 * Derived addresses, nonce values and signatures; see hawse/solana/address.h. The only file of the
 * SDK that calls libsodium.
 */
#include <hawse/solana/address.h>
#include <hawse/solana/program.h>
#include <sodium.h>
#include <string.h>

static const char marker[] = "ProgramDerivedAddress";
enum { MARKER = sizeof(marker) - 1 };

/*
 * Adding a point to the neutral element makes libsodium decompress it and nothing more. Its own
 * crypto_core_ed25519_is_valid_point() also demands a canonical encoding and the subgroup of prime
 * order, which holds for one hash in sixteen only: addresses made with it are wrong.
 */
int32_t hawse_solana_on_curve(const uint8_t key[32])
{
    static const uint8_t neutral[32] = {1};
    uint8_t sum[32];
    return crypto_core_ed25519_add(sum, key, neutral) == 0;
}

/* Hashes what all bumps share. */
static int32_t begin(const hawse_view_t *seeds, uint32_t count, uint32_t most,
                     crypto_hash_sha256_state *state)
{
    if (count > most)
        return HAWSE_E_INVAL;
    (void)crypto_hash_sha256_init(state);
    for (uint32_t i = 0; i < count; i++) {
        if (seeds[i].len > HAWSE_SOLANA_SEED_MAX)
            return HAWSE_E_INVAL;
        if (seeds[i].len > 0)
            (void)crypto_hash_sha256_update(state, seeds[i].data, seeds[i].len);
    }
    return HAWSE_OK;
}

static int32_t end(crypto_hash_sha256_state *state, const uint8_t program[32], uint8_t address[32])
{
    uint8_t hash[32];
    (void)crypto_hash_sha256_update(state, program, 32);
    (void)crypto_hash_sha256_update(state, (const uint8_t *)marker, MARKER);
    (void)crypto_hash_sha256_final(state, hash);
    if (hawse_solana_on_curve(hash))
        return HAWSE_E_NOTFOUND;
    memcpy(address, hash, 32);
    return HAWSE_OK;
}

int32_t hawse_solana_create_address(const hawse_view_t *seeds, uint32_t seed_count,
                                    const uint8_t program[32], uint8_t address[32])
{
    crypto_hash_sha256_state state;
    int32_t code = begin(seeds, seed_count, HAWSE_SOLANA_SEEDS_MAX, &state);
    return code == HAWSE_OK ? end(&state, program, address) : code;
}

int32_t hawse_solana_find_address(const hawse_view_t *seeds, uint32_t seed_count,
                                  const uint8_t program[32], uint8_t address[32], uint8_t *bump)
{
    crypto_hash_sha256_state shared;
    int32_t code = begin(seeds, seed_count, HAWSE_SOLANA_SEEDS_MAX - 1, &shared);
    if (code != HAWSE_OK)
        return code;
    for (uint32_t n = 256; n-- > 0;) {
        crypto_hash_sha256_state state = shared;
        *bump = (uint8_t)n;
        (void)crypto_hash_sha256_update(&state, bump, 1);
        if (end(&state, program, address) == HAWSE_OK)
            return HAWSE_OK;
    }
    return HAWSE_E_NOTFOUND;
}

int32_t hawse_solana_address_with_seed(const uint8_t base[32], hawse_view_t seed,
                                       const uint8_t owner[32], uint8_t address[32])
{
    crypto_hash_sha256_state state;
    if (seed.len > HAWSE_SOLANA_SEED_MAX)
        return HAWSE_E_INVAL;
    if (memcmp(owner + 32 - MARKER, marker, MARKER) == 0)
        return HAWSE_E_DENIED;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, base, 32);
    if (seed.len > 0)
        (void)crypto_hash_sha256_update(&state, seed.data, seed.len);
    (void)crypto_hash_sha256_update(&state, owner, 32);
    (void)crypto_hash_sha256_final(&state, address);
    return HAWSE_OK;
}

int32_t hawse_solana_associated_token(const uint8_t wallet[32], const uint8_t token_program[32],
                                      const uint8_t mint[32], uint8_t address[32], uint8_t *bump)
{
    const hawse_view_t seeds[] = {{wallet, 32}, {token_program, 32}, {mint, 32}};
    return hawse_solana_find_address(seeds, 3, hawse_solana_associated_token_program, address,
                                     bump);
}

int32_t hawse_solana_table_address(const uint8_t authority[32], uint64_t slot, uint8_t address[32],
                                   uint8_t *bump)
{
    const hawse_view_t seeds[] = {{authority, 32}, {(const uint8_t *)&slot, sizeof(slot)}};
    return hawse_solana_find_address(seeds, 2, hawse_solana_lookup_table_program, address, bump);
}

void hawse_solana_nonce_value(const uint8_t blockhash[32], uint8_t value[32])
{
    static const char prefix[] = "DURABLE_NONCE";
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, (const uint8_t *)prefix, sizeof(prefix) - 1);
    (void)crypto_hash_sha256_update(&state, blockhash, 32);
    (void)crypto_hash_sha256_final(&state, value);
}

int32_t hawse_solana_tx_verify(const hawse_solana_tx_t *tx, uint32_t *bad)
{
    const hawse_view_t *message = &tx->message.bytes;
    for (uint32_t i = 0; i < tx->signature_count; i++) {
        if (crypto_sign_verify_detached(tx->signatures + 64ull * i, message->data, message->len,
                                        tx->message.keys + 32ull * i) == 0)
            continue;
        if (bad)
            *bad = i;
        return HAWSE_E_INVAL;
    }
    return HAWSE_OK;
}
