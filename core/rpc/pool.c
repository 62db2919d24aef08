/*
 * The pool as others see it; see pool.h. Takes requests from any thread over to the client's, lets
 * equal ones share a call, and answers from the cache what it can.
 */
#include "rpc/pool_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

enum { TICK_MS = 250, IDLE_MS = 1000, DEADLINE_MS = 10000, PARAMS_MAX = 4 << 20, METHOD_MAX = 128 };

uint64_t pool_random(struct pool *pool)
{
    pool->random ^= pool->random << 13;
    pool->random ^= pool->random >> 7;
    pool->random ^= pool->random << 17;
    return pool->random;
}

const char *pool_name(const struct pool *pool)
{
    return pool->chain.name;
}

uint64_t pool_poll_ns(const struct pool *pool)
{
    uint64_t block = pool->chain.block_ms * MS;
    return block > 4 * SECOND ? block : 4 * SECOND;
}

uint64_t pool_head(const struct pool *pool)
{
    return __atomic_load_n(&pool->head, __ATOMIC_ACQUIRE);
}

/* One provider alone can't make all others look late: a leap that no chain makes in that time is
 * not believed. */
void pool_saw_head(struct pool *pool, uint64_t head, uint64_t now)
{
    uint64_t since = now > pool->head_ns ? now - pool->head_ns : 0; /* read before it came */
    uint64_t blocks = since / (pool->chain.block_ms * MS / 4 + 1) + 64;
    if (head <= pool->head || (pool->head > 0 && pool->count > 1 && head - pool->head > blocks))
        return;
    __atomic_store_n(&pool->head, head, __ATOMIC_RELEASE);
    pool->head_ns = now;
    if (pool->cache)
        cache_block(pool->cache);
}

/* ---- who listens ---- */

/* [loop of the listener] */
static void hear_push(void *ctx)
{
    struct listener *l = ctx;
    __atomic_store_n(&l->posted, 0, __ATOMIC_RELEASE);
    l->fn(l->ctx);
}

void pool_tell_listener(struct pool *pool, hawse_view_t header)
{
    struct listener *l = &pool->listener;
    (void)pthread_mutex_lock(&l->lock);
    l->header_len = header.len <= sizeof(l->header) ? (size_t)header.len : 0;
    if (l->header_len > 0)
        memcpy(l->header, header.data, l->header_len);
    if (l->loop && !__atomic_exchange_n(&l->posted, 1, __ATOMIC_ACQ_REL))
        loop_post(l->loop, &l->work);
    (void)pthread_mutex_unlock(&l->lock);
}

size_t pool_pushed(struct pool *pool, uint8_t out[POOL_HEADER])
{
    struct listener *l = &pool->listener;
    (void)pthread_mutex_lock(&l->lock);
    size_t len = l->header_len;
    memcpy(out, l->header, len);
    l->header_len = 0;
    (void)pthread_mutex_unlock(&l->lock);
    return len;
}

void pool_listen(struct pool *pool, struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    struct listener *l = &pool->listener;
    (void)pthread_mutex_lock(&l->lock);
    l->loop = loop;
    if (loop) { /* what was posted for the last one is heard by it */
        l->work = (struct loop_work){.fn = hear_push, .ctx = l};
        l->fn = fn;
        l->ctx = ctx;
    }
    (void)pthread_mutex_unlock(&l->lock);
}

bool pool_pushes(const struct pool *pool)
{
    return __atomic_load_n(&pool->pushing, __ATOMIC_ACQUIRE) > 0;
}

/* ---- the client's thread: requests ---- */

static void unref(struct pool_request *r)
{
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(r);
}

static void on_deadline(void *ctx, uint64_t now)
{
    call_told_late(ctx, now);
}

static bool may_be_cached(const struct pool *pool, const struct call *c)
{
    bool moves = c->question.at != AT_NUMBER && c->question.at != AT_HASH &&
                 c->question.kind != QUESTION_TX && c->question.kind != QUESTION_STATIC;
    return pool->cache && c->question.kind > QUESTION_READ &&
           !(c->flags & (POOL_FRESH | POOL_QUORUM)) && !(moves && c->min_head > 0);
}

/* True: answered. */
static bool from_cache(struct pool *pool, struct pool_request *r, uint64_t now)
{
    const struct question *q = &r->call->question;
    size_t len = 0;
    const uint8_t *body = cache_find(pool->cache, q->key, q->key_len, now, &len);
    uint8_t *block = body ? malloc(len + HAWSE_PADDING) : NULL;
    struct answer *answer = block ? calloc(1, sizeof(*answer)) : NULL;
    if (!answer) {
        free(block);
        return false;
    }
    memcpy(block, body, len + HAWSE_PADDING);
    answer->refs = 1;
    answer->block = block;
    const struct outcome o = {.answer = answer, .body = block, .len = len, .provider = "cache"};
    call_tell(r, &o, now);
    answer_drop(answer);
    return true;
}

