/*
 * See nonce_redis.h. A call becomes a script; its answer is told to the caller, and then written to
 * the mirror, in the group that the caller opened on being told, so that what it journals about a
 * number and the number itself are on the disk together.
 */
#include "tx/nonce_redis.h"

#include "tx/nonce_lua.h"
#include "tx/nonce_private.h"

#include "loop/loop.h"
#include "store/journal_nonces.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/hex.h>
#include <hawse/types.h>
#include <hiredis/hiredis.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const uint64_t MS = 1000000ULL;
enum { ARGUMENTS = 5 + NONCE_LUA_KEYS + NONCE_LUA_FIXED + 4 * NONCE_LIST, PAUSE_MS = 5000 };

struct account {
    struct account *next;
    struct nonce_key key;
    char keys[NONCE_LUA_KEYS][128];
    uint64_t others; /* numbers that other hosts have */
    bool synced;     /* was told what we have, on this connection */
    bool alone;      /* the server has it that nobody else may use it */
};

struct shared {
    struct nonces base;
    struct journal *journal;
    struct nonces *local;
    struct loop *loop;
    struct redis_link *link;
    struct loop_timer look;
    struct nonce_redis_options options;
    struct nonce_lua scripts[NONCE_SCRIPTS];
    struct account *accounts;
    int lease_fd;
    bool closing;
    char host[33]; /* the journal's id */
    uint64_t life; /* of this connection */
    struct nonce_entry entries[NONCE_ROWS];
    struct nonce_gap gaps[NONCE_GAPS];
    struct journal_nonce_row rows[NONCE_LIST];
};

/* One script under way. */
struct ask {
    struct shared *shared;
    struct account *account;
    struct nonce_call call; /* done NULL: of our own */
    enum nonce_script script;
    char token[33];
    bool full;  /* of a sync: tells all that we have */
    bool again; /* with the whole text: the server did not know it */
    int count;
    char *text[ARGUMENTS]; /* the arguments, malloc'd */
};

/* ---- accounts ---- */

static struct account *account_of(struct shared *shared, const struct nonce_key *key)
{
    static const char *const parts[NONCE_LUA_KEYS] = {"m", "e", "f", "r", "s", "d"};
    char sender[41] = "";
    struct account *a = shared->accounts;
    while (a && (a->key.chain_id != key->chain_id || memcmp(a->key.sender, key->sender, 20) != 0))
        a = a->next;
    if (a || !(a = calloc(1, sizeof(*a))))
        return a;
    a->key = *key;
    hawse_hex_encode(key->sender, 20, sender);
    for (size_t i = 0; i < NONCE_LUA_KEYS; i++)
        (void)snprintf(a->keys[i], sizeof(a->keys[i]), "{%.40s:%llu:0x%s}:%s",
                       shared->options.prefix, (unsigned long long)key->chain_id, sender, parts[i]);
    a->next = shared->accounts;
    shared->accounts = a;
    return a;
}

static struct journal_account row_of(const struct account *account)
{
    struct journal_account row = {.chain_id = account->key.chain_id};
    memcpy(row.sender, account->key.sender, 20);
    return row;
}

/* ---- asking ---- */

static void ask_free(struct ask *ask)
{
    for (int i = 0; i < ask->count; i++)
        free(ask->text[i]);
    free(ask);
}

static void add(struct ask *ask, const char *text)
{
    ask->text[ask->count++] = strdup(text);
}

static void add_number(struct ask *ask, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    add(ask, text);
}

static void add_hex(struct ask *ask, const uint8_t *data, size_t len)
{
    char text[65] = "";
    hawse_hex_encode(data, len, text);
    text[2 * len] = 0;
    add(ask, text);
}

/* What every script takes. The lowest number that was never signed with comes from the journal each
 * time: the server may have forgotten. */
static struct ask *ask_new(struct shared *shared, struct account *account, enum nonce_script script)
{
    struct ask *ask = account ? calloc(1, sizeof(*ask)) : NULL;
    uint64_t high = 0;
    if (!ask)
        return NULL;
    ask->shared = shared;
    ask->account = account;
    ask->script = script;
    add(ask, "EVALSHA");
    add(ask, shared->scripts[script].sha);
    add_number(ask, NONCE_LUA_KEYS);
    for (size_t i = 0; i < NONCE_LUA_KEYS; i++)
        add(ask, account->keys[i]);
    (void)journal_high_water(shared->journal, account->key.chain_id, account->key.sender, &high,
                             NULL);
    add_number(ask, shared->base.options.ttl_ns / MS);
    add_number(ask, shared->options.pause_ms);
    add(ask, shared->host);
    add(ask, shared->lease_fd >= 0 ? "1" : "0");
    add_number(ask, high);
    add_number(ask, shared->life);
    return ask;
}

