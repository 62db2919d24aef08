/* Choosing a provider; see select.h. */
#include "rpc/select.h"

#include <stdbool.h>

/* Is a clearly before b, before weights are looked at? */
static bool before(const struct candidate *a, const struct candidate *b, uint64_t patience)
{
    bool a_waits = a->wait_ns > patience, b_waits = b->wait_ns > patience;
    if (a->grade != b->grade)
        return a->grade < b->grade;
    if (a_waits != b_waits)
        return b_waits;
    if (a_waits && a->wait_ns != b->wait_ns)
        return a->wait_ns < b->wait_ns;
    return a->priority < b->priority;
}

size_t select_one(const struct candidate *c, size_t count, uint64_t patience)
{
    size_t best = count, chosen = count;
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (c[i].grade != GRADE_NEVER && (best == count || before(&c[i], &c[best], patience)))
            best = i;
    }
    if (best == count)
        return count;
    for (size_t i = 0; i < count; i++) {
        bool equal = c[i].grade != GRADE_NEVER && !before(&c[best], &c[i], patience) &&
                     !before(&c[i], &c[best], patience);
        if (!equal)
            continue;
        total += c[i].weight;
        *c[i].turn += c[i].weight;
        if (chosen == count || *c[i].turn > *c[chosen].turn)
            chosen = i;
    }
    *c[chosen].turn -= total;
    return chosen;
}
