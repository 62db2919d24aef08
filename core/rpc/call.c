/*
 * The life of one call: which provider is asked first, who is asked when that one is slow or fails,
 * what counts as the answer, and that everyone who waits is told once. A verdict (a revert, a nonce
 * that is too low) is never asked again; what may change something is never asked twice.
 */
#include "rpc/pool_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MS = 1000000u;

enum {
    HEDGES = 2,
    ROUNDS = 6,
    ROUND_MS = 100,   /* before the second round; twice as long before each further one */
    PATIENCE_MS = 50, /* a wait for a limit that is as good as none */
    WIDE = 3,         /* who gets a broadcast, and who votes */
    OVERTAKEN = 3,    /* answers that a provider still owes when others gave them */
};

/* ---- telling ---- */

/* [caller's loop] */
static void report(void *ctx)
{
    struct pool_request *r = ctx;
    if (!__atomic_load_n(&r->canceled, __ATOMIC_ACQUIRE))
        r->done(r->ctx, &r->result);
    answer_drop(r->answer);
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(r);
}

void call_tell(struct pool_request *r, const struct outcome *o, uint64_t now)
{
    struct pool *pool = r->pool;
    loop_timer_cancel(pool->loop, &r->timer);
    r->call = NULL;
    r->answer = answer_hold(o->answer);
    r->result = (struct pool_result){.status = o->status,
                                     .class = o->class,
                                     .rpc_code = o->rpc_code,
                                     .http_status = o->http_status,
                                     .retry_after_ms = o->retry_after_ms,
                                     .body = o->body,
                                     .body_len = o->len,
                                     .provider = o->provider,
                                     .elapsed_ns = now - r->asked_ns};
    __atomic_sub_fetch(&pool->requests, 1, __ATOMIC_RELAXED);
    r->work = (struct loop_work){.fn = report, .ctx = r};
    if (__atomic_load_n(&r->canceled, __ATOMIC_ACQUIRE))
        report(r);
    else
        loop_post(r->loop, &r->work);
}

/* ---- the end of a call ---- */

static bool is_send(const struct call *c)
{
    return c->question.kind == QUESTION_SEND || c->question.kind == QUESTION_OTHER;
}

static void leave_table(struct call *c)
{
    if (!c->shared)
        return;
    struct call **at = &c->pool->table[c->bucket];
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    c->shared = false;
}

void call_free(struct call *c)
{
    leave_table(c);
    loop_timer_cancel(c->pool->loop, &c->timer);
    *c->all_at = c->all_next;
    if (c->all_next)
        c->all_next->all_at = c->all_at;
    while (c->attempts) {
        struct attempt *a = c->attempts;
        c->attempts = a->also;
        free(a);
    }
    answer_drop(c->best.answer);
    for (unsigned i = 0; i < c->vote_count; i++)
        answer_drop(c->votes[i].answer);
    question_finish(&c->question);
    free(c->method);
    free(c->params);
    free(c);
}

/* Attempts that only wait are given up; those that run end by themselves, and are judged. */
static void drop_waiting(struct call *c)
{
    struct attempt **at = &c->attempts;
    while (*at) {
        struct attempt *a = *at;
        if (a->running) {
            a->provider->overtaken += !a->overtaken;
            a->overtaken = true;
            at = &a->also;
            continue;
        }
        *at = a->also;
        c->live--;
        provider_forget(a);
    }
}

/* From here on nobody waits; the call is freed with its last attempt. */
static void close_call(struct call *c)
{
    c->done = true;
    leave_table(c);
    loop_timer_cancel(c->pool->loop, &c->timer);
    drop_waiting(c);
}

static void tell_all(struct call *c, const struct outcome *o, uint64_t now)
{
    while (c->waiters) {
        struct pool_request *r = c->waiters;
        c->waiters = r->next;
        call_tell(r, o, now);
    }
}

/* Frees the call unless attempts of it still run: the caller must not look at it again. */
static void finish(struct call *c, const struct outcome *o, uint64_t now)
{
    struct pool *pool = c->pool;
    if (c->failed_ns && o->status == HAWSE_OK)
        histogram_add(pool->failover_seconds, now - c->failed_ns, 1);
    tell_all(c, o, now);
    close_call(c);
}

