/*
 * See kill.h.
 */
#include "risk/kill.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME = 96, HELD = 512, WORDS = 256 };

struct switches {
    pthread_mutex_t lock;
    char *dir;
    char (*held)[NAME]; /* on, though the file could not be written */
    size_t held_count;
};

int32_t switches_create(const char *dir, struct switches **out, struct fault *fault)
{
    struct switches *s = calloc(1, sizeof(*s));
    struct stat st;
    if (s) {
        s->dir = strdup(dir);
        s->held = calloc(HELD, sizeof(s->held[0]));
        (void)pthread_mutex_init(&s->lock, NULL);
    }
    if (!s || !s->dir || !s->held) {
        switches_destroy(s);
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", dir);
    }
    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        int32_t code = fault_set(fault, HAWSE_E_IO, "%s: can't be made a folder for switches: %s",
                                 dir, strerror(errno));
        fault_hint(fault, "make it, with mode 0700, for the user that runs hawse");
        switches_destroy(s);
        return code;
    }
    *out = s;
    return HAWSE_OK;
}

void switches_destroy(struct switches *s)
{
    if (!s)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    free(s->dir);
    free(s->held);
    free(s);
}

static void path_of(const struct switches *s, const char *name, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s/%s", s->dir, name);
}

/* The names in the folder are on the disk too when this returns. */
static int sync_dir(const struct switches *s)
{
    int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        (void)close(fd);
    return result;
}

static int write_file(const struct switches *s, const char *path, const char *words)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    size_t len = strlen(words);
    int result = write(fd, words, len) == (ssize_t)len && write(fd, "\n", 1) == 1 ? fsync(fd) : -1;
    int error = errno;
    (void)close(fd);
    errno = error;
    return result == 0 ? sync_dir(s) : result;
}

static size_t find(const struct switches *s, const char *name)
{
    size_t i = 0;
    while (i < s->held_count && strcmp(s->held[i], name) != 0)
        i++;
    return i;
}

int32_t switches_set(struct switches *s, const char *name, const char *words, struct fault *fault)
{
    char path[4096];
    path_of(s, name, path, sizeof(path));
    (void)pthread_mutex_lock(&s->lock);
    int result = write_file(s, path, words);
    int error = errno;
    size_t i = find(s, name);
    if (result != 0 && i == s->held_count && i < HELD)
        (void)snprintf(s->held[s->held_count++], NAME, "%s", name);
    (void)pthread_mutex_unlock(&s->lock);
    if (result == 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_IO, "%s: can't be written: %s", path, strerror(error));
    fault_hint(fault, "it is on, but would not be after a restart");
    return HAWSE_E_IO;
}

int32_t switches_clear(struct switches *s, const char *name, struct fault *fault)
{
    char path[4096];
    path_of(s, name, path, sizeof(path));
    (void)pthread_mutex_lock(&s->lock);
    int result = unlink(path);
    int error = errno;
    size_t i = find(s, name);
    bool was_held = i < s->held_count;
    if (was_held && (result == 0 || error == ENOENT))
        memmove(s->held[i], s->held[--s->held_count], NAME);
    if (result == 0)
        (void)sync_dir(s);
    (void)pthread_mutex_unlock(&s->lock);
    if (result == 0 || (error == ENOENT && was_held))
        return HAWSE_OK;
    if (error == ENOENT)
        return fault_set(fault, HAWSE_E_NOTFOUND, "%s: it is not on", path);
    return fault_set(fault, HAWSE_E_IO, "%s: can't be removed: %s", path, strerror(error));
}

/* The first line of the file, with what is not printable as '?'. */
static void read_words(const char *path, char *out, size_t cap)
{
    char text[WORDS] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    for (char *p = text; *p; p++)
        *p = *p >= ' ' && *p <= '~' ? *p : '?';
    (void)snprintf(out, cap, "%s", text[0] ? text : "somebody made this file");
}

bool switches_on(struct switches *s, const char *name, char *why, size_t cap)
{
    char path[4096], words[WORDS] = "";
    struct stat st;
    path_of(s, name, path, sizeof(path));
    bool there = lstat(path, &st) == 0;
    bool unsure = !there && errno != ENOENT;
    int error = errno;
    struct stat folder;
    if (!there && !unsure && stat(s->dir, &folder) != 0) {
        unsure = true;
        error = errno;
    }
    (void)pthread_mutex_lock(&s->lock);
    bool held = find(s, name) < s->held_count;
    (void)pthread_mutex_unlock(&s->lock);
    if (why && there)
        read_words(path, words, sizeof(words));
    if (why)
        (void)snprintf(why, cap, "%s: %s", path,
                       there    ? words
                       : unsure ? strerror(error)
                       : held   ? "on, though its file could not be written"
                                : "off");
    return there || held || unsure;
}
