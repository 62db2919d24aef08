/* Transactions of a Safe; see safe.h. */
#include "tx/safe.h"

#include "keys/key.h"

#include <hawse/abi_codec.h>
#include <hawse/eip191.h>
#include <hawse/eip55.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <string.h>

enum { WORD = 32 };

/* ---- what is asked, and what it answers ---- */

void safe_question_data(enum safe_question question, uint8_t data[4])
{
#define QUESTION_TEXT(name, text) text,
    static const char *const texts[] = {SAFE_QUESTIONS(QUESTION_TEXT)};
    char signature[64];
    size_t len = (size_t)(strchr(texts[question], ')') - texts[question]) + 1;
    memcpy(signature, texts[question], len);
    signature[len] = '\0';
    hawse_keccak_selector(signature, data);
}

static int32_t bad_answer(struct fault *fault, const char *what, uint64_t len)
{
    return fault_set(fault, HAWSE_E_FORMAT, "the Safe's %s: cannot be read from %llu bytes", what,
                     (unsigned long long)len);
}

/* A uint256 that fits 64 bits. */
static int32_t number_at(const uint8_t *word, uint64_t *out)
{
    hawse_u256_t n;
    hawse_u256_from_be(word, &n);
    return hawse_u256_to_u64(&n, out);
}

static int32_t read_owners(const uint8_t *data, uint64_t len, struct safe_state *state,
                           struct fault *fault)
{
    static const uint8_t zeroes[12] = {0};
    uint64_t offset = 0, count = 0;
    if (len < 2 * WORD || number_at(data, &offset) != HAWSE_OK || offset != WORD ||
        number_at(data + WORD, &count) != HAWSE_OK)
        return bad_answer(fault, "owners", len);
    if (count > SAFE_OWNERS)
        return fault_set(fault, HAWSE_E_LIMIT, "the Safe has %llu owners, expected at most %d",
                         (unsigned long long)count, SAFE_OWNERS);
    if (len != (2 + count) * WORD)
        return bad_answer(fault, "owners", len);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *word = data + (2 + i) * WORD;
        if (memcmp(word, zeroes, sizeof(zeroes)) != 0)
            return bad_answer(fault, "owners", len);
        memcpy(state->owners[i], word + 12, 20);
    }
    state->owner_count = (uint32_t)count;
    return HAWSE_OK;
}

int32_t safe_answer(enum safe_question question, const uint8_t *data, uint64_t len,
                    struct safe_state *state, struct fault *fault)
{
    uint64_t n = 0;
    if (question == SAFE_ASK_OWNERS)
        return read_owners(data, len, state, fault);
    if (len != WORD)
        return bad_answer(fault, "answer", len);
    if (question == SAFE_ASK_DOMAIN) {
        memcpy(state->domain, data, WORD);
        return HAWSE_OK;
    }
    if (number_at(data, &n) != HAWSE_OK || (question == SAFE_ASK_THRESHOLD && n > SAFE_OWNERS))
        return bad_answer(fault, question == SAFE_ASK_NONCE ? "nonce" : "threshold", len);
    if (question == SAFE_ASK_NONCE)
        state->nonce = n;
    else
        state->threshold = (uint32_t)n;
    return HAWSE_OK;
}

/* keccak256(typehash, chain id, Safe), as the contract of 1.3.0 and later makes it. */
static void domain_of(const struct safe_place *place, uint8_t out[32])
{
    uint8_t words[3 * WORD] = {0};
    hawse_u256_t id = hawse_u256(place->chain_id);
    hawse_keccak_signature("EIP712Domain(uint256 chainId,address verifyingContract)", words);
    hawse_u256_to_be(&id, words + WORD);
    memcpy(words + 2 * WORD + 12, place->address, 20);
    hawse_keccak256(words, sizeof(words), out);
}

bool safe_is_owner(const struct safe_state *state, const uint8_t address[20])
{
    for (uint32_t i = 0; i < state->owner_count; i++) {
        if (memcmp(state->owners[i], address, 20) == 0)
            return true;
    }
    return false;
}

int32_t safe_state_check(const struct safe_place *place, const struct safe_state *state,
                         struct fault *fault)
{
    uint8_t domain[32];
    char address[43];
    hawse_eip55_format(place->address, address);
    domain_of(place, domain);
    if (memcmp(domain, state->domain, 32) != 0) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "Safe %s: its domain separator is not that of chain %llu and this address",
                        address, (unsigned long long)place->chain_id);
        fault_hint(fault, "is this a Safe of 1.3.0 or later, on this chain?");
        return HAWSE_E_DENIED;
    }
    if (state->threshold == 0 || state->threshold > state->owner_count)
        return fault_set(fault, HAWSE_E_FORMAT, "Safe %s: found a threshold of %u for %u owners",
                         address, state->threshold, state->owner_count);
    return HAWSE_OK;
}

