/*
 * See book.h.
 */
#include "risk/book.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

void book_finish(struct book *book)
{
    free(book->assets);
    free(book->shares);
    free(book->held);
}

void book_day(struct book *book, uint64_t utc_ns)
{
    uint64_t day = utc_ns / BOOK_DAY_NS;
    if (day <= book->day)
        return;
    book->day = day;
    book->intents = 0;
    book->asset_count = book->share_count = 0;
}

uint32_t book_open(const struct book *book, uint64_t number)
{
    uint32_t n = 0;
    for (size_t i = 0; i < book->held_count; i++)
        n += book->held[i].number != number;
    return n;
}

uint64_t book_intents(const struct book *book, uint64_t number)
{
    return (uint64_t)book->intents + book_open(book, number);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 20) == 0;
}

static const struct book_asset *asset_of(const struct book *book, const uint8_t asset[20])
{
    for (size_t i = 0; i < book->asset_count; i++) {
        if (same(book->assets[i].asset, asset))
            return &book->assets[i];
    }
    return NULL;
}

static bool touches(const struct book_held *held, const uint8_t counterparty[20])
{
    for (uint32_t i = 0; i < held->counterparty_count; i++) {
        if (same(held->counterparties[i], counterparty))
            return true;
    }
    return false;
}

/* What does not fit any more stays at the most there is: every limit refuses what is added to it.
 */
static void add(hawse_u256_t *sum, const hawse_u256_t *more)
{
    if (hawse_u256_add(sum, more, sum))
        memset(sum, 0xff, sizeof(*sum));
}

/* Adds what others hold of an asset; with a counterparty only those that touch it. */
static void add_held(const struct book *book, uint64_t number, const uint8_t asset[20],
                     const uint8_t *counterparty, bool loss, hawse_u256_t *sum)
{
    for (size_t i = 0; i < book->held_count; i++) {
        const struct book_held *held = &book->held[i];
        if (held->number == number || (counterparty && !touches(held, counterparty)))
            continue;
        for (uint32_t k = 0; k < held->flow_count; k++) {
            if (!same(held->flows[k].asset, asset))
                continue;
            add(sum, loss ? &held->flows[k].loss : &held->flows[k].out);
            if (!loss)
                add(sum, &held->flows[k].given);
        }
    }
}

hawse_u256_t book_out(const struct book *book, uint64_t number, const uint8_t asset[20])
{
    const struct book_asset *a = asset_of(book, asset);
    hawse_u256_t out = a ? a->out : hawse_u256(0);
    if (a)
        add(&out, &a->given);
    add_held(book, number, asset, NULL, false, &out);
    return out;
}

hawse_u256_t book_share_out(const struct book *book, uint64_t number, const uint8_t asset[20],
                            const uint8_t counterparty[20])
{
    hawse_u256_t out = hawse_u256(0);
    for (size_t i = 0; i < book->share_count; i++) {
        if (same(book->shares[i].asset, asset) && same(book->shares[i].counterparty, counterparty))
            out = book->shares[i].out;
    }
    add_held(book, number, asset, counterparty, false, &out);
    return out;
}

hawse_u256_t book_loss(const struct book *book, uint64_t number, const uint8_t asset[20])
{
    const struct book_asset *a = asset_of(book, asset);
    hawse_u256_t sum = a ? a->out : hawse_u256(0);
    const hawse_u256_t in = a ? a->in : hawse_u256(0);
    add_held(book, number, asset, NULL, true, &sum);
    return hawse_u256_sub(&sum, &in, &sum) ? hawse_u256(0) : sum;
}

/* ---- changes ---- */

const struct book_held *book_find(const struct book *book, uint64_t number)
{
    for (size_t i = 0; i < book->held_count; i++) {
        if (book->held[i].number == number)
            return &book->held[i];
    }
    return NULL;
}

bool book_release(struct book *book, uint64_t number, struct book_held *out)
{
    for (size_t i = 0; i < book->held_count; i++) {
        if (book->held[i].number != number)
            continue;
        if (out)
            *out = book->held[i];
        book->held[i] = book->held[--book->held_count];
        return true;
    }
    return false;
}

bool book_hold(struct book *book, const struct book_held *held)
{
    (void)book_release(book, held->number, NULL);
    if (book->held_count == book->held_cap) {
        size_t cap = book->held_cap > 0 ? 2 * book->held_cap : 16;
        struct book_held *grown = realloc(book->held, cap * sizeof(grown[0]));
        if (!grown)
            return false;
        book->held = grown;
        book->held_cap = cap;
    }
    book->held[book->held_count++] = *held;
    return true;
}

void book_give(struct book_flow *flow, const hawse_u256_t *amount)
{
    add(&flow->given, amount);
}

hawse_u256_t book_flow_sum(const struct book_flow *flow)
{
    hawse_u256_t sum = flow->out;
    add(&sum, &flow->given);
    return sum;
}

struct book_flow *book_flow(struct book_held *held, const uint8_t asset[20])
{
    for (uint32_t i = 0; i < held->flow_count; i++) {
        if (same(held->flows[i].asset, asset))
            return &held->flows[i];
    }
    struct book_flow *flow = &held->flows[held->flow_count++];
    *flow = (struct book_flow){.out = hawse_u256(0)};
    memcpy(flow->asset, asset, 20);
    return flow;
}

bool book_count(struct book *book, const struct risk_moved *moved)
{
    size_t i = 0;
    while (i < book->asset_count && !same(book->assets[i].asset, moved->asset))
        i++;
    if (i == book->asset_count) {
        struct book_asset *grown = realloc(book->assets, (i + 1) * sizeof(grown[0]));
        if (!grown)
            return false;
        book->assets = grown;
        memset(&grown[i], 0, sizeof(grown[i]));
        memcpy(grown[i].asset, moved->asset, 20);
        book->asset_count++;
    }
    add(&book->assets[i].out, &moved->out);
    add(&book->assets[i].in, &moved->in);
    add(&book->assets[i].given, &moved->given);
    return true;
}

bool book_count_share(struct book *book, const struct risk_moved *moved,
                      const uint8_t counterparty[20])
{
    size_t i = 0;
    while (i < book->share_count && !(same(book->shares[i].asset, moved->asset) &&
                                      same(book->shares[i].counterparty, counterparty)))
        i++;
    if (i == book->share_count) {
        struct book_share *grown = realloc(book->shares, (i + 1) * sizeof(grown[0]));
        if (!grown)
            return false;
        book->shares = grown;
        memset(&grown[i], 0, sizeof(grown[i]));
        memcpy(grown[i].asset, moved->asset, 20);
        memcpy(grown[i].counterparty, counterparty, 20);
        book->share_count++;
    }
    add(&book->shares[i].out, &moved->out);
    add(&book->shares[i].out, &moved->given);
    return true;
}
