/*
 * What binds a simulation to what is signed: a hash of everything that the EVM sees of a
 * transaction but its nonce, its fees and its gas limit, and a token over those hashes and the
 * whole result. A result that was touched, is of another transaction or of a block that is gone is
 * worth nothing.
 */
#include "sim/internal.h"

#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <string.h>

static void put_u64(hawse_keccak_t *k, uint64_t n)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    hawse_keccak_update(k, bytes, sizeof(bytes));
}

static void put_u256(hawse_keccak_t *k, const hawse_u256_t *n)
{
    uint8_t bytes[32];
    hawse_u256_to_be(n, bytes);
    hawse_keccak_update(k, bytes, sizeof(bytes));
}

/* With its length, so that nothing can move from one field into the next. */
static void put_view(hawse_keccak_t *k, hawse_view_t view)
{
    put_u64(k, view.len);
    hawse_keccak_update(k, view.data, view.len);
}

static void put_delegations(hawse_keccak_t *k, hawse_view_t view)
{
    hawse_rlp_t list = hawse_rlp(view.data, view.len);
    hawse_tx_authorization_t a;
    int32_t code;
    while ((code = hawse_tx_authorization_next(&list, &a)) == 1) {
        put_u64(k, 1);
        put_u256(k, &a.chain_id);
        hawse_keccak_update(k, a.address, 20);
    }
    put_u64(k, code == 0 ? 0 : 2); /* a list that can't be read is equal to no other */
}

void sim_binding(const hawse_tx_t *tx, const uint8_t from[20], uint8_t binding[32])
{
    static const char name[] = "hawse simulation 1";
    hawse_keccak_t k;
    hawse_keccak_init(&k);
    hawse_keccak_update(&k, (const uint8_t *)name, sizeof(name));
    put_u64(&k, tx->chain_id);
    hawse_keccak_update(&k, from, 20);
    put_u64(&k, tx->create);
    hawse_keccak_update(&k, tx->to, 20);
    put_u256(&k, &tx->value);
    put_view(&k, tx->data);
    put_view(&k, tx->access_list);
    put_view(&k, tx->blob_hashes);
    put_delegations(&k, tx->authorizations);
    hawse_keccak_final(&k, binding);
}

static void put_moves(hawse_keccak_t *k, const struct sim_result *r)
{
    put_u64(k, r->flow_count);
    for (uint32_t i = 0; i < r->flow_count; i++) {
        hawse_keccak_update(k, r->flows[i].asset, 20);
        put_u256(k, &r->flows[i].out);
        put_u256(k, &r->flows[i].in);
        put_u64(k, r->flows[i].measured);
    }
    put_u64(k, r->approval_count);
    for (uint32_t i = 0; i < r->approval_count; i++) {
        hawse_keccak_update(k, r->approvals[i].asset, 20);
        hawse_keccak_update(k, r->approvals[i].spender, 20);
        put_u256(k, &r->approvals[i].amount);
        put_u256(k, &r->approvals[i].left);
        put_u64(k, (uint64_t)r->approvals[i].all | (uint64_t)r->approvals[i].left_known << 1 |
                       (uint64_t)r->approvals[i].indirect << 2);
    }
    put_u64(k, r->finding_count);
    for (uint32_t i = 0; i < r->finding_count; i++) {
        put_u64(k, r->findings[i].kind);
        put_u64(k, r->findings[i].call);
        hawse_keccak_update(k, r->findings[i].where, 20);
        hawse_keccak_update(k, r->findings[i].selector, 4);
    }
}

void sim_token(const struct sim_result *r, uint8_t token[32])
{
    static const char name[] = "hawse simulation token 1";
    hawse_keccak_t k;
    hawse_keccak_init(&k);
    hawse_keccak_update(&k, (const uint8_t *)name, sizeof(name));
    put_u64(&k, (uint64_t)(int64_t)r->status);
    put_u64(&k, (uint64_t)r->success | (uint64_t)r->flows_known << 1 | (uint64_t)r->inspected << 2 |
                    (uint64_t)r->validated << 3);
    put_u64(&k, r->engine);
    put_u64(&k, r->block_number);
    hawse_keccak_update(&k, r->block_hash, 32);
    put_u64(&k, r->call_count);
    for (uint32_t i = 0; i < r->call_count && i < SIM_CALLS; i++) {
        hawse_keccak_update(&k, r->bindings[i], 32);
        put_u64(&k, r->gas[i].used);
        put_u64(&k, r->gas[i].limit);
    }
    put_moves(&k, r);
    hawse_keccak_final(&k, token);
}

static const char *fault_of(const struct sim_result *r, uint32_t index, const hawse_tx_t *tx,
                            const uint8_t from[20], uint64_t head, const uint8_t head_hash[32],
                            const uint8_t *parent_hash)
{
    uint8_t hash[32];
    sim_token(r, hash);
    if (memcmp(hash, r->token, 32) != 0)
        return "the simulation's result is not what its token says";
    if (r->status != HAWSE_OK || !r->success)
        return "the simulation did not succeed";
    if (index >= r->call_count)
        return "it was not part of the simulation";
    sim_binding(tx, from, hash);
    if (memcmp(hash, r->bindings[index], 32) != 0)
        return "what was simulated is another transaction";
    if (tx->gas_limit < r->gas[index].limit)
        return "its gas limit is below what the simulation ran with";
    if (head == r->block_number)
        return memcmp(head_hash, r->block_hash, 32) == 0
                   ? NULL
                   : "the block that it was simulated on is gone";
    if (head != r->block_number + 1)
        return "the simulation is more than one block old";
    return !parent_hash || memcmp(parent_hash, r->block_hash, 32) == 0
               ? NULL
               : "the block that it was simulated on is gone";
}

bool sim_token_good(const struct sim_result *result, uint32_t index, const hawse_tx_t *tx,
                    const uint8_t from[20], uint64_t head, const uint8_t head_hash[32],
                    const uint8_t *parent_hash, const char **why)
{
    const char *fault = fault_of(result, index, tx, from, head, head_hash, parent_hash);
    if (why)
        *why = fault;
    return !fault;
}
