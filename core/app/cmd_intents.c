/*
 * `hawse intents`, `hawse send`, `hawse fill-nonce`, `hawse kill`, `hawse resume`: what an operator
 * sees of intents, and does about them, over the control socket of a running hawse. Nothing here
 * signs or sends.
 */
#include "app/app.h"

#include "observe/control.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 5000, FILE_MAX = 1 << 20 };

static int ask(const struct arguments *args, json_t *request, json_t **answer)
{
    struct fault fault = {0};
    int32_t code = control_ask(control_path(args), request, ASK_MS, answer, &fault);
    json_decref(request);
    return code == HAWSE_OK ? EXIT_GOOD : app_fail(EXIT_TROUBLE, &fault);
}

static int print_json(json_t *answer)
{
    char *text = json_dumps(answer, JSON_INDENT(2));
    (void)printf("%s\n", text ? text : "{}");
    free(text);
    json_decref(answer);
    return EXIT_GOOD;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static long long number_of(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

/* ---- intents ---- */

static void print_chain(const json_t *c)
{
    size_t i;
    json_t *a;
    if (strcmp(text_of(c, "family"), "solana") == 0) {
        (void)printf("chain %-12s slot %lld  %s%s\n", text_of(c, "name"), number_of(c, "head"),
                     text_of(c, "cluster"),
                     json_is_true(json_object_get(c, "ready")) ? "" : "  NOT RECONCILED");
        json_array_foreach(json_object_get(c, "accounts"), i, a)(void)
            printf("  %-14s %s  open %lld\n", text_of(a, "name"), text_of(a, "address"),
                   number_of(a, "open"));
        return;
    }
    (void)printf("chain %-12s head %lld  base fee %.3f gwei  tip %.3f gwei  cap %.0f gwei%s%s\n",
                 text_of(c, "name"), number_of(c, "head"), (double)number_of(c, "base_fee") / 1e9,
                 (double)number_of(c, "tip") / 1e9, (double)number_of(c, "cap") / 1e9,
                 json_is_true(json_object_get(c, "spike")) ? "  SPIKE" : "",
                 json_is_true(json_object_get(c, "ready")) ? "" : "  NOT RECONCILED");
    json_array_foreach(json_object_get(c, "alarms"), i, a)(void)
        printf("  ALARM %s\n", json_string_value(a));
    if (number_of(c, "dear") > 0)
        (void)printf("  %lld wait for lower fees, those that are worth most first; the base fee of "
                     "late is %.2f times that of before\n",
                     number_of(c, "dear"), (double)number_of(c, "trend_permille") / 1e3);
    json_array_foreach(json_object_get(c, "accounts"), i, a)(void)
        printf("  %-14s %s  nonce %lld, pending %lld  balance %s wei  open %lld\n",
               text_of(a, "name"), text_of(a, "address"), number_of(a, "latest"),
               number_of(a, "pending"), text_of(a, "balance"), number_of(a, "open"));
}

static void print_intent(const json_t *o)
{
    const json_t *legs = json_object_get(o, "legs");
    size_t i;
    json_t *leg;
    (void)printf("%6lld  %-14s %-24s %-10s %-10s %-11s %6.1f s", number_of(o, "number"),
                 text_of(o, "instance"), text_of(o, "id"), text_of(o, "chain"),
                 text_of(o, "account"), text_of(o, "step"), (double)number_of(o, "age_ms") / 1e3);
    json_array_foreach(legs, i, leg)(void)
        printf("  %s%s%.12s%s%s", text_of(leg, "state"), *text_of(leg, "hash") ? " " : "",
               text_of(leg, "hash"), *text_of(leg, "relay") ? ", the relay says: " : "",
               text_of(leg, "relay"));
    json_array_foreach(legs, i, leg) if (number_of(leg, "fee_most") > 0)(void)
        printf("  until %.3f gwei are enough, worth %s wei",
               (double)number_of(leg, "fee_most") / 1e9, text_of(o, "worth"));
    (void)printf("%s%s\n", *text_of(o, "reason") ? "\n        " : "", text_of(o, "reason"));
}

int command_intents(const struct arguments *args)
{
    json_t *answer = NULL, *o;
    size_t i;
    int code = ask(args, json_pack("{s:s}", "verb", "intents"), &answer);
    if (code != EXIT_GOOD || args->json)
        return code == EXIT_GOOD ? print_json(answer) : code;
    if (json_is_true(json_object_get(answer, "halted")))
        (void)printf("HALTED: the journal cannot be written; nothing is sent\n");
    if (json_is_true(json_object_get(answer, "killed")))
        (void)printf("KILLED: nothing new is signed; `hawse resume` ends it\n");
    json_array_foreach(json_object_get(answer, "chains"), i, o) print_chain(o);
    const json_t *counts = json_object_get(answer, "counts");
    (void)printf(
        "open %lld; in this run: proposed %lld, confirmed %lld, refused %lld, failed %lld, "
        "expired %lld\n",
        number_of(answer, "open"), number_of(counts, "proposed"), number_of(counts, "confirmed"),
        number_of(counts, "refused"), number_of(counts, "failed"), number_of(counts, "expired"));
    json_array_foreach(json_object_get(answer, "intents"), i, o) print_intent(o);
    json_decref(answer);
    return EXIT_GOOD;
}

/* ---- kill and resume ---- */

static int switch_it(const struct arguments *args, const char *verb)
{
    json_t *answer = NULL, *request = json_pack("{s:s}", "verb", verb);
    if (args->word_count > 0)
        (void)json_object_set_new(request, "instance", json_string(args->words[0]));
    if (args->why)
        (void)json_object_set_new(request, "why", json_string(args->why));
    int code = ask(args, request, &answer);
    if (code == EXIT_GOOD)
        (void)printf("%s\n", text_of(answer, "said"));
    json_decref(answer);
    return code;
}

int command_kill(const struct arguments *args)
{
    return switch_it(args, "kill");
}

int command_resume(const struct arguments *args)
{
    return switch_it(args, "resume");
}

/* ---- fill-nonce ---- */

int command_fill_nonce(const struct arguments *args)
{
    json_t *answer = NULL;
    char *end = NULL;
    long long nonce = args->word_count == 3 ? strtoll(args->words[2], &end, 10) : -1;
    if (nonce < 0 || end == args->words[2] || *end) {
        (void)fprintf(stderr, "hawse: fill-nonce needs a chain, an account and a nonce\n");
        return EXIT_USAGE;
    }
    int code = ask(args,
                   json_pack("{s:s, s:s, s:s, s:I}", "verb", "fill-nonce", "chain", args->words[0],
                             "account", args->words[1], "nonce", (json_int_t)nonce),
                   &answer);
    if (code == EXIT_GOOD)
        (void)printf("%s\n", text_of(answer, "said"));
    json_decref(answer);
    return code;
}

/* ---- send ---- */

static char *read_all(const char *path, struct fault *fault)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = f ? malloc(FILE_MAX + 1) : NULL;
    size_t len = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
    if (f && f != stdin)
        (void)fclose(f);
    if (!text || len > FILE_MAX) {
        (void)fault_set(fault, HAWSE_E_IO, "cannot read %s, or it is larger than %d bytes", path,
                        FILE_MAX);
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

int command_send(const struct arguments *args)
{
    struct fault fault = {0};
    json_error_t error;
    json_t *answer = NULL;
    if (args->word_count != 2) {
        (void)fprintf(stderr, "hawse: send needs an instance and a file\n");
        return EXIT_USAGE;
    }
    char *text = read_all(args->words[1], &fault);
    json_t *intent = text ? json_loads(text, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (text && !intent)
        (void)fault_set(&fault, HAWSE_E_FORMAT, "%s, line %d: %s", args->words[1], error.line,
                        error.text);
    free(text);
    if (!intent)
        return app_fail(EXIT_USAGE, &fault);
    int code = ask(
        args,
        json_pack("{s:s, s:s, s:o}", "verb", "send", "instance", args->words[0], "intent", intent),
        &answer);
    if (code == EXIT_GOOD)
        (void)printf("%s\n", text_of(answer, "said"));
    json_decref(answer);
    return code;
}
