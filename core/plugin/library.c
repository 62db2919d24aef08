/* Plugin files; see library.h. */
#include "plugin/library.h"

#include "plugin/elf_file.h"
#include "plugin/internal.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANIFEST_MAX = 64 << 10 };
#define FILE_MAX_BYTES ((off_t)256 << 20)

/* ---- digest ---- */

static bool digest_of(const uint8_t *bytes, size_t len, char out[65])
{
    unsigned char hash[32];
    unsigned n = 0;
    if (EVP_Digest(bytes, len, hash, &n, EVP_sha256(), NULL) != 1 || n != 32)
        return false;
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
    return true;
}

/* ---- static judgement ---- */

int32_t plugin_check_entry(const struct elf_file *elf, struct fault *fault)
{
    const struct elf_export *entry = elf_find(elf, "hawse_plugin_v1");
    if (!entry || !entry->function) {
        const char *other = elf_find(elf, "hawse_plugin_v2")
                                ? "; it has hawse_plugin_v2: it needs a "
                                  "host of ABI 2, this one speaks 1"
                                : "";
        (void)fault_set(fault, HAWSE_E_FORMAT,
                        "expected an exported function hawse_plugin_v1, "
                        "found none%s",
                        other);
        fault_hint(fault, "mark it HAWSE_EXPORT and link with -shared");
        return HAWSE_E_FORMAT;
    }
    return HAWSE_OK;
}

int32_t plugin_check_exports(const struct elf_file *elf, struct fault *fault)
{
    if (elf->export_count <= 2) /* a missing manifest has its own message */
        return HAWSE_OK;
    const char *extra = "?";
    for (size_t i = 0; i < elf->export_count && i < ELF_EXPORTS; i++) {
        if (strcmp(elf->exports[i].name, "hawse_plugin_v1") != 0 &&
            strcmp(elf->exports[i].name, "hawse_manifest_v1") != 0)
            extra = elf->exports[i].name;
    }
    (void)fault_set(fault, HAWSE_E_FORMAT, "expected 2 exported symbols, found %zu, among them %s",
                    elf->export_count, extra);
    fault_hint(fault, "compile with -fvisibility=hidden and link with -Wl,--exclude-libs,ALL "
                      "(pkg-config --cflags --libs hawse-sdk says so); in C++ also with "
                      "-Wl,--version-script=DIR/hawse/plugin.map of the SDK's headers");
    return HAWSE_E_FORMAT;
}

