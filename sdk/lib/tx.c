/*
 * Encoding and rules of transactions; see hawse/tx.h. Decoding is in tx_decode.c, lists are in
 * tx_list.c.
 */
#include "abi_value.h"
#include "tx_list.h"

#include <hawse/keccak.h>
#include <hawse/u256.h>

#include <string.h>

/* ---- rules ---- */

/* Are the fields that a type does not have 0 and empty? */
static int fields_fit(const hawse_tx_t *tx)
{
    if (tx->create > 1 || (tx->create && !abi_is_zero(tx->to, 20)))
        return 0;
    if (tx->type < HAWSE_TX_DYNAMIC_FEE && !hawse_u256_is_zero(&tx->max_priority_fee))
        return 0;
    if (tx->type < HAWSE_TX_ACCESS_LIST && tx->access_list.len > 0)
        return 0;
    if (tx->type != HAWSE_TX_SET_CODE && tx->authorizations.len > 0)
        return 0;
    return tx->type == HAWSE_TX_BLOB ||
           (tx->blob_hashes.len == 0 && hawse_u256_is_zero(&tx->max_blob_fee));
}

static int lists_are_formed(const hawse_tx_t *tx)
{
    hawse_rlp_t access = hawse_rlp(tx->access_list.data, tx->access_list.len);
    hawse_rlp_t blobs = hawse_rlp(tx->blob_hashes.data, tx->blob_hashes.len);
    hawse_rlp_t authorizations = hawse_rlp(tx->authorizations.data, tx->authorizations.len);
    return tx_access_check(&access) == HAWSE_OK && tx_blob_hashes_check(&blobs) == HAWSE_OK &&
           tx_authorizations_check(&authorizations) == HAWSE_OK;
}

/* What encoding asks for: that nothing is lost and nothing broken is written. */
static int32_t check_form(const hawse_tx_t *tx, uint32_t *fault)
{
    if (tx->type > HAWSE_TX_SET_CODE)
        return tx_fault(fault, HAWSE_TX_FAULT_TYPE);
    if (!fields_fit(tx))
        return tx_fault(fault, HAWSE_TX_FAULT_FIELD);
    if (tx->create && tx->type >= HAWSE_TX_BLOB)
        return tx_fault(fault, HAWSE_TX_FAULT_CREATE);
    if (!lists_are_formed(tx))
        return tx_fault(fault, HAWSE_TX_FAULT_LIST);
    return HAWSE_OK;
}

static int32_t check_blobs(const hawse_tx_t *tx, uint32_t *fault)
{
    uint8_t hash[32];
    hawse_rlp_t list = hawse_rlp(tx->blob_hashes.data, tx->blob_hashes.len);
    if (tx->blob_hashes.len == 0)
        return tx_fault(fault, HAWSE_TX_FAULT_NO_BLOB);
    while (hawse_tx_blob_hash_next(&list, hash) == 1) {
        if (hash[0] != 0x01)
            return tx_fault(fault, HAWSE_TX_FAULT_BLOB_VERSION);
    }
    return HAWSE_OK;
}

int32_t hawse_tx_check(const hawse_tx_t *tx, uint32_t *fault)
{
    uint64_t intrinsic, least;
    int32_t result = check_form(tx, fault);
    if (result != HAWSE_OK)
        return result;
    if (tx->nonce == UINT64_MAX)
        return tx_fault(fault, HAWSE_TX_FAULT_NONCE);
    if (hawse_u256_compare(&tx->max_priority_fee, &tx->max_fee) > 0)
        return tx_fault(fault, HAWSE_TX_FAULT_FEES);
    if (tx->type == HAWSE_TX_SET_CODE && tx->authorizations.len == 0)
        return tx_fault(fault, HAWSE_TX_FAULT_NO_AUTHORIZATION);
    if (tx->type == HAWSE_TX_BLOB && (result = check_blobs(tx, fault)) != HAWSE_OK)
        return result;
    hawse_tx_intrinsic_gas(tx, &intrinsic, &least);
    if (tx->gas_limit < intrinsic || tx->gas_limit < least)
        return tx_fault(fault, HAWSE_TX_FAULT_GAS);
    return HAWSE_OK;
}

/* ---- gas ---- */

enum {
    GAS_BASE = 21000,
    GAS_ZERO_BYTE = 4,
    GAS_BYTE = 16,
    GAS_ADDRESS = 2400,
    GAS_KEY = 1900,
    GAS_AUTHORIZATION = 25000,
    GAS_CREATE = 32000,
    GAS_INIT_WORD = 2,
    GAS_LEAST_TOKEN = 10 /* a zero byte is one token, another byte four */
};

