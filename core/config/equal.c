/*
 * Whether two configurations of an instance are alike, so that a reload may leave it running; see
 * config.h. Every field of the struct stands here: one that is forgotten would be a change that a
 * reload silently ignores. Limits and breaker are left out: no instance has to stop for new ones,
 * they hold from the reload on (risk_reload).
 */
#include "config/internal.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_headers(const struct config_endpoint *a, const struct config_endpoint *b)
{
    for (size_t i = 0; i < a->header_count && i < b->header_count; i++) {
        if (!same(a->headers[i].name, b->headers[i].name) ||
            !same(a->headers[i].value, b->headers[i].value))
            return false;
    }
    return a->header_count == b->header_count;
}

static bool same_times(const struct config_endpoint *a, const struct config_endpoint *b)
{
    return a->connect_timeout_ms == b->connect_timeout_ms &&
           a->request_timeout_ms == b->request_timeout_ms && a->ping_ms == b->ping_ms &&
           a->idle_ms == b->idle_ms && a->backoff_min_ms == b->backoff_min_ms &&
           a->backoff_max_ms == b->backoff_max_ms;
}

bool endpoint_equal(const struct config_endpoint *a, const struct config_endpoint *b)
{
    return same(a->name, b->name) && same(a->chain, b->chain) && same(a->url, b->url) &&
           same(a->proxy, b->proxy) && same(a->ca_file, b->ca_file) && a->insecure == b->insecure &&
           a->deflate == b->deflate && a->validate_utf8 == b->validate_utf8 && same_headers(a, b) &&
           same_times(a, b);
}

static bool same_links(const struct config_instance *a, const struct config_instance *b)
{
    for (size_t i = 0; i < a->link_count && i < b->link_count; i++) {
        if (!same(a->links[i].name, b->links[i].name) ||
            !same(a->links[i].target, b->links[i].target))
            return false;
    }
    return a->link_count == b->link_count;
}

static bool same_permissions(const struct config_instance *a, const struct config_instance *b)
{
    for (size_t i = 0; i < a->grant_count && i < b->grant_count; i++) {
        if (!same(a->grants[i], b->grants[i]))
            return false;
    }
    for (size_t i = 0; i < a->feature_count && i < b->feature_count; i++) {
        if (!same(a->features[i].name, b->features[i].name) ||
            a->features[i].enabled != b->features[i].enabled)
            return false;
    }
    return a->grant_count == b->grant_count && a->feature_count == b->feature_count;
}

static bool same_endpoints(const struct config_instance *a, const struct config_instance *b)
{
    for (size_t i = 0; i < a->endpoint_count && i < b->endpoint_count; i++) {
        if (!endpoint_equal(&a->endpoints[i], &b->endpoints[i]))
            return false;
    }
    return a->endpoint_count == b->endpoint_count;
}

static bool same_credential(const struct config_credential *a, const struct config_credential *b)
{
    bool alike = same(a->name, b->name) && same(a->schema, b->schema) &&
                 a->endpoint_count == b->endpoint_count && a->value_count == b->value_count;
    for (size_t i = 0; alike && i < a->endpoint_count; i++)
        alike = same(a->endpoints[i], b->endpoints[i]);
    for (size_t i = 0; alike && i < a->value_count; i++)
        alike = same(a->values[i].name, b->values[i].name) &&
                same(a->values[i].text, b->values[i].text) &&
                a->values[i].reference == b->values[i].reference;
    return alike;
}

static bool same_credentials(const struct config_instance *a, const struct config_instance *b)
{
    for (size_t i = 0; i < a->credential_count && i < b->credential_count; i++) {
        if (!same_credential(&a->credentials[i], &b->credentials[i]))
            return false;
    }
    return a->credential_count == b->credential_count;
}

static bool same_budget(const struct config_budget *a, const struct config_budget *b)
{
    return a->callback_us == b->callback_us && a->hang_ms == b->hang_ms &&
           a->on_overrun == b->on_overrun && a->on_hang == b->on_hang;
}

static bool same_isolation(const struct config_instance *a, const struct config_instance *b)
{
    const struct config_worker *v = &a->worker, *w = &b->worker;
    return a->isolation == b->isolation && v->memory_mib == w->memory_mib &&
           v->restarts == w->restarts && v->backoff_ms == w->backoff_ms && v->cpu == w->cpu &&
           v->spin_us == w->spin_us;
}

