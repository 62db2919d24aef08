/*
 * `hawse run CONFIG`: the host in the foreground. The main thread owns signals: SIGTERM and SIGINT
 * stop gracefully, SIGHUP reloads, SIGUSR1 is the kill switch
 * of intents, a second SIGINT ends at once.
 */
#include "app/app.h"

#include "app/serve.h"
#include "app/unlock.h"
#include "host/host.h"
#include "record/writer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
    const struct arguments *args;
    struct config *config; /* until the host has it */
    struct logger *logger;
    struct metrics *metrics;
    struct host *host;
    struct serve *serve;
    struct recorder *recorders; /* one a lane */
    size_t recorder_count;
    struct writer *writer; /* NULL = nothing is recorded */
    struct signer *signer; /* NULL = no keys */
};

/* The configuration with what the command line says. --record counts from the working folder on, as
 * every path of a command line. */
static int32_t load(const struct arguments *args, struct config **config, struct fault *fault)
{
    int32_t code = config_load(args->words[0], args->sets, args->set_count, config, fault);
    if (code != HAWSE_OK || !args->record)
        return code;
    free((*config)->record.file);
    (*config)->record.file = strdup(args->record);
    return (*config)->record.file ? HAWSE_OK
                                  : fault_set(fault, HAWSE_E_NOMEM, "no memory for --record");
}

static int32_t start_recording(struct run *run, struct fault *fault)
{
    const struct config *c = run->config;
    struct writer_options options = {.path = c->record.file,
                                     .rotate_bytes = (uint64_t)c->record.rotate_mib << 20,
                                     .keep_bytes = (uint64_t)c->record.keep_mib << 20,
                                     .secrets = c->hidden,
                                     .secret_count = c->hidden_count,
                                     .logger = run->logger,
                                     .metrics = run->metrics};
    int32_t code = HAWSE_OK;
    run->recorders = calloc(c->lane_count, sizeof(run->recorders[0]));
    if (!run->recorders)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for recorders");
    for (size_t i = 0; i < c->lane_count && code == HAWSE_OK; i++) {
        struct recorder *r = &run->recorders[i];
        code = recorder_init(r, (uint64_t)c->record.buffer_mib << 20,
                             (enum record_full)c->record.when_full, fault);
        r->lane = (uint16_t)i;
        r->next = i + 1 < c->lane_count ? r + 1 : NULL;
        run->recorder_count++;
    }
    if (code == HAWSE_OK)
        code = writer_start(run->recorders, &options, &run->writer, fault);
    if (code == HAWSE_OK)
        log_line(run->logger, HAWSE_LOG_INFO, "record", "recording to %s", c->record.file);
    return code;
}

static void reload(struct run *run)
{
    struct config *config = NULL;
    struct fault fault = {0};
    const struct arguments *args = run->args;
    int32_t code = load(args, &config, &fault);
    if (code == HAWSE_OK && !config_chains_equal(config, run->host->config)) {
        code =
            fault_set(&fault, HAWSE_E_STATE, "chains: limits and breakers are kept from the start");
        fault_hint(&fault, "restart hawse for other chains");
    }
    if (code == HAWSE_OK && !config_keys_equal(config, run->host->config)) {
        code = fault_set(&fault, HAWSE_E_STATE, "keys: they are unlocked when hawse starts");
        fault_hint(&fault, "restart hawse for other keys");
    }
    if (code == HAWSE_OK)
        code = app_register_secrets(run->logger, config, &fault);
    if (code == HAWSE_OK && run->writer)
        code = writer_secrets(run->writer, config->hidden, config->hidden_count);
    if (code == HAWSE_OK)
        code = host_reload(run->host, config, &fault);
    else
        config_destroy(config);
    if (code == HAWSE_OK) {
        log_line(run->logger, HAWSE_LOG_INFO, "host", "reloaded %s", args->words[0]);
        return;
    }
    fault_prefix(&fault, "reload rejected, everything stays as it was");
    log_fault(run->logger, HAWSE_LOG_ERROR, "host", &fault);
}

