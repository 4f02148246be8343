/* Every kernel at every level of this processor against its definition: odd sizes and offsets,
 * each buffer ending or beginning at a page that must not be touched. `--bench` measures instead.
 */
#include "checkdsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/dsp.h"
#include "core/dsp/gf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct guarded guarded_of(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size = (size + page - 1) / page * page;
    uint8_t *at = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LM_CHECK(at != MAP_FAILED);
    LM_CHECK(mprotect(at + page, size, PROT_READ | PROT_WRITE) == 0);
    return (struct guarded){at + page, size};
}

struct guarded guarded_new(void)
{
    return guarded_of(2 * (size_t)sysconf(_SC_PAGESIZE));
}

uint8_t *place(const struct guarded *g, size_t size, bool at_end)
{
    return at_end ? g->start + g->size - size : g->start;
}

bool only_touched(const struct guarded *g, const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < g->size; i++)
        if ((g->start + i < at || g->start + i >= at + size) && g->start[i] != CANARY)
            return false;
    return true;
}

void fill(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(rand() >> 7);
}

double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

uint8_t slow_gf8(uint8_t a, uint8_t b)
{
    unsigned product = 0, shifted = a;
    for (; b; b >>= 1) {
        if (b & 1)
            product ^= shifted;
        shifted = shifted << 1 ^ (shifted & 0x80 ? 0x11d : 0);
    }
    return (uint8_t)product;
}

int main(int argc, char **argv)
{
    unsigned seed;
    LM_CHECK(getentropy(&seed, sizeof seed) == 0);
    if (argc > 2 && strcmp(argv[1], "--seed") == 0)
        seed = (unsigned)strtoul(argv[2], NULL, 10);
    srand(seed);
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        if (argc < 3 || strcmp(argv[2], "gf16") != 0)
            bench_gf8();
        bench_gf16();
        return 0;
    }
    printf("seed %u, cpu flags 0x%x, best kernels %s, %s\n", seed, lm_cpu_flags(),
           lm_gf8_kernel(lm_cpu_flags())->name, lm_gf16_kernel(lm_cpu_flags())->name);
    fflush(stdout); /* a crash must not take the seed along */
    check_gf8();
    check_gf16();
    return 0;
}
