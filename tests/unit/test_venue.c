/*
 * What every venue of pools on an EVM chain rests on (plugins/venues/evm), by a small venue of
 * constant-product pairs made of it, in the fake host, beside a stand-in for a node: the real ones
 * of tests/e2e cannot be made to refuse one question, or to answer it late, on purpose. Every
 * state that is told is compared with what the stand-in has at that block.
 */
#include "../../plugins/venues/evm/venue.h"
#include "fakehost.h"
#include "harness.h"

#include <hawse/abi.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

/* ---- the venue: all that it takes ---- */

enum { SYNC, CREATED, TOPICS };
enum { ASK_TOKEN, ASK_DECIMALS, ASK_SYMBOL, ASK_RESERVES, ASKS };

struct pair_state {
    hawse_u256_t reserve[2];
};

struct pair {
    struct venue_pool base;
    struct venue_token token[2];
};

static const uint8_t factory[20] = {0xfa}, configured[20] = {0xaa}, found[20] = {0xbb};

static struct venue_pool *add(struct venue *v, const uint8_t address[20])
{
    uint8_t market[32] = {0};
    memcpy(market + 12, address, 20);
    return venue_pool_add(v, address, market);
}

static int32_t configure(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t value;
    v->found.on = hawse_json_get(doc, root, "factory", &value) == HAWSE_OK;
    memcpy(v->found.source, factory, 20);
    return v->found.on || add(v, configured) ? HAWSE_OK : HAWSE_E_NOMEM;
}

static int32_t subscribe_pool(struct venue *v, struct venue_pool *p)
{
    return venue_subscribe(v, p->address, SYNC, 1, &p->sub);
}

static void creation(struct venue *v, const hawse_evm_log_t *log, bool removed)
{
    struct venue_pool *p = removed ? venue_pool_find(v, found) : add(v, found);
    (void)log;
    if (p && removed)
        venue_pool_drop(v, p);
    else if (p)
        (void)venue_pool_listen(v, p);
}

static bool other(struct venue *v, const hawse_evm_log_t *log, uint32_t topic, bool removed)
{
    if (topic == CREATED)
        creation(v, log, removed);
    return topic == CREATED;
}

static bool is_sound(const struct venue *v, const struct venue_pool *p)
{
    (void)v, (void)p;
    return true;
}

static bool read_reserves(struct pair_state *s, const uint8_t *d, uint64_t len)
{
    return len >= 64 && hawse_abi_uint(d, 112, &s->reserve[0]) == HAWSE_OK &&
           hawse_abi_uint(d + 32, 112, &s->reserve[1]) == HAWSE_OK;
}

static bool apply(const struct venue_pool *p, void *state, const hawse_evm_log_t *log,
                  uint32_t topic)
{
    (void)p;
    return topic == SYNC && read_reserves(state, venue_data(log), log->data_len);
}

static uint32_t times(const struct venue *v, const struct venue_pool *p)
{
    (void)v;
    return p->ask < ASK_RESERVES ? 2 : 1;
}

static void question(const struct venue *v, const struct venue_pool *base, struct venue_question *q)
{
    static const char *const selectors[ASKS] = {"0dfe1681", "313ce567", "95d89b41", "0902f1ac"};
    const struct pair *p = (const struct pair *)base;
    (void)v;
    if (base->ask == ASK_DECIMALS || base->ask == ASK_SYMBOL)
        q->to = p->token[base->ask_item].address;
    (void)snprintf(q->data, sizeof(q->data), "%s", selectors[base->ask]);
}

static enum venue_taken take(struct venue *v, struct venue_pool *base, const uint8_t *d,
                             uint64_t len)
{
    struct venue_token *token = &((struct pair *)base)->token[base->ask_item % 2];
    bool good = true;
    (void)v;
    if (base->ask == ASK_TOKEN)
        good = len >= 32 && hawse_abi_address(d, token->address) == HAWSE_OK;
    else if (base->ask == ASK_DECIMALS)
        good = venue_take_decimals(token, d, len, 77);
    else if (base->ask == ASK_SYMBOL)
        venue_take_symbol(d, len, token->symbol);
    else
        good = read_reserves(base->state, d, len);
    if (good && base->ask == ASK_RESERVES &&
        hawse_u256_is_zero(&((struct pair_state *)base->state)->reserve[0]))
        return ANSWER_NOT_YET;
    return good ? ANSWER_TAKEN : ANSWER_BAD;
}

