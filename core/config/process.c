/*
 * What holds for the whole process, from the checked tree into the struct: log, services, folders,
 * lanes; see read.c for instances.
 */
#include "config/internal.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static int32_t read_log(struct reader *r, json_t *log)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    static const char *const formats[] = {"text", "json"};
    r->config->log_level = read_word(log, "level", levels, 4); /* the order of HAWSE_LOG_... */
    r->config->log_format = (enum config_log_format)read_word(log, "format", formats, 2);
    return read_path(r, log, "file", &r->config->log_file);
}

static int32_t read_services(struct reader *r, json_t *root)
{
    struct config *c = r->config;
    const char *listen =
        json_string_value(json_object_get(json_object_get(root, "http"), "listen"));
    if (listen) {
        if (!copy_text(&c->http_listen, listen))
            return no_memory(r, "http.listen");
        int32_t code = url_check_listen(listen, "http.listen", r->fault);
        if (code != HAWSE_OK)
            return code;
    }
    int32_t code = read_path(r, json_object_get(root, "control"), "socket", &c->control_path);
    size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    if (code == HAWSE_OK && c->control_path && strlen(c->control_path) > most)
        code = fault_set(r->fault, HAWSE_E_LIMIT,
                         "control.socket: the whole path has %zu bytes, expected at most %zu",
                         strlen(c->control_path), most);
    return code;
}

static int32_t read_record(struct reader *r, json_t *record)
{
    static const char *const policies[] = {"mark", "stop", "wait"};
    struct config_record *c = &r->config->record;
    c->rotate_mib = read_number(record, "rotate_mib");
    c->keep_mib = read_number(record, "keep_mib");
    c->buffer_mib = read_number(record, "buffer_mib");
    c->when_full = (enum config_when_full)read_word(record, "when_full", policies, 3);
    return read_path(r, record, "file", &c->file);
}

static int32_t add_folder(struct reader *r, char *folder, const char *from)
{
    struct config *c = r->config;
    char **list = realloc(c->plugin_path, (c->plugin_path_count + 1) * sizeof(list[0]));
    if (list)
        c->plugin_path = list;
    if (!list || !folder) {
        free(folder);
        return no_memory(r, "plugins.path");
    }
    list[c->plugin_path_count++] = folder;
    return json_array_append_new(c->source->folders, json_string(from)) == 0
               ? HAWSE_OK
               : no_memory(r, "plugins.path");
}

/* Folders of $HAWSE_PLUGIN_PATH, with colons between. */
static int32_t add_environment(struct reader *r)
{
    const char *at = getenv("HAWSE_PLUGIN_PATH");
    int32_t code = HAWSE_OK;
    while (at && *at && code == HAWSE_OK) {
        size_t n = strcspn(at, ":");
        if (n > 0)
            code = add_folder(r, strndup(at, n), "environment");
        at += at[n] ? n + 1 : n;
    }
    return code;
}

static int32_t read_plugin_path(struct reader *r, const json_t *path)
{
    char where[64];
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < json_array_size(path) && code == HAWSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "plugins.path[%zu]", i);
        const char *folder = json_string_value(json_array_get(path, i));
        uint32_t line = config_line(r->config->source, where);
        if (config_is_set(r->config->source, "plugins.path"))
            (void)snprintf(where, sizeof(where), "--set");
        else
            (void)snprintf(where, sizeof(where), "file:%u", line);
        code = add_folder(r, path_from(r->dir, folder), where);
    }
    if (code == HAWSE_OK)
        code = add_folder(r, path_from(r->dir, "plugins"), "default");
    if (code == HAWSE_OK)
        code = add_environment(r);
    return code == HAWSE_OK ? add_folder(r, strdup(HAWSE_PLUGIN_DIR), "installed") : code;
}

