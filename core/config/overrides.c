/* --set PATH=VALUE; see internal.h. */
#include "config/internal.h"

#include <hawse/types.h>
#include <stdio.h>
#include <string.h>

int32_t override_apply(json_t *root, const char *assignment, char *path, size_t cap,
                       struct fault *fault)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment || (size_t)(equals - assignment) >= cap)
        return fault_set(fault, HAWSE_E_INVAL, "--set %s: expected PATH=VALUE", assignment);
    memcpy(path, assignment, (size_t)(equals - assignment));
    path[equals - assignment] = '\0';
    char copy[256];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    json_t *at = root;
    char *save = NULL, *word = strtok_r(copy, ".", &save), *next;
    for (int depth = 0; word; word = next, depth++) {
        next = strtok_r(NULL, ".", &save);
        if (!json_is_object(at))
            return fault_set(fault, HAWSE_E_INVAL,
                             "--set %s: %s is inside something that is no object", path, word);
        if (!next)
            break;
        json_t *inner = json_object_get(at, word);
        if (!inner && depth == 1 && strncmp(path, "instances.", 10) == 0)
            return fault_set(fault, HAWSE_E_NOTFOUND,
                             "--set %s: there is no instance \"%s\" in the file", path, word);
        if (!inner) {
            inner = json_object();
            if (json_object_set_new(at, word, inner) != 0)
                return fault_set(fault, HAWSE_E_NOMEM, "--set %s: no memory", path);
        } else if (json_is_string(inner)) { /* an endpoint in its short form */
            inner = json_pack("{s:O}", "url", inner);
            if (!inner || json_object_set_new(at, word, inner) != 0)
                return fault_set(fault, HAWSE_E_NOMEM, "--set %s: no memory", path);
        }
        at = inner;
    }
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!value)
        value = json_string(equals + 1);
    if (!word || !value)
        return fault_set(fault, HAWSE_E_INVAL, "--set %s: the value is not UTF-8", path);
    json_t *old = json_object_get(at, word);
    if (json_is_object(old) && json_is_string(value) && json_object_get(old, "url"))
        return json_object_set_new(old, "url", value) == 0 ? HAWSE_OK : HAWSE_E_NOMEM;
    return json_object_set_new(at, word, value) == 0 ? HAWSE_OK : HAWSE_E_NOMEM;
}
