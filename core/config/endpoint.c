/*
 * Endpoints: where references to secrets are resolved; see internal.h. The tree keeps only what may
 * be shown: the struct owns the secrets.
 */
#include "config/internal.h"

#include "base/schema.h"

#include <ctype.h>
#include <errno.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void endpoint_finish(struct config_endpoint *e)
{
    free(e->name);
    free(e->chain);
    secret_free(e->url);
    free(e->display);
    for (size_t i = 0; i < e->header_count; i++) {
        free(e->headers[i].name);
        secret_free(e->headers[i].value);
    }
    free(e->headers);
    secret_free(e->proxy);
    free(e->ca_file);
}

/* ---- headers ---- */

static bool is_token(const char *name)
{
    for (size_t i = 0; name[i]; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("!#$%&'*+-.^_`|~", name[i]))
            return false;
    }
    return name[0] != '\0';
}

static bool is_line(const char *value)
{
    for (; *value; value++) {
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
            return false;
    }
    return true;
}

/* What the host writes itself: a second one would confuse the other side, or more. */
static bool is_own(const char *name)
{
    static const char *const own[] = {"Host",           "Connection",        "Upgrade",
                                      "Content-Length", "Transfer-Encoding", "Content-Type"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strcasecmp(name, own[i]) == 0)
            return true;
    }
    return strncasecmp(name, "Sec-WebSocket-", 14) == 0;
}

static int32_t check_header(const struct config_endpoint *e, const char *name, const char *where,
                            struct fault *fault)
{
    if (!is_token(name))
        return fault_set(fault, HAWSE_E_INVAL,
                         "%s: a header's name has letters, digits and '-', no spaces or colons",
                         where);
    if (is_own(name)) {
        (void)fault_set(fault, HAWSE_E_INVAL, "%s: the host writes this header itself", where);
        fault_hint(fault, "remove it");
        return HAWSE_E_INVAL;
    }
    for (size_t i = 0; i < e->header_count; i++) {
        if (strcasecmp(e->headers[i].name, name) == 0)
            return fault_set(fault, HAWSE_E_EXISTS, "%s: the same header as \"%s\"", where,
                             e->headers[i].name);
    }
    return HAWSE_OK;
}

/* After `code` of hiding its parts: what references in it stand for. */
static int32_t hide(struct reader *r, const char *written, const char *value, const char *where,
                    int32_t code)
{
    if (code == HAWSE_OK)
        code = secret_note_references(r, written, value, where);
    return code == HAWSE_OK ? code : fault_set(r->fault, code, "%s: no memory", where);
}

static int32_t read_header(struct reader *r, struct config_endpoint *e, json_t *headers,
                           const char *name, const char *where)
{
    struct config_header *h = &e->headers[e->header_count];
    const char *written = json_string_value(json_object_get(headers, name));
    char *shown = NULL;
    int32_t code = check_header(e, name, where, r->fault);
    if (code == HAWSE_OK)
        code = secret_resolve(r, written, where, &h->value, &shown);
    free(shown);
    if (code != HAWSE_OK)
        return code;
    e->header_count++; /* from here on it is destroyed with the endpoint */
    if (!copy_text(&h->name, name))
        return fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", where);
    code = hide(r, written, h->value, where, hidden_header(r->config, h->value));
    if (code != HAWSE_OK)
        return code;
    if (!is_line(h->value))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s: a header's value is one line without control characters", where);
    return secret_mask(headers, name, "***", where, r->fault);
}

