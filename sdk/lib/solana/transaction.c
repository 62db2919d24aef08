/*
 * Drafts to messages; see hawse/solana/transaction.h. The encoder counts on when something does not
 * fit, and the result is decoded and sanitized like a stranger's.
 */
#include <hawse/solana/transaction.h>
#include <stdbool.h>
#include <string.h>

enum { LAMPORTS_PER_SIGNATURE = 5000, BUDGET_TAGS = 5, HEAD_MAX = 5 };

const char *hawse_solana_obstacle_text(uint32_t obstacle)
{
    switch (obstacle) {
#define TEXT(number, name, meaning) \
    case number:                    \
        return meaning;
        HAWSE_SOLANA_OBSTACLES(TEXT)
    default:
        return "none";
    }
}

uint64_t hawse_solana_fee(uint32_t signatures, uint32_t unit_limit, uint64_t unit_price)
{
    uint64_t priority = hawse_solana_priority_fee(unit_limit, unit_price);
    uint64_t base = (uint64_t)signatures * LAMPORTS_PER_SIGNATURE;
    return priority > UINT64_MAX - base ? UINT64_MAX : base + priority;
}

uint64_t hawse_solana_blocks_left(const hawse_solana_life_t *life, uint64_t block_height)
{
    if (life->kind == HAWSE_SOLANA_LIFE_NONCE)
        return UINT64_MAX;
    return life->last_block_height >= block_height ? life->last_block_height - block_height + 1 : 0;
}

static int32_t stop(hawse_solana_compiled_tx_t *result, uint32_t obstacle, int32_t code)
{
    result->obstacle = obstacle;
    return code;
}

/* Does an instruction of the draft set what the draft sets as well, or twice? */
static bool budget_stands_twice(const hawse_solana_builder_t *b, const hawse_solana_draft_t *draft)
{
    bool set[BUDGET_TAGS] = {false, draft->heap != 0, draft->unit_limit != 0,
                             draft->unit_price != 0, draft->loaded_data != 0};
    for (uint32_t i = 0; i < b->count; i++) {
        const hawse_solana_instruction_t *one = &b->instructions[i];
        if (memcmp(one->program, hawse_solana_compute_budget_program, 32) != 0 ||
            one->data_len == 0 || one->data[0] >= BUDGET_TAGS)
            continue;
        if (set[one->data[0]])
            return true;
        set[one->data[0]] = true;
    }
    return false;
}

/* What stands before the draft's own instructions. */
static int32_t build_head(const hawse_solana_draft_t *draft, hawse_solana_builder_t *head)
{
    hawse_solana_begin(head);
    if (draft->life.kind == HAWSE_SOLANA_LIFE_NONCE)
        (void)hawse_solana_nonce_advance(head, draft->life.nonce, draft->life.authority);
    if (draft->unit_limit != 0)
        (void)hawse_solana_unit_limit(head, draft->unit_limit);
    if (draft->unit_price != 0)
        (void)hawse_solana_unit_price(head, draft->unit_price);
    if (draft->heap != 0)
        (void)hawse_solana_heap(head, draft->heap);
    if (draft->loaded_data != 0)
        (void)hawse_solana_loaded_data_limit(head, draft->loaded_data);
    return head->error;
}

static int32_t check(const hawse_solana_draft_t *draft, hawse_solana_compiled_tx_t *result)
{
    if (draft->instructions->error != HAWSE_OK)
        return stop(result, HAWSE_SOLANA_OBSTACLE_BUILDER, draft->instructions->error);
    if (draft->life.kind != HAWSE_SOLANA_LIFE_BLOCKHASH &&
        draft->life.kind != HAWSE_SOLANA_LIFE_NONCE)
        return stop(result, HAWSE_SOLANA_OBSTACLE_LIFE, HAWSE_E_INVAL);
    if (draft->version != HAWSE_SOLANA_V0 &&
        (draft->version != HAWSE_SOLANA_LEGACY || draft->table_count > 0))
        return stop(result, HAWSE_SOLANA_OBSTACLE_VERSION, HAWSE_E_INVAL);
    if (budget_stands_twice(draft->instructions, draft))
        return stop(result, HAWSE_SOLANA_OBSTACLE_BUDGET_TWICE, HAWSE_E_INVAL);
    return HAWSE_OK;
}

