/*
 * Telling: makes the told branch equal to the branch of the newest head, one block at a time. The
 * newest block is told as it is pushed; every other block only when the node was asked for its
 * logs. Each step can stop for want of room and goes on where it stopped.
 */
#include "plugin.h"

#include <string.h>

enum { MS = 1000000 };

static uint64_t now(const struct evm *e)
{
    return e->host->now(e->host, HAWSE_CLOCK_MONOTONIC);
}

/* ---- publishing ---- */

int32_t sync_publish(struct evm *e, uint16_t space, uint16_t kind, uint32_t stream, uint32_t flags,
                     uint64_t key, const void *record, uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = space,
                           .kind = kind,
                           .stream = stream,
                           .epoch = e->epoch,
                           .flags = flags,
                           .key = key,
                           .data = record,
                           .len = len};
    return e->sub->publish(e->host, e->self, &event);
}

int32_t sync_range(struct evm *e, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from,
                   uint64_t to, uint64_t count)
{
    hawse_stream_range_t range = {
        .size = sizeof(range), .reason = reason, .from = from, .to = to, .count = count};
    return sync_publish(e, HAWSE_SPACE_STREAM, kind, stream, 0, 0, &range, sizeof(range));
}

/* The same for blocks and logs. */
static void say_both(struct evm *e, uint16_t kind, uint32_t reason, uint64_t from, uint64_t to,
                     uint64_t count)
{
    (void)sync_range(e, kind, HAWSE_EVM_STREAM_BLOCKS, reason, from, to, count);
    (void)sync_range(e, kind, HAWSE_EVM_STREAM_LOGS, reason, from, to, count);
}

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
    return sync_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, HAWSE_EVM_STREAM_BLOCKS, flags, 0, b,
                        sizeof(*b));
}

static int32_t publish_copy(struct evm *e, const struct log_copy *copy, uint32_t flags)
{
    uint64_t len = copy->log.size + (uint64_t)copy->log.data_len;
    return sync_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, HAWSE_EVM_STREAM_LOGS, flags,
                        hawse_key(copy->log.address, 20), &copy->log, len);
}

/* ---- heads ---- */

void sync_evicted(void *ctx, uint32_t slot)
{
    logs_forget(ctx, slot);
}

void sync_head(struct evm *e, const struct chain_header *header, bool pushed)
{
    uint32_t slot = chain_put(&e->chain, header);
    evm_count(e, e->count.heads, 1);
    if (slot == CHAIN_NONE) {
        evm_complain(e, "a head contradicts what the node said before; block %llu is not used",
                     (unsigned long long)header->number);
        return;
    }
    e->chain.blocks[slot].pushed = pushed;
    if (e->phase == PHASE_JOINING && !pushed) {
        e->phase = PHASE_SYNCING;
        e->first_target = header->number;
        if (e->gap_open)
            say_both(e, HAWSE_STREAM_EVENT_RECOVERING, e->gap_reason, e->gap_from, header->number,
                     0);
    }
    if (e->phase == PHASE_JOINING)
        return; /* what was missed comes first: the head is asked for, then aimed at */
    if (!e->chain.started && !e->gap_open)
        e->blocks[slot].checked = true; /* readers begin behind the head of the moment */
    chain_aim(&e->chain, slot);
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
    if (sync_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_REORG, HAWSE_EVM_STREAM_BLOCKS, 0, 0, &reorg,
                     sizeof(reorg)) == HAWSE_E_AGAIN)
        return false;
    say_both(e, HAWSE_STREAM_EVENT_RETRACT, HAWSE_REASON_REORG, from, to, 0);
    evm_count(e, e->count.reorgs, 1);
    evm_gauge(e, e->count.depth, (int64_t)reorg.depth);
    evm_log(e, HAWSE_LOG_WARN, "reorganisation: blocks %llu to %llu are taken back",
            (unsigned long long)from, (unsigned long long)to);
    return true;
}

