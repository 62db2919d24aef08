/*
 * A recorded sample of a node's notifications: one JSON object a line, the first says what chain
 * and pools it is, each further one holds a frame and when it came. Played round after round: later
 * rounds get higher block numbers, later times and other hashes, so that the chain goes on.
 */
#ifndef CORE_APP_FEED_SAMPLE_H
#define CORE_APP_FEED_SAMPLE_H

#include "base/fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct sample_frame {
    uint64_t t_ms;  /* since the start of the sample */
    json_t *result; /* params.result of the notification: a header or a log */
    bool is_head;
};

struct sample {
    json_t *header;
    uint64_t chain_id;
    uint64_t start_number; /* last block before the sample */
    uint64_t end_number;
    uint64_t start_timestamp;
    uint64_t seconds; /* of chain time that one round covers */
    struct sample_frame *frames;
    size_t frame_count, frame_cap;
};

/* From an open file, which `path` names in faults. */
int32_t sample_read(FILE *f, const char *path, struct sample **out, struct fault *fault);
void sample_destroy(struct sample *sample);

/* The frame as it is in round `round` (0 = as recorded): a new reference. */
json_t *sample_result(const struct sample *sample, size_t index, uint64_t round);

uint64_t sample_quantity(const json_t *hex); /* "0x1f"; 0 when it is none */

#endif
