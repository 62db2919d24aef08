/*
 * Building Solana messages; see hawse/solana/message.h. Three steps: collect every key once with
 * the strongest of its flags, give each its index, write. The bytes are counted to the end even
 * when they no longer fit, so that the caller learns how many it takes.
 */
#include <hawse/solana/message.h>
#include <string.h>

enum { OWN = 0xffff }; /* a key that no table holds */

struct key {
    const uint8_t *bytes;
    uint16_t table;   /* index of the table that holds it, or OWN */
    uint8_t position; /* in that table */
    uint8_t index;    /* in the message */
    uint8_t signer, writable, program;
};

struct keys {
    struct key list[HAWSE_SOLANA_KEYS_MAX];
    uint32_t count;
};

/* ---- collecting ---- */

static struct key *key_of(struct keys *keys, const uint8_t *bytes)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->list[i].bytes, bytes, 32) == 0)
            return &keys->list[i];
    }
    if (keys->count == HAWSE_SOLANA_KEYS_MAX)
        return NULL;
    struct key *key = &keys->list[keys->count++];
    memset(key, 0, sizeof(*key));
    key->bytes = bytes;
    key->table = OWN;
    return key;
}

static int32_t collect(const hawse_solana_plan_t *plan, struct keys *keys)
{
    struct key *key = key_of(keys, plan->payer);
    key->signer = key->writable = 1;
    for (uint32_t i = 0; i < plan->instruction_count; i++) {
        const hawse_solana_instruction_t *one = &plan->instructions[i];
        key = key_of(keys, one->program);
        if (!key)
            return HAWSE_E_LIMIT;
        key->program = 1;
        for (uint32_t a = 0; a < one->account_count; a++) {
            key = key_of(keys, one->accounts[a].key);
            if (!key)
                return HAWSE_E_LIMIT;
            key->signer |= one->accounts[a].signer != 0;
            key->writable |= one->accounts[a].writable != 0;
        }
    }
    return HAWSE_OK;
}

/* ---- placing ---- */

static void look_up(const hawse_solana_plan_t *plan, struct keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        struct key *key = &keys->list[i];
        for (uint32_t t = 0; t < plan->table_count && !key->signer && !key->program; t++) {
            const hawse_solana_table_t *table = &plan->tables[t];
            uint32_t at = 0;
            while (at < table->key_count && memcmp(table->keys + 32ull * at, key->bytes, 32) != 0)
                at++;
            if (at == table->key_count)
                continue;
            key->table = (uint16_t)t;
            key->position = (uint8_t)at;
            break;
        }
    }
}

static uint32_t is_own(const struct key *key, uint32_t signer, uint32_t writable)
{
    return key->table == OWN && key->signer == signer && key->writable == writable;
}

static uint32_t is_loaded(const struct key *key, uint32_t table, uint32_t writable)
{
    return key->table == table && key->writable == writable;
}

static void give_indexes(const hawse_solana_plan_t *plan, struct keys *keys)
{
    uint32_t next = 0;
    for (uint32_t class = 0; class < 4; class ++) {
        for (uint32_t i = 0; i < keys->count; i++) {
            if (is_own(&keys->list[i], class < 2, class % 2 == 0))
                keys->list[i].index = (uint8_t)next++;
        }
    }
    for (uint32_t t = 0; t < 2 * plan->table_count; t++) {
        uint32_t table = t % plan->table_count, writable = t < plan->table_count;
        for (uint32_t i = 0; i < keys->count; i++) {
            if (is_loaded(&keys->list[i], table, writable))
                keys->list[i].index = (uint8_t)next++;
        }
    }
}

/* ---- writing ---- */

struct writer {
    uint8_t *out;
    uint64_t cap, len;
};

static void put(struct writer *w, const void *data, uint64_t len)
{
    if (len > 0 && w->len + len <= w->cap)
        memcpy(w->out + w->len, data, len);
    w->len += len;
}

static void put_byte(struct writer *w, uint32_t byte)
{
    uint8_t b = (uint8_t)byte;
    put(w, &b, 1);
}

static void put_count(struct writer *w, uint32_t n)
{
    uint8_t bytes[3];
    put(w, bytes, hawse_solana_compact_encode((uint16_t)n, bytes));
}

static uint32_t count_own(const struct keys *keys, uint32_t signer, uint32_t writable)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < keys->count; i++)
        n += is_own(&keys->list[i], signer, writable);
    return n;
}

static void put_keys(struct writer *w, const struct keys *keys)
{
    uint32_t signers = count_own(keys, 1, 1) + count_own(keys, 1, 0);
    put_byte(w, signers);
    put_byte(w, count_own(keys, 1, 0));
    put_byte(w, count_own(keys, 0, 0));
    put_count(w, signers + count_own(keys, 0, 1) + count_own(keys, 0, 0));
    for (uint32_t class = 0; class < 4; class ++) {
        for (uint32_t i = 0; i < keys->count; i++) {
            if (is_own(&keys->list[i], class < 2, class % 2 == 0))
                put(w, keys->list[i].bytes, 32);
        }
    }
}

