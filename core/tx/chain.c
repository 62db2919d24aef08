/*
 * What the desk knows of a chain: its newest blocks by hash, its fees, and the counts and coins of
 * the accounts that have something under way. Read together, so that what is decided from it is of
 * one moment; asked for only while there is something to decide.
 */
#include "tx/desk_private.h"
#include "tx/relay_client.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_LEAST_MS = 100,
    POLL_MOST_MS = 2000,
    PUSHED_MOST_MS = 5000,
    VIEW_ASKS = 5,
    FRESH_LEAST_MS = 3000,
    REST_MS = 10,      /* after a pushed head, when nothing is on its way */
    EXPECT_MS = 20,    /* between two looks at a provider that is behind */
    EXPECT_BLOCKS = 2, /* beyond that it is far behind: looked at as always */
    FOREIGN_MOST = 64, /* transactions of one account that a pool keeps, as a rule */
    ASK_MS = 3000
};

static void refresh(struct desk_chain *chain);

/* ---- what is known ---- */

uint64_t chain_cap(const struct desk_chain *chain)
{
    return (uint64_t)chain->config->tx.max_gas_price_gwei * 1000000000u;
}

struct fees chain_offer(const struct desk_chain *chain)
{
    return fees_offer(chain->base_fee, chain->history.tip, chain->config->tx.min_tip_wei);
}

uint32_t chain_quorum(const struct desk_chain *chain)
{
    return chain->config->tx.quorum && chain->config->provider_count > 1 ? POOL_QUORUM : 0;
}

static struct desk_block *ring_at(struct desk_chain *chain, uint64_t number)
{
    return &chain->ring[number % DESK_RING];
}

bool chain_has(const struct desk_chain *chain, uint64_t number, const uint8_t hash[32])
{
    const struct desk_block *b = &chain->ring[number % DESK_RING];
    if (number > chain->head.number)
        return false;
    return b->number != number || memcmp(b->hash, hash, 32) == 0;
}

bool chain_looks(const struct desk_chain *chain)
{
    return chain->open > 0 || chain->config->tx.keep_view;
}

static bool is_watched(const struct desk_account *a)
{
    return a->open > 0 || a->chain->config->tx.keep_view;
}

/* No nonce of it is out. */
static bool is_quiet(const struct desk_account *a)
{
    return a->pending == a->latest && a->top <= a->latest;
}

/* Nothing of it is on its way, so what it had and sent at the head's parent holds at the head too.
 * Whoever else has its key shows by the nonce, which the chain takes once. */
static bool is_at_rest(const struct desk_account *a)
{
    return a->busy == 0 && is_quiet(a);
}

bool chain_fresh(const struct desk_chain *chain, const struct desk_account *account)
{
    uint64_t head = chain->head.number, most = (uint64_t)chain->config->block_ms * 3;
    most = (most < FRESH_LEAST_MS ? FRESH_LEAST_MS : most) * DESK_MS;
    bool same = chain->fees_head == head && account->view_head == head;
    bool parents = chain->fees_head + 1 >= head && account->view_head + 1 == head &&
                   account->view_head != 0 && is_at_rest(account);
    return head != 0 && (same || parents) && loop_now(chain->desk->loop) < chain->view_ns + most;
}

struct desk_account *chain_account(struct desk_chain *chain, const char *name, struct fault *fault)
{
    struct signer *signer = chain->desk->options.signer;
    signer_handle handle = signer_find(signer, name);
    for (struct desk_account *a = chain->accounts; a; a = a->next) {
        if (a->handle == handle)
            return a;
    }
    if (config_relay_key(chain->desk->config, name)) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "account: \"%s\" signs requests to a relay, and nothing else", name);
        return NULL;
    }
    const struct signer_key *key = handle ? signer_key(signer, handle) : NULL;
    enum key_kind kind = desk_is_solana(chain) ? KEY_ED25519 : KEY_SECP256K1;
    if (!key || key->public.kind != kind) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "account: \"%s\" is no %s key of keys.use", name,
                        key_kind_name(kind));
        return NULL;
    }
    struct desk_account *a = calloc(1, sizeof(*a));
    if (!a) {
        (void)fault_set(fault, HAWSE_E_NOMEM, "no memory for an account");
        return NULL;
    }
    a->chain = chain;
    a->handle = handle;
    a->key = key;
    a->nonces.chain_id = chain->config->chain_id;
    memcpy(a->nonces.sender, key->public.address, 20);
    if (kind == KEY_ED25519)
        config_handle(key->public.bytes, a->nonces.sender);
    a->window = chain->desk->tx.window;
    a->next = chain->accounts;
    chain->accounts = a;
    return a;
}

