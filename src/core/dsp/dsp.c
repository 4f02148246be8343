#include "core/dsp/dsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf8.h"

static const struct lm_gf8_kernel gf8_kernels[] = {
#if defined(__x86_64__)
    {"gfni512", LM_CPU_GFNI | LM_CPU_AVX512, lm_gf8_apply_gfni512},
    {"gfni256", LM_CPU_GFNI | LM_CPU_AVX2, lm_gf8_apply_gfni256},
    {"avx2", LM_CPU_AVX2, lm_gf8_apply_avx2},
#elif defined(__aarch64__)
    {"neon", LM_CPU_NEON, lm_gf8_apply_neon},
#endif
    {"c", 0, lm_gf8_apply_c},
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
