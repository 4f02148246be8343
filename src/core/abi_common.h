/* What the parts of the public interface share: statuses and configurations. */
#ifndef LUMEN_CORE_ABI_COMMON_H
#define LUMEN_CORE_ABI_COMMON_H

#include "lumen_core.h"

enum { LM_MAX_PARTS = 64 }; /* of a frame, in phase 2 */

/* What a result of the layers below means to the caller; 0 and counts are _OK. */
LumenStatus lm_status_of(int rc);

/* The same of a create, where it is the cipher that can be unsupported, and of a push or pull,
 * where it is the cipher that can fail. */
LumenStatus lm_create_status(int rc);
LumenStatus lm_push_status(int rc);

/* Checks a configuration and copies what this version knows of it, defaults filled in. `role` is
 * the one that the caller needs. */
LumenStatus lm_config_read(const LumenConfig *in, uint32_t role, LumenConfig *out);

/* Of a datagram of video under a configuration that was read. */
uint32_t lm_config_datagram_bytes(const LumenConfig *config);

/* Most blocks, in phase 2, and most datagrams that a frame of max_frame_bytes can need. */
uint32_t lm_config_frame_blocks(const LumenConfig *config);
uint64_t lm_config_frame_datagrams(const LumenConfig *config);

/* Returns from a function of the interface. */
#define LM_NEED(pointer)                                                                           \
    do {                                                                                           \
        if (!(pointer))                                                                            \
            return LUMEN_STATUS_NULL_POINTER;                                                      \
    } while (0)

#endif
