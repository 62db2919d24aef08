/*
 * A stream from the inside; shared by stream.c (its life) and stream_io.c (its bytes).
 */
#ifndef CORE_NET_STREAM_PRIVATE_H
#define CORE_NET_STREAM_PRIVATE_H

#include "net/connect.h"
#include "net/stream.h"
#include "net/ws_buffer.h"
#include "net/ws_build.h"
#include "net/ws_deflate.h"
#include "net/ws_frame.h"
#include "net/ws_handshake.h"

enum {
    STREAM_BATCH = 64,
    STREAM_RX_BYTES = 256 << 10, /* grown to hold a larger message */
    STREAM_READ_BUDGET = 256 << 10,
    STREAM_TX_MAX = 1 << 20,
    STREAM_MASKS = 32,
    STREAM_KEEP_MS = 10000, /* a buffer for large messages is kept so long after the last one */
};

enum stream_phase {
    PHASE_WAITING,    /* for the next attempt */
    PHASE_CONNECTING, /* a thread is at it */
    PHASE_UPGRADING,  /* connected; HTTP */
    PHASE_OPEN,
};

/* One connection that stays. Owned by who created it; lives on one loop. */
struct stream {
    struct loop *loop;
    struct connector *connector;
    struct logger *logger;
    const struct stream_handler *handler;
    void *ctx;
    char *name, *url, *display, *protocols, *proxy, *ca_file;
    struct config_header *headers;
    size_t header_count;
    bool trust_text, offer_deflate;
    uint64_t max_message, ping_ns, idle_ns;
    uint32_t connect_timeout_ms, backoff_min_ms, backoff_max_ms;

    enum stream_phase phase;
    struct connect_attempt *attempt_running;
    struct transport transport;
    struct loop_watch watch;
    bool watched;
    struct loop_timer timer; /* backoff, upgrade and close deadlines, ping and idle checks */
    struct loop_timer again; /* bytes are left to read in this step's budget */
    struct ws_handshake handshake;

    uint8_t *rx; /* receive buffer: rx_cap bytes and WS_SLACK more */
    size_t rx_cap, rx_begin, rx_end;
    const struct ws_memory *memory; /* for messages; NULL = the heap */
    uint8_t *upgrade_rx; /* with such memory: the receive buffer of upgrades, while rx is there */
    size_t rx_peak;      /* highest rx_end since the last check */
    uint64_t large_ns;   /* when a buffer was last seen to need more than STREAM_RX_BYTES */
    struct ws_buffer assembly;
    struct ws_inflater *inflater;
    struct ws_parser parser;
    struct stream_frame frames[STREAM_BATCH]; /* handed over, or waiting while paused */
    uint32_t frame_first, frame_count;
    bool paused;
    bool delivering; /* on_frames is running: changes of state wait */
    bool gone;       /* the owner wants no more */
    bool reconnect_wanted;
    struct fault reason;      /* why it was, or is to be, lost */
    uint16_t peer_close_code; /* 0 = no close frame came */

    struct ws_buffer tx;
    size_t tx_sent;
    size_t tx_secret; /* bytes of tx up to here may be of a message that is secret */
    uint32_t masks[STREAM_MASKS];
    uint32_t mask_next;

    uint32_t epoch;
    uint32_t attempts; /* since it was last open */
    uint64_t retry_after_ms;
    uint64_t last_byte_ns, last_ping_ns;
    struct stream_stats stats;
};

/* stream_io.c */
void stream_readable(struct stream *stream);
int32_t stream_flush(struct stream *stream);
/* Hands over what waits, then goes on with the bytes that are there. False: the connection ended.
 */
bool stream_process(struct stream *stream);
void stream_send_close(struct stream *stream, uint16_t code);
int32_t stream_queue_frame(struct stream *stream, uint8_t opcode, const void *data, size_t len);

/* Gives the memory of large messages back when none came for a while; from time to time. */
void stream_trim(struct stream *stream, uint64_t now_ns);

/* realloc for the receive buffer; want 0 = free. */
static inline uint8_t *stream_resize_rx(struct stream *s, size_t want)
{
    return ws_memory_resize(s->upgrade_rx ? s->memory : NULL, s->rx, s->rx_cap + WS_SLACK, want);
}

/* stream.c */
/* Ends the connection and plans the next attempt; stream->reason says why. */
void stream_lost(struct stream *stream);
int32_t stream_upgraded(struct stream *stream, size_t consumed);
void stream_update_watch(struct stream *stream);

#endif
