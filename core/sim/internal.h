/*
 * Between the files of this room.
 */
#ifndef CORE_SIM_INTERNAL_H
#define CORE_SIM_INTERNAL_H

#include "sim/sim.h"

#include <jansson.h>

struct sim {
    struct sim_options options;
    struct sim_port port;
};

typedef void (*run_step_fn)(struct sim_run *run);
typedef void (*run_answer_fn)(struct sim_run *run, const struct sim_answer *answer);

enum { RUN_SPENDERS = 8 }; /* whose allowances are measured; more are taken at their most */

/* One simulation under way. At most one question is out at a time. */
struct sim_run {
    struct sim *sim;
    struct sim_request request; /* its calls, data and lists are copies, one block */
    struct sim_call *calls;
    sim_done_fn done;
    void *ctx;
    uint32_t next_engine; /* in sim->options.order */
    run_step_fn next;     /* what to do next; NULL = wait for an answer, or finished */
    run_answer_fn answer; /* whose question is out */
    bool waiting, driving, canceled, finished;
    bool inspecting; /* the trace is asked for the call tree alone */
    bool final;      /* simulate_v1: gas limits are found, this is the run that counts */
    uint32_t at;     /* trace: the call that is asked about */
    struct sim_spender {
        uint8_t asset[20], spender[20];
    } spenders[RUN_SPENDERS]; /* simulate_v1: who gets allowances, by the run before */
    uint32_t spender_count;
    json_t *state;       /* trace: what calls before `at` changed, as state overrides */
    char why[SIM_WORDS]; /* why the last engine gave no answer */
    int32_t why_code;
    struct sim_result result;
};

/* ---- sim.c: how a run goes on ---- */

/* Asks; the answer goes to `fn`. Takes `params` over. Without a way to ask the engine has failed.
 */
void run_ask(struct sim_run *run, const char *method, json_t *params, run_answer_fn fn);
void run_post(struct sim_run *run, const char *path, json_t *body, run_answer_fn fn);
/* This engine gave no usable answer: on to the next. */
void run_failed(struct sim_run *run, int32_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an answer that is not a result. */
void run_failed_answer(struct sim_run *run, const struct sim_answer *answer);
/* This engine has answered: the result is filled in but for what sim.c knows. */
void run_verdict(struct sim_run *run);
/* Call `index` failed: a verdict too. `data`, what it left, may be NULL; otherwise `message`. */
void run_reverted(struct sim_run *run, uint32_t index, const json_t *data, const char *message);
/* Does an error mean that the transaction is refused, whoever is asked? Then that is the verdict,
 * and true. */
bool run_refused(struct sim_run *run, uint32_t index, const struct sim_answer *answer);
/* What a call used, and the limit that it gets when none was given. `peak`: the most that was in
 * use at a time; 0 = not told. */
void run_gas(struct sim_run *run, uint32_t index, uint64_t used, uint64_t peak);
/* Nothing has moved: before a run that counts in the place of another. */
void run_moved_nothing(struct sim_run *run);

/* ---- engines ---- */

void simulate_v1_begin(struct sim_run *run);
void trace_begin(struct sim_run *run); /* as the engine, or when run->inspecting for the tree */
void eth_call_begin(struct sim_run *run);
void tenderly_begin(struct sim_run *run);

/* ---- moves.c: what logs and values say ---- */

enum { MOVES_LOGS = 4096 }; /* of one call; more can't be told */

void moves_transfer(struct sim_result *r, const uint8_t asset[20], const uint8_t me[20],
                    const uint8_t from[20], const uint8_t to[20], const hawse_u256_t *amount);
/* All logs of one call, in order. false: one of them can't be read. */
bool moves_logs(struct sim_result *r, uint32_t call, const uint8_t me[20], const json_t *logs);
/* What is left of the allowances of this asset to this spender. */
void moves_left(struct sim_result *r, const uint8_t asset[20], const uint8_t spender[20],
                const hawse_u256_t *left);
/* What balances say of an asset stands above what logs said. */
void moves_measured(struct sim_result *r, const uint8_t asset[20], const hawse_u256_t *before,
                    const hawse_u256_t *after);
/* In and out of each asset against each other. */
void moves_net(struct sim_result *r);
void finding_add(struct sim_result *r, enum sim_finding_kind kind, uint32_t call,
                 const uint8_t where[20], const uint8_t *selector);

/* ---- tree.c ---- */

enum { TREE_DEPTH = 1024 }; /* of calls in the EVM */

/* Looks at the frames of call number run->at: findings always, and unless run->inspecting what they
 * moved. false: it can't be read. */
bool tree_read(struct sim_run *run, const json_t *frame);

/* ---- words.c: JSON in and out ---- */

json_t *words_hex(const uint8_t *data, uint64_t len);
/* "0x", 40 digits, NUL. */
void words_address(const uint8_t address[20], char out[43]);
json_t *words_quantity(uint64_t n);
json_t *words_u256(const hawse_u256_t *n);
/* A transaction object of call `index`; gas and fees where they are known. */
json_t *words_call(const struct sim_run *run, uint32_t index, bool fees);
/* The block that it runs on: {"blockHash": ...}. */
json_t *words_block(const struct sim_run *run);
/* Are the fees known that it will be signed with? */
bool words_has_fees(const struct sim_run *run);
/* State overrides, by address: the sender's delegation and nonce, and slots under the key `slots`,
 * which engines name differently. An empty object when none are needed. */
json_t *words_state(const struct sim_run *run, const char *slots);
/* Block overrides: the number of the next block, and of what a contract can see there what is
 * known. */
json_t *words_next_block(const struct sim_run *run);
/* Puts what memory could be had for: false when not. Takes value over. */
bool words_set(json_t *object, const char *key, json_t *value);

bool words_read_fixed(const json_t *value, uint8_t *out, uint64_t len);
bool words_read_u64(const json_t *value, uint64_t *out);
bool words_read_u256(const json_t *value, hawse_u256_t *out);
/* "0x" and digits: malloc'd bytes (never NULL when true). */
bool words_read_bytes(const json_t *value, uint8_t **out, uint64_t *len);
/* The words of what a call left, or of a node's message, into a reason; HAWSE_REVERT_... of it. */
uint32_t words_reason(char out[SIM_WORDS], const json_t *data, const char *message);
/* Any text with what is not printable ASCII as '?'. */
void words_plain(char *out, size_t cap, const char *text);
json_t *words_parse(const struct sim_answer *answer);

#endif
