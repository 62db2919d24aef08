/*
 * Nonces in the journal's tables, for one host: nobody else can have the journal. Every step is a
 * few statements of one group, so that a crash leaves it done or not begun.
 *
 * An error sticks to the step: what follows it does nothing, and its answer is the error.
 */
#include "tx/nonce_private.h"

#include "store/journal_nonces.h"

#include <hawse/types.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct journal_nonces {
    struct nonces base;
    struct journal *journal;
    struct journal_nonce_row rows[NONCE_ROWS];
    struct nonce_entry entries[NONCE_ROWS];
    struct nonce_gap gaps[NONCE_GAPS];
};

/* One call under way. */
struct step {
    struct journal_nonces *nonces;
    const struct nonce_call *call;
    struct journal_account account;
    struct nonce_answer *answer;
    uint64_t now;
};

static bool good(const struct step *step)
{
    return step->answer->status == HAWSE_OK;
}

static void refuse(struct step *step, int32_t code, const char *words)
{
    if (good(step))
        step->answer->status = fault_set(&step->answer->fault, code, "a nonce of chain %llu: %s",
                                         (unsigned long long)step->call->key.chain_id, words);
}

static uint64_t ask(struct step *step, enum journal_nonce_op op, uint64_t a, uint64_t b)
{
    uint64_t out = UINT64_MAX;
    if (good(step))
        step->answer->status = journal_nonce_do(step->nonces->journal, &step->account, op, a, b,
                                                &out, &step->answer->fault);
    return out;
}

static void put(struct step *step, uint64_t number, enum nonce_state state, const uint8_t token[16],
                const uint8_t hash[32])
{
    struct journal_nonce_row row = {.number = number, .state = state, .since_ns = step->now};
    memcpy(row.token, token, 16);
    memcpy(row.hash, hash, 32);
    if (good(step))
        step->answer->status =
            journal_nonce_put(step->nonces->journal, &step->account, &row, &step->answer->fault);
}

/* The row of this number; false when there is none. */
static bool get(struct step *step, uint64_t number, struct journal_nonce_row *out)
{
    size_t count = 0;
    if (good(step))
        step->answer->status =
            journal_nonce_rows(step->nonces->journal, &step->account, number, number + 1, false,
                               out, 1, &count, &step->answer->fault);
    return count == 1;
}

/* An account that these tables do not know may have been signed for by way of another backend. */
static void load(struct step *step)
{
    uint64_t high = 0;
    struct journal *journal = step->nonces->journal;
    struct fault *fault = &step->answer->fault;
    step->account.chain_id = step->call->key.chain_id;
    memcpy(step->account.sender, step->call->key.sender, 20);
    step->answer->status = journal_account_get(journal, &step->account, fault);
    if (good(step) && !step->account.known)
        step->answer->status = journal_high_water(journal, step->call->key.chain_id,
                                                  step->call->key.sender, &high, fault);
    step->account.next = high > step->account.next ? high : step->account.next;
}

/* The numbers at the top that are free were never handed out, as far as anybody can tell. */
static void shrink(struct step *step)
{
    while (good(step) && step->account.next > 0 &&
           ask(step, JOURNAL_NONCE_LAST_FREE, 0, 0) == step->account.next - 1) {
        step->account.next--;
        (void)ask(step, JOURNAL_NONCE_DELETE, step->account.next, 0);
    }
}

/* Time runs out for those that hold one too long; also when the clock was set back. */
static void expire(struct step *step)
{
    uint64_t ttl = step->nonces->base.options.ttl_ns;
    uint64_t until = step->now > ttl ? step->now - ttl : 0;
    uint64_t count = ask(step, JOURNAL_NONCE_EXPIRE, step->now, until);
    step->nonces->base.counts.expired += good(step) ? count : 0;
    shrink(step);
}

/* Others used numbers up to `count`; of a new account all of them are old. */
static void raise_next(struct step *step, uint64_t count)
{
    if (step->account.known && count > step->account.next)
        step->answer->foreign = count - step->account.next;
    if (count > step->account.next)
        step->account.next = count;
    (void)ask(step, JOURNAL_NONCE_DROP_FREE, count, 0);
}

static void hand_out(struct step *step, uint64_t number)
{
    static const uint8_t none[32];
    if (number > NONCE_MAX)
        refuse(step, HAWSE_E_RANGE, "all of them were used");
    step->answer->nonce.number = number;
    randombytes_buf(step->answer->nonce.token, sizeof(step->answer->nonce.token));
    put(step, number, NONCE_RESERVED, step->answer->nonce.token, none);
}

