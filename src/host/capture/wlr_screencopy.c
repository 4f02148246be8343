/* While slots are free, two requests are with the compositor. It answers the older one with the
 * next picture that differs from the last one copied; the other one keeps it from handing a
 * full-screen program's buffer straight to the output in the moment until the next request
 * arrives, after which it would report everything as damaged. Requests are sent without waiting
 * for the compositor's word on the buffer, which cannot change without this capture ending; that
 * saves a round trip and two context switches per image. Our code allocates nothing per image;
 * libwayland makes 13 small allocations (2 KiB) for proxies and messages. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/capture/backends.h"
#include "host/capture/slots.h"
#include "host/capture/wlconn.h"
#include "wlr-screencopy-unstable-v1-client-protocol.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

#define AREA            "capture"
#define OPEN_TIMEOUT_NS (5 * LM_NS_PER_S)

struct shape {
    uint32_t format, width, height, stride_bytes;
};

enum { REQUESTS = 2 };

/* One copy that the compositor was asked for. */
struct request {
    struct wlr_capture *capture;
    struct zwlr_screencopy_frame_v1 *frame; /* NULL: not in use */
    int slot;                               /* -1: only to learn the shape */
    struct image_rect damage;
    bool inverted, ready;
    uint64_t captured_ns;
};

struct wlr_capture {
    struct capture base; /* first: the seam casts */
    const struct lm_log *log;
    struct wlconn conn;
    struct wl_shm *shm;
    struct zwlr_screencopy_manager_v1 *manager;
    struct shape shape; /* of every buffer, from the first buffer event on */
    bool shaped;        /* shape is set */
    bool broken;        /* the output failed or is another one now */
    bool first_done;    /* an image was handed out */
    struct slots slots;
    struct wl_buffer *buffers[CAPTURE_SLOTS];
    size_t slot_bytes;
    struct request requests[REQUESTS]; /* used ones: from `oldest` on, round again */
    unsigned oldest;
};

static struct wlr_capture *downcast(struct capture *capture)
{
    LM_CHECK(capture->ops == &capture_wlr_screencopy);
    return (struct wlr_capture *)capture;
}

static void frame_buffer(void *data, struct zwlr_screencopy_frame_v1 *frame, uint32_t format,
                         uint32_t width, uint32_t height, uint32_t stride_bytes)
{
    struct wlr_capture *c = ((struct request *)data)->capture;
    struct shape shape = {format, width, height, stride_bytes};
    if (!c->shaped)
        c->shape = shape;
    else if (memcmp(&shape, &c->shape, sizeof shape))
        c->broken = true;
    c->shaped = true;
}

static void frame_flags(void *data, struct zwlr_screencopy_frame_v1 *frame, uint32_t flags)
{
    struct request *r = data;
    r->inverted = flags & ZWLR_SCREENCOPY_FRAME_V1_FLAGS_Y_INVERT;
}

static void frame_ready(void *data, struct zwlr_screencopy_frame_v1 *frame, uint32_t sec_hi,
                        uint32_t sec_lo, uint32_t nsec)
{
    struct request *r = data;
    r->captured_ns = ((uint64_t)sec_hi << 32 | sec_lo) * LM_NS_PER_S + nsec;
    r->ready = true;
}

static void frame_failed(void *data, struct zwlr_screencopy_frame_v1 *frame)
{
    struct request *r = data;
    r->capture->broken = true;
}

static void frame_damage(void *data, struct zwlr_screencopy_frame_v1 *frame, uint32_t x, uint32_t y,
                         uint32_t width, uint32_t height)
{
    struct request *r = data;
    uint32_t whole_width = r->capture->base.width, whole_height = r->capture->base.height;
    if (x >= whole_width || y >= whole_height)
        return;
    struct image_rect rect = {x, y, LM_MIN(width, whole_width - x),
                              LM_MIN(height, whole_height - y)};
    r->damage = image_rect_union(r->damage, rect);
}

static void frame_linux_dmabuf(void *data, struct zwlr_screencopy_frame_v1 *frame, uint32_t format,
                               uint32_t width, uint32_t height)
{
}

static void frame_buffer_done(void *data, struct zwlr_screencopy_frame_v1 *frame)
{
}

static const struct zwlr_screencopy_frame_v1_listener frame_listener = {
    .buffer = frame_buffer,
    .flags = frame_flags,
    .ready = frame_ready,
    .failed = frame_failed,
    .damage = frame_damage,
    .linux_dmabuf = frame_linux_dmabuf,
    .buffer_done = frame_buffer_done,
};

