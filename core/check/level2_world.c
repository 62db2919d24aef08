/* Level 2, continued: what happens to sources, connections and clocks, and is told as events. */
#include "check/cases.h"

#include <hawse/space/host.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400 };

/* ---- continuity ---- */

struct told {
    uint16_t kind;
    uint32_t reason;
    uint64_t from, to; /* positions before the newest; to: UINT64_MAX = open */
};

static const struct told healed[] = {
    {HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_DISCONNECTED, 8, 4},
    {HAWSE_STREAM_EVENT_RECOVERING, HAWSE_REASON_DISCONNECTED, 8, 4},
    {HAWSE_STREAM_EVENT_HEALED, HAWSE_REASON_DISCONNECTED, 8, 4},
    {0, 0, 0, 0}};
static const struct told unhealable[] = {
    {HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_REJECTED, 8, 4},
    {HAWSE_STREAM_EVENT_UNHEALABLE, HAWSE_REASON_REJECTED, 8, 4},
    {0, 0, 0, 0}};
static const struct told open_ended[] = {
    {HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_SILENT, 2, UINT64_MAX},
    {HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_SILENT, 2, UINT64_MAX}, /* told again */
    {HAWSE_STREAM_EVENT_HEALED, HAWSE_REASON_SILENT, 2, 0},
    {0, 0, 0, 0}};
static const struct told out_of_turn[] = {/* what never began ends, what began never does */
                                          {HAWSE_STREAM_EVENT_HEALED, HAWSE_REASON_MISSING, 3, 1},
                                          {HAWSE_STREAM_EVENT_LIVE, HAWSE_REASON_START, 0, 0},
                                          {HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_MISSING, 3, 1},
                                          {HAWSE_STREAM_EVENT_LIVE, HAWSE_REASON_START, 0, 0},
                                          {0, 0, 0, 0}};
static const struct told final[] = {{HAWSE_STREAM_EVENT_FINAL, 0, 900, 20},
                                    {HAWSE_STREAM_EVENT_FINAL, 0, 900, 20},
                                    {HAWSE_STREAM_EVENT_FINAL, 0, 20, 0},
                                    {0, 0, 0, 0}};
static const struct told overflow[] = {{HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_OVERFLOW, 5, 2},
                                       {0, 0, 0, 0}};
static const struct told unknown_reason[] = {
    {HAWSE_STREAM_EVENT_GAP, 4711, 8, 4}, {HAWSE_STREAM_EVENT_HEALED, 4711, 8, 4}, {0, 0, 0, 0}};

void check_range(struct check_run *run, int arg)
{
    static const struct told *const stories[] = {healed, unhealable, open_ended,    out_of_turn,
                                                 final,  overflow,   unknown_reason};
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    script_tour(&s, 4);
    for (const struct told *t = stories[arg]; t->kind; t++) {
        uint64_t to = t->to == UINT64_MAX ? HAWSE_POSITION_OPEN : s.block - t->to;
        if (!script_range(&s, t->kind, t->reason, s.block - t->from, to, &e))
            break;
        if (t->reason == HAWSE_REASON_OVERFLOW)
            e.event.flags = HAWSE_EVENT_LOCAL;
        kit_push(k, &e.event);
        script_tour(&s, 2);
    }
    script_tour(&s, 4);
    case_done(run, k);
}

/* arg: how deep; 0: what was never told is taken back */
void check_retract(struct check_run *run, int arg)
{
    struct script s;
    int depth = arg ? arg : 1;
    struct script_event *told = calloc((size_t)depth, sizeof(told[0]));
    struct kit *k = told ? case_live(run) : NULL;
    if (k) {
        int n = 0;
        script_init(&s, k, run->seed);
        script_tour(&s, 2);
        while (n < depth && script_next(&s, &told[n])) {
            told[n].event.data = told[n].data;
            if (arg)
                kit_push(k, &told[n].event);
            n++;
        }
        kit_pass(k, KIT_MS);
        script_push_range(&s, HAWSE_STREAM_EVENT_RETRACT, HAWSE_REASON_REORG,
                          s.block - (uint64_t)depth + 1, s.block);
        while (n-- > 0) { /* newest first */
            told[n].event.flags |= HAWSE_EVENT_REMOVED;
            told[n].event.seq = ++k->seq[told[n].event.stream];
            kit_push(k, &told[n].event);
        }
        kit_pass(k, KIT_MS);
        script_tour(&s, 4);
        case_done(run, k);
    }
    free(told);
}

