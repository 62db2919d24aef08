/*
 * The strategy handed over to another build of itself (hawse.state/1): the market as it is told,
 * the questions and the trade under way with what its steps said, the control, and what this run
 * counts. No tick is read anew, and no trade is left without its result. One walk over the fields
 * both writes and reads, so that the two cannot differ; what can be made of the rest (the pools as
 * quotes want them, how much is asked) is made of it. See arb.h.
 *
 * Must never: take a byte of it for granted, or go on with another proposal or account than the
 * settings name.
 */
#include "arb.h"
#include "keep.h"

#include <hawse/reader.h>
#include <hawse/service/state.h>
#include <hawse/writer.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 2 };

struct walk {
    hawse_writer_t *w; /* NULL: it reads */
    hawse_reader_t *r;
};

/* ---- kinds of fields ---- */

static void raw(struct walk *k, void *field, uint64_t len)
{
    if (k->w)
        hawse_writer_put(k->w, field, len);
    else
        hawse_reader_get(k->r, field, len);
}

/* Whole, as it stands in memory: numbers without gaps between them, of which any value is legal. */
#define FIELD(k, field) raw(k, &(field), sizeof(field))

static void must(struct walk *k, bool good)
{
    if (k->r)
        hawse_reader_must(k->r, good);
}

static bool is_good(const struct walk *k)
{
    return k->w || hawse_reader_good(k->r);
}

static uint32_t bounded(struct walk *k, uint32_t n, uint32_t max)
{
    raw(k, &n, sizeof(n));
    must(k, n <= max);
    return is_good(k) ? n : 0;
}

static void number(struct walk *k, uint32_t *n, uint32_t max)
{
    *n = bounded(k, *n, max);
}

static void flag(struct walk *k, bool *b)
{
    *b = bounded(k, *b, 1) != 0;
}

/* A text that ends within its room. */
static void text(struct walk *k, char *s, uint64_t cap)
{
    raw(k, s, cap);
    must(k, memchr(s, '\0', cap) != NULL);
}

/* Settings that have to be the same: all else would be about another market. */
static void same(struct walk *k, const void *field, uint64_t len)
{
    uint8_t found[32];
    memcpy(found, field, len);
    raw(k, found, len);
    must(k, memcmp(found, field, len) == 0);
}

/* ---- what is asked ---- */

static const uint32_t items[ASKS] = {[ASK_OUTCOME] = 4,
                                     [ASK_COLLATERAL] = 2,
                                     [ASK_RATE] = 1,
                                     [ASK_TICKS] = MARKET_POOLS,
                                     [ASK_FEE] = MARKET_POOLS,
                                     [ASK_BALANCE] = MARKET_TOKENS,
                                     [ASK_CODE] = 2,
                                     [ASK_RECEIPT] = ARB_LEGS,
                                     [ASK_PROOF] = PROOF_QUESTIONS};

static void questions(struct walk *k, struct arb *a)
{
    uint32_t asking = 0;
    for (uint32_t what = 0; what < ASKS; what++) {
        for (uint32_t i = 0; i < items[what]; i++) {
            struct question *q = &a->ask[what][i];
            flag(k, &q->wanted);
            flag(k, &q->asked);
            FIELD(k, q->failures);
            FIELD(k, q->retry_ns);
            FIELD(k, q->request);
            asking += q->asked;
        }
    }
    if (k->r)
        a->asking = asking;
}

static void proof(struct walk *k, struct proof *p)
{
    FIELD(k, p->collateral);
    FIELD(k, p->outcome);
    FIELD(k, p->data);
    for (uint32_t i = 0; i < PROOF_OUTCOMES; i++)
        number(k, &p->data_len[i], PROOF_DATA + 1);
    FIELD(k, p->conditional_tokens);
    FIELD(k, p->wrapper);
    FIELD(k, p->condition);
    FIELD(k, p->parent);
    FIELD(k, p->wrapped);
    FIELD(k, p->decimals);
    FIELD(k, p->factory);
    FIELD(k, p->pool);
    FIELD(k, p->known);
}

/* ---- the market ---- */

static void told_pool(struct walk *k, struct told_pool *p)
{
    FIELD(k, p->market);
    FIELD(k, p->token);
    flag(k, &p->priced);
    FIELD(k, p->tick);
    FIELD(k, p->fee_ppm);
    FIELD(k, p->sqrt_price);
    FIELD(k, p->liquidity);
}

