/*
 * A whole chain plugin in the fake host, beside a fake node and a reader. The reader checks each
 * event as it comes: blocks follow blocks, every log once, taken back newest first, late ones in an
 * announced gap. At the end it compares what it was told with the node's chain.
 */
#ifndef HAWSE_TESTS_ETHEREUM_RIG_H
#define HAWSE_TESTS_ETHEREUM_RIG_H

#include "evmnode.h"
#include "fakehost.h"

#include <hawse/space/evm.h>
#include <hawse/space/stream.h>

enum { RIG_BLOCKS = 1 << 14 };

/* What one block has told: log indexes in the order in which they came. */
struct reader_block {
    uint8_t order[NODE_LOGS];
    uint8_t count;
};

struct reader {
    uint32_t told[RIG_BLOCKS]; /* indexes of the node, oldest first */
    uint32_t told_count;
    struct reader_block *logs; /* by index of the node */
    uint32_t logs_cap;
    bool gap[4]; /* by stream */
    uint64_t gap_from[4];
    uint32_t epoch[4];
    uint64_t retract_from; /* the lowest number that may be taken back */
    bool cut;              /* the stream was lost, and no gap was announced since */
    uint32_t gaps, healed, unhealable, lives, reorgs, late_logs, all_logs, backfilled_blocks;
    uint64_t final_to;
    uint64_t newest_log; /* number of the block of the log told last */
    uint32_t backwards;  /* logs told after one of a later block */
};

struct rig {
    struct evmnode node;
    struct reader reader;
    struct fakehost *host;
    uint32_t no_room;       /* so many events in a thousand find no room */
    bool full;              /* none does */
    bool unhealable_is_ok;  /* otherwise it ends the test */
    uint64_t all_of_4_from; /* address 4 is watched from this block on; 0 = it is not */
    uint32_t errors;        /* lines in the log */
    uint32_t polled;        /* times that polling began */
    char last_error[512];
};

/* Creates the chain plugin (Gnosis) with settings as JSON, and asks for the logs of addresses 0 to
 * 3: of 1 only topic 0, of 2 only topics 1 and 2. */
struct rig *rig_create(const char *settings);
void rig_start(struct rig *r);
void rig_destroy(struct rig *r);
void rig_demand(struct rig *r, uint32_t address);
/* Milliseconds. */
void rig_pass(struct rig *r, uint64_t ms);
/* A block, pushed; then time. */
void rig_mine(struct rig *r, uint32_t logs, uint64_t ms);
/* A block with one log of an address that is watched, whole or in part. */
uint32_t rig_grow_with_log(struct rig *r);
bool rig_wanted(const struct node_log *log); /* but for address 4 */
/* Is the node's head told? */
bool rig_at_head(const struct rig *r);
/* Ends the test unless the told branch is the node's, with every wanted log, and no gap is open. */
void rig_compare(struct rig *r);

#endif
