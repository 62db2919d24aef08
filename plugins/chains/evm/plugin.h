/*
 * What a chain's own file needs to become a plugin: the functions of the table, and the manifest
 * with the chain's numbers in it. The numbers are written once, there, and end up both in the
 * manifest, where the host and the operator read them, and in the defaults of the settings.
 */
#ifndef EVM_PLUGIN_H
#define EVM_PLUGIN_H

#include "settings.h"

int32_t evm_create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                   void **state);
int32_t evm_start(void *state);
int32_t evm_on_events(void *state, const hawse_event_t *const *events, uint32_t n);
int32_t evm_stop(void *state, uint64_t deadline_ns);
void evm_destroy(void *state);
const void *evm_query(const char *interface_id);

#define EVM_TEXT_(x) #x
#define EVM_TEXT(x)  EVM_TEXT_(x)

/* One whole-number setting of the manifest's schema. */
#define EVM_NUMBER(name, low, high, preset, about)                               \
    "\"" name "\":{\"type\":\"integer\",\"minimum\":" #low ",\"maximum\":" #high \
    ",\"default\":" EVM_TEXT(preset) ",\"description\":\"" about "\"},"

#define EVM_WINDOW        256
#define EVM_VERIFY_BLOCKS 1
#define EVM_VERIFY_MS     1000
#define EVM_MAX_RANGE     2000
#define EVM_MAX_BACKFILL  10000
#define EVM_POLL_AFTER_MS 15000
#define EVM_REQUEST_MS    10000
#define EVM_STRIKES       16

/* clang-format off */
#define EVM_MANIFEST(ID, TITLE, CHAIN, BLOCK_MS, CONFIRMATIONS, FINAL_EVERY, IDLE_MS, STORE_KIB) \
    "{\"id\":\"" ID "\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"chain\"," \
    "\"description\":\"" TITLE ": heads, logs, pending transactions, reorganisations\"," \
    "\"license\":\"MIT\",\"maturity\":\"beta\"," \
    "\"requires\":{\"hawse.stream/1\":\"1.0\",\"hawse.sub/1\":\"1.0\",\"hawse.timer/1\":\"1.0\"}," \
    "\"provides\":{\"evm/1\":\"1.0\"},\"produces\":[\"evm/1\",\"stream/1\"],\"consumes\":[]," \
    "\"capabilities\":[\"net\",\"rpc:eth_chainId\",\"rpc:eth_getBlockByNumber\"," \
    "\"rpc:eth_getBlockByHash\",\"rpc:eth_getLogs\"]," \
    "\"features\":{" \
    "\"pending_transactions\":{\"maturity\":\"beta\",\"description\":" \
    "\"hashes of transactions that the node announces\"}," \
    "\"poll_fallback\":{\"maturity\":\"beta\",\"description\":" \
    "\"HTTP stands in when the stream is away for poll_after_ms\"}}," \
    "\"streams\":{\"blocks\":{\"overflow\":\"lossless\"},\"logs\":{\"overflow\":\"lossless\"}," \
    "\"pending\":{\"overflow\":\"lossless\"}}," \
    "\"budget\":{\"callback_us\":20000}," \
    "\"config\":{\"type\":\"object\",\"properties\":{" \
    "\"chain_id\":{\"type\":\"integer\",\"const\":" EVM_TEXT(CHAIN) ",\"default\":" \
    EVM_TEXT(CHAIN) ",\"description\":\"the chain of this plugin; nodes of others are refused\"}," \
    "\"transport\":{\"type\":\"string\",\"enum\":[\"push\",\"poll\"],\"default\":\"push\"," \
    "\"description\":\"push: subscribe over endpoint ws; poll: ask endpoint http only\"}," \
    "\"finality\":{\"type\":\"string\",\"enum\":[\"tag\",\"confirmations\"],\"default\":\"tag\"," \
    "\"description\":\"tag: what the node calls finalized; if it does not, confirmations\"}," \
    EVM_NUMBER("block_ms", 100, 3600000, BLOCK_MS, "time between blocks") \
    EVM_NUMBER("confirmations", 1, 10000, CONFIRMATIONS, \
               "blocks after which one counts as final where the node does not say") \
    EVM_NUMBER("window", 64, 4096, EVM_WINDOW, \
               "blocks that can be taken back; a deeper reorganisation starts afresh") \
    EVM_NUMBER("verify_blocks", 0, 64, EVM_VERIFY_BLOCKS, \
               "check a block's logs when so many blocks came after it") \
    EVM_NUMBER("verify_ms", 10, 600000, EVM_VERIFY_MS, "or when it was told so long ago") \
    EVM_NUMBER("max_range", 1, 100000, EVM_MAX_RANGE, \
               "blocks of one eth_getLogs; halved when a node refuses") \
    EVM_NUMBER("max_backfill_blocks", 1, 10000000, EVM_MAX_BACKFILL, \
               "longer gaps are given up: readers start afresh") \
    EVM_NUMBER("heads_idle_ms", 100, 3600000, IDLE_MS, \
               "no head for so long: ask whether the chain goes on") \
    EVM_NUMBER("poll_ms", 50, 3600000, BLOCK_MS, "time between questions while polling") \
    EVM_NUMBER("poll_after_ms", 0, 3600000, EVM_POLL_AFTER_MS, \
               "feature poll_fallback: poll when the stream is away for so long") \
    EVM_NUMBER("final_every", 1, 10000, FINAL_EVERY, \
               "ask for the finalized block every so many blocks") \
    EVM_NUMBER("request_timeout_ms", 100, 600000, EVM_REQUEST_MS, \
               "a question without an answer for so long has failed") \
    EVM_NUMBER("log_store_kib", 64, 1048576, STORE_KIB, "memory for logs that can be taken back") \
    "\"strikes\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,\"default\":" \
    EVM_TEXT(EVM_STRIKES) ",\"description\":\"so many messages in a row that are not understood " \
    "drop the connection\"}}}}"

/* The same numbers as defaults of the settings. */
#define EVM_DEFAULTS(CHAIN, BLOCK_MS, CONFIRMATIONS, FINAL_EVERY, IDLE_MS, STORE_KIB) \
    { \
        .chain_id = CHAIN, .block_ms = BLOCK_MS, .confirmations = CONFIRMATIONS, \
        .window = EVM_WINDOW, .verify_blocks = EVM_VERIFY_BLOCKS, .verify_ms = EVM_VERIFY_MS, \
        .max_range = EVM_MAX_RANGE, .max_backfill_blocks = EVM_MAX_BACKFILL, \
        .heads_idle_ms = IDLE_MS, .poll_ms = BLOCK_MS, .poll_after_ms = EVM_POLL_AFTER_MS, \
        .final_every = FINAL_EVERY, .request_timeout_ms = EVM_REQUEST_MS, \
        .log_store_kib = STORE_KIB, .strikes = EVM_STRIKES, .final_tag = true \
    }
/* clang-format on */

#endif
