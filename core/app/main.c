/*
 * `hawse`: reads the command line and hands over to one command.
 */
#include "app/commands.h"

#include "base/schema.h"
#include "base/secret.h"
#include "plugin/library.h"
#include "worker/process.h"

#include <getopt.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OPT_FIRST = 256 }; /* values for getopt, apart from characters */

int app_fail(int code, const struct fault *fault)
{
    (void)fprintf(stderr, "hawse: %s\n", fault->message);
    if (fault->hint[0])
        (void)fprintf(stderr, "  fix: %s\n", fault->hint);
    return code;
}

int app_fail_redacted(struct logger *logger, const struct fault *fault)
{
    struct fault clean = {.code = fault->code};
    log_redact(logger, fault->message, strlen(fault->message), clean.message,
               sizeof(clean.message));
    log_redact(logger, fault->hint, strlen(fault->hint), clean.hint, sizeof(clean.hint));
    return app_fail(EXIT_TROUBLE, &clean);
}

int32_t app_register_secrets(struct logger *logger, const struct config *config,
                             struct fault *fault)
{
    bool locked = true;
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < config->hidden_count && code == HAWSE_OK; i++) {
        code = log_secret(logger, config->hidden[i]);
        locked = locked && secret_locked(config->hidden[i]);
    }
    if (code != HAWSE_OK)
        return fault_set(fault, code, "no memory for the list of secrets");
    if (!locked)
        log_line(logger, HAWSE_LOG_WARN, "host", UNLOCKED_MEMORY);
    return HAWSE_OK;
}

