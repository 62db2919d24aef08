/*
 * conditional-tokens: conditions, splits, merges, redemptions and transfers of one Conditional
 * Tokens contract, from the logs of its chain, as position/1 and wallet/1.
 *
 * Each log becomes its records and nothing is kept of it, but how many transfers of a batch were
 * told when there was no room for the next: what is not taken comes again. A log that its chain
 * takes back takes its records back.
 */
#include <hawse/contract.h>
#include <hawse/hawse.h>
#include <hawse/setting.h>
#include <hawse/space/position.h>
#include <hawse/space/wallet.h>
#include <hawse/u256.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS_MAX = 256, NAMES_MAX = 1024 }; /* a condition has 256 outcomes at most */

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.conditional-tokens\",\"version\":\"0.1.0\",\"abi\":\"1.0\","
    "\"kind\":\"protocol\",\"license\":\"MIT\",\"maturity\":\"beta\","
    "\"description\":\"conditional tokens: conditions, splits, merges, redemptions, transfers\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\",\"stream/1\"],"
    "\"produces\":[\"position/1\",\"wallet/1\",\"stream/1\"],"
    "\"config\":{\"type\":\"object\",\"properties\":{"
    "\"contract\":{\"type\":\"string\",\"format\":\"address\","
    "\"default\":\"0xCeAfDD6bc0bEF976fdCd1112955828E00543c0Ce\","
    "\"description\":\"the Conditional Tokens contract; left out, that of Gnosis\"},"
    "\"conditions\":{\"type\":\"array\",\"maxItems\":1024,\"items\":{\"type\":\"string\","
    "\"minLength\":66,\"maxLength\":66},"
    "\"description\":\"ids of conditions to tell of; left out, all of them\"},"
    "\"owners\":{\"type\":\"array\",\"maxItems\":1024,\"items\":{\"type\":\"string\","
    "\"format\":\"address\"},"
    "\"description\":\"accounts whose tokens' transfers are told; left out, none\"}}}}";

/* ConditionalTokens.sol, ERC-1155 */
enum { PREPARED, RESOLVED, SPLIT, MERGE, REDEEMED, MOVED, MOVED_BATCH, EVENTS };
static const char *const declarations[EVENTS] = {
    "event ConditionPreparation(bytes32 indexed conditionId, address indexed oracle, "
    "bytes32 indexed questionId, uint outcomeSlotCount)",
    "event ConditionResolution(bytes32 indexed conditionId, address indexed oracle, "
    "bytes32 indexed questionId, uint outcomeSlotCount, uint[] payoutNumerators)",
    "event PositionSplit(address indexed stakeholder, address collateralToken, "
    "bytes32 indexed parentCollectionId, bytes32 indexed conditionId, uint[] partition, "
    "uint amount)",
    "event PositionsMerge(address indexed stakeholder, address collateralToken, "
    "bytes32 indexed parentCollectionId, bytes32 indexed conditionId, uint[] partition, "
    "uint amount)",
    "event PayoutRedemption(address indexed redeemer, address indexed collateralToken, "
    "bytes32 indexed parentCollectionId, bytes32 conditionId, uint[] indexSets, uint payout)",
    "event TransferSingle(address indexed operator, address indexed from, address indexed to, "
    "uint256 id, uint256 value)",
    "event TransferBatch(address indexed operator, address indexed from, address indexed to, "
    "uint256[] ids, uint256[] values)"};

/* Names that the configuration asks for, in order of their bytes. */
struct names {
    uint8_t (*at)[32];
    uint32_t count;
};

struct protocol {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    hawse_abi_signature_t events[EVENTS];
    uint8_t contract[20];
    struct names conditions, owners;
    bool all_conditions;
    bool said;      /* that a log could not be read */
    uint32_t moved; /* of the batch that comes again, told already */
    uint32_t told;  /* of hawse_continuity_pass */
    union {
        hawse_position_condition_t condition;
        hawse_position_change_t change;
        uint8_t bytes[sizeof(hawse_position_change_t) + SETS_MAX * 32];
    } record;
};

/* One log, decoded. */
struct fact {
    const hawse_event_t *cause;
    const hawse_evm_log_t *log;
    const uint8_t *data;
    hawse_abi_value_t value[6];
};

