/*
 * Puts the host together and takes it apart; see host.h. Owns everything it holds.
 */
#include "host/host.h"

#include "host/commands.h"
#include "host/intents.h"
#include "host/swap.h"
#include "host/tap.h"
#include "rpc/pool.h"
#include "tx/desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t make_state_dir(const struct config *config, struct fault *fault)
{
    if (mkdir(config->state_dir, 0700) == 0 || errno == EEXIST)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_IO, "state_dir: cannot make folder %s: %s", config->state_dir,
                    strerror(errno));
    fault_hint(fault, "make it, or set state_dir to a folder that this user may write");
    return HAWSE_E_IO;
}

/* The text of state_dir/last-crash, in which digests are looked up; NULL when there is none. */
static char *read_crashes(const struct config *config)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/last-crash", config->state_dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    char *text = calloc(1, 65536);
    if (text && fread(text, 1, 65535, f) == 0)
        text[0] = '\0';
    (void)fclose(f);
    return text;
}

static int32_t add_instances(struct host *host, struct fault *fault)
{
    struct config *config = host->config;
    struct prepared *prepared = NULL;
    int32_t code = prepare_all(host, config, host->options.strict, &prepared, fault);
    if (code != HAWSE_OK)
        return code;
    for (size_t i = 0; i < config->instance_count && code == HAWSE_OK; i++) {
        struct instance *inst = NULL;
        if (!config->instances[i].enabled)
            continue;
        code = instance_new(host, &config->instances[i], &inst, fault);
        if (code == HAWSE_OK)
            prepared_give(&prepared[i], inst);
    }
    prepared_destroy(prepared, config->instance_count);
    return code;
}

static int32_t make_lanes(struct host *host, struct fault *fault)
{
    int32_t code = HAWSE_OK;
    for (uint32_t i = 0; i < host->config->lane_count && code == HAWSE_OK; i++) {
        code = lane_create(host, i, &host->lanes[i], fault);
        if (code == HAWSE_OK)
            host->lane_count++;
    }
    return code;
}

struct lane *host_lane(const struct host *host, const char *name)
{
    for (uint32_t i = 1; i < host->lane_count; i++) {
        if (strcmp(host->lanes[i]->name, name) == 0)
            return host->lanes[i];
    }
    return host->lanes[0];
}

void host_wake(struct host *host)
{
    for (uint32_t i = 0; i < host->lane_count; i++)
        loop_wake(host->lanes[i]->loop);
}

struct pool *host_pool(const struct host *host, const char *chain)
{
    for (size_t i = 0; i < host->pool_count; i++) {
        if (strcmp(pool_name(host->pools[i]), chain) == 0)
            return host->pools[i];
    }
    return NULL;
}

/* Chains do not change with a reload: limits and breakers stay what they are. */
static int32_t make_pools(struct host *host, struct fault *fault)
{
    const struct config *config = host->config;
    int32_t code = HAWSE_OK;
    host->pools = calloc(config->chain_count + 1, sizeof(struct pool *));
    if (!host->pools)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for chains");
    for (size_t i = 0; i < config->chain_count && code == HAWSE_OK; i++) {
        code = pool_create(host->http, host->connector, &config->chains[i], host->logger,
                           host->metrics, &host->pools[i], fault);
        host->pool_count += code == HAWSE_OK;
    }
    return code;
}

int32_t host_create(struct config *config, struct logger *logger, struct metrics *metrics,
                    const struct host_options *options, struct host **out, struct fault *fault)
{
    struct host *host = calloc(1, sizeof(*host));
    if (!host) {
        config_destroy(config);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the host");
    }
    host->recorders = options->recorders;
    host->api.table = host->recorders ? tap_table : host_table;
    host->api.host = host;
    host->config = config;
    host->logger = logger;
    host->metrics = metrics;
    host->options = *options;
    host->started_ns = loop_clock();
    (void)pthread_mutex_init(&host->lock, NULL);
    (void)pthread_mutex_init(&host->changing, NULL);
    command_board_init(&host->board);
    (void)pthread_mutex_init(&host->alert_lock, NULL);
    (void)pthread_mutex_init(&host->store.lock, NULL);
    int32_t code = make_state_dir(config, fault);
    if (code == HAWSE_OK && options->safe)
        host->safe_digests = read_crashes(config);
    else if (code == HAWSE_OK)
        crash_report_last(host);
    if (code == HAWSE_OK)
        code = make_lanes(host, fault);
    if (code == HAWSE_OK)
        code = add_instances(host, fault);
    if (code == HAWSE_OK)
        code = connector_create(&host->connector, fault);
    if (code == HAWSE_OK)
        code = http_client_create(logger, &host->http, fault);
    if (code == HAWSE_OK)
        code = make_pools(host, fault);
    if (code == HAWSE_OK)
        code = intents_open(host, fault);
    if (code == HAWSE_OK)
        code = store_load(host, fault);
    if (code == HAWSE_OK)
        code = crash_install(host, fault);
    if (code != HAWSE_OK) {
        host_destroy(host);
        return code;
    }
    *out = host;
    return HAWSE_OK;
}

