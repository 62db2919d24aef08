/*
 * The Safes of a chain, from the checked tree into the struct: whose keys own them with us, who
 * executes, and where the other owners are asked. Knows nothing of transactions: that is core/tx.
 */
#include "config/internal.h"

#include <hawse/hex.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the end of one, a copy, and are two the same ---- */

static void safe_finish(struct config_safe *s)
{
    free(s->name);
    free(s->executor);
    for (size_t i = 0; i < s->owner_count; i++)
        free(s->owners[i]);
    free(s->owners);
    endpoint_finish(&s->service);
}

void safes_finish(struct config_chain *chain)
{
    for (size_t i = 0; i < chain->safe_count; i++)
        safe_finish(&chain->safes[i]);
    free(chain->safes);
    chain->safes = NULL;
    chain->safe_count = 0;
}

static bool copy_safe(const struct config_safe *from, struct config_safe *out)
{
    memcpy(out->address, from->address, 20);
    memcpy(out->batch, from->batch, 20);
    out->owners = calloc(from->owner_count + 1, sizeof(out->owners[0]));
    bool ok = out->owners && copy_text(&out->name, from->name) &&
              copy_text(&out->executor, from->executor);
    for (size_t i = 0; ok && i < from->owner_count; i++)
        ok = copy_text(&out->owners[out->owner_count++], from->owners[i]);
    if (ok && from->service.url)
        ok = endpoint_copy(&from->service, &out->service) == HAWSE_OK;
    return ok;
}

bool safes_copy(const struct config_chain *from, struct config_chain *out)
{
    out->safe_count = 0;
    out->safes = calloc(from->safe_count + 1, sizeof(out->safes[0]));
    bool ok = out->safes != NULL;
    for (size_t i = 0; ok && i < from->safe_count; i++)
        ok = copy_safe(&from->safes[i], &out->safes[out->safe_count++]);
    return ok;
}

static bool same_safe(const struct config_safe *a, const struct config_safe *b)
{
    bool same = strcmp(a->name, b->name) == 0 && strcmp(a->executor, b->executor) == 0 &&
                memcmp(a->address, b->address, 20) == 0 && memcmp(a->batch, b->batch, 20) == 0 &&
                a->owner_count == b->owner_count && endpoint_equal(&a->service, &b->service);
    for (size_t i = 0; same && i < a->owner_count; i++)
        same = strcmp(a->owners[i], b->owners[i]) == 0;
    return same;
}

bool safes_equal(const struct config_chain *a, const struct config_chain *b)
{
    bool same = a->safe_count == b->safe_count;
    for (size_t i = 0; same && i < a->safe_count; i++)
        same = same_safe(&a->safes[i], &b->safes[i]);
    return same;
}

const struct config_safe *config_safe_find(const struct config_chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->safe_count; i++) {
        if (strcmp(chain->safes[i].name, name) == 0)
            return &chain->safes[i];
    }
    return NULL;
}

/* ---- reading ---- */

static int32_t address_at(struct reader *r, const json_t *value, const char *key, const char *where,
                          uint8_t out[20])
{
    const char *text = json_string_value(json_object_get(value, key));
    if (hawse_hex_fixed((const uint8_t *)text, strlen(text), out, 20) == HAWSE_OK)
        return HAWSE_OK;
    return fault_set(r->fault, HAWSE_E_FORMAT,
                     "%.180s.%s: found \"%.50s\", expected \"0x\" and 40 digits", where, key, text);
}

static int32_t check_key(struct reader *r, const char *name, const char *where, const char *key)
{
    if (config_has_key(r->config, name))
        return HAWSE_OK;
    return fault_set(r->fault, HAWSE_E_NOTFOUND, "%.180s.%s: there is no key \"%.64s\" in keys.use",
                     where, key, name);
}

static int32_t read_owners(struct reader *r, struct config_safe *s, const json_t *list,
                           const char *where)
{
    int32_t code = HAWSE_OK;
    s->owners = calloc(json_array_size(list) + 1, sizeof(s->owners[0]));
    if (!s->owners)
        return no_memory(r, where);
    for (size_t i = 0; i < json_array_size(list) && code == HAWSE_OK; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        code = check_key(r, name, where, "owners");
        if (code == HAWSE_OK && strcmp(name, s->executor) == 0) {
            code = fault_set(r->fault, HAWSE_E_INVAL,
                             "%.180s.executor: \"%.64s\" is an owner of the Safe too", where, name);
            fault_hint(r->fault, "a key that pays for gas every day must not own a Safe: make one "
                                 "that does nothing else");
        }
        if (code == HAWSE_OK && !copy_text(&s->owners[s->owner_count++], name))
            code = no_memory(r, where);
    }
    return code;
}

static int32_t read_safe(struct reader *r, struct config_safe *s, const char *name, json_t *value,
                         const char *where)
{
    char path[CONFIG_PATH];
    json_t *service = json_object_get(value, "service");
    if (!copy_text(&s->name, name) ||
        !copy_text(&s->executor, json_string_value(json_object_get(value, "executor"))))
        return no_memory(r, where);
    if (!name_legal(name, true) || config_has_key(r->config, name))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%.180s: a Safe's name has 1 to 63 letters, digits, '_' and '-', and is "
                         "that of no key",
                         where);
    int32_t code = address_at(r, value, "address", where, s->address);
    if (code == HAWSE_OK)
        code = address_at(r, value, "batch", where, s->batch);
    if (code == HAWSE_OK)
        code = check_key(r, s->executor, where, "executor");
    if (code == HAWSE_OK)
        code = read_owners(r, s, json_object_get(value, "owners"), where);
    (void)snprintf(path, sizeof(path), "%.180s.service", where);
    return code == HAWSE_OK && service ? read_address(r, &s->service, "service", service, path)
                                       : code;
}

int32_t read_safes(struct reader *r, struct config_chain *chain, json_t *safes, const char *where)
{
    char path[CONFIG_PATH];
    const char *name;
    json_t *value;
    int32_t code = HAWSE_OK;
    if (chain->family != FAMILY_EVM && json_object_size(safes) > 0)
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%.100s.safes: a chain of the family solana has none", where);
    chain->safes = calloc(json_object_size(safes) + 1, sizeof(chain->safes[0]));
    if (!chain->safes)
        return no_memory(r, where);
    json_object_foreach(safes, name, value)
    {
        (void)snprintf(path, sizeof(path), "%.100s.safes.%.64s", where, name);
        if (code == HAWSE_OK)
            code = read_safe(r, &chain->safes[chain->safe_count++], name, value, path);
    }
    return code;
}
