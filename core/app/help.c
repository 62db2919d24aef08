/*
 * What is said of commands: for people, and as JSON for the programs that make man pages and
 * completions of it.
 */
#include "app/commands.h"

#include <jansson.h>
#include <stdio.h>

#define EXIT_CODES                                                                           \
    "Exit codes: 0 good, 1 trouble found, 2 usage or configuration wrong, 3 not stopped in " \
    "time."

void help_all(FILE *out)
{
    (void)fprintf(out, "usage: hawse COMMAND ...\n\n");
    for (size_t i = 0; i < command_count; i++)
        (void)fprintf(out, "  hawse %s %s\n      %s\n", commands[i].name, commands[i].usage,
                      commands[i].summary);
    (void)fprintf(out, "\n`hawse COMMAND --help` says more. %s\n", EXIT_CODES);
}

void help_command(const struct command *command)
{
    (void)printf("usage: hawse %s %s\n\n%s\n", command->name, command->usage, command->summary);
    if (command->details[0])
        (void)printf("%s\n", command->details);
    (void)printf("\n");
    for (int i = 0; i < OPTIONS; i++) {
        const struct option_line *o = &option_table[i];
        char left[40];
        if (!(command->options & OPT(i)))
            continue;
        (void)snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
                       o->value ? o->value : "");
        (void)printf("  %-20s  %s\n", left, o->meaning);
    }
    (void)printf("\n%s\n", EXIT_CODES);
}

static json_t *options_of(const struct command *command)
{
    json_t *list = json_array();
    for (int i = 0; i < OPTIONS; i++) {
        const struct option_line *o = &option_table[i];
        if (command->options & OPT(i))
            (void)json_array_append_new(list, json_pack("{s:s, s:s?, s:s}", "name", o->name,
                                                        "value", o->value, "meaning", o->meaning));
    }
    return list;
}

int help_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < command_count; i++) {
        const struct command *c = &commands[i];
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", c->name, "usage",
                                              c->usage, "summary", c->summary, "details",
                                              c->details, "options", options_of(c)));
    }
    json_t *all = json_pack("{s:s, s:s, s:o}", "version", HAWSE_VERSION, "exit_codes", EXIT_CODES,
                            "commands", list);
    int status = all ? json_dumpf(all, stdout, JSON_INDENT(1) | JSON_SORT_KEYS) : -1;
    (void)printf("\n");
    json_decref(all);
    return status ? EXIT_TROUBLE : EXIT_GOOD;
}
