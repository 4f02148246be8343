/* What the files of net/ that talk to libevent share. */
#ifndef LUMEN_NET_LOOP_LIBEVENT_H
#define LUMEN_NET_LOOP_LIBEVENT_H

#include <stdint.h>
#include <sys/time.h>

/* libevent prints to stderr by default, per misbehaving peer; this makes it silent. Idempotent. */
void loop_quiet_libevent(void);

/* Rounded up to libevent's microseconds. */
struct timeval loop_timeval(uint64_t ns);

#endif
