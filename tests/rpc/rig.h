/*
 * A pool over faulty providers, with a loop to be told on; for tests and for the trial.
 */
#ifndef TESTS_RPC_RIG_H
#define TESTS_RPC_RIG_H

#include "faulty.h"
#include "net/stream.h"
#include "rpc/pool.h"

struct rig {
    struct faulty *servers[8];
    unsigned count;
    struct loop *loop;
    struct logger *logger;
    struct metrics *metrics;
    struct http_client *client;
    struct pool *pool;
    struct config *config;
    struct connector *connector;
    bool sockets;  /* providers have a WebSocket too */
    uint16_t node; /* of a real one, instead of servers; 0 = none */
};

/* `providers`: members of each, such as "'per_second':0"; `more`: of the chain. With ' for ". */
void rig_start(struct rig *rig, const char *const *providers, unsigned count, const char *more);
/* The same with providers that misbehave from the first request on. */
void rig_start_as(struct rig *rig, const char *const *providers, const enum fault_mode *modes,
                  unsigned count, const char *more);
/* The same with a WebSocket of each provider. */
void rig_start_sockets(struct rig *rig, const char *const *providers, unsigned count,
                       const char *more);
/* Over a real node of chain 100 on loopback, by HTTP or by WebSocket as well. */
void rig_start_node(struct rig *rig, uint16_t port, bool sockets, const char *provider,
                    const char *more);
void rig_stop(struct rig *rig);

struct told {
    int done; /* times */
    int32_t status;
    enum rpc_class class;
    char body[256], provider[64];
    uint64_t elapsed_ns;
};

/* Asks; the answer comes into `told`. Ends the process when it is refused. */
struct pool_request *rig_ask(struct rig *rig, const char *method, const char *params,
                             uint32_t flags, uint32_t deadline_ms, struct told *told);
int32_t rig_try(struct rig *rig, const struct pool_options *options, struct told *told,
                struct pool_request **out);
/* Steps the loop until it is told, 20 s at most. */
void rig_wait(struct rig *rig, const struct told *told);
/* Asks and waits. */
struct told rig_get(struct rig *rig, const char *method, const char *params, uint32_t flags);
void rig_sleep(struct rig *rig, uint32_t ms);

#endif
