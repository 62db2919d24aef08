/*
 * "hawse.command/1": verbs that instances offer, and calls of them on the instance's lane. A call
 * has a handle from when it arrives until it has ended; while the instance's queue is full it
 * waits, and one that was never told was certainly not done.
 */
#include "host/command_args.h"
#include "host/commands.h"
#include "host/given.h"

#include <hawse/space/host.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_NS = 1000000 };

/* ---- how calls end without the plugin ---- */

static void drop(struct host_call *call)
{
    struct lane *lane = call->lane;
    loop_timer_cancel(lane->loop, &call->timer);
    if (call->handle != 0)
        handles_remove(&lane->commands, call->handle);
    command_left(call);
}

static void lose(struct host_call *call, int32_t code, const char *why)
{
    struct fault fault = {0};
    if (!call->told) {
        (void)fault_set(&fault, code, "%s; nothing was done", why);
    } else {
        (void)fault_set(&fault, HAWSE_E_UNKNOWN, "%s; whether it was done is not known", why);
        fault_hint(&fault, "look (`hawse intents`, `hawse journal`) before calling it again");
    }
    (void)command_ended(call, 0, NULL, &fault);
}

/* ---- telling the instance ---- */

/* The header, the record, the name, the arguments: one block, which the bus frees. */
static hawse_event_t *event_of(const struct host_call *call)
{
    size_t name_len = strlen(call->verb), args_len = strlen(call->args);
    hawse_host_command_t record = {.size = sizeof(record),
                                   .command = call->handle,
                                   .tag = call->tag,
                                   .deadline_ns = call->deadline_ns,
                                   .name_len = (uint32_t)name_len,
                                   .args_len = (uint32_t)args_len};
    size_t len = sizeof(record) + name_len + args_len;
    uint8_t *block = calloc(1, sizeof(hawse_event_t) + len + HAWSE_PADDING);
    if (!block)
        return NULL;
    hawse_event_t *event = (hawse_event_t *)(void *)block;
    uint8_t *data = block + sizeof(*event);
    memcpy(data, &record, sizeof(record));
    memcpy(data + sizeof(record), call->verb, name_len);
    memcpy(data + sizeof(record) + name_len, call->args, args_len);
    *event = (hawse_event_t){.size = sizeof(*event),
                             .space = HAWSE_SPACE_HOST,
                             .kind = HAWSE_HOST_COMMAND,
                             .key = call->handle,
                             .data = data,
                             .len = len};
    return event;
}

static void arm(struct host_call *call, uint64_t at_ns)
{
    if (loop_timer_set(call->lane->loop, &call->timer, at_ns) == HAWSE_OK)
        return;
    lose(call, HAWSE_E_NOMEM, "no memory for a deadline");
    drop(call);
}

static void tell(struct host_call *call, const struct instance *inst, uint64_t now_ns)
{
    hawse_event_t *event = event_of(call);
    int32_t code = event ? bus_send_owned(&call->lane->bus, inst->index, event) : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        call->told = true;
        arm(call, call->deadline_ns);
        return;
    }
    free(event);
    if (code == HAWSE_E_AGAIN && now_ns < call->deadline_ns) {
        arm(call, now_ns + RETRY_NS);
        return;
    }
    lose(call, code == HAWSE_E_AGAIN ? HAWSE_E_TIMEOUT : code,
         code == HAWSE_E_AGAIN ? "its queue stayed full until the deadline"
                               : "it could not be told");
    drop(call);
}

static void tell_gone(struct host_call *call, const struct instance *inst, uint64_t now_ns)
{
    hawse_host_command_gone_t record = {
        .size = sizeof(record), .reason = call->gone, .command = call->handle, .tag = call->tag};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_COMMAND_GONE,
                           .key = call->handle,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    if (bus_send(&call->lane->bus, inst->index, &event) == HAWSE_E_AGAIN)
        arm(call, now_ns + RETRY_NS);
    else
        drop(call);
}

