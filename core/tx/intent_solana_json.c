/* The Solana part of an intent as JSON and back; see intent.h. */
#include "tx/intent_private.h"

#include <hawse/base58.h>
#include <hawse/hex.h>
#include <stdlib.h>
#include <string.h>

static const char *const versions[] = {"v0", "legacy"};
static const uint8_t none[32];

/* ---- writing ---- */

static json_t *key_text(const uint8_t key[32])
{
    char text[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(key, text);
    return json_string(text);
}

static json_t *number_text(uint64_t n)
{
    return json_sprintf("%llu", (unsigned long long)n);
}

static json_t *data_text(const uint8_t *data, uint32_t len)
{
    char text[2 * HAWSE_INTENT_INPUT_MAX + 3] = "0x";
    hawse_hex_encode(data, len, text + 2);
    return json_stringn(text, 2 * (size_t)len + 2);
}

static json_t *write_instruction(const hawse_solana_instruction_t *one)
{
    json_t *accounts = json_array();
    for (uint32_t i = 0; i < one->account_count; i++) {
        const hawse_solana_meta_t *m = &one->accounts[i];
        (void)json_array_append_new(accounts,
                                    json_pack("{s:o, s:b, s:b}", "key", key_text(m->key), "signer",
                                              m->signer, "writable", m->writable));
    }
    return json_pack("{s:o, s:o, s:o}", "program", key_text(one->program), "accounts", accounts,
                     "data", data_text(one->data, one->data_len));
}

static json_t *write_table(const hawse_solana_table_t *t)
{
    json_t *keys = json_array();
    for (uint32_t i = 0; i < t->key_count; i++)
        (void)json_array_append_new(keys, key_text(t->keys + 32 * (size_t)i));
    return json_pack("{s:o, s:o}", "account", key_text(t->account), "keys", keys);
}

static json_t *write_flow(const hawse_intent_solana_flow_t *f)
{
    bool coin = memcmp(f->mint, none, 32) == 0;
    return json_pack("{s:o, s:o, s:o, s:o}", "mint", coin ? json_string("sol") : key_text(f->mint),
                     "max_out", number_text(f->max_out), "min_in", number_text(f->min_in),
                     "expected_in", number_text(f->expected_in));
}

json_t *intent_solana_write(const hawse_intent_solana_t *s)
{
    json_t *instructions = json_array(), *tables = json_array(), *flows = json_array();
    for (uint32_t i = 0; i < s->instruction_count; i++)
        (void)json_array_append_new(instructions, write_instruction(&s->instructions[i]));
    for (uint32_t i = 0; i < s->table_count; i++)
        (void)json_array_append_new(tables, write_table(&s->tables[i]));
    for (uint32_t i = 0; i < s->flow_count; i++)
        (void)json_array_append_new(flows, write_flow(&s->flows[i]));
    json_t *o =
        json_pack("{s:s, s:o, s:o, s:o, s:I, s:o}", "version", versions[s->version], "instructions",
                  instructions, "tables", tables, "flows", flows, "unit_limit",
                  (json_int_t)s->unit_limit, "unit_price", number_text(s->unit_price));
    if (memcmp(s->nonce, none, 32) != 0)
        (void)json_object_set_new(o, "nonce", key_text(s->nonce));
    return o;
}

/* ---- reading ---- */

/* All lists of one, as large as they may be. */
struct store {
    hawse_intent_solana_t solana; /* first: what is given out is freed by it */
    hawse_solana_instruction_t instructions[HAWSE_INTENT_INSTRUCTIONS_MAX];
    hawse_solana_meta_t metas[HAWSE_INTENT_METAS_MAX];
    hawse_solana_table_t tables[HAWSE_INTENT_TABLES_MAX];
    hawse_intent_solana_flow_t flows[HAWSE_INTENT_FLOWS_MAX];
    uint8_t data[HAWSE_INTENT_INPUT_MAX];
    uint8_t keys[HAWSE_INTENT_TABLES_MAX * (HAWSE_INTENT_TABLE_KEYS_MAX + 1)][32];
    uint32_t meta_count, data_len, key_count;
};

static int32_t bad(struct fault *fault, const char *where, const char *expected)
{
    return fault_set(fault, HAWSE_E_FORMAT, "solana.%s: expected %s", where, expected);
}

/* Nothing but these members. */
static int32_t only(const json_t *o, const char *const *names, size_t count, const char *where,
                    struct fault *fault)
{
    const char *key;
    const json_t *value;
    if (!json_is_object(o))
        return bad(fault, where, "a JSON object");
    json_object_foreach((json_t *)(uintptr_t)o, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i == count)
            return fault_set(fault, HAWSE_E_FORMAT, "solana.%s: has no member \"%.40s\"", where,
                             key);
    }
    return HAWSE_OK;
}

