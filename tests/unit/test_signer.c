/*
 * A signer in another process: frames, a server on a real socket in a thread, hosts that ask it,
 * and servers that misbehave.
 */
#include "harness.h"

#include "base/local_socket.h"
#include "keys/remote.h"
#include "keys/serve.h"
#include "keys/wire.h"

#include <hawse/types.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct key *a_key(enum key_kind kind, uint8_t first)
{
    struct fault fault = {0};
    uint8_t secret[KEY_SECRET] = {first};
    struct key *key = NULL;
    CHECK_EQ(key_from_secret(kind, secret, &key, &fault), HAWSE_OK);
    return key;
}

/* "bot" and "sol"; bot is locked to Polygon and Gnosis. */
static struct signer *a_signer(uint8_t first)
{
    struct fault fault = {0};
    struct signer *signer = NULL;
    struct key_locks locks = {.chain_count = 2, .chains = {chain_evm(137), chain_evm(100)}},
                     none = {0};
    CHECK_EQ(signer_new(&signer, &fault), HAWSE_OK);
    CHECK_EQ(signer_add(signer, "bot", a_key(KEY_SECP256K1, first), &locks, &fault), HAWSE_OK);
    CHECK_EQ(signer_add(signer, "sol", a_key(KEY_ED25519, first), &none, &fault), HAWSE_OK);
    return signer;
}

/* ---- a server ---- */

struct server {
    struct signer *signer;
    int listening, stop[2];
    struct serve_counts counts;
    pthread_t thread;
};

static const char *socket_path(void)
{
    static char path[LOCAL_PATH];
    (void)snprintf(path, sizeof(path), "%s/s", test_tmp_dir());
    return path;
}

static void *run(void *ctx)
{
    struct server *s = ctx;
    (void)serve_signer(s->signer, s->listening, geteuid(), s->stop[0], &s->counts, NULL);
    return NULL;
}

