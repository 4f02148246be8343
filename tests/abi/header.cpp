/* lumen_core.h as the only include of a program, in C99 and in C++. */
#include "lumen_core.h"

int main(void)
{
    LumenConfig config = {};
    LumenSession *session = lumen_session_new(&config, NULL, NULL);
    lumen_session_free(session);
    return session || lumen_abi_version() != LUMEN_ABI_VERSION;
}