/* ---- refreshing ---- */

static void arm(struct desk_chain *chain, uint64_t ms)
{
    struct loop *loop = chain->desk->loop;
    (void)loop_timer_set(loop, &chain->timer, loop_clock() + ms * DESK_MS);
}

/* Of all providers together, in a second; 0 = no limit. */
static uint64_t rate(const struct config_chain *config)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < config->provider_count; i++) {
        if (config->providers[i].per_second == 0)
            return 0;
        sum += config->providers[i].per_second;
    }
    return sum;
}

/* Three times a block, or once where new ones are told by push; but never so often that looking
 * takes half of what providers allow: simulations and sends would wait behind it. */
static uint64_t period(const struct desk_chain *chain)
{
    bool pushed = pool_pushes(chain->pool);
    uint64_t ms = chain->config->block_ms / (pushed ? 1 : 3), allowed = rate(chain->config);
    uint64_t most = pushed ? PUSHED_MOST_MS : POLL_MOST_MS;
    uint64_t least = allowed ? 2000 * VIEW_ASKS / allowed : 0;
    least = least < POLL_LEAST_MS ? POLL_LEAST_MS : least;
    ms = ms > most ? most : ms;
    return ms < least ? least : ms;
}

/* After a refresh: at once if there is news already. */
static void look_again(struct desk_chain *chain)
{
    bool news = chain->pushed;
    bool expects = chain->expected > chain->head.number;
    uint64_t most = period(chain);
    chain->pushed = false;
    if (chain_looks(chain))
        arm(chain, news ? 0 : expects && most > EXPECT_MS ? EXPECT_MS : most);
}

void chain_expect(struct desk_chain *chain, uint64_t number)
{
    if (number <= chain->expected || number > chain->head.number + EXPECT_BLOCKS)
        return;
    chain->expected = number;
    if (!chain->refreshing)
        arm(chain, pool_pushes(chain->pool) ? EXPECT_MS : 0); /* by push it comes by itself */
}

void chain_watch(struct desk_chain *chain)
{
    if (!chain->refreshing && chain->timer.heap_index == 0)
        arm(chain, period(chain));
}

void chain_soon(struct desk_chain *chain)
{
    if (!desk_is_solana(chain))
        refresh(chain); /* asked before this turn's commit, which may take longer than answers */
    else if (!chain->refreshing)
        arm(chain, 0);
}

static void on_nonce_mined(void *ctx, const struct nonce_answer *answer)
{
    struct desk_account *account = ctx;
    if (answer->status == HAWSE_OK)
        account->top = answer->next;
    else
        account->mined_told = 0;
    if (answer->status != HAWSE_OK && answer->status != HAWSE_E_CANCELED)
        desk_nonce_fault(account->chain->desk, answer);
}

/* All answers are there and good: what follows from them. */
static void viewed(struct desk_chain *chain)
{
    struct desk *desk = chain->desk;
    chain->failures = 0;
    chain->view_ns = chain_looks(chain) ? loop_now(desk->loop) : 0; /* 0: nobody from now on */
    for (struct desk_account *a = chain->accounts; a; a = a->next) {
        bool news = a->open > 0 || a->mined_told != a->latest + 1;
        if (!is_watched(a) || a->view_head != chain->refresh_head || !news)
            continue;
        if (!desk_group(desk))
            return;
        a->mined_told = a->latest + 1;
        nonce_mined(desk->nonces, &a->nonces, a->latest, on_nonce_mined, a);
        account_track(a);
    }
    chain_pump(chain);
}

