/*
 * Transactions of a Safe: packed signatures and calls equal those that real contracts took, logs
 * are read as they wrote them, and what is not ours is refused. The run over a scripted chain is
 * here; against a real contract it is in tests/relay.
 */
#include "vectors.h"

#include "tx/safe_run.h"

#include <hawse/eip55.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>

static hawse_u256_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    hawse_u256_t n = hawse_u256((uint64_t)json_integer_value(value));
    if (text && hawse_u256_parse((const uint8_t *)text, strlen(text), &n) != HAWSE_OK)
        FAIL("%s is not a number", key);
    return n;
}

/* One row of the vectors that was executed. */
struct row {
    const json_t *json;
    struct safe_place place;
    struct safe_state state;
    hawse_safe_tx_t tx;
    uint8_t hash[32];
    uint8_t data[4096];
};

static void read_row(const json_t *root, size_t index, struct row *out)
{
    const json_t *row = json_array_get(json_object_get(root, "executed"), index);
    const json_t *tx = json_object_get(row, "tx"), *owners = json_object_get(root, "owners");
    uint64_t len;
    uint8_t *data = data_of(tx, "data", &len);
    *out = (struct row){.json = row};
    memcpy(out->data, data, len);
    free(data);
    out->place.chain_id = (uint64_t)json_integer_value(json_object_get(row, "chainId"));
    fixed_of(row, "safe", out->place.address, 20);
    if (json_object_get(row, "domainSeparator"))
        fixed_of(row, "domainSeparator", out->state.domain, 32);
    fixed_of(row, "safeTxHash", out->hash, 32);
    fixed_of(tx, "to", out->tx.to, 20);
    memcpy(out->place.batch, out->tx.to, 20);
    out->tx.data = (hawse_view_t){out->data, len};
    out->tx.operation = (uint32_t)json_integer_value(json_object_get(tx, "operation"));
    out->tx.value = number_of(tx, "value");
    out->tx.safe_tx_gas = number_of(tx, "safeTxGas");
    out->tx.nonce = number_of(tx, "nonce");
    out->state.threshold = 2;
    out->state.nonce = out->tx.nonce.limb[0];
    for (size_t i = 0; i < 3; i++)
        fixed_of(json_array_get(owners, i), "address", out->state.owners[i], 20);
    out->state.owner_count = 3;
}

/* Row's signature number `i`, of that form. */
static int32_t add(const struct row *r, size_t i, const char *form, struct safe_approvals *out,
                   struct fault *fault)
{
    const json_t *s = json_array_get(json_object_get(r->json, "signatures"), i);
    uint8_t bytes[65], owner[20];
    fixed_of(s, form, bytes, 65);
    fixed_of(s, "owner", owner, 20);
    return safe_approve(out, &r->state, r->hash, owner, bytes, 65, fault);
}

static const struct {
    size_t index;
    bool good;
} rows[] = {{0, true},  {1, true}, {2, false}, {3, true},  {4, true},
            {5, false}, {8, true}, {9, true},  {10, false}};

TEST(safe_packed, "signatures in any order are packed as contracts took them, and so is the call")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    static struct safe_approvals a;
    static uint8_t packed[1000], call[4096];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int mixed = 0; mixed < 2; mixed++) {
            read_row(root, rows[i].index, &r);
            a = (struct safe_approvals){0};
            hawse_writer_t w = hawse_writer(packed, sizeof(packed));
            hawse_writer_t data = hawse_writer(call, sizeof(call));
            uint8_t hash[32];
            CHECK_EQ(safe_hash(&r.place, &r.tx, hash), HAWSE_OK);
            CHECK_MEM(hash, r.hash, 32);
            CHECK_EQ(safe_signatures(&a, 2, &w), HAWSE_E_AGAIN);
            CHECK_EQ(add(&r, 1, mixed ? "eth_sign" : "eip712", &a, NULL), HAWSE_OK);
            CHECK_EQ(safe_signatures(&a, 2, &w), HAWSE_E_AGAIN);
            CHECK_EQ(add(&r, 0, "eip712", &a, NULL), HAWSE_OK);
            CHECK_EQ(add(&r, 0, "eth_sign", &a, NULL), HAWSE_E_EXISTS);
            CHECK_EQ(safe_signatures(&a, 2, &w), HAWSE_OK);
            check_hex("packed", r.json, mixed ? "packedMixed" : "packedSignatures", packed, w.len);
            if (mixed)
                continue;
            CHECK_EQ(safe_execute_data(&r.tx, packed, w.len, &data), HAWSE_OK);
            check_hex("call", r.json, "execCalldata", call, data.len);
        }
    }
    json_decref(root);
}

