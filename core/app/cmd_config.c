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
        struct fault fault = {0};
        if (!instance->enabled)
            continue;
        if (prepare_check(config, instance, &fault) != HAWSE_OK) {
            fault_prefix(&fault, "instance \"%s\"", instance->id);
            trouble = app_fail(EXIT_TROUBLE, &fault);
        }
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

static int explain(const struct arguments *args)
{
    struct config *config = NULL;
    int code = load(args, &config);
    if (code != EXIT_GOOD)
        return code;
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
