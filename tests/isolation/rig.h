/* Between the files of the rig. */
#ifndef TESTS_ISOLATION_RIG_H
#define TESTS_ISOLATION_RIG_H

#include <hawse/hawse.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>

struct rig {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    uint16_t space;
    char role;
    uint64_t events, published, seen;
    uint64_t life;
    const hawse_stream_service_t *stream;
    hawse_stream_t echo;
    const uint8_t *kept; /* a frame of an earlier callback */
    uint64_t kept_len, frames;
    const hawse_event_t *event; /* that the victim took */
};

/* Does one of the things that a worker must not survive, another in each life. Says its name in the
 * log before, and SURVIVED behind. */
_Noreturn void fault_of_this_life(struct rig *rig, const hawse_event_t *event);
/* The same for what is read in place: a frame. */
_Noreturn void frame_fault_of_this_life(struct rig *rig, const hawse_event_t *frame);

#endif
