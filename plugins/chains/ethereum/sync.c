/*
 * Telling: makes the told branch equal to the branch of the newest head, one block at a time. The
 * newest block is told as it is pushed; every other block only when the node was asked for its
 * logs. Each step can stop for want of room and goes on where it stopped.
 */
#include "plugin.h"

#include <string.h>

/* ---- publishing ---- */

static int32_t publish_block(struct evm *e, const struct chain_header *h, uint32_t flags)
{
    uint8_t *at = e->sub->reserve(e->host, e->self, sizeof(hawse_evm_block_t));
    if (!at)
        return HAWSE_E_AGAIN;
    hawse_evm_block_t *b = (hawse_evm_block_t *)(void *)at;
    *b = (hawse_evm_block_t){.size = sizeof(*b),
                             .chain_id = e->set.chain_id,
                             .number = h->number,
                             .timestamp = h->timestamp,
                             .gas_limit = h->gas_limit,
                             .gas_used = h->gas_used,
                             .base_fee_wei = h->base_fee};
    memcpy(b->hash, h->hash, 32);
    memcpy(b->parent_hash, h->parent, 32);
    if (h->has_bloom)
        memcpy(b->logs_bloom, h->bloom, 256);
    return say_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, HAWSE_EVM_STREAM_BLOCKS, flags, 0, b,
                       sizeof(*b));
}

/* ---- heads ---- */

/* The head is known after a time in which it was not: what lies between is told first. */
static void begin_sync(struct evm *e, uint64_t number)
{
    e->phase = PHASE_SYNCING;
    if (e->gaps & (GAP_LINK | GAP_MISSING))
        say_both(e, HAWSE_STREAM_EVENT_RECOVERING, e->gap_reason, e->gap_from,
                 number < e->gap_from ? e->gap_from : number, 0);
}

void sync_distrust(struct evm *e, uint64_t from)
{
    gap_open(e, GAP_MISSING, HAWSE_REASON_MISSING, from);
    begin_sync(e, e->chain.high);
}

/* Does the block lead to the target, or is it told already? Then it says nothing new: a node that
 * is behind, or a head announced twice. Only a block of another branch takes anything back. */
static bool is_behind(struct evm *e, uint32_t slot)
{
    uint32_t unused;
    const struct chain_block *b = &e->chain.blocks[slot];
    if (b->header.number > e->chain.blocks[e->chain.target].header.number)
        return false;
    if (chain_told(&e->chain, b->header.number) == slot)
        return true;
    (void)chain_plan(&e->chain, &unused);
    return chain_path(&e->chain, b->header.number) == slot;
}

static void aim(struct evm *e, uint32_t slot, bool known, enum evm_head how)
{
    if (slot == e->chain.target)
        return;
    if (known && e->chain.target != CHAIN_NONE) {
        if (is_behind(e, slot))
            return;
        if (how == HEAD_PUSHED) { /* left before, or never chosen: which branch is it now? */
            e->head_wanted = true;
            return;
        }
    }
    if (!known)
        e->new_head_ns = evm_now(e);
    e->far = false;
    chain_aim(&e->chain, slot);
}

void sync_head(struct evm *e, const struct chain_header *header, enum evm_head how)
{
    evm_count(e, e->count.heads, 1);
    if (how == HEAD_ASKED)
        e->head_wanted = false;
    if (e->phase == PHASE_WAITING && how == HEAD_ASKED)
        begin_sync(e, header->number);
    if (e->far && header->number > e->chain.high + chain_reach(&e->chain)) {
        e->far_head = *header; /* after the milestone */
        return;
    }
    uint32_t slot = chain_find(&e->chain, header->hash);
    bool known = slot != CHAIN_NONE && e->chain.blocks[slot].known;
    slot = chain_put(&e->chain, header);
    if (slot == CHAIN_NONE) {
        evm_complain(e, "a head contradicts what the node said before; block %llu is not used",
                     (unsigned long long)header->number);
        return;
    }
    if (how == HEAD_PUSHED && e->link == LINK_UP && !known)
        e->chain.blocks[slot].pushed = true;
    if (e->phase == PHASE_WAITING)
        return; /* what was missed comes first: the head is asked for, then aimed at */
    if (!e->chain.started && !e->chain.rooted && e->gaps == 0)
        e->blocks[slot].checked = true; /* readers begin behind the head of the moment */
    aim(e, slot, known, how);
}