static int32_t read_headers(struct reader *r, struct config_endpoint *e, json_t *headers,
                            const char *where)
{
    const char *name;
    json_t *value;
    char path[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    e->headers = calloc(json_object_size(headers) + 1, sizeof(e->headers[0]));
    if (!e->headers)
        return fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", where);
    json_object_foreach(headers, name, value)
    {
        (void)snprintf(path, sizeof(path), "%.180s.headers.%.64s", where, name);
        if (code == HAWSE_OK)
            code = read_header(r, e, headers, name, path);
    }
    return code;
}

/* ---- addresses ---- */

static int32_t read_url(struct reader *r, struct config_endpoint *e, json_t *endpoint,
                        const char *where)
{
    char path[CONFIG_PATH];
    char *shown = NULL;
    const char *written = json_string_value(json_object_get(endpoint, "url"));
    (void)snprintf(path, sizeof(path), "%.200s.url", where);
    int32_t code = secret_resolve(r, written, path, &e->url, &shown);
    if (code != HAWSE_OK)
        return code;
    e->display = url_display(e->url, shown);
    code = hide(r, written, e->url, path, url_hide(r->config, e->url, shown));
    free(shown);
    if (code != HAWSE_OK)
        return code;
    if (!e->display)
        return fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", path);
    code = url_check(e->url, e->display, e->insecure, path, r->fault);
    return code == HAWSE_OK ? secret_mask(endpoint, "url", e->display, path, r->fault) : code;
}

static int32_t read_proxy(struct reader *r, struct config_endpoint *e, json_t *endpoint,
                          const char *where)
{
    char path[CONFIG_PATH];
    char *shown = NULL;
    const char *written = json_string_value(json_object_get(endpoint, "proxy"));
    if (!written)
        return HAWSE_OK;
    (void)snprintf(path, sizeof(path), "%.200s.proxy", where);
    int32_t code = secret_resolve(r, written, path, &e->proxy, &shown);
    if (code != HAWSE_OK)
        return code;
    char *display = url_display(e->proxy, shown);
    code = hide(r, written, e->proxy, path, url_hide(r->config, e->proxy, shown));
    free(shown);
    if (code == HAWSE_OK)
        code = display ? url_check_proxy(e->proxy, path, r->fault)
                       : fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", path);
    if (code == HAWSE_OK)
        code = secret_mask(endpoint, "proxy", display, path, r->fault);
    free(display);
    return code;
}

/* A path is no secret, but it may come from a variable like the rest. */
static int32_t read_ca_file(struct reader *r, struct config_endpoint *e, json_t *endpoint,
                            const char *where)
{
    char path[CONFIG_PATH];
    char *value = NULL, *shown = NULL;
    const char *written = json_string_value(json_object_get(endpoint, "ca_file"));
    if (!written)
        return HAWSE_OK;
    (void)snprintf(path, sizeof(path), "%.200s.ca_file", where);
    int32_t code = secret_resolve(r, written, path, &value, &shown);
    if (code != HAWSE_OK)
        return code;
    bool reference = strcmp(value, shown) != 0;
    e->ca_file = path_from(r->dir, value);
    secret_free(value);
    if (!e->ca_file)
        code = fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", path);
    else if (access(e->ca_file, R_OK) != 0)
        code = fault_set(r->fault, HAWSE_E_NOTFOUND, "%s: cannot read %s: %s", path,
                         reference ? shown : e->ca_file, strerror(errno));
    else
        code = secret_mask(endpoint, "ca_file", reference ? shown : e->ca_file, path, r->fault);
    free(shown);
    return code;
}

/* ---- one and all ---- */

static bool truth(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static int32_t check_times(const struct config_endpoint *e, const char *where, struct fault *fault)
{
    if (e->backoff_min_ms <= e->backoff_max_ms)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL,
                     "%s.backoff_min_ms: found %u, expected at most backoff_max_ms, which is %u",
                     where, e->backoff_min_ms, e->backoff_max_ms);
}

int32_t read_address(struct reader *r, struct config_endpoint *e, const char *name, json_t *value,
                     const char *where)
{
    if (!copy_text(&e->name, name))
        return fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", where);
    if (!json_is_string(json_object_get(value, "url"))) {
        (void)fault_set(r->fault, HAWSE_E_INVAL, "%s.url: is missing", where);
        fault_hint(r->fault, "add it: ws, wss, http or https; ${NAME} reads the environment, "
                             "file:PATH a file of mode 600, $${ is a plain ${");
        return HAWSE_E_INVAL;
    }
    if (json_is_string(json_object_get(value, "chain")))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s.chain: found beside a url, expected one of them", where);
    e->insecure = truth(value, "insecure");
    e->deflate = truth(value, "deflate");
    e->validate_utf8 = truth(value, "validate_utf8");
    e->connect_timeout_ms = read_number(value, "connect_timeout_ms");
    e->request_timeout_ms = read_number(value, "request_timeout_ms");
    e->ping_ms = read_number(value, "ping_ms");
    e->idle_ms = read_number(value, "idle_ms");
    e->backoff_min_ms = read_number(value, "backoff_min_ms");
    e->backoff_max_ms = read_number(value, "backoff_max_ms");
    int32_t code = check_times(e, where, r->fault);
    if (code == HAWSE_OK)
        code = read_url(r, e, value, where);
    if (code == HAWSE_OK)
        code = read_headers(r, e, json_object_get(value, "headers"), where);
    if (code == HAWSE_OK)
        code = read_proxy(r, e, value, where);
    return code == HAWSE_OK ? read_ca_file(r, e, value, where) : code;
}

static int32_t unknown_chain(struct reader *r, const char *chain, const char *where)
{
    const char *names[CONFIG_CHAINS];
    size_t count = 0;
    for (; count < r->config->chain_count && count < CONFIG_CHAINS; count++)
        names[count] = r->config->chains[count].name;
    const char *near = schema_nearest(chain, names, count);
    (void)fault_set(r->fault, HAWSE_E_NOTFOUND, "%s.chain: there is no chain \"%.64s\"", where,
                    chain);
    if (near)
        fault_hint(r->fault, "did you mean \"%s\"?", near);
    else
        fault_hint(r->fault, "add chains.%.64s with its providers, or give a url", chain);
    return HAWSE_E_NOTFOUND;
}

/* One that leads to the providers of a chain instead of an address. */
static int32_t read_way(struct reader *r, struct config_endpoint *e, const char *name,
                        const char *chain, const char *where)
{
    char url[96];
    if (!config_chain_find(r->config, chain))
        return unknown_chain(r, chain, where);
    (void)snprintf(url, sizeof(url), "chain:%s", chain);
    e->url = secret_copy(url);
    return e->url && copy_text(&e->name, name) && copy_text(&e->chain, chain) &&
                   copy_text(&e->display, url)
               ? HAWSE_OK
               : no_memory(r, where);
}

static int32_t read_endpoint(struct reader *r, struct config_endpoint *e, const char *name,
                             json_t *value, const char *where)
{
    const char *chain = json_string_value(json_object_get(value, "chain"));
    if (!name_legal(name, true))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s: an endpoint's name has 1 to 63 letters, digits, '_' or '-'", where);
    return chain && !json_object_get(value, "url") ? read_way(r, e, name, chain, where)
                                                   : read_address(r, e, name, value, where);
}

static bool copy_maybe(char **out, const char *text)
{
    return !text || copy_text(out, text);
}

static bool copy_secret(char **out, const char *text)
{
    *out = text ? secret_copy(text) : NULL;
    return *out || !text;
}

int32_t endpoint_copy(const struct config_endpoint *e, struct config_endpoint *out)
{
    *out = *e;
    out->name = out->chain = out->url = out->display = out->proxy = out->ca_file = NULL;
    out->headers = calloc(e->header_count + 1, sizeof(out->headers[0]));
    out->header_count = 0;
    bool ok = out->headers && copy_maybe(&out->name, e->name) &&
              copy_maybe(&out->chain, e->chain) && copy_secret(&out->url, e->url) &&
              copy_maybe(&out->display, e->display) && copy_secret(&out->proxy, e->proxy) &&
              copy_maybe(&out->ca_file, e->ca_file);
    for (size_t i = 0; ok && i < e->header_count; i++) {
        struct config_header *h = &out->headers[out->header_count++];
        ok = copy_text(&h->name, e->headers[i].name) && copy_secret(&h->value, e->headers[i].value);
    }
    return ok ? HAWSE_OK : HAWSE_E_NOMEM;
}

int32_t read_endpoints(struct reader *r, struct config_instance *in, json_t *endpoints)
{
    const char *name;
    json_t *value;
    char where[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    in->endpoints = calloc(json_object_size(endpoints) + 1, sizeof(in->endpoints[0]));
    if (!in->endpoints)
        return fault_set(r->fault, HAWSE_E_NOMEM, "instances.%s.endpoints: no memory", in->id);
    json_object_foreach(endpoints, name, value)
    {
        (void)snprintf(where, sizeof(where), "instances.%s.endpoints.%.64s", in->id, name);
        if (code == HAWSE_OK)
            code = read_endpoint(r, &in->endpoints[in->endpoint_count++], name, value, where);
    }
    return code;
}