static void on_reply(void *ctx, const struct redisReply *reply);

static void ask_send(struct ask *ask)
{
    for (int i = 0; i < ask->count; i++) {
        if (!ask->text[i]) { /* memory was out */
            on_reply(ask, NULL);
            return;
        }
    }
    redis_link_send(ask->shared->link, ask->count, (const char **)(void *)ask->text, NULL, on_reply,
                    ask);
}

/* One change of the mirror, in the group that is open or one of its own. */
static void change_mirror(struct shared *shared, const struct journal_account *row,
                          enum journal_nonce_op op, uint64_t number)
{
    uint64_t changed;
    bool own = !journal_in_group(shared->journal);
    if (own && journal_begin(shared->journal, NULL) != HAWSE_OK)
        return;
    (void)journal_nonce_do(shared->journal, row, op, number, 0, &changed, NULL);
    if (own)
        (void)journal_commit(shared->journal, NULL);
}

/* Of what we have, all that was sent, and what is reserved and may still be used. */
static void add_rows(struct ask *ask)
{
    struct shared *shared = ask->shared;
    struct journal_account row = row_of(ask->account);
    uint64_t now = shared->base.options.clock(shared->base.options.clock_ctx);
    size_t count = 0;
    bool free_rows = false;
    struct fault fault = {0};
    bool read = journal_account_get(shared->journal, &row, &fault) == HAWSE_OK &&
                journal_nonce_rows(shared->journal, &row, 0, INT64_MAX, true, shared->rows,
                                   NONCE_LIST, &count, &fault) == HAWSE_OK;
    bool all = count < NONCE_LIST;
    ask->account->synced = read; /* else at the next call once more */
    add_number(ask, row.floor);
    if (read)
        add_number(ask, all ? NONCE_MAX : shared->rows[count - 1].number);
    else
        add(ask, "-1"); /* what the journal does not tell may be there */
    for (size_t i = 0; i < count && read; i++) {
        const struct journal_nonce_row *r = &shared->rows[i];
        bool held = r->state == NONCE_RESERVED && now - r->since_ns < shared->base.options.ttl_ns;
        free_rows = free_rows || r->state == NONCE_FREE;
        if (!held && r->state != NONCE_SENT)
            continue;
        add_number(ask, r->number);
        add_number(ask, r->state);
        add_hex(ask, r->token, 16);
        add_hex(ask, r->hash, 32);
    }
    if (free_rows) /* the server's to give: it may be another's by now */
        change_mirror(shared, &row, JOURNAL_NONCE_DROP_FREE, INT64_MAX);
}

/* Tells the server what we have: before anything else when it may have forgotten. */
static void sync_account(struct shared *shared, struct account *account)
{
    struct ask *ask = ask_new(shared, account, NONCE_LUA_SYNC);
    if (!ask)
        return;
    ask->full = true;
    add_rows(ask);
    shared->base.counts.resynced++;
    ask_send(ask);
}

/* ---- answers ---- */

static int32_t code_of(const char *status, const char **words)
{
    static const struct {
        const char *status;
        int32_t code;
        const char *words;
    } table[] = {
        {"OK", HAWSE_OK, ""},
        {"AGAIN", HAWSE_E_AGAIN, "as many as may be are in flight"},
        {"TIMEOUT", HAWSE_E_AGAIN,
         "Redis was started anew or does not know the account yet; hosts tell it what they have"},
        {"RANGE", HAWSE_E_RANGE, "was never handed out, or is mined, or all were used"},
        {"EXISTS", HAWSE_E_EXISTS, "somebody has it"},
        {"ALIVE", HAWSE_E_EXISTS,
         "the host that marked it as sent was heard of less than 30 s ago: it looks after it"},
        {"STALE", HAWSE_E_STALE, "is not yours any more, or next is another than was expected"},
        {"STATE", HAWSE_E_STATE, "some of the numbers from the target on were used"},
        {"DENIED", HAWSE_E_STATE,
         "another host holds the lease or has a copy of this journal, or numbers are being told "
         "again"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(status, table[i].status) == 0) {
            *words = table[i].words;
            return table[i].code;
        }
    }
    *words = "Redis gave an answer that is none";
    return HAWSE_E_FORMAT;
}

