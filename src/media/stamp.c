#include "media/stamp.h"

#include "core/base/bytes.h"

#include <string.h>

enum { CRC_AT = STAMP_BYTES - 2 };

/* CRC-16 with polynomial 0x1021 and start 0xFFFF (CRC-16/IBM-3740). */
static uint16_t crc16(const uint8_t *data, size_t size_bytes)
{
    uint32_t crc = 0xFFFF;
    for (size_t i = 0; i < size_bytes; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) ? (crc << 1 ^ 0x1021) & 0xFFFF : crc << 1;
    }
    return (uint16_t)crc;
}

void stamp_encode(const struct stamp *stamp, uint8_t out[STAMP_BYTES])
{
    uint64_t ticks = stamp->time_ns >> 10;
    lm_put_be16(out, STAMP_MAGIC);
    lm_put_be32(out + 2, stamp->counter);
    lm_put_be16(out + 6, (uint16_t)(ticks >> 32));
    lm_put_be32(out + 8, (uint32_t)ticks);
    lm_put_be16(out + CRC_AT, crc16(out, CRC_AT));
}

int stamp_decode(const uint8_t in[STAMP_BYTES], struct stamp *out)
{
    if (lm_get_be16(in) != STAMP_MAGIC)
        return LM_ENOENT;
    if (lm_get_be16(in + CRC_AT) != crc16(in, CRC_AT))
        return LM_ECORRUPT;
    uint64_t ticks = (uint64_t)lm_get_be16(in + 6) << 32 | lm_get_be32(in + 8);
    *out = (struct stamp){.counter = lm_get_be32(in + 2), .time_ns = ticks << 10};
    return LM_OK;
}

static int stamp_bit(const uint8_t *bytes, int index)
{
    return bytes[index / 8] >> (7 - index % 8) & 1;
}

int stamp_draw_bgrx(const struct stamp *stamp, uint8_t *pixels, uint32_t stride_bytes,
                    uint32_t width, uint32_t height)
{
    if (width < STAMP_WIDTH || height < STAMP_HEIGHT)
        return LM_EINVAL;

    uint8_t bytes[STAMP_BYTES];
    stamp_encode(stamp, bytes);
    for (int y = 0; y < STAMP_HEIGHT; y++) {
        uint8_t *row = pixels + (size_t)y * stride_bytes;
        int first = y / STAMP_BLOCK * STAMP_COLUMNS;
        for (int column = 0; column < STAMP_COLUMNS; column++)
            memset(row + column * STAMP_BLOCK * 4, stamp_bit(bytes, first + column) ? 0xFF : 0,
                   STAMP_BLOCK * 4);
    }
    return LM_OK;
}

/* The mean of the inner 4x4 pixels: ringing of the codec lies at the edges. */
static int block_is_white(const uint8_t *block, uint32_t stride_bytes)
{
    unsigned sum = 0;
    for (int y = 2; y < 6; y++)
        for (int x = 2; x < 6; x++)
            sum += block[(size_t)y * stride_bytes + (size_t)x];
    return sum >= STAMP_THRESHOLD * 16;
}

int stamp_read_luma(const uint8_t *luma, uint32_t stride_bytes, uint32_t width, uint32_t height,
                    struct stamp *out)
{
    if (width < STAMP_WIDTH || height < STAMP_HEIGHT)
        return LM_EINVAL;

    uint8_t bytes[STAMP_BYTES] = {0};
    for (int i = 0; i < STAMP_BYTES * 8; i++) {
        const uint8_t *block = luma + (size_t)(i / STAMP_COLUMNS * STAMP_BLOCK) * stride_bytes +
                               (size_t)(i % STAMP_COLUMNS * STAMP_BLOCK);
        if (block_is_white(block, stride_bytes))
            bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    return stamp_decode(bytes, out);
}
