/*
 * Both ends of the control socket. Any line as a request: answered with one line of JSON. Any
 * document as the answer: `hawse status` draws it, whatever it holds; the first byte is the width
 * of the screen.
 */
#include "observe/control.h"
#include "observe/view.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static char *on_verb(void *ctx, const char *verb, const json_t *request, struct fault *fault)
{
    (void)ctx;
    if (strcmp(verb, "status") == 0)
        return json_dumps(request, JSON_COMPACT);
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "no verb \"%.40s\"", verb);
    return NULL;
}

static void ask(const char *line)
{
    char *answer = control_answer(on_verb, NULL, line, 7);
    require(answer && !strchr(answer, '\n'));
    json_t *parsed = json_loads(answer, JSON_DECODE_ANY, NULL);
    require(parsed != NULL);
    json_decref(parsed);
    free(answer);
}

static void draw(const char *line, int columns)
{
    json_t *now = json_loads(line, JSON_DECODE_ANY, NULL);
    char *text = view_render(now, now, 1.0, line, columns);
    require(text != NULL);
    int column = 0;
    for (const char *at = text; *at; at++) {
        require((unsigned char)*at >= 0x20 || *at == '\n');
        column = *at == '\n' ? 0 : column + 1;
        require(columns == 0 || column <= columns);
    }
    free(text);
    json_decref(now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *line = strndup((const char *)data + 1, size - 1);
    require(line != NULL);
    ask(line);
    draw(line, data[0]);
    free(line);
    return 0;
}
