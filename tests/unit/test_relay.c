/*
 * Private relays, bundles and sandwiches as pure functions: requests equal those of the reference
 * client byte for byte, answers are read as relays give them, and no way leads a transaction to
 * where its owner does not want it.
 */
#include "vectors.h"

#include "keys/key.h"
#include "tx/relay.h"
#include "tx/sandwich.h"

#include <hawse/eip191.h>
#include <hawse/service/intent.h>
#include <hawse/u256.h>

static void check_body(const json_t *row, const hawse_writer_t *w, int32_t code)
{
    static char text[1 << 16];
    CHECK_EQ(code, HAWSE_OK);
    memcpy(text, w->data, w->len);
    text[w->len] = '\0';
    CHECK_STR(text, text_of(row, "body"));
}

TEST(relay_bodies, "requests are those of the reference client, to the byte")
{
    json_t *root = vectors_load("flashbots-signature.json"),
           *rows = json_object_get(root, "vectors");
    static uint8_t memory[1 << 16];
    uint64_t len;
    uint8_t *raw = data_of(json_object_get(root, "bundleTx"), "raw", &len), hash[32];
    fixed_of(json_object_get(root, "bundleTx"), "hash", hash, 32);
    const hawse_view_t tx = {raw, len};
    struct relay_bundle b = {.txs = &tx,
                             .count = 1,
                             .block = 0x121eac1,
                             .max_time = 1700000000,
                             .uuid = "3c2f8b0e-5c1e-4a4b-9b7e-1d2c3b4a5f60"};
    hawse_writer_t w = hawse_writer(memory, sizeof(memory));
    check_body(json_array_get(rows, 0), &w, relay_write_send_bundle(&w, 1, &b));
    w = hawse_writer(memory, sizeof(memory));
    b.max_time = 0;
    b.min_time = 1700000000;
    check_body(json_array_get(rows, 1), &w, relay_write_call_bundle(&w, 2, &b));
    w = hawse_writer(memory, sizeof(memory));
    check_body(json_array_get(rows, 3), &w, relay_write_cancel_private(&w, 4, hash));
    memset(hash, 0xab, 32);
    w = hawse_writer(memory, sizeof(memory));
    check_body(json_array_get(rows, 4), &w, relay_write_bundle_stats(&w, 5, hash, 0x121eac1));
    free(raw);
    json_decref(root);
}

TEST(relay_calls, "what a relay says of a whole bundle names the first transaction that would fail")
{
    static const char good[] = "{\"results\":[{\"gasUsed\":1},{\"gasUsed\":2}]}";
    static const char bad[] = "{\"results\":[{\"gasUsed\":1},{\"error\":\"execution reverted\","
                              "\"revert\":\"no\\nluck\"},{\"error\":\"x\"}]}";
    struct relay_call c;
    CHECK_EQ(relay_read_call((const uint8_t *)good, strlen(good), &c), HAWSE_OK);
    CHECK(c.count == 2 && c.failed == 2 && c.reason[0] == '\0');
    CHECK_EQ(relay_read_call((const uint8_t *)bad, strlen(bad), &c), HAWSE_OK);
    CHECK(c.count == 3 && c.failed == 1);
    CHECK_STR(c.reason, "no?luck");
    CHECK_EQ(relay_read_call((const uint8_t *)"{}", 2, &c), HAWSE_E_FORMAT);
    CHECK_EQ(relay_read_call((const uint8_t *)"[", 1, &c), HAWSE_E_FORMAT);
}

