/*
 * `hawse call`: an operator calls a verb of a plugin: in a running hawse, over its control socket,
 * or, with --config, in one that runs for that verb alone. A call is begun once and never again:
 * where it is not known whether it was done, that is said, with an exit code of its own.
 */
#include "app/app.h"

#include "app/alone.h"
#include "observe/control.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ASK_MS = 5000, POLL_MS = 10, POLL_MAX_MS = 200, TRIES = 5, EXIT_UNKNOWN = 64 };

/* Whom is asked. */
struct caller {
    const struct arguments *args;
    struct alone *alone; /* NULL: the control socket is */
};

static int32_t ask(const struct caller *c, const json_t *request, json_t **answer,
                   struct fault *fault)
{
    if (c->alone)
        return alone_ask(c->alone, request, answer, fault);
    return control_ask(control_path(c->args), request, ASK_MS, answer, fault);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

/* What a plugin says may hold anything: nothing of it steers the terminal. */
static void show(FILE *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        bool c1 = c == 0xc2 && (unsigned char)at[1] < 0xa0; /* U+0080 to U+009F */
        if (control || c1)
            (void)fputc('?', out);
        else
            (void)fputc(c, out);
        at += c1;
    }
    (void)fflush(out);
}

/* ---- lists ---- */

static bool list_one(const json_t *instance)
{
    size_t i;
    json_t *verb;
    (void)printf("%s\n", text_of(instance, "id"));
    json_array_foreach(json_object_get(instance, "verbs"), i, verb)
    {
        (void)printf("  ");
        show(stdout, text_of(verb, "name"));
        (void)printf(" ");
        show(stdout, text_of(verb, "usage"));
        (void)printf("\n      ");
        show(stdout, text_of(verb, "help"));
        (void)printf("\n");
    }
    return true;
}

static int print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    (void)printf("%s\n", text ? text : "null");
    free(text);
    return EXIT_GOOD;
}

