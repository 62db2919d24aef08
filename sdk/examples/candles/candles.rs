//! candles in Rust: the twin of candles.c, call by call. By `rustc` alone, without std and without an
//! allocator beside the C library's; a panic aborts, since nothing may unwind into the host.
//!
//!     rustc --edition 2021 --crate-type cdylib -C panic=abort -O -o candles.so candles.rs
//!
//! It finds sdk/rust/hawse.rs beside this folder; elsewhere, change the path below.
#![no_std]

#[path = "../../rust/hawse.rs"]
mod hawse;

use core::ffi::c_void;
use core::mem::size_of;
use hawse::*;

const MINUTE_NS: u64 = 60_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;
const MARKETS: usize = 64;
const FLUSH_TICK: u64 = 1; // tag of the timer

// Of the event space "org.example.candles/1": see candles.h.
const SPACE: &[u8] = b"org.example.candles/1";
const CANDLE: u16 = 1;
const TICKS: u32 = 0x1;
const GAP: u32 = 0x2;
const REMOVED: u32 = 0x4;
const OPEN: u32 = 0x8;

#[repr(C)]
struct Candle {
    size: u32,
    flags: u32,
    market: [u8; 32],
    begin_ns: u64,
    trades: u32,
    exponent: i32,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: hawse_u256,
}

