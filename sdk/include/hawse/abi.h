/*
 * Solidity ABI: words, and the events of a log, with the range of each type checked: a word with
 * dirty high bits is not a value of its type, and no part of it reaches the caller as one.
 *
 * Every function is [any], allocates nothing and keeps nothing; memory is the caller's. Errors mean
 * the same throughout: HAWSE_E_RANGE: the data ends too early, or an offset or a length reaches
 * beyond it; HAWSE_E_FORMAT: bits that the type does not have are set; HAWSE_E_INVAL: an argument
 * is not what the function asks for. After an error the result is unspecified.
 *
 * Source: Solidity documentation, "Contract ABI Specification".
 */
#ifndef HAWSE_ABI_H
#define HAWSE_ABI_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- words ---- */

/* Word `index` of data: a pointer into it. */
int32_t hawse_abi_word(const uint8_t *data, uint64_t len, uint64_t index, const uint8_t **word);

/* uintN, N = 8 to 256 in steps of 8. */
int32_t hawse_abi_uint(const uint8_t word[32], uint32_t bits, hawse_u256_t *out);
/* intN as two's complement of 256 bits; the higher bits must be the sign. */
int32_t hawse_abi_int(const uint8_t word[32], uint32_t bits, hawse_u256_t *out);
/* The same for types of at most 64 bits. */
int32_t hawse_abi_u64(const uint8_t word[32], uint32_t bits, uint64_t *out);
int32_t hawse_abi_i64(const uint8_t word[32], uint32_t bits, int64_t *out);
/* An address: the last 20 bytes; the first 12 must be 0. */
int32_t hawse_abi_address(const uint8_t word[32], uint8_t out[20]);
/* 0 or 1. */
int32_t hawse_abi_bool(const uint8_t word[32], uint32_t *out);
/* bytesN, N = 1 to 32: the first N bytes into out; the others must be 0. */
int32_t hawse_abi_fixed_bytes(const uint8_t word[32], uint32_t n, uint8_t *out);
/* bytes or string at the offset that word `index` holds: a view into data. The padding behind it
 * must be 0, but the last one may be missing. */
int32_t hawse_abi_bytes(const uint8_t *data, uint64_t len, uint64_t index, hawse_view_t *out);

/* ---- signatures ---- */

/* What a parameter is. The list may grow: an unknown kind is legal and means "not for you". */
#define HAWSE_ABI_UINT        1u /* uint8 to uint256 */
#define HAWSE_ABI_INT         2u /* int8 to int256 */
#define HAWSE_ABI_ADDRESS     3u
#define HAWSE_ABI_BOOL        4u
#define HAWSE_ABI_FIXED_BYTES 5u /* bytes1 to bytes32 */
#define HAWSE_ABI_BYTES       6u
#define HAWSE_ABI_STRING      7u

#define HAWSE_ABI_INDEXED 1u /* stands in a topic */
#define HAWSE_ABI_ARRAY   2u /* an array; kind and size are those of its elements */
#define HAWSE_ABI_OPEN    4u /* an array whose length stands in the data: T[] */
#define HAWSE_ABI_HASHED  8u /* indexed, but too long for a topic, which holds its hash instead */

/* What a signature is. */
#define HAWSE_ABI_EVENT 1u

#define HAWSE_ABI_PARAMS_MAX 32
#define HAWSE_ABI_ARRAY_MAX  65536 /* words of an array whose length is in its type */

/* One parameter. 24 bytes. */
typedef struct hawse_abi_param {
    uint8_t kind;     /* HAWSE_ABI_UINT ... */
    uint8_t size;     /* bytes of uintN, intN and bytesN, 20 for address, 1 for bool, otherwise 0 */
    uint16_t flags;   /* HAWSE_ABI_INDEXED ... */
    uint32_t words;   /* HAWSE_ABI_ARRAY: words of one element: 2 in T[2][]; otherwise 1 */
    uint32_t count;   /* HAWSE_ABI_ARRAY: elements of T[k]; HAWSE_ABI_OPEN: 0 */
    uint32_t place;   /* indexed: number of its topic, 1 to 3; otherwise bytes before its head */
    uint32_t name_at; /* its name in the text of the signature; length 0 = it has none */
    uint32_t name_len;
} hawse_abi_param_t;

