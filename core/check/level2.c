/* Level 2: events, in every number and shape that the ABI allows. */
#include "check/cases.h"

#include "bus/bus.h"

#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN_KIND = 0x7ffe };

void check_batch(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    k->batch = arg > 0 ? (uint32_t)arg : k->batch;
    if (arg == 0) {
        const hawse_event_t *none[1] = {NULL};
        int32_t took = kit_call_events(k, none, 0);
        if (took != 0)
            check_fail(run, "on_events was given no event and answered %d", took);
    }
    for (int i = 0; i < 4; i++) {
        script_push(&s, HAWSE_BATCH_MAX);
        kit_deliver(k);
    }
    case_done(run, k);
}

static void push_kind(struct kit *k, uint16_t space, uint16_t kind)
{
    static const uint8_t zeros[64] = {0};
    hawse_event_t e = {.size = sizeof(e),
                       .space = space,
                       .kind = kind,
                       .source = space == HAWSE_SPACE_HOST ? 0 : SCRIPT_SOURCE,
                       .seq = 1,
                       .data = zeros,
                       .len = sizeof(zeros)};
    kit_push(k, &e);
}

/* arg: a space whose kind nobody knows; 0: each that the plugin has subscribed to as a whole */
void check_kind(struct check_run *run, int arg)
{
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    script_tour(&s, 2);
    if (arg != 0)
        push_kind(k, (uint16_t)arg, UNKNOWN_KIND);
    else if (script_of_kind(&s, 0, UNKNOWN_KIND, &e))
        kit_push(k, &e.event);
    else
        check_skip(run, "it subscribes to single kinds only");
    script_tour(&s, 2);
    case_done(run, k);
}

void check_header_newer(struct check_run *run, int arg)
{
    struct {
        hawse_event_t event;
        uint8_t newer[64];
    } e;
    struct script s;
    struct script_event made;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 8; i++) {
        if (!script_range(&s, HAWSE_STREAM_EVENT_FINAL, 0, 1, 2, &made) || i % 2 == 0)
            push_kind(k, HAWSE_SPACE_HOST, UNKNOWN_KIND - 3);
        else
            (void)script_next(&s, &made);
        memset(&e, 0xa5, sizeof(e));
        e.event = made.event;
        if (k->sub_count == 0)
            e.event = (hawse_event_t){.space = HAWSE_SPACE_HOST, .kind = UNKNOWN_KIND - 3};
        e.event.size = sizeof(e);
        const hawse_event_t *list[1] = {&e.event};
        if (kit_call_events(k, list, 1) < 0)
            check_fail(run, "an event whose header has %zu bytes ended the instance: %s", sizeof(e),
                       k->error);
    }
    case_done(run, k);
}

/* Records without anything behind them, 32 bytes longer than this SDK knows them. */
void check_record_newer(struct check_run *run, int arg)
{
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 64; i++) {
        bool some = i % 4 == 0 ? script_range(&s, HAWSE_STREAM_EVENT_FINAL, 0, 1, 2, &e)
                               : script_next(&s, &e);
        uint32_t size = 0;
        if (!some)
            break;
        memcpy(&size, e.data, sizeof(size));
        if (size == e.event.len && size + 32 <= SCRIPT_RECORD) {
            memset(e.data + size, 0xa5, 32);
            size += 32;
            memcpy(e.data, &size, sizeof(size));
            e.event.len = size;
        }
        kit_push(k, &e.event);
        kit_pass(k, KIT_MS);
    }
    case_done(run, k);
}

void check_record_exact(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    k->exact = true;
    script_init(&s, k, run->seed);
    script_tour(&s, 24);
    case_done(run, k);
}

/* Records of kinds that have grown since they were first released, as they were then. */
void check_record_older(struct check_run *run, int arg)
{
    static const uint16_t grown[][2] = {{HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO},
                                        {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT}};
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    k->exact = true;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 64; i++) {
        if (!script_of_kind(&s, grown[i % 2][0], grown[i % 2][1], &e))
            continue;
        uint32_t size = kit_record_min(e.event.space, e.event.kind);
        if (e.event.space == HAWSE_SPACE_SOLANA) {
            hawse_solana_account_t *a = (void *)e.data;
            a->data_offset = size;
            a->data_len = 0;
        }
        memcpy(e.data, &size, sizeof(size));
        e.event.len = size;
        kit_push(k, &e.event);
        kit_pass(k, KIT_MS);
    }
    case_done(run, k);
}

void check_large(struct check_run *run, int arg)
{
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    uint8_t *bytes = calloc(1, 1 << 20);
    (void)arg;
    if (k && bytes) {
        script_init(&s, k, run->seed);
        memset(bytes, '[', 1 << 20); /* nested as deep as it is long */
        for (uint32_t i = 0; i < k->stream_count; i++)
            kit_frame(k, kit_handle(k, KIT_H_STREAM, i), bytes, 1 << 20, false);
        if (script_of_kind(&s, 0, UNKNOWN_KIND - 1, &e)) {
            e.event.data = bytes;
            e.event.len = BUS_RECORD_MAX;
            kit_push(k, &e.event);
        }
        kit_pass(k, KIT_SECOND);
        case_done(run, k);
    }
    free(bytes);
}

void check_empty(struct check_run *run, int arg)
{
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (uint32_t i = 0; i < k->stream_count; i++)
        kit_frame(k, kit_handle(k, KIT_H_STREAM, i), "", 0, false);
    if (script_of_kind(&s, 0, UNKNOWN_KIND - 2, &e)) {
        e.event.data = NULL;
        e.event.len = 0;
        kit_push(k, &e.event);
    }
    kit_pass(k, KIT_SECOND);
    case_done(run, k);
}

