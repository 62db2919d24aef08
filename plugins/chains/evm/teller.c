/* See teller.h. */
#include "teller.h"

#include "report.h"
#include "sync.h"

#include <string.h>

enum step { STEP_REST, STEP_MORE, STEP_STALL };

#define BLOCKS HAWSE_EVM_STREAM_BLOCKS
#define LOGS   HAWSE_EVM_STREAM_LOGS

void teller_init(struct evm *e)
{
    struct teller *t = &e->teller;
    t->over = CHAIN_NONE;
    t->suspect = t->retracted_logs = t->reorg_floor = EVM_NEVER;
}

/* ---- publishing ---- */

/* OK, or HAWSE_E_AGAIN. Whatever else the host says can't be mended by trying again. */
static int32_t publish(struct evm *e, hawse_event_t *event)
{
    event->size = sizeof(*event);
    if (event->stream < EVM_STREAMS)
        event->epoch = e->teller.streams[event->stream].epoch;
    int32_t code = e->sub->publish(e->host, e->self, event);
    if (code < 0 && code != HAWSE_E_AGAIN) {
        report_warn(e, WARN_STORE, "an event of kind %u with %llu bytes could not be told: code %d",
                    event->kind, (unsigned long long)event->len, code);
        return HAWSE_OK;
    }
    return code;
}

int32_t teller_record(struct evm *e, uint16_t kind, uint32_t stream, uint32_t flags, uint64_t key,
                      uint64_t t_recv_ns, const void *data, uint64_t len)
{
    hawse_event_t event = {.space = HAWSE_SPACE_EVM,
                           .kind = kind,
                           .stream = stream,
                           .flags = flags,
                           .key = key,
                           .t_recv_ns = t_recv_ns,
                           .data = data,
                           .len = len};
    return publish(e, &event);
}

static int32_t publish_log(struct evm *e, const hawse_evm_log_t *record, uint32_t flags,
                           uint64_t t_recv_ns)
{
    hawse_event_t event = {.space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_LOG,
                           .stream = LOGS,
                           .flags = flags,
                           .key = hawse_key(record->address, 20),
                           .t_recv_ns = t_recv_ns,
                           .t_source_ns = record->block_timestamp * 1000000000u,
                           .data = (const uint8_t *)record,
                           .len = sizeof(*record) + record->data_len};
    return publish(e, &event);
}

static int32_t publish_block(struct evm *e, uint32_t slot, uint32_t flags)
{
    const struct chain_block *block = evm_block(e, slot);
    const struct chain_header *h = &block->header;
    hawse_evm_block_t *record =
        (hawse_evm_block_t *)(void *)e->sub->reserve(e->host, e->self, sizeof(*record));
    if (!record)
        return HAWSE_E_AGAIN;
    memset(record, 0, sizeof(*record));
    record->size = sizeof(*record);
    record->chain_id = e->set.chain_id;
    record->number = h->number;
    record->timestamp = h->timestamp;
    record->gas_limit = h->gas_limit;
    record->gas_used = h->gas_used;
    record->base_fee_wei = h->base_fee;
    memcpy(record->hash, h->hash, 32);
    memcpy(record->parent_hash, h->parent, 32);
    memcpy(record->logs_bloom, h->bloom, 256);
    hawse_event_t event = {.space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_BLOCK,
                           .stream = BLOCKS,
                           .flags = flags,
                           .t_recv_ns = block->recv_ns,
                           .t_source_ns = h->timestamp * 1000000000u,
                           .data = (const uint8_t *)record,
                           .len = sizeof(*record)};
    return publish(e, &event);
}

/* Late is what had to be fetched within a gap. */
static uint32_t late(struct evm *e, uint32_t stream, bool fetched)
{
    struct continuity *c = &e->teller.streams[stream];
    return fetched && c->gap ? HAWSE_EVENT_BACKFILLED : 0;
}

static void count_late(struct evm *e, uint32_t stream, uint32_t flags)
{
    if ((flags & HAWSE_EVENT_BACKFILLED) == 0)
        return;
    e->teller.streams[stream].late++;
    report_add(e, METRIC_BACKFILLED, 1);
}

