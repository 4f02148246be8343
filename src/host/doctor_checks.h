/* What the parts of the doctor share. */
#ifndef LUMEN_HOST_DOCTOR_CHECKS_H
#define LUMEN_HOST_DOCTOR_CHECKS_H

#include "host/config.h"
#include "host/paths.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum doctor_level { DOCTOR_OK = 1, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
    const struct config *config;
    const struct paths *paths;
    FILE *out;
    const char *search_path; /* like PATH: the directories of programs */
    const char *what;        /* the check that runs */
    bool host_runs;          /* found by the state check: its ports are rightly taken */
    enum doctor_level worst;
};

struct doctor_check {
    const char *name;
    void (*run)(struct doctor *d);
};

/* --- doctor_report.c ------------------------------------------------------------------------- */

/* One line of the check that runs; `advice` NULL when there is nothing to do. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *advice, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* Runs the checks in order, prints a closing line, and returns the exit status. */
int doctor_run_checks(struct doctor *d, const struct doctor_check *checks, size_t count);

/* --- doctor_system.c: files, user, processor ------------------------------------------------- */

void doctor_check_config(struct doctor *d);
void doctor_check_state(struct doctor *d); /* before those that ask host_runs */
void doctor_check_runtime(struct doctor *d);
void doctor_check_user(struct doctor *d);
void doctor_check_processor(struct doctor *d);
void doctor_check_priority(struct doctor *d);
void doctor_check_disk(struct doctor *d);
void doctor_check_clock(struct doctor *d);

/* --- doctor_net.c ---------------------------------------------------------------------------- */

void doctor_check_ports(struct doctor *d);
void doctor_check_ipv6(struct doctor *d);
void doctor_check_discovery(struct doctor *d);
void doctor_check_buffers(struct doctor *d);

enum doctor_port { DOCTOR_PORT_FREE = 1, DOCTOR_PORT_TAKEN, DOCTOR_PORT_FORBIDDEN };

/* Whether a socket of `type` (SOCK_STREAM, SOCK_DGRAM) can have `port` on every address. */
enum doctor_port doctor_probe_port(int type, uint16_t port);

/* "NAME (process N)" of who has `port`, as far as /proc shows it to this user. */
bool doctor_port_owner(int type, uint16_t port, char *out, size_t out_bytes);

/* --- doctor_programs.c ----------------------------------------------------------------------- */

void doctor_check_sway(struct doctor *d);
void doctor_check_xwayland(struct doctor *d);
void doctor_check_bus(struct doctor *d);
void doctor_check_sound(struct doctor *d);
void doctor_check_desktop(struct doctor *d);
void doctor_check_apps(struct doctor *d);

/* The program that the shell command line `command` starts with, looked for in `search_path`
 * unless it has a slash; its path in `found`. `command` must not be empty. */
bool doctor_find_program(const char *search_path, const char *command, char *found,
                         size_t found_bytes);

/* The first line of what `path` prints with `argument`. False when it cannot be run, prints
 * nothing, or takes longer than `limit_ms` (it is then killed). */
bool doctor_first_line(const char *path, const char *argument, int limit_ms, char *out,
                       size_t out_bytes);

/* --- doctor_backends.c ----------------------------------------------------------------------- */

void doctor_check_display(struct doctor *d);
void doctor_check_encoder(struct doctor *d);

#endif
