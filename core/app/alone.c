/* See alone.h. */
#include "app/alone.h"

#include "app/unlock.h"
#include "host/host.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK_NS = 5000000 };
#define START_NS 30000000000u

struct alone {
    const struct arguments *args;
    struct config *config; /* until the host has it */
    struct logger *logger;
    struct metrics *metrics;
    struct signer *signer;
    struct host *host;
    bool running;
};

/* ---- what of the configuration runs ---- */

static struct config_instance *find(struct config *config, const char *id)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (strcmp(config->instances[i].id, id) == 0)
            return &config->instances[i];
    }
    return NULL;
}

/* Marks what is linked to what is marked, until there is nothing more. */
static void mark_links(struct config *config, bool *wanted)
{
    bool more = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < config->instance_count; i++) {
            const struct config_instance *in = &config->instances[i];
            for (size_t l = 0; wanted[i] && l < in->link_count; l++) {
                const struct config_instance *target = find(config, in->links[l].target);
                if (!target || wanted[target - config->instances])
                    continue;
                wanted[target - config->instances] = true;
                more = true;
            }
        }
    }
}

static int32_t narrow(struct config *config, const char *id, bool live, struct fault *fault)
{
    const struct config_instance *instance = find(config, id);
    if (!instance || !instance->enabled)
        return fault_set(fault, HAWSE_E_NOTFOUND, "the configuration has no %s \"%.64s\"",
                         instance ? "enabled instance" : "instance", id);
    bool *wanted = calloc(config->instance_count, sizeof(wanted[0]));
    if (!wanted)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a list of instances");
    wanted[instance - config->instances] = true;
    mark_links(config, wanted);
    for (size_t i = 0; i < config->instance_count; i++) {
        struct config_instance *in = &config->instances[i];
        in->enabled = in->enabled && wanted[i];
        if (!live && in->mode > MODE_SHADOW)
            in->mode = MODE_SHADOW;
    }
    free(wanted);
    return HAWSE_OK;
}

/* ---- running it ---- */

static void wait_a_little(void)
{
    const struct timespec tick = {.tv_nsec = TICK_NS};
    (void)nanosleep(&tick, NULL);
}

static int32_t start(struct alone *a, struct fault *fault)
{
    const struct arguments *args = a->args;
    int32_t code = log_create(HAWSE_LOG_WARN, a->config->log_format, NULL, &a->logger, fault);
    if (code == HAWSE_OK)
        code = metrics_create(&a->metrics);
    if (code == HAWSE_OK)
        code = app_register_secrets(a->logger, a->config, fault);
    if (code == HAWSE_OK && args->live)
        code = unlock_keys(a->config, &a->signer, fault);
    if (code != HAWSE_OK)
        return fault_set(fault, code, "no memory to begin");
    struct host_options options = {.signer = a->signer};
    code = host_create(a->config, a->logger, a->metrics, &options, &a->host, fault);
    a->config = NULL;
    if (code == HAWSE_OK)
        code = host_start(a->host, fault);
    a->running = code == HAWSE_OK;
    uint64_t until = loop_clock() + START_NS;
    while (code == HAWSE_OK && !host_started(a->host)) {
        if (loop_clock() > until)
            code = fault_set(fault, HAWSE_E_TIMEOUT, "the instances have not started within 30 s");
        wait_a_little();
    }
    return code;
}

int alone_start(const struct arguments *args, struct alone **out)
{
    struct fault fault = {0};
    struct alone *a = calloc(1, sizeof(*a));
    if (!a)
        return EXIT_TROUBLE;
    a->args = args;
    app_guard_memory();
    host_prepare();
    (void)signal(SIGPIPE, SIG_IGN);
    int32_t code = config_load(args->config, args->sets, args->set_count, &a->config, &fault);
    if (code == HAWSE_OK)
        code = narrow(a->config, args->words[0], args->live, &fault);
    if (code != HAWSE_OK) {
        alone_end(a);
        return app_fail(EXIT_USAGE, &fault);
    }
    code = start(a, &fault);
    if (code != HAWSE_OK) {
        int exit_code =
            a->logger ? app_fail_redacted(a->logger, &fault) : app_fail(EXIT_TROUBLE, &fault);
        alone_end(a);
        return exit_code;
    }
    *out = a;
    return EXIT_GOOD;
}

int32_t alone_ask(struct alone *a, const json_t *request, json_t **answer, struct fault *fault)
{
    const char *verb = json_string_value(json_object_get(request, "verb"));
    char *text = host_command_verb(a->host, verb, request, fault);
    if (!text)
        return HAWSE_E_REMOTE;
    *answer = json_loads(text, 0, NULL);
    free(text);
    return *answer ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for an answer");
}

void alone_end(struct alone *a)
{
    if (!a)
        return;
    if (a->running) {
        host_quit(a->host);
        (void)host_join(a->host);
    }
    host_destroy(a->host);
    signer_free(a->signer);
    log_destroy(a->logger);
    metrics_destroy(a->metrics);
    config_destroy(a->config);
    free(a);
}
