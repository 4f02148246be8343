#include "host/display/sway_ipc.h"

#include "core/base/check.h"
#include "core/transport/clock.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char magic[6] = {'i', '3', '-', 'i', 'p', 'c'};

void sway_ipc_header_encode(uint8_t header[SWAY_IPC_HEADER_BYTES], uint32_t size, uint32_t type)
{
    memcpy(header, magic, sizeof magic);
    memcpy(header + 6, &size, 4);
    memcpy(header + 10, &type, 4);
}

int sway_ipc_header_parse(const uint8_t header[SWAY_IPC_HEADER_BYTES], uint32_t type,
                          uint32_t *size)
{
    uint32_t got;
    memcpy(size, header + 6, 4);
    memcpy(&got, header + 10, 4);
    if (memcmp(header, magic, sizeof magic) || got != type || *size > SWAY_IPC_REPLY_BYTES)
        return LM_EPROTO;
    return LM_OK;
}

int sway_ipc_parse_success(const char *json, size_t size)
{
    json_t *root = json_loadb(json, size, 0, NULL);
    int code = json_is_array(root) && json_array_size(root) ? LM_OK : LM_EPROTO;
    size_t i;
    json_t *result;
    json_array_foreach(root, i, result) if (!json_is_true(json_object_get(result, "success")))
        code = LM_EUNSUPPORTED;
    json_decref(root);
    return code;
}

static bool read_size(const json_t *mode, const char *key, uint32_t *out)
{
    const json_t *value = json_object_get(mode, key);
    json_int_t number = json_integer_value(value);
    *out = (uint32_t)number;
    return json_is_integer(value) && number > 0 && number <= INT32_MAX;
}

int sway_ipc_parse_mode(const char *json, size_t size, const char *output,
                        struct display_mode *mode)
{
    json_t *root = json_loadb(json, size, 0, NULL);
    int code = json_is_array(root) ? LM_ENOENT : LM_EPROTO;
    size_t i;
    json_t *entry;
    json_array_foreach(root, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        const json_t *current = json_object_get(entry, "current_mode");
        if (!name || strcmp(name, output) || !json_is_true(json_object_get(entry, "active")))
            continue;
        bool ok = read_size(current, "width", &mode->width) &&
                  read_size(current, "height", &mode->height) &&
                  read_size(current, "refresh", &mode->refresh_mhz);
        code = ok ? LM_OK : LM_EPROTO;
    }
    json_decref(root);
    return code;
}

int sway_ipc_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    LM_CHECK(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return LM_EIO;
    if (!connect(fd, (const struct sockaddr *)&address, sizeof address))
        return fd;
    close(fd);
    return LM_ENOENT;
}

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        uint64_t now = lm_clock_now_ns();
        if (now >= deadline_ns)
            return LM_ETIMEOUT;
        int ready = poll(&p, 1, (int)LM_MIN((deadline_ns - now) / LM_NS_PER_MS + 1, 60000));
        if (ready > 0)
            return LM_OK;
        if (ready < 0 && errno != EINTR)
            return LM_EIO;
    }
}

static int send_all(int fd, const void *data, size_t size, uint64_t deadline_ns)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);
        if (n > 0) {
            done += (size_t)n;
        } else {
            int code = errno == EAGAIN ? wait_for(fd, POLLOUT, deadline_ns) : LM_ECLOSED;
            if (code)
                return code;
        }
    }
    return LM_OK;
}

static int receive_all(int fd, void *data, size_t size, uint64_t deadline_ns)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = recv(fd, (char *)data + done, size - done, 0);
        if (n > 0) {
            done += (size_t)n;
        } else {
            int code = n && errno == EAGAIN ? wait_for(fd, POLLIN, deadline_ns) : LM_ECLOSED;
            if (code)
                return code;
        }
    }
    return LM_OK;
}

/* *reply is the caller's to free, on success only. */
static int exchange(int fd, uint32_t type, const char *payload, uint64_t deadline_ns, char **reply,
                    size_t *reply_size)
{
    uint8_t header[SWAY_IPC_HEADER_BYTES];
    uint32_t size = 0;
    char *text = NULL;
    sway_ipc_header_encode(header, (uint32_t)strlen(payload), type);
    int code = send_all(fd, header, sizeof header, deadline_ns);
    if (!code)
        code = send_all(fd, payload, strlen(payload), deadline_ns);
    if (!code)
        code = receive_all(fd, header, sizeof header, deadline_ns);
    if (!code)
        code = sway_ipc_header_parse(header, type, &size);
    if (!code && !(text = malloc((size_t)size + 1)))
        code = LM_ENOMEM;
    if (!code)
        code = receive_all(fd, text, size, deadline_ns);
    if (code) {
        free(text);
        return code;
    }
    *reply = text;
    *reply_size = size;
    return LM_OK;
}

int sway_ipc_command(int fd, const char *command, uint64_t deadline_ns)
{
    char *reply;
    size_t size;
    int code = exchange(fd, SWAY_IPC_RUN_COMMAND, command, deadline_ns, &reply, &size);
    if (code)
        return code;
    code = sway_ipc_parse_success(reply, size);
    free(reply);
    return code;
}

int sway_ipc_output_mode(int fd, const char *output, uint64_t deadline_ns,
                         struct display_mode *mode)
{
    char *reply;
    size_t size;
    int code = exchange(fd, SWAY_IPC_GET_OUTPUTS, "", deadline_ns, &reply, &size);
    if (code)
        return code;
    code = sway_ipc_parse_mode(reply, size, output, mode);
    free(reply);
    return code;
}
