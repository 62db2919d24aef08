/*
 * Publish, queue, dispatch; see bus.h.
 *
 * The order that readers may rely on: events of one source reach a reader in the order in which
 * they were published; a continuity event stands before the data it concerns; what a reader lost is
 * announced where it is missing.
 */
#include "bus/bus.h"

#include <stdlib.h>
#include <string.h>

int32_t bus_init(struct bus *bus, uint32_t member_cap)
{
    memset(bus, 0, sizeof(*bus));
    bus->member_cap = member_cap;
    bus->members = calloc(member_cap, sizeof(bus->members[0]));
    bus->ready = calloc(member_cap + 1u, sizeof(bus->ready[0]));
    if (!bus->members || !bus->ready || arena_init(&bus->arena, BUS_ARENA_BYTES) != HAWSE_OK ||
        route_init(&bus->routes) != HAWSE_OK) {
        bus_finish(bus);
        return HAWSE_E_NOMEM;
    }
    return HAWSE_OK;
}

void bus_finish(struct bus *bus)
{
    for (uint32_t i = 0; bus->members && i < bus->member_cap; i++)
        inbox_finish(&bus->members[i].inbox);
    route_finish(&bus->routes);
    arena_finish(&bus->arena);
    free(bus->members);
    free(bus->ready);
    memset(bus, 0, sizeof(*bus));
}

int32_t bus_join(struct bus *bus, uint32_t index, uint32_t source, uint32_t queue,
                 uint32_t patience_ms, bus_deliver_fn deliver, void *ctx)
{
    struct bus_member *m = &bus->members[index];
    bool ready = m->ready; /* a leaver may still stand in the ready list */
    memset(m, 0, sizeof(*m));
    if (inbox_init(&m->inbox, queue) != HAWSE_OK)
        return HAWSE_E_NOMEM;
    m->used = m->open = true;
    m->ready = ready;
    m->source = source;
    m->patience_ms = patience_ms;
    m->deliver = deliver;
    m->ctx = ctx;
    return HAWSE_OK;
}

void bus_leave(struct bus *bus, uint32_t index)
{
    struct bus_member *m = &bus->members[index];
    bus->queued -= m->inbox.live;
    if (m->blocked)
        bus->blocked--;
    inbox_finish(&m->inbox);
    m->used = m->open = m->blocked = m->held = false;
}

int32_t bus_expect(struct bus *bus, uint32_t member, uint32_t policy)
{
    struct inbox *inbox = &bus->members[member].inbox;
    return policy == HAWSE_POLICY_LATEST ? inbox_conflate(inbox, 0) : HAWSE_OK;
}

int32_t bus_subscribe(struct bus *bus, uint32_t member, const struct route_pattern *pattern,
                      uint32_t policy, uint64_t sub)
{
    if (bus_expect(bus, member, policy) != HAWSE_OK)
        return HAWSE_E_NOMEM;
    struct route_target target = {.member = member, .policy = policy, .sub = sub};
    return route_add(&bus->routes, pattern, &target);
}

void bus_unsubscribe(struct bus *bus, const struct route_pattern *pattern, uint64_t sub)
{
    (void)route_remove(&bus->routes, pattern, sub);
}

/* ---- space ---- */

/* Frees what no inbox needs any more. Only called when the arena is short of room. */
static void reclaim(struct bus *bus)
{
    uint64_t oldest = bus->arena.head;
    for (uint32_t i = 0; i < bus->member_cap; i++) {
        const struct inbox *inbox = &bus->members[i].inbox;
        for (uint64_t n = inbox->first; n < inbox->next; n++) {
            const struct inbox_entry *entry = inbox_at(inbox, n);
            if (entry->event && !entry->owned && entry->pos < oldest)
                oldest = entry->pos;
        }
    }
    arena_release(&bus->arena, oldest);
}

static uint8_t *take_space(struct bus *bus, uint64_t len, uint64_t *pos)
{
    uint8_t *at = arena_reserve(&bus->arena, len, pos);
    if (!at) {
        reclaim(bus);
        at = arena_reserve(&bus->arena, len, pos);
    }
    return at;
}

