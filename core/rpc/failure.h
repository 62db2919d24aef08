/*
 * What a failed JSON-RPC answer means, and what may be done about it: asked again or not, here or
 * at another provider, counted against the provider or not. Pure: the same answer gives the same
 * class; nothing is kept, nothing is asked, nothing waits.
 *
 * Decided by method, HTTP status, code and message together. Never by the code alone: nodes and
 * vendors use the same numbers for different things (-32000 is all that some ever send).
 */
#ifndef CORE_RPC_FAILURE_H
#define CORE_RPC_FAILURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May the same provider be asked again? */
enum rpc_again {
    RPC_AGAIN_NO,
    RPC_AGAIN_NEXT_BLOCK, /* after one block */
    RPC_AGAIN_NEW_HEAD,   /* with the head read anew */
    RPC_AGAIN_LATER,      /* when its pause is over: Retry-After, or the answer's own backoff */
    RPC_AGAIN_SPLIT,      /* in smaller parts */
};

/* Does it make sense to ask another one? */
enum rpc_elsewhere {
    RPC_ELSEWHERE_NO,
    RPC_ELSEWHERE_LOOK_UP, /* for the transaction's hash, not for the same request */
    RPC_ELSEWHERE_YES,
};

/* What does it say about the provider? */
enum rpc_blame {
    RPC_BLAME_NONE,
    RPC_BLAME_PAUSE, /* it asks for a pause */
    RPC_BLAME_LAG,   /* it is behind */
    RPC_BLAME_ERROR, /* its breaker counts it */
    RPC_BLAME_OUT,   /* it is out until somebody acts or its quota is renewed: alert */
};

/*
 * Classes: name, again, elsewhere, blame, unsure, what to do. `unsure`: a send that ended so may
 * have been taken all the same; its hash must be looked up before anything else is sent.
 */
#define RPC_CLASSES(X)                                                                           \
    X(ALREADY_KNOWN, NO, NO, NONE, false, "success, once the hash is compared with our own")     \
    X(NONCE_TOO_LOW, NO, LOOK_UP, NONE, false,                                                   \
      "look our hash up everywhere: mined is success, otherwise take the nonce anew")            \
    X(NONCE_TOO_HIGH, NEXT_BLOCK, NO, NONE, false, "a gap: wait, at most 3 times, then fill it") \
    X(REPLACEMENT_UNDERPRICED, NO, NO, NONE, false, "raise both fees")                           \
    X(UNDERPRICED, NO, NO, NONE, false, "set the fee anew")                                      \
    X(INSUFFICIENT_FUNDS, NO, NO, NONE, false,                                                   \
      "stop, and report what is there and what is needed")                                       \
    X(GAS_LIMIT, NO, NO, NONE, false, "stop, and estimate again")                                \
    X(FEE_CAP, NO, YES, NONE, false, "this node's limit of fee * gas: lower it or go elsewhere") \
    X(DELEGATED_INFLIGHT, NEXT_BLOCK, NO, NONE, false,                                           \
      "a delegated account has one transaction under way at a time: wait for it")                \
    X(POOL_FULL, NEXT_BLOCK, YES, NONE, false, "go elsewhere, then raise the fee")               \
    X(REVERT, NO, NO, NONE, false, "the contract refused; certain for this block")               \
    X(REORGED, NEW_HEAD, NO, NONE, false,                                                        \
      "the block left the chain: read the head, then ask again")                                 \
    X(RATE_LIMITED, LATER, YES, PAUSE, false, "pause this provider, go elsewhere now")           \
    X(QUOTA_EXHAUSTED, NO, YES, OUT, false, "this provider is out until its quota is renewed")   \
    X(RANGE_TOO_LARGE, SPLIT, NO, NONE, false, "ask for fewer blocks at a time")                 \
    X(RESPONSE_TOO_LARGE, SPLIT, NO, NONE, false, "ask for less at a time")                      \
    X(MISSING_DATA, NEXT_BLOCK, YES, LAG, false, "go elsewhere, or wait one block")              \
    X(NOT_YET, NO, NO, NONE, false, "a normal answer: there is none yet; never cached")          \
    X(METHOD_UNSUPPORTED, NO, YES, NONE, false, "remember it for this provider and method")      \
    X(INVALID_REQUEST, NO, NO, NONE, false, "our own mistake")                                   \
    X(AUTH, NO, YES, OUT, false, "this provider refuses our key: alert")                         \
    X(TIMEOUT, NO, YES, ERROR, true, "go elsewhere")                                             \
    X(SERVER, NO, YES, ERROR, true, "go elsewhere")

#define RPC_CLASS_ENUM(name, again, elsewhere, blame, unsure, what) RPC_##name,
enum rpc_class { RPC_CLASSES(RPC_CLASS_ENUM) RPC_CLASS_COUNT };

struct rpc_policy {
    const char *name; /* as in metrics and logs */
    enum rpc_again again;
    enum rpc_elsewhere elsewhere;
    enum rpc_blame blame;
    bool unsure;
    const char *what;
};

/* What kind of answer came. */
enum rpc_form {
    RPC_FORM_ERROR,      /* JSON-RPC "error", or a status that is none of success */
    RPC_FORM_NULL,       /* "result": null */
    RPC_FORM_UNREADABLE, /* HTML, half a body, another id, neither result nor error */
    RPC_FORM_TIMEOUT,    /* nothing came in time */
    RPC_FORM_BROKEN,     /* no connection, or it broke */
};

/* An answer that is not a plain result. Views, used during the call only. */
struct rpc_answer {
    enum rpc_form form;
    int http_status; /* 0 = there is none: WebSocket, or nothing came */
    bool has_code;   /* "error" has a code */
    int64_t code;
    const char *method;
    size_t method_len;
    const char *message; /* of "error", as it stands; may be NULL when message_len is 0 */
    size_t message_len;
};

/* [any] The class of an answer. */
enum rpc_class rpc_classify(const struct rpc_answer *answer);

/* [any] What may be done about a class; static. */
const struct rpc_policy *rpc_policy(enum rpc_class class);

/* [any] The pause that an "error" asks for in its data, in milliseconds: backoff_seconds, in data
 * or in data.rate. 0 when it asks for none; at most one hour. `error` is the text of the error
 * object, followed by HAWSE_PADDING readable bytes. The pause of Retry-After is libcurl's to read.
 */
uint32_t rpc_backoff_ms(const uint8_t *error, size_t len);

#endif
