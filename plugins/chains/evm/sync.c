/* See sync.h. */
#include "sync.h"

#include "backfill.h"
#include "final.h"
#include "report.h"
#include "request.h"
#include "session.h"
#include "teller.h"

#include <string.h>

#define BLOCKS HAWSE_EVM_STREAM_BLOCKS
#define LOGS   HAWSE_EVM_STREAM_LOGS

enum {
    PARALLEL = 8,    /* headers asked for at a time */
    GALLOP_MAX = 32, /* ancestors asked for at a time when a branch is unknown */
    HOLE_MAX = 8,    /* more heads missing than this: logs are not trusted either */
    SETTLE_MS = 200, /* what is out of order for longer is announced */
    AHEAD_MS = 1000, /* logs without a head for longer: ask for the head */
    HEADER_FAILS = 4 /* then the branch may be gone: ask for the head */
};

void sync_init(struct evm *e)
{
    struct sync *s = &e->sync;
    s->strict = true;
    s->restart = EVM_NEVER;
    s->range = e->set.max_range;
    s->fetch_low = 1;
}

/* ---- heads ---- */

/* The node confirms what is told, or takes suspicions back. */
static void head_told(struct evm *e, uint32_t slot, bool pushed)
{
    struct teller *t = &e->teller;
    const struct chain_block *block = evm_block(e, slot);
    if (pushed)
        return;
    if (t->suspect == EVM_NEVER)
        return;
    if (block->header.number < t->suspect) { /* the chain was cut short */
        e->sync.head = block->header;
        chain_aim(&e->chain, slot);
        return;
    }
    t->suspect = t->retracted_logs = EVM_NEVER; /* it stays: what was taken back comes again */
}

static void set_goal(struct evm *e, uint64_t number)
{
    struct sync *s = &e->sync;
    if (!s->strict)
        return;
    s->goal = number;
    s->goal_known = true;
    for (uint32_t stream = BLOCKS; stream <= LOGS; stream++) {
        const struct continuity *c = &e->teller.streams[stream];
        teller_recovering(e, stream, c->from, number > c->from ? number : c->from);
    }
}

/* The heads subscription says nothing while the chain goes on. */
static void check_silence(struct evm *e, const struct chain_header *header)
{
    const struct session *ses = &e->session;
    if (ses->link == LINK_READY && !ses->polling && !e->sync.strict &&
        header->number > e->chain.high &&
        e->now - ses->last_head_ns > e->set.heads_idle_ms * EVM_MS)
        session_resubscribe(e, false, true, "no head was pushed although the chain goes on");
}

static void follow_head(struct evm *e, uint32_t slot, const struct chain_header *header,
                        bool pushed)
{
    struct sync *s = &e->sync;
    struct chain *chain = &e->chain;
    uint32_t unused;
    (void)chain_plan(chain, &unused);
    if (evm_block(e, slot)->told) {
        head_told(e, slot, pushed);
        return;
    }
    if (slot != chain->target && chain_path(chain, header->number) == slot)
        return; /* out of order: a later one is known already */
    s->head = *header;
    s->head_known = true;
    if (header->number <= chain->high + chain_reach(chain))
        chain_aim(chain, slot);
}

static void far_behind(struct evm *e, uint64_t number, bool pushed)
{
    report_add(e, METRIC_DUPLICATES, pushed);
    report_warn(e, WARN_CHAIN,
                "a node is at block %llu, which is before the window of %llu to %llu",
                (unsigned long long)number, (unsigned long long)e->chain.low,
                (unsigned long long)e->chain.high);
    if (!pushed)
        e->sync.head_retry_ns = e->now + 1000 * EVM_MS;
}

void sync_head(struct evm *e, const struct chain_header *header, bool pushed, uint64_t t_recv_ns)
{
    struct sync *s = &e->sync;
    teller_wake(e);
    if (!pushed)
        check_silence(e, header);
    else
        e->session.last_head_ns = e->now;
    if (e->chain.started && header->number < e->chain.low) {
        far_behind(e, header->number, pushed); /* what is told stays */
        return;
    }
    uint32_t slot = chain_put(&e->chain, header);
    if (slot == CHAIN_NONE) {
        s->head_retry_ns = e->now + SETTLE_MS * EVM_MS;
        session_strike(e, WARN_HEADER, "a head contradicts what is known");
        return;
    }
    struct chain_block *block = evm_block(e, slot);
    if (pushed && block->pushed)
        report_add(e, METRIC_DUPLICATES, 1);
    if (pushed) {
        block->pushed = true;
        block->recv_ns = t_recv_ns;
    } else {
        s->want_head = false;
        s->header_fails = 0;
        /* a node that lags says nothing about what comes after what is told */
        set_goal(e, block->told && e->chain.high > header->number ? e->chain.high : header->number);
    }
    if (e->chain.started) {
        follow_head(e, slot, header, pushed);
        return;
    }
    s->head = *header; /* the first block that is told */
    s->head_known = true;
    chain_aim(&e->chain, slot);
}

