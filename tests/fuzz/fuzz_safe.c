/*
 * What others say of a Safe's transaction: papers of its service, answers of its contract,
 * signatures. Any bytes are taken or refused; what is taken is of an owner, and packs into a
 * length that the contract can read.
 */
#include "tx/safe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct safe_approvals approvals;
    static uint8_t packed[SAFE_OWNERS * (SAFE_SIGNATURE + 32) + SAFE_CONTRACTS];
    const struct safe_place place = {.chain_id = 100, .address = {1}};
    const uint8_t bytes[] = {1, 2, 3};
    const hawse_safe_tx_t tx = {.to = {2}, .data = {bytes, sizeof(bytes)}};
    struct safe_state state = {.threshold = 2, .owner_count = 3, .owners = {{0}, {5}, {9}}};
    uint8_t hash[32];
    require(safe_hash(&place, &tx, hash) == HAWSE_OK);
    const struct safe_paper paper = {&place, &tx, hash};
    if (size < 1)
        return 0;
    approvals = (struct safe_approvals){0};
    if (data[0] < 4) {
        struct safe_state other = {0};
        if (safe_answer((enum safe_question)data[0], data + 1, size - 1, &other, NULL) == HAWSE_OK)
            require(other.owner_count <= SAFE_OWNERS && other.threshold <= SAFE_OWNERS);
    } else if (data[0] < 32) {
        (void)safe_approve(&approvals, &state, hash, NULL, data + 1, size - 1, NULL);
    } else {
        int32_t added = safe_paper_read(&paper, &state, (const char *)data, size, &approvals, NULL);
        require(added < 0 || (uint32_t)added == approvals.count);
    }
    require(approvals.count <= state.owner_count);
    for (uint32_t i = 0; i < approvals.count; i++)
        require(safe_is_owner(&state, approvals.items[i].owner));
    hawse_writer_t w = hawse_writer(packed, sizeof(packed));
    if (approvals.count > 0 && safe_signatures(&approvals, approvals.count, &w) == HAWSE_OK)
        require(w.len >= approvals.count * SAFE_SIGNATURE);
    return 0;
}
