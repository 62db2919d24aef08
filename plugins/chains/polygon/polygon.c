/*
 * Polygon PoS (chain id 137): the shared EVM chain with this chain's numbers.
 */
#include "../ethereum/manifest.h"
#include "../ethereum/plugin.h"

HAWSE_EXPORT const char hawse_manifest_v1[] =
    EVM_MANIFEST("org.hawse.polygon", "Polygon PoS: blocks and logs", "137", "40", "20000", "1000");

static const struct evm_params params = {
    .id = "org.hawse.polygon",
    .chain_id = 137,
    .block_ms = 2000,
    .confirmations = 40,
};

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    return evm_create(host, self, config, &params, state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.polygon",
        .create = create,
        .start = evm_start,
        .on_events = evm_on_events,
        .stop = evm_stop,
        .destroy = evm_destroy,
    };
    (void)host;
    return &table;
}
