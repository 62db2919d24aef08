/* The kit's host: life of an instance, its clock and its queue; see kit.h. */
#include "check/kit.h"

#include <hawse/space/host.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, SLOT = 64 << 10, SLOT_STEP = SLOT + PAGE, POISON = 0xa5, SLACK = 64 };

struct kit_event {
    hawse_event_t event;
    struct kit_event *next;
    uint8_t data[];
};

/* Something that is to happen. A list in order of time, then of making. */
struct kit_task {
    uint64_t due_ns;
    void (*fn)(struct kit *k, uint64_t arg);
    uint64_t arg;
    uint64_t timer; /* handle; 0 = not a timer of the plugin */
    uint64_t period_ns, tag;
    struct kit_task *next;
};

/* ---- the host ---- */

extern const hawse_host_t kit_table;

static uint8_t *pages(size_t len)
{
    void *at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* The table stands at the end of a page, behind a pointer to its host. */
struct kit_host *kit_host_create(enum kit_shape shape)
{
    struct kit_host *host = calloc(1, sizeof(*host));
    if (!host)
        return NULL;
    host->mapped = (size_t)3 * PAGE;
    host->pages = pages(host->mapped);
    if (!host->pages || mprotect(host->pages + 2 * PAGE, PAGE, PROT_NONE) != 0) {
        kit_host_destroy(host);
        return NULL;
    }
    size_t tail = shape == KIT_SHAPE_EXACT ? 0 : 512;
    uint8_t *at = host->pages + 2 * PAGE - sizeof(hawse_host_t) - tail;
    memset(at, POISON, sizeof(hawse_host_t) + tail);
    memcpy(at, &kit_table, sizeof(kit_table));
    memcpy(at - sizeof(void *), &host, sizeof(void *));
    host->table = (hawse_host_t *)(void *)at;
    if (shape == KIT_SHAPE_NEWER) {
        host->table->size = (uint32_t)(sizeof(kit_table) + tail);
        host->table->abi_minor = HAWSE_ABI_MINOR + 7;
    }
    return host;
}

void kit_host_destroy(struct kit_host *host)
{
    if (!host)
        return;
    for (size_t i = 0; i < KIT_INSTANCES; i++) {
        if (host->slots[i])
            (void)munmap(host->slots[i], (size_t)SLOT_STEP * HAWSE_BATCH_MAX);
    }
    if (host->pages)
        (void)munmap(host->pages, host->mapped);
    free(host);
}

struct kit_host *kit_host_of(const hawse_host_t *table)
{
    struct kit_host *host;
    memcpy(&host, (const uint8_t *)table - sizeof(void *), sizeof(void *));
    return host;
}

/* ---- callbacks ---- */

void kit_begin(struct kit *k, const char *what)
{
    k->thread = pthread_self();
    __atomic_store_n(&k->inside, true, __ATOMIC_RELEASE);
    if (k->doing)
        (void)snprintf(k->doing, KIT_LINE, "%s", what);
}

void kit_end(struct kit *k)
{
    __atomic_store_n(&k->inside, false, __ATOMIC_RELEASE);
    free(k->reserved);
    k->reserved = NULL;
    if (k->doing)
        k->doing[0] = '\0';
}

/* Made once: a case may live hundreds of lives. */
static uint8_t *slots_of(struct kit_host *host, size_t index)
{
    if (host->slots[index])
        return host->slots[index];
    host->slots[index] = pages((size_t)SLOT_STEP * HAWSE_BATCH_MAX);
    for (size_t i = 0; host->slots[index] && i < HAWSE_BATCH_MAX; i++)
        (void)mprotect(host->slots[index] + i * SLOT_STEP + SLOT, PAGE, PROT_NONE);
    return host->slots[index];
}

struct kit *kit_new(struct kit_host *host, const hawse_plugin_t *plugin,
                    const struct manifest *manifest, const struct grants *grants, char *doing)
{
    struct kit *k = calloc(1, sizeof(*k));
    uint64_t index = host->kits[0] ? 1 : 0;
    if (!k || !(k->subs = calloc(KIT_SUBS, sizeof(k->subs[0]))) ||
        !(k->slots = slots_of(host, index))) {
        kit_free(k);
        return NULL;
    }
    k->host = host;
    k->plugin = plugin;
    k->manifest = manifest;
    k->grants = grants;
    k->doing = doing;
    k->self = (index + 1) << 32 | (index + 1);
    k->handles = (index + 1) << 48; /* those of two instances differ */
    k->now_ns = 1000 * KIT_SECOND;
    k->utc_ns = UINT64_C(1700000000) * KIT_SECOND;
    k->batch = 8;
    k->blot = KIT_STALE;
    k->answers = (struct kit_answers){.status = HAWSE_E_REMOTE,
                                      .body = "{\"code\":-32601,\"message\":\"not offered\"}",
                                      .last_step = HAWSE_INTENT_CONFIRMED};
    host->kits[index] = k;
    return k;
}

int32_t kit_make(struct kit *k, const char *settings)
{
    char *copy = strdup(settings); /* borrowed for the call, and gone after it */
    if (!copy)
        return HAWSE_E_NOMEM;
    size_t len = strlen(copy);
    kit_begin(k, "create");
    int32_t code = k->plugin->create(k->host->table, k->self,
                                     (hawse_view_t){(const uint8_t *)copy, len}, &k->state);
    kit_end(k);
    memset(copy, KIT_STALE, len);
    free(copy);
    k->created = code == HAWSE_OK;
    k->ended = code;
    return code;
}

int32_t kit_create(struct kit_host *host, const hawse_plugin_t *plugin,
                   const struct manifest *manifest, const struct grants *grants,
                   const char *settings, char *doing, struct kit **out)
{
    *out = kit_new(host, plugin, manifest, grants, doing);
    return *out ? kit_make(*out, settings) : HAWSE_E_NOMEM;
}

int32_t kit_start(struct kit *k)
{
    kit_deliver(k); /* demands come before start */
    kit_begin(k, "start");
    int32_t code = k->plugin->start(k->state);
    kit_end(k);
    k->started = code == HAWSE_OK;
    k->ended = code;
    return code;
}

int32_t kit_stop(struct kit *k)
{
    int32_t code = HAWSE_E_AGAIN;
    uint64_t deadline = k->now_ns + KIT_SECOND;
    k->stopping = true;
    while (code == HAWSE_E_AGAIN && k->now_ns <= deadline) {
        kit_begin(k, "stop");
        code = k->plugin->stop(k->state, deadline);
        kit_end(k);
        if (code == HAWSE_E_AGAIN)
            kit_pass(k, 20 * KIT_MS);
    }
    return code;
}

void kit_destroy(struct kit *k)
{
    kit_begin(k, "destroy");
    k->plugin->destroy(k->state);
    kit_end(k);
    k->destroyed = true;
    k->state = NULL;
}

static void drop_first(struct kit *k)
{
    struct kit_event *e = k->first;
    k->first = e->next;
    if (!k->first)
        k->last = NULL;
    free(e);
}

void kit_free(struct kit *k)
{
    if (!k)
        return;
    while (k->first)
        drop_first(k);
    while (k->tasks) {
        struct kit_task *task = k->tasks;
        k->tasks = task->next;
        free(task);
    }
    for (size_t i = 0; k->host && i < KIT_INSTANCES; i++) {
        if (k->host->kits[i] == k)
            k->host->kits[i] = NULL;
    }
    free(k->reserved);
    free(k->subs);
    free(k);
}

/* ---- the queue ---- */

void kit_push(struct kit *k, const hawse_event_t *event)
{
    struct kit_event *e = malloc(sizeof(*e) + event->len + HAWSE_PADDING);
    if (!e)
        abort(); /* the kit's own memory: the case cannot be judged */
    e->event = *event;
    e->next = NULL;
    if (event->len > 0)
        memcpy(e->data, event->data, event->len);
    memset(e->data + event->len, 0, HAWSE_PADDING);
    e->event.data = event->data ? e->data : NULL;
    if (k->last)
        k->last->next = e;
    else
        k->first = e;
    k->last = e;
}

uint32_t kit_waiting(const struct kit *k)
{
    uint32_t n = 0;
    for (const struct kit_event *e = k->first; e; e = e->next)
        n++;
    return n;
}

static uint64_t clock_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * KIT_SECOND + (uint64_t)t.tv_nsec;
}