static void refresh_end(struct desk_chain *chain)
{
    chain->refreshing = false;
    if (!chain->refresh_failed) {
        for (struct desk_account *a = chain->accounts; a; a = a->next) {
            if (a->asked && a->asking == 0 && !a->asked_badly) {
                a->latest = a->new_latest;
                a->pending = a->new_pending > a->new_latest ? a->new_pending : a->new_latest;
                a->balance = a->new_balance;
                a->view_head = chain->refresh_head;
            }
        }
        viewed(chain);
    } else if (chain->failures++ % 20 == 0) {
        log_line(chain->desk->logger, HAWSE_LOG_WARN, "tx",
                 "%s: its head, fees or accounts cannot be read (%u times in a row)",
                 chain->config->name, chain->failures);
    }
    look_again(chain);
}

static void answered(struct desk_chain *chain, bool good)
{
    chain->refresh_failed |= !good;
    if (--chain->refresh_left == 0)
        refresh_end(chain);
}

static void on_fees(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_chain *chain = ask->chain;
    struct fees_history h;
    bool good = r->status == HAWSE_OK && fees_history_read(r->body, r->body_len, &h) == HAWSE_OK;
    if (good) {
        chain->history = h;
        chain->fees_head = chain->refresh_head;
    }
    answered(chain, good);
}

/* ---- accounts ---- */

enum { ASK_LATEST, ASK_PENDING, ASK_BALANCE, ASKS };

static bool ask_one(struct desk_account *a, uint32_t what, desk_ask_fn done, uint32_t flags)
{
    static const char *const methods[] = {"eth_getTransactionCount", "eth_getTransactionCount",
                                          "eth_getBalance"};
    struct desk_ask ask = {.done = done, .account = a, .number = what};
    char address[43] = "0x", params[96];
    hawse_hex_encode(a->nonces.sender, 20, address + 2);
    address[42] = '\0';
    (void)snprintf(params, sizeof(params), "[\"%s\",\"%s\"]", address,
                   what == ASK_PENDING ? "pending" : "latest");
    return desk_ask(a->chain, &ask, methods[what], params, POOL_FRESH | flags, POOL_DECISION,
                    ASK_MS);
}

static void account_answered(struct desk_account *a, bool good)
{
    a->asking--;
    a->asked_badly |= !good;
    answered(a->chain, good);
}

/* What one provider says alone of transactions that are none of ours: at most what its pool would
 * keep. Each number that is skipped in vain has to be filled, for money. */
static void believe_alone(struct desk_account *a)
{
    if (a->top > 0 && a->new_pending > a->top + FOREIGN_MOST)
        a->new_pending = a->top + FOREIGN_MOST;
}

/* Two providers were asked for a count that our own nonces do not explain. Where they disagree what
 * was known stays so; one that nobody can be asked beside is believed. */
static void on_agreed(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_account *a = ask->account;
    bool latest = ask->number == ASK_LATEST, good = true;
    uint64_t *count = latest ? &a->new_latest : &a->new_pending;
    if (r->status == HAWSE_OK) {
        good = answer_u64(r->body, r->body_len, count) == HAWSE_OK;
    } else if (r->status == HAWSE_E_STATE) {
        log_line(a->chain->desk->logger, HAWSE_LOG_WARN, "tx",
                 "%s: providers disagree about the %s count of %s: one says %llu, and this host "
                 "knows of %llu",
                 a->chain->config->name, latest ? "latest" : "pending", a->key->name,
                 (unsigned long long)*count, (unsigned long long)a->top);
        *count = latest ? a->latest : 0;
        good = a->view_head > 0; /* of a new account nothing is known */
    } else {
        believe_alone(a);
    }
    account_answered(a, good);
}

static void on_account(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_account *a = ask->account;
    uint64_t *count = ask->number == ASK_LATEST ? &a->new_latest : &a->new_pending;
    int32_t code = r->status;
    if (code == HAWSE_OK && ask->number == ASK_BALANCE)
        code = answer_u256(r->body, r->body_len, &a->new_balance);
    else if (code == HAWSE_OK)
        code = answer_u64(r->body, r->body_len, count);
    bool foreign = code == HAWSE_OK && ask->number != ASK_BALANCE && *count > a->top;
    uint32_t quorum = chain_quorum(a->chain);
    if (foreign && quorum && ask_one(a, ask->number, on_agreed, quorum))
        return;
    believe_alone(a);
    account_answered(a, code == HAWSE_OK);
}

