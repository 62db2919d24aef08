/*
 * Calldata, decoded to the innermost, against the table of counterparties.
 */
#include "risk/calldata.h"
#include "risk_rig.h"

#include <hawse/abi_codec.h>

/* The calldata of a function with these values, as JSON. */
static hawse_view_t encoded(const char *signature, const char *json)
{
    static uint8_t all[64][8192]; /* one test's worth */
    static unsigned next;
    uint8_t text[8192] = {0};
    uint32_t marks[8192];
    hawse_abi_declaration_t d;
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t *out = all[next++ % 64];
    hawse_writer_t w = hawse_writer(out, sizeof(all[0]));
    CHECK(strlen(json) + HAWSE_PADDING < sizeof(text));
    memcpy(text, json, strlen(json));
    CHECK_EQ(hawse_abi_parse(signature, strlen(signature), &d, NULL), HAWSE_OK);
    CHECK_EQ(hawse_json_index(&doc, text, strlen(json), marks, 8192), HAWSE_OK);
    CHECK_EQ(hawse_json_root(&doc, &root), HAWSE_OK);
    hawse_writer_put(&w, d.hash, 4);
    int32_t code = hawse_abi_encode_json(&d, signature, d.inputs, &doc, &root, &w, NULL);
    if (code != HAWSE_OK)
        FAIL("%s %s: %d", signature, json, code);
    return (hawse_view_t){out, w.len};
}

/* Until the test's process ends. */
static void *keep(void *memory)
{
    static void *kept[4096];
    static size_t count;
    CHECK(memory != NULL && count < sizeof(kept) / sizeof(kept[0]));
    kept[count++] = memory;
    return memory;
}

static char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *text(const char *fmt, ...)
{
    va_list args;
    char *out = NULL;
    va_start(args, fmt);
    CHECK(vasprintf(&out, fmt, args) > 0);
    va_end(args);
    return keep(out);
}

static const char *hex(hawse_view_t data)
{
    char *out = keep(calloc(1, 2 * data.len + 3));
    memcpy(out, "0x", 2);
    hawse_hex_encode(data.data, data.len, out + 2);
    return out;
}

static void set(struct rig *r, const char *to, uint64_t value, hawse_view_t data)
{
    rig_call(r, 0, to, value, data.data, data.len);
}

static void passes(struct rig *r, const char *to, uint64_t value, hawse_view_t data)
{
    set(r, to, value, data);
    rig_pass(r, RISK_BEFORE);
}

static void refused(struct rig *r, const char *to, uint64_t value, hawse_view_t data,
                    const char *words)
{
    set(r, to, value, data);
    rig_refused(r, RISK_BEFORE, "calls", words);
}

static const hawse_view_t nothing = {NULL, 0};

TEST(calls_listed, "a function is called where it is listed, and nowhere else")
{
    struct rig r;
    rig_start(&r);
    hawse_view_t swap = encoded("swap(address,uint256)", "[\"0x" USDC "\",1]");
    passes(&r, ROUTER, 0, swap);
    refused(&r, VAULT, 0, swap, "which does not list it");
    refused(&r, NOBODY, 0, swap, "which is not in the table of counterparties");
    refused(&r, USDC, 0, swap, "calls function 0x");
    refused(&r, ROUTER, 0, (hawse_view_t){swap.data, 3}, "fewer than 4 bytes");
    refused(&r, ROUTER, 0, encoded("other()", "[]"), "add it to its functions");
    passes(&r, VAULT, 0, encoded("deposit(uint256)", "[7]"));
    refused(&r, VAULT, 1, encoded("deposit(uint256)", "[7]"), "is not marked \"value\"");
    rig_flow(&r, 2, COIN, 1, 0, 0);
    passes(&r, ROUTER, 1, swap);
    passes(&r, ROUTER, 1, nothing); /* receive() */
    passes(&r, FRIEND, 1, nothing); /* a recipient */
    refused(&r, VAULT, 1, nothing, "lists no \"receive()\"");
    refused(&r, NOBODY, 1, nothing, "sends coins to");
    rig_stop(&r);
}

