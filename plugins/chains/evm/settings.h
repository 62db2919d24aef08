/* Settings of an instance, and what a chain's own file says about its chain. */
#ifndef EVM_SETTINGS_H
#define EVM_SETTINGS_H

#include <hawse/hawse.h>
#include <stdbool.h>

/* What the operator set, checked; times in milliseconds. Constant after create. */
struct evm_settings {
    uint64_t chain_id;
    uint64_t block_ms;
    uint64_t confirmations;
    uint64_t window;
    uint64_t verify_blocks;
    uint64_t verify_ms;
    uint64_t max_range;
    uint64_t max_backfill_blocks;
    uint64_t heads_idle_ms;
    uint64_t poll_ms;
    uint64_t poll_after_ms;
    uint64_t final_every;
    uint64_t request_timeout_ms;
    uint64_t log_store_kib;
    uint64_t strikes;
    bool final_tag;            /* ask for "finalized"; otherwise count confirmations */
    bool poll;                 /* never use the stream */
    bool pending_transactions; /* features */
    bool poll_fallback;
};

/* A chain: what is compiled into its plugin beside the shared files. */
struct evm_chain_params {
    const char *id;   /* as in the manifest */
    const char *name; /* for messages */
    struct evm_settings defaults;
};

extern const struct evm_chain_params evm_chain_params;

/* Reads the settings (JSON text of an object) over the chain's defaults. On failure *what says what
 * is wrong. */
int32_t settings_read(hawse_view_t text, struct evm_settings *out, char *what, size_t cap);

#endif
