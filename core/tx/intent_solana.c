/* The Solana part of an intent: what is legal in it, and its copy; see intent.h. */
#include "config/config.h"
#include "tx/intent_private.h"

#include <hawse/solana/program.h>
#include <hawse/u256.h>
#include <string.h>

/* ---- checking ---- */

/* Accounts and bytes of data that all instructions have. */
struct room {
    uint64_t metas, data, keys;
};

static int32_t check_instruction(const hawse_solana_instruction_t *one, unsigned i,
                                 struct room *room, struct fault *fault)
{
    if ((one->account_count > 0 && !one->accounts) || (one->data_len > 0 && !one->data))
        return fault_set(fault, HAWSE_E_INVAL,
                         "solana.instructions[%u]: accounts or data at no address", i);
    if (memcmp(one->program, hawse_solana_compute_budget_program, 32) == 0)
        return fault_set(
            fault, HAWSE_E_INVAL,
            "solana.instructions[%u]: the compute budget is the host's: say unit_limit "
            "and unit_price",
            i);
    room->metas += one->account_count;
    room->data += one->data_len;
    if (room->metas > HAWSE_INTENT_METAS_MAX || room->data > HAWSE_INTENT_INPUT_MAX)
        return fault_set(
            fault, HAWSE_E_INVAL,
            "solana.instructions[%u]: more than %u accounts or %u bytes of data in all", i,
            HAWSE_INTENT_METAS_MAX, HAWSE_INTENT_INPUT_MAX);
    for (uint32_t k = 0; k < one->account_count; k++) {
        if (one->accounts[k].signer > 1 || one->accounts[k].writable > 1)
            return fault_set(fault, HAWSE_E_INVAL,
                             "solana.instructions[%u].accounts[%u]: signer and writable are 0 or 1",
                             i, k);
    }
    return HAWSE_OK;
}

static int32_t check_table(const hawse_solana_table_t *t, unsigned i, struct room *room,
                           struct fault *fault)
{
    if (!t->account || (t->key_count > 0 && !t->keys) || t->key_count > HAWSE_INTENT_TABLE_KEYS_MAX)
        return fault_set(fault, HAWSE_E_INVAL,
                         "solana.tables[%u]: no account, or more than %u keys, or keys at no "
                         "address",
                         i, HAWSE_INTENT_TABLE_KEYS_MAX);
    room->keys += 1 + t->key_count;
    return HAWSE_OK;
}

static int32_t check_flow(const hawse_intent_solana_t *s, unsigned i, struct fault *fault)
{
    const hawse_intent_solana_flow_t *f = intent_item(s->flows, s->flow_size, i);
    if (f->size < sizeof(*f) || f->flags != 0)
        return fault_set(fault, HAWSE_E_INVAL,
                         "solana.flows[%u]: size %u or flags 0x%x are not legal", i, f->size,
                         f->flags);
    for (unsigned k = 0; k < i; k++) {
        const hawse_intent_solana_flow_t *other = intent_item(s->flows, s->flow_size, k);
        if (memcmp(other->mint, f->mint, 32) == 0)
            return fault_set(fault, HAWSE_E_INVAL,
                             "solana.flows[%u] and solana.flows[%u] are of one mint", k, i);
    }
    if (f->expected_in > 0 && f->min_in > f->expected_in)
        return fault_set(fault, HAWSE_E_INVAL, "solana.flows[%u]: min_in is above expected_in", i);
    return HAWSE_OK;
}

static int32_t check_words(const hawse_intent_t *in, struct fault *fault)
{
    const hawse_intent_solana_t *s = in->solana;
    if (s->size < sizeof(*s))
        return fault_set(fault, HAWSE_E_INVAL, "solana.size is %u; it must be at least %zu",
                         s->size, sizeof(*s));
    if (s->version > HAWSE_INTENT_SOLANA_LEGACY)
        return fault_set(fault, HAWSE_E_INVAL,
                         "solana.version is %u; there is V0 (0) and LEGACY (1)", s->version);
    if (in->how != HAWSE_INTENT_EACH || in->route == HAWSE_INTENT_ROUTE_PRIVATE ||
        in->confirmations != 0)
        return fault_set(
            fault, HAWSE_E_INVAL,
            "how, route or confirmations: there are neither bundles nor private relays "
            "of a Solana cluster, and its chain says when an outcome is final");
    if (s->unit_limit > HAWSE_SOLANA_UNITS_MAX)
        return fault_set(fault, HAWSE_E_INVAL, "solana.unit_limit is %u; at most %u are legal",
                         s->unit_limit, HAWSE_SOLANA_UNITS_MAX);
    return HAWSE_OK;
}

