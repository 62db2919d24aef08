//! What this chain's messages mean, apart from any connection: text in, a record out. test.rs tries
//! it without a host.
use crate::hawse::*;
use crate::library::*;

/// One message of the node: the block that it announces, or nothing when it is about something else.
/// An error (HAWSE_E_...): it is no message.
///
/// # Safety
/// HAWSE_PADDING readable bytes follow `text`.
pub unsafe fn read_head(text: &[u8], marks: &mut [u32]) -> Result<Option<hawse_evm_block>, i32> {
    let doc = Json::new(text, marks)?;
    let mut root = doc.root()?;
    let head = doc.get(&mut root, "params\0").and_then(|mut params| doc.get(&mut params, "result\0"));
    let mut head = match head {
        Ok(head) => head,
        Err(_) => return Ok(None),
    };
    let mut block: hawse_evm_block = core::mem::zeroed();
    block.size = core::mem::size_of::<hawse_evm_block>() as u32;
    block.number = hex_u64(doc.get(&mut head, "number\0")?.bytes())?;
    hex_fixed(doc.get(&mut head, "hash\0")?.bytes(), &mut block.hash)?;
    hex_fixed(doc.get(&mut head, "parentHash\0")?.bytes(), &mut block.parent_hash)?;
    block.timestamp = hex_u64(doc.get(&mut head, "timestamp\0")?.bytes())?;
    Ok(Some(block))
}
