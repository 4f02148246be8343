/* The descendants of this process, found in /proc, and their end. Their parent chain cannot be
 * left: whoever is orphaned comes back to the nearest child subreaper. One thread. */
#ifndef LUMEN_HOST_DISPLAY_PROCESS_TREE_H
#define LUMEN_HOST_DISPLAY_PROCESS_TREE_H

#include <stddef.h>
#include <sys/types.h>

/* Sends `signal_number` (0: none) to every living descendant except the `spared` ones and returns
 * how many there are. */
size_t process_tree_signal(int signal_number, const pid_t *spared, size_t spared_count);

/* Parses a line of /proc/PID/stat. False for a zombie or nonsense. */
int process_tree_parse_stat(const char *line, pid_t *pid, pid_t *parent);

#endif
