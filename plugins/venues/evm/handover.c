/*
 * A venue handed over to another build of itself (hawse.state/1): all that it knows of its pools,
 * so that none has to be read anew. The bytes are a struct saved, the lookups, the records that
 * wait, and each pool with its state, its history and the logs that wait for it. Of the history as
 * much is kept as there is room for; what cannot be taken back any more is then read anew.
 *
 * Must never: take a byte of it for granted. See venue.h.
 */
#include "venue.h"

#include <hawse/reader.h>
#include <hawse/service/state.h>
#include <hawse/writer.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, HISTORY_FIRST = 16 };

/* Bits of flags. */
enum { HEAD_KNOWN = 1, TIP_KNOWN = 2, RESUME = 4 };
enum { WANTED = 1, ANNOUNCED = 2, RENEW = 4 };

struct saved {
    uint32_t format, flags;
    uint64_t len; /* of the whole */
    uint32_t state_size, pool_size, record_size, pool_count, lookups, out_count, out_next, range;
    uint64_t chain_id, head_number, head_time, live_blocks, complaint_ns;
    hawse_timer_t tick;
    hawse_request_t request; /* the discovery's */
    uint64_t retry_ns, next_block, last_block, asked_to;
    uint32_t asking, reserved;
    uint8_t head_hash[32], tip_hash[32];
};

struct saved_pool {
    uint8_t address[20];
    uint32_t flags;
    uint8_t market[32], read_hash[32];
    hawse_sub_t sub;
    hawse_request_t request;
    uint32_t phase, ask, ask_item, failures, history, early;
    uint64_t retry_ns, ready_at, told_from, read_block, read_time;
};

/* What a kind keeps of a pool behind ours. */
static uint64_t own_size(const struct venue_kind *kind)
{
    return kind->pool_size - sizeof(struct venue_pool);
}

static uint64_t step_size(const struct venue_kind *kind)
{
    return sizeof(struct venue_step) + kind->state_size;
}

static hawse_evm_log_t *early(const struct venue_pool *p, uint32_t i)
{
    return (hawse_evm_log_t *)(void *)(p->early + (uint64_t)i * VENUE_ANSWER_MAX);
}

/* ---- saving ---- */

static void put_pool(const struct venue *v, const struct venue_pool *p, uint32_t history,
                     hawse_writer_t *w)
{
    const struct venue_kind *kind = v->kind;
    struct saved_pool s = {.flags = (p->wanted ? WANTED : 0u) | (p->announced ? ANNOUNCED : 0u) |
                                    (p->renew ? RENEW : 0u),
                           .sub = p->sub,
                           .request = p->request,
                           .phase = p->phase,
                           .ask = p->ask,
                           .ask_item = p->ask_item,
                           .failures = p->failures,
                           .history = history,
                           .early = p->early_count,
                           .retry_ns = p->retry_ns,
                           .ready_at = p->ready_at,
                           .told_from = p->told_from,
                           .read_block = p->read_block,
                           .read_time = p->read_time};
    memcpy(s.address, p->address, 20);
    memcpy(s.market, p->market, 32);
    memcpy(s.read_hash, p->read_hash, 32);
    hawse_writer_put(w, &s, sizeof(s));
    hawse_writer_put(w, p->state, kind->state_size);
    hawse_writer_put(w, p + 1, own_size(kind));
    for (uint64_t i = p->steps - history; i < p->steps; i++) {
        hawse_writer_put(w, &p->history[i % p->history_cap], sizeof(p->history[0]));
        hawse_writer_put(w, p->befores + i % p->history_cap * kind->state_size, kind->state_size);
    }
    for (uint32_t i = 0; i < p->early_count; i++) {
        uint64_t len = early(p, i)->data_offset + (uint64_t)early(p, i)->data_len;
        hawse_writer_put(w, &len, sizeof(len));
        hawse_writer_put(w, early(p, i), len);
    }
}

/* With at most `most` steps of each pool's history. */
static void put_all(const struct venue *v, uint64_t most, hawse_writer_t *w)
{
    for (uint32_t i = 0; i < v->found.lookups; i++)
        hawse_writer_fill(w, v->found.asked[i], 1);
    for (uint32_t i = 0; i < v->out_count; i++) {
        hawse_event_t e = v->out[i];
        e.data = NULL;
        hawse_writer_put(w, &e, sizeof(e));
        hawse_writer_put(w, v->out[i].data, e.len);
    }
    for (uint32_t i = 0; i < v->pool_count; i++) {
        const struct venue_pool *p = v->pools[i];
        uint64_t steps = p->steps - p->forgotten;
        put_pool(v, p, (uint32_t)(steps < most ? steps : most), w);
    }
}

