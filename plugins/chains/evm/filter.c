/* Demands, matching, blooms; see filter.h. */
#include "filter.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

bool filter_init(struct filter *filter, uint64_t salt)
{
    memset(filter, 0, sizeof(*filter));
    filter->salt = salt | 1;
    filter->want_cap = FIRST_CAP;
    filter->wants = calloc(FIRST_CAP, sizeof(filter->wants[0]));
    return filter->wants != NULL;
}

void filter_finish(struct filter *filter)
{
    free(filter->wants);
    free(filter->addresses);
    free(filter->demands);
    memset(filter, 0, sizeof(*filter));
}

/* ---- the table of wants ---- */

static uint64_t mix(uint64_t h, const uint8_t *bytes, size_t words)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * 8, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

/* topic NULL: any. 12 bytes of the address and 16 of the topic decide: both are hashes. */
static uint32_t place_of(const struct filter *filter, const uint8_t address[20],
                         const uint8_t *topic)
{
    uint64_t h = mix(filter->salt, address, 1);
    h = mix(h, address + 12, 1);
    if (topic)
        h = mix(h, topic, 2);
    return (uint32_t)(h >> 16) & (filter->want_cap - 1);
}

static bool same(const struct filter_want *want, const uint8_t address[20], const uint8_t *topic)
{
    return memcmp(want->address, address, 20) == 0 && want->any == (topic == NULL) &&
           (!topic || memcmp(want->topic, topic, 32) == 0);
}

/* The entry, or the free place where it belongs. */
static struct filter_want *find_want(const struct filter *filter, const uint8_t address[20],
                                     const uint8_t *topic)
{
    uint32_t at = place_of(filter, address, topic);
    while (filter->wants[at].used && !same(&filter->wants[at], address, topic))
        at = (at + 1) & (filter->want_cap - 1);
    return &filter->wants[at];
}

static bool grow_wants(struct filter *filter)
{
    struct filter_want *old = filter->wants;
    uint32_t cap = filter->want_cap;
    struct filter_want *wants = calloc((size_t)cap * 2, sizeof(wants[0]));
    if (!wants)
        return false;
    filter->wants = wants;
    filter->want_cap = cap * 2;
    for (uint32_t i = 0; i < cap; i++) {
        if (old[i].used)
            *find_want(filter, old[i].address, old[i].any ? NULL : old[i].topic) = old[i];
    }
    free(old);
    return true;
}

/* Entries behind a hole move up, so that no search stops early. */
static void remove_want(struct filter *filter, struct filter_want *want)
{
    uint32_t hole = (uint32_t)(want - filter->wants), mask = filter->want_cap - 1;
    for (uint32_t at = (hole + 1) & mask; filter->wants[at].used; at = (at + 1) & mask) {
        const struct filter_want *w = &filter->wants[at];
        uint32_t home = place_of(filter, w->address, w->any ? NULL : w->topic);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            filter->wants[hole] = *w;
            hole = at;
        }
    }
    memset(&filter->wants[hole], 0, sizeof(filter->wants[hole]));
    filter->want_count--;
}

const struct filter_address *filter_match(const struct filter *filter, const uint8_t address[20],
                                          const uint8_t *topic)
{
    const struct filter_want *want = topic ? find_want(filter, address, topic) : NULL;
    if (!want || !want->used)
        want = find_want(filter, address, NULL);
    return want->used ? &filter->addresses[want->owner] : NULL;
}

/* ---- addresses and chunks ---- */

static uint32_t find_address(const struct filter *filter, const uint8_t address[20])
{
    for (uint32_t i = 0; i < filter->address_count; i++) {
        const struct filter_address *a = &filter->addresses[i];
        if (a->refs && memcmp(a->address, address, 20) == 0)
            return i;
    }
    return UINT32_MAX;
}

static void chunk_changed(struct filter *filter, uint32_t chunk)
{
    filter->chunks[chunk].version++;
    filter->version++;
}

/* The first chunk with room, so that an address that comes changes one subscription only. */
static int32_t choose_chunk(struct filter *filter, uint16_t *chunk)
{
    for (uint32_t i = 0; i < EVM_CHUNKS_MAX; i++) {
        if (filter->chunks[i].addresses >= EVM_CHUNK)
            continue;
        *chunk = (uint16_t)i;
        if (i >= filter->chunk_count)
            filter->chunk_count = i + 1;
        return HAWSE_OK;
    }
    return HAWSE_E_LIMIT;
}