/* ---- announcements ---- */

static void announce(struct evm *e, const struct announcement *a)
{
    struct teller *t = &e->teller;
    t->busy = true;
    if (t->count == EVM_ANNOUNCEMENTS) { /* nothing is taken in while they can't be told */
        report_warn(e, WARN_GAP, "too many announcements wait; one of kind %u is left out",
                    a->kind);
        return;
    }
    t->queue[(t->first + t->count++) % EVM_ANNOUNCEMENTS] = *a;
}

static void say_range(struct evm *e, uint16_t kind, uint32_t stream, uint32_t reason, uint64_t from,
                      uint64_t to, uint64_t count)
{
    struct announcement a = {.space = HAWSE_SPACE_STREAM,
                             .kind = kind,
                             .stream = stream,
                             .epoch = e->teller.streams[stream].epoch};
    a.record.range = (hawse_stream_range_t){
        .size = sizeof(a.record.range), .reason = reason, .from = from, .to = to, .count = count};
    announce(e, &a);
}

static enum step flush(struct evm *e)
{
    struct teller *t = &e->teller;
    const struct announcement *a = &t->queue[t->first];
    bool range = a->space == HAWSE_SPACE_STREAM;
    hawse_event_t event = {.size = sizeof(event),
                           .space = a->space,
                           .kind = a->kind,
                           .stream = a->stream,
                           .epoch = a->epoch,
                           .data = (const uint8_t *)&a->record,
                           .len = range ? sizeof(a->record.range) : sizeof(a->record.reorg)};
    int32_t code = e->sub->publish(e->host, e->self, &event);
    if (code == HAWSE_E_AGAIN)
        return STEP_STALL;
    t->first = (t->first + 1) % EVM_ANNOUNCEMENTS;
    t->count--;
    return STEP_MORE;
}

void teller_gap(struct evm *e, uint32_t stream, uint32_t reason, uint64_t from, uint64_t to)
{
    struct continuity *c = &e->teller.streams[stream];
    if (c->gap) {
        c->from = from < c->from ? from : c->from;
        c->to = to > c->to ? to : c->to;
        return;
    }
    c->epoch++;
    c->gap = true;
    c->live = c->recovering = false;
    c->reason = reason;
    c->from = from;
    c->to = to;
    c->late = 0;
    say_range(e, HAWSE_STREAM_EVENT_GAP, stream, reason, from, to, 0);
}

void teller_recovering(struct evm *e, uint32_t stream, uint64_t from, uint64_t to)
{
    struct continuity *c = &e->teller.streams[stream];
    if (!c->gap || c->recovering)
        return;
    c->recovering = true;
    say_range(e, HAWSE_STREAM_EVENT_RECOVERING, stream, c->reason, from, to, 0);
}

void teller_healed(struct evm *e, uint32_t stream, uint64_t to)
{
    struct continuity *c = &e->teller.streams[stream];
    if (!c->gap)
        return;
    if (to < c->from)
        to = c->from;
    say_range(e, HAWSE_STREAM_EVENT_HEALED, stream, c->reason, c->from, to, c->late);
    c->gap = c->recovering = false;
}

void teller_unhealable(struct evm *e, uint32_t stream, uint32_t reason, uint64_t from, uint64_t to,
                       bool ends)
{
    struct continuity *c = &e->teller.streams[stream];
    if (!c->gap)
        c->epoch++;
    c->live = false;
    c->reason = reason;
    if (ends)
        c->gap = false;
    else if (c->gap && c->from <= to)
        c->from = to + 1;
    say_range(e, HAWSE_STREAM_EVENT_UNHEALABLE, stream, reason, from, to, 0);
}

void teller_live(struct evm *e, uint32_t stream, uint64_t from)
{
    struct continuity *c = &e->teller.streams[stream];
    if (c->live || c->gap)
        return;
    c->live = true;
    say_range(e, HAWSE_STREAM_EVENT_LIVE, stream, c->reason ? c->reason : HAWSE_REASON_START, from,
              from, 0);
}

