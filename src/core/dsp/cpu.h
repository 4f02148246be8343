/* What the processor can do. Any thread. */
#ifndef LUMEN_CORE_DSP_CPU_H
#define LUMEN_CORE_DSP_CPU_H

#include <stdint.h>

enum lm_cpu_flag {
    LM_CPU_AVX2 = 1 << 0,
    LM_CPU_GFNI = 1 << 1,
    LM_CPU_AVX512 = 1 << 2, /* F, BW and VL, and the system saves the registers */
    LM_CPU_NEON = 1 << 3,
};

/* Bits of enum lm_cpu_flag, detected on the first call, less those masked. */
uint32_t lm_cpu_flags(void);

/* For tests: only these bits may be reported from now on; UINT32_MAX undoes it. What was resolved
 * before keeps its kernels. */
void lm_cpu_mask(uint32_t allowed);

#endif
