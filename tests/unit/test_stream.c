/*
 * The memory of a stream over a real connection: what a large message needed is given back, and
 * what a lost thread may still read is not; and where its messages are received.
 */
#include "harness.h"
#include "net/stream_private.h"
#include "worker/received.h"

#include <arpa/inet.h>
#include <hawse/types.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS    1000000ull
#define LARGE ((size_t)2 << 20)

/* The other end: one connection, upgraded, then written to by the test. */
struct server {
    int listener, client;
    uint16_t port;
    pthread_t thread;
};

static void *serve(void *arg)
{
    static const char extension[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    struct server *s = arg;
    char request[4096], joined[128], accept_key[64];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    int client = accept(s->listener, NULL, NULL);
    ssize_t got = recv(client, request, sizeof(request) - 1, 0);
    request[got > 0 ? got : 0] = '\0';
    char *key = strstr(request, "Sec-WebSocket-Key: ");
    CHECK(key != NULL);
    (void)snprintf(joined, sizeof(joined), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                   key + strlen("Sec-WebSocket-Key: "));
    CHECK(EVP_Digest(joined, strlen(joined), hash, &n, EVP_sha1(), NULL) == 1);
    (void)EVP_EncodeBlock((unsigned char *)accept_key, hash, (int)n);
    int len = snprintf(request, sizeof(request),
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nX-Repeats: a-key-of-ours\r\n%s"
                       "Sec-WebSocket-Accept: %s\r\n\r\n",
                       strstr(request, "permessage-deflate") ? extension : "", accept_key);
    CHECK(send(client, request, (size_t)len, 0) == len);
    __atomic_store_n(&s->client, client, __ATOMIC_RELEASE);
    return NULL;
}

struct bench {
    struct server server;
    struct loop *loop;
    struct connector *connector;
    struct stream *stream;
    const uint8_t *last; /* frame */
    uint64_t messages, last_len;
    uint8_t last_byte;
};

static int32_t on_frames(void *ctx, struct stream *stream, const struct stream_frame *frames,
                         uint32_t n, uint64_t t_recv_ns)
{
    (void)stream, (void)t_recv_ns;
    struct bench *b = ctx;
    b->messages += n;
    b->last = frames[n - 1].data;
    b->last_len = frames[n - 1].len;
    b->last_byte = frames[n - 1].data[frames[n - 1].len - 1];
    return (int32_t)n;
}

static void on_status(void *ctx, struct stream *stream, const struct stream_status *status)
{
    (void)ctx, (void)stream, (void)status;
}

static void open_bench_in(struct bench *b, const struct ws_memory *memory)
{
    static const struct stream_handler handler = {.on_frames = on_frames, .on_status = on_status};
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(where);
    char url[64];
    memset(b, 0, sizeof(*b));
    b->server.listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(b->server.listener, (struct sockaddr *)&where, sizeof(where)) == 0);
    CHECK(listen(b->server.listener, 1) == 0);
    CHECK(getsockname(b->server.listener, (struct sockaddr *)&where, &len) == 0);
    CHECK(pthread_create(&b->server.thread, NULL, serve, &b->server) == 0);
    (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/", ntohs(where.sin_port));
    struct config_endpoint endpoint = {
        .name = "ws", .url = url, .display = url, .deflate = memory != NULL};
    struct stream_options options = {.name = "test", .endpoint = &endpoint, .memory = memory};
    CHECK_EQ(loop_create(&b->loop, NULL), HAWSE_OK);
    CHECK_EQ(connector_create(&b->connector, NULL), HAWSE_OK);
    CHECK_EQ(stream_create(b->loop, b->connector, NULL, &options, &handler, b, &b->stream, NULL),
             HAWSE_OK);
    while (stream_epoch(b->stream) == 0)
        (void)loop_step(b->loop, MS, 0);
    (void)pthread_join(b->server.thread, NULL);
}

static void open_bench(struct bench *b)
{
    open_bench_in(b, NULL);
}

static void close_bench(struct bench *b)
{
    stream_destroy(b->stream);
    connector_destroy(b->connector);
    loop_destroy(b->loop);
    (void)close(b->server.client);
    (void)close(b->server.listener);
}

static void put(struct bench *b, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = send(b->server.client, (const char *)data + done, len - done, MSG_DONTWAIT);
        done += n > 0 ? (size_t)n : 0;
        (void)loop_step(b->loop, 0, 0);
    }
}

/* A frame of `len` bytes 'x', the last one 'y'; its size. */
static size_t make_frame(uint8_t *out, uint8_t first, size_t len)
{
    size_t head = len < 126 ? 2 : 10;
    out[0] = first;
    out[1] = len < 126 ? (uint8_t)len : 127;
    for (size_t i = 0; head == 10 && i < 8; i++)
        out[2 + i] = (uint8_t)(len >> (56 - 8 * i));
    memset(out + head, 'x', len);
    out[head + len - 1] = 'y';
    return head + len;
}

static void until(struct bench *b, uint64_t messages)
{
    while (b->messages < messages)
        (void)loop_step(b->loop, MS, 0);
    CHECK_EQ_U64(b->messages, messages);
    CHECK_EQ(b->last_byte, 'y');
}