static int new_frame(struct wlr_capture *c, struct request *r, int slot)
{
    *r = (struct request){.capture = c, .slot = slot};
    r->frame = zwlr_screencopy_manager_v1_capture_output(c->manager, 1, c->conn.output->proxy);
    if (!r->frame)
        return LM_EDEVICE;
    zwlr_screencopy_frame_v1_add_listener(r->frame, &frame_listener, r);
    return LM_OK;
}

static void drop_frame(struct request *r)
{
    if (r->frame)
        zwlr_screencopy_frame_v1_destroy(r->frame);
    r->frame = NULL;
}

/* Asks for as many pictures as there are requests and free slots. */
static int ask(struct wlr_capture *c)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct request *r = &c->requests[(c->oldest + i) % REQUESTS];
        if (r->frame)
            continue;
        int slot = slots_take(&c->slots);
        if (slot < 0)
            break;
        int rc = new_frame(c, r, slot);
        if (rc < 0)
            return rc;
        zwlr_screencopy_frame_v1_copy_with_damage(r->frame, c->buffers[slot]);
    }
    return wlconn_flush(&c->conn);
}

/* Seldom: only some GPU renderers read back upside down. */
static void turn_over(struct image *image)
{
    size_t stride = image->stride_bytes[0];
    uint8_t *top = image->plane[0], *bottom = top + stride * (image->height - 1);
    for (; top < bottom; top += stride, bottom -= stride)
        for (size_t i = 0; i < stride; i++) {
            uint8_t byte = top[i];
            top[i] = bottom[i];
            bottom[i] = byte;
        }
}

/* The picture of the oldest request, or NULL while it waits. */
static struct image *take_image(struct wlr_capture *c, uint64_t now_ns)
{
    struct request *r = &c->requests[c->oldest];
    if (!r->frame || !r->ready)
        return NULL;
    struct image *image = &c->slots.images[r->slot];
    struct image_rect whole = {0, 0, image->width, image->height};
    image->damage = c->first_done ? r->damage : whole;
    image->captured_ns = r->captured_ns;
    image->ready_ns = LM_MAX(now_ns, r->captured_ns);
    if (r->inverted) {
        turn_over(image);
        /* Whether damage is told upside down too differs among compositors: take both. */
        struct image_rect mirrored = image->damage;
        mirrored.y = image->height - mirrored.y - mirrored.height;
        image->damage = image_rect_union(image->damage, mirrored);
    }
    c->first_done = true;
    drop_frame(r);
    c->oldest = (c->oldest + 1) % REQUESTS;
    return image;
}

static int dispatch(struct capture *capture, uint64_t now_ns, struct image **out)
{
    struct wlr_capture *c = downcast(capture);
    slots_collect(&c->slots);
    int rc = wlconn_pump(&c->conn);
    if (rc < 0 || c->broken || c->conn.output->width != c->base.width ||
        c->conn.output->height != c->base.height)
        return LM_EDEVICE;
    *out = take_image(c, now_ns);
    /* Both may have been answered at once: the descriptor must say so. */
    if (c->requests[c->oldest].frame && c->requests[c->oldest].ready)
        lm_wake_signal(&c->slots.wake);
    rc = ask(c);
    if (*out)
        return LM_OK; /* the picture is good; if the connection is gone, the next call says it */
    return rc < 0 ? rc : LM_EAGAIN;
}

static void give(struct capture *capture, struct image *image)
{
    slots_give(&downcast(capture)->slots, image);
}

static void recycle(struct capture *capture, struct image *image)
{
    slots_recycle(&downcast(capture)->slots, image);
}