static void on_time(void *ctx, uint64_t now_ns)
{
    struct host_call *call = ctx;
    lane_clock(call->lane, now_ns);
    const struct instance *inst = host_instance(&call->host->api.table, call->instance);
    if (!inst) { /* its release has dropped its calls */
        drop(call);
        return;
    }
    if (!call->told) {
        tell(call, inst, now_ns);
        return;
    }
    if (call->gone == 0) {
        call->gone = HAWSE_E_TIMEOUT;
        lose(call, HAWSE_E_TIMEOUT, "it has not ended before its deadline");
    }
    tell_gone(call, inst, now_ns);
}

void command_arrived(void *ctx)
{
    struct host_call *call = ctx;
    struct lane *lane = call->lane;
    const struct instance *inst = host_instance(&call->host->api.table, call->instance);
    if (!inst || inst->released || inst->state != INSTANCE_RUNNING) {
        lose(call, HAWSE_E_STATE, "the instance ended before it heard of it");
        command_left(call);
        return;
    }
    if (handles_add(&lane->commands, call, inst->index, &call->handle) != HAWSE_OK) {
        lose(call, HAWSE_E_NOMEM, "no memory for a handle");
        command_left(call);
        return;
    }
    call->timer.fn = on_time;
    call->timer.ctx = call;
    tell(call, inst, loop_now(lane->loop));
}

void commands_release(struct instance *inst)
{
    uint32_t at = 0;
    struct host_call *call;
    while ((call = handles_next(&inst->lane->commands, inst->index, &at)) != NULL) {
        if (call->gone == 0)
            lose(call, HAWSE_E_STATE, "the instance ended meanwhile");
        drop(call);
    }
    (void)pthread_mutex_lock(&inst->host->lock);
    struct host_verb *verb = inst->verbs;
    inst->verbs = NULL;
    (void)pthread_mutex_unlock(&inst->host->lock);
    while (verb) {
        struct host_verb *next = verb->next;
        json_decref(verb->schema);
        free(verb);
        verb = next;
    }
}

/* ---- what a plugin says ---- */

/* Text that can stand in JSON and be shown: UTF-8 without NUL. A new reference, or NULL. */
static json_t *text_json(hawse_view_t text)
{
    if (text.len > 0 && (!text.data || memchr(text.data, '\0', (size_t)text.len)))
        return NULL;
    return json_stringn(text.len > 0 ? (const char *)text.data : "", (size_t)text.len);
}

static bool text_ok(hawse_view_t text)
{
    json_t *json = text_json(text);
    json_decref(json);
    return json != NULL;
}

static bool name_ok(hawse_view_t name)
{
    if (!name.data || name.len == 0 || name.len > HAWSE_COMMAND_NAME_MAX)
        return false;
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool letter = c >= 'a' && c <= 'z', other = (c >= '0' && c <= '9') || c == '-';
        if (!letter && (i == 0 || !other))
            return false;
    }
    return true;
}

static int32_t check_spec(const struct instance *inst, const hawse_command_spec_t *spec)
{
    uint32_t count = 0;
    if (!name_ok(spec->name) || spec->flags != 0 || spec->help.len > HAWSE_COMMAND_HELP_MAX ||
        !text_ok(spec->help) ||
        (spec->help.len > 0 && memchr(spec->help.data, '\n', spec->help.len)) ||
        spec->args.len > HAWSE_COMMAND_SCHEMA_MAX || !text_ok(spec->args))
        return HAWSE_E_INVAL;
    for (const struct host_verb *verb = inst->verbs; verb; verb = verb->next) {
        if (strlen(verb->name) == spec->name.len &&
            memcmp(verb->name, spec->name.data, (size_t)spec->name.len) == 0)
            return HAWSE_E_EXISTS;
        count++;
    }
    return count < HAWSE_COMMANDS_MAX ? HAWSE_OK : HAWSE_E_LIMIT;
}

