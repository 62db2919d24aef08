/* See settings.h. The host has checked types and ranges against the manifest's schema; they are
 * checked here again, because a plugin that trusts its host's word is one bug from a bad index. */
#include "settings.h"

#include <hawse/json.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
    uint64_t low, high;
} numbers[] = {
#define NUMBER(field, low, high)                                \
    {                                                           \
#field, offsetof(struct evm_settings, field), low, high \
    }
    NUMBER(chain_id, 1, UINT64_MAX),
    NUMBER(block_ms, 100, 3600000),
    NUMBER(confirmations, 1, 10000),
    NUMBER(window, 64, 4096),
    NUMBER(verify_blocks, 0, 64),
    NUMBER(verify_ms, 10, 600000),
    NUMBER(max_range, 1, 100000),
    NUMBER(max_backfill_blocks, 1, 10000000),
    NUMBER(heads_idle_ms, 100, 3600000),
    NUMBER(poll_ms, 50, 3600000),
    NUMBER(poll_after_ms, 0, 3600000),
    NUMBER(final_every, 1, 10000),
    NUMBER(request_timeout_ms, 100, 600000),
    NUMBER(log_store_kib, 64, 1048576),
    NUMBER(strikes, 1, 1000000),
#undef NUMBER
};

static int32_t read_number(const char *name, size_t len, const hawse_json_value_t *value,
                           struct evm_settings *out, char *what, size_t cap)
{
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint64_t n = 0;
        if (strlen(numbers[i].name) != len || memcmp(numbers[i].name, name, len) != 0)
            continue;
        int32_t code = hawse_json_u64(value, &n);
        if (code != HAWSE_OK || n < numbers[i].low || n > numbers[i].high) {
            (void)snprintf(what, cap, "settings.%s: expected a whole number from %llu to %llu",
                           numbers[i].name, (unsigned long long)numbers[i].low,
                           (unsigned long long)numbers[i].high);
            return HAWSE_E_INVAL;
        }
        memcpy((char *)out + numbers[i].offset, &n, sizeof(n));
        return HAWSE_OK;
    }
    (void)snprintf(what, cap, "settings.%.*s: no such setting", (int)(len < 64 ? len : 64), name);
    return HAWSE_E_INVAL;
}

static int32_t read_choice(const hawse_json_value_t *value, const char *name, const char *no,
                           const char *yes, bool *out, char *what, size_t cap)
{
    if (!hawse_json_is(value, no) && !hawse_json_is(value, yes)) {
        (void)snprintf(what, cap, "settings.%s: expected \"%s\" or \"%s\"", name, no, yes);
        return HAWSE_E_INVAL;
    }
    *out = hawse_json_is(value, yes) == 1;
    return HAWSE_OK;
}

/* The host's resolved features of this instance. */
static int32_t read_features(const hawse_json_t *doc, hawse_json_value_t *value,
                             struct evm_settings *out)
{
    hawse_json_value_t member;
    if (value->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_INVAL;
    if (hawse_json_get(doc, value, "pending_transactions", &member) == HAWSE_OK)
        out->pending_transactions = member.kind == HAWSE_JSON_TRUE;
    if (hawse_json_get(doc, value, "poll_fallback", &member) == HAWSE_OK)
        out->poll_fallback = member.kind == HAWSE_JSON_TRUE;
    return HAWSE_OK;
}

static int32_t read_member(const hawse_json_t *doc, hawse_view_t key, hawse_json_value_t *value,
                           struct evm_settings *out, char *what, size_t cap)
{
    const char *name = (const char *)key.data;
    if (key.len == 8 && memcmp(name, "features", 8) == 0)
        return read_features(doc, value, out);
    if (key.len == 9 && memcmp(name, "transport", 9) == 0)
        return read_choice(value, "transport", "push", "poll", &out->poll, what, cap);
    if (key.len == 8 && memcmp(name, "finality", 8) == 0)
        return read_choice(value, "finality", "confirmations", "tag", &out->final_tag, what, cap);
    return read_number(name, key.len, value, out, what, cap);
}

static int32_t read_members(const hawse_json_t *doc, struct evm_settings *out, char *what,
                            size_t cap)
{
    hawse_json_value_t root, value;
    hawse_view_t key;
    int32_t code = hawse_json_root(doc, &root), more = 0;
    if (code != HAWSE_OK || root.kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_INVAL;
    while ((more = hawse_json_next(doc, &root, &key, &value)) == 1) {
        code = read_member(doc, key, &value, out, what, cap);
        if (code != HAWSE_OK)
            return code;
    }
    return more;
}

int32_t settings_read(hawse_view_t text, struct evm_settings *out, char *what, size_t cap)
{
    const struct evm_settings *defaults = &evm_chain_params.defaults;
    hawse_json_t doc;
    *out = *defaults;
    (void)snprintf(what, cap, "the settings are no JSON object");
    if (text.len > 1 << 20)
        return HAWSE_E_LIMIT;
    uint8_t *copy = calloc(1, text.len + HAWSE_PADDING); /* the reader looks past the end */
    uint32_t *marks = malloc((text.len + 1) * sizeof(marks[0]));
    int32_t code = HAWSE_E_NOMEM;
    if (copy && marks) {
        if (text.len > 0)
            memcpy(copy, text.data, text.len);
        code = hawse_json_index(&doc, copy, text.len, marks, (uint32_t)text.len + 1);
        if (code == HAWSE_OK)
            code = read_members(&doc, out, what, cap);
    }
    free(copy);
    free(marks);
    if (code == HAWSE_OK && out->chain_id != defaults->chain_id) {
        (void)snprintf(what, cap,
                       "settings.chain_id: found %llu, this plugin is for %s, chain %llu",
                       (unsigned long long)out->chain_id, evm_chain_params.name,
                       (unsigned long long)defaults->chain_id);
        code = HAWSE_E_INVAL;
    }
    return code;
}
