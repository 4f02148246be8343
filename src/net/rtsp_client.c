#include "net/rtsp_client.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/addr.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static const uint64_t default_timeout_ns = 15 * LM_NS_PER_S;

static int send_all(int fd, const uint8_t *data, size_t size_bytes, uint64_t deadline_ns)
{
    while (size_bytes > 0) {
        ssize_t n = send(fd, data, size_bytes, MSG_NOSIGNAL);
        if (n > 0) {
            data += n;
            size_bytes -= (size_t)n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return errno == EPIPE || errno == ECONNRESET ? LM_ECLOSED : LM_EIO;
        int rc = net_wait(fd, POLLOUT, deadline_ns);
        if (rc != LM_OK)
            return rc;
    }
    return LM_OK;
}

/* Until the end of the stream; the number of bytes. */
static int receive_all(int fd, uint8_t *data, size_t capacity_bytes, uint64_t deadline_ns)
{
    size_t got = 0;
    uint8_t surplus;

    for (;;) {
        bool full = got == capacity_bytes;
        ssize_t n = recv(fd, full ? &surplus : data + got, full ? 1 : capacity_bytes - got, 0);
        if (n == 0)
            return got > 0 ? (int)got : LM_ECLOSED;
        if (n > 0 && full)
            return LM_ELIMIT;
        if (n > 0) {
            got += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return errno == ECONNRESET ? LM_ECLOSED : LM_EIO;
        int rc = net_wait(fd, POLLIN, deadline_ns);
        if (rc != LM_OK)
            return rc;
    }
}

int rtsp_call(const struct rtsp_call_params *params, uint8_t *answer, size_t capacity_bytes)
{
    uint64_t timeout_ns = params->timeout_ns ? params->timeout_ns : default_timeout_ns;
    uint64_t deadline_ns = lm_clock_now_ns() + timeout_ns;

    LM_CHECK(capacity_bytes > 0 && capacity_bytes <= INT32_MAX);
    int fd = net_connect_tcp(params->host, params->port, deadline_ns);
    if (fd < 0)
        return fd;
    int rc = send_all(fd, params->request, params->request_bytes, deadline_ns);
    if (rc == LM_OK)
        rc = receive_all(fd, answer, capacity_bytes, deadline_ns);
    close(fd);
    return rc;
}
