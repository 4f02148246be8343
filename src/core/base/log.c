#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>

void lm_log_write(const struct lm_log *log, enum lm_log_level level, const char *area,
                  const char *format, ...)
{
    if (!log || !log->write || level > log->max_level)
        return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log->write(log->user, level, area, text);
}
