/* What the host and a session's supervisor say to each other, one message per packet of a
 * SOCK_SEQPACKET pair. Both ends are this program. */
#ifndef LUMEN_HOST_DISPLAY_CONTROL_H
#define LUMEN_HOST_DISPLAY_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum control_kind {
    /* host to supervisor */
    CONTROL_RUN = 1,    /* text: a shell command line */
    CONTROL_PICTURE_UP, /* the picture no longer competes for the CPU: start the sound */
    CONTROL_QUIT,       /* end everything, then yourself */
    /* supervisor to host */
    CONTROL_LOST,   /* the compositor ended or cannot be started; text: its last words */
    CONTROL_EXITED, /* the program of CONTROL_RUN; status, and its last words in text */
    CONTROL_NOTE,   /* text: something the user should know */
};

enum { CONTROL_TEXT_BYTES = 2000 };

struct control_message {
    uint32_t kind;
    int32_t status;
    char text[CONTROL_TEXT_BYTES]; /* ends with a zero; only the used part is sent */
};

static inline size_t control_message_bytes(const struct control_message *m)
{
    return offsetof(struct control_message, text) + strnlen(m->text, sizeof m->text - 1) + 1;
}

#endif
