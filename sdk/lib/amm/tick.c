/* Ticks and square-root prices; see hawse/amm/tick.h. */
#include "u256_multiply.h"

#include <hawse/amm/tick.h>
#include <hawse/u256.h>

typedef unsigned __int128 u128;

enum { LOG_BITS = 14 }; /* binary digits of the logarithm behind the point */

static const hawse_u256_t lowest = {{0x00000001000276a3u, 0, 0, 0}};
static const hawse_u256_t highest = {
    {0x5d951d5263988d26u, 0xefd1fc6a50648849u, 0x00000000fffd8963u, 0}};

/* 2^128 / sqrt(1.0001)^(2^i), high and low half */
static const uint64_t factors[20][2] = {
    {0xfffcb933bd6fad37u, 0xaa2d162d1a594001u}, {0xfff97272373d4132u, 0x59a46990580e213au},
    {0xfff2e50f5f656932u, 0xef12357cf3c7fdccu}, {0xffe5caca7e10e4e6u, 0x1c3624eaa0941cd0u},
    {0xffcb9843d60f6159u, 0xc9db58835c926644u}, {0xff973b41fa98c081u, 0x472e6896dfb254c0u},
    {0xff2ea16466c96a38u, 0x43ec78b326b52861u}, {0xfe5dee046a99a2a8u, 0x11c461f1969c3053u},
    {0xfcbe86c7900a88aeu, 0xdcffc83b479aa3a4u}, {0xf987a7253ac41317u, 0x6f2b074cf7815e54u},
    {0xf3392b0822b70005u, 0x940c7a398e4b70f3u}, {0xe7159475a2c29b74u, 0x43b29c7fa6e889d9u},
    {0xd097f3bdfd2022b8u, 0x845ad8f792aa5825u}, {0xa9f746462d870fdfu, 0x8a65dc1f90e061e5u},
    {0x70d869a156d2a1b8u, 0x90bb3df62baf32f7u}, {0x31be135f97d08fd9u, 0x81231505542fcfa6u},
    {0x09aa508b5b7a84e1u, 0xc677de54f3e99bc9u}, {0x005d6af8dedb8119u, 0x6699c329225ee604u},
    {0x00002216e584f5fau, 0x1ea926041bedfe98u}, {0x00000000048a1703u, 0x91f7dc42444e8fa2u},
};

hawse_u256_t hawse_sqrt_price_min(void)
{
    return lowest;
}

hawse_u256_t hawse_sqrt_price_max(void)
{
    return highest;
}

/* The high half of a * b; the low half goes to *low. */
static inline u128 multiply_128(u128 a, u128 b, u128 *low)
{
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a, b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    u128 bottom = (u128)a0 * b0, left = (u128)a1 * b0, right = (u128)a0 * b1;
    u128 middle = (bottom >> 64) + (uint64_t)left + (uint64_t)right;
    *low = middle << 64 | (uint64_t)bottom;
    return (u128)a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64);
}

int32_t hawse_sqrt_price_at_tick(int32_t tick, hawse_u256_t *sqrt_price)
{
    if (tick < HAWSE_TICK_MIN || tick > HAWSE_TICK_MAX)
        return HAWSE_E_RANGE;
    uint32_t rest = (uint32_t)(tick < 0 ? -tick : tick);
    hawse_u256_t ratio = {{0, 0, 1, 0}}; /* 128.128 */
    if (rest != 0) {
        int at = __builtin_ctz(rest);
        u128 product = (u128)factors[at][0] << 64 | factors[at][1], low;
        while ((rest &= rest - 1) != 0) {
            at = __builtin_ctz(rest);
            product = multiply_128(product, (u128)factors[at][0] << 64 | factors[at][1], &low);
        }
        ratio = hawse_u256_from_u128((uint64_t)product, (uint64_t)(product >> 64));
    }
    if (tick > 0) {
        hawse_u256_t all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
        (void)hawse_u256_div(&all, &ratio, &ratio, NULL);
    }
    hawse_u256_t up = hawse_u256((ratio.limb[0] & UINT32_MAX) != 0);
    hawse_u256_shift_right(&ratio, 32, &ratio);
    (void)hawse_u256_add(&ratio, &up, sqrt_price);
    return HAWSE_OK;
}

/* log2(sqrt_price / 2^96), 64.64 with LOG_BITS digits behind the point, cut. The fraction's digits
 * come one by one from squaring. */
static hawse_u256_t logarithm(const hawse_u256_t *sqrt_price)
{
    int32_t top = (int32_t)hawse_u256_bit_length(sqrt_price) - 1;
    hawse_u256_t normal;
    if (top > 127)
        hawse_u256_shift_right(sqrt_price, (uint32_t)(top - 127), &normal);
    else
        hawse_u256_shift_left(sqrt_price, (uint32_t)(127 - top), &normal);
    u128 r = (u128)normal.limb[1] << 64 | normal.limb[0], low;
    uint64_t fraction = 0;
    for (int i = 0; i < LOG_BITS; i++) {
        u128 high = multiply_128(r, r, &low);
        uint64_t digit = (uint64_t)(high >> 127);
        fraction |= digit << (63 - i);
        r = digit ? high : high << 1 | low >> 127;
    }
    hawse_u256_t log = hawse_i256(top - 96);
    hawse_u256_shift_left(&log, 64, &log);
    log.limb[0] |= fraction;
    return log;
}

int32_t hawse_tick_at_sqrt_price(const hawse_u256_t *sqrt_price, int32_t *tick)
{
    /* 2^64 / log2(sqrt(1.0001)), and how far the cut logarithm may be off below and above */
    static const hawse_u256_t scale = {{0xa301d71055774c85u, 0x3627u, 0, 0}};
    static const hawse_u256_t below = {{0x5af012a19d003aaau, 0x028f6481ab7f045au, 0, 0}};
    static const hawse_u256_t above = {{0x455e260799a0632fu, 0xdb2df09e81959a81u, 0, 0}};
    if (hawse_u256_compare(sqrt_price, &lowest) < 0 ||
        hawse_u256_compare(sqrt_price, &highest) >= 0)
        return HAWSE_E_RANGE;
    hawse_u256_t log = logarithm(sqrt_price), low, high;
    uint64_t wide[8];
    u256_multiply(&log, &scale, wide); /* two's complement: the low half is right */
    hawse_u256_t base = {{wide[0], wide[1], wide[2], wide[3]}};
    (void)hawse_u256_sub(&base, &below, &low);
    (void)hawse_u256_add(&base, &above, &high);
    int32_t tick_low = (int32_t)(int64_t)low.limb[2], tick_high = (int32_t)(int64_t)high.limb[2];
    if (tick_low != tick_high) {
        hawse_u256_t price;
        int32_t code = hawse_sqrt_price_at_tick(tick_high, &price);
        if (code != HAWSE_OK)
            return code;
        if (hawse_u256_compare(&price, sqrt_price) <= 0)
            tick_low = tick_high;
    }
    *tick = tick_low;
    return HAWSE_OK;
}
