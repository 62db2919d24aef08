/*
 * Stands between a client and a node on loopback, passes on what both say, and notes when: so that
 * the same is measured of a host and of a script, from outside. Asked to, it answers simulations by
 * itself and at once, as a node would that found them good.
 *
 *   bench-between NODE_PORT SDAI [stub]   prints its port; for each line of its input, what it saw
 *                                         since: KIND NANOSECONDS METHOD a line, then "."
 *
 * Kinds: log, head: a message of a subscription goes to the client. ask, told: a question goes to
 * the node, its answer is there; simulate, simulated: the same of a simulation. send: a signed
 * transaction has come. Must never be in front of a node with money: it says that all is well.
 */
#include "loop/loop.h"

#include <arpa/inet.h>
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

enum { TEXT = 1 << 20, NOTES = 1 << 16 };

enum kind { LOG, HEAD, ASK, TOLD, SIMULATE, SIMULATED, SEND };
static const char *const kinds[] = {"log", "head", "ask", "told", "simulate", "simulated", "send"};

struct note {
    enum kind kind;
    uint64_t ns;
    char method[32]; /* of a question, as far as it fits */
};

struct between {
    struct loop *loop;
    struct loop_watch listener, input;
    struct sockaddr_in node;
    const char *sdai;
    bool stub, quit;
    uint32_t notes;
    struct note note[NOTES];
};

struct link {
    struct loop_watch client, node;
    struct between *b;
    bool stream; /* a WebSocket: passed on as it comes */
    bool waits;  /* for the answer to what was asked */
    enum kind answer;
    size_t len;
    char text[TEXT + 1]; /* a request, until it is whole */
};

/* `body` of a question; NULL otherwise. */
static void note(struct between *b, enum kind kind, const char *body)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    if (b->notes == NOTES)
        return;
    struct note *n = &b->note[b->notes++];
    *n = (struct note){.kind = kind,
                       .ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec,
                       .method = "-"};
    const char *method = body ? strstr(body, "\"method\":\"") : NULL;
    if (method)
        (void)sscanf(method + 10, "%31[A-Za-z0-9_]", n->method);
}

static void unlink_both(struct link *l)
{
    loop_unwatch(l->b->loop, &l->client);
    loop_unwatch(l->b->loop, &l->node);
    (void)close(l->client.fd);
    (void)close(l->node.fd);
    free(l);
}

static bool pass(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* ---- the simulation that always succeeds ---- */

static json_t *call_result(const char *word, const char *gas)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:[]}", "status", "0x1", "returnData", word, "gasUsed", gas,
                     "maxUsedGas", gas, "logs");
}

/* Every call succeeds; the account has more sDAI behind them, and of all else what it had. */
static json_t *simulation(const struct between *b, const json_t *params)
{
    static const char had[] = "0x000000000000000000000000000000000000000000084595161401484a000000",
                      has[] = "0x0000000000000000000000000000000000000000000847b32ff4cb02fc400000";
    const json_t *block =
        json_array_get(json_object_get(json_array_get(params, 0), "blockStateCalls"), 0);
    const json_t *calls = json_object_get(block, "calls"), *call;
    json_t *list = json_array();
    bool behind = false;
    size_t i;
    json_array_foreach(calls, i, call)
    {
        const char *input = json_string_value(json_object_get(call, "input"));
        const char *to = json_string_value(json_object_get(call, "to"));
        bool balance = input && strncmp(input, "0x70a08231", 10) == 0;
        bool more = balance && behind && to && strcasecmp(to, b->sdai) == 0;
        behind = behind || !balance;
        (void)json_array_append_new(list, call_result(balance ? (more ? has : had) : "0x",
                                                      balance ? "0x7530" : "0x186a00"));
    }
    return json_pack("[{s:s,s:o}]", "number", "0x1", "calls", list);
}

