#include "host/display/services.h"

#include "core/base/check.h"
#include "host/display/desktop_files.h"
#include "host/display/session_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH_BYTES = SESSION_DIR_BYTES + 64 };

/* "@" stands for the session's directory. */
static const struct {
    const char *argv[6];
    const char *socket; /* NULL: makes its own, or has none */
} table[SERVICES] = {
    [SERVICE_COMPOSITOR] = {{"sway", "--unsupported-gpu", "-c", "@/sway.conf"}, NULL},
    [SERVICE_BUS] = {{"dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=systemd:"},
                     "bus"},
    [SERVICE_SOUND] = {{"pipewire", "-c", "@/pipewire.conf"}, "pipewire-0"},
    [SERVICE_SOUND_POLICY] = {{"wireplumber"}, NULL},
    [SERVICE_SOUND_PULSE] = {{"pipewire-pulse", "-c", "@/pulse.conf"}, "pulse/native"},
};

const char *service_name(enum service_kind kind)
{
    return table[kind].argv[0];
}

static void set_path(const char *variable, const char *prefix, const char *dir, const char *name)
{
    char value[PATH_BYTES + 16];
    LM_CHECK(dir);
    snprintf(value, sizeof value, "%s%s%s", prefix, dir, name);
    setenv(variable, value, 1);
}

void services_environment(const char *dir, bool sound)
{
    /* Of the desktop or service manager that the host itself was started from. */
    static const char *const foreign[] = {
        "DISPLAY",
        "WAYLAND_SOCKET",
        "XAUTHORITY",
        "I3SOCK",
        "LD_PRELOAD",
        "SESSION_MANAGER",
        "DESKTOP_STARTUP_ID",
        "XDG_SESSION_ID",
        "XDG_VTNR",
        "XDG_SEAT",
        "NOTIFY_SOCKET",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "PULSE_SERVER",
        "PULSE_COOKIE",
        "PIPEWIRE_REMOTE",
        "PULSE_RUNTIME_PATH",
        "PIPEWIRE_RUNTIME_DIR",
        "XDG_MENU_PREFIX",
        "XDG_ACTIVATION_TOKEN",
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(foreign); i++)
        unsetenv(foreign[i]);
    setenv("XDG_RUNTIME_DIR", dir, 1);
    setenv("XDG_SESSION_TYPE", "wayland", 1);
    setenv("XDG_CURRENT_DESKTOP", "sway", 1);
    setenv("XDG_SESSION_DESKTOP", "sway", 1);
    setenv("WAYLAND_DISPLAY", "wayland-1", 1);
    setenv("LUMEN_DESKTOP", dir, 1);
    set_path("SWAYSOCK", "", dir, "/sway.sock");
    set_path("DBUS_SESSION_BUS_ADDRESS", "unix:path=", dir, "/bus");
    setenv("PIPEWIRE_RUNTIME_DIR", dir, 1); /* without sound too: never the outer server */
    if (sound)
        set_path("PULSE_SERVER", "unix:", dir, "/pulse/native");
    else
        set_path("PULSE_SERVER", "unix:", dir, "/none");
}

static int listen_at(const char *dir, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || length < 0 || (size_t)length >= sizeof address.sun_path)
        return -1;
    if (!bind(fd, (const struct sockaddr *)&address, sizeof address) && !listen(fd, 64))
        return fd;
    close(fd);
    return -1;
}

bool services_listen(struct services *s, bool sound)
{
    for (int kind = 0; kind < SERVICES; kind++) {
        struct service *service = &s->each[kind];
        service->listen_fd = -1;
        if (!table[kind].socket || (kind >= SERVICE_SOUND && !sound))
            continue;
        service->listen_fd = listen_at(s->dir, table[kind].socket);
        if (service->listen_fd < 0)
            return false;
    }
    return true;
}

void services_become_child(int output_fd)
{
    sigset_t none;
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(null_fd, 0);
    dup2(output_fd, 1);
    dup2(output_fd, 2);
}

/* In the child. Socket activation as systemd does it: the socket is descriptor 3. */
static void pass_socket(int listen_fd)
{
    char pid[16];
    if (listen_fd == 3)
        fcntl(3, F_SETFD, 0);
    else
        dup2(listen_fd, 3);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
}

static void set_service_environment(const struct services *s, enum service_kind kind)
{
    if (kind == SERVICE_COMPOSITOR) {
        setenv("WLR_BACKENDS", "headless", 1);
        setenv("WLR_LIBINPUT_NO_DEVICES", "1", 1);
        setenv("WLR_RENDERER", "pixman", 1);
        unsetenv("WAYLAND_DISPLAY");
        set_path("LUMEN_FRAME_CLOCK_STATUS", "", s->dir, "/" DESKTOP_CLOCK_FILE);
        if (s->frame_clock)
            setenv("LD_PRELOAD", s->frame_clock, 1);
    } else if (kind == SERVICE_SOUND_POLICY) {
        set_path("WIREPLUMBER_CONFIG_DIR", "", s->dir, "/wireplumber");
        set_path("XDG_STATE_HOME", "", s->dir, "/state"); /* the user's own stays as it is */
    }
}

static void exec_service(const struct services *s, enum service_kind kind)
{
    char paths[6][PATH_BYTES];
    char *argv[7] = {NULL};
    for (int i = 0; i < 6 && table[kind].argv[i]; i++) {
        const char *text = table[kind].argv[i];
        bool in_dir = text[0] == '@';
        snprintf(paths[i], sizeof paths[i], "%s%s", in_dir ? s->dir : "", text + in_dir);
        argv[i] = paths[i];
    }
    services_become_child(s->output_fd[kind != SERVICE_COMPOSITOR]);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* should somebody kill the supervisor itself */
    set_service_environment(s, kind);
    if (s->each[kind].listen_fd >= 0)
        pass_socket(s->each[kind].listen_fd);
    execvp(argv[0], argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

bool services_start(struct services *s, enum service_kind kind)
{
    pid_t pid = fork();
    if (!pid)
        exec_service(s, kind);
    if (pid < 0)
        return false;
    s->each[kind].pid = pid;
    s->each[kind].starts++;
    return true;
}

void services_remove_x11(pid_t compositor)
{
    for (int i = 0; i <= 32; i++) {
        char path[64], text[16] = "";
        snprintf(path, sizeof path, "/tmp/.X%d-lock", i);
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        ssize_t size = read(fd, text, sizeof text - 1);
        close(fd);
        if (size <= 0 || atoi(text) != compositor)
            continue;
        unlink(path);
        snprintf(path, sizeof path, "/tmp/.X11-unix/X%d", i);
        unlink(path);
    }
}
