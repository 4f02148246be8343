/* The RTSP handshake and what the client chooses in it. Blocking, main thread. */
#ifndef LUMEN_CLIENT_NEGOTIATE_H
#define LUMEN_CLIENT_NEGOTIATE_H

#include "client/connect.h"

/* `out` holds key and host already. */
int negotiate_stream(const struct connect_host *host, const struct flags *flags,
                     const struct hostinfo_launched *launched, struct connect_stream *out,
                     struct failure *failure) LM_MUST_USE;

/* What to announce to a host that describes itself so. */
void negotiate_choose(const struct flags *flags, const struct sdp_description *description,
                      struct stream_params *out);

#endif
