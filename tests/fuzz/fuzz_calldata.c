/*
 * Calldata of plugins: any bytes have a kind or an error, and calls inside of it lie in it.
 */
#include "risk/calldata.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

struct walk {
    hawse_view_t outer;
    unsigned depth, count;
};

static void look(hawse_view_t data, unsigned depth, unsigned *count);

static bool inner(void *ctx, const struct calldata_call *call)
{
    struct walk *w = ctx;
    require(call->data.len == 0 ||
            (call->data.data >= w->outer.data &&
             call->data.data + call->data.len <= w->outer.data + w->outer.len));
    look(call->data, w->depth + 1, &w->count);
    return w->count < 2000;
}

static void look(hawse_view_t data, unsigned depth, unsigned *count)
{
    static const uint8_t outer[20] = {7};
    struct calldata d;
    int32_t code = calldata_read(data, &d);
    require(code == HAWSE_OK || code == HAWSE_E_FORMAT);
    ++*count;
    if (code != HAWSE_OK || d.kind != CALLDATA_NEST || depth > 4)
        return;
    require(d.name != NULL);
    struct walk w = {data, depth, *count};
    code = calldata_inner(data, outer, inner, &w);
    *count = w.count;
    require(code == HAWSE_OK || code == HAWSE_E_FORMAT || code == HAWSE_E_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned count = 0;
    uint8_t *copy = malloc(size + 1); /* exactly its length for a sanitizer */
    if (size > 0)
        memcpy(copy, data, size);
    look((hawse_view_t){copy, size}, 0, &count);
    free(copy);
    return 0;
}
