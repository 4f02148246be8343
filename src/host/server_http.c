/* What clients ask over HTTP and HTTPS. Over HTTPS the certificate decides, compared byte by byte
 * with the stored ones; everything a stranger may ask is answered without side effects. */
#include "host/server_parts.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { XML_BYTES = HOSTINFO_MAX_BYTES };

void server_answer_xml(struct http_exchange *x, const char *xml, int size)
{
    if (size < 0)
        http_exchange_answer(x, 500, "text/plain", "", 0);
    else
        http_exchange_answer(x, 200, "text/xml; charset=utf-8", xml, (size_t)size);
}

bool server_is_local(const struct net_addr *peer)
{
    const uint8_t *b = peer->bytes;
    if (net_addr_is_loopback(peer))
        return true;
    if (peer->family == AF_INET)
        return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
               (b[0] == 169 && b[1] == 254);
    return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

/* The address of the first real interface, for wake-on-LAN. NULL when there is none. */
static const char *find_mac(char out[18])
{
    struct if_nameindex *list = if_nameindex();
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *found = NULL;
    for (struct if_nameindex *i = list; fd >= 0 && i && i->if_index && !found; i++) {
        struct ifreq request = {0};
        snprintf(request.ifr_name, sizeof request.ifr_name, "%.15s", i->if_name);
        if (ioctl(fd, SIOCGIFFLAGS, &request) || (request.ifr_flags & IFF_LOOPBACK) ||
            !(request.ifr_flags & IFF_UP) || ioctl(fd, SIOCGIFHWADDR, &request))
            continue;
        const uint8_t *m = (const uint8_t *)request.ifr_hwaddr.sa_data;
        snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
        if (strcmp(out, "00:00:00:00:00:00"))
            found = out;
    }
    if (fd >= 0)
        close(fd);
    if_freenameindex(list);
    return found;
}

/* Any mode can be made; some clients only ask for those that are listed. */
static const struct hostinfo_mode modes[] = {
    {1280, 720, 60},  {1280, 720, 120},  {1280, 800, 60},  {1920, 1080, 30}, {1920, 1080, 60},
    {1920, 1080, 90}, {1920, 1080, 120}, {1920, 1200, 60}, {2560, 1440, 60}, {2560, 1440, 120},
    {2560, 1600, 60}, {3440, 1440, 60},  {3840, 2160, 30}, {3840, 2160, 60}, {3840, 2160, 120},
};

static void answer_serverinfo(struct server *s, struct http_exchange *x,
                              const struct http_request *request, const struct store_device *device)
{
    char xml[XML_BYTES], mac[18];
    struct host_session *h = device ? server_session_of(s, device) : NULL;
    const struct hostinfo_params params = {
        .hostname = s->name,
        .unique_id = s->identity.unique_id,
        .mac = device ? find_mac(mac) : NULL,
        .local_ip = request->local.text,
        .https_port = (uint16_t)(s->config->port + PORT_HTTPS),
        .http_port = (uint16_t)s->config->port,
        .codecs = HOSTINFO_H264,
        .current_app_id = h && session_busy(&h->life) ? (uint32_t)h->app->id : 0,
        .paired = device != NULL,
        .modes = modes,
        .mode_count = LM_ARRAY_LEN(modes),
    };
    server_answer_xml(x, xml, hostinfo_write_serverinfo(&params, xml, sizeof xml));
}

static void answer_applist(struct server *s, struct http_exchange *x)
{
    char xml[XML_BYTES];
    struct hostinfo_app list[HOSTINFO_MAX_APPS];
    for (size_t i = 0; i < s->apps.count; i++) {
        list[i] = (struct hostinfo_app){.id = (uint32_t)s->apps.list[i].id};
        snprintf(list[i].title, sizeof list[i].title, "%s", s->apps.list[i].config->name);
    }
    server_answer_xml(x, xml, hostinfo_write_applist(list, s->apps.count, xml, sizeof xml));
}

static void answer_appasset(struct server *s, struct http_exchange *x,
                            const struct http_request *request)
{
    const struct params query = params_of_query(request->query);
    int64_t id;
    const struct app *app = params_number(&query, "appid", 1, INT32_MAX, &id) == LM_OK
                                ? apps_by_id(&s->apps, id)
                                : NULL;
    if (app)
        http_exchange_answer(x, 200, "image/png", app->art, app->art_bytes);
    else
        http_exchange_answer(x, 404, "text/plain", "", 0);
}

static void answer_error(struct http_exchange *x, enum hostinfo_status status, const char *message,
                         const char *path)
{
    char xml[XML_BYTES];
    server_answer_xml(x, xml, hostinfo_write_error(status, message, path, xml, sizeof xml));
}

static void answer_challenge(struct http_exchange *x, bool authorized)
{
    char xml[XML_BYTES];
    server_answer_xml(x, xml, pairing_write_challenge(authorized, xml, sizeof xml));
}

static bool is_challenge(const struct http_request *request)
{
    const struct params query = params_of_query(request->query);
    char phrase[32];
    return params_text(&query, "phrase", phrase, sizeof phrase) > 0 &&
           !strcmp(phrase, "pairchallenge");
}

/* What needs no certificate. False: the path is for paired devices. */
static bool handle_open(struct server *s, struct http_exchange *x,
                        const struct http_request *request)
{
    if (!strcmp(request->path, "/unpair"))
        server_pairing_unpair(s, x, request);
    else if (!strcmp(request->path, "/serverinfo") && !request->secure)
        answer_serverinfo(s, x, request, NULL);
    else if (!strcmp(request->path, "/pair") && !request->secure)
        server_pairing_request(s, x, request);
    else
        return false;
    return true;
}

static void handle_paired(struct server *s, struct http_exchange *x,
                          const struct http_request *request, const struct store_device *device)
{
    const char *path = request->path;
    if (!strcmp(path, "/serverinfo"))
        answer_serverinfo(s, x, request, device);
    else if (!strcmp(path, "/pair") && is_challenge(request))
        answer_challenge(x, true);
    else if (!strcmp(path, "/pair"))
        server_pairing_request(s, x, request);
    else if (!strcmp(path, "/applist"))
        answer_applist(s, x);
    else if (!strcmp(path, "/appasset"))
        answer_appasset(s, x, request);
    else if (!strcmp(path, "/launch") || !strcmp(path, "/resume"))
        server_launch(s, x, request, device, path[1] == 'r');
    else if (!strcmp(path, "/cancel"))
        server_cancel(s, x, device);
    else
        answer_error(x, HOSTINFO_NOT_FOUND, "Unknown request.", NULL);
}

static void handle(void *user, struct http_exchange *x, const struct http_request *request)
{
    struct server *s = user;
    struct store_device device;
    if (strcmp(request->method, "GET")) {
        answer_error(x, HOSTINFO_BAD_REQUEST, "Only GET is understood.", NULL);
    } else if (handle_open(s, x, request)) {
        /* answered, or parked */
    } else if (!request->secure) {
        answer_error(x, HOSTINFO_NOT_FOUND, "Unknown request.", NULL);
    } else if (request->client_cert_der &&
               store_find_device(s->params.store, request->client_cert_der,
                                 request->client_cert_der_bytes, &device) == LM_OK) {
        handle_paired(s, x, request, &device);
    } else {
        char xml[XML_BYTES];
        server_answer_xml(x, xml, hostinfo_write_unauthorized(request->path, xml, sizeof xml));
    }
}

static void gone(void *user, struct http_exchange *x)
{
    server_pairing_gone(user, x);
    server_launch_gone(user, x);
}

static int open_one(struct server *s, struct http_server **out, uint16_t port, bool secure)
{
    const struct http_server_params params = {
        .listen = {.port = port, .loopback_only = s->config->listen == CONFIG_LISTEN_LOOPBACK},
        .cert_pem = secure ? s->identity.cert_pem : NULL,
        .key_pem = secure ? s->identity.key_pem : NULL,
        .handle = handle,
        .gone = gone,
        .user = s,
    };
    int code = http_server_create(out, s->params.loop, &params);
    if (code)
        lm_error(s->log, "http",
                 "TCP port %u cannot be used: %s. Another host may run; `port` in the "
                 "configuration moves all ports.",
                 port, lm_err_text(code));
    return code;
}

int server_http_open(struct server *s)
{
    uint16_t port = (uint16_t)s->config->port;
    int code = open_one(s, &s->https, (uint16_t)(port + PORT_HTTPS), true);
    return code ? code : open_one(s, &s->http, port, false);
}
