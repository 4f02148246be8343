#include "host/capture/wlconn.h"

#include "core/base/check.h"
#include "core/transport/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <wayland-client.h>

/* wl_output tells its name from this version on. */
enum { OUTPUT_VERSION = 4 };

/* libwayland would print to stderr; what matters is reported by wlconn_pump's result. */
static void drop_log(const char *format, va_list args)
{
}

static void output_geometry(void *data, struct wl_output *output, int32_t x, int32_t y,
                            int32_t mm_w, int32_t mm_h, int32_t subpixel, const char *make,
                            const char *model, int32_t transform)
{
}

static void output_mode(void *data, struct wl_output *output, uint32_t flags, int32_t width,
                        int32_t height, int32_t refresh)
{
    struct wlconn_output *out = data;
    if (!(flags & WL_OUTPUT_MODE_CURRENT) || width <= 0 || height <= 0)
        return;
    out->width = (uint32_t)width;
    out->height = (uint32_t)height;
}

static void output_done(void *data, struct wl_output *output)
{
}

static void output_scale(void *data, struct wl_output *output, int32_t factor)
{
}

static void output_name(void *data, struct wl_output *output, const char *name)
{
    struct wlconn_output *out = data;
    snprintf(out->name, sizeof out->name, "%s", name);
}

static void output_description(void *data, struct wl_output *output, const char *description)
{
}

static const struct wl_output_listener output_listener = {
    .geometry = output_geometry,
    .mode = output_mode,
    .done = output_done,
    .scale = output_scale,
    .name = output_name,
    .description = output_description,
};

static void bind_output(struct wlconn *conn, uint32_t global)
{
    if (conn->output_count == WLCONN_MAX_OUTPUTS)
        return;
    struct wlconn_output *out = &conn->outputs[conn->output_count];
    out->proxy = wl_registry_bind(conn->registry, global, &wl_output_interface, OUTPUT_VERSION);
    if (!out->proxy)
        return;
    out->global = global;
    wl_output_add_listener(out->proxy, &output_listener, out);
    conn->output_count++;
}

static void registry_global(void *data, struct wl_registry *registry, uint32_t global,
                            const char *interface, uint32_t version)
{
    struct wlconn *conn = data;
    /* What comes later is none of ours. */
    if (!conn->opening)
        return;
    if (!strcmp(interface, wl_output_interface.name) && version >= OUTPUT_VERSION)
        bind_output(conn, global);
    for (uint32_t i = 0; i < conn->want_count; i++) {
        const struct wlconn_want *want = &conn->wants[i];
        if (*want->bound || strcmp(interface, want->interface->name) || version < want->min_version)
            continue;
        *want->bound =
            wl_registry_bind(registry, global, want->interface, LM_MIN(version, want->max_version));
    }
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t global)
{
    struct wlconn *conn = data;
    if (conn->output && conn->output->global == global)
        conn->output_lost = true;
}

static const struct wl_registry_listener registry_listener = {
    .global = registry_global,
    .global_remove = registry_global_remove,
};

/* Not wl_display_connect: that one prefers the environment to its argument. */
static int connect_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int wlconn_fd(const struct wlconn *conn)
{
    return wl_display_get_fd(conn->display);
}

int wlconn_flush(struct wlconn *conn)
{
    /* A full socket means a compositor that does not read: what is left goes out later. */
    if (wl_display_flush(conn->display) < 0 && errno != EAGAIN)
        return LM_EDEVICE;
    return wl_display_get_error(conn->display) ? LM_EDEVICE : LM_OK;
}

int wlconn_pump(struct wlconn *conn)
{
    while (wl_display_prepare_read(conn->display) < 0)
        if (wl_display_dispatch_pending(conn->display) < 0)
            return LM_EDEVICE;
    /* Reads with MSG_DONTWAIT; nothing there is no error. */
    if (wl_display_read_events(conn->display) < 0)
        return LM_EDEVICE;
    if (wl_display_dispatch_pending(conn->display) < 0 || conn->output_lost)
        return LM_EDEVICE;
    return wlconn_flush(conn);
}

