/*
 * Solana messages and transactions on the wire: legacy and version 0 with address lookup tables.
 *
 * Decoding gives views into the caller's bytes, encoding fills the caller's buffer; nothing is
 * allocated and nothing is kept. All functions are [any]. Two steps, as in the runtime: decoding
 * proves that the bytes have the form of a message, sanitizing that its numbers fit each other.
 * Decode and sanitize what comes from outside before anything else looks at it.
 *
 * Sources: Solana documentation, "Transactions and instructions", "Versioned transactions"; the
 * rules of sanitize() and of account locking of the runtime.
 */
#ifndef HAWSE_SOLANA_MESSAGE_H
#define HAWSE_SOLANA_MESSAGE_H

#include <hawse/service/solana.h>
#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SOLANA_TX_MAX      1232u /* bytes of a transaction: what fits one packet */
#define HAWSE_SOLANA_MESSAGE_MAX 1167u /* of its message: one signature less, and their count */
#define HAWSE_SOLANA_KEYS_MAX    256u  /* accounts of a message, looked-up ones included */

/* versions */
#define HAWSE_SOLANA_LEGACY 0xffffffffu
#define HAWSE_SOLANA_V0     0u

/*
 * What can be wrong: number, name, meaning. The list may grow. Up to 5 come from decoding, with
 * HAWSE_E_FORMAT (HAWSE_E_LIMIT: TOO_LARGE, HAWSE_E_UNSUPPORTED: VERSION), the others from
 * sanitizing, with HAWSE_E_INVAL.
 */
#define HAWSE_SOLANA_FAULTS(X)                                                               \
    X(1, TRUNCATED, "the bytes end before the message does")                                 \
    X(2, COUNT, "a compact-u16 is longer than it must be, or above 65,535")                  \
    X(3, TRAILING, "bytes follow the end of the message")                                    \
    X(4, TOO_LARGE, "more bytes than a transaction may have, 1,232")                         \
    X(5, VERSION, "a message version other than legacy and 0")                               \
    X(6, NO_SIGNER, "no signature is required: nobody pays the fee")                         \
    X(7, READONLY_PAYER, "all signers are read-only: nobody can pay the fee")                \
    X(8, TOO_FEW_KEYS, "fewer keys than the header's signers and read-only accounts")        \
    X(9, TOO_MANY_KEYS, "more than 256 accounts, looked-up ones included")                   \
    X(10, PROGRAM_IS_PAYER, "an instruction names account 0, the fee payer, as its program") \
    X(11, PROGRAM_INDEX, "an instruction's program is not among the message's own keys")     \
    X(12, ACCOUNT_INDEX, "an instruction names an account beyond the last")                  \
    X(13, EMPTY_LOOKUP, "a lookup table from which nothing is looked up")                    \
    X(14, DUPLICATE_KEY, "a key stands twice among the message's own keys")                  \
    X(15, SIGNATURE_COUNT, "another number of signatures than the header requires")

#define HAWSE_SOLANA_FAULT_ENUM(number, name, meaning) HAWSE_SOLANA_FAULT_##name = (number),
enum { HAWSE_SOLANA_FAULT_NONE = 0, HAWSE_SOLANA_FAULTS(HAWSE_SOLANA_FAULT_ENUM) };

/* The meaning of a fault, in words; static. */
const char *hawse_solana_fault_text(uint32_t fault);

/* ---- compact-u16 ---- */

/* Seven bits a byte, low ones first, the high bit of a byte = more follow. Writes 1 to 3 bytes and
 * returns how many. */
uint32_t hawse_solana_compact_encode(uint16_t n, uint8_t out[3]);

/* Returns how many bytes were read: 1 to 3. HAWSE_E_RANGE: the bytes end too early;
 * HAWSE_E_FORMAT: not the shortest form, above 65,535, or more than three bytes. */
int32_t hawse_solana_compact_decode(const uint8_t *data, uint64_t len, uint16_t *n);

/* ---- reading ---- */

/* A decoded message: numbers, and pointers into its bytes, which must outlive it. */
typedef struct hawse_solana_message {
    hawse_view_t bytes; /* all of it: what is signed */
    uint32_t version;   /* HAWSE_SOLANA_LEGACY or HAWSE_SOLANA_V0 */
    uint32_t required_signatures;
    uint32_t readonly_signed;
    uint32_t readonly_unsigned;
    uint32_t key_count; /* its own keys: signers first, the fee payer before all */
    uint32_t instruction_count;
    uint32_t lookup_count;
    uint32_t
        loaded_writable; /* accounts that come from tables; they follow the own keys: all ... */
    uint32_t loaded_readonly; /* ... writable ones, in the order of the tables, then the others */
    const uint8_t *keys;      /* key_count times 32 bytes */
    const uint8_t *blockhash; /* 32 bytes: a recent blockhash, or a durable nonce's value */
    const uint8_t *instructions; /* encoded; see hawse_solana_instruction_next */
    const uint8_t *lookups;      /* encoded; see hawse_solana_lookup_next */
} hawse_solana_message_t;

