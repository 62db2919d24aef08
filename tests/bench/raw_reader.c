/*
 * The limit of what a receiver can do here: epoll, a minimal frame reader, nothing else; over TLS
 * the same with OpenSSL. Connects, subscribes, counts messages, prints its CPU time from the first
 * message to the last and, where asked, the distribution of delays.
 *
 *   bench-reader PORT MESSAGES SKIP EVERY [tls]      SKIP, EVERY: see latency.h; EVERY 0: no delays
 */
#include "latency.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 << 10 };

struct reader {
    int fd, ep;
    SSL *ssl;
    uint64_t count, bytes, begin_cpu, begin_ns;
    struct latency latency;
};

static void put(struct reader *r, const void *data, size_t n)
{
    ssize_t done = r->ssl ? SSL_write(r->ssl, data, (int)n) : write(r->fd, data, n);
    if (done != (ssize_t)n)
        exit(1);
}

static void send_text(struct reader *r, const char *text)
{
    uint8_t frame[256] = {0x81};
    size_t n = strlen(text), at = 2;
    frame[1] = 0x80 | (n < 126 ? (uint8_t)n : 126);
    if (n >= 126) {
        frame[at++] = (uint8_t)(n >> 8);
        frame[at++] = (uint8_t)n;
    }
    at += 4; /* mask 0: legal for a benchmark, and the payload stays readable */
    memcpy(frame + at, text, n);
    put(r, frame, at + n);
}

/* Steps over whole frames; returns what is left. */
static size_t frames(struct reader *r, const uint8_t *p, size_t len)
{
    while (len >= 2) {
        uint64_t n = p[1] & 127, head = 2;
        if (n == 126) {
            if (len < 4)
                break;
            n = (uint64_t)p[2] << 8 | p[3];
            head = 4;
        }
        if (len < head + n)
            break;
        const uint8_t *mark =
            r->latency.every ? memmem(p + head, n, STAMP_MARK, sizeof(STAMP_MARK) - 1) : NULL;
        if (mark) {
            char digits[STAMP_DIGITS + 1] = {0};
            memcpy(digits, mark + STAMP_SKIP, STAMP_DIGITS);
            latency_add(&r->latency, strtoull(digits, NULL, 16));
        }
        r->count++;
        r->bytes += n;
        p += head + n;
        len -= head + n;
    }
    return len;
}

/* What can be read now; waits when that is nothing. */
static size_t take(struct reader *r, uint8_t *at, size_t room)
{
    struct epoll_event ev;
    for (;;) {
        if (!r->ssl) {
            if (epoll_wait(r->ep, &ev, 1, -1) < 0)
                exit(1);
            ssize_t n = read(r->fd, at, room);
            if (n <= 0)
                exit(1);
            return (size_t)n;
        }
        size_t n = 0;
        while (n < room && (room - n) >= 16384) { /* a record is at most so long */
            int got = SSL_read(r->ssl, at + n, (int)(room - n));
            if (got <= 0)
                break;
            n += (size_t)got;
        }
        if (n > 0)
            return n;
        if (epoll_wait(r->ep, &ev, 1, -1) < 0)
            exit(1);
    }
}

static void receive(struct reader *r, uint8_t *buffer, uint64_t want)
{
    size_t held = 0;
    while (r->count < want) {
        size_t total = held + take(r, buffer + held, BUFFER - held);
        if (r->begin_ns == 0) {
            r->begin_cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
            r->begin_ns = bench_clock(CLOCK_MONOTONIC);
        }
        held = frames(r, buffer, total);
        memmove(buffer, buffer + total - held, held);
    }
}

static void connect_to(struct reader *r, uint16_t port, bool tls)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    r->fd = socket(AF_INET, SOCK_STREAM, 0);
    r->ep = epoll_create1(0);
    if (connect(r->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        exit(1);
    if (tls) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        r->ssl = ctx ? SSL_new(ctx) : NULL;
        if (!r->ssl || SSL_set_fd(r->ssl, r->fd) != 1 || SSL_connect(r->ssl) != 1)
            exit(1);
    }
    struct epoll_event ev = {.events = EPOLLIN};
    if (epoll_ctl(r->ep, EPOLL_CTL_ADD, r->fd, &ev) != 0)
        exit(1);
}

static void join(struct reader *r, uint8_t *buffer)
{
    static const char upgrade[] =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    put(r, upgrade, sizeof(upgrade) - 1);
    if ((r->ssl ? SSL_read(r->ssl, buffer, BUFFER) : read(r->fd, buffer, BUFFER)) <= 0)
        exit(1);
    send_text(
        r, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
    send_text(
        r, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{}]}");
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    static uint8_t buffer[BUFFER];
    struct reader r = {0};
    uint64_t want = strtoull(argv[2], NULL, 10);
    connect_to(&r, (uint16_t)atoi(argv[1]), argc > 5);
    join(&r, buffer);
    if (fcntl(r.fd, F_SETFL, O_NONBLOCK) != 0)
        return 1;
    receive(&r, buffer, 2); /* the answers */
    r.count = r.bytes = r.begin_ns = 0;
    latency_init(&r.latency, want, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    receive(&r, buffer, want);
    uint64_t cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - r.begin_cpu;
    uint64_t ns = bench_clock(CLOCK_MONOTONIC) - r.begin_ns;
    char delays[256];
    (void)latency_json(&r.latency, delays, sizeof(delays));
    printf("{\"done\":true,\"messages\":%llu,\"bytes\":%llu,\"cpu_ns\":%llu,\"ns\":%llu%s}\n",
           (unsigned long long)r.count, (unsigned long long)r.bytes, (unsigned long long)cpu,
           (unsigned long long)ns, delays);
    (void)fflush(stdout);
    (void)getchar(); /* memory is read from outside now */
    return 0;
}
