/*
 * Nonces in Redis, against a real redis-server on a loopback port: one host, several hosts, a
 * server that is paused, killed and started anew, the lease. Skipped where there is no
 * redis-server. See test_nonce_redis_harm.c for hosts that die and journals that fail.
 */
#include "redis_rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t OTHER_HASH[32] = {9};
static const uint64_t MS = 1000000ULL;

static int32_t reserve_alone(struct host *h, uint32_t held)
{
    return ASK(h, nonce_reserve_alone(h->nonces, &KEY, 0, held, keep, h));
}

TEST_LIMIT(apart, 30,
           "what must be alone waits for all hosts, then gets its turn, and all wait for it")
{
    struct server server = a_server();
    struct host h, other;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    until_mode(&other, NONCE_SHARED);
    struct nonce theirs = reserve_soon(&other, 0);
    CHECK_EQ(sent(&other, &theirs), HAWSE_OK);
    CHECK_EQ(reserve_alone(&h, 0), HAWSE_E_AGAIN);
    CHECK_EQ(reserve(&other, 0), HAWSE_E_AGAIN); /* it waits for its turn */
    CHECK_EQ(reserve(&h, 0), HAWSE_OK);          /* its own host orders its own */
    struct nonce mine = h.last.nonce;
    CHECK_EQ(ASK(&h, nonce_release(h.nonces, &KEY, &mine, keep, &h)), HAWSE_OK);
    CHECK_EQ(ASK(&other, nonce_mined(other.nonces, &KEY, 1, keep, &other)), HAWSE_OK);
    CHECK_EQ(reserve_alone(&other, 0), HAWSE_E_AGAIN); /* behind the first that wanted */
    CHECK_EQ(reserve_alone(&h, 0), HAWSE_OK);
    struct nonce first = h.last.nonce;
    CHECK_EQ(reserve_alone(&h, 0), HAWSE_E_AGAIN);
    CHECK_EQ(reserve_alone(&h, 1), HAWSE_OK); /* the second of a bundle */
    struct nonce second = h.last.nonce;
    CHECK_EQ_U64(second.number, first.number + 1);
    CHECK_EQ(sent(&h, &first), HAWSE_OK);
    CHECK_EQ(sent(&h, &second), HAWSE_OK);
    CHECK_EQ(reserve(&other, 0), HAWSE_E_AGAIN);
    CHECK_EQ(ASK(&h, nonce_mined(h.nonces, &KEY, 2, keep, &h)), HAWSE_OK);
    CHECK_EQ(reserve(&other, 0), HAWSE_E_AGAIN); /* the second is out yet */
    CHECK_EQ(ASK(&h, nonce_mined(h.nonces, &KEY, 3, keep, &h)), HAWSE_OK);
    CHECK_EQ(reserve(&other, 0), HAWSE_OK);
    CHECK_EQ_U64(other.last.nonce.number, 3);
    close_host(&h);
    close_host(&other);
    stop(&server);
}

TEST_LIMIT(reorganised, 20,
           "what was mined may be replaced again, as a reorganisation may have taken it back")
{
    struct server server = a_server();
    struct host h, other;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    until_mode(&other, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0), forged = a;
    forged.token[0] ^= 1;
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    (void)gaps(&other, 0, 0); /* it knows of the account by now */
    run_ms(&other, 100);
    CHECK_EQ(ASK(&other, nonce_mined(other.nonces, &KEY, 1, keep, &other)), HAWSE_OK);
    CHECK_EQ(sent(&h, &forged), HAWSE_E_STALE);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(h.last.gap_count, 1);
    CHECK_EQ(h.gaps[0].trouble, NONCE_UNSEEN);
    CHECK_EQ(reserve_soon(&other, 0).number, 1);
    CHECK_EQ(ASK(&h, nonce_mined(h.nonces, &KEY, 1, keep, &h)), HAWSE_OK);
    CHECK_EQ(h.last.in_flight, 1);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    CHECK_EQ(sent(&h, &a), HAWSE_E_STATE);
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    run_ms(&h, 100);
    CHECK_EQ(sent(&h, &a), HAWSE_OK); /* no answer took nothing from it */
    close_host(&h);
    close_host(&other);
    stop(&server);
}

