/* HTTP, control and the live view of a running host; see serve.h. */
#include "app/serve.h"

#include "app/swap.h"
#include "observe/control.h"
#include "observe/http.h"
#include "observe/view.h"

#include <hawse/types.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TICKS_PER_FRAME = 5, LINES = 18 };

struct serve {
    struct host *host;
    struct metrics *metrics;
    struct logger *logger;
    struct http_server *http;
    struct control *control;
    struct swapper *swapper;
    bool view;
    uint32_t ticks;
    json_t *before;
    uint64_t before_ns;
};

static char *metrics_page(void *ctx, size_t *len)
{
    struct serve *s = ctx;
    host_sample(s->host);
    return metrics_text(s->metrics, len);
}

static bool healthy(void *ctx)
{
    return host_healthy(((struct serve *)ctx)->host);
}

static bool ready(void *ctx, char **reasons)
{
    return host_ready(((struct serve *)ctx)->host, reasons);
}

static char *on_verb(void *ctx, const char *verb, const json_t *request, struct fault *fault)
{
    struct serve *s = ctx;
    if (strcmp(verb, "status") == 0)
        return host_status(s->host);
    if (s->swapper && swapper_has_verb(verb))
        return swapper_verb(s->swapper, verb, request, fault);
    if (host_has_command_verb(verb))
        return host_command_verb(s->host, verb, request, fault);
    return host_intents_verb(s->host, verb, request, fault);
}

int32_t serve_start(struct host *host, struct metrics *metrics, struct logger *logger, bool view,
                    struct serve **out, struct fault *fault)
{
    struct serve *s = calloc(1, sizeof(*s));
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory");
    s->host = host;
    s->metrics = metrics;
    s->logger = logger;
    s->view = view;
    *out = s;
    struct http_source source = {
        .ctx = s, .metrics = metrics_page, .healthy = healthy, .ready = ready};
    int32_t code = HAWSE_OK;
    if (host->config->http_listen)
        code = http_start(host->config->http_listen, &source, &s->http, fault);
    s->swapper = swapper_new(host, host->config->record.file);
    if (code == HAWSE_OK && host->config->control_path)
        code = control_start(host->config->control_path, on_verb, s, &s->control, fault);
    return code;
}

static void draw(struct serve *s)
{
    struct winsize size = {.ws_row = 40, .ws_col = 120};
    char lines[LINES * 200] = "";
    uint64_t now_ns = loop_clock();
    char *status = host_status(s->host);
    json_t *now = status ? json_loads(status, 0, NULL) : NULL;
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    (void)log_recent(s->logger, NULL, size.ws_row > 24 ? LINES : 6, lines, sizeof(lines));
    char *text =
        view_render(s->before, now, (double)(now_ns - s->before_ns) / 1e9, lines, size.ws_col - 1);
    if (text)
        (void)printf("\033[H\033[2J%s\nCtrl-C ends it\n", text);
    (void)fflush(stdout);
    free(text);
    free(status);
    json_decref(s->before);
    s->before = now;
    s->before_ns = now_ns;
}

void serve_tick(struct serve *s)
{
    if (s->view && s->ticks++ % TICKS_PER_FRAME == 0)
        draw(s);
}

static void summary(struct serve *s)
{
    char *status = host_status(s->host);
    json_t *now = status ? json_loads(status, 0, NULL) : NULL;
    size_t i;
    json_t *p;
    (void)printf("\nSummary\n");
    json_array_foreach(json_object_get(now, "instances"), i, p)
    {
        const json_t *t = json_object_get(p, "callback_ns");
        (void)printf(
            "  %-14s %10lld events in, %10lld out, %lld lost; callbacks p50 %lld ns, p99 %lld "
            "ns\n",
            json_string_value(json_object_get(p, "id")),
            (long long)json_integer_value(json_object_get(p, "events_in")),
            (long long)json_integer_value(json_object_get(p, "events_out")),
            (long long)json_integer_value(json_object_get(p, "dropped")),
            (long long)json_integer_value(json_object_get(t, "p50")),
            (long long)json_integer_value(json_object_get(t, "p99")));
    }
    json_decref(now);
    free(status);
}

void serve_stop(struct serve *s, bool with_summary)
{
    if (!s)
        return;
    http_stop(s->http);
    control_stop(s->control);
    swapper_free(s->swapper);
    if (s->view && with_summary)
        summary(s);
    json_decref(s->before);
    free(s);
}
