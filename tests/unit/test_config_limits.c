/*
 * Limits of a configuration: read exactly, refused with the place and the fix.
 */
#include "test_config.h"

#include <hawse/u256.h>

#define CHAINS                                                                                \
    "'chains':{'gnosis':{'chain_id':100,'block_ms':5000,'providers':[{'name':'public','http'" \
    ":'http://127.0.0.1:1'}]}}"
#define LIMITS(members) \
    "{'hawse':1," CHAINS ",'instances':{'a':{'plugin':'p','limits':{'gnosis':{" members "}}}}}"
#define COUNTS ",'intents_per_day':10"
#define USDC                                                                       \
    "'usdc':{'address':'0x2a22f9c3b484c3629090feed35f17ff8f88f76f0','decimals':6," \
    "'per_intent':'1000.5','per_day':'5000'}"
#define ROUTER "0x86042d97fd7d200ab25ed22b478650f042567e4e"

static void bad(const char *text, int32_t code, const char *message, const char *hint)
{
    bad_with(text, NULL, 0, code, message, hint);
}

static void check_decimal(const hawse_u256_t *got, const char *want)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(got, text);
    CHECK_STR(text, want);
}

TEST(config_limits_read, "limits are read exactly: units, selectors, shares, exceptions")
{
    struct config *c = good(LIMITS(
        "'assets':{'xdai':{'decimals':18,'per_intent':'0.1','per_day':'2','loss_per_day':'0.5',"
        "'keep':'0.01','max_held':'9'}," USDC "},'counterparties':{'" ROUTER
        "':{'functions':['transfer(address to, uint256 amount)','0x12345678','receive()'],"
        "'value':true,'spender':'exact','per_day':{'usdc':'7'}}},'intents_per_day':3,"
        "'open_intents':2,'open_positions':1,'slippage_percent':'0.25','fee_per_intent':'0.001',"
        "'canary_percent':'12.5','callbacks':['onFlashLoan(address,address,uint256,uint256,bytes)']"
        ",'code':['0x2a22f9c3b484c3629090feed35f17ff8f88f76f0'],'allow_findings':['nft','ownership'"
        "]"));
    const struct config_limits *l = config_limits_find(config_find(c, "a"), "gnosis");
    CHECK(l && !config_limits_find(config_find(c, "a"), "polygon"));
    CHECK_EQ(l->asset_count, 2);
    CHECK(l->assets[0].native && l->assets[0].limits_loss && l->assets[0].limits_held);
    check_decimal(&l->assets[0].per_intent, "100000000000000000");
    check_decimal(&l->assets[0].keep, "10000000000000000");
    CHECK(!l->assets[1].native && !l->assets[1].limits_loss && l->assets[1].address[0] == 0x2a);
    check_decimal(&l->assets[1].per_intent, "1000500000");
    const struct config_counterparty *p = &l->counterparties[0];
    CHECK(p->value && p->plain && !p->recipient && !p->without_quote);
    CHECK_EQ(p->spender, SPENDER_EXACT);
    CHECK_EQ(p->selector_count, 2);
    CHECK_MEM(p->selectors[0], "\xa9\x05\x9c\xbb", 4);
    CHECK_MEM(p->selectors[1], "\x12\x34\x56\x78", 4);
    CHECK_EQ(p->shares[0].asset, 1);
    check_decimal(&p->shares[0].per_day, "7000000");
    CHECK_EQ(l->slippage_ppm, 2500);
    CHECK_EQ(l->canary_ppm, 125000);
    CHECK(l->limits_fee && l->intents_per_day == 3 && l->open_intents == 2);
    CHECK_EQ(l->allowed_findings, 1u << 4 | 1u << 1);
    CHECK_MEM(l->callbacks[0], "\x23\xe3\x0c\x8b", 4);
    CHECK_EQ(l->code_count, 1);
    CHECK_EQ(c->instances[0].breaker.failures, 3);
    CHECK_EQ(c->instances[0].breaker.successes, 10);
    CHECK_EQ(c->instances[0].breaker.pause_ms, 60000);
    config_destroy(c);
}

