/*
 * Records: what crosses the boundary between the host and its plugins, as bytes. One callback is a
 * BEGIN, its events, the calls of the host that the plugin made meanwhile with what they answered,
 * and an END. Callbacks of one lane never overlap.
 *
 * Inputs of a plugin: BEGIN (with the clock), events, and `code` and `result` of calls.
 * Outputs: everything else of a call, and the result of END.
 */
#ifndef CORE_RECORD_RECORD_H
#define CORE_RECORD_RECORD_H

#include <hawse/hawse.h>
#include <stdbool.h>

enum record_kind {
    RECORD_INSTANCE = 1, /* record_instance, then text: an instance as JSON */
    RECORD_BEGIN = 2,    /* record_begin */
    RECORD_EVENT = 3,    /* hawse_event_t without its pointer, then the data */
    RECORD_REF = 4,      /* record_ref: events that PUBLISH calls hold */
    RECORD_CALL = 5,     /* record_call_head, args, lengths of views, views */
    RECORD_END = 6,      /* record_end */
    RECORD_LOSS = 7,     /* record_loss: callbacks that are not in here */
};

/* RESERVE, which is only recorded when it fails, has the number of those that did not fail since
 * the call before it: args are {len, number}. */

/* Every record begins with this and is a multiple of 8 long. */
struct record_head {
    uint32_t len; /* of the whole record */
    uint16_t kind;
    uint16_t instance; /* slot of the instance; its number as a source is one more */
};

struct record_instance {
    struct record_head head;
    uint64_t handle;
    uint64_t text_len;
};

struct record_begin {
    struct record_head head;
    uint64_t now_ns, utc_ns; /* what now() says throughout the callback */
    uint64_t argument;       /* stop: the deadline */
    uint32_t callback;       /* enum record_callback */
    uint32_t events;
};

struct record_ref {
    struct record_head head;
    uint32_t source, stream;
    uint64_t seq;   /* of the first */
    uint32_t count; /* with consecutive numbers */
    uint32_t reserved;
};

struct record_call_head {
    struct record_head head;
    uint16_t call; /* enum record_call_kind */
    uint8_t arg_count, view_count;
    int32_t code;
    uint64_t result; /* handle, number, sequence number: what the call handed out */
};

struct record_end {
    struct record_head head;
    int32_t result;
    uint32_t flags; /* RECORD_ABANDONED */
    uint64_t elapsed_ns;
};

struct record_loss {
    struct record_head head;
    uint64_t callbacks, events;
    uint64_t first_ns, last_ns;
};

#define RECORD_ABANDONED 1u /* it never returned */

/* Callbacks; numbers of the format, never reused. */
enum record_callback {
    RECORD_CREATE = 1,
    RECORD_START = 2,
    RECORD_EVENTS = 3,
    RECORD_STOP = 4,
    RECORD_DESTROY = 5,
    RECORD_SAVE = 6,    /* of its state, to hand it over to another build */
    RECORD_RESTORE = 7, /* instead of create and start: its one event's data is the state */
};

