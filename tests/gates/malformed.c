/*
 * Intents that are broken in one way each; all else about them is as the operator allows. None may
 * be taken over, and what the structures point to may be as bad as C lets it be without a crash.
 */
#include "trickster.h"

#include <hawse/hex.h>
#include <stdlib.h>
#include <string.h>

/* An intent that would be sent, and room for making it one that would not. */
struct room {
    hawse_intent_t in;
    hawse_intent_call_t calls[HAWSE_INTENT_CALLS_MAX + 1];
    hawse_intent_flow_t flows[HAWSE_INTENT_FLOWS_MAX + 1];
    hawse_intent_stream_t streams[HAWSE_INTENT_STREAMS_MAX + 1];
    uint8_t data[HAWSE_INTENT_DATA_MAX + 1];
    char text[HAWSE_INTENT_NOTE_MAX + 2];
};

static hawse_view_t text_of(struct room *r, size_t len)
{
    memset(r->text, 'x', sizeof(r->text));
    return (hawse_view_t){(const uint8_t *)r->text, len};
}

static hawse_view_t bytes_of(const char *text, size_t len)
{
    return (hawse_view_t){(const uint8_t *)text, len};
}

static void with_flows(struct room *r, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        r->flows[i] = (hawse_intent_flow_t){.size = sizeof(r->flows[i])};
        r->flows[i].asset[0] = (uint8_t)(i + 1);
    }
    r->in.flows = r->flows;
    r->in.flow_count = count;
    r->in.flow_size = sizeof(r->flows[0]);
}

static void with_streams(struct room *r, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        r->streams[i] = (hawse_intent_stream_t){.size = sizeof(r->streams[i])};
    r->in.streams = r->streams;
    r->in.stream_count = count;
    r->in.stream_size = sizeof(r->streams[0]);
}

/* The same call once more, twice, often. */
static void with_calls(struct room *r, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        r->calls[i] = r->calls[0];
    r->in.call_count = count;
}

/* X(name, what is done to it) */
#define BROKEN(X)                                                                              \
    X(size_zero, r->in.size = 0)                                                               \
    X(size_short, r->in.size = offsetof(hawse_intent_t, note))                                 \
    X(kind_zero, r->in.kind = 0)                                                               \
    X(kind_unknown, r->in.kind = 77)                                                           \
    X(how_unknown, r->in.how = 77)                                                             \
    X(how_huge, r->in.how = UINT32_MAX)                                                        \
    X(route_unknown, r->in.route = 3)                                                          \
    X(flags_unknown, r->in.flags = 4)                                                          \
    X(flags_all, r->in.flags = UINT32_MAX)                                                     \
    X(id_empty, r->in.id.len = 0)                                                              \
    X(id_null, r->in.id = bytes_of(NULL, 8))                                                   \
    X(id_65, r->in.id = text_of(r, 65))                                                        \
    X(id_huge, r->in.id = bytes_of("id", UINT64_MAX))                                          \
    X(id_control, r->in.id = bytes_of("a\nb", 3))                                              \
    X(id_nul, r->in.id = bytes_of("a\0b", 3))                                                  \
    X(id_space, r->in.id = bytes_of("a b", 3))                                                 \
    X(id_high, r->in.id = bytes_of("a\xc3\xa4", 3))                                            \
    X(calls_none, r->in.call_count = 0)                                                        \
    X(calls_65, with_calls(r, HAWSE_INTENT_CALLS_MAX + 1))                                     \
    X(calls_huge, r->in.call_count = UINT32_MAX)                                               \
    X(calls_null, r->in.calls = NULL)                                                          \
    X(call_size_small, r->in.call_size = sizeof(r->calls[0]) - 8)                              \
    X(call_size_odd, r->in.call_size = sizeof(r->calls[0]) + 1)                                \
    X(call_size_huge, r->in.call_size = UINT32_MAX)                                            \
    X(call_size_zero, r->in.call_size = 0)                                                     \
    X(call_own_size, r->calls[0].size = 0)                                                     \
    X(call_flags, r->calls[0].flags = 1)                                                       \
    X(to_zero, memset(r->calls[0].to, 0, 20))                                                  \
    X(data_null, r->calls[0].data.data = NULL)                                                 \
    X(data_65537, r->calls[0].data = bytes_of((char *)r->data, sizeof(r->data)))               \
    X(data_huge, r->calls[0].data.len = UINT64_MAX)                                            \
    X(data_in_all, (with_calls(r, 2), r->calls[0].data.len = 4,                                \
                    r->calls[1].data = bytes_of((char *)r->data, 65536)))                      \
    X(flows_17, with_flows(r, HAWSE_INTENT_FLOWS_MAX + 1))                                     \
    X(flows_null, (with_flows(r, 1), r->in.flows = NULL))                                      \
    X(flows_huge, (with_flows(r, 1), r->in.flow_count = UINT32_MAX))                           \
    X(flow_size_small, (with_flows(r, 1), r->in.flow_size = 8))                                \
    X(flow_flags, (with_flows(r, 1), r->flows[0].flags = 4))                                   \
    X(flow_twice, (with_flows(r, 2), r->flows[1].asset[0] = r->flows[0].asset[0]))             \
    X(min_above,                                                                               \
      (with_flows(r, 1), r->flows[0].min_in.limb[0] = 2, r->flows[0].expected_in.limb[0] = 1)) \
    X(streams_9, with_streams(r, HAWSE_INTENT_STREAMS_MAX + 1))                                \
    X(streams_null, (with_streams(r, 1), r->in.streams = NULL))                                \
    X(streams_unknown, with_streams(r, 1))                                                     \
    X(chain_empty, r->in.chain.len = 0)                                                        \
    X(chain_null, r->in.chain = bytes_of(NULL, 5))                                             \
    X(chain_64, r->in.chain = text_of(r, 64))                                                  \
    X(chain_not_granted, r->in.chain = bytes_of("other", 5))                                   \
    X(chain_unknown, r->in.chain = bytes_of("nowhere", 7))                                     \
    X(account_empty, r->in.account.len = 0)                                                    \
    X(account_unknown, r->in.account = bytes_of("nobody", 6))                                  \
    X(account_64, r->in.account = text_of(r, 64))                                              \
    X(note_257, r->in.note = text_of(r, HAWSE_INTENT_NOTE_MAX + 1))                            \
    X(note_null, r->in.note = bytes_of(NULL, 1))                                               \
    X(note_no_text, r->in.note = bytes_of("\xff\xfe", 2))

