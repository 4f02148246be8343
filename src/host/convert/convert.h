/* Seam: captured pixels into what the encoder takes, only the damaged rows. Owned by the encode
 * thread. The converter keeps the picture: what is not damaged stays from the image before. */
#ifndef LUMEN_HOST_CONVERT_CONVERT_H
#define LUMEN_HOST_CONVERT_CONVERT_H

#include "core/base/err.h"
#include "media/image.h"

#include <stdbool.h>

enum convert_matrix { CONVERT_BT601 = 1, CONVERT_BT709, CONVERT_BT2020 };

struct convert_params {
    const char *backend;    /* "cpu", or NULL */
    uint32_t width, height; /* of the NV12 picture, each rounded up to even */
    enum convert_matrix matrix;
    bool full_range;
};

struct convert;

struct convert_ops {
    const char *name;
    int (*open)(const struct convert_params *params, struct convert **out);
    int (*run)(struct convert *convert, const struct image *source, struct image_rect damage);
    void (*close)(struct convert *convert);
};

struct convert {
    const struct convert_ops *ops;
    struct image picture; /* NV12, rows 64-byte aligned; valid after the first run */
};

extern const struct convert_ops *const convert_backends[];

int convert_open(const struct convert_params *params, struct convert **out) LM_MUST_USE;

/* Converts `damage` (widened to even rows and to blocks of columns) of a BGRX `source` into
 * convert->picture and copies its time stamps; picture.damage is what this run changed. The first
 * run, and one with a source of another size than before, converts everything. A source of another
 * size than the picture is placed at the top left, cropped or with black around it. Empty damage is
 * fine. No allocation. LM_EINVAL when the source is not BGRX. */
int convert_run(struct convert *convert, const struct image *source,
                struct image_rect damage) LM_MUST_USE;

void convert_close(struct convert *convert);

#endif
