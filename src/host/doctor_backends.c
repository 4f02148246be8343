#include "core/base/log.h"
#include "host/display/display.h"
#include "host/doctor_checks.h"
#include "host/encode/encode.h"

#include <string.h>

/* What a backend's probe said last: the reason why it cannot work. */
struct reason {
    char text[256];
};

static void keep_reason(void *user, enum lm_log_level level, const char *area, const char *text)
{
    struct reason *reason = user;
    snprintf(reason->text, sizeof reason->text, "%s", text);
}

static bool is_wanted(const char *configured, const char *name, const char *only_for_tests)
{
    if (strcmp(configured, "auto") == 0)
        return strcmp(name, only_for_tests) != 0;
    return strcmp(configured, name) == 0;
}

/* Reports one backend; true when it works. One that does not is a warning: another may. */
static bool report(struct doctor *d, const char *name, int (*probe)(const struct lm_log *log))
{
    struct reason reason = {""};
    struct lm_log log = {.write = keep_reason, .user = &reason, .max_level = LM_LOG_WARN};
    int code = probe ? probe(&log) : LM_OK;
    if (!code)
        doctor_say(d, DOCTOR_OK, NULL, "%s", name);
    else
        doctor_say(d, DOCTOR_WARN, NULL, "%s cannot be used: %s", name,
                   *reason.text ? reason.text : lm_err_text(code));
    return !code;
}

void doctor_check_display(struct doctor *d)
{
    bool works = false;
    for (size_t i = 0; display_backends[i]; i++)
        if (is_wanted(d->config->display, display_backends[i]->name, "null"))
            works |= report(d, display_backends[i]->name, display_backends[i]->probe);
    if (!works)
        doctor_say(d, DOCTOR_FAIL, "Put right what is said above, or set [desktop] display = auto.",
                   "none works (configured: %s)", d->config->display);
}

void doctor_check_encoder(struct doctor *d)
{
    bool works = false;
    for (size_t i = 0; encode_backends[i]; i++)
        if (is_wanted(d->config->encoder, encode_backends[i]->name, "fake"))
            works |= report(d, encode_backends[i]->name, encode_backends[i]->probe);
    if (!works)
        doctor_say(d, DOCTOR_FAIL,
                   "Build with libx264-dev installed, or set [stream] encoder = auto.",
                   "none works (configured: %s)", d->config->encoder);
}
