/*
 * What the sender's account gained, lost and gave away, by the logs of tokens and the values of
 * calls.
 *
 * Where balances were measured they stand above what logs say: a token may take a fee on the way,
 * or lie in its logs. Logs decide alone for what nobody thought of measuring, and there any outflow
 * is one too many. Wrapping and unwrapping the chain's own coin (Deposit, Withdrawal) counts as
 * coming in and going out, unless the token logs the same as a Transfer too.
 *
 * Sources: EIP-20, EIP-721, EIP-1155, EIP-173; WETH9; Permit2's Approval; safe-smart-account's
 * OwnerManager, ModuleManager, GuardManager and FallbackManager.
 */
#include "sim/internal.h"

#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

struct log {
    uint8_t address[20];
    uint8_t topics[4][32];
    uint32_t topic_count;
    uint8_t word[32]; /* the first of its data, zeros behind the end */
    uint64_t len;     /* of its data */
};

enum kind {
    LOG_TRANSFER,
    LOG_APPROVAL,
    LOG_APPROVAL_ALL,
    LOG_DEPOSIT,
    LOG_WITHDRAWAL,
    LOG_OWNERSHIP,
    LOG_SINGLE,
    LOG_BATCH,
    LOG_PERMIT2,
    LOG_CONTROL, /* and what follows: of the account itself, if it is a contract */
    LOG_KINDS = LOG_CONTROL + 8
};

static const char *const signatures[LOG_KINDS] = {
    "Transfer(address,address,uint256)",
    "Approval(address,address,uint256)",
    "ApprovalForAll(address,address,bool)",
    "Deposit(address,uint256)",
    "Withdrawal(address,uint256)",
    "OwnershipTransferred(address,address)",
    "TransferSingle(address,address,address,uint256,uint256)",
    "TransferBatch(address,address,address,uint256[],uint256[])",
    "Approval(address,address,address,uint160,uint48)",
    "AddedOwner(address)",
    "RemovedOwner(address)",
    "ChangedThreshold(uint256)",
    "EnabledModule(address)",
    "DisabledModule(address)",
    "ChangedGuard(address)",
    "ChangedModuleGuard(address)",
    "ChangedFallbackHandler(address)",
};

/* What reading the logs of one call needs. */
struct logs {
    struct sim_result *r;
    uint32_t call;
    const uint8_t *me;
    uint8_t names[LOG_KINDS][32];
    struct log *list;
    size_t count;
};

void finding_add(struct sim_result *r, enum sim_finding_kind kind, uint32_t call,
                 const uint8_t where[20], const uint8_t *selector)
{
    for (uint32_t i = 0; i < r->finding_count; i++) {
        if (r->findings[i].kind == kind && memcmp(r->findings[i].where, where, 20) == 0)
            return;
    }
    /* The last place is kept for saying that there was more. */
    bool last = r->finding_count == SIM_FINDINGS - 1;
    if (r->finding_count == SIM_FINDINGS)
        return;
    struct sim_finding *f = &r->findings[r->finding_count++];
    *f = (struct sim_finding){0};
    f->kind = last ? SIM_FINDING_UNREADABLE : kind;
    f->call = call;
    memcpy(f->where, where, 20);
    if (selector)
        memcpy(f->selector, selector, 4);
}

/* NULL when more assets moved than can be told of. */
static struct sim_flow *flow_of(struct sim_result *r, const uint8_t asset[20])
{
    for (uint32_t i = 0; i < r->flow_count; i++) {
        if (memcmp(r->flows[i].asset, asset, 20) == 0)
            return &r->flows[i];
    }
    if (r->flow_count == SIM_FLOWS) {
        finding_add(r, SIM_FINDING_UNREADABLE, 0, asset, NULL);
        return NULL;
    }
    struct sim_flow *flow = &r->flows[r->flow_count++];
    *flow = (struct sim_flow){0}; /* a run before may have been here */
    memcpy(flow->asset, asset, 20);
    return flow;
}

void moves_transfer(struct sim_result *r, const uint8_t asset[20], const uint8_t me[20],
                    const uint8_t from[20], const uint8_t to[20], const hawse_u256_t *amount)
{
    bool out = memcmp(from, me, 20) == 0, in = memcmp(to, me, 20) == 0;
    if (out == in || hawse_u256_is_zero(amount))
        return;
    struct sim_flow *flow = flow_of(r, asset);
    hawse_u256_t *side = !flow ? NULL : out ? &flow->out : &flow->in;
    if (side && hawse_u256_add(side, amount, side))
        finding_add(r, SIM_FINDING_UNREADABLE, 0, asset, NULL);
}

