/*
 * The whole Solana plugin in the fake host, beside a stand-in for a node that says what each test
 * wants said: the real ones of tests/solana cannot be made to answer late, out of order or wrong on
 * purpose, nor on a clock that stands still.
 */
#ifndef HAWSE_TESTS_SOLANA_RIG_H
#define HAWSE_TESTS_SOLANA_RIG_H

#include "fakehost.h"
#include "harness.h"

#include <hawse/space/solana.h>
#include <hawse/space/stream.h>

enum { EVENTS = 512, SUBS = 48, TEXT = 2048, SLOT_MS = 400 };
#define SIGNATURE \
    "EDobk1sdiTnNHRHTBeyFcJQ4dZTUmqYtxrtQmw8EyFrT1vx9bR1Nrys2wid2k5VFEYrrbZ83dQcTJag2UTSnAMf"
#define KEY   "So11111111111111111111111111111111111111112"
#define OTHER "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"

struct told {
    uint16_t space, kind;
    uint32_t stream, flags;
    uint64_t slot, lamports; /* slot: `from` of a continuity event */
    uint64_t offset, len;    /* of an account's data */
    uint32_t left;
};

struct sub {
    char method[32];
    char params[TEXT];
    uint32_t id;
    bool on;
};

struct node {
    struct fakehost *host;
    hawse_stream_t stream;
    struct sub subs[SUBS]; /* in the order in which they came */
    uint32_t sub_count, unsubscribed;
    uint64_t slot;
    bool hold; /* replies wait for release() */
    uint32_t held[SUBS], held_count;
    uint32_t next_id; /* of the next subscription: from 0 */
    const char *genesis;
    char account[TEXT], list[TEXT], transaction[TEXT], status[TEXT], program[TEXT], blocks[TEXT];
    char last_accounts[TEXT]; /* parameters of the last getMultipleAccounts */
    uint32_t largest, room;   /* room: so many in a hundred find none */
    uint32_t too_large;       /* accounts in one answer from which on it is refused; 0 = none */
    uint32_t most_keys;       /* asked for at once */
    uint8_t *data;            /* of accounts, as told in order; NULL = not kept */
    uint64_t data_len;
    uint32_t reconnects, questions;
    struct told told[EVENTS];
    uint32_t told_count;
};

/* A plugin with these settings, and a node at slot 1000; not connected. */
struct node *make(const char *settings);
void finish(struct node *n);
/* Connects, and lets slots pass until all four sequences are live. */
void start_live(struct node *n);
void connect_node(struct node *n);
void lose(struct node *n);

/* What the node pushes. */
void frame(struct node *n, const char *text);
void say_slot(struct node *n, uint64_t slot, uint64_t parent);
/* So many slots, one after the other. */
void pass_slots(struct node *n, uint32_t slots);
void say_account(struct node *n, uint32_t sub, uint64_t slot, uint64_t lamports);
void say_log(struct node *n, uint32_t sub, uint64_t slot, const char *signature);
/* The replies that were held. */
void release(struct node *n);
/* An account of the system program with the bytes 1, 2, 3; `out` has room for TEXT. */
void account_text(char *out, uint64_t lamports);

/* What a reader asks for. */
hawse_solana_filter_t filter_of(uint32_t watch, const char *key, uint32_t commitment);
void demand(struct node *n, uint64_t sub, const void *filter, uint32_t len);

/* What the plugin did. The last subscription by this method: */
const struct sub *sub_of(const struct node *n, const char *method);
/* How many events of this kind were told, with at least these flags. */
uint32_t count(const struct node *n, uint16_t space, uint16_t kind, uint32_t flags);
const struct told *last(const struct node *n, uint16_t space, uint16_t kind);
uint32_t place(const struct node *n, const struct told *t);

#endif
