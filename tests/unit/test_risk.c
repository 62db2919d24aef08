/*
 * The gates, both sides of each: state, switches, breaker, counts and amounts.
 */
#include "risk_rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

TEST(risk_passes, "what is within everything passes every stage, and is held until it ended")
{
    struct rig r;
    struct risk_status s;
    rig_start(&r);
    rig_pass(&r, RISK_BEFORE);
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK_EQ(s.open_intents, 0);
    rig_pass(&r, RISK_AFTER);
    rig_pass(&r, RISK_AFTER); /* the same again holds no more */
    rig_pass(&r, RISK_SIGN);
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK_EQ(s.open_intents, 1);
    CHECK_EQ(s.intents_today, 1);
    CHECK_EQ_U64(s.passed, 4);
    rig_end(&r, RISK_SUCCEEDED);
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK(s.open_intents == 0 && s.intents_today == 1 && s.breaker == BREAKER_CLOSED && !s.killed);
    CHECK_EQ(risk_status(r.risk, "nobody", NOON, &s), HAWSE_E_NOTFOUND);
    CHECK_STR(r.v.warning, "");
    rig_stop(&r);
}

TEST(risk_unknown, "an instance or a chain that nothing is known of is refused")
{
    struct rig r;
    char longest[80];
    rig_start(&r);
    r.c.instance = "nobody";
    rig_refused(&r, RISK_BEFORE, "limits", "no such instance");
    r.c.instance = "b";
    rig_refused(&r, RISK_BEFORE, "limits",
                "instances.b.limits has nothing for the chain \"gnosis\"");
    r.c.instance = "a";
    memset(longest, 'x', sizeof(longest));
    r.intent.chain = (hawse_view_t){(const uint8_t *)longest, sizeof(longest)};
    rig_refused(&r, RISK_BEFORE, "limits", "no such instance or chain");
    r.intent.chain.len = 6;
    rig_refused(&r, RISK_BEFORE, "limits", "nothing is allowed there");
    rig_stop(&r);
}

/* ---- state ---- */

