/* One transaction of a Safe; see safe_run.h. */
#include "tx/safe_run.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = HAWSE_INTENT_DATA_MAX + HAWSE_INTENT_CALLS_MAX * 85 + 128,
    EXECUTE = BATCH + SAFE_OWNERS * (SAFE_SIGNATURE + 64) + SAFE_CONTRACTS + 512,
    REASON = 768,
};

/* Behind the questions of safe.h, in this order. */
enum { STEP_HASH = SAFE_ASK_COUNT, STEP_CODE, STEP_SINGLETON, STEP_READY, STEP_SIGN };

struct safe_run {
    struct safe_port port;
    struct safe_place place;
    safe_done_fn done;
    void *ctx;
    bool canceled;
    bool under_way; /* a question; the run stays until it is answered */
    int step;
    uint8_t sender[20];
    uint8_t owners[SAFE_OWNERS][20];
    uint32_t owner_count, owner_at;
    bool later;
    uint64_t nonce;
    hawse_intent_call_t calls[HAWSE_INTENT_CALLS_MAX];
    uint32_t call_count;
    struct safe_state state;
    struct safe_approvals approvals;
    hawse_safe_tx_t tx;
    uint8_t hash[32];
    uint64_t data_len; /* of `data` */
    char *origin;
    bool known; /* `approvals` are of known_hash */
    uint8_t known_hash[32];
    uint8_t singleton[20];
    struct sim_slot slots[SIM_SLOTS];
    uint32_t slot_count;
    char reason[REASON];
    uint8_t batch[BATCH];
    uint8_t data[EXECUTE];
    uint8_t copies[HAWSE_INTENT_DATA_MAX]; /* of the calls' data */
};

static void next_step(struct safe_run *run);

static void run_free(struct safe_run *run)
{
    free(run->origin);
    free(run);
}

/* ---- how it ends ---- */

static void tell(struct safe_run *run, int32_t status, const char *proposal)
{
    struct safe_result result = {
        .status = status,
        .nonce = run->nonce,
        .threshold = run->state.threshold,
        .signatures = run->approvals.count,
        .slots = run->slots,
        .slot_count = run->slot_count,
        .approvals = &run->approvals,
        .proposal = proposal,
        .reason = run->reason,
    };
    memcpy(result.hash, run->hash, 32);
    memcpy(result.singleton, run->singleton, 20);
    if (status == HAWSE_OK)
        result.data = (hawse_view_t){run->data, run->data_len};
    run->done(run->ctx, &result);
}

static void finish(struct safe_run *run, int32_t status, const char *proposal)
{
    tell(run, status, proposal);
    run_free(run);
}

static void fail(struct safe_run *run, int32_t status, const char *what)
{
    (void)snprintf(run->reason, sizeof(run->reason), "%s", what);
    finish(run, status, NULL);
}

static void fail_by(struct safe_run *run, const struct fault *fault)
{
    fail(run, fault->code, fault->message);
}

