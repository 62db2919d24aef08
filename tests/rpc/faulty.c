/* The faulty server; see faulty.h. */
#include "faulty.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct faulty {
    int listener; /* under the lock; -1 = refused */
    uint16_t port;
    int mode; /* atomic */
    int quit; /* atomic */
    uint64_t head, balance, count, probes, framed, sockets, plain, batched, batches, subscribed;
    pthread_t acceptor;
    pthread_mutex_t lock; /* guards connections and times */
    int fds[FAULTY_CONNECTIONS];
    bool pushed[FAULTY_CONNECTIONS]; /* subscribed to new blocks */
    pthread_t threads[FAULTY_CONNECTIONS];
    unsigned connections;
    uint64_t *times;
    uint64_t time_count;
};

static uint64_t clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static const char *const names[MODE_COUNT] = {"good",          "refused",
                                              "reset",         "500",
                                              "429",           "429 with Retry-After",
                                              "garbage",       "HTML",
                                              "half",          "wrong id",
                                              "hang",          "stale",
                                              "wrong chain",   "lacks",
                                              "quota",         "reverted",
                                              "invalid",       "known",
                                              "nonce",         "null",
                                              "slow",          "chunked",
                                              "closes",        "leaves",
                                              "until close",   "no batches",
                                              "small batches", "part of batches",
                                              "no push"};

const char *faulty_mode_name(enum fault_mode mode)
{
    return names[mode];
}

/* ---- answers ---- */

struct peer {
    struct faulty *server;
    int fd;
    int mode;
    bool framed;    /* a WebSocket */
    char *gathered; /* the answer to a batch, so far; NULL = none */
    size_t gathered_len;
};

static void say_otherwise(const struct peer *p, const char *body, size_t len)
{
    char text[1024];
    if (p->mode == MODE_UNTIL_CLOSE) {
        int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n\r\n%s", body);
        (void)!send(p->fd, text, (size_t)n, MSG_NOSIGNAL);
        return;
    }
    static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char end[] = "0\r\nX-Trailer: 1\r\n\r\n";
    (void)!send(p->fd, head, sizeof(head) - 1, MSG_NOSIGNAL);
    for (size_t at = 0; at < len; at += 3) {
        int part = len - at < 3 ? (int)(len - at) : 3;
        int n = snprintf(text, sizeof(text), "%X;x=y\r\n%.*s\r\n", (unsigned)part, part, body + at);
        (void)!send(p->fd, text, (size_t)n, MSG_NOSIGNAL);
    }
    (void)!send(p->fd, end, sizeof(end) - 1, MSG_NOSIGNAL);
}

static void say(struct peer *p, int status, const char *headers, const char *body)
{
    char text[1024];
    size_t len = strlen(body);
    if (p->gathered) {
        memcpy(p->gathered + p->gathered_len, body, len);
        p->gathered_len += len;
        return;
    }
    if (p->framed) { /* a text frame of a server, RFC 6455 section 5.2 */
        const uint8_t head[4] = {0x81, 126, (uint8_t)(len >> 8), (uint8_t)len};
        size_t skip = len < 126 ? 2 : 4;
        memcpy(text, head, 4);
        text[1] = len < 126 ? (char)len : 126;
        memcpy(text + skip, body, len);
        (void)!send(p->fd, text, skip + len, MSG_NOSIGNAL);
        return;
    }
    if (p->mode == MODE_CHUNKED || p->mode == MODE_UNTIL_CLOSE) {
        say_otherwise(p, body, len);
        return;
    }
    headers = p->mode == MODE_CLOSES ? "Connection: close\r\n" : headers;
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: "
                     "%zu\r\n\r\n%s",
                     status, headers, len, body);
    if (n > 0)
        (void)!send(p->fd, text, (size_t)n, MSG_NOSIGNAL);
}

static void result(struct peer *p, unsigned long id, const char *value)
{
    char body[640];
    (void)snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"result\":%s}", id, value);
    say(p, 200, "", body);
}

static void error(struct peer *p, unsigned long id, const char *value)
{
    char body[640];
    (void)snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":%s}", id, value);
    say(p, 200, "", body);
}

static void quantity(struct peer *p, unsigned long id, uint64_t n)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "\"0x%llx\"", (unsigned long long)n);
    result(p, id, text);
}

