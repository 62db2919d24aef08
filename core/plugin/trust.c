/* See trust.h. */
#include "plugin/trust.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST "sha256:"

/* Does the file lie in this very folder? */
static bool lies_in(const char *path, const char *folder)
{
    char real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || !realpath(folder, real))
        return false;
    size_t n = (size_t)(slash - path);
    return strlen(real) == n && strncmp(real, path, n) == 0;
}

/* A program that runs where it was built has its plugins beside its own folder. */
static bool came_along(const char *path)
{
    char program[PATH_MAX], folder[PATH_MAX + 16];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n <= 0)
        return false;
    program[n] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    (void)snprintf(folder, sizeof(folder), "%s/../plugins", program);
    return lies_in(path, folder);
}

bool library_trusted(const struct library *library, char *const *trusted, size_t count)
{
    bool found = lies_in(library->path, HAWSE_PLUGIN_DIR) || came_along(library->path);
    for (size_t i = 0; i < count && !found; i++)
        found = strncmp(trusted[i], DIGEST, strlen(DIGEST)) == 0
                    ? strcmp(trusted[i] + strlen(DIGEST), library->digest) == 0
                    : lies_in(library->path, trusted[i]);
    return found;
}