const ID: &[u8] = b"org.example.candles\0";
hawse_manifest!(
    "{\"id\":\"org.example.candles\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"protocol\",\
     \"description\":\"trades into candles of a minute\",\"license\":\"MIT\",\
     \"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.timer/1\":\">=1.0\",\
     \"hawse.metrics/1\":\">=1.0\"},\"consumes\":[\"market/1\",\"stream/1\"],\
     \"produces\":[\"org.example.candles/1\"]}"
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
struct Candles {
    host: *const hawse_host,
    this: hawse_instance_t,
    sub: *const hawse_sub_service,
    timer: *const hawse_timer_service,
    metrics: *const hawse_metrics_service,
    told: hawse_metric_t,
    open: hawse_metric_t,
    tick: hawse_timer_t,
    space: u16,
    count: usize,
    candle: [Candle; MARKETS], // trades 0: between two minutes
}

// ---- arithmetic of 256 bits ----

fn magnitude(v: hawse_u256) -> hawse_u256 {
    let mut out = v;
    if out.limb[3] >> 63 != 0 {
        let mut carry = true;
        for limb in out.limb.iter_mut() {
            *limb = (!*limb).wrapping_add(carry as u64);
            carry = carry && *limb == 0;
        }
    }
    out
}

fn add(sum: &mut hawse_u256, v: &hawse_u256) {
    let mut carry = false;
    for (into, limb) in sum.limb.iter_mut().zip(v.limb.iter()) {
        let (with, first) = limb.overflowing_add(carry as u64);
        let (total, second) = into.overflowing_add(with);
        *into = total;
        carry = first || second;
    }
}

// ---- candles ----

impl Candle {
    fn count_trade(&mut self, trade: &hawse_market_trade, at: u64) {
        let book = trade.price_mantissa != 0;
        let price = if book { trade.price_mantissa as i64 } else { trade.tick as i64 };
        if self.trades == 0 {
            self.begin_ns = at / MINUTE_NS * MINUTE_NS;
            self.exponent = trade.price_exponent;
            self.open = price;
            self.high = price;
            self.low = price;
            self.volume = hawse_u256 { limb: [0; 4] };
        }
        if !book {
            self.flags |= TICKS;
        }
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.trades = self.trades.wrapping_add(1);
        add(&mut self.volume, &magnitude(trade.amount0));
    }
}

impl Candles {
    unsafe fn tell(&mut self, which: usize, flags: u32) -> i32 {
        let candle = &mut self.candle[which];
        candle.flags |= flags;
        let event = hawse_event {
            size: size_of::<hawse_event>() as u32,
            space: self.space,
            kind: CANDLE,
            source: 0,
            stream: 1,
            epoch: 1,
            flags: 0,
            seq: 0,
            t_recv_ns: 0,
            t_source_ns: candle.begin_ns.wrapping_add(MINUTE_NS),
            key: hawse_key(&candle.market),
            data: candle as *const Candle as *const u8,
            len: size_of::<Candle>() as u64,
        };
        let code = ((*self.sub).publish)(self.host, self.this, &event);
        if code == HAWSE_OK {
            ((*self.metrics).add)(self.host, self.this, self.told, 1);
            candle.trades = 0;
            candle.flags = 0;
        }
        code
    }

    fn find(&mut self, market: &[u8; 32]) -> Option<usize> {
        if let Some(i) = self.candle[..self.count].iter().position(|c| c.market == *market) {
            return Some(i);
        }
        let fresh = self.candle.get_mut(self.count)?;
        fresh.size = size_of::<Candle>() as u32;
        fresh.market = *market;
        self.count += 1;
        Some(self.count - 1)
    }

    unsafe fn on_trade(&mut self, event: &hawse_event) -> i32 {
        if event.len < size_of::<hawse_market_trade>() as u64 {
            return HAWSE_OK; // of a host that promised more than it holds: nothing to be read
        }
        let trade = &*(event.data as *const hawse_market_trade); // records are 8-byte aligned
        let which = match self.find(&trade.market) {
            Some(which) => which,
            None => return HAWSE_OK,
        };
        if event.flags & HAWSE_EVENT_REMOVED != 0 {
            self.candle[which].flags |= REMOVED;
            return HAWSE_OK;
        }
        let at = match event.t_source_ns {
            0 => ((*self.host).now)(self.host, HAWSE_CLOCK_UTC),
            stated => stated,
        };
        let candle = &self.candle[which];
        if candle.trades != 0 && at >= candle.begin_ns.wrapping_add(MINUTE_NS) {
            let code = self.tell(which, 0);
            if code != HAWSE_OK {
                return code;
            }
        }
        self.candle[which].count_trade(trade, at);
        HAWSE_OK
    }

    fn on_gap(&mut self) {
        for candle in self.candle[..self.count].iter_mut() {
            candle.flags |= GAP;
        }
    }

    unsafe fn on_timer(&self) {
        let open = self.candle[..self.count].iter().filter(|c| c.trades > 0).count();
        ((*self.metrics).set)(self.host, self.this, self.open, open as i64);
    }

    unsafe fn on_event(&mut self, event: &hawse_event) -> i32 {
        match (event.space as u32, event.kind as u32) {
            (HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE) => return self.on_trade(event),
            (HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP) => self.on_gap(),
            (HAWSE_SPACE_HOST, HAWSE_HOST_TIMER) => self.on_timer(),
            _ => {}
        }
        HAWSE_OK
    }

    unsafe fn declare(&self, kind: u32, name: &str, help: &str, out: *mut hawse_metric_t) -> i32 {
        let (name, help) = (hawse_bytes(name.as_bytes()), hawse_bytes(help.as_bytes()));
        let none = hawse_view { data: core::ptr::null(), len: 0 };
        ((*self.metrics).declare)(self.host, self.this, kind, name, help, none, out)
    }

    unsafe fn prepare(&mut self) -> i32 {
        let spec = hawse_sub_spec {
            size: size_of::<hawse_sub_spec>() as u32,
            source: HAWSE_SOURCE_ANY,
            space: HAWSE_SPACE_MARKET as u16,
            kind: HAWSE_MARKET_TRADE as u16,
            flags: 0,
            policy: HAWSE_POLICY_DEFAULT,
            queue: 0,
            key: 0,
            filter: hawse_view { data: core::ptr::null(), len: 0 },
        };
        let (mut space, mut told, mut open, mut handle) = (0, 0, 0, 0);
        let mut code = ((*self.sub).space)(self.host, self.this, hawse_bytes(SPACE), &mut space);
        if code == HAWSE_OK {
            code = ((*self.sub).subscribe)(self.host, self.this, &spec, &mut handle);
        }
        if code == HAWSE_OK {
            code = self.declare(HAWSE_METRIC_COUNTER, "candles_total", "Candles told.", &mut told);
        }
        if code == HAWSE_OK {
            let help = "Candles that are not over.";
            code = self.declare(HAWSE_METRIC_GAUGE, "candles_open", help, &mut open);
        }
        self.space = space;
        self.told = told;
        self.open = open;
        code
    }
}

// ---- the table ----

unsafe extern "C" fn create(
    host: *const hawse_host,
    this: hawse_instance_t,
    _config: hawse_view,
    state: *mut *mut c_void,
) -> i32 {
    let made = calloc(1, size_of::<Candles>()) as *mut Candles;
    if made.is_null() {
        return HAWSE_E_NOMEM;
    }
    (*made).host = host;
    (*made).this = this;
    (*made).sub = hawse_service(host, this, HAWSE_SUB_ID);
    (*made).timer = hawse_service(host, this, HAWSE_TIMER_ID);
    (*made).metrics = hawse_service(host, this, HAWSE_METRICS_ID);
    let code = (*made).prepare();
    if code != HAWSE_OK {
        free(made as *mut c_void);
        return hawse_fail(host, this, code, "candles cannot begin", "link it to a venue");
    }
    *state = made as *mut c_void;
    HAWSE_OK
}

unsafe extern "C" fn start(state: *mut c_void) -> i32 {
    let c = &mut *(state as *mut Candles);
    hawse_log(c.host, c.this, HAWSE_LOG_INFO, "candles of a minute");
    ((*c.timer).set)(c.host, c.this, SECOND_NS, SECOND_NS, FLUSH_TICK, &mut c.tick)
}

unsafe extern "C" fn on_events(
    state: *mut c_void,
    events: *const *const hawse_event,
    n: u32,
) -> i32 {
    let c = &mut *(state as *mut Candles);
    for (i, event) in core::slice::from_raw_parts(events, n as usize).iter().enumerate() {
        match c.on_event(&**event) {
            HAWSE_OK => {}
            HAWSE_E_AGAIN => return i as i32,
            code => return hawse_fail(c.host, c.this, code, "a candle was refused", "see the log"),
        }
    }
    n as i32
}

unsafe extern "C" fn stop(state: *mut c_void, _deadline_ns: u64) -> i32 {
    let c = &mut *(state as *mut Candles);
    for i in 0..c.count {
        if c.candle[i].trades != 0 && c.tell(i, OPEN) == HAWSE_E_AGAIN {
            return HAWSE_E_AGAIN;
        }
    }
    ((*c.timer).cancel)(c.host, c.this, c.tick);
    HAWSE_OK
}

unsafe extern "C" fn destroy(state: *mut c_void) {
    free(state)
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
