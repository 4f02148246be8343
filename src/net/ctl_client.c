#include "net/ctl_socket.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/addr.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_CAPACITY_BYTES = 4096 };

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof address.sun_path)
        return LM_EINVAL;
    memcpy(address.sun_path, path, size + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return LM_EIO;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int rc = errno == ENOENT || errno == ECONNREFUSED ? LM_ENOENT
             : errno == EACCES || errno == EPERM      ? LM_EAUTH
             : errno == EAGAIN                        ? LM_ETIMEOUT /* its backlog is full */
                                                      : LM_EIO;
    close(fd);
    return rc;
}

static int send_line(int fd, const char *line)
{
    char text[CTL_LINE_MAX_BYTES];
    size_t size = strlen(line);

    if (size + 1 >= sizeof text || strpbrk(line, "\r\n"))
        return LM_EINVAL;
    memcpy(text, line, size);
    text[size++] = '\n';
    /* One line fits any socket buffer, so this never sends a part. */
    ssize_t n = send(fd, text, size, MSG_NOSIGNAL);
    if (n == (ssize_t)size)
        return LM_OK;
    return n < 0 && (errno == EPIPE || errno == ECONNRESET) ? LM_EAUTH : LM_EIO;
}

static int grow(char **text, size_t *capacity)
{
    size_t larger = *capacity ? *capacity * 2 : FIRST_CAPACITY_BYTES;
    char *moved = realloc(*text, larger);

    if (!moved)
        return LM_ENOMEM;
    *text = moved;
    *capacity = larger;
    return LM_OK;
}

/* The bytes until the end of the stream, and a NUL. */
static int receive_text(int fd, uint64_t deadline_ns, char **text)
{
    size_t size = 0, capacity = 0;

    for (;;) {
        if (capacity - size < 2 && grow(text, &capacity) != LM_OK)
            return LM_ENOMEM;
        ssize_t n = recv(fd, *text + size, capacity - size - 1, 0);
        if (n == 0)
            break;
        if (n > 0)
            size += (size_t)n;
        if (size > CTL_ANSWER_MAX_BYTES)
            return LM_ELIMIT;
        if (n > 0 || errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return errno == ECONNRESET ? LM_EAUTH : LM_EIO;
        int rc = net_wait(fd, POLLIN, deadline_ns);
        if (rc != LM_OK)
            return rc;
    }
    (*text)[size] = '\0';
    return size > 0 ? (int)size : LM_EAUTH;
}

int ctl_call(const char *path, const char *line, uint64_t timeout_ns, char **answer)
{
    uint64_t deadline_ns = timeout_ns ? lm_clock_now_ns() + timeout_ns : LM_TIME_MAX;
    char *text = NULL;

    *answer = NULL;
    int fd = connect_to(path);
    if (fd < 0)
        return fd;
    int rc = send_line(fd, line);
    if (rc == LM_OK)
        rc = receive_text(fd, deadline_ns, &text);
    close(fd);
    if (rc > 0)
        *answer = text;
    else
        free(text);
    return rc;
}
