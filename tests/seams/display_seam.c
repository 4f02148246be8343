/* The contract of display.h, on each backend that opens here: the fake always, a sway of our own
 * where sway is installed. This program is also the supervisor: it runs itself again. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/display/display.h"
#include "host/display/frame_grid.h"
#include "host/display/supervisor.h"
#include "host/display/sway_ipc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_NS (5 * LM_NS_PER_S)

static char runtime_dir[64];
static const char *backend; /* of the group that runs */

static void to_stderr(void *user, enum lm_log_level level, const char *area, const char *text)
{
    (void)user;
    fprintf(stderr, "# %d %s: %s\n", (int)level, area, text);
}

static const struct lm_log test_log = {.write = to_stderr, .max_level = LM_LOG_INFO};

static bool real(void)
{
    return !strcmp(backend, "embedded-sway");
}

static struct display_params params_for(const char *name, struct display_mode mode)
{
    return (struct display_params){
        .backend = backend,
        .name = name,
        .runtime_dir = runtime_dir,
        .mode = mode,
        .timeout_ns = 10 * LM_NS_PER_S,
        .log = &test_log,
    };
}

static struct display *open_display(const char *name, struct display_mode mode)
{
    const struct display_params params = params_for(name, mode);
    struct display *display = NULL;
    assert_int_equal(display_open(&params, &display), LM_OK);
    return display;
}

static enum display_event wait_event(struct display *display, int *status)
{
    uint64_t deadline_ns = lm_clock_now_ns() + WAIT_NS;
    enum display_event event;
    while (!(event = display_poll(display, status)) && lm_clock_now_ns() < deadline_ns) {
        struct pollfd p = {.fd = display->event_fd, .events = POLLIN};
        poll(&p, 1, 1000);
    }
    return event;
}

static bool name_exists(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", runtime_dir, name);
    return !access(path, F_OK);
}

/* Whether the process has LUMEN_DESKTOP=RUNTIME_DIR/NAME, as all on that desktop. */
static bool on_desktop(const char *pid, const char *name, char *environment, size_t size)
{
    char path[300], marker[128];
    int length = snprintf(marker, sizeof marker, "LUMEN_DESKTOP=%s/%s", runtime_dir, name);
    snprintf(path, sizeof path, "/proc/%s/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, environment, size);
    close(fd);
    return n > 0 && memmem(environment, (size_t)n, marker, (size_t)length + 1);
}

/* How many processes live on the desktop; *comm_pid is the one whose /proc line is `comm`. */
static int processes_of(const char *name, const char *comm, pid_t *comm_pid)
{
    static char environment[65536];
    int count = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    for (struct dirent *e; (e = readdir(proc));) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
            !on_desktop(e->d_name, name, environment, sizeof environment))
            continue;
        count++;
        char path[300], text[64] = "";
        snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
        FILE *file = fopen(path, "re");
        if (file && fgets(text, sizeof text, file) && comm && !strcmp(text, comm))
            *comm_pid = atoi(e->d_name);
        if (file)
            fclose(file);
    }
    closedir(proc);
    return count;
}

static void assert_output_mode(const char *name, const struct display *display)
{
    char path[128];
    struct display_mode got;
    if (!real())
        return;
    snprintf(path, sizeof path, "%s/%s/sway.sock", runtime_dir, name);
    int fd = sway_ipc_connect(path);
    assert_true(fd >= 0);
    assert_int_equal(
        sway_ipc_output_mode(fd, display->env.output_name, lm_clock_now_ns() + WAIT_NS, &got),
        LM_OK);
    close(fd);
    assert_int_equal(got.width, display->mode.width);
    assert_int_equal(got.height, display->mode.height);
    /* Without the exact clock the output runs at twice the rate. */
    assert_int_equal(got.refresh_mhz,
                     display->mode.refresh_mhz * (display->env.frame_grid_ns ? 1U : 2U));
}

static void the_output_has_exactly_the_asked_mode(void **state)
{
    static const struct display_mode modes[] = {
        {1280, 720, 60000}, {1606, 902, 59940}, {640, 480, 90000}, {2560, 1440, 120000}};
    (void)state;
    struct display *display = open_display("mode", modes[0]);
    for (size_t i = 0; i < LM_ARRAY_LEN(modes); i++) {
        assert_int_equal(display_set_mode(display, &modes[i]), LM_OK);
        assert_memory_equal(&display->mode, &modes[i], sizeof modes[i]);
        assert_output_mode("mode", display);
        if (display->env.frame_grid_ns)
            assert_int_equal(display->env.frame_grid_ns,
                             frame_grid_period_ns(modes[i].refresh_mhz));
    }
    display_close(display);
    display = open_display("mode", modes[1]);
    assert_output_mode("mode", display);
    display_close(display);
}

