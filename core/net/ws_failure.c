/* Writes down why a WebSocket connection must be failed. Owns nothing. */
#include "net/ws_failure.h"

#include <stdarg.h>
#include <stdio.h>

int32_t ws_fail(struct ws_failure *failure, int32_t result, uint16_t close_code, const char *format,
                ...)
{
    va_list args;
    failure->result = result;
    failure->close_code = close_code;
    va_start(args, format);
    (void)vsnprintf(failure->text, sizeof(failure->text), format, args);
    va_end(args);
    return result;
}
