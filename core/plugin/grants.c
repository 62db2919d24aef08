/* What an instance may do; see grants.h. Deny by default: absent means no. */
#include "plugin/grants.h"

#include "base/schema.h"
#include "plugin/internal.h"

#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/config.h>
#include <hawse/service/http.h>
#include <hawse/service/intent.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/sign.h>
#include <hawse/service/store.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Owned by the instance; immutable once resolved. */
struct grants {
    const struct manifest *manifest; /* outlives: libraries stay loaded */
    char **granted;                  /* manifest AND configuration */
    size_t count;
    bool *features; /* one per feature of the manifest */
};

bool plugin_service_known(const char *id)
{
    static const char *const ids[] = {HAWSE_SUB_ID,     HAWSE_STREAM_ID,  HAWSE_TIMER_ID,
                                      HAWSE_RPC_ID,     HAWSE_METRICS_ID, HAWSE_CONFIG_ID,
                                      HAWSE_HTTP_ID,    HAWSE_SIGN_ID,    HAWSE_INTENT_ID,
                                      HAWSE_COMMAND_ID, HAWSE_ALERT_ID,   HAWSE_STORE_ID};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (strcmp(id, ids[i]) == 0)
            return true;
    }
    return false;
}

void grants_destroy(struct grants *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->count; i++)
        free(g->granted[i]);
    free(g->granted);
    free(g->features);
    free(g);
}

/* Does `prefix` end in `path` where a segment ends? */
static bool path_within(const char *prefix, size_t prefix_len, const char *path, size_t path_len)
{
    if (prefix_len == 0 || prefix_len > path_len || memcmp(prefix, path, prefix_len) != 0)
        return false;
    return prefix_len == path_len || prefix[prefix_len - 1] == '/' || path[prefix_len] == '/' ||
           path[prefix_len] == '?';
}

/* "net" covers "net:x", "http:GET:/x" covers "http:GET:/x/y"; otherwise the two must be equal. */
static bool covers(const char *wide, const char *narrow)
{
    size_t n = strlen(wide);
    if (strcmp(wide, narrow) == 0 || (strncmp(wide, narrow, n) == 0 && narrow[n] == ':'))
        return true;
    if (strncmp(wide, "http:", 5) != 0)
        return false;
    const char *path = strchr(wide + 5, ':');
    size_t head = path ? (size_t)(path - wide) + 1 : 0;
    return head > 0 && strncmp(wide, narrow, head) == 0 &&
           path_within(path + 1, n - head, narrow + head, strlen(narrow + head));
}

/* ---- resolving ---- */

static int32_t check_maturity(const struct manifest *m, const struct config_instance *in,
                              struct fault *fault)
{
    if (m->maturity >= in->allow)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED,
                    "plugin %s is %s; this instance accepts nothing below %s", m->id,
                    config_maturity_name(m->maturity), config_maturity_name(in->allow));
    fault_hint(fault, "set instances.%s.allow to \"%s\" if you mean to run it unfinished", in->id,
               config_maturity_name(m->maturity));
    return HAWSE_E_DENIED;
}

static int32_t resolve_features(struct grants *g, const struct config_instance *in,
                                struct fault *fault)
{
    const struct manifest *m = g->manifest;
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < m->feature_count; i++) {
        g->features[i] = m->features[i].maturity == MATURITY_STABLE; /* others only by a flag */
        if (count < 64)
            names[count++] = m->features[i].name;
    }
    for (size_t f = 0; f < in->feature_count; f++) {
        size_t i = 0;
        while (i < m->feature_count && strcmp(m->features[i].name, in->features[f].name) != 0)
            i++;
        if (i == m->feature_count) {
            const char *near = schema_nearest(in->features[f].name, names, count);
            (void)fault_set(fault, HAWSE_E_NOTFOUND, "features.%s: plugin %s has no such feature",
                            in->features[f].name, m->id);
            if (near)
                fault_hint(fault, "did you mean \"%s\"?", near);
            return HAWSE_E_NOTFOUND;
        }
        if (in->features[f].enabled && m->features[i].maturity < in->allow) {
            (void)fault_set(fault, HAWSE_E_DENIED,
                            "features.%s is %s; this instance accepts nothing "
                            "below %s",
                            m->features[i].name, config_maturity_name(m->features[i].maturity),
                            config_maturity_name(in->allow));
            fault_hint(fault, "set instances.%s.allow to \"%s\"", in->id,
                       config_maturity_name(m->features[i].maturity));
            return HAWSE_E_DENIED;
        }
        g->features[i] = in->features[f].enabled;
    }
    return HAWSE_OK;
}

