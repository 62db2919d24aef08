/*
 * What decides about a Solana transaction: blockhashes that are never used when they are too old,
 * and answers of nodes that count only when they have their exact form. The texts are those of a
 * node of version 2 (Agave), shortened.
 */
#include "tx/solana_answer.h"
#include "tx/solana_hash.h"

#include "harness.h"

#include <hawse/hawse.h>
#include <stdio.h>
#include <string.h>

enum { SECOND = 1000000000, BASE = 1000 };

static struct solana_hashes fresh(uint64_t now_ns, uint64_t height)
{
    struct solana_hashes h = {0};
    solana_hashes_asked(&h, now_ns);
    CHECK_EQ(solana_hashes_told(&h, height + 50, (const uint8_t[32]){1}, height + 150), HAWSE_OK);
    return h;
}

TEST(solana_hash_age, "a blockhash is given out for 60 s at most and with 40 blocks left at least")
{
    uint64_t t0 = 100ull * SECOND;
    struct solana_hashes h = fresh(t0, BASE);
    hawse_solana_life_t life;
    h.slot_ms = 100000; /* slow blocks: age decides */
    CHECK_EQ(solana_hashes_get(&h, t0 + 60ull * SECOND, &life), HAWSE_OK);
    CHECK_EQ(life.kind, HAWSE_SOLANA_LIFE_BLOCKHASH);
    CHECK_EQ_U64(life.last_block_height, BASE + 150);
    CHECK_EQ(life.hash[0], 1);
    CHECK_EQ(solana_hashes_get(&h, t0 + 60ull * SECOND + 1, &life), HAWSE_E_AGAIN);
    h.slot_ms = 0; /* 400 ms: 110 blocks are gone after 44 s, whether or not anybody tells */
    CHECK_EQ(solana_hashes_get(&h, t0 + 44ull * SECOND, &life), HAWSE_OK);
    CHECK_EQ(solana_hashes_get(&h, t0 + 45ull * SECOND, &life), HAWSE_E_AGAIN);
    solana_hashes_height(&h, BASE + 170, BASE + 110, t0 + SECOND);
    CHECK_EQ(solana_hashes_get(&h, t0 + SECOND, &life), HAWSE_OK);
    solana_hashes_height(&h, BASE + 171, BASE + 111, t0 + SECOND);
    CHECK_EQ(solana_hashes_get(&h, t0 + SECOND, &life), HAWSE_E_AGAIN);
    CHECK_EQ_U64(solana_hashes_left(&h, BASE + 150, t0 + SECOND), 39);
    CHECK_EQ_U64(solana_hashes_left(&h, BASE + 150, t0 + 60ull * SECOND), 0);
}

TEST(solana_hash_refresh, "the next is asked for after 12 s, after 1 s in vain, and never twice")
{
    struct solana_hashes h = {0};
    hawse_solana_life_t life;
    CHECK_EQ(solana_hashes_get(&h, 0, &life), HAWSE_E_AGAIN);
    CHECK_EQ_U64(solana_hashes_left(&h, 5, 0), 0);
    CHECK(solana_hashes_due(&h, SECOND));
    solana_hashes_asked(&h, SECOND);
    CHECK(!solana_hashes_due(&h, 2ull * SECOND));
    CHECK(solana_hashes_due(&h, 11ull * SECOND)); /* nobody answered */
    solana_hashes_failed(&h, 3ull * SECOND);
    CHECK(!solana_hashes_due(&h, 4ull * SECOND - 1));
    CHECK(solana_hashes_due(&h, 4ull * SECOND));
    solana_hashes_asked(&h, 4ull * SECOND);
    CHECK_EQ(solana_hashes_told(&h, 500, (const uint8_t[32]){2}, 600), HAWSE_OK);
    CHECK(!solana_hashes_due(&h, 16ull * SECOND - 1));
    CHECK(solana_hashes_due(&h, 16ull * SECOND));
}

