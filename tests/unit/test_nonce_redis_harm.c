/*
 * Nonces in Redis where something is lost: a host dies between Redis and its journal, commands wait
 * in a socket of an earlier life, the server forgets all, the journal cannot be read or written,
 * memory is out, answers are none.
 */
#include "redis_rig.h"

#include <arpa/inet.h>
#include <hawse/hex.h>
#include <hiredis/hiredis.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* As one that was killed before its journal knew what it had marked as sent. */
static void die_having_sent(struct host *h, const struct nonce *nonce)
{
    GOOD(journal_begin(h->journal, &fault));
    CHECK_EQ(sent(h, nonce), HAWSE_OK);
    journal_abort(h->journal);
    close_host(h);
}

TEST_LIMIT(died, 30, "what a host was given and its journal does not know is free when it is back")
{
    struct server server = a_server();
    struct host h, other;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    until_mode(&other, NONCE_SHARED);
    struct nonce kept = reserve_soon(&h, 0), lost = reserve_soon(&h, 0), held = reserve_soon(&h, 0);
    struct nonce theirs = reserve_soon(&other, 0);
    CHECK_EQ(sent(&h, &kept), HAWSE_OK);
    CHECK_EQ(sent(&other, &theirs), HAWSE_OK);
    die_having_sent(&h, &lost);
    CHECK_EQ(gaps(&other, 0, 0), HAWSE_OK); /* as if all of it were out */
    for (size_t i = 0; i < other.last.gap_count; i++)
        CHECK_EQ(other.gaps[i].trouble, NONCE_UNSEEN);
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED); /* it tells what it has by itself */
    run_ms(&h, 200);
    CHECK_EQ(gaps(&other, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(other.last.gap_count, 4);
    CHECK_EQ(other.gaps[kept.number].trouble, NONCE_UNSEEN);
    CHECK_EQ(other.gaps[lost.number].trouble, NONCE_HOLE);
    CHECK_EQ(other.gaps[held.number].trouble, NONCE_HOLE);
    CHECK_EQ(other.gaps[theirs.number].trouble, NONCE_UNSEEN);
    CHECK_EQ(ASK(&other, nonce_claim(other.nonces, &KEY, lost.number, keep, &other)), HAWSE_OK);
    CHECK_EQ(sent(&h, &lost), HAWSE_E_STALE);
    CHECK_EQ_U64(reserve_soon(&h, 0).number, held.number);
    close_host(&h);
    close_host(&other);
    stop(&server);
}

static void tell_server(const struct server *server, const char *command, const char *value)
{
    redisContext *c = redisConnect("127.0.0.1", server->port);
    CHECK(c && !c->err);
    freeReplyObject(redisCommand(c, "AUTH secret"));
    redisReply *reply = redisCommand(c, command, value);
    CHECK(reply && reply->type != REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redisFree(c);
}

/* As if that host had not been heard of for long. */
static void forget_host(const struct server *server, const uint8_t id[16])
{
    char field[48] = "seen:";
    hawse_hex_encode(id, 16, field + 5);
    field[37] = '\0';
    tell_server(server, "HSET {hawse:100:0xaa01000000000000000000000000000000000000}:m %s 1",
                field);
}

static int32_t take(struct host *h, const struct nonce *nonce)
{
    return ASK(h, nonce_take(h->nonces, &KEY, nonce->number, keep, h));
}

TEST_LIMIT(
    given_up, 30,
    "a number that a host marked as sent is another's when an operator says so and that host "
    "is not heard of, and is not given back when it comes back")
{
    struct server server = a_server();
    struct host h, other;
    uint8_t id[16];
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    until_mode(&other, NONCE_SHARED);
    struct nonce known = reserve_soon(&h, 0), lost = reserve_soon(&h, 0);
    struct nonce own = reserve_soon(&other, 0), never = {.number = own.number + 1};
    CHECK_EQ(sent(&h, &known), HAWSE_OK);
    CHECK_EQ(sent(&other, &own), HAWSE_OK);
    journal_identity(h.journal, id);
    die_having_sent(&h, &lost);
    CHECK_EQ(take(&other, &lost), HAWSE_E_EXISTS);
    CHECK(strstr(other.last.fault.message, "heard of"));
    forget_host(&server, id);
    CHECK_EQ(ASK(&other, nonce_claim(other.nonces, &KEY, lost.number, keep, &other)),
             HAWSE_E_EXISTS); /* nobody said that it may */
    CHECK_EQ(take(&other, &own), HAWSE_E_EXISTS);
    CHECK_EQ(take(&other, &never), HAWSE_E_RANGE);
    CHECK_EQ(take(&other, &known), HAWSE_OK);
    struct nonce first = other.last.nonce;
    CHECK_EQ(sent(&other, &first), HAWSE_OK);
    CHECK_EQ(take(&other, &lost), HAWSE_OK);
    struct nonce taken = other.last.nonce;
    CHECK_EQ_U64(taken.number, lost.number);
    CHECK_EQ(sent(&other, &taken), HAWSE_OK);
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    run_ms(&h, 200);
    CHECK_EQ(sent(&h, &known), HAWSE_E_STALE); /* a replacement of it: its bytes are thrown away */
    CHECK_EQ(sent(&h, &lost), HAWSE_E_STALE);
    CHECK_EQ_U64(reserve_soon(&h, 0).number, own.number + 1);
    CHECK_EQ(sent(&other, &first), HAWSE_OK);
    CHECK_EQ(sent(&other, &taken), HAWSE_OK);
    close_host(&h);
    close_host(&other);
    stop(&server);
}

TEST_LIMIT(lives, 20, "what an earlier connection of a host still asks for is refused")
{
    struct server server = a_server();
    struct host h;
    uint8_t id[16];
    char field[48] = "life:";
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0);
    journal_identity(h.journal, id);
    hawse_hex_encode(id, 16, field + 5);
    field[37] = '\0';
    tell_server(&server,
                "HSET {hawse:100:0xaa01000000000000000000000000000000000000}:m %s 9007199254740991",
                field);
    CHECK_EQ(sent(&h, &a), HAWSE_E_STATE);
    CHECK(strstr(h.last.fault.message, "copy of this journal"));
    CHECK_EQ(reserve(&h, 0), HAWSE_E_STATE);
    CHECK_EQ(ASK(&h, nonce_claim(h.nonces, &KEY, 0, keep, &h)), HAWSE_E_STATE);
    close_host(&h);
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK); /* nor may it tell anything */
    until_mode(&h, NONCE_SHARED);
    run_ms(&h, 100);
    tell_server(&server, "HDEL {hawse:100:0xaa01000000000000000000000000000000000000}:m %s", field);
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(h.last.gap_count, 0); /* still reserved */
    CHECK_EQ_U64(h.last.next, 1);
    close_host(&h);
    stop(&server);
}

