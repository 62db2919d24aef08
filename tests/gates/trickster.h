/*
 * What the parts of the trickster share: one that proposes what its settings say, and one that
 * breaks the structures themselves. Built from the SDK alone, like anybody's strategy.
 */
#ifndef TESTS_GATES_TRICKSTER_H
#define TESTS_GATES_TRICKSTER_H

#include <hawse/hawse.h>
#include <hawse/service/intent.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <stdbool.h>

enum { TEXT = 128, CALLS = 4, FLOWS = 4, STREAMS = 2, ITEMS = 16, COPIES = 16 };

/* One intent of the settings, as often as it is wanted. */
struct item {
    char id[TEXT], chain[TEXT], account[TEXT];
    hawse_intent_call_t calls[CALLS]; /* their data is owned */
    hawse_intent_flow_t flows[FLOWS];
    hawse_intent_stream_t streams[STREAMS];
    uint32_t call_count, flow_count, stream_count, how, route, flags;
    uint64_t copies;         /* "-0", "-1" ... behind the id, when there are several */
    int64_t deadline_ms;     /* from now; 0 = none */
    uint64_t deadline_block; /* 0 = none */
    uint64_t cancel_on;      /* step after which it is canceled; 0 = never */
    uint64_t confirmations;
    hawse_u256_t max_cost;
    uint64_t handles[COPIES];
    bool again[COPIES]; /* to be proposed once more */
};

struct trickster {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_intent_service_t *intents;
    const hawse_timer_service_t *timers;
    const hawse_sub_service_t *subs;
    char chain[TEXT], account[TEXT], target[TEXT];
    bool in_create, in_thread, malformed, handles;
    bool one_by_one; /* the next when the last has ended */
    struct item items[ITEMS];
    uint32_t item_count;
    int64_t after_ms; /* it proposes; 0 = when it starts */
    bool armed;
};

__attribute__((format(printf, 2, 3))) void say(struct trickster *t, const char *fmt, ...);

/* Proposes one broken structure after the other, and says how each was answered. */
void malformed(struct trickster *t);

#endif
