/*
 * Logs of blocks that are to be told, and when an answer about them is believed:
 *
 *   - A block whose bloom filter has nothing that is wanted needs no question.
 *   - An answer with a log of the block, by its hash, is about that block and complete. In a range
 *     it also proves the blocks below it, which are its ancestors.
 *   - An answer without any log of a block whose bloom filter says there may be one proves nothing:
 *     the filter may be wrong, or the node may be behind. A recent block is then asked for whole,
 *     without a filter: its logs must explain every bit of its bloom filter, which nothing but all
 *     of them does.
 *   - For blocks further back, and where bloom filters are missing or cannot be explained, such an
 *     answer counts when the node had just shown that the block is on its chain
 *     (eth_getBlockByNumber gave its hash), and is believed when settings.empty_answers counted,
 *     with growing pauses between.
 *   - An answer with anything unreadable in it is none.
 */
#include "plugin.h"

#include <string.h>

void fetch_afresh(struct evm *e)
{
    ask_cancel(e, Q_TELL); /* all of them may be asked again */
    ask_cancel(e, Q_CHECK);
    for (uint32_t slot = 0; slot < e->chain.cap; slot++) {
        struct block_logs *b = &e->blocks[slot];
        if (e->chain.blocks[slot].told)
            continue;
        b->checked = false;
        b->empties = 0;
    }
}

enum fetch_kept fetch_keep(struct evm *e, uint32_t slot, struct wire_log *log, uint64_t *room)
{
    log->record.chain_id = e->set.chain_id;
    if (!watches_want(&e->watches, &log->record))
        return FETCH_UNWANTED;
    if (logs_has(e, slot, log->record.log_index))
        return FETCH_HAD;
    uint64_t need = sizeof(struct log_copy) + log->record.data_len + 16;
    if (need * 2 > *room) /* twice: the end of the ring may have to be skipped */
        return FETCH_FULL;
    if (wire_log_data(log, e->scratch + sizeof(log->record)) != HAWSE_OK)
        return FETCH_BAD;
    memcpy(e->scratch, &log->record, sizeof(log->record));
    *room -= need;
    (void)logs_add(e, slot, (const hawse_evm_log_t *)(const void *)e->scratch);
    return FETCH_KEPT;
}

enum { WHOLE_DEPTH = 64, UNEXPLAINED_MAX = 4 };

bool fetch_whole(const struct evm *e, uint32_t slot)
{
    const struct chain_header *header = &e->chain.blocks[slot].header;
    const struct block_logs *b = &e->blocks[slot];
    uint64_t head = e->chain.target == CHAIN_NONE ? e->chain.high
                                                  : e->chain.blocks[e->chain.target].header.number;
    return b->empties > 0 && header->has_bloom && b->unexplained < UNEXPLAINED_MAX &&
           head < header->number + WHOLE_DEPTH;
}

/* ---- questions ---- */

/* The highest block from `from` on whose emptiness is to be proven, within one range. */
static uint64_t to_prove(const struct evm *e, uint64_t from)
{
    uint64_t last = from;
    for (uint64_t n = from + 1; n < from + e->range; n++) {
        uint32_t slot = chain_path(&e->chain, n);
        if (slot == CHAIN_NONE)
            break;
        if (e->blocks[slot].empties > 0 && !e->blocks[slot].proven)
            last = n;
    }
    return last;
}

void fetch_more(struct evm *e, uint32_t slot)
{
    const struct block_logs *b = &e->blocks[slot];
    uint64_t from = e->chain.blocks[slot].header.number, to = from;
    uint64_t target = e->chain.blocks[e->chain.target].header.number;
    if (!ask_ready(e, Q_TELL))
        return;
    if (fetch_whole(e, slot)) {
        ask_whole(e, Q_TELL, slot);
        return;
    }
    if (b->empties > 0 && !b->proven) {
        e->q[Q_TELL].from = from;
        e->q[Q_TELL].to = e->chain.started ? to_prove(e, from) : from;
        ask_number(e, Q_TELL, ASK_PROOF, e->q[Q_TELL].to);
        return;
    }
    while (e->chain.started && !b->by_hash && to < target && to - from + 1 < e->range &&
           chain_path(&e->chain, to + 1) != CHAIN_NONE)
        to++;
    if (to == from)
        ask_logs_of(e, Q_TELL, slot);
    else
        ask_logs_range(e, from, to);
}

/* ---- answers ---- */

/* What is to be told at that height: on the way to the head, or, at the very start, the head. What
 * was told meanwhile is left to its check, which announces what is late. */
static uint32_t planned(const struct evm *e, uint64_t number)
{
    if (!e->chain.started && !e->chain.rooted && e->chain.target != CHAIN_NONE &&
        e->chain.blocks[e->chain.target].header.number == number)
        return e->chain.target;
    uint32_t slot = chain_path(&e->chain, number);
    return slot != CHAIN_NONE && e->chain.blocks[slot].told ? CHAIN_NONE : slot;
}

void fetch_proof(struct evm *e, const struct chain_header *header)
{
    struct evm_question *q = &e->q[Q_TELL];
    uint32_t last = planned(e, q->to);
    bool ours = header && last != CHAIN_NONE &&
                memcmp(e->chain.blocks[last].header.hash, header->hash, 32) == 0;
    uint32_t failures = q->failures;
    for (uint64_t n = q->from; n <= q->to; n++) {
        uint32_t slot = planned(e, n);
        if (slot == CHAIN_NONE || e->blocks[slot].empties == 0)
            continue;
        struct block_logs *b = &e->blocks[slot];
        b->proven = ours;
        if (ours) { /* it is not behind any more: the pauses begin anew */
            q->failures = b->empties < failures ? b->empties : failures;
            continue;
        }
        b->empties = 0; /* it was not about this block */
        b->by_hash = header != NULL;
    }
    if (ours)
        return;
    ask_pause(e, Q_TELL);
    if (header && q->failures >= 3)
        e->head_wanted = true; /* another block at that height: which branch is it? */
}

