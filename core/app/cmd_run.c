/*
 * `hawse run CONFIG`: the host in the foreground. The main thread owns signals: SIGTERM and SIGINT
 * stop gracefully, SIGHUP reloads, a second SIGINT ends at once.
 */
#include "app/app.h"

#include "app/serve.h"
#include "base/secret.h"
#include "host/host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct run {
    const struct arguments *args;
    struct config *config; /* until the host has it */
    struct logger *logger;
    struct metrics *metrics;
    struct host *host;
    struct serve *serve;
};

/* What the log must never show. */
static int32_t register_secrets(struct logger *logger, const struct config *config,
                                struct fault *fault)
{
    bool locked = true;
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < config->hidden_count && code == HAWSE_OK; i++) {
        code = log_secret(logger, config->hidden[i]);
        locked = locked && secret_locked(config->hidden[i]);
    }
    if (code != HAWSE_OK)
        return fault_set(fault, code, "no memory for the list of secrets");
    if (!locked)
        log_line(logger, HAWSE_LOG_WARN, "host",
                 "secrets may be swapped to disk: this process may lock too little memory | fix: "
                 "raise RLIMIT_MEMLOCK (ulimit -l; LimitMEMLOCK= of systemd)");
    return HAWSE_OK;
}

/* Secrets are in memory: no core dumps, no debugger of another process of the same user. */
static void keep_memory_to_ourselves(void)
{
    const struct rlimit none = {0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

static void reload(struct run *run)
{
    struct config *config = NULL;
    struct fault fault = {0};
    const struct arguments *args = run->args;
    int32_t code = config_load(args->words[0], args->sets, args->set_count, &config, &fault);
    if (code == HAWSE_OK)
        code = register_secrets(run->logger, config, &fault);
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
        } else if (sig == SIGTERM || sig == SIGINT) {
            log_line(run->logger, HAWSE_LOG_INFO, "host", "stopping on %s", strsignal(sig));
            host_quit(run->host);
        }
        serve_tick(run->serve);
    }
}

static int start(struct run *run)
{
    const struct arguments *args = run->args;
    struct fault fault = {0};
    const struct config *c = run->config;
    uint32_t level = args->quiet ? HAWSE_LOG_WARN : c->log_level;
    if (log_create(level, c->log_format, c->log_file, &run->logger, &fault) != HAWSE_OK ||
        metrics_create(&run->metrics) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    if (register_secrets(run->logger, c, &fault) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    if (args->view)
        log_mute(run->logger, true); /* the view shows the lines itself */
    struct host_options options = {.strict = args->strict, .safe = args->safe};
    int32_t code =
        host_create(run->config, run->logger, run->metrics, &options, &run->host, &fault);
    run->config = NULL;
    if (code == HAWSE_OK)
        code = serve_start(run->host, run->metrics, run->logger, args->view, &run->serve, &fault);
    if (code == HAWSE_OK)
        code = host_start(run->host, &fault);
    return code == HAWSE_OK ? EXIT_GOOD : app_fail(EXIT_TROUBLE, &fault);
}

static int end(struct run *run, int code)
{
    bool clean = true;
    if (run->host)
        clean = host_join(run->host);
    serve_stop(run->serve, code == EXIT_GOOD);
    host_destroy(run->host);
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
    keep_memory_to_ourselves();
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL); /* before any thread: all inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    if (config_load(args->words[0], args->sets, args->set_count, &run.config, &fault) != HAWSE_OK)
        return app_fail(EXIT_USAGE, &fault);
    int code = start(&run);
    if (code == EXIT_GOOD)
        wait_for_end(&run, &signals);
    return end(&run, code);
}