TEST_LIMIT(more_than_told, 30, "what does not fit into what a host tells is not undone")
{
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    for (int i = 0; i < NONCE_LIST + 20; i++) {
        struct nonce nonce = reserve_soon(&h, 0);
        CHECK_EQ(sent(&h, &nonce), HAWSE_OK);
    }
    close_host(&h);
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    run_ms(&h, 100);
    CHECK_EQ(gaps(&h, NONCE_LIST - 10, 0), HAWSE_OK);
    CHECK_EQ_U64(h.last.gap_count, 30);
    for (size_t i = 0; i < 30; i++)
        CHECK_EQ(h.gaps[i].trouble, NONCE_UNSEEN);
    CHECK_EQ_U64(reserve_soon(&h, 0).number, NONCE_LIST + 20);
    close_host(&h);
    stop(&server);
}

TEST_LIMIT(mined_alone, 20, "what was mined while the server was away is not given again")
{
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", path_of("lease"), "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    CHECK_EQ(ASK(&h, nonce_mined(h.nonces, &KEY, 1, keep, &h)), HAWSE_OK); /* by the journal */
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    CHECK_EQ_U64(reserve_soon(&h, 0).number, 1);
    close_host(&h);
    stop(&server);
}

static int32_t reserve_of(struct host *h, const struct nonce_key *key)
{
    return ASK(h, nonce_reserve(h->nonces, key, 0, 9, keep, h));
}

