//! @NAME@: a strategy. It follows the quotes of every market it is linked to and proposes a call of
//! a contract when something is offered for less than a threshold. It sends nothing: it proposes,
//! and the host passes it through every gate of the operator, signs, sends and tells how it ended.
//!
//! While a sequence of a source is in doubt (a gap), nothing is decided from it.
#![no_std]

#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
#[allow(dead_code)]
mod library;
mod logic;

use core::ffi::c_void;
use core::fmt::Write;
use core::mem::{size_of, zeroed};
use hawse::*;

const ID: &[u8] = b"@ID@\0";
hawse_manifest!(
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"strategy\",\
     \"description\":\"buys below a threshold\",\"license\":\"MIT\",\
     \"maturity\":\"experimental\",\"requires\":{\"hawse.sub/1\":\">=1.0\",\
     \"hawse.intent/1\":\">=1.0\"},\"consumes\":[\"market/1\",\"intent/1\"],\
     \"capabilities\":[\"intent\"],\"config\":{\"type\":\"object\",\
     \"required\":[\"chain\",\"account\",\"target\"],\"properties\":{\
     \"chain\":{\"type\":\"string\",\"maxLength\":63,\"description\":\"name in chains\"},\
     \"account\":{\"type\":\"string\",\"maxLength\":63,\"description\":\"name of a key\"},\
     \"target\":{\"type\":\"string\",\"format\":\"address\",\
     \"description\":\"the contract to call\"},\
     \"below\":{\"type\":\"integer\",\"minimum\":0,\"default\":500000,\
     \"description\":\"price with six decimals\"}}}}"
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

/// A line of text that takes no memory from elsewhere; what does not fit is cut.
struct Line {
    text: [u8; 64],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, more: &str) -> core::fmt::Result {
        for byte in more.bytes().take(self.text.len() - self.len) {
            self.text[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// A text of the settings.
struct Name {
    text: [u8; 64],
    len: usize,
}

impl Name {
    fn view(&self) -> hawse_view {
        hawse_bytes(&self.text[..self.len])
    }
}

/// State of one instance: plain data that begins as zero, and never moves.
struct Plugin {
    host: *const hawse_host,
    this: hawse_instance_t,
    sub: *const hawse_sub_service,
    intents: *const hawse_intent_service,
    chain: Name,
    account: Name,
    target: [u8; 20],
    decision: logic::Decision,
    doubt: u32, // bit n: sequence n of a source
}

/// The id is taken once for ever: the same quote after a restart is no second purchase.
unsafe fn propose(p: &Plugin, e: &hawse_event) {
    const DATA: &[u8] = &[0xa6, 0xf2, 0xae, 0x3a]; // buy()
    let mut id = Line { text: [0; 64], len: 0 };
    let mut call: hawse_intent_call = zeroed();
    let mut intent: hawse_intent = zeroed();
    let mut handle = 0;
    let _ = write!(id, "buy-{:x}-{}-{}", e.key, e.epoch, e.seq);
    call.size = size_of::<hawse_intent_call>() as u32;
    call.to = p.target;
    call.data = hawse_bytes(DATA);
    intent.size = size_of::<hawse_intent>() as u32;
    intent.kind = HAWSE_INTENT_EVM_CALLS;
    intent.id = hawse_bytes(&id.text[..id.len]);
    intent.chain = p.chain.view();
    intent.account = p.account.view();
    intent.call_count = 1;
    intent.call_size = size_of::<hawse_intent_call>() as u32;
    intent.calls = &call;
    intent.note = hawse_bytes(b"offered below the threshold");
    if ((*p.intents).propose)(p.host, p.this, &intent, &mut handle) != HAWSE_OK {
        hawse_log(p.host, p.this, HAWSE_LOG_WARN, "not proposed: the next fall counts again");
    }
}

unsafe fn on_step(p: &Plugin, e: &hawse_event) {
    if e.len < size_of::<hawse_intent_step>() as u64 {
        return;
    }
    let step = &*(e.data as *const hawse_intent_step);
    let mut line = Line { text: [0; 64], len: 0 };
    let _ = write!(line, "step {}, error {}", step.step, step.error);
    if let Ok(text) = core::str::from_utf8(&line.text[..line.len]) {
        hawse_log(p.host, p.this, HAWSE_LOG_INFO, text);
    }
}

fn on_continuity(p: &mut Plugin, e: &hawse_event) {
    let bit = 1u32 << (e.stream & 31);
    match e.kind as u32 {
        HAWSE_STREAM_EVENT_GAP => p.doubt |= bit,
        HAWSE_STREAM_EVENT_HEALED | HAWSE_STREAM_EVENT_LIVE => p.doubt &= !bit,
        _ => (),
    }
}

unsafe fn on_event(p: &mut Plugin, e: &hawse_event) {
    match e.space as u32 {
        HAWSE_SPACE_STREAM => on_continuity(p, e),
        HAWSE_SPACE_INTENT => on_step(p, e),
        HAWSE_SPACE_MARKET
            if e.kind as u32 == HAWSE_MARKET_QUOTE
                && e.len >= size_of::<hawse_market_quote>() as u64
                && p.doubt == 0
                && logic::decide(&mut p.decision, &*(e.data as *const hawse_market_quote)) =>
        {
            propose(p, e)
        }
        _ => (),
    }
}

// ---- making ----

fn read_settings(p: &mut Plugin, config: hawse_view) -> Result<(), i32> {
    p.chain.len = library::setting_text(config, "chain\0", &mut p.chain.text)?;
    p.account.len = library::setting_text(config, "account\0", &mut p.account.text)?;
    library::setting_hex(config, "target\0", &mut p.target)?;
    p.decision.below = library::setting_u64(config, "below\0")?;
    Ok(())
}

unsafe fn subscribe(p: &Plugin) -> i32 {
    let mut spec: hawse_sub_spec = zeroed();
    let mut handle = 0;
    spec.size = size_of::<hawse_sub_spec>() as u32;
    spec.space = HAWSE_SPACE_MARKET as u16;
    spec.kind = HAWSE_MARKET_QUOTE as u16;
    spec.policy = HAWSE_POLICY_LATEST; // an old quote is of no use
    ((*p.sub).subscribe)(p.host, p.this, &spec, &mut handle)
}

unsafe fn prepare(p: &mut Plugin, config: hawse_view) -> i32 {
    if let Err(code) = read_settings(p, config) {
        return hawse_fail(p.host, p.this, code, "the settings cannot be read", "see the manifest");
    }
    match subscribe(p) {
        HAWSE_OK => HAWSE_OK,
        code => hawse_fail(p.host, p.this, code, "cannot subscribe", "link it to a venue"),
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
    p.intents = hawse_service(host, this, HAWSE_INTENT_ID);
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
        on_event(p, &**events.add(i));
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