/* Will anybody make requests? */
static bool has_http(const struct config *config)
{
    if (config->chain_count > 0)
        return true;
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct config_instance *in = &config->instances[i];
        for (size_t e = 0; in->enabled && e < in->endpoint_count; e++) {
            if (strncmp(in->endpoints[e].url, "http", 4) == 0)
                return true;
        }
    }
    return false;
}

int32_t host_start(struct host *host, struct fault *fault)
{
    int32_t code = has_http(host->config) ? http_client_start(host->http, fault) : HAWSE_OK;
    if (code == HAWSE_OK && host->desk)
        code = desk_start(host->desk, fault);
    for (uint32_t i = 0; i < host->lane_count && code == HAWSE_OK; i++)
        code = lane_thread_start(host->lanes[i], fault);
    if (code == HAWSE_OK)
        code = watchdog_start(host, fault);
    host->running = code == HAWSE_OK;
    return code;
}

void host_quit(struct host *host)
{
    if (__atomic_load_n(&host->quit, __ATOMIC_ACQUIRE))
        return;
    host->quit_deadline_ns = loop_clock() + (uint64_t)host->config->stop_deadline_ms * 1000000u;
    __atomic_store_n(&host->quit, 1, __ATOMIC_RELEASE);
    host_wake(host);
}

bool host_done(const struct host *host)
{
    return __atomic_load_n(&host->done, __ATOMIC_ACQUIRE) != 0;
}

bool host_join(struct host *host)
{
    if (host->running) {
        for (uint32_t i = 0; i < host->lane_count; i++)
            (void)pthread_join(host->lanes[i]->thread, NULL);
        watchdog_stop(host);
        host->running = false;
    }
    desk_stop(host->desk);
    return !host->stopped_by_deadline;
}

static void forget_crashes(struct host *host)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/last-crash", host->config->state_dir);
    if (truncate(path, 0) != 0 && errno != ENOENT)
        log_line(host->logger, HAWSE_LOG_WARN, "host", "cannot empty %s: %s", path,
                 strerror(errno));
}

void host_destroy(struct host *host)
{
    if (!host)
        return;
    if (host_done(host) && !host->options.safe)
        forget_crashes(host);
    desk_stop(host->desk);
    http_client_stop(host->http);
    desk_destroy(host->desk);
    for (uint32_t round = 0; round < 3; round++) { /* open, close, gone: see way.h */
        for (uint32_t i = 0; i < host->lane_count; i++)
            loop_drain(host->lanes[i]->loop);
    }
    for (uint32_t i = 0; i < host->instance_count; i++)
        instance_free(host->instances[i]);
    http_client_stop(host->http);
    for (size_t i = 0; i < host->pool_count; i++)
        pool_destroy(host->pools[i]);
    free(host->pools);
    connector_stop(host->connector); /* its threads post to the loop that ends now */
    http_client_destroy(host->http);
    connector_destroy(host->connector);
    for (uint32_t i = 0; i < host->lane_count; i++)
        lane_destroy(host->lanes[i]);
    for (uint32_t i = 0; i < host->library_count; i++) {
        if (!host->libraries[i]->table) /* loaded ones stay for the life of the process */
            library_destroy(host->libraries[i]);
    }
    for (uint32_t i = 0; i < host->space_count; i++)
        free(host->spaces[i].id);
    free(host->safe_digests);
    command_board_finish(&host->board);
    config_destroy(host->config);
    chain_alerts_free(host);
    (void)pthread_mutex_destroy(&host->alert_lock);
    store_free(host);
    (void)pthread_mutex_destroy(&host->store.lock);
    swap_apis_free(host);
    (void)pthread_mutex_destroy(&host->changing);
    (void)pthread_mutex_destroy(&host->lock);
    free(host);
}