TEST(relay_plain, "blocks are quantities, and endpoints that want bare digits get them")
{
    static char text[4096];
    const uint8_t raw[] = {0x02, 0xf8}, hash[32] = {1};
    const hawse_view_t tx = {raw, sizeof(raw)};
    hawse_writer_t w = hawse_writer(text, sizeof(text) - 1);
    CHECK_EQ(relay_write_send_private(&w, 3, tx, 19000026), HAWSE_OK);
    CHECK_STR(text, "{\"method\":\"eth_sendPrivateTransaction\",\"params\":[{\"tx\":\"0x02f8\","
                    "\"maxBlockNumber\":\"0x121eada\"}],\"id\":3,"
                    "\"jsonrpc\":\"2.0\"}");
    memset(text, 0, sizeof(text));
    w = hawse_writer(text, sizeof(text) - 1);
    CHECK_EQ(relay_write_raw(&w, 1, "polygon_private_tx", tx, true), HAWSE_OK);
    CHECK_STR(text, "{\"method\":\"polygon_private_tx\",\"params\":[\"02f8\"],\"id\":1,"
                    "\"jsonrpc\":\"2.0\"}");
    memset(text, 0, sizeof(text));
    w = hawse_writer(text, sizeof(text) - 1);
    CHECK_EQ(relay_write_cancel_bundle(&w, 9, "u"), HAWSE_OK);
    CHECK_STR(text, "{\"method\":\"eth_cancelBundle\",\"params\":[{\"replacementUuid\":\"u\"}],"
                    "\"id\":9,\"jsonrpc\":\"2.0\"}");
    w = hawse_writer(text, 40);
    CHECK_EQ(relay_write_cancel_private(&w, 9, hash), HAWSE_E_NOSPACE);
}

TEST(relay_bounds,
     "a bundle holds 1 to 100 transactions and 300,000 bytes, and every block its own uuid")
{
    static uint8_t raw[RELAY_BUNDLE_BYTES + 1], memory[2 * RELAY_BUNDLE_BYTES + 65536];
    static hawse_view_t txs[RELAY_BUNDLE_TXS + 1];
    char one[RELAY_UUID], other[RELAY_UUID];
    const uint8_t hash[32] = {7}, second[32] = {8};
    struct relay_bundle b = {.txs = txs, .count = RELAY_BUNDLE_TXS};
    for (int i = 0; i <= RELAY_BUNDLE_TXS; i++)
        txs[i] = (hawse_view_t){raw, RELAY_BUNDLE_BYTES / RELAY_BUNDLE_TXS};
    hawse_writer_t w = hawse_writer(memory, sizeof(memory));
    CHECK_EQ(relay_write_send_bundle(&w, 1, &b), HAWSE_OK);
    b.count++;
    CHECK_EQ(relay_write_send_bundle(&w, 1, &b), HAWSE_E_LIMIT);
    b.count = 1;
    txs[0].len = RELAY_BUNDLE_BYTES + 1;
    CHECK_EQ(relay_write_send_bundle(&w, 1, &b), HAWSE_E_LIMIT);
    b.count = 0;
    CHECK_EQ(relay_write_send_bundle(&w, 1, &b), HAWSE_E_INVAL);
    relay_uuid(hash, 5, one);
    CHECK_EQ(strlen(one), 36);
    CHECK(one[8] == '-' && one[14] == '8' && strchr("89ab", one[19]));
    relay_uuid(hash, 5, other);
    CHECK_STR(other, one);
    relay_uuid(hash, 6, other);
    CHECK(strcmp(one, other) != 0);
    relay_uuid(second, 5, other);
    CHECK(strcmp(one, other) != 0);
}

TEST(relay_headers, "the header of each request is what the reference client sends")
{
    json_t *root = vectors_load("flashbots-signature.json"), *row;
    uint8_t secret[32], digest[32];
    struct key *key;
    struct signature signature;
    char header[RELAY_HEADER];
    size_t i;
    fixed_of(json_object_get(root, "authKey"), "privateKey", secret, 32);
    CHECK_EQ(key_from_secret(KEY_SECP256K1, secret, &key, NULL), HAWSE_OK);
    json_array_foreach(json_object_get(root, "vectors"), i, row)
    {
        const char *body = text_of(row, "body");
        hawse_flashbots_digest((const uint8_t *)body, strlen(body), digest);
        CHECK_EQ(key_sign_digest(key, digest, &signature), HAWSE_OK);
        relay_header(key_public(key)->address, signature.bytes, signature.parity, header);
        CHECK_STR(header, text_of(row, "header"));
    }
    CHECK_EQ(i, 6);
    key_free(key);
    json_decref(root);
}

