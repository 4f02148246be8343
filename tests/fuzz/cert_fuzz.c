/* A peer's certificate: anything but one well-formed RSA certificate is refused; what is accepted
 * reads back as itself. */
#include "core/base/check.h"
#include "core/crypto/cert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_cert *cert, *again;
    size_t pem_bytes, signature_bytes;
    if (lm_cert_from_pem(&cert, (const char *)data, size))
        return 0;
    const char *pem = lm_cert_pem(cert, &pem_bytes);
    LM_CHECK(lm_cert_from_pem(&again, pem, pem_bytes) == 0);
    LM_CHECK(memcmp(lm_cert_fingerprint(again), lm_cert_fingerprint(cert), LM_SHA256_BYTES) == 0);
    const uint8_t *signature = lm_cert_signature(cert, &signature_bytes);
    (void)!lm_cert_verify(cert, data, size, signature, signature_bytes);
    lm_cert_destroy(again);
    lm_cert_destroy(cert);
    return 0;
}
