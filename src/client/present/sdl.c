/* A window through SDL2: the planes go into a YUV texture, the renderer scales. */
#include "client/present/present.h"

#include "client/present/font.h"
#include "core/base/check.h"

#include <SDL.h>
#include <stdlib.h>
#include <string.h>

enum {
    OVERLAY_COLUMNS = 40,
    OVERLAY_LINES = 16,
    OVERLAY_WIDTH = OVERLAY_COLUMNS * FONT_CELL_WIDTH + 8,
    OVERLAY_HEIGHT = OVERLAY_LINES * FONT_CELL_HEIGHT + 8,
    OVERLAY_SCALE = 2,
};

struct sdl_present {
    struct present base;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *picture, *overlay;
    uint32_t width, height; /* of the picture texture */
    bool bt709, full_range;
    char overlay_text[OVERLAY_COLUMNS * OVERLAY_LINES]; /* what the overlay texture shows */
    uint32_t overlay_pixels[OVERLAY_WIDTH * OVERLAY_HEIGHT];
};

static struct sdl_present *sdl_of(struct present *p)
{
    LM_CHECK(p->ops == &present_sdl);
    return (struct sdl_present *)p;
}

static void sdl_close(struct present *p)
{
    struct sdl_present *s = sdl_of(p);
    if (s->overlay)
        SDL_DestroyTexture(s->overlay);
    if (s->picture)
        SDL_DestroyTexture(s->picture);
    if (s->renderer)
        SDL_DestroyRenderer(s->renderer);
    if (s->window)
        SDL_DestroyWindow(s->window);
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    free(s);
}

static int open_window(struct sdl_present *s, const struct present_params *params)
{
    SDL_Rect usable = {0, 0, (int)params->width, (int)params->height};
    SDL_GetDisplayUsableBounds(0, &usable);
    int width = LM_MIN((int)params->width, usable.w),
        height = LM_MIN((int)params->height, usable.h);
    uint32_t flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;
    if (params->full_screen)
        flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
    s->window = SDL_CreateWindow(params->title, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
                                 width, height, flags);
    if (!s->window)
        return LM_EDEVICE;
    s->renderer = SDL_CreateRenderer(s->window, -1, params->vsync ? SDL_RENDERER_PRESENTVSYNC : 0);
    if (!s->renderer)
        return LM_EDEVICE;
    s->overlay = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_ARGB8888,
                                   SDL_TEXTUREACCESS_STREAMING, OVERLAY_WIDTH, OVERLAY_HEIGHT);
    return s->overlay && SDL_SetTextureBlendMode(s->overlay, SDL_BLENDMODE_BLEND) == 0 ? LM_OK
                                                                                       : LM_EDEVICE;
}

static int sdl_open(const struct present_params *params, struct present **out)
{
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0)
        return LM_EDEVICE;
    struct sdl_present *s = calloc(1, sizeof *s);
    if (!s) {
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
        return LM_ENOMEM;
    }
    s->base.ops = &present_sdl;
    int result = open_window(s, params);
    if (result < 0) {
        sdl_close(&s->base);
        return result;
    }
    *out = &s->base;
    return LM_OK;
}

static int fit_texture(struct sdl_present *s, const struct decode_picture *picture)
{
    if (s->picture && s->width == picture->width && s->height == picture->height &&
        s->bt709 == picture->bt709 && s->full_range == picture->full_range)
        return LM_OK;
    /* The colour matrix is taken when the texture is made. */
    SDL_SetYUVConversionMode(picture->full_range ? SDL_YUV_CONVERSION_JPEG
                             : picture->bt709    ? SDL_YUV_CONVERSION_BT709
                                                 : SDL_YUV_CONVERSION_BT601);
    if (s->picture)
        SDL_DestroyTexture(s->picture);
    s->width = picture->width;
    s->height = picture->height;
    s->bt709 = picture->bt709;
    s->full_range = picture->full_range;
    s->picture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_IYUV, SDL_TEXTUREACCESS_STREAMING,
                                   (int)s->width, (int)s->height);
    return s->picture ? LM_OK : LM_EDEVICE;
}

