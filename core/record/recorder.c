/* The lane's side of the flight recorder; see recorder.h. */
#include "record/recorder.h"

#include <string.h>
#include <time.h>

enum { WAIT_NS = 50000 };

int32_t recorder_init(struct recorder *r, uint64_t ring_bytes, enum record_full full,
                      struct fault *fault)
{
    memset(r, 0, sizeof(*r));
    r->full = full;
    int32_t code = ring_init(&r->ring, ring_bytes);
    return code == HAWSE_OK ? code
                            : fault_set(fault, code, "no memory for a recorder's ring of %llu MiB",
                                        (unsigned long long)(ring_bytes >> 20));
}

void recorder_finish(struct recorder *r)
{
    ring_finish(&r->ring);
}

/* ---- room ---- */

static bool stopped(const struct recorder *r)
{
    return __atomic_load_n(&r->stopped, __ATOMIC_RELAXED) != 0;
}

/* The callback under way does not fit: none of it is recorded. */
static void give_up(struct recorder *r)
{
    r->ring.at = r->begun_at;
    r->skip = true;
}

static inline void *take(struct recorder *r, uint64_t len)
{
    bool fits = r->ring.at - r->begun_at + len <= r->ring.cap / 2; /* one callback, one chunk */
    void *at = fits ? ring_take(&r->ring, len) : NULL;
    if (__builtin_expect(!at, 0))
        give_up(r);
    return at;
}

static void wait_for_room(struct recorder *r)
{
    while (ring_room(&r->ring) < r->ring.cap / 2 && !stopped(r)) {
        struct timespec ts = {.tv_nsec = WAIT_NS};
        (void)nanosleep(&ts, NULL);
    }
}

/* Tells what was left out, as soon as there is room for it. */
static void tell_loss(struct recorder *r)
{
    struct record_loss *at = (struct record_loss *)(void *)ring_take(&r->ring, sizeof(*at));
    if (!at)
        return;
    *at = r->loss;
    at->head = (struct record_head){.len = sizeof(*at), .kind = RECORD_LOSS};
    memset(&r->loss, 0, sizeof(r->loss));
    ring_commit(&r->ring);
}

static void count_loss(struct recorder *r)
{
    if (r->loss.callbacks++ == 0)
        r->loss.first_ns = r->begun_now_ns;
    r->loss.last_ns = r->begun_now_ns;
    r->loss.events += r->events;
    __atomic_store_n(&r->lost_callbacks, r->lost_callbacks + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&r->lost_events, r->lost_events + r->events, __ATOMIC_RELAXED);
    if (r->full == RECORD_FULL_STOP) {
        tell_loss(r);
        __atomic_store_n(&r->stopped, 1, __ATOMIC_RELEASE);
    }
}

/* ---- a callback ---- */

static void end(struct recorder *r, int32_t result, uint64_t elapsed_ns, uint32_t flags)
{
    if (!r->open)
        return;
    r->open = false;
    struct record_end *at = r->skip ? NULL : take(r, sizeof(*at));
    if (!at) {
        count_loss(r);
        return;
    }
    *at = (struct record_end){
        .head = {.len = sizeof(*at), .kind = RECORD_END, .instance = r->instance},
        .result = result,
        .flags = flags,
        .elapsed_ns = elapsed_ns};
    ring_commit(&r->ring);
}

void recorder_begin(struct recorder *r, uint16_t instance, enum record_callback callback,
                    uint64_t now_ns, uint64_t utc_ns, uint64_t argument)
{
    if (r->open) /* its thread was given up: see core/host/watchdog.c */
        end(r, HAWSE_E_TIMEOUT, 0, RECORD_ABANDONED);
    r->skip = stopped(r);
    if (r->skip)
        return;
    if (r->full == RECORD_FULL_WAIT)
        wait_for_room(r);
    if (__builtin_expect(r->loss.callbacks > 0, 0))
        tell_loss(r);
    r->open = true;
    r->instance = instance;
    r->events = 0;
    r->reserves = 0;
    r->begun_at = r->ring.at;
    r->begun_now_ns = now_ns;
    struct record_begin *at = take(r, sizeof(*at));
    if (at)
        *at = (struct record_begin){
            .head = {.len = sizeof(*at), .kind = RECORD_BEGIN, .instance = instance},
            .now_ns = now_ns,
            .utc_ns = utc_ns,
            .argument = argument,
            .callback = callback};
}

static bool is_reference(const struct recorder *r, const hawse_event_t *event)
{
    return event->source != 0 && event->space != HAWSE_SPACE_STREAM && !r->whole_events;
}

/* One record for as many events as have consecutive numbers. Returns how many. */
static uint32_t put_refs(struct recorder *r, const hawse_event_t *const *events, uint32_t n)
{
    const hawse_event_t *first = events[0];
    uint32_t count = 1;
    while (count < n && events[count]->source == first->source &&
           events[count]->stream == first->stream && events[count]->seq == first->seq + count &&
           events[count]->space != HAWSE_SPACE_STREAM)
        count++;
    struct record_ref *at = take(r, sizeof(*at));
    if (at)
        *at = (struct record_ref){
            .head = {.len = sizeof(*at), .kind = RECORD_REF, .instance = r->instance},
            .source = first->source,
            .stream = first->stream,
            .seq = first->seq,
            .count = count};
    return count;
}

