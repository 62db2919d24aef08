/* What is recorded around callbacks, and the host's own table; see tap.h. */
#include "host/tap.h"

#include <hawse/service/sub.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void tap_call(const hawse_host_t *table, hawse_instance_t self, const struct record_call *call)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return;
    if (inst->lane->recorder) /* a plugin that was swapped in holds these tables anyway */
        recorder_call(inst->lane->recorder, call);
    host_leave(inst);
}

/* ---- callbacks ---- */

static void begin(struct instance *inst, enum record_callback callback, uint64_t argument,
                  uint32_t events)
{
    const struct lane *lane = inst->lane;
    recorder_begin(inst->lane->recorder, (uint16_t)inst->index, callback, lane->bus.now_ns,
                   lane_utc(lane, lane->bus.now_ns), argument, events);
}

void tap_begin(struct instance *inst, enum record_callback callback, uint64_t argument)
{
    begin(inst, callback, argument, 0);
}

void tap_restore(struct instance *inst, const hawse_event_t *const *saved)
{
    begin(inst, RECORD_RESTORE, 0, 1);
    recorder_events(inst->lane->recorder, saved, 1);
}

void tap_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n)
{
    begin(inst, RECORD_EVENTS, 0, n);
    recorder_events(inst->lane->recorder, events, n);
}

/* Names and settings only: whatever a plugin may not see is not in here. */
static char *describe(const struct instance *inst, bool swapped)
{
    const struct config_instance *c = inst->config;
    const struct manifest *m = inst->library->manifest;
    json_t *links = json_object(), *grants = json_array();
    for (size_t i = 0; i < c->link_count; i++)
        (void)json_object_set_new(links, c->links[i].name, json_string(c->links[i].target));
    for (size_t i = 0; i < c->grant_count; i++)
        (void)json_array_append_new(grants, json_string(c->grants[i]));
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", c->id, "plugin",
                  m->id, "version", m->version, "kind", m->kind, "digest", inst->library->digest,
                  "path", inst->library->path, "mode", config_mode_name(c->mode), "settings",
                  inst->settings ? inst->settings : c->settings, "links", links, "grants", grants);
    if (o && swapped)
        (void)json_object_set_new(o, "swapped", json_true());
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(o);
    return text;
}

static void identify(const struct instance *inst, bool swapped)
{
    char *text = describe(inst, swapped);
    if (text)
        recorder_instance(inst->lane->recorder, (uint16_t)inst->index, inst->handle,
                          hawse_text(text));
    free(text);
}

void tap_create(struct instance *inst)
{
    identify(inst, false);
    tap_begin(inst, RECORD_CREATE, 0);
}

void tap_swapped(struct instance *inst)
{
    identify(inst, true);
}

/* ---- the host's table ---- */

static uint64_t tap_now(const hawse_host_t *table, uint32_t clock)
{
    const struct tap_replay *replay = ((const struct host_api *)(const void *)table)->replay;
    return replay ? replay->now(replay->ctx, clock) : host_table.now(table, clock);
}

static void tap_log(const hawse_host_t *table, hawse_instance_t self, uint32_t level,
                    hawse_view_t text)
{
    struct record_call call = {
        .call = CALL_LOG, .arg_count = 1, .view_count = 1, .args = {level}, .views = {text}};
    if (tap_answer(table, self, &call))
        return;
    host_table.log(table, self, level, text);
    tap_call(table, self, &call);
}

static int32_t tap_set_error(const hawse_host_t *table, hawse_instance_t self, int32_t code,
                             hawse_view_t message, hawse_view_t hint)
{
    struct record_call call = {.call = CALL_ERROR,
                               .arg_count = 1,
                               .view_count = 2,
                               .args = {(uint32_t)code},
                               .views = {message, hint}};
    if (!tap_answer(table, self, &call)) {
        (void)host_table.set_error(table, self, code, message, hint);
        tap_call(table, self, &call);
    }
    return code;
}

static int32_t tap_post(const hawse_host_t *table, hawse_instance_t self, uint64_t token)
{
    struct record_call call = {.call = CALL_POST, .arg_count = 1, .args = {token}};
    if (!tap_answer(table, self, &call)) {
        call.code = host_table.post(table, self, token);
        tap_call(table, self, &call);
    }
    return call.code;
}

static const void *tap_query(const hawse_host_t *table, hawse_instance_t self, const char *id)
{
    if (!id)
        return NULL;
    const void *plain = host_service(id), *tapped = tap_service(id);
    struct record_call call = {.call = CALL_QUERY, .view_count = 1, .views = {hawse_text(id)}};
    call.result = tapped ? TAP_SERVICE : plain ? TAP_UNRECORDED : TAP_NO_SERVICE;
    if (tap_answer(table, self, &call))
        return call.result == TAP_SERVICE ? tapped : NULL;
    tap_call(table, self, &call);
    return tapped ? tapped : plain;
}

const hawse_host_t tap_table = {
    .size = sizeof(hawse_host_t),
    .abi_minor = HAWSE_ABI_MINOR,
    .fork_tag = "hawse",
    .now = tap_now,
    .log = tap_log,
    .set_error = tap_set_error,
    .post = tap_post,
    .query = tap_query,
};
