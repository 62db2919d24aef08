/* When a block has told all that it changed in a market's pools, by its bloom filter. */
#include "../../plugins/strategies/futarchy-arb/whole.h"
#include "harness.h"

#include <hawse/keccak.h>
#include <string.h>

enum { UNTIL = 1000 };

static const char swap_of_leg[] = "Swap(address,address,int256,int256,uint160,uint128,int24)";
static const char swap_of_spot[] = "Swap(bytes32,address,address,uint256,uint256)";

static void put(hawse_evm_block_t *b, const void *item, uint64_t len)
{
    uint8_t hash[32];
    hawse_keccak256(item, len, hash);
    for (int i = 0; i < 3; i++) {
        uint32_t bit = ((uint32_t)hash[2 * i] << 8 | hash[2 * i + 1]) & 2047u;
        b->logs_bloom[255 - bit / 8] = (uint8_t)(b->logs_bloom[255 - bit / 8] | 1u << (bit % 8));
    }
}

static void put_event(hawse_evm_block_t *b, const char *signature)
{
    uint8_t topic[32];
    hawse_keccak_signature(signature, topic);
    put(b, topic, 32);
}

/* Pool n has the address or the id nn nn nn ... */
static void item_of(uint32_t pool, uint8_t item[32])
{
    memset(item, (int)(0x11 * (pool + 1)), 32);
}

static void put_pool(hawse_evm_block_t *b, uint32_t pool)
{
    uint8_t item[32];
    item_of(pool, item);
    put(b, item, pool == WHOLE_SPOT ? 32 : 20);
    put_event(b, pool == WHOLE_SPOT ? swap_of_spot : swap_of_leg);
}

static hawse_evm_block_t block(uint8_t hash)
{
    hawse_evm_block_t b = {.size = sizeof(b)};
    memset(b.hash, hash, 32);
    return b;
}

static struct whole market(void)
{
    struct whole w = {0};
    uint8_t item[32];
    for (uint32_t i = 0; i < WHOLE_POOLS; i++) {
        item_of(i, item);
        whole_pool(&w, i, item, i == WHOLE_SPOT ? 32 : 20);
    }
    return w;
}

TEST(whole_one, "a block with one pool in it waits for that one, and for nothing after it")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7), empty = block(8);
    put_pool(&b, POOL_NO);
    whole_block(&w, &b, UNTIL);
    CHECK(whole_waits(&w, 0));
    whole_told(&w, POOL_NO, b.hash);
    CHECK(!whole_waits(&w, 0));
    whole_block(&w, &empty, UNTIL);
    CHECK(!whole_waits(&w, 0));
}

TEST(whole_both, "a block with pools of both venues waits for both, in any order")
{
    for (int first = 0; first < 2; first++) {
        struct whole w = market();
        hawse_evm_block_t b = block(7);
        put_pool(&b, POOL_YES);
        put_pool(&b, WHOLE_SPOT);
        whole_block(&w, &b, UNTIL);
        whole_told(&w, first ? POOL_YES : WHOLE_SPOT, b.hash);
        CHECK(whole_waits(&w, 0));
        whole_told(&w, first ? WHOLE_SPOT : POOL_YES, b.hash);
        CHECK(!whole_waits(&w, 0));
    }
}

TEST(whole_early, "what was told before its block came is not waited for")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7);
    put_pool(&b, POOL_YES);
    whole_told(&w, POOL_YES, b.hash);
    whole_block(&w, &b, UNTIL);
    CHECK(!whole_waits(&w, 0));
}

TEST(whole_other, "a state of another block ends no wait")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7), before = block(6);
    put_pool(&b, POOL_YES);
    whole_block(&w, &b, UNTIL);
    whole_told(&w, POOL_YES, before.hash);
    CHECK(whole_waits(&w, 0));
}

TEST(whole_late, "it is not waited for without end, and not once more")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7);
    put_pool(&b, POOL_YES);
    whole_block(&w, &b, UNTIL);
    CHECK(whole_waits(&w, UNTIL - 1));
    CHECK(!whole_waits(&w, UNTIL));
    CHECK(!whole_waits(&w, UNTIL - 1));
}

TEST(whole_quiet, "an address without an event that changes a state is not waited for")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7);
    uint8_t item[32];
    item_of(POOL_YES, item);
    put(&b, item, 20);
    put_event(&b, "Collect(address,address,int24,int24,uint128,uint128)");
    whole_block(&w, &b, UNTIL);
    CHECK(!whole_waits(&w, 0));
}

TEST(whole_each, "a spot pool that is told of at each block is waited for in each, named or not")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7), next = block(8);
    w.spot_each_block = true;
    whole_block(&w, &b, UNTIL);
    CHECK(whole_waits(&w, 0));
    whole_told(&w, WHOLE_SPOT, b.hash);
    CHECK(!whole_waits(&w, 0));
    whole_told(&w, WHOLE_SPOT, next.hash); /* before its block */
    whole_block(&w, &next, UNTIL);
    CHECK(!whole_waits(&w, 0));
}

TEST(whole_v3, "a swap of a spot pool of v3 is waited for by its address as a topic")
{
    struct whole w = market();
    hawse_evm_block_t b = block(7);
    uint8_t item[32];
    item_of(WHOLE_SPOT, item);
    put(&b, item, 32);
    put_event(&b, "Swap(address,address,address,uint256,uint256,uint256,uint256)");
    whole_block(&w, &b, UNTIL);
    CHECK(whole_waits(&w, 0));
}
