/* What the parts of checkdsp share. */
#ifndef LUMEN_TESTS_CHECKDSP_H
#define LUMEN_TESTS_CHECKDSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANARY 0xc5

/* Accessible pages between two forbidden ones. */
struct guarded {
    uint8_t *start;
    size_t size;
};

/* Two pages, or as many as hold `size` bytes. */
struct guarded guarded_new(void);
struct guarded guarded_of(size_t size);
/* `size` bytes up to the guard page behind, or from the one in front. */
uint8_t *place(const struct guarded *g, size_t size, bool at_end);
/* Whether all bytes but those are CANARY. */
bool only_touched(const struct guarded *g, const uint8_t *at, size_t size);
/* Random bytes. */
void fill(uint8_t *at, size_t size);
double now_s(void);
/* The field itself: shift and reduce. */
uint8_t slow_gf8(uint8_t a, uint8_t b);

void check_gf8(void);
void check_gf16(void);
void bench_gf8(void);
void bench_gf16(void);

#endif
