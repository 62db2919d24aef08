/* The swapr venue's configuration: pools by address, or by their factory. See swapr.h. */
#include "swapr.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <stdlib.h>
#include <string.h>

static int32_t read_address(const hawse_json_value_t *v, uint8_t out[20])
{
    return v->kind == HAWSE_JSON_STRING ? hawse_hex_fixed(v->data, v->len, out, 20)
                                        : HAWSE_E_FORMAT;
}

static uint32_t count_of(const hawse_json_t *doc, hawse_json_value_t list)
{
    hawse_json_value_t v;
    uint32_t n = 0;
    while (hawse_json_next(doc, &list, NULL, &v) == 1)
        n++;
    return n;
}

static int32_t read_pools(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t v;
    uint8_t address[20];
    while (hawse_json_next(doc, list, NULL, &v) == 1) {
        if (read_address(&v, address) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        if (!swapr_know_pool(s, address))
            return HAWSE_E_NOMEM;
    }
    return HAWSE_OK;
}

static int32_t read_pair(const hawse_json_t *doc, hawse_json_value_t *pair, struct pair *out)
{
    hawse_json_value_t v;
    for (int i = 0; i < 2; i++) {
        if (hawse_json_next(doc, pair, NULL, &v) != 1 ||
            read_address(&v, out->token[i]) != HAWSE_OK)
            return HAWSE_E_FORMAT;
    }
    return HAWSE_OK;
}

static int32_t read_pairs(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t v;
    s->found.pairs = calloc(count_of(doc, *list) + 1u, sizeof(s->found.pairs[0]));
    if (!s->found.pairs)
        return HAWSE_E_NOMEM;
    while (hawse_json_next(doc, list, NULL, &v) == 1) {
        int32_t code = read_pair(doc, &v, &s->found.pairs[s->found.pair_count++]);
        if (code != HAWSE_OK)
            return code;
    }
    return HAWSE_OK;
}

static int32_t read_factory(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t v;
    int32_t code = hawse_json_get(doc, root, "factory", &v);
    if (code == HAWSE_E_NOTFOUND)
        return HAWSE_OK;
    if (code == HAWSE_OK)
        code = read_address(&v, s->found.factory);
    s->found.on = code == HAWSE_OK;
    if (code == HAWSE_OK && hawse_json_get(doc, root, "pairs", &v) == HAWSE_OK)
        code = read_pairs(s, doc, &v);
    if (code == HAWSE_OK && hawse_json_get(doc, root, "factory_block", &v) == HAWSE_OK) {
        code = hawse_json_u64(&v, &s->found.from_block);
        s->found.next_block = s->found.from_block;
        s->found.scan = code == HAWSE_OK;
    }
    return code;
}

static int32_t read_all(void *state, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct swapr *s = state;
    hawse_json_value_t list;
    int32_t code = HAWSE_OK;
    bool named = hawse_json_get(doc, root, "pools", &list) == HAWSE_OK;
    if (named)
        code = read_pools(s, doc, &list);
    if (code == HAWSE_OK)
        code = read_factory(s, doc, root);
    if (code == HAWSE_OK && !named && !s->found.on)
        code = hawse_fail(s->host, s->self, HAWSE_E_INVAL, "no pools are named, and no factory",
                          "set \"pools\" to a list of addresses, or \"factory\" to an Algebra V1.9 "
                          "factory");
    return code;
}

int32_t settings_read(struct swapr *s, hawse_view_t config)
{
    return venue_settings(config, s, read_all);
}
