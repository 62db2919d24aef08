/* Is all of a block told? See whole.h. */
#include "whole.h"

#include <hawse/keccak.h>
#include <string.h>

enum { SWAP, MINT, BURN, FEE, LEG_EVENTS };
enum { SPOT_SWAP, SPOT_JOIN, SPOT_SWAP_V3, SPOT_ADDED, SPOT_REMOVED, SPOT_EVENTS };

static void bits_of(const uint8_t *item, uint64_t len, struct whole_bits *out)
{
    uint8_t hash[32];
    hawse_keccak256(item, len, hash);
    for (int i = 0; i < 3; i++)
        out->bit[i] = ((uint32_t)hash[2 * i] << 8 | hash[2 * i + 1]) & 2047u;
}

static bool has(const uint8_t bloom[256], const struct whole_bits *b)
{
    for (int i = 0; i < 3; i++) {
        if (!(bloom[255 - b->bit[i] / 8] >> (b->bit[i] % 8) & 1u))
            return false;
    }
    return true;
}

/* Any of the events after which a venue tells a state. */
static bool has_event(const uint8_t bloom[256], const char *const *signatures, uint32_t count)
{
    bool found = false;
    for (uint32_t i = 0; i < count && !found; i++) {
        struct whole_bits b;
        uint8_t topic[32];
        hawse_keccak_signature(signatures[i], topic);
        bits_of(topic, 32, &b);
        found = has(bloom, &b);
    }
    return found;
}

void whole_pool(struct whole *w, uint32_t pool, const uint8_t *item, uint64_t len)
{
    bits_of(item, len, &w->pool[pool]);
    w->known[pool] = true;
}

void whole_block(struct whole *w, const hawse_evm_block_t *block, uint64_t until_ns)
{
    static const char *const leg[LEG_EVENTS] = {
        [SWAP] = "Swap(address,address,int256,int256,uint160,uint128,int24)",
        [MINT] = "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        [BURN] = "Burn(address,int24,int24,uint128,uint256,uint256)",
        [FEE] = "Fee(uint16)"};
    static const char *const spot[SPOT_EVENTS] = {
        [SPOT_SWAP] = "Swap(bytes32,address,address,uint256,uint256)",
        [SPOT_JOIN] = "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])",
        [SPOT_SWAP_V3] = "Swap(address,address,address,uint256,uint256,uint256,uint256)",
        [SPOT_ADDED] = "LiquidityAdded(address,address,uint8,uint256,uint256[],uint256[])",
        [SPOT_REMOVED] = "LiquidityRemoved(address,address,uint8,uint256,uint256[],uint256[])"};
    uint32_t may = 0;
    memcpy(w->hash, block->hash, 32);
    for (uint32_t i = 0; i < WHOLE_POOLS; i++) {
        if (w->known[i] && memcmp(w->told[i], block->hash, 32) != 0 &&
            has(block->logs_bloom, &w->pool[i]))
            may |= 1u << i;
    }
    const uint32_t other = 1u << WHOLE_SPOT;
    if (may & ~other && !has_event(block->logs_bloom, leg, LEG_EVENTS))
        may &= other;
    if (may & other && !has_event(block->logs_bloom, spot, SPOT_EVENTS))
        may &= ~other;
    if (w->spot_each_block && memcmp(w->told[WHOLE_SPOT], block->hash, 32) != 0)
        may |= other;
    w->awaited = may;
    w->until_ns = until_ns;
}

void whole_told(struct whole *w, uint32_t pool, const uint8_t block_hash[32])
{
    memcpy(w->told[pool], block_hash, 32);
    if (memcmp(block_hash, w->hash, 32) == 0)
        w->awaited &= ~(1u << pool);
}

bool whole_waits(struct whole *w, uint64_t now_ns)
{
    if (w->awaited != 0 && now_ns >= w->until_ns)
        w->awaited = 0;
    return w->awaited != 0;
}