static void the_exact_frame_clock_works(void **state)
{
    (void)state;
    struct display *display = open_display("clock", (struct display_mode){1280, 720, 60000});
    uint64_t grid_ns = display->env.frame_grid_ns;
    display_close(display);
    assert_int_equal(grid_ns, 16666667);
}

static void a_bad_mode_or_name_is_refused(void **state)
{
    static const struct {
        const char *name;
        struct display_mode mode;
    } bad[] = {
        {"x", {63, 480, 60000}},    {"x", {640, 16385, 60000}}, {"x", {640, 480, 999}},
        {"x", {640, 480, 1000001}}, {"", {640, 480, 60000}},    {"a/b", {640, 480, 60000}},
        {"..", {640, 480, 60000}},
    };
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(bad); i++) {
        const struct display_params params = params_for(bad[i].name, bad[i].mode);
        struct display *display;
        assert_int_equal(display_open(&params, &display), LM_EINVAL);
        assert_null(display);
    }
}

static void a_program_ends_with_its_status(void **state)
{
    int status = -1;
    (void)state;
    struct display *display = open_display("run", (struct display_mode){640, 480, 60000});
    assert_int_equal(display_run(display, "exit 7"), LM_OK);
    assert_int_equal(wait_event(display, &status), DISPLAY_EVENT_PROGRAM_EXITED);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(display_poll(display, &status), DISPLAY_EVENT_NONE);
    assert_int_equal(display_run(display, "sleep 1000"), LM_OK);
    assert_int_equal(display_run(display, "exit 1"), LM_EEXIST);
    display_close(display);
    assert_int_equal(processes_of("run", NULL, NULL), 0);
}

/* The program checks the desktop's environment itself, and reaches the compositor. */
static void a_program_finds_the_desktop(void **state)
{
    int status = -1;
    (void)state;
    struct display_params params = params_for("env", (struct display_mode){640, 480, 60000});
    params.sound = params.xwayland = true;
    struct display *display;
    assert_int_equal(display_open(&params, &display), LM_OK);
    assert_int_equal(display_run(display, "test -S \"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY\" && "
                                          "test -S \"$XDG_RUNTIME_DIR/bus\" && "
                                          "test -S \"${PULSE_SERVER#unix:}\" && "
                                          "test -S \"$PIPEWIRE_RUNTIME_DIR/pipewire-0\" && "
                                          "test -z \"$LD_PRELOAD$WLR_BACKENDS\" && "
                                          "test \"$XDG_CURRENT_DESKTOP\" = sway && "
                                          "swaymsg -q -t get_version && exit 42"),
                     LM_OK);
    assert_int_equal(wait_event(display, &status), DISPLAY_EVENT_PROGRAM_EXITED);
    assert_int_equal(WEXITSTATUS(status), 42);
    display_close(display);
    assert_int_equal(processes_of("env", NULL, NULL), 0);
    assert_false(name_exists("env"));
}

static void close_leaves_no_process_and_no_file(void **state)
{
    (void)state;
    struct display_params params = params_for("close", (struct display_mode){1280, 720, 60000});
    params.desktop_programs = params.sound = params.xwayland = true;
    struct display *display;
    assert_int_equal(display_open(&params, &display), LM_OK);
    assert_true(name_exists("close"));
    /* Neither a daemon of its own session nor one that ignores signals gets away. */
    assert_int_equal(display_run(display, "setsid -f sh -c 'trap \"\" TERM HUP; "
                                          "while :; do sleep 1; done'; sleep 1000"),
                     LM_OK);
    uint64_t begin_ns = lm_clock_now_ns();
    while (processes_of("close", NULL, NULL) < 8 && lm_clock_now_ns() - begin_ns < WAIT_NS)
        poll(NULL, 0, 50);
    begin_ns = lm_clock_now_ns();
    display_close(display);
    assert_true(lm_clock_now_ns() - begin_ns < 5 * LM_NS_PER_S);
    assert_int_equal(processes_of("close", NULL, NULL), 0);
    assert_false(name_exists("close"));
}

static void a_killed_compositor_is_reported_once(void **state)
{
    int status;
    pid_t sway = 0;
    (void)state;
    struct display *display = open_display("lost", (struct display_mode){640, 480, 60000});
    processes_of("lost", "sway\n", &sway);
    assert_true(sway > 0);
    kill(sway, SIGKILL);
    assert_int_equal(wait_event(display, &status), DISPLAY_EVENT_LOST);
    assert_int_equal(display_poll(display, &status), DISPLAY_EVENT_NONE);
    assert_int_equal(display_run(display, "true"), LM_ECLOSED);
    display_close(display);
    assert_int_equal(processes_of("lost", NULL, NULL), 0);
    assert_false(name_exists("lost"));
}

