/*
 * "hawse.intent/1": where it is decided which instance may want something, and where it hears how
 * it ended. An intent is copied here and handed to the desk; its steps come back to the instance's
 * lane, wait there while its inbox is full, and are told once and in order. Must never look into
 * what becomes of an intent: that is core/tx.
 */
#include "host/intents.h"

#include "tx/desk.h"

#include <hawse/service/intent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An intent that an instance may still hear of. Lives on the lane, from its proposal to its
 * terminal step. */
struct host_intent {
    uint64_t handle;
    uint64_t tag;
};

/* A step on its way. */
struct host_told {
    struct loop_work work;
    struct host_told *next; /* in lane->told */
    struct lane *lane;
    uint64_t to; /* handle of who hears it: its owner, or somebody who may hear how it ended */
    bool outcome;
    struct desk_told what;
};

/* ---- what comes back ---- */

static void forget(struct lane *lane, uint64_t handle, uint32_t owner)
{
    struct host_intent *intent = handles_get(&lane->intents, handle, owner);
    if (!intent)
        return;
    handles_remove(&lane->intents, handle);
    free(intent);
}

/* A record, and text behind it. */
struct told_data {
    uint8_t bytes[sizeof(hawse_intent_outcome_t) + sizeof(((struct desk_told *)0)->reason)];
    uint64_t len;
};

static void put(struct told_data *d, const void *bytes, size_t len)
{
    memcpy(d->bytes + d->len, bytes, len);
    d->len += len;
}

/* Of an end alone, without its reason: see hawse/space/intent.h. */
static void put_outcome(struct told_data *d, const struct desk_told *what)
{
    hawse_intent_outcome_t o = {.size = sizeof(o),
                                .step = what->step.step,
                                .number = what->number,
                                .attempt = what->step.attempt,
                                .block_number = what->step.block_number,
                                .error = what->step.error,
                                .instance_len = (uint32_t)strlen(what->instance),
                                .chain_len = (uint32_t)strlen(what->chain),
                                .id_len = (uint32_t)strlen(what->id)};
    _Static_assert(sizeof(what->instance) + sizeof(what->chain) + sizeof(what->id) <=
                       sizeof(what->reason),
                   "room for the names");
    memcpy(o.reference, what->step.reference, sizeof(o.reference));
    put(d, &o, sizeof(o));
    put(d, what->instance, o.instance_len);
    put(d, what->chain, o.chain_len);
    put(d, what->id, o.id_len);
}

/* False: its inbox is full. */
static bool hand_over(struct lane *lane, const struct host_told *told)
{
    const struct desk_told *what = &told->what;
    struct instance *inst = host_instance(&lane->host->api.table, told->to);
    struct told_data data = {.len = 0};
    if (!inst || inst->released || !lane->bus.members[inst->index].open)
        return true; /* nobody is there to hear it; the journal has it */
    if (told->outcome) {
        put_outcome(&data, what);
    } else {
        put(&data, &what->step, sizeof(what->step));
        put(&data, what->reason, what->step.reason_len);
    }
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_INTENT,
                           .kind = told->outcome ? HAWSE_INTENT_OUTCOME : what->kind,
                           .key = told->outcome ? what->number : what->step.intent,
                           .data = data.bytes,
                           .len = data.len};
    if (bus_send(&lane->bus, inst->index, &event) == HAWSE_E_AGAIN)
        return false;
    if (what->terminal && !told->outcome)
        forget(lane, what->owner.handle, inst->index);
    return true;
}

/* One that waits holds back those behind it of the same instance, and no others. */
static bool held_back(const struct host_told *first, const struct host_told *told)
{
    for (; first != told; first = first->next) {
        if (first->to == told->to)
            return true;
    }
    return false;
}

void intents_retry(struct lane *lane)
{
    struct host_told **at = &lane->told;
    while (*at) {
        struct host_told *told = *at;
        if (held_back(lane->told, told) || !hand_over(lane, told)) {
            at = &told->next;
            continue;
        }
        *at = told->next;
        free(told);
    }
    if (lane->told)
        lane_arm_retry(lane);
}

static void on_told(void *ctx)
{
    struct host_told *told = ctx;
    struct lane *lane = told->lane;
    struct host_told **at = &lane->told;
    while (*at)
        at = &(*at)->next;
    told->next = NULL;
    *at = told;
    intents_retry(lane);
}

/* [desk] */
static void post_told(struct host *host, const struct desk_told *what, struct lane *lane,
                      uint64_t to, bool outcome)
{
    struct host_told *told = malloc(sizeof(*told));
    if (!told) {
        log_line(host->logger, HAWSE_LOG_ERROR, "tx",
                 "no memory to tell an instance of a step: the journal has it");
        return;
    }
    told->lane = lane;
    told->to = to;
    told->outcome = outcome;
    told->what = *what;
    told->work = (struct loop_work){.fn = on_told, .ctx = told};
    loop_post(told->lane->loop, &told->work);
}