/* Everything but histories comes first: they share what is left. */
static uint64_t steps_that_fit(const struct venue *v, uint64_t cap)
{
    hawse_writer_t counted = hawse_writer(NULL, 0);
    put_all(v, 0, &counted);
    uint64_t used = sizeof(struct saved) + counted.len;
    return v->pool_count == 0 || used > cap ? 0 : (cap - used) / v->pool_count / step_size(v->kind);
}

int32_t venue_save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const struct venue *v = state;
    const struct venue_found *f = &v->found;
    hawse_writer_t w = hawse_writer(out, cap);
    struct saved s = {.format = FORMAT,
                      .flags = (v->head_known ? HEAD_KNOWN : 0u) | (v->tip_known ? TIP_KNOWN : 0u) |
                               (v->resume ? RESUME : 0u),
                      .state_size = v->kind->state_size,
                      .pool_size = (uint32_t)own_size(v->kind),
                      .record_size = v->kind->record_size,
                      .pool_count = v->pool_count,
                      .lookups = f->lookups,
                      .out_count = v->out_count,
                      .out_next = v->out_next,
                      .range = f->range,
                      .chain_id = v->chain_id,
                      .head_number = v->head_number,
                      .head_time = v->head_time,
                      .live_blocks = v->live_blocks,
                      .complaint_ns = v->complaint_ns,
                      .tick = v->tick,
                      .request = f->request,
                      .retry_ns = f->retry_ns,
                      .next_block = f->next_block,
                      .last_block = f->last_block,
                      .asked_to = f->asked_to,
                      .asking = f->asking};
    memcpy(s.head_hash, v->head_hash, 32);
    memcpy(s.tip_hash, v->tip_hash, 32);
    hawse_writer_put(&w, &s, sizeof(s));
    put_all(v, steps_that_fit(v, cap), &w);
    *need = s.len = w.len;
    if (hawse_writer_end(&w) != HAWSE_OK)
        return HAWSE_E_NOSPACE;
    memcpy(out, &s, sizeof(s));
    return HAWSE_OK;
}

/* ---- restoring ---- */

static void get_history(const struct venue_kind *kind, struct venue_pool *p, uint32_t count,
                        hawse_reader_t *r)
{
    uint32_t cap = HISTORY_FIRST;
    hawse_reader_must(r, count <= VENUE_HISTORY && count <= r->left / step_size(kind));
    if (r->bad || count == 0)
        return;
    while (cap < count)
        cap *= 2;
    p->history = malloc(cap * sizeof(p->history[0]));
    p->befores = malloc((uint64_t)cap * kind->state_size);
    hawse_reader_must(r, p->history && p->befores);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        hawse_reader_get(r, &p->history[i], sizeof(p->history[0]));
        hawse_reader_get(r, p->befores + (uint64_t)i * kind->state_size, kind->state_size);
    }
    p->history_cap = cap;
    p->steps = count;
}

static void get_early(const struct venue *v, struct venue_pool *p, uint32_t count,
                      hawse_reader_t *r)
{
    hawse_reader_must(r, count <= VENUE_EARLY_MAX);
    if (r->bad || count == 0)
        return;
    p->early = calloc(VENUE_EARLY_MAX, VENUE_ANSWER_MAX);
    hawse_reader_must(r, p->early != NULL);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        uint64_t len = 0;
        const hawse_evm_log_t *log = early(p, i);
        hawse_reader_get(r, &len, sizeof(len));
        hawse_reader_must(r, len >= sizeof(*log) && len <= VENUE_ANSWER_MAX);
        if (r->bad)
            return;
        hawse_reader_get(r, early(p, i), len);
        hawse_reader_must(r, log->topic_count <= 4 && log->data_offset >= sizeof(*log) &&
                                 log->data_offset + (uint64_t)log->data_len == len &&
                                 venue_topic(v, log) < v->kind->topic_count);
    }
    p->early_count = r->bad ? 0 : count;
}

/* Pool `i`: questions that are under way name it by its index. */
static void get_pool(struct venue *v, uint32_t i, hawse_reader_t *r)
{
    const struct venue_kind *kind = v->kind;
    struct saved_pool s;
    hawse_reader_get(r, &s, sizeof(s));
    hawse_reader_must(r, s.phase <= POOL_FOLLOWED && s.ask <= kind->ask_count &&
                             ((s.flags & WANTED) || (s.request == 0 && s.phase == POOL_UNREAD)));
    struct venue_pool *p = r->bad ? NULL : venue_pool_add(v, s.address, s.market);
    hawse_reader_must(r, p && p == v->pools[i] && memcmp(p->market, s.market, 32) == 0);
    if (r->bad)
        return;
    p->wanted = (s.flags & WANTED) != 0;
    p->announced = (s.flags & ANNOUNCED) != 0;
    p->renew = (s.flags & RENEW) != 0;
    p->sub = s.sub;
    p->request = s.request;
    p->phase = (enum venue_phase)s.phase;
    p->ask = s.ask;
    p->ask_item = s.ask_item;
    p->failures = s.failures;
    p->retry_ns = s.retry_ns;
    p->ready_at = s.ready_at;
    p->told_from = s.told_from;
    p->read_block = s.read_block;
    p->read_time = s.read_time;
    memcpy(p->read_hash, s.read_hash, 32);
    hawse_reader_get(r, p->state, kind->state_size);
    hawse_reader_get(r, p + 1, own_size(kind));
    hawse_reader_must(r, r->bad || kind->is_sound(v, p));
    /* an answer that is awaited is to a question that such a pool is asked */
    hawse_reader_must(r, r->bad || p->request == 0 ||
                             (p->ask < kind->ask_count && p->ask_item < kind->times(v, p)));
    get_history(kind, p, s.history, r);
    get_early(v, p, s.early, r);
}