TEST(risk_kill, "a kill switch stops one instance or all, survives a restart, and needs no host")
{
    struct rig r;
    struct fault fault = {0};
    char path[600], why[256];
    rig_start(&r);
    CHECK(!risk_killed(r.risk, "a", NULL, 0));
    CHECK_EQ(risk_kill(r.risk, "a", "command", "by hand", &fault), HAWSE_OK);
    CHECK(r.notes == 1 && strstr(r.note, "a: command: by hand"));
    rig_refused(&r, RISK_BEFORE, "kill", "command: by hand");
    rig_refused(&r, RISK_AFTER, "kill", "hawse resume");
    rig_refused(&r, RISK_SIGN, "kill", "hawse resume");
    CHECK(!risk_killed(r.risk, "b", NULL, 0) && !risk_killed(r.risk, NULL, NULL, 0));
    risk_destroy(r.risk);
    rig_open(&r);
    rig_refused(&r, RISK_BEFORE, "kill", "by hand");
    CHECK_EQ(risk_resume(r.risk, "a", &fault), HAWSE_OK);
    CHECK(strstr(r.note, "a: resumed"));
    rig_all(&r);
    CHECK_EQ(risk_resume(r.risk, "a", &fault), HAWSE_E_NOTFOUND);
    /* all: by a file that somebody made */
    (void)snprintf(path, sizeof(path), "%s/kill", r.dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    rig_refused(&r, RISK_BEFORE, "kill", "somebody made this file");
    CHECK(risk_killed(r.risk, "b", why, sizeof(why)) && strstr(why, path));
    fault_clear(&fault);
    CHECK_EQ(risk_resume(r.risk, "a", &fault), HAWSE_E_NOTFOUND); /* all are killed, not this one */
    CHECK(unlink(path) == 0);
    rig_all(&r);
    /* all: by what took a signal */
    CHECK_EQ(risk_kill(r.risk, NULL, "signal", "SIGUSR1", &fault), HAWSE_OK);
    rig_refused(&r, RISK_BEFORE, "kill", "signal: SIGUSR1");
    CHECK(access(path, F_OK) == 0);
    CHECK_EQ(risk_resume(r.risk, NULL, &fault), HAWSE_OK);
    rig_all(&r);
    rig_stop(&r);
}

TEST(risk_kill_disk,
     "a switch holds in memory when its file can't be written, and a folder that is gone stops all")
{
    struct rig r;
    struct fault fault = {0};
    char path[600];
    rig_start(&r);
    (void)snprintf(path, sizeof(path), "%s/kill.a", r.dir);
    CHECK(mkdir(path, 0700) == 0); /* nothing can be written there */
    CHECK_EQ(risk_kill(r.risk, "a", "alert", "x", &fault), HAWSE_E_IO);
    CHECK(strstr(fault.hint, "would not be after a restart"));
    CHECK(rmdir(path) == 0);
    rig_refused(&r, RISK_BEFORE, "kill", "though its file could not be written");
    CHECK_EQ(risk_resume(r.risk, "a", &fault), HAWSE_OK);
    rig_all(&r);
    CHECK(mkdir(path, 0700) == 0);
    fault_clear(&fault);
    CHECK_EQ(risk_resume(r.risk, "a", &fault), HAWSE_E_IO);
    CHECK(strstr(fault.message, "can't be removed"));
    CHECK(rmdir(path) == 0 && rmdir(r.dir) == 0);
    rig_refused(&r, RISK_BEFORE, "kill", "No such file");
    int fd = open(r.dir, O_CREAT | O_WRONLY, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    rig_refused(&r, RISK_BEFORE, "kill", "Not a directory");
    struct risk *other = NULL;
    const struct risk_options options = {r.dir, NULL, NULL};
    fault_clear(&fault);
    CHECK_EQ(risk_create(r.config, &options, &other, &fault), HAWSE_E_IO);
    CHECK(strstr(fault.message, "can't be made a folder"));
    rig_stop(&r);
    risk_destroy(NULL);
}

static void *turn(void *ctx)
{
    const struct rig *r = ctx;
    for (int i = 0; i < 40; i++) {
        (void)risk_kill(r->risk, "b", "command", "a thread", NULL);
        (void)risk_killed(r->risk, "a", NULL, 0);
        (void)risk_kill(r->risk, NULL, "signal", "a thread", NULL);
        (void)risk_killed(r->risk, "b", NULL, 0);
        (void)risk_resume(r->risk, NULL, NULL);
        (void)risk_resume(r->risk, "b", NULL);
    }
    return NULL;
}

TEST(risk_kill_threads, "switches are turned and asked by any thread, while the desk checks")
{
    struct rig r;
    pthread_t threads[2];
    rig_start(&r);
    struct risk_options quiet = {r.dir, NULL, NULL};
    risk_destroy(r.risk);
    CHECK_EQ(risk_create(r.config, &quiet, &r.risk, NULL), HAWSE_OK);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, turn, &r) == 0);
    for (int i = 0; i < 100; i++) {
        risk_check(r.risk, RISK_BEFORE, &r.c, &r.v);
        CHECK(r.v.answer == RISK_PASS || strcmp(r.v.gate, "kill") == 0);
    }
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    (void)risk_resume(r.risk, NULL, NULL);
    rig_all(&r);
    rig_stop(&r);
}

TEST(risk_mode,
     "shadow and replay sign nothing, dry-run passes all and signs nothing, canary is tight")
{
    static const struct {
        const char *mode, *words;
    } modes[] = {{"replay", "its mode is replay"}, {"shadow", "its mode is shadow"}};
    struct rig r;
    for (int i = 0; i < 2; i++) {
        char members[40];
        (void)snprintf(members, sizeof(members), ",\"mode\":\"%s\"", modes[i].mode);
        rig_start_with(&r, members, RIG_LIMITS);
        rig_refused(&r, RISK_BEFORE, "mode", modes[i].words);
        rig_stop(&r);
    }
    rig_start_with(&r, ",\"mode\":\"dry-run\"", RIG_LIMITS);
    rig_pass(&r, RISK_BEFORE);
    rig_refused(&r, RISK_AFTER, "dry_run", "every gate passed; its mode is dry-run");
    rig_refused(&r, RISK_SIGN, "dry_run", "nothing is signed");
    rig_stop(&r);
    rig_start_with(&r, ",\"mode\":\"canary\"", RIG_LIMITS);
    rig_refused(&r, RISK_BEFORE, "limits", "its limit per_intent (canary) is 100 usdc");
    rig_flow(&r, 0, USDC, 100000000, 0, 0);
    rig_sim_flow(&r, 0, USDC, 100000000, 0);
    rig_sim_flow(&r, 1, WETH, 0, 400 * MILLI);
    rig_flow(&r, 1, WETH, 0, 392 * MILLI, 400 * MILLI);
    rig_bind(&r);
    rig_all(&r);
    rig_flow(&r, 0, USDC, 100000001, 0, 0);
    rig_refused(&r, RISK_BEFORE, "limits", "100.000001 usdc");
    rig_stop(&r);
}

