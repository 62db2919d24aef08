/*
 * Checks of told blocks: the newest block is told as it is pushed, so the node is asked afterwards
 * whether that was all. What was missing is announced, told and healed. A block is to be checked
 * until an answer about it is believed (fetch.c has the rule), and does not leave the window
 * before: telling waits for it, and readers know.
 *
 * Told blocks are checked in the order of their numbers, one at a time: check_from is the cursor.
 */
#include "plugin.h"

#include <string.h>

enum { YOUNG_MS = 2000 };

void check_want(struct evm *e, uint32_t slot)
{
    uint64_t number = e->chain.blocks[slot].header.number;
    e->blocks[slot].check = true;
    e->blocks[slot].checked = false;
    e->blocks[slot].empties = 0;
    if (number < e->check_from)
        e->check_from = number;
}

static void done(struct evm *e, uint32_t slot)
{
    e->blocks[slot].check = false;
    e->blocks[slot].checked = true;
    e->q[Q_CHECK].failures = 0;
}

/* What cannot be told any more, and is said to be lost. */
static void lose(struct evm *e, uint64_t number, uint32_t reason, const char *why)
{
    evm_log(e, HAWSE_LOG_ERROR, "block %llu %s: its logs may be lost to readers",
            (unsigned long long)number, why);
    gap_give_up(e, reason, number, number);
}

void check_evicted(void *ctx, uint32_t slot)
{
    struct evm *e = ctx;
    const struct chain_header *header = &e->chain.blocks[slot].header;
    if (e->blocks[slot].check && watches_may_be_in(&e->watches, header))
        lose(e, header->number, HAWSE_REASON_REJECTED,
             "leaves the window before the node said which logs it has");
    logs_forget(e, slot);
}

uint64_t check_forget(struct evm *e)
{
    uint64_t lowest = UINT64_MAX;
    for (uint32_t slot = 0; slot < e->chain.cap; slot++) {
        if (e->blocks[slot].check && e->chain.blocks[slot].header.number < lowest)
            lowest = e->chain.blocks[slot].header.number;
        e->blocks[slot].check = false;
    }
    return lowest;
}

/* The lowest told block that is to be checked; CHAIN_NONE when none is. */
static uint32_t next_slot(struct evm *e)
{
    if (e->check_from < e->chain.low)
        e->check_from = e->chain.low;
    for (; e->chain.started && e->check_from <= e->chain.high; e->check_from++) {
        uint32_t slot = chain_told(&e->chain, e->check_from);
        if (!e->blocks[slot].check)
            continue;
        if (watches_may_be_in(&e->watches, &e->chain.blocks[slot].header))
            return slot;
        done(e, slot);
    }
    return CHAIN_NONE;
}

bool check_waits(struct evm *e)
{
    return next_slot(e) != CHAIN_NONE;
}

uint64_t check_unsure_from(struct evm *e)
{
    uint32_t head = chain_told(&e->chain, e->chain.high);
    if (!e->blocks[head].checked) /* its pushes may be cut short, also where checks are off */
        check_want(e, head);
    uint32_t slot = next_slot(e);
    return slot != CHAIN_NONE ? e->chain.blocks[slot].header.number : e->chain.high + 1;
}

void check_next(struct evm *e)
{
    if (e->phase == PHASE_WAITING || e->late_slot != CHAIN_NONE || !ask_ready(e, Q_CHECK))
        return;
    uint32_t slot = next_slot(e);
    if (slot == CHAIN_NONE)
        return;
    const struct chain_block *b = &e->chain.blocks[slot];
    if (e->gaps == 0 && b->header.number + e->set.check_blocks > e->chain.high &&
        evm_now(e) - b->seen_ns < YOUNG_MS * EVM_MS)
        return; /* more of it may still be on its way */
    if (fetch_whole(e, slot)) {
        ask_whole(e, Q_CHECK, slot);
        return;
    }
    if (e->blocks[slot].empties > 0 && !e->blocks[slot].proven) {
        memcpy(e->q[Q_CHECK].hash, b->header.hash, 32);
        ask_number(e, Q_CHECK, ASK_CHECK_PROOF, b->header.number);
        return;
    }
    ask_logs_of(e, Q_CHECK, slot);
}

bool check_holds(struct evm *e)
{
    uint32_t slot = chain_told(&e->chain, e->chain.low);
    bool full = e->chain.high - e->chain.low + 1 >= e->chain.window;
    if (full && e->blocks[slot].check &&
        watches_may_be_in(&e->watches, &e->chain.blocks[slot].header)) {
        if (!(e->gaps & GAP_HELD))
            evm_log(e, HAWSE_LOG_ERROR,
                    "the node does not say which logs block %llu has, and it is the last one of "
                    "settings.window: nothing more is told until it does",
                    (unsigned long long)e->chain.low);
        gap_open(e, GAP_HELD, HAWSE_REASON_REJECTED, e->chain.low);
        return true;
    }
    gap_close(e, GAP_HELD);
    return false;
}

