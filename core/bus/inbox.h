/*
 * The bounded queue of events that wait for one member, oldest first. Holds pointers into the arena
 * (or, for completions, into buffers it then owns), and what was lost while it was full.
 */
#ifndef CORE_BUS_INBOX_H
#define CORE_BUS_INBOX_H

#include <hawse/hawse.h>
#include <stdbool.h>

struct inbox_entry {
    const hawse_event_t *event; /* NULL: conflated away */
    uint64_t pos;               /* where its bytes begin in the arena */
    uint64_t slot;              /* conflation: hash of (source, space, kind, key); 0 = none */
    uint32_t policy;            /* HAWSE_POLICY_... */
    uint32_t owned;             /* 1: free((void *)event) when done */
};

/* Events of one sequence that this member did not get. */
struct inbox_loss {
    uint32_t source, stream, epoch;
    uint64_t from_seq, to_seq, count;
    uint64_t after; /* announce before the entry of this number */
};

enum { INBOX_LOSSES = 32 };

struct inbox {
    struct inbox_entry *entries; /* ring; cap is a power of two */
    uint32_t cap;
    uint64_t first, next; /* entry numbers: first is the oldest */
    uint64_t *latest;     /* conflation: entry number + 1 by hash; NULL until needed */
    uint32_t live;        /* entries that are not conflated away */
    struct inbox_loss losses[INBOX_LOSSES];
    uint32_t loss_count;
    uint64_t dropped;    /* total events lost or conflated, for metrics */
    uint64_t full_since; /* monotonic ns; 0 = not full */
};

/* Sets one of first, next and dropped, which another thread may be reading for the status. */
static inline void inbox_count(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

int32_t inbox_init(struct inbox *inbox, uint32_t cap);
void inbox_finish(struct inbox *inbox);

static inline uint32_t inbox_depth(const struct inbox *inbox)
{
    return (uint32_t)(inbox->next - inbox->first);
}

static inline bool inbox_full(const struct inbox *inbox)
{
    return inbox_depth(inbox) == inbox->cap;
}

static inline struct inbox_entry *inbox_at(const struct inbox *inbox, uint64_t number)
{
    return &inbox->entries[number & (inbox->cap - 1)];
}

/* Appends; the inbox must not be full. */
static inline void inbox_push(struct inbox *inbox, const struct inbox_entry *entry)
{
    *inbox_at(inbox, inbox->next) = *entry;
    inbox_count(&inbox->next, inbox->next + 1);
    inbox->live++;
}

/* Makes room by the policies of what waits: conflated entries go first, then the oldest that may be
 * dropped, which is recorded as lost. False: everything in it is lossless. */
bool inbox_make_room(struct inbox *inbox);
/* A newer event of the same slot replaces the one that waits. */
int32_t inbox_conflate(struct inbox *inbox, uint64_t slot);
void inbox_latest_set(struct inbox *inbox, uint64_t slot, uint64_t number);
/* Records that `event` did not reach this member; to be announced at the present end. */
void inbox_lose(struct inbox *inbox, const hawse_event_t *event, uint64_t before);
/* Takes over a loss that was counted elsewhere. */
void inbox_note_loss(struct inbox *inbox, const struct inbox_loss *loss);
/* Drops the n oldest live entries, and freed ones before the next. */
void inbox_take(struct inbox *inbox, uint32_t n);
void inbox_clear(struct inbox *inbox);

#endif
