/*
 * The Polymarket venue handed over to another build of itself in the middle of books, gaps,
 * questions, trades, a wallet's fills and the account's orders: it does what one that was left
 * alone does, and what no build of ours has saved is refused.
 */
#include "harness.h"
#include "polymarket_world.h"

#include <stdio.h>

#define YES    "71321045679252212594626385532706912750332728571942532289631379312455583992563"
#define NO     "52114319501245915516055106046884209969926127482827954674443846427813813222426"
#define MARKET "0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1"
#define TX     "0x8a59cf76106f7c530f99853a467de426018d3e68beb53ec3e66a0b4315c08beb"

enum { FRAME, FEED, GOOD, BAD, CLOSE = STEP_CLOSE, TIME = STEP_TIME, ROOM = STEP_ROOM };
enum { USER = STEP_USER };

static uint8_t steps[1 << 16];
static size_t steps_len;

/* A step; of TIME and CLOSE the length alone counts. */
static void add(uint8_t kind, const char *text, size_t len)
{
    CHECK(steps_len + 3 + len < sizeof(steps));
    steps[steps_len++] = kind;
    steps[steps_len++] = (uint8_t)(len >> 8);
    steps[steps_len++] = (uint8_t)len;
    if (text)
        memcpy(steps + steps_len, text, len);
    else
        memset(steps + steps_len, 'x', len);
    steps_len += len;
}

static void say(uint8_t kind, const char *text)
{
    add(kind, text, strlen(text));
}

/* 10 ms times the square. */
static void pass(size_t n)
{
    add(TIME, NULL, n);
}

static void books(int ms)
{
    char text[2048];
    (void)snprintf(
        text, sizeof(text),
        "[{\"market\":\"" MARKET "\",\"asset_id\":\"" YES
        "\",\"timestamp\":\"1780449%06d\",\"hash\":\"e6aa462a711d2773ad6712571c0984eb1b5b47cb"
        "\",\"bids\":[{\"price\":\"0.01\",\"size\":\"441256\"},{\"price\":\"0.54\",\"size\":"
        "\"2300.02\"}],\"asks\":[{\"price\":\"0.990\",\"size\":\"679550\"},{\"price\":\"0.56\","
        "\"size\":\"2669.55\"}],\"tick_size\":\"0.01\",\"min_order_size\":\"5\",\"neg_risk\":"
        "false,\"event_type\":\"book\",\"last_trade_price\":\"0.55\"},"
        "{\"market\":\"" MARKET "\",\"asset_id\":\"1\",\"timestamp\":\"1780449%06d\",\"hash\":"
        "\"\",\"bids\":[],\"asks\":[{\"price\":\"0.5\",\"size\":\"1\"}],\"event_type\":\"book\"}]",
        ms, ms);
    say(FRAME, text);
}

static void change(int ms, const char *price, const char *size)
{
    char text[1024];
    (void)snprintf(
        text, sizeof(text),
        "{\"market\":\"" MARKET "\",\"price_changes\":[{\"asset_id\":\"" YES
        "\",\"price\":\"%s\",\"size\":\"%s\",\"side\":\"BUY\",\"hash\":"
        "\"35840ce7f88a2ddc1e7fee6aeb3755cf8afc7a5c\",\"best_bid\":\"0.54\",\"best_ask\":"
        "\"0.56\"}],\"timestamp\":\"1780449%06d\",\"event_type\":\"price_change\"}",
        price, size, ms);
    say(FRAME, text);
}

static void trade(int ms)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "{\"market\":\"" MARKET "\",\"asset_id\":\"" YES
                   "\",\"price\":\"0.55\",\"size\":\"10\",\"side\":\"BUY\",\"fee_rate_bps\":\"0\","
                   "\"timestamp\":\"1780449%06d\",\"transaction_hash\":\"" TX
                   "\",\"event_type\":\"last_trade_price\"}",
                   ms);
    say(FRAME, text);
}

/* All that is asked about is answered so; what does not fit is malformed to it. */
static void answers(void)
{
    say(GOOD, "{\"limit\":500,\"count\":0,\"next_cursor\":\"LTE=\",\"data\":[]}");
    say(GOOD,
        "{\"data\":[{\"proxy_wallet\":\"0x7c3db723f1d4d8cb9c550095203b686cb11e5c6b\",\"side\":"
        "\"BUY\",\"token_id\":\"" NO "\",\"size\":50,\"price\":0.01,\"timestamp\":1780449400,"
        "\"transaction_hash\":\"" TX "\"}],\"pagination\":{\"next_cursor\":null}}");
    say(GOOD, "{\"c\":\"" MARKET "\",\"t\":[{\"t\":\"" YES "\",\"o\":\"Yes\"},{\"t\":\"" NO
              "\",\"o\":\"No\"}],\"fd\":{\"r\":0.04,\"e\":1}}");
    say(BAD, "{\"error\":\"x\"}");
}

