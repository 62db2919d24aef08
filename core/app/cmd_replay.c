/*
 * `hawse replay`: drives plugins from a capture and says whether they did the same; with --diff it
 * compares two captures instead. What plugins write to standard output goes nowhere.
 */
#include "app/app.h"

#include "replay/diff.h"
#include "replay/player.h"

#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROGRESS_NS = 200000000, EXCHANGES_MAX = 32 };

struct progress {
    bool terminal;
    uint64_t shown_ns;
    FILE *out; /* standard output as it was */
};

static uint64_t wall_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void show_progress(void *ctx, const struct player *player)
{
    struct progress *p = ctx;
    uint64_t now = wall_ns();
    if (!p->terminal || now - p->shown_ns < PROGRESS_NS)
        return;
    const struct reader_state *state = player_state(player);
    p->shown_ns = now;
    (void)fprintf(
        stderr, "\r%5.1f %%  %10.3f s of the capture  %llu records ",
        state->bytes_total ? 100.0 * (double)state->bytes_read / (double)state->bytes_total : 0.0,
        (double)player_position(player) / 1e9, (unsigned long long)state->records);
    (void)fflush(stderr);
}

/* Seconds since the capture's beginning. */
static bool parse_time(const char *name, const char *text, uint64_t *ns)
{
    char *end = NULL;
    double seconds = text ? strtod(text, &end) : 0;
    if (text && (end == text || *end != '\0' || !(seconds >= 0 && seconds < 1e9))) {
        (void)fprintf(stderr, "hawse: --%s %s: expected seconds since the beginning\n", name, text);
        return false;
    }
    *ns = (uint64_t)(seconds * 1e9);
    return true;
}

static bool parse_speed(const char *text, double *speed)
{
    char *end = NULL;
    *speed = 0;
    if (!text || strcmp(text, "max") == 0)
        return true;
    *speed = strtod(text, &end);
    if (*end == '\0' && *speed > 0)
        return true;
    (void)fprintf(stderr, "hawse: --speed %s: expected a number above 0, or max\n", text);
    return false;
}

static bool parse_lanes(const struct arguments *args, uint32_t *lanes)
{
    char *end = NULL;
    unsigned long n = args->lanes ? strtoul(args->lanes, &end, 10) : 1;
    *lanes = (uint32_t)n;
    if (args->lanes && (*end != '\0' || n < 1 || n > PLAYER_LANES))
        (void)fprintf(stderr, "hawse: --lanes %s: expected 1 to %d\n", args->lanes, PLAYER_LANES);
    else if (n > 1 && args->out)
        (void)fprintf(stderr, "hawse: --out records one lane: leave --lanes out\n");
    else
        return true;
    return false;
}

static bool parse_isolation(const char *text, enum player_isolation *isolation)
{
    static const char *const names[] = {"none", "process", "spin"};
    *isolation = PLAYER_IN_PROCESS;
    for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *isolation = (enum player_isolation)i;
            return true;
        }
    }
    if (text)
        (void)fprintf(stderr, "hawse: --isolation %s: expected none, process or spin\n", text);
    return !text;
}

/* "id=path" into its halves; `buffer` owns them. */
static bool parse_exchanges(const struct arguments *args, struct player_exchange *list,
                            char **buffers)
{
    for (size_t i = 0; i < args->plugin_count; i++) {
        buffers[i] = strdup(args->plugins[i]);
        char *equals = buffers[i] ? strchr(buffers[i], '=') : NULL;
        if (!equals) {
            (void)fprintf(stderr, "hawse: --plugin %s: expected INSTANCE=FILE\n", args->plugins[i]);
            return false;
        }
        *equals = '\0';
        list[i] = (struct player_exchange){.id = buffers[i], .path = equals + 1};
    }
    return true;
}

/* Plugins keep a standard output that leads nowhere. */
static FILE *keep_output(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int kept = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (nowhere >= 0 && kept >= 0)
        (void)dup2(nowhere, STDOUT_FILENO);
    if (nowhere >= 0)
        (void)close(nowhere);
    return kept >= 0 ? fdopen(kept, "w") : NULL;
}

/* ---- the verdict ---- */

static void print_instances(FILE *out, const struct player *player)
{
    size_t count;
    const struct played *list = player_instances(player, &count);
    for (size_t i = 0; i < count; i++) {
        const struct played *p = &list[i];
        (void)fprintf(out, "  %-16s %10llu callbacks %10llu events in %10llu calls  %s%s\n", p->id,
                      (unsigned long long)p->callbacks, (unsigned long long)p->events,
                      (unsigned long long)p->calls,
                      p->note[0]   ? "NOT DRIVEN TO THE END"
                      : p->differs ? "DIFFERS"
                                   : "the same",
                      p->exchanged ? " (another plugin file)" : "");
        if (p->note[0])
            (void)fprintf(out, "  %-16s %s\n", "", p->note);
    }
}

