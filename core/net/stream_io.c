/*
 * The bytes of a stream: reads into the receive buffer, parses frames in place, hands them over in
 * batches, answers control frames, writes what is queued. This is the hot path: nothing here
 * allocates unless a message is larger than any before it, and nothing locks.
 */
#include "net/stream_private.h"

#include <hawse/service/stream.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint32_t stream_mask(struct stream *s)
{
    if (s->mask_next == STREAM_MASKS || s->mask_next == 0) {
        if (getrandom(s->masks, sizeof(s->masks), 0) != (ssize_t)sizeof(s->masks))
            s->masks[0] ^= (uint32_t)loop_clock();
        s->mask_next = 0;
    }
    return s->masks[s->mask_next++];
}

/* ---- writing ---- */

int32_t stream_flush(struct stream *s)
{
    while (s->tx_sent < s->tx.len) {
        ssize_t n = transport_write(&s->transport, s->tx.data + s->tx_sent, s->tx.len - s->tx_sent,
                                    &s->reason);
        if (n == -1)
            break;
        if (n < 0)
            return HAWSE_E_IO;
        s->tx_sent += (size_t)n;
    }
    if (s->tx_sent == s->tx.len) {
        size_t secret = s->phase == PHASE_UPGRADING ? s->tx.len : s->tx_secret;
        if (secret > 0) /* path and headers hold keys, and so do logins */
            explicit_bzero(s->tx.data, secret);
        s->tx.len = s->tx_sent = s->tx_secret = 0;
    }
    stream_update_watch(s);
    return HAWSE_OK;
}

int32_t stream_queue_frame(struct stream *s, uint8_t opcode, const void *data, size_t len)
{
    size_t size = ws_frame_size(len), written = 0;
    if (s->tx_sent > 0) {
        memmove(s->tx.data, s->tx.data + s->tx_sent, s->tx.len - s->tx_sent);
        s->tx.len -= s->tx_sent;
        s->tx_sent = 0;
    }
    if (s->tx_secret > 0 && s->tx.len + size > s->tx.cap)
        return HAWSE_E_AGAIN; /* growing would leave a copy behind: it is on its way in a moment */
    size_t limit = STREAM_TX_MAX + WS_BUILD_HEADER_MAX + WS_CONTROL_MAX;
    if (ws_buffer_reserve(&s->tx, s->tx.len + size, limit) != HAWSE_OK)
        return HAWSE_E_AGAIN;
    struct ws_frame_spec spec = {.opcode = opcode, .mask = stream_mask(s)};
    int32_t code =
        ws_build_frame(&spec, data, len, s->tx.data + s->tx.len, s->tx.cap - s->tx.len, &written);
    if (code == HAWSE_OK)
        s->tx.len += written;
    return code;
}

