/*
 * Watches a plugin's calls of the C library; see hooks.h. The one place of this room with variables
 * of its own: malloc has no argument to carry them in. They live in the process of one case.
 */
#include "check/hooks.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SLOT_JUMP R_X86_64_JUMP_SLOT
#define SLOT_DATA R_X86_64_GLOB_DAT
#elif defined(__aarch64__)
#define SLOT_JUMP R_AARCH64_JUMP_SLOT
#define SLOT_DATA R_AARCH64_GLOB_DAT
#endif

static struct {
    struct hook_counts counts;
    uint64_t refuse;
} state;

void hooks_reset(uint64_t refuse)
{
    memset(&state, 0, sizeof(state));
    state.refuse = refuse;
}

struct hook_counts hooks_counts(void)
{
    return state.counts;
}

/* ---- memory ---- */

static bool refused(void)
{
    uint64_t number = __atomic_add_fetch(&state.counts.allocations, 1, __ATOMIC_RELAXED);
    if (number != state.refuse)
        return false;
    state.counts.refused++;
    errno = ENOMEM;
    return true;
}

static void *my_malloc(size_t size)
{
    return refused() ? NULL : malloc(size);
}

static void *my_calloc(size_t count, size_t size)
{
    return refused() ? NULL : calloc(count, size);
}

static void *my_realloc(void *block, size_t size)
{
    return refused() ? NULL : realloc(block, size);
}

static char *my_strdup(const char *text)
{
    return refused() ? NULL : strdup(text);
}

static void *my_aligned_alloc(size_t align, size_t size)
{
    return refused() ? NULL : aligned_alloc(align, size);
}

/* ---- the world around ---- */

static void touched(enum hook_family family, const char *name)
{
    if (__atomic_fetch_add(&state.counts.ambient[family], 1, __ATOMIC_RELAXED) == 0)
        state.counts.first[family] = name;
}

static time_t my_time(time_t *out)
{
    touched(HOOK_CLOCK, "time");
    return time(out);
}

static int my_clock_gettime(clockid_t clock, struct timespec *out)
{
    touched(HOOK_CLOCK, "clock_gettime");
    return clock_gettime(clock, out);
}

static int my_gettimeofday(struct timeval *out, void *zone)
{
    touched(HOOK_CLOCK, "gettimeofday");
    return gettimeofday(out, zone);
}

static clock_t my_clock(void)
{
    touched(HOOK_CLOCK, "clock");
    return clock();
}

static int my_rand(void)
{
    touched(HOOK_RANDOM, "rand");
    return 4;
}

static long my_random(void)
{
    touched(HOOK_RANDOM, "random");
    return 4;
}

static ssize_t my_getrandom(void *out, size_t len, unsigned flags)
{
    touched(HOOK_RANDOM, "getrandom");
    return getrandom(out, len, flags);
}

static int my_getentropy(void *out, size_t len)
{
    touched(HOOK_RANDOM, "getentropy");
    return getentropy(out, len);
}

static char *my_getenv(const char *name)
{
    touched(HOOK_ENVIRONMENT, "getenv");
    return getenv(name);
}

static int my_gethostname(char *out, size_t len)
{
    touched(HOOK_ENVIRONMENT, "gethostname");
    return gethostname(out, len);
}

static pid_t my_getpid(void)
{
    touched(HOOK_ENVIRONMENT, "getpid");
    return getpid();
}

static int my_open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    touched(HOOK_FILE, "open");
    return open(path, flags, mode);
}

static FILE *my_fopen(const char *path, const char *mode)
{
    touched(HOOK_FILE, "fopen");
    return fopen(path, mode);
}

/* ---- the import table ---- */

typedef void (*any_function)(void);

#define HOOK(name)                     \
    {                                  \
#name, (any_function)my_##name \
    }
static const struct {
    const char *name;
    any_function mine;
} hooks[] = {HOOK(malloc),        HOOK(calloc),
             HOOK(realloc),       HOOK(strdup),
             HOOK(aligned_alloc), HOOK(time),
             HOOK(clock_gettime), HOOK(gettimeofday),
             HOOK(clock),         HOOK(rand),
             HOOK(random),        HOOK(getrandom),
             HOOK(getentropy),    HOOK(getenv),
             HOOK(gethostname),   HOOK(getpid),
             HOOK(open),          {"open64", (any_function)my_open},
             HOOK(fopen),         {"fopen64", (any_function)my_fopen}};

static any_function hook_of(const char *name)
{
    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
        if (strcmp(name, hooks[i].name) == 0)
            return hooks[i].mine;
    }
    return NULL;
}

/* One entry of the table; it may be in a page that was made read-only after loading. */
static void patch(uint8_t *slot, any_function mine)
{
    uintptr_t page = (uintptr_t)slot & ~(uintptr_t)4095;
    if (mprotect((void *)page, 8192, PROT_READ | PROT_WRITE) == 0 ||
        mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0)
        memcpy(slot, &mine, sizeof(mine));
}

static void patch_all(const struct link_map *map, const Elf64_Rela *relocations, size_t size,
                      const Elf64_Sym *symbols, const char *names)
{
    for (size_t i = 0; relocations && i < size / sizeof(relocations[0]); i++) {
        const Elf64_Rela *r = &relocations[i];
        uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info);
        if (type != SLOT_JUMP && type != SLOT_DATA)
            continue;
        any_function mine = hook_of(names + symbols[ELF64_R_SYM(r->r_info)].st_name);
        if (mine)
            patch((uint8_t *)map->l_addr + r->r_offset, mine);
    }
}

bool hooks_install(void *dl)
{
    struct link_map *map = NULL;
    const Elf64_Rela *plt = NULL, *rela = NULL;
    size_t plt_size = 0, rela_size = 0;
    const Elf64_Sym *symbols = NULL;
    const char *names = NULL;
    hooks_reset(0);
    if (dlinfo(dl, RTLD_DI_LINKMAP, &map) != 0 || !map)
        return false;
    for (const Elf64_Dyn *d = map->l_ld; d->d_tag != DT_NULL; d++) {
        if (d->d_tag == DT_JMPREL)
            plt = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_PLTRELSZ)
            plt_size = d->d_un.d_val;
        else if (d->d_tag == DT_RELA)
            rela = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_RELASZ)
            rela_size = d->d_un.d_val;
        else if (d->d_tag == DT_SYMTAB)
            symbols = (const void *)d->d_un.d_ptr;
        else if (d->d_tag == DT_STRTAB)
            names = (const void *)d->d_un.d_ptr;
    }
    if (!symbols || !names)
        return false;
    patch_all(map, plt, plt_size, symbols, names);
    patch_all(map, rela, rela_size, symbols, names);
    return true;
}
