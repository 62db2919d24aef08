/*
 * Parts of a Solana transaction as a plugin hands them to the host (hawse/service/intent.h), and as
 * the SDK's builder (hawse/solana/program.h) gathers them: the same records, so that what a builder
 * has can be proposed as it is.
 *
 * Source: Solana documentation, "Transactions", "Address lookup tables".
 */
#ifndef HAWSE_SERVICE_SOLANA_H
#define HAWSE_SERVICE_SOLANA_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An account that an instruction names. */
typedef struct hawse_solana_meta {
    uint8_t key[32];
    uint8_t signer; /* 0 or 1 */
    uint8_t writable;
} hawse_solana_meta_t;

/* An instruction before its keys have become indexes. */
typedef struct hawse_solana_instruction {
    uint8_t program[32];
    uint32_t account_count;
    uint32_t data_len;
    const hawse_solana_meta_t *accounts;
    const uint8_t *data;
} hawse_solana_instruction_t;

/* The contents of a lookup table, as read from its account: see hawse_solana_table_parse. */
typedef struct hawse_solana_table {
    const uint8_t *account; /* 32 bytes */
    const uint8_t *keys;    /* key_count times 32 bytes */
    uint32_t key_count;     /* at most 256 */
    uint32_t reserved;
} hawse_solana_table_t;

#ifdef __cplusplus
}
#endif
#endif