static uint64_t number_at(const struct redisReply *reply, size_t i)
{
    return strtoull(reply->element[i]->str, NULL, 10);
}

static bool well_formed(const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < NONCE_LUA_ANSWER)
        return false;
    for (size_t i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type != REDIS_REPLY_STRING)
            return false;
    }
    return true;
}

/* "number state since hash" */
static bool read_entry(const char *text, struct nonce_entry *out)
{
    unsigned long long number = 0, since = 0;
    unsigned state = 0;
    char hash[65] = "";
    int got = sscanf(text, "%20llu %1u %20llu %64s", &number, &state, &since, hash);
    memset(out, 0, sizeof(*out));
    out->nonce.number = number;
    out->state = (enum nonce_state)state;
    out->since_ns = since * MS;
    return got == 3 || (got == 4 && strlen(hash) == 64 &&
                        hawse_hex_decode((const uint8_t *)hash, out->hash, 32) == HAWSE_OK);
}

static void read_gaps(struct ask *ask, const struct redisReply *reply, struct nonce_answer *answer)
{
    struct shared *shared = ask->shared;
    const struct nonce_view *view = &ask->call.view;
    size_t count = 0;
    for (size_t i = NONCE_LUA_ANSWER; i < reply->elements && count < NONCE_ROWS - 1; i++)
        count += read_entry(reply->element[i]->str, &shared->entries[count]);
    uint64_t end = view->latest + NONCE_ROWS - 1;
    answer->gaps = shared->gaps;
    answer->gap_count =
        nonce_find_gaps(view, answer->next < end ? answer->next : end, number_at(reply, 7) * MS,
                        shared->entries, count, shared->gaps);
}

/* What the journal has to know to go on alone, or to tell the server again. */
static void mirror_rows(struct ask *ask, const struct nonce_answer *answer, struct fault *fault)
{
    struct journal *journal = ask->shared->journal;
    struct journal_account account = row_of(ask->account);
    struct journal_nonce_row row = {.number = answer->nonce.number};
    uint64_t changed;
    uint64_t now = ask->shared->base.options.clock(ask->shared->base.options.clock_ctx);
    (void)journal_account_get(journal, &account, fault);
    account.next = answer->next;
    row.since_ns = now;
    memcpy(row.token, answer->nonce.token, 16);
    memcpy(row.hash, ask->call.hash, 32);
    row.state = ask->script == NONCE_LUA_SENT ? NONCE_SENT : NONCE_RESERVED;
    if (ask->script == NONCE_LUA_RESERVE || ask->script == NONCE_LUA_CLAIM ||
        ask->script == NONCE_LUA_SENT)
        (void)journal_nonce_put(journal, &account, &row, fault);
    if (ask->script == NONCE_LUA_RELEASE)
        (void)journal_nonce_do(journal, &account, JOURNAL_NONCE_DELETE, row.number, 0, &changed,
                               fault);
    if (ask->script == NONCE_LUA_MINED) {
        uint64_t latest = ask->call.a;
        account.floor = latest > account.floor ? latest : account.floor;
        (void)journal_nonce_do(journal, &account, JOURNAL_NONCE_MINED, latest, now, &changed,
                               fault);
        (void)journal_nonce_do(journal, &account, JOURNAL_NONCE_DROP_LOST, latest, 0, &changed,
                               fault);
        (void)journal_nonce_do(journal, &account, JOURNAL_NONCE_PRUNE,
                               latest > NONCE_MINED_KEPT ? latest - NONCE_MINED_KEPT : 0, 0,
                               &changed, fault);
    }
    (void)journal_account_put(journal, &account, fault);
}

static void mirror(struct ask *ask, const struct nonce_answer *answer)
{
    struct journal *journal = ask->shared->journal;
    struct fault fault = {0};
    bool own = !journal_in_group(journal);
    if (answer->status != HAWSE_OK || ask->script == NONCE_LUA_GAPS ||
        (own && journal_begin(journal, &fault) != HAWSE_OK))
        return;
    mirror_rows(ask, answer, &fault);
    if (own)
        (void)journal_commit(journal, &fault);
}