TEST_LIMIT(flushed, 20, "a server that lost everything on a connection that stays is told it all")
{
    static const struct nonce_key another = {100, {0xbb}};
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0), b = reserve_soon(&h, 0);
    while (reserve_of(&h, &another) == HAWSE_E_AGAIN)
        run_ms(&h, 20);
    CHECK_EQ_U64(h.last.nonce.number, 0);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    tell_server(&server, "FLUSHALL%s", "");
    CHECK_EQ(sent(&h, &b), HAWSE_E_STALE); /* it does not know of any */
    run_ms(&h, 100);
    CHECK_EQ(sent(&h, &b), HAWSE_OK);
    CHECK_EQ_U64(reserve_soon(&h, 0).number, 2);
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(h.last.gap_count, 2);
    run_ms(&h, 300); /* the other account's is told at a look */
    CHECK_EQ(reserve_of(&h, &another), HAWSE_OK);
    CHECK_EQ_U64(h.last.nonce.number, 1);
    close_host(&h);
    stop(&server);
}

static sqlite3 *lock_journal(const char *name)
{
    sqlite3 *db = NULL;
    CHECK_EQ(sqlite3_open(path_of(name), &db), 0);
    CHECK_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), 0);
    return db;
}

static void unlock_journal(sqlite3 *db)
{
    CHECK_EQ(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), 0);
    (void)sqlite3_close(db);
}

TEST_LIMIT(locked, 30, "while the journal cannot be written nothing is lost or given twice")
{
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0), b = reserve_soon(&h, 0);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    sqlite3 *db = lock_journal("j");
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    CHECK_EQ(sent(&h, &b), HAWSE_E_STATE); /* its row stays */
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED); /* with a life by the clock */
    run_ms(&h, 100);
    unlock_journal(db);
    GOOD(journal_begin(h.journal, &fault)); /* opens it again */
    GOOD(journal_commit(h.journal, &fault));
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(h.last.gap_count, 1); /* the other is reserved, as the journal has it */
    close_host(&h);
    stop(&server);
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK); /* what was reserved is free */
    run_ms(&h, 50);
    db = lock_journal("j");
    start(&server);
    until_mode(&h, NONCE_SHARED);
    CHECK_EQ(reserve(&h, 0), HAWSE_E_STATE); /* it could not say what it has */
    unlock_journal(db);
    GOOD(journal_begin(h.journal, &fault));
    GOOD(journal_commit(h.journal, &fault));
    CHECK_EQ_U64(reserve_soon(&h, 0).number, 1);
    close_host(&h);
    stop(&server);
}

static int32_t open_fails(struct host *h, const struct server *server, const char *journal)
{
    int32_t code = open_host(h, server, journal, NULL, "secret");
    CHECK(code != HAWSE_OK);
    journal_close(h->journal);
    loop_destroy(h->loop);
    return code;
}

