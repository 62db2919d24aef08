/*
 * A fake host: the services of the ABI for one instance of one plugin, in one thread, on a clock
 * that stands still until the test moves it. Whatever happens in it happens again in the next run,
 * to the nanosecond. A stand-in for the host, not for a node: what the outside answers is up to the
 * test, by callbacks (struct fakehost_outside); evmnode.h is one such outside.
 *
 * It keeps the promises of hawse/hawse.h and of the services' headers, and ends the test when the
 * plugin breaks its own: a callback that takes more than it was given, a handle that never was, a
 * reserve that is overrun (each is an allocation of its own, so sanitizers see it).
 */
#ifndef HAWSE_TESTS_FAKEHOST_H
#define HAWSE_TESTS_FAKEHOST_H

#include <hawse/hawse.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdbool.h>

#define FAKEHOST_MS 1000000ull

struct fakehost;

/* A question under way. Texts end in NUL and live until it is answered or canceled. */
struct fakehost_call {
    hawse_request_t request; /* 0 = free */
    uint64_t tag;
    uint64_t asked_ns;
    char *method;
    char *params;
};

/* What the plugin does to the world outside. Each may be NULL: then it succeeds and nothing comes
 * of it. All run inside a callback of the plugin: answer by fakehost_later, never at once. */
struct fakehost_outside {
    void *ctx;
    /* HAWSE_OK, or why the stream cannot be opened */
    int32_t (*open)(void *ctx, hawse_stream_t stream, const char *endpoint);
    int32_t (*send)(void *ctx, hawse_stream_t stream, const char *text, uint64_t len);
    void (*reconnect)(void *ctx, hawse_stream_t stream, const char *reason);
    /* HAWSE_OK: taken, and answered later; otherwise what call() returns */
    int32_t (*ask)(void *ctx, const struct fakehost_call *call);
    void (*publish)(void *ctx, const hawse_event_t *event);
    /* false: there is no room, publish answers HAWSE_E_AGAIN */
    bool (*room)(void *ctx, const hawse_event_t *event);
    void (*log)(void *ctx, uint32_t level, const char *text);
};

/* Loads the plugin's table and creates an instance; ends the test when that fails. `config` is the
 * settings as JSON text. */
struct fakehost *fakehost_create(const hawse_plugin_t *(*plugin)(const hawse_host_t *),
                                 const char *config, const struct fakehost_outside *outside);
void fakehost_start(struct fakehost *h);
/* From now on the instance is handed over to itself after each batch (hawse.state/1): what it does
 * has to be the same. Ends the test when the plugin does not offer it. */
void fakehost_hand_over(struct fakehost *h);
/* stop, then destroy; NULL is legal. */
void fakehost_destroy(struct fakehost *h);

uint64_t fakehost_now(const struct fakehost *h);
/* Calls fn at a time from now; what is due at the same time runs in the order of these calls. */
void fakehost_later(struct fakehost *h, uint64_t delay_ns, void (*fn)(void *ctx, uint64_t arg),
                    void *ctx, uint64_t arg);
/* The same for a block of malloc that fn frees, or the host when the test ends before. */
void fakehost_later_owned(struct fakehost *h, uint64_t delay_ns,
                          void (*fn)(void *ctx, uint64_t arg), void *ctx);
/* Lets time pass: timers, silences and what was put off, each at its moment. */
void fakehost_pass(struct fakehost *h, uint64_t ns);

/* ---- what happens to the plugin; delivered by the next fakehost_pass ---- */

void fakehost_event(struct fakehost *h, const hawse_event_t *event);
void fakehost_stream_state(struct fakehost *h, hawse_stream_t stream, uint32_t state,
                           int32_t error);
void fakehost_frame(struct fakehost *h, hawse_stream_t stream, const char *text, uint64_t len);
void fakehost_demand(struct fakehost *h, uint32_t change, uint64_t sub, uint16_t space,
                     const void *filter, uint32_t filter_len);
/* Nothing happens when the request was canceled. */
void fakehost_answer(struct fakehost *h, hawse_request_t request, const char *result);
void fakehost_refuse(struct fakehost *h, hawse_request_t request, int32_t status,
                     uint32_t http_status, const char *body);

/* ---- what the plugin did ---- */

bool fakehost_open_request(const struct fakehost *h, hawse_request_t request);
uint32_t fakehost_calls_open(const struct fakehost *h);
/* Events that the plugin has not taken yet. */
uint32_t fakehost_waiting(const struct fakehost *h);
/* The value of a metric by name; 0 when it was never declared. */
int64_t fakehost_metric(const struct fakehost *h, const char *name);
/* The channel's last state (HAWSE_CHANNEL_...), by name; UINT32_MAX when it was never declared. */
uint32_t fakehost_channel(const struct fakehost *h, const char *name);
/* The subscriptions that the plugin made, oldest first; NULL behind the last. */
const hawse_sub_spec_t *fakehost_subscription(const struct fakehost *h, uint32_t index);

#endif
