/* Worlds by the header of their sample; see world.h. */
#include "app/feed/world.h"

#include <errno.h>
#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *protocol;
    const struct feed_world *world;
    int32_t (*read)(FILE *f, const char *path, void **state, struct fault *fault);
} worlds[] = {
    {"evm", &feed_evm, feed_evm_read},
    {"solana", &feed_solana, feed_solana_read},
    {"polymarket", &feed_polymarket, feed_polymarket_read},
};

/* The header's "protocol"; "evm" where it has none. */
static size_t which(FILE *f)
{
    char *text = NULL;
    size_t cap = 0, found = 0;
    if (getline(&text, &cap, f) > 0) {
        json_t *header = json_loads(text, 0, NULL);
        const char *name = json_string_value(json_object_get(header, "protocol"));
        found = name ? sizeof(worlds) / sizeof(worlds[0]) : 0;
        for (size_t i = 0; name && i < sizeof(worlds) / sizeof(worlds[0]); i++)
            found = strcmp(name, worlds[i].protocol) == 0 ? i : found;
        json_decref(header);
    }
    free(text);
    rewind(f);
    return found;
}

int32_t feed_world_read(FILE *f, const char *path, const struct feed_world **world, void **state,
                        struct fault *fault)
{
    size_t i = which(f);
    if (i == sizeof(worlds) / sizeof(worlds[0]))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "%s:1: protocol: expected \"evm\", \"solana\" or \"polymarket\"", path);
    *world = worlds[i].world;
    return worlds[i].read(f, path, state, fault);
}

int32_t feed_world_load(const char *path, const struct feed_world **world, void **state,
                        struct fault *fault)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return fault_set(fault, HAWSE_E_NOTFOUND, "cannot open the sample %s: %s", path,
                         strerror(errno));
    int32_t code = feed_world_read(f, path, world, state, fault);
    (void)fclose(f);
    return code;
}

struct feed_subscription *feed_subscribe(struct feed_subscriber *s)
{
    return s->count < FEED_SUBSCRIPTIONS ? &s->list[s->count++] : NULL;
}

void feed_unsubscribe(struct feed_subscriber *s, size_t index)
{
    json_decref(s->list[index].filter);
    s->list[index] = s->list[--s->count];
}

void feed_subscriber_finish(struct feed_subscriber *s)
{
    for (size_t i = 0; i < s->count; i++)
        json_decref(s->list[i].filter);
    s->count = 0;
}

void feed_send_json(struct feed_subscriber *to, json_t *message)
{
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    if (text)
        feed_send(to, text);
    free(text);
    json_decref(message);
}