/* ---- clocks ---- */

void check_clock(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    script_tour(&s, 4);
    if (arg > 0) {
        k->now_ns += DAY_S * KIT_SECOND; /* the machine slept; timers are late by a day */
        k->utc_ns += DAY_S * KIT_SECOND;
    } else {
        k->utc_ns -= DAY_S * KIT_SECOND; /* somebody set it back; the monotonic one goes on */
    }
    script_tour(&s, 8);
    case_done(run, k);
}

/* ---- what is over and still comes ---- */

static void push(struct kit *k, uint16_t space, uint16_t kind, uint64_t key, const void *record,
                 uint64_t len)
{
    hawse_event_t e = {
        .size = sizeof(e), .space = space, .kind = kind, .key = key, .data = record, .len = len};
    kit_push(k, &e);
}

enum { STALE_ANSWER, STALE_TIMER, STALE_STREAM, STALE_STEP, STALE_POST };

static void push_stale(struct kit *k, int what)
{
    hawse_host_rpc_done_t rpc = {.size = sizeof(rpc), .request = UINT64_C(0x7700000000fe)};
    hawse_host_http_done_t http = {.size = sizeof(http), .request = UINT64_C(0x7700000000fe)};
    hawse_host_timer_t timer = {.size = sizeof(timer), .timer = 77, .tag = 77};
    hawse_host_post_t post = {.size = sizeof(post), .token = UINT64_C(0xdeadbeef)};
    hawse_intent_step_t step = {
        .size = sizeof(step), .step = HAWSE_INTENT_SENT, .intent = 77, .tag = 77};
    hawse_host_stream_state_t state = {
        .size = sizeof(state), .state = HAWSE_STREAM_CLOSED, .stream = 77};
    switch (what) {
    case STALE_ANSWER:
        push(k, HAWSE_SPACE_HOST, HAWSE_HOST_RPC_DONE, rpc.request, &rpc, sizeof(rpc));
        push(k, HAWSE_SPACE_HOST, HAWSE_HOST_HTTP_DONE, http.request, &http, sizeof(http));
        break;
    case STALE_TIMER:
        push(k, HAWSE_SPACE_HOST, HAWSE_HOST_TIMER, timer.timer, &timer, sizeof(timer));
        break;
    case STALE_STREAM:
        push(k, HAWSE_SPACE_HOST, HAWSE_HOST_STREAM_STATE, state.stream, &state, sizeof(state));
        push(k, HAWSE_SPACE_HOST, HAWSE_HOST_FRAME, state.stream, "{}", 2);
        break;
    case STALE_STEP:
        push(k, HAWSE_SPACE_INTENT, HAWSE_INTENT_STEP, step.intent, &step, sizeof(step));
        break;
    default:
        push(k, HAWSE_SPACE_HOST, HAWSE_HOST_POST, 0, &post, sizeof(post));
        break;
    }
}

void check_stale(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    script_tour(&s, 2);
    push_stale(k, arg);
    script_tour(&s, 2);
    case_done(run, k);
}

void check_flapping(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    kit_pass(k, KIT_SECOND);
    uint32_t streams = k->stream_count, timers = k->timer_count;
    for (int i = 0; i < 60 && k->ended == HAWSE_OK; i++) {
        for (uint32_t n = 0; n < streams; n++) {
            hawse_stream_t stream = kit_handle(k, KIT_H_STREAM, n);
            if (k->streams[n].gone)
                continue;
            kit_connect(k, stream, false, HAWSE_E_IO, "the peer hung up");
            kit_connect(k, stream, true, HAWSE_OK, "");
        }
        script_tour(&s, 1);
    }
    if (streams == 0)
        check_skip(run, "it opens no stream");
    if (k->stream_count > streams + 60)
        check_fail(run, "60 reconnects and it opened %u streams more", k->stream_count - streams);
    if (k->timer_count > timers + 30)
        check_fail(run, "60 reconnects left %u timers more", k->timer_count - timers);
    case_done(run, k);
}
