/*
 * `hawse check`: a plugin file against the conformance kit, or a host against broken plugins.
 */
#include "app/app.h"

#include "check/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS_MAX = 1 << 20, DEFAULT_SEED = 1 };

static char *read_text(const char *path)
{
    FILE *in = fopen(path, "re");
    char *text = in ? calloc(1, SETTINGS_MAX + 1) : NULL;
    if (text && fread(text, 1, SETTINGS_MAX, in) == 0) {
        free(text);
        text = NULL;
    }
    if (in)
        (void)fclose(in);
    return text;
}

static bool seed_of(const struct arguments *args, uint64_t *seed)
{
    char *end = NULL;
    *seed = DEFAULT_SEED;
    if (!args->seed)
        return true;
    errno = 0;
    *seed = strtoull(args->seed, &end, 10);
    return errno == 0 && end != args->seed && *end == '\0' && args->seed[0] != '-' &&
           *seed <= INT64_MAX;
}

static enum check_form form_of(const struct arguments *args)
{
    return args->junit ? CHECK_JUNIT_FORM : args->json ? CHECK_JSON_FORM : CHECK_TEXT_FORM;
}

static int show(struct check_report *report, const struct arguments *args)
{
    check_print(report, form_of(args));
    bool good = report->counts[CHECK_FAIL] == 0 && report->counts[CHECK_CRASH] == 0;
    check_report_destroy(report);
    return good ? EXIT_GOOD : EXIT_TROUBLE;
}

static int list_cases(const struct arguments *args)
{
    size_t count = check_case_count;
    struct check_case *of_hosts = args->host ? check_host_cases(&count) : NULL;
    if (args->host && !of_hosts)
        return EXIT_TROUBLE;
    check_list(of_hosts ? of_hosts : check_cases, count,
               args->json ? CHECK_JSON_FORM : CHECK_TEXT_FORM);
    free(of_hosts);
    return EXIT_GOOD;
}

/* A host: the one that is named, or this program itself. */
static int try_host(const struct arguments *args)
{
    char self[4096];
    struct check_host_options options = {.only = args->cases};
    struct check_report *report = NULL;
    struct fault fault = {0};
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (args->word_count > 1 || args->seed || args->settings || args->recording) {
        (void)fprintf(stderr, "hawse: check --host takes a program, --case, --json, --junit\n");
        return EXIT_USAGE;
    }
    self[n > 0 ? n : 0] = '\0';
    options.program = args->word_count == 1 ? args->words[0] : self;
    if (check_host(&options, &report, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    return show(report, args);
}

int command_check(const struct arguments *args)
{
    struct check_options options = {.only = args->cases};
    struct check_report *report = NULL;
    struct fault fault = {0};
    char *settings = NULL;
    if (args->list)
        return list_cases(args);
    if (args->host)
        return try_host(args);
    if (args->word_count != 1) {
        (void)fprintf(stderr, "hawse: check needs one plugin file\n");
        return EXIT_USAGE;
    }
    if (!seed_of(args, &options.seed)) {
        (void)fprintf(stderr, "hawse: check: --seed is a number from 0 to 2^63 - 1\n");
        return EXIT_USAGE;
    }
    if (args->settings && !(settings = read_text(args->settings))) {
        (void)fprintf(stderr, "hawse: check: %s cannot be read\n", args->settings);
        return EXIT_USAGE;
    }
    options.path = args->words[0];
    options.settings = settings;
    options.recording = args->recording;
    int32_t code = check_file(&options, &report, &fault);
    free(settings);
    if (code != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    return show(report, args);
}