TEST(risk_maturity,
     "what is below allow is refused, experimental is never signed for, beta is a canary")
{
    struct rig r;
    rig_start(&r);
    r.c.maturity = MATURITY_BETA;
    rig_refused(&r, RISK_BEFORE, "mode",
                "what proposes this is beta, and the instance allows stable");
    rig_stop(&r);
    rig_start_with(&r, ",\"mode\":\"live\",\"allow\":\"experimental\"", RIG_LIMITS);
    rig_all(&r);
    r.c.maturity = MATURITY_BETA;
    rig_refused(&r, RISK_BEFORE, "limits", "(canary)");
    r.c.maturity = MATURITY_EXPERIMENTAL;
    rig_pass(&r, RISK_BEFORE);
    rig_refused(&r, RISK_AFTER, "dry_run", "what is experimental is never signed for");
    rig_stop(&r);
}

TEST(risk_stream, "a stream that is not live stops what depends on it, unless stale is good enough")
{
    struct rig r;
    rig_start(&r);
    r.c.dead_stream = "gnosis stream 1 (gap)";
    rig_refused(&r, RISK_BEFORE, "stream", "gnosis stream 1 (gap) is not live");
    rig_refused(&r, RISK_SIGN, "stream", "propose it again");
    r.intent.flags = HAWSE_INTENT_STALE_OK;
    rig_all(&r);
    rig_stop(&r);
}

TEST(risk_deadline, "a deadline holds to the nanosecond and to the block, for what is sent first")
{
    struct rig r;
    rig_start(&r);
    r.c.utc_ns = r.intent.deadline_ns;
    rig_all(&r);
    r.c.utc_ns++;
    rig_refused(&r, RISK_BEFORE, "deadline", "its deadline passed");
    r.c.tx_index = 1;
    risk_check(r.risk, RISK_SIGN, &r.c, &r.v);
    CHECK(strcmp(r.v.gate, "deadline") != 0);
    r.c.tx_index = 0;
    r.c.utc_ns = NOON;
    r.c.head = 8;
    rig_pass(&r, RISK_BEFORE);
    r.c.head = 9;
    rig_refused(&r, RISK_BEFORE, "deadline", "its last block was 9, and the next one is 10");
    r.intent.deadline_block = 0;
    r.intent.deadline_ns = 0;
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
}

/* ---- the breaker ---- */

static void one_ends(struct rig *r, uint64_t number, enum risk_outcome outcome)
{
    r->c.number = number;
    rig_pass(r, RISK_AFTER);
    rig_end(r, outcome);
}

TEST(risk_breaker,
     "the breaker opens at 3 failures in a row and closes after 10 probes, told at both edges")
{
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\"", MANY_LIMITS);
    one_ends(&r, 1, RISK_REVERTED);
    one_ends(&r, 2, RISK_EXPIRED);
    one_ends(&r, 3, RISK_SUCCEEDED); /* the row begins anew */
    one_ends(&r, 4, RISK_REFUSED);
    one_ends(&r, 5, RISK_REVERTED);
    one_ends(&r, 6, RISK_NOT_SENT); /* what was not sent, or taken back, counts neither way */
    one_ends(&r, 7, RISK_CANCELED);
    CHECK_EQ(r.notes, 0);
    one_ends(&r, 8, RISK_REVERTED);
    CHECK(r.notes == 1 && strstr(r.note, "a: breaker open"));
    rig_refused(&r, RISK_BEFORE, "breaker", "its breaker is open");
    rig_refused(&r, RISK_SIGN, "breaker", "60000 ms after it opened");
    rig_end(&r, RISK_REVERTED); /* a late one changes nothing */
    CHECK_EQ(r.notes, 1);
    r.intent.deadline_ns = 0;
    r.c.utc_ns = NOON + UINT64_C(60000000000) - 1;
    rig_refused(&r, RISK_BEFORE, "breaker", "open");
    r.c.utc_ns++;
    for (uint64_t i = 0; i < 10; i++) {
        r.c.number = 20 + i;
        rig_pass(&r, RISK_AFTER);
        rig_pass(&r, RISK_SIGN); /* the probe itself goes on */
        r.c.number = 99;
        rig_refused(&r, RISK_AFTER, "breaker", "a probe is under way");
        rig_end(&r, RISK_SUCCEEDED); /* one that was on its way before is no probe */
        r.c.number = 20 + i;
        if (i == 3)
            rig_end(&r, RISK_CANCELED); /* gives the place back, counts nothing */
        if (i == 3)
            rig_pass(&r, RISK_AFTER);
        rig_end(&r, RISK_SUCCEEDED);
        CHECK_EQ(r.notes, i < 9 ? 1 : 2);
    }
    CHECK(strstr(r.note, "a: breaker closed after 10 probes"));
    one_ends(&r, 40, RISK_REVERTED);
    one_ends(&r, 41, RISK_REVERTED);
    CHECK_EQ(r.notes, 2);
    rig_stop(&r);
}

