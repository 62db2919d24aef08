/*
 * Pools by their factory: those of configured pairs, or all of them. The factory's Pool events are
 * followed like any other log; what was created before is asked for, pair by pair (poolByPair) or
 * by the factory's logs from a configured block on. A creation that is taken back takes its pool
 * with it. See swapr.h.
 */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/keccak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 500, RANGE_FIRST = 10000 };

static const char selector_pool_by_pair[] = "d9a641e1"; /* poolByPair(address,address) */

void discover_init(struct swapr *s)
{
    hawse_keccak_signature("Pool(address,address,address)", s->found.topic);
    s->found.range = RANGE_FIRST;
}

void discover_finish(struct swapr *s)
{
    free(s->found.pairs);
}

int32_t discover_subscribe(struct swapr *s)
{
    uint8_t filter[sizeof(hawse_evm_log_filter_t) + 32];
    hawse_evm_log_filter_t wanted = {.size = sizeof(wanted), .topic0_count = 1};
    hawse_sub_t sub;
    memcpy(wanted.address, s->found.factory, 20);
    memcpy(filter, &wanted, sizeof(wanted));
    memcpy(filter + sizeof(wanted), s->found.topic, 32);
    hawse_sub_spec_t logs = {.size = sizeof(logs),
                             .source = s->chain,
                             .space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_LOG,
                             .policy = HAWSE_POLICY_LOSSLESS,
                             .flags = HAWSE_SUB_KEYED,
                             .key = hawse_key(s->found.factory, 20),
                             .filter = {filter, sizeof(filter)}};
    return s->sub->subscribe(s->host, s->self, &logs, &sub);
}

bool discover_is_event(const struct swapr *s, const hawse_evm_log_t *log)
{
    return s->found.on && memcmp(log->address, s->found.factory, 20) == 0 &&
           log->topic_count == 3 && memcmp(log->topics[0], s->found.topic, 32) == 0;
}

/* The configured pair of these tokens; NULL when there is none. */
static struct pair *pair_of(struct swapr *s, const uint8_t a[20], const uint8_t b[20])
{
    for (uint32_t i = 0; i < s->found.pair_count; i++) {
        struct pair *p = &s->found.pairs[i];
        if ((memcmp(p->token[0], a, 20) == 0 && memcmp(p->token[1], b, 20) == 0) ||
            (memcmp(p->token[0], b, 20) == 0 && memcmp(p->token[1], a, 20) == 0))
            return p;
    }
    return NULL;
}

/* Pool(address indexed token0, address indexed token1, address pool) */
static void on_created(struct swapr *s, const uint8_t first[32], const uint8_t second[32],
                       const uint8_t *data, uint64_t len, bool removed)
{
    uint8_t token[2][20], pool[20];
    if (len < 32 || hawse_abi_address(first, token[0]) != HAWSE_OK ||
        hawse_abi_address(second, token[1]) != HAWSE_OK ||
        hawse_abi_address(data, pool) != HAWSE_OK) {
        swapr_complain(s, "the factory's Pool event is malformed: is \"factory\" an Algebra V1.9 "
                          "factory?");
        return;
    }
    struct pair *pair = pair_of(s, token[0], token[1]);
    if (s->found.pair_count > 0 && !pair)
        return;
    if (pair)
        pair->found = !removed;
    if (removed)
        swapr_drop_pool(s, pool);
    else
        (void)swapr_add_pool(s, pool);
}

void discover_event(struct swapr *s, const hawse_evm_log_t *log, bool removed)
{
    on_created(s, log->topics[1], log->topics[2], (const uint8_t *)log + log->data_offset,
               log->data_len, removed);
}

void discover_again(struct swapr *s)
{
    for (uint32_t i = 0; i < s->found.pair_count; i++)
        s->found.pairs[i].asked = false;
    s->found.next_block = s->found.from_block;
    s->found.last_block = 0;
}

/* ---- asking ---- */

static bool ask(struct swapr *s, const char *method, const char *params, int len)
{
    hawse_rpc_call_t c = {.size = sizeof(c),
                          .link = hawse_text("chain"),
                          .method = hawse_text(method),
                          .params = {(const uint8_t *)params, (uint64_t)len},
                          .tag = SWAPR_TAG_DISCOVER};
    int32_t code = s->rpc->call(s->host, s->self, &c, &s->found.request);
    if (code == HAWSE_OK)
        return true;
    s->found.request = 0;
    swapr_complain(s,
                   "%s could not be asked (%d): is rpc:%s granted, and has the chain instance an "
                   "endpoint \"http\"?",
                   method, code, method);
    return false;
}

static bool ask_pair(struct swapr *s, const struct pair *p)
{
    char params[384], to[40], a[40], b[40], hash[64];
    hawse_hex_encode(s->found.factory, 20, to);
    hawse_hex_encode(p->token[0], 20, a);
    hawse_hex_encode(p->token[1], 20, b);
    hawse_hex_encode(s->head_hash, 32, hash);
    int n = snprintf(params, sizeof(params),
                     "[{\"to\":\"0x%.40s\",\"data\":\"0x%s%024d%.40s%024d%.40s\"},"
                     "{\"blockHash\":\"0x%.64s\"}]",
                     to, selector_pool_by_pair, 0, a, 0, b, hash);
    return ask(s, "eth_call", params, n);
}

