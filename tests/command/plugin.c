/*
 * Verbs of every sort, for the trials of `hawse call`: one that answers at once, one later, one
 * never, one that breaks every rule of the service, one that ends its process. It also raises the
 * alerts that a call names, and has kept what a call says.
 */
#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/store.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.test.verbs\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"strategy\","
    "\"license\":\"MIT\",\"description\":\"verbs for trials\",\"maturity\":\"stable\","
    "\"requires\":{\"hawse.command/1\":\">=1.0\",\"hawse.timer/1\":\">=1.0\"}}";

enum verb { SAY = 1, LATER, NEVER, WRONG, CRASH, LONG, ALERT, KEEP, KEPT };

struct verbs {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_command_service_t *command;
    const hawse_timer_service_t *timer;
    const hawse_alert_service_t *alert;
    const hawse_store_service_t *store;
    char kept[512]; /* as told: "key=first byte of the value*its length;" ... */
    uint32_t lasts;
    hawse_command_t later;
    uint64_t gone;
};

static const struct {
    const char *name, *help, *args;
    uint64_t tag;
} table[] = {
    {"say", "print words and hand the arguments back",
     "{\"properties\":{\"what\":{\"type\":\"string\",\"enum\":[\"hello\",\"bye\"]},"
     "\"times\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9,\"default\":1},"
     "\"amount\":{\"type\":\"string\",\"format\":\"uint256\"},"
     "\"loud\":{\"type\":\"boolean\",\"default\":false},"
     "\"words\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}},\"required\":[\"what\"]}",
     SAY},
    {"later", "answer after 50 ms", "", LATER},
    {"never", "never answer; with a status of how many calls went so", "", NEVER},
    {"wrong", "do all that may not be done", "", WRONG},
    {"crash", "end the process", "", CRASH},
    {"long", "print more than is allowed", "", LONG},
    {"alert", "raise or clear an alert",
     "{\"properties\":{\"what\":{\"type\":\"string\",\"enum\":[\"raise\",\"clear\"]},"
     "\"name\":{\"type\":\"string\"},\"severity\":{\"type\":\"integer\",\"default\":2}},"
     "\"required\":[\"what\",\"name\"]}",
     ALERT},
    {"keep", "keep a value of so many equal letters",
     "{\"properties\":{\"key\":{\"type\":\"string\"},\"letter\":{\"type\":\"string\"},"
     "\"times\":{\"type\":\"integer\",\"default\":1}},\"required\":[\"key\",\"letter\"]}",
     KEEP},
    {"kept", "what the host told at the start that it kept", "", KEPT},
};

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct verbs *v = calloc(1, sizeof(*v));
    (void)config;
    if (!v)
        return HAWSE_E_NOMEM;
    *v = (struct verbs){.host = host,
                        .self = self,
                        .command = host->query(host, self, HAWSE_COMMAND_ID),
                        .timer = host->query(host, self, HAWSE_TIMER_ID),
                        .alert = host->query(host, self, HAWSE_ALERT_ID),
                        .store = host->query(host, self, HAWSE_STORE_ID)};
    (void)v->store->open(host, self);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        hawse_command_spec_t spec = {.size = sizeof(spec),
                                     .name = hawse_text(table[i].name),
                                     .help = hawse_text(table[i].help),
                                     .args = hawse_text(table[i].args),
                                     .tag = table[i].tag};
        int32_t code = v->command->add(host, self, &spec);
        if (code != HAWSE_OK) {
            free(v);
            return code;
        }
    }
    *state = v;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t print(struct verbs *v, hawse_command_t call, const char *text)
{
    return v->command->print(v->host, v->self, call, hawse_text(text));
}

static int32_t end(struct verbs *v, hawse_command_t call, uint32_t status, hawse_view_t json,
                   const char *text)
{
    const hawse_command_result_t result = {
        .size = sizeof(result), .status = status, .json = json, .text = hawse_text(text)};
    return v->command->end(v->host, v->self, call, &result);
}

/* Every refusal, as its code: the trial knows what they should be. */
static void do_wrong(struct verbs *v, hawse_command_t call)
{
    hawse_command_spec_t spec = {.size = sizeof(spec), .name = hawse_text("say")};
    char json[256], big[65];
    memset(big, 'a', sizeof(big));
    int32_t exists = v->command->add(v->host, v->self, &spec);
    spec.name = hawse_text("Say it");
    int32_t name = v->command->add(v->host, v->self, &spec);
    spec.name = (hawse_view_t){(const uint8_t *)big, sizeof(big)};
    int32_t too_long = v->command->add(v->host, v->self, &spec);
    spec.name = hawse_text("other");
    spec.args = hawse_text("{\"properties\":{\"json\":{}}}");
    int32_t ours = v->command->add(v->host, v->self, &spec);
    spec.args = hawse_text("{\"kind\":1}");
    int32_t schema = v->command->add(v->host, v->self, &spec);
    int32_t utf8 = print(v, call, "\xff");
    int32_t stale = print(v, call + 1, "hello");
    int32_t status = end(v, call, 64, hawse_text(""), "");
    int32_t format = end(v, call, 0, hawse_text("{"), "");
    (void)snprintf(json, sizeof(json), "[%d,%d,%d,%d,%d,%d,%d,%d,%d]", exists, name, too_long, ours,
                   schema, utf8, stale, status, format);
    (void)end(v, call, 5, hawse_text(json), "\x1b[31mred\x1b[0m\xc2\x9b");
    if (end(v, call, 0, hawse_text(""), "") != HAWSE_E_STALE ||
        print(v, call, "more") != HAWSE_E_STALE)
        hawse_log(v->host, v->self, HAWSE_LOG_ERROR, "an ended call could be answered");
}

