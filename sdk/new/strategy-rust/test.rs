//! Tries logic.rs on a list of offers: `make test`. Each line of the fixture is a price with three
//! decimals and 1 where it is time to buy.
#[path = "sdk/hawse.rs"]
mod hawse;
mod logic;

fn main() {
    let fixture = std::fs::read_to_string("fixture.txt").expect("fixture.txt");
    let mut d = logic::Decision { below: 500000, seen: 0, armed: false };
    let (mut lines, mut wrong) = (0, 0);
    for line in fixture.lines() {
        let (price, wanted) = line.split_once(' ').expect("two numbers");
        let mut quote: hawse::hawse_market_quote = unsafe { core::mem::zeroed() };
        quote.price_exponent = -3;
        quote.ask.price_mantissa = price.parse().expect("a price");
        quote.ask.size_mantissa = 1;
        wrong += (logic::decide(&mut d, &quote) != (wanted == "1")) as i32;
        lines += 1;
    }
    println!("{lines} quotes, {wrong} decided otherwise");
    std::process::exit(!(lines == 6 && wrong == 0) as i32);
}