TEST(calls_allowances, "an allowance is for a spender, and no more than an intent may take")
{
    static const char *const two[] = {"approve(address,uint256)",
                                      "increaseAllowance(address,uint256)",
                                      "increaseApproval(address,uint256)"};
    struct rig r;
    rig_start(&r);
    for (int i = 0; i < 3; i++) {
        passes(&r, USDC, 0, encoded(two[i], "[\"0x" ROUTER "\",1000000000]"));
        refused(
            &r, USDC, 0, encoded(two[i], "[\"0x" ROUTER "\",1000000001]"),
            "gives an allowance of 1000.000001 usdc to 0x86042D97fd7D200AB25ed22b478650F042567E4e, "
            "which may be given 1000 usdc");
        refused(&r, USDC, 0, encoded(two[i], "[\"0x" FRIEND "\",1]"), "which is no spender");
        refused(&r, USDC, 0, encoded(two[i], "[\"0x" NOBODY "\",1]"), "which is no spender");
        passes(&r, USDC, 0, encoded(two[i], "[\"0x" NOBODY "\",0]")); /* takes one back */
        passes(&r, USDC, 0, encoded(two[i], text("[\"0x%s\",\"0x%064x\"]", VAULT, 1)));
        passes(&r, USDC, 0,
               encoded(two[i],
                       "[\"0x" VAULT "\",\"0xffffffffffffffffffffffffffffffffffffffffffffffffffff"
                       "ffffffffffff\"]"));
        refused(&r, NOBODY, 0, encoded(two[i], "[\"0x" ROUTER "\",1]"), "is not in the table");
    }
    passes(&r, USDC, 0, encoded("decreaseAllowance(address,uint256)", "[\"0x" NOBODY "\",9]"));
    passes(&r, USDC, 0, encoded("decreaseApproval(address,uint256)", "[\"0x" NOBODY "\",9]"));
    const char *word = "\"0x0000000000000000000000000000000000000000000000000000000000000001\"";
    const char *permit = "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)";
    passes(
        &r, USDC, 0,
        encoded(permit, text("[\"0x%s\",\"0x%s\",1000000000,9,27,%s,%s]", ME, ROUTER, word, word)));
    refused(
        &r, USDC, 0,
        encoded(permit, text("[\"0x%s\",\"0x%s\",1000000001,9,27,%s,%s]", ME, ROUTER, word, word)),
        "which may be given 1000 usdc");
    const char *dai = "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)";
    refused(&r, USDC, 0,
            encoded(dai, text("[\"0x%s\",\"0x%s\",0,9,true,27,%s,%s]", ME, ROUTER, word, word)),
            "gives an allowance of everything to");
    passes(&r, USDC, 0,
           encoded(dai, text("[\"0x%s\",\"0x%s\",0,9,false,27,%s,%s]", ME, ROUTER, word, word)));
    passes(&r, USDC, 0,
           encoded(dai, text("[\"0x%s\",\"0x%s\",0,9,true,27,%s,%s]", ME, VAULT, word, word)));
    refused(&r, USDC, 0, encoded("setApprovalForAll(address,bool)", "[\"0x" ROUTER "\",true]"),
            "everything");
    passes(&r, USDC, 0, encoded("setApprovalForAll(address,bool)", "[\"0x" VAULT "\",true]"));
    passes(&r, USDC, 0,
           encoded("approveAndCall(address,uint256,bytes)", "[\"0x" ROUTER "\",1,\"0x00\"]"));
    rig_stop(&r);
}