/* [desk] Those whom the operator lets hear how it ended. */
static void tell_others(struct host *host, const struct desk_told *what)
{
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count; i++) {
        const struct instance *inst = host->instances[i];
        if (inst && inst->grants && grants_outcomes(inst->grants, what->instance))
            post_told(host, what, inst->lane, inst->handle, true);
    }
    (void)pthread_mutex_unlock(&host->lock);
}

/* [desk] The desk's port: posts a step to its owner's lane. */
static void intents_tell(void *ctx, const struct desk_told *what)
{
    struct host *host = ctx;
    if (what->owner.instance != 0)
        post_told(host, what, host->lanes[what->owner.lane], what->owner.instance, false);
    if (what->instance[0])
        tell_others(host, what);
}

void intents_drop(struct lane *lane)
{
    while (lane->told) {
        struct host_told *next = lane->told->next;
        free(lane->told);
        lane->told = next;
    }
}

void intents_release(struct instance *inst)
{
    uint32_t at = 0;
    struct host_intent *intent;
    while ((intent = handles_next(&inst->lane->intents, inst->index, &at)) != NULL)
        forget(inst->lane, intent->handle, inst->index);
}

/* ---- what an instance asks ---- */

static int32_t refuse(struct instance *inst, struct fault *fault)
{
    fault_clear(&inst->last_error);
    inst->last_error = *fault;
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, fault);
    return fault->code;
}

static int32_t may(struct instance *inst, hawse_view_t chain, struct fault *fault)
{
    if (grants_intent(inst->grants, (const char *)chain.data, chain.data ? chain.len : 0))
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED, "may not propose intents on \"%.*s\": not granted",
                    (int)(chain.len < 63 ? chain.len : 63), (const char *)chain.data);
    fault_hint(fault, "add \"intent:%.*s\" to instances.%s.grants",
               (int)(chain.len < 63 ? chain.len : 63), (const char *)chain.data, inst->config->id);
    return HAWSE_E_DENIED;
}

/* One whose create() may still fail is nobody yet. */
static int32_t is_there(const struct instance *inst, struct fault *fault)
{
    if (inst->state != INSTANCE_NEW)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_STATE, "may not propose intents before create() has returned");
}

static int32_t host_has_desk(const struct host *host, struct fault *fault)
{
    if (host->desk)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_STATE, "this host works on no intents");
    fault_hint(fault, "it needs \"chains\" and \"keys\" in the configuration");
    return HAWSE_E_STATE;
}

static int32_t new_handle(struct instance *inst, uint64_t tag, struct desk_owner *owner)
{
    struct host_intent *intent = calloc(1, sizeof(*intent));
    if (!intent)
        return HAWSE_E_NOMEM;
    int32_t code = handles_add(&inst->lane->intents, intent, inst->index, &intent->handle);
    if (code != HAWSE_OK) {
        free(intent);
        return code;
    }
    intent->tag = tag;
    *owner = (struct desk_owner){.slot = inst->index,
                                 .lane = inst->lane->index,
                                 .instance = inst->handle,
                                 .handle = intent->handle,
                                 .tag = tag};
    return HAWSE_OK;
}

/* Sources by the ids of their instances, which mean the same in another run. Whether they are live
 * the desk asks: before anything else, and before each signature. */
static int32_t name_streams(const struct instance *inst, struct intent *intent, struct fault *fault)
{
    for (uint32_t i = 0; i < intent->public.stream_count; i++) {
        const uint32_t source = intent->streams[i].source;
        uint32_t k = 0;
        while (k < inst->link_count && inst->links[k].target + 1 != source)
            k++;
        const struct instance *target =
            k < inst->link_count ? inst->host->instances[inst->links[k].target] : NULL;
        if (target)
            (void)snprintf(intent->sources[i], sizeof(intent->sources[i]), "%s",
                           instance_config(target)->id);
        else if (!(intent->public.flags & HAWSE_INTENT_STALE_OK))
            return fault_set(fault, HAWSE_E_INVAL,
                             "streams[%u].source: %u is none of its links; link() gives the number",
                             i, source);
    }
    return HAWSE_OK;
}