/* ---- settings ---- */

static int order(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

static bool is_named(const struct names *names, const uint8_t name[32])
{
    return names->count > 0 && bsearch(name, names->at, names->count, 32, order) != NULL;
}

/* Names of `len` bytes, at the end of 32. HAWSE_E_NOTFOUND: there is no such list. */
static int32_t read_names(hawse_view_t config, const char *setting, uint64_t len,
                          struct names *names)
{
    names->at = calloc(NAMES_MAX, 32);
    if (!names->at)
        return HAWSE_E_NOMEM;
    int32_t code = hawse_setting_hex_list(config, setting, len, names->at[0] + 32 - len, 32,
                                          NAMES_MAX, &names->count);
    if (code == HAWSE_OK)
        qsort(names->at, names->count, 32, order);
    return code;
}

static int32_t read_settings(struct protocol *p, hawse_view_t config, const char **why)
{
    static const uint8_t usual[20] = {0xce, 0xaf, 0xdd, 0x6b, 0xc0, 0xbe, 0xf9, 0x76, 0xfd, 0xcd,
                                      0x11, 0x12, 0x95, 0x58, 0x28, 0xe0, 0x05, 0x43, 0xc0, 0xce};
    *why = "settings.contract is no address";
    int32_t code = hawse_setting_hex(config, "contract", p->contract, 20);
    if (code == HAWSE_E_NOTFOUND)
        memcpy(p->contract, usual, 20);
    else if (code != HAWSE_OK)
        return code;
    *why = "settings.conditions is no list of ids of 32 bytes";
    code = read_names(config, "conditions", 32, &p->conditions);
    p->all_conditions = code == HAWSE_E_NOTFOUND;
    if (code != HAWSE_OK && !p->all_conditions)
        return code;
    *why = "settings.owners is no list of addresses";
    code = read_names(config, "owners", 20, &p->owners);
    return code == HAWSE_E_NOTFOUND ? HAWSE_OK : code;
}

/* ---- records ---- */

static int32_t publish(struct protocol *p, const struct fact *f, uint16_t space, uint16_t kind,
                       uint32_t stream, const uint8_t name[32], const void *record, uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = space,
                           .kind = kind,
                           .stream = stream,
                           .epoch = f->cause->epoch,
                           .flags = f->cause->flags & ~HAWSE_EVENT_LOCAL,
                           .t_recv_ns = f->cause->t_recv_ns,
                           .t_source_ns = f->cause->t_source_ns,
                           .key = hawse_key(name, 32),
                           .data = record,
                           .len = len};
    return p->sub->publish(p->host, p->self, &event);
}

/* The numbers of an array behind the record; how many, or HAWSE_E_LIMIT. */
static int32_t put_numbers(struct protocol *p, const struct fact *f, const hawse_abi_value_t *array,
                           size_t offset)
{
    hawse_abi_value_t item;
    if (array->as.span.count > SETS_MAX)
        return HAWSE_E_LIMIT;
    for (uint64_t i = 0; i < array->as.span.count; i++) {
        int32_t code = hawse_abi_element(array, f->data, f->log->data_len, i, &item);
        if (code != HAWSE_OK)
            return code;
        memcpy(p->record.bytes + offset + i * 32, &item.as.number, 32);
    }
    return (int32_t)array->as.span.count;
}

static bool wants(const struct protocol *p, const uint8_t condition[32])
{
    return p->all_conditions || is_named(&p->conditions, condition);
}

