/* Client of sway's control socket: "i3-ipc", payload length, type (both u32 in the machine's
 * order), payload. Bounded in size and time; for start and mode changes, not per frame. */
#ifndef LUMEN_HOST_DISPLAY_SWAY_IPC_H
#define LUMEN_HOST_DISPLAY_SWAY_IPC_H

#include "core/base/err.h"
#include "host/display/display.h"

#include <stddef.h>
#include <stdint.h>

enum { SWAY_IPC_RUN_COMMAND = 0, SWAY_IPC_GET_OUTPUTS = 3 };
enum { SWAY_IPC_HEADER_BYTES = 14, SWAY_IPC_REPLY_BYTES = 1 << 20 };

/* The descriptor of a new connection, or LM_ENOENT while nobody listens there. */
int sway_ipc_connect(const char *path) LM_MUST_USE;

/* Runs one of sway's commands. LM_EUNSUPPORTED when sway refuses it, LM_ETIMEOUT, LM_ECLOSED,
 * LM_EPROTO. */
int sway_ipc_command(int fd, const char *command, uint64_t deadline_ns) LM_MUST_USE;

/* The current mode of an active output. LM_ENOENT when there is none, else as above. */
int sway_ipc_output_mode(int fd, const char *output, uint64_t deadline_ns,
                         struct display_mode *mode) LM_MUST_USE;

/* The pure parts, for tests. */
void sway_ipc_header_encode(uint8_t header[SWAY_IPC_HEADER_BYTES], uint32_t size, uint32_t type);
int sway_ipc_header_parse(const uint8_t header[SWAY_IPC_HEADER_BYTES], uint32_t type,
                          uint32_t *size) LM_MUST_USE;
int sway_ipc_parse_success(const char *json, size_t size) LM_MUST_USE;
int sway_ipc_parse_mode(const char *json, size_t size, const char *output,
                        struct display_mode *mode) LM_MUST_USE;

#endif
