/* The codes of this build. */
#ifndef LUMEN_BENCH_FEC_CODES_H
#define LUMEN_BENCH_FEC_CODES_H

#include "bench/fec/fec_plugin.h"

extern const struct fec_plugin fec_lumen16;
extern const struct fec_plugin fec_lumen8;
#ifdef HAVE_ISAL
extern const struct fec_plugin fec_isal;
#endif

/* Holds lumen's codes made from now on to a level; -1 where the processor lacks it. */
int fec_lumen_level(enum fec_level level);

#endif
