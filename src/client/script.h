/* Input from a file, for tests: steps in order, time counted in decoded frames. See --help for the
 * lines. Main thread. */
#ifndef LUMEN_CLIENT_SCRIPT_H
#define LUMEN_CLIENT_SCRIPT_H

#include "client/grab/grab.h"

enum { SCRIPT_MAX_STEPS = 4096, SCRIPT_TEXT_BYTES = 256, SCRIPT_ERROR_BYTES = 256 };

enum script_verb {
    SCRIPT_WAIT_FRAMES = 1,
    SCRIPT_KEY,
    SCRIPT_TEXT,
    SCRIPT_PLACE,
    SCRIPT_MOVE,
    SCRIPT_BUTTON,
    SCRIPT_SCROLL,
    SCRIPT_HSCROLL,
    SCRIPT_QUIT,
};

/* Which halves of a press. */
enum { SCRIPT_DOWN = 1, SCRIPT_UP = 2 };

struct script_step {
    enum script_verb verb;
    int halves;   /* KEY, BUTTON: SCRIPT_DOWN | SCRIPT_UP */
    int32_t a, b; /* frames; virtual key; x y; dx dy; button; amount */
    char text[SCRIPT_TEXT_BYTES];
};

struct script {
    struct script_step *steps;
    size_t count, next;
    bool waiting;
    uint64_t wait_until; /* decoded frames */
};

/* `source` is the whole file, NUL-terminated. LM_EPROTO: `error` names line and reason; LM_ENOMEM,
 * LM_ELIMIT. */
int script_parse(struct script *s, const char *source, char error[SCRIPT_ERROR_BYTES]) LM_MUST_USE;

/* The same from a file; LM_EIO when it cannot be read. */
int script_load(struct script *s, const char *path, char error[SCRIPT_ERROR_BYTES]) LM_MUST_USE;
void script_finish(struct script *s);

/* Plays what is due after `frames` decoded frames. True: the script says quit. */
bool script_run(struct script *s, struct grab *g, uint64_t frames);

#endif
