/*
 * 32-byte words of the EVM as 64 hexadecimal digits, which is what a feed's answers are made of.
 * Cold; for samples of our own only: nothing is checked.
 */
#ifndef CORE_APP_FEED_WORD_H
#define CORE_APP_FEED_WORD_H

#include <stddef.h>
#include <stdint.h>

enum { WORD = 64 };

void word_of_unsigned(unsigned __int128 n, char out[65]);
void word_of_signed(int64_t n, char out[65]);
/* A decimal number of up to 256 bits. */
void word_of_decimal(const char *text, char out[65]);
/* The low half of a word, which need not be terminated. */
unsigned __int128 word_low(const char *word);
/* The `index`-th of several. */
void word_copy(char out[65], const char *words, size_t index);

#endif
