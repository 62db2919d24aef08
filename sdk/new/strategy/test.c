/* Tries logic.c on a list of offers: `make test`. Each line of the fixture is a price with three
 * decimals and 1 where it is time to buy. */
#include "logic.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    struct decision d;
    int lines = 0, wrong = 0, wanted = 0;
    unsigned long long price = 0;
    char line[128];
    memset(&d, 0, sizeof(d));
    d.below = 500000;
    FILE *in = fopen("fixture.txt", "r");
    while (in && fgets(line, sizeof(line), in) && sscanf(line, "%llu %d", &price, &wanted) == 2) {
        hawse_market_quote_t quote;
        memset(&quote, 0, sizeof(quote));
        quote.size = sizeof(quote);
        quote.price_exponent = -3;
        quote.ask.price_mantissa = price;
        quote.ask.size_mantissa = 1;
        wrong += decide(&d, &quote) != wanted;
        lines++;
    }
    if (in)
        (void)fclose(in);
    printf("%d quotes, %d decided otherwise\n", lines, wrong);
    return lines == 6 && wrong == 0 ? 0 : 1;
}
