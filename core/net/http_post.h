/*
 * One POST after the other over a connection that stays, as HTTP/1.1 (RFC 9112) has it: the head of
 * the request, and the answer as it arrives in pieces. Takes the plain case alone: a length or
 * chunks, no compression, no interim answers. All else is refused, not guessed, and whoever asks
 * has another way. Pure; must never take one answer's bytes for another's.
 */
#ifndef CORE_NET_HTTP_POST_H
#define CORE_NET_HTTP_POST_H

#include "net/http_head.h"

enum { HTTP_POST_HEAD_MAX = 16 << 10 }; /* bytes of an answer's head */

/* Writes the head of a POST of JSON up to "Content-Length: ", which is the same for each request
 * to that URL; a number, an empty line and the body follow. HAWSE_E_INVAL, HAWSE_E_NOSPACE. */
int32_t http_post_head(const char *url, const struct config_header *headers, size_t count,
                       char *out, size_t cap, size_t *len, struct ws_failure *failure);

/* An answer that arrives; zero it before the first byte. */
struct http_answer {
    size_t scanned, head_len;
    size_t left;  /* bytes of the chunk that have not come */
    uint8_t part; /* of the chunks: see http_post.c */
    bool headed, chunked;
    /* Once HAWSE_OK: the body is the `body_len` bytes behind the head. */
    size_t body_len;
    unsigned status;
    uint32_t retry_after_ms;
    bool stays; /* the connection may be used again */
};

/* `data`: the *len bytes that have come, from the first one. Chunks are put together in place,
 * which lessens *len: what comes next is put behind that. HAWSE_OK: the answer is whole; what
 * stands behind its body is not of it. HAWSE_E_AGAIN: more is needed; HAWSE_E_LIMIT: the body is,
 * or says that it is, above `limit`; HAWSE_E_UNSUPPORTED: legal, and not the plain case;
 * HAWSE_E_FORMAT: not HTTP. */
int32_t http_answer_read(struct http_answer *answer, uint8_t *data, size_t *len, size_t limit,
                         struct ws_failure *failure);

#endif