void sync_milestone(struct evm *e, const struct chain_header *header)
{
    uint32_t slot = chain_put(&e->chain, header);
    if (slot == CHAIN_NONE || e->chain.target == CHAIN_NONE ||
        chain_told(&e->chain, header->number) == slot) {
        ask_pause(e, Q_TELL);
        return;
    }
    if (!e->far)
        e->far_head = e->chain.blocks[e->chain.target].header;
    e->far = true;
    chain_aim(&e->chain, slot);
}

void sync_suspect(struct evm *e)
{
    e->suspect = e->chain.high + 2;
    if (e->chain.started)
        check_want(e, chain_told(&e->chain, e->chain.high));
}

/* ---- taking back ---- */

static bool say_reorg(struct evm *e, uint32_t head_slot)
{
    uint64_t from = e->chain.ancestor + 1, to = e->chain.high;
    if (from > to)
        from = to;
    hawse_evm_reorg_t reorg = {.size = sizeof(reorg),
                               .depth = (uint32_t)(to - from + 1),
                               .chain_id = e->set.chain_id,
                               .from = from,
                               .to = to};
    uint32_t ancestor = from > 0 ? chain_told(&e->chain, from - 1) : CHAIN_NONE;
    if (ancestor != CHAIN_NONE)
        memcpy(reorg.ancestor_hash, e->chain.blocks[ancestor].header.hash, 32);
    memcpy(reorg.old_hash, e->chain.blocks[head_slot].header.hash, 32);
    if (e->chain.target != CHAIN_NONE)
        memcpy(reorg.new_hash, e->chain.blocks[e->chain.target].header.hash, 32);
    if (say_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_REORG, HAWSE_EVM_STREAM_BLOCKS, 0, 0, &reorg,
                    sizeof(reorg)) == HAWSE_E_AGAIN)
        return false;
    e->retract_from = from;
    say_both(e, HAWSE_STREAM_EVENT_RETRACT, HAWSE_REASON_REORG, from, to, 0);
    evm_count(e, e->count.reorgs, 1);
    evm_gauge(e, e->count.depth, (int64_t)reorg.depth);
    evm_log(e, HAWSE_LOG_WARN, "reorganisation: blocks %llu to %llu are taken back",
            (unsigned long long)from, (unsigned long long)to);
    return true;
}

static bool take_back_logs(struct evm *e, struct block_logs *b)
{
    while (b->told > 0 && e->removing_at) {
        const struct log_copy *copy = logs_at(e, e->removing_at);
        if (!copy) {
            b->lost = true;
            break;
        }
        if (say_copy(e, copy, HAWSE_EVENT_REMOVED) == HAWSE_E_AGAIN)
            return false;
        e->removing_at = copy->prev;
        b->told--;
    }
    return true;
}

/* The told head goes: its logs newest first, then the block. False: no room. */
static bool untell(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    uint64_t number = e->chain.blocks[slot].header.number;
    if (!e->removing) {
        if (number < e->retract_from && !say_reorg(e, slot))
            return false;
        if (e->late_slot == slot)
            e->late_slot = CHAIN_NONE;
        e->removing = true;
        e->removing_at = b->newest;
    }
    if (!take_back_logs(e, b) ||
        publish_block(e, &e->chain.blocks[slot].header, HAWSE_EVENT_REMOVED) == HAWSE_E_AGAIN)
        return false;
    if (b->lost) {
        evm_log(e, HAWSE_LOG_ERROR,
                "block %llu leaves the chain, but its logs are no longer kept: "
                "readers must start afresh (raise settings.log_bytes)",
                (unsigned long long)number);
        gap_give_up(e, HAWSE_REASON_REORG, number, number);
    }
    e->removing = false;
    chain_untell(&e->chain);
    final_untold(e, number);
    logs_forget(e, slot); /* asked for again should the block come back */
    e->blocks[slot].unsure = true;
    return true;
}

/* ---- telling ---- */

/* May the block be told without asking? Only the newest, pushed in its turn. */
static bool newest(const struct evm *e, uint32_t slot)
{
    const struct chain_block *b = &e->chain.blocks[slot];
    return e->phase == PHASE_LIVE && b->pushed && slot == e->chain.target && link_covers(e) &&
           e->retract_from == EVM_NOT_TAKING && !e->blocks[slot].unsure;
}

static bool may_tell(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    if (b->count > 0 && !logs_at(e, b->untold)) {
        logs_forget(e, slot); /* fetched long ago and written over since: again */
        b->unsure = true;
    }
    if (b->checked || newest(e, slot))
        return true;
    if (!watches_may_be_in(&e->watches, &e->chain.blocks[slot].header)) {
        b->checked = true; /* its bloom filter proves that it has none */
        return true;
    }
    return false;
}

