//! @NAME@: a venue that is a contract. It follows the contract's logs on a linked chain and tells
//! each in the space market/1. What the logs mean stands in logic.rs; this file is the same for
//! every such venue, but for the manifest.
//!
//! Each log becomes one record at most, so that nothing has to be kept when there is no room: what
//! was not published is not taken, and comes again. What the chain takes back is told as taken back;
//! its gaps are told as gaps of this venue.
#![no_std]

#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
#[allow(dead_code)]
mod library;
mod logic;

use core::ffi::c_void;
use core::mem::size_of;
use hawse::*;
use library::{Contract, Event};
use logic::Told;

const ID: &[u8] = b"@ID@\0";
hawse_manifest!(
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\",\
     \"description\":\"trades of one contract\",\"license\":\"MIT\",\"maturity\":\"experimental\",\
     \"requires\":{\"hawse.sub/1\":\">=1.0\"},\
     \"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],\
     \"streams\":{\"trades\":{\"overflow\":\"lossless\"}},\
     \"config\":{\"type\":\"object\",\"required\":[\"contract\"],\"properties\":{\
     \"contract\":{\"type\":\"string\",\"format\":\"address\",\
     \"examples\":[\"0x1111111111111111111111111111111111111111\"],\
     \"description\":\"address of the contract\"}}}}"
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

const STREAMS: [u32; 2] = [HAWSE_MARKET_STREAM_TRADES, HAWSE_MARKET_STREAM_STATES];

/// State of one instance: plain data that begins as zero, and never moves.
struct Plugin {
    at: Contract,
    address: [u8; 20],
    events: [Event; logic::DECLARATIONS.len()],
    told: u32,   // how many of our streams know of the gap that is being passed on
    broken: u32, // logs that were not what they said
}

/// HAWSE_E_AGAIN: the event is to come again.
unsafe fn on_event(p: &mut Plugin, e: &hawse_event) -> i32 {
    if e.space as u32 == HAWSE_SPACE_STREAM {
        return p.at.pass_continuity(e, &STREAMS, &mut p.told);
    }
    let (event, log, data) = match Contract::matching(e, &p.events) {
        Ok(found) => found,
        Err(code) => {
            if code == HAWSE_E_FORMAT {
                p.broken = p.broken.wrapping_add(1);
                if p.broken == 1 {
                    let text = "the contract emitted what its events are not";
                    hawse_log(p.at.host, p.at.this, HAWSE_LOG_WARN, text);
                }
            }
            return HAWSE_OK;
        }
    };
    let mut market = [0; 32];
    market[12..].copy_from_slice(&log.address);
    match logic::read_log(event, log, data) {
        Told::Trade(t) => p.at.publish(e, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES, &market, &t),
        // a state is not taken back: that of the new branch follows
        Told::State(_) if e.flags & HAWSE_EVENT_REMOVED != 0 => HAWSE_OK,
        Told::State(s) => p.at.publish(e, HAWSE_MARKET_POOL_STATE, HAWSE_MARKET_STREAM_STATES, &market, &s),
        Told::Nothing => HAWSE_OK,
    }
}

// ---- making ----

/// All that settings and declarations say.
unsafe fn prepare(p: &mut Plugin, config: hawse_view) -> i32 {
    let (host, this) = (p.at.host, p.at.this);
    for (event, declaration) in p.events.iter_mut().zip(logic::DECLARATIONS) {
        match library::event(declaration) {
            Ok(read) => *event = read,
            Err(code) => {
                let fix = "see DECLARATIONS in logic.rs";
                return hawse_fail(host, this, code, "an event's declaration cannot be read", fix);
            }
        }
    }
    if let Err(code) = library::setting_hex(config, "contract\0", &mut p.address) {
        let fix = "write 0x and 40 hexadecimal digits";
        return hawse_fail(host, this, code, "settings.contract is no address", fix);
    }
    HAWSE_OK
}

unsafe fn make(host: *const hawse_host, this: hawse_instance_t, config: hawse_view) -> Result<*mut Plugin, i32> {
    let memory = calloc(1, size_of::<Plugin>()) as *mut Plugin;
    if memory.is_null() {
        return Err(hawse_fail(host, this, HAWSE_E_NOMEM, "no memory", ""));
    }
    let p = &mut *memory;
    p.at = Contract { host, this, sub: hawse_service(host, this, HAWSE_SUB_ID) };
    match prepare(p, config) {
        HAWSE_OK => Ok(memory),
        code => {
            free(memory as *mut c_void);
            Err(code)
        }
    }
}

unsafe extern "C" fn create(
    host: *const hawse_host,
    this: hawse_instance_t,
    config: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    let memory = match make(host, this, config) {
        Ok(made) => made,
        Err(code) => return code,
    };
    let p = &mut *memory;
    let code = p.at.follow("chain\0", &p.address, &p.events);
    if code != HAWSE_OK {
        free(memory as *mut c_void);
        let fix = "add links: {\"chain\": \"NAME OF A CHAIN INSTANCE\"}";
        return hawse_fail(host, this, code, "cannot follow the contract", fix);
    }
    *state = memory as *mut c_void;
    HAWSE_OK
}

// ---- handed over to another build: `hawse reload` ----

/// What it knows and its settings do not say; the subscription stays the instance's. Whoever changes
/// a member counts the format up, and reads the old one for as long as operators have it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Saved {
    format: u32,
    told: u32,
    broken: u32,
    reserved: u32,
}
const FORMAT: u32 = 1;

unsafe extern "C" fn save(state: *mut c_void, out: *mut u8, cap: u64, need: *mut u64) -> i32 {
    let p = &*(state as *const Plugin);
    *need = size_of::<Saved>() as u64;
    if cap < *need {
        return HAWSE_E_NOSPACE;
    }
    let saved = Saved { format: FORMAT, told: p.told, broken: p.broken, reserved: 0 };
    core::ptr::write_unaligned(out as *mut Saved, saved);
    HAWSE_OK
}

/// What this build's save() wrote, or nothing. The bytes are another build's: nothing of them is
/// taken for granted.
unsafe fn known(saved: &hawse_view) -> Option<Saved> {
    if saved.len != size_of::<Saved>() as u64 {
        return None;
    }
    let s = core::ptr::read_unaligned(saved.data as *const Saved);
    (s.format == FORMAT && (s.told as usize) < STREAMS.len()).then_some(s)
}

unsafe extern "C" fn restore(
    host: *const hawse_host,
    this: hawse_instance_t,
    config: hawse_view,
    saved: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    let s = match known(&saved) {
        Some(s) => s,
        None => {
            let fix = "restart the instance instead";
            return hawse_fail(host, this, HAWSE_E_FORMAT, "the saved state is of another format", fix);
        }
    };
    match make(host, this, config) {
        Ok(memory) => {
            (*memory).told = s.told;
            (*memory).broken = s.broken;
            *state = memory as *mut c_void;
            HAWSE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn query(id: *const u8) -> *const c_void {
    static INTERFACE: hawse_state_interface = hawse_state_interface {
        size: size_of::<hawse_state_interface>() as u32,
        reserved: 0,
        save,
        restore,
    };
    for (i, byte) in HAWSE_STATE_ID.iter().enumerate() {
        if *id.add(i) != *byte {
            return core::ptr::null();
        }
    }
    &INTERFACE as *const hawse_state_interface as *const c_void
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
    query: Some(query),
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
