/*
 * The kernels that find quotes and brackets; chosen once by what the CPU has. Internal to the
 * library; tests compare them with each other.
 */
#ifndef SDK_LIB_JSON_MARKS_H
#define SDK_LIB_JSON_MARKS_H

#include <stdint.h>

/* Returns the number of marks, or UINT32_MAX when a string does not end, UINT32_MAX - 1 when there
 * is no room. */
typedef uint32_t (*json_marks_fn)(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap);

#define JSON_MARKS_UNTERMINATED UINT32_MAX
#define JSON_MARKS_NOSPACE      (UINT32_MAX - 1u)

uint32_t json_marks_scalar(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap);
#if defined(__x86_64__)
uint32_t json_marks_sse2(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap);
uint32_t json_marks_avx2(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap);
uint32_t json_marks_avx512(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap);
#endif

/* The best kernel for this CPU. */
json_marks_fn json_marks_best(void);

#endif
