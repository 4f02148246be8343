#include "core/crypto/cbc.h"

#include "core/crypto/ecb.h"

#include <openssl/err.h>
#include <openssl/evp.h>

struct lm_cbc {
    EVP_CIPHER_CTX *encrypt, *decrypt; /* keyed; each call brings only its IV */
};

static EVP_CIPHER_CTX *keyed(const EVP_CIPHER *cipher, const uint8_t *key, int encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx && EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, encrypt))
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

int lm_cbc_create(struct lm_cbc **out, const uint8_t key[LM_CBC_KEY_BYTES])
{
    *out = NULL;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);
    struct lm_cbc *cbc = OPENSSL_zalloc(sizeof *cbc);
    if (cipher && cbc) {
        cbc->encrypt = keyed(cipher, key, 1);
        cbc->decrypt = keyed(cipher, key, 0);
    }
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    if (!cbc || !cbc->encrypt || !cbc->decrypt) {
        lm_cbc_destroy(cbc);
        return LM_ENOMEM;
    }
    *out = cbc;
    return 0;
}

void lm_cbc_destroy(struct lm_cbc *cbc)
{
    if (!cbc)
        return;
    EVP_CIPHER_CTX_free(cbc->encrypt);
    EVP_CIPHER_CTX_free(cbc->decrypt);
    OPENSSL_free(cbc);
}

int lm_cbc_encrypt(struct lm_cbc *cbc, const uint8_t iv[16], const uint8_t *in, size_t in_bytes,
                   uint8_t *out, size_t out_capacity)
{
    int body = 0, tail = 0;
    if (in_bytes > LM_CBC_MAX_BYTES || out_capacity < LM_CBC_SEALED_BYTES(in_bytes))
        return LM_EINVAL;
    if (!EVP_EncryptInit_ex(cbc->encrypt, NULL, NULL, NULL, iv) ||
        (in_bytes && !EVP_EncryptUpdate(cbc->encrypt, out, &body, in, (int)in_bytes)) ||
        !EVP_EncryptFinal_ex(cbc->encrypt, out + body, &tail))
        return LM_EIO;
    return body + tail;
}

int lm_cbc_decrypt(struct lm_cbc *cbc, const uint8_t iv[16], const uint8_t *in, size_t in_bytes,
                   uint8_t *out, size_t out_capacity)
{
    int body = 0, tail = 0;
    if (in_bytes > LM_CBC_MAX_BYTES || out_capacity < in_bytes)
        return LM_EINVAL;
    if (in_bytes == 0 || in_bytes % LM_CBC_BLOCK_BYTES)
        return LM_EPROTO;
    if (!EVP_DecryptInit_ex(cbc->decrypt, NULL, NULL, NULL, iv) ||
        !EVP_DecryptUpdate(cbc->decrypt, out, &body, in, (int)in_bytes))
        return LM_EIO;
    if (!EVP_DecryptFinal_ex(cbc->decrypt, out + body, &tail)) {
        ERR_clear_error();
        return LM_EPROTO;
    }
    return body + tail;
}

static int ecb(const uint8_t key[16], const uint8_t *in, size_t size_bytes, uint8_t *out,
               int encrypt)
{
    int n = 0;
    if (size_bytes % LM_CBC_BLOCK_BYTES || size_bytes > LM_CBC_MAX_BYTES)
        return LM_EINVAL;
    if (size_bytes == 0)
        return 0;
    EVP_CIPHER_CTX *ctx = keyed(EVP_aes_128_ecb(), key, encrypt);
    if (!ctx)
        return LM_ENOMEM;
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    int ok = EVP_CipherUpdate(ctx, out, &n, in, (int)size_bytes) && n == (int)size_bytes;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : LM_EIO;
}

int lm_ecb_encrypt(const uint8_t key[16], const uint8_t *in, size_t size_bytes, uint8_t *out)
{
    return ecb(key, in, size_bytes, out, 1);
}

int lm_ecb_decrypt(const uint8_t key[16], const uint8_t *in, size_t size_bytes, uint8_t *out)
{
    return ecb(key, in, size_bytes, out, 0);
}