int32_t kit_call_events(struct kit *k, const hawse_event_t *const *events, uint32_t n)
{
    char what[KIT_LINE] = "on_events with no event";
    if (n > 0)
        (void)snprintf(
            what, sizeof(what), "on_events, event %llu and %u more, the first of space %u kind %u",
            (unsigned long long)k->delivered + 1, n - 1, events[0]->space, events[0]->kind);
    kit_begin(k, what);
    uint64_t wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_THREAD_CPUTIME_ID);
    int32_t took = k->plugin->on_events(k->state, events, n);
    cpu = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    wall = clock_of(CLOCK_MONOTONIC) - wall;
    kit_end(k);
    k->worst_cpu_ns = cpu > k->worst_cpu_ns ? cpu : k->worst_cpu_ns;
    k->worst_wall_ns = wall - cpu > k->worst_wall_ns && wall > cpu ? wall - cpu : k->worst_wall_ns;
    k->batches++;
    if (took > 0 && (uint32_t)took > n) {
        kit_break(k, KIT_RULE_TOOK, "on_events was given %u events and says it took %d", n, took);
        took = (int32_t)n;
    }
    k->delivered += took > 0 ? (uint64_t)took : 0;
    return took;
}

static bool is_frame(const hawse_event_t *e)
{
    return e->space == HAWSE_SPACE_HOST && e->kind == HAWSE_HOST_FRAME;
}

