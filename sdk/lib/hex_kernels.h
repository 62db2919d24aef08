/*
 * The ways to encode and decode hexadecimal; internal, compared with each other by tests. A kernel
 * may be called only on a CPU that has the instructions in its name.
 */
#ifndef SDK_LIB_HEX_KERNELS_H
#define SDK_LIB_HEX_KERNELS_H

#include <hawse/hex.h>

#include <stdbool.h>
#include <stdint.h>

/* 2 * len digits to len bytes. 1 = good, 0 = something is no digit. */
int hex_decode_scalar(const uint8_t *digits, uint8_t *out, uint64_t len);
/* 1 to 16 digits to a number. */
int hex_u64_scalar(const uint8_t *digits, uint32_t len, uint64_t *out);
/* len bytes to 2 * len digits in lower case. */
void hex_encode_scalar(const uint8_t *data, char *out, uint64_t len);

#if defined(__x86_64__)
int hex_decode_ssse3(const uint8_t *digits, uint8_t *out, uint64_t len);
int hex_decode_avx2(const uint8_t *digits, uint8_t *out, uint64_t len);
int hex_decode_avx512(const uint8_t *digits, uint8_t *out, uint64_t len);
int hex_runs_avx2(const hawse_hex_run_t *runs, uint32_t count);
int hex_runs_avx512(const hawse_hex_run_t *runs, uint32_t count);
int hex_u64_avx512(const uint8_t *digits, uint32_t len, uint64_t *out);
void hex_encode_ssse3(const uint8_t *data, char *out, uint64_t len);
void hex_encode_avx2(const uint8_t *data, char *out, uint64_t len);
#endif

/* Has this CPU what the kernels of that name need? avx512: F, BW, VL, VBMI, and BMI2. */
static inline bool hex_has_scalar(void)
{
    return true;
}

#if defined(__x86_64__)
static inline bool hex_has_ssse3(void)
{
    return __builtin_cpu_supports("ssse3");
}

static inline bool hex_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static inline bool hex_has_avx512(void)
{
    return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2");
}
#endif

/* Value of a digit, 0xff for anything else. */
static inline uint8_t hex_digit_value(uint8_t c)
{
    uint8_t digit = (uint8_t)(c - '0'), letter = (uint8_t)((c | 0x20u) - 'a');
    if (digit < 10)
        return digit;
    return letter < 6 ? (uint8_t)(letter + 10) : 0xff;
}

#endif
