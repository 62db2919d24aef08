/*
 * What the WebSocket code costs without a socket: frames parsed a second by size, with and without
 * the UTF-8 check, with the check's two kernels, and the masking of what is sent. Owns its buffers;
 * prints medians of several runs. The buffer of 512 KB lies in L2, as what was just received does.
 */
#include "net/ws_build.h"
#include "net/ws_frame.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUFFER = 512 << 10, RUNS = 7 };
static const double RUN_SECONDS = 0.03;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Work over the whole buffer once; returns how many units it did. */
typedef size_t (*work_fn)(void *ctx);

/* Median nanoseconds of one unit. */
static double measure(work_fn work, void *ctx)
{
    double runs[RUNS];
    for (int run = 0; run < RUNS; run++) {
        size_t units = 0;
        double begin = now(), end;
        do {
            for (int i = 0; i < 8; i++)
                units += work(ctx);
            end = now();
        } while (end - begin < RUN_SECONDS);
        runs[run] = (end - begin) * 1e9 / (double)units;
    }
    qsort(runs, RUNS, sizeof(runs[0]), by_value);
    return runs[RUNS / 2];
}

struct frames {
    uint8_t *data; /* BUFFER + WS_SLACK */
    size_t len;
    struct ws_parser_options options;
    ws_ascii_run_fn ascii_run; /* NULL = the best of this CPU */
};

/* Fills the buffer with server frames of `size` bytes of text; one character in `every` bytes is
 * not ASCII (0 = none). */
static void fill(struct frames *f, size_t size, size_t every)
{
    f->len = 0;
    while (f->len + size + WS_HEADER_MAX <= BUFFER) {
        uint8_t *at = f->data + f->len;
        size_t head = size <= WS_CONTROL_MAX ? 2 : 4;
        at[0] = 0x81;
        at[1] = head == 2 ? (uint8_t)size : 126;
        if (head == 4) {
            at[2] = (uint8_t)(size >> 8);
            at[3] = (uint8_t)size;
        }
        for (size_t i = 0; i < size; i++)
            at[head + i] = (uint8_t)('0' + i % 64);
        for (size_t i = 0; every > 0 && i + 2 <= size; i += every)
            memcpy(at + head + i, "\xc3\xa9", 2);
        f->len += head + size;
    }
}

static size_t parse(void *ctx)
{
    struct frames *f = ctx;
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    struct ws_input in = {.data = f->data, .len = f->len};
    struct ws_message m;
    size_t messages = 0;
    ws_parser_init(&parser, &assembly, &f->options);
    if (f->ascii_run)
        parser.ascii_run = f->ascii_run;
    while (ws_parser_next(&parser, &in, &m) == WS_MESSAGE) {
        __asm__ volatile("" : : "r"(m.data), "r"(m.len) : "memory");
        messages++;
    }
    if (parser.failure.result != HAWSE_OK)
        abort();
    return messages;
}

struct masking {
    uint8_t *from, *to;
    size_t size;
};

static size_t build(void *ctx)
{
    struct masking *m = ctx;
    struct ws_frame_spec spec = {.opcode = WS_TEXT, .mask = 0x12345678};
    size_t len, frames = 0;
    for (size_t at = 0; at + m->size <= BUFFER / 4; at += m->size, frames++) {
        if (ws_build_frame(&spec, m->from + at, m->size, m->to, BUFFER, &len) != HAWSE_OK)
            abort();
        __asm__ volatile("" : : "r"(m->to), "r"(len) : "memory");
    }
    return frames;
}

static double parsed(struct frames *f, bool check, ws_ascii_run_fn kernel)
{
    f->options.trust_text = !check;
    f->ascii_run = kernel;
    return measure(parse, f);
}

int main(void)
{
    static const size_t sizes[] = {64, 125, 256, 1009, 4096, 16384};
    struct frames f = {.data = malloc(BUFFER + WS_SLACK)};
    struct masking m = {.from = malloc(BUFFER + WS_SLACK), .to = malloc(BUFFER + WS_SLACK)};
    if (!f.data || !m.from || !m.to)
        return 1;
    memset(m.from, 'x', BUFFER + WS_SLACK);
    (void)printf("ns a frame, [million frames/s], (GB/s of the check alone); AVX2: %s\n",
                 ws_utf8_has_avx2() ? "yes" : "no");
    (void)printf("%6s %16s %24s %24s %16s %12s\n", "bytes", "no check", "ASCII, best kernel",
                 "ASCII, base kernel", "5 % non-ASCII", "build");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        double n = (double)sizes[i];
        fill(&f, sizes[i], 0);
        double bare = parsed(&f, false, NULL), best = parsed(&f, true, NULL);
        double base = parsed(&f, true, ws_ascii_run_base);
        fill(&f, sizes[i], 40);
        double mixed = parsed(&f, true, NULL);
        m.size = sizes[i];
        double made = measure(build, &m);
        (void)printf(
            "%6zu %7.1f [%6.1f] %7.1f [%5.1f] (%5.1f) %7.1f [%5.1f] (%5.1f) %16.1f %12.1f\n",
            sizes[i], bare, 1e3 / bare, best, 1e3 / best, n / (best - bare), base, 1e3 / base,
            n / (base - bare), mixed, made);
    }
    free(f.data);
    free(m.from);
    free(m.to);
    return 0;
}