TEST(stream_trims, "the buffer of a large message is given back when none came for ten seconds")
{
    struct bench b;
    uint8_t *frame = malloc(LARGE + 16), small[64];
    open_bench(&b);
    for (uint64_t round = 0; round < 2; round++) {
        put(&b, frame, make_frame(frame, 0x82, LARGE));
        until(&b, 2 * round + 1);
        CHECK_EQ_U64(b.last_len, LARGE);
        CHECK(b.stream->rx_cap > LARGE);
        uint64_t now = loop_clock();
        stream_trim(b.stream, now); /* sees that it was needed */
        stream_trim(b.stream, now + 9999 * MS);
        CHECK(b.stream->rx_cap > LARGE);
        stream_trim(b.stream, now + 10000 * MS);
        CHECK_EQ_U64(b.stream->rx_cap, STREAM_RX_BYTES);
        put(&b, small, make_frame(small, 0x82, 20));
        until(&b, 2 * round + 2);
        CHECK_EQ_U64(b.last_len, 20);
    }
    close_bench(&b);
    free(frame);
}

TEST(stream_keeps_large, "a stream that needs large messages all the time keeps its buffer")
{
    struct bench b;
    uint8_t *frame = malloc(LARGE + 16);
    open_bench(&b);
    uint64_t now = loop_clock();
    for (uint64_t i = 1; i <= 5; i++) {
        put(&b, frame, make_frame(frame, 0x82, LARGE));
        until(&b, i);
        stream_trim(b.stream, now + i * 9000 * MS);
        CHECK(b.stream->rx_cap > LARGE);
    }
    close_bench(&b);
    free(frame);
}

TEST(stream_trims_within, "what has come of a message survives the trim, in fragments too")
{
    struct bench b;
    uint8_t *frame = malloc(LARGE + 16);
    open_bench(&b);
    put(&b, frame, make_frame(frame, 0x02, LARGE)); /* the first fragment of a message */
    put(&b, frame, make_frame(frame, 0x80, 10));    /* and its last */
    until(&b, 1);
    CHECK_EQ_U64(b.last_len, LARGE + 10);
    CHECK(b.stream->assembly.cap > LARGE);
    size_t size = make_frame(frame, 0x82, 70000);
    put(&b, frame, size / 2);
    while (b.stream->rx_end < size / 2)
        (void)loop_step(b.loop, MS, 0);
    uint64_t now = loop_clock();
    stream_trim(b.stream, now);
    stream_trim(b.stream, now + 20000 * MS);
    CHECK_EQ_U64(b.stream->rx_cap, STREAM_RX_BYTES);
    CHECK_EQ_U64(b.stream->assembly.cap, STREAM_RX_BYTES);
    put(&b, frame + size / 2, size - size / 2);
    until(&b, 2);
    CHECK_EQ_U64(b.last_len, 70000);
    close_bench(&b);
    free(frame);
}

TEST(stream_lost_thread, "a thread that hangs in its callback can read its frames for ever")
{
    struct bench b;
    uint8_t small[64];
    open_bench(&b);
    put(&b, small, make_frame(small, 0x82, 20));
    until(&b, 1);
    b.stream->delivering = true; /* as it is when a callback does not come back */
    uint8_t *frames = b.stream->rx;
    frames[STREAM_RX_BYTES - 1] = 42;
    close_bench(&b);
    CHECK_EQ(frames[STREAM_RX_BYTES - 1], 42);
    free(frames);
}

TEST(stream_receives_there, "messages are received where the owner wants them, the upgrade never")
{
    static const char key[] = "a-key-of-ours";
    static const char deflated[] = "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"; /* RFC 7692, 7.2.3.1 */
    struct bench b;
    struct received r;
    struct ws_memory memory = {.resize = received_resize, .ctx = &r};
    struct fault fault = {0};
    uint64_t offset = 0;
    uint8_t *frame = malloc(LARGE + 16), small[64];
    CHECK_EQ(received_open(&r, &fault), HAWSE_OK);
    open_bench_in(&b, &memory);
    put(&b, small, make_frame(small, 0x82, 20));
    until(&b, 1);
    CHECK(received_find(&r, b.last, b.last_len, &offset));
    CHECK(memmem(r.base, RECEIVED_BYTES, key, sizeof(key) - 1) == NULL);
    put(&b, deflated, sizeof(deflated) - 1);
    while (b.messages < 2)
        (void)loop_step(b.loop, MS, 0);
    CHECK(b.last_len == 5 && memcmp(b.last, "Hello", 5) == 0);
    CHECK(received_find(&r, b.last, b.last_len, &offset));
    put(&b, frame, make_frame(frame, 0x82, LARGE)); /* the buffer grows */
    until(&b, 3);
    CHECK(received_find(&r, b.last, b.last_len, &offset));
    put(&b, frame, make_frame(frame, 0x02, LARGE)); /* in fragments */
    put(&b, frame, make_frame(frame, 0x80, 10));
    until(&b, 4);
    CHECK_EQ_U64(b.last_len, LARGE + 10);
    CHECK(received_find(&r, b.last, b.last_len, &offset));
    CHECK(memmem(r.base, RECEIVED_BYTES, key, sizeof(key) - 1) == NULL);
    CHECK(b.stream->upgrade_rx != NULL);
    CHECK(memmem(b.stream->upgrade_rx, STREAM_RX_BYTES, key, sizeof(key) - 1) == NULL);
    const uint8_t *was = b.stream->rx;
    stream_reconnect(b.stream, "test");
    while (b.stream->upgrade_rx) /* lost: the buffer of upgrades serves again */
        (void)loop_step(b.loop, MS, 0);
    CHECK(!received_find(&r, b.stream->rx, 1, &offset));
    CHECK_EQ(was[0], 0);
    close_bench(&b);
    CHECK_EQ_U64(r.count, 0);
    received_close(&r);
    free(frame);
}
