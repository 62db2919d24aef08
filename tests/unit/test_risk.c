/*
 * The gates, both sides of each: state, limits, money, simulation; switches and breaker.
 */
#include "risk_rig.h"

#include <fcntl.h>
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
    /* by a signal */
    risk_kill_signal(r.risk);
    rig_refused(&r, RISK_BEFORE, "kill", "a signal asked for it");
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

#define MANY_LIMITS                                                                            \
    "\"assets\":{\"usdc\":{\"address\":\"0x" USDC "\",\"decimals\":6,\"per_intent\":\"1000\"," \
    "\"per_day\":\"99999999\"},\"weth\":{\"address\":\"0x" WETH "\",\"decimals\":18,"          \
    "\"per_intent\":\"2\",\"per_day\":\"9\"}},\"counterparties\":{\"0x" ROUTER                 \
    "\":{\"functions\":["                                                                      \
    "\"swap(address,uint256)\"]}},\"intents_per_day\":1000000,\"open_intents\":10000"

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
    hawse_u256_t out = hawse_u256(1400000000), none = hawse_u256(0);
    uint8_t usdc[20];
    rig_start(&r);
    address_of(USDC, usdc);
    CHECK_EQ(risk_restore_day(r.risk, "a", "gnosis", usdc, &out, &out, 2, NOON), HAWSE_OK);
    CHECK_EQ(risk_restore_day(r.risk, "a", "polygon", usdc, &out, &none, 0, NOON),
             HAWSE_E_NOTFOUND);
    CHECK_EQ(risk_restore_day(r.risk, "nobody", "gnosis", usdc, &out, &none, 2, NOON),
             HAWSE_E_NOTFOUND);
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

/* ---- money ---- */

TEST(risk_slippage,
     "min_in is within the slippage of expected_in, to the smallest unit, rounded up")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 1, WETH, 0, 98, 100);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 1, WETH, 0, 97, 100);
    rig_refused(&r, RISK_BEFORE, "slippage",
                "with slippage_percent 2.0000 it has to be 0.000000000000000098 weth");
    rig_flow(&r, 1, WETH, 0, 98, 101); /* 98.98 */
    rig_refused(&r, RISK_BEFORE, "slippage", "at least");
    rig_flow(&r, 1, WETH, 0, 99, 101);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 1, WETH, 0, 0, 1);
    rig_refused(&r, RISK_BEFORE, "slippage", "takes 0 weth at least");
    memset(&r.flows[1].expected_in, 0xff, sizeof(hawse_u256_t));
    memset(&r.flows[1].min_in, 0xff, sizeof(hawse_u256_t));
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
    rig_start_with(&r, ",\"mode\":\"live\"", MANY_LIMITS ",\"slippage_percent\":\"100\"");
    rig_flow(&r, 1, WETH, 0, 0, 100);
    rig_refused(&r, RISK_BEFORE, "slippage", "takes 0 weth"); /* nothing at all is never enough */
    rig_flow(&r, 1, WETH, 0, 1, 100);
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
}

TEST(risk_fee_cap, "a fee at the cap passes with a warning, one wei above it waits")
{
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\"", MANY_LIMITS);
    r.c.fee_cap = hawse_u256(100);
    r.txs[0].max_fee = hawse_u256(79);
    rig_pass(&r, RISK_AFTER);
    CHECK_STR(r.v.warning, "");
    r.txs[0].max_fee = hawse_u256(80);
    rig_pass(&r, RISK_AFTER);
    CHECK(strstr(r.v.warning, "80 % of the cap"));
    r.txs[0].max_fee = hawse_u256(100);
    rig_pass(&r, RISK_AFTER);
    rig_pass(&r, RISK_SIGN);
    r.txs[0].max_fee = hawse_u256(101);
    rig_refused_as(&r, RISK_AFTER, RISK_WAIT, "fee_cap",
                   "a fee of 101 wei per gas is needed, and the cap is 100 wei");
    rig_refused_as(&r, RISK_SIGN, RISK_WAIT, "fee_cap", "it waits");
    struct risk_status s;
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK_EQ_U64(s.waited, 2);
    memset(&r.c.fee_cap, 0xff, sizeof(r.c.fee_cap));
    memset(&r.txs[0].max_fee, 0xff, sizeof(r.c.fee_cap));
    rig_refused(&r, RISK_AFTER, "max_cost", "above 2^256");
    r.c.simulation_required = false;
    r.c.sim = NULL;
    r.c.tx_count = 0;
    r.intent.how = HAWSE_INTENT_BUNDLE;
    rig_refused(&r, RISK_AFTER, "fee_cap", "there is no transaction 1 among 0");
    r.c.tx_count = 1;
    r.c.tx_index = 1;
    rig_refused(&r, RISK_SIGN, "fee_cap", "there is no transaction 2 among 1");
    rig_stop(&r);
}