static int32_t hash_in(const char *text, uint8_t hash[32])
{
    return relay_read_hash((const uint8_t *)text, strlen(text), hash);
}

#define DIGITS "6c15f393bb989b44d65f8996298180d49bb7316b5ec389842da23466d667a164"

TEST(relay_answers, "hashes, cancellations and how far a bundle came are read as relays give them")
{
    uint8_t hash[32];
    bool yes;
    enum relay_stage stage;
    CHECK_EQ(hash_in("{\"bundleHash\":\"0x" DIGITS "\"}", hash), HAWSE_OK);
    CHECK_EQ(hash[0], 0x6c);
    CHECK_EQ(hash_in("{\"smart\":false,\"bundleHash\":\"0x" DIGITS "\"}", hash), HAWSE_OK);
    CHECK_EQ(hash_in("\"0x" DIGITS "\"", hash), HAWSE_OK);
    CHECK_EQ(hash_in("{\"tx_hash\":\"" DIGITS "\"}", hash), HAWSE_OK);
    CHECK_EQ(hash_in("\"0x" DIGITS "00\"", hash), HAWSE_E_FORMAT);
    CHECK_EQ(hash_in("{}", hash), HAWSE_E_FORMAT);
    CHECK_EQ(hash_in("", hash), HAWSE_E_FORMAT);
    CHECK_EQ(relay_read_cancel((const uint8_t *)"true", 4, &yes), HAWSE_OK);
    CHECK(yes);
    CHECK_EQ(relay_read_cancel((const uint8_t *)"false", 5, &yes), HAWSE_OK);
    CHECK(!yes);
    CHECK_EQ(relay_read_cancel((const uint8_t *)"7", 1, &yes), HAWSE_E_FORMAT);
    static const char *const stages[] = {
        "{\"isSimulated\":false}",
        "{\"isSimulated\":false,\"receivedAt\":\"2022-10-06T21:36:06.250Z\"}",
        "{\"isHighPriority\":true,\"isSimulated\":true,\"simulatedAt\":\"2022-10-06T21:36:06."
        "317Z\","
        "\"receivedAt\":\"2022-10-06T21:36:06.250Z\",\"consideredByBuildersAt\":[],"
        "\"sealedByBuildersAt\":[]}",
        "{\"isSimulated\":true,\"consideredByBuildersAt\":[{\"pubkey\":\"0x81\",\"timestamp\":"
        "\"t\"}],"
        "\"sealedByBuildersAt\":[]}",
        "{\"isSimulated\":true,\"consideredByBuildersAt\":[{}],\"sealedByBuildersAt\":[{}]}"};
    for (size_t i = 0; i < RELAY_STAGE_COUNT; i++) {
        CHECK_EQ(relay_read_stage((const uint8_t *)stages[i], strlen(stages[i]), &stage), HAWSE_OK);
        CHECK_EQ(stage, i);
    }
    CHECK_EQ(relay_read_stage((const uint8_t *)"null", 4, &stage), HAWSE_E_FORMAT);
    CHECK_EQ(relay_read_stage((const uint8_t *)"{", 1, &stage), HAWSE_E_FORMAT);
}

