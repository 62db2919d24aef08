/*
 * A plugin that is handed over to itself in the middle of a replay (hawse.state/1). The capture
 * knows nothing of that, so what restore() looks up is answered as it was answered earlier in the
 * capture, and whatever would change something is refused, as a host does.
 */
#ifndef CORE_REPLAY_HANDOVER_H
#define CORE_REPLAY_HANDOVER_H

#include "record/record.h"

#include <hawse/service/state.h>
#include <stdbool.h>

enum { HANDOVER_ANSWERS = 64, HANDOVER_TEXT = 64 };

struct handover {
    struct {
        uint16_t call;
        int32_t code;
        uint64_t result, len;
        uint8_t text[HANDOVER_TEXT];
    } answers[HANDOVER_ANSWERS];
    uint32_t count;
    uint64_t done; /* so often it was handed over */
    bool now;      /* it is, this moment */
};

/* Keeps the answer to what may be looked up again. */
void handover_learn(struct handover *handover, const struct record_call *call);
void handover_answer(const struct handover *handover, struct record_call *call);

#endif