static void start(struct server *s, uint8_t first)
{
    struct fault fault = {0};
    memset(s, 0, sizeof(*s));
    s->signer = a_signer(first);
    if (local_listen(socket_path(), 0600, "t", "signer", &s->listening, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    CHECK_EQ(pipe(s->stop), 0);
    CHECK_EQ(pthread_create(&s->thread, NULL, run, s), 0);
}

static void stop(struct server *s)
{
    CHECK_EQ(write(s->stop[1], "q", 1), 1);
    CHECK_EQ(pthread_join(s->thread, NULL), 0);
    (void)close(s->listening);
    (void)close(s->stop[0]);
    (void)close(s->stop[1]);
    signer_free(s->signer);
}

static struct signer *connected(const char *name)
{
    struct signer_want want = {.name = name};
    struct fault fault = {0};
    struct signer *signer = NULL;
    if (signer_connect(socket_path(), 2000, &want, 1, &signer, &fault) != HAWSE_OK)
        FAIL("%s (%s)", fault.message, fault.hint);
    return signer;
}

static int32_t try(struct signer *signer, uint64_t chain, struct signature *out,
                   struct fault *fault)
{
    uint8_t digest[32] = {1, 2, 3};
    struct chain c = chain_evm(chain);
    fault_clear(fault);
    return signer_sign_digest(signer, 1, &c, digest, out, fault);
}

TEST(remote_signs, "a host gets the signatures that the key itself would give, of both kinds")
{
    struct server server;
    struct fault fault = {0};
    struct signature near, far;
    struct stat st;
    uint8_t digest[32] = {1, 2, 3}, message[SIGNER_MESSAGE] = {4};
    struct chain none = {""};
    start(&server, 7);
    CHECK(stat(socket_path(), &st) == 0 && (st.st_mode & 0777) == 0600);
    struct signer *bot = connected("bot"), *sol = connected("sol");
    struct key *key = a_key(KEY_SECP256K1, 7);
    CHECK(key_same(&signer_at(bot, 0)->public, key_public(key)));
    CHECK_MEM(signer_at(bot, 0)->public.address, key_public(key)->address, 20);
    CHECK_EQ(try(bot, 137, &far, &fault), HAWSE_OK);
    CHECK_EQ(key_sign_digest(key, digest, &near), HAWSE_OK);
    CHECK_MEM(far.bytes, near.bytes, 64);
    CHECK_EQ(far.parity, near.parity);
    CHECK_EQ(signer_sign_message(sol, 1, &none, message, sizeof(message), &far, &fault), 0);
    CHECK(signature_verify(&signer_at(sol, 0)->public, message, sizeof(message), &far));
    key_free(key);
    signer_free(bot);
    signer_free(sol);
    stop(&server);
    CHECK_EQ(server.counts.made, 2);
}

TEST(remote_locks, "locks of both sides hold: the host's come first, the signer's are its own")
{
    struct server server;
    struct fault fault = {0};
    struct signature out;
    struct signer_want want = {.name = "bot",
                               .locks = {.chain_count = 1, .chains = {chain_evm(137)}}};
    struct signer *signer = NULL;
    start(&server, 7);
    CHECK_EQ(signer_connect(socket_path(), 2000, &want, 1, &signer, &fault), HAWSE_OK);
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_OK);
    CHECK_EQ(try(signer, 100, &out, &fault), HAWSE_E_DENIED); /* the signer would */
    CHECK_EQ(server.counts.refused, 0);
    signer_free(signer);
    want.locks.chains[0] = chain_evm(1);
    CHECK_EQ(signer_connect(socket_path(), 2000, &want, 1, &signer, &fault), HAWSE_E_DENIED);
    fault_clear(&fault);
    want = (struct signer_want){.name = "none"};
    CHECK_EQ(signer_connect(socket_path(), 2000, &want, 1, &signer, &fault), HAWSE_E_NOTFOUND);
    CHECK(signer == NULL);
    /* a host that does not judge is judged: its own question, past the locks of struct signer */
    uint8_t *frame = malloc(WIRE_PREFIX + WIRE_ANSWER);
    struct wire_answer *answer = malloc(sizeof(*answer));
    struct serve_counts counts = {0};
    bool greeted = true;
    struct wire_question q = {.type = WIRE_SIGN,
                              .id = 9,
                              .name = "bot",
                              .chain = chain_evm(1),
                              .bytes = (const uint8_t[32]){1},
                              .len = 32};
    size_t len = wire_write_question(&q, frame);
    len = serve_answer(server.signer, frame + WIRE_PREFIX, len - WIRE_PREFIX, &greeted, frame,
                       &counts);
    CHECK(wire_read_answer(frame + WIRE_PREFIX, len - WIRE_PREFIX, answer));
    CHECK(answer->type == WIRE_FAULT && answer->id == 9);
    CHECK_EQ(answer->fault.code, HAWSE_E_DENIED);
    CHECK_STR(answer->fault.message,
              "key \"bot\" is locked to eip155:137 and others, not to eip155:1");
    greeted = false; /* no signature before the greeting */
    len = wire_write_question(&q, frame);
    CHECK_EQ(serve_answer(server.signer, frame + WIRE_PREFIX, len - WIRE_PREFIX, &greeted, frame,
                          &counts),
             0);
    free(frame);
    free(answer);
    stop(&server);
}

TEST(remote_away, "while the signer is away nothing is signed; when it is back, the host goes on")
{
    struct server server;
    struct fault fault = {0};
    struct signature out;
    struct signer_want want = {.name = "bot"};
    struct signer *signer = NULL;
    CHECK_EQ(signer_connect(socket_path(), 500, &want, 1, &signer, &fault), HAWSE_E_IO);
    CHECK(strstr(fault.message, "is away") && strstr(fault.hint, "hawse signer"));
    start(&server, 7);
    signer = connected("bot");
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_OK);
    stop(&server);
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_E_IO);
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_E_IO);
    start(&server, 7);
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_OK);
    stop(&server);
    start(&server, 7); /* gone and back between two signatures */
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_OK);
    stop(&server);
    start(&server, 8); /* other keys under the same names */
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_E_STATE);
    CHECK(strstr(fault.message, "with another key \"bot\""));
    stop(&server);
    signer_free(signer);
}

