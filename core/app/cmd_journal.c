/*
 * `hawse journal`: proves, copies and puts back the journal. None of it writes to a journal that a
 * host has; looking at records is cmd_journal_show.c's.
 */
#include "app/cmd_journal.h"

#include "tx/audit.h"

#include <errno.h>
#include <hawse/hex.h>
#include <hawse/types.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

/* "SEQ:HASH", as verify prints it. HAWSE_E_INVAL. */
static int32_t journal_head_parse(const char *text, struct journal_head *out, struct fault *fault)
{
    char *end = NULL;
    errno = 0;
    out->seq = strtoull(text, &end, 10);
    const char *digits = *end == ':' ? end + 1 : "";
    digits += strncmp(digits, "0x", 2) == 0 ? 2 : 0;
    if (errno == 0 && end != text && text[0] != '-' && strlen(digits) == 64 &&
        hawse_hex_decode((const uint8_t *)digits, out->hash, 32) == HAWSE_OK)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_INVAL, "--head %.100s: is not SEQ:HASH", text);
    fault_hint(fault, "as `hawse journal verify` prints it: a number, a colon, 64 digits");
    return HAWSE_E_INVAL;
}

static json_t *signed_json(const struct audit *a)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:s}", "transactions", (json_int_t)a->attempts,
                     "simulated", (json_int_t)a->bound, "not_simulated", (json_int_t)a->without,
                     "simulated_otherwise", (json_int_t)a->wrong, "first", a->first);
}

/* What was signed, and by which simulations. */
static int audited(const struct arguments *args, const struct audit *a)
{
    unsigned long long all = a->attempts, bound = a->bound;
    if (!args->json && all == bound)
        (void)printf("%llu transactions were signed, each by a simulation of its bytes\n", all);
    else if (!args->json)
        (void)printf("%llu transactions were signed, %llu of them by a simulation of their bytes; "
                     "the first that was not: %s\n",
                     all, bound, a->first);
    return a->wrong == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

static int verdict(const struct arguments *args, const char *path, const char *done,
                   const struct journal_verdict *v, const struct audit *audit)
{
    char hash[65] = "";
    hawse_hex_encode(v->head.hash, 32, hash);
    if (args->json) {
        char head[100], *text = NULL;
        (void)snprintf(head, sizeof(head), "%llu:%s", (unsigned long long)v->head.seq, hash);
        json_t *value =
            json_pack("{s:s, s:I, s:s, s:I, s:b}", "file", path, "records", (json_int_t)v->records,
                      "head", head, "faults", (json_int_t)v->faults, "good", v->faults == 0);
        if (audit)
            (void)json_object_set_new(value, "signed", signed_json(audit));
        text = json_dumps(value, 0);
        (void)printf("%s\n", text ? text : "{}");
        free(text);
        json_decref(value);
    }
    if (v->faults == 0 && !args->json)
        (void)printf("%s: %s, %llu records, head %llu:%s\n", path, done,
                     (unsigned long long)v->records, (unsigned long long)v->head.seq, hash);
    if (v->faults > 0)
        (void)fprintf(stderr,
                      "hawse: %s: %llu faults; the first: %s\n  fix: put a backup in its "
                      "place: hawse journal restore; keep this file\n",
                      path, (unsigned long long)v->faults, v->first);
    return v->faults == 0 ? EXIT_GOOD : EXIT_TROUBLE;
}

static int verify(const struct arguments *args, const char *path)
{
    struct fault fault = {0};
    struct journal_verdict v;
    struct journal_head head;
    struct journal *journal = NULL;
    struct journal_options look = {.read_only = true};
    struct audit audit;
    if (args->head && journal_head_parse(args->head, &head, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int32_t code = journal_open(path, &look, &journal, &fault);
    if (code == HAWSE_OK)
        code = journal_verify(journal, args->head ? &head : NULL, &v, &fault);
    if (code == HAWSE_OK)
        code = audit_simulations(journal, &audit, &fault);
    journal_close(journal);
    if (code != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    int how = verdict(args, path, "good", &v, &audit), signed_how = audited(args, &audit);
    return how == EXIT_GOOD ? signed_how : how;
}

static int backup(const struct arguments *args, const char *path, const char *to)
{
    struct fault fault = {0};
    struct journal_verdict v;
    if (journal_backup(path, to, &v, &fault) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    return verdict(args, to, "copied and proved", &v, NULL);
}

static int restore(const struct arguments *args, const char *copy, const char *path)
{
    struct fault fault = {0};
    struct journal_verdict v;
    if (journal_restore(copy, path, args->force, &v, &fault) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    return verdict(args, path, "restored and proved", &v, NULL);
}

/* A folder means the journal in it. */
static const char *file_of(const char *given, char path[PATH_BYTES])
{
    struct stat st;
    bool folder = stat(given, &st) == 0 && S_ISDIR(st.st_mode);
    (void)snprintf(path, PATH_BYTES, "%s%s", given, folder ? "/journal.db" : "");
    return path;
}

int command_journal(const struct arguments *args)
{
    static const struct {
        const char *name;
        int words;
    } actions[] = {{"query", 2}, {"export", 2}, {"verify", 2}, {"backup", 3}, {"restore", 3}};
    char path[PATH_BYTES];
    size_t i = 0, count = sizeof(actions) / sizeof(actions[0]);
    while (i < count && (args->word_count == 0 || strcmp(args->words[0], actions[i].name) != 0))
        i++;
    if (i == count || args->word_count != actions[i].words) {
        (void)fprintf(stderr,
                      "hawse: journal query|export|verify FILE, backup FILE TO, restore COPY FILE\n"
                      "  fix: see `hawse journal --help`\n");
        return EXIT_USAGE;
    }
    switch (i) {
    case 0:
    case 1:
        return journal_show(args, file_of(args->words[1], path), i == 1);
    case 2:
        return verify(args, file_of(args->words[1], path));
    case 3:
        return backup(args, file_of(args->words[1], path), args->words[2]);
    default:
        return restore(args, args->words[1], file_of(args->words[2], path));
    }
}