/* ---- what the owners agree to ---- */

int32_t safe_build(const struct safe_place *place, const hawse_intent_call_t *calls, uint32_t count,
                   uint64_t nonce, hawse_writer_t *memory, hawse_safe_tx_t *out,
                   struct fault *fault)
{
    if (count == 0)
        return fault_set(fault, HAWSE_E_INVAL, "calls: found none, expected 1 or more");
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(calls[i].to, place->address, 20) == 0)
            return fault_set(fault, HAWSE_E_DENIED,
                             "calls[%u].to: is the Safe itself; its owners change it, no intent",
                             i);
    }
    *out = (hawse_safe_tx_t){.operation = HAWSE_SAFE_CALL, .nonce = hawse_u256(nonce)};
    if (count == 1) {
        memcpy(out->to, calls->to, 20);
        out->value = calls->value;
        out->data = calls->data;
        return HAWSE_OK;
    }
    static const uint8_t head[] = {0x8d, 0x80, 0xff, 0x0a}; /* multiSend(bytes) */
    hawse_writer_t packed = {0};
    for (uint32_t i = 0; i < count; i++)
        hawse_safe_batch_put(&packed, HAWSE_SAFE_CALL, calls[i].to, &calls[i].value,
                             calls[i].data.data, calls[i].data.len);
    uint8_t words[2 * WORD] = {[WORD - 1] = WORD};
    hawse_u256_t len = hawse_u256(packed.len);
    uint64_t begin = memory->len;
    hawse_u256_to_be(&len, words + WORD);
    hawse_writer_put(memory, head, sizeof(head));
    hawse_writer_put(memory, words, sizeof(words));
    for (uint32_t i = 0; i < count; i++)
        hawse_safe_batch_put(memory, HAWSE_SAFE_CALL, calls[i].to, &calls[i].value,
                             calls[i].data.data, calls[i].data.len);
    hawse_writer_fill(memory, 0, (WORD - packed.len % WORD) % WORD);
    if (hawse_writer_end(memory) != HAWSE_OK)
        return fault_set(fault, HAWSE_E_NOSPACE, "calls: %llu bytes are needed for the batch",
                         (unsigned long long)memory->len);
    memcpy(out->to, place->batch, 20);
    out->operation = HAWSE_SAFE_DELEGATECALL;
    out->data = (hawse_view_t){memory->data + begin, memory->len - begin};
    return HAWSE_OK;
}

int32_t safe_hash(const struct safe_place *place, const hawse_safe_tx_t *tx, uint8_t hash[32])
{
    hawse_u256_t id = hawse_u256(place->chain_id);
    return hawse_safe_hash(tx, &id, place->address, hash);
}

/* What both calls begin with. */
#define FIELDS "(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,"

static int32_t put_fields(const char *text, const hawse_safe_tx_t *tx, hawse_abi_declaration_t *d,
                          hawse_abi_encoder_t *e, hawse_writer_t *out)
{
    int32_t code = hawse_abi_parse(text, strlen(text), d, NULL);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_call_begin(e, d, out);
    hawse_abi_put_address(e, tx->to);
    hawse_abi_put_uint(e, &tx->value);
    hawse_abi_put_bytes(e, tx->data.data, tx->data.len);
    hawse_abi_put_u64(e, tx->operation);
    hawse_abi_put_uint(e, &tx->safe_tx_gas);
    hawse_abi_put_uint(e, &tx->base_gas);
    hawse_abi_put_uint(e, &tx->gas_price);
    hawse_abi_put_address(e, tx->gas_token);
    hawse_abi_put_address(e, tx->refund_receiver);
    return HAWSE_OK;
}

int32_t safe_hash_data(const hawse_safe_tx_t *tx, hawse_writer_t *out)
{
    hawse_abi_declaration_t d;
    hawse_abi_encoder_t e;
    int32_t code = put_fields("getTransactionHash" FIELDS "uint256)", tx, &d, &e, out);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_put_uint(&e, &tx->nonce);
    return hawse_abi_end(&e);
}

