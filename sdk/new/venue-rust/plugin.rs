//! @NAME@: a venue. It follows the trades of one market over WebSocket and tells each in the space
//! market/1. The host owns the connection; this file decides what to ask and what to tell.
//!
//! Continuity comes first: when the connection is lost, readers are told of the gap before anything
//! else. This one does not fetch what it missed: it says UNHEALABLE, and readers start afresh.
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
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\",\
     \"description\":\"trades of one market\",\"license\":\"MIT\",\"maturity\":\"experimental\",\
     \"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\"},\
     \"produces\":[\"market/1\",\"stream/1\"],\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},\
     \"capabilities\":[\"net\"],\"config\":{\"type\":\"object\",\"properties\":{}}}"
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

/// All that it knows, and what another build goes on from: `hawse reload`. Whoever changes a member
/// counts the format up, and reads the old one for as long as operators have it.
const FORMAT: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy)]
struct Memory {
    format: u32,
    epoch: u32, // counts gaps
    stream: hawse_stream_t,
    last: u64,   // time of the newest trade that was told, UTC ms; 0 = none
    next: u64,   // time of the first trade after the gap
    to_say: u32, // a HAWSE_STREAM_EVENT_... that has to be told first; 0 = none
    lost: u32,   // 1: the connection was lost, no trade has come since
    broken: u32, // frames that were no messages
    reserved: u32,
}

/// State of one instance: plain data that begins as zero, and never moves.
struct Plugin {
    host: *const hawse_host,
    this: hawse_instance_t,
    sub: *const hawse_sub_service,
    streams: *const hawse_stream_service,
    m: Memory,
}

unsafe fn publish<T>(p: &Plugin, space: u32, kind: u32, key: u64, record: &T) -> i32 {
    let mut e: hawse_event = zeroed();
    e.size = size_of::<hawse_event>() as u32;
    e.space = space as u16;
    e.kind = kind as u16;
    e.stream = HAWSE_MARKET_STREAM_TRADES;
    e.epoch = p.m.epoch;
    e.key = key;
    e.data = record as *const T as *const u8;
    e.len = size_of::<T>() as u64;
    ((*p.sub).publish)(p.host, p.this, &e)
}

// ---- continuity ----

/// What readers have to hear before the next trade. HAWSE_E_AGAIN: not yet.
unsafe fn say_first(p: &mut Plugin) -> i32 {
    while p.m.to_say != 0 {
        let mut range: hawse_stream_range = zeroed();
        range.size = size_of::<hawse_stream_range>() as u32;
        range.reason = HAWSE_REASON_DISCONNECTED;
        range.from = p.m.last.wrapping_add(1);
        range.to = match p.m.to_say {
            HAWSE_STREAM_EVENT_GAP => HAWSE_POSITION_OPEN,
            _ => p.m.next.wrapping_sub(1),
        };
        if p.m.to_say == HAWSE_STREAM_EVENT_LIVE {
            range.from = p.m.next;
            range.to = p.m.next;
        }
        if publish(p, HAWSE_SPACE_STREAM, p.m.to_say, 0, &range) == HAWSE_E_AGAIN {
            return HAWSE_E_AGAIN;
        }
        p.m.to_say = match p.m.to_say {
            HAWSE_STREAM_EVENT_UNHEALABLE => HAWSE_STREAM_EVENT_LIVE,
            _ => 0,
        };
    }
    HAWSE_OK
}

unsafe fn on_connection(p: &mut Plugin, state: &hawse_host_stream_state) {
    if state.stream != p.m.stream {
        return;
    }
    if state.state == HAWSE_STREAM_OPEN {
        let ask = hawse_bytes(b"{\"type\":\"subscribe\",\"channel\":\"trades\"}");
        if ((*p.streams).send)(p.host, p.this, p.m.stream, HAWSE_MESSAGE_TEXT, ask) != HAWSE_OK {
            hawse_log(p.host, p.this, HAWSE_LOG_WARN, "the subscription could not be sent");
        }
    } else if state.state == HAWSE_STREAM_CLOSED && p.m.last != 0 && p.m.lost == 0 {
        p.m.lost = 1;
        p.m.epoch = p.m.epoch.wrapping_add(1);
        p.m.to_say = HAWSE_STREAM_EVENT_GAP;
    }
}

// ---- frames ----

/// The host keeps HAWSE_PADDING readable bytes behind it.
unsafe fn frame_text(frame: &hawse_event) -> &[u8] {
    core::slice::from_raw_parts(frame.data, frame.len as usize)
}

unsafe fn complain(p: &mut Plugin) -> i32 {
    p.m.broken = p.m.broken.wrapping_add(1);
    if p.m.broken == 1 {
        hawse_log(p.host, p.this, HAWSE_LOG_WARN, "the venue sent what is no message");
    }
    HAWSE_OK
}

