/*
 * Finality. The node's final block is compared with the block that was told at its height: equal
 * hashes prove that everything below is final too, since told blocks are linked by their parents.
 * A final block that is not the told one is a fault of the node or of what it said before: never
 * passed over, and a gap until they agree.
 */
#include "plugin.h"

#include <string.h>

static void contradicted(struct evm *e, const struct chain_header *header)
{
    evm_count(e, e->count.contradictions, 1);
    if (!(e->gaps & GAP_FINAL))
        evm_log(e, HAWSE_LOG_ERROR,
                "block %llu that the node calls final is not the one that was told: nothing is "
                "called final until they agree; look whether the endpoints follow one chain",
                (unsigned long long)header->number);
    gap_open(e, GAP_FINAL, HAWSE_REASON_REORG, header->number);
    e->head_wanted = true; /* the way to the head that HTTP knows may lead over the final block */
}

void final_answer(struct evm *e, const struct chain_header *header)
{
    uint64_t number = header->number;
    if (!e->chain.started || number < e->chain.low) {
        if (e->final_number == 0)
            e->final_number = number; /* final before reading began */
        return;
    }
    uint32_t slot = chain_told(&e->chain, number);
    if (slot == CHAIN_NONE)
        return; /* HTTP is ahead: compared when it is told */
    if (memcmp(e->chain.blocks[slot].header.hash, header->hash, 32) != 0) {
        uint32_t next = chain_path(&e->chain, number);
        if (next == CHAIN_NONE || memcmp(e->chain.blocks[next].header.hash, header->hash, 32) != 0)
            contradicted(e, header);
        return; /* about to be told: compared then */
    }
    if (e->gaps & GAP_FINAL)
        gap_close(e, GAP_FINAL);
    if (number <= e->final_number)
        return;
    uint64_t from = e->final_number > 0 ? e->final_number + 1 : e->chain.low;
    say(e, HAWSE_STREAM_EVENT_FINAL, HAWSE_EVM_STREAM_BLOCKS, 0, from, number, 0);
    e->final_number = number;
}

void final_untold(struct evm *e, uint64_t number)
{
    if (e->final_number == 0 || number > e->final_number)
        return;
    evm_count(e, e->count.contradictions, 1);
    evm_log(e, HAWSE_LOG_ERROR, "block %llu was final and leaves the chain",
            (unsigned long long)number);
    e->final_number = number - 1;
}
