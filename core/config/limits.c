/*
 * Limits of instances on chains, from the checked tree into the struct: amounts in whole units
 * become exact integers, signatures become selectors, names become numbers. What they mean for an
 * intent is decided in core/risk; nothing here loosens anything: what is not written is not there.
 */
#include "config/internal.h"

#include "base/schema.h"

#include <hawse/abi_type.h>
#include <hawse/base58.h>
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/types.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COIN_DECIMALS = 18, SOL_DECIMALS = 9, PERCENT_DECIMALS = 4, PPM = 1000000 };

/* By the bits of allowed_findings; core/sim has the same words in this order. */
static const char *const findings[] = {"reentrancy", "ownership", "delegatecall", "selfdestruct",
                                       "nft",        "overflow",  "control",      "no_effect"};

void limits_destroy(struct config_instance *in)
{
    for (size_t i = 0; i < in->limit_count; i++) {
        struct config_limits *l = &in->limits[i];
        for (size_t k = 0; k < l->asset_count; k++)
            free(l->assets[k].name);
        for (size_t k = 0; k < l->counterparty_count; k++) {
            free(l->counterparties[k].selectors);
            free(l->counterparties[k].prefixes);
            free(l->counterparties[k].shares);
        }
        free(l->chain);
        free(l->assets);
        free(l->counterparties);
        free(l->callbacks);
        free(l->code);
    }
    free(in->limits);
}

/* ---- values ---- */

static int32_t read_amount(struct reader *r, const json_t *o, const char *key, const char *where,
                           uint32_t decimals, hawse_u256_t *out)
{
    const char *text = json_string_value(json_object_get(o, key));
    int32_t code = hawse_u256_parse_units((const uint8_t *)text, strlen(text), decimals, out);
    if (code == HAWSE_OK)
        return HAWSE_OK;
    (void)fault_set(r->fault, code,
                    "%s.%s: found \"%.40s\", expected an amount in whole units with at most %u "
                    "digits behind the point, below 2^256",
                    where, key, text, decimals);
    fault_hint(r->fault, "such as \"100\" or \"0.5\", without a sign or an exponent");
    return code;
}

/* The same, where null means that there is no such limit. */
static int32_t read_optional(struct reader *r, const json_t *o, const char *key, const char *where,
                             uint32_t decimals, bool *there, hawse_u256_t *out)
{
    *there = json_is_string(json_object_get(o, key));
    return *there ? read_amount(r, o, key, where, decimals, out) : HAWSE_OK;
}

/* Percent with 4 digits behind the point, as millionths. */
static int32_t read_percent(struct reader *r, const json_t *o, const char *key, const char *where,
                            uint32_t *out)
{
    const char *text = json_string_value(json_object_get(o, key));
    hawse_u256_t ppm;
    uint64_t n = 0;
    if (hawse_u256_parse_units((const uint8_t *)text, strlen(text), PERCENT_DECIMALS, &ppm) !=
            HAWSE_OK ||
        hawse_u256_to_u64(&ppm, &n) != HAWSE_OK || n > PPM)
        return fault_set(r->fault, HAWSE_E_RANGE,
                         "%s.%s: found \"%s\", expected a percentage from \"0\" to \"100\" with at "
                         "most %d digits behind the point",
                         where, key, text, PERCENT_DECIMALS);
    *out = (uint32_t)n;
    return HAWSE_OK;
}

/* An address of 32 bytes, and the handle by which tables know it. That of the system program is all
 * zero, and no mint has it. */
static int32_t parse_key(struct reader *r, const char *text, const char *where, bool mint,
                         uint8_t key[32], uint8_t out[20])
{
    static const uint8_t zero[32] = {0};
    if (hawse_base58_key((const uint8_t *)text, strlen(text), key) == HAWSE_OK &&
        (memcmp(key, zero, 32) != 0 || !mint)) {
        config_handle(key, out);
        return HAWSE_OK;
    }
    return fault_set(r->fault, HAWSE_E_FORMAT,
                     "%s: \"%.64s\" is no address: expected 32 bytes in base58", where, text);
}

static int32_t parse_address(struct reader *r, const char *text, const char *where, uint8_t out[20])
{
    static const uint8_t zero[20] = {0};
    if (hawse_eip55_parse((const uint8_t *)text, strlen(text), out) == HAWSE_OK &&
        memcmp(out, zero, 20) != 0)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_FORMAT,
                    "%s: \"%.64s\" is no address: expected 0x and 40 digits, in mixed case only "
                    "with a good checksum (EIP-55), and not zero",
                    where, text);
    fault_hint(r->fault, "copy it from the contract's page, or write it in lower case");
    return HAWSE_E_FORMAT;
}

