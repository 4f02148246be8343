#include "host/display/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PROCESSES_MAX = 65536 };

struct process {
    pid_t pid, parent;
    bool ours;
};

int process_tree_parse_stat(const char *line, pid_t *pid, pid_t *parent)
{
    char state;
    const char *rest = strrchr(line, ')'); /* the name may hold anything */
    if (!rest || sscanf(line, "%d", pid) != 1 || sscanf(rest + 1, " %c %d", &state, parent) != 2)
        return 0;
    return *pid > 0 && state != 'Z' && state != 'X';
}

static bool read_process(int proc, const char *name, struct process *out)
{
    char path[300], line[512];
    snprintf(path, sizeof path, "%s/stat", name);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    line[size > 0 ? size : 0] = 0;
    out->ours = false;
    return process_tree_parse_stat(line, &out->pid, &out->parent);
}

static size_t read_processes(struct process *processes)
{
    size_t count = 0;
    DIR *proc = opendir("/proc");
    if (!proc)
        return 0;
    for (struct dirent *e; count < PROCESSES_MAX && (e = readdir(proc));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            count += read_process(dirfd(proc), e->d_name, &processes[count]);
    closedir(proc);
    return count;
}

static bool is_ours(const struct process *processes, size_t count, pid_t pid, pid_t self)
{
    if (pid == self)
        return true;
    for (size_t i = 0; i < count; i++)
        if (processes[i].pid == pid)
            return processes[i].ours;
    return false;
}

static bool is_in(pid_t pid, const pid_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == pid)
            return true;
    return false;
}

size_t process_tree_signal(int signal_number, const pid_t *spared, size_t spared_count)
{
    static struct process processes[PROCESSES_MAX];
    size_t count = read_processes(processes), living = 0;
    pid_t self = getpid();
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            struct process *p = &processes[i];
            if (!p->ours && is_ours(processes, count, p->parent, self))
                p->ours = changed = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!processes[i].ours || is_in(processes[i].pid, spared, spared_count))
            continue;
        living++;
        if (signal_number)
            kill(processes[i].pid, signal_number);
    }
    return living;
}
