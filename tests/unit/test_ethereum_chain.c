/*
 * The chain tracker against a brute-force model: a tree of blocks in which ancestors are found by
 * walking, and a list of what was told. Random growth, reorganisations up to 64 deep, heads lost,
 * doubled, out of order and going back.
 */
#include "../../plugins/chains/ethereum/chain.h"
#include "harness.h"

#include <string.h>

enum { WINDOW = 256, TREE = 1 << 20 };

/* The model. Index 0 is the first block; number and parent say all. */
static uint32_t tree_parent[TREE];
static uint64_t tree_number[TREE];
static uint32_t tree_count;
static uint32_t told[TREE]; /* indexes, oldest first */
static uint32_t told_count;

static void hash_of(uint32_t index, uint8_t out[32])
{
    uint64_t x = index + 1;
    for (int i = 0; i < 4; i++) {
        x ^= x >> 33;
        x *= 0xff51afd7ed558ccdu;
        x ^= x >> 33;
        x += index;
        memcpy(out + i * 8, &x, 8);
    }
    memcpy(out + 24, &index, 4); /* never the same for two */
}

static uint32_t grow(uint32_t parent)
{
    CHECK(tree_count < TREE);
    tree_parent[tree_count] = parent;
    tree_number[tree_count] = parent == UINT32_MAX ? 1000 : tree_number[parent] + 1;
    return tree_count++;
}

static struct chain_header header_of(uint32_t index)
{
    struct chain_header h = {.number = tree_number[index]};
    hash_of(index, h.hash);
    if (tree_parent[index] == UINT32_MAX)
        memset(h.parent, 0xaa, 32);
    else
        hash_of(tree_parent[index], h.parent);
    return h;
}

static uint32_t index_of(const struct chain *chain, uint32_t slot)
{
    uint32_t index;
    memcpy(&index, chain->blocks[slot].header.hash + 24, 4);
    return index;
}

static uint32_t up(uint32_t index, uint64_t number)
{
    while (tree_number[index] > number)
        index = tree_parent[index];
    return index;
}

static uint32_t common_ancestor(uint32_t a, uint32_t b)
{
    uint64_t n = tree_number[a] < tree_number[b] ? tree_number[a] : tree_number[b];
    a = up(a, n);
    b = up(b, n);
    while (a != b) {
        a = tree_parent[a];
        b = tree_parent[b];
    }
    return a;
}

static void setup(struct chain *chain)
{
    CHECK(chain_init(chain, WINDOW, NULL, NULL));
    struct chain_header h = header_of(grow(UINT32_MAX));
    chain_start(chain, chain_put(chain, &h));
    told[told_count++] = 0;
}

static void put(struct chain *chain, uint32_t index)
{
    struct chain_header h = header_of(index);
    CHECK(chain_put(chain, &h) != CHAIN_NONE);
}

/* Does as the plan says until it rests, asking the model for what is missing. Checks each step. */
static void settle(struct chain *chain, uint32_t target)
{
    uint32_t old = told[told_count - 1], fork = common_ancestor(old, target);
    uint64_t taken_back = 0, want_back = tree_number[old] - tree_number[fork];
    for (uint32_t guard = 0; guard < 4 * WINDOW; guard++) {
        uint32_t slot;
        switch (chain_plan(chain, &slot)) {
        case CHAIN_REST:
            CHECK_EQ(told[told_count - 1], target);
            CHECK_EQ(taken_back, want_back);
            return;
        case CHAIN_TELL:
            CHECK_EQ(tree_parent[index_of(chain, slot)], told[told_count - 1]);
            CHECK_EQ(taken_back, want_back); /* everything is taken back before */
            told[told_count++] = index_of(chain, slot);
            chain_tell(chain, slot);
            break;
        case CHAIN_UNTELL:
            CHECK_EQ(index_of(chain, slot), told[told_count - 1]);
            told_count--;
            taken_back++;
            chain_untell(chain);
            break;
        case CHAIN_MISSING: {
            uint32_t asked = up(target, chain->missing_number);
            uint8_t hash[32];
            hash_of(asked, hash);
            CHECK_MEM(chain->missing, hash, 32);
            put(chain, asked);
            break;
        }
        default:
            FAIL("step to block %u of height %llu can't be planned", target,
                 (unsigned long long)tree_number[target]);
        }
    }
    FAIL("the plan never rests");
}

static void check_told(const struct chain *chain)
{
    CHECK_EQ_U64(chain->high, tree_number[told[told_count - 1]]);
    CHECK(chain->high - chain->low < WINDOW);
    for (uint64_t n = chain->low; n <= chain->high; n++) {
        uint32_t slot = chain_told(chain, n);
        CHECK(slot != CHAIN_NONE);
        CHECK_EQ(index_of(chain, slot), told[told_count - 1 - (chain->high - n)]);
        CHECK(chain->blocks[slot].told);
    }
    CHECK_EQ(chain_told(chain, chain->high + 1), CHAIN_NONE);
}