/* A signature, or "0x" and 8 digits. */
static int32_t read_selector(struct reader *r, const char *text, const char *where, uint8_t out[4])
{
    hawse_abi_declaration_t d;
    size_t len = strlen(text);
    if (strncmp(text, "0x", 2) == 0 &&
        hawse_hex_fixed((const uint8_t *)text, len, out, 4) == HAWSE_OK)
        return HAWSE_OK;
    uint64_t at = 0;
    int32_t code = hawse_abi_parse(text, len, &d, &at);
    if (code == HAWSE_OK && d.form == HAWSE_ABI_FUNCTION) {
        memcpy(out, d.hash, 4);
        return HAWSE_OK;
    }
    (void)fault_set(r->fault, HAWSE_E_FORMAT,
                    "%s: \"%.80s\" is no function: it stops being one at character %llu", where,
                    text, (unsigned long long)at);
    fault_hint(r->fault, "such as \"swap(address,uint256)\", or its selector: 0x and 8 digits");
    return HAWSE_E_FORMAT;
}

/* ---- parts ---- */

static int32_t read_token(struct reader *r, struct config_asset *a, const char *address,
                          const char *where, bool solana)
{
    char place[CONFIG_PATH + 16];
    (void)snprintf(place, sizeof(place), "%s.address", where);
    return solana ? parse_key(r, address, place, true, a->mint, a->address)
                  : parse_address(r, address, place, a->address);
}

static int32_t read_asset(struct reader *r, struct config_limits *l, const char *name,
                          const json_t *value, const char *around, bool solana)
{
    struct config_asset *a = &l->assets[l->asset_count++];
    char where[CONFIG_PATH];
    const char *address = json_string_value(json_object_get(value, "address"));
    (void)snprintf(where, sizeof(where), "%.180s.assets.%.32s", around, name);
    if (!copy_text(&a->name, name))
        return no_memory(r, where);
    if (!name_legal(name, true))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "%s: an asset's name has 1 to 63 letters, digits, '_' or '-'", where);
    a->native = !address;
    a->decimals = read_number(value, "decimals");
    int32_t code = address ? read_token(r, a, address, where, solana) : HAWSE_OK;
    for (size_t i = 0; code == HAWSE_OK && i + 1 < l->asset_count; i++) {
        if (memcmp(l->assets[i].address, a->address, 20) == 0)
            code = fault_set(r->fault, HAWSE_E_EXISTS, "%s: is the same asset as %s", where,
                             l->assets[i].name);
    }
    if (code == HAWSE_OK)
        code = read_amount(r, value, "per_intent", where, a->decimals, &a->per_intent);
    if (code == HAWSE_OK)
        code = read_amount(r, value, "per_day", where, a->decimals, &a->per_day);
    if (code == HAWSE_OK)
        code = read_amount(r, value, "keep", where, a->decimals, &a->keep);
    if (code == HAWSE_OK)
        code = read_optional(r, value, "loss_per_day", where, a->decimals, &a->limits_loss,
                             &a->loss_per_day);
    return code == HAWSE_OK ? read_optional(r, value, "max_held", where, a->decimals,
                                            &a->limits_held, &a->max_held)
                            : code;
}

static int32_t read_functions(struct reader *r, struct config_counterparty *c, const json_t *list,
                              const char *around)
{
    int32_t code = HAWSE_OK;
    c->selectors = calloc(json_array_size(list) + 1, sizeof(c->selectors[0]));
    if (!c->selectors)
        return no_memory(r, around);
    for (size_t i = 0; code == HAWSE_OK && i < json_array_size(list); i++) {
        char where[CONFIG_PATH + 32];
        const char *text = json_string_value(json_array_get(list, i));
        (void)snprintf(where, sizeof(where), "%s.functions[%zu]", around, i);
        if (strcmp(text, "receive()") == 0)
            c->plain = true;
        else
            code = read_selector(r, text, where, c->selectors[c->selector_count++]);
    }
    return code;
}

