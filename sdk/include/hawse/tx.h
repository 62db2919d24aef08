/*
 * Transactions of the EVM family as they are signed, sent and stored: legacy with and without
 * EIP-155, access lists (2930), dynamic fees (1559), blobs (4844, as in a block: without their
 * sidecar) and delegations of accounts (7702). Nothing here signs or recovers: r, s and the parity
 * come in and go out as bytes.
 *
 * Encoding appends to a writer of the caller's; decoding takes canonical bytes only and gives views
 * into them. A decoded transaction can be encoded again as it is. Every function is [any],
 * allocates nothing and keeps nothing.
 *
 * Sources: EIP-155, EIP-2, EIP-2681, EIP-2718, EIP-2930, EIP-1559, EIP-4844, EIP-7702; for gas
 * EIP-2028, EIP-3860, EIP-7623.
 */
#ifndef HAWSE_TX_H
#define HAWSE_TX_H

#include <hawse/rlp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* types */
#define HAWSE_TX_LEGACY      0u
#define HAWSE_TX_ACCESS_LIST 1u
#define HAWSE_TX_DYNAMIC_FEE 2u
#define HAWSE_TX_BLOB        3u
#define HAWSE_TX_SET_CODE    4u

/*
 * What can be wrong with a transaction that is well-formed: number, name, meaning. The list may
 * grow.
 */
#define HAWSE_TX_FAULTS(X)                                                                     \
    X(1, TYPE, "a type that is not known")                                                     \
    X(2, FIELD, "a field is set that its type does not have")                                  \
    X(3, CREATE, "this type can't create a contract: it needs a destination")                  \
    X(4, NONCE, "the nonce is 2^64 - 1, which nothing can follow (EIP-2681)")                  \
    X(5, FEES, "the priority fee is above the maximum fee (EIP-1559)")                         \
    X(6, NO_AUTHORIZATION, "no authorization in a transaction that is there for them")         \
    X(7, NO_BLOB, "no blob in a transaction that is there for them")                           \
    X(8, BLOB_VERSION, "a versioned hash does not begin with 0x01 (EIP-4844)")                 \
    X(9, LIST, "an encoded list is not one: see hawse_tx_access_put and its siblings")         \
    X(10, SIGNATURE, "r or s is 0 or not below the order of the curve, or the parity above 1") \
    X(11, HIGH_S, "s is in the upper half of the order (EIP-2)")                               \
    X(12, AUTHORIZATION_CHAIN, "an authorization for another chain, and not for all of them")  \
    X(13, GAS, "the gas limit is below what the transaction costs before it runs")

#define HAWSE_TX_FAULT_ENUM(number, name, meaning) HAWSE_TX_FAULT_##name = (number),
enum { HAWSE_TX_FAULT_NONE = 0, HAWSE_TX_FAULTS(HAWSE_TX_FAULT_ENUM) };

/* The meaning of a fault, in words; static. */
const char *hawse_tx_fault_text(uint32_t fault);

/* ---- parts ---- */

/* A signature by secp256k1. */
typedef struct hawse_tx_signature {
    uint8_t r[32]; /* most significant byte first, zeros in front included */
    uint8_t s[32];
    uint32_t y_parity; /* 0 or 1 */
    uint32_t reserved;
} hawse_tx_signature_t;

/* Is it one that consensus takes? HAWSE_E_INVAL with *fault, which may be NULL: SIGNATURE or
 * HIGH_S. Whose it is only recovery can tell. */
int32_t hawse_tx_signature_check(const hawse_tx_signature_t *signature, uint32_t *fault);

/* A permission that an account's code becomes a pointer to `address` (EIP-7702). */
typedef struct hawse_tx_authorization {
    hawse_u256_t chain_id; /* 0 = every chain */
    uint64_t nonce;        /* of the account: for its own transaction, that one's nonce + 1 */
    uint8_t address[20];   /* zero = take the code away */
    uint8_t reserved[4];
    hawse_tx_signature_t signature; /* y_parity: up to 255 in what was decoded */
} hawse_tx_authorization_t;

/* What the account signs: Keccak-256 of 0x05 and the list [chain_id, address, nonce]. */
void hawse_tx_authorization_hash(const hawse_tx_authorization_t *a, uint8_t hash[32]);

/* Would a chain skip this authorization without looking at the account? HAWSE_E_INVAL with *fault,
 * which may be NULL: NONCE, SIGNATURE, HIGH_S or AUTHORIZATION_CHAIN. The transaction itself
 * succeeds all the same. */
int32_t hawse_tx_authorization_check(const hawse_tx_authorization_t *a, uint64_t chain_id,
                                     uint32_t *fault);

/* One entry more of hawse_tx_t.authorizations. */
void hawse_tx_authorization_put(hawse_writer_t *w, const hawse_tx_authorization_t *a);