bool fetch_empty(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    if (b->empties == 0 || b->proven)
        b->empties++; /* the first one only begins the count: nothing was shown before it */
    b->proven = false;
    return b->empties > e->set.empty_answers;
}

struct reading {
    bool bad, full;
    uint64_t top;       /* highest planned block of which a log was there */
    uint64_t foreign;   /* lowest height at which the node has another block */
    bool whole;         /* asked for without a filter */
    uint8_t bloom[256]; /* then: of all logs that came */
};

/* Keeps what is wanted. The blocks that are known by it to be complete are left to the caller. */
static void read_logs(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *list,
                      uint64_t room, struct reading *r)
{
    hawse_json_value_t v;
    struct wire_log log;
    struct wire_places places;
    int32_t code = 0;
    while (!r->bad && (code = hawse_json_next(doc, list, NULL, &v)) == 1) {
        r->bad = wire_log(doc, &v, &places, &log) != HAWSE_OK;
        if (r->bad)
            break;
        uint64_t number = log.record.block_number;
        uint32_t slot = chain_find(&e->chain, log.record.block_hash);
        if (slot == CHAIN_NONE || slot != planned(e, number)) {
            if (number < r->foreign && chain_told(&e->chain, number) != slot)
                r->foreign = number;
            continue;
        }
        if (number > r->top)
            r->top = number;
        if (r->whole)
            bloom_add_log(r->bloom, &log.record);
        if (e->blocks[slot].checked || e->blocks[slot].overflow)
            continue;
        logs_drop_early(e, slot);
        enum fetch_kept kept = fetch_keep(e, slot, &log, &room);
        r->bad = kept == FETCH_BAD;
        if (kept == FETCH_FULL) {
            e->blocks[slot].overflow = true;
            r->full = true;
        }
    }
    r->bad |= code < 0;
}

/* One block of the answer. True when it is known to be complete now. */
static bool settle(struct evm *e, uint32_t slot, const struct reading *r)
{
    struct block_logs *b = &e->blocks[slot];
    const struct chain_header *header = &e->chain.blocks[slot].header;
    if (b->overflow) {
        b->overflow = false;
        return false;
    }
    if (!watches_may_be_in(&e->watches, header))
        return true;
    if (header->number >= r->foreign) {
        b->by_hash = true;
        return false;
    }
    if (r->whole) {
        bool explained = bloom_explains(r->bloom, header);
        b->unexplained = (uint8_t)(b->unexplained + !explained);
        return explained;
    }
    return header->number <= r->top || fetch_empty(e, slot);
}

/* More logs in one block than the ring holds: they cannot be told. */
static void give_up_block(struct evm *e, uint32_t slot)
{
    uint64_t number = e->chain.blocks[slot].header.number;
    evm_log(e, HAWSE_LOG_ERROR,
            "block %llu has more logs than can be kept: they are lost to readers (raise "
            "settings.log_bytes)",
            (unsigned long long)number);
    gap_give_up(e, HAWSE_REASON_OVERFLOW, number, number);
    e->blocks[slot].checked = true;
}

/* The plan's blocks that the question was about. False when the plan changed meanwhile. */
static bool asked_range(const struct evm *e, enum evm_ask what, uint64_t *first, uint64_t *last)
{
    const struct evm_question *q = &e->q[Q_TELL];
    *first = q->from;
    *last = q->to;
    if (what == ASK_RANGE)
        return true;
    uint32_t slot = chain_find(&e->chain, q->hash);
    if (slot == CHAIN_NONE || slot != planned(e, e->chain.blocks[slot].header.number))
        return false;
    *first = *last = e->chain.blocks[slot].header.number;
    return true;
}

/* The next range: smaller when this one was too much, else slowly up to what is allowed. */
static void fit_range(struct evm *e, bool full)
{
    e->range = full ? (e->range + 1) / 2 : e->range + e->range / 2 + 1;
    if (e->range > e->set.max_range)
        e->range = e->set.max_range;
}

void fetch_answer(struct evm *e, enum evm_ask what, const hawse_json_t *doc,
                  hawse_json_value_t *list)
{
    struct reading r = {
        .foreign = UINT64_MAX, .bad = list->kind != HAWSE_JSON_ARRAY, .whole = what == ASK_WHOLE};
    uint64_t first, last;
    if (!asked_range(e, what, &first, &last))
        return;
    /* a block alone may fill the ring; of a range half is left to what may be taken back */
    read_logs(e, doc, list, what == ASK_RANGE ? e->ring.cap / 2 : e->ring.cap, &r);
    if (r.bad) {
        evm_count(e, e->count.malformed, 1);
        evm_complain(e, "logs of blocks %llu to %llu could not be read: asked again",
                     (unsigned long long)first, (unsigned long long)last);
        ask_pause(e, Q_TELL);
        return;
    }
    bool progress = false, all = true; /* the first of them that is open holds the others up */
    for (uint64_t n = first; n <= last; n++) {
        uint32_t slot = planned(e, n);
        if (slot == CHAIN_NONE || e->blocks[slot].checked)
            continue;
        e->blocks[slot].checked = settle(e, slot, &r);
        all &= e->blocks[slot].checked;
        progress |= all;
        if (what != ASK_RANGE && r.full)
            give_up_block(e, slot);
    }
    if (what == ASK_RANGE)
        fit_range(e, r.full);
    if (progress)
        e->q[Q_TELL].failures = 0;
    else if (!r.full)
        ask_pause(e, Q_TELL);
}
