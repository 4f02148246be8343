#include "host/display/supervisor.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/display/control.h"
#include "host/display/desktop_files.h"
#include "host/display/process_tree.h"
#include "host/display/services.h"
#include "host/display/session_dir.h"
#include "host/display/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTROL_FD = 3, LOCK_FD = 4 };
enum output { OUTPUT_COMPOSITOR = 0, OUTPUT_SERVICES, OUTPUT_PROGRAM, OUTPUTS };

#define X11_WAIT_NS     (2 * LM_NS_PER_S)
#define ASK_PROGRAMS_NS (500 * LM_NS_PER_MS)
#define ASK_ALL_NS      (500 * LM_NS_PER_MS)
#define KILL_NS         (5 * LM_NS_PER_S)

/* The last that was written into a pipe. */
struct tail {
    int fd;
    size_t used;
    char text[CONTROL_TEXT_BYTES - 200];
};

struct supervisor {
    char dir[SESSION_DIR_BYTES];
    bool sound, xwayland, quit;
    int signal_fd, watch_fd; /* watch_fd: -1 once the X11 display is known */
    int program_output_fd;
    struct tail tails[OUTPUTS];
    struct services services;
    pid_t compositor; /* stays after its end */
    pid_t program;
    bool program_waits; /* for the X11 display */
    uint64_t program_deadline_ns;
    char command[CONTROL_TEXT_BYTES];
};