/* ---- servers that misbehave ---- */

enum behaviour { SILENT, HANGS_UP, RUBBISH, ENDLESS, WRONG_KEY, WRONG_ID };

struct rogue {
    enum behaviour how;
    int listening;
    struct signer *signer;
};

static bool take(int fd, uint8_t *out, size_t len)
{
    return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

/* Greets as it should, then answers each question wrongly. */
static void serve_wrongly(const struct rogue *rogue, int fd)
{
    static uint8_t frame[WIRE_PREFIX + WIRE_ANSWER];
    struct serve_counts counts = {0};
    bool greeted = false;
    for (int n = 0; take(fd, frame, WIRE_PREFIX); n++) {
        uint32_t size = wire_length(frame);
        if (!take(fd, frame, size))
            return;
        if (n > 0 && rogue->how == SILENT)
            continue;
        if (n > 0 && rogue->how == HANGS_UP)
            return;
        static uint8_t out[WIRE_PREFIX + WIRE_ANSWER];
        size_t len = serve_answer(rogue->signer, frame, size, &greeted, out, &counts);
        if (n > 0 && rogue->how == RUBBISH)
            memset(out + WIRE_PREFIX, 'x', len - WIRE_PREFIX);
        if (n > 0 && rogue->how == ENDLESS)
            memset(out, 0xff, WIRE_PREFIX);
        if (n > 0 && rogue->how == WRONG_KEY)
            out[WIRE_PREFIX + 40] ^= 1;
        if (n > 0 && rogue->how == WRONG_ID)
            out[WIRE_PREFIX + 1] ^= 1;
        if (send(fd, out, len, MSG_NOSIGNAL) != (ssize_t)len)
            return;
    }
}

static void *run_rogue(void *ctx)
{
    const struct rogue *rogue = ctx;
    for (;;) {
        int fd = accept(rogue->listening, NULL, NULL);
        if (fd < 0)
            return NULL;
        serve_wrongly(rogue, fd);
        (void)close(fd);
    }
}

TEST_LIMIT(remote_rogue, 10, "a signer that is silent, hangs up or lies is told as what it is")
{
    static const int32_t codes[] = {HAWSE_E_TIMEOUT, HAWSE_E_IO,     HAWSE_E_FORMAT,
                                    HAWSE_E_FORMAT,  HAWSE_E_REMOTE, HAWSE_E_REMOTE};
    for (enum behaviour how = SILENT; how <= WRONG_ID; how++) {
        struct rogue rogue = {.how = how, .signer = a_signer(7)};
        struct fault fault = {0};
        struct signature out;
        struct signer_want want = {.name = "bot"};
        struct signer *signer = NULL;
        pthread_t thread;
        CHECK_EQ(local_listen(socket_path(), 0600, "t", "signer", &rogue.listening, &fault), 0);
        CHECK_EQ(pthread_create(&thread, NULL, run_rogue, &rogue), 0);
        CHECK_EQ(signer_connect(socket_path(), 300, &want, 1, &signer, &fault), HAWSE_OK);
        int32_t code = try(signer, 137, &out, &fault);
        if (code != codes[how])
            FAIL("behaviour %d: %d (%s), expected %d", how, code, fault.message, codes[how]);
        signer_free(signer);
        CHECK_EQ(shutdown(rogue.listening, SHUT_RDWR), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        (void)close(rogue.listening);
        signer_free(rogue.signer);
    }
}

TEST(remote_stranger, "what is no question ends its connection, and nobody else's")
{
    static const char *const bad[] = {"GET / HTTP/1.1\r\n\r\n", "\1\0\0\0\3", "\0\0\0\0",
                                      "\5\0\0\0\1\2\0\0\0"};
    static const size_t lens[] = {18, 5, 4, 9};
    struct server server;
    struct fault fault = {0};
    struct signature out;
    start(&server, 7);
    struct signer *signer = connected("bot");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char c;
        int fd = local_connect(socket_path(), 0);
        CHECK(fd >= 0);
        CHECK_EQ(send(fd, bad[i], lens[i], MSG_NOSIGNAL), (ssize_t)lens[i]);
        CHECK_EQ(local_wait(fd, POLLIN, 2000), 1);
        CHECK(recv(fd, &c, 1, 0) <= 0);
        (void)close(fd);
        CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_OK);
    }
    int idle[SERVE_CLIENTS + 4]; /* more than there is room for: the last are turned away */
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        CHECK((idle[i] = local_connect(socket_path(), 0)) >= 0);
    CHECK_EQ(try(signer, 137, &out, &fault), HAWSE_OK);
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        (void)close(idle[i]);
    signer_free(signer);
    stop(&server);
}

