/* Levels 6 and 7: what it costs, and nonsense. */
#include "check/cases.h"

#include "bus/bus.h"
#include "check/hooks.h"

#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/position.h>
#include <hawse/space/solana.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { EVENTS = 20000, WARM_EVENTS = 4000, CPU_LIMIT_NS = 200000000, FUZZED = 13 };

/* ---- level 6 ---- */

struct cost {
    uint64_t batches, events, p99_ns, heap, allocations, blocked, lines;
};

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t heap_now(void)
{
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

/* Many events in batches of 16, as fast as it takes them; counted when it is warm. */
static void spend(struct kit *k, struct script *s, struct cost *cost)
{
    enum { BATCH = 16, MOST = EVENTS / BATCH };
    static const uint32_t batch = BATCH;
    uint64_t *times = calloc(MOST, sizeof(times[0])), total = 0, heap = 0, lines = 0;
    struct rusage before, after;
    k->batch = batch;
    for (uint64_t i = 0; times && i < MOST && total < CPU_LIMIT_NS && k->ended == HAWSE_OK; i++) {
        if (i == WARM_EVENTS / BATCH) {
            heap = heap_now();
            lines = k->calls[KIT_LOG];
            hooks_reset(0);
            (void)getrusage(RUSAGE_THREAD, &before);
        }
        script_push(s, batch);
        script_frames(s);
        k->worst_cpu_ns = 0;
        kit_pass(k, KIT_SECOND / 10);
        if (i < WARM_EVENTS / BATCH)
            continue;
        times[cost->batches++] = k->worst_cpu_ns / batch;
        cost->events += batch;
        total += k->worst_cpu_ns;
    }
    if (cost->batches > 0) {
        (void)getrusage(RUSAGE_THREAD, &after);
        qsort(times, cost->batches, sizeof(times[0]), by_size);
        cost->p99_ns = times[cost->batches * 99 / 100];
        cost->heap = heap_now() > heap ? heap_now() - heap : 0;
        cost->allocations = hooks_counts().allocations;
        cost->blocked = (uint64_t)(after.ru_nvcsw - before.ru_nvcsw);
        cost->lines = k->calls[KIT_LOG] - lines;
    }
    free(times);
}

enum { COST_TIME, COST_BLOCKED, COST_ALLOCATIONS, COST_HEAP };

void check_cost(struct check_run *run, int arg)
{
    struct script s;
    struct cost cost = {0};
    struct kit *k;
    if (arg == COST_ALLOCATIONS && !hooks_install(run->library->dl)) {
        check_skip(run, "its import table cannot be read");
        return;
    }
    k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    spend(k, &s, &cost);
    double each = cost.events ? 1.0 / (double)cost.events : 0;
    if (arg == COST_TIME) {
        check_figure(run, "p99 ns of CPU per event", (double)cost.p99_ns);
        if (cost.p99_ns > 100000)
            check_fail(run, "an event takes %.0f us of CPU (p99): a batch of 64 would take %.1f ms",
                       (double)cost.p99_ns / 1e3, (double)cost.p99_ns * 64 / 1e6);
    } else if (arg == COST_BLOCKED) {
        if (cost.blocked > 5)
            check_fail(run,
                       "its callbacks waited %llu times for something while the lane stood "
                       "still",
                       (unsigned long long)cost.blocked);
    } else if (arg == COST_ALLOCATIONS) {
        check_figure(run, "allocations per event", (double)cost.allocations * each);
        if ((double)cost.allocations * each > 8)
            check_fail(run, "it allocates %.1f times per event when it is warm",
                       (double)cost.allocations * each);
    } else {
        check_figure(run, "bytes of heap kept per event", (double)cost.heap * each);
        if ((double)cost.heap * each > 16)
            check_fail(run, "it keeps %.0f bytes of heap for every event, without an end",
                       (double)cost.heap * each);
    }
    case_done(run, k);
}

void check_lines(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 100; i++) {
        script_push(&s, 2);
        kit_pass(k, 100 * KIT_MS);
    }
    double rate = (double)k->calls[KIT_LOG] / 10;
    check_figure(run, "lines of log a second at 20 events a second", rate);
    if (rate > 100)
        check_fail(run, "%.0f lines of log a second; the host leaves out what is above 100", rate);
    case_done(run, k);
}

