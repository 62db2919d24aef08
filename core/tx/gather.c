/*
 * When a group of the journal is closed. A commit waits for the disk, and takes longer than all
 * else that happens between a simulation and the bytes that are sent. While the signature of a
 * transaction is being made, what was decided before stays in the group, and goes onto the disk
 * together with the signed bytes: what is sent waits for one commit, not for two.
 *
 * Nothing leaves earlier than it would have: words to plugins wait as well, and whatever else is to
 * leave closes the group at once. A signature that takes its time (a key in another process) is not
 * waited for.
 */
#include "tx/desk_private.h"

enum { GATHER_MS = 2 };

bool desk_gathers(struct desk *desk)
{
    uint64_t now = loop_clock();
    bool more = !desk->failed && desk->signing_now > 0 && journal_in_group(desk->journal);
    for (size_t i = 0; i < desk->effect_count && more; i++)
        more = desk->effects[i].kind == DESK_TELL;
    if (more && desk->gathers_ns == 0)
        desk->gathers_ns = now;
    more = more && now < desk->gathers_ns + GATHER_MS * DESK_MS;
    if (!more)
        desk->gathers_ns = 0;
    return more;
}
