#include "host/display/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = (ssize_t)strlen(text), written = write(fd, text, (size_t)size);
    int error = errno;
    close(fd);
    errno = error;
    return written == size;
}

bool user_namespace_leave_root(char *why, size_t why_size)
{
    char map[32];
    if (geteuid() != 0)
        return true;
    /* D-Bus turns away users without a passwd entry; 1 is "daemon" everywhere. */
    snprintf(map, sizeof map, "%d 0 1", getpwuid(1000) ? 1000 : 1);
    if (!unshare(CLONE_NEWUSER) && write_text("/proc/self/setgroups", "deny") &&
        write_text("/proc/self/uid_map", map) && write_text("/proc/self/gid_map", map))
        return true;
    snprintf(why, why_size,
             "the compositor does not run as root, and a user namespace is refused here (%s). Run "
             "lumen-host as an ordinary user.",
             strerror(errno));
    return false;
}
