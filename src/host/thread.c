#include "host/thread.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void *run(void *arg)
{
    struct thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    if (t->nice) /* on Linux this is per thread; refused without CAP_SYS_NICE or an rlimit */
        setpriority(PRIO_PROCESS, (id_t)gettid(), t->nice);
    t->body(t->user);
    return NULL;
}

int thread_start(struct thread *t, const char *name, int nice, void (*body)(void *user), void *user)
{
    *t = (struct thread){.body = body, .user = user, .nice = nice};
    snprintf(t->name, sizeof t->name, "%s", name);
    /* Signals are main's: it waits for them on a descriptor. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->id, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    t->running = !failed;
    return failed ? LM_ENOMEM : LM_OK;
}

void thread_join(struct thread *t)
{
    if (!t->running)
        return;
    pthread_join(t->id, NULL);
    t->running = false;
}
