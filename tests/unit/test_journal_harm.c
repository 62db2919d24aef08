/*
 * What harms a journal: changes from outside, disks that are full or fail, kills, memory that runs
 * out. All of it is found, and nothing that was committed is lost.
 */
#include "harness.h"
#include "journal_rig.h"

#include <fcntl.h>
#include <hawse/space/intent.h>
#include <hawse/u256.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the chain ---- */

TEST(changed, "whatever is altered, deleted, reordered or added is found")
{
    static const char *const changes[] = {
        "UPDATE record SET utc_ns = utc_ns + 1 WHERE seq = 3",
        "UPDATE record SET kind = 'note' WHERE seq = 5",
        "UPDATE record SET intent = 2 WHERE seq = 3",
        "UPDATE record SET instance = 'x' WHERE seq = 3",
        "UPDATE record SET data = replace(data, '7', '8') WHERE seq = 2",
        "UPDATE record SET bytes = x'00' WHERE seq = 3",
        "UPDATE record SET bytes = NULL WHERE seq = 3",
        "UPDATE record SET hash = zeroblob(32) WHERE seq = 4",
        "UPDATE record SET hash = 'short' WHERE seq = 4",
        "DELETE FROM record WHERE seq = 4",
        "DELETE FROM record WHERE seq = 1",
        "DELETE FROM record WHERE seq > 12",
        "UPDATE record SET seq = 99 WHERE seq = 3; UPDATE record SET seq = 3 WHERE seq = 4; UPDATE "
        "record SET seq = 4 WHERE seq = 99",
        "INSERT INTO record SELECT (SELECT max(seq) + 1 FROM record), utc_ns, kind, intent, "
        "instance, data, bytes, hash FROM record WHERE seq = 2",
        "UPDATE meta SET value = zeroblob(16) WHERE name = 'identity'",
        "UPDATE intent SET step = 9, ended = 1 WHERE number = 2",
        "UPDATE intent SET id = 'other' WHERE number = 2",
        "DELETE FROM intent WHERE number = 2",
        "UPDATE step SET error = 0 WHERE seq = 2",
        "DELETE FROM step WHERE seq = 2",
        "UPDATE attempt SET nonce = 1 WHERE intent = 1",
        "UPDATE attempt SET state = 3 WHERE intent = 1",
        "DELETE FROM attempt WHERE intent = 1",
        "UPDATE total SET amount = '0'",
        "DELETE FROM total",
        "CREATE TRIGGER quiet AFTER INSERT ON step BEGIN DELETE FROM step; END",
        "CREATE VIEW made_step AS SELECT * FROM step",
        "INSERT INTO nonce_account VALUES (100, '0xaabb000000000000000000000000000000000000', 44, "
        "0)",
    };
    char command[1300];
    struct journal_verdict verdict;
    struct journal *journal = open_as("whole", false);
    fill(journal);
    journal_close(journal);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        (void)snprintf(command, sizeof(command), "cp %s %s && rm -f %s-wal %s-shm",
                       path_of("whole"), path_of("j"), path_of("j"), path_of("j"));
        CHECK_EQ(system(command), 0);
        change("j", changes[i]);
        journal = open_as("j", true);
        GOOD(journal_verify(journal, NULL, &verdict, &fault));
        if (verdict.faults == 0)
            FAIL("not found: %s", changes[i]);
        journal_close(journal);
    }
}

TEST(triggers, "other programs cannot change a record by mistake")
{
    sqlite3 *db = NULL;
    struct journal *journal = open_as("j", false);
    fill(journal);
    journal_close(journal);
    CHECK_EQ(sqlite3_open(path_of("j"), &db), 0);
    CHECK(sqlite3_exec(db, "DELETE FROM record WHERE seq = 1", NULL, NULL, NULL) != 0);
    CHECK(sqlite3_exec(db, "UPDATE record SET intent = 1", NULL, NULL, NULL) != 0);
    (void)sqlite3_close(db);
}

TEST(cut_off, "a journal that lost its end, or an older copy of it, is refused and told")
{
    char command[1300];
    struct journal_head head;
    struct journal_verdict verdict;
    struct journal *journal = open_as("j", false);
    fill(journal);
    journal_close(journal);
    (void)snprintf(command, sizeof(command), "cp %s %s", path_of("j"), path_of("old"));
    CHECK_EQ(system(command), 0);
    journal = open_as("j", false);
    GOOD(journal_begin(journal, &fault));
    (void)add_intent(journal, "later");
    GOOD(journal_commit(journal, &fault));
    journal_head(journal, &head);
    GOOD(journal_verify(journal, &head, &verdict, &fault));
    CHECK_EQ_U64(verdict.faults, 0);
    journal_close(journal);
    (void)snprintf(command, sizeof(command), "cp %s %s", path_of("old"), path_of("j"));
    CHECK_EQ(system(command), 0);
    fault_clear(&fault);
    CHECK_EQ(open_code("j", &fault), HAWSE_E_FORMAT);
    CHECK(strstr(fault.message, "records that were in it are gone"));
    journal = open_as("j", true); /* it can be looked at */
    GOOD(journal_verify(journal, NULL, &verdict, &fault));
    CHECK_EQ_U64(verdict.faults, 0); /* nothing in it says so */
    GOOD(journal_verify(journal, &head, &verdict, &fault));
    CHECK_EQ_U64(verdict.faults, 1); /* a head that was noted does */
    journal_close(journal);
    CHECK_EQ(unlink(path_of("j")), 0);
    CHECK_EQ(open_code("j", NULL), HAWSE_E_FORMAT); /* a new one in its place */
}

