/*
 * Any bytes as a sample file of the feed: refused in words, or played for two rounds to a client
 * that has subscribed to what it holds and asks the usual questions.
 */
#include "app/feed/world.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAMES = 400, CUT = 8 };

void feed_send(struct feed_subscriber *to, const char *text)
{
    if (!to || !text)
        abort();
}

static void ask(const struct feed_world *world, void *state, struct feed_subscriber *from)
{
    static const char *const texts[] = {
        "PING",
        "{\"assets_ids\":[\"1\",\"2\"],\"type\":\"market\"}",
        "{\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}",
        "{\"id\":2,\"method\":\"eth_subscribe\",\"params\":[\"logs\",{}]}",
        "{\"id\":3,\"method\":\"slotSubscribe\"}",
        "{\"id\":4,\"method\":\"accountSubscribe\",\"params\":[\"a\"]}",
        "{\"id\":5,\"method\":\"logsSubscribe\",\"params\":[{\"mentions\":[\"b\"]}]}",
        "[{\"id\":6,\"method\":\"eth_getLogs\",\"params\":[{}]},{\"id\":7,\"method\":\"getSlot\"}]",
        "{\"id\":8,\"method\":\"getMultipleAccounts\",\"params\":[[\"a\",\"c\"]]}",
        "{\"id\":9,\"method\":\"getSignaturesForAddress\",\"params\":[\"b\",{\"limit\":3}]}",
        "{\"id\":10,\"method\":\"getTransaction\",\"params\":[\"s\"]}",
        "{\"id\":11,\"method\":\"getBlocks\",\"params\":[0,100]}",
        "[{\"token_id\":\"1\"}]",
    };
    static const char *const paths[] = {"/", "/book?token_id=1", "/books", "/clob-markets/m"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int status = 0;
        free(world->message(state, from, texts[i], strlen(texts[i])));
        char *answer = world->request(state, paths[i % 4], texts[i], strlen(texts[i]), &status);
        if (!answer || status == 0)
            abort();
        free(answer);
    }
}

static void play(const struct feed_world *world, void *state)
{
    struct feed_subscriber client = {.next = NULL};
    char what[CUT];
    world->describe(state, what, sizeof(what));
    ask(world, state, &client);
    for (int i = 0; i < FRAMES; i++) {
        if (world->due_ms(state) < 0)
            abort();
        world->play(state, &client);
    }
    ask(world, state, &client);
    feed_subscriber_finish(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct feed_world *world = NULL;
    void *state = NULL;
    struct fault fault = {0};
    FILE *f = size > 0 ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
    if (!f)
        return 0;
    int32_t code = feed_world_read(f, "sample", &world, &state, &fault);
    (void)fclose(f);
    if ((code == HAWSE_OK) != (state != NULL) || (code != HAWSE_OK && !fault.message[0]))
        abort();
    if (state) {
        play(world, state);
        world->destroy(state);
    }
    return 0;
}
