#include "session/hostinfo.h"

#include "core/wire/gs_test.h"

#include <stdlib.h>

static char xml[HOSTINFO_MAX_BYTES];

static struct hostinfo_params usual(void)
{
    return (struct hostinfo_params){
        .hostname = "den-pc",
        .unique_id = "5A8D2C1E-70B4-4F1C-9C1D-3B9E0E4C7A11",
        .mac = "aa:bb:cc:dd:ee:ff",
        .local_ip = "192.168.1.10",
        .https_port = 47984,
        .http_port = 47989,
        .codecs = HOSTINFO_H264 | HOSTINFO_HEVC | HOSTINFO_HEVC_MAIN10,
        .paired = true,
    };
}

static size_t serverinfo(const struct hostinfo_params *params)
{
    int size_bytes = hostinfo_write_serverinfo(params, xml, sizeof xml);
    assert_true(size_bytes > 0);
    assert_int_equal(strlen(xml), size_bytes);
    return (size_t)size_bytes;
}

static struct hostinfo_server reread(const struct hostinfo_params *params)
{
    struct hostinfo_server server;
    size_t size_bytes = serverinfo(params);
    assert_int_equal(hostinfo_parse_server(xml, size_bytes, &server), LM_OK);
    assert_int_equal(server.root.status_code, 200);
    return server;
}

static void only_a_paired_client_is_told_so_and_the_mac(void **state) /* gs-session 5 6 7 */
{
    struct hostinfo_params params = usual();
    struct hostinfo_server server = reread(&params);
    assert_true(server.paired);
    assert_string_equal(server.mac, "aa:bb:cc:dd:ee:ff");
    params.paired = false;
    server = reread(&params);
    assert_false(server.paired);
    assert_string_equal(server.mac, "00:00:00:00:00:00");
    params.paired = true;
    params.mac = NULL;
    assert_string_equal(reread(&params).mac, "00:00:00:00:00:00");
}

static void versions_and_ports_are_as_clients_expect(void **state) /* gs-session 10 12 13 */
{
    struct hostinfo_params params = usual();
    struct hostinfo_server server = reread(&params);
    assert_string_equal(server.app_version, "7.1.431.-1");
    assert_string_equal(server.gfe_version, "3.23.0.74");
    assert_string_equal(server.unique_id, params.unique_id);
    assert_non_null(strstr(xml, "<HttpsPort>47984</HttpsPort>"));
    assert_non_null(strstr(xml, "<ExternalPort>47989</ExternalPort>"));
    params.hostname = "";
    assert_string_equal(reread(&params).hostname, "lumen");
}

static void state_follows_the_running_application(void **state) /* gs-session 11 */
{
    struct hostinfo_params params = usual();
    struct hostinfo_server server = reread(&params);
    assert_false(server.busy);
    assert_int_equal(server.current_app_id, 0);
    assert_non_null(strstr(xml, "_SERVER_FREE</state>"));
    params.current_app_id = 881448767;
    server = reread(&params);
    assert_true(server.busy);
    assert_int_equal(server.current_app_id, 881448767);
    assert_non_null(strstr(xml, "_SERVER_BUSY</state>"));
    assert_null(strstr(xml, "MJOLNIR"));
}

static void local_ip_is_dotted_ipv4(void **state) /* gs-session 14 */
{
    static const struct {
        const char *ip, *want;
    } cases[] = {
        {"192.168.1.10", "192.168.1.10"}, {"::ffff:10.1.2.3", "10.1.2.3"},
        {"fe80::1%eth0", "127.0.0.1"},    {"2001:db8::1", "127.0.0.1"},
        {"nonsense", "127.0.0.1"},        {NULL, "127.0.0.1"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct hostinfo_params params = usual();
        params.local_ip = cases[i].ip;
        assert_string_equal(reread(&params).local_ip, cases[i].want);
    }
}

static void codec_mask_is_sound(void **state) /* gs-session 15 16 */
{
    static const struct {
        uint32_t in, out, luma;
    } cases[] = {
        {0, 1, 0},
        {HOSTINFO_HEVC, 257, 1869449984},
        {HOSTINFO_HEVC_444, 0x80001, 1869449984},
        {HOSTINFO_AV1 | HOSTINFO_AV1_MAIN10, 0x30001, 0},
        {0xffffffff, HOSTINFO_ALL_CODECS, 1869449984},
    };
    assert_int_equal(HOSTINFO_ALL_CODECS, 0x7f0301);
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct hostinfo_params params = usual();
        params.codecs = cases[i].in;
        struct hostinfo_server server = reread(&params);
        assert_int_equal(server.codecs, cases[i].out);
        assert_int_equal(server.max_luma_pixels_hevc, cases[i].luma);
    }
}

