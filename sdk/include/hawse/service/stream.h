/*
 * "hawse.stream/1": WebSocket connections, owned and kept alive by the host.
 *
 * A plugin names an endpoint of its configuration; it never sees the URL, which may hold a secret.
 * The host resolves, connects, verifies TLS, upgrades, answers pings, watches for silence, and
 * reconnects with exponential backoff and full jitter. Frames and changes of state arrive as events
 * of HAWSE_SPACE_HOST. What the plugin subscribed upstream it declares as channels, so that
 * each can be watched and measured by itself: a socket that lives proves nothing about them.
 */
#ifndef HAWSE_SERVICE_STREAM_H
#define HAWSE_SERVICE_STREAM_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_STREAM_ID "hawse.stream/1"

/* kinds of a message */
#define HAWSE_MESSAGE_TEXT   1u
#define HAWSE_MESSAGE_BINARY 2u
#define HAWSE_MESSAGE_PING   3u /* a protocol ping; the payload is at most 125 bytes */

typedef struct hawse_stream_spec {
    uint32_t size;
    uint32_t flags;        /* none defined: 0 */
    hawse_view_t endpoint; /* name in the instance's "endpoints"; or empty, and then ... */
    hawse_view_t url;      /* ... ws:// or wss://, which needs the grant net:SCHEME://HOST[:PORT] */
    hawse_view_t protocols; /* Sec-WebSocket-Protocol offer, comma-separated; empty = none */
    uint64_t max_message;   /* bytes of one message; 0 = the host's default, 16 MiB */
    uint64_t ping_ns;       /* protocol ping this often; 0 = the configuration's, 20 s */
    uint64_t idle_ns;       /* reconnect when nothing at all came for so long; 0 = the
                               configuration's, 60 s */
} hawse_stream_spec_t;

/* What a channel's last state says (also in HAWSE_STREAM_STATE events and metrics). */
#define HAWSE_CHANNEL_PENDING    0u /* asked for, not confirmed */
#define HAWSE_CHANNEL_LIVE       1u
#define HAWSE_CHANNEL_GAP        2u /* something was or may have been missed */
#define HAWSE_CHANNEL_RECOVERING 3u /* being filled */
#define HAWSE_CHANNEL_HEALED     4u /* filled; becomes live with the next message */
#define HAWSE_CHANNEL_UNHEALABLE 5u /* can't be filled: consumers must start afresh */

typedef struct hawse_stream_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows spec, fills stream] Open a stream that stays: it is reconnected until closed.
     * Returns at once; the events HAWSE_HOST_STREAM_STATE tell the rest. HAWSE_E_NOTFOUND: no such
     * endpoint; HAWSE_E_DENIED: no grant; HAWSE_E_LIMIT: above 64 streams. */
    int32_t (*open)(const hawse_host_t *host, hawse_instance_t self,
                    const hawse_stream_spec_t *spec, hawse_stream_t *stream);

    /* [lane; borrows payload] Send one message. HAWSE_E_STATE when not open; HAWSE_E_AGAIN when 1
     * MiB waits. */
    int32_t (*send)(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                    uint32_t message_kind, hawse_view_t payload);

    /* [lane; borrows reason] Drop the connection and connect anew after the backoff; the reason is
     * logged. For a peer that breaks its own protocol or is silent where it should not be. */
    int32_t (*reconnect)(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                         hawse_view_t reason);

    /* [lane] Close for good; the handle is stale afterwards. */
    int32_t (*close)(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream);

    /* [lane; borrows name, fills channel] Declare an upstream subscription under a short name
     * ("heads", "logs"). When it has not been touched for idle_ns while the stream is open,
     * HAWSE_HOST_CHANNEL_IDLE arrives, once per silence. idle_ns 0 = not watched. */
    int32_t (*channel)(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                       hawse_view_t name, uint64_t idle_ns, hawse_channel_t *channel);

    /* [lane] `messages` more came on this channel. Call it once a batch, not once a message. */
    int32_t (*touch)(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t channel,
                     uint64_t messages);

    /* [lane] The channel's continuity changed (HAWSE_CHANNEL_...). Recorded for metrics, status and
     * the gates that refuse intents; the plugin itself publishes gap and healed events. */
    int32_t (*channel_state)(const hawse_host_t *host, hawse_instance_t self,
                             hawse_channel_t channel, uint32_t state);
} hawse_stream_service_t;

#ifdef __cplusplus
}
#endif
#endif