void check_weight(struct check_run *run, int arg)
{
    uint64_t before = heap_now();
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    double mib = (double)(heap_now() - before) / (1 << 20);
    check_figure(run, "MiB of heap of an instance", mib);
    if (mib > 64)
        check_fail(run, "an instance to which nothing has happened yet has %.0f MiB", mib);
    case_done(run, k);
}

/* ---- level 7 ---- */

/* The part of a record whose bytes are plain values: no offset, count or length that host and
 * source answer for. */
static void plain_part(const struct script_event *e, uint64_t *from, uint64_t *to)
{
    uint32_t size = kit_record_min(e->event.space, e->event.kind);
    *from = 8;
    *to = size;
    if (e->event.space == HAWSE_SPACE_EVM && e->event.kind == HAWSE_EVM_LOG)
        *from = offsetof(hawse_evm_log_t, address);
    if (e->event.space == HAWSE_SPACE_SOLANA && e->event.kind != HAWSE_SOLANA_SLOT &&
        e->event.kind != HAWSE_SOLANA_ROLLBACK)
        *to = 16;
    if (e->event.space == HAWSE_SPACE_MARKET &&
        (e->event.kind == HAWSE_MARKET_BOOK_SNAPSHOT || e->event.kind == HAWSE_MARKET_BOOK_DELTA))
        *from = offsetof(hawse_market_book_t, market);
    if (e->event.space == HAWSE_SPACE_MARKET && e->event.kind == HAWSE_MARKET_POOL_TOKENS)
        *from = offsetof(hawse_market_pool_tokens_t, market);
    if (e->event.space == HAWSE_SPACE_POSITION && e->event.kind == HAWSE_POSITION_CONDITION)
        *from = offsetof(hawse_position_condition_t, condition);
    else if (e->event.space == HAWSE_SPACE_POSITION && e->event.kind != HAWSE_POSITION_PROPOSAL)
        *from = offsetof(hawse_position_change_t, owner);
}

static void shake(struct script *s, struct script_event *e)
{
    uint64_t from, to;
    plain_part(e, &from, &to);
    e->event.source = FUZZED;
    e->event.seq = script_random(s);
    e->event.epoch = (uint32_t)script_random(s) & 0xffff;
    e->event.flags = script_random(s) % 8 == 0 ? HAWSE_EVENT_REMOVED : 0;
    for (uint64_t i = script_random(s) % 24; i > 0 && to > from; i--) {
        static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
        uint64_t r = script_random(s);
        e->data[from + r % (to - from)] =
            r & (UINT64_C(1) << 40) ? edges[(r >> 32) % sizeof(edges)] : (uint8_t)(r >> 48);
    }
}

static void fuzz_known(struct script *s)
{
    struct script_event e;
    if (script_next(s, &e)) {
        shake(s, &e);
        kit_push(s->k, &e.event);
    }
}

static void fuzz_unknown(struct script *s)
{
    struct script_event e;
    if (!script_of_kind(s, 0, (uint16_t)(100 + script_random(s) % 4000), &e))
        return;
    e.event.source = FUZZED;
    e.event.len = 1 + script_random(s) % 1024;
    for (uint64_t i = 0; i < e.event.len; i += 8) {
        uint64_t r = script_random(s);
        memcpy(e.data + i, &r, sizeof(r));
    }
    kit_push(s->k, &e.event);
}

