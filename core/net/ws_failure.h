/*
 * How the WebSocket code reports that a connection must be failed: a result for the host, the close
 * code for the peer, a sentence for the operator. Owns nothing.
 */
#ifndef HAWSE_CORE_NET_WS_FAILURE_H
#define HAWSE_CORE_NET_WS_FAILURE_H

#include <stdint.h>

enum { WS_FAILURE_TEXT = 192 };

/* Close codes (RFC 6455, section 7.4) that the host itself sends or reports. */
enum {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_NO_STATUS = 1005, /* never on the wire: the close frame was empty */
    WS_CLOSE_BAD_PAYLOAD = 1007,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
};

/* Owner: whoever embeds it. result HAWSE_OK means that nothing failed. */
struct ws_failure {
    int32_t result;      /* HAWSE_E_FORMAT, HAWSE_E_LIMIT, HAWSE_E_NOMEM */
    uint16_t close_code; /* what the close frame to the peer should say */
    char text[WS_FAILURE_TEXT];
};

/* Fills *failure; the text is cut at its size. Returns `result`. */
int32_t ws_fail(struct ws_failure *failure, int32_t result, uint16_t close_code, const char *format,
                ...) __attribute__((format(printf, 4, 5), cold));

#endif