TEST(risk_max_cost,
     "fees wait above the intent's limit or the operator's, and count against the day")
{
    struct rig r;
    rig_start(&r);
    r.intent.max_cost = hawse_u256(200000 * GWEI); /* 100,000 gas at 2 gwei */
    rig_all(&r);
    r.intent.max_cost = hawse_u256(200000 * GWEI - 1);
    rig_refused_as(&r, RISK_AFTER, RISK_WAIT, "max_cost", "the intent's max_cost");
    r.intent.max_cost = hawse_u256(0);
    r.txs[0].gas_limit = 10000000;
    r.txs[0].max_fee = hawse_u256(50 * GWEI);
    r.c.native_balance = hawse_u256(3000 * MILLI);
    rig_bind(&r);
    rig_all(&r); /* exactly half a coin */
    r.c.l1_fee = hawse_u256(1);
    rig_refused_as(&r, RISK_AFTER, RISK_WAIT, "max_cost",
                   "the operator's fee_per_intent is 0.5 xdai");
    r.c.l1_fee = hawse_u256(0);
    struct risk_moved moved = {.out = hawse_u256(1500 * MILLI)};
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_pass(&r, RISK_AFTER); /* 1.5 lost and 0.5 at stake: 2 */
    moved.out = hawse_u256(1);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_refused(&r, RISK_AFTER, "max_cost", "may lose 0.5 xdai with its fees");
    moved.in = hawse_u256(1000 * MILLI + 1);
    moved.out = hawse_u256(1000 * MILLI - 1);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_NOT_SENT, &moved, 1, NOON);
    rig_pass(&r, RISK_AFTER); /* exactly 3 with it */
    moved.in = moved.out = hawse_u256(1);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_NOT_SENT, &moved, 1, NOON);
    rig_refused(&r, RISK_AFTER, "max_cost", "and per_day is 3 xdai");
    rig_stop(&r);
}

TEST(risk_funds, "what is missing is named with its parts, to the wei")
{
    struct rig r;
    rig_start(&r);
    /* 200,000 gwei of fees, 0.01 under way, 10,500,000 gwei for a cancel, 0.1 kept */
    const uint64_t need = 200000 * GWEI + 10 * MILLI + 10500000 * GWEI + 100 * MILLI;
    r.c.in_flight_cost = hawse_u256(10 * MILLI);
    r.c.native_balance = hawse_u256(need);
    rig_all(&r);
    r.c.native_balance = hawse_u256(need - 1);
    rig_refused(&r, RISK_AFTER, "funds",
                "the account has 0.120699999999999999 xdai and needs 0.1207 xdai, so "
                "0.000000000000000001 xdai are missing: value 0 xdai, fees 0.0002 xdai, own "
                "transactions under way 0.01 xdai, kept for a cancel and by \"keep\" 0.1105 xdai");
    CHECK(strstr(r.v.figures, "\"short\":\"1\""));
    memset(&r.c.in_flight_cost, 0xff, sizeof(hawse_u256_t));
    rig_refused(&r, RISK_AFTER, "funds", "above 2^256 wei");
    r.c.in_flight_cost = hawse_u256(0);
    r.balances[0].balance = hawse_u256(510000000);
    r.c.native_balance = hawse_u256(need);
    rig_all(&r);
    r.balances[0].in_flight = hawse_u256(1);
    rig_refused(&r, RISK_AFTER, "funds",
                "the account has 510 usdc and needs 510.000001 usdc, so 0.000001 usdc are missing");
    memset(&r.balances[0].in_flight, 0xff, sizeof(hawse_u256_t));
    rig_refused(&r, RISK_AFTER, "funds", "missing");
    r.balances[0].in_flight = hawse_u256(0);
    r.c.balances = r.balances + 1;
    r.c.balance_count = 1;
    rig_refused(&r, RISK_AFTER, "funds", "the account's balance of usdc is not known");
    r.sim.flow_count = 2;
    rig_sim_flow(&r, 0, FRIEND, 0, 1); /* nothing of usdc leaves as simulated */
    rig_bind(&r);
    rig_all(&r);
    r.c.sim = NULL; /* then by what may leave at most */
    r.c.simulation_required = r.c.inspection_required = false;
    rig_refused(&r, RISK_AFTER, "funds", "balance of usdc");
    rig_stop(&r);
}

