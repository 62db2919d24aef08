/*
 * Providers in front of one node, which break on command. Each listens on a port of its own and
 * passes requests on to the node, or does instead what its mode says:
 *
 *   good     passes on                         reset    closes the connection, unanswered
 *   refused  does not listen                   hang     never answers
 *   429 500  answers so                        garbage  answers bytes that are no JSON
 *   html     answers a page                    half     answers half of the node's answer
 *   slow     answers 300 ms later              deaf     passes on, and closes the connection
 * unanswered swallow  says that a transaction is known, and forgets it; else good stale N  is at
 * block N, and knows nothing later; takes transactions
 *
 * It owns its connections, a thread each. It must never change what the node is asked while a
 * provider is good.
 *
 *   intents-proxy NODE_PORT COUNT     prints the ports; then one command a line: "INDEX MODE [N]"
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PROVIDERS = 8, TEXT_MAX = 16 << 20 };
enum mode {
    GOOD,
    REFUSED,
    RESET,
    HANG,
    SAYS_429,
    SAYS_500,
    GARBAGE,
    HTML,
    HALF,
    SLOW,
    DEAF,
    SWALLOW,
    STALE,
    MODES
};

static const char *const names[MODES] = {"good", "refused", "reset", "hang", "429",
                                         "500",  "garbage", "html",  "half", "slow",
                                         "deaf", "swallow", "stale"};

struct provider {
    int mode;      /* atomic */
    uint64_t head; /* atomic; stale */
    int listener;  /* of the thread that accepts; -1 = refused */
    uint16_t port, node;
    pthread_t acceptor;
};

/* What was read of one connection and not used. */
struct stream {
    int fd;
    char *text;
    size_t len, cap;
};

static void pause_ms(long ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&ts, NULL);
}

static enum mode mode_of(const struct provider *p)
{
    return (enum mode)__atomic_load_n(&p->mode, __ATOMIC_ACQUIRE);
}

/* ---- HTTP ---- */

static bool read_more(struct stream *s)
{
    if (s->len + 1 >= s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16384;
        char *more = cap > TEXT_MAX ? NULL : realloc(s->text, cap);
        if (!more)
            return false;
        s->text = more;
        s->cap = cap;
    }
    ssize_t n = recv(s->fd, s->text + s->len, s->cap - s->len - 1, 0);
    if (n <= 0)
        return false;
    s->len += (size_t)n;
    s->text[s->len] = '\0';
    return true;
}

/* One message, headers and body; 0 = the connection is over. */
static size_t read_message(struct stream *s, size_t *body)
{
    char *end;
    while (!s->text || !(end = strstr(s->text, "\r\n\r\n"))) {
        if (!read_more(s))
            return 0;
    }
    *body = (size_t)(end - s->text) + 4;
    const char *length = strcasestr(s->text, "\ncontent-length:");
    size_t whole = *body;
    if (length && length < end)
        whole += strtoul(length + 16, NULL, 10);
    while (s->len < whole) {
        if (!read_more(s))
            return 0;
    }
    return whole;
}

static void drop_message(struct stream *s, size_t whole)
{
    memmove(s->text, s->text + whole, s->len - whole + 1);
    s->len -= whole;
}

static bool write_all(int fd, const char *text, size_t len)
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

static bool say(int fd, const char *status, const char *body, size_t len)
{
    char head[160];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: "
                     "%zu\r\n\r\n",
                     status, len);
    return write_all(fd, head, (size_t)n) && write_all(fd, body, len);
}

static bool say_text(int fd, const char *status, const char *body)
{
    return say(fd, status, body, strlen(body));
}

static bool say_json(int fd, const char *question, const char *answer)
{
    char text[256];
    const char *id = strstr(question, "\"id\":");
    (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%lu,%s}",
                   id ? strtoul(id + 5, NULL, 10) : 0, answer);
    return say_text(fd, "200 OK", text);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* ---- the node ---- */