TEST(safe_strangers, "a signature of nobody, of a stranger or of another hash does not count")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r, other;
    static struct safe_approvals a;
    struct fault fault = {0};
    uint8_t bytes[65] = {0};
    read_row(root, 3, &r);
    read_row(root, 4, &other);
    memcpy(other.hash, r.hash, 32); /* signatures of the other row for this one's hash */
    CHECK_EQ(add(&other, 0, "eip712", &a, &fault), HAWSE_E_DENIED);
    CHECK(strstr(fault.message, "another transaction") != NULL);
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, bytes, 64, NULL), HAWSE_E_FORMAT);
    bytes[64] = 29;
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, bytes, 65, NULL), HAWSE_E_FORMAT);
    bytes[64] = 1; /* approved on the chain, by the zero address */
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, bytes, 65, NULL), HAWSE_E_DENIED);
    const json_t *first = json_array_get(json_object_get(r.json, "signatures"), 0);
    fixed_of(first, "eip712", bytes, 65); /* an owner's, in the name of another */
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, r.state.owners[2], bytes, 65, NULL),
             HAWSE_E_DENIED);
    r.state.owner_count = 1;
    CHECK_EQ(add(&r, 0, "eip712", &a, NULL), HAWSE_E_DENIED);
    CHECK_EQ(add(&r, 1, "eip712", &a, NULL), HAWSE_OK);
    CHECK_EQ(a.count, 1);
    json_decref(root);
}

TEST(safe_by_chain, "an owner who approves on the chain, and a contract, come where contracts look")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    static struct safe_approvals a;
    static uint8_t packed[1000];
    uint8_t pre[65], contract[65 + 32 + 40] = {0};
    read_row(root, 6, &r);
    uint64_t len;
    uint8_t *both = data_of(r.json, "packedSignatures", &len);
    fixed_of(r.json, "preValidated", pre, 65);
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, pre, 65, NULL), HAWSE_OK);
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, both + 65, 65, NULL), HAWSE_OK);
    hawse_writer_t w = hawse_writer(packed, sizeof(packed));
    CHECK_EQ(safe_signatures(&a, 2, &w), HAWSE_OK);
    CHECK_EQ(w.len, 130);
    CHECK_MEM(packed, both, 130);
    free(both);
    /* the third owner as a contract: at the end of the first parts, or where it cannot be */
    memcpy(contract + 12, r.state.owners[2], 20);
    contract[63] = 65;
    contract[96] = 40;
    contract[97] = 0xee;
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, contract, sizeof(contract) - 1, NULL),
             HAWSE_E_FORMAT);
    CHECK_EQ(safe_approve(&a, &r.state, r.hash, NULL, contract, sizeof(contract), NULL), HAWSE_OK);
    w = hawse_writer(packed, sizeof(packed));
    CHECK_EQ(safe_signatures(&a, 3, &w), HAWSE_OK);
    CHECK_EQ(w.len, 3 * 65 + 32 + 40);
    CHECK_EQ(packed[2 * 65 + 63], 195); /* its offset; the third owner's address is the highest */
    CHECK_EQ(packed[195 + 31], 40);
    CHECK_EQ(packed[195 + 32], 0xee);
    json_decref(root);
}

TEST(safe_outcomes, "logs of three releases say how it ended; those of others say nothing")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    uint8_t topics[64];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_row(root, rows[i].index, &r);
        const json_t *outcome = json_object_get(r.json, "outcome");
        const json_t *list = json_object_get(outcome, "topics");
        uint64_t len;
        uint8_t *data = data_of(outcome, "data", &len);
        for (size_t k = 0; k < json_array_size(list); k++) {
            const char *text = json_string_value(json_array_get(list, k));
            CHECK_EQ(hawse_hex_fixed((const uint8_t *)text, strlen(text), topics + 32 * k, 32), 0);
        }
        struct safe_log log = {r.place.address, topics, data, (uint32_t)json_array_size(list), len};
        CHECK_EQ(safe_log_read(&r.place, r.hash, &log),
                 rows[i].good ? SAFE_SUCCEEDED : SAFE_FAILED);
        uint8_t stranger[20] = {1};
        log.address = stranger;
        CHECK_EQ(safe_log_read(&r.place, r.hash, &log), SAFE_NOT_EXECUTED);
        log.address = r.place.address;
        CHECK_EQ(safe_log_read(&r.place, r.state.domain, &log), SAFE_NOT_EXECUTED);
        topics[0] ^= 1;
        CHECK_EQ(safe_log_read(&r.place, r.hash, &log), SAFE_NOT_EXECUTED);
        free(data);
    }
    json_decref(root);
}

