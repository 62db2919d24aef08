/*
 * The life of a stream: attempts, upgrade, silence, loss, and the next attempt after an exponential
 * backoff with full jitter. See stream_io.c for its bytes.
 */
#include "net/stream_private.h"

#include "base/secret.h"

#include <hawse/service/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

enum { STABLE_MS = 5000, MS = 1000000 };

static void attempt(struct stream *s);

const struct stream_stats *stream_stats(const struct stream *s)
{
    return &s->stats;
}

uint32_t stream_epoch(const struct stream *s)
{
    return s->epoch;
}

static void tell(struct stream *s, uint32_t state, uint64_t retry_ms)
{
    char text[512];
    log_redact(s->logger, s->reason.message, strlen(s->reason.message), text, sizeof(text));
    struct stream_status status = {.state = state,
                                   .attempt = s->attempts,
                                   .close_code = s->peer_close_code,
                                   .error = s->reason.code,
                                   .retry_ms = retry_ms,
                                   .text = text};
    if (state == HAWSE_STREAM_CLOSED && status.close_code == 0)
        status.close_code = 1006; /* RFC 6455 section 7.1.5: without a close frame */
    __atomic_store_n(&s->stats.state, state, __ATOMIC_RELAXED);
    s->handler->on_status(s->ctx, s, &status);
}

/* ---- watching ---- */

void stream_update_watch(struct stream *s)
{
    bool want = s->phase >= PHASE_UPGRADING && !s->paused && !s->gone;
    uint32_t events = EPOLLIN | (s->tx.len > s->tx_sent ? (uint32_t)EPOLLOUT : 0);
    if (!want && s->watched) { /* a hang-up is always reported: not watching is the only rest */
        loop_unwatch(s->loop, &s->watch);
        s->watched = false;
    } else if (want && !s->watched) {
        s->watch.events = events;
        s->watched = loop_watch(s->loop, &s->watch, &s->reason) == HAWSE_OK;
    } else if (want) {
        (void)loop_modify(s->loop, &s->watch, events);
    }
}

