#include "client/play.h"

#include "client/report.h"
#include "client/snapshot.h"
#include "core/base/check.h"
#include "core/transport/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* For the signal handler alone. */
static struct ending *_Atomic signalled;

static void on_signal(int number)
{
    struct ending *ending = signalled;
    if (ending)
        ending_set(ending, ENDING_USER, 0); /* an atomic exchange and a write() */
}

static void catch_signals(struct ending *ending)
{
    struct sigaction action = {.sa_handler = ending ? on_signal : SIG_DFL};
    sigemptyset(&action.sa_mask);
    signalled = ending;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void send_input(void *user, const struct lm_gs_input_event *event)
{
    struct play *play = user;
    channel_post_input(play->pipeline->channel, event);
}

static void on_picture(void *user)
{
    struct play *play = user;
    if (play->present)
        window_wake(play);
    else
        lm_wake_signal(&play->pipeline->ending.wake);
}

bool play_goes_on(struct play *play)
{
    const struct flags *f = play->flags;
    struct ending *ending = &play->pipeline->ending;
    uint64_t pictures = viewer_pictures(play->pipeline->viewer);
    uint64_t elapsed_ns = lm_clock_now_ns() - play->started_ns;
    uint32_t code;
    if (script_run(&play->script, &play->grab, pictures))
        ending_set(ending, ENDING_DONE, 0);
    if (f->drop_after_frames && pictures >= f->drop_after_frames)
        ending_set(ending, ENDING_DROPPED, 0);
    if ((f->frames && pictures >= f->frames) ||
        (f->duration_s && elapsed_ns >= f->duration_s * LM_NS_PER_S))
        ending_set(ending, ENDING_DONE, 0);
    return ending_cause(ending, &code) == ENDING_NONE;
}

static void run_headless(struct play *play)
{
    struct lm_wake *wake = &play->pipeline->ending.wake;
    struct pollfd ready = {.fd = wake->fd, .events = POLLIN};
    while (play_goes_on(play)) {
        /* Pictures wake us; the time-out serves --duration on a still desktop. */
        if (poll(&ready, 1, 100) < 0 && errno != EINTR)
            break;
        lm_wake_clear(wake);
    }
}

static int open_window(struct play *play, struct failure *failure)
{
    char title[HOSTINFO_NAME_BYTES * 2];
    snprintf(title, sizeof title, "%.120s - %.120s", play->stream->app_title,
             play->host->info.hostname);
    struct present_params params = {.title = title,
                                    .width = play->stream->params.width_px,
                                    .height = play->stream->params.height_px,
                                    .full_screen = play->flags->full_screen,
                                    .vsync = !play->flags->no_vsync};
    params.backend = "sdl";
    int result = present_open(&params, &play->present);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER,
                           "cannot open a window (%s); --headless needs none", lm_err_text(result));
    return LM_OK;
}

/* The newest picture there is, shown or not. */
static void write_snapshot(struct play *play)
{
    struct decode_picture picture;
    bool found = viewer_take_picture(play->pipeline->viewer, &picture);
    if (!found && play->has_shown) {
        picture = play->shown;
        found = true;
    }
    int result = found ? snapshot_write(play->flags->png, &picture) : LM_ENOENT;
    if (result < 0)
        fprintf(stderr, "lumen-client: cannot write %s: %s\n", play->flags->png,
                found ? lm_err_text(result) : "there was no picture");
}

static int tell(struct play *play, uint32_t rtt_ms, struct failure *failure)
{
    const struct pipeline *p = play->pipeline;
    struct report report = {.host = play->host->info.hostname,
                            .stream = play->stream,
                            .viewer = viewer_results(p->viewer),
                            .receive = receive_results(p->receive),
                            .listener = listener_results(p->listener),
                            .rtt_ms = rtt_ms};
    report.cause = ending_cause(&play->pipeline->ending, &report.code);
    if (report.receive->frames)
        report.duration_ns = report.receive->last_frame_ns - report.receive->first_packet_ns;
    int result = report_failure(report.cause, report.code, report.viewer->pictures > 0, failure);
    if (!play->flags->headless && !play->flags->json)
        return result;
    json_t *json = report_json(&report);
    if (json && result < 0)
        json_object_set_new(json, "error", json_string(failure->text));
    failure->in_report = true;
    if ((!json || !report_print(json)) && result == LM_OK)
        result = failure_set(failure, FAILURE_OTHER, "cannot write the report");
    return result;
}

static int run_stream(struct play *play, struct failure *failure)
{
    int result = pipeline_start(play->pipeline, failure);
    if (result < 0)
        return result;
    play->started_ns = lm_clock_now_ns();
    catch_signals(&play->pipeline->ending);
    if (play->present)
        window_run(play);
    else
        run_headless(play);

    uint32_t code, rtt_ms = channel_rtt_ms(play->pipeline->channel);
    enum ending_cause cause = ending_cause(&play->pipeline->ending, &code);
    if (cause != ENDING_DROPPED)
        grab_release_all(&play->grab);
    pipeline_stop(play->pipeline, cause != ENDING_DROPPED && cause != ENDING_LOST);
    catch_signals(NULL);
    if (play->flags->png)
        write_snapshot(play);
    return tell(play, rtt_ms, failure);
}

int play_run(const struct flags *flags, const struct connect_host *host,
             const struct connect_stream *stream, const struct script *script,
             struct failure *failure)
{
    struct play play = {.flags = flags, .host = host, .stream = stream, .script = *script};
    grab_init(&play.grab, stream->params.width_px, stream->params.height_px, send_input, &play);
    struct pipeline_params params = {
        .stream = stream,
        .fec_status = !flags->no_fec_status,
        .read_stamps = flags->headless || flags->json,
        .sound_backend = flags->headless || flags->no_sound ? "null" : NULL,
        .picture = on_picture,
        .user = &play,
    };
    int result = flags->headless ? LM_OK : open_window(&play, failure);
    if (result == LM_OK)
        result = pipeline_create(&params, &play.pipeline, failure);
    if (result == LM_OK)
        result = run_stream(&play, failure);
    pipeline_destroy(play.pipeline);
    present_close(play.present);
    return result;
}
