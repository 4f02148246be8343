#include "host/paths.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int make_dir(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/lumen-paths-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    return rmdir(dir);
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void paths_follow_xdg_and_fall_back_to_home(void **state)
{
    char own_tmp[64], long_text[600];
    snprintf(own_tmp, sizeof own_tmp, "/tmp/lumen-%u", (unsigned)getuid());
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[0] = '/';
    long_text[sizeof long_text - 1] = 0;
    const struct {
        const char *config_home, *state_home, *runtime_dir, *home;
        int code;
        const char *config, *state, *runtime;
    } cases[] = {
        {"/c", "/s", "/r", NULL, LM_OK, "/c/lumen/lumen.conf", "/s/lumen", "/r/lumen"},
        {NULL, NULL, NULL, "/h", LM_OK, "/h/.config/lumen/lumen.conf", "/h/.local/state/lumen",
         own_tmp},
        /* The specification has relative paths ignored. */
        {"c", "s", "r", "/h", LM_OK, "/h/.config/lumen/lumen.conf", "/h/.local/state/lumen",
         own_tmp},
        {"", "", "", "/h", LM_OK, "/h/.config/lumen/lumen.conf", "/h/.local/state/lumen", own_tmp},
        {"/c", "/s", "/sixty-bytes-and-more/are-too-long-for-the-sockets-below-it--", "/h", LM_OK,
         "/c/lumen/lumen.conf", "/s/lumen", own_tmp},
        {NULL, NULL, "/r", NULL, LM_ENOENT, NULL, NULL, "/r/lumen"},
        {NULL, NULL, "/r", "relative", LM_ENOENT, NULL, NULL, "/r/lumen"},
        {long_text, "/s", "/r", "/h", LM_ELIMIT, NULL, NULL, "/r/lumen"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct paths paths = {0};
        set("XDG_CONFIG_HOME", cases[i].config_home);
        set("XDG_STATE_HOME", cases[i].state_home);
        set("XDG_RUNTIME_DIR", cases[i].runtime_dir);
        set("HOME", cases[i].home);
        assert_int_equal(paths_find(&paths), cases[i].code);
        if (cases[i].config)
            assert_string_equal(paths.config, cases[i].config);
        if (cases[i].state)
            assert_string_equal(paths.state, cases[i].state);
        assert_string_equal(paths.runtime, cases[i].runtime);
    }
}

static void runtime_directory_is_made_private(void **state)
{
    struct paths paths;
    struct stat st;
    snprintf(paths.runtime, sizeof paths.runtime, "%s/lumen", dir);
    mode_t mask = umask(0);
    assert_int_equal(paths_make_runtime(&paths), LM_OK);
    umask(mask);
    assert_int_equal(stat(paths.runtime, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(chmod(paths.runtime, 0755), 0);
    assert_int_equal(paths_make_runtime(&paths), LM_OK); /* ours already: closed again */
    assert_int_equal(stat(paths.runtime, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(rmdir(paths.runtime), 0);
}

static void runtime_directory_is_refused_when_not_ours(void **state)
{
    struct paths paths;
    char real[80];
    snprintf(paths.runtime, sizeof paths.runtime, "%s/lumen", dir);
    snprintf(real, sizeof real, "%s/real", dir);

    assert_int_equal(mkdir(real, 0700), 0);
    assert_int_equal(symlink(real, paths.runtime), 0);
    assert_int_equal(paths_make_runtime(&paths), LM_EAUTH); /* a link, even to our own */
    assert_int_equal(unlink(paths.runtime), 0);
    assert_int_equal(rmdir(real), 0);

    FILE *file = fopen(paths.runtime, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(paths_make_runtime(&paths), LM_EAUTH);
    assert_int_equal(unlink(paths.runtime), 0);

    if (geteuid() == 0) { /* only root can hand a directory to somebody else */
        assert_int_equal(mkdir(paths.runtime, 0700), 0);
        assert_int_equal(chown(paths.runtime, 65534, 65534), 0);
        assert_int_equal(paths_make_runtime(&paths), LM_EAUTH);
        assert_int_equal(rmdir(paths.runtime), 0);
    } else {
        snprintf(paths.runtime, sizeof paths.runtime, "/");
        assert_int_equal(paths_make_runtime(&paths), LM_EAUTH);
    }
}

static void runtime_directory_is_refused_when_too_long_or_impossible(void **state)
{
    struct paths paths;
    snprintf(paths.runtime, sizeof paths.runtime, "%s/%060d", dir, 0);
    assert_int_equal(paths_make_runtime(&paths), LM_ELIMIT);
    snprintf(paths.runtime, sizeof paths.runtime, "%s/no/such", dir);
    assert_int_equal(paths_make_runtime(&paths), LM_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_follow_xdg_and_fall_back_to_home),
        cmocka_unit_test_setup_teardown(runtime_directory_is_made_private, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(runtime_directory_is_refused_when_not_ours, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(runtime_directory_is_refused_when_too_long_or_impossible,
                                        make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
