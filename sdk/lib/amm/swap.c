/* A whole swap over initialised ticks; see hawse/amm/concentrated.h. */
#include <hawse/amm/concentrated.h>
#include <hawse/amm/tick.h>
#include <hawse/u256.h>

enum { ROW_BITS = 256, UNIT_MAX = 32767, COMMUNITY_MAX = 255, COMMUNITY_ONE = 1000 };

/* A swap under way. */
struct swap {
    const hawse_clmm_pool_t *pool;
    int32_t zero_for_one;
    int32_t exact_in;
    hawse_u256_t limit;
    hawse_u256_t left;  /* of the amount that was asked for; two's complement */
    hawse_u256_t other; /* of the other token so far */
    uint32_t at;        /* ticks[0 .. at - 1] are at or below the current tick */
    hawse_clmm_result_t now;
};

static int32_t floor_divide(int32_t a, int32_t b)
{
    return a / b - (a % b < 0);
}

/* The number of ticks at or below `tick`. */
static uint32_t count_below(const hawse_clmm_pool_t *pool, int32_t tick)
{
    uint32_t low = 0, high = pool->tick_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pool->ticks[middle].tick <= tick)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where this step may go: the next initialised tick in the same row of the bitmap, otherwise the
 * row's edge. Returns the initialised tick, or NULL; its number or the edge goes to *next. */
static const hawse_clmm_tick_t *next_tick(struct swap *s, int32_t *next)
{
    const hawse_clmm_pool_t *p = s->pool;
    int32_t unit = p->tick_unit, bit = floor_divide(s->now.tick, unit);
    const hawse_clmm_tick_t *found = NULL;
    int32_t edge;
    if (s->zero_for_one) {
        edge = bit & ~(ROW_BITS - 1);
        if (s->at > 0)
            found = &p->ticks[s->at - 1];
        if (found && floor_divide(found->tick, unit) < edge)
            found = NULL;
    } else {
        edge = (bit + 1) | (ROW_BITS - 1);
        if (s->at < p->tick_count)
            found = &p->ticks[s->at];
        if (found && floor_divide(found->tick, unit) > edge)
            found = NULL;
    }
    edge = found ? found->tick : edge * unit;
    *next = edge < HAWSE_TICK_MIN ? HAWSE_TICK_MIN : edge > HAWSE_TICK_MAX ? HAWSE_TICK_MAX : edge;
    return found;
}

/* Liquidity in range after crossing; it has 128 bits. */
static int32_t cross(struct swap *s, const hawse_clmm_tick_t *tick)
{
    hawse_u256_t size, liquidity;
    int32_t less = hawse_i256_is_negative(&tick->liquidity_net) != (s->zero_for_one != 0);
    hawse_i256_magnitude(&tick->liquidity_net, &size);
    uint32_t over = less ? hawse_u256_sub(&s->now.liquidity, &size, &liquidity)
                         : hawse_u256_add(&s->now.liquidity, &size, &liquidity);
    if (over || hawse_u256_bit_length(&liquidity) > 128)
        return HAWSE_E_RANGE;
    s->now.liquidity = liquidity;
    s->now.crossed++;
    if (s->zero_for_one)
        s->at--;
    else
        s->at++;
    return HAWSE_OK;
}

/* The share of a step's fee that leaves the pool: cut for each step. */
static hawse_u256_t community_share(const hawse_clmm_pool_t *pool, const hawse_u256_t *fee)
{
    int32_t algebra = pool->kind == HAWSE_CLMM_ALGEBRA;
    hawse_u256_t share = hawse_u256(0), n = hawse_u256(algebra ? pool->community : 1);
    hawse_u256_t of = hawse_u256(algebra ? COMMUNITY_ONE : pool->community);
    if (pool->community != 0)
        (void)hawse_u256_mul_div(fee, &n, &of, 0, &share); /* fits: n <= of */
    return share;
}

/* Books a step; the sum of all that came in or went out stays below 2^255, as in the contract. */
static int32_t book(struct swap *s, const hawse_clmm_step_t *step)
{
    hawse_u256_t paid, share = community_share(s->pool, &step->fee);
    if (hawse_u256_add(&step->input, &step->fee, &paid) || hawse_i256_is_negative(&paid) ||
        hawse_i256_is_negative(&step->output))
        return HAWSE_E_RANGE;
    if (s->exact_in)
        (void)hawse_u256_sub(&s->left, &paid, &s->left);
    else
        (void)hawse_u256_add(&s->left, &step->output, &s->left);
    if (hawse_u256_add(&s->other, s->exact_in ? &step->output : &paid, &s->other) ||
        hawse_i256_is_negative(&s->other))
        return HAWSE_E_RANGE;
    (void)hawse_u256_add(&s->now.fee, &step->fee, &s->now.fee);
    (void)hawse_u256_add(&s->now.community, &share, &s->now.community);
    return HAWSE_OK;
}

