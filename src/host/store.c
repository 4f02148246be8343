#include "host/store.h"

#include "core/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SCHEMA_VERSION = 1 };

struct store {
    sqlite3 *db;
    int lock_fd;
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE identity(one INTEGER PRIMARY KEY CHECK(one = 1), key_pem TEXT NOT NULL,"
    " cert_pem TEXT NOT NULL, unique_id TEXT NOT NULL);"
    "CREATE TABLE device(fingerprint BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " cert BLOB NOT NULL, paired_at INTEGER NOT NULL, seen_at INTEGER NOT NULL);"
    "CREATE TABLE application(id INTEGER PRIMARY KEY, name TEXT NOT NULL, art BLOB NOT NULL,"
    " UNIQUE(name, art));"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* --- opening --------------------------------------------------------------------------------- */

static int make_directory(const char *dir)
{
    char path[1024];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path)
        return LM_EINVAL;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0700) && errno != EEXIST)
            return LM_EIO;
        *slash = '/';
    }
    return mkdir(path, 0700) && errno != EEXIST ? LM_EIO : LM_OK;
}

static int take_lock(struct store *store, const char *dir, char *error, size_t error_bytes)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/lock", dir);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        snprintf(error, error_bytes, "%s cannot be written: %s. Check its owner and free space.",
                 path, strerror(errno));
        return LM_EIO;
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB)) {
        snprintf(error, error_bytes,
                 "another lumen-host uses %s. Stop it (lumen-host quit), or give this one its own "
                 "directory with --state.",
                 dir);
        return LM_EEXIST;
    }
    return LM_OK;
}

static int64_t query_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *st = NULL;
    int64_t value = otherwise;
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        value = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return value;
}

static bool is_sound(sqlite3 *db)
{
    sqlite3_stmt *st = NULL;
    bool sound = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) == SQLITE_OK &&
                 sqlite3_step(st) == SQLITE_ROW &&
                 !strcmp((const char *)sqlite3_column_text(st, 0), "ok");
    sqlite3_finalize(st);
    return sound;
}

/* Looks before anything is written: a database that is not ours to change stays as it is. */
static int check_database(struct store *store, const char *path, char *error, size_t error_bytes)
{
    int64_t version = query_number(store->db, "PRAGMA user_version", -1);
    if (version < 0 || !is_sound(store->db)) {
        snprintf(error, error_bytes,
                 "%s is damaged and was left as it is. Restore it from a backup, or move it away "
                 "to start afresh (every device must then pair again).",
                 path);
        return LM_ECORRUPT;
    }
    if (version > SCHEMA_VERSION) {
        snprintf(error, error_bytes,
                 "%s was written by a newer lumen (format %d, this one knows %d) and was left as "
                 "it is. Install that version, or use another directory with --state.",
                 path, (int)version, SCHEMA_VERSION);
        return LM_EUNSUPPORTED;
    }
    int64_t tables = query_number(store->db, "SELECT count(*) FROM sqlite_master", -1);
    if (version == 0 && tables != 0) {
        snprintf(error, error_bytes, "%s is not a database of lumen and was left as it is.", path);
        return LM_ECORRUPT;
    }
    return version == 0 ? LM_ENOENT : LM_OK;
}

static int prepare_database(struct store *store, const char *path, char *error, size_t error_bytes)
{
    int result = check_database(store, path, error, error_bytes);
    if (result != LM_OK && result != LM_ENOENT)
        return result;
    bool ok = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
                           NULL, NULL) == SQLITE_OK;
    if (ok && result == LM_ENOENT)
        ok = sqlite3_exec(store->db, schema, NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        snprintf(error, error_bytes, "%s cannot be written: %s. Check its owner and free space.",
                 path, sqlite3_errmsg(store->db));
        return LM_EIO;
    }
    return LM_OK;
}

int store_open(const char *dir, struct store **out, char *error, size_t error_bytes)
{
    *out = NULL;
    if (make_directory(dir)) {
        snprintf(error, error_bytes, "%s cannot be made: %s", dir, strerror(errno));
        return LM_EIO;
    }
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return LM_ENOMEM;
    store->lock_fd = -1;
    char path[1100];
    snprintf(path, sizeof path, "%s/lumen.db", dir);
    int result = take_lock(store, dir, error, error_bytes);
    if (result)
        goto fail;
    mode_t mask = umask(0077); /* SQLite makes the database and its journal with our mask */
    int opened =
        sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (opened == SQLITE_OK)
        result = prepare_database(store, path, error, error_bytes);
    umask(mask);
    if (opened != SQLITE_OK) {
        snprintf(error, error_bytes, "%s cannot be opened: %s. Check its owner.", path,
                 sqlite3_errmsg(store->db));
        result = LM_EIO;
    }
    if (result)
        goto fail;
    *out = store;
    return LM_OK;
fail:
    store_close(store);
    return result;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store);
}