TEST_LIMIT(steps, 20, "each step means what it means in the journal")
{
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    CHECK(strstr(h.state, "shared"));
    CHECK_EQ(reserve(&h, 7), HAWSE_E_AGAIN); /* of a new account everybody tells what he has */
    struct nonce a = reserve_soon(&h, 7);
    CHECK_EQ_U64(a.number, 7);
    struct nonce b = reserve_soon(&h, 7), c = reserve_soon(&h, 7), forged = a;
    CHECK_EQ_U64(b.number, 8);
    CHECK_EQ_U64(c.number, 9);
    CHECK_EQ(h.last.in_flight, 3);
    forged.token[0] ^= 1;
    CHECK_EQ(sent(&h, &forged), HAWSE_E_STALE);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    CHECK_EQ(ASK(&h, nonce_sent(h.nonces, &KEY, &a, OTHER_HASH, keep, &h)), HAWSE_OK);
    CHECK_EQ(ASK(&h, nonce_release(h.nonces, &KEY, &a, keep, &h)), HAWSE_E_STALE);
    CHECK_EQ(ASK(&h, nonce_release(h.nonces, &KEY, &b, keep, &h)), HAWSE_OK);
    CHECK_EQ_U64(h.last.next, 10);
    CHECK_EQ(gaps(&h, 7, 7), HAWSE_OK); /* 7 in no pool, 8 a hole, 9 held */
    CHECK_EQ_U64(h.last.gap_count, 2);
    CHECK_EQ(h.gaps[0].trouble, NONCE_UNSEEN);
    CHECK_MEM(h.gaps[0].hash, OTHER_HASH, 32);
    CHECK_EQ(h.gaps[1].trouble, NONCE_HOLE);
    CHECK_EQ(ASK(&h, nonce_claim(h.nonces, &KEY, 9, keep, &h)), HAWSE_E_EXISTS);
    CHECK_EQ(ASK(&h, nonce_claim(h.nonces, &KEY, 10, keep, &h)), HAWSE_E_RANGE);
    CHECK_EQ(ASK(&h, nonce_claim(h.nonces, &KEY, 8, keep, &h)), HAWSE_OK);
    CHECK_EQ(sent(&h, &h.last.nonce), HAWSE_OK);
    CHECK_EQ(ASK(&h, nonce_reserve(h.nonces, &KEY, 0, 3, keep, &h)), HAWSE_E_AGAIN);
    CHECK_EQ(ASK(&h, nonce_mined(h.nonces, &KEY, 9, keep, &h)), HAWSE_OK);
    CHECK_EQ(h.last.in_flight, 1);
    CHECK_EQ(ASK(&h, nonce_list(h.nonces, &KEY, keep, &h)), HAWSE_OK); /* by the mirror */
    CHECK_EQ_U64(h.last.entry_count, 3);
    CHECK_EQ(h.entries[0].state, NONCE_RESERVED);
    CHECK_MEM(h.entries[0].nonce.token, c.token, 16);
    CHECK_EQ(ASK(&h, nonce_rewind(h.nonces, &KEY, 10, 9, keep, &h)), HAWSE_E_STATE);
    CHECK_EQ(ASK(&h, nonce_release(h.nonces, &KEY, &c, keep, &h)), HAWSE_OK);
    CHECK_EQ_U64(h.last.next, 9);
    CHECK_EQ(gaps(&h, 9, 20), HAWSE_OK);
    CHECK_EQ_U64(h.last.foreign, 11);
    CHECK_EQ(ASK(&h, nonce_rewind(h.nonces, &KEY, 19, 9, keep, &h)), HAWSE_E_STALE);
    CHECK_EQ(ASK(&h, nonce_rewind(h.nonces, &KEY, 20, 9, keep, &h)), HAWSE_OK);
    CHECK_EQ_U64(reserve_soon(&h, 9).number, 9);
    CHECK_EQ_U64(reserve_soon(&h, (1ULL << 53) - 1).number, (1ULL << 53) - 1);
    CHECK_EQ(reserve(&h, 0), HAWSE_E_RANGE);
    close_host(&h);
    stop(&server);
}

TEST_LIMIT(paused, 20, "a server that does not answer stops sending within the budget, clearly")
{
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0), b = reserve_soon(&h, 0);
    CHECK_EQ(sent(&h, &b), HAWSE_OK);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    uint64_t begin = loop_clock();
    CHECK_EQ(sent(&h, &a), HAWSE_E_STATE); /* may have been done: its bytes are thrown away */
    CHECK(loop_clock() - begin < 2 * BUDGET_MS * MS);
    CHECK(strstr(h.last.fault.message, "nothing is sent"));
    CHECK_EQ(nonce_mode(h.nonces), NONCE_STOPPED);
    CHECK(strstr(h.state, "does not answer in time"));
    CHECK_EQ(reserve(&h, 0), HAWSE_E_STATE); /* at once */
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    run_ms(&h, 100);
    CHECK_EQ_U64(reserve_soon(&h, 0).number, 0); /* taken back */
    CHECK_EQ(sent(&h, &a), HAWSE_E_STALE);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0); /* a replacement is not taken back */
    CHECK_EQ(sent(&h, &b), HAWSE_E_STATE);
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    CHECK_EQ(sent(&h, &b), HAWSE_OK);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    int before = h.told;
    nonce_reserve(h.nonces, &KEY, 0, 9, keep, &h);
    CHECK_EQ(h.told, before);
    close_host(&h); /* what waits is answered */
    CHECK_EQ(h.told, before + 1);
    CHECK_EQ(h.last.status, HAWSE_E_CANCELED);
    stop(&server);
}