static uint64_t load(const uint64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

/* What a Solana node says of itself; false: it was asked something else. */
static bool answer_solana(struct faulty *s, struct peer *p, const char *body, unsigned long id,
                          int mode)
{
    char slot[32];
    (void)snprintf(slot, sizeof(slot), "%llu", (unsigned long long)load(&s->head));
    if (strstr(body, "\"getGenesisHash\""))
        result(p, id,
               mode == MODE_WRONG_CHAIN ? "\"EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG\""
                                        : "\"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d\"");
    else if (strstr(body, "\"getSlot\""))
        result(p, id, slot);
    else if (strstr(body, "\"getHealth\"") && mode == MODE_STALE)
        error(p, id, "{\"code\":-32005,\"message\":\"Node is behind by 42 slots\"}");
    else if (strstr(body, "\"getHealth\""))
        result(p, id, "\"ok\"");
    else
        return false;
    return true;
}

#define SUBSCRIPTION "0x9ce59a13059e417087c02d3236a0b1cc"

static void subscribe(struct faulty *s, struct peer *p, unsigned long id)
{
    (void)pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->connections; i++)
        s->pushed[i] = s->pushed[i] || s->fds[i] == p->fd;
    (void)pthread_mutex_unlock(&s->lock);
    result(p, id, "\"" SUBSCRIPTION "\"");
    __atomic_add_fetch(&s->subscribed, 1, __ATOMIC_RELEASE);
}

static void answer_well(struct faulty *s, struct peer *p, const char *body, unsigned long id,
                        int mode)
{
    if (p->framed && mode != MODE_NO_PUSH && strstr(body, "\"eth_subscribe\"")) {
        subscribe(s, p, id);
        return;
    }
    if (strstr(body, "\"eth_subscribe\"")) {
        error(p, id, "{\"code\":-32601,\"message\":\"the method does not exist\"}");
        return;
    }
    if (answer_solana(s, p, body, id, mode))
        return;
    if (strstr(body, "\"eth_chainId\""))
        quantity(p, id, mode == MODE_WRONG_CHAIN ? 1 : 100);
    else if (strstr(body, "\"eth_blockNumber\""))
        quantity(p, id, mode == MODE_STALE ? 50 : load(&s->head));
    else if (strstr(body, "\"eth_getBlockBy") && mode == MODE_NULL)
        result(p, id, "null");
    else if (strstr(body, "\"eth_getBlockByNumber\",\"params\":[\"latest"))
        result(p, id, mode == MODE_STALE ? "{\"number\":\"0x32\"}" : "{\"number\":\"0x64\"}");
    else if (strstr(body, "\"eth_getBalance\""))
        quantity(p, id, load(&s->balance));
    else if (strstr(body, "\"eth_call\"") && mode == MODE_LACKS)
        error(p, id, "{\"code\":-32601,\"message\":\"the method does not exist\"}");
    else if (strstr(body, "\"eth_call\"") && mode == MODE_REVERT)
        error(p, id, "{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x\"}");
    else if (strstr(body, "\"eth_call\"") && mode == MODE_INVALID)
        error(p, id, "{\"code\":-32602,\"message\":\"bad params\"}");
    else if (strstr(body, "\"eth_send") && mode == MODE_KNOWN)
        error(p, id, "{\"code\":-32000,\"message\":\"already known\"}");
    else if (strstr(body, "\"eth_send") && mode == MODE_NONCE)
        error(p, id, "{\"code\":-32000,\"message\":\"nonce too low\"}");
    else
        result(p, id, "\"0x00000000000000000000000000000000000000000000000000000000000000c8\"");
}

static void hang(const struct faulty *s)
{
    struct timespec ts = {.tv_nsec = 5000000};
    while (!__atomic_load_n(&s->quit, __ATOMIC_ACQUIRE) &&
           __atomic_load_n(&s->mode, __ATOMIC_ACQUIRE) == MODE_HANG)
        (void)nanosleep(&ts, NULL);
}

enum { GATHERED = 1 << 17, ITEMS = 128 };

/* Where the requests of a batch begin. */
static unsigned items_of(const char *body, const char *items[ITEMS])
{
    unsigned n = 0;
    if (body[0] != '[')
        return 0;
    for (const char *at = body; n < ITEMS && (at = strstr(at, "{\"jsonrpc\"")) != NULL; at++)
        items[n++] = at;
    return n;
}