/* Returns when the host has stopped. */
static void wait_for_end(struct run *run, const sigset_t *signals)
{
    struct timespec tick = {.tv_nsec = 100000000};
    while (!host_done(run->host)) {
        int sig = sigtimedwait(signals, NULL, &tick);
        if (sig == SIGHUP) {
            reload(run);
        } else if (sig == SIGUSR1) {
            host_kill(run->host, "signal", "SIGUSR1");
        } else if (sig == SIGTERM || sig == SIGINT) {
            log_line(run->logger, HAWSE_LOG_INFO, "host", "stopping on %s", strsignal(sig));
            host_quit(run->host);
        }
        serve_tick(run->serve);
    }
}

static void log_key(struct logger *logger, const struct signer_key *key)
{
    char address[KEY_ADDRESS];
    const struct key_locks *locks = &key->locks;
    key_describe(&key->public, address);
    log_line(logger, HAWSE_LOG_INFO, "keys", "key %s is %s %s%s%s%s", key->name,
             key_kind_name(key->public.kind), address,
             locks->testnet_only ? ", for test networks only" : "",
             locks->chain_count ? ", locked to " : "",
             locks->chain_count == 0  ? ""
             : locks->chain_count > 1 ? "several chains"
                                      : locks->chains[0].text);
}

static void log_keys(struct logger *logger, const struct signer *signer)
{
    for (size_t i = 0; i < signer_count(signer); i++)
        log_key(logger, signer_at(signer, i));
    if (!signer_locked(signer))
        log_line(logger, HAWSE_LOG_WARN, "keys", UNLOCKED_MEMORY);
}

static int start(struct run *run)
{
    const struct arguments *args = run->args;
    struct fault fault = {0};
    const struct config *c = run->config;
    uint32_t level = args->quiet ? HAWSE_LOG_WARN : c->log_level;
    if (log_create(level, c->log_format, c->log_file, &run->logger, &fault) != HAWSE_OK ||
        metrics_create(&run->metrics) != HAWSE_OK)
        return app_fail_redacted(run->logger, &fault);
    if (app_register_secrets(run->logger, c, &fault) != HAWSE_OK)
        return app_fail_redacted(run->logger, &fault);
    if (unlock_keys(c, &run->signer, &fault) != HAWSE_OK)
        return app_fail_redacted(run->logger, &fault);
    if (run->signer)
        log_keys(run->logger, run->signer);
    if (args->view)
        log_mute(run->logger, true); /* the view shows the lines itself */
    if (c->record.file && start_recording(run, &fault) != HAWSE_OK)
        return app_fail_redacted(run->logger, &fault);
    struct host_options options = {.strict = args->strict,
                                   .safe = args->safe,
                                   .recorders = run->writer ? run->recorders : NULL,
                                   .signer = run->signer};
    int32_t code =
        host_create(run->config, run->logger, run->metrics, &options, &run->host, &fault);
    run->config = NULL;
    if (code == HAWSE_OK)
        code = serve_start(run->host, run->metrics, run->logger, args->view, &run->serve, &fault);
    if (code == HAWSE_OK)
        code = host_start(run->host, &fault);
    return code == HAWSE_OK ? EXIT_GOOD : app_fail_redacted(run->logger, &fault);
}

static int end(struct run *run, int code)
{
    bool clean = true;
    if (run->host)
        clean = host_join(run->host);
    serve_stop(run->serve, code == EXIT_GOOD);
    if (writer_stop(run->writer) != HAWSE_OK && code == EXIT_GOOD)
        code = EXIT_TROUBLE; /* the log says why */
    for (size_t i = 0; i < run->recorder_count; i++)
        recorder_finish(&run->recorders[i]);
    host_destroy(run->host);
    free(run->recorders);
    signer_free(run->signer);
    log_destroy(run->logger);
    metrics_destroy(run->metrics);
    config_destroy(run->config);
    return code == EXIT_GOOD && !clean ? EXIT_HARD_STOP : code;
}

int command_run(const struct arguments *args)
{
    struct run run = {.args = args};
    struct fault fault = {0};
    sigset_t signals;
    if (args->word_count != 1) {
        (void)fprintf(stderr, "hawse: run needs one configuration file\n");
        return EXIT_USAGE;
    }
    app_guard_memory();
    host_prepare();
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL); /* before any thread: all inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    if (load(args, &run.config, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int code = start(&run);
    if (code == EXIT_GOOD)
        wait_for_end(&run, &signals);
    return end(&run, code);
}
