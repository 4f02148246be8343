/* The main thread's loop with a window: SDL's events into input, pictures onto the screen. */
#include "client/play.h"

#include "core/base/check.h"

#if HAVE_SDL

#include "client/grab/keys.h"
#include "client/report.h"
#include "core/transport/clock.h"

#include <SDL.h>

enum { TICK_MS = 100 };

static const uint64_t overlay_ns = LM_NS_PER_S;

struct window {
    struct play *play;
    bool full_screen, overlay, caught, stale; /* stale: draw again without a new picture */
    uint64_t overlay_next_ns;
    struct report_live live;
    char overlay_text[REPORT_OVERLAY_BYTES];
};

void window_wake(struct play *play)
{
    if (atomic_exchange(&play->picture_announced, true))
        return;
    SDL_Event event = {.type = SDL_USEREVENT};
    SDL_PushEvent(&event);
}

static void catch_mouse(struct window *w, bool on)
{
    w->caught = on && !w->play->flags->no_input;
    grab_release_all(&w->play->grab);
    w->play->grab.relative = w->caught;
    present_capture(w->play->present, w->caught);
}

static void set_full_screen(struct window *w, bool on)
{
    w->full_screen = on;
    present_full_screen(w->play->present, on);
    catch_mouse(w, on);
}

static void paste(struct window *w)
{
    char *text = SDL_GetClipboardText();
    if (text && !w->play->flags->no_input)
        grab_text(&w->play->grab, text);
    SDL_free(text);
}

static void obey(struct window *w, enum grab_command command)
{
    switch (command) {
    case GRAB_NONE:
        break;
    case GRAB_LEAVE:
        ending_set(&w->play->pipeline->ending, ENDING_USER, 0);
        break;
    case GRAB_FULL_SCREEN:
        set_full_screen(w, !w->full_screen);
        break;
    case GRAB_OVERLAY:
        w->overlay = !w->overlay;
        w->overlay_next_ns = 0;
        w->stale = true;
        break;
    case GRAB_TOGGLE:
        catch_mouse(w, !w->caught);
        break;
    case GRAB_PASTE:
        paste(w);
        break;
    }
}

static uint8_t button_of(uint8_t sdl)
{
    switch (sdl) {
    case SDL_BUTTON_LEFT:
        return LM_GS_BUTTON_LEFT;
    case SDL_BUTTON_MIDDLE:
        return LM_GS_BUTTON_MIDDLE;
    case SDL_BUTTON_RIGHT:
        return LM_GS_BUTTON_RIGHT;
    case SDL_BUTTON_X1:
        return LM_GS_BUTTON_X1;
    case SDL_BUTTON_X2:
        return LM_GS_BUTTON_X2;
    default:
        return 0;
    }
}

static void handle_mouse(struct window *w, const SDL_Event *event)
{
    struct grab *g = &w->play->grab;
    struct present_view view;
    present_view(w->play->present, &view);
    g->view = (struct grab_view){view.x, view.y, view.width, view.height};
    if (event->type == SDL_MOUSEMOTION) {
        grab_motion(g, event->motion.x, event->motion.y, event->motion.xrel, event->motion.yrel);
    } else if (event->type == SDL_MOUSEWHEEL) {
        float sign = event->wheel.direction == SDL_MOUSEWHEEL_FLIPPED ? -1 : 1;
        grab_wheel(g, event->wheel.preciseX * sign, event->wheel.preciseY * sign);
    } else {
        grab_button(g, button_of(event->button.button), event->type == SDL_MOUSEBUTTONDOWN);
    }
}

/* Chords work without input too: then nothing is sent, but they are still recognised. */
static void handle_key(struct window *w, const SDL_Event *event)
{
    if (event->key.repeat)
        return;
    obey(w, grab_key(&w->play->grab, keys_vk_of_scancode((int)event->key.keysym.scancode),
                     event->type == SDL_KEYDOWN));
}

static void handle_window(struct window *w, const SDL_Event *event)
{
    if (event->window.event == SDL_WINDOWEVENT_FOCUS_LOST)
        grab_release_all(&w->play->grab);
    w->stale = true;
}

static void handle(struct window *w, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_QUIT:
        obey(w, GRAB_LEAVE);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        handle_key(w, event);
        break;
    case SDL_MOUSEMOTION:
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
    case SDL_MOUSEWHEEL:
        handle_mouse(w, event);
        break;
    case SDL_WINDOWEVENT:
        handle_window(w, event);
        break;
    case SDL_USEREVENT:
        atomic_store(&w->play->picture_announced, false);
        break;
    default:
        break;
    }
}

static void update_overlay(struct window *w)
{
    uint64_t now_ns = lm_clock_now_ns();
    if (!w->overlay || now_ns < w->overlay_next_ns)
        return;
    w->overlay_next_ns = now_ns + overlay_ns;
    report_overlay(w->play->pipeline, w->play->stream, now_ns, &w->live, w->overlay_text);
    w->stale = true;
}

static void draw(struct window *w)
{
    struct play *play = w->play;
    struct decode_picture picture;
    bool fresh = viewer_take_picture(play->pipeline->viewer, &picture);
    update_overlay(w);
    if (!fresh && !w->stale)
        return;
    if (fresh) {
        if (play->has_shown)
            viewer_give_picture(play->pipeline->viewer, play->shown.slot);
        play->shown = picture;
        play->has_shown = true;
    }
    w->stale = false;
    if (present_show(play->present, fresh ? &picture : NULL, w->overlay ? w->overlay_text : NULL) <
        0)
        ending_set(&play->pipeline->ending, ENDING_NO_DISPLAY, 0);
}

static void drop_input(void *user, const struct lm_gs_input_event *event)
{
}

void window_run(struct play *play)
{
    struct window w = {.play = play, .overlay = play->flags->overlay, .stale = true};
    if (play->flags->no_input)
        play->grab.send = drop_input;
    if (play->flags->full_screen)
        set_full_screen(&w, true);
    while (play_goes_on(play)) {
        SDL_Event event;
        for (int got = SDL_WaitEventTimeout(&event, TICK_MS); got; got = SDL_PollEvent(&event))
            handle(&w, &event);
        grab_flush(&play->grab);
        draw(&w);
    }
    present_capture(play->present, false);
}

#else

void window_wake(struct play *play)
{
}

void window_run(struct play *play)
{
    LM_CHECK(!play->present); /* nothing opens a window in this build */
}

#endif