static void print_long(struct verbs *v, hawse_command_t call)
{
    static char text[HAWSE_COMMAND_PRINT_MAX + 1];
    char json[64];
    int32_t code = HAWSE_OK;
    uint32_t prints = 0;
    for (size_t i = 0; i + 4 < sizeof(text); i += 4)
        memcpy(text + i, "\xe2\x82\xac\n", 4); /* so that chunks end within characters */
    while ((code = print(v, call, text)) == HAWSE_OK)
        prints++;
    (void)snprintf(json, sizeof(json), "[%u,%d]", prints, code);
    (void)end(v, call, 0, hawse_text(json), "");
}

/* {"name":"x","severity":2,"what":"raise"}: read as a schema has checked it. */
static int32_t do_alert(struct verbs *v, const char *args)
{
    char name[80] = "";
    const char *at = strstr(args, "\"name\":\""), *severity = strstr(args, "\"severity\":");
    if (!v->alert || !at || !severity)
        return HAWSE_E_UNSUPPORTED;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 8, "\""), at + 8);
    const hawse_alert_t alert = {.size = sizeof(alert),
                                 .severity = (uint32_t)atoi(severity + 11),
                                 .name = hawse_text(name),
                                 .text = hawse_text("the trial said so"),
                                 .fields = hawse_text("{\"figure\":\"42\"}")};
    return strstr(args, "\"raise\"") ? v->alert->raise(v->host, v->self, &alert)
                                     : v->alert->clear(v->host, v->self, hawse_text(name));
}

/* A member of the arguments: text, or the digits of a number. */
static const char *member(const char *args, const char *name, char out[80])
{
    char quoted[40];
    (void)snprintf(quoted, sizeof(quoted), "\"%s\":", name);
    const char *at = strstr(args, quoted);
    at = at ? at + strlen(quoted) : "";
    at += *at == '"';
    (void)snprintf(out, 80, "%.*s", (int)strcspn(at, "\",}"), at);
    return out;
}

static int32_t do_keep(struct verbs *v, const char *args)
{
    static uint8_t value[8192];
    char key[80], letter[80], times[80];
    (void)member(args, "letter", letter);
    memset(value, letter[0], sizeof(value));
    const hawse_view_t bytes = {value, strtoull(member(args, "times", times), NULL, 10)};
    return v->store->put(v->host, v->self, hawse_text(member(args, "key", key)), bytes);
}

static void on_kept(struct verbs *v, const hawse_event_t *event)
{
    hawse_host_kept_t k;
    memcpy(&k, event->data, sizeof(k));
    const uint8_t *key = event->data + sizeof(k);
    size_t at = strlen(v->kept);
    if (k.flags & HAWSE_KEPT_LAST)
        v->lasts++;
    else
        (void)snprintf(v->kept + at, sizeof(v->kept) - at, "%.*s=%c*%u;", (int)k.key_len,
                       (const char *)key, key[k.key_len], k.value_len);
}

static void on_command(struct verbs *v, const hawse_event_t *event)
{
    hawse_host_command_t c;
    char number[32], args[2048];
    hawse_timer_t timer;
    memcpy(&c, event->data, sizeof(c));
    const hawse_view_t json = {event->data + sizeof(c) + c.name_len, c.args_len};
    switch (c.tag) {
    case SAY:
        (void)print(v, c.command, "one\n");
        (void)print(v, c.command, "two\n");
        (void)end(v, c.command, 0, json, "said");
        return;
    case LATER:
        v->later = c.command;
        (void)v->timer->set(v->host, v->self, 50000000, 0, 0, &timer);
        return;
    case NEVER:
        return;
    case WRONG:
        do_wrong(v, c.command);
        return;
    case LONG:
        print_long(v, c.command);
        return;
    case ALERT:
        (void)snprintf(args, sizeof(args), "%.*s", (int)json.len, (const char *)json.data);
        (void)snprintf(number, sizeof(number), "%d", do_alert(v, args));
        (void)end(v, c.command, 0, hawse_text(number), "");
        return;
    case KEEP:
        (void)snprintf(args, sizeof(args), "%.*s", (int)json.len, (const char *)json.data);
        (void)snprintf(number, sizeof(number), "%d", do_keep(v, args));
        (void)end(v, c.command, 0, hawse_text(number), "");
        return;
    case KEPT:
        (void)snprintf(args, sizeof(args), "[\"%s\",%u]", v->kept, v->lasts);
        (void)end(v, c.command, 0, hawse_text(args), "");
        return;
    default:
        abort();
    }
}

static void on_later(struct verbs *v)
{
    char json[64];
    (void)snprintf(json, sizeof(json), "{\"gone\":%llu}", (unsigned long long)v->gone);
    (void)end(v, v->later, 1, hawse_text(json), "at last");
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct verbs *v = state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space != HAWSE_SPACE_HOST)
            continue;
        if (events[i]->kind == HAWSE_HOST_COMMAND)
            on_command(v, events[i]);
        else if (events[i]->kind == HAWSE_HOST_COMMAND_GONE)
            v->gone++;
        else if (events[i]->kind == HAWSE_HOST_TIMER)
            on_later(v);
        else if (events[i]->kind == HAWSE_HOST_KEPT)
            on_kept(v, events[i]);
    }
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    return state && deadline_ns ? HAWSE_OK : HAWSE_E_INVAL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t plugin = {sizeof(plugin),
                                          HAWSE_ABI_MINOR,
                                          "org.test.verbs",
                                          create,
                                          start,
                                          on_events,
                                          stop,
                                          free,
                                          NULL};
    return host ? &plugin : NULL;
}
