/*
 * Values of EIP-712 into their hash; see hawse/eip712.h. Each struct and list that is open has a
 * frame with its own Keccak; what it gives when it is closed is a word of the frame around it.
 */
#include "abi_value.h"
#include "eip712_word.h"

#include <hawse/u256.h>

#include <string.h>

static void fail(hawse_eip712_t *h, int32_t code)
{
    if (h->error == HAWSE_OK)
        h->error = code;
}

/* The node whose turn it is, or NULL. */
static const hawse_abi_node_t *turn(hawse_eip712_t *h)
{
    if (h->error == HAWSE_OK && (h->depth == 0 || h->frames[h->depth - 1].left == 0))
        fail(h, HAWSE_E_INVAL);
    return h->error ? NULL : &h->schema->nodes[h->frames[h->depth - 1].child];
}

static const hawse_abi_node_t *turn_of(hawse_eip712_t *h, uint32_t kind)
{
    const hawse_abi_node_t *node = turn(h);
    if (node && node->kind != kind)
        fail(h, HAWSE_E_INVAL);
    return h->error ? NULL : node;
}

void eip712_word(hawse_eip712_t *h, const uint8_t word[32])
{
    if (h->error)
        return;
    if (h->depth == 0) {
        memcpy(h->result, word, 32);
        return;
    }
    hawse_keccak_update(&h->frames[h->depth - 1].hash, word, 32);
    h->frames[h->depth - 1].left--;
    if (h->schema->nodes[h->frames[h->depth - 1].node].kind == HAWSE_ABI_TUPLE)
        h->frames[h->depth - 1].child += h->schema->nodes[h->frames[h->depth - 1].child].span;
}

static void push_frame(hawse_eip712_t *h, uint32_t node, uint64_t left)
{
    if (h->depth == HAWSE_ABI_DEPTH) {
        fail(h, HAWSE_E_LIMIT);
        return;
    }
    h->frames[h->depth].node = node;
    h->frames[h->depth].child = node + 1;
    h->frames[h->depth].left = left;
    hawse_keccak_init(&h->frames[h->depth].hash);
    h->depth++;
}

/* The struct whose TUPLE is node `node`. */
static void push_struct(hawse_eip712_t *h, uint32_t node)
{
    uint32_t which = 0;
    while (h->schema->structs[which].node != node)
        which++;
    push_frame(h, node, h->schema->nodes[node].count);
    if (h->error == HAWSE_OK)
        hawse_keccak_update(&h->frames[h->depth - 1].hash, h->schema->structs[which].hash, 32);
}

void hawse_eip712_begin(hawse_eip712_t *h, const hawse_eip712_schema_t *schema, uint32_t which)
{
    h->schema = schema;
    h->error = which < schema->struct_count ? HAWSE_OK : HAWSE_E_INVAL;
    h->depth = 0;
    if (h->error == HAWSE_OK)
        push_struct(h, schema->structs[which].node);
}

static void put_number(hawse_eip712_t *h, uint32_t kind, const hawse_u256_t *n)
{
    uint8_t word[32];
    const hawse_abi_node_t *node = turn_of(h, kind);
    if (!node)
        return;
    if (!abi_fits(kind, node->size, n)) {
        fail(h, HAWSE_E_RANGE);
        return;
    }
    hawse_u256_to_be(n, word);
    eip712_word(h, word);
}

void hawse_eip712_uint(hawse_eip712_t *h, const hawse_u256_t *n)
{
    put_number(h, HAWSE_ABI_UINT, n);
}

void hawse_eip712_int(hawse_eip712_t *h, const hawse_u256_t *n)
{
    put_number(h, HAWSE_ABI_INT, n);
}

void hawse_eip712_u64(hawse_eip712_t *h, uint64_t n)
{
    hawse_u256_t wide = hawse_u256(n);
    hawse_eip712_uint(h, &wide);
}

void hawse_eip712_bool(hawse_eip712_t *h, int32_t truth)
{
    uint8_t word[32] = {0};
    word[31] = truth ? 1 : 0;
    if (turn_of(h, HAWSE_ABI_BOOL))
        eip712_word(h, word);
}

void hawse_eip712_address(hawse_eip712_t *h, const uint8_t address[20])
{
    uint8_t word[32] = {0};
    memcpy(word + 12, address, 20);
    if (turn_of(h, HAWSE_ABI_ADDRESS))
        eip712_word(h, word);
}

void hawse_eip712_fixed_bytes(hawse_eip712_t *h, const uint8_t *bytes, uint64_t len)
{
    uint8_t word[32] = {0};
    const hawse_abi_node_t *node = turn_of(h, HAWSE_ABI_FIXED_BYTES);
    if (node && node->size != len)
        fail(h, HAWSE_E_RANGE);
    if (h->error)
        return;
    memcpy(word, bytes, len);
    eip712_word(h, word);
}

