/* Memory of an arena; see arena.h. */
#include "bus/arena.h"

#include <hawse/types.h>
#include <string.h>
#include <sys/mman.h>

int32_t arena_init(struct arena *arena, uint64_t cap)
{
    memset(arena, 0, sizeof(*arena));
    /* mapped, not malloc'd: pages that are never reached never cost memory */
    void *base = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return HAWSE_E_NOMEM;
    arena->base = base;
    arena->cap = cap;
    return HAWSE_OK;
}

void arena_finish(struct arena *arena)
{
    if (arena->base)
        (void)munmap(arena->base, arena->cap);
    memset(arena, 0, sizeof(*arena));
}
