//! Tries logic.rs on logs of the contract: `make test`. Each line of the fixture is the number of an
//! event and a log's data.
#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
mod library;
mod logic;

fn main() {
    let fixture = std::fs::read_to_string("fixture.txt").expect("fixture.txt");
    let (mut trades, mut in_sum, mut out_sum) = (0, 0, 0u64);
    for declaration in logic::DECLARATIONS {
        assert!(library::event(declaration).is_ok(), "{declaration}");
    }
    for line in fixture.lines() {
        let (event, data) = line.split_once(' ').expect("two words");
        let log: hawse::hawse_evm_log = unsafe { core::mem::zeroed() };
        let mut bytes = [0; 1024];
        let len = library::hex_data(data.as_bytes(), &mut bytes).expect("data");
        if let logic::Told::Trade(t) = logic::read_log(event.parse().expect("a number"), &log, &bytes[..len]) {
            trades += 1;
            in_sum += t.amount1.limb[0];
            out_sum = out_sum.wrapping_sub(t.amount0.limb[0]);
        }
    }
    println!("{trades} trades, {in_sum} wei in, {out_sum} tokens out");
    std::process::exit((trades != 2 || in_sum != 3000 || out_sum != 900) as i32);
}
