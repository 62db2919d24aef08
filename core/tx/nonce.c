/* See nonce.h: what holds for every backend. */
#include "tx/nonce.h"

#include "tx/nonce_private.h"

#include "loop/loop.h"

#include <hawse/types.h>
#include <string.h>

static const uint64_t DEFAULT_TTL_NS = 30ULL * 1000000000ULL;

static uint64_t system_clock(void *ctx)
{
    (void)ctx;
    return loop_utc();
}

void nonces_init(struct nonces *nonces, const struct nonce_backend *backend,
                 const struct nonce_options *options)
{
    nonces->backend = backend;
    nonces->options = options ? *options : (struct nonce_options){0};
    if (nonces->options.ttl_ns == 0)
        nonces->options.ttl_ns = DEFAULT_TTL_NS;
    if (!nonces->options.clock)
        nonces->options.clock = system_clock;
}

void nonces_close(struct nonces *nonces)
{
    if (nonces)
        nonces->backend->close(nonces);
}

enum nonce_mode nonce_mode(const struct nonces *nonces)
{
    return nonces->backend->mode(nonces);
}

const char *nonce_mode_name(enum nonce_mode mode)
{
    static const char *const names[] = {"unknown", "local", "shared", "alone", "stopped"};
    return names[mode <= NONCE_STOPPED ? mode : 0];
}

void nonce_counts(const struct nonces *nonces, struct nonce_counts *out)
{
    *out = nonces->counts;
}

void nonce_answer(struct nonces *nonces, const struct nonce_call *call,
                  const struct nonce_answer *answer)
{
    struct nonce_counts *counts = &nonces->counts;
    uint64_t *const good[NONCE_OP_COUNT] = {
        [NONCE_OP_RESERVE] = &counts->reserved, [NONCE_OP_CLAIM] = &counts->claimed,
        [NONCE_OP_SENT] = &counts->sent,        [NONCE_OP_RELEASE] = &counts->released,
        [NONCE_OP_MINED] = &counts->mined,      [NONCE_OP_REWIND] = &counts->rewound};
    if (answer->status == HAWSE_OK && good[call->op])
        (*good[call->op])++;
    counts->busy += answer->status == HAWSE_E_AGAIN;
    counts->stale += answer->status == HAWSE_E_STALE;
    counts->foreign += answer->foreign;
    for (size_t i = 0; i < answer->gap_count; i++)
        counts->holes += answer->gaps[i].trouble == NONCE_HOLE;
    call->done(call->ctx, answer);
}

/* Refuses numbers that no backend could keep exactly. */
static void submit(struct nonces *nonces, const struct nonce_call *call)
{
    const struct nonce_call *c = call;
    bool fits = c->a <= NONCE_MAX && c->b <= NONCE_MAX && c->nonce.number <= NONCE_MAX &&
                c->view.latest <= NONCE_MAX && c->view.pending <= NONCE_MAX &&
                c->key.chain_id <= NONCE_MAX;
    if (fits) {
        nonces->backend->call(nonces, call);
        return;
    }
    struct nonce_answer answer = {.status = HAWSE_E_RANGE};
    (void)fault_set(&answer.fault, HAWSE_E_RANGE, "a nonce or chain id is above 2^53 - 1");
    nonce_answer(nonces, call, &answer);
}

void nonce_reserve(struct nonces *nonces, const struct nonce_key *key, uint64_t floor,
                   uint32_t window, nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){.op = NONCE_OP_RESERVE,
                                        .key = *key,
                                        .a = floor,
                                        .b = window,
                                        .done = done,
                                        .ctx = ctx});
}

void nonce_reserve_alone(struct nonces *nonces, const struct nonce_key *key, uint64_t floor,
                         uint32_t held, nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){.op = NONCE_OP_RESERVE,
                                        .key = *key,
                                        .a = floor,
                                        .b = held + 1,
                                        .alone = true,
                                        .done = done,
                                        .ctx = ctx});
}

void nonce_claim(struct nonces *nonces, const struct nonce_key *key, uint64_t number,
                 nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){
                       .op = NONCE_OP_CLAIM, .key = *key, .a = number, .done = done, .ctx = ctx});
}

