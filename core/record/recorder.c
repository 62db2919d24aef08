/* The lane's side of the flight recorder; see recorder.h. */
#include "record/recorder.h"

#include "record/store.h"

#include <string.h>
#include <time.h>

enum { WAIT_NS = 50000, HOLD_BYTES = 64 << 10 };

int32_t recorder_init(struct recorder *r, uint64_t bytes, enum record_full full,
                      struct fault *fault)
{
    memset(r, 0, sizeof(*r));
    r->full = full;
    int32_t code = spool_init(&r->spool, bytes);
    return code == HAWSE_OK ? code
                            : fault_set(fault, code, "no memory for a recorder's %llu MiB",
                                        (unsigned long long)(bytes >> 20));
}

void recorder_finish(struct recorder *r)
{
    spool_finish(&r->spool);
}

void recorder_foreign(struct recorder *r, uint32_t source, bool foreign)
{
    uint32_t bit = (source - 1) % RECORDER_SOURCES;
    if (foreign)
        (void)__atomic_fetch_or(&r->foreign[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
    else
        (void)__atomic_fetch_and(&r->foreign[bit / 64], ~(1ull << bit % 64), __ATOMIC_RELAXED);
}

/* ---- room ---- */

static bool stopped(const struct recorder *r)
{
    return __atomic_load_n(&r->stopped, __ATOMIC_RELAXED) != 0;
}

/* The callback under way does not fit: none of it is recorded. */
static void give_up(struct recorder *r)
{
    spool_drop(&r->spool);
    r->skip = true;
}

/* Until there is room, or all that is not written yet is this callback. */
static uint8_t *wait_for_room(struct recorder *r, uint64_t len)
{
    const struct spool *spool = &r->spool;
    for (;;) {
        uint64_t own = (uint64_t)(spool->end - spool->start);
        bool last = spool_busy(spool) <= own;
        uint8_t *at = spool_take(&r->spool, len);
        if (at || last || stopped(r))
            return at;
        struct timespec ts = {.tv_nsec = WAIT_NS};
        (void)nanosleep(&ts, NULL);
    }
}

static __attribute__((noinline)) void *no_room(struct recorder *r, uint64_t len)
{
    recorder_flush(r); /* or nothing would ever be given back */
    uint8_t *at = r->full == RECORD_FULL_WAIT ? wait_for_room(r, len) : NULL;
    if (!at)
        give_up(r);
    return at;
}

static inline void *take(struct recorder *r, uint64_t len)
{
    uint8_t *at = spool_take(&r->spool, len);
    return __builtin_expect(at != NULL, 1) ? at : no_room(r, len);
}

/* The fence waits until all that was written is in memory: 0.1 us, five times what else recording a
 * small callback costs. So callbacks are handed over together, when the lane has done what there
 * was to do, or when they have become many. */
static void hand_over(struct recorder *r)
{
    store_fence();
    spool_hand_over(&r->spool);
}

void recorder_flush(struct recorder *r)
{
    if (spool_held(&r->spool) > 0)
        hand_over(r);
}

static void commit(struct recorder *r)
{
    spool_end(&r->spool);
    hand_over(r);
}

/* Tells what was left out, as soon as there is room for it. */
static void tell_loss(struct recorder *r)
{
    uint8_t *at = spool_take(&r->spool, sizeof(r->loss));
    if (!at)
        return;
    r->loss.head = (struct record_head){.len = sizeof(r->loss), .kind = RECORD_LOSS};
    (void)store_struct(at, &r->loss, sizeof(r->loss));
    memset(&r->loss, 0, sizeof(r->loss));
    commit(r);
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

/* ---- events ---- */

static bool is_reference(const struct recorder *r, const hawse_event_t *event)
{
    if (event->source == 0 || event->space == HAWSE_SPACE_STREAM || r->whole_events)
        return false;
    uint32_t bit = (event->source - 1) % RECORDER_SOURCES;
    return (__atomic_load_n(&r->foreign[bit / 64], __ATOMIC_RELAXED) >> bit % 64 & 1u) == 0;
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
    struct record_ref record = {
        .head = {.len = sizeof(record), .kind = RECORD_REF, .instance = r->instance},
        .source = first->source,
        .stream = first->stream,
        .seq = first->seq,
        .count = count};
    uint8_t *at = take(r, sizeof(record));
    if (at)
        (void)store_struct(at, &record, sizeof(record));
    return count;
}

static inline uint64_t head_word(const struct recorder *r, uint64_t len, enum record_kind kind)
{
    return len | (uint64_t)kind << 32 | (uint64_t)r->instance << 48;
}

/* The ABI's header of an event, word by word: `size` in its first, `source` in its second, `seq` in
 * its fourth; never its pointer. */
static inline uint8_t *store_event(uint8_t *at, const hawse_event_t *event, uint64_t size,
                                   uint64_t source, uint64_t seq)
{
    store_word(at, size | (uint64_t)event->space << 32 | (uint64_t)event->kind << 48);
    store_word(at + 8, source | (uint64_t)event->stream << 32);
    store_word(at + 16, event->epoch | (uint64_t)event->flags << 32);
    store_word(at + 24, seq);
    store_word(at + 32, event->t_recv_ns);
    store_word(at + 40, event->t_source_ns);
    store_word(at + 48, event->key);
    store_word(at + 56, 0);
    store_word(at + 64, event->len);
    return at + sizeof(*event);
}

static void put_event(struct recorder *r, const hawse_event_t *event)
{
    uint64_t len = sizeof(struct record_head) + sizeof(*event) + record_pad(event->len);
    if (event->len > r->spool.cap) { /* so that the sum above is one */
        give_up(r);
        return;
    }
    uint8_t *at = take(r, len);
    if (!at)
        return;
    store_word(at, head_word(r, len, RECORD_EVENT));
    at =
        store_event(at + sizeof(struct record_head), event, event->size, event->source, event->seq);
    (void)store_bytes(at, event->data, event->len);
}

/* Of events that other plugins published only their name is kept: the PUBLISH call has the rest.
 * Continuity events may be the host's own, and are kept whole. */
static void put_some(struct recorder *r)
{
    if (is_reference(r, r->list[0])) {
        uint32_t count = put_refs(r, r->list, r->pending);
        r->list += count;
        r->pending -= count;
    } else {
        put_event(r, *r->list++);
        r->pending--;
    }
}

/* Copying a batch at once would have the lane wait for memory; event by event, between the calls
 * that the plugin makes, it does not. */
void recorder_events(struct recorder *r, const hawse_event_t *const *events, uint32_t n)
{
    r->list = events;
    r->pending = r->skip ? 0 : n;
}

/* Before a call is recorded. False: it is not. */
static inline bool put_next(struct recorder *r)
{
    r->reserves = 0;
    if (r->pending > 0 && r->open && !r->skip)
        put_some(r);
    return r->open && !r->skip;
}

/* ---- a callback ---- */

static void end(struct recorder *r, int32_t result, uint64_t elapsed_ns, uint32_t flags)
{
    if (!r->open)
        return;
    r->open = false;
    while (r->pending > 0 && !r->skip)
        put_some(r);
    struct record_end record = {
        .head = {.len = sizeof(record), .kind = RECORD_END, .instance = r->instance},
        .result = result,
        .flags = flags,
        .elapsed_ns = elapsed_ns};
    uint8_t *at = r->skip ? NULL : take(r, sizeof(record));
    if (!at) {
        count_loss(r);
        return;
    }
    (void)store_struct(at, &record, sizeof(record));
    spool_end(&r->spool);
    if (__builtin_expect(spool_held(&r->spool) >= HOLD_BYTES, 0))
        hand_over(r);
}

/* One that never ended: its thread was given up (core/host/watchdog.c), or its worker was lost. */
static void end_abandoned(struct recorder *r)
{
    if (!r->open)
        return;
    r->pending = 0; /* their memory may hold others by now */
    end(r, HAWSE_E_TIMEOUT, 0, RECORD_ABANDONED);
}

void recorder_begin(struct recorder *r, uint16_t instance, enum record_callback callback,
                    uint64_t now_ns, uint64_t utc_ns, uint64_t argument, uint32_t events)
{
    end_abandoned(r);
    r->pending = 0;
    r->skip = stopped(r);
    if (r->skip)
        return;
    spool_begin(&r->spool);
    if (__builtin_expect(r->loss.callbacks > 0, 0))
        tell_loss(r);
    r->open = true;
    r->instance = instance;
    r->events = events;
    r->reserves = 0;
    r->begun_now_ns = now_ns;
    struct record_begin record = {
        .head = {.len = sizeof(record), .kind = RECORD_BEGIN, .instance = instance},
        .now_ns = now_ns,
        .utc_ns = utc_ns,
        .argument = argument,
        .callback = callback,
        .events = events};
    uint8_t *at = take(r, sizeof(record));
    if (at)
        (void)store_struct(at, &record, sizeof(record));
}

void recorder_call(struct recorder *r, const struct record_call *call)
{
    if (!put_next(r))
        return;
    uint64_t words = (uint64_t)call->arg_count + call->view_count;
    uint64_t len = sizeof(struct record_call_head) + words * 8;
    for (uint8_t i = 0; i < call->view_count; i++) {
        if (call->views[i].len > r->spool.cap) {
            give_up(r);
            return;
        }
        len += record_pad(call->views[i].len);
    }
    uint8_t *at = take(r, len);
    if (!at)
        return;
    struct record_call_head head = {
        .head = {.len = (uint32_t)len, .kind = RECORD_CALL, .instance = r->instance},
        .call = call->call,
        .arg_count = call->arg_count,
        .view_count = call->view_count,
        .code = call->code,
        .result = call->result};
    at = store_struct(at, &head, sizeof(head));
    at = store_struct(at, call->args, (uint64_t)call->arg_count * 8);
    for (uint8_t i = 0; i < call->view_count; i++, at += 8)
        store_word(at, call->views[i].len);
    for (uint8_t i = 0; i < call->view_count; i++)
        at = store_bytes(at, call->views[i].data, call->views[i].len);
}

/* A PUBLISH call, laid out as recorder_call does: its arguments are the event's header without what
 * the host sets, its one view is the record. */
enum { PUBLISH_BYTES = sizeof(struct record_call_head) + sizeof(hawse_event_t) + 8 };

_Static_assert(HAWSE_OK == 0 && sizeof(hawse_event_t) / 8 == 9, "as the words below say");

void recorder_publish(struct recorder *r, const hawse_event_t *event, uint64_t seq)
{
    uint64_t len = PUBLISH_BYTES + record_pad(event->len);
    if (!put_next(r))
        return;
    uint8_t *at = take(r, len);
    if (!at)
        return;
    store_word(at, head_word(r, len, RECORD_CALL));
    store_word(at + 8, CALL_PUBLISH | sizeof(*event) / 8 << 16 | 1u << 24); /* and code 0 */
    store_word(at + 16, seq);
    at = store_event(at + sizeof(struct record_call_head), event, sizeof(*event), 0, 0);
    store_word(at, event->len);
    at += 8;
    (void)store_bytes(at, event->data, event->len);
}

void recorder_end(struct recorder *r, int32_t result, uint64_t elapsed_ns)
{
    end(r, result, elapsed_ns, 0);
}

void recorder_instance(struct recorder *r, uint16_t instance, uint64_t handle, hawse_view_t text)
{
    uint64_t len = sizeof(struct record_instance) + record_pad(text.len);
    end_abandoned(r); /* an instance that is made anew after its worker was lost */
    if (stopped(r) || text.len > r->spool.cap / 4)
        return;
    spool_begin(&r->spool);
    uint8_t *at = spool_take(&r->spool, len);
    if (!at)
        return;
    struct record_instance record = {
        .head = {.len = (uint32_t)len, .kind = RECORD_INSTANCE, .instance = instance},
        .handle = handle,
        .text_len = text.len};
    at = store_struct(at, &record, sizeof(record));
    (void)store_bytes(at, text.data, text.len);
    commit(r);
}
