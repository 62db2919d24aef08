/*
 * "hawse.store/1": what instances keep over runs. Values are notes "store" of the journal, read
 * once before anything runs; from then on they are in memory, and what is put goes to the desk's
 * thread behind the call, before whatever is proposed after it. Owns that memory, by the instance's
 * id: a build that was exchanged, or a worker that was started anew, finds it. Never reads or
 * writes a disk on a lane.
 */
#include "host/host.h"
#include "tx/desk.h"

#include <hawse/hex.h>
#include <hawse/service/store.h>
#include <hawse/space/host.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE "store"

/* One value of one instance; on the board, or a copy on its way. */
struct kept {
    struct kept *next;
    char instance[64];
    uint32_t key_len, value_len;
    uint8_t bytes[HAWSE_STORE_KEY_MAX + HAWSE_STORE_VALUE_MAX + HAWSE_PADDING];
};

/* What is kept, on its way to an instance that asked. */
struct telling {
    struct loop_work work;
    struct lane *lane;
    uint32_t index;
    hawse_instance_t handle;
    struct kept *next; /* the one that is told next; NULL: only the last word is left */
};

static bool key_ok(hawse_view_t key)
{
    if (!key.data || key.len == 0 || key.len > HAWSE_STORE_KEY_MAX)
        return false;
    for (uint64_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static bool value_ok(hawse_view_t value)
{
    return value.len <= HAWSE_STORE_VALUE_MAX && (value.len == 0 || value.data);
}

/* ---- the board; under its lock once lanes run ---- */

static struct kept **place_of(struct store_board *board, const char *instance, hawse_view_t key,
                              uint64_t *others)
{
    struct kept **found = NULL;
    *others = 0;
    for (struct kept **at = &board->first; *at; at = &(*at)->next) {
        const struct kept *k = *at;
        if (strcmp(k->instance, instance) != 0)
            continue;
        if (k->key_len == key.len && memcmp(k->bytes, key.data, key.len) == 0)
            found = at;
        else
            *others += k->key_len + k->value_len;
    }
    return found;
}

/* A value that may be kept: all that can fail about it has been done. */
struct change {
    struct kept **at;  /* what is there; NULL = nothing */
    struct kept *made; /* for a new key */
    hawse_view_t key, value;
};

static int32_t change_make(struct store_board *board, const char *instance, hawse_view_t key,
                           hawse_view_t value, struct change *out)
{
    uint64_t others;
    *out = (struct change){.key = key, .value = value};
    out->at = place_of(board, instance, key, &others);
    if (value.len == 0)
        return HAWSE_OK;
    if (others + key.len + value.len > HAWSE_STORE_MAX)
        return HAWSE_E_LIMIT;
    if (out->at)
        return HAWSE_OK;
    if (!(out->made = calloc(1, sizeof(*out->made))))
        return HAWSE_E_NOMEM;
    (void)snprintf(out->made->instance, sizeof(out->made->instance), "%s", instance);
    return HAWSE_OK;
}

static void change_do(struct store_board *board, const struct change *c)
{
    struct kept *k = c->at ? *c->at : c->made;
    if (!k)
        return;
    if (c->value.len == 0) {
        *c->at = k->next;
        free(k);
        return;
    }
    if (c->made) {
        k->next = board->first;
        board->first = k;
    }
    k->key_len = (uint32_t)c->key.len;
    k->value_len = (uint32_t)c->value.len;
    memcpy(k->bytes, c->key.data, c->key.len);
    memcpy(k->bytes + c->key.len, c->value.data, c->value.len);
}

static int32_t keep(struct store_board *board, const char *instance, hawse_view_t key,
                    hawse_view_t value)
{
    struct change change;
    int32_t code = change_make(board, instance, key, value, &change);
    if (code == HAWSE_OK)
        change_do(board, &change);
    return code;
}

static void drop(struct kept *k)
{
    while (k) {
        struct kept *next = k->next;
        free(k);
        k = next;
    }
}

/* ---- the journal ---- */

/* In place of all values before it; those that still hold come behind. */
#define FORGET "{\"forget\":\"all\"}"

enum { NOTE_BYTES = 2 * HAWSE_STORE_VALUE_MAX + HAWSE_STORE_KEY_MAX + 64 };

static void write_note(char note[NOTE_BYTES], hawse_view_t key, hawse_view_t value)
{
    int n = snprintf(note, NOTE_BYTES, "{\"key\":\"%.*s\",\"value\":\"0x", (int)key.len,
                     (const char *)key.data);
    hawse_hex_encode(value.data, value.len, note + n);
    (void)snprintf(note + n + 2 * value.len, NOTE_BYTES - (size_t)n - 2 * value.len, "\"}");
}

static int32_t read_note(void *ctx, const char *instance, hawse_view_t data)
{
    struct host *host = ctx;
    if (data.len == sizeof(FORGET) - 1 && memcmp(data.data, FORGET, data.len) == 0) {
        store_free(host);
        return HAWSE_OK;
    }
    uint8_t value[HAWSE_STORE_VALUE_MAX];
    uint64_t len = 0;
    json_t *note = json_loadb((const char *)data.data, (size_t)data.len, 0, NULL);
    const char *key = json_string_value(json_object_get(note, "key"));
    const json_t *hex = json_object_get(note, "value");
    bool good = key && key_ok(hawse_text(key)) && json_is_string(hex) &&
                hawse_hex_data((const uint8_t *)json_string_value(hex), json_string_length(hex),
                               value, sizeof(value), &len) == HAWSE_OK;
    int32_t code =
        good ? keep(&host->store, instance, hawse_text(key), (hawse_view_t){value, len}) : HAWSE_OK;
    if (!good || code == HAWSE_E_LIMIT)
        log_line(host->logger, HAWSE_LOG_WARN, instance,
                 "a value that was kept in the journal is not of its form, and is left out");
    json_decref(note);
    return code == HAWSE_E_NOMEM ? code : HAWSE_OK;
}

int32_t store_load(struct host *host, struct fault *fault)
{
    if (!host->desk)
        return HAWSE_OK;
    int32_t code = desk_notes(host->desk, NOTE, read_note, host, fault);
    return code == HAWSE_E_NOMEM ? fault_set(fault, code, "no memory for what instances keep")
                                 : code;
}

void store_free(struct host *host)
{
    drop(host->store.first);
    host->store.first = NULL;
}

/* ---- open ---- */

static int32_t tell_one(const struct telling *t, const struct kept *k)
{
    uint8_t bytes[sizeof(hawse_host_kept_t) + HAWSE_STORE_KEY_MAX + HAWSE_STORE_VALUE_MAX];
    hawse_host_kept_t record = {.size = sizeof(record), .flags = k ? 0 : HAWSE_KEPT_LAST};
    uint64_t len = k ? k->key_len + k->value_len : 0;
    if (k) {
        record.key_len = k->key_len;
        record.value_len = k->value_len;
        memcpy(bytes + sizeof(record), k->bytes, len);
    }
    memcpy(bytes, &record, sizeof(record));
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_KEPT,
                           .data = bytes,
                           .len = sizeof(record) + len};
    return bus_send(&t->lane->bus, t->index, &event);
}

/* As far as its queue has room; the rest later. */
static void tell(void *ctx)
{
    struct telling *t = ctx;
    const struct instance *inst = host_instance(&t->lane->host->api.table, t->handle);
    int32_t code = inst ? HAWSE_OK : HAWSE_E_STALE;
    bool last = false;
    while (code == HAWSE_OK && !last) {
        struct kept *k = t->next;
        last = k == NULL;
        if ((code = tell_one(t, k)) == HAWSE_OK && k) {
            t->next = k->next;
            free(k);
        }
    }
    if (code == HAWSE_E_AGAIN && inst->state <= INSTANCE_RUNNING) {
        lane_arm_retry(t->lane);
        loop_post(t->lane->loop, &t->work);
        return;
    }
    drop(t->next);
    free(t);
}

/* Copies what there is of one instance, or (NULL) of all: what is put meanwhile is known to who
 * puts it, and its note comes behind. */
static int32_t copy_all(struct store_board *board, const char *instance, struct kept **out)
{
    for (const struct kept *k = board->first; k; k = k->next) {
        if (instance && strcmp(k->instance, instance) != 0)
            continue;
        struct kept *copy = malloc(sizeof(*copy));
        if (!copy)
            return HAWSE_E_NOMEM;
        *copy = *k;
        copy->next = *out;
        *out = copy;
    }
    return HAWSE_OK;
}

/* Copied first: nobody waits for a disk to put something. */
void store_again(void *ctx, struct desk *desk)
{
    struct host *host = ctx;
    struct kept *all = NULL;
    char note[NOTE_BYTES];
    (void)pthread_mutex_lock(&host->store.lock);
    int32_t code = copy_all(&host->store, NULL, &all);
    (void)pthread_mutex_unlock(&host->store.lock);
    if (code == HAWSE_OK)
        desk_note_now(desk, NOTE, "", FORGET);
    else
        log_line(host->logger, HAWSE_LOG_ERROR, "host",
                 "no memory to write anew what instances keep: the journal may have older values");
    for (const struct kept *k = all; k && code == HAWSE_OK; k = k->next) {
        write_note(note, (hawse_view_t){k->bytes, k->key_len},
                   (hawse_view_t){k->bytes + k->key_len, k->value_len});
        desk_note_now(desk, NOTE, k->instance, note);
    }
    drop(all);
}

static int32_t open_store(struct instance *inst)
{
    struct host *host = inst->host;
    if (!host->desk)
        return HAWSE_E_UNSUPPORTED;
    struct telling *t = calloc(1, sizeof(*t));
    if (!t)
        return HAWSE_E_NOMEM;
    t->work = (struct loop_work){.fn = tell, .ctx = t};
    t->lane = inst->lane;
    t->index = inst->index;
    t->handle = inst->handle;
    (void)pthread_mutex_lock(&host->store.lock);
    int32_t code = copy_all(&host->store, inst->config->id, &t->next);
    (void)pthread_mutex_unlock(&host->store.lock);
    if (code != HAWSE_OK) {
        drop(t->next);
        free(t);
        return code;
    }
    loop_post(inst->lane->loop, &t->work);
    return HAWSE_OK;
}

static int32_t store_open(const hawse_host_t *table, hawse_instance_t self)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = open_store(inst);
    host_leave(inst);
    return code;
}