static void ask_account(struct desk_account *a)
{
    struct desk_chain *chain = a->chain;
    a->asked_badly = false;
    a->asked = true;
    for (uint32_t i = 0; i < ASKS; i++) {
        chain->refresh_left++;
        a->asking++;
        if (!ask_one(a, i, on_account, 0)) {
            a->asking--;
            a->asked_badly = true;
            chain->refresh_failed = true;
            chain->refresh_left--;
        }
    }
}

/* ---- the rest of the view ---- */

static void on_final(struct desk_ask *ask, const struct pool_result *r)
{
    struct answer_block b;
    if (r->status == HAWSE_OK && answer_block(r->body, r->body_len, &b) == HAWSE_OK)
        ask->chain->final_block = b.number;
    answered(ask->chain, true); /* without the tag it goes by depth: see track.c */
}

/* The head is known: the rest of the view. */
static void ask_rest(struct desk_chain *chain)
{
    char params[48];
    struct desk_ask fees = {.done = on_fees};
    enum config_finality finality = chain->config->tx.finality;
    chain->refresh_left = 1; /* this function */
    chain->refresh_head = chain->head.number;
    (void)snprintf(params, sizeof(params), "[\"0x%x\",\"latest\",[50]]", FEES_BLOCKS);
    chain->refresh_left++;
    if (!desk_ask(chain, &fees, "eth_feeHistory", params, POOL_FRESH, POOL_DECISION, ASK_MS))
        answered(chain, false);
    if (finality != FINALITY_DEPTH) {
        struct desk_ask final = {.done = on_final};
        (void)snprintf(params, sizeof(params), "[\"%s\",false]",
                       finality == FINALITY_SAFE ? "safe" : "finalized");
        chain->refresh_left++;
        if (!desk_ask(chain, &final, "eth_getBlockByNumber", params, POOL_FRESH, POOL_BACKGROUND,
                      ASK_MS))
            answered(chain, true);
    }
    for (struct desk_account *a = chain->accounts; a; a = a->next) {
        if (is_watched(a))
            ask_account(a);
    }
    answered(chain, true);
}

/* ---- heads ---- */

/* What was read belongs to a block that has left the chain. */
static void chain_forget_view(struct desk_chain *chain)
{
    chain->fees_head = 0;
    for (struct desk_account *a = chain->accounts; a; a = a->next)
        a->view_head = 0;
}

/* Puts the walked blocks into the ring; what stood there otherwise has left the chain. */
static void take_walk(struct desk_chain *chain)
{
    const struct answer_block *head = &chain->walk[0];
    uint64_t fork = UINT64_MAX;
    for (uint64_t n = head->number + 1; n <= chain->head.number && n - head->number < DESK_RING;
         n++) {
        fork = fork == UINT64_MAX ? n : fork;
        *ring_at(chain, n) = (struct desk_block){0};
    }
    for (uint32_t i = 0; i < chain->walk_count; i++) {
        const struct answer_block *b = &chain->walk[i];
        struct desk_block *at = ring_at(chain, b->number);
        if (b->number != 0 && at->number == b->number && memcmp(at->hash, b->hash, 32) != 0)
            fork = b->number;
        at->number = b->number;
        memcpy(at->hash, b->hash, 32);
    }
    if (fork != UINT64_MAX) {
        chain_forget_view(chain);
        uint64_t depth = chain->head.number - fork + 1;
        chain->reorgs++;
        chain->deepest = depth > chain->deepest ? depth : chain->deepest;
        pool_epoch(chain->pool, fork);
        log_line(chain->desk->logger, HAWSE_LOG_WARN, "tx",
                 "%s: reorganised from block %llu on, %llu deep", chain->config->name,
                 (unsigned long long)fork, (unsigned long long)depth);
    }
    chain->head = *head;
    chain->base_fee = fees_next_base(head->base_fee, head->gas_used, head->gas_limit,
                                     chain->config->tx.base_fee_denominator);
    fees_trend_add(&chain->trend, chain->base_fee);
    alarms_fees(chain);
}

