/* Preloaded into sway (1.7, wlroots 0.15) and nothing else: gives its headless outputs an exact
 * frame clock.
 *
 * Why: a headless output of wlroots ticks every floor(1000/Hz) ms plus the time it took to render,
 * so never at the asked rate; and what a client paints upon a tick is rendered at the next one, a
 * whole period late. And each screencopy request makes the compositor render once more, although
 * nothing changed.
 *
 * What: every call that matters crosses a library boundary or the PLT of libwlroots, so it can be
 * interposed by name; no private struct is touched.
 *  - The frame timer, the first one made inside wlr_headless_add_output, is never armed. Ticks come
 *    from a timerfd on the grid of frame_grid.h.
 *  - Frame callbacks are sent at ticks only. As a rule nothing is rendered at a tick, so the output
 *    is free when the clients' pictures arrive and wlroots renders each at once.
 *  - Damage that arrives while the output waits for its next frame event is rendered by an extra
 *    one, at the earliest a quarter of a period after the tick and at most once per period.
 *  - A frame that was asked for without any damage (screencopy does) waits until the output has
 *    been quiet for two periods; it then serves the first capture of a still picture.
 *  - A quiet output ticks four times a second only, in case something above was overlooked.
 *
 * When libwlroots does not behave like that (another build), nothing is adopted, the status file
 * is not written, and the compositor runs on its own clock. Everything happens on sway's one
 * thread. */
#include "host/display/frame_grid.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { CLOCKS_MAX = 8, READABLE = 1 /* WL_EVENT_READABLE */ };
#define QUIET_TICK_NS UINT64_C(250000000)

struct wl_event_loop;
struct wl_event_source;
struct wlr_output;
struct wlr_backend;
struct wlr_surface;
struct wlr_output_damage; /* its first member is the output */
struct pixman_region32;
struct wlr_box;
typedef int (*timer_func)(void *data);
typedef int (*fd_func)(int fd, uint32_t mask, void *data);

enum due { DUE_NOTHING = 0, DUE_TICK = 1, DUE_LATE_DAMAGE };

struct clock {
    struct wl_event_source *timer; /* wlroots' own, never armed; NULL: slot is free */
    timer_func func;
    struct wlr_output *output; /* also func's data: the output is its first member */
    struct wl_event_source *source;
    int fd;
    uint64_t period_ns;
    enum due due; /* what fd is armed for */
    uint64_t due_ns;
    uint64_t commit_ns;    /* of the newest picture */
    uint64_t late_tick_ns; /* tick of the period whose extra frame was used */
    bool pending;          /* wlroots holds frames back until the next frame event */
    bool damaged;          /* while pending */
    bool tick_wanted;      /* somebody waits for a frame callback */
    bool frame_wanted;     /* somebody waits for a picture, changed or not */
};

static struct clock clocks[CLOCKS_MAX];

/* What is on sway's stack right now. */
static bool adding, mode_seen, ticking, in_frame;
static uint32_t adding_refresh_mhz;
static int in_commit, in_damage, in_schedule;

static uintptr_t sway_begin, sway_end; /* the program's own text */

EXPORT struct wl_event_source *wl_event_loop_add_timer(struct wl_event_loop *loop, timer_func func,
                                                       void *data);
EXPORT int wl_event_source_timer_update(struct wl_event_source *source, int delay_ms);
EXPORT int wl_event_source_remove(struct wl_event_source *source);
EXPORT struct wlr_output *wlr_headless_add_output(struct wlr_backend *backend, unsigned width,
                                                  unsigned height);
EXPORT void wlr_output_update_custom_mode(struct wlr_output *output, int32_t width, int32_t height,
                                          int32_t refresh_mhz);
EXPORT bool wlr_output_commit(struct wlr_output *output);
EXPORT void wlr_output_send_frame(struct wlr_output *output);
EXPORT void wlr_output_schedule_frame(struct wlr_output *output);
EXPORT void wlr_surface_send_frame_done(struct wlr_surface *surface, const struct timespec *when);
EXPORT void wlr_output_damage_add(struct wlr_output_damage *damage, struct pixman_region32 *region);
EXPORT void wlr_output_damage_add_whole(struct wlr_output_damage *damage);
EXPORT void wlr_output_damage_add_box(struct wlr_output_damage *damage, struct wlr_box *box);

/* The function that ours stands in front of. */
#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, #name)