void moves_measured(struct sim_result *r, const uint8_t asset[20], const hawse_u256_t *before,
                    const hawse_u256_t *after)
{
    struct sim_flow *flow = flow_of(r, asset);
    if (!flow)
        return;
    flow->out = flow->in = hawse_u256(0);
    flow->measured = true;
    flow->before = *before;
    if (hawse_u256_compare(after, before) >= 0)
        (void)hawse_u256_sub(after, before, &flow->in);
    else
        (void)hawse_u256_sub(before, after, &flow->out);
}

void moves_net(struct sim_result *r)
{
    for (uint32_t i = 0; i < r->flow_count; i++) {
        struct sim_flow *f = &r->flows[i];
        hawse_u256_t *more = hawse_u256_compare(&f->in, &f->out) >= 0 ? &f->in : &f->out;
        hawse_u256_t *less = more == &f->in ? &f->out : &f->in;
        (void)hawse_u256_sub(more, less, more);
        *less = hawse_u256(0);
    }
}

void moves_left(struct sim_result *r, const uint8_t asset[20], const uint8_t spender[20],
                const hawse_u256_t *left)
{
    for (uint32_t i = 0; i < r->approval_count; i++) {
        struct sim_approval *a = &r->approvals[i];
        if (a->all || a->indirect || memcmp(a->asset, asset, 20) != 0 ||
            memcmp(a->spender, spender, 20) != 0)
            continue;
        a->left = *left;
        a->left_known = true;
    }
}

/* ---- logs ---- */

static bool log_read(const json_t *value, struct log *out)
{
    const json_t *topics = json_object_get(value, "topics");
    uint8_t *data = NULL;
    out->topic_count = (uint32_t)json_array_size(topics);
    if (!json_is_array(topics) || json_array_size(topics) > 4 ||
        !words_read_fixed(json_object_get(value, "address"), out->address, 20) ||
        !words_read_bytes(json_object_get(value, "data"), &data, &out->len))
        return false;
    memset(out->word, 0, 32);
    memcpy(out->word, data, out->len < 32 ? out->len : 32);
    free(data);
    for (uint32_t i = 0; i < out->topic_count; i++) {
        if (!words_read_fixed(json_array_get(topics, i), out->topics[i], 32))
            return false;
    }
    return true;
}

static const uint8_t *topic_address(const struct log *log, uint32_t i)
{
    return log->topics[i] + 12;
}

static bool is_mine(const struct logs *l, const struct log *log, uint32_t topic)
{
    return memcmp(topic_address(log, topic), l->me, 20) == 0;
}

static bool is_kind(const struct logs *l, const struct log *log, enum kind kind)
{
    return log->topic_count > 0 && memcmp(log->topics[0], l->names[kind], 32) == 0;
}

/* Does this token say the same in a Transfer too? */
static bool also_transferred(const struct logs *l, const struct log *wrapped, uint32_t side)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct log *log = &l->list[i];
        if (log->topic_count == 3 && is_kind(l, log, LOG_TRANSFER) && is_mine(l, log, side) &&
            memcmp(log->address, wrapped->address, 20) == 0 &&
            memcmp(log->word, wrapped->word, 32) == 0)
            return true;
    }
    return false;
}

/* NULL when there are more than can be told of. */
static struct sim_approval *approval(const struct logs *l, const uint8_t asset[20],
                                     const uint8_t spender[20], const hawse_u256_t *amount,
                                     bool all)
{
    struct sim_result *r = l->r;
    if (r->approval_count == SIM_APPROVALS) {
        finding_add(r, SIM_FINDING_UNREADABLE, l->call, asset, NULL);
        return NULL;
    }
    struct sim_approval *a = &r->approvals[r->approval_count++];
    *a = (struct sim_approval){.amount = *amount, .all = all};
    memcpy(a->asset, asset, 20);
    memcpy(a->spender, spender, 20);
    return a;
}

static void read_transfer(const struct logs *l, const struct log *log)
{
    /* the address under which nodes log the chain's own coin (traceTransfers) */
    static const uint8_t native[20] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
                                       0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
    static const uint8_t coin[20] = {0};
    hawse_u256_t amount;
    hawse_u256_from_be(log->word, &amount);
    if (log->topic_count == 3 && log->len >= 32)
        moves_transfer(l->r, memcmp(log->address, native, 20) == 0 ? coin : log->address, l->me,
                       topic_address(log, 1), topic_address(log, 2), &amount);
    else if (log->topic_count == 4 && is_mine(l, log, 1))
        finding_add(l->r, SIM_FINDING_NFT, l->call, log->address, NULL);
}

