#include "net/ctl_socket.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/test_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct ctl_server *server;
    struct ctl_request *parked;
    bool is_parked, is_gone;
    char folder[64], path[96], line[CTL_LINE_MAX_BYTES];
};

static void handle(void *user, struct ctl_request *request, const char *line)
{
    struct fixture *f = user;

    snprintf(f->line, sizeof f->line, "%s", line);
    if (strcmp(line, "park") == 0) {
        f->parked = request;
        f->is_parked = true;
        return;
    }
    ctl_request_answer(request, "{\"ok\":true}\n", 12);
}

static void gone(void *user, struct ctl_request *request)
{
    struct fixture *f = user;

    assert_ptr_equal(request, f->parked);
    f->is_gone = true;
}

static int create(struct fixture *f, struct ctl_server **out)
{
    const struct ctl_server_params params = {
        .path = f->path, .handle = handle, .gone = gone, .user = f};

    return ctl_server_create(out, f->loop, &params);
}

static void start(struct fixture *f)
{
    const char *base = getenv("TMPDIR");

    *f = (struct fixture){.loop = loop_create(NULL)};
    snprintf(f->folder, sizeof f->folder, "%s/lumen-ctl-XXXXXX",
             base && strlen(base) < 40 ? base : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/socket", f->folder);
    assert_int_equal(create(f, &f->server), LM_OK);
}

static void stop(struct fixture *f)
{
    ctl_server_destroy(f->server);
    loop_destroy(f->loop);
    assert_int_equal(access(f->path, F_OK), -1);
    assert_int_equal(rmdir(f->folder), 0);
}

struct call {
    const char *path, *line;
    uint64_t timeout_ns;
    char *answer;
    int rc;
};

static void do_call(void *arg)
{
    struct call *c = arg;

    c->rc = ctl_call(c->path, c->line, c->timeout_ns, &c->answer);
}

static int call(struct fixture *f, const char *line, uint64_t timeout_ns)
{
    struct call c = {.path = f->path, .line = line, .timeout_ns = timeout_ns};

    test_call_while_looping(f->loop, do_call, &c);
    if (c.rc > 0)
        assert_int_equal(strlen(c.answer), c.rc);
    free(c.answer);
    return c.rc;
}

static void line_gets_its_answer(void **state)
{
    struct fixture f;

    start(&f);
    assert_int_equal(call(&f, "pair 1234", 5 * LM_NS_PER_S), 12);
    assert_string_equal(f.line, "pair 1234");
    stop(&f);
}

static void socket_is_for_its_owner_only(void **state)
{
    struct stat st;
    struct fixture f;

    start(&f);
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    stop(&f);
}

static void call_as_somebody_else(void *arg)
{
    struct call *c = arg;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0)
            _exit(100);
        do_call(c);
        _exit(-c->rc);
    }
    waitpid(child, &status, 0);
    c->rc = WIFEXITED(status) ? -WEXITSTATUS(status) : LM_EIO;
}

/* Even with the mode opened by hand: credentials decide, not the file system alone. */
static void other_users_are_refused(void **state)
{
    struct fixture f;

    if (geteuid() != 0) {
        print_message("skipped: needs root to become another user\n");
        skip();
    }
    start(&f);
    struct call c = {.path = f.path, .line = "devices", .timeout_ns = 5 * LM_NS_PER_S};
    assert_int_equal(chmod(f.folder, 0755), 0);
    test_call_while_looping(f.loop, call_as_somebody_else, &c);
    assert_int_equal(c.rc, LM_EAUTH);
    assert_int_equal(chmod(f.path, 0666), 0);
    test_call_while_looping(f.loop, call_as_somebody_else, &c);
    assert_int_equal(c.rc, LM_EAUTH);
    assert_string_equal(f.line, "");
    stop(&f);
}

static void parked_request_is_answered_later_or_reported_gone(void **state)
{
    struct fixture f;

    start(&f);
    assert_int_equal(call(&f, "park", 50 * LM_NS_PER_MS), LM_ETIMEOUT);
    test_loop_until(f.loop, &f.is_gone);
    stop(&f);

    start(&f);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char answer[16];
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    test_send(fd, "park\n", 5);
    test_loop_until(f.loop, &f.is_parked);
    assert_int_equal(call(&f, "other", 5 * LM_NS_PER_S), 12);
    ctl_request_answer(f.parked, "late", 4);
    assert_int_equal(test_read_to_end(f.loop, fd, answer, sizeof answer), 4);
    close(fd);
    stop(&f);
}

static void stale_socket_is_replaced_and_a_live_one_is_not(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ctl_server *second;
    struct fixture f;

    start(&f);
    assert_int_equal(create(&f, &second), LM_EEXIST);
    assert_int_equal(call(&f, "still there", 5 * LM_NS_PER_S), 12);
    ctl_server_destroy(f.server);
    /* A socket file without a listener, as a killed host leaves it. */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f.path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    assert_int_equal(create(&f, &f.server), LM_OK);
    assert_int_equal(call(&f, "again", 5 * LM_NS_PER_S), 12);
    stop(&f);
}

static void caller_learns_that_no_host_runs(void **state)
{
    char *answer;

    assert_int_equal(ctl_call("/nonexistent/socket", "x", LM_NS_PER_S, &answer), LM_ENOENT);
    assert_null(answer);
}

static void overlong_and_broken_lines_are_closed(void **state)
{
    static char flood[CTL_LINE_MAX_BYTES + 16];
    struct fixture f;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    start(&f);
    memset(flood, 'x', sizeof flood);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", f.path);
    for (int with_nul = 0; with_nul < 2; with_nul++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
        if (with_nul)
            test_send(fd, "a\0b\n", 4);
        else
            test_send(fd, flood, sizeof flood);
        assert_true(test_is_closed_within(f.loop, fd, 5 * LM_NS_PER_S));
        close(fd);
    }
    assert_string_equal(f.line, "");
    assert_int_equal(call(&f, "two\nlines", LM_NS_PER_S), LM_EINVAL);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_gets_its_answer),
        cmocka_unit_test(socket_is_for_its_owner_only),
        cmocka_unit_test(other_users_are_refused),
        cmocka_unit_test(parked_request_is_answered_later_or_reported_gone),
        cmocka_unit_test(stale_socket_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(caller_learns_that_no_host_runs),
        cmocka_unit_test(overlong_and_broken_lines_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
