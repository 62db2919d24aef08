/*
 * Levels 5 and 6 of plugins that offer hawse.state/1: an instance is handed over to itself, in the
 * middle of what it does, and to bytes that nobody has saved. What is saved lies before a page that
 * cannot be read.
 */
#include "check/cases.h"

#include "check/hooks.h"

#include <hawse/service/state.h>
#include <hawse/space/stream.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, ROUNDS = 24, SPARE = 64 };

/* ---- memory with an end ---- */

struct room {
    uint8_t *at; /* HAWSE_STATE_MAX bytes and then none */
};

static bool room_make(struct check_run *run, struct room *room)
{
    void *at = mmap(NULL, HAWSE_STATE_MAX + PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || mprotect((uint8_t *)at + HAWSE_STATE_MAX, PAGE, PROT_NONE) != 0) {
        check_skip(run, "no memory");
        return false;
    }
    room->at = at;
    return true;
}

/* The bytes at the room's very end. */
static hawse_view_t at_the_end(const struct room *room, const uint8_t *bytes, uint64_t len)
{
    hawse_view_t view = {room->at + HAWSE_STATE_MAX - len, len};
    if (len > 0)
        memcpy(room->at + HAWSE_STATE_MAX - len, bytes, len);
    return view;
}

/* ---- an instance in the middle of what it does ---- */

struct trip {
    struct check_run *run;
    struct kit *k;
    struct script script;
    struct room room;
    uint8_t *saved; /* HAWSE_STATE_MAX bytes */
    uint64_t len;
};

static bool trip_begin(struct check_run *run, struct trip *t)
{
    *t = (struct trip){.run = run};
    t->k = case_live(run);
    if (!t->k)
        return false;
    if (!kit_state(t->k)) {
        check_skip(run, "it does not offer hawse.state/1");
        return false;
    }
    t->saved = malloc(HAWSE_STATE_MAX);
    if (!t->saved || !room_make(run, &t->room))
        return false;
    t->k->answers.delay_ns = 70 * KIT_MS; /* some questions are open whenever it is handed over */
    script_init(&t->script, t->k, run->seed);
    return true;
}

static void trip_end(struct trip *t)
{
    case_done(t->run, t->k);
    free(t->saved);
    (void)munmap(t->room.at, HAWSE_STATE_MAX + PAGE);
}

/* What is not over yet when a round ends: a gap in every fourth, connections that are lost in every
 * fifth. The next begins with their ends. */
static void unsettle(struct trip *t, int round)
{
    struct kit *k = t->k;
    for (uint32_t i = 0; i < k->stream_count && (round % 5 == 3 || round % 5 == 4); i++)
        kit_connect(k, kit_handle(k, KIT_H_STREAM, i), round % 5 == 4, HAWSE_E_IO, "flaps");
    if (round % 4 == 1)
        script_push_range(&t->script, HAWSE_STREAM_EVENT_GAP, HAWSE_REASON_DISCONNECTED, 100,
                          HAWSE_POSITION_OPEN);
    if (round % 4 == 2)
        script_push_range(&t->script, HAWSE_STREAM_EVENT_HEALED, HAWSE_REASON_DISCONNECTED, 100,
                          120);
    kit_pass(k, 10 * KIT_MS);
}

/* A while; in every third round there is no room for what it publishes when it ends. */
static void trip_round(struct trip *t, int round)
{
    unsettle(t, round);
    t->k->fault = (struct kit_fault){.code = 0};
    script_push(&t->script, 16);
    script_tour(&t->script, 1);
    kit_pass(t->k, 200 * KIT_MS);
    if (round % 3 != 2)
        return;
    t->k->fault = (struct kit_fault){
        .call = KIT_SUB_PUBLISH, .first = 1, .last = UINT64_MAX, .code = HAWSE_E_AGAIN};
    script_push(&t->script, 16);
    script_frames(&t->script);
    kit_pass(t->k, 3 * KIT_MS);
}

