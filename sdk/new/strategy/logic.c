/* Decides; see logic.h. */
#include "logic.h"

enum { DECIMALS = 6 };

/* The offered price with six decimals, rounded up; UINT64_MAX: none, or too large to matter. */
static uint64_t offered(const hawse_market_quote_t *quote)
{
    uint64_t price = quote->ask.price_mantissa;
    int32_t exponent = quote->price_exponent;
    if (quote->ask.size_mantissa == 0 || exponent > 12 || exponent < -24)
        return UINT64_MAX;
    for (; exponent > -DECIMALS; exponent--) {
        if (price > UINT64_MAX / 10)
            return UINT64_MAX;
        price *= 10;
    }
    for (; exponent < -DECIMALS; exponent++)
        price = price / 10 + (price % 10 != 0);
    return price;
}

int32_t decide(struct decision *d, const hawse_market_quote_t *quote)
{
    uint64_t price = offered(quote);
    int32_t now = d->armed && price < d->below;
    d->seen++;
    if (price >= d->below)
        d->armed = 1;
    else if (now)
        d->armed = 0;
    return now;
}
