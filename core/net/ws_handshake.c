/* The opening handshake; see ws_handshake.h. Everything is bounded by the answer's size limit. */
#include "net/ws_handshake.h"

#include <ctype.h>
#include <hawse/types.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */

/* ---- the request ---- */

struct writer {
    uint8_t *out;
    size_t len, cap;
    bool full, dirty;
};

/* Appends text that must not break the head into other lines. */
static void put(struct writer *w, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        w->dirty = w->dirty || c == '\r' || c == '\n' || c == '\0';
    }
    if (w->len + n > w->cap) {
        w->full = true;
        return;
    }
    memcpy(w->out + w->len, text, n);
    w->len += n;
}

static void puts_(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void end_line(struct writer *w)
{
    bool dirty = w->dirty; /* our own line end is none that was smuggled in */
    put(w, "\r\n", 2);
    w->dirty = dirty;
}

static void header(struct writer *w, const char *name, const char *value)
{
    puts_(w, name);
    puts_(w, ": ");
    puts_(w, value);
    end_line(w);
}

/* Host with port (without the scheme's own) and path with query. */
static void split_url(const char *url, char *host, size_t cap, const char **path)
{
    const char *start = strstr(url, "://") + 3;
    size_t end = strcspn(start, "/?#");
    for (size_t i = 0; i < end; i++) {
        if (start[i] == '@') {
            start += i + 1;
            end -= i + 1;
            i = 0;
        }
    }
    *path = start + end;
    const char *own = strncmp(url, "wss", 3) == 0 ? ":443" : ":80";
    size_t n = strlen(own);
    if (end > n && memcmp(start + end - n, own, n) == 0)
        end -= n;
    (void)snprintf(host, cap, "%.*s", (int)end, start);
}

static bool make_keys(struct ws_handshake *hs, const uint8_t *key, char text[25])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char joined[64];
    (void)EVP_EncodeBlock((unsigned char *)text, key, WS_KEY_BYTES);
    (void)snprintf(joined, sizeof(joined), "%s%s", text, GUID);
    if (EVP_Digest(joined, strlen(joined), hash, &n, EVP_sha1(), NULL) != 1 || n != 20)
        return false;
    (void)EVP_EncodeBlock((unsigned char *)hs->accept, hash, 20);
    return true;
}

int32_t ws_handshake_begin(struct ws_handshake *hs, const struct ws_handshake_options *o,
                           uint8_t *out, size_t cap, size_t *len)
{
    struct writer w = {.out = out, .cap = cap};
    char host[300], key[25];
    const char *path = NULL;
    memset(hs, 0, sizeof(*hs));
    if (!strstr(o->url, "://") || !make_keys(hs, o->key, key))
        return ws_fail(&hs->failure, HAWSE_E_INVAL, 0, "the upgrade could not be prepared");
    split_url(o->url, host, sizeof(host), &path);
    puts_(&w, path[0] == '/' ? "GET " : "GET /");
    put(&w, path, strcspn(path, "#"));
    puts_(&w, " HTTP/1.1");
    if (memchr(path, ' ', strlen(path)))
        w.dirty = true;
    end_line(&w);
    header(&w, "Host", host);
    header(&w, "Upgrade", "websocket");
    header(&w, "Connection", "Upgrade");
    header(&w, "Sec-WebSocket-Key", key);
    header(&w, "Sec-WebSocket-Version", "13");
    if (o->protocols) {
        (void)snprintf(hs->protocols, sizeof(hs->protocols), "%s", o->protocols);
        header(&w, "Sec-WebSocket-Protocol", o->protocols);
    }
    hs->offered_deflate = o->offer_deflate;
    if (o->offer_deflate)
        header(&w, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    for (size_t i = 0; i < o->header_count; i++)
        header(&w, o->headers[i].name, o->headers[i].value);
    end_line(&w);
    *len = w.len;
    if (w.dirty)
        return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                       "the URL or a header holds a space, line break or NUL");
    if (w.full)
        return ws_fail(&hs->failure, HAWSE_E_NOSPACE, 0, "the upgrade request is above %zu bytes",
                       cap);
    return HAWSE_OK;
}

/* ---- the answer ---- */

struct head {
    const char *upgrade, *connection, *accept, *protocol, *extensions, *location, *retry_after;
};

