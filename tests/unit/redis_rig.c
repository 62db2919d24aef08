/* See redis_rig.h. */
#include "redis_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

const struct nonce_key KEY = {100, {0xaa, 1}};
const uint8_t HASH[32] = {1, 2, 3};
static const uint64_t MS = 1000000ULL;

/* ---- a server ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(fd, (struct sockaddr *)&a, len) == 0 && getsockname(fd, (void *)&a, &len) == 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

void start(struct server *server)
{
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", server->port);
    const char *dir = test_tmp_dir();
    server->pid = fork();
    if (server->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout))
            _exit(126);
        (void)execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1",
                     "--save", "", "--appendonly", "no", "--dir", dir, "--requirepass", "secret",
                     NULL);
        _exit(127);
    }
}

struct server a_server(void)
{
    if (system("command -v redis-server >/dev/null") != 0)
        test_skip("redis-server is not installed");
    struct server server = {.port = free_port()};
    start(&server);
    return server;
}

void stop(struct server *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}

/* ---- a host ---- */

void keep(void *ctx, const struct nonce_answer *answer)
{
    struct host *h = ctx;
    h->told++;
    h->last = *answer;
    if (answer->gap_count > 0)
        memcpy(h->gaps, answer->gaps, answer->gap_count * sizeof(h->gaps[0]));
    if (answer->entry_count > 0)
        memcpy(h->entries, answer->entries, answer->entry_count * sizeof(h->entries[0]));
}

static void on_notice(void *ctx, const char *text)
{
    struct host *h = ctx;
    (void)snprintf(h->state, sizeof(h->state), "%s", text);
}

int32_t open_host(struct host *h, const struct server *server, const char *journal,
                  const char *lease, const char *password)
{
    struct nonce_redis_options redis = {.server = {.address = "127.0.0.1",
                                                   .port = server->port,
                                                   .password = password,
                                                   .budget_ms = BUDGET_MS},
                                        .lease = lease,
                                        .pause_ms = PAUSE_MS,
                                        .notify = on_notice,
                                        .notify_ctx = h};
    memset(h, 0, sizeof(*h));
    GOOD(loop_create(&h->loop, &fault));
    h->journal = open_as(journal, false);
    fault_clear(&fault);
    return nonces_open_redis(h->journal, h->loop, NULL, &redis, &h->nonces, &fault);
}

void close_host(struct host *h)
{
    nonces_close(h->nonces);
    journal_close(h->journal);
    loop_destroy(h->loop);
}

void run_ms(struct host *h, uint64_t ms)
{
    uint64_t end = loop_clock() + ms * MS;
    while (loop_clock() < end)
        (void)loop_step(h->loop, 5 * MS, 0);
}

void until_mode(struct host *h, enum nonce_mode mode)
{
    uint64_t end = loop_clock() + 4000 * MS;
    while (nonce_mode(h->nonces) != mode && loop_clock() < end)
        (void)loop_step(h->loop, 5 * MS, 0);
    if (nonce_mode(h->nonces) != mode)
        FAIL("mode %s, expected %s: %s", nonce_mode_name(nonce_mode(h->nonces)),
             nonce_mode_name(mode), h->state);
}

int32_t wait_told(struct host *h, int before)
{
    uint64_t end = loop_clock() + 2000 * MS;
    while (h->told == before && loop_clock() < end)
        (void)loop_step(h->loop, 5 * MS, 0);
    CHECK_EQ(h->told, before + 1);
    return h->last.status;
}

int32_t reserve(struct host *h, uint64_t floor)
{
    return ASK(h, nonce_reserve(h->nonces, &KEY, floor, 4000, keep, h));
}

struct nonce reserve_soon(struct host *h, uint64_t floor)
{
    uint64_t end = loop_clock() + 4000 * MS;
    while (reserve(h, floor) == HAWSE_E_AGAIN && loop_clock() < end)
        run_ms(h, 20);
    if (h->last.status != HAWSE_OK)
        FAIL("%d: %s", h->last.status, h->last.fault.message);
    return h->last.nonce;
}

int32_t sent(struct host *h, const struct nonce *nonce)
{
    return ASK(h, nonce_sent(h->nonces, &KEY, nonce, HASH, keep, h));
}

int32_t gaps(struct host *h, uint64_t latest, uint64_t pending)
{
    struct nonce_view view = {latest, pending, 0, 0};
    return ASK(h, nonce_gaps(h->nonces, &KEY, &view, keep, h));
}
