/* Time is uint64_t nanoseconds of one monotonic clock that the caller reads and passes down
 * (transport/clock.h reads it outside the core). 0 means "never" or "not set". */
#ifndef LUMEN_CORE_BASE_TIME_H
#define LUMEN_CORE_BASE_TIME_H

#include <stdint.h>

#define LM_NS_PER_US UINT64_C(1000)
#define LM_NS_PER_MS UINT64_C(1000000)
#define LM_NS_PER_S  UINT64_C(1000000000)

/* No deadline. */
#define LM_TIME_MAX UINT64_MAX

#endif
