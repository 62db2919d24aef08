/*
 * A pool's state: read at a block, then changed by its logs, and the way back. Owns the history,
 * which only grows at its end and shrinks from there. Must never keep a state of which it is not
 * certain: then the pool is read anew. See venue.h.
 */
#include "venue.h"

#include <stdlib.h>
#include <string.h>

uint32_t venue_topic(const struct venue *v, const hawse_evm_log_t *log)
{
    uint32_t t = log->topic_count > 0 ? 0 : v->kind->topic_count;
    while (t < v->kind->topic_count && memcmp(v->topics[t], log->topics[0], 32) != 0)
        t++;
    return t;
}

enum { HISTORY_FIRST = 16 };

/* ---- forward and back ---- */

static uint8_t *before(const struct venue_kind *kind, const struct venue_pool *p, uint64_t step)
{
    return p->befores + (step % p->history_cap) * kind->state_size;
}

static const struct venue_step *newest(const struct venue_pool *p)
{
    return p->steps == p->forgotten ? NULL : &p->history[(p->steps - 1) % p->history_cap];
}

/* Room for one more step. Most pools need little; before the ring is at its full size none of it
 * is written over, so that it is in order and can grow. */
static bool make_room(const struct venue_kind *kind, struct venue_pool *p)
{
    if (p->steps < p->history_cap || p->history_cap == VENUE_HISTORY)
        return true;
    uint32_t cap = p->history_cap ? p->history_cap * 2 : HISTORY_FIRST;
    struct venue_step *history = realloc(p->history, cap * sizeof(history[0]));
    if (history)
        p->history = history;
    uint8_t *befores = realloc(p->befores, (uint64_t)cap * kind->state_size);
    if (befores)
        p->befores = befores;
    if (!history || !befores)
        return false;
    p->history_cap = cap;
    return true;
}

bool venue_pool_apply(const struct venue_kind *kind, struct venue_pool *p,
                      const hawse_evm_log_t *log, uint32_t topic)
{
    if (!make_room(kind, p))
        return false;
    uint8_t *kept = before(kind, p, p->steps);
    memcpy(kept, p->state, kind->state_size);
    if (!kind->apply(p, p->state, log, topic)) {
        memcpy(p->state, kept, kind->state_size);
        if (p->steps - p->forgotten == VENUE_HISTORY)
            p->forgotten++; /* the oldest state was written over */
        return false;
    }
    struct venue_step *step = &p->history[p->steps++ % p->history_cap];
    step->block = log->block_number;
    step->log_index = log->log_index;
    memcpy(step->block_hash, log->block_hash, 32);
    if (p->steps - p->forgotten > VENUE_HISTORY)
        p->forgotten = p->steps - VENUE_HISTORY;
    return true;
}

bool venue_pool_undo(const struct venue_kind *kind, struct venue_pool *p,
                     const hawse_evm_log_t *log)
{
    const struct venue_step *step = newest(p);
    if (!step || step->log_index != log->log_index ||
        memcmp(step->block_hash, log->block_hash, 32) != 0)
        return false;
    p->steps--;
    memcpy(p->state, before(kind, p, p->steps), kind->state_size);
    return true;
}

/* Is the log older than the newest one that was applied? */
static bool is_late(const struct venue_pool *p, const hawse_evm_log_t *log)
{
    const struct venue_step *step = newest(p);
    return step && (log->block_number < step->block ||
                    (log->block_number == step->block && log->log_index < step->log_index));
}

void venue_pool_unread(struct venue *v, struct venue_pool *p)
{
    if (p->request) {
        (void)v->rpc->cancel(v->host, v->self, p->request);
        p->request = 0;
        v->busy--;
    }
    if (p->phase == POOL_FOLLOWED)
        v->unread++;
    p->phase = POOL_UNREAD;
    p->steps = p->forgotten = 0;
    p->early_count = 0;
    p->failures = 0;
    p->ask_item = 0;
    if (p->retry_ns == VENUE_NOT_YET)
        p->retry_ns = 0;
    if (p->ask > v->kind->state_ask)
        p->ask = v->kind->state_ask;
}

