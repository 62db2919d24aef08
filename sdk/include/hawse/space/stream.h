/*
 * Event space 2, "stream/1": continuity. What a source says about its own sequences, before the
 * data that it concerns. Every subscriber of a source gets these, in order with the data.
 *
 * The life of a sequence: live, gap(from, to), recovering, healed or unhealable. While it is not
 * live, conclusions drawn from it are stale; intents that depend on it are refused. UNHEALABLE is
 * over with the next HEALED or LIVE: a source that goes on after a loss says LIVE.
 *
 * `stream` and `epoch` of the event say which sequence; epoch counts up with every gap. event.key
 * is 0, or that of the one market or account that alone is concerned. Positions are in the source's
 * own unit: block numbers (EVM), slots (Solana), seq numbers (HAWSE_EVENT_LOCAL gaps), UTC
 * milliseconds (venues).
 */
#ifndef HAWSE_SPACE_STREAM_H
#define HAWSE_SPACE_STREAM_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_STREAM_EVENT_GAP        1u /* hawse_stream_range_t: may have been missed */
#define HAWSE_STREAM_EVENT_RECOVERING 2u /* hawse_stream_range_t: being fetched */
#define HAWSE_STREAM_EVENT_HEALED     3u /* hawse_stream_range_t: all of it was delivered */
#define HAWSE_STREAM_EVENT_UNHEALABLE 4u /* hawse_stream_range_t: lost for good; start afresh */
#define HAWSE_STREAM_EVENT_RETRACT                                                           \
    5u                              /* hawse_stream_range_t: these positions left the chain; \
                                       the events come again with HAWSE_EVENT_REMOVED */
#define HAWSE_STREAM_EVENT_FINAL 6u /* hawse_stream_range_t: these can no longer change */
#define HAWSE_STREAM_EVENT_LIVE  7u /* hawse_stream_range_t: complete and up to date from here */

/* reasons */
#define HAWSE_REASON_START        1u /* nothing was known before */
#define HAWSE_REASON_DISCONNECTED 2u
#define HAWSE_REASON_SILENT       3u /* connected, but nothing came */
#define HAWSE_REASON_MISSING      4u /* a hole was found by cross-checking */
#define HAWSE_REASON_OVERFLOW     5u /* the subscriber's queue was full */
#define HAWSE_REASON_REORG        6u
#define HAWSE_REASON_REJECTED     7u /* the peer refused the subscription or the backfill */

#define HAWSE_POSITION_OPEN UINT64_MAX /* `to` of a gap whose end is not known yet */

typedef struct hawse_stream_range {
    uint32_t size;
    uint32_t reason; /* HAWSE_REASON_... */
    uint64_t from;   /* first position concerned */
    uint64_t to;     /* last position concerned, or HAWSE_POSITION_OPEN */
    uint64_t count;  /* events lost (OVERFLOW) or delivered late (HEALED); 0 = not known */
} hawse_stream_range_t;

#ifdef __cplusplus
}
#endif
#endif
