/* A sway of the session's own on wlroots' headless backend: one output of the client's mode, with
 * an exact frame clock (frame_clock.c). All of it lives below a supervisor process. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/display/control.h"
#include "host/display/desktop_files.h"
#include "host/display/display_impl.h"
#include "host/display/frame_grid.h"
#include "host/display/session_dir.h"
#include "host/display/supervisor.h"
#include "host/display/sway_ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = SESSION_DIR_BYTES + 32 };
#define SET_MODE_NS (2 * LM_NS_PER_S)
#define CLOSE_MS    8000
#define AREA        "display"

struct sway_display {
    struct display base;
    const struct lm_log *log;
    char dir[SESSION_DIR_BYTES];
    char wayland_socket[PATH_BYTES], ipc_socket[PATH_BYTES], frame_clock[512];
    pid_t supervisor; /* 0: not started */
    int control_fd, lock_fd, ipc_fd;
    bool exact, running, lost;
};

static struct sway_display *from(struct display *display)
{
    LM_CHECK(display->ops == &display_embedded_sway);
    return LM_CONTAINER_OF(display, struct sway_display, base);
}

/* --- what is on this machine --- */

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        char name[512];
        size_t length = strcspn(p, ":");
        snprintf(name, sizeof name, "%.*s/%s", (int)length, p, program);
        if (!access(name, X_OK))
            return true;
        p += length + (p[length] == ':');
    }
    return false;
}

static int sway_probe(const struct lm_log *log)
{
    static const char *const needed[] = {"sway", "dbus-daemon"};
    int code = LM_OK;
    for (size_t i = 0; i < LM_ARRAY_LEN(needed); i++) {
        if (in_path(needed[i]))
            continue;
        lm_error(log, AREA, "%s is missing: install it (apt install sway dbus-daemon)", needed[i]);
        code = LM_EDEVICE;
    }
    return code;
}

static bool try_frame_clock(struct sway_display *d, const char *dir, const char *between)
{
    int length =
        snprintf(d->frame_clock, sizeof d->frame_clock, "%s%s/lumen-frame-clock.so", dir, between);
    /* ld.so splits LD_PRELOAD at spaces and colons. */
    return length > 0 && (size_t)length < sizeof d->frame_clock && !strpbrk(d->frame_clock, " :") &&
           !access(d->frame_clock, R_OK);
}

static void find_frame_clock(struct sway_display *d)
{
    char self[400];
    const char *given = getenv("LUMEN_FRAME_CLOCK_DIR");
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = 0;
    if ((given && try_frame_clock(d, given, "")) || try_frame_clock(d, self, "") ||
        try_frame_clock(d, self, "/display") || try_frame_clock(d, LUMEN_LIBDIR, ""))
        return;
    d->frame_clock[0] = 0;
}

/* --- start --- */

static void explain_loss(const struct sway_display *d, int status, const char *text)
{
    char line[900];
    size_t size = strlen(text), skipped = size < sizeof line ? 0 : size - sizeof line + 1;
    memcpy(line, text + skipped, size - skipped + 1); /* the end says most */
    for (char *p = line; *p; p++)
        if (*p == '\n')
            *p = p[1] ? '|' : 0;
    lm_error(d->log, AREA, "the compositor ended with %s %d%s%s",
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), *line ? ": " : "", line);
}

static void explain_exit(const struct sway_display *d, const struct control_message *m)
{
    bool fine = WIFEXITED(m->status) && !WEXITSTATUS(m->status);
    const char *start = m->text;
    if (fine)
        return;
    for (const char *p = m->text; *p; p++) /* the last line says most */
        if (*p == '\n' && p[1])
            start = p + 1;
    lm_warn(d->log, AREA, "the application ended with %s %d%s%.*s",
            WIFSIGNALED(m->status) ? "signal" : "status",
            WIFSIGNALED(m->status) ? WTERMSIG(m->status) : WEXITSTATUS(m->status),
            *start ? ": " : "", (int)strcspn(start, "\n"), start);
}