static void tell_info(struct venue *v, const struct venue_pool *p)
{
    hawse_market_info_t *info =
        venue_out(v, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO, p->key, sizeof(*info), NULL);
    for (uint32_t i = 0; i < 2; i++)
        venue_info_token(info, i, &((const struct pair *)p)->token[i]);
}

static void tell_log(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                     uint32_t topic, const hawse_event_t *cause)
{
    hawse_market_trade_t *t =
        venue_out(v, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES, p->key, sizeof(*t), cause);
    (void)topic;
    venue_origin(&t->origin, log);
}

static void tell_state(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                       const hawse_event_t *cause)
{
    const struct pair_state *state = p->state;
    hawse_market_pool_state_t *s = venue_out(v, HAWSE_MARKET_POOL_STATE, HAWSE_MARKET_STREAM_STATES,
                                             p->key, sizeof(*s), cause);
    s->pool_kind = HAWSE_POOL_PRODUCT;
    s->reserve0 = state->reserve[0];
    s->reserve1 = state->reserve[1];
    venue_state_origin(v, p, &s->origin, log);
}

static const char *const signatures[] = {"Sync(uint112,uint112)",
                                         "PairCreated(address,address,address,uint256)"};
static const struct venue_kind pairs = {.what = "a pair",
                                        .signatures = signatures,
                                        .topic_count = TOPICS,
                                        .created = CREATED,
                                        .pools_max = 8,
                                        .venue_size = sizeof(struct venue),
                                        .pool_size = sizeof(struct pair),
                                        .state_size = sizeof(struct pair_state),
                                        .record_size = sizeof(hawse_market_trade_t),
                                        .records = VENUE_EARLY_MAX + 2,
                                        .ask_count = ASKS,
                                        .state_ask = ASK_RESERVES,
                                        .optional = 1u << ASK_DECIMALS | 1u << ASK_SYMBOL,
                                        .configure = configure,
                                        .is_sound = is_sound,
                                        .subscribe_pool = subscribe_pool,
                                        .other = other,
                                        .apply = apply,
                                        .times = times,
                                        .question = question,
                                        .take = take,
                                        .tell_info = tell_info,
                                        .tell_log = tell_log,
                                        .tell_state = tell_state,
                                        .creation = creation};

VENUE_PLUGIN("org.hawse.test.pairs", pairs)

/* ---- the node ---- */

enum { BLOCKS = 600, FIRST = 100 };

struct block {
    uint64_t number;
    uint32_t parent;
    uint64_t reserve; /* after it */
    bool log, creates;
};

struct world {
    struct fakehost *host;
    struct block blocks[BLOCKS]; /* 0: below all that is told */
    uint32_t count;
    char refused[9]; /* questions with this selector are not answered as they should be */
    const char *error;
    int32_t status;
    uint32_t refusals, decimals_asked, reserves_asked;
    const char *hold;    /* questions with this in them wait for their answers */
    uint32_t last_asked; /* block of the last question for reserves */
    hawse_request_t held[64];
    char held_params[64][512];
    uint32_t held_count;
    bool taking_back;
    uint32_t infos, trades, trades_back, states;
    hawse_market_info_t info;
    uint64_t told; /* reserve of the last state */
};

static void hash_of(uint32_t index, uint8_t hash[32])
{
    memset(hash, 0x11, 32);
    hash[0] = (uint8_t)(index >> 8);
    hash[1] = (uint8_t)index;
}

static uint32_t index_of(const uint8_t hash[32])
{
    return (uint32_t)hash[0] << 8 | hash[1];
}

