/*
 * Fails each allocation in turn, also under sanitizers: there, where the harness cannot stand in
 * front of the allocator, at least those of the JSON library fail, which are most.
 *
 * The JSON library writes beyond its buffers when the buffer of a long token cannot grow (its sizes
 * are powers of two): that one allocation is tried again, so that the rest can be proved.
 */
#ifndef HAWSE_TESTS_UNIT_JSON_SWEEP_H
#define HAWSE_TESTS_UNIT_JSON_SWEEP_H

#include <harness.h>
#include <jansson.h>
#include <stdlib.h>

static uint64_t sweep_count, sweep_at, sweep_before;

static void *sweep_malloc(size_t n)
{
    bool fails = !test_alloc_hooks() && sweep_at != 0 && ++sweep_count == sweep_at;
    void *p = fails ? NULL : malloc(n);
    return !p && (n & (n - 1)) == 0 ? malloc(n) : p;
}

/* From now on the n-th allocation fails. */
static inline void sweep_begin(uint64_t n)
{
    json_set_alloc_funcs(sweep_malloc, free);
    sweep_count = 0;
    sweep_at = n;
    sweep_before = test_alloc_count();
    test_alloc_fail_after(n);
}

/* Did it come to that allocation? */
static inline bool sweep_end(void)
{
    bool reached = test_alloc_hooks() ? test_alloc_count() - sweep_before >= sweep_at
                                      : sweep_count >= sweep_at;
    test_alloc_fail_after(0);
    sweep_at = 0;
    return reached;
}

#endif
