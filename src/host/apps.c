#include "host/apps.h"

#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "host/boxart.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ART_BYTES = 4 << 20, MAX_ART_SIDE = 8192 };

/* Reads the whole file. On failure a sentence in `error`. */
static int read_file(const char *path, uint8_t **out, size_t *out_bytes, const char **error)
{
    int code = LM_EIO;
    uint8_t *data = NULL;
    *error = "it cannot be read";
    FILE *file = fopen(path, "re");
    if (!file) {
        *error = strerror(errno);
        return LM_EIO;
    }
    data = malloc(MAX_ART_BYTES + 1);
    if (!data) {
        *error = "out of memory";
        code = LM_ENOMEM;
        goto out;
    }
    size_t size = fread(data, 1, MAX_ART_BYTES + 1, file);
    if (ferror(file))
        goto out;
    if (size > MAX_ART_BYTES) {
        *error = "it is larger than 4 MiB";
        code = LM_ELIMIT;
        goto out;
    }
    uint8_t *fitted = realloc(data, size ? size : 1);
    *out = fitted ? fitted : data;
    *out_bytes = size;
    data = NULL;
    code = LM_OK;
out:
    free(data);
    fclose(file);
    return code;
}

/* Signature and header only: clients decode the rest, and show their own picture if they cannot. */
static bool is_png(const uint8_t *data, size_t size)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    bool good = png_image_begin_read_from_memory(&image, data, size) && image.width > 0 &&
                image.height > 0 && image.width <= MAX_ART_SIDE && image.height <= MAX_ART_SIDE;
    png_image_free(&image);
    return good;
}

static int read_art(struct app *app, const struct lm_log *log)
{
    const char *error = NULL;
    int code = read_file(app->config->art, &app->art, &app->art_bytes, &error);
    if (!code && !is_png(app->art, app->art_bytes)) {
        error = "it is no PNG picture of at most 8192x8192";
        code = LM_EINVAL;
    }
    if (code) {
        lm_warn(log, "apps", "the picture %s of \"%s\" is not used: %s. One is drawn instead.",
                app->config->art, app->config->name, error);
        free(app->art);
        app->art = NULL;
        app->art_bytes = 0;
    }
    return code;
}

static int init_app(struct app *app, const struct config_app *config, struct store *store,
                    const struct lm_log *log)
{
    uint8_t hash[LM_SHA256_BYTES];
    int code = LM_OK;
    app->config = config;
    if (!*config->art || read_art(app, log))
        code =
            boxart_draw(config->name, *config->command ? BOXART_EMBLEM_TILE : BOXART_EMBLEM_SCREEN,
                        &app->art, &app->art_bytes);
    if (code)
        return code;
    lm_sha256(&(struct lm_part){app->art, app->art_bytes}, 1, hash);
    return store_app_id(store, config->name, hash, &app->id);
}

int apps_init(struct apps *apps, const struct config *config, struct store *store,
              const struct lm_log *log)
{
    memset(apps, 0, sizeof *apps);
    for (size_t i = 0; i < config->app_count; i++) {
        apps->count++;
        int code = init_app(&apps->list[i], &config->apps[i], store, log);
        if (code) {
            apps_finish(apps);
            return code;
        }
    }
    return LM_OK;
}

void apps_finish(struct apps *apps)
{
    for (size_t i = 0; i < apps->count; i++)
        free(apps->list[i].art);
    memset(apps, 0, sizeof *apps);
}

const struct app *apps_by_id(const struct apps *apps, int64_t id)
{
    for (size_t i = 0; i < apps->count; i++)
        if (apps->list[i].id == id)
            return &apps->list[i];
    return NULL;
}
