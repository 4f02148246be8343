#include "net/ctl_socket.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "net/loop_libevent.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static const struct timeval io_timeout = {.tv_sec = 10};

enum request_state {
    REQUEST_FREE = 0,
    REQUEST_READING,
    REQUEST_PARKED, /* with the caller */
    REQUEST_ANSWERING,
};

struct ctl_request {
    struct ctl_server *server;
    struct bufferevent *bev;
    enum request_state state;
    char *line;
    void *user;
};

struct ctl_server {
    struct loop *loop;
    struct ctl_server_params params;
    struct sockaddr_un address;
    struct evconnlistener *listener;
    bool bound; /* the path is ours to remove */
    struct ctl_request requests[CTL_CONNECTIONS_MAX];
};

static void request_close(struct ctl_request *request)
{
    if (request->bev)
        bufferevent_free(request->bev);
    free(request->line);
    *request = (struct ctl_request){.server = request->server};
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct ctl_request *request = arg;
    struct evbuffer *input = bufferevent_get_input(bev);
    size_t size;

    if (request->state != REQUEST_READING)
        return; /* the watermark bounds what a talkative asker can leave here */
    request->line = evbuffer_readln(input, &size, EVBUFFER_EOL_CRLF);
    if (!request->line) {
        if (evbuffer_get_length(input) >= CTL_LINE_MAX_BYTES)
            request_close(request);
        return;
    }
    if (size >= CTL_LINE_MAX_BYTES || strlen(request->line) != size) {
        request_close(request);
        return;
    }
    request->state = REQUEST_PARKED;
    bufferevent_set_timeouts(bev, NULL, NULL);
    request->server->params.handle(request->server->params.user, request, request->line);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct ctl_request *request = arg;

    if (request->state == REQUEST_ANSWERING)
        request_close(request);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct ctl_request *request = arg;
    struct ctl_server *server = request->server;

    if (request->state == REQUEST_PARKED && server->params.gone)
        server->params.gone(server->params.user, request);
    request_close(request);
}

/* Only the user who runs the host, and root, who could do anything anyway. */
static bool is_allowed(int fd)
{
    struct ucred cred;
    socklen_t size = sizeof cred;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) != 0 || size != sizeof cred)
        return false;
    return cred.uid == geteuid() || cred.uid == 0;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
                      int sa_size, void *arg)
{
    struct ctl_server *server = arg;
    struct ctl_request *request = NULL;

    for (int i = 0; i < CTL_CONNECTIONS_MAX && !request; i++)
        if (server->requests[i].state == REQUEST_FREE)
            request = &server->requests[i];
    if (!request || !is_allowed((int)fd)) {
        close((int)fd);
        return;
    }
    *request = (struct ctl_request){.server = server, .state = REQUEST_READING};
    request->bev = bufferevent_socket_new(loop_base(server->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    if (!request->bev) {
        close((int)fd);
        request_close(request);
        return;
    }
    bufferevent_setcb(request->bev, on_read, on_written, on_event, request);
    bufferevent_setwatermark(request->bev, EV_READ, 0, CTL_LINE_MAX_BYTES);
    bufferevent_set_timeouts(request->bev, &io_timeout, &io_timeout);
    bufferevent_enable(request->bev, EV_READ | EV_WRITE);
}

static int address_of(const char *path, struct sockaddr_un *out)
{
    size_t size = strlen(path);

    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (size == 0 || size >= sizeof out->sun_path)
        return LM_EINVAL;
    memcpy(out->sun_path, path, size + 1);
    return LM_OK;
}

/* A socket file that nobody answers on is left from a host that was killed. */
static int remove_stale(const struct sockaddr_un *address)
{
    struct stat st;

    if (lstat(address->sun_path, &st) != 0)
        return errno == ENOENT ? LM_OK : LM_EIO;
    if (!S_ISSOCK(st.st_mode))
        return LM_EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return LM_EIO;
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool refused = rc != 0 && errno == ECONNREFUSED;
    close(fd);
    if (!refused)
        return LM_EEXIST;
    return unlink(address->sun_path) == 0 || errno == ENOENT ? LM_OK : LM_EIO;
}

static int start(struct ctl_server *server)
{
    int rc = address_of(server->params.path, &server->address);
    if (rc == LM_OK)
        rc = remove_stale(&server->address);
    if (rc != LM_OK)
        return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return LM_EIO;
    /* Linux gives the socket file the mode of the descriptor, so there is no moment at which others
     * can connect; chmod() is for systems that do not. */
    (void)fchmod(fd, S_IRUSR | S_IWUSR);
    rc = LM_EIO;
    if (bind(fd, (const struct sockaddr *)&server->address, sizeof server->address) != 0) {
        rc = errno == EADDRINUSE ? LM_EEXIST : LM_EIO;
        goto fail;
    }
    server->bound = true;
    if (chmod(server->address.sun_path, S_IRUSR | S_IWUSR) != 0)
        goto fail;
    server->listener =
        evconnlistener_new(loop_base(server->loop), on_accept, server,
                           LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    if (server->listener)
        return LM_OK;
fail:
    close(fd);
    return rc;
}

int ctl_server_create(struct ctl_server **out, struct loop *loop,
                      const struct ctl_server_params *params)
{
    struct ctl_server *server = calloc(1, sizeof *server);

    LM_CHECK(params->handle);
    *out = NULL;
    if (!server)
        return LM_ENOMEM;
    server->loop = loop;
    server->params = *params;
    int rc = start(server);
    server->params.path = NULL;
    if (rc == LM_OK)
        *out = server;
    else
        ctl_server_destroy(server);
    return rc;
}

void ctl_server_destroy(struct ctl_server *server)
{
    if (!server)
        return;
    if (server->listener)
        evconnlistener_free(server->listener);
    for (int i = 0; i < CTL_CONNECTIONS_MAX; i++) {
        struct ctl_request *request = &server->requests[i];
        if (request->state == REQUEST_PARKED && server->params.gone)
            server->params.gone(server->params.user, request);
        request_close(request);
    }
    if (server->bound)
        unlink(server->address.sun_path);
    free(server);
}

void ctl_request_set_user(struct ctl_request *request, void *user)
{
    request->user = user;
}

void *ctl_request_user(const struct ctl_request *request)
{
    return request->user;
}

void ctl_request_answer(struct ctl_request *request, const char *text, size_t size_bytes)
{
    LM_CHECK(request->state == REQUEST_PARKED && size_bytes <= CTL_ANSWER_MAX_BYTES);
    request->state = REQUEST_ANSWERING;
    bufferevent_set_timeouts(request->bev, NULL, &io_timeout);
    if (size_bytes == 0 || bufferevent_write(request->bev, text, size_bytes) != 0)
        request_close(request);
}
