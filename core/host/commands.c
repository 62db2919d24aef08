/* What an operator asks of verbs, over the control socket; see commands.h. */
#include "host/commands.h"

#include "host/command_args.h"
#include "tx/desk.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_NS 60000000000u /* how long the end of a call waits to be asked about */

void command_board_init(struct command_board *board)
{
    (void)pthread_mutex_init(&board->lock, NULL);
}

static void call_free(struct host_call *call)
{
    free(call->args);
    free(call->printed);
    json_decref(call->result);
    free(call);
}

void command_board_finish(struct command_board *board)
{
    while (board->first) {
        struct host_call *next = board->first->next;
        call_free(board->first);
        board->first = next;
    }
    (void)pthread_mutex_destroy(&board->lock);
}

/* ---- from the lane ---- */

bool command_ended(struct host_call *call, uint32_t status, json_t *result,
                   const struct fault *fault)
{
    struct command_board *board = &call->host->board;
    (void)pthread_mutex_lock(&board->lock);
    bool first = !call->ended;
    if (first) {
        call->ended = true;
        call->ended_ns = loop_clock();
        call->status = status;
        call->result = result;
        call->noted = call->host->desk ? desk_noted(call->host->desk) : 0;
        if (fault)
            call->fault = *fault;
    }
    (void)pthread_mutex_unlock(&board->lock);
    if (!first) {
        json_decref(result);
        return false;
    }
    uint64_t ms = (call->ended_ns - call->begun_ns) / 1000000u;
    if (fault)
        log_line(call->host->logger, HAWSE_LOG_WARN, call->id, "call %llu of %s: %s",
                 (unsigned long long)call->number, call->verb, fault->message);
    else
        log_line(call->host->logger, HAWSE_LOG_INFO, call->id,
                 "call %llu of %s ended with status %u after %llu ms",
                 (unsigned long long)call->number, call->verb, status, (unsigned long long)ms);
    return true;
}

/* Under the board's lock. */
static int32_t make_room(struct host_call *call, uint64_t len)
{
    if (len > HAWSE_COMMAND_PRINTED_MAX - call->printed_len)
        return HAWSE_E_LIMIT;
    size_t need = call->printed_len + (size_t)len,
           cap = call->printed_cap ? call->printed_cap : 1024;
    while (cap < need)
        cap *= 2;
    char *text = cap > call->printed_cap ? realloc(call->printed, cap) : call->printed;
    if (!text)
        return HAWSE_E_NOMEM;
    call->printed = text;
    call->printed_cap = cap;
    return HAWSE_OK;
}

int32_t command_printed(struct host_call *call, hawse_view_t text)
{
    struct command_board *board = &call->host->board;
    (void)pthread_mutex_lock(&board->lock);
    int32_t code = call->ended ? HAWSE_E_STALE : make_room(call, text.len);
    if (code == HAWSE_OK && text.len > 0) {
        memcpy(call->printed + call->printed_len, text.data, (size_t)text.len);
        call->printed_len += (size_t)text.len;
    }
    (void)pthread_mutex_unlock(&board->lock);
    return code;
}

void command_left(struct host_call *call)
{
    struct command_board *board = &call->host->board;
    (void)pthread_mutex_lock(&board->lock);
    call->on_lane = false;
    (void)pthread_mutex_unlock(&board->lock);
}

/* ---- the board; under its lock ---- */

static void take_off(struct command_board *board, struct host_call *call)
{
    struct host_call **at = &board->first;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    call_free(call);
}

/* Ends that nobody asked about for long, or, when all places are taken, the oldest of them. */
static bool tidy(struct command_board *board, uint64_t now_ns)
{
    struct host_call *oldest = NULL, *next;
    uint32_t count = 0;
    for (struct host_call *call = board->first; call; call = next) {
        next = call->next;
        if (call->ended && !call->on_lane && now_ns - call->ended_ns > KEPT_NS) {
            take_off(board, call);
            continue;
        }
        count++;
        if (call->ended && !call->on_lane && (!oldest || call->ended_ns < oldest->ended_ns))
            oldest = call;
    }
    if (count < COMMAND_BOARD_MAX)
        return true;
    if (oldest)
        take_off(board, oldest);
    return oldest != NULL;
}

static uint32_t under_way(const struct command_board *board, hawse_instance_t instance)
{
    uint32_t count = 0;
    for (const struct host_call *call = board->first; call; call = call->next)
        count += call->instance == instance && !call->ended;
    return count;
}

static int32_t put_on(struct command_board *board, struct host_call *call, struct fault *fault)
{
    int32_t code = HAWSE_OK;
    (void)pthread_mutex_lock(&board->lock);
    if (!tidy(board, loop_clock()))
        code = fault_set(fault, HAWSE_E_LIMIT, "%d calls are under way", COMMAND_BOARD_MAX);
    else if (under_way(board, call->instance) >= HAWSE_COMMAND_CALLS_MAX)
        code = fault_set(fault, HAWSE_E_LIMIT, "%u calls of \"%s\" are under way",
                         HAWSE_COMMAND_CALLS_MAX, call->id);
    if (code == HAWSE_OK) {
        call->number = ++board->last_number;
        call->next = board->first;
        board->first = call;
    }
    (void)pthread_mutex_unlock(&board->lock);
    return code;
}

