/* A named thread with one body. Latency-bound ones ask for a better nice value, which the system
 * may refuse without harm. */
#ifndef LUMEN_HOST_THREAD_H
#define LUMEN_HOST_THREAD_H

#include "core/base/err.h"

#include <pthread.h>
#include <stdbool.h>

struct thread {
    pthread_t id;
    bool running;
    void (*body)(void *user);
    void *user;
    char name[16];
    int nice;
};

/* `name` at most 15 bytes. The struct must stay in place until thread_join. LM_ENOMEM. */
int thread_start(struct thread *t, const char *name, int nice, void (*body)(void *user),
                 void *user) LM_MUST_USE;

/* Waits for the body to return; nothing to do for a zeroed struct. */
void thread_join(struct thread *t);

#endif
