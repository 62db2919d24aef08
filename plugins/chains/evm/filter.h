/*
 * What subscribers want: pairs of address and first topic, counted, and how they are asked of the
 * node: a few subscriptions of up to EVM_CHUNK addresses each. Which logs are wanted is decided
 * here, exactly, whatever the node sends.
 *
 * Grows when a demand comes, never when a log does.
 */
#ifndef EVM_FILTER_H
#define EVM_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EVM_CHUNK = 500,       /* addresses of one upstream subscription or request */
    EVM_CHUNK_TOPICS = 16, /* above that the node is asked for every topic */
    EVM_CHUNKS_MAX = 32,   /* 16,000 addresses */
    EVM_TOPICS_MAX = 16,   /* of one demand */
    EVM_FILTER_TEXT = 512 + EVM_CHUNK * 48 + EVM_CHUNK_TOPICS * 72
};

/* An address with one first topic, or with any. */
struct filter_want {
    uint8_t address[20];
    uint8_t topic[32];
    uint16_t bits[3]; /* of the topic in a bloom */
    bool any;
    bool used;
    uint32_t refs;
    uint32_t owner; /* index in addresses */
};

struct filter_address {
    uint8_t address[20];
    uint16_t bits[3];
    uint16_t chunk;
    uint32_t refs;      /* wants that are used; 0 = a free entry */
    uint64_t since;     /* blocks from here on are wanted */
    uint64_t sure_from; /* blocks from here on are covered by a confirmed subscription */
};

struct filter_chunk {
    uint32_t addresses;
    uint32_t version; /* counts up with each change of what is to be asked */
};

struct filter_demand {
    uint64_t sub;
    uint8_t address[20];
    uint32_t topic_count;
    uint8_t topics[EVM_TOPICS_MAX][32];
};

/* Owned by one instance. */
struct filter {
    struct filter_want *wants; /* open addressing by (address, topic) */
    uint32_t want_cap, want_count;
    struct filter_address *addresses;
    uint32_t address_cap, address_count; /* count: entries in use or free below the highest */
    uint32_t live;                       /* addresses that are wanted */
    struct filter_demand *demands;
    uint32_t demand_cap, demand_count;
    struct filter_chunk chunks[EVM_CHUNKS_MAX];
    uint32_t chunk_count;
    uint32_t version;
    uint64_t salt; /* of the hash, so that nobody can choose colliding addresses */
};

bool filter_init(struct filter *filter, uint64_t salt);
void filter_finish(struct filter *filter);

/* Adds a demand for blocks from `since` on. HAWSE_E_NOMEM, HAWSE_E_LIMIT, HAWSE_E_EXISTS (the same
 * sub twice). */
int32_t filter_add(struct filter *filter, const struct filter_demand *demand, uint64_t since);
/* HAWSE_E_NOTFOUND: nobody of that name. */
int32_t filter_drop(struct filter *filter, uint64_t sub);

/* Who wants a log of this address with this first topic (NULL = it has none)? NULL: nobody. */
const struct filter_address *filter_match(const struct filter *filter, const uint8_t address[20],
                                          const uint8_t *topic);
/* May a block with this bloom hold a wanted log? */
bool filter_bloom(const struct filter *filter, const uint8_t bloom[256]);
/* The three bit positions of a value in a bloom (Yellow Paper 4.3.1). */
void filter_bloom_bits(const uint8_t *value, size_t len, uint16_t bits[3]);

/* A confirmed subscription covers the chunk's addresses from this block on. */
void filter_sure(struct filter *filter, uint32_t chunk, uint64_t from);
/* No subscription covers anything any more. */
void filter_unsure(struct filter *filter);

/* The members "address" and "topics" of a chunk's filter object, without braces. Returns the
 * length; cap is at least EVM_FILTER_TEXT. */
size_t filter_text(const struct filter *filter, uint32_t chunk, char *out, size_t cap);

#endif
