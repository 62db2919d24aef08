/* References to secrets; see internal.h. Resolved values are wiped when the config is destroyed. */
#include "config/internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 << 10, VALUE_MAX = 128 << 10 };

void secret_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static int32_t read_file(const char *name, const char *dir, const char *where, char **out,
                         struct fault *fault)
{
    char path[4096];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : dir,
                   name[0] == '/' ? "" : "/", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "%s: cannot read the secret's file %s: %s", where,
                        path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return HAWSE_E_NOTFOUND;
    }
    int32_t code = HAWSE_OK;
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
        code = fault_set(fault, HAWSE_E_INVAL, "%s: %s is not a regular file of at most 64 KiB",
                         where, path);
    } else if ((st.st_mode & 077) != 0) {
        code = fault_set(fault, HAWSE_E_DENIED,
                         "%s: the secret's file %s can be read by others (mode %03o)", where, path,
                         (unsigned)(st.st_mode & 0777));
        fault_hint(fault, "chmod 600 %s", path);
    }
    char *text = code == HAWSE_OK ? calloc(1, (size_t)st.st_size + 1) : NULL;
    if (code == HAWSE_OK && (!text || read(fd, text, (size_t)st.st_size) != st.st_size))
        code = fault_set(fault, HAWSE_E_IO, "%s: cannot read %s", where, path);
    (void)close(fd);
    if (code != HAWSE_OK) {
        secret_free(text);
        return code;
    }
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        text[--len] = '\0';
    *out = text;
    return HAWSE_OK;
}

/* The variable named at "${NAME}"; *used is the length of the reference. */
static int32_t variable(const char *at, const char *where, const char **value, size_t *used,
                        struct fault *fault)
{
    char name[128];
    const char *end = strchr(at, '}');
    size_t len = end ? (size_t)(end - at - 2) : 0;
    if (!end || len == 0 || len >= sizeof(name))
        return fault_set(fault, HAWSE_E_FORMAT, "%s: \"${\" without a name and \"}\"", where);
    memcpy(name, at + 2, len);
    name[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return fault_set(fault, HAWSE_E_FORMAT, "%s: \"${%s}\" is not a variable's name", where,
                             name);
    }
    *value = getenv(name);
    *used = len + 3;
    if (*value)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "%s: environment variable %s is not set", where, name);
    fault_hint(fault, "export %s=..., or write the value through file:PATH", name);
    return HAWSE_E_NOTFOUND;
}

int32_t secret_resolve(const char *text, const char *dir, const char *where, char **out,
                       bool *secret, struct fault *fault)
{
    *secret = false;
    if (strncmp(text, "file:", 5) == 0) {
        *secret = true;
        return read_file(text + 5, dir, where, out, fault);
    }
    char *value = calloc(1, VALUE_MAX);
    if (!value)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    size_t len = 0;
    int32_t code = HAWSE_OK;
    while (*text && code == HAWSE_OK) {
        const char *piece = text;
        size_t used = 1, n = 1;
        if (strncmp(text, "$${", 3) == 0) { /* a dollar and a brace as they are */
            piece = text + 1;
            used = 3;
            n = 2;
        } else if (strncmp(text, "${", 2) == 0) {
            code = variable(text, where, &piece, &used, fault);
            n = code == HAWSE_OK ? strlen(piece) : 0;
            *secret = true;
        }
        if (code == HAWSE_OK && len + n + 1 > VALUE_MAX)
            code = fault_set(fault, HAWSE_E_LIMIT, "%s: longer than 128 KiB", where);
        if (code == HAWSE_OK)
            memcpy(value + len, piece, n);
        len += n;
        text += used;
    }
    *out = code == HAWSE_OK ? strdup(value) : NULL;
    explicit_bzero(value, VALUE_MAX);
    free(value);
    if (code == HAWSE_OK && !*out)
        code = fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    return code;
}

int32_t secret_refuse(const json_t *value, const char *where, struct fault *fault)
{
    const char *key;
    json_t *member;
    char path[256];
    int32_t code = HAWSE_OK;
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        if (strncmp(text, "file:", 5) != 0 && !strstr(text, "${"))
            return HAWSE_OK;
        (void)fault_set(
            fault, HAWSE_E_DENIED,
            "%s: references to secrets are not resolved here: settings reach the plugin", where);
        fault_hint(fault, "put secrets into endpoints, which stay with the host");
        return HAWSE_E_DENIED;
    }
    for (size_t i = 0; i < json_array_size(value) && code == HAWSE_OK; i++) {
        (void)snprintf(path, sizeof(path), "%.200s[%zu]", where, i);
        code = secret_refuse(json_array_get(value, i), path, fault);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        (void)snprintf(path, sizeof(path), "%.180s.%.64s", where, key);
        if (code == HAWSE_OK)
            code = secret_refuse(member, path, fault);
    }
    return code;
}