/* A new head: mostly a child of the last one, sometimes on a branch of its own that ends below, at,
 * or above it. */
static uint32_t next_head(uint32_t head)
{
    uint64_t dice = test_random() % 100;
    uint32_t from = head;
    uint64_t length = 1;
    if (dice == 99 && tree_number[head] > 1100)
        return up(head, tree_number[head] - 1 - test_random() % 64); /* the chain is cut short */
    if (dice < 12) {
        uint64_t depth = 1 + test_random() % (dice < 2 ? 64 : 4);
        uint64_t floor = tree_number[head] - 1000;
        depth = depth < floor ? depth : floor;
        from = up(head, tree_number[head] - depth);
        length = 1 + test_random() % (depth + 2);
    } else if (dice < 20) {
        length = 1 + test_random() % 60;
    }
    for (uint64_t i = 0; i < length; i++)
        from = grow(from);
    return from;
}

TEST_LIMIT(model, 60, "the told branch always becomes the target's, by the fewest steps")
{
    struct chain chain;
    setup(&chain);
    uint32_t head = 0;
    for (uint32_t step = 0; step < 100000; step++) {
        uint32_t fresh = tree_count;
        head = next_head(head);
        for (uint32_t i = fresh; i < tree_count; i++) {
            if (test_random() % 3 == 0) /* others are lost and must be asked for */
                put(&chain, i);
        }
        put(&chain, head);
        put(&chain, head);
        struct chain_header h = header_of(head);
        chain_aim(&chain, chain_find(&chain, h.hash));
        settle(&chain, head);
        if (step % 16 == 0)
            check_told(&chain);
    }
    CHECK(tree_count > 200000);
    check_told(&chain);
    chain_finish(&chain);
}

TEST_LIMIT(flip, 20, "branches that win in turn are told and taken back each time")
{
    struct chain chain;
    setup(&chain);
    uint32_t a = 0, b = 0;
    for (int i = 0; i < 20; i++)
        a = grow(a);
    for (int i = 0; i < 18; i++)
        b = grow(b);
    for (int i = 0; i < 50; i++) {
        uint32_t head = i % 2 ? b : a;
        put(&chain, head);
        struct chain_header h = header_of(head);
        chain_aim(&chain, chain_find(&chain, h.hash));
        settle(&chain, head);
        check_told(&chain);
    }
    chain_finish(&chain);
}

TEST(broken, "a branch without an ancestor in the window is recognised, not followed")
{
    struct chain chain;
    uint32_t slot, head = 0, other = 0;
    setup(&chain);
    for (int i = 0; i < WINDOW + 40; i++) {
        head = grow(head);
        put(&chain, head);
        struct chain_header h = header_of(head);
        chain_aim(&chain, chain_find(&chain, h.hash));
        settle(&chain, head);
    }
    for (int i = 0; i < WINDOW + 45; i++) {
        other = grow(other);
        if (tree_number[other] >= chain.low)
            put(&chain, other);
    }
    struct chain_header h = header_of(other);
    chain_aim(&chain, chain_find(&chain, h.hash));
    CHECK_EQ(chain_plan(&chain, &slot), CHAIN_BROKEN);
    while (chain.started)
        chain_untell(&chain);
    chain_start(&chain, chain_find(&chain, h.hash));
    CHECK_EQ(chain_plan(&chain, &slot), CHAIN_REST);
    CHECK_EQ_U64(chain.high, tree_number[other]);
    chain_finish(&chain);
}

/* Telling began in the middle of the tree. */
static void begin_at(struct chain *chain, uint32_t index)
{
    struct chain_header h = header_of(index);
    CHECK(chain_init(chain, WINDOW, NULL, NULL));
    chain_start(chain, chain_put(chain, &h));
}

static void aim_at(struct chain *chain, uint32_t index)
{
    struct chain_header h = header_of(index);
    put(chain, index);
    chain_aim(chain, chain_find(chain, h.hash));
}

/* As the plan says until it rests; returns how many blocks were taken back. */
static uint32_t obey(struct chain *chain, uint32_t target)
{
    uint32_t slot, back = 0;
    for (;;) {
        switch (chain_plan(chain, &slot)) {
        case CHAIN_TELL:
            if (chain->started)
                chain_tell(chain, slot);
            else
                chain_start(chain, slot);
            break;
        case CHAIN_UNTELL:
            chain_untell(chain);
            back++;
            break;
        case CHAIN_MISSING:
            put(chain, up(target, chain->missing_number));
            break;
        default:
            return back;
        }
    }
}

