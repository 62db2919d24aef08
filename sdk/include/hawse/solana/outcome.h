/*
 * What a node says of a transaction: "err" of a simulation, a status, a notification or a refused
 * send, in numbers with names; and the answer of simulateTransaction.
 *
 * Reads in place from an indexed text (hawse/json.h); nothing is allocated and nothing is kept. All
 * functions are [any]. A name that this version does not know is legal: it stays in `name`.
 *
 * Sources: the enumerations TransactionError and InstructionError of the Solana SDK, as JSON-RPC
 * writes them.
 */
#ifndef HAWSE_SOLANA_OUTCOME_H
#define HAWSE_SOLANA_OUTCOME_H

#include <hawse/json.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What can be done about an error. */
#define HAWSE_SOLANA_ADVICE_NONE   0u /* the transaction itself must change */
#define HAWSE_SOLANA_ADVICE_AGAIN  1u /* the same bytes may land later */
#define HAWSE_SOLANA_ADVICE_RENEW  2u /* sign anew, when the old one can no longer land */
#define HAWSE_SOLANA_ADVICE_LANDED 3u /* an earlier send did it: read its status */

/* Errors of a transaction: number, name as written, advice. */
#define HAWSE_SOLANA_TX_ERRORS(X)                      \
    X(1, AccountInUse, AGAIN)                          \
    X(2, AccountLoadedTwice, NONE)                     \
    X(3, AccountNotFound, NONE)                        \
    X(4, ProgramAccountNotFound, NONE)                 \
    X(5, InsufficientFundsForFee, NONE)                \
    X(6, InvalidAccountForFee, NONE)                   \
    X(7, AlreadyProcessed, LANDED)                     \
    X(8, BlockhashNotFound, RENEW)                     \
    X(9, InstructionError, NONE)                       \
    X(10, CallChainTooDeep, NONE)                      \
    X(11, MissingSignatureForFee, NONE)                \
    X(12, InvalidAccountIndex, NONE)                   \
    X(13, SignatureFailure, NONE)                      \
    X(14, InvalidProgramForExecution, NONE)            \
    X(15, SanitizeFailure, NONE)                       \
    X(16, ClusterMaintenance, AGAIN)                   \
    X(17, AccountBorrowOutstanding, NONE)              \
    X(18, WouldExceedMaxBlockCostLimit, AGAIN)         \
    X(19, UnsupportedVersion, NONE)                    \
    X(20, InvalidWritableAccount, NONE)                \
    X(21, WouldExceedMaxAccountCostLimit, AGAIN)       \
    X(22, WouldExceedAccountDataBlockLimit, AGAIN)     \
    X(23, TooManyAccountLocks, NONE)                   \
    X(24, AddressLookupTableNotFound, NONE)            \
    X(25, InvalidAddressLookupTableOwner, NONE)        \
    X(26, InvalidAddressLookupTableData, NONE)         \
    X(27, InvalidAddressLookupTableIndex, NONE)        \
    X(28, InvalidRentPayingAccount, NONE)              \
    X(29, WouldExceedMaxVoteCostLimit, AGAIN)          \
    X(30, WouldExceedAccountDataTotalLimit, NONE)      \
    X(31, DuplicateInstruction, NONE)                  \
    X(32, InsufficientFundsForRent, NONE)              \
    X(33, MaxLoadedAccountsDataSizeExceeded, NONE)     \
    X(34, InvalidLoadedAccountsDataSizeLimit, NONE)    \
    X(35, ResanitizationNeeded, AGAIN)                 \
    X(36, ProgramExecutionTemporarilyRestricted, NONE) \
    X(37, UnbalancedTransaction, NONE)                 \
    X(38, ProgramCacheHitMaxLimit, AGAIN)              \
    X(39, CommitCancelled, AGAIN)

#define HAWSE_SOLANA_TX_ERROR_ENUM(number, name, advice) HAWSE_SOLANA_TX_##name = (number),
enum {
    HAWSE_SOLANA_TX_GOOD = 0,
    HAWSE_SOLANA_TX_ERRORS(HAWSE_SOLANA_TX_ERROR_ENUM) HAWSE_SOLANA_TX_OTHER = 0xffffffff
};