void teller_final(struct evm *e, uint32_t stream, uint64_t from, uint64_t to)
{
    struct continuity *c = &e->teller.streams[stream];
    if (c->any_final && from <= c->final)
        from = c->final + 1;
    if (from > to)
        return;
    c->any_final = true;
    c->final = to;
    say_range(e, HAWSE_STREAM_EVENT_FINAL, stream, 0, from, to, 0);
}

/* ---- taking back ---- */

static void set_over(struct evm *e, uint32_t slot)
{
    e->teller.over = e->chain.keep = slot;
    e->teller.over_bad = e->teller.over_announced = false;
}

void teller_forget(struct evm *e)
{
    struct teller *t = &e->teller;
    set_over(e, CHAIN_NONE);
    t->suspect = t->retracted_logs = t->reorg_floor = EVM_NEVER;
    t->newest_log = 0;
}

/* Tells a kept log: new, or as removed, after which it waits as if it had never been told. */
static enum step tell_kept(struct evm *e, uint32_t slot, uint64_t position, bool removed)
{
    const struct store_log *log = log_store_at(&e->logs, position);
    const struct chain_block *block = evm_block(e, slot);
    hawse_evm_log_t *record =
        (hawse_evm_log_t *)(void *)e->sub->reserve(e->host, e->self, log_store_record_size(log));
    if (!record)
        return STEP_STALL;
    log_store_read(log, record);
    record->block_timestamp = block->known ? block->header.timestamp : 0;
    uint32_t flags = removed ? HAWSE_EVENT_REMOVED : late(e, LOGS, log->fetched);
    if (publish_log(e, record, flags, log->t_recv_ns) == HAWSE_E_AGAIN)
        return STEP_STALL;
    count_late(e, LOGS, flags);
    report_add(e, removed ? METRIC_REMOVED : METRIC_LOGS, 1);
    log_store_set_held(&e->logs, position, removed);
    if (!removed && block->header.number > e->teller.newest_log)
        e->teller.newest_log = block->header.number;
    return STEP_MORE;
}

/* Logs that gave way in the store can't be taken back one by one: say so. */
static void confess(struct evm *e, uint32_t slot)
{
    struct store_block *logs = &e->logs.blocks[slot];
    uint64_t n = evm_block(e, slot)->header.number;
    if (!logs->truncated)
        return;
    report_warn(e, WARN_STORE,
                "block %llu left the chain, but some of its logs are no longer here to be taken "
                "back: enlarge log_store_kib",
                (unsigned long long)n);
    teller_unhealable(e, LOGS, HAWSE_REASON_REORG, n, n, false);
}

/* Is the block whose logs were told before its head not the one that follows? */
static bool over_wrong(struct evm *e)
{
    struct teller *t = &e->teller;
    uint32_t slot;
    if (t->over_bad)
        return true;
    if (!e->chain.started || evm_block(e, t->over)->header.number != e->chain.high + 1)
        return true;
    switch (chain_plan(&e->chain, &slot)) {
    case CHAIN_UNTELL:
    case CHAIN_BROKEN:
        return true;
    case CHAIN_TELL:
        return slot != t->over;
    default:
        return false;
    }
}

static enum step withdraw_over(struct evm *e)
{
    struct teller *t = &e->teller;
    uint64_t n = evm_block(e, t->over)->header.number;
    uint64_t position = log_store_last_told(&e->logs, t->over);
    t->over_bad = true;
    if (!t->over_announced) {
        t->over_announced = true;
        say_range(e, HAWSE_STREAM_EVENT_RETRACT, LOGS, HAWSE_REASON_REORG, n, n, 0);
        return STEP_MORE;
    }
    if (position)
        return tell_kept(e, t->over, position, true);
    confess(e, t->over);
    e->logs.blocks[t->over].truncated = false;
    set_over(e, CHAIN_NONE);
    if (t->newest_log > e->chain.high)
        t->newest_log = e->chain.high;
    return STEP_MORE;
}

