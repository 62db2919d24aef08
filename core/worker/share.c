/* See share.h. */
#include "worker/share.h"

#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int32_t share_memory(const char *name, size_t bytes, int *fd, uint8_t **map)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0 || ftruncate(*fd, (off_t)bytes) != 0)
        return HAWSE_E_NOMEM;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (at == MAP_FAILED)
        return HAWSE_E_NOMEM;
    *map = at;
    return fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0 ? HAWSE_OK : HAWSE_E_NOMEM;
}

int share_read_only(int fd)
{
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}
