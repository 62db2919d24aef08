/*
 * The Polygon PoS plugin: the shared EVM files with the numbers of chain 137. Blocks come every 2
 * s; milestones make them final within seconds, which the "finalized" tag says; before that, short
 * reorganisations are daily bread.
 */
#include "plugin.h"

#define ID            "org.hawse.polygon"
#define CHAIN         137
#define BLOCK_MS      2000
#define CONFIRMATIONS 40
#define FINAL_EVERY   4
#define IDLE_MS       12000
#define STORE_KIB     8192

HAWSE_EXPORT const char hawse_manifest_v1[] = EVM_MANIFEST(
    ID, "Polygon PoS", CHAIN, BLOCK_MS, CONFIRMATIONS, FINAL_EVERY, IDLE_MS, STORE_KIB);

const struct evm_chain_params evm_chain_params = {
    .id = ID,
    .name = "Polygon PoS",
    .defaults = EVM_DEFAULTS(CHAIN, BLOCK_MS, CONFIRMATIONS, FINAL_EVERY, IDLE_MS, STORE_KIB),
};

static const hawse_plugin_t table = {
    .size = sizeof(table),
    .abi_minor = HAWSE_ABI_MINOR,
    .id = ID,
    .create = evm_create,
    .start = evm_start,
    .on_events = evm_on_events,
    .stop = evm_stop,
    .destroy = evm_destroy,
    .query = evm_query,
};

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    (void)host;
    return &table;
}
