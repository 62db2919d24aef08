/*
 * Heads by push: a provider's WebSocket tells of each new block (eth_subscribe "newHeads"), so that
 * its head need not be asked for. One that falls silent, or behind what others tell, is asked again
 * as if it pushed nothing, and subscribed to anew. Solana's WebSockets answer no requests: polled.
 *
 * A pushed head is believed as far as an answer of the same provider would be, and no further.
 */
#include "rpc/pool_private.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <inttypes.h>
#include <string.h>

enum { BLOCKS = 4, MORE_S = 5, AGAIN_S = 10, REFUSED_S = 600 };

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

/* Since the last head; `now` may have been read before it came. */
static uint64_t since_head(const struct provider *p, uint64_t now)
{
    return now > p->push.heard_ns ? now - p->push.heard_ns : 0;
}

/* Blocks come irregularly: a few times their usual distance is no silence yet, unless others have
 * gone on meanwhile. */
static bool is_silent(const struct provider *p, uint64_t now)
{
    uint64_t block = p->pool->chain.block_ms * MS, since = since_head(p, now);
    return since > block * BLOCKS + MORE_S * SECOND ||
           (since > 2 * block && provider_behind(p, now));
}

static void set(struct provider *p, bool on)
{
    uint32_t before = p->pool->pushing;
    if (p->push.on == on)
        return;
    p->push.on = on;
    __atomic_store_n(&p->pool->pushing, on ? before + 1 : before - 1, __ATOMIC_RELEASE);
}

void push_lost(struct provider *p)
{
    set(p, false);
    p->push.id_len = 0;
    p->push.again_ns = 0;
}

void push_subscribed(struct provider *p, const struct outcome *o, uint64_t now)
{
    bool id = o->status == HAWSE_OK && o->len > 2 && o->len - 2 <= sizeof(p->push.id) &&
              o->body[0] == '"';
    p->push.again_ns = now + AGAIN_S * SECOND;
    if (!id) {
        p->push.lacks = o->status == HAWSE_E_REMOTE && o->class == RPC_METHOD_UNSUPPORTED;
        if (o->status == HAWSE_E_REMOTE)
            p->push.again_ns = now + REFUSED_S * SECOND;
        return;
    }
    p->push.id_len = o->len - 2;
    memcpy(p->push.id, o->body + 1, p->push.id_len);
    p->push.heard_ns = now;
    set(p, true);
}

/* The block's number in a notification of our subscription, and its header; 0 = it is none. */
static uint64_t read_note(const struct provider *p, const uint8_t *text, size_t len,
                          hawse_view_t *header)
{
    uint32_t marks[1024]; /* a header has some fifty; what has more is another's */
    hawse_json_t doc;
    hawse_json_value_t root, v, params, result;
    uint64_t n = 0;
    if (hawse_json_index(&doc, text, len, marks, 1024) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK ||
        hawse_json_get(&doc, &root, "params", &params) != HAWSE_OK ||
        hawse_json_get(&doc, &params, "subscription", &v) != HAWSE_OK ||
        v.kind != HAWSE_JSON_STRING || v.len != p->push.id_len ||
        memcmp(v.data, p->push.id, v.len) != 0 ||
        hawse_json_get(&doc, &params, "result", &result) != HAWSE_OK ||
        hawse_json_get(&doc, &result, "number", &v) != HAWSE_OK || v.kind != HAWSE_JSON_STRING ||
        hawse_hex_u64(v.data, v.len, &n) != HAWSE_OK ||
        hawse_json_raw(&doc, &result, header) != HAWSE_OK)
        return 0;
    return n;
}

void push_note(struct provider *p, const uint8_t *text, size_t len, uint64_t now)
{
    hawse_view_t header = {NULL, 0};
    uint64_t n = p->push.id_len > 0 && p->link_good ? read_note(p, text, len, &header) : 0;
    if (n == 0)
        return;
    p->push.heard_ns = now;
    p->push.count++;
    set(p, true); /* it may have been silent for a while */
    provider_saw_head(p, n, now);
    if (n + 1 >= pool_head(p->pool)) /* what is far behind is no news */
        pool_tell_listener(p->pool, header);
}

bool push_tick(struct provider *p, uint64_t now)
{
    bool can = p->pool->chain.family == FAMILY_EVM && !p->push.lacks;
    if (p->push.on && is_silent(p, now)) {
        log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc",
                 "%s: provider %s pushes no heads any more: %" PRIu64
                 " s since the last, block %" PRIu64 "; it is asked for them",
                 p->pool->chain.name, p->config->name, since_head(p, now) / SECOND, p->head);
        set(p, false);
        p->push.again_ns = now + AGAIN_S * SECOND;
        p->head_ns = 0; /* what it said is old: ask at once */
    }
    return can && p->link_good && !p->push.on && now >= p->push.again_ns;
}
