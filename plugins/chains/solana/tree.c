/*
 * The told branch and the way from it to the newest slot; see tree.h. Each plan walks back from the
 * target to the first told slot: one step while the cluster runs smoothly.
 */
#include "tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool tree_init(struct tree *tree, uint64_t cap)
{
    assert(cap > 0 && (cap & (cap - 1)) == 0);
    memset(tree, 0, sizeof(*tree));
    tree->cap = cap;
    tree->nodes = calloc(cap, sizeof(tree->nodes[0]));
    return tree->nodes != NULL;
}

void tree_finish(struct tree *tree)
{
    free(tree->nodes);
    memset(tree, 0, sizeof(*tree));
}

static struct tree_node *node_at(const struct tree *tree, uint64_t slot)
{
    struct tree_node *node = &tree->nodes[slot & (tree->cap - 1)];
    return node->used && node->slot == slot ? node : NULL;
}

const struct tree_node *tree_find(const struct tree *tree, uint64_t slot)
{
    return node_at(tree, slot);
}

bool tree_put(struct tree *tree, uint64_t slot, uint64_t parent, bool late)
{
    struct tree_node *node = &tree->nodes[slot & (tree->cap - 1)];
    if (parent >= slot || (node->used && node->slot > slot))
        return false;
    if (node->used && node->slot == slot && node->parent != parent)
        return false;
    if (!node->used || node->slot != slot) {
        *node = (struct tree_node){.slot = slot, .parent = parent, .used = true, .late = late};
    }
    if (!tree->aimed || slot > tree->target) {
        tree->aimed = true;
        tree->target = slot;
    }
    return true;
}

/* Walks back from the target to the first told slot. Returns its node, or NULL and in *missing the
 * slot that is not known. *child is the slot above the one returned; 0 = the target itself. */
static const struct tree_node *walk(const struct tree *tree, uint64_t *child, uint64_t *missing)
{
    uint64_t slot = tree->target;
    *child = 0;
    for (uint64_t steps = 0; steps <= tree->cap; steps++) {
        const struct tree_node *node = node_at(tree, slot);
        if (!node) {
            *missing = slot;
            return NULL;
        }
        if (node->told)
            return node;
        *child = slot;
        slot = node->parent;
    }
    *missing = slot;
    return NULL;
}

enum tree_step tree_plan(const struct tree *tree, uint64_t *slot)
{
    uint64_t child = 0, missing = 0;
    if (!tree->aimed)
        return TREE_REST;
    if (!tree->started) {
        *slot = tree->target;
        return TREE_TELL;
    }
    const struct tree_node *ancestor = walk(tree, &child, &missing);
    if (!ancestor) {
        *slot = missing;
        return missing + tree->cap <= tree->target ? TREE_BROKEN : TREE_MISSING;
    }
    if (ancestor->slot != tree->head) {
        *slot = tree->head;
        return ancestor->slot < tree->root ? TREE_BROKEN : TREE_UNTELL;
    }
    *slot = child;
    return child == 0 ? TREE_REST : TREE_TELL;
}

uint64_t tree_ancestor(const struct tree *tree)
{
    uint64_t child, missing;
    const struct tree_node *ancestor = tree->aimed ? walk(tree, &child, &missing) : NULL;
    return ancestor ? ancestor->slot : 0;
}

bool tree_on_branch(const struct tree *tree, uint64_t slot)
{
    uint64_t at = tree->target;
    for (uint64_t steps = 0; steps <= tree->cap && at > slot; steps++) {
        const struct tree_node *node = node_at(tree, at);
        if (!node)
            return false;
        at = node->parent;
    }
    return at == slot;
}

bool tree_abandoned(const struct tree *tree, uint64_t slot)
{
    if (!tree->started || slot <= tree->first || slot >= tree->head ||
        slot + tree->cap <= tree->head)
        return false;
    const struct tree_node *node = node_at(tree, slot);
    return !node || !node->told;
}

void tree_start(struct tree *tree, uint64_t slot)
{
    assert(!tree->started && node_at(tree, slot));
    node_at(tree, slot)->told = true;
    tree->head = tree->first = slot;
    tree->started = true;
}

void tree_tell(struct tree *tree, uint64_t slot)
{
    struct tree_node *node = node_at(tree, slot);
    assert(tree->started && node && node->parent == tree->head);
    node->told = true;
    tree->head = slot;
}

void tree_untell(struct tree *tree)
{
    struct tree_node *node = node_at(tree, tree->head);
    assert(tree->started && node);
    node->told = false;
    node->again = true;
    tree->head = node->parent;
}

void tree_forget(struct tree *tree)
{
    for (uint64_t i = 0; i < tree->cap; i++)
        tree->nodes[i].told = false;
    tree->started = false;
}

void tree_root(struct tree *tree, uint64_t root)
{
    if (root > tree->root)
        tree->root = root;
}
