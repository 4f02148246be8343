#include "host/display/session_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "lock"

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    remove(path); /* what stays makes its folder stay, which the caller sees */
    return 0;
}

void session_dir_remove(const char *path)
{
    /* Not through mount points: portals mount the user's documents into runtime directories. */
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int open_lock(const char *path)
{
    char name[SESSION_DIR_BYTES + sizeof LOCK_NAME + 1];
    snprintf(name, sizeof name, "%s/" LOCK_NAME, path);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (!flock(fd, LOCK_EX | LOCK_NB))
        return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

int session_dir_make(const char *path, int *lock_fd)
{
    *lock_fd = -1;
    if (strlen(path) >= SESSION_DIR_BYTES)
        return LM_ELIMIT;
    if (mkdir(path, 0700)) {
        if (errno != EEXIST)
            return LM_EIO;
        int left_over = open_lock(path);
        if (left_over < 0)
            return errno == EEXIST ? LM_EEXIST : LM_EIO;
        session_dir_remove(path);
        close(left_over);
        if (mkdir(path, 0700))
            return LM_EIO;
    }
    *lock_fd = open_lock(path);
    return *lock_fd >= 0 ? LM_OK : LM_EIO;
}

int session_dir_write(const char *dir, const char *name, const char *text)
{
    char path[SESSION_DIR_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return LM_EIO;
    size_t size = strlen(text);
    ssize_t written = write(fd, text, size);
    if (close(fd) || written != (ssize_t)size)
        return LM_EIO;
    return LM_OK;
}
