/*
 * The allocator of secret_heap.h: free lists by size class over chunks that are mapped once. Owns
 * the process's only list of chunks, as the library that calls it has no argument for one.
 */
#include "base/secret_heap.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK = 128 << 10, CLASSES = 24, LARGE = CLASSES, LEAST = 32 };

/* Before each block. */
struct head {
    alignas(max_align_t) size_t size; /* that was asked for: what has to be wiped */
    uint32_t class;                   /* LARGE: mapped by itself */
};

/* In a block that is free, behind its head. */
struct link {
    struct head *next;
};

static struct {
    pthread_mutex_t lock;
    struct head *free[CLASSES];
    uint8_t *at, *end; /* of the chunk that is in use */
    size_t locked, living;
} heap = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* 32, 48, 64, 96, 128, ... bytes, the head included; the last is 96 KiB. */
static size_t room_of(uint32_t class)
{
    size_t power = (size_t)LEAST << (class / 2);
    return class % 2 ? power + power / 2 : power;
}

static uint32_t class_of(size_t room)
{
    uint32_t class = 0;
    while (class < CLASSES && room_of(class) < room)
        class ++;
    return class;
}

static struct link *link_of(struct head *h)
{
    return (struct link *)(void *)(h + 1);
}

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, size, MADV_DONTDUMP);
    return p;
}

/* [lock held] What is left of the old chunk is too small for what is asked, and stays unused. */
static bool new_chunk(void)
{
    uint8_t *chunk = map(CHUNK);
    if (!chunk)
        return false;
    if (heap.locked + CHUNK <= SECRET_HEAP_LOCK && mlock(chunk, CHUNK) == 0)
        heap.locked += CHUNK;
    heap.at = chunk;
    heap.end = chunk + CHUNK;
    return true;
}

/* [lock held] */
static struct head *take(uint32_t class)
{
    size_t room = room_of(class);
    struct head *h = heap.free[class];
    if (h) {
        heap.free[class] = link_of(h)->next;
        link_of(h)->next = NULL;
        return h;
    }
    if ((size_t)(heap.end - heap.at) < room && !new_chunk())
        return NULL;
    h = (struct head *)(void *)heap.at;
    heap.at += room;
    return h;
}

/* All zero, as freed blocks are wiped and fresh ones never were anything else. */
void *secret_heap_calloc(size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    uint32_t class = class_of(bytes + sizeof(struct head));
    struct head *h = class == LARGE ? map(bytes + sizeof(*h)) : NULL;
    (void)pthread_mutex_lock(&heap.lock);
    h = class == LARGE ? h : take(class);
    heap.living += h != NULL;
    (void)pthread_mutex_unlock(&heap.lock);
    if (!h)
        return NULL;
    h->size = bytes;
    h->class = class;
    return h + 1;
}

void *secret_heap_malloc(size_t size)
{
    return secret_heap_calloc(1, size);
}

void secret_heap_free(void *block)
{
    if (!block)
        return;
    struct head *h = (struct head *)block - 1;
    uint32_t class = h->class;
    explicit_bzero(block, h->size);
    if (class == LARGE)
        (void)munmap(h, h->size + sizeof(*h));
    (void)pthread_mutex_lock(&heap.lock);
    heap.living--;
    if (class != LARGE) {
        link_of(h)->next = heap.free[class];
        heap.free[class] = h;
    }
    (void)pthread_mutex_unlock(&heap.lock);
}

void *secret_heap_realloc(void *block, size_t size)
{
    struct head *h = block ? (struct head *)block - 1 : NULL;
    size_t old = h ? h->size : 0;
    if (h && h->class != LARGE && size > old / 2 && size + sizeof(*h) <= room_of(h->class)) {
        if (size < old)
            explicit_bzero((uint8_t *)block + size, old - size);
        h->size = size;
        return block;
    }
    void *other = secret_heap_calloc(1, size);
    if (other && block) {
        memcpy(other, block, old < size ? old : size);
        secret_heap_free(block);
    }
    return other;
}

char *secret_heap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = secret_heap_calloc(1, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

size_t secret_heap_living(void)
{
    (void)pthread_mutex_lock(&heap.lock);
    size_t living = heap.living;
    (void)pthread_mutex_unlock(&heap.lock);
    return living;
}
