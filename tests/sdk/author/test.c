/* Tries logic.c on logs of the contract: `make test`. Each line of the fixture is the number of an
 * event and a log's data. */
#include "logic.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    static char line[4096];
    static uint8_t data[1024];
    uint64_t sold = 0, bought = 0, reserves = 0;
    int trades = 0, states = 0;
    FILE *in = fopen("fixture.txt", "r");
    while (in && fgets(line, sizeof(line) - 64, in)) {
        hawse_evm_log_t log;
        struct told told;
        uint64_t len = 0;
        char *rest = line;
        long event = strtol(line, &rest, 10);
        memset(&log, 0, sizeof(log));
        memset(&told, 0, sizeof(told));
        if (hawse_hex_data((const uint8_t *)rest + 1, strcspn(rest + 1, "\n"), data, sizeof(data),
                           &len) != HAWSE_OK)
            return 1;
        read_log((int32_t)event, &log, data, &told);
        if (told.kind == HAWSE_MARKET_TRADE) {
            trades++;
            sold += told.record.trade.amount0.limb[0];
            bought -= told.record.trade.amount1.limb[0];
        } else {
            states++;
            reserves += told.record.state.reserve0.limb[0] + told.record.state.reserve1.limb[0];
        }
    }
    if (in)
        (void)fclose(in);
    printf("%d trades, %d states\n", trades, states);
    return trades == 1 && states == 2 && sold == 1000 && bought == 300 && reserves == 10700 ? 0 : 1;
}