TEST(safe_states, "a Safe of another chain, address or age is refused before anything is signed")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    struct fault fault = {0};
    uint8_t words[32 * 4] = {0};
    read_row(root, 3, &r);
    CHECK_EQ(safe_state_check(&r.place, &r.state, NULL), HAWSE_OK);
    r.place.chain_id = 137;
    CHECK_EQ(safe_state_check(&r.place, &r.state, &fault), HAWSE_E_DENIED);
    CHECK(strstr(fault.message, "chain 137") && fault.hint[0]);
    r.place.chain_id = 100;
    r.state.threshold = 4;
    CHECK_EQ(safe_state_check(&r.place, &r.state, NULL), HAWSE_E_FORMAT);
    r.state.threshold = 0;
    CHECK_EQ(safe_state_check(&r.place, &r.state, NULL), HAWSE_E_FORMAT);
    words[31] = 32;
    words[63] = 2;
    memcpy(words + 76, r.state.owners[2], 20);
    CHECK_EQ(safe_answer(SAFE_ASK_OWNERS, words, 128, &r.state, NULL), HAWSE_OK);
    CHECK_EQ(r.state.owner_count, 2);
    CHECK_EQ(safe_answer(SAFE_ASK_OWNERS, words, 96, &r.state, NULL), HAWSE_E_FORMAT);
    words[63] = 65;
    CHECK_EQ(safe_answer(SAFE_ASK_OWNERS, words, 128, &r.state, NULL), HAWSE_E_LIMIT);
    words[63] = 2;
    words[64] = 1;
    CHECK_EQ(safe_answer(SAFE_ASK_OWNERS, words, 128, &r.state, NULL), HAWSE_E_FORMAT);
    CHECK_EQ(safe_answer(SAFE_ASK_NONCE, words, 31, &r.state, NULL), HAWSE_E_FORMAT);
    memset(words, 0xff, 32);
    CHECK_EQ(safe_answer(SAFE_ASK_NONCE, words, 32, &r.state, NULL), HAWSE_E_FORMAT);
    CHECK_EQ(safe_answer(SAFE_ASK_THRESHOLD, words, 32, &r.state, NULL), HAWSE_E_FORMAT);
    json_decref(root);
}

TEST(safe_papers, "a proposal read back is the same; one of another transaction is refused")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    static struct safe_approvals a, back;
    char note[600], one[4000];
    struct fault fault = {0};
    read_row(root, 4, &r);
    const struct safe_paper paper = {&r.place, &r.tx, r.hash};
    CHECK_EQ(add(&r, 0, "eip712", &a, NULL), HAWSE_OK);
    memset(note, 'x', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    char *text = safe_proposal(&paper, a.items[0].owner, a.items[0].bytes, note);
    json_t *told = json_loads(text, 0, NULL);
    CHECK(told != NULL);
    CHECK_EQ(json_string_length(json_object_get(told, "origin")), SAFE_ORIGIN);
    CHECK_STR(text_of(told, "to"), text_of(json_object_get(r.json, "tx"), "to"));
    CHECK_EQ(safe_paper_read(&paper, &r.state, text, strlen(text), &back, NULL), 1);
    CHECK_EQ(safe_paper_read(&paper, &r.state, text, strlen(text), &back, &fault), 0);
    CHECK_EQ(fault.code, 0);
    static const char *const wrong[] = {"to",    "value", "data",    "operation",
                                        "nonce", "safe",  "baseGas", "contractTransactionHash"};
    static const char *const texts[] = {
        "\"0x0000000000000000000000000000000000000001\"",
        "\"1\"",
        "\"0x00\"",
        "0",
        "99",
        "\"0x0000000000000000000000000000000000000001\"",
        "\"5\"",
        "\"0x0000000000000000000000000000000000000000000000000000000000000001\""};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json_t *copy = json_copy(told);
        (void)json_object_set_new(copy, wrong[i], json_loads(texts[i], JSON_DECODE_ANY, NULL));
        char *bad = json_dumps(copy, 0);
        fault_clear(&fault);
        CHECK_EQ(safe_paper_read(&paper, &r.state, bad, strlen(bad), &back, &fault),
                 HAWSE_E_DENIED);
        CHECK_EQ(strncmp(fault.message, wrong[i], strlen(wrong[i])), 0);
        free(bad);
        json_decref(copy);
    }
    const json_t *second = json_array_get(json_object_get(r.json, "signatures"), 1);
    (void)snprintf(one, sizeof(one),
                   "[{\"safeTxHash\":\"%s\",\"nonce\":%llu,\"confirmations\":[{\"owner\":\"%s\","
                   "\"signature\":\"%s\",\"signatureType\":\"EOA\"}]}]",
                   text_of(r.json, "safeTxHash"), (unsigned long long)r.state.nonce,
                   text_of(second, "owner"), text_of(second, "eip712"));
    CHECK_EQ(safe_paper_read(&paper, &r.state, one, strlen(one), &back, NULL), 1);
    CHECK_EQ(back.count, 2);
    CHECK_EQ(safe_paper_read(&paper, &r.state, "{}", 2, &back, NULL), HAWSE_E_FORMAT);
    CHECK_EQ(safe_paper_read(&paper, &r.state, "{", 1, &back, NULL), HAWSE_E_FORMAT);
    json_decref(told);
    free(text);
    json_decref(root);
}

