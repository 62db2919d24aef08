/*
 * Access lists, authorizations, versioned hashes and signatures of transactions; see hawse/tx.h.
 */
#include "tx_list.h"

#include <hawse/keccak.h>
#include <hawse/u256.h>

#include <string.h>

/* The order of secp256k1 and its half, rounded down (SEC 2, section 2.4.1). */
static const hawse_u256_t order = {
    {0xbfd25e8cd0364141u, 0xbaaedce6af48a03bu, 0xfffffffffffffffeu, 0xffffffffffffffffu}};
static const hawse_u256_t half_order = {
    {0xdfe92f46681b20a0u, 0x5d576e7357a4501du, 0xffffffffffffffffu, 0x7fffffffffffffffu}};

const char *hawse_tx_fault_text(uint32_t fault)
{
#define FAULT_TEXT(number, name, meaning) [number] = meaning,
    static const char *const texts[] = {HAWSE_TX_FAULTS(FAULT_TEXT)};
    if (fault == 0 || fault >= sizeof(texts) / sizeof(texts[0]))
        return "no fault that is known";
    return texts[fault];
}

int32_t tx_fault(uint32_t *fault, uint32_t number)
{
    if (fault)
        *fault = number;
    return HAWSE_E_INVAL;
}

int32_t hawse_tx_signature_check(const hawse_tx_signature_t *signature, uint32_t *fault)
{
    hawse_u256_t r, s;
    hawse_u256_from_be(signature->r, &r);
    hawse_u256_from_be(signature->s, &s);
    if (hawse_u256_is_zero(&r) || hawse_u256_compare(&r, &order) >= 0 || hawse_u256_is_zero(&s) ||
        hawse_u256_compare(&s, &order) >= 0 || signature->y_parity > 1)
        return tx_fault(fault, HAWSE_TX_FAULT_SIGNATURE);
    if (hawse_u256_compare(&s, &half_order) > 0)
        return tx_fault(fault, HAWSE_TX_FAULT_HIGH_S);
    return HAWSE_OK;
}

/* ---- authorizations ---- */

/* The three fields that are signed. */
static void put_permission(hawse_writer_t *w, const hawse_tx_authorization_t *a)
{
    hawse_rlp_u256(w, &a->chain_id);
    hawse_rlp_bytes(w, a->address, 20);
    hawse_rlp_u64(w, a->nonce);
}

void hawse_tx_authorization_hash(const hawse_tx_authorization_t *a, uint8_t hash[32])
{
    uint8_t bytes[80]; /* 1 + 3 + 33 + 21 + 9 */
    hawse_writer_t w = hawse_writer(bytes, sizeof(bytes));
    hawse_writer_fill(&w, 0x05, 1);
    uint64_t list = hawse_rlp_list_begin(&w);
    put_permission(&w, a);
    hawse_rlp_list_end(&w, list);
    hawse_keccak256(bytes, w.len, hash);
}

int32_t hawse_tx_authorization_check(const hawse_tx_authorization_t *a, uint64_t chain_id,
                                     uint32_t *fault)
{
    hawse_u256_t chain = hawse_u256(chain_id);
    if (!hawse_u256_is_zero(&a->chain_id) && hawse_u256_compare(&a->chain_id, &chain) != 0)
        return tx_fault(fault, HAWSE_TX_FAULT_AUTHORIZATION_CHAIN);
    if (a->nonce == UINT64_MAX)
        return tx_fault(fault, HAWSE_TX_FAULT_NONCE);
    return hawse_tx_signature_check(&a->signature, fault);
}

void tx_put_number(hawse_writer_t *w, const uint8_t bytes[32])
{
    hawse_u256_t n;
    hawse_u256_from_be(bytes, &n);
    hawse_rlp_u256(w, &n);
}

void hawse_tx_authorization_put(hawse_writer_t *w, const hawse_tx_authorization_t *a)
{
    uint64_t list = hawse_rlp_list_begin(w);
    put_permission(w, a);
    hawse_rlp_u64(w, a->signature.y_parity);
    tx_put_number(w, a->signature.r);
    tx_put_number(w, a->signature.s);
    hawse_rlp_list_end(w, list);
}

static int32_t take_number(hawse_rlp_t *r, uint8_t out[32])
{
    hawse_u256_t n;
    int32_t result = hawse_rlp_take_u256(r, &n);
    if (result == HAWSE_OK)
        hawse_u256_to_be(&n, out);
    return result;
}

