/*
 * The rig of the chain plugin's tests; see ethereum_rig.h.
 */
#include "ethereum_rig.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the reader ---- */

bool rig_wanted(const struct node_log *log)
{
    switch (log->address) {
    case 0:
    case 3:
        return true;
    case 1:
        return log->topic == 0;
    case 2:
        return log->topic != 0;
    default:
        return false;
    }
}

static struct reader_block *block_of(struct reader *r, uint32_t index)
{
    if (index >= r->logs_cap) {
        uint32_t cap = (index + 1) * 2;
        r->logs = realloc(r->logs, cap * sizeof(r->logs[0]));
        CHECK(r->logs != NULL);
        memset(r->logs + r->logs_cap, 0, (cap - r->logs_cap) * sizeof(r->logs[0]));
        r->logs_cap = cap;
    }
    return &r->logs[index];
}

static uint32_t top_of(const struct reader *r)
{
    return r->told_count > 0 ? r->told[r->told_count - 1] : UINT32_MAX;
}

static bool is_told(const struct rig *r, uint32_t index)
{
    for (uint32_t i = r->reader.told_count; i-- > 0;) {
        if (r->reader.told[i] == index)
            return true;
        if (r->node.blocks[r->reader.told[i]].number < r->node.blocks[index].number)
            break;
    }
    return false;
}

static void on_block(struct rig *r, const hawse_event_t *event)
{
    const hawse_evm_block_t *b = (const hawse_evm_block_t *)(const void *)event->data;
    struct reader *reader = &r->reader;
    uint32_t index = evmnode_find(&r->node, b->hash);
    if (index == UINT32_MAX || r->node.blocks[index].number != b->number)
        FAIL("block %llu never was", (unsigned long long)b->number);
    if (event->flags & HAWSE_EVENT_REMOVED) {
        if (index != top_of(reader) || block_of(reader, index)->count > 0)
            FAIL("block %llu is taken back, but is not the newest, or its logs still stand",
                 (unsigned long long)b->number);
        if (b->number < reader->retract_from)
            FAIL("block %llu is taken back unannounced", (unsigned long long)b->number);
        reader->told_count--;
        return;
    }
    if (reader->told_count > 0 && r->node.blocks[index].parent != top_of(reader))
        FAIL("block %llu does not follow the one before", (unsigned long long)b->number);
    if (reader->cut)
        FAIL("block %llu after a cut, and no gap was announced", (unsigned long long)b->number);
    CHECK(reader->told_count < RIG_BLOCKS && block_of(reader, index)->count == 0);
    reader->told[reader->told_count++] = index;
    reader->backfilled_blocks += (event->flags & HAWSE_EVENT_BACKFILLED) != 0;
}

static void check_fields(const struct rig *r, const hawse_evm_log_t *log, uint32_t index)
{
    const struct node_block *b = &r->node.blocks[index];
    CHECK(log->log_index < b->log_count);
    const struct node_log *l = &b->logs[log->log_index];
    uint8_t address[20], topic[32];
    uint64_t value = 0;
    evmnode_address(l->address, address);
    evmnode_topic(l->topic, topic);
    CHECK(rig_wanted(l) || (r->all_of_4_from > 0 && l->address == 4));
    CHECK_MEM(log->address, address, 20);
    CHECK_MEM(log->topics[0], topic, 32);
    CHECK_MEM(log->block_hash, b->hash, 32);
    CHECK_EQ_U64(log->block_number, b->number);
    CHECK_EQ_U64(log->block_timestamp, 1700000000 + 5 * b->number);
    CHECK_EQ_U64(log->chain_id, 100);
    CHECK_EQ_U64(log->data_len, 8);
    for (int i = 0; i < 8; i++)
        value = value << 8 | ((const uint8_t *)log)[log->data_offset + (uint32_t)i];
    CHECK_EQ_U64(value, l->value);
}

static void on_log(struct rig *r, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    struct reader *reader = &r->reader;
    unsigned long long number = log->block_number;
    uint32_t index = evmnode_find(&r->node, log->block_hash);
    CHECK(event->len == sizeof(*log) + log->data_len);
    if (index == UINT32_MAX || !is_told(r, index))
        FAIL("a log of block %llu, which is not told", number);
    check_fields(r, log, index);
    struct reader_block *b = block_of(reader, index);
    if (event->flags & HAWSE_EVENT_REMOVED) {
        if (index != top_of(reader) || b->count == 0 || b->order[b->count - 1] != log->log_index)
            FAIL("log %u of block %llu is taken back, but was not the newest", log->log_index,
                 number);
        b->count--;
        reader->newest_log = 0;
        return;
    }
    reader->backwards += log->block_number < reader->newest_log;
    reader->newest_log = log->block_number;
    for (uint32_t i = 0; i < b->count; i++) {
        if (b->order[i] == log->log_index)
            FAIL("log %u of block %llu is told again", log->log_index, number);
    }
    if (index != top_of(reader) && !reader->gap[HAWSE_EVM_STREAM_LOGS])
        FAIL("a late log of block %llu, and no gap was announced", number);
    if (reader->cut)
        FAIL("a log of block %llu after a cut, and no gap was announced", number);
    b->order[b->count++] = (uint8_t)log->log_index;
    reader->late_logs += (event->flags & HAWSE_EVENT_BACKFILLED) != 0;
    reader->all_logs++;
}