static int32_t add_address(struct filter *filter, const uint8_t address[20], uint64_t since,
                           uint32_t *index)
{
    uint32_t i = 0;
    while (i < filter->address_count && filter->addresses[i].refs)
        i++;
    if (i == filter->address_cap) {
        uint32_t cap = filter->address_cap ? filter->address_cap * 2 : FIRST_CAP;
        struct filter_address *more = realloc(filter->addresses, cap * sizeof(more[0]));
        if (!more)
            return HAWSE_E_NOMEM;
        filter->addresses = more;
        filter->address_cap = cap;
    }
    struct filter_address *a = &filter->addresses[i];
    uint16_t chunk;
    int32_t code = choose_chunk(filter, &chunk);
    if (code != HAWSE_OK)
        return code;
    *a = (struct filter_address){.chunk = chunk, .since = since, .sure_from = UINT64_MAX};
    memcpy(a->address, address, 20);
    filter_bloom_bits(address, 20, a->bits);
    filter->chunks[chunk].addresses++;
    if (i == filter->address_count)
        filter->address_count++;
    filter->live++;
    *index = i;
    return HAWSE_OK;
}

static int32_t add_want(struct filter *filter, const uint8_t address[20], const uint8_t *topic,
                        uint64_t since)
{
    if ((filter->want_count + 1) * 2 > filter->want_cap && !grow_wants(filter))
        return HAWSE_E_NOMEM;
    struct filter_want *want = find_want(filter, address, topic);
    if (want->used) {
        want->refs++;
        return HAWSE_OK;
    }
    uint32_t owner = find_address(filter, address);
    if (owner == UINT32_MAX) {
        int32_t code = add_address(filter, address, since, &owner);
        if (code != HAWSE_OK)
            return code;
    }
    *want = (struct filter_want){.used = true, .refs = 1, .any = topic == NULL, .owner = owner};
    memcpy(want->address, address, 20);
    if (topic) {
        memcpy(want->topic, topic, 32);
        filter_bloom_bits(topic, 32, want->bits);
    }
    struct filter_address *a = &filter->addresses[owner];
    a->refs++;
    a->since = since < a->since ? since : a->since;
    a->sure_from = UINT64_MAX; /* until a subscription with this topic is confirmed */
    filter->want_count++;
    chunk_changed(filter, a->chunk);
    return HAWSE_OK;
}

static void release_want(struct filter *filter, const uint8_t address[20], const uint8_t *topic)
{
    struct filter_want *want = find_want(filter, address, topic);
    if (!want->used || --want->refs > 0)
        return;
    struct filter_address *a = &filter->addresses[want->owner];
    remove_want(filter, want);
    if (--a->refs == 0) {
        filter->chunks[a->chunk].addresses--;
        filter->live--;
    }
    chunk_changed(filter, a->chunk);
}

/* ---- demands ---- */

static void release_topics(struct filter *filter, const struct filter_demand *demand,
                           uint32_t count)
{
    if (demand->topic_count == 0 && count > 0)
        release_want(filter, demand->address, NULL);
    for (uint32_t i = 0; i < count && i < demand->topic_count; i++)
        release_want(filter, demand->address, demand->topics[i]);
}

static bool more_demands(struct filter *filter)
{
    if (filter->demand_count < filter->demand_cap)
        return true;
    uint32_t cap = filter->demand_cap ? filter->demand_cap * 2 : FIRST_CAP;
    struct filter_demand *more = realloc(filter->demands, cap * sizeof(more[0]));
    if (!more)
        return false;
    filter->demands = more;
    filter->demand_cap = cap;
    return true;
}

int32_t filter_add(struct filter *filter, const struct filter_demand *demand, uint64_t since)
{
    for (uint32_t i = 0; i < filter->demand_count; i++) {
        if (filter->demands[i].sub == demand->sub)
            return HAWSE_E_EXISTS;
    }
    if (!more_demands(filter))
        return HAWSE_E_NOMEM;
    uint32_t n = demand->topic_count ? demand->topic_count : 1, done = 0;
    int32_t code = HAWSE_OK;
    for (; done < n && code == HAWSE_OK; done++)
        code = add_want(filter, demand->address, demand->topic_count ? demand->topics[done] : NULL,
                        since);
    if (code != HAWSE_OK) {
        release_topics(filter, demand, done - 1);
        return code;
    }
    filter->demands[filter->demand_count++] = *demand;
    return HAWSE_OK;
}