/* Is everything known of the present head that anybody needs? */
static bool all_viewed(const struct desk_chain *chain)
{
    bool all = chain->fees_head == chain->head.number;
    for (const struct desk_account *a = chain->accounts; a; a = a->next)
        all = all && (!is_watched(a) || a->view_head == chain->head.number);
    return all;
}

/* No new block. */
static void still(struct desk_chain *chain)
{
    chain->refreshing = false;
    chain->failures = 0;
    chain->view_ns = chain_looks(chain) ? loop_now(chain->desk->loop) : 0;
    chain_pump(chain);
    look_again(chain);
}

static void on_parent(struct desk_ask *ask, const struct pool_result *r);

/* Back from the new head to a block that is known. */
static void walk_on(struct desk_chain *chain)
{
    const struct answer_block *last = &chain->walk[chain->walk_count - 1];
    const struct desk_block *below = last->number > 0 ? ring_at(chain, last->number - 1) : NULL;
    bool joined = chain->head.number == 0 || !below || last->number == 0 ||
                  (below->number == last->number - 1 && memcmp(below->hash, last->parent, 32) == 0);
    if (joined || chain->walk_count == DESK_WALK || last->number + DESK_WALK < chain->head.number) {
        take_walk(chain);
        ask_rest(chain);
        chain_pump(chain); /* what its parent's view suffices for */
        return;
    }
    struct desk_ask ask = {.done = on_parent};
    char params[96] = "[\"0x";
    hawse_hex_encode(last->parent, 32, params + 4);
    (void)snprintf(params + 68, sizeof(params) - 68, "\",false]");
    if (!desk_ask(chain, &ask, "eth_getBlockByHash", params, 0, POOL_DECISION, ASK_MS)) {
        chain->refresh_failed = true;
        refresh_end(chain);
    }
}

static void on_parent(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_chain *chain = ask->chain;
    struct answer_block *b = &chain->walk[chain->walk_count];
    const struct answer_block *child = b - 1;
    if (r->status != HAWSE_OK || answer_block(r->body, r->body_len, b) != HAWSE_OK ||
        memcmp(b->hash, child->parent, 32) != 0 || b->number + 1 != child->number) {
        chain->refresh_failed = true;
        refresh_end(chain);
        return;
    }
    chain->walk_count++;
    walk_on(chain);
}

static void on_head(struct desk_ask *ask, const struct pool_result *r)
{
    struct desk_chain *chain = ask->chain;
    struct answer_block *b = &chain->walk[0];
    if (r->status != HAWSE_OK || answer_block(r->body, r->body_len, b) != HAWSE_OK ||
        b->number == 0) {
        chain->refresh_failed = true;
        refresh_end(chain);
        return;
    }
    if (chain->head.number == b->number && memcmp(chain->head.hash, b->hash, 32) == 0) {
        if (all_viewed(chain))
            still(chain);
        else
            ask_rest(chain);
        return;
    }
    chain->walk_count = 1;
    walk_on(chain);
}

static void refresh_begin(struct desk_chain *chain)
{
    chain->refreshing = true;
    chain->refresh_failed = false;
    for (struct desk_account *a = chain->accounts; a; a = a->next)
        a->asked = false; /* one that comes meanwhile has not been read by this refresh */
}

static void refresh(struct desk_chain *chain)
{
    struct desk_ask ask = {.done = on_head};
    if (chain->refreshing)
        return;
    refresh_begin(chain);
    if (!desk_ask(chain, &ask, "eth_getBlockByNumber", "[\"latest\",false]", POOL_FRESH,
                  POOL_DECISION, ASK_MS)) {
        chain->refresh_failed = true;
        refresh_end(chain);
    }
}

/* The block on top of the head, told by push: known without being asked for. Anything else that is
 * pushed only says that there is news. */
