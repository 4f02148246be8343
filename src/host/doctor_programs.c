#include "core/base/check.h"
#include "host/doctor_checks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VERSION_LIMIT_MS = 3000, PROGRAM_BYTES = 1024 };

extern char **environ;

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* The first word that is not a variable for it, as in "LANG=C foot". */
static size_t first_word(const char **command)
{
    const char *at = *command;
    for (;;) {
        at += strspn(at, " \t");
        size_t size = strcspn(at, " \t"), name = strcspn(at, "=/");
        if (name >= size || at[name] != '=') {
            *command = at;
            return size;
        }
        at += size;
    }
}

bool doctor_find_program(const char *search_path, const char *command, char *found,
                         size_t found_bytes)
{
    int size = (int)first_word(&command);
    if (!size)
        return false;
    if (memchr(command, '/', (size_t)size))
        return snprintf(found, found_bytes, "%.*s", size, command) < (int)found_bytes &&
               is_program(found);
    for (const char *dir = search_path; *dir;) {
        int length = (int)strcspn(dir, ":");
        if (length && snprintf(found, found_bytes, "%.*s/%.*s", length, dir, size, command) <
                          (int)found_bytes)
            if (is_program(found))
                return true;
        dir += length + (dir[length] == ':');
    }
    return false;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool read_first_line(int fd, int limit_ms, char *out, size_t out_bytes)
{
    int64_t end = now_ms() + limit_ms;
    size_t used = 0;
    while (used + 1 < out_bytes && !memchr(out, '\n', used)) {
        int64_t left = end - now_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (left <= 0 || poll(&wait, 1, (int)left) <= 0)
            return false;
        ssize_t size = read(fd, out + used, out_bytes - 1 - used);
        if (size <= 0)
            break;
        used += (size_t)size;
    }
    out[used] = 0;
    out[strcspn(out, "\n")] = 0;
    return *out != 0;
}

bool doctor_first_line(const char *path, const char *argument, int limit_ms, char *out,
                       size_t out_bytes)
{
    char *argv[] = {(char *)(uintptr_t)path, (char *)(uintptr_t)argument, NULL};
    posix_spawn_file_actions_t actions;
    int pipe_fds[2];
    pid_t child;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
    bool good = posix_spawn(&child, path, &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fds[1]);
    if (good) {
        good = read_first_line(pipe_fds[0], limit_ms, out, out_bytes);
        kill(child, SIGKILL); /* it has said what we want, or never will */
        waitpid(child, NULL, 0);
    }
    close(pipe_fds[0]);
    return good;
}

/* --- the checks ------------------------------------------------------------------------------ */

void doctor_check_sway(struct doctor *d)
{
    char path[PROGRAM_BYTES], line[96];
    if (!doctor_find_program(d->search_path, "sway", path, sizeof path))
        doctor_say(d, DOCTOR_FAIL, "apt install sway", "not found: no desktop can be started");
    else if (!doctor_first_line(path, "--version", VERSION_LIMIT_MS, line, sizeof line))
        doctor_say(d, DOCTOR_FAIL, "Run it by hand to see why; reinstalling it may help.",
                   "%s --version does not answer", path);
    else
        doctor_say(d, DOCTOR_OK, NULL, "%s (%s)", line, path);
}

void doctor_check_xwayland(struct doctor *d)
{
    char path[PROGRAM_BYTES];
    if (!d->config->xwayland)
        doctor_say(d, DOCTOR_OK, NULL, "switched off in the configuration");
    else if (doctor_find_program(d->search_path, "Xwayland", path, sizeof path))
        doctor_say(d, DOCTOR_OK, NULL, "%s", path);
    else
        doctor_say(d, DOCTOR_WARN, "apt install xwayland", "not found: X11 programs cannot run");
}

void doctor_check_bus(struct doctor *d)
{
    char path[PROGRAM_BYTES];
    if (doctor_find_program(d->search_path, "dbus-daemon", path, sizeof path))
        doctor_say(d, DOCTOR_OK, NULL, "%s", path);
    else
        doctor_say(d, DOCTOR_WARN, "apt install dbus-daemon",
                   "dbus-daemon not found: desktops have no session bus and no sound");
}

void doctor_check_sound(struct doctor *d)
{
    static const struct {
        const char *program, *without, *package;
    } parts[] = {
        {"pipewire", "desktops are silent", "apt install pipewire"},
        {"wireplumber", "desktops are silent", "apt install wireplumber"},
        {"pipewire-pulse", "programs that use PulseAudio are silent", "apt install pipewire-pulse"},
    };
    char path[PROGRAM_BYTES];
    bool complete = true;
    if (!d->config->sound) {
        doctor_say(d, DOCTOR_OK, NULL, "switched off in the configuration");
        return;
    }
    for (size_t i = 0; i < LM_ARRAY_LEN(parts); i++) {
        if (doctor_find_program(d->search_path, parts[i].program, path, sizeof path))
            continue;
        complete = false;
        doctor_say(d, DOCTOR_WARN, parts[i].package, "%s not found: %s", parts[i].program,
                   parts[i].without);
    }
    if (complete)
        doctor_say(d, DOCTOR_OK, NULL, "pipewire, wireplumber and pipewire-pulse found");
}

void doctor_check_desktop(struct doctor *d)
{
    const struct {
        const char *command, *key;
    } programs[] = {{d->config->terminal, "terminal"}, {d->config->launcher, "launcher"}};
    for (size_t i = 0; i < LM_ARRAY_LEN(programs); i++) {
        char path[PROGRAM_BYTES], advice[128];
        const char *command = programs[i].command;
        int size = (int)first_word(&command);
        if (!size)
            doctor_say(d, DOCTOR_OK, NULL, "no %s is configured", programs[i].key);
        else if (doctor_find_program(d->search_path, command, path, sizeof path))
            doctor_say(d, DOCTOR_OK, NULL, "the %s is %s", programs[i].key, path);
        else {
            snprintf(advice, sizeof advice,
                     "Install it, or set another [desktop] %s in the configuration.",
                     programs[i].key);
            doctor_say(d, DOCTOR_WARN, advice, "the %s, %.*s, is not found", programs[i].key, size,
                       command);
        }
    }
}

void doctor_check_apps(struct doctor *d)
{
    bool all_found = true;
    for (size_t i = 0; i < d->config->app_count; i++) {
        char path[PROGRAM_BYTES];
        const struct config_app *app = &d->config->apps[i];
        const char *command = app->command;
        int size = (int)first_word(&command);
        /* What the shell makes of anything else cannot be told from here. */
        if (!size || strcspn(command, "\"'$`\\;&|<>(){}~*?[") < (size_t)size ||
            doctor_find_program(d->search_path, command, path, sizeof path))
            continue;
        all_found = false;
        doctor_say(d, DOCTOR_WARN,
                   "Install it, or correct the command, unless the shell knows it otherwise.",
                   "\"%s\" starts %.*s, which is not found", app->name, size, command);
    }
    if (all_found)
        doctor_say(d, DOCTOR_OK, NULL, "%d", (int)d->config->app_count);
}