static void on_continuity(struct rig *r, const hawse_event_t *event)
{
    const hawse_stream_range_t *range = (const hawse_stream_range_t *)(const void *)event->data;
    struct reader *reader = &r->reader;
    bool blocks = event->stream == HAWSE_EVM_STREAM_BLOCKS;
    CHECK(range->from <= range->to);
    switch (event->kind) {
    case HAWSE_STREAM_EVENT_GAP:
        if (reader->gap[event->stream] && range->from >= reader->gap_from[event->stream])
            FAIL("a gap inside a gap of stream %u", event->stream);
        reader->gap_from[event->stream] = range->from;
        CHECK(event->epoch > reader->epoch[event->stream]);
        reader->gap[event->stream] = true;
        reader->cut = false;
        reader->gaps += blocks;
        break;
    case HAWSE_STREAM_EVENT_HEALED:
        CHECK(reader->gap[event->stream]);
        reader->gap[event->stream] = false;
        reader->healed += blocks;
        break;
    case HAWSE_STREAM_EVENT_UNHEALABLE:
        if (!r->unhealable_is_ok)
            FAIL("blocks %llu to %llu were given up", (unsigned long long)range->from,
                 (unsigned long long)range->to);
        reader->gap[event->stream] = reader->cut = false;
        reader->unhealable += blocks;
        if (blocks)
            reader->told_count = 0; /* the reader starts afresh */
        break;
    case HAWSE_STREAM_EVENT_RETRACT:
        reader->retract_from = range->from;
        break;
    case HAWSE_STREAM_EVENT_FINAL:
        CHECK(reader->final_to == 0 || range->from == reader->final_to + 1);
        reader->final_to = range->to;
        break;
    case HAWSE_STREAM_EVENT_LIVE:
        CHECK(!reader->gap[event->stream]);
        reader->lives += blocks;
        break;
    default:
        break;
    }
}

static void on_publish(void *ctx, const hawse_event_t *event)
{
    struct rig *r = ctx;
    CHECK(event->stream < 4 && event->epoch >= r->reader.epoch[event->stream]);
    if (event->space == HAWSE_SPACE_STREAM) {
        on_continuity(r, event);
    } else {
        bool starts = r->reader.epoch[event->stream] == 0 || r->unhealable_is_ok;
        if (event->epoch != r->reader.epoch[event->stream] && !starts)
            FAIL("epoch %u of stream %u begins without a gap", event->epoch, event->stream);
        if (event->kind == HAWSE_EVM_BLOCK)
            on_block(r, event);
        else if (event->kind == HAWSE_EVM_LOG)
            on_log(r, event);
        else if (event->kind == HAWSE_EVM_REORG)
            r->reader.reorgs++;
    }
    r->reader.epoch[event->stream] = event->epoch;
}

/* ---- the rig ---- */

static bool on_room(void *ctx, const hawse_event_t *event)
{
    struct rig *r = ctx;
    (void)event;
    return !r->full && (r->no_room == 0 || evmnode_dice(1000) >= r->no_room);
}

static void on_log_line(void *ctx, uint32_t level, const char *text)
{
    struct rig *r = ctx;
    if (getenv("RIG_TALK"))
        fprintf(stderr, "# %llu ms: %u %s\n",
                (unsigned long long)(fakehost_now(r->host) / FAKEHOST_MS), level, text);
    r->polled += strstr(text, "is followed by polling") != NULL;
    if (level != HAWSE_LOG_ERROR)
        return;
    r->errors++;
    (void)snprintf(r->last_error, sizeof(r->last_error), "%s", text);
}

static int32_t on_open(void *ctx, hawse_stream_t stream, const char *endpoint)
{
    return evmnode_open(&((struct rig *)ctx)->node, stream, endpoint);
}

static int32_t on_send(void *ctx, hawse_stream_t stream, const char *text, uint64_t len)
{
    return evmnode_send(&((struct rig *)ctx)->node, stream, text, len);
}