static int32_t one_step(struct swap *s)
{
    int32_t next;
    hawse_u256_t border, target;
    hawse_clmm_step_t step;
    const hawse_clmm_tick_t *tick = next_tick(s, &next);
    int32_t code = hawse_sqrt_price_at_tick(next, &border);
    if (code != HAWSE_OK)
        return code;
    int32_t beyond = hawse_u256_compare(&border, &s->limit);
    target = (s->zero_for_one ? beyond < 0 : beyond > 0) ? s->limit : border;
    code = hawse_clmm_step(&s->now.sqrt_price, &target, &s->now.liquidity, &s->left,
                           s->pool->fee_ppm, &step);
    if (code == HAWSE_OK)
        code = book(s, &step);
    if (code != HAWSE_OK)
        return code;
    int32_t moved = hawse_u256_compare(&step.price, &s->now.sqrt_price) != 0;
    s->now.sqrt_price = step.price;
    s->now.steps++;
    if (hawse_u256_compare(&step.price, &border) == 0) {
        if (tick)
            code = cross(s, tick);
        s->now.tick = s->zero_for_one ? next - 1 : next;
    } else if (moved) {
        code = hawse_tick_at_sqrt_price(&step.price, &s->now.tick);
    }
    return code;
}

/* Is the price that of the tick, or at its upper border, where a swap downward left it? */
static int32_t price_fits_tick(const hawse_clmm_pool_t *p)
{
    hawse_u256_t low, high;
    return hawse_sqrt_price_at_tick(p->tick, &low) == HAWSE_OK &&
           hawse_sqrt_price_at_tick(p->tick + 1, &high) == HAWSE_OK &&
           hawse_u256_compare(&low, &p->sqrt_price) <= 0 &&
           hawse_u256_compare(&p->sqrt_price, &high) <= 0;
}

static int32_t check_pool(const hawse_clmm_pool_t *p)
{
    int32_t good = (p->kind == HAWSE_CLMM_UNISWAP_V3 || p->kind == HAWSE_CLMM_ALGEBRA) &&
                   p->fee_ppm < HAWSE_FEE_ONE && p->tick_unit > 0 && p->tick_unit <= UNIT_MAX &&
                   p->community <= COMMUNITY_MAX && (p->ticks || p->tick_count == 0) &&
                   p->tick >= HAWSE_TICK_MIN && p->tick < HAWSE_TICK_MAX &&
                   hawse_u256_bit_length(&p->liquidity) <= 128;
    return good && price_fits_tick(p) ? HAWSE_OK : HAWSE_E_INVAL;
}

/* The limit, which is strictly between the price and the end of prices. */
static int32_t set_limit(struct swap *s, const hawse_u256_t *limit)
{
    hawse_u256_t one = hawse_u256(1), low = hawse_sqrt_price_min(), high = hawse_sqrt_price_max();
    (void)hawse_u256_add(&low, &one, &low);
    (void)hawse_u256_sub(&high, &one, &high);
    s->limit = limit ? *limit : s->zero_for_one ? low : high;
    if (hawse_u256_compare(&s->limit, &low) < 0 || hawse_u256_compare(&s->limit, &high) > 0)
        return HAWSE_E_INVAL;
    int32_t order = hawse_u256_compare(&s->limit, &s->pool->sqrt_price);
    return (s->zero_for_one ? order < 0 : order > 0) ? HAWSE_OK : HAWSE_E_INVAL;
}

int32_t hawse_clmm_swap(const hawse_clmm_pool_t *pool, int32_t zero_for_one,
                        const hawse_u256_t *amount, const hawse_u256_t *limit,
                        hawse_clmm_result_t *result)
{
    struct swap s = {
        .pool = pool,
        .zero_for_one = zero_for_one != 0,
        .exact_in = !hawse_i256_is_negative(amount),
        .left = *amount,
        .now = {.sqrt_price = pool->sqrt_price, .liquidity = pool->liquidity, .tick = pool->tick}};
    int32_t code = check_pool(pool);
    if (code == HAWSE_OK)
        code = hawse_u256_is_zero(amount) ? HAWSE_E_INVAL : set_limit(&s, limit);
    s.at = code == HAWSE_OK ? count_below(pool, pool->tick) : 0;
    while (code == HAWSE_OK && !hawse_u256_is_zero(&s.left) &&
           hawse_u256_compare(&s.now.sqrt_price, &s.limit) != 0)
        code = one_step(&s);
    if (code != HAWSE_OK)
        return code;
    hawse_u256_t asked, other = s.other;
    (void)hawse_u256_sub(amount, &s.left, &asked);
    if (s.exact_in)
        hawse_i256_negate(&other, &other);
    s.now.amount0 = s.zero_for_one == s.exact_in ? asked : other;
    s.now.amount1 = s.zero_for_one == s.exact_in ? other : asked;
    *result = s.now;
    return HAWSE_OK;
}