TEST(solana_hash_lagging, "what a lagging node tells is dropped, and the same one is not younger")
{
    uint64_t t0 = 100ull * SECOND;
    struct solana_hashes h = fresh(t0, BASE);
    solana_hashes_asked(&h, t0 + 12ull * SECOND);
    CHECK_EQ(solana_hashes_told(&h, BASE + 49, (const uint8_t[32]){2}, BASE + 160), HAWSE_E_STALE);
    CHECK_EQ(solana_hashes_told(&h, BASE + 60, (const uint8_t[32]){2}, BASE + 149), HAWSE_E_STALE);
    CHECK_EQ(solana_hashes_told(&h, BASE, (const uint8_t[32]){2}, BASE + 151), HAWSE_E_RANGE);
    CHECK_EQ(solana_hashes_told(&h, BASE, (const uint8_t[32]){2}, 149), HAWSE_E_RANGE);
    CHECK_EQ(h.hash[0], 1);
    CHECK_EQ(solana_hashes_told(&h, BASE + 60, (const uint8_t[32]){1}, BASE + 150), HAWSE_OK);
    CHECK_EQ_U64(h.asked_ns, t0);
    solana_hashes_height(&h, BASE + 90, BASE + 30, t0 + 13ull * SECOND);
    solana_hashes_asked(&h, t0 + 24ull * SECOND);
    CHECK_EQ(solana_hashes_told(&h, BASE + 89, (const uint8_t[32]){3}, BASE + 180), HAWSE_E_STALE);
    CHECK_EQ(solana_hashes_told(&h, BASE + 90, (const uint8_t[32]){3}, BASE + 180), HAWSE_OK);
    CHECK_EQ_U64(h.asked_ns, t0 + 24ull * SECOND);
    CHECK_EQ_U64(h.min_slot, BASE + 90);
}

/* ---- answers ---- */

/* A text with the padding that readers need. */
static struct solana_text text_of(const char *text)
{
    static uint8_t bytes[65536 + HAWSE_PADDING];
    static uint32_t marks[SOLANA_MARKS];
    size_t len = strlen(text);
    CHECK(len <= 65536);
    memcpy(bytes, text, len);
    memset(bytes + len, 0, HAWSE_PADDING);
    return (struct solana_text){bytes, len, marks};
}

#define CONTEXT "{\"context\":{\"apiVersion\":\"2.1.0\",\"slot\":77},\"value\":"
#define KEY     "EkSnNWid2cvwEVnVx9aBqawnmiCNiDgp3gUdkDPTKN1N"
#define SIGNATURE \
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQkjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"

/* The first `len` bytes of a text. */
static struct solana_text head_of(const char *text, size_t len)
{
    char part[1024];
    (void)snprintf(part, sizeof(part), "%.*s", (int)len, text);
    return text_of(part);
}

/* Every text that is cut short is no answer. */
#define CUT(read, text)                                   \
    do {                                                  \
        for (size_t cut = 0; cut < strlen(text); cut++) { \
            t = head_of(text, cut);                       \
            CHECK_EQ(read, HAWSE_E_FORMAT);               \
        }                                                 \
    } while (0)

TEST(solana_answer_blockhash, "a blockhash with its last height and slot, or nothing")
{
    struct solana_blockhash b;
    const char *good = CONTEXT "{\"blockhash\":\"" KEY "\",\"lastValidBlockHeight\":3090}}";
    struct solana_text t = text_of(good);
    CHECK_EQ(solana_read_blockhash(&t, &b), HAWSE_OK);
    CHECK_EQ_U64(b.slot, 77);
    CHECK_EQ_U64(b.last_height, 3090);
    CUT(solana_read_blockhash(&t, &b), good);
    static const char *const bad[] = {
        CONTEXT "null}",
        CONTEXT "{\"blockhash\":\"" KEY "\"}}",
        "[]",
        "{\"value\":{}}",
        CONTEXT "{\"blockhash\":\"0\",\"lastValidBlockHeight\":3090}}",
        CONTEXT "{\"blockhash\":7,\"lastValidBlockHeight\":3090}}",
        CONTEXT "{\"blockhash\":\"" KEY "\",\"lastValidBlockHeight\":-1}}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        t = text_of(bad[i]);
        CHECK_EQ(solana_read_blockhash(&t, &b), HAWSE_E_FORMAT);
    }
}