static void get_out(struct venue *v, uint32_t count, hawse_reader_t *r)
{
    hawse_reader_must(r, count <= v->kind->records);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        uint8_t *record = v->records + (uint64_t)i * v->kind->record_size;
        hawse_event_t *e = &v->out[i];
        hawse_reader_get(r, e, sizeof(*e));
        hawse_reader_must(r, e->size == sizeof(*e) && e->space == HAWSE_SPACE_MARKET &&
                                 e->len <= v->kind->record_size);
        if (r->bad)
            return;
        e->data = record;
        hawse_reader_get(r, record, e->len);
        v->out_count = i + 1;
    }
}

static void get_venue(struct venue *v, const struct saved *s, hawse_reader_t *r)
{
    struct venue_found *f = &v->found;
    v->head_known = (s->flags & HEAD_KNOWN) != 0;
    v->tip_known = (s->flags & TIP_KNOWN) != 0;
    v->resume = (s->flags & RESUME) != 0;
    v->chain_id = s->chain_id;
    v->head_number = s->head_number;
    v->head_time = s->head_time;
    v->live_blocks = s->live_blocks;
    v->complaint_ns = s->complaint_ns;
    v->tick = s->tick;
    memcpy(v->head_hash, s->head_hash, 32);
    memcpy(v->tip_hash, s->tip_hash, 32);
    f->request = s->request;
    f->retry_ns = s->retry_ns;
    f->next_block = s->next_block;
    f->last_block = s->last_block;
    f->asked_to = s->asked_to;
    f->asking = s->asking;
    hawse_reader_must(r, s->range >= 1 && s->range <= f->range && s->asking <= f->lookups &&
                             s->out_next <= s->out_count);
    f->range = s->range;
    for (uint32_t i = 0; i < f->lookups; i++) {
        uint8_t asked = 0;
        hawse_reader_get(r, &asked, 1);
        f->asked[i] = asked != 0;
    }
}

/* What follows from the pools. */
static void count_pools(struct venue *v)
{
    v->unread = v->busy = 0;
    for (uint32_t i = 0; i < v->pool_count; i++) {
        v->unread += v->pools[i]->wanted && v->pools[i]->phase != POOL_FOLLOWED;
        v->busy += v->pools[i]->request != 0;
    }
}

int32_t venue_load(struct venue *v, hawse_view_t saved)
{
    struct saved s;
    hawse_reader_t r = hawse_reader(saved);
    const struct venue_kind *kind = v->kind;
    hawse_reader_get(&r, &s, sizeof(s));
    hawse_reader_must(&r, s.format == FORMAT && s.len == saved.len &&
                              s.state_size == kind->state_size && s.pool_size == own_size(kind) &&
                              s.record_size == kind->record_size && s.lookups == v->found.lookups &&
                              s.pool_count <= kind->pools_max);
    if (r.bad)
        return hawse_fail(v->host, v->self, HAWSE_E_FORMAT,
                          "the saved state is of another format, or was made with other settings",
                          "restart the instance instead: it reads its pools anew");
    get_venue(v, &s, &r);
    get_out(v, s.out_count, &r);
    v->out_next = s.out_next;
    for (uint32_t i = 0; i < s.pool_count && !r.bad; i++)
        get_pool(v, i, &r);
    hawse_reader_must(&r, v->pool_count == s.pool_count);
    count_pools(v);
    return hawse_reader_end(&r) == HAWSE_OK
               ? HAWSE_OK
               : hawse_fail(v->host, v->self, HAWSE_E_FORMAT,
                            "the saved state is damaged, or lacks a pool of the settings",
                            "restart the instance instead: it reads its pools anew");
}

const void *venue_query(const struct venue_kind *kind, const hawse_state_interface_t *interface,
                        const char *id)
{
    return kind->is_sound && strcmp(id, HAWSE_STATE_ID) == 0 ? interface : NULL;
}
