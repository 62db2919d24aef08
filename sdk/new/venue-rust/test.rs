//! Tries logic.rs on what a venue has sent: `make test`.
#[path = "sdk/hawse.rs"]
mod hawse;
#[path = "sdk/library.rs"]
mod library;
mod logic;

fn main() {
    let fixture = std::fs::read_to_string("fixture.ndjson").expect("fixture.ndjson");
    let (mut trades, mut others, mut broken, mut prices) = (0, 0, 0, 0);
    for line in fixture.lines() {
        let mut text = line.as_bytes().to_vec();
        text.resize(line.len() + hawse::HAWSE_PADDING as usize, 0);
        let mut marks = [0; 256];
        match unsafe { logic::read_trade(&text[..line.len()], &mut marks) } {
            Ok(Some((trade, _))) => {
                trades += 1;
                prices += trade.price_mantissa;
            }
            Ok(None) => others += 1,
            Err(_) => broken += 1,
        }
    }
    println!("{trades} trades, {others} other messages, {broken} that are none");
    let good = trades == 3 && others == 1 && broken == 1 && prices == 510000 + 505000 + 1000000;
    std::process::exit(!good as i32);
}
