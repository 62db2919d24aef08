/*
 * The benchmarks' node: one WebSocket connection, plain or TLS, over which it answers the few
 * questions that clients ask and, told to, sends a file of ready-made frames: as fast as they are
 * taken, at a fixed rate, or in bursts. Every subject gets its bytes from here.
 *
 *   bench-sender FILE MESSAGES flood             beside FILE stands FILE.head
 *   bench-sender FILE MESSAGES paced RATE        messages a second, one write each
 *   bench-sender FILE MESSAGES burst SIZE MS     SIZE messages in one write, every MS
 *   bench-sender FILE MESSAGES mark              one byte that only recv_shim.c understands
 * then, for TLS: CERTIFICATE KEY.
 *
 * Prints its port; "subscribed" when heads and logs are; after a line on stdin, sends; then a line
 * of JSON with how late it was itself. A fake: a node that can fill a core does not exist. Its
 * frames are what eth_subscribe of a real node pushes (see lib/frames.mjs).
 */
#include "latency.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 << 10, IN_CAP = 64 << 10 };

struct sender {
    int fd;
    SSL *ssl;
    uint8_t *bytes; /* the file, a private copy: stamps are written into it */
    size_t size;
    uint8_t *held; /* what came in and is not whole yet */
    size_t held_len;
    unsigned asked;  /* 1 heads, 2 logs */
    char head[4096]; /* the block before all, as JSON: FILE.head */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- bytes ---- */

static void put(struct sender *s, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0) {
        size_t piece = len < CHUNK ? len : CHUNK;
        ssize_t n = s->ssl ? SSL_write(s->ssl, p, (int)piece) : send(s->fd, p, piece, MSG_NOSIGNAL);
        if (n <= 0)
            exit(0); /* the subject has what it wants and left */
        p += n;
        len -= (size_t)n;
    }
}

static void take(struct sender *s)
{
    size_t room = IN_CAP - s->held_len;
    ssize_t n = s->ssl ? SSL_read(s->ssl, s->held + s->held_len, (int)room)
                       : recv(s->fd, s->held + s->held_len, room, 0);
    if (n <= 0 || room == (size_t)n)
        exit(0);
    s->held_len += (size_t)n;
    s->held[s->held_len] = '\0';
}

static void give_up(struct sender *s, size_t n)
{
    s->held_len -= n;
    memmove(s->held, s->held + n, s->held_len);
    s->held[s->held_len] = '\0';
}

static void put_frame(struct sender *s, uint8_t opcode, const void *data, size_t len)
{
    uint8_t head[4] = {(uint8_t)(0x80 | opcode), (uint8_t)len};
    size_t n = 2;
    if (len >= 126) {
        head[1] = 126;
        head[2] = (uint8_t)(len >> 8);
        head[3] = (uint8_t)len;
        n = 4;
    }
    put(s, head, n);
    put(s, data, len);
}

/* ---- talking ---- */

static void upgrade(struct sender *s)
{
    char *end;
    while (!(end = strstr((char *)s->held, "\r\n\r\n")))
        take(s);
    char *key = strcasestr((char *)s->held, "sec-websocket-key:");
    if (!key)
        exit(1);
    key += strlen("sec-websocket-key:");
    key += strspn(key, " ");
    char text[128], answer[256];
    uint8_t hash[SHA_DIGEST_LENGTH], accept[40];
    int n = snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                     (int)strcspn(key, "\r\n "), key);
    (void)SHA1((uint8_t *)text, (size_t)n, hash);
    (void)EVP_EncodeBlock(accept, hash, sizeof(hash));
    n = snprintf(answer, sizeof(answer),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 (char *)accept);
    put(s, answer, (size_t)n);
    give_up(s, (size_t)(end + 4 - (char *)s->held));
}

static const char *result_of(struct sender *s, const char *request)
{
    if (strstr(request, "eth_getBlockBy"))
        return strstr(request, "\"finalized\"") ? "null" : s->head;
    if (strstr(request, "eth_chainId"))
        return "\"0x64\"";
    if (strstr(request, "eth_blockNumber"))
        return "\"0x1\"";
    if (strstr(request, "net_version"))
        return "\"100\"";
    if (strstr(request, "eth_subscribe")) {
        bool logs = strstr(request, "\"logs\"") != NULL;
        s->asked |= logs ? 2u : 1u;
        return logs ? "\"0x20000000000000000000000000000000\""
                    : "\"0x10000000000000000000000000000000\"";
    }
    return "null";
}

static void answer(struct sender *s, const char *request)
{
    const char *id = strstr(request, "\"id\":");
    char text[sizeof(s->head) + 256];
    unsigned before = s->asked;
    const char *result = result_of(s, request);
    int n = snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":%s}",
                     id ? strtol(id + 5, NULL, 10) : 0, result);
    put_frame(s, 1, text, (size_t)n);
    if (before != 3 && s->asked == 3) {
        puts("subscribed");
        (void)fflush(stdout);
    }
}

/* The first whole frame of what came in; false when there is none. */
static bool one_frame(struct sender *s)
{
    const uint8_t *p = s->held;
    size_t n = s->held_len >= 2 ? p[1] & 127u : 0, head = 6;
    if (s->held_len >= 4 && n == 126) {
        n = (size_t)p[2] << 8 | p[3];
        head = 8;
    }
    if (s->held_len < 6 || s->held_len < head + n)
        return false;
    char text[4096];
    n = n < sizeof(text) ? n : sizeof(text) - 1;
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(p[head + i] ^ p[head - 4 + i % 4]);
    text[n] = '\0';
    uint8_t opcode = p[0] & 15;
    give_up(s, head + n);
    if (opcode == 1)
        answer(s, text);
    else if (opcode == 9)
        put_frame(s, 10, text, n);
    return true;
}

