/*
 * Captures: what is written is what is read, no byte can change unseen, no end of the process makes
 * a file unreadable, and the lane's side never allocates or waits.
 */
#include "harness.h"
#include "record/reader.h"
#include "record/writer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPOOL = 1 << 20 };

static struct recorder recorder;
static struct writer *writer;
static char path[256];

static uint64_t now_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void begin(const struct writer_options *with, enum record_full full)
{
    struct fault fault = {0};
    struct writer_options options = with ? *with : (struct writer_options){0};
    (void)snprintf(path, sizeof(path), "%s/cap.hrec", test_tmp_dir());
    options.path = path;
    CHECK_EQ(recorder_init(&recorder, SPOOL, full, &fault), HAWSE_OK);
    if (writer_start(&recorder, &options, &writer, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
}

static void finish(void)
{
    recorder_flush(&recorder);
    CHECK_EQ(writer_stop(writer), HAWSE_OK);
    recorder_finish(&recorder);
}

/* One callback: a frame that holds `n`, an event of another instance, a call that publishes it. */
static void callback(uint64_t n, uint64_t time_ns, size_t size)
{
    static uint8_t frame[SPOOL];
    memcpy(frame, &n, sizeof(n));
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = 3,
                           .seq = n,
                           .data = frame,
                           .len = size};
    hawse_event_t other = {
        .size = sizeof(other), .space = HAWSE_SPACE_EVM, .kind = 1, .source = 2, .seq = n};
    const hawse_event_t *events[] = {&event, &other};
    recorder_begin(&recorder, 0, RECORD_EVENTS, time_ns, time_ns + 5, 0, 2);
    recorder_events(&recorder, events, 2);
    hawse_event_t out = {.size = sizeof(out),
                         .space = HAWSE_SPACE_EVM,
                         .kind = 2,
                         .key = n,
                         .data = frame,
                         .len = 9};
    struct record_call call = {.call = CALL_PUBLISH, .result = n};
    record_publish_args(&call, &out);
    recorder_call(&recorder, &call);
    recorder_end(&recorder, 2, 77);
}

struct seen {
    uint64_t callbacks, last, last_time, lost, instances;
    bool ordered;
};

static void look(const struct record_head *head, struct seen *seen)
{
    hawse_event_t event;
    struct record_call call;
    const struct record_begin *b = record_read_fixed(head, RECORD_BEGIN, sizeof(*b));
    const struct record_loss *loss = record_read_fixed(head, RECORD_LOSS, sizeof(*loss));
    if (b)
        seen->last_time = b->now_ns;
    if (loss)
        seen->lost += loss->callbacks;
    if (head->kind == RECORD_INSTANCE)
        seen->instances++;
    if (record_read_event(head, &event)) {
        uint64_t n;
        memcpy(&n, event.data, sizeof(n));
        seen->ordered = seen->ordered && n > seen->last && n == event.seq;
        seen->last = n;
    }
    if (record_read_call(head, &call)) {
        hawse_event_t published;
        record_published(&call, head->instance, &published);
        seen->ordered = seen->ordered && published.seq == seen->last && published.len == 9 &&
                        published.key == seen->last;
    }
    if (head->kind == RECORD_END)
        seen->callbacks++;
}

/* Reads all there is: 0 or the error. */
static int32_t read_all(const char *name, struct seen *seen, struct reader_state *state)
{
    struct fault fault = {0};
    struct reader *reader = NULL;
    const uint8_t *bytes;
    size_t len;
    *seen = (struct seen){.ordered = true};
    int32_t code = reader_open(name, &reader, &fault);
    if (code != HAWSE_OK)
        return code;
    while ((code = reader_next(reader, &bytes, &len, &fault)) == 1) {
        size_t at = 0;
        bool bad;
        const struct record_head *head;
        while ((head = record_next(bytes, len, &at, &bad)) != NULL)
            look(head, seen);
        CHECK(!bad);
    }
    *state = *reader_state(reader);
    reader_close(reader);
    return code;
}

TEST(roundtrip, "what is recorded is read back, in order, and the file is the owner's alone")
{
    struct seen seen;
    struct reader_state state;
    struct stat st;
    begin(NULL, RECORD_FULL_WAIT);
    recorder_instance(&recorder, 0, 42, hawse_text("{\"id\":\"x\"}"));
    for (uint64_t n = 1; n <= 20000; n++)
        callback(n, n * 1000, 200 + n % 300);
    finish();
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 20000);
    CHECK_EQ_U64(seen.instances, 1);
    CHECK(seen.ordered && state.closed && state.torn_bytes == 0 && state.missing[0] == '\0');
    CHECK_EQ_U64(state.first_ns, 1000);
    CHECK_EQ_U64(state.last_ns, 20000 * 1000);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 07777, 0600);
}