TEST(calls_permit2, "Permit2's allowances are of the token that stands in the calldata")
{
    static const char *const limits =
        "\"assets\":{\"usdc\":{\"address\":\"0x" USDC
        "\",\"decimals\":6,\"per_intent\":\"1000\",\"per_day\":"
        "\"9999\"},\"weth\":{\"address\":\"0x" WETH
        "\",\"decimals\":18,\"per_intent\":\"2\",\"per_day\":\"4\"}},"
        "\"counterparties\":{\"0x" MULTI
        "\":{\"without_quote\":true,\"functions\":[\"approve(address,address,uint160,uint48)\","
        "\"permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)\","
        "\"transferFrom(address,address,uint160,address)\"]},\"0x" ROUTER
        "\":{\"spender\":\"exact\"},\"0x" FRIEND "\":{\"recipient\":true}},\"intents_per_day\":9";
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\"", limits);
    const char *approve = "approve(address,address,uint160,uint48)";
    passes(&r, MULTI, 0, encoded(approve, "[\"0x" USDC "\",\"0x" ROUTER "\",1000000000,1]"));
    refused(&r, MULTI, 0, encoded(approve, "[\"0x" USDC "\",\"0x" ROUTER "\",1000000001,1]"),
            "1000.000001 usdc");
    refused(&r, MULTI, 0, encoded(approve, "[\"0x" NOBODY "\",\"0x" ROUTER "\",1,1]"),
            "allowances of assets alone");
    const char *permit = "permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)";
    passes(&r, MULTI, 0,
           encoded(permit,
                   "[\"0x" ME "\",[[\"0x" USDC "\",1000000000,1,1],\"0x" ROUTER "\",1],\"0x\"]"));
    refused(&r, MULTI, 0,
            encoded(permit, "[\"0x" ME "\",[[\"0x" USDC "\",1,1,1],\"0x" NOBODY "\",1],\"0x\"]"),
            "no spender");
    const char *move = "transferFrom(address,address,uint160,address)";
    passes(&r, MULTI, 0, encoded(move, "[\"0x" ME "\",\"0x" FRIEND "\",1,\"0x" USDC "\"]"));
    refused(&r, MULTI, 0, encoded(move, "[\"0x" ME "\",\"0x" NOBODY "\",1,\"0x" USDC "\"]"),
            "no recipient");
    rig_stop(&r);
}

TEST(calls_transfers, "transfers go to recipients and back to the account, and nowhere else")
{
    static const struct {
        const char *signature, *values;
    } moves[] = {
        {"transfer(address,uint256)", "[\"0x%s\",5]"},
        {"transferAndCall(address,uint256,bytes)", "[\"0x%s\",5,\"0x\"]"},
        {"transferFrom(address,address,uint256)", "[\"0x" ME "\",\"0x%s\",5]"},
        {"safeTransferFrom(address,address,uint256)", "[\"0x" ME "\",\"0x%s\",5]"},
        {"safeTransferFrom(address,address,uint256,bytes)", "[\"0x" ME "\",\"0x%s\",5,\"0x\"]"},
        {"safeTransferFrom(address,address,uint256,uint256,bytes)",
         "[\"0x" ME "\",\"0x%s\",5,5,\"0x\"]"},
        {"safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
         "[\"0x" ME "\",\"0x%s\",[5],[5],\"0x\"]"}};
    struct rig r;
    rig_start(&r);
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        char values[512];
        static const char *const who[] = {FRIEND, ME, NOBODY, ROUTER};
        for (int k = 0; k < 4; k++) {
            const char *at = strstr(moves[i].values, "%s");
            (void)snprintf(values, sizeof(values), "%.*s%s%s", (int)(at - moves[i].values),
                           moves[i].values, who[k], at + 2);
            if (k < 2)
                passes(&r, USDC, 0, encoded(moves[i].signature, values));
            else
                refused(&r, USDC, 0, encoded(moves[i].signature, values), "which is no recipient");
        }
        refused(&r, NOBODY, 0, encoded(moves[i].signature, values), "is not in the table");
    }
    rig_stop(&r);
}