void hawse_tx_intrinsic_gas(const hawse_tx_t *tx, uint64_t *intrinsic, uint64_t *least)
{
    uint64_t zeros = 0;
    for (uint64_t i = 0; i < tx->data.len; i++)
        zeros += tx->data.data[i] == 0;
    uint64_t others = tx->data.len - zeros;
    uint64_t gas = GAS_BASE + GAS_ZERO_BYTE * zeros + GAS_BYTE * others;
    if (tx->create)
        gas += GAS_CREATE + GAS_INIT_WORD * ((tx->data.len + 31) / 32);
    hawse_rlp_t list = hawse_rlp(tx->access_list.data, tx->access_list.len);
    hawse_tx_access_t access;
    while (hawse_tx_access_next(&list, &access) == 1)
        gas += GAS_ADDRESS + GAS_KEY * access.key_count;
    hawse_tx_authorization_t authorization;
    list = hawse_rlp(tx->authorizations.data, tx->authorizations.len);
    while (hawse_tx_authorization_next(&list, &authorization) == 1)
        gas += GAS_AUTHORIZATION;
    if (intrinsic)
        *intrinsic = gas;
    if (least)
        *least = GAS_BASE + GAS_LEAST_TOKEN * (zeros + 4 * others);
}

/* ---- encoding ---- */

static void put_list(hawse_writer_t *w, const hawse_view_t *entries)
{
    uint64_t list = hawse_rlp_list_begin(w);
    hawse_writer_put(w, entries->data, entries->len);
    hawse_rlp_list_end(w, list);
}

/* v of EIP-155: 35 + 2 * chain_id + parity, which may have 66 bits. */
static hawse_u256_t legacy_v(uint64_t chain_id, uint32_t y_parity)
{
    hawse_u256_t twice = hawse_u256_from_u128(chain_id << 1, chain_id >> 63), v;
    hawse_u256_t rest = hawse_u256(35u + y_parity);
    (void)hawse_u256_add(&twice, &rest, &v);
    return v;
}

/* What stands behind the fields of a legacy transaction. */
static void put_legacy_end(hawse_writer_t *w, const hawse_tx_t *tx,
                           const hawse_tx_signature_t *signature)
{
    if (signature) {
        hawse_u256_t v = tx->chain_id ? legacy_v(tx->chain_id, signature->y_parity)
                                      : hawse_u256(27u + signature->y_parity);
        hawse_rlp_u256(w, &v);
    } else if (tx->chain_id) {
        hawse_rlp_u64(w, tx->chain_id);
        hawse_rlp_u64(w, 0);
        hawse_rlp_u64(w, 0);
    }
}

/* What only typed transactions have, up to the signature's parity. */
static void put_typed_end(hawse_writer_t *w, const hawse_tx_t *tx,
                          const hawse_tx_signature_t *signature)
{
    put_list(w, &tx->access_list);
    if (tx->type == HAWSE_TX_BLOB) {
        hawse_rlp_u256(w, &tx->max_blob_fee);
        put_list(w, &tx->blob_hashes);
    }
    if (tx->type == HAWSE_TX_SET_CODE)
        put_list(w, &tx->authorizations);
    if (signature)
        hawse_rlp_u64(w, signature->y_parity);
}

static void put_fields(hawse_writer_t *w, const hawse_tx_t *tx,
                       const hawse_tx_signature_t *signature)
{
    if (tx->type != HAWSE_TX_LEGACY)
        hawse_rlp_u64(w, tx->chain_id);
    hawse_rlp_u64(w, tx->nonce);
    if (tx->type >= HAWSE_TX_DYNAMIC_FEE)
        hawse_rlp_u256(w, &tx->max_priority_fee);
    hawse_rlp_u256(w, &tx->max_fee);
    hawse_rlp_u64(w, tx->gas_limit);
    hawse_rlp_bytes(w, tx->to, tx->create ? 0 : 20);
    hawse_rlp_u256(w, &tx->value);
    hawse_rlp_bytes(w, tx->data.data, tx->data.len);
    if (tx->type == HAWSE_TX_LEGACY)
        put_legacy_end(w, tx, signature);
    else
        put_typed_end(w, tx, signature);
    if (signature) {
        tx_put_number(w, signature->r);
        tx_put_number(w, signature->s);
    }
}

int32_t hawse_tx_encode(const hawse_tx_t *tx, const hawse_tx_signature_t *signature,
                        hawse_writer_t *w, uint8_t *hash, uint32_t *fault)
{
    uint64_t begin = w->len;
    int32_t result = check_form(tx, fault);
    if (result == HAWSE_OK && signature)
        result = hawse_tx_signature_check(signature, fault);
    if (result != HAWSE_OK)
        return result;
    if (tx->type != HAWSE_TX_LEGACY)
        hawse_writer_fill(w, (uint8_t)tx->type, 1);
    uint64_t list = hawse_rlp_list_begin(w);
    put_fields(w, tx, signature);
    hawse_rlp_list_end(w, list);
    result = hawse_writer_end(w);
    if (result == HAWSE_OK && hash)
        hawse_keccak256(w->data + begin, w->len - begin, hash);
    return result;
}
