/*
 * Transactions from their bytes; see hawse/tx.h. Fields are taken in order; after the first fault
 * nothing is taken any more, and its place and field stay.
 */
#include "tx_list.h"

#include <hawse/u256.h>

#include <string.h>

struct decoder {
    hawse_rlp_t in;
    int32_t error;
    hawse_tx_place_t place;
};

static void fail(struct decoder *d, const char *field, uint64_t at, int32_t code)
{
    if (d->error != HAWSE_OK)
        return;
    d->error = code;
    d->place.at = at;
    d->place.field = field;
}

/* Takes note of how taking a field ended. */
static void took(struct decoder *d, const char *field, int32_t result)
{
    if (result != HAWSE_OK)
        fail(d, field, d->in.at, result);
}

static void take_u64(struct decoder *d, const char *field, uint64_t *out)
{
    if (d->error == HAWSE_OK)
        took(d, field, hawse_rlp_take_u64(&d->in, out));
}

static void take_u256(struct decoder *d, const char *field, hawse_u256_t *out)
{
    if (d->error == HAWSE_OK)
        took(d, field, hawse_rlp_take_u256(&d->in, out));
}

static void take_list(struct decoder *d, const char *field, int32_t (*check)(hawse_rlp_t *r),
                      hawse_view_t *out)
{
    hawse_rlp_t list;
    if (d->error != HAWSE_OK)
        return;
    took(d, field, hawse_rlp_take_list(&d->in, &list));
    if (d->error != HAWSE_OK)
        return;
    out->data = list.data + list.at;
    out->len = list.end - list.at;
    int32_t result = check(&list);
    if (result != HAWSE_OK)
        fail(d, field, list.at, result);
}

static void take_destination(struct decoder *d, hawse_tx_t *tx)
{
    hawse_view_t to;
    uint64_t begin = d->in.at;
    if (d->error != HAWSE_OK)
        return;
    took(d, "to", hawse_rlp_take_bytes(&d->in, &to));
    if (d->error != HAWSE_OK)
        return;
    if (to.len == 20)
        memcpy(tx->to, to.data, 20);
    else if (to.len == 0 && tx->type < HAWSE_TX_BLOB)
        tx->create = 1;
    else
        fail(d, "to", begin, HAWSE_E_FORMAT);
}

static void take_data(struct decoder *d, hawse_tx_t *tx)
{
    if (d->error == HAWSE_OK)
        took(d, "data", hawse_rlp_take_bytes(&d->in, &tx->data));
}

/* ---- signatures ---- */

static void take_r_s(struct decoder *d, hawse_tx_signature_t *signature, uint64_t begin)
{
    hawse_u256_t r = hawse_u256(0), s = hawse_u256(0);
    take_u256(d, "r", &r);
    take_u256(d, "s", &s);
    hawse_u256_to_be(&r, signature->r);
    hawse_u256_to_be(&s, signature->s);
    if (d->error == HAWSE_OK && hawse_tx_signature_check(signature, NULL) != HAWSE_OK)
        fail(d, "signature", begin, HAWSE_E_FORMAT);
}

/* v: 27 or 28, or 35 + 2 * chain_id + parity. */
static void take_v(struct decoder *d, hawse_tx_t *tx, hawse_tx_signature_t *signature)
{
    hawse_u256_t v = hawse_u256(0), rest = hawse_u256(35), chain;
    uint64_t begin = d->in.at;
    take_u256(d, "v", &v);
    if (d->error != HAWSE_OK)
        return;
    if (hawse_u256_sub(&v, &rest, &chain) != 0) { /* below 35 */
        if (v.limb[0] != 27 && v.limb[0] != 28)
            fail(d, "v", begin, HAWSE_E_FORMAT);
        signature->y_parity = v.limb[0] == 28;
        return;
    }
    signature->y_parity = chain.limb[0] & 1;
    hawse_u256_shift_right(&chain, 1, &chain);
    if (hawse_u256_to_u64(&chain, &tx->chain_id) != HAWSE_OK)
        fail(d, "v", begin, HAWSE_E_RANGE);
    else if (tx->chain_id == 0) /* which means "no chain" to us, and is no chain's number */
        fail(d, "v", begin, HAWSE_E_FORMAT);
}

