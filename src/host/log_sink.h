/* Where the host's lines go: stderr, readable by people, with the level as a journal prefix when
 * systemd reads them. Any thread. */
#ifndef LUMEN_HOST_LOG_SINK_H
#define LUMEN_HOST_LOG_SINK_H

#include "core/base/log.h"

void log_sink_init(struct lm_log *log, enum lm_log_level max_level);

#endif