static void publish(void *ctx, const hawse_event_t *event)
{
    struct world *w = ctx;
    if (event->kind == HAWSE_MARKET_INFO) {
        memcpy(&w->info, event->data, sizeof(w->info));
        w->infos++;
    } else if (event->kind == HAWSE_MARKET_TRADE) {
        w->trades++;
        w->trades_back += (event->flags & HAWSE_EVENT_REMOVED) != 0;
    } else {
        hawse_market_pool_state_t s;
        memcpy(&s, event->data, sizeof(s));
        const struct block *b = &w->blocks[index_of(s.origin.block_hash)];
        CHECK_EQ_U64(s.origin.block_number, b->number);
        w->told = s.reserve0.limb[0];
        w->states++;
        /* after a log that was taken back: what was before it */
        CHECK_EQ_U64(w->told, w->taking_back && b->log ? w->blocks[b->parent].reserve : b->reserve);
    }
}

static void answer(struct world *w, hawse_request_t request, const char *params)
{
    char text[300];
    unsigned hash = 0;
    const char *data = strstr(params, "\"data\":\"0x") + 10;
    CHECK(sscanf(strstr(params, "\"blockHash\":\"0x") + 15, "%4x", &hash) == 1);
    w->decimals_asked += strncmp(data, "313ce567", 8) == 0;
    if (strncmp(data, "0902f1ac", 8) == 0) {
        w->reserves_asked++;
        w->last_asked = hash;
    }
    if (w->refusals > 0 && strncmp(data, w->refused, 8) == 0) {
        w->refusals--;
        fakehost_refuse(w->host, request, w->status, w->status == HAWSE_E_REMOTE ? 200 : 0,
                        w->error);
        return;
    }
    unsigned long long word = strncmp(data, "0dfe1681", 8) == 0   ? 0x70
                              : strncmp(data, "313ce567", 8) == 0 ? 6
                                                                  : w->blocks[hash].reserve;
    (void)snprintf(text, sizeof(text), "\"0x%064llx%064llx%064llx\"", word, word, word);
    fakehost_answer(w->host, request, text);
}

static void reply(void *ctx, uint64_t arg)
{
    struct world *w = ctx;
    uint32_t kept = 0;
    (void)arg;
    for (uint32_t i = 0; i < w->held_count; i++) {
        if (w->hold && strstr(w->held_params[i], w->hold)) {
            memmove(w->held_params[kept], w->held_params[i], sizeof(w->held_params[0]));
            w->held[kept++] = w->held[i];
        } else if (fakehost_open_request(w->host, w->held[i])) {
            answer(w, w->held[i], w->held_params[i]);
        }
    }
    w->held_count = kept;
}

/* What waits is answered. */
static void release(struct world *w)
{
    w->hold = NULL;
    fakehost_later(w->host, FAKEHOST_MS, reply, w, 0);
}

static int32_t ask(void *ctx, const struct fakehost_call *call)
{
    struct world *w = ctx;
    CHECK(w->held_count < 64 && strcmp(call->method, "eth_call") == 0);
    (void)snprintf(w->held_params[w->held_count], sizeof(w->held_params[0]), "%s", call->params);
    w->held[w->held_count++] = call->request;
    fakehost_later(w->host, FAKEHOST_MS, reply, w, 0);
    return HAWSE_OK;
}

/* ---- the chain ---- */

/* A block on top of another; reserve 0: nothing happened to the pool. */
static uint32_t grow(struct world *w, uint32_t parent, uint64_t reserve)
{
    uint32_t i = w->count++;
    CHECK(i < BLOCKS);
    w->blocks[i] = (struct block){.number = w->blocks[parent].number + 1,
                                  .parent = parent,
                                  .reserve = reserve ? reserve : w->blocks[parent].reserve,
                                  .log = reserve != 0};
    return i;
}

static void block_event(struct world *w, uint32_t i, uint32_t flags)
{
    hawse_evm_block_t b = {.size = sizeof(b), .chain_id = 1, .number = w->blocks[i].number};
    hash_of(i, b.hash);
    hash_of(w->blocks[i].parent, b.parent_hash);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_BLOCK,
                           .flags = flags,
                           .data = (const uint8_t *)&b,
                           .len = sizeof(b)};
    fakehost_event(w->host, &event);
}

