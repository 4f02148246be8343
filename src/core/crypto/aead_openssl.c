#include "core/base/check.h"
#include "core/crypto/aead_impl.h"

#include <openssl/err.h>
#include <openssl/evp.h>

/* A keyed context per direction: an init that only brings a new IV keeps the key schedule and
 * allocates nothing, while a change of direction or cipher would not promise that. */
struct direction {
    EVP_CIPHER_CTX *ctx;
    size_t iv_bytes; /* what the context is set to */
};

struct openssl_aead {
    struct lm_aead base;
    struct direction seal, open;
};

static struct openssl_aead *openssl_of(struct lm_aead *aead)
{
    LM_CHECK(aead->ops == &lm_aead_openssl);
    return (struct openssl_aead *)aead;
}

static int direction_init(struct direction *d, const EVP_CIPHER *cipher, const uint8_t *key,
                          int encrypt)
{
    d->iv_bytes = LM_AEAD_IV_BYTES;
    d->ctx = EVP_CIPHER_CTX_new();
    if (!d->ctx || !EVP_CipherInit_ex(d->ctx, cipher, NULL, key, NULL, encrypt))
        return LM_ENOMEM;
    return 0;
}

static void openssl_destroy(struct lm_aead *aead)
{
    struct openssl_aead *self = openssl_of(aead);
    EVP_CIPHER_CTX_free(self->seal.ctx);
    EVP_CIPHER_CTX_free(self->open.ctx);
    OPENSSL_free(self);
}

static int openssl_create(struct lm_aead **out, const uint8_t key[LM_AEAD_KEY_BYTES])
{
    int err = LM_ENOMEM;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    struct openssl_aead *self = OPENSSL_zalloc(sizeof *self);
    if (!cipher || !self)
        goto done;
    self->base.ops = &lm_aead_openssl;
    err = direction_init(&self->seal, cipher, key, 1);
    if (!err)
        err = direction_init(&self->open, cipher, key, 0);
    if (err)
        goto done;
    *out = &self->base;
    self = NULL;
done:
    if (self)
        openssl_destroy(&self->base);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    return err;
}

/* The IV, the additional data and the data of one message; `message->data` is replaced. */
static int run(struct direction *d, const struct lm_aead_message *message)
{
    int n = 0;
    if (d->iv_bytes != message->iv_bytes) {
        d->iv_bytes = message->iv_bytes;
        if (!EVP_CIPHER_CTX_ctrl(d->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)message->iv_bytes, NULL))
            return LM_EIO;
    }
    if (!EVP_CipherInit_ex(d->ctx, NULL, NULL, NULL, message->iv, -1))
        return LM_EIO;
    if (message->aad_bytes &&
        !EVP_CipherUpdate(d->ctx, NULL, &n, message->aad, (int)message->aad_bytes))
        return LM_EIO;
    if (message->data_bytes &&
        !EVP_CipherUpdate(d->ctx, message->data, &n, message->data, (int)message->data_bytes))
        return LM_EIO;
    return 0;
}

static int openssl_seal(struct lm_aead *aead, const struct lm_aead_message *message)
{
    struct openssl_aead *self = openssl_of(aead);
    uint8_t rest[LM_AEAD_TAG_BYTES];
    int n = 0;
    int err = run(&self->seal, message);
    if (err)
        return err;
    if (!EVP_EncryptFinal_ex(self->seal.ctx, rest, &n) ||
        !EVP_CIPHER_CTX_ctrl(self->seal.ctx, EVP_CTRL_AEAD_GET_TAG, LM_AEAD_TAG_BYTES,
                             message->tag))
        return LM_EIO;
    return 0;
}

static int openssl_open(struct lm_aead *aead, const struct lm_aead_message *message)
{
    struct openssl_aead *self = openssl_of(aead);
    uint8_t rest[LM_AEAD_TAG_BYTES];
    int n = 0;
    int err = run(&self->open, message);
    if (err)
        return err;
    if (!EVP_CIPHER_CTX_ctrl(self->open.ctx, EVP_CTRL_AEAD_SET_TAG, LM_AEAD_TAG_BYTES,
                             message->tag))
        return LM_EIO;
    return EVP_DecryptFinal_ex(self->open.ctx, rest, &n) > 0 ? 0 : LM_EAUTH;
}

const struct lm_aead_ops lm_aead_openssl = {
    .name = "openssl",
    .impl = LM_AEAD_OPENSSL,
    .create = openssl_create,
    .destroy = openssl_destroy,
    .seal = openssl_seal,
    .open = openssl_open,
};
