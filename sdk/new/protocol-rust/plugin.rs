//! @NAME@: a protocol. It follows one contract of a linked chain, a pair of the Uniswap v2 kind, and
//! tells its reserves after each change in the space market/1. The chain instance asks its node for
//! this contract's logs because of the filter that is given here.
//!
//! What the chain takes back (HAWSE_EVENT_REMOVED) is told as taken back; gaps of the chain reach
//! readers of market/1 as gaps of this source.
#![no_std]

#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
#[allow(dead_code)]
mod library;
mod logic;

use core::ffi::c_void;
use core::mem::{size_of, zeroed};
use hawse::*;

const ID: &[u8] = b"@ID@\0";
hawse_manifest!(
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"protocol\",\
     \"description\":\"reserves of one pair\",\"license\":\"MIT\",\"maturity\":\"experimental\",\
     \"requires\":{\"hawse.sub/1\":\">=1.0\"},\
     \"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],\
     \"streams\":{\"states\":{\"overflow\":\"latest\"}},\
     \"config\":{\"type\":\"object\",\"required\":[\"pool\"],\"properties\":{\
     \"pool\":{\"type\":\"string\",\"format\":\"address\",\
     \"examples\":[\"0x1111111111111111111111111111111111111111\"],\
     \"description\":\"address of the pair\"}}}}"
);

extern "C" {
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn free(memory: *mut c_void);
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    unsafe { abort() }
}

/// State of one instance: plain data that begins as zero, and never moves.
struct Plugin {
    host: *const hawse_host,
    this: hawse_instance_t,
    sub: *const hawse_sub_service,
    pool: [u8; 20],
    sync: [u8; 32], // the topic
    broken: u32,    // logs that were not what they said
}

unsafe fn publish<T>(p: &Plugin, because: &hawse_event, space: u32, kind: u32, key: u64, record: &T) -> i32 {
    let mut e: hawse_event = zeroed();
    e.size = size_of::<hawse_event>() as u32;
    e.space = space as u16;
    e.kind = kind as u16;
    e.stream = HAWSE_MARKET_STREAM_STATES;
    e.epoch = because.epoch;
    e.flags = because.flags & !HAWSE_EVENT_LOCAL;
    e.t_recv_ns = because.t_recv_ns;
    e.t_source_ns = because.t_source_ns;
    e.key = key;
    e.data = record as *const T as *const u8;
    e.len = size_of::<T>() as u64;
    ((*p.sub).publish)(p.host, p.this, &e)
}

unsafe fn on_log(p: &mut Plugin, e: &hawse_event) -> i32 {
    let log = &*(e.data as *const hawse_evm_log);
    let (at, len) = (log.data_offset as u64, log.data_len as u64);
    if at > e.len || len > e.len - at {
        return HAWSE_OK;
    }
    let data = core::slice::from_raw_parts(e.data.add(at as usize), len as usize);
    match logic::read_sync(&p.sync, log, data) {
        Ok(Some(state)) => {
            let key = hawse_key(&state.market);
            return publish(p, e, HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_STATE, key, &state);
        }
        Ok(None) => (),
        Err(_) => {
            p.broken = p.broken.wrapping_add(1);
            if p.broken == 1 {
                hawse_log(p.host, p.this, HAWSE_LOG_WARN, "the pair emitted what is no Sync");
            }
        }
    }
    HAWSE_OK
}

/// HAWSE_E_AGAIN: the event is to come again.
unsafe fn on_event(p: &mut Plugin, e: &hawse_event) -> i32 {
    let (space, kind) = (e.space as u32, e.kind as u32);
    if space == HAWSE_SPACE_STREAM
        && kind <= HAWSE_STREAM_EVENT_LIVE
        && e.len >= size_of::<hawse_stream_range>() as u64
    {
        let range = &*(e.data as *const hawse_stream_range);
        return publish(p, e, HAWSE_SPACE_STREAM, kind, 0, range);
    }
    if space == HAWSE_SPACE_EVM && kind == HAWSE_EVM_LOG && e.len >= size_of::<hawse_evm_log>() as u64 {
        return on_log(p, e);
    }
    HAWSE_OK
}