/* False: it could not be saved, and the case is judged. */
static bool trip_save(struct trip *t)
{
    int32_t code = kit_save(t->k, t->saved, HAWSE_STATE_MAX, &t->len);
    if (code < 0)
        check_fail(t->run, "save answered %d: %s", code, t->k->error);
    else if (t->len > HAWSE_STATE_MAX)
        check_fail(t->run, "save answered %d and needs %llu bytes, of %u", code,
                   (unsigned long long)t->len, HAWSE_STATE_MAX);
    return code >= 0 && t->len <= HAWSE_STATE_MAX;
}

/* What it has saved takes its place. */
static bool trip_exchange(struct trip *t)
{
    void *made = NULL;
    if (!trip_save(t))
        return false;
    int32_t code =
        kit_restore(t->k, t->run->settings, at_the_end(&t->room, t->saved, t->len), &made);
    memset(t->room.at + HAWSE_STATE_MAX - t->len, KIT_STALE, t->len); /* it was lent */
    if (code < 0) {
        check_fail(t->run, "restore answered %d to what save had just written: %s", code,
                   t->k->error);
        return false;
    }
    kit_part(t->k, t->k->state, made);
    return true;
}

struct trace {
    uint64_t hash, published;
};

typedef bool (*trip_step)(struct trip *t);

/* `step` (may be NULL) after each round. False: the case is judged. */
static bool travel(struct check_run *run, trip_step step, struct trace *trace)
{
    struct trip t;
    bool good = trip_begin(run, &t);
    for (int i = 0; good && i < ROUNDS; i++) {
        trip_round(&t, i);
        good = t.k->ended == HAWSE_OK && (!step || step(&t));
    }
    if (!good)
        return false;
    t.k->fault.code = 0;
    kit_pass(t.k, 2 * KIT_SECOND);
    *trace = (struct trace){t.k->hash, t.k->published};
    if (t.k->broken[KIT_RULE_SWAP][0] && step)
        check_skip(run, "case 513 has to pass first");
    trip_end(&t);
    return run->note->verdict == CHECK_PASS;
}

void check_hand_over(struct check_run *run, int arg)
{
    struct trace stayed, moved;
    (void)arg;
    if (!travel(run, NULL, &stayed) || !travel(run, trip_exchange, &moved))
        return;
    if (stayed.hash != moved.hash)
        check_fail(run,
                   "handed over after each of %d rounds, it did something else than one that was "
                   "left alone: %llu records published, %llu then",
                   ROUNDS, (unsigned long long)moved.published,
                   (unsigned long long)stayed.published);
}

/* Twice, over memory that holds something else each time. */
static bool save_twice(struct trip *t)
{
    memset(t->saved, 0, HAWSE_STATE_MAX);
    if (!trip_save(t))
        return false;
    uint8_t *first = malloc(t->len + 1);
    uint64_t len = t->len;
    if (!first)
        return false;
    memcpy(first, t->saved, len);
    memset(t->saved, KIT_STALE, HAWSE_STATE_MAX);
    bool good = trip_save(t);
    uint64_t at = 0;
    while (good && at < len && first[at] == t->saved[at])
        at++;
    free(first);
    if (good && (t->len != len || at < len))
        check_fail(t->run, "it was saved twice: %llu and %llu bytes, different from byte %llu on",
                   (unsigned long long)len, (unsigned long long)t->len, (unsigned long long)at);
    return good && t->run->note->verdict == CHECK_PASS;
}

void check_saving(struct check_run *run, int arg)
{
    struct trace stayed, saved;
    (void)arg;
    if (!travel(run, NULL, &stayed) || !travel(run, save_twice, &saved))
        return;
    if (stayed.hash != saved.hash)
        check_fail(run, "it does something else after it was saved");
}

void check_untimely(struct check_run *run, int arg)
{
    struct trip t;
    (void)arg;
    if (!trip_begin(run, &t))
        return;
    for (int i = 0; i < ROUNDS && t.k->ended == HAWSE_OK; i++) {
        trip_round(&t, i);
        if (!trip_exchange(&t))
            return;
    }
    if (t.k->broken[KIT_RULE_SWAP][0])
        check_fail(run, "%s", t.k->broken[KIT_RULE_SWAP]);
    t.k->fault.code = 0;
    trip_end(&t);
}

