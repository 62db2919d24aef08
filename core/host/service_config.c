/* "hawse.config/1": the features of instances, as they were resolved before they ran. */
#include "host/host.h"

#include <hawse/service/config.h>
#include <string.h>

static int32_t config_feature(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name)
{
    const struct instance *inst = host_instance(table, self);
    if (!inst || !inst->grants)
        return HAWSE_E_STALE;
    return grants_feature_state(inst->grants, (const char *)name.data, name.len);
}

const hawse_config_service_t host_config_service = {
    .size = sizeof(hawse_config_service_t),
    .feature = config_feature,
};
