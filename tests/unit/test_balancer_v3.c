/*
 * The Balancer v3 venue without a host: what answers of the Vault and of pools mean, what a log
 * does to a pool of plain tokens, and which pools are read anew instead.
 */
#include "harness.h"

#include "../../plugins/venues/balancer-v3/v3.h"

#include <hawse/u256.h>
#include <string.h>

enum { PLAIN = 0, RATED = 1, ANSWER = 2048 };

struct fixture {
    struct balancer_v3 venue;
    struct pool_state state;
    struct pool pool;
    uint8_t answer[ANSWER];
    uint64_t len;
};

static uint64_t host_now(const hawse_host_t *host, uint32_t clock)
{
    (void)host, (void)clock;
    return 1;
}

static void host_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                     hawse_view_t text)
{
    (void)host, (void)self, (void)level, (void)text;
}

static const hawse_host_t host = {.size = sizeof(host), .now = host_now, .log = host_log};

static void word(struct fixture *f, uint64_t n)
{
    hawse_u256_t wide = hawse_u256(n);
    CHECK(f->len + 32 <= ANSWER);
    hawse_u256_to_be(&wide, f->answer + f->len);
    f->len += 32;
}

static void words(struct fixture *f, const uint64_t *n, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        word(f, n[i]);
}

/* PoolData of two tokens, addresses 1 and 2; bits of the configuration as in PoolConfigConst. */
static void pool_data(struct fixture *f, const uint8_t config[32], uint64_t type, uint64_t rate)
{
    const uint64_t heads[] = {0xe0, 0x140, 0x220, 0x280, 0x2e0, 0x340};
    f->len = 0;
    word(f, 32);
    memcpy(f->answer + f->len, config, 32);
    f->len += 32;
    words(f, heads, 6);
    words(f, (const uint64_t[]){2, 1, 2}, 3);
    words(f, (const uint64_t[]){2, type, 0, 0, 0, 0, 0}, 7);
    words(f, (const uint64_t[]){2, 1000, 2000}, 3);
    words(f, (const uint64_t[]){2, 1000, 2000}, 3);
    words(f, (const uint64_t[]){2, rate, 1000000000000000000u}, 3);
    words(f, (const uint64_t[]){2, 1, 1}, 3);
}

static void set_bits(uint8_t config[32], uint32_t from, uint64_t value)
{
    hawse_u256_t all, part = hawse_u256(value);
    hawse_u256_from_be(config, &all);
    hawse_u256_shift_left(&part, from, &part);
    for (int i = 0; i < 4; i++)
        all.limb[i] |= part.limb[i];
    hawse_u256_to_be(&all, config);
}

/* 0.3 % fee, half of which the Vault keeps. */
static enum venue_taken read_pool(struct fixture *f, uint32_t bit, uint64_t type, uint64_t rate)
{
    uint8_t config[32] = {0};
    set_bits(config, 18, 30000);
    set_bits(config, 42, 5000000);
    if (bit)
        set_bits(config, bit, 1);
    f->venue.base.host = &host;
    f->pool.base.state = &f->state;
    f->pool.base.ask = ASK_DATA;
    pool_data(f, config, type, rate);
    return read_take(&f->venue.base, &f->pool.base, f->answer, f->len);
}

