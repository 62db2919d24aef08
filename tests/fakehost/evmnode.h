/*
 * A fake EVM node for the fake host (a stand-in: the real one, anvil, cannot be made to lag, to
 * lose a push or to answer late on purpose, nor on a clock that stands still). It answers
 * eth_chainId, eth_getBlockByNumber/Hash, eth_getLogs and eth_subscribe as anvil does, whose texts
 * were the model, and has a knob for everything that nodes do wrong.
 *
 * The stream and HTTP are two views of one chain: HTTP may lag behind by some blocks.
 */
#ifndef HAWSE_TESTS_EVMNODE_H
#define HAWSE_TESTS_EVMNODE_H

#include "fakehost.h"

#include <hawse/space/evm.h>

enum { NODE_LOGS = 6, NODE_ADDRESSES = 6, NODE_TOPICS = 3, NODE_FIRST = 1000 };

/* A log is all said by these: its address, topic and data follow from them. */
struct node_log {
    uint16_t address; /* those below NODE_ADDRESSES come by themselves */
    uint8_t topic;
    uint32_t index;
    uint64_t value;
};

struct node_block {
    uint64_t number;
    uint32_t parent; /* index; UINT32_MAX = before the first */
    uint32_t log_count;
    struct node_log logs[NODE_LOGS];
    uint8_t hash[32];
    uint8_t bloom[256];
};

/* In a thousand. */
struct node_faults {
    uint32_t drop_log, drop_head, twice, refuse;
    uint32_t log_first;  /* logs come before their head */
    uint32_t stale_head; /* an older head is announced again */
    uint32_t slow_ms;    /* an answer takes up to this long; at least 1 */
    uint32_t lag;        /* HTTP knows the blocks up to so many behind the head */
    bool lag_is_empty;   /* a block that is not known: no logs, instead of an error */
    bool no_bloom;
};

struct evmnode {
    struct fakehost *host;
    struct node_faults faults;
    uint64_t http_chain, ws_chain;
    struct node_block *blocks;
    uint32_t count, cap;
    uint32_t head;  /* index */
    uint32_t final; /* index of the block called "finalized"; UINT32_MAX = none */
    /* the stream */
    bool has_ws;                       /* false: no such endpoint */
    bool ws_up;                        /* false: it cannot be connected */
    bool refuse_subscribe, mute, deaf; /* mute: connected, but nothing is pushed;
                                          deaf: no request on the stream is answered */
    hawse_stream_t stream;
    bool connected;
    uint32_t connection, next_id;
    uint32_t heads_sub, logs_sub[4]; /* numbers of subscriptions; 0 = none */
    bool logs_wanted[NODE_ADDRESSES];
    uint64_t retry_ms;
    /* HTTP */
    bool http_down;
    uint32_t http_head; /* HTTP follows another branch, which ends here; UINT32_MAX = it does not */
    bool side_by_hash;  /* HTTP knows blocks of all branches by their hash */
    uint32_t refuse_next;  /* so many questions for logs are refused */
    uint32_t rubbish_next; /* so many with a log that cannot be read in the end */
    uint32_t empty_next;   /* so many questions for logs are answered with [] */
    uint32_t questions;    /* asked so far, by kind */
    uint32_t log_questions, head_questions;
    uint64_t same_time_most; /* most questions that were asked while no time passed */
    uint64_t same_time, same_time_ns;
    void (*on_cut)(void *ctx); /* the plugin is about to be told that the stream is gone */
    void *ctx;
};

void evmnode_init(struct evmnode *n, uint64_t chain_id);
void evmnode_finish(struct evmnode *n);
/* The callbacks for struct fakehost_outside; ctx is the node. */
int32_t evmnode_open(void *ctx, hawse_stream_t stream, const char *endpoint);
int32_t evmnode_send(void *ctx, hawse_stream_t stream, const char *text, uint64_t len);
void evmnode_reconnect(void *ctx, hawse_stream_t stream, const char *reason);
int32_t evmnode_ask(void *ctx, const struct fakehost_call *call);

/* One block more on top of `parent` (an index); it becomes the head, nothing is pushed. */
uint32_t evmnode_grow(struct evmnode *n, uint32_t parent, uint32_t logs);
/* The same on the head, pushed. */
uint32_t evmnode_mine(struct evmnode *n, uint32_t logs);
/* The last `depth` blocks are replaced by depth + more others. `all`: every new head is pushed,
 * otherwise the last one only; the logs of all are. */
void evmnode_reorg(struct evmnode *n, uint32_t depth, uint32_t more, bool all);
/* The same with these logs. */
uint32_t evmnode_grow_with(struct evmnode *n, uint32_t parent, const struct node_log *logs,
                           uint32_t count);
/* The three bits of an item in a bloom filter. */
void evmnode_bloom_bits(const uint8_t *item, uint64_t len, uint32_t bits[3]);
void evmnode_push_head(struct evmnode *n, uint32_t index);
void evmnode_push_log(struct evmnode *n, uint32_t index, uint32_t log);
/* The connection is lost; it comes back after retry_ms when ws_up. */
void evmnode_cut(struct evmnode *n);

uint32_t evmnode_up(const struct evmnode *n, uint32_t index, uint32_t blocks);
uint32_t evmnode_find(const struct evmnode *n, const uint8_t hash[32]);
void evmnode_address(uint32_t address, uint8_t out[20]);
void evmnode_topic(uint32_t topic, uint8_t out[32]);
/* 0 to below, from the test's random numbers. */
uint32_t evmnode_dice(uint32_t below);

#endif
