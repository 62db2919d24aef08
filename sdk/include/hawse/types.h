/*
 * Plain types shared by every public header: views, handles, 256-bit words, error codes.
 *
 * Everything here crosses the boundary between host and plugin, so nothing here may ever change:
 * only fixed-width integers, explicit padding, little-endian 64-bit machines.
 */
#ifndef HAWSE_TYPES_H
#define HAWSE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that belong to somebody else. Valid as long as the function that hands them out says,
 * otherwise until the callback or call returns. Text is UTF-8 and not NUL-terminated. */
typedef struct hawse_view {
    const uint8_t *data;
    uint64_t len;
} hawse_view_t;

/* Handles are {index, generation} in one number: never a pointer, never reused while stale ones can
 * exist. 0 is never a valid handle. A stale handle gives HAWSE_E_STALE. */
typedef uint64_t hawse_instance_t; /* one configured use of a plugin */
typedef uint64_t hawse_stream_t;   /* one WebSocket connection, owned by the host */
typedef uint64_t hawse_channel_t;  /* one upstream subscription on a stream */
typedef uint64_t hawse_timer_t;
typedef uint64_t hawse_sub_t;     /* one subscription to another instance's events */
typedef uint64_t hawse_request_t; /* one JSON-RPC or HTTP request under way */
typedef uint64_t hawse_metric_t;
typedef uint64_t hawse_command_t; /* one call of a verb by an operator, under way */

/* 256-bit word, least significant limb first. Signed quantities are two's complement. */
typedef struct hawse_u256 {
    uint64_t limb[4];
} hawse_u256_t;

/*
 * Every error of the ABI: code, name, meaning. Codes are never reused; unknown ones are legal and
 * mean failure. Functions return 0 or a positive count on success.
 */
#define HAWSE_ERRORS(X)                                                          \
    X(-1, INVAL, "an argument is outside its documented range")                  \
    X(-2, NOMEM, "memory could not be had")                                      \
    X(-3, NOSPACE, "the caller's buffer or the event arena is too small")        \
    X(-4, AGAIN, "not now: a queue is full; take less and come back")            \
    X(-5, STALE, "the handle names something that is gone")                      \
    X(-6, DENIED, "the operator's configuration does not grant this")            \
    X(-7, NOTFOUND, "no such name, key or endpoint")                             \
    X(-8, EXISTS, "that name or key is taken")                                   \
    X(-9, STATE, "not legal in this state or on this thread")                    \
    X(-10, LIMIT, "a quota is used up")                                          \
    X(-11, FORMAT, "the bytes are not what the format demands")                  \
    X(-12, RANGE, "a number does not fit")                                       \
    X(-13, TIMEOUT, "no answer in time")                                         \
    X(-14, IO, "the network or the disk failed")                                 \
    X(-15, UNSUPPORTED, "this host or peer does not offer that")                 \
    X(-16, UNKNOWN, "the outcome is not known; reconcile, never resend blindly") \
    X(-17, CANCELED, "canceled before it was done")                              \
    X(-18, REMOTE, "the other side answered with an error")                      \
    X(-19, INTERNAL, "a fault of the host")

#define HAWSE_ERROR_ENUM(code, name, meaning) HAWSE_E_##name = (code),
enum { HAWSE_OK = 0, HAWSE_ERRORS(HAWSE_ERROR_ENUM) HAWSE_E_END = INT32_MIN };

/* Is `field` inside the part of *p that its maker filled in? For structs that begin with `size`. */
#define HAWSE_HAS(p, field) ((p)->size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

#ifdef __cplusplus
}
#endif
#endif