/* Behind the fields of EIP-155 that is to be signed: the chain, 0, 0. */
static void take_unsigned_chain(struct decoder *d, hawse_tx_t *tx)
{
    uint64_t zero = 0, begin = d->in.at;
    if (d->error != HAWSE_OK || d->in.at == d->in.end)
        return;
    take_u64(d, "chain_id", &tx->chain_id);
    if (d->error == HAWSE_OK && tx->chain_id == 0)
        fail(d, "chain_id", begin, HAWSE_E_FORMAT);
    for (int i = 0; i < 2; i++) {
        const char *field = i ? "s" : "r";
        begin = d->in.at;
        take_u64(d, field, &zero);
        if (d->error == HAWSE_OK && zero != 0)
            fail(d, field, begin, HAWSE_E_FORMAT);
    }
}

static void take_parity(struct decoder *d, hawse_tx_signature_t *signature)
{
    uint64_t parity = 0, begin = d->in.at;
    take_u64(d, "y_parity", &parity);
    if (parity > 1)
        fail(d, "y_parity", begin, HAWSE_E_FORMAT);
    signature->y_parity = (uint32_t)(parity & 1);
}

/* ---- the whole ---- */

static void take_fields(struct decoder *d, hawse_tx_t *tx)
{
    if (tx->type != HAWSE_TX_LEGACY)
        take_u64(d, "chain_id", &tx->chain_id);
    take_u64(d, "nonce", &tx->nonce);
    if (tx->type >= HAWSE_TX_DYNAMIC_FEE)
        take_u256(d, "max_priority_fee", &tx->max_priority_fee);
    take_u256(d, tx->type >= HAWSE_TX_DYNAMIC_FEE ? "max_fee" : "gas_price", &tx->max_fee);
    take_u64(d, "gas_limit", &tx->gas_limit);
    take_destination(d, tx);
    take_u256(d, "value", &tx->value);
    take_data(d, tx);
    if (tx->type != HAWSE_TX_LEGACY)
        take_list(d, "access_list", tx_access_check, &tx->access_list);
    if (tx->type == HAWSE_TX_BLOB) {
        take_u256(d, "max_blob_fee", &tx->max_blob_fee);
        take_list(d, "blob_hashes", tx_blob_hashes_check, &tx->blob_hashes);
    }
    if (tx->type == HAWSE_TX_SET_CODE)
        take_list(d, "authorizations", tx_authorizations_check, &tx->authorizations);
}

/* The type, and the list of fields. */
static void open_envelope(struct decoder *d, hawse_tx_t *tx)
{
    if (d->in.end == 0) {
        fail(d, "type", 0, HAWSE_E_RANGE);
        return;
    }
    uint8_t first = d->in.data[0];
    if (first < 0xc0) {
        if (first < HAWSE_TX_ACCESS_LIST || first > HAWSE_TX_SET_CODE) {
            fail(d, "type", 0, HAWSE_E_UNSUPPORTED);
            return;
        }
        tx->type = first;
        d->in.at = 1;
    }
    hawse_rlp_t fields;
    took(d, "fields", hawse_rlp_take_list(&d->in, &fields));
    if (d->error != HAWSE_OK)
        return;
    took(d, "end", hawse_rlp_end(&d->in));
    d->in = fields;
}

int32_t hawse_tx_decode(const uint8_t *data, uint64_t len, hawse_tx_t *tx,
                        hawse_tx_signature_t *signature, hawse_tx_place_t *place)
{
    struct decoder d = {.in = hawse_rlp(data, len)};
    memset(tx, 0, sizeof(*tx));
    if (signature)
        memset(signature, 0, sizeof(*signature));
    open_envelope(&d, tx);
    take_fields(&d, tx);
    uint64_t begin = d.in.at;
    if (signature && tx->type == HAWSE_TX_LEGACY)
        take_v(&d, tx, signature);
    else if (signature)
        take_parity(&d, signature);
    else if (tx->type == HAWSE_TX_LEGACY)
        take_unsigned_chain(&d, tx);
    if (signature)
        take_r_s(&d, signature, begin);
    if (d.error == HAWSE_OK)
        took(&d, "end", hawse_rlp_end(&d.in));
    if (d.error != HAWSE_OK && place)
        *place = d.place;
    return d.error;
}
