/* What sources say of their sequences; see continuity.h. */
#include "host/continuity.h"

#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A market of a sequence. Never taken out: where the whole sequence says more, it follows that. */
struct entry {
    uint64_t key; /* 0 = free */
    uint32_t stream;
    uint8_t state; /* UNKNOWN: that of the whole sequence holds */
};

struct continuity {
    pthread_mutex_t lock;
    uint8_t whole[BUS_STREAMS];
    uint32_t broken[BUS_STREAMS]; /* markets that are not live by themselves */
    struct entry *entries;        /* open addressing; a power of two, at most three quarters used */
    size_t used, cap;
};

const char *continuity_word(enum continuity_state state)
{
#define WORD(name, word) word,
    static const char *const words[] = {CONTINUITY_STATES(WORD)};
    return words[state];
}

struct continuity *continuity_new(void)
{
    struct continuity *c = calloc(1, sizeof(*c));
    if (c)
        (void)pthread_mutex_init(&c->lock, NULL);
    return c;
}

void continuity_free(struct continuity *c)
{
    if (!c)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    free(c->entries);
    free(c);
}

/* Its place, or the free one where it would be. `cap` is not 0. */
static struct entry *place(struct entry *entries, size_t cap, uint32_t stream, uint64_t key)
{
    uint64_t hash = (key ^ stream) * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash >> 32) & (cap - 1);
    while (entries[i].key != 0 && (entries[i].key != key || entries[i].stream != stream))
        i = (i + 1) & (cap - 1);
    return &entries[i];
}

static bool grow(struct continuity *c)
{
    size_t cap = c->cap > 0 ? 2 * c->cap : 64;
    struct entry *entries = calloc(cap, sizeof(entries[0]));
    if (!entries)
        return false;
    for (size_t i = 0; i < c->cap; i++) {
        if (c->entries[i].key != 0)
            *place(entries, cap, c->entries[i].stream, c->entries[i].key) = c->entries[i];
    }
    free(c->entries);
    c->entries = entries;
    c->cap = cap;
    return true;
}

static bool is_broken(uint8_t state)
{
    return state != CONTINUITY_UNKNOWN && state != CONTINUITY_LIVE;
}

static void set(struct continuity *c, struct entry *e, uint8_t state)
{
    c->broken[e->stream] += is_broken(state);
    c->broken[e->stream] -= is_broken(e->state);
    e->state = state;
}

/* Markets of a sequence are as the whole of it from now on: `all`, or only those that were live. */
static void follow(struct continuity *c, uint32_t stream, bool all)
{
    for (size_t i = 0; i < c->cap; i++) {
        struct entry *e = &c->entries[i];
        if (e->key != 0 && e->stream == stream && (all || e->state == CONTINUITY_LIVE))
            set(c, e, CONTINUITY_UNKNOWN);
    }
}

static void tell_key(struct continuity *c, uint32_t stream, uint64_t key, uint8_t state)
{
    struct entry *e = c->cap > 0 ? place(c->entries, c->cap, stream, key) : NULL;
    if (!e || e->key == 0) {
        bool full = 4 * (c->used + 1) > 3 * c->cap;
        if (c->used == CONTINUITY_KEYS_MAX || (full && !grow(c))) {
            /* what can't be kept apart is not live, nor is what is beside it */
            c->whole[stream] = state == CONTINUITY_LIVE ? c->whole[stream] : state;
            return;
        }
        e = place(c->entries, c->cap, stream, key);
        *e = (struct entry){.key = key, .stream = stream};
        c->used++;
    }
    set(c, e, state);
}

void continuity_told(struct continuity *c, const hawse_event_t *event)
{
    static const uint8_t states[] = {
        [HAWSE_STREAM_EVENT_GAP] = CONTINUITY_GAP,
        [HAWSE_STREAM_EVENT_RECOVERING] = CONTINUITY_RECOVERING,
        [HAWSE_STREAM_EVENT_HEALED] = CONTINUITY_LIVE,
        [HAWSE_STREAM_EVENT_UNHEALABLE] = CONTINUITY_UNHEALABLE,
        [HAWSE_STREAM_EVENT_LIVE] = CONTINUITY_LIVE,
    };
    if (event->kind >= sizeof(states) || states[event->kind] == CONTINUITY_UNKNOWN ||
        event->stream >= BUS_STREAMS)
        return;
    (void)pthread_mutex_lock(&c->lock);
    if (event->key != 0) {
        tell_key(c, event->stream, event->key, states[event->kind]);
    } else {
        c->whole[event->stream] = states[event->kind];
        follow(c, event->stream, event->kind == HAWSE_STREAM_EVENT_LIVE);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

void continuity_lost(struct continuity *c)
{
    (void)pthread_mutex_lock(&c->lock);
    memset(c->whole, CONTINUITY_UNKNOWN, sizeof(c->whole));
    for (uint32_t i = 0; i < BUS_STREAMS; i++)
        follow(c, i, true);
    (void)pthread_mutex_unlock(&c->lock);
}

enum continuity_state continuity_of(struct continuity *c, uint32_t stream, uint64_t key)
{
    enum continuity_state state = CONTINUITY_UNKNOWN;
    if (stream >= BUS_STREAMS)
        return state;
    (void)pthread_mutex_lock(&c->lock);
    state = (enum continuity_state)c->whole[stream];
    const struct entry *e = key != 0 && c->cap > 0 ? place(c->entries, c->cap, stream, key) : NULL;
    if (e && e->key != 0 && e->state != CONTINUITY_UNKNOWN)
        state = (enum continuity_state)e->state;
    if (key == 0 && state == CONTINUITY_LIVE && c->broken[stream] > 0)
        state = CONTINUITY_GAP;
    (void)pthread_mutex_unlock(&c->lock);
    return state;
}
