/*
 * Walks through a capture callback by callback, with every event in hand: those that one plugin
 * published for another are looked up where they were published. Callbacks of one lane come in
 * order; those of several lanes by turns, as they were written. A callback that was caused on
 * another lane has a later clock than its cause, so (clock, lane) orders all of them.
 */
#ifndef CORE_REPLAY_WALK_H
#define CORE_REPLAY_WALK_H

#include "record/reader.h"
#include "record/record.h"

struct walk;

enum walk_kind { WALK_END = 0, WALK_INSTANCE, WALK_CALLBACK, WALK_LOSS };

/* One step; valid until the next. */
struct walk_step {
    enum walk_kind kind;
    uint16_t instance;
    /* INSTANCE */
    uint64_t handle;
    hawse_view_t text;
    /* CALLBACK */
    uint64_t number; /* 1, 2, ... in this walk */
    struct record_begin begin;
    struct record_end end;
    const hawse_event_t *events;
    const hawse_event_t *const *event_list; /* the same, as on_events takes them */
    uint32_t event_count;
    const struct record_call *calls;
    uint32_t call_count;
    uint32_t unresolved; /* events that the capture does not hold */
    /* LOSS */
    struct record_loss loss;
};

int32_t walk_open(const char *path, struct walk **out, struct fault *fault);
void walk_close(struct walk *walk);
/* 0, or a negative code. */
int32_t walk_next(struct walk *walk, struct walk_step *step, struct fault *fault);
const struct reader_state *walk_state(const struct walk *walk);

/* Time since the beginning: of another lane's first callback it may be a little before. */
static inline uint64_t walk_since(uint64_t now_ns, uint64_t begun_ns)
{
    return now_ns > begun_ns ? now_ns - begun_ns : 0;
}

#endif