TEST_LIMIT(unreadable, 20, "a journal that cannot be read undoes nothing")
{
    struct server server = a_server();
    struct host h, other;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    until_mode(&other, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    change("j", "UPDATE nonce SET token = x'00'");
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    CHECK_EQ(reserve(&h, 0), HAWSE_E_STATE);
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    run_ms(&h, 100);
    CHECK_EQ(gaps(&other, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(other.last.gap_count, 1);
    CHECK_EQ(other.gaps[0].trouble, NONCE_UNSEEN);
    close_host(&h);
    close_host(&other);
    change("j", "UPDATE nonce_account SET sender = '0x'");
    CHECK_EQ(open_fails(&h, &server, "j"), HAWSE_E_FORMAT);
    change("k", "DROP TABLE nonce_account");
    CHECK_EQ(open_fails(&h, &server, "k"), HAWSE_E_IO);
    stop(&server);
}

TEST_LIMIT(no_memory, 30, "where memory is out every call is answered, and later ones work")
{
    if (!test_alloc_hooks())
        test_skip("allocations cannot be made to fail in this build");
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    (void)reserve_soon(&h, 0);
    for (uint64_t n = 1; n <= 20; n++) { /* our own; hiredis does not live through it */
        int before = h.told;
        test_alloc_fail_after(n);
        nonce_reserve(h.nonces, &KEY, 0, 4000, keep, &h);
        test_alloc_fail_after(0);
        if (h.told == before)
            (void)wait_told(&h, before);
        CHECK_EQ(h.told, before + 1);
        until_mode(&h, NONCE_SHARED);
    }
    test_alloc_fail_after(1); /* a look */
    run_ms(&h, PAUSE_MS / 3);
    for (uint64_t n = 1; n < 4; n++) { /* an account that is new */
        struct nonce_key key = {100, {(uint8_t)n}};
        int before = h.told;
        test_alloc_fail_after(n);
        nonce_reserve(h.nonces, &key, 0, 9, keep, &h);
        test_alloc_fail_after(0);
        CHECK_EQ(n < 3 ? h.told : before + 1, before + 1);
        run_ms(&h, 50);
    }
    (void)reserve_soon(&h, 0);
    close_host(&h);
    for (uint64_t n = 1; n < 30; n++) {
        struct nonce_redis_options redis = {
            .server = {.address = "127.0.0.1", .port = server.port, .budget_ms = BUDGET_MS}};
        GOOD(loop_create(&h.loop, &fault));
        h.journal = open_as("j", false);
        test_alloc_fail_after(n);
        int32_t code = nonces_open_redis(h.journal, h.loop, NULL, &redis, &h.nonces, &fault);
        test_alloc_fail_after(0);
        if (code == HAWSE_OK)
            nonces_close(h.nonces);
        journal_close(h.journal);
        loop_destroy(h.loop);
    }
    stop(&server);
}

/* ---- a server that is none ---- */

static const char *answer_to(const char *command, const char *with)
{
    if (strncmp(command, "*2", 2) == 0)
        return "+OK\r\n";
    return strncmp(command, "*1\r", 3) == 0 ? "+PONG\r\n" : with;
}

/* Greets as Redis does, and gives this answer to everything else. */
static void answer_all(int listener, const char *with)
{
    char text[8192];
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        ssize_t n;
        while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
            text[n] = '\0';
            for (char *at = text; (at = strchr(at, '*')) != NULL; at++)
                (void)!write(fd, answer_to(at, with), strlen(answer_to(at, with)));
        }
        (void)close(fd);
    }
}

static struct server a_liar(const char *with)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&a, len) == 0 && listen(fd, 8) == 0 &&
          getsockname(fd, (void *)&a, &len) == 0);
    struct server server = {.pid = fork(), .port = ntohs(a.sin_port)};
    if (server.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        answer_all(fd, with);
    }
    (void)close(fd);
    return server;
}

#define ONE "$1\r\n1\r\n"

TEST_LIMIT(lies, 20, "an answer that is none of the scripts' is no nonce")
{
    static const struct {
        const char *with;
        int32_t code;
    } cases[] = {
        {"+OK\r\n", HAWSE_E_STATE},
        {"*1\r\n$2\r\nOK\r\n", HAWSE_E_STATE},
        {"*8\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", HAWSE_E_STATE},
        {"*8\r\n$4\r\nWHAT\r\n" ONE ONE ONE ONE ONE ONE ONE, HAWSE_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct server server = a_liar(cases[i].with);
        struct host h;
        CHECK_EQ(open_host(&h, &server, "j", NULL, NULL), HAWSE_OK);
        until_mode(&h, NONCE_SHARED);
        CHECK_EQ(reserve(&h, 0), cases[i].code);
        close_host(&h);
        stop(&server);
    }
}
