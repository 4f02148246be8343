/* Seam: pictures into coded frames, slice by slice. Owned by the encode thread; on_slice is called
 * on threads of the encoder, for several slices of one frame at once, in any order. */
#ifndef LUMEN_HOST_ENCODE_ENCODE_H
#define LUMEN_HOST_ENCODE_ENCODE_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "media/image.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENCODE_MAX_SLICES = 16 };

enum encode_codec { ENCODE_H264 = 1 };

/* Where the encoder puts one frame. The owner takes `data` once and reuses it; slice i has the
 * room data + i * slice_capacity .. of slice_capacity bytes. An encoder may need room for 3/2 of a
 * slice and 128 bytes, since it escapes in place. */
struct encode_buffer {
    uint8_t *data;
    size_t slice_capacity; /* bytes */
};

/* One finished slice with its start codes. Slice 0 of a key frame begins with SPS and PPS; no AUD,
 * no SEI. `data` lies in the encode_buffer of this frame. */
struct encode_slice {
    const uint8_t *data;
    size_t size_bytes;
    uint32_t index; /* 0..slices-1, from the top of the picture */
};

struct encode_params {
    const char *backend; /* "x264", "fake", or NULL: the first that works */
    enum encode_codec codec;
    uint32_t width, height; /* pixels, even */
    uint32_t refresh_mhz;
    uint32_t bitrate_kbps;     /* of the video stream, without parity */
    uint32_t max_frame_bytes;  /* no frame may exceed this: rate control keeps below it */
    uint32_t slices;           /* 1..ENCODE_MAX_SLICES, exactly so many per frame */
    uint32_t reference_frames; /* 1: one reference only; 0: the encoder chooses */
    uint32_t threads;          /* 0: from the number of processors */
    uint32_t matrix;           /* enum convert_matrix */
    bool full_range;
    void (*on_slice)(void *user, const struct encode_slice *slice);
    void *user;
    const struct lm_log *log;
};

enum encode_kind {
    ENCODE_KIND_P = 1,
    ENCODE_KIND_KEY,
    ENCODE_KIND_RECOVERY, /* first P frame after an invalidation that references only good frames */
};

struct encode_result {
    enum encode_kind kind;
    size_t size_bytes; /* all slices */
    float qp;
};

struct encode;

struct encode_ops {
    const char *name;
    uint32_t flags;
    int (*probe)(const struct lm_log *log);
    int (*open)(const struct encode_params *params, struct encode **out);
    int (*picture)(struct encode *encode, const struct image *picture, uint32_t frame_index,
                   bool force_key, const struct encode_buffer *buffer, enum encode_kind *kind,
                   struct encode_result *result);
    int (*invalidate)(struct encode *encode, uint32_t first_frame, uint32_t last_frame);
    int (*set_bitrate)(struct encode *encode, uint32_t kbps);
    void (*close)(struct encode *encode);
};

enum { ENCODE_FLAG_INVALIDATES = 1 }; /* can answer an invalidation with a P frame */

struct encode {
    const struct encode_ops *ops;
    uint32_t slices;
};

extern const struct encode_ops *const encode_backends[];

int encode_open(const struct encode_params *params, struct encode **out) LM_MUST_USE;

/* Encodes one picture (NV12, the size of open) and returns when all slices are out. `frame_index`
 * rises by one per frame. picture->damage is what differs from the picture of the call before;
 * what lies outside is not looked at again. *kind is set BEFORE the first on_slice of this frame,
 * so that slices can leave while others are being encoded. No allocation in lumen's own code.
 * LM_ELIMIT: the frame exceeds max_frame_bytes or a slice its room; the slices from there on were
 * not handed out, the frame counts as lost and the next one recovers from it. LM_EDEVICE: close
 * and open again. */
int encode_picture(struct encode *encode, const struct image *picture, uint32_t frame_index,
                   bool force_key, const struct encode_buffer *buffer, enum encode_kind *kind,
                   struct encode_result *result) LM_MUST_USE;

/* The client lost frames first..last (indices of encode_picture, inclusive; ranges repeat and
 * grow). LM_OK: the next frame references only older good frames and is of kind RECOVERY, or KEY
 * when none is left; a range that an earlier recovery has already left behind changes nothing.
 * LM_EUNSUPPORTED: force a key frame. LM_EINVAL: first > last. */
int encode_invalidate(struct encode *encode, uint32_t first_frame, uint32_t last_frame) LM_MUST_USE;

int encode_set_bitrate(struct encode *encode, uint32_t kbps) LM_MUST_USE;

void encode_close(struct encode *encode);

#endif
