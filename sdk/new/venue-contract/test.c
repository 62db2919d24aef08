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
    uint64_t in_sum = 0, out_sum = 0;
    int trades = 0;
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
        trades += told.kind == HAWSE_MARKET_TRADE;
        in_sum += told.record.trade.amount1.limb[0];
        out_sum -= told.record.trade.amount0.limb[0];
    }
    if (in)
        (void)fclose(in);
    printf("%d trades, %lu wei in, %lu tokens out\n", trades, (unsigned long)in_sum,
           (unsigned long)out_sum);
    return trades == 2 && in_sum == 3000 && out_sum == 900 ? 0 : 1;
}
