/* Tries logic.c on logs of a pair: `make test`. Each line of the fixture is a log's topic and data.
 */
#include "logic.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static char line[4096];
    static struct {
        hawse_evm_log_t log;
        uint8_t data[1024];
    } r;
    hawse_market_pool_state_t state;
    int syncs = 0, others = 0, broken = 0;
    uint64_t sum = 0;
    FILE *in = fopen("fixture.txt", "r");
    while (in && fgets(line, sizeof(line) - 64, in)) {
        uint64_t len = 0;
        const char *data = strchr(line, ' ');
        memset(&r, 0, sizeof(r));
        r.log.size = sizeof(r.log);
        r.log.topic_count = 1;
        r.log.data_offset = sizeof(r.log);
        if (!data || hawse_hex_fixed((const uint8_t *)line, 66, r.log.topics[0], 32) != HAWSE_OK ||
            hawse_hex_data((const uint8_t *)data + 1, strcspn(data + 1, "\n"), r.data,
                           sizeof(r.data), &len) != HAWSE_OK)
            return 1;
        r.log.data_len = (uint32_t)len;
        int32_t found = read_sync(&r.log, sizeof(r.log) + len, &state);
        syncs += found == 1;
        others += found == 0;
        broken += found < 0;
        sum += found == 1 ? state.reserve0.limb[0] + state.reserve1.limb[0] : 0;
    }
    if (in)
        (void)fclose(in);
    printf("%d states, %d other events, %d that are none\n", syncs, others, broken);
    return syncs == 2 && others == 1 && broken == 1 && sum == 1000 + 2000 + 900 + 2223 ? 0 : 1;
}