static int find_program_text(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    (void)user;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X)) {
            sway_begin = info->dlpi_addr + p->p_vaddr;
            sway_end = sway_begin + p->p_memsz;
        }
    }
    return 1; /* the program is the first entry */
}

__attribute__((constructor)) static void start(void)
{
    unsetenv("LD_PRELOAD"); /* the desktop's programs are not to inherit it */
    dl_iterate_phdr(find_program_text, NULL);
}

static void write_status(void)
{
    const char *path = getenv("LUMEN_FRAME_CLOCK_STATUS");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct clock *clock_of_output(const struct wlr_output *output)
{
    for (int i = 0; i < CLOCKS_MAX; i++)
        if (clocks[i].timer && clocks[i].output == output)
            return &clocks[i];
    return NULL;
}

static struct clock *clock_of_timer(const struct wl_event_source *timer)
{
    for (int i = 0; i < CLOCKS_MAX; i++)
        if (timer && clocks[i].timer == timer)
            return &clocks[i];
    return NULL;
}

static void arm(struct clock *c, enum due due, uint64_t at_ns)
{
    if (c->due == due && c->due_ns == at_ns)
        return;
    c->due = due;
    c->due_ns = at_ns;
    const struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ns / 1000000000), .tv_nsec = (long)(at_ns % 1000000000)},
    };
    timerfd_settime(c->fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void arm_next(struct clock *c)
{
    uint64_t now = now_ns();
    uint64_t tick = frame_grid_floor_ns(now, c->period_ns);
    if (c->pending && c->damaged && c->late_tick_ns != tick) {
        uint64_t late = tick + c->period_ns / 4;
        if (c->due != DUE_LATE_DAMAGE || c->due_ns < tick)
            arm(c, DUE_LATE_DAMAGE, late > now ? late : now);
    } else if (c->pending || c->tick_wanted || c->frame_wanted) {
        arm(c, DUE_TICK, tick + c->period_ns);
    } else {
        arm(c, DUE_TICK, frame_grid_ceil_ns(now + QUIET_TICK_NS, c->period_ns));
    }
}

static bool quiet(const struct clock *c, uint64_t now)
{
    return now - c->commit_ns >= 2 * c->period_ns;
}

static void schedule(struct wlr_output *output)
{
    NEXT(wlr_output_schedule_frame);
    in_schedule++;
    next(output);
    in_schedule--;
}

static void run_frame(struct clock *c, bool with_callbacks)
{
    c->pending = false;
    c->damaged = false;
    ticking = with_callbacks;
    c->func(c->output);
    ticking = false;
}

static int on_due(int fd, uint32_t mask, void *data)
{
    struct clock *c = data;
    uint64_t expirations;
    (void)mask;
    if (read(fd, &expirations, sizeof expirations) != (ssize_t)sizeof expirations)
        return 0;
    uint64_t now = now_ns(), tick = frame_grid_floor_ns(now, c->period_ns);
    bool late = c->due == DUE_LATE_DAMAGE && tick <= c->due_ns;
    c->due = DUE_NOTHING;
    if (late) {
        c->late_tick_ns = tick;
        run_frame(c, false);
    } else {
        c->tick_wanted = false;
        if (c->frame_wanted && quiet(c, now)) {
            c->frame_wanted = false;
            c->pending = false;
            schedule(c->output);
        }
        run_frame(c, true);
    }
    arm_next(c);
    return 0;
}

static void adopt(struct wl_event_loop *loop, struct wl_event_source *timer, timer_func func,
                  void *data)
{
    struct clock *c = NULL;
    for (int i = 0; i < CLOCKS_MAX && !c; i++)
        if (!clocks[i].timer)
            c = &clocks[i];
    struct wl_event_source *(*add_fd)(struct wl_event_loop *, int, uint32_t, fd_func, void *);
    *(void **)&add_fd = dlsym(RTLD_DEFAULT, "wl_event_loop_add_fd");
    if (!c || !add_fd)
        return;
    memset(c, 0, sizeof *c);
    c->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (c->fd < 0)
        return;
    c->source = add_fd(loop, c->fd, READABLE, on_due, c);
    if (!c->source) {
        close(c->fd);
        return;
    }
    c->func = func;
    c->output = data;
    c->period_ns = frame_grid_period_ns(adding_refresh_mhz);
    c->timer = timer;
    write_status();
}

struct wl_event_source *wl_event_loop_add_timer(struct wl_event_loop *loop, timer_func func,
                                                void *data)
{
    NEXT(wl_event_loop_add_timer);
    struct wl_event_source *timer = next(loop, func, data);
    /* Without mode_seen libwlroots does not call itself through the PLT. */
    if (timer && adding && mode_seen)
        adopt(loop, timer, func, data);
    adding = false; /* the compositor's own timers come later in the same call */
    return timer;
}

int wl_event_source_timer_update(struct wl_event_source *source, int delay_ms)
{
    NEXT(wl_event_source_timer_update);
    struct clock *c = clock_of_timer(source);
    if (!c)
        return next(source, delay_ms);
    if (c->due == DUE_NOTHING)
        arm_next(c);
    return 0;
}

int wl_event_source_remove(struct wl_event_source *source)
{
    NEXT(wl_event_source_remove);
    struct clock *c = clock_of_timer(source);
    if (c) {
        next(c->source);
        close(c->fd);
        c->timer = NULL;
    }
    return next(source);
}

struct wlr_output *wlr_headless_add_output(struct wlr_backend *backend, unsigned width,
                                           unsigned height)
{
    NEXT(wlr_headless_add_output);
    adding = true;
    mode_seen = false;
    struct wlr_output *output = next(backend, width, height);
    adding = false;
    return output;
}

void wlr_output_update_custom_mode(struct wlr_output *output, int32_t width, int32_t height,
                                   int32_t refresh_mhz)
{
    NEXT(wlr_output_update_custom_mode);
    struct clock *c = clock_of_output(output);
    if (refresh_mhz > 0 && adding) {
        mode_seen = true;
        adding_refresh_mhz = (uint32_t)refresh_mhz;
    } else if (refresh_mhz > 0 && c) {
        c->period_ns = frame_grid_period_ns((uint32_t)refresh_mhz);
        arm_next(c);
    }
    next(output, width, height, refresh_mhz);
}

bool wlr_output_commit(struct wlr_output *output)
{
    NEXT(wlr_output_commit);
    struct clock *c = clock_of_output(output);
    in_commit++;
    bool done = next(output);
    in_commit--;
    if (c && done) {
        c->pending = true;
        c->damaged = false;
        c->commit_ns = now_ns();
        arm_next(c);
    }
    return done;
}

void wlr_output_send_frame(struct wlr_output *output)
{
    NEXT(wlr_output_send_frame);
    bool outer = in_frame;
    in_frame = clock_of_output(output) != NULL;
    next(output);
    in_frame = outer;
}

/* A commit sends the callback of the pointer's picture, and nobody else ever does. */
void wlr_surface_send_frame_done(struct wlr_surface *surface, const struct timespec *when)
{
    NEXT(wlr_surface_send_frame_done);
    if (!in_frame || ticking || in_commit)
        next(surface, when);
}

void wlr_output_schedule_frame(struct wlr_output *output)
{
    struct clock *c = clock_of_output(output);
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    if (!c || in_schedule) {
        schedule(output);
    } else if (in_damage) {
        schedule(output);
        if (c->pending) {
            c->damaged = true;
            arm_next(c);
        }
    } else if (caller >= sway_begin && caller < sway_end) {
        c->tick_wanted = true; /* a surface wants its callback */
        arm_next(c);
    } else if (!c->pending && quiet(c, now_ns())) {
        schedule(output);
    } else {
        c->frame_wanted = true;
        arm_next(c);
    }
}

void wlr_output_damage_add(struct wlr_output_damage *damage, struct pixman_region32 *region)
{
    NEXT(wlr_output_damage_add);
    static int (*not_empty)(struct pixman_region32 *);
    if (!not_empty)
        *(void **)&not_empty = dlsym(RTLD_DEFAULT, "pixman_region32_not_empty");
    if (not_empty && !not_empty(region))
        return; /* it would only make the compositor render the same again */
    in_damage++;
    next(damage, region);
    in_damage--;
}

void wlr_output_damage_add_whole(struct wlr_output_damage *damage)
{
    NEXT(wlr_output_damage_add_whole);
    in_damage++;
    next(damage);
    in_damage--;
}

void wlr_output_damage_add_box(struct wlr_output_damage *damage, struct wlr_box *box)
{
    NEXT(wlr_output_damage_add_box);
    in_damage++;
    next(damage, box);
    in_damage--;
}