int32_t plugin_check_stack(const struct elf_file *elf, struct fault *fault)
{
    if (elf->executable_stack) {
        (void)fault_set(fault, HAWSE_E_DENIED, "asks for an executable stack");
        fault_hint(fault, "link with -Wl,-z,noexecstack");
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

int32_t plugin_check_text(const struct elf_file *elf, struct fault *fault)
{
    if (elf->text_relocations) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "has text relocations: its code would be written to");
        fault_hint(fault, "compile everything with -fPIC");
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

int32_t plugin_check_rpath(const struct elf_file *elf, const char *path, struct fault *fault)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    if (elf->rpath && strncmp(elf->rpath, "$ORIGIN", 7) != 0 &&
        strncmp(elf->rpath, folder, strlen(folder)) != 0) {
        (void)fault_set(fault, HAWSE_E_DENIED, "has a library search path outside its folder: %s",
                        elf->rpath);
        fault_hint(fault, "link without -rpath");
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

int32_t plugin_manifest_text(const struct elf_file *elf, const char **text, size_t *len,
                             struct fault *fault)
{
    const struct elf_export *m = elf_find(elf, "hawse_manifest_v1");
    if (!m || m->function) {
        (void)fault_set(fault, HAWSE_E_FORMAT,
                        "expected an exported text hawse_manifest_v1, found "
                        "none");
        fault_hint(fault, "HAWSE_EXPORT const char hawse_manifest_v1[] = \"{...}\";");
        return HAWSE_E_FORMAT;
    }
    if (!m->data || m->size == 0 || m->size > MANIFEST_MAX)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "hawse_manifest_v1 has %llu bytes in the file, "
                         "expected 1 to %d",
                         (unsigned long long)(m->data ? m->size : 0), MANIFEST_MAX);
    const uint8_t *end = memchr(m->data, '\0', m->size);
    if (!end)
        return fault_set(fault, HAWSE_E_FORMAT, "hawse_manifest_v1 does not end with a NUL");
    *text = (const char *)m->data;
    *len = (size_t)(end - m->data);
    return HAWSE_OK;
}

static int32_t read_manifest(const struct elf_file *elf, struct manifest **out, struct fault *fault)
{
    const char *text;
    size_t len;
    int32_t code = plugin_manifest_text(elf, &text, &len, fault);
    return code == HAWSE_OK ? manifest_parse(text, len, out, fault) : code;
}

/* What this host can offer of what the manifest requires. */
int32_t plugin_check_requires(const struct manifest *m, struct fault *fault)
{
    if (m->fork && strcmp(m->fork, "hawse") != 0)
        return fault_set(fault, HAWSE_E_UNSUPPORTED,
                         "made for the fork \"%s\", this host is "
                         "\"hawse\"",
                         m->fork);
    for (size_t i = 0; i < m->service_count; i++) {
        if (!plugin_service_known(m->services[i])) {
            (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                            "requires %s, which this host does not have", m->services[i]);
            fault_hint(fault, "a newer hawse may have it");
            return HAWSE_E_UNSUPPORTED;
        }
    }
    return HAWSE_OK;
}

/* The static judgement of a file that is in memory; its fd stays -1. */
static int32_t library_inspect_bytes(const uint8_t *bytes, size_t len, const char *path,
                                     struct library **out, struct fault *fault)
{
    struct elf_file elf;
    struct library *lib = calloc(1, sizeof(*lib));
    if (!lib)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory");
    lib->fd = -1;
    int32_t code = elf_read(bytes, len, &elf, fault);
    if (code == HAWSE_OK)
        code = plugin_check_entry(&elf, fault);
    if (code == HAWSE_OK)
        code = plugin_check_exports(&elf, fault);
    if (code == HAWSE_OK)
        code = read_manifest(&elf, &lib->manifest, fault);
    if (code == HAWSE_OK)
        code = plugin_check_stack(&elf, fault);
    if (code == HAWSE_OK)
        code = plugin_check_text(&elf, fault);
    if (code == HAWSE_OK)
        code = plugin_check_rpath(&elf, path, fault);
    if (code == HAWSE_OK)
        code = plugin_check_requires(lib->manifest, fault);
    if (code == HAWSE_OK && (!(lib->path = strdup(path)) || !digest_of(bytes, len, lib->digest)))
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory");
    if (code != HAWSE_OK) {
        library_destroy(lib);
        return code;
    }
    *out = lib;
    return HAWSE_OK;
}

static int32_t check_file(int fd, const char *path, struct stat *st, struct fault *fault)
{
    if (fd < 0 || fstat(fd, st) != 0)
        return fault_set(fault, HAWSE_E_NOTFOUND, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(st->st_mode) || st->st_size == 0 || st->st_size > FILE_MAX_BYTES)
        return fault_set(fault, HAWSE_E_FORMAT, "%s: expected a regular file of 1 byte to 256 MiB",
                         path);
    if ((st->st_mode & S_IWOTH) != 0) {
        (void)fault_set(fault, HAWSE_E_DENIED, "%s: anybody may write to it (mode %03o)", path,
                        (unsigned)(st->st_mode & 0777));
        fault_hint(fault, "chmod o-w %s", path);
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

int32_t library_inspect(const char *path, struct library **out, struct fault *fault)
{
    struct stat st;
    char *full = realpath(path, NULL);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int32_t code = check_file(fd, path, &st, fault);
    void *map = MAP_FAILED;
    if (code == HAWSE_OK) {
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            code = fault_set(fault, HAWSE_E_IO, "cannot read %s: %s", path, strerror(errno));
    }
    if (code == HAWSE_OK) {
        code = library_inspect_bytes(map, (size_t)st.st_size, full ? full : path, out, fault);
        fault_prefix(fault, "%s", path);
    }
    if (map != MAP_FAILED)
        (void)munmap(map, (size_t)st.st_size);
    free(full);
    if (code != HAWSE_OK) {
        if (fd >= 0)
            (void)close(fd);
        return code;
    }
    (*out)->fd = fd; /* kept: what was judged is what will be loaded */
    (*out)->written = st.st_mtim;
    return HAWSE_OK;
}

bool library_unchanged(const struct library *lib)
{
    struct stat st;
    char digest[65] = "";
    if (fstat(lib->fd, &st) != 0)
        return false;
    if (st.st_mtim.tv_sec == lib->written.tv_sec && st.st_mtim.tv_nsec == lib->written.tv_nsec)
        return true;
    void *map = st.st_size > 0 && st.st_size <= FILE_MAX_BYTES
                    ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, lib->fd, 0)
                    : MAP_FAILED;
    if (map == MAP_FAILED)
        return false;
    bool same = digest_of(map, (size_t)st.st_size, digest) && strcmp(digest, lib->digest) == 0;
    (void)munmap(map, (size_t)st.st_size);
    return same;
}

void library_destroy(struct library *lib)
{
    if (!lib)
        return;
    if (lib->fd >= 0)
        (void)close(lib->fd);
    manifest_destroy(lib->manifest);
    free(lib->path);
    free(lib);
}

/* ---- loading ---- */

int32_t library_check_table(const hawse_plugin_t *table, const char *id, hawse_plugin_t *copy,
                            struct fault *fault)
{
    if (!table)
        return fault_set(fault, HAWSE_E_FORMAT, "hawse_plugin_v1 returned NULL");
    uint32_t least = (uint32_t)(offsetof(hawse_plugin_t, query) + sizeof(table->query));
    if (table->size < least)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "its table has %u bytes, ABI 1.0 has %u: was size "
                         "set to sizeof(hawse_plugin_t)?",
                         table->size, least);
    memset(copy, 0, sizeof(*copy));
    memcpy(copy, table, table->size < sizeof(*copy) ? table->size : sizeof(*copy));
    const char *missing = !copy->create      ? "create"
                          : !copy->start     ? "start"
                          : !copy->on_events ? "on_events"
                          : !copy->stop      ? "stop"
                          : !copy->destroy   ? "destroy"
                                             : NULL;
    if (missing)
        return fault_set(fault, HAWSE_E_FORMAT, "its table has no %s function", missing);
    if (!copy->id || strcmp(copy->id, id) != 0)
        return fault_set(fault, HAWSE_E_FORMAT, "its table says id \"%s\", its manifest \"%s\"",
                         copy->id ? copy->id : "(none)", id);
    return HAWSE_OK;
}

int32_t library_load(struct library *lib, const hawse_host_t *host, struct fault *fault)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", lib->fd);
    lib->dl = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!lib->dl) {
        (void)fault_set(fault, HAWSE_E_IO, "%s: cannot be loaded: %s", lib->path, dlerror());
        fault_hint(fault,
                   "it needs a library that is not installed, or a symbol nobody has: see ldd");
        return HAWSE_E_IO;
    }
    const hawse_plugin_t *(*entry)(const hawse_host_t *) = NULL;
    *(void **)(void *)&entry = dlsym(lib->dl, "hawse_plugin_v1");
    hawse_plugin_t *copy = calloc(1, sizeof(*copy));
    if (!entry || !copy) {
        free(copy);
        return fault_set(fault, HAWSE_E_IO, "%s: hawse_plugin_v1 could not be found", lib->path);
    }
    int32_t code = library_check_table(entry(host), lib->manifest->id, copy, fault);
    if (code != HAWSE_OK) {
        fault_prefix(fault, "%s", lib->path);
        free(copy);
        return code;
    }
    lib->table = copy;
    return HAWSE_OK;
}