static enum display_event take_message(struct sway_display *d, int *status)
{
    struct control_message m = {0};
    for (;;) {
        ssize_t size = recv(d->control_fd, &m, sizeof m, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (d->lost || (size < 0 && errno == EAGAIN))
            return DISPLAY_EVENT_NONE;
        m.text[sizeof m.text - 1] = 0;
        if (size <= 0 || m.kind == CONTROL_LOST) {
            d->lost = true;
            explain_loss(d, m.status, size > 0 ? m.text : "its supervisor is gone");
            return DISPLAY_EVENT_LOST;
        }
        if (m.kind == CONTROL_EXITED) {
            d->running = false;
            *status = m.status;
            explain_exit(d, &m);
            return DISPLAY_EVENT_PROGRAM_EXITED;
        }
        lm_warn(d->log, AREA, "%s", m.text);
    }
}

static int send_control(struct sway_display *d, enum control_kind kind, const char *text)
{
    struct control_message m = {.kind = kind};
    int length = snprintf(m.text, sizeof m.text, "%s", text);
    if (length < 0 || (size_t)length >= sizeof m.text)
        return LM_ELIMIT;
    ssize_t sent = send(d->control_fd, &m, control_message_bytes(&m), MSG_NOSIGNAL);
    return sent > 0 ? LM_OK : LM_ECLOSED;
}

/* The supervisor sees the control socket as 3, the lock as 4, and no other descriptor of ours. */
static int spawn(struct sway_display *d, char **argv, int control_fd, int lock_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 0, 1);
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
    posix_spawn_file_actions_adddup2(&actions, control_fd, 3);
    posix_spawn_file_actions_adddup2(&actions, lock_fd, 4);
    posix_spawn_file_actions_addclosefrom_np(&actions, 5);
    int error = posix_spawn(&d->supervisor, "/proc/self/exe", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (!error)
        return LM_OK;
    d->supervisor = 0;
    lm_error(d->log, AREA, "the desktop's supervisor cannot be started: %s", strerror(error));
    return LM_EIO;
}

static int start_supervisor(struct sway_display *d, const struct display_params *params)
{
    int pair[2], argc = 3;
    char clock_option[sizeof d->frame_clock + 16];
    static char name[] = "lumen-host", verb[] = DESKTOP_SUPERVISOR_VERB, sound[] = "sound",
                xwayland[] = "xwayland";
    char *argv[8] = {name, verb, d->dir};
    if (params->sound)
        argv[argc++] = sound;
    if (params->xwayland)
        argv[argc++] = xwayland;
    if (*d->frame_clock) {
        snprintf(clock_option, sizeof clock_option, "frame-clock=%s", d->frame_clock);
        argv[argc++] = clock_option;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return LM_EIO;
    d->control_fd = d->base.event_fd = pair[0];
    /* Out of the way of 3 and 4, which the child's are moved to. */
    int theirs = fcntl(pair[1], F_DUPFD_CLOEXEC, 16), lock = fcntl(d->lock_fd, F_DUPFD_CLOEXEC, 16);
    int code = theirs < 0 || lock < 0 ? LM_EIO : spawn(d, argv, theirs, lock);
    close(pair[1]);
    if (theirs >= 0)
        close(theirs);
    if (lock >= 0)
        close(lock);
    close(d->lock_fd);
    d->lock_fd = -1;
    return code;
}

/* Until the compositor listens; it answers when all of its start is done. */
static int connect_sway(struct sway_display *d, uint64_t deadline_ns)
{
    int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), code, status;
    inotify_add_watch(watch_fd, d->dir, IN_CREATE);
    while ((code = sway_ipc_connect(d->ipc_socket)) == LM_ENOENT) {
        char events[4096];
        if (take_message(d, &status) == DISPLAY_EVENT_LOST) {
            code = LM_EDEVICE;
            break;
        }
        if (lm_clock_now_ns() >= deadline_ns) {
            code = LM_ETIMEOUT;
            break;
        }
        struct pollfd fds[2] = {{.fd = d->control_fd, .events = POLLIN},
                                {.fd = watch_fd, .events = POLLIN}};
        poll(fds, 2, 20); /* the socket exists a moment before it is listened on */
        while (read(watch_fd, events, sizeof events) > 0)
            ;
    }
    close(watch_fd);
    if (code < 0)
        return code;
    d->ipc_fd = code;
    return LM_OK;
}

static void use_clock(struct sway_display *d)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/" DESKTOP_CLOCK_FILE, d->dir);
    d->exact = !access(path, F_OK);
    if (!d->exact)
        lm_warn(d->log, AREA,
                "no exact frame clock (%s): the output runs at twice the rate instead, which costs "
                "more of the CPU",
                *d->frame_clock ? "this sway does not take lumen-frame-clock.so"
                                : "lumen-frame-clock.so is not installed");
}

/* What the output is asked for so that it shows `mode`. */
static struct display_mode output_mode(const struct sway_display *d,
                                       const struct display_mode *mode)
{
    struct display_mode output = *mode;
    if (!d->exact)
        output.refresh_mhz *= 2;
    return output;
}

static int apply_mode(struct sway_display *d, const struct display_mode *mode, uint64_t deadline_ns)
{
    struct display_mode wanted = output_mode(d, mode), got;
    int code = sway_ipc_output_mode(d->ipc_fd, DESKTOP_OUTPUT, deadline_ns, &got);
    if (code)
        return code;
    if (memcmp(&wanted, &got, sizeof got)) {
        char text[64], command[128];
        desktop_mode_text(&wanted, text, sizeof text);
        snprintf(command, sizeof command, "output " DESKTOP_OUTPUT " mode --custom %s", text);
        code = sway_ipc_command(d->ipc_fd, command, deadline_ns);
        if (!code)
            code = sway_ipc_output_mode(d->ipc_fd, DESKTOP_OUTPUT, deadline_ns, &got);
    }
    if (!code && memcmp(&wanted, &got, sizeof got))
        code = LM_EUNSUPPORTED;
    if (code)
        return code;
    d->base.mode = *mode;
    d->base.env.frame_grid_ns = d->exact ? frame_grid_period_ns(mode->refresh_mhz) : 0;
    return LM_OK;
}