static int32_t add(struct grants *g, const char *grant)
{
    g->granted[g->count] = strdup(grant);
    return g->granted[g->count++] ? HAWSE_OK : HAWSE_E_NOMEM;
}

/* A grant of the configuration counts for what the manifest asks; the narrower of both is granted.
 */
static int32_t resolve_grant(struct grants *g, const char *grant, struct fault *fault)
{
    const struct manifest *m = g->manifest;
    int32_t code = HAWSE_OK;
    bool asked = false;
    for (size_t i = 0; i < m->capability_count && code == HAWSE_OK; i++) {
        const char *wanted = m->capabilities[i];
        if (covers(grant, wanted)) {
            asked = true;
            code = add(g, wanted);
        } else if (covers(wanted, grant)) {
            asked = true;
            code = add(g, grant);
        }
    }
    if (asked || code != HAWSE_OK)
        return code;
    const char *names[64];
    size_t count = 0;
    for (size_t i = 0; i < m->capability_count && count < 64; i++)
        names[count++] = m->capabilities[i];
    const char *near = schema_nearest(grant, names, count);
    (void)fault_set(fault, HAWSE_E_INVAL, "grants: \"%s\" is not among what plugin %s asks for",
                    grant, m->id);
    if (near)
        fault_hint(fault, "did you mean \"%s\"?", near);
    else
        fault_hint(fault, "remove it: a grant that nobody asks for is a mistake");
    return HAWSE_E_INVAL;
}