/* ---- finding ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of the *.so files of one folder, sorted; the folder may be absent. */
static char **list_folder(const char *folder, size_t *count)
{
    DIR *dir = opendir(folder);
    char **list = NULL;
    struct dirent *entry;
    *count = 0;
    while (dir && (entry = readdir(dir)) != NULL) {
        size_t n = strlen(entry->d_name);
        char path[PATH_MAX];
        if (n < 4 || strcmp(entry->d_name + n - 3, ".so") != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        char **bigger = realloc(list, (*count + 1) * sizeof(list[0]));
        char *copy = strdup(path);
        if (!bigger || !copy) {
            free(copy);
            list = bigger ? bigger : list;
            break;
        }
        list = bigger;
        list[(*count)++] = copy;
    }
    if (dir)
        (void)closedir(dir);
    if (list)
        qsort(list, *count, sizeof(list[0]), by_name);
    return list;
}

int32_t library_list(char *const *folders, size_t folder_count, struct library_entry **out,
                     size_t *count, struct fault *fault)
{
    struct library_entry *entries = NULL;
    *count = 0;
    for (size_t f = 0; f < folder_count; f++) {
        size_t n = 0;
        char **files = list_folder(folders[f], &n);
        struct library_entry *bigger = realloc(entries, (*count + n + 1) * sizeof(entries[0]));
        for (size_t i = 0; i < n && bigger; i++) {
            struct library_entry *e = &bigger[(*count)++];
            memset(e, 0, sizeof(*e));
            e->path = files[i];
            (void)library_inspect(files[i], &e->library, &e->fault);
        }
        free(files);
        if (!bigger)
            return fault_set(fault, HAWSE_E_NOMEM, "no memory for the list of plugins");
        entries = bigger;
    }
    *out = entries;
    return HAWSE_OK;
}

void library_list_destroy(struct library_entry *entries, size_t count)
{
    for (size_t i = 0; entries && i < count; i++) {
        library_destroy(entries[i].library);
        free(entries[i].path);
    }
    free(entries);
}

/* The one file of this folder whose manifest has the id. *tried counts the files looked at. */
static int32_t find_in_folder(const char *id, char *const *folder, struct library **out,
                              size_t *tried, struct fault *fault)
{
    struct library_entry *entries = NULL;
    size_t n = 0;
    struct library_entry *hit = NULL;
    int32_t code = library_list(folder, 1, &entries, &n, fault);
    for (size_t i = 0; i < n && code == HAWSE_OK; i++) {
        if (!entries[i].library || strcmp(entries[i].library->manifest->id, id) != 0)
            continue;
        if (hit) {
            (void)fault_set(fault, HAWSE_E_EXISTS, "two files have the id %s: %s and %s", id,
                            hit->path, entries[i].path);
            fault_hint(fault, "remove one of them, or name the file by its path");
            code = HAWSE_E_EXISTS;
        } else {
            hit = &entries[i];
        }
    }
    if (code == HAWSE_OK && hit) {
        *out = hit->library;
        hit->library = NULL;
    }
    *tried += n;
    library_list_destroy(entries, n);
    return code;
}

int32_t library_find(const char *plugin, char *const *folders, size_t folder_count,
                     struct library **out, struct fault *fault)
{
    if (strchr(plugin, '/'))
        return library_inspect(plugin, out, fault);
    size_t tried = 0;
    char places[512] = "";
    *out = NULL;
    for (size_t i = 0; i < folder_count; i++) {
        int32_t code = find_in_folder(plugin, &folders[i], out, &tried, fault);
        if (code != HAWSE_OK || *out)
            return code;
        size_t at = strlen(places);
        (void)snprintf(places + at, sizeof(places) - at, "%s%s", i ? ", " : "", folders[i]);
    }
    (void)fault_set(fault, HAWSE_E_NOTFOUND,
                    "no plugin file has the id %s; looked at %zu files in %s", plugin, tried,
                    places);
    fault_hint(fault, "`hawse plugins CONFIG` lists what is there and why files are refused");
    return HAWSE_E_NOTFOUND;
}