TEST(calls_malformed, "known functions whose arguments do not decode are refused, never guessed")
{
    struct rig r;
    rig_start(&r);
    uint8_t data[68];
    memcpy(data, encoded("approve(address,uint256)", "[\"0x" ROUTER "\",1]").data, 68);
    refused(&r, USDC, 0, (hawse_view_t){data, 67}, "does not decode as approve(address,uint256)");
    data[4] = 1; /* an address of 32 bytes */
    refused(&r, USDC, 0, (hawse_view_t){data, 68}, "does not decode");
    memcpy(data, encoded("setApprovalForAll(address,bool)", "[\"0x" VAULT "\",true]").data, 68);
    data[67] = 2; /* neither true nor false */
    refused(&r, USDC, 0, (hawse_view_t){data, 68}, "does not decode");
    uint8_t four[132];
    memcpy(
        four,
        encoded("approve(address,address,uint160,uint48)", "[\"0x" USDC "\",\"0x" ROUTER "\",1,1]")
            .data,
        132);
    four[5] = 1;
    refused(&r, USDC, 0, (hawse_view_t){four, 132}, "does not decode");
    rig_stop(&r);
}

TEST(calls_nested, "calls inside of calls are checked like the outer one, whatever holds them")
{
    struct rig r;
    rig_start(&r);
    const char *good = hex(encoded("approve(address,uint256)", "[\"0x" ROUTER "\",5]"));
    const char *bad = hex(encoded("approve(address,uint256)", "[\"0x" NOBODY "\",5]"));
    const char *swap = hex(encoded("swap(address,uint256)", "[\"0x" USDC "\",1]"));
    const char *other = hex(encoded("other()", "[]"));
    passes(&r, ROUTER, 0, encoded("multicall(bytes[])", text("[[\"%s\",\"%s\"]]", swap, swap)));
    refused(&r, ROUTER, 0, encoded("multicall(bytes[])", text("[[\"%s\",\"%s\"]]", swap, other)),
            "call 1, inner call 2: calls function");
    for (int i = 0; i < 2; i++) {
        const char *inner = i == 0 ? good : bad;
        const char *words = "inner call 2: gives an allowance of 0.000005 usdc to "
                            "0x9999999999999999999999999999999999999999";
        hawse_view_t all[8] = {
            encoded("aggregate3((address,bool,bytes)[])",
                    text("[[[\"0x%s\",true,\"%s\"],[\"0x%s\",false,\"%s\"]]]", USDC, good, USDC,
                         inner)),
            encoded("aggregate3Value((address,bool,uint256,bytes)[])",
                    text("[[[\"0x%s\",true,0,\"%s\"],[\"0x%s\",false,0,\"%s\"]]]", USDC, good, USDC,
                         inner)),
            encoded("executeBatch(address[],uint256[],bytes[])",
                    text("[[\"0x%s\",\"0x%s\"],[0,0],[\"%s\",\"%s\"]]", USDC, USDC, good, inner)),
            encoded("executeBatch(address[],bytes[])",
                    text("[[\"0x%s\",\"0x%s\"],[\"%s\",\"%s\"]]", USDC, USDC, good, inner)),
        };
        for (int k = 0; k < 4; k++) {
            if (i == 0)
                passes(&r, MULTI, 0, all[k]);
            else
                refused(&r, MULTI, 0, all[k], words);
        }
        hawse_view_t one =
            encoded("execute(address,uint256,bytes)", text("[\"0x%s\",0,\"%s\"]", USDC, inner));
        if (i == 0)
            passes(&r, MULTI, 0, one);
        else
            refused(&r, MULTI, 0, one, "call 1, inner call 1: gives");
    }
    refused(&r, NOBODY, 0,
            encoded("execute(address,uint256,bytes)", text("[\"0x%s\",0,\"%s\"]", USDC, good)),
            "calls execute(address,uint256,bytes), 0xb61d27f6 of");
    refused(&r, MULTI, 0,
            encoded("execute(address,uint256,bytes)", text("[\"0x%s\",7,\"%s\"]", USDC, good)),
            "is not marked \"value\"");
    refused(&r, MULTI, 0,
            encoded("execute(address,uint256,bytes)", text("[\"0x%s\",7,\"0x\"]", NOBODY)),
            "sends coins");
    refused(&r, MULTI, 0,
            encoded("executeBatch(address[],bytes[])",
                    text("[[\"0x%s\",\"0x%s\"],[\"%s\"]]", USDC, USDC, good)),
            "do not decode");
    refused(&r, MULTI, 0,
            encoded("executeBatch(address[],uint256[],bytes[])",
                    text("[[\"0x%s\"],[],[\"%s\"]]", USDC, good)),
            "do not decode");
    hawse_view_t cut =
        encoded("execute(address,uint256,bytes)", text("[\"0x%s\",0,\"%s\"]", USDC, good));
    refused(&r, MULTI, 0, (hawse_view_t){cut.data, 100}, "do not decode, or are too many");
    /* the call's bytes are said to be far behind the end */
    uint8_t away[512];
    cut = encoded("aggregate3((address,bool,bytes)[])",
                  text("[[[\"0x%s\",false,\"%s\"]]]", USDC, good));
    CHECK(cut.len < sizeof(away));
    memcpy(away, cut.data, cut.len);
    away[4 + 6 * 32 - 2] = 0xff;
    refused(&r, MULTI, 0, (hawse_view_t){away, cut.len}, "do not decode");
    rig_stop(&r);
}

