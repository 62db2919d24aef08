/*
 * The keys of a configuration: read, locked tighter, refused.
 */
#include "test_config.h"

#define KEYS(members) TOP(",'keys':{" members "}")

static void bad(const char *text, int32_t code, const char *message, const char *hint)
{
    bad_with(text, NULL, 0, code, message, hint);
}

TEST(config_keys_read, "keys are read with where their passphrases are and what they are locked to")
{
    struct config *c = good(KEYS(
        "'dir':'k','use':{'bot':{'unlock':'file:p/bot','chains':[137,'eip155:100','solana:devnet'],"
        "'testnet_only':true,'hedged':true},'relay':{},'sol':{'unlock':'credential:sol'}}"));
    const struct config_key *k = c->keys.use;
    CHECK_STR(c->keys.dir, "/etc/hawse/k");
    CHECK_EQ(c->keys.use_count, 3);
    CHECK_STR(k[0].name, "bot");
    CHECK_EQ(k[0].unlock.from, FROM_FILE);
    CHECK_STR(k[0].unlock.what, "/etc/hawse/p/bot");
    CHECK_EQ(k[0].locks.chain_count, 3);
    CHECK_STR(k[0].locks.chains[0].text, "eip155:137");
    CHECK_STR(k[0].locks.chains[1].text, "eip155:100");
    CHECK_STR(k[0].locks.chains[2].text, "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1");
    CHECK(k[0].locks.testnet_only && k[0].hedged);
    CHECK_EQ(k[1].unlock.from, FROM_PROMPT);
    CHECK(!k[1].hedged && !k[1].locks.testnet_only && k[1].locks.chain_count == 0);
    CHECK_EQ(k[2].unlock.from, FROM_CREDENTIAL);
    struct config *same = good(KEYS("'dir':'k','use':{}")), *none = good(TOP(""));
    CHECK(config_keys_equal(c, c) && !config_keys_equal(c, same));
    CHECK(none->keys.use_count == 0 && none->keys.dir == NULL);
    config_note_address(c, "bot", "0xAddress");
    char *text = config_explain(c, "keys", false);
    CHECK(text && strstr(text, "keys.use.bot.address") && strstr(text, "0xAddress"));
    free(text);
    config_destroy(c);
    config_destroy(same);
    config_destroy(none);
}

TEST(config_keys_bad, "keys that cannot be meant are refused with the place and the fix")
{
    bad(KEYS("'use':{'bot':{}}"), HAWSE_E_NOTFOUND,
        CONFIG_FILE ":1: keys.use: found keys, and neither dir nor signer says where they are",
        "\"dir\": \"keys\", the folder of `hawse keys`");
    bad(KEYS("'dir':'k','use':{'a/b':{}}"), HAWSE_E_INVAL,
        CONFIG_FILE ":1: keys.use.a/b: a key's name has 1 to 63 letters, digits, '_' or '-'", "");
    bad(KEYS("'dir':'k','use':{'a':{'unlock':'my pass phrase'}}"), HAWSE_E_FORMAT,
        CONFIG_FILE ":1: keys.use.a.unlock: found no source of a passphrase, expected prompt, "
                    "file:PATH, env:NAME or credential:NAME",
        "a passphrase itself never stands here: if it did, change it");
    bad(KEYS("'dir':'k','signer':{'socket':'s'}"), HAWSE_E_INVAL,
        CONFIG_FILE ":1: keys: found both dir and signer, expected one of them",
        "with a signer the host holds no key: leave out dir");
    for (int i = 0; i < 2; i++)
        bad(i ? KEYS("'signer':{'socket':'s'},'use':{'a':{'hedged':true}}")
              : KEYS("'signer':{'socket':'s'},'use':{'a':{'unlock':'prompt'}}"),
            HAWSE_E_INVAL,
            i ? CONFIG_FILE
                ":1: keys.use.a.hedged: the signer holds this key, so the host does not "
                "decide this"
              : CONFIG_FILE
                ":1: keys.use.a.unlock: the signer holds this key, so the host does not "
                "decide this",
            "leave it out here; `hawse signer` unlocks its keys by itself");
    bad(KEYS("'dir':'k','use':{'a':{'chains':[137,'goerli']}}"), HAWSE_E_FORMAT,
        CONFIG_FILE ":1: keys.use.a.chains[1]: \"goerli\" names no chain",
        "write an EVM chain id (137), solana:mainnet, solana:devnet, solana:testnet, or a CAIP-2 "
        "name (eip155:137)");
}