TEST(solana_answer_heights, "a slot and its height in one answer, and bare integers")
{
    uint64_t slot = 0, height = 0;
    const char *good = "{\"absoluteSlot\":166598,\"blockHeight\":166500,\"epoch\":27,"
                       "\"slotIndex\":2790,\"slotsInEpoch\":8192,\"transactionCount\":22661093}";
    struct solana_text t = text_of(good);
    CHECK_EQ(solana_read_epoch(&t, &slot, &height), HAWSE_OK);
    CHECK_EQ_U64(slot, 166598);
    CHECK_EQ_U64(height, 166500);
    CUT(solana_read_epoch(&t, &slot, &height), good);
    t = text_of("{\"absoluteSlot\":5,\"blockHeight\":6}"); /* more blocks than slots */
    CHECK_EQ(solana_read_epoch(&t, &slot, &height), HAWSE_E_FORMAT);
    t = text_of("[]");
    CHECK_EQ(solana_read_epoch(&t, &slot, &height), HAWSE_E_FORMAT);
    t = text_of("250000");
    CHECK_EQ(solana_read_u64(&t, &slot), HAWSE_OK);
    CHECK_EQ_U64(slot, 250000);
    t = text_of("\"250000\"");
    CHECK_EQ(solana_read_u64(&t, &slot), HAWSE_E_FORMAT);
    t = text_of("");
    CHECK_EQ(solana_read_u64(&t, &slot), HAWSE_E_FORMAT);
}

#define STATUS(slot, confirmations, err, status)                          \
    "{\"slot\":" slot ",\"confirmations\":" confirmations ",\"err\":" err \
    ",\"status\":{\"Ok\":null},\"confirmationStatus\":" status "}"

TEST(solana_answer_statuses, "how far each transaction is, and what it failed by")
{
    struct solana_status s[4];
    uint64_t slot = 0;
    const char *good = CONTEXT "[null," STATUS("72", "10", "null", "\"confirmed\"") "," STATUS(
        "48", "null", "{\"InstructionError\":[1,{\"Custom\":1}]}",
        "\"finalized\"") ",{\"slot\":76,\"confirmations\":0,\"err\":null}]}";
    struct solana_text t = text_of(good);
    CHECK_EQ(solana_read_statuses(&t, 4, &slot, s), HAWSE_OK);
    CHECK_EQ_U64(slot, 77);
    CHECK_EQ(s[0].level, SOLANA_NOWHERE);
    CHECK_EQ(s[1].level, SOLANA_CONFIRMED);
    CHECK_EQ_U64(s[1].confirmations, 10);
    CHECK(!s[1].failed);
    CHECK_EQ(s[2].level, SOLANA_FINALIZED);
    CHECK_EQ_U64(s[2].confirmations, UINT64_MAX);
    CHECK(s[2].failed && strstr(s[2].reason, "Custom 1") != NULL);
    CHECK_EQ(s[3].level, SOLANA_PROCESSED); /* an older node */
    CUT(solana_read_statuses(&t, 4, &slot, s), good);
    CHECK_EQ((t = text_of(good), solana_read_statuses(&t, 3, &slot, s)), HAWSE_E_FORMAT);
    static const char *const bad[] = {CONTEXT "[]}",
                                      CONTEXT "{}}",
                                      CONTEXT "[7]}",
                                      CONTEXT "[null,null]}",
                                      CONTEXT "[" STATUS("72", "10", "null", "\"buried\"") "]}",
                                      CONTEXT
                                      "[" STATUS("72", "\"10\"", "null", "\"confirmed\"") "]}",
                                      CONTEXT "[" STATUS("72", "10", "7", "\"confirmed\"") "]}",
                                      CONTEXT "[{\"slot\":1,\"err\":null}]}",
                                      CONTEXT "[{\"confirmations\":1,\"err\":null}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        t = text_of(bad[i]);
        CHECK_EQ(solana_read_statuses(&t, 1, &slot, s), HAWSE_E_FORMAT);
    }
    t = text_of(CONTEXT "[{\"slot\":1,\"confirmations\":null,\"err\":null}]}");
    CHECK_EQ(solana_read_statuses(&t, 1, &slot, s), HAWSE_OK);
    CHECK_EQ(s[0].level, SOLANA_FINALIZED);
}

#define ACCOUNT(owner, data)                                                                  \
    CONTEXT "{\"data\":[" data "],\"executable\":false,\"lamports\":1447680,\"owner\":" owner \
            ",\"rentEpoch\":18446744073709551615,\"space\":80}}"
