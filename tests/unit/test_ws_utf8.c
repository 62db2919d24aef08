/* The UTF-8 check against a plain decoder, over every short sequence and every place in a vector.
 */
#include "harness.h"
#include "net/ws_utf8.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The definition, written the long way: length of the one valid character at the front, or 0. */
static size_t character(const uint8_t *s, size_t len)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (len == 0)
        return 0;
    size_t size = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (size == 1)
        return 1;
    if ((size == 4 && (s[0] & 0xf8) != 0xf0) || size > len)
        return 0;
    uint32_t point = s[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (s[i] & 0x3fu);
    }
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < least[size] || point > 0x10ffff || surrogate ? 0 : size;
}

static size_t prefix(const uint8_t *s, size_t len)
{
    size_t at = 0, size;
    while ((size = character(s + at, len - at)) > 0)
        at += size;
    return at;
}

static void both_kernels(const uint8_t *s, size_t len)
{
    size_t want = prefix(s, len);
    if (ws_utf8_prefix(ws_ascii_run_base, s, len) != want)
        FAIL("base kernel: %zu bytes, expected prefix %zu", len, want);
    if (ws_utf8_has_avx2() && ws_utf8_prefix(ws_ascii_run_avx2, s, len) != want)
        FAIL("AVX2 kernel: %zu bytes, expected prefix %zu", len, want);
}

TEST_LIMIT(exhaustive, 60, "every sequence of three bytes, and every edge of four, is judged right")
{
    uint8_t s[4];
    for (uint32_t i = 0; i < 1u << 24; i++) {
        s[0] = (uint8_t)(i >> 16);
        s[1] = (uint8_t)(i >> 8);
        s[2] = (uint8_t)i;
        if (s[0] < 0x7f || (s[1] < 0x7f && (i & 0xf)))
            continue; /* mostly ASCII: nothing to learn */
        if (ws_utf8_prefix(ws_ascii_run_base, s, 3) != prefix(s, 3))
            FAIL("%02x %02x %02x", s[0], s[1], s[2]);
    }
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (uint32_t i = 0; i < 16u * 256 * 10 * 10; i++) {
        s[0] = (uint8_t)(0xf0 + i % 16);
        s[1] = (uint8_t)(i / 16);
        s[2] = edges[i / 4096 % 10];
        s[3] = edges[i / 40960 % 10];
        both_kernels(s, 4);
    }
}

TEST_LIMIT(places, 20, "a character is judged right at every place of a text of every length")
{
    static const char *const pieces[] = {"\xc3\xa9",     "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                         "\xed\xa0\x80", "\xc0\x80",     "\xf4\x90\x80\x80",
                                         "\x80",         "\xe2\x82",     "\xff"};
    uint8_t text[420];
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        size_t n = strlen(pieces[i]);
        for (size_t len = n; len < 300; len += len < 140 ? 1 : 7) {
            for (size_t at = 0; at + n <= len; at++) {
                memset(text, 'a', sizeof(text));
                memcpy(text + at, pieces[i], n);
                both_kernels(text, len);
            }
        }
    }
}

TEST(bounds, "no byte outside the text is read")
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED);
    CHECK_EQ(mprotect(map, page, PROT_NONE), 0);
    CHECK_EQ(mprotect(map + 2 * page, page, PROT_NONE), 0);
    memset(map + page, 'a', page);
    for (size_t len = 0; len <= 600; len++) {
        both_kernels(map + page, len);
        both_kernels(map + 2 * page - len, len);
        if (len >= 3) {
            memcpy(map + 2 * page - 3, "\xe2\x82\xac", 3);
            both_kernels(map + 2 * page - len, len);
            memset(map + 2 * page - 3, 'a', 3);
        }
    }
    CHECK_EQ(munmap(map, 3 * page), 0);
}

TEST(mixed, "random mixtures of characters and noise are judged right")
{
    uint8_t text[600];
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = 0, want = test_random() % 500;
        uint64_t kinds = 1 + test_random() % 4;
        while (len < want) {
            static const char *const some[] = {"plain ascii, a good stretch of it ......",
                                               "\xd0\xb6", "\xe6\x97\xa5", "\xf0\x9f\x8e\xb2"};
            const char *piece = some[test_random() % kinds];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        if (len > 0 && round % 2)
            text[test_random() % len] = (uint8_t)test_random();
        both_kernels(text, len);
    }
}

/* Is there any completion that makes one valid character of it? */
static bool completable(const uint8_t *s, size_t len)
{
    static const uint8_t tails[] = {0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf};
    for (unsigned i = 0; i < 6 * 6 * 6; i++) {
        uint8_t t[7] = {0};
        memcpy(t, s, len);
        t[len] = tails[i % 6];
        t[len + 1] = tails[i / 6 % 6];
        t[len + 2] = tails[i / 36];
        if (character(t, len + 3) > len)
            return true;
    }
    return false;
}

TEST_LIMIT(may_continue, 20, "exactly the beginnings of characters may be continued")
{
    CHECK(ws_utf8_may_continue(NULL, 0));
    for (uint32_t i = 0; i < 1u << 16; i++) {
        uint8_t s[3] = {(uint8_t)(i >> 8), (uint8_t)i};
        CHECK_EQ(ws_utf8_may_continue(s, 1), completable(s, 1));
        CHECK_EQ(ws_utf8_may_continue(s, 2), completable(s, 2));
        for (unsigned third = 0x70; third < 0x100 && s[0] >= 0xe0; third += 8) {
            s[2] = (uint8_t)third;
            CHECK_EQ(ws_utf8_may_continue(s, 3), completable(s, 3));
        }
    }
}