/* The told head goes: its logs newest first, then the block. False: no room. */
static bool untell(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    if (!e->retract_said) {
        if (!say_reorg(e, slot))
            return false;
        e->retract_said = true;
    }
    if (!e->removing) {
        e->removing = true;
        e->removing_at = b->newest;
    }
    while (b->told > 0 && e->removing_at) {
        const struct log_copy *copy = logs_at(e, e->removing_at);
        if (!copy) {
            b->lost = true;
            break;
        }
        if (publish_copy(e, copy, HAWSE_EVENT_REMOVED) == HAWSE_E_AGAIN)
            return false;
        e->removing_at = copy->prev;
        b->told--;
    }
    if (publish_block(e, &e->chain.blocks[slot].header, HAWSE_EVENT_REMOVED) == HAWSE_E_AGAIN)
        return false;
    if (b->lost) {
        evm_log(e, HAWSE_LOG_ERROR,
                "block %llu leaves the chain, but its logs are no longer kept: "
                "readers must start afresh (raise settings.log_bytes)",
                (unsigned long long)e->chain.blocks[slot].header.number);
        (void)sync_range(e, HAWSE_STREAM_EVENT_UNHEALABLE, HAWSE_EVM_STREAM_LOGS,
                         HAWSE_REASON_REORG, e->chain.high, e->chain.high, b->told);
    }
    e->removing = false;
    chain_untell(&e->chain);
    if (e->late_slot == slot)
        e->late_slot = CHAIN_NONE;
    logs_forget(e, slot); /* asked for again should the block come back */
    e->blocks[slot].unsure = true;
    return true;
}

/* ---- telling ---- */

/* May the block be told without asking? Only the newest, pushed in its turn. */
static bool newest(const struct evm *e, uint32_t slot)
{
    const struct chain_block *b = &e->chain.blocks[slot];
    return e->phase == PHASE_LIVE && b->pushed && slot == e->chain.target && !e->retract_said &&
           !e->blocks[slot].unsure;
}

static bool may_tell(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    if (b->checked || newest(e, slot))
        return true;
    if (!watches_may_be_in(&e->watches, &e->chain.blocks[slot].header)) {
        b->checked = true; /* its bloom filter proves that it has none */
        return true;
    }
    return false;
}

static void queue_check(struct evm *e, uint32_t slot)
{
    if (e->check_count == CHECKS_MAX)
        return;
    uint32_t at = (e->check_first + e->check_count++) % CHECKS_MAX;
    e->checks[at] = slot;
    memcpy(e->check_hashes[at], e->chain.blocks[slot].header.hash, 32);
}

/* Logs of the block just told that came before it was told, oldest first. False: no room. */
static bool tell_logs(struct evm *e, uint32_t slot)
{
    struct block_logs *b = &e->blocks[slot];
    bool late = e->phase != PHASE_LIVE || slot == e->late_slot;
    uint32_t flags = late ? HAWSE_EVENT_BACKFILLED : 0;
    while (b->told < b->count) { /* copies hang newest first: walk back to the oldest untold one */
        uint64_t at = b->newest;
        for (uint32_t skip = b->count - b->told - 1; skip > 0 && logs_at(e, at); skip--)
            at = logs_at(e, at)->prev;
        struct log_copy *copy = logs_at(e, at);
        if (!copy) {
            b->lost = true;
            break;
        }
        copy->log.block_timestamp = e->chain.blocks[slot].header.timestamp;
        if (publish_copy(e, copy, flags) == HAWSE_E_AGAIN)
            return false;
        b->told++;
        evm_count(e, e->count.logs, 1);
        if (flags) {
            e->late_logs++;
            evm_count(e, e->count.backfilled, 1);
        }
    }
    e->telling_on = false;
    return true;
}

static bool tell(struct evm *e, uint32_t slot)
{
    uint32_t flags = e->phase == PHASE_LIVE ? 0 : HAWSE_EVENT_BACKFILLED;
    if (publish_block(e, &e->chain.blocks[slot].header, flags) == HAWSE_E_AGAIN)
        return false;
    if (e->chain.started)
        chain_tell(&e->chain, slot);
    else
        chain_start(&e->chain, slot);
    e->chain.blocks[slot].seen_ns = now(e);
    e->telling_on = true;
    e->retract_said = false;
    if (!e->blocks[slot].checked && e->set.check_logs)
        queue_check(e, slot);
    return tell_logs(e, slot);
}

/* ---- what is missing ---- */

/* Asks for the logs of the next blocks to be told: a range where several lack them, else that
 * block. */
