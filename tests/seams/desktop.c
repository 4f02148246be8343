#include "desktop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_TIMEOUT_MS = 15000 };

static bool write_config(const struct desktop *d, const char *mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/config", d->dir);
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    /* The last line runs once the outputs are there. */
    fprintf(file,
            "xwayland disable\n"
            "default_border none\n"
            "focus_follows_mouse no\n"
            "output * mode --custom %s\n"
            "output * bg #204060 solid_color\n"
            "exec 'echo \"$WAYLAND_DISPLAY\" >%s/up'\n",
            mode, d->dir);
    return fclose(file) == 0;
}

static void exec_compositor(const struct desktop *d)
{
    char config[128], log[128], ipc[128];
    snprintf(config, sizeof config, "%s/config", d->dir);
    snprintf(log, sizeof log, "%s/log", d->dir);
    snprintf(ipc, sizeof ipc, "%s/ipc", d->dir);
    setenv("SWAYSOCK", ipc, 1); /* where it shall be: not there yet */
    setenv("XDG_RUNTIME_DIR", d->dir, 1);
    setenv("WLR_BACKENDS", "headless", 1);
    setenv("WLR_RENDERER", "pixman", 1);
    setenv("WLR_LIBINPUT_NO_DEVICES", "1", 1);
    setenv("WLR_HEADLESS_OUTPUTS", "1", 1);
    unsetenv("WAYLAND_DISPLAY");
    unsetenv("DISPLAY");
    int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    setpgid(0, 0);
    /* sway does not start as root: there it gets a namespace where it is somebody else. */
    if (geteuid() == 0)
        execlp("unshare", "unshare", "-U", "--map-user=1000", "--map-group=1000", "sway", "-c",
               config, (char *)NULL);
    else
        execlp("sway", "sway", "-c", config, (char *)NULL);
    _exit(127);
}

/* Reads the socket's name from the pipe that the configuration's last line writes to. */
static bool wait_up(struct desktop *d, int up)
{
    struct pollfd fd = {.fd = up, .events = POLLIN};
    char name[32] = "";
    for (int left_ms = START_TIMEOUT_MS; left_ms > 0; left_ms -= 100) {
        if (poll(&fd, 1, 100) == 1)
            break;
        if (waitpid(d->compositor, NULL, WNOHANG) != 0) {
            d->compositor = 0;
            fprintf(stderr, "desktop: sway ended at once\n");
            return false;
        }
    }
    ssize_t size = read(up, name, sizeof name - 1);
    if (size <= 0) {
        fprintf(stderr, "desktop: sway did not come up\n");
        return false;
    }
    name[strcspn(name, "\n")] = 0;
    snprintf(d->socket, sizeof d->socket, "%s/%s", d->dir, name);
    return true;
}

bool desktop_start(struct desktop *desktop, const char *mode)
{
    *desktop = (struct desktop){.dir = "/tmp/lumen-seam-XXXXXX"};
    if (!mkdtemp(desktop->dir))
        return false;
    char up_path[128];
    snprintf(up_path, sizeof up_path, "%s/up", desktop->dir);
    if (!write_config(desktop, mode) || mkfifo(up_path, 0600) < 0)
        return false;
    int up = open(up_path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    desktop->compositor = fork();
    if (desktop->compositor == 0)
        exec_compositor(desktop);
    bool ok = desktop->compositor > 0 && wait_up(desktop, up);
    close(up);
    if (!ok)
        desktop_stop(desktop);
    return ok;
}

bool desktop_run(struct desktop *desktop, const char *const *argv)
{
    desktop_end_program(desktop);
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return false;
    desktop->program = fork();
    if (desktop->program == 0) {
        setenv("XDG_RUNTIME_DIR", desktop->dir, 1);
        setenv("WAYLAND_DISPLAY", desktop->socket, 1);
        dup2(pipe_fds[1], STDOUT_FILENO);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(pipe_fds[1]);
    desktop->from_program = fdopen(pipe_fds[0], "re");
    return desktop->program > 0 && desktop->from_program;
}

bool desktop_set_mode(struct desktop *desktop, const char *mode)
{
    char command[256];
    snprintf(command, sizeof command, "swaymsg -q -s %s/ipc -- output '*' mode --custom %s",
             desktop->dir, mode);
    return system(command) == 0;
}

static void end(pid_t *pid, int signal)
{
    if (*pid <= 0)
        return;
    kill(*pid, signal);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

void desktop_end_program(struct desktop *desktop)
{
    end(&desktop->program, SIGTERM);
    if (desktop->from_program)
        fclose(desktop->from_program);
    desktop->from_program = NULL;
}

void desktop_kill(struct desktop *desktop)
{
    end(&desktop->compositor, SIGKILL);
}

void desktop_stop(struct desktop *desktop)
{
    desktop_end_program(desktop);
    pid_t group = desktop->compositor;
    end(&desktop->compositor, SIGTERM);
    if (group > 0)
        kill(-group, SIGKILL);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", desktop->dir);
    if (desktop->dir[0] && system(command) != 0)
        fprintf(stderr, "desktop: %s stays\n", desktop->dir);
    memset(desktop, 0, sizeof *desktop);
}