/* Bytes that may be read after the data: behind them lies a page that may not. */
static size_t padding_of(const struct kit *k, const hawse_event_t *e)
{
    bool body = e->space == HAWSE_SPACE_HOST &&
                (e->kind == HAWSE_HOST_RPC_DONE || e->kind == HAWSE_HOST_HTTP_DONE);
    return is_frame(e) || body ? HAWSE_PADDING : k->exact ? 0 : SLACK;
}

/* The event as the plugin gets it. */
static void place(struct kit *k, uint32_t slot, struct kit_event *e, hawse_event_t *out)
{
    size_t need = e->event.len + padding_of(k, &e->event);
    *out = e->event;
    if (!out->data || need + 8 > SLOT)
        return;
    uint8_t *top = k->slots + (size_t)slot * SLOT_STEP + SLOT;
    uint8_t *at = top - need;
    if (!is_frame(&e->event))
        at -= (uintptr_t)at & 7u;
    memcpy(at, e->data, e->event.len);
    memset(at + e->event.len, 0x5a, (size_t)(top - at) - e->event.len);
    out->data = at;
}

/* What was borrowed is gone: who kept a pointer reads nonsense. */
static void blot(struct kit *k, hawse_event_t *events, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *at = events[i].data;
        if (at >= k->slots && at < k->slots + (size_t)SLOT_STEP * HAWSE_BATCH_MAX)
            memset(k->slots + (at - k->slots), k->blot, events[i].len);
    }
    memset(events, k->blot, n * sizeof(events[0]));
}

static void retry(struct kit *k, uint64_t arg)
{
    (void)arg;
    k->stuck = false;
}

