/*
 * The spool between a lane and the writer: what is committed comes out whole and in order, whatever
 * the sizes and however late the consumer; what is dropped never does; parts are used again.
 */
#include "harness.h"
#include "record/spool.h"

#include <hawse/types.h>
#include <pthread.h>
#include <string.h>

enum { CAP = 1 << 18, PART = CAP / SPOOL_PARTS };

static struct spool spool;

/* A message: its length in words, its number, then words of that number. */
static bool put(uint64_t number, uint64_t words, bool in_pieces)
{
    uint64_t *head = (uint64_t *)(void *)spool_take(&spool, in_pieces ? 16 : words * 8);
    if (!head)
        return false;
    head[0] = words;
    head[1] = number;
    if (!in_pieces) {
        for (uint64_t i = 2; i < words; i++)
            head[i] = number;
        return true;
    }
    for (uint64_t i = 2; i < words; i++) {
        uint64_t *word = (uint64_t *)(void *)spool_take(&spool, 8);
        if (!word)
            return false;
        *word = number;
    }
    return true;
}

/* All that is there: how many messages; they must count on from *next. */
static uint64_t take_all(uint64_t *next)
{
    uint64_t bytes, seen = 0;
    bool closed;
    for (;;) {
        const uint64_t *at = (const uint64_t *)(const void *)spool_front(&spool, &bytes, &closed);
        if (bytes == 0)
            return seen;
        for (uint64_t left = bytes / 8; left > 0; seen++) {
            CHECK(at[0] >= 2 && at[0] <= left);
            CHECK_EQ_U64(at[1], *next);
            for (uint64_t i = 2; i < at[0]; i++)
                CHECK_EQ_U64(at[i], *next);
            (*next)++;
            left -= at[0];
            at += at[0];
        }
        spool_release(&spool, bytes);
    }
}

TEST(random_messages, "messages of any size come out whole and in order, dropped ones never")
{
    uint64_t put_number = 0, next = 0, dropped = 0, full = 0;
    CHECK_EQ(spool_init(&spool, CAP), HAWSE_OK);
    for (int round = 0; round < 30000; round++) {
        uint64_t words = 2 + test_random() % (round % 50 == 0 ? CAP / 24 : 200);
        spool_begin(&spool);
        if (!put(put_number, words, test_random() % 2)) {
            spool_drop(&spool);
            full++;
        } else if (test_random() % 10 == 0) {
            spool_drop(&spool);
            dropped++;
        } else {
            spool_commit(&spool);
            put_number++;
        }
        if (test_random() % (round / 3000 % 2 ? 4 : 300) == 0)
            (void)take_all(&next);
    }
    (void)take_all(&next);
    CHECK_EQ_U64(next, put_number);
    CHECK(dropped > 100 && full > 10 && put_number > 10000);
    CHECK(spool_busy(&spool) <= (uint64_t)CAP / 4); /* the open run, whatever it grew to */
    spool_finish(&spool);
}

TEST(same_parts, "while the consumer keeps up the same few parts are used again and again")
{
    uint64_t next = 0;
    CHECK_EQ(spool_init(&spool, CAP), HAWSE_OK);
    const uint8_t *highest = spool.base;
    for (uint64_t n = 0; n < 10000; n++) {
        spool_begin(&spool);
        CHECK(put(n, 100, false));
        spool_commit(&spool);
        highest = spool.at > highest ? spool.at : highest;
        (void)take_all(&next);
    }
    CHECK(highest <= spool.base + 3 * (uint64_t)PART);
    spool_finish(&spool);
}

TEST(all_of_it, "without a consumer nearly all of it can be filled")
{
    uint64_t n = 0, next = 0;
    CHECK_EQ(spool_init(&spool, CAP), HAWSE_OK);
    for (;; n++) {
        spool_begin(&spool);
        if (!put(n, 20, false))
            break;
        spool_commit(&spool);
    }
    spool_drop(&spool);
    CHECK(n * 160 > (uint64_t)CAP / 10 * 7);
    CHECK_EQ_U64(take_all(&next), n);
    spool_finish(&spool);
}

/* Gives the run at the front back, as a consumer does that is slower than the producer. */
static void give_back(uint64_t *next)
{
    uint64_t bytes;
    bool closed;
    (void)spool_front(&spool, &bytes, &closed);
    CHECK(closed);
    *next += bytes / 160;
    spool_release(&spool, bytes);
}

TEST(slow_consumer, "a producer that waits for each part gets it, however long that goes on")
{
    uint64_t next = 0, count = 20 * CAP / 160;
    CHECK_EQ(spool_init(&spool, CAP), HAWSE_OK);
    for (uint64_t n = 0; n < count; n++) {
        spool_begin(&spool);
        for (uint64_t word = 0; word < 20; word++) {
            uint8_t *at;
            while (!(at = spool_take(&spool, 8)))
                give_back(&next);
            memcpy(at, word == 0 ? &(uint64_t){20} : &n, 8);
        }
        spool_commit(&spool);
    }
    (void)take_all(&next);
    CHECK_EQ_U64(next, count);
    spool_finish(&spool);
}

TEST(whole_spool, "a message that takes all there is neither fits nor stops those behind it")
{
    uint64_t n = 0, next = 0;
    CHECK_EQ(spool_init(&spool, CAP), HAWSE_OK);
    for (uint64_t words = CAP / 8; words > 2; words -= PART / 16) {
        spool_begin(&spool);
        if (!put(n, words, n % 2)) {
            spool_drop(&spool);
            spool_begin(&spool);
            CHECK(put(n, 20, true));
        }
        spool_commit(&spool);
        n++;
        (void)take_all(&next);
        CHECK_EQ_U64(next, n);
    }
    spool_finish(&spool);
}

static void *consume(void *arg)
{
    const uint64_t *until = arg;
    uint64_t next = 0;
    while (next < *until)
        (void)take_all(&next);
    return NULL;
}

TEST(two_threads, "two threads at full speed: each message once")
{
    uint64_t count = 100000;
    pthread_t thread;
    CHECK_EQ(spool_init(&spool, CAP), HAWSE_OK);
    CHECK_EQ(pthread_create(&thread, NULL, consume, &count), 0);
    for (uint64_t n = 0; n < count;) {
        spool_begin(&spool);
        if (put(n, 2 + n % 90, n % 7 == 0)) {
            spool_commit(&spool);
            n++;
        } else {
            spool_drop(&spool);
        }
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
    spool_finish(&spool);
}
