/* The arena behind received.h: blocks of whole pages, first fit. Buffers grow and go rarely; what
 * is on the hot path is only read here. */
#include "worker/received.h"

#include "worker/share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, FIRST_BLOCKS = 16 };

struct received_block {
    size_t at, len; /* whole pages */
};

int32_t received_open(struct received *r, struct fault *fault)
{
    *r = (struct received){.fd = -1, .read_fd = -1};
    if (share_memory("hawse-received", RECEIVED_BYTES, &r->fd, &r->base) == HAWSE_OK)
        r->read_fd = share_read_only(r->fd);
    if (r->read_fd >= 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_NOMEM, "no shared memory for what a worker receives: %s",
                    strerror(errno));
    received_close(r);
    return HAWSE_E_NOMEM;
}

void received_close(struct received *r)
{
    if (r->base)
        (void)munmap(r->base, RECEIVED_BYTES);
    if (r->fd >= 0)
        (void)close(r->fd);
    if (r->read_fd >= 0)
        (void)close(r->read_fd);
    free(r->blocks);
    *r = (struct received){.fd = -1, .read_fd = -1};
}

static bool is_here(const struct received *r, const void *data)
{
    return data && (uintptr_t)data - (uintptr_t)r->base < RECEIVED_BYTES;
}

static uint32_t index_of(const struct received *r, const void *data)
{
    uint32_t i = 0;
    while (i < r->count && r->base + r->blocks[i].at != data)
        i++;
    return i;
}

static bool make_room(struct received *r)
{
    uint32_t cap = r->cap ? r->cap * 2 : FIRST_BLOCKS;
    if (r->count < r->cap)
        return true;
    struct received_block *blocks = realloc(r->blocks, cap * sizeof(blocks[0]));
    if (!blocks)
        return false;
    r->blocks = blocks;
    r->cap = cap;
    return true;
}

/* NULL: there is no gap so large. */
static uint8_t *take(struct received *r, size_t len)
{
    size_t at = 0;
    uint32_t i = 0;
    if (len > RECEIVED_BYTES || !make_room(r))
        return NULL;
    while (i < r->count && r->blocks[i].at - at < len) {
        at = r->blocks[i].at + r->blocks[i].len;
        i++;
    }
    if (i == r->count && RECEIVED_BYTES - at < len)
        return NULL;
    memmove(&r->blocks[i + 1], &r->blocks[i], (r->count - i) * sizeof(r->blocks[0]));
    r->blocks[i] = (struct received_block){.at = at, .len = len};
    r->count++;
    return r->base + at;
}

/* Pages that nobody may read any more hold zeroes, and cost nothing. */
static void give_back(const struct received *r, size_t at, size_t len)
{
    if (fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len) != 0)
        explicit_bzero(r->base + at, len);
}

static void drop(struct received *r, void *old)
{
    if (!is_here(r, old)) {
        free(old);
        return;
    }
    uint32_t i = index_of(r, old);
    if (i == r->count)
        return;
    give_back(r, r->blocks[i].at, r->blocks[i].len);
    r->count--;
    memmove(&r->blocks[i], &r->blocks[i + 1], (r->count - i) * sizeof(r->blocks[0]));
}

/* Where it is, when that is larger than wanted, or nothing stands behind it. */
static bool resize_in_place(struct received *r, const void *old, size_t len)
{
    uint32_t i = index_of(r, old);
    if (i == r->count)
        return false;
    struct received_block *b = &r->blocks[i];
    size_t end = i + 1 < r->count ? r->blocks[i + 1].at : RECEIVED_BYTES;
    if (len > end - b->at)
        return false;
    if (len < b->len)
        give_back(r, b->at + len, b->len - len);
    b->len = len;
    return true;
}

void *received_resize(void *ctx, void *old, size_t held, size_t want)
{
    struct received *r = ctx;
    size_t len = (want + PAGE - 1) / PAGE * PAGE;
    if (want == 0) {
        drop(r, old);
        return NULL;
    }
    if (is_here(r, old) && resize_in_place(r, old, len))
        return old;
    void *new = take(r, len);
    if (!new)
        new = malloc(want); /* copied to the worker, event by event */
    if (!new)
        return NULL;
    if (old)
        memcpy(new, old, held < want ? held : want);
    drop(r, old);
    return new;
}
