/* Where lumen keeps its files, by the XDG base directory specification. */
#ifndef LUMEN_HOST_PATHS_H
#define LUMEN_HOST_PATHS_H

#include "core/base/err.h"

#include <stddef.h>

enum { PATHS_BYTES = 512 };

struct paths {
    char config[PATHS_BYTES];  /* file: $XDG_CONFIG_HOME/lumen/lumen.conf */
    char state[PATHS_BYTES];   /* directory: $XDG_STATE_HOME/lumen */
    char runtime[PATHS_BYTES]; /* directory: $XDG_RUNTIME_DIR/lumen, else /tmp/lumen-UID */
};

/* Fills in the defaults. LM_ENOENT: neither the XDG variables nor HOME are set. */
int paths_find(struct paths *paths) LM_MUST_USE;

/* Makes the runtime directory, mode 0700. LM_EAUTH: it belongs to somebody else; LM_ELIMIT: too
 * long for the sockets below it (at most 60 bytes); LM_EIO. */
int paths_make_runtime(const struct paths *paths) LM_MUST_USE;

#endif
