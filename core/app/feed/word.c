/* Words of the EVM as text; see word.h. */
#include "app/feed/word.h"

#include <stdio.h>
#include <string.h>

void word_of_unsigned(unsigned __int128 n, char out[65])
{
    (void)snprintf(out, 65, "%032x%016llx%016llx", 0u, (unsigned long long)(n >> 64),
                   (unsigned long long)n);
}

void word_of_signed(int64_t n, char out[65])
{
    memset(out, n < 0 ? 'f' : '0', 48);
    (void)snprintf(out + 48, 17, "%016llx", (unsigned long long)n);
}

/* A decimal number of up to 256 bits to a word: schoolbook, in base 2^32. */
void word_of_decimal(const char *text, char out[65])
{
    uint32_t limb[8] = {0};
    for (; text && *text >= '0' && *text <= '9'; text++) {
        uint64_t carry = (uint64_t)(*text - '0');
        for (int i = 0; i < 8; i++) {
            carry += (uint64_t)limb[i] * 10;
            limb[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    for (int i = 0; i < 8; i++)
        (void)snprintf(out + 8 * i, 9, "%08x", limb[7 - i]);
}

unsigned __int128 word_low(const char *word)
{
    unsigned __int128 n = 0;
    for (int i = 32; i < WORD; i++) {
        char c = word[i];
        unsigned digit = c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 32u) - 'a' + 10u;
        n = n << 4 | (digit & 15u);
    }
    return n;
}

void word_copy(char out[65], const char *words, size_t index)
{
    memcpy(out, words + WORD * index, WORD);
    out[WORD] = '\0';
}