static void small_capture(void)
{
    begin(NULL, RECORD_FULL_WAIT);
    for (uint64_t n = 1; n <= 5; n++)
        callback(n, n * 1000, 60);
    struct timespec ts = {.tv_nsec = 300000000};
    (void)nanosleep(&ts, NULL); /* so that there are two chunks */
    for (uint64_t n = 6; n <= 10; n++)
        callback(n, n * 1000, 60);
    finish();
}

static void write_file(const char *name, const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(name, "we");
    CHECK(f && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

TEST_LIMIT(flips, 60, "every single changed bit of a closed capture is detected")
{
    struct seen seen;
    struct reader_state state;
    char copy[300];
    size_t len;
    small_capture();
    (void)snprintf(copy, sizeof(copy), "%s.copy", path);
    uint8_t *bytes = test_read_file(path, &len);
    CHECK(len < 4096);
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit += i % 2 ? 3 : 7) {
            bytes[i] ^= (uint8_t)(1 << bit);
            write_file(copy, bytes, len);
            int32_t code = read_all(copy, &seen, &state);
            if (code >= 0)
                FAIL("byte %zu of %zu, bit %d: not detected", i, len, bit);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
    write_file(copy, bytes, len);
    CHECK_EQ(read_all(copy, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 10);
    free(bytes);
}

TEST_LIMIT(cuts, 30, "a capture cut off anywhere reads up to the cut and says that it was cut")
{
    struct seen seen;
    struct reader_state state;
    char copy[300];
    size_t len;
    uint64_t most = 0;
    small_capture();
    (void)snprintf(copy, sizeof(copy), "%s.copy", path);
    uint8_t *bytes = test_read_file(path, &len);
    for (size_t cut = sizeof(struct format_file); cut < len; cut++) {
        write_file(copy, bytes, cut);
        CHECK_EQ(read_all(copy, &seen, &state), 0);
        CHECK(!state.closed && state.missing[0] != '\0' && seen.ordered);
        CHECK(seen.callbacks >= most);
        most = seen.callbacks;
    }
    CHECK_EQ_U64(most, 10);
    memset(bytes + len - 100, 0, 100); /* what a file system may leave behind after a power cut */
    free(bytes);
}

TEST(chunk_removed, "a chunk that was taken out of the middle is detected")
{
    struct seen seen;
    struct reader_state state;
    char copy[300];
    size_t len;
    small_capture();
    (void)snprintf(copy, sizeof(copy), "%s.copy", path);
    uint8_t *bytes = test_read_file(path, &len);
    struct format_chunk chunk;
    memcpy(&chunk, bytes + sizeof(struct format_file), sizeof(chunk));
    size_t whole = sizeof(chunk) + chunk.stored_len, from = sizeof(struct format_file);
    memmove(bytes + from, bytes + from + whole, len - from - whole);
    write_file(copy, bytes, len - whole);
    CHECK_EQ(read_all(copy, &seen, &state), HAWSE_E_FORMAT);
    free(bytes);
}

/* Records as fast as it can until it is killed; *made is the time of the callback made last. On a
 * busy machine that may be long ago without anything being lost. */
static _Noreturn void record_for_ever(const char *name, uint64_t *made)
{
    struct fault fault = {0};
    struct writer_options options = {.path = name, .rotate_bytes = 1 << 20};
    if (recorder_init(&recorder, SPOOL, RECORD_FULL_WAIT, &fault) != HAWSE_OK ||
        writer_start(&recorder, &options, &writer, &fault) != HAWSE_OK)
        _exit(1);
    for (uint64_t n = 1;; n++) {
        uint64_t now = now_ns();
        callback(n, now, 100 + n % 1000);
        __atomic_store_n(made, now, __ATOMIC_RELAXED);
        struct timespec ts = {.tv_nsec = 20000};
        if (n % 4 == 0)
            (void)nanosleep(&ts, NULL);
    }
}

TEST_LIMIT(kill_nine, 60, "kill -9 at 100 random moments loses at most a second, never the file")
{
    enum { TOGETHER = 4, ROUNDS = 25 };
    uint64_t worst = 0, with_data = 0;
    uint64_t *made = mmap(NULL, TOGETHER * sizeof(made[0]), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(made != MAP_FAILED);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pids[TOGETHER];
        char names[TOGETHER][300];
        for (int i = 0; i < TOGETHER; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "%s/k%d-%d", test_tmp_dir(), round, i);
            pids[i] = fork();
            if (pids[i] == 0)
                record_for_ever(names[i], &made[i]);
        }
        for (int i = 0; i < TOGETHER; i++) {
            struct timespec ts = {.tv_nsec = (long)(test_random() % 300000000)};
            (void)nanosleep(&ts, NULL);
            CHECK_EQ(kill(pids[i], SIGKILL), 0);
            CHECK_EQ(waitpid(pids[i], NULL, 0), pids[i]);
            uint64_t last = __atomic_load_n(&made[i], __ATOMIC_RELAXED);
            struct seen seen;
            struct reader_state state;
            struct stat st;
            if (stat(names[i], &st) != 0 || (size_t)st.st_size < sizeof(struct format_file))
                continue; /* before the file was made */
            CHECK_EQ(read_all(names[i], &seen, &state), 0);
            CHECK(seen.ordered && !state.closed);
            if (seen.callbacks == 0)
                continue;
            with_data++;
            CHECK_EQ_U64(seen.last, seen.callbacks); /* a prefix, without holes */
            worst = last > seen.last_time + worst ? last - seen.last_time : worst;
        }
    }
    printf("# %llu of 100 had records; at most the last %llu ms were lost\n",
           (unsigned long long)with_data, (unsigned long long)(worst / 1000000));
    CHECK(with_data > 20);
    CHECK(worst < 1000000000u);
}

TEST(full_ring_marks, "a full spool costs whole callbacks, counted, and the capture says so")
{
    struct fault fault = {0};
    struct seen seen;
    struct reader_state state;
    (void)snprintf(path, sizeof(path), "%s/cap.hrec", test_tmp_dir());
    CHECK_EQ(recorder_init(&recorder, SPOOL, RECORD_FULL_MARK, &fault), HAWSE_OK);
    for (uint64_t n = 1; n <= 3000; n++) /* nobody writes yet: most of them find no room */
        callback(n, n * 1000, 1000);
    CHECK(recorder.lost_callbacks > 1000 && recorder.lost_callbacks < 3000);
    CHECK_EQ_U64(recorder.lost_events, 2 * recorder.lost_callbacks);
    struct writer_options options = {.path = path};
    CHECK_EQ(writer_start(&recorder, &options, &writer, &fault), HAWSE_OK);
    struct timespec ts = {.tv_nsec = 300000000};
    (void)nanosleep(&ts, NULL);
    callback(3001, 3001 * 1000, 1000);
    uint64_t lost = recorder.lost_callbacks;
    finish();
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK(seen.ordered && seen.last == 3001);
    CHECK_EQ_U64(seen.lost, lost);
    CHECK_EQ_U64(seen.callbacks + seen.lost, 3001);
    CHECK_EQ_U64(state.lost_callbacks, lost);
}

TEST(full_ring_stops, "with when_full stop nothing is recorded after the first loss")
{
    struct fault fault = {0};
    CHECK_EQ(recorder_init(&recorder, SPOOL, RECORD_FULL_STOP, &fault), HAWSE_OK);
    for (uint64_t n = 1; n <= 3000; n++)
        callback(n, n * 1000, 1000);
    CHECK_EQ_U64(recorder.lost_callbacks, 1);
    CHECK_EQ(recorder.stopped, 1);
    recorder_finish(&recorder);
}

static uint64_t handed_over(void)
{
    uint64_t bytes;
    bool closed;
    (void)spool_front(&recorder.spool, &bytes, &closed);
    return bytes;
}

TEST(handed_over_together,
     "callbacks are the writer's when the lane is through, or when they are many")
{
    struct fault fault = {0};
    CHECK_EQ(recorder_init(&recorder, 16 << 20, RECORD_FULL_MARK, &fault), HAWSE_OK);
    callback(1, 1000, 100);
    callback(2, 2000, 100);
    CHECK_EQ_U64(handed_over(), 0);
    recorder_flush(&recorder);
    uint64_t both = handed_over();
    CHECK(both > 200 && both % 2 == 0);
    recorder_begin(&recorder, 0, RECORD_EVENTS, 3000, 3000, 0, 0);
    recorder_flush(&recorder); /* what has not ended stays */
    CHECK_EQ_U64(handed_over(), both);
    recorder_end(&recorder, 0, 0);
    callback(4, 4000, 100 << 10);
    CHECK(handed_over() > (100 << 10));
    recorder_finish(&recorder);
}

TEST(too_large, "an event larger than the memory is left out and counted")
{
    struct seen seen;
    struct reader_state state;
    begin(NULL, RECORD_FULL_MARK);
    callback(1, 1000, 100);
    callback(2, 2000, SPOOL - 8);
    callback(3, 3000, 100);
    CHECK_EQ_U64(recorder.lost_callbacks, 1);
    finish();
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 2);
    CHECK_EQ_U64(seen.lost, 1);
}

TEST(secrets, "a secret that a server repeats is masked in the capture")
{
    static char secret[] = "s3cr3t-api-key-0123456789", plain[] = "short";
    char *const secrets[] = {secret, plain};
    struct writer_options options = {.secrets = secrets, .secret_count = 2};
    struct fault fault = {0};
    struct reader *reader = NULL;
    const uint8_t *bytes;
    size_t len, found = 0;
    begin(&options, RECORD_FULL_WAIT);
    hawse_event_t event = {.size = sizeof(event), .space = HAWSE_SPACE_HOST, .kind = 3};
    char text[100];
    (void)snprintf(text, sizeof(text), "{\"error\":\"bad key %s, short\"}", secret);
    event.data = (const uint8_t *)text;
    event.len = strlen(text);
    const hawse_event_t *events[] = {&event};
    recorder_begin(&recorder, 0, RECORD_EVENTS, 1, 1, 0, 1);
    recorder_events(&recorder, events, 1);
    recorder_end(&recorder, 1, 1);
    finish();
    CHECK_EQ(reader_open(path, &reader, &fault), HAWSE_OK);
    while (reader_next(reader, &bytes, &len, &fault) == 1) {
        CHECK(!memmem(bytes, len, secret, strlen(secret)));
        found += memmem(bytes, len, "bad key *****", 13) != NULL;
        found += memmem(bytes, len, ", short", 7) != NULL;
    }
    CHECK_EQ(found, 2);
    reader_close(reader);
}

static void incompressible(uint64_t n)
{
    uint8_t frame[4096];
    test_random_bytes(frame, sizeof(frame));
    memcpy(frame, &n, sizeof(n));
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = 3,
                           .seq = n,
                           .data = frame,
                           .len = sizeof(frame)};
    const hawse_event_t *events[] = {&event};
    recorder_begin(&recorder, 0, RECORD_EVENTS, n, n, 0, 1);
    recorder_events(&recorder, events, 1);
    recorder_end(&recorder, 1, 1);
}

