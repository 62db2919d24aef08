/*
 * Events as sources would tell them, made from a seed: of the spaces and kinds that the plugin has
 * subscribed to, with the filters it gave.
 */
#ifndef CORE_CHECK_SCRIPT_H
#define CORE_CHECK_SCRIPT_H

#include "check/kit.h"

enum { SCRIPT_RECORD = 4096, SCRIPT_SOURCE = 7 };

struct script {
    struct kit *k;
    uint64_t random;
    uint64_t block; /* newest, counted up */
};

struct script_event {
    hawse_event_t event; /* data points to the member below */
    _Alignas(8) uint8_t data[SCRIPT_RECORD];
};

void script_init(struct script *s, struct kit *k, uint64_t seed);
uint64_t script_random(struct script *s);

/* The next event of a subscription; false when the plugin has none. */
bool script_next(struct script *s, struct script_event *out);
/* Of the first subscription to that space (0: any) and kind, or to all its kinds; the kind need not
 * be known. False when there is none. */
bool script_of_kind(struct script *s, uint16_t space, uint16_t kind, struct script_event *out);
/* A continuity event of the source; false when nothing is subscribed. */
bool script_range(struct script *s, uint16_t kind, uint32_t reason, uint64_t from, uint64_t to,
                  struct script_event *out);
/* Queues the next `n` events, if there are any. */
void script_push(struct script *s, uint32_t n);
void script_push_range(struct script *s, uint16_t kind, uint32_t reason, uint64_t from,
                       uint64_t to);
/* Some frames on each open stream: JSON, text that is none, and binary. */
void script_frames(struct script *s);
/* Demands for what the plugin produces: without a filter, with a good one, and with one that is
 * none. */
void script_demands(struct script *s);
/* A while of all that: `rounds` times 4 events, frames, and 50 ms. */
void script_tour(struct script *s, uint32_t rounds);

#endif