TEST(relay_targets, "a bundle goes out for the next two blocks of its range, for each once")
{
    struct relay_stay stay = {0};
    struct relay_rules rules = {.blocks = 4, .rounds = 2};
    uint64_t block = 0;
    CHECK(!relay_target(&stay, 100, &block)); /* nothing was offered */
    relay_begin(&stay, &rules, 100);          /* 101 to 104 */
    for (uint64_t want = 101; want <= 102; want++) {
        CHECK(relay_target(&stay, 100, &block));
        CHECK_EQ_U64(block, want);
    }
    CHECK(!relay_target(&stay, 100, &block));
    CHECK(relay_target(&stay, 101, &block));
    CHECK_EQ_U64(block, 103);
    CHECK(!relay_target(&stay, 101, &block));
    stay.targeted = 0; /* nobody knows what it has: once more */
    CHECK(relay_target(&stay, 101, &block));
    CHECK_EQ_U64(block, 102);
    CHECK(relay_target(&stay, 101, &block));
    CHECK(relay_target(&stay, 103, &block)); /* heads were missed */
    CHECK_EQ_U64(block, 104);
    CHECK(!relay_target(&stay, 103, &block)); /* the range ends there */
    relay_begin(&stay, &rules, 104);
    CHECK(relay_target(&stay, 104, &block));
    CHECK_EQ_U64(block, 105);
    relay_refused(&stay, 104);
    CHECK(!relay_target(&stay, 104, &block));
}

TEST(relay_fates, "the status API's words are known, and what else it says is no status")
{
    struct relay_fate f;
    static const char *const words[] = {"UNKNOWN", "PENDING", "INCLUDED", "FAILED", "CANCELLED"};
    char text[200];
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(
            text, sizeof(text),
            "{\"status\":\"%s\",\"hash\":\"0x1\",\"maxBlockNumber\":%d,\"transaction\":{},"
            "\"fastMode\":false,\"seenInMempool\":%s}",
            words[i], 100 + (int)i, i % 2 ? "true" : "false");
        CHECK_EQ(relay_read_fate((const uint8_t *)text, strlen(text), &f), HAWSE_OK);
        CHECK_EQ(f.status, i);
        CHECK_EQ(f.max_block, 100 + i);
        CHECK_EQ(f.leaked, i % 2);
    }
    CHECK_EQ(relay_read_fate((const uint8_t *)"{\"status\":\"DONE\"}", 17, &f), HAWSE_E_FORMAT);
    CHECK_EQ(relay_read_fate((const uint8_t *)"[]", 2, &f), HAWSE_E_FORMAT);
}

TEST(relay_routes,
     "every case of wish, configuration and trouble: private never goes public unasked")
{
    for (unsigned bits = 0; bits < 3u * 2 * 64; bits++) {
        struct route_case c = {.wanted = bits % 3, .usual = (enum route)(bits / 3 % 2)};
        unsigned b = bits / 6;
        enum route way;
        const char *why = NULL;
        c.relay = b & 1;
        c.fallback = b & 4;
        c.relay_down = b & 8;
        c.sandwiches = b & 16 ? 2 : 0;
        int32_t code = route_choose(&c, &way, &why);
        bool private = c.wanted == HAWSE_INTENT_ROUTE_PRIVATE ||
                       (c.wanted == HAWSE_INTENT_ROUTE_DEFAULT && c.usual != ROUTE_PUBLIC);
        CHECK(why != NULL);
        if (code != HAWSE_OK) {
            CHECK(private);
            CHECK_EQ(code, c.relay ? HAWSE_E_AGAIN : HAWSE_E_UNSUPPORTED);
            continue;
        }
        if (c.wanted == HAWSE_INTENT_ROUTE_PRIVATE)
            CHECK(way != ROUTE_PUBLIC);
        if (private && way == ROUTE_PUBLIC)
            CHECK(c.fallback && c.relay_down);
        if (way != ROUTE_PUBLIC)
            CHECK(c.relay && !c.relay_down);
        if (!private && way != ROUTE_PUBLIC)
            CHECK(c.sandwiches > 0);
    }
}

/* Looks at each head from `from` on until it is over or says something other than to wait. */
static enum relay_next until(struct relay_stay *stay, const struct relay_rules *rules,
                             struct relay_look *look, uint64_t from)
{
    for (look->head = from; look->head < from + 100; look->head++) {
        enum relay_next next = relay_look(stay, rules, look);
        if (next != RELAY_WAIT)
            return next;
    }
    return RELAY_WAIT;
}

