/* The client looks into each frame for what makes it a key frame. */
#include "client/recovery.h"

#include "core/base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool key = recovery_is_key(data, size);
    LM_CHECK(!key || size >= 4);
    return 0;
}