static void ticks(struct walk *k, struct ticks *t)
{
    number(k, &t->count, TICKS_MAX);
    number(k, &t->lost, 1);
    raw(k, t->tick, t->count * sizeof(t->tick[0]));
    for (uint32_t i = 1; i < t->count; i++)
        must(k, t->tick[i - 1].tick < t->tick[i].tick);
}

static void leg(struct walk *k, struct arb *a, uint32_t i)
{
    struct told_leg *l = &a->leg[i];
    number(k, &l->pool, TOLD_POOLS);
    must(k, l->pool == TOLD_POOLS || l->pool < a->pool_count);
    must(k, l->pool != TOLD_POOLS || !(a->ask[ASK_TICKS][i].wanted || a->ask[ASK_TICKS][i].asked));
    flag(k, &l->ticks_read);
    FIELD(k, l->ticks_block);
    FIELD(k, l->next_block);
    FIELD(k, l->asked_to);
    FIELD(k, l->range);
    FIELD(k, l->quoted_fee);
    ticks(k, &l->ticks);
    flag(k, &a->market.leg[i].base_is_0);
}

/* What a pool of v3 has beside that. */
static void spot_live(struct walk *k, struct arb *a)
{
    struct market_spot *s = &a->market.spot;
    flag(k, &s->is_v3);
    flag(k, &s->wrapped);
    must(k, !s->is_v3 || a->set.places.spot == BUNDLE_SPOT_V3);
    number(k, &s->live.token_count, ARB_TOKENS_MAX);
    FIELD(k, s->live.kind);
    FIELD(k, s->live.swap_fee);
    FIELD(k, s->live.minimum_trade);
    FIELD(k, s->minimum_wrap);
    FIELD(k, s->wrapper);
    FIELD(k, a->live_tokens);
    FIELD(k, a->spot_asset);
    FIELD(k, a->spot_wrapper);
    FIELD(k, a->set.places.wrapper);
    if (k->r)
        s->live.tokens = a->live_tokens;
}

static void spot(struct walk *k, struct arb *a)
{
    struct market_spot *s = &a->market.spot;
    number(k, &s->pool.token_count, ARB_TOKENS_MAX);
    number(k, &s->company, ARB_TOKENS_MAX - 1);
    number(k, &s->sdai, ARB_TOKENS_MAX - 1);
    FIELD(k, s->pool.kind);
    FIELD(k, s->pool.swap_fee);
    FIELD(k, s->pool.amplification);
    FIELD(k, a->tokens);
    FIELD(k, a->spot_token);
    flag(k, &a->spot_good);
    flag(k, &a->spot_paused);
    spot_live(k, a);
    uint32_t count = s->is_v3 ? s->live.token_count : s->pool.token_count;
    must(k, !a->spot_good || (s->company < count && s->sdai < count));
    if (k->r)
        s->pool.tokens = a->tokens;
}

static void whole(struct walk *k, struct whole *w)
{
    for (uint32_t i = 0; i < WHOLE_POOLS; i++) {
        flag(k, &w->known[i]);
        for (uint32_t n = 0; n < 3; n++)
            number(k, &w->pool[i].bit[n], 2047);
    }
    FIELD(k, w->told);
    FIELD(k, w->hash);
    flag(k, &w->spot_each_block);
    number(k, &w->awaited, (1u << WHOLE_POOLS) - 1);
    FIELD(k, w->until_ns);
}

static void market(struct walk *k, struct arb *a)
{
    FIELD(k, a->set.places.token);
    text(k, a->untrusted, sizeof(a->untrusted));
    flag(k, &a->tokens_known);
    FIELD(k, a->rate);
    FIELD(k, a->held);
    FIELD(k, a->held_known);
    flag(k, &a->code_good);
    number(k, &a->pool_count, TOLD_POOLS);
    for (uint32_t i = 0; i < a->pool_count && is_good(k); i++)
        told_pool(k, &a->pools[i]);
    for (uint32_t i = 0; i < MARKET_POOLS && is_good(k); i++)
        leg(k, a, i);
    spot(k, a);
    FIELD(k, a->head);
    FIELD(k, a->head_time);
    FIELD(k, a->base_fee);
    FIELD(k, a->basis_block);
    FIELD(k, a->basis_ns);
    whole(k, &a->whole);
    flag(k, &a->whole_asked);
    flag(k, &a->over);
    FIELD(k, a->not_before_block);
    FIELD(k, a->refusals);
}

/* ---- the trade under way ---- */

