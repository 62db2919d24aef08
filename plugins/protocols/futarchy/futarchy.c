/* Manifest, settings, and what logs say of proposals; see futarchy.h. */
#include "futarchy.h"

#include <hawse/contract.h>
#include <hawse/setting.h>
#include <hawse/u256.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.futarchy\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"protocol\","
    "\"license\":\"MIT\",\"maturity\":\"beta\","
    "\"description\":\"futarchy proposals: their tokens, and what they come to\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\",\"stream/1\"],\"produces\":[\"position/1\",\"stream/1\"],"
    "\"capabilities\":[\"rpc:eth_call\"],"
    "\"config\":{\"type\":\"object\",\"properties\":{"
    "\"proposals\":{\"type\":\"array\",\"maxItems\":256,\"items\":{\"type\":\"string\","
    "\"format\":\"address\"},"
    "\"examples\":[[\"0xec50a351C0A4A122DC614058C0481Bb9487Abdaa\"]],"
    "\"description\":\"addresses of the proposals to follow\"},"
    "\"factory\":{\"type\":\"string\",\"format\":\"address\","
    "\"description\":\"a factory: its proposals are followed from now on as they are made\"},"
    "\"conditional_tokens\":{\"type\":\"string\",\"format\":\"address\","
    "\"default\":\"0xCeAfDD6bc0bEF976fdCd1112955828E00543c0Ce\","
    "\"description\":\"where conditions are answered; left out, that of Gnosis\"}}}}";

/* ConditionalTokens.sol and FutarchyFactory.sol */
static const char *const declarations[EVENTS] = {
    "event ConditionResolution(bytes32 indexed conditionId, address indexed oracle, "
    "bytes32 indexed questionId, uint outcomeSlotCount, uint[] payoutNumerators)",
    "event NewProposal(address indexed proposal, string marketName, bytes32 conditionId, "
    "bytes32 questionId)"};

enum { VALUES = 5 };

static const uint64_t LOOK_NS = 250000000u;

void futarchy_say(const struct futarchy *f, uint32_t level, const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    uint64_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (uint64_t)n : sizeof(text) - 1;
    f->host->log(f->host, f->self, level, (hawse_view_t){(const uint8_t *)text, len});
}

/* ---- proposals ---- */

static struct proposal *find(struct futarchy *f, const uint8_t address[20])
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (memcmp(f->all[i].is.proposal + 12, address, 20) == 0)
            return &f->all[i];
    }
    return NULL;
}

/* Where another one may stand: behind the last, or in the place of one that is gone, was told so,
 * and is not being asked. NULL: nowhere. */
static struct proposal *place(struct futarchy *f)
{
    if (f->count < PROPOSALS_MAX)
        return &f->all[f->count++];
    for (uint32_t i = 0; i < f->count; i++) {
        struct proposal *p = &f->all[i];
        if (p->is.state == HAWSE_PROPOSAL_GONE && !p->changed && !(f->asking && f->asked == i))
            return p;
    }
    return NULL;
}

/* One that is gone was made again, on another branch. */
static void add(struct futarchy *f, const uint8_t address[20], bool named)
{
    struct proposal *p = find(f, address);
    if (p && p->is.state != HAWSE_PROPOSAL_GONE)
        return;
    if (!p)
        p = place(f);
    if (!p) {
        if (!f->full)
            futarchy_say(f, HAWSE_LOG_WARN,
                         "more than %d proposals: what the factory makes from now on is not "
                         "followed; name those that matter in \"proposals\"",
                         PROPOSALS_MAX);
        f->full = true;
        return;
    }
    *p = (struct proposal){.is = {.size = sizeof(p->is)}, .named = named};
    memcpy(p->is.proposal + 12, address, 20);
}

static void drop(struct futarchy *f, const uint8_t address[20])
{
    struct proposal *p = find(f, address);
    if (!p)
        return;
    p->changed = p->step == ASKS; /* what was never told is not taken back */
    p->is.state = HAWSE_PROPOSAL_GONE;
}

