/*
 * `hawse report`: a capture as one HTML page.
 */
#include "app/app.h"

#include "replay/report.h"

#include <hawse/types.h>
#include <stdio.h>

int command_report(const struct arguments *args)
{
    struct fault fault = {0};
    if (args->word_count != 1 || !args->out) {
        (void)fprintf(stderr, "hawse: report needs one capture and --out FILE.html\n");
        return EXIT_USAGE;
    }
    if (report_write(args->words[0], args->out, args->chain_time, &fault) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    (void)printf("%s\n", args->out);
    return EXIT_GOOD;
}
