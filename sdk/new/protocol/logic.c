/* Reads the logs of a pair; see logic.h. */
#include "logic.h"

#include <hawse/u256.h>
#include <string.h>

const uint8_t sync_topic[32] = {0x1c, 0x41, 0x1e, 0x9a, 0x96, 0xe0, 0x71, 0x24, 0x1c, 0x2f, 0x21,
                                0xf7, 0x72, 0x6b, 0x17, 0xae, 0x89, 0xe3, 0xca, 0xb4, 0xc7, 0x8b,
                                0xe5, 0x0e, 0x06, 0x2b, 0x03, 0xa9, 0xff, 0xfb, 0xba, 0xd1};

int32_t read_sync(const hawse_evm_log_t *log, uint64_t len, hawse_market_pool_state_t *state)
{
    if (log->topic_count == 0 || memcmp(log->topics[0], sync_topic, 32) != 0)
        return 0;
    if (log->data_len != 64 || log->data_offset > len || len - log->data_offset < 64)
        return HAWSE_E_FORMAT;
    const uint8_t *data = (const uint8_t *)log + log->data_offset;
    memset(state, 0, sizeof(*state));
    state->size = sizeof(*state);
    state->pool_kind = HAWSE_POOL_PRODUCT;
    state->fee_ppm = 3000;
    memcpy(state->market + 12, log->address, 20);
    hawse_u256_from_be(data, &state->reserve0);
    hawse_u256_from_be(data + 32, &state->reserve1);
    state->origin.chain_id = log->chain_id;
    state->origin.block_number = log->block_number;
    state->origin.block_timestamp = log->block_timestamp;
    state->origin.log_index = log->log_index;
    state->origin.tx_index = log->tx_index;
    memcpy(state->origin.block_hash, log->block_hash, 32);
    memcpy(state->origin.tx_hash, log->tx_hash, 32);
    return 1;
}