/* Errors of an instruction: number, name as written. */
#define HAWSE_SOLANA_IX_ERRORS(X)             \
    X(1, GenericError)                        \
    X(2, InvalidArgument)                     \
    X(3, InvalidInstructionData)              \
    X(4, InvalidAccountData)                  \
    X(5, AccountDataTooSmall)                 \
    X(6, InsufficientFunds)                   \
    X(7, IncorrectProgramId)                  \
    X(8, MissingRequiredSignature)            \
    X(9, AccountAlreadyInitialized)           \
    X(10, UninitializedAccount)               \
    X(11, UnbalancedInstruction)              \
    X(12, ModifiedProgramId)                  \
    X(13, ExternalAccountLamportSpend)        \
    X(14, ExternalAccountDataModified)        \
    X(15, ReadonlyLamportChange)              \
    X(16, ReadonlyDataModified)               \
    X(17, DuplicateAccountIndex)              \
    X(18, ExecutableModified)                 \
    X(19, RentEpochModified)                  \
    X(20, NotEnoughAccountKeys)               \
    X(21, AccountDataSizeChanged)             \
    X(22, AccountNotExecutable)               \
    X(23, AccountBorrowFailed)                \
    X(24, AccountBorrowOutstanding)           \
    X(25, DuplicateAccountOutOfSync)          \
    X(26, Custom)                             \
    X(27, InvalidError)                       \
    X(28, ExecutableDataModified)             \
    X(29, ExecutableLamportChange)            \
    X(30, ExecutableAccountNotRentExempt)     \
    X(31, UnsupportedProgramId)               \
    X(32, CallDepth)                          \
    X(33, MissingAccount)                     \
    X(34, ReentrancyNotAllowed)               \
    X(35, MaxSeedLengthExceeded)              \
    X(36, InvalidSeeds)                       \
    X(37, InvalidRealloc)                     \
    X(38, ComputationalBudgetExceeded)        \
    X(39, PrivilegeEscalation)                \
    X(40, ProgramEnvironmentSetupFailure)     \
    X(41, ProgramFailedToComplete)            \
    X(42, ProgramFailedToCompile)             \
    X(43, Immutable)                          \
    X(44, IncorrectAuthority)                 \
    X(45, BorshIoError)                       \
    X(46, AccountNotRentExempt)               \
    X(47, InvalidAccountOwner)                \
    X(48, ArithmeticOverflow)                 \
    X(49, UnsupportedSysvar)                  \
    X(50, IllegalOwner)                       \
    X(51, MaxAccountsDataAllocationsExceeded) \
    X(52, MaxAccountsExceeded)                \
    X(53, MaxInstructionTraceLengthExceeded)  \
    X(54, BuiltinProgramsMustConsumeComputeUnits)

#define HAWSE_SOLANA_IX_ERROR_ENUM(number, name) HAWSE_SOLANA_IX_##name = (number),
enum {
    HAWSE_SOLANA_IX_NONE = 0,
    HAWSE_SOLANA_IX_ERRORS(HAWSE_SOLANA_IX_ERROR_ENUM) HAWSE_SOLANA_IX_OTHER = 0xffffffff
};

typedef struct hawse_solana_error {
    uint32_t size;
    uint32_t transaction; /* HAWSE_SOLANA_TX_...; GOOD = "err" is null */
    uint32_t instruction; /* with InstructionError: HAWSE_SOLANA_IX_..., else NONE */
    uint32_t index;       /* of the instruction, or of the account; 0 where neither is named */
    uint32_t custom;      /* with Custom: the program's own number */
    uint32_t advice;      /* HAWSE_SOLANA_ADVICE_... */
    hawse_view_t name;    /* the innermost name as written, in the text */
} hawse_solana_error_t;

/* Reads an "err". HAWSE_E_FORMAT: not the form of one. */
int32_t hawse_solana_error_read(const hawse_json_t *doc, hawse_json_value_t *value,
                                hawse_solana_error_t *out);

/* In words, for an operator: "instruction 2 failed: Custom 6001 (0x1771)". Writes at most `cap`
 * bytes with the NUL and returns the length without it; cap at least 1. */
uint64_t hawse_solana_error_text(const hawse_solana_error_t *error, char *out, uint64_t cap);

/* The answer of simulateTransaction, or "data" of a send that failed its preflight. */
typedef struct hawse_solana_simulation {
    uint32_t size;
    uint32_t has_units;
    hawse_solana_error_t error;
    uint64_t units;              /* compute units consumed */
    uint64_t loaded_data;        /* bytes of accounts loaded; 0 = not stated */
    hawse_json_value_t logs;     /* an array of strings, or null */
    hawse_json_value_t accounts; /* as asked for, or null */
    hawse_view_t return_program; /* base58; empty = nothing was returned */
    hawse_view_t return_data;    /* base64 */
    hawse_view_t blockhash;      /* base58, with replaceRecentBlockhash; empty = none */
    uint64_t last_block_height;  /* of that blockhash */
} hawse_solana_simulation_t;

/* Reads the "value" of the answer, or that data. HAWSE_E_FORMAT: not the form of one. Fields that
 * older nodes leave out are empty. */
int32_t hawse_solana_simulation_read(const hawse_json_t *doc, hawse_json_value_t *value,
                                     hawse_solana_simulation_t *out);

/* A compute unit limit for a simulated need: so many percent more, rounded up, and never above the
 * most that a transaction may have, 1,400,000. */
uint32_t hawse_solana_units_with_margin(uint64_t units, uint32_t percent);

#ifdef __cplusplus
}
#endif
#endif