/* ---- logs ---- */

static const hawse_evm_log_t *early_log(const struct venue_pool *p, uint32_t i)
{
    return (const hawse_evm_log_t *)(const void *)(p->early + (uint64_t)i * VENUE_ANSWER_MAX);
}

/* A log while the state is being read: kept for later, unless there are too many. */
static void keep_early(struct venue *v, struct venue_pool *p, const hawse_event_t *event)
{
    if (!p->early)
        p->early = malloc((size_t)VENUE_EARLY_MAX * VENUE_ANSWER_MAX);
    if (!p->early || event->len > VENUE_ANSWER_MAX || p->early_count == VENUE_EARLY_MAX) {
        venue_pool_unread(v, p); /* read again, at a later block */
        return;
    }
    memcpy(p->early + (uint64_t)p->early_count++ * VENUE_ANSWER_MAX, event->data, event->len);
}

static void drop_early(struct venue *v, struct venue_pool *p, const hawse_evm_log_t *log)
{
    const hawse_evm_log_t *kept = p->early_count > 0 ? early_log(p, p->early_count - 1) : NULL;
    if (kept && kept->log_index == log->log_index &&
        memcmp(kept->block_hash, log->block_hash, 32) == 0)
        p->early_count--; /* they are taken back newest first */
    else
        venue_pool_unread(v, p); /* the state that is being read may contain it */
}

static void while_unread(struct venue *v, struct venue_pool *p, const hawse_evm_log_t *log,
                         const hawse_event_t *event)
{
    if (p->phase == POOL_UNREAD && p->retry_ns == VENUE_NOT_YET)
        p->retry_ns = 0;
    if (p->phase == POOL_UNREAD)
        return;
    if (event->flags & HAWSE_EVENT_REMOVED)
        drop_early(v, p, log);
    else
        keep_early(v, p, event);
}

void venue_pool_log(struct venue *v, struct venue_pool *p, uint32_t topic,
                    const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    bool removed = (event->flags & HAWSE_EVENT_REMOVED) != 0;
    if (v->kind->tells_unread || (p->announced && log->block_number > p->told_from))
        v->kind->tell_log(v, p, log, topic, event);
    if (p->phase != POOL_FOLLOWED) {
        while_unread(v, p, log, event);
        return;
    }
    if (!removed && log->block_number <= p->read_block && p->steps == 0)
        return; /* the state that was read contains it */
    bool good = removed ? venue_pool_undo(v->kind, p, log)
                        : !is_late(p, log) && venue_pool_apply(v->kind, p, log, topic);
    if (good)
        v->kind->tell_state(v, p, log, event);
    else
        venue_pool_unread(v, p);
}

/* ---- read ---- */

/* The pool is known from now on: the records that waited for that are told. */
static void announce(struct venue *v, struct venue_pool *p, uint32_t early)
{
    p->announced = true;
    p->told_from = p->read_block;
    for (uint32_t i = 0; i < early && !v->kind->tells_unread; i++) {
        const hawse_evm_log_t *log = early_log(p, i);
        if (log->block_number > p->told_from)
            v->kind->tell_log(v, p, log, venue_topic(v, log), NULL);
    }
}

void venue_pool_follow(struct venue *v, struct venue_pool *p)
{
    uint32_t count = p->early_count;
    p->phase = POOL_FOLLOWED;
    v->unread--;
    p->ask = v->kind->state_ask;
    p->steps = p->forgotten = 0;
    p->early_count = 0;
    if (!p->announced || p->renew)
        v->kind->tell_info(v, p);
    p->renew = false;
    if (!p->announced)
        announce(v, p, count);
    const hawse_evm_log_t *newest_log = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const hawse_evm_log_t *log = early_log(p, i);
        if (log->block_number <= p->read_block)
            continue;
        if (!venue_pool_apply(v->kind, p, log, venue_topic(v, log))) {
            venue_pool_unread(v, p);
            return;
        }
        newest_log = log;
    }
    v->kind->tell_state(v, p, newest_log, NULL);
}