TEST(calls_erc7821,
     "a batch of ERC-7821 is read in its simple mode alone, and address zero is the account")
{
    struct rig r;
    rig_start(&r);
    const char *good = hex(encoded("approve(address,uint256)", "[\"0x" ROUTER "\",5]"));
    hawse_view_t batch =
        encoded("x((address,uint256,bytes)[])", text("[[[\"0x%s\",0,\"%s\"]]]", USDC, good));
    hawse_view_t self =
        encoded("x((address,uint256,bytes)[])",
                text("[[[\"0x0000000000000000000000000000000000000000\",0,\"%s\"]]]", good));
    const char *simple = "0x0100000000000000000000000000000000000000000000000000000000000000";
    const char *with_data = "0x0100000000007821000100000000000000000000000000000000000000000000";
    batch = (hawse_view_t){batch.data + 4, batch.len - 4};
    self = (hawse_view_t){self.data + 4, self.len - 4};
    passes(&r, MULTI, 0,
           encoded("execute(bytes32,bytes)", text("[\"%s\",\"%s\"]", simple, hex(batch))));
    refused(&r, MULTI, 0,
            encoded("execute(bytes32,bytes)", text("[\"%s\",\"%s\"]", with_data, hex(batch))),
            "do not decode");
    refused(&r, MULTI, 0, encoded("execute(bytes32,bytes)", text("[\"%s\",\"0x1234\"]", simple)),
            "do not decode");
    refused(&r, MULTI, 0,
            encoded("execute(bytes32,bytes)", text("[\"%s\",\"%s\"]", simple, hex(self))),
            "of 0xcA11bde05977b3631167028862bE2a173976CA11, which does not list it");
    rig_stop(&r);
}

/* One call of multiSend, packed. */
static const char *packed(unsigned operation, const char *to, uint64_t value, const char *data)
{
    return text("%02x%s%064llx%064zx%s", operation, to, (unsigned long long)value,
                (strlen(data) - 2) / 2, data + 2);
}

