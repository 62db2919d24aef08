/* Runs of parts of one block of memory; see spool.h. */
#include "record/spool.h"

#include <hawse/types.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    HUGE_PAGE = 2 << 20,
    RUN_MAX = SPOOL_PARTS - 1 /* so that there is a part to go on in */
};

/* All pages now: the lane must not wait for one. Large ones where there are, which need a fraction
 * of the address translations. */
static void populate(uint8_t *base, uint64_t cap)
{
    (void)madvise(base, cap, MADV_HUGEPAGE);
    if (madvise(base, cap, MADV_POPULATE_WRITE) == 0)
        return;
    for (uint64_t i = 0; i < cap; i += 4096) /* before Linux 5.14 */
        ((volatile uint8_t *)base)[i] = 0;
}

int32_t spool_init(struct spool *spool, uint64_t cap)
{
    memset(spool, 0, sizeof(*spool));
    uint64_t align = cap < HUGE_PAGE ? (uint64_t)sysconf(_SC_PAGESIZE) : HUGE_PAGE;
    uint8_t *map =
        mmap(NULL, cap + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return HAWSE_E_NOMEM;
    uint64_t before = (align - (uintptr_t)map % align) % align;
    if (before > 0)
        (void)munmap(map, before);
    (void)munmap(map + before + cap, align - before);
    spool->base = map + before;
    spool->cap = cap;
    spool->part = (uint32_t)(cap / SPOOL_PARTS);
    populate(spool->base, cap);
    spool->at = spool->begun = spool->start = spool->base;
    spool->end = spool->base + spool->part;
    spool->runs[0].count = 1;
    spool->free = ~(uint64_t)1;
    return HAWSE_OK;
}

void spool_finish(struct spool *spool)
{
    if (spool->base)
        (void)munmap(spool->base, spool->cap);
    spool->base = NULL;
}

/* ---- producer ---- */

static uint64_t mask(uint32_t first, uint64_t count)
{
    return (count >= SPOOL_PARTS ? ~(uint64_t)0 : ((uint64_t)1 << count) - 1) << first;
}

/* The lowest `count` free parts in a row; false: there are none. */
static bool find(const struct spool *spool, uint64_t count, uint32_t *first)
{
    uint64_t bits = __atomic_load_n(&spool->free, __ATOMIC_ACQUIRE);
    for (uint64_t i = 1; i < count && bits != 0; i++)
        bits &= bits >> 1;
    if (bits == 0 || count > RUN_MAX)
        return false;
    *first = (uint32_t)__builtin_ctzll(bits);
    return true;
}

static void claim(struct spool *spool, uint32_t first, uint64_t count)
{
    (void)__atomic_fetch_and(&spool->free, ~mask(first, count), __ATOMIC_RELAXED);
}

/* Ends the open run where it is committed. */
static void open_run(struct spool *spool, uint32_t first, uint32_t count)
{
    claim(spool, first, count);
    spool->runs[spool->number % SPOOL_RUNS].used = (uint32_t)(spool->begun - spool->start);
    spool->number++;
    spool->runs[spool->number % SPOOL_RUNS] = (struct spool_run){.first = first, .count = count};
    spool->start = spool->base + (uint64_t)first * spool->part;
    spool->end = spool->start + (uint64_t)count * spool->part;
}

void spool_next(struct spool *spool)
{
    uint32_t first;
    spool->begun = spool->at;
    if (!find(spool, 1, &first))
        return; /* the rest of this one may still do */
    open_run(spool, first, 1);
    spool->at = spool->begun = spool->start;
}

/* The parts behind the open run, when they are free. Not when what is committed fills a part: a run
 * is given back as a whole once it is closed, and one that grew behind a slow consumer would end as
 * all there is, with nowhere to go on and so never closed. */
static bool extend(struct spool *spool, uint64_t parts)
{
    struct spool_run *run = &spool->runs[spool->number % SPOOL_RUNS];
    uint32_t behind = run->first + run->count;
    uint64_t bits = __atomic_load_n(&spool->free, __ATOMIC_ACQUIRE);
    if ((uint64_t)(spool->begun - spool->start) >= spool->part || run->count + parts > RUN_MAX ||
        behind + parts > SPOOL_PARTS || (bits & mask(behind, parts)) != mask(behind, parts))
        return false;
    claim(spool, behind, parts);
    run->count += (uint32_t)parts;
    spool->end += parts * spool->part;
    return true;
}

bool spool_grow(struct spool *spool, uint64_t len)
{
    uint64_t held = (uint64_t)(spool->at - spool->begun);
    uint32_t first;
    if (len > spool->cap || held + len > spool->cap)
        return false;
    uint64_t more = len - (uint64_t)(spool->end - spool->at);
    if (extend(spool, (more + spool->part - 1) / spool->part))
        return true;
    uint64_t parts = (held + len + spool->part - 1) / spool->part;
    if (!find(spool, parts, &first))
        return false;
    const uint8_t *from = spool->begun;
    open_run(spool, first, (uint32_t)parts);
    memcpy(spool->start, from, held);
    spool->begun = spool->start;
    spool->at = spool->start + held;
    return true;
}

/* ---- consumer ---- */

uint8_t *spool_front(struct spool *spool, uint64_t *bytes, bool *closed)
{
    for (;;) {
        uint64_t now = __atomic_load_n(&spool->committed, __ATOMIC_ACQUIRE);
        const struct spool_run *run = &spool->runs[spool->taken % SPOOL_RUNS];
        *closed = now >> 32 != (uint32_t)spool->taken;
        *bytes = (*closed ? run->used : (uint32_t)now) - spool->done;
        if (*bytes > 0 || !*closed)
            return spool->base + (uint64_t)run->first * spool->part + spool->done;
        spool_release(spool, 0);
    }
}

void spool_release(struct spool *spool, uint64_t bytes)
{
    const struct spool_run *run = &spool->runs[spool->taken % SPOOL_RUNS];
    uint64_t now = __atomic_load_n(&spool->committed, __ATOMIC_ACQUIRE);
    spool->done += bytes;
    if (now >> 32 == (uint32_t)spool->taken || spool->done < run->used)
        return;
    (void)__atomic_fetch_or(&spool->free, mask(run->first, run->count), __ATOMIC_RELEASE);
    spool->taken++;
    spool->done = 0;
}
