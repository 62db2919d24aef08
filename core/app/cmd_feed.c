/*
 * `hawse feed SAMPLE`: a stand-in for a node or a venue, for the quickstart and for trying plugins
 * without a network.
 */
#include "app/app.h"

#include "app/feed/server.h"

#include <hawse/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A signal handler has no argument. */
static int quit;

static void on_signal(int sig)
{
    (void)sig;
    __atomic_store_n(&quit, 1, __ATOMIC_RELEASE);
}

static bool parse_listen(const char *text, char *host, size_t cap, int *port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= cap)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    char *end = NULL;
    long n = strtol(colon + 1, &end, 10);
    *port = (int)n;
    return *end == '\0' && n > 0 && n < 65536 &&
           (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0);
}

int command_feed(const struct arguments *args)
{
    char host[64];
    struct feed_options options = {.host = host, .speed = 1.0, .quit = &quit};
    struct fault fault = {0};
    if (args->word_count != 1) {
        (void)fprintf(stderr, "hawse: feed needs one sample file\n");
        return EXIT_USAGE;
    }
    if (!parse_listen(args->listen ? args->listen : "127.0.0.1:18545", host, sizeof(host),
                      &options.port)) {
        (void)fprintf(stderr,
                      "hawse: --listen %s: expected a loopback address and a port, such as "
                      "127.0.0.1:18545\n",
                      args->listen);
        return EXIT_USAGE;
    }
    if (args->speed && (options.speed = strtod(args->speed, NULL)) <= 0) {
        (void)fprintf(stderr, "hawse: --speed %s: expected a number above 0\n", args->speed);
        return EXIT_USAGE;
    }
    const struct feed_world *world = NULL;
    void *state = NULL;
    if (feed_world_load(args->words[0], &world, &state, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    int32_t code = feed_serve(world, state, &options, &fault);
    world->destroy(state);
    return code == HAWSE_OK ? EXIT_GOOD : app_fail(EXIT_TROUBLE, &fault);
}