/* The message as a stranger would find it, and its figures. */
static int32_t judge(const hawse_solana_draft_t *draft, const uint8_t *bytes, uint64_t len,
                     hawse_solana_compiled_tx_t *result)
{
    hawse_solana_message_t m;
    uint32_t locks_max = draft->locks_max ? draft->locks_max : HAWSE_SOLANA_LOCKS_MAX;
    int32_t code = hawse_solana_message_decode(bytes, len, &m, &result->fault);
    if (code != HAWSE_OK)
        return stop(result, HAWSE_SOLANA_OBSTACLE_RULE, code);
    result->signatures = m.required_signatures;
    result->keys = m.key_count;
    result->locks = m.key_count + m.loaded_writable + m.loaded_readonly;
    result->fee = hawse_solana_fee(m.required_signatures, draft->unit_limit, draft->unit_price);
    if (result->locks > locks_max)
        return stop(result, HAWSE_SOLANA_OBSTACLE_LOCKS, HAWSE_E_LIMIT);
    code = hawse_solana_message_sanitize(&m, &result->fault);
    return code == HAWSE_OK ? code : stop(result, HAWSE_SOLANA_OBSTACLE_RULE, code);
}

static int32_t encode(const hawse_solana_plan_t *plan, uint8_t *out, uint64_t cap, uint64_t *need,
                      hawse_solana_compiled_tx_t *result)
{
    *need = 0;
    int32_t code = hawse_solana_message_encode(plan, out, cap, need);
    result->message_len = (uint32_t)*need;
    if (code == HAWSE_E_LIMIT) /* counted to the end, or given up among the keys */
        return stop(result, *need > 0 ? HAWSE_SOLANA_OBSTACLE_BYTES : HAWSE_SOLANA_OBSTACLE_KEYS,
                    code);
    if (code == HAWSE_E_INVAL)
        return stop(result, HAWSE_SOLANA_OBSTACLE_VERSION, code);
    return code;
}

int32_t hawse_solana_compile(const hawse_solana_draft_t *draft, uint8_t *out, uint64_t cap,
                             uint64_t *need, hawse_solana_compiled_tx_t *result)
{
    hawse_solana_builder_t head;
    hawse_solana_instruction_t list[HEAD_MAX + HAWSE_SOLANA_INSTRUCTIONS_MAX];
    memset(result, 0, sizeof(*result));
    result->size = sizeof(*result);
    *need = 0;
    int32_t code = check(draft, result);
    if (code != HAWSE_OK)
        return code;
    code = build_head(draft, &head);
    if (code != HAWSE_OK)
        return stop(result, HAWSE_SOLANA_OBSTACLE_BUDGET, code);
    result->instructions = head.count + draft->instructions->count;
    if (result->instructions > HAWSE_SOLANA_INSTRUCTIONS_MAX)
        return stop(result, HAWSE_SOLANA_OBSTACLE_INSTRUCTIONS, HAWSE_E_LIMIT);
    memcpy(list, head.instructions, head.count * sizeof(list[0]));
    memcpy(list + head.count, draft->instructions->instructions,
           draft->instructions->count * sizeof(list[0]));
    hawse_solana_plan_t plan = {draft->version, result->instructions, draft->table_count,
                                draft->payer,   draft->life.hash,     list,
                                draft->tables};
    code = encode(&plan, out, cap, need, result);
    if (code == HAWSE_OK)
        code = judge(draft, out, *need, result);
    if (code == HAWSE_OK || result->obstacle == HAWSE_SOLANA_OBSTACLE_LOCKS)
        result->tx_bytes = 1 + 64 * result->signatures + result->message_len;
    return code;
}
