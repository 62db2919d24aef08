/* Signs for other processes; see serve.h. Owns the connections while it runs. */
#include "keys/serve.h"

#include "base/local_socket.h"

#include <errno.h>
#include <hawse/types.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
    int fd; /* -1 = free */
    bool greeted;
    size_t have; /* bytes of the frame under way */
    int64_t since_ms;
    uint8_t frame[WIRE_PREFIX + WIRE_QUESTION];
};

struct server {
    struct signer *signer;
    struct client clients[SERVE_CLIENTS];
    struct serve_counts *counts;
    uid_t uid;
    uint8_t out[WIRE_PREFIX + WIRE_ANSWER];
};

/* ---- answers ---- */

static size_t answer_keys(const struct signer *signer, struct wire_answer *a, uint8_t *out)
{
    a->type = WIRE_KEYS;
    a->version = WIRE_VERSION;
    a->key_count = signer_count(signer);
    for (size_t i = 0; i < a->key_count; i++)
        a->keys[i] = *signer_at(signer, i);
    return wire_write_answer(a, out);
}

static int32_t sign(struct signer *signer, const struct wire_question *q, struct signature *out,
                    struct fault *fault)
{
    signer_handle handle = signer_find(signer, q->name);
    if (!handle)
        return fault_set(fault, HAWSE_E_NOTFOUND, "the signer has no key \"%s\"", q->name);
    if (signer_key(signer, handle)->public.kind == KEY_ED25519)
        return signer_sign_message(signer, handle, &q->chain, q->bytes, q->len, out, fault);
    if (q->len != 32)
        return fault_set(fault, HAWSE_E_INVAL, "a digest of %zu bytes, expected 32", q->len);
    return signer_sign_digest(signer, handle, &q->chain, q->bytes, out, fault);
}

size_t serve_answer(struct signer *signer, const uint8_t *body, size_t len, bool *greeted,
                    uint8_t *out, struct serve_counts *counts)
{
    struct wire_question q;
    if (!wire_read_question(body, len, &q) ||
        (q.type == WIRE_HELLO ? q.version != WIRE_VERSION : !*greeted))
        return 0;
    struct wire_answer *a = calloc(1, sizeof(*a));
    size_t size = 0;
    if (!a)
        return 0;
    if (q.type == WIRE_HELLO) {
        *greeted = true;
        size = answer_keys(signer, a, out);
    } else {
        a->id = q.id;
        int32_t code = sign(signer, &q, &a->signature, &a->fault);
        a->type = code == HAWSE_OK ? WIRE_SIGNED : WIRE_FAULT;
        counts->asked++;
        counts->made += code == HAWSE_OK;
        counts->refused += code != HAWSE_OK;
        size = wire_write_answer(a, out);
    }
    free(a);
    return size;
}

/* ---- connections ---- */

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void drop(struct client *c)
{
    (void)close(c->fd);
    c->fd = -1;
}

static void welcome(struct server *s, int listening)
{
    uid_t uid = (uid_t)-1;
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    bool known = local_peer(fd, &uid) && (uid == geteuid() || uid == 0 || uid == s->uid);
    s->counts->strangers += !known;
    for (size_t i = 0; known && i < SERVE_CLIENTS; i++) {
        struct client *c = &s->clients[i];
        if (c->fd >= 0)
            continue;
        c->fd = fd;
        c->greeted = false;
        c->have = 0;
        return;
    }
    (void)close(fd);
}

/* Answers the frame that is whole. */
static void answer(struct server *s, struct client *c)
{
    size_t len = serve_answer(s->signer, c->frame + WIRE_PREFIX, c->have - WIRE_PREFIX, &c->greeted,
                              s->out, s->counts);
    c->have = 0;
    if (len == 0 || send(c->fd, s->out, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
        drop(c);
}

/* Reads what is there of one frame, and no more. */
static void listen_to(struct server *s, struct client *c)
{
    size_t want = WIRE_PREFIX;
    if (c->have >= WIRE_PREFIX)
        want += wire_length(c->frame);
    if (c->have == 0)
        c->since_ms = now_ms();
    ssize_t n = recv(c->fd, c->frame + c->have, want - c->have, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        drop(c);
        return;
    }
    c->have += n > 0 ? (size_t)n : 0;
    if (c->have < WIRE_PREFIX)
        return;
    uint32_t len = wire_length(c->frame);
    if (len == 0 || len > WIRE_QUESTION)
        drop(c);
    else if (c->have == WIRE_PREFIX + len)
        answer(s, c);
}

static void drop_slow(struct server *s)
{
    int64_t now = now_ms();
    for (size_t i = 0; i < SERVE_CLIENTS; i++) {
        struct client *c = &s->clients[i];
        if (c->fd >= 0 && c->have > 0 && now - c->since_ms > SERVE_PATIENCE_MS)
            drop(c);
    }
}

int32_t serve_signer(struct signer *signer, int listening, uid_t uid, int stop,
                     struct serve_counts *counts, struct fault *fault)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the signer's socket");
    s->signer = signer;
    s->counts = counts;
    s->uid = uid;
    for (size_t i = 0; i < SERVE_CLIENTS; i++)
        s->clients[i].fd = -1;
    for (;;) {
        struct pollfd p[SERVE_CLIENTS + 2] = {{.fd = listening, .events = POLLIN},
                                              {.fd = stop, .events = POLLIN}};
        for (size_t i = 0; i < SERVE_CLIENTS; i++)
            p[i + 2] = (struct pollfd){.fd = s->clients[i].fd, .events = POLLIN};
        if (poll(p, SERVE_CLIENTS + 2, SERVE_PATIENCE_MS / 2) < 0 && errno != EINTR)
            break;
        if (p[1].revents)
            break;
        for (size_t i = 0; i < SERVE_CLIENTS; i++) {
            if (p[i + 2].fd >= 0 && p[i + 2].revents)
                listen_to(s, &s->clients[i]);
        }
        if (p[0].revents)
            welcome(s, listening);
        drop_slow(s);
    }
    for (size_t i = 0; i < SERVE_CLIENTS; i++) {
        if (s->clients[i].fd >= 0)
            drop(&s->clients[i]);
    }
    free(s);
    return HAWSE_OK;
}