static void two_displays_live_side_by_side(void **state)
{
    int status;
    (void)state;
    struct display *one = open_display("one", (struct display_mode){640, 480, 60000});
    struct display *two = open_display("two", (struct display_mode){800, 600, 90000});
    assert_output_mode("one", one);
    assert_output_mode("two", two);
    if (real()) {
        const struct display_params same = params_for("one", one->mode);
        struct display *again;
        assert_int_equal(display_open(&same, &again), LM_EDEVICE);
    }
    display_close(one);
    assert_int_equal(display_run(two, "exit 3"), LM_OK);
    assert_int_equal(wait_event(two, &status), DISPLAY_EVENT_PROGRAM_EXITED);
    assert_int_equal(WEXITSTATUS(status), 3);
    display_close(two);
}

/* In the child: a host that is killed while its desktop runs. */
static void be_a_host(int ready_fd)
{
    struct display_params params = params_for("killed", (struct display_mode){640, 480, 60000});
    params.desktop_programs = params.sound = true;
    struct display *display;
    char ok = !display_open(&params, &display);
    (void)!write(ready_fd, &ok, 1);
    pause();
    _exit(0);
}

static void a_killed_host_leaves_nothing(void **state)
{
    int fds[2];
    char ok = 0;
    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t host = fork();
    if (!host)
        be_a_host(fds[1]);
    assert_int_equal(read(fds[0], &ok, 1), 1);
    assert_true(ok);
    close(fds[0]);
    close(fds[1]);
    assert_true(processes_of("killed", NULL, NULL) > 0);
    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    uint64_t deadline_ns = lm_clock_now_ns() + WAIT_NS;
    while ((name_exists("killed") || processes_of("killed", NULL, NULL)) &&
           lm_clock_now_ns() < deadline_ns)
        poll(NULL, 0, 20);
    assert_false(name_exists("killed"));
    assert_int_equal(processes_of("killed", NULL, NULL), 0);
}

static void a_left_over_directory_is_used_again(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/left", runtime_dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/left/pipewire-0", runtime_dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    struct display *display = open_display("left", (struct display_mode){640, 480, 60000});
    display_close(display);
    assert_false(name_exists("left"));
}

static int run_null(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_output_has_exactly_the_asked_mode),
        cmocka_unit_test(a_bad_mode_or_name_is_refused),
        cmocka_unit_test(a_program_ends_with_its_status),
        cmocka_unit_test(two_displays_live_side_by_side),
    };
    backend = "null";
    return cmocka_run_group_tests_name("null", tests, NULL, NULL);
}

static int run_sway(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_output_has_exactly_the_asked_mode),
        cmocka_unit_test(the_exact_frame_clock_works),
        cmocka_unit_test(a_bad_mode_or_name_is_refused),
        cmocka_unit_test(a_program_ends_with_its_status),
        cmocka_unit_test(a_program_finds_the_desktop),
        cmocka_unit_test(close_leaves_no_process_and_no_file),
        cmocka_unit_test(a_killed_compositor_is_reported_once),
        cmocka_unit_test(two_displays_live_side_by_side),
        cmocka_unit_test(a_killed_host_leaves_nothing),
        cmocka_unit_test(a_left_over_directory_is_used_again),
    };
    backend = "embedded-sway";
    return cmocka_run_group_tests_name("embedded-sway", tests, NULL, NULL);
}

static bool sway_works(void)
{
    for (size_t i = 0; display_backends[i]; i++)
        if (!strcmp(display_backends[i]->name, "embedded-sway"))
            return !display_backends[i]->probe(&test_log);
    return false;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], DESKTOP_SUPERVISOR_VERB))
        return desktop_supervisor_main(argc - 1, argv + 1);
    strcpy(runtime_dir, "/tmp/lumen-seam.XXXXXX");
    if (!mkdtemp(runtime_dir))
        return 1;
    int failed = run_null();
    bool skipped = !sway_works();
    if (!skipped)
        failed += run_sway();
    if (rmdir(runtime_dir)) {
        fprintf(stderr, "%s: %s\n", runtime_dir, strerror(errno));
        failed++;
    }
    if (skipped && !failed) {
        fprintf(stderr, "SKIPPED: embedded-sway, sway or dbus-daemon is not installed here\n");
        return 77;
    }
    return failed ? 1 : 0;
}
