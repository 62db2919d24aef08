/* Simulated gas against used gas; see accuracy.h. */
#include "tx/accuracy.h"

enum { PPM = 1000000, MOST = 1000000000 };

int64_t accuracy_ppm(uint64_t simulated, uint64_t used)
{
    __int128 off = ((__int128)used - (__int128)simulated) * PPM / (__int128)simulated;
    return off > MOST ? MOST : (int64_t)off;
}

bool accuracy_add(struct accuracy *a, uint64_t simulated, uint64_t used)
{
    if (simulated == 0)
        return false;
    uint32_t over = a->count < ACCURACY_WINDOW ? a->count + 1 : ACCURACY_WINDOW;
    a->drift_ppm += (accuracy_ppm(simulated, used) - a->drift_ppm) / (int64_t)over;
    if (a->count < UINT32_MAX)
        a->count++;
    return true;
}

bool accuracy_drifts(const struct accuracy *a)
{
    return a->count >= ACCURACY_LEAST &&
           (a->drift_ppm > ACCURACY_UP || a->drift_ppm < -ACCURACY_UP);
}

bool accuracy_holds(const struct accuracy *a)
{
    return a->drift_ppm < ACCURACY_DOWN && a->drift_ppm > -ACCURACY_DOWN;
}
