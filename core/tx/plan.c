/* From an intent to transactions; see plan.h. */
#include "tx/plan.h"

#include <hawse/abi_codec.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_EXTRA = 1088
}; /* heads, lengths and padding beside 256 bytes a call; execute10's
       ten empty slots */

static const char calls_type[] = "calls((address to,uint256 value,bytes data)[] calls)";
static const char batch_type[] = "executeBatch((address to,uint256 value,bytes data)[] calls)";
static const char ten_type[] = "execute10(address[10] targets,bytes[10] calldatas,uint256 count)";
static const char erc7821_type[] = "execute(bytes32 mode,bytes executionData)";

static void put_calls(hawse_abi_encoder_t *e, const hawse_intent_t *in)
{
    hawse_abi_open(e, in->call_count);
    for (uint32_t i = 0; i < in->call_count; i++) {
        const hawse_intent_call_t *c = &in->calls[i];
        hawse_abi_open(e, 0);
        hawse_abi_put_address(e, c->to);
        hawse_abi_put_uint(e, &c->value);
        hawse_abi_put_bytes(e, c->data.data, c->data.len);
        hawse_abi_close(e);
    }
    hawse_abi_close(e);
}

static int32_t encode_batch(const hawse_intent_t *in, hawse_writer_t *w)
{
    hawse_abi_declaration_t d;
    hawse_abi_encoder_t e;
    int32_t code = hawse_abi_parse(batch_type, sizeof(batch_type) - 1, &d, NULL);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_call_begin(&e, &d, w);
    put_calls(&e, in);
    return hawse_abi_end(&e);
}

/* ERC-7821: mode 0x0100..., "revert all when one reverts", and the calls as abi.encode(Call[]). */
static int32_t encode_erc7821(const hawse_intent_t *in, hawse_writer_t *w, uint8_t *room,
                              uint64_t cap)
{
    hawse_abi_declaration_t d;
    hawse_abi_encoder_t e;
    hawse_writer_t inner = hawse_writer(room, cap);
    uint8_t mode[32] = {1};
    int32_t code = hawse_abi_parse(calls_type, sizeof(calls_type) - 1, &d, NULL);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_encode_begin(&e, &d, d.inputs, &inner);
    put_calls(&e, in);
    code = hawse_abi_end(&e);
    if (code == HAWSE_OK)
        code = hawse_abi_parse(erc7821_type, sizeof(erc7821_type) - 1, &d, NULL);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_call_begin(&e, &d, w);
    hawse_abi_put_fixed_bytes(&e, mode, sizeof(mode));
    hawse_abi_put_bytes(&e, room, inner.len);
    return hawse_abi_end(&e);
}

/* Ten slots, whatever is in them: those that are not used are zero and empty. */
static int32_t encode_ten(const hawse_intent_t *in, hawse_writer_t *w)
{
    static const uint8_t nobody[20];
    hawse_abi_declaration_t d;
    hawse_abi_encoder_t e;
    int32_t code = hawse_abi_parse(ten_type, sizeof(ten_type) - 1, &d, NULL);
    if (code != HAWSE_OK)
        return code;
    hawse_abi_call_begin(&e, &d, w);
    hawse_abi_open(&e, PLAN_TEN);
    for (uint32_t i = 0; i < PLAN_TEN; i++)
        hawse_abi_put_address(&e, i < in->call_count ? in->calls[i].to : nobody);
    hawse_abi_close(&e);
    hawse_abi_open(&e, PLAN_TEN);
    for (uint32_t i = 0; i < PLAN_TEN; i++) {
        hawse_view_t data = i < in->call_count ? in->calls[i].data : (hawse_view_t){NULL, 0};
        hawse_abi_put_bytes(&e, data.data, data.len);
    }
    hawse_abi_close(&e);
    hawse_abi_put_u64(&e, in->call_count);
    return hawse_abi_end(&e);
}

/* What execute10 would leave out in silence: calls behind the tenth, and value. */
static int32_t check_ten(const hawse_intent_t *in, struct fault *fault)
{
    if (in->call_count > PLAN_TEN) {
        (void)fault_set(fault, HAWSE_E_LIMIT,
                        "a bundle by execute10: found %u calls, expected 1 to 10", in->call_count);
        fault_hint(fault, "split the bundle, or set chains.%.*s.tx.executor to another executor",
                   (int)in->chain.len, (const char *)in->chain.data);
        return HAWSE_E_LIMIT;
    }
    for (uint32_t i = 0; i < in->call_count; i++) {
        if (!hawse_u256_is_zero(&in->calls[i].value)) {
            (void)fault_set(
                fault, HAWSE_E_INVAL,
                "a bundle by execute10: call %u has value, and execute10 passes none on", i);
            fault_hint(fault, "propose calls with value one by one");
            return HAWSE_E_INVAL;
        }
    }
    return HAWSE_OK;
}

static int32_t encode(const hawse_intent_t *in, enum plan_executor executor, hawse_writer_t *w,
                      uint8_t *room, uint64_t cap)
{
    if (executor == PLAN_EXECUTE10)
        return encode_ten(in, w);
    return executor == PLAN_EXECUTE_BATCH ? encode_batch(in, w) : encode_erc7821(in, w, room, cap);
}

