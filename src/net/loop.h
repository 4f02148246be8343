/* The event loop of the control plane. One loop belongs to one thread (main); everything here is
 * called on that thread except where it says "any thread". Callbacks may start, stop and destroy
 * any timer, watch or signal, their own included; an inbox is not destroyed by its own tasks. */
#ifndef LUMEN_NET_LOOP_H
#define LUMEN_NET_LOOP_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_watch;
struct loop_signal;
struct loop_inbox;

/* `log` is borrowed and may be NULL. libevent's own messages are silenced. NULL on no memory. */
struct loop *loop_create(const struct lm_log *log);

/* After every object made on it is destroyed. NULL-safe. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(). LM_EIO when the system's polling fails. */
int loop_run(struct loop *loop) LM_MUST_USE;

/* Runs callbacks that are due; waits for the first at most `max_wait_ns`. For tests and for
 * programs with a loop of their own. */
int loop_step(struct loop *loop, uint64_t max_wait_ns) LM_MUST_USE;

/* Loop thread. loop_run() returns after the current callback. */
void loop_stop(struct loop *loop);

/* Borrowed, for net/ only. */
struct event_base *loop_base(struct loop *loop);
const struct lm_log *loop_log(const struct loop *loop);

/* Timers. Created stopped; starting again moves the expiry. NULL on no memory. */
struct loop_timer *loop_timer_create(struct loop *loop, void (*fire)(void *user), void *user);
void loop_timer_start_once(struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_start_every(struct loop_timer *timer, uint64_t period_ns);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_destroy(struct loop_timer *timer);

enum loop_ready { LOOP_READABLE = 1, LOOP_WRITABLE = 2 }; /* a set of bits */

/* Calls `ready` whenever the descriptor (borrowed; outlives the watch) has one of `events`. */
struct loop_watch *loop_watch_create(struct loop *loop, int fd, unsigned events,
                                     void (*ready)(void *user, unsigned events), void *user);
void loop_watch_destroy(struct loop_watch *watch);

/* POSIX signals (SIGINT, SIGTERM, SIGCHLD), delivered as an ordinary callback. */
struct loop_signal *loop_signal_create(struct loop *loop, int signal_number,
                                       void (*fire)(void *user, int signal_number), void *user);
void loop_signal_destroy(struct loop_signal *signal);

struct loop_task {
    void (*run)(void *user, uint64_t arg);
    void *user;
    uint64_t arg;
};

/* An inbox carries tasks from exactly one other thread to the loop thread. `capacity` is a power of
 * two. Tasks still waiting at destroy are dropped. */
struct loop_inbox *loop_inbox_create(struct loop *loop, uint32_t capacity);
void loop_inbox_destroy(struct loop_inbox *inbox);

/* The producer thread of this inbox. Never blocks or allocates. LM_EFULL when there is no room. */
int loop_inbox_post(struct loop_inbox *inbox, const struct loop_task *task) LM_MUST_USE;

#endif