int wlconn_wait(struct wlconn *conn, const bool *done, uint64_t deadline_ns)
{
    for (;;) {
        int rc = wlconn_pump(conn);
        if (rc < 0 || *done)
            return rc;
        uint64_t now_ns = lm_clock_now_ns();
        if (now_ns >= deadline_ns)
            return LM_ETIMEOUT;
        struct pollfd poll_fd = {.fd = wlconn_fd(conn), .events = POLLIN};
        struct timespec left = {.tv_sec = (time_t)((deadline_ns - now_ns) / LM_NS_PER_S),
                                .tv_nsec = (long)((deadline_ns - now_ns) % LM_NS_PER_S)};
        if (ppoll(&poll_fd, 1, &left, NULL) < 0 && errno != EINTR)
            return LM_EIO;
    }
}

static void sync_done(void *data, struct wl_callback *callback, uint32_t serial)
{
    bool *done = data;
    *done = true;
}

static const struct wl_callback_listener sync_listener = {.done = sync_done};

static int roundtrip(struct wlconn *conn, uint64_t deadline_ns)
{
    bool done = false;
    struct wl_callback *callback = wl_display_sync(conn->display);
    if (!callback)
        return LM_ENOMEM;
    wl_callback_add_listener(callback, &sync_listener, &done);
    int rc = wlconn_wait(conn, &done, deadline_ns);
    wl_callback_destroy(callback);
    return rc;
}

static int check_wants(const struct wlconn *conn, const struct wlconn_params *params)
{
    for (uint32_t i = 0; i < params->want_count; i++) {
        if (*params->wants[i].bound)
            continue;
        lm_warn(params->log, params->area, "the compositor has no %s of version %u",
                params->wants[i].interface->name, params->wants[i].min_version);
        return LM_EUNSUPPORTED;
    }
    return LM_OK;
}

static int pick_output(struct wlconn *conn, const struct wlconn_params *params)
{
    for (uint32_t i = 0; i < conn->output_count; i++)
        if (params->output_name && !strcmp(conn->outputs[i].name, params->output_name))
            conn->output = &conn->outputs[i];
    if (conn->output && conn->output->width)
        return LM_OK;
    lm_warn(params->log, params->area, "the compositor has no output %s",
            params->output_name ? params->output_name : "without a name");
    return LM_EDEVICE;
}

static int open_display(struct wlconn *conn, const struct wlconn_params *params)
{
    int fd = connect_socket(params->socket);
    if (fd < 0) {
        lm_warn(params->log, params->area, "no compositor at %s: %s",
                params->socket ? params->socket : "(no path)", strerror(errno));
        return LM_EDEVICE;
    }
    conn->display = wl_display_connect_to_fd(fd);
    if (!conn->display) {
        close(fd);
        return LM_ENOMEM;
    }
    conn->registry = wl_display_get_registry(conn->display);
    if (!conn->registry)
        return LM_ENOMEM;
    wl_registry_add_listener(conn->registry, &registry_listener, conn);
    return LM_OK;
}

int wlconn_open(struct wlconn *conn, const struct wlconn_params *params)
{
    memset(conn, 0, sizeof *conn);
    for (uint32_t i = 0; i < params->want_count; i++)
        *params->wants[i].bound = NULL;
    wl_log_set_handler_client(drop_log);
    uint64_t deadline_ns = lm_clock_now_ns() + params->timeout_ns;
    int rc = open_display(conn, params);
    if (rc < 0)
        goto fail;
    conn->opening = true;
    conn->wants = params->wants;
    conn->want_count = params->want_count;
    /* The first tells the globals, the second what the bound ones say at once. */
    rc = roundtrip(conn, deadline_ns);
    conn->opening = false;
    if (rc == LM_OK)
        rc = check_wants(conn, params);
    if (rc == LM_OK)
        rc = roundtrip(conn, deadline_ns);
    if (rc == LM_OK)
        rc = pick_output(conn, params);
    if (rc == LM_OK)
        return LM_OK;
fail:
    for (uint32_t i = 0; i < params->want_count; i++) {
        if (*params->wants[i].bound)
            wl_proxy_destroy(*params->wants[i].bound);
        *params->wants[i].bound = NULL;
    }
    wlconn_close(conn);
    return rc;
}

void wlconn_close(struct wlconn *conn)
{
    if (!conn || !conn->display)
        return;
    for (uint32_t i = 0; i < conn->output_count; i++)
        wl_output_destroy(conn->outputs[i].proxy);
    if (conn->registry)
        wl_registry_destroy(conn->registry);
    wl_display_disconnect(conn->display);
    memset(conn, 0, sizeof *conn);
}
