/*
 * What the tests of nonces in Redis share: a real redis-server on a loopback port, which is ended
 * with the test, and hosts, each with a journal of its own.
 */
#ifndef TESTS_REDIS_RIG_H
#define TESTS_REDIS_RIG_H

#include "harness.h"
#include "journal_rig.h"

#include "loop/loop.h"
#include "tx/nonce_redis.h"

#include <hawse/types.h>
#include <signal.h>
#include <sys/types.h>

enum { PAUSE_MS = 600, BUDGET_MS = 250 }; /* machines that test are busy */

extern const struct nonce_key KEY;
extern const uint8_t HASH[32];

struct server {
    pid_t pid;
    uint16_t port;
};

struct host {
    struct loop *loop;
    struct journal *journal;
    struct nonces *nonces;
    int told;
    struct nonce_answer last;
    struct nonce_gap gaps[NONCE_GAPS];
    struct nonce_entry entries[NONCE_LIST];
    char state[320];
};

#define ASK(h, call)            \
    __extension__({             \
        int before = (h)->told; \
        call;                   \
        wait_told((h), before); \
    })

/* With nothing on its disk. Skips the test where there is no redis-server. */
struct server a_server(void);
/* Again, after stop(). */
void start(struct server *server);
void stop(struct server *server);
int32_t open_host(struct host *h, const struct server *server, const char *journal,
                  const char *lease, const char *password);
void close_host(struct host *h);
void run_ms(struct host *h, uint64_t ms);
void until_mode(struct host *h, enum nonce_mode mode);
/* Keeps an answer in a host. */
void keep(void *ctx, const struct nonce_answer *answer);
int32_t wait_told(struct host *h, int before);
int32_t reserve(struct host *h, uint64_t floor);
/* Also through the pause in which hosts tell what they have. */
struct nonce reserve_soon(struct host *h, uint64_t floor);
int32_t sent(struct host *h, const struct nonce *nonce);
int32_t gaps(struct host *h, uint64_t latest, uint64_t pending);

#endif
