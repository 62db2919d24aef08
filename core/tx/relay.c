/* Private relays and bundles; see relay.h. */
#include "tx/relay.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/service/intent.h>
#include <stdio.h>
#include <string.h>

/* ---- which way ---- */

static int32_t go_private(const struct route_case *c, bool may_leave, enum route *out,
                          const char **why)
{
    *out = ROUTE_PRIVATE;
    *why = "by the relay";
    if (!c->relay_down)
        return HAWSE_OK;
    *why = "the relay cannot be asked, and nothing may go round it";
    if (!may_leave)
        return HAWSE_E_AGAIN;
    *out = ROUTE_PUBLIC;
    *why = "the relay cannot be asked, and the configuration lets it go public";
    return HAWSE_OK;
}

int32_t route_choose(const struct route_case *c, enum route *out, const char **why)
{
    *out = ROUTE_PUBLIC;
    if (c->wanted == HAWSE_INTENT_ROUTE_PRIVATE) {
        *why = "a private route is wanted, and the chain has no relay";
        return c->relay ? go_private(c, false, out, why) : HAWSE_E_UNSUPPORTED;
    }
    if (c->wanted == HAWSE_INTENT_ROUTE_DEFAULT && c->usual != ROUTE_PUBLIC) {
        *why = "the chain's way is a relay, and it has none";
        return c->relay ? go_private(c, c->fallback, out, why) : HAWSE_E_UNSUPPORTED;
    }
    if (c->sandwiches > 0 && c->relay && !c->relay_down) {
        *out = ROUTE_PRIVATE;
        *why = "sandwiched lately: by the relay";
        return HAWSE_OK;
    }
    *why = "to the public mempool";
    return HAWSE_OK;
}

/* ---- kinds ---- */

static const struct {
    const char *method;
    uint32_t minute;
    bool look;
} kinds[] = {
#define RELAY_KIND_ROW(name, method, minute, look) {method, minute, look},
    RELAY_KINDS(RELAY_KIND_ROW)};

const char *relay_method(enum relay_kind kind)
{
    return kinds[kind].method;
}

uint32_t relay_per_minute(enum relay_kind kind)
{
    return kinds[kind].minute;
}

bool relay_is_look(enum relay_kind kind)
{
    return kinds[kind].look;
}

uint32_t relay_limit_of(enum relay_kind kind)
{
    switch (kinds[kind].minute) {
    case 1800:
        return 0;
    case 600:
        return 1;
    case 300:
        return 2;
    default:
        return RELAY_LIMITS - 1;
    }
}

/* ---- requests ---- */

static void put_hex(hawse_writer_t *w, const uint8_t *bytes, uint64_t len)
{
    char two[2];
    for (uint64_t i = 0; i < len; i++) {
        hawse_hex_encode(bytes + i, 1, two);
        hawse_writer_put(w, two, 2);
    }
}

static void put_data(hawse_writer_t *w, const char *before, const uint8_t *bytes, uint64_t len)
{
    hawse_writer_text(w, before);
    hawse_writer_text(w, "\"0x");
    put_hex(w, bytes, len);
    hawse_writer_text(w, "\"");
}

static void put_quantity(hawse_writer_t *w, const char *before, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "\"0x%llx\"", (unsigned long long)n);
    hawse_writer_text(w, before);
    hawse_writer_text(w, text);
}

static void put_number(hawse_writer_t *w, const char *before, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    hawse_writer_text(w, before);
    hawse_writer_text(w, text);
}

static void begin(hawse_writer_t *w, const char *method)
{
    hawse_writer_text(w, "{\"method\":\"");
    hawse_writer_text(w, method);
    hawse_writer_text(w, "\",\"params\":[");
}

static int32_t end(hawse_writer_t *w, uint64_t id)
{
    put_number(w, "],\"id\":", id);
    hawse_writer_text(w, ",\"jsonrpc\":\"2.0\"}");
    return hawse_writer_end(w);
}

static int32_t put_txs(hawse_writer_t *w, const struct relay_bundle *b)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < b->count; i++)
        bytes += b->txs[i].len;
    if (b->count == 0)
        return HAWSE_E_INVAL;
    if (b->count > RELAY_BUNDLE_TXS || bytes > RELAY_BUNDLE_BYTES)
        return HAWSE_E_LIMIT;
    hawse_writer_text(w, "{\"txs\":[");
    for (uint32_t i = 0; i < b->count; i++)
        put_data(w, i ? "," : "", b->txs[i].data, b->txs[i].len);
    put_quantity(w, "],\"blockNumber\":", b->block);
    return HAWSE_OK;
}

int32_t relay_write_send_bundle(hawse_writer_t *w, uint64_t id, const struct relay_bundle *b)
{
    begin(w, "eth_sendBundle");
    int32_t code = put_txs(w, b);
    if (code != HAWSE_OK)
        return code;
    if (b->min_time || b->max_time) {
        put_number(w, ",\"minTimestamp\":", b->min_time);
        put_number(w, ",\"maxTimestamp\":", b->max_time ? b->max_time : INT64_MAX);
    }
    hawse_writer_text(w, ",\"revertingTxHashes\":[");
    for (uint32_t i = 0; i < b->reverting_count; i++)
        put_data(w, i ? "," : "", b->reverting[i], 32);
    hawse_writer_text(w, "]");
    if (b->uuid) {
        hawse_writer_text(w, ",\"replacementUuid\":\"");
        hawse_writer_text(w, b->uuid);
        hawse_writer_text(w, "\"");
    }
    hawse_writer_text(w, "}");
    return end(w, id);
}