int32_t filter_drop(struct filter *filter, uint64_t sub)
{
    for (uint32_t i = 0; i < filter->demand_count; i++) {
        if (filter->demands[i].sub != sub)
            continue;
        struct filter_demand gone = filter->demands[i];
        filter->demands[i] = filter->demands[--filter->demand_count];
        release_topics(filter, &gone, gone.topic_count ? gone.topic_count : 1);
        return HAWSE_OK;
    }
    return HAWSE_E_NOTFOUND;
}

/* ---- blooms ---- */

void filter_bloom_bits(const uint8_t *value, size_t len, uint16_t bits[3])
{
    uint8_t digest[32];
    hawse_keccak256(value, len, digest);
    for (int i = 0; i < 3; i++)
        bits[i] = (uint16_t)((digest[2 * i] << 8 | digest[2 * i + 1]) & 2047);
}

static bool has(const uint8_t bloom[256], const uint16_t bits[3])
{
    for (int i = 0; i < 3; i++) {
        if ((bloom[255 - bits[i] / 8] >> (bits[i] % 8) & 1u) == 0)
            return false;
    }
    return true;
}

bool filter_bloom(const struct filter *filter, const uint8_t bloom[256])
{
    for (uint32_t i = 0; i < filter->want_cap && filter->want_count > 0; i++) {
        const struct filter_want *want = &filter->wants[i];
        if (want->used && has(bloom, filter->addresses[want->owner].bits) &&
            (want->any || has(bloom, want->bits)))
            return true;
    }
    return false;
}

/* ---- what is asked of the node ---- */

void filter_sure(struct filter *filter, uint32_t chunk, uint64_t from)
{
    for (uint32_t i = 0; i < filter->address_count; i++) {
        struct filter_address *a = &filter->addresses[i];
        if (a->refs && a->chunk == chunk && a->sure_from > from)
            a->sure_from = from;
    }
}

void filter_unsure(struct filter *filter)
{
    for (uint32_t i = 0; i < filter->address_count; i++)
        filter->addresses[i].sure_from = UINT64_MAX;
}

/* The distinct topics of a chunk; more than fit, or an address with any: none, which means all. */
static uint32_t chunk_topics(const struct filter *filter, uint32_t chunk,
                             const uint8_t *topics[EVM_CHUNK_TOPICS])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < filter->want_cap; i++) {
        const struct filter_want *want = &filter->wants[i];
        if (!want->used || filter->addresses[want->owner].chunk != chunk)
            continue;
        bool known = false;
        for (uint32_t k = 0; k < n && !want->any; k++)
            known = known || memcmp(topics[k], want->topic, 32) == 0;
        if (known)
            continue;
        if (want->any || n == EVM_CHUNK_TOPICS)
            return 0;
        topics[n++] = want->topic;
    }
    return n;
}

static size_t put_text(char *out, size_t at, const char *text)
{
    size_t len = strlen(text);
    memcpy(out + at, text, len);
    return at + len;
}

static size_t put_hex(char *out, size_t at, const uint8_t *bytes, size_t len, bool first)
{
    at = put_text(out, at, first ? "\"0x" : ",\"0x");
    hawse_hex_encode(bytes, len, out + at);
    return put_text(out, at + len * 2, "\"");
}

size_t filter_text(const struct filter *filter, uint32_t chunk, char *out, size_t cap)
{
    const uint8_t *topics[EVM_CHUNK_TOPICS];
    uint32_t n = chunk_topics(filter, chunk, topics);
    bool first = true;
    if (cap < EVM_FILTER_TEXT)
        return 0;
    size_t at = put_text(out, 0, "\"address\":[");
    for (uint32_t i = 0; i < filter->address_count; i++) {
        const struct filter_address *a = &filter->addresses[i];
        if (!a->refs || a->chunk != chunk)
            continue;
        at = put_hex(out, at, a->address, 20, first);
        first = false;
    }
    at = put_text(out, at, "]");
    if (n > 0)
        at = put_text(out, at, ",\"topics\":[[");
    for (uint32_t i = 0; i < n; i++)
        at = put_hex(out, at, topics[i], 32, i == 0);
    if (n > 0)
        at = put_text(out, at, "]]");
    return at;
}
