#include "core/dsp/dsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf16_levels.h"
#include "core/dsp/gf8.h"

#define GF8_LEVEL(level, flags)                                                                    \
    {                                                                                              \
#level, flags, lm_gf8_apply_##level, lm_gf8_inverse_##level, lm_gf8_forward_##level        \
    }

static const struct lm_gf8_kernel gf8_kernels[] = {
#if defined(__x86_64__)
    GF8_LEVEL(gfni512, LM_CPU_GFNI | LM_CPU_AVX512),
    GF8_LEVEL(gfni256, LM_CPU_GFNI | LM_CPU_AVX2),
    GF8_LEVEL(avx2, LM_CPU_AVX2),
#elif defined(__aarch64__)
    GF8_LEVEL(neon, LM_CPU_NEON),
#endif
    GF8_LEVEL(c, 0),
};

const struct lm_gf8_kernel *lm_gf8_kernel(uint32_t cpu_flags)
{
    const struct lm_gf8_kernel *kernel = gf8_kernels;
    while (kernel->cpu_flags & ~cpu_flags)
        kernel++; /* ends at the last: it needs nothing */
    return kernel;
}

const struct lm_gf8_kernel *lm_gf8_kernels(size_t *count)
{
    *count = LM_ARRAY_LEN(gf8_kernels);
    return gf8_kernels;
}

#define GF16_LEVEL(level, flags)                                                                   \
    {                                                                                              \
#level, flags, lm_gf16_inverse_in_##level, lm_gf16_inverse_##level,                        \
            lm_gf16_forward_##level, lm_gf16_forward_out_##level, lm_gf16_apply_##level            \
    }

static const struct lm_gf16_kernel gf16_kernels[] = {
#if defined(__x86_64__)
    GF16_LEVEL(gfni512, LM_CPU_GFNI | LM_CPU_AVX512),
    GF16_LEVEL(gfni256, LM_CPU_GFNI | LM_CPU_AVX2),
    GF16_LEVEL(avx2, LM_CPU_AVX2),
#elif defined(__aarch64__)
    GF16_LEVEL(neon, LM_CPU_NEON),
#endif
    GF16_LEVEL(c, 0),
};

const struct lm_gf16_kernel *lm_gf16_kernel(uint32_t cpu_flags)
{
    const struct lm_gf16_kernel *kernel = gf16_kernels;
    while (kernel->cpu_flags & ~cpu_flags)
        kernel++; /* ends at the last: it needs nothing */
    return kernel;
}

const struct lm_gf16_kernel *lm_gf16_kernels(size_t *count)
{
    *count = LM_ARRAY_LEN(gf16_kernels);
    return gf16_kernels;
}
