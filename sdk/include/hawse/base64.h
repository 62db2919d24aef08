/*
 * Base64 with the standard alphabet and padding (RFC 4648 section 4), strict: no spaces, no missing
 * padding, no set bits behind the last byte, so that every text has one reading and one writing.
 *
 * All functions are [any], allocate nothing and keep nothing.
 */
#ifndef HAWSE_BASE64_H
#define HAWSE_BASE64_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Digits that `n` bytes take. */
#define HAWSE_BASE64_DIGITS(n) (((n) + 2u) / 3u * 4u)

/* Writes HAWSE_BASE64_DIGITS(len) digits, no NUL. */
void hawse_base64_encode(const uint8_t *data, uint64_t len, char *out);

/* Bytes that the text decodes to, by its length and padding. HAWSE_E_FORMAT: no multiple of 4. */
int32_t hawse_base64_size(const uint8_t *text, uint64_t len, uint64_t *size);

/* Decodes into `out`, which has room for what hawse_base64_size says. HAWSE_E_FORMAT as above. */
int32_t hawse_base64_decode(const uint8_t *text, uint64_t len, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif
