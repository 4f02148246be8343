/* The configuration of lumen-host: read once at start from one INI file, const afterwards. One
 * table (config.c) holds each key's section, type, range, default and help; the parser, --help,
 * the manual page and the annotated default file all come from it. */
#ifndef LUMEN_HOST_CONFIG_H
#define LUMEN_HOST_CONFIG_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_MAX_APPS = 64, CONFIG_TEXT_BYTES = 512, CONFIG_NAME_BYTES = 64 };

enum config_encryption {
    CONFIG_ENCRYPTION_AUTO = 1, /* the control channel always; all of it beyond the local network */
    CONFIG_ENCRYPTION_ALL,      /* ask clients to encrypt everything */
    CONFIG_ENCRYPTION_REQUIRED, /* refuse clients that do not */
};

enum config_listen { CONFIG_LISTEN_ALL = 1, CONFIG_LISTEN_LOOPBACK };

enum config_networks { CONFIG_NETWORKS_LOCAL = 1, CONFIG_NETWORKS_ANY };

enum config_on_exit { CONFIG_ON_EXIT_END = 1, CONFIG_ON_EXIT_KEEP };

struct config_app {
    char name[CONFIG_NAME_BYTES];
    char
        command[CONFIG_TEXT_BYTES]; /* run by /bin/sh -c on the session's desktop; "" for Desktop */
    char art[CONFIG_TEXT_BYTES];    /* PNG file, or "" */
    int32_t on_exit;                /* enum config_on_exit */
};

struct config {
    char name[CONFIG_NAME_BYTES]; /* shown to clients; "" means the machine's name */
    int32_t port;
    int32_t listen; /* enum config_listen */
    int32_t max_sessions;
    int32_t grace_s; /* -1: until released */
    bool discovery;
    int32_t log_level; /* enum lm_log_level */

    int32_t pairing_networks; /* enum config_networks */
    int32_t pairing_max_failures;

    int32_t encryption; /* enum config_encryption */
    int32_t fec_percent;
    int32_t max_bitrate_kbps;
    int32_t pace_mbps;
    char encoder[CONFIG_NAME_BYTES]; /* "auto" or a backend's name */
    int32_t encoder_threads;
    int32_t slices;

    bool sound;
    char display[CONFIG_NAME_BYTES]; /* "auto" or a backend's name */
    bool xwayland;
    char terminal[CONFIG_TEXT_BYTES];
    char launcher[CONFIG_TEXT_BYTES];
    char keyboard_layout[CONFIG_NAME_BYTES];

    struct config_app
        apps[CONFIG_MAX_APPS]; /* the first is Desktop unless [app:Desktop] says else */
    size_t app_count;
};

/* Every key at its default; the one application Desktop. */
void config_defaults(struct config *config);

/* Reads `path` over the defaults. A missing file is LM_ENOENT (and leaves the defaults). Any error
 * writes one sentence that names file, line, key and range into `error`. LM_EINVAL, LM_EIO. */
int config_load(struct config *config, const char *path, char *error,
                size_t error_bytes) LM_MUST_USE;

/* The same from memory, `name` standing for the file in messages. */
int config_parse(struct config *config, const char *name, const char *text, char *error,
                 size_t error_bytes) LM_MUST_USE;

/* The table in three dresses. */
void config_print_help(FILE *out);
void config_print_default_file(FILE *out);
void config_print_manual(FILE *out); /* roff: the FILES and keys sections of lumen-host.1 */

#endif
