/*
 * Recursive Length Prefix: how Ethereum writes transactions and addresses' inputs.
 *
 * Encoding appends to a writer of the caller's (hawse/writer.h). Decoding walks over the caller's
 * bytes and takes the one canonical form only: the shortest length, a byte below 0x80 as itself,
 * integers without a zero in front. Every function is [any], allocates nothing and keeps nothing.
 *
 * Source: Ethereum Yellow Paper, appendix B.
 */
#ifndef HAWSE_RLP_H
#define HAWSE_RLP_H

#include <hawse/types.h>
#include <hawse/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_RLP_DEPTH 64 /* lists inside each other that hawse_rlp_validate() follows */

/* ---- encoding ---- */

/* Bytes as they are; an integer as its bytes, most significant first, 0 as none. */
void hawse_rlp_bytes(hawse_writer_t *w, const uint8_t *bytes, uint64_t len);
void hawse_rlp_u64(hawse_writer_t *w, uint64_t n);
void hawse_rlp_u256(hawse_writer_t *w, const hawse_u256_t *n);

/* A list: what is written between the two is its items. begin gives what end asks for. */
uint64_t hawse_rlp_list_begin(const hawse_writer_t *w);
void hawse_rlp_list_end(hawse_writer_t *w, uint64_t begun);

/* ---- decoding ---- */

/* Where a walk stands. After an error `at` is the place of the fault: the first byte of the item
 * that is wrong, or the end of the data when one is missing. Offsets count from the first byte of
 * the outermost data, in lists too. */
typedef struct hawse_rlp {
    const uint8_t *data;
    uint64_t at;
    uint64_t end;
} hawse_rlp_t;

/* One item: its payload, a view into the data. */
typedef struct hawse_rlp_item {
    const uint8_t *data;
    uint64_t len;
    uint64_t at;   /* offset of the payload */
    uint32_t list; /* 1 = the payload is items */
    uint32_t reserved;
} hawse_rlp_item_t;

/* Begins at the first item of the data. */
static inline hawse_rlp_t hawse_rlp(const uint8_t *data, uint64_t len)
{
    hawse_rlp_t r = {data, 0, len};
    return r;
}

/* The next item. Returns 1, 0 at the end, HAWSE_E_RANGE: the data ends before the item does, or
 * HAWSE_E_FORMAT: not the canonical form. */
int32_t hawse_rlp_next(hawse_rlp_t *r, hawse_rlp_item_t *item);

/* A walk over the items of a list. */
static inline hawse_rlp_t hawse_rlp_inside(const hawse_rlp_t *r, const hawse_rlp_item_t *list)
{
    hawse_rlp_t inside = {r->data, list->at, list->at + list->len};
    return inside;
}

/* The next item, which must be there and be: bytes; bytes of exactly `len`; a list; an integer.
 * HAWSE_OK; HAWSE_E_RANGE: the data ends too early, or the integer does not fit; HAWSE_E_FORMAT:
 * something else stands there, other lengths included. */
int32_t hawse_rlp_take_bytes(hawse_rlp_t *r, hawse_view_t *out);
int32_t hawse_rlp_take_fixed(hawse_rlp_t *r, uint8_t *out, uint64_t len);
int32_t hawse_rlp_take_list(hawse_rlp_t *r, hawse_rlp_t *inside);
int32_t hawse_rlp_take_u64(hawse_rlp_t *r, uint64_t *out);
int32_t hawse_rlp_take_u256(hawse_rlp_t *r, hawse_u256_t *out);

/* HAWSE_OK at the end; HAWSE_E_FORMAT: something follows. */
static inline int32_t hawse_rlp_end(const hawse_rlp_t *r)
{
    return r->at == r->end ? HAWSE_OK : HAWSE_E_FORMAT;
}

/* Are the bytes exactly one item, canonical to the innermost? *where, unless NULL, is the place of
 * the fault. HAWSE_E_RANGE; HAWSE_E_FORMAT; HAWSE_E_LIMIT: deeper than HAWSE_RLP_DEPTH. */
int32_t hawse_rlp_validate(const uint8_t *data, uint64_t len, uint64_t *where);

#ifdef __cplusplus
}
#endif
#endif
