/*
 * Credentials: logins that the host uses in the name of an instance (hawse.sign/1); see config.h.
 * What the values mean is known in core/sign alone. No value stands in the tree once it is read.
 */
#include "config/internal.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void credential_finish(struct config_credential *c)
{
    free(c->name);
    free(c->schema);
    for (size_t i = 0; i < c->endpoint_count; i++)
        free(c->endpoints[i]);
    free(c->endpoints);
    for (size_t i = 0; i < c->value_count; i++) {
        free(c->values[i].name);
        secret_free(c->values[i].text);
    }
    free(c->values);
}

const struct config_secret *config_credential_value(const struct config_credential *credential,
                                                    const char *name)
{
    for (size_t i = 0; i < credential->value_count; i++) {
        if (strcmp(credential->values[i].name, name) == 0)
            return &credential->values[i];
    }
    return NULL;
}

static int32_t read_value(struct reader *r, struct config_credential *c, json_t *values,
                          const char *name, const char *where)
{
    struct config_secret *value = &c->values[c->value_count];
    const char *written = json_string_value(json_object_get(values, name));
    char *shown = NULL;
    int32_t code = secret_resolve(r, written, where, &value->text, &shown);
    if (code != HAWSE_OK)
        return code;
    c->value_count++; /* from here on it is destroyed with the credential */
    value->reference = strcmp(shown, value->text) != 0;
    free(shown);
    if (!copy_text(&value->name, name))
        return no_memory(r, where);
    code = secret_note_references(r, written, value->text, where);
    return code == HAWSE_OK ? secret_mask(values, name, "***", where, r->fault) : code;
}

static int32_t read_values(struct reader *r, struct config_credential *c, json_t *values,
                           const char *where)
{
    const char *name;
    json_t *value;
    char path[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    c->values = calloc(json_object_size(values) + 1, sizeof(c->values[0]));
    if (!c->values)
        return no_memory(r, where);
    json_object_foreach(values, name, value)
    {
        (void)snprintf(path, sizeof(path), "%.160s.values.%.64s", where, name);
        if (code == HAWSE_OK)
            code = read_value(r, c, values, name, path);
    }
    return code;
}

/* It may be used with endpoints of its own instance alone, each of them on its own machine or
 * encrypted: "insecure" is for what is no login. */
static int32_t read_where(struct reader *r, const struct config_instance *in,
                          struct config_credential *c, const json_t *names, const char *where)
{
    c->endpoints = calloc(json_array_size(names) + 1, sizeof(c->endpoints[0]));
    if (!c->endpoints)
        return no_memory(r, where);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const struct config_endpoint *e = config_endpoint_find(in, name);
        if (!copy_text(&c->endpoints[c->endpoint_count++], name))
            return no_memory(r, where);
        if (!e) {
            (void)fault_set(r->fault, HAWSE_E_NOTFOUND,
                            "%s.endpoints[%zu]: this instance has no endpoint \"%.64s\"", where, i,
                            name);
            fault_hint(r->fault, "name endpoints of instances.%s, where this login is used",
                       in->id);
            return HAWSE_E_NOTFOUND;
        }
        if (url_private(e->url, e->proxy != NULL))
            continue;
        (void)fault_set(r->fault, HAWSE_E_DENIED,
                        "%s.endpoints[%zu]: endpoint \"%.64s\" would send a login in plain text "
                        "to another machine",
                        where, i, name);
        fault_hint(r->fault, "use wss:// or https://");
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

static int32_t read_credential(struct reader *r, struct config_instance *in,
                               struct config_credential *c, const char *name, json_t *value)
{
    char where[CONFIG_PATH];
    (void)snprintf(where, sizeof(where), "instances.%s.credentials.%.64s", in->id, name);
    if (!name_legal(name, true))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s: a credential's name has 1 to 63 letters, digits, '_' or '-'", where);
    if (!copy_text(&c->name, name) ||
        !copy_text(&c->schema, json_string_value(json_object_get(value, "schema"))))
        return no_memory(r, where);
    int32_t code = read_values(r, c, json_object_get(value, "values"), where);
    return code == HAWSE_OK ? read_where(r, in, c, json_object_get(value, "endpoints"), where)
                            : code;
}

int32_t read_credentials(struct reader *r, struct config_instance *in, json_t *credentials)
{
    const char *name;
    json_t *value;
    int32_t code = HAWSE_OK;
    in->credentials = calloc(json_object_size(credentials) + 1, sizeof(in->credentials[0]));
    if (!in->credentials)
        return no_memory(r, "credentials");
    json_object_foreach(credentials, name, value)
    {
        if (code == HAWSE_OK)
            code = read_credential(r, in, &in->credentials[in->credential_count++], name, value);
    }
    return code;
}