static void reserve(struct step *step)
{
    expire(step);
    raise_next(step, step->call->a);
    uint64_t in_flight = ask(step, JOURNAL_NONCE_IN_FLIGHT, 0, 0);
    if (in_flight >= step->call->b)
        refuse(step, HAWSE_E_AGAIN, "as many as may be are in flight");
    uint64_t number = ask(step, JOURNAL_NONCE_FIRST_FREE, 0, 0);
    if (good(step) && number != UINT64_MAX) {
        step->nonces->base.counts.reused++;
        hand_out(step, number);
    } else if (good(step)) {
        hand_out(step, step->account.next);
        step->account.next += good(step);
    }
}

static void claim(struct step *step)
{
    struct journal_nonce_row row;
    uint64_t number = step->call->a;
    if (number >= step->account.next || number < step->account.floor)
        refuse(step, HAWSE_E_RANGE, "was never handed out, or is mined");
    if (get(step, number, &row) && row.state != NONCE_FREE)
        refuse(step, HAWSE_E_EXISTS, "somebody has it");
    if (good(step))
        hand_out(step, number);
}

/* Is it held by this token? In which state, then; 0 otherwise, which is told. */
static uint32_t held(struct step *step, uint32_t least, uint32_t most)
{
    struct journal_nonce_row row;
    const struct nonce *nonce = &step->call->nonce;
    if (get(step, nonce->number, &row) && row.state >= least && row.state <= most &&
        sodium_memcmp(row.token, nonce->token, 16) == 0)
        return row.state;
    refuse(step, HAWSE_E_STALE, "is not yours any more");
    return 0;
}

static void sent(struct step *step)
{
    const struct nonce *nonce = &step->call->nonce;
    /* mined: a reorganisation may have taken it back, and then it needs a replacement */
    if (held(step, NONCE_RESERVED, NONCE_MINED))
        put(step, nonce->number, NONCE_SENT, nonce->token, step->call->hash);
    step->answer->nonce = *nonce;
}

static void release(struct step *step)
{
    static const uint8_t none[32];
    const struct nonce *nonce = &step->call->nonce;
    if (held(step, NONCE_RESERVED, NONCE_RESERVED))
        put(step, nonce->number, NONCE_FREE, none, none);
    shrink(step);
}

static void mined(struct step *step)
{
    uint64_t latest = step->call->a;
    raise_next(step, latest);
    (void)ask(step, JOURNAL_NONCE_MINED, latest, step->now);
    (void)ask(step, JOURNAL_NONCE_DROP_LOST, latest, 0);
    (void)ask(step, JOURNAL_NONCE_PRUNE, latest > NONCE_MINED_KEPT ? latest - NONCE_MINED_KEPT : 0,
              0);
    if (latest > step->account.floor)
        step->account.floor = latest;
}

/* Down only over what nobody ever had: neither here nor in what was signed. */
static void take_back(struct step *step)
{
    uint64_t target = step->call->b, high = 0;
    expire(step);
    if (step->account.next != step->call->a)
        refuse(step, HAWSE_E_STALE, "next is another than was expected");
    if (good(step))
        step->answer->status =
            journal_high_water(step->nonces->journal, step->call->key.chain_id,
                               step->call->key.sender, &high, &step->answer->fault);
    if (target > step->account.next || high > target ||
        ask(step, JOURNAL_NONCE_USED_FROM, target, 0) != 0)
        refuse(step, HAWSE_E_STATE, "some of the numbers from the target on were used");
    (void)ask(step, JOURNAL_NONCE_DROP_FROM, target, 0);
    if (good(step)) {
        step->account.next = target;
        step->account.floor = target < step->account.floor ? target : step->account.floor;
    }
}

static size_t read_entries(struct step *step, uint64_t from, uint64_t to, bool open_first,
                           size_t cap)
{
    struct journal_nonces *nonces = step->nonces;
    size_t count = 0;
    if (good(step))
        step->answer->status =
            journal_nonce_rows(nonces->journal, &step->account, from, to, open_first, nonces->rows,
                               cap, &count, &step->answer->fault);
    for (size_t i = 0; i < count; i++) {
        const struct journal_nonce_row *row = &nonces->rows[i];
        struct nonce_entry *entry = &nonces->entries[i];
        entry->nonce.number = row->number;
        memcpy(entry->nonce.token, row->token, 16);
        memcpy(entry->hash, row->hash, 32);
        entry->state = (enum nonce_state)row->state;
        entry->since_ns = row->since_ns;
    }
    return count;
}

