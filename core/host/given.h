/*
 * Structs that plugins hand over, which begin with `size`: those of a plugin that was built for an
 * earlier 1.x are shorter than today's and as good. What they do not have is 0, which means what
 * was before (sdk/abi/policy.md).
 */
#ifndef CORE_HOST_GIVEN_H
#define CORE_HOST_GIVEN_H

#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/http.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <stddef.h>
#include <string.h>

/* Sizes of ABI 1.0, by its last field: they stay when more is appended. */
#define GIVEN_UP_TO(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))
enum {
    GIVEN_EVENT = GIVEN_UP_TO(hawse_event_t, len),
    GIVEN_SUB_SPEC = GIVEN_UP_TO(hawse_sub_spec_t, filter),
    GIVEN_STREAM_SPEC = GIVEN_UP_TO(hawse_stream_spec_t, idle_ns),
    GIVEN_RPC_CALL = GIVEN_UP_TO(hawse_rpc_call_t, max_response),
    GIVEN_ALERT = GIVEN_UP_TO(hawse_alert_t, fields),
    GIVEN_COMMAND_SPEC = GIVEN_UP_TO(hawse_command_spec_t, tag),
    GIVEN_COMMAND_RESULT = GIVEN_UP_TO(hawse_command_result_t, text),
    GIVEN_HTTP_CALL = GIVEN_UP_TO(hawse_http_call_t, max_response),
};

/* `theirs` when it has `today` bytes, else what it has of them in `own`, behind which are zeroes.
 * NULL when it is NULL or has less than `first`. Costs one comparison where both are of one time.
 */
static inline const void *given(const void *theirs, void *own, uint32_t today, uint32_t first)
{
    uint32_t size = 0;
    if (theirs)
        memcpy(&size, theirs, sizeof(size));
    if (__builtin_expect(size >= today, 1))
        return theirs;
    if (size < first)
        return NULL;
    memset(own, 0, today);
    memcpy(own, theirs, size);
    return own;
}

/* For `type *`: GIVEN(theirs, &own, FIRST). */
#define GIVEN(theirs, own, first) given((theirs), (own), (uint32_t)sizeof(*(own)), (first))

#endif