static int map_slot(struct wlr_capture *c, int index)
{
    int fd = memfd_create("lumen-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return LM_EIO;
    int rc = LM_EIO;
    /* Sealed, so that the compositor need not fear a shrinking file. */
    if (ftruncate(fd, (off_t)c->slot_bytes) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
        goto out;
    void *pixels =
        mmap(NULL, c->slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (pixels == MAP_FAILED)
        goto out;
    c->slots.images[index] = (struct image){
        .format = IMAGE_BGRX,
        .width = c->shape.width,
        .height = c->shape.height,
        .plane[0] = pixels,
        .stride_bytes[0] = c->shape.stride_bytes,
    };
    struct wl_shm_pool *pool = wl_shm_create_pool(c->shm, fd, (int32_t)c->slot_bytes);
    if (!pool)
        goto out;
    c->buffers[index] =
        wl_shm_pool_create_buffer(pool, 0, (int32_t)c->shape.width, (int32_t)c->shape.height,
                                  (int32_t)c->shape.stride_bytes, c->shape.format);
    wl_shm_pool_destroy(pool);
    rc = c->buffers[index] ? LM_OK : LM_ENOMEM;
out:
    close(fd);
    return rc;
}

static int check_shape(struct wlr_capture *c)
{
    const struct shape *s = &c->shape;
    if (s->format != WL_SHM_FORMAT_XRGB8888 && s->format != WL_SHM_FORMAT_ARGB8888) {
        lm_warn(c->log, AREA, "the compositor captures only in pixel format 0x%x", s->format);
        return LM_EUNSUPPORTED;
    }
    if (!s->width || s->width > IMAGE_MAX_WIDTH || !s->height || s->height > IMAGE_MAX_HEIGHT ||
        s->stride_bytes < s->width * 4 || s->stride_bytes > INT32_MAX / s->height)
        return LM_EUNSUPPORTED;
    /* A turned output is captured in its own orientation, which is not how people look at it. */
    if (s->width != c->conn.output->width || s->height != c->conn.output->height)
        return LM_EUNSUPPORTED;
    return LM_OK;
}

/* A first frame tells what the buffers must be. */
static int make_slots(struct wlr_capture *c, uint64_t deadline_ns)
{
    struct request *r = &c->requests[0];
    int rc = new_frame(c, r, -1);
    if (rc == LM_OK)
        rc = wlconn_wait(&c->conn, &c->shaped, deadline_ns);
    drop_frame(r);
    if (rc == LM_OK)
        rc = check_shape(c);
    if (rc < 0)
        return rc;
    c->base.width = c->shape.width;
    c->base.height = c->shape.height;
    c->slot_bytes = (size_t)c->shape.stride_bytes * c->shape.height;
    for (int i = 0; i < CAPTURE_SLOTS && rc == LM_OK; i++)
        rc = map_slot(c, i);
    return rc;
}

/* One descriptor for two reasons to run: the compositor spoke, or a slot came back. */
static int make_fd(struct wlr_capture *c)
{
    c->base.fd = epoll_create1(EPOLL_CLOEXEC);
    if (c->base.fd < 0)
        return LM_EIO;
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(c->base.fd, EPOLL_CTL_ADD, wlconn_fd(&c->conn), &event) < 0 ||
        epoll_ctl(c->base.fd, EPOLL_CTL_ADD, c->slots.wake.fd, &event) < 0)
        return LM_EIO;
    return LM_OK;
}

static void close_capture(struct capture *capture)
{
    struct wlr_capture *c = downcast(capture);
    for (int i = 0; i < REQUESTS; i++)
        drop_frame(&c->requests[i]);
    for (int i = 0; i < CAPTURE_SLOTS; i++) {
        if (c->buffers[i])
            wl_buffer_destroy(c->buffers[i]);
        if (c->slots.images[i].plane[0])
            munmap(c->slots.images[i].plane[0], c->slot_bytes);
    }
    if (c->manager)
        zwlr_screencopy_manager_v1_destroy(c->manager);
    if (c->shm)
        wl_shm_destroy(c->shm);
    wlconn_close(&c->conn);
    if (c->base.fd >= 0)
        close(c->base.fd);
    slots_finish(&c->slots);
    free(c);
}

static int open_conn(struct wlr_capture *c, const struct capture_params *params)
{
    const struct wlconn_want wants[] = {
        {&wl_shm_interface, 1, 1, (void **)&c->shm},
        {&zwlr_screencopy_manager_v1_interface, 2, 3, (void **)&c->manager},
    };
    const struct wlconn_params conn_params = {
        .socket = params->wayland_socket,
        .output_name = params->output_name,
        .wants = wants,
        .want_count = LM_ARRAY_LEN(wants),
        .timeout_ns = OPEN_TIMEOUT_NS,
        .log = params->log,
        .area = AREA,
    };
    return wlconn_open(&c->conn, &conn_params);
}

static int open_capture(const struct capture_params *params, struct capture **out)
{
    struct wlr_capture *c = calloc(1, sizeof *c);
    if (!c)
        return LM_ENOMEM;
    c->base = (struct capture){.ops = &capture_wlr_screencopy, .fd = -1, .wake_ns = LM_TIME_MAX};
    c->log = params->log;
    int rc = slots_init(&c->slots);
    if (rc == LM_OK)
        rc = open_conn(c, params);
    if (rc == LM_OK)
        rc = make_slots(c, lm_clock_now_ns() + OPEN_TIMEOUT_NS);
    if (rc == LM_OK)
        rc = make_fd(c);
    if (rc == LM_OK)
        rc = ask(c);
    if (rc < 0) {
        close_capture(&c->base);
        return rc;
    }
    *out = &c->base;
    return LM_OK;
}

const struct capture_ops capture_wlr_screencopy = {
    .name = "wlr-screencopy",
    .open = open_capture,
    .dispatch = dispatch,
    .give = give,
    .recycle = recycle,
    .close = close_capture,
};
