/*
 * The host's table as plugins see it: checks each handle, then acts. Nothing here trusts a plugin's
 * argument; every refusal has a code, and privileged ones a fault in words.
 */
#include "host/host.h"

#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/config.h>
#include <hawse/service/http.h>
#include <hawse/service/intent.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/sign.h>
#include <hawse/service/store.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_LINES_PER_SECOND = 100, LOG_LINE_MAX = 1024, ERROR_MAX = 700, SECOND_NS = 1000000000 };

struct instance *host_instance(const hawse_host_t *table, hawse_instance_t handle)
{
    struct host *host = host_of(table);
    uint32_t index = (uint32_t)handle - 1u;
    if (index >= HOST_INSTANCES)
        return NULL;
    struct instance *inst = __atomic_load_n(&host->instances[index], __ATOMIC_ACQUIRE);
    return inst && __atomic_load_n(&inst->handle, __ATOMIC_RELAXED) == handle ? inst : NULL;
}

struct instance *host_enter(const hawse_host_t *table, hawse_instance_t handle, int32_t *code)
{
    struct instance *inst = host_instance(table, handle);
    if (!inst) {
        *code = HAWSE_E_STALE;
        return NULL;
    }
    struct lane *lane = inst->lane;
    __atomic_store_n(&lane->in_host, 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the watchdog's membarrier does the other half */
    if (__atomic_load_n(&inst->abandoned, __ATOMIC_RELAXED)) {
        __atomic_store_n(&lane->in_host, 0, __ATOMIC_RELEASE);
        *code = HAWSE_E_STALE;
        return NULL;
    }
    if (lane->current != inst || !pthread_equal(lane->thread, pthread_self())) {
        __atomic_store_n(&lane->in_host, 0, __ATOMIC_RELEASE);
        *code = HAWSE_E_STATE;
        return NULL;
    }
    return inst;
}

static uint64_t api_now(const hawse_host_t *table, uint32_t clock)
{
    const struct host *host = host_of(table);
    const struct lane *lane = host_own_lane(host);
    uint64_t now = lane ? lane->bus.now_ns : loop_clock();
    return clock == HAWSE_CLOCK_UTC ? lane_utc(lane ? lane : host->lanes[0], now) : now;
}

/* True when this line may be written; counts those that may not. */
static bool log_allowed(struct instance *inst)
{
    uint64_t now = loop_clock();
    uint64_t window = __atomic_load_n(&inst->log_window_ns, __ATOMIC_RELAXED);
    if (now - window > SECOND_NS) {
        uint32_t cut = __atomic_exchange_n(&inst->log_cut, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&inst->log_window_ns, now, __ATOMIC_RELAXED);
        __atomic_store_n(&inst->log_lines, 0, __ATOMIC_RELAXED);
        if (cut > 0)
            log_line(inst->host->logger, HAWSE_LOG_WARN, inst->config->id,
                     "%u lines of this plugin were left out: more than %d in a second", cut,
                     LOG_LINES_PER_SECOND);
    }
    if (__atomic_add_fetch(&inst->log_lines, 1, __ATOMIC_RELAXED) <= LOG_LINES_PER_SECOND)
        return true;
    (void)__atomic_add_fetch(&inst->log_cut, 1, __ATOMIC_RELAXED);
    return false;
}

static void api_log(const hawse_host_t *table, hawse_instance_t self, uint32_t level,
                    hawse_view_t text)
{
    struct instance *inst = host_instance(table, self);
    if (!inst || level > HAWSE_LOG_DEBUG || !text.data || !log_allowed(inst))
        return;
    log_bytes(inst->host->logger, level, inst->config->id, text.data,
              text.len < LOG_LINE_MAX ? text.len : LOG_LINE_MAX);
}

/* Errors are shown in more places than the log: a plugin may repeat what a server told it. */
static void clean_words(const struct instance *inst, hawse_view_t text, char out[ERROR_MAX + 1])
{
    out[0] = '\0';
    if (text.data)
        log_redact(inst->host->logger, (const char *)text.data,
                   text.len < ERROR_MAX ? text.len : ERROR_MAX, out, ERROR_MAX + 1);
}

static int32_t api_set_error(const hawse_host_t *table, hawse_instance_t self, int32_t code,
                             hawse_view_t message, hawse_view_t hint)
{
    struct instance *inst = host_instance(table, self);
    if (!inst)
        return code;
    char words[ERROR_MAX + 1];
    counter_add(inst->errors, 1);
    fault_clear(&inst->last_error);
    clean_words(inst, message, words);
    (void)fault_set(&inst->last_error, code < 0 ? code : HAWSE_E_INTERNAL, "%s", words);
    if (hint.data && hint.len > 0) {
        clean_words(inst, hint, words);
        fault_hint(&inst->last_error, "%s", words);
    }
    return code;
}

/* ---- post ---- */

struct post {
    struct loop_work work;
    struct lane *lane;
    uint32_t index;
    hawse_instance_t handle;
    uint64_t token;
};

static void post_run(void *ctx)
{
    struct post *post = ctx;
    struct instance *inst = host_instance(&post->lane->host->api.table, post->handle);
    if (inst) {
        hawse_host_post_t record = {.size = sizeof(record), .token = post->token};
        hawse_event_t event = {.size = sizeof(event),
                               .space = HAWSE_SPACE_HOST,
                               .kind = HAWSE_HOST_POST,
                               .data = (const uint8_t *)&record,
                               .len = sizeof(record)};
        if (bus_send(&post->lane->bus, post->index, &event) == HAWSE_E_AGAIN &&
            inst->state == INSTANCE_RUNNING) {
            lane_arm_retry(post->lane);
            loop_post(post->lane->loop, &post->work); /* its queue is full: once more, later */
            return;
        }
        (void)__atomic_sub_fetch(&inst->posts, 1, __ATOMIC_RELAXED);
    }
    free(post);
}

static int32_t api_post(const hawse_host_t *table, hawse_instance_t self, uint64_t token)
{
    struct instance *inst = host_instance(table, self);
    if (!inst || inst->state > INSTANCE_STOPPING)
        return HAWSE_E_STALE;
    if (__atomic_add_fetch(&inst->posts, 1, __ATOMIC_RELAXED) > HOST_POSTS_MAX) {
        (void)__atomic_sub_fetch(&inst->posts, 1, __ATOMIC_RELAXED);
        return HAWSE_E_AGAIN;
    }
    struct post *post = calloc(1, sizeof(*post));
    if (!post) {
        (void)__atomic_sub_fetch(&inst->posts, 1, __ATOMIC_RELAXED);
        return HAWSE_E_NOMEM;
    }
    post->work.fn = post_run;
    post->work.ctx = post;
    post->lane = inst->lane;
    post->index = inst->index;
    post->handle = self;
    post->token = token;
    loop_post(inst->lane->loop, &post->work);
    return HAWSE_OK;
}

/* ---- services ---- */

extern const hawse_sub_service_t host_sub_service;
extern const hawse_stream_service_t host_stream_service;
extern const hawse_timer_service_t host_timer_service;
extern const hawse_rpc_service_t host_rpc_service;
extern const hawse_http_service_t host_http_service;
extern const hawse_intent_service_t host_intent_service;
extern const hawse_metrics_service_t host_metrics_service;
extern const hawse_config_service_t host_config_service;
extern const hawse_sign_service_t host_sign_service;
extern const hawse_command_service_t host_command_service;
extern const hawse_alert_service_t host_alert_service;
extern const hawse_store_service_t host_store_service;

const void *host_service(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } services[] = {
        {HAWSE_SUB_ID, &host_sub_service},         {HAWSE_STREAM_ID, &host_stream_service},
        {HAWSE_TIMER_ID, &host_timer_service},     {HAWSE_RPC_ID, &host_rpc_service},
        {HAWSE_METRICS_ID, &host_metrics_service}, {HAWSE_HTTP_ID, &host_http_service},
        {HAWSE_CONFIG_ID, &host_config_service},   {HAWSE_SIGN_ID, &host_sign_service},
        {HAWSE_INTENT_ID, &host_intent_service},   {HAWSE_COMMAND_ID, &host_command_service},
        {HAWSE_ALERT_ID, &host_alert_service},     {HAWSE_STORE_ID, &host_store_service},
    };
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (strcmp(id, services[i].id) == 0)
            return services[i].table;
    }
    return NULL;
}

static const void *api_query(const hawse_host_t *table, hawse_instance_t self, const char *id)
{
    (void)table;
    (void)self; /* tables are the same for all; what an instance may do is asked at each call */
    return id ? host_service(id) : NULL;
}

const hawse_host_t host_table = {
    .size = sizeof(hawse_host_t),
    .abi_minor = HAWSE_ABI_MINOR,
    .fork_tag = "hawse",
    .now = api_now,
    .log = api_log,
    .set_error = api_set_error,
    .post = api_post,
    .query = api_query,
};