static void sway_close(struct display *display)
{
    struct sway_display *d = from(display);
    if (d->supervisor) {
        (void)!send_control(d, CONTROL_QUIT, "");
        struct pollfd end = {.fd = pidfd_open(d->supervisor, 0), .events = POLLIN};
        int ended = end.fd >= 0 ? poll(&end, 1, CLOSE_MS) : 0;
        if (ended <= 0) {
            lm_error(d->log, AREA, "the desktop does not end: its supervisor is killed");
            kill(d->supervisor, SIGKILL);
        }
        waitpid(d->supervisor, NULL, 0);
        if (end.fd >= 0)
            close(end.fd);
    }
    if (d->ipc_fd >= 0)
        close(d->ipc_fd);
    if (d->control_fd >= 0)
        close(d->control_fd);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    if (*d->dir)
        session_dir_remove(d->dir); /* as a rule it is gone by now */
    free(d);
}

static int prepare(struct sway_display *d, const struct display_params *params)
{
    char dir[512];
    int length = snprintf(dir, sizeof dir, "%s/%s", params->runtime_dir, params->name);
    if (length < 0 || length >= SESSION_DIR_BYTES) {
        lm_error(d->log, AREA, "the directory %s has too long a name for sockets in it",
                 params->runtime_dir);
        return LM_ELIMIT;
    }
    int code = session_dir_make(dir, &d->lock_fd);
    if (code) {
        lm_error(d->log, AREA, "%s cannot be used: %s", dir, lm_err_text(code));
        return code;
    }
    memcpy(d->dir, dir, (size_t)length + 1);
    snprintf(d->wayland_socket, sizeof d->wayland_socket, "%s/wayland-1", d->dir);
    snprintf(d->ipc_socket, sizeof d->ipc_socket, "%s/sway.sock", d->dir);
    d->base.env = (struct display_env){
        .wayland_socket = d->wayland_socket,
        .output_name = DESKTOP_OUTPUT,
        .pipewire_dir = params->sound ? d->dir : NULL,
    };
    find_frame_clock(d);
    if (geteuid() == 0)
        lm_warn(d->log, AREA,
                "lumen-host runs as root: programs on the desktop run as an ordinary user in a "
                "namespace of their own, where sudo does not work. Better start it as a user.");
    code = desktop_files_write(d->dir, params);
    if (code)
        lm_error(d->log, AREA, "the desktop's configuration cannot be written: %s",
                 lm_err_text(code));
    return code;
}

static int sway_open(const struct display_params *params, struct display **out)
{
    uint64_t begin_ns = lm_clock_now_ns();
    uint64_t deadline_ns = begin_ns + (params->timeout_ns ? params->timeout_ns : 15 * LM_NS_PER_S);
    struct sway_display *d = calloc(1, sizeof *d);
    if (!d)
        return LM_ENOMEM;
    d->base.ops = &display_embedded_sway;
    d->log = params->log;
    d->control_fd = d->lock_fd = d->ipc_fd = -1;
    int code = prepare(d, params);
    if (!code)
        code = start_supervisor(d, params);
    if (!code)
        code = connect_sway(d, deadline_ns);
    if (!code) {
        struct display_mode got; /* an answer means that the start is complete */
        code = sway_ipc_output_mode(d->ipc_fd, DESKTOP_OUTPUT, deadline_ns, &got);
    }
    if (!code) {
        use_clock(d);
        code = apply_mode(d, &params->mode, deadline_ns);
    }
    if (!code)
        code = send_control(d, CONTROL_PICTURE_UP, "");
    if (code) {
        lm_error(d->log, AREA, "the desktop did not come up: %s", lm_err_text(code));
        sway_close(&d->base);
        return code == LM_ETIMEOUT ? code : LM_EDEVICE;
    }
    lm_info(d->log, AREA, "desktop %s: %ux%u at %u.%03u Hz, up in %u ms", params->name,
            params->mode.width, params->mode.height, params->mode.refresh_mhz / 1000,
            params->mode.refresh_mhz % 1000,
            (unsigned)((lm_clock_now_ns() - begin_ns) / LM_NS_PER_MS));
    *out = &d->base;
    return LM_OK;
}

static int sway_set_mode(struct display *display, const struct display_mode *mode)
{
    struct sway_display *d = from(display);
    return d->lost ? LM_ECLOSED : apply_mode(d, mode, lm_clock_now_ns() + SET_MODE_NS);
}

static int sway_run(struct display *display, const char *command)
{
    struct sway_display *d = from(display);
    if (d->running)
        return LM_EEXIST;
    int code = d->lost ? LM_ECLOSED : send_control(d, CONTROL_RUN, command);
    d->running = !code;
    return code;
}

static enum display_event sway_poll(struct display *display, int *exit_status)
{
    return take_message(from(display), exit_status);
}

const struct display_ops display_embedded_sway = {
    .name = "embedded-sway",
    .probe = sway_probe,
    .open = sway_open,
    .set_mode = sway_set_mode,
    .run = sway_run,
    .poll = sway_poll,
    .close = sway_close,
};