/* Text only inside leaves; an element with children holds nothing else. */
static void expect_no_text_between_elements(const char *document)
{
    for (const char *at = document; (at = strchr(at, '>')) != NULL; at++) {
        const char *next = strchr(at, '<');
        if (!next || next == at + 1)
            continue;
        assert_true(next[1] == '/'); /* text ends with its own end tag */
    }
}

static void documents_have_no_text_between_elements(void **state) /* gs-session 18 */
{
    struct hostinfo_params params = usual();
    const struct hostinfo_mode modes[] = {{1920, 1080, 60}, {3840, 2160, 120}};
    params.modes = modes;
    params.mode_count = 2;
    params.gpu = "none";
    params.external_ip = "203.0.113.5";
    struct hostinfo_server server = reread(&params);
    assert_int_equal(server.mode_count, 2);
    assert_int_equal(server.modes[1].refresh_hz, 120);
    expect_no_text_between_elements(xml);
    static const char *const once[] = {
        "hostname",
        "appversion",
        "GfeVersion",
        "uniqueid",
        "HttpsPort",
        "ExternalPort",
        "mac",
        "LocalIP",
        "PairStatus",
        "state",
        "currentgame",
        "ExternalIP",
        "MaxLumaPixelsHEVC",
        "ServerCodecModeSupport",
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(once); i++) {
        char tag[64];
        snprintf(tag, sizeof tag, "<%s>", once[i]);
        const char *first = strstr(xml, tag);
        assert_non_null(first);
        assert_null(strstr(first + 1, tag));
    }
}

static void names_are_escaped(void **state) /* gs-session 19 */
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a&b<c>\"d'", "a&b<c>\"d'"},
        {"tab\tnl\nbell\a", "tabnlbell"},
        {"B\xc3\xbcro \xf0\x9f\x98\x80", "B\xc3\xbcro \xf0\x9f\x98\x80"},
        {"cut\xc3", "cut"},
        {"\xff\xfe\xc0\x80z", "z"},
        {"s\xed\xa0\x80"
         "t",
         "st"},
        {"]]>", "]]>"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct hostinfo_params params = usual();
        params.hostname = cases[i].in;
        assert_string_equal(reread(&params).hostname, cases[i].out);
    }
}

static void a_small_buffer_is_refused(void **state)
{
    struct hostinfo_params params = usual();
    size_t whole = serverinfo(&params);
    for (size_t capacity = 1; capacity <= whole; capacity += 7)
        assert_int_equal(hostinfo_write_serverinfo(&params, xml, capacity), LM_ELIMIT);
    for (size_t capacity = 1; capacity < 100; capacity += 3)
        assert_int_equal(hostinfo_write_pair(true, "plaincert", xml, 60, xml, capacity), LM_ELIMIT);
}

static void unauthorized_is_status_401_in_xml(void **state) /* gs-session 8 9 */
{
    struct hostinfo_server server;
    int size_bytes = hostinfo_write_unauthorized("/serverinfo", xml, sizeof xml);
    assert_non_null(strstr(xml, "query=\"/serverinfo\""));
    assert_int_equal(hostinfo_parse_server(xml, (size_t)size_bytes, &server), LM_OK);
    assert_int_equal(server.root.status_code, 401);
    assert_string_equal(server.root.status_message,
                        "The client is not authorized. Certificate verification failed.");
}