#define SYSTEM "\"11111111111111111111111111111111\""
/* version 1, state 1, authority 7 7 7..., value 9 9 9..., 5000 lamports */
#define NONCE                                                                              \
    "\"AQAAAAEAAAAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwkJCQkJCQkJCQkJCQkJCQkJCQkJCQ" \
    "kJCQkJCQkJCQkJiBMAAAAAAAA=\",\"base64\""

TEST(solana_answer_nonce,
     "the value of a nonce account of the system program, or why there is none")
{
    hawse_solana_nonce_t n;
    uint64_t slot = 0;
    const char *good = ACCOUNT(SYSTEM, NONCE);
    struct solana_text t = text_of(good);
    CHECK_EQ(solana_read_nonce(&t, &slot, &n), HAWSE_OK);
    CHECK_EQ(n.authority[0], 7);
    CHECK_EQ(n.value[31], 9);
    CHECK_EQ_U64(n.lamports_per_signature, 5000);
    CUT(solana_read_nonce(&t, &slot, &n), good);
    t = text_of(CONTEXT "null}");
    CHECK_EQ(solana_read_nonce(&t, &slot, &n), HAWSE_E_NOTFOUND);
    t = text_of(ACCOUNT("\"" KEY "\"", NONCE)); /* of another program */
    CHECK_EQ(solana_read_nonce(&t, &slot, &n), HAWSE_E_INVAL);
    t = text_of(ACCOUNT(SYSTEM, "\"\",\"base64\""));
    CHECK_EQ(solana_read_nonce(&t, &slot, &n), HAWSE_E_INVAL);
    static const char *const bad[] = {ACCOUNT("7", NONCE),
                                      ACCOUNT("\"x\"", NONCE),
                                      ACCOUNT(SYSTEM, "\"\""),
                                      ACCOUNT(SYSTEM, "\"\",\"base58\""),
                                      ACCOUNT(SYSTEM, "\"%\",\"base64\""),
                                      CONTEXT "{\"owner\":" SYSTEM "}}",
                                      CONTEXT "7}",
                                      "7"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        t = text_of(bad[i]);
        CHECK_EQ(solana_read_nonce(&t, &slot, &n), HAWSE_E_FORMAT);
    }
}

TEST(solana_answer_simulation, "what a simulation used, or why it failed and what can be done")
{
    struct solana_simulated s;
    const char *good = CONTEXT "{\"err\":null,\"logs\":[\"a\"],\"accounts\":null,"
                               "\"unitsConsumed\":450,\"returnData\":null}}";
    struct solana_text t = text_of(good);
    CHECK_EQ(solana_read_simulation(&t, &s), HAWSE_OK);
    CHECK_EQ(s.error, HAWSE_SOLANA_TX_GOOD);
    CHECK_EQ_U64(s.units, 450);
    CHECK_EQ_U64(s.slot, 77);
    CUT(solana_read_simulation(&t, &s), good);
    t = text_of(CONTEXT "{\"err\":null,\"logs\":[]}}"); /* without its units it says too little */
    CHECK_EQ(solana_read_simulation(&t, &s), HAWSE_E_FORMAT);
    t = text_of(CONTEXT "{\"err\":\"InsufficientFundsForFee\",\"logs\":[]}}");
    CHECK_EQ(solana_read_simulation(&t, &s), HAWSE_OK);
    CHECK_EQ(s.error, HAWSE_SOLANA_TX_InsufficientFundsForFee);
    CHECK(strstr(s.reason, "InsufficientFundsForFee") != NULL);
    t = text_of(CONTEXT "{\"err\":7}}");
    CHECK_EQ(solana_read_simulation(&t, &s), HAWSE_E_FORMAT);
}

