/* See hear.h. */
#include "worker/hear.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 4096 };

/* Each word is read once: a compiler that read one again would see what the worker made of it. */
static void take(struct link_call *to, const struct link_call *from)
{
    const volatile uint64_t *at = (const volatile uint64_t *)(const volatile void *)from;
    uint64_t words[sizeof(*to) / 8];
    _Static_assert(sizeof(words) == sizeof(*to), "whole words");
    for (size_t i = 0; i < sizeof(words) / 8; i++)
        words[i] = at[i];
    memcpy(to, words, sizeof(*to));
}

static bool possible(const struct link_view *view)
{
    if (view->offset == LINK_NOTHING)
        return view->len == 0;
    return view->len <= LINK_SAID_BYTES && view->offset <= LINK_SAID_BYTES - view->len;
}

static bool make_room(struct hearing *hearing, uint64_t bytes)
{
    uint64_t cap = FIRST_CAP;
    if (bytes <= hearing->cap)
        return true;
    while (cap < bytes)
        cap *= 2;
    free(hearing->bytes);
    hearing->bytes = malloc(cap);
    hearing->cap = hearing->bytes ? cap : 0;
    return hearing->bytes != NULL;
}

bool hear_call(struct hearing *hearing, const struct link_control *link, const uint8_t *said,
               struct record_call *call)
{
    struct link_call copy;
    take(&copy, &link->call);
    uint64_t sum = 0, at = 0;
    if (copy.arg_count > RECORD_ARGS || copy.view_count > RECORD_VIEWS)
        return false;
    for (uint32_t i = 0; i < copy.view_count; i++) {
        if (!possible(&copy.views[i]))
            return false;
        sum += record_pad(copy.views[i].len);
    }
    if (!make_room(hearing, sum + 1)) /* a view of no bytes is somewhere too */
        return false;
    *call = (struct record_call){
        .call = copy.call, .arg_count = copy.arg_count, .view_count = copy.view_count};
    memcpy(call->args, copy.args, copy.arg_count * sizeof(copy.args[0]));
    for (uint32_t i = 0; i < copy.view_count; i++) {
        const struct link_view *view = &copy.views[i];
        uint8_t *to = hearing->bytes + at;
        call->views[i] =
            (hawse_view_t){.data = view->offset == LINK_NOTHING ? NULL : to, .len = view->len};
        if (view->len > 0)
            memcpy(to, said + view->offset, view->len);
        at += record_pad(view->len);
    }
    return true;
}

void hear_finish(struct hearing *hearing)
{
    free(hearing->bytes);
    *hearing = (struct hearing){NULL, 0};
}