static void applist_has_title_and_positive_id(void **state) /* gs-session 51 */
{
    const struct hostinfo_app apps[] = {
        {881448767, true, "Desktop"}, {7, false, "R&D <beta>"}, {INT32_MAX, false, ""}};
    static struct hostinfo_applist list;
    int size_bytes = hostinfo_write_applist(apps, 3, xml, sizeof xml);
    expect_no_text_between_elements(xml);
    assert_int_equal(hostinfo_parse_applist(xml, (size_t)size_bytes, &list), LM_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.apps[0].id, 881448767);
    assert_true(list.apps[0].hdr);
    assert_string_equal(list.apps[1].title, "R&D <beta>");
    assert_string_equal(list.apps[2].title, "Untitled");
}

static void session_url_is_what_every_core_parses(void **state) /* gs-session 54 55 */
{
    static const struct {
        bool encrypted;
        const char *ip, *want;
    } cases[] = {
        {true, "192.168.1.10", "rtspenc://192.168.1.10:48010"},
        {false, "192.168.1.10", "rtsp://192.168.1.10:48010"},
        {true, "::ffff:192.168.1.10", "rtspenc://192.168.1.10:48010"},
        {true, "fe80::1%wlan0", "rtspenc://[fe80::1]:48010"},
        {true, "2001:0DB8:0:0::1", "rtspenc://[2001:db8::1]:48010"},
        {true, "2001:db8:1111:2222:3333:4444:5555:6666",
         "rtspenc://[2001:db8:1111:2222:3333:4444:5555:6666]:48010"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char url[100];
        assert_true(hostinfo_session_url(cases[i].encrypted, cases[i].ip, 48010, url, sizeof url) >
                    0);
        assert_string_equal(url, cases[i].want);
    }
    char url[100];
    assert_int_equal(hostinfo_session_url(true, "pc.local", 48010, url, sizeof url), LM_EINVAL);
}

static void launch_answers_carry_their_element(void **state) /* gs-session 56 */
{
    for (int resume = 0; resume < 2; resume++) {
        struct hostinfo_launched launched;
        int size_bytes = hostinfo_write_launch(resume, true, "::1", 50021, xml, sizeof xml);
        assert_non_null(
            strstr(xml, resume ? "<resume>1</resume>" : "<gamesession>1</gamesession>"));
        assert_int_equal(hostinfo_parse_launched(xml, (size_t)size_bytes, &launched), LM_OK);
        assert_true(launched.accepted && launched.encrypted);
        assert_int_equal(launched.rtsp_port, 50021);
        assert_string_equal(launched.session_url, "rtspenc://[::1]:50021");
    }
}

static void refusals_carry_status_message_and_zero(void **state) /* gs-session 61 62 */
{
    static const struct {
        enum hostinfo_verb verb;
        enum hostinfo_status status;
        const char *want;
    } cases[] = {
        {HOSTINFO_LAUNCH, HOSTINFO_NOT_FOUND, "<gamesession>0</gamesession>"},
        {HOSTINFO_LAUNCH, HOSTINFO_BAD_REQUEST, "<gamesession>0</gamesession>"},
        {HOSTINFO_RESUME, HOSTINFO_UNAVAILABLE, "<resume>0</resume>"},
        {HOSTINFO_RESUME, HOSTINFO_NOT_OWNER, "<resume>0</resume>"},
        {HOSTINFO_CANCEL, HOSTINFO_NOT_OWNER, "<cancel>0</cancel>"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct hostinfo_launched launched;
        int size_bytes =
            hostinfo_write_refusal(cases[i].verb, cases[i].status, "No \"way\".", xml, sizeof xml);
        assert_non_null(strstr(xml, cases[i].want));
        assert_int_equal(hostinfo_parse_launched(xml, (size_t)size_bytes, &launched), LM_OK);
        assert_int_equal(launched.root.status_code, cases[i].status);
        assert_string_equal(launched.root.status_message, "No \"way\".");
        assert_false(launched.accepted);
    }
}

static void cancel_and_unpair_succeed(void **state) /* gs-session 44 64 */
{
    struct hostinfo_launched launched;
    int size_bytes = hostinfo_write_cancel(xml, sizeof xml);
    assert_non_null(strstr(xml, "<root status_code=\"200\"><cancel>1</cancel></root>"));
    assert_int_equal(hostinfo_parse_launched(xml, (size_t)size_bytes, &launched), LM_OK);
    assert_true(launched.accepted);
    assert_true(hostinfo_write_ok(xml, sizeof xml) > 0);
    assert_non_null(strstr(xml, "<root status_code=\"200\"></root>"));
}

static void malformed_documents_are_refused(void **state)
{
    static const char *const documents[] = {
        "",
        "<root>",
        "<root status_code=\"200\">",
        "<root></root>",
        "<nvroot status_code=\"200\"></nvroot>",
        "<root status_code=\"two\"></root>",
        "<root status_code=\"200\"><HttpsPort>70000</HttpsPort></root>",
        "<root status_code=\"200\"><HttpsPort>4798x</HttpsPort></root>",
        "<!DOCTYPE root [<!ENTITY a \"b\">]><root status_code=\"200\">&a;</root>",
        "<root status_code=\"200\"/><root/>",
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(documents); i++) {
        struct hostinfo_server server;
        if (hostinfo_parse_server(documents[i], strlen(documents[i]), &server) != LM_EPROTO)
            fail_msg("%s", documents[i]);
    }
}

static void foreign_hosts_parse_with_defaults(void **state)
{
    static const char document[] =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<root status_code=\"200\">\n  "
        "<hostname>a &amp; b</hostname><hostname>second</hostname><HttpsPort></HttpsPort>"
        "<currentgame>5</currentgame><state>SUNSHINE_SERVER_FREE</state><unknown>x</unknown>"
        "<PairStatus>1</PairStatus></root>";
    struct hostinfo_server server;
    assert_int_equal(hostinfo_parse_server(document, strlen(document), &server), LM_OK);
    assert_string_equal(server.hostname, "a & b");
    assert_int_equal(server.https_port, 47984);
    assert_int_equal(server.external_port, 47989);
    assert_int_equal(server.current_app_id, 0); /* only a busy host runs something */
    assert_true(server.paired);
    static const char quirk[] = "<root status_code=\"4294967295\" status_message=\"Invalid\"/>";
    assert_int_equal(hostinfo_parse_server(quirk, strlen(quirk), &server), LM_OK);
    assert_int_equal(server.root.status_code, -1);
}

static void applist_is_bounded(void **state)
{
    static struct hostinfo_applist list;
    size_t room = 200 * 64;
    char *big = malloc(room);
    size_t at = (size_t)sprintf(big, "<root status_code=\"200\">");
    for (int i = 1; i <= 100; i++)
        at += (size_t)sprintf(big + at, "<App><AppTitle>a%d</AppTitle><ID>%d</ID></App>", i, i);
    at += (size_t)sprintf(big + at, "</root>");
    assert_int_equal(hostinfo_parse_applist(big, at, &list), LM_OK);
    assert_int_equal(list.count, HOSTINFO_MAX_APPS);
    free(big);
}

static void addresses_have_one_spelling(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"::ffff:1.2.3.4", "1.2.3.4"}, {"1.2.3.4", "1.2.3.4"}, {"FE80::0:1%3", "fe80::1"}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char ip[64];
        assert_true(hostinfo_normal_ip(cases[i].in, ip, sizeof ip) > 0);
        assert_string_equal(ip, cases[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_paired_client_is_told_so_and_the_mac),
        cmocka_unit_test(versions_and_ports_are_as_clients_expect),
        cmocka_unit_test(state_follows_the_running_application),
        cmocka_unit_test(local_ip_is_dotted_ipv4),
        cmocka_unit_test(codec_mask_is_sound),
        cmocka_unit_test(documents_have_no_text_between_elements),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(a_small_buffer_is_refused),
        cmocka_unit_test(unauthorized_is_status_401_in_xml),
        cmocka_unit_test(applist_has_title_and_positive_id),
        cmocka_unit_test(session_url_is_what_every_core_parses),
        cmocka_unit_test(launch_answers_carry_their_element),
        cmocka_unit_test(refusals_carry_status_message_and_zero),
        cmocka_unit_test(cancel_and_unpair_succeed),
        cmocka_unit_test(malformed_documents_are_refused),
        cmocka_unit_test(foreign_hosts_parse_with_defaults),
        cmocka_unit_test(applist_is_bounded),
        cmocka_unit_test(addresses_have_one_spelling),
    };
    return cmocka_run_group_tests_name("hostinfo", tests, NULL, NULL);
}
