/*
 * `hawse config check|explain|schema`.
 */
#include "app/app.h"

#include "host/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What can be decided without running any plugin code: files, manifests, grants, settings. */
static int check_plugins(const struct config *config)
{
    int trouble = 0;
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct config_instance *instance = &config->instances[i];
        struct prepared p;
        if (!instance->enabled)
            continue;
        if (prepare_look(config, instance, &p) != HAWSE_OK) {
            fault_prefix(&p.fault, "instance \"%s\"", instance->id);
            trouble = app_fail(EXIT_TROUBLE, &p.fault);
        }
        for (size_t w = 0; p.library && w < p.library->manifest->warning_count; w++)
            (void)fprintf(stderr, "hawse: warning: instance \"%s\": %s: %s\n", instance->id,
                          p.library->path, p.library->manifest->warnings[w]);
        prepare_forget(&p);
    }
    return trouble;
}

static int load(const struct arguments *args, struct config **config)
{
    struct fault fault = {0};
    if (args->word_count < 2) {
        (void)fprintf(stderr, "hawse: config %s needs a configuration file\n", args->words[0]);
        return EXIT_USAGE;
    }
    if (config_load(args->words[1], args->sets, args->set_count, config, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    return EXIT_GOOD;
}

static int check(const struct arguments *args)
{
    struct config *config = NULL;
    int code = load(args, &config);
    if (code != EXIT_GOOD)
        return code;
    code = check_plugins(config);
    if (code == EXIT_GOOD)
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

static int explain(const struct arguments *args)
{
    struct config *config = NULL;
    int code = load(args, &config);
    if (code != EXIT_GOOD)
        return code;
    note_features(config);
    char *text = config_explain(config, args->word_count > 2 ? args->words[2] : NULL, args->json);
    if (text)
        (void)printf("%s%s", text, text[0] && text[strlen(text) - 1] == '\n' ? "" : "\n");
    free(text);
    config_destroy(config);
    return text ? EXIT_GOOD : EXIT_TROUBLE;
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
    (void)fprintf(stderr, "hawse: config %s: expected check, explain or schema\n", verb);
    return EXIT_USAGE;
}