/* One entry more of hawse_tx_t.access_list: an address and `count` storage keys of 32 bytes. */
void hawse_tx_access_put(hawse_writer_t *w, const uint8_t address[20], const uint8_t *keys,
                         uint64_t count);

/* One entry more of hawse_tx_t.blob_hashes. */
void hawse_tx_blob_hash_put(hawse_writer_t *w, const uint8_t hash[32]);

/* ---- transactions ---- */

/*
 * A transaction without its signature. The last three fields are encoded entries, one behind the
 * other, without the header of their list: written by the functions above, read by those below.
 * What a type does not have is 0 and empty.
 */
typedef struct hawse_tx {
    uint32_t type;     /* HAWSE_TX_LEGACY ... */
    uint32_t create;   /* 1 = creates a contract: there is no destination */
    uint64_t chain_id; /* LEGACY: 0 = valid on every chain, as before EIP-155 */
    uint64_t nonce;
    uint64_t gas_limit;
    hawse_u256_t max_priority_fee; /* wei per gas; from DYNAMIC_FEE on */
    hawse_u256_t max_fee;          /* wei per gas; LEGACY and ACCESS_LIST: the gas price */
    hawse_u256_t max_blob_fee;     /* wei per blob gas; BLOB */
    hawse_u256_t value;            /* wei */
    uint8_t to[20];
    uint8_t reserved[4];
    hawse_view_t data;
    hawse_view_t access_list;    /* from ACCESS_LIST on */
    hawse_view_t blob_hashes;    /* BLOB */
    hawse_view_t authorizations; /* SET_CODE */
} hawse_tx_t;

/*
 * Appends a transaction, and puts Keccak-256 of its bytes into `hash` unless that is NULL. Without
 * a signature (NULL) these are the bytes that are signed and their hash is what is signed; with one
 * they are what is sent, and the hash is the transaction's own.
 *
 * HAWSE_E_NOSPACE as hawse_writer_end(), hash is not written then. HAWSE_E_INVAL with *fault, which
 * may be NULL: TYPE, FIELD, CREATE, LIST, SIGNATURE or HIGH_S; nothing is written then.
 */
int32_t hawse_tx_encode(const hawse_tx_t *tx, const hawse_tx_signature_t *signature,
                        hawse_writer_t *w, uint8_t *hash, uint32_t *fault);

/* Would a chain refuse it whatever its state is? Returns HAWSE_OK, or HAWSE_E_INVAL with *fault,
 * which may be NULL. Chains differ in further limits: of gas in one transaction (EIP-7825), of
 * blobs. */
int32_t hawse_tx_check(const hawse_tx_t *tx, uint32_t *fault);

/* Gas that it costs before it runs (Shanghai and later), and the least that it is charged with for
 * its data (EIP-7623, Prague); either may be NULL. gas_limit must reach both. The lists must be
 * well-formed: see hawse_tx_check. */
void hawse_tx_intrinsic_gas(const hawse_tx_t *tx, uint64_t *intrinsic, uint64_t *least);

/* Where decoding stopped. */
typedef struct hawse_tx_place {
    uint64_t at;       /* offset in the bytes */
    const char *field; /* which part: static text, such as "gas_limit" */
} hawse_tx_place_t;

/*
 * Reads a transaction as it is sent, or, with signature NULL, the bytes that are to be signed. The
 * views lie in `data`. Lists are checked to the innermost. HAWSE_E_RANGE: the bytes end too early,
 * or a number does not fit; HAWSE_E_FORMAT: not canonical, a field of the wrong length, trailing
 * bytes, a signature that hawse_tx_signature_check refuses; HAWSE_E_UNSUPPORTED: an unknown type.
 * *place, unless NULL, says where. What is well-formed may still be refused by hawse_tx_check.
 */
int32_t hawse_tx_decode(const uint8_t *data, uint64_t len, hawse_tx_t *tx,
                        hawse_tx_signature_t *signature, hawse_tx_place_t *place);

/* ---- reading lists ---- */

/* One entry of an access list. */
typedef struct hawse_tx_access {
    const uint8_t *address; /* 20 bytes */
    const uint8_t *keys;    /* key i: 32 bytes at 33 * i + 1 */
    uint64_t key_count;
} hawse_tx_access_t;

/* Walks over the list of a decoded or checked transaction: begin with hawse_rlp(list.data,
 * list.len). Returns 1 and the next entry, 0 at the end, or what is wrong with the list. */
int32_t hawse_tx_access_next(hawse_rlp_t *list, hawse_tx_access_t *entry);
int32_t hawse_tx_authorization_next(hawse_rlp_t *list, hawse_tx_authorization_t *entry);
int32_t hawse_tx_blob_hash_next(hawse_rlp_t *list, uint8_t hash[32]);

#ifdef __cplusplus
}
#endif
#endif