static bool take_pushed(struct desk_chain *chain)
{
    uint8_t text[POOL_HEADER];
    struct answer_block b;
    size_t len = pool_pushed(chain->pool, text);
    bool asking_head = chain->refreshing && chain->refresh_left == 0;
    if (len == 0 || asking_head || answer_block(text, len, &b) != HAWSE_OK ||
        chain->head.number == 0 || b.number != chain->head.number + 1 ||
        memcmp(b.parent, chain->head.hash, 32) != 0)
        return false;
    chain->walk[0] = b;
    chain->walk_count = 1;
    take_walk(chain);
    return true;
}

/* Then what a new block brings goes first, and its view may wait a moment. */
static bool all_quiet(const struct desk_chain *chain)
{
    bool all = true;
    for (const struct desk_account *a = chain->accounts; a && all; a = a->next)
        all = !is_watched(a) || (is_quiet(a) && !a->queue);
    return all;
}

/* A provider told of a new block. What its parent's view suffices for goes on at once. */
static void on_push(void *ctx)
{
    struct desk_chain *chain = ctx;
    if (!chain_looks(chain))
        return;
    bool taken = take_pushed(chain);
    chain->pushed = chain->refreshing;
    if (taken)
        chain_pump(chain);
    if (chain->refreshing)
        return; /* a new account's question may have begun one */
    if (taken && !all_quiet(chain)) {
        refresh_begin(chain);
        ask_rest(chain);
    } else {
        arm(chain, taken ? REST_MS : 0);
    }
}

static void on_timer(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    refresh(ctx);
}

/* ---- there and gone ---- */

/* The accounts that are looked at also while nothing of theirs is open. */
static int32_t watch_accounts(struct desk_chain *chain, struct fault *fault)
{
    const struct desk *desk = chain->desk;
    const struct signer *signer = desk->options.signer;
    for (size_t i = 0; chain->config->tx.keep_view && i < signer_count(signer); i++) {
        const struct signer_key *key = signer_at(signer, i);
        if (key->public.kind != KEY_SECP256K1 || config_relay_key(desk->config, key->name) ||
            key_locks_check(&key->locks, key->name, &chain->name, NULL) != HAWSE_OK)
            continue;
        if (!chain_account(chain, key->name, fault))
            return fault->code;
    }
    return HAWSE_OK;
}

int32_t chain_open(struct desk *desk, size_t index, struct fault *fault)
{
    struct desk_chain *chain = &desk->chains[index];
    struct sim_port port = {.ctx = chain, .call = desk_sim_call};
    struct sim_options options = {.inspect = false};
    chain->desk = desk;
    if (config_chain_copy(&desk->config->chains[index], &chain->copy) != HAWSE_OK)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for chains");
    chain->config = &chain->copy;
    chain->pool = desk->options.pools[index];
    chain->name = chain_evm(chain->config->chain_id);
    chain->intents_end = &chain->intents;
    chain->timer = (struct loop_timer){.fn = on_timer, .ctx = chain};
    if (desk_is_solana(chain))
        return solana_open(chain, fault);
    if (!alarms_open(chain))
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for metrics");
    if (chain->config->tx.tenderly.url)
        port.post = desk_sim_post;
    options.inspect = chain->config->tx.call_tree != CALL_TREE_OFF;
    for (uint32_t i = 0; i < SIM_ENGINES; i++)
        options.order[i] = (enum sim_engine)chain->config->tx.engines[i];
    pool_listen(chain->pool, desk->loop, on_push, chain);
    int32_t code = sim_create(&options, &port, &chain->sim);
    if (code != HAWSE_OK)
        return fault_set(fault, code, "no memory for simulations");
    code = watch_accounts(chain, fault);
    return code == HAWSE_OK ? private_open(chain, fault) : code;
}

void chain_quiet(struct desk_chain *chain)
{
    if (chain->pool)
        pool_listen(chain->pool, NULL, NULL, NULL);
    solana_canceled(chain);
}

void chain_close(struct desk_chain *chain)
{
    if (chain->timer.heap_index != 0)
        loop_timer_cancel(chain->desk->loop, &chain->timer);
    while (chain->accounts) {
        struct desk_account *next = chain->accounts->next;
        free(chain->accounts);
        chain->accounts = next;
    }
    solana_close(chain);
    sim_destroy(chain->sim);
    relay_client_destroy(chain->relay);
    config_chain_finish(&chain->copy);
}
