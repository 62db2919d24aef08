/*
 * `hawse reload`: asks a running hawse to exchange the plugin of an instance, and waits for what
 * becomes of it. All is done there.
 */
#include "app/app.h"

#include "observe/control.h"

#include <hawse/types.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ASK_MS = 5000, POLL_NS = 20000000 };

static bool add_number(json_t *request, const char *key, const char *option, const char *text)
{
    char *end = NULL;
    long long value = text ? strtoll(text, &end, 10) : 0;
    if (!text)
        return true;
    if (end == text || *end != '\0' || value < 0) {
        (void)fprintf(stderr, "hawse: --%s %s: expected a number\n", option, text);
        return false;
    }
    return json_object_set_new(request, key, json_integer(value)) == 0;
}

/* Paths count from where the operator is, not from where the host is. */
static bool add_path(json_t *request, const char *key, const char *path)
{
    char whole[PATH_MAX];
    if (!path)
        return true;
    if (!realpath(path, whole)) {
        (void)fprintf(stderr, "hawse: %s: there is no such file\n", path);
        return false;
    }
    return json_object_set_new(request, key, json_string(whole)) == 0;
}

static json_t *make_request(const struct arguments *args)
{
    json_t *request = json_pack("{s:s, s:s}", "verb", "reload", "instance", args->words[0]);
    bool any = args->allow_diff && strcmp(args->allow_diff, "any") == 0;
    bool good = request && add_path(request, "plugin", args->plugins[0]) &&
                add_path(request, "shadow", args->shadow) &&
                add_number(request, "limit_ms", "limit", args->limit) &&
                add_number(request, "timeout_s", "timeout", args->timeout);
    if (good && any)
        good = json_object_set_new(request, "allow_any", json_true()) == 0;
    else if (good)
        good = add_number(request, "allow_diff", "allow-diff", args->allow_diff);
    if (good)
        return request;
    json_decref(request);
    return NULL;
}

static long long number_of(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static int print(const struct arguments *args, json_t *o)
{
    char *text = args->json ? json_dumps(o, JSON_INDENT(2)) : NULL;
    long long differing = number_of(o, "differing");
    if (args->json) {
        (void)printf("%s\n", text ? text : "{}");
    } else {
        (void)printf("%s runs %s (sha256 %.12s) now: %lld bytes of state, events waited for %lld "
                     "us\n",
                     args->words[0], json_string_value(json_object_get(o, "version")),
                     json_string_value(json_object_get(o, "digest")), number_of(o, "state_bytes"),
                     number_of(o, "pause_us"));
        if (differing < 0)
            (void)printf("it was not compared with a recording\n");
        else
            (void)printf("in the recording it decides otherwise in %lld callbacks\n", differing);
        (void)printf("the configuration still names the old file: put this one in its place, or "
                     "the next start has the old one\n");
    }
    free(text);
    return EXIT_GOOD;
}

int command_reload(const struct arguments *args)
{
    struct fault fault = {0};
    struct timespec tick = {.tv_nsec = POLL_NS};
    json_t *answer = NULL;
    if (args->word_count != 1 || args->plugin_count != 1) {
        (void)fprintf(stderr, "hawse: reload needs an instance and --plugin FILE\n"
                              "  fix: a configuration is reloaded by SIGHUP\n");
        return EXIT_USAGE;
    }
    json_t *request = make_request(args);
    if (!request)
        return EXIT_USAGE;
    int32_t code = control_ask(control_path(args), request, ASK_MS, &answer, &fault);
    json_decref(request);
    request = code == HAWSE_OK ? json_pack("{s:s, s:I}", "verb", "reload-next", "number",
                                           (json_int_t)number_of(answer, "number"))
                               : NULL;
    while (code == HAWSE_OK && !json_is_true(json_object_get(answer, "done"))) {
        (void)nanosleep(&tick, NULL);
        json_decref(answer);
        answer = NULL;
        code = control_ask(control_path(args), request, ASK_MS, &answer, &fault);
    }
    json_decref(request);
    int status = code == HAWSE_OK ? print(args, answer) : app_fail(EXIT_TROUBLE, &fault);
    json_decref(answer);
    return status;
}
