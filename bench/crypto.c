/* AES-128-GCM on packets, nanoseconds each: our layer beside the library calls that it wraps,
 * taking turns. bench-crypto [packet-bytes [rounds]] */
#include "bench/fec/measure.h"
#include "core/base/check.h"
#include "core/crypto/aead.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef LM_HAVE_IPSECMB
#include <intel-ipsec-mb.h>
#endif

/* A ring of packets as a sender has it: more than the first-level cache holds. */
enum { PACKETS = 64, MAX_BYTES = 65536, DEFAULT_BYTES = 1400, DEFAULT_ROUNDS = 101 };

struct ring {
    uint8_t *packets; /* PACKETS of stride bytes: tag, data */
    size_t stride, size_bytes;
    uint64_t counter;
    bool failed;
    struct lm_aead *aead;
    EVP_CIPHER_CTX *evp;
#ifdef LM_HAVE_IPSECMB
    IMB_MGR *mgr;
    struct gcm_key_data *key;
    struct gcm_context_data *gcm;
#endif
};

static const uint8_t key_bytes[LM_AEAD_KEY_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};

static uint8_t *next_packet(struct ring *ring, uint8_t iv[LM_AEAD_IV_BYTES])
{
    uint64_t n = ring->counter++;
    memset(iv, 0, LM_AEAD_IV_BYTES);
    memcpy(iv, &n, sizeof n);
    return ring->packets + n % PACKETS * ring->stride;
}

static void aead_seal(void *context)
{
    struct ring *ring = context;
    uint8_t iv[LM_AEAD_IV_BYTES];
    uint8_t *p = next_packet(ring, iv);
    if (lm_aead_seal(ring->aead, iv, sizeof iv, p + LM_AEAD_TAG_BYTES, ring->size_bytes, p))
        ring->failed = true;
}

/* The packets of the ring were sealed with counters 0..PACKETS-1: each can be opened once. */
static void seal_ring(void *context)
{
    struct ring *ring = context;
    ring->counter = 0;
    for (int i = 0; i < PACKETS; i++)
        aead_seal(ring);
    ring->counter = 0;
}

static void aead_open_ring(void *context, uint32_t times)
{
    struct ring *ring = context;
    uint8_t iv[LM_AEAD_IV_BYTES];
    for (uint32_t i = 0; i < times * PACKETS; i++) {
        uint8_t *p = next_packet(ring, iv);
        if (lm_aead_open(ring->aead, iv, sizeof iv, p + LM_AEAD_TAG_BYTES, ring->size_bytes, p))
            ring->failed = true;
    }
}

static void aead_seal_ring(void *context, uint32_t times)
{
    for (uint32_t i = 0; i < times * PACKETS; i++)
        aead_seal(context);
}

static void evp_seal_ring(void *context, uint32_t times)
{
    struct ring *ring = context;
    uint8_t iv[LM_AEAD_IV_BYTES];
    int n;
    for (uint32_t i = 0; i < times * PACKETS; i++) {
        uint8_t *p = next_packet(ring, iv), *data = p + LM_AEAD_TAG_BYTES;
        if (!EVP_EncryptInit_ex(ring->evp, NULL, NULL, NULL, iv) ||
            !EVP_EncryptUpdate(ring->evp, data, &n, data, (int)ring->size_bytes) ||
            !EVP_EncryptFinal_ex(ring->evp, data + n, &n) ||
            !EVP_CIPHER_CTX_ctrl(ring->evp, EVP_CTRL_AEAD_GET_TAG, LM_AEAD_TAG_BYTES, p))
            ring->failed = true;
    }
}

#ifdef LM_HAVE_IPSECMB
static void raw_seal_ring(void *context, uint32_t times)
{
    struct ring *ring = context;
    uint8_t iv[LM_AEAD_IV_BYTES];
    for (uint32_t i = 0; i < times * PACKETS; i++) {
        uint8_t *p = next_packet(ring, iv), *data = p + LM_AEAD_TAG_BYTES;
        IMB_AES128_GCM_ENC(ring->mgr, ring->key, ring->gcm, data, data, ring->size_bytes, iv, NULL,
                           0, p, LM_AEAD_TAG_BYTES);
    }
}

static void raw_open_ring(void *context, uint32_t times)
{
    struct ring *ring = context;
    uint8_t iv[LM_AEAD_IV_BYTES], tag[LM_AEAD_TAG_BYTES];
    for (uint32_t i = 0; i < times * PACKETS; i++) {
        uint8_t *p = next_packet(ring, iv), *data = p + LM_AEAD_TAG_BYTES;
        IMB_AES128_GCM_DEC(ring->mgr, ring->key, ring->gcm, data, data, ring->size_bytes, iv, NULL,
                           0, tag, LM_AEAD_TAG_BYTES);
        if (memcmp(tag, p, sizeof tag) != 0)
            ring->failed = true;
    }
}