/* How instructions may begin. */
static int32_t read_prefixes(struct reader *r, struct config_counterparty *c, const json_t *list,
                             const char *around)
{
    c->prefixes = calloc(json_array_size(list) + 1, sizeof(c->prefixes[0]));
    if (!c->prefixes)
        return no_memory(r, around);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct config_prefix *p = &c->prefixes[c->prefix_count++];
        const char *text = json_string_value(json_array_get(list, i));
        size_t len = strlen(text);
        uint64_t need = 0;
        bool any = strcmp(text, "any") == 0;
        if (!any && (len < 4 || hawse_hex_data((const uint8_t *)text, len, p->bytes,
                                               sizeof(p->bytes), &need) != HAWSE_OK)) {
            (void)fault_set(r->fault, HAWSE_E_FORMAT,
                            "%s.functions[%zu]: \"%.40s\" is not how an instruction begins: "
                            "expected 0x and 2 to 16 digits, or \"any\"",
                            around, i, text);
            fault_hint(r->fault, "the first 8 bytes tell the instructions of most programs apart");
            return HAWSE_E_FORMAT;
        }
        p->len = (uint32_t)need;
    }
    return HAWSE_OK;
}

static int32_t read_shares(struct reader *r, const struct config_limits *l,
                           struct config_counterparty *c, json_t *shares, const char *around)
{
    const char *name, *names[CONFIG_ASSETS];
    const json_t *value;
    char where[CONFIG_PATH + 16];
    int32_t code = HAWSE_OK;
    (void)snprintf(where, sizeof(where), "%s.per_day", around);
    c->shares = calloc(json_object_size(shares) + 1, sizeof(c->shares[0]));
    if (!c->shares)
        return no_memory(r, where);
    for (size_t i = 0; i < l->asset_count; i++)
        names[i] = l->assets[i].name;
    json_object_foreach(shares, name, value)
    {
        size_t i = 0;
        while (i < l->asset_count && strcmp(names[i], name) != 0)
            i++;
        if (code == HAWSE_OK && i == l->asset_count) {
            const char *near = schema_nearest(name, names, l->asset_count);
            code = fault_set(r->fault, HAWSE_E_NOTFOUND, "%s.%.32s: there is no such asset", where,
                             name);
            fault_hint(r->fault, near ? "did you mean \"%s\"?" : "add %s to assets",
                       near ? near : name);
        }
        if (code == HAWSE_OK) {
            struct config_share *share = &c->shares[c->share_count++];
            share->asset = i;
            code = read_amount(r, shares, name, where, l->assets[i].decimals, &share->per_day);
        }
    }
    return code;
}

static int32_t read_counterparty(struct reader *r, struct config_limits *l, const char *address,
                                 const json_t *value, const char *around, bool solana)
{
    static const char *const spenders[] = {"no", "exact", "unlimited"};
    struct config_counterparty *c = &l->counterparties[l->counterparty_count++];
    char where[CONFIG_PATH];
    uint8_t key[32];
    const json_t *functions = json_object_get(value, "functions");
    (void)snprintf(where, sizeof(where), "%.180s.counterparties.%.44s", around, address);
    int32_t code = solana ? parse_key(r, address, where, false, key, c->address)
                          : parse_address(r, address, where, c->address);
    for (size_t i = 0; code == HAWSE_OK && i + 1 < l->counterparty_count; i++) {
        if (memcmp(l->counterparties[i].address, c->address, 20) == 0)
            code = fault_set(r->fault, HAWSE_E_EXISTS,
                             "%s: stands here twice, in different letters", where);
    }
    c->value = json_is_true(json_object_get(value, "value"));
    c->recipient = json_is_true(json_object_get(value, "recipient"));
    c->without_quote = json_is_true(json_object_get(value, "without_quote"));
    c->spender = (enum config_spender)read_word(value, "spender", spenders, 3);
    if (code == HAWSE_OK)
        code =
            solana ? read_prefixes(r, c, functions, where) : read_functions(r, c, functions, where);
    return code == HAWSE_OK ? read_shares(r, l, c, json_object_get(value, "per_day"), where) : code;
}

