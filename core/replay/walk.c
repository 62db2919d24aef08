/* Records into callbacks; see walk.h. */
#include "replay/walk.h"

#include <stdlib.h>
#include <string.h>

/* A lane's arena holds 4 MiB of events that wait: whatever is referred to is among the last that
 * were published. */
enum { HISTORY_BYTES = 16 << 20, HISTORY_EVENTS = 1 << 17 };

struct published {
    hawse_event_t event; /* without its pointer */
    uint64_t at;         /* position of its data; ever growing */
    uint64_t before;     /* number of the one before it in its bucket; 0 = none */
};

/* What was published on one lane. Only its own lane refers to it; what crossed is recorded whole.
 */
struct history {
    uint8_t *bytes; /* ring; HISTORY_BYTES and padding */
    uint64_t next;
    struct published *published; /* ring of the last ones; the first is number 1 */
    uint64_t count;
    uint64_t *buckets; /* number of the last one by hash */
};

struct walk {
    struct reader *reader;
    const uint8_t *bytes;
    size_t len, at;
    uint64_t number;
    struct history *history; /* of the lane whose chunk is read */
    struct history lanes[FORMAT_LANES];
    hawse_event_t *events;
    const hawse_event_t **list;
    size_t event_cap;
    struct record_call *calls;
    size_t call_cap;
};

/* The history of the lane whose chunk comes now, made when there is none. */
static int32_t use_lane(struct walk *w, uint16_t lane)
{
    if (lane >= FORMAT_LANES)
        return HAWSE_E_FORMAT;
    struct history *h = w->history = &w->lanes[lane];
    if (h->bytes && h->published && h->buckets)
        return HAWSE_OK;
    h->bytes = malloc(HISTORY_BYTES + HAWSE_PADDING);
    h->published = calloc(HISTORY_EVENTS, sizeof(h->published[0]));
    h->buckets = calloc(HISTORY_EVENTS, sizeof(h->buckets[0]));
    return h->bytes && h->published && h->buckets ? HAWSE_OK : HAWSE_E_NOMEM;
}

int32_t walk_open(const char *path, struct walk **out, struct fault *fault)
{
    struct walk *w = calloc(1, sizeof(*w));
    if (!w)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory to read a capture");
    int32_t code = reader_open(path, &w->reader, fault);
    if (code != HAWSE_OK) {
        walk_close(w);
        return code;
    }
    *out = w;
    return HAWSE_OK;
}

void walk_close(struct walk *w)
{
    if (!w)
        return;
    reader_close(w->reader);
    free(w->events);
    free(w->list);
    free(w->calls);
    for (size_t i = 0; i < FORMAT_LANES; i++) {
        free(w->lanes[i].bytes);
        free(w->lanes[i].published);
        free(w->lanes[i].buckets);
    }
    free(w);
}

const struct reader_state *walk_state(const struct walk *w)
{
    return reader_state(w->reader);
}

/* ---- events that were published ---- */

static uint64_t *bucket_of(const struct history *h, uint32_t source, uint32_t stream, uint64_t seq)
{
    uint64_t hash =
        (seq ^ ((uint64_t)source << 32 | stream) * 0xff51afd7ed558ccdu) * 0x9e3779b97f4a7c15u;
    return &h->buckets[hash >> 47];
}

static void remember(struct history *h, const struct record_call *call, uint16_t instance)
{
    hawse_event_t event;
    record_published(call, instance, &event);
    uint64_t at = (h->next + 7) & ~(uint64_t)7;
    if (event.len > HISTORY_BYTES / 4)
        return;
    if (at % HISTORY_BYTES + event.len > HISTORY_BYTES)
        at += HISTORY_BYTES - at % HISTORY_BYTES;
    uint64_t *bucket = bucket_of(h, event.source, event.stream, event.seq);
    uint64_t number = ++h->count;
    struct published *p = &h->published[number % HISTORY_EVENTS];
    p->before = *bucket;
    *bucket = number;
    p->at = at;
    if (event.len > 0)
        memcpy(h->bytes + at % HISTORY_BYTES, event.data, event.len);
    h->next = at + event.len;
    p->event = event;
    p->event.data = NULL;
}

static bool recall(const struct history *h, const struct record_ref *ref, uint64_t seq,
                   hawse_event_t *event)
{
    uint64_t number = *bucket_of(h, ref->source, ref->stream, seq);
    while (number > 0 && number + HISTORY_EVENTS > h->count) {
        const struct published *p = &h->published[number % HISTORY_EVENTS];
        number = p->before;
        if (p->event.source != ref->source || p->event.stream != ref->stream || p->event.seq != seq)
            continue;
        *event = p->event;
        event->data = h->bytes + p->at % HISTORY_BYTES;
        return h->next - p->at <= HISTORY_BYTES;
    }
    return false;
}

/* ---- a callback ---- */

static bool grow(void **list, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 128;
    void *bigger = realloc(*list, more * size);
    if (!bigger)
        return false;
    *list = bigger;
    *cap = more;
    return true;
}

