//! The part of the SDK's C library that plugins in Rust begin with: JSON read in place, hexadecimal,
//! exact numbers, Keccak-256, settings by name. What each does, and when it fails, stands in the
//! header of its name (`hawse/json.h`, `hex.h`, `u256.h`, `keccak.h`, `setting.h`); link with what
//! `pkg-config --libs hawse-sdk` says. Nothing here is part of the ABI: it is compiled into a plugin.
#![allow(non_camel_case_types, dead_code)]

use crate::hawse::*;

/// hawse_json_t: the offsets of a text's quotes and brackets.
#[repr(C)]
pub struct hawse_json {
    text: *const u8,
    len: u64,
    marks: *mut u32,
    count: u32,
    cap: u32,
}

/// hawse_json_value_t
#[repr(C)]
#[derive(Clone, Copy)]
pub struct hawse_json_value {
    data: *const u8,
    len: u32,
    kind: u32,
    mark: u32,
    last_at: u32,
    last_mark: u32,
    reserved: u32,
}

// as in C: tests/unit/test_contract.c has the same figures
const _: () = assert!(core::mem::size_of::<hawse_json>() == 32);
const _: () = assert!(core::mem::size_of::<hawse_json_value>() == 32);

extern "C" {
    fn hawse_json_index(doc: *mut hawse_json, text: *const u8, len: u64, marks: *mut u32, cap: u32) -> i32;
    fn hawse_json_root(doc: *const hawse_json, root: *mut hawse_json_value) -> i32;
    fn hawse_json_get(
        doc: *const hawse_json,
        object: *mut hawse_json_value,
        key: *const u8,
        value: *mut hawse_json_value,
    ) -> i32;
    fn hawse_json_u64(value: *const hawse_json_value, out: *mut u64) -> i32;
    fn hawse_hex_fixed(text: *const u8, text_len: u64, out: *mut u8, len: u64) -> i32;
    fn hawse_hex_u64(text: *const u8, len: u64, out: *mut u64) -> i32;
    fn hawse_hex_data(text: *const u8, len: u64, out: *mut u8, cap: u64, need: *mut u64) -> i32;
    fn hawse_keccak256(data: *const u8, len: u64, digest: *mut u8);
    fn hawse_u256_parse_units(text: *const u8, len: u64, decimals: u32, out: *mut hawse_u256) -> i32;
    fn hawse_setting_hex(settings: hawse_view, name: *const u8, out: *mut u8, len: u64) -> i32;
    fn hawse_setting_text(settings: hawse_view, name: *const u8, out: *mut u8, cap: u64) -> i32;
    fn hawse_setting_u64(settings: hawse_view, name: *const u8, out: *mut u64) -> i32;
}

fn result<T>(code: i32, value: T) -> Result<T, i32> {
    if code == HAWSE_OK {
        Ok(value)
    } else {
        Err(code)
    }
}

/// A NUL behind a name that C reads.
fn is_name(name: &str) -> bool {
    name.as_bytes().last() == Some(&0)
}

/// A text that is read in place.
pub struct Json<'a> {
    doc: hawse_json,
    memory: core::marker::PhantomData<&'a mut [u32]>,
}

/// A value of it.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    value: hawse_json_value,
    text: core::marker::PhantomData<&'a [u8]>,
}

impl<'a> Json<'a> {
    /// `marks` is room for the text's quotes and brackets.
    ///
    /// # Safety
    /// HAWSE_PADDING readable bytes follow `text`, as they do behind what the host hands over.
    pub unsafe fn new(text: &'a [u8], marks: &'a mut [u32]) -> Result<Json<'a>, i32> {
        let mut doc: hawse_json = core::mem::zeroed();
        let code = hawse_json_index(
            &mut doc,
            text.as_ptr(),
            text.len() as u64,
            marks.as_mut_ptr(),
            marks.len() as u32,
        );
        result(code, Json { doc, memory: core::marker::PhantomData })
    }

    pub fn root(&self) -> Result<Value<'a>, i32> {
        let mut value: hawse_json_value = unsafe { core::mem::zeroed() };
        let code = unsafe { hawse_json_root(&self.doc, &mut value) };
        result(code, Value { value, text: core::marker::PhantomData })
    }

    /// A member of an object; `key` ends with a NUL: "price\0".
    pub fn get(&self, object: &mut Value<'a>, key: &'static str) -> Result<Value<'a>, i32> {
        assert!(is_name(key));
        let mut value: hawse_json_value = unsafe { core::mem::zeroed() };
        let code = unsafe { hawse_json_get(&self.doc, &mut object.value, key.as_ptr(), &mut value) };
        result(code, Value { value, text: core::marker::PhantomData })
    }
}

