/*
 * The Gnosis Chain plugin: the shared EVM files with the numbers of chain 100. A slot takes 5 s and
 * may be missed; finality takes about 2.7 minutes; reorganisations of more than a block or two are
 * rare.
 */
#include "plugin.h"

#define ID            "org.hawse.gnosis"
#define CHAIN         100
#define BLOCK_MS      5000
#define CONFIRMATIONS 12
#define FINAL_EVERY   8
#define IDLE_MS       30000
#define STORE_KIB     4096

HAWSE_EXPORT const char hawse_manifest_v1[] = EVM_MANIFEST(
    ID, "Gnosis Chain", CHAIN, BLOCK_MS, CONFIRMATIONS, FINAL_EVERY, IDLE_MS, STORE_KIB);

const struct evm_chain_params evm_chain_params = {
    .id = ID,
    .name = "Gnosis Chain",
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
