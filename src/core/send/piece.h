/* A part of a frame's bytes, borrowed for the call. */
#ifndef LUMEN_CORE_SEND_PIECE_H
#define LUMEN_CORE_SEND_PIECE_H

#include "core/base/check.h"
#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct lm_piece {
    const uint8_t *data;
    size_t size_bytes;
};

/* Of all pieces together. LM_ELIMIT: more than a size can say. */
LM_MUST_USE static inline int lm_pieces_size(const struct lm_piece *pieces, size_t count,
                                             size_t *size_bytes)
{
    *size_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(*size_bytes, pieces[i].size_bytes, size_bytes))
            return LM_ELIMIT;
    }
    return 0;
}

/* Reads pieces as one string, borrowed. */
struct lm_piece_reader {
    const struct lm_piece *piece;
    size_t pieces_left;
    size_t at; /* within piece[0] */
};

/* Copies up to `size_bytes` bytes to `out`; the result is how many there were. */
static inline size_t lm_piece_reader_take(struct lm_piece_reader *in, uint8_t *out,
                                          size_t size_bytes)
{
    size_t done = 0;
    while (done < size_bytes && in->pieces_left) {
        size_t n = LM_MIN(in->piece->size_bytes - in->at, size_bytes - done);
        if (n)
            memcpy(out + done, in->piece->data + in->at, n);
        done += n;
        in->at += n;
        if (in->at == in->piece->size_bytes) {
            in->piece++;
            in->pieces_left--;
            in->at = 0;
        }
    }
    return done;
}

#endif
