/* The command line of loss-harness: one table of options makes the parser, the defaults, --help and
 * the manual. Nothing here reads a file, prints or exits. */
#ifndef LOSS_HARNESS_OPTIONS_H
#define LOSS_HARNESS_OPTIONS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_LIST_MAX = 24, OPTIONS_ERROR_BYTES = 512 };

/* What can be varied; every combination is tried. */
enum axis {
    AXIS_FRAME,  /* bytes of a frame */
    AXIS_RATE,   /* of the link, bit/s */
    AXIS_QUEUE,  /* of the link, bytes; 0: endless */
    AXIS_PACE,   /* of the sender, bit/s; 0: none */
    AXIS_BURST,  /* mean length, datagrams; 1: each for itself */
    AXIS_LOSS,   /* % */
    AXIS_CODE,   /* enum code */
    AXIS_LAYOUT, /* enum layout */
    AXIS_PARITY, /* % */
    AXES,
};

enum code { CODE_GAMESTREAM = 1, CODE_NONE, CODE_GF8, CODE_GF16 };

enum layout {
    LAYOUT_CONTIGUOUS = 1,
    LAYOUT_INTERLEAVED,
    LAYOUT_SINGLE, /* one block a frame: there is nothing to order */
};

struct options_list {
    uint32_t count;
    double at[OPTIONS_LIST_MAX];
};

struct options {
    struct options_list axes[AXES];
    struct options_list shards, bitrate_bps; /* other ways to give the frame sizes */
    double fps, wait_ms;
    double shard_bytes, max_block, pace_burst_bytes;
    double reorder_percent, duplicate_percent, reorder_ms;
    double frames, enough, target_percent, seed;
    const char *trace, *json, *svg; /* NULL: not given */
    bool encrypt, no_cpu, help, version;
    uint64_t given; /* bit i: row i of the table was on the command line */
};

/* Reads the arguments; strings are borrowed from argv. AXIS_FRAME is filled in from --shards or
 * --bitrate. LM_EINVAL: `error` is a sentence for the user. */
int options_parse(struct options *out, int argc, char **argv,
                  char error[OPTIONS_ERROR_BYTES]) LM_MUST_USE;

/* The text of --help, NUL-terminated; its length, LM_ELIMIT when it does not fit (never with
 * 16 KiB). */
int options_help(char *out, size_t capacity_bytes) LM_MUST_USE;

/* "gf16"; "interleaved", "-" for LAYOUT_SINGLE. Static storage. */
const char *options_code_name(enum code code);
const char *options_layout_name(enum layout layout);

#endif
