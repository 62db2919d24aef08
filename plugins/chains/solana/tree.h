/*
 * The slots of a cluster as far as an instance needs them: which slot follows which, and the branch
 * that has been told to subscribers. Says what is to be told or taken back next so that the told
 * branch becomes the branch of the newest slot.
 *
 * Pure: no clock, no host, no events, no allocation after tree_init. It must never take a step by
 * itself: the caller tells or untells one slot at a time, as fast as its readers allow.
 */
#ifndef SOLANA_TREE_H
#define SOLANA_TREE_H

#include <stdbool.h>
#include <stdint.h>

struct tree_node {
    uint64_t slot, parent;
    bool used, told;
    bool late;  /* for the caller: not pushed, fetched */
    bool again; /* it was told and taken back */
};

/* A ring of slots by number: a newer slot writes over the one `cap` below it. */
struct tree {
    struct tree_node *nodes;
    uint64_t cap;    /* a power of two */
    uint64_t head;   /* the newest told slot */
    uint64_t target; /* the newest slot */
    uint64_t root;   /* told slots up to here never change */
    uint64_t first;  /* where the told branch begins */
    bool started;    /* something is told */
    bool aimed;      /* there is a target */
};

enum tree_step {
    TREE_REST = 1, /* told and target agree */
    TREE_TELL,     /* `slot` follows the told head */
    TREE_UNTELL,   /* `slot`, the told head, is not on the target's branch */
    TREE_MISSING,  /* `slot`, an ancestor of the target, is not known */
    TREE_BROKEN,   /* the branches part below the root, or too far back: start afresh */
};

/* cap: slots remembered, a power of two. False when memory is short. */
bool tree_init(struct tree *tree, uint64_t cap);
void tree_finish(struct tree *tree);

/* Adds a slot; aims at it when it is newer than the target. False: it contradicts what is known, or
 * is too old to matter. */
bool tree_put(struct tree *tree, uint64_t slot, uint64_t parent, bool late);
const struct tree_node *tree_find(const struct tree *tree, uint64_t slot);

/* What is to be done next. */
enum tree_step tree_plan(const struct tree *tree, uint64_t *slot);
/* The newest told slot that is on the target's branch; 0 when none is known. */
uint64_t tree_ancestor(const struct tree *tree);
/* Is the slot on the branch of the target, as far as that is known? */
bool tree_on_branch(const struct tree *tree, uint64_t slot);

/* Is it known that the slot is no part of the chain? Slots before the first told one are not
 * judged, nor those above the head. */
bool tree_abandoned(const struct tree *tree, uint64_t slot);

/* Begins the told branch with this slot. */
void tree_start(struct tree *tree, uint64_t slot);
void tree_tell(struct tree *tree, uint64_t slot);
/* The told head is taken back; it stays known. */
void tree_untell(struct tree *tree);
/* Nothing is told any more. */
void tree_forget(struct tree *tree);
/* The root moved up to here; a lower one is ignored. */
void tree_root(struct tree *tree, uint64_t root);

#endif