static void ask_for_logs(struct evm *e, uint32_t slot)
{
    uint64_t from = e->chain.blocks[slot].header.number, to = from;
    uint64_t target = e->chain.blocks[e->chain.target].header.number;
    while (e->chain.started && to < target && to - from + 1 < e->range) {
        uint32_t next = chain_path(&e->chain, to + 1);
        if (next == CHAIN_NONE)
            break;
        to++;
    }
    if (to == from)
        ask_logs_of(e, slot, false);
    else
        ask_logs_range(e, from, to);
}

static void give_up_gap(struct evm *e, const char *why)
{
    evm_log(e, HAWSE_LOG_ERROR, "%s: what lies between is lost to readers", why);
    uint64_t from = e->gap_open ? e->gap_from : e->chain.high + 1;
    say_both(e, HAWSE_STREAM_EVENT_UNHEALABLE, HAWSE_REASON_DISCONNECTED, from,
             e->chain.blocks[e->chain.target].header.number, 0);
    chain_forget(&e->chain);
    e->retract_said = e->removing = e->telling_on = false;
}

/* A told block that was queued for its check, and still stands. */
static bool stands(const struct evm *e, uint32_t nth)
{
    uint32_t at = (e->check_first + nth) % CHECKS_MAX;
    const struct chain_block *b = &e->chain.blocks[e->checks[at]];
    return b->used && b->told && memcmp(b->header.hash, e->check_hashes[at], 32) == 0;
}

/* In a gap nothing is told behind a block whose own logs may be incomplete. */
static bool unsure(const struct evm *e)
{
    return e->gap_open && e->check_count > 0;
}

/*
 * The first block of which logs may be missing when the pushes end now: the oldest that is not
 * checked. The told head is one even where checks are off: its pushes may have been cut short.
 */
uint64_t sync_unsure_from(struct evm *e)
{
    uint32_t head = chain_told(&e->chain, e->chain.high);
    if (!e->set.check_logs && head != CHAIN_NONE && !e->blocks[head].checked)
        queue_check(e, head);
    for (uint32_t i = 0; i < e->check_count; i++) {
        if (stands(e, i))
            return e->chain.blocks[e->checks[(e->check_first + i) % CHECKS_MAX]].header.number;
    }
    return e->chain.high + 1;
}

/* Told and target agree: everything up to the head is told. */
static void at_rest(struct evm *e)
{
    if (e->phase != PHASE_SYNCING || !e->chain.started || unsure(e))
        return;
    if (!e->heads_on || (!e->logs_on && e->watches.count > 0))
        return; /* a head could still slip through between the question and the subscription */
    e->phase = PHASE_LIVE;
    if (e->gap_open) {
        if (e->gap_from > e->chain.high) /* no block came meanwhile */
            e->gap_from = e->chain.high;
        say_both(e, HAWSE_STREAM_EVENT_HEALED, e->gap_reason, e->gap_from, e->chain.high,
                 e->late_logs);
        evm_log(e, HAWSE_LOG_INFO, "healed: blocks %llu to %llu, %llu logs told late",
                (unsigned long long)e->gap_from, (unsigned long long)e->chain.high,
                (unsigned long long)e->late_logs);
    }
    e->gap_open = false;
    say_both(e, HAWSE_STREAM_EVENT_LIVE, HAWSE_REASON_START, e->chain.high, HAWSE_POSITION_OPEN, 0);
    (void)e->streams->channel_state(e->host, e->self, e->heads_channel, HAWSE_CHANNEL_LIVE);
    (void)e->streams->channel_state(e->host, e->self, e->logs_channel, HAWSE_CHANNEL_LIVE);
}

static int tell_or_ask(struct evm *e, uint32_t slot)
{
    if (may_tell(e, slot))
        return tell(e, slot) ? 1 : -1;
    if (e->asking == ASK_NONE && now(e) >= e->ask_again_ns)
        ask_for_logs(e, slot);
    return 0;
}