static int32_t read_key(const json_t *value, uint8_t out[32], const char *where,
                        struct fault *fault)
{
    if (json_is_string(value) && hawse_base58_key((const uint8_t *)json_string_value(value),
                                                  json_string_length(value), out) == HAWSE_OK)
        return HAWSE_OK;
    return bad(fault, where, "an address: 32 bytes in base58");
}

/* Decimal text, or a JSON number that is not negative; absent: 0. */
static int32_t read_number(const json_t *o, const char *name, uint64_t *out, struct fault *fault)
{
    const json_t *value = json_object_get(o, name);
    const char *text = json_string_value(value);
    *out = 0;
    if (!value)
        return HAWSE_OK;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = (uint64_t)json_integer_value(value);
        return HAWSE_OK;
    }
    if (!text || !*text || strspn(text, "0123456789") != json_string_length(value))
        return bad(fault, name, "a whole number of 64 bits");
    for (; *text; text++) {
        if (__builtin_mul_overflow(*out, 10u, out) ||
            __builtin_add_overflow(*out, (uint64_t)(*text - '0'), out))
            return bad(fault, name, "a whole number of 64 bits");
    }
    return HAWSE_OK;
}

static int32_t read_meta(struct store *s, const json_t *o, struct fault *fault)
{
    static const char *const names[] = {"key", "signer", "writable"};
    int32_t code = only(o, names, 3, "instructions.accounts", fault);
    if (code != HAWSE_OK)
        return code;
    if (s->meta_count == HAWSE_INTENT_METAS_MAX)
        return bad(fault, "instructions.accounts", "at most 256 in all");
    hawse_solana_meta_t *m = &s->metas[s->meta_count++];
    m->signer = json_is_true(json_object_get(o, "signer"));
    m->writable = json_is_true(json_object_get(o, "writable"));
    return read_key(json_object_get(o, "key"), m->key, "instructions.accounts.key", fault);
}

static int32_t read_data(struct store *s, const json_t *value, hawse_solana_instruction_t *one,
                         struct fault *fault)
{
    uint64_t need = 0;
    one->data = s->data + s->data_len;
    if (!value)
        return HAWSE_OK;
    if (!json_is_string(value) ||
        hawse_hex_data((const uint8_t *)json_string_value(value), json_string_length(value),
                       s->data + s->data_len, sizeof(s->data) - s->data_len, &need) != HAWSE_OK)
        return bad(fault, "instructions.data",
                   "\"0x\" and an even number of digits, at most 1,232 bytes in all");
    one->data_len = (uint32_t)need;
    s->data_len += one->data_len;
    return HAWSE_OK;
}

static int32_t read_instruction(struct store *s, const json_t *o, struct fault *fault)
{
    static const char *const names[] = {"program", "accounts", "data"};
    hawse_solana_instruction_t *one = &s->instructions[s->solana.instruction_count++];
    const json_t *accounts = json_object_get(o, "accounts"), *account;
    size_t i;
    int32_t code = only(o, names, 3, "instructions", fault);
    if (code == HAWSE_OK)
        code = read_key(json_object_get(o, "program"), one->program, "instructions.program", fault);
    if (code == HAWSE_OK && accounts && !json_is_array(accounts))
        code = bad(fault, "instructions.accounts", "a list");
    one->accounts = s->metas + s->meta_count;
    json_array_foreach(accounts, i, account)
    {
        if (code == HAWSE_OK)
            code = read_meta(s, account, fault);
    }
    one->account_count = (uint32_t)json_array_size(accounts);
    return code == HAWSE_OK ? read_data(s, json_object_get(o, "data"), one, fault) : code;
}

static int32_t read_table(struct store *s, const json_t *o, struct fault *fault)
{
    static const char *const names[] = {"account", "keys"};
    hawse_solana_table_t *t = &s->tables[s->solana.table_count++];
    const json_t *keys = json_object_get(o, "keys"), *key;
    size_t i;
    int32_t code = only(o, names, 2, "tables", fault);
    if (code == HAWSE_OK &&
        (!json_is_array(keys) || json_array_size(keys) > HAWSE_INTENT_TABLE_KEYS_MAX))
        code = bad(fault, "tables.keys", "a list of at most 256 addresses");
    if (code != HAWSE_OK)
        return code;
    t->account = s->keys[s->key_count++];
    t->keys = s->keys[s->key_count];
    code =
        read_key(json_object_get(o, "account"), s->keys[s->key_count - 1], "tables.account", fault);
    json_array_foreach(keys, i, key)
    {
        if (code == HAWSE_OK)
            code = read_key(key, s->keys[s->key_count++], "tables.keys", fault);
    }
    t->key_count = (uint32_t)json_array_size(keys);
    return code;
}

