/*
 * `hawse plugins`: what plugin files there are, without running any of their code.
 */
#include "app/app.h"

#include "plugin/library.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static json_t *entry_json(const struct library_entry *e)
{
    if (!e->library)
        return json_pack("{s:s, s:b, s:s, s:s}", "path", e->path, "accepted", 0, "reason",
                         e->fault.message, "fix", e->fault.hint);
    const struct manifest *m = e->library->manifest;
    json_t *features = json_object();
    for (size_t i = 0; i < m->feature_count; i++)
        (void)json_object_set_new(features, m->features[i].name,
                                  json_string(config_maturity_name(m->features[i].maturity)));
    json_t *warnings = json_array();
    for (size_t i = 0; i < m->warning_count; i++)
        (void)json_array_append_new(warnings, json_string(m->warnings[i]));
    return json_pack("{s:s, s:b, s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:o}", "path", e->path,
                     "accepted", 1, "id", m->id, "version", m->version, "kind", m->kind, "maturity",
                     config_maturity_name(m->maturity), "sha256", e->library->digest, "description",
                     m->description, "features", features, "warnings", warnings);
}

static void print_entry(const struct library_entry *e)
{
    if (!e->library) {
        (void)printf("%-28s REFUSED    %s\n", e->path, e->fault.message);
        if (e->fault.hint[0])
            (void)printf("%-28s            fix: %s\n", "", e->fault.hint);
        return;
    }
    const struct manifest *m = e->library->manifest;
    (void)printf("%-28s %-10s %-9s %-12s %.12s  %s\n", m->id, m->version, m->kind,
                 config_maturity_name(m->maturity), e->library->digest,
                 m->description ? m->description : "");
    for (size_t i = 0; i < m->warning_count; i++)
        (void)printf("%-28s            warning: %s\n", "", m->warnings[i]);
}

static void no_files(char *const *folders, size_t count)
{
    (void)printf("no plugin files in");
    for (size_t i = 0; i < count; i++)
        (void)printf("%s %s", i ? "," : "", folders[i]);
    (void)printf("\n");
}

static int list(char *const *folders, size_t count, bool as_json)
{
    struct library_entry *entries = NULL;
    size_t n = 0;
    struct fault fault = {0};
    if (library_list(folders, count, &entries, &n, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int code = EXIT_GOOD;
    json_t *array = json_array();
    if (!as_json)
        (void)printf("%-28s %-10s %-9s %-12s %-12s  %s\n", "ID", "VERSION", "KIND", "MATURITY",
                     "SHA256", "DESCRIPTION");
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].library)
            code = EXIT_TROUBLE;
        if (as_json)
            (void)json_array_append_new(array, entry_json(&entries[i]));
        else
            print_entry(&entries[i]);
    }
    if (n == 0 && !as_json)
        no_files(folders, count);
    if (as_json) {
        char *text = json_dumps(array, JSON_INDENT(2));
        (void)printf("%s\n", text ? text : "[]");
        free(text);
    }
    json_decref(array);
    library_list_destroy(entries, n);
    return code;
}

static int release(const struct arguments *args)
{
    struct config *config = NULL;
    struct fault fault = {0};
    if (args->word_count < 3) {
        (void)fprintf(stderr, "hawse: plugins release needs DIGEST and CONFIG\n");
        return EXIT_USAGE;
    }
    if (config_load(args->words[2], args->sets, args->set_count, &config, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int32_t code = quarantine_release(config->state_dir, args->words[1], &fault);
    config_destroy(config);
    if (code != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    (void)printf("released %s\n", args->words[1]);
    return EXIT_GOOD;
}

int command_plugins(const struct arguments *args)
{
    if (args->word_count > 0 && strcmp(args->words[0], "release") == 0)
        return release(args);
    if (args->word_count == 0) {
        struct stat st;
        char *folder = strdup(args->path ? args->path : HAWSE_PLUGIN_DIR);
        if (folder && (stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))) {
            (void)fprintf(stderr, "hawse: plugins: there is no folder %s\n", folder);
            free(folder);
            return EXIT_USAGE;
        }
        int code = folder ? list(&folder, 1, args->json) : EXIT_TROUBLE;
        free(folder);
        return code;
    }
    struct config *config = NULL;
    struct fault fault = {0};
    if (config_load(args->words[0], args->sets, args->set_count, &config, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int code = list(config->plugin_path, config->plugin_path_count, args->json);
    config_destroy(config);
    return code;
}