uint8_t *bus_reserve(struct bus *bus, uint64_t len)
{
    bus->reserved = NULL;
    if (len > BUS_RECORD_MAX)
        return NULL;
    /* the header follows the record: ask for both, so that publishing it cannot fail for space */
    bus->reserved = take_space(bus, len + 8 + sizeof(hawse_event_t), &bus->reserved_pos);
    bus->reserved_len = len;
    bus->reserved_kept = false;
    return bus->reserved;
}

/* Puts header and data into the arena, unless the data is there. Returns the header, and the
 * position where the event begins. */
static hawse_event_t *place(struct bus *bus, const hawse_event_t *event, uint64_t *begin)
{
    const uint8_t *data = event->data;
    bool in_place = bus->reserved && data == bus->reserved && event->len <= bus->reserved_len;
    if (in_place) {
        *begin = bus->reserved_pos;
        if (!bus->reserved_kept)
            arena_commit(&bus->arena, bus->reserved_pos, event->len);
    } else {
        if (bus->reserved && !bus->reserved_kept) { /* step over what is being built there */
            arena_commit(&bus->arena, bus->reserved_pos, bus->reserved_len);
            bus->reserved_kept = true;
        }
        uint8_t *copy = take_space(bus, event->len + 8 + sizeof(*event), begin);
        if (!copy)
            return NULL;
        if (event->len > 0)
            memcpy(copy, data, event->len);
        data = copy;
        arena_commit(&bus->arena, *begin, event->len);
    }
    uint64_t pos;
    hawse_event_t *header =
        (hawse_event_t *)(void *)arena_reserve(&bus->arena, sizeof(*event), &pos);
    if (!header)
        return NULL;
    arena_commit(&bus->arena, pos, sizeof(*event));
    *header = *event;
    header->size = sizeof(*event);
    header->data = data;
    if (in_place)
        bus->reserved = NULL;
    return header;
}

/* ---- publish ---- */

static void make_ready(struct bus *bus, uint32_t index)
{
    struct bus_member *m = &bus->members[index];
    if (m->ready)
        return;
    m->ready = true;
    bus->ready[bus->ready_next] = index;
    bus->ready_next = bus->ready_next == bus->member_cap ? 0 : bus->ready_next + 1;
}

/* Whether the member can take one more event: there is room, room can be made, or its patience with
 * a full queue is over and the event is given up for it. */
static bool has_room(struct bus *bus, struct bus_member *m)
{
    if (!inbox_full(&m->inbox))
        return true;
    uint32_t before = m->inbox.live;
    if (inbox_make_room(&m->inbox)) {
        bus->queued -= before - m->inbox.live;
        return true;
    }
    if (m->inbox.full_since == 0)
        m->inbox.full_since = bus->now_ns ? bus->now_ns : 1;
    return bus->now_ns - m->inbox.full_since >= (uint64_t)m->patience_ms * 1000000u;
}

static void enqueue(struct bus *bus, uint32_t index, const hawse_event_t *event, uint64_t pos,
                    uint32_t policy)
{
    struct bus_member *m = &bus->members[index];
    if (inbox_full(&m->inbox)) { /* out of patience: see has_room */
        inbox_lose(&m->inbox, event, m->inbox.next);
        return;
    }
    struct inbox_entry entry = {.event = event, .pos = pos, .policy = policy};
    if (policy == HAWSE_POLICY_LATEST) {
        entry.slot = event->key * 0x9e3779b97f4a7c15u ^
                     ((uint64_t)event->source << 32 | (uint64_t)event->space << 16 | event->kind);
        uint32_t before = m->inbox.live;
        (void)inbox_conflate(&m->inbox, entry.slot);
        bus->queued -= before - m->inbox.live;
        inbox_latest_set(&m->inbox, entry.slot, m->inbox.next);
    }
    inbox_push(&m->inbox, &entry);
    bus->queued++;
    make_ready(bus, index);
}

/* Calls for each member that an event reaches, once. */
#define FOR_EACH_TARGET(bus, lists, n, target)                              \
    for (uint32_t li = 0; li < (n); li++)                                   \
        for (const struct route_target *target = (lists)[li]->targets,      \
                                       *end_ = target + (lists)[li]->count; \
             target < end_; target++)

/* Event and data in one block that the inbox frees; NULL when memory is out. */
static hawse_event_t *own_copy(const hawse_event_t *event)
{
    hawse_event_t *copy = malloc(sizeof(*copy) + event->len);
    if (!copy)
        return NULL;
    *copy = *event;
    copy->size = sizeof(*copy);
    copy->data = (const uint8_t *)(copy + 1);
    if (event->len > 0)
        memcpy(copy + 1, event->data, event->len);
    return copy;
}

