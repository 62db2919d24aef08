/*
 * Transactions of a Safe; see hawse/safe.h. The schema never changes, so its words are hashed as
 * they are made.
 */
#include <hawse/eip712.h>
#include <hawse/safe.h>
#include <hawse/u256.h>

#include <string.h>

static void put_number(hawse_writer_t *w, const hawse_u256_t *n)
{
    uint8_t word[32];
    hawse_u256_to_be(n, word);
    hawse_writer_put(w, word, 32);
}

static void put_address(hawse_writer_t *w, const uint8_t address[20])
{
    hawse_writer_fill(w, 0, 12);
    hawse_writer_put(w, address, 20);
}

static void put_hash(hawse_writer_t *w, const void *bytes, uint64_t len)
{
    uint8_t hash[32];
    hawse_keccak256(bytes, len, hash);
    hawse_writer_put(w, hash, 32);
}

static void hash_struct(const hawse_safe_tx_t *tx, uint8_t hash[32])
{
    static const char type[] =
        "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,"
        "uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)";
    uint8_t words[11 * 32];
    hawse_u256_t operation = hawse_u256(tx->operation);
    hawse_writer_t w = hawse_writer(words, sizeof(words));
    put_hash(&w, type, sizeof(type) - 1);
    put_address(&w, tx->to);
    put_number(&w, &tx->value);
    put_hash(&w, tx->data.data, tx->data.len);
    put_number(&w, &operation);
    put_number(&w, &tx->safe_tx_gas);
    put_number(&w, &tx->base_gas);
    put_number(&w, &tx->gas_price);
    put_address(&w, tx->gas_token);
    put_address(&w, tx->refund_receiver);
    put_number(&w, &tx->nonce);
    hawse_keccak256(words, w.len, hash);
}

int32_t hawse_safe_hash(const hawse_safe_tx_t *tx, const hawse_u256_t *chain_id,
                        const uint8_t safe[20], uint8_t hash[32])
{
    uint8_t separator[32], struct_hash[32];
    hawse_eip712_domain_t domain = {.fields = HAWSE_EIP712_CONTRACT};
    if (tx->operation > HAWSE_SAFE_DELEGATECALL)
        return HAWSE_E_INVAL;
    memcpy(domain.verifying_contract, safe, 20);
    if (chain_id) {
        domain.fields |= HAWSE_EIP712_CHAIN_ID;
        domain.chain_id = *chain_id;
    }
    (void)hawse_eip712_domain_hash(&domain, separator);
    hash_struct(tx, struct_hash);
    hawse_eip712_digest(separator, struct_hash, hash);
    return HAWSE_OK;
}

void hawse_safe_batch_put(hawse_writer_t *w, uint32_t operation, const uint8_t to[20],
                          const hawse_u256_t *value, const uint8_t *data, uint64_t len)
{
    hawse_u256_t length = hawse_u256(len);
    hawse_writer_fill(w, (uint8_t)operation, 1);
    hawse_writer_put(w, to, 20);
    put_number(w, value);
    put_number(w, &length);
    hawse_writer_put(w, data, len);
}