/* One step of the plan. 1: go on; 0: wait for something; -1: no room. */
static int step(struct evm *e)
{
    uint32_t slot = CHAIN_NONE;
    if (!e->chain.started) /* the first block is wherever the head is */
        return tell_or_ask(e, e->chain.target);
    switch (chain_plan(&e->chain, &slot)) {
    case CHAIN_UNTELL:
        return untell(e, slot) ? 1 : -1;
    case CHAIN_TELL:
        return unsure(e) ? 0 : tell_or_ask(e, slot);
    case CHAIN_MISSING:
        if (e->asking == ASK_NONE && now(e) >= e->ask_again_ns)
            ask_block_by_hash(e, e->chain.missing);
        return 0;
    case CHAIN_FAR:
        if (e->chain.started &&
            e->chain.blocks[e->chain.target].header.number - e->chain.high > e->set.max_backfill) {
            give_up_gap(e, "the gap is larger than settings.max_backfill");
            return 1;
        }
        if (e->asking == ASK_NONE && now(e) >= e->ask_again_ns)
            ask_block_by_number(e, e->chain.high + chain_reach(&e->chain) / 2);
        return 0;
    case CHAIN_BROKEN:
        give_up_gap(e, "the chain was rewritten further back than settings.window");
        return 1;
    default:
        at_rest(e);
        return 0;
    }
}

/*
 * One check of a told block that has had time to be pushed whole, or that a gap makes doubtful. A
 * block leaves the queue when its answer was read, not when the question was sent: a refusal, a
 * lost connection or an answer that cannot be read is asked again after a pause.
 */
static void check_next(struct evm *e)
{
    while (e->check_count > 0 && !e->check_request && e->phase >= PHASE_SYNCING) {
        uint32_t slot = e->checks[e->check_first];
        const struct chain_block *b = &e->chain.blocks[slot];
        bool same = stands(e, 0);
        bool young = !e->gap_open && b->header.number + e->set.check_blocks > e->chain.high &&
                     now(e) - b->seen_ns < 2000ull * MS;
        if (e->late_slot != CHAIN_NONE || (same && young))
            return;
        if (same && !e->blocks[slot].checked && watches_may_be_in(&e->watches, &b->header)) {
            if (now(e) >= e->ask_again_ns)
                ask_logs_of(e, slot, true);
            return; /* its answer, or the next event, goes on */
        }
        if (same)
            e->blocks[slot].checked = true;
        e->check_first = (e->check_first + 1) % CHECKS_MAX;
        e->check_count--;
    }
}

bool sync_pump(struct evm *e)
{
    if (e->phase < PHASE_SYNCING)
        return true;
    if (e->telling_on && !tell_logs(e, chain_told(&e->chain, e->chain.high)))
        return false;
    if (e->late_slot != CHAIN_NONE) { /* what a check found missing */
        if (!tell_logs(e, e->late_slot))
            return false;
        e->late_slot = CHAIN_NONE;
    }
    check_next(e); /* in a gap, telling waits for it */
    for (;;) {
        int went = e->chain.target == CHAIN_NONE ? 0 : step(e);
        if (went < 0)
            return false;
        if (went == 0)
            break;
    }
    check_next(e);
    return true;
}

/* ---- logs that come ---- */

/* Keeps one fetched log. Told at once when its block is told (a late one), else with its block. */
static void keep_fetched(struct evm *e, uint32_t slot, struct wire_log *log)
{
    log->record.chain_id = e->set.chain_id;
    if (!watches_want(&e->watches, &log->record) || logs_has(e, slot, log->record.log_index))
        return;
    struct log_copy *copy = logs_add(e, slot, &log->record, NULL);
    if (!copy)
        return;
    if (wire_log_data(log, (uint8_t *)&copy->log + copy->log.data_offset) != HAWSE_OK)
        evm_count(e, e->count.malformed, 1);
}

void sync_logs_answer(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t v;
    struct wire_log log;
    struct wire_places places;
    if (list->kind != HAWSE_JSON_ARRAY)
        return;
    while (hawse_json_next(doc, list, NULL, &v) == 1) {
        if (wire_log(doc, &v, &places, &log) != HAWSE_OK) {
            evm_count(e, e->count.malformed, 1);
            continue;
        }
        uint32_t slot = chain_find(&e->chain, log.record.block_hash);
        if (slot == CHAIN_NONE || e->chain.blocks[slot].told || e->blocks[slot].checked)
            continue;
        e->chain.blocks[slot].asked = true; /* the node's block of this height is ours */
        keep_fetched(e, slot, &log);
    }
    if (e->ask_from == 0 && e->ask_to == 0) {
        uint32_t slot = chain_find(&e->chain, e->ask_hash);
        if (slot != CHAIN_NONE)
            e->blocks[slot].checked = true;
        return;
    }
    for (uint64_t n = e->ask_from; n <= e->ask_to; n++) {
        uint32_t slot = chain_path(&e->chain, n);
        if (slot == CHAIN_NONE)
            continue;
        /* with logs of its own hash the answer was about it; without any it is asked for by hash */
        struct chain_block *b = &e->chain.blocks[slot];
        if (b->asked || !watches_may_be_in(&e->watches, &b->header))
            e->blocks[slot].checked = true;
        b->asked = false;
    }
    e->range = e->range < e->set.max_range ? e->range + e->range / 2 + 1 : e->set.max_range;
}

