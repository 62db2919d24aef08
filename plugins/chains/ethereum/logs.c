/*
 * Copies of logs, in the order in which they came, so that they can be taken back: a ring whose
 * newest writes over its oldest. A block whose copies were written over cannot be taken back any
 * more.
 */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>

bool ring_init(struct log_ring *ring, uint64_t bytes)
{
    ring->cap = 1 << 20; /* so that the largest log fits several times */
    while (ring->cap < bytes)
        ring->cap *= 2;
    ring->head = 0;
    ring->bytes = malloc(ring->cap);
    return ring->bytes != NULL;
}

void ring_finish(struct log_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

struct log_copy *logs_at(const struct evm *e, uint64_t position_plus_1)
{
    if (position_plus_1 == 0 || position_plus_1 - 1 + e->ring.cap < e->ring.head)
        return NULL;
    return (struct log_copy *)(void *)(e->ring.bytes + ((position_plus_1 - 1) & (e->ring.cap - 1)));
}

struct log_copy *logs_add(struct evm *e, uint32_t slot, const hawse_evm_log_t *log)
{
    struct block_logs *b = &e->blocks[slot];
    uint64_t total = (sizeof(struct log_copy) + log->data_len + 15) & ~7ull;
    uint64_t offset = e->ring.head & (e->ring.cap - 1);
    _Static_assert((sizeof(struct log_copy) + DATA_MAX) * 4 < 1 << 20, "see ring_init");
    if (offset + total > e->ring.cap) /* copies do not wrap */
        e->ring.head += e->ring.cap - offset;
    uint64_t position = e->ring.head;
    e->ring.head += total;
    struct log_copy *copy = logs_at(e, position + 1);
    copy->total = (uint32_t)total;
    copy->slot = slot;
    copy->prev = b->newest;
    copy->next = 0;
    copy->t_recv_ns = 0;
    memcpy(&copy->log, log, log->data_offset + (size_t)log->data_len);
    struct log_copy *before = logs_at(e, b->newest);
    if (before && before != copy)
        before->next = position + 1;
    if (b->told == b->count)
        b->untold = position + 1;
    b->newest = position + 1;
    b->count++;
    if (log->log_index + 1 > b->last_index)
        b->last_index = log->log_index + 1;
    return copy;
}

bool logs_has(const struct evm *e, uint32_t slot, uint32_t log_index)
{
    const struct block_logs *b = &e->blocks[slot];
    if (log_index >= b->last_index)
        return false; /* the usual case: they come in order */
    uint32_t left = b->count;
    for (uint64_t at = b->newest; at && left > 0; left--) {
        const struct log_copy *copy = logs_at(e, at);
        if (!copy)
            return true; /* written over: it was told long ago */
        if (copy->log.log_index == log_index)
            return true;
        at = copy->prev;
    }
    return false;
}

void logs_drop_early(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    if (!b->early)
        return;
    b->early = false;
    b->newest = b->untold = 0;
    b->count = b->last_index = 0;
}

void logs_forget(struct evm *e, uint32_t slot)
{
    memset(&e->blocks[slot], 0, sizeof(e->blocks[slot]));
}
