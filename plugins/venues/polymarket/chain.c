/*
 * Fills of watched wallets from the chain, when an instance of Polygon is linked as "chain":
 * pushed, numbered and exact, where the data API is late and rounded. A trade of a wallet is every
 * OrderFilled log of an exchange whose maker is the wallet, in both roles: the taker's order has a
 * log of its own, in which the exchange itself stands as the taker; logs that name the wallet as
 * taker would count its trade twice. See polymarket.h.
 *
 * Source: contracts of the CTF Exchange (V1, V2) and ExchangeV3, event OrderFilled.
 */
#include "polymarket.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/space/evm.h>
#include <hawse/u256.h>
#include <string.h>

enum { WORD = 32 };

/* V2 and V3: side, token, making, taking, fee, builder, metadata. V1: the asset given, the asset
 * taken, making, taking, fee. Of both, the indexed ones are order, maker and taker. */
static const char *const signatures[2] = {
    "OrderFilled(bytes32,address,address,uint8,uint256,uint256,uint256,uint256,bytes32,bytes32)",
    "OrderFilled(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)"};

static const char *const exchanges[] = {
    "E111180000d2663C0091e4f400237545B87B996B", /* CTF Exchange V2 */
    "e2222d279d744050d28e00520010520000310F59", /* negative-risk CTF Exchange V2 */
    "e3333700cA9d93003F00f0F71f8515005F6c00Aa", /* ExchangeV3 */
    "4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E", /* V1, history */
    "C5d563A36AE78145C45a50134d48A1215220f80a", /* V1, negative risk */
};

void chain_topic(int version, uint8_t out[32])
{
    hawse_keccak_signature(signatures[version], out);
}

void chain_init(struct pm *p)
{
    for (int i = 0; i < 2; i++)
        chain_topic(i, p->fill_topics[i]);
}

int32_t chain_subscribe(struct pm *p)
{
    struct {
        hawse_evm_log_filter_t head;
        uint8_t topics[2][32];
    } filter = {.head = {.size = sizeof(filter.head), .topic0_count = 2}};
    uint32_t source;
    hawse_sub_t sub;
    int32_t code = HAWSE_OK;
    if (p->wallet_count == 0 ||
        p->sub->link(p->host, p->self, hawse_text("chain"), &source) != HAWSE_OK)
        return HAWSE_OK;
    p->chain = true;
    memcpy(filter.topics, p->fill_topics, sizeof(filter.topics));
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]) && code == HAWSE_OK; i++) {
        (void)hawse_hex_decode((const uint8_t *)exchanges[i], filter.head.address, 20);
        hawse_sub_spec_t spec = {.size = sizeof(spec),
                                 .source = source,
                                 .space = HAWSE_SPACE_EVM,
                                 .kind = HAWSE_EVM_LOG,
                                 .flags = HAWSE_SUB_KEYED,
                                 .policy = HAWSE_POLICY_LOSSLESS,
                                 .key = hawse_key(filter.head.address, 20),
                                 .filter = {(const uint8_t *)&filter, sizeof(filter)}};
        code = p->sub->subscribe(p->host, p->self, &spec, &sub);
    }
    return code;
}

/* ---- what the chain told, by transaction ---- */

bool chain_told(const struct wallet *w, const uint8_t tx[32])
{
    uint64_t key = hawse_key(tx, 32);
    for (uint32_t i = 0; i < TOLD_MAX; i++) {
        if (w->told[i] == key)
            return true;
    }
    return false;
}

static void remember(struct wallet *w, const uint8_t tx[32], bool removed)
{
    uint64_t key = hawse_key(tx, 32);
    if (!removed && !chain_told(w, tx))
        w->told[w->told_next++ % TOLD_MAX] = key;
    for (uint32_t i = 0; i < TOLD_MAX && removed; i++)
        w->told[i] = w->told[i] == key ? 0 : w->told[i];
}

/* ---- logs ---- */

struct amounts {
    hawse_u256_t token, making, taking, fee;
    bool buy;
};

static bool is_zero(const hawse_u256_t *n)
{
    return (n->limb[0] | n->limb[1] | n->limb[2] | n->limb[3]) == 0;
}