static int32_t read_trusted(struct reader *r, const json_t *plugins)
{
    static const char *const whom[] = {"asked", "untrusted"};
    const json_t *list = json_object_get(plugins, "trusted");
    struct config *c = r->config;
    c->isolates = read_word(plugins, "isolation", whom, 2) == 1;
    c->trusted = calloc(json_array_size(list) + 1, sizeof(c->trusted[0]));
    if (!c->trusted)
        return no_memory(r, "plugins.trusted");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        char *copy = strncmp(text, "sha256:", 7) == 0 ? strdup(text) : path_from(r->dir, text);
        if (!copy)
            return no_memory(r, "plugins.trusted");
        c->trusted[c->trusted_count++] = copy;
    }
    return HAWSE_OK;
}

/* ---- lanes ---- */

static int32_t read_lane(struct reader *r, const char *name, json_t *value)
{
    struct config_lane *lane = &r->config->lanes[r->config->lane_count++];
    const json_t *cpu = json_object_get(value, "cpu");
    if (!copy_text(&lane->name, name))
        return no_memory(r, "lanes");
    lane->cpu = json_is_integer(cpu) ? (int32_t)json_integer_value(cpu) : -1;
    lane->spin_us = read_number(value, "spin_us");
    if (!name_legal(name, true))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "lanes.%.64s: a lane's name has 1 to 63 letters, digits, '_' or '-'",
                         name);
    return HAWSE_OK;
}

static int32_t read_lanes(struct reader *r, json_t *lanes)
{
    const char *name;
    json_t *value;
    int32_t code = HAWSE_OK;
    r->config->lanes = calloc(json_object_size(lanes) + 1, sizeof(r->config->lanes[0]));
    if (!r->config->lanes)
        return no_memory(r, "lanes");
    json_object_foreach(lanes, name, value)
    {
        if (code == HAWSE_OK)
            code = read_lane(r, name, value);
    }
    if (code == HAWSE_OK && r->config->lane_count > CONFIG_LANES) {
        code = fault_set(r->fault, HAWSE_E_LIMIT,
                         "lanes: found %zu with \"main\", expected at most %d",
                         r->config->lane_count, CONFIG_LANES);
        fault_hint(r->fault, "a lane is a thread: no more of them than CPUs");
    }
    return code;
}

/* ---- intents ---- */

static int32_t read_desk(struct reader *r, json_t *root)
{
    struct config *c = r->config;
    const json_t *tx = json_object_get(root, "tx");
    c->tx.queue = read_number(tx, "queue");
    c->tx.window = read_number(tx, "window");
    c->tx.stuck_ms = read_number(tx, "stuck_ms");
    c->tx.restart_s = read_number(tx, "restart_s");
    int32_t code = read_path(r, root, "journal", &c->journal);
    if (code != HAWSE_OK || c->journal)
        return code;
    if (asprintf(&c->journal, "%s/journal.db", c->state_dir) < 0) {
        c->journal = NULL;
        return no_memory(r, "journal");
    }
    return HAWSE_OK;
}

int32_t read_config(struct reader *r, json_t *root)
{
    struct config *c = r->config;
    c->stop_deadline_ms = read_number(root, "stop_deadline_ms");
    int32_t code = read_log(r, json_object_get(root, "log"));
    if (code == HAWSE_OK)
        code = read_services(r, root);
    if (code == HAWSE_OK)
        code = read_record(r, json_object_get(root, "record"));
    if (code == HAWSE_OK)
        code = read_keys(r, json_object_get(root, "keys"));
    if (code == HAWSE_OK)
        code = read_chains(r, json_object_get(root, "chains"));
    if (code == HAWSE_OK)
        code = read_path(r, root, "state_dir", &c->state_dir);
    if (code == HAWSE_OK)
        code = read_desk(r, root);
    if (code == HAWSE_OK)
        code = read_nonces(r, json_object_get(root, "nonces"));
    if (code == HAWSE_OK)
        code = read_alerts(r, json_object_get(root, "alerts"));
    if (code == HAWSE_OK)
        code = read_plugin_path(r, json_object_get(json_object_get(root, "plugins"), "path"));
    if (code == HAWSE_OK)
        code = read_trusted(r, json_object_get(root, "plugins"));
    if (code == HAWSE_OK)
        code = read_lanes(r, json_object_get(root, "lanes"));
    if (code == HAWSE_OK)
        code = read_instances(r, json_object_get(root, "instances"));
    return code == HAWSE_OK ? check_alerts(r) : code;
}