void kit_deliver(struct kit *k)
{
    while (k->first && !k->stuck && k->ended == HAWSE_OK) {
        hawse_event_t batch[HAWSE_BATCH_MAX];
        const hawse_event_t *list[HAWSE_BATCH_MAX];
        uint32_t n = 0;
        for (struct kit_event *e = k->first; e && n < k->batch; e = e->next, n++) {
            place(k, n, e, &batch[n]);
            list[n] = &batch[n];
        }
        int32_t took = kit_call_events(k, list, n);
        blot(k, batch, n);
        if (took < 0) {
            k->ended = took;
            return;
        }
        for (int32_t i = 0; i < took; i++)
            drop_first(k);
        if ((uint32_t)took < n) {
            k->stuck = true;
            kit_later(k, KIT_MS, retry, 0);
        }
    }
}

/* ---- the clock ---- */

static struct kit_task *kit_task_add(struct kit *k, uint64_t delay_ns)
{
    struct kit_task *task = calloc(1, sizeof(*task));
    struct kit_task **at = &k->tasks;
    if (!task)
        abort();
    task->due_ns = k->now_ns + (delay_ns < UINT64_MAX / 4 ? delay_ns : UINT64_MAX / 4);
    while (*at && (*at)->due_ns <= task->due_ns)
        at = &(*at)->next;
    task->next = *at;
    *at = task;
    return task;
}

void kit_later(struct kit *k, uint64_t delay_ns, void (*fn)(struct kit *k, uint64_t arg),
               uint64_t arg)
{
    struct kit_task *task = kit_task_add(k, delay_ns);
    task->fn = fn;
    task->arg = arg;
}

uint64_t kit_timer(struct kit *k, uint64_t delay_ns, uint64_t period_ns, uint64_t tag)
{
    struct kit_task *task = kit_task_add(k, delay_ns);
    task->timer = ++k->handles;
    task->period_ns = period_ns;
    task->tag = tag;
    k->timer_count++;
    return task->timer;
}

bool kit_timer_cancel(struct kit *k, uint64_t timer)
{
    for (struct kit_task **at = &k->tasks; timer != 0 && *at; at = &(*at)->next) {
        struct kit_task *task = *at;
        if (task->timer != timer)
            continue;
        *at = task->next;
        free(task);
        k->timer_count--;
        return true;
    }
    return false;
}

static void fire(struct kit *k, const struct kit_task *task)
{
    hawse_host_timer_t record = {.size = sizeof(record), .timer = task->timer, .tag = task->tag};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_TIMER,
                           .key = task->timer,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    kit_push(k, &event);
    k->timer_count--;
    if (task->period_ns > 0) {
        struct kit_task *again = kit_task_add(k, task->period_ns);
        again->timer = task->timer;
        again->period_ns = task->period_ns;
        again->tag = task->tag;
        k->timer_count++;
    }
}

/* The channel that falls silent next, no later than *due. */
static struct kit_channel *next_silence(struct kit *k, uint64_t *due)
{
    struct kit_channel *next = NULL;
    for (uint32_t i = 0; i < k->channel_count; i++) {
        struct kit_channel *c = &k->channels[i];
        bool open = k->streams[(uint32_t)c->stream & 0xffffu].open;
        if (c->idle_ns == 0 || c->silent || !open || c->touched_ns + c->idle_ns > *due)
            continue;
        *due = c->touched_ns + c->idle_ns;
        next = c;
    }
    return next;
}

static void say_silent(struct kit *k, struct kit_channel *c)
{
    hawse_host_channel_idle_t record = {
        .size = sizeof(record),
        .stream = c->stream,
        .channel = kit_handle(k, KIT_H_CHANNEL, (uint32_t)(c - k->channels)),
        .idle_ns = c->idle_ns};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_CHANNEL_IDLE,
                           .key = record.channel,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    c->silent = true;
    kit_push(k, &event);
}

static void move_clock(struct kit *k, uint64_t to)
{
    if (to <= k->now_ns)
        return;
    k->utc_ns += to - k->now_ns;
    k->now_ns = to;
}

