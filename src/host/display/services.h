/* The servers of a session's desktop: compositor, D-Bus, sound. The supervisor makes their sockets
 * before it starts them, so all start at once and a client merely waits; a server that dies is
 * started again on the same socket. The supervisor's one thread. */
#ifndef LUMEN_HOST_DISPLAY_SERVICES_H
#define LUMEN_HOST_DISPLAY_SERVICES_H

#include <stdbool.h>
#include <sys/types.h>

enum service_kind {
    SERVICE_COMPOSITOR = 0,
    SERVICE_BUS,
    SERVICE_SOUND,
    SERVICE_SOUND_POLICY,
    SERVICE_SOUND_PULSE,
    SERVICES
};

struct service {
    pid_t pid; /* 0: not running */
    int listen_fd;
    unsigned starts;
};

struct services {
    const char *dir;
    const char *frame_clock; /* library for the compositor; NULL: none */
    int output_fd[2];        /* where the compositor and the others write */
    struct service each[SERVICES];
};

enum { SERVICE_STARTS_MAX = 4 };

const char *service_name(enum service_kind kind);

/* Sets this process's environment to that of programs on the desktop in `dir`. */
void services_environment(const char *dir, bool sound);

/* Sockets; false when one cannot be made. */
bool services_listen(struct services *s, bool sound);

/* False when it cannot fork; a program that is missing exits with 127. */
bool services_start(struct services *s, enum service_kind kind);

/* In a child just forked: undoes what the supervisor set for itself. stdin is /dev/null. */
void services_become_child(int output_fd);

/* Removes what a killed compositor leaves in /tmp for its X server. */
void services_remove_x11(pid_t compositor);

#endif