TEST(risk_breaker_probe, "one failure of a probe opens it anew; an open breaker survives a restart")
{
    struct rig r;
    struct risk_status s;
    rig_start_with(&r, ",\"mode\":\"live\",\"breaker\":{\"failures\":1,\"pause_ms\":1000}",
                   MANY_LIMITS);
    r.intent.deadline_ns = 0;
    one_ends(&r, 1, RISK_REVERTED);
    r.c.utc_ns += UINT64_C(1000000000);
    one_ends(&r, 2, RISK_SUCCEEDED);
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK(s.breaker == BREAKER_HALF_OPEN && s.successes == 1);
    one_ends(&r, 3, RISK_REVERTED);
    CHECK_EQ(r.notes, 2);
    rig_refused(&r, RISK_BEFORE, "breaker", "open");
    risk_destroy(r.risk);
    rig_open(&r);
    rig_refused(&r, RISK_BEFORE, "breaker", "open"); /* the pause begins anew */
    r.c.utc_ns += UINT64_C(999999999);
    rig_refused(&r, RISK_BEFORE, "breaker", "open");
    r.c.utc_ns++;
    rig_pass(&r, RISK_BEFORE);
    /* a clock that is set back neither shortens the pause nor makes it endless */
    one_ends(&r, 4, RISK_REVERTED);
    r.c.utc_ns = NOON;
    rig_refused(&r, RISK_BEFORE, "breaker", "open");
    r.c.utc_ns = NOON + UINT64_C(1000000000);
    rig_pass(&r, RISK_BEFORE);
    risk_ended(r.risk, "gone", "gnosis", 1, RISK_REVERTED, NULL, 0, NOON);
    rig_stop(&r);
}

TEST(risk_break, "a breaker that is opened from outside is as one that opened by failures")
{
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\",\"breaker\":{\"successes\":1,\"pause_ms\":1000}",
                   MANY_LIMITS);
    r.intent.deadline_ns = 0;
    rig_pass(&r, RISK_BEFORE);
    risk_break(r.risk, "a", "alert: fund_loss of a", r.c.utc_ns);
    CHECK(r.notes == 1 && strstr(r.note, "a: breaker opened by alert: fund_loss of a"));
    rig_refused(&r, RISK_BEFORE, "breaker", "its breaker is open");
    risk_destroy(r.risk);
    rig_open(&r);
    rig_refused(&r, RISK_BEFORE, "breaker", "open");
    r.c.utc_ns += UINT64_C(1000000000);
    one_ends(&r, 1, RISK_SUCCEEDED);
    CHECK(strstr(r.note, "a: breaker closed after 1 probe"));
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
}

/* ---- limits ---- */

