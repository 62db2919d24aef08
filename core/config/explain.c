/*
 * What a configuration comes down to, for `hawse config explain`. Shows the tree as loading left
 * it: secrets were masked there, so none can be shown here.
 */
#include "config/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One run over the tree; on the stack of config_explain. */
struct explanation {
    const struct config *config;
    const char *prefix; /* NULL or "" = everything */
    FILE *out;          /* a table, or */
    json_t *rows;       /* an array */
    bool failed;
};

static bool wanted(const struct explanation *e, const char *path)
{
    size_t n = e->prefix ? strlen(e->prefix) : 0;
    return n == 0 || (strncmp(path, e->prefix, n) == 0 &&
                      (path[n] == '\0' || path[n] == '.' || path[n] == '['));
}

/* Takes over `value`. */
static void row(struct explanation *e, const char *path, const char *from, json_t *value)
{
    if (e->rows) {
        json_t *row = json_pack("{s:s, s:O, s:s}", "path", path, "value", value, "from", from);
        e->failed = json_array_append_new(e->rows, row) != 0 || e->failed;
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS |
                                           JSON_REAL_PRECISION(15));
        e->failed = !text || fprintf(e->out, "%-11s %-56s %s\n", from, path, text) < 0 || e->failed;
        free(text);
    }
    json_decref(value);
}

static void leaf(struct explanation *e, const char *path, const json_t *value)
{
    const struct config_source *source = e->config->source;
    char from[32];
    if (config_is_set(source, path))
        (void)snprintf(from, sizeof(from), "--set");
    else if (json_object_get(source->lines, path))
        (void)snprintf(from, sizeof(from), "file:%u", config_line(source, path));
    else
        (void)snprintf(from, sizeof(from), "default");
    if (wanted(e, path))
        row(e, path, from, json_incref((json_t *)(uintptr_t)value));
}

/* The folders are searched in this order; not all of them stand in the file. */
static void folders(struct explanation *e)
{
    const struct config *c = e->config;
    char path[64];
    for (size_t i = 0; i < c->plugin_path_count; i++) {
        const char *from = json_string_value(json_array_get(c->source->folders, i));
        (void)snprintf(path, sizeof(path), "plugins.path[%zu]", i);
        if (wanted(e, path))
            row(e, path, from, json_string(c->plugin_path[i]));
    }
}

static void explain(struct explanation *e, const char *path, const json_t *value)
{
    const char *key;
    json_t *member;
    char inner[512];
    if (strcmp(path, "plugins.path") == 0) {
        folders(e);
        return;
    }
    if (!json_is_object(value) || json_object_size(value) == 0) {
        leaf(e, path, value);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        (void)snprintf(inner, sizeof(inner), "%.400s%s%.100s", path, path[0] ? "." : "", key);
        explain(e, inner, member);
    }
}

static char *explain_json(struct explanation *e)
{
    e->rows = json_array();
    if (!e->rows)
        return NULL;
    explain(e, "", e->config->source->effective);
    char *text = e->failed ? NULL : json_dumps(e->rows, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(e->rows);
    return text;
}

static char *explain_table(struct explanation *e)
{
    char *text = NULL;
    size_t len = 0;
    e->out = open_memstream(&text, &len);
    if (!e->out)
        return NULL;
    explain(e, "", e->config->source->effective);
    bool bad = ferror(e->out) != 0 || e->failed;
    if (fclose(e->out) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}

void config_note_feature(struct config *config, const char *instance, const char *name,
                         bool enabled)
{
    json_t *instances = json_object_get(config->source->effective, "instances");
    json_t *features = json_object_get(json_object_get(instances, instance), "features");
    if (!json_object_get(features, name)) /* without memory explain shows one line less */
        (void)json_object_set_new(features, name, json_boolean(enabled));
}

char *config_explain(const struct config *config, const char *json_path_prefix, bool as_json)
{
    struct explanation e = {.config = config, .prefix = json_path_prefix};
    return as_json ? explain_json(&e) : explain_table(&e);
}