void app_guard_memory(void)
{
    const struct rlimit none = {0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

static int usage(FILE *out)
{
    help_all(out);
    return out == stdout ? EXIT_GOOD : EXIT_USAGE;
}

static int help(const struct command *command)
{
    help_command(command);
    return EXIT_GOOD;
}

/* Ends a sentence about a wrong command line. */
static int wrong(const struct command *command, const char *near)
{
    if (near)
        (void)fprintf(stderr, "  fix: did you mean \"%s\"?\n", near);
    else
        (void)fprintf(stderr, "  fix: see `hawse %s --help`\n", command->name);
    return EXIT_USAGE;
}

/* ---- reading the command line ---- */

static bool take_list(struct arguments *args, int option, const char *value)
{
    size_t most = option == OPT_SET ? SETS_MAX : option == OPT_PLUGIN ? PLUGINS_MAX : CHAINS_MAX;
    size_t *count = option == OPT_SET      ? &args->set_count
                    : option == OPT_PLUGIN ? &args->plugin_count
                                           : &args->chain_count;
    if (*count == most) {
        (void)fprintf(stderr, "hawse: more than %zu --%s\n", most, option_table[option].name);
        return false;
    }
    if (option == OPT_SET)
        args->sets[*count].assignment = value;
    else if (option == OPT_PLUGIN)
        args->plugins[*count] = value;
    else
        args->chains[*count] = value;
    (*count)++;
    return true;
}

static bool take_value(struct arguments *args, int option, const char *value)
{
    char *field = (char *)args + option_table[option].field;
    if (option_table[option].field == 0)
        return take_list(args, option, value);
    if (option_table[option].value)
        *(const char **)(void *)field = value;
    else
        *(bool *)field = true;
    return true;
}

/* The option of this command whose name comes nearest to what was written. */
static const char *nearest_option(const struct command *command, const char *written)
{
    const char *names[OPTIONS];
    size_t count = 0;
    for (int i = 0; i < OPTIONS; i++) {
        if (command->options & OPT(i))
            names[count++] = option_table[i].name;
    }
    return schema_nearest(written, names, count);
}

/* An option that there is not, or not for this command. */
static int bad_option(const struct command *command, const char *written)
{
    char near[32];
    const char *name = nearest_option(command, written + strspn(written, "-"));
    /* without its value: somebody may have written a passphrase there */
    (void)fprintf(stderr, "hawse: %s has no option %.*s\n", command->name,
                  (int)strcspn(written, "="), written);
    (void)snprintf(near, sizeof(near), "--%s", name ? name : "");
    return wrong(command, name ? near : NULL);
}

static int take_option(const struct command *command, struct arguments *args, int option,
                       char *const *argv)
{
    if (option == '?')
        return bad_option(command, argv[optind - 1]);
    if (option == ':') {
        (void)fprintf(stderr, "hawse: %s: %s needs a value\n", command->name, argv[optind - 1]);
        return wrong(command, NULL);
    }
    if (!(command->options & OPT(option - OPT_FIRST))) {
        char written[32];
        (void)snprintf(written, sizeof(written), "--%s", option_table[option - OPT_FIRST].name);
        return bad_option(command, written);
    }
    return take_value(args, option - OPT_FIRST, optarg) ? EXIT_GOOD : EXIT_USAGE;
}

static int take_word(const struct command *command, struct arguments *args, const char *word)
{
    if (args->word_count == command->max_words) {
        (void)fprintf(stderr, "hawse: %s: one word too many: %s\n", command->name, word);
        return wrong(command, NULL);
    }
    args->words[args->word_count++] = word;
    return EXIT_GOOD;
}

/* An option of this command, as "--NAME" or "--NAME=VALUE"; OPTIONS: it is none. */
static int own_option(const struct command *command, const char *word)
{
    size_t len = strcspn(word, "=");
    int i = 0;
    while (i < OPTIONS && !(command->options & OPT(i) && strncmp(word, "--", 2) == 0 &&
                            strlen(option_table[i].name) + 2 == len &&
                            memcmp(word + 2, option_table[i].name, len - 2) == 0))
        i++;
    return i;
}

/* Words behind those of the command are for what it calls; its own options among them are taken
 * out, up to a "--". */
static int take_rest(const struct command *command, struct arguments *args, int argc, char **argv)
{
    int kept = 0, code = EXIT_GOOD;
    bool plain = false;
    for (int i = 0; i < argc && code == EXIT_GOOD; i++) {
        int option = plain ? OPTIONS : own_option(command, argv[i]);
        const char *value = strchr(argv[i], '=');
        plain = plain || strcmp(argv[i], "--") == 0;
        if (option == OPTIONS) {
            argv[kept++] = argv[i];
            continue;
        }
        bool takes = option_table[option].value != NULL;
        if (takes && !value && i + 1 < argc)
            value = argv[++i];
        else if (value)
            value++;
        if (takes != (value != NULL)) {
            (void)fprintf(stderr, "hawse: %s: --%s %s\n", command->name, option_table[option].name,
                          takes ? "needs a value" : "takes no value");
            return wrong(command, NULL);
        }
        code = take_value(args, option, value) ? EXIT_GOOD : EXIT_USAGE;
    }
    args->rest = (const char *const *)argv;
    args->rest_count = kept;
    return code;
}

static bool passes_on(const struct command *command)
{
    return (command->options & PASSES_ON) != 0;
}

/* Options up to the next word; where a command passes words on, that word ends them. False: help
 * was asked for, and given. */
static bool take_options(const struct command *command, struct arguments *args, int argc,
                         char **argv, const struct option *options, int *code)
{
    const char *form = passes_on(command) ? "+:h" : ":h";
    int option;
    while (*code == EXIT_GOOD && (option = getopt_long(argc, argv, form, options, NULL)) != -1) {
        if (option == 'h') {
            *code = help(command);
            return false;
        }
        *code = take_option(command, args, option, argv);
    }
    return true;
}

/* What follows are not its own words. */
static bool all_taken(const struct command *command, const struct arguments *args)
{
    return passes_on(command) && args->word_count == command->max_words;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct arguments args = {0};
    struct option options[OPTIONS + 2] = {{"help", no_argument, NULL, 'h'}};
    for (int i = 0; i < OPTIONS; i++)
        options[i + 1] = (struct option){option_table[i].name,
                                         option_table[i].value ? required_argument : no_argument,
                                         NULL, OPT_FIRST + i};
    int code = EXIT_GOOD;
    if (!take_options(command, &args, argc, argv, options, &code))
        return code;
    while (code == EXIT_GOOD && optind < argc && !all_taken(command, &args)) {
        code = take_word(command, &args, argv[optind++]);
        if (passes_on(command) && !all_taken(command, &args) &&
            !take_options(command, &args, argc, argv, options, &code))
            return code;
    }
    if (code == EXIT_GOOD && passes_on(command))
        code = take_rest(command, &args, argc - optind, argv + optind);
    return code == EXIT_GOOD ? command->run(&args) : code;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int unknown_command(const char *written)
{
    const char *names[COMMANDS_MAX];
    for (size_t i = 0; i < command_count; i++)
        names[i] = commands[i].name;
    const char *near = schema_nearest(written, names, command_count);
    (void)fprintf(stderr, "hawse: there is no command \"%s\"\n", written);
    if (near)
        (void)fprintf(stderr, "  fix: did you mean \"%s\"?\n", near);
    else
        (void)fprintf(stderr, "  fix: `hawse help` lists the commands\n");
    return EXIT_USAGE;
}

/* help [COMMAND | --json] */
static int command_help(int count, char *const *words)
{
    if (count == 0)
        return usage(stdout);
    if (strcmp(words[0], "--json") == 0)
        return help_json();
    const struct command *command = find_command(words[0]);
    return command ? help(command) : unknown_command(words[0]);
}

/* jansson 2.14 writes beyond its buffer when memory runs out inside a long text (its lexer does not
 * look at what strbuffer_append_byte returns), so memory that runs out there ends the process, with
 * words, before that. And what it frees may be the text of a configuration that holds keys. */
static void *json_memory(size_t size)
{
    static const char words[] = "hawse: out of memory while JSON was read or written: ended\n";
    void *block = malloc(size);
    if (block)
        return block;
    ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)n;
    abort();
}

int main(int argc, char **argv)
{
    json_set_alloc_funcs(json_memory, wiping_free);
    if (argc < 2)
        return usage(stderr);
    if (strcmp(argv[1], "__trial") == 0 && argc == 3) /* this program as the child of a trial */
        return library_trial_child(atoi(argv[2]));
    if (strcmp(argv[1], "__worker") == 0 && argc == 2) /* ... and as the process of a plugin */
        return worker_child();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return command_help(argc - 2, argv + 2);
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct command *command = find_command(name);
    return command ? run_command(command, argc - 1, argv + 1) : unknown_command(name);
}