impl<'a> Value<'a> {
    /// Of a string: what is between its quotes, escapes as they stand. Of a number: its text.
    pub fn bytes(&self) -> &'a [u8] {
        unsafe { core::slice::from_raw_parts(self.value.data, self.value.len as usize) }
    }

    pub fn u64(&self) -> Result<u64, i32> {
        let mut out = 0;
        let code = unsafe { hawse_json_u64(&self.value, &mut out) };
        result(code, out)
    }
}

/// "0x1b4" as nodes write numbers.
pub fn hex_u64(text: &[u8]) -> Result<u64, i32> {
    let mut out = 0;
    let code = unsafe { hawse_hex_u64(text.as_ptr(), text.len() as u64, &mut out) };
    result(code, out)
}

/// "0x" and twice as many digits as `out` has bytes.
pub fn hex_fixed(text: &[u8], out: &mut [u8]) -> Result<(), i32> {
    let code = unsafe { hawse_hex_fixed(text.as_ptr(), text.len() as u64, out.as_mut_ptr(), out.len() as u64) };
    result(code, ())
}

/// "0x" and an even number of digits; returns how many bytes they are.
pub fn hex_data(text: &[u8], out: &mut [u8]) -> Result<usize, i32> {
    let mut need = 0;
    let code = unsafe {
        hawse_hex_data(text.as_ptr(), text.len() as u64, out.as_mut_ptr(), out.len() as u64, &mut need)
    };
    result(code, need as usize)
}

pub fn keccak256(data: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    unsafe { hawse_keccak256(data.as_ptr(), data.len() as u64, digest.as_mut_ptr()) };
    digest
}

/// A decimal text in units of 10^-decimals, exact.
pub fn parse_units(text: &[u8], decimals: u32) -> Result<hawse_u256, i32> {
    let mut out = hawse_u256 { limb: [0; 4] };
    let code = unsafe { hawse_u256_parse_units(text.as_ptr(), text.len() as u64, decimals, &mut out) };
    result(code, out)
}

/// A big-endian word of 32 bytes.
pub fn word(bytes: &[u8; 32]) -> hawse_u256 {
    let mut out = hawse_u256 { limb: [0; 4] };
    for (i, limb) in out.limb.iter_mut().enumerate() {
        for byte in &bytes[24 - 8 * i..32 - 8 * i] {
            *limb = *limb << 8 | *byte as u64;
        }
    }
    out
}

/// A member of an instance's settings; names end with a NUL.
pub fn setting_hex(settings: hawse_view, name: &'static str, out: &mut [u8]) -> Result<(), i32> {
    assert!(is_name(name));
    let code = unsafe { hawse_setting_hex(settings, name.as_ptr(), out.as_mut_ptr(), out.len() as u64) };
    result(code, ())
}

pub fn setting_u64(settings: hawse_view, name: &'static str) -> Result<u64, i32> {
    assert!(is_name(name));
    let mut out = 0;
    let code = unsafe { hawse_setting_u64(settings, name.as_ptr(), &mut out) };
    result(code, out)
}

/// With a NUL behind it; returns its length.
pub fn setting_text(settings: hawse_view, name: &'static str, out: &mut [u8]) -> Result<usize, i32> {
    assert!(is_name(name));
    let code = unsafe { hawse_setting_text(settings, name.as_ptr(), out.as_mut_ptr(), out.len() as u64) };
    result(code, out.iter().position(|b| *b == 0).unwrap_or(out.len()))
}
