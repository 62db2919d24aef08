/*
 * `hawse`: reads the command line and hands over to one command.
 */
#include "app/app.h"

#include "base/secret.h"
#include "plugin/library.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
    {"run", "CONFIG [--set PATH=VALUE]... [--view] [--strict] [--safe] [--quiet]",
     "run the configured plugins until SIGTERM or Ctrl-C", command_run},
    {"plugins", "[CONFIG] [--path DIR] [--json] | release DIGEST CONFIG",
     "list plugin files with what they say of themselves, or why they are refused",
     command_plugins},
    {"config", "check|explain|schema [CONFIG] [--set PATH=VALUE]... [--json]",
     "check a configuration, show its effective values and where they come from", command_config},
    {"status", "[--socket PATH] [--json]", "what a running hawse does", command_status},
    {"top", "[--socket PATH] [--once]", "the same, live", command_top},
    {"feed", "SAMPLE [--listen HOST:PORT] [--speed N]",
     "play a recorded sample as a chain's node: WebSocket and JSON-RPC on one loopback port",
     command_feed},
    {"version", "[--json]", "versions of hawse and its libraries", command_version},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

int app_fail(int code, const struct fault *fault)
{
    (void)fprintf(stderr, "hawse: %s\n", fault->message);
    if (fault->hint[0])
        (void)fprintf(stderr, "  fix: %s\n", fault->hint);
    return code;
}

static int usage(FILE *out)
{
    (void)fprintf(out, "usage: hawse COMMAND ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(out, "  hawse %s %s\n      %s\n", commands[i].name, commands[i].usage,
                      commands[i].summary);
    (void)fprintf(out, "\nExit codes: 0 good, 1 trouble found, 2 usage or configuration wrong, "
                       "3 not stopped in time.\n");
    return out == stdout ? EXIT_GOOD : EXIT_USAGE;
}

enum option_id {
    OPT_SET = 256,
    OPT_PATH,
    OPT_SOCKET,
    OPT_LISTEN,
    OPT_SPEED,
    OPT_JSON,
    OPT_STRICT,
    OPT_SAFE,
    OPT_QUIET,
    OPT_VIEW,
    OPT_ONCE,
};

static const struct option options[] = {
    {"set", required_argument, NULL, OPT_SET},
    {"path", required_argument, NULL, OPT_PATH},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"speed", required_argument, NULL, OPT_SPEED},
    {"json", no_argument, NULL, OPT_JSON},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"safe", no_argument, NULL, OPT_SAFE},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"view", no_argument, NULL, OPT_VIEW},
    {"once", no_argument, NULL, OPT_ONCE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool take_flag(struct arguments *args, int option)
{
    switch (option) {
    case OPT_JSON:
        return args->json = true;
    case OPT_STRICT:
        return args->strict = true;
    case OPT_SAFE:
        return args->safe = true;
    case OPT_QUIET:
        return args->quiet = true;
    case OPT_VIEW:
        return args->view = true;
    case OPT_ONCE:
        return args->once = true;
    default:
        return false;
    }
}

static bool take_value(struct arguments *args, int option, const char *value)
{
    switch (option) {
    case OPT_SET:
        if (args->set_count == SETS_MAX) {
            (void)fprintf(stderr, "hawse: more than %d --set\n", SETS_MAX);
            return false;
        }
        args->sets[args->set_count++].assignment = value;
        return true;
    case OPT_PATH:
        args->path = value;
        return true;
    case OPT_SOCKET:
        args->socket = value;
        return true;
    case OPT_LISTEN:
        args->listen = value;
        return true;
    case OPT_SPEED:
        args->speed = value;
        return true;
    default:
        return take_flag(args, option);
    }
}

/* 0 = go on; else the exit code + 1. */
static int parse(int argc, char **argv, struct arguments *args)
{
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h')
            return usage(stdout) + 1;
        if (option == '?' || !take_value(args, option, optarg))
            return EXIT_USAGE + 1;
    }
    for (; optind < argc; optind++) {
        if (args->word_count == (int)(sizeof(args->words) / sizeof(args->words[0]))) {
            (void)fprintf(stderr, "hawse: too many words: %s\n", argv[optind]);
            return EXIT_USAGE + 1;
        }
        args->words[args->word_count++] = argv[optind];
    }
    return 0;
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
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return usage(stdout);
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        struct arguments args = {0};
        int stop = parse(argc - 1, argv + 1, &args);
        return stop ? stop - 1 : commands[i].run(&args);
    }
    (void)fprintf(stderr, "hawse: no command \"%s\"; `hawse help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