TEST(v3_pool_data, "fees, flags, balances and rates come from the pool's data, to the last word")
{
    struct fixture f = {.len = 0};
    CHECK_EQ(read_pool(&f, 0, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    CHECK_EQ(f.pool.token_count, 2);
    CHECK_EQ(f.state.swap_fee.limb[0], 3000000000000000u);
    CHECK_EQ(f.state.aggregate_fee.limb[0], 500000000000000000u);
    CHECK_EQ(f.state.balance[1].limb[0], 2000);
    CHECK_EQ(f.pool.token[1].base.address[19], 2);
    CHECK(!f.pool.rated && !f.state.paused && !f.state.recovery);
    for (uint64_t cut = 0; cut < f.len; cut += 32)
        CHECK_EQ(read_take(&f.venue.base, &f.pool.base, f.answer, cut), ANSWER_BAD);
    CHECK_EQ(read_pool(&f, 2, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    CHECK(f.state.paused);
    CHECK_EQ(read_pool(&f, 3, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    CHECK(f.state.recovery && !f.state.paused);
}

TEST(v3_hooks, "a pool with hooks on its swaps, or fees of its own making, is not followed")
{
    for (uint32_t bit = 11; bit <= 13; bit++) {
        struct fixture f = {.len = 0};
        CHECK_EQ(read_pool(&f, bit, PLAIN, 1000000000000000000u), ANSWER_FOREIGN);
    }
    struct fixture f = {.len = 0};
    CHECK_EQ(read_pool(&f, 14, PLAIN, 1000000000000000000u), ANSWER_TAKEN); /* of joins */
}

/* A log of the Vault: topics 1 and 2 name tokens, or whatever is asked for. */
struct vault_log {
    hawse_evm_log_t log;
    uint8_t data[320];
};

static void number_at(struct vault_log *l, uint32_t at, uint64_t n)
{
    hawse_u256_t wide = hawse_u256(n);
    hawse_u256_to_be(&wide, l->data + 32 * at);
}

static struct vault_log swap_log(uint8_t in, uint8_t out, uint64_t amount_in, uint64_t amount_out,
                                 uint64_t fee)
{
    struct vault_log l = {.log = {.size = sizeof(l.log),
                                  .topic_count = 4,
                                  .data_offset = sizeof(l.log),
                                  .data_len = 128}};
    l.log.topics[2][31] = in;
    l.log.topics[3][31] = out;
    number_at(&l, 0, amount_in);
    number_at(&l, 1, amount_out);
    number_at(&l, 3, fee);
    return l;
}

TEST(v3_swap_log, "a swap moves both balances, less the Vault's part of the fee")
{
    struct fixture f = {.len = 0};
    CHECK_EQ(read_pool(&f, 0, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    struct vault_log l = swap_log(1, 2, 100, 150, 7);
    CHECK(pool_apply(&f.pool.base, &f.state, &l.log, TOPIC_SWAP));
    CHECK_EQ(f.state.balance[0].limb[0], 1000 + 100 - 3); /* half of 7, cut */
    CHECK_EQ(f.state.balance[1].limb[0], 2000 - 150);
    f.state.recovery = 1; /* nothing is kept */
    CHECK(pool_apply(&f.pool.base, &f.state, &l.log, TOPIC_SWAP));
    CHECK_EQ(f.state.balance[0].limb[0], 1000 + 200 - 3);
    l = swap_log(1, 2, 100, 1701, 7);
    CHECK(!pool_apply(&f.pool.base, &f.state, &l.log, TOPIC_SWAP)); /* more than there is */
    l = swap_log(1, 3, 100, 1, 7);
    CHECK(!pool_apply(&f.pool.base, &f.state, &l.log, TOPIC_SWAP)); /* a stranger's token */
    l = swap_log(1, 2, 100, 1, 7);
    l.log.data_len = 96;
    CHECK(!pool_apply(&f.pool.base, &f.state, &l.log, TOPIC_SWAP));
}

TEST(v3_rated, "a pool with a rate is read at every block, and nothing of it follows from logs")
{
    struct fixture f = {.len = 0};
    struct vault_log l = swap_log(1, 2, 100, 150, 7);
    hawse_evm_block_t block = {.size = sizeof(block)};
    CHECK_EQ(read_pool(&f, 0, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    CHECK(!pool_outdated(&f.pool.base, &block));
    CHECK_EQ(read_pool(&f, 0, RATED, 1000000000000000000u), ANSWER_TAKEN);
    CHECK(pool_outdated(&f.pool.base, &block));
    CHECK(!pool_apply(&f.pool.base, &f.state, &l.log, TOPIC_SWAP));
    CHECK_EQ(read_pool(&f, 0, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    CHECK(!f.pool.rated);
    f.pool.base.ask = ASK_BUFFER; /* as does one of which the Vault wraps a token */
    f.len = 0;
    word(&f, 1);
    CHECK_EQ(read_take(&f.venue.base, &f.pool.base, f.answer, f.len), ANSWER_TAKEN);
    CHECK(pool_outdated(&f.pool.base, &block));
}

TEST(v3_once, "a pool with least balances is a later one; weights count the tokens")
{
    struct fixture f = {.len = 0};
    CHECK_EQ(read_pool(&f, 0, PLAIN, 1000000000000000000u), ANSWER_TAKEN);
    CHECK_EQ(f.pool.kind, HAWSE_BAL3_WEIGHTED);
    f.len = 0;
    words(&f, (const uint64_t[]){32, 2, 800, 200}, 4);
    f.pool.base.ask = ASK_WEIGHTS;
    CHECK_EQ(read_take(&f.venue.base, &f.pool.base, f.answer, f.len), ANSWER_TAKEN);
    CHECK_EQ(f.pool.token[0].weight.limb[0], 800);
    CHECK_EQ(read_take(&f.venue.base, &f.pool.base, f.answer, f.len - 32), ANSWER_BAD);
    f.pool.base.ask = ASK_MINIMUMS;
    CHECK_EQ(read_take(&f.venue.base, &f.pool.base, f.answer, f.len), ANSWER_TAKEN);
    CHECK_EQ(f.pool.kind, HAWSE_BAL3_WEIGHTED_MIN);
    CHECK_EQ(f.pool.token[1].minimum.limb[0], 200);
}