static int32_t read_flow(struct store *s, const json_t *o, struct fault *fault)
{
    static const char *const names[] = {"mint", "max_out", "min_in", "expected_in"};
    hawse_intent_solana_flow_t *f = &s->flows[s->solana.flow_count++];
    const json_t *mint = json_object_get(o, "mint");
    f->size = sizeof(*f);
    int32_t code = only(o, names, 4, "flows", fault);
    if (code == HAWSE_OK && !(json_is_string(mint) && strcmp(json_string_value(mint), "sol") == 0))
        code = read_key(mint, f->mint, "flows.mint", fault);
    if (code == HAWSE_OK)
        code = read_number(o, "max_out", &f->max_out, fault);
    if (code == HAWSE_OK)
        code = read_number(o, "min_in", &f->min_in, fault);
    return code == HAWSE_OK ? read_number(o, "expected_in", &f->expected_in, fault) : code;
}

typedef int32_t (*item_fn)(struct store *s, const json_t *o, struct fault *fault);

static int32_t read_list(struct store *s, const json_t *o, const char *name, size_t most,
                         item_fn fn, struct fault *fault)
{
    const json_t *list = json_object_get(o, name), *item;
    int32_t code = HAWSE_OK;
    size_t i;
    if (list && (!json_is_array(list) || json_array_size(list) > most))
        return fault_set(fault, HAWSE_E_FORMAT, "solana.%s: expected a list of at most %zu", name,
                         most);
    json_array_foreach(list, i, item)
    {
        if (code == HAWSE_OK)
            code = fn(s, item, fault);
    }
    return code;
}

static int32_t read_words(struct store *s, const json_t *o, struct fault *fault)
{
    const char *version = json_string_value(json_object_get(o, "version"));
    const json_t *nonce = json_object_get(o, "nonce");
    uint64_t limit = 0;
    int32_t code = HAWSE_OK;
    s->solana.version = version && strcmp(version, versions[1]) == 0;
    if (json_object_get(o, "version") &&
        (!version || strcmp(version, versions[s->solana.version]) != 0))
        return bad(fault, "version", "\"v0\" or \"legacy\"");
    if (nonce)
        code = read_key(nonce, s->solana.nonce, "nonce", fault);
    if (code == HAWSE_OK)
        code = read_number(o, "unit_price", &s->solana.unit_price, fault);
    if (code == HAWSE_OK)
        code = read_number(o, "unit_limit", &limit, fault);
    s->solana.unit_limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
    return code;
}

int32_t intent_solana_read(const json_t *o, hawse_intent_solana_t **out, struct fault *fault)
{
    static const char *const names[] = {"version", "instructions", "tables",    "flows",
                                        "nonce",   "unit_limit",   "unit_price"};
    struct store *s = calloc(1, sizeof(*s));
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an intent");
    s->solana = (hawse_intent_solana_t){.size = sizeof(s->solana),
                                        .instruction_size = sizeof(s->instructions[0]),
                                        .instructions = s->instructions,
                                        .table_size = sizeof(s->tables[0]),
                                        .tables = s->tables,
                                        .flow_size = sizeof(s->flows[0]),
                                        .flows = s->flows};
    int32_t code = only(o, names, sizeof(names) / sizeof(names[0]), "", fault);
    if (code == HAWSE_OK)
        code = read_words(s, o, fault);
    if (code == HAWSE_OK)
        code =
            read_list(s, o, "instructions", HAWSE_INTENT_INSTRUCTIONS_MAX, read_instruction, fault);
    if (code == HAWSE_OK)
        code = read_list(s, o, "tables", HAWSE_INTENT_TABLES_MAX, read_table, fault);
    if (code == HAWSE_OK)
        code = read_list(s, o, "flows", HAWSE_INTENT_FLOWS_MAX, read_flow, fault);
    if (code != HAWSE_OK) {
        free(s);
        return code;
    }
    *out = &s->solana;
    return HAWSE_OK;
}
