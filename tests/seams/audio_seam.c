/* The contract of host/audio: on the tone and on silence always, on a PipeWire server of the test's
 * own where pipewire, wireplumber and dbus-run-session are installed. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/audio/audio.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAME = 240, SECOND_FRAMES = AUDIO_RATE_HZ / FRAME, SKIPPED = 77 };

enum { TONE_PERIODS = 440, LEAST_PERIODS = 50 };

struct heard {
    uint32_t frames, wakes, at;
    uint64_t loud_ns; /* when the first sample above 0.4 came out */
    /* Of the left channel. */
    float peak, before;
    double crossed; /* where it last rose through zero; 0: not since the last silence */
    uint32_t periods;
    double period[TONE_PERIODS]; /* in samples */
};

/* A program that misses its turn, as on a loaded machine it may, leaves a gap of silence and then
 * goes on where it was: the tone is judged by its periods between the gaps. */
static void hear(struct heard *h, float now)
{
    uint32_t at = h->at++;
    if (now == 0) {
        h->crossed = 0;
    } else if (h->before < 0 && now > 0) {
        double crossed = at - (double)now / (now - h->before);
        if (h->crossed > 0 && h->periods < TONE_PERIODS)
            h->period[h->periods++] = crossed - h->crossed;
        h->crossed = crossed;
    }
    h->before = now;
    h->peak = fmaxf(h->peak, fabsf(now));
    if (!h->loud_ns && fabsf(now) > 0.4F)
        h->loud_ns = lm_clock_now_ns();
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void expect_440_hz(struct heard *h)
{
    assert_true(h->periods >= LEAST_PERIODS);
    qsort(h->period, h->periods, sizeof h->period[0], by_value);
    double hz = AUDIO_RATE_HZ / h->period[h->periods / 2];
    if (hz < 439.9 || hz > 440.1)
        fail_msg("%.2f Hz", hz);
    uint32_t odd = 0; /* samples are lost, or there twice: as good as never */
    for (uint32_t i = 0; i < h->periods; i++)
        odd += fabs(AUDIO_RATE_HZ / h->period[i] - 440) > 1;
    assert_true(odd * 10 <= h->periods);
}

/* Reads until `until_ns` or `max_frames`. */
static void listen_to(struct audio *audio, struct heard *h, uint64_t until_ns, uint32_t max_frames)
{
    float samples[FRAME * AUDIO_MAX_CHANNELS];
    memset(h, 0, sizeof *h);
    while (h->frames < max_frames && lm_clock_now_ns() < until_ns) {
        struct pollfd waiting = {.fd = audio->fd, .events = POLLIN};
        int left_ms = (int)((until_ns - LM_MIN(until_ns, lm_clock_now_ns())) / 1000000 + 1);
        h->wakes += poll(&waiting, 1, left_ms) > 0;
        int result;
        while (h->frames < max_frames && (result = audio_read(audio, samples)) == LM_OK) {
            h->frames++;
            for (uint32_t i = 0; i < FRAME; i++)
                hear(h, samples[(size_t)i * audio->channels]);
        }
    }
}

static struct audio *open_named(const char *backend, const char *dir)
{
    struct audio_params params = {
        .backend = backend, .pipewire_dir = dir, .channels = 2, .frame_samples = FRAME};
    struct audio *audio;
    int result = audio_open(&params, &audio);
    assert_int_equal(result, LM_OK);
    assert_int_equal(audio->frame_samples, FRAME);
    return audio;
}

static void tone_is_440_hz_in_real_time(void **state)
{
    struct audio *audio = open_named("tone", NULL);
    struct heard h;
    uint64_t start = lm_clock_now_ns();
    listen_to(audio, &h, start + UINT64_C(2000000000), SECOND_FRAMES / 2);
    assert_int_equal(h.frames, SECOND_FRAMES / 2);
    expect_440_hz(&h);
    assert_true(lm_clock_now_ns() - start > UINT64_C(480000000));
    audio_close(audio);
}

static void late_reader_gets_at_most_40_ms(void **state)
{
    struct audio *late = open_named("tone", NULL), *punctual = open_named("tone", NULL);
    float samples[FRAME * 2];
    struct heard h;
    listen_to(punctual, &h, lm_clock_now_ns() + UINT64_C(2000000000), SECOND_FRAMES * 150 / 1000);
    assert_int_equal(h.frames, SECOND_FRAMES * 150 / 1000);
    uint32_t frames = 0;
    while (audio_read(late, samples) == LM_OK)
        frames++;
    assert_in_range(frames, 1, 9);
    audio_close(punctual);
    audio_close(late);
}

static void silence_wakes_nobody(void **state)
{
    struct audio *audio = open_named("silent", NULL);
    struct heard h;
    listen_to(audio, &h, lm_clock_now_ns() + 50000000, 1);
    assert_int_equal(h.frames, 0);
    assert_int_equal(h.wakes, 0);
    audio_close(audio);
}

static void parameters_out_of_range_are_refused(void **state)
{
    struct audio *audio;
    struct audio_params params = {.backend = "silent", .channels = 3, .frame_samples = FRAME};
    assert_int_equal(audio_open(&params, &audio), LM_EINVAL);
    params.channels = 2;
    params.frame_samples = 241;
    assert_int_equal(audio_open(&params, &audio), LM_EINVAL);
    params.frame_samples = FRAME;
    params.backend = "no such";
    assert_int_equal(audio_open(&params, &audio), LM_EUNSUPPORTED);
    assert_null(audio);
    audio_close(NULL);
}

#if HAVE_PIPEWIRE
#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>

/* A PipeWire server with the sink of a session, in a directory of its own. */
struct server {
    char dir[64];
    pid_t group;
    int out; /* what its programs say */
};

enum { START_MS = 10000 };

static const char start_script[] =
    "mkdir -p $D/pipewire/pipewire.conf.d $D/wireplumber/main.lua.d\n"
    "cat >$D/pipewire/pipewire.conf.d/sink.conf <<E\n"
    "context.properties = { default.clock.min-quantum = 32 }\n"
    "context.objects = [ { factory = adapter args = { factory.name = support.null-audio-sink\n"
    " node.name = lumen-sink media.class = Audio/Sink object.linger = true\n"
    " audio.position = [ FL FR ] } } ]\n"
    "context.exec = [ { path = wireplumber }\n"
    " { path = pw-metadata args = \"-m 0 default.audio.sink\" } ]\n"
    "E\n"
    "printf '%s\\n' 'alsa_monitor.enabled=false' 'v4l2_monitor.enabled=false'"
    " 'libcamera_monitor.enabled=false' >$D/wireplumber/main.lua.d/89-none.lua\n"
    "export HOME=$D XDG_CONFIG_HOME=$D XDG_STATE_HOME=$D XDG_RUNTIME_DIR=$D\n"
    "exec dbus-run-session -- pipewire 2>$D/log </dev/null\n";

/* Until the session's sink is the one that programs play to. */
static bool wait_for_sink(const struct server *server)
{
    char said[4096];
    size_t size_bytes = 0;
    uint64_t now_ns = lm_clock_now_ns(), until_ns = now_ns + START_MS * UINT64_C(1000000);
    for (; now_ns < until_ns && size_bytes + 1 < sizeof said; now_ns = lm_clock_now_ns()) {
        struct pollfd waiting = {.fd = server->out, .events = POLLIN};
        if (poll(&waiting, 1, (int)((until_ns - now_ns) / 1000000 + 1)) <= 0)
            continue;
        ssize_t n = read(server->out, said + size_bytes, sizeof said - 1 - size_bytes);
        if (n <= 0)
            return false;
        size_bytes += (size_t)n;
        said[size_bytes] = 0;
        if (strstr(said, "\"lumen-sink\""))
            return true;
    }
    return false;
}

static bool start_server(struct server *server)
{
    if (system("command -v pipewire wireplumber dbus-run-session pw-metadata >/dev/null 2>&1"))
        return false;
    int out[2];
    strcpy(server->dir, "/tmp/lumen-audio-XXXXXX");
    if (!mkdtemp(server->dir) || pipe2(out, O_CLOEXEC) < 0)
        return false;
    server->out = out[0];
    server->group = fork();
    if (server->group == 0) {
        setsid();
        dup2(out[1], STDOUT_FILENO);
        setenv("D", server->dir, 1);
        execl("/bin/sh", "sh", "-c", start_script, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    return server->group > 0 && wait_for_sink(server);
}

static void stop_server(struct server *server)
{
    char line[128];
    if (server->group > 0) {
        kill(-server->group, SIGKILL);
        waitpid(server->group, NULL, 0);
    }
    snprintf(line, sizeof line, "rm -rf '%s'", server->dir);
    if (server->dir[0] && system(line) != 0)
        print_error("%s stays behind\n", server->dir);
    if (server->out >= 0)
        close(server->out);
}

/* A program that plays: a tone, and one loud sample on request. */
struct player {
    struct pw_thread_loop *loop;
    struct pw_stream *stream;
    struct pw_stream_events events;
    uint32_t at;
    _Atomic bool click, quiet;
    _Atomic uint64_t clicked_ns, first_ns;
};

static void on_play(void *user)
{
    struct player *p = user;
    struct pw_buffer *buffer = pw_stream_dequeue_buffer(p->stream);
    if (!buffer)
        return;
    struct spa_data *data = &buffer->buffer->datas[0];
    uint32_t frames = buffer->requested ? (uint32_t)buffer->requested : 256;
    frames = LM_MIN(frames, data->maxsize / 8);
    float *to = data->data;
    uint64_t never = 0;
    atomic_compare_exchange_strong(&p->first_ns, &never, lm_clock_now_ns());
    for (uint32_t i = 0; i < frames; i++, p->at++) {
        float tone = (float)(0.3 * sin(2 * M_PI * 440 * p->at / AUDIO_RATE_HZ));
        to[2 * i] = to[2 * i + 1] = atomic_load(&p->quiet) ? 0 : tone;
    }
    if (atomic_exchange(&p->click, false)) {
        to[0] = to[1] = 0.9F;
        atomic_store(&p->clicked_ns, lm_clock_now_ns());
    }
    *data->chunk = (struct spa_chunk){.stride = 8, .size = frames * 8};
    pw_stream_queue_buffer(p->stream, buffer);
}

static void start_player(struct player *p, const struct server *server)
{
    char path[128];
    uint8_t pod[1024];
    snprintf(path, sizeof path, "%s/pipewire-0", server->dir);
    p->events = (struct pw_stream_events){PW_VERSION_STREAM_EVENTS, .process = on_play};
    p->loop = pw_thread_loop_new("player", NULL);
    p->stream = pw_stream_new_simple(
        pw_thread_loop_get_loop(p->loop), "player",
        pw_properties_new(PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Playback",
                          PW_KEY_REMOTE_NAME, path, PW_KEY_NODE_LATENCY, "128/48000", NULL),
        &p->events, p);
    assert_non_null(p->stream);
    struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(pod, sizeof pod);
    const struct spa_pod *format = spa_format_audio_raw_build(
        &builder, SPA_PARAM_EnumFormat,
        &(struct spa_audio_info_raw){.format = SPA_AUDIO_FORMAT_F32,
                                     .rate = 48000,
                                     .channels = 2,
                                     .position = {SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR}});
    assert_int_equal(pw_stream_connect(p->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY,
                                       PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
                                           PW_STREAM_FLAG_RT_PROCESS,
                                       &format, 1),
                     0);
    assert_int_equal(pw_thread_loop_start(p->loop), 0);
}

static void stop_player(struct player *p)
{
    pw_thread_loop_stop(p->loop);
    pw_stream_destroy(p->stream);
    pw_thread_loop_destroy(p->loop);
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* Clicks at odd moments; what each took from the player's buffer to the reader. */
static double median_click_ms(struct player *player, struct audio *audio)
{
    enum { CLICKS = 21 };
    double ms[CLICKS];
    struct heard h;
    for (int i = 0; i < CLICKS; i++) {
        listen_to(audio, &h, lm_clock_now_ns() + 20000000 + (uint64_t)i * 700000, UINT32_MAX);
        atomic_store(&player->click, true);
        listen_to(audio, &h, lm_clock_now_ns() + 60000000, UINT32_MAX);
        /* One that fell into a gap is never heard. */
        ms[i] = h.loud_ns ? (double)(h.loud_ns - atomic_load(&player->clicked_ns)) / 1e6 : INFINITY;
    }
    for (int i = 0; i < CLICKS; i++)
        for (int j = i + 1; j < CLICKS; j++)
            if (ms[j] < ms[i]) {
                double swap = ms[i];
                ms[i] = ms[j];
                ms[j] = swap;
            }
    print_message("click to reader: median %.1f ms, worst %.1f ms\n", ms[CLICKS / 2],
                  ms[CLICKS - 1]);
    return ms[CLICKS / 2];
}

static void what_plays_is_heard_and_silence_costs_nothing(void **state)
{
    const struct server *server = *state;
    struct audio *audio = open_named("pipewire", server->dir);
    struct player player = {0};
    struct heard h;
    double cpu = cpu_seconds();
    listen_to(audio, &h, lm_clock_now_ns() + UINT64_C(1500000000), UINT32_MAX);
    assert_int_equal(h.frames, 0);
    assert_int_equal(h.wakes, 0);
    assert_true(cpu_seconds() - cpu < 0.05);

    start_player(&player, server);
    listen_to(audio, &h, lm_clock_now_ns() + UINT64_C(3000000000), SECOND_FRAMES);
    assert_int_equal(h.frames, SECOND_FRAMES);
    expect_440_hz(&h);
    assert_true(h.peak > 0.25F && h.peak < 0.35F);
    assert_true(median_click_ms(&player, audio) < 25);
    stop_player(&player);

    listen_to(audio, &h, lm_clock_now_ns() + UINT64_C(500000000), UINT32_MAX);
    listen_to(audio, &h, lm_clock_now_ns() + UINT64_C(1000000000), UINT32_MAX);
    assert_int_equal(h.wakes, 0); /* nobody plays: quiet again */
    audio_close(audio);
}

static void server_that_ends_is_reported(void **state)
{
    struct server *server = *state;
    struct audio *audio = open_named("pipewire", server->dir);
    float samples[FRAME * 2];
    struct pollfd waiting = {.fd = audio->fd, .events = POLLIN};
    kill(-server->group, SIGKILL);
    assert_int_equal(poll(&waiting, 1, 5000), 1);
    assert_int_equal(audio_read(audio, samples), LM_EDEVICE);
    assert_int_equal(audio_read(audio, samples), LM_EDEVICE);
    audio_close(audio);
    struct audio_params params = {.backend = "pipewire",
                                  .pipewire_dir = "/nonexistent",
                                  .channels = 2,
                                  .frame_samples = FRAME};
    assert_int_equal(audio_open(&params, &audio), LM_EDEVICE);
}

static int pipewire_tests(void)
{
    struct server server = {.out = -1};
    if (!start_server(&server)) {
        print_error("SKIPPED: no PipeWire server here\n");
        stop_server(&server);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(what_plays_is_heard_and_silence_costs_nothing, &server),
        cmocka_unit_test_prestate(server_that_ends_is_reported, &server),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stop_server(&server);
    return failed;
}
#else
static int pipewire_tests(void)
{
    print_error("SKIPPED: built without PipeWire\n");
    return SKIPPED;
}
#endif

int main(void)
{
    /* What its modules keep in variables of their own looks leaked once they are unmapped. */
    setenv("PIPEWIRE_DLCLOSE", "false", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tone_is_440_hz_in_real_time),
        cmocka_unit_test(late_reader_gets_at_most_40_ms),
        cmocka_unit_test(silence_wakes_nobody),
        cmocka_unit_test(parameters_out_of_range_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    int with_server = pipewire_tests();
    return failed ? failed : with_server;
}
