/*
 * An echo client on our WebSocket code and a plain blocking socket, for the judge: connects, echoes
 * every message, answers pings and closing frames, and ends when the connection ends. Owns socket
 * and buffers for one connection; never retries.
 *
 *   ws-echo [--deflate] [--quiet] [--timeout MS] [--max BYTES] ws://HOST[:PORT]/PATH
 *
 * Exit: 0 closed cleanly, 1 usage, 2 no connection, 3 not upgraded, 4 failed by the client, 5 lost.
 */
#include "net/ws_build.h"
#include "net/ws_deflate.h"
#include "net/ws_frame.h"
#include "net/ws_handshake.h"

#include <errno.h>
#include <hawse/types.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { CLEAN, USAGE, NO_CONNECTION, NOT_UPGRADED, FAILED, LOST };
enum { FIRST_RECEIVE = 256 << 10, REQUEST_MAX = 8192, CLOSE_PATIENCE_MS = 2000 };

struct client {
    const char *url;
    unsigned timeout_ms; /* of the opening handshake as a whole */
    size_t max_message;
    bool offer_deflate, quiet;
    int fd;
    struct ws_handshake handshake;
    struct ws_parser parser;
    struct ws_inflater *inflater; /* both NULL unless permessage-deflate was agreed on */
    struct ws_deflater *deflater;
    struct ws_buffer received, assembly, out;
    size_t consumed; /* bytes at the front of received that are done with */
};

