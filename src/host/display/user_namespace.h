/* sway does not run as root, and root's desktop programs should not be root's either. */
#ifndef LUMEN_HOST_DISPLAY_USER_NAMESPACE_H
#define LUMEN_HOST_DISPLAY_USER_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>

/* As root: this process (one thread) becomes an ordinary user to itself, in a user namespace of its
 * own, still owner of root's files. As anyone else: nothing. False with a sentence in `why` when
 * the system refuses. */
bool user_namespace_leave_root(char *why, size_t why_size);

#endif