/* ---- bytes ---- */

/* One that knows something, and has saved it; the last round but one leaves something waiting. */
static bool trip_saved(struct check_run *run, struct trip *t)
{
    if (!trip_begin(run, t))
        return false;
    for (int i = 0; i < 9 && t->k->ended == HAWSE_OK; i++)
        trip_round(t, i);
    return trip_save(t);
}

void check_room(struct check_run *run, int arg)
{
    struct trip t;
    (void)arg;
    if (!trip_saved(run, &t))
        return;
    uint64_t whole = t.len;
    for (uint64_t cap = 0; cap < whole; cap = cap < SPARE ? cap + 1 : cap + whole / 16 + 1) {
        int32_t code = kit_save(t.k, t.room.at + HAWSE_STATE_MAX - cap, cap, &t.len);
        if (code >= 0 && t.len > cap)
            check_fail(run, "save was given %llu bytes and says that it has written %llu",
                       (unsigned long long)cap, (unsigned long long)t.len);
        else if (code < 0 && code != HAWSE_E_NOSPACE)
            check_fail(run, "save was given %llu bytes of %llu and answered %d, not NOSPACE (%d)",
                       (unsigned long long)cap, (unsigned long long)whole, code, HAWSE_E_NOSPACE);
    }
    check_figure(run, "bytes of a saved state", (double)whole);
    t.k->fault.code = 0;
    trip_end(&t);
}

/* True: it was refused, as it should be. */
static bool refused(struct trip *t, hawse_view_t saved, const char *what, uint64_t number)
{
    void *made = NULL;
    int32_t code = kit_restore(t->k, t->run->settings, saved, &made);
    if (code >= 0) {
        check_fail(t->run, "restore took a state %s %llu", what, (unsigned long long)number);
        kit_part(t->k, made, t->k->state);
        return false;
    }
    if (made)
        check_fail(t->run, "restore answered %d and yet gave a state", code);
    if (!t->k->error[0])
        check_fail(t->run, "restore answered %d to a state %s %llu, without a word to set_error",
                   code, what, (unsigned long long)number);
    return t->run->note->verdict == CHECK_PASS;
}

/* The next length to try: all short ones, some of the long ones, the last few. */
static uint64_t next_length(uint64_t len, uint64_t whole)
{
    if (len < 512 || len + SPARE >= whole)
        return len + 1;
    uint64_t next = len + (whole - SPARE - len) / 64 + 1;
    return next + SPARE > whole ? whole - SPARE : next;
}

void check_cut(struct check_run *run, int arg)
{
    struct trip t;
    (void)arg;
    if (!trip_saved(run, &t))
        return;
    for (uint64_t len = 0; len < t.len; len = next_length(len, t.len)) {
        if (!refused(&t, at_the_end(&t.room, t.saved, len), "that was cut to bytes:", len))
            return;
    }
    t.k->fault.code = 0;
    trip_end(&t);
}

void check_format(struct check_run *run, int arg)
{
    static const uint32_t more[] = {1, 2, 3, 0x7f};
    struct trip t;
    uint32_t format = 0;
    (void)arg;
    if (!trip_saved(run, &t))
        return;
    if (t.len < sizeof(format)) {
        check_fail(run, "it saves %llu bytes, too few for a number of the format",
                   (unsigned long long)t.len);
        return;
    }
    memcpy(&format, t.saved, sizeof(format));
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]) + 1; i++) {
        uint32_t other = i < sizeof(more) / sizeof(more[0]) ? format + more[i] : UINT32_MAX;
        memcpy(t.saved, &other, sizeof(other));
        if (!refused(&t, at_the_end(&t.room, t.saved, t.len), "of the format", other))
            return;
    }
    t.k->fault.code = 0;
    trip_end(&t);
}

