#include "core/dsp/cpu.h"

#include <stdatomic.h>

#define DETECTED (UINT32_C(1) << 31) /* tells "nothing found" from "not looked yet" */

static _Atomic uint32_t detected;
static _Atomic uint32_t mask = UINT32_MAX;

static uint32_t detect(void)
{
    uint32_t flags = DETECTED;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        flags |= LM_CPU_AVX2;
    if (__builtin_cpu_supports("gfni"))
        flags |= LM_CPU_GFNI;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        flags |= LM_CPU_AVX512;
#elif defined(__aarch64__)
    flags |= LM_CPU_NEON; /* part of the base architecture */
#endif
    return flags;
}

uint32_t lm_cpu_flags(void)
{
    uint32_t flags = atomic_load_explicit(&detected, memory_order_relaxed);
    if (!flags) {
        flags = detect();
        atomic_store_explicit(&detected, flags, memory_order_relaxed);
    }
    return flags & ~DETECTED & atomic_load_explicit(&mask, memory_order_relaxed);
}

void lm_cpu_mask(uint32_t allowed)
{
    atomic_store_explicit(&mask, allowed, memory_order_relaxed);
}