static void put_event(struct recorder *r, const hawse_event_t *event)
{
    uint64_t len = sizeof(struct record_head) + sizeof(*event) + record_pad(event->len);
    if (event->len > r->ring.cap) { /* so that the sum above is one */
        give_up(r);
        return;
    }
    uint8_t *at = take(r, len);
    if (!at)
        return;
    *(struct record_head *)(void *)at =
        (struct record_head){.len = (uint32_t)len, .kind = RECORD_EVENT, .instance = r->instance};
    hawse_event_t *copy = (hawse_event_t *)(void *)(at + sizeof(struct record_head));
    *copy = *event;
    copy->data = NULL;
    if (event->len > 0) {
        *(uint64_t *)(void *)(at + len - 8) = 0; /* the padding */
        memcpy(copy + 1, event->data, event->len);
    }
}

/* Of events that other plugins published only their name is kept: the PUBLISH call has the rest.
 * Continuity events may be the host's own, and are kept whole. */
void recorder_events(struct recorder *r, const hawse_event_t *const *events, uint32_t n)
{
    r->events = n;
    for (uint32_t i = 0; i < n && !r->skip;) {
        if (is_reference(r, events[i])) {
            i += put_refs(r, events + i, n - i);
        } else {
            put_event(r, events[i]);
            i++;
        }
    }
    if (!r->skip)
        ((struct record_begin *)(void *)(r->ring.base + (r->begun_at & (r->ring.cap - 1))))
            ->events = n;
}

void recorder_call(struct recorder *r, const struct record_call *call)
{
    r->reserves = 0;
    if (!r->open || r->skip)
        return;
    uint64_t words = (uint64_t)call->arg_count + call->view_count;
    uint64_t len = sizeof(struct record_call_head) + words * 8;
    for (uint8_t i = 0; i < call->view_count; i++) {
        if (call->views[i].len > r->ring.cap) {
            give_up(r);
            return;
        }
        len += record_pad(call->views[i].len);
    }
    uint8_t *at = take(r, len);
    if (!at)
        return;
    struct record_call_head *head = (struct record_call_head *)(void *)at;
    *head = (struct record_call_head){
        .head = {.len = (uint32_t)len, .kind = RECORD_CALL, .instance = r->instance},
        .call = call->call,
        .arg_count = call->arg_count,
        .view_count = call->view_count,
        .code = call->code,
        .result = call->result};
    uint64_t *out = (uint64_t *)(void *)(head + 1);
    for (uint8_t i = 0; i < call->arg_count; i++)
        *out++ = call->args[i];
    for (uint8_t i = 0; i < call->view_count; i++)
        *out++ = call->views[i].len;
    for (uint8_t i = 0; i < call->view_count; i++) {
        uint64_t bytes = call->views[i].len;
        if (bytes == 0)
            continue;
        out[record_pad(bytes) / 8 - 1] = 0;
        memcpy(out, call->views[i].data, bytes);
        out += record_pad(bytes) / 8;
    }
}

/* A PUBLISH call, laid out as recorder_call does. */
struct publish_record {
    struct record_call_head head;
    hawse_event_t event; /* its arguments */
    uint64_t len;        /* of its one view */
};
_Static_assert(sizeof(struct publish_record) == 104, "no hidden padding");

void recorder_publish(struct recorder *r, const hawse_event_t *event, uint64_t seq)
{
    uint64_t len = sizeof(struct publish_record) + record_pad(event->len);
    r->reserves = 0;
    if (!r->open || r->skip)
        return;
    struct publish_record *at = take(r, len);
    if (!at)
        return;
    at->head = (struct record_call_head){
        .head = {.len = (uint32_t)len, .kind = RECORD_CALL, .instance = r->instance},
        .call = CALL_PUBLISH,
        .arg_count = sizeof(*event) / 8,
        .view_count = 1,
        .code = HAWSE_OK,
        .result = seq};
    at->event = *event;
    at->event.size = sizeof(*event);
    at->event.source = 0;
    at->event.seq = 0;
    at->event.data = NULL;
    at->len = event->len;
    if (event->len > 0) {
        ((uint64_t *)(void *)at)[len / 8 - 1] = 0;
        memcpy(at + 1, event->data, event->len);
    }
}

void recorder_end(struct recorder *r, int32_t result, uint64_t elapsed_ns)
{
    end(r, result, elapsed_ns, 0);
}

void recorder_instance(struct recorder *r, uint16_t instance, uint64_t handle, hawse_view_t text)
{
    uint64_t len = sizeof(struct record_instance) + record_pad(text.len);
    if (stopped(r) || text.len > r->ring.cap / 4)
        return;
    uint8_t *at = ring_take(&r->ring, len);
    if (!at)
        return;
    memset(at, 0, len);
    *(struct record_instance *)(void *)at = (struct record_instance){
        .head = {.len = (uint32_t)len, .kind = RECORD_INSTANCE, .instance = instance},
        .handle = handle,
        .text_len = text.len};
    memcpy(at + sizeof(struct record_instance), text.data, text.len);
    ring_commit(&r->ring);
}