/* The verbs of one instance, or of all. */
static int list(const struct caller *c)
{
    const char *wanted = c->args->word_count > 0 ? c->args->words[0] : NULL;
    struct fault fault = {0};
    json_t *answer = NULL, *request = json_pack("{s:s}", "verb", "commands"), *instance;
    size_t i;
    bool found = false;
    int32_t code = ask(c, request, &answer, &fault);
    json_decref(request);
    if (code != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    if (c->args->json) {
        (void)print_json(answer);
        json_decref(answer);
        return EXIT_GOOD;
    }
    json_array_foreach(json_object_get(answer, "instances"), i, instance)
    {
        if (!wanted || strcmp(text_of(instance, "id"), wanted) == 0)
            found = list_one(instance) || found;
    }
    json_decref(answer);
    if (!found)
        (void)printf("no verbs%s%s\n", wanted ? " of " : "", wanted ? wanted : "");
    return found || !wanted ? EXIT_GOOD : EXIT_USAGE;
}

/* ---- a call ---- */

static int32_t read_timeout(const struct arguments *args, json_int_t *ms, struct fault *fault)
{
    char *end = NULL;
    double seconds = args->timeout ? strtod(args->timeout, &end) : 30;
    if (args->timeout && (end == args->timeout || *end || !(seconds > 0) || seconds > 86400))
        return fault_set(fault, HAWSE_E_INVAL, "--timeout: found \"%.40s\", expected 0 to 86400 s",
                         args->timeout);
    *ms = (json_int_t)(seconds * 1000) + (seconds < 0.001);
    return HAWSE_OK;
}

static json_t *request_of(const struct arguments *args, json_int_t timeout_ms)
{
    json_t *words = json_array();
    for (int i = 0; i < args->rest_count; i++)
        (void)json_array_append_new(words, json_string(args->rest[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:I}", "verb", "call", "instance", args->words[0],
                     "command", args->words[1], "words", words, "timeout_ms", timeout_ms);
}

static int unknown(const struct fault *fault)
{
    struct fault said = {0};
    (void)fault_set(&said, HAWSE_E_UNKNOWN, "whether the verb is done is not known: %s",
                    fault->message);
    fault_hint(&said, "look (`hawse status`, `hawse intents`, the log) before calling it again");
    return app_fail(EXIT_UNKNOWN, &said);
}

static int finish(const struct arguments *args, const json_t *answer)
{
    const json_t *lost = json_object_get(answer, "fault");
    if (lost) {
        struct fault fault = {0};
        bool known = strcmp(text_of(lost, "code"), "UNKNOWN") != 0;
        (void)fault_set(&fault, HAWSE_E_REMOTE, "%s", text_of(lost, "message"));
        fault_hint(&fault, "%s", text_of(lost, "fix"));
        return app_fail(known ? EXIT_TROUBLE : EXIT_UNKNOWN, &fault);
    }
    const char *text = text_of(answer, "text");
    size_t len = strlen(text);
    if (args->json)
        (void)print_json(json_object_get(answer, "json"));
    show(args->json ? stderr : stdout, text);
    if (len > 0 && text[len - 1] != '\n')
        (void)fputc('\n', args->json ? stderr : stdout);
    return (int)json_integer_value(json_object_get(answer, "status"));
}

static void pause_ms(long ms)
{
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&ts, NULL);
}

/* Asks until it has ended. Questions may be repeated, unlike the call. */
static int follow(const struct caller *c, json_int_t number)
{
    json_int_t from = 0;
    int failures = 0;
    for (long wait = POLL_MS;;) {
        struct fault fault = {0};
        json_t *answer = NULL, *request = json_pack("{s:s, s:I, s:I}", "verb", "call-next", "call",
                                                    number, "from", from);
        int32_t code = ask(c, request, &answer, &fault);
        json_decref(request);
        if (code != HAWSE_OK && (code == HAWSE_E_REMOTE || ++failures == TRIES))
            return unknown(&fault);
        if (code == HAWSE_OK) {
            failures = 0;
            show(c->args->json ? stderr : stdout, text_of(answer, "printed"));
            from = json_integer_value(json_object_get(answer, "from"));
            int exit_code =
                json_is_true(json_object_get(answer, "done")) ? finish(c->args, answer) : -1;
            json_decref(answer);
            if (exit_code >= 0)
                return exit_code;
        }
        pause_ms(wait);
        wait = wait * 2 < POLL_MAX_MS ? wait * 2 : POLL_MAX_MS;
    }
}

static int call(const struct caller *c)
{
    struct fault fault = {0};
    json_int_t timeout_ms = 0;
    json_t *answer = NULL;
    if (read_timeout(c->args, &timeout_ms, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    json_t *request = request_of(c->args, timeout_ms);
    int32_t code = ask(c, request, &answer, &fault);
    json_decref(request);
    if (code == HAWSE_E_TIMEOUT)
        return unknown(&fault);
    if (code != HAWSE_OK) /* a refusal, or nobody is there: nothing was begun */
        return app_fail(code == HAWSE_E_IO ? EXIT_TROUBLE : EXIT_USAGE, &fault);
    json_int_t number = json_integer_value(json_object_get(answer, "call"));
    json_decref(answer);
    return follow(c, number);
}

int command_call(const struct arguments *args)
{
    struct caller c = {.args = args};
    struct fault fault = {0};
    if (args->live && !args->config)
        (void)fault_set(&fault, HAWSE_E_INVAL,
                        "--live says how --config runs; a running hawse is "
                        "as it is");
    else if (args->set_count > 0 && !args->config)
        (void)fault_set(&fault, HAWSE_E_INVAL, "--set changes what --config has read");
    else if (args->config && args->word_count == 0)
        (void)fault_set(&fault, HAWSE_E_INVAL, "--config needs the instance to run");
    if (fault.code != 0)
        return app_fail(EXIT_USAGE, &fault);
    if (args->config) {
        int code = alone_start(args, &c.alone);
        if (code != EXIT_GOOD)
            return code;
    }
    int code = args->word_count < 2 ? list(&c) : call(&c);
    alone_end(c.alone);
    return code;
}
