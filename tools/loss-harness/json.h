/* The results for programs. */
#ifndef LOSS_HARNESS_JSON_H
#define LOSS_HARNESS_JSON_H

#include "options.h"
#include "sweep.h"

#include "core/base/err.h"

#include <stdio.h>

/* One object; docs/loss-harness.md lists its fields. LM_ENOMEM, LM_EIO. */
int json_write(const struct sweep *sweep, const struct options *options, FILE *out) LM_MUST_USE;

#endif