bool config_instance_equal(const struct config_instance *a, const struct config_instance *b)
{
    return same(a->id, b->id) && same(a->plugin, b->plugin) && a->enabled == b->enabled &&
           a->mode == b->mode && a->allow == b->allow && same(a->lane, b->lane) &&
           a->queue == b->queue && a->patience_ms == b->patience_ms &&
           same_budget(&a->budget, &b->budget) && same_isolation(a, b) &&
           same(a->settings, b->settings) && same_links(a, b) && same_permissions(a, b) &&
           same_endpoints(a, b) && same_credentials(a, b);
}

/* ---- chains ---- */

static bool same_methods(const struct config_provider *a, const struct config_provider *b)
{
    for (size_t i = 0; i < a->method_count && i < b->method_count; i++) {
        const struct config_method *m = &a->methods[i], *n = &b->methods[i];
        if (!same(m->name, n->name) || m->per_second != n->per_second || m->cost != n->cost)
            return false;
    }
    return a->method_count == b->method_count;
}

static bool same_providers(const struct config_chain *a, const struct config_chain *b)
{
    for (size_t i = 0; i < a->provider_count && i < b->provider_count; i++) {
        const struct config_provider *p = &a->providers[i], *q = &b->providers[i];
        if (!same(p->name, q->name) || !endpoint_equal(&p->http, &q->http) ||
            !endpoint_equal(&p->ws, &q->ws) || p->priority != q->priority ||
            p->weight != q->weight || p->per_second != q->per_second ||
            p->in_flight != q->in_flight || p->batch != q->batch ||
            p->batch_delay_ms != q->batch_delay_ms || !same_methods(p, q))
            return false;
    }
    return a->provider_count == b->provider_count;
}

static bool same_way(const struct config_relay *a, const struct config_relay *b)
{
    return a->usual == b->usual && a->bundle == b->bundle && a->raw == b->raw &&
           a->bare == b->bare && same(a->method, b->method) && same(a->auth, b->auth) &&
           a->blocks == b->blocks && a->rounds == b->rounds;
}

/* What is asked, and believed, before money moves. */
static bool same_caution(const struct config_tx *a, const struct config_tx *b)
{
    return a->quorum == b->quorum && a->keep_view == b->keep_view &&
           a->simulation_required == b->simulation_required && a->call_tree == b->call_tree &&
           memcmp(a->engines, b->engines, sizeof(a->engines)) == 0;
}

static bool same_tx(const struct config_tx *a, const struct config_tx *b)
{
    return a->confirmations == b->confirmations && a->finality == b->finality &&
           a->max_gas_price_gwei == b->max_gas_price_gwei && a->min_tip_wei == b->min_tip_wei &&
           a->base_fee_denominator == b->base_fee_denominator && same_caution(a, b) &&
           a->relay_fallback == b->relay_fallback && a->executor == b->executor &&
           memcmp(a->delegate, b->delegate, 20) == 0 && endpoint_equal(&a->relay, &b->relay) &&
           endpoint_equal(&a->relay_status, &b->relay_status) &&
           same_way(&a->private_way, &b->private_way) && endpoint_equal(&a->tenderly, &b->tenderly);
}

static bool same_solana(const struct config_solana *a, const struct config_solana *b)
{
    return memcmp(a->genesis, b->genesis, 32) == 0 && a->confirmed == b->confirmed &&
           a->max_fee == b->max_fee && a->max_unit_price == b->max_unit_price &&
           a->price_percent == b->price_percent && a->resend_ms == b->resend_ms;
}

static bool same_chain(const struct config_chain *a, const struct config_chain *b)
{
    return same(a->name, b->name) && a->family == b->family && a->chain_id == b->chain_id &&
           same_solana(&a->solana, &b->solana) && a->block_ms == b->block_ms &&
           a->cache == b->cache && a->cache_mib == b->cache_mib &&
           a->cache_entries == b->cache_entries && a->attempt_ms == b->attempt_ms &&
           a->hedge_ms == b->hedge_ms && same_providers(a, b) && same_tx(&a->tx, &b->tx) &&
           safes_equal(a, b);
}

bool config_chains_equal(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < a->chain_count && i < b->chain_count; i++) {
        if (!same_chain(&a->chains[i], &b->chains[i]))
            return false;
    }
    return a->chain_count == b->chain_count;
}
