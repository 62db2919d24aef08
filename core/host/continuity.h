/*
 * Which sequences of one source are live, by what it said of them itself (hawse/space/stream.h).
 * Told by the lane that the source runs on, asked by the desk before each signature. Knows nothing
 * of a sequence of which nothing was said, and that is not live either.
 *
 * A lock, which is no matter here: sequences break and heal rarely, and never while data goes
 * through. Events of data do not come here.
 */
#ifndef CORE_HOST_CONTINUITY_H
#define CORE_HOST_CONTINUITY_H

#include <hawse/hawse.h>
#include <stdbool.h>

enum { CONTINUITY_KEYS_MAX = 65536 }; /* markets of one source; more are never live by themselves */

#define CONTINUITY_STATES(X)                    \
    X(UNKNOWN, "of which nothing was said yet") \
    X(LIVE, "live")                             \
    X(GAP, "in a gap")                          \
    X(RECOVERING, "recovering")                 \
    X(UNHEALABLE, "unhealable")

#define CONTINUITY_ENUM(name, word) CONTINUITY_##name,
enum continuity_state { CONTINUITY_STATES(CONTINUITY_ENUM) CONTINUITY_STATE_COUNT };
const char *continuity_word(enum continuity_state state);

struct continuity;

/* NULL: no memory. */
struct continuity *continuity_new(void);
void continuity_free(struct continuity *c); /* NULL is legal */

/* [lane] A source says something of a sequence; other events change nothing. A market that is live
 * follows the whole of its sequence (key 0) when that breaks. Its own gap ends by its own word, or
 * by LIVE of the whole. */
void continuity_told(struct continuity *c, const hawse_event_t *event);
/* [lane] Nothing comes any more: nothing is known. */
void continuity_lost(struct continuity *c);
/* [any] Of a market or account, or (key 0) of the whole sequence, in which no market may be broken.
 */
enum continuity_state continuity_of(struct continuity *c, uint32_t stream, uint64_t key);

#endif
