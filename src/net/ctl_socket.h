/* The local control socket of lumen-host: a UNIX stream socket on which a command line asks one
 * line and gets a text or JSON answer. Only the same user and root are served. */
#ifndef LUMEN_NET_CTL_SOCKET_H
#define LUMEN_NET_CTL_SOCKET_H

#include "net/loop.h"

#include <stddef.h>

struct ctl_server;
struct ctl_request;

enum {
    CTL_LINE_MAX_BYTES = 4096,
    CTL_ANSWER_MAX_BYTES = 1024 * 1024,
    CTL_CONNECTIONS_MAX = 32,
};

struct ctl_server_params {
    const char *path; /* its folder exists; the socket gets mode 0600 */
    /* Must lead to exactly one ctl_request_answer(), here or later. `line` is without its line end,
     * holds no NUL, and is borrowed until the answer. */
    void (*handle)(void *user, struct ctl_request *request, const char *line);
    /* The asker of a parked request left, or the server is being destroyed: the request is invalid
     * when this returns. May be NULL when nothing is parked. */
    void (*gone)(void *user, struct ctl_request *request);
    void *user;
};

/* LM_EEXIST when another process answers on that path; LM_EINVAL (path too long), LM_EIO. */
int ctl_server_create(struct ctl_server **out, struct loop *loop,
                      const struct ctl_server_params *params) LM_MUST_USE;

/* Removes the socket. NULL-safe. */
void ctl_server_destroy(struct ctl_server *server);

void ctl_request_set_user(struct ctl_request *request, void *user);
void *ctl_request_user(const struct ctl_request *request);

/* Copies; the request is invalid after. */
void ctl_request_answer(struct ctl_request *request, const char *text, size_t size_bytes);

/* Client: blocks until the whole answer is there. *answer is owned by the caller, NUL-terminated.
 * Returns its length; LM_ENOENT (no host runs), LM_EAUTH (permission, or refused by the host),
 * LM_ETIMEOUT, LM_EINVAL (line), LM_ELIMIT, LM_EIO. timeout_ns 0: wait for ever. Any thread. */
int ctl_call(const char *path, const char *line, uint64_t timeout_ns, char **answer) LM_MUST_USE;

#endif