static int32_t tell_condition(struct protocol *p, const struct fact *f, bool resolved)
{
    hawse_position_condition_t *c = &p->record.condition;
    const hawse_abi_value_t *v = f->value;
    uint64_t slots;
    if (!wants(p, v[0].as.bytes))
        return HAWSE_OK;
    if (hawse_u256_to_u64(&v[3].as.number, &slots) != HAWSE_OK || slots > SETS_MAX)
        return HAWSE_E_FORMAT;
    memset(c, 0, sizeof(*c));
    c->size = sizeof(*c);
    c->state = resolved ? HAWSE_CONDITION_RESOLVED : HAWSE_CONDITION_PREPARED;
    c->slots = (uint32_t)slots;
    c->payouts_offset = sizeof(*c);
    memcpy(c->condition, v[0].as.bytes, 32);
    memcpy(c->oracle + 12, v[1].as.bytes, 20);
    memcpy(c->question, v[2].as.bytes, 32);
    hawse_market_origin(f->log, &c->origin);
    int32_t count = resolved ? put_numbers(p, f, &v[4], sizeof(*c)) : 0;
    if (count < 0)
        return HAWSE_E_FORMAT;
    c->payout_count = (uint32_t)count;
    return publish(p, f, HAWSE_SPACE_POSITION, HAWSE_POSITION_CONDITION,
                   HAWSE_POSITION_STREAM_CONDITIONS, c->condition, c,
                   sizeof(*c) + (uint64_t)count * 32);
}

static int32_t tell_change(struct protocol *p, const struct fact *f, uint16_t kind)
{
    hawse_position_change_t *c = &p->record.change;
    const hawse_abi_value_t *v = f->value; /* owner, collateral, parent, condition, sets, amount */
    if (!wants(p, v[3].as.bytes))
        return HAWSE_OK;
    memset(c, 0, sizeof(*c));
    c->size = sizeof(*c);
    c->sets_offset = sizeof(*c);
    memcpy(c->owner + 12, v[0].as.bytes, 20);
    memcpy(c->collateral + 12, v[1].as.bytes, 20);
    memcpy(c->parent, v[2].as.bytes, 32);
    memcpy(c->condition, v[3].as.bytes, 32);
    c->amount = v[5].as.number;
    hawse_market_origin(f->log, &c->origin);
    int32_t count = put_numbers(p, f, &v[4], sizeof(*c));
    if (count < 0)
        return HAWSE_E_FORMAT;
    c->set_count = (uint32_t)count;
    return publish(p, f, HAWSE_SPACE_POSITION, kind, HAWSE_POSITION_STREAM_CHANGES, c->condition, c,
                   sizeof(*c) + (uint64_t)count * 32);
}

static int32_t tell_transfer(struct protocol *p, const struct fact *f, const hawse_u256_t *id,
                             const hawse_u256_t *amount)
{
    hawse_wallet_transfer_t t = {.size = sizeof(t), .amount = *amount};
    memcpy(t.from + 12, f->value[1].as.bytes, 20);
    memcpy(t.to + 12, f->value[2].as.bytes, 20);
    bool from = is_named(&p->owners, t.from);
    if (!from && !is_named(&p->owners, t.to))
        return HAWSE_OK;
    hawse_u256_to_be(id, t.asset);
    hawse_market_origin(f->log, &t.origin);
    return publish(p, f, HAWSE_SPACE_WALLET, HAWSE_WALLET_TRANSFER, HAWSE_POSITION_STREAM_TRANSFERS,
                   from ? t.from : t.to, &t, sizeof(t));
}

/* From the first that was not told yet. */
static int32_t tell_batch(struct protocol *p, const struct fact *f)
{
    const hawse_abi_value_t *ids = &f->value[3], *amounts = &f->value[4];
    uint64_t len = f->log->data_len, count = ids->as.span.count;
    hawse_abi_value_t id, amount;
    if (count != amounts->as.span.count)
        return HAWSE_E_FORMAT;
    for (; p->moved < count; p->moved++) {
        if (hawse_abi_element(ids, f->data, len, p->moved, &id) != HAWSE_OK ||
            hawse_abi_element(amounts, f->data, len, p->moved, &amount) != HAWSE_OK)
            break;
        int32_t code = tell_transfer(p, f, &id.as.number, &amount.as.number);
        if (code == HAWSE_E_AGAIN)
            return code;
    }
    p->moved = 0;
    return HAWSE_OK;
}

static int32_t tell(struct protocol *p, const struct fact *f, int32_t which)
{
    switch (which) {
    case PREPARED:
    case RESOLVED:
        return tell_condition(p, f, which == RESOLVED);
    case SPLIT:
        return tell_change(p, f, HAWSE_POSITION_SPLIT);
    case MERGE:
        return tell_change(p, f, HAWSE_POSITION_MERGE);
    case REDEEMED:
        return tell_change(p, f, HAWSE_POSITION_REDEMPTION);
    case MOVED:
        return tell_transfer(p, f, &f->value[3].as.number, &f->value[4].as.number);
    default:
        return tell_batch(p, f);
    }
}

