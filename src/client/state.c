#include "client/state.h"

#include "core/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static const char cert_begin[] = "-----BEGIN CERTIFICATE-----";

static char *join(const char *dir, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static char *default_dir(void)
{
    const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (base && base[0] == '/')
        return join(base, "lumen-client");
    return home ? join(home, ".local/state/lumen-client") : NULL;
}

/* mkdir -p, each with mode 0700. */
static int make_dirs(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        int failed = mkdir(path, 0700) != 0 && errno != EEXIST;
        *at = '/';
        if (failed)
            return LM_EIO;
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? LM_EIO : LM_OK;
}

/* The whole file, NUL-terminated and the caller's; LM_ENOENT when there is none. */
static int read_file(const char *path, char **out, size_t *size_bytes)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOENT ? LM_ENOENT : LM_EIO;
    int result = LM_ENOMEM;
    char *text = malloc(FILE_MAX_BYTES + 1);
    if (!text)
        goto out;
    *size_bytes = fread(text, 1, FILE_MAX_BYTES + 1, file);
    result = ferror(file) ? LM_EIO : *size_bytes > FILE_MAX_BYTES ? LM_ECORRUPT : LM_OK;
    if (result < 0)
        goto out;
    text[*size_bytes] = 0;
    *out = text;
    text = NULL;
out:
    free(text);
    fclose(file);
    return result;
}

static int write_all(int fd, const char *data, size_t size_bytes)
{
    while (size_bytes) {
        ssize_t count = write(fd, data, size_bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return LM_EIO;
        data += count;
        size_bytes -= (size_t)count;
    }
    return fsync(fd) == 0 ? LM_OK : LM_EIO;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return LM_EIO;
    int result = fsync(fd) == 0 ? LM_OK : LM_EIO;
    close(fd);
    return result;
}

/* Written beside, synced, renamed over. */
static int replace_file(const char *dir, const char *name, const char *data, size_t size_bytes)
{
    int result = LM_ENOMEM, fd = -1;
    char *path = join(dir, name), *beside = NULL;
    if (!path || asprintf(&beside, "%s.XXXXXX", path) < 0) {
        beside = NULL;
        goto out;
    }
    result = LM_EIO;
    fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        goto out;
    result = write_all(fd, data, size_bytes);
    if (result == LM_OK)
        result = rename(beside, path) == 0 ? sync_dir(dir) : LM_EIO;
    if (result < 0)
        unlink(beside);
    close(fd);
out:
    free(beside);
    free(path);
    return result;
}

static int make_identity(struct state *s)
{
    int result = lm_key_generate(&s->key);
    if (result == LM_OK)
        result = lm_cert_self_signed(&s->cert, s->key, "NVIDIA GameStream Client", time(NULL));
    if (result < 0)
        return result;
    int key_bytes = lm_key_pem(s->key, s->key_pem, sizeof s->key_pem);
    if (key_bytes < 0)
        return key_bytes;
    char *text;
    size_t pem_bytes;
    int size = asprintf(&text, "%s%s", s->key_pem, lm_cert_pem(s->cert, &pem_bytes));
    if (size < 0)
        return LM_ENOMEM;
    result = replace_file(s->dir, "identity.pem", text, (size_t)size);
    explicit_bzero(text, (size_t)size);
    free(text);
    return result;
}

static int parse_identity(struct state *s, const char *text)
{
    const char *cert = strstr(text, cert_begin);
    if (!cert || lm_key_from_pem(&s->key, text, (size_t)(cert - text)) < 0 ||
        lm_cert_from_pem(&s->cert, cert, strlen(cert)) < 0 || lm_key_matches(s->key, s->cert) < 0 ||
        lm_key_pem(s->key, s->key_pem, sizeof s->key_pem) < 0)
        return LM_ECORRUPT;
    return LM_OK;
}

static int load_identity(struct state *s)
{
    char *path = join(s->dir, "identity.pem"), *text = NULL;
    size_t size_bytes = 0;
    if (!path)
        return LM_ENOMEM;
    int result = read_file(path, &text, &size_bytes);
    free(path);
    if (result == LM_ENOENT)
        return make_identity(s);
    if (result < 0)
        return result;
    result = parse_identity(s, text);
    explicit_bzero(text, size_bytes);
    free(text);
    return result;
}

static bool copy_text(char *to, size_t capacity_bytes, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text || strlen(text) >= capacity_bytes)
        return false;
    strcpy(to, text);
    return true;
}

static int parse_hosts(struct state *s, const json_t *root)
{
    size_t i;
    json_t *item, *list = json_object_get(root, "hosts");
    if (!json_is_array(list) || json_array_size(list) > STATE_MAX_HOSTS)
        return LM_ECORRUPT;
    json_array_foreach(list, i, item)
    {
        struct state_host *host = &s->hosts[s->host_count];
        const char *pem = json_string_value(json_object_get(item, "certificate"));
        if (!pem || !copy_text(host->unique_id, sizeof host->unique_id, item, "unique_id") ||
            !copy_text(host->name, sizeof host->name, item, "name") ||
            !copy_text(host->address, sizeof host->address, item, "address") ||
            lm_cert_from_pem(&host->cert, pem, strlen(pem)) < 0)
            return LM_ECORRUPT;
        s->host_count++;
    }
    return LM_OK;
}

