#include "window.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "xdg-shell-client-protocol.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

enum { FALLBACK_WIDTH = 1280, FALLBACK_HEIGHT = 720 };

static void wm_ping(void *data, struct xdg_wm_base *wm, uint32_t serial)
{
    xdg_wm_base_pong(wm, serial);
}

static const struct xdg_wm_base_listener wm_listener = {.ping = wm_ping};

static void registry_global(void *data, struct wl_registry *registry, uint32_t global,
                            const char *interface, uint32_t version)
{
    struct window *w = data;
    const struct {
        const struct wl_interface *interface;
        uint32_t version;
        void **bound;
    } wants[] = {
        {&wl_compositor_interface, 4, (void **)&w->compositor},
        {&wl_shm_interface, 1, (void **)&w->shm},
        {&wl_seat_interface, 5, (void **)&w->seat},
        {&xdg_wm_base_interface, 1, (void **)&w->wm},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(wants); i++)
        if (!*wants[i].bound && !strcmp(interface, wants[i].interface->name) &&
            version >= wants[i].version)
            *wants[i].bound =
                wl_registry_bind(registry, global, wants[i].interface, wants[i].version);
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t global)
{
}

static const struct wl_registry_listener registry_listener = {
    .global = registry_global,
    .global_remove = registry_global_remove,
};

static void surface_configure(void *data, struct xdg_surface *surface, uint32_t serial)
{
    struct window *w = data;
    xdg_surface_ack_configure(surface, serial);
    w->configured = true;
}

static const struct xdg_surface_listener surface_listener = {.configure = surface_configure};

static void toplevel_configure(void *data, struct xdg_toplevel *toplevel, int32_t width,
                               int32_t height, struct wl_array *states)
{
    struct window *w = data;
    if (width <= 0 || height <= 0)
        return;
    w->next_width = (uint32_t)width;
    w->next_height = (uint32_t)height;
}

static void toplevel_close(void *data, struct xdg_toplevel *toplevel)
{
    struct window *w = data;
    w->closed = true;
}

static const struct xdg_toplevel_listener toplevel_listener = {
    .configure = toplevel_configure,
    .close = toplevel_close,
};

static void buffer_release(void *data, struct wl_buffer *proxy)
{
    struct window_buffer *buffer = data;
    buffer->busy = false;
}

static const struct wl_buffer_listener buffer_listener = {.release = buffer_release};

static void frame_done(void *data, struct wl_callback *callback, uint32_t time)
{
    struct window *w = data;
    wl_callback_destroy(callback);
    w->frame = NULL;
}

static const struct wl_callback_listener frame_listener = {.done = frame_done};

static void drop_buffers(struct window *w)
{
    for (int i = 0; i < WINDOW_BUFFERS; i++)
        if (w->buffers[i].proxy)
            wl_buffer_destroy(w->buffers[i].proxy);
    memset(w->buffers, 0, sizeof w->buffers);
    if (w->memory)
        munmap(w->memory, w->memory_bytes);
    w->memory = NULL;
    w->width = w->height = 0;
    paint_finish(&w->paint);
}

static int make_buffers(struct window *w, int fd, size_t buffer_bytes)
{
    if (ftruncate(fd, (off_t)w->memory_bytes) < 0)
        return LM_EIO;
    void *memory =
        mmap(NULL, w->memory_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED)
        return LM_ENOMEM;
    w->memory = memory;
    struct wl_shm_pool *pool = wl_shm_create_pool(w->shm, fd, (int32_t)w->memory_bytes);
    for (int i = 0; i < WINDOW_BUFFERS; i++) {
        struct window_buffer *buffer = &w->buffers[i];
        size_t offset = (size_t)i * buffer_bytes;
        buffer->proxy =
            wl_shm_pool_create_buffer(pool, (int32_t)offset, (int32_t)w->width, (int32_t)w->height,
                                      (int32_t)w->width * 4, WL_SHM_FORMAT_XRGB8888);
        wl_buffer_add_listener(buffer->proxy, &buffer_listener, buffer);
        buffer->pixels = (uint32_t *)(void *)(w->memory + offset);
        paint_background(&w->paint, buffer->pixels);
    }
    wl_shm_pool_destroy(pool);
    return LM_OK;
}

static int resize(struct window *w)
{
    uint32_t width = w->next_width, height = w->next_height;
    drop_buffers(w);
    size_t buffer_bytes = (size_t)width * height * 4;
    if (width > IMAGE_MAX_WIDTH || height > IMAGE_MAX_HEIGHT ||
        buffer_bytes * WINDOW_BUFFERS > INT32_MAX)
        return LM_ELIMIT;
    int rc = paint_init(&w->paint, w->motion, width, height);
    if (rc < 0)
        return rc;
    int fd = memfd_create("painted-clock", MFD_CLOEXEC);
    if (fd < 0)
        return LM_EIO;
    w->width = width;
    w->height = height;
    w->memory_bytes = buffer_bytes * WINDOW_BUFFERS;
    rc = make_buffers(w, fd, buffer_bytes);
    close(fd);
    struct wl_region *opaque = wl_compositor_create_region(w->compositor);
    wl_region_add(opaque, 0, 0, (int32_t)width, (int32_t)height);
    wl_surface_set_opaque_region(w->surface, opaque);
    wl_region_destroy(opaque);
    return rc;
}