/* [desk] */
static bool intents_live(void *ctx, const char *source, uint32_t stream, uint64_t key, char *why,
                         size_t cap)
{
    struct host *host = ctx;
    enum continuity_state state = CONTINUITY_UNKNOWN;
    bool runs = false;
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count; i++) {
        struct instance *inst = host->instances[i];
        if (!inst || strcmp(instance_config(inst)->id, source) != 0)
            continue;
        runs = __atomic_load_n(&inst->state, __ATOMIC_ACQUIRE) == INSTANCE_RUNNING;
        state = continuity_of(inst->continuity, stream, key);
    }
    (void)pthread_mutex_unlock(&host->lock);
    if (runs && state == CONTINUITY_LIVE)
        return true;
    (void)snprintf(why, cap, "stream %u of %.63s%s (%s)", stream, source,
                   key ? ", for this market," : "", runs ? continuity_word(state) : "not running");
    return false;
}

static int32_t propose(struct instance *inst, const hawse_intent_t *in, uint64_t *handle)
{
    struct desk_owner owner;
    struct intent *copy = NULL;
    struct fault fault = {0};
    int32_t code = is_there(inst, &fault);
    if (code == HAWSE_OK && in->size >= offsetof(hawse_intent_t, solana))
        code = may(inst, in->chain, &fault);
    if (code == HAWSE_OK)
        code = intent_copy(in, &copy, &fault);
    if (code == HAWSE_OK)
        code = host_has_desk(inst->host, &fault);
    if (code == HAWSE_OK)
        code = name_streams(inst, copy, &fault);
    if (code == HAWSE_OK)
        code = new_handle(inst, in->tag, &owner);
    if (code != HAWSE_OK) {
        free(copy);
        (void)fault_set(&fault, code, "no memory for an intent");
        return refuse(inst, &fault);
    }
    code = desk_propose(inst->host->desk, &owner, inst->config->id,
                        inst->library->manifest->maturity, copy, &fault);
    if (code == HAWSE_OK) {
        *handle = owner.handle;
        return HAWSE_OK;
    }
    forget(inst->lane, owner.handle, inst->index);
    if (code == HAWSE_E_AGAIN || code == HAWSE_E_STATE)
        return code; /* no mistake of the plugin's */
    return refuse(inst, &fault);
}

static int32_t intent_propose(const hawse_host_t *table, hawse_instance_t self,
                              const hawse_intent_t *intent, uint64_t *handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = intent && handle ? propose(inst, intent, handle) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static int32_t intent_cancel_call(const hawse_host_t *table, hawse_instance_t self, uint64_t handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    if (!handles_get(&inst->lane->intents, handle, inst->index))
        code = HAWSE_E_STALE;
    else
        code = desk_cancel(inst->host->desk, handle);
    host_leave(inst);
    return code;
}

static int32_t look_up(struct instance *inst, hawse_view_t id, uint64_t tag)
{
    struct desk_owner owner;
    struct fault fault = {0};
    char text[HAWSE_INTENT_ID_MAX + 1] = "";
    int32_t code = host_has_desk(inst->host, &fault);
    if (code != HAWSE_OK)
        return code;
    if (!grants_intent(inst->grants, NULL, 0))
        return HAWSE_E_DENIED;
    if (!id.data || id.len == 0 || id.len > HAWSE_INTENT_ID_MAX)
        return HAWSE_E_INVAL;
    memcpy(text, id.data, id.len);
    code = new_handle(inst, tag, &owner);
    if (code == HAWSE_OK)
        code = desk_look_up(inst->host->desk, &owner, inst->config->id, text);
    if (code != HAWSE_OK)
        forget(inst->lane, owner.handle, inst->index);
    return code;
}

static int32_t intent_look_up(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                              uint64_t tag)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = look_up(inst, id, tag);
    host_leave(inst);
    return code;
}

const hawse_intent_service_t host_intent_service = {.size = sizeof(hawse_intent_service_t),
                                                    .propose = intent_propose,
                                                    .cancel = intent_cancel_call,
                                                    .look_up = intent_look_up};

/* ---- the desk ---- */

/* Keys and chains are what it needs; who has none of them has no desk. */
int32_t intents_open(struct host *host, struct fault *fault)
{
    const struct config *config = host->config;
    struct desk_options options = {.config = config,
                                   .signer = host->options.signer,
                                   .logger = host->logger,
                                   .metrics = host->metrics,
                                   .pools = host->pools,
                                   .http = host->http,
                                   .port = {.ctx = host,
                                            .tell = intents_tell,
                                            .live = intents_live,
                                            .alarm = chain_alert,
                                            .again = store_again}};
    if (config->chain_count == 0 || !options.signer)
        return HAWSE_OK;
    if (config_find(config, "hawse"))
        return fault_set(fault, HAWSE_E_INVAL,
                         "instances.hawse: intents of the host's own have this name; take another");
    return desk_create(&options, &host->desk, fault);
}
