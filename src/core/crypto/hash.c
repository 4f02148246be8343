#include "core/crypto/hash.h"

#include "core/base/check.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

void lm_sha256(const struct lm_part *parts, size_t count, uint8_t out[LM_SHA256_BYTES])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    LM_CHECK(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    for (size_t i = 0; i < count; i++)
        LM_CHECK(EVP_DigestUpdate(ctx, parts[i].data, parts[i].size_bytes));
    LM_CHECK(EVP_DigestFinal_ex(ctx, out, NULL));
    EVP_MD_CTX_free(ctx);
}

bool lm_crypto_equal(const void *a, const void *b, size_t size_bytes)
{
    return CRYPTO_memcmp(a, b, size_bytes) == 0;
}

void lm_random(void *out, size_t size_bytes)
{
    uint8_t *at = out;
    while (size_bytes) {
        ssize_t n = getrandom(at, size_bytes, 0);
        if (n < 0) {
            LM_CHECK(errno == EINTR);
            continue;
        }
        at += n;
        size_bytes -= (size_t)n;
    }
}

void lm_wipe(void *data, size_t size_bytes)
{
    OPENSSL_cleanse(data, size_bytes);
}