static void enqueue_owned(struct bus *bus, uint32_t index, const hawse_event_t *owned)
{
    struct bus_member *m = &bus->members[index];
    struct inbox_entry entry = {.event = owned, .policy = HAWSE_POLICY_LOSSLESS, .owned = 1};
    inbox_push(&m->inbox, &entry);
    bus->queued++;
    make_ready(bus, index);
}

/* A gap must not be lost in a full queue: the loss says so too. */
static void tell_reader(struct bus *bus, uint32_t index, const hawse_event_t *event, bool in_arena,
                        uint64_t pos)
{
    struct bus_member *m = &bus->members[index];
    bool room = has_room(bus, m) && !inbox_full(&m->inbox);
    const hawse_event_t *copy = room && !in_arena ? own_copy(event) : NULL;
    if (copy)
        enqueue_owned(bus, index, copy);
    else if (room && in_arena)
        enqueue(bus, index, event, pos, HAWSE_POLICY_LOSSLESS);
    else {
        inbox_lose(&m->inbox, event, m->inbox.next);
        make_ready(bus, index);
    }
}

/* Continuity events reach everyone who reads anything of the source. */
static void publish_to_readers(struct bus *bus, const hawse_event_t *event, bool in_arena,
                               uint64_t pos)
{
    bus->mark++;
    for (uint32_t i = 0; i < bus->routes.cap; i++) {
        const struct route_slot *slot = &bus->routes.slots[i];
        if (slot->head == 0 || slot->pattern.source != event->source)
            continue;
        for (uint32_t t = 0; t < slot->list.count; t++) {
            struct bus_member *m = &bus->members[slot->list.targets[t].member];
            if (!m->open || m->mark == bus->mark)
                continue;
            m->mark = bus->mark;
            tell_reader(bus, slot->list.targets[t].member, event, in_arena, pos);
        }
    }
}

bool bus_room_for(struct bus *bus, uint32_t publisher, const hawse_event_t *event, uint32_t count)
{
    const struct route_list *lists[4];
    uint32_t n = route_find(&bus->routes, bus->members[publisher].source, event->space, event->kind,
                            event->key, lists);
    FOR_EACH_TARGET(bus, lists, n, t)
    {
        const struct bus_member *m = &bus->members[t->member];
        if (m->open && m->inbox.cap - inbox_depth(&m->inbox) < count)
            return false;
    }
    return true;
}

int32_t bus_publish(struct bus *bus, uint32_t publisher, const hawse_event_t *event)
{
    struct bus_member *from = &bus->members[publisher];
    if (event->stream >= BUS_STREAMS || event->len > BUS_RECORD_MAX)
        return HAWSE_E_INVAL;
    const struct route_list *lists[4];
    uint32_t n = 0;
    bool continuity = event->space == HAWSE_SPACE_STREAM;
    if (!continuity) {
        n = route_find(&bus->routes, from->source, event->space, event->kind, event->key, lists);
        FOR_EACH_TARGET(bus, lists, n, t)
        {
            struct bus_member *m = &bus->members[t->member];
            if (m->open && !has_room(bus, m))
                return HAWSE_E_AGAIN;
        }
    }
    uint64_t pos = 0;
    hawse_event_t *placed = place(bus, event, &pos);
    if (!placed)
        return HAWSE_E_AGAIN;
    placed->source = from->source;
    placed->seq = ++from->seq[event->stream];
    from->published++;
    if (continuity) {
        publish_to_readers(bus, placed, true, pos);
        return HAWSE_OK;
    }
    bus->mark++;
    FOR_EACH_TARGET(bus, lists, n, t)
    {
        struct bus_member *m = &bus->members[t->member];
        if (!m->open || m->mark == bus->mark)
            continue;
        m->mark = bus->mark;
        enqueue(bus, t->member, placed, pos, t->policy);
    }
    return HAWSE_OK;
}

void bus_announce(struct bus *bus, uint32_t publisher, const hawse_event_t *event)
{
    struct bus_member *from = &bus->members[publisher];
    if (bus_publish(bus, publisher, event) == HAWSE_OK)
        return;
    hawse_event_t own = *event;
    own.source = from->source;
    own.seq = ++from->seq[event->stream];
    from->published++;
    publish_to_readers(bus, &own, false, 0);
}

