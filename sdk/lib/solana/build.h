/*
 * How the functions of hawse/solana/program.h put an instruction together: begin, accounts and
 * data in any order, end. After the first failure all of them do nothing.
 */
#ifndef HAWSE_LIB_SOLANA_BUILD_H
#define HAWSE_LIB_SOLANA_BUILD_H

#include <hawse/solana/program.h>

/* flags of an account */
enum { BUILD_READ = 0, BUILD_SIGN = 1, BUILD_WRITE = 2 };

void build_begin(hawse_solana_builder_t *b, const uint8_t *program);
void build_account(hawse_solana_builder_t *b, const uint8_t *key, unsigned flags);
void build_bytes(hawse_solana_builder_t *b, const void *bytes, uint64_t len);
void build_u8(hawse_solana_builder_t *b, uint8_t n);
void build_u32(hawse_solana_builder_t *b, uint32_t n);
void build_u64(hawse_solana_builder_t *b, uint64_t n);
/* `code` becomes the error unless there is one already. */
void build_fail(hawse_solana_builder_t *b, int32_t code);
int32_t build_end(hawse_solana_builder_t *b);

#endif
