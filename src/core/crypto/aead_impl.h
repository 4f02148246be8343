/* What an AES-GCM implementation supplies; private to core/crypto. */
#ifndef LUMEN_CORE_CRYPTO_AEAD_IMPL_H
#define LUMEN_CORE_CRYPTO_AEAD_IMPL_H

#include "core/crypto/aead.h"

struct lm_aead_ops {
    const char *name;
    enum lm_aead_impl impl;
    int (*create)(struct lm_aead **out, const uint8_t key[LM_AEAD_KEY_BYTES]);
    void (*destroy)(struct lm_aead *aead);
    /* Sizes are checked already. */
    int (*seal)(struct lm_aead *aead, const struct lm_aead_message *message);
    /* LM_EAUTH may leave anything in the data: the caller zeroes it. */
    int (*open)(struct lm_aead *aead, const struct lm_aead_message *message);
};

/* First member of each implementation's object. */
struct lm_aead {
    const struct lm_aead_ops *ops;
};

#ifdef LM_HAVE_IPSECMB
extern const struct lm_aead_ops lm_aead_ipsecmb;
#endif
extern const struct lm_aead_ops lm_aead_openssl;

#endif
