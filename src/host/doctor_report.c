#include "core/base/check.h"
#include "host/doctor_checks.h"

#include <stdarg.h>
#include <stdlib.h>

void doctor_say(struct doctor *d, enum doctor_level level, const char *advice, const char *format,
                ...)
{
    static const char *const names[] = {
        [DOCTOR_OK] = "ok  ", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "FAIL"};
    va_list arguments;
    d->worst = LM_MAX(d->worst, level);
    fprintf(d->out, "%s  %s: ", names[level], d->what);
    va_start(arguments, format);
    vfprintf(d->out, format, arguments);
    va_end(arguments);
    fputc('\n', d->out);
    if (advice)
        fprintf(d->out, "      %s\n", advice);
}

int doctor_run_checks(struct doctor *d, const struct doctor_check *checks, size_t count)
{
    static const char *const results[] = {
        [DOCTOR_OK] = "All is well.",
        [DOCTOR_WARN] = "The host will work; see the warnings.",
        [DOCTOR_FAIL] = "The host will not work before what failed is put right.",
    };
    d->worst = DOCTOR_OK;
    for (size_t i = 0; i < count; i++) {
        d->what = checks[i].name;
        checks[i].run(d);
        fflush(d->out); /* some take a second: show what is known */
    }
    fprintf(d->out, "\n%s\n", results[d->worst]);
    return d->worst == DOCTOR_FAIL ? EXIT_FAILURE : EXIT_SUCCESS;
}
