/* Bounded cursors over big- and little-endian fields. A read past the end yields 0 and sets
 * `bad`; a write past the end is dropped and sets `bad`. Check `bad` once, after the last field. */
#ifndef LUMEN_CORE_BASE_BYTES_H
#define LUMEN_CORE_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t lm_get_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t lm_get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint16_t lm_get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t lm_get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t lm_get_le64(const uint8_t *p)
{
    return lm_get_le32(p) | (uint64_t)lm_get_le32(p + 4) << 32;
}

static inline void lm_put_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void lm_put_be32(uint8_t *p, uint32_t v)
{
    lm_put_be16(p, (uint16_t)(v >> 16));
    lm_put_be16(p + 2, (uint16_t)v);
}

static inline void lm_put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void lm_put_le32(uint8_t *p, uint32_t v)
{
    lm_put_le16(p, (uint16_t)v);
    lm_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void lm_put_le64(uint8_t *p, uint64_t v)
{
    lm_put_le32(p, (uint32_t)v);
    lm_put_le32(p + 4, (uint32_t)(v >> 32));
}

struct lm_reader {
    const uint8_t *at, *end; /* borrowed */
    bool bad;
};

static inline struct lm_reader lm_reader_of(const void *data, size_t size_bytes)
{
    const uint8_t *at = data;
    return (struct lm_reader){.at = at, .end = at + size_bytes};
}

static inline size_t lm_reader_left(const struct lm_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next `size_bytes` bytes, borrowed from the input; NULL when there are fewer. */
static inline const uint8_t *lm_read_bytes(struct lm_reader *r, size_t size_bytes)
{
    if (r->bad || lm_reader_left(r) < size_bytes) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += size_bytes;
    return at;
}

#define LM_READER_FIELD(name, type, size, get)                                                     \
    static inline type lm_read_##name(struct lm_reader *r)                                         \
    {                                                                                              \
        const uint8_t *p = lm_read_bytes(r, size);                                                 \
        return p ? (type)get(p) : 0;                                                               \
    }
#define LM_GET_U8(p) ((p)[0])
LM_READER_FIELD(u8, uint8_t, 1, LM_GET_U8)
LM_READER_FIELD(be16, uint16_t, 2, lm_get_be16)
LM_READER_FIELD(be32, uint32_t, 4, lm_get_be32)
LM_READER_FIELD(le16, uint16_t, 2, lm_get_le16)
LM_READER_FIELD(le32, uint32_t, 4, lm_get_le32)
LM_READER_FIELD(le64, uint64_t, 8, lm_get_le64)
#undef LM_READER_FIELD

/* An IEEE-754 single, little-endian; the caller rejects what is not finite. */
static inline float lm_read_lef32(struct lm_reader *r)
{
    uint32_t bits = lm_read_le32(r);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct lm_writer {
    uint8_t *start, *at, *end; /* borrowed */
    bool bad;
};

static inline struct lm_writer lm_writer_of(void *data, size_t capacity_bytes)
{
    uint8_t *at = data;
    return (struct lm_writer){.start = at, .at = at, .end = at + capacity_bytes};
}

static inline size_t lm_writer_size(const struct lm_writer *w)
{
    return (size_t)(w->at - w->start);
}

/* Room for `size_bytes` bytes, to be filled by the caller; NULL when there is none. */
static inline uint8_t *lm_write_room(struct lm_writer *w, size_t size_bytes)
{
    if (w->bad || (size_t)(w->end - w->at) < size_bytes) {
        w->bad = true;
        return NULL;
    }
    uint8_t *at = w->at;
    w->at += size_bytes;
    return at;
}

static inline void lm_write_bytes(struct lm_writer *w, const void *data, size_t size_bytes)
{
    uint8_t *p = lm_write_room(w, size_bytes);
    if (p && size_bytes)
        memcpy(p, data, size_bytes);
}

#define LM_WRITER_FIELD(name, type, size, put)                                                     \
    static inline void lm_write_##name(struct lm_writer *w, type value)                            \
    {                                                                                              \
        uint8_t *p = lm_write_room(w, size);                                                       \
        if (p)                                                                                     \
            put(p, value);                                                                         \
    }
#define LM_PUT_U8(p, v) ((p)[0] = (v))
LM_WRITER_FIELD(u8, uint8_t, 1, LM_PUT_U8)
LM_WRITER_FIELD(be16, uint16_t, 2, lm_put_be16)
LM_WRITER_FIELD(be32, uint32_t, 4, lm_put_be32)
LM_WRITER_FIELD(le16, uint16_t, 2, lm_put_le16)
LM_WRITER_FIELD(le32, uint32_t, 4, lm_put_le32)
LM_WRITER_FIELD(le64, uint64_t, 8, lm_put_le64)
#undef LM_WRITER_FIELD

#endif
