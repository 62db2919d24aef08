/*
 * Preloaded by a trial: the host believes that it forbade core files, and a crash writes one all
 * the same, by the kernel's own hand. What the host keeps out of core files has to be missing.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int prctl(int option, ...);
EXPORTED int prctl(int option, ...)
{
    unsigned long a[4];
    va_list args;
    va_start(args, option);
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(args, unsigned long);
    va_end(args);
    int (*real)(int, ...) = (int (*)(int, ...))dlsym(RTLD_NEXT, "prctl");
    return option == PR_SET_DUMPABLE ? 0 : real(option, a[0], a[1], a[2], a[3]);
}

EXPORTED int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    int (*real)(__rlimit_resource_t, const struct rlimit *) =
        (int (*)(__rlimit_resource_t, const struct rlimit *))dlsym(RTLD_NEXT, "setrlimit");
    return resource == RLIMIT_CORE ? 0 : real(resource, limit);
}
