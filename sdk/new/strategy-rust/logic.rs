//! The decision, apart from any host: quotes in, what is wanted out. test.rs tries it on a list.
use crate::hawse::*;

const DECIMALS: i32 = 6;

pub struct Decision {
    pub below: u64,  // buy when somebody offers for less: a price with six decimals
    pub seen: u64,   // quotes so far
    pub armed: bool, // the price was above since the last time
}

/// The offered price with six decimals, rounded up; u64::MAX: none, or too large to matter.
fn offered(quote: &hawse_market_quote) -> u64 {
    let (mut price, exponent) = (quote.ask.price_mantissa, quote.price_exponent);
    if quote.ask.size_mantissa == 0 || !(-24..=12).contains(&exponent) {
        return u64::MAX;
    }
    for _ in -DECIMALS..exponent {
        price = match price.checked_mul(10) {
            Some(price) => price,
            None => return u64::MAX,
        };
    }
    for _ in exponent..-DECIMALS {
        price = price / 10 + (price % 10 != 0) as u64;
    }
    price
}

/// True: now is the time to buy; once per fall below the threshold.
pub fn decide(d: &mut Decision, quote: &hawse_market_quote) -> bool {
    let price = offered(quote);
    let now = d.armed && price < d.below;
    d.seen = d.seen.wrapping_add(1);
    if price >= d.below {
        d.armed = true;
    } else if now {
        d.armed = false;
    }
    now
}