static void append(struct instance *inst, struct host_verb *verb)
{
    (void)pthread_mutex_lock(&inst->host->lock);
    struct host_verb **at = &inst->verbs;
    while (*at)
        at = &(*at)->next;
    *at = verb;
    (void)pthread_mutex_unlock(&inst->host->lock);
}

static int32_t add_verb(struct instance *inst, const hawse_command_spec_t *spec)
{
    json_t *schema = NULL;
    struct fault fault = {0};
    int32_t code = check_spec(inst, spec);
    if (code != HAWSE_OK)
        return code;
    code = command_schema(spec->args, &schema, &fault);
    if (code != HAWSE_OK) {
        fault_prefix(&fault, "verb %.*s", (int)spec->name.len, (const char *)spec->name.data);
        log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &fault);
        return code;
    }
    struct host_verb *verb = calloc(1, sizeof(*verb));
    if (!verb) {
        json_decref(schema);
        return HAWSE_E_NOMEM;
    }
    memcpy(verb->name, spec->name.data, (size_t)spec->name.len);
    if (spec->help.len > 0)
        memcpy(verb->help, spec->help.data, (size_t)spec->help.len);
    verb->schema = schema;
    verb->tag = spec->tag;
    append(inst, verb);
    return HAWSE_OK;
}

static int32_t command_add(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_command_spec_t *spec)
{
    int32_t code = HAWSE_OK;
    hawse_command_spec_t own;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    spec = GIVEN(spec, &own, GIVEN_COMMAND_SPEC);
    code = spec ? add_verb(inst, spec) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

/* A call that may still be answered. */
static struct host_call *open_call(const struct instance *inst, hawse_command_t handle)
{
    struct host_call *call = handles_get(&inst->lane->commands, handle, inst->index);
    return call && call->gone == 0 ? call : NULL;
}

static int32_t command_print(const hawse_host_t *table, hawse_instance_t self,
                             hawse_command_t handle, hawse_view_t text)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_call *call = open_call(inst, handle);
    if (!call)
        code = HAWSE_E_STALE;
    else if (text.len > HAWSE_COMMAND_PRINT_MAX || !text_ok(text))
        code = HAWSE_E_INVAL;
    else
        code = command_printed(call, text);
    host_leave(inst);
    return code;
}

static int32_t read_result(const hawse_command_result_t *in, json_t **out)
{
    if (in->json.len > HAWSE_COMMAND_RESULT_MAX ||
        in->text.len > HAWSE_COMMAND_RESULT_MAX - in->json.len)
        return HAWSE_E_LIMIT;
    json_t *text = text_json(in->text);
    if (in->status > HAWSE_COMMAND_STATUS_MAX || !text || (in->json.len > 0 && !in->json.data)) {
        json_decref(text);
        return HAWSE_E_INVAL;
    }
    json_t *json = in->json.len == 0 ? json_null()
                                     : json_loadb((const char *)in->json.data, (size_t)in->json.len,
                                                  JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!json) {
        json_decref(text);
        return HAWSE_E_FORMAT;
    }
    *out = json_pack("{s:o, s:o}", "text", text, "json", json);
    return *out ? HAWSE_OK : HAWSE_E_NOMEM;
}

static int32_t command_end(const hawse_host_t *table, hawse_instance_t self, hawse_command_t handle,
                           const hawse_command_result_t *result)
{
    int32_t code = HAWSE_OK;
    hawse_command_result_t own;
    json_t *read = NULL;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_call *call = open_call(inst, handle);
    result = GIVEN(result, &own, GIVEN_COMMAND_RESULT);
    if (!call)
        code = HAWSE_E_STALE;
    else
        code = result ? read_result(result, &read) : HAWSE_E_INVAL;
    if (code == HAWSE_OK) {
        (void)command_ended(call, result->status, read, NULL);
        drop(call);
    }
    host_leave(inst);
    return code;
}

const hawse_command_service_t host_command_service = {
    .size = sizeof(hawse_command_service_t),
    .add = command_add,
    .print = command_print,
    .end = command_end,
};
