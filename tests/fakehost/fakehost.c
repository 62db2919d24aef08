/*
 * The fake host's clock, its queue of events, and the life of the instance; see fakehost.h.
 */
#include "fakehost_private.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 1 };

/* ---- the table ---- */

static uint64_t table_now(const hawse_host_t *host, uint32_t clock)
{
    uint64_t utc = clock == HAWSE_CLOCK_UTC ? 1700000000ull * 1000 * FAKEHOST_MS : 0;
    return fake_of(host)->now_ns + utc;
}

static void table_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                      hawse_view_t text)
{
    struct fakehost *h = fake_of(host);
    char line[1025];
    (void)self;
    (void)snprintf(line, sizeof(line), "%.*s", (int)text.len, (const char *)text.data);
    if (h->outside.log)
        h->outside.log(h->outside.ctx, level, line);
}

static int32_t table_set_error(const hawse_host_t *host, hawse_instance_t self, int32_t code,
                               hawse_view_t message, hawse_view_t hint)
{
    (void)hint;
    table_log(host, self, HAWSE_LOG_ERROR, message);
    return code;
}

static void post_due(void *ctx, uint64_t token)
{
    hawse_host_post_t post = {.size = sizeof(post), .token = token};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_POST,
                           .data = (const uint8_t *)&post,
                           .len = sizeof(post)};
    fakehost_event(ctx, &event);
}

static int32_t table_post(const hawse_host_t *host, hawse_instance_t self, uint64_t token)
{
    (void)self;
    fakehost_later(fake_of(host), 0, post_due, fake_of(host), token);
    return HAWSE_OK;
}

/* ---- the queue ---- */

void fakehost_event(struct fakehost *h, const hawse_event_t *event)
{
    struct fake_event *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    e->data = calloc(1, event->len + HAWSE_PADDING);
    CHECK(e->data != NULL);
    if (event->len > 0)
        memcpy(e->data, event->data, event->len);
    e->event = *event;
    e->event.data = e->data;
    if (h->last)
        h->last->next = e;
    else
        h->first = e;
    h->last = e;
}

static void drop_first(struct fakehost *h)
{
    struct fake_event *e = h->first;
    h->first = e->next;
    if (!h->first)
        h->last = NULL;
    free(e->data);
    free(e);
}

static void retry(void *ctx, uint64_t arg)
{
    struct fakehost *h = ctx;
    (void)arg;
    h->stuck = false;
}

/* Another build of the same, which knows what this one knew, and nothing else. */
static void exchange(struct fakehost *h)
{
    void *made = NULL;
    uint64_t len = 0;
    uint8_t *room = malloc(HAWSE_STATE_MAX);
    CHECK(room != NULL);
    h->inside = true;
    CHECK_EQ(h->handed_over->save(h->state, room, HAWSE_STATE_MAX, &len), HAWSE_OK);
    uint8_t *saved = malloc(len); /* sanitizers see where it ends */
    CHECK(saved != NULL && len <= HAWSE_STATE_MAX);
    memcpy(saved, room, len);
    free(room);
    hawse_view_t view = {saved, len};
    CHECK_EQ(h->handed_over->restore(&h->host, 1, hawse_text(h->config), view, &made), HAWSE_OK);
    h->inside = false;
    free(saved);
    h->plugin->destroy(h->state);
    h->state = made;
}

void fakehost_hand_over(struct fakehost *h)
{
    CHECK(h->plugin->query != NULL);
    h->handed_over = h->plugin->query(HAWSE_STATE_ID);
    CHECK(h->handed_over != NULL);
}

/* Hands over what waits, in batches, until all is taken or the plugin wants no more for now. */
static void deliver(struct fakehost *h)
{
    while (h->first && !h->stuck) {
        const hawse_event_t *batch[HAWSE_BATCH_MAX];
        uint32_t n = 0;
        for (struct fake_event *e = h->first; e && n < HAWSE_BATCH_MAX; e = e->next)
            batch[n++] = &e->event;
        h->inside = true;
        int32_t took = h->plugin->on_events(h->state, batch, n);
        h->inside = false;
        free(h->reserved);
        h->reserved = NULL;
        if (h->handed_over)
            exchange(h);
        if (took < 0 || (uint32_t)took > n)
            FAIL("on_events was given %u events and answered %d", n, took);
        for (int32_t i = 0; i < took; i++)
            drop_first(h);
        if ((uint32_t)took < n) {
            h->stuck = true;
            fakehost_later(h, RETRY_MS * FAKEHOST_MS, retry, h, 0);
        }
    }
}

/* ---- the clock ---- */

uint64_t fakehost_now(const struct fakehost *h)
{
    return h->now_ns;
}

