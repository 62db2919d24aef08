/*
 * A stream on which no head comes: is the chain slow, or the subscription dead? At half the time
 * after which heads_idle_ms would end the stream anyway, the other endpoint is asked. A head that
 * it has, and that the stream still has not some moments later, proves that the stream is behind.
 */
#include "plugin.h"

enum { GRACE_MS = 300 }; /* the two endpoints may hear of one block at different times */

static uint64_t known_head(const struct evm *e)
{
    return e->chain.target != CHAIN_NONE ? e->chain.blocks[e->chain.target].header.number
                                         : e->chain.high;
}

void silence_tick(struct evm *e)
{
    uint64_t now = evm_now(e), half = e->set.heads_idle_ms * EVM_MS / 2;
    uint64_t since = e->new_head_ns > e->link_up_ns ? e->new_head_ns : e->link_up_ns;
    if (e->link != LINK_UP || e->polling || now - since < half) {
        e->behind = false;
        e->second_again_ns = 0;
        return;
    }
    if (e->behind && now - e->behind_ns >= GRACE_MS * EVM_MS && e->behind_head > known_head(e)) {
        e->behind = false;
        link_silent(e, "the other endpoint has heads that did not come");
    } else if (!e->behind && now >= e->second_again_ns && ask_ready(e, Q_HEAD)) {
        e->second_again_ns = now + half / 2;
        ask_second(e);
    }
}

void silence_answer(struct evm *e, const struct chain_header *header)
{
    if (header->number <= known_head(e))
        return;
    e->behind = true;
    e->behind_ns = evm_now(e);
    e->behind_head = header->number;
}
