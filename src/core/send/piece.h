/* A part of a frame's bytes, borrowed for the call. */
#ifndef LUMEN_CORE_SEND_PIECE_H
#define LUMEN_CORE_SEND_PIECE_H

#include <stddef.h>
#include <stdint.h>

struct lm_piece {
    const uint8_t *data;
    size_t size_bytes;
};

#endif