static int32_t read_authorization(hawse_rlp_t *r, hawse_tx_authorization_t *a)
{
    uint64_t parity = 0, begin;
    int32_t result;
    memset(a, 0, sizeof(*a));
    if ((result = hawse_rlp_take_u256(r, &a->chain_id)) != HAWSE_OK ||
        (result = hawse_rlp_take_fixed(r, a->address, 20)) != HAWSE_OK ||
        (result = hawse_rlp_take_u64(r, &a->nonce)) != HAWSE_OK)
        return result;
    begin = r->at;
    result = hawse_rlp_take_u64(r, &parity);
    if (result == HAWSE_OK && parity > 255) {
        r->at = begin;
        return HAWSE_E_RANGE;
    }
    a->signature.y_parity = (uint32_t)parity;
    if (result != HAWSE_OK || (result = take_number(r, a->signature.r)) != HAWSE_OK ||
        (result = take_number(r, a->signature.s)) != HAWSE_OK)
        return result;
    return hawse_rlp_end(r);
}

/* Opens the next entry. Returns 1, 0 at the end, or an error. */
static int32_t enter(hawse_rlp_t *list, hawse_rlp_t *entry)
{
    if (list->at == list->end)
        return 0;
    int32_t result = hawse_rlp_take_list(list, entry);
    return result == HAWSE_OK ? 1 : result;
}

int32_t hawse_tx_authorization_next(hawse_rlp_t *list, hawse_tx_authorization_t *entry)
{
    hawse_rlp_t inside;
    int32_t result = enter(list, &inside);
    if (result != 1)
        return result;
    result = read_authorization(&inside, entry);
    if (result != HAWSE_OK)
        list->at = inside.at;
    return result == HAWSE_OK ? 1 : result;
}

/* ---- access lists and versioned hashes ---- */

void hawse_tx_blob_hash_put(hawse_writer_t *w, const uint8_t hash[32])
{
    hawse_rlp_bytes(w, hash, 32);
}

void hawse_tx_access_put(hawse_writer_t *w, const uint8_t address[20], const uint8_t *keys,
                         uint64_t count)
{
    uint64_t entry = hawse_rlp_list_begin(w);
    hawse_rlp_bytes(w, address, 20);
    uint64_t list = hawse_rlp_list_begin(w);
    for (uint64_t i = 0; i < count; i++)
        hawse_rlp_bytes(w, keys + 32 * i, 32);
    hawse_rlp_list_end(w, list);
    hawse_rlp_list_end(w, entry);
}

int32_t hawse_tx_blob_hash_next(hawse_rlp_t *list, uint8_t hash[32])
{
    if (list->at == list->end)
        return 0;
    int32_t result = hawse_rlp_take_fixed(list, hash, 32);
    return result == HAWSE_OK ? 1 : result;
}

static int32_t read_access(hawse_rlp_t *r, hawse_tx_access_t *entry)
{
    uint8_t bytes[32];
    hawse_rlp_t keys;
    int32_t result = hawse_rlp_take_fixed(r, bytes, 20);
    if (result != HAWSE_OK)
        return result;
    entry->address = r->data + r->at - 20;
    result = hawse_rlp_take_list(r, &keys);
    if (result == HAWSE_OK)
        result = hawse_rlp_end(r);
    if (result != HAWSE_OK)
        return result;
    entry->keys = keys.data + keys.at;
    entry->key_count = 0;
    while ((result = hawse_tx_blob_hash_next(&keys, bytes)) == 1) /* of the same form */
        entry->key_count++;
    r->at = keys.at;
    return result;
}

int32_t hawse_tx_access_next(hawse_rlp_t *list, hawse_tx_access_t *entry)
{
    hawse_rlp_t inside;
    int32_t result = enter(list, &inside);
    if (result != 1)
        return result;
    result = read_access(&inside, entry);
    if (result != HAWSE_OK)
        list->at = inside.at;
    return result == HAWSE_OK ? 1 : result;
}

int32_t tx_access_check(hawse_rlp_t *r)
{
    hawse_tx_access_t entry;
    int32_t more;
    while ((more = hawse_tx_access_next(r, &entry)) == 1)
        continue;
    return more;
}

int32_t tx_authorizations_check(hawse_rlp_t *r)
{
    hawse_tx_authorization_t entry;
    int32_t more;
    while ((more = hawse_tx_authorization_next(r, &entry)) == 1)
        continue;
    return more;
}

int32_t tx_blob_hashes_check(hawse_rlp_t *r)
{
    uint8_t hash[32];
    int32_t more;
    while ((more = hawse_tx_blob_hash_next(r, hash)) == 1)
        continue;
    return more;
}
