/*
 * Two lists in the state folder, by digest: files that must not be used, and files that passed
 * their trial. JSON, mode 0600, replaced as a whole so that a crash leaves the old or the new list.
 */
#include "plugin/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUARANTINE "quarantine.json"
#define TRIED      "tried.json"

static json_t *read_list(const char *dir, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    json_t *list = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(list))
        return list;
    json_decref(list); /* absent, or damaged: begin anew */
    return json_object();
}

static int32_t write_list(const char *dir, const char *name, json_t *list, struct fault *fault)
{
    char path[4096], temporary[4096 + 8];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)snprintf(temporary, sizeof(temporary), "%s.new", path);
    char *text = json_dumps(list, JSON_INDENT(1) | JSON_SORT_KEYS);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = text && fd >= 0;
    size_t len = good ? strlen(text) : 0;
    good = good && write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0)
        (void)close(fd);
    free(text);
    if (good && rename(temporary, path) == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_IO, "cannot write %s: %s", path,
                     strerror(good ? errno : saved));
}

static int32_t add(const char *dir, const char *name, const char *digest, json_t *entry,
                   struct fault *fault)
{
    json_t *list = read_list(dir, name);
    int32_t code = HAWSE_E_NOMEM;
    if (list && entry && json_object_set_new(list, digest, entry) == 0)
        code = write_list(dir, name, list, fault);
    json_decref(list);
    return code == HAWSE_OK ? code : fault_set(fault, code, "no memory");
}

static json_int_t now(void)
{
    return (json_int_t)time(NULL);
}

int32_t quarantine_add(const char *dir, const char *digest, const char *path, const char *reason,
                       struct fault *fault)
{
    return add(dir, QUARANTINE, digest,
               json_pack("{s:s, s:s, s:I}", "path", path, "reason", reason, "utc", now()), fault);
}

int32_t quarantine_release(const char *dir, const char *digest, struct fault *fault)
{
    json_t *list = read_list(dir, QUARANTINE);
    const char *key, *found = NULL;
    json_t *value;
    json_object_foreach(list, key, value)
    {
        if (strncmp(key, digest, strlen(digest)) == 0 && strlen(digest) >= 8)
            found = key;
    }
    int32_t code;
    if (!found) {
        code = fault_set(fault, HAWSE_E_NOTFOUND, "no quarantined file has the digest %s", digest);
        fault_hint(fault, "give at least 8 digits of the SHA-256 in %s/" QUARANTINE, dir);
    } else {
        char copy[80];
        (void)snprintf(copy, sizeof(copy), "%s", found);
        (void)json_object_del(list, copy);
        code = write_list(dir, QUARANTINE, list, fault);
    }
    json_decref(list);
    return code;
}

int32_t quarantine_check(const char *dir, const char *digest, struct fault *fault)
{
    json_t *list = read_list(dir, QUARANTINE);
    const json_t *entry = json_object_get(list, digest);
    int32_t code = HAWSE_OK;
    if (entry) {
        const char *reason = json_string_value(json_object_get(entry, "reason"));
        code = fault_set(fault, HAWSE_E_DENIED, "is quarantined: %s", reason ? reason : "?");
        fault_hint(fault, "mend the plugin, or `hawse plugins release %.12s CONFIG`", digest);
    }
    json_decref(list);
    return code;
}

bool tried_before(const char *dir, const char *digest, const char *host_version)
{
    json_t *list = read_list(dir, TRIED);
    const char *by = json_string_value(json_object_get(list, digest));
    bool yes = by && strcmp(by, host_version) == 0;
    json_decref(list);
    return yes;
}

int32_t tried_add(const char *dir, const char *digest, const char *host_version,
                  struct fault *fault)
{
    return add(dir, TRIED, digest, json_string(host_version), fault);
}