static void keep(const struct call *c, const struct outcome *o, uint64_t now)
{
    struct pool *pool = c->pool;
    struct question_keep how;
    const struct question_chain chain = {.head = pool->head,
                                         .confirmations = pool->chain.tx.confirmations,
                                         .block_ms = pool->chain.block_ms};
    if (!pool->cache || o->soft || o->status != HAWSE_OK ||
        !question_keeps(&c->question, &chain, o->body, o->len, &how))
        return;
    bool lasts = how.height == QUESTION_PINNED;
    if (!lasts && c->epoch != pool->epoch)
        return; /* it may tell of the blocks that have left */
    if (!lasts && how.ttl_ns > 0 &&
        (c->done || (how.block && c->head != pool->head) ||
         (c->question.has_address && c->touches != pool->touches)))
        return; /* it was overtaken */
    cache_put(pool->cache, &c->question, &how, o->body, o->len, now);
}

/* What looked at the call does so no longer. */
static void settle(struct call *c)
{
    if (--c->busy == 0 && c->done && c->live == 0)
        call_free(c);
}

/* ---- asking ---- */

/* Must it not be asked, in this round or at all? */
static bool barred(const struct call *c, const struct provider *p, uint64_t wait, uint64_t now)
{
    bool lacks_head = c->min_head > 0 && p->head < c->min_head && c->min_head <= c->pool->head;
    return (c->tried >> p->index) & 1u || p->standing == STANDING_WRONG || p->out_ns > now ||
           now + wait >= c->deadline_ns || lacks_head ||
           provider_lacks(p, c->method, c->method_len);
}

static enum grade grade(const struct call *c, const struct provider *p, bool hedge, bool last,
                        uint64_t wait, uint64_t now)
{
    bool needs = c->question.at == AT_NUMBER && c->question.height <= c->pool->head;
    bool open = p->breaker.state != BREAKER_CLOSED;
    if (barred(c, p, wait, now))
        return GRADE_NEVER;
    if (hedge && wait > 0 && p->standing == STANDING_GOOD)
        return GRADE_NEVER;
    if (open)
        return last ? GRADE_BEHIND : GRADE_OPEN;
    bool behind = needs && p->head > 0 && p->head < c->question.height;
    bool slow = p->overtaken >= OVERTAKEN && !hedge;
    return behind || slow || last || provider_behind(p, now) ? GRADE_BEHIND : GRADE_GOOD;
}

/* The best provider that was not asked in this round; NULL: there is none. As a last resort, one
 * whose breaker is open is as good as one that would have to wait. */
static struct provider *choose(const struct call *c, bool hedge, bool last, uint64_t now)
{
    struct pool *pool = c->pool;
    struct candidate candidates[POOL_PROVIDERS];
    uint64_t patience = c->class == POOL_SEND || hedge ? 0 : PATIENCE_MS * MS;
    for (uint32_t i = 0; i < pool->count; i++) {
        struct provider *p = &pool->providers[i];
        uint64_t wait = provider_wait(p, c, last, now);
        candidates[i] = (struct candidate){.grade = grade(c, p, hedge, last, wait, now),
                                           .priority = p->config->priority,
                                           .weight = p->config->weight,
                                           .wait_ns = wait,
                                           .turn = &p->turn};
    }
    size_t i = select_one(candidates, pool->count, patience);
    return i == pool->count ? NULL : &pool->providers[i];
}

/* Asks the best one; NULL: there is none. */
static struct provider *ask_one(struct call *c, bool hedge, uint64_t now)
{
    struct provider *p = choose(c, hedge, false, now);
    bool last = !p || p->paused_ns > now + PATIENCE_MS * MS;
    if (last)
        p = choose(c, hedge, true, now);
    if (!p)
        return NULL;
    c->tried |= 1u << p->index;
    return provider_ask(p, c, hedge, last, now) ? p : NULL;
}

static unsigned width(const struct call *c)
{
    return c->flags & (POOL_BROADCAST | POOL_QUORUM) ? WIDE : 1;
}

static bool hedges(const struct call *c)
{
    return question_is_read(&c->question) && c->pool->chain.hedge_ms > 0 && c->pool->count > 1 &&
           width(c) == 1 && c->hedges < HEDGES;
}

static void out_of_ways(struct call *c, uint64_t now);

/* Asks as many as the call wants at a time. */
static void begin_round(struct call *c, uint64_t now)
{
    struct provider *first = NULL;
    for (unsigned i = 0; i < width(c) && !c->done; i++) {
        struct provider *p = ask_one(c, false, now);
        first = first ? first : p;
        if (!p)
            break;
    }
    if (c->done)
        return;
    if (c->live == 0)
        out_of_ways(c, now);
    else if (hedges(c) && first)
        (void)loop_timer_set(c->pool->loop, &c->timer, now + provider_hedge_ns(first));
}

/* Until when no provider at all can take it: the shortest pause, or limits. */
static uint64_t shortest_wait(const struct call *c, uint64_t now)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < c->pool->count; i++) {
        const struct provider *p = &c->pool->providers[i];
        uint64_t wait = provider_wait(p, c, true, now);
        bool never = p->standing == STANDING_WRONG || provider_lacks(p, c->method, c->method_len);
        least = !never && wait < least ? wait : least;
    }
    return least;
}

