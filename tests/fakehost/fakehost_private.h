/*
 * The fake host from the inside: one struct, shared by its two files.
 */
#ifndef HAWSE_TESTS_FAKEHOST_PRIVATE_H
#define HAWSE_TESTS_FAKEHOST_PRIVATE_H

#include "fakehost.h"

#include <hawse/service/state.h>

enum { CALLS = 256, CHANNELS = 64, METRICS = 128, STREAMS = 64, SUBS = 1024, NAME = 64 };

/* Something that is to happen. A list in order of time, then of making. */
struct fake_task {
    uint64_t due_ns;
    void (*fn)(void *ctx, uint64_t arg);
    void *ctx;
    uint64_t arg;
    bool owned;     /* ctx is to be freed when fn never runs */
    uint64_t timer; /* handle; 0 = not a timer of the plugin */
    uint64_t period_ns, tag;
    struct fake_task *next;
};

struct fake_event {
    hawse_event_t event;
    struct fake_event *next;
    uint8_t *data;
};

struct fake_channel {
    char name[NAME];
    hawse_stream_t stream;
    uint64_t idle_ns, touched_ns;
    bool silent; /* said already */
    uint32_t state;
};

struct fake_stream {
    bool open, closed_for_good;
    uint32_t connection;
    uint64_t frames;
};

struct fakehost {
    hawse_host_t host; /* first: the plugin hands it back */
    struct fakehost_outside outside;
    const hawse_plugin_t *plugin;
    void *state;
    const hawse_state_interface_t *handed_over; /* after each batch; NULL = not at all */
    char *config;
    bool inside; /* a callback of the plugin runs */
    bool stuck;  /* it took less than it was given: asked again in a millisecond */
    uint64_t now_ns, handles;
    struct fake_task *tasks;
    struct fake_event *first, *last;
    struct fakehost_call calls[CALLS];
    struct fake_stream streams[STREAMS];
    struct fake_channel channels[CHANNELS];
    struct {
        char name[NAME];
        int64_t value;
    } metrics[METRICS];
    hawse_sub_spec_t subs[SUBS];
    uint32_t stream_count, channel_count, metric_count, sub_count;
    uint64_t seq[256];
    uint8_t *reserved;
    uint64_t reserved_len;
};

/* fakehost_services.c */
const void *fake_query(const hawse_host_t *host, hawse_instance_t self, const char *id);
struct fake_task *fake_task_add(struct fakehost *h, uint64_t delay_ns);

/* Handles are 1 + index; 0 is none. */
static inline struct fakehost *fake_of(const hawse_host_t *host)
{
    return (struct fakehost *)(uintptr_t)host;
}

#endif
