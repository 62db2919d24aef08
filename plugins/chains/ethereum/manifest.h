/*
 * The manifest that every EVM chain plugin shares, but for its names and numbers.
 */
#ifndef EVM_MANIFEST_H
#define EVM_MANIFEST_H

#define EVM_MANIFEST(ID, DESCRIPTION, CHAIN_ID, CONFIRMATIONS, HEADS_IDLE_MS, POLL_MS)            \
    "{\"id\":\"" ID "\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"chain\","                \
    "\"description\":\"" DESCRIPTION "\",\"license\":\"MIT\",\"maturity\":\"stable\","            \
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\","                       \
    "\"hawse.timer/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.metrics/1\":\">=1.0\"},"       \
    "\"provides\":{\"evm.chain\":\"1.0\"},"                                                       \
    "\"produces\":[\"evm/1\",\"stream/1\"],"                                                      \
    "\"streams\":{\"blocks\":{\"overflow\":\"lossless\"},\"logs\":{\"overflow\":\"lossless\"}},"  \
    "\"capabilities\":[\"net\",\"rpc:eth_chainId\",\"rpc:eth_getLogs\","                          \
    "\"rpc:eth_getBlockByNumber\",\"rpc:eth_getBlockByHash\"],"                                   \
    "\"features\":{},"                                                                            \
    "\"budget\":{\"callback_us\":20000},"                                                         \
    "\"config\":{\"type\":\"object\",\"properties\":{"                                            \
    "\"chain_id\":{\"type\":\"integer\",\"const\":" CHAIN_ID ",\"default\":" CHAIN_ID ","         \
    "\"description\":\"the chain that the endpoints must answer for\"},"                          \
    "\"confirmations\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000,"                     \
    "\"default\":" CONFIRMATIONS ",\"description\":\"blocks on top before one counts as safe\"}," \
    "\"window\":{\"type\":\"integer\",\"minimum\":16,\"maximum\":4096,\"default\":256,"           \
    "\"description\":\"blocks that can be taken back\"},"                                         \
    "\"log_bytes\":{\"type\":\"integer\",\"minimum\":1048576,\"maximum\":1073741824,"             \
    "\"default\":2097152,\"description\":\"memory for logs that can be taken back\"},"            \
    "\"check_logs\":{\"type\":\"boolean\",\"default\":true,"                                      \
    "\"description\":\"ask the node for the logs of each block whose bloom filter matches\"},"    \
    "\"check_blocks\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":64,\"default\":1,"          \
    "\"description\":\"how many blocks behind the head that is done\"},"                          \
    "\"max_range\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":64,"         \
    "\"description\":\"blocks of one eth_getLogs; halved when the node refuses\"},"               \
    "\"max_backfill\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,\"default\":10000," \
    "\"description\":\"a larger gap is given up: readers start afresh\"},"                        \
    "\"empty_answers\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10,\"default\":2,"         \
    "\"description\":\"equal answers before a block that should have logs counts as empty\"},"    \
    "\"polling\":{\"type\":\"boolean\",\"default\":true,"                                         \
    "\"description\":\"follow the chain over http while there is no usable stream\"},"            \
    "\"poll_after_ms\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":3600000,"                  \
    "\"default\":15000,\"description\":\"without a stream for so long: polling begins\"},"        \
    "\"poll_ms\":{\"type\":\"integer\",\"minimum\":50,\"maximum\":3600000,"                       \
    "\"default\":" POLL_MS ",\"description\":\"time between two polls: half of a block's\"},"     \
    "\"pending_transactions\":{\"type\":\"boolean\",\"default\":false,"                           \
    "\"description\":\"tell transactions that the node announces before they are in a block\"},"  \
    "\"heads_idle_ms\":{\"type\":\"integer\",\"minimum\":100,\"maximum\":3600000,"                \
    "\"default\":" HEADS_IDLE_MS                                                                  \
    ",\"description\":\"reconnect when no head came for so long\"}}}}"

#endif