static int print_result(FILE *out, const struct player *player, const struct player_result *r)
{
    const struct reader_state *state = player_state(player);
    double recorded = (double)r->recorded_ns / 1e9, took = (double)r->took_ns / 1e9;
    int code = EXIT_GOOD;
    print_instances(out, player);
    (void)fprintf(out, "%llu callbacks, %llu events, %.3f s in %.3f s (%.0f times real time)\n",
                  (unsigned long long)r->callbacks, (unsigned long long)r->events, recorded, took,
                  took > 0 ? recorded / took : 0.0);
    (void)fprintf(out, "outputs then: %s\noutputs now:  %s\n", r->recorded_hash, r->hash);
    if (state->missing[0])
        (void)fprintf(out, "the capture has no end: %s (%llu bytes left out)\n", state->missing,
                      (unsigned long long)state->torn_bytes);
    if (r->lost_callbacks > 0) {
        (void)fprintf(out,
                      "the capture is incomplete from here on: %llu callbacks were not recorded, "
                      "because the recorder did not keep up; nothing behind them is judged\n",
                      (unsigned long long)r->lost_callbacks);
        code = EXIT_TROUBLE;
    }
    if (r->first) {
        (void)fprintf(out, "%llu callbacks differ.\n%s\n", (unsigned long long)r->differing,
                      r->first->first);
        return EXIT_TROUBLE;
    }
    size_t count;
    const struct played *list = player_instances(player, &count);
    for (size_t i = 0; i < count; i++)
        code = list[i].note[0] ? EXIT_TROUBLE : code;
    if (code == EXIT_GOOD)
        (void)fprintf(out, "all outputs are the same\n");
    return code;
}

static void print_json(FILE *out, const struct player_result *r, int code)
{
    (void)fprintf(out,
                  "{\"same\":%s,\"callbacks\":%llu,\"events\":%llu,\"calls\":%llu,"
                  "\"recorded_ns\":%llu,\"took_ns\":%llu,\"differing\":%llu,"
                  "\"lost_callbacks\":%llu,\"recorded_hash\":\"%s\",\"hash\":\"%s\"}\n",
                  code == EXIT_GOOD ? "true" : "false", (unsigned long long)r->callbacks,
                  (unsigned long long)r->events, (unsigned long long)r->calls,
                  (unsigned long long)r->recorded_ns, (unsigned long long)r->took_ns,
                  (unsigned long long)r->differing, (unsigned long long)r->lost_callbacks,
                  r->recorded_hash, r->hash);
}

static int play(const struct arguments *args, struct player_options *options)
{
    struct player *player = NULL;
    struct player_result result;
    struct fault fault = {0};
    struct progress progress = {.terminal = isatty(STDERR_FILENO) != 0};
    options->progress = show_progress;
    options->ctx = &progress;
    progress.out = keep_output();
    if (!progress.out)
        return EXIT_TROUBLE;
    int code = EXIT_USAGE;
    int32_t status = player_open(args->words[0], options, &player, &fault);
    if (status == HAWSE_OK) {
        status = player_run(player, &result, &fault);
        code = status == HAWSE_E_DENIED || status == HAWSE_E_NOTFOUND ? EXIT_USAGE : EXIT_TROUBLE;
    }
    if (progress.terminal)
        (void)fprintf(stderr, "\r%70s\r", "");
    if (status != HAWSE_OK)
        code = app_fail(code, &fault);
    else if (args->json)
        print_json(progress.out, &result,
                   code = result.first || result.lost_callbacks ? EXIT_TROUBLE : EXIT_GOOD);
    else
        code = print_result(progress.out, player, &result);
    player_close(player);
    (void)fclose(progress.out);
    return code;
}

static int compare(const struct arguments *args)
{
    struct diff_result result;
    struct fault fault = {0};
    if (args->word_count != 2) {
        (void)fprintf(stderr, "hawse: replay --diff needs two captures\n");
        return EXIT_USAGE;
    }
    if (diff_captures(args->words[0], args->words[1], &result, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    if (result.differs)
        (void)printf("%s\n", result.text);
    else
        (void)printf("the same: %llu instances, %llu callbacks\n",
                     (unsigned long long)result.instances, (unsigned long long)result.callbacks);
    return result.differs ? EXIT_TROUBLE : EXIT_GOOD;
}

int command_replay(const struct arguments *args)
{
    struct player_exchange exchanges[PLUGINS_MAX];
    char *buffers[PLUGINS_MAX] = {NULL};
    char *folder = args->path ? strdup(args->path) : NULL;
    struct player_options options = {.exchanges = exchanges,
                                     .exchange_count = args->plugin_count,
                                     .only = args->instance,
                                     .folders = &folder,
                                     .folder_count = folder ? 1 : 0,
                                     .out = args->out};
    int code = EXIT_USAGE;
    if (args->diff)
        code = compare(args);
    else if (args->word_count != 1)
        (void)fprintf(stderr, "hawse: replay needs one capture\n");
    else if (parse_speed(args->speed, &options.speed) && parse_lanes(args, &options.lanes) &&
             parse_isolation(args->isolation, &options.isolation) &&
             parse_time("from", args->from, &options.from_ns) &&
             parse_time("to", args->to, &options.to_ns) &&
             parse_exchanges(args, exchanges, buffers))
        code = play(args, &options);
    for (size_t i = 0; i < args->plugin_count; i++)
        free(buffers[i]);
    free(folder);
    return code;
}