static void tell(enum control_kind kind, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(enum control_kind kind, int status, const char *format, ...)
{
    struct control_message m = {.kind = kind, .status = status};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(m.text, sizeof m.text, format, arguments);
    va_end(arguments);
    send(CONTROL_FD, &m, control_message_bytes(&m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- last words --- */

static bool tail_open(struct tail *t, int *write_fd)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return false;
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    t->fd = fds[0];
    *write_fd = fds[1];
    return true;
}

static void tail_read(struct tail *t)
{
    char chunk[1024];
    ssize_t n;
    while ((n = read(t->fd, chunk, sizeof chunk)) > 0) {
        size_t size = (size_t)n, room = sizeof t->text - 1;
        size_t keep = LM_MIN(t->used, room - size);
        memmove(t->text, t->text + t->used - keep, keep);
        memcpy(t->text + keep, chunk, size);
        t->used = keep + size;
        t->text[t->used] = 0;
    }
}

/* --- programs --- */

static void read_x11_display(struct supervisor *s)
{
    char path[SESSION_DIR_BYTES + 32], name[16] = "";
    if (s->watch_fd < 0)
        return;
    snprintf(path, sizeof path, "%s/" DESKTOP_X11_FILE, s->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size = read(fd, name, sizeof name - 1);
    close(fd);
    close(s->watch_fd);
    s->watch_fd = -1;
    name[strcspn(name, "\n")] = 0;
    if (size > 1)
        setenv("DISPLAY", name, 1);
}

/* A program that plays before the desktop has a default sink may stay silent: wait for it, two
 * seconds at most. */
static const char after_sound[] =
    "n=0; while command -v wpctl >/dev/null && ! wpctl inspect @DEFAULT_AUDIO_SINK@ >/dev/null "
    "2>&1 "
    "&& [ $n -lt 40 ]; do n=$((n + 1)); sleep 0.05; done; exec /bin/sh -c \"$1\"";

static void start_program(struct supervisor *s)
{
    s->program_waits = false;
    s->tails[OUTPUT_PROGRAM].used = 0;
    s->tails[OUTPUT_PROGRAM].text[0] = 0;
    pid_t pid = fork();
    if (!pid) {
        services_become_child(s->program_output_fd);
        setsid();
        if (s->sound)
            execl("/bin/sh", "sh", "-c", after_sound, "sh", s->command, (char *)NULL);
        execl("/bin/sh", "sh", "-c", s->command, (char *)NULL);
        _exit(127);
    }
    if (pid < 0)
        tell(CONTROL_EXITED, 127 << 8, "%s", strerror(errno));
    else
        s->program = pid;
}

static void ask_for_program(struct supervisor *s, const char *command)
{
    snprintf(s->command, sizeof s->command, "%s", command);
    s->program_waits = true;
    s->program_deadline_ns = lm_clock_now_ns() + X11_WAIT_NS;
}

/* --- what ends --- */

static void service_ended(struct supervisor *s, enum service_kind kind, int status)
{
    struct service *service = &s->services.each[kind];
    service->pid = 0;
    if (kind == SERVICE_COMPOSITOR) {
        tail_read(&s->tails[OUTPUT_COMPOSITOR]);
        tell(CONTROL_LOST, status, "%s", s->tails[OUTPUT_COMPOSITOR].text);
        return;
    }
    bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    if (!missing && service->starts < SERVICE_STARTS_MAX && services_start(&s->services, kind))
        return;
    tail_read(&s->tails[OUTPUT_SERVICES]);
    tell(CONTROL_NOTE, status, "%s %s: %s", service_name(kind),
         missing ? "cannot be started" : "keeps ending", s->tails[OUTPUT_SERVICES].text);
}

static void reap(struct supervisor *s, bool ending)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == s->program) {
            s->program = 0;
            tail_read(&s->tails[OUTPUT_PROGRAM]);
            tell(CONTROL_EXITED, status, "%s", s->tails[OUTPUT_PROGRAM].text);
        }
        for (int kind = 0; !ending && kind < SERVICES; kind++)
            if (s->services.each[kind].pid == pid)
                service_ended(s, (enum service_kind)kind, status);
    }
}

/* Until nobody is left or the time is over; whoever is new gets the signal too. */
static bool wait_for_end(struct supervisor *s, int signal_number, const pid_t *spared,
                         size_t spared_count, uint64_t time_ns)
{
    struct pollfd child = {.fd = s->signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;
    uint64_t deadline_ns = lm_clock_now_ns() + time_ns;
    bool repeat = signal_number == SIGKILL;
    int now_sent = signal_number;
    do {
        reap(s, true);
        if (!process_tree_signal(now_sent, spared, spared_count))
            return true;
        now_sent = repeat ? signal_number : 0;
        poll(&child, 1, 10);
        while (read(s->signal_fd, &info, sizeof info) > 0)
            ;
        for (int i = 0; i < OUTPUTS; i++)
            tail_read(&s->tails[i]);
    } while (lm_clock_now_ns() < deadline_ns);
    return false;
}

static void end_all(struct supervisor *s)
{
    pid_t servers[SERVICES];
    for (int kind = 0; kind < SERVICES; kind++)
        servers[kind] = s->services.each[kind].pid;
    /* Programs first: they may want to save something, which needs a desktop. */
    wait_for_end(s, SIGTERM, servers, SERVICES, ASK_PROGRAMS_NS);
    if (!wait_for_end(s, SIGTERM, NULL, 0, ASK_ALL_NS))
        wait_for_end(s, SIGKILL, NULL, 0, KILL_NS);
    reap(s, true);
    if (s->compositor)
        services_remove_x11(s->compositor);
    session_dir_remove(s->dir);
}

/* --- running --- */

static void start_sound(struct supervisor *s)
{
    for (int kind = SERVICE_SOUND; s->sound && kind < SERVICES; kind++)
        if (!s->services.each[kind].starts)
            services_start(&s->services, (enum service_kind)kind);
}

static void take_control(struct supervisor *s)
{
    struct control_message m = {0};
    ssize_t size = recv(CONTROL_FD, &m, sizeof m, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    m.text[sizeof m.text - 1] = 0;
    if (size <= 0 || m.kind == CONTROL_QUIT)
        s->quit = true;
    else if (m.kind == CONTROL_PICTURE_UP)
        start_sound(s);
    else if (m.kind == CONTROL_RUN)
        ask_for_program(s, m.text);
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo != SIGCHLD)
            s->quit = true;
    reap(s, false);
}

static void serve(struct supervisor *s)
{
    while (!s->quit) {
        struct pollfd fds[3 + OUTPUTS] = {
            {.fd = CONTROL_FD, .events = POLLIN},
            {.fd = s->signal_fd, .events = POLLIN},
            {.fd = s->watch_fd, .events = POLLIN},
        };
        for (int i = 0; i < OUTPUTS; i++)
            fds[3 + i] = (struct pollfd){.fd = s->tails[i].fd, .events = POLLIN};
        poll(fds, 3 + OUTPUTS, s->program_waits ? 50 : -1);
        if (fds[0].revents)
            take_control(s);
        if (fds[1].revents)
            take_signals(s);
        for (int i = 0; i < OUTPUTS; i++)
            if (fds[3 + i].revents)
                tail_read(&s->tails[i]);
        read_x11_display(s);
        if (s->program_waits && (s->watch_fd < 0 || lm_clock_now_ns() >= s->program_deadline_ns))
            start_program(s);
    }
}

static bool parse(struct supervisor *s, int argc, char **argv)
{
    if (argc < 2 || strlen(argv[1]) >= sizeof s->dir)
        return false;
    strcpy(s->dir, argv[1]);
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "sound"))
            s->sound = true;
        else if (!strcmp(argv[i], "xwayland"))
            s->xwayland = true;
        else if (!strncmp(argv[i], "frame-clock=", 12))
            s->services.frame_clock = argv[i] + 12;
        else
            return false;
    }
    return true;
}

