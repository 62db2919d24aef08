/*
 * When a group of the journal is closed. A commit waits for the disk, and takes longer than all
 * else that happens between a simulation and the bytes that are sent. While the signature of a
 * transaction is being made, what was decided before stays in the group, and goes onto the disk
 * together with the signed bytes: what is sent waits for one commit, not for two. The same holds
 * while something is simulated, which is a question to a node.
 *
 * Nothing leaves earlier than it would have: words to plugins wait as well, and whatever else is to
 * leave closes the group at once. What takes its time (a key in another process, a node far away)
 * is not waited for.
 */
#include "tx/desk_private.h"

enum { GATHER_MS = 10 };

/* Is something on its way to the bytes that are sent? */
static bool is_deciding(const struct desk *desk)
{
    bool any = desk->signing_now > 0;
    for (size_t i = 0; i < desk->chain_count && !any; i++)
        any = desk->chains[i].simulating > 0;
    return any;
}

bool desk_gathers(struct desk *desk)
{
    uint64_t now = loop_clock();
    bool more = !desk->failed && is_deciding(desk) && journal_in_group(desk->journal);
    for (size_t i = 0; i < desk->effect_count && more; i++)
        more = desk->effects[i].kind == DESK_TELL;
    if (more && desk->gathers_ns == 0)
        desk->gathers_ns = now;
    more = more && now < desk->gathers_ns + GATHER_MS * DESK_MS;
    if (!more)
        desk->gathers_ns = 0;
    return more;
}