static void log_event(struct world *w, uint32_t i, const uint8_t address[20], uint32_t topic,
                      uint32_t flags)
{
    struct {
        hawse_evm_log_t head;
        uint8_t data[64];
    } log = {.head = {.size = sizeof(log.head),
                      .topic_count = 1,
                      .block_number = w->blocks[i].number,
                      .data_offset = sizeof(log.head),
                      .data_len = 64}};
    hawse_u256_t reserve = hawse_u256(w->blocks[i].reserve);
    memcpy(log.head.address, address, 20);
    hash_of(i, log.head.block_hash);
    hawse_u256_to_be(&reserve, log.data);
    hawse_u256_to_be(&reserve, log.data + 32);
    uint8_t topics[TOPICS][32];
    hawse_keccak_signature(signatures[SYNC], topics[SYNC]);
    hawse_keccak_signature(signatures[CREATED], topics[CREATED]);
    memcpy(log.head.topics[0], topics[topic], 32);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_LOG,
                           .flags = flags,
                           .data = (const uint8_t *)&log,
                           .len = sizeof(log)};
    fakehost_event(w->host, &event);
}

static void tell(struct world *w, uint32_t i)
{
    block_event(w, i, 0);
    if (w->blocks[i].log)
        log_event(w, i, configured, SYNC, 0);
    fakehost_pass(w->host, 20 * FAKEHOST_MS);
}

static void take_back(struct world *w, uint32_t i)
{
    w->taking_back = true;
    if (w->blocks[i].log)
        log_event(w, i, configured, SYNC, HAWSE_EVENT_REMOVED);
    block_event(w, i, HAWSE_EVENT_REMOVED);
    fakehost_pass(w->host, 0);
    w->taking_back = false;
}

static void unhealable(struct world *w)
{
    hawse_stream_range_t range = {.size = sizeof(range)};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_STREAM,
                           .kind = HAWSE_STREAM_EVENT_UNHEALABLE,
                           .data = (const uint8_t *)&range,
                           .len = sizeof(range)};
    fakehost_event(w->host, &event);
    fakehost_pass(w->host, 0);
}

static bool handed_over; /* to another build, after each batch of events */

/* Each test twice: as it is, and handed over all the time. */
#define TWICE(id, sentence)                                       \
    static void body_##id(void);                                  \
    TEST(id, sentence)                                            \
    {                                                             \
        body_##id();                                              \
    }                                                             \
    TEST(id##_handed_over, sentence "; handed over all the time") \
    {                                                             \
        handed_over = true;                                       \
        body_##id();                                              \
    }                                                             \
    static void body_##id(void)

static void begin(struct world *w, const char *config)
{
    const struct fakehost_outside outside = {.ctx = w, .ask = ask, .publish = publish};
    w->blocks[0] = (struct block){.number = FIRST - 1, .reserve = 5};
    w->count = 1;
    w->host = fakehost_create(hawse_plugin_v1, config, &outside);
    fakehost_start(w->host);
    if (handed_over)
        fakehost_hand_over(w->host);
}

static void pass(struct world *w, uint64_t ms)
{
    fakehost_pass(w->host, ms * FAKEHOST_MS);
}

/* ---- questions that fail ---- */

static struct world w; /* one test is one process */

static void refuse(const char *selector, uint32_t times_, int32_t status, const char *error)
{
    (void)snprintf(w.refused, sizeof(w.refused), "%s", selector);
    w.refusals = times_;
    w.status = status;
    w.error = error;
}

TWICE(refused_once, "a node that refuses decimals() once is asked again, and its answer is told")
{
    begin(&w, "{}");
    refuse("313ce567", 1, HAWSE_E_REMOTE, "{\"code\":-32005,\"message\":\"rate limit\"}");
    tell(&w, grow(&w, 0, 0));
    pass(&w, 1000);
    CHECK_EQ(w.infos, 1);
    CHECK_EQ(w.decimals_asked, 3);
    CHECK_EQ(w.info.decimals[0], 6);
    CHECK_EQ(w.info.decimals[1], 6);
    fakehost_destroy(w.host);
}

TWICE(timed_out, "a symbol() or decimals() that timed out is asked again, for longer than patience")
{
    begin(&w, "{}");
    refuse("313ce567", 20, HAWSE_E_TIMEOUT, "the connection was reverted by a proxy");
    tell(&w, grow(&w, 0, 0));
    pass(&w, 1000);
    CHECK_EQ(w.infos, 0);
    pass(&w, 10000);
    CHECK_EQ(w.infos, 1);
    CHECK_EQ(w.info.decimals[0], 6);
    fakehost_destroy(w.host);
}

TWICE(reverted, "a token that reverts at decimals() has none, and its pool is followed")
{
    begin(&w, "{}");
    refuse("313ce567", 2, HAWSE_E_REMOTE, "{\"code\":3,\"message\":\"execution reverted\"}");
    tell(&w, grow(&w, 0, 0));
    pass(&w, 1000);
    CHECK_EQ(w.infos, 1);
    CHECK_EQ(w.decimals_asked, 2);
    CHECK_EQ(w.info.decimals[0], 0);
    CHECK_EQ_U64(w.told, 5);
    fakehost_destroy(w.host);
}

/* ---- following ---- */

TWICE(logs_and_back, "a log changes the state, and the log taken back changes it back")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 7), c = grow(&w, b, 8);
    tell(&w, a);
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 5);
    tell(&w, b);
    tell(&w, c);
    CHECK_EQ_U64(w.told, 8);
    take_back(&w, c);
    CHECK_EQ_U64(w.told, 7);
    take_back(&w, b);
    CHECK_EQ_U64(w.told, 5);
    CHECK_EQ(w.trades, 4);
    CHECK_EQ(w.trades_back, 2);
    CHECK_EQ(w.reserves_asked, 1);
    fakehost_destroy(w.host);
}