static bool read_words(const uint8_t *data, uint32_t len, hawse_u256_t *words, uint32_t count)
{
    bool good = len >= count * WORD;
    for (uint32_t i = 0; i < count && good; i++)
        good = hawse_abi_uint(data + (uint64_t)i * WORD, 256, &words[i]) == HAWSE_OK;
    return good;
}

static bool read_v2(const uint8_t *data, uint32_t len, struct amounts *out)
{
    hawse_u256_t w[5];
    uint64_t side = 0;
    if (len < 7 * WORD || !read_words(data, len, w, 5) ||
        hawse_abi_u64(data, 8, &side) != HAWSE_OK || side > 1)
        return false;
    *out = (struct amounts){
        .token = w[1], .making = w[2], .taking = w[3], .fee = w[4], .buy = side == 0};
    return true;
}

static bool read_v1(const uint8_t *data, uint32_t len, struct amounts *out)
{
    hawse_u256_t w[5];
    if (!read_words(data, len, w, 5) || is_zero(&w[0]) == is_zero(&w[1]))
        return false;
    bool buy = is_zero(&w[0]); /* it gives collateral, whose asset id is 0 */
    *out =
        (struct amounts){.token = w[buy], .making = w[2], .taking = w[3], .fee = w[4], .buy = buy};
    return true;
}

int32_t chain_fill(const struct pm *p, const hawse_evm_log_t *log, hawse_wallet_fill_t *out)
{
    const uint8_t *data = (const uint8_t *)log + log->data_offset;
    struct amounts a;
    bool v2 = log->topic_count == 4 && memcmp(log->topics[0], p->fill_topics[0], 32) == 0;
    bool v1 = log->topic_count == 4 && memcmp(log->topics[0], p->fill_topics[1], 32) == 0;
    if (!(v2 && read_v2(data, log->data_len, &a)) && !(v1 && read_v1(data, log->data_len, &a)))
        return HAWSE_E_FORMAT;
    if (is_zero(&a.making))
        return HAWSE_E_NOTFOUND;
    *out = (hawse_wallet_fill_t){.size = sizeof(*out),
                                 .side = a.buy ? HAWSE_SIDE_BUY : HAWSE_SIDE_SELL,
                                 .amount0 = a.buy ? a.taking : a.making,
                                 .amount1 = a.buy ? a.making : a.taking,
                                 .fee = a.fee,
                                 .origin = {.chain_id = log->chain_id,
                                            .block_number = log->block_number,
                                            .block_timestamp = log->block_timestamp,
                                            .log_index = log->log_index,
                                            .tx_index = log->tx_index}};
    out->role =
        memcmp(log->topics[3] + 12, log->address, 20) == 0 ? HAWSE_ROLE_TAKER : HAWSE_ROLE_MAKER;
    memcpy(out->wallet, log->topics[2], 32);
    memcpy(out->order, log->topics[1], 32);
    hawse_u256_to_be(&a.token, out->market);
    memcpy(out->origin.block_hash, log->block_hash, 32);
    memcpy(out->origin.tx_hash, log->tx_hash, 32);
    return HAWSE_OK;
}

static struct wallet *wallet_of(struct pm *p, const uint8_t bytes[32])
{
    for (uint32_t i = 0; i < p->wallet_count; i++) {
        if (memcmp(p->wallets[i].bytes, bytes, 32) == 0)
            return &p->wallets[i];
    }
    return NULL;
}

void chain_event(struct pm *p, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    hawse_wallet_fill_t fill;
    if (event->kind != HAWSE_EVM_LOG)
        return;
    struct wallet *w = log->topic_count == 4 ? wallet_of(p, log->topics[2]) : NULL;
    if (!w)
        return;
    int32_t code = chain_fill(p, log, &fill);
    if (code != HAWSE_OK) {
        pm_add(p, p->count.malformed, code == HAWSE_E_FORMAT);
        return;
    }
    remember(w, log->tx_hash, (event->flags & HAWSE_EVENT_REMOVED) != 0);
    emit_fill(p, w, &fill, event->flags & (HAWSE_EVENT_REMOVED | HAWSE_EVENT_BACKFILLED),
              event->t_recv_ns);
}
