/*
 * What this chain's messages mean, apart from any connection: text in, a record out. test.c tries
 * it without a host.
 */
#ifndef LOGIC_H
#define LOGIC_H

#include <hawse/space/evm.h>

/* One message of the node. 1: it announced a block, which is in *block; 0: it is about something
 * else; negative (HAWSE_E_...): it is no message. */
int32_t read_head(const uint8_t *text, uint64_t len, hawse_evm_block_t *block);

#endif