/* Endpoints are of no use without the capability; say so now and not at run time. */
static int32_t check_endpoints(const struct grants *g, const struct config_instance *in,
                               struct fault *fault)
{
    for (size_t i = 0; i < in->endpoint_count; i++) {
        const char *url = in->endpoints[i].url;
        bool stream = strncmp(url, "ws", 2) == 0;
        if (!stream || grants_net(g, url, true))
            continue;
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "endpoints.%s is configured, but \"net\" is not "
                        "granted",
                        in->endpoints[i].name);
        fault_hint(fault, "add \"net\" to instances.%s.grants", in->id);
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

/* Nor are credentials. */
static int32_t check_credentials(const struct grants *g, const struct config_instance *in,
                                 struct fault *fault)
{
    for (size_t i = 0; i < in->credential_count; i++) {
        const struct config_credential *c = &in->credentials[i];
        if (grants_sign(g, c->schema))
            continue;
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "credentials.%s is configured, but \"sign:%s\" is not granted", c->name,
                        c->schema);
        fault_hint(fault, "add \"sign:%s\" to instances.%s.grants", c->schema, in->id);
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

int32_t grants_resolve(const struct manifest *manifest, const struct config_instance *instance,
                       struct grants **out, struct fault *fault)
{
    struct grants *g = calloc(1, sizeof(*g));
    if (!g)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for grants");
    g->manifest = manifest;
    g->granted =
        calloc(instance->grant_count * (manifest->capability_count + 1) + 1, sizeof(g->granted[0]));
    g->features = calloc(manifest->feature_count + 1, sizeof(bool));
    int32_t code = g->granted && g->features ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK)
        code = check_maturity(manifest, instance, fault);
    if (code == HAWSE_OK)
        code = resolve_features(g, instance, fault);
    for (size_t i = 0; i < instance->grant_count && code == HAWSE_OK; i++)
        code = resolve_grant(g, instance->grants[i], fault);
    if (code == HAWSE_OK)
        code = check_endpoints(g, instance, fault);
    if (code == HAWSE_OK)
        code = check_credentials(g, instance, fault);
    if (code != HAWSE_OK) {
        grants_destroy(g);
        return fault_set(fault, code, "no memory for grants");
    }
    *out = g;
    return HAWSE_OK;
}

/* ---- asking ---- */

/* scheme://host[:port] of the URL equals that of the grant, which may leave out the port. */
static bool net_matches(const char *grant, const char *url)
{
    const char *want = grant + 4; /* after "net:" */
    size_t n = strlen(want);
    return strncmp(want, url, n) == 0 && (url[n] == '\0' || strchr(":/?", url[n]) != NULL);
}

bool grants_net(const struct grants *g, const char *url, bool own_endpoint)
{
    for (size_t i = 0; i < g->count; i++) {
        const char *grant = g->granted[i];
        if (own_endpoint && strcmp(grant, "net") == 0)
            return true;
        if (strncmp(grant, "net:", 4) == 0 && net_matches(grant, url))
            return true;
    }
    return false;
}

/* "FAMILY", or "FAMILY:NAME". */
static bool named(const struct grants *g, const char *family, const char *name, size_t len)
{
    size_t n = strlen(family);
    for (size_t i = 0; i < g->count; i++) {
        const char *grant = g->granted[i];
        if (strncmp(grant, family, n) != 0)
            continue;
        if (grant[n] == '\0' || (grant[n] == ':' && strlen(grant + n + 1) == len &&
                                 memcmp(grant + n + 1, name, len) == 0))
            return true;
    }
    return false;
}

bool grants_rpc(const struct grants *g, const char *method, size_t method_len)
{
    return named(g, "rpc", method, method_len);
}

bool grants_sign(const struct grants *g, const char *schema)
{
    return named(g, "sign", schema, strlen(schema));
}

bool grants_intent(const struct grants *g, const char *chain, size_t len)
{
    for (size_t i = 0; !chain && i < g->count; i++) {
        if (strncmp(g->granted[i], "intent", 6) == 0)
            return true;
    }
    return chain && named(g, "intent", chain, len);
}

bool grants_outcomes(const struct grants *g, const char *instance)
{
    return named(g, "outcomes", instance, strlen(instance));
}

bool grants_http(const struct grants *g, const char *method, const char *path, size_t path_len)
{
    size_t n = strlen(method);
    for (size_t i = 0; i < g->count; i++) {
        const char *grant = g->granted[i];
        if (strcmp(grant, "http") == 0)
            return true;
        if (strncmp(grant, "http:", 5) != 0 || strncmp(grant + 5, method, n) != 0)
            continue;
        const char *rest = grant + 5 + n;
        if (*rest == '\0' ||
            (*rest == ':' && path_within(rest + 1, strlen(rest + 1), path, path_len)))
            return true;
    }
    return false;
}

int32_t grants_feature_state(const struct grants *g, const char *name, size_t len)
{
    for (size_t i = 0; i < g->manifest->feature_count; i++) {
        const char *known = g->manifest->features[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return g->features[i] ? 1 : 0;
    }
    return HAWSE_E_NOTFOUND;
}

bool grants_feature(const struct grants *g, const char *name)
{
    return grants_feature_state(g, name, strlen(name)) == 1;
}

static void describe_features(FILE *f, const struct grants *g, bool on)
{
    for (size_t i = 0, n = 0; i < g->manifest->feature_count; i++) {
        if (g->features[i] == on)
            (void)fprintf(f, "%s%s", n++ ? " " : "", g->manifest->features[i].name);
    }
}

char *grants_describe(const struct grants *g)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    (void)fprintf(f, "grants [");
    for (size_t i = 0; i < g->count; i++)
        (void)fprintf(f, "%s%s", i ? " " : "", g->granted[i]);
    (void)fprintf(f, "]");
    if (g->manifest->feature_count > 0) {
        (void)fprintf(f, " features on [");
        describe_features(f, g, true);
        (void)fprintf(f, "] off [");
        describe_features(f, g, false);
        (void)fprintf(f, "]");
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