static bool ask_range(struct swapr *s)
{
    struct discovery *f = &s->found;
    char params[384], address[40], topic[64];
    uint64_t to = f->next_block + f->range - 1;
    f->asked_to = to < f->last_block ? to : f->last_block;
    hawse_hex_encode(f->factory, 20, address);
    hawse_hex_encode(f->topic, 32, topic);
    int n = snprintf(params, sizeof(params),
                     "[{\"address\":\"0x%.40s\",\"topics\":[\"0x%.64s\"],\"fromBlock\":\"0x%llx\","
                     "\"toBlock\":\"0x%llx\"}]",
                     address, topic, (unsigned long long)f->next_block,
                     (unsigned long long)f->asked_to);
    return ask(s, "eth_getLogs", params, n);
}

static struct pair *unasked(struct swapr *s)
{
    for (uint32_t i = 0; i < s->found.pair_count; i++) {
        if (!s->found.pairs[i].found && !s->found.pairs[i].asked)
            return &s->found.pairs[i];
    }
    return NULL;
}

void discover_next(struct swapr *s)
{
    struct discovery *f = &s->found;
    uint64_t now = s->host->now(s->host, HAWSE_CLOCK_MONOTONIC);
    if (!f->on || f->request || !s->head_known || now < f->retry_ns)
        return;
    if (f->last_block == 0) /* later creations come as events */
        f->last_block = s->head_number;
    bool sent = true;
    if (f->pair_count > 0) {
        f->asking = unasked(s);
        if (!f->asking)
            return;
        sent = ask_pair(s, f->asking);
    } else if (f->scan && f->next_block <= f->last_block) {
        sent = ask_range(s);
    }
    if (!sent)
        f->retry_ns = now + (uint64_t)RETRY_MS * 1000000u;
}

/* ---- answers ---- */

static bool take_pair(struct swapr *s, const hawse_json_value_t *v)
{
    uint8_t word[32], pool[20];
    static const uint8_t none[20];
    if (v->kind != HAWSE_JSON_STRING || hawse_hex_fixed(v->data, v->len, word, 32) != HAWSE_OK ||
        hawse_abi_address(word, pool) != HAWSE_OK)
        return false;
    s->found.asking->asked = true;
    if (memcmp(pool, none, 20) == 0)
        return true; /* not created yet: the factory will say so */
    s->found.asking->found = true;
    return swapr_add_pool(s, pool);
}

static bool take_log(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *log)
{
    hawse_json_value_t topics, data, v;
    uint8_t words[3][32], word[32];
    if (log->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, log, "topics", &topics) != HAWSE_OK ||
        hawse_json_get(doc, log, "data", &data) != HAWSE_OK || data.kind != HAWSE_JSON_STRING ||
        hawse_hex_fixed(data.data, data.len, word, 32) != HAWSE_OK)
        return false;
    for (int i = 0; i < 3; i++) {
        if (hawse_json_next(doc, &topics, NULL, &v) != 1 || v.kind != HAWSE_JSON_STRING ||
            hawse_hex_fixed(v.data, v.len, words[i], 32) != HAWSE_OK)
            return false;
    }
    on_created(s, words[1], words[2], word, sizeof(word), false);
    return true;
}

static bool take_logs(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t log;
    int32_t code = HAWSE_E_FORMAT;
    while (list->kind == HAWSE_JSON_ARRAY && (code = hawse_json_next(doc, list, NULL, &log)) == 1) {
        if (!take_log(s, doc, &log))
            return false;
    }
    if (code != 0)
        return false;
    s->found.next_block = s->found.asked_to + 1;
    return true;
}

static bool take_body(struct swapr *s, const uint8_t *body, uint64_t len)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint32_t *marks = malloc((len + 2) * sizeof(marks[0])); /* a few times in an instance's life */
    bool good = marks && hawse_json_index(&doc, body, len, marks, (uint32_t)len + 2) == HAWSE_OK &&
                hawse_json_root(&doc, &root) == HAWSE_OK &&
                (s->found.asking ? take_pair(s, &root) : take_logs(s, &doc, &root));
    free(marks);
    return good;
}

void discover_answer(struct swapr *s, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    memcpy(&done, event->data, sizeof(done));
    if (done.request != s->found.request)
        return;
    s->found.request = 0;
    if (done.status == HAWSE_OK &&
        take_body(s, event->data + sizeof(done), event->len - sizeof(done)))
        return;
    if (!s->found.asking && s->found.range > 1 && done.status != HAWSE_OK)
        s->found.range /= 2; /* too many blocks for this node */
    uint64_t pause = done.retry_after_ms ? done.retry_after_ms : RETRY_MS;
    s->found.retry_ns = s->host->now(s->host, HAWSE_CLOCK_MONOTONIC) + pause * 1000000u;
    if (done.status == HAWSE_OK || (done.status == HAWSE_E_REMOTE && s->found.asking))
        swapr_complain(s, "the factory does not answer as an Algebra V1.9 factory does: is the "
                          "address right?");
}
