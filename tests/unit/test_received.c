/*
 * The memory that a worker reads received bytes in: blocks that never meet, zeroes where nothing is
 * any more, the heap when it is full, and no way to write for who has the worker's side of it.
 */
#include "harness.h"
#include "worker/received.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLOTS = 40, STEPS = 4000, MOST = 3 << 20 };

struct slot {
    uint8_t *data;
    size_t len;
};

static bool holds(const struct slot *slot, uint8_t what, size_t len)
{
    for (size_t i = 0; i < len; i += 997)
        if (slot->data[i] != what)
            return false;
    return len == 0 || slot->data[len - 1] == what;
}

static void open_it(struct received *r)
{
    struct fault fault = {0};
    CHECK_EQ(received_open(r, &fault), HAWSE_OK);
}

TEST(received_blocks, "buffers that come, grow, shrink and go never meet, inside and beside it")
{
    struct received r;
    struct slot slots[SLOTS] = {{0}};
    uint64_t x = 88172645463325252u, offset = 0;
    uint32_t outside = 0, inside = 0;
    open_it(&r);
    for (int step = 0; step < STEPS; step++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        size_t i = x % SLOTS, want = (x >> 8) % 4 == 0 ? 0 : (x >> 16) % MOST + 1;
        struct slot *s = &slots[i];
        size_t kept = s->len < want ? s->len : want;
        uint8_t *data = received_resize(&r, s->data, s->len, want);
        CHECK((data == NULL) == (want == 0));
        *s = (struct slot){data, want};
        CHECK(holds(s, (uint8_t)(i + 1), kept));
        if (want == 0)
            continue;
        memset(data, (int)i + 1, want);
        bool here = received_find(&r, data, 1, &offset);
        inside += here;
        outside += !here;
    }
    CHECK(inside > 0 && outside > 0); /* it was full at times */
    for (size_t i = 0; i < SLOTS; i++) {
        CHECK(holds(&slots[i], (uint8_t)(i + 1), slots[i].len));
        (void)received_resize(&r, slots[i].data, slots[i].len, 0);
    }
    CHECK_EQ_U64(r.count, 0);
    for (size_t i = 0; i < RECEIVED_BYTES; i += 4096)
        CHECK(r.base[i] == 0);
    received_close(&r);
}

TEST(received_bounds, "what is not wholly there, with its padding, is not found")
{
    struct received r;
    uint64_t offset = 0;
    static uint8_t elsewhere[64];
    open_it(&r);
    uint8_t *end = r.base + RECEIVED_BYTES;
    CHECK(received_find(&r, r.base, 0, &offset) && offset == 0);
    CHECK(received_find(&r, r.base + 5, 10, &offset) && offset == 5);
    CHECK(received_find(&r, r.base, RECEIVED_BYTES - HAWSE_PADDING, &offset));
    CHECK(!received_find(&r, r.base, RECEIVED_BYTES - HAWSE_PADDING + 1, &offset));
    CHECK(!received_find(&r, r.base, RECEIVED_BYTES, &offset));
    CHECK(!received_find(&r, r.base, UINT64_MAX, &offset));
    CHECK(!received_find(&r, r.base + 1, UINT64_MAX, &offset));
    CHECK(!received_find(&r, r.base - 1, 2, &offset));
    CHECK(received_find(&r, end - HAWSE_PADDING, 0, &offset));
    CHECK(!received_find(&r, end - HAWSE_PADDING, 1, &offset));
    CHECK(!received_find(&r, end, 0, &offset));
    CHECK(!received_find(&r, elsewhere, 1, &offset));
    CHECK(!received_find(&r, NULL, 0, &offset));
    received_close(&r);
}

TEST(received_read_only, "the worker's side of it sees what the host writes and cannot write")
{
    struct received r;
    open_it(&r);
    uint8_t *data = received_resize(&r, NULL, 0, 10000);
    data[9999] = 7;
    CHECK(mmap(NULL, RECEIVED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, r.read_fd, 0) ==
          MAP_FAILED);
    CHECK_EQ(errno, EACCES);
    uint8_t *there = mmap(NULL, RECEIVED_BYTES, PROT_READ, MAP_SHARED, r.read_fd, 0);
    CHECK(there != MAP_FAILED);
    CHECK_EQ(there[data - r.base + 9999], 7);
    CHECK(mprotect(there, 4096, PROT_READ | PROT_WRITE) != 0);
    CHECK(madvise(there, 4096, MADV_REMOVE) != 0);
    CHECK(madvise(there, 4096, MADV_DONTNEED) == 0); /* its own view alone */
    CHECK_EQ(data[9999], 7);
    CHECK(received_resize(&r, data, 10000, 0) == NULL);
    CHECK_EQ(there[data - r.base + 9999], 0); /* a view that was kept */
    (void)munmap(there, RECEIVED_BYTES);
    received_close(&r);
}