static void put_instructions(struct writer *w, const hawse_solana_plan_t *plan, struct keys *keys)
{
    put_count(w, plan->instruction_count);
    for (uint32_t i = 0; i < plan->instruction_count; i++) {
        const hawse_solana_instruction_t *one = &plan->instructions[i];
        put_byte(w, key_of(keys, one->program)->index);
        put_count(w, one->account_count);
        for (uint32_t a = 0; a < one->account_count; a++)
            put_byte(w, key_of(keys, one->accounts[a].key)->index);
        put_count(w, one->data_len);
        put(w, one->data, one->data_len);
    }
}

static uint32_t count_loaded(const struct keys *keys, uint32_t table, uint32_t writable)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < keys->count; i++)
        n += is_loaded(&keys->list[i], table, writable);
    return n;
}

static void put_positions(struct writer *w, const struct keys *keys, uint32_t table,
                          uint32_t writable)
{
    put_count(w, count_loaded(keys, table, writable));
    for (uint32_t i = 0; i < keys->count; i++) {
        if (is_loaded(&keys->list[i], table, writable))
            put_byte(w, keys->list[i].position);
    }
}

static void put_lookups(struct writer *w, const hawse_solana_plan_t *plan, const struct keys *keys)
{
    uint32_t used = 0;
    for (uint32_t t = 0; t < plan->table_count; t++)
        used += count_loaded(keys, t, 0) + count_loaded(keys, t, 1) > 0;
    put_count(w, used);
    for (uint32_t t = 0; t < plan->table_count; t++) {
        if (count_loaded(keys, t, 0) + count_loaded(keys, t, 1) == 0)
            continue;
        put(w, plan->tables[t].account, 32);
        put_positions(w, keys, t, 1);
        put_positions(w, keys, t, 0);
    }
}

/* ---- the whole ---- */

static int32_t check(const hawse_solana_plan_t *plan)
{
    uint64_t bytes = 0;
    if (plan->version != HAWSE_SOLANA_V0 &&
        (plan->version != HAWSE_SOLANA_LEGACY || plan->table_count > 0))
        return HAWSE_E_INVAL;
    for (uint32_t t = 0; t < plan->table_count; t++) {
        if (plan->tables[t].key_count > 256)
            return HAWSE_E_INVAL;
    }
    /* so that no count can leave 16 bits: each instruction takes 3 bytes and these */
    for (uint32_t i = 0; i < plan->instruction_count && bytes <= HAWSE_SOLANA_TX_MAX; i++)
        bytes += 3ull + plan->instructions[i].account_count + plan->instructions[i].data_len;
    return bytes > HAWSE_SOLANA_TX_MAX || plan->table_count >= OWN ? HAWSE_E_LIMIT : HAWSE_OK;
}

int32_t hawse_solana_message_encode(const hawse_solana_plan_t *plan, uint8_t *out, uint64_t cap,
                                    uint64_t *need)
{
    struct writer w = {out, cap, 0};
    struct keys keys;
    keys.count = 0;
    int32_t code = check(plan);
    if (code == HAWSE_OK)
        code = collect(plan, &keys);
    if (code != HAWSE_OK)
        return code;
    look_up(plan, &keys);
    give_indexes(plan, &keys);
    if (plan->version == HAWSE_SOLANA_V0)
        put_byte(&w, 0x80);
    put_keys(&w, &keys);
    put(&w, plan->blockhash, 32);
    put_instructions(&w, plan, &keys);
    if (plan->version == HAWSE_SOLANA_V0)
        put_lookups(&w, plan, &keys);
    *need = w.len;
    uint64_t signers = count_own(&keys, 1, 1) + count_own(&keys, 1, 0);
    if (1 + 64 * signers + w.len > HAWSE_SOLANA_TX_MAX)
        return HAWSE_E_LIMIT;
    return w.len > cap ? HAWSE_E_NOSPACE : HAWSE_OK;
}

int32_t hawse_solana_tx_encode(const uint8_t *signatures, uint32_t count, const uint8_t *message,
                               uint64_t message_len, uint8_t *out, uint64_t cap, uint64_t *need)
{
    struct writer w = {out, cap, 0};
    hawse_solana_message_t m;
    int32_t code = hawse_solana_message_decode(message, message_len, &m, NULL);
    if (code != HAWSE_OK)
        return code;
    if (count == 0 || count != m.required_signatures)
        return HAWSE_E_INVAL;
    put_count(&w, count);
    put(&w, signatures, 64ull * count);
    put(&w, message, message_len);
    *need = w.len;
    if (w.len > HAWSE_SOLANA_TX_MAX)
        return HAWSE_E_LIMIT;
    return w.len > cap ? HAWSE_E_NOSPACE : HAWSE_OK;
}
