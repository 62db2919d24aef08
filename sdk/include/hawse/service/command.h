/*
 * "hawse.command/1": verbs that an operator calls on an instance: `hawse call INSTANCE VERB`. A
 * plugin says what its verbs are and what arguments they take; the host reads the command line,
 * refuses what the schema does not allow, and delivers the call as HAWSE_HOST_COMMAND on the
 * instance's lane, where it is recorded like every other input. The plugin answers at once or
 * later, from any callback: a verb may need answers of a node first.
 *
 * A call gives no rights: what a verb does goes through the same grants, gates and limits as what
 * the plugin does by itself. Arguments are in captures and may be in a shell's history: take no
 * secret by one.
 *
 * Whoever called may be gone before the end, and the deadline may pass: then what a verb has begun
 * is not undone. A verb that changes something says so by what it proposes (hawse.intent/1), whose
 * idempotency key keeps a second call from doing it twice.
 */
#ifndef HAWSE_SERVICE_COMMAND_H
#define HAWSE_SERVICE_COMMAND_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_COMMAND_ID "hawse.command/1"

/* bounds */
#define HAWSE_COMMANDS_MAX        64u      /* verbs of one instance */
#define HAWSE_COMMAND_CALLS_MAX   16u      /* calls of one instance under way */
#define HAWSE_COMMAND_NAME_MAX    32u      /* bytes of a verb's name: [a-z][a-z0-9-]* */
#define HAWSE_COMMAND_HELP_MAX    200u     /* bytes of its help: one line */
#define HAWSE_COMMAND_SCHEMA_MAX  16384u   /* bytes of the schema of its arguments */
#define HAWSE_COMMAND_ARGS_MAX    65536u   /* bytes of the arguments of a call, as JSON */
#define HAWSE_COMMAND_PRINT_MAX   65536u   /* bytes of one print() */
#define HAWSE_COMMAND_PRINTED_MAX 1048576u /* bytes of all prints of a call */
#define HAWSE_COMMAND_RESULT_MAX  1048576u /* bytes of a result */

/* Statuses a verb ends with; up to HAWSE_COMMAND_STATUS_MAX others mean what the plugin says. */
#define HAWSE_COMMAND_GOOD       0u
#define HAWSE_COMMAND_TROUBLE    1u /* it ran, and something is wrong with what it looked at */
#define HAWSE_COMMAND_USAGE      2u /* its arguments are wrong; nothing was done */
#define HAWSE_COMMAND_STATUS_MAX 63u

/*
 * A verb. `args` is a JSON Schema of an object, in the subset that settings use, or empty for a
 * verb without arguments. Its properties, in their order, are what words on the command line fill:
 * `NAME=VALUE`, `--NAME=VALUE` and `--NAME VALUE` fill that one, `--NAME` a boolean with true,
 * every other word the next that is not filled and no boolean; an array takes all that come. What
 * stands on a command line are texts, numbers, booleans and arrays of them; other types only
 * programs can give. The plugin gets an object that keeps the schema, defaults filled in: numbers
 * too large for JSON (amounts) are strings of format "uint256". No property may be named json,
 * socket, config, live, timeout, set or help: those are of `hawse call`.
 */
typedef struct hawse_command_spec {
    uint32_t size;
    uint32_t flags;    /* 0 */
    hawse_view_t name; /* "approvals" */
    hawse_view_t help; /* "list, set or revoke what contracts may spend" */
    hawse_view_t args; /* {"properties": {"what": {"enum": ["list", "set"]}}, "required": ["what"]}
                        */
    uint64_t tag;      /* the plugin's own; comes with every call */
} hawse_command_spec_t;

/* How a call ended. */
typedef struct hawse_command_result {
    uint32_t size;
    uint32_t status;   /* exit status of `hawse call`: HAWSE_COMMAND_..., 0 to ..._STATUS_MAX */
    hawse_view_t json; /* the result for programs, any JSON value; empty: null */
    hawse_view_t text; /* the last words for people, after what was printed; may be empty */
} hawse_command_result_t;

typedef struct hawse_command_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows spec] Offer a verb from now on, until the instance ends; in create() or
     * start(), so that it is there when the host is. Everything is copied. HAWSE_E_EXISTS: it has
     * one of this name; HAWSE_E_LIMIT: HAWSE_COMMANDS_MAX; HAWSE_E_FORMAT: `args` is no schema that
     * the host understands, the log says where; HAWSE_E_INVAL: an argument is outside its bounds.
     */
    int32_t (*add)(const hawse_host_t *host, hawse_instance_t self,
                   const hawse_command_spec_t *spec);

    /* [lane; borrows text] Show text to whoever called, as it comes; UTF-8, with its own newlines.
     * HAWSE_E_STALE: the call has ended; HAWSE_E_LIMIT: HAWSE_COMMAND_PRINTED_MAX is used up;
     * HAWSE_E_INVAL: too long, or no UTF-8. */
    int32_t (*print)(const hawse_host_t *host, hawse_instance_t self, hawse_command_t call,
                     hawse_view_t text);

    /* [lane; borrows result] End a call; its handle is stale from then on. HAWSE_E_STALE: it has
     * ended. With another error it has not ended: HAWSE_E_LIMIT: more than
     * HAWSE_COMMAND_RESULT_MAX; HAWSE_E_FORMAT: `json` is no JSON; HAWSE_E_INVAL: the status is out
     * of range, or a text no UTF-8. */
    int32_t (*end)(const hawse_host_t *host, hawse_instance_t self, hawse_command_t call,
                   const hawse_command_result_t *result);
} hawse_command_service_t;

#ifdef __cplusplus
}
#endif
#endif
