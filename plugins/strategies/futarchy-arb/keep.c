/* The state that outlives a restart, as bytes; see keep.h. One walk over the fields both writes and
 * reads, so that the two cannot differ. */
#include "keep.h"

#include <hawse/u256.h>
#include <string.h>

enum { OLDEST = 1, FORMAT = 2 }; /* 1 names no trade */

struct walk {
    bool writes, good;
    uint64_t at, len;
    uint8_t *out;
    const uint8_t *in;
};

static void bytes(struct walk *w, uint8_t *field, uint64_t n)
{
    w->good = w->good && n <= w->len - w->at;
    if (!w->good)
        return;
    if (w->writes)
        memcpy(w->out + w->at, field, n);
    else
        memcpy(field, w->in + w->at, n);
    w->at += n;
}

/* Big-endian, 8 bytes; read, it is at most `max`. */
static uint64_t number(struct walk *w, uint64_t n, uint64_t max)
{
    uint8_t be[8];
    for (uint32_t i = 0; i < 8; i++)
        be[i] = (uint8_t)(n >> (56 - 8 * i));
    bytes(w, be, 8);
    for (uint32_t i = 0; i < 8; i++)
        n = n << 8 | be[i];
    w->good = w->good && n <= max;
    return n;
}

static void wide(struct walk *w, hawse_u256_t *n)
{
    uint8_t be[32];
    hawse_u256_to_be(n, be);
    bytes(w, be, 32);
    hawse_u256_from_be(be, n);
}

static void control(struct walk *w, struct control *c)
{
    c->open = number(w, c->open, 1) != 0;
    c->fall_back = number(w, c->fall_back, 1) != 0;
    c->failures = (uint32_t)number(w, c->failures, UINT32_MAX);
    c->trials = (uint32_t)number(w, c->trials, UINT32_MAX);
    c->step = (uint32_t)number(w, c->step, CONTROL_AMOUNTS - 1);
    c->passes = (uint32_t)number(w, c->passes, UINT32_MAX);
    c->level = (uint32_t)number(w, c->level, CONTROL_AMOUNTS - 1);
    c->day = number(w, c->day, UINT64_MAX);
    c->day_ended = number(w, c->day_ended, UINT32_MAX);
    c->day_failed = number(w, c->day_failed, UINT32_MAX);
    wide(w, &c->day_gain);
    c->window_count = (uint32_t)number(w, c->window_count, CONTROL_WINDOW);
    c->window_next = (uint32_t)number(w, c->window_next, CONTROL_WINDOW - 1);
    for (uint32_t i = 0; i < CONTROL_WINDOW; i++)
        c->window[i] = (uint8_t)number(w, c->window[i], 1);
    c->rolled_back = (enum control_reason)number(w, c->rolled_back, REASONS - 1);
    c->orders = number(w, c->orders, UINT64_MAX);
    c->last_ns = number(w, c->last_ns, UINT64_MAX);
    for (uint32_t i = 0; i < PATHS; i++) {
        struct control_arm *a = &c->arm[i];
        a->ended = number(w, a->ended, UINT64_MAX);
        a->succeeded = number(w, a->succeeded, UINT64_MAX);
        a->gas = number(w, a->gas, UINT64_MAX);
        a->delay_ns = number(w, a->delay_ns, UINT64_MAX);
        wide(w, &a->gain);
    }
}

static void all(struct walk *w, struct keep *k, uint64_t format)
{
    control(w, &k->control);
    for (uint32_t i = 0; i < KEEP_TOKENS; i++)
        wide(w, &k->left[i]);
    if (format == OLDEST)
        return;
    k->run = number(w, k->run, UINT64_MAX);
    k->number = number(w, k->number, UINT64_MAX);
}

static void trade(struct walk *w, struct keep_trade *t)
{
    struct control_order *o = &t->order;
    t->run = number(w, t->run, UINT64_MAX);
    t->number = number(w, t->number, UINT64_MAX);
    t->block = number(w, t->block, UINT64_MAX);
    t->way = (uint32_t)number(w, t->way, KEEP_WAYS - 1);
    o->path = (enum control_path)number(w, o->path, PATHS - 1);
    o->trial = number(w, o->trial, 1) != 0;
    o->slippage_ppm = (uint32_t)number(w, o->slippage_ppm, UINT32_MAX);
    wide(w, &o->max_in);
    o->at_ns = number(w, o->at_ns, UINT64_MAX);
    wide(w, &t->gain);
    t->orders = number(w, t->orders, UINT64_MAX);
    t->last_ns = number(w, t->last_ns, UINT64_MAX);
    t->fell_back = number(w, t->fell_back, 1) != 0;
}

uint64_t keep_write(const struct keep *k, uint8_t out[KEEP_MAX])
{
    struct walk w = {.writes = true, .good = true, .len = KEEP_MAX, .out = out};
    struct keep own = *k;
    (void)number(&w, FORMAT, UINT64_MAX);
    all(&w, &own, FORMAT);
    return w.at;
}

int32_t keep_read(const uint8_t *data, uint64_t len, struct keep *out)
{
    struct walk w = {.good = true, .len = len, .in = data};
    struct keep k;
    memset(&k, 0, sizeof(k));
    uint64_t format = number(&w, 0, UINT64_MAX);
    if (w.good && (format < OLDEST || format > FORMAT))
        return HAWSE_E_UNSUPPORTED;
    all(&w, &k, format);
    if (!w.good || w.at != len || k.control.day_failed > k.control.day_ended)
        return HAWSE_E_FORMAT;
    *out = k;
    return HAWSE_OK;
}

uint64_t keep_trade_write(const struct keep_trade *t, uint8_t out[KEEP_TRADE_MAX])
{
    struct walk w = {.writes = true, .good = true, .len = KEEP_TRADE_MAX, .out = out};
    struct keep_trade own = *t;
    (void)number(&w, FORMAT, UINT64_MAX);
    trade(&w, &own);
    return w.at;
}

int32_t keep_trade_read(const uint8_t *data, uint64_t len, struct keep_trade *out)
{
    struct walk w = {.good = true, .len = len, .in = data};
    struct keep_trade t;
    memset(&t, 0, sizeof(t));
    uint64_t format = number(&w, 0, UINT64_MAX);
    if (w.good && format != FORMAT)
        return HAWSE_E_UNSUPPORTED;
    trade(&w, &t);
    if (!w.good || w.at != len)
        return HAWSE_E_FORMAT;
    *out = t;
    return HAWSE_OK;
}

/* ---- the trade under way ---- */

bool keep_is_open(const struct keep *k, const struct keep_trade *t)
{
    return t->number != 0 && (t->run != k->run || t->number != k->number);
}

void keep_begun(struct control *c, const struct keep_trade *t)
{
    if (c->orders >= t->orders)
        return; /* it was kept again since, or this is no order of the control */
    c->orders = t->orders;
    c->last_ns = t->order.at_ns;
    c->fall_back = false;
}

void keep_undo(struct control *c, const struct keep_trade *t)
{
    if (c->orders > 0)
        c->orders--;
    c->last_ns = t->last_ns;
    c->fall_back = t->fell_back;
}