/* The told block that the question was about; CHAIN_NONE when it is not told any more. */
static uint32_t asked(const struct evm *e)
{
    uint32_t slot = chain_find(&e->chain, e->q[Q_CHECK].hash);
    return slot != CHAIN_NONE && e->chain.blocks[slot].told ? slot : CHAIN_NONE;
}

void check_proof(struct evm *e, const struct chain_header *header)
{
    uint32_t slot = asked(e);
    if (slot == CHAIN_NONE)
        return;
    struct block_logs *b = &e->blocks[slot];
    b->proven = header && memcmp(header->hash, e->q[Q_CHECK].hash, 32) == 0;
    struct evm_question *q = &e->q[Q_CHECK];
    if (b->proven) { /* it is not behind any more: the pauses begin anew */
        q->failures = b->empties < q->failures ? b->empties : q->failures;
        return;
    }
    b->empties = 0;
    ask_pause(e, Q_CHECK);
    if (header && q->failures >= 3)
        e->head_wanted = true; /* another block at that height: which branch is it? */
}

static void found(struct evm *e, uint32_t slot, uint32_t before)
{
    uint64_t number = e->chain.blocks[slot].header.number;
    uint32_t missing = e->blocks[slot].count - before;
    e->late_slot = slot; /* told by the pump, which knows how to stop for room */
    if (!(e->gaps & (GAP_LINK | GAP_MISSING))) {
        evm_count(e, e->count.missing, missing);
        evm_log(e, HAWSE_LOG_WARN, "block %llu: %u logs were never pushed; told late",
                (unsigned long long)number, missing);
        sync_distrust(e, number);
    }
    if (before == 0 && (e->gaps & GAP_MISSING) && e->link == LINK_UP && e->logs_on)
        link_resubscribe(e); /* nothing at all was pushed: the subscription may be dead */
}

struct reading {
    uint32_t wanted; /* logs that somebody wants */
    bool bad, full;
    bool any;           /* a log of the block was there */
    bool whole;         /* asked for without a filter */
    uint8_t bloom[256]; /* then: of all logs that came */
};

static void read_logs(struct evm *e, uint32_t slot, const hawse_json_t *doc,
                      hawse_json_value_t *list, struct reading *r)
{
    hawse_json_value_t v;
    struct wire_log log;
    struct wire_places places;
    uint64_t room = e->ring.cap / 2;
    int32_t code = 0;
    r->bad = list->kind != HAWSE_JSON_ARRAY;
    while (!r->bad && (code = hawse_json_next(doc, list, NULL, &v)) == 1) {
        r->bad = wire_log(doc, &v, &places, &log) != HAWSE_OK;
        if (r->bad || memcmp(log.record.block_hash, e->q[Q_CHECK].hash, 32) != 0)
            continue;
        r->any = true;
        if (r->whole)
            bloom_add_log(r->bloom, &log.record);
        enum fetch_kept kept = fetch_keep(e, slot, &log, &room);
        r->wanted += kept != FETCH_UNWANTED;
        r->full |= kept == FETCH_FULL;
        r->bad |= kept == FETCH_BAD;
    }
    r->bad |= code < 0;
}

/* Is the block complete now? */
static bool settled(struct evm *e, uint32_t slot, const struct reading *r)
{
    struct block_logs *b = &e->blocks[slot];
    if (r->whole) {
        bool explained = bloom_explains(r->bloom, &e->chain.blocks[slot].header);
        b->unexplained = (uint8_t)(b->unexplained + !explained);
        return explained;
    }
    return (r->any && r->wanted == b->count) || fetch_empty(e, slot);
}

void check_answer(struct evm *e, enum evm_ask what, const hawse_json_t *doc,
                  hawse_json_value_t *list)
{
    uint32_t slot = asked(e);
    struct reading r = {.whole = what == ASK_CHECK_WHOLE};
    if (slot == CHAIN_NONE)
        return;
    struct block_logs *b = &e->blocks[slot];
    uint64_t number = e->chain.blocks[slot].header.number;
    uint32_t before = b->count;
    read_logs(e, slot, doc, list, &r);
    if (b->count > before)
        found(e, slot, before);
    if (r.bad) {
        evm_count(e, e->count.malformed, 1);
        evm_complain(e, "the logs of block %llu could not be read: asked again",
                     (unsigned long long)number);
        ask_pause(e, Q_CHECK);
    } else if (r.full || r.wanted > b->count) { /* copies were written over: which are missing? */
        lose(e, number, HAWSE_REASON_OVERFLOW, "has more logs than settings.log_bytes can keep");
        done(e, slot);
    } else if (settled(e, slot, &r)) {
        done(e, slot);
    } else {
        ask_pause(e, Q_CHECK);
    }
}

bool check_tell_late(struct evm *e)
{
    if (e->late_slot == CHAIN_NONE)
        return true;
    if (!sync_tell_logs(e, e->late_slot))
        return false;
    e->late_slot = CHAIN_NONE;
    return true;
}
