/* Locked and wiped memory, from libsodium; see secret.h. Owns nothing. */
#include "base/secret.h"

#include <malloc.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
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

/* Of what the kernel gave the process: it lies between these two (execve(2), getauxval(3)). */
static bool is_given(const char *value)
{
    return (uintptr_t)value > getauxval(AT_RANDOM) && (uintptr_t)value < getauxval(AT_EXECFN);
}

const char *secret_env(const char *name)
{
    char *value = getenv(name);
    if (!value || !*value || !is_given(value))
        return value;
    size_t name_len = strlen(name), len = strlen(value);
    char *moved = secret_new(name_len + len + 2);
    if (!moved)
        return value;
    memcpy(moved, name, name_len);
    moved[name_len] = '=';
    memcpy(moved + name_len + 1, value, len);
    if (putenv(moved) != 0) { /* it is the environment's from now on */
        secret_free(moved);
        return value;
    }
    explicit_bzero(value, len);
    return moved + name_len + 1;
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
