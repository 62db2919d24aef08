/*
 * The fake node from the inside: what its two files share.
 */
#ifndef HAWSE_TESTS_EVMNODE_PRIVATE_H
#define HAWSE_TESTS_EVMNODE_PRIVATE_H

#include "evmnode.h"

enum { NODE_HEADER_TEXT = 1200, NODE_LOG_TEXT = 700 };

void node_header_text(const struct evmnode *n, uint32_t index, char *out, size_t cap);
/* Returns the length. */
int node_log_text(const struct evmnode *n, uint32_t index, uint32_t log, char *out, size_t cap);
/* Which addresses a filter's text names. */
void node_wanted(const char *text, bool wanted[NODE_ADDRESSES]);
bool node_chance(uint32_t in_a_thousand);

#endif
