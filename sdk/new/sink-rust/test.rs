//! Tries logic.rs on some events: `make test`. Each line of the fixture is space, kind, seq, flags
//! and, after a colon, what is to be said of it.
#[path = "sdk/hawse.rs"]
mod hawse;
mod logic;

use hawse::*;

fn main() {
    let fixture = std::fs::read_to_string("fixture.txt").expect("fixture.txt");
    let (mut lines, mut wrong) = (0, 0);
    for row in fixture.lines() {
        let (numbers, wanted) = row.split_once(':').expect("a colon");
        let n: Vec<u64> = numbers.split(' ').map(|w| w.parse().expect("a number")).collect();
        let mut event: hawse_event = unsafe { core::mem::zeroed() };
        event.space = n[0] as u16;
        event.kind = n[1] as u16;
        event.seq = n[2];
        event.flags = n[3] as u32;
        let mut line = logic::Line::new();
        logic::tell(&event, &mut line);
        lines += 1;
        wrong += (line.as_str() != wanted) as i32;
    }
    println!("{lines} events, {wrong} told otherwise");
    std::process::exit((lines != 2 || wrong != 0) as i32);
}
