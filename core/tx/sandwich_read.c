/* What sandwich.h looks at, from what nodes answer; see there. */
#include "tx/sandwich.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum { POOLS = 8, BYTES = 8 << 20 };

struct reading {
    hawse_json_t doc;
    hawse_json_value_t root;
    uint32_t *marks;
    uint8_t v2[32], v3[32];
    uint8_t pools[POOLS][20]; /* in which we traded */
    uint32_t pool_count, our_tx;
};

static int32_t begin(struct reading *r, const uint8_t *text, uint64_t len)
{
    memset(r, 0, sizeof(*r));
    if (len > BYTES)
        return HAWSE_E_FORMAT;
    r->marks = malloc((len + 1) * sizeof(uint32_t));
    if (!r->marks)
        return HAWSE_E_NOMEM;
    if (hawse_json_index(&r->doc, text, len, r->marks, (uint32_t)len + 1) != HAWSE_OK ||
        hawse_json_root(&r->doc, &r->root) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

static bool fixed(const hawse_json_t *doc, hawse_json_value_t *o, const char *key, uint8_t *out,
                  uint64_t len)
{
    hawse_json_value_t v;
    return hawse_json_get(doc, o, key, &v) == HAWSE_OK && v.kind == HAWSE_JSON_STRING &&
           hawse_hex_fixed(v.data, v.len, out, len) == HAWSE_OK;
}

static bool small(const hawse_json_t *doc, hawse_json_value_t *o, const char *key, uint32_t *out)
{
    hawse_json_value_t v;
    uint64_t n = 0;
    if (hawse_json_get(doc, o, key, &v) != HAWSE_OK || v.kind != HAWSE_JSON_STRING ||
        hawse_hex_u64(v.data, v.len, &n) != HAWSE_OK || n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

/* ---- logs ---- */

/* amount0 is what the pool got of token 0, negative where it gave. */
static void read_v3(const uint8_t *words, struct sandwich_swap *out)
{
    const hawse_u256_t zero = hawse_u256(0);
    hawse_u256_t a[2];
    for (int i = 0; i < 2; i++)
        hawse_u256_from_be(words + (size_t)32 * (size_t)i, &a[i]);
    out->zero_for_one = (words[0] & 0x80) == 0;
    out->gave = a[out->zero_for_one ? 0 : 1];
    (void)hawse_u256_sub(&zero, &a[out->zero_for_one ? 1 : 0], &out->got);
}

static void read_v2(const uint8_t *words, struct sandwich_swap *out)
{
    hawse_u256_t a[4]; /* in 0, in 1, out 0, out 1 */
    for (int i = 0; i < 4; i++)
        hawse_u256_from_be(words + (size_t)32 * (size_t)i, &a[i]);
    out->zero_for_one = !hawse_u256_is_zero(&a[3]);
    out->gave = a[out->zero_for_one ? 0 : 1];
    out->got = a[out->zero_for_one ? 3 : 2];
}

/* 1: a swap; 0: another event; HAWSE_E_FORMAT. */
static int32_t read_swap(struct reading *r, hawse_json_value_t *log, struct sandwich_swap *out)
{
    hawse_json_value_t topics, topic, data;
    uint8_t name[32], words[128];
    memset(out, 0, sizeof(*out));
    if (log->kind != HAWSE_JSON_OBJECT || !fixed(&r->doc, log, "address", out->pool, 20) ||
        !small(&r->doc, log, "transactionIndex", &out->tx) ||
        hawse_json_get(&r->doc, log, "topics", &topics) != HAWSE_OK ||
        topics.kind != HAWSE_JSON_ARRAY ||
        hawse_json_get(&r->doc, log, "data", &data) != HAWSE_OK || data.kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    if (hawse_json_next(&r->doc, &topics, NULL, &topic) != 1 ||
        hawse_hex_fixed(topic.data, topic.len, name, 32) != HAWSE_OK)
        return 0;
    bool v2 = memcmp(name, r->v2, 32) == 0;
    if ((!v2 && memcmp(name, r->v3, 32) != 0) || data.len < 2 + 2 * sizeof(words))
        return 0;
    if (hawse_hex_decode(data.data + 2, words, sizeof(words)) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (v2)
        read_v2(words, out);
    else
        read_v3(words, out);
    return 1;
}

static bool is_pool(const struct reading *r, const uint8_t pool[20])
{
    for (uint32_t i = 0; i < r->pool_count; i++) {
        if (memcmp(r->pools[i], pool, 20) == 0)
            return true;
    }
    return false;
}

static bool is_near(const struct reading *r, uint32_t tx)
{
    uint32_t gap = tx > r->our_tx ? tx - r->our_tx : r->our_tx - tx;
    return gap <= SANDWICH_GAP + 1u;
}

/* One walk over the logs: ours first, which say what pools matter; then what is near them. */
static int32_t walk(struct reading *r, const uint8_t ours[32], bool pools,
                    struct sandwich_swap *out, uint32_t cap, uint32_t *count)
{
    hawse_json_value_t list = r->root, log;
    struct sandwich_swap one;
    uint8_t tx[32];
    int32_t more;
    while ((more = hawse_json_next(&r->doc, &list, NULL, &log)) == 1) {
        int32_t is = read_swap(r, &log, &one);
        if (is < 0 || !fixed(&r->doc, &log, "transactionHash", tx, 32))
            return HAWSE_E_FORMAT;
        bool our = memcmp(tx, ours, 32) == 0;
        if (pools && is == 1 && our && !is_pool(r, one.pool) && r->pool_count < POOLS) {
            r->our_tx = one.tx;
            memcpy(r->pools[r->pool_count++], one.pool, 20);
        }
        if (pools || is != 1 || !is_pool(r, one.pool) || !is_near(r, one.tx) || *count == cap)
            continue;
        one.ours = our;
        out[(*count)++] = one;
    }
    return more == 0 ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t sandwich_logs(const uint8_t *text, uint64_t len, const uint8_t ours[32],
                      struct sandwich_swap *out, uint32_t cap, uint32_t *count)
{
    struct reading r;
    int32_t code = begin(&r, text, len);
    *count = 0;
    hawse_keccak_signature("Swap(address,uint256,uint256,uint256,uint256,address)", r.v2);
    hawse_keccak_signature("Swap(address,address,int256,int256,uint160,uint128,int24)", r.v3);
    if (code == HAWSE_OK && r.root.kind != HAWSE_JSON_ARRAY)
        code = HAWSE_E_FORMAT;
    if (code == HAWSE_OK)
        code = walk(&r, ours, true, out, cap, count);
    if (code == HAWSE_OK && r.pool_count > 0)
        code = walk(&r, ours, false, out, cap, count);
    free(r.marks);
    return code;
}

/* ---- who ---- */

int32_t sandwich_traders(const uint8_t *text, uint64_t len, struct sandwich_swap *swaps,
                         uint32_t count)
{
    struct reading r;
    hawse_json_value_t list, tx;
    int32_t more = 0, code = begin(&r, text, len);
    if (code == HAWSE_OK && (r.root.kind != HAWSE_JSON_OBJECT ||
                             hawse_json_get(&r.doc, &r.root, "transactions", &list) != HAWSE_OK ||
                             list.kind != HAWSE_JSON_ARRAY))
        code = HAWSE_E_FORMAT;
    for (uint32_t i = 0; code == HAWSE_OK; i++) {
        more = hawse_json_next(&r.doc, &list, NULL, &tx);
        if (more != 1)
            break;
        for (uint32_t k = 0; k < count && code == HAWSE_OK; k++) {
            if (swaps[k].tx != i)
                continue;
            if (tx.kind != HAWSE_JSON_OBJECT || !fixed(&r.doc, &tx, "from", swaps[k].trader, 20))
                code = HAWSE_E_FORMAT;
            else if (!fixed(&r.doc, &tx, "to", swaps[k].target, 20))
                memset(swaps[k].target, 0, 20); /* it made a contract */
        }
    }
    free(r.marks);
    return code != HAWSE_OK ? code : more < 0 ? HAWSE_E_FORMAT : HAWSE_OK;
}
