//! hawse ABI v1 for plugins in Rust, by `rustc` alone: declarations with C's names (`abi.rs`), and
//! the few conveniences of `hawse.h`. Needs neither std nor an allocator; a plugin is a cdylib with
//! panic=abort, since nothing may unwind into the host. `sdk/examples/candles/candles.rs` is one.
//!
//! Whose memory a pointer is, and on which thread a function may be called, stands at each function
//! as in C: `[lane; borrows spec, fills sub]`. Must never: promise more than C does. A handle may be
//! stale, a kind unknown, and a record longer than this version knows.
#![allow(non_camel_case_types, non_upper_case_globals, dead_code)]

use core::ffi::c_void;

include!("abi.rs");

/// Is a field inside the part of `*p` that its maker filled in? For structs that begin with `size`.
#[macro_export]
macro_rules! hawse_has {
    ($p:expr, $field:ident) => {{
        let p = $p;
        let end = core::ptr::addr_of!((*p).$field).add(1) as usize;
        end - p as usize <= (*p).size as usize
    }};
}

/// The plugin's manifest: JSON, as the export that the host reads without running any code.
#[macro_export]
macro_rules! hawse_manifest {
    ($json:expr) => {
        #[no_mangle]
        pub static hawse_manifest_v1: [u8; $json.len() + 1] = {
            let (json, mut text, mut i) = ($json.as_bytes(), [0; $json.len() + 1], 0);
            while i < json.len() {
                text[i] = json[i];
                i += 1;
            }
            text // with its NUL
        };
    };
}

/// A view of bytes: they must stay as long as the view is used.
pub const fn hawse_bytes(data: &[u8]) -> hawse_view {
    hawse_view { data: data.as_ptr(), len: data.len() as u64 }
}

/// The routing key of an identifier: see hawse.h. Equal identifiers have equal keys.
pub fn hawse_key(id: &[u8]) -> u64 {
    let mut k = (id.len() as u64).wrapping_mul(0x9e3779b97f4a7c15);
    for part in id.chunks(8) {
        let mut word = 0u64;
        for (i, byte) in part.iter().enumerate() {
            word |= (*byte as u64) << (8 * i);
        }
        k = (k ^ word).wrapping_mul(0xff51afd7ed558ccd);
        k ^= k >> 32;
    }
    k
}

/// The service of this id (with its NUL: `HAWSE_SUB_ID`), or NULL when the host has none.
///
/// # Safety
/// `T` must be the table that the id names, and `host` and `this` those of create().
pub unsafe fn hawse_service<T>(
    host: *const hawse_host,
    this: hawse_instance_t,
    id: &'static [u8],
) -> *const T {
    ((*host).query)(host, this, id.as_ptr()) as *const T
}

/// One line to the host's log.
///
/// # Safety
/// `host` and `this` must be those of create().
pub unsafe fn hawse_log(host: *const hawse_host, this: hawse_instance_t, level: u32, text: &str) {
    ((*host).log)(host, this, level, hawse_bytes(text.as_bytes()))
}

/// States why a call is about to fail, and returns the code.
///
/// # Safety
/// `host` and `this` must be those of create().
pub unsafe fn hawse_fail(
    host: *const hawse_host,
    this: hawse_instance_t,
    code: i32,
    message: &str,
    hint: &str,
) -> i32 {
    let (message, hint) = (hawse_bytes(message.as_bytes()), hawse_bytes(hint.as_bytes()));
    ((*host).set_error)(host, this, code, message, hint)
}
