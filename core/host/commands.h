/*
 * Calls of verbs (hawse.command/1) on their way between an operator and a plugin. The control
 * thread begins a call and asks how far it is; the instance's lane delivers it, and takes what the
 * plugin prints and how it ends. Between the two stands one record a call, under the board's lock.
 *
 * A call that has begun is never begun again, and whether it was done is never guessed: one whose
 * deadline passes, or whose instance ends, says so. A result is told when what its instance had the
 * journal keep before (hawse.store/1) is on the disk; when it is not after 5 s the result says so.
 * Must never run anything of a plugin, nor wait for it.
 */
#ifndef CORE_HOST_COMMANDS_H
#define CORE_HOST_COMMANDS_H

#include "host/host.h"

#include <hawse/service/command.h>

enum {
    COMMAND_BOARD_MAX = 64,     /* calls that are under way, or were not asked about yet */
    COMMAND_TIMEOUT_MS = 30000, /* unless a call says otherwise */
    COMMAND_TIMEOUT_MAX = 86400000,
    COMMAND_CHUNK = 262144, /* bytes of print that one answer has */
};

/* A verb of an instance. The lane's; read by others under the host's lock. */
struct host_verb {
    struct host_verb *next;
    char name[HAWSE_COMMAND_NAME_MAX + 1];
    char help[HAWSE_COMMAND_HELP_MAX + 1];
    json_t *schema;
    uint64_t tag;
};

/* A call. Made by whoever begins it; on the board until it was asked about when it had ended. */
struct host_call {
    struct host_call *next; /* on the board */
    uint64_t number;        /* by which it is asked about */
    /* written before it is posted */
    struct host *host;
    struct lane *lane;
    hawse_instance_t instance;
    char id[64]; /* the instance's */
    char verb[HAWSE_COMMAND_NAME_MAX + 1];
    char *args;
    uint64_t tag, deadline_ns;
    uint64_t begun_ns;
    struct loop_work work;
    /* the lane's */
    struct loop_timer timer; /* its deadline, or the next attempt to tell the instance */
    uint64_t handle;         /* 0: it has none yet, or none any more */
    bool told;               /* the instance has it in its queue */
    int32_t gone;            /* what the instance is still to be told: HAWSE_E_TIMEOUT */
    /* under the board's lock */
    bool on_lane; /* the lane may still touch it */
    bool ended;
    uint64_t ended_ns;
    uint32_t status;
    char *printed;
    size_t printed_len, printed_cap;
    json_t *result;
    uint64_t noted;     /* notes of the journal that were given before it ended */
    struct fault fault; /* it did not come to an end of its own */
};

void command_board_init(struct command_board *board);
/* When no lane runs any more. */
void command_board_finish(struct command_board *board);

/* [lane] The call has come to its instance's lane. */
void command_arrived(void *call);
/* [lane] Ends a call, in whatever way: fault NULL = the plugin's result, which is taken. False: it
 * has ended already. */
bool command_ended(struct host_call *call, uint32_t status, json_t *result,
                   const struct fault *fault);
/* [lane] Appends what was printed. HAWSE_E_LIMIT, HAWSE_E_NOMEM. */
int32_t command_printed(struct host_call *call, hawse_view_t text);
/* [lane] It will not touch the call any more. */
void command_left(struct host_call *call);

#endif