static int say(const struct client *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int say(const struct client *c, int code, const char *format, ...)
{
    va_list args;
    if (c->quiet)
        return code;
    va_start(args, format);
    (void)fprintf(stderr, "ws-echo: ");
    (void)vfprintf(stderr, format, args);
    (void)fprintf(stderr, "\n");
    va_end(args);
    return code;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- the socket ---- */

static int open_socket(struct client *c)
{
    char host[256], *port = NULL;
    const char *start = strncmp(c->url, "ws://", 5) == 0 ? c->url + 5 : NULL;
    size_t len = start ? strcspn(start, "/?#") : 0;
    if (len == 0 || len >= sizeof(host))
        return say(c, USAGE, "the address must be ws://HOST[:PORT]/PATH");
    memcpy(host, start, len);
    host[len] = '\0';
    port = strrchr(host, ':');
    if (port)
        *port++ = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port ? port : "80", &hints, &found) != 0)
        return say(c, NO_CONNECTION, "cannot resolve %s", host);
    c->fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    bool good = c->fd >= 0 && connect(c->fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    return good ? CLEAN : say(c, NO_CONNECTION, "cannot connect: %s", strerror(errno));
}

static bool send_all(struct client *c, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Waits at most this long for more; 0 = for ever. */
static void set_patience(struct client *c, uint64_t ms)
{
    struct timeval t = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

/* Reads more behind what is there, with room for `need` bytes from the first unconsumed one on.
 * Returns what recv did. */
static ssize_t receive(struct client *c, size_t need)
{
    struct ws_buffer *in = &c->received;
    size_t limit = c->max_message + FIRST_RECEIVE;
    if (c->consumed > 0) {
        memmove(in->data, in->data + c->consumed, in->len - c->consumed);
        in->len -= c->consumed;
        c->consumed = 0;
    }
    size_t room = need > FIRST_RECEIVE ? need : FIRST_RECEIVE;
    if (ws_buffer_reserve(in, room, limit) != HAWSE_OK)
        return -1;
    ssize_t n;
    do {
        n = recv(c->fd, in->data + in->len, in->cap - in->len, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        in->len += (size_t)n;
    return n;
}

/* ---- sending ---- */

static uint32_t random_mask(void)
{
    uint32_t mask = 0;
    if (getrandom(&mask, sizeof(mask), 0) != (ssize_t)sizeof(mask))
        abort();
    return mask;
}

static bool send_frame(struct client *c, uint8_t opcode, bool deflated, const uint8_t *data,
                       size_t len)
{
    struct ws_frame_spec spec = {.opcode = opcode, .deflated = deflated, .mask = random_mask()};
    size_t size = ws_frame_size(len), written;
    if (ws_buffer_reserve(&c->out, size, SIZE_MAX / 2) != HAWSE_OK)
        return false;
    return ws_build_frame(&spec, data, len, c->out.data, c->out.cap, &written) == HAWSE_OK &&
           send_all(c, c->out.data, written);
}

static void send_close(struct client *c, unsigned code, const char *reason)
{
    uint8_t out[WS_BUILD_HEADER_MAX + WS_CONTROL_MAX];
    size_t len, reason_len = strlen(reason);
    if (reason_len > WS_CONTROL_MAX - 2)
        reason_len = WS_CONTROL_MAX - 2;
    if (ws_build_close(code, (const uint8_t *)reason, reason_len, random_mask(), out, sizeof(out),
                       &len) == HAWSE_OK)
        (void)send_all(c, out, len);
}

static bool echo(struct client *c, const struct ws_message *m)
{
    const uint8_t *data = m->data;
    size_t len = m->len;
    if (!c->deflater)
        return send_frame(c, m->opcode, false, data, len);
    return ws_deflater_message(c->deflater, m->data, m->len, &data, &len) == HAWSE_OK &&
           send_frame(c, m->opcode, true, data, len);
}

/* ---- the connection's life ---- */

static int agree_on_deflate(struct client *c)
{
    const struct ws_deflate_agreed *agreed = &c->handshake.deflate;
    if (!c->handshake.deflate_agreed)
        return CLEAN;
    int32_t result = ws_inflater_create(agreed, &c->inflater);
    if (result == HAWSE_OK)
        result = ws_deflater_create(agreed, -1, &c->deflater);
    if (result != HAWSE_OK && result != HAWSE_E_UNSUPPORTED)
        return say(c, FAILED, "no memory for permessage-deflate");
    return CLEAN;
}

static int upgrade(struct client *c)
{
    struct ws_handshake_options options = {.url = c->url, .offer_deflate = c->offer_deflate};
    uint8_t request[REQUEST_MAX];
    size_t len, head = 0;
    if (getrandom(options.key, sizeof(options.key), 0) != (ssize_t)sizeof(options.key))
        abort();
    if (ws_handshake_begin(&c->handshake, &options, request, sizeof(request), &len) != HAWSE_OK)
        return say(c, USAGE, "%s", c->handshake.failure.text);
    if (!send_all(c, request, len))
        return say(c, LOST, "lost while asking for the upgrade: %s", strerror(errno));
    uint64_t deadline = now_ms() + c->timeout_ms;
    int32_t result = HAWSE_E_AGAIN;
    while (result == HAWSE_E_AGAIN) {
        uint64_t now = now_ms();
        if (now >= deadline)
            return say(c, NOT_UPGRADED, "no whole answer within %u ms", c->timeout_ms);
        set_patience(c, deadline - now);
        ssize_t n = receive(c, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
            return say(c, NOT_UPGRADED, "the connection ended during the upgrade");
        result = ws_handshake_read(&c->handshake, c->received.data, c->received.len, &head);
    }
    if (result != HAWSE_OK)
        return say(c, NOT_UPGRADED, "%s", c->handshake.failure.text);
    c->consumed = head;
    return agree_on_deflate(c);
}

/* Lets the server read the close frame: waits for its end before ours, for a while. */
static int leave(struct client *c, int code)
{
    uint64_t deadline = now_ms() + CLOSE_PATIENCE_MS;
    (void)shutdown(c->fd, SHUT_WR);
    for (uint64_t now = now_ms(); now < deadline; now = now_ms()) {
        set_patience(c, deadline - now);
        c->consumed = c->received.len;
        if (receive(c, 0) <= 0)
            break;
    }
    return code;
}

/* Returns false when the connection is over, *code says how. */
static bool handle(struct client *c, const struct ws_message *m, int *code)
{
    bool sent = true;
    switch (m->opcode) {
    case WS_TEXT:
    case WS_BINARY:
        sent = echo(c, m);
        break;
    case WS_PING:
        sent = send_frame(c, WS_PONG, false, m->data, m->len);
        break;
    case WS_CLOSE:
        send_close(c, m->close_code, "");
        *code = leave(c, say(c, CLEAN, "closed by the server: %u", (unsigned)m->close_code));
        return false;
    default:
        break;
    }
    if (!sent)
        *code = say(c, LOST, "lost while sending");
    return sent;
}

static int run(struct client *c)
{
    struct ws_parser_options options = {.max_message = c->max_message, .inflater = c->inflater};
    struct ws_message m;
    int code = CLEAN;
    ws_parser_init(&c->parser, &c->assembly, &options);
    set_patience(c, 0);
    for (;;) {
        struct ws_input in = {.data = c->received.data + c->consumed,
                              .len = c->received.len - c->consumed};
        enum ws_next next;
        while ((next = ws_parser_next(&c->parser, &in, &m)) == WS_MESSAGE) {
            if (!handle(c, &m, &code))
                return code;
        }
        c->consumed = c->received.len - in.len;
        if (next != WS_NEED_MORE) {
            const struct ws_failure *f = &c->parser.failure;
            send_close(c, f->close_code, f->text);
            return leave(c, say(c, FAILED, "%s", f->text));
        }
        ssize_t n = receive(c, in.need);
        if (n <= 0)
            return say(c, LOST, "the connection ended without a close frame%s%s", n < 0 ? ": " : "",
                       n < 0 ? strerror(errno) : "");
    }
}

static bool read_arguments(struct client *c, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--deflate") == 0)
            c->offer_deflate = true;
        else if (strcmp(argv[i], "--quiet") == 0)
            c->quiet = true;
        else if (strcmp(argv[i], "--timeout") == 0 && i + 1 < argc)
            c->timeout_ms = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--max") == 0 && i + 1 < argc)
            c->max_message = (size_t)strtoull(argv[++i], NULL, 10);
        else if (argv[i][0] != '-' && !c->url)
            c->url = argv[i];
        else
            return false;
    }
    return c->url && c->timeout_ms > 0 && c->max_message > 0;
}

int main(int argc, char **argv)
{
    struct client c = {.timeout_ms = 2000, .max_message = WS_MAX_MESSAGE_DEFAULT, .fd = -1};
    if (!read_arguments(&c, argc, argv))
        return say(&c, USAGE, "ws-echo [--deflate] [--quiet] [--timeout MS] [--max BYTES] URL");
    int code = open_socket(&c);
    if (code == CLEAN)
        code = upgrade(&c);
    if (code == CLEAN)
        code = run(&c);
    if (c.fd >= 0)
        (void)close(c.fd);
    ws_handshake_finish(&c.handshake);
    ws_deflater_destroy(c.deflater);
    ws_inflater_destroy(c.inflater);
    ws_buffer_finish(&c.received);
    ws_buffer_finish(&c.assembly);
    ws_buffer_finish(&c.out);
    return code;
}
