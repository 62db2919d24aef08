/*
 * What the hash of values and the documents share; internal.
 */
#ifndef SDK_LIB_EIP712_WORD_H
#define SDK_LIB_EIP712_WORD_H

#include <hawse/eip712.h>

/* The word of the value whose turn it is, which the caller knows to be of its type. */
void eip712_word(hawse_eip712_t *h, const uint8_t word[32]);

#endif