static void on_reconnect(void *ctx, hawse_stream_t stream, const char *reason)
{
    evmnode_reconnect(&((struct rig *)ctx)->node, stream, reason);
}

static int32_t on_ask(void *ctx, const struct fakehost_call *call)
{
    return evmnode_ask(&((struct rig *)ctx)->node, call);
}

static void on_cut(void *ctx)
{
    struct rig *r = ctx;
    /* while it polls the stream is not needed; what came before the cut and waits for room may
     * still be told */
    r->reader.cut = r->reader.lives > 0 && fakehost_metric(r->host, "evm_polling") == 0 &&
                    !r->reader.gap[HAWSE_EVM_STREAM_BLOCKS] && fakehost_waiting(r->host) == 0;
}

void rig_demand(struct rig *r, uint32_t address)
{
    struct {
        hawse_evm_log_filter_t filter;
        uint8_t topics[2][32];
    } f = {.filter = {.size = sizeof(f.filter)}};
    evmnode_address(address, f.filter.address);
    if (address == 1) {
        f.filter.topic0_count = 1;
        evmnode_topic(0, f.topics[0]);
    } else if (address == 2) {
        f.filter.topic0_count = 2;
        evmnode_topic(1, f.topics[0]);
        evmnode_topic(2, f.topics[1]);
    }
    fakehost_demand(r->host, HAWSE_DEMAND_ADD, 100 + address, HAWSE_SPACE_EVM, &f,
                    (uint32_t)(sizeof(f.filter) + 32 * f.filter.topic0_count));
}

struct rig *rig_create(const char *settings)
{
    struct rig *r = calloc(1, sizeof(*r));
    CHECK(r != NULL);
    evmnode_init(&r->node, 100);
    r->node.on_cut = on_cut;
    r->node.ctx = r;
    struct fakehost_outside outside = {.ctx = r,
                                       .open = on_open,
                                       .send = on_send,
                                       .reconnect = on_reconnect,
                                       .ask = on_ask,
                                       .publish = on_publish,
                                       .room = on_room,
                                       .log = on_log_line};
    r->host = fakehost_create(hawse_plugin_v1, settings, &outside);
    r->node.host = r->host;
    for (uint32_t i = 0; i < 4; i++)
        rig_demand(r, i);
    return r;
}

void rig_start(struct rig *r)
{
    fakehost_start(r->host);
    rig_pass(r, 300);
}

void rig_destroy(struct rig *r)
{
    fakehost_destroy(r->host);
    evmnode_finish(&r->node);
    free(r->reader.logs);
    free(r);
}

void rig_pass(struct rig *r, uint64_t ms)
{
    fakehost_pass(r->host, ms * FAKEHOST_MS);
}

void rig_mine(struct rig *r, uint32_t logs, uint64_t ms)
{
    (void)evmnode_mine(&r->node, logs);
    rig_pass(r, ms);
}

uint32_t rig_grow_with_log(struct rig *r)
{
    for (;;) {
        uint32_t index = evmnode_grow(&r->node, r->node.head, 1);
        if (rig_wanted(&r->node.blocks[index].logs[0]))
            return index;
        r->node.head = r->node.blocks[index].parent; /* it never was */
    }
}

bool rig_at_head(const struct rig *r)
{
    return top_of(&r->reader) == r->node.head;
}

static bool is_of_4(const struct rig *r, const struct node_block *b, uint32_t log)
{
    return r->all_of_4_from > 0 && b->number >= r->all_of_4_from && b->logs[log].address == 4;
}

void rig_compare(struct rig *r)
{
    const struct evmnode *n = &r->node;
    struct reader *reader = &r->reader;
    uint32_t at = n->head;
    CHECK(reader->told_count > 0);
    if (!rig_at_head(r))
        FAIL("the head is block %llu, told is %llu", (unsigned long long)n->blocks[n->head].number,
             (unsigned long long)n->blocks[top_of(reader)].number);
    for (uint32_t i = reader->told_count; i-- > 0; at = n->blocks[at].parent) {
        const struct node_block *b = &n->blocks[at];
        uint32_t wanted = 0;
        CHECK(reader->told[i] == at);
        for (uint32_t k = 0; k < b->log_count; k++)
            wanted += rig_wanted(&b->logs[k]) || is_of_4(r, b, k);
        /* readers begin behind the first block: its logs are not told */
        bool partly = r->all_of_4_from > 0 && b->number < r->all_of_4_from;
        if (block_of(reader, at)->count != wanted && i > 0 && !partly)
            FAIL("block %llu has %u wanted logs, %u were told", (unsigned long long)b->number,
                 wanted, block_of(reader, at)->count);
    }
    for (uint32_t i = 0; i < 4; i++)
        CHECK(!reader->gap[i]);
}
