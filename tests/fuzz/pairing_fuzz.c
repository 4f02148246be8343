/* /pair requests of a stranger: any sequence of queries, one per line. */
#include "core/base/check.h"
#include "session/pairing.h"

#include <string.h>

#define KEY_NAME "fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lm_key *key;
    static struct lm_cert *cert;
    static struct pairing_answer answer;
    struct pairing *p;
    if (!key) {
        LM_CHECK(lm_key_generate(&key) == LM_OK);
        LM_CHECK(lm_cert_self_signed(&cert, key, KEY_NAME, 1760000000) == LM_OK);
    }
    struct pairing_params params = {.host_cert = cert, .host_key = key};
    LM_CHECK(pairing_create(&p, &params) == LM_OK);
    while (size) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t line_bytes = end ? (size_t)(end - data) : size;
        struct params query = {(const char *)data, line_bytes};
        pairing_request(p, &query, "10.0.0.1", 1, &answer);
        LM_CHECK(answer.action != PAIRING_COMMIT);
        if (answer.action == PAIRING_PARKED)
            LM_CHECK(pairing_enter_pin(p, 0, "1234", 1, &answer) == LM_OK);
        size_t step = end ? line_bytes + 1 : line_bytes;
        data += step;
        size -= step;
    }
    pairing_destroy(p);
    return 0;
}
