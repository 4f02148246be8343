/* The process that owns a session's desktop: everything on it is its descendant, and it outlives a
 * killed host just long enough to end them all and remove their files. lumen-host runs itself
 * again with this verb; nobody types it. */
#ifndef LUMEN_HOST_DISPLAY_SUPERVISOR_H
#define LUMEN_HOST_DISPLAY_SUPERVISOR_H

#define DESKTOP_SUPERVISOR_VERB "desktop-supervisor"

/* argv: the verb, then DIR, then any of "sound", "xwayland", "frame-clock=PATH". Descriptor 3 is
 * the control socket, 4 holds the directory's lock. Returns the exit status. */
int desktop_supervisor_main(int argc, char **argv);

#endif