bool safe_batch_known(const uint8_t *code, uint64_t len)
{
    /* Keccak-256 of the code of each release, from safe-deployments */
    static const uint8_t known[][32] = {
        {0xa9, 0x86, 0x5a, 0xc2, 0xd9, 0xc7, 0xa1, 0x59, 0x16, 0x19, 0xb1,
         0x88, 0xc4, 0xd8, 0x81, 0x67, 0xb5, 0x0d, 0xf6, 0xcc, 0x0c, 0x53,
         0x27, 0xfc, 0xbd, 0x1c, 0x8c, 0x75, 0xf7, 0xc0, 0x66, 0xad},
        {0xec, 0xd5, 0xbd, 0x14, 0xa0, 0x8c, 0x5d, 0x21, 0x22, 0x37, 0x99,
         0x00, 0xb2, 0xf2, 0x72, 0xbd, 0xf1, 0x07, 0xa7, 0xe9, 0x24, 0x23,
         0xc1, 0x0d, 0xd5, 0xfe, 0x32, 0x54, 0x38, 0x6c, 0x99, 0x39},
        {0xcd, 0xbd, 0xce, 0xc3, 0x8d, 0x2f, 0x1c, 0x7d, 0x96, 0x1b, 0x00,
         0x29, 0xff, 0x84, 0x16, 0xb7, 0xe8, 0x6e, 0x99, 0x74, 0xd6, 0xf0,
         0xe9, 0xc9, 0x58, 0x0c, 0x7d, 0x17, 0xfc, 0xfb, 0x66, 0x63}};
    uint8_t hash[32];
    hawse_keccak256(code, len, hash);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memcmp(hash, known[i], 32) == 0)
            return true;
    }
    return false;
}

/* ---- who agrees ---- */

bool safe_approved_by(const struct safe_approvals *approvals, const uint8_t owner[20])
{
    for (uint32_t i = 0; i < approvals->count; i++) {
        if (memcmp(approvals->items[i].owner, owner, 20) == 0)
            return true;
    }
    return false;
}

/* Whose signature it is; the forms that only the chain can check name their owner. */
static int32_t owner_of(const uint8_t hash[32], const uint8_t *bytes, struct safe_approval *out)
{
    uint8_t v = bytes[64], digest[32];
    struct signature signature;
    struct key_public who;
    memcpy(out->bytes, bytes, SAFE_SIGNATURE);
    if (v <= 1) {
        static const uint8_t zeroes[12] = {0};
        out->by = v == 1 ? SAFE_BY_CHAIN : SAFE_BY_CONTRACT;
        memcpy(out->owner, bytes + 12, 20);
        return memcmp(bytes, zeroes, 12) == 0 ? HAWSE_OK : HAWSE_E_FORMAT;
    }
    bool message = v == 31 || v == 32;
    if (!message && v != 27 && v != 28)
        return HAWSE_E_FORMAT;
    memcpy(digest, hash, 32);
    if (message)
        hawse_eip191_digest(hash, 32, digest);
    memcpy(signature.bytes, bytes, 64);
    signature.parity = (uint8_t)(v - (message ? 31 : 27));
    if (signature_recover(digest, &signature, &who) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->by = message ? SAFE_BY_MESSAGE : SAFE_BY_HASH;
    memcpy(out->owner, who.address, 20);
    return HAWSE_OK;
}

/* The bytes for a contract: behind the first part, which says where (s), with their length. */
static int32_t take_contract(struct safe_approvals *approvals, const uint8_t *bytes, uint64_t len,
                             struct safe_approval *a)
{
    uint64_t offset = 0, count = 0;
    if (number_at(bytes + WORD, &offset) != HAWSE_OK || offset != SAFE_SIGNATURE ||
        len < SAFE_SIGNATURE + WORD || number_at(bytes + SAFE_SIGNATURE, &count) != HAWSE_OK ||
        count != len - SAFE_SIGNATURE - WORD)
        return HAWSE_E_FORMAT;
    if (count > SAFE_CONTRACTS - approvals->contracts_len)
        return HAWSE_E_LIMIT;
    a->from = approvals->contracts_len;
    a->len = (uint32_t)count;
    memcpy(approvals->contracts + a->from, bytes + SAFE_SIGNATURE + WORD, count);
    return HAWSE_OK;
}

int32_t safe_approve(struct safe_approvals *approvals, const struct safe_state *state,
                     const uint8_t hash[32], const uint8_t *owner, const uint8_t *bytes,
                     uint64_t len, struct fault *fault)
{
    struct safe_approval a = {0};
    char who[43] = "";
    if (len < SAFE_SIGNATURE || owner_of(hash, bytes, &a) != HAWSE_OK ||
        (a.by != SAFE_BY_CONTRACT && len != SAFE_SIGNATURE))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "signature: found %llu bytes that are none, expected r, s and v",
                         (unsigned long long)len);
    hawse_eip55_format(a.owner, who);
    if ((owner && memcmp(owner, a.owner, 20) != 0) || !safe_is_owner(state, a.owner))
        return fault_set(fault, HAWSE_E_DENIED,
                         "signature: it is of %s, who is not %s; or it is of another transaction",
                         who, owner ? "the owner that is named" : "an owner of the Safe");
    if (safe_approved_by(approvals, a.owner))
        return fault_set(fault, HAWSE_E_EXISTS, "signature: there is one of %s", who);
    if (approvals->count == SAFE_OWNERS)
        return fault_set(fault, HAWSE_E_LIMIT, "signatures: there are %d", SAFE_OWNERS);
    int32_t code = a.by == SAFE_BY_CONTRACT ? take_contract(approvals, bytes, len, &a) : HAWSE_OK;
    if (code != HAWSE_OK)
        return fault_set(fault, code, "signature: that of contract %s cannot be read", who);
    if (a.by == SAFE_BY_CONTRACT)
        approvals->contracts_len += a.len;
    approvals->items[approvals->count++] = a;
    return HAWSE_OK;
}

