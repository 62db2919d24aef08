/*
 * "hawse.config/1": what the operator decided for this instance beside its settings.
 */
#ifndef HAWSE_SERVICE_CONFIG_H
#define HAWSE_SERVICE_CONFIG_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_CONFIG_ID "hawse.config/1"

typedef struct hawse_config_service {
    uint32_t size;
    uint32_t reserved;

    /* [any; borrows name] Is the feature of this name on? A feature that the manifest calls stable
     * is on unless the operator turned it off; an experimental or beta one is off unless the
     * operator turned it on and accepts that maturity. The answer holds as long as the instance
     * lives. 1 or 0; HAWSE_E_NOTFOUND: the manifest has no such feature; HAWSE_E_STALE. */
    int32_t (*feature)(const hawse_host_t *host, hawse_instance_t self, hawse_view_t name);
} hawse_config_service_t;

/* [any] The same as a truth value: a host without this service, and a name that the manifest does
 * not have, count as off. */
static inline int32_t hawse_feature(const hawse_host_t *host, hawse_instance_t self,
                                    const char *name)
{
    const hawse_config_service_t *config =
        (const hawse_config_service_t *)host->query(host, self, HAWSE_CONFIG_ID);
    return config && config->feature(host, self, hawse_text(name)) == 1;
}

#ifdef __cplusplus
}
#endif
#endif
