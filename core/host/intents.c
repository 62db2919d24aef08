/* What an operator asks of intents, over the control socket; see host.h. */
#include "host/host.h"

#include "tx/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *said(const char *what, const char *name)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "said", json_sprintf("%s %s", what, name));
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* By name, as long as the lock is held. */
static struct instance *find(struct host *host, const char *id)
{
    for (uint32_t i = 0; id && i < host->instance_count; i++) {
        struct instance *inst = host->instances[i];
        if (inst && strcmp(instance_config(inst)->id, id) == 0)
            return inst;
    }
    return NULL;
}

static bool known(struct host *host, const char *id, enum config_maturity *maturity,
                  struct fault *fault)
{
    (void)pthread_mutex_lock(&host->lock);
    const struct instance *inst = find(host, id);
    if (inst && inst->library)
        *maturity = inst->library->manifest->maturity;
    (void)pthread_mutex_unlock(&host->lock);
    if (inst)
        return true;
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "no instance \"%.64s\"", id ? id : "");
    fault_hint(fault, "`hawse status` names them");
    return false;
}

static char *send_one(struct host *host, const json_t *request, struct fault *fault)
{
    const char *instance = json_string_value(json_object_get(request, "instance"));
    enum config_maturity maturity = MATURITY_EXPERIMENTAL;
    const struct desk_owner nobody = {0};
    struct intent *intent = NULL;
    if (!known(host, instance, &maturity, fault))
        return NULL;
    char *text = json_dumps(json_object_get(request, "intent"), JSON_COMPACT);
    int32_t code = text ? intent_from_json(text, strlen(text), &intent, fault)
                        : fault_set(fault, HAWSE_E_FORMAT, "intent: expected an object");
    free(text);
    if (code != HAWSE_OK)
        return NULL;
    char *answer = said("taken over:", intent->id);
    if (desk_propose(host->desk, &nobody, instance, maturity, intent, fault) == HAWSE_OK)
        return answer;
    free(answer);
    return NULL;
}

static char *kill_it(struct host *host, const json_t *request, bool on, struct fault *fault)
{
    const char *instance = json_string_value(json_object_get(request, "instance"));
    const char *why = json_string_value(json_object_get(request, "why"));
    enum config_maturity maturity;
    if (instance && !known(host, instance, &maturity, fault))
        return NULL;
    int32_t code = on ? desk_kill(host->desk, instance, "command", why ? why : "", fault)
                      : desk_resume(host->desk, instance, fault);
    if (code != HAWSE_OK)
        return NULL;
    return said(on ? "nothing new is signed for" : "intents go on for",
                instance ? instance : "any instance");
}

/* "chain", "account", "nonce" */
static char *fill_nonce(struct host *host, const json_t *request, struct fault *fault)
{
    const char *chain = json_string_value(json_object_get(request, "chain"));
    const char *account = json_string_value(json_object_get(request, "account"));
    const json_t *nonce = json_object_get(request, "nonce");
    char name[128];
    if (!chain || !account || !json_is_integer(nonce) || json_integer_value(nonce) < 0) {
        (void)fault_set(fault, HAWSE_E_FORMAT, "expected a chain, an account and a nonce");
        return NULL;
    }
    uint64_t number = (uint64_t)json_integer_value(nonce);
    if (desk_fill(host->desk, chain, account, number, fault) != HAWSE_OK)
        return NULL;
    (void)snprintf(name, sizeof(name), "%llu of %.64s", (unsigned long long)number, account);
    return said("taken over, as an intent of \"hawse\": to fill nonce", name);
}

char *host_intents_verb(struct host *host, const char *verb, const json_t *request,
                        struct fault *fault)
{
    static const char *const verbs[] = {"intents", "send", "fill-nonce", "kill", "resume"};
    bool found = false;
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        found = found || strcmp(verb, verbs[i]) == 0;
    if (!found) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND,
                        "no verb \"%.40s\"; there is \"status\", \"intents\", \"send\", "
                        "\"fill-nonce\", \"kill\", "
                        "\"resume\", \"commands\", \"call\" and \"call-next\"",
                        verb);
        return NULL;
    }
    if (!host->desk) {
        (void)fault_set(fault, HAWSE_E_STATE, "this hawse works on no intents");
        fault_hint(fault, "it needs \"chains\" and \"keys\" in the configuration");
        return NULL;
    }
    if (verb[0] == 'i')
        return desk_status(host->desk);
    if (verb[0] == 's')
        return send_one(host, request, fault);
    if (verb[0] == 'f')
        return fill_nonce(host, request, fault);
    return kill_it(host, request, verb[0] == 'k', fault);
}

void host_kill(struct host *host, const char *who, const char *why)
{
    struct fault fault = {0};
    if (!host->desk)
        log_line(host->logger, HAWSE_LOG_WARN, "tx", "%s: there is nothing to stop: %s", who, why);
    else if (desk_kill(host->desk, NULL, who, why, &fault) != HAWSE_OK)
        log_fault(host->logger, HAWSE_LOG_ERROR, "tx", &fault); /* it holds all the same */
}
