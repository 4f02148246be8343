/* Colour conversion by the processor, with the kernels of core/dsp. */
#include "core/base/check.h"
#include "core/dsp/rgb2yuv.h"
#include "host/convert/backends.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROW_ALIGN = 64,
    COLUMNS = 32, /* damage is widened to this, so that kernels run without a tail inside */
};

struct cpu {
    struct convert convert;
    struct lm_rgb2yuv matrix;
    lm_rgb2yuv_fn *kernel;
    uint8_t black;
    uint32_t source_width, source_height; /* of the last run; 0 before the first */
};

static struct cpu *cpu_of(struct convert *convert)
{
    LM_CHECK(convert->ops == &convert_cpu);
    return LM_CONTAINER_OF(convert, struct cpu, convert);
}

static void cpu_close(struct convert *convert)
{
    struct cpu *cpu = cpu_of(convert);
    free(cpu->convert.picture.plane[0]);
    free(cpu->convert.picture.plane[1]);
    free(cpu);
}

static int matrix_init(struct lm_rgb2yuv *matrix, const struct convert_params *params)
{
    static const struct {
        double kr, kb;
    } weights[] = {
        [CONVERT_BT601] = {0.299, 0.114},
        [CONVERT_BT709] = {0.2126, 0.0722},
        [CONVERT_BT2020] = {0.2627, 0.0593},
    };
    if (params->matrix < CONVERT_BT601 || params->matrix > CONVERT_BT2020)
        return LM_EINVAL;
    lm_rgb2yuv_init(matrix, weights[params->matrix].kr, weights[params->matrix].kb,
                    params->full_range);
    return LM_OK;
}

static int cpu_open(const struct convert_params *params, struct convert **out)
{
    struct cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu)
        return LM_ENOMEM;
    cpu->convert.ops = &convert_cpu;
    cpu->kernel = lm_rgb2yuv_best();
    cpu->black = params->full_range ? 0 : 16;
    struct image *picture = &cpu->convert.picture;
    picture->format = IMAGE_NV12;
    picture->width = (params->width + 1) & ~1u;
    picture->height = (params->height + 1) & ~1u;
    uint32_t stride = (picture->width + ROW_ALIGN - 1) & ~(uint32_t)(ROW_ALIGN - 1);
    int result = matrix_init(&cpu->matrix, params);
    for (uint32_t i = 0; i < 2 && result == LM_OK; i++) {
        picture->stride_bytes[i] = stride;
        picture->plane[i] = aligned_alloc(ROW_ALIGN, (size_t)stride * (picture->height >> i));
        if (!picture->plane[i])
            result = LM_ENOMEM;
    }
    if (result < 0) {
        cpu_close(&cpu->convert);
        return result;
    }
    *out = &cpu->convert;
    return LM_OK;
}

static void paint_black(struct cpu *cpu)
{
    struct image *picture = &cpu->convert.picture;
    size_t luma_bytes = (size_t)picture->stride_bytes[0] * picture->height;
    memset(picture->plane[0], cpu->black, luma_bytes);
    memset(picture->plane[1], 128, luma_bytes / 2);
}

/* What to convert: even rows, whole blocks of columns, inside both the source and the picture. */
static struct image_rect widen(struct image_rect damage, uint32_t width, uint32_t height)
{
    uint32_t x = damage.x & ~(uint32_t)(COLUMNS - 1), y = damage.y & ~1u;
    uint32_t right = (damage.x + damage.width + COLUMNS - 1) & ~(uint32_t)(COLUMNS - 1);
    uint32_t bottom = (damage.y + damage.height + 1) & ~1u;
    right = LM_MIN(right, width);
    bottom = LM_MIN(bottom, height);
    if (x >= right || y >= bottom || image_rect_is_empty(damage))
        return (struct image_rect){0, 0, 0, 0};
    return (struct image_rect){x, y, right - x, bottom - y};
}

static int cpu_run(struct convert *convert, const struct image *source, struct image_rect damage)
{
    struct cpu *cpu = cpu_of(convert);
    struct image *picture = &convert->picture;
    uint32_t width = LM_MIN(source->width, picture->width);
    uint32_t height = LM_MIN(source->height, picture->height);
    bool all = source->width != cpu->source_width || source->height != cpu->source_height;
    if (all) {
        paint_black(cpu);
        cpu->source_width = source->width;
        cpu->source_height = source->height;
        damage = (struct image_rect){0, 0, width, height};
    }
    struct image_rect rect = widen(damage, width, height);
    for (uint32_t y = rect.y; y < rect.y + rect.height; y += 2) {
        size_t stride = source->stride_bytes[0], to = picture->stride_bytes[0];
        const uint8_t *top = source->plane[0] + y * stride + (size_t)rect.x * 4;
        uint8_t *luma = picture->plane[0] + y * to + rect.x;
        bool last = y + 1 >= height;
        cpu->kernel(&cpu->matrix, &(struct lm_rgb2yuv_rows){
                                      .top = top,
                                      .bottom = last ? top : top + stride,
                                      .y_top = luma,
                                      .y_bottom = luma + to,
                                      .uv = picture->plane[1] + (y / 2) * to + rect.x,
                                      .width = rect.width,
                                  });
    }
    picture->damage = all ? (struct image_rect){0, 0, picture->width, picture->height}
                          : widen(damage, picture->width, picture->height);
    picture->captured_ns = source->captured_ns;
    picture->ready_ns = source->ready_ns;
    return LM_OK;
}

const struct convert_ops convert_cpu = {
    .name = "cpu",
    .open = cpu_open,
    .run = cpu_run,
    .close = cpu_close,
};
