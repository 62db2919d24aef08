/*
 * A node that answers what a test says, to the simulation: questions are kept, answers come at once
 * or when the test lets them.
 */
#ifndef TESTS_UNIT_SIM_RIG_H
#define TESTS_UNIT_SIM_RIG_H

#include "harness.h"
#include "sim/internal.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ME    "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
#define OTHER "70997970c51812dc3a010c7d01b50e0d17dc79c8"
#define TOKEN "2a22f9c3b484c3629090feed35f17ff8f88f76f0"
#define POOL  "86042d97fd7d200ab25ed22b478650f042567e4e"
#define COIN  "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

enum { RIG_ANSWERS = 256 };

struct rig_answer {
    const char *method; /* NULL = any */
    const char *body;
    int32_t status;
    enum rpc_class class;
    uint32_t http;
    int32_t refuse; /* not HAWSE_OK: the question can't be asked */
};

struct rig {
    struct sim *sim;
    struct rig_answer answers[RIG_ANSWERS];
    uint32_t answer_count, asked;
    json_t *questions; /* [method, params] */
    bool later;        /* answers wait for rig_answer_next() */
    sim_answer_fn waiting;
    void *waiting_ctx;
    struct sim_result result;
    uint32_t done;
    struct sim_run *run;
};

static inline void address_of(const char *digits, uint8_t out[20])
{
    CHECK(hawse_hex_decode((const uint8_t *)digits, out, 20) == HAWSE_OK);
}

static inline void rig_give(struct rig *r, uint32_t i, sim_answer_fn fn, void *ctx)
{
    const struct rig_answer *a = &r->answers[i];
    size_t len = a->body ? strlen(a->body) : 0;
    uint8_t *copy = calloc(1, len + HAWSE_PADDING); /* exactly its length for a sanitizer */
    if (len > 0)
        memcpy(copy, a->body, len);
    struct sim_answer answer = {.status = a->status,
                                .class = a->class,
                                .http_status = a->http,
                                .body = copy,
                                .body_len = len};
    fn(ctx, &answer);
    free(copy);
}

static inline int32_t rig_ask(struct rig *r, const char *what, const char *text, size_t len,
                              sim_answer_fn done, void *ctx)
{
    json_t *params = json_loadb(text, len, 0, NULL);
    CHECK(params != NULL);
    CHECK(json_array_append_new(r->questions, json_pack("[s,o]", what, params)) == 0);
    uint32_t i = r->asked++;
    if (i >= r->answer_count)
        FAIL("question %u (%s) was not expected: %.*s", i, what, (int)len, text);
    if (r->answers[i].method && strcmp(r->answers[i].method, what) != 0)
        FAIL("question %u is %s, expected %s", i, what, r->answers[i].method);
    if (r->answers[i].refuse != HAWSE_OK)
        return r->answers[i].refuse;
    if (r->later) {
        r->waiting = done;
        r->waiting_ctx = ctx;
    } else {
        rig_give(r, i, done, ctx);
    }
    return HAWSE_OK;
}

static inline int32_t rig_call(void *ctx, const char *method, const char *params, size_t len,
                               sim_answer_fn done, void *done_ctx)
{
    return rig_ask(ctx, method, params, len, done, done_ctx);
}

static inline int32_t rig_post(void *ctx, const char *path, const char *body, size_t len,
                               sim_answer_fn done, void *done_ctx)
{
    return rig_ask(ctx, path, body, len, done, done_ctx);
}

static inline void rig_answer_next(struct rig *r)
{
    sim_answer_fn fn = r->waiting;
    CHECK(fn != NULL);
    r->waiting = NULL;
    rig_give(r, r->asked - 1, fn, r->waiting_ctx);
}

static inline void rig_done(void *ctx, const struct sim_result *result)
{
    struct rig *r = ctx;
    r->result = *result;
    r->done++;
}

static inline void rig_start(struct rig *r, const struct sim_options *options)
{
    const struct sim_port port = {r, rig_call, rig_post};
    memset(r, 0, sizeof(*r));
    r->questions = json_array();
    CHECK_EQ(sim_create(options, &port, &r->sim), HAWSE_OK);
}

static inline void rig_stop(struct rig *r)
{
    sim_destroy(r->sim);
    json_decref(r->questions);
}

static inline void rig_expect(struct rig *r, const char *method, const char *body)
{
    r->answers[r->answer_count++] = (struct rig_answer){.method = method, .body = body};
}