TEST(config_limits_bad, "limits that cannot be meant are refused with the place and the fix")
{
    bad("{'hawse':1,'instances':{'a':{'plugin':'p','limits':{'gnosis':{'assets':{},"
        "'counterparties':{},'intents_per_day':1}}}}}",
        HAWSE_E_NOTFOUND,
        CONFIG_FILE ":1: instances.a.limits.gnosis: there is no chain of that name",
        "add it to chains, or name one that stands there");
    bad(LIMITS("'assets':{'x':{'decimals':2,'per_intent':'0.001','per_day':'1'}},"
               "'counterparties':{}" COUNTS),
        HAWSE_E_RANGE,
        CONFIG_FILE ":1: instances.a.limits.gnosis.assets.x.per_intent: found \"0.001\", expected "
                    "an amount in whole units with at most 2 digits behind the point, below 2^256",
        "such as \"100\" or \"0.5\", without a sign or an exponent");
    bad(LIMITS("'assets':{" USDC "},'counterparties':{'" ROUTER
               "':{'per_day':{'usdt':'1'}}}" COUNTS),
        HAWSE_E_NOTFOUND,
        CONFIG_FILE ":1: instances.a.limits.gnosis.counterparties." ROUTER
                    ".per_day.usdt: there is no such asset",
        "did you mean \"usdc\"?");
    bad(LIMITS("'assets':{" USDC ",'b':{'address':'0x2A22F9C3B484C3629090FEED35F17FF8F88F76F0',"
               "'decimals':6,'per_intent':'1','per_day':'1'}},'counterparties':{}" COUNTS),
        HAWSE_E_EXISTS,
        CONFIG_FILE ":1: instances.a.limits.gnosis.assets.b: is the same asset as usdc", "");
    bad(LIMITS("'assets':{},'counterparties':{'0x12':{}}" COUNTS), HAWSE_E_FORMAT,
        CONFIG_FILE ":1: instances.a.limits.gnosis.counterparties.0x12: \"0x12\" is no address: "
                    "expected 0x and 40 digits, in mixed case only with a good checksum (EIP-55), "
                    "and not zero",
        "copy it from the contract's page, or write it in lower case");
    bad(LIMITS("'assets':{},'counterparties':{'" ROUTER "':{'functions':['swap(']}}" COUNTS),
        HAWSE_E_FORMAT,
        CONFIG_FILE ":1: instances.a.limits.gnosis.counterparties." ROUTER
                    ".functions[0]: \"swap(\" is no function: it stops being one at character 5",
        "such as \"swap(address,uint256)\", or its selector: 0x and 8 digits");
    bad(LIMITS("'assets':{},'counterparties':{},'slippage_percent':'100.1'" COUNTS), HAWSE_E_RANGE,
        CONFIG_FILE ":1: instances.a.limits.gnosis.slippage_percent: found \"100.1\", expected a "
                    "percentage from \"0\" to \"100\" with at most 4 digits behind the point",
        "");
}

#define SOLANA(members)                                                                           \
    "{'hawse':1,'chains':{'sol':{'family':'solana','genesis':'devnet','block_ms':400,'providers'" \
    ":[{'name':'public','http':'http://127.0.0.1:1'}]}},'instances':{'a':{'plugin':'p','limits'"  \
    ":{'sol':{" members COUNTS "}}}}}"
#define MEMO "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"

TEST(config_limits_solana,
     "limits of a Solana chain name mints, programs and how instructions begin")
{
    struct config *c = good(SOLANA(
        "'assets':{'sol':{'decimals':9,'per_intent':'1.5','per_day':'2'},'usdc':{'decimals':6,"
        "'address':'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v','per_intent':'1','per_day':'1'}}"
        ",'counterparties':{'" MEMO "':{'functions':['0x0102030405060708','0x09','any'],"
        "'recipient':true,'per_day':{'usdc':'1'}}},'fee_per_intent':'0.000005'"));
    const struct config_limits *l = config_limits_find(config_find(c, "a"), "sol");
    const struct config_counterparty *p = &l->counterparties[0];
    uint8_t handle[20];
    CHECK(l->assets[0].native && !l->assets[1].native && l->assets[1].mint[0] == 0xc6);
    config_handle(l->assets[1].mint, handle);
    CHECK_MEM(l->assets[1].address, handle, 20);
    check_decimal(&l->assets[0].per_intent, "1500000000");
    check_decimal(&l->fee_per_intent, "5000");
    CHECK_EQ(p->prefix_count, 3);
    CHECK(p->prefixes[0].len == 8 && p->prefixes[1].len == 1 && p->prefixes[2].len == 0);
    CHECK(p->prefixes[0].bytes[7] == 8 && p->prefixes[1].bytes[0] == 9 && p->recipient);
    config_destroy(c);
    bad(SOLANA("'assets':{},'counterparties':{'" ROUTER "':{}}"), HAWSE_E_FORMAT,
        CONFIG_FILE ":1: instances.a.limits.sol.counterparties." ROUTER ": \"" ROUTER
                    "\" is no address: expected 32 bytes in base58",
        "");
    bad(SOLANA("'assets':{},'counterparties':{'" MEMO "':{'functions':['swap()']}}"),
        HAWSE_E_FORMAT,
        CONFIG_FILE ":1: instances.a.limits.sol.counterparties." MEMO
                    ".functions[0]: \"swap()\" is "
                    "not how an instruction begins: expected 0x and 2 to 16 digits, or \"any\"",
        "the first 8 bytes tell the instructions of most programs apart");
}
