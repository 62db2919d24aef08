//! What the contract's events mean, apart from any chain: a log in, a record out. test.rs tries it
//! without a host.
use crate::hawse::*;
use crate::library::*;

/// The event that pairs of the Uniswap v2 kind emit after each change; its hash is the first topic.
pub const SYNC: &[u8] = b"Sync(uint112,uint112)";

/// A log and its data: the pair's reserves, or nothing when it is another event. HAWSE_E_FORMAT: it
/// says that it is one, but is not.
pub fn read_sync(topic: &[u8; 32], log: &hawse_evm_log, data: &[u8]) -> Result<Option<hawse_market_pool_state>, i32> {
    if log.topic_count == 0 || log.topics[0] != *topic {
        return Ok(None);
    }
    if data.len() != 64 {
        return Err(HAWSE_E_FORMAT);
    }
    let mut words = [[0; 32]; 2];
    words[0].copy_from_slice(&data[..32]);
    words[1].copy_from_slice(&data[32..]);
    let mut state: hawse_market_pool_state = unsafe { core::mem::zeroed() };
    state.size = core::mem::size_of::<hawse_market_pool_state>() as u32;
    state.pool_kind = HAWSE_POOL_PRODUCT;
    state.fee_ppm = 3000;
    state.market[12..].copy_from_slice(&log.address);
    state.reserve0 = word(&words[0]);
    state.reserve1 = word(&words[1]);
    state.origin.chain_id = log.chain_id;
    state.origin.block_number = log.block_number;
    state.origin.block_timestamp = log.block_timestamp;
    state.origin.log_index = log.log_index;
    state.origin.tx_index = log.tx_index;
    state.origin.block_hash = log.block_hash;
    state.origin.tx_hash = log.tx_hash;
    Ok(Some(state))
}
