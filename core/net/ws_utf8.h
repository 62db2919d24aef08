/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. Runs of
 * ASCII are passed over with vectors. Owns nothing; never reads outside the bytes it is given.
 */
#ifndef HAWSE_CORE_NET_WS_UTF8_H
#define HAWSE_CORE_NET_WS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many of the bytes at the front are ASCII; a whole block is dropped at once, so the answer may
 * be short by less than a block unless it is `len`. */
typedef size_t (*ws_ascii_run_fn)(const uint8_t *s, size_t len);

/* The kernels: for any CPU, and with AVX2. ws_ascii_run_best picks for this CPU. */
size_t ws_ascii_run_base(const uint8_t *s, size_t len);
size_t ws_ascii_run_avx2(const uint8_t *s, size_t len); /* only where ws_utf8_has_avx2() */
bool ws_utf8_has_avx2(void);
ws_ascii_run_fn ws_ascii_run_best(void);

/* Length of the longest front part that consists of whole, valid characters. */
size_t ws_utf8_prefix(ws_ascii_run_fn ascii_run, const uint8_t *s, size_t len);

/* May these bytes be the beginning of a character that the next fragment completes? True for none.
 * They are what ws_utf8_prefix left over. */
bool ws_utf8_may_continue(const uint8_t *s, size_t len);

/* Is all of it valid? Off the hot path: picks the kernel at each call. */
bool ws_utf8_valid(const uint8_t *s, size_t len);

#endif