static void retract_logs(struct evm *e, uint64_t from, uint64_t to)
{
    struct teller *t = &e->teller;
    if (t->retracted_logs <= from)
        return;
    if (t->retracted_logs <= to)
        to = t->retracted_logs - 1;
    t->retracted_logs = from;
    say_range(e, HAWSE_STREAM_EVENT_RETRACT, LOGS, HAWSE_REASON_REORG, from, to, 0);
}

static enum step withdraw_suspects(struct evm *e)
{
    struct teller *t = &e->teller;
    for (uint64_t n = e->chain.high; e->chain.started && n >= t->suspect && n >= e->chain.low;
         n--) {
        uint32_t slot = chain_told(&e->chain, n);
        uint64_t position = log_store_last_told(&e->logs, slot);
        if (!position) {
            if (n == 0)
                break;
            continue;
        }
        if (t->retracted_logs > t->suspect) {
            retract_logs(e, t->suspect, e->chain.high);
            return STEP_MORE;
        }
        return tell_kept(e, slot, position, true);
    }
    return STEP_REST;
}

void teller_suspect(struct evm *e, uint32_t slot)
{
    struct teller *t = &e->teller;
    const struct chain_block *block = evm_block(e, slot);
    if (slot == t->over)
        t->over_bad = true;
    else if (!block->told || block->header.number >= t->suspect)
        return;
    else
        t->suspect = block->header.number;
    t->suspect_ns = e->now;
    t->busy = true;
}

static void announce_reorg(struct evm *e, uint64_t floor, bool rooted)
{
    struct teller *t = &e->teller;
    struct announcement a = {.space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_REORG,
                             .stream = BLOCKS,
                             .epoch = t->streams[BLOCKS].epoch};
    const struct chain *chain = &e->chain;
    hawse_evm_reorg_t *r = &a.record.reorg;
    *r = (hawse_evm_reorg_t){.size = sizeof(*r),
                             .depth = (uint32_t)(chain->high - floor + 1),
                             .chain_id = e->set.chain_id,
                             .from = floor,
                             .to = chain->high};
    if (rooted)
        memcpy(r->ancestor_hash, evm_block(e, chain_told(chain, floor - 1))->header.hash, 32);
    memcpy(r->old_hash, evm_block(e, chain_told(chain, chain->high))->header.hash, 32);
    memcpy(r->new_hash, evm_block(e, chain->target)->header.hash, 32);
    retract_logs(e, floor, chain->high);
    say_range(e, HAWSE_STREAM_EVENT_RETRACT, BLOCKS, HAWSE_REASON_REORG, floor, chain->high, 0);
    announce(e, &a);
    report_add(e, METRIC_REORGS, 1);
    report_set(e, METRIC_REORG_DEPTH, r->depth);
    if (t->streams[BLOCKS].any_final && floor <= t->streams[BLOCKS].final)
        report_log(e, HAWSE_LOG_ERROR,
                   "blocks from %llu on left the chain, although they were told as final",
                   (unsigned long long)floor);
}

/* ---- following the chain ---- */

static enum step untell(struct evm *e, uint32_t slot, uint64_t floor, bool rooted)
{
    struct teller *t = &e->teller;
    if (t->reorg_floor > floor) {
        announce_reorg(e, floor, rooted);
        t->reorg_floor = floor;
        return STEP_MORE;
    }
    uint64_t position = log_store_last_told(&e->logs, slot);
    if (position)
        return tell_kept(e, slot, position, true);
    if (publish_block(e, slot, HAWSE_EVENT_REMOVED) == HAWSE_E_AGAIN)
        return STEP_STALL;
    confess(e, slot);
    chain_untell(&e->chain);
    if (t->newest_log > e->chain.high)
        t->newest_log = e->chain.high;
    sync_untold(e, slot);
    if (!e->chain.started) {
        t->suspect = t->retracted_logs = t->reorg_floor = EVM_NEVER;
        sync_broken(e, floor);
    }
    return STEP_MORE;
}

