/*
 * What a host and the process that holds its keys say to each other: frames of a length and a body,
 * one question and one answer at a time. Both sides treat what comes as hostile.
 *
 *   frame     u32 length of the body, then the body; all numbers little-endian
 *   text      u8 length, then its bytes
 *   HELLO     u8 1, u32 version
 *   SIGN      u8 2, u32 id, text name of the key, text chain, u16 length, bytes
 *   KEYS      u8 0x81, u32 version, u16 count, then for each: text name, u8 kind, 64 bytes public,
 *             u8 testnet-only, u8 count of chains, text for each
 *   SIGNED    u8 0x82, u32 id, u8 parity, 64 bytes
 *   FAULT     u8 0x83, u32 id, i32 code, u16 length and message, u16 length and hint
 *
 * A question that is none ends the connection without an answer.
 */
#ifndef CORE_KEYS_WIRE_H
#define CORE_KEYS_WIRE_H

#include "keys/signer.h"

enum {
    WIRE_VERSION = 1,
    WIRE_PREFIX = 4,       /* bytes of the length */
    WIRE_QUESTION = 2048,  /* bytes of a body at most */
    WIRE_ANSWER = 48 << 10 /* the same; SIGNER_KEYS keys fit */
};

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_SIGN = 2,
    WIRE_KEYS = 0x81,
    WIRE_SIGNED = 0x82,
    WIRE_FAULT = 0x83
};

struct wire_question {
    enum wire_type type;
    uint32_t version; /* HELLO */
    uint32_t id;      /* SIGN */
    char name[SIGNER_NAME];
    struct chain chain;
    const uint8_t *bytes; /* at most SIGNER_MESSAGE; of the frame */
    size_t len;
};

struct wire_answer {
    enum wire_type type;
    uint32_t version; /* KEYS */
    struct signer_key keys[SIGNER_KEYS];
    size_t key_count;
    uint32_t id; /* SIGNED, FAULT */
    struct signature signature;
    struct fault fault;
};

/* The length of the body that a frame begins with. */
uint32_t wire_length(const uint8_t prefix[WIRE_PREFIX]);

/* A whole frame into `out`, which has room for WIRE_PREFIX and a body; its length. */
size_t wire_write_question(const struct wire_question *question, uint8_t *out);
size_t wire_write_answer(const struct wire_answer *answer, uint8_t *out);

/* A body; false: it is none. Public keys get their addresses. */
bool wire_read_question(const uint8_t *body, size_t len, struct wire_question *out);
bool wire_read_answer(const uint8_t *body, size_t len, struct wire_answer *out);

#endif
