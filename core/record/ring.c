/* Memory of the ring; see ring.h. */
#include "record/ring.h"

#include <hawse/types.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int32_t ring_init(struct ring *ring, uint64_t cap)
{
    memset(ring, 0, sizeof(*ring));
    int fd = memfd_create("hawse-record", MFD_CLOEXEC);
    if (fd < 0)
        return HAWSE_E_NOMEM;
    uint8_t *base = MAP_FAILED;
    if (ftruncate(fd, (off_t)cap) == 0)
        base = mmap(NULL, cap * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        (void)close(fd);
        return HAWSE_E_NOMEM;
    }
    /* all pages now: the lane must not wait for one */
    int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
    bool mapped = mmap(base, cap, prot, flags, fd, 0) != MAP_FAILED &&
                  mmap(base + cap, cap, prot, flags, fd, 0) != MAP_FAILED;
    (void)close(fd);
    if (!mapped) {
        (void)munmap(base, cap * 2);
        return HAWSE_E_NOMEM;
    }
    ring->base = base;
    ring->cap = cap;
    return HAWSE_OK;
}

void ring_finish(struct ring *ring)
{
    if (ring->base)
        (void)munmap(ring->base, ring->cap * 2);
    ring->base = NULL;
}