int32_t relay_write_call_bundle(hawse_writer_t *w, uint64_t id, const struct relay_bundle *b)
{
    begin(w, "eth_callBundle");
    int32_t code = put_txs(w, b);
    if (code != HAWSE_OK)
        return code;
    hawse_writer_text(w, ",\"stateBlockNumber\":\"latest\"");
    if (b->min_time)
        put_number(w, ",\"timestamp\":", b->min_time);
    hawse_writer_text(w, "}");
    return end(w, id);
}

int32_t relay_write_cancel_bundle(hawse_writer_t *w, uint64_t id, const char *uuid)
{
    begin(w, "eth_cancelBundle");
    hawse_writer_text(w, "{\"replacementUuid\":\"");
    hawse_writer_text(w, uuid);
    hawse_writer_text(w, "\"}");
    return end(w, id);
}

int32_t relay_write_send_private(hawse_writer_t *w, uint64_t id, hawse_view_t tx,
                                 uint64_t max_block)
{
    begin(w, "eth_sendPrivateTransaction");
    put_data(w, "{\"tx\":", tx.data, tx.len);
    if (max_block)
        put_quantity(w, ",\"maxBlockNumber\":", max_block);
    hawse_writer_text(w, "}");
    return end(w, id);
}

int32_t relay_write_cancel_private(hawse_writer_t *w, uint64_t id, const uint8_t hash[32])
{
    begin(w, "eth_cancelPrivateTransaction");
    put_data(w, "{\"txHash\":", hash, 32);
    hawse_writer_text(w, "}");
    return end(w, id);
}

int32_t relay_write_bundle_stats(hawse_writer_t *w, uint64_t id, const uint8_t hash[32],
                                 uint64_t block)
{
    begin(w, "flashbots_getBundleStatsV2");
    put_data(w, "{\"bundleHash\":", hash, 32);
    put_quantity(w, ",\"blockNumber\":", block);
    hawse_writer_text(w, "}");
    return end(w, id);
}

int32_t relay_write_raw(hawse_writer_t *w, uint64_t id, const char *method, hawse_view_t tx,
                        bool bare)
{
    begin(w, method);
    hawse_writer_text(w, bare ? "\"" : "\"0x");
    put_hex(w, tx.data, tx.len);
    hawse_writer_text(w, "\"");
    return end(w, id);
}

void relay_uuid(const uint8_t first[32], uint64_t block, char out[RELAY_UUID])
{
    uint8_t from[40], digest[32];
    char digits[33] = "";
    memcpy(from, first, 32);
    for (int i = 0; i < 8; i++)
        from[32 + i] = (uint8_t)(block >> (8 * i));
    hawse_keccak256(from, sizeof(from), digest);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80); /* RFC 9562: version 8, of our own making */
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    hawse_hex_encode(digest, 16, digits);
    (void)snprintf(out, RELAY_UUID, "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
                   digits + 16, digits + 20);
}

/* ---- the time with a relay ---- */

void relay_begin(struct relay_stay *stay, const struct relay_rules *rules, uint64_t head)
{
    stay->rounds++;
    stay->first = head + 1;
    stay->max = head + rules->blocks;
    stay->asked = head;
    stay->targeted = head;
    stay->offered = true;
    stay->repeat = false;
}

bool relay_target(struct relay_stay *stay, uint64_t head, uint64_t *block)
{
    uint64_t next = (stay->targeted > head ? stay->targeted : head) + 1;
    if (stay->over || !stay->offered || next > stay->max || next > head + RELAY_AHEAD)
        return false;
    stay->targeted = next;
    *block = next;
    return true;
}

void relay_unsure(struct relay_stay *stay)
{
    stay->repeat = true;
}

void relay_heard(struct relay_stay *stay, const struct relay_fate *fate, uint64_t head)
{
    stay->leaked |= fate->leaked;
    if (fate->status == RELAY_IS_FAILED || fate->status == RELAY_IS_CANCELLED)
        relay_refused(stay, head);
}

void relay_refused(struct relay_stay *stay, uint64_t head)
{
    stay->offered = false;
    stay->max = stay->max > head ? head : stay->max;
}

static enum relay_next leave(struct relay_stay *stay, enum relay_next next)
{
    stay->over = true;
    return next;
}

/* Its range is not over. */
static enum relay_next within(struct relay_stay *stay, const struct relay_rules *rules,
                              uint64_t head)
{
    bool repeat = stay->repeat;
    if (head <= stay->asked || (!repeat && !rules->status))
        return RELAY_WAIT;
    stay->asked = head;
    stay->repeat = false;
    return repeat ? RELAY_REPEAT : RELAY_ASK;
}

enum relay_next relay_look(struct relay_stay *stay, const struct relay_rules *rules,
                           const struct relay_look *look)
{
    if (stay->over || stay->rounds == 0)
        return RELAY_WAIT;
    if (look->unwanted)
        return leave(stay, RELAY_VOID);
    if (stay->leaked && rules->fallback)
        return leave(stay, RELAY_PUBLISH);
    if (look->head < stay->max && stay->offered)
        return within(stay, rules, look->head);
    if (look->late)
        return leave(stay, RELAY_VOID);
    if (stay->rounds < rules->rounds)
        return look->next_base > look->max_fee ? RELAY_RAISE : RELAY_OFFER;
    return leave(stay, rules->fallback ? RELAY_PUBLISH : RELAY_VOID);
}
