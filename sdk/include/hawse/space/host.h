/*
 * Event space 1, "host/1": what the host tells one instance. Never routed to others.
 *
 * Sequence and key: event.key holds the handle concerned (timer, stream, channel, request, sub).
 */
#ifndef HAWSE_SPACE_HOST_H
#define HAWSE_SPACE_HOST_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_HOST_TIMER        1u  /* hawse_host_timer_t */
#define HAWSE_HOST_POST         2u  /* hawse_host_post_t */
#define HAWSE_HOST_FRAME        3u  /* data = one whole message, as it came; see below */
#define HAWSE_HOST_STREAM_STATE 4u  /* hawse_host_stream_state_t */
#define HAWSE_HOST_CHANNEL_IDLE 5u  /* hawse_host_channel_idle_t */
#define HAWSE_HOST_RPC_DONE     6u  /* hawse_host_rpc_done_t, then the body */
#define HAWSE_HOST_DEMAND       7u  /* hawse_host_demand_t, then the filter */
#define HAWSE_HOST_HTTP_DONE    8u  /* hawse_host_http_done_t, then the body */
#define HAWSE_HOST_COMMAND      9u  /* hawse_host_command_t, then the name, then the arguments */
#define HAWSE_HOST_COMMAND_GONE 10u /* hawse_host_command_gone_t */
#define HAWSE_HOST_KEPT         11u /* hawse_host_kept_t, then the key, then the value */

/*
 * A frame is a whole WebSocket message. event.key is the stream's handle, event.epoch counts the
 * connections of the stream, event.seq the messages of this connection, t_recv_ns is when its bytes
 * left the socket. data is the payload in the receive buffer, HAWSE_PADDING readable bytes follow.
 * Text has been checked to be UTF-8 unless the configuration turned that off.
 */
#define HAWSE_FRAME_BINARY 0x100u /* in event.flags: a binary message; otherwise text */

typedef struct hawse_host_timer {
    uint32_t size;
    uint32_t missed; /* periods that passed unseen since the last firing */
    uint64_t timer;  /* hawse_timer_t */
    uint64_t tag;
} hawse_host_timer_t;

typedef struct hawse_host_post {
    uint32_t size;
    uint32_t reserved;
    uint64_t token;
} hawse_host_post_t;

/* Values of state */
#define HAWSE_STREAM_CONNECTING 1u
#define HAWSE_STREAM_OPEN       2u /* upgraded; frames follow */
#define HAWSE_STREAM_CLOSED     3u /* lost or ended; a new attempt follows after retry_ms */

typedef struct hawse_host_stream_state {
    uint32_t size;
    uint32_t state;      /* HAWSE_STREAM_... */
    uint64_t stream;     /* hawse_stream_t */
    uint32_t attempt;    /* attempts since it was last open */
    uint32_t close_code; /* RFC 6455 section 7.4; 1006 = without a close frame; 0 = not closed */
    uint64_t retry_ms;   /* until the next attempt; meaningful when CLOSED */
    int32_t error;       /* HAWSE_E_... when CLOSED by a failure */
    uint32_t text_len;   /* bytes of UTF-8 text after the record: why */
} hawse_host_stream_state_t;

typedef struct hawse_host_channel_idle {
    uint32_t size;
    uint32_t reserved;
    uint64_t stream;  /* hawse_stream_t */
    uint64_t channel; /* hawse_channel_t */
    uint64_t idle_ns; /* time since it was last touched */
} hawse_host_channel_idle_t;

/*
 * How a request ended. status 0: the body is the text of "result". HAWSE_E_REMOTE: the server sent
 * "error", the body is the error object's text and rpc_code its code. Else the transport failed
 * (HAWSE_E_UNKNOWN: a method that sends something may have been done), the body is a reason in
 * words. Other values of HTTP than 200 come with their status.
 */
