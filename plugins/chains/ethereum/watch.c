/*
 * What readers asked for: exact filters by address and first topic, found by address in constant
 * time, and the same as positions in a block's bloom filter (Yellow Paper, section 4.3.1, equation
 * 29).
 */
#include "plugin.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS_FIRST = 64 };

static uint32_t bucket(const struct watches *w, const uint8_t address[20])
{
    return (uint32_t)hawse_key(address, 20) & w->mask;
}

static void hang(struct watches *w, uint32_t index)
{
    uint32_t b = bucket(w, w->list[index].address);
    w->list[index].next = w->buckets[b];
    w->buckets[b] = index;
}

static void relink(struct watches *w)
{
    memset(w->buckets, 0xff, (w->mask + 1u) * sizeof(w->buckets[0]));
    for (uint32_t i = 0; i < w->count; i++)
        hang(w, i);
}

bool watches_init(struct watches *w)
{
    memset(w, 0, sizeof(*w));
    w->mask = BUCKETS_FIRST - 1;
    w->buckets = malloc(BUCKETS_FIRST * sizeof(w->buckets[0]));
    if (w->buckets)
        relink(w);
    return w->buckets != NULL;
}

void watches_finish(struct watches *w)
{
    free(w->list);
    free(w->buckets);
    memset(w, 0, sizeof(*w));
}

/* Bits 0 to 2047 of the three pairs of bytes of the hash. */
static void bloom_bits(const uint8_t *item, uint64_t len, uint32_t bits[3])
{
    uint8_t hash[32];
    hawse_keccak256(item, len, hash);
    for (int i = 0; i < 3; i++)
        bits[i] = ((uint32_t)hash[2 * i] << 8 | hash[2 * i + 1]) & 2047u;
}

static bool bloom_has(const uint8_t bloom[256], const uint32_t bits[3])
{
    for (int i = 0; i < 3; i++) {
        if (!(bloom[255 - bits[i] / 8] >> (bits[i] % 8) & 1u))
            return false;
    }
    return true;
}

static void bloom_add(uint8_t bloom[256], const uint8_t *item, uint64_t len)
{
    uint32_t bits[3];
    bloom_bits(item, len, bits);
    for (int i = 0; i < 3; i++)
        bloom[255 - bits[i] / 8] = (uint8_t)(bloom[255 - bits[i] / 8] | 1u << (bits[i] % 8));
}

void bloom_add_log(uint8_t bloom[256], const hawse_evm_log_t *log)
{
    bloom_add(bloom, log->address, 20);
    for (uint32_t i = 0; i < log->topic_count; i++)
        bloom_add(bloom, log->topics[i], 32);
}

bool bloom_explains(const uint8_t bloom[256], const struct chain_header *header)
{
    uint8_t unexplained = 0;
    for (int i = 0; i < 256; i++)
        unexplained |= (uint8_t)(header->bloom[i] & ~bloom[i]);
    return unexplained == 0;
}

static bool grow(struct watches *w)
{
    uint32_t cap = w->cap ? w->cap * 2 : 16;
    struct watch *list = realloc(w->list, cap * sizeof(list[0]));
    if (!list)
        return false;
    w->list = list;
    w->cap = cap;
    if (cap <= w->mask)
        return true;
    uint32_t *buckets = realloc(w->buckets, (size_t)cap * 2 * sizeof(buckets[0]));
    if (!buckets)
        return false;
    w->buckets = buckets;
    w->mask = cap * 2 - 1;
    relink(w);
    return true;
}

int32_t watches_add(struct watches *w, uint64_t sub, const hawse_evm_log_filter_t *filter,
                    uint64_t len)
{
    static const uint8_t nobody[20];
    if (len < sizeof(*filter) || filter->topic0_count > 16 ||
        len < sizeof(*filter) + 32ull * filter->topic0_count ||
        memcmp(filter->address, nobody, 20) == 0)
        return HAWSE_E_INVAL;
    if (w->count == WATCHES_MAX)
        return HAWSE_E_LIMIT;
    if (w->count == w->cap && !grow(w))
        return HAWSE_E_NOMEM;
    struct watch *one = &w->list[w->count++];
    memset(one, 0, sizeof(*one));
    one->sub = sub;
    memcpy(one->address, filter->address, 20);
    bloom_bits(one->address, 20, one->bits);
    one->topic_count = filter->topic0_count;
    const uint8_t *topics = (const uint8_t *)(filter + 1);
    for (uint32_t i = 0; i < one->topic_count; i++) {
        memcpy(one->topics[i].topic, topics + 32 * i, 32);
        bloom_bits(one->topics[i].topic, 32, one->topics[i].bits);
    }
    hang(w, w->count - 1);
    return HAWSE_OK;
}

bool watches_drop(struct watches *w, uint64_t sub)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->list[i].sub != sub)
            continue;
        w->list[i] = w->list[--w->count];
        relink(w);
        return true;
    }
    return false;
}

static bool topic_wanted(const struct watch *one, const hawse_evm_log_t *log)
{
    if (one->topic_count == 0)
        return true;
    for (uint32_t i = 0; i < one->topic_count && log->topic_count > 0; i++) {
        if (memcmp(one->topics[i].topic, log->topics[0], 32) == 0)
            return true;
    }
    return false;
}

bool watches_want(const struct watches *w, const hawse_evm_log_t *log)
{
    for (uint32_t i = w->buckets[bucket(w, log->address)]; i != UINT32_MAX; i = w->list[i].next) {
        if (memcmp(w->list[i].address, log->address, 20) == 0 && topic_wanted(&w->list[i], log))
            return true;
    }
    return false;
}

bool watches_may_be_in(const struct watches *w, const struct chain_header *header)
{
    if (!header->has_bloom)
        return w->count > 0;
    for (uint32_t i = 0; i < w->count; i++) {
        const struct watch *one = &w->list[i];
        if (!bloom_has(header->bloom, one->bits))
            continue;
        bool topic = one->topic_count == 0;
        for (uint32_t t = 0; t < one->topic_count && !topic; t++)
            topic = bloom_has(header->bloom, one->topics[t].bits);
        if (topic)
            return true;
    }
    return false;
}

/* Has an earlier watch the same address? */
static bool repeated(const struct watches *w, uint32_t index)
{
    uint32_t at = w->buckets[bucket(w, w->list[index].address)];
    for (; at != UINT32_MAX; at = w->list[at].next) {
        if (at < index && memcmp(w->list[at].address, w->list[index].address, 20) == 0)
            return true;
    }
    return false;
}

uint64_t watches_filter_len(const struct watches *w)
{
    return 64 + 47ull * w->count;
}

uint64_t watches_filter(const struct watches *w, char *out, uint64_t cap)
{
    static const char head[] = "{\"address\":[";
    uint64_t len = sizeof(head) - 1;
    if (w->count == 0 || cap < watches_filter_len(w))
        return 0;
    memcpy(out, head, len);
    for (uint32_t i = 0; i < w->count; i++) {
        if (repeated(w, i))
            continue;
        memcpy(out + len, "\"0x", 3);
        hawse_hex_encode(w->list[i].address, 20, out + len + 3);
        memcpy(out + len + 43, "\",", 2);
        len += 45;
    }
    out[len - 1] = ']'; /* over the last comma */
    return len;
}
