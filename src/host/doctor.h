/* lumen-host doctor: looks at this machine and says, line by line, what is well, what is not, and
 * what to do about it. It changes nothing but what a host would make at its start too (the state
 * and runtime directories). Main thread, no host in this process. */
#ifndef LUMEN_HOST_DOCTOR_H
#define LUMEN_HOST_DOCTOR_H

#include "host/config.h"
#include "host/paths.h"

#include <stdio.h>

/* Prints "ok|warn|FAIL  what: finding" per check, with an indented line of advice where it is not
 * ok. Returns 0, or 1 when something would stop the host. Takes up to a few seconds. */
int doctor_run(const struct config *config, const struct paths *paths, FILE *out);

#endif
