/*
 * A stand-in for providers of a chain, because no real node fails on demand: a server on loopback
 * that answers JSON-RPC, over HTTP and WebSocket, as a node of chain 100 would, or misbehaves as it
 * is told, and notes when each request came. A thread for each connection.
 */
#ifndef TESTS_RPC_FAULTY_H
#define TESTS_RPC_FAULTY_H

#include <stdbool.h>
#include <stdint.h>

enum fault_mode {
    MODE_GOOD,
    MODE_REFUSED, /* nobody listens; set by faulty_refuse */
    MODE_RESET,   /* the connection is reset when a request came */
    MODE_500,
    MODE_429,       /* without a time */
    MODE_429_AFTER, /* Retry-After: 2 */
    MODE_GARBAGE,   /* 200, and bytes that are nothing */
    MODE_HTML,      /* 200, and a page */
    MODE_HALF,      /* half of a JSON text, with a fitting length */
    MODE_WRONG_ID,
    MODE_HANG,        /* no answer */
    MODE_STALE,       /* its head stands still at 50 */
    MODE_WRONG_CHAIN, /* chain id 1 */
    MODE_LACKS,       /* -32601 for eth_call */
    MODE_QUOTA,       /* 402 */
    MODE_REVERT,      /* eth_call reverts */
    MODE_INVALID,     /* eth_call has bad params */
    MODE_KNOWN,       /* "already known" */
    MODE_NONCE,       /* "nonce too low" */
    MODE_NULL,        /* null for blocks */
    MODE_SLOW,        /* 100 ms */
    /* legal, each of them, over HTTP: */
    MODE_CHUNKED,     /* in chunks of three bytes, each sent by itself */
    MODE_CLOSES,      /* "Connection: close", and so it does */
    MODE_LEAVES,      /* closes after each answer without having said so */
    MODE_UNTIL_CLOSE, /* an answer without a length, which ends with the connection */
    /* of batches; each request by itself is answered well: */
    MODE_BATCH_REFUSED, /* one error for all */
    MODE_BATCH_LARGE,   /* 413 for more than four */
    MODE_BATCH_PART,    /* the first is left out, the second is an error */
    MODE_NO_PUSH,       /* a WebSocket without subscriptions */
    MODE_COUNT
};

enum { FAULTY_CONNECTIONS = 256, FAULTY_TIMES = 1 << 20 };

struct faulty;

struct faulty *faulty_start(uint64_t head);
void faulty_stop(struct faulty *server);
uint16_t faulty_port(const struct faulty *server);
void faulty_mode(struct faulty *server, enum fault_mode mode);
void faulty_head(struct faulty *server, uint64_t head);
/* Subscriptions to new blocks so far; and tells all that are open of this block, which becomes the
 * head, or sends them this message. */
uint64_t faulty_subscribed(const struct faulty *server);
void faulty_push(struct faulty *server, uint64_t head);
void faulty_note(struct faulty *server, const char *text);
/* Closes the listener and every connection, or opens them again on the same port. */
void faulty_refuse(struct faulty *server, bool refuse);
/* Requests so far, those for chain id and head left out or not. */
uint64_t faulty_count(const struct faulty *server, bool probes_too);
/* Of them, those that came in batches, and how many batches there were. */
uint64_t faulty_batched(const struct faulty *server);
uint64_t faulty_batches(const struct faulty *server);
/* Of all, those that came by the pool's own connections, which offer no compression. */
uint64_t faulty_plain(const struct faulty *server);
/* Of them, those that came over a WebSocket; and how many of those were opened. */
uint64_t faulty_framed(const struct faulty *server);
uint64_t faulty_sockets(const struct faulty *server);
/* The most requests in any sliding second so far. */
uint64_t faulty_worst_second(const struct faulty *server);
const char *faulty_mode_name(enum fault_mode mode);
/* What eth_getBalance answers. */
void faulty_balance(struct faulty *server, uint64_t balance);

#endif
