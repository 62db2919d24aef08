/*
 * Typed structured data (EIP-712): what wallets, venues and contracts have signed. From types and
 * values, or from the JSON of eth_signTypedData_v4, to the 32 bytes that are signed. Nothing here
 * signs and nothing here knows a key.
 *
 * Two ways to the same hash. With a fixed schema, values are pushed in the order of the members:
 *
 *   hawse_eip712_parse(&schema, "Mail(Person to,string text)Person(string name,address wallet)",
 *                      len, NULL);                           once
 *   hawse_eip712_begin(&h, &schema, 0);
 *   hawse_eip712_open(&h, 0);                                Person to
 *   hawse_eip712_bytes(&h, "Bob", 3);
 *   hawse_eip712_address(&h, wallet);
 *   hawse_eip712_close(&h);
 *   hawse_eip712_bytes(&h, "Hello", 5);
 *   result = hawse_eip712_end(&h, struct_hash);
 *   hawse_eip712_domain_hash(&domain, separator);
 *   hawse_eip712_digest(separator, struct_hash, digest);
 *
 * With a document, hawse_eip712_typed_data() does all of it.
 *
 * Every function is [any], allocates nothing and keeps nothing; all memory is the caller's. Structs
 * that contain themselves through lists are legal; how deep values go is bounded.
 *
 * Source: EIP-712 "Typed structured data hashing and signing".
 */
#ifndef HAWSE_EIP712_H
#define HAWSE_EIP712_H

#include <hawse/abi_type.h>
#include <hawse/json.h>
#include <hawse/keccak.h>
#include <hawse/writer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

#define HAWSE_EIP712_STRUCTS_MAX 32
#define HAWSE_EIP712_NODES_MAX   192
#define HAWSE_EIP712_TEXT_MAX    4096

/* One struct of a schema. */
typedef struct hawse_eip712_struct {
    uint32_t node; /* its TUPLE */
    uint32_t name_at;
    uint32_t name_len;
    uint32_t text_len; /* of "Name(type member,...)", which begins at name_at */
    uint8_t hash[32];  /* its typeHash */
} hawse_eip712_struct_t;

/* Types, read once. About 13 KiB; may be copied, needs no clean-up, refers to nothing outside. */
typedef struct hawse_eip712_schema {
    uint32_t struct_count;
    uint32_t node_count;
    uint32_t text_len;
    uint32_t reserved;
    hawse_eip712_struct_t structs[HAWSE_EIP712_STRUCTS_MAX];
    hawse_abi_node_t nodes[HAWSE_EIP712_NODES_MAX];
    char text[HAWSE_EIP712_TEXT_MAX];
} hawse_eip712_schema_t;

/* Reads the form of encodeType: one "Name(type member,...)" behind the other, in any order, each
 * struct that is used among them; the first one is struct 0. Exactly one space stands between type
 * and member, and no other. On error *where, unless NULL, is the offset in text. HAWSE_E_FORMAT;
 * HAWSE_E_EXISTS: a struct or a member of one stands there twice; HAWSE_E_NOTFOUND: a type that is
 * neither a struct of the text nor elementary; HAWSE_E_UNSUPPORTED: fixed-point numbers, function
 * types, and the aliases uint and int, which EIP-712 excludes; HAWSE_E_LIMIT: one of the limits
 * above, HAWSE_ABI_DEPTH or HAWSE_ABI_ARRAY_MAX. */
int32_t hawse_eip712_parse(hawse_eip712_schema_t *schema, const char *text, uint64_t len,
                           uint64_t *where);

/* The number of the struct with that name. HAWSE_E_NOTFOUND. */
int32_t hawse_eip712_find(const hawse_eip712_schema_t *schema, const char *name, uint64_t len);

/* The encodeType of struct number `which`: itself, then what it uses, by name. HAWSE_E_INVAL;
 * HAWSE_E_NOSPACE as hawse_writer_end(). */
int32_t hawse_eip712_encode_type(const hawse_eip712_schema_t *schema, uint32_t which,
                                 hawse_writer_t *out);

/* ---- values ---- */

/* A hash under way. Its fields are private. About 4 KiB. */
typedef struct hawse_eip712 {
    const hawse_eip712_schema_t *schema;
    int32_t error;
    uint32_t depth;
    struct {
        uint32_t node;  /* the TUPLE or LIST that is being filled */
        uint32_t child; /* the node of the value that comes next */
        uint64_t left;  /* values that are still to come */
        hawse_keccak_t hash;
    } frames[HAWSE_ABI_DEPTH];
    uint8_t result[32];
} hawse_eip712_t;

