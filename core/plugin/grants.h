/*
 * What one instance may do: manifest AND configuration AND maturity, resolved once, logged, and
 * asked at each privileged call.
 */
#ifndef CORE_PLUGIN_GRANTS_H
#define CORE_PLUGIN_GRANTS_H

#include "base/fault.h"
#include "config/config.h"
#include "plugin/manifest.h"

struct grants;

/* Resolves. Faults: maturity below what the operator allows, a feature that the manifest does not
 * know, a feature below stable without its flag, a grant that the manifest does not ask for (with
 * the nearest one it does), a service this host does not have, a settings error, an event space
 * unknown. */
int32_t grants_resolve(const struct manifest *manifest, const struct config_instance *instance,
                       struct grants **out, struct fault *fault);
void grants_destroy(struct grants *grants);

/* "net": may it open a stream to this URL? Endpoints of its own configuration are granted by "net";
 * other URLs need "net:SCHEME://HOST[:PORT]" in the configuration. */
bool grants_net(const struct grants *grants, const char *url, bool own_endpoint);
/* "rpc" or "rpc:METHOD". */
bool grants_rpc(const struct grants *grants, const char *method, size_t method_len);
/* "http", "http:METHOD" or "http:METHOD:/PREFIX", where the prefix ends at the end of a segment of
 * the path. The path must be legal (http_path_legal). */
bool grants_http(const struct grants *grants, const char *method, const char *path,
                 size_t path_len);
/* "sign" or "sign:SCHEMA". */
bool grants_sign(const struct grants *grants, const char *schema);
/* "intent" or "intent:CHAIN"; chain NULL: on any chain at all? */
bool grants_intent(const struct grants *grants, const char *chain, size_t len);
/* "outcomes" or "outcomes:INSTANCE": may it hear how intents of that instance ended? */
bool grants_outcomes(const struct grants *grants, const char *instance);
/* 1 on, 0 off, HAWSE_E_NOTFOUND. */
int32_t grants_feature_state(const struct grants *grants, const char *name, size_t len);
bool grants_feature(const struct grants *grants, const char *name);
/* One line for the log: features and grants in force. malloc'd. */
char *grants_describe(const struct grants *grants);

#endif