TWICE(early,
      "logs that come while the state is read are applied to it, unless taken back meanwhile")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 7), c = grow(&w, b, 8), d = grow(&w, b, 9);
    w.hold = "0902f1ac";
    tell(&w, a);
    tell(&w, b);
    tell(&w, c);
    take_back(&w, c);
    tell(&w, d);
    CHECK_EQ(w.states, 0);
    release(&w);
    pass(&w, 500);
    CHECK_EQ(w.states, 1);
    CHECK_EQ_U64(w.told, 9);
    CHECK_EQ(w.trades, 2); /* of b and d: after the pool is known */
    take_back(&w, d);
    CHECK_EQ_U64(w.told, 7);
    CHECK_EQ(w.reserves_asked, 1);
    fakehost_destroy(w.host);
}

TWICE(late_log, "a log of an older block than the newest one has the pool read anew")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 7), c = grow(&w, b, 8);
    tell(&w, a);
    pass(&w, 500);
    w.blocks[b].log = false; /* lost */
    tell(&w, b);
    tell(&w, c);
    log_event(&w, b, configured, SYNC, 0);
    pass(&w, 500);
    CHECK_EQ(w.reserves_asked, 2);
    CHECK_EQ_U64(w.told, 8);
    fakehost_destroy(w.host);
}

TWICE(long_history, "256 logs can be taken back one by one; before them the pool is read anew")
{
    begin(&w, "{}");
    uint32_t chain[300];
    chain[0] = grow(&w, 0, 0);
    tell(&w, chain[0]);
    pass(&w, 500);
    for (uint32_t i = 1; i < 300; i++) {
        chain[i] = grow(&w, chain[i - 1], 1000 + i);
        tell(&w, chain[i]);
    }
    for (uint32_t i = 299; i >= 44; i--) /* 256 of them */
        take_back(&w, chain[i]);
    CHECK_EQ_U64(w.told, 1043);
    CHECK_EQ(w.reserves_asked, 1);
    take_back(&w, chain[43]);
    tell(&w, grow(&w, chain[42], 0));
    pass(&w, 500);
    CHECK_EQ(w.reserves_asked, 2);
    CHECK_EQ_U64(w.told, 1042);
    fakehost_destroy(w.host);
}

/* ---- losses and reorganisations ---- */

