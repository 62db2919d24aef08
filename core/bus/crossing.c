/* From lane to lane; see crossing.h. */
#include "bus/crossing.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 64, RELEASE_BYTES = CROSSING_BYTES / 8 };

/* One event in the ring; its data follows. */
struct message {
    uint32_t len; /* of all, a multiple of 8 */
    uint32_t policy;
    uint64_t sent_ns; /* clock of the source's lane */
    hawse_event_t event;
};

_Static_assert(sizeof(struct message) == 88, "no hidden padding");
_Static_assert(BUS_RECORD_MAX + sizeof(struct message) <= CROSSING_BYTES, "any event fits");

struct crossing *crossing_new(uint32_t member, struct crossing_bell *bell)
{
    struct crossing *c = aligned_alloc(LINE, (sizeof(*c) / LINE + 1) * LINE);
    if (!c)
        return NULL;
    memset(c, 0, sizeof(*c));
    c->member = member;
    c->bell = bell;
    if (ring_init(&c->ring, CROSSING_BYTES) == HAWSE_OK)
        return c;
    free(c);
    return NULL;
}

void crossing_free(struct crossing *c)
{
    if (!c)
        return;
    ring_finish(&c->ring);
    free(c);
}

/* ---- source's lane ---- */

/* The policy under which the event waits in the stand-in's inbox, whose entries from *at on are
 * handed over in order. What is announced stands in no inbox, and must not be lost. */
static uint32_t policy_of(const struct inbox *inbox, const hawse_event_t *event, uint64_t *at)
{
    uint64_t i = *at;
    while (i < inbox->next && !inbox_at(inbox, i)->event)
        i++;
    if (i == inbox->next || inbox_at(inbox, i)->event != event)
        return HAWSE_POLICY_LOSSLESS;
    *at = i + 1;
    return inbox_at(inbox, i)->policy;
}

/* The stand-in's delivery: as many as the ring has room for. */
static int32_t put(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    struct crossing *c = ctx;
    const struct inbox *inbox = &c->from->members[c->member].inbox;
    uint64_t at = inbox->first;
    uint32_t i = 0;
    for (; i < n; i++) {
        const hawse_event_t *event = events[i];
        uint64_t len = sizeof(struct message) + ((event->len + 7u) & ~(uint64_t)7u);
        struct message *m = (struct message *)(void *)ring_take(&c->ring, len);
        if (!m)
            break;
        m->len = (uint32_t)len;
        m->policy = policy_of(inbox, event, &at);
        m->sent_ns = c->from->now_ns;
        m->event = *event;
        m->event.data = NULL; /* it is behind this, wherever that is seen */
        if (event->len > 0)
            memcpy(m + 1, event->data, event->len);
    }
    if (i > 0) {
        ring_commit(&c->ring);
        bell_ring(c->bell);
    }
    return (int32_t)i;
}

int32_t crossing_join(struct crossing *c, struct bus *from, uint32_t queue, uint32_t patience_ms)
{
    c->from = from;
    return bus_join(from, c->member, c->member + 1, queue, patience_ms, put, c);
}

void crossing_leave(struct crossing *c)
{
    if (c->from)
        bus_leave(c->from, c->member);
    c->from = NULL;
}

/* ---- reader's lane ---- */

uint32_t crossing_take(struct crossing *c, struct bus *to)
{
    struct ring *ring = &c->ring;
    uint64_t filled = ring_filled(ring), done = 0;
    uint32_t count = 0;
    c->stuck = false;
    while (done < filled) {
        const struct message *m = (const struct message *)(const void *)(ring_front(ring) + done);
        hawse_event_t event = m->event;
        event.data = (const uint8_t *)(m + 1);
        if (to->now_ns <= m->sent_ns)
            to->now_ns = m->sent_ns + 1;
        if (bus_relay(to, c->member, &event, m->policy) == HAWSE_E_AGAIN) {
            c->stuck = true;
            break;
        }
        count++;
        done += m->len;
        if (done >= RELEASE_BYTES) { /* the source may go on while the rest is moved */
            ring_release(ring, done);
            filled -= done;
            done = 0;
        }
    }
    if (done > 0)
        ring_release(ring, done);
    c->moved += count;
    return count;
}
