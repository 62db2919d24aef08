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
