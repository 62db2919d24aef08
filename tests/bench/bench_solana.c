/*
 * What one notification of a Solana node costs in the whole plugin, from the frame's bytes to the
 * record that it publishes: subscription found, text read, base64 and base58 decoded, compared with
 * what was told, published. The host does nothing (quiethost.h).
 *
 *   bench-solana FILE [ROUNDS]
 *
 * FILE has one frame a line, with "SLOT" where its slot stands: each round writes others there, so
 * that every frame is news. The subscriptions are those of bench_solana.mjs: number 0 slots, 1 the
 * account, 2 the logs. Prints the median of nanoseconds of CPU a frame over the rounds: what
 * others do on the machine counts less so.
 */
#include "quiethost.h"

#include <hawse/service/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host);

enum { FRAMES = 1000, LINE = 16384, ROUNDS_MAX = 1000 };

static struct quiethost world;
static void *state;

static double clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void give(uint16_t kind, const void *data, uint64_t len)
{
    const hawse_event_t event = {
        .size = sizeof(event), .space = HAWSE_SPACE_HOST, .kind = kind, .data = data, .len = len};
    const hawse_event_t *list[] = {&event};
    world.now += 1000;
    if (hawse_plugin_v1(&world.host)->on_events(state, list, 1) != 1)
        abort();
}

static void give_text(const char *text)
{
    static uint8_t padded[LINE + HAWSE_PADDING];
    memset(padded, 0, sizeof(padded));
    memcpy(padded, text, strlen(text));
    give(HAWSE_HOST_FRAME, padded, strlen(text));
}

/* An instance whose stream is open and whose subscriptions are confirmed. */
static void start(const char *settings)
{
    hawse_view_t config = {(const uint8_t *)settings, strlen(settings)};
    hawse_host_stream_state_t open = {.size = sizeof(open), .state = HAWSE_STREAM_OPEN};
    char text[128];
    quiethost_init(&world, 1000000000u);
    if (hawse_plugin_v1(&world.host)->create(&world.host, 1, config, &state) != HAWSE_OK ||
        hawse_plugin_v1(&world.host)->start(state) != HAWSE_OK)
        abort();
    give(HAWSE_HOST_STREAM_STATE, &open, sizeof(open));
    static const unsigned ids[] = {0, 9, 1, 2}; /* slots, roots, the account, the logs */
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"result\":%u,\"id\":%u}", ids[i],
                       i + 1);
        give_text(text);
    }
}

/* The line with a slot in place of "SLOT", and one before it in place of "PARENT"; a signature
 * ("SIGN", its last four digits) of its own. */
static uint64_t fill_in(const char *line, uint64_t slot, uint8_t *out)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    uint64_t len = 0;
    for (const char *at = line; *at && *at != '\n';) {
        if (strncmp(at, "SLOT", 4) == 0) {
            len += (uint64_t)snprintf((char *)out + len, 24, "%llu", (unsigned long long)slot);
            at += 4;
        } else if (strncmp(at, "PARENT", 6) == 0) {
            len += (uint64_t)snprintf((char *)out + len, 24, "%llu", (unsigned long long)slot - 1);
            at += 6;
        } else if (strncmp(at, "SIGN", 4) == 0) {
            uint64_t n = slot;
            for (int i = 0; i < 4; i++, n /= 58)
                out[len++] = (uint8_t)digits[n % 58];
            at += 4;
        } else {
            out[len++] = (uint8_t)*at++;
        }
    }
    return len;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(const char *line, unsigned rounds, uint64_t *slot)
{
    static uint8_t *frames[FRAMES];
    static uint64_t lens[FRAMES];
    static double times[ROUNDS_MAX];
    char name[64] = "?";
    (void)sscanf(strstr(line, "\"method\":\""), "\"method\":\"%63[a-zA-Z]", name);
    uint64_t before = world.published;
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < FRAMES; i++) {
            if (!frames[i])
                frames[i] = calloc(1, LINE + HAWSE_PADDING);
            lens[i] = fill_in(line, ++*slot, frames[i]);
        }
        double begin = clock_ns();
        for (unsigned i = 0; i < FRAMES; i++)
            give(HAWSE_HOST_FRAME, frames[i], lens[i]);
        times[r] = (clock_ns() - begin) / FRAMES;
    }
    qsort(times, rounds, sizeof(times[0]), by_value);
    (void)printf("%s %llu bytes %.0f ns, %llu of %u published\n", name, (unsigned long long)lens[0],
                 times[rounds / 2], (unsigned long long)(world.published - before),
                 rounds * FRAMES);
}

int main(int argc, char **argv)
{
    static char line[LINE], settings[LINE];
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 50;
    uint64_t slot = 1000;
    FILE *f = argc > 1 ? fopen(argv[1], "re") : NULL;
    if (!f || rounds == 0 || rounds > ROUNDS_MAX || !fgets(settings, sizeof(settings), f)) {
        (void)fprintf(stderr, "usage: bench-solana FILE [ROUNDS]; FILE begins with settings\n");
        return 2;
    }
    start(settings);
    while (fgets(line, sizeof(line), f))
        measure(line, rounds, &slot);
    (void)fclose(f);
    hawse_plugin_v1(&world.host)->destroy(state);
    return 0;
}