static void own(void)
{
    say(USER, "PONG");
    say(USER,
        "{\"event_type\":\"order\",\"id\":\"" TX "\",\"market\":\"" MARKET "\",\"asset_id\":\"" YES
        "\",\"side\":\"BUY\",\"original_size\":\"4.99\",\"size_matched\":\"0\",\"price\":\"0.83\","
        "\"type\":\"PLACEMENT\",\"created_at\":\"1780449200\",\"expiration\":\"0\",\"order_type\":"
        "\"GTC\",\"status\":\"LIVE\",\"maker_address\":"
        "\"0xd93b25cb943d14d0d34fbaf01fc93a0f8b5f6e47\","
        "\"timestamp\":\"1780449200137\"}");
}

/* A long life: everything that is remembered is remembered at some step of it. */
static void script(void)
{
    steps_len = 0;
    for (int round = 0; round < 6; round++) {
        int ms = 126000 + round * 10000;
        books(ms);
        pass(8);
        answers();
        change(ms + 100, "0.54", "12.5");
        trade(ms + 100);
        say(FEED, "{\"payload\":{\"proxyWallet\":\"0x7C3Db723F1D4d8cB9C550095203b686cB11E5C6B\"}}");
        add(ROOM, NULL, 0);
        change(ms + 200, "0.53", "7");
        trade(ms + 300);
        own();
        add(CLOSE, NULL, (size_t)round); /* one of its streams is lost, and back */
        pass(12);
        answers();
        if (round % 2) /* its connection is back, and so is its book */
            books(ms + 400);
        change(ms + 500, "0.540", "3");
        pass(20);
        answers();
    }
}

static uint64_t live(bool hands_over, uint64_t *published)
{
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    void *state = world_run(plugin, world_begin(plugin, hands_over), steps, steps_len);
    *published = world.published;
    world_end(plugin, state);
    return world.trace;
}

TEST(the_same,
     "an instance that is handed over after every step does what one does that is left alone")
{
    uint64_t alone, handed;
    script();
    uint64_t trace = live(false, &alone);
    CHECK(alone > 60);
    CHECK_EQ_U64(live(true, &handed), trace);
    CHECK_EQ_U64(handed, alone);
}

/* What the script leaves at 0 would come back as 0 in any case. */
static void fill(struct pm *p)
{
    struct asset *a = &p->assets[0];
    uint64_t *numbers[] = {&a->said_bid,
                           &a->said_ask,
                           &a->mismatch_ns,
                           &a->gap_from,
                           &a->gap_to,
                           &a->missed_ts,
                           &a->subscribed_ns,
                           &a->resynced_ns,
                           &a->audited_ns,
                           &a->suspect_ts,
                           &a->suspect_ns,
                           &a->lost.to_ms,
                           &a->lost.due_ns,
                           &a->since_ms,
                           &p->pause_ns,
                           &p->complaint_ns,
                           &p->rtds_ping_ns,
                           &p->rtds_heard_ns,
                           &p->missed.retry_ns,
                           &p->missed.from_ms,
                           &p->account.newest_ms,
                           &p->account.forgotten_s,
                           &p->account.scan.after_s,
                           &p->wallets[0].watermark};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        *numbers[i] = 1000 + i;
    a->mismatches = 1;
    a->distrust = 2;
    a->nameless = a->said = a->neg_risk = true;
    a->winner[3] = 4;
    a->told[1].size_mantissa = 5;
    p->failures = 6;
    p->wallets[0].failures = 7;
    p->wallets[0].gap = true;
    p->missed.failures = 8;
    p->account.gap = p->account.by_wallet = true;
    p->account.doubts[1][0] = 9;
    p->account.doubt_count[1] = 1;
    p->connections[0].silent = 10;
}