static int32_t add_event(struct walk *w, struct walk_step *step, const hawse_event_t *event)
{
    size_t cap = w->event_cap;
    if (!grow((void **)&w->events, &cap, step->event_count, sizeof(w->events[0])))
        return HAWSE_E_NOMEM;
    if (cap != w->event_cap) {
        void *bigger = realloc(w->list, cap * sizeof(w->list[0]));
        if (!bigger)
            return HAWSE_E_NOMEM;
        w->list = bigger;
        w->event_cap = cap;
    }
    w->events[step->event_count++] = *event;
    return HAWSE_OK;
}

static int32_t add_call(struct walk *w, struct walk_step *step, const struct record_call *call)
{
    if (!grow((void **)&w->calls, &w->call_cap, step->call_count, sizeof(w->calls[0])))
        return HAWSE_E_NOMEM;
    w->calls[step->call_count++] = *call;
    return HAWSE_OK;
}

static int32_t add_references(struct walk *w, struct walk_step *step, const struct record_ref *ref)
{
    hawse_event_t event;
    if (ref->count == 0 || ref->count > HAWSE_BATCH_MAX)
        return HAWSE_E_FORMAT;
    for (uint32_t i = 0; i < ref->count; i++) {
        if (!recall(w->history, ref, ref->seq + i, &event))
            step->unresolved++;
        else if (add_event(w, step, &event) != HAWSE_OK)
            return HAWSE_E_NOMEM;
    }
    return HAWSE_OK;
}

/* One record between BEGIN and END. */
static int32_t take_record(struct walk *w, struct walk_step *step, const struct record_head *head)
{
    hawse_event_t event;
    struct record_call call;
    const struct record_ref *ref = record_read_fixed(head, RECORD_REF, sizeof(*ref));
    if (head->instance != step->instance)
        return HAWSE_E_FORMAT;
    if (ref)
        return add_references(w, step, ref);
    if (record_read_event(head, &event))
        return add_event(w, step, &event);
    if (!record_read_call(head, &call))
        return HAWSE_E_FORMAT;
    return add_call(w, step, &call);
}

/* Publications count from the callback's end on: within it, only others' were delivered. */
static void finish(struct walk *w, struct walk_step *step)
{
    for (uint32_t i = 0; i < step->event_count; i++)
        w->list[i] = &w->events[i];
    step->events = w->events;
    step->event_list = w->list;
    step->calls = w->calls;
    step->number = ++w->number;
}

static void remember_calls(struct walk *w, const struct walk_step *step)
{
    for (uint32_t i = 0; i < step->call_count; i++) {
        if (w->calls[i].call == CALL_PUBLISH && w->calls[i].code == HAWSE_OK)
            remember(w->history, &w->calls[i], step->instance);
    }
}

static int32_t read_callback(struct walk *w, struct walk_step *step,
                             const struct record_head *first)
{
    const struct record_begin *begin = record_read_fixed(first, RECORD_BEGIN, sizeof(*begin));
    bool bad = false;
    if (!begin)
        return HAWSE_E_FORMAT;
    step->kind = WALK_CALLBACK;
    step->begin = *begin;
    const struct record_head *head;
    while ((head = record_next(w->bytes, w->len, &w->at, &bad)) != NULL) {
        const struct record_end *end = record_read_fixed(head, RECORD_END, sizeof(*end));
        if (end) {
            step->end = *end;
            finish(w, step);
            return HAWSE_OK;
        }
        int32_t code = take_record(w, step, head);
        if (code != HAWSE_OK)
            return code;
    }
    return HAWSE_E_FORMAT; /* chunks hold whole callbacks */
}

static int32_t read_step(struct walk *w, struct walk_step *step, const struct record_head *head)
{
    const struct record_loss *loss = record_read_fixed(head, RECORD_LOSS, sizeof(*loss));
    step->instance = head->instance;
    if (loss) {
        step->kind = WALK_LOSS;
        step->loss = *loss;
        return HAWSE_OK;
    }
    if (record_read_instance(head, &step->handle, &step->text)) {
        step->kind = WALK_INSTANCE;
        return HAWSE_OK;
    }
    return read_callback(w, step, head);
}

int32_t walk_next(struct walk *w, struct walk_step *step, struct fault *fault)
{
    bool bad = false;
    const struct record_head *head;
    if (step->kind == WALK_CALLBACK) /* the step before: its memory is still there */
        remember_calls(w, step);
    memset(step, 0, sizeof(*step));
    while ((head = record_next(w->bytes, w->len, &w->at, &bad)) == NULL) {
        if (bad)
            return fault_set(fault, HAWSE_E_FORMAT, "the capture holds bytes that are no record");
        w->at = 0;
        int32_t code = reader_next(w->reader, &w->bytes, &w->len, fault);
        if (code <= 0) {
            w->len = 0;
            return code; /* step->kind is WALK_END */
        }
        code = use_lane(w, reader_state(w->reader)->lane);
        if (code != HAWSE_OK)
            return fault_set(fault, code, "the capture holds a lane that cannot be read");
    }
    int32_t code = read_step(w, step, head);
    if (code == HAWSE_E_FORMAT)
        return fault_set(fault, code, "the capture holds records that make no callback");
    return code == HAWSE_OK ? code : fault_set(fault, code, "no memory to read a callback");
}
