/*
 * What the host and a worker share: a page of control, room for what the worker says, room for what
 * it is told. Always one of the two has the turn, and only that one writes: a callback is a
 * conversation in which the lane waits, so that a plugin in a worker sees the same calls in the
 * same order as one in the host's own process.
 *
 * The host believes nothing that stands here: whatever it uses it copies first, and lengths and
 * offsets are checked against the copy. A worker reads what it is told through a mapping that it
 * cannot write.
 */
#ifndef CORE_WORKER_LINK_H
#define CORE_WORKER_LINK_H

#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINK_SAID_BYTES = 8 << 20,  /* what a worker says in one call of the host, at most */
    LINK_TOLD_BYTES = 96 << 20, /* a batch of events, at most: pages never reached cost nothing */
    LINK_WORDS = 512,
};

/* Descriptors that a worker begins with. */
enum {
    LINK_FD_CONTROL = 3,
    LINK_FD_TOLD = 4,
    LINK_FD_PLUGIN = 5,
    LINK_FD_RECEIVED = 6, /* nothing that matters, when `received` is 0 */
    LINK_FDS = 7,
};

/* Whose turn it is. The worker's is its thread's number and FUTEX_WAITERS, as robust futexes have
 * it: when it dies the kernel puts FUTEX_OWNER_DIED there and wakes the host. */
enum { LINK_TURN_HOST = 1 };
#define LINK_TURN_LOADING 2u /* the worker's, before the host knows its number */

/* What the one that got the turn is to do. */
enum link_kind {
    LINK_READY = 1, /* to the host: the plugin is loaded and sealed; `code`, `words` if it is not */
    LINK_CALL,      /* to the host: make `call`, and answer */
    LINK_ANSWER,    /* to the worker: `call`'s code and result */
    LINK_RETURN,    /* to the host: the callback ended with `code` */
    LINK_CREATE,    /* to the worker, and so on: callbacks; told: the settings, `count` bytes */
    LINK_START,
    LINK_EVENTS, /* told: `count` pointers to events, valid in the worker */
    LINK_STOP,   /* `number`: the deadline */
    LINK_DESTROY,
    LINK_SAVE,    /* to the host, with its return: `number` bytes in the room for what it says */
    LINK_RESTORE, /* told: the settings, `count` bytes, then at the next word `number` of state */
};

/* Why a worker ended itself: by its own account, which names things but proves nothing. */
enum link_end {
    LINK_END_NONE,
    LINK_END_SIGNAL,
    LINK_END_SYSCALL,
    LINK_END_WROTE, /* into what it can only read */
};

/* What keeps a worker in: bits. */
enum link_walls {
    LINK_WALL_SYSCALLS = 1,
    LINK_WALL_NETWORK = 2,
    LINK_WALL_FILES = 4,
    LINK_WALL_USER = 8,
};

/* What the plugin wrote to, which leads nowhere: bits. */
enum link_wrote { LINK_WROTE_OUTPUT = 1, LINK_WROTE_ERROR = 2 };

#define LINK_NOTHING UINT64_MAX

struct link_view {
    uint64_t offset, len; /* in the room for what the worker says; LINK_NOTHING, 0 = NULL */
};

/* A struct record_call whose views are offsets. */
struct link_call {
    uint16_t call;
    uint8_t arg_count, view_count;
    int32_t code;
    uint64_t result;
    uint64_t args[RECORD_ARGS];
    struct link_view views[RECORD_VIEWS];
};

struct link_control {
    /* The turn, and behind it in the same line of the cache all that most turns are about: who
     * waits for the one has the other. Whoever has the turn writes the line as the last thing. */
    _Alignas(64) uint32_t turn; /* a futex */
    uint32_t host_sleeps, worker_sleeps;
    uint32_t lingers; /* from the host, at any time: after its callback the worker stays awake */
    uint32_t kind;
    int32_t code;
    uint64_t number;
    uint64_t now_ns, utc_ns; /* of the callback */
    uint64_t ahead; /* where the first event's bytes are over there: to be fetched; 0 = nowhere */
    uint32_t count;
    _Alignas(64) struct link_call call;
    /* from the host, once */
    _Alignas(64) uint64_t handle; /* of the instance; a new one each time it is created */
    uint64_t spin_ns;
    uint32_t yields;
    uint32_t reserved2;
    uint64_t memory;   /* bytes that the plugin may have */
    uint64_t received; /* bytes of the arena that frames are in; 0 = there is none */
    int64_t host;      /* process that must live as long as the worker */
    char id[128];      /* of the manifest */
    uint32_t asks_reserve;
    /* from the worker, once */
    uint64_t told_at;     /* where it sees what it is told */
    uint64_t received_at; /* and what was received */
    uint32_t walls;
    /* its last words */
    uint32_t end; /* enum link_end */
    uint32_t end_number;
    uint32_t out_of_memory;
    uint32_t wrote; /* enum link_wrote; `words` begin what went to standard error last */
    uint32_t reserved3;
    char words[LINK_WORDS];
};

enum { LINK_SAID_AT = 4096, LINK_CONTROL_BYTES = LINK_SAID_AT + LINK_SAID_BYTES };
_Static_assert(sizeof(struct link_control) <= LINK_SAID_AT, "control has a page");
_Static_assert(offsetof(struct link_control, call) == 64, "a turn is one line of the cache");

/* How to wait for the turn. */
struct link_patience {
    uint64_t spin_ns;    /* look for it so long before going to sleep */
    bool yields;         /* both are on one CPU: leave it to the other meanwhile */
    bool lingers;        /* look for it only while the host says so (`lingers` of the control) */
    uint64_t timeout_ns; /* of the sleep; 0 = until woken */
};

/* Hands the turn over: LINK_TURN_HOST, or the worker's. What was written before is seen by the
 * other. */
void link_give(struct link_control *link, uint32_t to);
/* Waits for the turn of the host; false when it is not there after one sleep, whatever ended it:
 * the caller looks at the clock, and at whether the worker lives, and waits again. */
bool link_wait_host(struct link_control *link, const struct link_patience *patience);
/* Waits until it is not the host's turn any more. */
void link_wait_worker(struct link_control *link, const struct link_patience *patience);
/* [any] Wakes the host from its sleep, to look at the clock. */
void link_poke(struct link_control *link);

#endif