void kit_pass(struct kit *k, uint64_t ns)
{
    uint64_t until = k->now_ns + ns;
    kit_deliver(k);
    while (k->ended == HAWSE_OK) {
        uint64_t due = until;
        struct kit_channel *silent = next_silence(k, &due);
        struct kit_task *task = k->tasks;
        if (task && task->due_ns <= due) {
            k->tasks = task->next;
            move_clock(k, task->due_ns);
            if (task->timer != 0)
                fire(k, task);
            else
                task->fn(k, task->arg);
            free(task);
        } else if (silent) {
            move_clock(k, due);
            say_silent(k, silent);
        } else {
            break;
        }
        kit_deliver(k);
    }
    move_clock(k, until);
}

/* ---- what the plugin did ---- */

const char *kit_call_name(enum kit_call call)
{
#define KIT_CALL_NAME(name, text) text,
    static const char *const names[] = {KIT_CALLS(KIT_CALL_NAME)};
    return call < KIT_CALL_COUNT ? names[call] : "any";
}

uint64_t kit_mix(uint64_t hash, const void *data, uint64_t len)
{
    const uint8_t *bytes = data;
    for (uint64_t i = 0; bytes && i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return (hash ^ len) * UINT64_C(0x100000001b3);
}

void kit_did(struct kit *k, enum kit_call call, const void *data, uint64_t len)
{
    uint32_t number = call;
    if (k->phase != KIT_RUNS) /* what is asked while it is handed over is none of its outputs */
        return;
    bool word = call == KIT_LOG || call == KIT_SET_ERROR || call == KIT_METRICS_ADD ||
                call == KIT_METRICS_SET;
    k->words = kit_mix(kit_mix(k->words, &number, sizeof(number)), data, len);
    if (!word)
        k->hash = kit_mix(kit_mix(k->hash, &number, sizeof(number)), data, len);
}

void kit_break(struct kit *k, enum kit_rule rule, const char *format, ...)
{
    va_list ap;
    if (k->broken[rule][0])
        return;
    va_start(ap, format);
    (void)vsnprintf(k->broken[rule], KIT_LINE, format, ap);
    va_end(ap);
}

uint64_t kit_handle(const struct kit *k, enum kit_handle kind, uint32_t index)
{
    return (k->self & 0xff) << 48 | (uint64_t)kind << 24 | index;
}

int32_t kit_index(struct kit *k, enum kit_handle kind, uint64_t handle, uint32_t count,
                  enum kit_call call)
{
    uint32_t index = (uint32_t)handle & 0xffffffu;
    if (index < count && kit_handle(k, kind, index) == handle)
        return (int32_t)index;
    kit_break(k, KIT_RULE_HANDLE, "%s was called with %#llx, which the host never gave out",
              kit_call_name(call), (unsigned long long)handle);
    return -1;
}

/* ---- entering the host ---- */

static struct kit *find(struct kit_host *host, hawse_instance_t self)
{
    for (size_t i = 0; i < KIT_INSTANCES; i++) {
        if (host->kits[i] && host->kits[i]->self == self)
            return host->kits[i];
    }
    return NULL;
}

/* Whose callback this thread is in. */
static struct kit *running(struct kit_host *host)
{
    for (size_t i = 0; i < KIT_INSTANCES; i++) {
        struct kit *k = host->kits[i];
        if (k && __atomic_load_n(&k->inside, __ATOMIC_ACQUIRE) &&
            pthread_equal(k->thread, pthread_self()))
            return k;
    }
    return NULL;
}

/* Two instances on two threads: stay in the host until the other is in a callback as well and has
 * had time to get on in it, or a moment has passed. A few times are enough. */
static void meet(struct kit *k)
{
    enum { TIMES = 12, WAITS = 40 };
    const struct timespec moment = {.tv_nsec = 100000};
    const struct kit *other = k->host->kits[k == k->host->kits[0] ? 1 : 0];
    for (int i = 0; other && k->met < TIMES && i < WAITS; i++) {
        bool together = __atomic_load_n(&other->inside, __ATOMIC_ACQUIRE);
        (void)nanosleep(&moment, NULL);
        if (together) {
            k->met++;
            return;
        }
    }
}

struct kit *kit_enter_any(const hawse_host_t *table, hawse_instance_t self, enum kit_call call,
                          int32_t *code)
{
    struct kit_host *host = kit_host_of(table);
    struct kit *k = find(host, self), *mine = running(host);
    if (mine && k != mine) {
        kit_break(mine, KIT_RULE_SELF, "%s was called with the handle %#llx, its own is %#llx",
                  kit_call_name(call), (unsigned long long)self, (unsigned long long)mine->self);
        *code = k ? HAWSE_E_STATE : HAWSE_E_STALE;
        return NULL;
    }
    if (!k) {
        *code = HAWSE_E_STALE;
        return NULL;
    }
    if (k->phase == KIT_LEAVES) {
        *code = HAWSE_E_STALE;
        return NULL;
    }
    if (k->destroyed && !k->inside) {
        kit_break(k, KIT_RULE_LATE, "%s was called after destroy had returned",
                  kit_call_name(call));
        *code = HAWSE_E_STALE;
        return NULL;
    }
    if (k->meet)
        meet(k);
    k->calls[call]++;
    return k;
}

/* What only reads: a plugin that is handed over may ask it. */
static bool reads(enum kit_call call)
{
    switch (call) {
    case KIT_SUB_LINK:
    case KIT_SUB_SPACE:
    case KIT_STREAM_STATE:
    case KIT_SIGN_NAMES:
    case KIT_METRICS_ADD:
    case KIT_METRICS_SET:
    case KIT_CONFIG_FEATURE:
    case KIT_INTENT_LOOK_UP:
        return true;
    default:
        return false;
    }
}

static bool break_swap(struct kit *k, const char *name)
{
    kit_break(k, KIT_RULE_SWAP, "%s was called in %s", name,
              k->phase == KIT_SAVES ? "save, which asks nothing but log, set_error and now"
                                    : "restore, which may look things up and change nothing");
    return true;
}

/* While it is handed over nothing may happen that cannot be taken back. */
static bool is_untimely(struct kit *k, enum kit_call call)
{
    bool moves = k->phase == KIT_SAVES || (k->phase == KIT_RESTORES && !reads(call));
    return moves && break_swap(k, kit_call_name(call));
}

bool kit_untimely(const hawse_host_t *table, const char *name)
{
    struct kit *k = running(kit_host_of(table));
    return k && (k->phase == KIT_SAVES || k->phase == KIT_RESTORES) && break_swap(k, name);
}

/* Is this call to fail? */
static bool fails(struct kit *k, enum kit_call call, int32_t *code)
{
    const struct kit_fault *f = &k->fault;
    k->fallible++;
    if (f->code == 0 || (f->call != KIT_CALL_ANY && f->call != call))
        return false;
    uint64_t number = f->call == KIT_CALL_ANY ? k->fallible : k->calls[call];
    if (number < f->first || number > f->last || (f->every > 1 && number % f->every != 0))
        return false;
    *code = f->code;
    k->failed++;
    return true;
}

struct kit *kit_enter(const hawse_host_t *table, hawse_instance_t self, enum kit_call call,
                      int32_t *code)
{
    struct kit_host *host = kit_host_of(table);
    struct kit *k = find(host, self);
    if (k && running(host) != k && !running(host)) {
        if (k->destroyed)
            kit_break(k, KIT_RULE_LATE, "%s was called after destroy had returned",
                      kit_call_name(call));
        else
            kit_break(k, KIT_RULE_THREAD, "%s was called from outside of a callback on its lane",
                      kit_call_name(call));
        *code = HAWSE_E_STATE;
        return NULL;
    }
    k = kit_enter_any(table, self, call, code);
    if (k && is_untimely(k, call)) {
        *code = HAWSE_E_STATE;
        return NULL;
    }
    if (k && fails(k, call, code))
        return NULL;
    return k;
}