/* ---- without the server ---- */

static bool may_go_alone(const struct shared *shared, const struct account *account)
{
    return shared->lease_fd >= 0 && account && account->alone && account->others == 0;
}

/* The journal's answer becomes ours. */
static void on_local(void *ctx, const struct nonce_answer *answer)
{
    struct ask *ask = ctx;
    nonce_answer(&ask->shared->base, &ask->call, answer);
}

static void stopped(struct ask *ask)
{
    struct nonce_answer answer = {.status = HAWSE_E_STATE};
    (void)fault_set(
        &answer.fault, HAWSE_E_STATE,
        "Redis does not answer, or was not told what this host has, and other hosts may "
        "be using the key: nothing is sent");
    fault_hint(&answer.fault, "start Redis again; or let one host go on alone: nonces.redis.lease");
    nonce_answer(&ask->shared->base, &ask->call, &answer);
}

/* Was the number sent for before? Then its hash alone was to change. */
static bool is_replacement(struct ask *ask)
{
    struct journal_account account = row_of(ask->account);
    struct journal_nonce_row row;
    size_t count = 0;
    uint64_t n = ask->call.nonce.number;
    (void)journal_nonce_rows(ask->shared->journal, &account, n, n + 1, false, &row, 1, &count,
                             NULL);
    return count == 1 && row.state >= NONCE_SENT;
}

static void canceled(struct ask *ask)
{
    struct nonce_answer answer = {.status = HAWSE_E_CANCELED};
    (void)fault_set(&answer.fault, HAWSE_E_CANCELED, "nonces are closed");
    nonce_answer(&ask->shared->base, &ask->call, &answer);
}

static void unanswered(struct ask *ask)
{
    struct shared *shared = ask->shared;
    if (!ask->call.done)
        return;
    if (shared->closing) {
        canceled(ask);
        return;
    }
    if (may_go_alone(shared, ask->account)) {
        struct nonce_call call = ask->call;
        call.done = on_local;
        call.ctx = ask;
        shared->local->backend->call(shared->local, &call);
        return;
    }
    if (ask->script == NONCE_LUA_SENT && ask->account && !is_replacement(ask)) {
        /* marked or not, its bytes are thrown away: it is not ours any more, which the server is
         * told by not being told of it */
        struct journal_account row = row_of(ask->account);
        change_mirror(shared, &row, JOURNAL_NONCE_DELETE, ask->call.nonce.number);
    }
    stopped(ask);
}

/* ---- the server's answers ---- */

static void answered(struct ask *ask, const struct redisReply *reply)
{
    struct nonce_answer answer = {.nonce = ask->call.nonce};
    struct account *account = ask->account;
    const char *words = "";
    answer.status = code_of(reply->element[0]->str, &words);
    answer.nonce.number = number_at(reply, 1);
    answer.next = number_at(reply, 2);
    answer.in_flight = (uint32_t)number_at(reply, 3);
    answer.foreign = number_at(reply, 4);
    account->others = number_at(reply, 5);
    account->alone = ask->shared->lease_fd >= 0;
    if (ask->script == NONCE_LUA_RESERVE || ask->script == NONCE_LUA_CLAIM)
        (void)hawse_hex_decode((const uint8_t *)ask->token, answer.nonce.token, 16);
    if (answer.status != HAWSE_OK)
        (void)fault_set(&answer.fault, answer.status, "a nonce of chain %llu: %s",
                        (unsigned long long)account->key.chain_id, words);
    else if (ask->script == NONCE_LUA_GAPS)
        read_gaps(ask, reply, &answer);
    bool told = strcmp(reply->element[6]->str, "1") == 0;
    if (ask->call.done) {
        nonce_answer(&ask->shared->base, &ask->call, &answer);
        mirror(ask, &answer);
    }
    if (!told && !ask->full) /* it has lost everything, and the connection is the same */
        sync_account(ask->shared, account);
}