/* ---- put ---- */

/* Its note is under way before the board has it: where there is no memory for one of them, neither
 * is, and what was there stays. */
static int32_t put(struct instance *inst, hawse_view_t key, hawse_view_t value)
{
    struct host *host = inst->host;
    struct fault fault = {0};
    struct change change;
    char note[NOTE_BYTES];
    if (!key_ok(key) || !value_ok(value))
        return HAWSE_E_INVAL;
    if (!host->desk)
        return HAWSE_E_UNSUPPORTED;
    write_note(note, key, value);
    (void)pthread_mutex_lock(&host->store.lock);
    int32_t code = change_make(&host->store, inst->config->id, key, value, &change);
    if (code == HAWSE_OK)
        code = desk_note(host->desk, NOTE, inst->config->id, note, &fault);
    if (code == HAWSE_OK)
        change_do(&host->store, &change);
    else
        free(change.made);
    (void)pthread_mutex_unlock(&host->store.lock);
    return code;
}

static int32_t store_put(const hawse_host_t *table, hawse_instance_t self, hawse_view_t key,
                         hawse_view_t value)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = put(inst, key, value);
    host_leave(inst);
    return code;
}

const hawse_store_service_t host_store_service = {
    .size = sizeof(hawse_store_service_t), .open = store_open, .put = store_put};
