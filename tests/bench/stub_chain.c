/*
 * A stand-in for a node, because a real one is slower than the host that is measured: answers
 * JSON-RPC over HTTP on loopback at once, and mines all that it has whenever it is asked for the
 * newest block. It checks no signature; who sent a transaction it knows by the number that is in
 * its calldata. Its answers have the form of anvil's, which tests/intents uses.
 *
 *   bench-stub-chain SHARE ADDRESS...   numbers below SHARE are of the first address, below twice
 *                                       SHARE of the second ... Prints its port; when its input
 * ends, requests, transactions, and numbers that came twice
 */
#include "loop/loop.h"

#include <arpa/inet.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    ACCOUNTS = 16,
    NUMBERS = 1 << 20,
    REQUEST = 256 << 10,
    ANSWER = 64 << 10,
    BLOCKS = 1 << 20,
    NONCES = 1 << 16
};

struct chain {
    struct loop *loop;
    struct loop_watch listener, input;
    const char *addresses[ACCOUNTS];
    uint64_t mined[ACCOUNTS];      /* transactions of each that are in blocks */
    uint32_t at[ACCOUNTS][NONCES]; /* 1 + the number that came with a nonce; 0: none did */
    unsigned accounts;
    uint64_t share, head, requests, sends, twice, unknown;
    time_t times[BLOCKS];
    struct {
        uint8_t hash[32];
        uint64_t block; /* 0 = not mined yet */
        bool there;
    } sent[NUMBERS]; /* by the number in the calldata */
    bool quit;
};

struct client {
    struct loop_watch watch;
    struct chain *chain;
    size_t len;
    char text[REQUEST + 1];
};

/* ---- blocks and transactions ---- */

static void mine(struct chain *c)
{
    c->head++;
    c->times[c->head % BLOCKS] = time(NULL);
    for (unsigned i = 0; i < c->accounts; i++) {
        uint32_t n;
        while (c->mined[i] < NONCES && (n = c->at[i][c->mined[i]]) != 0) {
            c->sent[n - 1].block = c->head;
            c->mined[i]++;
        }
    }
}

static int block_text(const struct chain *c, uint64_t n, char *out)
{
    return snprintf(out, ANSWER,
                    "{\"number\":\"0x%llx\",\"hash\":\"0x%064llx\",\"parentHash\":\"0x%064llx\","
                    "\"timestamp\":\"0x%llx\",\"gasLimit\":\"0x1c9c380\",\"gasUsed\":\"0xe4e1c0\","
                    "\"baseFeePerGas\":\"0x3b9aca00\",\"transactions\":[]}",
                    (unsigned long long)n, (unsigned long long)n, (unsigned long long)n - 1,
                    (unsigned long long)c->times[n % BLOCKS]);
}

/* The number in hit(uint256); NUMBERS: none. */
static uint64_t number_in(const uint8_t *raw, size_t len)
{
    static const uint8_t selector[4] = {0xeb, 0xf6, 0xe9, 0x1d};
    const uint8_t *at = memmem(raw, len, selector, 4);
    uint64_t n = 0;
    if (!at || at + 36 > raw + len)
        return NUMBERS;
    for (int i = 28; i < 36; i++)
        n = n << 8 | at[i];
    return n < NUMBERS ? n : NUMBERS;
}

/* Of a transaction of type 2: 0x02, then the list [chain id, nonce, ...]. NONCES: it is none. */
static uint64_t nonce_in(const uint8_t *raw, size_t len)
{
    uint64_t n = 0;
    if (len < 100 || raw[0] != 2 || raw[1] < 0xf8)
        return NONCES;
    const uint8_t *at = raw + 2 + (raw[1] - 0xf7); /* behind the list's length */
    at += *at < 0x80 ? 1 : 1 + *at - 0x80;         /* the chain id */
    if (*at < 0x80)
        return *at;
    for (uint8_t i = 0; i < *at - 0x80 && i < 8; i++)
        n = n << 8 | at[1 + i];
    return n < NONCES ? n : NONCES;
}

static int send_raw(struct chain *c, const char *hex, char *out)
{
    static uint8_t raw[REQUEST / 2];
    uint64_t len = strlen(hex) / 2 - 1;
    uint8_t hash[32];
    char text[65] = {0};
    if (hawse_hex_fixed((const uint8_t *)hex, strlen(hex), raw, len) != HAWSE_OK)
        return snprintf(out, ANSWER, "\"0x\"");
    hawse_keccak256(raw, len, hash);
    hawse_hex_encode(hash, 32, text);
    uint64_t n = number_in(raw, len), nonce = nonce_in(raw, len);
    c->sends++;
    if (n == NUMBERS || n / c->share >= c->accounts || nonce == NONCES) {
        c->unknown++;
    } else if (!c->sent[n].there) {
        c->sent[n].there = true;
        memcpy(c->sent[n].hash, hash, 32);
        c->at[n / c->share][nonce] = (uint32_t)n + 1;
    } else if (memcmp(c->sent[n].hash, hash, 32) != 0) {
        c->twice++;
    }
    return snprintf(out, ANSWER, "\"0x%s\"", text);
}