TEST_LIMIT(forgotten, 30,
           "a server that was started anew is told what was sent before it gives any")
{
    struct server server = a_server();
    struct host h, other;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK);
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    until_mode(&other, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0), b = reserve_soon(&other, 0), c = reserve_soon(&h, 0);
    CHECK_EQ(sent(&h, &a), HAWSE_OK);
    CHECK_EQ(sent(&other, &b), HAWSE_OK);
    stop(&server);
    CHECK(reserve(&h, 0) == HAWSE_E_STATE);
    start(&server); /* with nothing on its disk */
    until_mode(&h, NONCE_SHARED);
    CHECK_EQ(reserve(&h, 0), HAWSE_E_AGAIN); /* the other did not tell yet */
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_E_AGAIN); /* nor is anything a hole */
    until_mode(&other, NONCE_SHARED);
    run_ms(&other, 100);
    CHECK_EQ(sent(&h, &c), HAWSE_OK); /* still ours */
    CHECK_EQ_U64(reserve_soon(&h, 0).number, 3);
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_OK);
    CHECK_EQ_U64(h.last.gap_count, 3); /* 0, 1, 2: all are known as sent */
    for (int i = 0; i < 3; i++)
        CHECK_EQ(h.gaps[i].trouble, NONCE_UNSEEN);
    struct nonce_counts counts;
    nonce_counts(h.nonces, &counts);
    CHECK(counts.resynced > 0);
    close_host(&h);
    close_host(&other);
    stop(&server);
}

TEST_LIMIT(lease, 30, "only the host that has the lease goes on alone, and no other may send then")
{
    struct server server = a_server();
    struct host h, other;
    char path[600];
    (void)snprintf(path, sizeof(path), "%s", path_of("lease"));
    CHECK_EQ(open_host(&other, &server, "k", NULL, "secret"), HAWSE_OK);
    until_mode(&other, NONCE_SHARED);
    struct nonce theirs = reserve_soon(&other, 0);
    CHECK_EQ(open_host(&h, &server, "j", path, "secret"), HAWSE_OK);
    struct host third;
    CHECK_EQ(open_host(&third, &server, "l", path, "secret"), HAWSE_E_EXISTS);
    CHECK(strstr(fault.message, "another host holds the lease"));
    journal_close(third.journal);
    loop_destroy(third.loop);
    until_mode(&h, NONCE_SHARED);
    struct nonce a = reserve_soon(&h, 0);
    CHECK_EQ_U64(a.number, 1);
    CHECK_EQ(reserve(&other, 0), HAWSE_E_STATE); /* refused by the server */
    CHECK_EQ(sent(&other, &theirs), HAWSE_E_STATE);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    CHECK_EQ(reserve(&h, 0), HAWSE_E_STATE); /* the other still has one that it took before */
    CHECK_EQ(nonce_mode(h.nonces), NONCE_STOPPED);
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    run_ms(&other, 300);
    CHECK_EQ(ASK(&other, nonce_release(other.nonces, &KEY, &theirs, keep, &other)), HAWSE_OK);
    CHECK_EQ(ASK(&h, nonce_claim(h.nonces, &KEY, 0, keep, &h)), HAWSE_OK);
    CHECK_EQ(sent(&h, &h.last.nonce), HAWSE_OK);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    CHECK_EQ(sent(&h, &a), HAWSE_OK); /* by the journal, when the budget is over */
    CHECK_EQ(nonce_mode(h.nonces), NONCE_ALONE);
    CHECK_EQ(reserve(&h, 0), HAWSE_OK);
    struct nonce b = h.last.nonce;
    CHECK(b.number > a.number);
    CHECK_EQ(sent(&h, &b), HAWSE_OK);
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    until_mode(&h, NONCE_SHARED);
    CHECK(reserve_soon(&h, 0).number > b.number);
    CHECK_EQ(gaps(&h, 0, 0), HAWSE_OK);
    bool told = false; /* what was sent alone is known to the server */
    for (size_t i = 0; i < h.last.gap_count; i++)
        told = told || (h.gaps[i].number == b.number && h.gaps[i].trouble == NONCE_UNSEEN);
    CHECK(told);
    close_host(&h);
    close_host(&other);
    stop(&server);
}