static int32_t bundle(const hawse_intent_t *in, const uint8_t sender[20],
                      enum plan_executor executor, struct plan *plan, uint64_t cap)
{
    hawse_writer_t w = hawse_writer(plan->data, cap);
    struct plan_leg *leg = &plan->legs[0];
    int32_t code = encode(in, executor, &w, plan->data + cap, cap);
    plan->count = 1;
    plan->delegated = true;
    memcpy(leg->to, sender, 20);
    leg->data = (hawse_view_t){plan->data, w.len};
    for (uint32_t i = 0; i < in->call_count; i++)
        leg->gas_limit += in->calls[i].gas_limit;
    for (uint32_t i = 0; i < in->call_count; i++) {
        if (in->calls[i].gas_limit == 0)
            leg->gas_limit = 0; /* one that is to be found makes the sum one */
    }
    return code;
}

int32_t plan_make(const hawse_intent_t *in, const uint8_t sender[20], enum plan_executor executor,
                  const uint8_t *delegate, struct plan **out, struct fault *fault)
{
    bool whole = in->how == HAWSE_INTENT_BUNDLE;
    uint64_t cap = BATCH_EXTRA;
    if (whole && (executor == PLAN_NO_EXECUTOR || !delegate)) {
        (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                        "a bundle needs an executor, and chain \"%.*s\" has none",
                        (int)in->chain.len, (const char *)in->chain.data);
        fault_hint(fault, "set chains.%.*s.tx.executor, or propose the calls one by one",
                   (int)in->chain.len, (const char *)in->chain.data);
        return HAWSE_E_UNSUPPORTED;
    }
    if (whole && executor == PLAN_EXECUTE10) {
        int32_t code = check_ten(in, fault);
        if (code != HAWSE_OK)
            return code;
    }
    for (uint32_t i = 0; i < in->call_count; i++)
        cap += in->calls[i].data.len + 256;
    struct plan *plan = calloc(1, sizeof(*plan) + (whole ? 2 * cap : 0));
    if (!plan)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a plan");
    plan->count = in->call_count;
    plan->together = in->how == HAWSE_INTENT_RELAY_BUNDLE;
    for (uint32_t i = 0; i < in->call_count && !whole; i++) {
        struct plan_leg *leg = &plan->legs[i];
        memcpy(leg->to, in->calls[i].to, 20);
        leg->value = in->calls[i].value;
        leg->data = in->calls[i].data;
        leg->gas_limit = in->calls[i].gas_limit;
    }
    if (delegate)
        memcpy(plan->delegate, delegate, 20);
    int32_t code = whole ? bundle(in, sender, executor, plan, cap) : HAWSE_OK;
    if (code != HAWSE_OK) {
        free(plan);
        return fault_set(fault, code, "the calls could not be encoded for the executor");
    }
    *out = plan;
    return HAWSE_OK;
}

int32_t plan_safe(const uint8_t safe[20], struct plan **out, struct fault *fault)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    if (!plan)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a plan");
    plan->count = 1;
    plan->safe = true;
    memcpy(plan->legs[0].to, safe, 20);
    *out = plan;
    return HAWSE_OK;
}

void plan_tx(const struct plan *plan, uint32_t i, uint64_t chain_id, hawse_tx_t *tx)
{
    const struct plan_leg *leg = &plan->legs[i];
    *tx = (hawse_tx_t){.type = plan->delegated ? HAWSE_TX_SET_CODE : HAWSE_TX_DYNAMIC_FEE,
                       .chain_id = chain_id,
                       .gas_limit = leg->gas_limit,
                       .value = leg->value,
                       .data = leg->data};
    memcpy(tx->to, leg->to, 20);
}

void plan_void_tx(const uint8_t sender[20], uint64_t chain_id, hawse_tx_t *tx)
{
    *tx = (hawse_tx_t){.type = HAWSE_TX_DYNAMIC_FEE, .chain_id = chain_id, .gas_limit = 21000};
    memcpy(tx->to, sender, 20);
}

bool plan_is_leg(const struct plan *plan, uint32_t i, const hawse_tx_t *tx)
{
    static const uint8_t execute[4] = {0x6a, 0x76, 0x12, 0x02}; /* execTransaction */
    const struct plan_leg *leg = &plan->legs[i];
    if (plan->safe && leg->data.len == 0)
        return tx->type == HAWSE_TX_DYNAMIC_FEE && !tx->create &&
               memcmp(tx->to, leg->to, 20) == 0 && hawse_u256_is_zero(&tx->value) &&
               tx->data.len >= 4 && memcmp(tx->data.data, execute, 4) == 0;
    return tx->type == (plan->delegated ? HAWSE_TX_SET_CODE : HAWSE_TX_DYNAMIC_FEE) &&
           !tx->create && memcmp(tx->to, leg->to, 20) == 0 &&
           hawse_u256_compare(&tx->value, &leg->value) == 0 && tx->data.len == leg->data.len &&
           (tx->data.len == 0 || memcmp(tx->data.data, leg->data.data, tx->data.len) == 0);
}