/* The node's answer to this body; malloc'd and ended with a zero; NULL = it gave none. */
static char *ask_node(struct stream *node, uint16_t port, const char *body, size_t len,
                      size_t *answer_len)
{
    char head[160];
    size_t at = 0;
    if (node->fd < 0)
        node->fd = connect_to(port);
    int n = snprintf(head, sizeof(head),
                     "POST / HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\n"
                     "content-length: %zu\r\n\r\n",
                     len);
    bool asked =
        node->fd >= 0 && write_all(node->fd, head, (size_t)n) && write_all(node->fd, body, len);
    size_t whole = asked ? read_message(node, &at) : 0;
    char *answer = whole ? malloc(whole - at + 1) : NULL;
    if (!answer) {
        if (node->fd >= 0)
            (void)close(node->fd);
        node->fd = -1;
        node->len = 0;
        return NULL;
    }
    *answer_len = whole - at;
    memcpy(answer, node->text + at, *answer_len);
    answer[*answer_len] = '\0';
    drop_message(node, whole);
    return answer;
}

/* As a node that is at `head` would be asked. */
static char *older(const char *body, size_t len, uint64_t head, size_t *out_len)
{
    static const char *const tags[] = {"\"latest\"", "\"pending\""};
    char *out = malloc(3 * len + 1), number[32];
    size_t at = 0;
    if (!out)
        return NULL;
    int n = snprintf(number, sizeof(number), "\"0x%llx\"", (unsigned long long)head);
    for (size_t i = 0; i < len;) {
        size_t tag = 0;
        for (size_t t = 0; t < 2; t++) {
            size_t l = strlen(tags[t]);
            tag = i + l <= len && memcmp(body + i, tags[t], l) == 0 ? l : tag;
        }
        if (tag > 0) {
            memcpy(out + at, number, (size_t)n);
            at += (size_t)n;
            i += tag;
        } else {
            out[at++] = body[i++];
        }
    }
    out[at] = '\0';
    *out_len = at;
    return out;
}

/* Does the answer speak of a later block? */
static bool is_later(const char *question, const char *answer, uint64_t head)
{
    const char *key = strstr(question, "\"eth_getTransactionReceipt\"") ? "\"blockNumber\":\"0x"
                      : strstr(question, "\"eth_getBlockBy")            ? "\"number\":\"0x"
                                                                        : NULL;
    const char *at = key ? strstr(answer, key) : NULL;
    return at && strtoull(at + strlen(key), NULL, 16) > head;
}

/* ---- one request ---- */

/* True: the connection goes on. */
static bool pass_on(const struct provider *p, enum mode mode, struct stream *client,
                    struct stream *node, const char *body, size_t len)
{
    uint64_t head = __atomic_load_n(&p->head, __ATOMIC_ACQUIRE);
    char text[64], *asked = NULL;
    size_t asked_len = len, answer_len = 0;
    if (mode == SWALLOW && strstr(body, "\"eth_sendRawTransaction\""))
        return say_json(client->fd, body,
                        "\"error\":{\"code\":-32000,\"message\":\"already known\"}");
    if (mode == STALE && strstr(body, "\"eth_blockNumber\"")) {
        (void)snprintf(text, sizeof(text), "\"result\":\"0x%llx\"", (unsigned long long)head);
        return say_json(client->fd, body, text);
    }
    if (mode == STALE)
        asked = older(body, len, head, &asked_len);
    char *answer = ask_node(node, p->node, asked ? asked : body, asked_len, &answer_len);
    bool goes_on = answer != NULL;
    if (mode == SLOW)
        pause_ms(300);
    if (answer && mode == STALE && is_later(body, answer, head))
        goes_on = say_json(client->fd, body, "\"result\":null");
    else if (answer && mode != DEAF)
        goes_on = say(client->fd, "200 OK", answer, mode == HALF ? answer_len / 2 : answer_len);
    free(answer);
    free(asked);
    return goes_on && mode != DEAF;
}