/* The answers to a batch, in an order of their own: the last first. */
static void answer_batch(struct faulty *s, struct peer *p, const char *const *items, unsigned n)
{
    char head[128], one[4096];
    char *all = malloc(GATHERED);
    p->gathered_len = 1;
    for (unsigned i = n; i-- > 0;) {
        size_t len = i + 1 < n ? (size_t)(items[i + 1] - items[i]) : strlen(items[i]);
        (void)snprintf(one, sizeof(one), "%.*s", (int)len, items[i]);
        unsigned long id = strtoul(strstr(one, "\"id\":") + 5, NULL, 10);
        p->gathered = all;
        if (p->mode == MODE_BATCH_PART && i == 0)
            continue;
        if (p->gathered_len > 1)
            all[p->gathered_len++] = ',';
        if (p->mode == MODE_BATCH_PART && i == 1)
            error(p, id, "{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x\"}");
        else
            answer_well(s, p, one, id, p->mode);
    }
    p->gathered = NULL;
    all[0] = '[';
    all[p->gathered_len++] = ']';
    int k = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                     p->gathered_len);
    (void)!send(p->fd, head, (size_t)k, MSG_NOSIGNAL);
    (void)!send(p->fd, all, p->gathered_len, MSG_NOSIGNAL);
    free(all);
}

/* True: it was one, and has been answered. */
static bool was_batch(struct faulty *s, struct peer *p, const char *body)
{
    const char *items[ITEMS];
    unsigned n = items_of(body, items);
    if (n == 0)
        return false;
    if (p->mode == MODE_BATCH_REFUSED)
        say(p, 200, "",
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"no "
            "batches here\"}}");
    else if (p->mode == MODE_BATCH_LARGE && n > 4)
        say(p, 413, "", "too much");
    else
        answer_batch(s, p, items, n);
    return true;
}

