/*
 * The lines of a sample: a header, then frames with the time at which they came. What the frames
 * mean is the world's that plays them.
 */
#ifndef CORE_APP_FEED_TAPE_H
#define CORE_APP_FEED_TAPE_H

#include "base/fault.h"

#include <jansson.h>
#include <stdio.h>

struct tape_frame {
    uint64_t t_ms; /* since the start of the sample */
    json_t *frame; /* an object or an array */
};

struct tape {
    json_t *header;
    struct tape_frame *frames; /* at least one */
    size_t count, cap;
    uint64_t span_ms; /* of one round */
    size_t next;      /* the frame that is played next */
    uint64_t round;
};

/* All that has no world's meaning is checked. On an error the tape holds nothing. */
int32_t tape_read(FILE *f, const char *path, struct tape *tape, struct fault *fault);
void tape_finish(struct tape *tape);
double tape_due_ms(const struct tape *tape);
/* The next frame as it is in this round: a new reference, a copy of its own. Moves on. */
json_t *tape_play(struct tape *tape, uint64_t *round);

#endif