static int receipt(const struct chain *c, const char *hex, char *out)
{
    uint8_t hash[32];
    uint64_t n = 0;
    if (hawse_hex_fixed((const uint8_t *)hex, strlen(hex), hash, 32) != HAWSE_OK)
        return -1;
    while (n < NUMBERS && !(c->sent[n].there && memcmp(c->sent[n].hash, hash, 32) == 0))
        n = n + 1 < c->share * c->accounts ? n + 1 : NUMBERS;
    if (n == NUMBERS || c->sent[n].block == 0)
        return snprintf(out, ANSWER, "null");
    return snprintf(out, ANSWER,
                    "{\"transactionHash\":\"%s\",\"blockHash\":\"0x%064llx\",\"blockNumber\":"
                    "\"0x%llx\",\"status\":\"0x1\",\"gasUsed\":\"0xb000\",\"effectiveGasPrice\":"
                    "\"0x3b9aca00\",\"logs\":[]}",
                    hex, (unsigned long long)c->sent[n].block,
                    (unsigned long long)c->sent[n].block);
}

/* ---- methods ---- */

static const char *text_at(const json_t *params, size_t i)
{
    const char *text = json_string_value(json_array_get(params, i));
    return text ? text : "";
}

static int count_of(const struct chain *c, const json_t *params, char *out)
{
    for (unsigned i = 0; i < c->accounts; i++) {
        uint64_t n = c->mined[i];
        if (strcasecmp(text_at(params, 0), c->addresses[i]) != 0)
            continue;
        while (strcmp(text_at(params, 1), "pending") == 0 && n < NONCES && c->at[i][n] != 0)
            n++;
        return snprintf(out, ANSWER, "\"0x%llx\"", (unsigned long long)n);
    }
    return snprintf(out, ANSWER, "\"0x0\"");
}

static int history(const struct chain *c, const json_t *params, char *out)
{
    uint64_t blocks = strtoull(text_at(params, 0), NULL, 16);
    blocks = blocks < c->head ? blocks : c->head;
    int n = snprintf(out, ANSWER, "{\"oldestBlock\":\"0x%llx\",\"baseFeePerGas\":[\"0x3b9aca00\"",
                     (unsigned long long)(c->head - blocks + 1));
    for (uint64_t i = 0; i < blocks; i++)
        n += snprintf(out + n, 32, ",\"0x3b9aca00\"");
    n += snprintf(out + n, 32, "],\"gasUsedRatio\":[");
    for (uint64_t i = 0; i < blocks; i++)
        n += snprintf(out + n, 32, "%s0.5", i ? "," : "");
    n += snprintf(out + n, 32, "],\"reward\":[");
    for (uint64_t i = 0; i < blocks; i++)
        n += snprintf(out + n, 32, "%s[\"0x3b9aca00\"]", i ? "," : "");
    return n + snprintf(out + n, 32, "]}");
}

/* Every call succeeds and moves nothing. */
static int simulate(const struct chain *c, const json_t *params, char *out)
{
    const json_t *blocks = json_object_get(json_array_get(params, 0), "blockStateCalls");
    const json_t *calls = json_object_get(json_array_get(blocks, 0), "calls");
    int n = snprintf(out, ANSWER, "[{\"number\":\"0x%llx\",\"calls\":[",
                     (unsigned long long)c->head + 1);
    for (size_t i = 0; i < json_array_size(calls) && n < ANSWER - 256; i++)
        n += snprintf(out + n, 256,
                      "%s{\"status\":\"0x1\",\"returnData\":\"0x\",\"gasUsed\":\"0xb000\","
                      "\"maxUsedGas\":\"0xb000\",\"logs\":[]}",
                      i ? "," : "");
    return n + snprintf(out + n, 8, "]}]");
}

static int block(struct chain *c, const char *tag, char *out)
{
    uint64_t n = strncmp(tag, "0x", 2) == 0 ? strtoull(tag, NULL, 16) : c->head;
    if (strcmp(tag, "latest") == 0) {
        mine(c);
        n = c->head;
    }
    return n > c->head ? snprintf(out, ANSWER, "null") : block_text(c, n, out);
}