TEST(calls_safe,
     "a Safe's transactions are read, packed ones too, and delegated ones need listed code")
{
    struct rig r;
    rig_start(&r);
    const char *good = hex(encoded("approve(address,uint256)", "[\"0x" ROUTER "\",5]"));
    const char *bad = hex(encoded("approve(address,uint256)", "[\"0x" NOBODY "\",5]"));
    const char *safe = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,"
                       "address,address,bytes)";
    const char *rest = "0,0,0,\"0x0000000000000000000000000000000000000000\","
                       "\"0x0000000000000000000000000000000000000000\",\"0x\"]";
    passes(&r, MULTI, 0, encoded(safe, text("[\"0x%s\",0,\"%s\",0,%s", USDC, good, rest)));
    refused(&r, MULTI, 0, encoded(safe, text("[\"0x%s\",0,\"%s\",0,%s", USDC, bad, rest)),
            "no spender");
    refused(&r, MULTI, 0, encoded(safe, text("[\"0x%s\",0,\"%s\",1,%s", USDC, good, rest)),
            "as the caller's own, which is not listed in \"code\"");
    refused(&r, MULTI, 0, encoded(safe, text("[\"0x%s\",0,\"%s\",1,%s", LOGIC, good, rest)),
            "is not in the table");
    refused(&r, MULTI, 0, encoded(safe, text("[\"0x%s\",0,\"%s\",2,%s", USDC, good, rest)),
            "do not decode");
    const char *first = packed(0, USDC, 0, good);
    passes(&r, MULTI, 0,
           encoded("multiSend(bytes)", text("[\"0x%s%s\"]", first, packed(0, USDC, 0, good))));
    refused(&r, MULTI, 0,
            encoded("multiSend(bytes)", text("[\"0x%s%s\"]", first, packed(0, USDC, 0, bad))),
            "inner call 2: gives an allowance");
    refused(&r, MULTI, 0,
            encoded("multiSend(bytes)", text("[\"0x%s%s\"]", first, packed(1, USDC, 0, good))),
            "\"code\"");
    refused(&r, MULTI, 0,
            encoded("multiSend(bytes)", text("[\"0x%s%s\"]", first, packed(2, USDC, 0, good))),
            "do not decode");
    refused(&r, MULTI, 0, encoded("multiSend(bytes)", text("[\"0x%s00\"]", first)),
            "do not decode");
    refused(&r, MULTI, 0, encoded("multiSend(bytes)", text("[\"0x00%s%064x%064x\"]", USDC, 0, 1)),
            "do not decode");
    refused(&r, MULTI, 0, encoded("multiSend(bytes)", text("[\"0x00%s%064xff%062x\"]", USDC, 0, 1)),
            "do not decode");
    rig_stop(&r);
}

#define EXEC \
    "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"
#define SAFE  "5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe"
#define BATCH "9641d764fc13c8b624c04430c7356c1c7c8102e2"

/* Has the case's transaction made of it, and the simulation of that. */
static void of_safe(struct rig *r, const char *to, hawse_view_t data)
{
    r->c.tx_count = 1;
    r->txs[0].data = data;
    r->txs[0].value = hawse_u256(0);
    address_of(to, r->txs[0].to);
    rig_bind(r);
}

static hawse_view_t exec(const char *to, unsigned value, const char *data, int operation,
                         const char *gas)
{
    return encoded(EXEC, text("[\"0x%s\",%u,\"%s\",%d,%s,\"0x" COIN "\",\"0x" COIN "\",\"0x\"]", to,
                              value, data, operation, gas));
}

