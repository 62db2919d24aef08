/*
 * Any bytes as a sample file of the feed: refused with the line, or played for two rounds into the
 * chain that answers questions.
 */
#include "app/feed/chain.h"
#include "app/feed/sample.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(const struct sample *s)
{
    struct feed_chain *chain = NULL;
    struct fault fault = {0};
    if (feed_chain_create(s, &chain, &fault) != HAWSE_OK) {
        if (!fault.message[0])
            abort();
        return;
    }
    for (uint64_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < s->frame_count; i++) {
            json_t *result = sample_result(s, i, round);
            (void)feed_chain_apply(chain, result, s->frames[i].is_head);
            (void)feed_log_matches(result, result);
            json_decref(result);
        }
    }
    const struct feed_block *head = feed_chain_block(chain, feed_chain_head(chain));
    if (!head)
        abort();
    feed_chain_destroy(chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sample *s = NULL;
    struct fault fault = {0};
    FILE *f = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (!f)
        return 0;
    int32_t code = sample_read(f, "sample", &s, &fault);
    (void)fclose(f);
    if ((code == HAWSE_OK) != (s != NULL) || (code != HAWSE_OK && !fault.message[0]))
        abort();
    if (s)
        play(s);
    sample_destroy(s);
    return 0;
}