TEST(risk_position, "what is held afterwards is limited by amount and in number")
{
    struct rig r;
    rig_start(&r);
    r.balances[1].balance = hawse_u256(4010 * MILLI); /* and 0.99 come */
    rig_all(&r);
    r.balances[1].balance = hawse_u256(4010 * MILLI + 1);
    rig_refused(&r, RISK_AFTER, "position",
                "the account would hold 5.000000000000000001 weth, and max_held is 5 weth");
    r.c.balance_count = 1;
    rig_refused(&r, RISK_AFTER, "position", "balance of weth is not known");
    r.sim.flow_count = 1; /* nothing of it comes */
    rig_flow(&r, 1, WETH, 0, 0, 0);
    r.intent.flow_count = 2;
    rig_flow(&r, 0, USDC, 0, 0, 0);
    rig_sim_flow(&r, 0, USDC, 0, 0);
    rig_bind(&r);
    rig_all(&r);
    rig_stop(&r);
    rig_start_with(&r, ",\"mode\":\"live\"",
                   "\"assets\":{\"x\":{\"decimals\":18,\"per_intent\":\"1\",\"per_day\":\"3\","
                   "\"max_held\":\"9\"},"
                   "\"usdc\":{\"address\":\"0x" USDC
                   "\",\"decimals\":6,\"per_intent\":\"1000\",\"per_day\":\"2500\"},"
                   "\"weth\":{\"address\":\"0x" WETH
                   "\",\"decimals\":18,\"per_intent\":\"2\",\"per_day\":\"4\","
                   "\"max_held\":\"5\"}},\"counterparties\":{\"0x" ROUTER
                   "\":{\"functions\":[\"swap(address,uint256)\"]}},\"intents_per_day\":4,\"open_"
                   "positions\":1");
    rig_refused(&r, RISK_AFTER, "position",
                "the account would hold 2 positions, and open_positions is 1");
    r.balances[1].balance = hawse_u256(1); /* it is held already: no new one */
    rig_all(&r);
    r.balances[1].balance = hawse_u256(0);
    r.c.sim = NULL;
    r.c.simulation_required = r.c.inspection_required = false;
    rig_refused(&r, RISK_AFTER, "position", "2 positions");
    rig_flow(&r, 1, WETH, 0, 990 * MILLI, 900 * MILLI);
    rig_refused(&r, RISK_AFTER, "position", "2 positions");
    r.c.balance_count = 1;
    r.intent.flow_count = 1;
    r.flows[0].expected_in = r.flows[0].min_in = hawse_u256(1);
    rig_refused(&r, RISK_AFTER, "position", "balance of weth is not known");
    rig_stop(&r);
}

/* ---- simulation ---- */

TEST(risk_simulation_required,
     "without a simulation nothing is signed, unless the operator says so")
{
    struct rig r;
    rig_start(&r);
    r.c.sim = NULL;
    rig_refused(&r, RISK_AFTER, "simulation",
                "it was not simulated, and chains.gnosis.tx.simulation_required is set");
    rig_refused(&r, RISK_SIGN, "simulation", "nothing is signed without");
    r.c.simulation_required = false;
    rig_all(&r);
    CHECK(strstr(r.v.warning, "it was not simulated"));
    r.c.sim = &r.sim;
    r.sim.status = HAWSE_E_TIMEOUT;
    (void)snprintf(r.sim.reason, sizeof(r.sim.reason), "no engine answered");
    rig_all(&r);
    r.c.simulation_required = true;
    rig_refused(&r, RISK_AFTER, "simulation", "no engine answered, and chains.gnosis");
    r.sim.status = HAWSE_OK;
    r.sim.flows_known = false;
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "what moves is not known");
    r.c.simulation_required = false;
    rig_all(&r);
    r.sim.inspected = false;
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "no provider gave the call tree");
    r.c.inspection_required = false;
    rig_all(&r);
    rig_stop(&r);
}

TEST(risk_simulation_fails, "a simulation that failed says which call and why")
{
    struct rig r;
    rig_start(&r);
    r.sim.success = false;
    r.sim.failed_call = 0;
    (void)snprintf(r.sim.reason, sizeof(r.sim.reason), "Error: \"too little\"");
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation",
                "call 1 of 1 would fail at block 7: Error: \"too little\"");
    r.c.simulation_required = false;
    rig_refused(&r, RISK_AFTER, "simulation", "would fail");
    rig_stop(&r);
}

TEST(risk_simulation_bytes,
     "other bytes, other blocks and touched results are simulated again first")
{
    struct rig r;
    rig_start(&r);
    r.txs[0].gas_limit--;
    rig_refused(&r, RISK_AFTER, "simulation", "transaction 1: its gas limit is below");
    r.txs[0].gas_limit++;
    r.c.head = 9;
    r.intent.deadline_block = 0;
    rig_refused(&r, RISK_SIGN, "simulation", "more than one block old; simulate it again");
    r.c.head = 8;
    r.c.head_parent = r.head_hash;
    rig_all(&r);
    r.sim.flows[0].out = hawse_u256(0);
    rig_refused(&r, RISK_AFTER, "simulation", "is not what its token says");
    rig_bind(&r);
    r.c.tx_index = 1;
    rig_refused(&r, RISK_SIGN, "simulation", "it was not part of the simulation");
    r.c.tx_index = 0;
    r.c.sim_first = 1;
    rig_refused(&r, RISK_SIGN, "simulation", "it was not part of the simulation");
    rig_stop(&r);
}

