/*
 * The Solidity ABI of any type: arguments, results, errors and the data of events, encoded from
 * values and decoded from bytes. Types are read by hawse/abi_type.h.
 *
 * Both ways go through the values in the order of their types, and tuples and lists are opened and
 * closed:
 *
 *   hawse_abi_parse("fill((address maker,uint256[] amounts) order)", len, &fill, NULL);
 *   hawse_abi_call_begin(&e, &fill, &writer);       hawse_abi_call_read(&r, &fill, data, len, 0,
 * NULL) hawse_abi_open(&e, 0);                          hawse_abi_take(&r, HAWSE_ABI_TUPLE, &v)
 *                                                   hawse_abi_enter(&r)
 *   hawse_abi_put_address(&e, maker);               hawse_abi_take(&r, HAWSE_ABI_ADDRESS, &maker)
 *   hawse_abi_open(&e, 2);                          hawse_abi_take(&r, HAWSE_ABI_LIST, &v)
 *                                                   hawse_abi_enter(&r)
 *   hawse_abi_put_u64(&e, 5);                       while (hawse_abi_read(&r, &amount) == 1)
 *   hawse_abi_put_u64(&e, 6);                           ...
 *   hawse_abi_close(&e);                            hawse_abi_leave(&r)
 *   hawse_abi_close(&e);                            hawse_abi_leave(&r)
 *   result = hawse_abi_end(&e);
 *
 * Every function is [any], allocates nothing and keeps nothing; all memory is the caller's.
 *
 * Source: Solidity documentation, "Contract ABI Specification".
 */
#ifndef HAWSE_ABI_CODEC_H
#define HAWSE_ABI_CODEC_H

#include <hawse/abi_type.h>
#include <hawse/json.h>
#include <hawse/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A tuple or list that is open. Its fields are private. */
typedef struct hawse_abi_frame {
    uint32_t node;  /* the TUPLE or LIST */
    uint32_t child; /* the node of the value that comes next */
    uint64_t left;  /* values that are still to come */
    uint64_t count;
    uint64_t base; /* what the offsets of its values count from: the head of the first one */
    uint64_t head; /* of the next one */
} hawse_abi_frame_t;

/* ---- encoding ---- */

#define HAWSE_ABI_COUNT_MAX 0xffffffffu /* elements of a list */

/* An encoding under way. Its fields are private. */
typedef struct hawse_abi_encoder {
    const hawse_abi_node_t *nodes;
    hawse_writer_t *out;
    int32_t error;
    uint32_t depth;
    uint64_t part_at; /* bytes that come in parts: where their length stands */
    hawse_abi_frame_t frames[HAWSE_ABI_DEPTH];
} hawse_abi_encoder_t;

/* Begins the values of the TUPLE `node` of a declaration: its `inputs` or `outputs`. They are
 * appended to the writer, which like the declaration must outlive the encoder. */
void hawse_abi_encode_begin(hawse_abi_encoder_t *e, const hawse_abi_declaration_t *d, uint32_t node,
                            hawse_writer_t *out);

/* Begins a call of a function, or an error: its selector, then the values of its inputs. */
void hawse_abi_call_begin(hawse_abi_encoder_t *e, const hawse_abi_declaration_t *d,
                          hawse_writer_t *out);

/* The next value. One that is not of the type whose turn it is, or not in its range, is an error;
 * after the first error everything up to hawse_abi_end() does nothing. */
void hawse_abi_put_uint(hawse_abi_encoder_t *e, const hawse_u256_t *n); /* uintN */
void hawse_abi_put_u64(hawse_abi_encoder_t *e, uint64_t n);             /* uintN */
void hawse_abi_put_int(hawse_abi_encoder_t *e, const hawse_u256_t *n);  /* intN, two's complement */
void hawse_abi_put_bool(hawse_abi_encoder_t *e, int32_t truth);
void hawse_abi_put_address(hawse_abi_encoder_t *e, const uint8_t address[20]);
void hawse_abi_put_fixed_bytes(hawse_abi_encoder_t *e, const uint8_t *bytes, uint64_t len);
void hawse_abi_put_bytes(hawse_abi_encoder_t *e, const void *bytes, uint64_t len); /* string too */

/* Opens a list of `count` elements, or a tuple, with count 0. */
void hawse_abi_open(hawse_abi_encoder_t *e, uint64_t count);
void hawse_abi_close(hawse_abi_encoder_t *e);

/* HAWSE_OK; HAWSE_E_NOSPACE: the writer's `len` is what is needed; HAWSE_E_INVAL: a value of
 * another type, too few or too many; HAWSE_E_RANGE: not in the range of its type, or another number
 * of elements than T[k] has; HAWSE_E_LIMIT: above HAWSE_ABI_COUNT_MAX or HAWSE_ABI_DEPTH. */
