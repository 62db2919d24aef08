/*
 * The event space "org.example.candles/1": what candles tells. A space of one's own is a header
 * like this one: an id by reverse DNS, numbers of kinds, records of fixed layout that begin with
 * their size.
 */
#ifndef CANDLES_H
#define CANDLES_H

#include <hawse/types.h>

#define CANDLES_SPACE "org.example.candles/1"

#define CANDLES_CANDLE 1u /* candles_candle_t */

/* flags of a candle */
#define CANDLES_TICKS   0x1u /* prices are ticks of a pool; else mantissas x 10^exponent */
#define CANDLES_GAP     0x2u /* trades may be missing: the venue announced a gap */
#define CANDLES_REMOVED 0x4u /* a trade in it was taken back, and is still counted */
#define CANDLES_OPEN    0x8u /* not over: told because the instance stops */

/* One minute of a market. event.key is that of its trades. */
typedef struct candles_candle {
    uint32_t size;
    uint32_t flags; /* CANDLES_... */
    uint8_t market[32];
    uint64_t begin_ns; /* UTC, a whole minute */
    uint32_t trades;
    int32_t exponent;
    int64_t open, high, low, close;
    hawse_u256_t volume; /* sum of token 0, smallest units */
} candles_candle_t;

#endif