TEST(risk_amounts, "amounts hold exactly at the limit, and one more is refused with both figures")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 0, USDC, 1000000000, 0, 0);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 0, USDC, 1000000001, 0, 0);
    rig_refused(&r, RISK_BEFORE, "limits",
                "asks for 1000.000001 usdc with 0 usdc taken or held already, and its limit "
                "per_intent is 1000 usdc");
    CHECK(strstr(r.v.figures, "\"limit\":\"1000000000\""));
    memset(&r.flows[0].max_out, 0xff, sizeof(hawse_u256_t));
    rig_refused(&r, RISK_BEFORE, "limits", "per_intent");
    rig_flow(&r, 0, NOBODY, 1, 0, 0);
    rig_refused(&r, RISK_BEFORE, "limits", "is not among the assets of instances.a.limits.gnosis");
    rig_flow(&r, 0, NOBODY, 0, 0, 0);
    rig_pass(&r, RISK_BEFORE); /* nothing of it leaves */
    rig_flow(&r, 1, NOBODY, 0, 0, 0);
    rig_refused(&r, RISK_BEFORE, "limits", "stands twice");
    r.intent.flow_count = HAWSE_INTENT_FLOWS_MAX + 1;
    rig_refused(&r, RISK_BEFORE, "limits", "flows, expected");
    r.intent.flow_count = 0;
    r.intent.call_count = 0;
    rig_refused(&r, RISK_BEFORE, "limits", "0 calls");
    rig_stop(&r);
}

TEST(risk_day, "a day's limit counts what was taken and what is held, and ends at 00:00 UTC")
{
    struct rig r;
    const uint64_t midnight = UINT64_C(20001) * 86400 * 1000000000;
    struct risk_moved moved = {.out = hawse_u256(400000000)};
    rig_start(&r);
    address_of(USDC, moved.asset);
    r.intent.deadline_ns = 0;
    r.balances[0].balance = hawse_u256(9000000000);
    rig_pass(&r, RISK_AFTER); /* 500 held */
    r.c.number = 2;
    rig_pass(&r, RISK_AFTER);                                              /* 500 held */
    risk_ended(r.risk, "a", "gnosis", 1, RISK_SUCCEEDED, &moved, 1, NOON); /* 400 taken */
    r.c.number = 3;
    rig_flow(&r, 0, USDC, 600000000, 0, 0);
    rig_pass(&r, RISK_BEFORE); /* exactly the router's 1,500 */
    rig_flow(&r, 0, USDC, 600000001, 0, 0);
    rig_refused(
        &r, RISK_BEFORE, "calls",
        "asks for 600.000001 usdc with 900 usdc taken or held already by intents with 0x86042");
    /* the vault has no share of its own: 2,500 in all */
    uint8_t deposit[36] = {0};
    hawse_keccak_selector("deposit(uint256)", deposit);
    rig_call(&r, 0, VAULT, 0, deposit, sizeof(deposit));
    rig_pass(&r, RISK_BEFORE);
    struct risk_moved more = {.out = hawse_u256(600000000), .in = hawse_u256(1000000000)};
    address_of(USDC, more.asset);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &more, 1,
               NOON); /* 1,000 taken, 500 held */
    rig_flow(&r, 0, USDC, 1000000000, 0, 0);
    rig_pass(&r, RISK_BEFORE);
    risk_ended(r.risk, "a", "gnosis", 10, RISK_SUCCEEDED,
               &(struct risk_moved){.asset = {0}, .out = hawse_u256(1)}, 1, NOON);
    more.out = more.in = hawse_u256(1);
    risk_ended(r.risk, "a", "gnosis", 2, RISK_REVERTED, &more, 1, NOON); /* held no longer */
    more.out = more.in = hawse_u256(499999999);
    risk_ended(r.risk, "a", "gnosis", 2, RISK_NOT_SENT, &more, 1, NOON);
    rig_refused(&r, RISK_BEFORE, "limits", "4 intents today on gnosis, and intents_per_day is 4");
    r.c.utc_ns = midnight - 1;
    rig_refused(&r, RISK_BEFORE, "limits", "the day ends at 00:00 UTC");
    r.c.utc_ns = midnight;
    rig_pass(&r, RISK_BEFORE);
    r.c.utc_ns = midnight - 1; /* a clock that goes back brings nothing back */
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
}

TEST(risk_day_amount, "the limit of a day holds exactly, and what overflows is refused")
{
    struct rig r;
    rig_start(&r);
    struct risk_moved moved = {.out = hawse_u256(2000000000), .in = hawse_u256(2000000000)};
    uint8_t deposit[36] = {0};
    hawse_keccak_selector("deposit(uint256)", deposit);
    rig_call(&r, 0, VAULT, 0, deposit, sizeof(deposit));
    address_of(USDC, moved.asset);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 0, USDC, 500000001, 0, 0);
    rig_refused(&r, RISK_BEFORE, "limits", "per_day is 2500 usdc");
    rig_flow(&r, 0, USDC, 1, 0, 0);
    memset(&moved.out, 0xff, sizeof(moved.out));
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_refused(&r, RISK_BEFORE, "limits", "per_day");
    rig_stop(&r);
}

