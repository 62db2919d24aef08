/* Locked and wiped memory, from libsodium; see secret.h. Owns nothing. */
#include "base/secret.h"

#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

char *secret_new(size_t size)
{
    char *text = sodium_init() < 0 ? NULL : sodium_malloc(size);
    if (text)
        memset(text, 0, size);
    return text;
}

char *secret_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = secret_new(size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void secret_free(char *text)
{
    sodium_free(text);
}

bool secret_locked(const char *text)
{
    return mlock(text, strlen(text) + 1) == 0; /* libsodium tried too, without saying how it went */
}

__attribute__((noinline)) void secret_wipe_stack(void)
{
    char used[8 << 10];
    explicit_bzero(used, sizeof(used));
}

/* ---- wiping what others free ---- */

void wiping_free(void *block)
{
    if (block)
        explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

void *wiping_malloc(size_t size)
{
    return malloc(size);
}

void *wiping_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void *wiping_realloc(void *block, size_t size)
{
    size_t old = block ? malloc_usable_size(block) : 0;
    if (block && old >= size && old - size < old / 2)
        return block; /* it fits, and hardly too well */
    void *bigger = malloc(size);
    if (bigger && block)
        memcpy(bigger, block, old < size ? old : size);
    if (bigger)
        wiping_free(block);
    return bigger;
}

char *wiping_strdup(const char *text)
{
    return strdup(text);
}