void check_twice(struct check_run *run, int arg)
{
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 100 && script_next(&s, &e); i++) {
        kit_push(k, &e.event);
        kit_push(k, &e.event);
        kit_pass(k, KIT_MS);
    }
    case_done(run, k);
}

void check_order(struct check_run *run, int arg)
{
    struct script s;
    struct script_event *group = calloc(8, sizeof(group[0]));
    struct kit *k = group ? case_live(run) : NULL;
    (void)arg;
    if (k) {
        script_init(&s, k, run->seed);
        for (int i = 0; i < 12; i++) {
            int n = 0;
            while (n < 8 && script_next(&s, &group[n]))
                n++;
            while (n-- > 0) { /* the newest first */
                group[n].event.data = group[n].data;
                kit_push(k, &group[n].event);
            }
            kit_pass(k, KIT_MS);
        }
        case_done(run, k);
    }
    free(group);
}

void check_extremes(struct check_run *run, int arg)
{
    struct script s;
    struct script_event e;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    script_init(&s, k, run->seed);
    for (uint32_t i = 0; i < 64 && script_next(&s, &e); i++) {
        bool keyed = k->subs[0].spec.flags & HAWSE_SUB_KEYED;
        e.event.seq = i & 1 ? UINT64_MAX : 0;
        e.event.t_recv_ns = i & 2 ? UINT64_MAX : 0;
        e.event.t_source_ns = i & 4 ? UINT64_MAX : 0;
        e.event.epoch = i & 8 ? UINT32_MAX : 0;
        e.event.stream = i & 16 ? BUS_STREAMS - 1 : 0;
        e.event.source = i & 32 ? UINT32_MAX : e.event.source;
        if (!keyed)
            e.event.key = i & 1 ? UINT64_MAX : 0;
        kit_push(k, &e.event);
        kit_pass(k, KIT_MS);
    }
    case_done(run, k);
}

void check_kept(struct check_run *run, int arg)
{
    uint64_t words[2] = {0, 0};
    (void)arg;
    for (int i = 0; i < 2; i++) {
        struct script s;
        struct kit *k = case_live(run);
        if (!k)
            return;
        k->blot = i ? 0x11 : 0xdb;
        script_init(&s, k, run->seed);
        script_tour(&s, 24);
        words[i] = k->words;
        case_done(run, k);
    }
    if (words[0] != words[1])
        check_fail(run, "what it does depends on bytes of events that were no longer its to read");
}

void check_partial(struct check_run *run, int arg)
{
    uint64_t published[2] = {0, 0};
    (void)arg;
    for (int i = 0; i < 2; i++) {
        struct script s;
        struct kit *k = case_live(run);
        if (!k)
            return;
        if (i == 1)
            k->fault = (struct kit_fault){.call = KIT_SUB_PUBLISH,
                                          .first = 1,
                                          .last = UINT64_MAX,
                                          .code = HAWSE_E_AGAIN,
                                          .every = 3};
        script_init(&s, k, run->seed);
        script_tour(&s, 24);
        kit_pass(k, KIT_SECOND);
        published[i] = k->published;
        if (kit_waiting(k) > 0)
            check_fail(run, "%u events were never taken though publish worked again",
                       kit_waiting(k));
        case_done(run, k);
    }
    if (published[0] == 0)
        check_skip(run, "it published nothing");
    else if (published[0] != published[1])
        check_fail(run, "published %llu events, but %llu when publish sometimes said AGAIN",
                   (unsigned long long)published[0], (unsigned long long)published[1]);
}

void check_bad_text(struct check_run *run, int arg)
{
    static const char bad[] = "caf\xe9 \xff\xfe \xed\xa0\x80 \xf0\x28\x8c\x28 {\"error\":\"\xc3\"}";
    struct script s;
    struct kit *k = case_live(run);
    (void)arg;
    if (!k)
        return;
    k->answers.body = bad;
    script_init(&s, k, run->seed);
    for (int i = 0; i < 4; i++) {
        for (uint32_t n = 0; n < k->stream_count; n++) {
            kit_frame(k, kit_handle(k, KIT_H_STREAM, n), bad, sizeof(bad) - 1, false);
            kit_connect(k, kit_handle(k, KIT_H_STREAM, n), false, HAWSE_E_IO, bad);
            kit_connect(k, kit_handle(k, KIT_H_STREAM, n), true, HAWSE_OK, "");
        }
        script_tour(&s, 4);
    }
    if (k->broken[KIT_RULE_TEXT][0])
        check_fail(run, "%s", k->broken[KIT_RULE_TEXT]);
    case_done(run, k);
}

/* arg: a rule of the kit, over a tour in which requests are answered, then refused */
void check_rule(struct check_run *run, int arg)
{
    struct script s;
    struct kit *k = case_live(run);
    if (!k)
        return;
    script_init(&s, k, run->seed);
    script_tour(&s, 12);
    k->answers.status = HAWSE_OK;
    k->answers.body = NULL;
    script_tour(&s, 12);
    kit_pass(k, 5 * KIT_SECOND);
    if (k->ended == HAWSE_OK && k->started)
        (void)kit_stop(k);
    kit_destroy(k);
    if (k->broken[arg][0])
        check_fail(run, "%s", k->broken[arg]);
    if (arg == KIT_RULE_LATE) { /* somebody may be left who calls */
        struct timespec moment = {.tv_nsec = 50000000};
        (void)nanosleep(&moment, NULL);
        if (k->broken[arg][0])
            check_fail(run, "%s", k->broken[arg]);
    } else {
        kit_free(k);
    }
}