/*
 * Begins the hash of struct number `which`. Then every value comes in order: elementary ones by the
 * functions below; a struct and a list are opened, filled and closed. A value that is not of the
 * type whose turn it is, or not in its range, is an error; after the first error everything up to
 * hawse_eip712_end() does nothing. The schema must outlive the hash.
 */
void hawse_eip712_begin(hawse_eip712_t *h, const hawse_eip712_schema_t *schema, uint32_t which);

void hawse_eip712_uint(hawse_eip712_t *h, const hawse_u256_t *n); /* uintN */
void hawse_eip712_u64(hawse_eip712_t *h, uint64_t n);             /* uintN */
void hawse_eip712_int(hawse_eip712_t *h, const hawse_u256_t *n);  /* intN, two's complement */
void hawse_eip712_bool(hawse_eip712_t *h, int32_t truth);
void hawse_eip712_address(hawse_eip712_t *h, const uint8_t address[20]);
void hawse_eip712_fixed_bytes(hawse_eip712_t *h, const uint8_t *bytes, uint64_t len); /* bytesN */
/* bytes or string; a string must be UTF-8. */
void hawse_eip712_bytes(hawse_eip712_t *h, const void *bytes, uint64_t len);

/* Opens a list of `count` elements, or a struct, with count 0. */
void hawse_eip712_open(hawse_eip712_t *h, uint64_t count);
void hawse_eip712_close(hawse_eip712_t *h);

/* The hashStruct. HAWSE_E_INVAL: a value of another type, too few, too many, or a `which` that the
 * schema has not; HAWSE_E_RANGE: not in the range of its type, or another number of elements than
 * T[k] has; HAWSE_E_FORMAT: not UTF-8; HAWSE_E_LIMIT: deeper than HAWSE_ABI_DEPTH. */
int32_t hawse_eip712_end(hawse_eip712_t *h, uint8_t hash[32]);

/* ---- domain and digest ---- */

/* fields of a domain that are there */
#define HAWSE_EIP712_NAME     1u
#define HAWSE_EIP712_VERSION  2u
#define HAWSE_EIP712_CHAIN_ID 4u
#define HAWSE_EIP712_CONTRACT 8u
#define HAWSE_EIP712_SALT     16u

typedef struct hawse_eip712_domain {
    uint32_t fields; /* HAWSE_EIP712_NAME | ...; the others are not looked at */
    uint32_t reserved;
    hawse_view_t name; /* UTF-8 */
    hawse_view_t version;
    hawse_u256_t chain_id;
    uint8_t verifying_contract[20];
    uint8_t reserved2[4];
    uint8_t salt[32];
} hawse_eip712_domain_t;

/* The domain separator: hashStruct of EIP712Domain with the fields that are there, in the order of
 * the EIP. HAWSE_E_INVAL: an unknown field. */
int32_t hawse_eip712_domain_hash(const hawse_eip712_domain_t *domain, uint8_t separator[32]);

/* What is signed: Keccak-256 of 0x1901, the domain separator and the hashStruct. */
void hawse_eip712_digest(const uint8_t separator[32], const uint8_t struct_hash[32],
                         uint8_t digest[32]);

/* ---- documents ---- */

typedef struct hawse_eip712_result {
    uint32_t primary; /* number of the struct primaryType in the schema */
    uint32_t reserved;
    uint64_t where; /* after an error: offset in the text of what is wrong */
    uint8_t separator[32];
    uint8_t struct_hash[32];
    uint8_t digest[32];
} hawse_eip712_result_t;

/*
 * A document {"types", "primaryType", "domain", "message"}, as eth_signTypedData_v4 takes it.
 * Strict: the text is valid JSON; each member of a struct is there once and no other is, and each
 * part is, since what is not hashed must not look as if it were signed; numbers are exact, as JSON
 * numbers, decimal text or "0x" text; addresses in mixed case have the right checksum. Where types
 * has no EIP712Domain, it is made of the fields that the domain has, in the order of the EIP.
 * primaryType EIP712Domain is refused.
 *
 * HAWSE_PADDING readable bytes follow the text. marks: room for `cap` marks, len + 1 at most (see
 * hawse_json_index). *schema is filled with the types, so that messages can be shown. Errors: those
 * of hawse_eip712_parse and hawse_eip712_end; HAWSE_E_FORMAT: also not JSON, or a value that does
 * not have the form of its type; HAWSE_E_NOTFOUND: also a part or member that is missing;
 * HAWSE_E_EXISTS: also a member that the type has not; HAWSE_E_NOSPACE: too few marks.
 * result->where says where.
 */
int32_t hawse_eip712_typed_data(const uint8_t *text, uint64_t len, uint32_t *marks, uint32_t cap,
                                hawse_eip712_schema_t *schema, hawse_eip712_result_t *result);

#ifdef __cplusplus
}
#endif
#endif
