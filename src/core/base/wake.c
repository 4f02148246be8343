#include "core/base/wake.h"

#include "core/base/check.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

int lm_wake_init(struct lm_wake *wake)
{
    wake->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return wake->fd >= 0 ? LM_OK : LM_EIO;
}

void lm_wake_finish(struct lm_wake *wake)
{
    if (wake->fd >= 0)
        close(wake->fd);
    wake->fd = -1;
}

void lm_wake_signal(struct lm_wake *wake)
{
    uint64_t one = 1;
    ssize_t n;
    do
        n = write(wake->fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    /* EAGAIN means the counter is at its top: it is signalled anyway. */
    LM_CHECK(n == (ssize_t)sizeof one || errno == EAGAIN);
}

void lm_wake_clear(struct lm_wake *wake)
{
    uint64_t count;
    ssize_t n = read(wake->fd, &count, sizeof count);
    (void)n; /* EAGAIN: nothing was signalled */
}
