#include "host/store.h"

#include "core/base/check.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], error[512];

static int make_dir(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/lumen-store-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    static const char *files[] = {"lumen.db", "lumen.db-wal", "lumen.db-shm", "lock"};
    for (size_t i = 0; i < LM_ARRAY_LEN(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static struct store *open_store(void)
{
    struct store *store;
    if (store_open(dir, &store, error, sizeof error))
        fail_msg("%s", error);
    return store;
}

static struct store_device device(uint8_t seed, const char *name)
{
    struct store_device d = {.cert_bytes = 600, .paired_at = 1000 + seed, .seen_at = 1000 + seed};
    memset(d.cert_der, seed, d.cert_bytes);
    memset(d.fingerprint, seed, sizeof d.fingerprint);
    snprintf(d.name, sizeof d.name, "%s", name);
    return d;
}

static void identity_survives_reopening(void **state) /* gs-session 12, 27 */
{
    struct store_identity in = {"key", "cert", "uuid"}, out;
    struct store *store = open_store();
    assert_int_equal(store_identity(store, &out), LM_ENOENT);
    assert_int_equal(store_set_identity(store, &in), LM_OK);
    store_close(store);
    store = open_store();
    assert_int_equal(store_identity(store, &out), LM_OK);
    assert_memory_equal(&in, &out, sizeof in);
    store_close(store);
}

static void database_is_private(void **state)
{
    store_close(open_store());
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/lumen.db", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void devices_are_found_by_all_their_bytes(void **state)
{
    struct store *store = open_store();
    struct store_device a = device(1, "phone"), b = device(2, "phone"), found;
    assert_int_equal(store_add_device(store, &a), LM_OK);
    assert_int_equal(store_add_device(store, &b), LM_OK);
    assert_string_equal(b.name, "phone-2");
    assert_int_equal(store_find_device(store, a.cert_der, a.cert_bytes, &found), LM_OK);
    assert_string_equal(found.name, "phone");
    a.cert_der[599] ^= 1;
    assert_int_equal(store_find_device(store, a.cert_der, a.cert_bytes, &found), LM_ENOENT);
    a.cert_der[599] ^= 1;
    assert_int_equal(store_find_device(store, a.cert_der, a.cert_bytes - 1, &found), LM_ENOENT);
    assert_int_equal(store_add_device(store, &a), LM_OK); /* again: one stored copy */
    struct store_device list[4];
    assert_int_equal(store_list_devices(store, list, 4), 2);
    assert_int_equal(store_remove_device(store, "phone", &found), LM_OK);
    assert_memory_equal(found.fingerprint, a.fingerprint, sizeof a.fingerprint);
    assert_int_equal(store_remove_device(store, "phone", &found), LM_ENOENT);
    assert_int_equal(store_find_device(store, a.cert_der, a.cert_bytes, &found), LM_ENOENT);
    store_close(store);
}

static void application_ids_are_stable_and_follow_the_art(void **state) /* gs-session 51, 52 */
{
    uint8_t art[32] = {1}, other[32] = {2};
    int32_t first, second, third;
    struct store *store = open_store();
    assert_int_equal(store_app_id(store, "Desktop", art, &first), LM_OK);
    assert_int_equal(store_app_id(store, "Desktop", other, &second), LM_OK);
    store_close(store);
    store = open_store();
    assert_int_equal(store_app_id(store, "Desktop", art, &third), LM_OK);
    assert_true(first > 0);
    assert_int_equal(first, third);
    assert_int_not_equal(first, second);
    store_close(store);
}

static void second_host_is_refused(void **state)
{
    struct store *store = open_store(), *second;
    assert_int_equal(store_open(dir, &second, error, sizeof error), LM_EEXIST);
    assert_null(second);
    assert_non_null(strstr(error, "lumen-host quit"));
    store_close(store);
}

/* gs-session 38: what a call confirmed is there after kill -9. */
static void confirmed_device_survives_a_kill(void **state)
{
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store_device d = device(7, "tv");
        struct store *store = open_store();
        if (store_add_device(store, &d) == LM_OK)
            (void)!write(pipe_fds[1], "x", 1);
        pause();
        _exit(0);
    }
    char byte;
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    struct store *store = open_store();
    struct store_device d = device(7, ""), found;
    assert_int_equal(store_find_device(store, d.cert_der, d.cert_bytes, &found), LM_OK);
    store_close(store);
}

static size_t read_file(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "r");
    size_t size = fread(out, 1, capacity, file);
    fclose(file);
    return size;
}

static void damaged_database_is_refused_and_left(void **state)
{
    char path[128], before[9000], after[9000];
    snprintf(path, sizeof path, "%s/lumen.db", dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 8192; i++)
        fputc(i * 7, file);
    fclose(file);
    size_t size = read_file(path, before, sizeof before);
    struct store *store;
    assert_int_equal(store_open(dir, &store, error, sizeof error), LM_ECORRUPT);
    assert_non_null(strstr(error, "backup"));
    assert_int_equal(read_file(path, after, sizeof after), size);
    assert_memory_equal(before, after, size);
}

static void newer_database_is_refused_and_left(void **state)
{
    store_close(open_store());
    char path[128];
    snprintf(path, sizeof path, "%s/lumen.db", dir);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct store *store;
    assert_int_equal(store_open(dir, &store, error, sizeof error), LM_EUNSUPPORTED);
    assert_non_null(strstr(error, "newer"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(identity_survives_reopening),
        CASE(database_is_private),
        CASE(devices_are_found_by_all_their_bytes),
        CASE(application_ids_are_stable_and_follow_the_art),
        CASE(second_host_is_refused),
        CASE(confirmed_device_survives_a_kill),
        CASE(damaged_database_is_refused_and_left),
        CASE(newer_database_is_refused_and_left),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
