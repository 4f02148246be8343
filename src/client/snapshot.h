/* A decoded picture into a PNG file. Main thread. */
#ifndef LUMEN_CLIENT_SNAPSHOT_H
#define LUMEN_CLIENT_SNAPSHOT_H

#include "client/decode/decode.h"

/* LM_EIO (errno tells), LM_ENOMEM, LM_EUNSUPPORTED in a build without libpng. */
int snapshot_write(const char *path, const struct decode_picture *picture) LM_MUST_USE;

#endif