static enum step tell(struct evm *e, uint32_t slot)
{
    struct teller *t = &e->teller;
    uint32_t flags = late(e, BLOCKS, !evm_block(e, slot)->pushed);
    if (publish_block(e, slot, flags) == HAWSE_E_AGAIN)
        return STEP_STALL;
    count_late(e, BLOCKS, flags);
    report_add(e, METRIC_HEADS, 1);
    bool first = !e->chain.started;
    if (first)
        chain_start(&e->chain, slot);
    else
        chain_tell(&e->chain, slot);
    if (t->over == slot)
        set_over(e, CHAIN_NONE);
    t->suspect = t->retracted_logs = t->reorg_floor = EVM_NEVER;
    evm_block(e, slot)->told_ns = e->now;
    report_set(e, METRIC_HEAD, e->chain.high);
    sync_told(e, slot, first);
    return STEP_MORE;
}

static enum step follow(struct evm *e)
{
    struct chain *chain = &e->chain;
    uint32_t slot;
    if (!chain->started)
        return chain->target == CHAIN_NONE ? STEP_REST : tell(e, chain->target);
    switch (chain_plan(chain, &slot)) {
    case CHAIN_UNTELL:
        return untell(e, slot, chain->ancestor + 1, true);
    case CHAIN_BROKEN:
        return untell(e, chain_told(chain, chain->high), chain->low, false);
    case CHAIN_TELL:
        if (e->sync.strict && e->sync.complete < chain->high)
            return STEP_REST;
        return tell(e, slot);
    default:
        return STEP_REST;
    }
}

/* ---- logs that waited ---- */

static enum step release(struct evm *e)
{
    struct teller *t = &e->teller;
    const struct chain *chain = &e->chain;
    if (e->logs.held == 0 || !chain->started)
        return STEP_REST;
    for (uint64_t n = chain->low; n <= chain->high && n < t->suspect; n++) {
        uint32_t slot = chain_told(chain, n);
        if (e->logs.blocks[slot].held == 0 || (e->sync.strict && !evm_block(e, slot)->complete))
            continue;
        return tell_kept(e, slot, log_store_first_held(&e->logs, slot), false);
    }
    if (t->over != CHAIN_NONE && e->logs.blocks[t->over].held > 0 && !e->sync.strict)
        return tell_kept(e, t->over, log_store_first_held(&e->logs, t->over), false);
    return STEP_REST;
}

static enum step step(struct evm *e)
{
    struct teller *t = &e->teller;
    if (t->count > 0)
        return flush(e);
    if (t->over != CHAIN_NONE && over_wrong(e))
        return withdraw_over(e);
    enum step s = t->suspect == EVM_NEVER ? STEP_REST : withdraw_suspects(e);
    if (s == STEP_REST)
        s = follow(e);
    if (s == STEP_REST)
        s = release(e);
    return s;
}

bool teller_pump(struct evm *e)
{
    while (e->teller.busy) {
        enum step s = step(e);
        if (s == STEP_STALL)
            return false;
        if (s == STEP_REST && !sync_step(e))
            e->teller.busy = false;
    }
    return true;
}

/* ---- logs that need not wait ---- */

bool teller_ready(struct evm *e, uint32_t slot)
{
    struct teller *t = &e->teller;
    const struct chain *chain = &e->chain;
    const struct chain_block *block = evm_block(e, slot);
    uint32_t next;
    if (t->busy || e->sync.strict || !chain->started || block->header.number >= t->suspect)
        return false;
    if (block->told || (slot == t->over && !t->over_bad))
        return true;
    return t->over == CHAIN_NONE && block->header.number == chain->high + 1 &&
           chain_plan(&e->chain, &next) == CHAIN_REST &&
           (!block->known ||
            chain_find(chain, block->header.parent) == chain_told(chain, chain->high));
}

int32_t teller_log(struct evm *e, uint32_t slot, const hawse_evm_log_t *record, uint64_t t_recv_ns)
{
    int32_t code = publish_log(e, record, 0, t_recv_ns);
    if (code != HAWSE_OK)
        return code;
    if (!evm_block(e, slot)->told)
        set_over(e, slot);
    if (record->block_number > e->teller.newest_log)
        e->teller.newest_log = record->block_number;
    report_add(e, METRIC_LOGS, 1);
    return HAWSE_OK;
}