TEST_LIMIT(refused, 10, "a server that refuses, or is none, leaves a state that says why")
{
    struct server server = a_server();
    struct host h;
    CHECK_EQ(open_host(&h, &server, "j", NULL, "wrong"), HAWSE_OK);
    run_ms(&h, 500);
    CHECK_EQ(nonce_mode(h.nonces), NONCE_STOPPED);
    CHECK_EQ(reserve(&h, 0), HAWSE_E_STATE);
    close_host(&h);
    CHECK_EQ(open_host(&h, &server, "j", NULL, NULL), HAWSE_OK); /* NOAUTH */
    run_ms(&h, 200);
    CHECK_EQ(nonce_mode(h.nonces), NONCE_STOPPED);
    close_host(&h);
    stop(&server);
    CHECK_EQ(open_host(&h, &server, "j", NULL, "secret"), HAWSE_OK); /* nobody listens */
    run_ms(&h, 100);
    CHECK_EQ(nonce_mode(h.nonces), NONCE_STOPPED);
    close_host(&h);
    CHECK_EQ(open_host(&h, &server, "j", path_of("none/lease"), "secret"), HAWSE_E_IO);
    journal_close(h.journal);
    loop_destroy(h.loop);
}

/* ---- several hosts ---- */

enum { HOSTS = 4, EACH = 150 };

struct book { /* shared between the processes: who sent for which number */
    uint32_t owner[HOSTS * EACH * 2];
    uint64_t collisions, latest;
};

static void host_process(struct server *server, struct book *book, uint32_t number)
{
    char name[16];
    struct host h;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(45);
    (void)snprintf(name, sizeof(name), "host-%u", number);
    CHECK_EQ(open_host(&h, server, name, NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    for (int done = 0; done < EACH;) {
        int32_t code = reserve(&h, __atomic_load_n(&book->latest, __ATOMIC_SEQ_CST));
        struct nonce nonce = h.last.nonce;
        if (code != HAWSE_OK) { /* paused, killed, told again */
            run_ms(&h, 10);
            continue;
        }
        if (test_random() % 8 == 0) {
            (void)ASK(&h, nonce_release(h.nonces, &KEY, &nonce, keep, &h));
            continue;
        }
        if (sent(&h, &nonce) != HAWSE_OK)
            continue;
        if (__atomic_exchange_n(&book->owner[nonce.number], number + 1, __ATOMIC_SEQ_CST) != 0)
            (void)__atomic_add_fetch(&book->collisions, 1, __ATOMIC_SEQ_CST);
        done++;
        uint64_t latest = 0; /* the chain mines what is there */
        while (__atomic_load_n(&book->owner[latest], __ATOMIC_SEQ_CST) != 0)
            latest++;
        __atomic_store_n(&book->latest, latest, __ATOMIC_SEQ_CST);
        (void)ASK(&h, nonce_mined(h.nonces, &KEY, latest, keep, &h));
    }
    run_ms(&h, 1500); /* the others may need what it knows */
    close_host(&h);
    _exit(0);
}

TEST_LIMIT(hosts, 60, "four hosts, a server that is paused, killed and started anew: none twice")
{
    struct server server = a_server();
    struct book *book =
        mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[HOSTS];
    CHECK(book != MAP_FAILED);
    for (uint32_t i = 0; i < HOSTS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            host_process(&server, book, i);
    }
    (void)usleep(900000);
    CHECK_EQ(kill(server.pid, SIGSTOP), 0);
    (void)usleep(400000);
    CHECK_EQ(kill(server.pid, SIGCONT), 0);
    (void)usleep(500000);
    stop(&server);
    (void)usleep(100000);
    start(&server);
    for (int i = 0; i < HOSTS; i++) {
        int status = 0;
        CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
        CHECK_EQ(status, 0);
    }
    CHECK_EQ_U64(book->collisions, 0);
    struct host h; /* what is left open is holes, and can be filled */
    CHECK_EQ(open_host(&h, &server, "last", NULL, "secret"), HAWSE_OK);
    until_mode(&h, NONCE_SHARED);
    for (int i = 0; i < 100 && gaps(&h, book->latest, book->latest) == HAWSE_E_AGAIN; i++)
        run_ms(&h, 20);
    CHECK_EQ(h.last.status, HAWSE_OK);
    for (uint64_t n = 0; n < HOSTS * EACH; n++)
        CHECK(book->owner[n] != 0 || n >= book->latest);
    close_host(&h);
    stop(&server);
}