/* Text of words that JSON and venues use, sometimes well-formed. */
static uint64_t nonsense(struct script *s, char *out, uint64_t cap)
{
    static const char *const words[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ":",
                                        ",",
                                        "\"",
                                        "\"id\":",
                                        "\"result\":",
                                        "null",
                                        "true",
                                        "1e999",
                                        "-0",
                                        "\"0x",
                                        "ffffffffffffffffffffffffffffffffffffffff",
                                        "\"method\":",
                                        "\"params\":",
                                        "\"error\":",
                                        "\"jsonrpc\":\"2.0\"",
                                        "\\u0000",
                                        "\\ud800",
                                        "18446744073709551616",
                                        "\"asset_id\":",
                                        "\"price\":\"0.5\"",
                                        "\"slot\":",
                                        "\"number\":\"0x10\"",
                                        " ",
                                        "\"",
                                        "{}",
                                        "[]",
                                        "\"\"",
                                        "0"};
    uint64_t len = 0, count = 1 + script_random(s) % 40;
    for (uint64_t i = 0; i < count; i++) {
        const char *word = words[script_random(s) % (sizeof(words) / sizeof(words[0]))];
        uint64_t n = strlen(word);
        if (len + n > cap)
            break;
        memcpy(out + len, word, n);
        len += n;
    }
    return len;
}

static void fuzz_text(struct script *s)
{
    char text[2048];
    for (uint32_t i = 0; i < s->k->stream_count; i++)
        kit_frame(s->k, kit_handle(s->k, KIT_H_STREAM, i), text, nonsense(s, text, sizeof(text)),
                  false);
}

static void fuzz_binary(struct script *s)
{
    uint64_t bytes[64];
    for (uint32_t i = 0; i < s->k->stream_count; i++) {
        for (size_t n = 0; n < 64; n++)
            bytes[n] = script_random(s);
        kit_frame(s->k, kit_handle(s->k, KIT_H_STREAM, i), bytes, 65 + script_random(s) % 440,
                  true);
    }
}

enum { FUZZ_KNOWN, FUZZ_UNKNOWN, FUZZ_TEXT, FUZZ_BINARY, FUZZ_BODY, FUZZ_ALL };

/* One round of one kind of nonsense. */
static void fuzz(struct script *s, int what, char *body, uint64_t cap)
{
    static const int32_t codes[] = {HAWSE_E_RANGE, HAWSE_E_IO, HAWSE_E_CANCELED};
    switch (what) {
    case FUZZ_KNOWN:
        fuzz_known(s);
        break;
    case FUZZ_UNKNOWN:
        fuzz_unknown(s);
        break;
    case FUZZ_TEXT:
        fuzz_text(s);
        break;
    case FUZZ_BINARY:
        fuzz_binary(s);
        break;
    case FUZZ_BODY:
        s->k->answers = (struct kit_answers){.status = HAWSE_OK,
                                             .body = body,
                                             .body_len = nonsense(s, body, cap),
                                             .last_step = HAWSE_INTENT_CONFIRMED};
        break;
    default:
        s->k->fault = (struct kit_fault){.call = KIT_CALL_ANY,
                                         .first = 1,
                                         .last = UINT64_MAX,
                                         .code = codes[script_random(s) % 3],
                                         .every = 2 + script_random(s) % 9};
        script_push(s, 4);
        script_frames(s);
        for (uint32_t i = 0; i < s->k->stream_count; i++)
            kit_connect(s->k, kit_handle(s->k, KIT_H_STREAM, i), script_random(s) % 3 != 0,
                        HAWSE_E_IO, "flaps");
        break;
    }
}

/* arg: of which kind; what the plugin answers is its own affair, but it comes back */
void check_fuzz(struct check_run *run, int arg)
{
    enum { ROUNDS = 400 };
    char body[2048];
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    script_tour(&s, 4);
    uint64_t before = k->delivered;
    for (int i = 0; i < ROUNDS; i++) {
        fuzz(&s, arg, body, sizeof(body));
        if (i % 2 == 1) /* two at once, so that batches are no singles */
            kit_pass(k, (arg == FUZZ_BODY ? 200 : 20) * KIT_MS);
        k->ended = HAWSE_OK; /* it may give up; then it is told the rest all the same */
    }
    k->fault.code = 0;
    if (k->delivered - before < ROUNDS / 2 && arg != FUZZ_BODY)
        check_skip(run, "nothing of that kind reaches it");
    if (arg == FUZZ_BODY && k->request_count == 0)
        check_skip(run, "it asks nothing");
    case_done(run, k);
}
