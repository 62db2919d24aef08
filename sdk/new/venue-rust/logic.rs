//! What this venue's messages mean, apart from any connection: text in, a record out. test.rs tries
//! it without a host.
use crate::hawse::*;
use crate::library::*;

const DECIMALS: u32 = 6;

/// One message of the venue: the trade that it tells and its time, UTC milliseconds, or nothing when
/// it is about something else. An error (HAWSE_E_...): it is no message. Amounts are in units of
/// 10^-6, exact: a finer one is HAWSE_E_RANGE.
///
/// # Safety
/// HAWSE_PADDING readable bytes follow `text`.
pub unsafe fn read_trade(text: &[u8], marks: &mut [u32]) -> Result<Option<(hawse_market_trade, u64)>, i32> {
    let doc = Json::new(text, marks)?;
    let mut root = doc.root()?;
    match doc.get(&mut root, "type\0") {
        Ok(kind) if kind.bytes() == b"trade" => (),
        _ => return Ok(None),
    }
    let mut t: hawse_market_trade = core::mem::zeroed();
    t.size = core::mem::size_of::<hawse_market_trade>() as u32;
    let market = doc.get(&mut root, "market\0")?;
    let price = parse_units(doc.get(&mut root, "price\0")?.bytes(), DECIMALS)?;
    t.amount0 = parse_units(doc.get(&mut root, "size\0")?.bytes(), DECIMALS)?;
    let side = doc.get(&mut root, "side\0")?;
    let time_ms = doc.get(&mut root, "time_ms\0")?.u64()?;
    if price.limb[1..] != [0; 3] {
        return Err(HAWSE_E_RANGE);
    }
    t.price_mantissa = price.limb[0];
    t.price_exponent = -(DECIMALS as i32);
    t.side = if side.bytes() == b"buy" { HAWSE_SIDE_BUY } else { HAWSE_SIDE_SELL };
    t.market = keccak256(market.bytes()); // 32 bytes that name the market
    Ok(Some((t, time_ms)))
}