TEST(relay_ranges,
     "a range that passed is offered again, raised, then published or made void, once")
{
    for (int fallback = 0; fallback < 2; fallback++) {
        struct relay_stay stay = {0};
        struct relay_rules rules = {.blocks = 25, .rounds = 2, .fallback = fallback};
        struct relay_look look = {.next_base = 10, .max_fee = 20};
        CHECK_EQ(until(&stay, &rules, &look, 100), RELAY_WAIT);
        relay_begin(&stay, &rules, 100);
        CHECK_EQ(stay.first, 101);
        CHECK_EQ(stay.max, 125);
        CHECK_EQ(until(&stay, &rules, &look, 100), RELAY_OFFER);
        CHECK_EQ(look.head, 125);
        look.next_base = 21;
        CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_RAISE);
        relay_begin(&stay, &rules, look.head);
        CHECK_EQ(until(&stay, &rules, &look, 125), fallback ? RELAY_PUBLISH : RELAY_VOID);
        CHECK_EQ(look.head, 150);
        CHECK_EQ(until(&stay, &rules, &look, 150), RELAY_WAIT);
    }
}

TEST(relay_troubles, "canceled, late, leaked, refused and failed ones leave as they must")
{
    struct relay_rules rules = {.blocks = 25, .rounds = 3, .status = true};
    struct relay_look look = {.head = 101, .next_base = 10, .max_fee = 20};
    struct relay_stay stay = {0};
    relay_begin(&stay, &rules, 100);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_ASK);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_WAIT);
    relay_heard(&stay, &(struct relay_fate){.status = RELAY_IS_PENDING}, 101);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_WAIT);
    relay_heard(&stay, &(struct relay_fate){.status = RELAY_IS_FAILED}, 101);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_OFFER);
    relay_begin(&stay, &rules, 101);
    relay_refused(&stay, 101);
    look.late = true; /* no new range begins after the deadline */
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_VOID);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_WAIT);
    stay = (struct relay_stay){0};
    relay_begin(&stay, &rules, 100);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_ASK); /* but the one that runs goes on */
    relay_heard(&stay, &(struct relay_fate){.status = RELAY_IS_PENDING, .leaked = true}, 101);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_WAIT);
    rules.fallback = true;
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_PUBLISH);
    stay = (struct relay_stay){0};
    rules.fallback = rules.status = false;
    look.late = false;
    relay_begin(&stay, &rules, 101);
    relay_unsure(&stay); /* once more at the next head, and once only, within the same range */
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_WAIT);
    look.head = 102;
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_REPEAT);
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_WAIT);
    CHECK_EQ(stay.rounds, 1);
    look.head = 101;
    stay = (struct relay_stay){0};
    relay_begin(&stay, &rules, 100);
    look.unwanted = true;
    CHECK_EQ(relay_look(&stay, &rules, &look), RELAY_VOID);
}

TEST(relay_limits, "each kind has its figure, and those that share one share a limit")
{
    CHECK_EQ(relay_per_minute(RELAY_SEND_BUNDLE), 1800);
    CHECK_EQ(relay_per_minute(RELAY_CANCEL_BUNDLE), 600);
    CHECK_EQ(relay_per_minute(RELAY_STATUS), 120);
    for (int i = 0; i < RELAY_KIND_COUNT; i++) {
        for (int k = 0; k < RELAY_KIND_COUNT; k++)
            CHECK_EQ(relay_limit_of((enum relay_kind)i) == relay_limit_of((enum relay_kind)k),
                     relay_per_minute((enum relay_kind)i) == relay_per_minute((enum relay_kind)k));
        CHECK(relay_limit_of((enum relay_kind)i) < RELAY_LIMITS);
    }
}

/* ---- sandwiches ---- */