static void on_ready(void *ctx, uint32_t events)
{
    struct stream *s = ctx;
    if ((events & EPOLLOUT) && stream_flush(s) != HAWSE_OK) {
        stream_lost(s);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        stream_readable(s);
}

static void on_again(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    struct stream *s = ctx;
    if (s->phase >= PHASE_UPGRADING && !s->paused)
        stream_readable(s);
}

/* ---- losing it ---- */

/* Full jitter: anything between nothing and the exponential bound, so that many clients of one
 * server do not come back together. A server's Retry-After is a floor. */
static uint64_t backoff_ms(struct stream *s)
{
    uint64_t bound = s->backoff_min_ms;
    for (uint32_t i = 1; i < s->attempts && bound < s->backoff_max_ms; i++)
        bound *= 2;
    bound = bound < s->backoff_max_ms ? bound : s->backoff_max_ms;
    uint64_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = loop_clock();
    uint64_t wait = random % (bound + 1);
    return wait > s->retry_after_ms ? wait : s->retry_after_ms;
}

/* The connection is open: messages are received where their owner wants them, and nothing that came
 * before the first of them goes there. */
static int32_t receive_there(struct stream *s)
{
    size_t held = s->rx_end - s->rx_begin;
    if (!s->memory)
        return HAWSE_OK;
    uint8_t *there = ws_memory_resize(s->memory, NULL, 0, s->rx_cap + WS_SLACK);
    if (!there)
        return fault_set(&s->reason, HAWSE_E_NOMEM, "no memory to receive messages in");
    memcpy(there, s->rx + s->rx_begin, held);
    explicit_bzero(s->rx, s->rx_end);
    s->upgrade_rx = s->rx;
    s->rx = there;
    s->rx_begin = 0;
    s->rx_end = held;
    return HAWSE_OK;
}

/* Back to the buffer of upgrades, whose size never changed: answers to them are small. */
static void receive_here(struct stream *s)
{
    s->rx = s->upgrade_rx;
    s->upgrade_rx = NULL;
    s->rx_cap = STREAM_RX_BYTES;
    s->rx_begin = s->rx_end = 0;
}

/* A server may have repeated our keys: nothing of what it said is kept. */
static void clear_received(struct stream *s)
{
    if (s->upgrade_rx) {
        explicit_bzero(s->rx, s->rx_cap + WS_SLACK);
        (void)stream_resize_rx(s, 0);
        receive_here(s);
        return;
    }
    uint8_t *small = s->rx_cap > STREAM_RX_BYTES ? malloc(STREAM_RX_BYTES + WS_SLACK) : NULL;
    if (small) { /* the wiped pages of a large one would only cost time */
        explicit_bzero(s->rx, s->rx_end);
        free(s->rx);
        s->rx = small;
        s->rx_cap = STREAM_RX_BYTES;
    }
    explicit_bzero(s->rx, s->rx_cap + WS_SLACK);
    s->rx_begin = s->rx_end = 0;
}

/* A callback hangs on a thread that was given up, and that thread may still read what it was
 * handed: its memory is left to it for ever. */
static void leave_to_lost_thread(struct stream *s)
{
    if (s->upgrade_rx) {
        receive_here(s);
    } else {
        uint8_t *fresh = malloc(STREAM_RX_BYTES + WS_SLACK);
        if (!fresh)
            return; /* the next connection overwrites what it reads */
        s->rx = fresh;
        s->rx_cap = STREAM_RX_BYTES;
        s->rx_end = 0;
    }
    s->assembly = (struct ws_buffer){.memory = s->memory};
    s->inflater = NULL;
    s->delivering = false;
}

static void drop_connection(struct stream *s)
{
    if (s->delivering)
        leave_to_lost_thread(s);
    if (s->watched)
        loop_unwatch(s->loop, &s->watch);
    s->watched = false;
    loop_timer_cancel(s->loop, &s->again);
    loop_timer_cancel(s->loop, &s->timer);
    connect_cancel(s->attempt_running);
    s->attempt_running = NULL;
    transport_close(&s->transport);
    ws_handshake_finish(&s->handshake);
    ws_inflater_destroy(s->inflater);
    s->inflater = NULL;
    clear_received(s);
    s->frame_first = s->frame_count = 0;
    size_t secret = s->tx.len > s->tx_secret ? s->tx.len : s->tx_secret;
    if (secret > 0) /* it may be the upgrade, which holds keys, or a login */
        explicit_bzero(s->tx.data, secret);
    s->tx.len = s->tx_sent = s->tx_secret = 0;
    s->assembly.len = 0;
    s->paused = false;
}

void stream_lost(struct stream *s)
{
    bool was_open = s->phase == PHASE_OPEN;
    uint64_t now = loop_clock();
    if (was_open) {
        uint64_t up = now - s->stats.opened_ns;
        __atomic_store_n(&s->stats.up_ns, s->stats.up_ns + up, __ATOMIC_RELAXED);
        __atomic_store_n(&s->stats.opened_ns, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&s->stats.disconnects, s->stats.disconnects + 1, __ATOMIC_RELAXED);
        if (up >= (uint64_t)STABLE_MS * MS)
            s->attempts = 0;
    } else {
        __atomic_store_n(&s->stats.failures, s->stats.failures + 1, __ATOMIC_RELAXED);
    }
    drop_connection(s);
    s->reconnect_wanted = false;
    s->phase = PHASE_WAITING;
    s->attempts++;
    uint64_t wait = backoff_ms(s);
    s->retry_after_ms = 0;
    log_line(s->logger, HAWSE_LOG_WARN, s->name, "%s: %s; next attempt in %llu ms",
             was_open ? "lost" : "could not connect", s->reason.message, (unsigned long long)wait);
    if (s->reason.hint[0])
        log_line(s->logger, HAWSE_LOG_WARN, s->name, "hint: %s", s->reason.hint);
    (void)loop_timer_set(s->loop, &s->timer, now + wait * MS);
    tell(s, HAWSE_STREAM_CLOSED, wait);
    fault_clear(&s->reason);
    s->peer_close_code = 0;
}

void stream_reconnect(struct stream *s, const char *reason)
{
    if (s->phase != PHASE_OPEN || s->reconnect_wanted)
        return;
    (void)fault_set(&s->reason, HAWSE_E_CANCELED, "asked to reconnect: %s", reason);
    stream_send_close(s, WS_CLOSE_GOING_AWAY);
    s->reconnect_wanted = true;
    if (!s->delivering) /* otherwise the reader sees the wish when the owner returns */
        (void)loop_timer_set(s->loop, &s->timer, loop_now(s->loop));
}

/* ---- silence ---- */

static void arm_check(struct stream *s, uint64_t now)
{
    uint64_t next = now + 1000ull * MS;
    if (s->ping_ns > 0 && s->last_ping_ns + s->ping_ns < next)
        next = s->last_ping_ns + s->ping_ns;
    if (s->idle_ns > 0 && s->last_byte_ns + s->idle_ns < next)
        next = s->last_byte_ns + s->idle_ns;
    (void)loop_timer_set(s->loop, &s->timer, next > now ? next : now + MS);
}

static void check_open(struct stream *s, uint64_t now)
{
    if (s->reconnect_wanted) {
        stream_lost(s);
        return;
    }
    if (s->paused)
        s->last_byte_ns = now; /* we are the silent side */
    if (s->idle_ns > 0 && now - s->last_byte_ns >= s->idle_ns) {
        (void)fault_set(&s->reason, HAWSE_E_TIMEOUT, "nothing came for %llu ms",
                        (unsigned long long)((now - s->last_byte_ns) / MS));
        stream_lost(s);
        return;
    }
    if (s->ping_ns > 0 && now - s->last_ping_ns >= s->ping_ns) {
        s->last_ping_ns = now;
        if (stream_queue_frame(s, WS_PING, &now, sizeof(now)) == HAWSE_OK) {
            __atomic_store_n(&s->stats.pings, s->stats.pings + 1, __ATOMIC_RELAXED);
            if (stream_flush(s) != HAWSE_OK) {
                stream_lost(s);
                return;
            }
        }
    }
    stream_trim(s, now);
    arm_check(s, now);
}

static void on_timer(void *ctx, uint64_t now_ns)
{
    struct stream *s = ctx;
    switch (s->phase) {
    case PHASE_WAITING:
        attempt(s);
        break;
    case PHASE_OPEN:
        check_open(s, now_ns);
        break;
    case PHASE_CONNECTING:
    case PHASE_UPGRADING:
        (void)fault_set(&s->reason, HAWSE_E_TIMEOUT, "no upgraded connection within %u ms",
                        s->connect_timeout_ms);
        stream_lost(s);
        break;
    }
}

/* ---- coming up ---- */

int32_t stream_upgraded(struct stream *s, size_t consumed)
{
    s->rx_begin = consumed;
    if (receive_there(s) != HAWSE_OK)
        return s->reason.code;
    struct ws_parser_options options = {.max_message = s->max_message, .trust_text = s->trust_text};
    if (s->handshake.deflate_agreed) {
        if (ws_inflater_create(&s->handshake.deflate, &s->inflater) != HAWSE_OK)
            return fault_set(&s->reason, HAWSE_E_NOMEM, "no memory for permessage-deflate");
        ws_inflater_use(s->inflater, s->memory);
        options.inflater = s->inflater;
    }
    ws_parser_init(&s->parser, &s->assembly, &options);
    ws_handshake_finish(&s->handshake);
    s->phase = PHASE_OPEN;
    s->epoch++;
    uint64_t now = loop_clock();
    s->last_byte_ns = s->last_ping_ns = now;
    __atomic_store_n(&s->stats.opened_ns, now, __ATOMIC_RELAXED);
    __atomic_store_n(&s->stats.connects, s->stats.connects + 1, __ATOMIC_RELAXED);
    arm_check(s, now);
    log_line(s->logger, HAWSE_LOG_INFO, s->name, "open: %s (connection %u)", s->display, s->epoch);
    tell(s, HAWSE_STREAM_OPEN, 0);
    return HAWSE_OK;
}

static int32_t send_upgrade(struct stream *s)
{
    struct ws_handshake_options options = {.url = s->url,
                                           .protocols = s->protocols,
                                           .headers = s->headers,
                                           .header_count = s->header_count,
                                           .offer_deflate = s->offer_deflate};
    if (getrandom(options.key, sizeof(options.key), 0) != (ssize_t)sizeof(options.key))
        return fault_set(&s->reason, HAWSE_E_INTERNAL, "no random bytes for the upgrade");
    if (ws_buffer_reserve(&s->tx, 16 << 10, STREAM_TX_MAX) != HAWSE_OK)
        return fault_set(&s->reason, HAWSE_E_NOMEM, "no memory for the upgrade");
    int32_t code = ws_handshake_begin(&s->handshake, &options, s->tx.data, s->tx.cap, &s->tx.len);
    if (code != HAWSE_OK)
        return fault_set(&s->reason, code, "%s", s->handshake.failure.text);
    s->tx_sent = 0;
    return stream_flush(s);
}

static void connected(void *ctx, struct transport *transport, const struct fault *fault)
{
    struct stream *s = ctx;
    s->attempt_running = NULL;
    if (fault->code != 0) {
        s->reason = *fault;
        stream_lost(s);
        return;
    }
    s->transport = *transport;
    s->watch = (struct loop_watch){.fd = transport->fd, .fn = on_ready, .ctx = s};
    s->phase = PHASE_UPGRADING;
    if (send_upgrade(s) != HAWSE_OK || !s->watched)
        stream_lost(s);
}

static void attempt(struct stream *s)
{
    struct connect_options options = {.url = s->url,
                                      .proxy = s->proxy,
                                      .ca_file = s->ca_file,
                                      .timeout_ms = s->connect_timeout_ms};
    s->phase = PHASE_CONNECTING;
    tell(s, HAWSE_STREAM_CONNECTING, 0);
    (void)loop_timer_set(s->loop, &s->timer, loop_clock() + (uint64_t)s->connect_timeout_ms * MS);
    if (connect_start(s->connector, s->loop, &options, connected, s, &s->attempt_running,
                      &s->reason) != HAWSE_OK)
        stream_lost(s);
}

/* ---- making and ending ---- */

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static bool copy_endpoint(struct stream *s, const struct stream_options *o)
{
    const struct config_endpoint *e = o->endpoint;
    s->name = copy(o->name);
    s->url = secret_copy(e->url);
    s->display = copy(e->display);
    s->protocols = copy(o->protocols);
    s->proxy = e->proxy ? secret_copy(e->proxy) : NULL;
    s->ca_file = copy(e->ca_file);
    s->headers = calloc(e->header_count + 1, sizeof(s->headers[0]));
    if (!s->name || !s->url || !s->display || !s->headers || (o->protocols && !s->protocols) ||
        (e->proxy && !s->proxy) || (e->ca_file && !s->ca_file))
        return false;
    for (; s->header_count < e->header_count; s->header_count++) {
        struct config_header *h = &s->headers[s->header_count];
        h->name = strdup(e->headers[s->header_count].name);
        h->value = secret_copy(e->headers[s->header_count].value);
        if (!h->name || !h->value) {
            s->header_count++;
            return false;
        }
    }
    return true;
}

static void stream_free(struct stream *s)
{
    for (size_t i = 0; i < s->header_count; i++) {
        free(s->headers[i].name);
        secret_free(s->headers[i].value);
    }
    free(s->headers);
    secret_free(s->url);
    secret_free(s->proxy);
    free(s->name);
    free(s->display);
    free(s->protocols);
    free(s->ca_file);
    free(s->rx);
    ws_buffer_finish(&s->assembly);
    ws_buffer_finish(&s->tx);
    free(s);
}

int32_t stream_create(struct loop *loop, struct connector *connector, struct logger *logger,
                      const struct stream_options *options, const struct stream_handler *handler,
                      void *ctx, struct stream **out, struct fault *fault)
{
    const struct config_endpoint *e = options->endpoint;
    if (strncmp(e->url, "ws://", 5) != 0 && strncmp(e->url, "wss://", 6) != 0) {
        (void)fault_set(fault, HAWSE_E_INVAL, "%s: a stream needs a ws:// or wss:// URL, found %s",
                        options->name, e->display);
        return HAWSE_E_INVAL;
    }
    struct stream *s = calloc(1, sizeof(*s));
    if (s)
        s->rx = calloc(1, STREAM_RX_BYTES + WS_SLACK);
    if (!s || !s->rx || !copy_endpoint(s, options)) {
        if (s)
            stream_free(s);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for stream %s", options->name);
    }
    s->rx_cap = STREAM_RX_BYTES;
    s->loop = loop;
    s->connector = connector;
    s->logger = logger;
    s->handler = handler;
    s->ctx = ctx;
    s->memory = s->assembly.memory = options->memory;
    s->trust_text = !e->validate_utf8;
    s->offer_deflate = e->deflate;
    s->max_message = options->max_message ? options->max_message : WS_MAX_MESSAGE_DEFAULT;
    s->ping_ns = options->ping_ns;
    s->idle_ns = options->idle_ns;
    s->connect_timeout_ms = e->connect_timeout_ms ? e->connect_timeout_ms : 10000;
    s->backoff_min_ms = e->backoff_min_ms ? e->backoff_min_ms : 250;
    s->backoff_max_ms = e->backoff_max_ms ? e->backoff_max_ms : 30000;
    s->transport.fd = -1;
    s->timer = (struct loop_timer){.fn = on_timer, .ctx = s};
    s->again = (struct loop_timer){.fn = on_again, .ctx = s};
    *out = s;
    return loop_timer_set(loop, &s->timer, loop_now(loop)); /* the first attempt, very soon */
}

void stream_destroy(struct stream *s)
{
    if (!s)
        return;
    if (s->phase == PHASE_OPEN)
        stream_send_close(s, WS_CLOSE_NORMAL);
    drop_connection(s);
    stream_free(s);
}

static int32_t send_message(struct stream *s, uint32_t kind, const void *data, uint64_t len,
                            bool secret)
{
    if (s->phase != PHASE_OPEN || s->reconnect_wanted)
        return HAWSE_E_STATE;
    static const uint8_t opcodes[] = {0, WS_TEXT, WS_BINARY, WS_PING};
    if (kind == 0 || kind >= sizeof(opcodes) ||
        (kind == HAWSE_MESSAGE_PING && len > WS_CONTROL_MAX))
        return HAWSE_E_INVAL;
    if (len > STREAM_TX_MAX || s->tx.len - s->tx_sent + len > STREAM_TX_MAX)
        return HAWSE_E_AGAIN;
    int32_t code = stream_queue_frame(s, opcodes[kind], data, len);
    if (code != HAWSE_OK)
        return code;
    if (secret)
        s->tx_secret = s->tx.len;
    if (stream_flush(s) != HAWSE_OK) { /* told to the owner later: it is inside a call now */
        s->reconnect_wanted = true;
        if (!s->delivering)
            (void)loop_timer_set(s->loop, &s->timer, loop_now(s->loop));
    }
    return HAWSE_OK;
}

int32_t stream_send(struct stream *s, uint32_t kind, const void *data, uint64_t len)
{
    return send_message(s, kind, data, len, false);
}

int32_t stream_send_secret(struct stream *s, const char *text, uint64_t len)
{
    return send_message(s, HAWSE_MESSAGE_TEXT, text, len, true);
}

void stream_resume(struct stream *s)
{
    if (!s->paused)
        return;
    s->paused = false;
    if (s->phase != PHASE_OPEN)
        return;
    if (!stream_process(s)) {
        stream_lost(s);
        return;
    }
    stream_update_watch(s);
    if (!s->paused && !s->gone)
        stream_readable(s);
}