static void draw_overlay(struct sdl_present *s, const char *text)
{
    if (strncmp(text, s->overlay_text, sizeof s->overlay_text - 1) != 0) {
        SDL_strlcpy(s->overlay_text, text, sizeof s->overlay_text);
        for (size_t i = 0; i < LM_ARRAY_LEN(s->overlay_pixels); i++)
            s->overlay_pixels[i] = 0xA0000000;
        font_draw(s->overlay_text, 0xFFFFFFFF, s->overlay_pixels + 4 * OVERLAY_WIDTH + 4,
                  OVERLAY_WIDTH - 8, OVERLAY_HEIGHT - 8, OVERLAY_WIDTH);
        SDL_UpdateTexture(s->overlay, NULL, s->overlay_pixels, OVERLAY_WIDTH * 4);
    }
    SDL_Rect used = {0, 0, OVERLAY_WIDTH, 8 + FONT_CELL_HEIGHT};
    for (const char *c = s->overlay_text; *c; c++)
        used.h += *c == '\n' ? FONT_CELL_HEIGHT : 0;
    used.h = LM_MIN(used.h, OVERLAY_HEIGHT);
    SDL_Rect at = {8, 8, used.w * OVERLAY_SCALE, used.h * OVERLAY_SCALE};
    SDL_RenderCopy(s->renderer, s->overlay, &used, &at);
}

/* The largest rectangle of the picture's shape inside width x height. */
static SDL_Rect letterbox(const struct sdl_present *s, int width, int height)
{
    if (!s->width || !s->height)
        return (SDL_Rect){0, 0, width, height};
    int64_t w = width, h = w * s->height / s->width;
    if (h > height) {
        h = height;
        w = h * s->width / s->height;
    }
    return (SDL_Rect){(int)(width - w) / 2, (int)(height - h) / 2, (int)w, (int)h};
}

static int sdl_show(struct present *p, const struct decode_picture *picture, const char *overlay)
{
    struct sdl_present *s = sdl_of(p);
    if (picture) {
        if (fit_texture(s, picture) < 0 ||
            SDL_UpdateYUVTexture(s->picture, NULL, picture->plane[0], (int)picture->stride_bytes[0],
                                 picture->plane[1], (int)picture->stride_bytes[1],
                                 picture->plane[2], (int)picture->stride_bytes[2]) != 0)
            return LM_EDEVICE;
    }
    int width, height;
    if (SDL_GetRendererOutputSize(s->renderer, &width, &height) != 0)
        return LM_EDEVICE;
    SDL_Rect at = letterbox(s, width, height);
    SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
    SDL_RenderClear(s->renderer);
    if (s->picture)
        SDL_RenderCopy(s->renderer, s->picture, NULL, &at);
    if (overlay)
        draw_overlay(s, overlay);
    SDL_RenderPresent(s->renderer);
    return LM_OK;
}

static void sdl_view(struct present *p, struct present_view *out)
{
    struct sdl_present *s = sdl_of(p);
    int width, height;
    SDL_GetWindowSize(s->window, &width, &height); /* mouse events are in these units */
    SDL_Rect at = letterbox(s, width, height);
    *out = (struct present_view){at.x, at.y, at.w, at.h};
}

static void sdl_full_screen(struct present *p, bool on)
{
    SDL_SetWindowFullscreen(sdl_of(p)->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
}

static void sdl_capture(struct present *p, bool on)
{
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowGrab(sdl_of(p)->window, on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowKeyboardGrab(sdl_of(p)->window, on ? SDL_TRUE : SDL_FALSE);
}

const struct present_ops present_sdl = {
    .name = "sdl",
    .open = sdl_open,
    .show = sdl_show,
    .view = sdl_view,
    .full_screen = sdl_full_screen,
    .capture = sdl_capture,
    .close = sdl_close,
};