/* ---- events ---- */

/* Another contract stands there, or another version of it. Said once: all its logs may be so. */
static void say_unread(struct protocol *p, const hawse_evm_log_t *log)
{
    char text[160];
    if (p->said)
        return;
    p->said = true;
    int n = snprintf(text, sizeof(text),
                     "log %u of block %llu is not what Conditional Tokens write, and is left out, "
                     "as others like it: is settings.contract right?",
                     log->log_index, (unsigned long long)log->block_number);
    p->host->log(p->host, p->self, HAWSE_LOG_WARN,
                 (hawse_view_t){(const uint8_t *)text, (uint64_t)n});
}

static int32_t on_log(struct protocol *p, const hawse_event_t *event)
{
    struct fact f = {.cause = event};
    int32_t which = hawse_contract_match(event, p->events, EVENTS, &f.log, &f.data);
    if (which < 0)
        return HAWSE_OK;
    int32_t code = hawse_abi_event_decode(&p->events[which], f.log->topics[0], f.log->topic_count,
                                          f.data, f.log->data_len, f.value,
                                          sizeof(f.value) / sizeof(f.value[0]), NULL);
    if (code >= 0)
        code = tell(p, &f, which);
    if (code == HAWSE_E_FORMAT || code == HAWSE_E_RANGE)
        say_unread(p, f.log);
    return code;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    static const uint32_t streams[] = {HAWSE_POSITION_STREAM_CONDITIONS,
                                       HAWSE_POSITION_STREAM_CHANGES,
                                       HAWSE_POSITION_STREAM_TRANSFERS};
    struct protocol *p = state;
    for (uint32_t i = 0; i < n; i++) {
        int32_t code =
            events[i]->space == HAWSE_SPACE_STREAM
                ? hawse_continuity_pass(p->sub, p->host, p->self, events[i], streams, 3, &p->told)
                : on_log(p, events[i]);
        if (code == HAWSE_E_AGAIN)
            return (int32_t)i; /* no room now: the rest comes again */
    }
    return (int32_t)n;
}

/* ---- the table ---- */

static void destroy(void *state)
{
    struct protocol *p = state;
    if (!p)
        return;
    free(p->conditions.at);
    free(p->owners.at);
    free(p);
}

static int32_t prepare(struct protocol *p, hawse_view_t config, const char **why, const char **fix)
{
    hawse_sub_t handle;
    for (int i = 0; i < EVENTS; i++)
        (void)hawse_abi_event_parse(declarations[i], strlen(declarations[i]), &p->events[i], NULL);
    *why = "the host has no hawse.sub/1", *fix = "use a newer host";
    if (!p->sub)
        return HAWSE_E_UNSUPPORTED;
    *fix = "write 0x and hexadecimal digits: 40 for an address, 64 for an id";
    int32_t code = read_settings(p, config, why);
    if (code != HAWSE_OK)
        return code;
    *why = "cannot follow the contract's logs",
    *fix = "link the instance to its chain, as \"chain\"";
    /* without accounts there are no transfers to tell of: the node isn't asked for them */
    uint32_t count = p->owners.count > 0 ? EVENTS : MOVED;
    return hawse_contract_follow(p->sub, p->host, p->self, "chain", p->contract, p->events, count,
                                 &handle);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct protocol *p = calloc(1, sizeof(*p));
    if (!p)
        return HAWSE_E_NOMEM;
    p->host = host;
    p->self = self;
    p->sub = host->query(host, self, HAWSE_SUB_ID);
    const char *why = "", *fix = "";
    int32_t code = prepare(p, config, &why, &fix);
    if (code != HAWSE_OK) {
        destroy(p);
        return hawse_fail(host, self, code, why, fix);
    }
    *state = p;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)deadline_ns;
    return start(state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.hawse.conditional-tokens",
        create,        start,           on_events,
        stop,          destroy,         NULL};
    return host ? &table : NULL;
}
