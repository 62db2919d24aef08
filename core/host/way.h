/*
 * What goes from lane to lane inside the host. A way leads from a lane to an instance on another
 * one that reads something published there: it is the reader's, and lives from its first
 * subscription to its release. Subscriptions and demands travel the other way, as work that is
 * posted to the source's loop: each lane touches its own bus only.
 *
 * Subscribing and leaving allocate and lock, as they do within a lane; events do not.
 */
#ifndef CORE_HOST_WAY_H
#define CORE_HOST_WAY_H

#include "bus/crossing.h"
#include "host/host.h"

struct way {
    struct way *next;          /* reader's lane: among lane->ways */
    struct way *next_out;      /* source's lane: among lane->out */
    struct way *next_of;       /* reader's lane: among reader->ways */
    struct crossing *crossing; /* its stand-in is member reader->index of the source's bus */
    struct instance *reader;
    struct lane *from, *to;
    uint32_t queue, patience_ms;
    bool joined; /* source's lane: the stand-in is there */
    struct loop_work open, close, gone;
};

enum { WAY_FILTER_MAX = 4096 };

/* What a source is told of a subscription that has a filter. */
struct demand {
    uint64_t sub; /* handle; unique in the whole host */
    struct route_pattern pattern;
    uint32_t subscriber; /* number as a source */
    const uint8_t *filter;
    uint64_t filter_len; /* 0 = it is told nothing */
};

/* One pattern of a subscription whose source is on another lane. Made by the reader's lane; the
 * source's lane owns it from the end of the subscription on. */
struct remote_sub {
    struct loop_work add, drop, again;
    int again_posted; /* atomic */
    struct way *way;
    struct demand demand;
    uint32_t policy;
    bool told;               /* source's lane: the source knows of it */
    bool dropping;           /* source's lane */
    bool waits;              /* source's lane: stands in lane->demands */
    struct remote_sub *next; /* there */
    uint8_t filter[];
};

/* [lane of the source] HAWSE_E_AGAIN when the source's queue is full. */
int32_t demand_send(struct lane *lane, const struct demand *demand, uint32_t change);
/* [lane] Demands that found a full queue, again. */
void demands_retry(struct lane *lane);

/* [lane of the reader] Subscribes on the lane of the source, soon; what the source publishes before
 * that is not seen, as if the subscription had come later. HAWSE_E_NOMEM; HAWSE_E_STALE when the
 * source has ended. */
int32_t remote_subscribe(struct instance *reader, const struct demand *demand, uint32_t policy,
                         struct remote_sub **out);
void remote_unsubscribe(struct remote_sub *sub);
/* [lane of the reader] The source was made anew and knows of nothing. */
void remote_tell_again(struct remote_sub *sub);

/* [lane of the reader] Ends all ways of an instance. Its memory must stay until inst->ways is NULL.
 */
void ways_close(struct instance *inst);
/* [lane] Moves what came for instances of this lane. */
void ways_take(struct lane *lane);
/* [lane] Is everything that was published here for other lanes on its way? */
bool ways_flushed(const struct lane *lane);

#endif