typedef struct hawse_host_rpc_done {
    uint32_t size;
    int32_t status;          /* 0 or HAWSE_E_... */
    uint64_t request;        /* hawse_request_t */
    uint64_t tag;            /* from the call */
    uint32_t http_status;    /* 0 = no answer */
    uint32_t retry_after_ms; /* what the server asked for; 0 = nothing */
    int64_t rpc_code;        /* JSON-RPC error code; 0 = none */
    uint64_t elapsed_ns;
    uint64_t body_len; /* bytes after the record; HAWSE_PADDING readable bytes follow them */
} hawse_host_rpc_done_t;

/*
 * How an HTTP request ended. status 0: the server answered with 2xx and the body is its body.
 * HAWSE_E_REMOTE: it answered with another status, redirects included, and the body is its body.
 * HAWSE_E_UNKNOWN: a request that was no GET or HEAD may have reached the server, but its answer
 * did not come whole: whether it was done is to be found out, never asked again blindly. Else
 * nothing came of it (HAWSE_E_TIMEOUT, HAWSE_E_IO) or the answer was above the limit of the call
 * (HAWSE_E_LIMIT). With every status but 0 and HAWSE_E_REMOTE the body is a reason in words.
 */
typedef struct hawse_host_http_done {
    uint32_t size;
    int32_t status;          /* 0 or HAWSE_E_... */
    uint64_t request;        /* hawse_request_t */
    uint64_t tag;            /* from the call */
    uint32_t http_status;    /* 0 = no answer */
    uint32_t retry_after_ms; /* what the server asked for; 0 = nothing */
    uint64_t elapsed_ns;
    uint64_t body_len; /* bytes after the record; HAWSE_PADDING readable bytes follow them */
} hawse_host_http_done_t;

/*
 * Somebody subscribed to this instance with a filter, or stopped. Comes before start for those that
 * subscribed earlier. Equal filters of several subscribers come several times.
 */
#define HAWSE_DEMAND_ADD  1u
#define HAWSE_DEMAND_DROP 2u

typedef struct hawse_host_demand {
    uint32_t size;
    uint32_t change; /* HAWSE_DEMAND_... */
    uint64_t sub;    /* names this demand in the later DROP */
    uint64_t key;    /* as in the subscription; meaningful when keyed */
    uint16_t space;
    uint16_t kind;       /* 0 = every kind */
    uint32_t keyed;      /* 1 = only this key is wanted */
    uint32_t subscriber; /* number of the subscribing instance */
    uint32_t filter_len; /* bytes after the record */
} hawse_host_demand_t;

/* An operator calls a verb: see hawse/service/command.h. */
typedef struct hawse_host_command {
    uint32_t size;
    uint32_t flags;       /* 0 */
    uint64_t command;     /* hawse_command_t: of this call, until it has ended */
    uint64_t tag;         /* of the verb */
    uint64_t deadline_ns; /* monotonic: when the host ends the call by itself */
    uint32_t name_len;    /* bytes of the verb's name after the record */
    uint32_t args_len;    /* bytes of JSON after the name: an object that keeps the verb's schema;
                             HAWSE_PADDING readable bytes follow them */
} hawse_host_command_t;

/* The host has ended a call that was not answered: nobody waits for it any more. What the verb has
 * begun goes on, unless the plugin takes it back. */
typedef struct hawse_host_command_gone {
    uint32_t size;
    int32_t reason;   /* HAWSE_E_TIMEOUT: its deadline; HAWSE_E_CANCELED: whoever called */
    uint64_t command; /* hawse_command_t; stale */
    uint64_t tag;
} hawse_host_command_gone_t;

#define HAWSE_KEPT_LAST 0x1u /* no more comes; key and value are empty */

/* What an instance put into hawse.store/1, in this run or an earlier one. */
typedef struct hawse_host_kept {
    uint32_t size;
    uint32_t flags;     /* HAWSE_KEPT_... */
    uint32_t key_len;   /* bytes after this structure */
    uint32_t value_len; /* bytes after the key; HAWSE_PADDING readable bytes follow them */
} hawse_host_kept_t;

#ifdef __cplusplus
}
#endif
#endif