static inline void rig_expect_error(struct rig *r, const char *method, int32_t status,
                                    enum rpc_class class, const char *body)
{
    r->answers[r->answer_count++] =
        (struct rig_answer){.method = method, .body = body, .status = status, .class = class};
}

static inline struct sim_request rig_request(const struct sim_call *calls, uint32_t count)
{
    struct sim_request q = {.chain_id = 100,
                            .calls = calls,
                            .call_count = count,
                            .block_number = 7,
                            .block_time = 1700000000,
                            .block_ms = 5000};
    address_of(ME, q.from);
    memset(q.block_hash, 0xab, 32);
    return q;
}

static inline struct sim_call rig_a_call(const char *to, uint64_t value, const char *data,
                                         uint64_t len, uint64_t gas)
{
    struct sim_call c = {
        .value = hawse_u256(value), .data = {(const uint8_t *)data, len}, .gas_limit = gas};
    address_of(to, c.to);
    return c;
}

/* Runs with what was expected; every answer must have been asked for. */
static inline const struct sim_result *rig_run(struct rig *r, const struct sim_request *q)
{
    CHECK_EQ(sim_start(r->sim, q, rig_done, r, &r->run), HAWSE_OK);
    CHECK_EQ(r->done, 1);
    CHECK_EQ(r->asked, r->answer_count);
    return &r->result;
}

/* ---- texts ---- */

/* Topics are made at run time: a test that had them as constants would prove nothing of those of
 * the code. */
static inline const char *topic(const char *signature)
{
    static char texts[16][67];
    static unsigned next;
    char *out = texts[next++ % 16];
    uint8_t hash[32];
    hawse_keccak256((const uint8_t *)signature, strlen(signature), hash);
    memcpy(out, "0x", 2);
    hawse_hex_encode(hash, 32, out + 2);
    out[66] = '\0';
    return out;
}

#define WORD(address) "0x000000000000000000000000" address

/* Until the test's process ends. */
static inline void *rig_keep(void *memory)
{
    static void *kept[8192];
    static size_t count;
    CHECK(memory != NULL && count < sizeof(kept) / sizeof(kept[0]));
    kept[count++] = memory;
    return memory;
}

static inline char *text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline char *text(const char *fmt, ...)
{
    va_list args;
    char *out = NULL;
    va_start(args, fmt);
    CHECK(vasprintf(&out, fmt, args) > 0);
    va_end(args);
    return rig_keep(out);
}

/* A log with up to three indexed words ("" = none) and one word of data. */
static inline char *a_log(const char *address, const char *signature, const char *a, const char *b,
                          const char *c, uint64_t amount)
{
    return text(
        "{\"address\":\"0x%s\",\"topics\":[\"%s\"%s%s%s%s%s%s%s%s%s],\"data\":\"0x%064llx\"}",
        address, topic(signature), *a ? ",\"" : "", a, *a ? "\"" : "", *b ? ",\"" : "", b,
        *b ? "\"" : "", *c ? ",\"" : "", c, *c ? "\"" : "", (unsigned long long)amount);
}

static inline char *a_transfer(const char *token, const char *from, const char *to, uint64_t amount)
{
    return a_log(token, "Transfer(address,address,uint256)",
                 text("0x000000000000000000000000%s", from),
                 text("0x000000000000000000000000%s", to), "", amount);
}

static inline char *a_block(const char *calls)
{
    return text("[{\"number\":\"0x8\",\"calls\":[%s]}]", calls);
}

static inline char *a_good(uint64_t gas, const char *logs)
{
    return text("{\"status\":\"0x1\",\"gasUsed\":\"0x%llx\",\"returnData\":\"0x\",\"logs\":[%s]}",
                (unsigned long long)gas, logs);
}

static inline char *a_balance(uint64_t amount)
{
    return text(
        "{\"status\":\"0x1\",\"gasUsed\":\"0x1000\",\"returnData\":\"0x%064llx\",\"logs\":[]}",
        (unsigned long long)amount);
}

static inline const struct sim_flow *flow_in(const struct sim_result *r, const char *asset)
{
    uint8_t address[20];
    address_of(asset, address);
    for (uint32_t i = 0; i < r->flow_count; i++) {
        if (memcmp(r->flows[i].asset, address, 20) == 0)
            return &r->flows[i];
    }
    return NULL;
}

#define NATIVE "0000000000000000000000000000000000000000"

static inline bool found(const struct sim_result *r, enum sim_finding_kind kind)
{
    for (uint32_t i = 0; i < r->finding_count; i++) {
        if (r->findings[i].kind == kind)
            return true;
    }
    return false;
}

#endif