/// HAWSE_E_AGAIN: the frame is to come again.
unsafe fn on_frame(p: &mut Plugin, frame: &hawse_event) -> i32 {
    let mut marks = [0; 256];
    let (trade, found) = match logic::read_trade(frame_text(frame), &mut marks) {
        Ok(Some(told)) => told,
        Ok(None) => return HAWSE_OK,
        Err(_) => return complain(p),
    };
    if p.m.lost == 1 && p.m.to_say == 0 {
        p.m.lost = 0;
        p.m.next = found;
        p.m.to_say = HAWSE_STREAM_EVENT_UNHEALABLE; // trades have no numbers: some may be missing
    }
    let mut code = say_first(p);
    if code == HAWSE_OK {
        code = publish(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, hawse_key(&trade.market), &trade);
    }
    if code != HAWSE_E_AGAIN {
        p.m.last = found;
    }
    code
}

unsafe fn on_event(p: &mut Plugin, e: &hawse_event) -> i32 {
    if e.space as u32 != HAWSE_SPACE_HOST {
        return HAWSE_OK;
    }
    match e.kind as u32 {
        HAWSE_HOST_STREAM_STATE => on_connection(p, &*(e.data as *const hawse_host_stream_state)),
        HAWSE_HOST_FRAME if e.key == p.m.stream => return on_frame(p, e),
        _ => (),
    }
    HAWSE_OK
}

// ---- the table ----

unsafe fn make(host: *const hawse_host, this: hawse_instance_t, m: Memory, state: *mut *mut c_void) -> i32 {
    let memory = calloc(1, size_of::<Plugin>()) as *mut Plugin;
    if memory.is_null() {
        return hawse_fail(host, this, HAWSE_E_NOMEM, "no memory", "");
    }
    let p = &mut *memory;
    p.host = host;
    p.this = this;
    p.sub = hawse_service(host, this, HAWSE_SUB_ID);
    p.streams = hawse_service(host, this, HAWSE_STREAM_ID);
    p.m = m;
    *state = memory as *mut c_void;
    HAWSE_OK
}

unsafe extern "C" fn create(
    host: *const hawse_host,
    this: hawse_instance_t,
    _config: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    let mut m: Memory = zeroed();
    m.format = FORMAT;
    make(host, this, m, state)
}

unsafe extern "C" fn start(state: *mut c_void) -> i32 {
    let p = &mut *(state as *mut Plugin);
    let mut spec: hawse_stream_spec = zeroed();
    spec.size = size_of::<hawse_stream_spec>() as u32;
    spec.endpoint = hawse_bytes(b"ws");
    match ((*p.streams).open)(p.host, p.this, &spec, &mut p.m.stream) {
        HAWSE_OK => HAWSE_OK,
        code => {
            let fix = "set endpoints.ws and grant net";
            hawse_fail(p.host, p.this, code, "the stream cannot be opened", fix)
        }
    }
}

unsafe extern "C" fn on_events(state: *mut c_void, events: *const *const hawse_event, n: u32) -> i32 {
    let p = &mut *(state as *mut Plugin);
    if p.m.to_say == HAWSE_STREAM_EVENT_GAP && say_first(p) == HAWSE_E_AGAIN {
        return 0;
    }
    for i in 0..n as usize {
        if on_event(p, &**events.add(i)) == HAWSE_E_AGAIN {
            return i as i32;
        }
    }
    let _ = say_first(p); // of a gap that has just begun; if not now, then first thing next time
    n as i32
}

unsafe extern "C" fn stop(_state: *mut c_void, _deadline_ns: u64) -> i32 {
    HAWSE_OK
}

unsafe extern "C" fn destroy(state: *mut c_void) {
    free(state);
}

// ---- handed over to another build ----

unsafe extern "C" fn save(state: *mut c_void, out: *mut u8, cap: u64, need: *mut u64) -> i32 {
    let p = &*(state as *const Plugin);
    *need = size_of::<Memory>() as u64;
    if cap < *need {
        return HAWSE_E_NOSPACE;
    }
    core::ptr::write_unaligned(out as *mut Memory, p.m);
    HAWSE_OK
}

/// What this build's save() wrote, or nothing. The bytes are another build's: nothing of them is
/// taken for granted.
unsafe fn known(saved: &hawse_view) -> Option<Memory> {
    if saved.len != size_of::<Memory>() as u64 {
        return None;
    }
    let m = core::ptr::read_unaligned(saved.data as *const Memory);
    let says = [0, HAWSE_STREAM_EVENT_GAP, HAWSE_STREAM_EVENT_UNHEALABLE, HAWSE_STREAM_EVENT_LIVE];
    (m.format == FORMAT && m.lost <= 1 && says.contains(&m.to_say)).then_some(m)
}

unsafe extern "C" fn restore(
    host: *const hawse_host,
    this: hawse_instance_t,
    _config: hawse_view,
    saved: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    match known(&saved) {
        Some(m) => make(host, this, m, state),
        None => {
            let fix = "restart the instance instead";
            hawse_fail(host, this, HAWSE_E_FORMAT, "the saved state is of another format", fix)
        }
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
