/*
 * "hawse.sub/1": publish events and subscribe to those of linked instances.
 *
 * An instance sees only the sources that its configuration links it to. The host routes by (source,
 * space, kind, key) and never looks inside a record. A subscription may carry a filter for its
 * source, so that the source asks its network for no more than somebody wants.
 */
#ifndef HAWSE_SERVICE_SUB_H
#define HAWSE_SERVICE_SUB_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SUB_ID "hawse.sub/1"

/* What happens when this subscriber does not keep up. */
#define HAWSE_POLICY_DEFAULT     0u /* what the producing plugin's manifest says, else lossless */
#define HAWSE_POLICY_LOSSLESS    1u /* slow the source down; past the host's patience: a gap */
#define HAWSE_POLICY_LATEST      2u /* keep the newest event of each key */
#define HAWSE_POLICY_DROP_OLDEST 3u /* lose the oldest; each loss is announced as a gap */

/* flags of hawse_sub_spec */
#define HAWSE_SUB_KEYED 0x1u /* only events whose key equals `key` */

/* Sources: every instance this one is linked to. */
#define HAWSE_SOURCE_ANY 0u

typedef struct hawse_sub_spec {
    uint32_t size;
    uint32_t source; /* a number from link(), or HAWSE_SOURCE_ANY */
    uint16_t space;
    uint16_t kind;   /* 0 = every kind of the space */
    uint32_t flags;  /* HAWSE_SUB_... */
    uint32_t policy; /* HAWSE_POLICY_... */
    uint32_t queue;  /* events kept at most while the subscriber is behind; 0 = the default, 4096 */
    uint64_t key;
    hawse_view_t
        filter; /* bytes for the source, defined by the space (hawse_evm_log_filter_t ...);
                   they reach it as HAWSE_HOST_DEMAND. Empty = none. At most 4,096 bytes. */
} hawse_sub_spec_t;

typedef struct hawse_sub_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows name, fills source] The source number of the link called `name` in this
     * instance's configuration. HAWSE_E_NOTFOUND when there is none. */
    int32_t (*link)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t name,
                    uint32_t *source);

    /* [lane; borrows id, fills space] The number of the event space `id` (reverse DNS,
     * "org.example.weather/1"), the same for every instance of this run. Ids of this SDK ("evm/1")
     * give their constants. */
    int32_t (*space)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t id,
                     uint16_t *space);

    /* [lane; borrows spec, fills sub] Subscribe; to a source on another lane it holds a moment
     * later. Continuity events (HAWSE_SPACE_STREAM) of a subscribed source always come along, in
     * order. HAWSE_E_DENIED when not linked; HAWSE_E_LIMIT above 65,536 subscriptions. */
    int32_t (*subscribe)(const hawse_host_t *host, hawse_instance_t self,
                         const hawse_sub_spec_t *spec, hawse_sub_t *sub);

    /* [lane] End a subscription. Events already queued still come. */
    int32_t (*unsubscribe)(const hawse_host_t *host, hawse_instance_t self, hawse_sub_t sub);

    /* [lane; lends return until the callback returns] `len` bytes (8-byte aligned, at most 256 KiB)
     * in the host's arena to build a record in, valid until the callback returns; NULL when the
     * arena is full, which publish would answer with HAWSE_E_AGAIN. A new call gives up what was
     * not published. */
    uint8_t *(*reserve)(const hawse_host_t *host, hawse_instance_t self, uint64_t len);

    /* [lane; borrows event] Publish one event. The publisher sets space, kind, stream, epoch,
     * flags, t_recv_ns, t_source_ns, key, data and len; the host sets source and seq. Data that
     * lies in the last reserve() is taken as it is, other data is copied. Never calls anybody:
     * subscribers run after this callback returns. HAWSE_E_AGAIN: a lossless subscriber or the
     * arena is full; nothing was published to anybody; return from on_events with the number of
     * events taken so far. HAWSE_E_INVAL: a space, kind or size this plugin's manifest does not
     * declare. */
    int32_t (*publish)(const hawse_host_t *host, hawse_instance_t self, const hawse_event_t *event);
} hawse_sub_service_t;

#ifdef __cplusplus
}
#endif
#endif
