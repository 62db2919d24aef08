/* What a simulated Solana transaction does; see solana_moves.h. */
#include "tx/solana_moves.h"

#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

static bool same(const uint8_t a[32], const uint8_t b[32])
{
    return memcmp(a, b, 32) == 0;
}

static bool owned(const struct solana_account *a, const uint8_t payer[32])
{
    return a->token && same(a->held.owner, payer);
}

/* Adds to what is net of an asset. */
static void add(struct sim_result *out, const uint8_t asset[20], uint64_t amount, bool in)
{
    uint32_t i = 0;
    while (i < out->flow_count && memcmp(out->flows[i].asset, asset, 20) != 0)
        i++;
    if (amount == 0)
        return;
    if (i == out->flow_count) {
        out->flows[i] = (struct sim_flow){.measured = true};
        memcpy(out->flows[i].asset, asset, 20);
        out->flow_count++; /* fewer accounts are watched than there is room for, but for the coin */
    }
    struct sim_flow *f = &out->flows[i];
    const hawse_u256_t n = hawse_u256(amount);
    hawse_u256_t *more = in ? &f->in : &f->out, *less = in ? &f->out : &f->in, rest;
    if (hawse_u256_sub(less, &n, &rest) == 0) {
        *less = rest;
        return;
    }
    (void)hawse_u256_sub(&n, less, &rest);
    *less = hawse_u256(0);
    (void)hawse_u256_add(more, &rest, more);
}

static void find(struct sim_result *out, enum sim_finding_kind kind, const uint8_t key[32])
{
    if (out->finding_count == SIM_FINDINGS)
        return;
    struct sim_finding *f = &out->findings[out->finding_count++];
    *f = (struct sim_finding){.kind = kind};
    config_handle(key, f->where);
}

/* The delegate that it has afterwards and had not before, or may take more now. */
static void see_delegate(const struct solana_account *before, const struct solana_account *after,
                         bool was, struct sim_result *out)
{
    static const uint8_t nobody[32];
    bool known = was && same(before->held.delegate, after->held.delegate);
    if (same(after->held.delegate, nobody) ||
        (known && after->held.delegated_amount <= before->held.delegated_amount))
        return;
    if (out->approval_count == SIM_APPROVALS) {
        find(out, SIM_FINDING_UNREADABLE, after->key);
        return;
    }
    struct sim_approval *a = &out->approvals[out->approval_count++];
    *a = (struct sim_approval){.amount = hawse_u256(after->held.delegated_amount)};
    config_handle(after->held.mint, a->asset);
    config_handle(after->held.delegate, a->spender);
}

/* A token account that is the payer's before or afterwards. */
static void see_token(const struct solana_account *before, const struct solana_account *after,
                      const uint8_t payer[32], struct sim_result *out)
{
    static const uint8_t nobody[32];
    uint8_t asset[20];
    bool was = owned(before, payer), is = owned(after, payer);
    if (was) {
        config_handle(before->held.mint, asset);
        add(out, asset, before->held.amount, false);
    }
    if (is) {
        config_handle(after->held.mint, asset);
        add(out, asset, after->held.amount, true);
        see_delegate(before, after, was, out);
    }
    bool given = was && !is && after->there; /* one that is closed is gone, with nothing in it */
    bool closer = is && !same(after->held.close_authority, nobody) &&
                  !(was && same(before->held.close_authority, after->held.close_authority)) &&
                  !same(after->held.close_authority, payer);
    if (given || closer)
        find(out, SIM_FINDING_OWNERSHIP, after->key);
}

static void see_payer(const struct solana_account *before, const struct solana_account *after,
                      uint64_t fee, struct sim_result *out)
{
    static const uint8_t coin[20];
    uint64_t had = before->lamports > fee ? before->lamports - fee : 0;
    add(out, coin, had, false);
    add(out, coin, after->lamports, true);
    if (after->there && !same(after->owner, hawse_solana_system_program))
        find(out, SIM_FINDING_OWNERSHIP, after->key);
}

void solana_moves(const struct solana_seen *seen, const uint8_t payer[32], uint64_t fee,
                  struct sim_result *out)
{
    memset(out, 0, sizeof(*out));
    out->success = out->flows_known = out->inspected = out->validated = true;
    out->call_count = 1;
    out->block_number = seen->slot;
    for (uint32_t i = 0; i < seen->count; i++) {
        if (same(seen->before[i].key, payer))
            see_payer(&seen->before[i], &seen->after[i], fee, out);
        else if (out->flow_count < SIM_FLOWS - 1)
            see_token(&seen->before[i], &seen->after[i], payer, out);
        else
            find(out, SIM_FINDING_UNREADABLE, seen->after[i].key);
    }
}

uint32_t solana_owners(const struct solana_seen *seen, struct risk_token *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->count; i++) {
        const struct solana_account *a = &seen->after[i];
        if (!a->token)
            continue;
        memcpy(out[count].key, a->key, 32);
        memcpy(out[count++].owner, a->held.owner, 32);
    }
    return count;
}

uint32_t solana_balances(const struct solana_seen *seen, const uint8_t payer[32],
                         struct risk_balance *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < seen->count; i++) {
        const struct solana_account *a = &seen->before[i];
        uint8_t asset[20];
        uint32_t k = 0;
        if (!owned(a, payer))
            continue;
        config_handle(a->held.mint, asset);
        while (k < count && memcmp(out[k].asset, asset, 20) != 0)
            k++;
        if (k == count) {
            out[count] = (struct risk_balance){.balance = hawse_u256(0)};
            memcpy(out[count++].asset, asset, 20);
        }
        const hawse_u256_t more = hawse_u256(a->held.amount);
        (void)hawse_u256_add(&out[k].balance, &more, &out[k].balance);
    }
    return count;
}

uint64_t solana_lamports(const struct solana_seen *seen, const uint8_t payer[32])
{
    for (uint32_t i = 0; i < seen->count; i++) {
        if (same(seen->before[i].key, payer))
            return seen->before[i].lamports;
    }
    return 0;
}