const char *safe_error_meaning(const char *text, size_t len)
{
    static const struct {
        const char *code, *meaning;
    } known[] = {
        {"GS010", "too little gas"},
        {"GS013", "a call inside failed"},
        {"GS020", "too few signatures"},
        {"GS021", "a contract's signature is misplaced"},
        {"GS022", "a contract's signature is misplaced"},
        {"GS023", "a contract's signature is misplaced"},
        {"GS024", "a contract refuses its signature"},
        {"GS025", "an owner has not approved this hash"},
        {"GS026", "a signature does not fit: its Safe's nonce has moved, or its owners changed"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (memmem(text, len, known[i].code, strlen(known[i].code)))
            return known[i].meaning;
    }
    return "";
}

/* ---- questions ---- */

static void on_answer(void *ctx, const struct sim_answer *answer);

static void ask(struct safe_run *run, const char *method, const char *params, size_t len)
{
    run->under_way = true;
    int32_t code = run->port.call(run->port.ctx, method, params, len, on_answer, run);
    if (code != HAWSE_OK) {
        run->under_way = false;
        fail(run, code, "no provider of the chain can be asked");
    }
}

/* eth_call with these bytes, to the Safe. */
static void ask_safe(struct safe_run *run, const uint8_t *data, uint64_t len)
{
    char from[41] = "", to[41] = "";
    size_t room = 2 * len + 256;
    char *digits = calloc(1, 2 * len + 1), *params = malloc(room);
    if (!digits || !params) {
        free(digits);
        free(params);
        fail(run, HAWSE_E_NOMEM, "memory is out");
        return;
    }
    hawse_hex_encode(run->sender, 20, from);
    hawse_hex_encode(run->place.address, 20, to);
    hawse_hex_encode(data, len, digits);
    int n = snprintf(params, room,
                     "[{\"from\":\"0x%.40s\",\"to\":\"0x%.40s\",\"data\":\"0x%s\"},\"latest\"]",
                     from, to, digits);
    free(digits);
    ask(run, "eth_call", params, (size_t)n);
    free(params);
}

static void ask_code(struct safe_run *run)
{
    char address[41] = "", params[80];
    hawse_hex_encode(run->place.batch, 20, address);
    int n = snprintf(params, sizeof(params), "[\"0x%.40s\",\"latest\"]", address);
    ask(run, "eth_getCode", params, (size_t)n);
}

/* The first word of a Safe's storage is what code it runs. */
static void ask_singleton(struct safe_run *run)
{
    char address[41] = "", params[80];
    hawse_hex_encode(run->place.address, 20, address);
    int n = snprintf(params, sizeof(params), "[\"0x%.40s\",\"0x0\",\"latest\"]", address);
    ask(run, "eth_getStorageAt", params, (size_t)n);
}

/* The bytes of a result, a text of JSON; malloc'd, NULL: it is none. */
static uint8_t *result_bytes(const struct sim_answer *answer, uint64_t *len)
{
    if (answer->body_len < 2 || answer->body[0] != '"' || answer->body[answer->body_len - 1] != '"')
        return NULL;
    uint64_t digits = answer->body_len - 2;
    uint8_t *bytes = malloc(digits / 2 + 1);
    if (bytes && hawse_hex_data(answer->body + 1, digits, bytes, digits / 2, len) == HAWSE_OK)
        return bytes;
    free(bytes);
    return NULL;
}

/* ---- signatures ---- */

static void on_signed(void *ctx, int32_t status, const struct signature *signature)
{
    struct safe_run *run = ctx;
    struct fault fault = {0};
    uint8_t bytes[SAFE_SIGNATURE];
    const uint8_t *owner = run->owners[run->owner_at];
    run->under_way = false;
    if (run->canceled) {
        run_free(run);
        return;
    }
    if (status != HAWSE_OK) {
        fail(run, status, "the signer refused or failed to sign for an owner of the Safe");
        return;
    }
    memcpy(bytes, signature->bytes, 64);
    bytes[64] = (uint8_t)(27 + signature->parity);
    if (safe_approve(&run->approvals, &run->state, run->hash, owner, bytes, sizeof(bytes),
                     &fault) != HAWSE_OK) {
        fail_by(run, &fault);
        return;
    }
    run->owner_at++;
    next_step(run);
}

/* The next of our owners whose signature is missing; false: there is none. */
static bool sign_next(struct safe_run *run)
{
    while (run->owner_at < run->owner_count) {
        const uint8_t *owner = run->owners[run->owner_at];
        if (!safe_is_owner(&run->state, owner)) {
            fail(run, HAWSE_E_DENIED, "a key of the configuration is not of an owner of the Safe");
            return true;
        }
        if (!safe_approved_by(&run->approvals, owner)) {
            run->under_way = true;
            int32_t code = run->port.sign(run->port.ctx, owner, run->hash, on_signed, run);
            if (code == HAWSE_OK)
                return true;
            run->under_way = false;
            fail(run, code, "the signer cannot be asked");
            return true;
        }
        run->owner_at++;
    }
    return false;
}

/* For the other owners, in the name of the first of ours. */
static void propose(struct safe_run *run)
{
    const struct safe_paper paper = {&run->place, &run->tx, run->hash};
    char *text = NULL;
    if (run->owner_count > 0) {
        const uint8_t *sender = run->owners[0];
        for (uint32_t i = 0; i < run->approvals.count; i++) {
            const struct safe_approval *a = &run->approvals.items[i];
            if (memcmp(a->owner, sender, 20) == 0 && a->by != SAFE_BY_CONTRACT)
                text = safe_proposal(&paper, sender, a->bytes, run->origin);
        }
    }
    (void)snprintf(run->reason, sizeof(run->reason), "%u of %u owners have signed",
                   run->approvals.count, run->state.threshold);
    finish(run, HAWSE_E_AGAIN, text);
    free(text);
}

/* Where the Safe keeps that an owner approved a hash: approvedHashes, at slot 8 of 1.3.0 to 1.5.0.
 */
static void approval_slot(const struct safe_run *run, const uint8_t owner[20], struct sim_slot *out)
{
    uint8_t words[64] = {0};
    memcpy(words + 12, owner, 20);
    words[63] = 8;
    hawse_keccak256(words, sizeof(words), words + 32);
    memcpy(words, run->hash, 32);
    *out = (struct sim_slot){.value = {[31] = 1}};
    hawse_keccak256(words, sizeof(words), out->slot);
    memcpy(out->address, run->place.address, 20);
}

static int by_address(const void *a, const void *b)
{
    return memcmp(a, b, 20);
}

/* The call as if owners had approved it on the chain, and what has to stand there for that. */
static int32_t without_signatures(struct safe_run *run)
{
    struct safe_state *s = &run->state;
    uint8_t signatures[SAFE_OWNERS * SAFE_SIGNATURE] = {0};
    hawse_writer_t data = hawse_writer(run->data, sizeof(run->data));
    qsort(s->owners, s->owner_count, 20, by_address);
    for (uint32_t i = 0; i < s->threshold; i++) {
        memcpy(signatures + (size_t)i * SAFE_SIGNATURE + 12, s->owners[i], 20);
        signatures[(size_t)i * SAFE_SIGNATURE + 64] = 1;
        approval_slot(run, s->owners[i], &run->slots[i]);
    }
    run->slot_count = s->threshold;
    int32_t code =
        safe_execute_data(&run->tx, signatures, (uint64_t)s->threshold * SAFE_SIGNATURE, &data);
    run->data_len = data.len;
    return code;
}

static void ready(struct safe_run *run)
{
    if (without_signatures(run) != HAWSE_OK) {
        fail(run, HAWSE_E_LIMIT, "the transaction is too large");
        return;
    }
    run->step = STEP_SIGN;
    tell(run, HAWSE_OK, NULL);
}

/* Every key of ours has signed: is it enough? */
static void all_signed(struct safe_run *run)
{
    static const char no_room[] = "the transaction is too large";
    uint8_t signatures[SAFE_OWNERS * (SAFE_SIGNATURE + 32) + SAFE_CONTRACTS];
    hawse_writer_t w = hawse_writer(signatures, sizeof(signatures));
    hawse_writer_t data = hawse_writer(run->data, sizeof(run->data));
    int32_t code =
        run->later ? HAWSE_E_AGAIN : safe_signatures(&run->approvals, run->state.threshold, &w);
    if (code == HAWSE_E_AGAIN) {
        propose(run);
        return;
    }
    if (code != HAWSE_OK || safe_execute_data(&run->tx, signatures, w.len, &data) != HAWSE_OK) {
        fail(run, HAWSE_E_LIMIT, no_room);
        return;
    }
    run->data_len = data.len;
    finish(run, HAWSE_OK, NULL);
}

/* ---- answers ---- */

/* The Safe is what it must be: build what its owners sign. */
static int32_t build(struct safe_run *run, struct fault *fault)
{
    hawse_writer_t memory = hawse_writer(run->batch, sizeof(run->batch));
    int32_t code = safe_state_check(&run->place, &run->state, fault);
    if (code != HAWSE_OK)
        return code;
    if (run->later && run->nonce < run->state.nonce)
        return fault_set(fault, HAWSE_E_STALE, "the Safe's nonce is %llu already, beyond %llu",
                         (unsigned long long)run->state.nonce, (unsigned long long)run->nonce);
    run->nonce = run->later ? run->nonce : run->state.nonce;
    code =
        safe_build(&run->place, run->calls, run->call_count, run->nonce, &memory, &run->tx, fault);
    return code == HAWSE_OK ? safe_hash(&run->place, &run->tx, run->hash) : code;
}

/* The Safe's own word for the hash. */
static int32_t take_hash(struct safe_run *run, const uint8_t *data, uint64_t len,
                         struct fault *fault)
{
    if (len != 32 || memcmp(data, run->hash, 32) != 0)
        return fault_set(fault, HAWSE_E_DENIED,
                         "the Safe has another hash for this transaction than we: not signed");
    if (!run->known || memcmp(run->hash, run->known_hash, 32) != 0)
        run->approvals = (struct safe_approvals){0};
    return HAWSE_OK;
}

static int32_t take_singleton(struct safe_run *run, const uint8_t *data, uint64_t len,
                              struct fault *fault)
{
    static const uint8_t zeroes[12] = {0};
    if (len != 32 || memcmp(data, zeroes, sizeof(zeroes)) != 0)
        return fault_set(fault, HAWSE_E_FORMAT, "the Safe's code: found %llu bytes, not an address",
                         (unsigned long long)len);
    memcpy(run->singleton, data + 12, 20);
    return HAWSE_OK;
}

static int32_t take_answer(struct safe_run *run, const uint8_t *data, uint64_t len,
                           struct fault *fault)
{
    switch (run->step) {
    case STEP_HASH:
        return take_hash(run, data, len, fault);
    case STEP_CODE:
        if (safe_batch_known(data, len))
            return HAWSE_OK;
        return fault_set(fault, HAWSE_E_DENIED,
                         "the contract for several calls is no MultiSendCallOnly of 1.3.0, 1.4.1 "
                         "or 1.5.0 (%llu bytes of code): not signed",
                         (unsigned long long)len);
    case STEP_SINGLETON:
        return take_singleton(run, data, len, fault);
    default:
        return safe_answer((enum safe_question)run->step, data, len, &run->state, fault);
    }
}

static void refused(struct safe_run *run, const struct sim_answer *answer)
{
    const char *text = (const char *)answer->body;
    size_t len = text ? (size_t)answer->body_len : 0;
    (void)snprintf(run->reason, sizeof(run->reason), "the Safe cannot be asked: %.*s",
                   (int)(len > 300 ? 300 : len), text ? text : "");
    finish(run, answer->status, NULL);
}

static void on_answer(void *ctx, const struct sim_answer *answer)
{
    struct safe_run *run = ctx;
    struct fault fault = {0};
    uint64_t len = 0;
    run->under_way = false;
    if (run->canceled) {
        run_free(run);
        return;
    }
    if (answer->status != HAWSE_OK) {
        refused(run, answer);
        return;
    }
    uint8_t *data = result_bytes(answer, &len);
    int32_t code = data ? take_answer(run, data, len, &fault)
                        : fault_set(&fault, HAWSE_E_FORMAT, "an answer is no hexadecimal text");
    free(data);
    if (code == HAWSE_OK && run->step == SAFE_ASK_OWNERS)
        code = build(run, &fault);
    if (code != HAWSE_OK) {
        fail_by(run, &fault);
        return;
    }
    run->step++;
    next_step(run);
}

static void next_step(struct safe_run *run)
{
    uint8_t data[4];
    hawse_writer_t w = hawse_writer(run->data, sizeof(run->data));
    if (run->step == STEP_CODE && run->tx.operation != HAWSE_SAFE_DELEGATECALL)
        run->step = STEP_SINGLETON;
    if (run->step < STEP_HASH) {
        safe_question_data((enum safe_question)run->step, data);
        ask_safe(run, data, 4);
    } else if (run->step == STEP_CODE) {
        ask_code(run);
    } else if (run->step == STEP_HASH) {
        if (safe_hash_data(&run->tx, &w) == HAWSE_OK)
            ask_safe(run, run->data, w.len);
        else
            fail(run, HAWSE_E_LIMIT, "the transaction is too large");
    } else if (run->step == STEP_SINGLETON) {
        ask_singleton(run);
    } else if (run->step == STEP_READY) {
        ready(run);
    } else if (!sign_next(run)) {
        all_signed(run);
    }
}

/* ---- begin and end ---- */

static int32_t copy_request(struct safe_run *run, const struct safe_request *q, struct fault *fault)
{
    uint64_t used = 0;
    if (q->count > HAWSE_INTENT_CALLS_MAX || q->owner_count > SAFE_OWNERS)
        return fault_set(fault, HAWSE_E_LIMIT, "calls or owners: there are too many");
    for (uint32_t i = 0; i < q->count; i++) {
        hawse_intent_call_t *c = &run->calls[i];
        *c = q->calls[i];
        if (c->data.len > sizeof(run->copies) - used)
            return fault_set(fault, HAWSE_E_LIMIT, "calls[%u].data: there is too much", i);
        if (c->data.len > 0)
            memcpy(run->copies + used, c->data.data, c->data.len);
        c->data.data = run->copies + used;
        used += c->data.len;
    }
    run->call_count = q->count;
    if (q->owner_count > 0)
        memcpy(run->owners, q->owners, q->owner_count * sizeof(run->owners[0]));
    run->owner_count = q->owner_count;
    run->known = q->known != NULL;
    if (run->known) {
        run->approvals = *q->known;
        memcpy(run->known_hash, q->known_hash, 32);
    }
    run->origin = strdup(q->origin ? q->origin : "");
    return run->origin ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "memory is out");
}