static int32_t check_lists(const hawse_intent_solana_t *s, struct fault *fault)
{
    uint32_t tables = s->version == HAWSE_INTENT_SOLANA_V0 ? HAWSE_INTENT_TABLES_MAX : 0;
    int32_t code = intent_check_list(s->instruction_count, s->instruction_size, s->instructions,
                                     sizeof(s->instructions[0]), 1, HAWSE_INTENT_INSTRUCTIONS_MAX,
                                     "solana.instructions", fault);
    if (code == HAWSE_OK)
        code = intent_check_list(s->table_count, s->table_size, s->tables, sizeof(s->tables[0]), 0,
                                 tables, "solana.tables", fault);
    if (code == HAWSE_OK)
        code = intent_check_list(s->flow_count, s->flow_size, s->flows, sizeof(s->flows[0]), 0,
                                 HAWSE_INTENT_FLOWS_MAX, "solana.flows", fault);
    return code;
}

int32_t intent_solana_check(const hawse_intent_t *in, uint64_t *bytes, struct fault *fault)
{
    const hawse_intent_solana_t *s = in->solana;
    struct room room = {0};
    int32_t code = check_words(in, fault);
    if (code == HAWSE_OK)
        code = check_lists(s, fault);
    for (unsigned i = 0; i < s->instruction_count && code == HAWSE_OK; i++)
        code = check_instruction(intent_item(s->instructions, s->instruction_size, i), i, &room,
                                 fault);
    for (unsigned i = 0; i < s->table_count && code == HAWSE_OK; i++)
        code = check_table(intent_item(s->tables, s->table_size, i), i, &room, fault);
    for (unsigned i = 0; i < s->flow_count && code == HAWSE_OK; i++)
        code = check_flow(s, i, fault);
    *bytes += s->instruction_count * sizeof(s->instructions[0]) +
              s->table_count * sizeof(s->tables[0]) + s->flow_count * sizeof(s->flows[0]) +
              room.metas * sizeof(hawse_solana_meta_t) + room.data + room.keys * 32;
    return code;
}

/* ---- copying ---- */

/* The block behind the intent, from records with pointers down to bytes. */
static void *put(uint8_t **at, const void *from, size_t len)
{
    uint8_t *to = *at;
    if (len > 0)
        memcpy(to, from, len);
    *at = to + len;
    return to;
}

static void put_instruction(hawse_solana_instruction_t *one, uint8_t **at)
{
    one->accounts = put(at, one->accounts, one->account_count * sizeof(one->accounts[0]));
    one->data = put(at, one->data, one->data_len);
}

static void put_table(hawse_solana_table_t *t, uint8_t **at)
{
    t->account = put(at, t->account, 32);
    t->keys = put(at, t->keys, 32 * (size_t)t->key_count);
    t->reserved = 0;
}

/* The same flows as gates know them. */
static void put_flow(const hawse_intent_solana_flow_t *f, hawse_intent_flow_t *out)
{
    static const uint8_t coin[32];
    *out = (hawse_intent_flow_t){.size = sizeof(*out),
                                 .max_out = hawse_u256(f->max_out),
                                 .min_in = hawse_u256(f->min_in),
                                 .expected_in = hawse_u256(f->expected_in)};
    if (memcmp(f->mint, coin, 32) != 0)
        config_handle(f->mint, out->asset);
}

void intent_solana_copy(const hawse_intent_t *from, struct intent *to)
{
    const hawse_intent_solana_t *s = from->solana;
    uint8_t *at = to->data;
    hawse_solana_instruction_t *instructions = (void *)at;
    for (unsigned i = 0; i < s->instruction_count; i++)
        (void)put(&at, intent_item(s->instructions, s->instruction_size, i),
                  sizeof(instructions[0]));
    hawse_solana_table_t *tables = (void *)at;
    for (unsigned i = 0; i < s->table_count; i++)
        (void)put(&at, intent_item(s->tables, s->table_size, i), sizeof(tables[0]));
    hawse_intent_solana_flow_t *flows = (void *)at;
    for (unsigned i = 0; i < s->flow_count; i++) {
        (void)put(&at, intent_item(s->flows, s->flow_size, i), sizeof(flows[0]));
        flows[i].size = sizeof(flows[i]);
        put_flow(&flows[i], &to->flows[i]);
    }
    for (unsigned i = 0; i < s->instruction_count; i++)
        put_instruction(&instructions[i], &at);
    for (unsigned i = 0; i < s->table_count; i++)
        put_table(&tables[i], &at);
    to->solana = *s;
    to->solana.size = sizeof(to->solana);
    to->solana.instruction_size = sizeof(instructions[0]);
    to->solana.table_size = sizeof(tables[0]);
    to->solana.flow_size = sizeof(flows[0]);
    to->solana.instructions = instructions;
    to->solana.tables = tables;
    to->solana.flows = flows;
    to->solana.reserved = 0;
    to->public.solana = &to->solana;
    to->public.flow_count = s->flow_count;
}