/* Pushes went missing: what came after them is checked, and the rest asked for, before it is told.
 */
static void distrust(struct evm *e, uint64_t from)
{
    link_gap(e, HAWSE_REASON_MISSING, from);
    say_both(e, HAWSE_STREAM_EVENT_RECOVERING, HAWSE_REASON_MISSING, from, e->chain.high, 0);
    e->phase = PHASE_SYNCING;
}

/* Logs of a told block that were never pushed: announced and told; at_rest says when it is healed.
 */
void sync_check_answer(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *list)
{
    uint32_t slot = chain_find(&e->chain, e->check_hash);
    hawse_json_value_t v;
    struct wire_log log;
    struct wire_places places;
    if (slot == CHAIN_NONE || !e->chain.blocks[slot].told)
        return;
    uint64_t number = e->chain.blocks[slot].header.number;
    uint32_t before = e->blocks[slot].count;
    bool whole = list->kind == HAWSE_JSON_ARRAY;
    while (whole && hawse_json_next(doc, list, NULL, &v) == 1) {
        if (wire_log(doc, &v, &places, &log) != HAWSE_OK)
            whole = false;
        else if (memcmp(log.record.block_hash, e->check_hash, 32) == 0)
            keep_fetched(e, slot, &log);
    }
    uint32_t found = e->blocks[slot].count - before;
    e->blocks[slot].checked = whole;
    if (!whole) {
        evm_count(e, e->count.malformed, 1);
        evm_complain(e, "the logs of block %llu could not be read: asked again",
                     (unsigned long long)number);
        e->ask_again_ns = now(e) + 1000ull * MS;
    }
    if (found == 0)
        return;
    e->late_slot = slot; /* told by the pump, which knows how to stop for room */
    if (!e->gap_open) {
        evm_count(e, e->count.missing, (int64_t)found);
        evm_log(e, HAWSE_LOG_WARN, "block %llu: %u logs were never pushed; told late",
                (unsigned long long)number, found);
        distrust(e, number);
    }
    if (before == 0 && e->gap_reason == HAWSE_REASON_MISSING && e->logs_on) {
        e->logs_on = false; /* nothing at all was pushed: the subscription is dead */
        link_subscribe_logs(e);
    }
}

/* Is it the newest told block, with nothing of it still to be told? */
static bool is_current(const struct evm *e, const struct chain_block *block)
{
    return block->told && block->header.number == e->chain.high && !e->telling_on &&
           e->phase == PHASE_LIVE;
}

/* A log before its head, or a late one: its block is asked for before it is told, or checked again.
 */
static void put_off(struct evm *e, uint32_t slot, uint32_t log_index)
{
    e->blocks[slot].unsure = true;
    if (e->chain.blocks[slot].told && e->blocks[slot].checked && e->set.check_logs &&
        !logs_has(e, slot, log_index)) {
        e->blocks[slot].checked = false;
        queue_check(e, slot);
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
    if (!is_current(e, block)) {
        put_off(e, slot, log->record.log_index);
        return 1;
    }
    if (logs_has(e, slot, log->record.log_index)) {
        evm_count(e, e->count.duplicates, 1);
        return 1;
    }
    uint64_t len = sizeof(hawse_evm_log_t) + log->record.data_len;
    uint8_t *at = e->sub->reserve(e->host, e->self, len);
    if (!at)
        return 0;
    log->record.block_timestamp = block->header.timestamp;
    memcpy(at, &log->record, sizeof(log->record));
    if (wire_log_data(log, at + sizeof(log->record)) != HAWSE_OK) {
        evm_count(e, e->count.malformed, 1);
        return 1;
    }
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
    struct log_copy *copy = logs_add(e, slot, &log->record, at + sizeof(log->record));
    if (copy)
        e->blocks[slot].told++;
    evm_count(e, e->count.logs, 1);
    return 1;
}