static struct sandwich_swap swap(uint32_t tx, uint8_t trader, uint8_t target, bool zero_for_one)
{
    return (struct sandwich_swap){.tx = tx,
                                  .pool = {1},
                                  .trader = {trader},
                                  .target = {target},
                                  .zero_for_one = zero_for_one,
                                  .gave = hawse_u256(100),
                                  .got = hawse_u256(90)};
}

TEST(sandwiches,
     "both halves around us are found; one half, a router's crowd or a good price are not")
{
    const hawse_u256_t worse = hawse_u256(95), same = hawse_u256(90);
    struct sandwich_swap s[] = {swap(3, 9, 8, true), swap(4, 1, 2, true), swap(5, 9, 8, false)};
    struct sandwich got = sandwich_look(s, 3, 1, &worse);
    CHECK_EQ(got.verdict, SANDWICH_FOUND);
    CHECK_EQ(got.before, 0);
    CHECK_EQ(got.after, 2);
    CHECK_EQ(got.lost.limb[0], 5);
    CHECK_EQ(sandwich_look(s, 3, 1, &same).verdict, SANDWICH_NONE);
    s[2].trader[0] = 7; /* another account of the same contract */
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_FOUND);
    s[2].target[0] = 7;
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_RUN);
    s[2] = swap(5, 9, 8, true); /* the same direction: no way back */
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_RUN);
    s[2] = swap(5, 9, 8, false);
    s[2].pool[0] = 2;
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_RUN);
    s[2] = swap(4 + SANDWICH_GAP + 2, 9, 8, false); /* too far behind */
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_RUN);
    s[2].tx--;
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_FOUND);
    s[0].zero_for_one = false; /* it traded against us: we got more by it */
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_NONE);
    s[0] = swap(3, 9, 2, true); /* the router that we use too */
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_NONE);
    s[0] = swap(4, 9, 8, true); /* in our own transaction */
    CHECK_EQ(sandwich_look(s, 3, 1, &worse).verdict, SANDWICH_NONE);
}

TEST(sandwich_counts, "sandwiches are counted over a window of blocks")
{
    struct sandwich_count c = {0};
    CHECK_EQ(sandwich_lately(&c, 100, 50), 0);
    sandwich_add(&c, 60);
    sandwich_add(&c, 90);
    CHECK_EQ(sandwich_lately(&c, 100, 50), 2);
    CHECK_EQ(sandwich_lately(&c, 100, 40), 1);
    CHECK_EQ(sandwich_lately(&c, 80, 50),
             1); /* after a reorganisation: the other is not there yet */
    for (uint64_t i = 0; i < 40; i++)
        sandwich_add(&c, 200);
    CHECK_EQ(sandwich_lately(&c, 200, 50), SANDWICH_KEPT);
    CHECK_EQ_U64(c.total, 42);
}

#define H(digit)                                                                                   \
    "0x" digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit \
        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
            digit digit
#define POOL_A       "0x00000000000000000000000000000000000000aa"
#define WORD_OF(end) "00000000000000000000000000000000000000000000000000000000000000" end
#define SWAP(pool, topic, data, tx, index)                                    \
    "{\"address\":\"" pool "\",\"topics\":[\"" topic "\"],\"data\":\"0x" data \
    "\",\"transactionHash\":\"" tx "\",\"transactionIndex\":\"" index "\"}"
#define FORWARD  WORD_OF("07") WORD_OF("00") WORD_OF("00") WORD_OF("05")
#define BACKWARD WORD_OF("00") WORD_OF("04") WORD_OF("09") WORD_OF("00")
/* 6 of token 0 to the pool, 5 of token 1 from it */
#define FORWARD_3                                                                                  \
    WORD_OF("06")                                                                                  \
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffb" WORD_OF("00") WORD_OF("00") \
        WORD_OF("00")

static uint8_t padded_text[8192];

