/*
 * Pools that nobody named. Creations are followed like any other log, and one that is taken back
 * takes its pool with it; those of before are asked for by the source's logs from a block on, or
 * one by one (lookups). See venue.h.
 */
#include "venue.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 500, RANGE_FIRST = 10000, DATA_MAX = 256 };
#define TAG UINT64_MAX /* of requests; pools use their index */

bool venue_discover_init(struct venue *v)
{
    v->found.range = RANGE_FIRST;
    v->found.next_block = v->found.from_block;
    v->found.asked = calloc(v->found.lookups + 1u, sizeof(v->found.asked[0]));
    return v->found.asked != NULL;
}

void venue_discover_again(struct venue *v)
{
    memset(v->found.asked, 0, v->found.lookups * sizeof(v->found.asked[0]));
    v->found.next_block = v->found.from_block;
    v->found.last_block = 0;
}

/* ---- asking ---- */

static bool ask_lookup(struct venue *v)
{
    struct venue_question q = {.to = v->found.source};
    v->kind->lookup(v, v->found.asking, &q);
    return venue_call(v, &q, v->head_hash, TAG, &v->found.request) == HAWSE_OK;
}

static bool ask_range(struct venue *v)
{
    struct venue_found *f = &v->found;
    char params[384], address[40], topic[64];
    uint64_t to = f->next_block + f->range - 1;
    f->asked_to = to < f->last_block ? to : f->last_block;
    hawse_hex_encode(f->source, 20, address);
    hawse_hex_encode(v->topics[v->kind->created], 32, topic);
    int n = snprintf(params, sizeof(params),
                     "[{\"address\":\"0x%.40s\",\"topics\":[\"0x%.64s\"],\"fromBlock\":\"0x%llx\","
                     "\"toBlock\":\"0x%llx\"}]",
                     address, topic, (unsigned long long)f->next_block,
                     (unsigned long long)f->asked_to);
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text("eth_getLogs"),
                             .params = {(const uint8_t *)params, (uint64_t)n},
                             .tag = TAG};
    int32_t code = v->rpc->call(v->host, v->self, &call, &f->request);
    if (code == HAWSE_OK)
        return true;
    f->request = 0;
    venue_complain(v,
                   "eth_getLogs could not be asked (%d): is rpc:eth_getLogs granted, and has the "
                   "chain instance an endpoint \"http\"?",
                   code);
    return false;
}

void venue_discover_next(struct venue *v)
{
    struct venue_found *f = &v->found;
    if (!f->on || f->request || !v->head_known)
        return;
    uint64_t now = v->host->now(v->host, HAWSE_CLOCK_MONOTONIC);
    if (now < f->retry_ns)
        return;
    if (f->last_block == 0) /* later creations come as events */
        f->last_block = v->head_number;
    for (f->asking = 0; f->asking < f->lookups && f->asked[f->asking];)
        f->asking++;
    bool sent = true;
    if (f->asking < f->lookups)
        sent = ask_lookup(v);
    else if (f->scan && f->next_block <= f->last_block)
        sent = ask_range(v);
    if (!sent)
        f->retry_ns = now + (uint64_t)RETRY_MS * 1000000u;
}

/* ---- answers ---- */

/* A log as the node writes it, so far as a creation needs it. */
struct found_log {
    hawse_evm_log_t head;
    uint8_t data[DATA_MAX];
};

static bool read_log(const hawse_json_t *doc, hawse_json_value_t *log, struct found_log *out)
{
    hawse_json_value_t topics, data, v;
    uint64_t len = 0;
    *out = (struct found_log){.head = {.size = sizeof(out->head)}};
    if (log->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, log, "topics", &topics) != HAWSE_OK ||
        hawse_json_get(doc, log, "data", &data) != HAWSE_OK || data.kind != HAWSE_JSON_STRING ||
        hawse_hex_data(data.data, data.len, out->data, sizeof(out->data), &len) != HAWSE_OK)
        return false;
    out->head.data_offset = (uint32_t)offsetof(struct found_log, data);
    out->head.data_len = (uint32_t)len;
    while (out->head.topic_count < 4 && hawse_json_next(doc, &topics, NULL, &v) == 1) {
        if (v.kind != HAWSE_JSON_STRING ||
            hawse_hex_fixed(v.data, v.len, out->head.topics[out->head.topic_count++], 32) !=
                HAWSE_OK)
            return false;
    }
    return true;
}

static bool take_logs(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t entry;
    struct found_log log;
    int32_t code = HAWSE_E_FORMAT;
    while (list->kind == HAWSE_JSON_ARRAY &&
           (code = hawse_json_next(doc, list, NULL, &entry)) == 1) {
        if (!read_log(doc, &entry, &log) || venue_topic(v, &log.head) != v->kind->created)
            return false;
        v->kind->creation(v, &log.head, false);
    }
    if (code != 0)
        return false;
    v->found.next_block = v->found.asked_to + 1;
    return true;
}

static bool take_range(struct venue *v, const uint8_t *body, uint64_t len)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint32_t *marks = malloc((len + 2) * sizeof(marks[0])); /* a few times in an instance's life */
    bool good = marks && hawse_json_index(&doc, body, len, marks, (uint32_t)len + 2) == HAWSE_OK &&
                hawse_json_root(&doc, &root) == HAWSE_OK && take_logs(v, &doc, &root);
    free(marks);
    return good;
}

static bool take_lookup(struct venue *v, const hawse_event_t *event)
{
    uint8_t data[VENUE_ANSWER_MAX];
    uint64_t len = 0;
    uint32_t n = v->found.asking;
    v->found.asked[n] = venue_answer(event, data, &len) && v->kind->looked_up(v, n, data, len);
    return v->found.asked[n];
}

bool venue_discover_answer(struct venue *v, const hawse_event_t *event)
{
    struct venue_found *f = &v->found;
    hawse_host_rpc_done_t done;
    memcpy(&done, event->data, sizeof(done));
    if (done.tag != TAG || done.request != f->request)
        return done.tag == TAG;
    bool lookup = f->asking < f->lookups;
    f->request = 0;
    if (done.status == HAWSE_OK &&
        (lookup ? take_lookup(v, event)
                : take_range(v, event->data + sizeof(done), event->len - sizeof(done))))
        return true;
    if (!lookup && f->range > 1 && done.status != HAWSE_OK)
        f->range /= 2; /* too many blocks for this node */
    uint64_t pause = done.retry_after_ms ? done.retry_after_ms : RETRY_MS;
    f->retry_ns = v->host->now(v->host, HAWSE_CLOCK_MONOTONIC) + pause * 1000000u;
    if (done.status == HAWSE_OK || (done.status == HAWSE_E_REMOTE && lookup))
        venue_complain(v,
                       "the contract that tells of new pools does not answer as that of %s does: "
                       "is its address right?",
                       v->kind->what);
    return true;
}
