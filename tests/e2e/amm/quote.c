/*
 * Answers AMM questions of the trial on standard input with the SDK's formulas, one line each, so
 * that a script can hold them against what deployed contracts say. Numbers are decimal.
 *
 *   pool KIND TICK_UNIT TICK COMMUNITY PRICE LIQUIDITY N {TICK NET}   keeps a concentrated pool
 *   clmm DOWN AMOUNT LIMIT FEE      -> amount0 amount1 price liquidity tick community
 *   fee VOLATILITY VOLUME alpha1 alpha2 beta1 beta2 gamma1 gamma2 volumeBeta volumeGamma baseFee
 *   product RESERVE_IN RESERVE_OUT AMOUNT FEE ONE EXACT_OUT           -> amount
 *   bal KIND FEE AMP IN OUT AMOUNT EXACT_OUT N {BALANCE SCALING WEIGHT} -> amount
 *   tick PRICE, price TICK
 * An error is "refused CODE", a revert of Balancer's "BAL#n".
 */
#include <hawse/amm/balancer.h>
#include <hawse/amm/concentrated.h>
#include <hawse/amm/product.h>
#include <hawse/amm/tick.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICKS_MAX = 4096 };

struct quoter {
    char *rest; /* of the line */
    hawse_clmm_pool_t pool;
    hawse_clmm_tick_t ticks[TICKS_MAX];
};

static hawse_u256_t next_wide(struct quoter *q)
{
    hawse_u256_t r;
    char *word = strsep(&q->rest, " \n");
    if (!word || hawse_i256_parse((uint8_t *)word, strlen(word), &r) != HAWSE_OK) {
        hawse_u256_t wide;
        if (word && hawse_u256_parse((uint8_t *)word, strlen(word), &wide) == HAWSE_OK)
            return wide;
        (void)fprintf(stderr, "not a number: %s\n", word ? word : "end of line");
        exit(2);
    }
    return r;
}

static int64_t next(struct quoter *q)
{
    int64_t n;
    hawse_u256_t wide = next_wide(q);
    if (hawse_i256_to_i64(&wide, &n) != HAWSE_OK) {
        (void)fprintf(stderr, "number too large\n");
        exit(2);
    }
    return n;
}

static void say(const hawse_u256_t *value, char end)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_i256_decimal(value, text);
    (void)printf("%s%c", text, end);
}

static void answer(int32_t code, const hawse_u256_t *value)
{
    if (code == HAWSE_OK)
        say(value, '\n');
    else
        (void)printf("refused %d\n", code);
}

static void read_pool(struct quoter *q)
{
    hawse_clmm_pool_t *p = &q->pool;
    *p = (hawse_clmm_pool_t){.ticks = q->ticks};
    p->kind = (uint32_t)next(q);
    p->tick_unit = (int32_t)next(q);
    p->tick = (int32_t)next(q);
    p->community = (uint32_t)next(q);
    p->sqrt_price = next_wide(q);
    p->liquidity = next_wide(q);
    p->tick_count = (uint32_t)next(q);
    if (p->tick_count > TICKS_MAX)
        exit(2);
    for (uint32_t i = 0; i < p->tick_count; i++) {
        q->ticks[i].tick = (int32_t)next(q);
        q->ticks[i].liquidity_net = next_wide(q);
    }
    (void)puts("ok");
}

static void swap_concentrated(struct quoter *q)
{
    hawse_clmm_result_t r;
    int32_t down = (int32_t)next(q);
    hawse_u256_t amount = next_wide(q), limit = next_wide(q);
    q->pool.fee_ppm = (uint32_t)next(q);
    int32_t code = hawse_clmm_swap(&q->pool, down, &amount, &limit, &r);
    if (code != HAWSE_OK) {
        (void)printf("refused %d\n", code);
        return;
    }
    say(&r.amount0, ' ');
    say(&r.amount1, ' ');
    say(&r.sqrt_price, ' ');
    say(&r.liquidity, ' ');
    (void)printf("%d ", r.tick);
    say(&r.community, '\n');
}

static void dynamic_fee(struct quoter *q)
{
    uint32_t fee = 0;
    hawse_u256_t volatility = next_wide(q), volume = next_wide(q);
    hawse_algebra_fee_config_t c;
    c.alpha1 = (uint16_t)next(q);
    c.alpha2 = (uint16_t)next(q);
    c.beta1 = (uint32_t)next(q);
    c.beta2 = (uint32_t)next(q);
    c.gamma1 = (uint16_t)next(q);
    c.gamma2 = (uint16_t)next(q);
    c.volume_beta = (uint32_t)next(q);
    c.volume_gamma = (uint16_t)next(q);
    c.base_fee = (uint16_t)next(q);
    int32_t code = hawse_algebra_fee(&volatility, &volume, &c, &fee);
    hawse_u256_t wide = hawse_u256(fee);
    answer(code, &wide);
}

static void swap_product(struct quoter *q)
{
    hawse_u256_t in = next_wide(q), out = next_wide(q), amount = next_wide(q), r;
    uint32_t fee = (uint32_t)next(q), one = (uint32_t)next(q);
    int32_t code = next(q) ? hawse_product_in(&in, &out, &amount, fee, one, &r)
                           : hawse_product_out(&in, &out, &amount, fee, one, &r);
    answer(code, &r);
}

static void swap_balancer(struct quoter *q)
{
    hawse_bal_token_t tokens[64];
    hawse_bal_pool_t p = {.tokens = tokens};
    hawse_u256_t r;
    uint32_t bal = 0;
    p.kind = (uint32_t)next(q);
    p.swap_fee = next_wide(q);
    p.amplification = next_wide(q);
    uint32_t in = (uint32_t)next(q), out = (uint32_t)next(q);
    hawse_u256_t amount = next_wide(q);
    int32_t exact_out = (int32_t)next(q);
    p.token_count = (uint32_t)next(q);
    for (uint32_t i = 0; i < p.token_count && i < 64; i++) {
        tokens[i].balance = next_wide(q);
        tokens[i].scaling = next_wide(q);
        tokens[i].weight = next_wide(q);
    }
    int32_t code = hawse_bal_swap(&p, in, out, &amount, exact_out, &r, &bal);
    if (code == HAWSE_E_RANGE)
        (void)printf("BAL#%03u\n", bal);
    else
        answer(code, &r);
}

static void ticks(struct quoter *q, int to_price)
{
    int32_t tick = 0;
    hawse_u256_t value = next_wide(q);
    if (to_price) {
        answer(hawse_sqrt_price_at_tick((int32_t)value.limb[0], &value), &value);
    } else {
        int32_t code = hawse_tick_at_sqrt_price(&value, &tick);
        value = hawse_i256(tick);
        answer(code, &value);
    }
}

int main(void)
{
    static struct quoter q;
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        q.rest = line;
        const char *word = strsep(&q.rest, " \n");
        if (strcmp(word, "pool") == 0)
            read_pool(&q);
        else if (strcmp(word, "clmm") == 0)
            swap_concentrated(&q);
        else if (strcmp(word, "fee") == 0)
            dynamic_fee(&q);
        else if (strcmp(word, "product") == 0)
            swap_product(&q);
        else if (strcmp(word, "bal") == 0)
            swap_balancer(&q);
        else if (strcmp(word, "tick") == 0 || strcmp(word, "price") == 0)
            ticks(&q, word[0] == 'p');
        else
            return 2;
        (void)fflush(stdout);
    }
    free(line);
    return 0;
}