struct fake_task *fake_task_add(struct fakehost *h, uint64_t delay_ns)
{
    struct fake_task *task = calloc(1, sizeof(*task));
    struct fake_task **at = &h->tasks;
    CHECK(task != NULL);
    task->due_ns = h->now_ns + delay_ns;
    while (*at && (*at)->due_ns <= task->due_ns)
        at = &(*at)->next;
    task->next = *at;
    *at = task;
    return task;
}

void fakehost_later(struct fakehost *h, uint64_t delay_ns, void (*fn)(void *ctx, uint64_t arg),
                    void *ctx, uint64_t arg)
{
    struct fake_task *task = fake_task_add(h, delay_ns);
    task->fn = fn;
    task->ctx = ctx;
    task->arg = arg;
}

void fakehost_later_owned(struct fakehost *h, uint64_t delay_ns,
                          void (*fn)(void *ctx, uint64_t arg), void *ctx)
{
    struct fake_task *task = fake_task_add(h, delay_ns);
    task->fn = fn;
    task->ctx = ctx;
    task->owned = true;
}

static void run_task(struct fakehost *h, struct fake_task *task)
{
    if (task->timer == 0) {
        task->fn(task->ctx, task->arg);
        return;
    }
    hawse_host_timer_t timer = {.size = sizeof(timer), .timer = task->timer, .tag = task->tag};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_TIMER,
                           .key = task->timer,
                           .data = (const uint8_t *)&timer,
                           .len = sizeof(timer)};
    fakehost_event(h, &event);
    if (task->period_ns > 0) {
        struct fake_task *again = fake_task_add(h, task->period_ns);
        again->timer = task->timer;
        again->period_ns = task->period_ns;
        again->tag = task->tag;
    }
}

/* The channel that falls silent next, no later than `end`. */
static struct fake_channel *next_silence(struct fakehost *h, uint64_t end, uint64_t *due)
{
    struct fake_channel *next = NULL;
    *due = end;
    for (uint32_t i = 0; i < h->channel_count; i++) {
        struct fake_channel *c = &h->channels[i];
        if (c->idle_ns == 0 || c->silent || !h->streams[c->stream - 1].open)
            continue;
        if (c->touched_ns + c->idle_ns <= *due) {
            *due = c->touched_ns + c->idle_ns;
            next = c;
        }
    }
    return next;
}

static void say_silent(struct fakehost *h, struct fake_channel *c)
{
    hawse_host_channel_idle_t idle = {.size = sizeof(idle),
                                      .stream = c->stream,
                                      .channel = (uint64_t)(c - h->channels) + 1,
                                      .idle_ns = c->idle_ns};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_CHANNEL_IDLE,
                           .key = idle.channel,
                           .data = (const uint8_t *)&idle,
                           .len = sizeof(idle)};
    c->silent = true;
    fakehost_event(h, &event);
}

void fakehost_pass(struct fakehost *h, uint64_t ns)
{
    uint64_t end = h->now_ns + ns;
    deliver(h);
    for (;;) {
        uint64_t due;
        struct fake_channel *silent = next_silence(h, end, &due);
        struct fake_task *task = h->tasks;
        if (task && task->due_ns <= due) {
            h->tasks = task->next;
            h->now_ns = task->due_ns > h->now_ns ? task->due_ns : h->now_ns;
            run_task(h, task);
            free(task);
        } else if (silent) {
            h->now_ns = due > h->now_ns ? due : h->now_ns;
            say_silent(h, silent);
        } else {
            break;
        }
        deliver(h);
    }
    h->now_ns = end;
}

/* ---- events of the outside ---- */

void fakehost_stream_state(struct fakehost *h, hawse_stream_t stream, uint32_t state, int32_t error)
{
    hawse_host_stream_state_t record = {
        .size = sizeof(record), .state = state, .stream = stream, .error = error};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_STREAM_STATE,
                           .key = stream,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    struct fake_stream *s = &h->streams[stream - 1];
    CHECK(stream > 0 && stream <= h->stream_count);
    s->open = state == HAWSE_STREAM_OPEN;
    if (s->open) {
        s->connection++;
        s->frames = 0;
    }
    for (uint32_t i = 0; s->open && i < h->channel_count; i++) {
        if (h->channels[i].stream == stream) {
            h->channels[i].touched_ns = h->now_ns;
            h->channels[i].silent = false;
        }
    }
    fakehost_event(h, &event);
}

void fakehost_frame(struct fakehost *h, hawse_stream_t stream, const char *text, uint64_t len)
{
    CHECK(stream > 0 && stream <= h->stream_count && h->streams[stream - 1].open);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_FRAME,
                           .epoch = h->streams[stream - 1].connection,
                           .seq = ++h->streams[stream - 1].frames,
                           .t_recv_ns = h->now_ns,
                           .key = stream,
                           .data = (const uint8_t *)text,
                           .len = len};
    fakehost_event(h, &event);
}