/* Answers until the time has come (0: until a line stands on stdin). */
static void serve(struct sender *s, uint64_t until)
{
    struct pollfd fds[2] = {{.fd = s->fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    for (;;) {
        while (one_frame(s))
            ;
        uint64_t now = bench_clock(CLOCK_MONOTONIC);
        if (until && now + 1000000 >= until)
            return;
        bool waiting = s->ssl && SSL_pending(s->ssl) > 0;
        int ms = waiting ? 0 : until ? (int)((until - now) / 1000000) : -1;
        (void)poll(fds, until ? 1 : 2, ms);
        if (waiting || fds[0].revents)
            take(s);
        char line[16];
        if (!until && fds[1].revents) {
            if (read(0, line, sizeof(line)) <= 0)
                exit(0); /* whoever started this is gone */
            return;
        }
    }
}

/* ---- sending ---- */

static size_t frame_size(const uint8_t *p)
{
    size_t n = p[1] & 127u;
    return n < 126 ? 2 + n : 4 + ((size_t)p[2] << 8 | p[3]);
}

static void stamp(uint8_t *frame, size_t size, uint64_t ns)
{
    uint8_t *mark = memmem(frame, size, STAMP_MARK, sizeof(STAMP_MARK) - 1);
    if (!mark)
        return;
    for (int i = 0; i < STAMP_DIGITS; i++)
        mark[STAMP_SKIP + i] = (uint8_t) "0123456789abcdef"[ns >> (60 - 4 * i) & 15];
}

static void paced(struct sender *s, uint64_t messages, uint64_t rate)
{
    struct latency late;
    latency_init(&late, messages, 0, 1);
    uint64_t begin = bench_clock(CLOCK_MONOTONIC) + 1000000;
    uint8_t *p = s->bytes;
    for (uint64_t i = 0; i < messages; i++) {
        uint64_t due = begin + i * 1000000000u / rate;
        size_t size = frame_size(p);
        stamp(p, size, due);
        while (bench_clock(CLOCK_MONOTONIC) < due)
            ;
        latency_add(&late, due);
        put(s, p, size);
        p += size;
    }
    char text[256];
    (void)latency_json(&late, text, sizeof(text));
    printf("{\"sent\":%llu%s}\n", (unsigned long long)messages, text);
}

static void burst(struct sender *s, uint64_t messages, uint64_t size, uint64_t ms)
{
    uint64_t due = bench_clock(CLOCK_MONOTONIC);
    uint8_t *p = s->bytes;
    for (uint64_t i = 0; i < messages;) {
        serve(s, due += ms * 1000000);
        uint8_t *first = p;
        uint64_t end = i + size < messages ? i + size : messages;
        uint64_t now = bench_clock(CLOCK_MONOTONIC);
        for (; i < end; i++) {
            size_t n = frame_size(p);
            stamp(p, n, now);
            p += n;
        }
        uint64_t slip = bench_clock(CLOCK_MONOTONIC) - now; /* stamping took so long */
        for (uint8_t *q = first; q < p; q += frame_size(q))
            stamp(q, frame_size(q), now + 2 * slip);
        put(s, first, (size_t)(p - first));
    }
    printf("{\"sent\":%llu}\n", (unsigned long long)messages);
}

static void send_all(struct sender *s, uint64_t messages, char **mode)
{
    if (strcmp(mode[0], "paced") == 0) {
        paced(s, messages, strtoull(mode[1], NULL, 10));
    } else if (strcmp(mode[0], "burst") == 0) {
        burst(s, messages, strtoull(mode[1], NULL, 10), strtoull(mode[2], NULL, 10));
    } else if (strcmp(mode[0], "mark") == 0) {
        put(s, "\xff", 1);
        puts("{\"sent\":0}");
    } else {
        size_t size = 0;
        for (uint64_t i = 0; i < messages; i++)
            size += frame_size(s->bytes + size);
        put(s, s->bytes, size);
        printf("{\"sent\":%llu}\n", (unsigned long long)messages);
    }
    (void)fflush(stdout);
}

static void secure(struct sender *s, const char *certificate, const char *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        die("certificate");
    s->ssl = SSL_new(ctx);
    if (SSL_set_fd(s->ssl, s->fd) != 1 || SSL_accept(s->ssl) != 1)
        die("TLS");
}

static void load(struct sender *s, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    s->size = (size_t)st.st_size;
    s->bytes = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (s->bytes == MAP_FAILED)
        die(path);
    (void)close(fd);
}

static void load_head(struct sender *s, const char *path)
{
    char name[4096];
    (void)snprintf(name, sizeof(name), "%s.head", path);
    FILE *f = fopen(name, "r");
    if (!f || !fgets(s->head, sizeof(s->head), f))
        die(name);
    (void)fclose(f);
}

static int listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof(at);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        die("listen");
    printf("%d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    struct sender s = {.held = calloc(1, IN_CAP + 1)};
    uint64_t messages = strtoull(argv[2], NULL, 10);
    load(&s, argv[1]);
    load_head(&s, argv[1]);
    int fixed = strcmp(argv[3], "paced") == 0 ? 5 : strcmp(argv[3], "burst") == 0 ? 6 : 4, one = 1;
    if (argc < fixed || !s.held)
        return 2;
    s.fd = accept4(listener(), NULL, NULL, SOCK_CLOEXEC);
    (void)setsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (argc == fixed + 2)
        secure(&s, argv[fixed], argv[fixed + 1]);
    upgrade(&s);
    serve(&s, 0);
    send_all(&s, messages, &argv[3]);
    serve(&s, 0);
    return 0;
}
