#include "core/base/check.h"
#include "host/doctor_checks.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char printed[4096];
static char dir[64];

static int make_dir(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/lumen-doctor-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *files[] = {"tool", "plain"};
    for (size_t i = 0; i < LM_ARRAY_LEN(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    return rmdir(dir);
}

/* A doctor whose checks print into `printed`, after print_end. */
static struct doctor print_begin(const struct config *config, const char *search_path)
{
    memset(printed, 0, sizeof printed);
    FILE *out = fmemopen(printed, sizeof printed, "w");
    assert_non_null(out);
    return (struct doctor){
        .config = config, .out = out, .search_path = search_path, .what = "thing"};
}

static void print_end(struct doctor *d)
{
    fclose(d->out);
    d->out = NULL;
}

static void assert_printed(const char *part)
{
    if (!strstr(printed, part))
        fail_msg("\"%s\" is not in:\n%s", part, printed);
}

/* --- the report ------------------------------------------------------------------------------ */

static void say_well(struct doctor *d)
{
    doctor_say(d, DOCTOR_OK, NULL, "%d of %d", 3, 3);
}

static void say_warning(struct doctor *d)
{
    doctor_say(d, DOCTOR_WARN, "do this", "half of it");
}

static void say_failure(struct doctor *d)
{
    doctor_say(d, DOCTOR_FAIL, "do that", "nothing of it");
}

static void only_a_failure_fails_and_advice_is_indented(void **state)
{
    static const struct {
        struct doctor_check checks[3];
        int status;
        const char *text;
    } cases[] = {
        {{{"a", say_well}, {"b", say_well}, {"c", say_well}},
         0,
         "ok    a: 3 of 3\nok    b: 3 of 3\nok    c: 3 of 3\n\nAll is well.\n"},
        {{{"a", say_warning}, {"b", say_well}, {"c", say_well}},
         0,
         "warn  a: half of it\n      do this\nok    b: 3 of 3\nok    c: 3 of 3\n\n"
         "The host will work; see the warnings.\n"},
        {{{"a", say_well}, {"b", say_failure}, {"c", say_warning}},
         1,
         "ok    a: 3 of 3\nFAIL  b: nothing of it\n      do that\nwarn  c: half of it\n"
         "      do this\n\nThe host will not work before what failed is put right.\n"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct doctor d = print_begin(NULL, "");
        assert_int_equal(doctor_run_checks(&d, cases[i].checks, 3), cases[i].status);
        print_end(&d);
        assert_string_equal(printed, cases[i].text);
    }
}

/* --- ports ----------------------------------------------------------------------------------- */

/* A socket on a free port of 127.0.0.1. */
static int take_port(int type, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void taken_port_is_told_with_its_owner(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
    for (size_t i = 0; i < LM_ARRAY_LEN(types); i++) {
        uint16_t port;
        char owner[96] = "", self[32];
        int fd = take_port(types[i], &port);
        assert_int_equal(doctor_probe_port(types[i], port), DOCTOR_PORT_TAKEN);
        assert_true(doctor_port_owner(types[i], port, owner, sizeof owner));
        snprintf(self, sizeof self, "(process %d)", (int)getpid());
        assert_non_null(strstr(owner, self));
        close(fd);
        assert_int_equal(doctor_probe_port(types[i], port), DOCTOR_PORT_FREE);
        assert_false(doctor_port_owner(types[i], port, owner, sizeof owner));
    }
}

static void taken_port_fails_unless_the_host_runs(void **state)
{
    static struct config config;
    uint16_t port;
    char expected[64];
    config_defaults(&config);
    int fd = take_port(SOCK_STREAM, &port);
    config.port = port;
    struct doctor d = print_begin(&config, "");
    doctor_check_ports(&d);
    print_end(&d);
    snprintf(expected, sizeof expected, "FAIL  thing: TCP %u is taken by ", port);
    assert_printed(expected);
    assert_int_equal(d.worst, DOCTOR_FAIL);

    d = print_begin(&config, "");
    d.host_runs = true;
    doctor_check_ports(&d);
    print_end(&d);
    assert_int_equal(d.worst, DOCTOR_OK);
    close(fd);
}

/* --- programs -------------------------------------------------------------------------------- */

static void make_file(const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void programs_are_found_like_the_shell_does(void **state)
{
    char path[512], two_dirs[128], in_dir[128];
    make_file("tool", "#!/bin/sh\n", 0755);
    make_file("plain", "no program\n", 0644);
    snprintf(two_dirs, sizeof two_dirs, "/nowhere:%s", dir);
    snprintf(in_dir, sizeof in_dir, "%s/tool", dir);
    const struct {
        const char *search_path, *command;
        bool found;
    } cases[] = {
        {dir, "tool", true},
        {two_dirs, "tool --with arguments", true},
        {two_dirs, "  LANG=C A=/b tool", true},
        {"", in_dir, true},
        {dir, "plain", false},
        {dir, "missing", false},
        {dir, "too", false},
        {"", "tool", false},
        {":::", "tool", false},
        {dir, "", false},
        {dir, "   ", false},
        {dir, "LANG=C", false},
        {dir, "/nowhere/tool", false},
        {"/", "tmp", false}, /* a directory */
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        bool found = doctor_find_program(cases[i].search_path, cases[i].command, path, sizeof path);
        if (found != cases[i].found)
            fail_msg("case %d: %s", (int)i, cases[i].command);
        if (found)
            assert_string_equal(path, in_dir);
    }
    assert_false(doctor_find_program(dir, "tool", path, 4)); /* no room */
}

static void missing_programs_are_told_with_what_to_install(void **state)
{
    static const struct {
        void (*check)(struct doctor *d);
        enum doctor_level level;
        const char *advice;
    } cases[] = {
        {doctor_check_sway, DOCTOR_FAIL, "apt install sway"},
        {doctor_check_xwayland, DOCTOR_WARN, "apt install xwayland"},
        {doctor_check_bus, DOCTOR_WARN, "apt install dbus-daemon"},
        {doctor_check_sound, DOCTOR_WARN, "apt install wireplumber"},
        {doctor_check_desktop, DOCTOR_WARN, "the terminal, foot, is not found"},
        {doctor_check_desktop, DOCTOR_WARN, "the launcher, wofi, is not found"},
        {doctor_check_apps, DOCTOR_WARN, "\"Editor\" starts editor, which is not found"},
    };
    static struct config config;
    config_defaults(&config);
    snprintf(config.apps[1].name, sizeof config.apps[1].name, "Editor");
    snprintf(config.apps[1].command, sizeof config.apps[1].command, "editor --new");
    config.app_count = 2;
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct doctor d = print_begin(&config, "");
        cases[i].check(&d);
        print_end(&d);
        assert_int_equal(d.worst, cases[i].level);
        assert_printed(cases[i].advice);
    }
}

static void what_is_switched_off_is_not_missed(void **state)
{
    static struct config config;
    config_defaults(&config);
    config.sound = config.xwayland = config.discovery = false;
    config.terminal[0] = config.launcher[0] = 0;
    snprintf(config.apps[0].command, sizeof config.apps[0].command, "$HOME/bin/thing");
    static void (*const checks[])(struct doctor *) = {doctor_check_sound, doctor_check_xwayland,
                                                      doctor_check_discovery, doctor_check_desktop,
                                                      doctor_check_apps};
    for (size_t i = 0; i < LM_ARRAY_LEN(checks); i++) {
        struct doctor d = print_begin(&config, "");
        checks[i](&d);
        print_end(&d);
        assert_int_equal(d.worst, DOCTOR_OK);
    }
}

static void first_line_is_read_within_its_time(void **state)
{
    static const struct {
        const char *script, *line; /* NULL: none */
    } cases[] = {
        {"#!/bin/sh\necho tool version $1\necho more\n", "tool version 7"},
        {"#!/bin/sh\nprintf unended\n", "unended"},
        {"#!/bin/sh\necho only an error >&2\n", NULL},
        {"#!/bin/sh\nexec tail -f /dev/null\n", NULL},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char path[128], line[32];
        make_file("tool", cases[i].script, 0755);
        snprintf(path, sizeof path, "%s/tool", dir);
        bool read = doctor_first_line(path, "7", cases[i].line ? 5000 : 200, line, sizeof line);
        assert_int_equal(read, cases[i].line != NULL);
        if (read)
            assert_string_equal(line, cases[i].line);
    }
    char line[32];
    assert_false(doctor_first_line("/nowhere/tool", "7", 100, line, sizeof line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_failure_fails_and_advice_is_indented),
        cmocka_unit_test(taken_port_is_told_with_its_owner),
        cmocka_unit_test(taken_port_fails_unless_the_host_runs),
        cmocka_unit_test_setup_teardown(programs_are_found_like_the_shell_does, make_dir,
                                        remove_dir),
        cmocka_unit_test(missing_programs_are_told_with_what_to_install),
        cmocka_unit_test(what_is_switched_off_is_not_missed),
        cmocka_unit_test_setup_teardown(first_line_is_read_within_its_time, make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