void sync_head_failed(struct evm *e, const struct reply *reply)
{
    struct sync *s = &e->sync;
    s->header_fails++;
    s->head_retry_ns = e->now + backfill_backoff_ns(reply, s->header_fails);
    report_warn(e, WARN_REQUEST,
                "the node's head could not be read: code %d, JSON-RPC %lld, HTTP %u: %s; asking "
                "again",
                reply->code, (long long)reply->rpc_code, reply->http_status, reply->text);
}

/* ---- headers that were asked for ---- */

static void restart_at(struct evm *e, uint32_t slot)
{
    struct sync *s = &e->sync;
    uint64_t number = evm_block(e, slot)->header.number;
    s->restart = EVM_NEVER;
    if (e->chain.started) {
        report_log(e, HAWSE_LOG_ERROR,
                   "blocks %llu to %llu are more than max_backfill_blocks behind and are given up",
                   (unsigned long long)e->chain.high + 1, (unsigned long long)number - 1);
        teller_unhealable(e, BLOCKS, HAWSE_REASON_DISCONNECTED, e->chain.high + 1, number - 1,
                          false);
        teller_unhealable(e, LOGS, HAWSE_REASON_DISCONNECTED, s->complete + 1, number - 1, false);
        chain_forget(&e->chain);
        teller_forget(e);
    }
    chain_aim(&e->chain, slot);
}

void sync_header(struct evm *e, const struct request *request, const struct chain_header *header)
{
    struct sync *s = &e->sync;
    teller_wake(e);
    if (!header) {
        s->header_fails++;
        s->header_retry_ns = e->now + backfill_backoff_ns(&(struct reply){0}, s->header_fails);
        if (s->header_fails >= HEADER_FAILS)
            s->want_head = true;
        return;
    }
    bool asked = request->kind == REQUEST_BY_HASH ? memcmp(request->hash, header->hash, 32) == 0
                                                  : request->number == header->number;
    uint32_t slot = asked ? chain_put(&e->chain, header) : CHAIN_NONE;
    if (slot == CHAIN_NONE) {
        session_strike(e, WARN_ANSWER, "a header is not the one that was asked for");
        s->header_retry_ns = e->now + SETTLE_MS * EVM_MS;
        return;
    }
    s->header_fails = 0;
    if (request->kind != REQUEST_BY_NUMBER)
        return;
    if (header->number == s->restart) {
        restart_at(e, slot);
    } else if (header->number == s->anchor) {
        s->anchor = 0;
        if (e->chain.started && header->number > e->chain.high)
            chain_aim(&e->chain, slot);
    }
}

static bool may_ask(const struct evm *e)
{
    return e->now >= e->sync.header_retry_ns;
}

static void ask_number(struct evm *e, uint64_t number)
{
    if (may_ask(e) && !request_pending(e, REQUEST_BY_NUMBER, number, NULL) &&
        request_by_number(e, number) != HAWSE_OK)
        e->sync.header_retry_ns = e->now + EVM_TICK_MS * EVM_MS;
}

/* The target's unknown ancestors: the next one by its hash, those before it by number meanwhile,
 * because one after the other would cost a round trip each. */
static void ask_ancestors(struct evm *e)
{
    struct sync *s = &e->sync;
    struct chain *chain = &e->chain;
    uint64_t n = chain->missing_number;
    if (n < s->fetch_low || n > s->fetch_high) {
        uint64_t ahead = n > chain->high ? n - chain->high : 0;
        s->gallop = s->gallop * 2 < GALLOP_MAX ? s->gallop * 2 : GALLOP_MAX;
        uint64_t count = ahead ? ahead : s->gallop;
        s->fetch_high = s->fetch_next = n;
        s->fetch_low = n - chain->low >= count ? n - count + 1 : chain->low;
    }
    if (n >= s->fetch_next && !request_pending(e, REQUEST_BY_NUMBER, n, NULL) &&
        !request_pending(e, REQUEST_BY_HASH, n, chain->missing) && may_ask(e) &&
        request_by_hash(e, chain->missing, n) != HAWSE_OK)
        s->header_retry_ns = e->now + EVM_TICK_MS * EVM_MS;
    while (s->fetch_next > s->fetch_low && may_ask(e) &&
           request_count(e, REQUEST_BY_NUMBER) < PARALLEL)
        ask_number(e, --s->fetch_next);
}

