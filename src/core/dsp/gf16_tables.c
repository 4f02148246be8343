#include "core/dsp/gf16_tables.h"

#include <pthread.h>
#include <string.h>

#define ORDER      65535
#define POLYNOMIAL 0x1002D

/* Element in the polynomial basis of each bit of a label. */
static const uint16_t basis[16] = {0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012,
                                   0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint16_t log_of[ORDER + 1], exp_of[ORDER + 1];
static _Alignas(64) struct lm_gf_field field;

/* exp_of serves as the logarithm of elements until that of labels is known. */
static void make_logarithms(void)
{
    unsigned element = 1;
    for (unsigned e = 0; e < ORDER; e++) {
        exp_of[element] = (uint16_t)e;
        element <<= 1;
        element ^= element >> 16 ? POLYNOMIAL : 0;
    }
    log_of[0] = 0;
    for (unsigned bit = 0; bit < 16; bit++)
        for (unsigned i = 0; i < 1u << bit; i++)
            log_of[(1u << bit) + i] = log_of[i] ^ basis[bit];
    for (unsigned label = 1; label <= ORDER; label++)
        log_of[label] = exp_of[log_of[label]];
    for (unsigned label = 1; label <= ORDER; label++)
        exp_of[log_of[label]] = (uint16_t)label;
    exp_of[ORDER] = exp_of[0];
}

/* Not through pthread_once: the tables are made of products. */
static uint16_t multiply(uint16_t a, uint16_t b)
{
    uint32_t sum = (uint32_t)log_of[a] + log_of[b];
    return a && b ? exp_of[(sum & 0xFFFF) + (sum >> 16)] : 0;
}

/* The map whose images of 1, 2, 4 .. 128 are given. */
static uint64_t affine_of(const uint8_t image[8])
{
    uint64_t matrix = 0;
    for (unsigned in = 0; in < 8; in++)
        for (unsigned out = 0; out < 8; out++)
            matrix |= (uint64_t)(image[in] >> out & 1) << (8 * (7 - out) + in);
    return matrix;
}

static void nibbles_of(const uint8_t image[8], uint8_t table[32])
{
    table[0] = table[16] = 0;
    for (unsigned bit = 0; bit < 4; bit++)
        for (unsigned i = 0; i < 1u << bit; i++) {
            table[(1u << bit) + i] = table[i] ^ image[bit];
            table[16 + (1u << bit) + i] = table[16 + i] ^ image[4 + bit];
        }
}

/* A table linear in its index, from its entries at 1, 2, 4 .. 128. */
static void complete(void *table, size_t entry_bytes)
{
    uint8_t *to = table;
    memset(to, 0, entry_bytes);
    for (unsigned i = 3; i < 256; i++)
        if (i & (i - 1)) {
            const uint8_t *a = to + (i & (i - 1)) * entry_bytes, *b = to + (i & -i) * entry_bytes;
            for (size_t at = 0; at < entry_bytes; at++)
                to[i * entry_bytes + at] = a[at] ^ b[at];
        }
}

/* The narrow constant of one bit. */
static void make_narrow(unsigned bit, const uint8_t form[8])
{
    uint8_t image[8];
    for (unsigned in = 0; in < 8; in++)
        image[in] = (uint8_t)multiply((uint16_t)(1u << bit), (uint16_t)(1u << in));
    field.affine[1u << bit] = affine_of(image);
    nibbles_of(image, field.nibbles[1u << bit]);
    for (unsigned in = 0; in < 8; in++)
        image[in] = (uint8_t)multiply((uint16_t)(1u << bit), form[in]);
    field.formed_affine[1u << bit] = affine_of(image);
    nibbles_of(image, field.formed_nibbles[1u << bit]);
}

/* Label 0x100 is b, of which b * b = b + c for the label c = 0x80. */
static void make(void)
{
    uint8_t form[8];
    make_logarithms();
    for (unsigned bit = 0; bit < 8; bit++)
        form[bit] = field.form[1u << bit] = (uint8_t)multiply(0x100, (uint16_t)(1u << bit));
    for (unsigned bit = 0; bit < 8; bit++) {
        make_narrow(bit, form);
        field.by_c[1u << bit] = (uint8_t)multiply(0x80, (uint16_t)(1u << bit));
    }
    complete(field.affine, sizeof field.affine[0]);
    complete(field.nibbles, sizeof field.nibbles[0]);
    complete(field.formed_affine, sizeof field.formed_affine[0]);
    complete(field.formed_nibbles, sizeof field.formed_nibbles[0]);
    complete(field.by_c, sizeof field.by_c[0]);
    complete(field.form, sizeof field.form[0]);
    field.form_affine = affine_of(form);
    nibbles_of(form, field.form_nibbles);
}

const struct lm_gf_field *lm_gf16_field(void)
{
    pthread_once(&once, make);
    return &field;
}

const uint16_t *lm_gf16_log_table(void)
{
    pthread_once(&once, make);
    return log_of;
}

const uint16_t *lm_gf16_exp_table(void)
{
    pthread_once(&once, make);
    return exp_of;
}

uint16_t lm_gf16_log(uint16_t label)
{
    return lm_gf16_log_table()[label];
}

uint16_t lm_gf16_exp(uint32_t logarithm)
{
    pthread_once(&once, make);
    return exp_of[logarithm % ORDER];
}

uint16_t lm_gf16_multiply(uint16_t a, uint16_t b)
{
    pthread_once(&once, make);
    return multiply(a, b);
}

uint16_t lm_gf16_inverse(uint16_t a)
{
    pthread_once(&once, make);
    return exp_of[ORDER - log_of[a]];
}
