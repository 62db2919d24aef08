/*
 * Judges the server's answer to an upgrade request: only the answer that RFC 6455, section 4.1,
 * asks for opens the connection; any other becomes a sentence for the operator. Owns nothing.
 */
#include "net/http_head.h"
#include "net/ws_extension.h"
#include "net/ws_handshake.h"
#include "net/ws_http.h"

#include <hawse/types.h>
#include <string.h>

enum { SHOWN = 80 };

/* What a server wrote, made fit for a log line. */
static const char *shown(struct ws_span text, char out[SHOWN + 1])
{
    size_t n = text.len < SHOWN ? text.len : SHOWN;
    for (size_t i = 0; i < n; i++)
        out[i] = text.at[i] >= 0x20 && text.at[i] < 0x7f ? text.at[i] : ' ';
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
    return out;
}

/* A status other than 101: what it was, and what it asks for. */
static int32_t refused_upgrade(struct ws_handshake *hs, const struct ws_http_head *head,
                               struct ws_span body)
{
    char reason[SHOWN + 1], text[SHOWN + 1];
    const char *gap = head->reason.len > 0 ? " " : "";
    int32_t result = head->status == 401 || head->status == 403 ? HAWSE_E_DENIED : HAWSE_E_REMOTE;
    struct ws_span location = head->field[WS_HTTP_LOCATION];
    (void)shown(head->reason, reason);
    if (head->status >= 300 && head->status < 400 && location.at)
        return ws_fail(&hs->failure, result, 0,
                       "HTTP %u%s%.30s instead of an upgrade: moved to %s; redirects are not "
                       "followed",
                       head->status, gap, reason, shown(location, text));
    if (hs->retry_after_ms > 0)
        return ws_fail(&hs->failure, result, 0,
                       "HTTP %u%s%.30s instead of an upgrade; retry after %u s%s%s", head->status,
                       gap, reason, (unsigned)(hs->retry_after_ms / 1000), body.len > 0 ? ": " : "",
                       shown(body, text));
    return ws_fail(&hs->failure, result, 0, "HTTP %u%s%.30s instead of an upgrade%s%s",
                   head->status, gap, reason, body.len > 0 ? ": " : "", shown(body, text));
}

static int32_t refuse(struct ws_handshake *hs, const char *what)
{
    return ws_fail(&hs->failure, HAWSE_E_FORMAT, 0, "%s", what);
}

/* The server may choose one of the subprotocols that were offered, or none. */
static int32_t take_protocol(struct ws_handshake *hs, struct ws_span choice)
{
    struct ws_span list = {hs->protocols, strlen(hs->protocols)}, element;
    char text[SHOWN + 1];
    if (!choice.at)
        return HAWSE_OK;
    while (ws_http_next(&list, &element)) {
        if (element.len == choice.len && memcmp(element.at, choice.at, choice.len) == 0) {
            memcpy(hs->protocol, choice.at, choice.len);
            return HAWSE_OK;
        }
    }
    return ws_fail(&hs->failure, HAWSE_E_FORMAT, 0,
                   "the server chose the subprotocol \"%s\", which was not offered",
                   shown(choice, text));
}

static int32_t take_extensions(struct ws_handshake *hs, struct ws_span choice)
{
    char text[SHOWN + 1];
    if (!choice.at)
        return HAWSE_OK;
    if (!hs->offered_deflate)
        return ws_fail(&hs->failure, HAWSE_E_FORMAT, 0,
                       "the server chose the extension \"%s\"; none was offered",
                       shown(choice, text));
    int32_t result = ws_extension_read(choice.at, choice.len, &hs->deflate, &hs->failure);
    hs->deflate_agreed = result == HAWSE_OK;
    return result;
}

static int32_t judge(struct ws_handshake *hs, const struct ws_http_head *head)
{
    struct ws_span accept = head->field[WS_HTTP_ACCEPT];
    if (head->minor != 1)
        return refuse(hs, "HTTP/1.0 101: only HTTP/1.1 can upgrade");
    if (!ws_span_is(head->field[WS_HTTP_UPGRADE], "websocket"))
        return refuse(hs, head->field[WS_HTTP_UPGRADE].at
                              ? "HTTP 101 that upgrades to something other than \"websocket\""
                              : "HTTP 101 without \"Upgrade: websocket\"");
    if (!head->connection_upgrade)
        return refuse(hs, "HTTP 101 without \"Connection: Upgrade\"");
    if (!accept.at)
        return refuse(hs, "HTTP 101 without Sec-WebSocket-Accept");
    if (accept.len != WS_ACCEPT_TEXT || memcmp(accept.at, hs->accept, WS_ACCEPT_TEXT) != 0)
        return refuse(hs, "Sec-WebSocket-Accept is not the answer to our key: a cache or another "
                          "protocol answered");
    int32_t result = take_protocol(hs, head->field[WS_HTTP_PROTOCOL]);
    return result == HAWSE_OK ? take_extensions(hs, head->field[WS_HTTP_EXTENSIONS]) : result;
}

int32_t ws_handshake_read(struct ws_handshake *hs, const uint8_t *data, size_t len,
                          size_t *consumed)
{
    struct ws_http_head head;
    size_t head_len = 0;
    *consumed = 0;
    int32_t result =
        ws_http_find_end(data, len, WS_HANDSHAKE_MAX, &hs->scanned, &head_len, &hs->failure);
    if (result == HAWSE_OK)
        result = ws_http_read(data, head_len, &head, &hs->failure);
    if (result != HAWSE_OK)
        return result;
    hs->status = head.status;
    hs->retry_after_ms = http_retry_after_ms(head.field[WS_HTTP_RETRY_AFTER]);
    *consumed = head_len;
    if (head.status == 101)
        return judge(hs, &head);
    struct ws_span body = {(const char *)data + head_len, len - head_len};
    return refused_upgrade(hs, &head, body);
}