static bool may_join(const struct call *c, const struct call *with)
{
    return with->question.key_len == c->question.key_len && !with->done &&
           with->epoch == c->epoch && with->class <= c->class && with->min_head >= c->min_head &&
           with->max_response == c->max_response &&
           memcmp(with->question.key, c->question.key, c->question.key_len) == 0;
}

/* The call under way that this one may share; NULL: none. */
static struct call *find_equal(struct pool *pool, const struct call *c)
{
    if (!question_is_read(&c->question) || c->flags & (POOL_FRESH | POOL_QUORUM))
        return NULL;
    struct call *with = pool->table[c->bucket];
    while (with && !may_join(c, with))
        with = with->next;
    return with;
}

static void wait_for(struct pool_request *r, struct call *c)
{
    r->call = c;
    r->next = c->waiters;
    c->waiters = r;
    c->deadline_ns = r->deadline_ns > c->deadline_ns ? r->deadline_ns : c->deadline_ns;
    r->timer = (struct loop_timer){.fn = on_deadline, .ctx = r};
    (void)loop_timer_set(c->pool->loop, &r->timer, r->deadline_ns);
}

static void enlist(struct pool *pool, struct call *c)
{
    c->all_next = pool->calls;
    c->all_at = &pool->calls;
    if (pool->calls)
        pool->calls->all_at = &c->all_next;
    pool->calls = c;
}

static void begin_call(struct pool *pool, struct call *c, uint64_t now)
{
    if (question_is_read(&c->question) && !(c->flags & (POOL_FRESH | POOL_QUORUM))) {
        struct call **bucket = &pool->table[c->bucket];
        c->shared = true;
        c->next = *bucket;
        *bucket = c;
    }
    call_start(c, now);
}

static void arrive(void *ctx)
{
    struct pool_request *r = ctx;
    struct pool *pool = r->pool;
    struct call *c = r->call, *equal;
    uint64_t now = loop_clock();
    pool->asked_ns = now;
    enlist(pool, c);
    c->begun_ns = now;
    c->epoch = pool->epoch;
    c->head = pool->head;
    c->touches = pool->touches;
    if (__atomic_load_n(&r->canceled, __ATOMIC_ACQUIRE)) {
        __atomic_sub_fetch(&pool->requests, 1, __ATOMIC_RELAXED);
        r->call = NULL;
        unref(r);
        call_free(c);
    } else if (may_be_cached(pool, c) && from_cache(pool, r, now)) {
        call_free(c);
    } else if ((equal = find_equal(pool, c)) != NULL) {
        pool->joined++;
        call_free(c);
        wait_for(r, equal);
    } else {
        wait_for(r, c);
        begin_call(pool, c, now);
    }
}

/* ---- the client's thread: time, and what others tell ---- */

static void on_tick(void *ctx, uint64_t now)
{
    struct pool *pool = ctx;
    bool used = pool->asked_ns > 0 && now - pool->asked_ns < 60 * SECOND;
    bool poll = used && now - pool->polled_ns >= pool_poll_ns(pool);
    pool->polled_ns = poll ? now : pool->polled_ns;
    for (uint32_t i = 0; i < pool->count; i++)
        provider_tick(&pool->providers[i], poll, now);
    told_sample(pool, now);
    (void)loop_timer_set(pool->loop, &pool->tick, now + (used ? TICK_MS : IDLE_MS) * MS);
}

static void begin_ticking(void *ctx)
{
    struct pool *pool = ctx;
    for (uint32_t i = 0; i < pool->count; i++)
        provider_connect(&pool->providers[i]);
    on_tick(ctx, loop_clock());
}

enum news_kind { NEWS_EPOCH, NEWS_TOUCHED };

struct news {
    struct loop_work work;
    struct pool *pool;
    enum news_kind kind;
    uint64_t number;
    uint8_t address[20];
};

static void reorganised(struct pool *pool, uint64_t fork)
{
    pool->epoch++;
    if (pool->cache)
        cache_reorg(pool->cache, fork);
    for (uint32_t i = 0; i < pool->count; i++)
        pool->providers[i].head = pool->providers[i].head < fork ? pool->providers[i].head : 0;
    if (pool->head >= fork)
        __atomic_store_n(&pool->head, fork > 0 ? fork - 1 : 0, __ATOMIC_RELEASE);
}

