/*
 * Preloaded into the host: counts allocations and mutex locks of the whole process, and writes both
 * to the file named by COUNT_CALLS when the process ends. What a flood adds to them is what its
 * messages cost.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t m);
void *__libc_realloc(void *p, size_t n);

static _Atomic unsigned long allocations, locks;

void *malloc(size_t n)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(p, n);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*real)(pthread_mutex_t *);
    if (!real)
        *(void **)(void *)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    atomic_fetch_add_explicit(&locks, 1, memory_order_relaxed);
    return real(mutex);
}

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("COUNT_CALLS");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    fprintf(f, "%lu %lu\n", atomic_load(&allocations), atomic_load(&locks));
    fclose(f);
}