/* ---- beginning a call; under the host's lock ---- */

static struct instance *find_instance(struct host *host, const char *id, struct fault *fault)
{
    for (uint32_t i = 0; id && i < host->instance_count; i++) {
        struct instance *inst = host->instances[i];
        if (!inst || strcmp(instance_config(inst)->id, id) != 0)
            continue;
        if (__atomic_load_n(&inst->state, __ATOMIC_ACQUIRE) == INSTANCE_RUNNING)
            return inst;
        (void)fault_set(fault, HAWSE_E_STATE, "instance \"%s\" is %s%s%s", id,
                        instance_state_name(inst->state), instance_error(inst)[0] ? ": " : "",
                        instance_error(inst));
        return NULL;
    }
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "no instance \"%.64s\"", id ? id : "");
    fault_hint(fault, "`hawse call` without a name lists those that have verbs");
    return NULL;
}

static const struct host_verb *find_verb(const struct instance *inst, const char *name,
                                         struct fault *fault)
{
    const struct host_verb *verb = inst->verbs;
    while (verb && (!name || strcmp(verb->name, name) != 0))
        verb = verb->next;
    if (verb)
        return verb;
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "\"%s\" has no verb \"%.40s\"",
                    instance_config(inst)->id, name ? name : "");
    fault_hint(fault, inst->verbs ? "`hawse call %s` lists them" : "\"%s\" offers none",
               instance_config(inst)->id);
    return NULL;
}

static int32_t read_args(const struct host_verb *verb, const json_t *request, char **out,
                         struct fault *fault)
{
    const json_t *object = json_object_get(request, "args"),
                 *words = json_object_get(request, "words");
    json_t *args = NULL;
    int32_t code = words ? command_args_of_words(verb->schema, words, &args, fault)
                         : command_args_of_object(verb->schema, object, &args, fault);
    if (code != HAWSE_OK) {
        char *usage = command_usage(verb->schema);
        fault_hint(fault, "%s %s", verb->name, usage ? usage : "");
        free(usage);
        return code;
    }
    *out = json_dumps(args, JSON_COMPACT);
    json_decref(args);
    if (!*out)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for arguments");
    if (strlen(*out) <= HAWSE_COMMAND_ARGS_MAX)
        return HAWSE_OK;
    free(*out);
    *out = NULL;
    return fault_set(fault, HAWSE_E_LIMIT, "arguments are longer than %u bytes",
                     HAWSE_COMMAND_ARGS_MAX);
}

static uint64_t timeout_of(const json_t *request)
{
    json_int_t ms = json_integer_value(json_object_get(request, "timeout_ms"));
    if (ms <= 0)
        ms = COMMAND_TIMEOUT_MS;
    return (uint64_t)(ms < COMMAND_TIMEOUT_MAX ? ms : COMMAND_TIMEOUT_MAX) * 1000000u;
}

static struct host_call *new_call(struct instance *inst, const struct host_verb *verb, char *args,
                                  uint64_t timeout_ns)
{
    struct host_call *call = calloc(1, sizeof(*call));
    if (!call) {
        free(args);
        return NULL;
    }
    call->host = inst->host;
    call->lane = inst->lane;
    call->instance = __atomic_load_n(&inst->handle, __ATOMIC_ACQUIRE);
    (void)snprintf(call->id, sizeof(call->id), "%s", instance_config(inst)->id);
    memcpy(call->verb, verb->name, sizeof(call->verb));
    call->args = args;
    call->tag = verb->tag;
    call->begun_ns = loop_clock();
    call->deadline_ns = call->begun_ns + timeout_ns;
    call->work = (struct loop_work){.fn = command_arrived, .ctx = call};
    call->on_lane = true;
    return call;
}

static int32_t begin_locked(struct host *host, const json_t *request, struct host_call **out,
                            struct fault *fault)
{
    const char *id = json_string_value(json_object_get(request, "instance"));
    const char *name = json_string_value(json_object_get(request, "command"));
    struct instance *inst = find_instance(host, id, fault);
    const struct host_verb *verb = inst ? find_verb(inst, name, fault) : NULL;
    char *args = NULL;
    int32_t code = verb ? read_args(verb, request, &args, fault) : fault->code;
    if (code != HAWSE_OK)
        return code;
    struct host_call *call = new_call(inst, verb, args, timeout_of(request));
    if (!call)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a call");
    code = put_on(&host->board, call, fault);
    if (code == HAWSE_OK)
        *out = call;
    else
        call_free(call);
    return code;
}