static void order(struct walk *k, struct control_order *o)
{
    o->path = (enum control_path)bounded(k, o->path, PATHS - 1);
    flag(k, &o->trial);
    FIELD(k, o->slippage_ppm);
    FIELD(k, o->max_in);
    FIELD(k, o->at_ns);
}

static void flow(struct walk *k, struct flow *f)
{
    hawse_u256_t *amounts[] = {&f->company, &f->paid,     &f->paid_max, &f->leg[0],
                               &f->leg[1],  &f->bound[0], &f->bound[1], &f->spot_min,
                               &f->merged,  &f->left,     &f->left_out, &f->left_min,
                               &f->back,    &f->back_min, &f->gain,     &f->net};
    f->way = (enum flow_way)bounded(k, f->way, FLOW_RECOVER);
    f->left_token = (enum market_token)bounded(k, f->left_token, MARKET_TOKENS - 1);
    for (uint32_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
        raw(k, amounts[i], sizeof(*amounts[i]));
}

static void trade(struct walk *k, struct trade *t)
{
    bool *flags[] = {&t->open,     &t->measuring, &t->signed_out,     &t->is_signed,
                     &t->outdated, &t->refused,   &t->unsent_by_mode, &t->fell_back};
    for (uint32_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        flag(k, flags[i]);
    FIELD(k, t->handle);
    FIELD(k, t->run);
    FIELD(k, t->number);
    FIELD(k, t->block);
    FIELD(k, t->included_ns);
    FIELD(k, t->last_ns);
    number(k, &t->legs, ARB_LEGS);
    number(k, &t->legs_read, ARB_LEGS);
    FIELD(k, t->error);
    FIELD(k, t->step);
    FIELD(k, t->hash);
    for (uint32_t i = 0; i < ARB_LEGS; i++)
        flag(k, &t->hash_set[i]);
    FIELD(k, t->gas_used);
    FIELD(k, t->gas_off_ppm);
    FIELD(k, t->fees);
    FIELD(k, t->moved);
    flow(k, &t->flow);
    order(k, &t->order);
}

/* ---- the control, and what outlives a restart ---- */

/* In the form in which the host keeps it. */
static void kept(struct walk *k, struct control *control, hawse_u256_t left[MARKET_TOKENS],
                 struct trade_name *ended)
{
    uint8_t bytes[KEEP_MAX] = {0};
    uint32_t len = 0;
    struct keep state;
    memset(&state, 0, sizeof(state));
    if (k->w) {
        state.control = *control;
        memcpy(state.left, left, sizeof(state.left));
        state.run = ended->run;
        state.number = ended->number;
        len = (uint32_t)keep_write(&state, bytes);
    }
    number(k, &len, KEEP_MAX);
    raw(k, bytes, len);
    if (k->w || !is_good(k))
        return;
    must(k, keep_read(bytes, len, &state) == HAWSE_OK);
    memcpy(control, &state.control, sizeof(*control)); /* with its gaps: they are compared */
    memcpy(left, state.left, sizeof(state.left));
    *ended = (struct trade_name){state.run, state.number};
}

/* The trade of the run before as the host kept it, in the same form. */
static void carried(struct walk *k, struct arb *a)
{
    struct carried *c = &a->carried;
    uint8_t bytes[KEEP_TRADE_MAX] = {0};
    uint32_t len = k->w ? (uint32_t)keep_trade_write(&c->trade, bytes) : 0;
    number(k, &len, KEEP_TRADE_MAX);
    raw(k, bytes, len);
    if (k->r && is_good(k))
        must(k, keep_trade_read(bytes, len, &c->trade) == HAWSE_OK);
    flag(k, &c->waits);
    flag(k, &c->asked);
    must(k, !c->waits || (a->trade.open && a->trade.number == c->trade.number &&
                          a->trade.run == c->trade.run));
}

static void run(struct walk *k, struct arb *a)
{
    bool stores = a->store != NULL;
    flag(k, &stores);
    flag(k, &a->stored_waits);
    kept(k, &a->control, a->stranded, &a->ended);
    kept(k, &a->stored_control, a->stored_left, &a->stored_ended);
    carried(k, a);
    if (k->r && stores)
        a->store = a->host->query(a->host, a->self, HAWSE_STORE_ID);
    must(k, stores == (a->store != NULL) && (stores || !a->stored_waits));
    FIELD(k, a->next_number);
    FIELD(k, a->run);
    for (uint32_t i = 0; i < FAILURES; i++) {
        FIELD(k, a->failures[i].number);
        FIELD(k, a->failures[i].block);
        text(k, a->failures[i].class_of_error, sizeof(a->failures[i].class_of_error));
        text(k, a->failures[i].reason, sizeof(a->failures[i].reason));
    }
    FIELD(k, a->failure_count);
    FIELD(k, a->measured);
    FIELD(k, a->exact);
    FIELD(k, a->cycles);
    FIELD(k, a->outputs_exact);
    FIELD(k, a->put_in);
    FIELD(k, a->gained);
    FIELD(k, a->gas_cost);
    FIELD(k, a->errors);
    for (uint32_t i = 0; i < SEEN; i++) {
        FIELD(k, a->seen[i].block);
        FIELD(k, a->seen[i].tx_index);
        FIELD(k, a->seen[i].tx_hash);
    }
    FIELD(k, a->seen_next);
    FIELD(k, a->complaint_ns);
    FIELD(k, a->tick);
}

/* ---- a verb under way ---- */

static void audit(struct walk *k, struct audit *u)
{
    struct verify_facts *f = &u->facts;
    uint32_t code_len = (uint32_t)f->code_len, account_code_len = (uint32_t)f->account_code_len;
    u->what = (enum audit_what)bounded(k, u->what, AUDIT_REVOKE);
    FIELD(k, u->call);
    FIELD(k, u->deadline_ns);
    flag(k, &u->waits);
    number(k, &u->next, AUDIT_QUESTIONS);
    FIELD(k, u->request);
    flag(k, &u->send);
    FIELD(k, u->amount);
    FIELD(k, u->intents);
    FIELD(k, u->intent);
    FIELD(k, f->chain_id);
    flag(k, &f->set_code);
    FIELD(k, f->allowance);
    FIELD(k, f->sdai);
    FIELD(k, f->coin);
    number(k, &code_len, AUDIT_CODE_MAX);
    raw(k, u->code, code_len);
    number(k, &account_code_len, sizeof(u->account_code));
    raw(k, u->account_code, account_code_len);
    must(k, (u->what == AUDIT_NOTHING && u->request == 0 && u->intent == 0) || u->command);
    must(k, u->what != AUDIT_NOTHING || (u->request == 0 && u->intent == 0));
    must(k, u->next < AUDIT_QUESTIONS || (u->request == 0 && !u->waits));
    if (k->w)
        return;
    f->code = u->code;
    f->code_len = code_len;
    f->account_code = u->account_code;
    f->account_code_len = account_code_len;
}

/* ---- all of it ---- */

static void all(struct walk *k, struct arb *a)
{
    bool changed = a->changed;
    same(k, a->set.places.account, 20);
    same(k, a->set.places.proposal, 20);
    same(k, a->set.places.spot_pool, 32);
    same(k, a->set.sdai, 20);
    FIELD(k, a->chain);
    FIELD(k, a->swapr);
    FIELD(k, a->balancer);
    FIELD(k, a->doubt);
    FIELD(k, a->m);
    questions(k, a);
    proof(k, &a->proof);
    market(k, a);
    trade(k, &a->trade);
    must(k, !a->trade.refused || a->refusals > 0);
    run(k, a);
    audit(k, &a->audit);
    must(k, a->audit.next < AUDIT_ALLOWANCE + approval_count(&a->set.places) ||
                (a->audit.request == 0 && !a->audit.waits));
    for (uint32_t i = 0; i < MARKET_POOLS && k->r && is_good(k); i++)
        world_leg(a, i); /* may say that something changed */
    flag(k, &changed);
    a->changed = changed;
}

int32_t handover_save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    hawse_writer_t w = hawse_writer(out, cap);
    struct walk k = {.w = &w};
    uint32_t format = FORMAT;
    FIELD(&k, format);
    all(&k, state);
    *need = w.len;
    return hawse_writer_end(&w);
}

int32_t handover_load(struct arb *a, hawse_view_t saved)
{
    static const char hint[] = "restart the instance instead: it reads its market anew";
    hawse_reader_t r = hawse_reader(saved);
    struct walk k = {.r = &r};
    uint32_t format = 0;
    FIELD(&k, format);
    if (format != FORMAT)
        return hawse_fail(a->host, a->self, HAWSE_E_FORMAT, "the saved state is of another format",
                          hint);
    all(&k, a);
    return hawse_reader_end(&r) == HAWSE_OK
               ? HAWSE_OK
               : hawse_fail(a->host, a->self, HAWSE_E_FORMAT,
                            "the saved state is damaged, or of another proposal, account or pool",
                            hint);
}