/* Calls of the host; numbers of the format, never reused. X(number, NAME, "what it does") */
#define RECORD_CALLS(X)                                  \
    X(1, QUERY, "asks for a service")                    \
    X(2, LOG, "logs")                                    \
    X(3, ERROR, "states an error")                       \
    X(4, POST, "posts to itself")                        \
    X(5, LINK, "asks for a link")                        \
    X(6, SPACE, "asks for an event space")               \
    X(7, SUBSCRIBE, "subscribes")                        \
    X(8, UNSUBSCRIBE, "ends a subscription")             \
    X(9, RESERVE, "asks for room in the arena in vain")  \
    X(10, PUBLISH, "publishes")                          \
    X(11, STREAM_OPEN, "opens a stream")                 \
    X(12, STREAM_SEND, "sends on a stream")              \
    X(13, STREAM_RECONNECT, "reconnects a stream")       \
    X(14, STREAM_CLOSE, "closes a stream")               \
    X(15, CHANNEL, "declares a channel")                 \
    X(16, CHANNEL_TOUCH, "counts messages of a channel") \
    X(17, CHANNEL_STATE, "sets the state of a channel")  \
    X(18, TIMER_SET, "sets a timer")                     \
    X(19, TIMER_CANCEL, "ends a timer")                  \
    X(20, RPC_CALL, "calls a method")                    \
    X(21, RPC_CANCEL, "cancels a call")                  \
    X(22, HTTP_CALL, "sends an HTTP request")            \
    X(23, HTTP_CANCEL, "cancels an HTTP request")        \
    X(24, METRIC_DECLARE, "declares a metric")           \
    X(25, METRIC_ADD, "adds to a metric")                \
    X(26, METRIC_SET, "sets a metric")                   \
    X(27, FEATURE, "asks whether a feature is on")       \
    X(28, SIGN_HTTP, "sends a request with a login")     \
    X(29, SIGN_SEND, "sends a login on a stream")        \
    X(30, SIGN_NAMES, "asks whether a login is named")   \
    X(31, SIGN_LOGIN, "logs in")                         \
    X(32, INTENT_PROPOSE, "proposes an intent")          \
    X(33, INTENT_CANCEL, "cancels an intent")            \
    X(34, INTENT_LOOK_UP, "asks for an intent's state")  \
    X(35, COMMAND_ADD, "offers a verb")                  \
    X(36, COMMAND_PRINT, "prints for an operator")       \
    X(37, COMMAND_END, "answers an operator")            \
    X(38, ALERT_RAISE, "raises an alert")                \
    X(39, ALERT_CLEAR, "clears an alert")                \
    X(40, STORE_OPEN, "asks for what is kept")           \
    X(41, STORE_PUT, "has a value kept")

#define RECORD_CALL_ENUM(number, name, what) CALL_##name = (number),
enum record_call_kind { RECORD_CALLS(RECORD_CALL_ENUM) CALL_KINDS };

enum { RECORD_ARGS = 12, RECORD_VIEWS = 6 };

/* A call of the host: as a plugin made it, and what it was answered. */
struct record_call {
    uint16_t call;
    uint8_t arg_count, view_count;
    int32_t code;
    uint64_t result;
    uint64_t args[RECORD_ARGS];
    hawse_view_t views[RECORD_VIEWS];
};

_Static_assert(sizeof(struct record_head) == 8, "no hidden padding");
_Static_assert(sizeof(struct record_instance) == 24, "no hidden padding");
_Static_assert(sizeof(struct record_begin) == 40, "no hidden padding");
_Static_assert(sizeof(struct record_ref) == 32, "no hidden padding");
_Static_assert(sizeof(struct record_call_head) == 24, "no hidden padding");
_Static_assert(sizeof(struct record_end) == 24, "no hidden padding");
_Static_assert(sizeof(struct record_loss) == 40, "no hidden padding");
_Static_assert(sizeof(hawse_event_t) == 72, "the ABI's event header");

static inline uint64_t record_pad(uint64_t len)
{
    return (len + 7u) & ~(uint64_t)7u;
}

/* The event that a PUBLISH call holds, as its readers saw it. */
void record_published(const struct record_call *call, uint16_t instance, hawse_event_t *event);
/* The arguments of a PUBLISH call: the publisher's header without what the host sets. */
static inline void record_publish_args(struct record_call *call, const hawse_event_t *event)
{
    hawse_event_t copy = *event;
    copy.size = sizeof(copy);
    copy.source = 0;
    copy.seq = 0;
    copy.data = NULL;
    __builtin_memcpy(call->args, &copy, sizeof(copy));
    call->arg_count = sizeof(copy) / 8;
    call->views[0] = (hawse_view_t){.data = event->data, .len = event->len};
    call->view_count = 1;
}

const char *record_call_words(uint16_t call); /* "publishes" */
const char *record_callback_name(uint32_t callback);

/* ---- reading; every length is checked, so that any bytes may be given ---- */

/* The record at *at, which moves on behind it. NULL at the end, or, with *bad, when the bytes are
 * no record. */
const struct record_head *record_next(const uint8_t *bytes, size_t len, size_t *at, bool *bad);
bool record_read_call(const struct record_head *head, struct record_call *call);
bool record_read_event(const struct record_head *head, hawse_event_t *event);
bool record_read_instance(const struct record_head *head, uint64_t *handle, hawse_view_t *text);
/* Records of fixed size: NULL when it is not one of that kind and size. */
const void *record_read_fixed(const struct record_head *head, uint16_t kind, size_t size);

#endif
