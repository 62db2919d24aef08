/*
 * Reading Solidity's type names and declarations from left to right; internal. What belongs to the
 * canonical form of a signature goes to Keccak as it is met.
 */
#ifndef SDK_LIB_ABI_TEXT_H
#define SDK_LIB_ABI_TEXT_H

#include <hawse/keccak.h>
#include <hawse/types.h>

struct abi_text {
    const char *text;
    uint64_t len;
    uint64_t at;
    hawse_keccak_t hash;
};

/* A name or keyword of the text. */
struct abi_word {
    const char *text;
    uint64_t at;
    uint64_t len;
};

/* An elementary type: HAWSE_ABI_UINT to HAWSE_ABI_STRING, with its size in bytes. */
struct abi_elementary {
    uint8_t kind;
    uint8_t size;
};

void abi_text_hash(struct abi_text *r, const char *text, uint64_t len);

/* The byte that stands here, NUL at the end. */
char abi_text_peek(const struct abi_text *r);
void abi_text_skip_spaces(struct abi_text *r);

/* Takes c when it stands here, behind spaces or not. */
int abi_text_take(struct abi_text *r, char c);

/* The name or keyword that stands here: letters, digits, '_' and '$', with no digit in front. Its
 * length is 0 when there is none. */
struct abi_word abi_text_word(struct abi_text *r);
int abi_word_is(const struct abi_word *w, const char *text);

/* Is w a type that holds no other? */
int abi_word_elementary(const struct abi_word *w, struct abi_elementary *out);

/* Is w a type that Solidity has and this library has not: fixed-point numbers, functions? */
int abi_word_foreign(const struct abi_word *w);

/* Takes "[k]" or "[]" and hashes it. Returns 1, 0 when none stands here, HAWSE_E_FORMAT or
 * HAWSE_E_LIMIT: above HAWSE_ABI_ARRAY_MAX. *count is k, or 0 for "[]". */
int32_t abi_text_dimension(struct abi_text *r, uint32_t *count);

#endif
