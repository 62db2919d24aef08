/*
 * What a futarchy decision costs: from a changed pool to the calls of the better flow, then to the
 * signed bytes of their bundle (execute10, an EIP-7702 authorization with its transaction). Markets
 * are random, with gaps either way and none. What the host does between both (gates, journal,
 * simulation) is not in it.
 *   bench-futarchy [MARKETS]
 * Prints p50, p90 and p99 in microseconds, and how many flows were quoted for a decision.
 */
#include "../../plugins/strategies/futarchy-arb/bundle.h"
#include "../../plugins/strategies/futarchy-arb/size.h"
#include "../unit/futarchy_market.h"
#include "keys/signer.h"
#include "latency.h"
#include "tx/plan.h"

enum { MARKETS = 4000, BYTES = 8192 };

struct bench {
    struct signer *signer;
    signer_handle key;
    struct chain chain;
    struct bundle_places places;
    struct latency decided, none, ready;
    uint64_t quotes, opportunities;
    uint8_t out[BYTES];
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench-futarchy: %s\n", what);
    exit(2);
}

/* The harness is for tests: here its two functions that the markets need. */
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
{
    (void)file, (void)line;
    die(fmt);
    abort();
}

void test_eq_i64(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        test_fail(file, line, "%s", what);
}

uint64_t test_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static hawse_tx_signature_t sign(struct bench *b, const uint8_t digest[32])
{
    struct signature s;
    struct fault fault = {0};
    if (signer_sign_digest(b->signer, b->key, &b->chain, digest, &s, &fault) != HAWSE_OK)
        die(fault.message);
    hawse_tx_signature_t out = {.y_parity = s.parity};
    memcpy(out.r, s.bytes, 32);
    memcpy(out.s, s.bytes + 32, 32);
    return out;
}

/* As the desk makes it of an intent: plan, authorization, transaction. */
static void make_bytes(struct bench *b, const struct bundle *calls)
{
    hawse_intent_call_t list[BUNDLE_CALLS];
    uint8_t authorizations[256], digest[32];
    hawse_writer_t w = hawse_writer(authorizations, sizeof(authorizations));
    struct plan *plan = NULL;
    uint32_t wrong = 0;
    hawse_tx_t tx;
    for (uint32_t i = 0; i < calls->count; i++) {
        list[i] = (hawse_intent_call_t){.size = sizeof(list[i]),
                                        .data = {calls->call[i].data, calls->call[i].len}};
        memcpy(list[i].to, calls->call[i].to, 20);
    }
    hawse_intent_t in = {.size = sizeof(in),
                         .how = HAWSE_INTENT_BUNDLE,
                         .call_count = calls->count,
                         .call_size = sizeof(list[0]),
                         .calls = list};
    if (plan_make(&in, b->places.account, PLAN_EXECUTE10, b->places.vault, &plan, NULL) != HAWSE_OK)
        die("no plan");
    plan_tx(plan, 0, 100, &tx);
    tx.nonce = 7;
    tx.gas_limit = 1500000;
    tx.max_fee = tx.max_priority_fee = hawse_u256(1000000000);
    hawse_tx_authorization_t a = {.chain_id = hawse_u256(100), .nonce = 8};
    memcpy(a.address, plan->delegate, 20);
    hawse_tx_authorization_hash(&a, digest);
    a.signature = sign(b, digest);
    hawse_tx_authorization_put(&w, &a);
    tx.authorizations = (hawse_view_t){authorizations, w.len};
    w = hawse_writer(b->out, BYTES);
    if (hawse_tx_encode(&tx, NULL, &w, digest, &wrong) != HAWSE_OK)
        die(hawse_tx_fault_text(wrong));
    hawse_tx_signature_t s = sign(b, digest);
    w = hawse_writer(b->out, BYTES);
    if (hawse_tx_encode(&tx, &s, &w, digest, &wrong) != HAWSE_OK)
        die(hawse_tx_fault_text(wrong));
    free(plan);
}

static void one(struct bench *b)
{
    struct flow_rules rules = {.slippage_ppm = 1000, .liquidate = true, .gas = milli(1)};
    struct size_limits limits = {.max_in = milli(300000), .min_company = hawse_u256(1000000000)};
    struct test_market t;
    struct flow best, f;
    struct bundle calls;
    bool any = false;
    uint32_t quotes = 0;
    test_market_any(&t);
    uint64_t began = bench_clock(CLOCK_MONOTONIC);
    for (int way = FLOW_BUY; way <= FLOW_SELL; way++) {
        int32_t code = size_best(&t.m, &rules, &limits, (enum flow_way)way, &f, &quotes);
        b->quotes += quotes;
        if (code == HAWSE_OK && (!any || hawse_i256_compare(&f.net, &best.net) > 0)) {
            best = f;
            any = true;
        }
    }
    if (!any) {
        latency_add(&b->none, began);
        return;
    }
    if (bundle_make(&b->places, &best, 1700000000, &calls) != HAWSE_OK ||
        bundle_check(&b->places, &calls) != HAWSE_OK)
        die("no calls");
    latency_add(&b->decided, began);
    make_bytes(b, &calls);
    latency_add(&b->ready, began);
    b->opportunities++;
}

static void tell(const char *name, struct latency *l)
{
    if (l->count == 0)
        return;
    qsort(l->ns, l->count, sizeof(l->ns[0]), latency_order);
    (void)printf("%-44s p50 %7.1f  p90 %7.1f  p99 %7.1f us  (%llu)\n", name,
                 (double)l->ns[l->count / 2] / 1e3, (double)l->ns[l->count * 9 / 10] / 1e3,
                 (double)l->ns[l->count * 99 / 100] / 1e3, (unsigned long long)l->count);
}

int main(int argc, char **argv)
{
    struct bench b = {.chain = chain_evm(100)};
    uint64_t markets = argc > 1 ? strtoull(argv[1], NULL, 10) : MARKETS;
    struct fault fault = {0};
    struct key_locks locks = {0};
    struct key *key = NULL;
    uint8_t secret[KEY_SECRET] = {1, 2, 3};
    if (key_from_secret(KEY_SECP256K1, secret, &key, &fault) != HAWSE_OK ||
        signer_new(&b.signer, &fault) != HAWSE_OK ||
        signer_add(b.signer, "bot", key, &locks, &fault) != HAWSE_OK)
        die(fault.message);
    b.key = signer_find(b.signer, "bot");
    memset(&b.places, 0x5f, sizeof(b.places));
    latency_init(&b.none, markets, 0, 1);
    latency_init(&b.decided, markets, 0, 1);
    latency_init(&b.ready, markets, 0, 1);
    for (uint64_t i = 0; i < markets; i++)
        one(&b);
    tell("no opportunity, both ways looked at", &b.none);
    tell("opportunity: best size and calls", &b.decided);
    tell("the same, and signed bytes of the bundle", &b.ready);
    (void)printf("%.1f flows were quoted for a decision\n", (double)b.quotes / (double)markets);
    free(b.none.ns);
    free(b.decided.ns);
    free(b.ready.ns);
    signer_free(b.signer);
    return b.opportunities > 0 ? 0 : 1;
}
