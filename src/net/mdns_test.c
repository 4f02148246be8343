#include "net/mdns.h"

#include "core/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The system bus is pointed at nothing, so the result does not depend on the machine. */
static void without_a_daemon_the_host_goes_on(void **state)
{
    struct loop *loop = loop_create(NULL);
    struct mdns_service *service = NULL;
    char name[MDNS_NAME_MAX];

    int rc = mdns_publish(&service, loop, "test", 47989);
    if (rc != LM_EUNSUPPORTED) {
        assert_int_equal(rc, LM_EDEVICE);
        assert_non_null(service);
        assert_false(mdns_published(service, name));
    }
    assert_int_equal(loop_step(loop, LM_NS_PER_MS), LM_OK);
    mdns_destroy(service);
    mdns_destroy(NULL);
    loop_destroy(loop);
}

static void browsing_without_a_daemon_says_so(void **state)
{
    struct mdns_host hosts[4];
    int rc = mdns_browse(hosts, 4, LM_NS_PER_MS);

    assert_true(rc == LM_EDEVICE || rc == LM_EUNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_daemon_the_host_goes_on),
        cmocka_unit_test(browsing_without_a_daemon_says_so),
    };

    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
