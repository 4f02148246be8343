/* Handles of the public interface: not addresses but an index and a generation, so that one that
 * was freed, or never was one, is told from one in use without touching memory. Any thread; the
 * look-up takes no lock. An object must not be taken while another thread uses it. */
#ifndef LUMEN_CORE_ABI_HANDLE_H
#define LUMEN_CORE_ABI_HANDLE_H

#include "lumen_core.h"

enum lm_handle_kind {
    LM_HANDLE_SESSION = 1,
    LM_HANDLE_SENDER,
    LM_HANDLE_RECEIVER,
    LM_HANDLE_FEC,
};

/* NULL when LUMEN_MAX_OBJECTS are in use. */
void *lm_handle_make(enum lm_handle_kind kind, void *object);

/* _OK: *object is what make got. _NULL_POINTER, _CLOSED, _INVALID_ARG: *object is NULL. */
LumenStatus lm_handle_get(enum lm_handle_kind kind, const void *handle, void **object);

/* The object, and the handle is closed from now on; NULL when it is none. */
void *lm_handle_take(enum lm_handle_kind kind, const void *handle);

#endif