/* --- statements ------------------------------------------------------------------------------ */

static sqlite3_stmt *prepare(struct store *store, const char *sql)
{
    sqlite3_stmt *st = NULL;
    return sqlite3_prepare_v2(store->db, sql, -1, &st, NULL) == SQLITE_OK ? st : NULL;
}

static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
    if (st)
        sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *st, int at, const void *data, size_t size)
{
    if (st)
        sqlite3_bind_blob(st, at, data, (int)size, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *st, int at, int64_t value)
{
    if (st)
        sqlite3_bind_int64(st, at, value);
}

/* Runs a statement that yields no row, and ends it. */
static int finish(sqlite3_stmt *st)
{
    int step = st ? sqlite3_step(st) : SQLITE_ERROR;
    sqlite3_finalize(st);
    return step == SQLITE_DONE ? LM_OK : LM_EIO;
}

static bool copy_text(sqlite3_stmt *st, int column, char *out, size_t capacity)
{
    const char *text = (const char *)sqlite3_column_text(st, column);
    return text && snprintf(out, capacity, "%s", text) < (int)capacity;
}

/* --- identity -------------------------------------------------------------------------------- */

int store_identity(struct store *store, struct store_identity *out)
{
    sqlite3_stmt *st = prepare(store, "SELECT key_pem, cert_pem, unique_id FROM identity");
    memset(out, 0, sizeof *out);
    int step = st ? sqlite3_step(st) : SQLITE_ERROR;
    int result = step == SQLITE_DONE ? LM_ENOENT : LM_EIO;
    if (step == SQLITE_ROW)
        result = copy_text(st, 0, out->key_pem, sizeof out->key_pem) &&
                         copy_text(st, 1, out->cert_pem, sizeof out->cert_pem) &&
                         copy_text(st, 2, out->unique_id, sizeof out->unique_id)
                     ? LM_OK
                     : LM_ECORRUPT;
    sqlite3_finalize(st);
    return result;
}

int store_set_identity(struct store *store, const struct store_identity *identity)
{
    sqlite3_stmt *st = prepare(store, "INSERT OR REPLACE INTO identity VALUES(1, ?, ?, ?)");
    bind_text(st, 1, identity->key_pem);
    bind_text(st, 2, identity->cert_pem);
    bind_text(st, 3, identity->unique_id);
    return finish(st);
}

/* --- devices --------------------------------------------------------------------------------- */

#define DEVICE_COLUMNS "fingerprint, name, cert, paired_at, seen_at"

static bool read_device(sqlite3_stmt *st, struct store_device *out)
{
    memset(out, 0, sizeof *out);
    int cert_bytes = sqlite3_column_bytes(st, 2);
    if (sqlite3_column_bytes(st, 0) != STORE_FINGERPRINT_BYTES || cert_bytes <= 0 ||
        cert_bytes > STORE_CERT_BYTES || !copy_text(st, 1, out->name, sizeof out->name))
        return false;
    memcpy(out->fingerprint, sqlite3_column_blob(st, 0), STORE_FINGERPRINT_BYTES);
    memcpy(out->cert_der, sqlite3_column_blob(st, 2), (size_t)cert_bytes);
    out->cert_bytes = (size_t)cert_bytes;
    out->paired_at = sqlite3_column_int64(st, 3);
    out->seen_at = sqlite3_column_int64(st, 4);
    return true;
}

static int read_one_device(sqlite3_stmt *st, struct store_device *out)
{
    int step = st ? sqlite3_step(st) : SQLITE_ERROR;
    int result = step == SQLITE_DONE ? LM_ENOENT : LM_EIO;
    if (step == SQLITE_ROW)
        result = read_device(st, out) ? LM_OK : LM_ECORRUPT;
    sqlite3_finalize(st);
    return result;
}

static bool name_is_taken(struct store *store, const struct store_device *device, const char *name)
{
    sqlite3_stmt *st = prepare(store, "SELECT 1 FROM device WHERE name = ? AND fingerprint <> ?");
    bind_text(st, 1, name);
    bind_blob(st, 2, device->fingerprint, sizeof device->fingerprint);
    bool taken = st && sqlite3_step(st) == SQLITE_ROW;
    sqlite3_finalize(st);
    return taken;
}

static void make_name_unique(struct store *store, struct store_device *device)
{
    char base[STORE_NAME_BYTES - 16], name[STORE_NAME_BYTES];
    snprintf(base, sizeof base, "%.*s", (int)sizeof base - 1,
             *device->name ? device->name : "device");
    snprintf(name, sizeof name, "%s", base);
    for (int n = 2; name_is_taken(store, device, name) && n <= STORE_MAX_DEVICES + 1; n++)
        snprintf(name, sizeof name, "%s-%d", base, n);
    memcpy(device->name, name, sizeof name);
}

int store_add_device(struct store *store, struct store_device *device)
{
    if (!device->cert_bytes || device->cert_bytes > STORE_CERT_BYTES)
        return LM_EINVAL;
    if (query_number(store->db, "SELECT count(*) FROM device", 0) >= STORE_MAX_DEVICES)
        return LM_EFULL;
    make_name_unique(store, device);
    sqlite3_stmt *st =
        prepare(store, "INSERT OR REPLACE INTO device(" DEVICE_COLUMNS ") VALUES(?, ?, ?, ?, ?)");
    bind_blob(st, 1, device->fingerprint, sizeof device->fingerprint);
    bind_text(st, 2, device->name);
    bind_blob(st, 3, device->cert_der, device->cert_bytes);
    bind_number(st, 4, device->paired_at);
    bind_number(st, 5, device->seen_at);
    return finish(st);
}

int store_find_device(struct store *store, const uint8_t *cert_der, size_t cert_bytes,
                      struct store_device *out)
{
    sqlite3_stmt *st = prepare(store, "SELECT " DEVICE_COLUMNS " FROM device WHERE cert = ?");
    bind_blob(st, 1, cert_der, cert_bytes);
    return read_one_device(st, out);
}

int store_remove_device(struct store *store, const char *name, struct store_device *removed)
{
    sqlite3_stmt *st = prepare(store, "SELECT " DEVICE_COLUMNS " FROM device WHERE name = ?");
    bind_text(st, 1, name);
    int result = read_one_device(st, removed);
    if (result)
        return result;
    st = prepare(store, "DELETE FROM device WHERE name = ?");
    bind_text(st, 1, name);
    return finish(st);
}

int store_list_devices(struct store *store, struct store_device *out, size_t capacity)
{
    sqlite3_stmt *st =
        prepare(store, "SELECT " DEVICE_COLUMNS " FROM device ORDER BY paired_at, name");
    size_t count = 0;
    int step = SQLITE_ERROR;
    while (st && count < capacity && (step = sqlite3_step(st)) == SQLITE_ROW)
        count += read_device(st, &out[count]);
    sqlite3_finalize(st);
    return step == SQLITE_DONE || count == capacity ? (int)count : LM_EIO;
}

int store_touch_device(struct store *store, const uint8_t fingerprint[STORE_FINGERPRINT_BYTES],
                       int64_t now_s)
{
    sqlite3_stmt *st = prepare(store, "UPDATE device SET seen_at = ? WHERE fingerprint = ?");
    bind_number(st, 1, now_s);
    bind_blob(st, 2, fingerprint, STORE_FINGERPRINT_BYTES);
    return finish(st);
}

/* --- applications ---------------------------------------------------------------------------- */

static int32_t first_app_id(const char *name, const uint8_t art_hash[32])
{
    uint32_t hash = 2166136261u; /* FNV-1a: only spreads the numbers; the table makes them unique */
    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    for (int i = 0; i < 32; i++)
        hash = (hash ^ art_hash[i]) * 16777619u;
    return (int32_t)(hash & 0x7fffffff);
}

int store_app_id(struct store *store, const char *name, const uint8_t art_hash[32], int32_t *id)
{
    sqlite3_stmt *st = prepare(store, "SELECT id FROM application WHERE name = ? AND art = ?");
    bind_text(st, 1, name);
    bind_blob(st, 2, art_hash, 32);
    int step = st ? sqlite3_step(st) : SQLITE_ERROR;
    if (step == SQLITE_ROW)
        *id = (int32_t)sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    if (step == SQLITE_ROW)
        return LM_OK;
    if (step != SQLITE_DONE)
        return LM_EIO;
    int32_t candidate = first_app_id(name, art_hash);
    for (int tries = 0; tries < 64; tries++, candidate = (candidate + 1) & 0x7fffffff) {
        if (candidate == 0)
            continue;
        st = prepare(store, "INSERT INTO application VALUES(?, ?, ?)");
        bind_number(st, 1, candidate);
        bind_text(st, 2, name);
        bind_blob(st, 3, art_hash, 32);
        if (finish(st) == LM_OK) {
            *id = candidate;
            return LM_OK;
        }
    }
    return LM_EIO;
}
