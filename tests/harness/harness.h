/*
 * The test harness: every TEST is registered by itself, runs in a process of its own under a time
 * limit, and is reported in TAP, so that a crash or a hang in one test names that test and harms no
 * other. A test's name is the sentence it proves.
 *
 *   TEST(hex_roundtrip, "decoding what was encoded gives the same bytes") { CHECK(...); }
 *   TEST_LIMIT(soak, 60, "...") { ... }     a limit other than 5 seconds of CPU time; four times
 *                                           that may pass by the clock, six times all of it under
 *                                           sanitizers
 *
 * Command line of every test program: [--list] [--only NAME] [--no-fork] [--seed N]
 */
#ifndef HAWSE_TESTS_HARNESS_H
#define HAWSE_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sanitizer stands before the allocator and makes all slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

struct test_case {
    const char *name;
    const char *sentence;
    unsigned limit_s;
    void (*run)(void);
    struct test_case *next;
};

void test_register(struct test_case *tc);

#define TEST_LIMIT(id, limit, sentence)                                                    \
    static void test_body_##id(void);                                                      \
    static struct test_case test_case_##id = {#id, sentence, limit, test_body_##id, NULL}; \
    __attribute__((constructor)) static void test_ctor_##id(void)                          \
    {                                                                                      \
        test_register(&test_case_##id);                                                    \
    }                                                                                      \
    static void test_body_##id(void)
#define TEST(id, sentence) TEST_LIMIT(id, 5, sentence)

/* Ends the running test as failed. */
_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the running test as skipped, with the reason. */
_Noreturn void test_skip(const char *reason);

void test_eq_i64(const char *file, int line, const char *what, int64_t got, int64_t want);
void test_eq_u64(const char *file, int line, const char *what, uint64_t got, uint64_t want);
void test_eq_str(const char *file, int line, const char *what, const char *got, const char *want);
void test_eq_mem(const char *file, int line, const char *what, const void *got, const void *want,
                 size_t len);

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond)                                               \
    do {                                                          \
        if (!(cond))                                              \
            test_fail(__FILE__, __LINE__, "not true: %s", #cond); \
    } while (0)
#define CHECK_EQ(g, w)          test_eq_i64(__FILE__, __LINE__, #g, (int64_t)(g), (int64_t)(w))
#define CHECK_EQ_U64(got, want) test_eq_u64(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_STR(got, want)    test_eq_str(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_MEM(got, want, n) test_eq_mem(__FILE__, __LINE__, #got, (got), (want), (n))

/* Folder with the checked-in fixtures (tests/), and a private scratch folder of the running test.
 */
const char *test_source_dir(void);
const char *test_tmp_dir(void);
/* Reads a whole file; ends the test when it can't. The caller frees; a NUL follows the bytes, and
 * 64 more readable bytes follow that, as hot-path readers ask for. */
uint8_t *test_read_file(const char *path, size_t *len);

/* Deterministic random numbers: same seed (printed on failure, --seed N), same run. */
uint64_t test_random(void);
void test_random_bytes(void *out, size_t len);

/* Allocation counting and injected failure (absent, returning 0 and false, under sanitizers). */
bool test_alloc_hooks(void);            /* are they available in this build? */
uint64_t test_alloc_count(void);        /* malloc, calloc, realloc calls since program start */
int64_t test_alloc_live(void);          /* allocations that were not freed: the same before and
                                           after whatever cleans up behind itself */
void test_alloc_fail_after(uint64_t n); /* the n-th next call fails (1 = the next); 0 = off */

#endif