TEST(solana_answer_price, "a price that so many of the last slots' prices are below")
{
    static const char *const rows[][2] = {
        {"[]", "0"},
        {"[{\"slot\":1,\"prioritizationFee\":5}]", "5"},
        {"[{\"slot\":1,\"prioritizationFee\":9},{\"slot\":2,\"prioritizationFee\":1},"
         "{\"slot\":3,\"prioritizationFee\":5},{\"slot\":4,\"prioritizationFee\":7}]",
         "7"}};
    uint64_t price = 0;
    for (size_t i = 0; i < 3; i++) {
        char text[32];
        struct solana_text t = text_of(rows[i][0]);
        CHECK_EQ(solana_read_price(&t, 50, &price), HAWSE_OK);
        (void)snprintf(text, sizeof(text), "%lu", price);
        CHECK_STR(text, rows[i][1]);
        CHECK_EQ(solana_read_price(&t, 1000, &price), HAWSE_OK);
    }
    CHECK_EQ_U64(price, 9);
    static const char *const bad[] = {"{}", "[7]", "[{\"slot\":1}]", "[{\"slot\":1}", "7", ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct solana_text t = text_of(bad[i]);
        CHECK_EQ(solana_read_price(&t, 50, &price), HAWSE_E_FORMAT);
    }
    static char many[65536]; /* the last 150 decide */
    size_t at = (size_t)snprintf(many, sizeof(many), "[");
    for (int i = 0; i < 600; i++)
        at += (size_t)snprintf(many + at, sizeof(many) - at,
                               "%s{\"slot\":%d,\"prioritizationFee\":%d}", i ? "," : "", i, i);
    (void)snprintf(many + at, sizeof(many) - at, "]");
    struct solana_text t = text_of(many);
    CHECK_EQ(solana_read_price(&t, 0, &price), HAWSE_OK);
    CHECK_EQ_U64(price, 450);
}

TEST(solana_answer_sent, "the signature of what was sent is ours, or the node lies")
{
    uint8_t ours[64] = {0};
    struct solana_text t = text_of("\"" SIGNATURE "\"");
    CHECK_EQ(solana_read_sent(&t, ours), HAWSE_E_STATE);
    t = text_of("\"1111111111111111111111111111111111111111111111111111111111111111\"");
    CHECK_EQ(solana_read_sent(&t, ours), HAWSE_OK);
    t = text_of("\"" KEY "\"");
    CHECK_EQ(solana_read_sent(&t, ours), HAWSE_E_FORMAT);
    t = text_of("null");
    CHECK_EQ(solana_read_sent(&t, ours), HAWSE_E_FORMAT);
    t = text_of("");
    CHECK_EQ(solana_read_sent(&t, ours), HAWSE_E_FORMAT);
}

