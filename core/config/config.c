/*
 * A configuration that is loaded: its names, what can be asked of it, its end. Loading begins in
 * load.c.
 */
#include "config/internal.h"

#include <stdlib.h>
#include <string.h>

const char *config_schema(void)
{
    return config_schema_text;
}

const char *const config_mode_names[5] = {"replay", "shadow", "dry-run", "canary", "live"};
const char *const config_maturity_names[3] = {"experimental", "beta", "stable"};

const char *config_mode_name(enum config_mode mode)
{
    return config_mode_names[mode];
}

const char *config_maturity_name(enum config_maturity maturity)
{
    return config_maturity_names[maturity];
}

const struct config_instance *config_find(const struct config *config, const char *id)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (strcmp(config->instances[i].id, id) == 0)
            return &config->instances[i];
    }
    return NULL;
}

const struct config_limits *config_limits_find(const struct config_instance *instance,
                                               const char *chain)
{
    for (size_t i = 0; i < instance->limit_count; i++) {
        if (strcmp(instance->limits[i].chain, chain) == 0)
            return &instance->limits[i];
    }
    return NULL;
}

const struct config_chain *config_chain_find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->chain_count; i++) {
        if (strcmp(config->chains[i].name, name) == 0)
            return &config->chains[i];
    }
    return NULL;
}

const struct config_endpoint *config_endpoint_find(const struct config_instance *instance,
                                                   const char *name)
{
    for (size_t i = 0; i < instance->endpoint_count; i++) {
        if (strcmp(instance->endpoints[i].name, name) == 0)
            return &instance->endpoints[i];
    }
    return NULL;
}

static void free_texts(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

static void instance_finish(struct config_instance *in)
{
    free(in->id);
    free(in->plugin);
    free(in->lane);
    for (size_t i = 0; i < in->link_count; i++) {
        free(in->links[i].name);
        free(in->links[i].target);
    }
    for (size_t i = 0; i < in->endpoint_count; i++)
        endpoint_finish(&in->endpoints[i]);
    for (size_t i = 0; i < in->feature_count; i++)
        free(in->features[i].name);
    free(in->links);
    free(in->endpoints);
    for (size_t i = 0; i < in->credential_count; i++)
        credential_finish(&in->credentials[i]);
    free(in->credentials);
    limits_destroy(in);
    free_texts(in->grants, in->grant_count);
    free(in->features);
    free(in->settings);
}

void config_destroy(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->lane_count; i++)
        free(c->lanes[i].name);
    for (size_t i = 0; i < c->instance_count; i++)
        instance_finish(&c->instances[i]);
    if (c->source) {
        json_decref(c->source->effective);
        json_decref(c->source->lines);
        json_decref(c->source->set);
        json_decref(c->source->folders);
        free(c->source);
    }
    for (size_t i = 0; i < c->hidden_count; i++)
        secret_free(c->hidden[i]);
    free(c->hidden);
    free_texts(c->plugin_path, c->plugin_path_count);
    free_texts(c->trusted, c->trusted_count);
    free(c->lanes);
    free(c->instances);
    free(c->path);
    free(c->log_file);
    free(c->http_listen);
    free(c->control_path);
    free(c->record.file);
    keys_destroy(&c->keys);
    for (size_t i = 0; i < c->chain_count; i++)
        config_chain_finish(&c->chains[i]);
    free(c->chains);
    free(c->journal);
    redis_destroy(&c->redis);
    alerts_destroy(&c->alerts);
    free(c->state_dir);
    free(c);
}
