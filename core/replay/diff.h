/*
 * The first difference between two captures, in words: of two runs, or of a run and of what a
 * replay of it recorded. Each instance is compared by itself, callback by callback.
 */
#ifndef CORE_REPLAY_DIFF_H
#define CORE_REPLAY_DIFF_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

enum { DIFF_TEXT = 4096, DIFF_ID = 64 };

struct diff_result {
    bool differs;
    uint64_t instances, callbacks; /* compared */
    char instance[DIFF_ID];        /* the one whose difference comes first */
    uint64_t at_ns;                /* since the beginning of the first capture */
    char text[DIFF_TEXT];
};

int32_t diff_captures(const char *a, const char *b, struct diff_result *result,
                      struct fault *fault);

#endif