TEST(risk_shares, "two counterparties have each their own share of a day")
{
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\"",
                   "\"assets\":{\"usdc\":{\"address\":\"0x" USDC
                   "\",\"decimals\":0,\"per_intent\":\"9\",\"per_day\":\"99\"}},\"counterparties\":"
                   "{\"0x" FRIEND "\":{\"recipient\":true,\"per_day\":{\"usdc\":\"5\"}},\"0x" VAULT
                   "\":{\"recipient\":true,\"per_day\":{\"usdc\":\"7\"}}},\"intents_per_day\":9");
    struct risk_moved moved = {.out = hawse_u256(5)};
    address_of(USDC, moved.asset);
    r.c.simulation_required = r.c.inspection_required = false;
    r.c.sim = NULL;
    r.intent.flow_count = 1;
    rig_flow(&r, 0, USDC, 5, 0, 0);
    for (int i = 0; i < 2; i++) {
        rig_call(&r, 0, i == 0 ? FRIEND : VAULT, 0, NULL, 0);
        rig_pass(&r, RISK_AFTER);
        risk_ended(r.risk, "a", "gnosis", 1, RISK_SUCCEEDED, &moved, 1, NOON);
    }
    rig_flow(&r, 0, USDC, 2, 0, 0);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 0, USDC, 3, 0, 0);
    rig_refused(&r, RISK_BEFORE, "calls",
                "with 5 usdc taken or held already by intents with 0xBA12");
    rig_call(&r, 0, FRIEND, 0, NULL, 0);
    rig_flow(&r, 0, USDC, 1, 0, 0);
    rig_refused(&r, RISK_BEFORE, "calls", "is 5 usdc");
    rig_stop(&r);
}

TEST(risk_loss,
     "a day's loss counts what left less what came, and what may be lost by what is held")
{
    struct rig r;
    rig_start(&r);
    struct risk_moved moved = {.out = hawse_u256(1100000000)};
    address_of(USDC, moved.asset);
    uint8_t deposit[36] = {0};
    hawse_keccak_selector("deposit(uint256)", deposit);
    rig_call(&r, 0, VAULT, 0, deposit, sizeof(deposit));
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_pass(&r, RISK_BEFORE); /* 1,100 + 500 */
    rig_flow(&r, 0, USDC, 500000001, 0, 0);
    rig_refused(&r, RISK_BEFORE, "limits", "its limit loss_per_day is 1600 usdc");
    rig_flow(&r, 0, USDC, 600000000, 100000000, 0); /* what must come in is no loss */
    rig_pass(&r, RISK_BEFORE);
    moved.out = hawse_u256(0);
    moved.in = hawse_u256(2000000000);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON); /* more came */
    rig_flow(&r, 0, USDC, 1000000000, 0, 0);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 0, USDC, 1, 2, 0); /* gains by the plan */
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
}

TEST(risk_open, "open intents are limited, also when they are proposed at the same time")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 0, USDC, 1000000, 0, 0);
    rig_sim_flow(&r, 0, USDC, 1000000, 0);
    rig_bind(&r);
    for (uint64_t i = 1; i <= 4; i++) {
        r.c.number = i;
        rig_pass(&r, RISK_BEFORE);
    }
    for (uint64_t i = 1; i <= 3; i++) {
        r.c.number = i;
        rig_pass(&r, RISK_AFTER);
    }
    r.c.number = 4;
    rig_refused(&r, RISK_AFTER, "limits",
                "3 intents are under way on gnosis, and open_intents is 3");
    r.c.number = 2;
    rig_end(&r, RISK_NOT_SENT);
    r.c.number = 4;
    rig_pass(&r, RISK_AFTER);
    rig_stop(&r);
}

