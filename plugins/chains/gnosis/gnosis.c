/*
 * Gnosis Chain (chain id 100): the shared EVM chain with this chain's numbers.
 */
#include "../ethereum/manifest.h"
#include "../ethereum/plugin.h"

HAWSE_EXPORT const char hawse_manifest_v1[] =
    EVM_MANIFEST("org.hawse.gnosis", "Gnosis Chain: blocks and logs", "100", "12", "30000", "2500");

static const struct evm_params params = {
    .id = "org.hawse.gnosis",
    .chain_id = 100,
    .block_ms = 5000,
    .confirmations = 12,
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
        .id = "org.hawse.gnosis",
        .create = create,
        .start = evm_start,
        .on_events = evm_on_events,
        .stop = evm_stop,
        .destroy = evm_destroy,
    };
    (void)host;
    return &table;
}