/* X servers of all users share this folder; whoever makes it must make it sticky. */
static void make_x11_folder(void)
{
    if (!mkdir("/tmp/.X11-unix", 0700))
        chmod("/tmp/.X11-unix", 01777);
}

static bool prepare(struct supervisor *s)
{
    sigset_t signals;
    fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
    fcntl(LOCK_FD, F_SETFD, FD_CLOEXEC);
    /* No parent-death signal: it would follow the thread that started us. The control socket
     * closes when the host ends, however it ends. */
    prctl(PR_SET_NAME, "lumen-desktop");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    s->watch_fd = -1;
    if (s->xwayland) {
        make_x11_folder();
        s->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        inotify_add_watch(s->watch_fd, s->dir, IN_MOVED_TO);
    }
    s->services.dir = s->dir;
    return s->signal_fd >= 0 &&
           tail_open(&s->tails[OUTPUT_COMPOSITOR], &s->services.output_fd[0]) &&
           tail_open(&s->tails[OUTPUT_SERVICES], &s->services.output_fd[1]) &&
           tail_open(&s->tails[OUTPUT_PROGRAM], &s->program_output_fd);
}

static bool start(struct supervisor *s)
{
    if (!services_listen(&s->services, s->sound)) {
        tell(CONTROL_LOST, 0, "no socket can be made in %s: %s", s->dir, strerror(errno));
        return false;
    }
    const char *home = getenv("HOME");
    if (!home || chdir(home))
        (void)!chdir("/");
    services_environment(s->dir, s->sound);
    if (!services_start(&s->services, SERVICE_COMPOSITOR)) {
        tell(CONTROL_LOST, 0, "no process can be started: %s", strerror(errno));
        return false;
    }
    s->compositor = s->services.each[SERVICE_COMPOSITOR].pid;
    services_start(&s->services, SERVICE_BUS);
    return true;
}

int desktop_supervisor_main(int argc, char **argv)
{
    static struct supervisor s; /* zeroed, and too big for the stack */
    char why[256];
    if (!parse(&s, argc, argv) || !prepare(&s))
        return 2;
    bool ready = user_namespace_leave_root(why, sizeof why);
    if (!ready)
        tell(CONTROL_LOST, 0, "%s", why);
    else
        ready = start(&s);
    if (ready)
        serve(&s);
    end_all(&s);
    return ready ? 0 : 1;
}