// ---- making ----

#[repr(C)]
struct Wanted {
    filter: hawse_evm_log_filter,
    topic: [u8; 32],
}

unsafe fn subscribe(p: &Plugin) -> i32 {
    let mut wanted: Wanted = zeroed();
    let mut spec: hawse_sub_spec = zeroed();
    let mut handle = 0;
    wanted.filter.size = size_of::<hawse_evm_log_filter>() as u32;
    wanted.filter.topic0_count = 1;
    wanted.filter.address = p.pool;
    wanted.topic = p.sync;
    spec.size = size_of::<hawse_sub_spec>() as u32;
    spec.space = HAWSE_SPACE_EVM as u16;
    spec.kind = HAWSE_EVM_LOG as u16;
    spec.flags = HAWSE_SUB_KEYED;
    spec.policy = HAWSE_POLICY_LOSSLESS;
    spec.key = hawse_key(&p.pool);
    spec.filter.data = &wanted as *const Wanted as *const u8;
    spec.filter.len = size_of::<Wanted>() as u64;
    match ((*p.sub).link)(p.host, p.this, hawse_bytes(b"chain"), &mut spec.source) {
        HAWSE_OK => ((*p.sub).subscribe)(p.host, p.this, &spec, &mut handle),
        code => code,
    }
}

unsafe fn prepare(p: &mut Plugin, config: hawse_view) -> i32 {
    p.sync = library::keccak256(logic::SYNC);
    if let Err(code) = library::setting_hex(config, "pool\0", &mut p.pool) {
        return hawse_fail(p.host, p.this, code, "settings.pool is no address", "0x and 40 digits");
    }
    match subscribe(p) {
        HAWSE_OK => HAWSE_OK,
        code => {
            let fix = "add links: {\"chain\": \"NAME OF A CHAIN INSTANCE\"}";
            hawse_fail(p.host, p.this, code, "cannot follow the pair", fix)
        }
    }
}

unsafe extern "C" fn create(
    host: *const hawse_host,
    this: hawse_instance_t,
    config: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    let memory = calloc(1, size_of::<Plugin>()) as *mut Plugin;
    if memory.is_null() {
        return hawse_fail(host, this, HAWSE_E_NOMEM, "no memory", "");
    }
    let p = &mut *memory;
    p.host = host;
    p.this = this;
    p.sub = hawse_service(host, this, HAWSE_SUB_ID);
    let code = prepare(p, config);
    if code != HAWSE_OK {
        free(memory as *mut c_void);
        return code;
    }
    *state = memory as *mut c_void;
    HAWSE_OK
}

// ---- the table ----

unsafe extern "C" fn start(_state: *mut c_void) -> i32 {
    HAWSE_OK
}

unsafe extern "C" fn on_events(state: *mut c_void, events: *const *const hawse_event, n: u32) -> i32 {
    let p = &mut *(state as *mut Plugin);
    for i in 0..n as usize {
        if on_event(p, &**events.add(i)) == HAWSE_E_AGAIN {
            return i as i32;
        }
    }
    n as i32
}

unsafe extern "C" fn stop(_state: *mut c_void, _deadline_ns: u64) -> i32 {
    HAWSE_OK
}

unsafe extern "C" fn destroy(state: *mut c_void) {
    free(state);
}

struct Table(hawse_plugin);

// Constant, and the pointer in it is to a text that stays.
unsafe impl Sync for Table {}

static TABLE: Table = Table(hawse_plugin {
    size: size_of::<hawse_plugin>() as u32,
    abi_minor: HAWSE_ABI_MINOR,
    id: ID.as_ptr(),
    create,
    start,
    on_events,
    stop,
    destroy,
    query: None,
});

/// # Safety
/// Called by the host alone.
#[no_mangle]
pub unsafe extern "C" fn hawse_plugin_v1(host: *const hawse_host) -> *const hawse_plugin {
    if host.is_null() {
        core::ptr::null()
    } else {
        &TABLE.0
    }
}
