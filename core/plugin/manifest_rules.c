/*
 * The forms of a manifest's ids, versions and ranges; see manifest_rules.h. Owns nothing.
 */
#include "plugin/manifest_rules.h"

#include "base/schema.h"

#include <ctype.h>
#include <hawse/hawse.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_DIGITS = 6 };

/* A decimal number of up to six digits without a leading zero; moves *at behind it. */
static bool take_number(const char **at, uint32_t *out)
{
    const char *p = *at;
    uint32_t n = 0;
    while (isdigit((unsigned char)*p) && p - *at < NUMBER_DIGITS)
        n = n * 10 + (uint32_t)(*p++ - '0');
    if (p == *at || (**at == '0' && p - *at > 1) || isdigit((unsigned char)*p))
        return false;
    *at = p;
    *out = n;
    return true;
}

bool manifest_version(const char *text, uint32_t *major, uint32_t *minor)
{
    if (!take_number(&text, major) || *text++ != '.')
        return false;
    return take_number(&text, minor) && *text == '\0';
}

/* Lower-case names with dots between; *dots tells how many. */
static bool dotted(const char *text, size_t len, size_t *dots)
{
    *dots = 0;
    for (size_t i = 0; i < len; i++) {
        bool dot = text[i] == '.';
        bool empty = dot && (i == 0 || i + 1 == len || text[i - 1] == '.');
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || isdigit((unsigned char)text[i]) ||
                      text[i] == '-' || text[i] == '_';
        if (empty || (!dot && !letter))
            return false;
        *dots += dot ? 1 : 0;
    }
    return len > 0;
}

/* NAME/MAJOR, such as "evm/1" or "hawse.stream/1". */
static bool numbered(const char *text, uint32_t *major)
{
    const char *slash = strchr(text, '/');
    size_t dots = 0;
    if (!slash || !dotted(text, (size_t)(slash - text), &dots))
        return false;
    const char *at = slash + 1;
    return take_number(&at, major) && *at == '\0' && *major > 0;
}

/* Part of a semantic version behind '-' or '+': names of letters, digits and '-', dots between. */
static bool take_labels(const char **at, const char *until)
{
    bool empty = true;
    while (**at && !strchr(until, **at)) {
        if (**at == '.' ? empty : !isalnum((unsigned char)**at) && **at != '-')
            return false;
        empty = **at == '.';
        (*at)++;
    }
    return !empty;
}

static bool semantic(const char *text)
{
    uint32_t n = 0;
    for (int i = 0; i < 3; i++) {
        if (!take_number(&text, &n) || (i < 2 && *text++ != '.'))
            return false;
    }
    if (*text == '-') {
        text++;
        if (!take_labels(&text, "+"))
            return false;
    }
    if (*text == '+') {
        text++;
        return take_labels(&text, "") && *text == '\0';
    }
    return *text == '\0';
}

/* ---- what the manifest says of itself ---- */

static int32_t check_names(const json_t *root, struct fault *fault)
{
    const char *id = json_string_value(json_object_get(root, "id"));
    const char *version = json_string_value(json_object_get(root, "version"));
    size_t dots = 0;
    if (!dotted(id, strlen(id), &dots) || dots == 0)
        return fault_set(fault, HAWSE_E_FORMAT,
                         "manifest.id: found \"%s\", expected reverse DNS in lower case, such as "
                         "org.example.weather",
                         id);
    if (!semantic(version))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "manifest.version: found \"%s\", expected a semantic version, such as "
                         "1.2.0",
                         version);
    return HAWSE_OK;
}

static int32_t check_abi(const json_t *root, struct fault *fault)
{
    const char *abi = json_string_value(json_object_get(root, "abi"));
    uint32_t major = 0, minor = 0;
    if (!manifest_version(abi, &major, &minor))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "manifest.abi: found \"%s\", expected MAJOR.MINOR, such as 1.0", abi);
    if (major == HAWSE_ABI_MAJOR)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                    "manifest.abi: the plugin speaks ABI %s, this host %u.%u", abi, HAWSE_ABI_MAJOR,
                    HAWSE_ABI_MINOR);
    fault_hint(fault, "build the plugin with an SDK of ABI %u", HAWSE_ABI_MAJOR);
    return HAWSE_E_UNSUPPORTED;
}

/* ---- requires and provides ---- */

/* "1", "1.x" or ">=1.0". */
static bool parse_range(const char *text, uint32_t *major, uint32_t *minor)
{
    *minor = 0;
    if (strncmp(text, ">=", 2) == 0)
        return manifest_version(text + 2, major, minor);
    return take_number(&text, major) && (*text == '\0' || strcmp(text, ".x") == 0);
}

static int32_t check_requirement(const char *id, const char *range, struct fault *fault)
{
    uint32_t named = 0, major = 0, minor = 0;
    if (!numbered(id, &named))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "manifest.requires: found \"%s\", expected NAME/MAJOR, such as "
                         "hawse.stream/1",
                         id);
    if (!parse_range(range, &major, &minor))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "manifest.requires.%s: found \"%s\", expected a range: \"1\", \"1.x\" or "
                         "\">=1.0\"",
                         id, range);
    if (major != named)
        return fault_set(fault, HAWSE_E_INVAL,
                         "manifest.requires.%s: found the range \"%s\", expected one of major %u",
                         id, range, named);
    /* The services of this host came with its ABI and carry its minor number. */
    if (strncmp(id, "hawse.", 6) != 0 || minor <= HAWSE_ABI_MINOR)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                    "manifest.requires.%s: found \"%s\", this host has %u.%u", id, range, major,
                    HAWSE_ABI_MINOR);
    fault_hint(fault, "a newer hawse may have it");
    return HAWSE_E_UNSUPPORTED;
}

