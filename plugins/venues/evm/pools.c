/* The pools of a venue by address, and who of them is wanted; see venue.h. */
#include "venue.h"

#include <stdlib.h>
#include <string.h>

bool venue_pools_init(struct venue *v)
{
    uint32_t buckets = 2;
    while (buckets < 2 * v->kind->pools_max)
        buckets *= 2;
    v->mask = buckets - 1;
    v->pools = calloc(v->kind->pools_max, sizeof(v->pools[0]));
    v->buckets = malloc(buckets * sizeof(v->buckets[0]));
    if (v->buckets)
        memset(v->buckets, 0xff, buckets * sizeof(v->buckets[0]));
    return v->pools && v->buckets;
}

void venue_pools_finish(struct venue *v)
{
    for (uint32_t i = 0; i < v->pool_count; i++) {
        free(v->pools[i]->history);
        free(v->pools[i]->befores);
        free(v->pools[i]->early);
        free(v->pools[i]->state);
        free(v->pools[i]);
    }
    free(v->pools);
    free(v->buckets);
}

struct venue_pool *venue_pool_find(const struct venue *v, const uint8_t address[20])
{
    uint32_t i = v->buckets[(uint32_t)hawse_key(address, 20) & v->mask];
    for (; i != UINT32_MAX; i = v->pools[i]->next) {
        if (memcmp(v->pools[i]->address, address, 20) == 0)
            return v->pools[i];
    }
    return NULL;
}

static struct venue_pool *make_pool(struct venue *v, const uint8_t address[20],
                                    const uint8_t market[32])
{
    if (v->pool_count == v->kind->pools_max) {
        venue_complain(v, "more than %u pools: name the wanted ones in the settings",
                       v->kind->pools_max);
        return NULL;
    }
    struct venue_pool *p = calloc(1, v->kind->pool_size);
    void *state = calloc(1, v->kind->state_size);
    if (!p || !state) {
        free(p);
        free(state);
        return NULL;
    }
    p->state = state;
    memcpy(p->address, address, 20);
    memcpy(p->market, market, 32);
    p->key = hawse_key(p->market, 32);
    uint32_t *bucket = &v->buckets[(uint32_t)hawse_key(address, 20) & v->mask];
    p->next = *bucket;
    *bucket = v->pool_count;
    v->pools[v->pool_count++] = p;
    return p;
}

struct venue_pool *venue_pool_add(struct venue *v, const uint8_t address[20],
                                  const uint8_t market[32])
{
    struct venue_pool *p = venue_pool_find(v, address);
    if (!p)
        p = make_pool(v, address, market);
    if (p && !p->wanted) {
        p->wanted = true;
        v->unread++;
    }
    return p;
}

int32_t venue_pool_listen(struct venue *v, struct venue_pool *p)
{
    if (p->sub)
        return HAWSE_OK;
    /* a block that is told already may lack its logs */
    p->ready_at = v->created ? v->live_blocks + 1 : 0;
    return v->kind->subscribe_pool(v, p);
}

void venue_pool_drop(struct venue *v, struct venue_pool *p)
{
    if (!p->wanted)
        return;
    venue_pool_unread(v, p);
    p->wanted = false;
    v->unread--;
    if (p->sub)
        (void)v->sub->unsubscribe(v->host, v->self, p->sub);
    p->sub = 0;
}