TEST(calls_of_safe, "what a Safe executes is the intent's calls, all of them, and nothing else")
{
    struct rig r;
    uint8_t safe[20], batch[20];
    rig_start(&r);
    address_of(SAFE, safe);
    address_of(BATCH, batch);
    hawse_view_t give = encoded("transfer(address,uint256)", "[\"0x" SAFE "\",5]");
    const char *one = hex(give);
    const char *swap = hex(r.calls[0].data);
    r.intent.how = HAWSE_INTENT_SAFE;
    r.c.subject = safe;
    r.c.batch = batch;
    rig_call(&r, 1, USDC, 0, give.data, give.len); /* back to the Safe itself */
    const char *both = text("%s%s", packed(0, ROUTER, 0, swap), packed(0, USDC, 0, one));
    const char *multi = hex(encoded("multiSend(bytes)", text("[\"0x%s\"]", both)));
    of_safe(&r, SAFE, exec(BATCH, 0, multi, 1, "0,0,0"));
    rig_pass(&r, RISK_AFTER);
    risk_ended(r.risk, "a", "gnosis", r.c.number, RISK_NOT_SENT, NULL, 0, NOON);
    const char *host = "a fault of the host";
#define NOT(to, data)                               \
    do {                                            \
        of_safe(&r, to, data);                      \
        rig_refused(&r, RISK_AFTER, "calls", host); \
    } while (0)
    NOT(ROUTER, exec(BATCH, 0, multi, 1, "0,0,0"));
    NOT(SAFE, exec(MULTI, 0, multi, 1, "0,0,0"));
    NOT(SAFE, exec(BATCH, 0, multi, 0, "0,0,0"));
    NOT(SAFE, exec(BATCH, 0, multi, 1, "1,0,0"));
    NOT(SAFE, exec(BATCH, 0, multi, 1, "0,1,0"));
    NOT(SAFE, exec(BATCH, 0, multi, 1, "0,0,1"));
    NOT(SAFE, exec(ROUTER, 0, swap, 0, "0,0,0"));
    NOT(SAFE, exec(BATCH, 0, "0x", 1, "0,0,0"));
    NOT(SAFE, encoded("multiSend(bytes)", text("[\"0x%s\"]", both)));
    both = text("%s%s", packed(0, ROUTER, 0, swap), packed(0, USDC, 1, one));
    NOT(SAFE,
        exec(BATCH, 0, hex(encoded("multiSend(bytes)", text("[\"0x%s\"]", both))), 1, "0,0,0"));
    both = text("%s%s%s", packed(0, ROUTER, 0, swap), packed(0, USDC, 0, one),
                packed(0, USDC, 0, one));
    NOT(SAFE,
        exec(BATCH, 0, hex(encoded("multiSend(bytes)", text("[\"0x%s\"]", both))), 1, "0,0,0"));
    both = text("%s%s", packed(0, ROUTER, 0, swap), packed(1, BATCH, 0, multi));
    NOT(SAFE,
        exec(BATCH, 0, hex(encoded("multiSend(bytes)", text("[\"0x%s\"]", both))), 1, "0,0,0"));
    rig_stop(&r);
}

TEST(calls_bounds, "nests that are too deep, too wide or too many are refused")
{
    struct rig r;
    rig_start(&r);
    hawse_view_t inner = encoded("approve(address,uint256)", "[\"0x" ROUTER "\",5]");
    for (int i = 0; i < 5; i++) {
        inner = encoded("execute(address,uint256,bytes)",
                        text("[\"0x%s\",0,\"%s\"]", i == 0 ? USDC : MULTI, hex(inner)));
        if (i < 4)
            passes(&r, MULTI, 0, inner);
    }
    refused(&r, MULTI, 0, inner, "more than 4 deep");
    /* multiSend packs the most calls into the fewest bytes: 85 for each */
    size_t n = 300;
    uint8_t *many = calloc(1, 4 + 64 + 85 * n + 32);
    hawse_view_t head = encoded("multiSend(bytes)", "[\"0x\"]");
    memcpy(many, head.data, head.len);
    const size_t counts[] = {256, 257};
    for (int i = 0; i < 2; i++) {
        uint64_t len = 85 * counts[i];
        many[4 + 62] = (uint8_t)(len >> 8);
        many[4 + 63] = (uint8_t)len;
        for (size_t k = 0; k < counts[i]; k++)
            address_of(FRIEND, many + 68 + 85 * k + 1);
        hawse_view_t view = {many, 68 + (len + 31) / 32 * 32};
        if (i == 0)
            passes(&r, MULTI, 0, view);
        else
            refused(&r, MULTI, 0, view, "or are too many");
        if (i > 0)
            continue;
        rig_call(&r, 1, MULTI, 0, view.data, view.len);
        rig_refused(&r, RISK_BEFORE, "calls", "more than 512 calls inside of each other");
        r.intent.call_count = 1;
    }
    free(many);
    rig_stop(&r);
}

