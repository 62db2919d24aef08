/*
 * Reading JSON in place, for the hot path: no tree, no allocation, no copy. One pass finds quotes
 * and brackets (vector instructions where the CPU has them, the same result everywhere); values are
 * then read where they stand. Numbers stay exact: integers up to 2^64 - 1, everything else as its
 * text.
 *
 * The walk is safe on any bytes: what is not JSON gives HAWSE_E_FORMAT, never a wild pointer. It
 * does not prove that the parts it steps over are valid JSON; hawse_json_validate does.
 *
 * At least HAWSE_PADDING readable bytes must follow the text. All functions are [any].
 */
#ifndef HAWSE_JSON_H
#define HAWSE_JSON_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_JSON_DEPTH 64u /* containers inside containers, at most */

/* kinds of a value */
#define HAWSE_JSON_NULL   1u
#define HAWSE_JSON_TRUE   2u
#define HAWSE_JSON_FALSE  3u
#define HAWSE_JSON_NUMBER 4u
#define HAWSE_JSON_STRING 5u
#define HAWSE_JSON_OBJECT 6u
#define HAWSE_JSON_ARRAY  7u

/* A text and the places of its quotes and brackets. The memory is the caller's. */
typedef struct hawse_json {
    const uint8_t *text;
    uint64_t len;
    uint32_t *marks; /* count positions, then one past the end as a sentinel */
    uint32_t count;
    uint32_t cap;
} hawse_json_t;

/* A value of an indexed text. Copy it freely; valid as long as text and marks are. */
typedef struct hawse_json_value {
    const uint8_t *data; /* STRING: after the opening quote; else its first byte */
    uint32_t len;        /* STRING: to the closing quote; NUMBER and literals: all; containers: 0 */
    uint32_t kind;       /* HAWSE_JSON_... */
    uint32_t mark;       /* containers and strings: its (opening) mark */
    uint32_t last_at;    /* containers: where the value given out last begins; 0 = none yet */
    uint32_t last_mark;  /* containers: the first mark of that value */
    uint32_t reserved;
} hawse_json_value_t;

/* Finds the marks of `text`. `marks` has room for `cap` of them; a text has at most len + 1.
 * Returns 0, HAWSE_E_NOSPACE (more marks than room), HAWSE_E_LIMIT (4 GiB or more) or
 * HAWSE_E_FORMAT (a string does not end). */
int32_t hawse_json_index(hawse_json_t *doc, const uint8_t *text, uint64_t len, uint32_t *marks,
                         uint32_t cap);

/* The one value of the text. HAWSE_E_FORMAT when there is none or more than one. */
int32_t hawse_json_root(const hawse_json_t *doc, hawse_json_value_t *root);

/* The member `key` (NUL-terminated, compared as bytes: a key written with escapes is not found) of
 * an object. Goes on behind the member found last, then begins again at the front: members asked
 * for in the order in which they stand cost one pass in all. HAWSE_E_NOTFOUND, HAWSE_E_FORMAT,
 * HAWSE_E_INVAL (no object). */
int32_t hawse_json_get(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                       hawse_json_value_t *value);

/* The next member of an object, or item of an array (key->len is 0 then; key may be NULL). Begins
 * at the front after hawse_json_rewind. Returns 1, 0 at the end, or an error. */
int32_t hawse_json_next(const hawse_json_t *doc, hawse_json_value_t *container, hawse_view_t *key,
                        hawse_json_value_t *value);
void hawse_json_rewind(hawse_json_value_t *container);

/* The text of a value as it stands, quotes and brackets included. */
int32_t hawse_json_raw(const hawse_json_t *doc, const hawse_json_value_t *value, hawse_view_t *raw);

/* Exact integers. HAWSE_E_INVAL: not a number; HAWSE_E_FORMAT: has a fraction or exponent, or is no
 * legal number; HAWSE_E_RANGE: does not fit. */
int32_t hawse_json_u64(const hawse_json_value_t *value, uint64_t *out);
int32_t hawse_json_i64(const hawse_json_value_t *value, int64_t *out);

/* 1 when the value is a string with exactly these bytes (as they stand, escapes not undone). */
int32_t hawse_json_is(const hawse_json_value_t *value, const char *text);

/* Undoes the escapes of a string into out; *need is the length, which is at most value->len.
 * HAWSE_E_NOSPACE; HAWSE_E_FORMAT: an illegal escape or a lone surrogate. */
int32_t hawse_json_unescape(const hawse_json_value_t *value, uint8_t *out, uint64_t cap,
                            uint64_t *need);

/* Is the text one JSON value by RFC 8259, UTF-8 included? HAWSE_E_FORMAT with the offset of the
 * first fault in *at (may be NULL), HAWSE_E_LIMIT when nested deeper than HAWSE_JSON_DEPTH. */
int32_t hawse_json_validate(const uint8_t *text, uint64_t len, uint64_t *at);

/* Are the bytes UTF-8 (RFC 3629)? 1 or 0. */
int32_t hawse_utf8_valid(const uint8_t *text, uint64_t len);

#ifdef __cplusplus
}
#endif
#endif