TEST(rotation, "segments follow each other, and reading goes over all of them")
{
    struct writer_options options = {.rotate_bytes = 2 << 20};
    struct seen seen;
    struct reader_state state;
    char name[300];
    begin(&options, RECORD_FULL_WAIT);
    for (uint64_t n = 1; n <= 3000; n++)
        incompressible(n);
    finish();
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 3000);
    CHECK(seen.ordered && state.closed && state.segment >= 4);
    (void)snprintf(name, sizeof(name), "%s.3", path);
    CHECK_EQ(read_all(name, &seen, &state), 0); /* from a later one on */
    CHECK(seen.callbacks > 100 && seen.callbacks < 2900 && seen.last == 3000 && state.closed);
    CHECK_EQ(unlink(name), 0);
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK(!state.closed && state.missing[0] != '\0');
    (void)snprintf(name, sizeof(name), "%s.4", path); /* not the third: detected */
    char third[300];
    (void)snprintf(third, sizeof(third), "%s.3", path);
    CHECK_EQ(rename(name, third), 0);
    CHECK_EQ(read_all(path, &seen, &state), HAWSE_E_FORMAT);
}

TEST(retention, "the oldest segments go, those of an earlier run first")
{
    struct writer_options options = {.rotate_bytes = 1 << 20, .keep_bytes = 4 << 20};
    struct seen seen;
    struct reader_state state;
    for (int run = 0; run < 2; run++) {
        begin(&options, RECORD_FULL_WAIT);
        for (uint64_t n = 1; n <= 3000; n++)
            incompressible(n);
        finish();
    }
    char command[600];
    (void)snprintf(command, sizeof(command), "du -cb %s* | tail -1 | cut -f1", path);
    FILE *f = popen(command, "re");
    long long bytes = 0;
    CHECK(f && fscanf(f, "%lld", &bytes) == 1);
    (void)pclose(f);
    CHECK(bytes > 2 << 20 && bytes < 7 << 20);
    CHECK(access(path, F_OK) != 0); /* the first segment is among those that went */
    char name[300];
    uint32_t last = 0;
    for (uint32_t n = 2; n < 100; n++) {
        (void)snprintf(name, sizeof(name), "%s.%u", path, n);
        last = access(name, F_OK) == 0 ? n : last;
    }
    (void)snprintf(name, sizeof(name), "%s.%u", path, last);
    CHECK_EQ(read_all(name, &seen, &state), 0);
    CHECK(state.closed && seen.last <= 3000);
}