/* A few bytes of what was saved are others, mostly extreme ones. */
static void garble(struct script *s, uint8_t *bytes, uint64_t len)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
    for (uint64_t i = 1 + script_random(s) % 8; i > 0; i--) {
        uint64_t r = script_random(s), n = r >> 60 & 7u, at = script_random(s) % len;
        for (uint64_t j = 0; j <= n && at + j < len; j++)
            bytes[at + j] = (uint8_t)(r & 1u ? edges[(r >> 8) % sizeof(edges)] : r >> (8 + j));
    }
}

/* What took them is given events, and may then end as it likes. */
void check_garbled(struct check_run *run, int arg)
{
    enum { TIMES = 600 };
    struct trip t;
    (void)arg;
    if (!trip_saved(run, &t) || t.len == 0)
        return;
    void *own = t.k->state;
    uint64_t taken = 0;
    for (int i = 0; i < TIMES; i++) {
        void *made = NULL;
        hawse_view_t view = at_the_end(&t.room, t.saved, t.len);
        garble(&t.script, t.room.at + HAWSE_STATE_MAX - t.len, t.len);
        if (kit_restore(t.k, run->settings, view, &made) < 0)
            continue;
        t.k->state = made;
        taken++;
        if (taken % 8 == 1)
            trip_round(&t, 0);
        kit_part(t.k, made, own);
        t.k->ended = HAWSE_OK;
    }
    check_figure(run, "garbled states that were taken, of 600", (double)taken);
    kit_destroy(t.k); /* what it was told meanwhile went to others: it is not judged */
}

static uint64_t heap_now(void)
{
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

static void try_restore(struct trip *t, uint64_t len)
{
    void *made = NULL;
    hawse_view_t saved = at_the_end(&t->room, t->saved, len);
    if (kit_restore(t->k, t->run->settings, saved, &made) >= 0)
        kit_part(t->k, made, t->k->state);
}

/* Cut short at some places, and with each of its allocations refused. */
static void fail_all_ways(struct trip *t, bool hooked)
{
    for (uint64_t i = 0; i < 16; i++)
        try_restore(t, t->len * i / 16);
    for (uint64_t n = 1; hooked && n <= 16; n++) {
        hooks_reset(n);
        try_restore(t, t->len);
        hooks_reset(0);
    }
}

void check_refusing(struct check_run *run, int arg)
{
    enum { WARM = 8, TIMES = 40 };
    struct trip t;
    uint64_t before = 0;
    bool hooked = hooks_install(run->library->dl);
    (void)arg;
    hooks_reset(0);
    if (!trip_saved(run, &t))
        return;
    for (int i = 0; i < TIMES; i++) {
        fail_all_ways(&t, hooked);
        if (i == WARM)
            before = heap_now();
    }
    uint64_t after = heap_now();
    if (after > before + 2048)
        check_fail(run, "%d times 16 restores that failed left %llu bytes of heap allocated",
                   TIMES - WARM - 1, (unsigned long long)(after - before));
    t.k->fault.code = 0;
    trip_end(&t);
}

/* ---- level 6 ---- */

void check_growth(struct check_run *run, int arg)
{
    enum { EVENTS = 8000, BATCH = 16, WARM = 2000 };
    struct trip t;
    uint64_t warm = 0;
    (void)arg;
    if (!trip_begin(run, &t))
        return;
    t.k->batch = BATCH;
    for (int i = 0; i < EVENTS && t.k->ended == HAWSE_OK; i += BATCH) {
        script_push(&t.script, BATCH);
        kit_pass(t.k, 100 * KIT_MS);
        if (i == WARM) {
            if (!trip_save(&t))
                return;
            warm = t.len;
        }
    }
    if (!trip_save(&t))
        return;
    check_figure(run, "bytes of a saved state", (double)t.len);
    if (t.len > warm + (uint64_t)(EVENTS - WARM) * 16)
        check_fail(run, "what it saves has grown from %llu to %llu bytes in %d events",
                   (unsigned long long)warm, (unsigned long long)t.len, EVENTS - WARM);
    trip_end(&t);
}