void hawse_eip712_bytes(hawse_eip712_t *h, const void *bytes, uint64_t len)
{
    uint8_t word[32];
    const hawse_abi_node_t *node = turn(h);
    if (node && node->kind != HAWSE_ABI_BYTES && node->kind != HAWSE_ABI_STRING)
        fail(h, HAWSE_E_INVAL);
    else if (node && node->kind == HAWSE_ABI_STRING && !hawse_utf8_valid(bytes, len))
        fail(h, HAWSE_E_FORMAT);
    if (h->error)
        return;
    hawse_keccak256(bytes, len, word);
    eip712_word(h, word);
}

void hawse_eip712_open(hawse_eip712_t *h, uint64_t count)
{
    const hawse_abi_node_t *node = turn(h);
    if (!node)
        return;
    if (node->kind == HAWSE_ABI_TUPLE && count == 0)
        push_struct(h, node->ref - 1);
    else if (node->kind != HAWSE_ABI_LIST)
        fail(h, HAWSE_E_INVAL);
    else if (!(node->flags & HAWSE_ABI_OPEN) && node->count != count)
        fail(h, HAWSE_E_RANGE);
    else
        push_frame(h, h->frames[h->depth - 1].child, count);
}

/* Ends the innermost frame. */
static void pop_frame(hawse_eip712_t *h)
{
    uint8_t word[32];
    if (h->frames[h->depth - 1].left > 0) {
        fail(h, HAWSE_E_INVAL);
        return;
    }
    hawse_keccak_final(&h->frames[--h->depth].hash, word);
    eip712_word(h, word);
}

void hawse_eip712_close(hawse_eip712_t *h)
{
    if (h->error == HAWSE_OK && h->depth < 2) /* the outermost one ends with the hash */
        fail(h, HAWSE_E_INVAL);
    if (h->error == HAWSE_OK)
        pop_frame(h);
}

int32_t hawse_eip712_end(hawse_eip712_t *h, uint8_t hash[32])
{
    if (h->error == HAWSE_OK && h->depth != 1)
        fail(h, HAWSE_E_INVAL);
    if (h->error == HAWSE_OK)
        pop_frame(h);
    if (h->error == HAWSE_OK)
        memcpy(hash, h->result, 32);
    return h->error;
}

/* ---- domain and digest ---- */

static void hash_text_field(hawse_keccak_t *k, const hawse_view_t *text)
{
    uint8_t word[32];
    hawse_keccak256(text->data, text->len, word);
    hawse_keccak_update(k, word, 32);
}

static void domain_type_hash(uint32_t fields, uint8_t hash[32])
{
    static const char *const members[] = {"string name", "string version", "uint256 chainId",
                                          "address verifyingContract", "bytes32 salt"};
    char text[128];
    hawse_writer_t w = hawse_writer(text, sizeof(text));
    hawse_writer_text(&w, "EIP712Domain(");
    for (uint32_t i = 0, n = 0; i < 5; i++) {
        if (fields >> i & 1) {
            hawse_writer_text(&w, n++ > 0 ? "," : "");
            hawse_writer_text(&w, members[i]);
        }
    }
    hawse_writer_text(&w, ")");
    hawse_keccak256(w.data, w.len, hash);
}

int32_t hawse_eip712_domain_hash(const hawse_eip712_domain_t *domain, uint8_t separator[32])
{
    uint8_t word[32];
    hawse_keccak_t k;
    if (domain->fields >= 2 * HAWSE_EIP712_SALT)
        return HAWSE_E_INVAL;
    hawse_keccak_init(&k);
    domain_type_hash(domain->fields, word);
    hawse_keccak_update(&k, word, 32);
    if (domain->fields & HAWSE_EIP712_NAME)
        hash_text_field(&k, &domain->name);
    if (domain->fields & HAWSE_EIP712_VERSION)
        hash_text_field(&k, &domain->version);
    if (domain->fields & HAWSE_EIP712_CHAIN_ID) {
        hawse_u256_to_be(&domain->chain_id, word);
        hawse_keccak_update(&k, word, 32);
    }
    if (domain->fields & HAWSE_EIP712_CONTRACT) {
        memset(word, 0, 12);
        memcpy(word + 12, domain->verifying_contract, 20);
        hawse_keccak_update(&k, word, 32);
    }
    if (domain->fields & HAWSE_EIP712_SALT)
        hawse_keccak_update(&k, domain->salt, 32);
    hawse_keccak_final(&k, separator);
    return HAWSE_OK;
}

void hawse_eip712_digest(const uint8_t separator[32], const uint8_t struct_hash[32],
                         uint8_t digest[32])
{
    uint8_t text[66] = {0x19, 0x01};
    memcpy(text + 2, separator, 32);
    memcpy(text + 34, struct_hash, 32);
    hawse_keccak256(text, sizeof(text), digest);
}