static void gaps(struct step *step)
{
    const struct nonce_view *view = &step->call->view;
    struct journal_nonces *nonces = step->nonces;
    expire(step);
    raise_next(step, view->pending > view->latest ? view->pending : view->latest);
    size_t count = read_entries(step, view->latest, step->account.next, false, NONCE_ROWS);
    step->answer->gaps = nonces->gaps;
    if (good(step))
        step->answer->gap_count = nonce_find_gaps(view, step->account.next, step->now,
                                                  nonces->entries, count, nonces->gaps);
}

static void list(struct step *step)
{
    step->answer->entries = step->nonces->entries;
    step->answer->entry_count = read_entries(step, 0, INT64_MAX, true, NONCE_LIST);
}

/* What the journal itself tells; all else is an answer, and what was found on the way is kept. */
static bool journal_failed(int32_t code)
{
    return code == HAWSE_E_IO || code == HAWSE_E_NOSPACE || code == HAWSE_E_FORMAT ||
           code == HAWSE_E_NOMEM;
}

static void run(struct step *step)
{
    static void (*const ops[NONCE_OP_COUNT])(struct step *) = {
        [NONCE_OP_RESERVE] = reserve, [NONCE_OP_CLAIM] = claim, [NONCE_OP_SENT] = sent,
        [NONCE_OP_RELEASE] = release, [NONCE_OP_MINED] = mined, [NONCE_OP_REWIND] = take_back,
        [NONCE_OP_GAPS] = gaps,       [NONCE_OP_LIST] = list,
    };
    struct nonce_answer *answer = step->answer;
    load(step);
    if (good(step))
        ops[step->call->op](step);
    answer->next = step->account.next;
    if (journal_failed(answer->status))
        return;
    struct fault fault = {0};
    uint64_t in_flight = 0;
    int32_t code = journal_nonce_do(step->nonces->journal, &step->account, JOURNAL_NONCE_IN_FLIGHT,
                                    0, 0, &in_flight, &fault);
    answer->in_flight = (uint32_t)in_flight;
    if (code == HAWSE_OK)
        code = journal_account_put(step->nonces->journal, &step->account, &fault);
    if (code != HAWSE_OK) {
        answer->status = code;
        answer->fault = fault;
    }
}

static void journal_call(struct nonces *base, const struct nonce_call *call)
{
    struct journal_nonces *nonces = (struct journal_nonces *)base;
    struct nonce_answer answer = {0};
    struct fault fault = {0};
    struct step step = {.nonces = nonces,
                        .call = call,
                        .answer = &answer,
                        .now = base->options.clock(base->options.clock_ctx)};
    bool own = !journal_in_group(nonces->journal);
    int32_t code = own ? journal_begin(nonces->journal, &fault) : HAWSE_OK;
    if (code == HAWSE_OK)
        run(&step);
    if (code == HAWSE_OK && own)
        code = journal_commit(nonces->journal, &fault);
    if (code != HAWSE_OK && !journal_failed(answer.status)) { /* the first of them is the reason */
        answer.status = code;
        answer.fault = fault;
    }
    nonce_answer(base, call, &answer);
}

static enum nonce_mode journal_mode(const struct nonces *nonces)
{
    (void)nonces;
    return NONCE_LOCAL;
}

static void journal_done(struct nonces *nonces)
{
    free(nonces);
}

/* Nobody is left who could use what an earlier run had reserved. */
static int32_t free_reserved(struct journal_nonces *nonces, struct fault *fault)
{
    struct journal_account all = {0};
    uint64_t now = nonces->base.options.clock(nonces->base.options.clock_ctx);
    bool own = !journal_in_group(nonces->journal);
    int32_t code = own ? journal_begin(nonces->journal, fault) : HAWSE_OK;
    if (code == HAWSE_OK)
        code = journal_nonce_do(nonces->journal, &all, JOURNAL_NONCE_FREE_ALL, now, 0,
                                &nonces->base.counts.expired, fault);
    if (code == HAWSE_OK && own)
        return journal_commit(nonces->journal, fault);
    if (own)
        journal_abort(nonces->journal);
    return code;
}

int32_t nonces_open(struct journal *journal, const struct nonce_options *options,
                    struct nonces **out, struct fault *fault)
{
    static const struct nonce_backend backend = {journal_call, journal_mode, journal_done};
    struct journal_nonces *nonces = calloc(1, sizeof(*nonces));
    *out = NULL;
    if (!nonces)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for nonces");
    nonces_init(&nonces->base, &backend, options);
    nonces->journal = journal;
    int32_t code = free_reserved(nonces, fault);
    if (code == HAWSE_OK)
        *out = &nonces->base;
    else
        free(nonces);
    return code;
}
