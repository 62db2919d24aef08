/*
 * Hexadecimal as Ethereum's JSON-RPC writes it.
 *
 * Every function is [any], allocates nothing and keeps nothing. Text is the caller's bytes without
 * a NUL; input and output must not overlap. Digits may be of any case; a byte that is no digit is
 * an error wherever it stands. The prefix is "0x", never "0X". After an error what a result pointer
 * points to is unspecified, but nothing beyond its documented size was written.
 */
#ifndef HAWSE_HEX_H
#define HAWSE_HEX_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- bytes ---- */

/* Lower-case digits of `len` bytes into out, which has room for 2 * len; no prefix, no NUL. */
void hawse_hex_encode(const uint8_t *data, uint64_t len, char *out);

/* Exactly 2 * len digits, no prefix, into len bytes. HAWSE_E_FORMAT: something is no digit. */
int32_t hawse_hex_decode(const uint8_t *digits, uint8_t *out, uint64_t len);

/* Digits that stand at one place and the bytes they become at another: 2 * len digits, no prefix.
 */
typedef struct hawse_hex_run {
    const uint8_t *digits;
    uint8_t *out;
    uint64_t len;
} hawse_hex_run_t;

/* hawse_hex_decode of all of them, where a call for each would cost more than the digits do.
 * HAWSE_E_FORMAT: something in one of them is no digit. */
int32_t hawse_hex_decode_runs(const hawse_hex_run_t *runs, uint32_t count);

/* "0x" and exactly 2 * len digits: hashes (32), addresses (20). HAWSE_E_FORMAT. */
int32_t hawse_hex_fixed(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t len);

/* "0x" and an even number of digits: bytes of any length, none included. *need is the number of
 * bytes, also when `cap` is too small for them. HAWSE_E_FORMAT; HAWSE_E_NOSPACE. */
int32_t hawse_hex_data(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t cap,
                       uint64_t *need);

/* The same where people write: the prefix may be missing. */
int32_t hawse_hex_loose(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t cap,
                        uint64_t *need);

/* ---- quantities ---- */

/* "0x" and at least one digit. Leading zeros are accepted, as some nodes send them. HAWSE_E_FORMAT;
 * HAWSE_E_RANGE: above 2^64 - 1 or 2^256 - 1. */
int32_t hawse_hex_u64(const uint8_t *text, uint64_t text_len, uint64_t *out);
int32_t hawse_hex_u256(const uint8_t *text, uint64_t text_len, hawse_u256_t *out);

/* The same as the JSON-RPC specification has it: 0 is "0x0" and nothing else begins with a zero
 * (HAWSE_E_FORMAT). */
int32_t hawse_hex_u64_strict(const uint8_t *text, uint64_t text_len, uint64_t *out);
int32_t hawse_hex_u256_strict(const uint8_t *text, uint64_t text_len, hawse_u256_t *out);

#define HAWSE_HEX_QUANTITY_MAX 67 /* "0x", 64 digits, NUL */

/* A quantity as the specification has it, with a NUL, into out (19 bytes for 64 bits,
 * HAWSE_HEX_QUANTITY_MAX for 256). Returns its length without the NUL. */
uint32_t hawse_hex_from_u64(uint64_t n, char *out);
uint32_t hawse_hex_from_u256(const hawse_u256_t *n, char *out);

#ifdef __cplusplus
}
#endif
#endif
