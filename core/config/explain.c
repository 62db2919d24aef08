/*
 * What a configuration comes down to, for `hawse config explain`; and whether two instances are
 * alike. Shows references, never what they resolve to.
 */
#include "config/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- equality ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_endpoint(const struct config_endpoint *a, const struct config_endpoint *b)
{
    if (!same_text(a->name, b->name) || !same_text(a->url, b->url) ||
        !same_text(a->proxy, b->proxy) || !same_text(a->ca_file, b->ca_file) ||
        a->header_count != b->header_count)
        return false;
    for (size_t i = 0; i < a->header_count; i++) {
        if (!same_text(a->headers[i].name, b->headers[i].name) ||
            !same_text(a->headers[i].value, b->headers[i].value))
            return false;
    }
    return a->deflate == b->deflate && a->validate_utf8 == b->validate_utf8 &&
           a->connect_timeout_ms == b->connect_timeout_ms &&
           a->request_timeout_ms == b->request_timeout_ms && a->ping_ms == b->ping_ms &&
           a->idle_ms == b->idle_ms && a->backoff_min_ms == b->backoff_min_ms &&
           a->backoff_max_ms == b->backoff_max_ms;
}

static bool same_lists(const struct config_instance *a, const struct config_instance *b)
{
    if (a->link_count != b->link_count || a->grant_count != b->grant_count ||
        a->feature_count != b->feature_count || a->endpoint_count != b->endpoint_count)
        return false;
    for (size_t i = 0; i < a->link_count; i++) {
        if (!same_text(a->links[i].name, b->links[i].name) ||
            !same_text(a->links[i].target, b->links[i].target))
            return false;
    }
    for (size_t i = 0; i < a->grant_count; i++) {
        if (!same_text(a->grants[i], b->grants[i]))
            return false;
    }
    for (size_t i = 0; i < a->feature_count; i++) {
        if (!same_text(a->features[i].name, b->features[i].name) ||
            a->features[i].enabled != b->features[i].enabled)
            return false;
    }
    for (size_t i = 0; i < a->endpoint_count; i++) {
        if (!same_endpoint(&a->endpoints[i], &b->endpoints[i]))
            return false;
    }
    return true;
}

/* Settings are compared as written: the running instance's have the manifest's defaults filled in,
 * so equal ones may look different, which costs a restart and never a wrong keep. */
bool config_instance_equal(const struct config_instance *a, const struct config_instance *b)
{
    return same_text(a->id, b->id) && same_text(a->plugin, b->plugin) && a->mode == b->mode &&
           a->allow == b->allow && same_text(a->lane, b->lane) && a->queue == b->queue &&
           a->patience_ms == b->patience_ms && a->budget.callback_us == b->budget.callback_us &&
           a->budget.hang_ms == b->budget.hang_ms && a->budget.on_overrun == b->budget.on_overrun &&
           a->budget.on_hang == b->budget.on_hang && same_text(a->settings, b->settings) &&
           same_lists(a, b);
}

/* ---- explain ---- */

struct explanation {
    const struct config *config;
    const char *prefix;
    FILE *out;
    json_t *json;
};

/* Where the value at this path comes from. */
static const char *origin(const struct config *c, const char *path)
{
    for (size_t i = 0; i < json_array_size(c->source->set); i++) {
        const char *set = json_string_value(json_array_get(c->source->set, i));
        size_t n = set ? strlen(set) : 0;
        if (n > 0 && strncmp(set, path, n) == 0 && (path[n] == '\0' || path[n] == '.'))
            return "--set";
    }
    const json_t *at = c->source->written;
    char copy[512];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    char *save = NULL;
    for (char *word = strtok_r(copy, ".", &save); word && at; word = strtok_r(NULL, ".", &save)) {
        if (json_is_string(at) && strcmp(word, "url") == 0)
            return "file";
        at = json_object_get(at, word);
    }
    return at ? "file" : "default";
}

/* A URL may hold a key in its path or query even when it is written out: show the host only. */
static char *shown(const char *path, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t n = strlen(path);
    bool url = n > 4 && strcmp(path + n - 4, ".url") == 0;
    bool header = strstr(path, ".headers.") != NULL;
    bool reference = text && (strstr(text, "${") || strncmp(text, "file:", 5) == 0);
    if (text && header && !reference)
        return strdup("\"***\"");
    if (text && url && !reference) {
        char *display = url_display(text, text);
        char *quoted = display ? malloc(strlen(display) + 3) : NULL;
        if (quoted)
            (void)snprintf(quoted, strlen(display) + 3, "\"%s\"", display);
        free(display);
        return quoted;
    }
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
}

static void explain(struct explanation *e, const char *path, const json_t *value)
{
    const char *key;
    json_t *member;
    char inner[512];
    bool leaf = !json_is_object(value) || json_object_size(value) == 0 ||
                (strlen(path) > 9 && strcmp(path + strlen(path) - 9, ".settings") == 0);
    if (!leaf) {
        json_object_foreach((json_t *)(uintptr_t)value, key, member)
        {
            (void)snprintf(inner, sizeof(inner), "%.400s%s%.100s", path, path[0] ? "." : "", key);
            explain(e, inner, member);
        }
        return;
    }
    if (e->prefix && strncmp(path, e->prefix, strlen(e->prefix)) != 0)
        return;
    char *text = shown(path, value);
    const char *from = origin(e->config, path);
    if (e->json)
        (void)json_array_append_new(e->json, json_pack("{s:s, s:s, s:s}", "path", path, "value",
                                                       text ? text : "", "from", from));
    else
        (void)fprintf(e->out, "%-8s %-52s %s\n", from, path, text ? text : "");
    free(text);
}

char *config_explain(const struct config *config, const char *prefix, bool as_json)
{
    char *text = NULL;
    size_t len = 0;
    struct explanation e = {.config = config, .prefix = prefix};
    if (as_json) {
        e.json = json_array();
        explain(&e, "", config->source->effective);
        text = json_dumps(e.json, JSON_INDENT(2));
        json_decref(e.json);
        return text;
    }
    e.out = open_memstream(&text, &len);
    if (!e.out)
        return NULL;
    explain(&e, "", config->source->effective);
    if (fclose(e.out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