static void read_approval(const struct logs *l, const struct log *log)
{
    hawse_u256_t amount, one = hawse_u256(1);
    hawse_u256_from_be(log->word, &amount);
    if (is_kind(l, log, LOG_PERMIT2) && log->topic_count == 4 && is_mine(l, log, 1)) {
        struct sim_approval *a =
            approval(l, topic_address(log, 2), topic_address(log, 3), &amount, false);
        if (a)
            a->indirect = true;
        return;
    }
    if (log->topic_count < 3 || !is_mine(l, log, 1))
        return;
    if (is_kind(l, log, LOG_APPROVAL_ALL))
        (void)approval(l, log->address, topic_address(log, 2), &amount, true);
    else if (is_kind(l, log, LOG_APPROVAL) && log->topic_count == 3)
        (void)approval(l, log->address, topic_address(log, 2), &amount, false);
    else if (is_kind(l, log, LOG_APPROVAL)) /* of one token of a collection */
        (void)approval(l, log->address, topic_address(log, 2), &one, true);
}

static void read_wrapped(const struct logs *l, const struct log *log)
{
    static const uint8_t elsewhere[20] = {0};
    bool in = is_kind(l, log, LOG_DEPOSIT);
    hawse_u256_t amount;
    hawse_u256_from_be(log->word, &amount);
    if (log->topic_count != 2 || log->len != 32 || !is_mine(l, log, 1) ||
        also_transferred(l, log, in ? 2 : 1))
        return;
    moves_transfer(l->r, log->address, l->me, in ? elsewhere : l->me, in ? l->me : elsewhere,
                   &amount);
}

/* A Safe says by these events that its owners or its rules are others now. */
static bool is_control(const struct logs *l, const struct log *log)
{
    for (int k = LOG_CONTROL; k < LOG_KINDS; k++) {
        if (is_kind(l, log, (enum kind)k))
            return memcmp(log->address, l->me, 20) == 0;
    }
    return false;
}

static void read_log(const struct logs *l, const struct log *log)
{
    if (is_control(l, log)) {
        finding_add(l->r, SIM_FINDING_CONTROL, l->call, log->address, log->topics[0]);
        return;
    }
    if (is_kind(l, log, LOG_TRANSFER))
        read_transfer(l, log);
    else if (is_kind(l, log, LOG_DEPOSIT) || is_kind(l, log, LOG_WITHDRAWAL))
        read_wrapped(l, log);
    else if ((is_kind(l, log, LOG_SINGLE) || is_kind(l, log, LOG_BATCH)) && log->topic_count == 4 &&
             is_mine(l, log, 2))
        finding_add(l->r, SIM_FINDING_NFT, l->call, log->address, NULL);
    else if (is_kind(l, log, LOG_OWNERSHIP) && log->topic_count == 3 && is_mine(l, log, 1) &&
             !is_mine(l, log, 2))
        finding_add(l->r, SIM_FINDING_OWNERSHIP, l->call, log->address, NULL);
    else
        read_approval(l, log);
}

bool moves_logs(struct sim_result *r, uint32_t call, const uint8_t me[20], const json_t *logs)
{
    struct logs l = {.r = r, .call = call, .me = me, .count = json_array_size(logs)};
    if (!json_is_array(logs) || l.count > MOVES_LOGS)
        return false;
    if (l.count == 0)
        return true;
    l.list = calloc(l.count, sizeof(l.list[0]));
    bool good = l.list != NULL;
    for (size_t i = 0; good && i < l.count; i++)
        good = log_read(json_array_get(logs, i), &l.list[i]);
    for (int k = 0; k < LOG_KINDS; k++)
        hawse_keccak_signature(signatures[k], l.names[k]);
    for (size_t i = 0; good && i < l.count; i++)
        read_log(&l, &l.list[i]);
    free(l.list);
    return good;
}

int32_t sim_receipt(const uint8_t *text, uint64_t len, const uint8_t account[20],
                    struct sim_result *out)
{
    const struct sim_answer answer = {.body = text, .body_len = len};
    json_t *root = words_parse(&answer);
    out->flow_count = out->approval_count = out->finding_count = 0;
    bool good = moves_logs(out, 0, account, json_object_get(root, "logs"));
    for (uint32_t i = 0; i < out->finding_count; i++)
        good = good && out->findings[i].kind != SIM_FINDING_UNREADABLE;
    moves_net(out);
    json_decref(root);
    return good ? HAWSE_OK : HAWSE_E_FORMAT;
}