TWICE(unhealable, "after a loss nothing is read at the block that was told before it")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 7), b = grow(&w, 0, 8);
    tell(&w, a);
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 7);
    unhealable(&w); /* `a` may be an orphan, which the node still knows */
    pass(&w, 1000);
    CHECK_EQ(w.reserves_asked, 1);
    tell(&w, grow(&w, b, 0));
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 8);
    fakehost_destroy(w.host);
}

TWICE(deep_reorg, "a branch that leaves below the block at which a pool was read has it read anew")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 0);
    uint32_t sibling = grow(&w, 0, 6); /* of `a`: it holds a log that is told before `c` */
    w.blocks[sibling].number = w.blocks[a].number;
    uint32_t c = grow(&w, sibling, 0);
    tell(&w, b); /* the first block that is told */
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 5);
    take_back(&w, b);
    tell(&w, c); /* follows no block that was told */
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 6);
    CHECK_EQ(w.last_asked, c);
    fakehost_destroy(w.host);
}

TWICE(read_at_orphan,
      "a state that is being read at a block which leaves the chain is read elsewhere")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 7), c = grow(&w, a, 8);
    tell(&w, a);
    pass(&w, 500);
    unhealable(&w);
    w.hold = "0902f1ac";
    tell(&w, b);
    take_back(&w, b);
    release(&w);
    tell(&w, c);
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 8);
    CHECK_EQ(w.last_asked, c);
    fakehost_destroy(w.host);
}

TWICE(leaving, "nothing is read at a block of which a log was just taken back")
{
    begin(&w, "{}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 7), c = grow(&w, a, 0);
    tell(&w, a);
    pass(&w, 500);
    unhealable(&w);
    tell(&w, b);
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 7); /* read at b: the log can't be undone */
    log_event(&w, b, configured, SYNC, HAWSE_EVENT_REMOVED);
    pass(&w, 1000); /* time for a whole reading */
    block_event(&w, b, HAWSE_EVENT_REMOVED);
    tell(&w, c);
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 5);
    CHECK_EQ(w.last_asked, c);
    fakehost_destroy(w.host);
}

TWICE(not_yet, "a pool without anything to follow is asked again after its next log, not before")
{
    begin(&w, "{}");
    w.blocks[0].reserve = 0;
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 0), c = grow(&w, b, 7), d = grow(&w, c, 0);
    tell(&w, a);
    pass(&w, 2000);
    tell(&w, b);
    pass(&w, 2000);
    CHECK_EQ(w.reserves_asked, 1);
    tell(&w, c);
    pass(&w, 500);
    CHECK_EQ_U64(w.told, 7);
    CHECK_EQ(w.last_asked, c);
    tell(&w, d);
    CHECK_EQ(w.states, 1);
    fakehost_destroy(w.host);
}

TWICE(not_yet_but_since, "a log that came while it was asked whether there is anything is not lost")
{
    begin(&w, "{}");
    w.blocks[0].reserve = 0;
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 7);
    w.hold = "0902f1ac";
    tell(&w, a);
    tell(&w, b);
    release(&w);
    pass(&w, 1000);
    CHECK_EQ_U64(w.told, 7);
    fakehost_destroy(w.host);
}

/* ---- discovery ---- */

TWICE(creation, "a pool is read at a block after its creation, dropped when that is taken back")
{
    begin(&w, "{\"factory\":true}");
    uint32_t a = grow(&w, 0, 0), b = grow(&w, a, 0), c = grow(&w, b, 0);
    tell(&w, a);
    log_event(&w, a, factory, CREATED, 0);
    pass(&w, 1000);
    CHECK_EQ(w.decimals_asked, 2); /* what never changes may be asked at once */
    CHECK_EQ(w.reserves_asked, 0);
    tell(&w, b);
    pass(&w, 500);
    CHECK_EQ(w.reserves_asked, 1);
    CHECK_EQ(w.states, 1);
    take_back(&w, b);
    log_event(&w, a, factory, CREATED, HAWSE_EVENT_REMOVED);
    w.blocks[c].reserve = 9;
    tell(&w, c);
    log_event(&w, c, found, SYNC, 0);
    pass(&w, 1000);
    CHECK_EQ(w.states, 1); /* not followed */
    fakehost_destroy(w.host);
}
