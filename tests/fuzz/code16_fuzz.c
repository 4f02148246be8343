/* Any shape and any loss. Input: LE16 k, LE16 m, LE16 shard size, one byte of method, one byte of
 * seed, then one bit per shard, lost where it is set; shards past the input's end are there. What
 * is decodable must come out as it went in. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/fec/code16.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DATA = 300, MAX_PARITY = 80, MAX_BYTES = 200, SHARDS = MAX_DATA + MAX_PARITY };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t original[SHARDS][MAX_BYTES], received[SHARDS][MAX_BYTES], present[SHARDS];
static uint8_t *shards[SHARDS];

static void fill(unsigned k, size_t bytes, uint8_t seed)
{
    uint32_t state = seed;
    for (unsigned i = 0; i < k; i++)
        for (size_t at = 0; at < bytes; at++) {
            state = state * 1664525 + 1013904223;
            original[i][at] = (uint8_t)(state >> 24);
        }
}

/* How many data shards are lost; in *missing all. */
static unsigned lose(struct lm_reader *in, unsigned k, unsigned m, unsigned *missing)
{
    unsigned lost = 0, bits = 0;
    *missing = 0;
    for (unsigned i = 0; i < k + m; i++) {
        if (i % 8 == 0)
            bits = lm_reader_left(in) ? lm_read_u8(in) : 0;
        present[i] = !(bits >> i % 8 & 1);
        lost += i < k && !present[i];
        *missing += !present[i];
    }
    return lost;
}

static void repair(struct lm_code16 *code, struct lm_reader *in, unsigned k, unsigned m,
                   size_t bytes)
{
    unsigned missing, lost = lose(in, k, m, &missing);
    memcpy(received, original, sizeof received);
    for (unsigned i = 0; i < k + m; i++) {
        shards[i] = i >= k && !present[i] ? NULL : received[i];
        if (!present[i])
            memset(received[i], 0xA5, bytes);
    }
    int result = lm_code16_decode(code, k, m, shards, present, bytes);
    LM_CHECK(result == (missing > m && lost ? LM_ENOENT : (int)lost));
    for (unsigned i = 0; result >= 0 && i < k; i++)
        LM_CHECK(memcmp(received[i], original[i], bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lm_code16 *code;
    struct lm_code16_limits limits = {MAX_DATA, MAX_PARITY, MAX_BYTES};
    struct lm_reader in = lm_reader_of(data, size);
    if (!code)
        LM_CHECK(lm_code16_create(&code, &limits) == 0);
    unsigned k = lm_read_le16(&in), m = lm_read_le16(&in);
    size_t bytes = lm_read_le16(&in);
    enum lm_code16_method method = LM_CODE16_AUTO + lm_read_u8(&in) % 4;
    uint8_t seed = lm_read_u8(&in);
    k = k > 2 * MAX_DATA ? k % MAX_DATA : k;
    m = m > 2 * MAX_PARITY ? m % MAX_PARITY : m;
    bytes = bytes > 2 * MAX_BYTES ? bytes % MAX_BYTES : bytes;
    if (in.bad || lm_code16_check(code, k, m, bytes))
        return 0;
    fill(k, bytes, seed);
    for (unsigned i = 0; i < k + m; i++)
        shards[i] = original[i];
    if (lm_code16_encode(code, k, m, (const uint8_t *const *)shards, shards + k, bytes))
        abort();
    lm_code16_set_method(code, method);
    repair(code, &in, k, m, bytes);
    return 0;
}