static int32_t read_tables(struct reader *r, struct config_limits *l, const json_t *value,
                           const char *where, bool solana)
{
    const char *name;
    const json_t *one;
    json_t *assets = json_object_get(value, "assets");
    json_t *counterparties = json_object_get(value, "counterparties");
    int32_t code = HAWSE_OK;
    if (json_object_size(assets) > CONFIG_ASSETS ||
        json_object_size(counterparties) > CONFIG_COUNTERPARTIES)
        return fault_set(r->fault, HAWSE_E_LIMIT,
                         "%s: found %zu assets and %zu counterparties, expected at most %d and %d",
                         where, json_object_size(assets), json_object_size(counterparties),
                         CONFIG_ASSETS, CONFIG_COUNTERPARTIES);
    l->assets = calloc(json_object_size(assets) + 1, sizeof(l->assets[0]));
    l->counterparties = calloc(json_object_size(counterparties) + 1, sizeof(l->counterparties[0]));
    if (!l->assets || !l->counterparties)
        return no_memory(r, where);
    json_object_foreach(assets, name, one)
    {
        if (code == HAWSE_OK)
            code = read_asset(r, l, name, one, where, solana);
    }
    json_object_foreach(counterparties, name, one)
    {
        if (code == HAWSE_OK)
            code = read_counterparty(r, l, name, one, where, solana);
    }
    return code;
}

/* What a simulation may find, and may run. */
static int32_t read_exceptions(struct reader *r, struct config_limits *l, const json_t *value,
                               const char *around)
{
    const json_t *callbacks = json_object_get(value, "callbacks");
    const json_t *code_list = json_object_get(value, "code");
    const json_t *allowed = json_object_get(value, "allow_findings");
    char where[CONFIG_PATH + 32];
    int32_t code = HAWSE_OK;
    l->callbacks = calloc(json_array_size(callbacks) + 1, sizeof(l->callbacks[0]));
    l->code = calloc(json_array_size(code_list) + 1, sizeof(l->code[0]));
    if (!l->callbacks || !l->code)
        return no_memory(r, around);
    for (size_t i = 0; code == HAWSE_OK && i < json_array_size(callbacks); i++) {
        (void)snprintf(where, sizeof(where), "%.180s.callbacks[%zu]", around, i);
        code = read_selector(r, json_string_value(json_array_get(callbacks, i)), where,
                             l->callbacks[l->callback_count++]);
    }
    for (size_t i = 0; code == HAWSE_OK && i < json_array_size(code_list); i++) {
        (void)snprintf(where, sizeof(where), "%.180s.code[%zu]", around, i);
        code = parse_address(r, json_string_value(json_array_get(code_list, i)), where,
                             l->code[l->code_count++]);
    }
    for (size_t i = 0; i < json_array_size(allowed); i++) {
        for (uint32_t k = 0; k < sizeof(findings) / sizeof(findings[0]); k++) {
            if (strcmp(json_string_value(json_array_get(allowed, i)), findings[k]) == 0)
                l->allowed_findings |= 1u << k;
        }
    }
    return code;
}

static int32_t read_chain_limits(struct reader *r, const struct config_instance *in,
                                 struct config_limits *l, const char *chain, const json_t *value)
{
    char where[CONFIG_PATH];
    (void)snprintf(where, sizeof(where), "instances.%s.limits.%.63s", in->id, chain);
    if (!copy_text(&l->chain, chain))
        return no_memory(r, where);
    const struct config_chain *on = config_chain_find(r->config, chain);
    if (!on) {
        (void)fault_set(r->fault, HAWSE_E_NOTFOUND, "%s: there is no chain of that name", where);
        fault_hint(r->fault, "add it to chains, or name one that stands there");
        return HAWSE_E_NOTFOUND;
    }
    l->intents_per_day = read_number(value, "intents_per_day");
    l->open_intents = read_number(value, "open_intents");
    l->open_positions = read_number(value, "open_positions");
    bool solana = on->family == FAMILY_SOLANA;
    int32_t code = read_tables(r, l, value, where, solana);
    if (code == HAWSE_OK)
        code = read_percent(r, value, "slippage_percent", where, &l->slippage_ppm);
    if (code == HAWSE_OK)
        code = read_percent(r, value, "canary_percent", where, &l->canary_ppm);
    if (code == HAWSE_OK)
        code =
            read_optional(r, value, "fee_per_intent", where, solana ? SOL_DECIMALS : COIN_DECIMALS,
                          &l->limits_fee, &l->fee_per_intent);
    return code == HAWSE_OK ? read_exceptions(r, l, value, where) : code;
}

int32_t read_limits(struct reader *r, struct config_instance *in, json_t *limits)
{
    const char *chain;
    const json_t *value;
    int32_t code = HAWSE_OK;
    in->limits = calloc(json_object_size(limits) + 1, sizeof(in->limits[0]));
    if (!in->limits)
        return no_memory(r, "limits");
    json_object_foreach(limits, chain, value)
    {
        if (code == HAWSE_OK)
            code = read_chain_limits(r, in, &in->limits[in->limit_count++], chain, value);
    }
    return code;
}
