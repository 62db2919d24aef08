/*
 * `hawse doctor`: is everything that a configuration needs there and good? Before `hawse run`, and
 * when something does not work.
 */
#include "app/app.h"

#include "doctor/doctor.h"

#include <hawse/types.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct tally {
    size_t counts[DOCTOR_BAD + 1];
    json_t *list; /* NULL = print at once */
};

static void tell(void *ctx, const struct finding *f)
{
    static const char *const colours[] = {"\033[32m", "", "\033[33m", "\033[31m"};
    struct tally *tally = ctx;
    tally->counts[f->level]++;
    if (tally->list) {
        (void)json_array_append_new(
            tally->list, json_pack("{s:s, s:s, s:s, s:s}", "level", doctor_level_name(f->level),
                                   "where", f->where, "what", f->what, "fix", f->fix));
        return;
    }
    bool colour = isatty(STDOUT_FILENO) != 0;
    (void)printf("%s%-4s%s %s: %s\n", colour ? colours[f->level] : "", doctor_level_name(f->level),
                 colour && colours[f->level][0] ? "\033[0m" : "", f->where, f->what);
    if (f->fix[0])
        (void)printf("     fix: %s\n", f->fix);
    (void)fflush(stdout);
}

static void print_list(json_t *list)
{
    char *text = json_dumps(list, JSON_INDENT(2));
    (void)printf("%s\n", text ? text : "[]");
    free(text);
    json_decref(list);
}

int command_doctor(const struct arguments *args)
{
    struct config *config = NULL;
    struct fault fault = {0};
    struct tally tally = {.list = args->json ? json_array() : NULL};
    if (args->word_count < 1) {
        (void)fprintf(stderr, "hawse: doctor needs one configuration file\n");
        json_decref(tally.list);
        return EXIT_USAGE;
    }
    app_guard_memory();
    if (config_load(args->words[0], args->sets, args->set_count, &config, &fault) != HAWSE_OK) {
        json_decref(tally.list);
        return app_fail(EXIT_USAGE, &fault);
    }
    bool done = doctor_run(config, tell, &tally, &fault);
    config_destroy(config);
    if (tally.list)
        print_list(tally.list);
    else
        (void)printf("%zu good, %zu to note, %zu to mend soon, %zu bad\n",
                     tally.counts[DOCTOR_GOOD], tally.counts[DOCTOR_NOTE],
                     tally.counts[DOCTOR_WARN], tally.counts[DOCTOR_BAD]);
    if (!done)
        return app_fail(EXIT_TROUBLE, &fault);
    return tally.counts[DOCTOR_BAD] > 0 ? EXIT_TROUBLE : EXIT_GOOD;
}