static int32_t refuse(struct ws_handshake *hs, const char *what)
{
    return ws_fail(&hs->failure, HAWSE_E_FORMAT, 0, "%s", what);
}

/* Is `token` one of the comma-separated words, whatever their case? */
static bool has_token(const char *list, const char *token)
{
    size_t n = strlen(token);
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t len = strcspn(list, " \t,");
        if (len == n && strncasecmp(list, token, n) == 0)
            return true;
        list += len;
    }
    return false;
}

static int32_t keep(struct ws_handshake *hs, const char **slot, const char *name, const char *value)
{
    if (*slot)
        return ws_fail(&hs->failure, HAWSE_E_FORMAT, 0, "the answer has two %s headers", name);
    *slot = value;
    return HAWSE_OK;
}

static bool name_char(unsigned char c)
{
    return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static int32_t take_header(struct ws_handshake *hs, struct head *h, char *line)
{
    char *colon = strchr(line, ':');
    if (line[0] == ' ' || line[0] == '\t')
        return refuse(hs, "the answer folds a header over lines, which RFC 9112 forbids");
    if (!colon || colon == line)
        return refuse(hs, "the answer has a header line without a name or colon");
    for (const char *c = line; c < colon; c++) {
        if (!name_char((unsigned char)*c))
            return refuse(hs, "the answer has an illegal character in a header's name");
    }
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t n = strlen(value);
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        value[--n] = '\0';
    const struct {
        const char *name;
        const char **slot;
    } wanted[] = {
        {"Upgrade", &h->upgrade},
        {"Connection", &h->connection},
        {"Sec-WebSocket-Accept", &h->accept},
        {"Sec-WebSocket-Protocol", &h->protocol},
        {"Sec-WebSocket-Extensions", &h->extensions},
        {"Location", &h->location},
        {"Retry-After", &h->retry_after},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (strcasecmp(line, wanted[i].name) == 0)
            return keep(hs, wanted[i].slot, wanted[i].name, value);
    }
    return HAWSE_OK;
}

/* "permessage-deflate; a; b=9": exactly this extension, exactly the parameters it may have. */
static int32_t take_extensions(struct ws_handshake *hs, char *text)
{
    char *save = NULL;
    char *word = strtok_r(text, ";", &save);
    hs->deflate = (struct ws_deflate_agreed){.server_window_bits = 15, .client_window_bits = 15};
    if (!hs->offered_deflate || strchr(text, ',') || !word ||
        !has_token(word, "permessage-deflate"))
        return refuse(hs, "the server chose an extension that was not offered");
    while ((word = strtok_r(NULL, ";", &save)) != NULL) {
        word += strspn(word, " \t");
        char *equals = strchr(word, '=');
        long bits = equals ? strtol(equals + 1 + (equals[1] == '"'), NULL, 10) : 0;
        size_t n = equals ? (size_t)(equals - word) : strcspn(word, " \t");
        bool good_bits = bits >= WS_WINDOW_BITS_MIN && bits <= WS_WINDOW_BITS_MAX;
        if (n == 26 && strncasecmp(word, "server_no_context_takeover", n) == 0 && !equals)
            hs->deflate.server_no_context_takeover = true;
        else if (n == 26 && strncasecmp(word, "client_no_context_takeover", n) == 0 && !equals)
            hs->deflate.client_no_context_takeover = true;
        else if (n == 22 && strncasecmp(word, "server_max_window_bits", n) == 0 && good_bits)
            hs->deflate.server_window_bits = (uint8_t)bits;
        else if (n == 22 && strncasecmp(word, "client_max_window_bits", n) == 0 && good_bits)
            hs->deflate.client_window_bits = (uint8_t)bits;
        else
            return refuse(hs, "the server's permessage-deflate has a parameter that is not legal");
    }
    hs->deflate_agreed = true;
    return HAWSE_OK;
}

/* An answer other than 101: what it was, and what it asks for. */
static int32_t refused_upgrade(struct ws_handshake *hs, long status, const char *reason,
                               const struct head *h, const char *body, size_t body_len)
{
    char shown[81] = "";
    size_t n = 0;
    for (size_t i = 0; i < body_len && n < 80; i++)
        shown[n++] = body[i] >= 0x20 && body[i] < 0x7f ? body[i] : ' ';
    shown[n] = '\0';
    if (h->retry_after) {
        char *end = NULL;
        unsigned long seconds = strtoul(h->retry_after, &end, 10);
        if (end != h->retry_after && *end == '\0' && seconds <= 86400)
            hs->retry_after_ms = seconds * 1000u;
    }
    int32_t code = status == 401 || status == 403 ? HAWSE_E_DENIED : HAWSE_E_REMOTE;
    if (h->location)
        return ws_fail(&hs->failure, code, 0,
                       "HTTP %ld instead of an upgrade: moved to %.100s; "
                       "redirects are not followed",
                       status, h->location);
    return ws_fail(&hs->failure, code, 0, "HTTP %ld%s%.40s instead of an upgrade%s%s", status,
                   reason[0] ? " " : "", reason, shown[0] ? ": " : "", shown);
}

static int32_t judge(struct ws_handshake *hs, const struct head *h)
{
    char extensions[256];
    if (!h->upgrade || !has_token(h->upgrade, "websocket"))
        return refuse(hs, "HTTP 101 without \"Upgrade: websocket\"");
    if (!h->connection || !has_token(h->connection, "upgrade"))
        return refuse(hs, "HTTP 101 without \"Connection: Upgrade\"");
    if (!h->accept)
        return refuse(hs, "HTTP 101 without Sec-WebSocket-Accept");
    if (strcmp(h->accept, hs->accept) != 0)
        return refuse(hs, "Sec-WebSocket-Accept is not the answer to our key: a cache or another "
                          "protocol answered");
    if (h->protocol && (!hs->protocols[0] || !has_token(hs->protocols, h->protocol)))
        return refuse(hs, "the server chose a subprotocol that was not offered");
    if (!h->extensions || !h->extensions[0])
        return HAWSE_OK;
    (void)snprintf(extensions, sizeof(extensions), "%s", h->extensions);
    return take_extensions(hs, extensions);
}

/* Splits the head, a NUL-terminated copy, and judges it. */
static int32_t read_head(struct ws_handshake *hs, char *head, const char *body, size_t body_len)
{
    struct head h = {0};
    char *line = head, *next = strstr(head, "\r\n");
    *next = '\0';
    if (strncmp(line, "HTTP/1.1 ", 9) != 0 || strspn(line + 9, "0123456789") != 3 ||
        (line[12] != ' ' && line[12] != '\0'))
        return refuse(hs, "the answer is not HTTP/1.1");
    long status = strtol(line + 9, NULL, 10);
    const char *reason = line[12] ? line + 13 : "";
    for (line = next + 2; *line; line = next + 2) {
        next = strstr(line, "\r\n");
        *next = '\0';
        int32_t code = take_header(hs, &h, line);
        if (code != HAWSE_OK)
            return code;
    }
    return status == 101 ? judge(hs, &h) : refused_upgrade(hs, status, reason, &h, body, body_len);
}

int32_t ws_handshake_read(struct ws_handshake *hs, const uint8_t *data, size_t len,
                          size_t *consumed)
{
    const uint8_t *end = len >= 4 ? memmem(data, len, "\r\n\r\n", 4) : NULL;
    static const char start[] = "HTTP/1.1 ";
    size_t seen = len < sizeof(start) - 1 ? len : sizeof(start) - 1;
    if (memcmp(data, start, seen) != 0)
        return refuse(hs, "the answer is not HTTP/1.1");
    if (!end && len < WS_HANDSHAKE_MAX)
        return HAWSE_E_AGAIN;
    size_t head_len = end ? (size_t)(end - data) + 2 : 0;
    if (!end || head_len > WS_HANDSHAKE_MAX)
        return ws_fail(&hs->failure, HAWSE_E_LIMIT, 0, "the answer's head is above %d bytes",
                       WS_HANDSHAKE_MAX);
    char *head = malloc(head_len + 1);
    if (!head)
        return ws_fail(&hs->failure, HAWSE_E_NOMEM, 0, "no memory for the upgrade");
    memcpy(head, data, head_len);
    head[head_len] = '\0';
    *consumed = head_len + 2;
    int32_t code = strlen(head) == head_len
                       ? read_head(hs, head, (const char *)data + *consumed, len - *consumed)
                       : refuse(hs, "the answer's head holds a NUL");
    free(head);
    return code;
}

void ws_handshake_finish(struct ws_handshake *hs)
{
    explicit_bzero(hs, sizeof(*hs));
}