/* ---- disks and crashes ---- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Adds until it fails. */
static int32_t add_until_full(struct journal *journal)
{
    int32_t code = HAWSE_OK;
    for (int i = 0; code == HAWSE_OK && i < 1000; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "full-%d", i);
        struct journal_intent intent = an_intent("arb", id);
        fault_clear(&fault);
        code = journal_begin(journal, &fault);
        if (code == HAWSE_OK)
            code = journal_intent_add(journal, &intent, &fault);
        if (code == HAWSE_OK)
            code = journal_commit(journal, &fault);
        journal_abort(journal);
    }
    return code;
}

static void wait_ready(struct journal *journal)
{
    for (int i = 0; i < 30 && journal_ready(journal, NULL) != HAWSE_OK; i++)
        (void)usleep(100000);
    GOOD(journal_ready(journal, &fault));
}

static void goes_on(struct journal *journal, const char *name)
{
    struct journal_intent found;
    wait_ready(journal);
    GOOD(journal_begin(journal, &fault));
    (void)add_intent(journal, "room");
    GOOD(journal_commit(journal, &fault));
    GOOD(journal_find(journal, "arb", "id-1", &found, &fault));
    verify_good(journal);
    journal_close(journal);
    journal = open_as(name, false);
    GOOD(journal_find(journal, "arb", "room", &found, &fault));
    verify_good(journal);
    journal_close(journal);
}

TEST_LIMIT(disk_full, 20,
           "a full disk is told, stops what is new, and it goes on when there is room")
{
    static uint8_t block[4096];
    CHECK_EQ(mkdir(path_of("disk"), 0700), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", path_of("disk"), "tmpfs", 0, "size=600k") != 0)
        test_skip("a disk of its own needs root");
    struct journal *journal = open_as("disk/j", false);
    fill(journal);
    int fd = open(path_of("disk/ballast"), O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 40; i++)
        CHECK_EQ(write(fd, block, sizeof(block)), (ssize_t)sizeof(block));
    CHECK_EQ(add_until_full(journal), HAWSE_E_NOSPACE);
    CHECK(strstr(fault.hint, "make room"));
    while (write(fd, block, sizeof(block)) > 0) /* not one block is left */
        continue;
    CHECK(journal_ready(journal, NULL) < 0);
    CHECK_EQ(ftruncate(fd, 0), 0);
    (void)close(fd);
    goes_on(journal, "disk/j");
    (void)umount2(path_of("disk"), MNT_DETACH);
}

TEST_LIMIT(disk_fails, 20, "a disk that fails is told, stops what is new, and is tried again")
{
    (void)signal(SIGXFSZ, SIG_IGN);
    struct journal *journal = open_as("j", false);
    fill(journal);
    CHECK_EQ(journal_ready(journal, NULL), HAWSE_OK);
    limit_files(4096); /* nothing can be written behind that */
    CHECK_EQ(add_until_full(journal), HAWSE_E_IO);
    fault_clear(&fault);
    CHECK(journal_ready(journal, &fault) < 0);
    CHECK(fault.message[0]);
    CHECK(journal_ready(journal, NULL) < 0); /* not tried again within the second */
    limit_files(RLIM_INFINITY);
    goes_on(journal, "j");
}

TEST(reserve, "with less than the reserve left nothing new starts, and what is under way goes on")
{
    struct journal *journal = NULL;
    struct journal_options options = {.create = true, .reserve_bytes = 1ULL << 60};
    GOOD(journal_open(path_of("j"), &options, &journal, &fault));
    CHECK_EQ(journal_ready(journal, &fault), HAWSE_E_NOSPACE);
    CHECK(strstr(fault.message, "MiB left"));
    fill(journal);
    journal_close(journal);
}

TEST(damage, "a damaged file is told, written to no more, and harms nobody")
{
    struct journal_verdict verdict;
    struct journal *journal = open_as("j", false);
    fill(journal);
    journal_close(journal);
    for (long at = 4096; at < 4096 * 20; at += 4096) {
        char command[1300];
        uint8_t noise[4096];
        (void)snprintf(command, sizeof(command), "cp %s %s; cp %s.head %s.head", path_of("j"),
                       path_of("bad"), path_of("j"), path_of("bad"));
        CHECK_EQ(system(command), 0);
        int fd = open(path_of("bad"), O_RDWR);
        test_random_bytes(noise, sizeof(noise));
        struct stat st;
        CHECK_EQ(fstat(fd, &st), 0);
        if (at >= st.st_size) {
            (void)close(fd);
            break;
        }
        CHECK_EQ(pwrite(fd, noise, sizeof(noise), at), (ssize_t)sizeof(noise));
        (void)close(fd);
        struct journal_options options = {.reserve_bytes = 1};
        journal = NULL;
        fault_clear(&fault);
        int32_t code = journal_open(path_of("bad"), &options, &journal, &fault);
        if (code != HAWSE_OK) {
            CHECK_EQ(code, HAWSE_E_FORMAT);
            continue;
        }
        code = journal_verify(journal, NULL, &verdict, &fault);
        if (code == HAWSE_OK && verdict.faults > 0 && journal_begin(journal, NULL) == HAWSE_OK) {
            struct journal_intent intent = an_intent("arb", "new");
            code = journal_intent_add(journal, &intent, NULL);
            if (code == HAWSE_E_FORMAT) {
                journal_abort(journal);
                CHECK_EQ(journal_begin(journal, NULL), HAWSE_E_FORMAT);
                CHECK_EQ(journal_ready(journal, NULL), HAWSE_E_FORMAT);
            }
        }
        journal_close(journal);
    }
}

/* Writes intents until it is killed; the number of each commit goes into the pipe after it. */
static void write_for_ever(int pipe)
{
    struct journal *journal = open_as("j", false);
    for (uint64_t i = 0;; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "%ld-%llu", (long)getpid(), (unsigned long long)i);
        GOOD(journal_begin(journal, &fault));
        uint64_t number = add_intent(journal, id);
        add_step(journal, number, HAWSE_INTENT_GATED);
        add_attempt(journal, number, number);
        GOOD(journal_commit(journal, &fault));
        if (write(pipe, &number, sizeof(number)) != sizeof(number))
            _exit(1);
    }
}