int32_t hawse_abi_end(hawse_abi_encoder_t *e);

/* ---- decoding ---- */

/* Take the layout only that encoders write: values in order, nothing between or behind them, all
 * padding there. Without it offsets may point anywhere inside the data, as the EVM allows, and
 * bytes behind the last value are left alone. */
#define HAWSE_ABI_CANONICAL 1u

/* A walk over decoded values. Its fields are private, but for data and len. */
typedef struct hawse_abi_reader {
    const hawse_abi_node_t *nodes;
    const uint8_t *data; /* what spans count from: behind the selector */
    uint64_t len;
    uint64_t tail; /* where a canonical encoding goes on */
    uint32_t flags;
    uint32_t depth;
    hawse_abi_frame_t last; /* the tuple or list that was given last */
    hawse_abi_frame_t frames[HAWSE_ABI_DEPTH];
} hawse_abi_reader_t;

/*
 * Checks the whole of `data` against the TUPLE `node` of a declaration, then begins at its first
 * value. What passes can be walked without an error: nothing is out of its range, no offset or
 * length reaches beyond the data, padding is 0 (the last one may be missing). string is not checked
 * to be UTF-8. Time is bounded by the length of the data, whatever it says.
 *
 * HAWSE_E_RANGE: the data ends too early, or an offset or length reaches beyond it; HAWSE_E_FORMAT:
 * bits that the type does not have, or, with HAWSE_ABI_CANONICAL, another layout; HAWSE_E_LIMIT:
 * the same bytes stand for so many values that it can't be honest; HAWSE_E_INVAL: not a TUPLE, an
 * unknown flag. *where, unless NULL, is the offset in data of the word that is wrong.
 */
int32_t hawse_abi_read_begin(hawse_abi_reader_t *r, const hawse_abi_declaration_t *d, uint32_t node,
                             const uint8_t *data, uint64_t len, uint32_t flags, uint64_t *where);

/* The same for a call or an error with its selector. HAWSE_E_NOTFOUND: another selector; *where
 * counts from the selector. */
int32_t hawse_abi_call_read(hawse_abi_reader_t *r, const hawse_abi_declaration_t *d,
                            const uint8_t *data, uint64_t len, uint32_t flags, uint64_t *where);

/* The next value of the tuple or list that is open. Of a tuple and a list itself `as.span.count` is
 * the number of its values; enter it to get them, or go on. Returns 1, or 0 at the end. */
int32_t hawse_abi_read(hawse_abi_reader_t *r, hawse_abi_value_t *value);

/* The next value, which must be there and of that kind: HAWSE_OK, or HAWSE_E_INVAL. */
int32_t hawse_abi_take(hawse_abi_reader_t *r, uint32_t kind, hawse_abi_value_t *value);

/* Goes into the tuple or list that was read last; back out of it, behind it. HAWSE_E_STATE: there
 * is none. */
int32_t hawse_abi_enter(hawse_abi_reader_t *r);
int32_t hawse_abi_leave(hawse_abi_reader_t *r);

/* Goes to value `index` of the tuple or list that is open. HAWSE_E_RANGE: it has no such value. */
int32_t hawse_abi_seek(hawse_abi_reader_t *r, uint64_t index);

/* The bytes of a BYTES or STRING that was read. */
hawse_view_t hawse_abi_view(const hawse_abi_reader_t *r, const hawse_abi_value_t *value);

/* ---- JSON ---- */

/*
 * Encodes what JSON holds: `values` is an array of the values of the TUPLE `node`, or an object by
 * their names. Numbers are JSON numbers, decimal text or "0x" text, bytes are "0x" text, tuples are
 * arrays or objects, lists are arrays. The text must be valid JSON (hawse_json_validate). *where,
 * unless NULL, points into it. HAWSE_E_NOSPACE; HAWSE_E_FORMAT: a value that does not have the form
 * of its type; HAWSE_E_RANGE: a number that its type has not, or another count; HAWSE_E_NOTFOUND,
 * HAWSE_E_EXISTS: an object lacks a member or has one that the type has not.
 */
int32_t hawse_abi_encode_json(const hawse_abi_declaration_t *d, const char *text, uint32_t node,
                              const hawse_json_t *doc, hawse_json_value_t *values,
                              hawse_writer_t *out, const uint8_t **where);

/* Writes the values that a reader has yet to give in the tuple or list that is open, as a JSON
 * array: numbers as decimal text, addresses with their checksum, bytes as "0x" text, tuples and
 * lists as arrays. HAWSE_E_NOSPACE; HAWSE_E_FORMAT: a string is not UTF-8. */
int32_t hawse_abi_read_json(hawse_abi_reader_t *r, hawse_writer_t *out);

#ifdef __cplusplus
}
#endif
#endif