/* Those that nobody but the chain can check come last. */
static uint32_t pick(const struct safe_approvals *approvals, uint32_t threshold,
                     const struct safe_approval *picked[SAFE_OWNERS])
{
    uint32_t count = 0;
    for (int chain = 0; chain <= 1; chain++) {
        for (uint32_t i = 0; i < approvals->count && count < threshold; i++) {
            const struct safe_approval *a = &approvals->items[i];
            if ((a->by == SAFE_BY_CHAIN || a->by == SAFE_BY_CONTRACT) == (chain == 1))
                picked[count++] = a;
        }
    }
    for (uint32_t i = 1; i < count; i++) { /* by owner, as the contract wants it */
        for (uint32_t k = i; k > 0 && memcmp(picked[k - 1]->owner, picked[k]->owner, 20) > 0; k--) {
            const struct safe_approval *a = picked[k];
            picked[k] = picked[k - 1];
            picked[k - 1] = a;
        }
    }
    return count;
}

int32_t safe_signatures(const struct safe_approvals *approvals, uint32_t threshold,
                        hawse_writer_t *out)
{
    const struct safe_approval *picked[SAFE_OWNERS];
    if (threshold == 0 || pick(approvals, threshold, picked) < threshold)
        return HAWSE_E_AGAIN;
    uint64_t tail = (uint64_t)threshold * SAFE_SIGNATURE;
    for (uint32_t i = 0; i < threshold; i++) {
        uint8_t part[SAFE_SIGNATURE] = {0};
        if (picked[i]->by == SAFE_BY_CONTRACT) {
            hawse_u256_t at = hawse_u256(tail);
            memcpy(part + 12, picked[i]->owner, 20);
            hawse_u256_to_be(&at, part + WORD);
            tail += WORD + picked[i]->len;
        } else {
            memcpy(part, picked[i]->bytes, SAFE_SIGNATURE);
        }
        hawse_writer_put(out, part, SAFE_SIGNATURE);
    }
    for (uint32_t i = 0; i < threshold; i++) {
        uint8_t word[WORD];
        hawse_u256_t len = hawse_u256(picked[i]->len);
        if (picked[i]->by != SAFE_BY_CONTRACT)
            continue;
        hawse_u256_to_be(&len, word);
        hawse_writer_put(out, word, WORD);
        hawse_writer_put(out, approvals->contracts + picked[i]->from, picked[i]->len);
    }
    return hawse_writer_end(out);
}

int32_t safe_execute_data(const hawse_safe_tx_t *tx, const uint8_t *signatures, uint64_t len,
                          hawse_writer_t *out)
{
    hawse_abi_declaration_t d;
    hawse_abi_encoder_t e;
    int32_t code = put_fields("execTransaction" FIELDS "bytes)", tx, &d, &e, out);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_put_bytes(&e, signatures, len);
    return hawse_abi_end(&e);
}

/* ---- how it ended ---- */

enum safe_end safe_log_read(const struct safe_place *place, const uint8_t hash[32],
                            const struct safe_log *log)
{
    uint8_t success[32], failure[32];
    if (memcmp(log->address, place->address, 20) != 0 || log->topic_count == 0)
        return SAFE_NOT_EXECUTED;
    hawse_keccak_signature("ExecutionSuccess(bytes32,uint256)", success);
    hawse_keccak_signature("ExecutionFailure(bytes32,uint256)", failure);
    bool good = memcmp(log->topics, success, 32) == 0;
    if (!good && memcmp(log->topics, failure, 32) != 0)
        return SAFE_NOT_EXECUTED;
    /* 1.3.0 has the hash in the data, later ones index it */
    const uint8_t *found = log->topic_count > 1    ? log->topics + 32
                           : log->data_len >= WORD ? log->data
                                                   : NULL;
    if (!found || memcmp(found, hash, 32) != 0)
        return SAFE_NOT_EXECUTED;
    return good ? SAFE_SUCCEEDED : SAFE_FAILED;
}