TEST(earlier_run, "an earlier capture of the same name is moved aside, not overwritten")
{
    struct seen seen;
    struct reader_state state;
    char command[600], aside[300] = "";
    small_capture();
    begin(NULL, RECORD_FULL_WAIT);
    callback(1, 1000, 10);
    finish();
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 1);
    (void)snprintf(command, sizeof(command), "ls %s.2*Z", path);
    FILE *f = popen(command, "re");
    CHECK(f && fgets(aside, sizeof(aside), f));
    (void)pclose(f);
    aside[strcspn(aside, "\n")] = '\0';
    CHECK_EQ(read_all(aside, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 10);
}

TEST(quick_restarts, "runs that follow each other within a second keep all their captures")
{
    char command[600], text[32] = "";
    for (int run = 0; run < 5; run++) {
        begin(NULL, RECORD_FULL_WAIT);
        callback(1, 1000, 10);
        finish();
    }
    (void)snprintf(command, sizeof(command), "ls %s* | wc -l", path);
    FILE *f = popen(command, "re");
    CHECK(f && fgets(text, sizeof(text), f));
    (void)pclose(f);
    CHECK_EQ(atoi(text), 5);
}

TEST(no_allocation, "recording a callback allocates nothing")
{
    if (!test_alloc_hooks())
        test_skip("allocations cannot be counted in this build");
    struct fault fault = {0};
    CHECK_EQ(recorder_init(&recorder, SPOOL, RECORD_FULL_MARK, &fault), HAWSE_OK);
    uint64_t before = test_alloc_count();
    for (uint64_t n = 1; n <= 3000; n++) /* with room and without */
        callback(n, n, 500);
    CHECK_EQ_U64(test_alloc_count(), before);
    recorder_finish(&recorder);
}