static struct window_buffer *free_buffer(struct window *w)
{
    for (int i = 0; i < WINDOW_BUFFERS; i++)
        if (!w->buffers[i].busy)
            return &w->buffers[i];
    return NULL;
}

bool window_can_paint(const struct window *window)
{
    bool free = false;
    for (int i = 0; i < WINDOW_BUFFERS; i++)
        free |= !window->buffers[i].busy;
    return window->configured && free;
}

int window_paint(struct window *window)
{
    bool resized = window->width != window->next_width || window->height != window->next_height;
    int rc = resized ? resize(window) : LM_OK;
    struct window_buffer *buffer = free_buffer(window);
    if (rc < 0 || !buffer)
        return rc < 0 ? rc : LM_EAGAIN;

    struct image_rect rects[2];
    int count =
        paint_picture(&window->paint, buffer->pixels, window->counter++, lm_clock_now_ns(), rects);
    if (resized) {
        rects[0] = (struct image_rect){0, 0, window->width, window->height};
        count = 1;
    }
    wl_surface_attach(window->surface, buffer->proxy, 0, 0);
    for (int i = 0; i < count; i++)
        wl_surface_damage_buffer(window->surface, (int32_t)rects[i].x, (int32_t)rects[i].y,
                                 (int32_t)rects[i].width, (int32_t)rects[i].height);
    if (!window->frame) {
        window->frame = wl_surface_frame(window->surface);
        wl_callback_add_listener(window->frame, &frame_listener, window);
    }
    wl_surface_commit(window->surface);
    buffer->busy = true;
    return LM_OK;
}

int window_wait(struct window *window, uint64_t deadline_ns)
{
    while (wl_display_prepare_read(window->display) < 0)
        if (wl_display_dispatch_pending(window->display) < 0)
            return LM_ECLOSED;
    if (wl_display_flush(window->display) < 0 && errno != EAGAIN) {
        wl_display_cancel_read(window->display);
        return LM_ECLOSED;
    }
    uint64_t now_ns = lm_clock_now_ns();
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ns / LM_NS_PER_S),
                            .tv_nsec = (long)(left_ns % LM_NS_PER_S)};
    struct pollfd fd = {.fd = wl_display_get_fd(window->display), .events = POLLIN};
    if (ppoll(&fd, 1, deadline_ns == LM_TIME_MAX ? NULL : &left, NULL) > 0) {
        if (wl_display_read_events(window->display) < 0)
            return LM_ECLOSED;
    } else {
        wl_display_cancel_read(window->display);
    }
    if (wl_display_dispatch_pending(window->display) < 0)
        return LM_ECLOSED;
    return window->closed ? LM_ECLOSED : LM_OK;
}

static int make_surface(struct window *w)
{
    w->surface = wl_compositor_create_surface(w->compositor);
    w->xdg_surface = xdg_wm_base_get_xdg_surface(w->wm, w->surface);
    w->toplevel = xdg_surface_get_toplevel(w->xdg_surface);
    xdg_wm_base_add_listener(w->wm, &wm_listener, w);
    xdg_surface_add_listener(w->xdg_surface, &surface_listener, w);
    xdg_toplevel_add_listener(w->toplevel, &toplevel_listener, w);
    xdg_toplevel_set_title(w->toplevel, "painted-clock");
    xdg_toplevel_set_app_id(w->toplevel, "painted-clock");
    xdg_toplevel_set_fullscreen(w->toplevel, NULL);
    wl_surface_commit(w->surface);
    return LM_OK;
}

int window_open(struct window *window, enum paint_motion motion, FILE *event_log)
{
    *window = (struct window){
        .motion = motion, .next_width = FALLBACK_WIDTH, .next_height = FALLBACK_HEIGHT};
    window->display = wl_display_connect(NULL);
    if (!window->display)
        return LM_EDEVICE;
    window->registry = wl_display_get_registry(window->display);
    wl_registry_add_listener(window->registry, &registry_listener, window);
    if (wl_display_roundtrip(window->display) < 0)
        return LM_EDEVICE;
    if (!window->compositor || !window->shm || !window->wm)
        return LM_EDEVICE;
    int rc = events_init(&window->events, window->seat, event_log);
    return rc < 0 ? rc : make_surface(window);
}

void window_close(struct window *window)
{
    if (!window->display)
        return;
    events_finish(&window->events);
    drop_buffers(window);
    if (window->frame)
        wl_callback_destroy(window->frame);
    if (window->surface) {
        xdg_toplevel_destroy(window->toplevel);
        xdg_surface_destroy(window->xdg_surface);
        wl_surface_destroy(window->surface);
    }
    if (window->seat)
        wl_seat_destroy(window->seat);
    if (window->wm)
        xdg_wm_base_destroy(window->wm);
    if (window->shm)
        wl_shm_destroy(window->shm);
    if (window->compositor)
        wl_compositor_destroy(window->compositor);
    wl_registry_destroy(window->registry);
    wl_display_disconnect(window->display);
    memset(window, 0, sizeof *window);
}