void stream_send_close(struct stream *s, uint16_t code)
{
    uint8_t body[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    if (stream_queue_frame(s, WS_CLOSE, body, sizeof(body)) == HAWSE_OK)
        (void)stream_flush(s);
}

/* ---- handing over ---- */

/* False when the owner took less than all, or wants no more. */
static bool hand_over(struct stream *s, uint64_t t_recv_ns)
{
    while (s->frame_first < s->frame_count) {
        uint32_t n = s->frame_count - s->frame_first;
        s->delivering = true;
        int32_t took = s->handler->on_frames(s->ctx, s, &s->frames[s->frame_first], n, t_recv_ns);
        s->delivering = false;
        if (took < 0) {
            s->gone = true;
            return false;
        }
        s->frame_first += (uint32_t)took;
        if (s->reconnect_wanted)
            return false;
        if ((uint32_t)took < n) {
            s->paused = true;
            return false;
        }
    }
    s->frame_first = s->frame_count = 0;
    return true;
}

static bool in_receive_buffer(const struct stream *s, const uint8_t *data)
{
    return data >= s->rx && data < s->rx + s->rx_cap;
}

static void count_message(struct stream *s, size_t len, uint64_t now)
{
    __atomic_store_n(&s->stats.messages, s->stats.messages + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&s->stats.bytes, s->stats.bytes + len, __ATOMIC_RELAXED);
    __atomic_store_n(&s->stats.last_message_ns, now, __ATOMIC_RELAXED);
}

static void on_pong(struct stream *s, const struct ws_message *m)
{
    uint64_t sent = 0;
    if (m->len != sizeof(sent))
        return;
    memcpy(&sent, m->data, sizeof(sent));
    uint64_t now = loop_clock();
    if (sent == 0 || sent > now)
        return;
    __atomic_store_n(&s->stats.pongs, s->stats.pongs + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&s->stats.rtt_ns, now - sent, __ATOMIC_RELAXED);
}

/* False: the connection ends. */
static bool on_control(struct stream *s, const struct ws_message *m)
{
    switch (m->opcode) {
    case WS_PING:
        if (stream_queue_frame(s, WS_PONG, m->data, m->len) != HAWSE_OK) {
            (void)fault_set(&s->reason, HAWSE_E_LIMIT, "pings come faster than pongs can be sent");
            return false;
        }
        return true;
    case WS_PONG:
        on_pong(s, m);
        return true;
    default:
        s->peer_close_code = m->close_code;
        (void)fault_set(&s->reason, HAWSE_E_IO, "the server closed: code %u%s%.*s", m->close_code,
                        m->len > 0 ? ", " : "", (int)m->len, (const char *)m->data);
        /* answer, as section 5.5.1 asks, then end */
        stream_send_close(s, m->close_code == WS_CLOSE_NO_STATUS ? WS_CLOSE_NORMAL : m->close_code);
        return false;
    }
}

/* A frame that breaks the protocol: tell the peer, then end. */
static void on_violation(struct stream *s)
{
    const struct ws_failure *f = &s->parser.failure;
    (void)fault_set(&s->reason, f->result, "%s", f->text);
    stream_send_close(s, f->close_code);
}

/* ---- the receive buffer ---- */

/* Room for `need` bytes from rx_begin on; moves what is there to the front. */
static bool make_room(struct stream *s, size_t need)
{
    size_t held = s->rx_end - s->rx_begin;
    if (s->rx_begin > 0) {
        memmove(s->rx, s->rx + s->rx_begin, held);
        s->rx_begin = 0;
        s->rx_end = held;
    }
    if (need <= s->rx_cap)
        return true;
    uint8_t *bigger = stream_resize_rx(s, need + WS_SLACK);
    if (!bigger) {
        (void)fault_set(&s->reason, HAWSE_E_NOMEM, "no memory for a message of %zu bytes", need);
        return false;
    }
    s->rx = bigger;
    s->rx_cap = need;
    return true;
}

/* Did anything since the last check need more than the usual room? */
static bool needed_large(struct stream *s)
{
    bool needed = s->rx_peak > STREAM_RX_BYTES || s->assembly.peak > STREAM_RX_BYTES ||
                  s->tx.peak > STREAM_RX_BYTES;
    if (s->inflater && ws_inflater_needed(s->inflater, STREAM_RX_BYTES))
        needed = true;
    s->rx_peak = s->rx_end;
    s->assembly.peak = ws_parser_in_message(&s->parser) ? s->assembly.len : 0;
    s->tx.peak = s->tx.len;
    return needed;
}

static void trim_rx(struct stream *s)
{
    size_t held = s->rx_end - s->rx_begin;
    if (s->rx_cap <= STREAM_RX_BYTES || held > STREAM_RX_BYTES / 2)
        return;
    memmove(s->rx, s->rx + s->rx_begin, held);
    s->rx_begin = 0;
    s->rx_end = held;
    uint8_t *smaller = stream_resize_rx(s, STREAM_RX_BYTES + WS_SLACK);
    if (!smaller)
        return;
    s->rx = smaller;
    s->rx_cap = STREAM_RX_BYTES;
}

void stream_trim(struct stream *s, uint64_t now)
{
    if (needed_large(s)) {
        s->large_ns = now;
        return;
    }
    bool busy = s->frame_count > 0 || s->delivering; /* frames are views into these buffers */
    if (busy || now - s->large_ns < (uint64_t)STREAM_KEEP_MS * 1000000u)
        return;
    trim_rx(s);
    if (!ws_parser_in_message(&s->parser))
        s->assembly.len = 0;
    ws_buffer_trim(&s->assembly, STREAM_RX_BYTES);
    ws_buffer_trim(&s->tx, STREAM_RX_BYTES);
    if (s->inflater)
        ws_inflater_trim(s->inflater, STREAM_RX_BYTES);
}

/* Gathers one message into the batch. False: stop parsing (paused, gone, or ended). */
static bool on_message(struct stream *s, const struct ws_message *m, uint64_t now)
{
    if (m->opcode >= WS_CLOSE) {
        if (!hand_over(s, now)) /* what came before the control frame */
            return false;
        s->reconnect_wanted = !on_control(s, m);
        return !s->reconnect_wanted;
    }
    bool stays = in_receive_buffer(s, m->data) || m->len == 0;
    s->frames[s->frame_count++] =
        (struct stream_frame){.data = m->data, .len = m->len, .binary = m->opcode == WS_BINARY};
    count_message(s, m->len, now);
    if (s->frame_count == STREAM_BATCH || !stays)
        return hand_over(s, now);
    return true;
}

static bool parse(struct stream *s, uint64_t now)
{
    struct ws_input in = {.data = s->rx + s->rx_begin, .len = s->rx_end - s->rx_begin};
    struct ws_message m;
    bool going = true;
    enum ws_next next = WS_NEED_MORE;
    while (going && (next = ws_parser_next(&s->parser, &in, &m)) == WS_MESSAGE) {
        s->rx_begin = (size_t)(in.data - s->rx);
        going = on_message(s, &m, now);
    }
    s->rx_begin = (size_t)(in.data - s->rx);
    if (!going)
        return false;
    if (!hand_over(s, now))
        return false;
    if (next == WS_ERROR) {
        on_violation(s);
        s->reconnect_wanted = true;
        return false;
    }
    if (s->rx_begin == s->rx_end)
        s->rx_begin = s->rx_end = 0;
    size_t need = next == WS_NEED_MORE ? in.need : 0;
    if (need > s->rx_cap - s->rx_begin && !make_room(s, need)) {
        s->reconnect_wanted = true;
        return false;
    }
    return true;
}

bool stream_process(struct stream *s)
{
    uint64_t now = loop_clock();
    if (!hand_over(s, now))
        return !s->reconnect_wanted;
    if (!parse(s, now))
        return !s->reconnect_wanted;
    return true;
}

/* ---- reading ---- */

static bool read_upgrade(struct stream *s)
{
    size_t consumed = 0;
    int32_t code = ws_handshake_read(&s->handshake, s->rx, s->rx_end, &consumed);
    if (code == HAWSE_E_AGAIN)
        return true;
    if (code != HAWSE_OK) {
        (void)fault_set(&s->reason, code, "%s", s->handshake.failure.text);
        s->retry_after_ms = s->handshake.retry_after_ms;
        return false;
    }
    return stream_upgraded(s, consumed) == HAWSE_OK && stream_process(s);
}

/* One read. Returns bytes, 0 when there is nothing now, or -1 when the connection is over. */
static ssize_t read_some(struct stream *s)
{
    if (s->rx_end == s->rx_cap && !make_room(s, s->rx_cap + (s->rx_begin == 0 ? 1 : 0)))
        return -1;
    ssize_t n = transport_read(&s->transport, s->rx + s->rx_end, s->rx_cap - s->rx_end, &s->reason);
    if (n == -1)
        return 0;
    if (n <= 0) {
        if (n == 0)
            (void)fault_set(&s->reason, HAWSE_E_IO, "the server ended the connection%s",
                            s->phase == PHASE_UPGRADING ? " during the upgrade"
                                                        : " without a close frame");
        return -1;
    }
    s->rx_end += (size_t)n;
    s->rx_peak = s->rx_end > s->rx_peak ? s->rx_end : s->rx_peak;
    s->last_byte_ns = loop_now(s->loop);
    return n;
}

/* Reads and hands over until nothing is there or the budget is used. False: the connection ended.
 */
static bool read_and_process(struct stream *s, size_t *budget)
{
    while (!s->paused && !s->gone && *budget > 0) {
        size_t room = s->rx_cap - s->rx_end;
        ssize_t n = read_some(s);
        if (n <= 0)
            return n == 0;
        if (!(s->phase == PHASE_UPGRADING ? read_upgrade(s) : stream_process(s)))
            return false;
        *budget -= (size_t)n < *budget ? (size_t)n : *budget;
        /* a short read of a plain socket means that it is empty: save the call that would say so */
        if (s->transport.direct && (size_t)n < room)
            break;
    }
    return true;
}

void stream_readable(struct stream *s)
{
    size_t budget = STREAM_READ_BUDGET;
    bool good = read_and_process(s, &budget);
    if (good && s->tx.len > 0)
        good = stream_flush(s) == HAWSE_OK;
    if (!good)
        stream_lost(s);
    else if (s->paused || s->gone)
        stream_update_watch(s);
    else if (budget == 0)
        (void)loop_timer_set(s->loop, &s->again, loop_now(s->loop));
}
