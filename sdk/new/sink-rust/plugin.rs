//! @NAME@: a sink. It follows everything that the instances it is linked to publish, and says a
//! line of each in the log. Without std and without an allocator beside the C library's; a panic
//! aborts, since nothing may unwind into the host.
#![no_std]

#[path = "sdk/hawse.rs"]
mod hawse;
mod logic;

use core::ffi::c_void;
use core::mem::size_of;
use hawse::*;

const ID: &[u8] = b"@ID@\0";
hawse_manifest!(
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"sink\",\
     \"description\":\"a line of every event\",\"license\":\"MIT\",\"maturity\":\"experimental\",\
     \"requires\":{\"hawse.sub/1\":\">=1.0\"},\"consumes\":[\"evm/1\",\"market/1\"],\
     \"config\":{\"type\":\"object\",\"properties\":{}}}"
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
}

unsafe fn subscribe(p: &Plugin) -> i32 {
    let sub = hawse_service::<hawse_sub_service>(p.host, p.this, HAWSE_SUB_ID);
    for space in [HAWSE_SPACE_EVM, HAWSE_SPACE_MARKET] {
        let mut spec: hawse_sub_spec = core::mem::zeroed();
        let mut handle: hawse_sub_t = 0;
        spec.size = size_of::<hawse_sub_spec>() as u32;
        spec.space = space as u16;
        spec.policy = HAWSE_POLICY_DROP_OLDEST as u32; // a log may never hold up a source
        let code = ((*sub).subscribe)(p.host, p.this, &spec, &mut handle);
        if code != HAWSE_OK {
            return code;
        }
    }
    HAWSE_OK
}

unsafe extern "C" fn create(
    host: *const hawse_host,
    this: hawse_instance_t,
    _config: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    let memory = calloc(1, size_of::<Plugin>()) as *mut Plugin;
    if memory.is_null() {
        return hawse_fail(host, this, HAWSE_E_NOMEM, "no memory", "");
    }
    *memory = Plugin { host, this };
    let code = subscribe(&*memory);
    if code != HAWSE_OK {
        free(memory as *mut c_void);
        return hawse_fail(host, this, code, "cannot subscribe", "link it to a source");
    }
    *state = memory as *mut c_void;
    HAWSE_OK
}

unsafe extern "C" fn start(_state: *mut c_void) -> i32 {
    HAWSE_OK
}

unsafe extern "C" fn on_events(state: *mut c_void, events: *const *const hawse_event, n: u32) -> i32 {
    let p = &*(state as *const Plugin);
    for i in 0..n as usize {
        let event = &**events.add(i);
        if event.space as u32 == HAWSE_SPACE_HOST as u32 {
            continue;
        }
        let mut line = logic::Line::new();
        logic::tell(event, &mut line);
        hawse_log(p.host, p.this, HAWSE_LOG_INFO, line.as_str());
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
