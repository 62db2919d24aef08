/*
 * Solana transactions on any bytes: the walk stays inside, and what decodes and passes sanitizing
 * is encoded again from its instructions to a message that means the same.
 */
#include <hawse/solana/program.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every part lies inside the message, and every index inside the accounts. */
static void walk(const hawse_solana_message_t *m)
{
    hawse_solana_compiled_t one = {0};
    hawse_solana_lookup_t lookup = {0};
    const uint8_t *end = m->bytes.data + m->bytes.len;
    uint32_t count = 0, sum = 0;
    while (hawse_solana_instruction_next(m, &one)) {
        if (one.data + one.data_len > end || one.program >= m->key_count)
            abort();
        for (uint32_t i = 0; i < one.account_count; i++)
            sum += (uint32_t)hawse_solana_message_writes(m, one.accounts[i]);
        count++;
    }
    if (count != m->instruction_count || (count > 0 && one.next > end))
        abort();
    count = 0;
    while (hawse_solana_lookup_next(m, &lookup)) {
        for (uint32_t i = 0; i < lookup.writable_count; i++)
            sum += lookup.writable[i];
        count += lookup.writable_count + lookup.readonly_count;
    }
    if (count != m->loaded_writable + m->loaded_readonly || (m->lookup_count && lookup.next != end))
        abort();
    (void)hawse_solana_durable(m, NULL, NULL);
    (void)sum;
}

/* A message without lookups, built anew from its parts: it reads back with the same instructions.
 */
static void rebuild(const hawse_solana_message_t *m)
{
    static hawse_solana_builder_t b;
    hawse_solana_compiled_t one = {0}, again = {0};
    hawse_solana_message_t back;
    uint8_t out[HAWSE_SOLANA_TX_MAX];
    uint64_t need = 0;
    hawse_solana_begin(&b);
    while (hawse_solana_instruction_next(m, &one)) {
        hawse_solana_meta_t metas[HAWSE_SOLANA_KEYS_MAX];
        if (one.account_count > HAWSE_SOLANA_KEYS_MAX)
            return;
        for (uint32_t i = 0; i < one.account_count; i++) {
            uint32_t at = one.accounts[i];
            memcpy(metas[i].key, m->keys + 32ull * at, 32);
            metas[i].signer = (uint8_t)hawse_solana_message_signs(m, at);
            metas[i].writable = (uint8_t)hawse_solana_message_writes(m, at);
        }
        if (hawse_solana_add(&b, m->keys + 32ull * one.program, metas, one.account_count, one.data,
                             one.data_len) != HAWSE_OK)
            return;
    }
    hawse_solana_plan_t plan = {m->version,   b.count,        0,   m->keys,
                                m->blockhash, b.instructions, NULL};
    if (hawse_solana_message_encode(&plan, out, sizeof(out), &need) != HAWSE_OK)
        return; /* its signers may take more room than the bytes had */
    if (hawse_solana_message_decode(out, need, &back, NULL) != HAWSE_OK ||
        hawse_solana_message_sanitize(&back, NULL) != HAWSE_OK ||
        back.instruction_count != m->instruction_count || need > m->bytes.len)
        abort();
    memset(&one, 0, sizeof(one));
    while (hawse_solana_instruction_next(m, &one)) {
        if (!hawse_solana_instruction_next(&back, &again) || again.data_len != one.data_len ||
            (one.data_len && memcmp(again.data, one.data, one.data_len) != 0) ||
            memcmp(back.keys + 32ull * again.program, m->keys + 32ull * one.program, 32) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hawse_solana_tx_t tx;
    uint32_t fault = 0;
    if (hawse_solana_tx_decode(data, size, &tx, &fault) != HAWSE_OK) {
        if (fault == HAWSE_SOLANA_FAULT_NONE || fault > HAWSE_SOLANA_FAULT_VERSION)
            abort();
        return 0;
    }
    if (hawse_solana_tx_sanitize(&tx, &fault) != HAWSE_OK) {
        if (fault <= HAWSE_SOLANA_FAULT_VERSION)
            abort();
        return 0;
    }
    walk(&tx.message);
    if (tx.message.lookup_count == 0)
        rebuild(&tx.message);
    return 0;
}
