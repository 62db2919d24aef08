/*
 * The quickstart's feeds: what they say of themselves is consistent round after round, and books
 * have the check values that the venue would give.
 */
#include "app/feed/world.h"
#include "harness.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static json_t *last;      /* what was sent last */
static uint64_t received; /* how much */

void feed_send(struct feed_subscriber *to, const char *text)
{
    CHECK(to != NULL);
    json_decref(last);
    last = json_loads(text, 0, NULL);
    CHECK(last != NULL);
    received++;
}

static const struct feed_world *world;
static void *state;
static struct feed_subscriber client;

static json_t *kept; /* what a test reads, freed at its end */

static json_t *keep(json_t *value)
{
    if (value)
        (void)json_array_append_new(kept, value);
    return value;
}

static void load(const char *name)
{
    kept = json_array();
    char path[512];
    struct fault fault = {0};
    (void)snprintf(path, sizeof(path), "%s/../packaging/quickstart/%s-sample.ndjson",
                   test_source_dir(), name);
    if (feed_world_load(path, &world, &state, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
}

static void finish(void)
{
    feed_subscriber_finish(&client);
    world->destroy(state);
    json_decref(kept);
    json_decref(last);
}

static json_t *ask(const char *path, const char *text)
{
    int status = 0;
    char *answer = world->request(state, path, text, strlen(text), &status);
    json_t *out = keep(json_loads(answer, 0, NULL));
    free(answer);
    CHECK_EQ(status, 200);
    return out;
}

static json_t *say(const char *text)
{
    char *answer = world->message(state, &client, text, strlen(text));
    json_t *out = answer ? keep(json_loads(answer, 0, NULL)) : NULL;
    free(answer);
    return out;
}

/* The check value that the sample has for the frame's last book or change. */
static const char *value_of(json_t *frame)
{
    json_t *list = json_object_get(frame, "price_changes");
    if (json_is_array(frame))
        frame = json_array_get(frame, json_array_size(frame) - 1);
    if (list)
        frame = json_array_get(list, json_array_size(list) - 1);
    return json_string_value(json_object_get(frame, "hash"));
}

TEST(check_values, "each book has the check value that the sample's maker computed for it")
{
    char path[512], text[32768];
    uint64_t compared = 0;
    load("polymarket");
    (void)snprintf(path, sizeof(path), "%s/../packaging/quickstart/polymarket-sample.ndjson",
                   test_source_dir());
    FILE *f = fopen(path, "re");
    CHECK(f && fgets(text, sizeof(text), f));
    json_t *markets = json_object_get(keep(json_loads(text, 0, NULL)), "markets"), *market;
    json_t *assets = keep(json_array());
    size_t i;
    json_array_foreach(markets, i, market)
    {
        (void)json_array_extend(assets, json_object_get(market, "asset_ids"));
    }
    char *list = json_dumps(keep(json_pack("{s:O}", "assets_ids", assets)), JSON_COMPACT);
    CHECK(say(list) == NULL); /* nothing was played: no dump */
    while (fgets(text, sizeof(text), f)) {
        json_t *frame = json_object_get(keep(json_loads(text, 0, NULL)), "frame");
        uint64_t before = received;
        world->play(state, &client);
        CHECK_EQ_U64(received, before + 1);
        if (!value_of(frame))
            continue;
        CHECK_STR(value_of(last), value_of(frame));
        compared++;
    }
    CHECK(compared > 100);
    for (i = 0; i < 50; i++) /* of the next round: later */
        world->play(state, &client);
    const json_t *event = json_is_array(last) ? json_array_get(last, 0) : last;
    const char *when = json_string_value(json_object_get(event, "timestamp"));
    CHECK(when && strtoull(when, NULL, 10) > 1780449126930u + 74000u);
    json_t *dump = say(list);
    CHECK_EQ(json_array_size(dump), 6);
    free(list);
    (void)fclose(f);
    finish();
}

TEST(solana_rounds,
     "slots go on in later rounds, each on its parent, and questions agree with them")
{
    json_int_t slot = 0;
    load("solana");
    CHECK_EQ(json_integer_value(
                 json_object_get(say("{\"id\":1,\"method\":\"slotSubscribe\"}"), "result")),
             0);
    for (int i = 0; i < 1400; i++) {
        uint64_t before = received;
        world->play(state, &client);
        if (received == before)
            continue;
        json_t *result = json_object_get(json_object_get(last, "params"), "result");
        CHECK(slot == 0 || json_integer_value(json_object_get(result, "parent")) == slot);
        slot = json_integer_value(json_object_get(result, "slot"));
    }
    CHECK(slot > 700);
    json_t *answer = ask("/", "{\"id\":1,\"method\":\"getSlot\"}");
    CHECK_EQ(json_integer_value(json_object_get(answer, "result")), slot);
    answer = ask("/", "{\"id\":1,\"method\":\"getSignaturesForAddress\",\"params\":["
                      "\"6FfRoWvmy7wwztQCFmhx5hb2kE5FBKaTMejKmsYs2weZ\"]}");
    json_t *seen = keep(json_object()), *item, *list = json_object_get(answer, "result");
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *signature = json_string_value(json_object_get(item, "signature"));
        CHECK(signature && !json_object_get(seen, signature)); /* each round has its own */
        (void)json_object_set_new(seen, signature, json_true());
    }
    CHECK(json_array_size(list) > 200);
    finish();
}

TEST(refusals, "a sample that is none is refused with its line")
{
    static const char *const texts[] = {
        "{}\n",
        "{\"protocol\":\"tcp\"}\n",
        "{\"format\":\"hawse-websocket-sample\",\"protocol\":\"solana\"}\n",
        "{\"format\":\"hawse-websocket-sample\",\"protocol\":\"polymarket\"}\n{\"t_ms\":-1}\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct fault fault = {0};
        FILE *f = fmemopen((void *)(uintptr_t)texts[i], strlen(texts[i]), "r");
        CHECK(feed_world_read(f, "bad", &world, &state, &fault) < 0);
        CHECK(strncmp(fault.message, "bad:", 4) == 0);
        (void)fclose(f);
    }
}

/* ---- Balancer's Vault ---- */

static json_t *header;

/* The low 32 bits of the word of hexadecimal digits at a place. */
static size_t small_at(const char *text, size_t at)
{
    char digits[9] = {0};
    memcpy(digits, text + at + 56, 8);
    return strtoul(digits, NULL, 16);
}

/* What the feed says the pool has of its tokens, as hexadecimal digits, in order. */
static void balances_of(const char *id, char out[8][65], size_t *count)
{
    char text[400];
    const char *vault =
        json_string_value(json_object_get(json_object_get(header, "balancer"), "vault"));
    (void)snprintf(text, sizeof(text),
                   "{\"id\":1,\"method\":\"eth_call\",\"params\":[{\"to\":\"%s\",\"data\":"
                   "\"0xf94d4668%.64s\"},\"latest\"]}",
                   vault, id + 2);
    const char *result = json_string_value(json_object_get(ask("/", text), "result"));
    CHECK(result && strlen(result) > 2 + 5 * 64);
    size_t at = 2 + 2 * small_at(result, 2 + 64);
    CHECK(at + 64 < strlen(result));
    *count = small_at(result, at);
    CHECK(*count >= 2 && *count <= 8 && strlen(result) == 2 + (5 + 2 * *count) * 64);
    for (size_t i = 0; i < *count; i++) {
        memcpy(out[i], result + at + 64 + 64 * i, 64);
        out[i][64] = '\0';
    }
}

static double number_of(const char *digits)
{
    double n = 0;
    for (; *digits; digits++)
        n = n * 16 + (double)(*digits <= '9' ? *digits - '0' : *digits - 'a' + 10);
    return n;
}

TEST(vault_rounds, "Balancer's pools move with the Vault's logs and end each round as it began")
{
    char first[8][65], now[8][65];
    size_t count, moved = 0, tokens = 0;
    load("gnosis");
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/../packaging/quickstart/gnosis-sample.ndjson",
                   test_source_dir());
    FILE *f = fopen(path, "re");
    CHECK(f != NULL);
    header = keep(json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL));
    (void)fclose(f);
    json_t *pools = json_object_get(json_object_get(header, "balancer"), "pools");
    json_t *end = json_object_get(header, "end");
    json_int_t frames = json_integer_value(json_object_get(end, "frames"));
    CHECK(json_array_size(pools) == 2 &&
          json_integer_value(json_object_get(end, "vault_swaps")) > 50);
    for (size_t p = 0; p < 2; p++) {
        const json_t *pool = json_array_get(pools, p);
        const char *id = json_string_value(json_object_get(pool, "id"));
        const char *address = json_string_value(json_object_get(pool, "address"));
        balances_of(id, first, &count);
        for (int round = 0; round < 2; round++) {
            for (json_int_t i = 0; i < frames / 2; i++)
                world->play(state, &client);
            balances_of(id, now, &count);
            for (size_t i = 0; i < count; i++)
                moved += strcmp(first[i], now[i]) != 0;
            for (json_int_t i = frames / 2; i < frames; i++)
                world->play(state, &client);
        }
        balances_of(id, now, &count);
        for (size_t i = 0; i < count; i++) {
            const char *token =
                json_string_value(json_array_get(json_object_get(pool, "tokens"), i));
            if (strcasecmp(token, address) == 0)
                continue; /* the pool's own share */
            tokens++;
            double less = number_of(now[i]) - number_of(first[i]);
            CHECK(less <= 8 * 1e15 && less >= -8 * 1e15); /* a double's last digits */
            CHECK(memcmp(first[i], now[i], 50) == 0);
        }
    }
    CHECK(tokens == 5 && moved >= 8);
    finish();
}
