/*
 * Addresses that follow from others; see hawse/address.h.
 */
#include <hawse/address.h>
#include <hawse/keccak.h>
#include <hawse/rlp.h>

#include <string.h>

/* The last 20 bytes of the hash of `data`. */
static void hash_to_address(const uint8_t *data, uint64_t len, uint8_t out[20])
{
    uint8_t hash[32];
    hawse_keccak256(data, len, hash);
    memcpy(out, hash + 12, 20);
}

void hawse_address_create(const uint8_t sender[20], uint64_t nonce, uint8_t out[20])
{
    uint8_t bytes[32]; /* 1 + 21 + 9 */
    hawse_writer_t w = hawse_writer(bytes, sizeof(bytes));
    uint64_t list = hawse_rlp_list_begin(&w);
    hawse_rlp_bytes(&w, sender, 20);
    hawse_rlp_u64(&w, nonce);
    hawse_rlp_list_end(&w, list);
    hash_to_address(bytes, w.len, out);
}

void hawse_address_create2(const uint8_t deployer[20], const uint8_t salt[32],
                           const uint8_t init_code_hash[32], uint8_t out[20])
{
    uint8_t bytes[85] = {0xff};
    memcpy(bytes + 1, deployer, 20);
    memcpy(bytes + 21, salt, 32);
    memcpy(bytes + 53, init_code_hash, 32);
    hash_to_address(bytes, sizeof(bytes), out);
}

int32_t hawse_address_delegation(const uint8_t *code, uint64_t len, uint8_t out[20])
{
    static const uint8_t mark[3] = {0xef, 0x01, 0x00};
    if (len != 23 || memcmp(code, mark, 3) != 0)
        return 0;
    memcpy(out, code + 3, 20);
    return 1;
}

void hawse_address_of_key(const uint8_t key[64], uint8_t out[20])
{
    hash_to_address(key, 64, out);
}
