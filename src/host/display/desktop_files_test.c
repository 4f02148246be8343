/* The session's directory and what is written into it, and the parser of /proc lines. */
#include "host/display/desktop_files.h"

#include "core/base/check.h"
#include "host/display/process_tree.h"
#include "host/display/session_dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char base[32];

static char *path_in_base(char path[SESSION_DIR_BYTES], const char *name)
{
    snprintf(path, SESSION_DIR_BYTES, "%s/%s", base, name);
    return path;
}

static void mode_text_keeps_every_millihertz(void **state)
{
    static const struct {
        struct display_mode mode;
        const char *text;
    } cases[] = {
        {{1280, 720, 60000}, "1280x720@60.000Hz"},
        {{1606, 902, 59940}, "1606x902@59.940Hz"},
        {{640, 480, 23976}, "640x480@23.976Hz"},
        {{640, 480, 120005}, "640x480@120.005Hz"},
    };
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char text[64];
        desktop_mode_text(&cases[i].mode, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_command_cannot_add_lines_to_the_configuration(void **state)
{
    static const char *const bad[] = {"foot\nexec evil", "foot\rx"};
    char path[SESSION_DIR_BYTES], long_command[700];
    int lock;
    (void)state;
    assert_int_equal(session_dir_make(path_in_base(path, "d"), &lock), LM_OK);
    struct display_params params = {.mode = {640, 480, 60000}, .desktop_programs = true};
    for (size_t i = 0; i < LM_ARRAY_LEN(bad); i++) {
        params.terminal = bad[i];
        assert_int_equal(desktop_files_write(path, &params), LM_EINVAL);
    }
    memset(long_command, 'x', sizeof long_command - 1);
    long_command[sizeof long_command - 1] = 0;
    params.terminal = long_command;
    assert_int_equal(desktop_files_write(path, &params), LM_EINVAL);
    params.terminal = NULL;
    params.launcher = "wofi --show run";
    params.sound = params.xwayland = true;
    assert_int_equal(desktop_files_write(path, &params), LM_OK);
    session_dir_remove(path);
    close(lock);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_locked_directory_is_in_use_and_a_left_over_one_is_not(void **state)
{
    char path[SESSION_DIR_BYTES];
    int lock, second;
    (void)state;
    assert_int_equal(session_dir_make(path_in_base(path, "d"), &lock), LM_OK);
    assert_int_equal(session_dir_write(path, "old", "text"), LM_OK);
    assert_int_equal(session_dir_make(path, &second), LM_EEXIST);
    assert_int_equal(second, -1);
    close(lock);
    assert_int_equal(session_dir_make(path, &lock), LM_OK);
    char old[SESSION_DIR_BYTES + 8];
    snprintf(old, sizeof old, "%s/old", path);
    assert_int_equal(access(old, F_OK), -1);
    session_dir_remove(path);
    close(lock);
}

static void removal_does_not_follow_links(void **state)
{
    char path[SESSION_DIR_BYTES], kept[SESSION_DIR_BYTES], link[SESSION_DIR_BYTES + 8];
    int lock;
    (void)state;
    assert_int_equal(mkdir(path_in_base(kept, "kept"), 0700), 0);
    assert_int_equal(session_dir_write(kept, "file", "text"), LM_OK);
    assert_int_equal(session_dir_make(path_in_base(path, "d"), &lock), LM_OK);
    snprintf(link, sizeof link, "%s/link", path);
    assert_int_equal(symlink(kept, link), 0);
    session_dir_remove(path);
    close(lock);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(link, sizeof link, "%s/file", kept);
    assert_int_equal(access(link, F_OK), 0);
    session_dir_remove(kept);
}

static void a_too_long_name_is_refused(void **state)
{
    char path[SESSION_DIR_BYTES + 1];
    int lock;
    (void)state;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(session_dir_make(path, &lock), LM_ELIMIT);
}

static void stat_lines_survive_strange_names(void **state)
{
    static const struct {
        const char *line;
        int ok, pid, parent;
    } cases[] = {
        {"12 (sway) S 7 12 12 0", 1, 12, 7},
        {"12 (a) b) R 3) R 8 1", 1, 12, 8},
        {"12 (dead) Z 7 12", 0, 0, 0},
        {"12 (sway", 0, 0, 0},
        {"", 0, 0, 0},
        {"x (a) S 1", 0, 0, 0},
        {"12 (a) S", 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        pid_t pid = 0, parent = 0;
        assert_int_equal(process_tree_parse_stat(cases[i].line, &pid, &parent), cases[i].ok);
        if (!cases[i].ok)
            continue;
        assert_int_equal(pid, cases[i].pid);
        assert_int_equal(parent, cases[i].parent);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_text_keeps_every_millihertz),
        cmocka_unit_test(a_command_cannot_add_lines_to_the_configuration),
        cmocka_unit_test(a_locked_directory_is_in_use_and_a_left_over_one_is_not),
        cmocka_unit_test(removal_does_not_follow_links),
        cmocka_unit_test(a_too_long_name_is_refused),
        cmocka_unit_test(stat_lines_survive_strange_names),
    };
    strcpy(base, "/tmp/lumen-unit.XXXXXX");
    if (!mkdtemp(base))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return rmdir(base) || failed;
}