TEST(solana_answer_refusal,
     "only a proof that it can only fail is one; all else may have been taken")
{
#define PREFLIGHT(err) "{\"code\":-32002,\"message\":\"m\",\"data\":{\"err\":" err ",\"logs\":[]}}"
    static const struct {
        const char *text;
        enum solana_refusal refusal;
    } rows[] = {
        {PREFLIGHT("\"AlreadyProcessed\""), SOLANA_REFUSED_KNOWN},
        {PREFLIGHT("\"BlockhashNotFound\""), SOLANA_REFUSED_AGAIN},
        {PREFLIGHT("\"AccountInUse\""), SOLANA_REFUSED_AGAIN},
        {PREFLIGHT("\"SomethingNew\""), SOLANA_REFUSED_AGAIN},
        {PREFLIGHT("{\"InstructionError\":[0,{\"Custom\":1}]}"), SOLANA_REFUSED_NEVER},
        {PREFLIGHT("\"InsufficientFundsForFee\""), SOLANA_REFUSED_NEVER},
        {PREFLIGHT("null"), SOLANA_REFUSED_MAYBE},
        {PREFLIGHT("7"), SOLANA_REFUSED_MAYBE},
        {"{\"code\":-32002,\"message\":\"m\"}", SOLANA_REFUSED_MAYBE},
        {"{\"code\":-32002,\"message\":\"m\",\"data\":7}", SOLANA_REFUSED_MAYBE},
        {"{\"code\":-32003,\"message\":\"m\"}", SOLANA_REFUSED_NEVER},
        {"{\"code\":-32602,\"message\":\"m\"}", SOLANA_REFUSED_NEVER},
        {"{\"code\":-32016,\"message\":\"m\"}", SOLANA_REFUSED_AGAIN},
        {"{\"code\":-32005,\"message\":\"m\"}", SOLANA_REFUSED_MAYBE},
        {"{\"code\":\"x\"}", SOLANA_REFUSED_MAYBE},
        {"[]", SOLANA_REFUSED_MAYBE},
        {"{", SOLANA_REFUSED_MAYBE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char reason[SOLANA_REASON] = "?";
        struct solana_text t = text_of(rows[i].text);
        CHECK_EQ(solana_read_refusal(&t, reason), rows[i].refusal);
        CHECK(rows[i].refusal != SOLANA_REFUSED_NEVER || reason[0] != '\0');
    }
}

TEST(solana_answer_marks, "a text with more marks than there is room for says so")
{
    static char many[SOLANA_MARKS * 3 + 16];
    uint64_t price = 0;
    size_t at = 0;
    many[at++] = '[';
    for (int i = 0; i < SOLANA_MARKS / 2 + 2; i++) {
        memcpy(many + at, i ? ",[]" : "[]", 3);
        at += i ? 3 : 2;
    }
    many[at++] = ']';
    struct solana_text t = text_of(many);
    CHECK_EQ(solana_read_price(&t, 50, &price), HAWSE_E_NOSPACE);
}

#define TOKEN                                                                                \
    "{\"lamports\":9,\"owner\":\"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA\",\"data\":[\"" \
    "RERERERERERERERERERERERERERERERERERERERERERVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV"       \
    "VVVVVQcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAA"       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                           \
    "\",\"base64\"]}"
#define PLAIN(owner, data) \
    "{\"lamports\":1,\"owner\":\"" owner "\",\"data\":[\"" data "\",\"base64\"]}"
#define NOBODYS "11111111111111111111111111111111"

static int32_t read_accounts(const char *value, bool simulated, uint32_t count,
                             struct solana_account *out)
{
    static uint32_t marks[SOLANA_MARKS];
    static uint8_t text[65536];
    uint64_t slot = 0;
    int n = snprintf((char *)text, sizeof(text), "{\"context\":{\"slot\":9},\"value\":%s}", value);
    CHECK(n > 0 && (size_t)n + HAWSE_PADDING < sizeof(text));
    memset(text + n, 0, HAWSE_PADDING);
    struct solana_text t = {text, (uint64_t)n, marks};
    return solana_read_accounts(&t, simulated, count, &slot, out);
}

TEST(solana_answer_accounts, "accounts are read as far as they hold something, and exactly as many")
{
    struct solana_account a[3];
    static char large[40000];
    CHECK_EQ(read_accounts("[" TOKEN ",null," PLAIN(NOBODYS, "") "]", false, 3, a), HAWSE_OK);
    CHECK(a[0].there && a[0].token && a[0].lamports == 9 && a[0].held.amount == 7);
    CHECK(a[0].held.mint[0] == 0x44 && a[0].held.owner[31] == 0x55);
    CHECK(!a[1].there && !a[1].token && a[1].lamports == 0);
    CHECK(a[2].there && !a[2].token && a[2].lamports == 1);
    CHECK_EQ(read_accounts("{\"accounts\":[" TOKEN "]}", true, 1, a), HAWSE_OK);
    CHECK_EQ(read_accounts("[" TOKEN "]", false, 2, a), HAWSE_E_FORMAT);
    CHECK_EQ(read_accounts("[" TOKEN ",null]", false, 1, a), HAWSE_E_FORMAT);
    CHECK_EQ(read_accounts("[" TOKEN "]", true, 1, a), HAWSE_E_FORMAT);
    CHECK_EQ(read_accounts("{\"accounts\":null}", true, 1, a), HAWSE_E_FORMAT);
    CHECK_EQ(read_accounts("[5]", false, 1, a), HAWSE_E_FORMAT);
    CHECK_EQ(read_accounts("[" PLAIN("1", "") "]", false, 1, a), HAWSE_E_FORMAT);
    CHECK_EQ(read_accounts("[" PLAIN(NOBODYS, "AA") "]", false, 1, a), HAWSE_E_FORMAT);
    /* a mint, or anything else of the token program, is no token account */
    CHECK_EQ(read_accounts("[" PLAIN("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "AAAA") "]",
                           false, 1, a),
             HAWSE_OK);
    CHECK(a[0].there && !a[0].token);
    for (int tokens = 0; tokens < 2; tokens++) { /* more than is looked at */
        int n = snprintf(large, sizeof(large), "[{\"lamports\":1,\"owner\":\"%s\",\"data\":[\"",
                         tokens ? "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA" : NOBODYS);
        memset(large + n, 'A', 12000);
        (void)snprintf(large + n + 12000, 32, "\",\"base64\"]}]");
        CHECK_EQ(read_accounts(large, false, 1, a), tokens ? HAWSE_E_LIMIT : HAWSE_OK);
    }
}