/* The result; negative: there is no such method here. */
static int answer(struct chain *c, const char *method, const json_t *params, char *out)
{
    if (strcmp(method, "eth_chainId") == 0)
        return snprintf(out, ANSWER, "\"0x7a69\"");
    if (strcmp(method, "eth_blockNumber") == 0)
        return snprintf(out, ANSWER, "\"0x%llx\"", (unsigned long long)c->head);
    if (strncmp(method, "eth_getBlockBy", 14) == 0)
        return block(c, text_at(params, 0), out);
    if (strcmp(method, "eth_feeHistory") == 0)
        return history(c, params, out);
    if (strcmp(method, "eth_getBalance") == 0)
        return snprintf(out, ANSWER, "\"0xd3c21bcecceda1000000\"");
    if (strcmp(method, "eth_getCode") == 0)
        return snprintf(out, ANSWER, "\"0x\"");
    if (strcmp(method, "eth_getTransactionCount") == 0)
        return count_of(c, params, out);
    if (strcmp(method, "eth_simulateV1") == 0)
        return simulate(c, params, out);
    if (strcmp(method, "eth_sendRawTransaction") == 0)
        return send_raw(c, text_at(params, 0), out);
    if (strcmp(method, "eth_getTransactionReceipt") == 0)
        return receipt(c, text_at(params, 0), out);
    return -1;
}

/* ---- HTTP ---- */

static void reply(struct client *client, const char *body, size_t len)
{
    static char out[ANSWER + 512], result[ANSWER];
    struct chain *c = client->chain;
    json_t *root = json_loadb(body, len, 0, NULL);
    const char *method = json_string_value(json_object_get(root, "method"));
    long long id = (long long)json_integer_value(json_object_get(root, "id"));
    int n = method ? answer(c, method, json_object_get(root, "params"), result) : -1;
    char head[128];
    c->requests++;
    if (n < 0)
        n = snprintf(out, sizeof(out),
                     "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"error\":{\"code\":-32601,\"message\":"
                     "\"the method does not exist\"}}",
                     id);
    else
        n = snprintf(out, sizeof(out), "{\"jsonrpc\":\"2.0\",\"id\":%lld,\"result\":%s}", id,
                     result);
    int h = snprintf(head, sizeof(head),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                     "%d\r\n\r\n",
                     n);
    (void)!send(client->watch.fd, head, (size_t)h, MSG_NOSIGNAL | MSG_MORE);
    (void)!send(client->watch.fd, out, (size_t)n, MSG_NOSIGNAL);
    json_decref(root);
}

static void on_client(void *ctx, uint32_t events)
{
    struct client *c = ctx;
    (void)events;
    ssize_t got = recv(c->watch.fd, c->text + c->len, REQUEST - c->len, MSG_DONTWAIT);
    if (got <= 0) {
        loop_unwatch(c->chain->loop, &c->watch);
        (void)close(c->watch.fd);
        free(c);
        return;
    }
    c->len += (size_t)got;
    c->text[c->len] = '\0';
    const char *end = strstr(c->text, "\r\n\r\n"),
               *length = strcasestr(c->text, "Content-Length: ");
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
    if (!end || c->len < (size_t)(end + 4 - c->text) + body)
        return;
    reply(c, end + 4, body);
    c->len = 0;
}

static void on_listener(void *ctx, uint32_t events)
{
    struct chain *chain = ctx;
    int fd = accept(chain->listener.fd, NULL, NULL), one = 1;
    struct client *c = fd >= 0 ? calloc(1, sizeof(*c)) : NULL;
    (void)events;
    if (!c)
        return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    c->chain = chain;
    c->watch = (struct loop_watch){.fd = fd, .fn = on_client, .ctx = c, .events = EPOLLIN};
    (void)loop_watch(chain->loop, &c->watch, NULL);
}

static void on_input(void *ctx, uint32_t events)
{
    struct chain *chain = ctx;
    char byte;
    (void)events;
    chain->quit = read(0, &byte, 1) <= 0;
}

int main(int argc, char **argv)
{
    static struct chain c = {.head = 100};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (argc < 3 || argc - 2 > ACCOUNTS || fd < 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0 || loop_create(&c.loop, NULL) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    c.share = strtoull(argv[1], NULL, 10);
    for (int i = 2; i < argc; i++)
        c.addresses[c.accounts++] = argv[i];
    for (uint64_t n = 0; n <= c.head; n++)
        c.times[n] = time(NULL);
    c.listener = (struct loop_watch){.fd = fd, .fn = on_listener, .ctx = &c, .events = EPOLLIN};
    c.input = (struct loop_watch){.fd = 0, .fn = on_input, .ctx = &c, .events = EPOLLIN};
    if (loop_watch(c.loop, &c.listener, NULL) != 0 || loop_watch(c.loop, &c.input, NULL) != 0)
        return 2;
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    while (!c.quit)
        (void)loop_step(c.loop, 1000000000u, 0);
    (void)printf("%llu %llu %llu %llu\n", (unsigned long long)c.requests,
                 (unsigned long long)c.sends, (unsigned long long)c.twice,
                 (unsigned long long)c.unknown);
    return 0;
}
