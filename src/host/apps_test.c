#include "host/apps.h"

#include "core/base/check.h"
#include "host/boxart.h"

#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], error[512];
static char last_warning[512];
static int warnings;

static int make_dir(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/lumen-apps-XXXXXX");
    warnings = 0;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *files[] = {"lumen.db", "lumen.db-wal", "lumen.db-shm", "lock", "art.png"};
    for (size_t i = 0; i < LM_ARRAY_LEN(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static void keep_warning(void *user, enum lm_log_level level, const char *area, const char *text)
{
    if (level != LM_LOG_WARN)
        return;
    warnings++;
    snprintf(last_warning, sizeof last_warning, "%s", text);
}

static const struct lm_log sink = {.write = keep_warning, .max_level = LM_LOG_DEBUG};

static void write_art(const void *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/art.png", dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* Desktop and a program whose picture is art.png in the test's directory, or drawn. */
static const struct config *two_apps(bool with_art)
{
    static struct config config;
    config_defaults(&config);
    struct config_app *app = &config.apps[config.app_count++];
    memset(app, 0, sizeof *app);
    snprintf(app->name, sizeof app->name, "Text Editor");
    snprintf(app->command, sizeof app->command, "editor");
    if (with_art)
        snprintf(app->art, sizeof app->art, "%s/art.png", dir);
    return &config;
}

static void init(struct apps *apps, const struct config *config)
{
    struct store *store;
    if (store_open(dir, &store, error, sizeof error))
        fail_msg("%s", error);
    assert_int_equal(apps_init(apps, config, store, &sink), LM_OK);
    store_close(store);
}

static void assert_decodes(const struct app *app)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, app->art, app->art_bytes));
    assert_int_equal(image.width, BOXART_WIDTH);
    assert_int_equal(image.height, BOXART_HEIGHT);
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(pixels);
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    free(pixels);
}

static void drawn_art_is_png_and_differs_by_name(void **state) /* gs-session 51, 53 */
{
    struct apps apps;
    init(&apps, two_apps(false));
    assert_int_equal(apps.count, 2);
    for (size_t i = 0; i < apps.count; i++) {
        assert_true(apps.list[i].id > 0);
        assert_decodes(&apps.list[i]);
    }
    assert_int_not_equal(apps.list[0].id, apps.list[1].id);
    assert_true(apps.list[0].art_bytes != apps.list[1].art_bytes ||
                memcmp(apps.list[0].art, apps.list[1].art, apps.list[0].art_bytes) != 0);
    assert_int_equal(warnings, 0);
    apps_finish(&apps);
    assert_int_equal(apps.count, 0);
}

static void numbers_survive_a_restart_and_change_with_the_art(void **state) /* gs-session 52 */
{
    struct apps first, again, changed;
    init(&first, two_apps(false));
    init(&again, two_apps(false));
    assert_int_equal(first.list[0].id, again.list[0].id);
    assert_int_equal(first.list[1].id, again.list[1].id);
    write_art(first.list[0].art, first.list[0].art_bytes);
    init(&changed, two_apps(true));
    assert_int_equal(warnings, 0);
    assert_int_equal(changed.list[1].art_bytes, first.list[0].art_bytes);
    assert_int_equal(first.list[0].id, changed.list[0].id);
    assert_int_not_equal(first.list[1].id, changed.list[1].id);
    apps_finish(&first);
    apps_finish(&again);
    apps_finish(&changed);
}

static void unusable_art_is_warned_about_and_drawn(void **state)
{
    static const char gif[] = "GIF89a, and by no means a PNG";
    enum { TOO_LARGE = (4 << 20) + 1 };
    uint8_t *large = calloc(1, TOO_LARGE);
    assert_non_null(large);
    const struct {
        const void *data;
        size_t size;
        const char *says;
    } cases[] = {
        {NULL, 0, "No such file"},
        {gif, sizeof gif, "no PNG"},
        {gif, 0, "no PNG"},
        {"\x89PNG\r\n\x1a\n", 8, "no PNG"},
        {large, TOO_LARGE, "larger than 4 MiB"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct apps apps;
        if (cases[i].data)
            write_art(cases[i].data, cases[i].size);
        warnings = 0;
        init(&apps, two_apps(true));
        assert_int_equal(warnings, 1);
        if (!strstr(last_warning, cases[i].says))
            fail_msg("case %d: %s", (int)i, last_warning);
        assert_decodes(&apps.list[1]);
        apps_finish(&apps);
    }
    free(large);
}

static void numbers_find_their_application(void **state)
{
    struct apps apps;
    init(&apps, two_apps(false));
    assert_ptr_equal(apps_by_id(&apps, apps.list[0].id), &apps.list[0]);
    assert_ptr_equal(apps_by_id(&apps, apps.list[1].id), &apps.list[1]);
    static const int64_t strangers[] = {0, -1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < LM_ARRAY_LEN(strangers); i++)
        assert_null(apps_by_id(&apps, strangers[i]));
    assert_null(apps_by_id(&apps, apps.list[0].id + (INT64_C(1) << 32)));
    apps_finish(&apps);
}

static void any_name_can_be_drawn(void **state)
{
    static const char *names[] = {
        "",
        " ",
        "x",
        "\xc3\xbc\xe2\x82\xac",
        "\xff\x80\x01",
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
        "a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5",
        "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(names); i++) {
        struct app app = {0};
        assert_int_equal(boxart_draw(names[i], BOXART_EMBLEM_TILE, &app.art, &app.art_bytes),
                         LM_OK);
        assert_decodes(&app);
        free(app.art);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(drawn_art_is_png_and_differs_by_name, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(numbers_survive_a_restart_and_change_with_the_art, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(unusable_art_is_warned_about_and_drawn, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(numbers_find_their_application, make_dir, remove_dir),
        cmocka_unit_test(any_name_can_be_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
