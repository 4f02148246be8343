/* The command line of lumen-client: one table of options makes the parser and --help. Nothing
 * here reads a file, prints or exits. Main thread. */
#ifndef LUMEN_CLIENT_FLAGS_H
#define LUMEN_CLIENT_FLAGS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum flags_command {
    FLAGS_HELP = 1,
    FLAGS_VERSION,
    FLAGS_DISCOVER,
    FLAGS_PAIR,
    FLAGS_LIST,
    FLAGS_STREAM,
    FLAGS_QUIT,
};

enum flags_encrypt {
    FLAGS_ENCRYPT_ALL = 1, /* control, video and sound */
    FLAGS_ENCRYPT_AUDIO,   /* control and sound */
    FLAGS_ENCRYPT_NONE,    /* control only, which is never in the clear */
};

enum flags_codec { FLAGS_H264 = 1, FLAGS_HEVC, FLAGS_AV1 };

enum { FLAGS_ERROR_BYTES = 256, FLAGS_HOST_BYTES = 256 };

struct flags {
    enum flags_command command;
    const char *host; /* "name", "192.0.2.1", "[v6]", each with an optional ":port" */
    const char *app;  /* NULL: the first one of the host */

    const char *state_dir; /* NULL: $XDG_STATE_HOME/lumen-client */
    const char *pin;       /* four digits; NULL: make one up */
    uint32_t timeout_s;    /* discover, pair */
    bool json, verbose;

    uint32_t width, height, rate_mhz; /* picture; frames per 1000 s */
    uint32_t bitrate_kbps, packet_size, slices;
    uint32_t channels, sound_ms; /* 2, 6 or 8; 5 or 10 */
    enum flags_encrypt encrypt;
    enum flags_codec codec;
    bool headless, full_screen, overlay, host_sound;
    bool no_sound, no_input, no_invalidation, no_fec_status, no_vsync;
    uint32_t duration_s, frames; /* stop after; 0: until told */
    uint32_t drop_after_frames;  /* vanish without a word; 0: never */
    const char *png, *input_script;
    bool quit_app; /* end the application with the stream */
};

/* Reads the arguments; strings are borrowed from argv. LM_EINVAL: `error` is a sentence for the
 * user. */
int flags_parse(struct flags *out, int argc, char **argv,
                char error[FLAGS_ERROR_BYTES]) LM_MUST_USE;

/* The text of --help, NUL-terminated; returns its length, LM_ELIMIT when it does not fit (never
 * with 16 KiB). */
int flags_help(char *out, size_t capacity_bytes) LM_MUST_USE;

/* Splits "name", "a.b.c.d", "v6", "[v6]" with an optional ":port" (for v6 only after brackets).
 * `port` is left alone when there is none. LM_EINVAL for anything else. */
int flags_split_host(const char *text, char *name, size_t capacity_bytes,
                     uint16_t *port) LM_MUST_USE;

#endif
