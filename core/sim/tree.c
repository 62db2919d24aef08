/*
 * The call tree of a simulation, as geth's callTracer gives it: who was entered again while
 * running, who ran whose code, who destroyed itself, and where value went.
 *
 * Re-entry: a call that can change state, into a contract that has a frame further up, with another
 * contract between them. It is legal where the function is a callback of the policy, and where the
 * call brings no more gas than a plain transfer does (2,300), with which nothing can be written.
 */
#include "sim/internal.h"

#include <hawse/keccak.h>
#include <hawse/revert.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum { STIPEND = 2300 };

enum frame_type {
    FRAME_CALL,
    FRAME_STATIC,
    FRAME_DELEGATE,
    FRAME_CODE,
    FRAME_CREATE,
    FRAME_DESTROY
};

struct frame {
    enum frame_type type;
    uint8_t from[20], to[20];
    hawse_u256_t value;
    uint64_t gas, used; /* used: UINT64_MAX = not told */
    uint8_t selector[4];
    uint64_t input_len;
    bool failed;
    bool panicked; /* arithmetic overflow */
};

struct walk {
    struct sim_run *run;
    uint32_t depth;
    bool is_static;                   /* inside a STATICCALL */
    bool failed;                      /* inside a frame that was undone */
    uint8_t live[TREE_DEPTH + 1][20]; /* whose storage each frame works on */
};

static bool frame_type(const char *word, enum frame_type *out)
{
    static const struct {
        const char *word;
        enum frame_type type;
    } types[] = {{"CALL", FRAME_CALL},
                 {"STATICCALL", FRAME_STATIC},
                 {"DELEGATECALL", FRAME_DELEGATE},
                 {"CALLCODE", FRAME_CODE},
                 {"CREATE", FRAME_CREATE},
                 {"CREATE2", FRAME_CREATE},
                 {"SELFDESTRUCT", FRAME_DESTROY}};
    for (size_t i = 0; word && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].word, word) == 0) {
            *out = types[i].type;
            return true;
        }
    }
    return false;
}

static bool read_failure(struct frame *f, const json_t *value)
{
    uint8_t *output = NULL;
    uint64_t len = 0;
    hawse_revert_t revert;
    const json_t *data = json_object_get(value, "output");
    f->failed = json_is_string(json_object_get(value, "error"));
    if (!f->failed || !data)
        return true;
    if (!words_read_bytes(data, &output, &len))
        return false;
    hawse_revert_decode(output, len, NULL, &revert);
    f->panicked = revert.kind == HAWSE_REVERT_PANIC && revert.panic == 0x11;
    free(output);
    return true;
}

static bool read_gas(const json_t *value, struct frame *f)
{
    if (!words_read_u64(json_object_get(value, "gasUsed"), &f->used))
        f->used = UINT64_MAX;
    return words_read_u64(json_object_get(value, "gas"), &f->gas);
}

/* A creation that failed may have no `to`, a static call no value. */
static bool read_frame(const json_t *value, struct frame *f)
{
    uint8_t *input = NULL;
    const json_t *to = json_object_get(value, "to"), *amount = json_object_get(value, "value");
    memset(f, 0, sizeof(*f));
    if (!frame_type(json_string_value(json_object_get(value, "type")), &f->type) ||
        !words_read_fixed(json_object_get(value, "from"), f->from, 20) || !read_failure(f, value))
        return false;
    bool create = f->type == FRAME_CREATE && f->failed;
    if (!words_read_fixed(to, f->to, 20) && !(create && (!to || json_is_null(to))))
        return false;
    if (amount && !words_read_u256(amount, &f->value))
        return false;
    if (f->type == FRAME_DESTROY)
        return true;
    if (!read_gas(value, f) ||
        !words_read_bytes(json_object_get(value, "input"), &input, &f->input_len))
        return false;
    if (f->input_len >= 4)
        memcpy(f->selector, input, 4);
    free(input);
    return true;
}

/* ---- findings ---- */

static bool is_callback(const struct sim_policy *policy, const struct frame *f)
{
    for (uint32_t i = 0; f->input_len >= 4 && i < policy->callback_count; i++) {
        if (memcmp(policy->callbacks[i], f->selector, 4) == 0)
            return true;
    }
    return false;
}

static bool is_known_code(const struct sim_request *request, const uint8_t address[20])
{
    if (request->delegated && memcmp(address, request->delegate, 20) == 0)
        return true;
    for (uint32_t i = 0; i < request->policy.code_count; i++) {
        if (memcmp(request->policy.code[i], address, 20) == 0)
            return true;
    }
    return false;
}

static bool enters_again(const struct walk *w, const struct frame *f)
{
    if (w->depth == 0 || memcmp(w->live[w->depth - 1], f->to, 20) == 0)
        return false; /* a contract that calls itself */
    for (uint32_t i = 0; i + 1 < w->depth; i++) {
        if (memcmp(w->live[i], f->to, 20) == 0)
            return true;
    }
    return false;
}

