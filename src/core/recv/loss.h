/* Frames first..last, inclusive, that will never be delivered: ask the host for recovery. */
#ifndef LUMEN_CORE_RECV_LOSS_H
#define LUMEN_CORE_RECV_LOSS_H

#include <stdint.h>

struct lm_loss {
    uint32_t first, last;
};

#endif
