/*
 * Why a call failed: the bytes that a contract left, as words.
 *
 * Every function is [any], allocates nothing and keeps nothing. The bytes come from contracts that
 * nobody vouches for: what does not decode strictly is told as unknown, never guessed.
 *
 * Source: Solidity documentation, "Panic via assert and Error via require", "Custom errors".
 */
#ifndef HAWSE_REVERT_H
#define HAWSE_REVERT_H

#include <hawse/abi_codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* kinds */
#define HAWSE_REVERT_NONE    0u /* no bytes: revert() without a reason, or the gas ran out */
#define HAWSE_REVERT_ERROR   1u /* Error(string): require() or revert("...") */
#define HAWSE_REVERT_PANIC   2u /* Panic(uint256): a check that the compiler made */
#define HAWSE_REVERT_CUSTOM  3u /* one of the errors that were given */
#define HAWSE_REVERT_UNKNOWN 4u /* anything else */

/* The codes of Panic: number, meaning. */
#define HAWSE_PANICS(X)                                                 \
    X(0x00, "generic compiler panic")                                   \
    X(0x01, "assertion failed")                                         \
    X(0x11, "arithmetic overflow or underflow")                         \
    X(0x12, "division or modulo by zero")                               \
    X(0x21, "conversion into an enum that has no such value")           \
    X(0x22, "storage byte array that is encoded incorrectly")           \
    X(0x31, "pop() on an empty array")                                  \
    X(0x32, "array index out of bounds")                                \
    X(0x41, "too much memory allocated, or an array that is too large") \
    X(0x51, "call of an internal function variable that was never set")

/* The meaning of a code, or "unknown panic"; static. */
const char *hawse_panic_text(uint64_t code);

/* Errors that contracts at hand declare: declaration i was read from texts[i]. */
typedef struct hawse_revert_errors {
    const hawse_abi_declaration_t *declarations;
    const char *const *texts;
    uint32_t count;
    uint32_t reserved;
} hawse_revert_errors_t;

/* What failed. The views lie in the bytes that were decoded. */
typedef struct hawse_revert {
    uint32_t kind;  /* HAWSE_REVERT_... */
    uint32_t index; /* CUSTOM: number of the error */
    uint64_t panic; /* PANIC: the code */
    hawse_view_t data;
    hawse_view_t text;   /* ERROR: the string, UTF-8 */
    hawse_view_t nested; /* CUSTOM: its last argument when that is `bytes` with at least a selector:
                            as a rule why an inner call failed. Otherwise empty. */
} hawse_revert_t;

/* Decodes what a call left; errors may be NULL. */
void hawse_revert_decode(const uint8_t *data, uint64_t len, const hawse_revert_errors_t *errors,
                         hawse_revert_t *out);

/*
 * Says it in one line, nested reasons (up to 4) behind ": ":
 *
 *   Error: Only self
 *   Panic 0x11: arithmetic overflow or underflow
 *   CallFailed["3","0x08c379a0..."]: Error: Failed
 *   unknown error 0xdeadbeef, 36 bytes
 *   no reason given
 *
 * Control characters of an Error are written as '?'. HAWSE_E_NOSPACE as hawse_writer_end().
 */
int32_t hawse_revert_text(const hawse_revert_t *revert, const hawse_revert_errors_t *errors,
                          hawse_writer_t *out);

#ifdef __cplusplus
}
#endif
#endif
