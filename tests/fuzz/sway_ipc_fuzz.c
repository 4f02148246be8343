/* Replies of sway's control socket: the frame's header, then JSON. */
#include "host/display/sway_ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct display_mode mode;
    uint32_t length;
    if (size < SWAY_IPC_HEADER_BYTES)
        return 0;
    (void)!sway_ipc_header_parse(data, SWAY_IPC_GET_OUTPUTS, &length);
    const char *json = (const char *)data + SWAY_IPC_HEADER_BYTES;
    (void)!sway_ipc_parse_success(json, size - SWAY_IPC_HEADER_BYTES);
    (void)!sway_ipc_parse_mode(json, size - SWAY_IPC_HEADER_BYTES, "HEADLESS-1", &mode);
    return 0;
}
