/*
 * What must be asked of the chain: what a pool is, once, and its state, all of it at one block. A
 * few questions at a time, each pool's in order; a failure is asked again later. See venue.h.
 */
#include "venue.h"

#include <string.h>

enum { BUSY_MAX = 16, RETRY_MS = 150, FAILURES_MAX = 8 };

static void later(struct venue *v, struct venue_pool *p)
{
    p->retry_ns = v->host->now(v->host, HAWSE_CLOCK_MONOTONIC) + (uint64_t)RETRY_MS * 1000000u;
}

/* To a question that is asked of this pool; false after the last one. */
static bool settle(struct venue *v, struct venue_pool *p)
{
    while (p->ask < v->kind->ask_count && p->ask_item >= v->kind->times(v, p)) {
        p->ask++;
        p->ask_item = 0;
    }
    return p->ask < v->kind->ask_count;
}

static bool ask(struct venue *v, uint32_t index)
{
    struct venue_pool *p = v->pools[index];
    struct venue_question q = {.to = p->address};
    if (!settle(v, p))
        return false;
    if (p->ask >= v->kind->state_ask && p->phase == POOL_UNREAD) {
        if (v->live_blocks < p->ready_at)
            return false;
        p->phase = POOL_READING;
        p->read_block = v->head_number;
        p->read_time = v->head_time;
        memcpy(p->read_hash, v->head_hash, 32);
    }
    v->kind->question(v, p, &q);
    const uint8_t *block = p->phase == POOL_READING ? p->read_hash : v->head_hash;
    if (venue_call(v, &q, block, index, &p->request) == HAWSE_OK)
        return true;
    later(v, p);
    return false;
}

void venue_read_next(struct venue *v)
{
    if (v->unread == v->busy || !v->head_known)
        return;
    uint64_t now = v->host->now(v->host, HAWSE_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < v->pool_count && v->busy < BUSY_MAX; i++) {
        struct venue_pool *p = v->pools[i];
        if (p->phase != POOL_FOLLOWED && p->wanted && !p->request && now >= p->retry_ns &&
            ask(v, i))
            v->busy++;
    }
}

static void failed(struct venue *v, struct venue_pool *p, const hawse_host_rpc_done_t *done)
{
    later(v, p);
    if (++p->failures < FAILURES_MAX)
        return; /* the same question again */
    if (done->status == HAWSE_OK || done->status == HAWSE_E_REMOTE)
        venue_complain(v,
                       "a pool does not answer as %s does (question %u): do the settings name the "
                       "right one?",
                       v->kind->what, p->ask);
    venue_pool_unread(v, p); /* its block may be gone: all anew */
}

void venue_read_answer(struct venue *v, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    uint8_t data[VENUE_ANSWER_MAX];
    uint64_t len = 0;
    memcpy(&done, event->data, sizeof(done));
    if (done.tag >= v->pool_count || v->pools[done.tag]->request != done.request)
        return;
    struct venue_pool *p = v->pools[done.tag];
    enum venue_taken taken = ANSWER_BAD;
    p->request = 0;
    v->busy--;
    if (done.status == HAWSE_OK && venue_answer(event, data, &len))
        taken = v->kind->take(v, p, data, len);
    else if ((v->kind->optional >> p->ask & 1u) && venue_reverted(event))
        taken = ANSWER_TAKEN;
    switch (taken) {
    case ANSWER_TAKEN:
        p->failures = 0;
        p->ask_item++;
        if (!settle(v, p))
            venue_pool_follow(v, p);
        break;
    case ANSWER_NOT_YET: {
        bool changed = p->early_count > 0; /* since the block that was asked */
        venue_pool_unread(v, p);
        p->retry_ns = changed ? 0 : VENUE_NOT_YET;
        break;
    }
    case ANSWER_FOREIGN:
        venue_pool_drop(v, p);
        break;
    default:
        failed(v, p, &done);
    }
}