static json_t *begin_call(struct host *host, const json_t *request, struct fault *fault)
{
    struct host_call *call = NULL;
    (void)pthread_mutex_lock(&host->lock);
    int32_t code = begin_locked(host, request, &call, fault);
    (void)pthread_mutex_unlock(&host->lock);
    if (code != HAWSE_OK)
        return NULL;
    uint64_t number = call->number;
    log_line(host->logger, HAWSE_LOG_INFO, call->id, "an operator calls %s %.300s (call %llu)",
             call->verb, call->args, (unsigned long long)number);
    loop_post(call->lane->loop, &call->work); /* the lane's from now on */
    return json_pack("{s:I}", "call", (json_int_t)number);
}

/* ---- asking about a call ---- */

/* As much of what was printed as one answer takes, ending where a character does. */
static size_t chunk(const struct host_call *call, size_t from)
{
    size_t end = call->printed_len;
    if (end - from <= COMMAND_CHUNK)
        return end;
    end = from + COMMAND_CHUNK;
    while (end > from && ((unsigned char)call->printed[end] & 0xc0u) == 0x80u)
        end--;
    return end;
}

static json_t *fault_json(const struct fault *fault)
{
    return json_pack("{s:s, s:s, s:s}", "code", fault_name(fault->code), "message", fault->message,
                     "fix", fault->hint);
}

enum { KEPT_MS = 5000 }; /* a disk that takes longer does not write */

/* Is what its instance kept before it ended on the disk? Not for long: the call has a fault. */
static bool is_kept(struct host_call *call)
{
    struct desk *desk = call->host->desk;
    if (!desk || call->fault.code != 0 || desk_kept(desk, call->noted))
        return true;
    if (loop_clock() < call->ended_ns + KEPT_MS * 1000000ull)
        return false;
    (void)fault_set(&call->fault, HAWSE_E_UNKNOWN,
                    "it was done, but the journal cannot be written: a restart may forget it");
    fault_hint(&call->fault, "see `hawse status` and the disk of state_dir");
    return true;
}

static json_t *describe(struct host_call *call, size_t from)
{
    size_t to = chunk(call, from);
    bool done = call->ended && to == call->printed_len && is_kept(call);
    json_t *printed = json_stringn(call->printed ? call->printed + from : "", to - from);
    json_t *o =
        json_pack("{s:o, s:I, s:b}", "printed", printed, "from", (json_int_t)to, "done", done);
    if (o && done && call->fault.code != 0)
        (void)json_object_set_new(o, "fault", fault_json(&call->fault));
    else if (o && done)
        (void)json_object_update(o, call->result);
    if (o && done && call->fault.code == 0)
        (void)json_object_set_new(o, "status", json_integer(call->status));
    return o;
}

static json_t *next_of_call(struct host *host, const json_t *request, struct fault *fault)
{
    json_int_t number = json_integer_value(json_object_get(request, "call"));
    json_int_t from = json_integer_value(json_object_get(request, "from"));
    json_t *o = NULL;
    (void)pthread_mutex_lock(&host->board.lock);
    struct host_call *call = host->board.first;
    while (call && call->number != (uint64_t)number)
        call = call->next;
    if (!call)
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "no call %lld; its end was known for a minute",
                        (long long)number);
    else if (from < 0 || (size_t)from > call->printed_len)
        (void)fault_set(fault, HAWSE_E_RANGE, "from: found %lld, expected 0 to %zu",
                        (long long)from, call->printed_len);
    else if (!(o = describe(call, (size_t)from)))
        (void)fault_set(fault, HAWSE_E_INVAL, "from: %lld is no position of an earlier answer",
                        (long long)from);
    (void)pthread_mutex_unlock(&host->board.lock);
    return o;
}

/* ---- what there is ---- */

static json_t *verbs_of(const struct instance *inst)
{
    json_t *verbs = json_array();
    for (const struct host_verb *verb = inst->verbs; verb; verb = verb->next) {
        char *usage = command_usage(verb->schema);
        (void)json_array_append_new(verbs, json_pack("{s:s, s:s, s:s, s:O}", "name", verb->name,
                                                     "help", verb->help, "usage",
                                                     usage ? usage : "", "args", verb->schema));
        free(usage);
    }
    return verbs;
}

static json_t *list(struct host *host)
{
    json_t *instances = json_array();
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count; i++) {
        const struct instance *inst = host->instances[i];
        if (inst && inst->verbs)
            (void)json_array_append_new(
                instances,
                json_pack("{s:s, s:o}", "id", instance_config(inst)->id, "verbs", verbs_of(inst)));
    }
    (void)pthread_mutex_unlock(&host->lock);
    return json_pack("{s:o}", "instances", instances);
}

char *host_command_verb(struct host *host, const char *verb, const json_t *request,
                        struct fault *fault)
{
    json_t *answer = strcmp(verb, "commands") == 0 ? list(host)
                     : strcmp(verb, "call") == 0   ? begin_call(host, request, fault)
                                                   : next_of_call(host, request, fault);
    char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
    json_decref(answer);
    if (!text)
        (void)fault_set(fault, HAWSE_E_NOMEM, "no memory for an answer");
    return text;
}

bool host_has_command_verb(const char *verb)
{
    return strcmp(verb, "commands") == 0 || strcmp(verb, "call") == 0 ||
           strcmp(verb, "call-next") == 0;
}
