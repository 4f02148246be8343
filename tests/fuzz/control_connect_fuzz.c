/* The first bytes of an unknown IPv6 peer, judged before anything is kept for it. */
#include "net/control_relay.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_connect out;

    if (control_connect_parse(data, size, &out) && (out.channels == 0 || out.channels > 255))
        abort();
    return 0;
}
