/*
 * `hawse config check|explain|schema`.
 */
#include "app/app.h"
#include "app/unlock.h"

#include "base/schema.h"
#include "host/prepare.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a check found: told on standard error, or collected for --json. */
struct verdict {
    json_t *faults, *warnings; /* NULL: not collected */
    size_t fault_count;
};

static void tell_fault(struct verdict *v, const struct fault *fault)
{
    v->fault_count++;
    if (v->faults)
        (void)json_array_append_new(
            v->faults, json_pack("{s:s, s:s}", "error", fault->message, "fix", fault->hint));
    else
        (void)app_fail(EXIT_TROUBLE, fault);
}

static void tell_warning(struct verdict *v, const char *text)
{
    if (v->warnings)
        (void)json_array_append_new(v->warnings, json_string(text));
    else
        (void)fprintf(stderr, "hawse: warning: %s\n", text);
}

/* What can be decided without running any plugin code: files, manifests, grants, settings. */
static void check_plugins(struct verdict *v, const struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct config_instance *instance = &config->instances[i];
        char text[1024];
        struct prepared p;
        if (!instance->enabled)
            continue;
        if (prepare_look(config, instance, &p) != HAWSE_OK) {
            fault_prefix(&p.fault, "instance \"%s\"", instance->id);
            tell_fault(v, &p.fault);
        }
        for (size_t w = 0; p.library && w < p.library->manifest->warning_count; w++) {
            (void)snprintf(text, sizeof(text), "instance \"%s\": %s: %s", instance->id,
                           p.library->path, p.library->manifest->warnings[w]);
            tell_warning(v, text);
        }
        prepare_forget(&p);
    }
}

/* What can be decided without a passphrase: are the key files there, whole, and for us alone? */
static void check_keys(struct verdict *v, const struct config *config)
{
    for (size_t i = 0; i < config->keys.use_count; i++) {
        struct fault fault = {0};
        struct signer_key key;
        if (unlock_look(config, &config->keys.use[i], &key, &fault) != HAWSE_OK)
            tell_fault(v, &fault);
    }
}

static int load(const struct arguments *args, struct config **config, struct verdict *v)
{
    struct fault fault = {0};
    if (args->word_count < 2) {
        (void)fprintf(stderr, "hawse: config %s needs a configuration file\n", args->words[0]);
        return EXIT_USAGE;
    }
    if (config_load(args->words[1], args->sets, args->set_count, config, &fault) == HAWSE_OK)
        return EXIT_GOOD;
    tell_fault(v, &fault);
    return EXIT_USAGE;
}

/* Takes over what was collected. */
static void print_verdict(const struct arguments *args, const struct verdict *v,
                          const struct config *config)
{
    json_t *root = json_pack("{s:s, s:b, s:I, s:o, s:o}", "path",
                             config ? config->path : args->words[1], "good", v->fault_count == 0,
                             "instances", (json_int_t)(config ? config->instance_count : 0),
                             "errors", v->faults, "warnings", v->warnings);
    char *text = json_dumps(root, JSON_INDENT(2));
    (void)printf("%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
}

static int check(const struct arguments *args)
{
    struct config *config = NULL;
    struct verdict v = {0};
    if (args->json) {
        v.faults = json_array();
        v.warnings = json_array();
    }
    int code = load(args, &config, &v);
    if (config) {
        check_plugins(&v, config);
        check_keys(&v, config);
    }
    if (config && v.fault_count > 0)
        code = EXIT_TROUBLE;
    if (args->json && args->word_count > 1)
        print_verdict(args, &v, config);
    else if (code == EXIT_GOOD)
        (void)printf("%s: good, %zu instances\n", config->path, config->instance_count);
    config_destroy(config);
    return code;
}

/* Features that the file does not mention are as the manifest has them, where there is one. */
static void note_features(struct config *config)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct config_instance *instance = &config->instances[i];
        struct prepared p;
        (void)prepare_look(config, instance, &p);
        for (size_t k = 0; p.grants && k < p.library->manifest->feature_count; k++) {
            const char *name = p.library->manifest->features[k].name;
            config_note_feature(config, instance->id, name, grants_feature(p.grants, name));
        }
        prepare_forget(&p);
    }
}

static void note_addresses(struct config *config)
{
    for (size_t i = 0; i < config->keys.use_count; i++) {
        char address[KEY_ADDRESS];
        struct signer_key key;
        if (unlock_look(config, &config->keys.use[i], &key, NULL) != HAWSE_OK)
            continue;
        key_describe(&key.public, address);
        config_note_address(config, key.name, address);
    }
}

static int explain(const struct arguments *args)
{
    struct config *config = NULL;
    struct verdict v = {0};
    const char *path = args->word_count > 2 ? args->words[2] : NULL;
    int code = load(args, &config, &v);
    if (code != EXIT_GOOD)
        return code;
    note_features(config);
    note_addresses(config);
    char *text = config_explain(config, path, args->json);
    if (text && text[0])
        (void)printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
    bool nothing = text && (text[0] == '\0' || strcmp(text, "[]") == 0);
    if (path && nothing)
        (void)fprintf(stderr, "hawse: config explain: there is nothing at \"%s\"\n", path);
    free(text);
    config_destroy(config);
    return text && !nothing ? EXIT_GOOD : EXIT_TROUBLE;
}

int command_config(const struct arguments *args)
{
    const char *verb = args->word_count > 0 ? args->words[0] : "";
    if (strcmp(verb, "check") == 0)
        return check(args);
    if (strcmp(verb, "explain") == 0)
        return explain(args);
    if (strcmp(verb, "schema") == 0) {
        (void)printf("%s\n", config_schema());
        return EXIT_GOOD;
    }
    const char *const verbs[] = {"check", "explain", "schema"};
    const char *near = schema_nearest(verb, verbs, 3);
    (void)fprintf(stderr, "hawse: config%s%s: expected check, explain or schema\n",
                  verb[0] ? " " : "", verb);
    if (near)
        (void)fprintf(stderr, "  fix: did you mean \"%s\"?\n", near);
    return EXIT_USAGE;
}
