/*
 * Solidity types of any depth, as a tree in one array: what hawse/abi_codec.h encodes and decodes
 * and hawse/eip712.h hashes. hawse/abi.h has the words and the flat tables of logs.
 *
 * Parsing is [any], allocates nothing and keeps nothing: the result is the caller's, may be copied
 * and needs no clean-up; names are offsets into the text that was read.
 *
 * Sources: Solidity documentation, "Contract ABI Specification", "Function Selector", "Errors".
 */
#ifndef HAWSE_ABI_TYPE_H
#define HAWSE_ABI_TYPE_H

#include <hawse/abi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of types that hold others, beside HAWSE_ABI_UINT to HAWSE_ABI_STRING of hawse/abi.h. */
#define HAWSE_ABI_TUPLE 8u /* also a struct, and a list of parameters */
#define HAWSE_ABI_LIST  9u /* T[] and T[k] */

/* flags of a node, beside HAWSE_ABI_INDEXED and HAWSE_ABI_OPEN (a LIST without a length) */
#define HAWSE_ABI_DYNAMIC \
    16u /* its head is an offset: bytes, string, T[] and what has one inside */

#define HAWSE_ABI_DEPTH 16 /* tuples and lists inside each other, the parameter list included */

/*
 * One type. The members of a TUPLE follow it one behind the other, the element of a LIST follows
 * it: the first child of node i is i + 1, the next one begins `span` nodes later. A TUPLE with
 * `ref` not 0 stands for the struct that is declared at node ref - 1, whose members are its own
 * (EIP-712 only). 36 bytes.
 */
typedef struct hawse_abi_node {
    uint8_t kind;     /* HAWSE_ABI_UINT ... */
    uint8_t size;     /* bytes of uintN, intN, bytesN; 20 for address, 1 for bool; otherwise 0 */
    uint16_t flags;   /* HAWSE_ABI_DYNAMIC ... */
    uint32_t count;   /* TUPLE: members; LIST: elements, 0 with HAWSE_ABI_OPEN; otherwise 0 */
    uint32_t span;    /* nodes of this type, itself included */
    uint32_t head;    /* bytes that it takes among its neighbours: 32 when dynamic */
    uint32_t inner;   /* TUPLE: bytes of its members' heads; LIST: of one element's head */
    uint32_t ref;     /* see above; 0 = its members stand here */
    uint32_t name_at; /* its name in the text; length 0 = it has none */
    uint32_t name_len;
    uint32_t reserved;
} hawse_abi_node_t;

/* What a declaration is, beside HAWSE_ABI_EVENT. */
#define HAWSE_ABI_FUNCTION    2u
#define HAWSE_ABI_ERROR       3u
#define HAWSE_ABI_CONSTRUCTOR 4u
#define HAWSE_ABI_TYPES       5u /* a list of types alone */

#define HAWSE_ABI_NODES_MAX 128

/* A declaration, read once. About 5 KiB. */
typedef struct hawse_abi_declaration {
    uint32_t form; /* HAWSE_ABI_FUNCTION ... */
    uint32_t node_count;
    uint32_t inputs;  /* node of its parameters, a TUPLE: always 0 */
    uint32_t outputs; /* a TUPLE too: what a function returns; what the data of an event holds,
                         which is its parameters that are not indexed; 0 = there is none */
    uint32_t name_at;
    uint32_t name_len;
    uint8_t hash[32]; /* Keccak-256 of the canonical signature: the topic of an event; its first 4
                         bytes select a function or an error. Zero for CONSTRUCTOR and TYPES. */
    hawse_abi_node_t nodes[HAWSE_ABI_NODES_MAX];
} hawse_abi_declaration_t;

/*
 * Reads a declaration as Solidity writes it:
 *
 *   transfer(address,uint256)
 *   function swap((bytes32 id, uint8 kind) step, uint256[] limits) external returns (int256[])
 *   error Expired(uint256 at)
 *   event Filled(bytes32 indexed id, (address maker, uint256 amount)[] fills)
 *   constructor(address owner)
 *
 * Without a keyword it is a function. Names, data locations and modifiers may stand there or not,
 * "tuple(" is the same as "(", uint and int mean 256 bits; one semicolon may end it. On error
 * *where, unless `where` is NULL, is the offset in text at which it stopped being one.
 * HAWSE_E_FORMAT: not a declaration, or more than 3 indexed parameters; HAWSE_E_UNSUPPORTED:
 * fixed-point numbers, function types, anonymous events, names of structs; HAWSE_E_LIMIT: above
 * HAWSE_ABI_NODES_MAX types, HAWSE_ABI_DEPTH, HAWSE_ABI_ARRAY_MAX words of a type whose length is
 * known, or 4 GiB of text.
 */
int32_t hawse_abi_parse(const char *text, uint64_t len, hawse_abi_declaration_t *declaration,
                        uint64_t *where);

/* Reads types alone, as many as there are, none included: "uint256,(string,bool)[]". Errors as
 * above. */
int32_t hawse_abi_parse_types(const char *text, uint64_t len, hawse_abi_declaration_t *declaration,
                              uint64_t *where);

#ifdef __cplusplus
}
#endif
#endif
