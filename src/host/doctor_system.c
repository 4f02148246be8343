#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "host/doctor_checks.h"
#include "host/store.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MIN_DISK_MIB = 16, WANTED_NICE = -11 };

/* Runs `body` in a process of its own, whose end undoes what it did; true when it returned true. */
static bool try_apart(bool (*body)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(body() ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

void doctor_check_config(struct doctor *d)
{
    struct config config;
    char error[512];
    switch (config_load(&config, d->paths->config, error, sizeof error)) {
    case LM_OK:
        doctor_say(d, DOCTOR_OK, NULL, "%s", d->paths->config);
        break;
    case LM_ENOENT:
        doctor_say(d, DOCTOR_OK, NULL, "all defaults (there is no %s)", d->paths->config);
        break;
    default:
        doctor_say(d, DOCTOR_FAIL,
                   "Correct it; lumen-host --help lists all keys with their ranges.", "%s", error);
    }
}

void doctor_check_state(struct doctor *d)
{
    static struct store_device devices[STORE_MAX_DEVICES];
    struct store *store;
    char error[512];
    int code = store_open(d->paths->state, &store, error, sizeof error);
    if (code == LM_EEXIST) {
        d->host_runs = true;
        doctor_say(d, DOCTOR_OK, NULL, "a lumen-host runs with %s", d->paths->state);
        return;
    }
    if (code) {
        /* The store's sentence holds its advice. */
        doctor_say(d, DOCTOR_FAIL, NULL, "%s", code == LM_ENOMEM ? lm_err_text(code) : error);
        return;
    }
    int count = store_list_devices(store, devices, STORE_MAX_DEVICES);
    store_close(store);
    doctor_say(d, DOCTOR_OK, NULL, "%s, %d paired device%s", d->paths->state, LM_MAX(count, 0),
               count == 1 ? "" : "s");
}

void doctor_check_runtime(struct doctor *d)
{
    int code = paths_make_runtime(d->paths);
    if (!code)
        doctor_say(d, DOCTOR_OK, NULL, "%s", d->paths->runtime);
    else
        doctor_say(d, DOCTOR_FAIL,
                   "Choose another with --runtime, or log in through PAM and systemd, which "
                   "provides one.",
                   "%s cannot be used: %s", d->paths->runtime,
                   code == LM_EAUTH ? "it belongs to somebody else, or is a link"
                                    : lm_err_text(code));
}

static bool enter_user_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

void doctor_check_user(struct doctor *d)
{
    if (geteuid() != 0) {
        doctor_say(d, DOCTOR_OK, NULL, "runs as user %u", (unsigned)geteuid());
        return;
    }
    bool namespaces = try_apart(enter_user_namespace);
    doctor_say(d, namespaces ? DOCTOR_WARN : DOCTOR_FAIL,
               "Run lumen-host as an ordinary user: it needs no privileges, and what runs on a "
               "desktop should have none.",
               "runs as root%s",
               namespaces
                   ? "; the desktops run in a user namespace"
                   : ", for whom sway starts only in a user namespace, and none can be made");
}

void doctor_check_processor(struct doctor *d)
{
    uint32_t flags = lm_cpu_flags();
    cpu_set_t allowed;
    int count = sched_getaffinity(0, sizeof allowed, &allowed) ? 1 : CPU_COUNT(&allowed);
    char kernels[64];
    snprintf(kernels, sizeof kernels, "%s%s%s%s", flags & LM_CPU_AVX2 ? " AVX2" : "",
             flags & LM_CPU_AVX512 ? " AVX-512" : "", flags & LM_CPU_GFNI ? " GFNI" : "",
             flags & LM_CPU_NEON ? " NEON" : "");
    bool enough = count >= 2 && *kernels;
    doctor_say(d, enough ? DOCTOR_OK : DOCTOR_WARN,
               enough ? NULL
                      : "Encoding without a GPU wants two processors or more, with AVX2 or NEON: "
                        "ask for a smaller picture or a lower rate.",
               "%d usable, kernels:%s", count, *kernels ? kernels : " plain C");
}

static bool raise_priority(void)
{
    return setpriority(PRIO_PROCESS, 0, WANTED_NICE) == 0;
}

void doctor_check_priority(struct doctor *d)
{
    if (try_apart(raise_priority))
        doctor_say(d, DOCTOR_OK, NULL, "the stream's threads can go before other programs");
    else
        doctor_say(d, DOCTOR_WARN,
                   "If pictures stutter while the machine is busy: add \"YOU - nice -11\" to "
                   "/etc/security/limits.conf and log in again, or LimitNICE=-11 to the service.",
                   "the stream's threads run like any other program");
}

void doctor_check_disk(struct doctor *d)
{
    struct statvfs fs;
    if (statvfs(d->paths->state, &fs)) {
        doctor_say(d, DOCTOR_WARN, "The state must be writable first.", "%s: %s", d->paths->state,
                   strerror(errno));
        return;
    }
    unsigned long long mib = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    if (mib >= MIN_DISK_MIB)
        doctor_say(d, DOCTOR_OK, NULL, "%llu MiB free for the state", mib);
    else
        doctor_say(d, DOCTOR_FAIL, "Make room: without it a pairing cannot be stored.",
                   "%llu MiB free in %s, %d are needed", mib, d->paths->state, MIN_DISK_MIB);
}

void doctor_check_clock(struct doctor *d)
{
    struct timespec step;
    time_t now = time(NULL);
    struct tm tm;
    char text[32];
    gmtime_r(&now, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm);
    if (tm.tm_year + 1900 < 2024)
        doctor_say(d, DOCTOR_WARN, "Set it: certificates are dated by it.",
                   "it says %s, before this program was written", text);
    else if (clock_getres(CLOCK_MONOTONIC, &step) || step.tv_sec || step.tv_nsec > 1000)
        doctor_say(d, DOCTOR_WARN, "Pictures cannot leave evenly: use a kernel with fine timers.",
                   "%s, but its steps are coarser than a microsecond", text);
    else
        doctor_say(d, DOCTOR_OK, NULL, "%s", text);
}