static bool answer(const struct provider *p, struct stream *client, struct stream *node,
                   const char *body, size_t len)
{
    enum mode mode = mode_of(p);
    struct linger linger = {1, 0};
    switch (mode) {
    case REFUSED:
    case RESET:
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        return false;
    case HANG:
        while (mode_of(p) == HANG)
            pause_ms(20);
        return false;
    case SAYS_429:
        return say_text(client->fd, "429 Too Many Requests", "{\"error\":\"slow down\"}");
    case SAYS_500:
        return say_text(client->fd, "500 Internal Server Error", "internal");
    case GARBAGE:
        return say_text(client->fd, "200 OK", "\x01\x02 not json \xff");
    case HTML:
        return say_text(client->fd, "200 OK", "<html><body>It works!</body></html>");
    default:
        return pass_on(p, mode, client, node, body, len);
    }
}

struct connection {
    const struct provider *provider;
    int fd;
};

static void *serve(void *arg)
{
    struct connection *c = arg;
    struct stream client = {.fd = c->fd}, node = {.fd = -1};
    size_t body = 0, whole;
    while ((whole = read_message(&client, &body)) > 0) {
        char *copy = strndup(client.text + body, whole - body);
        bool goes_on = copy && answer(c->provider, &client, &node, copy, whole - body);
        free(copy);
        drop_message(&client, whole);
        if (!goes_on)
            break;
    }
    (void)close(client.fd);
    if (node.fd >= 0)
        (void)close(node.fd);
    free(client.text);
    free(node.text);
    free(c);
    return NULL;
}

/* ---- listening ---- */

static int listen_at(uint16_t *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 256) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static void take(const struct provider *p, int fd)
{
    struct connection *c = malloc(sizeof(*c));
    pthread_t thread;
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (c)
        *c = (struct connection){p, fd};
    if (c && pthread_create(&thread, NULL, serve, c) == 0) {
        (void)pthread_detach(thread);
        return;
    }
    (void)close(fd);
    free(c);
}

static void *accept_all(void *arg)
{
    struct provider *p = arg;
    struct timeval soon = {.tv_usec = 50000};
    for (;;) {
        bool refused = mode_of(p) == REFUSED;
        if (refused && p->listener >= 0) {
            (void)close(p->listener);
            p->listener = -1;
        }
        if (!refused && p->listener < 0)
            p->listener = listen_at(&p->port);
        if (p->listener < 0) {
            pause_ms(10);
            continue;
        }
        (void)setsockopt(p->listener, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
        int fd = accept(p->listener, NULL, NULL);
        if (fd >= 0)
            take(p, fd);
    }
    return NULL;
}

static void obey(struct provider *providers, unsigned count, const char *line)
{
    unsigned index = 0;
    char word[16] = "";
    unsigned long long head = 0;
    if (sscanf(line, "%u %15s %llu", &index, word, &head) < 2 || index >= count)
        return;
    for (int m = 0; m < MODES; m++) {
        if (strcmp(word, names[m]) != 0)
            continue;
        __atomic_store_n(&providers[index].head, (uint64_t)head, __ATOMIC_RELEASE);
        __atomic_store_n(&providers[index].mode, m, __ATOMIC_RELEASE);
    }
}

int main(int argc, char **argv)
{
    static struct provider providers[PROVIDERS];
    char line[64];
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (count == 0 || count > PROVIDERS) {
        (void)fprintf(stderr, "intents-proxy NODE_PORT COUNT, at most %d\n", PROVIDERS);
        return 2;
    }
    for (unsigned i = 0; i < count; i++) {
        struct provider *p = &providers[i];
        p->node = (uint16_t)strtoul(argv[1], NULL, 10);
        p->listener = listen_at(&p->port);
        if (p->listener < 0 || pthread_create(&p->acceptor, NULL, accept_all, p) != 0)
            return 1;
        (void)printf("%u\n", p->port);
    }
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        obey(providers, count, line);
    return 0;
}