TEST(calls_quote, "what pays says what is expected in return, unless its counterparty needs none")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 1, WETH, 0, 0, 0);
    rig_refused(&r, RISK_BEFORE, "calls", "slippage has no bound");
    rig_flow(&r, 0, USDC, 0, 0, 0);
    rig_pass(&r, RISK_BEFORE); /* pays nothing */
    rig_flow(&r, 0, USDC, 5, 0, 0);
    set(&r, VAULT, 0, encoded("deposit(uint256)", "[7]"));
    rig_pass(&r, RISK_BEFORE);
    set(&r, USDC, 0, encoded("transfer(address,uint256)", "[\"0x" FRIEND "\",5]"));
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 2, COIN, 5, 0, 0);
    set(&r, FRIEND, 5, nothing);
    rig_pass(&r, RISK_BEFORE);
    set(&r, ROUTER, 5, nothing);
    rig_refused(&r, RISK_BEFORE, "calls", "slippage has no bound");
    rig_stop(&r);
}

TEST(calls_shares,
     "a counterparty has its share, wherever in the calls it stands, and there are not too many")
{
    struct rig r;
    char many[12000] =
        "\"assets\":{\"usdc\":{\"address\":\"0x" USDC "\",\"decimals\":6,\"per_intent\":\"1000\","
        "\"per_day\":\"2500\"}},\"intents_per_day\":9,\"counterparties\":{\"0x" MULTI
        "\":{\"functions\":[\"multiSend(bytes)\"],\"without_quote\":true}";
    for (int i = 0; i < 33; i++)
        (void)snprintf(many + strlen(many), sizeof(many) - strlen(many),
                       ",\"0x%040x\":{\"recipient\":true,\"per_day\":{\"usdc\":\"1\"}}", i + 1);
    (void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "}");
    rig_start_with(&r, ",\"mode\":\"live\"", many);
    r.intent.flow_count = 1;
    rig_flow(&r, 0, USDC, 1000000, 0, 0);
    char *sends = text("%s", packed(0, text("%040x", 1), 0, "0x"));
    for (int i = 1; i < 32; i++)
        sends = text("%s%s", sends, packed(0, text("%040x", i + 1), 0, "0x"));
    passes(&r, MULTI, 0, encoded("multiSend(bytes)", text("[\"0x%s\"]", sends)));
    rig_flow(&r, 0, USDC, 1000001, 0, 0);
    refused(&r, MULTI, 0, encoded("multiSend(bytes)", text("[\"0x%s\"]", sends)),
            "by intents with 0x0000000000000000000000000000000000000001");
    rig_flow(&r, 0, USDC, 1, 0, 0);
    sends = text("%s%s", sends, packed(0, text("%040x", 33), 0, "0x"));
    refused(&r, MULTI, 0, encoded("multiSend(bytes)", text("[\"0x%s\"]", sends)),
            "more than 32 counterparties");
    rig_stop(&r);
}

TEST(calldata_table, "every selector of a known function is the hash of its signature")
{
    static const char *const signatures[] = {
        "approve(address,uint256)",
        "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
        "aggregate((address,bytes)[])",
        "tryAggregate(bool,(address,bytes)[])",
        "multicall(uint256,bytes[])",
        "multicall(bytes32,bytes[])",
        "executeBatch((address,uint256,bytes)[])",
        "multiSend(bytes)",
        "safeTransferFrom(address,address,uint256,uint256,bytes)"};
    for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
        uint8_t data[4 + 32 * 8] = {0};
        struct calldata d;
        hawse_keccak_selector(signatures[i], data);
        CHECK_EQ(calldata_read((hawse_view_t){data, sizeof(data)}, &d), HAWSE_OK);
        CHECK_STR(d.name, signatures[i]);
    }
    /* whatever 4 bytes are known: their name hashes to them */
    for (uint32_t i = 0; i < 2000000; i++) {
        uint8_t data[4 + 32 * 8] = {0}, selector[4];
        struct calldata d;
        test_random_bytes(data, 4);
        CHECK_EQ(calldata_read((hawse_view_t){data, sizeof(data)}, &d), HAWSE_OK);
        if (!d.name)
            continue;
        hawse_keccak_selector(d.name, selector);
        CHECK_MEM(selector, data, 4);
    }
    CHECK_EQ(calldata_inner((hawse_view_t){(const uint8_t *)"abcd", 4}, NULL, NULL, NULL),
             HAWSE_E_FORMAT);
}
