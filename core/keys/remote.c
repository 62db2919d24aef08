/* A signer in another process; see remote.h. Owns its connection; one question at a time. */
#include "keys/remote.h"

#include "base/local_socket.h"
#include "keys/signer_private.h"
#include "keys/wire.h"

#include <errno.h>
#include <hawse/types.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct remote {
    int fd; /* -1 = not connected */
    char path[LOCAL_PATH];
    uint32_t timeout_ms;
    uint32_t next_id;
    pthread_mutex_t lock;
    const struct signer *signer; /* whose keys must still be there when it comes back */
    struct wire_answer answer;
    uint8_t frame[WIRE_PREFIX + WIRE_ANSWER];
};

/* ---- bytes ---- */

static int64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the socket is ready or the time is over. HAWSE_E_TIMEOUT. */
static int32_t await(const struct remote *r, short events, int64_t deadline)
{
    int64_t left = deadline - now_ms();
    return left > 0 && local_wait(r->fd, events, (int)left) > 0 ? HAWSE_OK : HAWSE_E_TIMEOUT;
}

/* Sends or receives exactly `len` bytes. */
static int32_t transfer(const struct remote *r, uint8_t *data, size_t len, bool out,
                        int64_t deadline)
{
    while (len > 0) {
        int32_t code = await(r, out ? POLLOUT : POLLIN, deadline);
        if (code != HAWSE_OK)
            return code;
        ssize_t n = out ? send(r->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT)
                        : recv(r->fd, data, len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return HAWSE_E_IO;
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return HAWSE_OK;
}

/* ---- one question ---- */

static void hang_up(struct remote *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
}

static int32_t ask(struct remote *r, const struct wire_question *question, int64_t deadline)
{
    size_t len = wire_write_question(question, r->frame);
    int32_t code = transfer(r, r->frame, len, true, deadline);
    if (code == HAWSE_OK)
        code = transfer(r, r->frame, WIRE_PREFIX, false, deadline);
    if (code != HAWSE_OK)
        return code;
    uint32_t size = wire_length(r->frame);
    if (size > WIRE_ANSWER)
        return HAWSE_E_FORMAT;
    code = transfer(r, r->frame, size, false, deadline);
    if (code == HAWSE_OK && !wire_read_answer(r->frame, size, &r->answer))
        code = HAWSE_E_FORMAT;
    return code;
}

/* In words. */
static int32_t failed(const struct remote *r, int32_t code, struct fault *fault)
{
    if (code == HAWSE_E_TIMEOUT)
        (void)fault_set(fault, code, "the signer on %s did not answer within %u ms", r->path,
                        r->timeout_ms);
    else if (code == HAWSE_E_FORMAT)
        (void)fault_set(fault, code, "what answers on %s is no signer of this version", r->path);
    else
        (void)fault_set(fault, code, "the signer on %s is away: nothing is signed until it is back",
                        r->path);
    fault_hint(fault, "start it: hawse signer --dir DIR --socket %s", r->path);
    return code;
}

static const struct signer_key *find(const struct wire_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->key_count; i++) {
        if (strcmp(answer->keys[i].name, name) == 0)
            return &answer->keys[i];
    }
    return NULL;
}

/* Are the keys that are in use still the ones that were there? */
static int32_t recognize(const struct remote *r, struct fault *fault)
{
    for (size_t i = 0; i < signer_count(r->signer); i++) {
        const struct signer_key *mine = signer_at(r->signer, i);
        const struct signer_key *theirs = find(&r->answer, mine->name);
        if (!theirs || !key_same(&theirs->public, &mine->public)) {
            (void)fault_set(fault, HAWSE_E_STATE, "the signer on %s came back %s key \"%s\"",
                            r->path, theirs ? "with another" : "without", mine->name);
            fault_hint(fault, "restart hawse if that is meant");
            return HAWSE_E_STATE;
        }
    }
    return HAWSE_OK;
}

/* Connects and greets; the answer holds the keys then. */
static int32_t call(struct remote *r, int64_t deadline, struct fault *fault)
{
    struct wire_question hello = {.type = WIRE_HELLO, .version = WIRE_VERSION};
    r->fd = local_connect(r->path, SOCK_NONBLOCK);
    int32_t code = r->fd < 0 ? HAWSE_E_IO : ask(r, &hello, deadline);
    if (code == HAWSE_E_IO && r->fd >= 0)
        code = HAWSE_E_FORMAT; /* it hung up on the greeting */
    if (code == HAWSE_OK && (r->answer.type != WIRE_KEYS || r->answer.version != WIRE_VERSION))
        code = HAWSE_E_FORMAT;
    if (code != HAWSE_OK)
        code = failed(r, code, fault);
    else
        code = recognize(r, fault);
    if (code != HAWSE_OK)
        hang_up(r);
    return code;
}

/* What was answered is by the key, or a fault in words. */
static int32_t judge(const struct remote *r, const struct signer_order *order,
                     const struct signer_key *key, struct signature *out, struct fault *fault)
{
    const struct wire_answer *a = &r->answer;
    if (a->type == WIRE_FAULT && a->id == r->next_id) {
        (void)fault_set(fault, a->fault.code, "%s", a->fault.message);
        fault_hint(fault, "%s", a->fault.hint);
        return a->fault.code;
    }
    if (a->type != WIRE_SIGNED || a->id != r->next_id ||
        !signature_verify(&key->public, order->bytes, order->len, &a->signature))
        return fault_set(fault, HAWSE_E_REMOTE,
                         "the signer on %s gave what is no signature by key \"%s\"", r->path,
                         key->name);
    *out = a->signature;
    return HAWSE_OK;
}

static int32_t sign(void *ctx, const struct signer_order *order, struct signature *out,
                    struct fault *fault)
{
    struct remote *r = ctx;
    const struct signer_key *key = signer_at(r->signer, order->index);
    int64_t deadline = now_ms() + r->timeout_ms;
    int32_t code = HAWSE_E_IO;
    (void)pthread_mutex_lock(&r->lock);
    struct wire_question question = {.type = WIRE_SIGN,
                                     .id = ++r->next_id,
                                     .chain = *order->chain,
                                     .bytes = order->bytes,
                                     .len = order->len};
    (void)snprintf(question.name, sizeof(question.name), "%s", key->name);
    if (r->fd >= 0)
        code = ask(r, &question, deadline);
    if (code == HAWSE_E_IO) { /* it was away, or went since: signing twice is signing once */
        hang_up(r);
        code = call(r, deadline, fault);
        if (code == HAWSE_OK) {
            code = ask(r, &question, deadline);
            if (code != HAWSE_OK)
                code = failed(r, code, fault);
        }
    } else if (code != HAWSE_OK) {
        code = failed(r, code, fault);
    }
    if (code == HAWSE_OK)
        code = judge(r, order, key, out, fault);
    else
        hang_up(r); /* an answer that comes late must not be taken for the next one's */
    (void)pthread_mutex_unlock(&r->lock);
    return code;
}

/* ---- making ---- */

static void free_remote(void *ctx)
{
    struct remote *r = ctx;
    hang_up(r);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

/* A wanted key, as the answer has it. */
static int32_t add_key(struct signer *signer, const struct remote *r,
                       const struct signer_want *want, struct fault *fault)
{
    const struct signer_key *theirs = find(&r->answer, want->name);
    struct signer_key key;
    size_t added = 0;
    if (!theirs) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "the signer on %s has no key \"%s\"", r->path,
                        want->name);
        fault_hint(fault, "it has %s%s", r->answer.key_count ? r->answer.keys[0].name : "none",
                   r->answer.key_count > 1 ? " and others" : "");
        return HAWSE_E_NOTFOUND;
    }
    key = *theirs;
    int32_t code = key_locks_merge(&theirs->locks, &want->locks, want->name, &key.locks, fault);
    return code == HAWSE_OK ? signer_describe(signer, &key, &added, fault) : code;
}

int32_t signer_connect(const char *path, uint32_t timeout_ms, const struct signer_want *wants,
                       size_t count, struct signer **out, struct fault *fault)
{
    struct signer *signer = NULL;
    struct remote *r = calloc(1, sizeof(*r));
    *out = NULL;
    if (!r || pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a signer");
    }
    r->fd = -1;
    r->timeout_ms = timeout_ms;
    int32_t code = signer_new(&signer, fault);
    if (code != HAWSE_OK) {
        free_remote(r);
        return code;
    }
    signer->link = (struct signer_link){sign, free_remote, r};
    r->signer = signer;
    if (snprintf(r->path, sizeof(r->path), "%s", path) >= (int)sizeof(r->path))
        code = fault_set(fault, HAWSE_E_INVAL, "the signer's path is longer than 107 bytes");
    if (code == HAWSE_OK)
        code = call(r, now_ms() + timeout_ms, fault);
    for (size_t i = 0; i < count && code == HAWSE_OK; i++)
        code = add_key(signer, r, &wants[i], fault);
    if (code == HAWSE_OK)
        *out = signer;
    else
        signer_free(signer);
    return code;
}
