/* See awake.h. */
#include "worker/awake.h"

static void tell(const struct awake *a, bool lingers)
{
    __atomic_store_n(&a->link->lingers, lingers, __ATOMIC_RELAXED);
}

bool awake_ask(struct awake *awake, uint64_t now_ns)
{
    struct awake *last = awake->asked ? *awake->asked : awake;
    bool follows = awake->asked_ns > 0 && now_ns - awake->asked_ns < awake->window_ns;
    awake->asked_ns = now_ns;
    if (last && last != awake)
        tell(last, false);
    if (awake->asked)
        *awake->asked = awake;
    follows = follows && last == awake;
    tell(awake, follows);
    return follows;
}

void awake_forget(const struct awake *awake)
{
    if (awake->asked && *awake->asked == awake)
        *awake->asked = NULL;
}