struct found {
    uint64_t number, highest;
    uint32_t step;
};

static int32_t look_for(void *ctx, const struct journal_intent *row)
{
    struct found *f = ctx;
    f->highest = row->number > f->highest ? row->number : f->highest;
    if (row->number == f->number)
        f->step = row->step;
    return HAWSE_OK;
}

TEST_LIMIT(killed, 30, "kill -9 at any moment loses nothing that was committed, and leaves no half")
{
    (void)test_tmp_dir(); /* that of this process, not of each child */
    for (int round = 0; round < 25; round++) {
        int ends[2];
        uint64_t number, last = 0;
        struct found found;
        CHECK_EQ(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            write_for_ever(ends[1]);
        (void)close(ends[1]);
        CHECK_EQ(read(ends[0], &last, sizeof(last)), (ssize_t)sizeof(last)); /* it writes */
        (void)usleep((useconds_t)(test_random() % 20000));
        CHECK_EQ(kill(child, SIGKILL), 0);
        CHECK_EQ(waitpid(child, NULL, 0), child);
        while (read(ends[0], &number, sizeof(number)) == sizeof(number))
            last = number;
        (void)close(ends[0]);
        struct journal *reader = open_as("j", true); /* before anybody repaired it */
        journal_close(reader);
        struct journal *journal = open_as("j", false);
        found = (struct found){.number = last};
        GOOD(journal_open_intents(journal, look_for, &found, &fault));
        CHECK_EQ(found.step, HAWSE_INTENT_GATED);
        CHECK(found.highest <= last + 1);
        verify_good(journal);
        journal_close(journal);
    }
}

static int32_t count_intent(void *ctx, const struct journal_intent *intent)
{
    (void)intent;
    (*(uint64_t *)ctx)++;
    return 0;
}

TEST_LIMIT(memory, 20, "memory that runs out anywhere is told, and the journal stays whole")
{
    if (!test_alloc_hooks())
        test_skip("allocations cannot be failed in this build");
    uint64_t added = 0;
    for (uint64_t n = 1; n < 400; n += n < 150 ? 1 : 7) {
        char id[32];
        struct journal *journal = NULL;
        struct journal_options options = {.create = true, .reserve_bytes = 1};
        (void)snprintf(id, sizeof(id), "n-%llu", (unsigned long long)n);
        struct journal_intent intent = an_intent("arb", id);
        test_alloc_fail_after(n);
        int32_t code = journal_open(path_of("j"), &options, &journal, NULL);
        if (code == HAWSE_OK)
            code = journal_begin(journal, NULL);
        if (code == HAWSE_OK)
            code = journal_intent_add(journal, &intent, NULL);
        if (code == HAWSE_OK)
            code = journal_commit(journal, NULL);
        test_alloc_fail_after(0);
        added += code == HAWSE_OK;
        journal_close(journal);
    }
    struct journal *journal = open_as("j", false);
    verify_good(journal);
    uint64_t open = 0;
    GOOD(journal_open_intents(journal, count_intent, &open, &fault));
    CHECK_EQ_U64(open, added);
    journal_close(journal);
}