/* Heads are missing between what is told and what was pushed. For long: say so. Many: the logs in
 * between may be missing too. */
static void judge_hole(struct evm *e)
{
    struct sync *s = &e->sync;
    uint64_t n = e->chain.missing_number, high = e->chain.high;
    uint64_t from = n < high + 1 ? n : high + 1, to = s->head.number ? s->head.number - 1 : 0;
    if (s->strict || e->session.polling)
        return;
    if (s->hole_ns == 0)
        s->hole_ns = e->now ? e->now : 1;
    bool many = n > high + HOLE_MAX;
    if (!many && e->now - s->hole_ns < SETTLE_MS * EVM_MS)
        return;
    to = to > n ? to : n;
    if (!e->teller.streams[BLOCKS].gap)
        report_add(e, METRIC_MISSING, (int64_t)(to - from + 1));
    teller_gap(e, BLOCKS, HAWSE_REASON_MISSING, from, to);
    if (!many) {
        teller_recovering(e, BLOCKS, from, to);
        return;
    }
    teller_gap(e, LOGS, HAWSE_REASON_MISSING, s->complete + 1, to);
    s->strict = true;
    set_goal(e, s->head.number);
}

/* The told branch has reached its target: on to the head, directly or in pieces. */
static bool aim_further(struct evm *e)
{
    struct sync *s = &e->sync;
    struct chain *chain = &e->chain;
    uint32_t unused;
    s->fetch_high = 0;
    s->fetch_low = 1;
    s->gallop = 1;
    s->hole_ns = 0;
    if (!s->head_known || s->head.number <= chain->high || s->restart != EVM_NEVER)
        return false;
    uint64_t distance = s->head.number - chain->high;
    if (distance > e->set.max_backfill_blocks && distance > chain_reach(chain)) {
        s->restart = s->head.number - e->set.max_backfill_blocks + 1;
        return false;
    }
    if (distance > chain_reach(chain)) {
        s->anchor = chain->high + chain_reach(chain);
        ask_number(e, s->anchor);
        return false;
    }
    uint32_t slot = chain_put(chain, &s->head);
    if (slot == CHAIN_NONE || slot == chain->target) {
        s->head_known = slot != CHAIN_NONE;
        return false;
    }
    chain_aim(chain, slot);
    if (chain_plan(chain, &unused) != CHAIN_REST)
        return true;
    s->head_known = false; /* it can't be linked: a lie */
    return false;
}

static bool step_headers(struct evm *e)
{
    struct sync *s = &e->sync;
    uint32_t slot;
    if (s->want_head && e->now >= s->head_retry_ns && !request_pending(e, REQUEST_HEAD, 0, NULL) &&
        request_head(e, false) != HAWSE_OK)
        s->head_retry_ns = e->now + EVM_TICK_MS * EVM_MS;
    if (s->restart != EVM_NEVER)
        ask_number(e, s->restart);
    if (!e->chain.started)
        return false;
    switch (chain_plan(&e->chain, &slot)) {
    case CHAIN_MISSING:
        judge_hole(e);
        ask_ancestors(e);
        return e->teller.count > 0;
    case CHAIN_FAR: /* a reorganisation brought the told head down under it */
        s->head = evm_block(e, e->chain.target)->header;
        s->head_known = true;
        s->anchor = e->chain.high + chain_reach(&e->chain);
        ask_number(e, s->anchor);
        return false;
    case CHAIN_REST:
        return aim_further(e);
    default:
        return false;
    }
}

/* ---- gaps ---- */

void sync_interrupt(struct evm *e, uint32_t reason, bool blocks)
{
    struct sync *s = &e->sync;
    s->strict = true;
    s->goal_known = false;
    s->silent_run = 0;
    if (!e->chain.started)
        return;
    if (blocks)
        teller_gap(e, BLOCKS, reason, e->chain.high + 1, HAWSE_POSITION_OPEN);
    teller_gap(e, LOGS, reason, s->complete + 1, HAWSE_POSITION_OPEN);
}

void sync_recover(struct evm *e)
{
    e->sync.want_head = true;
    e->sync.goal_known = false;
    e->sync.head_retry_ns = 0;
    teller_wake(e);
}

