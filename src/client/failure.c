#include "client/failure.h"

#include <stdarg.h>
#include <stdio.h>

int failure_set(struct failure *f, enum failure_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    f->status = status;
    vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return LM_EIO;
}