/* True: the connection goes on. */
static bool answer(struct faulty *s, struct peer *p, const char *body)
{
    const char *at = strstr(body, "\"id\":");
    unsigned long id = at ? strtoul(at + 5, NULL, 10) : 0;
    int mode = p->mode = __atomic_load_n(&s->mode, __ATOMIC_ACQUIRE);
    struct linger linger = {1, 0};
    struct timespec slow = {.tv_nsec = 100000000};
    switch (mode) {
    case MODE_RESET:
        (void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        return false;
    case MODE_500:
        say(p, 500, "", "internal");
        return true;
    case MODE_429:
        say(p, 429, "", "{\"error\":\"slow down\"}");
        return true;
    case MODE_429_AFTER:
        say(p, 429, "Retry-After: 2\r\n", "slow down");
        return true;
    case MODE_GARBAGE:
        say(p, 200, "", "\x01\x02 not json \xff");
        return true;
    case MODE_HTML:
        say(p, 200, "", "<html><body>It works!</body></html>");
        return true;
    case MODE_HALF:
        say(p, 200, "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":");
        return true;
    case MODE_QUOTA:
        say(p, 402, "", "{\"code\":402,\"message\":\"pay\"}");
        return true;
    case MODE_WRONG_ID:
        result(p, id + 1000, "\"0x1\"");
        return true;
    case MODE_HANG:
        hang(s);
        return false;
    case MODE_SLOW:
        (void)nanosleep(&slow, NULL);
        break;
    default:
        break;
    }
    if (was_batch(s, p, body))
        return true;
    answer_well(s, p, body, id, mode);
    return mode < MODE_CLOSES || mode > MODE_UNTIL_CLOSE || p->framed;
}

/* ---- connections ---- */

static void note(struct faulty *s, const char *body)
{
    bool probe = strstr(body, "\"eth_chainId\"") || strstr(body, "\"eth_blockNumber\"") ||
                 strstr(body, "\"getGenesisHash\"") || strstr(body, "\"getSlot\"") ||
                 strstr(body, "\"getHealth\"") || strstr(body, "\"eth_subscribe\"");
    const char *items[ITEMS];
    unsigned batch = items_of(body, items), n = batch > 0 ? batch : 1;
    (void)pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < n && s->time_count < FAULTY_TIMES; i++)
        s->times[s->time_count++] = clock_ns();
    (void)pthread_mutex_unlock(&s->lock);
    __atomic_add_fetch(probe ? &s->probes : &s->count, n, __ATOMIC_RELAXED);
    __atomic_add_fetch(&s->batched, batch, __ATOMIC_RELAXED);
    __atomic_add_fetch(&s->batches, batch > 0, __ATOMIC_RELAXED);
}

/* Answers the upgrade (RFC 6455 section 4.2.2). */
static bool upgrade(struct peer *p, const char *head)
{
    char key[128], text[256];
    unsigned char hash[EVP_MAX_MD_SIZE], accept[64];
    const char *at = strcasestr(head, "Sec-WebSocket-Key: ");
    unsigned n = 0;
    if (!at)
        return false;
    (void)snprintf(key, sizeof(key), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", at + 19);
    if (EVP_Digest(key, strlen(key), hash, &n, EVP_sha1(), NULL) != 1)
        return false;
    (void)EVP_EncodeBlock(accept, hash, (int)n);
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
                       "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                       accept);
    p->framed = true;
    __atomic_add_fetch(&p->server->sockets, 1, __ATOMIC_RELAXED);
    return send(p->fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

/* Takes one whole frame of a client off the front; the bytes it had, 0: it is not whole yet. */
static size_t take_frame(uint8_t *text, size_t n, char *body)
{
    size_t at = 2, len = n > 1 ? text[1] & 127u : 0;
    if (n < 8)
        return 0;
    if (len == 126) {
        len = (size_t)text[2] << 8 | text[3];
        at = 4;
    }
    if (n < at + 4 + len)
        return 0;
    for (size_t i = 0; i < len; i++)
        body[i] = (char)(text[at + 4 + i] ^ text[at + i % 4]);
    body[len] = '\0';
    return at + 4 + len;
}

/* Frames until the connection ends; all that come are whole text messages, but for pings. */
static void serve_frames(struct peer *p)
{
    uint8_t text[16384];
    char body[16384];
    size_t n = 0, took;
    for (;;) {
        ssize_t got = recv(p->fd, text + n, sizeof(text) - n, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
        while ((took = take_frame(text, n, body)) > 0) {
            bool message = (text[0] & 15) == 1;
            n -= took;
            memmove(text, text + took, n);
            if (!message)
                continue;
            note(p->server, body);
            __atomic_add_fetch(&p->server->framed, 1, __ATOMIC_RELAXED);
            if (!answer(p->server, p, body))
                return;
        }
    }
}

static void *serve(void *arg)
{
    struct peer *p = arg;
    char text[16384];
    size_t n = 0;
    for (;;) {
        ssize_t got = recv(p->fd, text + n, sizeof(text) - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "Content-Length: ");
        if (end && strcasestr(text, "Upgrade: websocket")) {
            if (upgrade(p, text))
                serve_frames(p);
            break;
        }
        size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
        if (!end || n < (size_t)(end + 4 - text) + body)
            continue;
        note(p->server, end + 4);
        if (!strcasestr(text, "Accept-Encoding: "))
            __atomic_add_fetch(&p->server->plain, 1, __ATOMIC_RELAXED);
        n = 0;
        if (!answer(p->server, p, end + 4))
            break;
    }
    (void)shutdown(p->fd, SHUT_RDWR);
    (void)pthread_mutex_lock(&p->server->lock);
    for (unsigned i = 0; i < p->server->connections; i++) {
        if (p->server->fds[i] == p->fd)
            p->server->fds[i] = -1;
    }
    (void)close(p->fd);
    (void)pthread_mutex_unlock(&p->server->lock);
    free(p);
    return NULL;
}

/* A new one, or that of a connection which has ended: its thread holds the lock no more. */
static unsigned free_slot(struct faulty *s)
{
    for (unsigned i = 0; i < s->connections; i++) {
        if (s->fds[i] == -1) {
            (void)pthread_join(s->threads[i], NULL);
            return i;
        }
    }
    return s->connections;
}

static void welcome(struct faulty *s, int fd)
{
    int one = 1;
    struct peer *p = calloc(1, sizeof(*p));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)pthread_mutex_lock(&s->lock);
    unsigned slot = free_slot(s);
    if (p && slot < FAULTY_CONNECTIONS) {
        *p = (struct peer){.server = s, .fd = fd};
        s->fds[slot] = fd;
        s->pushed[slot] = false;
        if (pthread_create(&s->threads[slot], NULL, serve, p) == 0) {
            s->connections += slot == s->connections;
            p = NULL;
            fd = -1;
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    free(p);
    if (fd >= 0)
        (void)close(fd);
}

static void *accept_all(void *arg)
{
    struct faulty *s = arg;
    struct timespec pause = {.tv_nsec = 2000000};
    while (!__atomic_load_n(&s->quit, __ATOMIC_ACQUIRE)) {
        int listener = __atomic_load_n(&s->listener, __ATOMIC_ACQUIRE);
        int fd = listener >= 0 ? accept(listener, NULL, NULL) : -1;
        if (fd >= 0)
            welcome(s, fd);
        else
            (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static int listen_on(uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("listen");
        abort();
    }
    *port = ntohs(at.sin_port);
    return fd;
}

struct faulty *faulty_start(uint64_t head)
{
    struct faulty *s = calloc(1, sizeof(*s));
    if (!s || !(s->times = calloc(FAULTY_TIMES, sizeof(s->times[0]))))
        abort();
    s->head = head;
    s->balance = 1;
    s->listener = listen_on(&s->port);
    (void)pthread_mutex_init(&s->lock, NULL);
    if (pthread_create(&s->acceptor, NULL, accept_all, s) != 0)
        abort();
    return s;
}

static void shut_all(struct faulty *s)
{
    (void)pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->connections; i++) {
        if (s->fds[i] >= 0)
            (void)shutdown(s->fds[i], SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void faulty_refuse(struct faulty *s, bool refuse)
{
    if (refuse) {
        int fd = __atomic_exchange_n(&s->listener, -1, __ATOMIC_ACQ_REL);
        (void)shutdown(fd, SHUT_RDWR);
        (void)close(fd);
        shut_all(s);
    } else {
        __atomic_store_n(&s->listener, listen_on(&s->port), __ATOMIC_RELEASE);
    }
}

void faulty_stop(struct faulty *s)
{
    __atomic_store_n(&s->quit, 1, __ATOMIC_RELEASE);
    if (s->listener >= 0)
        (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->acceptor, NULL);
    shut_all(s);
    for (unsigned i = 0; i < s->connections; i++)
        (void)pthread_join(s->threads[i], NULL);
    if (s->listener >= 0)
        (void)close(s->listener);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->times);
    free(s);
}

uint16_t faulty_port(const struct faulty *s)
{
    return s->port;
}

void faulty_mode(struct faulty *s, enum fault_mode mode)
{
    __atomic_store_n(&s->mode, (int)mode, __ATOMIC_RELEASE);
}

void faulty_head(struct faulty *s, uint64_t head)
{
    __atomic_store_n(&s->head, head, __ATOMIC_RELEASE);
}

void faulty_balance(struct faulty *s, uint64_t balance)
{
    __atomic_store_n(&s->balance, balance, __ATOMIC_RELEASE);
}

uint64_t faulty_count(const struct faulty *s, bool probes_too)
{
    return load(&s->count) + (probes_too ? load(&s->probes) : 0);
}

uint64_t faulty_subscribed(const struct faulty *s)
{
    return load(&s->subscribed);
}

void faulty_note(struct faulty *s, const char *text)
{
    (void)pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->connections; i++) {
        struct peer p = {.server = s, .fd = s->fds[i], .framed = true};
        if (s->pushed[i] && s->fds[i] >= 0)
            say(&p, 200, "", text);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void faulty_push(struct faulty *s, uint64_t head)
{
    char text[256];
    faulty_head(s, head);
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{"
                   "\"subscription\":\"" SUBSCRIPTION "\",\"result\":{\"number\":\"0x%llx\"}}}",
                   (unsigned long long)head);
    faulty_note(s, text);
}

uint64_t faulty_batched(const struct faulty *s)
{
    return load(&s->batched);
}

uint64_t faulty_batches(const struct faulty *s)
{
    return load(&s->batches);
}

uint64_t faulty_plain(const struct faulty *s)
{
    return load(&s->plain);
}

uint64_t faulty_framed(const struct faulty *s)
{
    return load(&s->framed);
}

uint64_t faulty_sockets(const struct faulty *s)
{
    return load(&s->sockets);
}

uint64_t faulty_worst_second(const struct faulty *s)
{
    uint64_t worst = 0, from = 0;
    for (uint64_t i = 0; i < s->time_count; i++) {
        while (s->times[i] - s->times[from] >= 1000000000u)
            from++;
        worst = i - from + 1 > worst ? i - from + 1 : worst;
    }
    return worst;
}