static void answer_alone(struct link *l, const char *body, size_t len)
{
    json_t *root = json_loadb(body, len, 0, NULL);
    const char *method = json_string_value(json_object_get(root, "method"));
    json_t *id = json_object_get(root, "id"), *out;
    char head[128];
    if (method && strcmp(method, "eth_simulateV1") == 0)
        out = json_pack("{s:s,s:O,s:o}", "jsonrpc", "2.0", "id", id, "result",
                        simulation(l->b, json_object_get(root, "params")));
    else
        out = json_pack("{s:s,s:O,s:{s:i,s:s}}", "jsonrpc", "2.0", "id", id, "error", "code",
                        -32601, "message", "the method does not exist");
    char *text = json_dumps(out, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    int h = snprintf(head, sizeof(head),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                     "%zu\r\n\r\n",
                     n);
    (void)!send(l->client.fd, head, (size_t)h, MSG_NOSIGNAL | MSG_MORE);
    (void)pass(l->client.fd, text ? text : "", n);
    free(text);
    json_decref(out);
    json_decref(root);
}

/* ---- both ways ---- */

/* A whole request. */
static bool ask(struct link *l, const char *body, size_t len)
{
    bool simulates = memmem(body, len, "\"eth_simulateV1\"", 16) != NULL ||
                     memmem(body, len, "\"debug_traceCall\"", 17) != NULL;
    if (memmem(body, len, "\"eth_sendRawTransaction\"", 24))
        note(l->b, SEND, NULL);
    note(l->b, simulates ? SIMULATE : ASK, body);
    if (simulates && l->b->stub) {
        answer_alone(l, body, len);
        note(l->b, SIMULATED, NULL);
        return true;
    }
    l->answer = simulates ? SIMULATED : TOLD;
    l->waits = true;
    return pass(l->node.fd, l->text, l->len);
}

/* A frame of the client's on a WebSocket, as RFC 6455 has it: its length, or 0 while it is not
 * whole; `body` has its text without the mask. */
static size_t frame(const uint8_t *at, size_t len, char *body)
{
    size_t head = 2, size = len > 1 ? at[1] & 127u : 0;
    if (size == 126 && len > 3) {
        size = (size_t)at[2] << 8 | at[3];
        head = 4;
    } else if (size == 127 && len > 9) {
        size = (size_t)at[6] << 24 | (size_t)at[7] << 16 | (size_t)at[8] << 8 | at[9];
        head = 10;
    } else if (size > 125) {
        return 0;
    }
    if (len < head + 4 + size)
        return 0;
    for (size_t i = 0; i < size; i++)
        body[i] = (char)(at[head + 4 + i] ^ at[head + (i & 3)]);
    body[size] = '\0';
    return head + 4 + size;
}

/* What is asked over a WebSocket is noted, and passed on as it came. */
static bool ask_frames(struct link *l)
{
    static char body[TEXT + 1];
    size_t done = 0, n;
    while (l->len > done && (n = frame((uint8_t *)l->text + done, l->len - done, body)) > 0) {
        if (strstr(body, "\"eth_sendRawTransaction\""))
            note(l->b, SEND, NULL);
        if (strstr(body, "\"method\""))
            note(l->b, ASK, body);
        done += n;
    }
    bool good = pass(l->node.fd, l->text, done);
    memmove(l->text, l->text + done, l->len - done);
    l->len -= done;
    return good;
}

static void on_client(void *ctx, uint32_t events)
{
    struct link *l = ctx;
    (void)events;
    ssize_t got = recv(l->client.fd, l->text + l->len, TEXT - l->len, MSG_DONTWAIT);
    if (got <= 0) {
        unlink_both(l);
        return;
    }
    l->len += (size_t)got;
    l->text[l->len] = '\0';
    if (l->stream) {
        if (!ask_frames(l))
            unlink_both(l);
        return;
    }
    const char *end = strstr(l->text, "\r\n\r\n");
    const char *length = strcasestr(l->text, "Content-Length: ");
    size_t head = end ? (size_t)(end + 4 - l->text) : 0;
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
    if (!end || l->len < head + body)
        return;
    l->stream = strcasestr(l->text, "Upgrade: websocket") != NULL;
    bool good = l->stream ? pass(l->node.fd, l->text, l->len) : ask(l, l->text + head, body);
    l->len = 0;
    if (!good)
        unlink_both(l);
}

static void on_node(void *ctx, uint32_t events)
{
    static char text[TEXT];
    struct link *l = ctx;
    (void)events;
    ssize_t got = recv(l->node.fd, text, TEXT, MSG_DONTWAIT);
    if (got <= 0) {
        unlink_both(l);
        return;
    }
    if (l->waits)
        note(l->b, l->answer, NULL);
    else if (l->stream && memmem(text, (size_t)got, "\"topics\"", 8))
        note(l->b, LOG, NULL);
    else if (l->stream && memmem(text, (size_t)got, "\"parentHash\"", 12))
        note(l->b, HEAD, NULL);
    if (l->stream && memmem(text, (size_t)got, "\"id\":", 5))
        note(l->b, TOLD, NULL);
    l->waits = false;
    if (!pass(l->client.fd, text, (size_t)got))
        unlink_both(l);
}

static void on_listener(void *ctx, uint32_t events)
{
    struct between *b = ctx;
    int fd = accept(b->listener.fd, NULL, NULL), one = 1;
    int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct link *l = calloc(1, sizeof(*l));
    (void)events;
    if (!l || fd < 0 || connect(up, (struct sockaddr *)&b->node, sizeof(b->node)) != 0) {
        (void)close(fd);
        (void)close(up);
        free(l);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(up, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    l->b = b;
    l->client = (struct loop_watch){.fd = fd, .fn = on_client, .ctx = l, .events = EPOLLIN};
    l->node = (struct loop_watch){.fd = up, .fn = on_node, .ctx = l, .events = EPOLLIN};
    (void)loop_watch(b->loop, &l->client, NULL);
    (void)loop_watch(b->loop, &l->node, NULL);
}

static void on_input(void *ctx, uint32_t events)
{
    struct between *b = ctx;
    char line[256];
    (void)events;
    b->quit = read(0, line, sizeof(line)) <= 0;
    for (uint32_t i = 0; i < b->notes; i++)
        (void)printf("%s %llu %s\n", kinds[b->note[i].kind], (unsigned long long)b->note[i].ns,
                     b->note[i].method);
    (void)printf(".\n");
    (void)fflush(stdout);
    b->notes = 0;
}

int main(int argc, char **argv)
{
    static struct between b;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (argc < 3 || fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(fd, 128) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
        loop_create(&b.loop, NULL) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    b.node = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    b.sdai = argv[2];
    b.stub = argc > 3;
    b.listener = (struct loop_watch){.fd = fd, .fn = on_listener, .ctx = &b, .events = EPOLLIN};
    b.input = (struct loop_watch){.fd = 0, .fn = on_input, .ctx = &b, .events = EPOLLIN};
    if (loop_watch(b.loop, &b.listener, NULL) != 0 || loop_watch(b.loop, &b.input, NULL) != 0)
        return 2;
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    while (!b.quit)
        (void)loop_step(b.loop, 1000000000u, 0);
    return 0;
}
