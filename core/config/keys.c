/*
 * The keys that the host may sign with, from the checked tree into the struct. Reads no key and no
 * passphrase: where they are is all that a configuration says.
 */
#include "config/internal.h"

#include <hawse/types.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

void keys_destroy(struct config_keys *keys)
{
    for (size_t i = 0; i < keys->use_count; i++)
        free(keys->use[i].name);
    free(keys->use);
    free(keys->dir);
    free(keys->signer);
}

/* A path of "file:" counts from the configuration's folder on, as every path does. */
static int32_t read_unlock(struct reader *r, json_t *value, const char *where,
                           struct passphrase_source *out)
{
    const char *text = json_string_value(json_object_get(value, "unlock"));
    if (!text)
        return HAWSE_OK;
    int32_t code = passphrase_source_parse(text, where, out, r->fault);
    if (code != HAWSE_OK || out->from != FROM_FILE)
        return code;
    char *path = path_from(r->dir, out->what);
    if (!path)
        return no_memory(r, where);
    int n = snprintf(out->what, sizeof(out->what), "%s", path);
    free(path);
    if (n >= (int)sizeof(out->what))
        return fault_set(r->fault, HAWSE_E_LIMIT, "%s: the path is too long", where);
    return json_object_set_new(value, "unlock", json_sprintf("file:%s", out->what)) == 0
               ? HAWSE_OK
               : no_memory(r, where);
}

static int32_t read_locks(struct reader *r, const json_t *chains, const char *where,
                          struct key_locks *locks)
{
    size_t i;
    json_t *one;
    int32_t code = HAWSE_OK;
    json_array_foreach(chains, i, one)
    {
        char place[CONFIG_PATH + 32], number[24];
        const char *text = json_string_value(one);
        (void)snprintf(place, sizeof(place), "%s.chains[%zu]", where, i);
        (void)snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(one));
        if (code == HAWSE_OK)
            code = chain_parse(text ? text : number, place, &locks->chains[i], r->fault);
        locks->chain_count = i + 1;
    }
    return code;
}

/* What only the process that holds a key can do. */
static int32_t refuse_with_signer(struct reader *r, const json_t *value, const char *where)
{
    const char *what = json_is_string(json_object_get(value, "unlock")) ? "unlock"
                       : json_is_true(json_object_get(value, "hedged")) ? "hedged"
                                                                        : NULL;
    if (!r->config->keys.signer || !what)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_INVAL,
                    "%s.%s: the signer holds this key, so the host does not decide this", where,
                    what);
    fault_hint(r->fault, "leave it out here; `hawse signer` unlocks its keys by itself");
    return HAWSE_E_INVAL;
}

static int32_t read_key(struct reader *r, const char *name, json_t *value, struct config_key *out)
{
    char where[CONFIG_PATH], unlock[CONFIG_PATH + 16]; /* names are shown at most 64 long */
    (void)snprintf(where, sizeof(where), "keys.use.%.64s", name);
    (void)snprintf(unlock, sizeof(unlock), "%s.unlock", where);
    if (!copy_text(&out->name, name))
        return no_memory(r, where);
    if (!signer_name_legal(name))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s: a key's name has 1 to 63 letters, digits, '_' or '-'", where);
    out->locks.testnet_only = json_is_true(json_object_get(value, "testnet_only"));
    out->hedged = json_is_true(json_object_get(value, "hedged"));
    int32_t code = refuse_with_signer(r, value, where);
    if (code == HAWSE_OK)
        code = read_unlock(r, value, unlock, &out->unlock);
    return code == HAWSE_OK ? read_locks(r, json_object_get(value, "chains"), where, &out->locks)
                            : code;
}

static int32_t read_places(struct reader *r, json_t *keys)
{
    struct config_keys *k = &r->config->keys;
    json_t *signer = json_object_get(keys, "signer");
    size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    int32_t code = read_path(r, keys, "dir", &k->dir);
    if (code == HAWSE_OK)
        code = read_path(r, signer, "socket", &k->signer);
    k->timeout_ms = read_number(signer, "timeout_ms");
    if (code == HAWSE_OK && k->signer && strlen(k->signer) > most)
        code = fault_set(r->fault, HAWSE_E_LIMIT,
                         "keys.signer.socket: the whole path has %zu bytes, expected at most %zu",
                         strlen(k->signer), most);
    if (code == HAWSE_OK && k->signer && k->dir) {
        code = fault_set(r->fault, HAWSE_E_INVAL,
                         "keys: found both dir and signer, expected one of them");
        fault_hint(r->fault, "with a signer the host holds no key: leave out dir");
    }
    if (code == HAWSE_OK && !k->signer && !k->dir &&
        json_object_size(json_object_get(keys, "use")) > 0) {
        code = fault_set(r->fault, HAWSE_E_NOTFOUND,
                         "keys.use: found keys, and neither dir nor signer says where they are");
        fault_hint(r->fault, "\"dir\": \"keys\", the folder of `hawse keys`");
    }
    return code;
}

int32_t read_keys(struct reader *r, json_t *keys)
{
    struct config_keys *k = &r->config->keys;
    const char *name;
    json_t *value, *use = json_object_get(keys, "use");
    int32_t code = read_places(r, keys);
    if (code == HAWSE_OK && json_object_size(use) > SIGNER_KEYS)
        code = fault_set(r->fault, HAWSE_E_LIMIT, "keys.use: found %zu keys, expected at most %d",
                         json_object_size(use), SIGNER_KEYS);
    k->use = calloc(json_object_size(use) + 1, sizeof(k->use[0]));
    if (!k->use)
        return no_memory(r, "keys");
    json_object_foreach(use, name, value)
    {
        if (code == HAWSE_OK)
            code = read_key(r, name, value, &k->use[k->use_count++]);
    }
    return code;
}

bool config_keys_equal(const struct config *a, const struct config *b)
{
    return json_equal(json_object_get(a->source->effective, "keys"),
                      json_object_get(b->source->effective, "keys"));
}

void config_note_address(struct config *config, const char *key, const char *address)
{
    json_t *keys = json_object_get(config->source->effective, "keys");
    json_t *one = json_object_get(json_object_get(keys, "use"), key);
    if (one) /* without memory explain shows one line less */
        (void)json_object_set_new(one, "address", json_string(address));
}