void nonce_take(struct nonces *nonces, const struct nonce_key *key, uint64_t number,
                nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){.op = NONCE_OP_CLAIM,
                                        .key = *key,
                                        .a = number,
                                        .take = true,
                                        .done = done,
                                        .ctx = ctx});
}

void nonce_sent(struct nonces *nonces, const struct nonce_key *key, const struct nonce *nonce,
                const uint8_t hash[32], nonce_done_fn done, void *ctx)
{
    struct nonce_call call = {
        .op = NONCE_OP_SENT, .key = *key, .nonce = *nonce, .done = done, .ctx = ctx};
    memcpy(call.hash, hash, 32);
    submit(nonces, &call);
}

void nonce_release(struct nonces *nonces, const struct nonce_key *key, const struct nonce *nonce,
                   nonce_done_fn done, void *ctx)
{
    submit(nonces,
           &(struct nonce_call){
               .op = NONCE_OP_RELEASE, .key = *key, .nonce = *nonce, .done = done, .ctx = ctx});
}

void nonce_mined(struct nonces *nonces, const struct nonce_key *key, uint64_t latest,
                 nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){
                       .op = NONCE_OP_MINED, .key = *key, .a = latest, .done = done, .ctx = ctx});
}

void nonce_rewind(struct nonces *nonces, const struct nonce_key *key, uint64_t expected,
                  uint64_t target, nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){.op = NONCE_OP_REWIND,
                                        .key = *key,
                                        .a = expected,
                                        .b = target,
                                        .done = done,
                                        .ctx = ctx});
}

void nonce_gaps(struct nonces *nonces, const struct nonce_key *key, const struct nonce_view *view,
                nonce_done_fn done, void *ctx)
{
    submit(nonces, &(struct nonce_call){
                       .op = NONCE_OP_GAPS, .key = *key, .view = *view, .done = done, .ctx = ctx});
}

void nonce_list(struct nonces *nonces, const struct nonce_key *key, nonce_done_fn done, void *ctx)
{
    submit(nonces,
           &(struct nonce_call){.op = NONCE_OP_LIST, .key = *key, .done = done, .ctx = ctx});
}

/* ---- what is wrong ---- */

/* What a pool shows is not missing, whoever sent it. The next one to be mined is another matter: it
 * may be in every pool and priced too low. */
static bool is_gap(const struct nonce_view *view, uint64_t number, const struct nonce_entry *entry,
                   uint64_t now_ns, struct nonce_gap *out)
{
    bool shown = number < view->pending;
    *out = (struct nonce_gap){.number = number, .trouble = NONCE_HOLE};
    if (!entry)
        return !shown;
    uint64_t age = now_ns > entry->since_ns ? now_ns - entry->since_ns : 0;
    if (entry->state == NONCE_FREE)
        return !shown && age >= view->free_age_ns;
    if (entry->state == NONCE_RESERVED)
        return false;
    out->trouble = NONCE_UNSEEN;
    memcpy(out->hash, entry->hash, 32);
    return (!shown || number == view->latest) && age >= view->sent_age_ns;
}

size_t nonce_find_gaps(const struct nonce_view *view, uint64_t next, uint64_t now_ns,
                       const struct nonce_entry *entries, size_t count,
                       struct nonce_gap out[NONCE_GAPS])
{
    size_t found = 0, at = 0;
    /* behind the last entry that was read nothing is known */
    uint64_t end = count == NONCE_ROWS ? entries[count - 1].nonce.number + 1 : next;
    for (uint64_t n = view->latest; n < end && found < NONCE_GAPS; n++) {
        const struct nonce_entry *entry =
            at < count && entries[at].nonce.number == n ? &entries[at++] : NULL;
        if (!entry && n < view->pending) /* a long way may be shown; go on behind it */
            n = (at < count && entries[at].nonce.number < view->pending ? entries[at].nonce.number
                                                                        : view->pending) -
                1;
        else
            found += is_gap(view, n, entry, now_ns, &out[found]);
    }
    return found;
}