int32_t safe_run(const struct safe_port *port, const struct safe_request *request,
                 safe_done_fn done, void *ctx, struct safe_run **out, struct fault *fault)
{
    struct safe_run *run = calloc(1, sizeof(*run));
    hawse_safe_tx_t tx;
    if (!run)
        return fault_set(fault, HAWSE_E_NOMEM, "memory is out");
    run->port = *port;
    run->place = request->place;
    run->done = done;
    run->ctx = ctx;
    run->later = request->later;
    run->nonce = request->nonce;
    memcpy(run->sender, request->sender, 20);
    int32_t code = copy_request(run, request, fault);
    hawse_writer_t memory = hawse_writer(run->batch, sizeof(run->batch));
    if (code == HAWSE_OK)
        code = safe_build(&run->place, run->calls, run->call_count, 0, &memory, &tx, fault);
    if (code != HAWSE_OK) {
        run_free(run);
        return code;
    }
    if (out)
        *out = run;
    next_step(run);
    return HAWSE_OK;
}

int32_t safe_run_sign(struct safe_run *run, hawse_view_t papers, safe_done_fn done, void *ctx,
                      struct fault *fault)
{
    const struct safe_paper paper = {&run->place, &run->tx, run->hash};
    if (papers.len > 0) {
        int32_t code = safe_paper_read(&paper, &run->state, (const char *)papers.data, papers.len,
                                       &run->approvals, fault);
        if (code < 0)
            return code;
    }
    run->done = done;
    run->ctx = ctx;
    next_step(run);
    return HAWSE_OK;
}

void safe_run_cancel(struct safe_run *run)
{
    if (!run)
        return;
    run->canceled = true;
    if (!run->under_way)
        run_free(run);
}
