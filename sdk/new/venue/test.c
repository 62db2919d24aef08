/* Tries logic.c on what a venue has sent: `make test`. */
#include "logic.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    /* some readable bytes must follow a text: see HAWSE_PADDING */
    static char line[4096];
    hawse_market_trade_t trade;
    uint64_t time_ms = 0, prices = 0;
    int trades = 0, others = 0, broken = 0;
    FILE *in = fopen("fixture.ndjson", "r");
    while (in && fgets(line, sizeof(line) - 64, in)) {
        int32_t found = read_trade((const uint8_t *)line, strcspn(line, "\n"), &trade, &time_ms);
        trades += found == 1;
        others += found == 0;
        broken += found < 0;
        prices += found == 1 ? trade.price_mantissa : 0;
    }
    if (in)
        (void)fclose(in);
    printf("%d trades, %d other messages, %d that are none\n", trades, others, broken);
    return trades == 3 && others == 1 && broken == 1 && prices == 510000 + 505000 + 1000000 ? 0 : 1;
}
