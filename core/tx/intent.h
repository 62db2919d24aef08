/*
 * An intent in the host's own memory: one block, checked once, never changed. As a plugin hands it
 * over (a deep copy, whose views lead into the block), and as the journal and the operator have it:
 * canonical JSON, from which it can be read back to the last byte.
 */
#ifndef CORE_TX_INTENT_H
#define CORE_TX_INTENT_H

#include "base/fault.h"

#include <hawse/service/intent.h>
#include <stdbool.h>
#include <stddef.h>

/* free() it. */
struct intent {
    hawse_intent_t public; /* sizes are this host's; views are followed by a NUL. Of Solana: `flows`
                              are those of `solana`, by config_handle() of their mints */
    hawse_intent_call_t calls[HAWSE_INTENT_CALLS_MAX];
    hawse_intent_flow_t flows[HAWSE_INTENT_FLOWS_MAX];
    hawse_intent_stream_t streams[HAWSE_INTENT_STREAMS_MAX];
    char sources[HAWSE_INTENT_STREAMS_MAX][64]; /* of the streams, by the ids of their instances,
                                                   which outlive a run; "" = not known */
    char id[HAWSE_INTENT_ID_MAX + 1];
    char chain[64];
    char account[64];
    char note[HAWSE_INTENT_NOTE_MAX + 1];
    hawse_intent_solana_t solana; /* public.solana leads here, or nowhere */
    _Alignas(8) uint8_t data[];
};

/* [any] Checks everything that can be judged without a configuration and copies it. HAWSE_E_INVAL
 * names the field, what was found and what is expected. */
int32_t intent_copy(const hawse_intent_t *from, struct intent **out, struct fault *fault);

/* [any] malloc'd JSON text: members in a fixed order, amounts as decimal text, bytes as "0x" text.
 * NULL: no memory. */
char *intent_to_json(const struct intent *intent);

/* [any] Reads what intent_to_json wrote, or what an operator did: only id, chain, account and calls
 * must be there. HAWSE_E_FORMAT, HAWSE_E_INVAL; faults name the member. */
int32_t intent_from_json(const char *text, size_t len, struct intent **out, struct fault *fault);

#endif
