//! What the contract's events mean, apart from any chain: a log in, a record out. test.rs tries it
//! without a host.
use crate::hawse::*;
use crate::library::{market_origin, word};

/// The events that are asked for, as the contract's source declares them. OpenZeppelin's
/// Crowdsale.sol: wei came in, tokens went out.
pub const DECLARATIONS: [&str; 1] = ["event TokensPurchased(address indexed purchaser, \
     address indexed beneficiary, uint256 value, uint256 amount)"];

/// What a log told: one record of market/1.
#[allow(dead_code)] // not every contract tells both
#[allow(clippy::large_enum_variant)]
pub enum Told {
    Trade(hawse_market_trade),
    State(hawse_market_pool_state),
    Nothing,
}

/// Word `n` of a log's data.
fn word_at(data: &[u8], n: usize) -> hawse_u256 {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&data[32 * n..32 * n + 32]);
    word(&bytes)
}

/// Two's complement: what was paid out is negative.
fn negative(v: hawse_u256) -> hawse_u256 {
    let (mut out, mut carry) = (v, true);
    for limb in out.limb.iter_mut() {
        (*limb, carry) = (!*limb).overflowing_add(carry as u64);
    }
    out
}

/// A log of DECLARATIONS[event], which has as many topics and at least as much data as that says.
/// The market is the contract's address, left-padded.
pub fn read_log(_event: usize, log: &hawse_evm_log, data: &[u8]) -> Told {
    let mut t: hawse_market_trade = unsafe { core::mem::zeroed() };
    t.size = core::mem::size_of::<hawse_market_trade>() as u32;
    t.side = HAWSE_SIDE_BUY;
    t.amount0 = negative(word_at(data, 1));
    t.amount1 = word_at(data, 0);
    t.market[12..].copy_from_slice(&log.address);
    t.sender = log.topics[1];
    t.recipient = log.topics[2];
    t.origin = market_origin(log);
    Told::Trade(t)
}
