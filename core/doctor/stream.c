/* An address for a stream: does it open, and, where a chain speaks there, does news come? */
#include "doctor/internal.h"

#include <hawse/service/stream.h>
#include <hawse/types.h>
#include <stdio.h>
#include <string.h>

enum { NEWS_BLOCKS = 3, NEWS_LEAST_MS = 5000, NEWS_MOST_MS = 30000 };

struct watch {
    enum speaks speaks;
    uint64_t open_ns, answer_ns, news_ns; /* when; 0 = not yet */
    bool refused, failed;
    char text[512];
};

static const char *question(enum speaks speaks)
{
    return speaks == SPEAKS_EVM
               ? "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":"
                 "[\"newHeads\"]}"
               : "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slotSubscribe\",\"params\":[]}";
}

/* An answer has our id and a result or an error; news has neither. */
static int32_t on_frames(void *ctx, struct stream *stream, const struct stream_frame *frames,
                         uint32_t n, uint64_t t_recv_ns)
{
    struct watch *w = ctx;
    (void)stream;
    for (uint32_t i = 0; i < n; i++) {
        const char *at = (const char *)frames[i].data;
        size_t len = (size_t)frames[i].len;
        if (memmem(at, len, "\"method\"", 8)) {
            w->news_ns = w->news_ns ? w->news_ns : t_recv_ns;
        } else if (w->answer_ns == 0) {
            w->answer_ns = t_recv_ns;
            w->refused = memmem(at, len, "\"error\"", 7) != NULL;
            (void)snprintf(w->text, sizeof(w->text), "%.*s", (int)(len < 400 ? len : 400), at);
        }
    }
    return (int32_t)n;
}

static void on_status(void *ctx, struct stream *stream, const struct stream_status *status)
{
    struct watch *w = ctx;
    if (status->state == HAWSE_STREAM_OPEN) {
        w->open_ns = loop_clock();
        if (w->speaks != SPEAKS_NOTHING && w->speaks != SPEAKS_HTTP)
            (void)stream_send(stream, HAWSE_MESSAGE_TEXT, question(w->speaks),
                              strlen(question(w->speaks)));
    } else if (status->state == HAWSE_STREAM_CLOSED) {
        w->failed = true;
        if (status->text[0])
            (void)snprintf(w->text, sizeof(w->text), "%s", status->text);
    }
}

static uint64_t news_patience(uint32_t block_ms)
{
    uint64_t ms = (uint64_t)block_ms * NEWS_BLOCKS;
    return (ms < NEWS_LEAST_MS ? NEWS_LEAST_MS : ms > NEWS_MOST_MS ? NEWS_MOST_MS : ms) * 1000000;
}

static bool enough(const struct watch *w, uint64_t begun, uint32_t block_ms)
{
    uint64_t now = loop_clock();
    if (w->failed || w->refused || w->news_ns != 0)
        return true;
    if (w->open_ns == 0)
        return now - begun > (uint64_t)DOCTOR_PATIENCE_MS * 1000000;
    if (w->speaks == SPEAKS_NOTHING || w->speaks == SPEAKS_HTTP)
        return true;
    return now - w->open_ns > news_patience(block_ms);
}

static void judge(struct doctor *d, const char *where, const struct watch *w, uint64_t begun)
{
    double open_ms = (double)(w->open_ns - begun) / 1e6;
    if (w->open_ns == 0)
        say(d, DOCTOR_BAD, where, "see that the URL is right and that this machine may go there",
            "does not open: %s", w->text[0] ? w->text : "no answer in time");
    else if (w->speaks == SPEAKS_NOTHING || w->speaks == SPEAKS_HTTP)
        say(d, DOCTOR_GOOD, where, NULL, "opens within %.0f ms", open_ms);
    else if (w->answer_ns == 0)
        say(d, DOCTOR_BAD, where, "see that the URL is that of the node's WebSocket service",
            "opens, and does not answer a subscription%s%s", w->failed ? ": " : "",
            w->failed ? w->text : "");
    else if (w->refused)
        say(d, DOCTOR_BAD, where, "a plan or provider that has subscriptions",
            "opens, and refuses a subscription: %.300s", w->text);
    else if (w->news_ns == 0)
        say(d, DOCTOR_WARN, where,
            "another provider: this one is silent, or its chain stands still",
            "takes a subscription, and sends nothing");
    else
        say(d, DOCTOR_GOOD, where, NULL,
            "opens within %.0f ms, answers within %.1f, first news after %.1f s", open_ms,
            (double)(w->answer_ns - w->open_ns) / 1e6, (double)(w->news_ns - w->open_ns) / 1e9);
}

void examine_stream(struct doctor *d, const char *where, const struct config_endpoint *endpoint,
                    enum speaks speaks, uint32_t block_ms)
{
    static const struct stream_handler handler = {on_frames, on_status};
    struct watch w = {.speaks = speaks};
    struct stream *stream = NULL;
    struct fault fault = {0};
    struct stream_options options = {.name = where, .endpoint = endpoint};
    uint64_t begun = loop_clock();
    if (stream_create(d->loop, d->connector, d->logger, &options, &handler, &w, &stream, &fault) !=
        HAWSE_OK) {
        say(d, DOCTOR_BAD, where, fault.hint, "%s", fault.message);
        return;
    }
    while (!enough(&w, begun, block_ms))
        (void)loop_step(d->loop, 50000000, 0);
    judge(d, where, &w, begun);
    stream_destroy(stream);
}