TEST(hung_callback, "a callback whose thread was given up is ended by the next one")
{
    struct seen seen;
    struct reader_state state;
    begin(NULL, RECORD_FULL_WAIT);
    recorder_begin(&recorder, 0, RECORD_EVENTS, 1, 1, 0, 1);
    callback(1, 1000, 10);
    finish();
    CHECK_EQ(read_all(path, &seen, &state), 0);
    CHECK_EQ_U64(seen.callbacks, 2);
}

TEST(any_bytes, "records are read from any bytes without reading beyond them")
{
    struct record_call call;
    hawse_event_t event;
    uint64_t handle;
    hawse_view_t text;
    for (int round = 0; round < 20000; round++) {
        size_t len = 8 * (1 + test_random() % 30), at = 0;
        uint8_t *bytes = malloc(len);
        CHECK(bytes);
        test_random_bytes(bytes, len);
        bool bad;
        const struct record_head *head;
        uint32_t first = (uint32_t)(8 * (1 + test_random() % 30));
        memcpy(bytes, &first, sizeof(first));
        bytes[4] = (uint8_t)(1 + test_random() % 7);
        bytes[5] = 0;
        if (len > 24) {
            bytes[10] = (uint8_t)(test_random() % 14);
            bytes[11] = (uint8_t)(test_random() % 8);
        }
        while ((head = record_next(bytes, len, &at, &bad)) != NULL) {
            (void)record_read_call(head, &call);
            (void)record_read_event(head, &event);
            (void)record_read_instance(head, &handle, &text);
        }
        free(bytes);
    }
}
