/*
 * How near simulations come to what then happens: the gas that a transaction used, held against
 * the gas that its simulation said. Pure; keeps one average.
 */
#ifndef CORE_TX_ACCURACY_H
#define CORE_TX_ACCURACY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ACCURACY_WINDOW = 16,  /* transactions that the average goes over, about */
    ACCURACY_LEAST = 4,    /* before it says anything */
    ACCURACY_UP = 100000,  /* ppm: it drifts. A limit has a fifth above what was simulated */
    ACCURACY_DOWN = 50000, /* ppm: it holds again */
};

struct accuracy {
    int64_t drift_ppm; /* used over simulated, less 1; above 0: more is used than was simulated */
    uint32_t count;    /* transactions seen */
};

/* used over simulated, less 1, in millionths; within -1e6 and 1e9. simulated is not 0. */
int64_t accuracy_ppm(uint64_t simulated, uint64_t used);
/* False: nothing was simulated (0), or nothing is known of it. */
bool accuracy_add(struct accuracy *a, uint64_t simulated, uint64_t used);
bool accuracy_drifts(const struct accuracy *a);
bool accuracy_holds(const struct accuracy *a);

#endif