static void hear(void *ctx)
{
    struct news *n = ctx;
    if (n->kind == NEWS_EPOCH)
        reorganised(n->pool, n->number);
    else
        n->pool->touches++;
    if (n->kind == NEWS_TOUCHED && n->pool->cache)
        cache_touched(n->pool->cache, n->address);
    free(n);
}

/* Without memory the host is about to end; old answers would live a little longer. */
static void tell(struct pool *pool, const struct news *what)
{
    struct news *n = malloc(sizeof(*n));
    if (!n)
        return;
    *n = *what;
    n->pool = pool;
    n->work = (struct loop_work){.fn = hear, .ctx = n};
    loop_post(pool->loop, &n->work);
}

void pool_epoch(struct pool *pool, uint64_t fork_height)
{
    tell(pool, &(struct news){.kind = NEWS_EPOCH, .number = fork_height});
}

void pool_touched(struct pool *pool, const uint8_t address[20])
{
    struct news n = {.kind = NEWS_TOUCHED};
    memcpy(n.address, address, 20);
    tell(pool, &n);
}

/* ---- any thread ---- */

static int32_t refuse(const struct pool *pool, int32_t code, const struct pool_options *o,
                      const char *why, struct fault *fault)
{
    return fault_set(fault, code, "chain %s: %.*s: %s", pool->chain.name,
                     (int)(o->method_len < 64 ? o->method_len : 64), o->method, why);
}

/* FNV-1a: who aims at a bucket hurts only himself for as long as his calls are under way. */
static uint32_t bucket_of(const struct question *q)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < q->key_len; i++)
        hash = (hash ^ (uint8_t)q->key[i]) * 16777619u;
    return hash % POOL_TABLE;
}

/* A call with copies of method and params, and what they ask. */
static int32_t call_new(struct pool *pool, const struct pool_options *o, struct call **out,
                        struct fault *fault)
{
    bool none = o->params_len == 0;
    struct call *c = calloc(1, sizeof(*c));
    if (!c)
        return refuse(pool, HAWSE_E_NOMEM, o, "no memory", fault);
    c->pool = pool;
    c->all_at = &c->all_next; /* until it is among the others */
    c->params_len = none ? 2 : o->params_len;
    c->params = calloc(1, c->params_len + HAWSE_PADDING);
    c->method = strndup(o->method, o->method_len);
    c->method_len = o->method_len;
    c->class = o->class;
    c->flags = o->flags;
    c->min_head = o->min_head;
    c->max_response = o->max_response;
    int32_t code = HAWSE_E_NOMEM;
    if (c->params && c->method) {
        memcpy(c->params, none ? (const uint8_t *)"[]" : o->params, c->params_len);
        code = question_read(c->method, c->method_len, c->params, c->params_len, &c->question);
    }
    if (code == HAWSE_OK && c->question.kind == QUESTION_FILTER)
        code = HAWSE_E_UNSUPPORTED;
    if (code == HAWSE_OK) {
        c->bucket = bucket_of(&c->question);
        *out = c;
        return HAWSE_OK;
    }
    call_free(c);
    return refuse(pool, code == HAWSE_E_FORMAT ? HAWSE_E_INVAL : code, o,
                  code == HAWSE_E_UNSUPPORTED
                      ? "filters live at one node alone, and a chain has several; use eth_getLogs"
                  : code == HAWSE_E_NOMEM ? "no memory"
                                          : "params are no JSON array",
                  fault);
}

int32_t pool_call(struct pool *pool, struct loop *loop, const struct pool_options *o,
                  pool_done_fn done, void *ctx, struct pool_request **out, struct fault *fault)
{
    struct call *c = NULL;
    if (o->method_len == 0 || o->method_len > METHOD_MAX || memchr(o->method, '"', o->method_len) ||
        memchr(o->method, '\\', o->method_len) || memchr(o->method, '\0', o->method_len) ||
        o->params_len > PARAMS_MAX || o->class > POOL_BACKGROUND)
        return refuse(pool, HAWSE_E_INVAL, o, "not a method's name, or params above 4 MiB", fault);
    int32_t code = http_client_start(pool->client, fault);
    if (code == HAWSE_OK)
        code = call_new(pool, o, &c, fault);
    if (code != HAWSE_OK)
        return code;
    struct pool_request *r = calloc(1, sizeof(*r));
    bool full = __atomic_add_fetch(&pool->requests, 1, __ATOMIC_RELAXED) > POOL_REQUESTS;
    if (!r || full) {
        __atomic_sub_fetch(&pool->requests, 1, __ATOMIC_RELAXED);
        free(r);
        call_free(c);
        return refuse(pool, full ? HAWSE_E_LIMIT : HAWSE_E_NOMEM, o,
                      full ? "4,096 requests are under way" : "no memory", fault);
    }
    r->pool = pool;
    r->call = c;
    r->loop = loop;
    r->done = done;
    r->ctx = ctx;
    r->refs = 1;
    r->asked_ns = loop_clock();
    r->deadline_ns = r->asked_ns + (o->deadline_ms ? o->deadline_ms : (uint64_t)DEADLINE_MS) * MS;
    c->deadline_ns = r->deadline_ns;
    r->work = (struct loop_work){.fn = arrive, .ctx = r};
    *out = r;
    loop_post(pool->loop, &r->work);
    return HAWSE_OK;
}