bool sync_tell_logs(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    bool late = e->phase != PHASE_LIVE || slot == e->late_slot;
    uint32_t flags = late ? HAWSE_EVENT_BACKFILLED : 0;
    while (b->told < b->count) {
        struct log_copy *copy = logs_at(e, b->untold);
        if (!copy) { /* out of reach: see may_tell */
            b->lost = true;
            break;
        }
        copy->log.block_timestamp = e->chain.blocks[slot].header.timestamp;
        if (say_copy(e, copy, flags) == HAWSE_E_AGAIN)
            return false;
        b->told++;
        b->untold = copy->next;
        e->logs_now++;
        if (flags) {
            e->late_logs++;
            evm_count(e, e->count.backfilled, 1);
        }
    }
    return true;
}

static bool finish_telling(struct evm *e)
{
    if (e->telling_on && !sync_tell_logs(e, chain_told(&e->chain, e->chain.high)))
        return false;
    e->telling_on = false;
    return true;
}

static bool tell(struct evm *e, uint32_t slot)
{
    uint32_t flags = e->phase == PHASE_LIVE ? 0 : HAWSE_EVENT_BACKFILLED;
    uint64_t number = e->chain.blocks[slot].header.number;
    if (publish_block(e, &e->chain.blocks[slot].header, flags) == HAWSE_E_AGAIN)
        return false;
    if (e->chain.started)
        chain_tell(&e->chain, slot);
    else
        chain_start(&e->chain, slot);
    e->chain.blocks[slot].seen_ns = evm_now(e);
    e->telling_on = true;
    e->retract_from = EVM_NOT_TAKING;
    if (!e->blocks[slot].checked && (e->set.check_logs || number <= e->suspect))
        check_want(e, slot);
    return finish_telling(e);
}

/* ---- the plan ---- */

static void give_up(struct evm *e, const char *why)
{
    uint64_t head = e->chain.blocks[e->chain.target].header.number;
    uint64_t from = e->gaps ? e->gap_from : e->chain.high + 1;
    uint64_t unchecked = check_forget(e);
    evm_log(e, HAWSE_LOG_ERROR, "%s: what lies between is lost to readers", why);
    from = unchecked < from ? unchecked : from;
    gap_give_up(e, HAWSE_REASON_DISCONNECTED, head < from ? head : from, head);
    e->gaps = 0;
    e->late_slot = CHAIN_NONE;
    e->removing = e->telling_on = e->far = false;
    e->retract_from = EVM_NOT_TAKING;
    chain_forget(&e->chain);
    e->final_number = 0;
    e->phase = PHASE_SYNCING;
}

/* In a gap nothing is told behind a block whose own logs may be incomplete. */
static bool unsure(struct evm *e)
{
    return (e->gaps & (GAP_LINK | GAP_MISSING)) != 0 && check_waits(e);
}

/* Told and target agree. */
static void at_rest(struct evm *e)
{
    if (e->far) { /* the milestone is told: on to the head */
        e->far = false;
        uint32_t slot = chain_put(&e->chain, &e->far_head);
        if (slot != CHAIN_NONE)
            chain_aim(&e->chain, slot);
        else
            e->head_wanted = true;
        return;
    }
    if (e->phase != PHASE_SYNCING || !e->chain.started || unsure(e) ||
        (!e->polling && e->link != LINK_UP))
        return;
    e->phase = PHASE_LIVE;
    gap_close(e, GAP_LINK | GAP_MISSING);
    say_live(e);
}

static int tell_or_ask(struct evm *e, uint32_t slot)
{
    if (e->chain.started && (unsure(e) || check_holds(e)))
        return 0;
    if (may_tell(e, slot))
        return tell(e, slot) ? 1 : -1;
    fetch_more(e, slot);
    return 0;
}

static int go_far(struct evm *e)
{
    uint64_t head = e->chain.blocks[e->chain.target].header.number;
    if (head - e->chain.high > e->set.max_backfill) {
        give_up(e, "the gap is larger than settings.max_backfill");
        return 1;
    }
    if (ask_ready(e, Q_TELL))
        ask_number(e, Q_TELL, ASK_MILESTONE, e->chain.high + chain_reach(&e->chain) / 2);
    return 0;
}

