#include "host/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUNTIME_MAX_BYTES = 60 }; /* a socket's path ends at 107 bytes, sessions add their names */

static int under(char *out, const char *variable, const char *home_part, const char *rest)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    int size;
    if (base && *base == '/')
        size = snprintf(out, PATHS_BYTES, "%s/%s", base, rest);
    else if (home && *home == '/')
        size = snprintf(out, PATHS_BYTES, "%s/%s/%s", home, home_part, rest);
    else
        return LM_ENOENT;
    return size < PATHS_BYTES ? LM_OK : LM_ELIMIT;
}

int paths_find(struct paths *paths)
{
    int code = under(paths->config, "XDG_CONFIG_HOME", ".config", "lumen/lumen.conf");
    if (!code)
        code = under(paths->state, "XDG_STATE_HOME", ".local/state", "lumen");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime && *runtime == '/' && strlen(runtime) < RUNTIME_MAX_BYTES)
        snprintf(paths->runtime, sizeof paths->runtime, "%s/lumen", runtime);
    else
        snprintf(paths->runtime, sizeof paths->runtime, "/tmp/lumen-%u", (unsigned)getuid());
    return code;
}

int paths_make_runtime(const struct paths *paths)
{
    struct stat st;
    if (strlen(paths->runtime) > RUNTIME_MAX_BYTES)
        return LM_ELIMIT;
    if (mkdir(paths->runtime, 0700) && errno != EEXIST)
        return LM_EIO;
    /* In /tmp anybody could have made it first, or put a link there. */
    if (lstat(paths->runtime, &st))
        return LM_EIO;
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return LM_EAUTH;
    return chmod(paths->runtime, 0700) ? LM_EIO : LM_OK;
}