#define BROKEN_FUNCTION(name, what)          \
    static void break_##name(struct room *r) \
    {                                        \
        (void)(what);                        \
    }
BROKEN(BROKEN_FUNCTION)

static const struct broken {
    const char *name;
    void (*apply)(struct room *r);
} all[] = {
#define BROKEN_ENTRY(name, what) {#name, break_##name},
    BROKEN(BROKEN_ENTRY)};

static void whole(struct trickster *t, struct room *r, const char *name)
{
    static const uint8_t hit[36] = {0xeb, 0xf6, 0xe9, 0x1d};
    memset(r, 0, sizeof(*r));
    r->calls[0].size = sizeof(r->calls[0]);
    r->calls[0].data = (hawse_view_t){hit, sizeof(hit)};
    (void)hawse_hex_fixed((const uint8_t *)t->target, strlen(t->target), r->calls[0].to, 20);
    r->in = (hawse_intent_t){.size = sizeof(r->in),
                             .kind = HAWSE_INTENT_EVM_CALLS,
                             .id = hawse_text(name),
                             .chain = hawse_text(t->chain),
                             .account = hawse_text(t->account),
                             .call_count = 1,
                             .call_size = sizeof(r->calls[0]),
                             .calls = r->calls};
}

void malformed(struct trickster *t)
{
    struct room *r = calloc(1, sizeof(*r));
    uint64_t handle = 0;
    if (!r)
        return;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        whole(t, r, all[i].name);
        all[i].apply(r);
        say(t, "broken %s: %d", all[i].name,
            t->intents->propose(t->host, t->self, &r->in, &handle));
    }
    whole(t, r, "no_intent");
    say(t, "broken no_intent: %d", t->intents->propose(t->host, t->self, NULL, &handle));
    say(t, "broken no_handle: %d", t->intents->propose(t->host, t->self, &r->in, NULL));
    say(t, "broken no_id: %d", t->intents->look_up(t->host, t->self, bytes_of(NULL, 4), 0));
    say(t, "broken look_up_65: %d", t->intents->look_up(t->host, t->self, text_of(r, 65), 0));
    free(r);
}