static void on_reply(void *ctx, const struct redisReply *reply)
{
    struct ask *ask = ctx;
    bool unknown = reply && reply->type == REDIS_REPLY_ERROR &&
                   strncmp(reply->str, "NOSCRIPT", 8) == 0 && !ask->again;
    if (unknown) { /* once: then the server has it */
        free(ask->text[0]);
        free(ask->text[1]);
        ask->again = true;
        ask->text[0] = strdup("EVAL");
        ask->text[1] = strdup(ask->shared->scripts[ask->script].text);
        ask_send(ask);
        return;
    }
    if (reply && well_formed(reply))
        answered(ask, reply);
    else
        unanswered(ask);
    ask_free(ask);
}

/* ---- calls ---- */

static void add_step(struct ask *ask)
{
    const struct nonce_call *call = &ask->call;
    uint8_t token[16];
    randombytes_buf(token, sizeof(token));
    hawse_hex_encode(token, 16, ask->token);
    switch (call->op) {
    case NONCE_OP_RESERVE:
        add_number(ask, call->a);
        add_number(ask, call->b);
        add(ask, ask->token);
        add(ask, call->alone ? "1" : "0");
        break;
    case NONCE_OP_CLAIM:
        add_number(ask, call->a);
        add(ask, ask->token);
        add(ask, call->take ? "1" : "0");
        break;
    case NONCE_OP_GAPS:
        add_number(ask, call->view.latest);
        add_number(ask, call->view.pending);
        add_number(ask, NONCE_ROWS - 1);
        break;
    case NONCE_OP_MINED:
    case NONCE_OP_REWIND:
        add_number(ask, call->a);
        add_number(ask, call->b);
        break;
    default: /* sent and release */
        add_number(ask, call->nonce.number);
        add_hex(ask, call->nonce.token, 16);
        add_hex(ask, call->hash, 32);
    }
}

static void shared_call(struct nonces *base, const struct nonce_call *call)
{
    static const enum nonce_script scripts[NONCE_OP_COUNT] = {
        [NONCE_OP_RESERVE] = NONCE_LUA_RESERVE, [NONCE_OP_CLAIM] = NONCE_LUA_CLAIM,
        [NONCE_OP_SENT] = NONCE_LUA_SENT,       [NONCE_OP_RELEASE] = NONCE_LUA_RELEASE,
        [NONCE_OP_MINED] = NONCE_LUA_MINED,     [NONCE_OP_REWIND] = NONCE_LUA_REWIND,
        [NONCE_OP_GAPS] = NONCE_LUA_GAPS};
    struct shared *shared = (struct shared *)base;
    if (call->op == NONCE_OP_LIST) { /* what this host has: the mirror knows */
        shared->local->backend->call(shared->local, call);
        return;
    }
    struct account *account = account_of(shared, &call->key);
    if (account && !account->synced && redis_link_up(shared->link))
        sync_account(shared, account); /* goes before */
    bool told = account && (account->synced || !redis_link_up(shared->link));
    struct ask *ask = told ? ask_new(shared, account, scripts[call->op]) : NULL;
    if (!ask) {
        struct ask none = {.shared = shared, .call = *call};
        stopped(&none);
        return;
    }
    ask->call = *call;
    add_step(ask);
    ask_send(ask);
}

static enum nonce_mode shared_mode(const struct nonces *base)
{
    const struct shared *shared = (const struct shared *)base;
    bool alone = shared->lease_fd >= 0;
    for (const struct account *a = shared->accounts; a && alone; a = a->next)
        alone = may_go_alone(shared, a);
    return redis_link_up(shared->link) ? NONCE_SHARED : alone ? NONCE_ALONE : NONCE_STOPPED;
}

/* ---- there and gone ---- */

/* Greater than any before, also when the journal cannot be written: by the clock. */
static uint64_t new_life(struct shared *shared)
{
    uint64_t now = loop_utc() / MS, life = 0;
    bool own = !journal_in_group(shared->journal);
    if (own && journal_begin(shared->journal, NULL) != HAWSE_OK)
        return now > shared->life ? now : shared->life + 1;
    int32_t code = journal_nonce_life(shared->journal, now, &life, NULL);
    if (own && code == HAWSE_OK)
        code = journal_commit(shared->journal, NULL);
    return code == HAWSE_OK && life > shared->life ? life : shared->life + 1;
}