/* [client's thread] */
static void withdraw(void *ctx)
{
    struct pool_request *r = ctx;
    struct call *c = r->call;
    if (c) {
        struct pool_request **at = &c->waiters;
        while (*at != r)
            at = &(*at)->next;
        *at = r->next;
        loop_timer_cancel(r->pool->loop, &r->timer);
        r->call = NULL;
        __atomic_sub_fetch(&r->pool->requests, 1, __ATOMIC_RELAXED);
        unref(r); /* the answer's, which does not come */
        if (!c->waiters)
            call_abandon(c);
    }
    unref(r);
}

void pool_cancel(struct pool_request *r)
{
    if (!r || __atomic_exchange_n(&r->canceled, 1, __ATOMIC_ACQ_REL))
        return;
    __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
    r->cancel_work = (struct loop_work){.fn = withdraw, .ctx = r};
    loop_post(r->pool->loop, &r->cancel_work);
}

/* ---- begin and end ---- */

int32_t pool_create(struct http_client *client, struct connector *connector,
                    const struct config_chain *chain, struct logger *logger,
                    struct metrics *metrics, struct pool **out, struct fault *fault)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    int32_t code = pool ? config_chain_copy(chain, &pool->chain) : HAWSE_E_NOMEM;
    if (code != HAWSE_OK) {
        free(pool);
        return fault_set(fault, code, "no memory for the providers of a chain");
    }
    pool->client = client;
    pool->connector = connector;
    pool->loop = http_client_loop(client);
    pool->logger = logger;
    pool->metrics = metrics;
    pool->random = loop_clock() | 1;
    (void)pthread_mutex_init(&pool->listener.lock, NULL);
    pool->count = (uint32_t)chain->provider_count;
    pool->tick = (struct loop_timer){.fn = on_tick, .ctx = pool};
    pool->providers = calloc(pool->count + 1u, sizeof(pool->providers[0]));
    if (chain->cache)
        pool->cache = cache_create((uint64_t)chain->cache_mib << 20, chain->cache_entries);
    code = pool->providers && (pool->cache || !chain->cache) && pool->count <= POOL_PROVIDERS
               ? HAWSE_OK
               : HAWSE_E_NOMEM;
    for (uint32_t i = 0; i < pool->count && code == HAWSE_OK; i++)
        code = provider_init(pool, i);
    if (code == HAWSE_OK)
        code = told_init(pool);
    if (code != HAWSE_OK) {
        pool_destroy(pool);
        return fault_set(fault, code, "no memory for the providers of chain %s", chain->name);
    }
    pool->start = (struct loop_work){.fn = begin_ticking, .ctx = pool};
    loop_post(pool->loop, &pool->start);
    *out = pool;
    return HAWSE_OK;
}

void pool_destroy(struct pool *pool)
{
    if (!pool)
        return;
    loop_drain(pool->loop); /* what was posted and not heard */
    loop_timer_cancel(pool->loop, &pool->tick);
    while (pool->calls) {
        struct call *c = pool->calls;
        while (c->waiters) {
            struct pool_request *r = c->waiters;
            c->waiters = r->next;
            loop_timer_cancel(pool->loop, &r->timer);
            unref(r);
        }
        call_free(c);
    }
    for (uint32_t i = 0; i < pool->count && pool->providers; i++) {
        loop_timer_cancel(pool->loop, &pool->providers[i].timer);
        provider_finish(&pool->providers[i]);
    }
    cache_destroy(pool->cache);
    (void)pthread_mutex_destroy(&pool->listener.lock);
    free(pool->providers);
    config_chain_finish(&pool->chain);
    free(pool);
}