static void raw_init(struct ring *ring)
{
    ring->mgr = alloc_mb_mgr(0);
    ring->key = aligned_alloc(64, (sizeof *ring->key + 63) / 64 * 64);
    ring->gcm = aligned_alloc(64, (sizeof *ring->gcm + 63) / 64 * 64);
    LM_CHECK(ring->mgr && ring->key && ring->gcm);
    init_mb_mgr_auto(ring->mgr, NULL);
    IMB_AES128_GCM_PRE(ring->mgr, key_bytes, ring->key);
}
#endif

static void ring_init(struct ring *ring, size_t size_bytes, enum lm_aead_impl impl)
{
    *ring = (struct ring){.size_bytes = size_bytes};
    ring->stride = (size_bytes + LM_AEAD_TAG_BYTES + 63) / 64 * 64;
    ring->packets = aligned_alloc(64, ring->stride * PACKETS);
    LM_CHECK(ring->packets);
    memset(ring->packets, 0x5a, ring->stride * PACKETS);
    if (lm_aead_create(&ring->aead, key_bytes, impl))
        return;
    ring->evp = EVP_CIPHER_CTX_new();
    LM_CHECK(ring->evp && EVP_EncryptInit_ex(ring->evp, EVP_aes_128_gcm(), NULL, key_bytes, NULL));
#ifdef LM_HAVE_IPSECMB
    raw_init(ring);
#endif
}

static void ring_finish(struct ring *ring)
{
    lm_aead_destroy(ring->aead);
    EVP_CIPHER_CTX_free(ring->evp);
#ifdef LM_HAVE_IPSECMB
    if (ring->mgr)
        free_mb_mgr(ring->mgr);
    free(ring->key);
    free(ring->gcm);
#endif
    free(ring->packets);
}

struct line {
    const char *name;
    enum lm_aead_impl impl;
    void (*call)(void *context, uint32_t times);
    void (*before)(void *context);
};

static const struct line lines[] = {
    {"openssl seal", LM_AEAD_OPENSSL, aead_seal_ring, NULL},
    {"openssl open", LM_AEAD_OPENSSL, aead_open_ring, seal_ring},
    {"  bare EVP seal", LM_AEAD_OPENSSL, evp_seal_ring, NULL},
#ifdef LM_HAVE_IPSECMB
    {"ipsec-mb seal", LM_AEAD_IPSECMB, aead_seal_ring, NULL},
    {"ipsec-mb open", LM_AEAD_IPSECMB, aead_open_ring, seal_ring},
    {"  bare call, seal", LM_AEAD_IPSECMB, raw_seal_ring, NULL},
    {"  bare call, open", LM_AEAD_IPSECMB, raw_open_ring, seal_ring},
#endif
};

int main(int argc, char **argv)
{
    struct ring rings[LM_ARRAY_LEN(lines)];
    struct measure_job jobs[LM_ARRAY_LEN(lines)];
    const struct line *used[LM_ARRAY_LEN(lines)];
    size_t size_bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_BYTES, count = 0;
    uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : DEFAULT_ROUNDS;
    bool ok = true;
    if (size_bytes < 1 || size_bytes > MAX_BYTES || rounds < 1 || rounds > MEASURE_MAX_ROUNDS) {
        fprintf(stderr, "usage: %s [packet-bytes [rounds]]\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < LM_ARRAY_LEN(lines); i++) {
        ring_init(&rings[count], size_bytes, lines[i].impl);
        if (!rings[count].aead) {
            ring_finish(&rings[count]);
            continue;
        }
        used[count] = &lines[i];
        jobs[count] = (struct measure_job){
            .call = lines[i].call, .before = lines[i].before, .context = &rings[count]};
        count++;
    }
    measure_run(jobs, count, rounds);
    printf("AES-128-GCM, packets of %zu bytes in a ring of %d\n", size_bytes, PACKETS);
    for (size_t i = 0; i < count; i++) {
        double ns = jobs[i].median_ns / PACKETS, best = jobs[i].best_ns / PACKETS;
        printf("%-20s %8.1f ns  (best %.1f)  %6.2f GB/s%s\n", used[i]->name, ns, best,
               (double)size_bytes / ns, rings[i].failed ? "  FAILED" : "");
        ok = ok && !rings[i].failed;
        ring_finish(&rings[i]);
    }
    return ok ? 0 : 1;
}