TEST(risk_restore,
     "after a restart a day is what the journal says, and open intents are held again")
{
    struct rig r;
    struct risk_status s;
    struct risk_moved usdc = {.out = hawse_u256(1300000000),
                              .in = hawse_u256(1300000000),
                              .given = hawse_u256(100000000)};
    rig_start(&r);
    address_of(USDC, usdc.asset);
    CHECK_EQ(risk_restore_day(r.risk, "a", "gnosis", &usdc, 2, NOON), HAWSE_OK);
    CHECK_EQ(risk_restore_day(r.risk, "a", "polygon", &usdc, 0, NOON), HAWSE_E_NOTFOUND);
    CHECK_EQ(risk_restore_day(r.risk, "nobody", "gnosis", &usdc, 2, NOON), HAWSE_E_NOTFOUND);
    rig_refused(&r, RISK_BEFORE, "calls", "with 1400 usdc taken");
    rig_flow(&r, 0, USDC, 100000000, 0, 0);
    rig_pass(&r, RISK_BEFORE);
    CHECK_EQ(risk_restore_open(r.risk, &r.c), HAWSE_OK);
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK(s.open_intents == 1 && s.intents_today == 3);
    r.c.number = 2;
    rig_flow(&r, 0, USDC, 1, 0, 0);
    rig_refused(&r, RISK_BEFORE, "calls", "with 1500 usdc taken or held");
    r.c.instance = "b";
    CHECK_EQ(risk_restore_open(r.risk, &r.c), HAWSE_E_NOTFOUND);
    rig_stop(&r);
}

TEST(risk_reload, "other limits hold from the reload on, and what was counted stays")
{
    struct rig r;
    struct fault fault = {0};
    rig_start(&r);
    rig_pass(&r, RISK_AFTER);
    struct config *other = rig_config(",\"mode\":\"live\"", MANY_LIMITS), *old = r.config;
    CHECK_EQ(risk_reload(r.risk, other, &fault), HAWSE_OK);
    r.config = other;
    config_destroy(old);
    struct risk_status s;
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK_EQ(s.open_intents, 1);
    r.c.number = 2;
    rig_pass(&r, RISK_AFTER);
    rig_stop(&r);
}

TEST(risk_memory, "without memory nothing passes, and what can't be counted stops the instance")
{
    struct rig r;
    rig_start(&r);
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    test_alloc_fail_after(1);
    risk_check(r.risk, RISK_BEFORE, &r.c, &r.v);
    test_alloc_fail_after(0);
    CHECK_EQ(r.v.answer, RISK_REFUSE);
    rig_pass(&r, RISK_BEFORE);
    test_alloc_fail_after(1);
    risk_check(r.risk, RISK_AFTER, &r.c, &r.v);
    test_alloc_fail_after(0);
    CHECK_EQ(r.v.answer, RISK_REFUSE);
    CHECK(strstr(r.v.reason, "no memory to hold"));
    rig_pass(&r, RISK_AFTER);
    struct risk_moved moved = {.out = hawse_u256(1)};
    address_of(USDC, moved.asset);
    for (uint64_t n = 1; n <= 2; n++) {
        r.c.number = n;
        (void)risk_resume(r.risk, "a", NULL);
        rig_pass(&r, RISK_AFTER);
        test_alloc_fail_after(n);
        risk_ended(r.risk, "a", "gnosis", n, RISK_SUCCEEDED, &moved, 1, NOON);
        test_alloc_fail_after(0);
        CHECK(risk_killed(r.risk, "a", NULL, 0));
    }
    test_alloc_fail_after(1);
    CHECK_EQ(risk_restore_day(r.risk, "x", "y", &moved, 0, NOON), HAWSE_E_NOMEM);
    memcpy(moved.asset, r.from, 20);
    test_alloc_fail_after(1);
    CHECK_EQ(risk_restore_day(r.risk, "a", "gnosis", &moved, 0, NOON), HAWSE_E_NOMEM);
    struct config *other = rig_config(",\"mode\":\"live\"", MANY_LIMITS);
    char *name = other->instances[0].id;
    other->instances[0].id = strdup("another");
    test_alloc_fail_after(1);
    CHECK_EQ(risk_reload(r.risk, other, NULL), HAWSE_E_NOMEM);
    test_alloc_fail_after(0);
    free(other->instances[0].id);
    other->instances[0].id = name;
    for (uint64_t n = 1; n <= 5; n++) {
        struct risk *risk = NULL;
        const struct risk_options options = {r.dir, NULL, NULL};
        test_alloc_fail_after(n);
        int32_t code = risk_create(other, &options, &risk, NULL);
        test_alloc_fail_after(0);
        CHECK_EQ(code, HAWSE_E_NOMEM);
    }
    config_destroy(other);
    rig_stop(&r);
}
