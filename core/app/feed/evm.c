/* An EVM chain as a feed: sample.h's frames, chain.h's state, answer.h's answers. */
#include "app/feed/answer.h"
#include "app/feed/world.h"

#include <hawse/types.h>
#include <stdlib.h>

struct evm {
    struct sample *sample;
    struct feed_chain *chain;
    size_t next;
    uint64_t round;
};

static void destroy(void *state)
{
    struct evm *e = state;
    feed_chain_destroy(e->chain);
    sample_destroy(e->sample);
    free(e);
}

int32_t feed_evm_read(FILE *f, const char *path, void **state, struct fault *fault)
{
    struct evm *e = calloc(1, sizeof(*e));
    int32_t code = e ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for the feed");
    if (code == HAWSE_OK)
        code = sample_read(f, path, &e->sample, fault);
    if (code == HAWSE_OK)
        code = feed_chain_create(e->sample, &e->chain, fault);
    if (code != HAWSE_OK && e)
        destroy(e);
    *state = code == HAWSE_OK ? e : NULL;
    return code;
}

static double due_ms(const void *state)
{
    const struct evm *e = state;
    return (double)e->round * (double)e->sample->seconds * 1000.0 +
           (double)e->sample->frames[e->next].t_ms;
}

static void play(void *state, struct feed_subscriber *first)
{
    struct evm *e = state;
    const struct sample_frame *frame = &e->sample->frames[e->next];
    json_t *result = sample_result(e->sample, e->next, e->round);
    (void)feed_chain_apply(e->chain, result, frame->is_head);
    for (struct feed_subscriber *s = first; s; s = s->next) {
        for (size_t i = 0; i < s->count; i++) {
            const struct feed_subscription *sub = &s->list[i];
            if ((sub->what == FEED_HEADS) != frame->is_head ||
                (!frame->is_head && !feed_log_matches(result, sub->filter)))
                continue;
            feed_send_json(s, json_pack("{s:s, s:s, s:{s:s, s:O}}", "jsonrpc", "2.0", "method",
                                        "eth_subscription", "params", "subscription", sub->id,
                                        "result", result));
        }
    }
    json_decref(result);
    if (++e->next == e->sample->frame_count) {
        e->next = 0;
        e->round++;
    }
}

static char *message(void *state, struct feed_subscriber *from, const char *text, size_t len)
{
    const struct evm *e = state;
    return feed_answer(e->chain, from, text, len);
}

static char *request(void *state, const char *path, const char *text, size_t len, int *status)
{
    const struct evm *e = state;
    (void)path;
    *status = 200;
    return feed_answer(e->chain, NULL, text, len);
}

static void describe(const void *state, char *out, size_t cap)
{
    const struct evm *e = state;
    (void)snprintf(out, cap, "chain %llu, %zu frames", (unsigned long long)e->sample->chain_id,
                   e->sample->frame_count);
}

const struct feed_world feed_evm = {
    .due_ms = due_ms,
    .play = play,
    .message = message,
    .request = request,
    .describe = describe,
    .destroy = destroy,
};