static bool is_ours(const struct walk *w, const uint8_t address[20])
{
    const struct sim_request *request = &w->run->request;
    return memcmp(address, request->from, 20) == 0 || memcmp(address, request->subject, 20) == 0;
}

/* A call of the account's own, inside of a transaction: sim.c tells of whole ones. */
static bool has_no_effect(const struct walk *w, const struct frame *f)
{
    return f->type == FRAME_CALL && w->depth > 0 && f->input_len > 0 && f->used == 0 &&
           !f->failed && !w->failed && is_ours(w, f->from);
}

static void look(const struct walk *w, const struct frame *f)
{
    struct sim_run *run = w->run;
    struct sim_result *r = &run->result;
    const struct sim_request *request = &run->request;
    const uint8_t *context = w->depth > 0 ? w->live[w->depth - 1] : f->from;
    if (f->type == FRAME_CALL && !w->is_static && f->gas > STIPEND && enters_again(w, f) &&
        !is_callback(&request->policy, f))
        finding_add(r, SIM_FINDING_REENTRANCY, run->at, f->to, f->selector);
    if ((f->type == FRAME_DELEGATE || f->type == FRAME_CODE) && is_ours(w, context) &&
        !is_known_code(request, f->to))
        finding_add(r, SIM_FINDING_DELEGATECALL, run->at, f->to, f->selector);
    if (f->type == FRAME_DESTROY)
        finding_add(r, SIM_FINDING_SELFDESTRUCT, run->at, f->from, NULL);
    if (f->panicked && w->depth > 0)
        finding_add(r, SIM_FINDING_OVERFLOW, run->at, f->to, f->selector);
    if (has_no_effect(w, f))
        finding_add(r, SIM_FINDING_NO_EFFECT, run->at, f->to, f->selector);
}

/* ---- the walk ---- */

static bool move(const struct walk *w, const struct frame *f, const json_t *value)
{
    static const uint8_t coin[20] = {0};
    struct sim_run *run = w->run;
    const json_t *logs = json_object_get(value, "logs");
    if (w->failed)
        return true;
    if (run->inspecting) /* the engine itself has told */
        return true;
    if (f->type == FRAME_CALL || f->type == FRAME_CREATE || f->type == FRAME_DESTROY)
        moves_transfer(&run->result, coin, run->request.subject, f->from, f->to, &f->value);
    return !logs || moves_logs(&run->result, run->at, run->request.subject, logs);
}

static bool walk_frame(struct walk *w, const json_t *value)
{
    struct frame f;
    const json_t *calls = json_object_get(value, "calls");
    if (w->depth > TREE_DEPTH || !read_frame(value, &f) || (calls && !json_is_array(calls)))
        return false;
    bool was_static = w->is_static, had_failed = w->failed;
    look(w, &f);
    w->is_static = was_static || f.type == FRAME_STATIC;
    w->failed = had_failed || f.failed;
    bool same = (f.type == FRAME_DELEGATE || f.type == FRAME_CODE) && w->depth > 0;
    memcpy(w->live[w->depth], same ? w->live[w->depth - 1] : f.to, 20);
    bool good = move(w, &f, value);
    w->depth++;
    for (size_t i = 0; good && i < json_array_size(calls); i++)
        good = walk_frame(w, json_array_get(calls, i));
    w->depth--;
    w->is_static = was_static;
    w->failed = had_failed;
    return good;
}

bool tree_read(struct sim_run *run, const json_t *frame)
{
    struct walk *w = calloc(1, sizeof(*w));
    if (!w)
        return false;
    w->run = run;
    bool good = walk_frame(w, frame);
    free(w);
    return good;
}

uint32_t sim_usual_callbacks(uint8_t out[SIM_CALLBACKS][4])
{
    static const char *const usual[] = {
        "uniswapV2Call(address,uint256,uint256,bytes)",
        "uniswapV3SwapCallback(int256,int256,bytes)",
        "uniswapV3MintCallback(uint256,uint256,bytes)",
        "uniswapV3FlashCallback(uint256,uint256,bytes)",
        "algebraSwapCallback(int256,int256,bytes)",
        "algebraMintCallback(uint256,uint256,bytes)",
        "algebraFlashCallback(uint256,uint256,bytes)",
        "unlockCallback(bytes)",
        "onFlashLoan(address,address,uint256,uint256,bytes)",
        "receiveFlashLoan(address[],uint256[],uint256[],bytes)",
        "executeOperation(address[],uint256[],uint256[],address,bytes)",
        "executeOperation(address,uint256,uint256,address,bytes)",
        "onERC721Received(address,address,uint256,bytes)",
        "onERC1155Received(address,address,uint256,uint256,bytes)",
        "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)",
    };
    uint32_t n = sizeof(usual) / sizeof(usual[0]);
    for (uint32_t i = 0; i < n; i++)
        hawse_keccak_selector(usual[i], out[i]);
    return n;
}
