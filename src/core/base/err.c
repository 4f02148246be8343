#include "core/base/err.h"

#include <stddef.h>

static const struct {
    int code;
    const char *name, *text;
} table[] = {
    {LM_OK, "LM_OK", "success"},
    {LM_EINVAL, "LM_EINVAL", "invalid argument"},
    {LM_ENOMEM, "LM_ENOMEM", "out of memory"},
    {LM_EIO, "LM_EIO", "system call failed"},
    {LM_EAGAIN, "LM_EAGAIN", "nothing to do now"},
    {LM_EFULL, "LM_EFULL", "queue is full"},
    {LM_EPROTO, "LM_EPROTO", "malformed or unexpected message"},
    {LM_EAUTH, "LM_EAUTH", "authentication failed"},
    {LM_EUNSUPPORTED, "LM_EUNSUPPORTED", "not supported here"},
    {LM_ECLOSED, "LM_ECLOSED", "closed"},
    {LM_ELIMIT, "LM_ELIMIT", "limit exceeded"},
    {LM_ENOENT, "LM_ENOENT", "not found"},
    {LM_EEXIST, "LM_EEXIST", "already exists or in use"},
    {LM_ETIMEOUT, "LM_ETIMEOUT", "timed out"},
    {LM_EDEVICE, "LM_EDEVICE", "device or service not available"},
    {LM_ECORRUPT, "LM_ECORRUPT", "stored data is corrupt"},
};

const char *lm_err_name(int code)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].name;
    return "LM_E?";
}

const char *lm_err_text(int code)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code)
            return table[i].text;
    return "unknown error";
}
