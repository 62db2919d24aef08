/*
 * A node's stand-in for tests of the EVM chain plugins: a tree of blocks with logs, one branch of
 * which is the chain, JSON-RPC answers, subscriptions, and all the ways in which nodes misbehave.
 * And a judge, who reads what the plugin published and knows what is true.
 */
#ifndef HAWSE_TESTS_EVM_NODE_H
#define HAWSE_TESTS_EVM_NODE_H

#include "../harness/fake_host.h"

#include <hawse/space/evm.h>

enum { NODE_LOGS = 24, NODE_SUBS = 40, NODE_STREAMS = 4 };

struct node_log {
    uint8_t address[20];
    uint8_t topic[32];
    uint32_t index;
    uint32_t data_len;
};

struct node_block {
    uint64_t number;
    uint8_t hash[32], parent[32], bloom[256];
    struct node_log logs[NODE_LOGS];
    uint32_t log_count;
    uint32_t up; /* index of the parent */
};

struct node_sub {
    char id[40];
    char kind; /* 'h', 'l', 'p'; 0 = none */
    char *params;
};

/* How a block is announced. */
enum node_manner {
    NODE_PLAIN = 0,
    NODE_LOGS_FIRST = 1, /* logs before their head */
    NODE_TWICE = 2,      /* everything doubled */
    NODE_BACKWARDS = 4,  /* logs in reverse order */
    NODE_NO_HEAD = 8,    /* the head is lost */
    NODE_NO_LOGS = 16,   /* all logs are lost */
    NODE_LOSE_ONE = 32,  /* the first log is lost */
};

struct node {
    struct fake_host *host;
    struct node_block *blocks;
    uint32_t count, cap;
    uint32_t head;
    uint32_t *canon; /* by number - base */
    uint64_t base, chain_id;
    uint64_t nonce;
    struct node_sub subs[NODE_SUBS];
    uint32_t sub_count, next_sub;
    bool no_bloom;    /* headers without logsBloom */
    bool numeric_ids; /* subscription ids are numbers */
    bool deaf;        /* answers nothing */
    bool no_final;    /* does not know "finalized" */
    uint32_t refuse;  /* so many of the next requests fail with an error */
    uint32_t refuse_subscribe;
    uint64_t max_logs;   /* of one answer; 0 = any number */
    uint64_t max_range;  /* of one answer; 0 = any number */
    uint32_t empty_logs; /* so many of the next eth_getLogs answer [] as a lagging node does */
    uint64_t lag;        /* HTTP is so many blocks behind */
    uint64_t asked_logs, asked_headers, asked;
};

void node_init(struct node *node, struct fake_host *host, uint64_t chain_id, uint64_t first);
void node_finish(struct node *node);

/* A new block on top of `parent` (an index) with up to NODE_LOGS logs of the addresses
 * node_pool(0), node_pool(1), ... Returns its index. It is not the chain's head yet. */
uint32_t node_make(struct node *node, uint32_t parent, uint32_t logs);
/* The branch that ends there is the chain. Tells nobody. */
void node_set_head(struct node *node, uint32_t block);
/* Tells the subscribers of a block. */
void node_announce(struct node *node, uint32_t block, unsigned manner);
/* Tells them that the logs of a block were removed. */
void node_announce_removed(struct node *node, uint32_t block);
/* One block more, with its logs, announced. */
uint32_t node_mine(struct node *node, uint32_t logs, unsigned manner);
/* Replaces the newest `depth` blocks by `length` others and announces each. */
void node_reorg(struct node *node, uint64_t depth, uint64_t length, bool removed_first,
                unsigned manner);
/* Answers everything that was asked, over the stream and over HTTP. */
void node_serve(struct node *node);
/* The same while time passes. */
void node_wait(struct node *node, uint64_t ms);
/* The stream was lost: subscriptions are gone. */
void node_forget(struct node *node);

const uint8_t *node_pool(uint32_t i); /* address */
const uint8_t *node_topic(void);
uint32_t node_at(const struct node *node, uint64_t number);
uint64_t node_height(const struct node *node);
/* The JSON text of a head or log notification's result; free it. */
char *node_head_text(const struct node *node, uint32_t block);
char *node_log_text(const struct node *node, uint32_t block, uint32_t log, bool removed);

/* ---- the judge ---- */

struct judge_log {
    uint8_t hash[32];
    uint64_t number;
    uint32_t index;
};

struct judge {
    struct judge_log *live;
    size_t live_count, live_cap;
    uint8_t (*branch)[32];
    uint64_t *numbers;
    size_t branch_count, branch_cap;
    bool gap[NODE_STREAMS];
    uint32_t epoch[NODE_STREAMS];
    uint64_t seq[NODE_STREAMS];
    bool live_told[NODE_STREAMS];
    uint64_t gaps, recovering, healed, unhealable, retracts, reorgs, finals, blocks, logs, removed;
    uint64_t late, backfilled, pending;
    uint32_t last_depth;
    uint64_t last_final;
};

void judge_finish(struct judge *judge);
/* Reads what was published since the last time. Every rule that must always hold is checked. */
void judge_read(struct judge *judge, struct node *node);
/* Everything is settled: exactly the chain's logs of blocks from `first` on are live, the branch
 * ends at the head, no gap is open. */
void judge_settle(struct judge *judge, struct node *node, uint64_t first);

#endif