/* False: no room now, the rest is told later. */
static bool flush(struct futarchy *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct proposal *p = &f->all[i];
        hawse_event_t event = {.size = sizeof(event),
                               .space = HAWSE_SPACE_POSITION,
                               .kind = HAWSE_POSITION_PROPOSAL,
                               .stream = HAWSE_POSITION_STREAM_PROPOSALS,
                               .key = hawse_key(p->is.proposal, 32),
                               .data = (const uint8_t *)&p->is,
                               .len = sizeof(p->is)};
        if (p->changed && f->sub->publish(f->host, f->self, &event) == HAWSE_E_AGAIN)
            return false;
        p->changed = false;
    }
    return true;
}

/* ---- logs ---- */

/* Payouts of YES and NO; false: there are others than these two. */
static bool read_payouts(const hawse_abi_value_t *array, const uint8_t *data, uint64_t len,
                         hawse_u256_t payout[2])
{
    hawse_abi_value_t v;
    for (uint64_t i = 0; i < 2; i++) {
        if (array->as.span.count != 2 || hawse_abi_element(array, data, len, i, &v) != HAWSE_OK)
            return false;
        payout[i] = v.as.number;
    }
    return true;
}

static void on_resolved(struct futarchy *f, const hawse_abi_value_t *v, const uint8_t *data,
                        uint64_t len, bool removed)
{
    hawse_u256_t payout[2] = {{{0, 0, 0, 0}}, {{0, 0, 0, 0}}};
    bool two = removed || read_payouts(&v[4], data, len, payout);
    for (uint32_t i = 0; i < f->count && two; i++) {
        struct proposal *p = &f->all[i];
        if (p->step == ASK_CONDITION || p->is.state == HAWSE_PROPOSAL_GONE ||
            memcmp(p->is.condition, v[0].as.bytes, 32) != 0)
            continue;
        p->is.state = removed ? HAWSE_PROPOSAL_OPEN : HAWSE_PROPOSAL_RESOLVED;
        memcpy(p->is.payout, payout, sizeof(payout));
        p->answered = true;
        p->changed = p->step == ASKS;
    }
}

static void on_log(struct futarchy *f, const hawse_event_t *event)
{
    const hawse_evm_log_t *log;
    const uint8_t *data;
    hawse_abi_value_t v[VALUES];
    bool removed = event->flags & HAWSE_EVENT_REMOVED;
    int32_t which = hawse_contract_match(event, f->events, EVENTS, &log, &data);
    if (which < 0 || hawse_abi_event_decode(&f->events[which], log->topics[0], log->topic_count,
                                            data, log->data_len, v, VALUES, NULL) < 0)
        return;
    if (which == EVENT_RESOLVED && memcmp(log->address, f->conditional_tokens, 20) == 0)
        on_resolved(f, v, data, log->data_len, removed);
    else if (which == EVENT_PROPOSED && memcmp(log->address, f->factory, 20) == 0)
        removed ? drop(f, v[0].as.bytes) : add(f, v[0].as.bytes, false);
}

/* False: no room, the event comes again. What is to be told first goes out before. */
static bool pass(struct futarchy *f, const hawse_event_t *event)
{
    static const uint32_t stream = HAWSE_POSITION_STREAM_PROPOSALS;
    return flush(f) && hawse_continuity_pass(f->sub, f->host, f->self, event, &stream, 1,
                                             &f->told) != HAWSE_E_AGAIN;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct futarchy *f = state;
    uint32_t i = 0;
    for (; i < n; i++) {
        const hawse_event_t *e = events[i];
        if (e->space == HAWSE_SPACE_STREAM && !pass(f, e))
            break;
        if (e->space == HAWSE_SPACE_EVM)
            on_log(f, e);
        else if (e->space == HAWSE_SPACE_HOST && e->kind == HAWSE_HOST_RPC_DONE)
            ask_take(f, e);
    }
    (void)flush(f);
    ask_next(f);
    return (int32_t)i;
}

/* ---- the table ---- */