TEST(below_first, "a branch that leaves below the first told block is told from that height on")
{
    struct chain chain;
    uint32_t fork = grow(UINT32_MAX);
    for (int i = 0; i < 30; i++)
        fork = grow(fork);
    uint32_t head = fork, other = fork;
    for (int i = 0; i < 5; i++)
        head = grow(head);
    uint64_t first = tree_number[head];
    begin_at(&chain, head);
    for (uint32_t round = 0; round < 4; round++) { /* to the sibling and back */
        uint32_t *to = round % 2 ? &head : &other;
        uint64_t stand = chain.high;
        while (tree_number[*to] <= stand)
            *to = grow(*to);
        aim_at(&chain, *to);
        CHECK_EQ(obey(&chain, *to), stand - first + 1);
        CHECK_EQ_U64(chain.low, first);
        CHECK_EQ_U64(chain.high, tree_number[*to]);
        for (uint64_t n = first; n <= chain.high; n++)
            CHECK_EQ(index_of(&chain, chain_told(&chain, n)), up(*to, n));
    }
    chain_finish(&chain);
}

TEST(below_all, "a head below all that is told takes nothing back")
{
    struct chain chain;
    uint32_t slot, below = grow(grow(UINT32_MAX)), head = grow(grow(below));
    begin_at(&chain, head);
    aim_at(&chain, below);
    CHECK_EQ(chain_plan(&chain, &slot), CHAIN_REST);
    CHECK_EQ(chain.target, CHAIN_NONE);
    CHECK_EQ_U64(chain.high, tree_number[head]);
    chain_finish(&chain);
}

TEST(far, "a target beyond reach is said to be far, and nothing is told for it")
{
    struct chain chain;
    uint32_t slot, head = 0;
    setup(&chain);
    for (uint64_t i = 0; i <= chain_reach(&chain); i++)
        head = grow(head);
    put(&chain, head);
    struct chain_header h = header_of(head);
    chain_aim(&chain, chain_find(&chain, h.hash));
    CHECK_EQ(chain_plan(&chain, &slot), CHAIN_FAR);
    CHECK_EQ_U64(chain.high, 1000);
    chain_finish(&chain);
}

TEST(lies, "headers that contradict what is known are refused")
{
    struct chain chain;
    uint32_t slot;
    setup(&chain);
    uint32_t one = grow(0), two = grow(one);
    struct chain_header good = header_of(two), bad = good;
    bad.number = 7;
    CHECK(chain_put(&chain, &good) != CHAIN_NONE);
    CHECK_EQ(chain_put(&chain, &bad), CHAIN_NONE);
    bad = good;
    bad.parent[0] ^= 1;
    CHECK_EQ(chain_put(&chain, &bad), CHAIN_NONE);
    bad = header_of(one);
    bad.number = 5000; /* parent known at height 1000 */
    CHECK_EQ(chain_put(&chain, &bad), CHAIN_NONE);
    CHECK_EQ(chain_stub(&chain, good.hash, 4), CHAIN_NONE);
    CHECK_EQ(chain_stub(&chain, bad.parent, 1000), chain_told(&chain, 1000));
    /* a chain of heights that do not rise by one is not believed */
    struct chain_header odd = header_of(one);
    memset(odd.parent, 0x55, 32);
    odd.number = 1001;
    CHECK(chain_put(&chain, &odd) != CHAIN_NONE);
    struct chain_header under = {.number = 990};
    memset(under.hash, 0x55, 32);
    CHECK(chain_put(&chain, &under) != CHAIN_NONE);
    chain_aim(&chain, chain_find(&chain, good.hash));
    CHECK_EQ(chain_plan(&chain, &slot), CHAIN_REST);
    CHECK_EQ_U64(chain.high, 1000);
    chain_finish(&chain);
}

static uint32_t evicted;

static void on_evict(void *ctx, uint32_t slot)
{
    struct chain *chain = ctx;
    CHECK(chain->blocks[slot].used);
    CHECK(!chain->blocks[slot].told);
    evicted++;
}

TEST(flood, "a flood of unknown blocks never costs a told one its place")
{
    struct chain chain;
    CHECK(chain_init(&chain, WINDOW, on_evict, &chain));
    uint32_t head = grow(UINT32_MAX);
    struct chain_header h = header_of(head);
    chain_start(&chain, chain_put(&chain, &h));
    told[told_count++] = head;
    for (uint32_t i = 0; i < 5000; i++) {
        uint8_t hash[32];
        test_random_bytes(hash, sizeof(hash));
        CHECK(chain_stub(&chain, hash, chain.high + i % 100) != CHAIN_NONE);
        if (i % 10 == 0) {
            head = grow(head);
            put(&chain, head);
            h = header_of(head);
            chain_aim(&chain, chain_find(&chain, h.hash));
            settle(&chain, head);
        }
    }
    check_told(&chain);
    CHECK(evicted > 4000);
    uint8_t hash[32] = {1};
    CHECK_EQ(chain_stub(&chain, hash, chain.low - 1), CHAIN_NONE);
    CHECK_EQ(chain_stub(&chain, hash, chain.high + chain_reach(&chain) + 1), CHAIN_NONE);
    chain_finish(&chain);
}