static void on_state(void *ctx, bool up, const char *why)
{
    struct shared *shared = ctx;
    char text[320];
    if (up)
        shared->life = new_life(shared);
    for (struct account *a = shared->accounts; a && up; a = a->next)
        sync_account(shared, a); /* goes before whatever is asked from now on */
    (void)snprintf(text, sizeof(text), "nonces: %s%s%s",
                   nonce_mode_name(shared_mode(&shared->base)), up ? "" : ": Redis: ", why);
    if (shared->options.notify)
        shared->options.notify(shared->options.notify_ctx, text);
}

/* A server that was started anew is met in time, also by a host that has nothing to ask. */
static void on_look(void *ctx, uint64_t now_ns)
{
    struct shared *shared = ctx;
    for (struct account *a = shared->accounts; a && redis_link_up(shared->link); a = a->next) {
        struct ask *ask = ask_new(shared, a, NONCE_LUA_SYNC);
        if (!ask)
            break;
        add_number(ask, 0);
        add(ask, "-1");
        ask_send(ask);
    }
    (void)loop_timer_set(shared->loop, &shared->look, now_ns + shared->options.pause_ms * MS / 5);
}

static void shared_close(struct nonces *base)
{
    struct shared *shared = (struct shared *)base;
    struct account *next;
    shared->closing = true;
    loop_timer_cancel(shared->loop, &shared->look);
    redis_link_close(shared->link); /* answers what waits */
    nonces_close(shared->local);
    for (struct account *a = shared->accounts; a; a = next) {
        next = a->next;
        free(a);
    }
    if (shared->lease_fd >= 0)
        (void)close(shared->lease_fd);
    free(shared);
}

static int32_t take_lease(struct shared *shared, const char *path, struct fault *fault)
{
    shared->lease_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (shared->lease_fd < 0)
        return fault_set(fault, HAWSE_E_IO, "%s: the lease of nonces: %s", path, strerror(errno));
    if (flock(shared->lease_fd, LOCK_EX | LOCK_NB) == 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_EXISTS, "%s: another host holds the lease of nonces", path);
    fault_hint(fault,
               "leave nonces.redis.lease out of this host's configuration, or stop the other");
    return HAWSE_E_EXISTS;
}

/* What earlier runs used is told to the server at once: it may be starting anew just now. */
static int32_t know_account(void *ctx, const struct journal_account *row)
{
    struct nonce_key key = {.chain_id = row->chain_id};
    memcpy(key.sender, row->sender, 20);
    return account_of(ctx, &key) ? HAWSE_OK : HAWSE_E_NOMEM;
}

int32_t nonces_open_redis(struct journal *journal, struct loop *loop,
                          const struct nonce_options *options,
                          const struct nonce_redis_options *redis, struct nonces **out,
                          struct fault *fault)
{
    static const struct nonce_backend backend = {shared_call, shared_mode, shared_close};
    struct shared *shared = calloc(1, sizeof(*shared));
    uint8_t host[16];
    *out = NULL;
    if (!shared)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for nonces");
    nonces_init(&shared->base, &backend, options);
    shared->journal = journal;
    shared->loop = loop;
    shared->options = *redis;
    shared->options.prefix = redis->prefix ? redis->prefix : "hawse";
    shared->options.pause_ms = redis->pause_ms ? redis->pause_ms : PAUSE_MS;
    shared->lease_fd = -1;
    shared->look = (struct loop_timer){.fn = on_look, .ctx = shared};
    journal_identity(journal, host);
    hawse_hex_encode(host, sizeof(host), shared->host);
    for (int i = 0; i < NONCE_SCRIPTS; i++)
        nonce_lua_make((enum nonce_script)i, &shared->scripts[i]);
    int32_t code = redis->lease ? take_lease(shared, redis->lease, fault) : HAWSE_OK;
    if (code == HAWSE_OK)
        code = nonces_open(journal, options, &shared->local, fault);
    if (code == HAWSE_OK)
        code = journal_accounts(journal, know_account, shared, fault);
    if (code == HAWSE_OK)
        code = redis_link_open(loop, &redis->server, on_state, shared, &shared->link, fault);
    if (code != HAWSE_OK) {
        shared_close(&shared->base);
        return code;
    }
    (void)loop_timer_set(loop, &shared->look, loop_clock() + shared->options.pause_ms * MS / 5);
    *out = &shared->base;
    return HAWSE_OK;
}