static int32_t read_proposals(struct futarchy *f, hawse_view_t config, const char **why)
{
    uint32_t count = 0;
    uint8_t *named = calloc(PROPOSALS_MAX, 20);
    if (!named)
        return HAWSE_E_NOMEM;
    *why = "settings.proposals is no list of addresses";
    int32_t code =
        hawse_setting_hex_list(config, "proposals", 20, named, 20, PROPOSALS_MAX, &count);
    for (uint32_t i = 0; i < count; i++)
        add(f, named + (size_t)i * 20, true);
    free(named);
    if (code != HAWSE_OK && code != HAWSE_E_NOTFOUND)
        return code;
    *why = "no proposal is named, and no factory";
    return count > 0 || f->factory_set ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t read_settings(struct futarchy *f, hawse_view_t config, const char **why)
{
    static const uint8_t usual[20] = {0xce, 0xaf, 0xdd, 0x6b, 0xc0, 0xbe, 0xf9, 0x76, 0xfd, 0xcd,
                                      0x11, 0x12, 0x95, 0x58, 0x28, 0xe0, 0x05, 0x43, 0xc0, 0xce};
    *why = "settings.conditional_tokens is no address";
    int32_t code = hawse_setting_hex(config, "conditional_tokens", f->conditional_tokens, 20);
    if (code == HAWSE_E_NOTFOUND)
        memcpy(f->conditional_tokens, usual, 20);
    else if (code != HAWSE_OK)
        return code;
    *why = "settings.factory is no address";
    code = hawse_setting_hex(config, "factory", f->factory, 20);
    f->factory_set = code == HAWSE_OK;
    return code == HAWSE_OK || code == HAWSE_E_NOTFOUND ? read_proposals(f, config, why) : code;
}

static int32_t prepare(struct futarchy *f, hawse_view_t config, const char **why, const char **fix)
{
    hawse_sub_t handle;
    for (int i = 0; i < EVENTS; i++)
        (void)hawse_abi_event_parse(declarations[i], strlen(declarations[i]), &f->events[i], NULL);
    *why = "the host has no hawse.sub/1, hawse.rpc/1 or hawse.timer/1", *fix = "use a newer host";
    if (!f->sub || !f->rpc || !f->timers)
        return HAWSE_E_UNSUPPORTED;
    *fix = "set \"proposals\" to a list of addresses (0x and 40 hexadecimal digits), or "
           "\"factory\" to one";
    int32_t code = read_settings(f, config, why);
    if (code != HAWSE_OK)
        return code;
    *why = "cannot follow the logs", *fix = "link the instance to its chain, as \"chain\"";
    code = hawse_contract_follow(f->sub, f->host, f->self, "chain", f->conditional_tokens,
                                 &f->events[EVENT_RESOLVED], 1, &handle);
    if (code != HAWSE_OK || !f->factory_set)
        return code;
    return hawse_contract_follow(f->sub, f->host, f->self, "chain", f->factory,
                                 &f->events[EVENT_PROPOSED], 1, &handle);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct futarchy *f = calloc(1, sizeof(*f));
    if (!f)
        return HAWSE_E_NOMEM;
    f->host = host;
    f->self = self;
    f->sub = host->query(host, self, HAWSE_SUB_ID);
    f->rpc = host->query(host, self, HAWSE_RPC_ID);
    f->timers = host->query(host, self, HAWSE_TIMER_ID);
    const char *why = "", *fix = "";
    int32_t code = prepare(f, config, &why, &fix);
    if (code != HAWSE_OK) {
        free(f);
        return hawse_fail(host, self, code, why, fix);
    }
    *state = f;
    return HAWSE_OK;
}

/* The timer is for what was put off: questions, and records that there was no room for. */
static int32_t start(void *state)
{
    struct futarchy *f = state;
    hawse_timer_t timer;
    int32_t code = f->timers->set(f->host, f->self, LOOK_NS, LOOK_NS, 0, &timer);
    ask_next(f);
    return code;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)deadline_ns;
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.hawse.futarchy", create, start, on_events, stop, free,
        NULL};
    return host ? &table : NULL;
}
