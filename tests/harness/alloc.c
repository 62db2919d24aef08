/*
 * Counts and, on request, fails the allocations of the program it is linked into, by standing in
 * front of the C library's allocator. Left out under sanitizers, which stand there themselves.
 */
#include "harness.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#if !TEST_SANITIZED
/* Visible, or the libraries that the program uses would keep calling the C library's own. */
#define VISIBLE __attribute__((visibility("default")))

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t m);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static _Atomic uint64_t count, fail_at;
static _Atomic int64_t live;

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

static bool fails(void)
{
    uint64_t now = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;
    uint64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (at == 0 || now < at)
        return false;
    atomic_store_explicit(&fail_at, 0, memory_order_relaxed);
    errno = ENOMEM;
    return true;
}

VISIBLE void *malloc(size_t n)
{
    return fails() ? NULL : counted(__libc_malloc(n));
}

VISIBLE void *calloc(size_t n, size_t m)
{
    return fails() ? NULL : counted(__libc_calloc(n, m));
}

VISIBLE void *realloc(void *p, size_t n)
{
    if (fails())
        return NULL;
    void *moved = __libc_realloc(p, n);
    if (!p)
        (void)counted(moved);
    else if (!moved && n == 0) /* freed */
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    return moved;
}

VISIBLE void free(void *p)
{
    if (p)
        atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    __libc_free(p);
}

bool test_alloc_hooks(void)
{
    return true;
}

uint64_t test_alloc_count(void)
{
    return atomic_load(&count);
}

int64_t test_alloc_live(void)
{
    return atomic_load(&live);
}

void test_alloc_fail_after(uint64_t n)
{
    atomic_store(&fail_at, n ? atomic_load(&count) + n : 0);
}
#else
bool test_alloc_hooks(void)
{
    return false;
}

uint64_t test_alloc_count(void)
{
    return 0;
}

int64_t test_alloc_live(void)
{
    return 0;
}

void test_alloc_fail_after(uint64_t n)
{
    (void)n;
}
#endif
