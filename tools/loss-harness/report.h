/* The results for people: a table, and what it means in words. */
#ifndef LOSS_HARNESS_REPORT_H
#define LOSS_HARNESS_REPORT_H

#include "options.h"
#include "sweep.h"

#include "core/base/err.h"

#include <stddef.h>
#include <stdio.h>

enum { REPORT_TEXT_BYTES = 96 };

/* What was the same for all, the table, its footnotes. LM_ENOMEM. */
int report_table(const struct sweep *sweep, const struct options *options,
                 const struct trace *trace, FILE *out) LM_MUST_USE;

/* Which setting keeps the losses below the target, for each environment. */
void report_verdict(const struct sweep *sweep, const struct options *options, FILE *out);

/* "2 % loss in bursts of 10, 64 kB frames": what of the environment is varied; "what was tried"
 * when nothing is. */
void report_environment(const struct sweep_point *point, const struct options *options,
                        char out[REPORT_TEXT_BYTES]);

/* "gf8 interleaved": code and, where it makes a difference, layout. */
void report_setting(const struct sweep_point *point, char out[REPORT_TEXT_BYTES]);

/* "64 kB", "1.2 MB"; "50 Mbit/s". */
void report_bytes(double bytes, char out[REPORT_TEXT_BYTES]);
void report_rate(double bps, char out[REPORT_TEXT_BYTES]);

#endif