void sync_recheck(struct evm *e, uint64_t from)
{
    struct sync *s = &e->sync;
    const struct chain *chain = &e->chain;
    if (!chain->started)
        return;
    for (uint32_t i = 0; i < chain->cap; i++) {
        struct chain_block *block = evm_block(e, i);
        if (block->used && block->header.number >= from)
            block->complete = block->empty = false;
    }
    if (from < chain->low)
        from = chain->low;
    if (s->complete >= from)
        s->complete = from ? from - 1 : 0;
    teller_wake(e);
}

/* Everything up to the goal was told, and the source of what follows is in order again. */
static bool settled(struct evm *e)
{
    const struct sync *s = &e->sync;
    uint32_t slot;
    enum chain_step plan = chain_plan(&e->chain, &slot);
    if (!s->goal_known || s->want_head || s->restart != EVM_NEVER ||
        !(e->session.polling || e->session.link == LINK_READY))
        return false;
    return e->chain.high >= s->goal && s->complete >= s->goal &&
           (plan == CHAIN_REST || plan == CHAIN_TELL) && e->teller.suspect == EVM_NEVER;
}

static bool settle(struct evm *e)
{
    struct sync *s = &e->sync;
    struct continuity *blocks = &e->teller.streams[BLOCKS], *logs = &e->teller.streams[LOGS];
    uint32_t slot, before = e->teller.count;
    bool was = s->strict;
    if (!e->chain.started)
        return false;
    if (s->strict) {
        if (!settled(e))
            return false;
        teller_healed(e, BLOCKS, e->chain.high);
        teller_healed(e, LOGS, s->complete);
        s->strict = e->session.polling;
    }
    if (blocks->gap && e->chain.high >= blocks->to && chain_plan(&e->chain, &slot) == CHAIN_REST)
        teller_healed(e, BLOCKS, blocks->to);
    if (logs->gap && s->complete >= logs->to)
        teller_healed(e, LOGS, logs->to);
    teller_live(e, BLOCKS, e->chain.high);
    teller_live(e, LOGS, e->chain.high);
    return was != s->strict || e->teller.count != before;
}

/* ---- the teller's steps ---- */

void sync_told(struct evm *e, uint32_t slot, bool first)
{
    uint64_t number = evm_block(e, slot)->header.number;
    e->sync.ahead_ns = 0;
    if (!first)
        return;
    e->sync.complete = number ? number - 1 : 0; /* block 0 has no logs */
}

void sync_untold(struct evm *e, uint32_t slot)
{
    struct chain_block *block = evm_block(e, slot);
    block->complete = block->empty = block->pushed = false;
    log_store_drop(&e->logs, slot);
    if (e->chain.started && e->sync.complete > e->chain.high)
        e->sync.complete = e->chain.high;
}

void sync_broken(struct evm *e, uint64_t low)
{
    struct sync *s = &e->sync;
    uint64_t next = evm_block(e, e->chain.target)->header.number, to = next > low ? next - 1 : low;
    report_log(e, HAWSE_LOG_ERROR,
               "the chain was replaced from before block %llu on: deeper than the window of %llu "
               "blocks; starting afresh at block %llu",
               (unsigned long long)low, (unsigned long long)e->set.window,
               (unsigned long long)next);
    for (uint32_t stream = BLOCKS; stream <= LOGS; stream++) {
        teller_gap(e, stream, HAWSE_REASON_REORG, low, to);
        teller_unhealable(e, stream, HAWSE_REASON_REORG, low, to, !s->strict);
    }
    teller_forget(e);
    if (!s->strict) {
        s->strict = true;
        set_goal(e, next);
    }
}

bool sync_step(struct evm *e)
{
    if (e->stopping)
        return false;
    session_step(e);
    bool changed = step_headers(e);
    changed = backfill_step(e) || changed;
    changed = settle(e) || changed;
    final_step(e);
    return changed || e->teller.count > 0;
}

void sync_tick(struct evm *e)
{
    struct sync *s = &e->sync;
    struct teller *t = &e->teller;
    const struct session *ses = &e->session;
    bool doubt = t->suspect != EVM_NEVER || t->over_bad;
    if (doubt && e->now - t->suspect_ns > SETTLE_MS * EVM_MS) {
        t->suspect_ns = e->now;
        s->want_head = true;
    }
    if (s->ahead_ns != 0 && e->now - s->ahead_ns > AHEAD_MS * EVM_MS) {
        s->ahead_ns = 0;
        s->want_head = true;
    }
    if (ses->link == LINK_READY && !ses->polling &&
        e->now - ses->last_head_ns > e->set.heads_idle_ms * EVM_MS && e->now >= s->head_check_ns) {
        s->head_check_ns = e->now + e->set.heads_idle_ms * EVM_MS;
        s->want_head = true;
    }
    teller_wake(e);
}
