/* The directory of one session's desktop: its sockets and configuration. Whoever holds the lock in
 * it is alive; what nobody holds is left over from a crash and may be removed. */
#ifndef LUMEN_HOST_DISPLAY_SESSION_DIR_H
#define LUMEN_HOST_DISPLAY_SESSION_DIR_H

#include "core/base/err.h"

/* Long enough for names, short enough that DIR/pulse/native fits into sockaddr_un. */
enum { SESSION_DIR_BYTES = 88 };

/* Makes `path` with mode 0700, a left-over one anew. *lock_fd (close-on-exec) holds its lock.
 * LM_EEXIST when a living desktop uses it, LM_EIO (errno says why). */
int session_dir_make(const char *path, int *lock_fd) LM_MUST_USE;

/* Writes DIR/NAME with mode 0600; NAME may contain folders that exist. LM_EIO. */
int session_dir_write(const char *dir, const char *name, const char *text) LM_MUST_USE;

/* Removes the directory and everything in it, but nothing that is mounted there. */
void session_dir_remove(const char *path);

#endif