/* One step of the plan. 1: go on; 0: wait for something; -1: no room. */
static int step(struct evm *e)
{
    uint32_t slot = CHAIN_NONE;
    if (e->removing) /* to its end, whatever the plan is by now */
        return untell(e, chain_told(&e->chain, e->chain.high)) ? 1 : -1;
    if (!e->chain.started && !e->chain.rooted) /* the first block is wherever the head is */
        return tell_or_ask(e, e->chain.target);
    switch (chain_plan(&e->chain, &slot)) {
    case CHAIN_UNTELL:
        return untell(e, slot) ? 1 : -1;
    case CHAIN_TELL:
        return tell_or_ask(e, slot);
    case CHAIN_MISSING:
        if (ask_ready(e, Q_TELL))
            ask_block(e, e->chain.missing);
        return 0;
    case CHAIN_FAR:
        return go_far(e);
    case CHAIN_BROKEN:
        give_up(e, "the chain was rewritten further back than what is kept (settings.window)");
        return 1;
    default: {
        bool further = e->far;
        at_rest(e);
        return further;
    }
    }
}

bool sync_pump(struct evm *e)
{
    if (!say_waiting(e))
        return false;
    if (e->phase == PHASE_WAITING && !e->removing)
        return true;
    if (!finish_telling(e) || !check_tell_late(e))
        return false;
    check_next(e); /* in a gap, telling waits for it */
    for (;;) {
        int went = e->chain.target == CHAIN_NONE ? 0 : step(e);
        if (went < 0)
            return false;
        if (went == 0)
            break;
    }
    check_next(e);
    return say_waiting(e);
}

/* ---- logs that are pushed ---- */

/* Is it the newest told block, with nothing of it still to be told? */
static bool is_current(const struct evm *e, const struct chain_block *block, uint32_t slot)
{
    return block->told && block->header.number == e->chain.high && e->phase == PHASE_LIVE &&
           !e->removing && e->blocks[slot].told == e->blocks[slot].count && e->notice_count == 0;
}

/* A log before its head waits for it. A late one: its block is checked (again). What is not kept is
 * asked for before its block is told. */
static void put_off(struct evm *e, uint32_t slot, struct wire_log *log, uint64_t t_recv_ns)
{
    struct block_logs *b = &e->blocks[slot];
    uint64_t room = e->ring.cap / 2;
    if (e->chain.blocks[slot].told) {
        if (!logs_has(e, slot, log->record.log_index))
            check_want(e, slot);
        return;
    }
    bool may = e->phase == PHASE_LIVE && (b->count == 0 || b->early) && !b->checked;
    enum fetch_kept kept = may ? fetch_keep(e, slot, log, &room) : FETCH_FULL;
    if (kept == FETCH_KEPT) {
        b->early = true;
        logs_at(e, b->newest)->t_recv_ns = t_recv_ns;
    } else if (kept != FETCH_HAD) {
        b->unsure = true;
    }
}

/* The hot path: one pushed log of the newest block. */
int32_t sync_push(struct evm *e, struct wire_log *log, uint64_t t_recv_ns)
{
    if (log->removed)
        return 1; /* heads say what left the chain, and in which order */
    log->record.chain_id = e->set.chain_id;
    if (!watches_want(&e->watches, &log->record))
        return 1;
    uint32_t slot = chain_find(&e->chain, log->record.block_hash);
    if (slot == CHAIN_NONE)
        slot = chain_stub(&e->chain, log->record.block_hash, log->record.block_number);
    if (slot == CHAIN_NONE)
        return 1; /* far from anything that is told: the sync asks for it when it gets there */
    struct chain_block *block = &e->chain.blocks[slot];
    if (!is_current(e, block, slot)) {
        put_off(e, slot, log, t_recv_ns);
        return 1;
    }
    if (logs_has(e, slot, log->record.log_index)) {
        e->duplicates_now++;
        return 2;
    }
    uint64_t len = sizeof(hawse_evm_log_t) + log->record.data_len;
    uint8_t *at = e->sub->reserve(e->host, e->self, len);
    if (!at)
        return 0;
    log->record.block_timestamp = block->header.timestamp;
    memcpy(at, &log->record, log->record.data_offset); /* its size; unknown, it is not inlined */
    if (wire_log_data(log, at + sizeof(log->record)) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_LOG,
                           .stream = HAWSE_EVM_STREAM_LOGS,
                           .epoch = e->epoch,
                           .t_recv_ns = t_recv_ns,
                           .t_source_ns = block->header.timestamp * 1000000000u,
                           .key = hawse_key(log->record.address, 20),
                           .data = at,
                           .len = len};
    if (e->sub->publish(e->host, e->self, &event) == HAWSE_E_AGAIN)
        return 0;
    (void)logs_add(e, slot, (const hawse_evm_log_t *)(const void *)at);
    e->blocks[slot].told++;
    e->blocks[slot].untold = 0;
    e->logs_now++;
    return 2;
}