/* Is it any use to ask the same ones again? */
static bool may_ask_again(const struct call *c)
{
    enum rpc_class class = c->best.class;
    if (c->rounds + 1 >= ROUNDS || (c->best.known && c->best.soft) ||
        (c->question.kind == QUESTION_OTHER && c->unsure))
        return false;
    return class == RPC_RATE_LIMITED || class == RPC_SERVER || class == RPC_TIMEOUT ||
           class == RPC_POOL_FULL || !c->best.known;
}

/* An outcome in words for those who got none. */
static void say_nothing_came(struct call *c, struct outcome *o)
{
    if (provider_lacks(&c->pool->providers[0], c->method, c->method_len))
        outcome_words(o, HAWSE_E_UNSUPPORTED, RPC_METHOD_UNSUPPORTED,
                      "no provider of chain %s has %.64s", c->pool->chain.name, c->method);
    else
        outcome_words(o, HAWSE_E_AGAIN, RPC_RATE_LIMITED,
                      "no provider of chain %s may be asked before the deadline: limits, breakers "
                      "and heads say no",
                      c->pool->chain.name);
}

/* Ends with the best that came. */
static void give_up(struct call *c, uint64_t now)
{
    struct outcome o = c->best;
    c->best = (struct outcome){0};
    if (is_send(c) && c->unsure && o.status != HAWSE_OK && o.class != RPC_ALREADY_KNOWN) {
        enum rpc_class class = o.class;
        answer_drop(o.answer);
        outcome_words(&o, HAWSE_E_UNKNOWN, class,
                      "no provider took it, and one of them may have: look it up before anything "
                      "else is sent");
    } else if (c->flags & POOL_QUORUM && c->vote_count > 0) {
        bool alone = c->vote_count == 1;
        answer_drop(o.answer);
        outcome_words(&o, alone ? HAWSE_E_AGAIN : HAWSE_E_STATE, RPC_SERVER,
                      alone ? "only one provider of chain %s gave an answer (%u)"
                            : "no two providers of chain %s gave the same answer (%u did answer)",
                      c->pool->chain.name, c->vote_count);
    } else if (!o.known) {
        say_nothing_came(c, &o);
    }
    finish(c, &o, now);
    answer_drop(o.answer);
}

/* Everyone was asked: once more a little later, or the end. */
static void out_of_ways(struct call *c, uint64_t now)
{
    uint64_t pause = ((uint64_t)ROUND_MS << c->rounds) * MS, wait = shortest_wait(c, now);
    pause += pool_random(c->pool) % (pause / 4);
    pause = wait != UINT64_MAX && wait > pause ? wait : pause;
    if (!may_ask_again(c) || now + pause >= c->deadline_ns || wait == UINT64_MAX) {
        give_up(c, now);
        return;
    }
    c->rounds++;
    c->tried = 0;
    (void)loop_timer_set(c->pool->loop, &c->timer, now + pause);
}

/* The next hedge, or the next round. */
static void on_timer(void *ctx, uint64_t now)
{
    struct call *c = ctx;
    uint64_t step = c->pool->chain.hedge_ms * MS, third = c->begun_ns + 2 * step;
    c->busy++;
    if (c->live == 0) {
        begin_round(c, now);
    } else if (hedges(c)) {
        c->hedges++;
        (void)ask_one(c, true, now);
        if (!c->done && c->live > 0)
            (void)loop_timer_set(c->pool->loop, &c->timer, third > now ? third : now + step);
    }
    settle(c);
}

void call_start(struct call *c, uint64_t now)
{
    c->timer = (struct loop_timer){.fn = on_timer, .ctx = c};
    c->busy++;
    begin_round(c, now);
    settle(c);
}

/* ---- answers ---- */

/* What is worth more to be told: a verdict before a failure, an old answer before none. */
static int worth(const struct outcome *o)
{
    const struct rpc_policy *policy = rpc_policy(o->class);
    if (o->status == HAWSE_OK)
        return o->soft ? 2 : 4;
    if (policy->elsewhere != RPC_ELSEWHERE_YES)
        return 3;
    return o->status == HAWSE_E_REMOTE ? 1 : 0;
}

static void remember(struct call *c, const struct outcome *o)
{
    if (c->best.known && worth(&c->best) > worth(o))
        return;
    answer_drop(c->best.answer);
    c->best = *o;
    c->best.answer = answer_hold(o->answer);
}

