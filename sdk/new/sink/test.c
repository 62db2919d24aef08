/* Tries logic.c on some events: `make test`. Each line of the fixture is space, kind, seq, flags
 * and, after a colon, what is to be said of it. */
#include "logic.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    int lines = 0, wrong = 0;
    char line[256], said[256];
    FILE *in = fopen("fixture.txt", "r");
    while (in && fgets(line, sizeof(line), in)) {
        unsigned space = 0, kind = 0, seq = 0, flags = 0;
        const char *wanted = strchr(line, ':');
        hawse_event_t e;
        memset(&e, 0, sizeof(e));
        if (!wanted || sscanf(line, "%u %u %u %u", &space, &kind, &seq, &flags) != 4)
            return 1;
        e.size = sizeof(e);
        e.space = (uint16_t)space;
        e.kind = (uint16_t)kind;
        e.seq = seq;
        e.flags = flags;
        line[strcspn(line, "\n")] = '\0';
        (void)tell(&e, said, sizeof(said));
        wrong += strcmp(said, wanted + 1) != 0;
        lines++;
    }
    if (in)
        (void)fclose(in);
    printf("%d events, %d told otherwise\n", lines, wrong);
    return lines == 2 && wrong == 0 ? 0 : 1;
}