/* One instruction of a message. Begin with all zero. */
typedef struct hawse_solana_compiled {
    uint32_t index;         /* of the next one */
    uint32_t program;       /* index of its program's key */
    uint32_t account_count; /* accounts: one index each */
    uint32_t data_len;
    const uint8_t *accounts;
    const uint8_t *data;
    const uint8_t *next; /* private */
} hawse_solana_compiled_t;

/* One lookup of a message. Begin with all zero. */
typedef struct hawse_solana_lookup {
    uint32_t index; /* of the next one */
    uint32_t writable_count;
    uint32_t readonly_count;
    uint32_t reserved;
    const uint8_t *table;    /* 32 bytes: the table's account */
    const uint8_t *writable; /* positions in the table, one byte each */
    const uint8_t *readonly;
    const uint8_t *next; /* private */
} hawse_solana_lookup_t;

/* A decoded transaction. Signature i belongs to key i; the first one is its id. */
typedef struct hawse_solana_tx {
    uint32_t signature_count;
    uint32_t reserved;
    const uint8_t *signatures; /* signature_count times 64 bytes */
    hawse_solana_message_t message;
} hawse_solana_tx_t;

/* Has `len` bytes the form of a message, with nothing behind it? (A node ignores what follows.)
 * On failure *fault says why, when it is not NULL, and the message is unspecified. */
int32_t hawse_solana_message_decode(const uint8_t *data, uint64_t len,
                                    hawse_solana_message_t *message, uint32_t *fault);

/* Would the runtime take this message to execution? Its checks, in its order, then the one of
 * account locking that needs no state: no key twice. */
int32_t hawse_solana_message_sanitize(const hawse_solana_message_t *message, uint32_t *fault);

/* The same for a transaction; sanitizing also compares the number of signatures. Signatures are not
 * verified: see hawse_solana_tx_verify. */
int32_t hawse_solana_tx_decode(const uint8_t *data, uint64_t len, hawse_solana_tx_t *tx,
                               uint32_t *fault);
int32_t hawse_solana_tx_sanitize(const hawse_solana_tx_t *tx, uint32_t *fault);

/* Walks over a decoded message: 1 and the next one, or 0 at the end. */
int32_t hawse_solana_instruction_next(const hawse_solana_message_t *message,
                                      hawse_solana_compiled_t *instruction);
int32_t hawse_solana_lookup_next(const hawse_solana_message_t *message,
                                 hawse_solana_lookup_t *lookup);

/* 1 when account `index` of a sanitized message signs, or is asked for as writable. The runtime
 * makes programs and reserved accounts read-only all the same. */
int32_t hawse_solana_message_signs(const hawse_solana_message_t *message, uint32_t index);
int32_t hawse_solana_message_writes(const hawse_solana_message_t *message, uint32_t index);

/* ---- building ---- */

/* A message to be encoded. */
typedef struct hawse_solana_plan {
    uint32_t version; /* HAWSE_SOLANA_LEGACY or HAWSE_SOLANA_V0 */
    uint32_t instruction_count;
    uint32_t table_count;     /* 0 with HAWSE_SOLANA_LEGACY */
    const uint8_t *payer;     /* 32 bytes */
    const uint8_t *blockhash; /* 32 bytes */
    const hawse_solana_instruction_t *instructions;
    const hawse_solana_table_t *tables;
} hawse_solana_plan_t;

/*
 * Encodes a message. Keys stand in the classes that the format demands (writable signers with the
 * payer first, read-only signers, writable, read-only) and inside each in order of appearance, a
 * program before its own accounts; a key named several times gets the strongest of its flags. Keys
 * that neither sign nor are programs are taken from the first table that has them; a table of which
 * nothing is used is left out. Two equal plans give equal bytes.
 *
 * *need is the length, also when `cap` is too small. HAWSE_E_NOSPACE; HAWSE_E_LIMIT: with its
 * signatures the transaction would not fit HAWSE_SOLANA_TX_MAX, or there are more than 256 keys;
 * HAWSE_E_INVAL: a version or table_count that is not as above, a table above 256 keys.
 */
int32_t hawse_solana_message_encode(const hawse_solana_plan_t *plan, uint8_t *out, uint64_t cap,
                                    uint64_t *need);

/* Puts signatures (`count` times 64 bytes, in the order of the keys) before an encoded message.
 * *need as above. HAWSE_E_NOSPACE; HAWSE_E_LIMIT: above HAWSE_SOLANA_TX_MAX; HAWSE_E_INVAL: not
 * what the message's header requires; or why the message does not decode. `out` must not overlap
 * its inputs. */
int32_t hawse_solana_tx_encode(const uint8_t *signatures, uint32_t count, const uint8_t *message,
                               uint64_t message_len, uint8_t *out, uint64_t cap, uint64_t *need);

#ifdef __cplusplus
}
#endif
#endif
