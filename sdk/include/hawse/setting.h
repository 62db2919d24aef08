/*
 * An instance's settings, read once in create(): one member of the JSON object that create() was
 * given, by its name. The host has held it against the schema of the manifest before.
 *
 * Every function is [any] and keeps nothing; memory is taken for the time of the call. Errors mean
 * the same throughout: HAWSE_E_NOTFOUND: there is no such member; HAWSE_E_FORMAT: it is of another
 * form; HAWSE_E_NOMEM. After an error *out is unspecified.
 */
#ifndef HAWSE_SETTING_H
#define HAWSE_SETTING_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Exactly `len` bytes from a text of 0x and 2 * len hexadecimal digits: an address has 20. Borrows
 * settings and name, fills out. */
int32_t hawse_setting_hex(hawse_view_t settings, const char *name, uint8_t *out, uint64_t len);

/* A list of texts of 0x and 2 * len hexadecimal digits: item i stands `stride` bytes after the one
 * before it in out, which has room for `cap`. Borrows settings and name, fills out and count.
 * HAWSE_E_FORMAT: no list, or an item is of another form; HAWSE_E_NOSPACE: more than cap. */
int32_t hawse_setting_hex_list(hawse_view_t settings, const char *name, uint64_t len, uint8_t *out,
                               uint64_t stride, uint32_t cap, uint32_t *count);

/* A text, with a NUL behind it; escapes are resolved. Borrows settings and name, fills out.
 * HAWSE_E_NOSPACE: it and the NUL are longer than `cap` bytes. */
int32_t hawse_setting_text(hawse_view_t settings, const char *name, char *out, uint64_t cap);

/* An integer from 0 to 2^64 - 1. Borrows settings and name, fills out. HAWSE_E_RANGE: it does not
 * fit. */
int32_t hawse_setting_u64(hawse_view_t settings, const char *name, uint64_t *out);

#ifdef __cplusplus
}
#endif
#endif
