/* Tries logic.c on what a node has sent: `make test`. */
#include "logic.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    /* some readable bytes must follow a text: see HAWSE_PADDING */
    static char line[4096];
    hawse_evm_block_t block;
    uint64_t last = 0;
    int heads = 0, others = 0, broken = 0;
    FILE *in = fopen("fixture.ndjson", "r");
    while (in && fgets(line, sizeof(line) - 64, in)) {
        int32_t found = read_head((const uint8_t *)line, strcspn(line, "\n"), &block);
        heads += found == 1 && (last == 0 || block.number == last + 1);
        others += found == 0;
        broken += found < 0;
        last = found == 1 ? block.number : last;
    }
    if (in)
        (void)fclose(in);
    printf("%d heads in order, %d other messages, %d that are none\n", heads, others, broken);
    return heads == 3 && others == 1 && broken == 1 ? 0 : 1;
}
