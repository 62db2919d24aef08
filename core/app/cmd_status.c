/*
 * `hawse status` and `hawse top`: what a running hawse does, asked over its control socket.
 */
#include "app/app.h"

#include "observe/control.h"
#include "observe/view.h"

#include <hawse/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 2000 };

const char *control_path(const struct arguments *args)
{
    const char *environment = getenv("HAWSE_CONTROL");
    return args->socket ? args->socket : environment ? environment : "control.sock";
}

static void print(const json_t *before, const json_t *now, double seconds, bool clear)
{
    struct winsize size = {.ws_col = 160};
    bool terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    char *text = view_render(before, now, seconds, NULL, terminal ? size.ws_col - 1 : 0);
    (void)printf("%s%s", clear && terminal ? "\033[H\033[2J" : "", text ? text : "");
    (void)fflush(stdout);
    free(text);
}

int command_status(const struct arguments *args)
{
    struct fault fault = {0};
    json_t *now = NULL;
    if (control_request(control_path(args), "status", TIMEOUT_MS, &now, &fault) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    if (args->json) {
        char *text = json_dumps(now, JSON_INDENT(2));
        (void)printf("%s\n", text ? text : "{}");
        free(text);
    } else {
        print(NULL, now, 0, false);
    }
    int code = json_is_true(json_object_get(now, "ready")) ? EXIT_GOOD : EXIT_TROUBLE;
    json_decref(now);
    return code;
}

int command_top(const struct arguments *args)
{
    struct fault fault = {0};
    json_t *before = NULL, *now = NULL;
    struct timespec second = {.tv_sec = 1};
    for (int frames = 0;; frames++) {
        if (control_request(control_path(args), "status", TIMEOUT_MS, &now, &fault) != HAWSE_OK) {
            json_decref(before);
            return app_fail(EXIT_TROUBLE, &fault);
        }
        print(before, now, 1.0, true);
        json_decref(before);
        before = now;
        if (args->once && frames == 1)
            break;
        (void)nanosleep(&second, NULL);
    }
    json_decref(before);
    return EXIT_GOOD;
}
