/*
 * The event bus of one lane: members publish, the routing index finds who wants it, bounded inboxes
 * hold it, and dispatch hands it over in batches. Publishing never calls anybody, so that no plugin
 * is ever entered from inside its own call. After set-up nothing here allocates, locks, or copies a
 * record that was built in the arena.
 */
#ifndef CORE_BUS_BUS_H
#define CORE_BUS_BUS_H

#include "bus/arena.h"
#include "bus/inbox.h"
#include "bus/route.h"

#include <hawse/service/sub.h>
#include <hawse/space/stream.h>

enum { BUS_STREAMS = 16, BUS_ARENA_BYTES = 4 << 20, BUS_RECORD_MAX = 256 << 10 };

/* Hands events to a member's owner. Returns how many it took (0 to n), or a negative code: the
 * member has failed and gets nothing more until the owner re-opens it. */
typedef int32_t (*bus_deliver_fn)(void *ctx, const hawse_event_t *const *events, uint32_t n);

/* One member: a source, a reader, or both. Owned by the bus, addressed by its index. */
struct bus_member {
    bool used;
    bool open;       /* takes events; a closed member's routes are skipped */
    bool held;       /* throttled: keeps its queue, is not called */
    bool ready;      /* stands in the ready list */
    bool blocked;    /* took less than it was given; waits for progress */
    uint32_t source; /* its number as a source */
    uint32_t patience_ms;
    bus_deliver_fn deliver;
    void *ctx;
    struct inbox inbox;
    uint64_t mark;             /* last publish that reached it: one event, one delivery */
    uint64_t seq[BUS_STREAMS]; /* last sequence number of each of its streams */
    uint64_t published;
    uint64_t delivered;
};

struct bus {
    struct arena arena;
    struct route_index routes;
    struct bus_member *members; /* fixed number: indexes and pointers stay valid */
    uint32_t member_cap;
    uint32_t *ready; /* ring of member indexes, member_cap + 1 long */
    uint32_t ready_first, ready_next;
    uint64_t queued; /* entries in all inboxes */
    uint64_t mark;
    uint64_t now_ns;                     /* set by the lane before it runs members */
    uint64_t reserved_pos, reserved_len; /* the last reserve, until it is published or replaced */
    uint8_t *reserved;
    bool reserved_kept; /* another event was placed behind it meanwhile */
    uint32_t blocked;   /* members that wait for progress */
};

int32_t bus_init(struct bus *bus, uint32_t member_cap);
void bus_finish(struct bus *bus);

/* Adds a member whose inbox holds `queue` events (a power of two). */
int32_t bus_join(struct bus *bus, uint32_t index, uint32_t source, uint32_t queue,
                 uint32_t patience_ms, bus_deliver_fn deliver, void *ctx);
void bus_leave(struct bus *bus, uint32_t index); /* drops its queue; its routes must be gone */

int32_t bus_subscribe(struct bus *bus, uint32_t member, const struct route_pattern *pattern,
                      uint32_t policy, uint64_t sub);
void bus_unsubscribe(struct bus *bus, const struct route_pattern *pattern, uint64_t sub);

uint8_t *bus_reserve(struct bus *bus, uint64_t len);
/* HAWSE_E_AGAIN: nobody got it. See hawse/service/sub.h. */
int32_t bus_publish(struct bus *bus, uint32_t publisher, const hawse_event_t *event);
/* Is there room for so many like it at each reader that it would reach? Conservative: nothing is
 * made room for. */
bool bus_room_for(struct bus *bus, uint32_t publisher, const hawse_event_t *event, uint32_t count);
/* A continuity event that must reach the source's readers, for whom it is the last word: when the
 * arena is full it goes to each in memory of its own. Cold: may allocate. */
void bus_announce(struct bus *bus, uint32_t publisher, const hawse_event_t *event);
/* Queues an event for one member only: timers, completions. Copied into the arena; when that or the
 * inbox is full, HAWSE_E_AGAIN. */
int32_t bus_send(struct bus *bus, uint32_t member, const hawse_event_t *event);
/* The same for an event with its data in one malloc'd block, which the bus then owns. */
int32_t bus_send_owned(struct bus *bus, uint32_t member, hawse_event_t *event);

/* Queues an event that was published on another lane for a member that asked for it there: with its
 * source, sequence number and policy. Copied. HAWSE_E_AGAIN: no room now; the member's patience and
 * policy are those of bus_publish, and what they lose is announced to it. */
int32_t bus_relay(struct bus *bus, uint32_t member, const hawse_event_t *event, uint32_t policy);
/* Makes ready for events of this policy now, so that nothing is allocated when they come. */
int32_t bus_expect(struct bus *bus, uint32_t member, uint32_t policy);

/* Runs members until nothing moves any more. Returns the number of events delivered. */
uint64_t bus_dispatch(struct bus *bus);
/* Hands events to a member directly, behind what waits in its inbox: frames, which stay where they
 * are. Returns how many it took, 0 when it is blocked or held, or its negative code. */
int32_t bus_pass(struct bus *bus, uint32_t member, const hawse_event_t *const *events, uint32_t n);

/* A throttled member keeps its queue and is not called. */
void bus_hold(struct bus *bus, uint32_t member, bool held);
/* Blocked members try again at the next dispatch. */
void bus_unblock(struct bus *bus);

#endif
