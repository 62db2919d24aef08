/*
 * The flight recorder's lane side: copies what crosses the boundary into a spool, from which the
 * writer's thread takes it. Never allocates, locks or waits (unless the operator chose `wait`).
 * A callback that finds no room is left out as a whole, counted, and told in the capture.
 */
#ifndef CORE_RECORD_RECORDER_H
#define CORE_RECORD_RECORDER_H

#include "base/fault.h"
#include "record/record.h"
#include "record/spool.h"

/* What happens when the writer does not keep up. */
enum record_full {
    RECORD_FULL_MARK, /* leave callbacks out and say so in the capture, which is then incomplete */
    RECORD_FULL_STOP, /* end the capture there, so that all of it can be replayed */
    RECORD_FULL_WAIT, /* let the lane wait: nothing is lost, latency is */
};

struct writer;

enum { RECORDER_SOURCES = 256 };

/* One lane's recorder. Its counters are read by the writer and by anybody: relaxed atomics. */
struct recorder {
    struct spool spool;
    struct writer *writer;
    struct recorder *next; /* of the next lane; set before the writer starts */
    uint16_t lane;
    uint64_t foreign[RECORDER_SOURCES / 64]; /* atomics: a bit for each source of another lane */
    uint64_t waits_ns; /* the writer's: since when something waits for it; 0 = nothing does */
    enum record_full full;
    uint64_t begun_now_ns;
    bool whole_events;                /* no references: for what is recorded of a replay */
    uint64_t reserves;                /* successful ones since the last call that was recorded */
    const hawse_event_t *const *list; /* events of the callback under way, not copied yet */
    uint32_t pending;                 /* so many */
    uint32_t events;                  /* in all */
    uint16_t instance;                /* whose */
    bool open;                        /* a callback is under way */
    bool skip;                        /* ... and is left out */
    int stopped;                      /* atomic: nothing more is recorded */
    uint64_t lost_callbacks, lost_events; /* atomics */
    struct record_loss loss;              /* not told yet */
};

int32_t recorder_init(struct recorder *r, uint64_t bytes, enum record_full full,
                      struct fault *fault);
void recorder_finish(struct recorder *r);
/* [any] Whether this source (1, 2, ...) publishes on another lane. Its events are then kept whole
 * where they are read, so that the records of a lane need no other's, nor their order. */
void recorder_foreign(struct recorder *r, uint32_t source, bool foreign);

/* [lane] A callback begins; `argument` is its own (stop: the deadline). `events` follow. */
void recorder_begin(struct recorder *r, uint16_t instance, enum record_callback callback,
                    uint64_t now_ns, uint64_t utc_ns, uint64_t argument, uint32_t events);
/* [lane] Its events. List and events must stay until recorder_end: they are copied bit by bit. */
void recorder_events(struct recorder *r, const hawse_event_t *const *events, uint32_t n);
/* [lane] A call that the plugin made, with its answer. */
void recorder_call(struct recorder *r, const struct record_call *call);
/* [lane] The same for an event that was published; `seq` is the number it got. */
void recorder_publish(struct recorder *r, const hawse_event_t *event, uint64_t seq);
/* [lane] It ended. */
void recorder_end(struct recorder *r, int32_t result, uint64_t elapsed_ns);
/* [lane] Hands over the callbacks that have ended: before the lane sleeps, and at its end. Many are
 * handed over without it. */
void recorder_flush(struct recorder *r);
/* [lane] Who an instance is; before its first callback. `text` is JSON. */
void recorder_instance(struct recorder *r, uint16_t instance, uint64_t handle, hawse_view_t text);

#endif
