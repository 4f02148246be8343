#include "client/snapshot.h"

#if HAVE_PNG

#include "core/base/check.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

/* Weights in 1/65536: the matrix from luma and chroma to R, G and B. */
struct matrix {
    int offset, luma, red_v, green_u, green_v, blue_u;
};

static struct matrix matrix_of(const struct decode_picture *p)
{
    static const struct matrix bt601[2] = {{16, 76309, 104597, -25675, -53279, 132201},
                                           {0, 65536, 91881, -22553, -46802, 116130}};
    static const struct matrix bt709[2] = {{16, 76309, 117489, -13975, -34925, 138438},
                                           {0, 65536, 103206, -12276, -30679, 121609}};
    return p->bt709 ? bt709[p->full_range] : bt601[p->full_range];
}

static uint8_t to_byte(int value)
{
    value = (value + 32768) >> 16;
    return (uint8_t)LM_CLAMP(value, 0, 255);
}

static void convert_row(const struct decode_picture *p, uint32_t y, uint8_t *rgb)
{
    struct matrix m = matrix_of(p);
    const uint8_t *luma = p->plane[0] + (size_t)y * p->stride_bytes[0];
    const uint8_t *u = p->plane[1] + (size_t)(y / 2) * p->stride_bytes[1];
    const uint8_t *v = p->plane[2] + (size_t)(y / 2) * p->stride_bytes[2];
    for (uint32_t x = 0; x < p->width; x++, rgb += 3) {
        int l = (luma[x] - m.offset) * m.luma, cu = u[x / 2] - 128, cv = v[x / 2] - 128;
        rgb[0] = to_byte(l + m.red_v * cv);
        rgb[1] = to_byte(l + m.green_u * cu + m.green_v * cv);
        rgb[2] = to_byte(l + m.blue_u * cu);
    }
}

int snapshot_write(const char *path, const struct decode_picture *picture)
{
    size_t row_bytes = (size_t)picture->width * 3;
    uint8_t *rgb = malloc(row_bytes * picture->height);
    if (!rgb)
        return LM_ENOMEM;
    for (uint32_t y = 0; y < picture->height; y++)
        convert_row(picture, y, rgb + row_bytes * y);
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = picture->width,
                       .height = picture->height,
                       .format = PNG_FORMAT_RGB,
                       .flags = PNG_IMAGE_FLAG_FAST};
    int good = png_image_write_to_file(&image, path, 0, rgb, 0, NULL);
    png_image_free(&image);
    free(rgb);
    return good ? LM_OK : LM_EIO;
}

#else

int snapshot_write(const char *path, const struct decode_picture *picture)
{
    return LM_EUNSUPPORTED;
}

#endif
