/*
 * The whole chain plugin against everything that a node does wrong, at random: reorganisations up
 * to 64 deep, pushes lost, doubled and out of order, refusals, lag, slow answers, lost connections,
 * readers without room. What was told must be the node's chain, log for log.
 */
#include "ethereum_rig.h"
#include "harness.h"

enum { STEPS = 300 };

static void calm(struct rig *r)
{
    r->node.faults = (struct node_faults){.slow_ms = 2};
    r->node.empty_next = r->node.refuse_next = 0;
    r->node.ws_up = true;
    r->node.mute = r->node.http_down = r->node.refuse_subscribe = false;
    r->no_room = 0;
    r->full = false;
}

static void trouble(struct rig *r)
{
    struct node_faults *f = &r->node.faults;
    *f = (struct node_faults){.slow_ms = 1 + evmnode_dice(100)};
    f->drop_log = evmnode_dice(3) ? 0 : 300;
    f->drop_head = evmnode_dice(3) ? 0 : 200;
    f->twice = evmnode_dice(2) ? 0 : 300;
    f->refuse = evmnode_dice(2) ? 0 : 300;
    f->log_first = evmnode_dice(2) ? 0 : 400;
    f->stale_head = evmnode_dice(4) ? 0 : 200;
    f->lag = evmnode_dice(3) ? 0 : evmnode_dice(4);
    f->lag_is_empty = evmnode_dice(2) == 0;
    f->no_bloom = evmnode_dice(8) == 0;
    r->no_room = evmnode_dice(3) ? 0 : 100;
}

static uint32_t reorganise(struct rig *r)
{
    uint32_t left = r->node.head;
    static const uint32_t depths[] = {1, 1, 1, 2, 3, 12, 64};
    uint32_t depth = depths[evmnode_dice(7)];
    if (r->node.blocks[r->node.head].number > NODE_FIRST + depth)
        evmnode_reorg(&r->node, depth, evmnode_dice(3), evmnode_dice(2) == 0);
    return left;
}

/* A branch that was left grows beyond the head; or only its head is announced again. */
static void come_back(struct rig *r, uint32_t left)
{
    struct evmnode *n = &r->node;
    if (left == UINT32_MAX || n->blocks[n->head].number > n->blocks[left].number + 40)
        return;
    if (evmnode_dice(2)) {
        evmnode_push_head(n, left);
        return;
    }
    uint64_t beyond = n->blocks[n->head].number + 1;
    while (n->blocks[left].number < beyond) {
        left = evmnode_grow(n, left, evmnode_dice(NODE_LOGS));
        evmnode_push_head(n, left);
        for (uint32_t i = 0; i < n->blocks[left].log_count; i++)
            evmnode_push_log(n, left, i);
    }
}

/* Without a stream for a while: blocks are made, and some replaced. */
static void away(struct rig *r)
{
    uint32_t blocks = evmnode_dice(8) ? evmnode_dice(30) : 300;
    r->node.ws_up = false;
    evmnode_cut(&r->node);
    for (uint32_t i = 0; i < blocks; i++) {
        (void)evmnode_mine(&r->node, evmnode_dice(2));
        rig_pass(r, 1 + evmnode_dice(400));
        if (evmnode_dice(20) == 0)
            (void)reorganise(r);
    }
    r->node.ws_up = true;
    r->node.retry_ms = 50;
}

static void act(struct rig *r, uint32_t *left)
{
    switch (evmnode_dice(40)) {
    case 0:
        evmnode_cut(&r->node);
        break;
    case 1:
        r->node.retry_ms = 20 + evmnode_dice(2000);
        evmnode_cut(&r->node);
        break;
    case 2:
    case 3:
        *left = reorganise(r);
        break;
    case 10:
        come_back(r, *left);
        break;
    case 4:
        trouble(r);
        break;
    case 5:
        calm(r);
        break;
    case 6:
        if (evmnode_dice(4) == 0)
            away(r);
        break;
    case 7:
        r->node.http_down = evmnode_dice(3) == 0;
        break;
    case 8:
        r->node.mute = evmnode_dice(4) == 0;
        r->node.refuse_subscribe = evmnode_dice(4) == 0;
        break;
    case 9:
        r->node.empty_next = evmnode_dice(2);
        r->node.final = evmnode_up(&r->node, r->node.head, 200);
        break;
    default:
        (void)evmnode_mine(&r->node, evmnode_dice(NODE_LOGS));
    }
    rig_pass(r, 1 + evmnode_dice(evmnode_dice(8) ? 300 : 3000));
}

static void settle(struct rig *r)
{
    calm(r);
    for (int i = 0; i < 20; i++)
        rig_mine(r, 2, 2000);
    rig_pass(r, 5000); /* shorter than heads_idle_ms: nothing is put right by a reconnect */
}

static void run_model(uint32_t rounds)
{
    uint32_t gaps = 0, reorgs = 0, late = 0, polled = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        struct rig *r = rig_create(round % 2 ? "{\"heads_idle_ms\":8000}"
                                             : "{\"heads_idle_ms\":8000,\"poll_after_ms\":3000}");
        uint32_t left = UINT32_MAX;
        for (int i = 0; i < 80; i++)
            (void)evmnode_grow(&r->node, r->node.head, 2);
        rig_start(r);
        for (uint32_t i = evmnode_dice(2) ? 90 : 2; i > 0; i--) /* or: below where it began */
            rig_mine(r, 2, 20);
        for (int i = 0; i < STEPS; i++)
            act(r, &left);
        settle(r);
        rig_compare(r);
        gaps += r->reader.gaps;
        reorgs += r->reader.reorgs;
        late += r->reader.late_logs;
        polled += r->polled;
        rig_destroy(r);
    }
    CHECK(gaps > rounds && reorgs > rounds && late > rounds &&
          polled > 0); /* there was something to see */
}

TEST_LIMIT(model, 60, "at random: what was told is the chain of the node, log for log")
{
    run_model(60);
}