void fakehost_demand(struct fakehost *h, uint32_t change, uint64_t sub, uint16_t space,
                     const void *filter, uint32_t filter_len)
{
    struct {
        hawse_host_demand_t demand;
        uint8_t filter[4096];
    } record = {.demand = {.size = sizeof(record.demand),
                           .change = change,
                           .sub = sub,
                           .space = space,
                           .subscriber = 7,
                           .filter_len = filter_len}};
    CHECK(filter_len <= sizeof(record.filter));
    if (filter_len > 0)
        memcpy(record.filter, filter, filter_len);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_DEMAND,
                           .key = sub,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record.demand) + filter_len};
    fakehost_event(h, &event);
}

static struct fakehost_call *find_call(const struct fakehost *h, hawse_request_t request)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        if (request != 0 && h->calls[i].request == request)
            return (struct fakehost_call *)(uintptr_t)&h->calls[i];
    }
    return NULL;
}

static void finish_call(struct fakehost *h, const hawse_host_rpc_done_t *done, const char *body)
{
    struct fakehost_call *call = find_call(h, done->request);
    if (!call)
        return;
    size_t len = strlen(body);
    uint8_t *bytes = malloc(sizeof(*done) + len);
    CHECK(bytes != NULL);
    hawse_host_rpc_done_t whole = *done;
    whole.tag = call->tag;
    whole.elapsed_ns = h->now_ns - call->asked_ns;
    whole.body_len = len;
    memcpy(bytes, &whole, sizeof(whole));
    memcpy(bytes + sizeof(whole), body, len);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_RPC_DONE,
                           .key = done->request,
                           .data = bytes,
                           .len = sizeof(whole) + len};
    free(call->method);
    free(call->params);
    memset(call, 0, sizeof(*call));
    fakehost_event(h, &event);
    free(bytes);
}

void fakehost_answer(struct fakehost *h, hawse_request_t request, const char *result)
{
    hawse_host_rpc_done_t done = {
        .size = sizeof(done), .status = HAWSE_OK, .request = request, .http_status = 200};
    finish_call(h, &done, result);
}

void fakehost_refuse(struct fakehost *h, hawse_request_t request, int32_t status,
                     uint32_t http_status, const char *body)
{
    hawse_host_rpc_done_t done = {.size = sizeof(done),
                                  .status = status,
                                  .request = request,
                                  .http_status = http_status,
                                  .rpc_code = status == HAWSE_E_REMOTE ? -32000 : 0};
    finish_call(h, &done, body);
}

bool fakehost_open_request(const struct fakehost *h, hawse_request_t request)
{
    return find_call(h, request) != NULL;
}

uint32_t fakehost_calls_open(const struct fakehost *h)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < CALLS; i++)
        n += h->calls[i].request != 0;
    return n;
}

uint32_t fakehost_waiting(const struct fakehost *h)
{
    uint32_t n = 0;
    for (const struct fake_event *e = h->first; e; e = e->next)
        n++;
    return n;
}

/* ---- life ---- */

struct fakehost *fakehost_create(const hawse_plugin_t *(*plugin)(const hawse_host_t *),
                                 const char *config, const struct fakehost_outside *outside)
{
    struct fakehost *h = calloc(1, sizeof(*h));
    CHECK(h != NULL);
    h->host = (hawse_host_t){.size = sizeof(h->host),
                             .abi_minor = HAWSE_ABI_MINOR,
                             .fork_tag = "fakehost",
                             .now = table_now,
                             .log = table_log,
                             .set_error = table_set_error,
                             .post = table_post,
                             .query = fake_query};
    h->outside = *outside;
    h->config = strdup(config);
    CHECK(h->config != NULL);
    h->now_ns = 1000 * FAKEHOST_MS;
    h->plugin = plugin(&h->host);
    CHECK(h->plugin != NULL);
    h->inside = true;
    int32_t code = h->plugin->create(&h->host, 1, hawse_text(config), &h->state);
    h->inside = false;
    if (code != HAWSE_OK)
        FAIL("create answered %d", code);
    return h;
}

void fakehost_start(struct fakehost *h)
{
    deliver(h); /* demands come before start */
    h->inside = true;
    CHECK_EQ(h->plugin->start(h->state), HAWSE_OK);
    h->inside = false;
}

void fakehost_destroy(struct fakehost *h)
{
    if (!h)
        return;
    (void)h->plugin->stop(h->state, h->now_ns);
    h->plugin->destroy(h->state);
    while (h->first)
        drop_first(h);
    while (h->tasks) {
        struct fake_task *task = h->tasks;
        h->tasks = task->next;
        if (task->owned)
            free(task->ctx);
        free(task);
    }
    for (uint32_t i = 0; i < CALLS; i++) {
        free(h->calls[i].method);
        free(h->calls[i].params);
    }
    free(h->reserved);
    free(h->config);
    free(h);
}