/* ---- frames ---- */

TEST(wire_roundtrip, "questions and answers are read as they were written, and not when cut")
{
    static uint8_t frame[WIRE_PREFIX + WIRE_ANSWER];
    static struct wire_answer in, out;
    struct wire_question q = {.type = WIRE_SIGN,
                              .id = 0x01020304,
                              .name = "bot",
                              .chain = chain_evm(137),
                              .bytes = (const uint8_t[]){5, 6, 7},
                              .len = 3},
                         r;
    size_t len = wire_write_question(&q, frame);
    CHECK_EQ(wire_length(frame), len - WIRE_PREFIX);
    CHECK(wire_read_question(frame + WIRE_PREFIX, len - WIRE_PREFIX, &r));
    CHECK(r.id == q.id && chain_equal(&r.chain, &q.chain) && r.len == 3 && r.bytes[2] == 7);
    for (size_t n = 0; n < len - WIRE_PREFIX; n++)
        CHECK(!wire_read_question(frame + WIRE_PREFIX, n, &r));
    CHECK(!wire_read_question(frame + WIRE_PREFIX, len - WIRE_PREFIX + 1, &r));
    in.type = WIRE_KEYS;
    in.version = WIRE_VERSION;
    in.key_count = SIGNER_KEYS; /* as large as it gets */
    struct key *key = a_key(KEY_SECP256K1, 3);
    for (size_t i = 0; i < SIGNER_KEYS; i++) {
        struct signer_key *k = &in.keys[i];
        (void)snprintf(k->name, sizeof(k->name), "%063zu", i);
        k->public = *key_public(key);
        k->locks.chain_count = SIGNER_CHAINS;
        for (size_t c = 0; c < SIGNER_CHAINS; c++)
            CHECK_EQ(chain_parse("solana:mainnet", "t", &k->locks.chains[c], NULL), HAWSE_OK);
    }
    key_free(key);
    len = wire_write_answer(&in, frame);
    CHECK(len <= sizeof(frame));
    CHECK(wire_read_answer(frame + WIRE_PREFIX, len - WIRE_PREFIX, &out));
    CHECK_MEM(&out.keys[SIGNER_KEYS - 1], &in.keys[SIGNER_KEYS - 1], sizeof(in.keys[0]));
    for (size_t n = 0; n < len - WIRE_PREFIX; n += 7)
        CHECK(!wire_read_answer(frame + WIRE_PREFIX, n, &out));
}

/* ---- many at once ---- */

static void *ask_many(void *ctx)
{
    struct signer *signer = ctx;
    struct signature out;
    struct fault fault = {0};
    for (int i = 0; i < 50; i++) {
        if (try(signer, 137, &out, &fault) != HAWSE_OK)
            return signer;
    }
    return NULL;
}

TEST_LIMIT(remote_threads, 10, "threads that share a connection each get their own answer")
{
    struct server server;
    pthread_t threads[4];
    start(&server, 7);
    struct signer *signer = connected("bot");
    for (int i = 0; i < 4; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, ask_many, signer), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        CHECK_EQ(pthread_join(threads[i], &wrong), 0);
        CHECK(wrong == NULL);
    }
    signer_free(signer);
    stop(&server);
    CHECK_EQ(server.counts.made, 200);
}