/* A signature, read once at start. It may be copied, needs no clean-up, and only the names refer to
 * the text it was read from. */
typedef struct hawse_abi_signature {
    uint32_t form; /* HAWSE_ABI_EVENT */
    uint32_t param_count;
    uint32_t topic_count; /* topics that each log has: 1 to 4 */
    uint32_t head_len;    /* bytes of data that each log has at least */
    uint8_t hash[32];     /* topic 0 */
    hawse_abi_param_t params[HAWSE_ABI_PARAMS_MAX];
} hawse_abi_signature_t;

/* Reads an event as Solidity declares it: "event Swap(address indexed sender, int256 amount0)". The
 * word "event", the names and a semicolon at the end may be missing; uint and int mean 256 bits. On
 * error *where, unless `where` is NULL, is the offset in text at which it stopped being one.
 * HAWSE_E_FORMAT: not an event; HAWSE_E_UNSUPPORTED: tuples, arrays of what has no fixed length
 * (unless indexed), fixed-point numbers, function types, anonymous events; HAWSE_E_LIMIT: more
 * parameters or longer arrays than the limits above. */
int32_t hawse_abi_event_parse(const char *text, uint64_t len, hawse_abi_signature_t *event,
                              uint64_t *where);

/* ---- values ---- */

/* Bytes of the log's data: an array, bytes or string. */
typedef struct hawse_abi_span {
    uint64_t offset; /* in data, of its first byte */
    uint64_t len;    /* bytes, without padding */
    uint64_t count;  /* elements of an array; otherwise equal to len */
} hawse_abi_span_t;

/* One value. 40 bytes. */
typedef struct hawse_abi_value {
    uint8_t kind; /* these three as in its parameter */
    uint8_t size;
    uint16_t flags;
    uint32_t reserved;
    union {
        hawse_u256_t number;   /* UINT; INT in two's complement; BOOL: 0 or 1 */
        uint8_t bytes[32];     /* ADDRESS: 20, FIXED_BYTES: size, HASHED: 32; then zeros */
        hawse_abi_span_t span; /* BYTES, STRING, ARRAY */
    } as;
} hawse_abi_value_t;

/*
 * The values of a log, in the order of the declaration. topics: topic_count * 32 bytes, as they
 * stand in hawse_evm_log_t; data: data_len bytes of any alignment; values: room for `cap`. Spans
 * are offsets, so they stay good wherever the data is kept. All elements of arrays are checked;
 * string is not checked to be UTF-8. Bytes behind the last value are left alone.
 *
 * Returns the number of values. HAWSE_E_NOTFOUND: the log is another event's: topic 0 or the number
 * of topics differs (Transfer of ERC-20 and of ERC-721 differ in the latter only); HAWSE_E_NOSPACE:
 * cap is less than event->param_count; HAWSE_E_RANGE; HAWSE_E_FORMAT. For the last two *fault,
 * unless `fault` is NULL, is the index of the parameter.
 */
int32_t hawse_abi_event_decode(const hawse_abi_signature_t *event, const uint8_t *topics,
                               uint32_t topic_count, const uint8_t *data, uint64_t data_len,
                               hawse_abi_value_t *values, uint32_t cap, uint32_t *fault);

/* Word `index` of an array that the decoder gave, and the same data: T[2][] has 2 * count of them,
 * row by row. HAWSE_E_RANGE: it has no such word; HAWSE_E_INVAL: not an array. */
int32_t hawse_abi_element(const hawse_abi_value_t *array, const uint8_t *data, uint64_t data_len,
                          uint64_t index, hawse_abi_value_t *out);

#ifdef __cplusplus
}
#endif
#endif
