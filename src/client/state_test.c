#include "client/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[64], dir[96];

static int make_base(void **state)
{
    snprintf(base, sizeof base, "/tmp/lumen-state-XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(dir, sizeof dir, "%s/deep/er", base);
    return 0;
}

static void path_of(const char *name, char *out, size_t capacity_bytes)
{
    snprintf(out, capacity_bytes, "%s/%s", dir, name);
}

static int remove_base(void **state)
{
    char path[512];
    DIR *d = opendir(dir);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        path_of(e->d_name, path, sizeof path);
        unlink(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
    snprintf(path, sizeof path, "%s/deep", base);
    rmdir(path);
    return rmdir(base);
}

static struct state *open_state(void)
{
    struct state *s = NULL;
    assert_int_equal(state_create(dir, &s), 0);
    return s;
}

static void assert_mode(const char *name, unsigned mode)
{
    char path[512];
    struct stat st;
    path_of(name, path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, mode);
}

static void identity_is_made_once_and_private(void **state)
{
    struct state *s = open_state();
    char id[STATE_UID_BYTES];
    strcpy(id, s->unique_id);
    assert_int_equal(strlen(id), 16);
    assert_int_equal(lm_key_matches(s->key, s->cert), 0);
    state_destroy(s);
    assert_mode("identity.pem", 0600);
    assert_mode(".", 0700);

    s = open_state();
    assert_string_equal(s->unique_id, id);
    state_destroy(s);
}

static void hosts_are_kept_and_replaced(void **state)
{
    struct state *s = open_state();
    struct state_host host = {.name = "den", .address = "10.0.0.2:47989", .cert = s->cert};
    strcpy(host.unique_id, "A-1");
    assert_null(state_find_host(s, "A-1"));
    assert_int_equal(state_put_host(s, &host), 0);
    strcpy(host.unique_id, "B-2");
    assert_int_equal(state_put_host(s, &host), 0);
    strcpy(host.name, "attic");
    assert_int_equal(state_put_host(s, &host), 0);
    assert_int_equal(s->host_count, 2);
    state_destroy(s);
    assert_mode("hosts.json", 0600);

    s = open_state();
    assert_int_equal(s->host_count, 2);
    const struct state_host *found = state_find_host(s, "B-2");
    assert_non_null(found);
    assert_string_equal(found->name, "attic");
    assert_memory_equal(lm_cert_fingerprint(found->cert), lm_cert_fingerprint(s->cert), 32);
    state_destroy(s);
}

static void hosts_of_two_clients_are_merged(void **state)
{
    struct state *a = open_state(), *b = open_state();
    struct state_host host = {.name = "n", .address = "a", .cert = a->cert};
    strcpy(host.unique_id, "from-a");
    assert_int_equal(state_put_host(a, &host), 0);
    strcpy(host.unique_id, "from-b");
    assert_int_equal(state_put_host(b, &host), 0);
    assert_non_null(state_find_host(b, "from-a"));
    state_destroy(a);
    state_destroy(b);
}

static void write_text(const char *name, const char *text)
{
    char path[512];
    path_of(name, path, sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void corrupt_files_are_refused_and_left_alone(void **state)
{
    struct state *s = open_state();
    state_destroy(s);
    write_text("hosts.json", "{\"hosts\": [{\"name\": 1}]}");
    assert_int_equal(state_create(dir, &s), LM_ECORRUPT);
    assert_null(s);
    write_text("hosts.json", "{\"hosts\": []}");
    write_text("identity.pem", "nothing of use");
    assert_int_equal(state_create(dir, &s), LM_ECORRUPT);
    char path[512], text[32] = "";
    path_of("identity.pem", path, sizeof path);
    FILE *file = fopen(path, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "nothing of use");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identity_is_made_once_and_private, make_base, remove_base),
        cmocka_unit_test_setup_teardown(hosts_are_kept_and_replaced, make_base, remove_base),
        cmocka_unit_test_setup_teardown(hosts_of_two_clients_are_merged, make_base, remove_base),
        cmocka_unit_test_setup_teardown(corrupt_files_are_refused_and_left_alone, make_base,
                                        remove_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