/* ---- the run, over a chain that answers by script ---- */

struct script {
    const struct row *row;
    const json_t *root;
    int asked, signed_count;
    int wrong; /* the number of the question that is answered wrongly; -1 = none */
    bool refuse;
    int32_t signer;
    struct safe_run *run;
    hawse_view_t papers;
    uint32_t slots;
    int32_t papers_code;
    struct safe_approvals approvals;
    struct safe_result result;
    char reason[800], proposal[4000];
    uint8_t data[4096];
    int told;
};

static void put_word(char *out, size_t *at, const uint8_t *bytes, size_t len)
{
    memset(out + *at, '0', 64);
    hawse_hex_encode(bytes, len, out + *at + 64 - 2 * len);
    out[*at + 64] = '"'; /* overwritten by the next word */
    *at += 64;
}

static int32_t on_call(void *ctx, const char *method, const char *params, size_t len,
                       sim_answer_fn done, void *done_ctx)
{
    struct script *s = ctx;
    const struct row *r = s->row;
    char text[600] = "\"0x";
    size_t at = 3;
    uint8_t n = 0;
    int question = s->asked++;
    CHECK(len == strlen(params) && params[0] == '[');
    CHECK_STR(method, question == 5 ? "eth_getStorageAt" : "eth_call");
    if (question == 0) {
        put_word(text, &at, r->state.domain, 32);
    } else if (question == 1 || question == 2) {
        n = (uint8_t)(question == 1 ? r->state.nonce : r->state.threshold);
        put_word(text, &at, &n, 1);
    } else if (question == 3) {
        put_word(text, &at, (const uint8_t[]){32}, 1);
        put_word(text, &at, (const uint8_t[]){3}, 1);
        for (int i = 0; i < 3; i++)
            put_word(text, &at, r->state.owners[i], 20);
    } else {
        put_word(text, &at, question == 4 ? r->hash : (const uint8_t[]){1}, question == 4 ? 32 : 1);
    }
    if (question == s->wrong)
        text[at - 1] = text[at - 1] == '3' ? '4' : '3';
    static const char gs[] = "{\"code\":3,\"message\":\"execution reverted: GS026\"}";
    struct sim_answer answer = {.body = (const uint8_t *)text, .body_len = at + 1};
    if (s->refuse && question == 5)
        answer = (struct sim_answer){
            .status = HAWSE_E_REMOTE, .body = (const uint8_t *)gs, .body_len = sizeof(gs) - 1};
    done(done_ctx, &answer);
    return HAWSE_OK;
}