static int load_hosts(struct state *s)
{
    char *path = join(s->dir, "hosts.json"), *text = NULL;
    size_t size_bytes = 0;
    if (!path)
        return LM_ENOMEM;
    int result = read_file(path, &text, &size_bytes);
    free(path);
    if (result == LM_ENOENT)
        return LM_OK;
    if (result < 0)
        return result;
    json_t *root = json_loadb(text, size_bytes, JSON_REJECT_DUPLICATES, NULL);
    result = root ? parse_hosts(s, root) : LM_ECORRUPT;
    json_decref(root);
    free(text);
    return result;
}

static void forget_hosts(struct state *s)
{
    for (size_t i = 0; i < STATE_MAX_HOSTS; i++)
        lm_cert_destroy(s->hosts[i].cert);
    memset(s->hosts, 0, sizeof s->hosts);
    s->host_count = 0;
}

static int save_hosts(const struct state *s)
{
    int result = LM_ENOMEM;
    char *text = NULL;
    json_t *root = json_object(), *list = json_array();
    if (json_object_set_new(root, "hosts", list) < 0)
        goto out;
    for (size_t i = 0; i < s->host_count; i++) {
        const struct state_host *h = &s->hosts[i];
        size_t pem_bytes;
        json_t *item =
            json_pack("{ssssssss}", "unique_id", h->unique_id, "name", h->name, "address",
                      h->address, "certificate", lm_cert_pem(h->cert, &pem_bytes));
        if (json_array_append_new(list, item) < 0)
            goto out;
    }
    text = json_dumps(root, JSON_INDENT(2));
    if (text)
        result = replace_file(s->dir, "hosts.json", text, strlen(text));
out:
    free(text);
    json_decref(root);
    return result;
}

/* Two clients may start on the same state at once: one creates, one waits. */
static int lock(const struct state *s)
{
    char *path = join(s->dir, "lock");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    free(path);
    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        close(fd);
        fd = -1;
    }
    return fd >= 0 ? fd : LM_EIO;
}

int state_create(const char *dir, struct state **out)
{
    int result = LM_ENOMEM, lock_fd = -1;
    *out = NULL;
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->dir = dir ? strdup(dir) : default_dir();
    if (!s->dir)
        goto fail;
    result = make_dirs(s->dir);
    if (result < 0)
        goto fail;
    result = lock_fd = lock(s);
    if (result < 0)
        goto fail;
    result = load_identity(s);
    if (result == LM_OK)
        result = load_hosts(s);
    close(lock_fd);
    if (result < 0)
        goto fail;
    const uint8_t *print = lm_cert_fingerprint(s->cert);
    for (int i = 0; i < 8; i++)
        snprintf(s->unique_id + 2 * i, 3, "%02x", print[i]);
    *out = s;
    return LM_OK;

fail:
    state_destroy(s);
    return result;
}

void state_destroy(struct state *s)
{
    if (!s)
        return;
    forget_hosts(s);
    lm_cert_destroy(s->cert);
    lm_key_destroy(s->key);
    explicit_bzero(s->key_pem, sizeof s->key_pem);
    free(s->dir);
    free(s);
}

const struct state_host *state_find_host(const struct state *s, const char *unique_id)
{
    for (size_t i = 0; i < s->host_count; i++)
        if (strcmp(s->hosts[i].unique_id, unique_id) == 0)
            return &s->hosts[i];
    return NULL;
}

static int put_locked(struct state *s, const struct state_host *host)
{
    /* Another client may have paired since we read. */
    forget_hosts(s);
    int result = load_hosts(s);
    if (result < 0)
        return result;
    size_t at = 0;
    while (at < s->host_count && strcmp(s->hosts[at].unique_id, host->unique_id) != 0)
        at++;
    if (at == STATE_MAX_HOSTS)
        return LM_EFULL;
    size_t pem_bytes;
    const char *pem = lm_cert_pem(host->cert, &pem_bytes);
    struct lm_cert *cert;
    result = lm_cert_from_pem(&cert, pem, pem_bytes);
    if (result < 0)
        return result;
    lm_cert_destroy(s->hosts[at].cert);
    s->hosts[at] = *host;
    s->hosts[at].cert = cert;
    s->host_count = LM_MAX(s->host_count, at + 1);
    return save_hosts(s);
}

int state_put_host(struct state *s, const struct state_host *host)
{
    int lock_fd = lock(s);
    if (lock_fd < 0)
        return lock_fd;
    int result = put_locked(s, host);
    close(lock_fd);
    return result;
}