TEST(round, "what was restored saves the very bytes that it was made of")
{
    static uint8_t first[1 << 16], second[1 << 16];
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    uint64_t len[2];
    void *made = NULL;
    script();
    struct pm *p = world_run(plugin, world_begin(plugin, false), steps, steps_len);
    fill(p);
    CHECK(p->account.order_count > 0 && p->missed.told[0].ms > 0);
    CHECK_EQ(i->save(p, first, sizeof(first), &len[0]), HAWSE_OK);
    CHECK_EQ(i->restore(&host, 1, hawse_text(world_settings), (hawse_view_t){first, len[0]}, &made),
             HAWSE_OK);
    CHECK_EQ(i->save(made, second, sizeof(second), &len[1]), HAWSE_OK);
    CHECK_EQ_U64(len[1], len[0]);
    CHECK_MEM(second, first, len[0]);
    plugin->destroy(made);
    world_end(plugin, p);
}

struct saved {
    uint8_t bytes[1 << 16];
    uint64_t len;
};

/* What one in the middle of the script saves. */
static void save(struct saved *s)
{
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    script();
    void *state = world_run(plugin, world_begin(plugin, false), steps, steps_len * 2 / 3);
    CHECK_EQ(i->save(state, s->bytes, sizeof(s->bytes), &s->len), HAWSE_OK);
    uint64_t need = 0;
    CHECK_EQ(i->save(state, s->bytes, s->len - 1, &need), HAWSE_E_NOSPACE);
    CHECK_EQ_U64(need, s->len);
    CHECK_EQ(i->save(state, s->bytes, s->len, &need), HAWSE_OK);
    plugin->destroy(state);
}

static int32_t restore(const struct saved *s, uint64_t len, const char *settings)
{
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    uint8_t *exact = malloc(len + 1);
    void *made = NULL;
    memcpy(exact, s->bytes, len);
    int32_t code = i->restore(&host, 1, hawse_text(settings), (hawse_view_t){exact, len}, &made);
    if (code == HAWSE_OK)
        plugin->destroy(made);
    free(exact);
    return code;
}

TEST(refused, "a state that is cut short, of another format or of other settings is refused")
{
    static struct saved s;
    save(&s);
    CHECK_EQ(restore(&s, s.len, world_settings), HAWSE_OK);
    for (uint64_t len = 0; len < s.len; len += len < 2000 ? 1 : 101)
        CHECK_EQ(restore(&s, len, world_settings), HAWSE_E_FORMAT);
    CHECK_EQ(restore(&s, s.len, "{\"assets\":[\"2\"]}"), HAWSE_E_FORMAT);
    CHECK_EQ(restore(&s, s.len, "{}"), HAWSE_E_FORMAT);
    s.bytes[0]++;
    CHECK_EQ(restore(&s, s.len, world_settings), HAWSE_E_FORMAT);
}

TEST(garbled, "a state of which any byte is another one is refused, or taken and does no harm")
{
    static struct saved s;
    uint32_t refusals = 0;
    save(&s);
    for (uint64_t at = 0; at < s.len; at += 3) {
        uint8_t was = s.bytes[at];
        s.bytes[at] = at % 2 ? 0xff : (uint8_t)(was ^ 0x80);
        refusals += restore(&s, s.len, world_settings) != HAWSE_OK;
        s.bytes[at] = was;
    }
    CHECK(refusals > 50);
    CHECK_EQ(restore(&s, s.len, world_settings), HAWSE_OK);
}

TEST(book, "a book whose levels are none, or not in the venue's order, is refused")
{
    static struct saved s;
    save(&s);
    uint8_t *level = memmem(s.bytes, s.len, "0.01441256", 10);
    CHECK(level != NULL);
    level[3] = 'x';
    CHECK_EQ(restore(&s, s.len, world_settings), HAWSE_E_FORMAT);
    memcpy(level, "0.99441256", 10); /* the first bid is the lowest */
    CHECK_EQ(restore(&s, s.len, world_settings), HAWSE_E_FORMAT);
    memcpy(level, "0.01441256", 10);
    CHECK_EQ(restore(&s, s.len, world_settings), HAWSE_OK);
}

TEST(unfollowed, "the book of an asset that has no connection is nobody's, and is not taken")
{
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    struct pm *p = world_begin(plugin, false);
    p->assets[1].connection = NONE;
    steps_len = 0;
    books(126000);
    (void)world_run(plugin, p, steps, steps_len);
    CHECK_EQ(p->assets[0].phase, ASSET_LIVE);
    CHECK_EQ(p->assets[1].phase, ASSET_WAITING);
    world_end(plugin, p);
}