TEST(risk_simulation_rest, "what is left of several transactions can be simulated again alone")
{
    struct rig r;
    rig_start(&r);
    rig_call(&r, 1, ROUTER, 0, r.calls[0].data.data, r.calls[0].data.len);
    rig_pass(&r, RISK_AFTER);
    rig_pass(&r, RISK_SIGN);
    r.c.tx_index = r.c.sim_first = 1;
    rig_bind(&r);
    rig_pass(&r, RISK_SIGN);
    rig_end(&r, RISK_SUCCEEDED);
    rig_stop(&r);
}

TEST(risk_simulation_flows, "what leaves beyond the plan, or does not come, is refused")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 0, USDC, 499999999, 0, 0);
    rig_refused(&r, RISK_AFTER, "simulation",
                "500 usdc would leave the account, and the intent lets 499.999999 usdc");
    rig_flow(&r, 0, USDC, 500000000, 0, 0);
    rig_sim_flow(&r, 2, NOBODY, 1, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation",
                "would leave the account, and the intent lets nothing of it go");
    rig_sim_flow(&r, 2, COIN, 1, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "0.000000000000000001 xdai would leave");
    r.sim.flow_count = 2;
    rig_sim_flow(&r, 1, WETH, 0, 980 * MILLI);
    rig_bind(&r);
    rig_all(&r);
    rig_sim_flow(&r, 1, WETH, 0, 980 * MILLI - 1);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation",
                "would come in, and the intent wants 0.98 weth at least");
    r.sim.flow_count = 1;
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "0 weth would come in");
    rig_stop(&r);
}

TEST(risk_simulation_findings,
     "findings and allowances are refused but for what the operator lists")
{
    struct rig r;
    rig_start(&r);
    r.sim.finding_count = 1;
    for (uint32_t i = 0; i < SIM_FINDING_COUNT; i++) {
        r.sim.findings[0].kind = (enum sim_finding_kind)i;
        rig_bind(&r);
        if (i == SIM_FINDING_OVERFLOW)
            rig_all(&r); /* the operator lists it */
        else
            rig_refused(&r, RISK_AFTER, "simulation",
                        sim_finding_meaning((enum sim_finding_kind)i));
    }
    r.sim.finding_count = 0;
    r.sim.approval_count = 1;
    address_of(USDC, r.sim.approvals[0].asset);
    address_of(ROUTER, r.sim.approvals[0].spender);
    r.sim.approvals[0].amount = hawse_u256(1000000000);
    rig_bind(&r);
    rig_all(&r);
    r.sim.approvals[0].amount = hawse_u256(1000000001);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "gives an allowance of 1000.000001 usdc");
    address_of(VAULT, r.sim.approvals[0].spender);
    r.sim.approvals[0].all = true;
    rig_bind(&r);
    rig_all(&r);
    address_of(NOBODY, r.sim.approvals[0].spender);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "which is no spender");
    rig_stop(&r);
}

TEST(risk_plan, "transactions that are not the calls that were checked are refused")
{
    struct rig r;
    rig_start(&r);
    for (int i = 0; i < 5; i++) {
        rig_plan(&r);
        if (i == 0)
            r.txs[0].to[0] ^= 1;
        else if (i == 1)
            r.txs[0].value = hawse_u256(1);
        else if (i == 2)
            r.txs[0].data.len--;
        else if (i == 3)
            r.txs[0].create = 1;
        else
            r.c.tx_count = 2;
        rig_bind(&r);
        rig_refused(&r, RISK_AFTER, "calls", "are not its calls: a fault of the host");
    }
    r.intent.how = HAWSE_INTENT_BUNDLE;
    r.c.tx_count = 1;
    r.txs[0].create = 0;
    rig_bind(&r);
    rig_all(&r);
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
    hawse_u256_t none = hawse_u256(0);
    test_alloc_fail_after(1);
    CHECK_EQ(risk_restore_day(r.risk, "x", "y", moved.asset, &none, &none, 0, NOON), HAWSE_E_NOMEM);
    test_alloc_fail_after(1);
    CHECK_EQ(risk_restore_day(r.risk, "a", "gnosis", r.from, &none, &none, 0, NOON), HAWSE_E_NOMEM);
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
