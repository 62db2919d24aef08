/*
 * Credentials: which schema, which values, where they may be used; see sign.h. What a schema makes
 * of them is in its own file.
 */
#include "sign/internal.h"

#include "base/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct credential {
    char *name;
    char **endpoints;
    size_t endpoint_count;
    const struct sign_schema *schema;
    void *secret; /* secret_new */
};

static const struct sign_schema *const schemas[] = {&sign_polymarket_l2, &sign_polymarket_l1};
enum { SCHEMAS = sizeof(schemas) / sizeof(schemas[0]), WHERE = 160, VALUES_MAX = 8 };

static const struct sign_schema *find_schema(const char *name, const char *where,
                                             struct fault *fault)
{
    const char *names[SCHEMAS];
    for (size_t i = 0; i < SCHEMAS; i++) {
        names[i] = schemas[i]->name;
        if (strcmp(names[i], name) == 0)
            return schemas[i];
    }
    const char *near = schema_nearest(name, names, SCHEMAS);
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "%s.schema: this host knows no login \"%s\"", where,
                    name);
    if (near)
        fault_hint(fault, "did you mean \"%s\"?", near);
    else
        fault_hint(fault, "it knows: %s, %s", names[0], names[1]);
    return NULL;
}

/* Every value of the schema is there, none besides, and none of the secret ones in the file. */
static int32_t check_values(const struct sign_schema *s, const struct config_credential *config,
                            const char *where, struct fault *fault)
{
    const char *names[VALUES_MAX];
    for (size_t i = 0; i < s->value_count; i++) {
        const struct sign_value *wanted = &s->values[i];
        const struct config_secret *value = config_credential_value(config, wanted->name);
        names[i] = wanted->name;
        if (!value && wanted->optional)
            continue;
        if (!value)
            return fault_set(fault, HAWSE_E_NOTFOUND, "%s.values: \"%s\" is missing", where,
                             wanted->name);
        if (value->reference || !wanted->secret)
            continue;
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "%s.values.%s: a secret stands in the configuration itself", where,
                        wanted->name);
        fault_hint(fault, "write it to a file of mode 600 and name that: \"file:PATH\"");
        return HAWSE_E_DENIED;
    }
    for (size_t i = 0; i < config->value_count; i++) {
        size_t k = 0;
        while (k < s->value_count && strcmp(names[k], config->values[i].name) != 0)
            k++;
        if (k < s->value_count)
            continue;
        const char *near = schema_nearest(config->values[i].name, names, s->value_count);
        (void)fault_set(fault, HAWSE_E_INVAL, "%s.values.%.64s: \"%s\" has no such value", where,
                        config->values[i].name, s->name);
        if (near)
            fault_hint(fault, "did you mean \"%s\"?", near);
        return HAWSE_E_INVAL;
    }
    return HAWSE_OK;
}

static bool copy_names(struct credential *c, const struct config_credential *config)
{
    c->name = strdup(config->name);
    c->endpoints = calloc(config->endpoint_count + 1, sizeof(c->endpoints[0]));
    if (!c->name || !c->endpoints)
        return false;
    while (c->endpoint_count < config->endpoint_count) {
        char *copy = strdup(config->endpoints[c->endpoint_count]);
        if (!copy)
            return false;
        c->endpoints[c->endpoint_count++] = copy;
    }
    return true;
}

int32_t credential_make(const struct config_instance *instance,
                        const struct config_credential *config, struct credential **out,
                        struct fault *fault)
{
    char where[WHERE];
    (void)snprintf(where, sizeof(where), "instances.%s.credentials.%s", instance->id, config->name);
    const struct sign_schema *schema = find_schema(config->schema, where, fault);
    if (!schema)
        return HAWSE_E_NOTFOUND;
    int32_t code = check_values(schema, config, where, fault);
    if (code != HAWSE_OK)
        return code;
    struct credential *c = calloc(1, sizeof(*c));
    if (!c)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    c->schema = schema;
    c->secret = secret_new(schema->size);
    code = c->secret && copy_names(c, config) ? schema->open(c->secret, config, where, fault)
                                              : HAWSE_E_NOMEM;
    if (code != HAWSE_OK) {
        credential_free(c);
        return fault_set(fault, code, "%s: no memory", where);
    }
    *out = c;
    return HAWSE_OK;
}

void credential_free(struct credential *c)
{
    if (!c)
        return;
    if (c->secret && c->schema->close)
        c->schema->close(c->secret);
    secret_free(c->secret);
    for (size_t i = 0; i < c->endpoint_count; i++)
        free(c->endpoints[i]);
    free(c->endpoints);
    free(c->name);
    free(c);
}

int32_t credentials_make(const struct config_instance *instance, struct credentials *out,
                         struct fault *fault)
{
    int32_t code = HAWSE_OK;
    out->count = 0;
    out->list = calloc(instance->credential_count + 1, sizeof(out->list[0]));
    if (!out->list)
        return fault_set(fault, HAWSE_E_NOMEM, "instances.%s.credentials: no memory", instance->id);
    for (size_t i = 0; i < instance->credential_count && code == HAWSE_OK; i++) {
        code = credential_make(instance, &instance->credentials[i], &out->list[i], fault);
        out->count += code == HAWSE_OK;
    }
    return code;
}

void credentials_finish(struct credentials *credentials)
{
    for (size_t i = 0; i < credentials->count; i++)
        credential_free(credentials->list[i]);
    free(credentials->list);
    *credentials = (struct credentials){NULL, 0};
}

struct credential *credentials_find(const struct credentials *credentials, hawse_view_t name)
{
    for (size_t i = 0; i < credentials->count; i++) {
        const char *own = credentials->list[i]->name;
        if (strlen(own) == name.len && memcmp(own, name.data, name.len) == 0)
            return credentials->list[i];
    }
    return NULL;
}

const char *credential_name(const struct credential *c)
{
    return c->name;
}

const char *credential_schema(const struct credential *c)
{
    return c->schema->name;
}

bool credential_endpoint(const struct credential *c, const char *endpoint)
{
    for (size_t i = 0; i < c->endpoint_count; i++) {
        if (strcmp(c->endpoints[i], endpoint) == 0)
            return true;
    }
    return false;
}

bool credential_is(const struct credential *c, hawse_view_t text)
{
    return c->schema->is(c->secret, text);
}

int32_t sign_headers(const struct credential *c, const struct sign_request *request,
                     char out[SIGN_HEADERS_MAX], size_t *len, struct fault *fault)
{
    return c->schema->headers(c->secret, request, out, len, fault);
}

int32_t sign_message(const struct credential *c, hawse_view_t text, char **out, size_t *len,
                     struct fault *fault)
{
    return c->schema->message(c->secret, text, out, len, fault);
}

const char *credential_login_path(const struct credential *c)
{
    return c->schema->login_path;
}

int32_t sign_login_headers(const struct credential *c, uint64_t utc_s, char out[SIGN_HEADERS_MAX],
                           size_t *len)
{
    return c->schema->login(c->secret, utc_s, out, len);
}

int32_t sign_login_answer(struct credential *c, hawse_view_t body, struct fault *fault)
{
    return c->schema->answer(c->secret, body, fault);
}