static int32_t on_sign(void *ctx, const uint8_t owner[20], const uint8_t digest[32],
                       safe_signed_fn done, void *done_ctx)
{
    struct script *s = ctx;
    const json_t *list = json_object_get(s->root, "owners"), *item;
    struct signature signature;
    size_t i;
    CHECK_MEM(digest, s->row->hash, 32);
    s->signed_count++;
    if (s->signer != HAWSE_OK)
        return s->signer;
    json_array_foreach((json_t *)list, i, item)
    {
        uint8_t secret[32], address[20];
        struct key *key;
        fixed_of(item, "privateKey", secret, 32);
        fixed_of(item, "address", address, 20);
        if (memcmp(address, owner, 20) != 0)
            continue;
        CHECK_EQ(key_from_secret(KEY_SECP256K1, secret, &key, NULL), HAWSE_OK);
        CHECK_EQ(key_sign_digest(key, digest, &signature), HAWSE_OK);
        key_free(key);
        done(done_ctx, HAWSE_OK, &signature);
        return HAWSE_OK;
    }
    FAIL("no such owner");
}

static void on_done(void *ctx, const struct safe_result *result)
{
    struct script *s = ctx;
    s->told++;
    s->result = *result;
    s->approvals = *result->approvals;
    (void)snprintf(s->reason, sizeof(s->reason), "%s", result->reason);
    (void)snprintf(s->proposal, sizeof(s->proposal), "%s",
                   result->proposal ? result->proposal : "");
    if (result->status == HAWSE_OK)
        memcpy(s->data, result->data.data, result->data.len);
}

/* The first half: nothing is signed, and the owners' approval stands where the Safe looks for it.
 */
static void on_ready(void *ctx, const struct safe_result *result)
{
    struct script *s = ctx;
    struct fault fault = {0};
    if (result->status != HAWSE_OK) {
        on_done(ctx, result);
        return;
    }
    s->slots = result->slot_count;
    CHECK_EQ(s->signed_count, 0);
    CHECK(result->slot_count >= s->row->state.threshold); /* or what it was told to be */
    CHECK(result->data.len > 4 && result->data.data[0] == 0x6a);
    CHECK_MEM(result->slots[0].address, s->row->place.address, 20);
    s->papers_code = safe_run_sign(s->run, s->papers, on_done, s, &fault);
    if (s->papers_code != HAWSE_OK)
        safe_run_cancel(s->run);
}

static void run(struct script *s, const struct safe_request *more)
{
    const struct safe_port port = {s, on_call, on_sign};
    struct safe_request q = *more;
    hawse_intent_call_t call = {.size = sizeof(call), .value = s->row->tx.value};
    memcpy(call.to, s->row->tx.to, 20);
    call.data = s->row->tx.data;
    q.calls = &call;
    q.count = 1;
    q.place = s->row->place;
    CHECK_EQ(safe_run(&port, &q, on_ready, s, &s->run, NULL), HAWSE_OK);
    CHECK_EQ(s->told, s->papers_code == HAWSE_OK);
}

TEST(safe_runs, "with both keys it executes, with one it proposes, and the proposal is enough")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    static struct script s, second;
    uint8_t ours[2][20];
    read_row(root, 3, &r);
    memcpy(ours[0], r.state.owners[0], 20);
    memcpy(ours[1], r.state.owners[1], 20);
    s = (struct script){.row = &r, .root = root, .wrong = -1};
    run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])ours, .owner_count = 2});
    CHECK_EQ(s.result.status, HAWSE_OK);
    CHECK_EQ(s.asked, 6);
    check_hex("run", r.json, "execCalldata", s.data, s.result.data.len);
    s = (struct script){.row = &r, .root = root, .wrong = -1};
    run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])ours, .owner_count = 1});
    CHECK_EQ(s.result.status, HAWSE_E_AGAIN);
    CHECK_STR(s.reason, "1 of 2 owners have signed");
    CHECK_EQ(s.asked, 6);
    second = (struct script){.row = &r, .root = root, .wrong = -1};
    second.papers = (hawse_view_t){(const uint8_t *)s.proposal, strlen(s.proposal)};
    run(&second, &(struct safe_request){
                     .owners = (const uint8_t(*)[20])ours + 1,
                     .owner_count = 1,
                 });
    CHECK_EQ(second.result.status, HAWSE_OK);
    check_hex("run", r.json, "execCalldata", second.data, second.result.data.len);
    /* what is known of this hash is not signed again; of another hash it is nothing */
    static struct safe_approvals known;
    known = second.approvals;
    for (int same = 0; same <= 1; same++) {
        uint8_t hash[32];
        memcpy(hash, r.hash, 32);
        hash[0] = (uint8_t)(hash[0] + !same);
        s = (struct script){.row = &r, .root = root, .wrong = -1};
        run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])ours,
                                       .owner_count = 1,
                                       .known = &known,
                                       .known_hash = hash});
        CHECK_EQ(s.signed_count, !same);
        CHECK_EQ(s.result.status, same ? HAWSE_OK : HAWSE_E_AGAIN);
    }
    s = (struct script){.row = &r, .root = root, .wrong = -1, .papers = {(const uint8_t *)"{", 1}};
    run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])ours, .owner_count = 1});
    CHECK_EQ(s.papers_code, HAWSE_E_FORMAT);
    CHECK_EQ(s.signed_count, 0);
    json_decref(root);
}

