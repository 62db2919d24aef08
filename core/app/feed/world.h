/*
 * What a feed plays, and how it answers: an EVM chain, a Solana cluster or Polymarket. Each is a
 * table of functions over its own state, chosen by the sample's header; the server knows nothing
 * else of them. Every sample is played round after round, later rounds with later numbers and
 * times.
 */
#ifndef CORE_APP_FEED_WORLD_H
#define CORE_APP_FEED_WORLD_H

#include "base/fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What one connection has asked for. */
struct feed_subscription {
    char id[36];    /* as the world gave it out */
    uint32_t what;  /* the world's own */
    json_t *filter; /* the world's own; owned */
};

enum { FEED_SUBSCRIPTIONS = 64 };

/* One connection's subscriptions; lives with the connection, which the server keeps in a list. */
struct feed_subscriber {
    struct feed_subscription list[FEED_SUBSCRIPTIONS];
    size_t count;
    uint64_t next_id;
    struct feed_subscriber *next;
};

/* The next free one, or NULL: too many. */
struct feed_subscription *feed_subscribe(struct feed_subscriber *subscriber);
void feed_unsubscribe(struct feed_subscriber *subscriber, size_t index);
void feed_subscriber_finish(struct feed_subscriber *subscriber);

struct feed_world {
    /* Milliseconds after the start at which the next frame is due. */
    double (*due_ms)(const void *state);
    /* Plays the next frame to all of the list. */
    void (*play)(void *state, struct feed_subscriber *first);
    /* A message on a WebSocket: the answer, malloc'd, or NULL when none is due. */
    char *(*message)(void *state, struct feed_subscriber *from, const char *text, size_t len);
    /* A request by HTTP, `text` its body: the answer, malloc'd, never NULL but without memory. */
    char *(*request)(void *state, const char *path, const char *text, size_t len, int *status);
    /* In one line, what is played. */
    void (*describe)(const void *state, char *out, size_t cap);
    void (*destroy)(void *state);
};

/* Reads a sample from an open file, which `path` names in faults. */
int32_t feed_world_read(FILE *f, const char *path, const struct feed_world **world, void **state,
                        struct fault *fault);
int32_t feed_world_load(const char *path, const struct feed_world **world, void **state,
                        struct fault *fault);

/* The server's: sends a text to a connection. */
void feed_send(struct feed_subscriber *to, const char *text);
/* The same for JSON, which it takes. */
void feed_send_json(struct feed_subscriber *to, json_t *message);

/* ---- the worlds; each reads a file from its beginning ---- */

int32_t feed_evm_read(FILE *f, const char *path, void **state, struct fault *fault);
int32_t feed_solana_read(FILE *f, const char *path, void **state, struct fault *fault);
int32_t feed_polymarket_read(FILE *f, const char *path, void **state, struct fault *fault);
extern const struct feed_world feed_evm, feed_solana, feed_polymarket;

#endif