static int32_t read_logs(const char *text, struct sandwich_swap *out, uint32_t cap, uint32_t *count)
{
    uint8_t ours[32];
    memset(ours, 0x22, sizeof(ours));
    memset(padded_text, 0, sizeof(padded_text));
    memcpy(padded_text, text, strlen(text));
    return sandwich_logs(padded_text, strlen(text), ours, out, cap, count);
}

static int32_t read_block(const char *text, struct sandwich_swap *swaps, uint32_t count)
{
    memset(padded_text, 0, sizeof(padded_text));
    memcpy(padded_text, text, strlen(text));
    return sandwich_traders(padded_text, strlen(text), swaps, count);
}

TEST(sandwich_reads,
     "swaps near ours in our pools are read from logs, and who made them from the block")
{
    struct sandwich_swap s[8];
    uint32_t n = 0;
    static const char logs[] = "[" SWAP(POOL_A, SANDWICH_V2, FORWARD, H("11"), "0x1") "," //
        SWAP(POOL_A, SANDWICH_V3, FORWARD_3, H("22"), "0x2") ","                          //
        SWAP(POOL_A, SANDWICH_V2, BACKWARD, H("33"), "0x3") ","                           //
        SWAP("0x00000000000000000000000000000000000000bb", SANDWICH_V2, BACKWARD, H("33"),
             "0x3") ","                                         /* not our pool */
        SWAP(POOL_A, SANDWICH_V2, BACKWARD, H("44"), "0x9") "," /* too far behind */
        SWAP(POOL_A, H("55"), BACKWARD, H("44"), "0x3") ","     /* another event */
        SWAP(POOL_A, SANDWICH_V2, WORD_OF("07"), H("44"), "0x3") "]";
    CHECK_EQ(read_logs(logs, s, 8, &n), HAWSE_OK);
    CHECK_EQ(n, 3);
    CHECK(!s[0].ours && s[1].ours && s[0].zero_for_one && s[1].zero_for_one && !s[2].zero_for_one);
    CHECK_EQ_U64(s[0].gave.limb[0], 7);
    CHECK_EQ_U64(s[0].got.limb[0], 5);
    CHECK_EQ_U64(s[1].gave.limb[0], 6);
    CHECK_EQ_U64(s[1].got.limb[0], 5);
    CHECK_EQ_U64(s[2].gave.limb[0], 4);
    CHECK_EQ_U64(s[2].got.limb[0], 9);
    static const char block[] =
        "{\"transactions\":[{},{\"from\":\"" POOL_A "\",\"to\":\"" POOL_A "\"},{\"from\":\"" POOL_A
        "\",\"to\":null},{\"from\":\"" POOL_A "\",\"to\":\"" POOL_A "\"}]}";
    CHECK_EQ(read_block(block, s, n), HAWSE_OK);
    CHECK(s[0].trader[19] == 0xaa && s[0].target[19] == 0xaa && s[1].target[19] == 0);
    CHECK_EQ(read_block("{\"transactions\":[{},{}]}", s, n), HAWSE_E_FORMAT);
    CHECK_EQ(read_block("{}", s, n), HAWSE_E_FORMAT);
    CHECK_EQ(read_block("[]", s, n), HAWSE_E_FORMAT);
    CHECK_EQ(read_logs(logs, s, 2, &n), HAWSE_OK);
    CHECK_EQ(n, 2);
    CHECK_EQ(read_logs("[]", s, 8, &n), HAWSE_OK);
    CHECK_EQ(n, 0);
    static const char *const bad[] = {"{}",
                                      "[7]",
                                      "[{}]",
                                      "[" SWAP(POOL_A, SANDWICH_V2, FORWARD, "0x1", "0x1") "]",
                                      "[" SWAP("0x1", SANDWICH_V2, FORWARD, H("11"), "0x1") "]",
                                      "[" SWAP(POOL_A, SANDWICH_V2, FORWARD, H("11"), "1") "]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_logs(bad[i], s, 8, &n) != HAWSE_E_FORMAT)
            FAIL("taken: %s", bad[i]);
    }
}
