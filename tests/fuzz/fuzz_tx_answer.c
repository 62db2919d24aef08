/*
 * Any bytes as what a node answers to the desk: blocks, receipts, fee histories, counts. Read whole
 * or refused; a fee history never tells a tip that no block paid.
 */
#include "sim/sim.h"
#include "tx/answer.h"
#include "tx/fees.h"
#include "tx/sandwich.h"

#include <hawse/hawse.h>
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
    uint8_t *text = malloc(size + HAWSE_PADDING);
    struct answer_block block;
    struct answer_receipt receipt;
    struct fees_history history;
    struct answer_fate fate;
    struct sandwich_swap swaps[4] = {{0}};
    uint32_t count = 0;
    hawse_u256_t wide;
    static const uint8_t sender[20] = {[19] = 0xaa};
    uint8_t hash[32];
    uint64_t narrow = 0;
    static struct sim_result moved;
    require(text != NULL);
    memcpy(text, data, size);
    memset(text + size, 0, HAWSE_PADDING);
    (void)answer_block(text, size, &block);
    (void)answer_receipt(text, size, &receipt);
    if (sim_receipt(text, size, sender, &moved) == HAWSE_OK)
        require(moved.flow_count <= SIM_FLOWS && moved.approval_count <= SIM_APPROVALS);
    memset(hash, 0x22, sizeof(hash));
    if (sandwich_logs(text, size, hash, swaps, 4, &count) == HAWSE_OK)
        require(count <= 4);
    (void)sandwich_traders(text, size, swaps, count <= 4 ? count : 0);
    (void)answer_sent_by(text, size, sender, 7, hash);
    const struct safe_place place = {.chain_id = 1};
    memset(hash, 0, sizeof(hash));
    if (answer_safe(text, size, &place, hash, &fate) == HAWSE_OK)
        require(fate.end <= SAFE_FAILED);
    if (fees_history_read(text, size, &history) == HAWSE_OK)
        require(history.blocks > 0 && history.blocks <= FEES_BLOCKS_MAX &&
                history.full <= history.blocks);
    if (answer_u64(text, size, &narrow) == HAWSE_OK)
        require(answer_u256(text, size, &wide) == HAWSE_OK && wide.limb[0] == narrow);
    free(text);
    return 0;
}