int32_t bus_send(struct bus *bus, uint32_t member, const hawse_event_t *event)
{
    struct bus_member *m = &bus->members[member];
    if (!m->open)
        return HAWSE_E_STALE;
    uint64_t pos = 0;
    if (!has_room(bus, m) || inbox_full(&m->inbox))
        return HAWSE_E_AGAIN;
    hawse_event_t *placed = place(bus, event, &pos);
    if (!placed)
        return HAWSE_E_AGAIN;
    enqueue(bus, member, placed, pos, HAWSE_POLICY_LOSSLESS);
    return HAWSE_OK;
}

/* A loss that the reader's stand-in announced on the other lane becomes one of the reader's own: it
 * needs no room, and is announced where it is missing. */
static bool relay_loss(struct bus *bus, uint32_t member, const hawse_event_t *event)
{
    struct inbox *inbox = &bus->members[member].inbox;
    hawse_stream_range_t range;
    if (event->space != HAWSE_SPACE_STREAM || event->kind != HAWSE_STREAM_EVENT_GAP ||
        !(event->flags & HAWSE_EVENT_LOCAL) || event->seq != 0 || event->len < sizeof(range))
        return false;
    memcpy(&range, event->data, sizeof(range));
    struct inbox_loss loss = {.source = event->source,
                              .stream = event->stream,
                              .epoch = event->epoch,
                              .from_seq = range.from,
                              .to_seq = range.to,
                              .count = range.count,
                              .after = inbox->next};
    inbox_note_loss(inbox, &loss);
    make_ready(bus, member);
    return true;
}

int32_t bus_relay(struct bus *bus, uint32_t member, const hawse_event_t *event, uint32_t policy)
{
    struct bus_member *m = &bus->members[member];
    if (!m->open)
        return HAWSE_E_STALE;
    if (relay_loss(bus, member, event))
        return HAWSE_OK;
    uint64_t pos = 0;
    if (!has_room(bus, m))
        return HAWSE_E_AGAIN;
    if (inbox_full(&m->inbox)) { /* out of patience */
        inbox_lose(&m->inbox, event, m->inbox.next);
        return HAWSE_OK;
    }
    hawse_event_t *placed = place(bus, event, &pos);
    if (!placed)
        return HAWSE_E_AGAIN;
    enqueue(bus, member, placed, pos, policy);
    return HAWSE_OK;
}

int32_t bus_send_owned(struct bus *bus, uint32_t member, hawse_event_t *event)
{
    struct bus_member *m = &bus->members[member];
    if (!m->open)
        return HAWSE_E_STALE;
    if (!has_room(bus, m) || inbox_full(&m->inbox))
        return HAWSE_E_AGAIN;
    enqueue_owned(bus, member, event);
    return HAWSE_OK;
}

/* ---- dispatch ---- */

static int32_t call(struct bus *bus, struct bus_member *m, const hawse_event_t *const *events,
                    uint32_t n)
{
    int32_t took = m->deliver(m->ctx, events, n);
    bus->reserved = NULL; /* what was reserved and not published is given up */
    if (took < 0) {
        m->open = false;
        bus->queued -= m->inbox.live;
        inbox_clear(&m->inbox);
        return took;
    }
    uint32_t taken = (uint32_t)took > n ? n : (uint32_t)took;
    m->delivered += taken;
    if (taken < n && !m->blocked) {
        m->blocked = true;
        bus->blocked++;
    }
    return (int32_t)taken;
}

/* Announces the losses that stand before the next entry. False: the member would not take it. */
static bool announce_losses(struct bus *bus, struct bus_member *m)
{
    struct inbox *inbox = &m->inbox;
    for (uint32_t i = 0; i < inbox->loss_count;) {
        const struct inbox_loss *loss = &inbox->losses[i];
        if (inbox->live > 0 && loss->after > inbox->first) {
            i++;
            continue;
        }
        hawse_stream_range_t range = {.size = sizeof(range),
                                      .reason = HAWSE_REASON_OVERFLOW,
                                      .from = loss->from_seq,
                                      .to = loss->to_seq,
                                      .count = loss->count};
        hawse_event_t event = {.size = sizeof(event),
                               .space = HAWSE_SPACE_STREAM,
                               .kind = HAWSE_STREAM_EVENT_GAP,
                               .source = loss->source,
                               .stream = loss->stream,
                               .epoch = loss->epoch,
                               .flags = HAWSE_EVENT_LOCAL,
                               .data = (const uint8_t *)&range,
                               .len = sizeof(range)};
        const hawse_event_t *one = &event;
        if (call(bus, m, &one, 1) != 1)
            return false;
        memmove(&inbox->losses[i], &inbox->losses[i + 1],
                (inbox->loss_count - i - 1) * sizeof(inbox->losses[0]));
        inbox->loss_count--;
    }
    return m->open;
}