/* Two votes agree when they are the same bytes, or the same verdict. */
static bool agree(const struct outcome *a, const struct outcome *b)
{
    if (a->status != b->status)
        return false;
    return a->status == HAWSE_OK ? a->len == b->len && memcmp(a->body, b->body, a->len) == 0
                                 : a->class == b->class;
}

/* True: it is decided. */
static bool vote(struct call *c, const struct outcome *o)
{
    for (unsigned i = 0; i < c->vote_count; i++) {
        if (agree(&c->votes[i], o))
            return true;
    }
    if (c->vote_count < WIDE) {
        c->votes[c->vote_count] = *o;
        c->votes[c->vote_count++].answer = answer_hold(o->answer);
    }
    return false;
}

static bool is_verdict(const struct outcome *o)
{
    return o->status != HAWSE_OK && rpc_policy(o->class)->elsewhere != RPC_ELSEWHERE_YES;
}

/* Does this answer end the call? */
static bool decides(struct call *c, const struct outcome *o)
{
    bool success = (o->status == HAWSE_OK && !o->soft) || o->class == RPC_ALREADY_KNOWN;
    if (c->flags & POOL_QUORUM)
        return (success || o->soft || is_verdict(o)) && vote(c, o);
    if (success)
        return true;
    /* of a broadcast another one may still succeed */
    return is_verdict(o) && !(c->flags & POOL_BROADCAST && c->live > 0);
}

/* Of a quorum, a vote; of a broadcast, a refusal: no reason to ask one more while others think. */
static bool is_counted(const struct call *c, const struct outcome *o)
{
    if (c->flags & POOL_QUORUM)
        return is_verdict(o) || o->status == HAWSE_OK;
    return c->flags & POOL_BROADCAST && is_verdict(o);
}

/* It failed, and nobody who was asked is left. */
static void nobody_left(struct call *c, bool counted, uint64_t now)
{
    if (counted || worth(&c->best) >= 3)
        give_up(c, now);
    else
        out_of_ways(c, now);
}

/* An answer that did not decide: the next one is asked, unless that is of no use. */
static void go_on(struct call *c, const struct attempt *a, const struct outcome *o, uint64_t now)
{
    bool counted = is_counted(c, o);
    bool unsure = is_send(c) && !counted && rpc_policy(o->class)->unsure && o->left;
    remember(c, o);
    c->unsure = c->unsure || unsure;
    c->failed_ns = c->failed_ns ? c->failed_ns : now;
    if (c->question.kind == QUESTION_OTHER && unsure) { /* it may have been done */
        give_up(c, now);
        return;
    }
    bool wait = counted && (c->live > 0 || c->flags & POOL_BROADCAST);
    if (!wait && ask_one(c, false, now)) {
        if (!counted)
            provider_failed_over(a->provider, o, now);
    } else if (c->live == 0 && !c->done) {
        nobody_left(c, counted, now);
    }
}

void call_answered(struct call *c, const struct attempt *a, const struct outcome *o, uint64_t now)
{
    struct pool *pool = c->pool;
    struct attempt **at = &c->attempts;
    c->busy++;
    while (*at != a)
        at = &(*at)->also;
    *at = a->also;
    c->live--;
    keep(c, o, now);
    if (!c->done && decides(c, o)) {
        if (c->hedges > 0)
            counter_add(a->hedge ? pool->hedges_won : pool->hedges_lost, 1);
        if (!(is_send(c) && c->unsure && is_verdict(o) && o->class != RPC_ALREADY_KNOWN)) {
            finish(c, o, now);
        } else {
            remember(c, o);
            give_up(c, now);
        }
    } else if (!c->done) {
        go_on(c, a, o, now);
    }
    settle(c);
}

/* ---- those who wait no longer ---- */

void call_abandon(struct call *c)
{
    c->busy++;
    close_call(c);
    settle(c);
}

void call_told_late(struct pool_request *r, uint64_t now)
{
    struct call *c = r->call;
    struct outcome o;
    bool running = false;
    for (struct attempt *a = c->attempts; a; a = a->also)
        running = running || a->running;
    if (is_send(c) && (c->unsure || running))
        outcome_words(&o, HAWSE_E_UNKNOWN, RPC_TIMEOUT,
                      "no answer before the deadline, and it may have arrived: look it up before "
                      "anything else is sent");
    else
        outcome_words(&o, HAWSE_E_TIMEOUT, RPC_TIMEOUT,
                      "no provider of chain %s answered before the deadline: %s",
                      c->pool->chain.name,
                      c->best.known ? rpc_policy(c->best.class)->name : "nothing came");
    struct pool_request **at = &c->waiters;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    call_tell(r, &o, now);
    answer_drop(o.answer);
    if (!c->waiters)
        call_abandon(c);
}
