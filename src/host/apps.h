/* The applications that clients can start, with the numbers and pictures that clients keep. */
#ifndef LUMEN_HOST_APPS_H
#define LUMEN_HOST_APPS_H

#include "core/base/log.h"
#include "host/config.h"
#include "host/store.h"

struct app {
    const struct config_app *config; /* borrowed from the configuration */
    int32_t id;                      /* positive, stable */
    uint8_t *art;                    /* PNG, owned by apps */
    size_t art_bytes;
};

struct apps {
    struct app list[CONFIG_MAX_APPS];
    size_t count;
};

/* Reads each application's picture (one that cannot be read is warned about and drawn instead) and
 * looks its number up in `store`. LM_EIO when the store cannot be written. */
int apps_init(struct apps *apps, const struct config *config, struct store *store,
              const struct lm_log *log) LM_MUST_USE;
void apps_finish(struct apps *apps);

/* NULL when there is none. */
const struct app *apps_by_id(const struct apps *apps, int64_t id);

#endif