/* Up to HAWSE_BATCH_MAX events, no further than the next announcement. */
static uint32_t gather(const struct inbox *inbox, const hawse_event_t **batch)
{
    uint32_t n = 0;
    for (uint64_t i = inbox->first; i < inbox->next && n < HAWSE_BATCH_MAX; i++) {
        for (uint32_t l = 0; n > 0 && l < inbox->loss_count; l++) {
            if (inbox->losses[l].after <= i)
                return n;
        }
        const struct inbox_entry *entry = inbox_at(inbox, i);
        if (entry->event)
            batch[n++] = entry->event;
    }
    return n;
}

/* Hands over all that waits for a member, until it takes less than it is given. */
static uint64_t run_member(struct bus *bus, struct bus_member *m)
{
    uint64_t before = m->delivered;
    const hawse_event_t *batch[HAWSE_BATCH_MAX];
    while (m->open && !m->held && !m->blocked) {
        if (m->inbox.loss_count > 0 && !announce_losses(bus, m))
            break;
        uint32_t n = gather(&m->inbox, batch);
        if (n == 0)
            break;
        int32_t took = call(bus, m, batch, n);
        if (took < 0)
            break;
        inbox_take(&m->inbox, (uint32_t)took);
        bus->queued -= (uint32_t)took;
    }
    return m->delivered - before;
}

void bus_unblock(struct bus *bus)
{
    for (uint32_t i = 0; bus->blocked > 0 && i < bus->member_cap; i++) {
        struct bus_member *m = &bus->members[i];
        if (!m->used || !m->blocked)
            continue;
        m->blocked = false;
        bus->blocked--;
        if (m->inbox.live > 0 || m->inbox.loss_count > 0)
            make_ready(bus, i);
    }
}

uint64_t bus_dispatch(struct bus *bus)
{
    uint64_t total = 0;
    while (bus->ready_first != bus->ready_next) {
        uint32_t index = bus->ready[bus->ready_first];
        bus->ready_first = bus->ready_first == bus->member_cap ? 0 : bus->ready_first + 1;
        struct bus_member *m = &bus->members[index];
        m->ready = false;
        if (!m->used)
            continue;
        uint64_t delivered = run_member(bus, m);
        total += delivered;
        if (delivered > 0 && bus->blocked > 0 && bus->ready_first == bus->ready_next)
            bus_unblock(bus); /* somebody made progress: those who waited for room may go on */
    }
    if (bus->queued == 0)
        arena_reset(&bus->arena);
    return total;
}

int32_t bus_pass(struct bus *bus, uint32_t member, const hawse_event_t *const *events, uint32_t n)
{
    struct bus_member *m = &bus->members[member];
    if (m->inbox.live > 0 || m->inbox.loss_count > 0)
        (void)bus_dispatch(bus);
    if (!m->open)
        return HAWSE_E_STALE;
    if (m->held || m->blocked || m->inbox.live > 0)
        return 0;
    uint32_t done = 0;
    while (done < n) {
        int32_t took = call(bus, m, events + done, n - done);
        if (took < 0)
            return took;
        done += (uint32_t)took;
        uint64_t moved = bus_dispatch(bus);
        if (took == 0 && moved == 0)
            break;
        if (m->blocked) { /* what it published has been taken: let it go on at once */
            m->blocked = false;
            bus->blocked--;
        }
    }
    return (int32_t)done;
}

void bus_hold(struct bus *bus, uint32_t member, bool held)
{
    struct bus_member *m = &bus->members[member];
    m->held = held;
    if (!held && (m->inbox.live > 0 || m->inbox.loss_count > 0))
        make_ready(bus, member);
}
