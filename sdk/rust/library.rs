//! The part of the SDK's C library that plugins in Rust begin with: JSON read in place, hexadecimal,
//! exact numbers, Keccak-256, settings by name, the logs of a contract. What each does, and when it
//! fails, stands in the header of its name (`hawse/json.h`, `hex.h`, `u256.h`, `keccak.h`,
//! `setting.h`, `abi.h`, `contract.h`); link with what `pkg-config --libs hawse-sdk` says. Nothing here is part of the ABI: it is compiled into a plugin.
#![allow(non_camel_case_types, dead_code)]

use crate::hawse::*;
use core::ffi::c_void;

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

/// hawse_abi_signature_t: what an event's declaration says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    form: u32,
    param_count: u32,
    topic_count: u32,
    head_len: u32,
    hash: [u8; 32],
    params: [[u32; 6]; 32],
}

// as in C: tests/unit/test_contract.c has the same figures
const _: () = assert!(core::mem::size_of::<hawse_json>() == 32);
const _: () = assert!(core::mem::size_of::<hawse_json_value>() == 32);
const _: () = assert!(core::mem::size_of::<Event>() == 816);

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
    fn hawse_abi_event_parse(text: *const u8, len: u64, event: *mut Event, place: *mut u64) -> i32;
    fn hawse_contract_follow(
        sub: *const hawse_sub_service,
        host: *const hawse_host,
        this: hawse_instance_t,
        link: *const u8,
        address: *const u8,
        events: *const Event,
        count: u32,
        handle: *mut hawse_sub_t,
    ) -> i32;
    fn hawse_contract_match(
        event: *const hawse_event,
        events: *const Event,
        count: u32,
        log: *mut *const hawse_evm_log,
        data: *mut *const u8,
    ) -> i32;
    fn hawse_market_origin(log: *const hawse_evm_log, origin: *mut hawse_market_origin);
    fn hawse_market_publish(
        sub: *const hawse_sub_service,
        host: *const hawse_host,
        this: hawse_instance_t,
        cause: *const hawse_event,
        kind: u16,
        stream: u32,
        market: *const u8,
        record: *const c_void,
        len: u64,
    ) -> i32;
    fn hawse_continuity_pass(
        sub: *const hawse_sub_service,
        host: *const hawse_host,
        this: hawse_instance_t,
        event: *const hawse_event,
        streams: *const u32,
        count: u32,
        told: *mut u32,
    ) -> i32;
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

/// The hash of an event's declaration is its logs' first topic.
pub fn event(declaration: &str) -> Result<Event, i32> {
    let mut out: Event = unsafe { core::mem::zeroed() };
    let (text, len) = (declaration.as_ptr(), declaration.len() as u64);
    let code = unsafe { hawse_abi_event_parse(text, len, &mut out, core::ptr::null_mut()) };
    result(code, out)
}

/// Where on its chain a log stands.
pub fn market_origin(log: &hawse_evm_log) -> hawse_market_origin {
    let mut origin: hawse_market_origin = unsafe { core::mem::zeroed() };
    unsafe { hawse_market_origin(log, &mut origin) };
    origin
}

/// A contract that an instance follows, in callbacks of its lane.
#[derive(Clone, Copy)]
pub struct Contract {
    pub host: *const hawse_host,
    pub this: hawse_instance_t,
    pub sub: *const hawse_sub_service,
}

impl Contract {
    /// # Safety
    /// In a callback of the instance.
    pub unsafe fn follow(&self, link: &'static str, address: &[u8; 20], events: &[Event]) -> i32 {
        assert!(is_name(link));
        let (count, mut handle) = (events.len() as u32, 0);
        let (at, events) = (address.as_ptr(), events.as_ptr());
        hawse_contract_follow(self.sub, self.host, self.this, link.as_ptr(), at, events, count, &mut handle)
    }

    /// The number of the event that it is a log of, the log and its data.
    ///
    /// # Safety
    /// `e` is an event that the host is giving; what comes back is lent as long.
    pub unsafe fn matching<'a>(e: &'a hawse_event, events: &[Event]) -> Result<(usize, &'a hawse_evm_log, &'a [u8]), i32> {
        let (mut log, mut data) = (core::ptr::null(), core::ptr::null());
        let code = hawse_contract_match(e, events.as_ptr(), events.len() as u32, &mut log, &mut data);
        if code < 0 {
            return Err(code);
        }
        let log: &hawse_evm_log = &*log;
        Ok((code as usize, log, core::slice::from_raw_parts(data, log.data_len as usize)))
    }

    /// A record of market/1 that `cause` is the reason for.
    ///
    /// # Safety
    /// In the callback that gives `cause`; `T` is the record of that kind.
    pub unsafe fn publish<T>(&self, cause: &hawse_event, kind: u32, stream: u32, market: &[u8; 32], record: &T) -> i32 {
        let (record, len) = (record as *const T as *const c_void, core::mem::size_of::<T>() as u64);
        let at = market.as_ptr();
        hawse_market_publish(self.sub, self.host, self.this, cause, kind as u16, stream, at, record, len)
    }

    /// What the source said of its continuity, told to one's own readers.
    ///
    /// # Safety
    /// In the callback that gives `e`.
    pub unsafe fn pass_continuity(&self, e: &hawse_event, streams: &[u32], told: &mut u32) -> i32 {
        hawse_continuity_pass(self.sub, self.host, self.this, e, streams.as_ptr(), streams.len() as u32, told)
    }
}