TEST(safe_run_refuses, "nothing is signed while any answer is not what it must be")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    static struct script s;
    uint8_t ours[1][20] = {{1}};
    read_row(root, 3, &r);
    for (int wrong = 0; wrong < 5; wrong++) {
        if (wrong == 1) /* another nonce is another transaction: its hash differs at the end */
            continue;
        s = (struct script){.row = &r, .root = root, .wrong = wrong};
        run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])r.state.owners,
                                       .owner_count = 2});
        if (wrong != 2 && wrong != 3) /* a threshold of 3; an owner who is another */
            CHECK_EQ(s.result.status, HAWSE_E_DENIED);
        CHECK(wrong == 2 || wrong == 3 || s.signed_count == 0);
        CHECK(s.result.status != HAWSE_OK || wrong == 3);
    }
    s = (struct script){.row = &r, .root = root, .wrong = 1};
    run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])r.state.owners});
    CHECK_EQ(s.result.status, HAWSE_E_DENIED); /* the Safe's hash is of another nonce */
    s = (struct script){.row = &r, .root = root, .wrong = -1};
    run(&s, &(struct safe_request){.owners = (const uint8_t(*)[20])ours, .owner_count = 1});
    CHECK_EQ(s.result.status, HAWSE_E_DENIED);
    CHECK_EQ(s.signed_count, 0);
    s = (struct script){.row = &r, .root = root, .wrong = -1, .signer = HAWSE_E_DENIED};
    run(&s,
        &(struct safe_request){.owners = (const uint8_t(*)[20])r.state.owners, .owner_count = 1});
    CHECK_EQ(s.result.status, HAWSE_E_DENIED);
    s = (struct script){.row = &r, .root = root, .wrong = -1, .refuse = true};
    run(&s,
        &(struct safe_request){.owners = (const uint8_t(*)[20])r.state.owners, .owner_count = 2});
    CHECK_EQ(s.result.status, HAWSE_E_REMOTE);
    CHECK(strstr(s.reason, "cannot be asked") != NULL);
    CHECK_STR(safe_error_meaning("GS013", 5), "a call inside failed");
    CHECK_STR(safe_error_meaning("GS999", 5), "");
    json_decref(root);
}

TEST(safe_itself, "an intent may not change the Safe, and a batch goes to the known code alone")
{
    json_t *root = vectors_load("safe-tx.json");
    static struct row r;
    static uint8_t memory[4000], code[100];
    hawse_intent_call_t calls[2] = {{.to = {1}}, {.to = {2}, .value = hawse_u256(7)}};
    hawse_writer_t w = hawse_writer(memory, sizeof(memory));
    hawse_safe_tx_t tx;
    struct fault fault = {0};
    read_row(root, 4, &r);
    CHECK_EQ(safe_build(&r.place, calls, 2, 5, &w, &tx, NULL), HAWSE_OK);
    CHECK_EQ(tx.operation, HAWSE_SAFE_DELEGATECALL);
    CHECK_MEM(tx.to, r.place.batch, 20);
    CHECK_EQ(tx.data.len, 4 + 64 + 192);
    w = hawse_writer(memory, 100);
    CHECK_EQ(safe_build(&r.place, calls, 2, 5, &w, &tx, NULL), HAWSE_E_NOSPACE);
    memcpy(calls[1].to, r.place.address, 20);
    CHECK_EQ(safe_build(&r.place, calls, 2, 5, &w, &tx, &fault), HAWSE_E_DENIED);
    CHECK_EQ(strncmp(fault.message, "calls[1].to", 11), 0);
    CHECK_EQ(safe_build(&r.place, calls, 0, 5, &w, &tx, NULL), HAWSE_E_INVAL);
    CHECK(!safe_batch_known(code, sizeof(code)) && !safe_batch_known(code, 0));
    json_decref(root);
}
