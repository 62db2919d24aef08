/*
 * Reading types of any depth into nodes; internal. See hawse/abi_type.h for what they mean.
 */
#ifndef SDK_LIB_ABI_TREE_H
#define SDK_LIB_ABI_TREE_H

#include "abi_text.h"

#include <hawse/abi_type.h>

struct abi_tree {
    struct abi_text in;
    hawse_abi_node_t *nodes;
    uint32_t count;
    uint32_t cap;
    uint32_t depth;
    uint32_t indexed; /* parameters that are */
    int structs;      /* a name that is no elementary type is a struct: a TUPLE whose ref is the
                         length of that name, whose inner is its place in the text; and "uint" and
                         "int" are not known */
    int event;        /* parameters may be indexed */
};

/* Takes "(...)", with what stands behind each type: data locations, "indexed", a name. The TUPLE is
 * the next node. On failure in.at is the place of the fault. */
int32_t abi_tree_params(struct abi_tree *t);

/* The members that follow, up to `end` or, for '\0', to the end of the text; the TUPLE they belong
 * to stands at node `tuple`. */
int32_t abi_tree_members(struct abi_tree *t, uint32_t tuple, char end);

/* A new node without children behind the others; UINT32_MAX when there is no room. */
uint32_t abi_tree_add(struct abi_tree *t, uint8_t kind);

/* Finds heads and what is dynamic, for nodes without `structs`. HAWSE_E_LIMIT. */
int32_t abi_tree_measure(hawse_abi_node_t *nodes, uint32_t count);

#endif