static int32_t check_provision(const char *id, const char *version, struct fault *fault)
{
    uint32_t major = 0, minor = 0;
    size_t dots = 0;
    const char *at = version;
    if (!numbered(id, &major) && !dotted(id, strlen(id), &dots))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "manifest.provides: found \"%s\", expected the id of an interface, such "
                         "as org.example.quotes/1",
                         id);
    if (manifest_version(version, &major, &minor) || (take_number(&at, &major) && *at == '\0'))
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_FORMAT,
                     "manifest.provides.%s: found \"%s\", expected a version: \"1\" or \"1.0\"", id,
                     version);
}

static int32_t check_interfaces(json_t *root, struct fault *fault)
{
    const char *id;
    json_t *value;
    int32_t code = HAWSE_OK;
    json_object_foreach(json_object_get(root, "requires"), id, value)
    {
        if (code == HAWSE_OK)
            code = check_requirement(id, json_string_value(value), fault);
    }
    json_object_foreach(json_object_get(root, "provides"), id, value)
    {
        if (code == HAWSE_OK)
            code = check_provision(id, json_string_value(value), fault);
    }
    return code;
}

/* ---- lists ---- */

static int32_t check_spaces(const json_t *root, const char *key, struct fault *fault)
{
    const json_t *list = json_object_get(root, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *space = json_string_value(json_array_get(list, i));
        uint32_t major = 0;
        if (!numbered(space, &major))
            return fault_set(fault, HAWSE_E_FORMAT,
                             "manifest.%s[%zu]: found \"%s\", expected NAME/MAJOR, such as evm/1",
                             key, i, space);
    }
    return HAWSE_OK;
}

/* What the host alone tells: no plugin may say that an intent went well. */
static int32_t check_hosts_own(const json_t *root, struct fault *fault)
{
    const json_t *list = json_object_get(root, "produces");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *space = json_string_value(json_array_get(list, i));
        if (strcmp(space, "host/1") != 0 && strcmp(space, "intent/1") != 0)
            continue;
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "manifest.produces[%zu]: found \"%s\", which the host alone tells", i,
                        space);
        fault_hint(fault, "publish in a space of your own, such as org.example.outcomes/1");
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

static bool plain(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

/* Asking for what nobody has is no fault: a later host may have it. */
static int32_t check_capabilities(const json_t *root, json_t *warnings, struct fault *fault)
{
    static const char *const known[] = {"net",   "rpc",  "http",  "sign",    "intent",
                                        "spend", "call", "store", "outcomes"};
    const json_t *list = json_object_get(root, "capabilities");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *capability = json_string_value(json_array_get(list, i));
        char family[64];
        bool found = false;
        if (!plain(capability))
            return fault_set(fault, HAWSE_E_FORMAT,
                             "manifest.capabilities[%zu]: found \"%s\", expected ASCII without "
                             "spaces",
                             i, capability);
        (void)snprintf(family, sizeof(family), "%.*s", (int)strcspn(capability, ":"), capability);
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            found = found || strcmp(family, known[k]) == 0;
        const char *near = schema_nearest(family, known, sizeof(known) / sizeof(known[0]));
        if (found)
            continue;
        json_t *sentence =
            json_sprintf("manifest.capabilities[%zu]: this host knows no \"%s\"%s%s%s", i, family,
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        if (json_array_append_new(warnings, sentence) != 0)
            return fault_set(fault, HAWSE_E_NOMEM, "manifest: no memory");
    }
    return HAWSE_OK;
}

/* Names of features and streams stand in configurations and metrics. */
static int32_t check_keys(json_t *root, const char *key, struct fault *fault)
{
    const char *name;
    json_t *unused;
    json_object_foreach(json_object_get(root, key), name, unused)
    {
        size_t len = strlen(name), i = 0;
        while (i < len && (isalnum((unsigned char)name[i]) || strchr("_-.", name[i])))
            i++;
        if (len == 0 || len > 63 || i < len)
            return fault_set(fault, HAWSE_E_FORMAT,
                             "manifest.%s: found \"%.64s\", expected a name of 1 to 63 letters, "
                             "digits, '_', '-' or '.'",
                             key, name);
    }
    return HAWSE_OK;
}

int32_t manifest_check_rules(json_t *root, json_t *warnings, struct fault *fault)
{
    int32_t code = check_names(root, fault);
    if (code == HAWSE_OK)
        code = check_abi(root, fault);
    if (code == HAWSE_OK)
        code = check_interfaces(root, fault);
    if (code == HAWSE_OK)
        code = check_spaces(root, "produces", fault);
    if (code == HAWSE_OK)
        code = check_hosts_own(root, fault);
    if (code == HAWSE_OK)
        code = check_spaces(root, "consumes", fault);
    if (code == HAWSE_OK)
        code = check_keys(root, "features", fault);
    if (code == HAWSE_OK)
        code = check_keys(root, "streams", fault);
    return code == HAWSE_OK ? check_capabilities(root, warnings, fault) : code;
}
